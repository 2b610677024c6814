//! What a bank reports of one deposit account: who holds it, what it is worth, what moved.

use chrono::NaiveDate;

use crate::domain::account::Account;
use crate::domain::consent::{Range, TransactionType};
use crate::domain::money::Paise;
use crate::domain::naming::named;
use crate::domain::time::Timestamp;

named! {
    /// How money moved (ReBIT FI schema DEPOSIT v1, `Transaction.mode`).
    TransactionMode { Cash = "CASH", Atm = "ATM", Card = "CARD", Upi = "UPI", Ft = "FT", Others = "OTHERS" }
}

/// The statement of one account. A part is `None` when the consent does not name it in `consentTypes`.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    pub account: Account,
    pub profile: Option<Holder>,
    pub summary: Option<Summary>,
    pub transactions: Option<Transactions>,
}

/// The account's holder. Invented: no real person's data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    pub name: String,
    pub born: NaiveDate,
    /// Digits only, with the country code.
    pub mobile: String,
    pub email: String,
    pub pan: String,
    pub address: String,
    pub nominee_registered: bool,
    pub ckyc_compliant: bool,
}

/// The account at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub balance: Paise,
    /// The instant that the balance is of.
    pub balance_at: Timestamp,
    pub branch: String,
    pub ifsc: String,
    pub micr: String,
    pub opened_on: NaiveDate,
}

/// The rows of a range. Texts stand in one arena, so that a statement of 100,000 rows is a few allocations.
#[derive(Clone, Debug, PartialEq)]
pub struct Transactions {
    /// The range that was asked for.
    pub range: Range,
    /// Ascending in time.
    pub rows: Vec<Row>,
    texts: String,
}

/// One transaction; its texts are read through [`Transactions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    pub at: Timestamp,
    pub transaction_type: TransactionType,
    pub mode: TransactionMode,
    /// Always positive; the direction is the type.
    pub amount: Paise,
    /// The ledger's balance after this row, rows that a filter removed included.
    pub balance: Paise,
    /// Unique within the account: the day in India as yyyymmdd, then the row's number within its month.
    pub id: u64,
    narration: (u32, u32),
    reference: (u32, u32),
}

/// A row before its texts are placed in the arena.
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
}

impl Transactions {
    pub fn new(range: Range) -> Self {
        Self { range, rows: Vec::new(), texts: String::new() }
    }

    pub fn push(&mut self, row: NewRow<'_>) {
        let NewRow { at, transaction_type, mode, amount, balance, id, narration, reference } = row;
        let narration = self.keep(narration);
        let reference = self.keep(reference);
        self.rows.push(Row { at, transaction_type, mode, amount, balance, id, narration, reference });
    }

    pub fn narration(&self, row: &Row) -> &str {
        self.text(row.narration)
    }

    pub fn reference(&self, row: &Row) -> &str {
        self.text(row.reference)
    }

    fn keep(&mut self, text: &str) -> (u32, u32) {
        let place = |length: usize| u32::try_from(length).expect("a statement's texts stay below 4 GiB");
        let start = place(self.texts.len());
        self.texts.push_str(text);
        (start, place(self.texts.len()))
    }

    fn text(&self, (start, end): (u32, u32)) -> &str {
        &self.texts[start as usize..end as usize]
    }
}
