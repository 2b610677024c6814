//! A webhook on its way: what is sent, every try, and where it stands.

use std::sync::Arc;

use crate::domain::account::named;
use crate::domain::notice::Notice;
use crate::domain::time::Timestamp;

named! {
    /// Where a delivery stands.
    Progress {
        /// Waits for the response that caused it to be handed over.
        Held = "held",
        /// Waits for its turn in the consent's lane.
        Queued = "queued",
        Sending = "sending",
        /// Failed, and is tried again later.
        Waiting = "waiting",
        Delivered = "delivered",
        GivenUp = "given_up",
        /// The FIU has no base URL.
        Unaddressed = "unaddressed",
    }
}

/// One webhook on its way, or done.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Counts from 1 in every world.
    pub id: u64,
    pub notice: Arc<Notice>,
    pub progress: Progress,
    /// When it is tried again, in world time; only while it waits.
    pub next_attempt_at: Option<Timestamp>,
    /// The bytes, made before the first attempt and the same in each.
    pub message: Option<Arc<Message>>,
    pub attempts: Vec<Attempt>,
}

/// What is sent: the body, and the signature over these very bytes.
#[derive(Debug)]
pub struct Message {
    pub body: Vec<u8>,
    /// `None` for an FIU that wants no signatures.
    pub signature: Option<String>,
}

/// One try.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// World time.
    pub at: Timestamp,
    /// Wall time.
    pub wall_at: Timestamp,
    pub duration_ms: u64,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub outcome: Outcome,
}

/// How a try ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The FIU answered 2xx. `remark` says when its body said otherwise.
    Accepted { status: u16, body: String, remark: Option<String> },
    /// The FIU answered something else.
    Refused { status: u16, body: String },
    /// There was no answer.
    Failed { reason: String },
}
