//! Webhook deliveries with every attempt.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::delivery::{Attempt, Delivery, Outcome};

/// A webhook delivery. `body` is the very text that was sent.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryView {
    id: u64,
    webhook_id: String,
    event: &'static str,
    consent_handle: String,
    fiu_id: String,
    state: &'static str,
    created_at: String,
    next_attempt_at: Option<String>,
    attempts: Vec<AttemptView>,
    /// The body as JSON; only where one delivery is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Box<RawValue>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AttemptView {
    at: String,
    wall_at: String,
    duration_ms: u64,
    url: String,
    headers: Vec<(String, String)>,
    status: Option<u16>,
    answer: Option<String>,
    error: Option<String>,
    remark: Option<String>,
}

impl DeliveryView {
    pub fn new(delivery: &Delivery, with_body: bool) -> Self {
        let Delivery { id, notice, progress, next_attempt_at, message, attempts } = delivery;
        let body = message.as_ref().filter(|_| with_body).and_then(|message| {
            let text = String::from_utf8(message.body.clone()).ok()?;
            RawValue::from_string(text).ok()
        });
        Self {
            id: *id,
            webhook_id: format!("msg_{}", notice.message),
            event: notice.kind().as_str(),
            consent_handle: notice.consent.handle.to_string(),
            fiu_id: notice.fiu.to_string(),
            state: progress.as_str(),
            created_at: notice.at.to_string(),
            next_attempt_at: next_attempt_at.map(|at| at.to_string()),
            attempts: attempts.iter().map(AttemptView::from).collect(),
            body,
        }
    }
}

impl From<&Attempt> for AttemptView {
    fn from(attempt: &Attempt) -> Self {
        let Attempt { at, wall_at, duration_ms, url, headers, outcome } = attempt;
        let (status, answer, error, remark) = match outcome.clone() {
            Outcome::Accepted { status, body, remark } => (Some(status), Some(body), None, remark),
            Outcome::Refused { status, body } => (Some(status), Some(body), None, None),
            Outcome::Failed { reason } => (None, None, Some(reason), None),
        };
        Self {
            at: at.to_string(),
            wall_at: wall_at.to_string(),
            duration_ms: *duration_ms,
            url: url.clone(),
            headers: headers.clone(),
            status,
            answer,
            error,
            remark,
        }
    }
}
