//! Owns the control API's view of the journal, the filter of journal queries, and the results of
//! expectations.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regex::bytes::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::api_fault::ApiFaultName;
use crate::domain::cause::{Cause, CauseKind};
use crate::domain::event::EventName;
use crate::domain::expectation::{ConsentTrace, Expectation, ExpectationStatus, NearMiss, Verdict};
use crate::domain::ids::ConsentHandle;
use crate::domain::journal_entry::{CallRecord, JournalEntry, JournalRecord, WebhookRecord};
use crate::domain::notification::NotificationKind;
use crate::domain::operation::Operation;
use crate::domain::text::{escape_controls, escape_line_controls, quote_value};
use crate::domain::time::Timestamp;
use crate::domain::webhook_fault::WebhookFaultName;
use crate::wire::api_error::ApiError;
use crate::wire::control::consents::StatusChangeView;
use crate::wire::control::schema_types::{TimestampText, UuidText};
use crate::wire::control::{Detail, HeaderView, list_headers};
use crate::wire::fields::{parse_customer_address, parse_timestamp_field};
use crate::wire::mask::{
    RequestMask, SecretDetail, mask_headers, mask_message, mask_target, mask_text,
};

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
    customer: Option<Arc<str>>,
    status: Option<StatusRange>,
    /// The first and the last instant, in world time.
    span: (Option<Timestamp>, Option<Timestamp>),
    text: Option<Regex>,
}

/// The statuses of answers from a first to a last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct StatusRange {
    first: u16,
    last: u16,
}

impl StatusRange {
    /// Parses a status, or a class such as `5xx`.
    fn parse(text: &str) -> Result<Self, ApiError> {
        let range = match text.as_bytes() {
            [digit @ b'1'..=b'5', b'x', b'x'] => {
                let first = u16::from(digit - b'0') * 100;
                Some((first, first + 99))
            }
            [b'1'..=b'5', b'0'..=b'9', b'0'..=b'9'] => {
                text.parse().ok().map(|status| (status, status))
            }
            _ => None,
        };
        let (first, last) = range.ok_or_else(|| {
            let message = format!("{} is no status such as 503 or 5xx", quote_value(text));
            ApiError::invalid_field("status", message)
        })?;
        Ok(Self { first, last })
    }

    fn contains(self, status: Option<u16>) -> bool {
        status.is_some_and(|status| (self.first..=self.last).contains(&status))
    }
}

impl JournalFilter {
    /// Parses the query; `value` returns the value of a parameter.
    ///
    /// # Errors
    /// The first parameter with an invalid value, with the accepted values.
    pub(crate) fn parse<'a>(value: impl Fn(&str) -> Option<&'a str>) -> Result<Self, ApiError> {
        let op = value("op").map(parse_operation);
        let handle = value("consentHandle").map(parse_handle);
        let kind = value("kind");
        if let Some(kind) = kind.filter(|kind| !is_known_kind(kind)) {
            let known = format!(
                "{} or an event, such as consent.revoked",
                NON_EVENT_KINDS.join(", ")
            );
            return Err(ApiError::invalid_field(
                "kind",
                format!("{} is not one of {known}", quote_value(kind)),
            ));
        }
        let parse_time = |name| {
            let text = value(name);
            text.map(|text| parse_timestamp_field(name, text))
                .transpose()
        };
        Ok(Self {
            kind: kind.map(str::to_owned),
            op: op.transpose()?,
            handle: handle.transpose()?,
            status: value("status").map(StatusRange::parse).transpose()?,
            span: (parse_time("from")?, parse_time("to")?),
            text: value("q").map(compile_search).transpose()?,
            customer: value("customer")
                .map(|text| parse_customer_address("customer", text))
                .transpose()?,
        })
    }

    /// Returns whether it depends on the consent of an entry, which a call in progress may tell later.
    pub(crate) fn needs_consent(&self) -> bool {
        self.handle.is_some() || self.customer.is_some()
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
                .is_none_or(|handle| entry.handle == Some(handle))
            && self
                .customer
                .as_deref()
                .is_none_or(|customer| entry.customer.as_deref() == Some(customer))
            && self
                .status
                .is_none_or(|range| range.contains(find_status(&entry.record)))
            && self.span.0.is_none_or(|from| entry.at >= from)
            && self.span.1.is_none_or(|to| entry.at <= to)
            && self
                .text
                .as_ref()
                .is_none_or(|text| has_text(&entry.record, text))
    }
}

