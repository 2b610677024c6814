//! Signatures: detached JWS over raw bytes as ReBIT participants exchange them, compact JWS of consent artefacts and of
//! tokens, the HMAC of Standard Webhooks. Encryption: of financial information to the FIU's key, of web redirections.
//! The arithmetic is that of `aws-lc-rs`; what no crate covers, `b64:false` detached JWS (RFC 7797) and the
//! Weierstrass form of Curve25519, is ours.
//!
//! A signature costs as much as fifteen consent requests, so callers on a request path make it on a blocking thread.

pub mod base64;
pub mod jws;
pub mod key_exchange;
pub mod keys;
pub mod redirection;
pub mod webhook;
mod weierstrass;
