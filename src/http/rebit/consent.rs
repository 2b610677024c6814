//! Consents: raising one, looking one up, fetching its artefact.

use std::sync::Arc;

use actix_web::HttpResponse;

use super::{enter, read};
use crate::domain::command::{Command, RaiseConsent};
use crate::domain::consent::{Api, Consent};
use crate::domain::ids::{ConsentHandle, ConsentId};
use crate::domain::participants::Member;
use crate::domain::rejection::Rejection;
use crate::domain::version::{MajorVersion, RebitVersion};
use crate::http::call::Call;
use crate::http::reply::Answer;
use crate::http::seals::{signed_consent, signed_for_fip};
use crate::http::security::{Audience, Caller};
use crate::wire::api_error::ApiError;
use crate::wire::fields::quote_value;
use crate::wire::rebit::ResponseContext;
use crate::wire::rebit::consent::{
    ConsentArtefact, ConsentFetchRequest, ConsentHandleRequest, ConsentHandleResponse,
    ConsentsRequest, ConsentsResponse, artefact_status,
};

pub async fn create(call: Call) -> HttpResponse {
    let outcome = raise(&call);
    call.reply_rebit(outcome).await
}

fn raise(call: &Call) -> Result<Answer, ApiError> {
    let (head, terms, caller) = read::<ConsentsRequest>(call, Audience::Fius)?;
    let fiu = caller.owner_of_new(&terms.consumer)?;
    let aa = caller.participants.default_aa();
    caller.check_customer(&terms.customer, aa)?;
    let scenario = call.scenario()?;
    let raise = RaiseConsent {
        terms,
        api: Api::Rebit(head.ver),
        aa: Arc::clone(&aa.id),
        fiu,
        metadata: None,
        scenario,
        persona: None,
    };
    call.would_raise(&caller.world, &raise)?;
    let receipt = caller.world.submit(Command::RaiseConsent(raise))?;
    call.has_raised(receipt.consent());
    let answer = ConsentsResponse::new(
        ResponseContext::from_head(&head, receipt.message_time),
        receipt.consent(),
    );
    Ok(Answer::json(&answer).holding(receipt.hold))
}

/// `POST /Consent/handle` of 2.x.
pub async fn status(call: Call) -> HttpResponse {
    let outcome =
        read::<ConsentHandleRequest>(&call, Audience::Fius).and_then(|(head, handle, caller)| {
            let consent = seen(&call, &caller, handle)?;
            Ok(Answer::json(&ConsentHandleResponse::new(
                ResponseContext::from_head(&head, caller.world.message_time()),
                &consent,
            )))
        });
    call.reply_rebit(outcome).await
}

/// `GET /Consent/handle/{handle}` of 1.1.x.
pub async fn status_by_path(call: Call) -> HttpResponse {
    let outcome = enter(&call, Audience::Fius).and_then(|caller| {
        let text = call.segment("handle");
        let handle = ConsentHandle::parse(text)
            .ok_or_else(|| Rejection::UnknownHandle(quote_value(text)))?;
        let consent = seen(&call, &caller, handle)?;
        let txnid = &consent.terms.txnid;
        let echo = ResponseContext {
            ver: first_generation(&consent),
            txnid,
            timestamp: caller.world.message_time(),
        };
        Ok(Answer::json(&ConsentHandleResponse::new(echo, &consent)))
    });
    call.reply_rebit(outcome).await
}

/// A path that ends where the handle should be (`reference/rebit.md` §3.1).
pub async fn no_handle(call: Call) -> HttpResponse {
    let outcome = enter(&call, Audience::Fius).and_then(|_| Err(ApiError::MissingHandle));
    call.reply_rebit(outcome).await
}

