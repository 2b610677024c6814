//! Owns the control API's view of the journal, the filter of journal queries, and the results of
//! expectations.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::api_fault::ApiFaultName;
use crate::domain::event::EventName;
use crate::domain::expectation::{Expectation, ExpectationStatus, Verdict};
use crate::domain::ids::ConsentHandle;
use crate::domain::journal_entry::{CallRecord, JournalEntry, JournalRecord, WebhookRecord};
use crate::domain::notification::NotificationKind;
use crate::domain::operation::Operation;
use crate::domain::text::quote_value;
use crate::domain::webhook_fault::WebhookFaultName;
use crate::wire::api_error::ApiError;
use crate::wire::control::schema_types::{TimestampText, UuidText};
use crate::wire::control::{HeaderView, list_headers};

/// A part of the journal.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct JournalPage {
    pub items: Vec<EntryView>,
    /// The `after` of the next part; `null` if this is the last one.
    pub next: Option<u64>,
    /// The number of entries that were evicted because the journal was full.
    pub evicted: u64,
}

/// A filter of journal entries.
#[derive(Debug, Default)]
pub(crate) struct JournalFilter {
    kind: Option<String>,
    op: Option<Operation>,
    handle: Option<ConsentHandle>,
    customer: Option<String>,
}

impl JournalFilter {
    /// The query parameters of the journal calls.
    pub(crate) const PARAMETERS: [&str; 6] =
        ["after", "limit", "kind", "op", "consentHandle", "customer"];

    /// Parses the query; `value` returns the value of a parameter.
    ///
    /// # Errors
    /// The first parameter with an invalid value, with the accepted values.
    pub(crate) fn parse(
        value: &dyn Fn(&str) -> Result<Option<String>, ApiError>,
    ) -> Result<Self, ApiError> {
        let op = value("op")?.map(|text| parse_operation(&text));
        let handle = value("consentHandle")?.map(|text| parse_handle(&text));
        let kind = value("kind")?;
        if let Some(kind) = kind.as_deref().filter(|kind| !is_known_kind(kind)) {
            let known = format!(
                "{} or an event, such as consent.revoked",
                NON_EVENT_KINDS.join(", ")
            );
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

    /// Returns whether an entry passes all filters that are set.
    pub(crate) fn matches_entry(&self, entry: &JournalEntry) -> bool {
        self.kind
            .as_deref()
            .is_none_or(|kind| kind == entry_kind(&entry.record))
            && self.op.is_none_or(
                |op| matches!(&entry.record, JournalRecord::Call(call) if call.operation == op),
            )
            && self
                .handle
                .is_none_or(|handle| entry.record.consent_handle() == Some(handle))
            && self
                .customer
                .as_deref()
                .is_none_or(|customer| entry_customer(&entry.record) == Some(customer))
    }
}

fn parse_operation(text: &str) -> Result<Operation, ApiError> {
    Operation::parse(text).ok_or_else(|| {
        let names = Operation::accepted_names();
        ApiError::invalid_field("op", format!("{} is not one of {names}", quote_value(text)))
    })
}

fn parse_handle(text: &str) -> Result<ConsentHandle, ApiError> {
    ConsentHandle::parse(text).ok_or_else(|| {
        ApiError::invalid_field(
            "consentHandle",
            format!("{} is not a UUID", quote_value(text)),
        )
    })
}

/// The kinds of entries other than events.
pub(crate) const NON_EVENT_KINDS: [&str; 5] = [
    "call",
    "webhook",
    "scenario.step_rejected",
    "signature.invalid",
    "note",
];

fn is_known_kind(text: &str) -> bool {
    NON_EVENT_KINDS.contains(&text) || EventName::parse(text).is_some()
}

fn entry_kind(record: &JournalRecord) -> &'static str {
    match record {
        JournalRecord::Event(event) => event.name().as_str(),
        JournalRecord::Call(_) => "call",
        JournalRecord::Webhook(_) => "webhook",
        JournalRecord::StepRejected { .. } => "scenario.step_rejected",
        JournalRecord::InvalidSignature { .. } => "signature.invalid",
        JournalRecord::Note { .. } => "note",
    }
}

fn entry_customer(record: &JournalRecord) -> Option<&str> {
    match record {
        JournalRecord::Event(event) => event.customer().map(|customer| &**customer),
        JournalRecord::Call(call) => call.customer.as_deref(),
        JournalRecord::Webhook(webhook) => Some(&webhook.customer),
        _ => None,
    }
}

/// The response of `POST assert`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AssertView {
    passed: bool,
    results: Vec<VerdictView>,
}

impl AssertView {
    /// Returns the response for these results.
    pub(crate) fn new(results: Vec<VerdictView>) -> Self {
        Self {
            passed: results.iter().all(|result| result.met),
            results,
        }
    }
}

