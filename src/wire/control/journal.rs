//! The journal as the control API tells it, and expectations that are held against it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::event::EventName;
use crate::domain::expectation::{Expectation, ExpectationStatus, Verdict};
use crate::domain::ids::ConsentHandle;
use crate::domain::journal_entry::{CallRecord, JournalEntry, JournalRecord, WebhookRecord};
use crate::domain::operation::Operation;

use crate::wire::api_error::ApiError;
use crate::wire::fields::quote_value;

/// A part of the journal.
#[derive(Debug, Serialize, JsonSchema)]
pub struct JournalPage {
    pub items: Vec<EntryView>,
    /// What to pass as `after` for the next part.
    pub next: Option<u64>,
    /// How many entries the journal has forgotten.
    pub evicted: u64,
}

/// Which entries are wanted.
#[derive(Debug, Default)]
pub struct JournalQuery {
    kind: Option<String>,
    op: Option<Operation>,
    handle: Option<ConsentHandle>,
    customer: Option<String>,
}

impl JournalQuery {
    /// What a query may say.
    pub const PARAMETERS: [&str; 6] = ["after", "limit", "kind", "op", "consentHandle", "customer"];

    /// Reads the query; `value` gives that of a name.
    ///
    /// # Errors
    /// The parameter whose value is none, and what would be one.
    pub fn parse(
        value: &dyn Fn(&str) -> Result<Option<String>, ApiError>,
    ) -> Result<Self, ApiError> {
        let op = value("op")?.map(|text| {
            let unknown = || {
                ApiError::invalid_field(
                    "op",
                    format!(
                        "{} is not one of {}",
                        quote_value(&text),
                        Operation::accepted_names()
                    ),
                )
            };
            Operation::parse(&text).ok_or_else(unknown)
        });
        let handle = value("consentHandle")?.map(|text| {
            let unknown = || {
                ApiError::invalid_field(
                    "consentHandle",
                    format!("{} is not a UUID", quote_value(&text)),
                )
            };
            ConsentHandle::parse(&text).ok_or_else(unknown)
        });
        let kind = value("kind")?;
        if let Some(kind) = kind.as_deref().filter(|kind| !is_known_kind(kind)) {
            let known = format!("{} or an event, such as consent.revoked", KINDS.join(", "));
            return Err(ApiError::invalid_field(
                "kind",
                format!("{} is not one of {known}", quote_value(kind)),
            ));
        }
        Ok(Self {
            kind,
            op: op.transpose()?,
            handle: handle.transpose()?,
            customer: value("customer")?,
        })
    }

    pub fn matches_entry(&self, entry: &JournalEntry) -> bool {
        let matches_op = || matches!(&entry.record, JournalRecord::Call(call) if self.op == Some(call.operation));
        self.kind
            .as_deref()
            .is_none_or(|kind| kind == entry_kind(&entry.record))
            && (self.op.is_none() || matches_op())
            && self
                .handle
                .is_none_or(|handle| entry.record.consent_handle() == Some(handle))
            && self
                .customer
                .as_deref()
                .is_none_or(|customer| entry_customer(&entry.record) == Some(customer))
    }
}

/// Kinds of entries that are no events.
const KINDS: [&str; 5] = [
    "call",
    "webhook",
    "scenario.step_rejected",
    "signature.invalid",
    "note",
];

fn is_known_kind(text: &str) -> bool {
    KINDS.contains(&text) || EventName::parse(text).is_some()
}

fn entry_kind(content: &JournalRecord) -> &'static str {
    match content {
        JournalRecord::Event(event) => event.name().as_str(),
        JournalRecord::Call(_) => "call",
        JournalRecord::Webhook(_) => "webhook",
        JournalRecord::StepRejected { .. } => "scenario.step_rejected",
        JournalRecord::InvalidSignature { .. } => "signature.invalid",
        JournalRecord::Note { .. } => "note",
    }
}

fn entry_customer(content: &JournalRecord) -> Option<&str> {
    match content {
        JournalRecord::Event(event) => event.customer().map(|customer| &**customer),
        JournalRecord::Call(call) => call.customer.as_deref(),
        JournalRecord::Webhook(webhook) => Some(&webhook.customer),
        _ => None,
    }
}

/// Answer of `assert`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AssertView {
    passed: bool,
    results: Vec<VerdictView>,
}

impl AssertView {
    pub fn new(results: Vec<VerdictView>) -> Self {
        Self {
            passed: results.iter().all(|result| result.met),
            results,
        }
    }
}

/// How an expectation fared.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerdictView {
    #[serde(skip)]
    met: bool,
    expectation: String,
    /// `met`, `unmet`, `evicted` (the journal has forgotten too much to tell) or `untested` (the event after which it was
    /// to be so never happened).
    outcome: &'static str,
    expected: String,
    count: u64,
    evicted: u64,
    /// Journal entries that count, the first of them.
    matches: Vec<u64>,
    near_misses: Vec<NearMiss>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct NearMiss {
    seq: u64,
    difference: String,
}

impl VerdictView {
    pub fn new(expectation: &Expectation, verdict: &Verdict) -> Self {
        let Verdict {
            status: outcome,
            count,
            evicted,
            matches,
            near_misses: near,
        } = verdict.clone();
        let near_misses = near
            .into_iter()
            .map(|(seq, difference)| NearMiss { seq, difference })
            .collect();
        Self {
            met: outcome == ExpectationStatus::Met,
            expectation: expectation.origin.clone(),
            outcome: outcome.as_str(),
            expected: format!("{} {}", expectation.count, expectation.target),
            count,
            evicted,
            matches,
            near_misses,
        }
    }
}

/// An entry of the journal. `kind` is the event's name, or `call`, `webhook`, `scenario.step_rejected`, `signature.invalid`,
/// `note`.
#[derive(Debug, Serialize, JsonSchema)]
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
#[derive(Debug, Serialize, JsonSchema)]
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
#[derive(Debug, Serialize, JsonSchema)]
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
            operation: op,
            method,
            path,
            fiu,
            handle: _,
            customer: _,
            headers,
            request_body: body,
            status,
            response_body: answer,
            system_time: wall_at,
            duration,
            faults,
            retry_after: _,
        } = call;
        let decode_lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
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
            body: decode_lossy(body),
            answer: decode_lossy(answer),
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
            system_time: wall_at,
            duration,
            response_status: answered,
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

impl From<&JournalEntry> for EntryView {
    fn from(entry: &JournalEntry) -> Self {
        let JournalEntry {
            seq,
            at,
            record: what,
        } = entry;
        let kind = entry_kind(what);
        let text = match what {
            JournalRecord::StepRejected { origin, reason, .. } => {
                Some(format!("{origin}: {reason}"))
            }
            JournalRecord::InvalidSignature { text } | JournalRecord::Note { text } => {
                Some(text.clone())
            }
            JournalRecord::Event(_) | JournalRecord::Call(_) | JournalRecord::Webhook(_) => None,
        };
        let customer = entry_customer(what).map(str::to_owned);
        let consent_handle = what.consent_handle().map(|handle| handle.to_string());
        let (call, webhook) = match what {
            JournalRecord::Call(call) => (Some(CallView::from(&**call)), None),
            JournalRecord::Webhook(webhook) => (None, Some(WebhookView::from(&**webhook))),
            _ => (None, None),
        };
        Self {
            seq: *seq,
            at: at.to_string(),
            kind,
            consent_handle,
            customer,
            text,
            call,
            webhook,
        }
    }
}
