//! The first page of the report: the account, its key figures, a score; and the custom analysis.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::book::{
    Entry, TransactionBook, build_object, format_month, format_rupees, rounded_average,
    rupees_to_json, sum_amounts,
};
use super::classify::Classification;
use super::flows::{FlowScope, month_total};
use super::groups::{Detail, build_direction_categories};
use super::irregularities::Incidences;
use super::listing::{list_entries, list_ids};
use super::months::mean;
use super::report::Sections;
use super::score::Score;
use crate::domain::statement::TransactionMode;
use crate::domain::terms::TransactionType;
use crate::domain::terms::TransactionType::{Credit, Debit};

/// Builds section `overview` from the book and the other sections.
pub(crate) fn build_overview(
    book: &TransactionBook<'_>,
    sections: &Sections,
    incidences: &[Incidences],
    score: &Score,
) -> Value {
    let (first, last) = (&book.entries[0], &book.entries[book.entries.len() - 1]);
    let empty_months: Vec<String> = book
        .months
        .iter()
        .filter(|month| book.entries_in_month(**month).next().is_none())
        .map(|month| format_month(*month))
        .collect();
    let categories = [(Credit, "inflows"), (Debit, "outflows")].map(|(direction, kind)| {
        build_object([
            ("amount", format_rupees(book.total(direction)).into()),
            ("type", kind.into()),
            (
                "data",
                build_direction_categories(book, direction, Detail::Totals).into(),
            ),
        ])
    });
    let mut overview = json!({
        "irregularities": incidences
            .iter()
            .map(|check| json!({ "activity": overview_spelling(&check.activity), "incidences": check.count.to_string() }))
            .collect::<Vec<_>>(),
        "bsaScore": score.value,
        "volatilityScore": compute_volatility(book),
        "txnStartDate": first.date.to_string(),
        "txnEndDate": last.date.to_string(),
        "transactionCount": book.entries.len(),
        "averageDailyBalance": rupees_to_json(book.average_balance(book.months.len())),
        "noTxnDates": list_empty_days(book),
        "noTxnMonth": empty_months,
        "tabCounts": count_tabs(book, sections, incidences.iter().filter(|check| check.count > 0).count()),
        "maxAmountDetail": {
            "last12MonthKey": format_period(book, 12),
            "last12MonthDebit": largest_amount(book, 12, Debit),
            "last12MonthCredit": largest_amount(book, 12, Credit),
            "last3MonthKey": format_period(book, 3),
            "last3MonthDebit": largest_amount(book, 3, Debit),
            "last3MonthCredit": largest_amount(book, 3, Credit),
        },
        "monthlyAverageDailyBalance": build_month_rows(book),
    });
    overview["categories"] = Vec::from(categories).into();
    overview["account"] = build_account(book);
    overview
}

/// Lists the days from the first transaction to the last that have none.
fn list_empty_days(book: &TransactionBook<'_>) -> Vec<String> {
    let pairs = book.entries.windows(2);
    let gaps = pairs.flat_map(|pair| {
        let next = pair[0].date.iter_days().skip(1);
        next.take_while(|day| *day < pair[1].date)
    });
    gaps.map(|day| day.to_string()).collect()
}

/// Counts the transactions that repeat another one: the same account, day, direction, amount and
/// narration, which has the reference.
fn count_duplicates(book: &TransactionBook<'_>) -> usize {
    let rows = book.entries.iter().map(|entry| {
        let Entry {
            account,
            date,
            amount,
            ..
        } = *entry;
        (date, account, amount, entry.is_credit(), &*entry.narration)
    });
    let mut rows: Vec<_> = rows.collect();
    let count = rows.len();
    rows.sort_unstable();
    rows.dedup();
    count - rows.len()
}

/// Lists the limits of the overdrafts.
///
/// `Assumption:` the recording has an empty list; the fields are ours.
fn list_limits(book: &TransactionBook<'_>) -> Vec<Value> {
    let accounts = book.accounts.iter();
    let overdrafts = accounts.filter(|account| account.overdraft_limit() > 0);
    overdrafts
        .map(|account| {
            json!({
                "accountId": account.id.to_string(),
                "accountNumber": &*account.statement.account.masked_number,
                "amount": format_rupees(account.overdraft_limit()),
            })
        })
        .collect()
}

