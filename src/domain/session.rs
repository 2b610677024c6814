//! Data sessions: a session is one request for the data of one consent.

use std::borrow::Cow;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::domain::account::Account;
use crate::domain::ids::{ConsentHandle, ConsentId, SessionId};
use crate::domain::key_exchange::PeerKey;
use crate::domain::ledger_changes::LedgerChanges;
use crate::domain::naming::wire_enum;
use crate::domain::rejection::Rejection;
use crate::domain::terms::TimeRange;
use crate::domain::time::Timestamp;

wire_enum! {
    /// Status of a session (ReBIT FIU API 2.0.0, `sessionStatus`).
    SessionStatus { Active = "ACTIVE", Completed = "COMPLETED", Expired = "EXPIRED", Failed = "FAILED" }
}

wire_enum! {
    /// Status of one account in a session (ReBIT FIU API 2.0.0, `FIStatus`).
    FiStatus { Ready = "READY", Denied = "DENIED", Pending = "PENDING", Delivered = "DELIVERED", Timeout = "TIMEOUT" }
}

/// Time at which FIPs answer a data request (`docs/architecture.md#data-timing`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataTiming {
    /// At the instant of the request.
    #[default]
    Immediate,
    /// With the delays recorded from the Unaport service.
    Timed,
    /// On a `deliver` step or call.
    Manual,
    /// After this many fetches without data.
    #[serde(rename = "polls")]
    AfterPolls(u32),
}

impl JsonSchema for DataTiming {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "DataTiming".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string", "enum": ["immediate", "timed", "manual"] },
            {
                "type": "object",
                "description": "The number of polls that are answered PENDING before the data is \
                                READY.",
                "properties": { "polls": { "type": "integer", "minimum": 0, "maximum": 1000 } },
                "required": ["polls"],
                "additionalProperties": false,
            },
        ] })
    }
}

impl DataTiming {
    /// Forms that [`DataTiming::parse`] accepts, for error messages.
    pub const ACCEPTED_FORMS: &str = "immediate, timed, manual, polls:N";

    /// Parses `immediate`, `timed`, `manual` or `polls:3`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "immediate" => Some(Self::Immediate),
            "timed" => Some(Self::Timed),
            "manual" => Some(Self::Manual),
            _ => text
                .strip_prefix("polls:")?
                .parse()
                .ok()
                .map(Self::AfterPolls),
        }
    }
}

wire_enum! {
    /// Approval of consents that no scenario drives (`docs/architecture.md#data-timing`).
    #[derive(Default)]
    ApprovalMode {
        /// By a person: on the page, or with the command line or the control API.
        #[default]
        Manual = "manual",
        /// By the customer, at once.
        Immediate = "immediate",
        /// By the customer, after the delay of the recorded journey.
        Timed = "timed",
    }
}

impl FiStatus {
    /// Answers that a simulated FIP can give.
    pub const ANSWERS: [Self; 3] = [Self::Ready, Self::Denied, Self::Timeout];

    /// Returns the answer with exactly this name.
    pub fn parse_answer(text: &str) -> Option<Self> {
        Self::parse(text).filter(|status| Self::ANSWERS.contains(status))
    }

    /// Returns the names of the answers, for error messages.
    pub fn answer_names() -> String {
        Self::ANSWERS.map(Self::as_str).join(", ")
    }

    /// Returns the description in the notification, unless the FIP supplies one.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Ready => "Data is ready",
            Self::Denied => "The FIP denied access",
            Self::Pending => "Data is being prepared",
            Self::Delivered => "Data was delivered",
            Self::Timeout => "The FIP did not answer in time",
        }
    }

    /// Returns whether the FIU may fetch the account's data; it may fetch it several times.
    pub const fn is_fetchable(self) -> bool {
        matches!(self, Self::Ready | Self::Delivered)
    }
}

/// Status of one account in a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionAccount {
    pub fip: Arc<str>,
    pub link_ref: Box<str>,
    pub status: FiStatus,
    pub description: Cow<'static, str>,
    /// Time of the FIP's answer, in world time. Every fetch returns the statement as of this
    /// instant.
    pub answered_at: Timestamp,
    /// The changes of the account's transactions that the FIP knew when it answered.
    pub changes: Option<Arc<LedgerChanges>>,
}

