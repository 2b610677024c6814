//! ReBIT financial information: requesting a session and fetching its data.

use std::sync::Arc;

use super::consent::v1_version;
use super::fi_encryption::{EncryptionJob, encrypt_statements};
use super::{authenticate_signed, parse_message};
use crate::crypto::key_exchange::{KeyExchangeError, parse_nonce, parse_public_key};
use crate::domain::call_facts::RequestedRange;
use crate::domain::command::{Command, FetchData, RequestData};
use crate::domain::consent::Consent;
use crate::domain::key_exchange::PeerKey;
use crate::domain::participants::Member;
use crate::domain::rejection::Rejection;
use crate::domain::session::Session;
use crate::domain::version::RebitVersion;
use crate::engine::world::CommandOutcome;
use crate::http::call::Call;
use crate::http::call_context::CallContext;
use crate::http::call_facts::hash_value;
use crate::http::fair_use::check_data_fair_use;
use crate::http::large_task::{TaskSize, answer_large};
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::http::security::{AllowedCallers, Caller};
use crate::http::signature_cache::sign_consent;
use crate::wire::api_error::ApiError;
use crate::wire::rebit::ResponseContext;
use crate::wire::rebit::fi::{
    FiFetchRequest, FiRequest, FiRequestContent, FiResponse, encode_fetch_response,
    parse_fetch_data,
};
use crate::wire::rebit::key_material::CheckedKeyMaterial;

pub(crate) async fn request_data(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let (head, request, caller) = parse_message::<FiRequest>(call, context, AllowedCallers::Fius)?;
    let FiRequestContent {
        range,
        consent_id,
        signature,
        key,
    } = request;
    let world = &caller.world;
    let consent = world
        .catch_up()
        .consent_by_id(consent_id)
        .filter(|consent| !consent.hidden)
        .ok_or_else(|| Rejection::UnknownConsentId(consent_id.to_string()))?;
    if !caller.can_see(&consent) {
        return Err(ApiError::NotPermitted(format!(
            "Consent.id {consent_id} is the consent of another FIU"
        )));
    }
    let facts = context.facts_mut();
    facts.range = Some(RequestedRange {
        requested: range,
        granted: consent.terms.range,
    });
    facts.key_material = Some(hash_value(&(&key.key_value, &key.nonce)));
    context.plan_consent_faults(world, &consent)?;
    let artefact = sign_consent(call.app_state(), &caller.participants, &consent)
        .await
        .ok_or_else(|| Rejection::UnknownConsentId(consent_id.to_string()))?;
    if artefact
        .rsplit_once('.')
        .is_none_or(|(_, actual)| actual != signature)
    {
        let message =
            "Consent.digitalSignature is not the third part of the artefact's signedConsent";
        return Err(ApiError::InvalidSignature(message.to_owned()));
    }
    check_data_fair_use(world, &caller.participants, &consent, range)?;
    let key = Arc::new(parse_peer_key(&caller, &key)?);
    let command = RequestData {
        handle: consent.handle,
        range,
        key,
        txnid: head.txnid.as_str().into(),
        on_repeated_txnid: caller.on_repeated_txnid(),
    };
    let receipt = world.submit(Command::RequestData(command))?;
    Ok(ApiResponse::from_receipt(receipt, |outcome| {
        context.facts_mut().session = Some(outcome.session().id);
        ApiResponse::json(&FiResponse::new(
            ResponseContext::from_head(&head, caller.message_time_at(outcome.clocks)),
            outcome.session(),
        ))
    }))
}

/// Parses the FIU's key. It must not have expired by a clock that the mode accepts in requests
/// (`docs/configuration.md#clocks`).
fn parse_peer_key(caller: &Caller, offered: &CheckedKeyMaterial) -> Result<PeerKey, ApiError> {
    let CheckedKeyMaterial {
        expiry,
        key_value,
        nonce,
        labels,
    } = offered;
    let mut request_times = caller.world.request_times();
    if request_times.all(|now| *expiry <= now) {
        let now = caller.world.now();
        return Err(ApiError::InvalidKey(format!(
            "KeyMaterial.DHPublicKey.expiry {expiry} is in the past; the sandbox's time is {now}"
        )));
    }
    let (curve, public) =
        parse_public_key(key_value).map_err(|error| key_material_error(&error))?;
    Ok(PeerKey {
        curve,
        public,
        nonce: parse_nonce(nonce).map_err(|error| key_material_error(&error))?,
        labels: labels.clone(),
    })
}

