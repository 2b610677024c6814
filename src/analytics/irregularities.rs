//! Irregularities that an underwriter checks: twelve checks, bounced cheques, charges, circular
//! transactions.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::book::{
    Entry, TransactionBook, build_object, format_month, format_percent, format_rupees,
    rupees_to_json, sum_amounts,
};
use super::groups::group_by_counterparty;
use super::listing::{count_items, list_entries};
use crate::domain::calendar::{Month, is_bank_holiday, working_day_after};
use crate::domain::statement::TransactionMode;
use crate::domain::terms::TransactionType;

const LAKH: i64 = 10_000_000;

/// Builds section `irregularities`: the twelve checks of the recording, in its order
/// (`docs/sources.md#unaport-analytics`).
pub(crate) fn build_irregularities(book: &TransactionBook<'_>) -> Value {
    let checks = vec![
        build_entry_check(book, "RTGS Payments below 2,00,000", |entry| {
            entry.mode == TransactionMode::Rtgs && !entry.is_credit() && entry.amount < 2 * LAKH
        }),
        build_entry_check(book, "Cheque deposits on bank holidays", |entry| {
            entry.mode == TransactionMode::Cheque
                && entry.is_credit()
                && is_bank_holiday(entry.date)
        }),
        build_entry_check(book, "Round Figure Tax Payments", |entry| {
            entry.classification.category == "Tax Paid" && entry.amount % 100_000 == 0
        }),
        build_entry_check(book, "ATM Withdrawals above 20,000", |entry| {
            entry.mode == TransactionMode::Atm && !entry.is_credit() && entry.amount > 2_000_000
        }),
        build_entry_check(book, "Negative Balance", |entry| entry.balance < 0),
        build_entry_check(book, "Balance Mismatch", |entry| {
            entry.balance != entry.computed_balance
        }),
        build_month_check("Equal debits & credits", find_equal_months(book)),
        build_month_check("More cash deposits vs salary", find_cash_over_salary(book)),
        // Generated statements are never forged.
        json!({ "activity": "Suspicious eStatements", "files": [] }),
        build_month_check(
            "Immediate big debit after Salary credit",
            find_debits_after_salary(book),
        ),
        build_month_check(
            "Salary Credit Amount remains unchanged over extended period",
            list_unchanged_salaries(book),
        ),
        build_month_check(
            "Parties present in both debits and credits",
            find_two_way_parties(book),
        ),
    ];
    checks.into()
}

fn build_entry_check(
    book: &TransactionBook<'_>,
    activity: &str,
    is_match: impl Fn(&Entry) -> bool,
) -> Value {
    let matches = list_entries(book.entries.iter().filter(|entry| is_match(entry)));
    build_object([("activity", activity.into()), ("transactions", matches)])
}

fn build_month_check(activity: &str, rows: Vec<Value>) -> Value {
    build_object([
        ("activity", activity.into()),
        ("monthlyTransactions", rows.into()),
    ])
}

/// The number of matches of a check.
#[derive(Clone, Debug)]
pub(crate) struct Incidences {
    /// The name of the check.
    pub activity: String,
    pub count: usize,
}

/// Counts the matches of each check in the section.
pub(crate) fn count_incidences(irregularities: &Value) -> Vec<Incidences> {
    let checks = irregularities.as_array().into_iter().flatten();
    let incidences = checks.map(|check| {
        let matches = ["transactions", "monthlyTransactions"].map(|key| count_items(&check[key]));
        Incidences {
            activity: check["activity"].as_str().unwrap_or_default().to_owned(),
            count: matches.into_iter().sum(),
        }
    });
    incidences.collect()
}

