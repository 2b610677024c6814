//! Bank data: a customer, a range and a seed give accounts and statements. Pure and reproducible: the same arguments
//! give the same bytes, on every machine.
//!
//! The ledger of a customer is one endless story told in months. Each month's opening and closing balance is a
//! function of the seed and the month alone (`ledger`), so any month can be told without those before it: a
//! statement costs what its rows cost, whether it is of 2018 or of 2035, and two overlapping statements agree to
//! the paisa.

mod calendar;
mod ledger;
mod names;
mod persona;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::bankgen::ledger::Story;
use crate::domain::account::{Account, FiType};
use crate::domain::consent::{Consent, ConsentType, Filter, Persona, Range};
use crate::domain::ids::SessionId;
use crate::domain::participants::Participants;
use crate::domain::session::{FiStatus, Session, SessionAccount};
use crate::domain::statement::Statement;
use crate::domain::stream::{Kind, StreamKey};
use crate::domain::time::Timestamp;

/// What a statement is of.
#[derive(Clone, Copy, Debug)]
pub struct StatementRequest<'a> {
    /// The world's seed.
    pub seed: u64,
    /// The customer's address.
    pub customer: &'a str,
    /// Whose life the account tells.
    pub life: Persona,
    pub account: &'a Account,
    /// Which parts to tell.
    pub consent_types: &'a [ConsentType],
    /// Transactions of this range, both ends included.
    pub range: Range,
    /// A row must pass all of them; balances stay those of the whole ledger.
    pub filters: &'a [Filter],
    /// The world's now: nothing later has happened.
    pub now: Timestamp,
}

/// The statement of an account's part of a session: of the range that was asked for, as of the instant at which its FIP
/// answered, however often it is told.
pub fn session_statement(
    seed: u64,
    consent: &Consent,
    session: &Session,
    part: &SessionAccount,
    account: &Account,
) -> Option<Statement> {
    let terms = &consent.terms;
    statement(&StatementRequest {
        seed,
        customer: &terms.customer,
        life: consent.persona,
        account,
        consent_types: &terms.consent_types,
        range: session.range,
        filters: terms.filters.as_deref().unwrap_or_default(),
        now: part.answered_at,
    })
}

/// The statements of a session's accounts that stand so, in the order of the consent.
pub fn session_statements(seed: u64, consent: &Consent, session: &Session, status: FiStatus) -> Vec<Statement> {
    let accounts = consent.grant.iter().flat_map(|grant| grant.accounts.iter());
    let told = accounts.filter_map(|account| {
        let part = session.accounts.iter().find(|part| part.is_of(account) && part.status == status)?;
        session_statement(seed, consent, session, part, account)
    });
    told.collect()
}

/// The accounts of a customer.
pub fn accounts(participants: &Participants, seed: u64, customer: &str) -> Vec<Account> {
    persona::accounts(participants, seed, customer)
}

/// Whether there are statements of accounts of this kind.
pub fn tells(fi_type: FiType) -> bool {
    fi_type == FiType::Deposit
}

/// The statement of one account; `None` for kinds of account that are not simulated.
pub fn statement(request: &StatementRequest<'_>) -> Option<Statement> {
    if !tells(request.account.fi_type) {
        return None;
    }
    let persona = persona::Persona::of(request.seed, request.customer, request.account, request.life);
    let wants = |part| request.consent_types.contains(&part);
    let mut story = Story::of(&persona);
    Some(Statement {
        account: request.account.clone(),
        profile: wants(ConsentType::Profile).then(|| persona.holder()),
        transactions: wants(ConsentType::Transactions).then(|| story.transactions(request)),
        summary: wants(ConsentType::Summary).then(|| story.summary(request.now)),
    })
}

/// 32 random bytes for a key and 32 for a nonce: those with which one account's data of one session is encrypted. The
/// same each time, so that data that is fetched again is the same bytes; others as soon as the text is another one, which
/// its `state` (when the FIP answered, in which form) tells.
pub fn data_key(seed: u64, session: SessionId, account: &Account, state: &str) -> ([u8; 32], [u8; 32]) {
    let owner = format!("{session}/{}/{}/{state}", account.fip, account.link_ref);
    let mut rng = stream(StreamKey { seed, owner: &owner, kind: Kind::DataKey, ordinal: 0 });
    let (mut key, mut nonce) = ([0; 32], [0; 32]);
    rng.fill_bytes(&mut key);
    rng.fill_bytes(&mut nonce);
    (key, nonce)
}

/// The generator of a stream. ChaCha, because its numbers are the same on every platform and in every release.
fn stream(key: StreamKey<'_>) -> ChaCha8Rng {
    ChaCha8Rng::from_seed(key.seed_bytes())
}
