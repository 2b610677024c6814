//! The encryption compared with other implementations: X25519 and the Montgomery ladder of the
//! dalek crates, HKDF and AES-256-GCM of RustCrypto. Each side decrypts what the other encrypts,
//! for any keys, nonces and texts.

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use curve25519_dalek::MontgomeryPoint;
use hkdf::Hkdf;
use mockaa::internals::crypto::base64::{decode, encode};
use mockaa::internals::crypto::key_exchange::KeyPair;
use mockaa::internals::domain::key_exchange::{Curve, PeerKey};
use proptest::prelude::*;
use rsa::BigUint;
use rsa::sha2::Sha256;

/// Returns p = 2^255 − 19.
fn field_prime() -> BigUint {
    (BigUint::from(1u8) << 255) - BigUint::from(19u8)
}

/// Returns A/3 with A = 486662: x of the Weierstrass form is u + A/3
/// (`docs/sources.md#encryption`).
fn weierstrass_delta() -> BigUint {
    let third = BigUint::from(3u8).modpow(&(field_prime() - BigUint::from(2u8)), &field_prime());
    BigUint::from(486_662u32) * third % field_prime()
}

fn to_bytes32(number: &BigUint) -> [u8; 32] {
    let bytes = number.to_bytes_be();
    let mut padded = [0; 32];
    padded[32 - bytes.len()..].copy_from_slice(&bytes);
    padded
}

/// Computes the shared secret in the Weierstrass form, by the ladder over u.
fn weierstrass_shared_secret(private_be: &[u8; 32], x: &[u8]) -> [u8; 32] {
    let u = (BigUint::from_bytes_be(x) + field_prime() - weierstrass_delta()) % field_prime();
    let mut u = to_bytes32(&u);
    u.reverse();
    let bits = (0..256).map(|bit| private_be[bit / 8] >> (7 - bit % 8) & 1 == 1);
    let mut shared = MontgomeryPoint(u).mul_bits_be(bits).0;
    shared.reverse();
    to_bytes32(&((BigUint::from_bytes_be(&shared) + weierstrass_delta()) % field_prime()))
}

/// Derives cipher and IV from two nonces and a shared secret.
fn derive_cipher(shared: &[u8; 32], ours: &[u8; 32], theirs: &[u8; 32]) -> (Aes256Gcm, [u8; 12]) {
    let mixed: Vec<u8> = ours
        .iter()
        .zip(theirs)
        .map(|(one, other)| one ^ other)
        .collect();
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(Some(&mixed[..20]), shared)
        .expand(&[], &mut key)
        .expect("32 bytes can be derived");
    (
        Aes256Gcm::new_from_slice(&key).expect("32 bytes"),
        mixed[20..].try_into().expect("12 bytes"),
    )
}

fn peer_of(pair: &KeyPair) -> PeerKey {
    PeerKey {
        curve: pair.curve,
        public: pair.public.clone(),
        nonce: pair.nonce,
        labels: None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_implementation_decrypts_what_the_other_encrypts(
        ours: [u8; 32], theirs: [u8; 32], our_nonce: [u8; 32], their_nonce: [u8; 32], weierstrass: bool,
        text in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let curve = if weierstrass { Curve::Weierstrass } else { Curve::X25519 };
        let our_pair = KeyPair::from_random(curve, ours, our_nonce);
        let their_pair = KeyPair::from_random(curve, theirs, their_nonce);
        let shared = match curve {
            Curve::Weierstrass => weierstrass_shared_secret(their_pair.private(), &our_pair.public[..32]),
            Curve::X25519 => x25519_dalek::x25519(*their_pair.private(), our_pair.public[..].try_into().expect("32 bytes")),
        };
        let (cipher, iv) = derive_cipher(&shared, &their_nonce, &our_nonce);
        let ciphertext = cipher.encrypt(&Nonce::from(iv), &text[..]).expect("the text encrypts");
        prop_assert_eq!(our_pair.decrypt(&peer_of(&their_pair), &encode(&ciphertext)), Ok(text.clone()));
        let encoded = our_pair.encrypt(&peer_of(&their_pair), text.clone()).expect("the text encrypts");
        let ciphertext = decode(&encoded).expect("base64");
        prop_assert_eq!(cipher.decrypt(&Nonce::from(iv), &ciphertext[..]).expect("the text decrypts"), text);
        if curve == Curve::X25519 {
            let public = x25519_dalek::x25519(*our_pair.private(), x25519_dalek::X25519_BASEPOINT_BYTES);
            prop_assert_eq!(&our_pair.public[..], &public[..]);
        }
    }
}