/// Formats the part of the overdrafts that is not drawn at the end; empty without one.
fn format_unused_limit(book: &TransactionBook<'_>) -> String {
    let limit = book.overdraft_limit();
    if limit == 0 {
        return String::new();
    }
    let last = book.entries[book.entries.len() - 1].date;
    let drawn = (-book.balance_on(last)).max(0);
    format_rupees((limit - drawn).max(0))
}

fn build_month_rows(book: &TransactionBook<'_>) -> Vec<Value> {
    let mut rows = Vec::new();
    for month in &book.months {
        let deposits = month_total(book, *month, Credit, FlowScope::All);
        let withdrawals = month_total(book, *month, Debit, FlowScope::All);
        let business_flow = month_total(book, *month, Credit, FlowScope::Business)
            - month_total(book, *month, Debit, FlowScope::Business);
        rows.push(json!({
            "duration": format_month(*month),
            "cashflow": format_rupees(deposits - withdrawals),
            "bizCashFlow": format_rupees(business_flow),
            "averageDailyBalance": format_rupees(mean(book.closing_balances(*month))),
            "deposits": format_rupees(deposits),
            "withdrawals": format_rupees(withdrawals),
        }));
    }
    rows
}

/// Returns the largest amount of the last `count` months, in whole rupees.
fn largest_amount(book: &TransactionBook<'_>, count: usize, direction: TransactionType) -> i64 {
    let months = &book.months[book.months.len().saturating_sub(count)..];
    book.entries_by_direction(direction)
        .filter(|entry| months.contains(&entry.month))
        .map(|entry| entry.amount)
        .max()
        .unwrap_or(0)
        / 100
}

/// Formats the last `count` months, or as many as the report covers.
fn format_period(book: &TransactionBook<'_>, count: usize) -> String {
    let count = count.min(book.months.len());
    format!("Last {count} Months ({})", book.format_span(count))
}

/// Returns the spelling of a check's name in the overview.
///
/// Quirk: the overview spells two of the irregularities differently from their section.
fn overview_spelling(activity: &str) -> &str {
    match activity {
        "Equal debits & credits" => "Equal Debits & Credits",
        "More cash deposits vs salary" => "More Cash deposits vs Salary",
        other => other,
    }
}

fn count_tabs(book: &TransactionBook<'_>, sections: &Sections, irregularity_count: usize) -> Value {
    let categories: BTreeSet<(bool, &str, Option<&str>)> = book
        .entries
        .iter()
        .map(|entry| {
            let Classification {
                category,
                subcategory,
                ..
            } = entry.classification;
            (entry.is_credit(), category, subcategory)
        })
        .collect();
    let third_party_transfers = book
        .entries
        .iter()
        .filter(|entry| entry.classification.subcategory == Some("Third Party Transfer"))
        .count();
    json!({
        "utilizationCount": sections.count_rows("utilization", "utilization"),
        "emiCount": sections.count_rows("emi", "emi"),
        "salaryCount": sections.count_rows("salary", "salary"),
        "recurringPaymentCount": sections.count_rows("recurringPayments", "recurringPayments"),
        "recurringDepositsCount": sections.count_rows("recurringDeposits", "recurringDeposits"),
        "duplicateTxnsCount": count_duplicates(book),
        "irregularitiesCount": irregularity_count,
        "loanCount": sections.count_rows("loans", "loans"),
        "circularTransactionCount": sections.count_rows("circularTransactions", "circular"),
        "returnAndChargesCount": sections.count_rows("returnsAndCharges", "charges")
            + sections.count_rows("returnsAndCharges", "returns"),
        "bouncedChequeCount": sections.count_rows("bouncedCheque", "outwardChequeTransactions"),
        "categoryCount": categories.len(),
        "counterparty": book.counterparty_count,
        "intraBankFundTransferCount": third_party_transfers,
    })
}

/// Returns the average deviation of the months' inflow from its average, in tenths of the average:
/// 0 if all months are equal, at most 10.
fn compute_volatility(book: &TransactionBook<'_>) -> i64 {
    let inflow: Vec<i64> = book
        .months
        .iter()
        .map(|month| month_total(book, *month, Credit, FlowScope::All))
        .collect();
    let average_inflow = rounded_average(inflow.iter().sum(), inflow.len());
    if average_inflow == 0 {
        return 0;
    }
    let total_deviation = inflow
        .iter()
        .map(|amount| (amount - average_inflow).abs())
        .sum();
    let average_deviation = rounded_average(total_deviation, inflow.len());
    (average_deviation * 10 / average_inflow).clamp(0, 10)
}

