//! The field tables of the published page, as rules: path, whether it must be there, what it is, how long it may be. A
//! body is checked against all of its table, and all that is wrong is told at once.

use reqwest::Url;
use serde_json::{Map, Value};

use crate::domain::time::Timestamp;
use crate::wire::consent_detail::IdentifierType;
use crate::wire::fields::{parse_instant, quoted};
use crate::wire::problem::{FieldProblem, Problem};

/// One row of a table.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Names from the body's root, with dots between them.
    pub path: &'static str,
    pub need: Need,
    pub kind: Kind,
    /// Characters; `None`: the table has none, or we know better.
    pub length: Option<Length>,
}

/// Column "Mandatory/Optional".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Mandatory,
    Optional,
}

/// How many characters a text may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    pub min: usize,
    pub max: usize,
}

/// What a value is.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Text,
    Email,
    /// An absolute address that a browser may be sent to.
    Address,
    /// Digits, perhaps after a plus sign.
    Phone,
    Instant,
    OneOf(Names),
    ListOf(Names),
    /// A whole number of months in this range, as a number or as a text.
    Months(i32, i32),
    /// A whole number of at most so many digits.
    Count(u32),
    Object,
    List,
    /// By what a customer is named (ReBIT AA API 2.0.0, `Customer.Identifiers`).
    Identifiers,
}

/// How long a mobile number may be.
pub const PHONE_MAX: usize = 15;

/// The names of an enumeration.
pub type Names = fn() -> Vec<&'static str>;

/// The names of an enumeration of the domain.
macro_rules! names {
    ($name:ty) => {
        || <$name>::ALL.iter().map(|value| value.as_str()).collect()
    };
}
pub(super) use names;

impl Rule {
    pub const fn must(path: &'static str, kind: Kind) -> Self {
        Self {
            path,
            need: Need::Mandatory,
            kind,
            length: None,
        }
    }

    pub const fn may(path: &'static str, kind: Kind) -> Self {
        Self {
            path,
            need: Need::Optional,
            kind,
            length: None,
        }
    }

    #[must_use]
    pub const fn up_to(self, max: usize) -> Self {
        Self {
            length: Some(Length { min: 0, max }),
            ..self
        }
    }

    #[must_use]
    pub const fn between(self, min: usize, max: usize) -> Self {
        Self {
            length: Some(Length { min, max }),
            ..self
        }
    }
}

/// A body that keeps to a table.
#[derive(Clone, Copy, Debug)]
pub struct Form<'a>(&'a Map<String, Value>);

impl<'a> Form<'a> {
    /// Checks a body.
    ///
    /// # Errors
    /// All that is wrong, in the table's order.
    pub fn check(body: &'a Map<String, Value>, rules: &[Rule]) -> Result<Self, Problem> {
        let form = Self(body);
        let wrong: Vec<FieldProblem> = rules
            .iter()
            .filter_map(|rule| form.offence(rule, rules))
            .collect();
        if wrong.is_empty() {
            Ok(form)
        } else {
            Err(Problem::Fields(wrong))
        }
    }

    /// A part of a body that was checked as a whole.
    pub fn unchecked(part: &'a Map<String, Value>) -> Self {
        Self(part)
    }

    /// What is there; nothing, `null`, blank texts and empty objects and lists are the same.
    pub fn value(self, path: &str) -> Option<&'a Value> {
        let mut names = path.split('.');
        let mut value = self.0.get(names.next()?)?;
        for name in names {
            value = value.as_object()?.get(name)?;
        }
        let empty = match value {
            Value::Null => true,
            Value::String(text) => text.trim().is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            Value::Bool(_) | Value::Number(_) => false,
        };
        (!empty).then_some(value)
    }

    pub fn text(self, path: &str) -> Option<&'a str> {
        self.value(path)?.as_str()
    }

    /// A text that the table demands.
    pub fn needed(self, path: &str) -> &'a str {
        self.text(path).expect("the form was checked")
    }

    pub fn instant(self, path: &str) -> Timestamp {
        parse_instant(self.needed(path)).expect("the form was checked")
    }

    pub fn one_of<T>(self, path: &str, parse: fn(&str) -> Option<T>) -> T {
        parse(self.needed(path)).expect("the form was checked")
    }

    /// Each once.
    pub fn list_of<T: PartialEq>(self, path: &str, parse: fn(&str) -> Option<T>) -> Box<[T]> {
        let mut list = Vec::new();
        for item in self
            .value(path)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let value = item.as_str().and_then(parse).expect("the form was checked");
            if !list.contains(&value) {
                list.push(value);
            }
        }
        list.into()
    }

    pub fn months(self, path: &str) -> i32 {
        self.value(path)
            .and_then(whole)
            .expect("the form was checked")
    }

    pub fn count(self, path: &str) -> u32 {
        let count = self
            .value(path)
            .and_then(Value::as_u64)
            .and_then(|count| u32::try_from(count).ok());
        count.expect("the form was checked")
    }

    fn offence(self, rule: &Rule, rules: &[Rule]) -> Option<FieldProblem> {
        let wrong = |problem: String| {
            Some(FieldProblem {
                field: rule.path.into(),
                problem,
            })
        };
        let Some(value) = self.value(rule.path) else {
            // What stands around it is told about instead, where the table has a row for it.
            let told = rules.iter().any(|outer| {
                let inside = rule
                    .path
                    .strip_prefix(outer.path)
                    .is_some_and(|rest| rest.starts_with('.'));
                inside && !self.value(outer.path).is_some_and(Value::is_object)
            });
            return if rule.need == Need::Mandatory && !told {
                wrong("is missing or empty".to_owned())
            } else {
                None
            };
        };
        match rule.kind.objection(value) {
            Some(problem) => wrong(problem),
            None => too_long(value, rule.length).and_then(wrong),
        }
    }
}

