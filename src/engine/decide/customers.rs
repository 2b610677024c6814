//! Customers: registering, linking, delinking (`reference/rebit.md` §3.2, §3.3).

use std::sync::Arc;

use super::Circumstances;
use crate::domain::account::Account;
use crate::domain::command::{ConfirmLink, Party};
use crate::domain::consent::{Consent, Input};
use crate::domain::customer::{LINK_TOKEN_TTL, LINK_TOKENS, PendingLink};
use crate::domain::event::Event;
use crate::domain::ids::LinkId;
use crate::domain::participants::LinkingMethod;
use crate::domain::persona::{Persona, PersonaInstance};
use crate::domain::random_stream::StreamKind;
use crate::domain::rejection::Rejection;
use crate::engine::state::State;

/// The accounts that the customer has linked. Who has never been mentioned has those of the persona that are linked from the
/// beginning.
pub fn linked(
    state: &State,
    customer: &str,
    life: &PersonaInstance,
    given: &Circumstances<'_>,
) -> Vec<Account> {
    if let Some(customer) = state.customer(customer) {
        return customer.accounts.clone();
    }
    let held = (given.accounts)(customer, &life.definition);
    held.into_iter()
        .filter(|held| held.linked_by_default)
        .map(|held| held.account)
        .collect()
}

/// All accounts that the customer has.
fn held(state: &State, customer: &str, given: &Circumstances<'_>) -> Vec<Account> {
    let life = given.life(state, customer);
    (given.accounts)(customer, &life.definition)
        .into_iter()
        .map(|held| held.account)
        .collect()
}

/// The customer lives another life from now on; consents that are there keep theirs.
pub fn cast(
    state: &State,
    customer: Arc<str>,
    persona: &Arc<Persona>,
    given: &Circumstances<'_>,
) -> Event {
    let life = given.begun(state, &customer, persona);
    Event::PersonaAssigned {
        customer,
        persona: Arc::new(life),
    }
}

/// Whoever has consents is registered already, though nobody has said so.
pub fn register(state: &State, customer: Arc<str>) -> Result<Vec<Event>, Rejection> {
    let registered = match state.customer(&customer) {
        Some(known) => known.registered,
        None => state.drawn(&customer).handles > 0,
    };
    if registered {
        return Err(Rejection::AlreadyRegistered(customer.to_string()));
    }
    Ok(vec![Event::CustomerRegistered {
        customer,
        accounts: [].into(),
    }])
}

/// Accounts are delinked and consents can no longer be seen, in one event: nobody is told of each.
///
/// `Assumption:` the FIU gets no notification; it learns at its next call (certification cases AA_1023, AA_1033).
pub fn deregister(state: &State, customer: Arc<str>) -> Result<Vec<Event>, Rejection> {
    registered(state, &customer)?;
    Ok(vec![Event::CustomerDeregistered { customer }])
}

pub fn link(
    state: &State,
    customer: &Arc<str>,
    fip: &Arc<str>,
    account_refs: &[Box<str>],
    given: &Circumstances<'_>,
) -> Result<Vec<Event>, Rejection> {
    registered(state, customer)?;
    let fip = given
        .participants
        .find_fip(fip)
        .ok_or_else(|| Rejection::UnknownFip(fip.to_string()))?;
    let held = held(state, customer, given);
    let linked = linked(state, customer, &given.life(state, customer), given);
    let mut accounts = Vec::new();
    for account_ref in account_refs {
        let same = |known: &Account| known.matches_ref(&fip.entity.id, account_ref);
        let account = held.iter().find(|held| same(held));
        let account = account.ok_or_else(|| Rejection::UnknownAccount {
            customer: customer.to_string(),
            account: account_ref.to_string(),
            place: "at that FIP; GET /_mockaa/v1/customers/{id}/accounts lists them",
        })?;
        // A password that has expired stands in nobody's way.
        let pending = state
            .customer(customer)
            .into_iter()
            .flat_map(|known| &known.pending_links);
        let waits = pending
            .into_iter()
            .any(|link| link.is_pending(given.now) && link.accounts.iter().any(same));
        if waits || linked.iter().any(same) || accounts.iter().any(same) {
            return Err(Rejection::AlreadyLinked(account_ref.to_string()));
        }
        accounts.push(account.clone());
    }
    let link = PendingLink {
        id: LinkId::from_random(given.id(customer, StreamKind::Link, state.drawn(customer).links)),
        customer: Arc::clone(customer),
        fip: Arc::clone(&fip.entity.id),
        linking: fip.linking,
        accounts: accounts.into(),
        expires_at: given.now.saturating_add(LINK_TOKEN_TTL),
    };
    Ok(known(state, customer, given)
        .chain([Event::LinkRequested {
            link: Arc::new(link),
        }])
        .collect())
}

