//! Scalar values of hand-written files: names, ranges. Each type has its parser and
//! its JSON Schema side by side, so that they stay consistent.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use crate::domain::expectation::StatusClass;
use crate::domain::money::Paise;
use crate::domain::webhook_fault::Occurrences;

/// The `format` of an occurrence range such as `1..2` in a schema.
pub(crate) const OCCURRENCES_FORMAT: &str = "count";
/// The `format` of the name of a scenario or a persona in a schema.
pub(crate) const NAME_FORMAT: &str = "scenario-name";
/// The `format` of an integer or a range of integers in a schema.
pub(crate) const INTEGER_RANGE_FORMAT: &str = "whole-range";
/// The `format` of an amount in rupees or a range of amounts in a schema.
pub(crate) const RUPEE_RANGE_FORMAT: &str = "rupee-range";
/// The `format` of a status code or a class of status codes in a schema.
pub(crate) const STATUS_FORMAT: &str = "http-status";

/// The `format` of a regular expression in a schema.
pub(crate) const REGEX_FORMAT: &str = "regex";
/// The `format` of a JSON Pointer in a schema.
pub(crate) const POINTER_FORMAT: &str = "json-pointer";
/// The `format` of the name of an HTTP header in a schema.
pub(crate) const HEADER_NAME_FORMAT: &str = "header-name";

/// Occurrences counted from 1: `3`, `1..2`, `2..`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OccurrenceRange(pub Occurrences);

impl OccurrenceRange {
    /// Parses `1..2` and `2..`.
    pub(crate) fn parse(text: &str) -> Option<Occurrences> {
        let (first, last) = text.split_once("..")?;
        let first = first.parse().ok().filter(|first| *first >= 1)?;
        let last = if last.is_empty() {
            None
        } else {
            Some(last.parse().ok().filter(|last| *last >= first)?)
        };
        Some(Occurrences { first, last })
    }
}

impl<'de> Deserialize<'de> for OccurrenceRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RangeVisitor;
        impl Visitor<'_> for RangeVisitor {
            type Value = OccurrenceRange;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number from 1 on, or a range such as 1..2")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<OccurrenceRange, E> {
                let number = u32::try_from(number).ok().filter(|number| *number >= 1);
                let number = number.ok_or_else(|| E::custom("occurrences count from 1"))?;
                Ok(OccurrenceRange(Occurrences {
                    first: number,
                    last: Some(number),
                }))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<OccurrenceRange, E> {
                self.visit_i64(i64::try_from(number).unwrap_or(-1))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<OccurrenceRange, E> {
                OccurrenceRange::parse(text)
                    .map(OccurrenceRange)
                    .ok_or_else(|| E::custom("invalid range"))
            }
        }
        deserializer.deserialize_any(RangeVisitor)
    }
}

impl JsonSchema for OccurrenceRange {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "OccurrenceRange".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "integer", "minimum": 1, "maximum": u32::MAX },
            { "type": "string", "format": OCCURRENCES_FORMAT, "pattern": "^[1-9][0-9]*\\.\\.([1-9][0-9]*)?$" },
        ] })
    }
}

/// A status code or a class of status codes: `503`, `5xx`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StatusPattern(pub StatusClass);

impl<'de> Deserialize<'de> for StatusPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StatusVisitor;
        impl Visitor<'_> for StatusVisitor {
            type Value = StatusPattern;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a status such as 503 or 5xx")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<StatusPattern, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<StatusPattern, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<StatusPattern, E> {
                StatusClass::parse(text)
                    .map(StatusPattern)
                    .ok_or_else(|| E::custom("invalid status"))
            }
        }
        deserializer.deserialize_any(StatusVisitor)
    }
}

impl JsonSchema for StatusPattern {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "StatusPattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "integer", "minimum": 100, "maximum": 599 },
            { "type": "string", "format": STATUS_FORMAT, "pattern": "^[1-5](xx|[0-9]{2})$" },
        ] })
    }
}

/// An integer or a range of integers: `3`, `1..2`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IntegerRange(pub (i64, i64));

impl IntegerRange {
    /// Parses `3` and `1..2`, the low end first.
    pub(crate) fn parse(text: &str) -> Option<(i64, i64)> {
        let (low, high) = text.split_once("..").unwrap_or((text, text));
        let (low, high) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
        (0 <= low && low <= high).then_some((low, high))
    }
}

/// An amount in rupees, or a range of amounts, with at most two decimals: `4500`, `20..180.50`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RupeeRange(pub (Paise, Paise));

impl RupeeRange {
    /// Parses `4500` and `20..180.50`, the low end first.
    pub(crate) fn parse(text: &str) -> Option<(Paise, Paise)> {
        let (low, high) = text.split_once("..").unwrap_or((text, text));
        let (low, high) = (Paise::parse(low.trim())?, Paise::parse(high.trim())?);
        (Paise(0) <= low && low <= high && high <= RUPEES_MAX).then_some((low, high))
    }
}

/// The largest amount in a file: ten thousand crore rupees.
const RUPEES_MAX: Paise = Paise::from_rupees(100_000_000_000);

/// A percentage with at most two decimals, in basis points: `3.5` is 350.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Percent(pub i64);

macro_rules! impl_from_text {
    ($name:ident, $expected:literal, $parse:expr) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct TextVisitor;
                impl Visitor<'_> for TextVisitor {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expected)
                    }

                    fn visit_i64<E: Error>(self, number: i64) -> Result<$name, E> {
                        self.visit_str(&number.to_string())
                    }

                    fn visit_u64<E: Error>(self, number: u64) -> Result<$name, E> {
                        self.visit_str(&number.to_string())
                    }

                    fn visit_f64<E: Error>(self, number: f64) -> Result<$name, E> {
                        self.visit_str(&number.to_string())
                    }

                    fn visit_str<E: Error>(self, text: &str) -> Result<$name, E> {
                        $parse(text)
                            .map($name)
                            .ok_or_else(|| E::custom(concat!("expected ", $expected)))
                    }
                }
                deserializer.deserialize_any(TextVisitor)
            }
        }
    };
}

impl_from_text!(
    IntegerRange,
    "a whole number or a range such as 1..2",
    IntegerRange::parse
);
impl_from_text!(
    RupeeRange,
    "rupees or a range such as 20..180",
    RupeeRange::parse
);
impl_from_text!(Percent, "percent with at most two decimals", |text| {
    Paise::parse(text).map(|percent| percent.0)
});

impl JsonSchema for IntegerRange {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "IntegerRange".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "integer", "minimum": 0 },
            { "type": "string", "format": INTEGER_RANGE_FORMAT, "pattern": "^[0-9]+(\\.\\.[0-9]+)?$" },
        ] })
    }
}

impl JsonSchema for RupeeRange {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "RupeeRange".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "number", "minimum": 0, "maximum": RUPEES_MAX.0 / 100 },
            { "type": "string", "format": RUPEE_RANGE_FORMAT, "pattern": "^[0-9]+(\\.[0-9]{1,2})?(\\.\\.[0-9]+(\\.[0-9]{1,2})?)?$" },
        ] })
    }
}

impl JsonSchema for Percent {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Percent".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "minimum": 0, "maximum": 100 })
    }
}
