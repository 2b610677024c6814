//! Statements: a FIP's report on one account, with holders, summary and transactions.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;
use std::ops::Deref;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::domain::account::{Account, AccountType};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::document::Document;
use crate::domain::ledger_changes::TransactionContent;
use crate::domain::money::Paise;
use crate::domain::naming::wire_enum;
use crate::domain::participants::FiSchema;
use crate::domain::quirk::Quirks;
use crate::domain::terms::{TimeRange, TransactionType};
use crate::domain::time::Timestamp;

wire_enum! {
    /// Mode of a transaction (ReBIT FI schema DEPOSIT v2.0.0, `Transaction.mode`).
    TransactionMode {
        Cash = "CASH",
        Upi = "UPI",
        Imps = "IMPS",
        Neft = "NEFT",
        Rtgs = "RTGS",
        Card = "CARD",
        Atm = "ATM",
        Cheque = "CHEQUE",
        DemandDraft = "DEMAND_DRAFT",
        AutoDebit = "AUTO_DEBIT",
        InterestCredit = "INTEREST_CREDIT",
        Nach = "NACH",
        Ecs = "ECS",
        Remittance = "REMITTANCE",
        Others = "OTHERS",
    }
}

impl TransactionMode {
    /// Returns the name in a generation of the schemas. That of the retired one is coarser; FT is
    /// a transfer of funds.
    pub fn name_in(self, schema: FiSchema) -> &'static str {
        if schema == FiSchema::Current {
            return self.as_str();
        }
        match self {
            Self::Cash => "CASH",
            Self::Upi => "UPI",
            Self::Card => "CARD",
            Self::Atm => "ATM",
            Self::Imps | Self::Neft | Self::Rtgs | Self::Remittance => "FT",
            Self::Cheque
            | Self::DemandDraft
            | Self::AutoDebit
            | Self::InterestCredit
            | Self::Nach
            | Self::Ecs
            | Self::Others => "OTHERS",
        }
    }

    /// Parses a name of either generation.
    pub fn parse_any_name(text: &str) -> Option<Self> {
        if text == "FT" {
            Some(Self::Neft)
        } else {
            Self::parse(text)
        }
    }
}

/// The statement of one account. Parts that the consent's `consentTypes` do not include are absent.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    pub account: Account,
    /// Name of the FIP, for people.
    pub fip_name: Arc<str>,
    pub holders: Option<Holders>,
    pub body: StatementBody,
}

/// A statement in the form in which a FIP sends it: a document has the names of one generation only.
#[derive(Clone, Debug, PartialEq)]
pub struct SentStatement {
    pub statement: Statement,
    pub schema: FiSchema,
    /// `true` if elements in XML have a prefix.
    pub has_prefix: bool,
}

/// The form in which a FIP sends a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementForm {
    pub schema: FiSchema,
    pub quirks: Quirks,
}

impl From<FiSchema> for StatementForm {
    fn from(schema: FiSchema) -> Self {
        Self {
            schema,
            quirks: Quirks::default(),
        }
    }
}

impl Deref for SentStatement {
    type Target = Statement;

    fn deref(&self) -> &Statement {
        &self.statement
    }
}

/// The parts of a statement other than the holders.
#[derive(Clone, Debug, PartialEq)]
pub enum StatementBody {
    Bank(BankStatement),
    /// The document of an account that is not a bank account.
    Other(Document),
}

/// Summary and transactions of a bank account.
#[derive(Clone, Debug, PartialEq)]
pub struct BankStatement {
    pub summary: Option<Summary>,
    pub transactions: Option<Transactions>,
}

impl Statement {
    /// Returns the parts of a bank account's statement.
    pub fn as_bank(&self) -> Option<&BankStatement> {
        match &self.body {
            StatementBody::Bank(bank) => Some(bank),
            StatementBody::Other(_) => None,
        }
    }

    /// Returns the transactions of a bank account, if the consent includes them.
    pub fn transactions(&self) -> Option<&Transactions> {
        self.as_bank()?.transactions.as_ref()
    }
}

/// The holders of an account, one at least.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holders {
    pub first: Holder,
    pub others: Vec<Holder>,
}

impl Holders {
    pub fn iter(&self) -> impl Iterator<Item = &Holder> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Returns the type in the FI schemas.
    pub fn holding_type(&self) -> &'static str {
        if self.others.is_empty() {
            "SINGLE"
        } else {
            "JOINT"
        }
    }
}

/// A holder. All values are invented, unless a statement was supplied. A text that a supplied statement does not have
/// is empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub name: String,
    pub date_of_birth: Option<NaiveDate>,
    /// Digits with the country code.
    pub mobile: String,
    pub landline: String,
    pub email: String,
    pub pan: String,
    pub address: String,
    pub nominee_registered: Option<bool>,
    /// `None`: no data available.
    pub ckyc_compliant: Option<bool>,
    /// Demat account of securities: depository participant and client, 16 characters.
    pub demat_id: String,
}

