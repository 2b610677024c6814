//! Lengths of time as people write them: `2s`, `1500ms`, `5m`, `12h`, `30d`, `4w`, or ISO 8601 `P30D`, `PT1H30M`.

use crate::domain::time::Span;

/// What [`parse_span`] accepts, for error texts.
pub const SPAN_FORMS: &str = "a length of time such as 500ms, 2s, 5m, 12h, 30d, P30D or PT1H30M";

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;

/// Reads a length of time. Months and years have no fixed length and are not accepted.
pub fn parse_span(text: &str) -> Option<Span> {
    text.strip_prefix('P')
        .map_or_else(|| parse_short(text), parse_iso)
}

fn parse_short(text: &str) -> Option<Span> {
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
    number.parse::<i64>().ok()?.checked_mul(unit).map(Span)
}

fn parse_iso(text: &str) -> Option<Span> {
    let (days, clock) = match text.split_once('T') {
        Some((_, "")) => return None,
        Some((days, clock)) => (days, clock),
        None => (text, ""),
    };
    if days.is_empty() && clock.is_empty() {
        return None;
    }
    let days = sum_parts(days, &[('W', WEEK), ('D', DAY)])?;
    let clock = sum_parts(clock, &[('H', HOUR), ('M', MINUTE), ('S', SECOND)])?;
    days.checked_add(clock).map(Span)
}

/// Sums numbers that are followed by units, each unit at most once and in the given order.
fn sum_parts(mut text: &str, units: &[(char, i64)]) -> Option<i64> {
    let mut total = 0i64;
    for (letter, unit) in units {
        if let Some((number, rest)) = text.split_once(*letter) {
            let plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            let number = plain.then(|| number.parse::<i64>().ok()).flatten()?;
            total = total.checked_add(number.checked_mul(*unit)?)?;
            text = rest;
        }
    }
    text.is_empty().then_some(total)
}

#[cfg(test)]
mod tests {
    use super::parse_span;

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
            assert_eq!(parse_span(text).map(|span| span.0), Some(ms), "{text}");
        }
    }

    #[test]
    fn what_has_no_fixed_length_or_no_unit_is_refused() {
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
            assert_eq!(parse_span(text), None, "{text}");
        }
    }
}
