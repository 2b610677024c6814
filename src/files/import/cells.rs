//! Dates and amounts as banks in India print them.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use crate::domain::money::Paise;
use crate::domain::terms::TransactionType;

/// The order of day, month and year in a date of digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum DateOrder {
    /// As in India.
    #[default]
    DayMonthYear,
    MonthDayYear,
    YearMonthDay,
}

impl DateOrder {
    /// Reads a pattern such as `dd/mm/yyyy`: its letters count, not what separates them.
    pub(super) fn parse(pattern: &str) -> Option<Self> {
        let mut letters: Vec<char> = pattern
            .chars()
            .map(|c| c.to_ascii_lowercase())
            .filter(char::is_ascii_alphabetic)
            .collect();
        letters.dedup();
        match letters.as_slice() {
            ['d', 'm', 'y'] => Some(Self::DayMonthYear),
            ['m', 'd', 'y'] => Some(Self::MonthDayYear),
            ['y', 'm', 'd'] => Some(Self::YearMonthDay),
            _ => None,
        }
    }
}

/// Parses a date, with a time or without one: `01/04/25`, `1 Apr 2025`, `01-04-2025 06:04:51 PM`.
pub(super) fn parse_date_time(text: &str, order: DateOrder) -> Option<NaiveDateTime> {
    let text = text.trim();
    let date_end = text.find(':').map_or(text.len(), |colon| {
        // The hour comes before the colon, after a space or a T.
        text[..colon].rfind([' ', 'T']).unwrap_or(0)
    });
    let (date, time) = text.split_at(date_end);
    let date = parse_date(date.trim(), order)?;
    let time = time.trim_start_matches([' ', 'T']);
    let time = if time.is_empty() {
        NaiveTime::MIN
    } else {
        parse_time(time)?
    };
    Some(date.and_time(time))
}

fn parse_time(text: &str) -> Option<NaiveTime> {
    let text = text.to_ascii_uppercase();
    let formats = ["%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M %p", "%I:%M:%S%p"];
    formats
        .iter()
        .find_map(|format| NaiveTime::parse_from_str(&text, format).ok())
}

fn parse_date(text: &str, order: DateOrder) -> Option<NaiveDate> {
    let parts: Vec<&str> = text
        .split(['/', '-', '.', ' ', ','])
        .filter(|part| !part.is_empty())
        .collect();
    let [first, second, third] = *parts.as_slice() else {
        return None;
    };
    let number = |part: &str| {
        let is_number = part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<u32>().ok().filter(|_| is_number)
    };
    let (year, month, day) = if first.len() == 4 {
        (first, second, third)
    } else {
        match order {
            DateOrder::MonthDayYear if month_of(second).is_none() => (third, first, second),
            DateOrder::YearMonthDay => (first, second, third),
            _ if month_of(first).is_some() => (third, first, second),
            _ => (third, second, first),
        }
    };
    let month = month_of(month).or_else(|| number(month))?;
    let year = match (year.len(), number(year)?) {
        (4, year) => year,
        // Accounts are not older than the two digits tell.
        (2, short @ 0..80) => 2000 + short,
        (2, short) => 1900 + short,
        _ => return None,
    };
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, number(day)?)
}

/// Returns the number of a month that is named, in three letters or in full.
fn month_of(text: &str) -> Option<u32> {
    const NAMES: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let text = text.to_ascii_lowercase();
    let is_name = |name: &&str| {
        text.len() >= 3 && (name.starts_with(&text) || text == "sept" && **name == *"september")
    };
    (1..)
        .zip(NAMES)
        .find(|(_, name)| is_name(name))
        .map(|(number, _)| number)
}

/// An amount as it is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PrintedAmount {
    /// Negative for a printed sign or brackets.
    pub amount: Paise,
    /// The side that is printed with the amount: `Cr`, `(Dr)`.
    pub side: Option<TransactionType>,
}

impl PrintedAmount {
    /// Returns the amount as a balance: what is printed with Dr is owed, whether it has a sign as well or not.
    pub(super) fn as_balance(self) -> Paise {
        match self.side {
            Some(TransactionType::Debit) => Paise(-self.amount.0.abs()),
            Some(TransactionType::Credit) | None => self.amount,
        }
    }
}

