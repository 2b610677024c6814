//! Unaport tabs, the body of Fetch Data (`docs/sources.md#unaport-fetch-data`).
//!
//! The tabs of bank accounts and deposits have flat rows in three arrays. Every scalar is a string
//! or null; the accounts of a session are mixed and distinguished by `accountNumber`. The tabs of
//! other FI types are in [`element_json`].

use std::fmt::Write;

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};

use crate::domain::account::FiType;
use crate::domain::document::Element;
use crate::domain::money::Paise;
use crate::domain::participants::FiSchema;
use crate::domain::session::Session;
use crate::domain::statement::{
    Holder, Holders, Row, SentStatement, StatementBody, Summary, Transactions,
};
use crate::domain::time::Timestamp;
use crate::domain::unaport::DepositTab;
use crate::wire::fi::element_json;
use crate::wire::fi::form::{BALANCE_ATTRIBUTES, TIME_ATTRIBUTES};
use crate::wire::fi::format::{format_date, push_amount};
use crate::wire::fi::xml::facility_word;
use crate::wire::unaport::format_with_offset;

/// The list `tabs` and one tab for each FI type of a session's statements. Without statements, the
/// list is empty and there is no tab.
#[derive(Debug)]
pub struct Tabs<'a> {
    statements: &'a [SentStatement],
    context: RowContext,
    deposit_tab: DepositTab,
}

/// The columns with the same value in every row.
#[derive(Debug)]
struct RowContext {
    consent_id: String,
    session_id: String,
    /// The organisation that the data was fetched for, if any.
    org_id: Option<String>,
    created_at: String,
}

impl<'a> Tabs<'a> {
    pub fn new(statements: &'a [SentStatement], session: &Session) -> Self {
        let context = RowContext {
            consent_id: session.consent_id.to_string(),
            session_id: session.id.to_string(),
            org_id: None,
            created_at: format_with_offset(session.prepared_at()),
        };
        Self {
            statements,
            context,
            deposit_tab: DepositTab::default(),
        }
    }

    /// Creates tabs outside a session; the consent and session ids are nil UUIDs.
    pub fn without_session(statements: &'a [SentStatement], at: Timestamp) -> Self {
        let nil_id = uuid::Uuid::nil().to_string();
        let context = RowContext {
            consent_id: nil_id.clone(),
            session_id: nil_id,
            org_id: None,
            created_at: format_with_offset(at),
        };
        Self {
            statements,
            context,
            deposit_tab: DepositTab::default(),
        }
    }

    /// Sets the organisation that fetches the data, and the name of the tab of bank accounts.
    #[must_use]
    pub fn for_org(mut self, org_id: &str, deposit_tab: DepositTab) -> Self {
        self.context.org_id = Some(org_id.to_owned());
        Self {
            deposit_tab,
            ..self
        }
    }
}

impl Serialize for Tabs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            statements,
            context,
            deposit_tab,
        } = self;
        let mut body = serializer.serialize_map(None)?;
        if statements.is_empty() {
            body.serialize_entry("tabs", &[(); 0])?;
            return body.end();
        }
        // In the order of first occurrence in the session.
        let mut fi_types: Vec<FiType> = Vec::new();
        for statement in *statements {
            if !fi_types.contains(&statement.account.fi_type) {
                fi_types.push(statement.account.fi_type);
            }
        }
        let tabs: Vec<TabName> = fi_types
            .iter()
            .map(|fi_type| TabName {
                name: tab_name(*fi_type, *deposit_tab),
            })
            .collect();
        body.serialize_entry("tabs", &tabs)?;
        for fi_type in fi_types {
            let same_type: Vec<&SentStatement> = statements
                .iter()
                .filter(|statement| statement.account.fi_type == fi_type)
                .collect();
            let tab = tab_name(fi_type, *deposit_tab);
            match fi_type {
                _ if fi_type.is_deposit() => {
                    body.serialize_entry(
                        tab,
                        &BankTab {
                            statements: &same_type,
                            context,
                        },
                    )?;
                }
                // Quirk: one object for each registration, numbered by its name
                // (`docs/sources.md#unaport-fetch-data`).
                FiType::Gstr1_3b => {
                    body.serialize_entry(
                        tab,
                        &element_json::gst_registrations_to_json(&same_type),
                    )?;
                }
                _ => body.serialize_entry(tab, &element_json::accounts_to_json(&same_type))?,
            }
        }
        body.end()
    }
}

/// Returns the name of an FI type's tab.
fn tab_name(fi_type: FiType, deposit_tab: DepositTab) -> &'static str {
    match fi_type {
        FiType::Deposit => deposit_tab.as_str(),
        _ => fi_type.as_str(),
    }
}

