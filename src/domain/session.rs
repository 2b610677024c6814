//! A data session: one request for the data of one consent.

use std::sync::Arc;

use crate::domain::account::named;
use crate::domain::consent::Range;
use crate::domain::ids::{ConsentHandle, ConsentId, SessionId};
use crate::domain::time::Timestamp;

named! {
    /// Where a session stands (ReBIT FIU API 2.0.0, `sessionStatus`).
    SessionStatus { Active = "ACTIVE", Completed = "COMPLETED", Expired = "EXPIRED", Failed = "FAILED" }
}

named! {
    /// How one account of a session fares (ReBIT FIU API 2.0.0, `FIStatus`).
    FiStatus { Ready = "READY", Denied = "DENIED", Pending = "PENDING", Delivered = "DELIVERED", Timeout = "TIMEOUT" }
}

impl FiStatus {
    /// What the notification says beside the status.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Ready => "Data is ready",
            Self::Denied => "The FIP denied access",
            Self::Pending => "Data is being prepared",
            Self::Delivered => "Data was delivered",
            Self::Timeout => "The FIP did not answer in time",
        }
    }
}

/// One account's part of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionAccount {
    pub fip: Arc<str>,
    pub link_ref: Box<str>,
    pub status: FiStatus,
}

/// A session as it stands after its accounts have answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub id: SessionId,
    pub handle: ConsentHandle,
    pub consent_id: ConsentId,
    pub range: Range,
    pub opened_at: Timestamp,
    pub status: SessionStatus,
    pub accounts: Vec<SessionAccount>,
}

/// One account that times out makes the session FAILED while READY ones stay fetchable; DENIED alone leaves it
/// COMPLETED (Sahamati certification framework, session states; `reference/rebit.md` §3.3).
pub fn status_of(accounts: &[SessionAccount]) -> SessionStatus {
    if accounts.iter().any(|account| account.status == FiStatus::Timeout) {
        SessionStatus::Failed
    } else if accounts.iter().any(|account| account.status == FiStatus::Pending) {
        SessionStatus::Active
    } else {
        SessionStatus::Completed
    }
}
