//! JSON text printed again in other layouts. Strings and numbers keep their spelling unless a style
//! changes it, and keys keep their order, so that the result is what another JSON library prints.

use std::fmt::Write as _;

/// Deepest nesting that is parsed.
const DEPTH_MAX: usize = 64;

/// A JSON value whose scalars are the text that arrived.
#[derive(Debug)]
pub(super) enum JsonNode<'a> {
    Object(Vec<(JsonString<'a>, JsonNode<'a>)>),
    Array(Vec<JsonNode<'a>>),
    String(JsonString<'a>),
    Number(&'a str),
    /// `true`, `false` or `null`.
    Literal(&'a str),
}

/// A string with its text in quotes and its content; without content if it is no valid Unicode.
#[derive(Debug)]
pub(super) struct JsonString<'a> {
    text: &'a str,
    content: Option<String>,
}

impl<'a> JsonString<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            content: serde_json::from_str(text).ok(),
        }
    }

    /// Returns the content; the text where it has none.
    pub(super) fn content(&self) -> &str {
        self.content.as_deref().unwrap_or(self.text)
    }
}

/// White space and separators of a printed value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// One line, with these separators of items and of keys.
    Line {
        item: &'static str,
        key: &'static str,
    },
    /// One item on a line, indented by this text for each level.
    Indented(&'static str),
    /// Format of Java's Jackson: objects on lines, arrays in lines, a space before each colon.
    Jackson,
}

impl Layout {
    pub(super) const COMPACT: Self = Self::Line {
        item: ",",
        key: ":",
    };
    pub(super) const PYTHON: Self = Self::Line {
        item: ", ",
        key: ": ",
    };
    pub(super) const ALL: [Self; 9] = [
        Self::COMPACT,
        Self::PYTHON,
        Self::Indented("  "),
        Self::Indented("    "),
        Self::Indented("\t"),
        Self::Jackson,
        Self::Line {
            item: ",",
            key: ": ",
        },
        Self::Line {
            item: ", ",
            key: ":",
        },
        Self::Indented("   "),
    ];

    fn describe(self) -> &'static str {
        match self {
            Self::Line {
                item: ",",
                key: ":",
            } => "compact (no white space)",
            Self::Line {
                item: ", ",
                key: ": ",
            } => "in Python's style (`, ` and `: `)",
            Self::Line { item: ",", .. } => "in one line with `,` and `: `",
            Self::Line { .. } => "in one line with `, ` and `:`",
            Self::Indented("  ") => "indented by 2 spaces",
            Self::Indented("    ") => "indented by 4 spaces",
            Self::Indented("\t") => "indented by a tab",
            Self::Indented(_) => "indented by 3 spaces",
            Self::Jackson => "in Jackson's indented style (` : `)",
        }
    }
}

/// Order of the keys of each object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyOrder {
    Received,
    Sorted,
    /// By length, then alphabetically, as PostgreSQL and MySQL store JSON.
    ByLength,
}

impl KeyOrder {
    pub(super) const ALL: [Self; 3] = [Self::Received, Self::Sorted, Self::ByLength];
}

/// Spelling of strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escapes {
    Received,
    /// Only what JSON demands is escaped.
    Minimal,
    /// Characters beyond ASCII as `\uXXXX`.
    Ascii,
    /// The same with hexadecimal digits in upper case.
    UpperAscii,
    /// A slash as `\/`.
    Slash,
    /// Both, as PHP does.
    Php,
    /// `<`, `>` and `&` as `\uXXXX`, as Go does.
    Go,
    /// `<`, `>`, `&`, `=` and `'` as `\uXXXX`, as Java's Gson does.
    Gson,
    /// All that HTML could misread and all beyond ASCII, in upper case, as .NET does.
    DotNet,
}

impl Escapes {
    pub(super) const ALL: [Self; 9] = [
        Self::Received,
        Self::Minimal,
        Self::Ascii,
        Self::UpperAscii,
        Self::Slash,
        Self::Php,
        Self::Go,
        Self::Gson,
        Self::DotNet,
    ];