impl Holder {
    /// Returns the registration with the Central KYC Records Registry, in the words of the current
    /// FI schemas of deposits.
    pub fn ckyc_registration(&self) -> &'static str {
        match self.ckyc_compliant {
            Some(true) => "YES",
            Some(false) => "NO",
            None => "NO_DATA_AVAILABLE",
        }
    }

    /// Returns the status in the FI schemas.
    pub fn nominee_status(&self) -> Option<&'static str> {
        self.nominee_registered.map(|is_registered| {
            if is_registered {
                "REGISTERED"
            } else {
                "NOT-REGISTERED"
            }
        })
    }

    /// Returns the date of birth as a text; empty if it is not known.
    pub fn birth_text(&self) -> String {
        self.date_of_birth
            .map_or_else(String::new, |day| day.to_string())
    }
}

/// Summary of a bank account at one instant. A text that a supplied statement does not have is empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    pub balance: Paise,
    /// Time of the balance.
    pub balance_at: Timestamp,
    pub branch: String,
    pub ifsc: String,
    pub micr: String,
    pub opened_on: Option<NaiveDate>,
    /// Limit of the overdraft; zero: no overdraft.
    pub overdraft_limit: Paise,
    pub active: bool,
}

impl Summary {
    /// Returns the part of the overdraft that can still be drawn.
    pub fn drawing_limit(&self) -> Paise {
        (self.overdraft_limit + self.balance)
            .min(self.overdraft_limit)
            .max(Paise(0))
    }
}

/// A statement supplied in a file. `None`: the file has no such part, and it is generated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// Balance before the first row.
    pub opening_balance: Paise,
    pub transactions: Transactions,
    pub holders: Option<Holders>,
    pub summary: Option<Summary>,
    /// The type of the account.
    pub account_type: Option<AccountType>,
    /// Notes about the file: a field that is not kept, or what looks wrong; each with its line.
    pub notes: Vec<Diagnostic>,
}

/// Transactions of a range. All texts are stored in one arena, so that a statement of 100,000 rows
/// needs few allocations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "WrittenTransactions", into = "WrittenTransactions")]
pub struct Transactions {
    /// The requested range.
    pub range: TimeRange,
    /// Rows, oldest first.
    pub rows: Vec<Row>,
    text_arena: Arc<String>,
    /// The fields of rows that were supplied.
    supplied: Vec<StoredFields>,
}

/// [`SuppliedFields`] whose text is in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct StoredFields {
    txn_id: Option<(u32, u32)>,
    value_date: Option<NaiveDate>,
}

/// Fields of a transaction of a supplied statement, in place of those that are derived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SuppliedFields<'a> {
    pub txn_id: Option<&'a str>,
    pub value_date: Option<NaiveDate>,
}

/// A text of a statement that outlives it, without a copy.
#[derive(Clone)]
pub struct SharedText {
    arena: Arc<String>,
    range: (u32, u32),
}

impl Deref for SharedText {
    type Target = str;

    fn deref(&self) -> &str {
        slice_text(&self.arena, self.range)
    }
}

impl fmt::Debug for SharedText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, formatter)
    }
}

/// A transaction; its texts are read through [`Transactions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    pub at: Timestamp,
    pub transaction_type: TransactionType,
    pub mode: TransactionMode,
    /// Always positive; `transaction_type` is the direction.
    pub amount: Paise,
    /// Balance of the ledger after this row, including rows that a filter removed.
    pub balance: Paise,
    /// Id, unique within the account: the day in India as yyyymmdd, followed by the five-digit
    /// number of the row in its month.
    pub id: u64,
    narration: (u32, u32),
    reference: (u32, u32),
    /// The number of its supplied fields, counted from 1.
    supplied: Option<NonZeroU32>,
}

impl Row {
    /// Returns the amount with the sign of its effect on the balance.
    pub fn signed_amount(&self) -> Paise {
        self.transaction_type.sign(self.amount)
    }
}

impl NewRow<'_> {
    /// Returns the `txnId`: that of the supplied statement, or `M` and the id.
    pub fn txn_id(&self) -> Cow<'_, str> {
        match self.supplied.txn_id {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Owned(format!("M{}", self.id)),
        }
    }

    /// Returns the day from which on the amount counts for the interest.
    pub fn value_date(&self) -> NaiveDate {
        self.supplied
            .value_date
            .unwrap_or_else(|| self.at.ist_date())
    }

    /// Returns the amount with the sign of its effect on the balance.
    pub fn signed_amount(&self) -> Paise {
        self.transaction_type.sign(self.amount)
    }
}

/// The written form of [`Transactions`], whose rows have their texts.
#[derive(Serialize, Deserialize)]
struct WrittenTransactions {
    range: TimeRange,
    rows: Vec<WrittenRow>,
}

/// The written form of [`NewRow`].
#[derive(Serialize, Deserialize)]
struct WrittenRow {
    id: u64,
    balance: Paise,
    content: TransactionContent,
}

impl From<Transactions> for WrittenTransactions {
    fn from(transactions: Transactions) -> Self {
        let rows = transactions.iter().map(|row| WrittenRow {
            id: row.id,
            balance: row.balance,
            content: row.into(),
        });
        Self {
            range: transactions.range,
            rows: rows.collect(),
        }
    }
}

