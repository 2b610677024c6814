//! The code of a consent's short link (Unaport FIU API v2.0.0, `redirectUrl`).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::ids::ConsentHandle;

/// Six hexadecimal digits, as the service uses them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ShortCode(u32);

/// Length of the text, in characters.
const LENGTH: usize = 6;

/// Number of codes.
const COUNT: u32 = 1 << (4 * LENGTH);

impl ShortCode {
    /// Returns the codes that a consent may have, the first one first. They depend on its handle
    /// alone, so that unrelated consents do not change the link, unless the first one is taken.
    pub(crate) fn candidates(handle: ConsentHandle) -> impl Iterator<Item = Self> {
        let [.., a, b, c] = handle.bytes();
        let first = u32::from_be_bytes([0, a, b, c]);
        (0..COUNT).map(move |step| Self((first + step) % COUNT))
    }

    /// Parses six hexadecimal digits in lower case.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_code = text.len() == LENGTH
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let code = is_code.then(|| u32::from_str_radix(text, 16));
        code?.ok().map(Self)
    }
}

impl fmt::Display for ShortCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0LENGTH$x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::ShortCode;
    use crate::domain::ids::ConsentHandle;

    #[test]
    fn a_code_is_six_digits_of_the_handle_and_the_next_one_follows() {
        let handle = ConsentHandle::from_random([0xff; 16]);
        let codes: Vec<_> = ShortCode::candidates(handle).take(2).collect();
        assert_eq!(codes[0].to_string(), "ffffff");
        assert_eq!(codes[1].to_string(), "000000");
        assert_eq!(ShortCode::parse("ffffff"), Some(codes[0]));
        for text in ["", "12345", "1234567", "ABCDEF", "+12345", "12 456"] {
            assert_eq!(ShortCode::parse(text), None, "{text}");
        }
    }
}
