//! A webhook on its way: what is sent, every try, and where it stands.

use std::sync::{Arc, OnceLock};

use crate::domain::naming::wire_enum;
use crate::domain::notification::Notification;
use crate::domain::time::{Millis, Timestamp};
use crate::domain::webhook_fault::{AppliedFault, WebhookFault, WebhookFaultName};

wire_enum! {
    /// Where a delivery stands.
    DeliveryState {
        /// Waits for the response that caused it to be handed over.
        Held = "held",
        /// Waits for its turn in the consent's lane.
        Queued = "queued",
        Sending = "sending",
        /// Failed, and is tried again later; or is late on purpose.
        Waiting = "waiting",
        Delivered = "delivered",
        Exhausted = "exhausted",
        /// The FIU has no base URL.
        Unaddressed = "unaddressed",
        /// Never sent, because a fault says so.
        Dropped = "dropped",
    }
}

/// One webhook on its way, or done.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Counts from 1 in every world.
    pub id: u64,
    pub notification: Arc<Notification>,
    pub state: DeliveryState,
    /// When it is tried again, in world time; only while it waits.
    pub next_attempt_at: Option<Timestamp>,
    /// The bytes, made before the first attempt and the same in each, and in all copies.
    pub message: Arc<OnceLock<Message>>,
    pub attempts: Vec<Attempt>,
    /// What goes wrong with it.
    pub faults: Arc<[AppliedFault]>,
    /// It repeats this one.
    pub copy_of: Option<u64>,
    /// How long its first attempt waits when its turn has come, in wall time.
    pub initial_delay: Millis,
    /// Whether it keeps to the order of its consent.
    pub in_order: bool,
    /// Somebody has sent it again by hand: one attempt, and no other after it.
    pub is_manual_resend: bool,
}

impl Delivery {
    /// What befalls the attempt of this number.
    pub fn faults_on_attempt(&self, attempt: u32) -> impl Iterator<Item = &WebhookFault> {
        let applies_to_attempt = move |applied: &&AppliedFault| {
            !applied.fault.name().affects_scheduling() && applied.attempts.contains(attempt)
        };
        self.faults
            .iter()
            .filter(applies_to_attempt)
            .map(|applied| &applied.fault)
    }

    /// The faults of its way, and those of this attempt, by name.
    pub fn fault_names(&self, attempt: u32) -> Vec<WebhookFaultName> {
        let scheduling_faults = self
            .faults
            .iter()
            .map(|applied| applied.fault.name())
            .filter(|name| name.affects_scheduling());
        scheduling_faults
            .chain(self.faults_on_attempt(attempt).map(WebhookFault::name))
            .collect()
    }
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
    pub system_time: Timestamp,
    pub duration_ms: u64,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub outcome: AttemptOutcome,
    pub faults: Vec<WebhookFaultName>,
    /// What was sent, where it is not the message as it should be.
    pub faulty_body: Option<Arc<[u8]>>,
    /// What the FIU's `Retry-After` asks for.
    pub retry_after: Option<Millis>,
}

impl AttemptOutcome {
    /// What the FIU answered, if it did.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Accepted { status, .. } | Self::Rejected { status, .. } => Some(*status),
            Self::Failed { .. } => None,
        }
    }
}

impl std::fmt::Display for AttemptOutcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Accepted {
                status,
                remark: None,
                ..
            } => write!(f, "accepted with {status}"),
            Self::Accepted {
                status,
                remark: Some(remark),
                ..
            } => write!(f, "accepted with {status}, but {remark}"),
            Self::Rejected { status, .. } => write!(f, "refused with {status}"),
            Self::Failed { reason } => write!(f, "failed: {reason}"),
        }
    }
}

/// How a try ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// The FIU answered 2xx. `remark` says when its body said otherwise.
    Accepted {
        status: u16,
        body: String,
        remark: Option<String>,
    },
    /// The FIU answered something else.
    Rejected { status: u16, body: String },
    /// There was no answer.
    Failed { reason: String },
}
