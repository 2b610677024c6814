//! What an FIU is told: one notice for each event that concerns it. Turning it into bytes is the webhooks' work.

use std::sync::Arc;

use crate::domain::consent::{Consent, Status};
use crate::domain::ids::MessageId;
use crate::domain::naming::wire_enum;
use crate::domain::session::Session;
use crate::domain::time::Timestamp;
use crate::domain::unaport::AnalyticsResult;

wire_enum! {
    /// The kinds of webhook.
    NotificationKind {
        ConsentStatus = "consent.status",
        FiStatus = "fi.status",
        /// The statement itself; ours, for faces that have no data call.
        FiData = "fi.data",
        /// Analytics of a session; Unaport's.
        Analytics = "analytics",
    }
}

impl NotificationKind {
    /// Where it is posted below an FIU's base URL: the first two by the ReBIT FIU API, the others by our choice.
    pub const fn default_path(self) -> &'static str {
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
pub struct Notification {
    pub message_id: MessageId,
    /// The participant it goes to.
    pub fiu: Arc<str>,
    /// The consent as it stood when the event happened.
    pub consent: Arc<Consent>,
    /// World time of the event.
    pub at: Timestamp,
    pub content: NotificationContent,
}

/// What the message says.
#[derive(Clone, Debug)]
pub enum NotificationContent {
    ConsentStatus(Status),
    FiStatus(Arc<Session>),
    FiData(Arc<Session>),
    /// How the analytics of a session went.
    Analytics(Arc<AnalyticsResult>),
    /// What a scenario wants to have said, word for word.
    Raw(Arc<RawNotification>),
}

/// A message that a scenario has written itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawNotification {
    /// What it is sent as, which decides where to.
    pub kind: NotificationKind,
    pub body: Box<[u8]>,
}

impl Notification {
    pub fn kind(&self) -> NotificationKind {
        match &self.content {
            NotificationContent::ConsentStatus(_) => NotificationKind::ConsentStatus,
            NotificationContent::FiStatus(_) => NotificationKind::FiStatus,
            NotificationContent::FiData(_) => NotificationKind::FiData,
            NotificationContent::Analytics(_) => NotificationKind::Analytics,
            NotificationContent::Raw(raw) => raw.kind,
        }
    }

    /// What tells one message from another, the same in every attempt and every copy (Standard Webhooks 1.0).
    pub fn webhook_id(&self) -> String {
        format!("msg_{}", self.message_id)
    }

    /// The status that it tells, in the domain's words.
    pub fn status(&self) -> Option<&'static str> {
        match &self.content {
            NotificationContent::ConsentStatus(status) => Some(status.as_str()),
            NotificationContent::FiStatus(session) | NotificationContent::FiData(session) => {
                Some(session.status.as_str())
            }
            NotificationContent::Analytics(analytics) => Some(analytics.status.as_str()),
            NotificationContent::Raw(_) => None,
        }
    }
}
