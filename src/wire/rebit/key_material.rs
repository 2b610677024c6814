//! `KeyMaterial`: in requests for data, in answers with data, and in the files of `mockaa fi`
//! (`reference/rebit.md` §5.2 to §5.4).

use serde::{Deserialize, Serialize};

use crate::domain::key_exchange::Curve;
use crate::domain::time::Timestamp;
use crate::domain::version::{MajorVersion, RebitVersion};
use crate::wire::api_error::ApiError;
use crate::wire::fields::{
    deserialize_object, discard_blank, quote_value, require_enum, require_field, require_text,
    require_timestamp,
};

/// As an FIU sends it, nothing checked; and as we write it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyMaterial {
    crypto_alg: Option<String>,
    curve: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<String>,
    #[serde(
        rename = "DHPublicKey",
        default,
        deserialize_with = "deserialize_object"
    )]
    public_key: Option<DhPublicKey>,
    #[serde(rename = "Nonce")]
    nonce: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct DhPublicKey {
    expiry: Option<String>,
    #[serde(rename = "Parameters", skip_serializing_if = "Option::is_none")]
    parameters: Option<String>,
    #[serde(rename = "KeyValue")]
    key_value: Option<String>,
}

/// Key material whose schema is right; whether its key is one, `crypto` says.
#[derive(Clone, Debug)]
pub struct CheckedKeyMaterial {
    pub expiry: Timestamp,
    pub key_value: String,
    pub nonce: String,
}

/// The names of `curve` in 2.x.
fn check_curve(name: &str) -> Option<()> {
    matches!(name, "Curve25519" | "X25519").then_some(())
}

fn curve_names() -> String {
    "Curve25519, X25519".to_owned()
}

/// Algorithms that can be served.
const ALGORITHMS: [&str; 2] = ["ECDH", "X25519"];

impl KeyMaterial {
    /// Ours, for this public key (`KeyValue`) and nonce.
    pub fn new(curve: Curve, key_value: String, nonce: String, expiry: Timestamp) -> Self {
        let (crypto_alg, curve) = match curve {
            Curve::Weierstrass => ("ECDH", "Curve25519"),
            Curve::X25519 => ("X25519", "X25519"),
        };
        Self {
            crypto_alg: Some(crypto_alg.to_owned()),
            curve: Some(curve.to_owned()),
            params: Some("cipher=AES/GCM/NoPadding;KeyPairGenerator=ECDH".to_owned()),
            public_key: Some(DhPublicKey {
                // Written in full milliseconds and Z: rahasya's decoder takes no other form.
                expiry: Some(expiry.to_string()),
                parameters: None,
                key_value: Some(key_value),
            }),
            nonce: Some(nonce),
        }
    }

    /// Checks the schema. In 1.1.x only the key and the nonce matter: senders have shuffled the labels, and the object
    /// identifier in the key tells the curve.
    pub fn into_checked(self, version: RebitVersion) -> Result<CheckedKeyMaterial, ApiError> {
        let Self {
            crypto_alg,
            curve,
            params: _,
            public_key,
            nonce,
        } = self;
        let labels_matter = version.major_version() == MajorVersion::V2;
        let algorithm = if labels_matter {
            Some(require_text("KeyMaterial.cryptoAlg", crypto_alg)?)
        } else {
            None
        };
        if labels_matter {
            require_enum("KeyMaterial.curve", curve, check_curve, curve_names)?;
        }
        let public_key = require_field("KeyMaterial.DHPublicKey", public_key)?;
        let checked = CheckedKeyMaterial {
            expiry: require_timestamp("KeyMaterial.DHPublicKey.expiry", public_key.expiry)?,
            key_value: require_text("KeyMaterial.DHPublicKey.KeyValue", public_key.key_value)?,
            nonce: require_text("KeyMaterial.Nonce", nonce)?,
        };
        match algorithm.filter(|name| !ALGORITHMS.contains(&name.to_ascii_uppercase().as_str())) {
            Some(name) => {
                let message = format!(
                    "KeyMaterial.cryptoAlg {} is not one of {}",
                    quote_value(&name),
                    ALGORITHMS.join(", ")
                );
                Err(ApiError::InvalidKey(message))
            }
            None => Ok(checked),
        }
    }

    /// Key and nonce as they stand, for a reader who takes what it gets.
    pub fn key_and_nonce(&self) -> Option<(&str, &str)> {
        let key_value = self.public_key.as_ref()?.key_value.as_deref()?;
        Some((
            key_value,
            discard_blank(self.nonce.clone()).and(self.nonce.as_deref())?,
        ))
    }
}
