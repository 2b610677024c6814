//! The Unaport tab shape. Of bank accounts and deposits: flat rows in three arrays, every scalar a string or null, the
//! accounts of a session mixed and told apart by `accountNumber` (`reference/unaport.md` §4.1). Of others: [`tree`].

use std::fmt::Write;

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};

use crate::domain::account::FiType;
use crate::domain::document::Element;
use crate::domain::money::Paise;
use crate::domain::session::Session;
use crate::domain::statement::{Body, Holder, Holders, Row, Statement, Summary, Transactions};
use crate::domain::time::Timestamp;
use crate::domain::unaport::{FetchQuirk, FetchQuirks};
use crate::wire::fi::digits::money;
use crate::wire::fi::tree;
use crate::wire::unaport::with_offset;

/// `tabs` and the tabs of a session's statements; where there are none, there is no tab.
#[derive(Debug)]
pub struct Tabs<'a> {
    statements: &'a [Statement],
    origin: Origin,
    quirks: FetchQuirks,
}

/// What every row repeats.
#[derive(Debug)]
struct Origin {
    consent_id: String,
    session_id: String,
    /// The organisation that the data was fetched for, where there is one.
    org_id: Option<String>,
    created_at: String,
}

impl<'a> Tabs<'a> {
    pub fn new(statements: &'a [Statement], session: &Session) -> Self {
        let origin = Origin {
            consent_id: session.consent_id.to_string(),
            session_id: session.id.to_string(),
            org_id: None,
            created_at: with_offset(session.prepared_at()),
        };
        Self {
            statements,
            origin,
            quirks: FetchQuirks::default(),
        }
    }

    /// Of no session.
    pub fn alone(statements: &'a [Statement], at: Timestamp) -> Self {
        let none = uuid::Uuid::nil().to_string();
        let origin = Origin {
            consent_id: none.clone(),
            session_id: none,
            org_id: None,
            created_at: with_offset(at),
        };
        Self {
            statements,
            origin,
            quirks: FetchQuirks::default(),
        }
    }

    /// As the Unaport face tells them, to this organisation and with these oddities.
    #[must_use]
    pub fn told_to(mut self, org_id: &str, quirks: FetchQuirks) -> Self {
        self.origin.org_id = Some(org_id.to_owned());
        Self { quirks, ..self }
    }
}

impl Serialize for Tabs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            statements,
            origin,
            quirks,
        } = self;
        let mut body = serializer.serialize_map(None)?;
        if statements.is_empty() {
            body.serialize_entry("tabs", &[(); 0])?;
            return body.end();
        }
        // In the order in which the session names them first.
        let mut kinds: Vec<FiType> = Vec::new();
        for statement in *statements {
            if !kinds.contains(&statement.account.fi_type) {
                kinds.push(statement.account.fi_type);
            }
        }
        // Quirk: a receiver of 2026 looks for the other name (`reference/unaport.md` §4.2).
        let name = |kind: FiType| match kind {
            FiType::Deposit if quirks.has(FetchQuirk::DepositV2) => "DEPOSIT_V2",
            kind => kind.as_str(),
        };
        let tabs: Vec<Tab> = kinds.iter().map(|kind| Tab { name: name(*kind) }).collect();
        body.serialize_entry("tabs", &tabs)?;
        for kind in kinds {
            let of_kind: Vec<&Statement> = statements
                .iter()
                .filter(|statement| statement.account.fi_type == kind)
                .collect();
            let name = name(kind);
            match kind {
                FiType::Deposit | FiType::TermDeposit | FiType::RecurringDeposit => {
                    body.serialize_entry(
                        name,
                        &Flat {
                            statements: &of_kind,
                            origin,
                            quirks: *quirks,
                        },
                    )?;
                }
                // Quirk: an object for each registration, its place in its name (`reference/unaport.md` §4.2).
                FiType::Gstr1_3b => body.serialize_entry(name, &tree::registrations(&of_kind))?,
                _ => body.serialize_entry(name, &tree::accounts(&of_kind))?,
            }
        }
        body.end()
    }
}

/// The three arrays of a bank type.
struct Flat<'a> {
    statements: &'a [&'a Statement],
    origin: &'a Origin,
    quirks: FetchQuirks,
}

