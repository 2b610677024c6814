//! Patterns of the transactions of bank accounts: who is paid, by which app, at which hour and in
//! which month. Each is tested with several seeds.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate, Timelike};
use mockaa::internals::domain::account::{Account, FiType};
use mockaa::internals::domain::calendar::{Month, is_working_day};
use mockaa::internals::domain::money::Paise;
use mockaa::internals::domain::statement::TransactionMode;
use mockaa::internals::domain::terms::TransactionType;
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
    let own_transfers = ["SELF", "SWEEP", "HOUSEHOLD", "DRAWINGS"];
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

/// Some lunar holidays, as the government's lists have them.
const GAZETTED: [(&str, [&str; 4]); 11] = [
    (
        "Holi",
        ["2015-03-06", "2019-03-21", "2024-03-25", "2026-03-04"],
    ),
    (
        "Id-ul-Fitr",
        ["2015-07-18", "2019-06-05", "2024-04-11", "2025-03-31"],
    ),
    (
        "Mahavir Jayanti",
        ["2018-03-29", "2019-04-17", "2023-04-04", "2025-04-10"],
    ),
    (
        "Buddha Purnima",
        ["2017-05-10", "2022-05-16", "2024-05-23", "2025-05-12"],
    ),
    (
        "Id-ul-Zuha",
        ["2016-09-13", "2018-08-22", "2023-06-29", "2024-06-17"],
    ),
    (
        "Muharram",
        ["2016-10-12", "2018-09-21", "2022-08-09", "2024-07-17"],
    ),
    (
        "Janmashtami",
        ["2016-08-25", "2018-09-03", "2023-09-07", "2024-08-26"],
    ),
    (
        "Milad-un-Nabi",
        ["2018-11-21", "2021-10-19", "2023-09-28", "2025-09-05"],
    ),
    (
        "Dussehra",
        ["2015-10-22", "2018-10-19", "2023-10-24", "2026-10-20"],
    ),
    (
        "Diwali",
        ["2018-11-07", "2022-10-24", "2024-10-31", "2025-10-20"],
    ),
    (
        "Guru Nanak Jayanti",
        ["2018-11-23", "2021-11-19", "2023-11-27", "2024-11-15"],
    ),
];

/// Returns the days of [`GAZETTED`].
fn gazetted_days() -> BTreeSet<NaiveDate> {
    let days = GAZETTED.iter().flat_map(|(_, days)| days);
    days.map(|day| day.parse().expect("a date")).collect()
}

#[test]
fn banks_are_closed_on_the_holidays_of_the_lunar_calendars() {
    for date in gazetted_days() {
        assert!(!is_working_day(date), "{date}");
    }
    // Each year has its holidays, the predicted ones too.
    for year in 2015..=2035 {
        let holidays = (1..=12)
            .flat_map(|month| {
                let month = Month { year, month };
                (1..=month.num_days()).map(move |day| month.clamped_date(day))
            })
            .filter(|date| date.weekday().num_days_from_monday() < 5 && !is_working_day(*date))
            .count();
        assert!((8..=18).contains(&holidays), "{holidays} in {year}");
    }
}

#[test]
fn no_cheque_clears_on_a_holiday() {
    let holidays = gazetted_days();
    let mut cheques = 0;
    for name in [
        "small-business",
        "kirana-merchant",
        "over-indebted",
        "pensioner",
    ] {
        for seed in SEEDS {
            for row in first_rows(name, seed, (2015, 2030)) {
                if row.row.mode == TransactionMode::Cheque {
                    let date = row.row.at.ist_date();
                    assert!(
                        is_working_day(date) && !holidays.contains(&date),
                        "{name}: {row:?}"
                    );
                    cheques += 1;
                }
            }
        }
    }
    assert!(cheques > 5_000, "{cheques}");
}

/// A year's bonus is between 8 and 20 percent of the pay of that year, and the employer who pays
/// the salary pays it.
#[test]
fn employees_have_one_bonus_a_year() {
    let name_before = |narration: &str, purpose: &str| {
        let names = [
            "NIMBUS SOFTWORKS PVT LTD",
            "KESAR ANALYTICS INDIA PVT LTD",
            "TAMRA TEXTILES LTD",
            "VAYU LOGISTICS PVT LTD",
            "NEELGIRI FOODS LTD",
            "SARITA HEALTHCARE PVT LTD",
            "DHRUVA ENGINEERING WORKS LTD",
            "MAYUR PUBLISHING HOUSE",
        ];
        assert!(narration.contains(purpose));
        let name = names.iter().find(|name| narration.contains(**name));
        name.copied()
    };
    for name in [
        "salaried",
        "joint-account",
        "two-banks",
        "huge-statement",
        "over-indebted",
        "chit-fund-saver",
    ] {
        for seed in SEEDS {
            let account = first_deposit(&shipped_life(name), seed, CUSTOMER);
            for year in [2021, 2024] {
                let rows = rows_of_years(name, seed, &account, (year, year));
                let of = |purpose: &str| -> Vec<&StatementRow> {
                    rows.iter()
                        .filter(|row| {
                            row.row.transaction_type == TransactionType::Credit
                                && row.narration.contains(purpose)
                                && name_before(&row.narration, purpose).is_some()
                        })
                        .collect()
                };
                let (pay, bonus) = (of("SALARY"), of("BONUS"));
                assert_eq!((pay.len(), bonus.len()), (12, 1), "{name} {seed} {year}");
                let yearly: Paise = pay.iter().map(|row| row.row.amount).sum();
                let share = bonus[0].row.amount.0 * 1000 / yearly.0;
                assert!((80..=200).contains(&share), "{name} {seed}: {share} ‰");
                assert_eq!(
                    name_before(&bonus[0].narration, "BONUS"),
                    name_before(&pay[0].narration, "SALARY"),
                    "{name} {seed}"
                );
            }
        }
    }
}

