//! The first page: who, what, and how good.

use serde_json::{Map, Value, json};

use super::book::{
    Entry, TransactionBook, collect_ids, entries_to_json, format_month, format_rupees,
    rounded_average, rupees_to_json, sum_amounts,
};
use super::flows::is_business;
use super::groups::build_direction_categories;
use super::irregularities::count_incidences;
use super::months::mean;
use crate::domain::calendar::Month;
use crate::domain::statement::TransactionMode;

/// Section `overview`, of the other sections.
pub fn build_overview(book: &TransactionBook<'_>, sections: &Map<String, Value>) -> Value {
    let (first, last) = (&book.entries[0], &book.entries[book.entries.len() - 1]);
    let irregularities: Vec<(&str, usize)> =
        count_incidences(&sections["irregularities"]).collect();
    let closing: Vec<i64> = book
        .months
        .iter()
        .flat_map(|month| book.closing_balances(*month))
        .copied()
        .collect();
    let empty_months = book
        .months
        .iter()
        .filter(|month| book.entries_in_month(**month).next().is_none());
    let largest_amount = |count: usize, is_credit: bool| {
        let months = &book.months[book.months.len().saturating_sub(count)..];
        let of = book
            .entries_by_direction(is_credit)
            .filter(|entry| months.contains(&Month::from_date(entry.date)));
        of.map(|entry| entry.amount).max().unwrap_or(0) / 100
    };
    let period_key = |count: usize| {
        let count = count.min(book.months.len());
        format!("Last {count} Months ({})", book.format_span(count))
    };
    let monthly = book.months.iter().map(|month| {
        let month_total = |is_credit: bool, business_only: bool| {
            sum_amounts(book.entries_in_month(*month).filter(|entry| {
                entry.is_credit() == is_credit && (!business_only || is_business(entry))
            }))
        };
        json!({
            "duration": format_month(*month),
            "cashflow": format_rupees(month_total(true, false) - month_total(false, false)),
            "bizCashFlow": format_rupees(month_total(true, true) - month_total(false, true)),
            "averageDailyBalance": format_rupees(mean(book.closing_balances(*month))),
            "deposits": format_rupees(month_total(true, false)),
            "withdrawals": format_rupees(month_total(false, false)),
        })
    });
    let categories = [(true, "inflows"), (false, "outflows")].map(|(is_credit, kind)| {
        json!({ "amount": format_rupees(sum_amounts(book.entries_by_direction(is_credit))), "type": kind, "data": build_direction_categories(book, is_credit, false) })
    });
    json!({
        "irregularities": irregularities
            .iter()
            .map(|(name, count)| json!({ "activity": overview_spelling(name), "incidences": count.to_string() }))
            .collect::<Vec<_>>(),
        "bsaScore": compute_score(book, &irregularities),
        "volatilityScore": compute_volatility(book),
        "txnStartDate": first.date.to_string(),
        "txnEndDate": last.date.to_string(),
        "transactionCount": book.entries.len(),
        "averageDailyBalance": rupees_to_json(mean(&closing)),
        "noTxnDates": [],
        "noTxnMonth": empty_months.map(|month| format_month(*month)).collect::<Vec<_>>(),
        "tabCounts": count_tabs(book, sections, irregularities.iter().filter(|(_, count)| *count > 0).count()),
        "maxAmountDetail": {
            "last12MonthKey": period_key(12),
            "last12MonthDebit": largest_amount(12, false),
            "last12MonthCredit": largest_amount(12, true),
            "last3MonthKey": period_key(3),
            "last3MonthDebit": largest_amount(3, false),
            "last3MonthCredit": largest_amount(3, true),
        },
        "monthlyAverageDailyBalance": monthly.collect::<Vec<_>>(),
        "categories": categories,
        "account": build_account(book),
    })
}

/// Quirk: the overview spells two of the irregularities otherwise than their section.
fn overview_spelling(activity: &str) -> &str {
    match activity {
        "Equal debits & credits" => "Equal Debits & Credits",
        "More cash deposits vs salary" => "More Cash deposits vs Salary",
        other => other,
    }
}

