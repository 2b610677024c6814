//! Owns the comparison of secrets.

use subtle::ConstantTimeEq;

/// Returns whether a presented key, token, password or signature equals the expected one. The time
/// that it takes depends on the lengths only, so that a caller cannot guess a secret byte by byte.
pub(crate) fn equals_secret(presented: impl AsRef<[u8]>, expected: impl AsRef<[u8]>) -> bool {
    presented.as_ref().ct_eq(expected.as_ref()).into()
}

#[cfg(test)]
mod tests {
    use super::equals_secret;

    #[test]
    fn equal_secrets_are_equal() {
        assert!(equals_secret("token", b"token"));
        for presented in ["", "toke", "tokeN", "token ", "Token"] {
            assert!(!equals_secret(presented, "token"), "{presented}");
        }
    }
}
