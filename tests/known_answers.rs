//! Known answers of signatures, end-to-end encryption and web redirection: our own, computed with
//! other implementations, and published ones. The published ones are read from
//! `../shared/rebit/kat`, or below `MOCKAA_SPECS`.

mod skip;

use std::path::PathBuf;

use mockaa::internals::crypto::base64::{decode, encode, url_decode};
use mockaa::internals::crypto::jws::{PayloadEncoding, verify_compact, verify_detached};
use mockaa::internals::crypto::key_exchange::{
    KeyExchangeError, KeyPair, encode_public_key, parse_nonce, parse_public_key,
};
use mockaa::internals::crypto::redirection::{MessageKey, deobfuscate_id, obfuscate_id};
use mockaa::internals::domain::key_exchange::{Curve, PeerKey};
use mockaa::internals::domain::participants::PublicKey;
use serde_json::Value;

use crate::skip::report_skip;

/// Returns our own vectors.
fn own_vectors() -> Value {
    serde_json::from_str(include_str!("fixtures/known-answers.json")).expect("JSON")
}

/// Reads a file of published vectors; returns `None` if it is missing.
fn load_vectors(name: &str) -> Option<Value> {
    let default_path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/rebit");
    let folder =
        std::env::var_os("MOCKAA_SPECS").map_or_else(|| PathBuf::from(default_path), PathBuf::from);
    let Ok(text) = std::fs::read_to_string(folder.join("kat").join(name)) else {
        report_skip(&format!("{name} in ../shared/rebit/kat or MOCKAA_SPECS"));
        return None;
    };
    Some(serde_json::from_str(&text).expect("the vectors are JSON"))
}

fn find_vector<'a>(file: &'a Value, id: &str) -> &'a Value {
    let list = file["vectors"].as_array().expect("a list");
    list.iter()
        .find(|vector| vector["id"] == id)
        .unwrap_or_else(|| panic!("no vector {id}"))
}

fn expect_text<'a>(vector: &'a Value, field: &str) -> &'a str {
    vector[field]
        .as_str()
        .unwrap_or_else(|| panic!("no {field}"))
}

fn decode_hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex"))
        .collect()
}

fn decode_hex_32(text: &str) -> [u8; 32] {
    decode_hex(text).try_into().expect("32 bytes")
}

fn decode_base64_32(text: &str) -> [u8; 32] {
    decode(text).expect("base64").try_into().expect("32 bytes")
}

fn jwk_public_key(jwk: &Value) -> PublicKey {
    let number = |field| url_decode(expect_text(jwk, field)).expect("base64url");
    PublicKey {
        kid: expect_text(jwk, "kid").to_owned(),
        modulus: number("n"),
        exponent: number("e"),
    }
}

fn parse_peer(key_value: &str, nonce: &str) -> PeerKey {
    let (curve, public) = parse_public_key(key_value).expect("a public key");
    PeerKey {
        curve,
        public,
        nonce: parse_nonce(nonce).expect("a nonce"),
        labels: None,
    }
}

/// Returns the key of a base64 point in the form that an FIU sends.
fn write_key_value(point: &str) -> String {
    let point = decode(point).expect("base64");
    encode_public_key(
        Curve::Weierstrass,
        point.strip_prefix(&[4]).expect("an uncompressed point"),
    )
}

#[test]
fn detached_signatures_verify_in_both_forms() {
    let file = own_vectors();
    let of_the_recipe = find_vector(&file, "detached-fiu-1");
    let jws = expect_text(of_the_recipe, "x_jws_signature");
    let body = expect_text(of_the_recipe, "body_utf8").as_bytes();
    let key = jwk_public_key(&of_the_recipe["jwk"]);
    assert_eq!(
        verify_detached(jws, body, &[&key]),
        Ok(PayloadEncoding::Raw)
    );
    let raw = find_vector(&file, "detached-rs256-1");
    let key = jwk_public_key(&raw["jwk"]);
    let verify = |vector: &Value, body: &str| {
        verify_detached(
            expect_text(vector, "x_jws_signature"),
            body.as_bytes(),
            &[&key],
        )
    };
    assert_eq!(
        verify(raw, expect_text(raw, "body_utf8")),
        Ok(PayloadEncoding::Raw)
    );
    assert!(
        verify(
            raw,
            &expect_text(raw, "body_utf8").replace("10:30", "10:31")
        )
        .is_err()
    );
    let encoded = find_vector(&file, "detached-rs256-encoded-input");
    assert_eq!(
        verify(encoded, expect_text(encoded, "body_utf8")),
        Ok(PayloadEncoding::Encoded)
    );
}

