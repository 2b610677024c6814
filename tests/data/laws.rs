//! Invariants of the bank accounts of every persona, tested with random seeds, customers and
//! ranges.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{Datelike, NaiveDate};
use mockaa::internals::domain::account::FiType;
use mockaa::internals::domain::calendar::{Month, is_working_day};
use mockaa::internals::domain::money::Paise;
use mockaa::internals::domain::narration_layout::NarrationLayout;
use mockaa::internals::domain::participants::Participants;
use mockaa::internals::domain::persona::{ContentPlan, PersonaInstance};
use mockaa::internals::domain::statement::{Row, Statement, StatementBody, TransactionMode};
use mockaa::internals::domain::terms::{
    ConsentType, DataFilter, FilterCriterion, FilterOperator, TransactionType,
};
use mockaa::internals::domain::time::{Millis, Timestamp};
use proptest::prelude::*;
use regex::Regex;

use crate::{
    CUSTOMER, StatementQuery, first_deposit, ist_midnight, list_accounts, load_shipped_personas,
    shipped_life, summary, test_participants, transactions,
};

/// A row with its texts, comparable between statements.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StatementRow {
    pub(crate) row: Row,
    pub(crate) narration: String,
    reference: String,
}

impl StatementRow {
    pub(crate) fn signed_amount(&self) -> Paise {
        self.row.signed_amount()
    }
}

pub(crate) fn collect_rows(statement: &Statement) -> Vec<StatementRow> {
    let all = transactions(statement);
    let with_texts = |row: &Row| StatementRow {
        row: *row,
        narration: all.narration(row).to_owned(),
        reference: all.reference(row).to_owned(),
    };
    all.rows.iter().map(with_texts).collect()
}

/// Returns the rows in a form that can be compared although their texts belong to different
/// statements.
fn comparable_rows(rows: &[StatementRow]) -> Vec<(u64, Timestamp, Paise, Paise, &str, &str)> {
    rows.iter()
        .map(|row| {
            (
                row.row.id,
                row.row.at,
                row.signed_amount(),
                row.row.balance,
                row.narration.as_str(),
                row.reference.as_str(),
            )
        })
        .collect()
}

pub(crate) fn persona_names() -> Vec<String> {
    load_shipped_personas()
        .names()
        .filter(|name| *name != "huge-statement")
        .map(str::to_owned)
        .collect()
}

/// Returns the overdraft limit of a deposit account, from the persona's own file.
fn overdraft_limit(life: &PersonaInstance, index: usize) -> Paise {
    let deposits = life
        .definition
        .accounts
        .iter()
        .filter(|plan| plan.fi_type == FiType::Deposit);
    match &deposits
        .clone()
        .nth(index)
        .expect("an account plan")
        .content
    {
        ContentPlan::CashFlow(cash_flow) => cash_flow.overdraft_limit,
        ContentPlan::Imported(_) | ContentPlan::Holding { .. } => Paise(0),
    }
}

prop_compose! {
    /// A persona, a seed, a customer, and a range of up to two years between 2004 and 2036.
    fn any_statement_case()(index in 0..persona_names().len(), seed: u64, customer in "[6-9][0-9]{9}@[a-z]{2,8}", start in 0i64..32 * 365,
        length in 0i64..730) -> (PersonaInstance, u64, String, Timestamp, Timestamp) {
        let from = ist_midnight(2004, 1, 1).saturating_add(Millis(start * 86_400_000));
        (shipped_life(&persona_names()[index]), seed, customer, from, from.saturating_add(Millis(length * 86_400_000)))
    }
}

