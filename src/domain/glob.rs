//! Patterns with `*` for any text, as scenarios use them for customers and FIUs. Matching ignores
//! ASCII case, as addresses do.

use std::fmt;

/// A pattern in which `*` matches any text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(Box<str>);

impl Glob {
    pub fn new(pattern: &str) -> Self {
        Self(pattern.to_ascii_lowercase().into())
    }

    /// Returns whether the pattern matches the whole text.
    pub fn matches(&self, text: &str) -> bool {
        patterns_intersect(
            self.0.as_bytes(),
            text.to_ascii_lowercase().as_bytes(),
            Wildcards::FirstOnly,
        )
    }

    /// Returns whether some text matches both patterns.
    pub fn overlaps(&self, other: &Self) -> bool {
        patterns_intersect(self.0.as_bytes(), other.0.as_bytes(), Wildcards::Both)
    }

    /// Returns the number of characters other than `*`; the specificity of the pattern.
    pub fn literal_count(&self) -> usize {
        self.0.bytes().filter(|byte| *byte != b'*').count()
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The patterns in which a `*` is a wildcard.
#[derive(Clone, Copy)]
enum Wildcards {
    FirstOnly,
    Both,
}

impl Wildcards {
    /// Returns whether the byte of the second pattern is a wildcard.
    fn in_second(self, byte: u8) -> bool {
        matches!(self, Self::Both) && byte == b'*'
    }
}

/// Returns whether some text matches both patterns. `row[j]` is true if the part of `first` that
/// has been read can match the first `j` bytes of `second`; the cost is the product of the two
/// lengths.
fn patterns_intersect(first: &[u8], second: &[u8], wildcards: Wildcards) -> bool {
    let mut row: Vec<bool> = vec![false; second.len() + 1];
    row[0] = true;
    for (j, byte) in second.iter().enumerate() {
        row[j + 1] = row[j] && wildcards.in_second(*byte);
    }
    for byte in first {
        let mut next = vec![false; second.len() + 1];
        next[0] = row[0] && *byte == b'*';
        for (j, other) in second.iter().enumerate() {
            // A wildcard matches nothing, or one more byte of the other pattern.
            next[j + 1] = if *byte == b'*' || wildcards.in_second(*other) {
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
