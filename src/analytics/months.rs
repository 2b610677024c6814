//! Months side by side: balances at their ends, what came and left by category, every day's balance.

use serde_json::{Map, Value, json};

use super::book::{
    Entry, TransactionBook, entries_to_json, format_month, format_rupees, median, rounded_average,
    sum_amounts,
};
use crate::domain::calendar::Month;

/// Section `summary`.
pub fn build_summary(book: &TransactionBook<'_>) -> Value {
    let month_values = |value: &dyn Fn(Month) -> i64| -> Vec<Value> {
        book.months
            .iter()
            .map(|month| json!({ "amount": format_rupees(value(*month)), "month": format_month(*month) }))
            .collect()
    };
    let closing = |month: Month| book.closing_balances(month).iter().copied();
    json!({
        "months": book.months.iter().map(|month| format_month(*month)).collect::<Vec<_>>(),
        "openingBalance": month_values(&|month| book.balance_on(month.clamped_date(1).pred_opt().expect("a day before"))),
        "closingBalance": month_values(&|month| closing(month).last().unwrap_or(0)),
        "maxEodBalance": month_values(&|month| closing(month).max().unwrap_or(0)),
        "minEodBalance": month_values(&|month| closing(month).min().unwrap_or(0)),
        "avgEodBalance": month_values(&|month| mean(book.closing_balances(month))),
        "dataDeposits": build_direction_summary(book, true),
        "dataWithdrawals": build_direction_summary(book, false),
    })
}

pub fn mean(values: &[i64]) -> i64 {
    rounded_average(values.iter().sum(), values.len())
}

/// First all together, then each category with its parts.
fn build_direction_summary(book: &TransactionBook<'_>, is_credit: bool) -> Value {
    let mut sections = Map::new();
    let all: Vec<&Entry> = book.entries_by_direction(is_credit).collect();
    let total_name = if is_credit { "Deposits" } else { "Withdrawals" };
    sections.insert(
        total_name.to_owned(),
        json!({ "data": build_monthly_rows(book, &all), "subCategories": {} }),
    );
    let mut names: Vec<&'static str> = all
        .iter()
        .map(|entry| entry.classification.category)
        .collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let group: Vec<&Entry> = all
            .iter()
            .copied()
            .filter(|entry| entry.classification.category == name)
            .collect();
        let mut subcategories: Vec<&'static str> = group
            .iter()
            .filter_map(|entry| entry.classification.subcategory)
            .collect();
        subcategories.sort_unstable();
        subcategories.dedup();
        let subcategory_rows: Map<String, Value> = subcategories
            .into_iter()
            .map(|subcategory| {
                let subgroup: Vec<&Entry> = group
                    .iter()
                    .copied()
                    .filter(|entry| entry.classification.subcategory == Some(subcategory))
                    .collect();
                (subcategory.to_owned(), build_monthly_rows(book, &subgroup))
            })
            .collect();
        sections.insert(
            name.to_owned(),
            json!({ "data": build_monthly_rows(book, &group), "subCategories": subcategory_rows }),
        );
    }
    sections.into()
}

/// A month without any has an empty amount, and no list.
fn build_monthly_rows(book: &TransactionBook<'_>, entries: &[&Entry]) -> Value {
    let rows = book.months.iter().map(|month| {
        let month_entries: Vec<&Entry> = entries.iter().copied().filter(|entry| Month::from_date(entry.date) == *month).collect();
        if month_entries.is_empty() {
            return json!({ "amount": "", "month": format_month(*month), "count": "0" });
        }
        let amount = format_rupees(sum_amounts(month_entries.iter().copied()));
        json!({ "amount": amount, "month": format_month(*month), "count": month_entries.len().to_string(), "transactions": entries_to_json(month_entries) })
    });
    rows.collect::<Vec<_>>().into()
}

/// Section `dailyBalance`: a day that a month does not have, or that lies after the last transaction, is empty.
pub fn build_daily_balance(book: &TransactionBook<'_>) -> Value {
    let closing: Vec<(Month, &[i64])> = book
        .months
        .iter()
        .map(|month| (*month, book.closing_balances(*month)))
        .collect();
    let mut days = Map::new();
    for day in 1..=31 {
        let day_row = |(month, balances): &(Month, &[i64])| {
            let balance = balances.get(day - 1).copied();
            json!({ "amount": balance.map(format_rupees).unwrap_or_default(), "month": format_month(*month), "day": day.to_string() })
        };
        let balances_of_day: Vec<i64> = closing
            .iter()
            .filter_map(|(_, balances)| balances.get(day - 1).copied())
            .collect();
        let mut rows: Vec<Value> = closing.iter().map(day_row).collect();
        rows.push(json!({ "amount": format_rupees(mean(&balances_of_day) / 100 * 100), "month": "Average", "day": day.to_string() }));
        days.insert(day.to_string(), rows.into());
    }
    let month_values = |value: &dyn Fn(&[i64]) -> i64| -> Vec<Value> {
        closing
            .iter()
            .map(|(month, balances)| json!({ "amount": format_rupees(value(balances)), "month": format_month(*month) }))
            .collect()
    };
    days.insert(
        "Median".to_owned(),
        month_values(&|balances| median(balances.to_vec())).into(),
    );
    days.insert("Average".to_owned(), month_values(&mean).into());
    json!({ "month": book.months.iter().map(|month| format_month(*month)).collect::<Vec<_>>(), "day": days })
}
