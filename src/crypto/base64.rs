//! Base64 in the variants in use: base64url without padding in JWS and JWK, standard base64 in
//! secrets and signatures.

use base64_simd::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

pub fn url_encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// Decodes base64url without padding; `None` for any other text.
pub fn url_decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode_to_vec(text).ok()
}

/// Encodes as base64url with padding, the variant of web redirection.
pub fn url_encode_padded(bytes: &[u8]) -> String {
    URL_SAFE.encode_to_string(bytes)
}

/// Decodes base64 in either alphabet, padded or not. URLs and form decoders change the variant.
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

/// Decodes standard base64 with padding; `None` for any other text.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode_to_vec(text).ok()
}
