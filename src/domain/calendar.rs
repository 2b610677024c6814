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

/// Returns the working day of banks that comes this many working days after a day.
pub(crate) fn working_day_after(date: NaiveDate, count: usize) -> NaiveDate {
    let mut days = date
        .iter_days()
        .skip(1)
        .filter(|date| is_working_day(*date));
    match count.checked_sub(1) {
        None => date,
        Some(before) => days.nth(before).expect("a day within the calendar"),
    }
}

/// Returns the first day on or after this day on which exchanges and funds deal.
pub(crate) fn trading_day_on_or_after(date: NaiveDate) -> NaiveDate {
    first_day_matching(date, is_trading_day)
}

/// Returns the last day on or before this day on which exchanges and funds deal.
pub(crate) fn trading_day_on_or_before(date: NaiveDate) -> NaiveDate {
    let mut days = std::iter::successors(Some(date), NaiveDate::pred_opt);
    days.find(|day| is_trading_day(*day))
        .expect("a day within the calendar")
}

/// Returns whether exchanges and funds deal: on the working days of banks other than Saturdays.
fn is_trading_day(date: NaiveDate) -> bool {
    date.weekday() != Weekday::Sat && is_working_day(date)
}

fn first_day_matching(date: NaiveDate, predicate: impl Fn(NaiveDate) -> bool) -> NaiveDate {
    date.iter_days()
        .find(|date| predicate(*date))
        .expect("a day within the calendar")
}

/// Returns whether the day is a bank holiday in most of India: Republic Day, the yearly closing of
/// accounts, Good Friday, Independence Day, Gandhi Jayanti, Christmas, and from 2015 to 2035 the
/// holidays of [`LUNAR_HOLIDAYS`].
///
/// `Assumption:` holidays of single states are left out, and those of the lunar calendars before
/// 2015 and after 2035.
pub(crate) fn is_bank_holiday(date: NaiveDate) -> bool {
    matches!(
        (date.month(), date.day()),
        (1, 26) | (4, 1) | (8, 15) | (10, 2) | (12, 25)
    ) || is_lunar_holiday(date)
        || (matches!(date.month(), 3 | 4) && date == good_friday(date.year()))
}

fn is_lunar_holiday(date: NaiveDate) -> bool {
    let month_and_day = date.month() * 100 + date.day();
    usize::try_from(date.year() - LUNAR_HOLIDAYS[0].0)
        .ok()
        .and_then(|index| LUNAR_HOLIDAYS.get(index))
        .is_some_and(|(_, days)| days.binary_search(&month_and_day).is_ok())
}

/// The holidays of the lunar calendars by year, as `month * 100 + day`: Holi, Mahavir Jayanti,
/// Buddha Purnima, Id-ul-Fitr, Id-ul-Zuha, Muharram, Janmashtami, Milad-un-Nabi, Dussehra, Diwali,
/// Guru Nanak Jayanti. Those of 2015 to 2026 are in the lists of the Government of India
/// (docs/sources.md, "Bank holidays").
///
/// `Assumption:` the days from 2027 on are predictions. A Hindu, Jain, Buddhist or Sikh holiday is
/// the day of its lunar date (tithi) in Delhi. An Islamic month begins on the day after the first
/// sunset in Delhi at which the moon is at least 20 hours old. Gazetted days can differ by one.
const LUNAR_HOLIDAYS: [(i32, &[u32]); 21] = [
    (
        2015,
        &[
            104, 306, 402, 504, 718, 905, 925, 1022, 1024, 1111, 1125, 1224,
        ],
    ),
    (
        2016,
        &[324, 420, 521, 707, 825, 913, 1011, 1012, 1030, 1114, 1213],
    ),
    (
        2017,
        &[313, 409, 510, 626, 815, 902, 930, 1001, 1019, 1104, 1202],
    ),
    (
        2018,
        &[302, 329, 430, 616, 822, 903, 921, 1019, 1107, 1121, 1123],
    ),
    (
        2019,
        &[321, 417, 518, 605, 812, 824, 910, 1008, 1027, 1110, 1112],
    ),
    (
        2020,
        &[310, 406, 507, 525, 801, 812, 830, 1025, 1030, 1114, 1130],
    ),
    (
        2021,
        &[329, 425, 514, 526, 721, 819, 830, 1015, 1019, 1104, 1119],
    ),
    (
        2022,
        &[318, 414, 503, 516, 710, 809, 819, 1005, 1009, 1024, 1108],
    ),
    (
        2023,
        &[308, 404, 422, 505, 629, 729, 907, 928, 1024, 1112, 1127],
    ),
    (
        2024,
        &[325, 411, 421, 523, 617, 717, 826, 916, 1012, 1031, 1115],
    ),
    (
        2025,
        &[314, 331, 410, 512, 607, 706, 816, 905, 1002, 1020, 1105],
    ),
    (
        2026,
        &[304, 321, 331, 501, 527, 626, 826, 904, 1020, 1108, 1124],
    ),
    (
        2027,
        &[310, 322, 418, 517, 520, 616, 815, 825, 1009, 1029, 1114],
    ),
    (
        2028,
        &[227, 311, 407, 506, 508, 604, 804, 813, 927, 1017, 1102],
    ),
    (
        2029,
        &[215, 301, 425, 426, 524, 527, 724, 901, 1016, 1105, 1121],
    ),
    (
        2030,
        &[204, 320, 414, 416, 513, 517, 714, 821, 1006, 1026, 1110],
    ),
    (
        2031,
        &[125, 309, 403, 405, 502, 507, 703, 810, 1025, 1114, 1128],
    ),
    (
        2032,
        &[115, 322, 327, 421, 423, 525, 621, 828, 1014, 1102, 1117],
    ),
    (
        2033,
        &[
            103, 312, 316, 411, 412, 514, 610, 817, 1003, 1022, 1106, 1224,
        ],
    ),
    (
        2034,
        &[302, 305, 331, 401, 503, 531, 906, 1022, 1110, 1125, 1213],
    ),
    (
        2035,
        &[219, 321, 324, 420, 521, 522, 826, 1011, 1030, 1115, 1202],
    ),
];

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

    use super::{LUNAR_HOLIDAYS, Month, is_bank_holiday, is_working_day};

    #[test]
    fn second_and_fourth_saturdays_are_free() {
        let holidays: Vec<u32> = (1..=31)
            .filter(|day| !is_working_day(NaiveDate::from_ymd_opt(2024, 3, *day).unwrap()))
            .collect();
        // Holi was on the 25th, Good Friday on the 29th.
        assert_eq!(holidays, [3, 9, 10, 17, 23, 24, 25, 29, 31]);
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

    /// The years follow each other, and so do the days of a year. A lunar year has 354 days, so a
    /// holiday moves by 10 to 12 days from year to year, and Hindu years have leap months. So a
    /// year has 11 holidays or 12.
    #[test]
    fn the_lunar_holidays_are_in_order() {
        for (index, (year, days)) in (0i32..).zip(LUNAR_HOLIDAYS) {
            assert_eq!(year, 2015 + index);
            assert!(days.is_sorted_by(|one, other| one < other), "{year}");
            assert!(matches!(days.len(), 11 | 12), "{year}");
            for day in days {
                let date = NaiveDate::from_ymd_opt(year, day / 100, day % 100).expect("a date");
                assert!(is_bank_holiday(date), "{date}");
            }
        }
        for (year, month, day) in [(2014, 10, 23), (2036, 10, 18)] {
            let date = NaiveDate::from_ymd_opt(year, month, day).expect("a date");
            assert!(!is_bank_holiday(date), "{date} is outside the table");
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
