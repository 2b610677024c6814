//! Holdings: their size beside the income of their persona, and the terms of securities, policies
//! and pension schemes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Months, NaiveDate};
use mockaa::internals::bankgen::is_supported;
use mockaa::internals::domain::account::{Account, FiType};
use mockaa::internals::domain::document::Element;
use mockaa::internals::domain::money::Paise;
use mockaa::internals::domain::persona::{ContentPlan, PersonaInstance};
use mockaa::internals::domain::statement::{Statement, StatementBody};
use mockaa::internals::domain::terms::TransactionType;
use mockaa::internals::domain::time::Timestamp;
use regex::Regex;

use crate::{
    CUSTOMER, StatementQuery, ist_midnight, list_accounts, load_shipped_personas, shipped_life,
    transactions,
};

const SEEDS: std::ops::Range<u64> = 0..5;

const INSURANCE: [FiType; 3] = [
    FiType::InsurancePolicies,
    FiType::LifeInsurance,
    FiType::GeneralInsurance,
];

fn statement_between(
    life: &PersonaInstance,
    seed: u64,
    account: &Account,
    from: Timestamp,
    now: Timestamp,
) -> Statement {
    StatementQuery {
        seed,
        now,
        ..StatementQuery::for_range(life, account, from, now)
    }
    .generate_statement()
}

fn root(statement: &Statement) -> &Element {
    match &statement.body {
        StatementBody::Other(document) => &document.root,
        StatementBody::Bank(_) => panic!("expected another kind than a bank account"),
    }
}

/// Returns the statements of the accounts of these types, of all personas with five seeds, from the
/// opening of the accounts to an instant.
fn statements_of(fi_types: &[FiType], now: Timestamp) -> Vec<(FiType, Statement)> {
    let mut statements = Vec::new();
    for name in load_shipped_personas().names() {
        let life = shipped_life(name);
        for seed in SEEDS {
            for account in list_accounts(&life, seed, CUSTOMER) {
                if fi_types.contains(&account.fi_type) {
                    let start = ist_midnight(1990, 1, 1);
                    let statement = statement_between(&life, seed, &account, start, now);
                    statements.push((account.fi_type, statement));
                }
            }
        }
    }
    assert!(statements.len() >= SEEDS.count(), "{fi_types:?}");
    statements
}

/// Returns all elements of a name in a document.
fn elements_named<'e>(root: &'e Element, name: &str) -> Vec<&'e Element> {
    let mut found = Vec::new();
    let mut stack = vec![root];
    while let Some(element) = stack.pop() {
        if element.name == name {
            found.push(element);
        }
        stack.extend(element.children.iter().rev());
    }
    found
}

fn text<'e>(element: &'e Element, name: &str) -> &'e str {
    element
        .attribute_value(name)
        .unwrap_or_else(|| panic!("{element:?} has no {name}"))
}

fn amount(element: &Element, name: &str) -> Paise {
    Paise::parse(text(element, name)).unwrap_or_else(|| panic!("{name} of {element:?}"))
}

fn date(element: &Element, name: &str) -> NaiveDate {
    text(element, name)[..10]
        .parse()
        .unwrap_or_else(|_| panic!("{name} of {element:?}"))
}

/// Returns thousandths of units.
fn units(element: &Element, name: &str) -> i64 {
    let digits = text(element, name).replace('.', "");
    digits.parse().expect("units with three decimals")
}

/// Returns what the income flows of a persona paid in the year before an instant, counted from the
/// rows of the bank statements.
fn yearly_income(life: &PersonaInstance, seed: u64, (year, month): (i32, u32)) -> Paise {
    let (from, now) = (
        ist_midnight(year - 1, month, 1),
        ist_midnight(year, month, 1),
    );
    let bank_accounts = list_accounts(life, seed, CUSTOMER)
        .into_iter()
        .filter(|account| account.fi_type == FiType::Deposit);
    let plans = life
        .definition
        .accounts
        .iter()
        .filter(|plan| plan.fi_type == FiType::Deposit);
    let mut total = Paise(0);
    for (account, plan) in bank_accounts.zip(plans) {
        let ContentPlan::CashFlow(cash_flow) = &plan.content else {
            continue;
        };
        let purposes: Vec<&str> = cash_flow
            .flows
            .iter()
            .filter(|flow| flow.counts_as_income)
            .map(|flow| flow.purpose.split('{').next().expect("a text").trim())
            .collect();
        if purposes.is_empty() {
            continue;
        }
        let statement = statement_between(life, seed, &account, from, now);
        let rows = transactions(&statement);
        total += rows
            .rows
            .iter()
            .filter(|row| {
                let narration = rows.narration(row);
                row.transaction_type == TransactionType::Credit
                    && purposes.iter().any(|purpose| narration.contains(purpose))
            })
            .map(|row| row.amount)
            .sum();
    }
    total
}

