//! The score of a report, from 300 to 900, with the reasons that lower it.
//!
//! `Assumption:` how the service computes its score is not documented. This one falls with the causes
//! that underwriters name, and each cause has its largest effect, whatever the length of the history.

use super::book::{Entry, TransactionBook, to_monthly_rate, to_whole_percent};
use super::capacity::Capacity;
use super::classify::{BOUNCE_CHARGES, CHEQUE_BOUNCE_CHARGES};
use super::fraud::FraudSigns;
use crate::domain::terms::TransactionType;

const HIGHEST: i64 = 900;
const LOWEST: i64 = 300;

/// The highest score of a thin file: one of less than three months, or of few transactions.
const THIN_FILE_MAX: i64 = 700;
const THIN_FILE_ROWS: usize = 12;

/// Points that signs of fraud take beside their own, since they discredit the other figures, whose points
/// do not count then. So the score of a fraud is at most 600, and more history never raises it.
const DISCREDIT: i64 = 150;

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

/// Computes the score of a book from the capacity of its customer and its signs of fraud.
pub(super) fn compute_score(
    book: &TransactionBook<'_>,
    capacity: &Capacity<'_>,
    fraud: &FraudSigns<'_>,
) -> Score {
    let mut reasons = list_fraud_reasons(fraud);
    if fraud.discredits_figures() {
        reasons.push(ScoreReason {
            text: "signs of fraud, beside which the other figures do not count".to_owned(),
            points: DISCREDIT,
        });
    } else {
        reasons.extend(list_figure_reasons(book, capacity));
    }
    reasons.retain(|reason| reason.points > 0);
    let lost: i64 = reasons.iter().map(|reason| reason.points).sum();
    let value = (HIGHEST - lost).clamp(LOWEST, HIGHEST);
    let days = book.day_count();
    let rows = book.entries.len();
    let is_thin = book.month_count() < 3 || rows < THIN_FILE_ROWS;
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

/// Lists what signs of fraud take, and those with 0 points.
fn list_fraud_reasons(fraud: &FraudSigns<'_>) -> Vec<ScoreReason> {
    vec![
        ScoreReason {
            text: format!(
                "{} % of the money that comes in goes round within days",
                fraud.circular_share
            ),
            points: fraud.circular_points(),
        },
        ScoreReason {
            text: "the salary stays the same for six payments or more".to_owned(),
            points: fraud.unchanged_points(),
        },
        ScoreReason {
            text: format!(
                "pay is withdrawn at once, {} times in a row",
                fraud.spent_run
            ),
            points: fraud.spent_points(),
        },
    ]
}

/// Lists what the figures of the book take, and those with 0 points.
fn list_figure_reasons(book: &TransactionBook<'_>, capacity: &Capacity<'_>) -> Vec<ScoreReason> {
    let mut reasons = Vec::new();
    let mut lower = |points: i64, text: String| reasons.push(ScoreReason { text, points });
    let days = book.day_count();
    let bounces = count(book.debits().filter(|entry| is_bounce(entry)).count());
    // 100 points for one bounce a month.
    lower(
        to_monthly_rate(bounces * 100, days).min(250),
        if bounces == 1 {
            format!("1 returned payment in {days} days")
        } else {
            format!("{bounces} returned payments in {days} days")
        },
    );
    let burden = to_whole_percent(capacity.obligation, capacity.income);
    lower(
        ((burden - 40) * 2).clamp(0, 120),
        format!("loan instalments take {burden} % of the income"),
    );
    let inflow = book.total(TransactionType::Credit);
    let outflow = book.total(TransactionType::Debit);
    let deficit = to_whole_percent(outflow - inflow, inflow);
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
    let share = to_whole_percent(overdrawn, count(days.len()));
    lower(
        share.min(60),
        format!("{overdrawn} days below the agreed limit"),
    );
    reasons
}

fn count(count: usize) -> i64 {
    i64::try_from(count).expect("transactions are few")
}

/// Returns whether it is a charge for a mandate or a cheque that was returned.
pub(super) fn is_bounce(entry: &Entry) -> bool {
    let subcategory = entry.classification.subcategory;
    subcategory == Some(BOUNCE_CHARGES) || subcategory == Some(CHEQUE_BOUNCE_CHARGES)
}
