//! Base64 in the variants in use: base64url without padding in JWS and JWK, standard base64 in
//! secrets and signatures.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::{NO_PAD, PAD};
use base64::engine::simd::Simd;

// Each engine selects the instructions of the processor when it is first used.
static STANDARD: LazyLock<Simd> = LazyLock::new(|| Simd::standard(PAD));
static URL_SAFE: LazyLock<Simd> = LazyLock::new(|| Simd::url_safe(PAD));
static URL_SAFE_NO_PAD: LazyLock<Simd> = LazyLock::new(|| Simd::url_safe(NO_PAD));

pub fn url_encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes base64url without padding; `None` for any other text.
pub fn url_decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Encodes as base64url with padding, the variant of web redirection.
pub(crate) fn url_encode_padded(bytes: &[u8]) -> String {
    URL_SAFE.encode(bytes)
}

/// Decodes base64 in either alphabet, padded or not. URLs and form decoders change the variant.
pub(crate) fn decode_any(text: &str) -> Option<Vec<u8>> {
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
    STANDARD.encode(bytes)
}

/// Decodes standard base64 with padding; `None` for any other text.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}