/// Compiles the search for a text, whatever its case.
fn compile_search(text: &str) -> Result<Regex, ApiError> {
    RegexBuilder::new(&regex::escape(text))
        .case_insensitive(true)
        .build()
        .map_err(|_| ApiError::invalid_field("q", "is too long; search for a shorter text"))
}

/// Returns the status of an answer: ours to a call, the FIU's to a webhook.
fn find_status(record: &JournalRecord) -> Option<u16> {
    match record {
        JournalRecord::Call(call) => Some(call.status),
        JournalRecord::Webhook(webhook) => webhook.response_status,
        _ => None,
    }
}

fn is_in_any<'n>(text: &Regex, mut names: impl Iterator<Item = &'n str>) -> bool {
    names.any(|name| text.is_match(name.as_bytes()))
}

/// Returns whether a record has a text in its path, URL, headers, bodies, outcome, faults or message, as they
/// were recorded.
fn has_text(record: &JournalRecord, text: &Regex) -> bool {
    match record {
        JournalRecord::Call(call) => {
            text.is_match(call.path.as_bytes())
                || is_in_any(text, call.faults.iter().map(|fault| fault.as_str()))
                || text.is_match(&call.request_body)
                || text.is_match(&call.response_body)
                || is_in_any(text, call.headers.iter().flat_map(<[_; 2]>::from))
                || is_in_any(text, call.response_headers.iter().flat_map(<[_; 2]>::from))
        }
        JournalRecord::Webhook(webhook) => {
            text.is_match(webhook.webhook_id.as_bytes())
                || text.is_match(webhook.url.as_bytes())
                || is_in_any(text, webhook.faults.iter().map(|fault| fault.as_str()))
                || text.is_match(webhook.outcome.as_bytes())
                || text.is_match(&webhook.body)
                || is_in_any(
                    text,
                    webhook
                        .headers
                        .iter()
                        .flat_map(|(name, value)| [&**name, &**value]),
                )
        }
        JournalRecord::Event(event) => text.is_match(event.name().as_str().as_bytes()),
        JournalRecord::StepRejected { origin, reason, .. } => {
            text.is_match(origin.as_bytes()) || text.is_match(reason.as_bytes())
        }
        JournalRecord::InvalidSignature { text: message }
        | JournalRecord::Note { text: message } => text.is_match(message.as_bytes()),
    }
}

fn parse_operation(text: &str) -> Result<Operation, ApiError> {
    Operation::parse(text).ok_or_else(|| {
        let names = Operation::accepted_names();
        ApiError::invalid_field("op", format!("{} is not one of {names}", quote_value(text)))
    })
}

/// Parses the handle in parameter `consentHandle`.
pub(crate) fn parse_handle(text: &str) -> Result<ConsentHandle, ApiError> {
    ConsentHandle::parse(text).ok_or_else(|| {
        ApiError::invalid_field(
            "consentHandle",
            format!("{} is not a UUID", quote_value(text)),
        )
    })
}

/// The kinds of entries other than events.
const NON_EVENT_KINDS: [&str; 5] = [
    "call",
    "webhook",
    "scenario.step_rejected",
    "signature.invalid",
    "note",
];

/// Returns the kinds of entries.
pub(crate) fn list_kinds() -> Vec<&'static str> {
    let events = EventName::ALL.iter().map(|event| event.as_str());
    NON_EVENT_KINDS.into_iter().chain(events).collect()
}

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
    matches: Vec<EntrySummary>,
    /// The nearest journal entries that do not match, if there are too few matches.
    near_misses: Vec<NearMissView>,
    /// Of an unmet expectation of a state: the consents with the statuses that they have had.
    consents: Vec<ConsentTraceView>,
    /// The verdict in words, line by line: counted entries, near misses, statuses; empty if the
    /// expectation is met.
    explanation: Vec<String>,
}

