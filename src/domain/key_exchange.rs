//! Public keys and nonces that two parties exchange for one delivery of data (ReBIT AA API 2.0.0,
//! `KeyMaterial`). The computations are in `crypto`.

use serde::{Deserialize, Serialize};

/// The two forms of Curve25519 in use. The object identifier inside `KeyValue` distinguishes them
/// (`docs/sources.md#encryption`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Curve {
    /// BouncyCastle's custom short-Weierstrass form, `curve: "Curve25519"`.
    Weierstrass,
    /// RFC 7748, `curve: "X25519"`.
    X25519,
}

/// The other party's public key and nonce, decoded and validated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerKey {
    pub curve: Curve,
    /// X ‖ Y, big-endian, 64 bytes (Weierstrass), or u, little-endian, 32 bytes (RFC 7748).
    pub public: Box<[u8]>,
    pub nonce: [u8; 32],
    /// The labels that the answer repeats; `None`: those of the curve.
    pub labels: Option<KeyLabels>,
}

/// `cryptoAlg` and `curve` of a key material.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyLabels {
    pub algorithm: Box<str>,
    pub curve: Box<str>,
}
