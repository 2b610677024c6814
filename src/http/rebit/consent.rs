//! Consents: raising one, looking one up, fetching its artefact.

use std::sync::Arc;

use actix_web::HttpResponse;

use super::{authenticate_signed, parse_message};
use crate::domain::command::{Command, RaiseConsent};
use crate::domain::consent::{Api, Consent};
use crate::domain::ids::{ConsentHandle, ConsentId};
use crate::domain::participants::Member;
use crate::domain::rejection::Rejection;
use crate::domain::version::{MajorVersion, RebitVersion};
use crate::http::call::Call;
use crate::http::response::ApiResponse;
use crate::http::security::{AllowedCallers, Caller};
use crate::http::signature_cache::{sign_consent, sign_consent_for_fip};
use crate::wire::api_error::ApiError;
use crate::wire::fields::quote_value;
use crate::wire::rebit::ResponseContext;
use crate::wire::rebit::consent::{
    ConsentArtefact, ConsentFetchRequest, ConsentHandleRequest, ConsentHandleResponse,
    ConsentsRequest, ConsentsResponse, artefact_status,
};

pub async fn create_consent(call: Call) -> HttpResponse {
    let outcome = try_create_consent(&call);
    call.reply_rebit(outcome).await
}

fn try_create_consent(call: &Call) -> Result<ApiResponse, ApiError> {
    let (head, terms, caller) = parse_message::<ConsentsRequest>(call, AllowedCallers::Fius)?;
    let fiu = caller.resolve_consent_owner(&terms.consumer)?;
    let aa = caller.participants.default_aa();
    caller.check_customer_address(&terms.customer, aa)?;
    let scenario = call.requested_scenario()?;
    let command = RaiseConsent {
        terms,
        api: Api::Rebit(head.ver),
        aa: Arc::clone(&aa.id),
        fiu,
        metadata: None,
        scenario,
        persona: None,
    };
    call.plan_faults_for(&caller.world, &command)?;
    let receipt = caller.world.submit(Command::RaiseConsent(command))?;
    call.record_handle(receipt.consent());
    let response = ConsentsResponse::new(
        ResponseContext::from_head(&head, receipt.message_time),
        receipt.consent(),
    );
    Ok(ApiResponse::json(&response).with_hold(receipt.hold))
}

/// `POST /Consent/handle` of 2.x.
pub async fn get_status(call: Call) -> HttpResponse {
    let outcome = parse_message::<ConsentHandleRequest>(&call, AllowedCallers::Fius).and_then(
        |(head, handle, caller)| {
            let consent = bind_visible_consent(&call, &caller, handle)?;
            Ok(ApiResponse::json(&ConsentHandleResponse::new(
                ResponseContext::from_head(&head, caller.world.message_time()),
                &consent,
            )))
        },
    );
    call.reply_rebit(outcome).await
}

/// `GET /Consent/handle/{handle}` of 1.1.x.
pub async fn get_status_by_path(call: Call) -> HttpResponse {
    let outcome = authenticate_signed(&call, AllowedCallers::Fius).and_then(|caller| {
        let text = call.path_segment("handle");
        let handle = ConsentHandle::parse(text)
            .ok_or_else(|| Rejection::UnknownHandle(quote_value(text)))?;
        let consent = bind_visible_consent(&call, &caller, handle)?;
        let txnid = &consent.terms.txnid;
        let echo = ResponseContext {
            ver: v1_version(&consent),
            txnid,
            timestamp: caller.world.message_time(),
        };
        Ok(ApiResponse::json(&ConsentHandleResponse::new(
            echo, &consent,
        )))
    });
    call.reply_rebit(outcome).await
}

/// A path that ends where the handle should be (`reference/rebit.md` §3.1).
pub async fn reject_missing_handle(call: Call) -> HttpResponse {
    let outcome =
        authenticate_signed(&call, AllowedCallers::Fius).and_then(|_| Err(ApiError::MissingHandle));
    call.reply_rebit(outcome).await
}

