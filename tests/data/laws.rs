//! Laws of the bank accounts of every persona, attacked with random seeds, customers and ranges.

use std::collections::HashSet;

use chrono::{Datelike, NaiveDate};
use mockaa::domain::account::FiType;
use mockaa::domain::calendar::{Month, is_working_day};
use mockaa::domain::consent::{
    ConsentType, DataFilter, FilterCriterion, FilterOperator, TransactionType,
};
use mockaa::domain::money::Paise;
use mockaa::domain::persona::{ContentPlan, PersonaInstance};
use mockaa::domain::statement::{Row, Statement, StatementBody, TransactionMode};
use mockaa::domain::time::{Millis, Timestamp};
use proptest::prelude::*;

use crate::{Ask, CUSTOMER, day, first_deposit, held, life, shipped, summary, transactions};

/// Rows with their texts, comparable between statements.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    row: Row,
    narration: String,
    reference: String,
}

impl Told {
    fn signed(&self) -> Paise {
        self.row.signed_amount()
    }
}

fn rows(statement: &Statement) -> Vec<Told> {
    let all = transactions(statement);
    let told = |row: &Row| Told {
        row: *row,
        narration: all.narration(row).to_owned(),
        reference: all.reference(row).to_owned(),
    };
    all.rows.iter().map(told).collect()
}

/// Rows that can be compared although their texts stand in different arenas.
fn plain(rows: &[Told]) -> Vec<(u64, Timestamp, Paise, Paise, &str, &str)> {
    let plain = |told: &'_ Told| (told.row.id, told.row.at, told.signed(), told.row.balance);
    rows.iter()
        .map(|told| {
            let (id, at, signed, balance) = plain(told);
            (
                id,
                at,
                signed,
                balance,
                told.narration.as_str(),
                told.reference.as_str(),
            )
        })
        .collect()
}

fn names() -> Vec<String> {
    shipped()
        .names()
        .filter(|name| *name != "huge-statement")
        .map(str::to_owned)
        .collect()
}

/// The overdraft of a deposit, by the persona's own file.
fn limit(life: &PersonaInstance, place: usize) -> Paise {
    let deposits = life
        .definition
        .accounts
        .iter()
        .filter(|plan| plan.fi_type == FiType::Deposit);
    match &deposits.clone().nth(place).expect("it is there").content {
        ContentPlan::CashFlow(story) => story.overdraft_limit,
        ContentPlan::Imported(_) | ContentPlan::Holding { .. } => Paise(0),
    }
}

prop_compose! {
    /// A persona, a seed, a customer, and a range of up to two years somewhere between 2004 and 2036.
    fn anything()(place in 0..names().len(), seed: u64, customer in "[6-9][0-9]{9}@[a-z]{2,8}", start in 0i64..32 * 365,
        length in 0i64..730) -> (PersonaInstance, u64, String, Timestamp, Timestamp) {
        let from = day(2004, 1, 1).saturating_add(Millis(start * 86_400_000));
        (life(&names()[place]), seed, customer, from, from.saturating_add(Millis(length * 86_400_000)))
    }
}

