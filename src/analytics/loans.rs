//! Loans: the instalments that lenders collect, month by month, and the balance on the day before.

use chrono::Datelike;
use serde_json::{Value, json};

use super::book::{Entry, TransactionBook, format_month, sum_amounts};
use super::groups::{build_recurrence, group_by_counterparty};
use super::months::mean;
use crate::domain::calendar::Month;

fn is_instalment(entry: &Entry) -> bool {
    entry.classification.subcategory == Some("EMI")
}

/// Builds section `emi`, the instalments by lender.
pub(crate) fn build_emis(book: &TransactionBook<'_>) -> Vec<Value> {
    let paid: Vec<&Entry> = book.debits().filter(|entry| is_instalment(entry)).collect();
    group_by_counterparty(&paid)
        .iter()
        .map(|(_, group)| build_recurrence(book, group))
        .collect()
}

/// Builds section `loans`: instalments, then disbursements, by lender.
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

fn is_bounce(entry: &Entry) -> bool {
    entry.classification.subcategory == Some("Bounce Charges")
}

/// Builds section `loanAnalysis`: a row for each lender, and their total.
pub(crate) fn build_loan_analysis(book: &TransactionBook<'_>) -> Value {
    let loan_entries: Vec<&Entry> = book
        .entries
        .iter()
        .filter(|entry| entry.classification.category == "Loan")
        .collect();
    let lenders = group_by_counterparty(&loan_entries);
    let mut details: Vec<Value> = lenders
        .iter()
        .zip(1..)
        .map(|((lender, group), number)| build_lender_row(book, number, lender, group))
        .collect();
    if !lenders.is_empty() {
        details.push(build_total_row(book, &loan_entries, lenders.len()));
    }
    let bounces: Vec<&Entry> = book.debits().filter(|entry| is_bounce(entry)).collect();
    let mut charge_rows: Vec<Value> = book
        .months
        .iter()
        .map(|month| {
            let month_bounces: Vec<&Entry> = bounces
                .iter()
                .copied()
                .filter(|entry| Month::from_date(entry.date) == *month)
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
    lender: &str,
    group: &[&Entry],
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
    let obligation = paid.last().map_or(0, |entry| whole_rupees(entry.amount));
    let monthly = book.months.iter().map(|month| {
        let month_entries: Vec<&Entry> = paid
            .iter()
            .copied()
            .filter(|entry| Month::from_date(entry.date) == *month)
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
        "emiObligationStatus": if paid.is_empty() { "No" } else { "Yes" },
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
            "emiBounce": 0,
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
fn build_total_row(book: &TransactionBook<'_>, loan_entries: &[&Entry], lenders: usize) -> Value {
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
    let lenders_paid = group_by_counterparty(&paid);
    let obligation: i64 = lenders_paid
        .iter()
        .map(|(_, group)| whole_rupees(group[group.len() - 1].amount))
        .sum();
    let bounces = book.debits().filter(|entry| is_bounce(entry)).count();
    let before = average_balance_before(book, &paid);
    let monthly = book.months.iter().map(|month| {
        let month_entries: Vec<&Entry> = paid
            .iter()
            .copied()
            .filter(|entry| Month::from_date(entry.date) == *month)
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
        "lender": lenders.to_string(),
        "bankNameEmiRunning": lenders_paid.len().to_string(),
        "emiObligationStatus": "Yes",
        "remarks": null,
        "emiStartedOn": null,
        "emiDebit": amount,
        "emiObligationAmt": obligation,
        "loanCredit": whole_rupees(sum_amounts(credits.iter().copied())),
        "loanDebit": amount,
        "totalEmiObligationCount": lenders_paid.len(),
        "totalEmiDebit": amount,
        "totalEmiObligationAmt": obligation,
        "totalLoanCredit": whole_rupees(sum_amounts(credits)),
        "totalLoanDebit": amount,
        "totalLenderCount": lenders,
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
