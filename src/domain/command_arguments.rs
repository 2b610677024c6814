//! Arguments of commands and actions: the accounts that are chosen, the answers of FIPs, the timing
//! of a consent, and the party that acts.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::domain::account::{Account, AccountType, FiType};
use crate::domain::api_fault::Latency;
use crate::domain::naming::wire_enum;
use crate::domain::session::{DataTiming, FiStatus, SessionAccount};

/// Data timing and latency set for one consent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline, extend("minProperties" = 1))]
pub struct TimingOverride {
    /// The data timing of FIPs; default: that of the sandbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<DataTiming>,
    /// The latency of responses about this consent, in system time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
}

impl TimingOverride {
    /// Returns this override, with the values of `previous` where this one sets none.
    #[must_use]
    pub fn with_fallback(self, previous: Self) -> Self {
        Self {
            data: self.data.or(previous.data),
            latency: self.latency.or(previous.latency),
        }
    }
}

/// Answers for the accounts of a session. An entry by account takes precedence over one by FIP,
/// then `last_fip`, then `default`. An account without an answer stays PENDING.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountStatuses {
    pub default: Option<AccountAnswer>,
    pub by_fip: Vec<(Box<str>, AccountAnswer)>,
    /// By `linkRefNumber`.
    pub by_account: Vec<(Box<str>, AccountAnswer)>,
    /// Answer of the FIP of the session's last account, if the session has several FIPs.
    pub last_fip: Option<AccountAnswer>,
}

/// A FIP's answer for an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountAnswer {
    /// PENDING: the FIP answers later.
    pub status: FiStatus,
    /// The `description` in the notification; `None`: that of the status.
    pub reason: Option<Box<str>>,
}

impl From<FiStatus> for AccountAnswer {
    fn from(status: FiStatus) -> Self {
        Self {
            status,
            reason: None,
        }
    }
}

impl AccountStatuses {
    /// Returns answers that give every account the same status.
    pub fn uniform_status(status: FiStatus) -> Self {
        Self {
            default: Some(status.into()),
            ..Self::default()
        }
    }

    /// Returns answers by FIP and by account. Without any of them and without a default, all
    /// accounts are READY.
    pub fn with_overrides(
        default: Option<AccountAnswer>,
        by_fip: Vec<(Box<str>, AccountAnswer)>,
        by_account: Vec<(Box<str>, AccountAnswer)>,
    ) -> Self {
        let has_no_overrides = by_fip.is_empty() && by_account.is_empty();
        let default = default.or(has_no_overrides.then_some(FiStatus::Ready.into()));
        Self {
            default,
            by_fip,
            by_account,
            last_fip: None,
        }
    }

    /// Returns the answer for one account of a session; `None`: the account stays PENDING.
    pub fn answer_for(
        &self,
        account: &SessionAccount,
        session: &[SessionAccount],
    ) -> Option<&AccountAnswer> {
        let last_fip = self.last_fip.as_ref();
        let answer = find_answer(&self.by_account, &account.link_ref)
            .or_else(|| find_answer(&self.by_fip, &account.fip))
            .or_else(|| last_fip.filter(|_| is_of_last_fip(account, session)))
            .or(self.default.as_ref());
        answer.filter(|answer| answer.status != FiStatus::Pending)
    }
}

/// The linked accounts for which a consent is granted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountChoice {
    /// All accounts of the requested FI types.
    #[default]
    All,
    /// The accounts with these `linkRefNumber`s.
    #[serde(untagged)]
    ByLinkRef(Vec<Box<str>>),
    /// The accounts that match the selector.
    #[serde(untagged)]
    Matching(AccountSelector),
}

impl<'de> Deserialize<'de> for AccountChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) if text == "all" => Ok(Self::All),
            list @ Value::Array(_) => serde_json::from_value(list).map(Self::ByLinkRef),
            Value::Object(fields) => {
                let selector = serde_json::from_value(fields.clone().into());
                let selector = selector.map_err(D::Error::custom)?;
                check_conditions("the filter", &fields).map_err(D::Error::custom)?;
                Ok(Self::Matching(selector))
            }
            _ => {
                let forms =
                    "write all, a list of linkRefNumbers, or a filter such as { fips: [FIP-1] }";
                return Err(D::Error::custom(forms));
            }
        }
        .map_err(D::Error::custom)
    }
}