fn ask<'a>(
    (life, seed, customer, from, to): &'a (PersonaInstance, u64, String, Timestamp, Timestamp),
    account: &'a mockaa::domain::account::Account,
) -> Ask<'a> {
    Ask {
        seed: *seed,
        customer,
        ..Ask::all(life, account, *from, *to)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn balances_add_up_to_the_paisa_and_stay_above_the_overdraft(any in anything()) {
        let deposits = held(&any.0, any.1, &any.2).into_iter().filter(|account| account.fi_type == FiType::Deposit);
        for (place, account) in deposits.enumerate() {
            let rows = rows(&ask(&any, &account).statement());
            for pair in rows.windows(2) {
                prop_assert_eq!(pair[0].row.balance + pair[1].signed(), pair[1].row.balance, "at {}", pair[1].narration);
            }
            let floor = -limit(&any.0, place);
            for told in &rows {
                prop_assert!(told.row.balance >= floor, "{}: {:?}", any.0.definition.name, told);
                prop_assert!(told.row.amount > Paise(0), "{:?}", told);
            }
        }
    }

    #[test]
    fn rows_are_in_order_unique_and_inside_the_range(any in anything()) {
        let account = first_deposit(&any.0, any.1, &any.2);
        let rows = rows(&ask(&any, &account).statement());
        prop_assert!(rows.is_sorted_by_key(|told| told.row.at), "{}", any.0.definition.name);
        prop_assert!(rows.iter().all(|told| any.3 <= told.row.at && told.row.at <= any.4));
        let ids: HashSet<_> = rows.iter().map(|told| told.row.id).collect();
        prop_assert_eq!(ids.len(), rows.len());
    }

    #[test]
    fn overlapping_statements_agree(any in anything(), cut in 0i64..730) {
        let account = first_deposit(&any.0, any.1, &any.2);
        let whole = rows(&ask(&any, &account).statement());
        let later = any.3.saturating_add(Millis(cut * 86_400_000));
        let part = rows(&Ask { range: mockaa::domain::consent::TimeRange { from: later, to: any.4 }, ..ask(&any, &account) }.statement());
        let expected: Vec<_> = whole.into_iter().filter(|told| told.row.at >= later).collect();
        prop_assert_eq!(plain(&part), plain(&expected));
    }

    #[test]
    fn nothing_happens_after_now_and_the_summary_is_the_last_balance(any in anything()) {
        let account = first_deposit(&any.0, any.1, &any.2);
        let now = any.4;
        let ask = Ask { now, ..ask(&any, &account) };
        let ask = Ask { range: mockaa::domain::consent::TimeRange { to: day(2040, 1, 1), ..ask.range }, ..ask };
        let statement = ask.statement();
        let rows = rows(&statement);
        prop_assert!(rows.iter().all(|told| told.row.at <= now));
        let summary = summary(&statement);
        if let Some(last) = rows.last() {
            prop_assert_eq!(last.row.balance, summary.balance);
        }
        let alone = Ask { consent_types: &[ConsentType::Summary], ..ask }.statement();
        prop_assert_eq!(crate::summary(&alone).balance, summary.balance);
        prop_assert_eq!(summary.balance_at, now);
    }

    #[test]
    fn a_filter_removes_rows_and_leaves_balances(any in anything(), rupees in 1i64..60_000) {
        let account = first_deposit(&any.0, any.1, &any.2);
        let filter = |operator, criterion| DataFilter { operator, criterion, value: "".into(), is_json_string: true };
        let filters = [
            filter(FilterOperator::GreaterOrEqual, FilterCriterion::Amount(Paise::from_rupees(rupees))),
            filter(FilterOperator::Equal, FilterCriterion::Type(TransactionType::Debit)),
        ];
        let whole = rows(&ask(&any, &account).statement());
        let kept = rows(&Ask { filters: &filters, ..ask(&any, &account) }.statement());
        let expected: Vec<_> = whole.into_iter().filter(|told| -told.signed() >= Paise::from_rupees(rupees)).collect();
        prop_assert_eq!(plain(&kept), plain(&expected));
    }

    /// Savings interest is a quarter's daily closing balances at the rate, in whole rupees: computed here from the rows
    /// alone.
    #[test]
    fn interest_is_that_of_the_daily_balances(place in 0..names().len(), seed: u64, year in 2013i32..2036, quarter in 0u32..4) {
        let life = life(&names()[place]);
        let account = first_deposit(&life, seed, CUSTOMER);
        let first = NaiveDate::from_ymd_opt(year, quarter * 3 + 1, 1).expect("a date");
        let last = (Month { year, month: quarter * 3 + 3 }).clamped_date(31);
        let ask = Ask { seed, ..Ask::all(&life, &account, day(2004, 1, 1), day(year + 1, 1, 1)) };
        let rows = rows(&ask.statement());
        let ContentPlan::CashFlow(story) = &life.definition.accounts[0].content else { return Ok(()) };
        let interest: Vec<_> = rows
            .iter()
            .filter(|told| told.row.mode == TransactionMode::InterestCredit && told.row.at.ist_date() == last)
            .collect();
        let opened = summary(&ask.statement()).opened_on;
        if story.overdraft_limit > Paise(0) || account.account_type.as_str() == "CURRENT" || opened >= first {
            return Ok(());
        }
        let closing = |day: NaiveDate| {
            let place = rows.partition_point(|told| told.row.at.ist_date() <= day);
            place.checked_sub(1).map_or(Paise(0), |place| rows[place].row.balance)
        };
        let days = first.pred_opt().expect("a day").iter_days().take_while(|day| *day < last);
        let products: i128 = days.map(|day| i128::from(closing(day).0)).sum();
        let expected = (products * i128::from(story.interest_bps) / 3_650_000 + 50) / 100 * 100;
        let told = interest.first().map_or(0, |told| i128::from(told.row.amount.0));
        prop_assert_eq!(told, expected, "{} {}", life.definition.name, last);
    }

    /// What a channel cannot carry, it does not; what is closed on a day does nothing then.
    #[test]
    fn channels_keep_to_their_limits_and_days(any in anything()) {
        let account = first_deposit(&any.0, any.1, &any.2);
        for told in rows(&ask(&any, &account).statement()) {
            let (amount, date) = (told.row.amount, told.row.at.ist_date());
            match told.row.mode {
                TransactionMode::Upi => {
                    prop_assert!(amount <= Paise::from_rupees(100_000), "{:?}", told);
                    prop_assert!(date >= NaiveDate::from_ymd_opt(2016, 8, 1).expect("a date"), "{:?}", told);
                }
                TransactionMode::Imps => prop_assert!(amount <= Paise::from_rupees(500_000), "{:?}", told),
                TransactionMode::Rtgs => prop_assert!(amount >= Paise::from_rupees(200_000), "{:?}", told),
                TransactionMode::Atm => {
                    prop_assert!(amount <= Paise::from_rupees(10_000) && amount.0 % 10_000 == 0, "{:?}", told);
                }
                TransactionMode::Cheque | TransactionMode::Remittance => {
                    prop_assert!(is_working_day(date), "{:?}", told);
                }
                TransactionMode::Neft if date.year() < 2019 => prop_assert!(is_working_day(date), "{:?}", told),
                TransactionMode::Nach if date.year() < 2021 => prop_assert!(is_working_day(date), "{:?}", told),
                _ => {}
            }
        }
    }
}

