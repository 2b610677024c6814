//! The data generator: invariants of every persona's accounts, and every document checked against
//! its schema.

mod analytics;
mod changes;
mod files;
mod gst;
mod holdings;
mod laws;
mod patterns;
mod relations;
mod schemas;
#[path = "../skip/mod.rs"]
mod skip;

use std::sync::{Arc, LazyLock};

use chrono::NaiveDate;
use mockaa::internals::bankgen::{StatementRequest, generate_accounts, generate_statement};
use mockaa::internals::config::personas::load_personas;
use mockaa::internals::config::shipped_participants;
use mockaa::internals::domain::account::{Account, FiType};
use mockaa::internals::domain::ledger_changes::LedgerChanges;
use mockaa::internals::domain::participants::Participants;
use mockaa::internals::domain::persona::{PersonaInstance, Personas};
use mockaa::internals::domain::statement::{Statement, Summary, Transactions};
use mockaa::internals::domain::terms::{ConsentType, DataFilter, TimeRange};
use mockaa::internals::domain::time::Timestamp;

const CUSTOMER: &str = "9812345678@mockaa";

fn ist_midnight(year: i32, month: u32, day: u32) -> Timestamp {
    let date = NaiveDate::from_ymd_opt(year, month, day).expect("a date");
    Timestamp::from_ist(date.and_hms_opt(0, 0, 0).expect("midnight"))
}

/// Returns the shipped personas. Reading their files takes longer than most tests, so they are read
/// once.
fn load_shipped_personas() -> &'static Personas {
    static PERSONAS: LazyLock<Personas> =
        LazyLock::new(|| load_personas(None).expect("the shipped personas are valid"));
    &PERSONAS
}

/// Returns a shipped persona as if first used in the middle of 2024.
fn shipped_life(name: &str) -> PersonaInstance {
    let persona = Arc::clone(
        load_shipped_personas()
            .get(name)
            .unwrap_or_else(|| panic!("{name} is not shipped")),
    );
    PersonaInstance {
        definition: persona,
        as_of: NaiveDate::from_ymd_opt(2024, 6, 15).expect("a date"),
    }
}

/// Returns the shipped participants, whose FIPs have all layouts of narrations.
fn test_participants() -> &'static Participants {
    static PARTICIPANTS: LazyLock<Participants> = LazyLock::new(shipped_participants);
    &PARTICIPANTS
}

fn list_accounts(life: &PersonaInstance, seed: u64, customer: &str) -> Vec<Account> {
    generate_accounts(test_participants(), &life.definition, seed, customer)
        .into_iter()
        .map(|linkable| linkable.account)
        .collect()
}

/// The parameters of a statement request.
struct StatementQuery<'a> {
    seed: u64,
    participants: &'a Participants,
    customer: &'a str,
    life: &'a PersonaInstance,
    account: &'a Account,
    consent_types: &'a [ConsentType],
    range: TimeRange,
    now: Timestamp,
    filters: &'a [DataFilter],
    changes: Option<&'a LedgerChanges>,
}

impl<'a> StatementQuery<'a> {
    fn for_range(
        life: &'a PersonaInstance,
        account: &'a Account,
        from: Timestamp,
        to: Timestamp,
    ) -> Self {
        let (consent_types, range) = (ConsentType::ALL, TimeRange { from, to });
        Self {
            seed: 42,
            participants: test_participants(),
            customer: CUSTOMER,
            life,
            account,
            consent_types,
            range,
            now: ist_midnight(2040, 1, 1),
            filters: &[],
            changes: None,
        }
    }

    fn to_request(&self) -> StatementRequest<'_> {
        let Self {
            seed,
            participants,
            customer,
            life,
            account,
            consent_types,
            range,
            now,
            filters,
            changes,
        } = *self;
        StatementRequest {
            seed,
            participants,
            customer,
            persona: life,
            account,
            consent_types,
            range,
            filters,
            now,
            changes,
        }
    }

    fn generate_statement(&self) -> Statement {
        generate_statement(&self.to_request()).expect("the account is simulated")
    }
}

fn transactions(statement: &Statement) -> &Transactions {
    statement.transactions().expect("the part was requested")
}

fn summary(statement: &Statement) -> &Summary {
    statement
        .as_bank()
        .and_then(|bank| bank.summary.as_ref())
        .expect("the part was requested")
}

fn first_deposit(life: &PersonaInstance, seed: u64, customer: &str) -> Account {
    list_accounts(life, seed, customer)
        .into_iter()
        .find(|account| account.fi_type == FiType::Deposit)
        .expect("a deposit account")
}