/// The tab of bank accounts, term deposits or recurring deposits.
struct BankTab<'a> {
    statements: &'a [&'a SentStatement],
    context: &'a RowContext,
}

impl Serialize for BankTab<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            statements,
            context,
        } = *self;
        let summary = statements
            .iter()
            .filter_map(|statement| SummaryRow::new(statement, context))
            .collect();
        let holders = statements.iter().flat_map(|statement| {
            let holders = statement.holders.iter().flat_map(Holders::iter);
            holders.enumerate().map(|(index, holder)| {
                let row = HolderRow::new(statement, holder, context);
                match holder_element(statement, index) {
                    Some(element) => row.with_element(element),
                    None => row,
                }
            })
        });
        let account_holder = holders.collect();
        let transactions = TransactionRows {
            statements,
            context,
        };
        BankTabBody {
            summary,
            account_holder,
            transactions,
        }
        .serialize(serializer)
    }
}

#[derive(Serialize)]
struct TabName {
    name: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BankTabBody<'a> {
    summary: Vec<SummaryRow<'a>>,
    account_holder: Vec<HolderRow<'a>>,
    transactions: TransactionRows<'a>,
}

/// A column that is null for most accounts, or for which mockaa has no value.
type NullColumn = Option<&'static str>;

/// A row of `summary`. The columns of term and recurring deposits are null for bank accounts.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SummaryRow<'a> {
    id: NullColumn,
    current_balance: Option<String>,
    org_id: Option<&'a str>,
    /// The code of the branch, not its name.
    branch: &'a str,
    status: &'a str,
    currency: &'static str,
    fip: &'a str,
    account_number: &'a str,
    session_id: &'a str,
    fetch_type: NullColumn,
    exchange_rate: &'static str,
    consent_id: &'a str,
    balance_date: Option<String>,
    created_at: &'a str,
    facility: &'a str,
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
    fn new(statement: &'a SentStatement, context: &'a RowContext) -> Option<Self> {
        let blank = Self {
            id: None,
            current_balance: None,
            org_id: context.org_id.as_deref(),
            branch: "",
            status: "ACTIVE",
            currency: "INR",
            fip: &statement.account.fip,
            account_number: &statement.account.masked_number,
            session_id: &context.session_id,
            fetch_type: None,
            exchange_rate: "",
            consent_id: &context.consent_id,
            balance_date: None,
            created_at: &context.created_at,
            facility: "",
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
            StatementBody::Bank(bank) => Some(Self::from_bank_summary(
                blank,
                bank.summary.as_ref()?,
                statement.schema,
            )),
            StatementBody::Other(document) => {
                let summary = document.root.find_child("Summary")?;
                Some(if statement.account.fi_type == FiType::Deposit {
                    Self::from_bank_element(blank, summary)
                } else {
                    Self::from_deposit_summary(blank, summary)
                })
            }
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "its columns are moved")]
    fn from_bank_summary(blank: Self, summary: &'a Summary, schema: FiSchema) -> Self {
        let Summary {
            balance,
            balance_at,
            branch: _,
            ifsc,
            micr,
            opened_on,
            overdraft_limit: limit,
            active,
        } = summary;
        Self {
            current_balance: Some(balance.to_string()),
            branch: branch_code(ifsc),
            status: if *active { "ACTIVE" } else { "INACTIVE" },
            balance_date: Some(balance_at.to_ist_string()),
            facility: facility_word(limit.0 > 0, schema).unwrap_or_default(),
            ifsc_code: ifsc,
            micro_code: Some(micr),
            opening_date: opened_on.map_or_else(String::new, |day| day.to_string()),
            current_od_limit: Some(limit.to_string()),
            drawing_limit: Some(summary.drawing_limit().to_string()),
            ..blank
        }
    }

    /// Creates the row of a bank account whose document has quirks.
    #[expect(clippy::needless_pass_by_value, reason = "its columns are moved")]
    fn from_bank_element(blank: Self, summary: &'a Element) -> Self {
        let owned = |name| summary.attribute_value(name).map(str::to_owned);
        let ifsc = summary
            .first_attribute_value(&["ifsc", "ifscCode"])
            .unwrap_or_default();
        let no_limit = || Some(Paise(0).to_string());
        Self {
            current_balance: owned("currentBalance"),
            branch: branch_code(ifsc),
            status: attribute_or_empty(summary, "status"),
            balance_date: owned("balanceDateTime"),
            facility: attribute_or_empty(summary, "facility"),
            ifsc_code: ifsc,
            micro_code: summary.attribute_value("micrCode"),
            opening_date: owned("openingDate").unwrap_or_default(),
            current_od_limit: owned("currentODLimit").or_else(no_limit),
            drawing_limit: owned("drawingLimit").or_else(no_limit),
            ..blank
        }
    }

    /// Creates the row of a term or recurring deposit.
    ///
    /// `Assumption:` the columns that are null for DEPOSIT are those of term and recurring
    /// deposits; further attributes of a recurring deposit have no column.
    fn from_deposit_summary(blank: Self, summary: &'a Element) -> Self {
        let ifsc = summary.attribute_value("ifsc").unwrap_or_default();
        Self {
            branch: branch_code(ifsc),
            ifsc_code: ifsc,
            opening_date: summary
                .attribute_value("openingDate")
                .unwrap_or_default()
                .to_owned(),
            account_type: summary.attribute_value("accountType").unwrap_or_default(),
            compounding_frequency: summary.attribute_value("compoundingFrequency"),
            current_value: summary.first_attribute_value(&["currentValue", "currentBalance"]),
            description: summary.attribute_value("description"),
            interest_computation: summary.attribute_value("interestComputation"),
            interest_on_maturity: summary.attribute_value("interestOnMaturity"),
            interest_payout: summary.attribute_value("interestPayout"),
            interest_periodic_payout_amount: summary
                .attribute_value("interestPeriodicPayoutAmount"),
            interest_rate: summary.attribute_value("interestRate"),
            maturity_amount: summary.attribute_value("maturityAmount"),
            maturity_date: summary.attribute_value("maturityDate"),
            principal_amount: summary.attribute_value("principalAmount"),
            tenure_days: summary.attribute_value("tenureDays"),
            tenure_months: summary.attribute_value("tenureMonths"),
            tenure_years: summary.attribute_value("tenureYears"),
            ..blank
        }
    }
}

