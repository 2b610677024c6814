//! What comes and what leaves, month by month.

use serde_json::{Value, json};

use super::book::{
    Entry, TransactionBook, entries_to_json, format_month, format_percent, format_rupees,
    format_slashed_date, median, rounded_average, rupees_to_json, sum_amounts,
};
use super::groups::group_by_counterparty;
use super::months::mean;
use crate::domain::calendar::Month;

/// Rows of the tops.
const TOP_TRANSACTIONS: usize = 5;
const TOP_PARTIES: usize = 10;
const TOP_OF_MONTH: usize = 5;

/// Section `cashflowAnalysis`: sources are whom money comes from, users whom it goes to.
pub fn build_cashflow_analysis(book: &TransactionBook<'_>) -> Value {
    let top_transactions = |is_credit: bool| -> Vec<Value> {
        let mut largest: Vec<&Entry> = book.entries_by_direction(is_credit).collect();
        largest.sort_by_key(|entry| std::cmp::Reverse(entry.amount));
        let rows = largest.into_iter().take(TOP_TRANSACTIONS).map(|entry| {
            json!({
                "date": format_slashed_date(entry.date),
                "particular": entry.narration,
                "amount": rupees_to_json(entry.amount),
                "categories": entry.category_path(),
                "formattedAmount": null,
            })
        });
        rows.collect()
    };
    let monthly_top = |is_credit: bool| -> Vec<Value> {
        let rows = book.months.iter().map(|month| {
            let month_entries: Vec<&Entry> = book.entries_in_month(*month).filter(|entry| entry.is_credit() == is_credit).collect();
            json!({ "month": format_month(*month), "transactions": build_top_counterparties(&month_entries, Some(*month), TOP_OF_MONTH) })
        });
        rows.collect()
    };
    let top_parties = |is_credit: bool| {
        build_top_counterparties(
            &book.entries_by_direction(is_credit).collect::<Vec<_>>(),
            None,
            TOP_PARTIES,
        )
    };
    json!({
        "topCreditTxns": top_transactions(true),
        "topDebitTxns": top_transactions(false),
        "topSources": top_parties(true),
        "topUsers": top_parties(false),
        "topSourcesMonthlyAnalysis": monthly_top(true),
        "topUsersMonthlyAnalysis": monthly_top(false),
    })
}

fn build_top_counterparties(entries: &[&Entry], month: Option<Month>, count: usize) -> Vec<Value> {
    let rows = group_by_counterparty(entries)
        .into_iter()
        .take(count)
        .map(|(party, group)| {
            let amount = group[0].amount;
            let same_amount_count = group.iter().filter(|entry| entry.amount == amount).count();
            let recurs = month.is_none() && same_amount_count > 1;
            json!({
                "totalTxnAmt": rupees_to_json(sum_amounts(group.iter().copied())),
                "month": month.map(format_month),
                "totalTxnCount": group.len(),
                "counterparty": party,
                "recurringTxnCount": recurs.then_some(same_amount_count),
                "primaryTxnCategory": group[0].category_path(),
                "recurringTxnAmt": recurs.then(|| rupees_to_json(amount)),
            })
        });
    rows.collect()
}

/// What stands beside the single months: their sum, their average twice, their median.
fn summarize_months(book: &TransactionBook<'_>, values: &dyn Fn(Month) -> i64) -> [i64; 4] {
    let each: Vec<i64> = book.months.iter().map(|month| values(*month)).collect();
    let total = each.iter().sum();
    let average = rounded_average(total, each.len());
    [total, average, average, median(each)]
}

fn summary_row_names(book: &TransactionBook<'_>) -> [String; 4] {
    let span = book.format_span(book.months.len());
    let last = book.months.len().min(12);
    [
        format!("Total ({span})"),
        format!("Monthly Avg ({span})"),
        format!("Last {last} Months Avg ({})", book.format_span(last)),
        format!("Monthly Median ({span})"),
    ]
}

/// The last 3, 6, 9 and 12 months, as far as there are.
fn trailing_periods(book: &TransactionBook<'_>) -> Vec<(String, Vec<Month>)> {
    let periods = [3, 6, 9, 12]
        .into_iter()
        .filter(|count| *count <= book.months.len())
        .map(|count| {
            let months = book.months[book.months.len() - count..].to_vec();
            (
                format!("Last {count} Months ({})", book.format_span(count)),
                months,
            )
        });
    periods.collect()
}