/// Returns the sum of the current values of all holdings of a persona.
fn total_value(life: &PersonaInstance, seed: u64, now: Timestamp) -> Paise {
    let mut total = Paise(0);
    for account in list_accounts(life, seed, CUSTOMER) {
        if account.fi_type == FiType::Deposit || !is_supported(seed, CUSTOMER, life, &account) {
            continue;
        }
        let statement = statement_between(life, seed, &account, now, now);
        if let Some(summary) = root(&statement).find_child("Summary")
            && summary.attribute_value("currentValue").is_some()
        {
            total += amount(summary, "currentValue");
        }
    }
    total
}

/// The values are those of persons who have saved for some ten and some twenty years.
#[test]
fn the_holdings_of_a_persona_are_a_share_of_its_income() {
    let mut measured = String::new();
    let mut is_within = true;
    for name in load_shipped_personas().names() {
        let life = shipped_life(name);
        let has_holdings = life.definition.accounts.iter().any(|plan| {
            matches!(plan.content, ContentPlan::Holding { .. })
                && !matches!(plan.fi_type, FiType::Gstr1_3b | FiType::Other)
                // A policy for the term of a risk has no value.
                && !INSURANCE.contains(&plan.fi_type)
        });
        if !has_holdings {
            continue;
        }
        let (low, high) = match name {
            "salaried" => (1.8, 8.0),
            "investor" => (3.0, 18.0),
            _ => (0.3, 12.0),
        };
        for seed in SEEDS {
            for year in [2024, 2034] {
                let income = yearly_income(&life, seed, (year, 7));
                let value = total_value(&life, seed, ist_midnight(year, 7, 1));
                #[expect(clippy::cast_precision_loss, reason = "rupees are far below 2^52")]
                let pays = value.0 as f64 / income.0 as f64;
                measured += &format!("{name} {seed} {year}: {value} is {pays:.2} × {income}\n");
                is_within &= (low..=high).contains(&pays);
            }
        }
    }
    assert!(is_within, "{measured}");
    assert!(measured.contains("salaried"), "{measured}");
}

/// An amount of the persona is kept if the income pays for it, and reduced if it does not.
#[test]
fn an_amount_of_the_persona_is_kept_as_far_as_the_income_goes() {
    for (name, is_affordable) in [("nri", true), ("investor", false)] {
        let life = shipped_life(name);
        let range = life
            .definition
            .accounts
            .iter()
            .find(|plan| plan.fi_type == FiType::MutualFunds)
            .map(|plan| plan.content.clone());
        let Some(ContentPlan::Holding {
            amount: Some((low, high)),
        }) = range
        else {
            panic!("{name} gives an amount");
        };
        for seed in SEEDS {
            let account = list_accounts(&life, seed, CUSTOMER)
                .into_iter()
                .find(|account| account.fi_type == FiType::MutualFunds)
                .expect("an account of this type");
            let (from, to) = (ist_midnight(2019, 1, 1), ist_midnight(2024, 1, 1));
            let statement = statement_between(&life, seed, &account, from, to);
            let instalments: BTreeSet<Paise> = elements_named(root(&statement), "Transaction")
                .iter()
                .filter(|row| text(row, "type") == "BUY")
                .map(|row| amount(row, "amount"))
                .collect();
            if is_affordable {
                assert_eq!(instalments.len(), 1, "{instalments:?}");
                assert!(instalments.iter().all(|paid| low <= *paid && *paid <= high));
            } else {
                assert!(instalments.len() > 1, "it follows the income");
                assert!(instalments.iter().all(|paid| *paid < low), "{low}");
            }
        }
    }
}

