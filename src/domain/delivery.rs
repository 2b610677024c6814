//! Delivery of a webhook: its message, its attempts and its state.

use std::sync::{Arc, OnceLock};

use crate::domain::call_facts::{Acknowledgement, SentFacts};
use crate::domain::cause::Cause;
use crate::domain::naming::wire_enum;
use crate::domain::notification::Notification;
use crate::domain::time::{Millis, Timestamp};
use crate::domain::webhook_fault::{AppliedFault, FaultRuleId, WebhookFault, WebhookFaultName};

wire_enum! {
    /// State of a delivery.
    DeliveryState {
        /// Waits until the response of the call that caused it has been sent.
        Held = "held",
        /// Waits for its turn in the consent's queue.
        Queued = "queued",
        Sending = "sending",
        /// Waits for the next attempt after a failure, or for the end of an injected delay.
        Waiting = "waiting",
        Delivered = "delivered",
        /// The last attempt has failed, or the FIU answered 410.
        Exhausted = "exhausted",
        /// The FIU has no URL for this kind of webhook.
        Unaddressed = "unaddressed",
        /// Not sent: the FIU has answered 410 at this URL, so it is no longer called.
        Disabled = "disabled",
        /// Never sent, because of a fault.
        Dropped = "dropped",
    }
}

/// The delivery of one notification to one FIU.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Sequence number, from 1 in every world.
    pub id: u64,
    pub notification: Arc<Notification>,
    pub state: DeliveryState,
    /// Time of the next attempt, in world time; set only while the delivery waits.
    pub next_attempt_at: Option<Timestamp>,
    /// The message, built before the first attempt; the same for all attempts and copies.
    pub message: Arc<OnceLock<Message>>,
    pub attempts: Vec<Attempt>,
    /// Faults that apply to this delivery.
    pub faults: Arc<[AppliedFault]>,
    /// Id of the delivery of which this one is a copy.
    pub copy_of: Option<u64>,
    /// Delay of the first attempt after the delivery's turn has come, in system time.
    pub initial_delay: Millis,
    /// `true` if the delivery keeps the order of its consent.
    pub in_order: bool,
    /// `true` if a person has resent it: one attempt without retries.
    pub is_manual_resend: bool,
    /// The cause of the next attempt, or of the last one, if a person has asked for it.
    pub resend_cause: Option<Arc<Cause>>,
}

impl Delivery {
    /// Returns the cause of the next attempt, or of the last one: the event, or the person who asked for
    /// it.
    pub fn cause(&self) -> Option<&Arc<Cause>> {
        self.resend_cause
            .as_ref()
            .or(self.notification.cause.as_ref())
    }

    /// Returns the faults that apply to the attempt of this number.
    pub fn faults_on_attempt(&self, attempt: u32) -> impl Iterator<Item = &WebhookFault> {
        self.applied_on_attempt(attempt)
            .map(|applied| &applied.fault)
    }

    fn applied_on_attempt(&self, attempt: u32) -> impl Iterator<Item = &AppliedFault> {
        self.faults.iter().filter(move |applied| {
            !applied.fault.affects_scheduling() && applied.attempts.contains(attempt)
        })
    }

    /// Returns the rules of scenarios whose faults show in the last attempt.
    pub fn rules_applied_last(&self) -> impl Iterator<Item = &FaultRuleId> {
        let number = u32::try_from(self.attempts.len()).unwrap_or(u32::MAX);
        let effective = self
            .attempts
            .last()
            .map(|attempt| &*attempt.effective_faults);
        self.applied_on_attempt(number)
            .zip(effective.unwrap_or_default())
            .filter(|(_, is_effective)| **is_effective)
            .filter_map(|(applied, _)| applied.rule.as_ref())
    }

    /// Returns the body that the last attempt sent; empty if there was no attempt.
    pub fn last_sent_body(&self) -> &[u8] {
        let attempt = self.attempts.last();
        attempt
            .and_then(|attempt| self.body_of(Some(attempt)))
            .unwrap_or_default()
    }

    /// Returns the body of an attempt of this delivery, or without an attempt the body that its
    /// message has; `None` before the message is built.
    pub fn body_of<'a>(&'a self, attempt: Option<&'a Attempt>) -> Option<&'a [u8]> {
        let faulty_body = attempt.and_then(|attempt| attempt.faulty_body.as_deref());
        faulty_body.or_else(|| self.message.get().map(|message| message.body.as_slice()))
    }

    /// Returns the names of the scheduling faults and of the faults of this attempt. Those of the first
    /// schedule have no part in a manual resend.
    pub fn fault_names(&self, attempt: u32) -> Vec<WebhookFaultName> {
        let scheduling_faults = self
            .faults
            .iter()
            .filter(|applied| applied.fault.affects_scheduling() && !self.is_manual_resend)
            .map(|applied| applied.fault.name());
        scheduling_faults
            .chain(self.faults_on_attempt(attempt).map(WebhookFault::name))
            .collect()
    }
}

/// The bytes of a webhook: the body and the signature over exactly this body.
#[derive(Debug)]
pub struct Message {
    pub body: Vec<u8>,
    /// `None` for an FIU with the signature profile `off`.
    pub signature: Option<String>,
}

/// One HTTP attempt of a delivery.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// World time.
    pub at: Timestamp,
    /// System time.
    pub system_time: Timestamp,
    pub duration_ms: u64,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub outcome: AttemptOutcome,
    pub faults: Vec<WebhookFaultName>,
    /// For each fault of [`Delivery::faults_on_attempt`], whether it shows in the request.
    pub effective_faults: Vec<bool>,
    /// `true` if a fault that shows in the request makes it one that an FIU must reject.
    pub must_be_rejected: bool,
    /// The headers that the request would have without faults, if a fault changed them.
    pub faultless_headers: Option<Arc<[(String, String)]>>,
    /// The bytes that were sent, if a fault changed them.
    pub faulty_body: Option<Arc<[u8]>>,
    /// Value of the FIU's `Retry-After` header.
    pub retry_after: Option<Millis>,
    pub facts: SentFacts,
    pub acknowledgement: Acknowledgement,
}

impl AttemptOutcome {
    /// Returns the body of the FIU's response; it is empty if there was none.
    pub fn body(&self) -> &str {
        match self {
            Self::Accepted { body, .. } | Self::Rejected { body, .. } => body,
            Self::Failed { .. } => "",
        }
    }

    /// Returns the HTTP status of the FIU's response, if there was one.
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
            Self::Rejected { status, .. } => write!(f, "rejected with {status}"),
            Self::Failed { reason } => write!(f, "failed: {reason}"),
        }
    }
}

/// Outcome of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// The FIU answered 2xx. `remark` describes a body that contradicts the status.
    Accepted {
        status: u16,
        body: String,
        remark: Option<String>,
    },
    /// The FIU answered with another status.
    Rejected { status: u16, body: String },
    /// There was no response.
    Failed { reason: String },
}
