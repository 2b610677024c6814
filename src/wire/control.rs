//! The control API's own JSON: camelCase, lists as `{"items":[…],"next":null}`, errors as
//! `{"error","field","state","legal"}` (DESIGN §6).

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::domain::command::AdvanceTarget;
use crate::domain::consent::{Consent, Input, Moment, Status};
use crate::domain::delivery::{Attempt, Delivery, Outcome};
use crate::domain::record::{Entry, What};
use crate::domain::refusal::Refusal;
use crate::wire::fields::parse_instant;
use crate::wire::problem::Problem;
use crate::wire::span::{SPAN_FORMS, parse_span};

/// A part of a list, and what to pass as `after` for the next part.
#[derive(Debug, Serialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<u64>,
}

/// A consent as the control API shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsentView {
    consent_handle: String,
    consent_id: Option<String>,
    state: &'static str,
    customer: String,
    face: &'static str,
    fiu_id: String,
    aa_id: String,
    /// Unaport's `trackingId`; the faces of today have none.
    tracking_id: Option<String>,
    scenario: Option<String>,
    created_at: String,
    consent_start: String,
    consent_expiry: String,
    /// What may be done now.
    legal: Vec<&'static str>,
    /// Where a person answers it.
    page_url: String,
    history: Vec<MomentView>,
}

#[derive(Debug, Serialize)]
struct MomentView {
    state: &'static str,
    at: String,
}

/// What [`ConsentView`] needs beside the consent.
#[derive(Debug)]
pub struct ConsentContext {
    pub aa_id: String,
    pub scenario: Option<String>,
    pub page_url: String,
}

impl ConsentView {
    pub fn new(consent: &Consent, context: ConsentContext) -> Self {
        let Consent { handle, face, fiu, terms, status, created_at, grant, history } = consent;
        let ConsentContext { aa_id, scenario, page_url } = context;
        Self {
            consent_handle: handle.to_string(),
            consent_id: grant.as_ref().map(|grant| grant.consent_id.to_string()),
            state: status.as_str(),
            customer: terms.customer.to_string(),
            face: face.as_str(),
            fiu_id: fiu.to_string(),
            aa_id,
            tracking_id: None,
            scenario,
            created_at: created_at.to_string(),
            consent_start: terms.start.to_string(),
            consent_expiry: terms.expiry.to_string(),
            legal: status.legal().map(Input::as_str).collect(),
            page_url,
            history: history.iter().map(MomentView::from).collect(),
        }
    }
}

impl From<&Moment> for MomentView {
    fn from(moment: &Moment) -> Self {
        let Moment { status, at } = moment;
        Self { state: status.as_str(), at: at.to_string() }
    }
}

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

/// An entry of the journal.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EntryView {
    seq: u64,
    at: String,
    kind: &'static str,
    consent_handle: Option<String>,
    /// What a person should know.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

impl From<&Entry> for EntryView {
    fn from(entry: &Entry) -> Self {
        let Entry { seq, at, what } = entry;
        let (kind, handle, text) = match what {
            What::Event(event) => (event.name().as_str(), Some(event.handle()), None),
            What::StepRefused { handle, origin, reason } => {
                ("scenario.refused", Some(*handle), Some(format!("{origin}: {reason}")))
            }
            What::Note { text } => ("note", None, Some(text.clone())),
        };
        Self { seq: *seq, at: at.to_string(), kind, consent_handle: handle.map(|handle| handle.to_string()), text }
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

/// A refusal of the control API.
#[derive(Debug, Serialize)]
pub struct ErrorView {
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    legal: Option<Vec<&'static str>>,
}

impl From<&Problem> for ErrorView {
    fn from(problem: &Problem) -> Self {
        let field = match problem {
            Problem::Field { field, .. } => Some(field.to_string()),
            _ => None,
        };
        let status = match problem {
            Problem::Refused(Refusal::IllegalMove { status, .. } | Refusal::NotActive { status }) => Some(*status),
            _ => None,
        };
        Self {
            error: problem.to_string(),
            field,
            state: status.map(Status::as_str),
            legal: status.map(|status| status.legal().map(Input::as_str).collect()),
        }
    }
}

/// The HTTP status of a refusal.
pub fn status_of(problem: &Problem) -> u16 {
    match problem {
        Problem::Syntax(_)
        | Problem::Field { .. }
        | Problem::CustomerAddress(_)
        | Problem::Version { .. }
        | Problem::ContentType(_)
        | Problem::BodyLost(_)
        | Problem::NotYours(_)
        | Problem::Signature(_) => 400,
        Problem::Unauthorized(_) => 401,
        Problem::Forbidden(_) => 403,
        Problem::NoSuchCall { .. } | Problem::WorldName(_) => 404,
        Problem::Method { .. } => 405,
        Problem::TooLarge(_) => 413,
        Problem::TooManyWorlds(_) => 503,
        Problem::Conflict(_) => 409,
        Problem::Refused(refusal) => match refusal {
            Refusal::UnknownHandle(_) | Refusal::UnknownConsentId(_) => 404,
            Refusal::IllegalMove { .. } | Refusal::NotActive { .. } | Refusal::NotStarted { .. } => 409,
            Refusal::AlreadyExpired { .. } | Refusal::UnknownScenario { .. } => 400,
            Refusal::OutboxFull(_) => 503,
        },
    }
}