/// A name in a body that no row of its table has; what is in lists is not looked into.
pub fn unknown_field(body: &Map<String, Value>, rules: &[Rule]) -> Option<String> {
    fn search(body: &Map<String, Value>, begin: &str, rules: &[Rule]) -> Option<String> {
        body.iter().find_map(|(name, value)| {
            let path = format!("{begin}{name}");
            let inside = format!("{path}.");
            let known = rules
                .iter()
                .any(|rule| rule.path == path || rule.path.starts_with(&inside));
            match value.as_object() {
                _ if !known => Some(path),
                Some(fields) => search(fields, &inside, rules),
                None => None,
            }
        })
    }
    search(body, "", rules)
}

/// A whole number, written as one or as a text.
fn whole(value: &Value) -> Option<i32> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_i64().and_then(|number| i32::try_from(number).ok()),
    }
}

fn too_long(value: &Value, length: Option<Length>) -> Option<String> {
    let Length { min, max } = length?;
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

impl Kind {
    fn objection(self, value: &Value) -> Option<String> {
        let text = || {
            value
                .as_str()
                .ok_or_else(|| format!("is {}, not a text", noun(value)))
        };
        let checked = |fine: fn(&str) -> bool, what: &str| match text() {
            Ok(text) if fine(text) => None,
            Ok(text) => Some(format!("{} is not {what}", quoted(text))),
            Err(problem) => Some(problem),
        };
        match self {
            Self::Text => text().err(),
            Self::Email => checked(is_email, "an e-mail address"),
            Self::Address => checked(
                is_link,
                "an absolute address such as https://lender.example/back",
            ),
            Self::Phone => checked(is_phone, "a mobile number of digits, such as 9999999999"),
            Self::Instant => checked(
                |text| parse_instant(text).is_some(),
                "a date-time; write it as 2024-01-31T18:30:00.000Z",
            ),
            Self::OneOf(names) => match text() {
                Ok(text) => stranger(text, &names()),
                Err(problem) => Some(problem),
            },
            Self::ListOf(names) => match value.as_array() {
                Some(items) => items.iter().find_map(|item| match item.as_str() {
                    Some(text) => stranger(text, &names()),
                    None => Some(format!(
                        "has {} in it, where one of {} is expected",
                        noun(item),
                        names().join(", ")
                    )),
                }),
                None => Some(format!("is {}, not a list", noun(value))),
            },
            Self::Months(min, max) => match whole(value) {
                Some(months) if (min..=max).contains(&months) => None,
                Some(months) => Some(format!(
                    "is {months}; months from {min} to {max} are allowed"
                )),
                None => {
                    let shown = value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned);
                    Some(format!(
                        "{} is not a whole number of months; write it as \"{max}\"",
                        quoted(&shown)
                    ))
                }
            },
            Self::Count(digits) => match value.as_u64() {
                Some(count) if count < 10_u64.pow(digits) => None,
                Some(count) => Some(format!("{count} has more than {digits} digits")),
                None => Some(format!("is {}, not a whole number", noun(value))),
            },
            Self::Object => {
                (!value.is_object()).then(|| format!("is {}, not an object", noun(value)))
            }
            Self::Identifiers => match value.as_array() {
                Some(items) => items.iter().find_map(wrong_identifier),
                None => Some(format!("is {}, not a list", noun(value))),
            },
            Self::List => (!value.is_array()).then(|| format!("is {}, not a list", noun(value))),
        }
    }
}

fn wrong_identifier(identifier: &Value) -> Option<String> {
    let text = |name: &str| {
        identifier[name]
            .as_str()
            .filter(|text| !text.trim().is_empty())
    };
    let Some(kind) = text("type").and_then(IdentifierType::parse) else {
        return Some(format!(
            "has a type that is not one of {}",
            IdentifierType::names()
        ));
    };
    let Some(value) = text("value") else {
        return Some(format!("has no value for its {kind}"));
    };
    let wrong = kind == IdentifierType::Mobile && !(is_phone(value) && value.len() <= PHONE_MAX);
    wrong.then(|| {
        format!(
            "{} is not a mobile number of digits, such as 9999999999",
            quoted(value)
        )
    })
}

fn stranger(text: &str, names: &[&str]) -> Option<String> {
    (!names.contains(&text)).then(|| format!("{} is not one of {}", quoted(text), names.join(", ")))
}

fn noun(value: &Value) -> &'static str {
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
    let plain =
        |part: &str| !part.is_empty() && !part.contains(|c: char| c == '@' || c.is_whitespace());
    text.rsplit_once('@')
        .is_some_and(|(name, host)| plain(name) && plain(host))
}

pub fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The schemes of apps are welcome; those in which a browser would run the text are not. It stands in a header one day,
/// as it is.
fn is_link(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    plain
        && Url::parse(text).is_ok_and(|url| {
            !matches!(
                url.scheme(),
                "javascript" | "data" | "vbscript" | "file" | "blob"
            )
        })
}