/// Returns the code of the branch in an IFSC: its last four characters, as in the recorded row.
fn branch_code(ifsc: &str) -> &str {
    ifsc.get(ifsc.len().saturating_sub(4)..).unwrap_or_default()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HolderRow<'a> {
    id: NullColumn,
    consent_id: &'a str,
    org_id: Option<&'a str>,
    name: &'a str,
    dob: String,
    nominee: &'a str,
    email: &'a str,
    pan: &'a str,
    address: &'a str,
    mobile: &'a str,
    fip: &'a str,
    account_number: &'a str,
    session_id: &'a str,
    fetch_type: &'static str,
    account_type: &'static str,
    /// Quirk: spelled so on the wire, with a small t.
    #[serde(rename = "accountHoldertype")]
    account_holder_type: &'static str,
    ckyc_compliance: &'static str,
    created_at: &'a str,
}

impl<'a> HolderRow<'a> {
    fn new(statement: &'a SentStatement, holder: &'a Holder, context: &'a RowContext) -> Self {
        Self {
            id: None,
            consent_id: &context.consent_id,
            org_id: context.org_id.as_deref(),
            name: &holder.name,
            dob: holder.birth_text(),
            nominee: holder.nominee_status().unwrap_or_default(),
            email: &holder.email,
            pan: &holder.pan,
            address: &holder.address,
            mobile: &holder.mobile,
            fip: &statement.account.fip,
            account_number: &statement.account.masked_number,
            session_id: &context.session_id,
            // Quirk: the recorded rows have the FI type here.
            fetch_type: match statement.account.fi_type {
                FiType::TermDeposit => "term_deposit",
                FiType::RecurringDeposit => "recurring_deposit",
                _ => "deposit",
            },
            account_type: statement.account.account_type.as_str(),
            account_holder_type: statement
                .holders
                .as_ref()
                .map_or("SINGLE", Holders::holding_type),
            ckyc_compliance: if holder.ckyc_compliant == Some(true) {
                "true"
            } else {
                "false"
            },
            created_at: &context.created_at,
        }
    }

    /// Takes the values from a document, which has quirks.
    fn with_element(self, holder: &'a Element) -> Self {
        Self {
            name: attribute_or_empty(holder, "name"),
            dob: attribute_or_empty(holder, "dob").to_owned(),
            nominee: attribute_or_empty(holder, "nominee"),
            email: attribute_or_empty(holder, "email"),
            pan: attribute_or_empty(holder, "pan"),
            address: attribute_or_empty(holder, "address"),
            mobile: attribute_or_empty(holder, "mobile"),
            ..self
        }
    }
}

/// Returns the element of a holder in a statement that is a document.
fn holder_element(statement: &SentStatement, index: usize) -> Option<&Element> {
    let StatementBody::Other(document) = &statement.body else {
        return None;
    };
    let profile = document.root.find_child("Profile")?;
    profile.find_child("Holders")?.children.get(index)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TransactionRow<'a> {
    id: NullColumn,
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

/// The rows of all accounts, serialised one by one with reused buffers.
struct TransactionRows<'a> {
    statements: &'a [&'a SentStatement],
    context: &'a RowContext,
}

