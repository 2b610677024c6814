//! Owns the control API's view of webhook deliveries with every attempt.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::domain::delivery::{Attempt, AttemptOutcome, Delivery, DeliveryState};
use crate::domain::notification::NotificationKind;
use crate::domain::webhook_fault::WebhookFaultName;
use crate::wire::control::schema_types::{TimestampText, UuidText};
use crate::wire::control::{Detail, HeaderView, list_headers};
use crate::wire::mask::{RequestMask, SecretDetail, mask_headers, mask_target};

/// A webhook delivery. `body` is the exact text that was sent.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeliveryView {
    id: u64,
    webhook_id: String,
    #[schemars(with = "NotificationKind")]
    event: &'static str,
    /// The status that the message carries.
    status: Option<&'static str>,
    #[schemars(with = "UuidText")]
    consent_handle: String,
    fiu_id: String,
    #[schemars(with = "DeliveryState")]
    state: &'static str,
    #[schemars(with = "TimestampText")]
    created_at: String,
    #[schemars(with = "Option<TimestampText>")]
    next_attempt_at: Option<String>,
    attempts: Vec<AttemptView>,
    /// The faults injected into the delivery.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<WebhookFaultName>")]
    faults: Vec<&'static str>,
    /// The id of the delivery that this one repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    copy_of: Option<u64>,
    /// The body as it was built, or its text as a string if it is no JSON; only in the view of a
    /// single delivery. `webhooks/{id}/body` has the exact bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    body: Option<Box<RawValue>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct AttemptView {
    #[schemars(with = "TimestampText")]
    at: String,
    #[schemars(with = "TimestampText")]
    system_time: String,
    duration_ms: u64,
    url: String,
    /// `true` if secrets in the URL, the headers, the answer, the error or the remark are masked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    masked: bool,
    /// Absent from light rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<Vec<HeaderView>>,
    status: Option<u16>,
    /// The body of the answer; `null` if there is none, and in light rows.
    answer: Option<String>,
    error: Option<String>,
    remark: Option<String>,
    /// The faults injected into this attempt.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<WebhookFaultName>")]
    faults: Vec<&'static str>,
    /// The faulty body that was sent instead; only in the view of a single delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    faulty_body: Option<String>,
}

impl DeliveryView {
    /// Returns the view of a delivery.
    pub(crate) fn new(delivery: &Delivery, detail: Detail, secrets: SecretDetail) -> Self {
        let Delivery {
            id,
            notification,
            state,
            next_attempt_at,
            message,
            attempts,
            faults,
            copy_of,
            ..
        } = delivery;
        let body = match detail {
            Detail::Whole => message.get().and_then(|message| {
                let text = String::from_utf8_lossy(&message.body);
                let json = RawValue::from_string(text.to_string());
                json.or_else(|_| to_raw_value(&text)).ok()
            }),
            Detail::Light | Detail::Row => None,
        };
        Self {
            id: *id,
            webhook_id: notification.webhook_id(),
            event: notification.kind().as_str(),
            status: notification.status(),
            consent_handle: notification.consent.handle.to_string(),
            fiu_id: notification.fiu.to_string(),
            state: state.as_str(),
            created_at: notification.at.to_string(),
            next_attempt_at: next_attempt_at.map(|at| at.to_string()),
            attempts: attempts
                .iter()
                .map(|attempt| AttemptView::new(attempt, detail, secrets))
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
    fn new(attempt: &Attempt, detail: Detail, secrets: SecretDetail) -> Self {
        let Attempt {
            at,
            system_time,
            duration_ms,
            url,
            headers,
            outcome,
            faults,
            effective_faults: _,
            must_be_rejected: _,
            faultless_headers: _,
            faulty_body,
            retry_after: _,
            facts: _,
            acknowledgement: _,
        } = attempt;
        let has_content = detail != Detail::Light;
        let (status, answer, error, remark) = match outcome.clone() {
            AttemptOutcome::Accepted {
                status,
                body,
                remark,
            } => (Some(status), Some(body), None, remark),
            AttemptOutcome::Rejected { status, body } => (Some(status), Some(body), None, None),
            AttemptOutcome::Failed { reason } => (None, None, Some(reason), None),
        };
        let shown_url = match secrets {
            SecretDetail::Mask => mask_target(url),
            SecretDetail::Reveal => url.clone(),
        };
        let mask = RequestMask::new(headers, url, &[]);
        let show_answer = |text: &String| match secrets {
            SecretDetail::Mask => {
                String::from_utf8_lossy(&mask.mask_answer(text.as_bytes())).into_owned()
            }
            SecretDetail::Reveal => text.clone(),
        };
        let show_message = |text: &String| match secrets {
            SecretDetail::Mask => mask.mask_message(text),
            SecretDetail::Reveal => text.clone(),
        };
        let shown_answer = answer.as_ref().map(show_answer);
        let (shown_error, shown_remark) = (
            error.as_ref().map(show_message),
            remark.as_ref().map(show_message),
        );
        let masked = secrets == SecretDetail::Mask
            && (shown_url != *url
                || mask_headers(headers) != *headers
                || (&shown_answer, &shown_error, &shown_remark) != (&answer, &error, &remark));
        Self {
            at: at.to_string(),
            system_time: system_time.to_string(),
            duration_ms: *duration_ms,
            url: shown_url,
            masked,
            headers: has_content.then(|| list_headers(headers, secrets)),
            status,
            answer: shown_answer.filter(|_| has_content),
            error: shown_error,
            remark: shown_remark,
            faults: faults.iter().map(|fault| fault.as_str()).collect(),
            faulty_body: faulty_body
                .as_ref()
                .filter(|_| detail == Detail::Whole)
                .map(|body| String::from_utf8_lossy(body).into_owned()),
        }
    }
}
