//! The field tables of the published Unaport page, as rules: path, required or optional, type and
//! length of each field.
//!
//! A body is checked against its whole table, and all errors are reported at once. The tables are
//! beside the bodies that they describe.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::domain::customer_address::is_mobile_number;
use crate::domain::text::quote_value;
use crate::domain::time::Timestamp;
use crate::wire::api_error::{ApiError, FieldError};
use crate::wire::consent_detail::IdentifierType;
use crate::wire::fields::parse_timestamp;
use crate::wire::redirect_url::{EXPECTED_REDIRECT_URL, parse_redirect_url};

/// One row of a field table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FieldRule {
    /// The field names from the body's root, separated by dots.
    pub path: &'static str,
    pub presence: Presence,
    pub field_type: FieldType,
    /// The length in characters; `None` if the table has none, or a wrong one.
    pub length: Option<LengthRange>,
}

/// The column "Mandatory/Optional".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Required,
    /// The field must be present; its text may be empty.
    Present,
    Optional,
}

/// The allowed number of characters of a text, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LengthRange {
    pub min: usize,
    pub max: usize,
}

/// The type of a field.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FieldType {
    Text,
    Email,
    /// An absolute URL that a browser may be redirected to.
    Url,
    /// Digits with an optional plus sign before them.
    Phone,
    DateTime,
    OneOf(EnumNames),
    ListOf(EnumNames),
    /// A whole number of months in this range, as a number or as a text.
    Months(i32, i32),
    /// A whole number with at most this many digits.
    Count(u32),
    Object,
    List,
    /// Identifiers of a customer (ReBIT AA API 2.0.0, `Customer.Identifiers`).
    Identifiers,
}

/// The maximum length of a mobile number, in characters.
pub(crate) const PHONE_LENGTH_MAX: usize = 15;

/// A function that returns the names of an enumeration.
pub(crate) type EnumNames = fn() -> Vec<&'static str>;

/// Returns the names of a domain enumeration.
macro_rules! enum_names {
    ($name:ty) => {
        || <$name>::ALL.iter().map(|value| value.as_str()).collect()
    };
}
pub(super) use enum_names;

impl FieldRule {
    pub(crate) const fn mandatory(path: &'static str, field_type: FieldType) -> Self {
        Self {
            path,
            presence: Presence::Required,
            field_type,
            length: None,
        }
    }

    /// Returns the rule of a field that must be present and may be empty.
    pub(crate) const fn present(path: &'static str, field_type: FieldType) -> Self {
        Self {
            path,
            presence: Presence::Present,
            field_type,
            length: None,
        }
    }

    pub(crate) const fn optional(path: &'static str, field_type: FieldType) -> Self {
        Self {
            path,
            presence: Presence::Optional,
            field_type,
            length: None,
        }
    }

    #[must_use]
    pub(crate) const fn with_max_length(self, max: usize) -> Self {
        Self {
            length: Some(LengthRange { min: 0, max }),
            ..self
        }
    }

    #[must_use]
    pub(crate) const fn with_length_between(self, min: usize, max: usize) -> Self {
        Self {
            length: Some(LengthRange { min, max }),
            ..self
        }
    }
}

/// A body that conforms to its field table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ValidatedBody<'a>(&'a Map<String, Value>);

impl<'a> ValidatedBody<'a> {
    /// Validates a body against a field table.
    ///
    /// # Errors
    /// All field errors, in the order of the table.
    pub(crate) fn validate_fields(
        body: &'a Map<String, Value>,
        rules: &[FieldRule],
    ) -> Result<Self, ApiError> {
        let validated = Self(body);
        let errors: Vec<FieldError> = rules
            .iter()
            .filter_map(|rule| validated.check_rule(rule, rules))
            .collect();
        if errors.is_empty() {
            Ok(validated)
        } else {
            Err(ApiError::InvalidFields(errors))
        }
    }

    /// Wraps a part of a body that has been validated as a whole.
    pub(crate) fn assume_validated(part: &'a Map<String, Value>) -> Self {
        Self(part)
    }

