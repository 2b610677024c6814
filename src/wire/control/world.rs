//! Owns the control API's view of a world and its clock, and the bodies of the clock calls.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::command::AdvanceTarget;
use crate::domain::consent::Status;
use crate::domain::duration::{DURATION_FORMS, parse_duration};
use crate::domain::text::quote_value;
use crate::domain::time::Timestamp;
use crate::wire::api_error::ApiError;
use crate::wire::control::journal::EntryView;
use crate::wire::control::schema_types::{DurationText, IdleText, TimestampText};
use crate::wire::fields::parse_timestamp;

/// The clock of a world.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ClockView {
    #[schemars(with = "TimestampText")]
    pub now: String,
    /// `running` or `frozen`.
    pub mode: &'static str,
}

/// A summary of a world.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WorldView {
    pub name: String,
    pub seed: u64,
    #[schemars(with = "TimestampText")]
    pub now: String,
    pub consents: usize,
    /// The number of consents in each state; empty states are omitted.
    pub states: Vec<StateCountView>,
    pub webhooks_open: usize,
    pub timers: usize,
}

/// The number of consents in a state.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StateCountView {
    #[schemars(with = "Status")]
    state: &'static str,
    count: usize,
}

/// Returns the states with at least one consent.
pub(crate) fn list_nonempty_states(counts: Vec<(Status, usize)>) -> Vec<StateCountView> {
    counts
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(status, count)| StateCountView {
            state: status.as_str(),
            count,
        })
        .collect()
}

/// The response of `clock/advance`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AdvanceView {
    #[schemars(with = "TimestampText")]
    pub from: String,
    #[schemars(with = "TimestampText")]
    pub to: String,
    /// The number of timers that fired.
    pub fired: usize,
    /// `target`, `step-limit`, `time-limit` or `world-reset`.
    pub stopped: &'static str,
    /// The reason for stopping before the target, with a remedy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'static str>,
    /// The journal entries of the advance, except those already evicted.
    pub journal: Vec<EntryView>,
    /// The attempts to send webhooks during the advance.
    pub webhooks: Vec<EntryView>,
}

/// The body of `clock/advance`: exactly one of the three fields.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("required" = [], "minProperties" = 1, "maxProperties" = 1))]
pub(crate) struct AdvanceRequest {
    #[schemars(with = "DurationText")]
    by: Option<String>,
    #[schemars(with = "TimestampText")]
    to: Option<String>,
    #[schemars(with = "IdleText")]
    until: Option<String>,
}

impl TryFrom<AdvanceRequest> for AdvanceTarget {
    type Error = ApiError;

    fn try_from(request: AdvanceRequest) -> Result<Self, ApiError> {
        let AdvanceRequest { by, to, until } = request;
        match (by, to, until.as_deref()) {
            (Some(by), None, None) => parse_duration(&by).map(Self::By).ok_or_else(|| {
                ApiError::invalid_field(
                    "by",
                    format!("{} is not {DURATION_FORMS}", quote_value(&by)),
                )
            }),
            (None, Some(to), None) => parse_timestamp_field("to", &to).map(Self::To),
            (None, None, Some("idle")) => Ok(Self::UntilIdle),
            (None, None, Some(other)) => Err(ApiError::invalid_field(
                "until",
                format!("unknown value {}; use idle", quote_value(other)),
            )),
            _ => Err(ApiError::invalid_field(
                "body",
                "takes one of {\"by\":\"P30D\"}, {\"to\":\"…Z\"}, {\"until\":\"idle\"}",
            )),
        }
    }
}

/// The body of `clock/freeze`; it is optional.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FreezeRequest {
    #[schemars(with = "Option<TimestampText>")]
    at: Option<String>,
}

impl FreezeRequest {
    /// Parses `at`.
    pub(crate) fn at(&self) -> Result<Option<Timestamp>, ApiError> {
        self.at
            .as_deref()
            .map(|text| parse_timestamp_field("at", text))
            .transpose()
    }
}

/// The body of `clock/set`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetClockRequest {
    #[schemars(with = "TimestampText")]
    to: String,
}

impl SetClockRequest {
    /// Parses `to`.
    pub(crate) fn to(&self) -> Result<Timestamp, ApiError> {
        parse_timestamp_field("to", &self.to)
    }
}

fn parse_timestamp_field(field: &'static str, text: &str) -> Result<Timestamp, ApiError> {
    parse_timestamp(text).ok_or_else(|| {
        ApiError::invalid_field(
            field,
            format!(
                "{} is not a date-time such as 2024-01-31T18:30:00Z",
                quote_value(text)
            ),
        )
    })
}
