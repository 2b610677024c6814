//! A world: its journal, its clock, and how it looks from afar.

use serde::{Deserialize, Serialize};

use crate::domain::command::AdvanceTarget;
use crate::domain::consent::Status;
use crate::domain::record::{CallRecord, Entry, WebhookRecord, What};
use crate::wire::fields::parse_instant;
use crate::wire::problem::Problem;
use crate::wire::span::{SPAN_FORMS, parse_span};

/// An entry of the journal. `kind` is the event's name, or `call`, `webhook`, `scenario.refused`, `signature.flaw`,
/// `note`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EntryView {
    seq: u64,
    at: String,
    kind: &'static str,
    consent_handle: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<String>,
    /// What a person should know.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<CallView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook: Option<WebhookView>,
}

/// A call and its answer. Keys, tokens and passwords are masked.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CallView {
    op: &'static str,
    method: String,
    path: String,
    fiu_id: Option<String>,
    status: u16,
    wall_at: String,
    duration_ms: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<&'static str>,
    headers: Vec<(String, String)>,
    body: String,
    answer: String,
}

/// One attempt to send a webhook, or its end without one (`attempt` 0).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct WebhookView {
    /// Its number in `webhooks`.
    delivery: u64,
    webhook_id: String,
    event: &'static str,
    status: Option<&'static str>,
    fiu_id: String,
    attempt: u32,
    answered: Option<u16>,
    outcome: String,
    wall_at: String,
    duration_ms: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    copy_of: Option<u64>,
}

impl From<&CallRecord> for CallView {
    fn from(call: &CallRecord) -> Self {
        let CallRecord {
            op,
            method,
            path,
            fiu,
            handle: _,
            customer: _,
            headers,
            body,
            status,
            answer,
            wall_at,
            duration,
            faults,
            retry_after: _,
        } = call;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            op: op.as_str(),
            method: method.clone(),
            path: path.clone(),
            fiu_id: fiu.as_ref().map(ToString::to_string),
            status: *status,
            wall_at: wall_at.to_string(),
            duration_ms: duration.0,
            faults: faults.iter().map(|fault| fault.as_str()).collect(),
            headers: headers.clone(),
            body: text(body),
            answer: text(answer),
        }
    }
}

impl From<&WebhookRecord> for WebhookView {
    fn from(webhook: &WebhookRecord) -> Self {
        let WebhookRecord {
            delivery,
            webhook_id,
            event,
            status,
            handle: _,
            customer: _,
            fiu,
            attempt,
            wall_at,
            duration,
            answered,
            outcome,
            faults,
            copy_of,
        } = webhook;
        Self {
            delivery: *delivery,
            webhook_id: webhook_id.clone(),
            event: event.as_str(),
            status: *status,
            fiu_id: fiu.to_string(),
            attempt: *attempt,
            answered: *answered,
            outcome: outcome.clone(),
            wall_at: wall_at.to_string(),
            duration_ms: duration.0,
            faults: faults.iter().map(|fault| fault.as_str()).collect(),
            copy_of: *copy_of,
        }
    }
}

impl From<&Entry> for EntryView {
    fn from(entry: &Entry) -> Self {
        let Entry { seq, at, what } = entry;
        let (kind, text) = match what {
            What::Event(event) => (event.name().as_str(), None),
            What::Call(_) => ("call", None),
            What::Webhook(_) => ("webhook", None),
            What::SignatureFlaw { text } => ("signature.flaw", Some(text.clone())),
            What::StepRefused { origin, reason, .. } => ("scenario.refused", Some(format!("{origin}: {reason}"))),
            What::Note { text } => ("note", Some(text.clone())),
        };
        let customer = match what {
            What::Event(event) => event.customer().map(ToString::to_string),
            What::Call(call) => call.customer.as_ref().map(ToString::to_string),
            What::Webhook(webhook) => Some(webhook.customer.to_string()),
            _ => None,
        };
        let consent_handle = what.handle().map(|handle| handle.to_string());
        let (call, webhook) = match what {
            What::Call(call) => (Some(CallView::from(&**call)), None),
            What::Webhook(webhook) => (None, Some(WebhookView::from(&**webhook))),
            _ => (None, None),
        };
        Self { seq: *seq, at: at.to_string(), kind, consent_handle, customer, text, call, webhook }
    }
}

/// A world's clock.
#[derive(Debug, Serialize)]
pub struct ClockView {
    pub now: String,
    /// `running` or `frozen`.
    pub mode: &'static str,
}

/// A world seen from afar.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorldView {
    pub name: String,
    pub seed: u64,
    pub now: String,
    pub consents: usize,
    /// Consents in each state, the empty ones left out.
    pub states: Vec<(&'static str, usize)>,
    pub webhooks_open: usize,
    pub timers: usize,
}

/// States that occur.
pub fn states(tally: Vec<(Status, usize)>) -> Vec<(&'static str, usize)> {
    tally.into_iter().filter(|(_, count)| *count > 0).map(|(status, count)| (status.as_str(), count)).collect()
}

/// Answer of `clock/advance`.
#[derive(Debug, Serialize)]
pub struct AdvanceView {
    pub from: String,
    pub to: String,
    /// Due work that was done.
    pub fired: usize,
    /// `target`, `step-limit`, `time-limit` or `world-reset`.
    pub stopped: &'static str,
    /// What happened on the way, as far as the journal still has it.
    pub journal: Vec<EntryView>,
    /// The attempts to send webhooks that were made on the way.
    pub webhooks: Vec<EntryView>,
}

/// Body of `clock/advance`: exactly one of the three.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdvanceRequest {
    by: Option<String>,
    to: Option<String>,
    until: Option<String>,
}

impl TryFrom<AdvanceRequest> for AdvanceTarget {
    type Error = Problem;

    fn try_from(request: AdvanceRequest) -> Result<Self, Problem> {
        let AdvanceRequest { by, to, until } = request;
        match (by, to, until.as_deref()) {
            (Some(by), None, None) => {
                parse_span(&by).map(Self::By).ok_or_else(|| Problem::field("by", format!("'{by}' is not {SPAN_FORMS}")))
            }
            (None, Some(to), None) => parse_instant(&to)
                .map(Self::To)
                .ok_or_else(|| Problem::field("to", format!("'{to}' is not a date-time such as 2024-01-31T18:30:00Z"))),
            (None, None, Some("idle")) => Ok(Self::UntilIdle),
            (None, None, Some(other)) => Err(Problem::field("until", format!("'{other}' is not idle"))),
            _ => {
                Err(Problem::field("the body", "takes one of {\"by\":\"P30D\"}, {\"to\":\"…Z\"}, {\"until\":\"idle\"}"))
            }
        }
    }
}
