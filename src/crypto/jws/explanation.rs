//! Explanations of signatures that do not verify, for the sender's developer.

use std::fmt;

use serde_json::Value;

use crate::crypto::base64::{url_decode, url_encode};
use crate::crypto::jws::{PayloadEncoding, SignatureError, signing_input, verify_detached};
use crate::crypto::keys::{RsaHash, is_valid_signature};
use crate::domain::participants::PublicKey;

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
    use super::explain_signature;
    use crate::crypto::jws::sign_detached;
    use crate::crypto::keys::SigningKey;
    use crate::domain::participants::SignatureProfile;

    fn test_key() -> SigningKey {
        SigningKey::from_pem("k1", include_str!("../../../fixtures/keys/fiu-1.pem"))
            .expect("the fixture is a key")
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
}
