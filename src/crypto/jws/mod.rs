//! JSON Web Signatures in the two forms of the AA ecosystem: `x-jws-signature`, detached over the
//! raw body (RFC 7515 appendix F, RFC 7797), and `signedConsent`, compact (RFC 7515 §3.1); see
//! `docs/sources.md#signatures`. Also the tokens that the sandbox issues, and explanations of
//! signatures that do not verify.

mod candidates;
mod explanation;
mod lenient;
mod recovery;
mod signed_content;

use aws_lc_rs::hmac;
use serde_json::Value;
use thiserror::Error;

pub(crate) use crate::crypto::jws::explanation::{
    SearchEffort, SignatureQuestion, explain_signature,
};
pub(crate) use crate::crypto::jws::signed_content::{RequestTarget, SignedContent};

use crate::crypto::base64::{url_decode, url_encode};
use crate::crypto::keys::{RsaHash, SigningKey, is_valid_signature};
use crate::domain::participants::{PublicKey, SignatureProfile};

/// Signs the bytes of a body and returns `header..signature`; `None` if the profile is off.
pub fn sign_detached(key: &SigningKey, body: &[u8], profile: SignatureProfile) -> Option<String> {
    sign_detached_with(
        key,
        body,
        profile,
        JwsHeader {
            alg: "RS256",
            kid: key.kid(),
            crit: true,
        },
    )
}

/// Header of a JWS. Injected faults give it values that do not match the signature.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JwsHeader<'a> {
    /// `RS256` gives a correct signature, `HS256` an HMAC whose secret is the public key's PEM, and
    /// `none` an empty signature.
    pub alg: &'a str,
    pub kid: &'a str,
    /// `true` to list `b64` in `crit`, which RFC 7797 requires.
    pub crit: bool,
}

