//! What the rows of a statement make together: checked one after the other, so that a statement of any length takes
//! little memory.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};

use chrono::{Datelike, NaiveDate};

use super::parts::SummaryDraft;
use super::rows::ParsedRow;
use crate::domain::money::Paise;
use crate::domain::text::quote_value;
use crate::domain::time::Timestamp;

/// The years in which a transaction is plausible.
const PLAUSIBLE_YEARS: std::ops::RangeInclusive<i32> = 1950..=2099;

/// The longest plausible time between a transaction and its value date, in days.
const VALUE_DAYS_MAX: i64 = 31;

/// The longest plausible time between two transactions, in days.
const GAP_DAYS_MAX: i64 = 5 * 366;

/// A finding, with its line.
pub(super) type Finding = (u64, String);

/// The time within which a reference occurs once, in days. Banks use the numbers again in later years.
const REFERENCE_DAYS: i64 = 31;

/// The row that had a reference last.
struct SeenRow {
    line: u64,
    day: NaiveDate,
    amount: Paise,
}

/// The last places of texts, by the hashes of the texts. Of a million texts, two have the same hash once in some 40 million files.
struct SeenTexts<P>(HashMap<u64, P, BuildHasherDefault<DefaultHasher>>);

impl<P> SeenTexts<P> {
    /// Adds a text with its place. Returns the place that it had before.
    fn insert(&mut self, text: impl Hash, place: P) -> Option<P> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(text);
        self.0.insert(hash, place)
    }
}

impl<P> Default for SeenTexts<P> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

/// A row as far as the next one is compared with it.
struct PreviousRow {
    at: Timestamp,
    balance: Paise,
}

/// The row with the lowest balance.
struct LowestRow {
    line: u64,
    balance: Paise,
    text: String,
}

/// The rows so far.
#[derive(Default)]
pub(super) struct Relations {
    /// `None` at the beginning, and after a row that cannot be read.
    previous: Option<PreviousRow>,
    last_day: Option<NaiveDate>,
    /// The lines of ids.
    ids: SeenTexts<u64>,
    references: SeenTexts<SeenRow>,
    /// The number of rows with the reference of another one and another amount, and what the first of them has.
    shared_references: usize,
    first_shared: Option<Finding>,
    lowest: Option<LowestRow>,
    /// The time and the balance of each row.
    balances: Vec<(Timestamp, Paise)>,
}

impl Relations {
    /// Adds a row that cannot be read: the rows before and after it cannot be compared.
    pub(super) fn skip(&mut self) {
        self.previous = None;
    }

    /// Adds a row, and what is found.
    pub(super) fn add(&mut self, row: &ParsedRow, findings: &mut Vec<Finding>) {
        self.check_order_and_balance(row, findings);
        self.check_duplicates(row, findings);
        self.check_dates(row, findings);
        self.previous = Some(PreviousRow {
            at: row.at,
            balance: row.balance,
        });
        self.balances.push((row.at, row.balance));
        if self
            .lowest
            .as_ref()
            .is_none_or(|lowest| row.balance < lowest.balance)
        {
            self.lowest = Some(LowestRow {
                line: row.line,
                balance: row.balance,
                text: format!("{}{} {}", row.label(), row.balance_column, row.balance),
            });
        }
    }

    fn check_order_and_balance(&self, row: &ParsedRow, findings: &mut Vec<Finding>) {
        let Some(previous) = &self.previous else {
            return;
        };
        let label = row.label();
        if row.at < previous.at {
            let (before, after) = if previous.at.ist_date() == row.at.ist_date() {
                (previous.at.to_ist_string(), row.at.to_ist_string())
            } else {
                (
                    previous.at.ist_date().to_string(),
                    row.at.ist_date().to_string(),
                )
            };
            let message =
                format!("{label}{after} follows {before}; sort the rows by time, oldest first");
            findings.push((row.line, message));
        }
        let (before, change) = (previous.balance, row.signed_amount());
        let (expected, actual) = (before + change, row.balance);
        if expected != actual {
            let column = row.balance_column;
            let message =
                format!("{label}{column} is {actual}, but {before} and {change} make {expected}");
            findings.push((row.line, message));
        }
    }

