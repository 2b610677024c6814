//! Months side by side: their closing balances, deposits and withdrawals by category, and the
//! balance of each day.

use serde_json::{Map, Value, json};

use super::book::{
    Entry, TransactionBook, build_object, format_month, format_percent, format_rupees, median,
    rounded_average, sum_amounts,
};
use super::groups::{group_by_category, group_by_subcategory, slice_month};
use super::listing::list_entries;
use crate::domain::calendar::Month;
use crate::domain::terms::TransactionType;

/// Builds section `summary`.
pub(crate) fn build_summary(book: &TransactionBook<'_>) -> Value {
    let mut summary = json!({
        "months": book.months.iter().map(|month| format_month(*month)).collect::<Vec<_>>(),
        "openingBalance": month_amounts(book, |month| {
            book.balance_on(month.clamped_date(1).pred_opt().expect("a day before"))
        }),
        "closingBalance": daily_balance_amounts(book, |days| days.last().copied().unwrap_or(0)),
        "maxEodBalance": daily_balance_amounts(book, |days| days.iter().copied().max().unwrap_or(0)),
        "minEodBalance": daily_balance_amounts(book, |days| days.iter().copied().min().unwrap_or(0)),
        "avgEodBalance": daily_balance_amounts(book, mean),
    });
    summary["dataDeposits"] = build_direction_summary(book, TransactionType::Credit);
    summary["dataWithdrawals"] = build_direction_summary(book, TransactionType::Debit);
    summary
}

/// Builds the list of one amount for each month.
fn month_amounts(book: &TransactionBook<'_>, amount: impl Fn(Month) -> i64) -> Vec<Value> {
    book.months
        .iter()
        .map(|month| {
            json!({ "amount": format_rupees(amount(*month)), "month": format_month(*month) })
        })
        .collect()
}

/// Builds the list of one amount for each month, computed from the balances of its days.
fn daily_balance_amounts(book: &TransactionBook<'_>, amount: impl Fn(&[i64]) -> i64) -> Vec<Value> {
    month_amounts(book, |month| amount(book.closing_balances(month)))
}

pub(crate) fn mean(values: &[i64]) -> i64 {
    rounded_average(values.iter().sum(), values.len())
}

/// Builds the monthly rows of all transactions of a direction, then those of each category with its
/// subcategories.
fn build_direction_summary(book: &TransactionBook<'_>, direction: TransactionType) -> Value {
    let mut sections = Map::new();
    let all: Vec<&Entry> = book.entries_by_direction(direction).collect();
    let total_name = match direction {
        TransactionType::Credit => "Deposits",
        TransactionType::Debit => "Withdrawals",
    };
    sections.insert(
        total_name.to_owned(),
        build_summary_rows(build_monthly_rows(book, &all), Map::new()),
    );
    for (name, group) in group_by_category(&all) {
        let subcategory_rows: Map<String, Value> = group_by_subcategory(&group)
            .into_iter()
            .map(|(subcategory, subgroup)| {
                let rows = build_monthly_rows(book, &subgroup);
                (subcategory.to_owned(), rows.into())
            })
            .collect();
        sections.insert(
            name.to_owned(),
            build_summary_rows(build_monthly_rows(book, &group), subcategory_rows),
        );
    }
    sections.into()
}

fn build_summary_rows(months: Vec<Value>, subcategories: Map<String, Value>) -> Value {
    build_object([
        ("data", months.into()),
        ("subCategories", subcategories.into()),
    ])
}

/// Builds a row for each month. A month without transactions has an empty amount and no list.
fn build_monthly_rows(book: &TransactionBook<'_>, entries: &[&Entry]) -> Vec<Value> {
    book.months
        .iter()
        .map(|month| {
            let month_entries = slice_month(entries, *month);
            if month_entries.is_empty() {
                return json!({ "amount": "", "month": format_month(*month), "count": "0" });
            }
            let amount = sum_amounts(month_entries.iter().copied());
            build_object([
                ("amount", format_rupees(amount).into()),
                ("month", format_month(*month).into()),
                ("count", month_entries.len().to_string().into()),
                ("transactions", list_entries(month_entries.iter().copied())),
            ])
        })
        .collect()
}

/// Builds section `utilization`: for each month, how much of the overdraft was drawn. Empty without an
/// overdraft.
///
/// `Assumption:` the recording has no overdraft; the fields are ours.
pub(crate) fn build_utilization(book: &TransactionBook<'_>) -> Vec<Value> {
    let limit = book.overdraft_limit();
    if limit == 0 {
        return Vec::new();
    }
    let rows = book.months.iter().map(|month| {
        let balances = book.closing_balances(*month);
        let drawn: Vec<i64> = balances.iter().map(|balance| (-balance).max(0)).collect();
        let average = mean(&drawn);
        json!({
            "month": format_month(*month),
            "sanctionedLimit": format_rupees(limit),
            "maxUtilization": format_rupees(drawn.iter().copied().max().unwrap_or(0)),
            "minUtilization": format_rupees(drawn.iter().copied().min().unwrap_or(0)),
            "avgUtilization": format_rupees(average),
            "utilizationPercentage": format_percent(average, limit),
            "daysOverLimit": drawn.iter().filter(|amount| **amount > limit).count().to_string(),
        })
    });
    rows.collect()
}

/// Builds section `dailyBalance`. The amount is empty for a day that the month does not have, and
/// for a day after the last transaction.
pub(crate) fn build_daily_balance(book: &TransactionBook<'_>) -> Value {
    let closing: Vec<(Month, &[i64])> = book
        .months
        .iter()
        .map(|month| (*month, book.closing_balances(*month)))
        .collect();
    let mut days = Map::new();
    for day in 1..=31 {
        let mut rows = Vec::new();
        let mut balances_of_day = Vec::new();
        for (month, balances) in &closing {
            let balance = balances.get(day - 1).copied();
            balances_of_day.extend(balance);
            rows.push(json!({
                "amount": balance.map(format_rupees).unwrap_or_default(),
                "month": format_month(*month),
                "day": day.to_string(),
            }));
        }
        rows.push(json!({
            "amount": format_rupees(mean(&balances_of_day) / 100 * 100),
            "month": "Average",
            "day": day.to_string(),
        }));
        days.insert(day.to_string(), rows.into());
    }
    let medians = daily_balance_amounts(book, |balances| median(balances.to_vec()));
    days.insert("Median".to_owned(), medians.into());
    days.insert(
        "Average".to_owned(),
        daily_balance_amounts(book, mean).into(),
    );
    json!({ "month": book.months.iter().map(|month| format_month(*month)).collect::<Vec<_>>(), "day": days })
}