/// Signs like [`sign_detached`], with the given header.
pub(crate) fn sign_detached_with(
    key: &SigningKey,
    body: &[u8],
    profile: SignatureProfile,
    jws_header: JwsHeader<'_>,
) -> Option<String> {
    let JwsHeader { alg, kid, crit } = jws_header;
    let (header, input) = match profile {
        SignatureProfile::Detached => {
            let crit = if crit { r#","crit":["b64"]"# } else { "" };
            let header = url_encode(
                format!(r#"{{"alg":"{alg}","kid":"{kid}","b64":false{crit}}}"#).as_bytes(),
            );
            let input = signing_input(&header, body);
            (header, input)
        }
        SignatureProfile::Encoded => {
            let header = url_encode(format!(r#"{{"alg":"{alg}","kid":"{kid}"}}"#).as_bytes());
            let input = signing_input(&header, url_encode(body).as_bytes());
            (header, input)
        }
        SignatureProfile::Off => return None,
    };
    let signature = match alg {
        "none" => Vec::new(),
        "HS256" => {
            let secret = hmac::Key::new(hmac::HMAC_SHA256, key.public_pem().as_bytes());
            hmac::sign(&secret, &input).as_ref().to_vec()
        }
        _ => key.sign(&input),
    };
    Some(format!("{header}..{}", url_encode(&signature)))
}

/// Returns the payload of a compact JWS if its signature verifies with the key. Two signing inputs
/// are accepted: the encoded payload and, as in the specification's sample of `signedConsent`, the
/// raw payload (`docs/sources.md#signatures`).
pub fn verify_compact(token: &str, key: &PublicKey) -> Option<Vec<u8>> {
    let (input, signature) = token.rsplit_once('.')?;
    let (header, payload) = input.split_once('.')?;
    let signature = url_decode(signature)?;
    let payload = url_decode(payload)?;
    let fields: Value = serde_json::from_slice(&url_decode(header)?).ok()?;
    let is_valid = fields["alg"] == "RS256"
        && (is_valid_signature(key, RsaHash::Sha256, input.as_bytes(), &signature)
            || (fields["b64"] == Value::Bool(false)
                && is_valid_signature(
                    key,
                    RsaHash::Sha256,
                    &signing_input(header, &payload),
                    &signature,
                )));
    is_valid.then_some(payload)
}

/// Returns the signing input of a compact JWS with this payload.
pub(crate) fn compact_signing_input(kid: &str, payload: &[u8]) -> String {
    format!("{}.{}", compact_header(kid), url_encode(payload))
}

/// Returns the compact JWS of a signing input and its signature.
pub(crate) fn encode_compact(input: &str, signature: &[u8]) -> String {
    format!("{input}.{}", url_encode(signature))
}

/// Returns the signing input of a JSON Web Token with RS256: a compact JWS with `typ` JWT.
pub(crate) fn jwt_signing_input(kid: &str, payload: &[u8]) -> String {
    let header = url_encode(format!(r#"{{"alg":"RS256","typ":"JWT","kid":"{kid}"}}"#).as_bytes());
    format!("{header}.{}", url_encode(payload))
}

/// Returns a JSON Web Token with HS256. Creating and verifying it both need the secret.
pub(crate) fn encode_hs256(secret: &[u8], kid: &str, payload: &[u8]) -> String {
    let header = url_encode(format!(r#"{{"alg":"HS256","typ":"JWT","kid":"{kid}"}}"#).as_bytes());
    let input = format!("{header}.{}", url_encode(payload));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
    encode_compact(&input, tag.as_ref())
}

/// Returns the payload of a token that was signed with this secret; `None` for any other token.
pub(crate) fn verify_hs256(secret: &[u8], token: &str) -> Option<Vec<u8>> {
    let (input, tag) = token.rsplit_once('.')?;
    let (header, payload) = input.split_once('.')?;
    let fields: Value = serde_json::from_slice(&url_decode(header)?).ok()?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    hmac::verify(&key, input.as_bytes(), &url_decode(tag)?)
        .ok()
        .filter(|()| fields["alg"] == "HS256")?;
    url_decode(payload)
}

fn compact_header(kid: &str) -> String {
    url_encode(format!(r#"{{"alg":"RS256","kid":"{kid}"}}"#).as_bytes())
}

fn signing_input(header: &str, payload: &[u8]) -> Vec<u8> {
    [header.as_bytes(), b".", payload].concat()
}

/// Form of the payload that a detached signature covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadEncoding {
    /// Raw body, as RFC 7797 and ReBIT specify.
    Raw,
    /// Base64url of the body, which is then removed from the JWS (RFC 7515 appendix F).
    Encoded,
}

/// Error in a detached signature.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SignatureError {
    #[error("x-jws-signature is not of the form header..signature in base64url without padding")]
    Malformed,
    #[error("the JWS header is not a JSON object")]
    BadHeader,
    #[error("alg {0} is not accepted; sign with RS256")]
    UnsupportedAlgorithm(String),
    #[error("crit names {0}, which is not understood; it may name b64 only (RFC 7515 §4.1.11)")]
    UnsupportedCritical(String),
    #[error("no key with kid {0} is registered for the caller")]
    UnknownKey(String),
    #[error("the signature does not match these {0} bytes under key {1}")]
    Invalid(usize, String),
}

/// Verifies a detached signature over the bytes that arrived, with one of the given keys. Common
/// variations are accepted: `crit` may be missing, `kid` may be missing if there is only one key,
/// and the payload may be encoded.
///
/// # Errors
/// [`SignatureError`] when the header is not acceptable or the signature does not verify.
pub fn verify_detached(
    signature: &str,
    body: &[u8],
    keys: &[&PublicKey],
) -> Result<PayloadEncoding, SignatureError> {
    let (header_text, signature) = signature
        .split_once("..")
        .ok_or(SignatureError::Malformed)?;
    let header = url_decode(header_text).ok_or(SignatureError::Malformed)?;
    let signature = url_decode(signature).ok_or(SignatureError::Malformed)?;
    let header: Value = serde_json::from_slice(&header).map_err(|_| SignatureError::BadHeader)?;
    let hash = match header["alg"].as_str() {
        Some("RS256") => RsaHash::Sha256,
        Some("RS512") => RsaHash::Sha512,
        other => {
            return Err(SignatureError::UnsupportedAlgorithm(
                other.unwrap_or("(none)").to_owned(),
            ));
        }
    };
    let critical = header["crit"].as_array().into_iter().flatten();
    if let Some(unknown) = critical.into_iter().find(|name| **name != "b64") {
        return Err(SignatureError::UnsupportedCritical(unknown.to_string()));
    }
    let key = match header["kid"].as_str() {
        Some(kid) => keys
            .iter()
            .find(|key| key.kid == kid)
            .ok_or_else(|| SignatureError::UnknownKey(kid.to_owned()))?,
        None if keys.len() == 1 => &keys[0],
        None => return Err(SignatureError::UnknownKey("(none)".to_owned())),
    };
    let (encoding, input) = if header["b64"] == Value::Bool(false) {
        (PayloadEncoding::Raw, signing_input(header_text, body))
    } else {
        let encoded = url_encode(body);
        let input = signing_input(header_text, encoded.as_bytes());
        (PayloadEncoding::Encoded, input)
    };
    if is_valid_signature(key, hash, &input, &signature) {
        Ok(encoding)
    } else {
        Err(SignatureError::Invalid(body.len(), key.kid.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::{PayloadEncoding, SignatureError, sign_detached, verify_detached};
    use crate::crypto::keys::SigningKey;
    use crate::domain::participants::SignatureProfile;

    fn test_key() -> SigningKey {
        SigningKey::from_pem("k1", include_str!("../../../fixtures/keys/fiu-1.pem"))
            .expect("the fixture is a key")
    }

    #[test]
    fn a_signature_verifies_over_the_same_bytes_only() {
        let (key, body) = (test_key(), br#"{"a":1}"#);
        let public = key.public_key();
        let signature = sign_detached(&key, body, SignatureProfile::Detached).expect("a signature");
        assert_eq!(
            verify_detached(&signature, body, &[&public]),
            Ok(PayloadEncoding::Raw)
        );
        let error = verify_detached(&signature, br#"{"a": 1}"#, &[&public]).unwrap_err();
        assert_eq!(error, SignatureError::Invalid(8, "k1".to_owned()));
    }

    #[test]
    fn an_encoded_payload_and_a_missing_kid_are_accepted() {
        let (key, body) = (test_key(), b"{}");
        let header = super::url_encode(br#"{"alg":"RS256"}"#);
        let input = format!("{header}.{}", super::url_encode(body));
        let signature = format!(
            "{header}..{}",
            super::url_encode(&key.sign(input.as_bytes()))
        );
        assert_eq!(
            verify_detached(&signature, body, &[&key.public_key()]),
            Ok(PayloadEncoding::Encoded)
        );
    }

    #[test]
    fn weak_or_strange_headers_are_rejected() {
        let public = test_key().public_key();
        let header = |json: &str| format!("{}..AAAA", super::url_encode(json.as_bytes()));
        let verify = |signature: &str| verify_detached(signature, b"{}", &[&public]).unwrap_err();
        assert_eq!(
            verify(&header(r#"{"alg":"none"}"#)),
            SignatureError::UnsupportedAlgorithm("none".to_owned())
        );
        assert_eq!(
            verify(&header(r#"{"alg":"HS256"}"#)),
            SignatureError::UnsupportedAlgorithm("HS256".to_owned())
        );
        assert_eq!(
            verify(&header(r#"{"alg":"RS256","kid":"zz"}"#)),
            SignatureError::UnknownKey("zz".to_owned())
        );
        let critical = r#"{"alg":"RS256","b64":false,"crit":["b64","exp"]}"#;
        assert_eq!(
            verify(&header(critical)),
            SignatureError::UnsupportedCritical("\"exp\"".to_owned())
        );
        assert_eq!(verify(&header("[]x")), SignatureError::BadHeader);
        assert_eq!(verify("abc"), SignatureError::Malformed);
    }
}