    /// Finds an id that occurs twice, and a reference that occurs twice in one direction and month. With another amount it
    /// is only worth a note: a charge may have the reference of its payment. References of zeros are none.
    fn check_duplicates(&mut self, row: &ParsedRow, findings: &mut Vec<Finding>) {
        if let Some(id) = &row.txn_id
            && let Some(line) = self.ids.insert(id, row.line)
        {
            let id = quote_value(id);
            let message = format!("txnId {id} is that of line {line} too");
            findings.push((row.line, message));
        }
        let reference = row.reference.trim();
        if reference
            .bytes()
            .all(|byte| matches!(byte, b'0' | b'-' | b'.'))
        {
            return;
        }
        let day = row.at.ist_date();
        let place = SeenRow {
            line: row.line,
            day,
            amount: row.signed_amount(),
        };
        let seen = self.references.insert((reference, row.direction), place);
        if let Some(first) = seen.filter(|seen| (day - seen.day).num_days().abs() <= REFERENCE_DAYS)
        {
            let (label, reference, line) = (row.label(), quote_value(reference), first.line);
            let message = format!(
                "{label}reference {reference} is that of line {line} too, in the same direction"
            );
            if first.amount == row.signed_amount() {
                findings.push((row.line, message));
            } else {
                self.shared_references += 1;
                self.first_shared.get_or_insert((row.line, message));
            }
        }
    }

    /// Finds dates that are not plausible.
    fn check_dates(&mut self, row: &ParsedRow, findings: &mut Vec<Finding>) {
        let (day, label) = (row.at.ist_date(), row.label());
        // The day zero of many systems.
        let is_epoch = day == NaiveDate::default();
        if !PLAUSIBLE_YEARS.contains(&day.year()) || is_epoch {
            let message = format!("{label}{day} is no plausible date of a transaction");
            findings.push((row.line, message));
        } else if let Some(before) = self.last_day
            && (day - before).num_days() > GAP_DAYS_MAX
        {
            let message = format!("{label}{day} follows {before}, more than five years before it");
            findings.push((row.line, message));
        }
        self.last_day = Some(day);
        if let Some(value_date) = row.value_date
            && (value_date - day).num_days().abs() > VALUE_DAYS_MAX
        {
            let message = format!(
                "{label}valueDate {value_date} is more than a month from the transaction, {day}"
            );
            findings.push((row.line, message));
        }
    }

    /// Returns what is found about references that rows with different amounts share.
    pub(super) fn find_shared_references(&self) -> Option<Finding> {
        let (line, message) = self.first_shared.as_ref()?;
        let others = match self.shared_references - 1 {
            0 => String::new(),
            others => format!("; so are those of {others} rows more"),
        };
        Some((*line, format!("{message} with another amount{others}")))
    }

    /// Returns the lowest balance if it is below the limit of an overdraft.
    pub(super) fn find_overdrawn(&self, limit: Paise) -> Option<Finding> {
        let lowest = self
            .lowest
            .as_ref()
            .filter(|lowest| lowest.balance < -limit)?;
        let message = format!("{} is below {}", lowest.text, -limit);
        Some((lowest.line, message))
    }

    /// Compares the summary's balance with that of the last row before the summary's time. A
    /// summary later than `end`, the last day of the rows, cannot be checked.
    pub(super) fn check_summary(
        &self,
        summary: &SummaryDraft,
        end: Option<NaiveDate>,
    ) -> Option<Finding> {
        let (at, end) = (summary.balance_at?, end?);
        if at.ist_date() > end {
            return None;
        }
        let mut rows = self.balances.iter().rev();
        let (_, actual) = rows.find(|(row_at, _)| *row_at <= at)?;
        let stated = summary.balance;
        (stated != *actual).then(|| {
            let message = format!(
                "Summary.currentBalance is {stated}, but the last row until then has {actual}"
            );
            (summary.line, message)
        })
    }
}