#[test]
fn upi_is_busiest_at_nine_at_thirteen_and_at_twenty() {
    for name in [
        "salaried",
        "two-banks",
        "student",
        "gig-worker",
        "daily-wage-driver",
        "doctor",
        "education-loan",
        "kirana-merchant",
    ] {
        let mut hours = [0usize; 24];
        for seed in SEEDS {
            for account in deposits(name, seed) {
                for row in rows_of_years(name, seed, &account, (2021, 2024)) {
                    if row.row.mode == TransactionMode::Upi {
                        hours[row.row.at.ist_time().hour() as usize] += 1;
                    }
                }
            }
        }
        for peak in [9, 13, 20] {
            let around = hours[peak - 1].max(hours[peak + 1]);
            assert!(hours[peak] > around, "{name} at {peak}: {hours:?}");
        }
        let highest = hours.iter().max().expect("24 hours");
        assert!(
            hours[7] > 0 && *highest >= 3 * hours[7],
            "{name}: {hours:?}"
        );
    }
}

/// Returns whether a debit is a payment at a shop, by UPI or by card.
fn is_shop_payment(row: &StatementRow) -> bool {
    row.row.transaction_type == TransactionType::Debit
        && match row.row.mode {
            TransactionMode::Upi => row.narration.contains("PAYMENT"),
            mode => mode == TransactionMode::Card,
        }
}

#[test]
fn people_spend_more_before_diwali() {
    for name in [
        "salaried",
        "joint-account",
        "two-banks",
        "chit-fund-saver",
        "pensioner",
        "senior-annuity",
        "student",
        "gig-worker",
        "daily-wage-driver",
        "doctor",
        "education-loan",
        "over-indebted",
    ] {
        let (mut upi_counts, mut counts, mut sums) = ([0i64; 12], [0i64; 12], [0i64; 12]);
        for seed in SEEDS {
            for account in deposits(name, seed) {
                for row in rows_of_years(name, seed, &account, (2021, 2024)) {
                    let month = row.row.at.ist_date().month0() as usize;
                    let is_debit = row.row.transaction_type == TransactionType::Debit;
                    upi_counts[month] +=
                        i64::from(is_debit && row.row.mode == TransactionMode::Upi);
                    if is_shop_payment(&row) {
                        counts[month] += 1;
                        sums[month] += row.row.amount.0 / 100;
                    }
                }
            }
        }
        for months in [upi_counts, counts, sums] {
            let total: i64 = months.iter().sum();
            for month in [9, 10] {
                assert!(months[month] * 12 * 10 >= total * 12, "{name}: {months:?}");
            }
        }
    }
}

#[test]
fn shops_and_drivers_earn_more_before_diwali() {
    for name in ["kirana-merchant", "gig-worker"] {
        for seed in SEEDS {
            for year in 2021..=2025 {
                let mut sums = [0i64; 12];
                for account in deposits(name, seed) {
                    for row in rows_of_years(name, seed, &account, (year, year)) {
                        let row = &row.row;
                        let is_bank = row.mode == TransactionMode::InterestCredit
                            || row.mode == TransactionMode::Others;
                        if row.transaction_type == TransactionType::Credit && !is_bank {
                            sums[row.at.ist_date().month0() as usize] += row.amount.0 / 100;
                        }
                    }
                }
                let total: i64 = sums.iter().sum();
                for month in [9, 10] {
                    assert!(
                        sums[month] * 12 * 10 >= total * 12,
                        "{name}, {year}: {sums:?}"
                    );
                }
            }
        }
    }
}

/// Amounts that people type are round: shop payments by UPI, and what a shop receives.
#[test]
fn most_qr_payments_are_multiples_of_ten() {
    for name in [
        "salaried",
        "two-banks",
        "student",
        "gig-worker",
        "daily-wage-driver",
        "doctor",
        "education-loan",
        "kirana-merchant",
    ] {
        for seed in SEEDS {
            let rows = deposits(name, seed)
                .into_iter()
                .flat_map(|account| rows_of_years(name, seed, &account, (2023, 2024)));
            let amounts: Vec<i64> = rows
                .filter(|row| {
                    let is_receipt = name == "kirana-merchant"
                        && row.row.transaction_type == TransactionType::Credit;
                    row.row.mode == TransactionMode::Upi && (is_receipt || is_shop_payment(row))
                })
                .map(|row| row.row.amount.0)
                .collect();
            let round = amounts
                .iter()
                .filter(|amount| **amount % 1_000 == 0)
                .count();
            let share = percent(round, amounts.len());
            assert!(amounts.len() > 100, "{name}: {}", amounts.len());
            assert!((60..95).contains(&share), "{name} {seed}: {share} %");
        }
    }
}

#[test]
fn a_shop_has_regular_customers() {
    let payer = Regex::new("/([A-Z]+ [A-Z]+)/").expect("an expression");
    for seed in SEEDS {
        let rows = first_rows("kirana-merchant", seed, (2024, 2024));
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for row in &rows {
            if row.row.mode == TransactionMode::Upi
                && row.row.transaction_type == TransactionType::Credit
            {
                let name = payer.captures(&row.narration).expect("a payer");
                *counts.entry(name[1].to_owned()).or_default() += 1;
            }
        }
        let payers = counts.len();
        let mut counts: Vec<usize> = counts.into_values().collect();
        counts.sort_unstable_by(|one, other| other.cmp(one));
        let regular: usize = counts.iter().take(200).sum();
        let share = percent(regular, rows.len());
        assert!(share >= 40 && payers > 500, "{share} % of {payers} payers");
    }
}
