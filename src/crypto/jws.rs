//! JSON Web Signatures in the two forms of the AA ecosystem: `x-jws-signature`, detached over the raw body
//! (RFC 7515 appendix F, RFC 7797; `reference/rebit.md` §4.1), and `signedConsent`, compact (§4.2).

use serde_json::Value;
use thiserror::Error;

use crate::crypto::base64::{url_decode, url_encode};
use crate::crypto::keys::{RsaHash, SigningKey, verifies};
use crate::domain::participants::PublicKey;

/// Signs the body as it goes over the wire: `header..signature`, with `b64:false` and `crit`.
pub fn sign_detached(key: &SigningKey, body: &[u8]) -> String {
    let header =
        url_encode(format!(r#"{{"alg":"RS256","kid":"{}","b64":false,"crit":["b64"]}}"#, key.kid()).as_bytes());
    let signature = key.sign(&signing_input(&header, body));
    format!("{header}..{}", url_encode(&signature))
}

/// The bytes that a compact JWS of the payload signs.
pub fn compact_input(kid: &str, payload: &[u8]) -> String {
    format!("{}.{}", compact_header(kid), url_encode(payload))
}

/// A compact JWS from its input and signature.
pub fn compact(input: &str, signature: &[u8]) -> String {
    format!("{input}.{}", url_encode(signature))
}

fn compact_header(kid: &str) -> String {
    url_encode(format!(r#"{{"alg":"RS256","kid":"{kid}"}}"#).as_bytes())
}

fn signing_input(header: &str, payload: &[u8]) -> Vec<u8> {
    [header.as_bytes(), b".", payload].concat()
}

/// How a detached signature was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Over the raw body, as RFC 7797 and ReBIT have it.
    Raw,
    /// Over base64url of the body, its middle part removed afterwards.
    Encoded,
}

/// What is wrong with a detached signature.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Flaw {
    #[error("x-jws-signature is not of the form header..signature in base64url without padding")]
    Malformed,
    #[error("the JWS header is not a JSON object")]
    BadHeader,
    #[error("alg {0} is not accepted; sign with RS256")]
    Algorithm(String),
    #[error("kid {0} names no key that is registered for the caller")]
    UnknownKey(String),
    #[error(
        "the signature does not match the {0} bytes of the body under key {1}; sign the bytes as sent, before any re-formatting"
    )]
    Mismatch(usize, String),
}

/// Checks a detached signature over the bytes that arrived, with one of the given keys. The field's variations are
/// accepted: `crit` may be missing, so may `kid` where there is one key, and the payload may have been encoded.
///
/// # Errors
/// The [`Flaw`].
pub fn verify_detached(signature: &str, body: &[u8], keys: &[&PublicKey]) -> Result<Form, Flaw> {
    let (header_text, signature) = signature.split_once("..").ok_or(Flaw::Malformed)?;
    let header = url_decode(header_text).ok_or(Flaw::Malformed)?;
    let signature = url_decode(signature).ok_or(Flaw::Malformed)?;
    let header: Value = serde_json::from_slice(&header).map_err(|_| Flaw::BadHeader)?;
    let hash = match header["alg"].as_str() {
        Some("RS256") => RsaHash::Sha256,
        Some("RS512") => RsaHash::Sha512,
        other => return Err(Flaw::Algorithm(other.unwrap_or("(none)").to_owned())),
    };
    let key = match header["kid"].as_str() {
        Some(kid) => keys.iter().find(|key| key.kid == kid).ok_or_else(|| Flaw::UnknownKey(kid.to_owned()))?,
        None if keys.len() == 1 => &keys[0],
        None => return Err(Flaw::UnknownKey("(none)".to_owned())),
    };
    let raw = || signing_input(header_text, body);
    let encoded = || signing_input(header_text, url_encode(body).as_bytes());
    if header["b64"] == Value::Bool(false) {
        if verifies(key, hash, &raw(), &signature) {
            return Ok(Form::Raw);
        }
    } else if verifies(key, hash, &encoded(), &signature) {
        return Ok(Form::Encoded);
    }
    Err(Flaw::Mismatch(body.len(), key.kid.clone()))
}

#[cfg(test)]
mod tests {
    use super::{Flaw, Form, sign_detached, verify_detached};
    use crate::crypto::keys::SigningKey;

    fn key() -> SigningKey {
        SigningKey::from_pem("k1", include_str!("../../fixtures/keys/fiu-1.pem")).expect("the fixture is a key")
    }

    #[test]
    fn a_signature_verifies_over_the_same_bytes_only() {
        let (key, body) = (key(), br#"{"a":1}"#);
        let public = key.public();
        let signature = sign_detached(&key, body);
        assert_eq!(verify_detached(&signature, body, &[&public]), Ok(Form::Raw));
        let flaw = verify_detached(&signature, br#"{"a": 1}"#, &[&public]).unwrap_err();
        assert_eq!(flaw, Flaw::Mismatch(8, "k1".to_owned()));
    }

    #[test]
    fn an_encoded_payload_and_a_missing_kid_are_accepted() {
        let (key, body) = (key(), b"{}");
        let header = super::url_encode(br#"{"alg":"RS256"}"#);
        let input = format!("{header}.{}", super::url_encode(body));
        let signature = format!("{header}..{}", super::url_encode(&key.sign(input.as_bytes())));
        assert_eq!(verify_detached(&signature, body, &[&key.public()]), Ok(Form::Encoded));
    }

    #[test]
    fn weak_or_strange_headers_are_refused() {
        let public = key().public();
        let header = |json: &str| format!("{}..AAAA", super::url_encode(json.as_bytes()));
        let verify = |signature: &str| verify_detached(signature, b"{}", &[&public]).unwrap_err();
        assert_eq!(verify(&header(r#"{"alg":"none"}"#)), Flaw::Algorithm("none".to_owned()));
        assert_eq!(verify(&header(r#"{"alg":"HS256"}"#)), Flaw::Algorithm("HS256".to_owned()));
        assert_eq!(verify(&header(r#"{"alg":"RS256","kid":"zz"}"#)), Flaw::UnknownKey("zz".to_owned()));
        assert_eq!(verify(&header("[]x")), Flaw::BadHeader);
        assert_eq!(verify("abc"), Flaw::Malformed);
    }
}
