//! Causes of what happens in a world. All that one call, one step of a scenario or one timer
//! brings about has the same cause, so that a reader can join a request with the changes, the webhooks
//! and the answers that followed.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::domain::naming::wire_enum;

wire_enum! {
    /// Kind of a cause.
    CauseKind {
        /// A call of an FIU.
        Fiu = "fiu",
        /// A call of an FIP.
        Fip = "fip",
        /// A customer, on the pages of the AA.
        Customer = "customer",
        /// A person or a test that steers the sandbox.
        Operator = "operator",
        /// A step or a rule of a scenario, or an answer that a simulated FIP or customer has scheduled.
        Scenario = "scenario",
        /// The passing of time: an expiry, or a scheduled fetch.
        Timer = "timer",
    }
}

/// The cause of an entry of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// Number of the cause, from 1 in every world. The entry of a call is written when it is answered,
    /// so the number of its cause is known before its own.
    pub number: u64,
    pub kind: CauseKind,
    /// Operation of a call, place of a step in its file, or name of a timer.
    pub origin: Cow<'static, str>,
    /// Number of the cause that scheduled this one.
    pub parent: Option<u64>,
}
