//! Work of a world that becomes due.

use std::borrow::Cow;

use crate::domain::ids::{ConsentHandle, SessionId};
use crate::domain::naming::wire_enum;
use crate::domain::time::Timestamp;

wire_enum! {
    /// Kind of work that becomes due.
    TimerKind {
        /// A consent expires.
        ConsentExpiry = "consent.expiry",
        /// The data of a session expires.
        SessionExpiry = "session.expiry",
        /// Unaport requests data by schedule.
        ScheduledFetch = "scheduled.fetch",
        /// A step or a rule of a scenario, or an answer of a simulated FIP or customer.
        Step = "step",
        /// A webhook is sent again.
        WebhookRetry = "webhook.retry",
    }
}

/// Work that becomes due, in world time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    pub due: Timestamp,
    pub kind: TimerKind,
    /// The consent that it concerns.
    pub handle: ConsentHandle,
    /// Of a session whose data expires.
    pub session: Option<SessionId>,
    /// Number of a webhook that is sent again.
    pub delivery: Option<u64>,
    /// Place of a step in its file, or the words for the work.
    pub origin: Cow<'static, str>,
}
