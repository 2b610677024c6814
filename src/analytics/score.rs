//! The score of a report, from 300 to 900, with the reasons that lower it.
//!
//! `Assumption:` how the service computes its score is not documented. This one falls with the causes
//! that underwriters name, and each cause has its largest effect, whatever the length of the history.

use super::book::{Entry, TransactionBook, sum_amounts};
use super::capacity::Capacity;
use super::classify::{BOUNCE_CHARGES, CHEQUE_BOUNCE_CHARGES};
use super::irregularities::{find_unchanged_salaries, has_large_debit_after};
use crate::domain::calendar::Month;
use crate::domain::terms::TransactionType;

const HIGHEST: i64 = 900;
const LOWEST: i64 = 300;

/// The highest score of a thin file: one of less than about three months, or of few transactions.
const THIN_FILE_MAX: i64 = 700;
const THIN_FILE_DAYS: i64 = 85;
const THIN_FILE_ROWS: usize = 12;

/// The months in which signs of fraud are looked for. The worst such months count, so that a longer
/// history never hides them.
const FRAUD_WINDOW: usize = 6;

/// A cause that lowers the score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScoreReason {
    pub text: String,
    /// Positive.
    pub points: i64,
}

/// The score of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Score {
    pub value: i64,
    pub reasons: Vec<ScoreReason>,
}

/// Computes the score of a book from the capacity of its customer and its circular pairs.
pub(super) fn compute_score(
    book: &TransactionBook<'_>,
    capacity: &Capacity<'_>,
    pairs: &[[&Entry; 2]],
) -> Score {
    let mut reasons = Vec::new();
    let mut lower = |points: i64, text: String| {
        if points > 0 {
            reasons.push(ScoreReason { text, points });
        }
    };
    let months = count(book.months.len()).max(1);
    let bounces = count(book.debits().filter(|entry| is_bounce(entry)).count());
    // 50 points for one bounce a month.
    lower(
        (bounces * 50 / months).min(250),
        if bounces == 1 {
            format!("1 returned payment in {months} months")
        } else {
            format!("{bounces} returned payments in {months} months")
        },
    );
    let burden = percent(capacity.obligation, capacity.income);
    lower(
        (burden - 40).clamp(0, 75),
        format!("loan instalments take {burden} % of the income"),
    );
    let inflow = book.total(TransactionType::Credit);
    let outflow = book.total(TransactionType::Debit);
    let deficit = percent(outflow - inflow, inflow);
    lower(
        deficit.clamp(0, 40),
        format!("the account pays out {deficit} % more than comes in"),
    );
    let limit = book.overdraft_limit();
    let days: Vec<i64> = book
        .months
        .iter()
        .flat_map(|month| book.closing_balances(*month))
        .copied()
        .collect();
    let overdrawn = count(days.iter().filter(|balance| **balance < -limit).count());
    let share = percent(overdrawn, count(days.len()));
    lower(
        share.min(60),
        format!("{overdrawn} days below the agreed limit"),
    );
    // Neither a transfer between accounts of the customer nor a payment with a purpose, such as fees
    // out of a loan, goes round.
    let is_circular = |[first, second]: &[&Entry; 2]| {
        first.account == second.account && first.is_transfer() && second.is_transfer()
    };
    let pairs: Vec<_> = pairs.iter().copied().filter(is_circular).collect();
    let circular = worst_window(book, |months| circular_share(book, &pairs, months));
    lower(
        // A few equal amounts are chance.
        ((circular - 5) * 20).clamp(0, 300),
        format!("{circular} % of the money that comes in leaves in equal amounts within days"),
    );
    if !find_unchanged_salaries(book).is_empty() {
        lower(
            150,
            "the salary stays the same for six payments or more".to_owned(),
        );
    }
    let spent = worst_window(book, |months| spent_pay_share(book, months));
    lower(
        ((spent - 50) * 5).clamp(0, 200),
        format!("{spent} % of the pay is withdrawn at once"),
    );
    let lost: i64 = reasons.iter().map(|reason| reason.points).sum();
    let value = (HIGHEST - lost).clamp(LOWEST, HIGHEST);
    let (first, last) = (&book.entries[0], &book.entries[book.entries.len() - 1]);
    let days = (last.date - first.date).num_days() + 1;
    let rows = book.entries.len();
    let is_thin = days < THIN_FILE_DAYS || rows < THIN_FILE_ROWS;
    if is_thin && value > THIN_FILE_MAX {
        reasons.push(ScoreReason {
            text: format!("{rows} transactions in {days} days are a thin file"),
            points: value - THIN_FILE_MAX,
        });
    }
    Score {
        value: if is_thin {
            value.min(THIN_FILE_MAX)
        } else {
            value
        },
        reasons,
    }
}

fn count(count: usize) -> i64 {
    i64::try_from(count).expect("transactions are few")
}

/// Returns a part of a whole in percent, at most 1000; 0 without a whole.
fn percent(part: i64, whole: i64) -> i64 {
    if whole <= 0 {
        return 0;
    }
    let percent = i128::from(part) * 100 / i128::from(whole);
    i64::try_from(percent.clamp(-1000, 1000)).expect("it is in range")
}

/// Returns whether it is a charge for a mandate or a cheque that was returned.
pub(super) fn is_bounce(entry: &Entry) -> bool {
    let subcategory = entry.classification.subcategory;
    subcategory == Some(BOUNCE_CHARGES) || subcategory == Some(CHEQUE_BOUNCE_CHARGES)
}

/// Returns the largest share of any window of the history.
fn worst_window(book: &TransactionBook<'_>, share: impl Fn(&[Month]) -> i64) -> i64 {
    let length = FRAUD_WINDOW.min(book.months.len());
    let windows = book.months.windows(length);
    windows.map(share).max().unwrap_or(0)
}

/// Returns the share of the credits of these months that leave, or came, in an equal amount within
/// days.
fn circular_share(book: &TransactionBook<'_>, pairs: &[[&Entry; 2]], months: &[Month]) -> i64 {
    let credits = pairs.iter().flatten().filter(|entry| entry.is_credit());
    let circular = sum_amounts(
        credits
            .copied()
            .filter(|entry| months.contains(&entry.month)),
    );
    let all = sum_amounts(book.credits().filter(|entry| months.contains(&entry.month)));
    percent(circular, all)
}

/// Returns the share of the pay of these months of which at least half leaves within two days, in one
/// amount.
fn spent_pay_share(book: &TransactionBook<'_>, months: &[Month]) -> i64 {
    let pay: Vec<&Entry> = book
        .credits()
        .filter(|entry| entry.is_pay() && months.contains(&entry.month))
        .collect();
    let spent = pay.iter().copied();
    let spent = spent.filter(|entry| has_large_debit_after(book, entry));
    percent(sum_amounts(spent), sum_amounts(pay.iter().copied()))
}
