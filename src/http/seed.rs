//! The two seed calls.

use std::sync::Arc;

use actix_web::HttpResponse;

use crate::crypto::base64;
use crate::domain::command::{Command, RaiseConsent};
use crate::domain::consent::{Consent, Face};
use crate::domain::ids::{ConsentHandle, ConsentId};
use crate::domain::refusal::Refusal;
use crate::http::Shared;
use crate::http::call::Call;
use crate::http::reply::Answer;
use crate::http::security::{Audience, admit};
use crate::wire::artefact::Stated;
use crate::wire::fields::quoted;
use crate::wire::problem::Problem;
use crate::wire::seed::{ConsentAnswer, ConsentRequest, ConsentState};

pub async fn create_consent(call: Call) -> HttpResponse {
    call.reply_seed(create(&call))
}

fn create(call: &Call) -> Result<Answer, Problem> {
    let caller = admit(call, Audience::SeedClients)?;
    let world = &caller.world;
    let request: ConsentRequest = call.json()?;
    let aa = caller.participants.default_aa();
    let terms = request.into_terms(&aa.handle, world.now())?;
    let fiu = caller.owner_of_new(&terms.consumer)?;
    let scenario = call.scenario()?;
    let raise = RaiseConsent { terms, face: Face::Seed, aa: Arc::clone(&aa.id), fiu, filing: None, scenario };
    let receipt = world.submit(Command::RaiseConsent(raise))?;
    let answer = Answer::json(&ConsentAnswer::new(receipt.consent(), receipt.message_time));
    Ok(answer.holding(receipt.hold))
}

pub async fn get_consent(call: Call) -> HttpResponse {
    let outcome = get(&call).await;
    call.reply_seed(outcome)
}

async fn get(call: &Call) -> Result<Answer, Problem> {
    let caller = admit(call, Audience::SeedClients)?;
    let world = &caller.world;
    let id = call.segment("id");
    let by_id = ConsentId::parse(id).and_then(|id| world.consent_by_id(id));
    let consent = by_id.or_else(|| ConsentHandle::parse(id).and_then(|handle| world.consent(handle)));
    let consent = consent.filter(|consent| caller.may_see(consent));
    let consent = consent.ok_or_else(|| Refusal::UnknownConsentId(quoted(id)))?;

    let detail = Stated::new(&consent, caller.participants.aa_of(&consent));
    let signature = detail_signature(call.shared(), &consent, &detail).await;
    Ok(Answer::json(&ConsentState::new(&consent, &detail, signature)))
}

/// RS256 over the bytes of `ConsentDetail` in the answer, in Base64 (DESIGN §1); made once, where there is a consent
/// id.
async fn detail_signature(shared: &Shared, consent: &Consent, detail: &Stated<'_>) -> Option<String> {
    consent.consent_id()?;
    let seal = &consent.grant.as_ref()?.seals.detail;
    if let Some(signature) = seal.get() {
        return Some(base64::encode(signature));
    }
    let (key, detail) = (Arc::clone(&shared.keys.of(&consent.aa).private), detail.to_bytes());
    let made = tokio::task::spawn_blocking(move || key.sign(&detail)).await.expect("signing does not panic");
    Some(base64::encode(seal.get_or_init(|| made.into())))
}
