//! Financial information: asking for it and fetching it.

use std::sync::Arc;

use actix_web::HttpResponse;

use super::consent::first_generation;
use super::fi_data::{Parcel, seal};
use super::{enter, read};
use crate::crypto::exchange::{ExchangeError, read_nonce, read_public};
use crate::domain::command::{Command, FetchData, RequestData};
use crate::domain::consent::Consent;
use crate::domain::key_exchange::PeerKey;
use crate::domain::participants::{Fiu, Member};
use crate::domain::rejection::Rejection;
use crate::domain::session::Session;
use crate::domain::version::RebitVersion;
use crate::http::call::Call;
use crate::http::pairs::Pairs;
use crate::http::reply::Answer;
use crate::http::seals::signed_consent;
use crate::http::security::{Audience, Caller};
use crate::wire::api_error::ApiError;
use crate::wire::rebit::ResponseContext;
use crate::wire::rebit::fi::{
    FiFetchRequest, FiRequest, FiRequestContent, FiResponse, encode_fetch_response,
    parse_fetch_data,
};
use crate::wire::rebit::key_material::CheckedKeyMaterial;

pub async fn request(call: Call) -> HttpResponse {
    let outcome = ask(&call).await;
    call.reply_rebit(outcome).await
}

async fn ask(call: &Call) -> Result<Answer, ApiError> {
    let (head, asked, caller) = read::<FiRequest>(call, Audience::Fius)?;
    let FiRequestContent {
        range,
        consent_id,
        signature,
        key,
    } = asked;
    let world = &caller.world;
    let unknown = || Rejection::UnknownConsentId(consent_id.to_string());
    let consent = world
        .consent_by_id(consent_id)
        .filter(|consent| !consent.hidden)
        .ok_or_else(unknown)?;
    if !caller.may_see(&consent) {
        return Err(ApiError::NotPermitted(format!(
            "Consent.id {consent_id} is a consent of another FIU"
        )));
    }
    call.is_about(world, &consent)?;
    let artefact = signed_consent(call.shared(), &caller.participants, &consent)
        .await
        .ok_or_else(unknown)?;
    if artefact
        .rsplit_once('.')
        .is_none_or(|(_, seal)| seal != signature)
    {
        let problem =
            "Consent.digitalSignature is not the third part of the artefact's signedConsent";
        return Err(ApiError::InvalidSignature(problem.to_owned()));
    }
    let key = Arc::new(peer_key(&caller, &key)?);
    let request = RequestData {
        handle: consent.handle,
        range,
        key,
        txnid: head.txnid.as_str().into(),
    };
    let receipt = world.submit(Command::RequestData(request))?;
    let answer = FiResponse::new(
        ResponseContext::from_head(&head, receipt.message_time),
        receipt.session(),
    );
    Ok(Answer::json(&answer).holding(receipt.hold))
}

/// The FIU's key, if it is one and has not expired. Expiry is checked like our own messages' times: by the wall's
/// clock, or a frozen world's (DESIGN §4.2).
fn peer_key(caller: &Caller, offered: &CheckedKeyMaterial) -> Result<PeerKey, ApiError> {
    let CheckedKeyMaterial {
        expiry,
        key_value,
        nonce,
    } = offered;
    let now = caller.world.message_time();
    if *expiry <= now {
        return Err(ApiError::InvalidKey(format!(
            "KeyMaterial.DHPublicKey.expiry {expiry} is past; the clock says {now}"
        )));
    }
    let wrong = |error: ExchangeError| ApiError::InvalidKey(format!("KeyMaterial: {error}"));
    let (curve, public) = read_public(key_value).map_err(wrong)?;
    Ok(PeerKey {
        curve,
        public,
        nonce: read_nonce(nonce).map_err(wrong)?,
    })
}

/// `POST /FI/fetch` of 2.x.
pub async fn fetch(call: Call) -> HttpResponse {
    let outcome = match read::<FiFetchRequest>(&call, Audience::Fius) {
        Ok((head, wanted, caller)) => {
            deliver(&call, &caller, wanted, |_, _| {
                (head.ver, head.txnid.clone())
            })
            .await
        }
        Err(problem) => Err(problem),
    };
    call.reply_rebit(outcome).await
}

/// `GET /FI/fetch/{sessionId}?fipId=&linkRefNumber=` of 1.1.x.
pub async fn fetch_by_path(call: Call) -> HttpResponse {
    let outcome = match enter(&call, Audience::Fius)
        .and_then(|caller| Ok((caller, wanted_by_path(&call)?)))
    {
        Ok((caller, wanted)) => {
            let echo = |consent: &Consent, session: &Session| {
                (first_generation(consent), session.txnid.to_string())
            };
            deliver(&call, &caller, wanted, echo).await
        }
        Err(problem) => Err(problem),
    };
    call.reply_rebit(outcome).await
}

fn wanted_by_path(call: &Call) -> Result<FetchData, ApiError> {
    let pairs = Pairs::parse(call.query())?;
    let link_refs = pairs.all("linkRefNumber").map(str::to_owned).collect();
    parse_fetch_data(
        call.segment("session"),
        pairs.first("fipId").map(str::to_owned),
        link_refs,
    )
}

async fn deliver(
    call: &Call,
    caller: &Caller,
    wanted: FetchData,
    echo: impl Fn(&Consent, &Session) -> (RebitVersion, String),
) -> Result<Answer, ApiError> {
    let id = wanted.session;
    let world = &caller.world;
    let consent = world
        .session(id)
        .and_then(|session| world.consent(session.handle));
    let consent = consent.filter(|consent| caller.may_see(consent));
    let consent = consent.ok_or_else(|| Rejection::UnknownSession(id.to_string()))?;
    call.is_about(world, &consent)?;
    let receipt = world.submit(Command::FetchData(wanted.clone()))?;
    let (session, consent) = (receipt.session(), receipt.consent());
    let key = session
        .peer_key
        .as_ref()
        .expect("what has no key is not collected");
    let profile = |fiu: &Fiu| (fiu.plaintext, fiu.fi_schema);
    let (plaintext, schema) = match &caller.owner {
        Some(Member::Fiu(fiu)) => profile(fiu),
        _ => caller
            .participants
            .find_fiu(&consent.fiu)
            .map(|fiu| profile(fiu))
            .unwrap_or_default(),
    };
    let parcel = Parcel {
        seed: world.seed(),
        consent: Arc::clone(consent),
        session: Arc::clone(session),
        key: Arc::clone(key),
        plaintext,
        schema,
        wanted,
        now: receipt.message_time,
    };
    let sealed = tokio::task::spawn_blocking(move || seal(&parcel))
        .await
        .expect("encrypting does not panic");
    let sealed = sealed.map_err(|error| ApiError::InvalidKey(format!("KeyMaterial: {error}")))?;
    let (ver, txnid) = echo(consent, session);
    let echo = ResponseContext {
        ver,
        txnid: &txnid,
        timestamp: receipt.message_time,
    };
    Ok(Answer::json_bytes(encode_fetch_response(echo, &sealed)).holding(receipt.hold))
}
