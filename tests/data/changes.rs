//! Invariants of statements whose transactions a world has changed: the changed statement is what
//! a bank that books the same transactions would print.

use mockaa::internals::bankgen::{find_transaction, opening_date};
use mockaa::internals::domain::account::Account;
use mockaa::internals::domain::ledger_changes::{AccountQuery, LedgerChanges, TransactionContent};
use mockaa::internals::domain::money::Paise;
use mockaa::internals::domain::persona::PersonaInstance;
use mockaa::internals::domain::statement::{Statement, TransactionMode};
use mockaa::internals::domain::terms::{
    ConsentType, DataFilter, FilterCriterion, FilterOperator, TimeRange, TransactionType,
};
use mockaa::internals::domain::time::{Millis, Timestamp};
use proptest::prelude::*;

use crate::{
    CUSTOMER, StatementQuery, first_deposit, ist_midnight, load_shipped_personas, shipped_life,
    summary, test_participants, transactions,
};

/// A row with its balance, comparable between statements.
type BookedRow = (u64, TransactionContent, Paise);

/// A step of a test; rows are chosen by their number in the unchanged statement.
#[derive(Clone, Debug)]
enum Step {
    Add {
        minutes: i64,
        content: (bool, i64),
    },
    Edit {
        row: usize,
        content: (bool, i64),
    },
    /// Moves a row by minutes.
    Move {
        row: usize,
        minutes: i64,
    },
    Remove {
        row: usize,
    },
}

fn any_step() -> impl Strategy<Value = Step> {
    let content = || (any::<bool>(), 1i64..90_000_000);
    prop_oneof![
        (0i64..400 * 1440, content()).prop_map(|(minutes, content)| Step::Add { minutes, content }),
        (0usize..2000, content()).prop_map(|(row, content)| Step::Edit { row, content }),
        (0usize..2000, -90_000i64..90_000).prop_map(|(row, minutes)| Step::Move { row, minutes }),
        (0usize..2000).prop_map(|row| Step::Remove { row }),
    ]
}

fn list_rows(statement: &Statement) -> Vec<BookedRow> {
    let rows = transactions(statement).iter();
    rows.map(|row| (row.id, TransactionContent::from(row), row.balance))
        .collect()
}

fn persona_names() -> Vec<String> {
    load_shipped_personas()
        .names()
        .filter(|name| *name != "huge-statement")
        .map(str::to_owned)
        .collect()
}

fn minutes(count: i64) -> Millis {
    Millis(count * 60_000)
}

/// Applies steps to a ledger as a bank would, and to `changes`.
fn book_steps(
    steps: &[Step],
    unchanged: &[BookedRow],
    (from, now): (Timestamp, Timestamp),
    changes: &mut LedgerChanges,
) -> Vec<(u64, TransactionContent)> {
    let mut booked: Vec<_> = unchanged
        .iter()
        .map(|(id, content, _)| (*id, content.clone()))
        .collect();
    for step in steps {
        let row = match step {
            Step::Add {
                minutes: offset,
                content,
            } => {
                let at = from.saturating_add(minutes(*offset)).min(now);
                let added = TransactionContent {
                    at,
                    narration: "ADDED".into(),
                    reference: "REF".into(),
                    ..edited(content, at)
                };
                let id = changes.next_id(at);
                changes.apply(id, None, Some(&added));
                booked.push((id, added));
                continue;
            }
            Step::Edit { row, .. } | Step::Move { row, .. } | Step::Remove { row } => *row,
        };
        if booked.is_empty() {
            continue;
        }
        let index = row % booked.len();
        let (id, before) = booked[index].clone();
        let after = match step {
            Step::Edit { content, .. } => Some(TransactionContent {
                reference: before.reference.clone(),
                ..edited(content, before.at)
            }),
            Step::Move {
                minutes: offset, ..
            } => Some(TransactionContent {
                at: before
                    .at
                    .saturating_add(minutes(*offset))
                    .max(from)
                    .min(now),
                ..before.clone()
            }),
            Step::Remove { .. } | Step::Add { .. } => None,
        };
        changes.apply(id, Some(&before), after.as_ref());
        match after {
            Some(after) => booked[index].1 = after,
            None => drop(booked.remove(index)),
        }
    }
    booked
}

fn edited((is_credit, paise): &(bool, i64), at: Timestamp) -> TransactionContent {
    TransactionContent {
        at,
        transaction_type: if *is_credit {
            TransactionType::Credit
        } else {
            TransactionType::Debit
        },
        mode: TransactionMode::Others,
        amount: Paise(*paise),
        narration: "EDITED".into(),
        reference: "".into(),
        supplied_id: None,
        value_date: None,
    }
}