fn query_for<'a>(
    (life, seed, customer, from, to): &'a (PersonaInstance, u64, String, Timestamp, Timestamp),
    account: &'a mockaa::internals::domain::account::Account,
) -> StatementQuery<'a> {
    StatementQuery {
        seed: *seed,
        customer,
        ..StatementQuery::for_range(life, account, *from, *to)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn balances_add_up_to_the_paisa_and_stay_above_the_overdraft(any in any_statement_case()) {
        let deposits = list_accounts(&any.0, any.1, &any.2).into_iter().filter(|account| account.fi_type == FiType::Deposit);
        for (index, account) in deposits.enumerate() {
            let rows = collect_rows(&query_for(&any, &account).generate_statement());
            for pair in rows.windows(2) {
                prop_assert_eq!(pair[0].row.balance + pair[1].signed_amount(), pair[1].row.balance, "at {}", pair[1].narration);
            }
            let floor = -overdraft_limit(&any.0, index);
            for row in &rows {
                prop_assert!(row.row.balance >= floor, "{}: {:?}", any.0.definition.name, row);
                prop_assert!(row.row.amount > Paise(0), "{:?}", row);
            }
        }
    }

    #[test]
    fn rows_are_in_order_unique_and_inside_the_range(any in any_statement_case()) {
        let account = first_deposit(&any.0, any.1, &any.2);
        let rows = collect_rows(&query_for(&any, &account).generate_statement());
        prop_assert!(rows.is_sorted_by_key(|row| row.row.at), "{}", any.0.definition.name);
        prop_assert!(rows.iter().all(|row| any.3 <= row.row.at && row.row.at <= any.4));
        let ids: HashSet<_> = rows.iter().map(|row| row.row.id).collect();
        prop_assert_eq!(ids.len(), rows.len());
    }

    #[test]
    fn overlapping_statements_agree(any in any_statement_case(), cut in 0i64..730) {
        let account = first_deposit(&any.0, any.1, &any.2);
        let whole = collect_rows(&query_for(&any, &account).generate_statement());
        let later = any.3.saturating_add(Millis(cut * 86_400_000));
        let part = collect_rows(&StatementQuery { range: mockaa::internals::domain::terms::TimeRange { from: later, to: any.4 }, ..query_for(&any, &account) }.generate_statement());
        let expected: Vec<_> = whole.into_iter().filter(|row| row.row.at >= later).collect();
        prop_assert_eq!(comparable_rows(&part), comparable_rows(&expected));
    }

    #[test]
    fn nothing_happens_after_now_and_the_summary_is_the_last_balance(any in any_statement_case()) {
        let account = first_deposit(&any.0, any.1, &any.2);
        let now = any.4;
        let query = StatementQuery { now, ..query_for(&any, &account) };
        let query = StatementQuery { range: mockaa::internals::domain::terms::TimeRange { to: ist_midnight(2040, 1, 1), ..query.range }, ..query };
        let statement = query.generate_statement();
        let rows = collect_rows(&statement);
        prop_assert!(rows.iter().all(|row| row.row.at <= now));
        let summary = summary(&statement);
        if let Some(last) = rows.last() {
            prop_assert_eq!(last.row.balance, summary.balance);
        }
        let summary_only = StatementQuery { consent_types: &[ConsentType::Summary], ..query }.generate_statement();
        prop_assert_eq!(crate::summary(&summary_only).balance, summary.balance);
        prop_assert_eq!(summary.balance_at, now);
    }

    #[test]
    fn a_filter_removes_rows_and_leaves_balances(any in any_statement_case(), rupees in 1i64..60_000) {
        let account = first_deposit(&any.0, any.1, &any.2);
        let filter = |operator, criterion| DataFilter { operator, criterion, value: "".into(), is_json_string: true };
        let filters = [
            filter(FilterOperator::GreaterOrEqual, FilterCriterion::Amount(Paise::from_rupees(rupees))),
            filter(FilterOperator::Equal, FilterCriterion::Type(TransactionType::Debit)),
        ];
        let whole = collect_rows(&query_for(&any, &account).generate_statement());
        let filtered = collect_rows(&StatementQuery { filters: &filters, ..query_for(&any, &account) }.generate_statement());
        let expected: Vec<_> = whole.into_iter().filter(|row| -row.signed_amount() >= Paise::from_rupees(rupees)).collect();
        prop_assert_eq!(comparable_rows(&filtered), comparable_rows(&expected));
    }

    /// Savings interest is the sum of a quarter's daily closing balances times the rate, in whole
    /// rupees; computed here from the rows alone.
    #[test]
    fn interest_is_that_of_the_daily_balances(index in 0..persona_names().len(), seed: u64, year in 2013i32..2036, quarter in 0u32..4) {
        let life = shipped_life(&persona_names()[index]);
        let account = first_deposit(&life, seed, CUSTOMER);
        let first = NaiveDate::from_ymd_opt(year, quarter * 3 + 1, 1).expect("a date");
        let last = (Month { year, month: quarter * 3 + 3 }).clamped_date(31);
        let query = StatementQuery { seed, ..StatementQuery::for_range(&life, &account, ist_midnight(2004, 1, 1), ist_midnight(year + 1, 1, 1)) };
        let rows = collect_rows(&query.generate_statement());
        let ContentPlan::CashFlow(cash_flow) = &life.definition.accounts[0].content else { return Ok(()) };
        let interest: Vec<_> = rows
            .iter()
            .filter(|row| row.row.mode == TransactionMode::InterestCredit && row.row.at.ist_date() == last)
            .collect();
        let opened = summary(&query.generate_statement()).opened_on.expect("it is generated");
        if cash_flow.overdraft_limit > Paise(0) || account.account_type.as_str() == "CURRENT" || opened >= first {
            return Ok(());
        }
        let days = first.pred_opt().expect("a day").iter_days().take_while(|day| *day < last);
        let products: i128 = days
            .map(|day| {
                let index = rows.partition_point(|row| row.row.at.ist_date() <= day);
                index.checked_sub(1).map_or(0, |index| i128::from(rows[index].row.balance.0))
            })
            .sum();
        let expected = (products * i128::from(cash_flow.interest_bps) / 3_650_000 + 50) / 100 * 100;
        let credited = interest.first().map_or(0, |row| i128::from(row.row.amount.0));
        prop_assert_eq!(credited, expected, "{} {}", life.definition.name, last);
    }

    #[test]
    fn channels_keep_to_their_limits_and_days(any in any_statement_case()) {
        let account = first_deposit(&any.0, any.1, &any.2);
        expect_open_channels(&collect_rows(&query_for(&any, &account).generate_statement()));
    }
}

