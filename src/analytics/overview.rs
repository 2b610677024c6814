//! The first page: who, what, and how good.

use serde_json::{Map, Value, json};

use super::book::{Book, Entry, average, ids, label, number, sum, text, views};
use super::flows::is_business;
use super::groups::of_side;
use super::months::mean;
use super::oddities::incidences;
use crate::domain::calendar::Month;
use crate::domain::statement::TransactionMode;

/// Section `overview`, of the other sections.
pub fn overview(book: &Book<'_>, sections: &Map<String, Value>) -> Value {
    let (first, last) = (&book.entries[0], &book.entries[book.entries.len() - 1]);
    let oddities: Vec<(&str, usize)> = incidences(&sections["irregularities"]).collect();
    let closing: Vec<i64> = book
        .months
        .iter()
        .flat_map(|month| book.closing(*month))
        .copied()
        .collect();
    let without = book
        .months
        .iter()
        .filter(|month| book.of_month(**month).next().is_none());
    let largest = |count: usize, comes: bool| {
        let months = &book.months[book.months.len().saturating_sub(count)..];
        let of = book
            .side(comes)
            .filter(|entry| months.contains(&Month::from_date(entry.date)));
        of.map(|entry| entry.amount).max().unwrap_or(0) / 100
    };
    let key = |count: usize| {
        let count = count.min(book.months.len());
        format!("Last {count} Months ({})", book.span(count))
    };
    let monthly = book.months.iter().map(|month| {
        let of = |comes: bool, business: bool| {
            sum(book
                .of_month(*month)
                .filter(|entry| entry.comes() == comes && (!business || is_business(entry))))
        };
        json!({
            "duration": label(*month),
            "cashflow": text(of(true, false) - of(false, false)),
            "bizCashFlow": text(of(true, true) - of(false, true)),
            "averageDailyBalance": text(mean(book.closing(*month))),
            "deposits": text(of(true, false)),
            "withdrawals": text(of(false, false)),
        })
    });
    let categories = [(true, "inflows"), (false, "outflows")].map(|(comes, kind)| {
        json!({ "amount": text(sum(book.side(comes))), "type": kind, "data": of_side(book, comes, false) })
    });
    json!({
        "irregularities": oddities
            .iter()
            .map(|(name, count)| json!({ "activity": spelled_here(name), "incidences": count.to_string() }))
            .collect::<Vec<_>>(),
        "bsaScore": score(book, &oddities),
        "volatilityScore": volatility(book),
        "txnStartDate": first.date.to_string(),
        "txnEndDate": last.date.to_string(),
        "transactionCount": book.entries.len(),
        "averageDailyBalance": number(mean(&closing)),
        "noTxnDates": [],
        "noTxnMonth": without.map(|month| label(*month)).collect::<Vec<_>>(),
        "tabCounts": tab_counts(book, sections, oddities.iter().filter(|(_, count)| *count > 0).count()),
        "maxAmountDetail": {
            "last12MonthKey": key(12),
            "last12MonthDebit": largest(12, false),
            "last12MonthCredit": largest(12, true),
            "last3MonthKey": key(3),
            "last3MonthDebit": largest(3, false),
            "last3MonthCredit": largest(3, true),
        },
        "monthlyAverageDailyBalance": monthly.collect::<Vec<_>>(),
        "categories": categories,
        "account": account(book),
    })
}

/// Quirk: the overview spells two of the irregularities otherwise than their section.
fn spelled_here(activity: &str) -> &str {
    match activity {
        "Equal debits & credits" => "Equal Debits & Credits",
        "More cash deposits vs salary" => "More Cash deposits vs Salary",
        other => other,
    }
}

