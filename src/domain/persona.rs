//! Personas: whose life the accounts of a customer tell. What a persona file says, read and checked; `bankgen` tells it.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{Months, NaiveDate};

use crate::domain::account::{AccountType, FiType};
use crate::domain::consent::TransactionType;
use crate::domain::money::Paise;
use crate::domain::naming::named;
use crate::domain::statement::Ledger;

/// The persona of customers whom nothing else gives one; it holds an account of every kind.
pub const DEFAULT_PERSONA: &str = "salaried";

/// From a low value to a high one, both included.
pub type Between<T> = (T, T);

/// A persona as its file has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Persona {
    pub name: Arc<str>,
    /// What it is for, for people.
    pub description: String,
    pub holder: HolderPlan,
    pub accounts: Vec<AccountPlan>,
}

impl Persona {
    /// Whether what it tells depends on the day of its first use.
    pub fn is_relative(&self) -> bool {
        self.accounts
            .iter()
            .any(|account| matches!(account.opened, Opened::Ago(..)))
    }
}

/// Who holds the accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HolderPlan {
    /// Years of birth.
    pub born: Between<i32>,
    /// A second holder, of the same surname.
    pub joint: bool,
    /// Lives abroad.
    pub abroad: bool,
    /// The accounts are those of a firm.
    pub firm: bool,
}

/// One account.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountPlan {
    pub fi_type: FiType,
    pub account_type: AccountType,
    /// Which of the sandbox's FIPs holds it, from 0 on; with fewer FIPs they are counted round.
    pub fip: usize,
    /// Whether a customer whom nobody has mentioned yet has it linked.
    pub linked: bool,
    pub opened: Opened,
    /// No customer has moved it for two years (Reserve Bank of India, inoperative accounts).
    pub dormant: bool,
    pub content: Content,
}

/// When an account was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// Some time in these years.
    Years(Between<i32>),
    On(NaiveDate),
    /// So many months before the day of the customer's first use.
    Ago(u32),
}

impl Opened {
    /// The day, where it is not drawn.
    pub fn day(self, as_of: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Years(_) => None,
            Self::On(day) => Some(day),
            Self::Ago(months) => Some(as_of - Months::new(months)),
        }
    }
}

/// What an account has to tell.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A bank account whose transactions follow from habits.
    Story(Story),
    /// A bank account whose transactions are taken as they are.
    Told(Arc<Ledger>),
    /// Something that is held: deposits, funds, shares, policies, pensions, GST returns. The amount is the principal of a
    /// deposit, the instalment of what is paid by instalments, the usual trade of what is traded, a policy's sum assured, a
    /// month's turnover.
    Holding { amount: Between<Paise> },
}

/// The habits of a bank account.
#[derive(Clone, Debug, PartialEq)]
pub struct Story {
    /// What is in the account at the end of a quarter; what is over or missing is then swept to or from a deposit, by a
    /// firm moved to or from another bank. Without it the balance is whatever all that has happened since the opening has made of it.
    pub keeps: Option<Amount>,
    /// What the account is opened with.
    pub opens_with: Between<Paise>,
    /// The overdraft.
    pub limit: Paise,
    /// Of the savings, or of the overdraft where there is one; in basis points a year.
    pub interest: i64,
    /// Below this average of a month the bank charges.
    pub minimum: Paise,
    pub flows: Vec<Flow>,
}

/// Something that happens again and again.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    pub direction: TransactionType,
    pub amount: Amount,
    /// Rises by so many percent each April; amounts are those of the year from April 2024.
    pub grows: i64,
    /// Is off by up to so many percent each time.
    pub varies: i64,
    /// Is a multiple of it; 1 paisa leaves it as it comes.
    pub step: Paise,
    pub every: Every,
    /// How often in each of these periods.
    pub times: Between<u32>,
    /// The calendar months in which it happens; a bit each, January the lowest.
    pub months: u16,
    /// Only from the so many-th month of the account's life on, and only before another.
    pub life: Between<u32>,
    pub on: On,
    pub channel: Channel,
    pub with: With,
    /// The purpose, as the narration has it; `{month}` and `{year}` are filled in.
    pub purpose: String,
    /// In how many percent of the cases it happens at all.
    pub chance: u32,
    /// The payee collects it by mandate: where the money is not there it bounces, and the bank charges.
    pub mandate: bool,
    /// What shares and balances are measured by.
    pub income: bool,
    /// It is one side of a transfer between two accounts of the customer; the flow of the same name in the other account is the
    /// other side.
    pub side_of: Option<String>,
    pub then: Option<Then>,
}

