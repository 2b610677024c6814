//! Owns RSA public keys as JWK (RFC 7517, RFC 7518 §6.3.1), for the configuration, the registry and
//! the JWK set.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::participants::PublicKey;
use crate::domain::text::quote_value;
use crate::wire::api_error::ApiError;

/// An RSA public key. Other members of a JWK are ignored.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Jwk {
    kty: String,
    #[serde(default = "default_use", rename = "use")]
    usage: String,
    #[serde(default = "default_alg")]
    alg: String,
    kid: String,
    n: String,
    e: String,
}

fn default_use() -> String {
    "sig".to_owned()
}

fn default_alg() -> String {
    "RS256".to_owned()
}

impl Jwk {
    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }
}

impl From<&PublicKey> for Jwk {
    fn from(key: &PublicKey) -> Self {
        let PublicKey {
            kid,
            modulus,
            exponent,
        } = key;
        Self {
            kty: "RSA".to_owned(),
            usage: default_use(),
            alg: default_alg(),
            kid: kid.clone(),
            n: URL_SAFE_NO_PAD.encode(modulus),
            e: URL_SAFE_NO_PAD.encode(exponent),
        }
    }
}

/// Decodes a number in base64url; padding is accepted.
fn decode_number(field: &'static str, text: &str) -> Result<Vec<u8>, ApiError> {
    let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('='));
    let number = bytes.ok().filter(|bytes| !bytes.is_empty());
    number.ok_or_else(|| ApiError::invalid_field(field, "is not base64url"))
}

impl TryFrom<&Jwk> for PublicKey {
    type Error = ApiError;

    fn try_from(jwk: &Jwk) -> Result<Self, ApiError> {
        let Jwk {
            kty,
            usage: _,
            alg: _,
            kid,
            n,
            e,
        } = jwk;
        if kty != "RSA" {
            return Err(ApiError::invalid_field(
                "publicKeys.kty",
                format!(
                    "{} is not RSA; use an RSA key, participants sign with RS256",
                    quote_value(kty)
                ),
            ));
        }
        let modulus = decode_number("publicKeys.n", n)?;
        if !(2048 / 8..=8192 / 8 + 1).contains(&modulus.len()) {
            return Err(ApiError::invalid_field(
                "publicKeys.n",
                "is not an RSA modulus of 2048 to 8192 bits",
            ));
        }
        Ok(Self {
            kid: kid.clone(),
            modulus,
            exponent: decode_number("publicKeys.e", e)?,
        })
    }
}
