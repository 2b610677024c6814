//! Inflow and outflow, month by month.

use serde_json::{Value, json};

use super::book::{
    Entry, TransactionBook, build_object, format_month, format_percent, format_rupees,
    format_slashed_date, median, rounded_average, rupees_to_json, sum_amounts,
};
use super::classify::is_self_transfer;
use super::groups::group_by_counterparty;
use super::listing::list_entries;
use super::months::mean;
use crate::domain::calendar::Month;
use crate::domain::terms::TransactionType;
use crate::domain::terms::TransactionType::{Credit, Debit};

const TOP_TRANSACTIONS: usize = 5;
const TOP_PARTIES: usize = 10;
const TOP_OF_MONTH: usize = 5;

/// The transactions that a total is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlowScope {
    All,
    /// Only those of [`is_business`].
    Business,
}

/// Builds section `cashflowAnalysis`. "Sources" are the counterparties that money comes from,
/// "users" those that it goes to.
pub(crate) fn build_cashflow_analysis(book: &TransactionBook<'_>) -> Value {
    json!({
        "topCreditTxns": build_top_transactions(book, Credit),
        "topDebitTxns": build_top_transactions(book, Debit),
        "topSources": build_top_parties(book, Credit),
        "topUsers": build_top_parties(book, Debit),
        "topSourcesMonthlyAnalysis": build_monthly_top_parties(book, Credit),
        "topUsersMonthlyAnalysis": build_monthly_top_parties(book, Debit),
    })
}

fn build_top_transactions(book: &TransactionBook<'_>, direction: TransactionType) -> Vec<Value> {
    let mut largest: Vec<&Entry> = book.entries_by_direction(direction).collect();
    largest.sort_by_key(|entry| std::cmp::Reverse(entry.amount));
    largest
        .into_iter()
        .take(TOP_TRANSACTIONS)
        .map(|entry| {
            json!({
                "date": format_slashed_date(entry.date),
                "particular": &*entry.narration,
                "amount": rupees_to_json(entry.amount),
                "categories": entry.category_path(),
                "formattedAmount": null,
            })
        })
        .collect()
}

fn build_top_parties(book: &TransactionBook<'_>, direction: TransactionType) -> Vec<Value> {
    let entries: Vec<&Entry> = book.entries_by_direction(direction).collect();
    build_party_rows(&entries, None, TOP_PARTIES)
}

fn build_monthly_top_parties(book: &TransactionBook<'_>, direction: TransactionType) -> Vec<Value> {
    book.months
        .iter()
        .map(|month| {
            let entries: Vec<&Entry> =
                entries_of_month(book, *month, direction, FlowScope::All).collect();
            json!({
                "month": format_month(*month),
                "transactions": build_party_rows(&entries, Some(*month), TOP_OF_MONTH),
            })
        })
        .collect()
}

fn build_party_rows(entries: &[&Entry], month: Option<Month>, count: usize) -> Vec<Value> {
    group_by_counterparty(entries)
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
        })
        .collect()
}

/// Returns whether a transaction belongs to the business of the account: not cash, loans, interest,
/// charges, returns or refunds, and not a transfer between accounts of the holder.
pub(crate) fn is_business(entry: &Entry) -> bool {
    let excluded_categories = [
        "Cash & ATM",
        "Cash & ATM withdrawals",
        "Loan",
        "Interest",
        "Charges & Fees",
        "Returns",
        "Debit Card Refund",
    ];
    !excluded_categories.contains(&entry.classification.category)
        && !is_self_transfer(&entry.narration)
}

fn entries_of_month<'e>(
    book: &'e TransactionBook<'_>,
    month: Month,
    direction: TransactionType,
    scope: FlowScope,
) -> impl Iterator<Item = &'e Entry> {
    book.entries_in_month(month).filter(move |entry| {
        entry.direction == direction && (scope == FlowScope::All || is_business(entry))
    })
}

/// Returns the total of a month's transactions of one direction, in paise.
pub(crate) fn month_total(
    book: &TransactionBook<'_>,
    month: Month,
    direction: TransactionType,
    scope: FlowScope,
) -> i64 {
    sum_amounts(entries_of_month(book, month, direction, scope))
}

fn count_entries<T>(entries: impl Iterator<Item = T>) -> i64 {
    i64::try_from(entries.count()).expect("transactions are few")
}