/// Builds the row of a month with a match (`docs/sources.md#unaport-analytics`).
fn build_month_row(
    book: &TransactionBook<'_>,
    month: Month,
    party: &str,
    entries: &[&Entry],
) -> Value {
    let (credits, debits): (Vec<&Entry>, Vec<&Entry>) =
        entries.iter().partition(|entry| entry.is_credit());
    let (credit_total, debit_total) = (sum_amounts(credits), sum_amounts(debits));
    let account = &book.accounts[entries[0].account];
    let mut row = json!({
        "month": format_month(month),
        "debitAmount": format_rupees(debit_total),
        "creditAmount": format_rupees(credit_total),
        "accountDetails": {
            "accountId": account.id.to_string(),
            "bankAbbreviation": account.bank_abbreviation(),
            "accountType": account.type_code(),
            "bankName": account.bank_name(),
            "accountNumber": &*account.statement.account.masked_number,
        },
        "pctDebit": format_percent(debit_total, book.total(TransactionType::Debit)),
        "pctCredit": format_percent(credit_total, book.total(TransactionType::Credit)),
        "counterparty": party,
        "txnCount": entries.len(),
    });
    row["transactions"] = list_entries(entries.iter().copied());
    row
}

fn months_with_entries<'e>(
    book: &'e TransactionBook<'_>,
) -> impl Iterator<Item = (Month, Vec<&'e Entry>)> {
    book.months
        .iter()
        .map(|month| (*month, book.entries_in_month(*month).collect::<Vec<_>>()))
        .filter(|(_, entries)| !entries.is_empty())
}

/// Finds months whose credits and debits are equal within one percent.
fn find_equal_months(book: &TransactionBook<'_>) -> Vec<Value> {
    let mut rows = Vec::new();
    for (month, entries) in months_with_entries(book) {
        let (credits, debits): (Vec<&Entry>, Vec<&Entry>) =
            entries.iter().partition(|entry| entry.is_credit());
        let (credit_total, debit_total) = (sum_amounts(credits), sum_amounts(debits));
        if credit_total > 0 && (credit_total - debit_total).abs() * 100 <= credit_total {
            rows.push(build_month_row(book, month, "", &entries));
        }
    }
    rows
}

/// Finds months with a salary and a larger total of cash deposits.
fn find_cash_over_salary(book: &TransactionBook<'_>) -> Vec<Value> {
    let mut rows = Vec::new();
    for (month, entries) in months_with_entries(book) {
        let cash_deposits = credits_of_category(&entries, "Cash & ATM");
        let cash = sum_amounts(cash_deposits.iter().copied());
        let salary = sum_amounts(credits_of_category(&entries, "Salary"));
        if salary > 0 && cash > salary {
            rows.push(build_month_row(book, month, "", &cash_deposits));
        }
    }
    rows
}

fn credits_of_category<'e>(entries: &[&'e Entry], category: &str) -> Vec<&'e Entry> {
    entries
        .iter()
        .copied()
        .filter(|entry| entry.is_credit() && entry.classification.category == category)
        .collect()
}

/// The smallest payment of a month's pay: 5,000 rupees. A smaller one is the wage of a day.
///
/// `Assumption:` no source names an amount.
const MONTHLY_PAY_MIN: i64 = 500_000;

/// Returns whether a pay is that of a month, not of a day.
pub(crate) fn is_monthly_pay(pay: &Entry) -> bool {
    pay.amount >= MONTHLY_PAY_MIN
}

/// The number of working days after a pay within which it is spent at once. Banks send no large sum on
/// other days.
///
/// `Assumption:` no source names a number.
const SPENT_WITHIN: usize = 2;

/// Lists the debits of at least half of a salary until the end of the second working day after it.
fn list_large_debits_after<'e>(book: &'e TransactionBook<'_>, salary: &Entry) -> Vec<&'e Entry> {
    if !is_monthly_pay(salary) {
        return Vec::new();
    }
    let start = book
        .entries
        .partition_point(|entry| entry.date < salary.date);
    let last = working_day_after(salary.date, SPENT_WITHIN);
    book.entries[start..]
        .iter()
        .take_while(|entry| entry.date <= last)
        .filter(|entry| {
            !entry.is_credit()
                && entry.amount * 2 >= salary.amount
                && entry.account == salary.account
        })
        // Money that stays the customer's is not spent.
        .filter(|entry| entry.classification.subcategory != Some("Fixed Deposit"))
        .filter(|entry| !book.is_own_transfer(entry))
        .collect()
}

