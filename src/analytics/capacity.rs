//! The capacity to repay: the income of a month, and what loans take of it.

use super::book::{Entry, TransactionBook, sum_amounts, to_monthly_rate, to_nearest_month};
use super::classify;
use super::flows::is_business;
use super::fraud::FraudSigns;
use super::groups::group_by_counterparty;
use super::irregularities::find_returned_deposits;
use super::loans::{LoanPayments, list_loans};

/// The share of the income that instalments may take, in percent.
///
/// `Assumption:` lenders use 40 to 60.
pub(super) const INSTALMENT_SHARE: i64 = 50;

/// The capacity of the customer of a book. Amounts are paise a month.
pub(super) struct Capacity<'e> {
    /// The mean of the months.
    pub income: i64,
    /// `true`: the income is pay; `false`: receipts of a business.
    pub is_pay: bool,
    /// The credits that the income follows from.
    pub evidence: Vec<&'e Entry>,
    /// The credits that would be income without the signs of fraud.
    pub unverified: Vec<&'e Entry>,
    /// The loans of which instalments are paid.
    pub loans: Vec<LoanPayments<'e>>,
    /// The sum of the instalments that are due.
    pub obligation: i64,
}

impl<'e> Capacity<'e> {
    /// Computes the capacity. The income is pay if there is any, else what comes in by [`is_receipt`]
    /// without cheques that are returned. A credit that [`FraudSigns`] discredit is no income.
    pub(super) fn of_book(book: &'e TransactionBook<'_>, fraud: &FraudSigns<'_>) -> Self {
        let pay: Vec<&Entry> = book
            .credits()
            .filter(|entry| entry.classification.category == "Salary")
            .collect();
        let is_pay = !pay.is_empty();
        let credits = if is_pay {
            pay
        } else {
            let returned = find_returned_deposits(book);
            book.credits()
                .filter(|entry| is_receipt(book, entry) && !returned.contains(&entry.place))
                .collect()
        };
        let (evidence, unverified): (Vec<&Entry>, Vec<&Entry>) = credits
            .into_iter()
            .partition(|entry| fraud.is_verified(entry));
        let loans = list_loans(book);
        Self {
            income: if is_pay {
                compute_monthly_pay(book, &evidence)
            } else {
                to_monthly_rate(sum_amounts(evidence.iter().copied()), book.day_count())
            },
            is_pay,
            evidence,
            unverified,
            obligation: loans.iter().map(LoanPayments::obligation).sum(),
            loans,
        }
    }

    /// Returns the loans of which an instalment is due.
    pub(super) fn due_loans(&self) -> impl Iterator<Item = &LoanPayments<'e>> {
        self.loans.iter().filter(|loan| loan.obligation() > 0)
    }

    /// Returns the instalment that the income leaves room for.
    pub(super) fn eligible_instalment(&self) -> i64 {
        (self.income * INSTALMENT_SHARE / 100 - self.obligation).max(0)
    }
}

/// Returns whether a credit is what a business brings in: neither a transfer between accounts of the
/// customer, nor capital that comes back from an investment or an insurer.
fn is_receipt(book: &TransactionBook<'_>, credit: &Entry) -> bool {
    let is_capital = match credit.classification.category {
        classify::INSURANCE => true,
        classify::INVESTMENTS => credit.classification.subcategory != Some(classify::DIVIDEND),
        _ => false,
    };
    is_business(credit) && !book.is_own_transfer(credit) && !is_capital
}

/// Returns the pay of a month, that of all employers together.
///
/// `Assumption:` pay that comes once a month is averaged over its months, from the first payment to the
/// last, or over those of the file if they are more. Pay that comes more often is averaged over the
/// days of the file. A bonus is that of twelve months.
fn compute_monthly_pay(book: &TransactionBook<'_>, pay: &[&Entry]) -> i64 {
    let file_months = i64::from(book.month_count());
    let (bonuses, pay): (Vec<&Entry>, Vec<&Entry>) = pay
        .iter()
        .partition(|entry| entry.classification.subcategory == Some(classify::BONUS));
    let regular = group_by_counterparty(&pay)
        .into_iter()
        .map(|(_, payments)| {
            let sum = sum_amounts(payments.iter().copied());
            let span = payments[payments.len() - 1].date - payments[0].date;
            let pay_months = to_nearest_month(span.num_days()) + 1;
            let is_monthly = i64::try_from(payments.len()).is_ok_and(|count| count <= pay_months);
            if is_monthly {
                sum / pay_months.max(file_months)
            } else {
                to_monthly_rate(sum, book.day_count())
            }
        });
    regular.sum::<i64>() + sum_amounts(bonuses) / file_months.max(12)
}