#[test]
fn every_year_has_its_pay_and_its_habits() {
    let life = life("salaried");
    let account = first_deposit(&life, 42, CUSTOMER);
    for year in [2014, 2018, 2020, 2024, 2026, 2035] {
        let statement = Ask::all(&life, &account, day(year, 1, 1), day(year + 1, 1, 1)).statement();
        let rows = rows(&statement);
        let count = |word: &str| {
            rows.iter()
                .filter(|told| told.narration.contains(word))
                .count()
        };
        assert_eq!(count("SALARY"), 12, "{year}");
        assert_eq!(count("SAVINGS INTEREST"), 4, "{year}");
        assert_eq!((count("RENT"), count("SIP")), (12, 12), "{year}");
        // Before there was UPI, bills were paid by card, and a card's narration does not tell what for.
        assert_eq!(count("BILL"), if year < 2017 { 0 } else { 24 }, "{year}");
        let of = |mode| rows.iter().filter(|told| told.row.mode == mode).count();
        for mode in [
            TransactionMode::Neft,
            TransactionMode::Nach,
            TransactionMode::Atm,
            TransactionMode::Card,
        ] {
            assert!(of(mode) >= 12, "{mode} in {year}: {}", of(mode));
        }
        assert!(
            (250..800).contains(&rows.len()),
            "{} rows in {year}",
            rows.len()
        );
    }
}

