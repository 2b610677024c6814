//! The analytics of the shipped personas: their scores and findings, over histories of several lengths.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Months, NaiveTime};
use mockaa::internals::analytics::build_report;
use mockaa::internals::bankgen::generate_accounts;
use mockaa::internals::domain::account::FiType;
use mockaa::internals::domain::statement::Statement;
use mockaa::internals::domain::time::Timestamp;
use serde_json::Value;

use super::files::load_with_statement;
use super::laws::persona_names;
use super::{
    CUSTOMER, PersonaInstance, StatementQuery, first_deposit, ist_midnight, shipped_life,
    test_participants,
};

/// Returns the report of a persona's linked bank accounts together, for the months before `to`.
fn build_persona_report(persona: &str, seed: u64, to: Timestamp, months: u32) -> Value {
    let from = to.ist_date().checked_sub_months(Months::new(months));
    let from = from.expect("a date").and_time(NaiveTime::MIN);
    build_range_report(persona, seed, Timestamp::from_ist(from), to)
        .expect("the persona has transactions")
}

/// Returns the report of a persona's linked bank accounts together; `None` without transactions.
fn build_range_report(persona: &str, seed: u64, from: Timestamp, to: Timestamp) -> Option<Value> {
    let life = PersonaInstance {
        as_of: to.ist_date(),
        ..shipped_life(persona)
    };
    let customer = format!("98123456{:02}@mockaa", seed % 100);
    let accounts = generate_accounts(test_participants(), &life.definition, seed, &customer);
    let statements: Vec<(u32, Statement)> = accounts
        .iter()
        .filter(|known| known.linked_by_default && known.account.fi_type == FiType::Deposit)
        .zip(1..)
        .map(|(known, id)| {
            let query = StatementQuery {
                seed,
                customer: &customer,
                ..StatementQuery::for_range(&life, &known.account, from, to)
            };
            (id, query.generate_statement())
        })
        .collect();
    let statements: Vec<(u32, &Statement)> = statements.iter().map(|(id, it)| (*id, it)).collect();
    let report = build_report(&statements)?;
    Some(serde_json::from_slice(&report.to_json()).expect("JSON"))
}

/// Returns the names of the checks that found something, with how often.
fn list_findings(report: &Value) -> BTreeMap<String, usize> {
    let checks = report["irregularities"].as_array().expect("checks");
    checks
        .iter()
        .map(|check| {
            let found = check["transactions"]
                .as_array()
                .or(check["monthlyTransactions"].as_array());
            let name = check["activity"].as_str().expect("a name").to_owned();
            (name, found.map_or(0, Vec::len))
        })
        .filter(|(_, count)| *count > 0)
        .collect()
}

/// A band of scores: persona, lowest and highest score, checks that must find something, and checks that
/// must not.
type Band = (
    &'static str,
    [i64; 2],
    &'static [&'static str],
    &'static [&'static str],
);

const UNCHANGED: &str = "Salary Credit Amount remains unchanged over extended period";
const SPENT: &str = "Immediate big debit after Salary credit";
const TWO_WAY: &str = "Parties present in both debits and credits";
const NEGATIVE: &str = "Negative Balance";
const MISMATCH: &str = "Balance Mismatch";

const BANDS: &[Band] = &[
    (
        "circular-transactions",
        [300, 600],
        &[TWO_WAY],
        &[UNCHANGED],
    ),
    (
        "salary-inflation",
        [300, 600],
        &[UNCHANGED, SPENT],
        &[NEGATIVE],
    ),
    (
        "over-indebted",
        [300, 650],
        &[SPENT],
        &[UNCHANGED, NEGATIVE],
    ),
    ("new-account", [300, 700], &[], &[UNCHANGED, NEGATIVE]),
    ("dormant-account", [300, 700], &[], &[UNCHANGED, NEGATIVE]),
    ("salaried", [750, 900], &[], &[UNCHANGED, SPENT, NEGATIVE]),
    (
        "joint-account",
        [750, 900],
        &[],
        &[UNCHANGED, SPENT, NEGATIVE],
    ),
    ("two-banks", [750, 900], &[], &[UNCHANGED, NEGATIVE]),
    ("gig-worker", [750, 900], &[], &[UNCHANGED, NEGATIVE]),
    ("investor", [750, 900], &[], &[UNCHANGED, NEGATIVE]),
    ("kirana-merchant", [750, 900], &[], &[UNCHANGED, NEGATIVE]),
    ("nri", [750, 900], &[], &[UNCHANGED, NEGATIVE]),
    ("pensioner", [750, 900], &[], &[UNCHANGED, NEGATIVE]),
    ("small-business", [750, 900], &[], &[UNCHANGED]),
    ("chit-fund-saver", [750, 900], &[], &[UNCHANGED, NEGATIVE]),
    ("daily-wage-driver", [750, 900], &[], &[UNCHANGED, NEGATIVE]),
    ("doctor", [750, 900], &[], &[UNCHANGED, NEGATIVE]),
    ("education-loan", [750, 900], &[], &[UNCHANGED, NEGATIVE]),
    ("senior-annuity", [750, 900], &[], &[UNCHANGED, NEGATIVE]),
    ("student", [750, 900], &[], &[UNCHANGED, NEGATIVE]),
];