/// Returns whether a cell has no amount: it is empty, or has a sign that means so.
pub(super) fn is_blank(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || text == "-" || text == "--" || text.eq_ignore_ascii_case("nil")
}

/// Parses an amount: thousands separators, a currency, brackets, a sign before or after it, `Cr` or `Dr`.
pub(super) fn parse_printed_amount(text: &str, decimal: char) -> Option<PrintedAmount> {
    let mut rest = text.trim();
    let (without_side, side) = split_side(rest);
    rest = without_side;
    for currency in ["INR", "Rs.", "Rs", "\u{20b9}"] {
        rest = rest.strip_prefix(currency).map_or(rest, str::trim_start);
    }
    let mut is_negative = false;
    if let Some(inner) = rest
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
    {
        (rest, is_negative) = (inner.trim(), true);
    }
    if let Some(inner) = rest.strip_prefix('-').or_else(|| rest.strip_suffix('-')) {
        (rest, is_negative) = (inner.trim(), true);
    }
    let rest = rest.strip_prefix('+').unwrap_or(rest);
    let (rupees, decimals) = rest.split_once(decimal).unwrap_or((rest, "00"));
    let amount = Paise::parse(&format!("{}.{decimals}", join_groups(rupees, decimal)?))?;
    Some(PrintedAmount {
        amount: if is_negative { -amount } else { amount },
        side,
    })
}

/// Returns rupees without the separators of their groups: 1,25,000, 125,000 or 125 000. `None` for other groups, which
/// are no thousands: a comma before two digits at the end is a decimal one.
fn join_groups(rupees: &str, decimal: char) -> Option<String> {
    let separators: &[char] = if decimal == ',' {
        &['.', ' ']
    } else {
        &[',', ' ']
    };
    let groups: Vec<&str> = rupees.split(separators).collect();
    let has_only_digits = rupees
        .bytes()
        .all(|byte| byte.is_ascii_digit() || separators.contains(&char::from(byte)));
    let is_grouped = match *groups.as_slice() {
        [_] => true,
        [first, ref between @ .., last] => {
            (1..=3).contains(&first.len())
                && between.iter().all(|group| matches!(group.len(), 2 | 3))
                && last.len() == 3
        }
        [] => false,
    };
    (has_only_digits && is_grouped).then(|| groups.concat())
}

/// Splits the side from the end of an amount.
fn split_side(text: &str) -> (&str, Option<TransactionType>) {
    let trimmed = text.trim_end_matches('.').trim_end();
    let (inner, is_bracketed) = match trimmed.strip_suffix(')') {
        Some(inner) => (inner, true),
        None => (trimmed, false),
    };
    let split = inner
        .len()
        .checked_sub(2)
        .filter(|at| inner.is_char_boundary(*at));
    let Some((amount, side)) = split.map(|at| inner.split_at(at)) else {
        return (text, None);
    };
    let Some(side) = parse_side(side) else {
        return (text, None);
    };
    let amount = amount.trim_end();
    let amount = if is_bracketed {
        amount.strip_suffix('(').unwrap_or(amount)
    } else {
        amount
    };
    (amount.trim_end(), Some(side))
}