/// Adds up each figure over several months.
fn sum_months<const N: usize>(months: &[[i64; N]]) -> [i64; N] {
    std::array::from_fn(|index| months.iter().map(|figures| figures[index]).sum())
}

/// Returns the figures of the rows below the single months, in the order of [`summary_row_names`]:
/// sums, averages twice, medians.
fn summarize_months<const N: usize>(months: &[[i64; N]]) -> [[i64; N]; 4] {
    let sums = sum_months(months);
    let averages = sums.map(|sum| rounded_average(sum, months.len()));
    let last = last_year(months);
    let last_averages = sum_months(last).map(|sum| rounded_average(sum, last.len()));
    let medians =
        std::array::from_fn(|index| median(months.iter().map(|figures| figures[index]).collect()));
    [sums, averages, last_averages, medians]
}

/// Returns the last twelve months, or all of them.
fn last_year<T>(months: &[T]) -> &[T] {
    &months[months.len().saturating_sub(12)..]
}

fn summary_row_names(book: &TransactionBook<'_>) -> [String; 4] {
    let span = book.format_span(book.months.len());
    let last = last_year(&book.months).len();
    [
        format!("Total ({span})"),
        format!("Monthly Avg ({span})"),
        format!("Last {last} Months Avg ({})", book.format_span(last)),
        format!("Monthly Median ({span})"),
    ]
}

/// Returns the lengths of the trailing periods, 3, 6, 9 and 12 months, that the report covers.
fn trailing_periods(book: &TransactionBook<'_>) -> impl Iterator<Item = usize> {
    let month_count = book.months.len();
    [3, 6, 9, 12]
        .into_iter()
        .filter(move |count| *count <= month_count)
}

fn trailing_period_name(book: &TransactionBook<'_>, count: usize) -> String {
    format!("Last {count} Months ({})", book.format_span(count))
}

/// The figures of a row of section `cashflow`: inflow and outflow, their numbers of transactions,
/// the average daily balance. Amounts are paise.
type CashflowFigures = [i64; 5];

/// The place of the average daily balance in [`CashflowFigures`].
const AVERAGE_BALANCE: usize = 4;

/// Builds section `cashflow`.
pub(crate) fn build_cashflow(book: &TransactionBook<'_>) -> Value {
    let figures: Vec<CashflowFigures> = book
        .months
        .iter()
        .map(|month| {
            [
                month_total(book, *month, Credit, FlowScope::All),
                month_total(book, *month, Debit, FlowScope::All),
                count_entries(entries_of_month(book, *month, Credit, FlowScope::All)),
                count_entries(entries_of_month(book, *month, Debit, FlowScope::All)),
                mean(book.closing_balances(*month)),
            ]
        })
        .collect();
    let mut monthly = Vec::new();
    for (month, month_figures) in book.months.iter().zip(&figures) {
        let transactions = list_entries(book.entries_in_month(*month));
        let row = build_cashflow_row(&format_month(*month), *month_figures, transactions);
        monthly.push(row);
    }
    let mut summary = summarize_months(&figures);
    // Balances are not added up, and each day counts the same, whatever the length of its month.
    for row in &mut summary[..2] {
        row[AVERAGE_BALANCE] = book.average_balance(figures.len());
    }
    summary[2][AVERAGE_BALANCE] = book.average_balance(last_year(&figures).len());
    for (name, row_figures) in summary_row_names(book).iter().zip(summary) {
        monthly.push(build_cashflow_row(name, row_figures, list_entries([])));
    }
    let mut quarterly = Vec::new();
    for count in trailing_periods(book) {
        let mut sums = sum_months(&figures[figures.len() - count..]);
        sums[AVERAGE_BALANCE] = book.average_balance(count);
        let name = trailing_period_name(book, count);
        quarterly.push(build_cashflow_row(&name, sums, list_entries([])));
    }
    build_object([("monthly", monthly.into()), ("quarterly", quarterly.into())])
}

fn build_cashflow_row(name: &str, figures: CashflowFigures, transactions: Value) -> Value {
    let [
        inflow,
        outflow,
        inflow_count,
        outflow_count,
        average_balance,
    ] = figures;
    build_object([
        ("month", name.into()),
        ("inflow", format_rupees(inflow).into()),
        ("outflow", format_rupees(outflow).into()),
        ("netCashFlow", rupees_to_json(inflow - outflow)),
        ("inflowTransactionCount", inflow_count.into()),
        ("outflowTransactionCount", outflow_count.into()),
        ("avgDailyBalance", format_rupees(average_balance).into()),
        ("transactions", transactions),
    ])
}

