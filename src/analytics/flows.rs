//! What comes and what leaves, month by month.

use serde_json::{Value, json};

use super::book::{
    Book, Entry, average, label, median, number, percent, slashed, sum, text, views,
};
use super::groups::by_party;
use super::months::mean;
use crate::domain::calendar::Month;

/// Rows of the tops.
const TOP_TRANSACTIONS: usize = 5;
const TOP_PARTIES: usize = 10;
const TOP_OF_MONTH: usize = 5;

/// Section `cashflowAnalysis`: sources are whom money comes from, users whom it goes to.
pub fn analysis(book: &Book<'_>) -> Value {
    let top = |comes: bool| -> Vec<Value> {
        let mut largest: Vec<&Entry> = book.side(comes).collect();
        largest.sort_by_key(|entry| std::cmp::Reverse(entry.amount));
        let told = largest.into_iter().take(TOP_TRANSACTIONS).map(|entry| {
            json!({
                "date": slashed(entry.date),
                "particular": entry.narration,
                "amount": number(entry.amount),
                "categories": entry.categories(),
                "formattedAmount": null,
            })
        });
        told.collect()
    };
    let monthly = |comes: bool| -> Vec<Value> {
        let told = book.months.iter().map(|month| {
            let of: Vec<&Entry> = book.of_month(*month).filter(|entry| entry.comes() == comes).collect();
            json!({ "month": label(*month), "transactions": parties(&of, Some(*month), TOP_OF_MONTH) })
        });
        told.collect()
    };
    let all = |comes: bool| parties(&book.side(comes).collect::<Vec<_>>(), None, TOP_PARTIES);
    json!({
        "topCreditTxns": top(true),
        "topDebitTxns": top(false),
        "topSources": all(true),
        "topUsers": all(false),
        "topSourcesMonthlyAnalysis": monthly(true),
        "topUsersMonthlyAnalysis": monthly(false),
    })
}

fn parties(entries: &[&Entry], month: Option<Month>, count: usize) -> Vec<Value> {
    let told = by_party(entries)
        .into_iter()
        .take(count)
        .map(|(party, of)| {
            let amount = of[0].amount;
            let same = of.iter().filter(|entry| entry.amount == amount).count();
            let recurs = month.is_none() && same > 1;
            json!({
                "totalTxnAmt": number(sum(of.iter().copied())),
                "month": month.map(label),
                "totalTxnCount": of.len(),
                "counterparty": party,
                "recurringTxnCount": recurs.then_some(same),
                "primaryTxnCategory": of[0].categories(),
                "recurringTxnAmt": recurs.then(|| number(amount)),
            })
        });
    told.collect()
}

/// What stands beside the single months: their sum, their average twice, their median.
fn together(book: &Book<'_>, values: &dyn Fn(Month) -> i64) -> [i64; 4] {
    let each: Vec<i64> = book.months.iter().map(|month| values(*month)).collect();
    let total = each.iter().sum();
    let average = average(total, each.len());
    [total, average, average, median(each)]
}

fn names(book: &Book<'_>) -> [String; 4] {
    let span = book.span(book.months.len());
    let last = book.months.len().min(12);
    [
        format!("Total ({span})"),
        format!("Monthly Avg ({span})"),
        format!("Last {last} Months Avg ({})", book.span(last)),
        format!("Monthly Median ({span})"),
    ]
}

/// The last 3, 6, 9 and 12 months, as far as there are.
fn quarters(book: &Book<'_>) -> Vec<(String, Vec<Month>)> {
    let told = [3, 6, 9, 12]
        .into_iter()
        .filter(|count| *count <= book.months.len())
        .map(|count| {
            let months = book.months[book.months.len() - count..].to_vec();
            (
                format!("Last {count} Months ({})", book.span(count)),
                months,
            )
        });
    told.collect()
}