fn count_tabs(
    book: &TransactionBook<'_>,
    sections: &Map<String, Value>,
    irregularity_count: usize,
) -> Value {
    let count = |section: &str, list: &str| sections[section][list].as_array().map_or(0, Vec::len);
    let all: Vec<&Entry> = book.entries.iter().collect();
    let mut categories: Vec<(bool, String)> = all
        .iter()
        .map(|entry| (entry.is_credit(), entry.category_path()))
        .collect();
    categories.sort_unstable();
    categories.dedup();
    json!({
        "utilizationCount": 0,
        "emiCount": count("emi", "emi"),
        "salaryCount": count("salary", "salary"),
        "recurringPaymentCount": count("recurringPayments", "recurringPayments"),
        "recurringDepositsCount": count("recurringDeposits", "recurringDeposits"),
        "duplicateTxnsCount": 0,
        "irregularitiesCount": irregularity_count,
        "loanCount": count("loans", "loans"),
        "circularTransactionCount": count("circularTransactions", "circular"),
        "returnAndChargesCount": count("returnsAndCharges", "charges") + count("returnsAndCharges", "returns"),
        "bouncedChequeCount": count("bouncedCheque", "outwardChequeTransactions"),
        "categoryCount": categories.len(),
        "counterparty": count("monthlyCounterparty", "counterparties"),
        "intraBankFundTransferCount": all.iter().filter(|entry| entry.classification.subcategory == Some("Third Party Transfer")).count(),
    })
}

/// From 300 to 900: less for bounces, for low balances, for more going out than coming in.
///
/// `Assumption:` the service's score is its own; this one moves the right way.
fn compute_score(book: &TransactionBook<'_>, irregularities: &[(&str, usize)]) -> i64 {
    let bounces = book
        .debits()
        .filter(|entry| entry.classification.subcategory == Some("Bounce Charges"))
        .count();
    let irregularity_total: usize = irregularities
        .iter()
        .map(|(_, count)| (*count).min(5))
        .sum();
    let (credit_total, debit_total) = (sum_amounts(book.credits()), sum_amounts(book.debits()));
    let net_outflow_penalty = if debit_total > credit_total { 40 } else { 0 };
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX / 100).min(100);
    (900 - count(bounces) * 15 - count(irregularity_total) * 4 - net_outflow_penalty)
        .clamp(300, 900)
}

/// From 0, months that are alike, to 10: how far the months' inflow is from its average, in tenths of it.
fn compute_volatility(book: &TransactionBook<'_>) -> i64 {
    let inflow: Vec<i64> = book
        .months
        .iter()
        .map(|month| {
            sum_amounts(
                book.entries_in_month(*month)
                    .filter(|entry| entry.is_credit()),
            )
        })
        .collect();
    let average_inflow = rounded_average(inflow.iter().sum(), inflow.len());
    let average_deviation = rounded_average(
        inflow
            .iter()
            .map(|amount| (amount - average_inflow).abs())
            .sum(),
        inflow.len(),
    );
    if average_inflow == 0 {
        0
    } else {
        (average_deviation * 10 / average_inflow).clamp(0, 10)
    }
}

/// The account, or the first of several.
fn build_account(book: &TransactionBook<'_>) -> Value {
    let account = &book.accounts[0];
    let bank = account.statement.as_bank();
    let summary = bank.and_then(|bank| bank.summary.as_ref());
    let holders = account.statement.holders.as_ref();
    let first = holders.map(|holders| &holders.first);
    let cash_entries =
        |mode: TransactionMode, is_credit: bool, minimum_paise: i64| -> Vec<&Entry> {
            book.entries_by_direction(is_credit)
                .filter(|entry| entry.mode == mode && entry.amount > minimum_paise)
                .collect()
        };
    let high_value_row = |name: &str, entries: Vec<&Entry>| json!({ name: entries.len(), "transactions": entries_to_json(entries.iter().copied()), "txnIds": collect_ids(entries) });
    let text_or_empty = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let last = book.entries[book.entries.len() - 1].date;
    json!({
        "customerAddress": text_or_empty(first.map(|holder| holder.address.as_str())),
        "statementPeriod": book.format_span(book.months.len()),
        "startDate": book.entries[0].date.to_string(),
        "endDate": last.to_string(),
        "accountType": format!("{} Account", account.type_name()),
        "sanctionedLimit": [],
        "accountOpeningDate": summary.map(|summary| summary.opened_on.to_string()).unwrap_or_default(),
        "branchName": text_or_empty(summary.map(|summary| summary.branch.as_str())),
        "branchAddress": "",
        "bankName": account.bank_name(),
        "panNumber": text_or_empty(first.map(|holder| holder.pan.as_str())),
        "accountNumber": &*account.statement.account.masked_number,
        "accountHolderName": text_or_empty(first.map(|holder| holder.name.as_str())),
        "accountAge": summary.map(|summary| ((last - summary.opened_on).num_days() / 365).to_string()).unwrap_or_default(),
        "phoneNumber": text_or_empty(first.map(|holder| holder.mobile.as_str())),
        "unUtilisedAmount": "",
        "micrCode": text_or_empty(summary.map(|summary| summary.micr.as_str())),
        // Quirk: so in the recording.
        "verifiedAccount": "2",
        "ifscCode": text_or_empty(summary.map(|summary| summary.ifsc.as_str())),
        "jointHolderName": text_or_empty(holders.and_then(|holders| holders.second.as_ref()).map(|holder| holder.name.as_str())),
        "email": text_or_empty(first.map(|holder| holder.email.as_str())),
        "highCashDeposits": [
            high_value_row("atmWithdrawalAbove2K", cash_entries(TransactionMode::Atm, false, 200_000)),
            high_value_row("cashDepositAbove9Lakh", cash_entries(TransactionMode::Cash, true, 90_000_000)),
            high_value_row("cashDepositAbove40K", cash_entries(TransactionMode::Cash, true, 4_000_000)),
        ],
    })
}