pub fn verify(
    state: &State,
    customer: &Arc<str>,
    id: LinkId,
    token: &str,
    given: &Circumstances<'_>,
) -> Result<Vec<Event>, Rejection> {
    let link = state
        .customer(customer)
        .and_then(|known| known.pending_links.iter().find(|link| link.id == id));
    let link = link.ok_or_else(|| Rejection::UnknownLink(id.to_string()))?;
    if link.linking == LinkingMethod::Token {
        if link.expires_at <= given.now {
            return Err(Rejection::LinkTokenExpired(link.expires_at));
        }
        if !LINK_TOKENS.contains(&token) {
            return Err(Rejection::InvalidLinkToken);
        }
    }
    Ok(vec![Event::AccountsLinked {
        customer: Arc::clone(customer),
        accounts: Arc::clone(&link.accounts),
    }])
}

/// A FIP that authenticates by itself has done so. It names the link as it likes.
pub fn confirm(
    state: &State,
    confirm: &ConfirmLink,
    given: &Circumstances<'_>,
) -> Result<Vec<Event>, Rejection> {
    let ConfirmLink {
        customer,
        fip,
        account_ref,
        link_ref,
    } = confirm;
    registered(state, customer)?;
    let same = |known: &&Account| known.matches_ref(fip, account_ref);
    let waits = |link: &&Arc<PendingLink>| {
        link.linking == LinkingMethod::Direct && link.accounts.iter().any(|known| same(&known))
    };
    let link = state
        .customer(customer)
        .and_then(|known| known.pending_links.iter().find(waits));
    let link = link.ok_or_else(|| Rejection::UnknownLink(account_ref.to_string()))?;
    let ours = held(state, customer, given);
    let others = linked(state, customer, &given.life(state, customer), given)
        .into_iter()
        .chain(ours)
        .find(|known| known.link_ref == *link_ref && !same(&known));
    if others.is_some() {
        return Err(Rejection::LinkRefTaken(link_ref.to_string()));
    }
    let account = link.accounts.iter().find(same).cloned();
    let account = account.map(|account| Account {
        link_ref: link_ref.clone(),
        ..account
    });
    Ok(vec![Event::AccountsLinked {
        customer: Arc::clone(customer),
        accounts: account.into_iter().collect(),
    }])
}

/// The account is no longer linked, and every consent that names it is revoked (certification case AA_1032).
pub fn delink(
    state: &State,
    customer: &Arc<str>,
    link_ref: &str,
    given: &Circumstances<'_>,
) -> Result<Vec<Event>, Rejection> {
    registered(state, customer)?;
    if !linked(state, customer, &given.life(state, customer), given)
        .iter()
        .any(|account| &*account.link_ref == link_ref)
    {
        return Err(Rejection::UnknownAccount {
            customer: customer.to_string(),
            account: link_ref.to_owned(),
            place: "linked under that linkRefNumber",
        });
    }
    Ok(delinked(state, customer, &[link_ref], given))
}