#[test]
fn pay_comes_on_the_last_working_day_and_rises_in_april() {
    let life = life("salaried");
    let account = first_deposit(&life, 42, CUSTOMER);
    let rows = rows(&Ask::all(&life, &account, day(2024, 1, 1), day(2025, 1, 1)).statement());
    let pay: Vec<_> = rows
        .iter()
        .filter(|told| told.narration.contains("SALARY"))
        .collect();
    let days: Vec<_> = pay
        .iter()
        .map(|told| told.row.at.ist_date().format("%m-%d").to_string())
        .collect();
    let last = [
        "01-31", "02-29", "03-30", "04-30", "05-31", "06-29", "07-31", "08-31", "09-30", "10-31",
        "11-30", "12-31",
    ];
    assert_eq!(days, last);
    let amounts: Vec<_> = pay.iter().map(|told| told.row.amount).collect();
    assert!(
        amounts[..3].iter().all(|amount| *amount == amounts[0]) && amounts[3] > amounts[0],
        "{amounts:?}"
    );
    assert!(amounts[3..].iter().all(|amount| *amount == amounts[3]));
}

/// Principal and interest of each instalment stand in its narration: interest falls, principal rises, together they are the
/// instalment.
#[test]
fn instalments_are_those_of_an_amortised_loan() {
    let life = life("joint-account");
    let account = first_deposit(&life, 7, CUSTOMER);
    let ask = Ask {
        seed: 7,
        ..Ask::all(&life, &account, day(2015, 1, 1), day(2019, 1, 1))
    };
    let rows = rows(&ask.statement());
    let told: Vec<(i64, i64, i64)> = rows
        .iter()
        .filter(|told| told.narration.contains("HOME LOAN EMI"))
        .map(|told| {
            let part = |letter: &str| {
                let from = told
                    .narration
                    .split(&format!(" {letter}"))
                    .last()
                    .expect("it has it");
                let digits: String = from
                    .chars()
                    .take_while(|c| c.is_ascii_digit() || *c == '.')
                    .collect();
                Paise::parse(&digits).expect("an amount").0
            };
            (part("P"), part("I"), told.row.amount.0)
        })
        .collect();
    assert_eq!(told.len(), 48);
    for (principal, interest, amount) in &told {
        assert_eq!(principal + interest, *amount);
    }
    for pair in told.windows(2) {
        assert!(pair[1].1 < pair[0].1 && pair[1].0 > pair[0].0, "{pair:?}");
        // 8.6 percent a year on what is left.
        let less = pair[0].0 * 860 / 120_000;
        assert!((pair[0].1 - pair[1].1 - less).abs() <= 1, "{pair:?}");
    }
}

#[test]
fn mandates_that_bounce_cost_money_and_are_presented_again() {
    let life = life("over-indebted");
    let (mut charges, mut penalties) = (0, 0);
    for seed in 0..5 {
        let account = first_deposit(&life, seed, CUSTOMER);
        let ask = Ask {
            seed,
            ..Ask::all(&life, &account, day(2019, 1, 1), day(2022, 1, 1))
        };
        let rows = rows(&ask.statement());
        for told in &rows {
            charges += usize::from(told.narration.contains("RTN CHGS"));
            penalties += usize::from(told.narration.contains("MIN BAL CHGS"));
            // Each by itself, also where it had to wait.
            let fixed = |word, rupees| {
                !told.narration.contains(word) || told.row.amount == Paise::from_rupees(rupees)
            };
            assert!(
                fixed("RTN CHGS", 295) && fixed("MIN BAL CHGS", 354),
                "{told:?}"
            );
        }
        let taken = rows.iter().filter(|told| told.narration.contains("CHGS"));
        let (count, references) = taken.fold((0, HashSet::new()), |(count, mut all), told| {
            all.insert(told.reference.clone());
            (count + 1, all)
        });
        assert_eq!(references.len(), count, "no two charges have one reference");
    }
    assert!(charges > 50, "{charges}");
    assert!(penalties > 50, "{penalties}");
}

