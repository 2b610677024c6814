//! A world as a whole: journal, scenarios, clock, reset.

use actix_web::HttpResponse;

use super::{PAGE_MAX, operator, window};
use crate::domain::command::AdvanceTarget;
use crate::domain::record::What;
use crate::engine::advance::{Limits, Stopped, advance};
use crate::engine::world::World;
use crate::http::call::Call;
use crate::http::reply::Answer;
use crate::wire::control::Page;
use crate::wire::control::world::{AdvanceRequest, AdvanceView, ClockView, EntryView, WorldView, states};
use crate::wire::problem::Problem;

pub async fn list_journal(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let (after, limit) = window(&call)?;
        let (entries, written) = world.journal(after, limit);
        let next = entries.last().map(|entry| entry.seq).filter(|last| *last < written);
        Ok(Answer::json(&Page { items: entries.iter().map(EntryView::from).collect(), next }))
    }))
}

pub async fn list_scenarios(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).map(|world| {
        let items = world.setting().director.names();
        Answer::json(&Page { items, next: None })
    }))
}

pub async fn reload_scenarios(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let director = &world.setting().director;
        let faults = |faults| Problem::field("scenarios", format!("were not reloaded, the old set stays: {faults}"));
        director.reload().map_err(faults)?;
        Ok(Answer::json(&Page { items: director.names(), next: None }))
    }))
}

pub async fn get_clock(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).map(|world| {
        let overview = world.overview();
        let mode = if overview.frozen { "frozen" } else { "running" };
        Answer::json(&ClockView { now: overview.now.to_string(), mode })
    }))
}

pub async fn advance_clock(call: Call) -> HttpResponse {
    let outcome = move_clock(&call).await;
    call.reply_control(outcome)
}

async fn move_clock(call: &Call) -> Result<Answer, Problem> {
    let world = operator(call)?;
    let target = AdvanceTarget::try_from(call.json::<AdvanceRequest>()?)?;
    let advanced = advance(&world, target, Limits::default()).await;
    let advanced = advanced.map_err(|refused| Problem::Conflict(refused.to_string()))?;
    let (entries, _) = world.journal(advanced.journal_after, PAGE_MAX);
    let list = |wanted: fn(&What) -> bool| {
        entries.iter().filter(|entry| wanted(&entry.what)).map(EntryView::from).collect::<Vec<_>>()
    };
    Ok(Answer::json(&AdvanceView {
        from: advanced.from.to_string(),
        to: advanced.to.to_string(),
        fired: advanced.fired,
        stopped: match advanced.stopped {
            Stopped::AtTarget => "target",
            Stopped::AtStepLimit => "step-limit",
            Stopped::AtTimeLimit => "time-limit",
            Stopped::WorldReset => "world-reset",
        },
        journal: list(|what| !matches!(what, What::Call(_) | What::Webhook(_))),
        webhooks: list(|what| matches!(what, What::Webhook(_))),
    }))
}

pub async fn get_world(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).map(|world| Answer::json(&overview(&world))))
}

pub async fn reset_world(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|_| {
        let world = call.worlds().reset(call.world_name()?);
        Ok(Answer::json(&overview(&world)))
    }))
}

fn overview(world: &World) -> WorldView {
    let overview = world.overview();
    WorldView {
        name: world.name().to_owned(),
        seed: world.seed(),
        now: overview.now.to_string(),
        consents: overview.consents,
        states: states(overview.tally),
        webhooks_open: overview.webhooks_open,
        timers: overview.timers,
    }
}