fn key_material_error(error: &KeyExchangeError) -> ApiError {
    ApiError::InvalidKey(format!("KeyMaterial: {error}"))
}

/// `POST /FI/fetch` of 2.x.
pub(crate) async fn fetch_data(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let (head, command, caller) =
        parse_message::<FiFetchRequest>(call, context, AllowedCallers::Fius)?;
    let echo = |_: &Consent, _: &Session| (head.ver, head.txnid.clone());
    encrypt_session_data(context, &caller, command, echo).await
}

/// `GET /FI/fetch/{sessionId}?fipId=&linkRefNumber=` of 1.1.x.
pub(crate) async fn fetch_data_by_path(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let caller = authenticate_signed(call, context, AllowedCallers::Fius)?;
    let command = parse_fetch_query(call)?;
    let echo =
        |consent: &Consent, session: &Session| (v1_version(consent), session.txnid.to_string());
    encrypt_session_data(context, &caller, command, echo).await
}

fn parse_fetch_query(call: &Call) -> Result<FetchData, ApiError> {
    let params = Params::parse(call.query())?.reject_unknown(&["fipId", "linkRefNumber"])?;
    if params.values_of("fipId").count() > 1 {
        let message = "is given twice; a fetch is for one FIP, or without it for all";
        return Err(ApiError::invalid_field("fipId", message));
    }
    let link_refs = params
        .values_of("linkRefNumber")
        .map(str::to_owned)
        .collect();
    parse_fetch_data(
        call.path_segment("sessionId"),
        params.first_value("fipId").map(str::to_owned),
        link_refs,
    )
}

/// Fetches the data of a session and encrypts it. `echo` returns version and transaction id of the
/// response.
async fn encrypt_session_data(
    context: &mut CallContext,
    caller: &Caller,
    command: FetchData,
    echo: impl Fn(&Consent, &Session) -> (RebitVersion, String),
) -> Result<ApiResponse, ApiError> {
    let id = command.session;
    let world = &caller.world;
    context.facts_mut().session = Some(id);
    let consent = world
        .catch_up()
        .session(id)
        .and_then(|session| world.catch_up().consent(session.handle));
    let consent = consent.filter(|consent| caller.can_see(consent));
    let consent = consent.ok_or_else(|| Rejection::UnknownSession(id.to_string()))?;
    context.plan_consent_faults(world, &consent)?;
    let receipt = world.submit(Command::FetchData(command.clone()))?;
    context.facts_mut().has_data = true;
    ApiResponse::try_from_receipt(receipt, async |outcome| {
        encrypt_fetched_data(caller, command, outcome, echo).await
    })
    .await
}

/// Encrypts the fetched data to the session's key and builds the response.
async fn encrypt_fetched_data(
    caller: &Caller,
    command: FetchData,
    outcome: &CommandOutcome,
    echo: impl Fn(&Consent, &Session) -> (RebitVersion, String),
) -> Result<ApiResponse, ApiError> {
    let (session, consent) = (outcome.session(), outcome.consent());
    let key = session
        .peer_key
        .as_ref()
        .expect("only sessions with a key are fetched here");
    let fiu = match &caller.member {
        Some(Member::Fiu(fiu)) => &fiu.entity.id,
        _ => &consent.fiu,
    };
    let timestamp = caller.message_time_at(outcome.clocks);
    let job = EncryptionJob {
        seed: caller.world.seed(),
        participants: Arc::clone(&caller.participants),
        fiu: Arc::clone(fiu),
        consent: Arc::clone(consent),
        session: Arc::clone(session),
        key: Arc::clone(key),
        command,
        requested_form: caller.world.requested_form(session, consent),
        now: timestamp,
    };
    let (ver, txnid) = echo(consent, session);
    answer_large(TaskSize::of_range(session.range), move || {
        let encrypted = encrypt_statements(&job).map_err(|error| key_material_error(&error))?;
        let echo = ResponseContext {
            ver,
            txnid: &txnid,
            timestamp,
        };
        let body = encode_fetch_response(echo, &encrypted);
        Ok(ApiResponse::json_bytes(body))
    })
    .await
}
