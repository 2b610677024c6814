//! Conditions on the content of a recorded message: on the values of its JSON body, each named by a
//! JSON Pointer (RFC 6901), and on its headers.

use std::fmt;

use regex::Regex;
use serde_json::Value;

use crate::domain::secret_names::{Exposure, is_secret_header};
use crate::domain::text::quote_value;

/// Conditions on a message that all have to hold. Without a condition, every message matches.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MessageFilter {
    pub body: Vec<(JsonPointer, ValueMatcher)>,
    /// The conditions by the name of the header, in lower case.
    pub headers: Vec<(Box<str>, ValueMatcher)>,
}

/// A JSON Pointer to a value in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonPointer(Box<str>);

impl JsonPointer {
    /// Parses a pointer such as `/Accounts/0/maskedAccNumber`.
    ///
    /// # Errors
    /// The problem with its remedy.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if !text.is_empty() && !text.starts_with('/') {
            return Err("it does not begin with /; write /ConsentStatus/status");
        }
        let has_bad_escape = text
            .split('~')
            .skip(1)
            .any(|rest| !rest.starts_with(['0', '1']));
        if has_bad_escape {
            return Err("~ is not followed by 0 or 1; write ~0 for ~ and ~1 for /");
        }
        Ok(Self(text.into()))
    }

    /// Returns whether the value is a secret, by the names of the pointer.
    fn is_secret(&self) -> bool {
        let names = self.0.split('/').skip(1);
        names.fold(Exposure::Open, Exposure::below_name) == Exposure::Secret
    }
}

impl fmt::Display for JsonPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A regular expression, with its syntax as in the crate `regex`.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl Pattern {
    /// Parses a pattern. It may match any part of a text; `^` and `$` bind it to the ends.
    ///
    /// # Errors
    /// The problem, on one line.
    pub fn parse(text: &str) -> Result<Self, String> {
        Regex::new(text).map(Self).map_err(|error| {
            let error = error.to_string();
            let last_line = error.lines().last().unwrap_or_default();
            last_line
                .strip_prefix("error: ")
                .unwrap_or(last_line)
                .to_owned()
        })
    }

    fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

/// A condition on a value.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueMatcher {
    Equals(Value),
    /// The text of the value matches; of a number or a boolean, its JSON text.
    Matches(Pattern),
    /// The value is present (`true`) or absent (`false`).
    Exists(bool),
}

impl MessageFilter {
    /// Returns whether there is no condition.
    pub fn is_empty(&self) -> bool {
        self.body.is_empty() && self.headers.is_empty()
    }

    /// Returns the conditions that a message does not meet, in words. Values of secrets are not
    /// quoted.
    pub fn find_differences(&self, body: &[u8], headers: &[(String, String)]) -> Vec<String> {
        let mut differences = Vec::new();
        if !self.body.is_empty() {
            match serde_json::from_slice::<Value>(body) {
                Ok(document) => {
                    let conditions = self.body.iter();
                    differences.extend(conditions.filter_map(|(pointer, matcher)| {
                        matcher
                            .find_difference(document.pointer(&pointer.0), pointer.is_secret())
                            .map(|difference| format!("body {pointer} {difference}"))
                    }));
                }
                Err(_) if body.is_empty() => differences.push("it has no body".to_owned()),
                Err(_) => differences.push("its body is not JSON, or was cut".to_owned()),
            }
        }
        for (name, matcher) in &self.headers {
            let is_secret = is_secret_header(name);
            let values: Vec<Value> = headers
                .iter()
                .filter(|(other, _)| other.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.as_str().into())
                .collect();
            let is_met = values
                .iter()
                .any(|value| matcher.find_difference(Some(value), is_secret).is_none());
            if !is_met && let Some(difference) = matcher.find_difference(values.first(), is_secret)
            {
                differences.push(format!("header {name} {difference}"));
            }
        }
        differences
    }
}

impl ValueMatcher {
    /// Returns the difference between the condition and a value, in words; `None` if it is met. A
    /// secret is not quoted.
    fn find_difference(&self, value: Option<&Value>, is_secret: bool) -> Option<String> {
        let Some(value) = value else {
            return (*self != Self::Exists(false)).then(|| "is missing".to_owned());
        };
        let is_met = match self {
            Self::Equals(expected) => value == expected,
            Self::Matches(pattern) => match value {
                Value::String(text) => pattern.matches(text),
                Value::Number(_) | Value::Bool(_) => pattern.matches(&value.to_string()),
                Value::Null | Value::Array(_) | Value::Object(_) => false,
            },
            Self::Exists(is_expected) => *is_expected,
        };
        if is_met {
            return None;
        }
        if is_secret {
            return Some("is a secret with another value".to_owned());
        }
        let actual = describe_value(value);
        Some(match self {
            Self::Equals(expected) => format!("is {actual}, not {}", describe_value(expected)),
            Self::Matches(pattern) => format!(
                "is {actual}, which does not match {}",
                quote_value(pattern.0.as_str())
            ),
            Self::Exists(_) => format!("is {actual}, but must be absent"),
        })
    }
}