/// The figures of a row of section `bizCashFlow`: inflow and outflow of all transactions, then of
/// those of the business, and the numbers of the latter. Amounts are paise.
type BusinessFigures = [i64; 6];

/// Returns the average amounts of the transactions of the business, in and out.
///
/// `Assumption:` the recording has "0" throughout.
fn average_amounts(figures: BusinessFigures) -> [i64; 2] {
    let [_, _, sums @ .., inflow_count, outflow_count] = figures;
    [(sums[0], inflow_count), (sums[1], outflow_count)]
        .map(|(sum, count)| rounded_average(sum, usize::try_from(count).unwrap_or(0)))
}

/// Builds section `bizCashFlow`.
pub(crate) fn build_business_cashflow(book: &TransactionBook<'_>) -> Value {
    let mut figures: Vec<BusinessFigures> = Vec::new();
    let mut monthly = Vec::new();
    for month in &book.months {
        let business = [Credit, Debit].map(|direction| {
            entries_of_month(book, *month, direction, FlowScope::Business).collect::<Vec<_>>()
        });
        let [sums, counts] = [
            business
                .each_ref()
                .map(|entries| sum_amounts(entries.iter().copied())),
            business
                .each_ref()
                .map(|entries| count_entries(entries.iter())),
        ];
        let month_figures = [
            month_total(book, *month, Credit, FlowScope::All),
            month_total(book, *month, Debit, FlowScope::All),
            sums[0],
            sums[1],
            counts[0],
            counts[1],
        ];
        figures.push(month_figures);
        monthly.push(build_business_row(
            &format_month(*month),
            month_figures,
            average_amounts(month_figures),
            business.map(list_entries),
        ));
    }
    // An average over all transactions, but in the row of medians.
    let monthly_averages: Vec<[i64; 2]> = figures.iter().copied().map(average_amounts).collect();
    let [.., medians] = summarize_months(&monthly_averages);
    let overall = average_amounts(sum_months(&figures));
    let last = average_amounts(sum_months(last_year(&figures)));
    let averages = [overall, overall, last, medians];
    let summary = summarize_months(&figures).into_iter().zip(averages);
    for (name, (row_figures, averages)) in summary_row_names(book).iter().zip(summary) {
        monthly.push(build_business_row(
            name,
            row_figures,
            averages,
            [list_entries([]), list_entries([])],
        ));
    }
    let mut quarterly = Vec::new();
    for count in trailing_periods(book) {
        let sums = sum_months(&figures[figures.len() - count..]);
        quarterly.push(build_business_row(
            &trailing_period_name(book, count),
            sums,
            average_amounts(sums),
            [list_entries([]), list_entries([])],
        ));
    }
    build_object([("monthly", monthly.into()), ("quarterly", quarterly.into())])
}

fn build_business_row(
    name: &str,
    figures: BusinessFigures,
    [average_inflow, average_outflow]: [i64; 2],
    [inflow_transactions, outflow_transactions]: [Value; 2],
) -> Value {
    let [
        inflow,
        outflow,
        business_inflow,
        business_outflow,
        inflow_count,
        outflow_count,
    ] = figures;
    let business_share = format_percent(business_inflow, inflow);
    let business_outflow_share = format_percent(business_outflow, outflow);
    build_object([
        ("month", name.into()),
        ("inflow", format_rupees(inflow).into()),
        ("outflow", format_rupees(outflow).into()),
        ("bizInflow", format_rupees(business_inflow).into()),
        ("bizOutflow", format_rupees(business_outflow).into()),
        (
            "bizCashFlow",
            format_rupees(business_inflow - business_outflow).into(),
        ),
        ("avgBizInflow", format_rupees(average_inflow).into()),
        ("avgBizOutflow", format_rupees(average_outflow).into()),
        ("bizInflowPercentage", business_share.into()),
        ("bizOutflowPercentage", business_outflow_share.into()),
        ("bizInflowTransactionCount", inflow_count.to_string().into()),
        (
            "bizOutflowTransactionCount",
            outflow_count.to_string().into(),
        ),
        ("bizInflowTransactions", inflow_transactions),
        ("bizOutflowTransactions", outflow_transactions),
    ])
}