/// Amounts respect the limits of their channel, and a channel has no transactions on days on which it is
/// closed.
fn expect_open_channels(rows: &[StatementRow]) {
    for row in rows {
        let (amount, date) = (row.row.amount, row.row.at.ist_date());
        let is_possible = match row.row.mode {
            TransactionMode::Upi => {
                amount <= Paise::from_rupees(100_000)
                    && date >= NaiveDate::from_ymd_opt(2016, 8, 1).expect("a date")
            }
            TransactionMode::Imps => amount <= Paise::from_rupees(500_000),
            TransactionMode::Rtgs => amount >= Paise::from_rupees(200_000),
            TransactionMode::Atm => amount <= Paise::from_rupees(10_000) && amount.0 % 10_000 == 0,
            TransactionMode::Cheque | TransactionMode::Remittance => is_working_day(date),
            TransactionMode::Neft if date.year() < 2019 => is_working_day(date),
            TransactionMode::Nach if date.year() < 2021 => is_working_day(date),
            _ => true,
        };
        assert!(is_possible, "{row:?}");
    }
}

/// What an insurer pays falls due on any day, and is paid when banks are open.
#[test]
fn banks_keep_to_their_days_for_policies_of_many_customers() {
    let life = shipped_life("pensioner");
    for seed in 0..60 {
        let account = first_deposit(&life, seed, CUSTOMER);
        let (from, to) = (ist_midnight(2006, 1, 1), ist_midnight(2020, 1, 1));
        let query = StatementQuery {
            seed,
            ..StatementQuery::for_range(&life, &account, from, to)
        };
        expect_open_channels(&collect_rows(&query.generate_statement()));
    }
}

