//! Commands: the changes that a caller, a scenario or a timer can request of a world. The engine
//! decides whether a command is accepted.

use std::borrow::Cow;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::domain::account::{Account, FiType};
use crate::domain::action::ConsentAction;
use crate::domain::api_fault::Latency;
use crate::domain::consent::Api;
use crate::domain::ids::{ConsentHandle, LinkId, SessionId};
use crate::domain::key_exchange::PeerKey;
use crate::domain::naming::wire_enum;
use crate::domain::notification::NotificationContent;
use crate::domain::persona::Persona;
use crate::domain::session::{DataTiming, FiStatus, SessionAccount};
use crate::domain::terms::{Terms, TimeRange};
use crate::domain::time::{Millis, Timestamp};
use crate::domain::unaport::{AnalyticsStatus, RelativeTerms, UnaportMetadata};

/// A request to change the state of a world.
#[derive(Clone, Debug)]
pub enum Command {
    RaiseConsent(RaiseConsent),
    TransitionConsent {
        handle: ConsentHandle,
        action: ConsentAction,
    },
    /// An FIU requests data.
    RequestData(RequestData),
    /// The FIPs answer a data session.
    DeliverData {
        handle: ConsentHandle,
        /// `None`: the newest session of the consent with pending accounts; if there is none, the
        /// AA opens a session.
        session: Option<SessionId>,
        statuses: AccountStatuses,
    },
    /// A FIP reports the status of its accounts in a session.
    ReportFipStatus(FipStatusReport),
    /// Unaport requests data on its schedule.
    RunScheduledFetch(ConsentHandle),
    /// An FIU fetches the data that is ready.
    FetchData(FetchData),
    /// An FIU fetches data that Unaport has fetched and stored for it.
    FetchStored(SessionId),
    /// The data life of a session's data has ended.
    ExpireSession(SessionId),
    SaveTemplate(SaveTemplate),
    /// The FIU is notified of the result of a session's analytics.
    ReportAnalytics {
        session: SessionId,
        status: AnalyticsStatus,
    },
    RegisterCustomer {
        customer: Arc<str>,
    },
    DeregisterCustomer {
        customer: Arc<str>,
    },
    /// The customer asks a FIP to link accounts; `accounts` are their `accRefNumber`s.
    LinkAccounts {
        customer: Arc<str>,
        fip: Arc<str>,
        accounts: Vec<Box<str>>,
    },
    /// The customer enters a one-time password.
    VerifyLink {
        customer: Arc<str>,
        link: LinkId,
        token: Box<str>,
    },
    /// A FIP with DIRECT linking confirms that an account is linked.
    ConfirmLink(ConfirmLink),
    DelinkAccount {
        customer: Arc<str>,
        link_ref: Box<str>,
    },
    /// Assigns the persona from which the customer's accounts are generated from now on.
    AssignPersona {
        customer: Arc<str>,
        persona: Arc<Persona>,
    },
    /// Links all accounts of the customer at the FIP at once, without a one-time password.
    LinkAllAccounts {
        customer: Arc<str>,
        /// `None`: at every FIP.
        fip: Option<Arc<str>>,
    },
    /// Removes the links of all accounts of the customer at the FIP.
    DelinkAllAccounts {
        customer: Arc<str>,
        fip: Option<Arc<str>>,
    },
    /// Sends the FIU a notification that need not match the state.
    SendScriptedNotification {
        handle: ConsentHandle,
        content: NotificationContent,
    },
    /// Overrides the data timing or the response latency of one consent.
    SetTiming {
        handle: ConsentHandle,
        timing: TimingOverride,
    },
}

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

/// A validated request for data.
#[derive(Clone, Debug)]
pub struct RequestData {
    pub handle: ConsentHandle,
    pub range: TimeRange,
    /// The key material with which the data is encrypted for the FIU.
    pub key: Arc<PeerKey>,
    pub txnid: Box<str>,
}

/// A request for the data of some accounts of a session.
#[derive(Clone, Debug)]
pub struct FetchData {
    pub session: SessionId,
    pub fip: Option<Box<str>>,
    /// Accounts by `linkRefNumber`; empty: all.
    pub link_refs: Vec<Box<str>>,
}

impl FetchData {
    /// Returns whether the request covers the account.
    pub fn matches_account(&self, account: &SessionAccount) -> bool {
        self.fip.as_deref().is_none_or(|fip| *fip == *account.fip)
            && (self.link_refs.is_empty() || self.link_refs.contains(&account.link_ref))
    }
}

