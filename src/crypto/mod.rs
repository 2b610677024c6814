//! Signatures: detached JWS over raw bytes as ReBIT participants exchange them, compact JWS of consent artefacts, and
//! the HMAC of Standard Webhooks. The arithmetic is `aws-lc-rs`; what no crate covers, `b64:false` detached JWS
//! (RFC 7797), is ours.
//!
//! A signature costs as much as fifteen consent requests, so callers on a request path make it on a blocking thread.

pub mod base64;
pub mod jws;
pub mod keys;
pub mod webhook;
