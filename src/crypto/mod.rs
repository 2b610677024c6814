//! Signatures and encryption of the AA ecosystem: detached JWS over raw bytes, compact JWS of
//! consent artefacts and tokens, the HMAC of Standard Webhooks, encryption of financial information
//! to the FIU's key, encryption of web redirections.
//!
//! The primitives are those of `aws-lc-rs`. Two parts that no crate covers are implemented here:
//! detached JWS with `b64:false` (RFC 7797) and the Weierstrass form of Curve25519.
//!
//! An RSA signature takes as long as fifteen consent requests, so callers on a request path make it
//! on a blocking thread.

pub(crate) mod base64;
pub(crate) mod development_ca;
pub(crate) mod jws;
pub(crate) mod key_exchange;
pub(crate) mod keys;
pub(crate) mod redirection;
pub(crate) mod trust;
pub(crate) mod webhook;
mod weierstrass;