impl SessionAccount {
    /// Returns whether this is the part of that account.
    pub fn matches_account(&self, account: &Account) -> bool {
        self.link_ref == account.link_ref && self.fip == account.fip
    }

    /// Returns the account with a FIP's answer.
    #[must_use]
    pub fn with_answer(&self, status: FiStatus, at: Timestamp) -> Self {
        let description = Cow::Borrowed(status.description());
        Self {
            fip: Arc::clone(&self.fip),
            link_ref: self.link_ref.clone(),
            status,
            description,
            answered_at: at,
            changes: self.changes.clone(),
        }
    }
}

/// A session as one FIP knows it; AA and FIP use different ids for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FipSession {
    pub fip: Arc<str>,
    pub id: SessionId,
    /// `true` if the FIP last reported that its session has failed; it may retry.
    pub failed: bool,
}

/// A data session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub id: SessionId,
    pub handle: ConsentHandle,
    pub consent_id: ConsentId,
    pub range: TimeRange,
    pub opened_at: Timestamp,
    /// End of the data's life; `None`: no end.
    pub expires_at: Option<Timestamp>,
    pub status: SessionStatus,
    pub accounts: Vec<SessionAccount>,
    pub fips: Vec<FipSession>,
    /// Key with which the data is encrypted; `None` if the AA opened the session itself.
    pub peer_key: Option<Arc<PeerKey>>,
    /// `txnid` of the request that opened the session.
    pub txnid: Box<str>,
    /// Analytic id of the first account; those of the others follow it (Unaport FIU API,
    /// `analytic_id`).
    pub first_analytic_id: u32,
    /// Number of times that the FIU has fetched data.
    pub fetch_count: u32,
}

impl Session {
    /// Returns the session with other accounts and the status that follows from them.
    #[must_use]
    pub fn with_accounts(&self, accounts: Vec<SessionAccount>) -> Self {
        let status = if self.fips.iter().any(|part| part.failed) {
            SessionStatus::Failed
        } else {
            derive_status(&accounts)
        };
        Self {
            status,
            accounts,
            ..self.clone()
        }
    }

    /// Returns the analytic ids of the accounts, in their order.
    pub fn analytic_ids(&self) -> impl Iterator<Item = u32> {
        (self.first_analytic_id..).take(self.accounts.len())
    }

    /// Returns the time of the last answer of an account.
    pub fn prepared_at(&self) -> Timestamp {
        self.accounts
            .iter()
            .map(|account| account.answered_at)
            .max()
            .unwrap_or(self.opened_at)
    }

    /// Checks that the session's data is still stored.
    ///
    /// # Errors
    /// [`Rejection::DataExpired`] from the end of the consent's data life on.
    pub fn check_not_expired(&self, now: Timestamp) -> Result<(), Rejection> {
        self.expires_at
            .filter(|at| *at <= now)
            .map_or(Ok(()), |at| Err(Rejection::DataExpired(at)))
    }

    /// Returns whether the data of an account can be fetched.
    pub fn has_data(&self) -> bool {
        self.accounts
            .iter()
            .any(|account| account.status.is_fetchable())
    }

    /// Returns whether an account waits for its FIP.
    pub fn has_pending_accounts(&self) -> bool {
        self.status != SessionStatus::Expired
            && self
                .accounts
                .iter()
                .any(|account| account.status == FiStatus::Pending)
    }

    /// Returns whether an account's data has not been fetched yet, or may still become ready.
    pub fn has_unfetched_accounts(&self) -> bool {
        self.accounts
            .iter()
            .any(|account| matches!(account.status, FiStatus::Ready | FiStatus::Pending))
    }
}

/// Returns the session status. An account with TIMEOUT makes the session FAILED, while READY
/// accounts remain fetchable; DENIED alone leaves it COMPLETED (Sahamati certification framework,
/// session states; `docs/sources.md#fi-session-states`).
fn derive_status(accounts: &[SessionAccount]) -> SessionStatus {
    if accounts
        .iter()
        .any(|account| account.status == FiStatus::Timeout)
    {
        SessionStatus::Failed
    } else if accounts
        .iter()
        .any(|account| account.status == FiStatus::Pending)
    {
        SessionStatus::Active
    } else {
        SessionStatus::Completed
    }
}
