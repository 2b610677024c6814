//! Decisions about customers: registration, linking and delinking of accounts
//! (`docs/sources.md#consent-artefact-states`, `docs/sources.md#fi-session-states`).

use std::sync::Arc;

use super::DecisionContext;
use crate::domain::account::Account;
use crate::domain::command::{ConfirmLink, OnPendingLink};
use crate::domain::command_arguments::Party;
use crate::domain::consent::{Consent, Input};
use crate::domain::constant_time::equals_secret;
use crate::domain::customer::{LINK_TOKEN_TTL, LINK_TOKENS, PendingLink};
use crate::domain::event::Event;
use crate::domain::ids::LinkId;
use crate::domain::participants::LinkingMethod;
use crate::domain::persona::{Persona, PersonaInstance};
use crate::domain::random_stream::StreamKind;
use crate::domain::rejection::Rejection;
use crate::engine::state::State;

/// Returns the accounts that the customer has linked. A customer without an explicit record has
/// those that the persona links by default.
pub(crate) fn find_linked_accounts(
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

/// Returns all accounts of the customer, linked or not.
fn list_accounts(state: &State, customer: &str, context: &DecisionContext<'_>) -> Vec<Account> {
    list_accounts_of(customer, &context.current_persona(state, customer), context)
}

/// Returns all accounts that a customer with this persona has, linked or not.
pub(super) fn list_accounts_of(
    customer: &str,
    instance: &PersonaInstance,
    context: &DecisionContext<'_>,
) -> Vec<Account> {
    (context.list_accounts)(customer, &instance.definition)
        .into_iter()
        .map(|linkable| linkable.account)
        .collect()
}

/// Decides the assignment of a persona; existing consents keep theirs.
pub(crate) fn assign_persona(
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

/// Decides a registration. A customer with consents is registered without an explicit record.
pub(crate) fn register_customer(
    state: &State,
    customer: Arc<str>,
) -> Result<Vec<Event>, Rejection> {
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

/// Decides a deregistration. One event delinks the accounts and hides the consents, without a
/// notification of each.
///
/// `Assumption:` the FIU gets no notification; it learns of it at its next call (certification
/// cases AA_1023, AA_1033).
pub(crate) fn deregister_customer(
    state: &State,
    customer: Arc<str>,
) -> Result<Vec<Event>, Rejection> {
    check_registered(state, &customer)?;
    Ok(vec![Event::CustomerDeregistered { customer }])
}

pub(crate) fn request_link(
    state: &State,
    customer: &Arc<str>,
    fip: &Arc<str>,
    (account_refs, on_pending): (&[Box<str>], OnPendingLink),
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
        let account = customer_accounts
            .iter()
            .find(|account| account.matches_ref(&fip.entity.id, account_ref));
        let account = account.ok_or_else(|| Rejection::UnknownAccount {
            customer: customer.to_string(),
            account: account_ref.to_string(),
            place: "at that FIP; GET /_mockaa/v1/customers/{id}/accounts lists them",
        })?;
        // A link with an expired one-time password does not block a new one.
        let pending_accounts = state
            .customer(customer)
            .into_iter()
            .flat_map(|known| &known.pending_links)
            .filter(|link| link.is_pending(context.now))
            .flat_map(|link| link.accounts.iter())
            .filter(|_| on_pending == OnPendingLink::Refuse);
        let is_linked_or_pending = pending_accounts
            .chain(&linked_accounts)
            .chain(&accounts)
            .any(|known| known.matches_ref(&fip.entity.id, account_ref));
        if is_linked_or_pending {
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

pub(crate) fn verify_link(
    state: &State,
    customer: &Arc<str>,
    id: LinkId,
    (token, refused): (&str, &[Box<str>]),
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
        if !LINK_TOKENS.iter().any(|known| equals_secret(token, known)) {
            return Err(Rejection::InvalidLinkToken);
        }
    }
    let (refused, linked): (Vec<_>, Vec<_>) = link
        .accounts
        .iter()
        .cloned()
        .partition(|account| refused.contains(&account.account_ref));
    let mut events = Vec::new();
    if !refused.is_empty() {
        events.push(Event::LinkRefused {
            customer: Arc::clone(customer),
            accounts: refused.into(),
        });
    }
    if !linked.is_empty() {
        events.push(Event::AccountsLinked {
            customer: Arc::clone(customer),
            accounts: linked.into(),
        });
    }
    Ok(events)
}

/// Decides a FIP's confirmation of a link that it has authenticated itself. The FIP chooses the
/// linkRefNumber.
pub(crate) fn confirm_link(
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
    let account = state
        .customer(customer)
        .into_iter()
        .flat_map(|known| &known.pending_links)
        .filter(|link| link.linking == LinkingMethod::Direct)
        .flat_map(|link| link.accounts.iter())
        .find(|account| account.matches_ref(fip, account_ref))
        .ok_or_else(|| Rejection::UnknownLink(account_ref.to_string()))?;
    let customer_accounts = list_accounts(state, customer, context);
    let conflicting = find_linked_accounts(
        state,
        customer,
        &context.current_persona(state, customer),
        context,
    )
    .into_iter()
    .chain(customer_accounts)
    .find(|known| known.link_ref == *link_ref && !known.matches_ref(fip, account_ref));
    if conflicting.is_some() {
        return Err(Rejection::LinkRefTaken(link_ref.to_string()));
    }
    let account = Account {
        link_ref: link_ref.clone(),
        ..account.clone()
    };
    Ok(vec![Event::AccountsLinked {
        customer: Arc::clone(customer),
        accounts: [account].into(),
    }])
}

/// Decides a delinking, which revokes every consent that names the account (certification case
/// AA_1032).
pub(crate) fn delink_account(
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

/// Decides the linking of all unlinked accounts that the customer has at the FIP, or at all FIPs; a
/// shortcut for scenarios.
pub(crate) fn link_all(
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
    let accounts: Arc<[Account]> = list_accounts(state, customer, context)
        .into_iter()
        .filter(|account| fip.is_none_or(|fip| *account.fip == *fip))
        .filter(|account| {
            !linked_accounts
                .iter()
                .any(|known| known.matches_ref(&account.fip, &account.account_ref))
        })
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

/// Decides the delinking of all accounts at the FIP, or at all FIPs, and revokes every consent that
/// names one of them.
pub(crate) fn delink_all(
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
    let affected_accounts: Vec<_> = linked_accounts
        .iter()
        .filter(|account| fip.is_none_or(|fip| *account.fip == *fip))
        .collect();
    if affected_accounts.is_empty() {
        return Err(Rejection::NoLinkedAccount {
            customer: customer.to_string(),
            fip: fip.map(str::to_owned),
        });
    }
    let link_refs: Vec<&str> = affected_accounts
        .iter()
        .map(|account| &*account.link_ref)
        .collect();
    Ok(delink_events(state, customer, &link_refs, context))
}

/// Returns the events that delink these accounts and revoke the consents that name one of them.
fn delink_events(
    state: &State,
    customer: &Arc<str>,
    link_refs: &[&str],
    context: &DecisionContext<'_>,
) -> Vec<Event> {
    let delinked_events = link_refs.iter().map(|link_ref| Event::AccountDelinked {
        customer: Arc::clone(customer),
        link_ref: (*link_ref).into(),
    });
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

/// Returns the events that revoke the consents that name one of these accounts.
fn revocation_events(state: &State, customer: &Arc<str>, link_refs: &[&str]) -> Vec<Event> {
    state
        .consents(0)
        .filter(|consent| consent.terms.customer == *customer && !consent.hidden)
        .filter(|consent| consent.status.transition_on(Input::Revoke).is_some())
        .filter(|consent| names_account(consent, link_refs))
        .map(|consent| Event::ConsentRevoked {
            handle: consent.handle,
            by: Party::Customer,
        })
        .collect()
}

fn names_account(consent: &Consent, link_refs: &[&str]) -> bool {
    let mut accounts = consent.grant.iter().flat_map(|grant| grant.accounts.iter());
    accounts.any(|account| link_refs.contains(&&*account.link_ref))
}

pub(super) fn check_registered(state: &State, customer: &str) -> Result<(), Rejection> {
    match state.customer(customer) {
        Some(known) if !known.registered => {
            Err(Rejection::CustomerNotRegistered(customer.to_owned()))
        }
        _ => Ok(()),
    }
}

/// Returns the registration event of a customer without an explicit record.
fn implicit_registration(
    state: &State,
    customer: &Arc<str>,
    context: &DecisionContext<'_>,
) -> impl Iterator<Item = Event> {
    let is_implicit = state.customer(customer).is_none();
    is_implicit
        .then(|| Event::CustomerRegistered {
            customer: Arc::clone(customer),
            accounts: find_linked_accounts(
                state,
                customer,
                &context.current_persona(state, customer),
                context,
            )
            .into(),
        })
        .into_iter()
}
