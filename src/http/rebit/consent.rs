//! ReBIT consents: raising one, reading its status, fetching its artefact.

use std::sync::Arc;

use super::{authenticate_signed, parse_message};
use crate::domain::command::RaiseConsent;
use crate::domain::consent::{Api, Consent};
use crate::domain::ids::{ConsentHandle, ConsentId};
use crate::domain::participants::Member;
use crate::domain::rejection::Rejection;
use crate::domain::text::quote_value;
use crate::domain::version::{MajorVersion, RebitVersion};
use crate::engine::world::World;
use crate::http::call::Call;
use crate::http::call_context::CallContext;
use crate::http::fair_use::check_consent_fair_use;
use crate::http::raise::raise_consent;
use crate::http::response::ApiResponse;
use crate::http::security::{AllowedCallers, Caller};
use crate::http::signature_cache::{sign_consent, sign_consent_for_fip};
use crate::wire::api_error::ApiError;
use crate::wire::consent_detail::{list_term_deviations, list_unsupported_fi_types};
use crate::wire::rebit::ResponseContext;
use crate::wire::rebit::consent::{
    ConsentArtefact, ConsentFetchRequest, ConsentHandleRequest, ConsentHandleResponse,
    ConsentsRequest, ConsentsResponse, artefact_status,
};

pub(crate) fn create_consent(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let (head, terms, caller) =
        parse_message::<ConsentsRequest>(call, context, AllowedCallers::Fius)?;
    let fiu = caller.resolve_consent_owner(&terms.consumer)?;
    let aa = caller.participants.default_aa();
    caller.check_customer_address(&terms.customer, aa)?;
    caller.reject_deviations_in_strict(list_unsupported_fi_types(&terms, head.ver))?;
    caller.reject_deviations_in_strict(list_term_deviations(&terms))?;
    check_consent_fair_use(&caller.world, &caller.participants, &fiu, &terms)?;
    let scenario = call.requested_scenario()?;
    let command = RaiseConsent {
        terms,
        api: Api::Rebit(head.ver),
        aa: Arc::clone(&aa.id),
        fiu,
        metadata: None,
        scenario,
        persona: None,
        on_repeated_txnid: caller.on_repeated_txnid(),
    };
    raise_consent(context, &caller.world, command, |outcome| {
        ApiResponse::json(&ConsentsResponse::new(
            ResponseContext::from_head(&head, caller.message_time_at(outcome.clocks)),
            outcome.consent(),
        ))
    })
}

/// `POST /Consent/handle` of 2.x.
pub(crate) fn get_status(call: &Call, context: &mut CallContext) -> Result<ApiResponse, ApiError> {
    let (head, handle, caller) =
        parse_message::<ConsentHandleRequest>(call, context, AllowedCallers::Fius)?;
    let consent = bind_visible_consent(context, &caller, handle)?;
    Ok(ApiResponse::json(&ConsentHandleResponse::new(
        ResponseContext::from_head(&head, caller.message_time()),
        &consent,
    )))
}

/// `GET /Consent/handle/{handle}` of 1.1.x.
pub(crate) fn get_status_by_path(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let caller = authenticate_signed(call, context, AllowedCallers::Fius)?;
    let text = call.path_segment("consentHandle");
    // A path that ends before the handle (`docs/sources.md#consent-handle-states`).
    if text.is_empty() {
        return Err(ApiError::MissingHandle);
    }
    let handle =
        ConsentHandle::parse(text).ok_or_else(|| Rejection::UnknownHandle(quote_value(text)))?;
    let consent = bind_visible_consent(context, &caller, handle)?;
    let txnid = &consent.terms.txnid;
    let echo = ResponseContext {
        ver: v1_version(&consent),
        txnid,
        timestamp: caller.message_time(),
    };
    Ok(ApiResponse::json(&ConsentHandleResponse::new(
        echo, &consent,
    )))
}

/// `POST /Consent/fetch` of 2.x.
pub(crate) async fn fetch_artefact(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let (head, id, caller) =
        parse_message::<ConsentFetchRequest>(call, context, AllowedCallers::FiusAndFips)?;
    sign_artefact(call, context, &caller, id, |_| {
        (head.ver, head.txnid.clone())
    })
    .await
}