#[test]
fn every_year_has_its_salary_and_regular_payments() {
    let life = shipped_life("salaried");
    let account = first_deposit(&life, 42, CUSTOMER);
    for year in [2014, 2018, 2020, 2024, 2026, 2035] {
        let statement = StatementQuery::for_range(
            &life,
            &account,
            ist_midnight(year, 1, 1),
            ist_midnight(year + 1, 1, 1),
        )
        .generate_statement();
        let rows = collect_rows(&statement);
        let count = |word: &str| {
            rows.iter()
                .filter(|row| row.narration.contains(word))
                .count()
        };
        assert_eq!(count("SALARY"), 12, "{year}");
        assert_eq!(count("SAVINGS INTEREST"), 4, "{year}");
        assert_eq!(count("RENT"), 12, "{year}");
        // Three funds and two of a SIP account, all opened by 2019.
        if year >= 2020 {
            assert_eq!(count("SIP ") + count("MF REDEMPTION"), 60, "{year}");
        }
        // Before UPI existed, bills were paid by card, and a card narration does not contain the
        // purpose.
        assert_eq!(count("BILL"), if year < 2017 { 0 } else { 24 }, "{year}");
        let count_mode = |mode| rows.iter().filter(|row| row.row.mode == mode).count();
        for mode in [
            TransactionMode::Neft,
            TransactionMode::Nach,
            TransactionMode::Atm,
            TransactionMode::Card,
        ] {
            assert!(
                count_mode(mode) >= 12,
                "{mode} in {year}: {}",
                count_mode(mode)
            );
        }
        assert!(
            (250..800).contains(&rows.len()),
            "{} rows in {year}",
            rows.len()
        );
    }
}

fn mean(amounts: &[i64]) -> i64 {
    amounts.iter().sum::<i64>() / i64::try_from(amounts.len()).expect("twelve")
}

#[test]
fn pay_comes_on_the_last_working_day_and_rises_in_april() {
    let life = shipped_life("salaried");
    let account = first_deposit(&life, 42, CUSTOMER);
    let rows = collect_rows(
        &StatementQuery::for_range(
            &life,
            &account,
            ist_midnight(2024, 1, 1),
            ist_midnight(2025, 1, 1),
        )
        .generate_statement(),
    );
    let pay: Vec<_> = rows
        .iter()
        .filter(|row| row.narration.contains("SALARY"))
        .collect();
    let days: Vec<_> = pay
        .iter()
        .map(|row| row.row.at.ist_date().format("%m-%d").to_string())
        .collect();
    // 31 October was Diwali.
    let last = [
        "01-31", "02-29", "03-30", "04-30", "05-31", "06-29", "07-31", "08-31", "09-30", "10-30",
        "11-30", "12-31",
    ];
    assert_eq!(days, last);
    // The pay of a month is within 2 % of that of the year, which rises by 6 %.
    let amounts: Vec<_> = pay.iter().map(|row| row.row.amount.0).collect();
    let (before, after) = amounts.split_at(3);
    for year in [before, after] {
        let usual = mean(year);
        assert!(
            year.iter()
                .all(|amount| (amount - usual).abs() * 100 <= usual * 4),
            "{year:?}"
        );
        assert!(year.windows(2).all(|pair| pair[0] != pair[1]), "{year:?}");
    }
    assert!(mean(after) * 100 > mean(before) * 103, "{amounts:?}");
}

/// Each instalment's narration contains its principal and interest: interest falls, principal
/// rises, and they add up to the instalment.
#[test]
fn instalments_are_those_of_an_amortised_loan() {
    let life = shipped_life("joint-account");
    let account = first_deposit(&life, 7, CUSTOMER);
    let query = StatementQuery {
        seed: 7,
        ..StatementQuery::for_range(
            &life,
            &account,
            ist_midnight(2015, 1, 1),
            ist_midnight(2019, 1, 1),
        )
    };
    let rows = collect_rows(&query.generate_statement());
    let instalments: Vec<(i64, i64, i64)> = rows
        .iter()
        .filter(|row| row.narration.contains("HOME LOAN EMI"))
        .map(|row| {
            let part = |letter: &str| {
                let from = row
                    .narration
                    .split(&format!(" {letter}"))
                    .last()
                    .expect("the narration has this part");
                let digits: String = from
                    .chars()
                    .take_while(|c| c.is_ascii_digit() || *c == '.')
                    .collect();
                Paise::parse(&digits).expect("an amount").0
            };
            (part("P"), part("I"), row.row.amount.0)
        })
        .collect();
    assert_eq!(instalments.len(), 48);
    for (principal, interest, amount) in &instalments {
        assert_eq!(principal + interest, *amount);
    }
    for pair in instalments.windows(2) {
        assert!(pair[1].1 < pair[0].1 && pair[1].0 > pair[0].0, "{pair:?}");
        // 8.6 percent a year on the remaining balance.
        let less = pair[0].0 * 860 / 120_000;
        assert!((pair[0].1 - pair[1].1 - less).abs() <= 1, "{pair:?}");
    }
}