#[test]
fn what_leaves_one_account_of_a_customer_comes_to_the_other() {
    let life = life("two-banks");
    for seed in 0..5 {
        let sides = held(&life, seed, CUSTOMER).into_iter().map(|account| {
            let ask = Ask {
                seed,
                ..Ask::all(&life, &account, day(2019, 1, 1), day(2024, 1, 1))
            };
            let of = rows(&ask.statement())
                .into_iter()
                .filter(|told| told.narration.contains("HOUSEHOLD"));
            of.map(|told| (told.row.at, told.signed(), told.reference))
                .collect::<Vec<_>>()
        });
        let [went, came] = <[_; 2]>::try_from(sides.collect::<Vec<_>>()).expect("two accounts");
        assert_eq!(went.len(), 60);
        let mirrored: Vec<_> = went
            .into_iter()
            .map(|(at, signed, reference)| (at, -signed, reference))
            .collect();
        assert_eq!(mirrored, came);
    }
}

#[test]
fn exchanges_rest_on_saturdays_and_deal_in_steps() {
    let life = life("investor");
    for account in held(&life, 42, CUSTOMER) {
        if !matches!(
            account.fi_type,
            FiType::Equities | FiType::Etf | FiType::MutualFunds | FiType::Reit
        ) {
            continue;
        }
        let statement = Ask::all(&life, &account, day(2019, 1, 1), day(2024, 1, 1)).statement();
        let StatementBody::Other(document) = &statement.body else {
            panic!("it is no bank account")
        };
        let mut rows = 0;
        let mut look = vec![&document.root];
        while let Some(element) = look.pop() {
            look.extend(&element.children);
            if element.name != "Transaction" {
                continue;
            }
            rows += 1;
            let at = [
                "transactionDateTime",
                "allocationDateTime",
                "navDate",
                "transactionDate",
            ];
            if let Some(day) = at
                .iter()
                .find_map(|name| element.attribute_value(name))
                .and_then(|at| at[..10].parse::<NaiveDate>().ok())
            {
                assert!(
                    !matches!(day.weekday(), chrono::Weekday::Sat | chrono::Weekday::Sun),
                    "{}: {day}",
                    account.fi_type
                );
            }
            if account.fi_type == FiType::Equities {
                let rate = element.attribute_value("rate").expect("it has one");
                let (_, decimals) = rate.split_once('.').expect("decimals");
                let decimals: u32 = format!("{decimals:0<4}").parse().expect("digits");
                assert_eq!(decimals % 500, 0, "{rate}");
            }
        }
        assert!(rows > 10, "{}: {rows}", account.fi_type);
    }
}

#[test]
fn a_firms_returns_are_those_of_the_firm_that_holds_the_account() {
    let life = life("small-business");
    for seed in 0..5 {
        let of = |kind| {
            held(&life, seed, CUSTOMER)
                .into_iter()
                .find(|account| account.fi_type == kind)
                .expect("it has one")
        };
        let told = |account| {
            Ask {
                seed,
                ..Ask::all(&life, account, day(2023, 1, 1), day(2024, 1, 1))
            }
            .statement()
        };
        let (deposit, registration) = (of(FiType::Deposit), of(FiType::Gstr1_3b));
        let holder = told(&deposit)
            .holders
            .expect("they were asked for")
            .first
            .name;
        let StatementBody::Other(returns) = told(&registration).body else {
            panic!("it is no bank account")
        };
        assert!(
            format!("{returns:?}").contains(&format!("(\"lgnm\", \"{holder}\")")),
            "{holder}"
        );
    }
}

