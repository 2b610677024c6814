//! The rules: a command and the state give events, or a refusal. Pure; what is random or timed comes in.
//!
//! Consents are decided here; data sessions and customers, which are subjects of their own, in the modules below.

mod customers;
mod data;

use std::sync::Arc;

use crate::domain::account::{Account, FiType};
use crate::domain::command::{Choice, Command, RaiseConsent, Verb};
use crate::domain::consent::{Consent, Input, Moment, Status, Terms};
use crate::domain::event::Event;
use crate::domain::ids::{ConsentHandle, ConsentId, SessionId};
use crate::domain::participants::Participants;
use crate::domain::refusal::Refusal;
use crate::domain::stream::{Kind, StreamKey};
use crate::domain::time::Timestamp;
use crate::engine::entropy::id_bytes;
use crate::engine::state::State;

pub use self::customers::linked;

/// What a decision depends on beside the state.
pub struct Circumstances<'a> {
    pub now: Timestamp,
    /// The world's seed.
    pub seed: u64,
    pub participants: &'a Participants,
    /// The accounts that a customer has at the simulated FIPs, linked or not.
    pub accounts: &'a dyn Fn(&str) -> Vec<Account>,
    /// Whether the FIPs can tell accounts of this kind.
    pub simulated: fn(FiType) -> bool,
    /// Whether FIPs answer a request for this consent's data at once, or somebody else says when and how.
    pub answers_at_once: &'a dyn Fn(ConsentHandle) -> bool,
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
        Command::RequestData(request) => data::request(state, request, given),
        Command::Deliver { handle, session, outcome } => {
            data::deliver(find(state, handle)?, session, state, &outcome, given)
        }
        Command::Answer(answer) => data::answer(state, &answer, given),
        Command::CollectData(collect) => data::collect(state, &collect, given),
        Command::ExpireSession(id) => data::expire(state, id),
        Command::RegisterCustomer { customer } => customers::register(state, customer),
        Command::DeregisterCustomer { customer } => customers::deregister(state, customer),
        Command::LinkAccounts { customer, fip, accounts } => customers::link(state, &customer, &fip, &accounts, given),
        Command::VerifyLink { customer, link, token } => customers::verify(state, &customer, link, &token, given),
        Command::ConfirmLink(confirm) => customers::confirm(state, &confirm, given),
        Command::DelinkAccount { customer, link_ref } => customers::delink(state, &customer, &link_ref, given),
    }
}

fn find(state: &State, handle: ConsentHandle) -> Result<&Arc<Consent>, Refusal> {
    let consent = state.consent(handle).filter(|consent| !consent.hidden);
    consent.ok_or_else(|| Refusal::UnknownHandle(handle.to_string()))
}

fn raise_consent(state: &State, raise: RaiseConsent, given: &Circumstances<'_>) -> Result<Vec<Event>, Refusal> {
    let RaiseConsent { terms, face, aa, fiu, scenario: _ } = raise;
    if terms.expiry <= given.now {
        return Err(Refusal::AlreadyExpired { expiry: terms.expiry, now: given.now });
    }
    if state.customer(&terms.customer).is_some_and(|customer| !customer.registered) {
        return Err(Refusal::CustomerGone(terms.customer.to_string()));
    }
    let ordinal = state.drawn(&terms.customer).handles;
    let consent = Consent {
        handle: ConsentHandle::from_random(given.id(&terms.customer, Kind::ConsentHandle, ordinal)),
        face,
        aa,
        fiu,
        terms: Arc::new(terms),
        status: Status::Pending,
        created_at: given.now,
        grant: None,
        hidden: false,
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
        Verb::Approve { hold, accounts } => {
            let approved = approve(consent, state, &accounts, given)?;
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

/// One artefact for the FIU, and one for each FIP that holds a granted account, each with an id of its own
/// (`reference/rebit.md` §3.2).
fn approve(consent: &Consent, state: &State, choice: &Choice, given: &Circumstances<'_>) -> Result<Event, Refusal> {
    let customer = &consent.terms.customer;
    let accounts = choose(&consent.terms, customers::linked(state, customer, given), choice)?;
    let drawn = state.drawn(customer);
    let mut fips: Vec<(Arc<str>, ConsentId)> = Vec::new();
    for account in &accounts {
        if !fips.iter().any(|(fip, _)| *fip == account.fip) {
            let ordinal = drawn.fip_consent_ids + u32::try_from(fips.len()).expect("a customer has few FIPs");
            let id = ConsentId::from_random(given.id(customer, Kind::FipConsentId, ordinal));
            fips.push((Arc::clone(&account.fip), id));
        }
    }
    Ok(Event::ConsentApproved {
        handle: consent.handle,
        consent_id: ConsentId::from_random(given.id(customer, Kind::ConsentId, drawn.consent_ids)),
        accounts: accounts.into(),
        fips: fips.into(),
    })
}

/// The accounts that a consent is granted for; there is at least one.
fn choose(terms: &Terms, linked: Vec<Account>, choice: &Choice) -> Result<Vec<Account>, Refusal> {
    let mut accounts = linked;
    accounts.retain(|account| terms.fi_types.contains(&account.fi_type));
    if let Choice::Only(wanted) = choice {
        let known = |link_ref: &str| accounts.iter().any(|account| &*account.link_ref == link_ref);
        if let Some(unknown) = wanted.iter().find(|link_ref| !known(link_ref)) {
            return Err(Refusal::UnknownAccount {
                customer: terms.customer.to_string(),
                account: unknown.to_string(),
                place: "linked and of a kind that the consent asks for",
            });
        }
        accounts.retain(|account| wanted.contains(&account.link_ref));
    }
    if accounts.is_empty() {
        let asked: Vec<_> = terms.fi_types.iter().map(|fi_type| fi_type.as_str()).collect();
        return Err(Refusal::NothingToGrant { customer: terms.customer.to_string(), asked: asked.join(", ") });
    }
    Ok(accounts)
}

/// The move that the passing of `consentExpiry` makes, or `None` where the consent is past moving.
pub fn expiry_of(state: &State, handle: ConsentHandle) -> Option<Command> {
    let consent = find(state, handle).ok()?;
    consent.status.after(Input::Expire)?;
    Some(Command::MoveConsent { handle, verb: Verb::Expire })
}

/// What the passing of a session's life makes, or `None` where everything was taken in time.
pub fn session_expiry_of(state: &State, id: SessionId) -> Option<Command> {
    let session = state.session(id)?;
    (session.has_remains() && find(state, session.handle).is_ok()).then_some(Command::ExpireSession(id))
}