/// A security's description, as its parts.
struct Description {
    coupon: Option<Paise>,
    kind: String,
    /// The year in the name, if it has one.
    name_year: Option<i32>,
    /// The number of days in the name, if it has one.
    days: Option<i64>,
    issued_on: NaiveDate,
    matures_on: NaiveDate,
}

fn parse_description(description: &str) -> Description {
    let pattern = Regex::new(
        r"^(?:(?<coupon>\d+\.\d\d) percent )?(?<kind>[A-Za-z ]+?)(?: (?<year>\d{4}))?(?: of (?<days>\d+) days)?, (?<issued>\d\d [A-Z][a-z]{2} \d{4}) to (?<matures>\d\d [A-Z][a-z]{2} \d{4})$",
    )
    .expect("an expression");
    let parts = pattern
        .captures(description)
        .unwrap_or_else(|| panic!("{description}"));
    let day = |name: &str| NaiveDate::parse_from_str(&parts[name], "%d %b %Y").expect("a date");
    Description {
        coupon: parts
            .name("coupon")
            .map(|coupon| Paise::parse(coupon.as_str()).expect("a rate")),
        kind: parts["kind"].to_lowercase(),
        name_year: parts
            .name("year")
            .map(|year| year.as_str().parse().expect("a year")),
        days: parts
            .name("days")
            .map(|days| days.as_str().parse().expect("days")),
        issued_on: day("issued"),
        matures_on: day("matures"),
    }
}

/// Issue, coupon, maturity and tax of a debt security are those that its description prints.
#[test]
fn the_terms_of_a_debt_security_are_those_of_its_description() {
    let fi_types = [
        FiType::Bonds,
        FiType::GovtSecurities,
        FiType::Debentures,
        FiType::Cp,
    ];
    let mut kinds = BTreeSet::new();
    for (year, month, day) in [(2021, 3, 9), (2024, 7, 1), (2031, 11, 20)] {
        let now = ist_midnight(year, month, day);
        let today = NaiveDate::from_ymd_opt(year, month, day).expect("a date");
        for (fi_type, statement) in statements_of(&fi_types, now) {
            for holding in elements_named(root(&statement), "Holding") {
                let printed = text(holding, "description");
                let description = parse_description(printed);
                let (issued_on, matures_on) =
                    (date(holding, "issueDate"), date(holding, "maturityDate"));
                assert_eq!(description.issued_on, issued_on, "{printed}");
                assert_eq!(description.matures_on, matures_on, "{printed}");
                assert!(issued_on <= today && today <= matures_on, "{printed}");
                let coupon = ["couponRate", "coupon"]
                    .iter()
                    .find(|name| holding.attribute_value(name).is_some())
                    .map(|name| amount(holding, name));
                assert_eq!(description.coupon, coupon, "{printed}");
                if let Some(year) = description.name_year {
                    assert_eq!(year, matures_on.year(), "{printed}");
                }
                if let Some(taxable) = holding.attribute_value("taxable") {
                    let is_taxable = matches!(taxable, "true" | "YES");
                    let is_tax_free = description.kind.contains("tax free");
                    assert_eq!(is_taxable, !is_tax_free, "{printed}");
                }
                let principal = ["principalAmount", "principleAmount"]
                    .iter()
                    .find(|name| holding.attribute_value(name).is_some())
                    .map(|name| amount(holding, name));
                let face_value = amount(holding, "faceValue");
                let expected = Paise(face_value.0 * units(holding, "units") / 1000);
                assert_eq!(principal, Some(expected), "{printed}");
                if fi_type == FiType::Cp {
                    let days = (matures_on - issued_on).num_days();
                    assert_eq!(description.days, Some(days), "{printed}");
                    assert!(days <= 365, "{printed}");
                } else {
                    let part = |names: &[&str]| -> u32 {
                        let name = names
                            .iter()
                            .find(|name| holding.attribute_value(name).is_some())
                            .expect("a part of the tenure");
                        text(holding, name).parse().expect("a number")
                    };
                    let months =
                        part(&["tenureYears"]) * 12 + part(&["tenureMonths", "tenureMoths"]);
                    let end = issued_on
                        + Months::new(months)
                        + chrono::Days::new(part(&["tenureDays"]).into());
                    assert_eq!(end, matures_on, "{printed}");
                }
                kinds.insert(description.kind);
            }
        }
    }
    assert!(kinds.len() >= 6, "{kinds:?}");
}

