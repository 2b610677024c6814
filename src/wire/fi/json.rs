//! The Unaport tab shape of DEPOSIT: flat rows in three arrays, every scalar a string or null, the accounts of a
//! session mixed and told apart by `accountNumber` (`reference/unaport.md` §4.1).

use std::fmt::Write;

use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};

use crate::domain::session::Session;
use crate::domain::statement::{Row, Statement, Transactions};
use crate::domain::time::Timestamp;
use crate::wire::fi::digits::{instant, money};

/// `tabs` and the DEPOSIT arrays of a session's statements.
#[derive(Debug)]
pub struct DepositTab<'a> {
    statements: &'a [Statement],
    origin: Origin,
}

/// What every row repeats.
#[derive(Debug)]
struct Origin {
    consent_id: String,
    session_id: String,
    created_at: String,
}

impl<'a> DepositTab<'a> {
    /// `created_at` is when the session's data was prepared, in world time.
    pub fn new(statements: &'a [Statement], session: &Session, created_at: Timestamp) -> Self {
        let mut created_at = created_at.to_string();
        // Quirk: these rows say +00:00 where notifications say Z (recorded collection, FifetchDataBySessionId).
        created_at.truncate(created_at.len() - 1);
        created_at.push_str("+00:00");
        let origin =
            Origin { consent_id: session.consent_id.to_string(), session_id: session.id.to_string(), created_at };
        Self { statements, origin }
    }
}

impl Serialize for DepositTab<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            tabs: [Tab; 1],
            #[serde(rename = "DEPOSIT")]
            deposit: Deposit<'a>,
        }
        let Self { statements, origin } = self;
        let summary = statements.iter().filter_map(|statement| SummaryRow::new(statement, origin)).collect();
        let account_holder = statements.iter().filter_map(|statement| HolderRow::new(statement, origin)).collect();
        let deposit = Deposit { summary, account_holder, transactions: Rows { statements, origin } };
        Body { tabs: [Tab { name: "DEPOSIT" }], deposit }.serialize(serializer)
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

/// The columns of term and recurring deposits are there, and null.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SummaryRow<'a> {
    id: Null,
    current_balance: String,
    org_id: Null,
    branch: &'a str,
    status: &'static str,
    currency: &'static str,
    fip: &'a str,
    account_number: &'a str,
    session_id: &'a str,
    fetch_type: Null,
    exchange_rate: &'static str,
    consent_id: &'a str,
    balance_date: String,
    created_at: &'a str,
    facility: Null,
    ifsc_code: &'a str,
    /// Quirk: spelled so on the wire; it is the MICR code.
    micro_code: &'a str,
    opening_date: String,
    current_od_limit: &'static str,
    drawing_limit: &'static str,
    account_type: &'static str,
    compounding_frequency: Null,
    current_value: Null,
    description: Null,
    interest_computation: Null,
    interest_on_maturity: Null,
    interest_payout: Null,
    interest_periodic_payout_amount: Null,
    interest_rate: Null,
    maturity_amount: Null,
    maturity_date: Null,
    principal_amount: Null,
    tenure_days: Null,
    tenure_months: Null,
    tenure_years: Null,
}

impl<'a> SummaryRow<'a> {
    fn new(statement: &'a Statement, origin: &'a Origin) -> Option<Self> {
        let summary = statement.summary.as_ref()?;
        Some(Self {
            id: None,
            current_balance: summary.balance.to_string(),
            org_id: None,
            branch: &summary.branch,
            status: "ACTIVE",
            currency: "INR",
            fip: &statement.account.fip,
            account_number: &statement.account.masked_number,
            session_id: &origin.session_id,
            fetch_type: None,
            exchange_rate: "",
            consent_id: &origin.consent_id,
            balance_date: ascii(&instant(summary.balance_at)).to_owned(),
            created_at: &origin.created_at,
            facility: None,
            ifsc_code: &summary.ifsc,
            micro_code: &summary.micr,
            opening_date: summary.opened_on.to_string(),
            current_od_limit: "0.00",
            drawing_limit: "0.00",
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
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HolderRow<'a> {
    id: Null,
    consent_id: &'a str,
    org_id: Null,
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
    fn new(statement: &'a Statement, origin: &'a Origin) -> Option<Self> {
        let holder = statement.profile.as_ref()?;
        Some(Self {
            id: None,
            consent_id: &origin.consent_id,
            org_id: None,
            name: &holder.name,
            dob: holder.born.to_string(),
            nominee: if holder.nominee_registered { "REGISTERED" } else { "NOT-REGISTERED" },
            email: &holder.email,
            pan: &holder.pan,
            address: &holder.address,
            mobile: &holder.mobile,
            fip: &statement.account.fip,
            account_number: &statement.account.masked_number,
            session_id: &origin.session_id,
            // Quirk: the recorded rows have the kind of account here.
            fetch_type: "deposit",
            account_type: statement.account.account_type.as_str(),
            account_holder_type: "SINGLE",
            ckyc_compliance: if holder.ckyc_compliant { "true" } else { "false" },
            created_at: &origin.created_at,
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TransactionRow<'a> {
    id: Null,
    org_id: Null,
    tran_timestamp: &'a str,
    session_id: &'a str,
    narration: &'a str,
    amount: &'a str,
    consent_id: &'a str,
    r#type: &'static str,
    mode: &'static str,
    current_balance: &'a str,
    txn_id: &'a str,
    value_date: &'a str,
    reference: &'a str,
    balance: Null,
    account_number: &'a str,
    transaction_date: Null,
    created_at: &'a str,
}

/// All rows of all accounts, written one by one with reused buffers.
struct Rows<'a> {
    statements: &'a [Statement],
    origin: &'a Origin,
}

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut rows = serializer.serialize_seq(None)?;
        let mut texts = Texts { at: [0; 25], amount: Vec::new(), balance: Vec::new(), id: String::new() };
        for statement in self.statements {
            if let Some(transactions) = &statement.transactions {
                for row in &transactions.rows {
                    rows.serialize_element(&texts.row(row, transactions, statement, self.origin))?;
                }
            }
        }
        rows.end()
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
        origin: &'a Origin,
    ) -> TransactionRow<'a> {
        let Self { at, amount, balance, id } = self;
        *at = instant(row.at);
        amount.clear();
        money(amount, row.amount);
        balance.clear();
        money(balance, row.balance);
        id.clear();
        write!(id, "M{}", row.id).expect("writing to a string cannot fail");
        TransactionRow {
            id: None,
            org_id: None,
            tran_timestamp: ascii(at),
            session_id: &origin.session_id,
            narration: transactions.narration(row),
            amount: ascii(amount),
            consent_id: &origin.consent_id,
            r#type: row.transaction_type.as_str(),
            mode: row.mode.as_str(),
            current_balance: ascii(balance),
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

/// Digits and punctuation as text.
fn ascii(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("digits and punctuation are ASCII")
}