/// A journal entry that does not match, with the reason.
#[derive(Debug, Serialize, JsonSchema)]
struct NearMissView {
    #[serde(flatten)]
    entry: EntrySummary,
    difference: String,
}

/// A journal entry without bodies and headers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EntrySummary {
    seq: u64,
    #[schemars(with = "TimestampText")]
    at: String,
    kind: &'static str,
    #[schemars(with = "Option<UuidText>")]
    consent_handle: Option<String>,
    /// Of a call.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Operation>")]
    op: Option<&'static str>,
    /// Of a call.
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    /// Of a call.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// The HTTP status of the answer: ours to a call, the FIU's to a webhook.
    #[serde(skip_serializing_if = "Option::is_none")]
    answered: Option<u16>,
    /// The kind of a webhook.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NotificationKind>")]
    event: Option<&'static str>,
    /// The status that a webhook carries.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    /// The entry on one line, for people.
    text: String,
}

/// The statuses that a consent has had.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ConsentTraceView {
    #[schemars(with = "UuidText")]
    consent_handle: String,
    customer: String,
    history: Vec<StatusChangeView>,
}

impl From<&JournalEntry> for EntrySummary {
    /// Returns the summary without secrets. It reads no bodies, which are long.
    fn from(entry: &JournalEntry) -> Self {
        let JournalEntry {
            seq,
            at,
            system_time: _,
            customer: _,
            handle,
            cause: _,
            record,
        } = entry;
        let kind = entry_kind(record);
        let text = describe_record(record, SecretDetail::Mask);
        let mut summary = Self {
            seq: *seq,
            at: at.to_string(),
            kind,
            consent_handle: handle.map(|handle| handle.to_string()),
            op: None,
            method: None,
            path: None,
            answered: None,
            event: None,
            status: None,
            text: text.unwrap_or_else(|| kind.to_owned()),
        };
        match record {
            JournalRecord::Call(call) => {
                let (op, path) = (call.operation.as_str(), mask_target(&call.path));
                summary.text = format!(
                    "{} {path}, {op}, answered with {}",
                    call.method, call.status
                );
                summary.op = Some(op);
                summary.method = Some(call.method.clone());
                summary.path = Some(path);
                summary.answered = Some(call.status);
            }
            JournalRecord::Webhook(webhook) => {
                let event = webhook.event.as_str();
                let status = webhook
                    .status
                    .map_or(String::new(), |status| format!(" {status}"));
                summary.text = format!(
                    "webhook {event}{status}, attempt {}, {}",
                    webhook.attempt,
                    mask_message(&webhook.outcome)
                );
                summary.event = Some(event);
                summary.status = webhook.status;
                summary.answered = webhook.response_status;
            }
            _ => {}
        }
        summary
    }
}

impl EntrySummary {
    /// Returns the path of a call.
    pub(crate) fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// Returns the entry on one line, for people.
    pub(crate) fn into_text(self) -> String {
        self.text
    }

    /// Cuts the texts that a caller chooses to a number of characters.
    pub(super) fn shorten_texts(mut self, chars_max: usize) -> Self {
        let texts = [
            Some(&mut self.text),
            self.path.as_mut(),
            self.method.as_mut(),
        ];
        for text in texts.into_iter().flatten() {
            shorten_text(text, chars_max);
        }
        self
    }
}

/// Cuts a text to a number of characters; a cut text ends with an ellipsis.
pub(super) fn shorten_text(text: &mut String, chars_max: usize) {
    if let Some((end, _)) = text.char_indices().nth(chars_max) {
        text.truncate(end);
        text.push('…');
    }
}

impl std::fmt::Display for EntrySummary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "journal {}, {}: {}", self.seq, self.at, self.text)
    }
}