/// A security is bought while it exists, and repaid at its face value on the day on which it
/// matures. The units that are held are those that were bought and not repaid.
#[test]
fn debt_is_bought_after_its_issue_and_repaid_at_maturity() {
    let fi_types = [
        FiType::Bonds,
        FiType::GovtSecurities,
        FiType::Debentures,
        FiType::Cp,
    ];
    let mut repaid_count = 0;
    for (fi_type, statement) in statements_of(&fi_types, ist_midnight(2031, 7, 1)) {
        let mut balances = BTreeMap::<&str, i64>::new();
        let mut first_days = BTreeMap::<&str, NaiveDate>::new();
        let rows = elements_named(root(&statement), "Transaction");
        assert!(
            rows.is_sorted_by_key(|row| text(row, "transactionDateTime")),
            "{fi_type}"
        );
        for row in rows {
            let (isin, day) = (text(row, "isin"), date(row, "transactionDateTime"));
            let first_day = *first_days.entry(isin).or_insert(day);
            let balance = balances.entry(isin).or_default();
            if matches!(text(row, "type"), "BUY" | "OPENING") {
                *balance += units(row, "units");
            } else {
                *balance -= units(row, "units");
                assert_eq!(*balance, 0, "{row:?}");
                repaid_count += 1;
            }
            if fi_type == FiType::Cp {
                assert!((day - first_day).num_days() <= 365, "{row:?}");
            }
        }
        for holding in elements_named(root(&statement), "Holding") {
            let isin = text(holding, "isin");
            assert_eq!(balances.remove(isin), Some(units(holding, "units")));
            assert!(first_days[isin] >= date(holding, "issueDate"), "{isin}");
        }
        assert!(
            balances.values().all(|units| *units == 0),
            "{fi_type} {balances:?}"
        );
    }
    assert!(repaid_count > 50, "{repaid_count}");
}

/// Units of a tax saving fund (ELSS) are locked for three years from their purchase.
#[test]
fn a_tax_saving_fund_locks_the_units_of_the_last_three_years() {
    let mut free_count = 0;
    for (year, month, day) in [(2017, 2, 3), (2024, 7, 1)] {
        let today = NaiveDate::from_ymd_opt(year, month, day).expect("a date");
        let now = ist_midnight(year, month, day);
        for (_, statement) in statements_of(&[FiType::MutualFunds], now) {
            let rows = elements_named(root(&statement), "Transaction");
            for holding in elements_named(root(&statement), "Holding") {
                let locked_units = units(holding, "lockinUnits");
                assert_eq!(text(holding, "lockingUnits"), text(holding, "lockinUnits"));
                if text(holding, "schemeCategory") != "ELSS" {
                    assert_eq!(locked_units, 0, "{holding:?}");
                    continue;
                }
                let isin = text(holding, "isin");
                let own_rows = || rows.iter().filter(|row| text(row, "isin") == isin);
                let bought_after = |start: NaiveDate, end: NaiveDate| -> i64 {
                    own_rows()
                        .filter(|row| {
                            let day = date(row, "transactionDate");
                            text(row, "type") == "BUY" && start < day && day <= end
                        })
                        .map(|row| units(row, "units"))
                        .sum()
                };
                let start = today - Months::new(36);
                assert_eq!(locked_units, bought_after(start, today), "{holding:?}");
                free_count += usize::from(locked_units < units(holding, "units"));
                for sale in own_rows().filter(|row| text(row, "type") == "SELL") {
                    let day = date(sale, "transactionDate");
                    let locked = bought_after(day - Months::new(36), day);
                    assert!(units(sale, "closingUnits") >= locked, "{sale:?}");
                }
            }
        }
    }
    assert!(free_count > 0, "a holding of more than three years");
}