impl Serialize for Flat<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            statements,
            origin,
            quirks,
        } = *self;
        let summary = statements
            .iter()
            .filter_map(|statement| SummaryRow::new(statement, origin, quirks))
            .collect();
        let holders = statements.iter().flat_map(|statement| {
            let holders = statement.holders.iter().flat_map(Holders::iter);
            holders.map(|holder| HolderRow::new(statement, holder, origin))
        });
        let account_holder = holders.collect();
        let transactions = Rows {
            statements,
            origin,
            quirks,
        };
        Deposit {
            summary,
            account_holder,
            transactions,
        }
        .serialize(serializer)
    }
}

#[derive(Serialize)]
struct Tab {
    name: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Deposit<'a> {
    summary: Vec<SummaryRow<'a>>,
    account_holder: Vec<HolderRow<'a>>,
    transactions: Rows<'a>,
}

/// A column that is null for this kind of account, or that the sandbox has no value for.
type Null = Option<&'static str>;

/// The columns of term and recurring deposits are there, and null for others.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SummaryRow<'a> {
    id: Null,
    current_balance: Option<String>,
    org_id: Option<&'a str>,
    branch: &'a str,
    status: &'static str,
    currency: &'static str,
    fip: &'a str,
    account_number: &'a str,
    session_id: &'a str,
    fetch_type: Null,
    exchange_rate: &'static str,
    consent_id: &'a str,
    balance_date: Option<String>,
    created_at: &'a str,
    facility: Null,
    ifsc_code: &'a str,
    /// Quirk: spelled so on the wire; it is the MICR code.
    micro_code: Option<&'a str>,
    opening_date: String,
    current_od_limit: Option<String>,
    drawing_limit: Option<String>,
    account_type: &'a str,
    compounding_frequency: Option<&'a str>,
    current_value: Option<&'a str>,
    description: Option<&'a str>,
    interest_computation: Option<&'a str>,
    interest_on_maturity: Option<&'a str>,
    interest_payout: Option<&'a str>,
    interest_periodic_payout_amount: Option<&'a str>,
    interest_rate: Option<&'a str>,
    maturity_amount: Option<&'a str>,
    maturity_date: Option<&'a str>,
    principal_amount: Option<&'a str>,
    tenure_days: Option<&'a str>,
    tenure_months: Option<&'a str>,
    tenure_years: Option<&'a str>,
}

impl<'a> SummaryRow<'a> {
    fn new(statement: &'a Statement, origin: &'a Origin, quirks: FetchQuirks) -> Option<Self> {
        let blank = Self {
            id: None,
            current_balance: None,
            org_id: origin.org_id.as_deref(),
            branch: "",
            status: "ACTIVE",
            currency: "INR",
            fip: &statement.account.fip,
            account_number: &statement.account.masked_number,
            session_id: &origin.session_id,
            fetch_type: None,
            exchange_rate: "",
            consent_id: &origin.consent_id,
            balance_date: None,
            created_at: &origin.created_at,
            facility: None,
            ifsc_code: "",
            micro_code: None,
            opening_date: String::new(),
            current_od_limit: None,
            drawing_limit: None,
            account_type: statement.account.account_type.as_str(),
            compounding_frequency: None,
            current_value: None,
            description: None,
            interest_computation: None,
            interest_on_maturity: None,
            interest_payout: None,
            interest_periodic_payout_amount: None,
            interest_rate: None,
            maturity_amount: None,
            maturity_date: None,
            principal_amount: None,
            tenure_days: None,
            tenure_months: None,
            tenure_years: None,
        };
        match &statement.body {
            Body::Bank(told) => Some(Self::of_bank(blank, told.summary.as_ref()?, quirks)),
            Body::Other(document) => Some(Self::of_deposit(blank, document.root.child("Summary")?)),
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "its columns are taken over")]
    fn of_bank(blank: Self, summary: &'a Summary, quirks: FetchQuirks) -> Self {
        let Summary {
            balance,
            balance_at,
            branch,
            ifsc,
            micr,
            opened_on,
            limit,
            active,
        } = summary;
        let java = quirks.has(FetchQuirk::JavaNumbers);
        Self {
            current_balance: Some(if java {
                java_number(*balance)
            } else {
                balance.to_string()
            }),
            branch,
            status: if *active { "ACTIVE" } else { "INACTIVE" },
            balance_date: Some(balance_at.ist_string()),
            facility: (limit.0 > 0).then_some("OD"),
            ifsc_code: ifsc,
            micro_code: Some(micr),
            opening_date: opened_on.to_string(),
            current_od_limit: Some(limit.to_string()),
            drawing_limit: Some(summary.drawing_limit().to_string()),
            ..blank
        }
    }