/// How much.
#[derive(Clone, Debug, PartialEq)]
pub enum Amount {
    /// Drawn each time.
    Each(Between<Paise>),
    /// Drawn once for the account.
    Once(Between<Paise>),
    /// Percent of the account's income of that month; drawn once.
    Share(Between<i64>),
    /// Percent of what is there.
    OfBalance(Between<i64>),
    /// Whatever is usual with whom it is.
    Usual,
    /// A loan's instalment.
    Loan(Loan),
}

/// A loan that is repaid by equal monthly instalments; when it is, the next one begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Loan {
    pub principal: Between<Paise>,
    /// Instalments.
    pub months: u32,
    /// In basis points a year, on the reducing balance.
    pub rate: i64,
    /// The lender pays it out to this account.
    pub paid_out: bool,
}

named! {
    /// How often.
    Every { Day = "day", Week = "week", Month = "month", Quarter = "quarter", Year = "year" }
}

/// On which days of its period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    Any,
    /// A day of the month; where a month is shorter its last.
    Day(Between<u32>),
    LastWorkingDay,
    /// Any day on which banks work.
    WorkingDay,
}

named! {
    /// How money moves, which decides limits, hours, references and narrations.
    Channel {
        Upi = "upi",
        Imps = "imps",
        Neft = "neft",
        Rtgs = "rtgs",
        Nach = "nach",
        Cheque = "cheque",
        Card = "card",
        Atm = "atm",
        Cash = "cash",
        /// Between accounts of one bank.
        Transfer = "transfer",
        /// From abroad, or to it.
        Remittance = "remittance",
        Tax = "tax",
        Interest = "interest",
        Charge = "charge",
    }
}

/// Who is on the other side.
#[derive(Clone, Debug, PartialEq)]
pub enum With {
    /// Nobody whom a narration names.
    Nobody,
    /// Always the same: one of a list, drawn once.
    OneOf(List),
    /// One of a list, drawn each time.
    AnyOf(List),
}

/// Names to draw from.
#[derive(Clone, Debug, PartialEq)]
pub enum List {
    Shipped(Cast),
    Own(Vec<String>),
}

named! {
    /// The shipped lists of invented names.
    Cast {
        People = "people",
        Employers = "employers",
        Firms = "firms",
        Lenders = "lenders",
        Funds = "funds",
        Insurers = "insurers",
        /// Shops paid by UPI, with what is usual there.
        Shops = "shops",
        /// Shops paid by card, with what is usual there.
        Stores = "stores",
        Utilities = "utilities",
        Telecoms = "telecoms",
        Platforms = "platforms",
        Schools = "schools",
        Myself = "myself",
    }
}

/// What follows a movement: part of it moves on, or back.
#[derive(Clone, Debug, PartialEq)]
pub struct Then {
    pub direction: TransactionType,
    pub percent: Between<i64>,
    /// In seconds; never beyond the month.
    pub after: Between<i64>,
    pub channel: Channel,
    /// `None`: with whom the first movement was.
    pub with: Option<With>,
    pub purpose: String,
    pub chance: u32,
}

/// All personas of a sandbox, by name.
#[derive(Clone, Debug, Default)]
pub struct Personas(BTreeMap<Arc<str>, Arc<Persona>>);

impl Personas {
    /// Adds one; another of the same name gives way.
    pub fn add(&mut self, persona: Persona) {
        self.0.insert(Arc::clone(&persona.name), Arc::new(persona));
    }

    pub fn get(&self, name: &str) -> Option<&Arc<Persona>> {
        self.0.get(name)
    }

    /// Sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Persona>> {
        self.0.values()
    }

    /// Sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.keys().map(|name| &**name)
    }
}

/// A persona, as one customer lives it.
#[derive(Clone, Debug, PartialEq)]
pub struct Life {
    pub persona: Arc<Persona>,
    /// The day in India from which relative dates count: that of the customer's first use.
    pub as_of: NaiveDate,
}
