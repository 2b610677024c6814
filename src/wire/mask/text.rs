//! Finds secrets in text of any other format: forms, XML, multipart forms, headers, broken JSON.

use std::ops::Range;

use super::json::{decode_json_string, find_string_end};
use super::multipart::PartMarks;
use super::{Secret, contains_secret, decode_percent, find_bytes};
use crate::domain::secret_names::is_secret_name;

/// Returns the secrets of a text. More is masked than is needed where its format is unclear. A caller
/// chooses the text, so the time grows with its length only.
pub(super) fn find_in_text(text: &[u8], form: TextForm, depth: usize) -> Vec<Secret> {
    let mut scanner = TextScanner {
        text,
        form,
        depth,
        parts: PartMarks::new(text),
        secrets: Vec::new(),
    };
    let mut at = 0;
    while at < text.len() {
        at = scanner.scan_at(at);
    }
    scanner.secrets
}

/// Kind of a text without a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextForm {
    /// A body. An unquoted value ends with its line, since a password may have spaces.
    Body,
    /// A sentence that quotes a URL or JSON. A value ends at white space.
    Message,
}

/// Finds names that carry a secret in text of any format, and takes what follows each as its value.
struct TextScanner<'a> {
    text: &'a [u8],
    form: TextForm,
    depth: usize,
    parts: PartMarks,
    secrets: Vec<Secret>,
}

