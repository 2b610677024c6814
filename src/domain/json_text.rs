//! JSON as text: edited, or printed again in another layout. Strings and numbers keep their spelling
//! unless a style changes it, and keys keep their order. An edit keeps all other bytes.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// Deepest nesting that is parsed.
const DEPTH_MAX: usize = 64;

/// A JSON value with its text.
#[derive(Debug)]
pub(crate) struct JsonNode<'a> {
    text: &'a str,
    kind: JsonKind<'a>,
}

#[derive(Debug)]
enum JsonKind<'a> {
    Object(Vec<JsonMember<'a>>),
    Array(Vec<JsonItem<'a>>),
    String(JsonString<'a>),
    Number,
    /// `true`, `false` or `null`.
    Literal,
}

/// A member of an object.
#[derive(Debug)]
pub(crate) struct JsonMember<'a> {
    /// White space before the key.
    lead: &'a str,
    pub key: JsonString<'a>,
    /// Text between key and value: the colon, and white space around it.
    colon: &'a str,
    pub value: JsonNode<'a>,
    /// White space after the value.
    trail: &'a str,
}

/// An item of an array.
#[derive(Debug)]
struct JsonItem<'a> {
    /// White space before the value.
    lead: &'a str,
    value: JsonNode<'a>,
    /// White space after the value.
    trail: &'a str,
}

/// A string with its text in quotes and its content; without content if it is no valid Unicode.
#[derive(Debug)]
pub(crate) struct JsonString<'a> {
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
    pub(crate) fn content(&self) -> &str {
        self.content.as_deref().unwrap_or(self.text)
    }
}

