//! JSON Web Signatures in the two forms of the AA ecosystem: `x-jws-signature`, detached over the raw body
//! (RFC 7515 appendix F, RFC 7797; `reference/rebit.md` §4.1), and `signedConsent`, compact (§4.2).

use std::fmt;

use aws_lc_rs::hmac;
use serde_json::Value;
use thiserror::Error;

use crate::crypto::base64::{url_decode, url_encode};
use crate::crypto::keys::{RsaHash, SigningKey, verifies};
use crate::domain::participants::{PublicKey, SignatureProfile};

/// Signs the body as it goes over the wire: `header..signature`; `None` where the profile wants no signature.
pub fn sign_detached(key: &SigningKey, body: &[u8], profile: SignatureProfile) -> Option<String> {
    sign_in_guise(
        key,
        body,
        profile,
        Guise {
            alg: "RS256",
            kid: key.kid(),
            crit: true,
        },
    )
}

/// What the header of a signature says, whether it is so or not.
#[derive(Clone, Copy, Debug)]
pub struct Guise<'a> {
    /// `RS256` is signed as it should be; `HS256` with an HMAC whose secret is the public key's PEM; `none` not at all.
    pub alg: &'a str,
    pub kid: &'a str,
    /// Whether `crit` names `b64`, as RFC 7797 asks.
    pub crit: bool,
}