#[test]
fn what_circulates_comes_back_within_days() {
    let life = life("circular-transactions");
    let account = first_deposit(&life, 3, CUSTOMER);
    let ask = Ask {
        seed: 3,
        ..Ask::all(&life, &account, day(2022, 1, 1), day(2023, 1, 1))
    };
    let rows = rows(&ask.statement());
    let came: Vec<_> = rows
        .iter()
        .filter(|told| told.narration.contains("ADVANCE"))
        .collect();
    let went = rows.iter().filter(|told| {
        told.narration.contains("PURCHASE") && told.row.amount > Paise::from_rupees(100_000)
    });
    assert!(came.len() >= 20, "{}", came.len());
    let went: Vec<_> = went.collect();
    let returned = came.iter().filter(|one| {
        went.iter().any(|other| {
            let days = (other.row.at.ist_date() - one.row.at.ist_date()).num_days();
            (0..=5).contains(&days) && other.row.amount.0 * 100 >= one.row.amount.0 * 97
        })
    });
    assert!(returned.count() * 10 >= came.len() * 9);
}

#[test]
fn before_the_account_was_opened_there_is_nothing() {
    for name in names() {
        let life = life(&name);
        let account = first_deposit(&life, 42, CUSTOMER);
        let statement = Ask::all(&life, &account, day(1971, 1, 1), day(1985, 1, 1)).statement();
        assert!(rows(&statement).is_empty(), "{name}");
    }
}

/// An account that was opened two months before its first use has two months to tell, whenever it is asked.
#[test]
fn relative_dates_count_from_the_first_use() {
    let life = life("new-account");
    let account = first_deposit(&life, 42, CUSTOMER);
    let ask = Ask {
        now: day(2024, 6, 15),
        ..Ask::all(&life, &account, day(2023, 6, 15), day(2024, 6, 15))
    };
    let statement = ask.statement();
    assert_eq!(summary(&statement).opened_on.to_string(), "2024-04-15");
    let rows = rows(&statement);
    assert!(
        rows[0].narration.contains("OPENING DEPOSIT"),
        "{:?}",
        rows[0]
    );
    assert_eq!(rows[0].row.balance, rows[0].row.amount);
    let later = Ask {
        now: day(2026, 1, 1),
        ..ask
    }
    .statement();
    assert_eq!(summary(&later).opened_on, summary(&statement).opened_on);
}

#[test]
fn a_dormant_account_has_interest_and_nothing_else() {
    let life = life("dormant-account");
    let account = first_deposit(&life, 42, CUSTOMER);
    let statement = Ask::all(&life, &account, day(2020, 1, 1), day(2022, 1, 1)).statement();
    assert!(!summary(&statement).active);
    let rows = rows(&statement);
    assert_eq!(rows.len(), 8);
    assert!(
        rows.iter()
            .all(|told| told.row.mode == TransactionMode::InterestCredit)
    );
}

#[test]
fn consent_types_decide_which_parts_are_told() {
    let life = life("salaried");
    let account = first_deposit(&life, 42, CUSTOMER);
    for part in ConsentType::ALL {
        let consent_types = &[*part];
        let statement = Ask {
            consent_types,
            ..Ask::all(&life, &account, day(2020, 1, 1), day(2020, 2, 1))
        }
        .statement();
        let bank = statement.as_bank().expect("a bank account");
        let told = (
            statement.holders.is_some(),
            bank.summary.is_some(),
            bank.transactions.is_some(),
        );
        let expected = (
            *part == ConsentType::Profile,
            *part == ConsentType::Summary,
            *part == ConsentType::Transactions,
        );
        assert_eq!(told, expected);
    }
}

/// A year of the life that makes statements huge has some 100,000 rows, and its balances add up like any other's.
#[test]
fn a_huge_statement_is_huge_and_adds_up() {
    let life = life("huge-statement");
    let account = first_deposit(&life, 42, CUSTOMER);
    let ask = Ask {
        now: day(2025, 1, 1),
        ..Ask::all(&life, &account, day(2023, 1, 1), day(2024, 1, 1))
    };
    let statement = ask.statement();
    let rows: &[Row] = &transactions(&statement).rows;
    assert!((99_000..=101_000).contains(&rows.len()), "{}", rows.len());
    for pair in rows.windows(2) {
        assert_eq!(pair[0].balance + pair[1].signed_amount(), pair[1].balance);
    }
    assert!(rows.iter().all(|row| row.balance.0 >= 0));
}
