//! The alphabets in use: base64url without padding in JWS and JWK, standard base64 in secrets and signatures.

use base64_simd::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

pub fn url_encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// The bytes, or `None` when the text is not base64url without padding.
pub fn url_decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode_to_vec(text).ok()
}

/// Base64url with padding, as web redirection has it.
pub fn url_encode_padded(bytes: &[u8]) -> String {
    URL_SAFE.encode_to_string(bytes)
}

/// The bytes of base64 in either alphabet, padded or not; for texts that have passed through other hands.
pub fn decode_any(text: &str) -> Option<Vec<u8>> {
    let url: String = text
        .trim_end_matches('=')
        .chars()
        .map(to_url_alphabet)
        .collect();
    url_decode(&url)
}

fn to_url_alphabet(c: char) -> char {
    match c {
        '+' => '-',
        '/' => '_',
        other => other,
    }
}

pub fn encode(bytes: &[u8]) -> String {
    STANDARD.encode_to_string(bytes)
}

/// The bytes, or `None` when the text is not standard base64 with padding.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode_to_vec(text).ok()
}
