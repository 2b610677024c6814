//! Bank data: a customer, a range and a seed give accounts and statements. Pure and reproducible: the same arguments
//! give the same bytes, on every machine.
//!
//! ```text
//! persona + seed → habits (what is drawn once) → ledger, or holding → statement
//! ```
//!
//! What an account tells is one endless story. A statement costs what its rows cost and at most a quarter before them
//! (`ledger`), and two overlapping statements agree to the paisa.

mod accounts;
mod bank_statement;
mod behavior;
mod holdings;
mod ledger;
mod loan;
mod market;
mod names;
mod narration;
mod people;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::bankgen::bank_statement::LedgerSource;
use crate::bankgen::behavior::{AccountBehavior, BehaviorInputs};
use crate::bankgen::people::Branch;
use crate::domain::account::{Account, AccountType};
use crate::domain::consent::{Consent, ConsentType, DataFilter, TimeRange};
use crate::domain::ids::SessionId;
use crate::domain::money::Paise;
use crate::domain::persona::{AccountPlan, ContentPlan, OpeningDate, PersonaInstance};
use crate::domain::random_stream::{StreamKey, StreamKind};
use crate::domain::session::{FiStatus, Session, SessionAccount};
use crate::domain::statement::{Statement, StatementBody};
use crate::domain::time::Timestamp;

pub use self::accounts::generate_accounts;
pub use self::ledger::RowSink;

/// What a statement is of.
#[derive(Clone, Copy, Debug)]
pub struct StatementRequest<'a> {
    /// The world's seed.
    pub seed: u64,
    /// The customer's address.
    pub customer: &'a str,
    /// Whose life the account tells.
    pub life: &'a PersonaInstance,
    pub account: &'a Account,
    /// Which parts to tell.
    pub consent_types: &'a [ConsentType],
    /// Transactions of this range, both ends included.
    pub range: TimeRange,
    /// A row must pass all of them; balances stay those of the whole ledger.
    pub filters: &'a [DataFilter],
    /// The world's now: nothing later has happened.
    pub now: Timestamp,
}

/// The statement of an account's part of a session: of the range that was asked for, as of the instant at which its FIP
/// answered, however often it is told.
pub fn generate_session_statement(
    seed: u64,
    consent: &Consent,
    session: &Session,
    part: &SessionAccount,
    account: &Account,
) -> Option<Statement> {
    let terms = &consent.terms;
    generate_statement(&StatementRequest {
        seed,
        customer: &terms.customer,
        life: &consent.persona,
        account,
        consent_types: &terms.consent_types,
        range: session.range,
        filters: terms.filters.as_deref().unwrap_or_default(),
        now: part.answered_at,
    })
}

/// The statements of a session's accounts that stand so, in the order of the consent.
pub fn generate_session_statements(
    seed: u64,
    consent: &Consent,
    session: &Session,
    status: FiStatus,
) -> Vec<Statement> {
    let accounts = consent.grant.iter().flat_map(|grant| grant.accounts.iter());
    let statements = accounts.filter_map(|account| {
        let part = session
            .accounts
            .iter()
            .find(|part| part.matches_account(account) && part.status == status)?;
        generate_session_statement(seed, consent, session, part, account)
    });
    statements.collect()
}

/// Whether there are statements of this account: the persona has it, and its kind is simulated.
pub fn is_supported(seed: u64, customer: &str, life: &PersonaInstance, account: &Account) -> bool {
    accounts::find_plan(life, seed, customer, account)
        .is_some_and(|(_, plan)| is_plan_supported(plan))
}

fn is_plan_supported(plan: &AccountPlan) -> bool {
    match plan.content {
        ContentPlan::CashFlow(_) | ContentPlan::Imported(_) => true,
        ContentPlan::Holding { .. } => holdings::is_fi_type_supported(plan.fi_type),
    }
}