/// What is told of an account.
const ACCOUNT_FIELDS: [&str; 4] = [
    "Bank Name",
    "Account Type",
    "Account Number",
    "Account Holders",
];

/// What is told of a month, and as what.
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

/// Section `customAnalysis`: the accounts, and nine figures of each month.
pub fn build_custom_analysis(book: &TransactionBook<'_>) -> Value {
    let build_value = |id: usize, key: &str, value: &str, kind: &str| json!({ "id": id, "key": key, "value": value, "style": "REGULAR", "type": kind });
    let build_row =
        |section: u32, set: usize, name: &str, title: &str, kind: &str, values: Vec<Value>| {
            json!({
                "section": section,
                "setId": set,
                "setValue": name,
                "sectionName": title,
                "type": kind,
                "sectionValues": values,
            })
        };
    let header = ACCOUNT_FIELDS
        .iter()
        .zip(1..)
        .map(|(key, id)| build_value(id, key, key, "STRING"))
        .collect();
    let mut rows = vec![build_row(
        1001,
        1,
        "Description",
        "Bank Accounts",
        "STRING",
        header,
    )];
    for (account, set) in book.accounts.iter().zip(2..) {
        let number = &*account.statement.account.masked_number;
        let holders = account.statement.holders.as_ref().map(|holders| {
            holders
                .iter()
                .map(|holder| holder.name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        });
        let holders = holders.unwrap_or_else(|| "-".to_owned());
        let account_values = [account.bank_name(), account.type_name(), number, &holders];
        let values = ACCOUNT_FIELDS
            .iter()
            .zip(account_values)
            .zip(1..)
            .map(|((key, text), id)| build_value(id, key, text, "STRING"))
            .collect();
        let name = format!(
            "{} - {number} - {}",
            account.bank_name(),
            account.type_name()
        );
        rows.push(build_row(
            1001,
            set,
            &name,
            "Bank Accounts",
            "STRING",
            values,
        ));
    }
    let title = "Monthwise details";
    let header = MONTH_FIELDS
        .iter()
        .zip(11..)
        .map(|((key, _), id)| build_value(id, key, key, "STRING"))
        .collect();
    rows.push(build_row(1002, 1, "Description", title, "STRING", header));
    let month_figures = |entries: &[&Entry], closing: i64, minimum: i64| {
        let (credits, debits): (Vec<&Entry>, Vec<&Entry>) =
            entries.iter().partition(|entry| entry.is_credit());
        let debits_of = |subcategory: &'static str| {
            debits
                .iter()
                .copied()
                .filter(move |entry| entry.classification.subcategory == Some(subcategory))
                .collect::<Vec<_>>()
        };
        [
            format_rupees(sum_amounts(credits.iter().copied())),
            format_rupees(closing),
            debits_of("Bounce Charges").len().to_string(),
            debits_of("Cheque Return").len().to_string(),
            "-".to_owned(),
            format_rupees(sum_amounts(debits_of("Minimum Balance Charges"))),
            debits.len().to_string(),
            credits.len().to_string(),
            format_rupees(minimum),
        ]
    };
    let figures_row = |set: usize, name: &str, figures: [String; 9]| {
        let values = MONTH_FIELDS
            .iter()
            .zip(figures)
            .zip(11..)
            .map(|(((key, kind), text), id)| build_value(id, key, &text, kind));
        build_row(1002, set, name, title, "COUNT", values.collect())
    };
    let mut closings = Vec::new();
    for (month, set) in book.months.iter().zip(2..) {
        let days = book.closing_balances(*month);
        let (closing, minimum) = (
            days.last().copied().unwrap_or(0),
            days.iter().min().copied().unwrap_or(0),
        );
        closings.push((closing, minimum));
        let month_entries: Vec<&Entry> = book.entries_in_month(*month).collect();
        rows.push(figures_row(
            set,
            &format_month(*month),
            month_figures(&month_entries, closing, minimum),
        ));
    }
    // Balances are not added up: their average stands there.
    let average_over = |select: fn(&(i64, i64)) -> i64| {
        rounded_average(closings.iter().map(select).sum(), closings.len())
    };
    let all: Vec<&Entry> = book.entries.iter().collect();
    let total = month_figures(
        &all,
        average_over(|pair| pair.0),
        average_over(|pair| pair.1),
    );
    rows.push(figures_row(book.months.len() + 2, "Total", total));
    rows.into()
}