    /// Returns the value at `path`; `None` for a missing field, `null`, a blank text, an empty
    /// object and an empty list.
    pub(crate) fn non_empty_value(self, path: &str) -> Option<&'a Value> {
        let value = self.value_at(path)?;
        let is_empty = match value {
            Value::Null => true,
            Value::String(text) => text.trim().is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            Value::Bool(_) | Value::Number(_) => false,
        };
        (!is_empty).then_some(value)
    }

    /// Returns the value at `path`, also an empty one.
    pub(crate) fn value_at(self, path: &str) -> Option<&'a Value> {
        let mut segments = path.split('.');
        let mut value = self.0.get(segments.next()?)?;
        for segment in segments {
            value = value.as_object()?.get(segment)?;
        }
        Some(value)
    }

    pub(crate) fn text_at(self, path: &str) -> Option<&'a str> {
        self.non_empty_value(path)?.as_str()
    }

    /// Returns the text of a required field.
    pub(crate) fn required_text(self, path: &str) -> &'a str {
        self.text_at(path).expect("the body was validated")
    }

    pub(crate) fn required_timestamp(self, path: &str) -> Timestamp {
        parse_timestamp(self.required_text(path)).expect("the body was validated")
    }

    pub(crate) fn required_enum<T>(self, path: &str, parse: fn(&str) -> Option<T>) -> T {
        parse(self.required_text(path)).expect("the body was validated")
    }

    /// Returns the distinct values of a list, in the order of the body.
    pub(crate) fn enum_list<T: PartialEq>(
        self,
        path: &str,
        parse: fn(&str) -> Option<T>,
    ) -> Arc<[T]> {
        let mut list = Vec::new();
        for item in self
            .non_empty_value(path)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let value = item
                .as_str()
                .and_then(parse)
                .expect("the body was validated");
            if !list.contains(&value) {
                list.push(value);
            }
        }
        list.into()
    }

    pub(crate) fn required_months(self, path: &str) -> i32 {
        self.non_empty_value(path)
            .and_then(parse_whole_number)
            .expect("the body was validated")
    }

    pub(crate) fn required_count(self, path: &str) -> u32 {
        let count = self
            .non_empty_value(path)
            .and_then(Value::as_u64)
            .and_then(|count| u32::try_from(count).ok());
        count.expect("the body was validated")
    }

    fn check_rule(self, rule: &FieldRule, rules: &[FieldRule]) -> Option<FieldError> {
        let problem = match self.non_empty_value(rule.path) {
            Some(value) => rule
                .field_type
                .check_value(value)
                .or_else(|| check_length(value, rule.length)),
            // A missing parent is reported once, by its own rule.
            None => self
                .check_presence(rule)
                .filter(|_| !self.is_parent_missing(rule, rules))
                .map(str::to_owned),
        };
        problem.map(|message| FieldError {
            field: rule.path.into(),
            message,
        })
    }

    /// Returns the problem of a field without a value.
    fn check_presence(self, rule: &FieldRule) -> Option<&'static str> {
        let has_text = self.value_at(rule.path).is_some_and(Value::is_string);
        match rule.presence {
            Presence::Required => Some("is missing or empty"),
            Presence::Present if !has_text => Some("is missing; it may be an empty text"),
            Presence::Present | Presence::Optional => None,
        }
    }

    /// Returns whether the rules have a parent of this field that is missing or not an object.
    fn is_parent_missing(self, rule: &FieldRule, rules: &[FieldRule]) -> bool {
        rules.iter().any(|parent| {
            let is_child = rule
                .path
                .strip_prefix(parent.path)
                .is_some_and(|rest| rest.starts_with('.'));
            is_child
                && !self
                    .non_empty_value(parent.path)
                    .is_some_and(Value::is_object)
        })
    }
}

/// Returns the path of the first field that no rule has. Items of lists are not inspected.
pub(crate) fn find_unknown_field(body: &Map<String, Value>, rules: &[FieldRule]) -> Option<String> {
    fn search_fields(
        body: &Map<String, Value>,
        prefix: &str,
        rules: &[FieldRule],
    ) -> Option<String> {
        body.iter().find_map(|(name, value)| {
            let path = format!("{prefix}{name}");
            let child_prefix = format!("{path}.");
            let known = rules
                .iter()
                .any(|rule| rule.path == path || rule.path.starts_with(&child_prefix));
            match value.as_object() {
                _ if !known => Some(path),
                Some(fields) => search_fields(fields, &child_prefix, rules),
                None => None,
            }
        })
    }
    search_fields(body, "", rules)
}

/// Parses a whole number that is a JSON number or a text.
fn parse_whole_number(value: &Value) -> Option<i32> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_i64().and_then(|number| i32::try_from(number).ok()),
    }
}

fn check_length(value: &Value, length: Option<LengthRange>) -> Option<String> {
    let LengthRange { min, max } = length?;
    let chars = match value {
        Value::String(text) => text.chars().count(),
        Value::Number(number) => number.to_string().len(),
        _ => return None,
    };
    if chars > max {
        Some(format!("has {chars} characters; at most {max} are allowed"))
    } else if chars < min {
        Some(format!("has {chars} characters; at least {min} are needed"))
    } else {
        None
    }
}

