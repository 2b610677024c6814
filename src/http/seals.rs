//! Artefacts and their signatures, each made on first need and kept.

use std::sync::{Arc, OnceLock};

use crate::crypto::keys::SigningKey;
use crate::crypto::{base64, jws};
use crate::domain::consent::Consent;
use crate::domain::ids::ConsentId;
use crate::domain::participants::Participants;
use crate::http::Shared;
use crate::wire::artefact::ConsentDetail;

/// The compact JWS of the FIU's artefact (`reference/rebit.md` §4.2).
pub async fn signed_consent(
    shared: &Shared,
    participants: &Participants,
    consent: &Consent,
) -> Option<String> {
    let seal = &consent.grant.as_ref()?.signatures.artefact;
    let payload = ConsentDetail::new(consent, participants.aa_for_consent(consent)).to_bytes();
    Some(sealed(&shared.keys.of(&consent.aa).private, seal, &payload).await)
}

/// The compact JWS of the artefact that a FIP knows by this id.
pub async fn signed_for_fip(
    shared: &Shared,
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
        sealed(
            &shared.keys.of(&consent.aa).private,
            &artefact.signature,
            &payload,
        )
        .await,
    )
}

/// RS256 over the bytes of `ConsentDetail` as the seed documents have it, in Base64 (DESIGN §1); where there is a consent
/// id.
pub async fn signed_detail(
    shared: &Shared,
    consent: &Consent,
    detail: &ConsentDetail<'_>,
) -> Option<String> {
    consent.consent_id()?;
    let seal = &consent.grant.as_ref()?.signatures.detail;
    let signature = kept(&shared.keys.of(&consent.aa).private, seal, || {
        detail.to_bytes()
    })
    .await;
    Some(base64::encode(signature))
}

/// A compact JWS of this input, signed on a blocking thread.
pub async fn signed(key: &Arc<SigningKey>, input: String) -> String {
    let key = Arc::clone(key);
    let made =
        tokio::task::spawn_blocking(move || jws::compact(&input, &key.sign(input.as_bytes())));
    made.await.expect("signing does not panic")
}

/// A compact JWS whose signature is made once.
async fn sealed(key: &Arc<SigningKey>, seal: &OnceLock<Box<[u8]>>, payload: &[u8]) -> String {
    let input = jws::compact_input(key.kid(), payload);
    let signature = kept(key, seal, || input.clone().into_bytes()).await;
    jws::compact(&input, signature)
}

/// A signature that is made once, on a blocking thread; `message` is what it signs.
async fn kept<'a>(
    key: &Arc<SigningKey>,
    seal: &'a OnceLock<Box<[u8]>>,
    message: impl FnOnce() -> Vec<u8>,
) -> &'a [u8] {
    if let Some(signature) = seal.get() {
        return signature;
    }
    let (key, message) = (Arc::clone(key), message());
    let made = tokio::task::spawn_blocking(move || key.sign(&message))
        .await
        .expect("signing does not panic");
    seal.get_or_init(|| made.into())
}