fn tab_counts(book: &Book<'_>, sections: &Map<String, Value>, irregular: usize) -> Value {
    let count = |section: &str, list: &str| sections[section][list].as_array().map_or(0, Vec::len);
    let all: Vec<&Entry> = book.entries.iter().collect();
    let mut categories: Vec<(bool, String)> = all
        .iter()
        .map(|entry| (entry.comes(), entry.categories()))
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
        "irregularitiesCount": irregular,
        "loanCount": count("loans", "loans"),
        "circularTransactionCount": count("circularTransactions", "circular"),
        "returnAndChargesCount": count("returnsAndCharges", "charges") + count("returnsAndCharges", "returns"),
        "bouncedChequeCount": count("bouncedCheque", "outwardChequeTransactions"),
        "categoryCount": categories.len(),
        "counterparty": count("monthlyCounterparty", "counterparties"),
        "intraBankFundTransferCount": all.iter().filter(|entry| entry.class.sub == Some("Third Party Transfer")).count(),
    })
}

/// From 300 to 900: less for bounces, for low balances, for more going out than coming in.
///
/// `Assumption:` the service's score is its own; this one moves the right way.
fn score(book: &Book<'_>, oddities: &[(&str, usize)]) -> i64 {
    let bounces = book
        .debits()
        .filter(|entry| entry.class.sub == Some("Bounce Charges"))
        .count();
    let oddities: usize = oddities.iter().map(|(_, count)| (*count).min(5)).sum();
    let (came, went) = (sum(book.credits()), sum(book.debits()));
    let drained = if went > came { 40 } else { 0 };
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX / 100).min(100);
    (900 - count(bounces) * 15 - count(oddities) * 4 - drained).clamp(300, 900)
}

/// From 0, months that are alike, to 10: how far the months' inflow is from its average, in tenths of it.
fn volatility(book: &Book<'_>) -> i64 {
    let inflow: Vec<i64> = book
        .months
        .iter()
        .map(|month| sum(book.of_month(*month).filter(|entry| entry.comes())))
        .collect();
    let usual = average(inflow.iter().sum(), inflow.len());
    let off = average(
        inflow.iter().map(|one| (one - usual).abs()).sum(),
        inflow.len(),
    );
    if usual == 0 {
        0
    } else {
        (off * 10 / usual).clamp(0, 10)
    }
}

/// The account, or the first of several.
fn account(book: &Book<'_>) -> Value {
    let of = &book.accounts[0];
    let bank = of.statement.as_bank();
    let summary = bank.and_then(|bank| bank.summary.as_ref());
    let holders = of.statement.holders.as_ref();
    let first = holders.map(|holders| &holders.first);
    let cash = |mode: TransactionMode, comes: bool, above: i64| -> Vec<&Entry> {
        book.side(comes)
            .filter(|entry| entry.mode == mode && entry.amount > above)
            .collect()
    };
    let high = |name: &str, of: Vec<&Entry>| json!({ name: of.len(), "transactions": views(of.iter().copied()), "txnIds": ids(of) });
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let last = book.entries[book.entries.len() - 1].date;
    json!({
        "customerAddress": text(first.map(|holder| holder.address.as_str())),
        "statementPeriod": book.span(book.months.len()),
        "startDate": book.entries[0].date.to_string(),
        "endDate": last.to_string(),
        "accountType": format!("{} Account", of.kind()),
        "sanctionedLimit": [],
        "accountOpeningDate": summary.map(|summary| summary.opened_on.to_string()).unwrap_or_default(),
        "branchName": text(summary.map(|summary| summary.branch.as_str())),
        "branchAddress": "",
        "bankName": of.bank(),
        "panNumber": text(first.map(|holder| holder.pan.as_str())),
        "accountNumber": &*of.statement.account.masked_number,
        "accountHolderName": text(first.map(|holder| holder.name.as_str())),
        "accountAge": summary.map(|summary| ((last - summary.opened_on).num_days() / 365).to_string()).unwrap_or_default(),
        "phoneNumber": text(first.map(|holder| holder.mobile.as_str())),
        "unUtilisedAmount": "",
        "micrCode": text(summary.map(|summary| summary.micr.as_str())),
        // Quirk: so in the recording.
        "verifiedAccount": "2",
        "ifscCode": text(summary.map(|summary| summary.ifsc.as_str())),
        "jointHolderName": text(holders.and_then(|holders| holders.second.as_ref()).map(|holder| holder.name.as_str())),
        "email": text(first.map(|holder| holder.email.as_str())),
        "highCashDeposits": [
            high("atmWithdrawalAbove2K", cash(TransactionMode::Atm, false, 200_000)),
            high("cashDepositAbove9Lakh", cash(TransactionMode::Cash, true, 90_000_000)),
            high("cashDepositAbove40K", cash(TransactionMode::Cash, true, 4_000_000)),
        ],
    })
}

