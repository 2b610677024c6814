//! Entries of a world's journal.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::domain::api_fault::ApiFaultName;
use crate::domain::call_facts::{Acknowledgement, ApiFamily, CallFacts, RequestFacts, SentFacts};
use crate::domain::cause::Cause;
use crate::domain::event::{Event, EventName};
use crate::domain::ids::{ConsentHandle, SessionId};
use crate::domain::notification::NotificationKind;
use crate::domain::operation::Operation;
use crate::domain::time::{Millis, Timestamp};
use crate::domain::webhook_fault::WebhookFaultName;

/// A numbered entry of a world's journal.
#[derive(Clone, Debug)]
pub struct JournalEntry {
    /// Sequence number, from 1 in every world.
    pub seq: u64,
    /// World time.
    pub at: Timestamp,
    pub system_time: Timestamp,
    /// Customer whom the entry concerns, if one is known.
    pub customer: Option<Arc<str>>,
    /// Handle of the consent that the entry is about, if it is known.
    pub handle: Option<ConsentHandle>,
    /// `None` for what nothing outside the sandbox has caused.
    pub cause: Option<Arc<Cause>>,
    pub record: JournalRecord,
}

/// Content of a journal entry.
#[derive(Clone, Debug)]
pub enum JournalRecord {
    Event(Event),
    /// A call of the sandbox with its response.
    Call(Arc<CallRecord>),
    /// An attempt to send a webhook, or a webhook that was not sent.
    Webhook(Arc<WebhookRecord>),
    /// A scripted step that was rejected; the scenario continues.
    StepRejected {
        handle: Option<ConsentHandle>,
        origin: String,
        reason: String,
    },
    /// An invalid signature: the bytes that were signed, and the bytes that would have been valid.
    InvalidSignature {
        text: String,
    },
    /// A note for people, above all about calls that `--security strict` would have rejected.
    Note {
        text: String,
    },
}

/// A call with its response, as both were on the wire. Views mask keys, tokens and passwords.
#[derive(Clone, Debug)]
pub struct CallRecord {
    pub operation: Operation,
    pub method: String,
    /// Path with the query.
    pub path: String,
    /// Id of the participant whose key or token was presented.
    pub fiu: Option<Arc<str>>,
    /// Handle of the consent that the call is about, if it is known.
    pub handle: Option<ConsentHandle>,
    pub customer: Option<Arc<str>>,
    pub headers: RecordedHeaders,
    /// The body, or its first 64 KiB.
    pub request_body: Bytes,
    /// Length of the whole body, in bytes.
    pub request_body_length: usize,
    pub status: u16,
    /// Headers of the response, without those that the server adds.
    pub response_headers: RecordedHeaders,
    /// The body, or its first 64 KiB.
    pub response_body: Bytes,
    /// Length of the whole body, in bytes.
    pub response_body_length: usize,
    /// System time of the response.
    pub system_time: Timestamp,
    /// Time from the arrival of the body to the response, without injected faults.
    pub duration: Millis,
    /// Faults that were injected.
    pub faults: Vec<ApiFaultName>,
    /// Value of the response's `Retry-After` header.
    pub retry_after: Option<Millis>,
    pub facts: CallFacts,
    /// Instants that the `timestamp` of the request may be near; none for an API whose requests have
    /// no message head.
    pub request_times: Box<[Timestamp]>,
    pub request_facts: DeferredFacts,
}

/// Headers in one text, since each call of the journal has some: names and values, each with a line
/// feed at its end, which neither can contain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedHeaders(Box<str>);

impl RecordedHeaders {
    /// Records headers in their order.
    pub fn from_pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Self {
        let sizes = pairs
            .clone()
            .map(|(name, value)| name.len() + value.len() + 2);
        let mut text = String::with_capacity(sizes.sum());
        for (name, value) in pairs {
            for part in [name, "\n", value, "\n"] {
                text.push_str(part);
            }
        }
        Self(text.into())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut lines = self.0.split_terminator('\n');
        std::iter::from_fn(move || Some((lines.next()?, lines.next()?)))
    }

    pub fn to_list(&self) -> Vec<(String, String)> {
        let pairs = self.iter();
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }
}

/// The facts of a request, read when someone asks for them: most calls leave the journal unasked.
#[derive(Clone, Debug)]
pub struct DeferredFacts {
    read: fn(&CallRecord) -> RequestFacts,
    facts: OnceLock<RequestFacts>,
}

impl DeferredFacts {
    /// Defers a function that reads the facts of the record.
    pub fn new(read: fn(&CallRecord) -> RequestFacts) -> Self {
        Self {
            read,
            facts: OnceLock::new(),
        }
    }

    /// Sets the facts where the record has only a part of the request.
    pub fn set(&self, facts: RequestFacts) {
        // They are set before anyone can ask for them.
        let _ = self.facts.set(facts);
    }
}

impl CallRecord {
    /// Returns the facts that the text of the request shows.
    pub fn request_facts(&self) -> &RequestFacts {
        let DeferredFacts { read, facts } = &self.request_facts;
        facts.get_or_init(|| read(self))
    }