/// [`sign_detached`] under a header of one's choice.
pub fn sign_in_guise(
    key: &SigningKey,
    body: &[u8],
    profile: SignatureProfile,
    guise: Guise<'_>,
) -> Option<String> {
    let Guise { alg, kid, crit } = guise;
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

/// The payload of a compact JWS whose signature is one of the key's. Both signing inputs are accepted, over the payload
/// encoded and, as the specification's own sample of `signedConsent` has it, over the raw payload
/// (`reference/rebit.md` §4.2).
pub fn open_compact(token: &str, key: &PublicKey) -> Option<Vec<u8>> {
    let (input, signature) = token.rsplit_once('.')?;
    let (header, payload) = input.split_once('.')?;
    let signature = url_decode(signature)?;
    let payload = url_decode(payload)?;
    let fields: Value = serde_json::from_slice(&url_decode(header)?).ok()?;
    let genuine = fields["alg"] == "RS256"
        && (verifies(key, RsaHash::Sha256, input.as_bytes(), &signature)
            || (fields["b64"] == Value::Bool(false)
                && verifies(
                    key,
                    RsaHash::Sha256,
                    &signing_input(header, &payload),
                    &signature,
                )));
    genuine.then_some(payload)
}

/// The bytes that a compact JWS of the payload signs.
pub fn compact_input(kid: &str, payload: &[u8]) -> String {
    format!("{}.{}", compact_header(kid), url_encode(payload))
}

/// A compact JWS from its input and signature.
pub fn compact(input: &str, signature: &[u8]) -> String {
    format!("{input}.{}", url_encode(signature))
}

/// The bytes that a JSON Web Token signed with RS256 signs; it is a compact JWS whose header says so.
pub fn token_input(kid: &str, payload: &[u8]) -> String {
    let header = url_encode(format!(r#"{{"alg":"RS256","typ":"JWT","kid":"{kid}"}}"#).as_bytes());
    format!("{header}.{}", url_encode(payload))
}

/// A JSON Web Token sealed with HS256, which only who has the secret can make and open.
pub fn seal_token(secret: &[u8], kid: &str, payload: &[u8]) -> String {
    let header = url_encode(format!(r#"{{"alg":"HS256","typ":"JWT","kid":"{kid}"}}"#).as_bytes());
    let input = format!("{header}.{}", url_encode(payload));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
    compact(&input, tag.as_ref())
}

/// The payload of a token that was sealed with this secret.
pub fn open_token(secret: &[u8], token: &str) -> Option<Vec<u8>> {
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
    #[error("crit names {0}, which is not understood; it may name b64 only (RFC 7515 §4.1.11)")]
    Critical(String),
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
    let critical = header["crit"].as_array().into_iter().flatten();
    if let Some(unknown) = critical.into_iter().find(|name| **name != "b64") {
        return Err(Flaw::Critical(unknown.to_string()));
    }
    let key = match header["kid"].as_str() {
        Some(kid) => keys
            .iter()
            .find(|key| key.kid == kid)
            .ok_or_else(|| Flaw::UnknownKey(kid.to_owned()))?,
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

/// What became of a detached signature, told to a person who wonders why it does not verify.
#[derive(Debug)]
pub struct Explanation {
    /// The decoded JWS header, as far as it can be read.
    header: String,
    verdict: Result<Form, Flaw>,
    /// The bytes that a signature is checked over, as text; shortened in the middle.
    signed: Option<String>,
    /// What else would have verified.
    hints: Vec<String>,
}

/// How much of the signed bytes an explanation shows at either end.
const SHOWN_BYTES: usize = 600;

/// Checks a detached signature, and where it fails looks for what the sender may have signed instead: another form,
/// another spelling of the body, another participant's key. `keys` are all that are known, each with its owner;
/// `own` are those of the caller.
pub fn explain(
    signature: &str,
    body: &[u8],
    own: &[&PublicKey],
    keys: &[(String, &PublicKey)],
) -> Explanation {
    let verdict = verify_detached(signature, body, own);
    let mut explanation = Explanation {
        header: "not readable".to_owned(),
        verdict,
        signed: None,
        hints: Vec::new(),
    };
    let parts: Vec<_> = signature.split('.').collect();
    let [header_text, middle, signature] = parts[..] else {
        explanation.hints.push(format!(
            "a JWS has three parts, two dots; this has {} part(s)",
            parts.len()
        ));
        return explanation;
    };
    if !middle.is_empty() {
        explanation.hints.push(
            "the middle part is not empty: take the payload out, leave the two dots".to_owned(),
        );
    }
    let Some(header) = url_decode(header_text) else {
        return explanation;
    };
    explanation.header = shortened(&header);
    let Ok(fields) = serde_json::from_slice::<Value>(&header) else {
        return explanation;
    };
    let raw = fields["b64"] == Value::Bool(false);
    let input = if raw {
        signing_input(header_text, body)
    } else {
        signing_input(header_text, url_encode(body).as_bytes())
    };
    explanation.signed = Some(shortened(&input));
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
    // Where the header names a known key it is that one or none: every key tried is work that a stranger has caused.
    let named: Vec<_> = keys
        .iter()
        .filter(|(_, key)| fields["kid"] == *key.kid)
        .collect();
    let tried: Vec<_> = if named.is_empty() {
        keys.iter().collect()
    } else {
        named
    };
    for (spelling, bytes) in spellings(body) {
        let forms = [
            ("raw", signing_input(header_text, &bytes)),
            (
                "base64url-encoded",
                signing_input(header_text, url_encode(&bytes).as_bytes()),
            ),
        ];
        for ((form, input), (owner, key)) in forms
            .iter()
            .flat_map(|form| tried.iter().map(move |key| (form, key)))
        {
            if verifies(key, hash, input, &signature) {
                explanation.hints.push(format!(
                    "it verifies with key {} of {owner} over {spelling}, {form}",
                    key.kid
                ));
            }
        }
    }
    if body.len() > SPELLED_BYTES_MAX {
        explanation.hints.push(format!(
            "a body above {SPELLED_BYTES_MAX} bytes is not tried in other spellings"
        ));
    }
    if explanation.hints.is_empty() {
        explanation
            .hints
            .push("no known key verifies it over any usual spelling of the body".to_owned());
    }
    explanation
}

/// Bodies up to this size are tried in other spellings: a bad signature must not cost more than a good one by much.
const SPELLED_BYTES_MAX: usize = 32 * 1024;

/// The ways in which a body changes between signing and sending.
fn spellings(body: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut spellings = vec![("the body as it arrived", body.to_vec())];
    if body.len() > SPELLED_BYTES_MAX {
        return spellings;
    }
    let mut add = |name, bytes: Vec<u8>| {
        if spellings.iter().all(|(_, known)| *known != bytes) {
            spellings.push((name, bytes));
        }
    };
    add(
        "the body without white space at its end",
        body.trim_ascii_end().to_vec(),
    );
    add(
        "the body with a line break after it",
        [body, b"\n"].concat(),
    );
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        add(
            "the body parsed and printed without spaces, keys sorted",
            value.to_string().into_bytes(),
        );
        add(
            "the body parsed and printed without spaces, keys sorted, and a line break",
            format!("{value}\n").into_bytes(),
        );
        add(
            "the body parsed and printed with spaces, keys sorted",
            format!("{value:#}").into_bytes(),
        );
    }
    add(
        "the body without any white space",
        body.iter()
            .copied()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect(),
    );
    add("no body at all", Vec::new());
    spellings
}

fn shortened(bytes: &[u8]) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match bytes.len().checked_sub(2 * SHOWN_BYTES) {
        None | Some(0) => text(bytes),
        Some(left_out) => {
            let (head, tail) = (&bytes[..SHOWN_BYTES], &bytes[SHOWN_BYTES + left_out..]);
            format!("{} …{left_out} bytes… {}", text(head), text(tail))
        }
    }
}

impl Explanation {
    pub fn is_fine(&self) -> bool {
        self.verdict.is_ok()
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.verdict {
            Ok(Form::Raw) => writeln!(f, "verdict: verifies over the raw body (RFC 7797)")?,
            Ok(Form::Encoded) => writeln!(f, "verdict: verifies over the base64url-encoded body")?,
            Err(flaw) => writeln!(f, "verdict: {flaw}")?,
        }
        writeln!(f, "header: {}", self.header)?;
        if let Some(signed) = &self.signed {
            writeln!(f, "signed bytes: {signed}")?;
        }
        self.hints
            .iter()
            .try_for_each(|hint| writeln!(f, "hint: {hint}"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Flaw, Form, explain, sign_detached, verify_detached};
    use crate::crypto::keys::SigningKey;
    use crate::domain::participants::SignatureProfile;

    fn key() -> SigningKey {
        SigningKey::from_pem("k1", include_str!("../../fixtures/keys/fiu-1.pem"))
            .expect("the fixture is a key")
    }

    #[test]
    fn a_signature_verifies_over_the_same_bytes_only() {
        let (key, body) = (key(), br#"{"a":1}"#);
        let public = key.public();
        let signature = sign_detached(&key, body, SignatureProfile::Detached).expect("a signature");
        assert_eq!(verify_detached(&signature, body, &[&public]), Ok(Form::Raw));
        let flaw = verify_detached(&signature, br#"{"a": 1}"#, &[&public]).unwrap_err();
        assert_eq!(flaw, Flaw::Mismatch(8, "k1".to_owned()));
    }

    #[test]
    fn an_explanation_finds_what_was_signed_instead() {
        let (key, signed) = (key(), br#"{"a":1}"#);
        let public = key.public();
        let keys = [("FIU-1".to_owned(), &public)];
        let signature =
            sign_detached(&key, signed, SignatureProfile::Detached).expect("a signature");
        let told = explain(&signature, b"{\"a\": 1}\n", &[&public], &keys).to_string();
        assert!(
            told.contains("with key k1 of FIU-1 over the body parsed and printed without spaces"),
            "{told}"
        );
        let told = explain(&signature, b"{}", &[&public], &keys).to_string();
        assert!(told.contains("no known key verifies it"), "{told}");
        assert!(
            explain("a.b", b"{}", &[&public], &keys)
                .to_string()
                .contains("2 part(s)")
        );
        assert!(explain(&signature, signed, &[&public], &keys).is_fine());
    }

    #[test]
    fn an_encoded_payload_and_a_missing_kid_are_accepted() {
        let (key, body) = (key(), b"{}");
        let header = super::url_encode(br#"{"alg":"RS256"}"#);
        let input = format!("{header}.{}", super::url_encode(body));
        let signature = format!(
            "{header}..{}",
            super::url_encode(&key.sign(input.as_bytes()))
        );
        assert_eq!(
            verify_detached(&signature, body, &[&key.public()]),
            Ok(Form::Encoded)
        );
    }

    #[test]
    fn weak_or_strange_headers_are_refused() {
        let public = key().public();
        let header = |json: &str| format!("{}..AAAA", super::url_encode(json.as_bytes()));
        let verify = |signature: &str| verify_detached(signature, b"{}", &[&public]).unwrap_err();
        assert_eq!(
            verify(&header(r#"{"alg":"none"}"#)),
            Flaw::Algorithm("none".to_owned())
        );
        assert_eq!(
            verify(&header(r#"{"alg":"HS256"}"#)),
            Flaw::Algorithm("HS256".to_owned())
        );
        assert_eq!(
            verify(&header(r#"{"alg":"RS256","kid":"zz"}"#)),
            Flaw::UnknownKey("zz".to_owned())
        );
        let critical = r#"{"alg":"RS256","b64":false,"crit":["b64","exp"]}"#;
        assert_eq!(
            verify(&header(critical)),
            Flaw::Critical("\"exp\"".to_owned())
        );
        assert_eq!(verify(&header("[]x")), Flaw::BadHeader);
        assert_eq!(verify("abc"), Flaw::Malformed);
    }
}
