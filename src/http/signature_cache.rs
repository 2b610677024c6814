//! Artefacts and their signatures, each made on first need and kept.

use std::sync::{Arc, OnceLock};

use crate::crypto::keys::SigningKey;
use crate::crypto::{base64, jws};
use crate::domain::consent::Consent;
use crate::domain::ids::ConsentId;
use crate::domain::participants::Participants;
use crate::http::AppState;
use crate::wire::artefact::ConsentDetail;

/// The compact JWS of the FIU's artefact (`reference/rebit.md` §4.2).
pub async fn sign_consent(
    app_state: &AppState,
    participants: &Participants,
    consent: &Consent,
) -> Option<String> {
    let cache = &consent.grant.as_ref()?.signatures.artefact;
    let payload = ConsentDetail::new(consent, participants.aa_for_consent(consent)).to_bytes();
    Some(
        sign_compact_cached(
            &app_state.keys.key_for_aa(&consent.aa).private,
            cache,
            &payload,
        )
        .await,
    )
}

/// The compact JWS of the artefact that a FIP knows by this id.
pub async fn sign_consent_for_fip(
    app_state: &AppState,
    participants: &Participants,
    consent: &Consent,
    id: ConsentId,
) -> Option<String> {
    let mut artefacts = consent.grant.as_ref()?.fips.iter();
    let artefact = artefacts.find(|artefact| artefact.consent_id == id)?;
    let payload =
        ConsentDetail::for_fip(consent, participants.aa_for_consent(consent), &artefact.fip)
            .to_bytes();
    Some(
        sign_compact_cached(
            &app_state.keys.key_for_aa(&consent.aa).private,
            &artefact.signature,
            &payload,
        )
        .await,
    )
}

/// RS256 over the bytes of `ConsentDetail` as the seed documents have it, in Base64 (DESIGN §1); where there is a consent
/// id.
pub async fn sign_detail(
    app_state: &AppState,
    consent: &Consent,
    detail: &ConsentDetail<'_>,
) -> Option<String> {
    consent.consent_id()?;
    let cache = &consent.grant.as_ref()?.signatures.detail;
    let signature = sign_cached(
        &app_state.keys.key_for_aa(&consent.aa).private,
        cache,
        || detail.to_bytes(),
    )
    .await;
    Some(base64::encode(signature))
}

/// A compact JWS of this input, signed on a blocking thread.
pub async fn sign_compact(key: &Arc<SigningKey>, input: String) -> String {
    let key = Arc::clone(key);
    let task = tokio::task::spawn_blocking(move || {
        jws::encode_compact(&input, &key.sign(input.as_bytes()))
    });
    task.await.expect("signing does not panic")
}

/// A compact JWS whose signature is made once.
async fn sign_compact_cached(
    key: &Arc<SigningKey>,
    cache: &OnceLock<Box<[u8]>>,
    payload: &[u8],
) -> String {
    let input = jws::compact_signing_input(key.kid(), payload);
    let signature = sign_cached(key, cache, || input.clone().into_bytes()).await;
    jws::encode_compact(&input, signature)
}

/// A signature that is made once, on a blocking thread; `message` is what it signs.
async fn sign_cached<'a>(
    key: &Arc<SigningKey>,
    cache: &'a OnceLock<Box<[u8]>>,
    message: impl FnOnce() -> Vec<u8>,
) -> &'a [u8] {
    if let Some(signature) = cache.get() {
        return signature;
    }
    let (key, message) = (Arc::clone(key), message());
    let signature = tokio::task::spawn_blocking(move || key.sign(&message))
        .await
        .expect("signing does not panic");
    cache.get_or_init(|| signature.into())
}