/// `GET /Consent/{id}` of 1.1.x.
pub(crate) async fn fetch_artefact_by_path(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let caller = authenticate_signed(call, context, AllowedCallers::FiusAndFips)?;
    let text = call.path_segment("consentId");
    let id =
        ConsentId::parse(text).ok_or_else(|| Rejection::UnknownConsentId(quote_value(text)))?;
    let echo = |consent: &Consent| (v1_version(consent), consent.terms.txnid.to_string());
    sign_artefact(call, context, &caller, id, echo).await
}

/// Returns the version of the response to a GET. The request names none, so it is the version of
/// the consent.
///
/// `Assumption:` for a consent of 2.x, which has no such GET, it is 1.1.2.
pub(crate) fn v1_version(consent: &Consent) -> RebitVersion {
    match consent.api {
        Api::Rebit(version) if version.major_version() == MajorVersion::V1 => version,
        Api::Rebit(_) | Api::Seed | Api::Unaport => RebitVersion::V1_1_2,
    }
}

fn bind_visible_consent(
    context: &mut CallContext,
    caller: &Caller,
    handle: ConsentHandle,
) -> Result<Arc<Consent>, ApiError> {
    let consent = caller
        .world
        .catch_up()
        .consent(handle)
        .filter(|consent| caller.can_see(consent));
    let consent = consent.ok_or_else(|| Rejection::UnknownHandle(handle.to_string()))?;
    context.plan_consent_faults(&caller.world, &consent)?;
    Ok(consent)
}

/// Returns the caller's artefact. The FIU's artefact and the artefact of each FIP have different
/// ids.
async fn sign_artefact(
    call: &Call,
    context: &mut CallContext,
    caller: &Caller,
    id: ConsentId,
    echo: impl Fn(&Consent) -> (RebitVersion, String),
) -> Result<ApiResponse, ApiError> {
    let world = &caller.world;
    let (consent, owner) = match &caller.member {
        Some(Member::Fip(fip)) => (
            find_visible_by_fip_id(world, id)
                .filter(|consent| fip_of_artefact(consent, id) == Some(&*fip.entity.id)),
            ArtefactOwner::Fip,
        ),
        Some(Member::Fiu(_)) => (
            world
                .catch_up()
                .consent_by_id(id)
                .filter(|consent| caller.can_see(consent)),
            ArtefactOwner::Fiu,
        ),
        None => match world
            .catch_up()
            .consent_by_id(id)
            .filter(|consent| !consent.hidden)
        {
            Some(consent) => (Some(consent), ArtefactOwner::Fiu),
            None => (find_visible_by_fip_id(world, id), ArtefactOwner::Fip),
        },
    };
    if let Some(consent) = &consent {
        context.plan_consent_faults(world, consent)?;
    }
    // A consent in state READY has an id but no artefact yet.
    let consent = consent
        .filter(|consent| artefact_status(consent).is_some())
        .ok_or_else(|| unknown_consent_error(id))?;
    let signed_consent = match owner {
        ArtefactOwner::Fip => {
            sign_consent_for_fip(call.app_state(), &caller.participants, &consent, id).await
        }
        ArtefactOwner::Fiu => sign_consent(call.app_state(), &caller.participants, &consent).await,
    };
    let signed_consent = signed_consent.ok_or_else(|| unknown_consent_error(id))?;
    let (ver, txnid) = echo(&consent);
    let artefact = ConsentArtefact::new(ver, &txnid, &consent, id, signed_consent)
        .ok_or_else(|| unknown_consent_error(id))?;
    Ok(ApiResponse::json(&artefact))
}

/// Owner of a copy of the artefact.
#[derive(Clone, Copy)]
enum ArtefactOwner {
    Fiu,
    Fip,
}

fn find_visible_by_fip_id(world: &World, id: ConsentId) -> Option<Arc<Consent>> {
    world
        .catch_up()
        .consent_by_fip_artefact_id(id)
        .filter(|consent| !consent.hidden)
}

fn unknown_consent_error(id: ConsentId) -> ApiError {
    Rejection::UnknownConsentId(id.to_string()).into()
}

/// Returns the FIP whose artefact has this id.
fn fip_of_artefact(consent: &Consent, id: ConsentId) -> Option<&str> {
    let mut artefacts = consent.grant.as_ref()?.fips.iter();
    artefacts
        .find(|artefact| artefact.consent_id == id)
        .map(|artefact| &*artefact.fip)
}
