//! The rules: a command and the state give events, or a refusal. Pure; what is random or timed comes in.

use std::sync::Arc;

use crate::domain::account::Account;
use crate::domain::command::{Command, RaiseConsent, Verb};
use crate::domain::consent::{Consent, Input, Moment, Status};
use crate::domain::event::Event;
use crate::domain::ids::{ConsentHandle, ConsentId, SessionId};
use crate::domain::refusal::Refusal;
use crate::domain::session::{FiStatus, Session, SessionAccount, SessionStatus, status_of};
use crate::domain::stream::{Kind, StreamKey};
use crate::domain::time::Timestamp;
use crate::engine::entropy::id_bytes;
use crate::engine::state::State;

/// What a decision depends on beside the state.
pub struct Circumstances<'a> {
    pub now: Timestamp,
    /// The world's seed.
    pub seed: u64,
    /// The accounts of a customer.
    pub accounts: &'a dyn Fn(&str) -> Vec<Account>,
}

impl Circumstances<'_> {
    fn id(&self, owner: &str, kind: Kind, ordinal: u32) -> [u8; 16] {
        id_bytes(StreamKey { seed: self.seed, owner, kind, ordinal: u64::from(ordinal) })
    }
}

pub fn decide(state: &State, command: Command, given: &Circumstances<'_>) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::RaiseConsent(raise) => raise_consent(state, raise, given),
        Command::MoveConsent { handle, verb } => move_consent(find(state, handle)?, state, verb, given),
        Command::Deliver { handle, outcome } => deliver(find(state, handle)?, state, outcome, given),
    }
}

fn find(state: &State, handle: ConsentHandle) -> Result<&Arc<Consent>, Refusal> {
    state.consent(handle).ok_or_else(|| Refusal::UnknownHandle(handle.to_string()))
}

fn raise_consent(state: &State, raise: RaiseConsent, given: &Circumstances<'_>) -> Result<Vec<Event>, Refusal> {
    let RaiseConsent { terms, face, fiu, scenario: _ } = raise;
    if terms.expiry <= given.now {
        return Err(Refusal::AlreadyExpired { expiry: terms.expiry, now: given.now });
    }
    let ordinal = state.drawn(&terms.customer).handles;
    let consent = Consent {
        handle: ConsentHandle::from_random(given.id(&terms.customer, Kind::ConsentHandle, ordinal)),
        face,
        fiu,
        terms: Arc::new(terms),
        status: Status::Pending,
        created_at: given.now,
        grant: None,
        history: vec![Moment { status: Status::Pending, at: given.now }],
    };
    Ok(vec![Event::ConsentRaised { consent: Arc::new(consent) }])
}

fn move_consent(
    consent: &Consent,
    state: &State,
    verb: Verb,
    given: &Circumstances<'_>,
) -> Result<Vec<Event>, Refusal> {
    let handle = consent.handle;
    let input = verb.input();
    if consent.status.after(input).is_none() {
        return Err(Refusal::IllegalMove { status: consent.status, input });
    }
    Ok(match verb {
        Verb::Approve { hold } => {
            let customer = &consent.terms.customer;
            let ordinal = state.drawn(customer).consent_ids;
            let consent_id = ConsentId::from_random(given.id(customer, Kind::ConsentId, ordinal));
            let mut accounts = (given.accounts)(customer);
            accounts.retain(|account| consent.terms.fi_types.contains(&account.fi_type));
            let approved = Event::ConsentApproved { handle, consent_id, accounts: accounts.into() };
            if hold { vec![approved] } else { vec![approved, Event::ConsentActivated { handle }] }
        }
        Verb::Activate => vec![Event::ConsentActivated { handle }],
        Verb::Reject => vec![Event::ConsentRejected { handle }],
        Verb::Fail => vec![Event::ConsentFailed { handle }],
        Verb::Pause => vec![Event::ConsentPaused { handle }],
        Verb::Resume => vec![Event::ConsentResumed { handle }],
        Verb::Revoke { by } => vec![Event::ConsentRevoked { handle, by }],
        Verb::Expire => vec![Event::ConsentExpired { handle }],
    })
}

fn deliver(
    consent: &Consent,
    state: &State,
    outcome: FiStatus,
    given: &Circumstances<'_>,
) -> Result<Vec<Event>, Refusal> {
    let terms = &consent.terms;
    let grant = match (&consent.grant, consent.status) {
        (Some(grant), Status::Active) => grant,
        (_, status) => return Err(Refusal::NotActive { status }),
    };
    if given.now < terms.start {
        return Err(Refusal::NotStarted { start: terms.start, now: given.now });
    }
    let ordinal = state.drawn(&terms.customer).sessions;
    let answered = |status| -> Vec<SessionAccount> {
        let part = |account: &Account| SessionAccount {
            fip: Arc::clone(&account.fip),
            link_ref: account.link_ref.clone(),
            status,
        };
        grant.accounts.iter().map(part).collect()
    };
    let requested = Session {
        id: SessionId::from_random(given.id(&terms.customer, Kind::Session, ordinal)),
        handle: consent.handle,
        consent_id: grant.consent_id,
        range: terms.range,
        opened_at: given.now,
        status: SessionStatus::Active,
        accounts: answered(FiStatus::Pending),
    };
    let accounts = answered(outcome);
    let prepared = Session { status: status_of(&accounts), accounts, ..requested.clone() };
    Ok(vec![Event::DataRequested { session: Arc::new(requested) }, Event::DataPrepared { session: Arc::new(prepared) }])
}

/// The move that the passing of `consentExpiry` makes, or `None` where the consent is past moving.
pub fn expiry_of(state: &State, handle: ConsentHandle) -> Option<Command> {
    let consent = state.consent(handle)?;
    consent.status.after(Input::Expire)?;
    Some(Command::MoveConsent { handle, verb: Verb::Expire })
}
