//! Owns the control API's view of work that becomes due.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::timer::{Timer, TimerKind};
use crate::wire::control::schema_types::{TimestampText, UuidText};

/// Work that becomes due.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TimerView {
    /// World time.
    #[schemars(with = "TimestampText")]
    due: String,
    #[schemars(with = "TimerKind")]
    kind: &'static str,
    #[schemars(with = "UuidText")]
    consent_handle: String,
    /// Of a `session.expiry`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "UuidText")]
    session_id: Option<String>,
    /// Id of the webhook of a `webhook.retry`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64")]
    webhook: Option<u64>,
    /// The place of a step in its file, or the words for the work.
    origin: String,
}

impl From<&Timer> for TimerView {
    fn from(timer: &Timer) -> Self {
        Self {
            due: timer.due.to_string(),
            kind: timer.kind.as_str(),
            consent_handle: timer.handle.to_string(),
            session_id: timer.session.map(|id| id.to_string()),
            webhook: timer.delivery,
            origin: timer.origin.to_string(),
        }
    }
}
