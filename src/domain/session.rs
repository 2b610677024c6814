//! A data session: one request for the data of one consent.

use std::borrow::Cow;
use std::sync::Arc;

use crate::domain::account::Account;
use crate::domain::consent::TimeRange;
use crate::domain::ids::{ConsentHandle, ConsentId, SessionId};
use crate::domain::key_exchange::PeerKey;
use crate::domain::naming::wire_enum;
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;

wire_enum! {
    /// Where a session stands (ReBIT FIU API 2.0.0, `sessionStatus`).
    SessionStatus { Active = "ACTIVE", Completed = "COMPLETED", Expired = "EXPIRED", Failed = "FAILED" }
}

wire_enum! {
    /// How one account of a session fares (ReBIT FIU API 2.0.0, `FIStatus`).
    FiStatus { Ready = "READY", Denied = "DENIED", Pending = "PENDING", Delivered = "DELIVERED", Timeout = "TIMEOUT" }
}

/// When FIPs answer a request for data (DESIGN §4.10).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DataTiming {
    /// In the same instant.
    #[default]
    Immediate,
    /// In the rhythm that was recorded of the Unaport service.
    Timed,
    /// When somebody says so.
    Manual,
    /// When the FIU has come in vain so many times.
    AfterPolls(u32),
}

impl DataTiming {
    /// What [`Progression::parse`] takes, for an error that says what would have been accepted.
    pub const ACCEPTED_FORMS: &str = "immediate, timed, manual, polls:N";

    /// Reads `immediate`, `timed`, `manual` or `polls:3`.
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
    /// Who answers a consent request that no scenario drives (DESIGN §4.10).
    #[derive(Default)]
    ApprovalMode {
        /// A person: by the page, the command line or the control API.
        #[default]
        Manual = "manual",
        /// The customer approves at once.
        Immediate = "immediate",
        /// The customer approves when the one of the recorded journey did.
        Timed = "timed",
    }
}

impl FiStatus {
    /// What a simulated FIP can be made to answer.
    pub const ANSWERS: [Self; 3] = [Self::Ready, Self::Denied, Self::Timeout];

    /// The answer of that name, spelled exactly.
    pub fn parse_answer(text: &str) -> Option<Self> {
        Self::parse(text).filter(|status| Self::ANSWERS.contains(status))
    }

    /// The names of the answers, for an error that says what would have been accepted.
    pub fn answer_names() -> String {
        Self::ANSWERS.map(Self::as_str).join(", ")
    }

    /// What the notification says beside the status, unless the FIP says more.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Ready => "Data is ready",
            Self::Denied => "The FIP denied access",
            Self::Pending => "Data is being prepared",
            Self::Delivered => "Data was delivered",
            Self::Timeout => "The FIP did not answer in time",
        }
    }

    /// Whether the FIU may take the account's data; what it took once it may take again.
    pub const fn is_fetchable(self) -> bool {
        matches!(self, Self::Ready | Self::Delivered)
    }
}

/// One account's part of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionAccount {
    pub fip: Arc<str>,
    pub link_ref: Box<str>,
    pub status: FiStatus,
    pub description: Cow<'static, str>,
    /// When the FIP said so, in world time: its statement is of that instant, however often it is fetched.
    pub answered_at: Timestamp,
}

impl SessionAccount {
    /// Whether it is that account's part.
    pub fn matches_account(&self, account: &Account) -> bool {
        self.link_ref == account.link_ref && self.fip == account.fip
    }

    /// The account with a FIP's answer.
    #[must_use]
    pub fn with_answer(&self, status: FiStatus, at: Timestamp) -> Self {
        let description = Cow::Borrowed(status.description());
        Self {
            fip: Arc::clone(&self.fip),
            link_ref: self.link_ref.clone(),
            status,
            description,
            answered_at: at,
        }
    }
}

/// A session as one FIP knows it: AA and FIP have ids of their own for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FipSession {
    pub fip: Arc<str>,
    pub id: SessionId,
    /// The FIP's last word was that its part had failed; it may try again.
    pub failed: bool,
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub id: SessionId,
    pub handle: ConsentHandle,
    pub consent_id: ConsentId,
    pub range: TimeRange,
    pub opened_at: Timestamp,
    /// From then on the data is gone; `None`: it stays.
    pub expires_at: Option<Timestamp>,
    pub status: SessionStatus,
    pub accounts: Vec<SessionAccount>,
    pub fips: Vec<FipSession>,
    /// What the data is encrypted to; `None` where the AA opened the session by itself.
    pub peer_key: Option<Arc<PeerKey>>,
    /// The `txnid` of the request that opened it.
    pub txnid: Box<str>,
    /// The analytics of its first account; those of the others follow (Unaport FIU API, `analytic_id`).
    pub first_analytic_id: u32,
    /// How often the FIU has come for the data.
    pub fetch_count: u32,
}

impl Session {
    /// The session with other accounts, and the status that follows from them.
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

    /// The analytics of its accounts, in their order.
    pub fn analytic_ids(&self) -> impl Iterator<Item = u32> {
        (self.first_analytic_id..).take(self.accounts.len())
    }

    /// When the last of its accounts answered.
    pub fn prepared_at(&self) -> Timestamp {
        self.accounts
            .iter()
            .map(|account| account.answered_at)
            .max()
            .unwrap_or(self.opened_at)
    }

    /// Whether its data is still kept.
    ///
    /// # Errors
    /// [`Refusal::DataGone`] from the end of the consent's data life on.
    pub fn check_not_expired(&self, now: Timestamp) -> Result<(), Rejection> {
        self.expires_at
            .filter(|at| *at <= now)
            .map_or(Ok(()), |at| Err(Rejection::DataExpired(at)))
    }

    /// Whether there is something to be had.
    pub fn has_data(&self) -> bool {
        self.accounts
            .iter()
            .any(|account| account.status.is_fetchable())
    }

    /// Whether it waits for a FIP.
    pub fn has_pending_accounts(&self) -> bool {
        self.status != SessionStatus::Expired
            && self
                .accounts
                .iter()
                .any(|account| account.status == FiStatus::Pending)
    }

    /// Whether something is left that the FIU has not taken.
    pub fn has_unfetched_accounts(&self) -> bool {
        self.accounts
            .iter()
            .any(|account| matches!(account.status, FiStatus::Ready | FiStatus::Pending))
    }
}

/// One account that times out makes the session FAILED while READY ones stay fetchable; DENIED alone leaves it
/// COMPLETED (Sahamati certification framework, session states; `reference/rebit.md` §3.3).
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