/// Returns whether at least half of a salary leaves in one amount until the end of the second working day
/// after it.
pub(crate) fn has_large_debit_after(book: &TransactionBook<'_>, salary: &Entry) -> bool {
    !list_large_debits_after(book, salary).is_empty()
}

/// Finds salaries with a debit of at least half of it until the end of the second working day after it.
fn find_debits_after_salary(book: &TransactionBook<'_>) -> Vec<Value> {
    let mut rows = Vec::new();
    for salary in book.credits().filter(|entry| entry.is_pay()) {
        let large_debits = list_large_debits_after(book, salary);
        if large_debits.is_empty() {
            continue;
        }
        let related: Vec<&Entry> = std::iter::once(salary).chain(large_debits).collect();
        rows.push(build_month_row(
            book,
            salary.month,
            salary.counterparty_or_unknown(),
            &related,
        ));
    }
    rows
}

/// The number of equal payments in a row from which on a salary counts as unchanged.
///
/// `Assumption:` no source names a number.
const UNCHANGED_PAYMENTS: usize = 6;

/// Finds the salaries that stay the same for at least [`UNCHANGED_PAYMENTS`] in a row, by employer.
pub(crate) fn find_unchanged_salaries<'e>(
    book: &'e TransactionBook<'_>,
) -> Vec<(&'e str, Vec<&'e Entry>)> {
    let pay = book.credits().filter(|entry| entry.is_pay());
    let pay: Vec<&Entry> = pay.filter(|entry| is_monthly_pay(entry)).collect();
    let mut unchanged = Vec::new();
    for (party, group) in group_by_counterparty(&pay) {
        let mut equal = group.chunk_by(|first, second| first.amount == second.amount);
        if let Some(run) = equal.find(|run| run.len() >= UNCHANGED_PAYMENTS) {
            unchanged.push((party, run.to_vec()));
        }
    }
    unchanged
}

fn list_unchanged_salaries(book: &TransactionBook<'_>) -> Vec<Value> {
    find_unchanged_salaries(book)
        .iter()
        .map(|(party, run)| build_month_row(book, run[0].month, party, run))
        .collect()
}

/// Finds counterparties that pay and are paid in one month.
fn find_two_way_parties(book: &TransactionBook<'_>) -> Vec<Value> {
    let mut rows = Vec::new();
    for (month, entries) in months_with_entries(book) {
        let named_entries: Vec<&Entry> = entries
            .into_iter()
            .filter(|entry| entry.has_counterparty())
            .collect();
        for (party, group) in group_by_counterparty(&named_entries) {
            if group.iter().any(|entry| entry.is_credit())
                && group.iter().any(|entry| !entry.is_credit())
            {
                rows.push(build_month_row(book, month, party, &group));
            }
        }
    }
    rows
}

/// The largest number of days after which a deposited cheque is returned.
///
/// `Assumption:` no source names a number.
const RETURN_DAYS: i64 = 7;

/// Finds the deposited cheques that are returned: for each return, the last deposit of the same amount
/// before it. Returns their places in the book.
pub(crate) fn find_returned_deposits(book: &TransactionBook<'_>) -> BTreeSet<usize> {
    let mut returned = BTreeSet::new();
    for debit in list_cheque_returns(book) {
        let before = book.entries[..debit.place].iter().rev();
        let deposit = before
            .take_while(|entry| (debit.date - entry.date).num_days() <= RETURN_DAYS)
            .find(|entry| {
                entry.is_credit()
                    && entry.mode == TransactionMode::Cheque
                    && entry.account == debit.account
                    && entry.amount == debit.amount
                    && !returned.contains(&entry.place)
            });
        returned.extend(deposit.map(|entry| entry.place));
    }
    returned
}