/// Life insurers sell life policies, and general and health insurers sell health policies. A rider
/// costs less than the policy that it belongs to.
#[test]
fn insurers_sell_policies_of_their_own_line() {
    let fi_types = [
        FiType::InsurancePolicies,
        FiType::LifeInsurance,
        FiType::GeneralInsurance,
    ];
    let mut rider_count = 0;
    for (fi_type, statement) in statements_of(&fi_types, ist_midnight(2024, 7, 1)) {
        let summary = root(&statement).find_child("Summary").expect("a summary");
        let (policy_name, insurer) = text(summary, "policyDescription")
            .split_once(" of ")
            .expect("an insurer");
        assert_eq!(policy_name, text(summary, "policyName"));
        let is_life = fi_type != FiType::GeneralInsurance;
        assert_eq!(insurer.contains(" LIFE "), is_life, "{fi_type}: {insurer}");
        for row in elements_named(root(&statement), "Transaction") {
            if text(row, "type") == "PREMIUM_PAYMENT" {
                assert!(text(row, "narration").ends_with(insurer), "{row:?}");
            }
        }
        let policy_type = text(summary, "policyType");
        if is_life {
            let of_type = [
                ("TERM", "TERM_ROP", "Term"),
                ("ENDOWMENT", "OTHERS", "Endowment"),
                ("MONEYBACK", "OTHERS", "Money Back"),
            ];
            let cover_type = text(summary, "coverType");
            assert!(
                of_type.iter().any(|(kind, cover, name)| {
                    (*kind, *cover) == (policy_type, cover_type) && policy_name.contains(name)
                }),
                "{policy_type} {cover_type} {policy_name}"
            );
        } else {
            assert_eq!(text(summary, "insuranceType"), "HEALTH");
            assert_eq!(policy_type, "INDEMNITY");
            assert!(policy_name.contains("Health"), "{policy_name}");
        }
        for rider in elements_named(root(&statement), "Rider") {
            rider_count += 1;
            let (premium, base) = (
                amount(rider, "premiumAmount"),
                amount(summary, "premiumAmount"),
            );
            assert!(premium < base, "{premium} beside {base}: {rider:?}");
            assert!(amount(rider, "sumAssured") <= amount(summary, "sumAssured"));
        }
    }
    assert!(rider_count >= 10, "{rider_count}");
}

/// The two tiers of the National Pension System have schemes of their own.
#[test]
fn the_tiers_of_a_pension_have_schemes_of_their_own() {
    for (_, statement) in statements_of(&[FiType::Nps], ist_midnight(2024, 7, 1)) {
        let mut ids = [BTreeSet::new(), BTreeSet::new()];
        for (index, tier) in ["Tier1", "Tier2"].into_iter().enumerate() {
            let suffix = ["TIER I", "TIER II"][index];
            for part in ["Holding", "SchemeTransaction"] {
                for element in elements_named(root(&statement), &format!("{tier}{part}")) {
                    let name = text(element, "schemeName");
                    assert!(name.ends_with(suffix), "{tier}: {name}");
                    ids[index].insert((text(element, "schemeId"), name));
                }
            }
            assert_eq!(ids[index].len(), 3, "{ids:?}");
        }
        let scheme_ids: BTreeSet<&str> = ids.iter().flatten().map(|(id, _)| *id).collect();
        assert_eq!(scheme_ids.len(), 6, "{ids:?}");
    }
}

/// A price is that of a day on which exchanges deal, also on a Sunday after a holiday.
#[test]
fn no_price_is_of_a_day_without_trade() {
    const PRICE_DATES: [&str; 6] = [
        "navDate",
        "lastNavDate",
        "lastTradedDate",
        "lastValuationDate",
        "tier1NAVDate",
        "tier2NAVDate",
    ];
    let mut found = BTreeSet::new();
    // 13 April 2024 was a Saturday, and 11 April Id-ul-Fitr.
    for (day, traded_on) in [(14, 12), (13, 12), (12, 12), (11, 10)] {
        let types = FiType::ALL.iter().copied();
        let types: Vec<FiType> = types
            .filter(|it| !matches!(it, FiType::Deposit | FiType::Other))
            .collect();
        for (_, statement) in statements_of(&types, ist_midnight(2024, 4, day)) {
            let mut stack = vec![root(&statement)];
            while let Some(element) = stack.pop() {
                stack.extend(&element.children);
                if element.name == "Transaction" {
                    continue;
                }
                for name in PRICE_DATES {
                    if let Some(value) = element.attribute_value(name) {
                        assert_eq!(value, format!("2024-04-{traded_on}"), "{name}");
                        found.insert(name);
                    }
                }
            }
        }
    }
    assert_eq!(found.len(), PRICE_DATES.len(), "{found:?}");
}
