//! Months side by side: balances at their ends, what came and left by category, every day's balance.

use serde_json::{Map, Value, json};

use super::book::{Book, Entry, average, label, median, sum, text, views};
use crate::domain::calendar::Month;

/// Section `summary`.
pub fn summary(book: &Book<'_>) -> Value {
    let each = |value: &dyn Fn(Month) -> i64| -> Vec<Value> {
        book.months
            .iter()
            .map(|month| json!({ "amount": text(value(*month)), "month": label(*month) }))
            .collect()
    };
    let closing = |month: Month| book.closing(month).iter().copied();
    json!({
        "months": book.months.iter().map(|month| label(*month)).collect::<Vec<_>>(),
        "openingBalance": each(&|month| book.balance_on(month.clamped_date(1).pred_opt().expect("a day before"))),
        "closingBalance": each(&|month| closing(month).last().unwrap_or(0)),
        "maxEodBalance": each(&|month| closing(month).max().unwrap_or(0)),
        "minEodBalance": each(&|month| closing(month).min().unwrap_or(0)),
        "avgEodBalance": each(&|month| mean(book.closing(month))),
        "dataDeposits": side(book, true),
        "dataWithdrawals": side(book, false),
    })
}

pub fn mean(values: &[i64]) -> i64 {
    average(values.iter().sum(), values.len())
}

/// First all together, then each category with its parts.
fn side(book: &Book<'_>, comes: bool) -> Value {
    let mut told = Map::new();
    let all: Vec<&Entry> = book.side(comes).collect();
    let whole = if comes { "Deposits" } else { "Withdrawals" };
    told.insert(
        whole.to_owned(),
        json!({ "data": by_month(book, &all), "subCategories": {} }),
    );
    let mut names: Vec<&'static str> = all.iter().map(|entry| entry.class.category).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let of: Vec<&Entry> = all
            .iter()
            .copied()
            .filter(|entry| entry.class.category == name)
            .collect();
        let mut subs: Vec<&'static str> = of.iter().filter_map(|entry| entry.class.sub).collect();
        subs.sort_unstable();
        subs.dedup();
        let parts: Map<String, Value> = subs
            .into_iter()
            .map(|sub| {
                let of: Vec<&Entry> = of
                    .iter()
                    .copied()
                    .filter(|entry| entry.class.sub == Some(sub))
                    .collect();
                (sub.to_owned(), by_month(book, &of))
            })
            .collect();
        told.insert(
            name.to_owned(),
            json!({ "data": by_month(book, &of), "subCategories": parts }),
        );
    }
    told.into()
}

/// A month without any has an empty amount, and no list.
fn by_month(book: &Book<'_>, entries: &[&Entry]) -> Value {
    let told = book.months.iter().map(|month| {
        let of: Vec<&Entry> = entries.iter().copied().filter(|entry| Month::from_date(entry.date) == *month).collect();
        if of.is_empty() {
            return json!({ "amount": "", "month": label(*month), "count": "0" });
        }
        let amount = text(sum(of.iter().copied()));
        json!({ "amount": amount, "month": label(*month), "count": of.len().to_string(), "transactions": views(of) })
    });
    told.collect::<Vec<_>>().into()
}

/// Section `dailyBalance`: a day that a month does not have, or that lies after the last transaction, is empty.
pub fn daily_balance(book: &Book<'_>) -> Value {
    let closing: Vec<(Month, &[i64])> = book
        .months
        .iter()
        .map(|month| (*month, book.closing(*month)))
        .collect();
    let mut days = Map::new();
    for day in 1..=31 {
        let of = |(month, balances): &(Month, &[i64])| {
            let balance = balances.get(day - 1).copied();
            json!({ "amount": balance.map(text).unwrap_or_default(), "month": label(*month), "day": day.to_string() })
        };
        let known: Vec<i64> = closing
            .iter()
            .filter_map(|(_, balances)| balances.get(day - 1).copied())
            .collect();
        let mut told: Vec<Value> = closing.iter().map(of).collect();
        told.push(json!({ "amount": text(mean(&known) / 100 * 100), "month": "Average", "day": day.to_string() }));
        days.insert(day.to_string(), told.into());
    }
    let each = |value: &dyn Fn(&[i64]) -> i64| -> Vec<Value> {
        closing
            .iter()
            .map(|(month, balances)| json!({ "amount": text(value(balances)), "month": label(*month) }))
            .collect()
    };
    days.insert(
        "Median".to_owned(),
        each(&|balances| median(balances.to_vec())).into(),
    );
    days.insert("Average".to_owned(), each(&mean).into());
    json!({ "month": book.months.iter().map(|month| label(*month)).collect::<Vec<_>>(), "day": days })
}
