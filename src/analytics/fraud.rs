//! Signs of fraud: money that goes round, and pay that stays the same and is withdrawn at once.
//!
//! `Assumption:` Unaport publishes no such rules. These are the two patterns that underwriters name.
//! Each sign is one of a stretch of the history, so that more history never removes it.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};

use super::book::{Entry, TransactionBook, to_whole_percent};
use super::groups::group_by_counterparty;
use super::irregularities::{
    CIRCULAR_DAYS, CIRCULAR_MIN, find_unchanged_salaries, has_large_debit_after,
};

/// The days in which the share of circular money is taken.
const CIRCULAR_WINDOW: u64 = 90;

/// The points from which on a pattern is a sign of fraud.
const SIGN_POINTS: i64 = 150;

/// The number of equal payments in a row, each withdrawn at once, from which on pay is for show.
const SHOWN_PAYMENTS: usize = 3;

/// The signs of fraud in a book.
pub(super) struct FraudSigns<'e> {
    /// The share of the credits that goes round, in percent of those of the worst
    /// [`CIRCULAR_WINDOW`].
    pub circular_share: i64,
    /// The largest number of payments in a row, by one employer, of which at least half leaves within
    /// two working days, in one amount.
    pub spent_run: usize,
    /// The counterparties among which money goes round.
    ring: BTreeSet<&'e str>,
    /// `true`: an employer's pay stays the same.
    is_pay_unchanged: bool,
    /// The employers whose pay stays the same and is withdrawn at once.
    shown_employers: BTreeSet<&'e str>,
}

impl<'e> FraudSigns<'e> {
    pub(super) fn of_book(book: &'e TransactionBook<'_>) -> Self {
        let circular = list_circular_transfers(book);
        let pay: Vec<&Entry> = book.credits().filter(|entry| entry.is_pay()).collect();
        let mut spent_run = 0;
        let mut shown_employers = BTreeSet::new();
        for (employer, group) in group_by_counterparty(&pay) {
            for run in group.split(|payment| !has_large_debit_after(book, payment)) {
                spent_run = spent_run.max(run.len());
                let mut equal = run.chunk_by(|first, second| first.amount == second.amount);
                if equal.any(|equal| equal.len() >= SHOWN_PAYMENTS) {
                    shown_employers.insert(employer);
                }
            }
        }
        Self {
            circular_share: find_worst_circular_share(book, &circular),
            spent_run,
            ring: circular
                .iter()
                .map(|entry| entry.counterparty_or_unknown())
                .collect(),
            is_pay_unchanged: !find_unchanged_salaries(book).is_empty(),
            shown_employers,
        }
    }

    /// Returns the points that circular money takes. A few equal amounts are chance.
    pub(super) fn circular_points(&self) -> i64 {
        ((self.circular_share - 5) * 20).clamp(0, 300)
    }

    /// Returns the points that pay takes which is withdrawn at once, time after time.
    pub(super) fn spent_points(&self) -> i64 {
        match self.spent_run {
            0 | 1 => 0,
            2 => 100,
            _ => 200,
        }
    }

    /// Returns the points that a salary takes which stays the same.
    pub(super) fn unchanged_points(&self) -> i64 {
        if self.is_pay_unchanged {
            SIGN_POINTS
        } else {
            0
        }
    }

    /// Returns whether there is a sign of fraud, beside which no other figure counts.
    pub(super) fn discredits_figures(&self) -> bool {
        self.has_ring() || self.is_pay_unchanged || !self.shown_employers.is_empty()
    }

    /// Returns whether much of the money goes round.
    fn has_ring(&self) -> bool {
        self.circular_points() >= SIGN_POINTS
    }

    /// Returns whether a credit counts as income. A payment from a ring does not, nor does the pay of an
    /// employer that stays the same and is withdrawn at once.
    pub(super) fn is_verified(&self, credit: &Entry) -> bool {
        let party = credit.counterparty_or_unknown();
        let is_circular = self.has_ring() && self.ring.contains(party);
        let is_shown = credit.is_pay() && self.shown_employers.contains(party);
        !is_circular && !is_shown
    }
}

