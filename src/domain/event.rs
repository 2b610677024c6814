//! What happened. Events are facts: applying them to an empty state rebuilds the state.

use std::sync::Arc;

use crate::domain::account::{Account, named};
use crate::domain::command::Party;
use crate::domain::consent::{Consent, Status};
use crate::domain::ids::{ConsentHandle, ConsentId};
use crate::domain::session::Session;

/// One fact about one consent.
#[derive(Clone, Debug)]
pub enum Event {
    ConsentRaised {
        consent: Arc<Consent>,
    },
    ConsentApproved {
        handle: ConsentHandle,
        consent_id: ConsentId,
        accounts: Arc<[Account]>,
    },
    ConsentActivated {
        handle: ConsentHandle,
    },
    ConsentRejected {
        handle: ConsentHandle,
    },
    ConsentFailed {
        handle: ConsentHandle,
    },
    ConsentPaused {
        handle: ConsentHandle,
    },
    ConsentResumed {
        handle: ConsentHandle,
    },
    ConsentRevoked {
        handle: ConsentHandle,
        by: Party,
    },
    ConsentExpired {
        handle: ConsentHandle,
    },
    /// Data was asked for; counts as one use of the consent.
    DataRequested {
        session: Arc<Session>,
    },
    /// Every account of the session has answered.
    DataPrepared {
        session: Arc<Session>,
    },
}

named! {
    /// The names by which scenario rules, the journal and reports know events.
    EventName {
        ConsentRaised = "consent.raised",
        ConsentReady = "consent.ready",
        ConsentActive = "consent.active",
        ConsentRejected = "consent.rejected",
        ConsentFailed = "consent.failed",
        ConsentPaused = "consent.paused",
        ConsentResumed = "consent.resumed",
        ConsentRevoked = "consent.revoked",
        ConsentExpired = "consent.expired",
        FiRequested = "fi.requested",
        FiPrepared = "fi.prepared",
    }
}

impl Event {
    pub fn name(&self) -> EventName {
        match self {
            Self::ConsentRaised { .. } => EventName::ConsentRaised,
            Self::ConsentApproved { .. } => EventName::ConsentReady,
            Self::ConsentActivated { .. } => EventName::ConsentActive,
            Self::ConsentRejected { .. } => EventName::ConsentRejected,
            Self::ConsentFailed { .. } => EventName::ConsentFailed,
            Self::ConsentPaused { .. } => EventName::ConsentPaused,
            Self::ConsentResumed { .. } => EventName::ConsentResumed,
            Self::ConsentRevoked { .. } => EventName::ConsentRevoked,
            Self::ConsentExpired { .. } => EventName::ConsentExpired,
            Self::DataRequested { .. } => EventName::FiRequested,
            Self::DataPrepared { .. } => EventName::FiPrepared,
        }
    }

    /// The consent that it is about.
    pub fn handle(&self) -> ConsentHandle {
        match self {
            Self::ConsentRaised { consent } => consent.handle,
            Self::ConsentApproved { handle, .. }
            | Self::ConsentActivated { handle }
            | Self::ConsentRejected { handle }
            | Self::ConsentFailed { handle }
            | Self::ConsentPaused { handle }
            | Self::ConsentResumed { handle }
            | Self::ConsentRevoked { handle, .. }
            | Self::ConsentExpired { handle } => *handle,
            Self::DataRequested { session } | Self::DataPrepared { session } => session.handle,
        }
    }

    /// The status that the consent has afterwards; `None` when the event leaves it as it is.
    pub fn status(&self) -> Option<Status> {
        match self {
            Self::ConsentRaised { .. } => Some(Status::Pending),
            Self::ConsentApproved { .. } => Some(Status::Ready),
            Self::ConsentActivated { .. } | Self::ConsentResumed { .. } => Some(Status::Active),
            Self::ConsentRejected { .. } => Some(Status::Rejected),
            Self::ConsentFailed { .. } => Some(Status::Failed),
            Self::ConsentPaused { .. } => Some(Status::Paused),
            Self::ConsentRevoked { .. } => Some(Status::Revoked),
            Self::ConsentExpired { .. } => Some(Status::Expired),
            Self::DataRequested { .. } | Self::DataPrepared { .. } => None,
        }
    }
}