/// White space and separators of a printed value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
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
    pub(crate) const COMPACT: Self = Self::Line {
        item: ",",
        key: ":",
    };
    pub(crate) const PYTHON: Self = Self::Line {
        item: ", ",
        key: ": ",
    };
    pub(crate) const ALL: [Self; 9] = [
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
pub(crate) enum KeyOrder {
    Received,
    Sorted,
    /// By length, then alphabetically, as PostgreSQL and MySQL store JSON.
    ByLength,
}

impl KeyOrder {
    pub(crate) const ALL: [Self; 3] = [Self::Received, Self::Sorted, Self::ByLength];
}

/// Spelling of strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escapes {
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
    pub(crate) const ALL: [Self; 9] = [
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
pub(crate) enum Numbers {
    Received,
    /// The shortest form, as JavaScript prints: `1` for `1.0`.
    Shortest,
    /// Always with a fraction: `1.0` for `1`.
    Fraction,
}

impl Numbers {
    pub(crate) const ALL: [Self; 3] = [Self::Received, Self::Shortest, Self::Fraction];

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
pub(crate) enum NullMembers {
    Keep,
    Omit,
}

/// Style in which a value is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JsonStyle {
    pub layout: Layout,
    pub order: KeyOrder,
    pub escapes: Escapes,
    pub numbers: Numbers,
    pub nulls: NullMembers,
}

impl JsonStyle {
    /// Style that changes the layout and the order only.
    pub(crate) const fn new(layout: Layout, order: KeyOrder) -> Self {
        Self {
            layout,
            order,
            escapes: Escapes::Received,
            numbers: Numbers::Received,
            nulls: NullMembers::Keep,
        }
    }

    /// Returns the style in words, such as `indented by 2 spaces with its keys in their order`.
    pub(crate) fn describe(&self) -> String {
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
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        serde_json::from_str::<serde::de::IgnoredAny>(text).ok()?;
        Parser {
            rest: text.trim_ascii_start(),
        }
        .parse_value(0)
    }

    /// Returns the members of an object; none for another value.
    pub(crate) fn members(&self) -> &[JsonMember<'a>] {
        match &self.kind {
            JsonKind::Object(members) => members,
            _ => &[],
        }
    }

    /// Returns the text of the value.
    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    /// Prints the value.
    pub(crate) fn print(&self, style: &JsonStyle) -> String {
        let mut out = String::new();
        self.write_to(style, 0, &mut out);
        out
    }

    fn write_to(&self, style: &JsonStyle, level: usize, out: &mut String) {
        match &self.kind {
            JsonKind::String(string) => style.escapes.write_string(string, out),
            JsonKind::Number => style.numbers.write_number(self.text, out),
            JsonKind::Literal => out.push_str(self.text),
            JsonKind::Array(items) => {
                let inner_level = match style.layout {
                    Layout::Jackson => level,
                    _ => level + 1,
                };
                let brackets = Brackets::for_array(style.layout);
                brackets.write_items(level, out, items.iter(), |item, out| {
                    item.value.write_to(style, inner_level, out);
                });
            }
            JsonKind::Object(members) => {
                let mut members: Vec<_> = members
                    .iter()
                    .filter(|member| {
                        style.nulls == NullMembers::Keep || member.value.text != "null"
                    })
                    .collect();
                match style.order {
                    KeyOrder::Received => {}
                    KeyOrder::Sorted => {
                        members.sort_by(|a, b| a.key.content().cmp(b.key.content()));
                    }
                    KeyOrder::ByLength => members.sort_by(|a, b| {
                        let (a, b) = (a.key.content(), b.key.content());
                        (a.len(), a).cmp(&(b.len(), b))
                    }),
                }
                let colon = match style.layout {
                    Layout::Line { key, .. } => key,
                    Layout::Indented(_) => ": ",
                    Layout::Jackson => " : ",
                };
                let brackets = Brackets::for_object(style.layout);
                brackets.write_items(level, out, members.into_iter(), |member, out| {
                    style.escapes.write_string(&member.key, out);
                    out.push_str(colon);
                    member.value.write_to(style, level + 1, out);
                });
            }
        }
    }

    /// Prints the value as Python's `str` shows a dictionary.
    pub(crate) fn print_as_python(&self) -> String {
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
        match &self.kind {
            JsonKind::String(string) => write_text(string, out),
            JsonKind::Number => out.push_str(self.text),
            JsonKind::Literal => out.push_str(match self.text {
                "true" => "True",
                "false" => "False",
                _ => "None",
            }),
            JsonKind::Array(items) => {
                let brackets = Brackets::for_array(Layout::PYTHON);
                brackets.write_items(0, out, items.iter(), |item, out| {
                    item.value.write_as_python(out);
                });
            }
            JsonKind::Object(members) => {
                let brackets = Brackets::for_object(Layout::PYTHON);
                brackets.write_items(0, out, members.iter(), |member, out| {
                    write_text(&member.key, out);
                    out.push_str(": ");
                    member.value.write_as_python(out);
                });
            }
        }
    }

    /// Prints the value as Java's `Map.toString` does.
    pub(crate) fn print_as_java(&self) -> String {
        let mut out = String::new();
        self.write_as_java(&mut out);
        out
    }

    fn write_as_java(&self, out: &mut String) {
        match &self.kind {
            JsonKind::String(string) => out.push_str(string.content()),
            JsonKind::Number | JsonKind::Literal => out.push_str(self.text),
            JsonKind::Array(items) => {
                let brackets = Brackets::for_array(Layout::PYTHON);
                brackets.write_items(0, out, items.iter(), |item, out| {
                    item.value.write_as_java(out);
                });
            }
            JsonKind::Object(members) => {
                let brackets = Brackets::for_object(Layout::PYTHON);
                brackets.write_items(0, out, members.iter(), |member, out| {
                    out.push_str(member.key.content());
                    out.push('=');
                    member.value.write_as_java(out);
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
    fn take_bytes(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    fn take_space(&mut self) -> &'a str {
        self.take_bytes(self.rest.len() - self.rest.trim_ascii_start().len())
    }

    /// Removes this character if it comes next.
    fn skip_past(&mut self, expected: char) -> bool {
        let rest = self.rest.strip_prefix(expected);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn parse_string(&mut self) -> Option<JsonString<'a>> {
        // The opening quote counts as escaped, so that it does not end the string.
        let mut is_escaped = true;
        let end = self.rest.bytes().position(|byte| {
            let is_end = byte == b'"' && !is_escaped;
            is_escaped = byte == b'\\' && !is_escaped;
            is_end
        })?;
        Some(JsonString::new(self.take_bytes(end + 1)))
    }

    /// Parses a value, which comes next.
    fn parse_value(&mut self, depth: usize) -> Option<JsonNode<'a>> {
        if depth > DEPTH_MAX {
            return None;
        }
        let start = self.rest;
        let kind = match self.rest.bytes().next()? {
            b'{' => JsonKind::Object(self.parse_members(depth)?),
            b'[' => JsonKind::Array(self.parse_items(depth)?),
            b'"' => JsonKind::String(self.parse_string()?),
            first => {
                let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
                let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
                self.take_bytes(end);
                if first.is_ascii_alphabetic() {
                    JsonKind::Literal
                } else {
                    JsonKind::Number
                }
            }
        };
        let text = &start[..start.len() - self.rest.len()];
        Some(JsonNode { text, kind })
    }

    fn parse_members(&mut self, depth: usize) -> Option<Vec<JsonMember<'a>>> {
        let mut members = Vec::new();
        self.take_bytes(1);
        loop {
            let lead = self.take_space();
            if self.skip_past('}') {
                return Some(members);
            }
            let key = self.parse_string()?;
            let start = self.rest;
            self.take_space();
            self.skip_past(':');
            self.take_space();
            let colon = &start[..start.len() - self.rest.len()];
            let value = self.parse_value(depth + 1)?;
            let trail = self.take_space();
            members.push(JsonMember {
                lead,
                key,
                colon,
                value,
                trail,
            });
            if !self.skip_past(',') {
                self.skip_past('}');
                return Some(members);
            }
        }
    }

    fn parse_items(&mut self, depth: usize) -> Option<Vec<JsonItem<'a>>> {
        let mut items = Vec::new();
        self.take_bytes(1);
        loop {
            let lead = self.take_space();
            if self.skip_past(']') {
                return Some(items);
            }
            let value = self.parse_value(depth + 1)?;
            let trail = self.take_space();
            items.push(JsonItem { lead, value, trail });
            if !self.skip_past(',') {
                self.skip_past(']');
                return Some(items);
            }
        }
    }
}

/// Returns the text after an edit of its value. What the edit does not change keeps its bytes: order,
/// spelling, white space. `None` if the text is no JSON, or is nested too deeply.
pub(crate) fn edit_json_text(text: &str, edit: impl FnOnce(&mut Value)) -> Option<String> {
    let node = JsonNode::parse(text)?;
    let mut value = serde_json::from_str(text).ok()?;
    edit(&mut value);
    let start = text.len() - text.trim_ascii_start().len();
    let end = start + node.text.len();
    let mut edited = text[..start].to_owned();
    node.write_edited(&value, &mut edited);
    edited.push_str(&text[end..]);
    Some(edited)
}

impl JsonNode<'_> {
    fn is_value(&self, value: &Value) -> bool {
        serde_json::from_str::<Value>(self.text).is_ok_and(|own| own == *value)
    }

    /// Writes the value that this one has become.
    fn write_edited(&self, edited: &Value, out: &mut String) {
        match (&self.kind, edited) {
            _ if self.is_value(edited) => out.push_str(self.text),
            (JsonKind::Object(members), Value::Object(fields)) => {
                write_edited_members(members, fields, out);
            }
            (JsonKind::Array(items), Value::Array(values)) => {
                write_edited_items(items, values, out);
            }
            _ => {
                let _ = write!(out, "{edited}");
            }
        }
    }
}

fn write_edited_members(members: &[JsonMember<'_>], fields: &Map<String, Value>, out: &mut String) {
    let mut separator = "{";
    for (index, member) in members.iter().enumerate() {
        let key = member.key.content();
        let Some(value) = fields.get(key) else {
            continue;
        };
        out.push_str(separator);
        out.push_str(member.lead);
        out.push_str(member.key.text);
        out.push_str(member.colon);
        // The value of a repeated key is that of its last occurrence.
        let mut later = members[index + 1..].iter();
        if later.any(|later| later.key.content() == key) {
            out.push_str(member.value.text);
        } else {
            member.value.write_edited(value, out);
        }
        out.push_str(member.trail);
        separator = ",";
    }
    let is_new = |key: &str| members.iter().all(|member| member.key.content() != key);
    for (key, value) in fields.iter().filter(|(key, _)| is_new(key)) {
        let (lead, colon) = members
            .last()
            .map_or(("", ":"), |member| (member.lead, member.colon));
        let _ = write!(
            out,
            "{separator}{lead}{}{colon}{value}",
            Value::from(key.as_str())
        );
        separator = ",";
    }
    out.push_str(if separator == "{" { "{}" } else { "}" });
}

fn write_edited_items(items: &[JsonItem<'_>], values: &[Value], out: &mut String) {
    let mut separator = "[";
    let mut rest = items.iter();
    for (index, value) in values.iter().enumerate() {
        // Skips the items that the edit has removed.
        let remaining = values.len() - index;
        let item = loop {
            match rest.next() {
                Some(item) if rest.len() >= remaining && !item.value.is_value(value) => {}
                item => break item,
            }
        };
        out.push_str(separator);
        match item {
            Some(item) => {
                out.push_str(item.lead);
                item.value.write_edited(value, out);
                out.push_str(item.trail);
            }
            None => {
                let _ = write!(out, "{value}");
            }
        }
        separator = ",";
    }
    out.push_str(if separator == "[" { "[]" } else { "]" });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Escapes, JsonNode, JsonStyle, KeyOrder, Layout, Numbers, edit_json_text};

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

    #[test]
    fn an_edit_keeps_all_other_bytes() {
        let text = r#" { "b" : 1.0, "a":"\u0905\/", "a": 2e1,
  "c": [ 1.50, {"x":12345678901234567890123}, 3 ], "d": {} }
"#;
        let edit = |change: fn(&mut serde_json::Value)| edit_json_text(text, change).expect("JSON");
        assert_eq!(edit(|_| {}), text);
        assert_eq!(
            edit(|value| value["b"] = json!("n")),
            text.replace("1.0,", "\"n\",")
        );
        assert_eq!(
            edit(|value| value["a"] = json!(3)),
            text.replace("2e1", "3")
        );
        assert_eq!(
            edit(|value| value["c"][1]["y"] = json!(true)),
            text.replace("0123}", "0123,\"y\":true}")
        );
        assert_eq!(
            edit(|value| {
                value["c"].as_array_mut().expect("a list").remove(0);
            }),
            text.replace("[ 1.50,", "[")
        );
        assert_eq!(
            edit(|value| {
                value.as_object_mut().expect("an object").shift_remove("b");
            }),
            text.replace(r#" "b" : 1.0,"#, "")
        );
        assert_eq!(
            edit(|value| value["d"]["e"] = json!(1)),
            text.replace("{} }", r#"{"e":1} }"#)
        );
        assert_eq!(edit_json_text("{", |_| {}), None);
    }
}
