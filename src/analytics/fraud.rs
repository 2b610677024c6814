//! Signs of fraud: money that goes round, and pay that stays the same and is withdrawn at once.
//!
//! `Assumption:` Unaport publishes no such rules. These are the two patterns that underwriters name.

use std::collections::BTreeSet;

use super::book::{Entry, TransactionBook, sum_amounts};
use super::irregularities::{
    CIRCULAR_DAYS, CIRCULAR_MIN, find_unchanged_salaries, has_large_debit_after,
};
use super::score::percent;
use crate::domain::calendar::Month;

/// The months in which signs of fraud are looked for. The worst such months count, so that a longer
/// history never hides them.
const FRAUD_WINDOW: usize = 6;

/// The signs of fraud in a book. Shares are percentages of the money of the worst months.
pub(super) struct FraudSigns<'e> {
    /// The share of the credits that goes round.
    pub circular_share: i64,
    /// The share of the pay of which at least half leaves within two days, in one amount.
    pub spent_share: i64,
    /// The counterparties among which money goes round.
    ring: BTreeSet<&'e str>,
    /// The employers whose pay stays the same.
    unchanged_employers: BTreeSet<&'e str>,
}

impl<'e> FraudSigns<'e> {
    pub(super) fn of_book(book: &'e TransactionBook<'_>) -> Self {
        let pairs = find_ring_pairs(book);
        let unchanged = find_unchanged_salaries(book);
        Self {
            circular_share: worst_window(book, |months| circular_share(book, &pairs, months)),
            spent_share: worst_window(book, |months| spent_share(book, months)),
            ring: pairs
                .iter()
                .flatten()
                .map(|entry| entry.counterparty_or_unknown())
                .collect(),
            unchanged_employers: unchanged.iter().map(|(employer, _)| *employer).collect(),
        }
    }

    /// Returns the points that circular money takes. A few equal amounts are chance.
    pub(super) fn circular_points(&self) -> i64 {
        ((self.circular_share - 5) * 20).clamp(0, 300)
    }

    /// Returns the points that pay takes which is withdrawn at once.
    pub(super) fn spent_points(&self) -> i64 {
        ((self.spent_share - 50) * 5).clamp(0, 200)
    }

    pub(super) fn has_unchanged_salary(&self) -> bool {
        !self.unchanged_employers.is_empty()
    }

    /// Returns whether much of the money goes round.
    pub(super) fn has_ring(&self) -> bool {
        self.circular_points() >= 150
    }

    /// Returns whether a credit counts as income. A payment from a ring does not, nor does the pay of an
    /// employer that stays the same and is withdrawn at once.
    pub(super) fn is_verified(&self, credit: &Entry) -> bool {
        let party = credit.counterparty_or_unknown();
        let is_circular = self.has_ring() && self.ring.contains(party);
        let is_shown =
            self.spent_points() > 0 && credit.is_pay() && self.unchanged_employers.contains(party);
        !is_circular && !is_shown
    }
}

/// Returns the largest share of any window of the history.
fn worst_window(book: &TransactionBook<'_>, share: impl Fn(&[Month]) -> i64) -> i64 {
    let length = FRAUD_WINDOW.min(book.months.len());
    let windows = book.months.windows(length);
    windows.map(share).max().unwrap_or(0)
}

/// Finds pairs of a credit and a debit of one account within days that differ by a twentieth at most,
/// between counterparties each of which pays and is paid.
///
/// Neither a transfer between accounts of the customer nor a payment with a purpose, such as fees out of
/// a loan, goes round.
fn find_ring_pairs<'e>(book: &'e TransactionBook<'_>) -> Vec<[&'e Entry; 2]> {
    let transfers: Vec<&Entry> = book
        .entries
        .iter()
        .filter(|entry| entry.is_transfer() && entry.amount >= CIRCULAR_MIN)
        .filter(|entry| !entry.classification.counterparty.is_empty())
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
    let mut is_paired = vec![false; candidates.len()];
    let mut pairs = Vec::new();
    for (index, first) in candidates.iter().enumerate() {
        if is_paired[index] {
            continue;
        }
        let later = (index + 1..candidates.len())
            .take_while(|other| (candidates[*other].date - first.date).num_days() <= CIRCULAR_DAYS);
        let other = later.into_iter().find(|other| {
            let second = candidates[*other];
            !is_paired[*other]
                && second.account == first.account
                && second.is_credit() != first.is_credit()
                && second.amount.min(first.amount) * 20 >= second.amount.max(first.amount) * 19
        });
        if let Some(other) = other {
            is_paired[other] = true;
            pairs.push([*first, candidates[other]]);
        }
    }
    pairs
}

/// Returns the share of the credits of these months that goes round.
fn circular_share(book: &TransactionBook<'_>, pairs: &[[&Entry; 2]], months: &[Month]) -> i64 {
    let credits = pairs.iter().flatten().copied();
    let circular = credits.filter(|entry| entry.is_credit() && months.contains(&entry.month));
    let all = book.credits().filter(|entry| months.contains(&entry.month));
    percent(sum_amounts(circular), sum_amounts(all))
}

/// Returns the share of the pay of these months of which at least half leaves within two days, in one
/// amount.
fn spent_share(book: &TransactionBook<'_>, months: &[Month]) -> i64 {
    let pay: Vec<&Entry> = book
        .credits()
        .filter(|entry| entry.is_pay() && months.contains(&entry.month))
        .collect();
    let spent = pay.iter().copied();
    let spent = spent.filter(|entry| has_large_debit_after(book, entry));
    percent(sum_amounts(spent), sum_amounts(pay.iter().copied()))
}
