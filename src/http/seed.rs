//! The two seed calls.

use std::sync::Arc;

use actix_web::HttpResponse;

use crate::domain::command::{Command, RaiseConsent};
use crate::domain::consent::Api;
use crate::domain::ids::{ConsentHandle, ConsentId};
use crate::domain::rejection::Rejection;
use crate::http::call::Call;
use crate::http::fault::fault;
use crate::http::reply::Answer;
use crate::http::seals::signed_detail;
use crate::http::security::{Audience, admit};
use crate::wire::api_error::ApiError;
use crate::wire::artefact::ConsentDetail;
use crate::wire::fields::quote_value;
use crate::wire::seed::{ConsentRequest, ConsentResponse, ConsentStatusResponse};

pub async fn create_consent(call: Call) -> HttpResponse {
    call.reply_seed(create(&call)).await
}

fn create(call: &Call) -> Result<Answer, ApiError> {
    fault(call)?;
    let caller = admit(call, Audience::SeedClients)?;
    let world = &caller.world;
    let request: ConsentRequest = call.json()?;
    let aa = caller.participants.default_aa();
    let terms = request.into_terms(&aa.handle, world.now())?;
    let fiu = caller.owner_of_new(&terms.consumer)?;
    let scenario = call.scenario()?;
    let raise = RaiseConsent {
        terms,
        api: Api::Seed,
        aa: Arc::clone(&aa.id),
        fiu,
        metadata: None,
        scenario,
        persona: None,
    };
    call.would_raise(world, &raise)?;
    let receipt = world.submit(Command::RaiseConsent(raise))?;
    call.has_raised(receipt.consent());
    let answer = Answer::json(&ConsentResponse::new(
        receipt.consent(),
        receipt.message_time,
    ));
    Ok(answer.holding(receipt.hold))
}

pub async fn get_consent(call: Call) -> HttpResponse {
    let outcome = get(&call).await;
    call.reply_seed(outcome).await
}

async fn get(call: &Call) -> Result<Answer, ApiError> {
    fault(call)?;
    let caller = admit(call, Audience::SeedClients)?;
    let world = &caller.world;
    let id = call.segment("id");
    let by_id = ConsentId::parse(id).and_then(|id| world.consent_by_id(id));
    let consent =
        by_id.or_else(|| ConsentHandle::parse(id).and_then(|handle| world.consent(handle)));
    let consent = consent.filter(|consent| caller.may_see(consent));
    let consent = consent.ok_or_else(|| Rejection::UnknownConsentId(quote_value(id)))?;
    call.is_about(world, &consent)?;

    let detail = ConsentDetail::new(&consent, caller.participants.aa_for_consent(&consent));
    let signature = signed_detail(call.shared(), &consent, &detail).await;
    Ok(Answer::json(&ConsentStatusResponse::new(
        &consent, &detail, signature,
    )))
}
