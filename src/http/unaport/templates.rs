//! Consent templates.

use std::sync::Arc;

use actix_web::HttpResponse;
use serde_json::{Map, Value};

use super::enter_organisation;
use crate::domain::command::{Command, SaveTemplate};
use crate::domain::event::Event;
use crate::http::call::Call;
use crate::http::reply::Answer;
use crate::wire::api_error::ApiError;
use crate::wire::unaport::template::{CreateTemplateResponse, build_template_list, parse_template};

pub async fn save(call: Call) -> HttpResponse {
    call.reply_unaport(keep(&call)).await
}

fn keep(call: &Call) -> Result<Answer, ApiError> {
    let visitor = enter_organisation(call)?;
    let body: Map<String, Value> = call.json()?;
    let (name, plan) = parse_template(&body)?;
    visitor.check_fiu("ConsentDetail.DataConsumer.id", &plan.consumer)?;
    let fiu = Arc::clone(&visitor.fiu.entity.id);
    let receipt = visitor.world.submit(Command::SaveTemplate(SaveTemplate {
        name,
        fiu,
        terms: plan,
    }))?;
    let Event::TemplateSaved { template } = &receipt.event else {
        unreachable!("that is what the command does")
    };
    Ok(Answer::json(&CreateTemplateResponse::new(
        template,
        visitor.dialect(),
        visitor.envelope(),
    )))
}

pub async fn list(call: Call) -> HttpResponse {
    call.reply_unaport(enter_organisation(&call).map(|visitor| {
        let templates = visitor.world.templates(&visitor.fiu.entity.id);
        Answer::json(&build_template_list(
            &templates,
            &visitor.fiu.org_id,
            visitor.envelope_if_spoken(),
        ))
    }))
    .await
}
