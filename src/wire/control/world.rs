//! A world: its clock, and how it looks from afar.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::command::AdvanceTarget;
use crate::domain::consent::Status;
use crate::domain::time::Timestamp;
use crate::wire::api_error::ApiError;
use crate::wire::control::journal::EntryView;
use crate::wire::duration::{DURATION_FORMS, parse_duration};
use crate::wire::fields::parse_timestamp;

/// A world's clock.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ClockView {
    pub now: String,
    /// `running` or `frozen`.
    pub mode: &'static str,
}

/// A world seen from afar.
#[derive(Debug, Serialize, JsonSchema)]
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
pub fn list_nonempty_states(counts: Vec<(Status, usize)>) -> Vec<(&'static str, usize)> {
    counts
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(status, count)| (status.as_str(), count))
        .collect()
}

/// Answer of `clock/advance`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AdvanceView {
    pub from: String,
    pub to: String,
    /// Due work that was done.
    pub fired: usize,
    /// `target`, `step-limit`, `time-limit` or `world-reset`.
    pub stopped: &'static str,
    /// Why it stopped before the target, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'static str>,
    /// What happened on the way, as far as the journal still has it.
    pub journal: Vec<EntryView>,
    /// The attempts to send webhooks that were made on the way.
    pub webhooks: Vec<EntryView>,
}

/// Body of `clock/advance`: exactly one of the three.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdvanceRequest {
    by: Option<String>,
    to: Option<String>,
    until: Option<String>,
}

impl TryFrom<AdvanceRequest> for AdvanceTarget {
    type Error = ApiError;

    fn try_from(request: AdvanceRequest) -> Result<Self, ApiError> {
        let AdvanceRequest { by, to, until } = request;
        match (by, to, until.as_deref()) {
            (Some(by), None, None) => parse_duration(&by).map(Self::By).ok_or_else(|| {
                ApiError::invalid_field("by", format!("'{by}' is not {DURATION_FORMS}"))
            }),
            (None, Some(to), None) => parse_timestamp_field("to", &to).map(Self::To),
            (None, None, Some("idle")) => Ok(Self::UntilIdle),
            (None, None, Some(other)) => Err(ApiError::invalid_field(
                "until",
                format!("'{other}' is not idle"),
            )),
            _ => Err(ApiError::invalid_field(
                "the body",
                "takes one of {\"by\":\"P30D\"}, {\"to\":\"…Z\"}, {\"until\":\"idle\"}",
            )),
        }
    }
}

/// Body of `clock/freeze`; all of it may be missing.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FreezeRequest {
    at: Option<String>,
}

impl FreezeRequest {
    pub fn at(&self) -> Result<Option<Timestamp>, ApiError> {
        self.at
            .as_deref()
            .map(|text| parse_timestamp_field("at", text))
            .transpose()
    }
}

/// Body of `clock/set`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetClockRequest {
    to: String,
}

impl SetClockRequest {
    pub fn to(&self) -> Result<Timestamp, ApiError> {
        parse_timestamp_field("to", &self.to)
    }
}

fn parse_timestamp_field(field: &'static str, text: &str) -> Result<Timestamp, ApiError> {
    let invalid_timestamp = || {
        ApiError::invalid_field(
            field,
            format!("'{text}' is not a date-time such as 2024-01-31T18:30:00Z"),
        )
    };
    parse_timestamp(text).ok_or_else(invalid_timestamp)
}