impl TextScanner<'_> {
    /// Looks at one position and returns the next one.
    fn scan_at(&mut self, at: usize) -> usize {
        if self.text[at] == b'"' {
            // A name of JSON, whose letters may be escaped.
            let limit = self.text.len().min(at + NAME_BYTES_MAX + 1);
            let end = find_string_end(&self.text[..limit], at + 1);
            if end < limit {
                let name = decode_json_string(&self.text[at + 1..end]);
                let after = self.skip_while(end + 1, |byte| byte.is_ascii_whitespace());
                if self.text.get(after) == Some(&b':') && is_secret_name(&name) {
                    return self.take_json_value(after + 1);
                }
            }
            return at + 1;
        }
        if !is_name_byte(self.text[at]) {
            return at + 1;
        }
        let end = self.skip_while(at, is_name_byte);
        let name = String::from_utf8_lossy(&self.text[at..end]).into_owned();
        let decoded = decode_percent(&name);
        if name.contains('%') && contains_secret(&decoded, self.depth) {
            return self.push(at..end);
        }
        let is_secret = is_secret_name(&name) || is_secret_name(&String::from_utf8_lossy(&decoded));
        if is_secret {
            self.take_value_after(at, end)
        } else {
            end
        }
    }

    fn skip_while(&self, from: usize, matches: impl Fn(u8) -> bool) -> usize {
        from + count_while(self.text.get(from..).unwrap_or_default(), matches)
    }

    /// Takes the value of the secret name at `start..end`, if a value follows.
    fn take_value_after(&mut self, start: usize, end: usize) -> usize {
        let opening = start.checked_sub(1).map(|at| self.text[at]);
        if opening == Some(b'<') || (opening == Some(b':') && self.has_tag_prefix(start)) {
            return self.take_element(start, end);
        }
        if let Some(content) = self.parts.content_of(&(start..end)) {
            return self.push(content);
        }
        // Quotes, also escaped ones, and the bracket of `user[password]`.
        let closed = self.skip_while(end, |byte| matches!(byte, b'"' | b'\'' | b'\\' | b']'));
        let is_quoted = closed > end;
        let indexed = self.skip_indices(closed);
        let at = self.skip_while(indexed, |byte| matches!(byte, b' ' | b'\t' | b'+'));
        match self.text.get(at) {
            Some(b'=') => self.take_text_value(at + 1, b"&"),
            Some(b':') if is_quoted => self.take_json_value(at + 1),
            Some(b':') if self.form == TextForm::Body || self.has_clear_value(at + 1) => {
                self.take_text_value(at + 1, b"")
            }
            _ => end,
        }
    }

    /// Skips the indices of a form's field, as in `otp[]` and `password[0][x]`.
    fn skip_indices(&self, from: usize) -> usize {
        let mut at = from;
        while self.text.get(at) == Some(&b'[') {
            let end = self.skip_while(at + 1, is_name_byte);
            if self.text.get(end) != Some(&b']') {
                break;
            }
            at = end + 1;
        }
        at
    }

    /// Returns whether what follows the colon of a sentence is a value: a text in quotes, or
    /// credentials with their scheme.
    fn has_clear_value(&self, from: usize) -> bool {
        let start = self.skip_while(from, |byte| matches!(byte, b' ' | b'\t' | b'\\'));
        let rest = &self.text[start..];
        matches!(rest.first(), Some(b'"' | b'\'')) || scheme_length(rest) > 0
    }

    /// Takes a value that may be in quotes, escaped ones included; else it ends at one of `ends`,
    /// or as the form of the text says.
    fn take_text_value(&mut self, from: usize, ends: &[u8]) -> usize {
        let from = self.skip_while(from, |byte| matches!(byte, b'>' | b' ' | b'\t'));
        let quote_end = self.skip_while(from, |byte| byte == b'\\');
        if let Some(quote @ (b'"' | b'\'')) = self.text.get(quote_end) {
            let delimiter = [&self.text[from..quote_end], &[*quote]].concat();
            let start = quote_end + 1;
            let end = if delimiter.len() == 1 && *quote == b'"' {
                find_string_end(self.text, start)
            } else {
                let rest = &self.text[start..];
                find_bytes(rest, &delimiter).map_or(self.text.len(), |at| start + at)
            };
            return self.push(start..end);
        }
        let form = self.form;
        let scheme_end = from + scheme_length(&self.text[from..]);
        let end = self.skip_while(scheme_end, |byte| {
            let is_end = match form {
                TextForm::Body => matches!(byte, b'\n' | b'\r'),
                TextForm::Message => {
                    byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b')' | b'`')
                }
            };
            !is_end && !ends.contains(&byte)
        });
        if self.text[from..end].iter().all(|byte| *byte == b'=') {
            // The padding of Base64.
            return end;
        }
        self.push(from..end)
    }

    /// Takes a value of JSON that may be broken.
    fn take_json_value(&mut self, from: usize) -> usize {
        let start = self.skip_while(from, |byte| byte.is_ascii_whitespace());
        match self.text.get(start) {
            Some(b'"' | b'\'' | b'\\') => self.take_text_value(start, b""),
            Some(b'{' | b'[') => {
                let end = self.find_bracket_end(start);
                self.push(start..end)
            }
            _ => {
                let end = self.skip_while(start, |byte| {
                    !matches!(byte, b',' | b'}' | b']' | b'\n' | b'\r')
                });
                self.push(start..end)
            }
        }
    }

    /// Returns the position after the bracket that closes the one at `start`, or the end.
    fn find_bracket_end(&self, start: usize) -> usize {
        let (mut at, mut depth) = (start, 0);
        while at < self.text.len() {
            match self.text[at] {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    depth -= 1;
                    if depth == 0 {
                        return at + 1;
                    }
                }
                b'"' => at = find_string_end(self.text, at + 1),
                _ => {}
            }
            at += 1;
        }
        self.text.len()
    }

    /// Returns whether the name at `start` follows `<` and a prefix.
    fn has_tag_prefix(&self, start: usize) -> bool {
        let before = &self.text[..start - 1];
        let prefix = before.iter().rev().take_while(|byte| is_name_byte(**byte));
        let length = prefix.count();
        length > 0 && before.len() > length && before[before.len() - length - 1] == b'<'
    }

    /// Takes the content of an XML element. Elements of the same name within it belong to it; an end
    /// tag in a CDATA section or a comment ends nothing. The content of a start tag that is not closed
    /// begins with the next tag.
    fn take_element(&mut self, start: usize, end: usize) -> usize {
        let tag_end = self.skip_while(end, is_within_tag);
        let content = match self.text.get(tag_end) {
            Some(b'>') if self.text[tag_end - 1] != b'/' => tag_end + 1,
            Some(b'<') => tag_end,
            _ => return end,
        };
        let name = &self.text[start..end];
        let (mut at, mut depth) = (content, 0);
        while at < self.text.len() {
            if self.is_end_tag(at, name) {
                if depth == 0 {
                    break;
                }
                depth -= 1;
            } else if self.is_start_tag(at, name) {
                depth += 1;
            }
            at = self.find_section_end(at).unwrap_or(at + 1);
        }
        self.push(content..at)
    }

    /// Returns the end of the CDATA section or comment at a position; `None` if there is none.
    fn find_section_end(&self, at: usize) -> Option<usize> {
        let rest = &self.text[at..];
        let sections: [(&[u8], &[u8]); 2] = [(b"<![CDATA[", b"]]>"), (b"<!--", b"-->")];
        let (start, end) = sections
            .into_iter()
            .find(|(start, _)| rest.starts_with(start))?;
        let length = find_bytes(&rest[start.len()..], end);
        Some(length.map_or(self.text.len(), |length| {
            at + start.len() + length + end.len()
        }))
    }

    /// Returns whether a start tag of this name, with or without a prefix, is at a position. An
    /// empty element has no end tag and does not count.
    fn is_start_tag(&self, at: usize, name: &[u8]) -> bool {
        let Some(tag) = self.text[at..].strip_prefix(b"<") else {
            return false;
        };
        let tag = &tag[..count_while(tag, is_within_tag)];
        let tag_name = &tag[..count_while(tag, is_tag_name_byte)];
        !tag.ends_with(b"/") && strip_prefix_of_name(tag_name) == name
    }

    /// Returns whether the end tag of this name, with or without a prefix, is at a position.
    fn is_end_tag(&self, at: usize, name: &[u8]) -> bool {
        let Some(tag) = self.text[at..].strip_prefix(b"</") else {
            return false;
        };
        let length = count_while(tag, is_within_tag);
        let is_closed = tag.get(length) != Some(&b'<');
        is_closed && strip_prefix_of_name(tag[..length].trim_ascii()) == name
    }

    fn push(&mut self, secret: Range<usize>) -> usize {
        let end = secret.end;
        if secret.start < end {
            self.secrets.push(Secret::text(secret));
        }
        end
    }
}

/// Returns the length of an authentication scheme and the space after it, at the begin of a text.
fn scheme_length(text: &[u8]) -> usize {
    let schemes: [&[u8]; 2] = [b"bearer ", b"basic "];
    let scheme = schemes.into_iter().find(|scheme| {
        let start = text.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    scheme.map_or(0, <[u8]>::len)
}

/// Longest name that is read, in bytes.
const NAME_BYTES_MAX: usize = 200;

/// Returns the local part of an XML name.
fn strip_prefix_of_name(name: &[u8]) -> &[u8] {
    let prefix_length = name.iter().position(|byte| *byte == b':');
    &name[prefix_length.map_or(0, |at| at + 1)..]
}

fn count_while(text: &[u8], matches: impl Fn(u8) -> bool) -> usize {
    text.iter().take_while(|byte| matches(**byte)).count()
}

const fn is_within_tag(byte: u8) -> bool {
    !matches!(byte, b'<' | b'>')
}

const fn is_tag_name_byte(byte: u8) -> bool {
    is_name_byte(byte) || byte == b':'
}

const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'%') || byte >= 0x80
}