impl Serialize for TransactionRows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut rows = serializer.serialize_seq(None)?;
        let mut buffers = RowBuffers {
            at: [0; 25],
            amount: Vec::new(),
            balance: Vec::new(),
            id: String::new(),
            value_date: [0; 10],
        };
        for statement in self.statements {
            match &statement.body {
                StatementBody::Bank(bank) => {
                    if let Some(transactions) = &bank.transactions {
                        for row in &transactions.rows {
                            rows.serialize_element(&buffers.fill_row(
                                row,
                                transactions,
                                statement,
                                self,
                            ))?;
                        }
                    }
                }
                StatementBody::Other(document) => {
                    for row in document
                        .root
                        .find_child("Transactions")
                        .iter()
                        .flat_map(|transactions| &transactions.children)
                    {
                        rows.serialize_element(&build_deposit_row(row, statement, self.context))?;
                    }
                }
            }
        }
        rows.end()
    }
}

/// Builds the row of a term or recurring deposit, or of a bank account whose document has quirks.
/// The columns of the two kinds differ.
fn build_deposit_row<'a>(
    row: &'a Element,
    statement: &'a SentStatement,
    context: &'a RowContext,
) -> TransactionRow<'a> {
    let is_bank_account = statement.account.fi_type == FiType::Deposit;
    let at = row
        .first_attribute_value(&TIME_ATTRIBUTES)
        .unwrap_or_default();
    let balance = row
        .first_attribute_value(&BALANCE_ATTRIBUTES)
        .unwrap_or_default();
    TransactionRow {
        id: None,
        org_id: context.org_id.as_deref(),
        tran_timestamp: at,
        session_id: &context.session_id,
        narration: attribute_or_empty(row, "narration"),
        amount: attribute_or_empty(row, "amount"),
        consent_id: &context.consent_id,
        r#type: attribute_or_empty(row, "type"),
        mode: attribute_or_empty(row, "mode"),
        current_balance: is_bank_account.then_some(balance),
        txn_id: attribute_or_empty(row, "txnId"),
        value_date: attribute_or_empty(row, "valueDate"),
        reference: attribute_or_empty(row, "reference"),
        balance: (!is_bank_account).then_some(balance),
        account_number: &statement.account.masked_number,
        transaction_date: (!is_bank_account).then_some(at),
        created_at: &context.created_at,
    }
}

fn attribute_or_empty<'a>(element: &'a Element, name: &str) -> &'a str {
    element.attribute_value(name).unwrap_or_default()
}

/// Buffers for the texts of one row.
struct RowBuffers {
    at: [u8; 25],
    amount: Vec<u8>,
    balance: Vec<u8>,
    id: String,
    value_date: [u8; 10],
}

impl RowBuffers {
    fn fill_row<'a>(
        &'a mut self,
        row: &Row,
        transactions: &'a Transactions,
        statement: &'a SentStatement,
        rows: &'a TransactionRows<'a>,
    ) -> TransactionRow<'a> {
        let TransactionRows { context, .. } = rows;
        let Self {
            at,
            amount,
            balance,
            id,
            value_date,
        } = self;
        *at = row.at.to_ist_bytes();
        amount.clear();
        balance.clear();
        push_amount(amount, row.amount);
        push_amount(balance, row.balance);
        id.clear();
        let supplied = transactions.row(row).supplied;
        match supplied.txn_id {
            Some(text) => id.push_str(text),
            None => write!(id, "M{}", row.id).expect("writing to a string cannot fail"),
        }
        *value_date = match supplied.value_date {
            Some(day) => format_date(day),
            None => *at.first_chunk().expect("a date comes first"),
        };
        TransactionRow {
            id: None,
            org_id: context.org_id.as_deref(),
            tran_timestamp: ascii_str(&at[..]),
            session_id: &context.session_id,
            narration: transactions.narration(row),
            amount: ascii_str(amount),
            consent_id: &context.consent_id,
            r#type: row.transaction_type.as_str(),
            mode: row.mode.name_in(statement.schema),
            current_balance: Some(ascii_str(balance)),
            txn_id: id,
            value_date: ascii_str(&value_date[..]),
            reference: transactions.reference(row),
            balance: None,
            account_number: &statement.account.masked_number,
            transaction_date: None,
            created_at: &context.created_at,
        }
    }
}

/// Returns digits and punctuation as text.
fn ascii_str(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("digits and punctuation are ASCII")
}
