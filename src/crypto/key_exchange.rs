//! End-to-end encryption of financial information (ReBIT AA API 2.0.0, `KeyMaterial`;
//! `docs/sources.md#encryption`): both sides publish a key and a nonce, and derive one AES-256-GCM
//! key and IV from them. The AA between them cannot read the data.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, X25519, agree};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use thiserror::Error;

use crate::crypto::base64;
use crate::crypto::weierstrass;
use crate::domain::key_exchange::{Curve, PeerKey};

/// SubjectPublicKeyInfo of a Weierstrass key up to its point: id-ecPublicKey with explicit
/// parameters, as BouncyCastle writes them. A key with other parameters is on another curve.
const WEIERSTRASS_PREFIX: &[u8; 245] = b"\x30\x82\x01\x31\x30\x81\xea\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x30\x81\xde\
\x02\x01\x01\x30\x2b\x06\x07\x2a\x86\x48\xce\x3d\x01\x01\x02\x20\
\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xed\
\x30\x44\x04\x20\
\x2a\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\x98\x49\x14\xa1\x44\
\x04\x20\
\x7b\x42\x5e\xd0\x97\xb4\x25\xed\x09\x7b\x42\x5e\xd0\x97\xb4\x25\xed\x09\x7b\x42\x5e\xd0\x97\xb4\x26\x0b\x5e\x9c\x77\x10\xc8\x64\
\x04\x41\x04\
\x2a\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xad\x24\x5a\
\x20\xae\x19\xa1\xb8\xa0\x86\xb4\xe0\x1e\xdd\x2c\x77\x48\xd1\x4c\x92\x3d\x4d\x7e\x6d\x7c\x61\xb2\x29\xe9\xc5\xa2\x7e\xce\xd3\xd9\
\x02\x20\
\x10\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x14\xde\xf9\xde\xa2\xf7\x9c\xd6\x58\x12\x63\x1a\x5c\xf5\xd3\xed\
\x02\x01\x08\x03\x42\x00\x04";

/// SubjectPublicKeyInfo of an X25519 key up to its 32 bytes (RFC 8410).
const X25519_PREFIX: &[u8; 12] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x6e\x03\x21\x00";

const PEM_BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const PEM_END: &str = "-----END PUBLIC KEY-----";

/// Error in key material or in a ciphertext.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyExchangeError {
    #[error("KeyValue is neither a PEM public key nor base64 of its DER form")]
    Encoding,
    #[error(
        "KeyValue is not the SubjectPublicKeyInfo, in PEM or base64 of DER, of a key on Curve25519: id-ecPublicKey with BouncyCastle's explicit parameters, or X25519 (1.3.101.110); the raw key does not suffice"
    )]
    UnsupportedCurve,
    #[error("the point of KeyValue is not on the curve, or is of low order")]
    InvalidPoint,
    #[error("Nonce is not base64 of 32 bytes")]
    Nonce,
    #[error("the private key is not 32 bytes in [1, n-1]")]
    PrivateKey,
    #[error("the two keys use different forms of Curve25519: {0:?} and {1:?}")]
    CurveMismatch(Curve, Curve),
    #[error("encryptedFI is not base64")]
    Ciphertext,
    #[error(
        "the data does not decrypt: the private key, a nonce or the other side's key is not the one it was encrypted with"
    )]
    DecryptionFailed,
}

/// Parses `KeyValue`: PEM on one line or several, or bare base64. Its object identifier selects the
/// curve.
///
/// # Errors
/// [`KeyExchangeError`] when the encoding, the curve or the point is not valid.
pub fn parse_public_key(key_value: &str) -> Result<(Curve, Box<[u8]>), KeyExchangeError> {
    let text = key_value.trim();
    let text = text
        .strip_prefix(PEM_BEGIN)
        .map_or(text, |text| text.split(PEM_END).next().unwrap_or(text));
    // Some senders escape the line breaks of the PEM text twice.
    let text: String = text.replace("\\n", "").split_ascii_whitespace().collect();
    let der = base64::decode(&text).ok_or(KeyExchangeError::Encoding)?;
    if let Some(public) = der
        .strip_prefix(X25519_PREFIX)
        .filter(|public| public.len() == 32)
    {
        let public: Box<[u8]> = public.into();
        // A point of low order gives an all-zero secret with every key, so one key detects it.
        let probe = PeerKey {
            curve: Curve::X25519,
            public: public.clone(),
            nonce: [0; 32],
            labels: None,
        };
        KeyPair::from_random(Curve::X25519, [1; 32], [0; 32]).derive_shared_secret(&probe)?;
        return Ok((Curve::X25519, public));
    }
    let point = der
        .strip_prefix(WEIERSTRASS_PREFIX)
        .and_then(|point| <&[u8; 64]>::try_from(point).ok());
    let point = point.ok_or(KeyExchangeError::UnsupportedCurve)?;
    if !weierstrass::is_valid_point(point) {
        return Err(KeyExchangeError::InvalidPoint);
    }
    Ok((Curve::Weierstrass, point[..].into()))
}

/// Encodes a public key as rahasya does: a Weierstrass key as PEM on one line, because its decoder
/// does not accept line breaks; an X25519 key as PEM with line breaks.
pub fn encode_public_key(curve: Curve, public: &[u8]) -> String {
    match curve {
        Curve::Weierstrass => {
            format!(
                "{PEM_BEGIN}{}{PEM_END}",
                base64::encode(&[&WEIERSTRASS_PREFIX[..], public].concat())
            )
        }
        Curve::X25519 => {
            format!(
                "{PEM_BEGIN}\n{}\n{PEM_END}\n",
                base64::encode(&[&X25519_PREFIX[..], public].concat())
            )
        }
    }
}

