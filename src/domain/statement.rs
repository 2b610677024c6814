//! What a FIP reports of one account: who holds it, what it is worth, what moved.

use chrono::NaiveDate;

use crate::domain::account::Account;
use crate::domain::consent::{TimeRange, TransactionType};
use crate::domain::document::Document;
use crate::domain::money::Paise;
use crate::domain::naming::wire_enum;
use crate::domain::time::Timestamp;

wire_enum! {
    /// How money moved (ReBIT FI schema DEPOSIT v2.0.0, `Transaction.mode`).
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
    /// The coarser name of schema v1: FT is a transfer of funds.
    pub fn v1_name(self) -> &'static str {
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

    /// Reads a name of either version.
    pub fn parse_any_version(text: &str) -> Option<Self> {
        if text == "FT" {
            Some(Self::Neft)
        } else {
            Self::parse(text)
        }
    }
}

/// The statement of one account. A part is absent when the consent does not name it in `consentTypes`.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    pub account: Account,
    pub holders: Option<Holders>,
    pub body: StatementBody,
}

/// What is told beside the holders.
#[derive(Clone, Debug, PartialEq)]
pub enum StatementBody {
    Bank(BankStatement),
    /// Whatever is no bank account, as its schema has it.
    Other(Document),
}

/// A bank account's summary and transactions.
#[derive(Clone, Debug, PartialEq)]
pub struct BankStatement {
    pub summary: Option<Summary>,
    pub transactions: Option<Transactions>,
}

impl Statement {
    /// Its parts, where it is a bank account's.
    pub fn as_bank(&self) -> Option<&BankStatement> {
        match &self.body {
            StatementBody::Bank(bank) => Some(bank),
            StatementBody::Other(_) => None,
        }
    }

    /// Its rows, where it is a bank account's and they were asked for.
    pub fn transactions(&self) -> Option<&Transactions> {
        self.as_bank()?.transactions.as_ref()
    }
}

/// Who holds the account: one, or two together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holders {
    pub first: Holder,
    pub second: Option<Holder>,
}

impl Holders {
    pub fn iter(&self) -> impl Iterator<Item = &Holder> {
        std::iter::once(&self.first).chain(&self.second)
    }

    /// What the schemas call it.
    pub fn holding_type(&self) -> &'static str {
        if self.second.is_some() {
            "JOINT"
        } else {
            "SINGLE"
        }
    }
}

/// A holder. Invented: no real person's data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    pub name: String,
    pub date_of_birth: NaiveDate,
    /// Digits only, with the country code.
    pub mobile: String,
    pub email: String,
    pub pan: String,
    pub address: String,
    pub nominee_registered: bool,
    pub ckyc_compliant: bool,
    /// Of securities: depository participant and client, 16 characters.
    pub demat_id: String,
}

impl Holder {
    /// What the schemas call it.
    pub fn nominee_status(&self) -> &'static str {
        if self.nominee_registered {
            "REGISTERED"
        } else {
            "NOT-REGISTERED"
        }
    }
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
    /// Of the overdraft; nothing where there is none.
    pub overdraft_limit: Paise,
    pub active: bool,
}

impl Summary {
    /// What of the overdraft can still be drawn.
    pub fn drawing_limit(&self) -> Paise {
        (self.overdraft_limit + self.balance)
            .min(self.overdraft_limit)
            .max(Paise(0))
    }
}

/// A statement that somebody else has made, taken as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Ledger {
    /// Before the first row.
    pub opening_balance: Paise,
    pub transactions: Transactions,
}

/// The rows of a range. Texts stand in one arena, so that a statement of 100,000 rows is a few allocations.
#[derive(Clone, Debug, PartialEq)]
pub struct Transactions {
    /// The range that was asked for.
    pub range: TimeRange,
    /// Ascending in time.
    pub rows: Vec<Row>,
    text_arena: String,
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
    /// Unique within the account: the day in India as yyyymmdd, then the row's number within its month, five digits.
    pub id: u64,
    narration: (u32, u32),
    reference: (u32, u32),
}

impl Row {
    /// What it changes the balance by.
    pub fn signed_amount(&self) -> Paise {
        match self.transaction_type {
            TransactionType::Credit => self.amount,
            TransactionType::Debit => -self.amount,
        }
    }
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
    pub fn new(range: TimeRange) -> Self {
        Self {
            range,
            rows: Vec::new(),
            text_arena: String::new(),
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
        } = row;
        let narration = self.store_text(narration);
        let reference = self.store_text(reference);
        self.rows.push(Row {
            at,
            transaction_type,
            mode,
            amount,
            balance,
            id,
            narration,
            reference,
        });
    }

    /// The rows with their texts.
    pub fn iter(&self) -> impl Iterator<Item = NewRow<'_>> {
        self.rows.iter().map(|row| {
            let Row {
                at,
                transaction_type,
                mode,
                amount,
                balance,
                id,
                ..
            } = *row;
            let (narration, reference) = (self.narration(row), self.reference(row));
            NewRow {
                at,
                transaction_type,
                mode,
                amount,
                balance,
                id,
                narration,
                reference,
            }
        })
    }

    pub fn narration(&self, row: &Row) -> &str {
        self.text_at(row.narration)
    }

    pub fn reference(&self, row: &Row) -> &str {
        self.text_at(row.reference)
    }

    fn store_text(&mut self, text: &str) -> (u32, u32) {
        let offset =
            |length: usize| u32::try_from(length).expect("a statement's texts stay below 4 GiB");
        let start = offset(self.text_arena.len());
        self.text_arena.push_str(text);
        (start, offset(self.text_arena.len()))
    }

    fn text_at(&self, (start, end): (u32, u32)) -> &str {
        &self.text_arena[start as usize..end as usize]
    }
}
