//! Consents: listing, showing, moving.

use actix_web::HttpResponse;

use super::{operator, part};
use crate::domain::command::{Command, ConsentAction};
use crate::domain::consent::{Consent, Input};
use crate::domain::rejection::Rejection;
use crate::engine::world::World;
use crate::http::call::Call;
use crate::http::reply::Answer;
use crate::wire::api_error::ApiError;
use crate::wire::control::consents::{ApproveRequest, ConsentContext, ConsentView};

pub async fn list(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let part = part(
            &call,
            |skip, limit| world.consents(skip, limit),
            |consent| view(&call, &world, consent),
        )?;
        Ok(Answer::json(&part))
    }))
}

pub async fn show(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let handle = call.handle()?;
        let consent = world
            .consent(handle)
            .ok_or_else(|| Rejection::UnknownHandle(handle.to_string()))?;
        Ok(Answer::json(&view(&call, &world, &consent)))
    }))
}

pub async fn act(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let verb = call.segment("verb");
        let input = Input::parse(verb).ok_or_else(|| {
            ApiError::invalid_field(
                "verb",
                format!("'{verb}' is not one of {}", Input::accepted_names()),
            )
        })?;
        let verb = match input {
            Input::Approve => call.json_or_default::<ApproveRequest>()?.into(),
            other => ConsentAction::with_defaults(other),
        };
        let receipt = world.submit(Command::TransitionConsent {
            handle: call.handle()?,
            action: verb,
        })?;
        Ok(Answer::json(&view(&call, &world, receipt.consent())).holding(receipt.hold))
    }))
}

/// Plays a step, or several, as scenario files have them: whatever a scenario can do, somebody can.
pub async fn play(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let script = world
            .config()
            .scenario_provider
            .parse_steps(call.text()?)
            .map_err(ApiError::InvalidDocument)?;
        let receipt = world.run_steps(call.handle()?, &*script)?;
        Ok(Answer::json(&view(&call, &world, receipt.consent())).holding(receipt.hold))
    }))
}

fn view(call: &Call, world: &World, consent: &Consent) -> ConsentView {
    let context = ConsentContext {
        scenario: world.scenario_of(consent.handle),
        page_url: format!("{}/ui/consents/{}", call.base_url(world), consent.handle),
    };
    ConsentView::new(consent, context)
}
