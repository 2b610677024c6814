//! Keys that two parties exchange for one delivery of data (ReBIT AA API 2.0.0, `KeyMaterial`). What is computed with
//! them belongs to `crypto`.

/// The two forms of Curve25519 in the field; the object identifier inside `KeyValue` tells which
/// (`reference/rebit.md` §5.2, §5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// BouncyCastle's custom short-Weierstrass form, `curve: "Curve25519"`.
    Weierstrass,
    /// RFC 7748, `curve: "X25519"`.
    X25519,
}

/// The other side's public key and nonce, decoded and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerKey {
    pub curve: Curve,
    /// X ‖ Y big-endian (64 bytes) in the Weierstrass form, u little-endian (32 bytes) in that of RFC 7748.
    pub public: Box<[u8]>,
    pub nonce: [u8; 32],
}
