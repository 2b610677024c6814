//! What makes an underwriter look twice.

use serde_json::{Value, json};

use super::book::{Book, Entry, label, number, percent, sum, text, views};
use super::groups::by_party;
use crate::domain::calendar::{Month, is_bank_holiday};
use crate::domain::statement::TransactionMode;

const LAKH: i64 = 10_000_000;

/// Section `irregularities`: the twelve of the recording, in its order.
pub fn irregularities(book: &Book<'_>) -> Value {
    let those = |activity: &str, test: &dyn Fn(&Entry) -> bool| {
        let found = views(book.entries.iter().filter(|entry| test(entry)));
        json!({ "activity": activity, "transactions": found })
    };
    let months = |activity: &str, found: Vec<Value>| json!({ "activity": activity, "monthlyTransactions": found });
    json!([
        those("RTGS Payments below 2,00,000", &|entry| {
            entry.mode == TransactionMode::Rtgs && !entry.comes() && entry.amount < 2 * LAKH
        }),
        those("Cheque deposits on bank holidays", &|entry| {
            entry.mode == TransactionMode::Cheque && entry.comes() && is_bank_holiday(entry.date)
        }),
        those("Round Figure Tax Payments", &|entry| {
            entry.class.category == "Tax Paid" && entry.amount % 100_000 == 0
        }),
        those("ATM Withdrawals above 20,000", &|entry| {
            entry.mode == TransactionMode::Atm && !entry.comes() && entry.amount > 2_000_000
        }),
        those("Negative Balance", &|entry| entry.balance < 0),
        those("Balance Mismatch", &|entry| entry.balance != entry.computed),
        months("Equal debits & credits", equal_months(book)),
        months("More cash deposits vs salary", cash_over_salary(book)),
        // Nobody forges what we generate.
        { "activity": "Suspicious eStatements", "files": [] },
        months("Immediate big debit after Salary credit", after_salary(book)),
        months("Salary Credit Amount remains unchanged over extended period", unchanged_salary(book)),
        months("Parties present in both debits and credits", both_sides(book)),
    ])
}

/// How often each was found, by its name; of the section's own words.
pub fn incidences(irregularities: &Value) -> impl Iterator<Item = (&str, usize)> {
    let told = irregularities.as_array().into_iter().flatten();
    told.map(|one| {
        let found = one["transactions"]
            .as_array()
            .or(one["monthlyTransactions"].as_array());
        (
            one["activity"].as_str().unwrap_or_default(),
            found.map_or(0, Vec::len),
        )
    })
}

/// `M` of the recording.
fn month_of(book: &Book<'_>, month: Month, party: &str, of: &[&Entry]) -> Value {
    let (came, went): (Vec<&Entry>, Vec<&Entry>) = of.iter().partition(|entry| entry.comes());
    let (came, went) = (sum(came), sum(went));
    let account = &book.accounts[of[0].account];
    json!({
        "month": label(month),
        "debitAmount": text(went),
        "creditAmount": text(came),
        "accountDetails": {
            "accountId": account.id.to_string(),
            "bankAbbreviation": account.bank(),
            "accountType": account.code(),
            "bankName": account.bank(),
            "accountNumber": &*account.statement.account.masked_number,
        },
        "pctDebit": percent(went, sum(book.debits())),
        "pctCredit": percent(came, sum(book.credits())),
        "counterparty": party,
        "txnCount": of.len(),
        "transactions": views(of.iter().copied()),
    })
}

fn each_month<'e>(book: &'e Book<'_>) -> impl Iterator<Item = (Month, Vec<&'e Entry>)> {
    let of = |month: &Month| (*month, book.of_month(*month).collect::<Vec<_>>());
    book.months.iter().map(of).filter(|(_, of)| !of.is_empty())
}

/// Months in which what comes and what leaves is the same to one percent.
fn equal_months(book: &Book<'_>) -> Vec<Value> {
    let equal = |(_, of): &(Month, Vec<&Entry>)| {
        let (came, went): (Vec<&Entry>, Vec<&Entry>) = of.iter().partition(|entry| entry.comes());
        let (came, went) = (sum(came), sum(went));
        came > 0 && (came - went).abs() * 100 <= came
    };
    each_month(book)
        .filter(equal)
        .map(|(month, of)| month_of(book, month, "", &of))
        .collect()
}

fn cash_over_salary(book: &Book<'_>) -> Vec<Value> {
    let told = each_month(book).filter_map(|(month, of)| {
        let part = |category: &str| {
            sum(of
                .iter()
                .copied()
                .filter(|entry| entry.comes() && entry.class.category == category))
        };
        let (cash, salary) = (part("Cash & ATM"), part("Salary"));
        let of: Vec<&Entry> = of
            .into_iter()
            .filter(|entry| entry.comes() && entry.class.category == "Cash & ATM")
            .collect();
        (salary > 0 && cash > salary).then(|| month_of(book, month, "", &of))
    });
    told.collect()
}

