//! What makes an underwriter look twice.

use serde_json::{Value, json};

use super::book::{
    Entry, TransactionBook, entries_to_json, format_month, format_percent, format_rupees,
    rupees_to_json, sum_amounts,
};
use super::groups::group_by_counterparty;
use crate::domain::calendar::{Month, is_bank_holiday};
use crate::domain::statement::TransactionMode;

const LAKH: i64 = 10_000_000;

/// Section `irregularities`: the twelve of the recording, in its order.
pub fn build_irregularities(book: &TransactionBook<'_>) -> Value {
    let entry_section = |activity: &str, is_match: &dyn Fn(&Entry) -> bool| {
        let matches = entries_to_json(book.entries.iter().filter(|entry| is_match(entry)));
        json!({ "activity": activity, "transactions": matches })
    };
    let month_section = |activity: &str, rows: Vec<Value>| json!({ "activity": activity, "monthlyTransactions": rows });
    json!([
        entry_section("RTGS Payments below 2,00,000", &|entry| {
            entry.mode == TransactionMode::Rtgs && !entry.is_credit() && entry.amount < 2 * LAKH
        }),
        entry_section("Cheque deposits on bank holidays", &|entry| {
            entry.mode == TransactionMode::Cheque && entry.is_credit() && is_bank_holiday(entry.date)
        }),
        entry_section("Round Figure Tax Payments", &|entry| {
            entry.classification.category == "Tax Paid" && entry.amount % 100_000 == 0
        }),
        entry_section("ATM Withdrawals above 20,000", &|entry| {
            entry.mode == TransactionMode::Atm && !entry.is_credit() && entry.amount > 2_000_000
        }),
        entry_section("Negative Balance", &|entry| entry.balance < 0),
        entry_section("Balance Mismatch", &|entry| entry.balance != entry.computed_balance),
        month_section("Equal debits & credits", find_equal_months(book)),
        month_section("More cash deposits vs salary", find_cash_over_salary(book)),
        // Nobody forges what we generate.
        { "activity": "Suspicious eStatements", "files": [] },
        month_section("Immediate big debit after Salary credit", find_debits_after_salary(book)),
        month_section("Salary Credit Amount remains unchanged over extended period", find_unchanged_salary(book)),
        month_section("Parties present in both debits and credits", find_two_way_parties(book)),
    ])
}

/// How often each was found, by its name; of the section's own words.
pub fn count_incidences(irregularities: &Value) -> impl Iterator<Item = (&str, usize)> {
    let sections = irregularities.as_array().into_iter().flatten();
    sections.map(|section| {
        let matches = section["transactions"]
            .as_array()
            .or(section["monthlyTransactions"].as_array());
        (
            section["activity"].as_str().unwrap_or_default(),
            matches.map_or(0, Vec::len),
        )
    })
}

/// `M` of the recording.
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
    json!({
        "month": format_month(month),
        "debitAmount": format_rupees(debit_total),
        "creditAmount": format_rupees(credit_total),
        "accountDetails": {
            "accountId": account.id.to_string(),
            "bankAbbreviation": account.bank_name(),
            "accountType": account.type_code(),
            "bankName": account.bank_name(),
            "accountNumber": &*account.statement.account.masked_number,
        },
        "pctDebit": format_percent(debit_total, sum_amounts(book.debits())),
        "pctCredit": format_percent(credit_total, sum_amounts(book.credits())),
        "counterparty": party,
        "txnCount": entries.len(),
        "transactions": entries_to_json(entries.iter().copied()),
    })
}

fn months_with_entries<'e>(
    book: &'e TransactionBook<'_>,
) -> impl Iterator<Item = (Month, Vec<&'e Entry>)> {
    let with_entries = |month: &Month| (*month, book.entries_in_month(*month).collect::<Vec<_>>());
    book.months
        .iter()
        .map(with_entries)
        .filter(|(_, entries)| !entries.is_empty())
}

/// Months in which what comes and what leaves is the same to one percent.
fn find_equal_months(book: &TransactionBook<'_>) -> Vec<Value> {
    let is_equal = |(_, entries): &(Month, Vec<&Entry>)| {
        let (credits, debits): (Vec<&Entry>, Vec<&Entry>) =
            entries.iter().partition(|entry| entry.is_credit());
        let (credit_total, debit_total) = (sum_amounts(credits), sum_amounts(debits));
        credit_total > 0 && (credit_total - debit_total).abs() * 100 <= credit_total
    };
    months_with_entries(book)
        .filter(is_equal)
        .map(|(month, entries)| build_month_row(book, month, "", &entries))
        .collect()
}

fn find_cash_over_salary(book: &TransactionBook<'_>) -> Vec<Value> {
    let rows =
        months_with_entries(book).filter_map(|(month, entries)| {
            let sum_category =
                |category: &str| {
                    sum_amounts(entries.iter().copied().filter(|entry| {
                        entry.is_credit() && entry.classification.category == category
                    }))
                };
            let (cash, salary) = (sum_category("Cash & ATM"), sum_category("Salary"));
            let cash_deposits: Vec<&Entry> = entries
                .into_iter()
                .filter(|entry| entry.is_credit() && entry.classification.category == "Cash & ATM")
                .collect();
            (salary > 0 && cash > salary).then(|| build_month_row(book, month, "", &cash_deposits))
        });
    rows.collect()
}

