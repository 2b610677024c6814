//! Amounts and dates of statements as the bytes that both of their formats print.

use chrono::{Datelike, NaiveDate};

use crate::domain::money::Paise;
use crate::domain::time::put_digits;

/// An amount in rupees with two decimals.
pub fn money(out: &mut Vec<u8>, amount: Paise) {
    if amount.0 < 0 {
        out.push(b'-');
    }
    let paise = amount.0.unsigned_abs();
    number(out, paise / 100);
    let mut decimals = *b".00";
    put_digits(&mut decimals[1..], u32::try_from(paise % 100).expect("below 100"));
    out.extend_from_slice(&decimals);
}

/// A whole number.
pub fn number(out: &mut Vec<u8>, mut number: u64) {
    let mut buffer = [b'0'; 20];
    let mut start = buffer.len();
    loop {
        start -= 1;
        buffer[start] = b'0' + u8::try_from(number % 10).expect("a digit");
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&buffer[start..]);
}

/// `yyyy-MM-dd`.
pub fn date(date: NaiveDate) -> [u8; 10] {
    let mut value = *b"0000-00-00";
    put_digits(&mut value[0..4], date.year().unsigned_abs());
    put_digits(&mut value[5..7], date.month());
    put_digits(&mut value[8..10], date.day());
    value
}

#[cfg(test)]
mod tests {
    use super::money;
    use crate::domain::money::Paise;

    #[test]
    fn money_has_two_decimals() {
        for (paise, expected) in [(0, "0.00"), (5, "0.05"), (-1234, "-12.34"), (123_456_789, "1234567.89")] {
            let mut out = Vec::new();
            money(&mut out, Paise(paise));
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }
}