    const fn describe(self) -> &'static str {
        match self {
            Self::Received => "",
            Self::Minimal => ", strings in raw UTF-8 with no needless escape",
            Self::Ascii => ", characters beyond ASCII as \\uXXXX",
            Self::UpperAscii => ", characters beyond ASCII as \\uXXXX in upper case",
            Self::Slash => ", each / as \\/",
            Self::Php => ", each / as \\/ and characters beyond ASCII as \\uXXXX (PHP)",
            Self::Go => ", < > & as \\uXXXX (Go)",
            Self::Gson => ", < > & = ' as \\uXXXX (Gson)",
            Self::DotNet => ", \" < > & + ' and characters beyond ASCII as \\uXXXX (.NET)",
        }
    }

    fn is_escaped(self, c: char) -> bool {
        match self {
            Self::Received | Self::Minimal | Self::Slash => false,
            Self::Ascii | Self::UpperAscii | Self::Php => !c.is_ascii(),
            Self::Go => matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}'),
            Self::Gson => matches!(c, '<' | '>' | '&' | '=' | '\'' | '\u{2028}' | '\u{2029}'),
            Self::DotNet => !c.is_ascii() || matches!(c, '"' | '<' | '>' | '&' | '+' | '\'' | '`'),
        }
    }

    fn write_string(self, string: &JsonString<'_>, out: &mut String) {
        let content = match &string.content {
            Some(content) if self != Self::Received => content,
            _ => return out.push_str(string.text),
        };
        out.push('"');
        for c in content.chars() {
            match c {
                c if self.is_escaped(c) => self.write_code(c, out),
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\u{8}' => out.push_str("\\b"),
                '\u{c}' => out.push_str("\\f"),
                '/' if matches!(self, Self::Slash | Self::Php) => out.push_str("\\/"),
                c if c < ' ' => self.write_code(c, out),
                c => out.push(c),
            }
        }
        out.push('"');
    }

    fn write_code(self, c: char, out: &mut String) {
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = if matches!(self, Self::UpperAscii | Self::DotNet) {
                write!(out, "\\u{unit:04X}")
            } else {
                write!(out, "\\u{unit:04x}")
            };
        }
    }
}

/// Spelling of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbers {
    Received,
    /// The shortest form, as JavaScript prints: `1` for `1.0`.
    Shortest,
    /// Always with a fraction: `1.0` for `1`.
    Fraction,
}

impl Numbers {
    pub(super) const ALL: [Self; 3] = [Self::Received, Self::Shortest, Self::Fraction];

    const fn describe(self) -> &'static str {
        match self {
            Self::Received => "",
            Self::Shortest => ", numbers in their shortest form (1 for 1.0)",
            Self::Fraction => ", whole numbers with a fraction (1.0 for 1)",
        }
    }

    fn write_number(self, text: &str, out: &mut String) {
        let number = match (self, text.parse::<f64>()) {
            (Self::Shortest | Self::Fraction, Ok(number)) if number.abs() < 1e21 => number,
            _ => return out.push_str(text),
        };
        let _ = if self == Self::Fraction && number.fract() == 0.0 {
            write!(out, "{number:.1}")
        } else {
            write!(out, "{number}")
        };
    }
}

/// Members whose value is null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NullMembers {
    Keep,
    Omit,
}

/// Style in which a value is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct JsonStyle {
    pub layout: Layout,
    pub order: KeyOrder,
    pub escapes: Escapes,
    pub numbers: Numbers,
    pub nulls: NullMembers,
}

impl JsonStyle {
    /// Style that changes the layout and the order only.
    pub(super) const fn new(layout: Layout, order: KeyOrder) -> Self {
        Self {
            layout,
            order,
            escapes: Escapes::Received,
            numbers: Numbers::Received,
            nulls: NullMembers::Keep,
        }
    }