/// Builds the details of the account, or of the first of several.
fn build_account(book: &TransactionBook<'_>) -> Value {
    let account = &book.accounts[0];
    let bank = account.statement.as_bank();
    let summary = bank.and_then(|bank| bank.summary.as_ref());
    let holders = account.statement.holders.as_ref();
    let first = holders.map(|holders| &holders.first);
    let second = holders.and_then(|holders| holders.others.first());
    let last = book.entries[book.entries.len() - 1].date;
    json!({
        "customerAddress": first.map_or("", |holder| &holder.address),
        "statementPeriod": book.format_span(book.months.len()),
        "startDate": book.entries[0].date.to_string(),
        "endDate": last.to_string(),
        "accountType": format!("{} Account", account.type_name()),
        "sanctionedLimit": list_limits(book),
        "accountOpeningDate": summary.and_then(|summary| summary.opened_on).map(|day| day.to_string()).unwrap_or_default(),
        "branchName": summary.map_or("", |summary| &summary.branch),
        "branchAddress": "",
        "bankName": account.bank_name(),
        "panNumber": first.map_or("", |holder| &holder.pan),
        "accountNumber": &*account.statement.account.masked_number,
        "accountHolderName": first.map_or("", |holder| &holder.name),
        "accountAge": summary.and_then(|summary| last.years_since(summary.opened_on?)).map(|years| years.to_string()).unwrap_or_default(),
        "phoneNumber": first.map_or("", |holder| &holder.mobile),
        "unUtilisedAmount": format_unused_limit(book),
        "micrCode": summary.map_or("", |summary| &summary.micr),
        // Quirk: always "2" in the recording.
        "verifiedAccount": "2",
        "ifscCode": summary.map_or("", |summary| &summary.ifsc),
        "jointHolderName": second.map_or("", |holder| &holder.name),
        "email": first.map_or("", |holder| &holder.email),
        "highCashDeposits": [
            build_high_value_row(book, "atmWithdrawalAbove2K", TransactionMode::Atm, Debit, 200_000),
            build_high_value_row(book, "cashDepositAbove9Lakh", TransactionMode::Cash, Credit, 90_000_000),
            build_high_value_row(book, "cashDepositAbove40K", TransactionMode::Cash, Credit, 4_000_000),
        ],
    })
}

/// Builds the row of the transactions of a mode above an amount in paise.
fn build_high_value_row(
    book: &TransactionBook<'_>,
    name: &str,
    mode: TransactionMode,
    direction: TransactionType,
    above_paise: i64,
) -> Value {
    let entries: Vec<&Entry> = book
        .entries_by_direction(direction)
        .filter(|entry| entry.mode == mode && entry.amount > above_paise)
        .collect();
    json!({
        name: entries.len(),
        "transactions": list_entries(entries.iter().copied()),
        "txnIds": list_ids(entries),
    })
}

/// The columns of the accounts in `customAnalysis`.
const ACCOUNT_FIELDS: [&str; 4] = [
    "Bank Name",
    "Account Type",
    "Account Number",
    "Account Holders",
];

/// The columns of the months in `customAnalysis`, with the types of their values.
const MONTH_FIELDS: [(&str, &str); 9] = [
    ("Credit Txns", "AMOUNT"),
    ("Closing Balance", "AMOUNT"),
    ("I/W Cheque Bounces: Insufficient Funds Count", "COUNT"),
    ("O/W Cheque Bounces", "COUNT"),
    ("I/W Cheque Bounces %", "PERCENTAGE"),
    ("Minimum Balance Charges", "AMOUNT"),
    ("Debit Txns Count", "COUNT"),
    ("Credit Txns Count", "COUNT"),
    ("Min Balance", "AMOUNT"),
];

const MONTHS_TITLE: &str = "Monthwise details";

