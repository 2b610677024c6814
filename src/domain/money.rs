//! Money as integer paise: sums are exact, and balances add up to the paisa.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub};

use serde::{Deserialize, Serialize};

use crate::domain::text::quote_value;

/// An amount in paise (1/100 rupee); negative for money that leaves the account.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Paise(pub i64);

impl Paise {
    /// Converts whole rupees.
    pub const fn from_rupees(rupees: i64) -> Self {
        Self(rupees * 100)
    }

    /// Parses rupees with at most two decimals (`20000`, `20000.5`, `-1.25`); `None` for any other
    /// text and for amounts of more than 13 rupee digits.
    pub fn parse(text: &str) -> Option<Self> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (rupees, decimals) = digits.split_once('.').unwrap_or((digits, "00"));
        if !is_digits(rupees) || !is_digits(decimals) || rupees.len() > 13 || decimals.len() > 2 {
            return None;
        }
        let paise: i64 = decimals.parse().ok()?;
        let paise = if decimals.len() == 1 {
            paise * 10
        } else {
            paise
        };
        Some(Self(sign * (rupees.parse::<i64>().ok()? * 100 + paise)))
    }

    /// Formats the amount with Indian digit grouping: 12,34,567.89.
    pub fn group(self) -> String {
        let sign = if self.0 < 0 && self.0 > -100 { "-" } else { "" };
        format!(
            "{sign}{}.{:02}",
            self.group_rupees(),
            self.0.unsigned_abs() % 100
        )
    }

    /// Parses a positive amount in rupees.
    ///
    /// # Errors
    /// A message that continues a sentence which begins with the field's name.
    pub fn parse_positive(text: &str) -> Result<Self, String> {
        match Self::parse(text) {
            Some(amount) if amount.0 > 0 => Ok(amount),
            Some(_) => Err(format!(
                "{text} is not more than 0; the type, CREDIT or DEBIT, is the direction"
            )),
            None => Err(format!(
                "{} is not an amount in rupees with at most two decimals; write it as 1500 or 1500.50",
                quote_value(text)
            )),
        }
    }

    /// Formats whole rupees with Indian digit grouping: 12,34,567. Paise are cut off.
    pub fn group_rupees(self) -> String {
        let grouped = group_digits(self.0.unsigned_abs() / 100);
        format!("{}{grouped}", if self.0 < 0 { "-" } else { "" })
    }
}

/// Formats a count with Indian digit grouping: 12,34,567.
pub(crate) fn group_count(count: usize) -> String {
    group_digits(count as u64)
}

fn group_digits(number: u64) -> String {
    let text = number.to_string();
    let (head, tail) = text.split_at(text.len().saturating_sub(3));
    let mut grouped = String::new();
    for (index, digit) in head.chars().enumerate() {
        grouped.push(digit);
        if (head.len() - index - 1).is_multiple_of(2) {
            grouped.push(',');
        }
    }
    grouped + tail
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for Paise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let paise = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", paise / 100, paise % 100)
    }
}

impl Add for Paise {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Paise {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sub for Paise {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Paise {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl Sum for Paise {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self(0), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::Paise;

    #[test]
    fn an_amount_reads_back_as_it_prints() {
        for paise in [0, 1, 99, 100, -1, -12345, 2_000_000] {
            assert_eq!(Paise::parse(&Paise(paise).to_string()), Some(Paise(paise)));
        }
        assert_eq!(Paise::parse("20000"), Some(Paise(2_000_000)));
        assert_eq!(Paise::parse("0.5"), Some(Paise(50)));
    }

    #[test]
    fn what_is_no_amount_is_rejected() {
        for text in [
            "",
            "-",
            ".",
            "1.",
            ".5",
            "1.234",
            "1e5",
            "₹5",
            "1,000",
            "99999999999999",
            "--1",
            "+1",
        ] {
            assert_eq!(Paise::parse(text), None, "{text}");
        }
    }

    #[test]
    fn rupees_are_grouped_by_lakh_and_crore() {
        for (paise, expected) in [
            (0, "0"),
            (99_900, "999"),
            (100_000, "1,000"),
            (12_345_600, "1,23,456"),
            (-123_456_700, "-12,34,567"),
        ] {
            assert_eq!(Paise(paise).group_rupees(), expected);
        }
    }
}