/// Returns a verdict in words, line by line; empty if the expectation is met.
fn explain_verdict(view: &VerdictView, status: ExpectationStatus) -> Vec<String> {
    let mut lines = vec![match status {
        ExpectationStatus::Met => return Vec::new(),
        ExpectationStatus::Unmet => format!("counted {}", view.count),
        ExpectationStatus::Evicted => format!(
            "counted {}, but {} more entries were evicted from the journal",
            view.count, view.evicted
        ),
        ExpectationStatus::Untested => {
            "not tested: the event of `after_event` never happened".to_owned()
        }
    }];
    lines.extend(view.matches.iter().map(|entry| format!("counted: {entry}")));
    if view.count > view.matches.len() as u64 && !view.matches.is_empty() {
        let others = view.count - view.matches.len() as u64;
        lines.push(format!("counted: {others} more"));
    }
    lines.extend(
        view.near_misses
            .iter()
            .map(|miss| format!("not counted: {}: {}", miss.entry, miss.difference)),
    );
    for consent in &view.consents {
        let statuses: Vec<_> = consent.history.iter().map(ToString::to_string).collect();
        lines.push(format!(
            "consent {} of {}: {}",
            consent.consent_handle,
            consent.customer,
            statuses.join(", then ")
        ));
    }
    if lines.len() == 1 && view.count == 0 {
        lines.push("there is nothing that comes near".to_owned());
    }
    lines
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
            consents,
        } = verdict;
        let mut view = Self {
            met: *status == ExpectationStatus::Met,
            location: expectation.origin.clone(),
            outcome: status.as_str(),
            expected: expectation.to_string(),
            count: *count,
            evicted: *evicted,
            matches: matches.iter().map(EntrySummary::from).collect(),
            near_misses: near_misses.iter().map(NearMissView::from).collect(),
            consents: consents.iter().map(ConsentTraceView::from).collect(),
            explanation: Vec::new(),
        };
        view.explanation = explain_verdict(&view, *status);
        view
    }

    /// Returns the verdict in words, line by line; empty if the expectation is met.
    pub(crate) fn explanation(&self) -> &[String] {
        &self.explanation
    }
}

impl From<&NearMiss> for NearMissView {
    fn from(NearMiss { entry, difference }: &NearMiss) -> Self {
        Self {
            entry: entry.into(),
            difference: mask_message(difference),
        }
    }
}

impl From<&ConsentTrace> for ConsentTraceView {
    fn from(trace: &ConsentTrace) -> Self {
        let ConsentTrace {
            handle,
            customer,
            history,
        } = trace;
        Self {
            consent_handle: handle.to_string(),
            customer: customer.to_string(),
            history: history.iter().map(StatusChangeView::from).collect(),
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
    /// Only in the view of a single entry, so that events are listed with the same bytes in each run with the
    /// same seed. Calls and webhooks have a time of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TimestampText>")]
    system_time: Option<String>,
    kind: &'static str,
    #[schemars(with = "Option<UuidText>")]
    consent_handle: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<String>,
    /// The cause of the entry; absent for what nothing outside the sandbox has caused.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<CauseView>,
    /// A message for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<CallView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook: Option<WebhookView>,
}

/// The cause of an entry. The entries of one cause belong together: a call, the changes that it
/// made, and the webhooks that tell of them.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CauseView {
    /// The number of the cause, from 1 in every world.
    number: u64,
    #[schemars(with = "CauseKind")]
    kind: &'static str,
    /// The operation of a call, the place of a step in its file, or the name of a timer.
    origin: String,
    /// The number of the cause that scheduled this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<u64>,
}

impl From<&Cause> for CauseView {
    fn from(cause: &Cause) -> Self {
        Self {
            number: cause.number,
            kind: cause.kind.as_str(),
            origin: cause.origin.to_string(),
            parent: cause.parent,
        }
    }
}

/// A call and its response. Secrets in it are masked, unless `reveal=true` asks for them: in headers
/// as `(masked)`, elsewhere as one `*` for each byte.
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
    /// `true` if secrets in the path, the headers or the bodies are masked; in light rows, in the path.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    masked: bool,
    /// The length of the body, in bytes.
    body_length: usize,
    /// The length of the answer, in bytes.
    answer_length: usize,
    /// `true` if only the first 64 KiB of a body are recorded.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
    /// Headers and bodies; absent from light rows.
    #[serde(flatten)]
    content: Option<CallContent>,
}