/// Answers for the accounts of a session. An entry by account takes precedence over one by FIP,
/// then `last_fip`, then `default`. An account without an answer stays PENDING.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountStatuses {
    pub default: Option<FiStatus>,
    pub by_fip: Vec<(Box<str>, FiStatus)>,
    /// By `linkRefNumber`.
    pub by_account: Vec<(Box<str>, FiStatus)>,
    /// Answer of the FIP of the session's last account, if the session has several FIPs.
    pub last_fip: Option<FiStatus>,
}

impl AccountStatuses {
    /// Returns answers that give every account the same status.
    pub fn uniform_status(status: FiStatus) -> Self {
        Self {
            default: Some(status),
            ..Self::default()
        }
    }

    /// Returns answers by FIP and by account. Without any of them and without a default, all
    /// accounts are READY.
    pub fn with_overrides(
        default: Option<FiStatus>,
        by_fip: Vec<(Box<str>, FiStatus)>,
        by_account: Vec<(Box<str>, FiStatus)>,
    ) -> Self {
        let has_no_overrides = by_fip.is_empty() && by_account.is_empty();
        let default = default.or(has_no_overrides.then_some(FiStatus::Ready));
        Self {
            default,
            by_fip,
            by_account,
            last_fip: None,
        }
    }

    /// Returns the answer for one account of a session; `None`: the account stays PENDING.
    pub fn status_for(
        &self,
        account: &SessionAccount,
        session: &[SessionAccount],
    ) -> Option<FiStatus> {
        let status = find_status(&self.by_account, &account.link_ref)
            .or_else(|| find_status(&self.by_fip, &account.fip))
            .or_else(|| self.last_fip.filter(|_| is_of_last_fip(account, session)))
            .or(self.default);
        status.filter(|status| *status != FiStatus::Pending)
    }
}

fn find_status(statuses: &[(Box<str>, FiStatus)], name: &str) -> Option<FiStatus> {
    statuses
        .iter()
        .find(|(known, _)| &**known == name)
        .map(|(_, status)| *status)
}

/// Returns whether the account is at the FIP of the session's last account, in a session of several
/// FIPs.
fn is_of_last_fip(account: &SessionAccount, session: &[SessionAccount]) -> bool {
    let has_several_fips = session.iter().any(|other| other.fip != account.fip);
    has_several_fips && session.last().is_some_and(|last| last.fip == account.fip)
}

/// A FIP's report on its part of a session.
#[derive(Clone, Debug)]
pub struct FipStatusReport {
    /// The FIP's id of the session.
    pub session: SessionId,
    pub fip: Arc<str>,
    /// `true` if the FIP's own session has failed or expired; the AA's session has then failed too
    /// (Sahamati certification framework, session states).
    pub session_failed: bool,
    /// `linkRefNumber`, status and description.
    pub accounts: Vec<(Box<str>, FiStatus, Box<str>)>,
}

/// A FIP's confirmation that an account is linked (ReBIT AA API 2.0.0,
/// `AccountLinkStatusNotification`).
#[derive(Clone, Debug)]
pub struct ConfirmLink {
    pub customer: Arc<str>,
    pub fip: Arc<str>,
    pub account_ref: Box<str>,
    pub link_ref: Box<str>,
}

/// The linked accounts for which a consent is granted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    #[serde(default)]
    pub fips: Vec<Box<str>>,
    /// The FI types; default: any.
    #[serde(default)]
    pub fi_types: Vec<FiType>,
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
    }
}

/// A validated consent request.
#[derive(Clone, Debug)]
pub struct RaiseConsent {
    pub terms: Terms,
    pub api: Api,
    /// Id of the AA at which the consent is raised.
    pub aa: Arc<str>,
    /// Id of the FIU that owns the consent.
    pub fiu: Arc<str>,
    /// Set for the Unaport API only.
    pub metadata: Option<UnaportMetadata>,
    /// Name of a scenario that the caller asked for; `None`: scenario selection decides.
    pub scenario: Option<Box<str>>,
    /// Persona that the scenario sets for the consent's accounts.
    pub persona: Option<Arc<Persona>>,
}

/// A validated consent template.
#[derive(Clone, Debug)]
pub struct SaveTemplate {
    pub name: Box<str>,
    /// The FIU whose organisation owns the template.
    pub fiu: Arc<str>,
    pub terms: RelativeTerms,
}

wire_enum! {
    /// Party that ended a consent.
    Party { Customer = "customer", Fiu = "fiu", Fip = "fip" }
}

/// Target of a clock advance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdvanceTarget {
    By(Millis),
    To(Timestamp),
    /// Until no timer is due any more.
    UntilIdle,
}
