//! JSON Web Signatures in the two forms of the AA ecosystem: `x-jws-signature`, detached over the
//! raw body (RFC 7515 appendix F, RFC 7797), and `signedConsent`, compact (RFC 7515 §3.1); see
//! `docs/sources.md#signatures`. Also the tokens that the sandbox issues, and explanations of
//! signatures that do not verify.

use std::fmt;

use aws_lc_rs::hmac;
use serde_json::Value;
use thiserror::Error;

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
    #[error(
        "the signature does not match the {0} bytes of the body under key {1}; sign the bytes as sent, without reformatting them"
    )]
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

/// Explanation of a detached signature, for a developer whose signature does not verify.
#[derive(Debug)]
pub(crate) struct SignatureExplanation {
    /// Decoded JWS header, as far as it is readable.
    header: String,
    verdict: Result<PayloadEncoding, SignatureError>,
    /// Signing input as text, shortened in the middle.
    signed_bytes: Option<String>,
    /// Keys and variants of the body with which the signature would have verified, and other hints.
    hints: Vec<String>,
}

/// Number of bytes that an explanation shows of each end of the signing input.
const EXCERPT_BYTES: usize = 600;

/// Verifies a detached signature. If that fails, searches for what the sender may have signed
/// instead: another encoding, another formatting of the body, another participant's key. `keys` are
/// all known keys, each with its owner; `caller_keys` are those of the caller.
pub(crate) fn explain_signature(
    signature: &str,
    body: &[u8],
    caller_keys: &[&PublicKey],
    keys: &[(String, &PublicKey)],
) -> SignatureExplanation {
    let verdict = verify_detached(signature, body, caller_keys);
    let mut explanation = SignatureExplanation {
        header: "not readable".to_owned(),
        verdict,
        signed_bytes: None,
        hints: Vec::new(),
    };
    let parts: Vec<_> = signature.split('.').collect();
    let [header_text, middle, signature] = parts[..] else {
        explanation.hints.push(format!(
            "a JWS has three parts, separated by two dots; this has {} part(s)",
            parts.len()
        ));
        return explanation;
    };
    if !middle.is_empty() {
        explanation
            .hints
            .push("the middle part is not empty; remove the payload and keep both dots".to_owned());
    }
    let Some(header) = url_decode(header_text) else {
        return explanation;
    };
    explanation.header = shorten_middle(&header);
    let Ok(fields) = serde_json::from_slice::<Value>(&header) else {
        return explanation;
    };
    let raw = fields["b64"] == Value::Bool(false);
    let input = if raw {
        signing_input(header_text, body)
    } else {
        signing_input(header_text, url_encode(body).as_bytes())
    };
    explanation.signed_bytes = Some(shorten_middle(&input));
    let Some(signature) = url_decode(signature) else {
        return explanation;
    };
    if explanation.verdict.is_ok() {
        return explanation;
    }
    let hash = if fields["alg"] == "RS512" {
        RsaHash::Sha512
    } else {
        RsaHash::Sha256
    };
    // A known `kid` limits the search to that key: each further key costs time, at the request of
    // an unauthenticated caller.
    let matching_keys: Vec<_> = keys
        .iter()
        .filter(|(_, key)| fields["kid"] == *key.kid)
        .collect();
    let candidate_keys: Vec<_> = if matching_keys.is_empty() {
        keys.iter().collect()
    } else {
        matching_keys
    };
    for (variant, bytes) in body_variants(body) {
        let forms = [
            ("raw", signing_input(header_text, &bytes)),
            (
                "base64url-encoded",
                signing_input(header_text, url_encode(&bytes).as_bytes()),
            ),
        ];
        for ((encoding, input), (owner, key)) in forms
            .iter()
            .flat_map(|form| candidate_keys.iter().map(move |key| (form, key)))
        {
            if is_valid_signature(key, hash, input, &signature) {
                explanation.hints.push(format!(
                    "it verifies with key {} of {owner} over {variant}, {encoding}",
                    key.kid
                ));
            }
        }
    }
    if body.len() > VARIANT_BYTES_MAX {
        explanation.hints.push(format!(
            "other layouts of the body are not tried above {VARIANT_BYTES_MAX} bytes"
        ));
    }
    if explanation.hints.is_empty() {
        explanation
            .hints
            .push("no known key verifies it over any common formatting of the body".to_owned());
    }
    explanation
}

