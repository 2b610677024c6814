//! The capacity to repay: the income of a month, and what loans take of it.

use super::book::{Entry, TransactionBook, sum_amounts};
use super::flows::is_business;
use super::fraud::FraudSigns;
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
    /// Computes the capacity. The income is pay if there is any, else what the business brings in.
    /// A transfer between accounts of the customer is no income, nor is a credit that
    /// [`FraudSigns`] discredit.
    pub(super) fn of_book(book: &'e TransactionBook<'_>, fraud: &FraudSigns<'_>) -> Self {
        let pay: Vec<&Entry> = book
            .credits()
            .filter(|entry| entry.classification.category == "Salary")
            .collect();
        let is_pay = !pay.is_empty();
        let credits = if is_pay {
            pay
        } else {
            let business = book.credits().filter(|entry| is_business(entry));
            business
                .filter(|entry| !book.is_own_transfer(entry))
                .collect()
        };
        let (evidence, unverified): (Vec<&Entry>, Vec<&Entry>) = credits
            .into_iter()
            .partition(|entry| fraud.is_verified(entry));
        let loans = list_loans(book);
        Self {
            income: sum_amounts(evidence.iter().copied()) / book.month_count(),
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