#[test]
fn a_detached_signature_with_a_shared_secret_is_never_accepted() {
    let Some(file) = load_vectors("jws-kat.json") else {
        return;
    };
    let hmac = find_vector(&file, "rfc7797-4.2");
    let key = jwk_public_key(&file["rebit_sample_key"]);
    assert!(
        verify_detached(expect_text(hmac, "detached"), b"$.02", &[&key]).is_err(),
        "HS256 is never accepted"
    );
}

#[test]
fn the_specifications_own_signed_consent_opens() {
    let Some(file) = load_vectors("jws-kat.json") else {
        return;
    };
    let sample = find_vector(&file, "rebit-sample-signedConsent");
    let key = jwk_public_key(&file["rebit_sample_key"]);
    let payload = verify_compact(expect_text(sample, "compact"), &key)
        .expect("a signature over the raw payload");
    assert_eq!(payload, expect_text(sample, "payload_utf8").as_bytes());
    assert!(
        verify_compact(
            &expect_text(sample, "compact").replacen(".ew0K", ".ew0L", 1),
            &key
        )
        .is_none()
    );
}

#[test]
fn the_weierstrass_form_agrees_with_the_published_answers() {
    let Some(file) = load_vectors("e2e-kat.json") else {
        return;
    };
    let vector = find_vector(&file, "weierstrass-full-1");
    let pair = |side: &str| {
        let private = decode_base64_32(expect_text(vector, &format!("{side}_private_be_b64")));
        let nonce = decode_base64_32(expect_text(vector, &format!("{side}_nonce_b64")));
        KeyPair::from_private(Curve::Weierstrass, private, nonce).expect("a key pair")
    };
    let (requester, sender) = (pair("requester"), pair("sender"));
    let written = encode_public_key(Curve::Weierstrass, &requester.public);
    assert_eq!(
        written,
        format!(
            "-----BEGIN PUBLIC KEY-----{}-----END PUBLIC KEY-----",
            expect_text(vector, "requester_public_spki_b64")
        )
    );
    let to_requester = parse_peer(
        expect_text(vector, "requester_public_spki_b64"),
        expect_text(vector, "requester_nonce_b64"),
    );
    let plaintext = expect_text(vector, "plaintext_utf8").as_bytes();
    let ciphertext = sender
        .encrypt(&to_requester, plaintext.to_vec())
        .expect("the text encrypts");
    assert_eq!(ciphertext, expect_text(vector, "ciphertext_with_tag_b64"));
    let from_sender = parse_peer(
        &write_key_value(expect_text(vector, "sender_public_point_b64")),
        expect_text(vector, "sender_nonce_b64"),
    );
    assert_eq!(
        requester
            .decrypt(&from_sender, &ciphertext)
            .expect("the text decrypts"),
        plaintext
    );
}

#[test]
fn a_whole_delivery_in_pem_gives_the_computed_ciphertext() {
    let file = own_vectors();
    let vector = find_vector(&file, "weierstrass-full-2");
    let private = decode_hex_32(expect_text(vector, "fip_private_be_hex"));
    let nonce = decode_base64_32(expect_text(vector, "fip_nonce_b64"));
    let fip = KeyPair::from_private(Curve::Weierstrass, private, nonce).expect("a key pair");
    assert_eq!(
        encode_public_key(Curve::Weierstrass, &fip.public),
        expect_text(vector, "fip_public_pem_single_line")
    );
    let fiu = parse_peer(
        expect_text(vector, "fiu_public_pem_single_line"),
        expect_text(vector, "fiu_nonce_b64"),
    );
    let ciphertext = fip
        .encrypt(
            &fiu,
            expect_text(vector, "plaintext_utf8").as_bytes().to_vec(),
        )
        .expect("the text encrypts");
    assert_eq!(ciphertext, expect_text(vector, "encryptedFI_b64"));
}