fn life_query<'a>(
    life: &'a PersonaInstance,
    account: &'a Account,
    seed: u64,
    (from, to): (Timestamp, Timestamp),
) -> StatementQuery<'a> {
    StatementQuery {
        seed,
        now: to,
        ..StatementQuery::for_range(life, account, from, to)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_statement_is_that_of_a_bank_that_booked_the_same(
        index in 0..persona_names().len(),
        seed: u64,
        steps in proptest::collection::vec(any_step(), 1..25),
        cut in 0i64..400,
    ) {
        let life = shipped_life(&persona_names()[index]);
        let account = first_deposit(&life, seed, CUSTOMER);
        let now = ist_midnight(2026, 3, 20);
        let opened = summary(&life_query(&life, &account, seed, (now, now)).generate_statement()).opened_on.expect("it is generated");
        let opened = Timestamp::from_ist(opened.and_hms_opt(0, 0, 0).expect("midnight"));
        let from = ist_midnight(2025, 2, 10).max(opened);
        let unchanged_query = life_query(&life, &account, seed, (from, now));
        let unchanged = unchanged_query.generate_statement();
        let unchanged_rows = list_rows(&unchanged);
        let opening = match unchanged_rows.first() {
            Some((_, content, balance)) => *balance - content.signed_amount(),
            None => summary(&unchanged).balance,
        };
        let mut changes = LedgerChanges::default();
        let mut booked = book_steps(&steps, &unchanged_rows, (from, now), &mut changes);
        booked.sort_by_key(|(id, content)| (content.at, *id));

        let query = StatementQuery { changes: Some(&changes), ..unchanged_query };
        let changed = query.generate_statement();
        let rows = list_rows(&changed);
        // Withdrawn rows are gone, added ones are there, nothing else has changed.
        let mut contents: Vec<_> = rows.iter().map(|(id, content, _)| (*id, content.clone())).collect();
        prop_assert!(contents.is_sorted_by_key(|(_, content)| content.at));
        contents.sort_by_key(|(id, content)| (content.at, *id));
        prop_assert_eq!(&contents, &booked);
        // Balances add up to the paisa, and the summary has the last one.
        let mut balance = opening;
        for (id, content, printed) in &rows {
            balance += content.signed_amount();
            prop_assert_eq!(*printed, balance, "at M{}", id);
        }
        prop_assert_eq!(summary(&changed).balance, balance);
        let only_summary = StatementQuery { consent_types: &[ConsentType::Summary], ..query };
        prop_assert_eq!(summary(&only_summary.generate_statement()).balance, balance);
        // A part of the range has the same rows with the same balances.
        let later = from.saturating_add(Millis(cut * 86_400_000)).min(now);
        let part = StatementQuery { range: TimeRange { from: later, to: now }, ..query };
        let expected: Vec<_> = rows.iter().filter(|(_, content, _)| content.at >= later).cloned().collect();
        prop_assert_eq!(list_rows(&part.generate_statement()), expected);
        // A filter sees the changed content and leaves the balances.
        let filters = [DataFilter { operator: FilterOperator::Equal, criterion: FilterCriterion::Type(TransactionType::Debit), value: "".into(), is_json_string: true }];
        let debits: Vec<_> = rows.iter().filter(|(_, content, _)| content.transaction_type == TransactionType::Debit).cloned().collect();
        prop_assert_eq!(list_rows(&StatementQuery { filters: &filters, ..query }.generate_statement()), debits);
    }

    #[test]
    fn a_generated_transaction_is_found_by_its_id(index in 0..persona_names().len(), seed: u64, chosen: prop::sample::Index) {
        let life = shipped_life(&persona_names()[index]);
        let account = first_deposit(&life, seed, CUSTOMER);
        let now = ist_midnight(2026, 3, 20);
        let query = AccountQuery { seed, participants: test_participants(), customer: CUSTOMER, persona: &life, account: &account, now };
        let statement = life_query(&life, &account, seed, (ist_midnight(2025, 9, 1), now)).generate_statement();
        let rows = list_rows(&statement);
        if !rows.is_empty() {
            let (id, content, _) = chosen.get(&rows);
            let found = find_transaction(&query, *id);
            prop_assert_eq!(found.as_ref(), Some(content));
        }
        prop_assert_eq!(find_transaction(&query, 2_026_031_999_999), None);
        prop_assert_eq!(find_transaction(&query, 7), None);
        prop_assert_eq!(opening_date(&query), summary(&statement).opened_on);
    }
}

#[test]
fn a_change_back_to_the_original_leaves_nothing_behind() {
    let life = shipped_life("salaried");
    let account = first_deposit(&life, 42, CUSTOMER);
    let range = (ist_midnight(2026, 1, 1), ist_midnight(2026, 3, 1));
    let query = life_query(&life, &account, 42, range);
    let unchanged = query.generate_statement();
    let (id, content, _) = list_rows(&unchanged).swap_remove(3);
    let mut changes = LedgerChanges::default();
    let other = TransactionContent {
        amount: content.amount + Paise(1),
        ..content.clone()
    };
    changes.apply(id, Some(&content), Some(&other));
    let with_changes = StatementQuery {
        changes: Some(&changes),
        ..query
    }
    .generate_statement();
    assert_ne!(with_changes, unchanged);
    changes.apply(id, Some(&other), None);
    assert_eq!(changes.find(id), Some(None));
    changes.apply(id, Some(&other), Some(&content));
    assert_eq!(changes.find(id), None);
    let restored = StatementQuery {
        changes: Some(&changes),
        ..query
    }
    .generate_statement();
    assert_eq!(restored, unchanged);
}