/// Headers and bodies of a call.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CallContent {
    headers: Vec<HeaderView>,
    body: String,
    /// The exact bytes of a body that is not UTF-8, in Base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
    /// The headers of the answer, without those that the server adds, such as `date`.
    answer_headers: Vec<HeaderView>,
    answer: String,
    /// The exact bytes of an answer that is not UTF-8, in Base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer_base64: Option<String>,
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

impl CallView {
    fn new(call: &CallRecord, detail: Detail, secrets: SecretDetail) -> Self {
        let CallRecord {
            operation,
            method,
            path,
            fiu,
            handle: _,
            customer: _,
            headers: _,
            request_body,
            request_body_length,
            status,
            response_headers: _,
            response_body,
            response_body_length,
            system_time,
            duration,
            faults,
            retry_after: _,
            facts: _,
            request_times: _,
            request_facts: _,
        } = call;
        let shown_path = match secrets {
            SecretDetail::Reveal => path.clone(),
            SecretDetail::Mask => mask_target(path),
        };
        let (content, hides_content) = match detail {
            Detail::Light => (None, false),
            Detail::Row | Detail::Whole => {
                let (content, hides_content) = CallContent::new(call, secrets);
                (Some(content), hides_content)
            }
        };
        Self {
            op: operation.as_str(),
            method: method.clone(),
            masked: shown_path != *path || hides_content,
            path: shown_path,
            fiu_id: fiu.as_ref().map(ToString::to_string),
            status: *status,
            system_time: system_time.to_string(),
            duration_ms: duration.0,
            faults: faults.iter().map(|fault| fault.as_str()).collect(),
            body_length: *request_body_length,
            answer_length: *response_body_length,
            truncated: request_body.len() < *request_body_length
                || response_body.len() < *response_body_length,
            content,
        }
    }
}

impl CallContent {
    /// Returns headers and bodies, and whether secrets in them are masked.
    fn new(call: &CallRecord, secrets: SecretDetail) -> (Self, bool) {
        let [body, answer] = RecordedBody::of_call(call, secrets);
        let headers = call.headers.to_list();
        let answer_headers = call.response_headers.to_list();
        let hides_secrets = secrets == SecretDetail::Mask
            && (body.bytes != call.request_body
                || answer.bytes != call.response_body
                || [&headers, &answer_headers]
                    .iter()
                    .any(|headers| mask_headers(headers) != **headers));
        let content = Self {
            headers: list_headers(&headers, secrets),
            body_base64: encode_if_binary(&body.bytes),
            body: String::from_utf8_lossy(&body.bytes).into_owned(),
            answer_base64: encode_if_binary(&answer.bytes),
            answer_headers: list_headers(&answer_headers, secrets),
            answer: String::from_utf8_lossy(&answer.bytes).into_owned(),
        };
        (content, hides_secrets)
    }
}

/// A body of a journal entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodySide {
    Request,
    Answer,
}

impl BodySide {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Answer => "answer",
        }
    }
}

/// The header with the length of a body of which only the beginning is recorded, in bytes.
pub(crate) const WHOLE_LENGTH_HEADER: &str = "x-mockaa-whole-length";

/// A body as it was recorded.
#[derive(Debug)]
pub(crate) struct RecordedBody {
    /// The body, or its first 64 KiB.
    pub bytes: Vec<u8>,
    /// The length of the whole body, in bytes.
    pub length: usize,
}

impl RecordedBody {
    /// Returns a body of an entry, with or without its secrets; `None` if the entry has none.
    pub(crate) fn of_entry(
        entry: &JournalEntry,
        side: BodySide,
        secrets: SecretDetail,
    ) -> Option<Self> {
        match &entry.record {
            JournalRecord::Call(call) => {
                let [request, answer] = Self::of_call(call, secrets);
                Some(match side {
                    BodySide::Request => request,
                    BodySide::Answer => answer,
                })
            }
            JournalRecord::Webhook(webhook) if side == BodySide::Request && webhook.attempt > 0 => {
                Some(Self {
                    bytes: webhook.body.to_vec(),
                    length: webhook.body_length,
                })
            }
            _ => None,
        }
    }