/// A key pair that the reference implementation printed; its scalar is not clamped.
#[test]
fn a_scalar_of_the_reference_implementation_has_its_point() {
    let Some(file) = load_vectors("e2e-kat.json") else {
        return;
    };
    let vector = find_vector(&file, "weierstrass-ecdh-2");
    let private = decode_hex_32(expect_text(vector, "a_private_be_hex"));
    let pair = KeyPair::from_private(Curve::Weierstrass, private, [0; 32]).expect("a key pair");
    assert_eq!(
        pair.public[..32],
        decode_hex(expect_text(vector, "a_public_x_hex"))
    );
    assert_eq!(
        pair.public[32..],
        decode_hex(expect_text(vector, "a_public_y_hex"))
    );
    assert_eq!(
        encode_public_key(Curve::Weierstrass, &pair.public),
        expect_text(vector, "a_public_pem_single_line")
    );
    // The other side's private key is little-endian. Both must derive the same secret, so that each
    // decrypts what the other encrypts.
    let mut other = decode_hex_32(expect_text(vector, "b_private_le_hex"));
    other.reverse();
    let other = KeyPair::from_private(Curve::Weierstrass, other, [7; 32]).expect("a key pair");
    let peer_of = |pair: &KeyPair| PeerKey {
        curve: pair.curve,
        public: pair.public.clone(),
        nonce: pair.nonce,
        labels: None,
    };
    let ciphertext = other
        .encrypt(&peer_of(&pair), b"statement".to_vec())
        .expect("the text encrypts");
    assert_eq!(
        pair.decrypt(&peer_of(&other), &ciphertext)
            .expect("the text decrypts"),
        b"statement"
    );
}

#[test]
fn x25519_agrees_with_the_published_answers() {
    let Some(file) = load_vectors("e2e-kat.json") else {
        return;
    };
    let (derived, full) = (
        find_vector(&file, "x25519-kdf-1"),
        find_vector(&file, "x25519-full-2"),
    );
    let nonce = decode_base64_32(expect_text(derived, "our_nonce_b64"));
    let ours = KeyPair::from_private(
        Curve::X25519,
        decode_hex_32(expect_text(derived, "private_le_hex")),
        nonce,
    )
    .expect("a key pair");
    let theirs = parse_peer(
        expect_text(full, "peer_public_spki_b64"),
        expect_text(derived, "remote_nonce_b64"),
    );
    assert_eq!(
        theirs.public[..],
        decode_hex(expect_text(derived, "peer_public_u_hex"))
    );
    let plaintext = expect_text(full, "plaintext_utf8").as_bytes();
    let ciphertext = ours
        .encrypt(&theirs, plaintext.to_vec())
        .expect("the text encrypts");
    assert_eq!(ciphertext, expect_text(full, "encryptedFI_b64"));
    assert_eq!(
        ours.decrypt(&theirs, &ciphertext)
            .expect("the text decrypts"),
        plaintext
    );
}

#[test]
fn an_x25519_session_of_another_library_has_the_same_ciphertext() {
    let file = own_vectors();
    let vector = find_vector(&file, "x25519-1");
    let text = |field| expect_text(vector, field);
    let pair = |key, nonce| {
        let (key, nonce) = (decode_hex_32(text(key)), decode_base64_32(text(nonce)));
        KeyPair::from_private(Curve::X25519, key, nonce).expect("a key pair")
    };
    let fiu = pair("fiu_private_hex", "fiu_nonce_b64");
    let fip = pair("fip_private_hex", "fip_nonce_b64");
    let plaintext = text("plaintext_utf8").as_bytes();
    let to_fiu = parse_peer(text("fiu_public_der_b64"), text("fiu_nonce_b64"));
    let ciphertext = fip
        .encrypt(&to_fiu, plaintext.to_vec())
        .expect("the text encrypts");
    assert_eq!(ciphertext, text("encryptedFI_b64"));
    let from_fip = parse_peer(text("fip_public_pem"), text("fip_nonce_b64"));
    let decrypted = fiu.decrypt(&from_fip, &ciphertext);
    assert_eq!(decrypted.expect("the text decrypts"), plaintext);
}

/// The recipe for FIUs has the numbers that are tested here.
#[test]
fn the_recipe_has_the_numbers_of_the_vectors() {
    let page = include_str!("../docs/crypto.md");
    let file = own_vectors();
    for id in ["x25519-1", "weierstrass-full-2", "detached-fiu-1"] {
        let vector = find_vector(&file, id).as_object().expect("a vector");
        let known = |name: &&String| !["id", "mode", "jwk"].contains(&name.as_str());
        for name in vector.keys().filter(known) {
            let value = vector[name].as_str().expect("a text").trim();
            assert!(
                page.contains(value),
                "{id}: {name} is not in docs/crypto.md"
            );
        }
    }
}

