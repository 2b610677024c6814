//! Owns the text form of durations: `2s`, `1500ms`, `5m`, `12h`, `30d`, `4w`, or ISO 8601 `P30D`,
//! `PT1H30M`.

use crate::domain::time::Millis;

/// The description of the forms that [`parse_duration`] accepts, for error messages.
pub const DURATION_FORMS: &str = "a duration such as 500ms, 2s, 5m, 12h, 30d, P30D or PT1H30M";

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;

/// Parses a duration. Months and years have no fixed length and are rejected.
pub fn parse_duration(text: &str) -> Option<Millis> {
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

#[cfg(test)]
mod tests {
    use super::parse_duration;

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
}