impl FieldType {
    fn check_value(self, value: &Value) -> Option<String> {
        match self {
            Self::Text => require_str(value).err(),
            Self::Email => check_text(value, is_email, "an e-mail address"),
            Self::Url => check_text(
                value,
                |text| parse_redirect_url(text).is_some(),
                EXPECTED_REDIRECT_URL,
            ),
            Self::Phone => check_text(
                value,
                is_phone,
                "a mobile number of digits, such as 9999999999",
            ),
            Self::DateTime => check_text(
                value,
                |text| parse_timestamp(text).is_some(),
                "a date-time; write it as 2024-01-31T18:30:00.000Z",
            ),
            Self::OneOf(names) => match require_str(value) {
                Ok(text) => check_known_name(text, &names()),
                Err(problem) => Some(problem),
            },
            Self::ListOf(names) => match value.as_array() {
                Some(items) => items.iter().find_map(|item| match item.as_str() {
                    Some(text) => check_known_name(text, &names()),
                    None => Some(format!(
                        "has {} in it, where one of {} is expected",
                        json_type_name(item),
                        names().join(", ")
                    )),
                }),
                None => Some(format!("is {}, not a list", json_type_name(value))),
            },
            Self::Months(min, max) => match parse_whole_number(value) {
                Some(months) if (min..=max).contains(&months) => None,
                Some(months) => Some(format!(
                    "is {months}; months from {min} to {max} are allowed"
                )),
                None => {
                    let value_text = value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned);
                    Some(format!(
                        "{} is not a whole number of months; write it as \"{max}\"",
                        quote_value(&value_text)
                    ))
                }
            },
            Self::Count(digits) => match value.as_u64() {
                Some(count) if count < 10_u64.pow(digits) => None,
                Some(count) => Some(format!("{count} has more than {digits} digits")),
                None => Some(format!("is {}, not a whole number", json_type_name(value))),
            },
            Self::Object => {
                (!value.is_object()).then(|| format!("is {}, not an object", json_type_name(value)))
            }
            Self::Identifiers => match value.as_array() {
                Some(items) => items.iter().find_map(check_identifier),
                None => Some(format!("is {}, not a list", json_type_name(value))),
            },
            Self::List => {
                (!value.is_array()).then(|| format!("is {}, not a list", json_type_name(value)))
            }
        }
    }
}

fn require_str(value: &Value) -> Result<&str, String> {
    value
        .as_str()
        .ok_or_else(|| format!("is {}, not a text", json_type_name(value)))
}

fn check_text(value: &Value, is_valid: fn(&str) -> bool, expected: &str) -> Option<String> {
    match require_str(value) {
        Ok(text) if is_valid(text) => None,
        Ok(text) => Some(format!("{} is not {expected}", quote_value(text))),
        Err(problem) => Some(problem),
    }
}

fn non_blank_member<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object[name].as_str().filter(|text| !text.trim().is_empty())
}

fn check_identifier(identifier: &Value) -> Option<String> {
    let kind = non_blank_member(identifier, "type").and_then(IdentifierType::parse);
    let Some(kind) = kind else {
        return Some(format!(
            "has a type that is not one of {}",
            IdentifierType::accepted_names()
        ));
    };
    let Some(value) = non_blank_member(identifier, "value") else {
        return Some(format!("has no value for its {kind}"));
    };
    let is_invalid_mobile =
        kind == IdentifierType::Mobile && !(is_phone(value) && value.len() <= PHONE_LENGTH_MAX);
    is_invalid_mobile.then(|| {
        format!(
            "{} is not a mobile number of digits, such as 9999999999",
            quote_value(value)
        )
    })
}

fn check_known_name(text: &str, names: &[&str]) -> Option<String> {
    (!names.contains(&text))
        .then(|| format!("{} is not one of {}", quote_value(text), names.join(", ")))
}

fn json_type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn is_email(text: &str) -> bool {
    text.rsplit_once('@')
        .is_some_and(|(name, host)| is_email_part(name) && is_email_part(host))
}

fn is_email_part(part: &str) -> bool {
    !part.is_empty() && !part.contains(|c: char| c == '@' || c.is_whitespace())
}

/// Returns whether the text is a mobile number of digits, with or without a `+`.
fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    digits.bytes().all(|byte| byte.is_ascii_digit()) && is_mobile_number(text)
}