/// Refuses a filter with nothing in it, or with an empty list: it would select everything.
fn check_conditions(name: &str, fields: &Map<String, Value>) -> Result<(), String> {
    if fields.is_empty() {
        return Err(format!("{name} is empty; give a condition, or write all"));
    }
    for (name, condition) in fields {
        match condition {
            Value::Array(list) if list.is_empty() => {
                return Err(format!("{name} is empty; leave it out, or give an entry"));
            }
            Value::Object(fields) => check_conditions(name, fields)?,
            _ => {}
        }
    }
    Ok(())
}

impl JsonSchema for AccountChoice {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "AccountChoice".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string", "enum": ["all"] },
            generator.subschema_for::<Vec<Box<str>>>(),
            generator.subschema_for::<AccountSelector>(),
        ] })
    }
}

/// Conditions on accounts that all have to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct AccountSelector {
    /// The FIPs; default: any.
    #[schemars(length(min = 1))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fips: Vec<Box<str>>,
    /// The FI types; default: any.
    #[schemars(length(min = 1))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fi_types: Vec<FiType>,
    /// The account types; default: any.
    #[schemars(length(min = 1))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub account_types: Vec<AccountType>,
    /// The accounts that are left out: all but these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub except: Option<ExceptedAccounts>,
    /// At most this many accounts, in the order in which the customer sees them.
    #[serde(rename = "first", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub limit: Option<u32>,
}

impl AccountSelector {
    /// Returns the accounts that match.
    pub fn select_from(&self, accounts: Vec<Account>) -> Vec<Account> {
        let limit = self.limit.map_or(usize::MAX, |limit| {
            usize::try_from(limit).unwrap_or(usize::MAX)
        });
        accounts
            .into_iter()
            .filter(|account| self.matches_account(account))
            .take(limit)
            .collect()
    }

    fn matches_account(&self, account: &Account) -> bool {
        (self.fips.is_empty() || self.fips.iter().any(|fip| **fip == *account.fip))
            && (self.fi_types.is_empty() || self.fi_types.contains(&account.fi_type))
            && (self.account_types.is_empty() || self.account_types.contains(&account.account_type))
            && !self
                .except
                .as_ref()
                .is_some_and(|except| except.contains_account(account))
    }
}

/// Accounts that are left out. One of the conditions suffices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct ExceptedAccounts {
    /// The accounts at these FIPs.
    #[schemars(length(min = 1))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fips: Vec<Box<str>>,
    /// The accounts of these FI types.
    #[schemars(length(min = 1))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fi_types: Vec<FiType>,
    /// The accounts of these account types.
    #[schemars(length(min = 1))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub account_types: Vec<AccountType>,
    /// The accounts with these `linkRefNumber`s.
    #[schemars(length(min = 1))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<Box<str>>,
}

impl ExceptedAccounts {
    fn contains_account(&self, account: &Account) -> bool {
        self.fips.iter().any(|fip| **fip == *account.fip)
            || self.fi_types.contains(&account.fi_type)
            || self.account_types.contains(&account.account_type)
            || self.accounts.contains(&account.link_ref)
    }
}

wire_enum! {
    /// Party that ended a consent.
    Party { Customer = "customer", Fiu = "fiu", Fip = "fip" }
}

fn find_answer<'a>(
    answers: &'a [(Box<str>, AccountAnswer)],
    name: &str,
) -> Option<&'a AccountAnswer> {
    answers
        .iter()
        .find(|(known, _)| &**known == name)
        .map(|(_, answer)| answer)
}

/// Returns whether the account is at the FIP of the session's last account, in a session of several
/// FIPs.
fn is_of_last_fip(account: &SessionAccount, session: &[SessionAccount]) -> bool {
    let has_several_fips = session.iter().any(|other| other.fip != account.fip);
    has_several_fips && session.last().is_some_and(|last| last.fip == account.fip)
}
