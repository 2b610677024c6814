//! The text of a PDF of the sandbox: its pages' contents, with each shown text in brackets.

use std::collections::HashMap;
use std::io::Read as _;

use flate2::read::ZlibDecoder;
use regex::bytes::{Captures, Regex};

/// The texts of a font's glyphs, by their numbers.
type GlyphTexts = HashMap<u16, String>;

/// Returns the contents of the pages, one after the other. A text that is shown reads `(Overview) Tj`.
///
/// # Panics
/// If the bytes are no PDF.
pub fn read_pdf_text(bytes: &[u8]) -> String {
    assert!(bytes.starts_with(b"%PDF-"), "no PDF");
    let objects = read_objects(bytes);
    let fonts = read_fonts(&objects);
    let page = pattern(r"/Type /Page\n(?s:.*?)/Contents (\d+) 0 R");
    let mut numbers: Vec<&u32> = objects.keys().collect();
    numbers.sort();
    let mut text = String::new();
    for number in numbers {
        let Some(found) = page.captures(objects[number]) else {
            continue;
        };
        text += "/Type /Page\n";
        text += &decode_content(&inflate(objects[&read_number(&found, 1)]), &fonts);
    }
    text
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern")
}

fn read_number(found: &Captures<'_>, group: usize) -> u32 {
    let digits = std::str::from_utf8(&found[group]).expect("digits");
    digits.parse().expect("a number")
}

/// Returns the objects by their numbers.
fn read_objects(bytes: &[u8]) -> HashMap<u32, &[u8]> {
    let start = pattern(r"(?-u)\n(\d+) 0 obj\n");
    let mut starts = start.captures_iter(bytes).peekable();
    let mut objects = HashMap::new();
    while let Some(found) = starts.next() {
        let end = starts
            .peek()
            .map_or(bytes.len(), |next| next.get_match().start());
        objects.insert(read_number(&found, 1), &bytes[found.get_match().end()..end]);
    }
    objects
}

/// Returns the bytes of a stream.
fn inflate(object: &[u8]) -> Vec<u8> {
    let start = pattern(r"(?-u)stream\n").find(object).expect("a stream");
    let mut bytes = Vec::new();
    let mut decoder = ZlibDecoder::new(&object[start.end()..]);
    decoder
        .read_to_end(&mut bytes)
        .expect("a compressed stream");
    bytes
}

/// Returns the fonts by the names that the pages have for them.
fn read_fonts(objects: &HashMap<u32, &[u8]>) -> HashMap<String, GlyphTexts> {
    let name = pattern(r"/(F\d+) (\d+) 0 R");
    let map = pattern(r"/ToUnicode (\d+) 0 R");
    let mut fonts = HashMap::new();
    for object in objects.values() {
        for found in name.captures_iter(object) {
            let Some(map) = map.captures(objects[&read_number(&found, 2)]) else {
                continue;
            };
            let texts = read_glyph_texts(&inflate(objects[&read_number(&map, 1)]));
            fonts.insert(String::from_utf8_lossy(&found[1]).into_owned(), texts);
        }
    }
    fonts
}

fn read_glyph_texts(map: &[u8]) -> GlyphTexts {
    let pair = pattern(r"<([0-9A-Fa-f]{4})> <([0-9A-Fa-f]+)>\n");
    let pairs = pair.captures_iter(map).map(|found| {
        let units = read_hex(&found[2]);
        (
            read_units(&read_hex(&found[1]))[0],
            String::from_utf16_lossy(&read_units(&units)),
        )
    });
    pairs.collect()
}

fn read_hex(digits: &[u8]) -> Vec<u8> {
    let pairs = digits.chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).expect("digits");
        u8::from_str_radix(pair, 16).expect("hexadecimal digits")
    });
    pairs.collect()
}

/// Returns the numbers of two bytes each.
fn read_units(bytes: &[u8]) -> Vec<u16> {
    let pairs = bytes.chunks_exact(2);
    pairs
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
        .collect()
}

/// Returns a page's content with the texts of its glyphs in place of their numbers.
fn decode_content(content: &[u8], fonts: &HashMap<String, GlyphTexts>) -> String {
    let choice = pattern(r"(?-u)^/(F\d+) [0-9.]+ Tf");
    let hex = pattern(r"(?-u)^<([0-9A-Fa-f]+)>");
    let (mut font, mut text, mut rest) = (None, String::new(), content);
    while let [first, after @ ..] = rest {
        let (codes, length) = if *first == b'(' {
            let length = literal_length(after);
            (unescape(&after[..length]), length + 2)
        } else if let Some(found) = hex.captures(rest) {
            (read_hex(&found[1]), found.get_match().len())
        } else {
            if let Some(found) = choice.captures(rest) {
                font = fonts.get(&*String::from_utf8_lossy(&found[1]));
            }
            text.push(char::from(*first));
            rest = after;
            continue;
        };
        let texts: &GlyphTexts = font.expect("a font before a text");
        let glyphs = read_units(&codes).into_iter();
        text.push('(');
        text.extend(glyphs.filter_map(|glyph| texts.get(&glyph).map(String::as_str)));
        text.push(')');
        rest = &rest[length..];
    }
    text
}

/// Returns the length of a literal string up to its closing bracket. Brackets in pairs are part of it.
fn literal_length(bytes: &[u8]) -> usize {
    let (mut depth, mut is_escaped) = (0, false);
    let is_end = |byte: &u8| {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'(' => depth += 1,
            b')' if depth == 0 => return true,
            b')' => depth -= 1,
            _ => {}
        }
        false
    };
    bytes.iter().position(is_end).expect("a closing bracket")
}

/// Returns the bytes of a literal string (ISO 32000-1, 7.3.4.2).
fn unescape(literal: &[u8]) -> Vec<u8> {
    let escape = pattern(r"(?s-u)\\([0-7]{1,3}|.)");
    let plain = escape.replace_all(literal, |found: &Captures<'_>| {
        let byte = match &found[1] {
            b"n" => b'\n',
            b"r" => b'\r',
            b"t" => b'\t',
            b"b" => 8,
            b"f" => 12,
            [byte] if !byte.is_ascii_digit() => *byte,
            digits => {
                let digits = std::str::from_utf8(digits).expect("digits");
                u8::from_str_radix(digits, 8).expect("a byte")
            }
        };
        vec![byte]
    });
    plain.into_owned()
}
