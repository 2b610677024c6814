//! Webhook deliveries with every attempt.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::delivery::{Attempt, AttemptOutcome, Delivery};

/// A webhook delivery. `body` is the very text that was sent.
#[derive(Debug, Serialize, JsonSchema)]
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
    /// What goes wrong with it, on purpose.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<&'static str>,
    /// It repeats this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    copy_of: Option<u64>,
    /// The body as JSON; only where one delivery is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    body: Option<Box<RawValue>>,
}

#[derive(Debug, Serialize, JsonSchema)]
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
    /// What went wrong with this attempt, on purpose.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<&'static str>,
    /// What was sent instead of the body; only where one delivery is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    faulty_body: Option<String>,
}

impl DeliveryView {
    pub fn new(delivery: &Delivery, with_body: bool) -> Self {
        let Delivery {
            id,
            notification: notice,
            state: progress,
            next_attempt_at,
            message,
            attempts,
            faults,
            copy_of,
            ..
        } = delivery;
        let body = message.get().filter(|_| with_body).and_then(|message| {
            let text = String::from_utf8(message.body.clone()).ok()?;
            RawValue::from_string(text).ok()
        });
        Self {
            id: *id,
            webhook_id: notice.webhook_id(),
            event: notice.kind().as_str(),
            consent_handle: notice.consent.handle.to_string(),
            fiu_id: notice.fiu.to_string(),
            state: progress.as_str(),
            created_at: notice.at.to_string(),
            next_attempt_at: next_attempt_at.map(|at| at.to_string()),
            attempts: attempts
                .iter()
                .map(|attempt| AttemptView::new(attempt, with_body))
                .collect(),
            faults: faults
                .iter()
                .map(|applied| applied.fault.name().as_str())
                .collect(),
            copy_of: *copy_of,
            body,
        }
    }
}

impl AttemptView {
    fn new(attempt: &Attempt, with_body: bool) -> Self {
        let Attempt {
            at,
            system_time: wall_at,
            duration_ms,
            url,
            headers,
            outcome,
            faults,
            faulty_body: spoilt,
            retry_after: _,
        } = attempt;
        let (status, answer, error, remark) = match outcome.clone() {
            AttemptOutcome::Accepted {
                status,
                body,
                remark,
            } => (Some(status), Some(body), None, remark),
            AttemptOutcome::Rejected { status, body } => (Some(status), Some(body), None, None),
            AttemptOutcome::Failed { reason } => (None, None, Some(reason), None),
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
            faults: faults.iter().map(|fault| fault.as_str()).collect(),
            faulty_body: spoilt
                .as_ref()
                .filter(|_| with_body)
                .map(|body| String::from_utf8_lossy(body).into_owned()),
        }
    }
}
