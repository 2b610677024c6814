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
    pub fn from_date(date: NaiveDate) -> Self {
        Self {
            year: date.year(),
            month: date.month(),
        }
    }

    /// Returns the number of the month on a continuous scale: consecutive months differ by 1.
    pub fn ordinal(self) -> i64 {
        i64::from(self.year) * 12 + i64::from(self.month) - 1
    }

    #[must_use]
    pub fn previous(self) -> Self {
        if self.month == 1 {
            Self {
                year: self.year - 1,
                month: 12,
            }
        } else {
            Self {
                month: self.month - 1,
                ..self
            }
        }
    }

    #[must_use]
    pub fn next(self) -> Self {
        if self.month == 12 {
            Self {
                year: self.year + 1,
                month: 1,
            }
        } else {
            Self {
                month: self.month + 1,
                ..self
            }
        }
    }

    /// Returns the date of the given day, or of the month's last day where the month is shorter.
    pub fn clamped_date(self, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(self.year, self.month, day.clamp(1, self.num_days()))
            .expect("the day is in the month")
    }

    /// Returns the number of days in the month.
    pub fn num_days(self) -> u32 {
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        match self.month {
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => 31,
        }
    }

    /// Returns whether the month ends a calendar quarter, when banks credit interest.
    pub fn is_quarter_end(self) -> bool {
        self.month.is_multiple_of(3)
    }

    /// Returns the day of the month's last working day.
    pub fn last_working_day(self) -> u32 {
        (1..=self.num_days())
            .rev()
            .find(|day| is_working_day(self.clamped_date(*day)))
            .expect("a month has working days")
    }

    /// Returns the first month of the calendar quarter.
    #[must_use]
    pub fn quarter_start(self) -> Self {
        Self {
            month: self.month - (self.month - 1) % 3,
            ..self
        }
    }

    /// Returns the year in which the month's financial year began; it begins in April.
    pub fn financial_year_start(self) -> i32 {
        if self.month >= 4 {
            self.year
        } else {
            self.year - 1
        }
    }

    /// Returns the month that is `months` later.
    #[must_use]
    pub fn plus_months(self, months: u32) -> Self {
        let ordinal = self.ordinal() + i64::from(months);
        let year = i32::try_from(ordinal / 12).expect("a year of our era");
        Self {
            year,
            month: u32::try_from(ordinal % 12).expect("below 12") + 1,
        }
    }

    /// Returns the English name in three letters.
    pub fn short_name(self) -> &'static str {
        const NAMES: [&str; 12] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ];
        NAMES[self.month as usize - 1]
    }
}

/// Returns whether banks in India work on this day: not on Sundays, not on the second and fourth
/// Saturday of a month (Reserve Bank of India, since 1 September 2015), not on holidays.
///
/// `Assumption:` the second and fourth Saturdays are free in earlier years too.
pub fn is_working_day(date: NaiveDate) -> bool {
    let is_weekly_holiday = match date.weekday() {
        Weekday::Sun => true,
        Weekday::Sat => matches!((date.day() - 1) / 7, 1 | 3),
        _ => false,
    };
    !is_weekly_holiday && !is_bank_holiday(date)
}

/// Returns the first working day of banks on or after this day.
pub(crate) fn working_day_on_or_after(date: NaiveDate) -> NaiveDate {
    first_day_matching(date, is_working_day)
}

/// Returns the first day on or after this day on which exchanges and funds deal: a working day of
/// banks other than a Saturday.
pub(crate) fn trading_day_on_or_after(date: NaiveDate) -> NaiveDate {
    first_day_matching(date, |date| {
        date.weekday() != Weekday::Sat && is_working_day(date)
    })
}

fn first_day_matching(date: NaiveDate, predicate: impl Fn(NaiveDate) -> bool) -> NaiveDate {
    date.iter_days()
        .find(|date| predicate(*date))
        .expect("a day within the calendar")
}

/// Returns whether the day is a bank holiday in all of India with a date that can be computed:
/// Republic Day, the yearly closing of accounts, Good Friday, Independence Day, Gandhi Jayanti,
/// Christmas.
///
/// `Assumption:` holidays of lunar calendars and of single states are left out.
pub(crate) fn is_bank_holiday(date: NaiveDate) -> bool {
    matches!(
        (date.month(), date.day()),
        (1, 26) | (4, 1) | (8, 15) | (10, 2) | (12, 25)
    ) || (matches!(date.month(), 3 | 4) && date == good_friday(date.year()))
}

/// Returns the day two days before Easter (Gregorian computus, as in Meeus, *Astronomical
/// Algorithms*).
fn good_friday(year: i32) -> NaiveDate {
    let golden = year % 19;
    let century = year / 100;
    let lunar = (8 * century + 13) / 25;
    let epact = (19 * golden + century - century / 4 - lunar + 15) % 30;
    let moon = epact - (golden + 11 * epact) / 319;
    let weekday = (2 * (century % 4) + 2 * (year % 100 / 4) - moon - year % 100 % 4 + 32) % 7;
    let month = (moon + weekday + 90) / 25;
    let day = (moon + weekday + month + 19) % 32;
    let [month, day] = [month, day].map(|number| u32::try_from(number).expect("a month or a day"));
    let easter = NaiveDate::from_ymd_opt(year, month, day).expect("Easter is in the calendar");
    easter - chrono::Days::new(2)
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::{Month, is_bank_holiday, is_working_day};

    #[test]
    fn second_and_fourth_saturdays_are_free() {
        let holidays: Vec<u32> = (1..=31)
            .filter(|day| !is_working_day(NaiveDate::from_ymd_opt(2024, 3, *day).unwrap()))
            .collect();
        assert_eq!(holidays, [3, 9, 10, 17, 23, 24, 29, 31]);
    }

    #[test]
    fn the_last_working_day_skips_a_sunday() {
        assert_eq!(
            Month {
                year: 2024,
                month: 3
            }
            .last_working_day(),
            30
        );
        assert_eq!(
            Month {
                year: 2024,
                month: 2
            }
            .last_working_day(),
            29
        );
    }

    #[test]
    fn good_friday_is_where_the_calendar_has_it() {
        for (year, month, day) in [
            (2019, 4, 19),
            (2020, 4, 10),
            (2024, 3, 29),
            (2025, 4, 18),
            (2026, 4, 3),
            (2038, 4, 23),
        ] {
            assert!(
                is_bank_holiday(NaiveDate::from_ymd_opt(year, month, day).unwrap()),
                "{year}"
            );
        }
    }

    #[test]
    fn months_have_the_calendars_length() {
        for (year, month) in (1990..2110).flat_map(|year| (1..=12).map(move |month| (year, month)))
        {
            let month = Month { year, month };
            assert_eq!(
                month.clamped_date(month.num_days()).succ_opt(),
                Some(month.next().clamped_date(1)),
                "{month:?}"
            );
        }
    }

    #[test]
    fn months_follow_each_other() {
        let december = Month {
            year: 2023,
            month: 12,
        };
        assert_eq!(
            december.next(),
            Month {
                year: 2024,
                month: 1
            }
        );
        assert_eq!(december.next().previous(), december);
        assert_eq!(december.next().ordinal() - december.ordinal(), 1);
    }
}
