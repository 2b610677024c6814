//! Transactions that belong together: by counterparty, by category, again and again.

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::book::{Book, Entry, average, ids, label, median, number, percent, sum, text, views};
use crate::domain::calendar::Month;

/// Groups by counterparty, that with the largest sum first.
pub fn by_party<'e>(entries: &[&'e Entry]) -> Vec<(&'e str, Vec<&'e Entry>)> {
    let mut groups: Vec<(&str, Vec<&Entry>)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for entry in entries {
        let place = *places.entry(entry.party()).or_insert_with(|| {
            groups.push((entry.party(), Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(entry);
    }
    groups.sort_by_key(|(party, of)| (std::cmp::Reverse(sum(of.iter().copied())), *party));
    groups
}

/// Section `counterparties`.
pub fn counterparties(book: &Book<'_>) -> Value {
    let told = |comes: bool| -> Vec<Value> {
        let entries: Vec<&Entry> = book.side(comes).collect();
        let whole = sum(entries.iter().copied());
        let told = by_party(&entries).into_iter().map(|(party, of)| {
            let amount = sum(of.iter().copied());
            json!({
                "amount": text(amount),
                "counterparty": party,
                "transactionCount": of.len().to_string(),
                "transactions": views(of),
                "transactionPercentage": percent(amount, whole),
            })
        });
        told.collect()
    };
    json!({ "credit": told(true), "debit": told(false) })
}

/// Section `monthlyCounterparty`: the whole span first, then each month.
pub fn monthly_counterparties(book: &Book<'_>) -> Value {
    let total = format!("Total ({})", book.span(book.months.len()));
    let all: Vec<&Entry> = book.entries.iter().collect();
    let row = |name: &str, of: &[&Entry]| {
        let (came, went): (Vec<&Entry>, Vec<&Entry>) = of.iter().partition(|entry| entry.comes());
        json!({
            "debitAmount": number(sum(went.iter().copied())),
            "creditAmount": number(sum(came.iter().copied())),
            "debitTxnCount": went.len(),
            "creditTxnCount": came.len(),
            "month": name,
            "debitTxns": views(went),
            "creditTxns": views(came),
            "mappedAccount": [],
        })
    };
    let parties = by_party(&all).into_iter().map(|(party, of)| {
        let mut data = vec![row(&total, &of)];
        data.extend(book.months.iter().map(|month| {
            let of: Vec<&Entry> = of
                .iter()
                .copied()
                .filter(|entry| Month::from_date(entry.date) == *month)
                .collect();
            row(&label(*month), &of)
        }));
        json!({ "counterparty": party, "data": data })
    });
    let parties: Vec<Value> = parties.collect();
    let months =
        std::iter::once(total.clone()).chain(book.months.iter().map(|month| label(*month)));
    json!({ "months": months.collect::<Vec<_>>(), "counterparties": parties })
}

/// Section `categories`.
pub fn categories(book: &Book<'_>) -> Value {
    json!({ "inflows": of_side(book, true, true), "outflows": of_side(book, false, true) })
}

pub fn of_side(book: &Book<'_>, comes: bool, with_transactions: bool) -> Vec<Value> {
    let entries: Vec<&Entry> = book.side(comes).collect();
    by_category(&entries, sum(entries.iter().copied()), with_transactions)
}

/// `Cat` of the recording, the categories in the order of their names; what they are parts of is the whole.
pub fn by_category(entries: &[&Entry], whole: i64, with_transactions: bool) -> Vec<Value> {
    let mut names: Vec<&str> = entries.iter().map(|entry| entry.class.category).collect();
    names.sort_unstable();
    names.dedup();
    let told = names.into_iter().map(|name| {
        let of: Vec<&Entry> = entries
            .iter()
            .copied()
            .filter(|entry| entry.class.category == name)
            .collect();
        let mut subs: Vec<&str> = of.iter().filter_map(|entry| entry.class.sub).collect();
        subs.sort_unstable();
        subs.dedup();
        let parts = subs.into_iter().map(|sub| {
            let of: Vec<&Entry> = of
                .iter()
                .copied()
                .filter(|entry| entry.class.sub == Some(sub))
                .collect();
            // Quirk: the parts have their transactions where the categories do without.
            category(sub, &of, whole, true)
        });
        let parts: Vec<Value> = parts.collect();
        let mut told = category(name, &of, whole, with_transactions);
        told["txnIds"] = ids(of).into();
        told["subCategories"] = parts.into();
        told
    });
    told.collect()
}

fn category(name: &str, of: &[&Entry], whole: i64, with_transactions: bool) -> Value {
    let (first, last) = (of[0].date, of[of.len() - 1].date);
    let amount = sum(of.iter().copied());
    let mut told = json!({
        "category": name,
        "amount": text(amount),
        "avgAmount": text(average(amount, of.len())),
        "exposure": percent(amount, whole),
        "duration": ((last - first).num_days() + 1).to_string(),
        "startDate": first.to_string(),
        "endDate": last.to_string(),
        "transactionCount": of.len().to_string(),
    });
    if with_transactions {
        told["transactions"] = views(of.iter().copied()).into();
    }
    told
}

/// What recurs: the same party, amounts within a tenth of their median, twice at least.
///
/// `Assumption:` so, since the service does not tell what recurs for it.
pub fn recurring(book: &Book<'_>, comes: bool) -> Vec<Value> {
    let entries: Vec<&Entry> = book
        .side(comes)
        .filter(|entry| !entry.class.counterparty.is_empty())
        .collect();
    by_party(&entries)
        .iter()
        .filter_map(|(_, of)| alike(of))
        .map(|of| told(book, &of))
        .collect()
}

/// Those of about the same amount; `None` where fewer than two are.
pub fn alike<'e>(of: &[&'e Entry]) -> Option<Vec<&'e Entry>> {
    let usual = median(of.iter().map(|entry| entry.amount).collect());
    let near = |entry: &&&Entry| (entry.amount - usual).abs() * 10 <= usual;
    let kept: Vec<&Entry> = of.iter().filter(near).copied().collect();
    (kept.len() >= 2).then_some(kept)
}

/// Section `salary`: pay of one party.
pub fn salaries(book: &Book<'_>) -> Vec<Value> {
    let pay: Vec<&Entry> = book
        .credits()
        .filter(|entry| entry.class.category == "Salary")
        .collect();
    by_party(&pay)
        .iter()
        .map(|(_, of)| told(book, of))
        .collect()
}

/// `Recurring` of the recording.
pub fn told(book: &Book<'_>, of: &[&Entry]) -> Value {
    let (first, last) = (of[0], of[of.len() - 1]);
    let interval = interval(of);
    let missed = if interval == "MONTHLY" {
        missed(of)
    } else {
        Vec::new()
    };
    json!({
        "amount": text(median(of.iter().map(|entry| entry.amount).collect())),
        "startDate": first.date.to_string(),
        "endDate": last.date.to_string(),
        "accountType": book.accounts[first.account].code(),
        "accountId": book.account_id(first),
        "account": book.number(first),
        "transactions": views(of.iter().copied()),
        "tags": null,
        "transactionType": first.kind(),
        "misses": (!missed.is_empty()).then(|| missed.len().to_string()),
        "missesDates": (!missed.is_empty()).then(|| missed.iter().map(NaiveDate::to_string).collect::<Vec<_>>()),
        "counterparty": first.class.counterparty,
        "interval": interval,
        "transactionCount": of.len().to_string(),
        "particulars": first.narration,
    })
}

/// By the median distance of two: about 15, 30 or 91 days.
fn interval(of: &[&Entry]) -> &'static str {
    let days = of
        .windows(2)
        .map(|pair| (pair[1].date - pair[0].date).num_days())
        .collect::<Vec<_>>();
    if days.is_empty() {
        return "";
    }
    match median(days) {
        13..=17 => "FORTNIGHTLY",
        26..=35 => "MONTHLY",
        80..=100 => "QUARTERLY",
        _ => "IRREGULAR",
    }
}

/// The days of the months between the first and the last in which it did not come.
fn missed(of: &[&Entry]) -> Vec<NaiveDate> {
    let day = chrono::Datelike::day(&of[0].date);
    let last = Month::from_date(of[of.len() - 1].date);
    let months = std::iter::successors(Some(Month::from_date(of[0].date)), |month| {
        Some(month.next())
    });
    let without = months.take_while(|month| *month < last).filter(|month| {
        !of.iter()
            .any(|entry| Month::from_date(entry.date) == *month)
    });
    without.map(|month| month.clamped_date(day)).collect()
}
