//! Months and bank days in India.

use chrono::{Datelike, NaiveDate, Weekday};

/// A calendar month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    pub year: i32,
    /// 1 to 12.
    pub month: u32,
}

impl Month {
    pub fn of(date: NaiveDate) -> Self {
        Self { year: date.year(), month: date.month() }
    }

    /// A number that grows by one from month to month.
    pub fn ordinal(self) -> i64 {
        i64::from(self.year) * 12 + i64::from(self.month) - 1
    }

    pub fn previous(self) -> Self {
        if self.month == 1 { Self { year: self.year - 1, month: 12 } } else { Self { month: self.month - 1, ..self } }
    }

    pub fn next(self) -> Self {
        if self.month == 12 { Self { year: self.year + 1, month: 1 } } else { Self { month: self.month + 1, ..self } }
    }

    /// The `day`th, or the last day where the month is shorter.
    pub fn day(self, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(self.year, self.month, day.clamp(1, self.length())).expect("the day is in the month")
    }

    /// Days in the month.
    pub fn length(self) -> u32 {
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        match self.month {
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => 31,
        }
    }

    /// Interest is credited at the end of a calendar quarter.
    pub fn ends_quarter(self) -> bool {
        self.month.is_multiple_of(3)
    }

    /// The last day on which banks and employers work: no Sunday, no second or fourth Saturday.
    pub fn last_working_day(self) -> u32 {
        (1..=self.length()).rev().find(|day| is_working_day(self.day(*day))).expect("a month has working days")
    }
}

/// Banks in India rest on Sundays and on the second and fourth Saturday of a month (Reserve Bank of India,
/// since 1 September 2015; `Assumption:` the generator applies it to earlier years too).
pub fn is_working_day(date: NaiveDate) -> bool {
    match date.weekday() {
        Weekday::Sun => false,
        Weekday::Sat => !matches!((date.day() - 1) / 7, 1 | 3),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::{Month, is_working_day};

    #[test]
    fn second_and_fourth_saturdays_are_free() {
        let march = |day| NaiveDate::from_ymd_opt(2024, 3, day).unwrap();
        let free: Vec<u32> = (1..=31).filter(|day| !is_working_day(march(*day))).collect();
        assert_eq!(free, [3, 9, 10, 17, 23, 24, 31]);
    }

    #[test]
    fn the_last_working_day_skips_a_sunday() {
        assert_eq!(Month { year: 2024, month: 3 }.last_working_day(), 30);
        assert_eq!(Month { year: 2024, month: 2 }.last_working_day(), 29);
    }

    #[test]
    fn months_have_the_calendars_length() {
        for (year, month) in (1990..2110).flat_map(|year| (1..=12).map(move |month| (year, month))) {
            let month = Month { year, month };
            assert_eq!(month.day(month.length()).succ_opt(), Some(month.next().day(1)), "{month:?}");
        }
    }

    #[test]
    fn months_follow_each_other() {
        let december = Month { year: 2023, month: 12 };
        assert_eq!(december.next(), Month { year: 2024, month: 1 });
        assert_eq!(december.next().previous(), december);
        assert_eq!(december.next().ordinal() - december.ordinal(), 1);
    }
}
