//! The development keys that ship with the program, so that no key is made at the start. Reading a
//! private key checks it, which takes half a millisecond: each is read when it is first used, and the
//! public ones have a file of their own.

use serde::Deserialize;

use crate::crypto::keys::SigningKey;
use crate::domain::participants::PublicKey;
use crate::wire::jwk::Jwk;

/// Id of the AA whose key is that of each AA without one.
pub(super) const DEFAULT_AA: &str = "mockaa";

/// The private keys, by the id of their participant.
const PRIVATE_KEYS: [(&str, &str); 15] = [
    (
        DEFAULT_AA,
        include_str!("../../fixtures/keys/mockaa-aa.pem"),
    ),
    (
        "UNACORES-AA-UAT",
        include_str!("../../fixtures/keys/unacores-aa-uat.pem"),
    ),
    (
        "cookiejar-aa@finvu.in",
        include_str!("../../fixtures/keys/cookiejar-aa-finvu-in.pem"),
    ),
    (
        "onemoney-aa",
        include_str!("../../fixtures/keys/onemoney-aa.pem"),
    ),
    ("FIU-1", include_str!("../../fixtures/keys/fiu-1.pem")),
    ("FIU-2", include_str!("../../fixtures/keys/fiu-2.pem")),
    (
        "UNACORES-FIU-UAT",
        include_str!("../../fixtures/keys/unacores-fiu-uat.pem"),
    ),
    ("FIP-1", include_str!("../../fixtures/keys/fip-1.pem")),
    ("FIP-2", include_str!("../../fixtures/keys/fip-2.pem")),
    ("FIP-3", include_str!("../../fixtures/keys/fip-3.pem")),
    ("ACME-FIP", include_str!("../../fixtures/keys/acme-fip.pem")),
    ("FIP-4", include_str!("../../fixtures/keys/fip-4.pem")),
    ("FIP-5", include_str!("../../fixtures/keys/fip-5.pem")),
    ("FIP-6", include_str!("../../fixtures/keys/fip-6.pem")),
    ("FIP-7", include_str!("../../fixtures/keys/fip-7.pem")),
];

/// A key that no participant publishes.
const SPARE_KEY: &str = include_str!("../../fixtures/keys/spare.pem");

/// The public keys of the participants, as a JWK set (RFC 7517).
const PUBLIC_KEYS: &str = include_str!("../../fixtures/keys/public.json");

/// The public keys that ship with the program.
#[derive(Debug, Deserialize)]
pub(super) struct ShippedPublicKeys {
    keys: Vec<Jwk>,
}

impl ShippedPublicKeys {
    pub(super) fn read() -> Self {
        serde_json::from_str(PUBLIC_KEYS).expect("the shipped keys are valid")
    }

    /// Returns the public key of this participant. Ids that differ in case name different participants,
    /// although their key ids are equal.
    pub(super) fn find(&self, id: &str) -> Option<PublicKey> {
        find_private(id)?;
        let kid = shipped_kid(id);
        let jwk = self.keys.iter().find(|jwk| jwk.kid() == kid);
        let jwk = jwk.expect("each private key has a public one");
        Some(PublicKey::try_from(jwk).expect("the shipped keys are valid"))
    }
}

/// Returns the private key that ships for this participant.
pub(crate) fn shipped_key(id: &str) -> Option<SigningKey> {
    let pem = find_private(id)?;
    Some(SigningKey::from_valid_pem(shipped_kid(id), pem))
}

fn find_private(id: &str) -> Option<&'static str> {
    let mut keys = PRIVATE_KEYS.iter();
    keys.find(|(owner, _)| *owner == id).map(|(_, pem)| *pem)
}

/// Returns the key that no participant publishes.
pub(super) fn spare_key() -> SigningKey {
    SigningKey::from_valid_pem("spare".to_owned(), SPARE_KEY)
}

/// Returns the key id of a participant's shipped key.
pub(super) fn shipped_kid(id: &str) -> String {
    format!("{}-dev-1", id.to_lowercase())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{PRIVATE_KEYS, PUBLIC_KEYS, ShippedPublicKeys, shipped_key, spare_key};
    use crate::wire::jwk::Jwk;

    #[test]
    fn the_public_keys_are_those_of_the_private_ones() {
        let key_of = |id| shipped_key(id).expect("it ships").public_key();
        let keys: Vec<_> = PRIVATE_KEYS
            .iter()
            .map(|(id, _)| Jwk::from(&key_of(id)))
            .collect();
        let shipped: Value = serde_json::from_str(PUBLIC_KEYS).expect("it is JSON");
        let keys = json!({ "keys": keys });
        assert_eq!(
            shipped, keys,
            "fixtures/keys/public.json should be {keys:#}"
        );
        assert_eq!(spare_key().public_key().kid, "spare");
        let shipped = ShippedPublicKeys::read();
        assert!(shipped.find("FIU-1").is_some());
        assert_eq!(shipped.find("fiu-1"), None, "another id");
    }
}