/// Largest body that is tried in other layouts, in bytes. The limit keeps the cost of a bad
/// signature near that of a valid one.
const VARIANT_BYTES_MAX: usize = 32 * 1024;

/// Returns the forms that a body may have had when it was signed, each with its description.
fn body_variants(body: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut variants = vec![("the body as it arrived", body.to_vec())];
    if body.len() > VARIANT_BYTES_MAX {
        return variants;
    }
    let mut candidates = vec![
        (
            "the body without white space at its end",
            body.trim_ascii_end().to_vec(),
        ),
        (
            "the body with a line break after it",
            [body, b"\n"].concat(),
        ),
    ];
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        candidates.extend([
            (
                "the body parsed and printed without spaces, keys sorted",
                value.to_string().into_bytes(),
            ),
            (
                "the body parsed and printed without spaces, keys sorted, and a line break",
                format!("{value}\n").into_bytes(),
            ),
            (
                "the body parsed and printed with spaces, keys sorted",
                format!("{value:#}").into_bytes(),
            ),
        ]);
    }
    candidates.push((
        "the body without any white space",
        body.iter()
            .copied()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect(),
    ));
    candidates.push(("no body at all", Vec::new()));
    for (name, bytes) in candidates {
        if variants.iter().all(|(_, existing)| *existing != bytes) {
            variants.push((name, bytes));
        }
    }
    variants
}

fn shorten_middle(bytes: &[u8]) -> String {
    match bytes.len().checked_sub(2 * EXCERPT_BYTES) {
        None | Some(0) => String::from_utf8_lossy(bytes).into_owned(),
        Some(omitted) => {
            let head = String::from_utf8_lossy(&bytes[..EXCERPT_BYTES]);
            let tail = String::from_utf8_lossy(&bytes[EXCERPT_BYTES + omitted..]);
            format!("{head} …{omitted} bytes… {tail}")
        }
    }
}

impl SignatureExplanation {
    pub(crate) fn is_valid(&self) -> bool {
        self.verdict.is_ok()
    }
}

impl fmt::Display for SignatureExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.verdict {
            Ok(PayloadEncoding::Raw) => {
                writeln!(f, "verdict: verifies over the raw body (RFC 7797)")?;
            }
            Ok(PayloadEncoding::Encoded) => {
                writeln!(f, "verdict: verifies over the base64url-encoded body")?;
            }
            Err(error) => writeln!(f, "verdict: {error}")?,
        }
        writeln!(f, "header: {}", self.header)?;
        if let Some(signed_bytes) = &self.signed_bytes {
            writeln!(f, "signed bytes: {signed_bytes}")?;
        }
        self.hints
            .iter()
            .try_for_each(|hint| writeln!(f, "hint: {hint}"))
    }
}

#[cfg(test)]
mod tests {
    use super::{
        PayloadEncoding, SignatureError, explain_signature, sign_detached, verify_detached,
    };
    use crate::crypto::keys::SigningKey;
    use crate::domain::participants::SignatureProfile;

    fn test_key() -> SigningKey {
        SigningKey::from_pem("k1", include_str!("../../fixtures/keys/fiu-1.pem"))
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
    fn an_explanation_finds_what_was_signed_instead() {
        let (key, signed) = (test_key(), br#"{"a":1}"#);
        let public = key.public_key();
        let keys = [("FIU-1".to_owned(), &public)];
        let signature =
            sign_detached(&key, signed, SignatureProfile::Detached).expect("a signature");
        let explanation =
            explain_signature(&signature, b"{\"a\": 1}\n", &[&public], &keys).to_string();
        assert!(
            explanation
                .contains("with key k1 of FIU-1 over the body parsed and printed without spaces"),
            "{explanation}"
        );
        let explanation = explain_signature(&signature, b"{}", &[&public], &keys).to_string();
        assert!(
            explanation.contains("no known key verifies it"),
            "{explanation}"
        );
        assert!(
            explain_signature("a.b", b"{}", &[&public], &keys)
                .to_string()
                .contains("2 part(s)")
        );
        assert!(explain_signature(&signature, signed, &[&public], &keys).is_valid());
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