fn list_cheque_returns<'e>(book: &'e TransactionBook<'_>) -> Vec<&'e Entry> {
    book.debits()
        .filter(|entry| entry.classification.subcategory == Some("Cheque Return"))
        .collect()
}

/// Builds section `bouncedCheque`. A deposited cheque that is returned is an outward one.
pub(crate) fn build_bounced_cheques(book: &TransactionBook<'_>) -> Value {
    let outward = list_cheque_returns(book);
    let same_day = outward.iter().copied().filter(|returned| {
        book.credits().any(|entry| {
            entry.mode == TransactionMode::Cheque
                && entry.date == returned.date
                && entry.amount == returned.amount
        })
    });
    json!({
        "outwardChequeTransactions": list_entries(outward.iter().copied()),
        "inwardChequeTransactions": [],
        "sameDayChequeTransactions": list_entries(same_day),
    })
}

/// Builds section `returnsAndCharges`.
pub(crate) fn build_returns_and_charges(book: &TransactionBook<'_>) -> Value {
    json!({
        "charges": list_entries(book.debits().filter(|entry| entry.classification.category == "Charges & Fees")),
        "returns": list_entries(book.debits().filter(|entry| entry.classification.category == "Returns")),
    })
}

/// The smallest amount that counts as circular: 1,000 rupees.
pub(crate) const CIRCULAR_MIN: i64 = 100_000;

/// The largest number of days between the two transactions of a circular pair.
pub(crate) const CIRCULAR_DAYS: i64 = 3;

/// Finds pairs of equal amounts in opposite directions, from [`CIRCULAR_MIN`] on.
pub(crate) fn find_circular_pairs<'e>(book: &'e TransactionBook<'_>) -> Vec<[&'e Entry; 2]> {
    let large = book.entries.iter();
    let large: Vec<&Entry> = large.filter(|entry| entry.amount >= CIRCULAR_MIN).collect();
    pair_opposites(&large, |first, second| first.amount == second.amount)
}

/// Pairs each entry with the next one in the opposite direction within [`CIRCULAR_DAYS`] that forms a
/// pair with it. An entry belongs to one pair at most. The entries are in order of time.
pub(crate) fn pair_opposites<'e>(
    entries: &[&'e Entry],
    is_pair: impl Fn(&Entry, &Entry) -> bool,
) -> Vec<[&'e Entry; 2]> {
    let mut is_paired = vec![false; entries.len()];
    let mut pairs = Vec::new();
    for (index, first) in entries.iter().enumerate() {
        if is_paired[index] {
            continue;
        }
        let other = (index + 1..entries.len())
            .take_while(|other| (entries[*other].date - first.date).num_days() <= CIRCULAR_DAYS)
            .find(|other| {
                let second = entries[*other];
                !is_paired[*other]
                    && second.is_credit() != first.is_credit()
                    && is_pair(first, second)
            });
        if let Some(other) = other {
            is_paired[other] = true;
            pairs.push([*first, entries[other]]);
        }
    }
    pairs
}

/// Builds section `circularTransactions`.
pub(crate) fn build_circular_transactions(
    book: &TransactionBook<'_>,
    pairs: &[[&Entry; 2]],
) -> Value {
    let cycles: Vec<Value> = pairs
        .iter()
        .map(|pair| {
            let entries = pair.map(|entry| {
                json!({
                    "date": entry.date.to_string(),
                    "amount": rupees_to_json(entry.amount),
                    "accountType": null,
                    "bankAccountId": book.accounts[entry.account].id,
                    "pairCount": null,
                    "particulars": &*entry.narration,
                    "type": entry.direction_code(),
                })
            });
            json!({
                "idPair": pair.map(|entry| book.accounts[entry.account].id),
                "accountPair": pair.map(|entry| book.accounts[entry.account].short_label()),
                "circular": entries,
            })
        })
        .collect();
    json!({ "circular": cycles })
}