/// What is told of an account.
const ACCOUNT: [&str; 4] = [
    "Bank Name",
    "Account Type",
    "Account Number",
    "Account Holders",
];

/// What is told of a month, and as what.
const MONTH: [(&str, &str); 9] = [
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
pub fn custom(book: &Book<'_>) -> Value {
    let value = |id: usize, key: &str, value: &str, kind: &str| json!({ "id": id, "key": key, "value": value, "style": "REGULAR", "type": kind });
    let row =
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
    let header = ACCOUNT
        .iter()
        .zip(1..)
        .map(|(key, id)| value(id, key, key, "STRING"))
        .collect();
    let mut rows = vec![row(
        1001,
        1,
        "Description",
        "Bank Accounts",
        "STRING",
        header,
    )];
    for (of, set) in book.accounts.iter().zip(2..) {
        let number = &*of.statement.account.masked_number;
        let holders = of.statement.holders.as_ref().map(|holders| {
            holders
                .iter()
                .map(|holder| holder.name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        });
        let holders = holders.unwrap_or_else(|| "-".to_owned());
        let told = [of.bank(), of.kind(), number, &holders];
        let values = ACCOUNT
            .iter()
            .zip(told)
            .zip(1..)
            .map(|((key, told), id)| value(id, key, told, "STRING"))
            .collect();
        let name = format!("{} - {number} - {}", of.bank(), of.kind());
        rows.push(row(1001, set, &name, "Bank Accounts", "STRING", values));
    }
    let title = "Monthwise details";
    let header = MONTH
        .iter()
        .zip(11..)
        .map(|((key, _), id)| value(id, key, key, "STRING"))
        .collect();
    rows.push(row(1002, 1, "Description", title, "STRING", header));
    let figures = |of: &[&Entry], closing: i64, least: i64| {
        let (came, went): (Vec<&Entry>, Vec<&Entry>) = of.iter().partition(|entry| entry.comes());
        let sub = |sub: &'static str| {
            went.iter()
                .copied()
                .filter(move |entry| entry.class.sub == Some(sub))
                .collect::<Vec<_>>()
        };
        [
            text(sum(came.iter().copied())),
            text(closing),
            sub("Bounce Charges").len().to_string(),
            sub("Cheque Return").len().to_string(),
            "-".to_owned(),
            text(sum(sub("Minimum Balance Charges"))),
            went.len().to_string(),
            came.len().to_string(),
            text(least),
        ]
    };
    let told = |set: usize, name: &str, figures: [String; 9]| {
        let values = MONTH
            .iter()
            .zip(figures)
            .zip(11..)
            .map(|(((key, kind), told), id)| value(id, key, &told, kind));
        row(1002, set, name, title, "COUNT", values.collect())
    };
    let mut closings = Vec::new();
    for (month, set) in book.months.iter().zip(2..) {
        let days = book.closing(*month);
        let (closing, least) = (
            days.last().copied().unwrap_or(0),
            days.iter().min().copied().unwrap_or(0),
        );
        closings.push((closing, least));
        let of: Vec<&Entry> = book.of_month(*month).collect();
        rows.push(told(set, &label(*month), figures(&of, closing, least)));
    }
    // Balances are not added up: their average stands there.
    let over =
        |one: fn(&(i64, i64)) -> i64| average(closings.iter().map(one).sum(), closings.len());
    let all: Vec<&Entry> = book.entries.iter().collect();
    let total = figures(&all, over(|pair| pair.0), over(|pair| pair.1));
    rows.push(told(book.months.len() + 2, "Total", total));
    rows.into()
}