#[test]
fn mandates_that_bounce_cost_money_and_are_presented_again() {
    let life = shipped_life("over-indebted");
    let (mut charges, mut penalties) = (0, 0);
    for seed in 0..5 {
        let account = first_deposit(&life, seed, CUSTOMER);
        let query = StatementQuery {
            seed,
            ..StatementQuery::for_range(
                &life,
                &account,
                ist_midnight(2019, 1, 1),
                ist_midnight(2022, 1, 1),
            )
        };
        let rows = collect_rows(&query.generate_statement());
        for row in &rows {
            charges += usize::from(row.narration.contains("RTN CHGS"));
            penalties += usize::from(row.narration.contains("MIN BAL CHGS"));
            // Each charge has its own row, even if it was collected later.
            let has_fixed_amount = |word, rupees| {
                !row.narration.contains(word) || row.row.amount == Paise::from_rupees(rupees)
            };
            assert!(
                has_fixed_amount("RTN CHGS", 295) && has_fixed_amount("MIN BAL CHGS", 354),
                "{row:?}"
            );
        }
        let charge_rows = rows.iter().filter(|row| row.narration.contains("CHGS"));
        let (count, references) = charge_rows.fold((0, HashSet::new()), |(count, mut all), row| {
            all.insert(row.reference.clone());
            (count + 1, all)
        });
        assert_eq!(references.len(), count, "references of charges are unique");
    }
    assert!(charges > 50, "{charges}");
    assert!(penalties > 50, "{penalties}");
}

#[test]
fn what_leaves_one_account_of_a_customer_comes_to_the_other() {
    for (name, purpose) in [("two-banks", "HOUSEHOLD"), ("doctor", "DRAWINGS")] {
        let life = shipped_life(name);
        for seed in 0..5 {
            let sides = list_accounts(&life, seed, CUSTOMER)
                .into_iter()
                .filter(|account| account.fi_type == FiType::Deposit)
                .map(|account| {
                    let query = StatementQuery {
                        seed,
                        ..StatementQuery::for_range(
                            &life,
                            &account,
                            ist_midnight(2019, 1, 1),
                            ist_midnight(2024, 1, 1),
                        )
                    };
                    let transfers = collect_rows(&query.generate_statement())
                        .into_iter()
                        .filter(|row| row.narration.contains(purpose));
                    transfers
                        .map(|row| (row.row.at, row.signed_amount(), row.reference))
                        .collect::<Vec<_>>()
                });
            let [outgoing, incoming] =
                <[_; 2]>::try_from(sides.collect::<Vec<_>>()).expect("two accounts");
            assert_eq!(outgoing.len(), 60, "{name}, seed {seed}");
            let mirrored: Vec<_> = outgoing
                .into_iter()
                .map(|(at, signed, reference)| (at, -signed, reference))
                .collect();
            assert_eq!(mirrored, incoming, "{name}, seed {seed}");
        }
    }
}

