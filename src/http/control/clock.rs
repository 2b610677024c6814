//! A world's clock.

use actix_web::HttpResponse;

use super::{PAGE_MAX, operator};
use crate::domain::command::AdvanceTarget;
use crate::domain::journal_entry::JournalRecord;
use crate::engine::advance::{Limits, StopReason, advance_clock};
use crate::engine::world::{ClockChange, World};
use crate::http::call::Call;
use crate::http::reply::Answer;
use crate::wire::api_error::ApiError;
use crate::wire::control::journal::EntryView;
use crate::wire::control::world::{
    AdvanceRequest, AdvanceView, ClockView, FreezeRequest, SetClockRequest,
};

pub async fn show(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).map(|world| shown(&world)))
}

fn shown(world: &World) -> Answer {
    let overview = world.overview();
    let mode = if overview.frozen { "frozen" } else { "running" };
    Answer::json(&ClockView {
        now: overview.now.to_string(),
        mode,
    })
}

pub async fn freeze(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let at = call.json_or_default::<FreezeRequest>()?.at()?;
        change(&world, ClockChange::Freeze { at })
    }))
}

pub async fn run(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| change(&world, ClockChange::Run)))
}

pub async fn set(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let to = call.json::<SetClockRequest>()?.to()?;
        change(&world, ClockChange::Set { to })
    }))
}

fn change(world: &World, change: ClockChange) -> Result<Answer, ApiError> {
    world
        .set_clock(change)
        .map_err(|refused| ApiError::Conflict(refused.to_string()))?;
    Ok(shown(world))
}

pub async fn move_on(call: Call) -> HttpResponse {
    let outcome = advanced(&call).await;
    call.reply_control(outcome)
}

async fn advanced(call: &Call) -> Result<Answer, ApiError> {
    let world = operator(call)?;
    let target = AdvanceTarget::try_from(call.json::<AdvanceRequest>()?)?;
    let advanced = advance_clock(&world, target, Limits::default()).await;
    let advanced = advanced.map_err(|refused| ApiError::Conflict(refused.to_string()))?;
    let (entries, _) = world.journal_after(advanced.journal_after, PAGE_MAX);
    let list = |wanted: fn(&JournalRecord) -> bool| {
        entries
            .iter()
            .filter(|entry| wanted(&entry.record))
            .map(EntryView::from)
            .collect::<Vec<_>>()
    };
    let (stopped, remedy) = match advanced.stop_reason {
        StopReason::TargetReached => ("target", None),
        StopReason::StepLimitReached => (
            "step-limit",
            Some(
                "more was due than one advance does; advance again to go on, or by a shorter time",
            ),
        ),
        StopReason::TimeLimitReached => (
            "time-limit",
            Some("it took longer than one advance may; advance again to go on"),
        ),
        StopReason::WorldReset => ("world-reset", Some("the world was reset meanwhile")),
    };
    Ok(Answer::json(&AdvanceView {
        from: advanced.from.to_string(),
        to: advanced.to.to_string(),
        fired: advanced.timers_fired,
        stopped,
        error: remedy,
        journal: list(|what| !matches!(what, JournalRecord::Call(_) | JournalRecord::Webhook(_))),
        webhooks: list(|what| matches!(what, JournalRecord::Webhook(_))),
    }))
}
