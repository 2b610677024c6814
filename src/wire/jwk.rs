//! RSA public keys as JWK (RFC 7517, RFC 7518 §6.3.1): in configuration, in the registry, in the JWK set.

use serde::{Deserialize, Serialize};

use crate::domain::participants::PublicKey;
use crate::wire::api_error::ApiError;

/// A public key; other members of a JWK are read over.
#[derive(Clone, Debug, Deserialize, Serialize)]
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

impl From<&PublicKey> for Jwk {
    fn from(key: &PublicKey) -> Self {
        let encode = |bytes: &[u8]| base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes);
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
            n: encode(modulus),
            e: encode(exponent),
        }
    }
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
                format!("'{kty}' is not RSA; participants sign with RS256"),
            ));
        }
        let decode_number = |field: &'static str, text: &str| {
            let bytes = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(text.trim_end_matches('='));
            let number = bytes.ok().filter(|bytes| !bytes.is_empty());
            number.ok_or_else(|| ApiError::invalid_field(field, "is not base64url"))
        };
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
