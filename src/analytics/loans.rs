//! Loans: the instalments that lenders collect, month by month, and the balance on the day before. A
//! lender may have several loans of the customer.

use chrono::{Datelike, NaiveDate, TimeDelta};
use serde_json::{Value, json};

use super::book::{Entry, TransactionBook, format_month, sum_amounts};
use super::classify::BOUNCE_CHARGES;
use super::groups::{build_recurrence, group_by_counterparty};
use super::months::mean;
use crate::domain::calendar::Month;
use crate::domain::money::Paise;

/// Returns whether an entry repays a loan: an instalment, or the interest alone.
fn is_instalment(entry: &Entry) -> bool {
    !entry.is_credit() && entry.classification.category == "Loan"
}

/// The instalments of one loan, in order of time; at least one.
pub(super) struct LoanPayments<'e> {
    pub lender: &'e str,
    pub paid: Vec<&'e Entry>,
    first: Instalment,
    last: Instalment,
}

/// One instalment: what its narration tells, and what was due.
#[derive(Clone, Copy, Debug)]
struct Instalment {
    date: NaiveDate,
    month: Month,
    text: Option<InstalmentText>,
    /// Principal and interest; in paise.
    ///
    /// `Assumption:` a penalty is no part of it. Where the narration does not tell the parts, it is the
    /// amount that was paid.
    due: i64,
}

/// The parts of an instalment in a narration: `EMI 014 OF 060 P4409.90 I459.10`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct InstalmentText {
    number: u32,
    total_count: u32,
    /// Principal and interest, without a penalty; in paise.
    amount: Option<i64>,
}

impl InstalmentText {
    fn parse(narration: &str) -> Option<Self> {
        let (_, rest) = narration.split_once("EMI ")?;
        let mut words = rest.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '.');
        let number = words.next()?.parse().ok()?;
        words.next().filter(|word| *word == "OF")?;
        let total_count = words.next()?.parse().ok()?;
        let principal = parse_part(words.next(), 'P');
        let interest = parse_part(words.next(), 'I');
        Some(Self {
            number,
            total_count,
            amount: principal
                .zip(interest)
                .map(|(principal, interest)| principal + interest),
        })
    }
}

fn parse_part(word: Option<&str>, letter: char) -> Option<i64> {
    Some(Paise::parse(word?.strip_prefix(letter)?)?.0)
}

impl Instalment {
    fn read(entry: &Entry) -> Self {
        let text = InstalmentText::parse(&entry.narration);
        Self {
            date: entry.date,
            month: entry.month,
            text,
            due: text.and_then(|text| text.amount).unwrap_or(entry.amount),
        }
    }

    /// Returns how much larger its number is than that of another one; `None` if they are not of the same
    /// number of instalments.
    fn count_from(&self, known: &Self) -> Option<i64> {
        let (text, known) = (self.text?, known.text?);
        let numbers = (i64::from(text.number), i64::from(known.number));
        (text.total_count == known.total_count).then_some(numbers.0 - numbers.1)
    }

    /// Returns whether the amounts differ by at most one part in `parts`.
    fn is_similar(&self, known: &Self, parts: i64) -> bool {
        (self.due - known.due).abs() * parts <= known.due
    }
}

impl<'e> LoanPayments<'e> {
    pub(super) fn last_paid(&self) -> &'e Entry {
        self.paid[self.paid.len() - 1]
    }

    /// Returns the lender and, if it is known, the number of instalments, which tells two loans of one
    /// lender apart.
    pub(super) fn label(&self) -> String {
        match self.last.text {
            Some(text) => format!("{} ({} instalments)", self.lender, text.total_count),
            None => self.lender.to_owned(),
        }
    }

    /// Returns the instalment that is due each month, in paise; 0 after the last one.
    pub(super) fn obligation(&self) -> i64 {
        match self.last.text {
            Some(text) if text.number >= text.total_count => 0,
            _ => self.last.due,
        }
    }
}

/// The longest time after which an instalment that bounced is presented again.
const REPEATED_WITHIN: TimeDelta = TimeDelta::days(15);

