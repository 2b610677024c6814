//! Personas: whose life the accounts of a customer tell. What a persona file says, read and checked; `bankgen` tells it.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{Months, NaiveDate};

use crate::domain::account::{AccountType, FiType};
use crate::domain::consent::TransactionType;
use crate::domain::money::Paise;
use crate::domain::naming::wire_enum;
use crate::domain::statement::Ledger;

/// The persona of customers whom nothing else gives one; it holds an account of every kind.
pub const DEFAULT_PERSONA: &str = "salaried";

/// From a low value to a high one, both included.
pub type MinMax<T> = (T, T);

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
    pub fn has_relative_dates(&self) -> bool {
        self.accounts
            .iter()
            .any(|account| matches!(account.opened, OpeningDate::MonthsAgo(..)))
    }
}

/// Who holds the accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HolderPlan {
    /// Years of birth.
    pub birth_years: MinMax<i32>,
    /// A second holder, of the same surname.
    pub has_joint_holder: bool,
    /// Lives abroad.
    pub non_resident: bool,
    /// The accounts are those of a firm.
    pub is_firm: bool,
}

/// One account.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountPlan {
    pub fi_type: FiType,
    pub account_type: AccountType,
    /// Which of the sandbox's FIPs holds it, from 0 on; with fewer FIPs they are counted round.
    pub fip_index: usize,
    /// Whether a customer whom nobody has mentioned yet has it linked.
    pub linked_by_default: bool,
    pub opened: OpeningDate,
    /// No customer has moved it for two years (Reserve Bank of India, inoperative accounts).
    pub dormant: bool,
    pub content: ContentPlan,
}

/// When an account was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpeningDate {
    /// Some time in these years.
    WithinYears(MinMax<i32>),
    On(NaiveDate),
    /// So many months before the day of the customer's first use.
    MonthsAgo(u32),
}

impl OpeningDate {
    /// The day, where it is not drawn.
    pub fn fixed_date(self, as_of: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::WithinYears(_) => None,
            Self::On(day) => Some(day),
            Self::MonthsAgo(months) => Some(as_of - Months::new(months)),
        }
    }
}

/// What an account has to tell.
#[derive(Clone, Debug, PartialEq)]
pub enum ContentPlan {
    /// A bank account whose transactions follow from habits.
    CashFlow(CashFlowPlan),
    /// A bank account whose transactions are taken as they are.
    Imported(Arc<Ledger>),
    /// Something that is held: deposits, funds, shares, policies, pensions, GST returns. The amount is the principal of a
    /// deposit, the instalment of what is paid by instalments, the usual trade of what is traded, a policy's sum assured, a
    /// month's turnover.
    Holding { amount: MinMax<Paise> },
}

/// The habits of a bank account.
#[derive(Clone, Debug, PartialEq)]
pub struct CashFlowPlan {
    /// What is in the account at the end of a quarter; what is over or missing is then swept to or from a deposit, by a
    /// firm moved to or from another bank. Without it the balance is whatever all that has happened since the opening has made of it.
    pub target_balance: Option<AmountRule>,
    /// What the account is opened with.
    pub opening_balance: MinMax<Paise>,
    /// The overdraft.
    pub overdraft_limit: Paise,
    /// Of the savings, or of the overdraft where there is one; in basis points a year.
    pub interest_bps: i64,
    /// Below this average of a month the bank charges.
    pub minimum_balance: Paise,
    pub flows: Vec<Flow>,
}

/// Something that happens again and again.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    pub direction: TransactionType,
    pub amount: AmountRule,
    /// Rises by so many percent each April; amounts are those of the year from April 2024.
    pub annual_growth_percent: i64,
    /// Is off by up to so many percent each time.
    pub variation_percent: i64,
    /// Is a multiple of it; 1 paisa leaves it as it comes.
    pub rounding_step: Paise,
    pub period: Period,
    /// How often in each of these periods.
    pub times_per_period: MinMax<u32>,
    /// The calendar months in which it happens; a bit each, January the lowest.
    pub month_mask: u16,
    /// Only from the so many-th month of the account's life on, and only before another.
    pub account_age_months: MinMax<u32>,
    pub day_rule: DayRule,
    pub channel: Channel,
    pub counterparty: CounterpartyChoice,
    /// The purpose, as the narration has it; `{month}` and `{year}` are filled in.
    pub purpose: String,
    /// In how many percent of the cases it happens at all.
    pub chance_percent: u32,
    /// The payee collects it by mandate: where the money is not there it bounces, and the bank charges.
    pub by_mandate: bool,
    /// What shares and balances are measured by.
    pub counts_as_income: bool,
    /// It is one side of a transfer between two accounts of the customer; the flow of the same name in the other account is the
    /// other side.
    pub transfer_name: Option<String>,
    pub follow_up: Option<FollowUp>,
}

/// How much.
#[derive(Clone, Debug, PartialEq)]
pub enum AmountRule {
    /// Drawn each time.
    PerOccurrence(MinMax<Paise>),
    /// Drawn once for the account.
    PerAccount(MinMax<Paise>),
    /// Percent of the account's income of that month; drawn once.
    IncomeShare(MinMax<i64>),
    /// Percent of what is there.
    BalanceShare(MinMax<i64>),
    /// Whatever is usual with whom it is.
    Typical,
    /// A loan's instalment.
    Loan(Loan),
}

/// A loan that is repaid by equal monthly instalments; when it is, the next one begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Loan {
    pub principal: MinMax<Paise>,
    /// Instalments.
    pub instalments: u32,
    /// In basis points a year, on the reducing balance.
    pub rate_bps: i64,
    /// The lender pays it out to this account.
    pub disbursed_to_account: bool,
}

wire_enum! {
    /// How often.
    Period { Day = "day", Week = "week", Month = "month", Quarter = "quarter", Year = "year" }
}

/// On which days of its period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayRule {
    Any,
    /// A day of the month; where a month is shorter its last.
    DayOfMonth(MinMax<u32>),
    LastWorkingDay,
    /// Any day on which banks work.
    AnyWorkingDay,
}

wire_enum! {
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
pub enum CounterpartyChoice {
    /// Nobody whom a narration names.
    Unnamed,
    /// Always the same: one of a list, drawn once.
    Fixed(NameSource),
    /// One of a list, drawn each time.
    Varying(NameSource),
}

/// Names to draw from.
#[derive(Clone, Debug, PartialEq)]
pub enum NameSource {
    Pool(NamePool),
    Custom(Vec<String>),
}

wire_enum! {
    /// The shipped lists of invented names.
    NamePool {
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
pub struct FollowUp {
    pub direction: TransactionType,
    pub percent: MinMax<i64>,
    /// In seconds; never beyond the month.
    pub delay_seconds: MinMax<i64>,
    pub channel: Channel,
    /// `None`: with whom the first movement was.
    pub counterparty: Option<CounterpartyChoice>,
    pub purpose: String,
    pub chance_percent: u32,
}

/// All personas of a sandbox, by name.
#[derive(Clone, Debug, Default)]
pub struct Personas(BTreeMap<Arc<str>, Arc<Persona>>);

impl Personas {
    /// Adds one; another of the same name gives way.
    pub fn insert(&mut self, persona: Persona) {
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
pub struct PersonaInstance {
    pub definition: Arc<Persona>,
    /// The day in India from which relative dates count: that of the customer's first use.
    pub as_of: NaiveDate,
}
