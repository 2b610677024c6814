//! The clock of a world: reading, freezing, setting and advancing it.

use std::time::Duration;

use super::{PAGE_MAX, authenticate_operator, read_page};
use crate::domain::advance::AdvancePlan;
use crate::domain::duration::format_duration;
use crate::domain::journal_entry::{JournalEntry, JournalRecord};
use crate::domain::time::Millis;
use crate::domain::time_source::TimeSettings;
use crate::engine::advance::{AdvanceRejection, Limits, StopReason, advance_clock};
use crate::engine::world::{ClockChange, World};
use crate::http::call::Call;
use crate::http::call_world::CallWorld;
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::wire::api_error::ApiError;
use crate::wire::control::journal::{EntryView, parse_handle};
use crate::wire::control::timers::TimerView;
use crate::wire::control::world::{
    AdvanceRequest, AdvanceView, ClockView, FreezeRequest, SetClockRequest, name_clock_mode,
};

pub(crate) fn get_clock(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;

    Ok(render_clock(&world))
}

fn render_clock(world: &World) -> ApiResponse {
    let overview = world.catch_up().overview();
    let rules = world.time_rules(None);
    ApiResponse::json(&ClockView {
        now: overview.now.to_string(),
        mode: name_clock_mode(overview.frozen),
        signing_time: rules.signing_source(),
        message_time: rules.message_source(overview.frozen),
    })
}

/// Lists the work that becomes due, the next one first.
pub(crate) fn list_timers(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let params = Params::parse(call.query())?;
    let handle = params.first_value("consentHandle").map(parse_handle);
    let handle = handle.transpose()?;
    let page = read_page(
        call,
        |skip, limit| world.catch_up().timers(handle, skip, limit),
        |timer| TimerView::from(timer),
    )?;
    Ok(ApiResponse::json(&page))
}

pub(crate) fn freeze_clock(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let at = call.parse_json_or_default::<FreezeRequest>()?.at()?;
    change_clock(&world, ClockChange::Freeze { at })
}

pub(crate) fn run_clock(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    change_clock(&world, ClockChange::Run)
}

pub(crate) fn set_clock(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let (to, settings) = call.parse_json::<SetClockRequest>()?.parse()?;
    check_time_settings("messageTime", settings, call)?;
    if let Some(to) = to {
        change_clock(&world, ClockChange::Set { to })?;
    }
    world.change_time_settings(Some(&world.cause()), settings);
    Ok(render_clock(&world))
}

fn change_clock(world: &CallWorld, change: ClockChange) -> Result<ApiResponse, ApiError> {
    world
        .set_clock(Some(world.cause()), change)
        .map_err(|error| ApiError::Conflict(error.to_string()))?;
    Ok(render_clock(world))
}

/// Checks that the mode of the sandbox allows these clocks of messages.
pub(super) fn check_time_settings(
    field: &'static str,
    settings: TimeSettings,
    call: &Call,
) -> Result<(), ApiError> {
    settings
        .check_allowed(call.app_state().security())
        .map_err(|error| ApiError::invalid_field(field, error.to_string()))
}

pub(crate) async fn advance_world_clock(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let plan = AdvancePlan::try_from(call.parse_json::<AdvanceRequest>()?)?;
    let advance = advance_clock(&world, &plan, Limits::default());
    let outcome = call.while_connected(advance).await?;
    let outcome = outcome.map_err(|error| reject_advance(&error))?;
    let (entries, _) = world
        .catch_up()
        .journal_after(outcome.journal_after, PAGE_MAX);
    let (stopped, remedy) = describe_stop(outcome.stop_reason);
    Ok(ApiResponse::json(&AdvanceView {
        from: outcome.from.to_string(),
        to: outcome.to.to_string(),
        fired: outcome.timers_fired,
        stopped,
        error: remedy,
        settle: format_wait(outcome.settle),
        late_calls: outcome.late_calls,
        calls: outcome.calls,
        journal: render_entries(&entries, |record| {
            !matches!(record, JournalRecord::Call(_) | JournalRecord::Webhook(_))
        }),
        webhooks: render_entries(&entries, |record| {
            matches!(record, JournalRecord::Webhook(_))
        }),
    }))
}

/// Returns the error of an advance that did not begin.
pub(crate) fn reject_advance(rejection: &AdvanceRejection) -> ApiError {
    match rejection {
        AdvanceRejection::BeyondClocks => ApiError::invalid_field("by", rejection.to_string()),
        AdvanceRejection::InProgress | AdvanceRejection::Backwards { .. } => {
            ApiError::Conflict(rejection.to_string())
        }
    }
}

/// Returns the name of the reason for which an advance stopped, and the remedy if that was too early.
pub(crate) const fn describe_stop(reason: StopReason) -> (&'static str, Option<&'static str>) {
    match reason {
        StopReason::TargetReached => ("target", None),
        StopReason::CallArrived => ("call", None),
        StopReason::CallMissing => (
            "no-call",
            Some("the call did not come in time; see what came with GET journal?kind=call"),
        ),
        StopReason::StepLimitReached => (
            "step-limit",
            Some(
                "more timers were due than one advance runs; advance again to continue, or by a shorter time",
            ),
        ),
        StopReason::TimeLimitReached => (
            "time-limit",
            Some("the advance took longer than allowed; advance again to continue"),
        ),
        StopReason::WorldReset => (
            "world-reset",
            Some("the world was reset during the advance"),
        ),
        StopReason::SandboxStopping => (
            "stopping",
            Some("the sandbox stops; advance again when it has started"),
        ),
    }
}

/// Returns a wait in whole milliseconds, rounded up.
fn format_wait(wait: Duration) -> String {
    let ms = i64::try_from(wait.as_micros().div_ceil(1000)).unwrap_or(i64::MAX);
    format_duration(Millis(ms))
}

fn render_entries(
    entries: &[JournalEntry],
    is_wanted: impl Fn(&JournalRecord) -> bool,
) -> Vec<EntryView> {
    entries
        .iter()
        .filter(|entry| is_wanted(&entry.record))
        .map(EntryView::from)
        .collect()
}