impl LoanPayments<'_> {
    /// Returns whether an instalment may be the next payment of this loan.
    ///
    /// With a number, it is of the same number of instalments, and either it is the last one, presented
    /// again within 15 days, or it has a larger number that has not run ahead of the months since the
    /// first one. Its amount is similar (within a quarter), unless a month and a number have passed.
    /// Without a number, the amount is similar (within a tenth).
    ///
    /// `Assumption:` this rule.
    fn is_continued_by(&self, next: &Instalment) -> bool {
        if (self.last.text, next.text) == (None, None) {
            return next.is_similar(&self.last, 10);
        }
        let (Some(progress), Some(progress_in_all)) =
            (next.count_from(&self.last), next.count_from(&self.first))
        else {
            return false;
        };
        if progress == 0 {
            let is_soon = next.date - self.last.date <= REPEATED_WITHIN;
            return is_soon && next.due == self.last.due;
        }
        let months = next.month.ordinal() - self.last.month.ordinal();
        let months_in_all = next.month.ordinal() - self.first.month.ordinal();
        let is_in_step = (progress, months) == (1, 1);
        progress > 0
            && progress_in_all <= months_in_all
            && (is_in_step || next.is_similar(&self.last, 4))
    }

    /// Returns whether another loan of the lender goes on where this one ends: its first instalment has the next number
    /// and a similar amount, and nothing is paid for this one since.
    ///
    /// `Assumption:` this rule. So two loans count as one if one of them ends where the other begins.
    fn ends_where_begins(&self, other: &Self) -> bool {
        other.first.date >= self.last.date
            && other.first.count_from(&self.last) == Some(1)
            && other.first.is_similar(&self.last, 4)
    }
}

/// Groups instalments by loan: each belongs to the loan of its lender that it continues
/// ([`LoanPayments::is_continued_by`]) with the nearest amount. An instalment that ran ahead begins a
/// loan, which is joined to the one that it follows.
///
/// `Assumption:` two loans of one lender count as one if their instalments have the same numbers, the
/// same amounts and nearly the same days, or no numbers, similar amounts and fewer than three months.
fn group_by_loan<'e>(paid: &[&'e Entry]) -> Vec<LoanPayments<'e>> {
    let lenders = group_by_counterparty(paid);
    let loans = lenders
        .into_iter()
        .flat_map(|(lender, group)| join_loans(split_by_loan(lender, &group)))
        .flat_map(split_by_day);
    loans.collect()
}

