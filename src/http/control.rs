//! The control API: what a test, the command line or a console may ask of a world.

use std::sync::Arc;

use actix_web::HttpResponse;

use crate::domain::command::{AdvanceTarget, Command, Verb};
use crate::domain::consent::{Consent, Input};
use crate::domain::refusal::Refusal;
use crate::engine::advance::{Limits, Stopped, advance};
use crate::engine::world::World;
use crate::http::call::Call;
use crate::http::reply::Answer;
use crate::wire::control::{
    AdvanceRequest, AdvanceView, ApproveRequest, ClockView, ConsentContext, ConsentView, DeliveryView, EntryView, Page,
    WorldView, states,
};
use crate::wire::problem::Problem;

/// Items in a part of a list, unless `limit` says fewer.
const PAGE_MAX: usize = 1_000;

pub async fn list_consents(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let (skip, limit) = window(&call)?;
        let consents = world.consents(usize::try_from(skip).unwrap_or(usize::MAX), limit);
        let next = (consents.len() == limit).then(|| skip.saturating_add(limit as u64));
        let items = consents.iter().map(|consent| view(&call, &world, consent)).collect();
        Ok(Answer::json(&Page { items, next }))
    }))
}

pub async fn get_consent(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let handle = call.handle()?;
        let consent = world.consent(handle).ok_or_else(|| Refusal::UnknownHandle(handle.to_string()))?;
        Ok(Answer::json(&view(&call, &world, &consent)))
    }))
}

pub async fn move_consent(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let verb = call.segment("verb");
        let input = Input::parse(verb)
            .ok_or_else(|| Problem::field("verb", format!("'{verb}' is not one of {}", Input::names())))?;
        let verb = match input {
            Input::Approve => call.json_or_default::<ApproveRequest>()?.into(),
            other => Verb::plain(other),
        };
        let receipt = world.submit(Command::MoveConsent { handle: call.handle()?, verb })?;
        Ok(Answer::json(&view(&call, &world, receipt.consent())).holding(receipt.hold))
    }))
}

pub async fn list_webhooks(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let (after, limit) = window(&call)?;
        let deliveries = world.deliveries(after, limit);
        let next = deliveries.last().map(|last| last.id).filter(|_| deliveries.len() == limit);
        let items: Vec<_> = deliveries.iter().map(|delivery| DeliveryView::new(delivery, false)).collect();
        Ok(Answer::json(&Page { items, next }))
    }))
}

pub async fn get_webhook(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let id = call.segment("id");
        let delivery = id.parse().ok().and_then(|id| world.delivery(id));
        let delivery = delivery.ok_or_else(|| call.no_such_call())?;
        Ok(Answer::json(&DeliveryView::new(&delivery, true)))
    }))
}

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
        journal: entries.iter().map(EntryView::from).collect(),
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

/// Lets in who may steer: everybody on a loopback sandbox, else who has the token. A page of another site that a
/// developer happens to visit may not.
pub fn operator(call: &Call) -> Result<Arc<World>, Problem> {
    same_site(call)?;
    match &call.shared().control_token {
        Some(token) if call.bearer() != Some(token) => {
            let remedy = "the control API of this sandbox asks for its token; send Authorization: Bearer <token>, as \
                          printed at start";
            Err(Problem::Unauthorized(remedy.to_owned()))
        }
        _ => call.world(),
    }
}

/// Refuses what a browser sends on behalf of another site.
pub fn same_site(call: &Call) -> Result<(), Problem> {
    match call.header("sec-fetch-site") {
        Some("cross-site") => Err(Problem::Forbidden("another site's page may not steer this sandbox")),
        _ => Ok(()),
    }
}

fn view(call: &Call, world: &World, consent: &Consent) -> ConsentView {
    let context = ConsentContext {
        aa_id: world.participants().aa.id.to_string(),
        scenario: world.scenario_of(consent.handle),
        page_url: format!("{}/ui/consents/{}", call.base_url(world), consent.handle),
    };
    ConsentView::new(consent, context)
}

/// `after` and `limit` of the query.
pub fn window(call: &Call) -> Result<(u64, usize), Problem> {
    let number = |name: &'static str, default: u64| {
        let pair = call.query().split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name);
        pair.map_or(Ok(default), |(_, value)| {
            value.parse().map_err(|_| Problem::field(name, format!("'{value}' is not a whole number")))
        })
    };
    let limit = number("limit", PAGE_MAX as u64)?;
    let limit = usize::try_from(limit).unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
    Ok((number("after", 0)?, limit))
}
