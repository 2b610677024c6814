//! Signature checks by independent implementations: the `rsa` crate, and HMAC written out over its
//! SHA-256.

use rsa::RsaPublicKey;
use rsa::pkcs1v15::{Signature, VerifyingKey};
use rsa::sha2::{Digest, Sha256};
use rsa::signature::Verifier;
use serde_json::Value;

use crate::helpers::TestApp;

/// Checks RS256 signatures with the keys that the sandbox publishes.
pub struct JwsVerifier {
    kid: String,
    key: VerifyingKey<Sha256>,
}

impl JwsVerifier {
    pub async fn from_published_keys(app: &TestApp) -> Self {
        Self::from_jwk(&app.get("/.well-known/jwks.json").await.expect_ok()["keys"][0])
    }

    /// Creates a verifier for this published key.
    pub fn from_jwk(jwk: &Value) -> Self {
        let number = |name: &str| {
            rsa::BigUint::from_bytes_be(&decode_base64(jwk[name].as_str().expect("a number")))
        };
        let key = RsaPublicKey::new(number("n"), number("e")).expect("an RSA key");
        Self {
            kid: jwk["kid"].as_str().expect("a kid").to_owned(),
            key: VerifyingKey::new(key),
        }
    }

    pub fn is_valid(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::try_from(signature)
            .is_ok_and(|signature| self.key.verify(message, &signature).is_ok())
    }

    /// Returns whether `x-jws-signature` is a detached JWS over these bytes, in the form that ReBIT
    /// requires.
    pub fn is_valid_detached(&self, jws: &str, body: &[u8]) -> bool {
        let (header, signature) = jws.split_once("..").expect("a detached JWS");
        let protected: Value =
            serde_json::from_slice(&decode_base64(header)).expect("a JWS header");
        let expected =
            serde_json::json!({ "alg": "RS256", "kid": self.kid, "b64": false, "crit": ["b64"] });
        assert_eq!(protected, expected);
        self.is_valid(
            &[header.as_bytes(), b".", body].concat(),
            &decode_base64(signature),
        )
    }

    /// Returns whether this is a detached JWS whose payload was base64url-encoded, as in plain RFC
    /// 7515.
    pub fn is_valid_encoded(&self, jws: &str, body: &[u8]) -> bool {
        let (header, signature) = jws.split_once("..").expect("a detached JWS");
        let protected: Value =
            serde_json::from_slice(&decode_base64(header)).expect("a JWS header");
        assert_eq!(
            protected,
            serde_json::json!({ "alg": "RS256", "kid": self.kid })
        );
        let input = format!(
            "{header}.{}",
            mockaa::internals::crypto::base64::url_encode(body)
        );
        self.is_valid(input.as_bytes(), &decode_base64(signature))
    }

    /// Returns the payload of a compact JWS; panics if its signature is invalid.
    pub fn decode_compact(&self, jws: &str) -> Value {
        let parts: Vec<_> = jws.split('.').collect();
        let [header, payload, signature] = parts[..] else {
            panic!("a compact JWS has three parts: {jws}")
        };
        assert!(self.is_valid(
            format!("{header}.{payload}").as_bytes(),
            &decode_base64(signature)
        ));
        serde_json::from_slice(&decode_base64(payload)).expect("a JSON payload")
    }
}

/// Computes HMAC-SHA256 (RFC 2104).
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0u8; 64];
    block[..key.len()].copy_from_slice(key);
    let pad = |byte: u8| block.map(|k| k ^ byte).to_vec();
    let inner = Sha256::digest([pad(0x36), message.to_vec()].concat());
    Sha256::digest([pad(0x5c), inner.to_vec()].concat()).to_vec()
}

/// Decodes base64 of either alphabet, with or without padding.
pub fn decode_base64(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (mut buffer, mut bits) = (0u32, 0);
    for c in text.bytes().filter(|c| *c != b'=') {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => panic!("not base64: {text}"),
        };
        buffer = buffer << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((buffer >> bits & 0xff).try_into().expect("a byte"));
        }
    }
    bytes
}
