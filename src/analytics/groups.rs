//! Groups of transactions: by counterparty, by category, and those that recur.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::book::{
    Entry, TransactionBook, build_object, format_month, format_percent, format_rupees, median,
    rounded_average, rupees_to_json, sum_amounts,
};
use super::listing::{list_entries, list_ids};
use super::report::PartyLimit;
use crate::domain::calendar::Month;
use crate::domain::terms::TransactionType;

/// The content of a category's row: with its transactions, or only its totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    Transactions,
    Totals,
}

/// Groups transactions by counterparty, the largest sum first.
pub(crate) fn group_by_counterparty<'e>(entries: &[&'e Entry]) -> Vec<(&'e str, Vec<&'e Entry>)> {
    let mut by_place: Vec<&Entry> = entries.to_vec();
    // The sort is stable, so the entries of a counterparty stay in their order.
    by_place.sort_by_key(|entry| entry.counterparty.place);
    let groups =
        by_place.chunk_by(|first, second| first.counterparty.place == second.counterparty.place);
    let mut groups: Vec<(&str, Vec<&Entry>)> = groups
        .map(|group| (group[0].counterparty_or_unknown(), group.to_vec()))
        .collect();
    groups
        .sort_by_cached_key(|(party, group)| (Reverse(sum_amounts(group.iter().copied())), *party));
    groups
}

/// Groups transactions by category, in the order of the names.
pub(crate) fn group_by_category<'e>(
    entries: &[&'e Entry],
) -> BTreeMap<&'static str, Vec<&'e Entry>> {
    let mut groups = BTreeMap::<_, Vec<&Entry>>::new();
    for entry in entries {
        let category = entry.classification.category;
        groups.entry(category).or_default().push(entry);
    }
    groups
}

/// Groups the transactions that have a subcategory by it, in the order of the names.
pub(crate) fn group_by_subcategory<'e>(
    entries: &[&'e Entry],
) -> BTreeMap<&'static str, Vec<&'e Entry>> {
    let mut groups = BTreeMap::<_, Vec<&Entry>>::new();
    for entry in entries {
        if let Some(subcategory) = entry.classification.subcategory {
            groups.entry(subcategory).or_default().push(entry);
        }
    }
    groups
}

/// Returns those of some transactions in order of time that are of a month.
pub(crate) fn slice_month<'s, 'e>(entries: &'s [&'e Entry], month: Month) -> &'s [&'e Entry] {
    let start = entries.partition_point(|entry| entry.month < month);
    let end = entries.partition_point(|entry| entry.month <= month);
    &entries[start..end]
}

/// Builds section `counterparties`.
pub(crate) fn build_counterparties(book: &TransactionBook<'_>, parties: &mut PartyLimit) -> Value {
    let [credit, debit] = [TransactionType::Credit, TransactionType::Debit]
        .map(|direction| build_counterparty_rows(book, direction, parties));
    build_object([("credit", credit.into()), ("debit", debit.into())])
}

fn build_counterparty_rows(
    book: &TransactionBook<'_>,
    direction: TransactionType,
    parties: &mut PartyLimit,
) -> Vec<Value> {
    let entries: Vec<&Entry> = book.entries_by_direction(direction).collect();
    let total = sum_amounts(entries.iter().copied());
    parties
        .limit(group_by_counterparty(&entries))
        .map(|(party, group)| {
            let amount = sum_amounts(group.iter().copied());
            build_object([
                ("amount", format_rupees(amount).into()),
                ("counterparty", party.into()),
                ("transactionCount", group.len().to_string().into()),
                ("transactions", list_entries(group)),
                (
                    "transactionPercentage",
                    format_percent(amount, total).into(),
                ),
            ])
        })
        .collect()
}

/// Builds section `monthlyCounterparty`: the whole span first, then each month.
pub(crate) fn build_monthly_counterparties(
    book: &TransactionBook<'_>,
    parties: &mut PartyLimit,
) -> Value {
    let total = format!("Total ({})", book.format_span(book.months.len()));
    let all: Vec<&Entry> = book.entries.iter().collect();
    let rows: Vec<Value> =
        parties
            .limit(group_by_counterparty(&all))
            .map(|(party, group)| {
                let mut data = vec![build_span_row(&total, &group)];
                data.extend(book.months.iter().map(|month| {
                    build_span_row(&format_month(*month), slice_month(&group, *month))
                }));
                build_object([("counterparty", party.into()), ("data", data.into())])
            })
            .collect();
    let months: Vec<String> = std::iter::once(total.clone())
        .chain(book.months.iter().map(|month| format_month(*month)))
        .collect();
    build_object([("months", months.into()), ("counterparties", rows.into())])
}

fn build_span_row(span: &str, group: &[&Entry]) -> Value {
    let (credits, debits): (Vec<&Entry>, Vec<&Entry>) =
        group.iter().partition(|entry| entry.is_credit());
    let (debited, credited) = (
        sum_amounts(debits.iter().copied()),
        sum_amounts(credits.iter().copied()),
    );
    build_object([
        ("debitAmount", rupees_to_json(debited)),
        ("creditAmount", rupees_to_json(credited)),
        ("debitTxnCount", debits.len().into()),
        ("creditTxnCount", credits.len().into()),
        ("month", span.into()),
        ("debitTxns", list_entries(debits)),
        ("creditTxns", list_entries(credits)),
        ("mappedAccount", Value::Array(Vec::new())),
    ])
}

/// Builds section `categories`.
pub(crate) fn build_categories(book: &TransactionBook<'_>) -> Value {
    let [inflows, outflows] = [TransactionType::Credit, TransactionType::Debit]
        .map(|direction| build_direction_categories(book, direction, Detail::Transactions));
    build_object([("inflows", inflows.into()), ("outflows", outflows.into())])
}