/// Builds section `customAnalysis`: the accounts, and nine figures for each month and for the
/// total.
pub(crate) fn build_custom_analysis(book: &TransactionBook<'_>) -> Value {
    let mut rows = vec![build_account_row(1, "Description", ACCOUNT_FIELDS)];
    for (account, set) in book.accounts.iter().zip(2..) {
        let number = &*account.statement.account.masked_number;
        let holders = account.statement.holders.as_ref().map_or_else(
            || "-".to_owned(),
            |holders| {
                holders
                    .iter()
                    .map(|holder| holder.name.as_str())
                    .collect::<Vec<_>>()
                    .join(", ")
            },
        );
        let name = format!(
            "{} - {number} - {}",
            account.bank_name(),
            account.type_name()
        );
        let values = [account.bank_name(), account.type_name(), number, &holders];
        rows.push(build_account_row(set, &name, values));
    }
    let header: Vec<Value> = MONTH_FIELDS
        .iter()
        .zip(11..)
        .map(|((key, _), id)| build_cell(id, key, key, "STRING"))
        .collect();
    rows.push(build_row(
        1002,
        1,
        "Description",
        MONTHS_TITLE,
        "STRING",
        &header,
    ));
    let mut closings = Vec::new();
    let mut minimums = Vec::new();
    for (month, set) in book.months.iter().zip(2..) {
        let days = book.closing_balances(*month);
        let (closing, minimum) = (
            days.last().copied().unwrap_or(0),
            days.iter().min().copied().unwrap_or(0),
        );
        closings.push(closing);
        minimums.push(minimum);
        let month_entries: Vec<&Entry> = book.entries_in_month(*month).collect();
        let figures = format_figures(&month_entries, closing, minimum);
        rows.push(build_figures_row(set, &format_month(*month), figures));
    }
    // Balances are not added up: the total has their averages.
    let all: Vec<&Entry> = book.entries.iter().collect();
    let total = format_figures(&all, mean(&closings), mean(&minimums));
    rows.push(build_figures_row(book.months.len() + 2, "Total", total));
    rows.into()
}

fn build_account_row(set: usize, name: &str, values: [&str; 4]) -> Value {
    let cells: Vec<Value> = ACCOUNT_FIELDS
        .iter()
        .zip(values)
        .zip(1..)
        .map(|((key, text), id)| build_cell(id, key, text, "STRING"))
        .collect();
    build_row(1001, set, name, "Bank Accounts", "STRING", &cells)
}

fn build_figures_row(set: usize, name: &str, figures: [String; 9]) -> Value {
    let cells: Vec<Value> = MONTH_FIELDS
        .iter()
        .zip(figures)
        .zip(11..)
        .map(|(((key, kind), text), id)| build_cell(id, key, &text, kind))
        .collect();
    build_row(1002, set, name, MONTHS_TITLE, "COUNT", &cells)
}

fn build_row(
    section: u32,
    set: usize,
    name: &str,
    title: &str,
    kind: &str,
    cells: &[Value],
) -> Value {
    json!({
        "section": section,
        "setId": set,
        "setValue": name,
        "sectionName": title,
        "type": kind,
        "sectionValues": cells,
    })
}

fn build_cell(id: usize, key: &str, value: &str, kind: &str) -> Value {
    json!({ "id": id, "key": key, "value": value, "style": "REGULAR", "type": kind })
}

/// Formats the figures of a row, in the order of [`MONTH_FIELDS`]. Balances are paise.
fn format_figures(entries: &[&Entry], closing: i64, minimum: i64) -> [String; 9] {
    let (credits, debits): (Vec<&Entry>, Vec<&Entry>) =
        entries.iter().partition(|entry| entry.is_credit());
    let minimum_balance_charges = select_subcategory(&debits, "Minimum Balance Charges");
    [
        format_rupees(sum_amounts(credits.iter().copied())),
        format_rupees(closing),
        select_subcategory(&debits, "Bounce Charges")
            .len()
            .to_string(),
        select_subcategory(&debits, "Cheque Return")
            .len()
            .to_string(),
        "-".to_owned(),
        format_rupees(sum_amounts(minimum_balance_charges)),
        debits.len().to_string(),
        credits.len().to_string(),
        format_rupees(minimum),
    ]
}

fn select_subcategory<'e>(entries: &[&'e Entry], subcategory: &str) -> Vec<&'e Entry> {
    entries
        .iter()
        .copied()
        .filter(|entry| entry.classification.subcategory == Some(subcategory))
        .collect()
}
