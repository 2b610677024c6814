//! The terms of a consent: what the FIU asks for, and what the artefact repeats.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::account::FiType;
use crate::domain::money::Paise;
use crate::domain::naming::wire_enum;
use crate::domain::time::{Millis, Timestamp};

wire_enum! {
    /// Permitted use of the data by the FIU (ReBIT AA API 2.0.0, `consentMode`).
    ConsentMode { View = "VIEW", Store = "STORE", Query = "QUERY", Stream = "STREAM" }
}

wire_enum! {
    /// Number of permitted fetches: one or several (ReBIT AA API 2.0.0, `fetchType`).
    FetchType { OneTime = "ONETIME", Periodic = "PERIODIC" }
}

wire_enum! {
    /// Parts of a statement that are requested (ReBIT AA API 2.0.0, `consentTypes`).
    ConsentType { Profile = "PROFILE", Summary = "SUMMARY", Transactions = "TRANSACTIONS" }
}

wire_enum! {
    /// Recipient of the data (ReBIT AA API 2.0.0, `DataConsumer.type`).
    ConsumerType { Fiu = "FIU", User = "USER", Aa = "AA" }
}

wire_enum! {
    /// Unit of the time for which data may be stored (ReBIT AA API 2.0.0, `DataLife.unit`).
    DataLifeUnit { Month = "MONTH", Year = "YEAR", Day = "DAY", Inf = "INF" }
}

impl DataLifeUnit {
    /// Returns the end of a data life of `value` units that begins at `from`; `None`: no end.
    pub fn expiry_from(self, from: Timestamp, value: u32) -> Option<Timestamp> {
        match self {
            Self::Inf => None,
            Self::Day => Some(from.saturating_add(Millis::from_secs(i64::from(value) * 86_400))),
            Self::Month => Some(from.saturating_add_months(value)),
            Self::Year => Some(from.saturating_add_months(value.saturating_mul(12))),
        }
    }
}

wire_enum! {
    /// Unit of the interval in which fetches are counted (ReBIT AA API 2.0.0, `Frequency.unit`).
    FrequencyUnit { Hour = "HOUR", Day = "DAY", Month = "MONTH", Year = "YEAR", Inf = "INF" }
}

impl FrequencyUnit {
    /// Returns the end of a frequency window of one unit that begins at `from`; `None`: the unit
    /// has no windows.
    pub fn window_end(self, from: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Inf => None,
            Self::Hour => Some(from.saturating_add(Millis::from_secs(3_600))),
            Self::Day => Some(from.saturating_add(Millis::from_secs(86_400))),
            Self::Month => Some(from.saturating_add_months(1)),
            Self::Year => Some(from.saturating_add_months(12)),
        }
    }
}

wire_enum! {
    /// Comparison of a data filter (ReBIT AA API 2.0.0, `DataFilter.operator`).
    FilterOperator { Equal = "=", NotEqual = "!=", Greater = ">", Less = "<", GreaterOrEqual = ">=", LessOrEqual = "<=" }
}

impl FilterOperator {
    pub fn is_satisfied_by<T: PartialOrd>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Greater => left > right,
            Self::Less => left < right,
            Self::GreaterOrEqual => left >= right,
            Self::LessOrEqual => left <= right,
        }
    }
}

wire_enum! {
    /// Direction of a transaction: into the account or out of it.
    TransactionType { Credit = "CREDIT", Debit = "DEBIT" }
}

impl TransactionType {
    /// Returns an amount with the sign of its effect on the balance.
    pub fn sign(self, amount: Paise) -> Paise {
        match self {
            Self::Credit => amount,
            Self::Debit => -amount,
        }
    }
}

/// A condition on the transactions that the customer shares (ReBIT AA API 2.0.0, `DataFilter`). A
/// filter removes rows; balances remain those of the complete ledger.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DataFilter {
    pub operator: FilterOperator,
    pub criterion: FilterCriterion,
    /// The value exactly as the FIU wrote it; it is echoed unchanged.
    pub value: Box<str>,
    /// `true` if the value was a JSON string; the sample of the seed documents has a number.
    pub is_json_string: bool,
}

/// The value with which a filter compares a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FilterCriterion {
    Amount(Paise),
    Type(TransactionType),
}

impl FilterCriterion {
    /// Returns the name of the value (ReBIT AA API 2.0.0, `DataFilter.type`).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Amount(_) => "TRANSACTIONAMOUNT",
            Self::Type(_) => "TRANSACTIONTYPE",
        }
    }
}

impl DataFilter {
    pub fn matches_transaction(&self, amount: Paise, transaction_type: TransactionType) -> bool {
        match self.criterion {
            FilterCriterion::Amount(limit) => self.operator.is_satisfied_by(&amount, &limit),
            FilterCriterion::Type(wanted) => {
                self.operator.is_satisfied_by(&transaction_type, &wanted)
            }
        }
    }
}

/// Reason of the request (ReBIT AA API 2.0.0, `Purpose`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Purpose {
    pub code: Box<str>,
    pub ref_uri: Option<Box<str>>,
    pub text: Option<Box<str>>,
    pub category: Option<Box<str>>,
}

/// The verifiable data registry that an AA client names; an extension of ReBIT in the seed
/// documents.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VdrProvider {
    pub vdrp_id: Box<str>,
    pub fiu_id: Box<str>,
}

/// A range of instants, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeRange {
    pub from: Timestamp,
    pub to: Timestamp,
}

/// The conditions to which the FIU asks the customer to agree; they never change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    pub start: Timestamp,
    pub expiry: Timestamp,
    pub mode: ConsentMode,
    pub fetch_type: FetchType,
    pub consent_types: Arc<[ConsentType]>,
    pub fi_types: Arc<[FiType]>,
    /// The FIU's id as it appears in the request.
    pub consumer: Arc<str>,
    pub consumer_type: ConsumerType,
    /// The customer's address at the AA, in its normal form
    /// ([`crate::domain::customer_address::normalize_address`]).
    pub customer: Arc<str>,
    /// The customer's address as the FIU wrote it. `None`: in its normal form, or not as an address.
    pub sent_customer: Option<Box<str>>,
    pub purpose: Arc<Purpose>,
    pub range: TimeRange,
    pub data_life: (DataLifeUnit, u32),
    pub frequency: (FrequencyUnit, u32),
    /// `None`: the request had no `DataFilter`; an empty list is kept as an empty list.
    pub filters: Option<Arc<[DataFilter]>>,
    pub vdr_provider: Option<Arc<VdrProvider>>,
    /// `txnid` of the request; empty in a command whose call has none, and then generated.
    pub txnid: Box<str>,
}

impl Terms {
    /// Returns the customer's address as the FIU wrote it, for answers and artefacts.
    pub fn customer_as_sent(&self) -> &str {
        self.sent_customer.as_deref().unwrap_or(&self.customer)
    }
}