/// Parses a nonce: base64 of 32 bytes.
///
/// # Errors
/// [`KeyExchangeError::Nonce`].
pub fn parse_nonce(text: &str) -> Result<[u8; 32], KeyExchangeError> {
    base64::decode(text.trim())
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(KeyExchangeError::Nonce)
}

/// Key pair and nonce of one delivery of data.
#[derive(Clone, Debug)]
pub struct KeyPair {
    pub curve: Curve,
    /// Private key: big-endian in the Weierstrass form, little-endian for X25519 (RFC 7748).
    private: [u8; 32],
    pub public: Box<[u8]>,
    pub nonce: [u8; 32],
}

impl KeyPair {
    /// Creates a pair from 32 random bytes for the key and 32 for the nonce.
    pub fn from_random(curve: Curve, key: [u8; 32], nonce: [u8; 32]) -> Self {
        let private = match curve {
            Curve::Weierstrass => weierstrass::private_key_from_random(key),
            Curve::X25519 => key,
        };
        Self::from_private(curve, private, nonce).expect("the private key is in range")
    }

    /// Creates a pair from a private key.
    ///
    /// # Errors
    /// [`KeyExchangeError::PrivateKey`] when the key is out of range.
    pub fn from_private(
        curve: Curve,
        private: [u8; 32],
        nonce: [u8; 32],
    ) -> Result<Self, KeyExchangeError> {
        let public: Option<Box<[u8]>> = match curve {
            Curve::Weierstrass => {
                weierstrass::derive_public_key(&private).map(|public| public[..].into())
            }
            Curve::X25519 => {
                let key = PrivateKey::from_private_key(&X25519, &private).ok();
                key.and_then(|key| key.compute_public_key().ok())
                    .map(|public| public.as_ref().into())
            }
        };
        Ok(Self {
            curve,
            private,
            public: public.ok_or(KeyExchangeError::PrivateKey)?,
            nonce,
        })
    }

    pub fn private(&self) -> &[u8; 32] {
        &self.private
    }

    /// Returns the ECDH secret with the other side's key.
    fn derive_shared_secret(&self, peer: &PeerKey) -> Result<[u8; 32], KeyExchangeError> {
        if self.curve != peer.curve {
            return Err(KeyExchangeError::CurveMismatch(self.curve, peer.curve));
        }
        match self.curve {
            Curve::Weierstrass => {
                let public = <&[u8; 64]>::try_from(&*peer.public)
                    .map_err(|_| KeyExchangeError::InvalidPoint)?;
                weierstrass::derive_shared_secret(&self.private, public)
                    .ok_or(KeyExchangeError::InvalidPoint)
            }
            Curve::X25519 => {
                let private = PrivateKey::from_private_key(&X25519, &self.private);
                let private = private.map_err(|_| KeyExchangeError::PrivateKey)?;
                let peer = UnparsedPublicKey::new(&X25519, &peer.public);
                agree(&private, peer, KeyExchangeError::InvalidPoint, |shared| {
                    <[u8; 32]>::try_from(shared).map_err(|_| KeyExchangeError::InvalidPoint)
                })
            }
        }
    }

    /// Derives the session key and the IV. Salt and IV are the first 20 and the last 12 bytes of
    /// the XOR of both nonces.
    fn derive_session_key(&self, peer: &PeerKey) -> Result<([u8; 32], [u8; 12]), KeyExchangeError> {
        let shared = self.derive_shared_secret(peer)?;
        let mut nonce_xor = self.nonce;
        nonce_xor
            .iter_mut()
            .zip(peer.nonce)
            .for_each(|(ours, theirs)| *ours ^= theirs);
        let (salt, iv) = nonce_xor.split_at(20);
        let mut key = [0; 32];
        let extracted = Salt::new(HKDF_SHA256, salt).extract(&shared);
        let expanded = extracted
            .expand(&[], KeyLength32)
            .expect("32 bytes are below HKDF's limit");
        expanded
            .fill(&mut key)
            .expect("the buffer has the requested length");
        Ok((key, iv.try_into().expect("12 of 32 bytes are left")))
    }

    /// Encrypts for the other side; returns base64 of ciphertext and tag (`encryptedFI`).
    ///
    /// # Errors
    /// [`KeyExchangeError`] when no secret can be agreed on with the other side's key.
    pub fn encrypt(
        &self,
        peer: &PeerKey,
        mut plaintext: Vec<u8>,
    ) -> Result<String, KeyExchangeError> {
        let (key, iv) = self.derive_session_key(peer)?;
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).expect("a key of 32 bytes"));
        let iv = Nonce::assume_unique_for_key(iv);
        key.seal_in_place_append_tag(iv, Aad::empty(), &mut plaintext)
            .expect("a statement is short enough");
        Ok(base64::encode(&plaintext))
    }

    /// Decrypts data of the other side.
    ///
    /// # Errors
    /// [`KeyExchangeError`] when the keys do not match, the text is not base64, or decryption
    /// fails.
    pub fn decrypt(&self, peer: &PeerKey, encrypted: &str) -> Result<Vec<u8>, KeyExchangeError> {
        let (key, iv) = self.derive_session_key(peer)?;
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).expect("a key of 32 bytes"));
        let mut ciphertext =
            base64::decode(encrypted.trim()).ok_or(KeyExchangeError::Ciphertext)?;
        let iv = Nonce::assume_unique_for_key(iv);
        let plaintext = key
            .open_in_place(iv, Aad::empty(), &mut ciphertext)
            .map_err(|_| KeyExchangeError::DecryptionFailed)?;
        Ok(plaintext.to_vec())
    }
}

/// Output length of HKDF, 32 bytes.
struct KeyLength32;

impl KeyType for KeyLength32 {
    fn len(&self) -> usize {
        32
    }
}
