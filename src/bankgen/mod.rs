//! Generated bank data: accounts and statements, computed from a persona, a customer, a range and a
//! seed. Writing a statement in a wire format is the work of `wire`. Pure and reproducible: the
//! same arguments give the same bytes on every machine.
//!
//! ```text
//! persona + FIP + seed → behavior (sampled once) → ledger, or holding → statement
//! ```
//!
//! The transactions of an account do not depend on the range that is requested, so overlapping
//! statements agree to the paisa. With a target balance, a statement costs its own rows and those
//! of at most one quarter before them; without one, all rows since the opening of the account
//! (`ledger`).

mod accounts;
mod bank_statement;
mod behavior;
mod changes;
mod holdings;
mod ledger;
mod loan;
mod market;
mod names;
mod narration;
mod people;

use std::sync::Arc;

use chrono::{NaiveDate, NaiveTime};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::bankgen::bank_statement::LedgerSource;
use crate::bankgen::behavior::{AccountBehavior, BehaviorInputs};
use crate::bankgen::people::Branch;
use crate::domain::account::{Account, AccountType};
use crate::domain::calendar::Month;
use crate::domain::consent::Consent;
use crate::domain::customer_address::customer_identifier;
use crate::domain::ids::SessionId;
use crate::domain::ledger_changes::{AccountQuery, LedgerChanges, TransactionContent};
use crate::domain::participants::Participants;
use crate::domain::persona::{
    AccountPlan, CashFlowPlan, ContentPlan, OpeningDate, Persona, PersonaInstance,
};
use crate::domain::random_stream::{StreamKey, StreamKind};
use crate::domain::session::{FiStatus, Session, SessionAccount};
use crate::domain::statement::{Holders, Ledger, Statement, StatementBody};
use crate::domain::terms::{ConsentType, DataFilter, TimeRange};
use crate::domain::time::{Millis, Timestamp};

pub use self::accounts::generate_accounts;
pub(crate) use self::ledger::RowSink;

/// The inputs of a statement: account, range, parts and instant.
#[derive(Clone, Copy, Debug)]
pub struct StatementRequest<'a> {
    /// The world's seed.
    pub seed: u64,
    /// The participants, among which is the FIP of the account.
    pub participants: &'a Participants,
    /// The customer's address.
    pub customer: &'a str,
    /// The persona that the account is generated from.
    pub persona: &'a PersonaInstance,
    pub account: &'a Account,
    /// The parts to include.
    pub consent_types: &'a [ConsentType],
    /// The range of the transactions, both ends included.
    pub range: TimeRange,
    /// Filters that a row must pass, all of them. Balances stay those of the whole ledger.
    pub filters: &'a [DataFilter],
    /// The current world time. Nothing later has happened.
    pub now: Timestamp,
    /// The transactions that differ from the generated ones; `None`: none does.
    pub changes: Option<&'a LedgerChanges>,
}

impl StatementRequest<'_> {
    fn includes(&self, part: ConsentType) -> bool {
        self.consent_types.contains(&part)
    }
}

/// Returns the statement of one account of a session: for the range of the session, as of the
/// instant at which the FIP answered, so that every fetch returns the same statement. `None` if
/// [`is_supported`] is false.
pub(crate) fn generate_session_statement(
    seed: u64,
    participants: &Participants,
    consent: &Consent,
    session: &Session,
    part: &SessionAccount,
    account: &Account,
) -> Option<Statement> {
    let terms = &consent.terms;
    generate_statement(&StatementRequest {
        seed,
        participants,
        customer: &terms.customer,
        persona: &consent.persona,
        account,
        consent_types: &terms.consent_types,
        range: session.range,
        filters: terms.filters.as_deref().unwrap_or_default(),
        now: part.answered_at,
        changes: part.changes.as_deref(),
    })
}

/// Returns the statements of the accounts of a session that have this status, in the order of the
/// consent.
pub(crate) fn generate_session_statements(
    seed: u64,
    participants: &Participants,
    consent: &Consent,
    session: &Session,
    status: FiStatus,
) -> Vec<Statement> {
    let accounts = consent.grant.iter().flat_map(|grant| grant.accounts.iter());
    accounts
        .filter_map(|account| {
            let part = session
                .accounts
                .iter()
                .find(|part| part.matches_account(account) && part.status == status)?;
            generate_session_statement(seed, participants, consent, session, part, account)
        })
        .collect()
}

/// Returns whether this account has statements: the persona has it, and its FI type is simulated.
pub fn is_supported(
    seed: u64,
    customer: &str,
    persona: &PersonaInstance,
    account: &Account,
) -> bool {
    accounts::find_plan(persona, seed, customer, account)
        .is_some_and(|(_, plan)| is_plan_supported(plan))
}

