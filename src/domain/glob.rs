//! Patterns with `*` for any text: which customers, which FIUs. Compared without regard to case, as addresses are.

use std::fmt;

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(Box<str>);

impl Glob {
    pub fn new(pattern: &str) -> Self {
        Self(pattern.to_ascii_lowercase().into())
    }

    /// Whether the whole of the text is of this pattern.
    pub fn matches(&self, text: &str) -> bool {
        patterns_intersect(
            self.0.as_bytes(),
            text.to_ascii_lowercase().as_bytes(),
            false,
        )
    }

    /// Whether some text is of both patterns.
    pub fn overlaps(&self, other: &Self) -> bool {
        patterns_intersect(self.0.as_bytes(), other.0.as_bytes(), true)
    }

    /// How much it says: characters that are no `*`.
    pub fn literal_count(&self) -> usize {
        self.0.bytes().filter(|byte| *byte != b'*').count()
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether some text is of both; `wild`: a star in the second one is one too. `row[j]` says whether what is read of the
/// first meets the first `j` bytes of the second, so it costs the product of their lengths, whatever they are.
fn patterns_intersect(first: &[u8], second: &[u8], second_has_wildcards: bool) -> bool {
    let is_wildcard = |byte: u8| second_has_wildcards && byte == b'*';
    let mut row: Vec<bool> = vec![false; second.len() + 1];
    row[0] = true;
    for (j, byte) in second.iter().enumerate() {
        row[j + 1] = row[j] && is_wildcard(*byte);
    }
    for byte in first {
        let mut next = vec![false; second.len() + 1];
        next[0] = row[0] && *byte == b'*';
        for (j, other) in second.iter().enumerate() {
            // A star is nothing more, or takes one more of the other.
            next[j + 1] = if *byte == b'*' || is_wildcard(*other) {
                row[j + 1] || next[j]
            } else {
                row[j] && byte == other
            };
        }
        row = next;
    }
    row[second.len()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Glob;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, expected) in [
            ("9812345678@*", "9812345678@onemoney", true),
            ("*@mockaa", "A.B@Mockaa", true),
            ("*", "", true),
            ("a*b*c", "a--b--c", true),
            ("a*b*c", "a--c--b", false),
            ("abc", "abcd", false),
            ("", "", true),
        ] {
            assert_eq!(
                Glob::new(pattern).matches(text),
                expected,
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn patterns_overlap_when_a_text_is_of_both() {
        for (one, other, expected) in [
            ("98*", "*@mockaa", true),
            ("98*", "97*", false),
            ("*a", "*b", false),
            ("a*", "*b", true),
            ("a", "a", true),
            ("*", "x", true),
            ("a*c", "ab", false),
        ] {
            assert_eq!(
                Glob::new(one).overlaps(&Glob::new(other)),
                expected,
                "{one} {other}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_common_text_means_overlap(one in "[ab*]{0,5}", other in "[ab*]{0,5}", text in "[ab]{0,6}") {
            let (one, other) = (Glob::new(&one), Glob::new(&other));
            if one.matches(&text) && other.matches(&text) {
                prop_assert!(one.overlaps(&other));
            }
            prop_assert_eq!(one.overlaps(&other), other.overlaps(&one));
        }
    }
}
