//! Byte formatting of amounts, dates and texts, shared by the statement writers.

use chrono::NaiveDate;

use crate::domain::digits::{append_number, two_digits};
use crate::domain::money::Paise;
use crate::domain::statement::NewRow;
use crate::domain::time::write_date;

/// Appends a text that needs no escaping.
pub(crate) fn push_str(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// Appends an amount in rupees with two decimals.
pub(crate) fn push_amount(out: &mut Vec<u8>, amount: Paise) {
    if amount.0 < 0 {
        out.push(b'-');
    }
    let paise = amount.0.unsigned_abs();
    append_number(out, paise / 100);
    out.push(b'.');
    out.extend_from_slice(two_digits(paise).as_bytes());
}

/// Appends the value date of a row, which is mostly the day of its time `at`, in IST.
pub(crate) fn push_value_date(out: &mut Vec<u8>, row: &NewRow<'_>, at: &[u8; 25]) {
    match row.supplied.value_date {
        None => out.extend_from_slice(&at[..10]),
        Some(day) => out.extend_from_slice(&format_date(day)),
    }
}

/// Formats a date as `yyyy-MM-dd`.
pub(crate) fn format_date(date: NaiveDate) -> [u8; 10] {
    let mut value = *b"0000-00-00";
    write_date(&mut value, date);
    value
}

#[cfg(test)]
mod tests {
    use super::push_amount;
    use crate::domain::money::Paise;

    #[test]
    fn money_has_two_decimals() {
        for (paise, expected) in [
            (0, "0.00"),
            (5, "0.05"),
            (-1234, "-12.34"),
            (123_456_789, "1234567.89"),
        ] {
            let mut out = Vec::new();
            push_amount(&mut out, Paise(paise));
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }
}