pub(crate) fn build_direction_categories(
    book: &TransactionBook<'_>,
    direction: TransactionType,
    detail: Detail,
) -> Vec<Value> {
    let entries: Vec<&Entry> = book.entries_by_direction(direction).collect();
    build_category_rows(&entries, sum_amounts(entries.iter().copied()), detail)
}

/// Builds a row for each category, in the order of their names
/// (`docs/sources.md#unaport-analytics`). `total` is the amount that shares are percentages of.
pub(crate) fn build_category_rows(entries: &[&Entry], total: i64, detail: Detail) -> Vec<Value> {
    group_by_category(entries)
        .into_iter()
        .map(|(name, group)| {
            let mut row = build_category(name, &group, total, detail);
            row["txnIds"] = list_ids(group.iter().copied());
            row["subCategories"] = build_subcategory_rows(&group, total).into();
            row
        })
        .collect()
}

/// Builds the rows of the subcategories.
///
/// Quirk: they list their transactions even where the rows of categories do not.
fn build_subcategory_rows(group: &[&Entry], total: i64) -> Vec<Value> {
    group_by_subcategory(group)
        .into_iter()
        .map(|(subcategory, subgroup)| {
            build_category(subcategory, &subgroup, total, Detail::Transactions)
        })
        .collect()
}

fn build_category(name: &str, group: &[&Entry], total: i64, detail: Detail) -> Value {
    let (first, last) = (group[0].date, group[group.len() - 1].date);
    let amount = sum_amounts(group.iter().copied());
    let mut row = json!({
        "category": name,
        "amount": format_rupees(amount),
        "avgAmount": format_rupees(rounded_average(amount, group.len())),
        "exposure": format_percent(amount, total),
        "duration": ((last - first).num_days() + 1).to_string(),
        "startDate": first.to_string(),
        "endDate": last.to_string(),
        "transactionCount": group.len().to_string(),
    });
    if detail == Detail::Transactions {
        row["transactions"] = list_entries(group.iter().copied());
    }
    row
}

/// Builds the rows of recurring transactions: the same counterparty, at least twice, with amounts
/// within a tenth of their median.
///
/// `Assumption:` this rule; the service does not document its own.
pub(crate) fn build_recurring(
    book: &TransactionBook<'_>,
    direction: TransactionType,
) -> Vec<Value> {
    let entries: Vec<&Entry> = book
        .entries_by_direction(direction)
        .filter(|entry| entry.has_counterparty())
        .collect();
    group_by_counterparty(&entries)
        .iter()
        .filter_map(|(_, group)| select_similar_amounts(group))
        .map(|group| build_recurrence(book, &group))
        .collect()
}

/// Returns the transactions within a tenth of the median amount; `None` if fewer than two are.
pub(crate) fn select_similar_amounts<'e>(group: &[&'e Entry]) -> Option<Vec<&'e Entry>> {
    let median_amount = median(group.iter().map(|entry| entry.amount).collect());
    let similar: Vec<&Entry> = group
        .iter()
        .copied()
        .filter(|entry| (entry.amount - median_amount).abs() * 10 <= median_amount)
        .collect();
    (similar.len() >= 2).then_some(similar)
}

/// Builds section `salary`, a row for each employer.
pub(crate) fn build_salaries(book: &TransactionBook<'_>) -> Vec<Value> {
    let salary_entries: Vec<&Entry> = book
        .credits()
        .filter(|entry| entry.classification.category == "Salary")
        .collect();
    group_by_counterparty(&salary_entries)
        .iter()
        .map(|(_, group)| build_recurrence(book, group))
        .collect()
}

/// Builds the row of a recurring transaction (`docs/sources.md#unaport-analytics`).
pub(crate) fn build_recurrence(book: &TransactionBook<'_>, group: &[&Entry]) -> Value {
    let (first, last) = (group[0], group[group.len() - 1]);
    let interval_name = classify_interval(group);
    let missed_days = if interval_name == "MONTHLY" {
        missed_dates(group)
    } else {
        Vec::new()
    };
    json!({
        "amount": format_rupees(median(group.iter().map(|entry| entry.amount).collect())),
        "startDate": first.date.to_string(),
        "endDate": last.date.to_string(),
        "accountType": book.accounts[first.account].type_code(),
        "accountId": book.account_id(first),
        "account": book.masked_account_number(first),
        "transactions": list_entries(group.iter().copied()),
        "tags": null,
        "transactionType": first.direction_code(),
        "misses": (!missed_days.is_empty()).then(|| missed_days.len().to_string()),
        "missesDates": (!missed_days.is_empty()).then(|| missed_days.iter().map(NaiveDate::to_string).collect::<Vec<_>>()),
        "counterparty": &*first.counterparty.name,
        "interval": interval_name,
        "transactionCount": group.len().to_string(),
        "particulars": &*first.narration,
    })
}

/// Names the interval by the median distance of two transactions: about 15, 30 or 91 days.
fn classify_interval(group: &[&Entry]) -> &'static str {
    let days = group
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

/// Returns the expected dates in the months between the first and the last that have no
/// transaction.
fn missed_dates(group: &[&Entry]) -> Vec<NaiveDate> {
    let day = chrono::Datelike::day(&group[0].date);
    let last = Month::from_date(group[group.len() - 1].date);
    let first = Month::from_date(group[0].date);
    std::iter::successors(Some(first), |month| Some(month.next()))
        .take_while(|month| *month < last)
        .filter(|month| group.iter().all(|entry| entry.month != *month))
        .map(|month| month.clamped_date(day))
        .collect()
}