fn is_plan_supported(plan: &AccountPlan) -> bool {
    match plan.content {
        ContentPlan::CashFlow(_) | ContentPlan::Imported(_) => true,
        ContentPlan::Holding { .. } => holdings::is_fi_type_supported(plan.fi_type),
    }
}

/// Returns the statement of one account; `None` if [`is_supported`] is false.
pub fn generate_statement(request: &StatementRequest<'_>) -> Option<Statement> {
    let StatementRequest {
        seed,
        customer,
        persona,
        account,
        ..
    } = *request;
    let (account_ordinal, plan) = accounts::find_plan(persona, seed, customer, account)
        .filter(|(_, plan)| is_plan_supported(plan))?;
    let mut holders = people::generate_holders(seed, customer, persona.definition.holder);
    if let ContentPlan::Imported(ledger) = &plan.content
        && let Some(supplied) = &ledger.holders
    {
        holders = supplied.clone();
    }
    let body = match &plan.content {
        ContentPlan::Holding { .. } => StatementBody::Other(holdings::build_document(
            request,
            account_ordinal,
            plan,
            &holders,
        )),
        ContentPlan::CashFlow(_) | ContentPlan::Imported(_) => {
            let printed_name = holders.first.name.to_uppercase();
            let source =
                build_ledger_source(request, account_ordinal, plan, &holders, &printed_name);
            StatementBody::Bank(source.build_body(request, plan))
        }
    };
    Some(Statement {
        account: account.clone(),
        fip_name: request.participants.fip_name(&account.fip),
        holders: request.includes(ConsentType::Profile).then_some(holders),
        body,
    })
}

/// Returns the day on which a bank account was opened; `None` if it is not a bank account or if the
/// persona does not have it.
pub fn opening_date(query: &AccountQuery<'_>) -> Option<NaiveDate> {
    let request = request_of_query(query, &[ConsentType::Summary]);
    let statement = generate_statement(&request)?;
    statement.as_bank()?.summary.as_ref()?.opened_on
}

/// Returns the transaction of a bank account that the ledger has generated under this id, whatever
/// has been changed since; `None` if there is none up to now.
pub fn find_transaction(query: &AccountQuery<'_>, id: u64) -> Option<TransactionContent> {
    let day = i64::try_from(id / 100_000).ok()?;
    let date = NaiveDate::parse_from_str(&day.to_string(), "%Y%m%d").ok()?;
    let start = Timestamp::from_ist(date.and_time(NaiveTime::MIN));
    let whole_day = StatementRequest {
        range: TimeRange {
            from: start,
            to: start.saturating_add(Millis::from_secs(86_400)),
        },
        ..request_of_query(query, &[])
    };
    let mut found = None;
    write_rows(&whole_day, &mut |row| {
        if row.id == id {
            found = Some(TransactionContent::from(row));
        }
    })?;
    found
}

/// Returns the id of the transaction of a bank account that a supplied statement has under this `txnId`; of several, the
/// first one.
pub fn find_supplied_id(query: &AccountQuery<'_>, txn_id: &str) -> Option<u64> {
    let AccountQuery {
        seed,
        customer,
        persona,
        account,
        ..
    } = *query;
    let (_, plan) = accounts::find_plan(persona, seed, customer, account)?;
    let ContentPlan::Imported(ledger) = &plan.content else {
        return None;
    };
    let mut rows = ledger.transactions.iter();
    let row = rows.find(|row| row.supplied.txn_id == Some(txn_id))?;
    Some(row.id)
}

/// Returns a persona in which an account of a customer has a supplied statement; `None` if the persona does not have the
/// account.
pub(crate) fn replace_content(
    persona: &PersonaInstance,
    seed: u64,
    customer: &str,
    account: &Account,
    ledger: &Arc<Ledger>,
) -> Option<Persona> {
    let (ordinal, _) = accounts::find_plan(persona, seed, customer, account)?;
    let mut replaced = Persona::clone(&persona.definition);
    let mut plans = accounts::number_plans(&persona.definition);
    let index = plans.position(|(known, _)| known == ordinal)?;
    let plan = &mut replaced.accounts[index];
    plan.content = ContentPlan::Imported(Arc::clone(ledger));
    plan.account_type = ledger.account_type.unwrap_or(plan.account_type);
    Some(replaced)
}

/// Returns the request for these parts of the generated statement up to now, without rows.
fn request_of_query<'a>(
    query: &AccountQuery<'a>,
    consent_types: &'a [ConsentType],
) -> StatementRequest<'a> {
    let AccountQuery {
        seed,
        participants,
        customer,
        persona,
        account,
        now,
    } = *query;
    StatementRequest {
        seed,
        participants,
        customer,
        persona,
        account,
        consent_types,
        range: TimeRange { from: now, to: now },
        filters: &[],
        now,
        changes: None,
    }
}

