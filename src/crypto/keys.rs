//! RSA keys: private ones from PEM, public ones from JWK.

use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA256, RsaKeyPair,
    RsaPublicKeyComponents,
};
use thiserror::Error;

use crate::crypto::base64;
use crate::domain::participants::PublicKey;

/// A private RSA key and the name under which its public half is published.
#[derive(Debug)]
pub struct SigningKey {
    kid: String,
    pair: RsaKeyPair,
}

/// Why a key was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    #[error(
        "no PEM block 'PRIVATE KEY' found; make one with: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048"
    )]
    NoPem,
    #[error("the PEM block is not an RSA key in PKCS#8 form of at least 2048 bits: {0}")]
    NotRsa(String),
}

impl SigningKey {
    /// Reads the first `PRIVATE KEY` block; text around it is a comment.
    ///
    /// # Errors
    /// [`KeyError`] says what the text is not.
    pub fn from_pem(kid: &str, pem: &str) -> Result<Self, KeyError> {
        let (_, rest) = pem
            .split_once("-----BEGIN PRIVATE KEY-----")
            .ok_or(KeyError::NoPem)?;
        let (body, _) = rest
            .split_once("-----END PRIVATE KEY-----")
            .ok_or(KeyError::NoPem)?;
        let body: String = body.split_ascii_whitespace().collect();
        let der = base64::decode(&body).ok_or(KeyError::NoPem)?;
        let pair =
            RsaKeyPair::from_pkcs8(&der).map_err(|error| KeyError::NotRsa(error.to_string()))?;
        Ok(Self {
            kid: kid.to_owned(),
            pair,
        })
    }

    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256 (RS256); the same message always gives the same bytes.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message,
                &mut signature,
            )
            .expect("a valid RSA key of 2048 bits or more signs every message");
        signature
    }

    /// The public half as verifiers keep it in a file (RFC 7468).
    pub fn public_pem(&self) -> String {
        let der: PublicKeyX509Der<'_> = self
            .pair
            .public_key()
            .as_der()
            .expect("a valid RSA key has a public half");
        let text = base64::encode(der.as_ref());
        let lines = text
            .as_bytes()
            .chunks(64)
            .map(|line| String::from_utf8_lossy(line).into_owned() + "\n");
        format!(
            "-----BEGIN PUBLIC KEY-----\n{}-----END PUBLIC KEY-----\n",
            lines.collect::<String>()
        )
    }

    pub fn public_key(&self) -> PublicKey {
        let key = self.pair.public_key();
        PublicKey {
            kid: self.kid.clone(),
            modulus: key.modulus().big_endian_without_leading_zero().to_vec(),
            exponent: key.exponent().big_endian_without_leading_zero().to_vec(),
        }
    }
}

/// The keys of the AAs, the default AA's first; and one that is nobody's.
#[derive(Debug)]
pub struct Keyring {
    keys: Vec<AaKey>,
    spare_key: Arc<SigningKey>,
}

/// An AA's key, and its public half.
#[derive(Debug)]
pub struct AaKey {
    pub aa: Arc<str>,
    pub private: Arc<SigningKey>,
    pub public: PublicKey,
}

impl Keyring {
    /// At least one key, each with the id of its AA; `spare` is a stranger's, or the next key of an AA.
    pub fn new(keys: Vec<(Arc<str>, SigningKey)>, spare_key: SigningKey) -> Self {
        assert!(!keys.is_empty(), "there is an AA");
        let to_aa_key = |(aa, key): (_, SigningKey)| AaKey {
            aa,
            public: key.public_key(),
            private: Arc::new(key),
        };
        Self {
            keys: keys.into_iter().map(to_aa_key).collect(),
            spare_key: Arc::new(spare_key),
        }
    }

    /// A key that is nobody's, to sign wrongly with.
    pub fn spare_key(&self) -> &Arc<SigningKey> {
        &self.spare_key
    }

    /// The public half of the key that this one's owner will have next.
    pub fn next_public_key(&self, key: &AaKey) -> PublicKey {
        PublicKey {
            kid: next_kid(&key.public.kid),
            ..self.spare_key.public_key()
        }
    }

    /// The key that signs what concerns no consent.
    pub fn default_key(&self) -> &AaKey {
        &self.keys[0]
    }

    /// The key of this AA, which is one of the configuration's.
    pub fn key_for_aa(&self, aa: &str) -> &AaKey {
        self.keys
            .iter()
            .find(|key| *key.aa == *aa)
            .expect("every AA has a key")
    }

    pub fn all_keys(&self) -> &[AaKey] {
        &self.keys
    }
}

/// What the key after this one is called.
pub fn next_kid(kid: &str) -> String {
    format!("{kid}-next")
}

/// Hash functions of RSA signatures that are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RsaHash {
    Sha256,
    Sha512,
}

/// Whether the signature is the key's over the message.
pub fn is_valid_signature(
    key: &PublicKey,
    hash: RsaHash,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let algorithm = match hash {
        RsaHash::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
        RsaHash::Sha512 => &RSA_PKCS1_2048_8192_SHA512,
    };
    RsaPublicKeyComponents {
        n: &key.modulus,
        e: &key.exponent,
    }
    .verify(algorithm, message, signature)
    .is_ok()
}