/// The statement of one account; `None` where [`tells`] says that there is none.
pub fn generate_statement(request: &StatementRequest<'_>) -> Option<Statement> {
    let StatementRequest {
        seed,
        customer,
        life,
        account,
        consent_types,
        ..
    } = *request;
    let (account_ordinal, plan) = accounts::find_plan(life, seed, customer, account)
        .filter(|(_, plan)| is_plan_supported(plan))?;
    let holders = people::generate_holders(seed, customer, life.definition.holder);
    let is_requested = |part| consent_types.contains(&part);
    let (includes_summary, includes_transactions) = (
        is_requested(ConsentType::Summary),
        is_requested(ConsentType::Transactions),
    );
    let body = match &plan.content {
        ContentPlan::Holding { amount } => StatementBody::Other(holdings::build_document(
            request,
            account_ordinal,
            plan,
            *amount,
            &holders,
        )),
        ContentPlan::CashFlow(_) | ContentPlan::Imported(_) => {
            let printed_name = holders.first.name.to_uppercase();
            let (ledger_source, limit) =
                build_ledger_source(request, account_ordinal, plan, &printed_name);
            StatementBody::Bank(ledger_source.build_body(
                request,
                includes_summary,
                includes_transactions,
                limit,
                !plan.dormant,
            ))
        }
    };
    Some(Statement {
        account: account.clone(),
        holders: is_requested(ConsentType::Profile).then_some(holders),
        body,
    })
}

/// Tells the rows of a bank account one by one, so that nobody has to hold them all; `None`: it is no bank account.
pub fn write_rows(request: &StatementRequest<'_>, sink: RowSink<'_>) -> Option<()> {
    let StatementRequest {
        seed,
        customer,
        life,
        account,
        ..
    } = *request;
    let (account_ordinal, plan) = accounts::find_plan(life, seed, customer, account)?;
    if matches!(plan.content, ContentPlan::Holding { .. }) {
        return None;
    }
    let printed_name = people::generate_holders(seed, customer, life.definition.holder)
        .first
        .name
        .to_uppercase();
    build_ledger_source(request, account_ordinal, plan, &printed_name)
        .0
        .write_rows(request, sink);
    Some(())
}

/// A bank account's book, and its overdraft. The holder's name is in capitals, as banks print it.
fn build_ledger_source<'a>(
    request: &StatementRequest<'a>,
    account_ordinal: u64,
    plan: &'a AccountPlan,
    holder: &'a str,
) -> (LedgerSource<'a>, Paise) {
    let StatementRequest {
        seed,
        customer,
        life,
        account,
        ..
    } = *request;
    match &plan.content {
        ContentPlan::Imported(ledger) => {
            let mut rng = random_stream(StreamKey {
                seed,
                owner: customer,
                kind: StreamKind::Behavior,
                ordinal: account_ordinal,
            });
            (
                LedgerSource::Fixed {
                    ledger,
                    branch: Branch::sample(&mut rng),
                },
                Paise(0),
            )
        }
        ContentPlan::Holding { .. } => unreachable!("only bank accounts have books"),
        ContentPlan::CashFlow(story) => {
            let opened_in = match plan.opened {
                OpeningDate::WithinYears(years) => years,
                OpeningDate::On(_) | OpeningDate::MonthsAgo(_) => (2000, 2000),
            };
            let inputs = BehaviorInputs {
                seed,
                customer,
                account_ordinal,
                fip: &account.fip,
                opened_on: plan.opened.fixed_date(life.as_of),
                opened_in,
                holder,
                earns_interest: plan.account_type != AccountType::Current,
                is_firm: life.definition.holder.is_firm,
            };
            (
                LedgerSource::Generated(AccountBehavior::sample(story, &inputs)),
                story.overdraft_limit,
            )
        }
    }
}

/// 32 random bytes for a key and 32 for a nonce: those with which one account's data of one session is encrypted. The
/// same each time, so that data that is fetched again is the same bytes; others as soon as the text is another one, which
/// its `state` (when the FIP answered, in which form) tells.
pub fn derive_data_key(
    seed: u64,
    session: SessionId,
    account: &Account,
    state: &str,
) -> ([u8; 32], [u8; 32]) {
    let owner = format!("{session}/{}/{}/{state}", account.fip, account.link_ref);
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

/// The generator of a stream. ChaCha, because its numbers are the same on every platform and in every release.
fn random_stream(key: StreamKey<'_>) -> ChaCha8Rng {
    ChaCha8Rng::from_seed(key.seed_bytes())
}
