//! Patterns of the transactions of bank accounts: who is paid and by which app. Each is tested with
//! several seeds.

use std::collections::{BTreeMap, BTreeSet};

use mockaa::internals::domain::account::{Account, FiType};
use mockaa::internals::domain::time::Millis;
use regex::Regex;

use crate::laws::{StatementRow, collect_rows, persona_names};
use crate::{CUSTOMER, StatementQuery, first_deposit, ist_midnight, list_accounts, shipped_life};

/// The seeds of each test.
const SEEDS: std::ops::Range<u64> = 0..5;

/// Returns the rows of one account in these years, the last one included.
fn rows_of_years(name: &str, seed: u64, account: &Account, years: (i32, i32)) -> Vec<StatementRow> {
    let life = shipped_life(name);
    let (from, to) = (
        ist_midnight(years.0, 1, 1),
        ist_midnight(years.1 + 1, 1, 1).saturating_add(Millis(-1)),
    );
    let query = StatementQuery {
        seed,
        ..StatementQuery::for_range(&life, account, from, to)
    };
    collect_rows(&query.generate_statement())
}

/// Returns the bank accounts of a persona.
fn deposits(name: &str, seed: u64) -> Vec<Account> {
    list_accounts(&shipped_life(name), seed, CUSTOMER)
        .into_iter()
        .filter(|account| account.fi_type == FiType::Deposit)
        .collect()
}

/// Returns the rows of the first bank account in these years.
fn first_rows(name: &str, seed: u64, years: (i32, i32)) -> Vec<StatementRow> {
    let account = first_deposit(&shipped_life(name), seed, CUSTOMER);
    rows_of_years(name, seed, &account, years)
}

/// Returns the percentage of `part` in `whole`.
fn percent(part: usize, whole: usize) -> usize {
    part * 100 / whole.max(1)
}

#[test]
fn the_charge_for_a_bounced_mandate_names_the_payee() {
    let payees = [
        "SAMRIDDHI FINSERVE LTD",
        "UDHAAR CAPITAL PVT LTD",
        "QUICKRIN FINTECH PVT LTD",
        "VAHAN AUTO FINANCE LTD",
        "MOCK CARDS LTD",
    ];
    let mut counts: BTreeMap<(&str, bool), u32> = BTreeMap::new();
    for seed in SEEDS {
        for row in first_rows("over-indebted", seed, (2019, 2021)) {
            if !row.narration.contains("ACH DR RTN CHGS") {
                continue;
            }
            let is_recovered = row.narration.contains("RECOVERED");
            let cause = if is_recovered {
                "RECOVERED"
            } else {
                "INSUFFICIENT FUNDS"
            };
            let payee = payees.iter().find(|payee| {
                let text = format!("RTN CHGS {payee} {cause} INCL GST");
                row.narration.contains(&text)
            });
            let payee = payee.unwrap_or_else(|| panic!("no payee in {}", row.narration));
            *counts.entry((payee, is_recovered)).or_default() += 1;
        }
    }
    for payee in payees {
        for is_recovered in [false, true] {
            assert!(counts.contains_key(&(payee, is_recovered)), "{counts:?}");
        }
    }
}

/// No customer pays or is paid by a namesake: the name of the holder is in transfers to oneself
/// only.
#[test]
fn nobody_is_their_own_counterparty() {
    let own_transfers = ["SELF", "SWEEP", "HOUSEHOLD"];
    let mut transfers = 0;
    for name in persona_names() {
        for seed in SEEDS {
            for account in deposits(&name, seed) {
                let life = shipped_life(&name);
                let statement = StatementQuery {
                    seed,
                    ..StatementQuery::for_range(
                        &life,
                        &account,
                        ist_midnight(2023, 1, 1),
                        ist_midnight(2025, 1, 1),
                    )
                }
                .generate_statement();
                let holders = statement.holders.as_ref().expect("the part was requested");
                let holder = holders.first.name.to_uppercase();
                for row in collect_rows(&statement) {
                    if row.narration.contains(&holder) {
                        assert!(
                            own_transfers
                                .iter()
                                .any(|word| row.narration.contains(word)),
                            "{name}, seed {seed}: {}",
                            row.narration
                        );
                        transfers += 1;
                    }
                }
            }
        }
    }
    assert!(transfers > 50, "{transfers}");
}

/// Five apps are in use, and the address of a counterparty is of one of them.
#[test]
fn upi_addresses_are_of_five_apps_and_a_counterparty_keeps_its_own() {
    let address =
        Regex::new(r"([^/-]+)[/-](?:MOCK/)?([a-z0-9]+\.[0-9]{3})@([a-z]+)").expect("an expression");
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut endings: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for name in persona_names() {
        for seed in SEEDS {
            for account in deposits(&name, seed) {
                for row in rows_of_years(&name, seed, &account, (2023, 2023)) {
                    let Some(parts) = address.captures(&row.narration) else {
                        continue;
                    };
                    *counts.entry(parts[3].to_owned()).or_default() += 1;
                    endings
                        .entry((parts[1].to_owned(), parts[2].to_owned()))
                        .or_default()
                        .insert(parts[3].to_owned());
                }
            }
        }
    }
    let apps: Vec<&str> = counts.keys().map(String::as_str).collect();
    let expected = ["mockapp", "mockbank", "mockpay", "mockupi", "mockwallet"];
    assert_eq!(apps, expected, "{counts:?}");
    let total: usize = counts.values().sum();
    assert!(
        counts.values().all(|count| percent(*count, total) >= 5),
        "{counts:?}"
    );
    assert!(endings.len() > 80, "{} counterparties", endings.len());
    for (counterparty, endings) in &endings {
        assert_eq!(endings.len(), 1, "{counterparty:?} has {endings:?}");
    }
    // A shop has one address, for whichever customer and account.
    let shops: BTreeSet<_> = endings
        .keys()
        .filter(|(name, _)| name == "CHAI POINT CORNER")
        .collect();
    assert_eq!(shops.len(), 1, "{shops:?}");
}
