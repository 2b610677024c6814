//! Personas: descriptions of customers and their accounts. A persona file is parsed and validated
//! into these types; `bankgen` generates the data.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{Months, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::domain::account::{AccountType, FiType};
use crate::domain::money::Paise;
use crate::domain::naming::wire_enum;
use crate::domain::narration_layout::NarrationLayout;
use crate::domain::quirk::Quirks;
use crate::domain::statement::Ledger;
use crate::domain::terms::TransactionType;

/// The persona of customers that no persona was assigned to; `--persona` replaces it. It has an
/// account of every kind.
pub const DEFAULT_PERSONA: &str = "salaried";

/// A range, both ends included.
pub(crate) type MinMax<T> = (T, T);

/// A validated persona file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Persona {
    pub name: Arc<str>,
    /// Purpose of the persona, for people.
    pub description: String,
    pub holder: HolderPlan,
    pub accounts: Vec<AccountPlan>,
    /// The irregularities of all documents.
    pub quirks: Quirks,
}

impl Persona {
    /// Returns whether the generated data depends on the day of the customer's first use.
    pub fn has_relative_dates(&self) -> bool {
        self.accounts
            .iter()
            .any(|account| matches!(account.opened, OpeningDate::MonthsAgo(..)))
    }
}

/// Description of the account holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HolderPlan {
    /// Range of the year of birth.
    pub birth_years: MinMax<i32>,
    /// `true` if there is a second holder, of the same surname.
    pub has_joint_holder: bool,
    /// `true` if the holder lives abroad.
    pub non_resident: bool,
    /// `true` if the accounts belong to a firm.
    pub is_firm: bool,
}

/// Description of one account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountPlan {
    pub fi_type: FiType,
    pub account_type: AccountType,
    /// Index of the FIP that holds the account, from 0; taken modulo the number of the sandbox's
    /// FIPs.
    pub fip_index: usize,
    /// `true` if the account is linked before the world has any record of the customer.
    pub linked_by_default: bool,
    pub opened: OpeningDate,
    /// `true` if no customer transaction has occurred for two years (Reserve Bank of India,
    /// inoperative accounts).
    pub dormant: bool,
    pub content: ContentPlan,
}

/// Opening date of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OpeningDate {
    /// A sampled day in these years.
    WithinYears(MinMax<i32>),
    On(NaiveDate),
    /// This many months before the day of the customer's first use.
    MonthsAgo(u32),
}

impl OpeningDate {
    /// Returns the day, unless it is sampled.
    pub fn fixed_date(self, as_of: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::WithinYears(_) => None,
            Self::On(day) => Some(day),
            Self::MonthsAgo(months) => Some(as_of - Months::new(months)),
        }
    }
}

/// Source of an account's data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ContentPlan {
    /// A bank account whose transactions are generated from a cash-flow plan.
    CashFlow(CashFlowPlan),
    /// A bank account whose transactions come from a file.
    Imported(Arc<Ledger>),
    /// An account other than a running bank account: deposits, funds, shares, policies, pensions,
    /// GST returns. The amount is the principal of a deposit, the instalment of a product that is
    /// paid in instalments, the typical trade of a security, the sum assured of a policy, or the
    /// turnover of a month. `None`: a share of the income.
    Holding { amount: Option<MinMax<Paise>> },
}

/// Recurring flows and balances of a bank account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CashFlowPlan {
    /// Balance at the end of a quarter. A difference is swept to or from a deposit; a firm
    /// transfers it to or from another bank. `None`: the balance is the result of all transactions
    /// since the opening.
    pub target_balance: Option<AmountRule>,
    /// Balance at opening.
    pub opening_balance: MinMax<Paise>,
    /// Limit of the overdraft; zero: no overdraft.
    pub overdraft_limit: Paise,
    /// Interest rate of the savings, or of the overdraft if there is one, in basis points a year.
    pub interest_bps: i64,
    /// Monthly average balance below which the bank charges a fee.
    pub minimum_balance: Paise,
    /// Layout of the narrations; `None`: that of the FIP.
    pub narration: Option<NarrationLayout>,
    pub flows: Vec<Flow>,
}

/// A recurring movement of money.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    pub direction: TransactionType,
    pub amount: AmountRule,
    /// Growth each April, in percent; amounts are those of the year from April 2024.
    pub annual_growth_percent: i64,
    /// Maximum random deviation of each amount, in percent.
    pub variation_percent: i64,
    /// Amounts are multiples of this; 1 paisa: no rounding.
    pub rounding_step: Paise,
    pub period: Period,
    /// Number of occurrences in each period.
    pub times_per_period: MinMax<u32>,
    /// Calendar months in which the flow occurs, one bit each; January is the lowest bit.
    pub month_mask: u16,
    /// Age of the account in months between which the flow occurs: from the first value on, before
    /// the second.
    pub account_age_months: MinMax<u32>,
    pub day_rule: DayRule,
    pub channel: Channel,
    pub counterparty: CounterpartyChoice,
    /// Purpose in the narration; `{month}` and `{year}` are replaced.
    pub purpose: String,
    /// Probability of each occurrence, in percent.
    pub chance_percent: u32,
    /// `true` if the payee collects by mandate: without funds the collection bounces, and the bank
    /// charges a fee.
    pub by_mandate: bool,
    /// `true` if the flow counts as the income to which shares and balances refer.
    pub counts_as_income: bool,
    /// `true` if the flow occurs more often in October and November, as payments at shops do.
    pub is_festive: bool,
    /// Name of a transfer between two accounts of the customer; the flow with the same name in the
    /// other account is its other side.
    pub transfer_name: Option<String>,
    pub follow_up: Option<FollowUp>,
}