    /// `Assumption:` the columns that are null for DEPOSIT are those of term and recurring deposits; what a recurring
    /// deposit has beside them has no column.
    fn of_deposit(blank: Self, summary: &'a Element) -> Self {
        let get = |name| summary.get(name);
        Self {
            branch: get("branch").unwrap_or_default(),
            ifsc_code: get("ifsc").unwrap_or_default(),
            opening_date: get("openingDate").unwrap_or_default().to_owned(),
            account_type: get("accountType").unwrap_or_default(),
            compounding_frequency: get("compoundingFrequency"),
            current_value: get("currentValue"),
            description: get("description"),
            interest_computation: get("interestComputation"),
            interest_on_maturity: get("interestOnMaturity"),
            interest_payout: get("interestPayout"),
            interest_periodic_payout_amount: get("interestPeriodicPayoutAmount"),
            interest_rate: get("interestRate"),
            maturity_amount: get("maturityAmount"),
            maturity_date: get("maturityDate"),
            principal_amount: get("principalAmount"),
            tenure_days: get("tenureDays"),
            tenure_months: get("tenureMonths"),
            tenure_years: get("tenureYears"),
            ..blank
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HolderRow<'a> {
    id: Null,
    consent_id: &'a str,
    org_id: Option<&'a str>,
    name: &'a str,
    dob: String,
    nominee: &'static str,
    email: &'a str,
    pan: &'a str,
    address: &'a str,
    mobile: &'a str,
    fip: &'a str,
    account_number: &'a str,
    session_id: &'a str,
    fetch_type: &'static str,
    account_type: &'static str,
    /// Quirk: the small t is the wire's.
    #[serde(rename = "accountHoldertype")]
    account_holder_type: &'static str,
    ckyc_compliance: &'static str,
    created_at: &'a str,
}

impl<'a> HolderRow<'a> {
    fn new(statement: &'a Statement, holder: &'a Holder, origin: &'a Origin) -> Self {
        Self {
            id: None,
            consent_id: &origin.consent_id,
            org_id: origin.org_id.as_deref(),
            name: &holder.name,
            dob: holder.born.to_string(),
            nominee: holder.nominee(),
            email: &holder.email,
            pan: &holder.pan,
            address: &holder.address,
            mobile: &holder.mobile,
            fip: &statement.account.fip,
            account_number: &statement.account.masked_number,
            session_id: &origin.session_id,
            // Quirk: the recorded rows have the kind of account here.
            fetch_type: match statement.account.fi_type {
                FiType::TermDeposit => "term_deposit",
                FiType::RecurringDeposit => "recurring_deposit",
                _ => "deposit",
            },
            account_type: statement.account.account_type.as_str(),
            account_holder_type: statement.holders.as_ref().map_or("SINGLE", Holders::kind),
            ckyc_compliance: if holder.ckyc_compliant {
                "true"
            } else {
                "false"
            },
            created_at: &origin.created_at,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TransactionRow<'a> {
    id: Null,
    org_id: Option<&'a str>,
    tran_timestamp: &'a str,
    session_id: &'a str,
    narration: &'a str,
    amount: &'a str,
    consent_id: &'a str,
    r#type: &'a str,
    mode: &'a str,
    current_balance: Option<&'a str>,
    txn_id: &'a str,
    value_date: &'a str,
    reference: &'a str,
    balance: Option<&'a str>,
    account_number: &'a str,
    transaction_date: Option<&'a str>,
    created_at: &'a str,
}

/// All rows of all accounts, written one by one with reused buffers.
struct Rows<'a> {
    statements: &'a [&'a Statement],
    origin: &'a Origin,
    quirks: FetchQuirks,
}

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut rows = serializer.serialize_seq(None)?;
        let mut texts = Texts {
            at: [0; 25],
            amount: Vec::new(),
            balance: Vec::new(),
            id: String::new(),
        };
        for statement in self.statements {
            match &statement.body {
                Body::Bank(bank) => {
                    if let Some(transactions) = &bank.transactions {
                        for row in &transactions.rows {
                            rows.serialize_element(&texts.row(row, transactions, statement, self))?;
                        }
                    }
                }
                Body::Other(document) => {
                    for row in document
                        .root
                        .child("Transactions")
                        .iter()
                        .flat_map(|all| &all.children)
                    {
                        rows.serialize_element(&deposit_row(row, statement, self.origin))?;
                    }
                }
            }
        }
        rows.end()
    }
}