/// Section `cashflow`.
pub fn build_cashflow(book: &TransactionBook<'_>) -> Value {
    let month_entries = |month: Month, is_credit: bool| {
        book.entries_in_month(month)
            .filter(move |entry| entry.is_credit() == is_credit)
    };
    let count = |month, is_credit| {
        i64::try_from(month_entries(month, is_credit).count()).expect("transactions are few")
    };
    let average_balance = |month| mean(book.closing_balances(month));
    let row = |name: String,
               inflow: i64,
               outflow: i64,
               counts: (i64, i64),
               average_balance: i64,
               all: Vec<Value>| {
        json!({
            "month": name,
            "inflow": format_rupees(inflow),
            "outflow": format_rupees(outflow),
            "netCashFlow": rupees_to_json(inflow - outflow),
            "inflowTransactionCount": counts.0,
            "outflowTransactionCount": counts.1,
            "avgDailyBalance": format_rupees(average_balance),
            "transactions": all,
        })
    };
    let month_rows = book.months.iter().map(|month| {
        let sums = (
            sum_amounts(month_entries(*month, true)),
            sum_amounts(month_entries(*month, false)),
        );
        let counts = (count(*month, true), count(*month, false));
        row(
            format_month(*month),
            sums.0,
            sums.1,
            counts,
            average_balance(*month),
            entries_to_json(book.entries_in_month(*month)),
        )
    });
    let mut monthly: Vec<Value> = month_rows.collect();
    let (inflow, outflow) = (
        summarize_months(book, &|month| sum_amounts(month_entries(month, true))),
        summarize_months(book, &|month| sum_amounts(month_entries(month, false))),
    );
    let counts = (
        summarize_months(book, &|month| count(month, true)),
        summarize_months(book, &|month| count(month, false)),
    );
    let average_balances = summarize_months(book, &average_balance);
    for (index, name) in summary_row_names(book).into_iter().enumerate() {
        // Of all balances together the average is told.
        let average_balance = if index == 0 {
            average_balances[1]
        } else {
            average_balances[index]
        };
        let counts = (counts.0[index], counts.1[index]);
        monthly.push(row(
            name,
            inflow[index],
            outflow[index],
            counts,
            average_balance,
            Vec::new(),
        ));
    }
    let quarterly = trailing_periods(book).into_iter().map(|(name, months)| {
        let sum_over =
            |value: &dyn Fn(Month) -> i64| months.iter().map(|month| value(*month)).sum::<i64>();
        let counts = (
            sum_over(&|month| count(month, true)),
            sum_over(&|month| count(month, false)),
        );
        let sums = (
            sum_over(&|month| sum_amounts(month_entries(month, true))),
            sum_over(&|month| sum_amounts(month_entries(month, false))),
        );
        row(
            name,
            sums.0,
            sums.1,
            counts,
            rounded_average(sum_over(&average_balance), months.len()),
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
    !apart.contains(&entry.classification.category) && !entry.narration.contains("SELF TRANSFER")
}

/// Section `bizCashFlow`.
pub fn build_business_cashflow(book: &TransactionBook<'_>) -> Value {
    let month_entries = |month: Month, is_credit: bool, business_only: bool| {
        book.entries_in_month(month).filter(move |entry| {
            entry.is_credit() == is_credit && (!business_only || is_business(entry))
        })
    };
    let row = |name: String,
               all: (i64, i64),
               biz: (i64, i64),
               counts: (i64, i64),
               transactions: (Vec<Value>, Vec<Value>)| {
        json!({
            "month": name,
            "inflow": format_rupees(all.0),
            "outflow": format_rupees(all.1),
            "bizInflow": format_rupees(biz.0),
            "bizOutflow": format_rupees(biz.1),
            "bizCashFlow": format_rupees(biz.0 - biz.1),
            // Quirk: always so in the recording.
            "avgBizInflow": "0",
            "avgBizOutflow": "0",
            "bizInflowPercentage": format_percent(biz.0, all.0),
            "bizOutflowPercentage": format_percent(biz.1, all.1),
            "bizInflowTransactionCount": counts.0.to_string(),
            "bizOutflowTransactionCount": counts.1.to_string(),
            "bizInflowTransactions": transactions.0,
            "bizOutflowTransactions": transactions.1,
        })
    };
    let total = |month, is_credit, business_only| {
        sum_amounts(month_entries(month, is_credit, business_only))
    };
    let count = |month, is_credit| {
        i64::try_from(month_entries(month, is_credit, true).count()).expect("transactions are few")
    };
    let month_rows = book.months.iter().map(|month| {
        let month = *month;
        let all = (total(month, true, false), total(month, false, false));
        let biz = (total(month, true, true), total(month, false, true));
        let transactions = (
            entries_to_json(month_entries(month, true, true)),
            entries_to_json(month_entries(month, false, true)),
        );
        row(
            format_month(month),
            all,
            biz,
            (count(month, true), count(month, false)),
            transactions,
        )
    });
    let mut monthly: Vec<Value> = month_rows.collect();
    let all = [true, false]
        .map(|is_credit| summarize_months(book, &|month| total(month, is_credit, false)));
    let biz = [true, false]
        .map(|is_credit| summarize_months(book, &|month| total(month, is_credit, true)));
    let counts =
        [true, false].map(|is_credit| summarize_months(book, &|month| count(month, is_credit)));
    for (index, name) in summary_row_names(book).into_iter().enumerate() {
        let at_index = |of: &[[i64; 4]; 2]| (of[0][index], of[1][index]);
        monthly.push(row(
            name,
            at_index(&all),
            at_index(&biz),
            at_index(&counts),
            (Vec::new(), Vec::new()),
        ));
    }
    let quarterly = trailing_periods(book).into_iter().map(|(name, months)| {
        let sum_over =
            |value: &dyn Fn(Month) -> i64| months.iter().map(|month| value(*month)).sum::<i64>();
        let all = (
            sum_over(&|month| total(month, true, false)),
            sum_over(&|month| total(month, false, false)),
        );
        let biz = (
            sum_over(&|month| total(month, true, true)),
            sum_over(&|month| total(month, false, true)),
        );
        row(
            name,
            all,
            biz,
            (
                sum_over(&|month| count(month, true)),
                sum_over(&|month| count(month, false)),
            ),
            (Vec::new(), Vec::new()),
        )
    });
    json!({ "monthly": monthly, "quarterly": quarterly.collect::<Vec<_>>() })
}