impl Flow {
    /// Returns whether it is income of the customer: no transfer between two of their accounts.
    pub(crate) fn is_customer_income(&self) -> bool {
        self.counts_as_income && self.transfer_name.is_none()
    }
}

/// Rule for the amount of a flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AmountRule {
    /// Sampled for each occurrence.
    PerOccurrence(MinMax<Paise>),
    /// Sampled once for the account.
    PerAccount(MinMax<Paise>),
    /// Percentage of the account's income of the month; sampled once.
    IncomePercent(MinMax<i64>),
    /// Percentage of the current balance.
    BalancePercent(MinMax<i64>),
    /// Typical amount for the counterparty.
    Typical,
    /// A loan's instalment.
    Loan(Loan),
}

/// A loan that is repaid by equal monthly instalments; after the last one, the next loan begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Loan {
    pub principal: MinMax<Paise>,
    /// Number of instalments.
    pub instalments: u32,
    /// Interest rate in basis points a year, on the reducing balance.
    pub rate_bps: i64,
    /// `true` if the lender pays the principal into this account.
    pub disbursed_to_account: bool,
}

wire_enum! {
    /// Period of a flow.
    Period { Day = "day", Week = "week", Month = "month", Quarter = "quarter", Year = "year" }
}

/// Days of its period on which a flow occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DayRule {
    Any,
    /// A day of the month; the last day where the month is shorter.
    DayOfMonth(MinMax<u32>),
    LastWorkingDay,
    /// Any working day of banks.
    AnyWorkingDay,
}

wire_enum! {
    /// Channel of a transaction; determines limits, hours, references and narrations.
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
        /// Between accounts at one bank.
        Transfer = "transfer",
        /// From or to another country.
        Remittance = "remittance",
        Tax = "tax",
        Interest = "interest",
        Charge = "charge",
    }
}

/// Rule for the counterparty of a flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CounterpartyChoice {
    /// The narration names no counterparty.
    Unnamed,
    /// The same name for all occurrences, sampled once.
    Fixed(NameSource),
    /// A name sampled for each occurrence.
    Varying(NameSource),
}

/// Names from which a counterparty is sampled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum NameSource {
    Pool(NamePool),
    Custom(Vec<String>),
}

wire_enum! {
    /// Shipped lists of invented names.
    NamePool {
        People = "people",
        Employers = "employers",
        Firms = "firms",
        Lenders = "lenders",
        Funds = "funds",
        Insurers = "insurers",
        /// Shops paid by UPI, with typical amounts.
        Shops = "shops",
        /// Shops paid by card, with typical amounts.
        Stores = "stores",
        Utilities = "utilities",
        Telecoms = "telecoms",
        Platforms = "platforms",
        Schools = "schools",
        Myself = "myself",
    }
}

/// A second movement that a flow causes: a percentage of it, in either direction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FollowUp {
    pub direction: TransactionType,
    pub percent: MinMax<i64>,
    /// Delay in seconds; never beyond the end of the month.
    pub delay_seconds: MinMax<i64>,
    pub channel: Channel,
    /// `None`: the counterparty of the first movement.
    pub counterparty: Option<CounterpartyChoice>,
    pub purpose: String,
    pub chance_percent: u32,
}

/// All personas of a sandbox.
#[derive(Clone, Debug, Default)]
pub struct Personas {
    by_name: BTreeMap<Arc<str>, Arc<Persona>>,
    /// Notes about their statements, such as a field that is not kept; each with its file and line.
    notes: Vec<String>,
}

impl Personas {
    /// Adds a persona; replaces one of the same name.
    pub fn insert(&mut self, persona: Persona) {
        self.insert_shared(Arc::new(persona));
    }

    /// Adds a persona that others share; replaces one of the same name.
    pub fn insert_shared(&mut self, persona: Arc<Persona>) {
        self.by_name.insert(Arc::clone(&persona.name), persona);
    }

    pub fn add_note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Returns the notes about their statements, each with its file and line.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    pub fn get(&self, name: &str) -> Option<&Arc<Persona>> {
        self.by_name.get(name)
    }

    /// Returns the personas, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Persona>> {
        self.by_name.values()
    }

    /// Returns the names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.by_name.keys().map(|name| &**name)
    }
}

/// A persona as assigned to one customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PersonaInstance {
    pub definition: Arc<Persona>,
    /// The day, in India, on which the customer was first used; relative dates count from it.
    pub as_of: NaiveDate,
}
