//! RSA public keys as JWK (RFC 7517, RFC 7518 §6.3.1): in configuration, in the registry, in the JWK set.

use serde::{Deserialize, Serialize};

use crate::domain::participants::PublicKey;
use crate::wire::problem::Problem;

/// A public key; other members of a JWK are read over.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Jwk {
    kty: String,
    #[serde(default = "signing", rename = "use")]
    usage: String,
    #[serde(default = "rs256")]
    alg: String,
    kid: String,
    n: String,
    e: String,
}

fn signing() -> String {
    "sig".to_owned()
}

fn rs256() -> String {
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
            usage: signing(),
            alg: rs256(),
            kid: kid.clone(),
            n: encode(modulus),
            e: encode(exponent),
        }
    }
}

impl TryFrom<&Jwk> for PublicKey {
    type Error = Problem;

    fn try_from(jwk: &Jwk) -> Result<Self, Problem> {
        let Jwk {
            kty,
            usage: _,
            alg: _,
            kid,
            n,
            e,
        } = jwk;
        if kty != "RSA" {
            return Err(Problem::field(
                "publicKeys.kty",
                format!("'{kty}' is not RSA; participants sign with RS256"),
            ));
        }
        let number = |field: &'static str, text: &str| {
            let bytes = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(text.trim_end_matches('='));
            let number = bytes.ok().filter(|bytes| !bytes.is_empty());
            number.ok_or_else(|| Problem::field(field, "is not base64url"))
        };
        let modulus = number("publicKeys.n", n)?;
        if !(2048 / 8..=8192 / 8 + 1).contains(&modulus.len()) {
            return Err(Problem::field(
                "publicKeys.n",
                "is not an RSA modulus of 2048 to 8192 bits",
            ));
        }
        Ok(Self {
            kid: kid.clone(),
            modulus,
            exponent: number("publicKeys.e", e)?,
        })
    }
}