/// `POST /Consent/fetch` of 2.x.
pub async fn fetch(call: Call) -> HttpResponse {
    let outcome = match read::<ConsentFetchRequest>(&call, Audience::Both) {
        Ok((head, id, caller)) => {
            artefact(&call, &caller, id, |_| (head.ver, head.txnid.clone())).await
        }
        Err(problem) => Err(problem),
    };
    call.reply_rebit(outcome).await
}

/// `GET /Consent/{id}` of 1.1.x.
pub async fn fetch_by_path(call: Call) -> HttpResponse {
    let text = call.segment("id");
    let id = ConsentId::parse(text)
        .ok_or_else(|| ApiError::from(Rejection::UnknownConsentId(quote_value(text))));
    let outcome = match enter(&call, Audience::Both).and_then(|caller| Ok((caller, id?))) {
        Ok((caller, id)) => {
            let echo =
                |consent: &Consent| (first_generation(consent), consent.terms.txnid.to_string());
            artefact(&call, &caller, id, echo).await
        }
        Err(problem) => Err(problem),
    };
    call.reply_rebit(outcome).await
}

/// The version in which a GET is answered: it names none, so it is the consent's own.
///
/// `Assumption:` for a consent of 2.x, which has no such GET, it is 1.1.2.
pub fn first_generation(consent: &Consent) -> RebitVersion {
    match consent.api {
        Api::Rebit(version) if version.major_version() == MajorVersion::V1 => version,
        Api::Rebit(_) | Api::Seed | Api::Unaport => RebitVersion::V1_1_2,
    }
}

fn seen(call: &Call, caller: &Caller, handle: ConsentHandle) -> Result<Arc<Consent>, ApiError> {
    let consent = caller
        .world
        .consent(handle)
        .filter(|consent| caller.may_see(consent));
    let consent = consent.ok_or_else(|| Rejection::UnknownHandle(handle.to_string()))?;
    call.is_about(&caller.world, &consent)?;
    Ok(consent)
}

/// The caller's own artefact: an FIU's, or the one of a FIP, each under its own id.
async fn artefact(
    call: &Call,
    caller: &Caller,
    id: ConsentId,
    echo: impl Fn(&Consent) -> (RebitVersion, String),
) -> Result<Answer, ApiError> {
    let unknown = || ApiError::from(Rejection::UnknownConsentId(id.to_string()));
    let world = &caller.world;
    let of_fip = || {
        world
            .consent_by_fip_id(id)
            .filter(|consent| !consent.hidden)
    };
    let (consent, as_fip) = match &caller.owner {
        Some(Member::Fip(fip)) => (
            of_fip().filter(|consent| artefact_of(consent, id) == Some(&*fip.entity.id)),
            true,
        ),
        Some(Member::Fiu(_)) => (
            world
                .consent_by_id(id)
                .filter(|consent| caller.may_see(consent)),
            false,
        ),
        None => match world.consent_by_id(id).filter(|consent| !consent.hidden) {
            Some(consent) => (Some(consent), false),
            None => (of_fip(), true),
        },
    };
    if let Some(consent) = &consent {
        call.is_about(world, consent)?;
    }
    // A consent that is READY has an id and no artefact yet: asking for it is asking too early.
    let consent = consent
        .filter(|consent| artefact_status(consent).is_some())
        .ok_or_else(unknown)?;
    let signed = if as_fip {
        signed_for_fip(call.shared(), &caller.participants, &consent, id).await
    } else {
        signed_consent(call.shared(), &caller.participants, &consent).await
    };
    let (ver, txnid) = echo(&consent);
    let artefact = ConsentArtefact::new(ver, &txnid, &consent, id, signed.ok_or_else(unknown)?)
        .ok_or_else(unknown)?;
    Ok(Answer::json(&artefact))
}

/// The FIP whose artefact has this id.
fn artefact_of(consent: &Consent, id: ConsentId) -> Option<&str> {
    let mut artefacts = consent.grant.as_ref()?.fips.iter();
    artefacts
        .find(|artefact| artefact.consent_id == id)
        .map(|artefact| &*artefact.fip)
}