/// Writes the rows of a bank account to `sink` one by one, so that they need not all be in memory.
/// Returns `None` if the persona does not have the account or if it is not a bank account.
pub(crate) fn write_rows(request: &StatementRequest<'_>, sink: RowSink<'_>) -> Option<()> {
    let StatementRequest {
        seed,
        customer,
        persona,
        account,
        ..
    } = *request;
    let (account_ordinal, plan) = accounts::find_plan(persona, seed, customer, account)?;
    if matches!(plan.content, ContentPlan::Holding { .. }) {
        return None;
    }
    let holders = people::generate_holders(seed, customer, persona.definition.holder);
    let printed_name = holders.first.name.to_uppercase();
    build_ledger_source(request, account_ordinal, plan, &holders, &printed_name)
        .write_rows(request, sink);
    Some(())
}

/// Returns the source of a bank account's rows. `printed_name` is that of the first holder in
/// capitals, as banks print it.
fn build_ledger_source<'a>(
    request: &StatementRequest<'a>,
    account_ordinal: u64,
    plan: &'a AccountPlan,
    holders: &Holders,
    printed_name: &'a str,
) -> LedgerSource<'a> {
    let StatementRequest {
        seed,
        customer,
        persona,
        ..
    } = *request;
    match &plan.content {
        ContentPlan::Imported(ledger) => {
            let mut rng = random_stream(StreamKey {
                seed,
                owner: &customer_identifier(customer),
                kind: StreamKind::Behavior,
                ordinal: account_ordinal,
            });
            LedgerSource::Fixed {
                ledger,
                branch: Branch::sample(&mut rng),
            }
        }
        ContentPlan::Holding { .. } => unreachable!("only bank accounts have ledgers"),
        ContentPlan::CashFlow(cash_flow_plan) => {
            let pays_holdings =
                holdings::paying_account(&persona.definition) == Some(account_ordinal);
            let behavior =
                sample_behavior(request, account_ordinal, plan, cash_flow_plan, printed_name);
            let holding_payments = if pays_holdings {
                let earliest = Month::from_date(request.range.from.min(request.now).ist_date());
                let since = behavior.first_generated_month(earliest).clamped_date(1);
                holdings::collect_payments(request, holders, since)
            } else {
                Vec::new()
            };
            LedgerSource::Generated {
                behavior,
                holding_payments,
            }
        }
    }
}

/// Samples the behavior of a bank account, with the narrations of the FIP that is asked. `holder` is
/// in capitals, as banks print it.
fn sample_behavior<'a>(
    request: &StatementRequest<'a>,
    account_ordinal: u64,
    plan: &AccountPlan,
    cash_flow_plan: &'a CashFlowPlan,
    holder: &'a str,
) -> AccountBehavior<'a> {
    let StatementRequest {
        seed,
        participants,
        customer,
        persona,
        account,
        ..
    } = *request;
    let opened_in = match plan.opened {
        OpeningDate::WithinYears(years) => years,
        OpeningDate::On(_) | OpeningDate::MonthsAgo(_) => (2000, 2000),
    };
    let inputs = BehaviorInputs {
        seed,
        customer,
        account_ordinal,
        fip_narration: participants.narration_layout(&account.fip),
        opened_on: plan.opened.fixed_date(persona.as_of),
        opened_in,
        holder,
        earns_interest: plan.account_type != AccountType::Current,
        is_firm: persona.definition.holder.is_firm,
    };
    AccountBehavior::sample(cash_flow_plan, &inputs)
}

/// Derives the 32-byte private key and the 32-byte nonce of one entry of a FIP in one session. They
/// are the same each time, so that a repeated fetch returns the same bytes. `state` identifies the
/// plain texts: the accounts, the instants of the FIP's answers and the format. Other texts get
/// another key.
pub fn derive_data_key(
    seed: u64,
    session: SessionId,
    fip: &str,
    state: &str,
) -> ([u8; 32], [u8; 32]) {
    let owner = format!("{session}/{fip}/{state}");
    let mut rng = random_stream(StreamKey {
        seed,
        owner: &owner,
        kind: StreamKind::DataKey,
        ordinal: 0,
    });
    let (mut key, mut nonce) = ([0; 32], [0; 32]);
    rng.fill_bytes(&mut key);
    rng.fill_bytes(&mut nonce);
    (key, nonce)
}

/// Creates the generator of a stream. It is ChaCha, whose numbers are the same on every platform
/// and in every release.
fn random_stream(key: StreamKey<'_>) -> ChaCha8Rng {
    ChaCha8Rng::from_seed(key.seed_bytes())
}
