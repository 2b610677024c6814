//! Unaport consent templates: saving and listing them.

use std::sync::Arc;

use super::authenticate_for_organisation;
use crate::domain::command::{Command, SaveTemplate};
use crate::domain::event::Event;
use crate::http::call::Call;
use crate::http::call_context::CallContext;
use crate::http::response::ApiResponse;
use crate::wire::api_error::ApiError;
use crate::wire::unaport::template::{
    CreateTemplateResponse, build_template_list, list_term_deviations, parse_template,
};

pub(crate) fn save_template(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let caller = authenticate_for_organisation(call, context)?;
    let body = caller.parse_body(call)?;
    let (name, terms) = parse_template(&body)?;
    caller.check_fiu("ConsentDetail.DataConsumer.id", &terms.consumer)?;
    caller
        .security
        .reject_deviations_in_strict(&caller.world, list_term_deviations(&terms))?;
    let fiu = Arc::clone(&caller.fiu.entity.id);
    let receipt = caller
        .world
        .submit(Command::SaveTemplate(SaveTemplate { name, fiu, terms }))?;
    Ok(ApiResponse::from_receipt(receipt, |outcome| {
        let Event::TemplateSaved { template } = &outcome.last_event else {
            unreachable!("the command has this event")
        };
        ApiResponse::json(&CreateTemplateResponse::new(
            template,
            caller.api_version(),
            caller.build_envelope(),
        ))
    }))
}

pub(crate) fn list_templates(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let caller = authenticate_for_organisation(call, context)?;
    let templates = caller.world.templates(&caller.fiu.entity.id);
    Ok(ApiResponse::json(&build_template_list(
        &templates,
        &caller.fiu.org_id,
        caller.build_envelope_if_v2(),
    )))
}