/// Section `cashflow`.
pub fn cashflow(book: &Book<'_>) -> Value {
    let of = |month: Month, comes: bool| {
        book.of_month(month)
            .filter(move |entry| entry.comes() == comes)
    };
    let count =
        |month, comes| i64::try_from(of(month, comes).count()).expect("transactions are few");
    let balance = |month| mean(book.closing(month));
    let row = |name: String,
               inflow: i64,
               outflow: i64,
               counts: (i64, i64),
               daily: i64,
               all: Vec<Value>| {
        json!({
            "month": name,
            "inflow": text(inflow),
            "outflow": text(outflow),
            "netCashFlow": number(inflow - outflow),
            "inflowTransactionCount": counts.0,
            "outflowTransactionCount": counts.1,
            "avgDailyBalance": text(daily),
            "transactions": all,
        })
    };
    let single = book.months.iter().map(|month| {
        let sums = (sum(of(*month, true)), sum(of(*month, false)));
        let counts = (count(*month, true), count(*month, false));
        row(
            label(*month),
            sums.0,
            sums.1,
            counts,
            balance(*month),
            views(book.of_month(*month)),
        )
    });
    let mut monthly: Vec<Value> = single.collect();
    let (inflow, outflow) = (
        together(book, &|month| sum(of(month, true))),
        together(book, &|month| sum(of(month, false))),
    );
    let counts = (
        together(book, &|month| count(month, true)),
        together(book, &|month| count(month, false)),
    );
    let daily = together(book, &balance);
    for (place, name) in names(book).into_iter().enumerate() {
        // Of all balances together the average is told.
        let daily = if place == 0 { daily[1] } else { daily[place] };
        let counts = (counts.0[place], counts.1[place]);
        monthly.push(row(
            name,
            inflow[place],
            outflow[place],
            counts,
            daily,
            Vec::new(),
        ));
    }
    let quarterly = quarters(book).into_iter().map(|(name, months)| {
        let over =
            |value: &dyn Fn(Month) -> i64| months.iter().map(|month| value(*month)).sum::<i64>();
        let counts = (
            over(&|month| count(month, true)),
            over(&|month| count(month, false)),
        );
        let sums = (
            over(&|month| sum(of(month, true))),
            over(&|month| sum(of(month, false))),
        );
        row(
            name,
            sums.0,
            sums.1,
            counts,
            average(over(&balance), months.len()),
            Vec::new(),
        )
    });
    json!({ "monthly": monthly, "quarterly": quarterly.collect::<Vec<_>>() })
}

/// Whether it is of the business that an account does: neither cash nor loans nor interest, charges, refunds, nor between own
/// accounts.
pub fn is_business(entry: &Entry) -> bool {
    let apart = [
        "Cash & ATM",
        "Cash & ATM withdrawals",
        "Loan",
        "Interest",
        "Charges & Fees",
        "Returns",
        "Debit Card Refund",
    ];
    !apart.contains(&entry.class.category) && !entry.narration.contains("SELF TRANSFER")
}

/// Section `bizCashFlow`.
pub fn business(book: &Book<'_>) -> Value {
    let of = |month: Month, comes: bool, business: bool| {
        book.of_month(month)
            .filter(move |entry| entry.comes() == comes && (!business || is_business(entry)))
    };
    let row = |name: String,
               all: (i64, i64),
               biz: (i64, i64),
               counts: (i64, i64),
               told: (Vec<Value>, Vec<Value>)| {
        json!({
            "month": name,
            "inflow": text(all.0),
            "outflow": text(all.1),
            "bizInflow": text(biz.0),
            "bizOutflow": text(biz.1),
            "bizCashFlow": text(biz.0 - biz.1),
            // Quirk: always so in the recording.
            "avgBizInflow": "0",
            "avgBizOutflow": "0",
            "bizInflowPercentage": percent(biz.0, all.0),
            "bizOutflowPercentage": percent(biz.1, all.1),
            "bizInflowTransactionCount": counts.0.to_string(),
            "bizOutflowTransactionCount": counts.1.to_string(),
            "bizInflowTransactions": told.0,
            "bizOutflowTransactions": told.1,
        })
    };
    let total = |month, comes, business| sum(of(month, comes, business));
    let count =
        |month, comes| i64::try_from(of(month, comes, true).count()).expect("transactions are few");
    let single = book.months.iter().map(|month| {
        let month = *month;
        let all = (total(month, true, false), total(month, false, false));
        let biz = (total(month, true, true), total(month, false, true));
        let told = (views(of(month, true, true)), views(of(month, false, true)));
        row(
            label(month),
            all,
            biz,
            (count(month, true), count(month, false)),
            told,
        )
    });
    let mut monthly: Vec<Value> = single.collect();
    let all = [true, false].map(|comes| together(book, &|month| total(month, comes, false)));
    let biz = [true, false].map(|comes| together(book, &|month| total(month, comes, true)));
    let counts = [true, false].map(|comes| together(book, &|month| count(month, comes)));
    for (place, name) in names(book).into_iter().enumerate() {
        let pair = |of: &[[i64; 4]; 2]| (of[0][place], of[1][place]);
        monthly.push(row(
            name,
            pair(&all),
            pair(&biz),
            pair(&counts),
            (Vec::new(), Vec::new()),
        ));
    }
    let quarterly = quarters(book).into_iter().map(|(name, months)| {
        let over =
            |value: &dyn Fn(Month) -> i64| months.iter().map(|month| value(*month)).sum::<i64>();
        let all = (
            over(&|month| total(month, true, false)),
            over(&|month| total(month, false, false)),
        );
        let biz = (
            over(&|month| total(month, true, true)),
            over(&|month| total(month, false, true)),
        );
        row(
            name,
            all,
            biz,
            (
                over(&|month| count(month, true)),
                over(&|month| count(month, false)),
            ),
            (Vec::new(), Vec::new()),
        )
    });
    json!({ "monthly": monthly, "quarterly": quarterly.collect::<Vec<_>>() })
}