/// A debit of half the pay and more, on the same day or the two after.
fn find_debits_after_salary(book: &TransactionBook<'_>) -> Vec<Value> {
    let salary_entries = book
        .credits()
        .filter(|entry| entry.classification.category == "Salary");
    let rows = salary_entries.filter_map(|salary| {
        let is_soon_after = |entry: &&Entry| {
            let days = (entry.date - salary.date).num_days();
            (0..=2).contains(&days)
                && entry.amount * 2 >= salary.amount
                && entry.account == salary.account
        };
        // What the bank sweeps into a deposit is still there.
        let is_spent = |entry: &&Entry| entry.classification.subcategory != Some("Fixed Deposit");
        let large_debits: Vec<&Entry> = book
            .debits()
            .filter(is_soon_after)
            .filter(is_spent)
            .collect();
        let related: Vec<&Entry> = std::iter::once(salary)
            .chain(large_debits.iter().copied())
            .collect();
        (!large_debits.is_empty()).then(|| {
            build_month_row(
                book,
                Month::from_date(salary.date),
                salary.counterparty_or_unknown(),
                &related,
            )
        })
    });
    rows.collect()
}

/// The same pay for more than fifteen months: nobody's raise is that late.
fn find_unchanged_salary(book: &TransactionBook<'_>) -> Vec<Value> {
    let salary_entries: Vec<&Entry> = book
        .credits()
        .filter(|entry| entry.classification.category == "Salary")
        .collect();
    let rows = group_by_counterparty(&salary_entries)
        .into_iter()
        .filter_map(|(party, group)| {
            let is_unchanged = group.iter().all(|entry| entry.amount == group[0].amount);
            (is_unchanged && group.len() > 15)
                .then(|| build_month_row(book, Month::from_date(group[0].date), party, &group))
        });
    rows.collect()
}

/// Parties that pay and are paid in one month.
fn find_two_way_parties(book: &TransactionBook<'_>) -> Vec<Value> {
    let rows = months_with_entries(book).flat_map(|(month, entries)| {
        let named_entries: Vec<&Entry> = entries
            .into_iter()
            .filter(|entry| !entry.classification.counterparty.is_empty())
            .collect();
        let two_way = group_by_counterparty(&named_entries)
            .into_iter()
            .filter(|(_, group)| {
                group.iter().any(|entry| entry.is_credit())
                    && group.iter().any(|entry| !entry.is_credit())
            });
        two_way
            .map(|(party, group)| build_month_row(book, month, party, &group))
            .collect::<Vec<_>>()
    });
    rows.collect()
}

/// Section `bouncedCheque`: cheques that were deposited and came back are outward ones.
pub fn build_bounced_cheques(book: &TransactionBook<'_>) -> Value {
    let outward: Vec<&Entry> = book
        .debits()
        .filter(|entry| entry.classification.subcategory == Some("Cheque Return"))
        .collect();
    let same_day = outward.iter().copied().filter(|returned| {
        book.credits().any(|entry| {
            entry.mode == TransactionMode::Cheque
                && entry.date == returned.date
                && entry.amount == returned.amount
        })
    });
    json!({
        "outwardChequeTransactions": entries_to_json(outward.iter().copied()),
        "inwardChequeTransactions": [],
        "sameDayChequeTransactions": entries_to_json(same_day),
    })
}

/// Section `returnsAndCharges`.
pub fn build_returns_and_charges(book: &TransactionBook<'_>) -> Value {
    json!({
        "charges": entries_to_json(book.debits().filter(|entry| entry.classification.category == "Charges & Fees")),
        "returns": entries_to_json(book.debits().filter(|entry| entry.classification.category == "Returns")),
    })
}

/// Pairs of one sum that goes out and comes back, or the other way round, within three days; each transaction is of one pair.
fn find_circular_pairs<'e>(book: &'e TransactionBook<'_>) -> Vec<[&'e Entry; 2]> {
    let mut is_paired = vec![false; book.entries.len()];
    let mut pairs = Vec::new();
    for (index, first) in book.entries.iter().enumerate() {
        if is_paired[index] || first.amount < 100_000 {
            continue;
        }
        let rest = book.entries.iter().enumerate().skip(index + 1);
        let mut near = rest.take_while(|(_, other)| (other.date - first.date).num_days() <= 3);
        let other = near.find(|(other_index, other)| {
            !is_paired[*other_index]
                && other.amount == first.amount
                && other.is_credit() != first.is_credit()
        });
        if let Some((other_index, second)) = other {
            is_paired[other_index] = true;
            pairs.push([first, second]);
        }
    }
    pairs
}

/// Section `circularTransactions`.
pub fn build_circular_transactions(book: &TransactionBook<'_>) -> Value {
    let cycles = find_circular_pairs(book).into_iter().map(|pair| {
        let entries = pair.map(|entry| {
            json!({
                "date": entry.date.to_string(),
                "amount": rupees_to_json(entry.amount),
                "accountType": null,
                "bankAccountId": book.accounts[entry.account].id,
                "pairCount": null,
                "particulars": entry.narration,
                "type": entry.direction_code(),
            })
        });
        json!({
            "idPair": pair.map(|entry| book.accounts[entry.account].id),
            "accountPair": pair.map(|entry| book.accounts[entry.account].short_label()),
            "circular": entries,
        })
    });
    json!({ "circular": cycles.collect::<Vec<_>>() })
}