    /// Returns the style in words, such as `indented by 2 spaces with its keys in their order`.
    pub(super) fn describe(&self) -> String {
        let order = match self.order {
            KeyOrder::Received => "its keys in their order",
            KeyOrder::Sorted => "sorted keys",
            KeyOrder::ByLength => "its keys sorted by length",
        };
        let nulls = match self.nulls {
            NullMembers::Keep => "",
            NullMembers::Omit => ", without members that are null",
        };
        format!(
            "{} with {order}{}{}{nulls}",
            self.layout.describe(),
            self.escapes.describe(),
            self.numbers.describe()
        )
    }
}

impl<'a> JsonNode<'a> {
    /// Parses a text that is valid JSON and not nested too deeply; else `None`.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        serde_json::from_str::<serde::de::IgnoredAny>(text).ok()?;
        let mut parser = Parser { rest: text };
        parser.parse_value(0)
    }

    /// Returns the members of an object; none for another value.
    pub(super) fn members(&self) -> &[(JsonString<'a>, JsonNode<'a>)] {
        match self {
            Self::Object(members) => members,
            _ => &[],
        }
    }

    /// Prints the value.
    pub(super) fn print(&self, style: &JsonStyle) -> String {
        let mut out = String::new();
        self.write_to(style, 0, &mut out);
        out
    }

    fn write_to(&self, style: &JsonStyle, level: usize, out: &mut String) {
        match self {
            Self::String(string) => style.escapes.write_string(string, out),
            Self::Number(text) => style.numbers.write_number(text, out),
            Self::Literal(text) => out.push_str(text),
            Self::Array(items) => {
                let inner_level = match style.layout {
                    Layout::Jackson => level,
                    _ => level + 1,
                };
                let brackets = Brackets::for_array(style.layout);
                brackets.write_items(level, out, items.iter(), |item, out| {
                    item.write_to(style, inner_level, out);
                });
            }
            Self::Object(members) => {
                let mut members: Vec<_> = members
                    .iter()
                    .filter(|(_, value)| {
                        style.nulls == NullMembers::Keep || !matches!(value, Self::Literal("null"))
                    })
                    .collect();
                match style.order {
                    KeyOrder::Received => {}
                    KeyOrder::Sorted => members.sort_by(|a, b| a.0.content().cmp(b.0.content())),
                    KeyOrder::ByLength => members.sort_by(|a, b| {
                        let (a, b) = (a.0.content(), b.0.content());
                        (a.len(), a).cmp(&(b.len(), b))
                    }),
                }
                let colon = match style.layout {
                    Layout::Line { key, .. } => key,
                    Layout::Indented(_) => ": ",
                    Layout::Jackson => " : ",
                };
                let brackets = Brackets::for_object(style.layout);
                brackets.write_items(level, out, members.into_iter(), |(key, value), out| {
                    style.escapes.write_string(key, out);
                    out.push_str(colon);
                    value.write_to(style, level + 1, out);
                });
            }
        }
    }

    /// Prints the value as Python's `str` shows a dictionary.
    pub(super) fn print_as_python(&self) -> String {
        let mut out = String::new();
        self.write_as_python(&mut out);
        out
    }

    fn write_as_python(&self, out: &mut String) {
        let write_text = |string: &JsonString<'_>, out: &mut String| {
            let content = string.content();
            let quote = if content.contains('\'') && !content.contains('"') {
                '"'
            } else {
                '\''
            };
            let escaped = content
                .replace('\\', "\\\\")
                .replace('\n', "\\n")
                .replace('\r', "\\r")
                .replace('\t', "\\t");
            let escaped = if quote == '\'' {
                escaped.replace('\'', "\\'")
            } else {
                escaped
            };
            let _ = write!(out, "{quote}{escaped}{quote}");
        };
        match self {
            Self::String(string) => write_text(string, out),
            Self::Number(text) => out.push_str(text),
            Self::Literal(text) => out.push_str(match *text {
                "true" => "True",
                "false" => "False",
                _ => "None",
            }),
            Self::Array(items) => {
                let brackets = Brackets::for_array(Layout::PYTHON);
                brackets.write_items(0, out, items.iter(), Self::write_as_python);
            }
            Self::Object(members) => {
                let brackets = Brackets::for_object(Layout::PYTHON);
                brackets.write_items(0, out, members.iter(), |(key, value), out| {
                    write_text(key, out);
                    out.push_str(": ");
                    value.write_as_python(out);
                });
            }
        }
    }

    /// Prints the value as Java's `Map.toString` does.
    pub(super) fn print_as_java(&self) -> String {
        let mut out = String::new();
        self.write_as_java(&mut out);
        out
    }

    fn write_as_java(&self, out: &mut String) {
        match self {
            Self::String(string) => out.push_str(string.content()),
            Self::Number(text) | Self::Literal(text) => out.push_str(text),
            Self::Array(items) => {
                let brackets = Brackets::for_array(Layout::PYTHON);
                brackets.write_items(0, out, items.iter(), Self::write_as_java);
            }
            Self::Object(members) => {
                let brackets = Brackets::for_object(Layout::PYTHON);
                brackets.write_items(0, out, members.iter(), |(key, value), out| {
                    out.push_str(key.content());
                    out.push('=');
                    value.write_as_java(out);
                });
            }
        }
    }
}

