//! An entry of a world's journal.

use std::sync::Arc;

use bytes::Bytes;

use crate::domain::api_fault::ApiFaultName;
use crate::domain::event::{Event, EventName};
use crate::domain::ids::ConsentHandle;
use crate::domain::notification::NotificationKind;
use crate::domain::operation::Operation;
use crate::domain::time::{Millis, Timestamp};
use crate::domain::webhook_fault::WebhookFaultName;

/// One entry.
#[derive(Clone, Debug)]
pub struct JournalEntry {
    /// Counts from 1 in every world.
    pub seq: u64,
    /// World time.
    pub at: Timestamp,
    pub record: JournalRecord,
}

/// What it records.
#[derive(Clone, Debug)]
pub enum JournalRecord {
    Event(Event),
    /// A call of the sandbox, and its answer.
    Call(Arc<CallRecord>),
    /// A webhook was sent, or was to be.
    Webhook(Arc<WebhookRecord>),
    /// A scripted step that could not happen; the world goes on.
    StepRejected {
        handle: Option<ConsentHandle>,
        origin: String,
        reason: String,
    },
    /// A signature that did not verify: what was signed, and what would have verified.
    InvalidSignature {
        text: String,
    },
    /// What a person should know: above all, what `--security strict` would have refused.
    Note {
        text: String,
    },
}

/// A call and its answer. Keys, tokens and passwords in it are masked.
#[derive(Clone, Debug)]
pub struct CallRecord {
    pub operation: Operation,
    pub method: String,
    /// With the query.
    pub path: String,
    /// Whose key or token was presented.
    pub fiu: Option<Arc<str>>,
    /// The consent that it was about, as far as that is known.
    pub handle: Option<ConsentHandle>,
    pub customer: Option<Arc<str>>,
    pub headers: Vec<(String, String)>,
    pub request_body: Bytes,
    pub status: u16,
    pub response_body: Bytes,
    /// Wall time of the answer.
    pub system_time: Timestamp,
    /// From the arrival of the body to the answer, faults not included.
    pub duration: Millis,
    /// What was made to go wrong.
    pub faults: Vec<ApiFaultName>,
    /// What the answer's `Retry-After` said.
    pub retry_after: Option<Millis>,
}

/// One attempt to send a webhook, or its end without one.
#[derive(Clone, Debug)]
pub struct WebhookRecord {
    /// The delivery's number.
    pub delivery: u64,
    pub webhook_id: String,
    pub event: NotificationKind,
    /// The status that it tells.
    pub status: Option<&'static str>,
    pub handle: ConsentHandle,
    pub customer: Arc<str>,
    pub fiu: Arc<str>,
    /// Counts from 1; 0 where none was made.
    pub attempt: u32,
    pub system_time: Timestamp,
    pub duration: Millis,
    /// What the FIU answered; `None` where there was no answer, or no attempt.
    pub response_status: Option<u16>,
    /// How it went, for people.
    pub outcome: String,
    pub faults: Vec<WebhookFaultName>,
    /// It is a copy of this delivery.
    pub copy_of: Option<u64>,
}

/// What an entry is about, as far as who counts entries must know it when the entry itself is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryKind {
    Event(EventName),
    Call(Operation),
    Webhook(NotificationKind),
    StepRejected,
    Remark,
}

impl JournalRecord {
    pub fn kind(&self) -> EntryKind {
        match self {
            Self::Event(event) => EntryKind::Event(event.name()),
            Self::Call(call) => EntryKind::Call(call.operation),
            Self::Webhook(webhook) => EntryKind::Webhook(webhook.event),
            Self::StepRejected { .. } => EntryKind::StepRejected,
            Self::InvalidSignature { .. } | Self::Note { .. } => EntryKind::Remark,
        }
    }

    /// The consent that it is about, if it is about one.
    pub fn consent_handle(&self) -> Option<ConsentHandle> {
        match self {
            Self::Event(event) => event.consent_handle(),
            Self::Call(call) => call.handle,
            Self::Webhook(webhook) => Some(webhook.handle),
            Self::StepRejected { handle, .. } => *handle,
            Self::InvalidSignature { .. } | Self::Note { .. } => None,
        }
    }

    /// How many bytes of bodies it keeps.
    pub fn body_bytes(&self) -> usize {
        match self {
            Self::Call(call) => call.request_body.len() + call.response_body.len(),
            _ => 0,
        }
    }
}
