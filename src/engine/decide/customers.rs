//! Customers: registering, linking, delinking (`reference/rebit.md` §3.2, §3.3).

use std::sync::Arc;

use super::DecisionContext;
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
pub fn find_linked_accounts(
    state: &State,
    customer: &str,
    instance: &PersonaInstance,
    context: &DecisionContext<'_>,
) -> Vec<Account> {
    if let Some(customer) = state.customer(customer) {
        return customer.accounts.clone();
    }
    let accounts = (context.list_accounts)(customer, &instance.definition);
    accounts
        .into_iter()
        .filter(|linkable| linkable.linked_by_default)
        .map(|linkable| linkable.account)
        .collect()
}

/// All accounts that the customer has.
fn list_accounts(state: &State, customer: &str, context: &DecisionContext<'_>) -> Vec<Account> {
    let instance = context.current_persona(state, customer);
    (context.list_accounts)(customer, &instance.definition)
        .into_iter()
        .map(|linkable| linkable.account)
        .collect()
}

/// The customer lives another life from now on; consents that are there keep theirs.
pub fn assign_persona(
    state: &State,
    customer: Arc<str>,
    persona: &Arc<Persona>,
    context: &DecisionContext<'_>,
) -> Event {
    let instance = context.persona_instance_for(state, &customer, persona);
    Event::PersonaAssigned {
        customer,
        persona: Arc::new(instance),
    }
}