/// Returns the largest share of the credits, in percent, that goes round in any [`CIRCULAR_WINDOW`] of the
/// history, or in all of it if it is shorter.
fn find_worst_circular_share(book: &TransactionBook<'_>, circular: &[&Entry]) -> i64 {
    let end = book.entries[book.entries.len() - 1].date;
    let sums = RunningSums::of_entries(book.credits());
    let circular = circular.iter().copied().filter(|entry| entry.is_credit());
    let circular_sums = RunningSums::of_entries(circular.clone());
    let share = |start| {
        let last = start + Days::new(CIRCULAR_WINDOW - 1);
        to_whole_percent(
            circular_sums.sum_days(start, last),
            sums.sum_days(start, last),
        )
    };
    let whole_windows = circular
        .map(|entry| entry.date)
        .take_while(|start| *start + Days::new(CIRCULAR_WINDOW - 1) <= end);
    let starts = whole_windows.chain([book.entries[0].date]);
    starts.map(share).max().unwrap_or(0)
}

/// The sums of amounts until each entry, by day.
struct RunningSums(Vec<(NaiveDate, i64)>);

impl RunningSums {
    fn of_entries<'e>(entries: impl Iterator<Item = &'e Entry>) -> Self {
        let mut sum = 0;
        let sums = entries.map(|entry| {
            sum += entry.amount;
            (entry.date, sum)
        });
        Self(sums.collect())
    }

    /// Returns the sum of the amounts from one day to another, both included.
    fn sum_days(&self, first: NaiveDate, last: NaiveDate) -> i64 {
        let sum_of_first = |count: usize| count.checked_sub(1).map_or(0, |index| self.0[index].1);
        let before = self.0.partition_point(|(day, _)| *day < first);
        let until = self.0.partition_point(|(day, _)| *day <= last);
        sum_of_first(until) - sum_of_first(before)
    }
}

/// Lists the transfers that have an opposite one in the same account within days that differs by a
/// twentieth at most, between counterparties each of which pays and is paid.
///
/// Neither a transfer between accounts of the customer nor a payment with a purpose, such as fees out of
/// a loan, goes round.
fn list_circular_transfers<'e>(book: &'e TransactionBook<'_>) -> Vec<&'e Entry> {
    let transfers: Vec<&Entry> = book
        .entries
        .iter()
        .filter(|entry| entry.is_transfer() && entry.amount >= CIRCULAR_MIN)
        .filter(|entry| entry.has_counterparty())
        .filter(|entry| !book.is_own_transfer(entry))
        .collect();
    let [payers, payees] = [true, false].map(|is_credit| {
        let entries = transfers.iter();
        let entries = entries.filter(|entry| entry.is_credit() == is_credit);
        entries
            .map(|entry| entry.counterparty_or_unknown())
            .collect::<BTreeSet<&str>>()
    });
    let candidates: Vec<&Entry> = transfers
        .into_iter()
        .filter(|entry| {
            let party = entry.counterparty_or_unknown();
            payers.contains(party) && payees.contains(party)
        })
        .collect();
    let circular = candidates.iter().filter(|entry| {
        let near = candidates
            .partition_point(|other| (entry.date - other.date).num_days() > CIRCULAR_DAYS);
        candidates[near..]
            .iter()
            .take_while(|other| (other.date - entry.date).num_days() <= CIRCULAR_DAYS)
            .any(|other| is_opposite(entry, other))
    });
    circular.copied().collect()
}

/// Returns whether two transfers of one account have opposite directions and almost the same amount.
fn is_opposite(first: &Entry, second: &Entry) -> bool {
    let smaller = first.amount.min(second.amount);
    let larger = first.amount.max(second.amount);
    first.is_credit() != second.is_credit()
        && first.account == second.account
        && smaller * 20 >= larger * 19
}
