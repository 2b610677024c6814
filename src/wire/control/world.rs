//! Owns the control API's view of a world and its clock, and the bodies of the clock calls.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::advance::{AdvancePlan, AdvanceTarget, CallCondition, Settle};
use crate::domain::consent::Status;
use crate::domain::duration::{DURATION_FORMS, parse_duration};
use crate::domain::operation::Operation;
use crate::domain::overview::Overview;
use crate::domain::participants::Aa;
use crate::domain::store_use::{Store, StoreUse};
use crate::domain::text::quote_value;
use crate::domain::time::Timestamp;
use crate::domain::time_source::{TimeSettings, TimeSource};
use crate::domain::world_part::WorldPart;
use crate::wire::api_error::ApiError;
use crate::wire::control::StateCountView;
use crate::wire::control::journal::EntryView;
use crate::wire::control::schema_types::{
    AddressText, DurationText, IdleText, SettleText, TimestampText,
};
use crate::wire::fields::{parse_customer_address, parse_time_settings, parse_timestamp_field};

/// The clock of a world.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClockView {
    #[schemars(with = "TimestampText")]
    pub now: String,
    /// `running` or `frozen`.
    pub mode: &'static str,
    /// The clock of `webhook-timestamp` and its HMAC, where the FIU sets none.
    pub signing_time: TimeSource,
    /// The clock of `timestamp` in answers and webhook bodies, where the FIU sets none.
    pub message_time: TimeSource,
}

/// A sandbox.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InfoView {
    pub name: &'static str,
    pub version: &'static str,
    /// The system time of its start.
    #[schemars(with = "TimestampText")]
    pub started_at: String,
    /// The world of this call.
    pub world: String,
    /// The number of worlds.
    pub worlds: usize,
    /// The addresses of its parts in this world, by name.
    pub links: BTreeMap<&'static str, String>,
    /// The one-time passwords that are accepted.
    pub otps: &'static [&'static str],
    /// The number of scenarios that all worlds share.
    pub scenarios: usize,
    /// The reason for which the scenario files could not be loaded again; the earlier ones stay active.
    pub scenarios_error: Option<String>,
}

/// A world.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WorldView {
    pub name: String,
    /// Decimal digits. A JSON number would lose some of them in JavaScript.
    #[schemars(regex(pattern = "^[0-9]{1,20}$"))]
    pub seed: String,
    #[serde(flatten)]
    pub summary: WorldSummary,
    /// The AAs of the sandbox, the default one first.
    pub aas: Vec<AaView>,
    /// The number of ended consents that were removed, since more had ended than a world keeps.
    pub removed_consents: usize,
    /// The use of each store against its bound.
    pub stores: Vec<StoreUseView>,
}

/// The use of a store against its bound.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StoreUseView {
    #[schemars(with = "Store")]
    store: &'static str,
    used: usize,
    bound: usize,
}

impl From<StoreUse> for StoreUseView {
    fn from(StoreUse { store, used, bound }: StoreUse) -> Self {
        Self {
            store: store.as_str(),
            used,
            bound,
        }
    }
}

/// A summary of a world, which is also the data of event `world`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WorldSummary {
    #[schemars(with = "TimestampText")]
    now: String,
    /// `running` or `frozen`.
    mode: &'static str,
    consents: usize,
    /// The number of consents in each state; empty states are omitted.
    states: Vec<StateCountView<Status>>,
    webhooks_open: usize,
    /// The work that becomes due. Above 10,000, that of consents which have ended counts too.
    timers: usize,
}

impl WorldSummary {
    /// Returns whether two summaries differ in nothing but the time of a clock that runs in both.
    pub(crate) fn is_same_but_for_running_time(&self, other: &Self) -> bool {
        if self.mode != name_clock_mode(false) {
            return self == other;
        }
        let at_same_time = Self {
            now: self.now.clone(),
            ..other.clone()
        };
        *self == at_same_time
    }
}

impl From<Overview> for WorldSummary {
    fn from(overview: Overview) -> Self {
        Self {
            now: overview.now.to_string(),
            mode: name_clock_mode(overview.frozen),
            consents: overview.consents,
            states: StateCountView::list_nonempty(overview.status_counts),
            webhooks_open: overview.webhooks_open,
            timers: overview.timers,
        }
    }
}

