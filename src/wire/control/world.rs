//! A world: its journal, its clock, and how it looks from afar.

use serde::{Deserialize, Serialize};

use crate::domain::command::AdvanceTarget;
use crate::domain::consent::Status;
use crate::domain::record::{Entry, What};
use crate::wire::fields::parse_instant;
use crate::wire::problem::Problem;
use crate::wire::span::{SPAN_FORMS, parse_span};

/// An entry of the journal.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EntryView {
    seq: u64,
    at: String,
    kind: &'static str,
    consent_handle: Option<String>,
    /// Whom it is about, where it is about no consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<String>,
    /// What a person should know.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

impl From<&Entry> for EntryView {
    fn from(entry: &Entry) -> Self {
        let Entry { seq, at, what } = entry;
        let (kind, handle, text) = match what {
            What::Event(event) => (event.name().as_str(), event.handle(), None),
            What::SignatureFlaw { text } => ("signature.flaw", None, Some(text.clone())),
            What::StepRefused { handle, origin, reason } => {
                ("scenario.refused", *handle, Some(format!("{origin}: {reason}")))
            }
            What::Note { text } => ("note", None, Some(text.clone())),
        };
        let customer = match what {
            What::Event(event) => event.customer().map(ToString::to_string),
            _ => None,
        };
        let consent_handle = handle.map(|handle| handle.to_string());
        Self { seq: *seq, at: at.to_string(), kind, consent_handle, customer, text }
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