/// A debit of half the pay and more, on the same day or the two after.
fn after_salary(book: &Book<'_>) -> Vec<Value> {
    let pay = book
        .credits()
        .filter(|entry| entry.class.category == "Salary");
    let told = pay.filter_map(|pay| {
        let soon = |entry: &&Entry| {
            let days = (entry.date - pay.date).num_days();
            (0..=2).contains(&days)
                && entry.amount * 2 >= pay.amount
                && entry.account == pay.account
        };
        // What the bank sweeps into a deposit is still there.
        let gone = |entry: &&Entry| entry.class.sub != Some("Fixed Deposit");
        let big: Vec<&Entry> = book.debits().filter(soon).filter(gone).collect();
        let of: Vec<&Entry> = std::iter::once(pay).chain(big.iter().copied()).collect();
        (!big.is_empty()).then(|| month_of(book, Month::from_date(pay.date), pay.party(), &of))
    });
    told.collect()
}

/// The same pay for more than fifteen months: nobody's raise is that late.
fn unchanged_salary(book: &Book<'_>) -> Vec<Value> {
    let pay: Vec<&Entry> = book
        .credits()
        .filter(|entry| entry.class.category == "Salary")
        .collect();
    let told = by_party(&pay).into_iter().filter_map(|(party, of)| {
        let same = of.iter().all(|entry| entry.amount == of[0].amount);
        (same && of.len() > 15).then(|| month_of(book, Month::from_date(of[0].date), party, &of))
    });
    told.collect()
}

/// Parties that pay and are paid in one month.
fn both_sides(book: &Book<'_>) -> Vec<Value> {
    let told = each_month(book).flat_map(|(month, of)| {
        let named: Vec<&Entry> = of
            .into_iter()
            .filter(|entry| !entry.class.counterparty.is_empty())
            .collect();
        let both = by_party(&named).into_iter().filter(|(_, of)| {
            of.iter().any(|entry| entry.comes()) && of.iter().any(|entry| !entry.comes())
        });
        both.map(|(party, of)| month_of(book, month, party, &of))
            .collect::<Vec<_>>()
    });
    told.collect()
}

/// Section `bouncedCheque`: cheques that were deposited and came back are outward ones.
pub fn bounced_cheques(book: &Book<'_>) -> Value {
    let outward: Vec<&Entry> = book
        .debits()
        .filter(|entry| entry.class.sub == Some("Cheque Return"))
        .collect();
    let same_day = outward.iter().copied().filter(|back| {
        book.credits().any(|entry| {
            entry.mode == TransactionMode::Cheque
                && entry.date == back.date
                && entry.amount == back.amount
        })
    });
    json!({
        "outwardChequeTransactions": views(outward.iter().copied()),
        "inwardChequeTransactions": [],
        "sameDayChequeTransactions": views(same_day),
    })
}

/// Section `returnsAndCharges`.
pub fn returns_and_charges(book: &Book<'_>) -> Value {
    json!({
        "charges": views(book.debits().filter(|entry| entry.class.category == "Charges & Fees")),
        "returns": views(book.debits().filter(|entry| entry.class.category == "Returns")),
    })
}

/// Pairs of one sum that goes out and comes back, or the other way round, within three days; each transaction is of one pair.
fn pairs<'e>(book: &'e Book<'_>) -> Vec<[&'e Entry; 2]> {
    let mut taken = vec![false; book.entries.len()];
    let mut pairs = Vec::new();
    for (place, one) in book.entries.iter().enumerate() {
        if taken[place] || one.amount < 100_000 {
            continue;
        }
        let rest = book.entries.iter().enumerate().skip(place + 1);
        let mut near = rest.take_while(|(_, other)| (other.date - one.date).num_days() <= 3);
        let other = near.find(|(at, other)| {
            !taken[*at] && other.amount == one.amount && other.comes() != one.comes()
        });
        if let Some((at, other)) = other {
            taken[at] = true;
            pairs.push([one, other]);
        }
    }
    pairs
}

/// Section `circularTransactions`.
pub fn circular(book: &Book<'_>) -> Value {
    let told = pairs(book).into_iter().map(|pair| {
        let rows = pair.map(|entry| {
            json!({
                "date": entry.date.to_string(),
                "amount": number(entry.amount),
                "accountType": null,
                "bankAccountId": book.accounts[entry.account].id,
                "pairCount": null,
                "particulars": entry.narration,
                "type": entry.kind(),
            })
        });
        json!({
            "idPair": pair.map(|entry| book.accounts[entry.account].id),
            "accountPair": pair.map(|entry| book.accounts[entry.account].short()),
            "circular": rows,
        })
    });
    json!({ "circular": told.collect::<Vec<_>>() })
}