/// Every account that the customer holds there, and has not linked, is linked; a scenario's short cut.
pub fn link_all(
    state: &State,
    customer: &Arc<str>,
    fip: Option<&str>,
    given: &Circumstances<'_>,
) -> Result<Vec<Event>, Rejection> {
    registered(state, customer)?;
    known_fip(fip, given)?;
    let linked = linked(state, customer, &given.life(state, customer), given);
    let there = |account: &Account| fip.is_none_or(|fip| *account.fip == *fip);
    let new = |account: &Account| {
        !linked
            .iter()
            .any(|known| known.matches_ref(&account.fip, &account.account_ref))
    };
    let accounts: Arc<[Account]> = held(state, customer, given)
        .into_iter()
        .filter(|account| there(account) && new(account))
        .collect();
    if accounts.is_empty() {
        return Err(Rejection::NoAccountToLink {
            customer: customer.to_string(),
            fip: fip.map(str::to_owned),
        });
    }
    let linked = Event::AccountsLinked {
        customer: Arc::clone(customer),
        accounts,
    };
    Ok(known(state, customer, given).chain([linked]).collect())
}

/// Every account that is linked there is no longer, and every consent that names one is revoked.
pub fn delink_all(
    state: &State,
    customer: &Arc<str>,
    fip: Option<&str>,
    given: &Circumstances<'_>,
) -> Result<Vec<Event>, Rejection> {
    registered(state, customer)?;
    known_fip(fip, given)?;
    let linked = linked(state, customer, &given.life(state, customer), given);
    let there: Vec<_> = linked
        .iter()
        .filter(|account| fip.is_none_or(|fip| *account.fip == *fip))
        .collect();
    if there.is_empty() {
        return Err(Rejection::NoLinkedAccount {
            customer: customer.to_string(),
            fip: fip.map(str::to_owned),
        });
    }
    let link_refs: Vec<&str> = there.iter().map(|account| &*account.link_ref).collect();
    Ok(delinked(state, customer, &link_refs, given))
}

/// These accounts are linked no longer, and the consents that name one are revoked.
fn delinked(
    state: &State,
    customer: &Arc<str>,
    link_refs: &[&str],
    given: &Circumstances<'_>,
) -> Vec<Event> {
    let delinked = |link_ref: &&str| Event::AccountDelinked {
        customer: Arc::clone(customer),
        link_ref: (*link_ref).into(),
    };
    let delinked = link_refs.iter().map(delinked);
    known(state, customer, given)
        .chain(delinked)
        .chain(revoked(state, customer, link_refs))
        .collect()
}

fn known_fip(fip: Option<&str>, given: &Circumstances<'_>) -> Result<(), Rejection> {
    match fip {
        Some(fip) if given.participants.find_fip(fip).is_none() => {
            Err(Rejection::UnknownFip(fip.to_owned()))
        }
        _ => Ok(()),
    }
}

/// The consents that name one of these accounts are revoked.
fn revoked(state: &State, customer: &Arc<str>, link_refs: &[&str]) -> Vec<Event> {
    let names_one = |consent: &Consent| {
        let mut accounts = consent.grant.iter().flat_map(|grant| grant.accounts.iter());
        consent.terms.customer == *customer
            && !consent.hidden
            && consent.status.transition_on(Input::Revoke).is_some()
            && accounts.any(|account| link_refs.contains(&&*account.link_ref))
    };
    let revoked = |consent: &Arc<Consent>| Event::ConsentRevoked {
        handle: consent.handle,
        by: Party::Customer,
    };
    state
        .consents(0)
        .filter(|consent| names_one(consent))
        .map(revoked)
        .collect()
}

fn registered(state: &State, customer: &str) -> Result<(), Rejection> {
    match state.customer(customer) {
        Some(known) if !known.registered => {
            Err(Rejection::CustomerNotRegistered(customer.to_owned()))
        }
        _ => Ok(()),
    }
}

/// Writes down what was tacit about a customer who is mentioned for the first time.
fn known(
    state: &State,
    customer: &Arc<str>,
    given: &Circumstances<'_>,
) -> impl Iterator<Item = Event> {
    let tacit = state.customer(customer).is_none();
    let registered = || Event::CustomerRegistered {
        customer: Arc::clone(customer),
        accounts: linked(state, customer, &given.life(state, customer), given).into(),
    };
    tacit.then(registered).into_iter()
}