/// A row of a term or recurring deposit; its own columns are those that DEPOSIT leaves null.
fn deposit_row<'a>(
    row: &'a Element,
    statement: &'a Statement,
    origin: &'a Origin,
) -> TransactionRow<'a> {
    let get = |name| row.get(name).unwrap_or_default();
    TransactionRow {
        id: None,
        org_id: origin.org_id.as_deref(),
        tran_timestamp: get("transactionDateTime"),
        session_id: &origin.session_id,
        narration: get("narration"),
        amount: get("amount"),
        consent_id: &origin.consent_id,
        r#type: get("type"),
        mode: get("mode"),
        current_balance: None,
        txn_id: get("txnId"),
        value_date: get("valueDate"),
        reference: get("reference"),
        balance: Some(get("balance")),
        account_number: &statement.account.masked_number,
        transaction_date: Some(get("transactionDateTime")),
        created_at: &origin.created_at,
    }
}

/// Buffers of one row's texts.
struct Texts {
    at: [u8; 25],
    amount: Vec<u8>,
    balance: Vec<u8>,
    id: String,
}

impl Texts {
    fn row<'a>(
        &'a mut self,
        row: &Row,
        transactions: &'a Transactions,
        statement: &'a Statement,
        rows: &'a Rows<'a>,
    ) -> TransactionRow<'a> {
        let Rows { origin, quirks, .. } = rows;
        let Self {
            at,
            amount,
            balance,
            id,
        } = self;
        *at = row.at.ist();
        let tran_timestamp = if quirks.has(FetchQuirk::NoSeconds) {
            at.copy_within(19.., 16);
            &at[..22]
        } else {
            &at[..]
        };
        amount.clear();
        balance.clear();
        if quirks.has(FetchQuirk::JavaNumbers) {
            amount.extend_from_slice(java_number(row.amount).as_bytes());
            balance.extend_from_slice(java_number(row.balance).as_bytes());
        } else {
            money(amount, row.amount);
            money(balance, row.balance);
        }
        id.clear();
        write!(id, "M{}", row.id).expect("writing to a string cannot fail");
        TransactionRow {
            id: None,
            org_id: origin.org_id.as_deref(),
            tran_timestamp: ascii(tran_timestamp),
            session_id: &origin.session_id,
            narration: transactions.narration(row),
            amount: ascii(amount),
            consent_id: &origin.consent_id,
            r#type: row.transaction_type.as_str(),
            mode: row.mode.v1(),
            current_balance: Some(ascii(balance)),
            txn_id: id,
            value_date: ascii(&at[..10]),
            reference: transactions.reference(row),
            balance: None,
            account_number: &statement.account.masked_number,
            transaction_date: None,
            created_at: &origin.created_at,
        }
    }
}

/// An amount as Java prints a double (`Double.toString`): `29.5`, `220022.0`, `1.0E8` (`reference/unaport.md` §4.1).
fn java_number(amount: Paise) -> String {
    let Paise(paise) = amount;
    let (sign, digits) = (if paise < 0 { "-" } else { "" }, paise.unsigned_abs());
    if digits < 1_000_000_000 {
        let text = format!("{sign}{}.{:02}", digits / 100, digits % 100);
        return text.strip_suffix('0').map(str::to_owned).unwrap_or(text);
    }
    let text = digits.to_string();
    let rest = text[1..].trim_end_matches('0');
    format!(
        "{sign}{}.{}E{}",
        &text[..1],
        if rest.is_empty() { "0" } else { rest },
        text.len() - 3
    )
}

/// Digits and punctuation as text.
fn ascii(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("digits and punctuation are ASCII")
}

#[cfg(test)]
mod tests {
    use super::java_number;
    use crate::domain::money::Paise;

    #[test]
    fn amounts_as_java_prints_them() {
        for (paise, text) in [
            (2_950, "29.5"),
            (22_002_200, "220022.0"),
            (10_000_000_000, "1.0E8"),
            (0, "0.0"),
            (1, "0.01"),
            (-559_226, "-5592.26"),
            (999_999_999, "9999999.99"),
            (1_000_000_000, "1.0E7"),
            (1_043_311_855, "1.043311855E7"),
        ] {
            assert_eq!(java_number(Paise(paise)), text);
        }
    }
}
