//! RSA keys: private keys from PEM, public keys from JWK, and the keyring of the AAs.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA256, RsaKeyPair,
    RsaPublicKeyComponents,
};
use thiserror::Error;

use crate::crypto::base64;
use crate::domain::participants::PublicKey;

/// Private RSA key with the key id under which its public key is published.
#[derive(Debug)]
pub struct SigningKey {
    kid: String,
    pair: LazyLock<RsaKeyPair, ReadPair>,
}

/// Reads a pair when it is first used.
type ReadPair = Box<dyn FnOnce() -> RsaKeyPair + Send>;

/// Error in the text of a private key.
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
    /// Reads the first `PRIVATE KEY` block; text around it is ignored.
    ///
    /// # Errors
    /// [`KeyError`] when there is no such block, or it is not an RSA key of at least 2048 bits.
    pub fn from_pem(kid: &str, pem: &str) -> Result<Self, KeyError> {
        let pair = read_pair(pem)?;
        Ok(Self {
            kid: kid.to_owned(),
            pair: LazyLock::new(Box::new(|| pair)),
        })
    }

    /// Reads a key that is known to be valid, as [`SigningKey::from_pem`] does, when it is first used.
    pub(crate) fn from_valid_pem(kid: String, pem: &'static str) -> Self {
        let read = || read_pair(pem).expect("the key is valid");
        Self {
            kid,
            pair: LazyLock::new(Box::new(read)),
        }
    }

    /// Changes the key id.
    #[must_use]
    pub(crate) fn with_kid(self, kid: String) -> Self {
        Self { kid, ..self }
    }

    /// Makes a key of 2048 bits from the random numbers of the operating system.
    pub(crate) fn generate(kid: &str) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048);
        let pair = pair.expect("the operating system has random numbers");
        Self {
            kid: kid.to_owned(),
            pair: LazyLock::new(Box::new(|| pair)),
        }
    }

    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Signs with RSASSA-PKCS1-v1_5 and SHA-256 (RS256). The same message always gives the same
    /// bytes.
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

    /// Returns the public key in PEM (RFC 7468).
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

/// Reads the first `PRIVATE KEY` block.
fn read_pair(pem: &str) -> Result<RsaKeyPair, KeyError> {
    let (_, rest) = pem
        .split_once("-----BEGIN PRIVATE KEY-----")
        .ok_or(KeyError::NoPem)?;
    let (body, _) = rest
        .split_once("-----END PRIVATE KEY-----")
        .ok_or(KeyError::NoPem)?;
    let body: String = body.split_ascii_whitespace().collect();
    let der = base64::decode(&body).ok_or(KeyError::NoPem)?;
    RsaKeyPair::from_pkcs8(&der).map_err(|error| KeyError::NotRsa(error.to_string()))
}

/// Keys of the AAs, the default AA's first, and a spare key that no participant publishes.
#[derive(Debug)]
pub(crate) struct Keyring {
    keys: Vec<AaKey>,
    spare_key: Arc<SigningKey>,
}

/// Key pair of an AA.
#[derive(Debug)]
pub(crate) struct AaKey {
    pub aa: Arc<str>,
    pub private: Arc<SigningKey>,
    pub public: PublicKey,
}

impl Keyring {
    /// Creates a keyring from at least one key. `spare_key` signs where
    /// a signature must be wrong, and is the next key of each AA after a rotation.
    pub(crate) fn new(keys: Vec<AaKey>, spare_key: SigningKey) -> Self {
        assert!(!keys.is_empty(), "there is an AA");
        Self {
            keys,
            spare_key: Arc::new(spare_key),
        }
    }

    /// Returns the key that no participant publishes.
    pub(crate) fn spare_key(&self) -> &Arc<SigningKey> {
        &self.spare_key
    }

    /// Returns the public key that replaces this key after a rotation.
    pub(crate) fn next_public_key(&self, key: &AaKey) -> PublicKey {
        PublicKey {
            kid: next_kid(&key.public.kid),
            ..self.spare_key.public_key()
        }
    }

    /// Returns the key of the default AA, which signs everything that does not belong to a consent.
    pub(crate) fn default_key(&self) -> &AaKey {
        &self.keys[0]
    }

    /// Returns the key of an AA of the configuration.
    pub(crate) fn key_for_aa(&self, aa: &str) -> &AaKey {
        self.find_for_aa(aa).expect("every AA has a key")
    }

    /// Returns the key of an AA, if the configuration has this AA.
    pub(crate) fn find_for_aa(&self, aa: &str) -> Option<&AaKey> {
        self.keys.iter().find(|key| *key.aa == *aa)
    }

    pub(crate) fn all_keys(&self) -> &[AaKey] {
        &self.keys
    }
}

/// Returns the key id of the key after a rotation.
pub(crate) fn next_kid(kid: &str) -> String {
    format!("{kid}-next")
}

/// Hash function of an accepted RSA signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RsaHash {
    Sha256,
    Sha512,
}

/// Returns whether the signature over the message verifies with the key.
pub(crate) fn is_valid_signature(
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
