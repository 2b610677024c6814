//! Signs of fraud: money that goes round, and pay that stays the same and is withdrawn at once.
//!
//! `Assumption:` Unaport publishes no such rules. These are the two patterns that underwriters name.

use std::collections::BTreeSet;

use super::book::{Entry, TransactionBook, to_whole_percent};
use super::irregularities::{
    CIRCULAR_MIN, find_unchanged_salaries, has_large_debit_after, pair_opposites,
};

/// The months in which signs of fraud are looked for. The worst such months count, so that a longer
/// history never hides them.
const FRAUD_WINDOW: usize = 6;

/// The points from which on a pattern is a sign of fraud.
const SIGN_POINTS: i64 = 150;

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
        let circular = pairs.iter().flatten().copied();
        let pay = book.credits().filter(|entry| entry.is_pay());
        let spent = pay
            .clone()
            .filter(|entry| has_large_debit_after(book, entry));
        let unchanged = find_unchanged_salaries(book);
        Self {
            circular_share: find_worst_share(
                book,
                circular.filter(|entry| entry.is_credit()),
                book.credits(),
            ),
            spent_share: find_worst_share(book, spent, pay),
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

    /// Returns the points that a salary takes which stays the same.
    pub(super) fn unchanged_points(&self) -> i64 {
        if self.unchanged_employers.is_empty() {
            0
        } else {
            SIGN_POINTS
        }
    }

    /// Returns whether there is a sign of fraud, beside which no other figure counts.
    pub(super) fn discredits_figures(&self) -> bool {
        self.has_ring() || self.unchanged_points() >= SIGN_POINTS
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
        let is_shown =
            self.spent_points() > 0 && credit.is_pay() && self.unchanged_employers.contains(party);
        !is_circular && !is_shown
    }
}

/// Returns the largest share, in percent, that a part of the entries has in any window of the history.
fn find_worst_share<'e>(
    book: &TransactionBook<'_>,
    part: impl Iterator<Item = &'e Entry>,
    whole: impl Iterator<Item = &'e Entry>,
) -> i64 {
    let length = FRAUD_WINDOW.min(book.months.len());
    let (parts, wholes) = (book.sum_by_month(part), book.sum_by_month(whole));
    let windows = parts.windows(length).zip(wholes.windows(length));
    let shares =
        windows.map(|(part, whole)| to_whole_percent(part.iter().sum(), whole.iter().sum()));
    shares.max().unwrap_or(0)
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
    pair_opposites(&candidates, |first, second| {
        let (smaller, larger) = (
            first.amount.min(second.amount),
            first.amount.max(second.amount),
        );
        first.account == second.account && smaller * 20 >= larger * 19
    })
}
