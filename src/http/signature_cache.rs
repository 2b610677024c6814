//! Signatures of consent artefacts. Each is made when it is first needed, on a blocking thread, and
//! cached in the consent.

use std::sync::{Arc, OnceLock};

use crate::crypto::keys::SigningKey;
use crate::crypto::{base64, jws};
use crate::domain::consent::Consent;
use crate::domain::ids::ConsentId;
use crate::domain::participants::Participants;
use crate::http::AppState;
use crate::wire::artefact::ConsentDetail;

/// Returns the FIU's artefact as a compact JWS (`signedConsent`; `docs/sources.md#signatures`);
/// `None` before approval.
pub(crate) async fn sign_consent(
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

/// Returns the artefact that a FIP has under this id, as a compact JWS; `None` if there is none.
pub(crate) async fn sign_consent_for_fip(
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

/// Returns the signature of the seed API: RS256 over the bytes of `ConsentDetail`, in Base64
/// (`docs/architecture.md#apis`); `None` while there is no consent id.
pub(crate) async fn sign_detail(
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

/// Signs on a blocking thread and returns the compact JWS of this signing input.
pub(crate) async fn sign_compact(key: &Arc<SigningKey>, input: String) -> String {
    let key = Arc::clone(key);
    let task = tokio::task::spawn_blocking(move || {
        jws::encode_compact(&input, &key.sign(input.as_bytes()))
    });
    task.await.expect("signing does not panic")
}

/// Returns a compact JWS whose signature is cached.
async fn sign_compact_cached(
    key: &Arc<SigningKey>,
    cache: &OnceLock<Box<[u8]>>,
    payload: &[u8],
) -> String {
    let input = jws::compact_signing_input(key.kid(), payload);
    let signature = sign_cached(key, cache, || input.clone().into_bytes()).await;
    jws::encode_compact(&input, signature)
}

/// Returns the cached signature, or signs `message` on a blocking thread and caches the result.
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