/// Brackets of an array or object, and what separates its items.
struct Brackets {
    open: char,
    close: char,
    separator: &'static str,
    /// Text between a bracket and the items; `None` for a line break with indentation.
    gap: Option<&'static str>,
    indent: &'static str,
    empty: &'static str,
}

impl Brackets {
    fn for_array(layout: Layout) -> Self {
        Self::new(layout, '[', ']', "[ ]", "[]", Some(" "))
    }

    fn for_object(layout: Layout) -> Self {
        Self::new(layout, '{', '}', "{ }", "{}", None)
    }

    fn new(
        layout: Layout,
        open: char,
        close: char,
        spaced: &'static str,
        empty: &'static str,
        jackson_gap: Option<&'static str>,
    ) -> Self {
        let (separator, gap, indent, empty) = match layout {
            Layout::Line { item, .. } => (item, Some(""), "", empty),
            Layout::Indented(indent) => (",", None, indent, empty),
            Layout::Jackson if jackson_gap.is_some() => (", ", jackson_gap, "", spaced),
            Layout::Jackson => (",", None, "  ", spaced),
        };
        Self {
            open,
            close,
            separator,
            gap,
            indent,
            empty,
        }
    }

    fn write_items<T>(
        &self,
        level: usize,
        out: &mut String,
        items: impl ExactSizeIterator<Item = T>,
        mut write_item: impl FnMut(T, &mut String),
    ) {
        if items.len() == 0 {
            return out.push_str(self.empty);
        }
        let write_gap = |level: usize, out: &mut String| {
            if let Some(gap) = self.gap {
                out.push_str(gap);
            } else {
                out.push('\n');
                out.push_str(&self.indent.repeat(level));
            }
        };
        out.push(self.open);
        for (index, item) in items.enumerate() {
            if index > 0 {
                out.push_str(self.separator);
            }
            if index == 0 || self.gap.is_none() {
                write_gap(level + 1, out);
            }
            write_item(item, out);
        }
        write_gap(level, out);
        out.push(self.close);
    }
}

