//! What a caller, a scenario or a clock may ask of a world. The engine decides.

use std::sync::Arc;

use crate::domain::account::named;
use crate::domain::consent::{Face, Input, Terms};
use crate::domain::ids::ConsentHandle;
use crate::domain::session::FiStatus;
use crate::domain::time::{Span, Timestamp};

/// A wish to change something.
#[derive(Clone, Debug)]
pub enum Command {
    RaiseConsent(RaiseConsent),
    MoveConsent {
        handle: ConsentHandle,
        verb: Verb,
    },
    /// Opens a data session for the consent and lets every account answer with this status.
    Deliver {
        handle: ConsentHandle,
        outcome: FiStatus,
    },
}

/// A validated consent request.
#[derive(Clone, Debug)]
pub struct RaiseConsent {
    pub terms: Terms,
    pub face: Face,
    /// The participant that it belongs to.
    pub fiu: Arc<str>,
    /// A scenario asked for by name; `None`: the usual rules choose.
    pub scenario: Option<Box<str>>,
}

/// A move, with what it needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// With `hold`, the consent stays READY until it is activated: a real race that breaks FIUs.
    Approve {
        hold: bool,
    },
    Activate,
    Reject,
    Fail,
    Pause,
    Resume,
    Revoke {
        by: Party,
    },
    Expire,
}

named! {
    /// Who ended a consent.
    Party { Customer = "customer", Fiu = "fiu", Fip = "fip" }
}

impl Verb {
    /// The column of the transition table that it stands for.
    pub const fn input(self) -> Input {
        match self {
            Self::Approve { .. } => Input::Approve,
            Self::Activate => Input::Activate,
            Self::Reject => Input::Reject,
            Self::Fail => Input::Fail,
            Self::Pause => Input::Pause,
            Self::Resume => Input::Resume,
            Self::Revoke { .. } => Input::Revoke,
            Self::Expire => Input::Expire,
        }
    }

    /// The verb as it is used when nobody says more: approval takes force at once, the customer revokes.
    pub const fn plain(input: Input) -> Self {
        match input {
            Input::Approve => Self::Approve { hold: false },
            Input::Activate => Self::Activate,
            Input::Reject => Self::Reject,
            Input::Fail => Self::Fail,
            Input::Pause => Self::Pause,
            Input::Resume => Self::Resume,
            Input::Revoke => Self::Revoke { by: Party::Customer },
            Input::Expire => Self::Expire,
        }
    }
}

/// How far a world's clock is to be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdvanceTarget {
    By(Span),
    To(Timestamp),
    /// Until nothing is due any more.
    UntilIdle,
}