/// Returns the `mode` of a clock.
pub(crate) fn name_clock_mode(is_frozen: bool) -> &'static str {
    if is_frozen { "frozen" } else { "running" }
}

/// An AA of the sandbox.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AaView {
    id: String,
    /// The part after `@` of its customers' addresses.
    handle: String,
}

impl From<&Aa> for AaView {
    fn from(aa: &Aa) -> Self {
        Self {
            id: aa.id.to_string(),
            handle: aa.handle.to_string(),
        }
    }
}

/// The response of `clock/advance`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AdvanceView {
    #[schemars(with = "TimestampText")]
    pub from: String,
    #[schemars(with = "TimestampText")]
    pub to: String,
    /// The number of timers that fired.
    pub fired: usize,
    /// `target`, `call`, `no-call`, `step-limit`, `time-limit`, `world-reset` or
    /// `stopping`.
    pub stopped: &'static str,
    /// The reason for stopping before the target, with a remedy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'static str>,
    /// The longest wait that applied after an acknowledgement, for the call that may follow it.
    #[schemars(with = "DurationText")]
    pub settle: String,
    /// The number of calls during the advance that followed an acknowledgement after the clock had
    /// been moved on; the journal has a note about the first.
    pub late_calls: usize,
    /// The number of calls that `until` counted; absent without such a condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "usize")]
    pub calls: Option<usize>,
    /// The journal entries of the advance, except those already evicted.
    pub journal: Vec<EntryView>,
    /// The attempts to send webhooks during the advance.
    pub webhooks: Vec<EntryView>,
}

/// The body of `clock/advance`: one of `by` and `to`, or `until`. Only the condition of a call can
/// be combined with one of the two.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "required" = [],
    "anyOf" = [{ "required": ["by"] }, { "required": ["to"] }, { "required": ["until"] }],
    "not" = { "required": ["by", "to"] },
))]
pub(crate) struct AdvanceRequest {
    #[schemars(with = "DurationText")]
    by: Option<String>,
    #[schemars(with = "TimestampText")]
    to: Option<String>,
    /// `idle`, until no work is due; or a call of the FIU, for which the advance waits.
    #[schemars(with = "UntilSchema")]
    until: Option<Value>,
    /// The wait after an acknowledgement, for the call that may follow it, in system time: a
    /// duration, at most 60s, or `auto`.
    #[schemars(with = "SettleText")]
    settle: Option<String>,
}

/// The schema of the end of an advance.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum UntilSchema {
    Idle(IdleText),
    Call(UntilCallRequest),
}

/// A call at which an advance stops.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct UntilCallRequest {
    call: CallRequest,
}

/// The calls that an advance counts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CallRequest {
    #[schemars(with = "Operation")]
    op: String,
    /// The id of the FIU whose key or token is presented, or whose consent it is.
    #[serde(default)]
    #[schemars(with = "String")]
    fiu: Option<String>,
    #[serde(default)]
    #[schemars(with = "AddressText")]
    customer: Option<String>,
    /// The number of calls; default: 1.
    #[serde(default)]
    #[schemars(with = "u32", range(min = 1, max = 10_000))]
    count: Option<u32>,
    /// The longest duration of the advance, in system time; at most and by default 60s.
    #[serde(default)]
    #[schemars(with = "DurationText")]
    within: Option<String>,
}

impl TryFrom<AdvanceRequest> for AdvancePlan {
    type Error = ApiError;

