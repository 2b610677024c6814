//! Instants and durations in milliseconds. The types do not distinguish world time from system
//! time.

use std::fmt;

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveDateTime, NaiveTime};
use serde::{Deserialize, Serialize};

use crate::domain::digits::write_padded;

/// Offset of Indian Standard Time, UTC+05:30 all year. Statements and working days use it.
pub(crate) const IST_OFFSET_MS: i64 = (5 * 60 + 30) * 60 * 1000;

const MS_PER_DAY: i64 = 86_400_000;

/// An instant in milliseconds since 1970-01-01T00:00:00Z, within the years 1 to 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(i64);

/// A duration in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub i64);

impl Millis {
    pub const ZERO: Self = Self(0);

    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds * 1000)
    }
}

impl Timestamp {
    /// 0001-01-01T00:00:00.000Z.
    pub const MIN: Self = Self(-62_135_596_800_000);
    /// 9999-12-31T23:59:59.999Z.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// Returns the instant, clamped to the years 1 to 9999.
    pub const fn from_millis(ms: i64) -> Self {
        if ms < Self::MIN.0 {
            Self::MIN
        } else if ms > Self::MAX.0 {
            Self::MAX
        } else {
            Self(ms)
        }
    }

    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Returns whether the instant is at most `tolerance` away from another one.
    pub fn is_within(self, tolerance: Millis, other: Self) -> bool {
        self.duration_since(other).0.abs() <= tolerance.0
    }

    /// Converts a local time in India.
    pub fn from_ist(local: NaiveDateTime) -> Self {
        Self::from_millis(local.and_utc().timestamp_millis() - IST_OFFSET_MS)
    }

    /// Returns the calendar day in India.
    pub fn ist_date(self) -> NaiveDate {
        // The last hours of the year 9999 are in the year 10000 in India, which is out of range.
        date_from_millis((self.0 + IST_OFFSET_MS).min(Self::MAX.0))
    }

    /// Returns the time of day in India.
    pub fn ist_time(self) -> NaiveTime {
        let of_day = (self.0 + IST_OFFSET_MS).rem_euclid(86_400_000);
        let seconds = u32::try_from(of_day / 1000).expect("a day has 86,400 seconds");
        NaiveTime::from_num_seconds_from_midnight_opt(seconds, 0).expect("a time of day")
    }

    /// Returns the instant plus `duration`, at most [`Timestamp::MAX`].
    #[must_use]
    pub const fn saturating_add(self, duration: Millis) -> Self {
        Self::from_millis(self.0.saturating_add(duration.0))
    }

    /// Returns the instant plus `duration`, if it is within the years 1 to 9999.
    pub fn checked_add(self, duration: Millis) -> Option<Self> {
        let ms = self.0.checked_add(duration.0)?;
        (Self::MIN.0..=Self::MAX.0)
            .contains(&ms)
            .then_some(Self(ms))
    }

    /// Returns the instant plus calendar months in UTC, at most [`Timestamp::MAX`].
    #[must_use]
    pub fn saturating_add_months(self, months: u32) -> Self {
        let later = self.to_utc().checked_add_months(Months::new(months));
        later.map_or(Self::MAX, |later| {
            Self::from_millis(later.and_utc().timestamp_millis())
        })
    }

    /// Returns the instant plus or minus calendar months in UTC, within the years 1 to 9999.
    #[must_use]
    pub fn shift_months(self, months: i32) -> Self {
        if months >= 0 {
            return self.saturating_add_months(months.unsigned_abs());
        }
        let earlier = self
            .to_utc()
            .checked_sub_months(Months::new(months.unsigned_abs()));
        earlier.map_or(Self::MIN, |earlier| {
            Self::from_millis(earlier.and_utc().timestamp_millis())
        })
    }

    /// Returns the time from `earlier` to this instant; negative if `earlier` is later.
    pub const fn duration_since(self, earlier: Self) -> Millis {
        Millis(self.0 - earlier.0)
    }

    /// Formats the instant as ReBIT participants do, without an allocation.
    pub fn to_iso(self) -> IsoText {
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let milli = write_date_time(&mut text, self.0);
        write_padded(&mut text[20..23], milli);
        IsoText(text)
    }

    /// Formats the instant as Indian banks do: local time in India with its offset, to the second,
    /// in ASCII.
    pub fn to_ist_bytes(self) -> [u8; 25] {
        let mut text = *b"0000-00-00T00:00:00+05:30";
        write_date_time(
            &mut text,
            self.0.saturating_add(IST_OFFSET_MS).min(Self::MAX.0),
        );
        text
    }

    /// Returns [`Timestamp::to_ist_bytes`] as a string.
    pub fn to_ist_string(self) -> String {
        String::from_utf8_lossy(&self.to_ist_bytes()).into_owned()
    }

    fn to_utc(self) -> NaiveDateTime {
        DateTime::from_timestamp_millis(self.0)
            .expect("years 1 to 9999 are representable")
            .naive_utc()
    }
}

/// Writes a date and a time of day into the first 19 bytes; returns the remaining milliseconds.
fn write_date_time(text: &mut [u8], ms: i64) -> u64 {
    write_date(&mut text[..10], date_from_millis(ms));
    let ms_of_day = ms.rem_euclid(MS_PER_DAY).unsigned_abs();
    write_padded(&mut text[11..13], ms_of_day / 3_600_000);
    write_padded(&mut text[14..16], ms_of_day / 60_000 % 60);
    write_padded(&mut text[17..19], ms_of_day / 1000 % 60);
    ms_of_day % 1000
}

/// Writes a date into the ten bytes of `yyyy-MM-dd`.
pub(crate) fn write_date(text: &mut [u8], date: NaiveDate) {
    write_padded(&mut text[0..4], date.year().unsigned_abs().into());
    write_padded(&mut text[5..7], date.month().into());
    write_padded(&mut text[8..10], date.day().into());
}

/// Returns the UTC day of an instant within the years 1 to 9999.
fn date_from_millis(ms: i64) -> NaiveDate {
    let days = i32::try_from(ms.div_euclid(MS_PER_DAY)).expect("years 1 to 9999 fit");
    NaiveDate::from_epoch_days(days).expect("years 1 to 9999 are dates")
}

/// An instant as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IsoText([u8; 24]);

impl IsoText {
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("digits and punctuation are ASCII")
    }
}

/// Writes `yyyy-MM-ddTHH:mm:ss.SSSZ`, the form that ReBIT participants emit (Sahamati certification
/// framework, general guidelines).
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_iso().as_str())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::{Millis, Timestamp};

    #[test]
    fn prints_milliseconds_and_z() {
        assert_eq!(
            Timestamp::from_millis(1_544_096_397_153).to_string(),
            "2018-12-06T11:39:57.153Z"
        );
        assert_eq!(Timestamp::MIN.to_string(), "0001-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn arithmetic_stops_at_the_ends() {
        assert_eq!(Timestamp::MAX.saturating_add(Millis(1)), Timestamp::MAX);
        assert_eq!(Timestamp::from_millis(i64::MIN), Timestamp::MIN);
    }

    #[test]
    fn a_day_in_india_begins_at_half_past_six_in_the_evening_of_utc() {
        let before = Timestamp::from_millis(1_704_047_399_999);
        assert_eq!(before.ist_date().to_string(), "2023-12-31");
        assert_eq!(
            before.saturating_add(Millis(1)).ist_date().to_string(),
            "2024-01-01"
        );
    }
}
