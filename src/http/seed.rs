//! The two calls of the seed API.

use std::sync::Arc;

use actix_web::web::Bytes;

use crate::domain::command::RaiseConsent;
use crate::domain::consent::Api;
use crate::domain::ids::{ConsentHandle, ConsentId};
use crate::domain::rejection::Rejection;
use crate::domain::text::quote_value;
use crate::http::call::Call;
use crate::http::call_context::CallContext;
use crate::http::fair_use::check_consent_fair_use;
use crate::http::raise::raise_consent;
use crate::http::requested_fault::apply_requested_fault;
use crate::http::response::ApiResponse;
use crate::http::security::{AllowedCallers, authenticate_api_key};
use crate::http::signature_cache::sign_detail;
use crate::wire::api_error::ApiError;
use crate::wire::artefact::ConsentDetail;
use crate::wire::consent_detail::list_filter_deviations;
use crate::wire::fields::list_date_time_deviations;
use crate::wire::seed::{ConsentRequest, ConsentResponse, ConsentStatusResponse};

pub(crate) fn create_consent(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    apply_requested_fault(call, context)?;
    let caller = authenticate_api_key(call, context, AllowedCallers::SeedClients)?;
    let world = &caller.world;
    let request: ConsentRequest = call.parse_json()?;
    let aa = caller.participants.default_aa();
    caller.reject_deviations_in_strict(list_date_time_deviations(call.body()?))?;
    let terms = request.into_terms(&aa.handle, world.now())?;
    let fiu = caller.resolve_consent_owner(&terms.consumer)?;
    let filters = terms.filters.as_deref().unwrap_or_default();
    caller.reject_deviations_in_strict(list_filter_deviations(filters))?;
    check_consent_fair_use(world, &caller.participants, &fiu, &terms)?;
    let scenario = call.requested_scenario()?;
    let command = RaiseConsent {
        terms,
        api: Api::Seed,
        aa: Arc::clone(&aa.id),
        fiu,
        metadata: None,
        scenario,
        persona: None,
        on_repeated_txnid: caller.on_repeated_txnid(),
    };
    raise_consent(context, world, command, |outcome| {
        ApiResponse::json(&ConsentResponse::new(
            outcome.consent(),
            caller.message_time_at(outcome.clocks),
        ))
    })
}

pub(crate) async fn get_consent(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    apply_requested_fault(call, context)?;
    let caller = authenticate_api_key(call, context, AllowedCallers::SeedClients)?;
    let world = &caller.world;
    let id = call.path_segment("id");
    let by_id = ConsentId::parse(id).and_then(|id| world.catch_up().consent_by_id(id));
    let consent = by_id
        .or_else(|| ConsentHandle::parse(id).and_then(|handle| world.catch_up().consent(handle)));
    let consent = consent.filter(|consent| caller.can_see(consent));
    let consent = consent.ok_or_else(|| Rejection::UnknownConsentId(quote_value(id)))?;
    context.plan_consent_faults(world, &consent)?;

    let (answers, aa) = (
        &call.app_state().answers,
        caller.participants.aa_for_consent(&consent),
    );
    if let Some(body) = answers.find(&consent, aa) {
        return Ok(ApiResponse::shared_json(body));
    }
    let detail = ConsentDetail::new(&consent, aa);
    let signature = sign_detail(call.app_state(), &consent, &detail).await;
    let answer = ConsentStatusResponse::new(&consent, &detail, signature);
    let body = Bytes::from(answer.to_bytes());
    answers.keep(&consent, aa, body.clone());
    Ok(ApiResponse::shared_json(body))
}