/// Parses the side of an amount that has a cell of its own.
pub(super) fn parse_side(text: &str) -> Option<TransactionType> {
    match text
        .trim()
        .trim_end_matches('.')
        .to_ascii_lowercase()
        .as_str()
    {
        "cr" | "c" | "credit" | "deposit" => Some(TransactionType::Credit),
        "dr" | "d" | "debit" | "withdrawal" => Some(TransactionType::Debit),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{DateOrder, parse_date_time, parse_printed_amount};
    use crate::domain::money::Paise;
    use crate::domain::terms::TransactionType::{Credit, Debit};

    #[test]
    fn dates_are_read_as_banks_print_them() {
        let india = DateOrder::DayMonthYear;
        for (text, order, expected) in [
            ("01/04/25", india, Some("2025-04-01 00:00:00")),
            ("1 Apr 2025", india, Some("2025-04-01 00:00:00")),
            ("01-APR-2025", india, Some("2025-04-01 00:00:00")),
            ("01/Apr/2025", india, Some("2025-04-01 00:00:00")),
            ("Apr 1, 2025", india, Some("2025-04-01 00:00:00")),
            ("1 Sept 2025", india, Some("2025-09-01 00:00:00")),
            ("2025-04-01", india, Some("2025-04-01 00:00:00")),
            ("2025-04-01T18:04:51", india, Some("2025-04-01 18:04:51")),
            ("01-04-2025 18:04:51", india, Some("2025-04-01 18:04:51")),
            ("01/04/2025 06:04:51 PM", india, Some("2025-04-01 18:04:51")),
            ("01/04/2025 06:04 am", india, Some("2025-04-01 06:04:00")),
            ("31/12/99", india, Some("1999-12-31 00:00:00")),
            (
                "04/01/2025",
                DateOrder::MonthDayYear,
                Some("2025-04-01 00:00:00"),
            ),
            (
                "25.04.01",
                DateOrder::YearMonthDay,
                Some("2025-04-01 00:00:00"),
            ),
            ("31/02/2025", india, None),
            ("04/13/2025", india, None),
            ("42350.75", india, None),
            ("1 of 1", india, None),
            ("Opening Balance", india, None),
            ("01/04/2025 to 30/04/2025", india, None),
            ("01/04/2025 25:00", india, None),
        ] {
            let parsed = parse_date_time(text, order).map(|time| time.to_string());
            assert_eq!(parsed.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn patterns_are_read_by_their_letters() {
        for (pattern, order) in [
            ("dd/mm/yyyy", Some(DateOrder::DayMonthYear)),
            ("d-MMM-yy", Some(DateOrder::DayMonthYear)),
            ("MM.DD.YYYY", Some(DateOrder::MonthDayYear)),
            ("yyyy-mm-dd", Some(DateOrder::YearMonthDay)),
            ("yyyy", None),
            ("dd/mm/yyyy hh:mm", None),
        ] {
            assert_eq!(DateOrder::parse(pattern), order, "{pattern}");
        }
    }

    #[test]
    fn amounts_are_read_as_banks_print_them() {
        for (text, decimal, expected) in [
            ("1,25,000.00", '.', Some((12_500_000, None))),
            ("420.0", '.', Some((42_000, None))),
            ("-1,087.00", '.', Some((-108_700, None))),
            ("1,087.00-", '.', Some((-108_700, None))),
            ("(250)", '.', Some((-25_000, None))),
            ("1,41,643.05Cr", '.', Some((14_164_305, Some(Credit)))),
            ("141643.05 Cr.", '.', Some((14_164_305, Some(Credit)))),
            ("50000.00 (Dr)", '.', Some((5_000_000, Some(Debit)))),
            ("Rs.42,350.75", '.', Some((4_235_075, None))),
            ("INR 5", '.', Some((500, None))),
            ("\u{20b9} 5", '.', Some((500, None))),
            ("1.250,50", ',', Some((125_050, None))),
            ("1 250.50", '.', Some((125_050, None))),
            ("12.345", '.', None),
            ("4.12E+11", '.', None),
            ("NEFT", '.', None),
            ("", '.', None),
            ("--5", '.', None),
            ("1,250", '.', Some((125_000, None))),
            ("125,000.5", '.', Some((12_500_050, None))),
            ("10,50", '.', None),
            ("1,2,3", '.', None),
            ("1,0000", '.', None),
            (",500", '.', None),
            ("1.50", ',', None),
            ("1.250", ',', Some((125_000, None))),
        ] {
            let parsed = parse_printed_amount(text, decimal);
            let expected = expected.map(|(paise, side)| (Paise(paise), side));
            assert_eq!(
                parsed.map(|parsed| (parsed.amount, parsed.side)),
                expected,
                "{text}"
            );
        }
        let balance = |text| parse_printed_amount(text, '.').map(|parsed| parsed.as_balance().0);
        assert_eq!(balance("10.00 Dr"), Some(-1_000));
        assert_eq!(balance("-10.00"), Some(-1_000));
        assert_eq!(balance("-10.00 Dr"), Some(-1_000));
    }
}
