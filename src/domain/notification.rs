//! Notifications to FIUs: at most one for each event that concerns an FIU. Serialisation and
//! sending belong to [`crate::webhooks`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::cause::Cause;
use crate::domain::consent::{Consent, Status};
use crate::domain::ids::{MessageId, SessionId};
use crate::domain::naming::wire_enum;
use crate::domain::session::Session;
use crate::domain::time::Timestamp;
use crate::domain::unaport::AnalyticsResult;

wire_enum! {
    /// Kind of webhook.
    NotificationKind {
        ConsentStatus = "consent.status",
        FiStatus = "fi.status",
        /// The statement itself; an extension of mockaa, for APIs without a data call.
        FiData = "fi.data",
        /// Analytics of a session; Unaport API only.
        Analytics = "analytics",
    }
}

impl NotificationKind {
    /// Returns the path below an FIU's base URL. The first two paths are those of the ReBIT FIU
    /// API; the others are our choice.
    pub const fn default_path(self) -> &'static str {
        match self {
            Self::ConsentStatus => "/Consent/Notification",
            Self::FiStatus => "/FI/Notification",
            Self::FiData => "/FI/Data",
            Self::Analytics => "/Analytics/Notification",
        }
    }
}

/// A message to one FIU.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Notification {
    /// Cause of the event that it tells.
    pub cause: Option<Arc<Cause>>,
    pub message_id: MessageId,
    /// Id of the participant that receives it.
    pub fiu: Arc<str>,
    /// The consent at the time of the event.
    pub consent: Arc<Consent>,
    /// World time of the event.
    pub at: Timestamp,
    /// The event's instant as the message carries it, however late it is sent.
    pub message_time: Timestamp,
    pub content: NotificationContent,
}

/// Content of a notification.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum NotificationContent {
    ConsentStatus(Status),
    FiStatus(Arc<Session>),
    FiData(Arc<Session>),
    /// Result of the analytics of a session.
    Analytics(Arc<AnalyticsResult>),
    /// A body that a scenario supplies.
    Raw(Arc<RawNotification>),
}

/// A notification whose body a scenario supplies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawNotification {
    /// Kind of the webhook; determines the URL.
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

    /// Returns the id of the message, the same in all attempts and copies (Standard Webhooks 1.0,
    /// `webhook-id`).
    pub fn webhook_id(&self) -> String {
        format!("msg_{}", self.message_id)
    }

    /// Returns the data session that the message is about.
    pub fn session_id(&self) -> Option<SessionId> {
        match &self.content {
            NotificationContent::FiStatus(session) | NotificationContent::FiData(session) => {
                Some(session.id)
            }
            NotificationContent::Analytics(_)
            | NotificationContent::ConsentStatus(_)
            | NotificationContent::Raw(_) => None,
        }
    }

    /// Returns the status that the message carries, in the spelling of the domain.
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
