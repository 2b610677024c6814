//! Payments between the bank account and the holdings of a customer: each has a row on both sides.

use std::sync::LazyLock;

use chrono::NaiveDate;
use mockaa::internals::bankgen::is_supported;
use mockaa::internals::domain::account::{Account, FiType};
use mockaa::internals::domain::document::Element;
use mockaa::internals::domain::money::Paise;
use mockaa::internals::domain::persona::PersonaInstance;
use mockaa::internals::domain::statement::StatementBody;
use mockaa::internals::domain::terms::TransactionType::{self, Credit, Debit};
use mockaa::internals::domain::time::{Millis, Timestamp};
use regex::Regex;

use crate::laws::{StatementRow, collect_rows};
use crate::{
    CUSTOMER, StatementQuery, ist_midnight, list_accounts, load_shipped_personas, shipped_life,
    summary,
};

const SEEDS: std::ops::Range<u64> = 0..2;

/// A payment as both sides state it: day, side of the bank account, amount, counterparty.
type Payment = (NaiveDate, &'static str, Paise, String);

/// The words of payments between accounts, with the number of the folio, policy or account.
static NUMBERED: LazyLock<Regex> = LazyLock::new(|| {
    let words = "SIP|MF REDEMPTION|LIFE PREMIUM|HEALTH PREMIUM|PREMIUM LATE FEE|SURVIVAL BENEFIT|NPS|INSTALMENT|MATURITY";
    Regex::new(&format!(r"\b({words}) \d{{8,12}}\b")).expect("a pattern")
});

/// The words of such payments, with or without a number.
static NAMED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b(SIP|PREMIUM|NPS)\b").expect("a pattern"));

fn side(direction: TransactionType) -> &'static str {
    match direction {
        Credit => "in",
        Debit => "out",
    }
}

fn rows_until(
    life: &PersonaInstance,
    seed: u64,
    account: &Account,
    (since, now): (Timestamp, Timestamp),
) -> Vec<StatementRow> {
    let query = StatementQuery {
        seed,
        now,
        ..StatementQuery::for_range(life, account, since, now)
    };
    collect_rows(&query.generate_statement())
}

/// Adds the transactions below an element to `found`.
fn collect_transactions<'e>(element: &'e Element, found: &mut Vec<&'e Element>) {
    if element.name.ends_with("Transaction") {
        found.push(element);
    }
    for child in &element.children {
        collect_transactions(child, found);
    }
}

/// Returns the payments that the document of a holding states; empty for a kind without any.
fn payments_of_holding(fi_type: FiType, root: &Element) -> Vec<Payment> {
    let mut elements = Vec::new();
    collect_transactions(root, &mut elements);
    let payments = elements.into_iter().filter_map(|element| {
        let text = |name: &str| element.attribute_value(name);
        let kind = text("type")?;
        let (day, amount, direction) = match (fi_type, kind) {
            (FiType::MutualFunds, "BUY") => ("navDate", "amount", Debit),
            (FiType::MutualFunds, "SELL") => ("navDate", "amount", Credit),
            (FiType::Sip, "BUY")
            | (
                FiType::InsurancePolicies | FiType::LifeInsurance | FiType::GeneralInsurance,
                "PREMIUM_PAYMENT" | "LATE_FEES",
            ) => ("txnDate", "amount", Debit),
            (FiType::InsurancePolicies | FiType::LifeInsurance, "MONEY_BACK") => {
                ("txnDate", "amount", Credit)
            }
            (FiType::Nps, "CONTRIBUTION") => ("txnDate", "subscriberContribution", Debit),
            (FiType::RecurringDeposit, "OPENING" | "INSTALLMENT") => ("valueDate", "amount", Debit),
            (FiType::RecurringDeposit, "CLOSING") => ("valueDate", "amount", Credit),
            _ => return None,
        };
        // A pension's purchases of units have no such attribute: the contribution pays them.
        let amount: Paise = Paise::parse(text(amount)?).expect("an amount");
        let day = text(day).expect("a day").parse().expect("a date");
        let counterparty = match fi_type {
            FiType::MutualFunds | FiType::Sip => text("amc").expect("a fund").to_uppercase(),
            FiType::Nps => "MOCK PENSION TRUST".to_owned(),
            FiType::RecurringDeposit => "RECURRING DEPOSIT".to_owned(),
            _ => String::new(),
        };
        Some((day, side(direction), amount, counterparty))
    });
    payments.collect()
}

