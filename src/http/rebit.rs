//! The ReBIT 2.x consent calls.

use std::sync::Arc;

use actix_web::HttpResponse;
use serde::de::DeserializeOwned;

use crate::crypto::jws;
use crate::domain::command::{Command, RaiseConsent};
use crate::domain::consent::{Consent, Face};
use crate::domain::refusal::Refusal;
use crate::engine::world::World;
use crate::http::Shared;
use crate::http::call::Call;
use crate::http::reply::Answer;
use crate::http::security::{Caller, admit};
use crate::wire::consent_detail::Stated;
use crate::wire::problem::Problem;
use crate::wire::rebit::v2::{
    ConsentArtefact, ConsentFetchRequest, ConsentHandleRequest, ConsentHandleResponse, ConsentsRequest,
    ConsentsResponse, Head, Request, artefact_status,
};

const KEY_HEADERS: [&str; 2] = ["client_api_key", "authorization"];

pub async fn create_consent(call: Call) -> HttpResponse {
    let outcome = create(&call);
    call.reply_rebit(outcome).await
}

fn create(call: &Call) -> Result<Answer, Problem> {
    let (head, terms, caller) = read::<ConsentsRequest>(call)?;
    let world = &caller.world;
    let fiu = caller.owner_of_new(&terms.consumer)?;
    let scenario = call.steering("x-mockaa-scenario")?.map(Into::into);
    let raise = RaiseConsent { terms, face: Face::RebitV2, fiu, scenario };
    let receipt = world.submit(Command::RaiseConsent(raise))?;
    let answer = Answer::json(&ConsentsResponse::new(&head, &receipt.consent, receipt.message_time));
    Ok(answer.holding(receipt.hold))
}

pub async fn get_consent_status(call: Call) -> HttpResponse {
    let outcome = status(&call);
    call.reply_rebit(outcome).await
}

fn status(call: &Call) -> Result<Answer, Problem> {
    let (head, handle, caller) = read::<ConsentHandleRequest>(call)?;
    let world = &caller.world;
    let consent = world.consent(handle).filter(|consent| caller.may_see(consent));
    let consent = consent.ok_or_else(|| Refusal::UnknownHandle(handle.to_string()))?;
    Ok(Answer::json(&ConsentHandleResponse::new(&head, &consent, world.message_time())))
}

pub async fn fetch_consent(call: Call) -> HttpResponse {
    let outcome = fetch(&call).await;
    call.reply_rebit(outcome).await
}

async fn fetch(call: &Call) -> Result<Answer, Problem> {
    let (head, id, caller) = read::<ConsentFetchRequest>(call)?;
    let world = &caller.world;
    let consent = world.consent_by_id(id).filter(|consent| caller.may_see(consent));
    // A consent that is READY has an id and no artefact yet: asking for it is asking too early.
    let consent = consent.filter(|consent| artefact_status(consent).is_some());
    let unknown = || Problem::from(Refusal::UnknownConsentId(id.to_string()));
    let consent = consent.ok_or_else(unknown)?;
    let signed = signed_consent(call.shared(), world, &consent).await.ok_or_else(unknown)?;
    let artefact = ConsentArtefact::new(&head, &consent, signed).ok_or_else(unknown)?;
    Ok(Answer::json(&artefact))
}

/// Key, signature, schema, timestamp: in that order, on the bytes that arrived.
fn read<R>(call: &Call) -> Result<(Head, R::Content, Caller), Problem>
where
    R: Request + DeserializeOwned,
{
    let caller = admit(call, &KEY_HEADERS)?;
    caller.check_signature(call)?;
    let request: R = call.json()?;
    let (head, content) = request.check(&caller.world.setting().participants.aa.handle)?;
    caller.check_timestamp(head.timestamp)?;
    Ok((head, content, caller))
}

/// The compact JWS of the artefact (`reference/rebit.md` §4.2); its signature is made once.
async fn signed_consent(shared: &Shared, world: &World, consent: &Consent) -> Option<String> {
    let seal = &consent.grant.as_ref()?.seals.artefact;
    let payload = Stated::new(consent, &world.setting().participants.aa).to_bytes();
    let input = jws::compact_input(shared.key.kid(), &payload);
    if let Some(signature) = seal.get() {
        return Some(jws::compact(&input, signature));
    }
    let (key, signed) = (Arc::clone(&shared.key), input.clone());
    let made = tokio::task::spawn_blocking(move || key.sign(signed.as_bytes())).await;
    let made = made.expect("signing does not panic");
    Some(jws::compact(&input, seal.get_or_init(|| made.into())))
}