    /// Returns request and answer of a call.
    fn of_call(call: &CallRecord, secrets: SecretDetail) -> [Self; 2] {
        let (request, answer) = match secrets {
            SecretDetail::Reveal => (call.request_body.to_vec(), call.response_body.to_vec()),
            SecretDetail::Mask => {
                let mask = RequestMask::for_record(call);
                let answer = mask.mask_answer(&call.response_body);
                (mask.mask_request(&call.request_body), answer)
            }
        };
        [
            Self {
                bytes: request,
                length: call.request_body_length,
            },
            Self {
                bytes: answer,
                length: call.response_body_length,
            },
        ]
    }

    /// Returns the length of the whole body if only its beginning is recorded. Masks keep the length.
    pub(crate) fn cut_length(&self) -> Option<usize> {
        (self.length > self.bytes.len()).then_some(self.length)
    }
}

/// Returns bytes that are not UTF-8 in Base64. A body that was cut may end within a character.
fn encode_if_binary(bytes: &[u8]) -> Option<String> {
    let is_text = match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    (!is_text).then(|| STANDARD.encode(bytes))
}

impl WebhookView {
    fn new(webhook: &WebhookRecord, secrets: SecretDetail) -> Self {
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
            must_be_rejected: _,
            url: _,
            headers: _,
            body: _,
            body_length: _,
            response_body: _,
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
            outcome: match secrets {
                SecretDetail::Mask => mask_message(outcome),
                SecretDetail::Reveal => outcome.clone(),
            },
            system_time: system_time.to_string(),
            duration_ms: duration.0,
            faults: faults.iter().map(|fault| fault.as_str()).collect(),
            copy_of: *copy_of,
        }
    }
}

/// Returns the message of a record for people, if it has one.
fn describe_record(record: &JournalRecord, secrets: SecretDetail) -> Option<String> {
    let text = match record {
        JournalRecord::StepRejected { origin, reason, .. } => {
            escape_controls(&format!("{origin}: {reason}")).into_owned()
        }
        JournalRecord::InvalidSignature { text } => escape_line_controls(text).into_owned(),
        JournalRecord::Note { text } => escape_controls(text).into_owned(),
        JournalRecord::Event(_) | JournalRecord::Call(_) | JournalRecord::Webhook(_) => {
            return None;
        }
    };
    Some(match secrets {
        SecretDetail::Mask => mask_text(&text),
        SecretDetail::Reveal => text,
    })
}

impl From<&JournalEntry> for EntryView {
    /// Returns the view without secrets.
    fn from(entry: &JournalEntry) -> Self {
        Self::new(entry, Detail::Row, SecretDetail::Mask)
    }
}

impl EntryView {
    /// Returns the view of an entry, with or without its secrets.
    pub(crate) fn new(entry: &JournalEntry, detail: Detail, secrets: SecretDetail) -> Self {
        let JournalEntry {
            seq,
            at,
            system_time,
            customer,
            handle,
            cause,
            record,
        } = entry;
        let kind = entry_kind(record);
        let text = describe_record(record, secrets);
        let consent_handle = handle.map(|handle| handle.to_string());
        let (call, webhook) = match record {
            JournalRecord::Call(call) => (Some(CallView::new(call, detail, secrets)), None),
            JournalRecord::Webhook(webhook) => (None, Some(WebhookView::new(webhook, secrets))),
            _ => (None, None),
        };
        Self {
            seq: *seq,
            at: at.to_string(),
            system_time: (detail == Detail::Whole).then(|| system_time.to_string()),
            kind,
            consent_handle,
            customer: customer.as_deref().map(str::to_owned),
            cause: cause.as_deref().map(CauseView::from),
            text,
            call,
            webhook,
        }
    }
}