/// The result of an expectation.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VerdictView {
    #[serde(skip)]
    met: bool,
    /// The place of the expectation in its file.
    location: String,
    /// `met`, `unmet`, `evicted` (too many entries were evicted to decide) or `untested` (the
    /// `after_event` never happened).
    #[schemars(with = "ExpectationStatus")]
    outcome: &'static str,
    expected: String,
    count: u64,
    evicted: u64,
    /// The first journal entries that match.
    matches: Vec<u64>,
    near_misses: Vec<NearMiss>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct NearMiss {
    seq: u64,
    difference: String,
}

impl VerdictView {
    /// Returns the result of an expectation.
    pub(crate) fn new(expectation: &Expectation, verdict: &Verdict) -> Self {
        let Verdict {
            status,
            count,
            evicted,
            matches,
            near_misses,
        } = verdict.clone();
        let near_misses = near_misses
            .into_iter()
            .map(|(seq, difference)| NearMiss { seq, difference })
            .collect();
        Self {
            met: status == ExpectationStatus::Met,
            location: expectation.location.clone(),
            outcome: status.as_str(),
            expected: expectation.to_string(),
            count,
            evicted,
            matches,
            near_misses,
        }
    }
}

/// An entry of the journal. `kind` is the event's name, or `call`, `webhook`,
/// `scenario.step_rejected`, `signature.invalid`, `note`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EntryView {
    seq: u64,
    #[schemars(with = "TimestampText")]
    at: String,
    kind: &'static str,
    #[schemars(with = "Option<UuidText>")]
    consent_handle: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<String>,
    /// A message for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<CallView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook: Option<WebhookView>,
}

/// A call and its response. Keys, tokens and passwords are masked.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CallView {
    #[schemars(with = "Operation")]
    op: &'static str,
    method: String,
    path: String,
    fiu_id: Option<String>,
    status: u16,
    #[schemars(with = "TimestampText")]
    system_time: String,
    duration_ms: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<ApiFaultName>")]
    faults: Vec<&'static str>,
    headers: Vec<HeaderView>,
    body: String,
    answer: String,
}

/// An attempt to send a webhook, or the end of a delivery without an attempt (`attempt` 0).
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct WebhookView {
    /// The id of the delivery in `webhooks`.
    delivery: u64,
    webhook_id: String,
    #[schemars(with = "NotificationKind")]
    event: &'static str,
    status: Option<&'static str>,
    fiu_id: String,
    attempt: u32,
    answered: Option<u16>,
    outcome: String,
    #[schemars(with = "TimestampText")]
    system_time: String,
    duration_ms: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<WebhookFaultName>")]
    faults: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    copy_of: Option<u64>,
}

impl From<&CallRecord> for CallView {
    fn from(call: &CallRecord) -> Self {
        let CallRecord {
            operation,
            method,
            path,
            fiu,
            handle: _,
            customer: _,
            headers,
            request_body,
            status,
            response_body,
            system_time,
            duration,
            faults,
            retry_after: _,
            facts: _,
        } = call;
        Self {
            op: operation.as_str(),
            method: method.clone(),
            path: path.clone(),
            fiu_id: fiu.as_ref().map(ToString::to_string),
            status: *status,
            system_time: system_time.to_string(),
            duration_ms: duration.0,
            faults: faults.iter().map(|fault| fault.as_str()).collect(),
            headers: list_headers(headers),
            body: String::from_utf8_lossy(request_body).into_owned(),
            answer: String::from_utf8_lossy(response_body).into_owned(),
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
            system_time,
            duration,
            response_status,
            outcome,
            faults,
            copy_of,
            api: _,
            message_time: _,
            session: _,
            acknowledgement: _,
            facts: _,
        } = webhook;
        Self {
            delivery: *delivery,
            webhook_id: webhook_id.clone(),
            event: event.as_str(),
            status: *status,
            fiu_id: fiu.to_string(),
            attempt: *attempt,
            answered: *response_status,
            outcome: outcome.clone(),
            system_time: system_time.to_string(),
            duration_ms: duration.0,
            faults: faults.iter().map(|fault| fault.as_str()).collect(),
            copy_of: *copy_of,
        }
    }
}

impl From<&JournalEntry> for EntryView {
    fn from(entry: &JournalEntry) -> Self {
        let JournalEntry { seq, at, record } = entry;
        let kind = entry_kind(record);
        let text = match record {
            JournalRecord::StepRejected { origin, reason, .. } => {
                Some(format!("{origin}: {reason}"))
            }
            JournalRecord::InvalidSignature { text } | JournalRecord::Note { text } => {
                Some(text.clone())
            }
            JournalRecord::Event(_) | JournalRecord::Call(_) | JournalRecord::Webhook(_) => None,
        };
        let customer = entry_customer(record).map(str::to_owned);
        let consent_handle = record.consent_handle().map(|handle| handle.to_string());
        let (call, webhook) = match record {
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
