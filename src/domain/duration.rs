//! Owns the text form of durations: `2s`, `1500ms`, `5m`, `12h`, `30d`, `4w`, or ISO 8601 `P30D`,
//! `PT1H30M`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::time::Millis;

/// The `format` of a duration in a schema. JSON Schema reserves `duration` for ISO 8601.
pub(crate) const DURATION_FORMAT: &str = "span";

/// The description of the forms that [`parse_duration`] accepts, for error messages.
pub(crate) const DURATION_FORMS: &str =
    "a duration such as 500ms, 2s, 5m, 12h, 30d, P30D or PT1H30M";

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;

/// Parses a duration. Months and years have no fixed length and are rejected.
pub(crate) fn parse_duration(text: &str) -> Option<Millis> {
    text.strip_prefix('P')
        .map_or_else(|| parse_short_form(text), parse_iso_form)
}

fn parse_short_form(text: &str) -> Option<Millis> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .filter(|digits| *digits > 0)?;
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "ms" => 1,
        "s" => SECOND,
        "m" => MINUTE,
        "h" => HOUR,
        "d" => DAY,
        "w" => WEEK,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(unit).map(Millis)
}

fn parse_iso_form(text: &str) -> Option<Millis> {
    let (days, time) = match text.split_once('T') {
        Some((_, "")) => return None,
        Some((days, time)) => (days, time),
        None => (text, ""),
    };
    if days.is_empty() && time.is_empty() {
        return None;
    }
    let days = sum_parts(days, &[('W', WEEK), ('D', DAY)])?;
    let time = sum_parts(time, &[('H', HOUR), ('M', MINUTE), ('S', SECOND)])?;
    days.checked_add(time).map(Millis)
}

/// Returns the sum of numbers followed by units, in milliseconds; each unit occurs at most once and
/// in the given order.
fn sum_parts(mut text: &str, units: &[(char, i64)]) -> Option<i64> {
    let mut total = 0i64;
    for (letter, unit) in units {
        if let Some((number, rest)) = text.split_once(*letter) {
            let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            let number = is_number.then(|| number.parse::<i64>().ok()).flatten()?;
            total = total.checked_add(number.checked_mul(*unit)?)?;
            text = rest;
        }
    }
    text.is_empty().then_some(total)
}

/// Returns the short form of a duration, in the largest unit that divides it.
pub(crate) fn format_duration(Millis(ms): Millis) -> String {
    let units = [
        ("w", WEEK),
        ("d", DAY),
        ("h", HOUR),
        ("m", MINUTE),
        ("s", SECOND),
    ];
    units
        .into_iter()
        .find(|(name, unit)| ms % unit == 0 && (ms != 0 || *name == "s"))
        .map_or_else(
            || format!("{ms}ms"),
            |(name, unit)| format!("{}{name}", ms / unit),
        )
}

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        parse_duration(&text).ok_or_else(|| D::Error::custom("invalid duration"))
    }
}

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_duration(*self))
    }
}

impl JsonSchema for Millis {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // An ISO 8601 part is omitted together with its designator: `P` and `PT` are invalid.
        const TIME: &str = "T([0-9]+H([0-9]+M)?([0-9]+S)?|[0-9]+M([0-9]+S)?|[0-9]+S)";
        let days = format!("[0-9]+D({TIME})?");
        json_schema!({
            "type": "string",
            "format": DURATION_FORMAT,
            "pattern": format!("^([0-9]+(ms|s|m|h|d|w)|P([0-9]+W({days}|{TIME})?|{days}|{TIME}))$"),
            "examples": ["500ms", "2s", "5m", "12h", "P30D", "PT1H30M"],
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use schemars::{JsonSchema, SchemaGenerator};

    use super::{format_duration, parse_duration};
    use crate::domain::time::Millis;

    #[test]
    fn short_and_iso_forms_mean_the_same() {
        for (text, ms) in [
            ("0s", 0),
            ("1500ms", 1500),
            ("2s", 2000),
            ("5m", 300_000),
            ("12h", 43_200_000),
            ("30d", 2_592_000_000),
            ("P30D", 2_592_000_000),
            ("P1W", 604_800_000),
            ("PT1H30M", 5_400_000),
            ("P1DT2S", 86_402_000),
        ] {
            assert_eq!(
                parse_duration(text).map(|millis| millis.0),
                Some(ms),
                "{text}"
            );
        }
    }

    #[test]
    fn a_duration_of_no_fixed_length_or_unit_is_rejected() {
        for text in [
            "",
            "5",
            "s",
            "P",
            "PT",
            "P1M",
            "P1Y",
            "PT5",
            "1.5s",
            "-2s",
            "2 s",
            "P1D2W",
            "99999999999999999w",
        ] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn durations_that_the_schema_accepts_can_be_parsed() {
        let schema = Millis::json_schema(&mut SchemaGenerator::default()).to_value();
        let pattern = schema["pattern"].as_str().expect("a pattern");
        // At most four digits, so that no number overflows.
        let pattern = pattern
            .trim_matches(['^', '$'])
            .replace("[0-9]+", "[0-9]{1,4}");
        let lengths = proptest::string::string_regex(&pattern).expect("a regular expression");
        proptest!(|(length in lengths)| {
            prop_assert!(parse_duration(&length).is_some(), "{length}");
        });
    }

    proptest! {
        #[test]
        fn a_formatted_duration_parses_to_itself(ms in 0..=i64::MAX) {
            prop_assert_eq!(parse_duration(&format_duration(Millis(ms))), Some(Millis(ms)));
        }
    }

    #[test]
    fn a_duration_is_formatted_in_its_largest_unit() {
        for text in ["0s", "1500ms", "2s", "16m", "12h", "30d", "4w"] {
            let duration = parse_duration(text).expect("a duration");
            assert_eq!(format_duration(duration), text);
        }
    }
}