#[test]
fn exchanges_close_on_weekends_and_trade_in_price_steps() {
    let life = shipped_life("investor");
    for account in list_accounts(&life, 42, CUSTOMER) {
        if !matches!(
            account.fi_type,
            FiType::Equities | FiType::Etf | FiType::MutualFunds | FiType::Reit
        ) {
            continue;
        }
        let statement = StatementQuery::for_range(
            &life,
            &account,
            ist_midnight(2019, 1, 1),
            ist_midnight(2024, 1, 1),
        )
        .generate_statement();
        let StatementBody::Other(document) = &statement.body else {
            panic!("expected another kind than a bank account")
        };
        let mut rows = 0;
        let mut stack = vec![&document.root];
        while let Some(element) = stack.pop() {
            stack.extend(&element.children);
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
                let rate = element.attribute_value("rate").expect("a rate");
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
    let life = shipped_life("small-business");
    for seed in 0..5 {
        let account_of = |kind| {
            list_accounts(&life, seed, CUSTOMER)
                .into_iter()
                .find(|account| account.fi_type == kind)
                .expect("an account of this type")
        };
        let statement_of = |account| {
            StatementQuery {
                seed,
                ..StatementQuery::for_range(
                    &life,
                    account,
                    ist_midnight(2023, 1, 1),
                    ist_midnight(2024, 1, 1),
                )
            }
            .generate_statement()
        };
        let (deposit, registration) = (account_of(FiType::Deposit), account_of(FiType::Gstr1_3b));
        let holder = statement_of(&deposit)
            .holders
            .expect("the part was requested")
            .first
            .name;
        let StatementBody::Other(returns) = statement_of(&registration).body else {
            panic!("expected another kind than a bank account")
        };
        assert!(
            format!("{returns:?}").contains(&format!("(\"lgnm\", \"{holder}\")")),
            "{holder}"
        );
    }
}

#[test]
fn what_circulates_comes_back_within_days() {
    let life = shipped_life("circular-transactions");
    let account = first_deposit(&life, 3, CUSTOMER);
    let query = StatementQuery {
        seed: 3,
        ..StatementQuery::for_range(
            &life,
            &account,
            ist_midnight(2022, 1, 1),
            ist_midnight(2023, 1, 1),
        )
    };
    let rows = collect_rows(&query.generate_statement());
    let credits: Vec<_> = rows
        .iter()
        .filter(|row| row.narration.contains("ADVANCE"))
        .collect();
    let debits = rows.iter().filter(|row| {
        row.narration.contains("PURCHASE") && row.row.amount > Paise::from_rupees(100_000)
    });
    assert!(credits.len() >= 20, "{}", credits.len());
    let debits: Vec<_> = debits.collect();
    let returned = credits.iter().filter(|credit| {
        debits.iter().any(|debit| {
            let days = (debit.row.at.ist_date() - credit.row.at.ist_date()).num_days();
            (0..=5).contains(&days) && debit.row.amount.0 * 100 >= credit.row.amount.0 * 97
        })
    });
    assert!(returned.count() * 10 >= credits.len() * 9);
}

/// Returns the shipped participants; all FIPs have this layout.
fn participants_with(layout: NarrationLayout) -> Participants {
    let mut participants = test_participants().clone();
    for fip in &mut participants.fips {
        Arc::make_mut(fip).narration = layout;
    }
    participants
}

/// A layout and a FIP change the words of a statement, and nothing else. Each branch code in them
/// has the form of the Reserve Bank: four letters, zero, six characters.
#[test]
fn a_layout_changes_the_narrations_only() {
    let code = Regex::new(r"\bMOCK0[0-9A-Z]*\b").expect("an expression");
    let ifsc = Regex::new("^[A-Z]{4}0[A-Z0-9]{6}$").expect("an expression");
    let mut codes = 0;
    for name in persona_names() {
        let life = shipped_life(&name);
        let mut moved = life.clone();
        for plan in &mut Arc::make_mut(&mut moved.definition).accounts {
            plan.fip_index = 3;
        }
        let account = first_deposit(&life, 42, CUSTOMER);
        let moved_account = first_deposit(&moved, 42, CUSTOMER);
        assert_eq!(&*moved_account.fip, "ACME-FIP");
        let (from, to) = (ist_midnight(2024, 4, 1), ist_midnight(2024, 5, 1));
        let rows_of = |query: &StatementQuery<'_>| collect_rows(&query.generate_statement());
        let expected = rows_of(&StatementQuery::for_range(&life, &account, from, to));
        let query = StatementQuery::for_range(&moved, &moved_account, from, to);
        for layout in NarrationLayout::ALL {
            let participants = participants_with(*layout);
            let rows = rows_of(&StatementQuery {
                participants: &participants,
                ..query
            });
            assert_eq!(rows.len(), expected.len(), "{name} in {layout}");
            for (row, expected) in rows.iter().zip(&expected) {
                assert_eq!(
                    (
                        row.row.at,
                        row.signed_amount(),
                        row.row.balance,
                        &row.reference
                    ),
                    (
                        expected.row.at,
                        expected.signed_amount(),
                        expected.row.balance,
                        &expected.reference
                    ),
                    "{name} in {layout}"
                );
                let text = row.narration.replace(&row.reference, "");
                for word in code.find_iter(&text) {
                    assert!(ifsc.is_match(word.as_str()), "{layout}: {}", row.narration);
                    codes += 1;
                }
            }
        }
    }
    assert!(codes > 1_000, "{codes} codes");
}

#[test]
fn before_the_account_was_opened_there_is_nothing() {
    for name in persona_names() {
        let life = shipped_life(&name);
        let account = first_deposit(&life, 42, CUSTOMER);
        let statement = StatementQuery::for_range(
            &life,
            &account,
            ist_midnight(1971, 1, 1),
            ist_midnight(1985, 1, 1),
        )
        .generate_statement();
        assert!(collect_rows(&statement).is_empty(), "{name}");
    }
}

/// An account that was opened two months before its first use has two months of transactions, at
/// any later time.
#[test]
fn relative_dates_count_from_the_first_use() {
    let life = shipped_life("new-account");
    let account = first_deposit(&life, 42, CUSTOMER);
    let query = StatementQuery {
        now: ist_midnight(2024, 6, 15),
        ..StatementQuery::for_range(
            &life,
            &account,
            ist_midnight(2023, 6, 15),
            ist_midnight(2024, 6, 15),
        )
    };
    let statement = query.generate_statement();
    assert_eq!(
        summary(&statement)
            .opened_on
            .map(|day| day.to_string())
            .as_deref(),
        Some("2024-04-15")
    );
    let rows = collect_rows(&statement);
    assert!(
        rows[0].narration.contains("OPENING DEPOSIT"),
        "{:?}",
        rows[0]
    );
    assert_eq!(rows[0].row.balance, rows[0].row.amount);
    let later = StatementQuery {
        now: ist_midnight(2026, 1, 1),
        ..query
    }
    .generate_statement();
    assert_eq!(summary(&later).opened_on, summary(&statement).opened_on);
}

#[test]
fn a_dormant_account_has_interest_and_nothing_else() {
    let life = shipped_life("dormant-account");
    let account = first_deposit(&life, 42, CUSTOMER);
    let statement = StatementQuery::for_range(
        &life,
        &account,
        ist_midnight(2020, 1, 1),
        ist_midnight(2022, 1, 1),
    )
    .generate_statement();
    assert!(!summary(&statement).active);
    let rows = collect_rows(&statement);
    assert_eq!(rows.len(), 8);
    assert!(
        rows.iter()
            .all(|row| row.row.mode == TransactionMode::InterestCredit)
    );
}

#[test]
fn consent_types_decide_which_parts_are_included() {
    let life = shipped_life("salaried");
    let account = first_deposit(&life, 42, CUSTOMER);
    for part in ConsentType::ALL {
        let consent_types = &[*part];
        let statement = StatementQuery {
            consent_types,
            ..StatementQuery::for_range(
                &life,
                &account,
                ist_midnight(2020, 1, 1),
                ist_midnight(2020, 2, 1),
            )
        }
        .generate_statement();
        let bank = statement.as_bank().expect("a bank account");
        let parts = (
            statement.holders.is_some(),
            bank.summary.is_some(),
            bank.transactions.is_some(),
        );
        let expected = (
            *part == ConsentType::Profile,
            *part == ConsentType::Summary,
            *part == ConsentType::Transactions,
        );
        assert_eq!(parts, expected);
    }
}

/// A year of the `huge-statement` persona has some 100,000 rows, and its balances add up.
#[test]
fn a_huge_statement_is_huge_and_adds_up() {
    let life = shipped_life("huge-statement");
    let account = first_deposit(&life, 42, CUSTOMER);
    let query = StatementQuery {
        now: ist_midnight(2025, 1, 1),
        ..StatementQuery::for_range(
            &life,
            &account,
            ist_midnight(2023, 1, 1),
            ist_midnight(2024, 1, 1),
        )
    };
    let statement = query.generate_statement();
    let rows: &[Row] = &transactions(&statement).rows;
    assert!((99_000..=101_000).contains(&rows.len()), "{}", rows.len());
    for pair in rows.windows(2) {
        assert_eq!(pair[0].balance + pair[1].signed_amount(), pair[1].balance);
    }
    assert!(rows.iter().all(|row| row.balance.0 >= 0));
}