impl From<WrittenTransactions> for Transactions {
    fn from(written: WrittenTransactions) -> Self {
        let mut transactions = Self::new(written.range);
        for row in &written.rows {
            transactions.push(row.content.to_row(row.id, row.balance));
        }
        transactions
    }
}

/// A row with its texts, outside the arena.
#[derive(Clone, Copy, Debug)]
pub struct NewRow<'a> {
    pub at: Timestamp,
    pub transaction_type: TransactionType,
    pub mode: TransactionMode,
    pub amount: Paise,
    pub balance: Paise,
    pub id: u64,
    pub narration: &'a str,
    pub reference: &'a str,
    pub supplied: SuppliedFields<'a>,
}

impl Transactions {
    pub fn new(range: TimeRange) -> Self {
        Self {
            range,
            rows: Vec::new(),
            text_arena: Arc::default(),
            supplied: Vec::new(),
        }
    }

    pub fn push(&mut self, row: NewRow<'_>) {
        let NewRow {
            at,
            transaction_type,
            mode,
            amount,
            balance,
            id,
            narration,
            reference,
            supplied,
        } = row;
        let narration = self.store_text(narration);
        let reference = self.store_text(reference);
        let supplied = self.store_fields(supplied);
        self.rows.push(Row {
            at,
            transaction_type,
            mode,
            amount,
            balance,
            id,
            narration,
            reference,
            supplied,
        });
    }

    fn store_fields(&mut self, fields: SuppliedFields<'_>) -> Option<NonZeroU32> {
        if fields == SuppliedFields::default() {
            return None;
        }
        let stored = StoredFields {
            txn_id: fields.txn_id.map(|text| self.store_text(text)),
            value_date: fields.value_date,
        };
        self.supplied.push(stored);
        let number = u32::try_from(self.supplied.len()).expect("rows are fewer");
        NonZeroU32::new(number)
    }

    fn supplied_fields(&self, row: &Row) -> SuppliedFields<'_> {
        let Some(number) = row.supplied else {
            return SuppliedFields::default();
        };
        let StoredFields { txn_id, value_date } = self.supplied[number.get() as usize - 1];
        SuppliedFields {
            txn_id: txn_id.map(|range| slice_text(&self.text_arena, range)),
            value_date,
        }
    }

    /// Returns the rows with their texts.
    pub fn iter(&self) -> impl Iterator<Item = NewRow<'_>> {
        self.rows.iter().map(|row| self.row(row))
    }

    /// Returns a row with its texts.
    pub fn row(&self, row: &Row) -> NewRow<'_> {
        let Row {
            at,
            transaction_type,
            mode,
            amount,
            balance,
            id,
            ..
        } = *row;
        NewRow {
            at,
            transaction_type,
            mode,
            amount,
            balance,
            id,
            narration: self.narration(row),
            reference: self.reference(row),
            supplied: self.supplied_fields(row),
        }
    }

    pub fn narration(&self, row: &Row) -> &str {
        slice_text(&self.text_arena, row.narration)
    }

    /// Returns the narration, sharing the texts of the statement. It keeps all of them in memory.
    pub fn share_narration(&self, row: &Row) -> SharedText {
        SharedText {
            arena: Arc::clone(&self.text_arena),
            range: row.narration,
        }
    }

    pub fn reference(&self, row: &Row) -> &str {
        slice_text(&self.text_arena, row.reference)
    }

    fn store_text(&mut self, text: &str) -> (u32, u32) {
        let start = self.arena_offset();
        Arc::make_mut(&mut self.text_arena).push_str(text);
        (start, self.arena_offset())
    }

    fn arena_offset(&self) -> u32 {
        u32::try_from(self.text_arena.len()).expect("a statement's texts stay below 4 GiB")
    }
}

fn slice_text(arena: &str, (start, end): (u32, u32)) -> &str {
    &arena[start as usize..end as usize]
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::{NewRow, SuppliedFields, TransactionMode, Transactions};
    use crate::domain::money::Paise;
    use crate::domain::terms::{TimeRange, TransactionType};
    use crate::domain::time::Timestamp;

    #[test]
    fn the_written_form_of_transactions_reads_back() {
        let at = Timestamp::from_millis(1_600_000_000_000);
        let mut transactions = Transactions::new(TimeRange { from: at, to: at });
        let supplied = SuppliedFields {
            txn_id: Some("S 1/\"2\""),
            value_date: NaiveDate::from_ymd_opt(2020, 9, 13),
        };
        for (id, supplied) in [(1, SuppliedFields::default()), (2, supplied)] {
            transactions.push(NewRow {
                at,
                transaction_type: TransactionType::Debit,
                mode: TransactionMode::Upi,
                amount: Paise(150),
                balance: Paise(-20),
                id,
                narration: "UPI/\u{20b9}/A\nB",
                reference: "",
                supplied,
            });
        }
        let written = serde_json::to_string(&transactions).expect("rows can be written");
        let read: Transactions = serde_json::from_str(&written).expect("written rows");
        assert_eq!(read, transactions);
    }
}