#[test]
fn a_payment_into_a_holding_has_its_row_in_the_bank_statement_and_back() {
    let now = ist_midnight(2024, 7, 1);
    let mut counts = std::collections::BTreeMap::<FiType, usize>::new();
    for name in load_shipped_personas().names() {
        let life = shipped_life(name);
        let plans = &life.definition.accounts;
        let has_holdings = plans.iter().any(|plan| plan.fi_type != FiType::Deposit);
        let since = ist_midnight(if has_holdings { 2016 } else { 2024 }, 1, 1);
        for seed in SEEDS {
            let (mut expected, mut found) = (Vec::new(), Vec::new());
            let (mut opened_on, mut last_opening) = (None, NaiveDate::MIN);
            for account in list_accounts(&life, seed, CUSTOMER) {
                if account.fi_type == FiType::Deposit {
                    let query = StatementQuery {
                        seed,
                        ..StatementQuery::for_range(&life, &account, now, now)
                    };
                    let opening = summary(&query.generate_statement())
                        .opened_on
                        .expect("it is generated");
                    last_opening = last_opening.max(opening);
                    for row in rows_until(&life, seed, &account, (since, now)) {
                        if NUMBERED.is_match(&row.narration) {
                            opened_on = Some(opening);
                            found.push(row);
                        } else {
                            assert!(
                                !NAMED.is_match(&row.narration)
                                    || row.row.transaction_type == Credit,
                                "{name}: {} has no holding",
                                row.narration
                            );
                        }
                    }
                    continue;
                }
                let query = StatementQuery {
                    seed,
                    now,
                    ..StatementQuery::for_range(&life, &account, since, now)
                };
                if is_supported(seed, CUSTOMER, &life, &account)
                    && let StatementBody::Other(document) = query.generate_statement().body
                {
                    let payments = payments_of_holding(account.fi_type, &document.root);
                    *counts.entry(account.fi_type).or_default() += payments.len();
                    expected.extend(payments);
                }
            }
            let mut found: Vec<Payment> = found
                .iter()
                .map(|row| {
                    let day = row.row.at.ist_date();
                    let known = [
                        "MOCK MUTUAL FUND",
                        "TARA ASSET MANAGEMENT",
                        "VRIDDHI MUTUAL FUND",
                        "MOCK PENSION TRUST",
                        "RECURRING DEPOSIT",
                    ];
                    let name = known.iter().find(|name| row.narration.contains(*name));
                    let name = name.map_or(String::new(), |name| (*name).to_owned());
                    (day, side(row.row.transaction_type), row.row.amount, name)
                })
                .collect();
            // Before the bank account was opened, another one paid.
            let opened_on = opened_on.unwrap_or(last_opening);
            expected.retain(|(day, ..)| *day > opened_on);
            expected.sort();
            found.sort();
            assert_eq!(expected, found, "{name}, seed {seed}");
        }
    }
    for fi_type in [
        FiType::MutualFunds,
        FiType::Sip,
        FiType::InsurancePolicies,
        FiType::LifeInsurance,
        FiType::GeneralInsurance,
        FiType::Nps,
        FiType::RecurringDeposit,
    ] {
        assert!(counts[&fi_type] > 10, "{fi_type}: {counts:?}");
    }
}

#[test]
fn the_bank_has_a_payment_some_hours_before_the_fund() {
    let life = shipped_life("salaried");
    let account = crate::first_deposit(&life, 42, CUSTOMER);
    let (since, later) = (ist_midnight(2023, 7, 1), ist_midnight(2024, 7, 1));
    let all = rows_until(&life, 42, &account, (since, later));
    let instalments = all.iter().filter(|row| row.narration.contains("SIP "));
    let mut checked = 0;
    for instalment in instalments.rev().take(6) {
        let just_after = instalment.row.at.saturating_add(Millis::from_secs(1));
        let rows = rows_until(&life, 42, &account, (since, just_after));
        assert_eq!(
            rows.last().map(|row| row.row.id),
            all.get(rows.len() - 1).map(|row| row.row.id)
        );
        assert!(
            rows.iter().any(|row| row.row.id == instalment.row.id),
            "{}",
            instalment.narration
        );
        checked += 1;
    }
    assert_eq!(checked, 6);
}