/// Asserts that the reports of a customer hold the band for histories of these lengths.
fn assert_band(band: &Band, seed: u64, end: Timestamp, lengths: &[u32]) {
    let (persona, [lowest, highest], found, not_found) = band;
    for months in lengths.iter().copied() {
        let report = build_persona_report(persona, seed, end, months);
        let score = score_of(&report);
        let findings = list_findings(&report);
        let end = end.ist_date();
        let place =
            format!("{persona}, {months} months to {end}, seed {seed}: {score}, {findings:?}");
        assert!((*lowest..=*highest).contains(&score), "{place}");
        assert!(
            found.iter().all(|name| findings.contains_key(*name)),
            "{place}"
        );
        let wrong = not_found.iter().chain([&MISMATCH]);
        assert!(
            wrong.copied().all(|name| !findings.contains_key(name)),
            "{place}"
        );
    }
}

fn score_of(report: &Value) -> i64 {
    report["overview"]["bsaScore"].as_i64().expect("a score")
}

/// Returns the purposes that the flows of a persona print, without what differs from month to month.
fn list_purposes(persona: &str) -> Vec<String> {
    let path = format!(
        "{}/fixtures/personas/{persona}.yaml",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(path).expect("a shipped persona");
    let purposes = text.split("purpose: ").skip(1).map(|rest| {
        let rest = rest.trim_start_matches('"');
        let end = rest.find([',', '"', '{', '}']).expect("the flow ends");
        rest[..end].trim().to_owned()
    });
    purposes.collect()
}

#[test]
fn no_purpose_is_taken_for_a_counterparty() {
    let mut parties = BTreeSet::new();
    for persona in persona_names() {
        if persona == "huge-statement" {
            continue;
        }
        let purposes = list_purposes(&persona);
        for seed in 0..2 {
            let report = build_persona_report(&persona, seed, ist_midnight(2026, 1, 31), 6);
            for direction in ["credit", "debit"] {
                let groups = report["counterparties"][direction].as_array();
                for group in groups.into_iter().flatten() {
                    let party = group["counterparty"].as_str().expect("a name");
                    // A shop may have the word of a purpose in its name: METRO CARD RECHARGE.
                    let is_purpose = |purpose: &String| {
                        let mut words = purpose.splitn(3, ' ');
                        let start = match (words.next(), words.next()) {
                            (Some(first), Some(second)) => format!("{first} {second}"),
                            _ => return party.starts_with(&**purpose),
                        };
                        party.contains(&start)
                    };
                    let purpose = purposes.iter().find(|purpose| is_purpose(purpose));
                    assert_eq!(purpose, None, "{persona}, seed {seed}: {party}");
                    parties.insert(party.to_owned());
                }
            }
        }
    }
    assert!(parties.len() > 500, "{}", parties.len());
}

#[test]
fn each_persona_has_the_score_and_the_findings_that_it_is_made_for() {
    for band in BANDS {
        for seed in [42, 7] {
            assert_band(band, seed, ist_midnight(2024, 7, 1), &[6, 12, 24]);
        }
    }
}

#[test]
fn each_customer_with_a_low_score_has_it_after_six_months() {
    for band in BANDS.iter().filter(|(_, [_, highest], ..)| *highest <= 650) {
        for seed in 0..8 {
            for end in [ist_midnight(2026, 1, 31), ist_midnight(2025, 4, 14)] {
                assert_band(band, seed, end, &[6, 9]);
            }
        }
    }
}

/// From three months on, a salary for show is found, whatever the day on which the history begins.
#[test]
fn a_fraud_scores_low_before_its_pay_counts_as_unchanged() {
    for (persona, [lowest, highest], ..) in
        BANDS.iter().filter(|(_, [_, highest], ..)| *highest == 600)
    {
        for seed in 0..8 {
            for (start, end) in [
                (ist_midnight(2025, 5, 2), ist_midnight(2025, 10, 31)),
                (ist_midnight(2025, 6, 1), ist_midnight(2025, 10, 31)),
                (ist_midnight(2025, 10, 1), ist_midnight(2026, 1, 31)),
            ] {
                let report = build_range_report(persona, seed, start, end);
                let score = report.as_ref().map_or(0, score_of);
                assert!(
                    (*lowest..=*highest).contains(&score),
                    "{persona}, seed {seed}, from {start} to {end}: {score}"
                );
            }
        }
    }
}

/// Its rows are too many for the lengths and seeds of the others.
#[test]
fn a_huge_history_of_an_honest_customer_scores_high() {
    let band = (
        "huge-statement",
        [750, 900],
        &[][..],
        &[UNCHANGED, NEGATIVE][..],
    );
    assert_band(&band, 42, ist_midnight(2024, 7, 1), &[6, 12]);
}

#[test]
fn more_history_never_raises_the_score_of_a_fraud() {
    for (persona, ..) in BANDS.iter().filter(|(_, [_, highest], ..)| *highest == 600) {
        for seed in 0..4 {
            for end in [ist_midnight(2026, 1, 31), ist_midnight(2026, 2, 14)] {
                let mut previous = 900;
                for months in [1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 24] {
                    let score = score_of(&build_persona_report(persona, seed, end, months));
                    assert!(
                        score <= previous,
                        "{persona}, seed {seed}, {months} months: {score} after {previous}"
                    );
                    previous = score;
                }
            }
        }
    }
}

#[test]
fn less_than_three_months_score_700_at_most() {
    let end = ist_midnight(2026, 2, 15);
    for (persona, ..) in BANDS {
        for start in [
            ist_midnight(2025, 11, 16),
            ist_midnight(2025, 11, 21),
            ist_midnight(2026, 1, 2),
        ] {
            let report = build_range_report(persona, 3, start, end);
            let score = report.as_ref().map_or(0, score_of);
            assert!(score <= 700, "{persona} from {start}: {score}");
        }
    }
    // A range of three months is none less for days without a transaction at its edges.
    for persona in ["kirana-merchant", "pensioner", "chit-fund-saver"] {
        for end in [ist_midnight(2024, 7, 1), ist_midnight(2023, 12, 1)] {
            let report = build_persona_report(persona, 7, end, 3);
            assert!(score_of(&report) >= 750, "{persona} to {end}");
        }
    }
}

#[test]
fn a_list_of_counterparties_is_cut_and_the_report_says_so() {
    let mut csv = "transactionTimestamp,type,amount,currentBalance,narration,mode\n".to_owned();
    for number in 0..2_200_u32 {
        let letters = [number / 676, number / 26 % 26, number % 26];
        let name: String = letters
            .iter()
            .filter_map(|letter| char::from_digit(10 + letter, 36))
            .collect();
        let (day, balance) = (number / 100 + 1, 300_000 - 100 * (number + 1));
        csv += &format!(
            "2024-01-{day:02},DEBIT,100,{balance},NEFT/N{number:09}/SHOP {}/MOCK BANK/GOODS,NEFT\n",
            name.to_uppercase()
        );
    }
    let life =
        load_with_statement("many-parties", "mine.csv", &csv).expect("the statement is right");
    let account = first_deposit(&life, 42, CUSTOMER);
    let range = (ist_midnight(2024, 1, 1), ist_midnight(2024, 6, 1));
    let statement =
        StatementQuery::for_range(&life, &account, range.0, range.1).generate_statement();
    let report = build_report(&[(1, &statement)]).expect("it has transactions");
    let report: Value = serde_json::from_slice(&report.to_json()).expect("JSON");
    for list in [
        &report["monthlyCounterparty"]["counterparties"],
        &report["counterparties"]["debit"],
    ] {
        assert_eq!(list.as_array().map(Vec::len), Some(2_000));
    }
    assert_eq!(report["overview"]["tabCounts"]["counterparty"], 2_200);
    assert_eq!(
        report["shortened"],
        serde_json::json!([
            { "section": "monthlyCounterparty", "counterpartiesListed": 2_000, "counterpartiesFound": 2_200 },
            { "section": "counterparties", "counterpartiesListed": 2_000, "counterpartiesFound": 2_200 },
        ])
    );
}
