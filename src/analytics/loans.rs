//! Loans: what lenders collect, month by month, and what was there the day before.

use chrono::Datelike;
use serde_json::{Value, json};

use super::book::{Book, Entry, label, sum};
use super::groups::{by_party, told};
use super::months::mean;
use crate::domain::calendar::Month;

fn is_instalment(entry: &Entry) -> bool {
    entry.class.sub == Some("EMI")
}

/// Section `emi`: each lender's instalments.
pub fn emis(book: &Book<'_>) -> Vec<Value> {
    let paid: Vec<&Entry> = book.debits().filter(|entry| is_instalment(entry)).collect();
    by_party(&paid)
        .iter()
        .map(|(_, of)| told(book, of))
        .collect()
}

/// Section `loans`: instalments, and what lenders pay out.
pub fn loans(book: &Book<'_>) -> Vec<Value> {
    let paid_out: Vec<&Entry> = book
        .credits()
        .filter(|entry| entry.class.category == "Loan")
        .collect();
    let mut all = emis(book);
    all.extend(by_party(&paid_out).iter().map(|(_, of)| told(book, of)));
    all
}

/// Whole rupees.
fn rupees(paise: i64) -> i64 {
    paise.div_euclid(100)
}

fn is_bounce(entry: &Entry) -> bool {
    entry.class.sub == Some("Bounce Charges")
}

/// Section `loanAnalysis`: a row for each lender, and their total.
pub fn analysis(book: &Book<'_>) -> Value {
    let all: Vec<&Entry> = book
        .entries
        .iter()
        .filter(|entry| entry.class.category == "Loan")
        .collect();
    let lenders = by_party(&all);
    let mut details: Vec<Value> = lenders
        .iter()
        .zip(1..)
        .map(|((lender, of), number)| lender_row(book, number, lender, of))
        .collect();
    if !lenders.is_empty() {
        details.push(total_row(book, &all, lenders.len()));
    }
    let bounces = |name: String, of: &dyn Fn(&Entry) -> bool| {
        let charges: Vec<&Entry> = book
            .debits()
            .filter(|entry| is_bounce(entry) && of(entry))
            .collect();
        json!({
            "emiBounceCount": charges.len(),
            "month": name,
            "emiReturnChargesCount": charges.len(),
            "emiReturnChargesAmt": rupees(sum(charges)),
        })
    };
    let mut charges: Vec<Value> = book
        .months
        .iter()
        .map(|month| {
            bounces(label(*month), &|entry| {
                Month::from_date(entry.date) == *month
            })
        })
        .collect();
    charges.push(bounces("Total".to_owned(), &|_| true));
    json!({ "loanDetails": details, "emiReturnCharges": charges })
}

fn day_before(book: &Book<'_>, entry: &Entry) -> i64 {
    book.balance_on(entry.date.pred_opt().expect("a day before"))
}

fn average_before(book: &Book<'_>, paid: &[&Entry]) -> i64 {
    rupees(mean(
        &paid
            .iter()
            .map(|entry| day_before(book, entry))
            .collect::<Vec<_>>(),
    ))
}

fn lender_row(book: &Book<'_>, number: usize, lender: &str, of: &[&Entry]) -> Value {
    let paid: Vec<&Entry> = of
        .iter()
        .copied()
        .filter(|entry| is_instalment(entry))
        .collect();
    let came: Vec<&Entry> = of.iter().copied().filter(|entry| entry.comes()).collect();
    let amount = rupees(sum(paid.iter().copied()));
    let obligation = paid.last().map_or(0, |entry| rupees(entry.amount));
    let monthly = book.months.iter().map(|month| {
        let of: Vec<&Entry> = paid
            .iter()
            .copied()
            .filter(|entry| Month::from_date(entry.date) == *month)
            .collect();
        let last = of.last();
        json!({
            "date": last.map(|entry| entry.date.day()),
            "prevDayBalance": last.map(|entry| rupees(day_before(book, entry))),
            "month": label(*month),
            "totalEmiPaidAmt": null,
            "totalDateCount": null,
            "totalPrevDayBalance": null,
            "emiPaidAmt": rupees(sum(of)),
        })
    });
    json!({
        "no": number.to_string(),
        "lender": lender,
        "bankNameEmiRunning": book.accounts[of[0].account].bank(),
        "emiObligationStatus": if paid.is_empty() { "No" } else { "Yes" },
        "remarks": "",
        "emiStartedOn": paid.first().map(|entry| entry.date.to_string()),
        "emiDebit": amount,
        "emiObligationAmt": obligation,
        "loanCredit": rupees(sum(came)),
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
            "avgPrevDayBalance": average_before(book, &paid),
            "totalEmiBounceCount": null,
            "totalEmiPaidAmt": null,
            "totalAvgPrevDayBalance": null,
            "totalEmiPaidCount": null,
        },
        "monthlyDetails": monthly.collect::<Vec<_>>(),
    })
}

/// Quirk: names and numbers of the single rows hold counts in this one.
fn total_row(book: &Book<'_>, all: &[&Entry], lenders: usize) -> Value {
    let paid: Vec<&Entry> = all
        .iter()
        .copied()
        .filter(|entry| is_instalment(entry))
        .collect();
    let came: Vec<&Entry> = all.iter().copied().filter(|entry| entry.comes()).collect();
    let amount = rupees(sum(paid.iter().copied()));
    let running = by_party(&paid);
    let obligation: i64 = running
        .iter()
        .map(|(_, of)| rupees(of[of.len() - 1].amount))
        .sum();
    let bounces = book.debits().filter(|entry| is_bounce(entry)).count();
    let before = average_before(book, &paid);
    let monthly = book.months.iter().map(|month| {
        let of: Vec<&Entry> = paid
            .iter()
            .copied()
            .filter(|entry| Month::from_date(entry.date) == *month)
            .collect();
        let (count, amount) = (of.len(), rupees(sum(of.iter().copied())));
        json!({
            "date": count,
            "prevDayBalance": of.last().map(|entry| rupees(day_before(book, entry))),
            "month": label(*month),
            "totalEmiPaidAmt": amount,
            "totalDateCount": count,
            "totalPrevDayBalance": null,
            "emiPaidAmt": amount,
        })
    });
    json!({
        "no": "Total",
        "lender": lenders.to_string(),
        "bankNameEmiRunning": running.len().to_string(),
        "emiObligationStatus": "Yes",
        "remarks": null,
        "emiStartedOn": null,
        "emiDebit": amount,
        "emiObligationAmt": obligation,
        "loanCredit": rupees(sum(came.iter().copied())),
        "loanDebit": amount,
        "totalEmiObligationCount": running.len(),
        "totalEmiDebit": amount,
        "totalEmiObligationAmt": obligation,
        "totalLoanCredit": rupees(sum(came)),
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