/// `POST /Consent/fetch` of 2.x.
pub async fn fetch_artefact(call: Call) -> HttpResponse {
    let outcome = match parse_message::<ConsentFetchRequest>(&call, AllowedCallers::FiusAndFips) {
        Ok((head, id, caller)) => {
            try_fetch_artefact(&call, &caller, id, |_| (head.ver, head.txnid.clone())).await
        }
        Err(error) => Err(error),
    };
    call.reply_rebit(outcome).await
}

/// `GET /Consent/{id}` of 1.1.x.
pub async fn fetch_artefact_by_path(call: Call) -> HttpResponse {
    let text = call.path_segment("id");
    let id = ConsentId::parse(text)
        .ok_or_else(|| ApiError::from(Rejection::UnknownConsentId(quote_value(text))));
    let outcome = match authenticate_signed(&call, AllowedCallers::FiusAndFips)
        .and_then(|caller| Ok((caller, id?)))
    {
        Ok((caller, id)) => {
            let echo = |consent: &Consent| (v1_version(consent), consent.terms.txnid.to_string());
            try_fetch_artefact(&call, &caller, id, echo).await
        }
        Err(error) => Err(error),
    };
    call.reply_rebit(outcome).await
}

/// The version in which a GET is answered: it names none, so it is the consent's own.
///
/// `Assumption:` for a consent of 2.x, which has no such GET, it is 1.1.2.
pub fn v1_version(consent: &Consent) -> RebitVersion {
    match consent.api {
        Api::Rebit(version) if version.major_version() == MajorVersion::V1 => version,
        Api::Rebit(_) | Api::Seed | Api::Unaport => RebitVersion::V1_1_2,
    }
}

fn bind_visible_consent(
    call: &Call,
    caller: &Caller,
    handle: ConsentHandle,
) -> Result<Arc<Consent>, ApiError> {
    let consent = caller
        .world
        .consent(handle)
        .filter(|consent| caller.can_see(consent));
    let consent = consent.ok_or_else(|| Rejection::UnknownHandle(handle.to_string()))?;
    call.bind_consent(&caller.world, &consent)?;
    Ok(consent)
}

/// The caller's own artefact: an FIU's, or the one of a FIP, each under its own id.
async fn try_fetch_artefact(
    call: &Call,
    caller: &Caller,
    id: ConsentId,
    echo: impl Fn(&Consent) -> (RebitVersion, String),
) -> Result<ApiResponse, ApiError> {
    let unknown_consent = || ApiError::from(Rejection::UnknownConsentId(id.to_string()));
    let world = &caller.world;
    let find_for_fip = || {
        world
            .consent_by_fip_id(id)
            .filter(|consent| !consent.hidden)
    };
    let (consent, is_fip) = match &caller.member {
        Some(Member::Fip(fip)) => (
            find_for_fip().filter(|consent| fip_of_artefact(consent, id) == Some(&*fip.entity.id)),
            true,
        ),
        Some(Member::Fiu(_)) => (
            world
                .consent_by_id(id)
                .filter(|consent| caller.can_see(consent)),
            false,
        ),
        None => match world.consent_by_id(id).filter(|consent| !consent.hidden) {
            Some(consent) => (Some(consent), false),
            None => (find_for_fip(), true),
        },
    };
    if let Some(consent) = &consent {
        call.bind_consent(world, consent)?;
    }
    // A consent that is READY has an id and no artefact yet: asking for it is asking too early.
    let consent = consent
        .filter(|consent| artefact_status(consent).is_some())
        .ok_or_else(unknown_consent)?;
    let signed_consent = if is_fip {
        sign_consent_for_fip(call.app_state(), &caller.participants, &consent, id).await
    } else {
        sign_consent(call.app_state(), &caller.participants, &consent).await
    };
    let (ver, txnid) = echo(&consent);
    let artefact = ConsentArtefact::new(
        ver,
        &txnid,
        &consent,
        id,
        signed_consent.ok_or_else(unknown_consent)?,
    )
    .ok_or_else(unknown_consent)?;
    Ok(ApiResponse::json(&artefact))
}

/// The FIP whose artefact has this id.
fn fip_of_artefact(consent: &Consent, id: ConsentId) -> Option<&str> {
    let mut artefacts = consent.grant.as_ref()?.fips.iter();
    artefacts
        .find(|artefact| artefact.consent_id == id)
        .map(|artefact| &*artefact.fip)
}