/// Parser of a text that is known to be valid JSON.
struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    /// Removes white space, and this character if it comes next.
    fn skip_past(&mut self, expected: char) -> bool {
        self.rest = self.rest.trim_ascii_start();
        match self.rest.strip_prefix(expected) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn take_bytes(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    fn parse_string(&mut self) -> Option<JsonString<'a>> {
        self.rest = self.rest.trim_ascii_start();
        let mut is_escaped = true;
        let end = self.rest.bytes().position(|byte| {
            let is_end = byte == b'"' && !is_escaped;
            is_escaped = byte == b'\\' && !is_escaped;
            is_end
        })?;
        Some(JsonString::new(self.take_bytes(end + 1)))
    }

    fn parse_value(&mut self, depth: usize) -> Option<JsonNode<'a>> {
        if depth > DEPTH_MAX {
            return None;
        }
        if self.skip_past('{') {
            let mut members = Vec::new();
            while !self.skip_past('}') {
                self.skip_past(',');
                let key = self.parse_string()?;
                self.skip_past(':');
                members.push((key, self.parse_value(depth + 1)?));
            }
            return Some(JsonNode::Object(members));
        }
        if self.skip_past('[') {
            let mut items = Vec::new();
            while !self.skip_past(']') {
                self.skip_past(',');
                items.push(self.parse_value(depth + 1)?);
            }
            return Some(JsonNode::Array(items));
        }
        if self.rest.starts_with('"') {
            return Some(JsonNode::String(self.parse_string()?));
        }
        let end = self
            .rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')))
            .unwrap_or(self.rest.len());
        let text = self.take_bytes(end);
        Some(if text.starts_with(|c: char| c.is_ascii_alphabetic()) {
            JsonNode::Literal(text)
        } else {
            JsonNode::Number(text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Escapes, JsonNode, JsonStyle, KeyOrder, Layout, Numbers};

    const TEXT: &str = r#" {"b":[1.0,{"c":"a\/b अ=<"}], "a":{}, "b":12345678901234567890,"e":[]} "#;

    fn print(change: impl Fn(&mut JsonStyle)) -> String {
        let mut style = JsonStyle::new(Layout::COMPACT, KeyOrder::Received);
        change(&mut style);
        JsonNode::parse(TEXT).expect("JSON").print(&style)
    }

    #[test]
    fn a_printed_value_keeps_its_order_its_duplicates_and_its_spelling() {
        assert_eq!(print(|_| {}), TEXT.replace(' ', "").replace("अ", " अ"));
        assert_eq!(
            print(|style| style.order = KeyOrder::Sorted),
            r#"{"a":{},"b":[1.0,{"c":"a\/b अ=<"}],"b":12345678901234567890,"e":[]}"#
        );
    }

    #[test]
    fn layouts_are_those_of_the_libraries() {
        assert_eq!(
            print(|style| style.layout = Layout::PYTHON),
            r#"{"b": [1.0, {"c": "a\/b अ=<"}], "a": {}, "b": 12345678901234567890, "e": []}"#
        );
        assert_eq!(
            print(|style| style.layout = Layout::Indented("  ")),
            "{\n  \"b\": [\n    1.0,\n    {\n      \"c\": \"a\\/b अ=<\"\n    }\n  ],\n  \"a\": {},\n  \"b\": 12345678901234567890,\n  \"e\": []\n}"
        );
        assert_eq!(
            print(|style| style.layout = Layout::Jackson),
            "{\n  \"b\" : [ 1.0, {\n    \"c\" : \"a\\/b अ=<\"\n  } ],\n  \"a\" : { },\n  \"b\" : 12345678901234567890,\n  \"e\" : [ ]\n}"
        );
    }

    #[test]
    fn strings_and_numbers_change_only_where_the_style_says_so() {
        let string = |escapes| {
            let text = print(|style| style.escapes = escapes);
            text.split("\"c\":").nth(1).expect("a member")[..]
                .split('}')
                .next()
                .expect("its value")
                .to_owned()
        };
        assert_eq!(string(Escapes::Minimal), r#""a/b अ=<""#);
        assert_eq!(string(Escapes::Php), r#""a\/b \u0905=<""#);
        assert_eq!(string(Escapes::Gson), r#""a/b अ\u003d\u003c""#);
        assert_eq!(string(Escapes::DotNet), r#""a/b \u0905=\u003C""#);
        assert!(print(|style| style.numbers = Numbers::Shortest).starts_with(r#"{"b":[1,"#));
        assert!(print(|style| style.numbers = Numbers::Fraction).starts_with(r#"{"b":[1.0,"#));
    }
}