    /// Returns the system time when the request was complete.
    pub fn arrived_at(&self) -> Timestamp {
        self.system_time.saturating_add(Millis(-self.duration.0))
    }

    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Returns whether a fault broke the connection before the response was complete.
    pub fn is_broken(&self) -> bool {
        self.faults.iter().any(|fault| fault.breaks_response())
    }

    /// Returns whether the FIU received a whole response of success on which it may rely.
    pub fn is_reliable(&self) -> bool {
        self.is_success() && !self.is_broken() && self.facts.defects.is_empty()
    }

    /// Returns whether the FIU has such a response for certain: it may have given up on one that a
    /// fault has delayed.
    pub fn is_surely_received(&self) -> bool {
        self.is_reliable() && !self.faults.iter().any(|fault| fault.delays_response())
    }
}

/// An attempt to send a webhook, or the end of a delivery without one.
#[derive(Clone, Debug)]
pub struct WebhookRecord {
    /// Id of the delivery.
    pub delivery: u64,
    pub webhook_id: String,
    pub event: NotificationKind,
    /// The status that the webhook carries.
    pub status: Option<&'static str>,
    pub handle: ConsentHandle,
    pub customer: Arc<str>,
    pub fiu: Arc<str>,
    /// Number of the attempt, from 1; 0 if none was made.
    pub attempt: u32,
    pub system_time: Timestamp,
    pub duration: Millis,
    /// Status of the FIU's response; `None`: no response, or no attempt.
    pub response_status: Option<u16>,
    /// Outcome for people.
    pub outcome: String,
    pub faults: Vec<WebhookFaultName>,
    /// `true` if one of them shows in the request, and makes it one that an FIU must reject.
    pub must_be_rejected: bool,
    /// The URL to which it was sent; empty if no attempt was made.
    pub url: String,
    /// Headers that were sent; empty if no attempt was made.
    pub headers: Vec<(String, String)>,
    /// Body that was sent, up to [`WEBHOOK_BODY_BYTES_MAX`]; empty if no attempt was made.
    pub body: Bytes,
    /// Length of the whole body, in bytes.
    pub body_length: usize,
    /// Beginning of the body of the FIU's response; empty if there was none.
    pub response_body: Bytes,
    /// Id of the delivery of which this one is a copy.
    pub copy_of: Option<u64>,
    /// API of the consent, which decides the format of the message.
    pub api: ApiFamily,
    /// The event's instant as the message carries it, before faults.
    pub message_time: Timestamp,
    /// Data session of the message.
    pub session: Option<SessionId>,
    pub acknowledgement: Acknowledgement,
    pub facts: SentFacts,
}

impl WebhookRecord {
    /// Returns the system time when the FIU's response had arrived.
    pub fn answered_at(&self) -> Timestamp {
        self.system_time.saturating_add(self.duration)
    }

    pub fn is_accepted(&self) -> bool {
        self.response_status
            .is_some_and(|status| (200..300).contains(&status))
    }
}

/// Recorded length of the body of a webhook, in bytes; the rest is cut off.
pub(crate) const WEBHOOK_BODY_BYTES_MAX: usize = 64 * 1024;

/// Key by which evicted entries are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryKind {
    Event(EventName),
    Call(Operation),
    Webhook(NotificationKind),
    StepRejected,
    Remark,
}

impl JournalRecord {
    /// Returns the customer whom the record itself names.
    pub fn customer(&self) -> Option<&Arc<str>> {
        match self {
            Self::Event(event) => event.customer(),
            Self::Call(call) => call.customer.as_ref(),
            Self::Webhook(webhook) => Some(&webhook.customer),
            Self::StepRejected { .. } | Self::InvalidSignature { .. } | Self::Note { .. } => None,
        }
    }

    pub fn kind(&self) -> EntryKind {
        match self {
            Self::Event(event) => EntryKind::Event(event.name()),
            Self::Call(call) => EntryKind::Call(call.operation),
            Self::Webhook(webhook) => EntryKind::Webhook(webhook.event),
            Self::StepRejected { .. } => EntryKind::StepRejected,
            Self::InvalidSignature { .. } | Self::Note { .. } => EntryKind::Remark,
        }
    }

    /// Returns the handle of the consent that the record is about.
    pub fn consent_handle(&self) -> Option<ConsentHandle> {
        match self {
            Self::Event(event) => event.consent_handle(),
            Self::Call(call) => call.handle,
            Self::Webhook(webhook) => Some(webhook.handle),
            Self::StepRejected { handle, .. } => *handle,
            Self::InvalidSignature { .. } | Self::Note { .. } => None,
        }
    }

    /// Returns the size of the stored bodies.
    pub fn body_bytes(&self) -> usize {
        match self {
            Self::Call(call) => call.request_body.len() + call.response_body.len(),
            Self::Webhook(webhook) => webhook.body.len() + webhook.response_body.len(),
            _ => 0,
        }
    }
}