#[test]
fn web_redirection_gives_the_computed_texts() {
    let Some(file) = load_vectors("redirection-kat.json") else {
        return;
    };
    let vector = &file["vectors"][0];
    let key = MessageKey::derive(
        expect_text(vector, "passphrase"),
        expect_text(vector, "reqdate"),
    );
    assert_eq!(
        key.encrypt(expect_text(vector, "plaintext")),
        expect_text(vector, "ecreq")
    );
    assert_eq!(
        key.decrypt(expect_text(vector, "ecreq")).as_deref(),
        Some(expect_text(vector, "plaintext"))
    );
    assert_eq!(key.decrypt("AAAA"), None);
    for xor in file["vectors"][1]["xor"].as_array().expect("a list") {
        let obfuscated = obfuscate_id(expect_text(xor, "value"), expect_text(xor, "key"));
        assert_eq!(obfuscated, expect_text(xor, "out"));
        assert_eq!(
            deobfuscate_id(&obfuscated, expect_text(xor, "key")).as_deref(),
            Some(expect_text(xor, "value"))
        );
    }
}

fn fixed_key_pair(curve: Curve, byte: u8) -> KeyPair {
    KeyPair::from_random(curve, [byte; 32], [byte ^ 0xff; 32])
}

/// A written key is read back from every form seen in the field. A text that is not a key is
/// distinguished from a key on another curve.
#[test]
fn keys_are_read_in_every_form() {
    for curve in [Curve::Weierstrass, Curve::X25519] {
        let public = fixed_key_pair(curve, 9).public;
        let pem = encode_public_key(curve, &public);
        let bare: String = pem
            .replace("-----BEGIN PUBLIC KEY-----", "")
            .replace("-----END PUBLIC KEY-----", "");
        let wrapped = pem.replace(
            "-----BEGIN PUBLIC KEY-----",
            "-----BEGIN PUBLIC KEY-----\r\n",
        );
        for text in [pem.clone(), bare, wrapped, pem.replace('\n', "\\n")] {
            assert_eq!(
                parse_public_key(&text),
                Ok((curve, public.clone())),
                "{text}"
            );
        }
    }
    let mut off = fixed_key_pair(Curve::Weierstrass, 9).public;
    off[0] ^= 1;
    assert_eq!(
        parse_public_key(&encode_public_key(Curve::Weierstrass, &off)),
        Err(KeyExchangeError::InvalidPoint)
    );
    let p256 = encode(&[
        0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    ]);
    assert_eq!(
        parse_public_key(&p256),
        Err(KeyExchangeError::UnsupportedCurve)
    );
    assert_eq!(
        parse_public_key("not a key"),
        Err(KeyExchangeError::Encoding)
    );
    assert_eq!(
        parse_nonce("29512b70-ca84-46b5-9471-63765599cf15"),
        Err(KeyExchangeError::Nonce)
    );
    assert_eq!(parse_nonce(&encode(&[1; 16])), Err(KeyExchangeError::Nonce));
}

#[test]
fn what_does_not_fit_does_not_decrypt() {
    let (ours, theirs) = (
        fixed_key_pair(Curve::X25519, 3),
        fixed_key_pair(Curve::X25519, 5),
    );
    let peer_of = |pair: &KeyPair| PeerKey {
        curve: pair.curve,
        public: pair.public.clone(),
        nonce: pair.nonce,
        labels: None,
    };
    let ciphertext = theirs
        .encrypt(&peer_of(&ours), b"x".to_vec())
        .expect("the text encrypts");
    let other_nonce = PeerKey {
        nonce: [1; 32],
        ..peer_of(&theirs)
    };
    assert_eq!(
        ours.decrypt(&other_nonce, &ciphertext),
        Err(KeyExchangeError::DecryptionFailed)
    );
    assert_eq!(
        ours.decrypt(&peer_of(&theirs), "%"),
        Err(KeyExchangeError::Ciphertext)
    );
    let mixed = fixed_key_pair(Curve::Weierstrass, 3);
    assert!(matches!(
        ours.decrypt(&peer_of(&mixed), &ciphertext),
        Err(KeyExchangeError::CurveMismatch(..))
    ));
    assert!(KeyPair::from_private(Curve::Weierstrass, [0xff; 32], [0; 32]).is_err());
}
