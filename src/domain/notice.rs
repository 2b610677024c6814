//! What an FIU is told: one notice for each event that concerns it. Turning it into bytes is the webhooks' work.

use std::sync::Arc;

use crate::domain::consent::{Consent, Status};
use crate::domain::ids::MessageId;
use crate::domain::naming::named;
use crate::domain::session::Session;
use crate::domain::time::Timestamp;
use crate::domain::unaport::Analytics;

named! {
    /// The kinds of webhook.
    NoticeKind {
        ConsentStatus = "consent.status",
        FiStatus = "fi.status",
        /// The statement itself; ours, for faces that have no data call.
        FiData = "fi.data",
        /// Analytics of a session; Unaport's.
        Analytics = "analytics",
    }
}

impl NoticeKind {
    /// Where it is posted below an FIU's base URL: the first two by the ReBIT FIU API, the others by our choice.
    pub const fn path(self) -> &'static str {
        match self {
            Self::ConsentStatus => "/Consent/Notification",
            Self::FiStatus => "/FI/Notification",
            Self::FiData => "/FI/Data",
            Self::Analytics => "/Analytics/Notification",
        }
    }
}

/// One message to one FIU.
#[derive(Clone, Debug)]
pub struct Notice {
    pub message: MessageId,
    /// The participant it goes to.
    pub fiu: Arc<str>,
    /// The consent as it stood when the event happened.
    pub consent: Arc<Consent>,
    /// World time of the event.
    pub at: Timestamp,
    pub content: Content,
}

/// What the message says.
#[derive(Clone, Debug)]
pub enum Content {
    ConsentStatus(Status),
    FiStatus(Arc<Session>),
    FiData(Arc<Session>),
    /// How the analytics of a session went.
    Analytics(Arc<Analytics>),
    /// What a scenario wants to have said, word for word.
    Raw(Arc<Raw>),
}

/// A message that a scenario has written itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    /// What it is sent as, which decides where to.
    pub kind: NoticeKind,
    pub body: Box<[u8]>,
}

impl Notice {
    pub fn kind(&self) -> NoticeKind {
        match &self.content {
            Content::ConsentStatus(_) => NoticeKind::ConsentStatus,
            Content::FiStatus(_) => NoticeKind::FiStatus,
            Content::FiData(_) => NoticeKind::FiData,
            Content::Analytics(_) => NoticeKind::Analytics,
            Content::Raw(raw) => raw.kind,
        }
    }

    /// What tells one message from another, the same in every attempt and every copy (Standard Webhooks 1.0).
    pub fn webhook_id(&self) -> String {
        format!("msg_{}", self.message)
    }

    /// The status that it tells, in the domain's words.
    pub fn status(&self) -> Option<&'static str> {
        match &self.content {
            Content::ConsentStatus(status) => Some(status.as_str()),
            Content::FiStatus(session) | Content::FiData(session) => Some(session.status.as_str()),
            Content::Analytics(analytics) => Some(analytics.status.as_str()),
            Content::Raw(_) => None,
        }
    }
}
