//! The alphabets in use: base64url without padding in JWS and JWK, standard base64 in secrets and signatures.

use base64_simd::{STANDARD, URL_SAFE_NO_PAD};

pub fn url_encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// The bytes, or `None` when the text is not base64url without padding.
pub fn url_decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode_to_vec(text).ok()
}

pub fn encode(bytes: &[u8]) -> String {
    STANDARD.encode_to_string(bytes)
}

/// The bytes, or `None` when the text is not standard base64 with padding.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode_to_vec(text).ok()
}