/// Whoever has consents is registered already, though nobody has said so.
pub fn register_customer(state: &State, customer: Arc<str>) -> Result<Vec<Event>, Rejection> {
    let is_registered = match state.customer(&customer) {
        Some(known) => known.registered,
        None => state.stream_ordinals(&customer).handles > 0,
    };
    if is_registered {
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
pub fn deregister_customer(state: &State, customer: Arc<str>) -> Result<Vec<Event>, Rejection> {
    check_registered(state, &customer)?;
    Ok(vec![Event::CustomerDeregistered { customer }])
}

pub fn request_link(
    state: &State,
    customer: &Arc<str>,
    fip: &Arc<str>,
    account_refs: &[Box<str>],
    context: &DecisionContext<'_>,
) -> Result<Vec<Event>, Rejection> {
    check_registered(state, customer)?;
    let fip = context
        .participants
        .find_fip(fip)
        .ok_or_else(|| Rejection::UnknownFip(fip.to_string()))?;
    let customer_accounts = list_accounts(state, customer, context);
    let linked_accounts = find_linked_accounts(
        state,
        customer,
        &context.current_persona(state, customer),
        context,
    );
    let mut accounts = Vec::new();
    for account_ref in account_refs {
        let is_same_account = |known: &Account| known.matches_ref(&fip.entity.id, account_ref);
        let account = customer_accounts.iter().find(|held| is_same_account(held));
        let account = account.ok_or_else(|| Rejection::UnknownAccount {
            customer: customer.to_string(),
            account: account_ref.to_string(),
            place: "at that FIP; GET /_mockaa/v1/customers/{id}/accounts lists them",
        })?;
        // A password that has expired stands in nobody's way.
        let pending_links = state
            .customer(customer)
            .into_iter()
            .flat_map(|known| &known.pending_links);
        let is_pending = pending_links
            .into_iter()
            .any(|link| link.is_pending(context.now) && link.accounts.iter().any(is_same_account));
        if is_pending
            || linked_accounts.iter().any(is_same_account)
            || accounts.iter().any(is_same_account)
        {
            return Err(Rejection::AlreadyLinked(account_ref.to_string()));
        }
        accounts.push(account.clone());
    }
    let link = PendingLink {
        id: LinkId::from_random(context.derive_id(
            customer,
            StreamKind::Link,
            state.stream_ordinals(customer).links,
        )),
        customer: Arc::clone(customer),
        fip: Arc::clone(&fip.entity.id),
        linking: fip.linking,
        accounts: accounts.into(),
        expires_at: context.now.saturating_add(LINK_TOKEN_TTL),
    };
    Ok(implicit_registration(state, customer, context)
        .chain([Event::LinkRequested {
            link: Arc::new(link),
        }])
        .collect())
}

pub fn verify_link(
    state: &State,
    customer: &Arc<str>,
    id: LinkId,
    token: &str,
    context: &DecisionContext<'_>,
) -> Result<Vec<Event>, Rejection> {
    let link = state
        .customer(customer)
        .and_then(|known| known.pending_links.iter().find(|link| link.id == id));
    let link = link.ok_or_else(|| Rejection::UnknownLink(id.to_string()))?;
    if link.linking == LinkingMethod::Token {
        if link.expires_at <= context.now {
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
pub fn confirm_link(
    state: &State,
    confirmation: &ConfirmLink,
    context: &DecisionContext<'_>,
) -> Result<Vec<Event>, Rejection> {
    let ConfirmLink {
        customer,
        fip,
        account_ref,
        link_ref,
    } = confirmation;
    check_registered(state, customer)?;
    let is_same_account = |known: &&Account| known.matches_ref(fip, account_ref);
    let is_awaiting = |link: &&Arc<PendingLink>| {
        link.linking == LinkingMethod::Direct
            && link.accounts.iter().any(|known| is_same_account(&known))
    };
    let link = state
        .customer(customer)
        .and_then(|known| known.pending_links.iter().find(is_awaiting));
    let link = link.ok_or_else(|| Rejection::UnknownLink(account_ref.to_string()))?;
    let customer_accounts = list_accounts(state, customer, context);
    let conflicting = find_linked_accounts(
        state,
        customer,
        &context.current_persona(state, customer),
        context,
    )
    .into_iter()
    .chain(customer_accounts)
    .find(|known| known.link_ref == *link_ref && !is_same_account(&known));
    if conflicting.is_some() {
        return Err(Rejection::LinkRefTaken(link_ref.to_string()));
    }
    let account = link.accounts.iter().find(is_same_account).cloned();
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
pub fn delink_account(
    state: &State,
    customer: &Arc<str>,
    link_ref: &str,
    context: &DecisionContext<'_>,
) -> Result<Vec<Event>, Rejection> {
    check_registered(state, customer)?;
    if !find_linked_accounts(
        state,
        customer,
        &context.current_persona(state, customer),
        context,
    )
    .iter()
    .any(|account| &*account.link_ref == link_ref)
    {
        return Err(Rejection::UnknownAccount {
            customer: customer.to_string(),
            account: link_ref.to_owned(),
            place: "linked under that linkRefNumber",
        });
    }
    Ok(delink_events(state, customer, &[link_ref], context))
}

/// Every account that the customer holds there, and has not linked, is linked; a scenario's short cut.
pub fn link_all(
    state: &State,
    customer: &Arc<str>,
    fip: Option<&str>,
    context: &DecisionContext<'_>,
) -> Result<Vec<Event>, Rejection> {
    check_registered(state, customer)?;
    check_fip_known(fip, context)?;
    let linked_accounts = find_linked_accounts(
        state,
        customer,
        &context.current_persona(state, customer),
        context,
    );
    let is_at_fip = |account: &Account| fip.is_none_or(|fip| *account.fip == *fip);
    let is_unlinked = |account: &Account| {
        !linked_accounts
            .iter()
            .any(|known| known.matches_ref(&account.fip, &account.account_ref))
    };
    let accounts: Arc<[Account]> = list_accounts(state, customer, context)
        .into_iter()
        .filter(|account| is_at_fip(account) && is_unlinked(account))
        .collect();
    if accounts.is_empty() {
        return Err(Rejection::NoAccountToLink {
            customer: customer.to_string(),
            fip: fip.map(str::to_owned),
        });
    }
    let linked_event = Event::AccountsLinked {
        customer: Arc::clone(customer),
        accounts,
    };
    Ok(implicit_registration(state, customer, context)
        .chain([linked_event])
        .collect())
}

/// Every account that is linked there is no longer, and every consent that names one is revoked.
pub fn delink_all(
    state: &State,
    customer: &Arc<str>,
    fip: Option<&str>,
    context: &DecisionContext<'_>,
) -> Result<Vec<Event>, Rejection> {
    check_registered(state, customer)?;
    check_fip_known(fip, context)?;
    let linked_accounts = find_linked_accounts(
        state,
        customer,
        &context.current_persona(state, customer),
        context,
    );
    let linked_there: Vec<_> = linked_accounts
        .iter()
        .filter(|account| fip.is_none_or(|fip| *account.fip == *fip))
        .collect();
    if linked_there.is_empty() {
        return Err(Rejection::NoLinkedAccount {
            customer: customer.to_string(),
            fip: fip.map(str::to_owned),
        });
    }
    let link_refs: Vec<&str> = linked_there
        .iter()
        .map(|account| &*account.link_ref)
        .collect();
    Ok(delink_events(state, customer, &link_refs, context))
}

/// These accounts are linked no longer, and the consents that name one are revoked.
fn delink_events(
    state: &State,
    customer: &Arc<str>,
    link_refs: &[&str],
    context: &DecisionContext<'_>,
) -> Vec<Event> {
    let to_delinked_event = |link_ref: &&str| Event::AccountDelinked {
        customer: Arc::clone(customer),
        link_ref: (*link_ref).into(),
    };
    let delinked_events = link_refs.iter().map(to_delinked_event);
    implicit_registration(state, customer, context)
        .chain(delinked_events)
        .chain(revocation_events(state, customer, link_refs))
        .collect()
}

fn check_fip_known(fip: Option<&str>, context: &DecisionContext<'_>) -> Result<(), Rejection> {
    match fip {
        Some(fip) if context.participants.find_fip(fip).is_none() => {
            Err(Rejection::UnknownFip(fip.to_owned()))
        }
        _ => Ok(()),
    }
}

/// The consents that name one of these accounts are revoked.
fn revocation_events(state: &State, customer: &Arc<str>, link_refs: &[&str]) -> Vec<Event> {
    let names_account = |consent: &Consent| {
        let mut accounts = consent.grant.iter().flat_map(|grant| grant.accounts.iter());
        consent.terms.customer == *customer
            && !consent.hidden
            && consent.status.transition_on(Input::Revoke).is_some()
            && accounts.any(|account| link_refs.contains(&&*account.link_ref))
    };
    let to_revoked_event = |consent: &Arc<Consent>| Event::ConsentRevoked {
        handle: consent.handle,
        by: Party::Customer,
    };
    state
        .consents(0)
        .filter(|consent| names_account(consent))
        .map(to_revoked_event)
        .collect()
}

fn check_registered(state: &State, customer: &str) -> Result<(), Rejection> {
    match state.customer(customer) {
        Some(known) if !known.registered => {
            Err(Rejection::CustomerNotRegistered(customer.to_owned()))
        }
        _ => Ok(()),
    }
}

/// Writes down what was tacit about a customer who is mentioned for the first time.
fn implicit_registration(
    state: &State,
    customer: &Arc<str>,
    context: &DecisionContext<'_>,
) -> impl Iterator<Item = Event> {
    let is_implicit = state.customer(customer).is_none();
    let registration_event = || Event::CustomerRegistered {
        customer: Arc::clone(customer),
        accounts: find_linked_accounts(
            state,
            customer,
            &context.current_persona(state, customer),
            context,
        )
        .into(),
    };
    is_implicit.then(registration_event).into_iter()
}
