//! Finds secrets in valid JSON.

use std::ops::Range;

use super::{Secret, SecretForm, contains_secret};
use crate::domain::secret_names::Exposure;

/// Returns the secrets of a text that is valid JSON. Any depth of it is read, since a caller chooses
/// it; `depth` is that of the text in others.
pub(super) fn find_in_json(text: &[u8], depth: usize) -> Vec<Secret> {
    let mut scanner = JsonScanner {
        text,
        depth,
        at: 0,
        open: Vec::new(),
        secrets: Vec::new(),
    };
    let mut next = Some(Exposure::Open);
    while let Some(exposure) = next {
        scanner.scan_value(exposure);
        next = scanner.find_next_value();
    }
    scanner.secrets
}

/// Finds the secrets in text that is valid JSON.
struct JsonScanner<'a> {
    text: &'a [u8],
    depth: usize,
    at: usize,
    /// The objects and lists around the position, outermost first.
    open: Vec<Container>,
    secrets: Vec<Secret>,
}

/// An object or a list.
#[derive(Clone, Copy)]
struct Container {
    is_object: bool,
    exposure: Exposure,
}

impl JsonScanner<'_> {
    /// Scans a string, a number or a literal, or enters an object or a list.
    fn scan_value(&mut self, exposure: Exposure) {
        match self.skip_space() {
            bracket @ (b'{' | b'[') => {
                self.at += 1;
                self.open.push(Container {
                    is_object: bracket == b'{',
                    exposure,
                });
            }
            b'"' => {
                let content = self.take_string();
                let is_secret = match exposure {
                    Exposure::Open => {
                        let text = decode_json_string(&self.text[content.clone()]);
                        contains_secret(text.as_bytes(), self.depth)
                    }
                    Exposure::Secret => true,
                    Exposure::Public => false,
                };
                if is_secret && !content.is_empty() {
                    self.secrets.push(Secret::text(content));
                }
            }
            first => {
                let start = self.at;
                while self.text.get(self.at).is_some_and(|byte| {
                    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
                }) {
                    self.at += 1;
                }
                // `true`, `false` and `null` tell nothing.
                if exposure == Exposure::Secret && !first.is_ascii_alphabetic() {
                    self.secrets.push(Secret {
                        range: start..self.at,
                        form: SecretForm::Number,
                    });
                }
            }
        }
    }

    /// Moves to the next value and returns its exposure; `None` at the end of the text.
    fn find_next_value(&mut self) -> Option<Exposure> {
        loop {
            let Container {
                is_object,
                exposure,
            } = *self.open.last()?;
            match self.skip_space() {
                b'}' | b']' => {
                    self.at += 1;
                    self.open.pop();
                }
                b',' => self.at += 1,
                _ if is_object => {
                    let name = self.take_string();
                    let name = decode_json_string(&self.text[name]);
                    self.skip_space();
                    self.at += 1;
                    return Some(exposure.below_name(&name));
                }
                _ => return Some(exposure),
            }
        }
    }

    /// Skips white space and returns the byte after it; a zero at the end.
    fn skip_space(&mut self) -> u8 {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.get(self.at).copied().unwrap_or_default()
    }

    /// Takes a string and returns the range between its quotes.
    fn take_string(&mut self) -> Range<usize> {
        let start = self.at + 1;
        self.at = find_string_end(self.text, start);
        let content = start..self.at;
        self.at += 1;
        content
    }
}

/// Returns the position of the quote that ends a JSON string, or the end of the text.
pub(super) fn find_string_end(text: &[u8], start: usize) -> usize {
    let mut at = start;
    while at < text.len() && text[at] != b'"' {
        at += if text[at] == b'\\' { 2 } else { 1 };
    }
    at.min(text.len())
}

pub(super) fn decode_json_string(content: &[u8]) -> String {
    let content = String::from_utf8_lossy(content);
    serde_json::from_str(&format!("\"{content}\"")).unwrap_or_else(|_| content.into_owned())
}