impl fmt::Display for MessageFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (pointer, matcher) in &self.body {
            write!(f, " with body {pointer} ")?;
            matcher.write_condition(f, pointer.is_secret())?;
        }
        for (name, matcher) in &self.headers {
            write!(f, " with header {name} ")?;
            matcher.write_condition(f, is_secret_header(name))?;
        }
        Ok(())
    }
}

impl ValueMatcher {
    fn write_condition(&self, f: &mut fmt::Formatter<'_>, is_secret: bool) -> fmt::Result {
        match self {
            Self::Exists(true) => f.write_str("present"),
            Self::Exists(false) => f.write_str("absent"),
            _ if is_secret => f.write_str("as given"),
            Self::Equals(value) => f.write_str(&describe_value(value)),
            Self::Matches(pattern) => write!(f, "matching {}", quote_value(pattern.0.as_str())),
        }
    }
}

/// Returns a value in words: scalars as they are, others by their kind.
fn describe_value(value: &Value) -> String {
    match value {
        Value::String(text) => quote_value(text),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(fields) => format!("an object of {} fields", fields.len()),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{JsonPointer, MessageFilter, Pattern, ValueMatcher};

    fn filter(pointer: &str, matcher: ValueMatcher) -> MessageFilter {
        MessageFilter {
            body: vec![(JsonPointer::parse(pointer).expect("a pointer"), matcher)],
            headers: Vec::new(),
        }
    }

    fn matches(pattern: &str) -> ValueMatcher {
        ValueMatcher::Matches(Pattern::parse(pattern).expect("a pattern"))
    }

    #[test]
    fn each_condition_is_met_or_names_the_difference() {
        let body = br#"{"a":{"b/c":[1,"READY"]},"n":12,"o":{"x":1},"password":"hunter2","tokens":["t"],"KeyMaterial":{"token":"t"}}"#;
        for (pointer, matcher, expected) in [
            ("/a/b~1c/1", ValueMatcher::Equals(json!("READY")), ""),
            ("/a/b~1c/1", matches("^READY$"), ""),
            ("/n", matches("^1"), ""),
            ("/o", ValueMatcher::Equals(json!({ "x": 1 })), ""),
            ("", ValueMatcher::Exists(true), ""),
            ("/z", ValueMatcher::Exists(false), ""),
            (
                "/a/b~1c/1",
                ValueMatcher::Equals(json!("ACTIVE")),
                "body /a/b~1c/1 is 'READY', not 'ACTIVE'",
            ),
            (
                "/n",
                ValueMatcher::Equals(json!("12")),
                "body /n is 12, not '12'",
            ),
            (
                "/n",
                matches("^2"),
                "body /n is 12, which does not match '^2'",
            ),
            (
                "/o",
                matches("."),
                "body /o is an object of 1 fields, which does not match '.'",
            ),
            ("/z", matches("."), "body /z is missing"),
            (
                "/n",
                ValueMatcher::Exists(false),
                "body /n is 12, but must be absent",
            ),
            (
                "/password",
                ValueMatcher::Equals(json!("other")),
                "body /password is a secret with another value",
            ),
            (
                "/tokens/0",
                matches("x"),
                "body /tokens/0 is a secret with another value",
            ),
            (
                "/KeyMaterial/token",
                matches("x"),
                "body /KeyMaterial/token is 't', which does not match 'x'",
            ),
        ] {
            let differences = filter(pointer, matcher).find_differences(body, &[]);
            assert_eq!(differences.join(", "), expected, "{pointer}");
        }
    }

    #[test]
    fn a_header_matches_in_any_case_and_by_any_of_its_values() {
        let headers = [("Accept", "text/html"), ("accept", "application/json")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let with_header = |matcher| MessageFilter {
            body: Vec::new(),
            headers: vec![("accept".into(), matcher)],
        };
        let differences = |matcher| {
            with_header(matcher)
                .find_differences(b"", &headers)
                .join(", ")
        };
        assert_eq!(differences(matches("json$")), "");
        assert_eq!(differences(ValueMatcher::Exists(true)), "");
        assert_eq!(
            differences(matches("xml$")),
            "header accept is 'text/html', which does not match 'xml$'"
        );
        assert_eq!(
            differences(ValueMatcher::Exists(false)),
            "header accept is 'text/html', but must be absent"
        );
    }

    #[test]
    fn invalid_pointers_and_patterns_are_explained() {
        for text in ["status", "/a~", "/a~2b"] {
            assert!(JsonPointer::parse(text).is_err(), "{text}");
        }
        assert_eq!(
            Pattern::parse("(a").map(drop),
            Err("unclosed group".to_owned())
        );
    }
}