    fn try_from(request: AdvanceRequest) -> Result<Self, ApiError> {
        let AdvanceRequest {
            by,
            to,
            until,
            settle,
        } = request;
        let limit = match (&by, &to) {
            (Some(by), None) => {
                Some(parse_duration(by).map(AdvanceTarget::By).ok_or_else(|| {
                    ApiError::invalid_field(
                        "by",
                        format!("{} is not {DURATION_FORMS}", quote_value(by)),
                    )
                })?)
            }
            (None, Some(to)) => Some(parse_timestamp_field("to", to).map(AdvanceTarget::To)?),
            _ => None,
        };
        let (target, until_call) = match (limit, until) {
            (Some(limit), None) => (limit, None),
            (None, Some(Value::String(word))) if by.is_none() && word == "idle" => {
                (AdvanceTarget::UntilIdle, None)
            }
            (None, Some(Value::String(word))) if by.is_none() => {
                return Err(ApiError::invalid_field(
                    "until",
                    format!(
                        "unknown value {}; use idle or {{\"call\":{{\"op\":\"fi.request\"}}}}",
                        quote_value(&word)
                    ),
                ));
            }
            (limit, Some(condition @ Value::Object(_))) if limit.is_some() || by.is_none() => {
                let request: UntilCallRequest = serde_json::from_value(condition)
                    .map_err(|error| ApiError::invalid_field("until", error.to_string()))?;
                let target = limit.unwrap_or(AdvanceTarget::UntilIdle);
                (target, Some(request.call.try_into()?))
            }
            _ => {
                return Err(ApiError::invalid_field(
                    "body",
                    "takes one of {\"by\":\"P30D\"}, {\"to\":\"…Z\"}, {\"until\":\"idle\"}, or {\"until\":{\"call\":{\"op\":\"fi.request\"}}} with or without by or to",
                ));
            }
        };
        let settle = match settle {
            None => Settle::default(),
            Some(text) => Settle::parse(&text).ok_or_else(|| {
                let forms = Settle::ACCEPTED_FORMS;
                let value = quote_value(&text);
                ApiError::invalid_field("settle", format!("{value} is not {forms}"))
            })?,
        };
        Ok(Self {
            target,
            settle,
            until_call,
        })
    }
}

impl TryFrom<CallRequest> for CallCondition {
    type Error = ApiError;

    fn try_from(request: CallRequest) -> Result<Self, ApiError> {
        let CallRequest {
            op,
            fiu,
            customer,
            count,
            within,
        } = request;
        let operation = Operation::parse(&op).ok_or_else(|| {
            let names = Operation::accepted_names();
            let op = quote_value(&op);
            ApiError::invalid_field("until.call.op", format!("{op} is not one of {names}"))
        })?;
        let count = usize::try_from(count.unwrap_or(1)).unwrap_or(usize::MAX);
        if !(1..=CALLS_MAX).contains(&count) {
            let message = format!("{count} is not a number from 1 to {CALLS_MAX}");
            return Err(ApiError::invalid_field("until.call.count", message));
        }
        let within = within
            .map(|text| {
                parse_duration(&text).ok_or_else(|| {
                    let message = format!("{} is not {DURATION_FORMS}", quote_value(&text));
                    ApiError::invalid_field("until.call.within", message)
                })
            })
            .transpose()?;
        Ok(Self {
            operation,
            fiu: fiu.map(Into::into),
            customer: customer
                .map(|text| parse_customer_address("until.call.customer", &text))
                .transpose()?,
            count,
            within,
        })
    }
}

/// Largest number of calls that an advance waits for: the journal keeps no more.
const CALLS_MAX: usize = 10_000;

/// The body of `reset`; it is optional.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetRequest {
    /// The parts of the world that it keeps; default: none.
    #[serde(default)]
    #[schemars(with = "Vec<WorldPart>")]
    keep: Vec<String>,
}

impl ResetRequest {
    /// Parses the parts.
    pub(crate) fn parse(&self) -> Result<Vec<WorldPart>, ApiError> {
        let parse = |name: &String| {
            WorldPart::parse(name).ok_or_else(|| {
                let message = format!(
                    "has {}, which is not one of {}",
                    quote_value(name),
                    WorldPart::accepted_names()
                );
                ApiError::invalid_field("keep", message)
            })
        };
        self.keep.iter().map(parse).collect()
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

/// The body of `clock/set`: at least one of the fields.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("required" = [], "minProperties" = 1))]
pub(crate) struct SetClockRequest {
    #[schemars(with = "TimestampText")]
    to: Option<String>,
    #[schemars(with = "TimeSource")]
    signing_time: Option<String>,
    #[schemars(with = "TimeSource")]
    message_time: Option<String>,
}

impl SetClockRequest {
    /// Parses the instant and the clocks of messages.
    pub(crate) fn parse(self) -> Result<(Option<Timestamp>, TimeSettings), ApiError> {
        let to = self
            .to
            .map(|text| parse_timestamp_field("to", &text))
            .transpose()?;
        let settings = parse_time_settings(
            ("signingTime", self.signing_time),
            ("messageTime", self.message_time),
        )?;
        if to.is_none() && settings == TimeSettings::default() {
            return Err(ApiError::invalid_field(
                "body",
                "is empty; give to, signingTime or messageTime",
            ));
        }
        Ok((to, settings))
    }
}
