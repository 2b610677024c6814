//! Owns `KeyMaterial`, in requests for data, in responses with data, and in the files of `mockaa
//! fi` (ReBIT data encryption; `docs/sources.md#encryption`). Leaves decoding of the key itself to
//! `crypto::key_exchange`.

use serde::{Deserialize, Serialize};

use crate::domain::key_exchange::{Curve, KeyLabels};
use crate::domain::text::quote_value;
use crate::domain::time::Timestamp;
use crate::domain::version::{MajorVersion, RebitVersion};
use crate::wire::api_error::ApiError;
use crate::wire::fields::{
    deserialize_object, discard_blank, require_enum, require_field, require_text, require_timestamp,
};

/// The key material of one exchange, as an FIU sends it, not yet validated, and as the sandbox
/// sends it.
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

/// Key material with a valid schema. Its key is not decoded yet.
#[derive(Clone, Debug)]
pub struct CheckedKeyMaterial {
    pub expiry: Timestamp,
    pub key_value: String,
    pub nonce: String,
    /// The labels that the answer repeats; 1.1.x only.
    pub labels: Option<KeyLabels>,
}

/// Returns `Some` if the name is a `curve` of 2.x.
fn check_curve(name: &str) -> Option<()> {
    matches!(name, "Curve25519" | "X25519").then_some(())
}

fn curve_names() -> String {
    "Curve25519, X25519".to_owned()
}

/// The supported values of `cryptoAlg`.
const ALGORITHMS: [&str; 2] = ["ECDH", "X25519"];

impl KeyMaterial {
    /// Returns the sandbox's key material for this public key (`KeyValue`) and nonce.
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
                // The decoder of Sahamati's rahasya accepts no other form than milliseconds and
                // `Z`.
                expiry: Some(expiry.to_string()),
                parameters: None,
                key_value: Some(key_value),
            }),
            nonce: Some(nonce),
        }
    }

    /// Returns the key material with these labels, if there are some.
    #[must_use]
    pub fn with_labels(self, labels: Option<&KeyLabels>) -> Self {
        match labels {
            None => self,
            Some(KeyLabels { algorithm, curve }) => Self {
                crypto_alg: Some(algorithm.to_string()),
                curve: Some(curve.to_string()),
                ..self
            },
        }
    }

    /// Validates the schema.
    ///
    /// `Assumption:` in 1.1.x only the key and the nonce are checked, although ReBIT AA API 1.1.2
    /// requires the labels `cryptoAlg` and `curve`: senders mix them up, and the object identifier
    /// in the key determines the curve. The answer repeats labels that the API has, since 1.1.2 has
    /// ECDH and Curve25519 for every key.
    pub fn into_checked(self, version: RebitVersion) -> Result<CheckedKeyMaterial, ApiError> {
        let Self {
            crypto_alg,
            curve,
            params: _,
            public_key,
            nonce,
        } = self;
        let is_generation_two = version.major_version() == MajorVersion::V2;
        let labels = crypto_alg.as_deref().zip(curve.as_deref());
        let labels = labels
            .filter(|(algorithm, curve)| {
                !is_generation_two && ALGORITHMS.contains(algorithm) && check_curve(curve).is_some()
            })
            .map(|(algorithm, curve)| KeyLabels {
                algorithm: algorithm.into(),
                curve: curve.into(),
            });
        let algorithm = if is_generation_two {
            let algorithm = require_text("KeyMaterial.cryptoAlg", crypto_alg)?;
            require_enum("KeyMaterial.curve", curve, check_curve, curve_names)?;
            Some(algorithm)
        } else {
            None
        };
        let public_key = require_field("KeyMaterial.DHPublicKey", public_key)?;
        let checked = CheckedKeyMaterial {
            expiry: require_timestamp("KeyMaterial.DHPublicKey.expiry", public_key.expiry)?,
            key_value: require_text("KeyMaterial.DHPublicKey.KeyValue", public_key.key_value)?,
            nonce: require_text("KeyMaterial.Nonce", nonce)?,
            labels,
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

    /// Returns key and nonce without validation, for a tolerant reader; `None` if one is missing.
    pub fn key_and_nonce(&self) -> Option<(&str, &str)> {
        let key_value = self.public_key.as_ref()?.key_value.as_deref()?;
        Some((
            key_value,
            discard_blank(self.nonce.clone()).and(self.nonce.as_deref())?,
        ))
    }
}