/// Splits the instalments of one lender.
fn split_by_loan<'e>(lender: &'e str, paid: &[&'e Entry]) -> Vec<LoanPayments<'e>> {
    let mut loans: Vec<LoanPayments<'e>> = Vec::new();
    for entry in paid {
        let next = Instalment::read(entry);
        let continued = loans.iter_mut().filter(|loan| loan.is_continued_by(&next));
        let nearest = continued.min_by_key(|loan| {
            let is_repeated = next.count_from(&loan.last) == Some(0);
            (is_repeated, (next.due - loan.last.due).abs())
        });
        match nearest {
            Some(loan) => {
                loan.paid.push(entry);
                loan.last = next;
            }
            None => loans.push(LoanPayments {
                lender,
                paid: vec![entry],
                first: next,
                last: next,
            }),
        }
    }
    loans
}

/// Joins each loan of a lender to the first one that ends where it begins.
fn join_loans(loans: Vec<LoanPayments<'_>>) -> Vec<LoanPayments<'_>> {
    let mut joined: Vec<LoanPayments<'_>> = Vec::new();
    for loan in loans {
        match joined.iter_mut().find(|it| it.ends_where_begins(&loan)) {
            Some(earlier) => {
                earlier.paid.extend(loan.paid);
                earlier.last = loan.last;
            }
            None => joined.push(loan),
        }
    }
    joined
}

/// The number of successive months with several instalments each from which on these are of several loans.
///
/// `Assumption:` this number. Who pays late, or ahead, does not pay twice in each of three months.
const MONTHS_WITH_SEVERAL: usize = 3;

/// Splits a loan without numbers, if each of three successive months has several instalments of it: by the
/// order of their days.
fn split_by_day(loan: LoanPayments<'_>) -> Vec<LoanPayments<'_>> {
    if loan.last.text.is_some() {
        return vec![loan];
    }
    let months: Vec<_> = loan
        .paid
        .chunk_by(|first, second| first.month == second.month)
        .collect();
    let counts = months.windows(MONTHS_WITH_SEVERAL).filter(|window| {
        let mut pairs = window.windows(2);
        pairs.all(|pair| pair[0][0].month.next() == pair[1][0].month)
    });
    let counts = counts.filter_map(|window| window.iter().map(|month| month.len()).min());
    let count = counts.max().unwrap_or(1);
    let Some(full) = months.iter().find(|month| month.len() >= count) else {
        return vec![loan];
    };
    let usual_days: Vec<_> = full.iter().map(|entry| entry.date.day()).collect();
    let mut loans: Vec<Vec<&Entry>> = vec![Vec::new(); count];
    for month in months {
        let mut free: Vec<usize> = (0..count).collect();
        for (place, entry) in month.iter().enumerate() {
            // A month with fewer instalments has those whose usual days are nearest.
            let index = if month.len() >= count {
                place.min(count - 1)
            } else {
                let nearest = free.iter().copied();
                let distance = |index: &usize| usual_days[*index].abs_diff(entry.date.day());
                nearest.min_by_key(distance).unwrap_or(count - 1)
            };
            free.retain(|it| *it != index);
            loans[index].push(entry);
        }
    }
    let lender = loan.lender;
    let split = loans.into_iter().filter(|paid| !paid.is_empty());
    split
        .map(|paid| LoanPayments {
            lender,
            first: Instalment::read(paid[0]),
            last: Instalment::read(paid[paid.len() - 1]),
            paid,
        })
        .collect()
}

/// Lists the loans of which instalments are paid.
pub(super) fn list_loans<'e>(book: &'e TransactionBook<'_>) -> Vec<LoanPayments<'e>> {
    let paid: Vec<&Entry> = book.debits().filter(|entry| is_instalment(entry)).collect();
    group_by_loan(&paid)
}

/// Builds section `emi`, the instalments by loan.
pub(crate) fn build_emis(book: &TransactionBook<'_>) -> Vec<Value> {
    let loans = list_loans(book);
    let rows = loans.iter().map(|loan| build_recurrence(book, &loan.paid));
    rows.collect()
}

/// Builds section `loans`: instalments by loan, then disbursements by lender.
pub(crate) fn build_loans(book: &TransactionBook<'_>) -> Vec<Value> {
    let paid_out: Vec<&Entry> = book
        .credits()
        .filter(|entry| entry.classification.category == "Loan")
        .collect();
    let mut all = build_emis(book);
    all.extend(
        group_by_counterparty(&paid_out)
            .iter()
            .map(|(_, group)| build_recurrence(book, group)),
    );
    all
}

fn whole_rupees(paise: i64) -> i64 {
    paise.div_euclid(100)
}

/// Returns the charges for bounced mandates, without those whose payee is no lender.
fn list_emi_bounces<'e>(book: &'e TransactionBook<'_>, lenders: &[&str]) -> Vec<&'e Entry> {
    let bounces = book.debits().filter(|entry| {
        let mut payee = entry.bounced_payee.iter();
        entry.classification.subcategory == Some(BOUNCE_CHARGES)
            && payee.all(|payee| lenders.contains(&&**payee))
    });
    bounces.collect()
}

/// Builds section `loanAnalysis`: a row for each lender, and their total.
pub(crate) fn build_loan_analysis(book: &TransactionBook<'_>) -> Value {
    let loan_entries: Vec<&Entry> = book
        .entries
        .iter()
        .filter(|entry| entry.classification.category == "Loan")
        .collect();
    let lenders = group_by_counterparty(&loan_entries);
    let names: Vec<&str> = lenders.iter().map(|(lender, _)| *lender).collect();
    let bounces = list_emi_bounces(book, &names);
    let mut details: Vec<Value> = lenders
        .iter()
        .zip(1..)
        .map(|((lender, group), number)| {
            let bounces = bounces
                .iter()
                .filter(|entry| entry.bounced_payee.as_deref() == Some(lender));
            build_lender_row(book, number, (lender, group), bounces.count())
        })
        .collect();
    if !lenders.is_empty() {
        details.push(build_total_row(book, &loan_entries, &names, bounces.len()));
    }
    let mut charge_rows: Vec<Value> = book
        .months
        .iter()
        .map(|month| {
            let month_bounces: Vec<&Entry> = bounces
                .iter()
                .copied()
                .filter(|entry| entry.month == *month)
                .collect();
            build_bounce_row(&format_month(*month), &month_bounces)
        })
        .collect();
    charge_rows.push(build_bounce_row("Total", &bounces));
    json!({ "loanDetails": details, "emiReturnCharges": charge_rows })
}

fn build_bounce_row(name: &str, bounces: &[&Entry]) -> Value {
    json!({
        "emiBounceCount": bounces.len(),
        "month": name,
        "emiReturnChargesCount": bounces.len(),
        "emiReturnChargesAmt": whole_rupees(sum_amounts(bounces.iter().copied())),
    })
}

fn balance_day_before(book: &TransactionBook<'_>, entry: &Entry) -> i64 {
    book.balance_on(entry.date.pred_opt().expect("a day before"))
}

fn average_balance_before(book: &TransactionBook<'_>, paid: &[&Entry]) -> i64 {
    whole_rupees(mean(
        &paid
            .iter()
            .map(|entry| balance_day_before(book, entry))
            .collect::<Vec<_>>(),
    ))
}

fn build_lender_row(
    book: &TransactionBook<'_>,
    number: usize,
    (lender, group): (&str, &[&Entry]),
    bounces: usize,
) -> Value {
    let paid: Vec<&Entry> = group
        .iter()
        .copied()
        .filter(|entry| is_instalment(entry))
        .collect();
    let credits: Vec<&Entry> = group
        .iter()
        .copied()
        .filter(|entry| entry.is_credit())
        .collect();
    let amount = whole_rupees(sum_amounts(paid.iter().copied()));
    let loans = group_by_loan(&paid);
    let obligation = whole_rupees(loans.iter().map(LoanPayments::obligation).sum());
    let monthly = book.months.iter().map(|month| {
        let month_entries: Vec<&Entry> = paid
            .iter()
            .copied()
            .filter(|entry| entry.month == *month)
            .collect();
        let last = month_entries.last();
        json!({
            "date": last.map(|entry| entry.date.day()),
            "prevDayBalance": last.map(|entry| whole_rupees(balance_day_before(book, entry))),
            "month": format_month(*month),
            "totalEmiPaidAmt": null,
            "totalDateCount": null,
            "totalPrevDayBalance": null,
            "emiPaidAmt": whole_rupees(sum_amounts(month_entries)),
        })
    });
    json!({
        "no": number.to_string(),
        "lender": lender,
        "bankNameEmiRunning": book.accounts[group[0].account].bank_name(),
        "emiObligationStatus": if obligation == 0 { "No" } else { "Yes" },
        "remarks": "",
        "emiStartedOn": paid.first().map(|entry| entry.date.to_string()),
        "emiDebit": amount,
        "emiObligationAmt": obligation,
        "loanCredit": whole_rupees(sum_amounts(credits)),
        "loanDebit": amount,
        "totalEmiObligationCount": null,
        "totalEmiDebit": null,
        "totalEmiObligationAmt": null,
        "totalLoanCredit": null,
        "totalLoanDebit": null,
        "totalLenderCount": null,
        "statementPeriod": {
            "months": book.months.len(),
            "emiPaidCount": paid.len(),
            "emiPaidAmt": amount,
            "emiBounce": bounces,
            "avgPrevDayBalance": average_balance_before(book, &paid),
            "totalEmiBounceCount": null,
            "totalEmiPaidAmt": null,
            "totalAvgPrevDayBalance": null,
            "totalEmiPaidCount": null,
        },
        "monthlyDetails": monthly.collect::<Vec<_>>(),
    })
}

/// Builds the row of the total.
///
/// Quirk: fields that hold names and numbers in a lender's row hold counts in this one.
fn build_total_row(
    book: &TransactionBook<'_>,
    loan_entries: &[&Entry],
    lenders: &[&str],
    bounces: usize,
) -> Value {
    let paid: Vec<&Entry> = loan_entries
        .iter()
        .copied()
        .filter(|entry| is_instalment(entry))
        .collect();
    let credits: Vec<&Entry> = loan_entries
        .iter()
        .copied()
        .filter(|entry| entry.is_credit())
        .collect();
    let amount = whole_rupees(sum_amounts(paid.iter().copied()));
    let loans = group_by_loan(&paid);
    let due = loans.iter().filter(|loan| loan.obligation() > 0);
    let mut lenders_paid: Vec<&str> = due.clone().map(|loan| loan.lender).collect();
    lenders_paid.sort_unstable();
    lenders_paid.dedup();
    // The sum of the rows, each in whole rupees.
    let obligation: i64 = group_by_counterparty(&paid)
        .iter()
        .map(|(_, group)| {
            let loans = group_by_loan(group);
            whole_rupees(loans.iter().map(LoanPayments::obligation).sum())
        })
        .sum();
    let before = average_balance_before(book, &paid);
    let monthly = book.months.iter().map(|month| {
        let month_entries: Vec<&Entry> = paid
            .iter()
            .copied()
            .filter(|entry| entry.month == *month)
            .collect();
        let (count, amount) = (month_entries.len(), whole_rupees(sum_amounts(month_entries.iter().copied())));
        json!({
            "date": count,
            "prevDayBalance": month_entries.last().map(|entry| whole_rupees(balance_day_before(book, entry))),
            "month": format_month(*month),
            "totalEmiPaidAmt": amount,
            "totalDateCount": count,
            "totalPrevDayBalance": null,
            "emiPaidAmt": amount,
        })
    });
    json!({
        "no": "Total",
        "lender": lenders.len().to_string(),
        "bankNameEmiRunning": lenders_paid.len().to_string(),
        "emiObligationStatus": "Yes",
        "remarks": null,
        "emiStartedOn": null,
        "emiDebit": amount,
        "emiObligationAmt": obligation,
        "loanCredit": whole_rupees(sum_amounts(credits.iter().copied())),
        "loanDebit": amount,
        "totalEmiObligationCount": due.count(),
        "totalEmiDebit": amount,
        "totalEmiObligationAmt": obligation,
        "totalLoanCredit": whole_rupees(sum_amounts(credits)),
        "totalLoanDebit": amount,
        "totalLenderCount": lenders.len(),
        "statementPeriod": {
            "months": null,
            "emiPaidCount": paid.len(),
            "emiPaidAmt": amount,
            "emiBounce": bounces,
            "avgPrevDayBalance": before,
            "totalEmiBounceCount": bounces,
            "totalEmiPaidAmt": amount,
            "totalAvgPrevDayBalance": before,
            "totalEmiPaidCount": paid.len(),
        },
        "monthlyDetails": monthly.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::InstalmentText;

    #[test]
    fn an_instalment_is_read_from_each_layout() {
        let expected = InstalmentText {
            number: 14,
            total_count: 60,
            amount: Some(486_900),
        };
        for narration in [
            "NACH/ACH-DR/UDHAAR CAPITAL PVT LTD/EMI 014 OF 060 P4409.90 I459.10/MOCK0826113792",
            "ACH D- UDHAAR CAPITAL PVT LTD-TW LOAN EMI 014 OF 060 P4409.90 I459.10-MOCK08261",
            "DEBIT-ACHDR MOCK0826113792 UDHAAR CAPITAL PVT LTD EMI 014 OF 060 P4409.90 I459.10--",
        ] {
            assert_eq!(
                InstalmentText::parse(narration),
                Some(expected),
                "{narration}"
            );
        }
        for narration in ["ACH/LENDER/EMI/MOCK08261", "EMI 014 UNTIL 060", "RENT"] {
            assert_eq!(InstalmentText::parse(narration), None, "{narration}");
        }
    }
}
