//! Owns the form in which messages, notes and logs quote text of other authors.

use std::borrow::Cow;
use std::path::Path;

/// Returns the value in single quotes for an error message, cut after 80 characters, with its
/// control characters escaped.
pub(crate) fn quote_value(value: &str) -> String {
    const CHARS_MAX: usize = 80;
    match value.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("'{}…'", escape_controls(&value[..end])),
        None => format!("'{}'", escape_controls(value)),
    }
}

/// Returns the text on one line: control characters as `\n`, `\t` or `\u{1b}`. Text from a caller
/// can neither begin a log line of its own nor change how a terminal shows the others.
pub(crate) fn escape_controls(text: &str) -> Cow<'_, str> {
    escape_characters(text, is_control, append_rust_escape)
}

/// Returns a path on one line, with its control characters escaped.
pub(crate) fn display_path(path: impl AsRef<Path>) -> String {
    escape_controls(&path.as_ref().display().to_string()).into_owned()
}

/// Returns a text of several lines with all control characters but its line feeds escaped.
pub(crate) fn escape_line_controls(text: &str) -> Cow<'_, str> {
    let is_escaped = |character| character != '\n' && is_control(character);
    escape_characters(text, is_escaped, append_rust_escape)
}

/// Returns a line of JSON with its control characters in JSON's escape, such as `\u001b`; the JSON
/// keeps its meaning, since they stand in its strings only.
pub(crate) fn escape_json_controls(line: &str) -> Cow<'_, str> {
    escape_characters(line, is_control, |character, escaped| {
        for unit in character.encode_utf16(&mut [0; 2]) {
            *escaped += &format!("\\u{unit:04x}");
        }
    })
}

fn append_rust_escape(character: char, escaped: &mut String) {
    escaped.extend(character.escape_default());
}

fn escape_characters(
    text: &str,
    is_escaped: impl Fn(char) -> bool,
    append_escape: impl Fn(char, &mut String),
) -> Cow<'_, str> {
    if !text.chars().any(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_escaped(character) {
            append_escape(character, &mut escaped);
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

/// Returns whether a character ends a line, moves the cursor, reorders its neighbours or is
/// invisible: the controls C0 and C1, line and paragraph separators, and Unicode's format
/// characters for direction, width and tags.
pub(crate) const fn is_control(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// Returns whether a text has the form of a PAN: five letters, four digits and a letter.
pub(crate) fn is_pan(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 10
        && bytes[..5].iter().all(u8::is_ascii_alphabetic)
        && bytes[5..9].iter().all(u8::is_ascii_digit)
        && bytes[9].is_ascii_alphabetic()
}

#[cfg(test)]
mod tests {
    use super::{escape_controls, escape_line_controls, quote_value};

    #[test]
    fn quoted_text_cannot_leave_its_line() {
        for (text, expected) in [
            ("a\nb", r"'a\nb'"),
            ("a\r\tb", r"'a\r\tb'"),
            ("\u{1b}[31mred", r"'\u{1b}[31mred'"),
            ("\u{9b}2J", r"'\u{9b}2J'"),
            ("a\u{85}b\u{2028}c", r"'a\u{85}b\u{2028}c'"),
            ("\u{202e}gnp.exe", r"'\u{202e}gnp.exe'"),
            ("a\u{200b}b\u{feff}", r"'a\u{200b}b\u{feff}'"),
            ("ₓ é अ \\ '", r"'ₓ é अ \ ''"),
        ] {
            assert_eq!(quote_value(text), expected);
        }
        let long = "\n".repeat(81);
        assert_eq!(quote_value(&long), format!("'{}…'", r"\n".repeat(80)));
    }

    #[test]
    fn a_text_of_several_lines_keeps_its_line_feeds_only() {
        assert_eq!(escape_line_controls("a\nb\r\u{1b}[0m"), "a\nb\\r\\u{1b}[0m");
        assert!(matches!(
            escape_controls("plain"),
            std::borrow::Cow::Borrowed("plain")
        ));
    }
}
