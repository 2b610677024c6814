//! The rules: a command and the state give events, or a refusal. Pure; what is random or timed comes in.
//!
//! Consents are decided here; data sessions and customers, which are subjects of their own, in the modules below.

mod customers;
mod data;

use std::sync::Arc;

use crate::domain::account::{Account, LinkableAccount};
use crate::domain::command::{AccountChoice, Command, ConsentAction, RaiseConsent, SaveTemplate};
use crate::domain::consent::{Api, Consent, Input, Status, StatusChange, Terms};
use crate::domain::event::Event;
use crate::domain::ids::{ConsentHandle, ConsentId, MessageId, ProductId, SessionId};
use crate::domain::participants::Participants;
use crate::domain::persona::{Persona, PersonaInstance};
use crate::domain::random_stream::{StreamKey, StreamKind};
use crate::domain::rejection::Rejection;
use crate::domain::session::DataTiming;
use crate::domain::time::{Millis, Timestamp};
use crate::domain::unaport::{ConsentTemplate, RECORDED_RUN_DELAY};
use crate::engine::entropy::id_bytes;
use crate::engine::state::State;

pub use self::customers::linked;

/// What a decision depends on beside the state.
pub struct Circumstances<'a> {
    pub now: Timestamp,
    /// The world's seed.
    pub seed: u64,
    pub participants: &'a Participants,
    /// The accounts that a customer who lives this persona has at the simulated FIPs, each with whether it is linked from the
    /// beginning.
    pub accounts: &'a dyn Fn(&str, &Persona) -> Vec<LinkableAccount>,
    /// Whether the FIPs can tell this account of a customer.
    pub simulated: fn(u64, &str, &PersonaInstance, &Account) -> bool,
    /// Whose life those live whom nothing else gives one.
    pub persona: &'a Arc<Persona>,
    /// When FIPs answer a request for this consent's data; [`Progression::Manual`] also where a script says when and how.
    pub progression: &'a dyn Fn(&Consent) -> DataTiming,
}

impl Circumstances<'_> {
    /// The life that a customer lives now.
    pub fn life(&self, state: &State, customer: &str) -> PersonaInstance {
        state
            .life(customer)
            .cloned()
            .unwrap_or_else(|| self.begun(state, customer, self.persona))
    }

    /// The life of a customer who lives this persona: that which was begun once, or one that begins today.
    fn begun(&self, state: &State, customer: &str, persona: &Arc<Persona>) -> PersonaInstance {
        let known = state
            .lives(customer)
            .iter()
            .find(|life| life.definition.name == persona.name);
        let new = || PersonaInstance {
            definition: Arc::clone(persona),
            as_of: self.now.ist_date(),
        };
        known.cloned().unwrap_or_else(new)
    }

    fn id(&self, owner: &str, kind: StreamKind, ordinal: u32) -> [u8; 16] {
        id_bytes(StreamKey {
            seed: self.seed,
            owner,
            kind,
            ordinal: u64::from(ordinal),
        })
    }
}

pub fn decide(
    state: &State,
    command: Command,
    given: &Circumstances<'_>,
) -> Result<Vec<Event>, Rejection> {
    match command {
        Command::RaiseConsent(raise) => raise_consent(state, raise, given),
        Command::TransitionConsent {
            handle,
            action: verb,
        } => move_consent(find(state, handle)?, state, verb, given),
        Command::RunScheduledFetch(handle) => data::run(find(state, handle)?, state, given),
        Command::SaveTemplate(save) => Ok(vec![save_template(state, save, given)]),
        Command::ReportAnalytics { session, status } => {
            data::report_analytics(state, session, status)
        }
        Command::RequestData(request) => data::request(state, request, given),
        Command::DeliverData {
            handle,
            session,
            statuses: outcome,
        } => data::deliver(find(state, handle)?, session, state, &outcome, given),
        Command::ReportFipStatus(answer) => data::answer(state, &answer, given),
        Command::FetchData(collect) => data::collect(state, &collect, given),
        Command::FetchStored(session) => data::collect_kept(state, session, given),
        Command::ExpireSession(id) => data::expire(state, id),
        Command::RegisterCustomer { customer } => customers::register(state, customer),
        Command::DeregisterCustomer { customer } => customers::deregister(state, customer),
        Command::LinkAccounts {
            customer,
            fip,
            accounts,
        } => customers::link(state, &customer, &fip, &accounts, given),
        Command::VerifyLink {
            customer,
            link,
            token,
        } => customers::verify(state, &customer, link, &token, given),
        Command::ConfirmLink(confirm) => customers::confirm(state, &confirm, given),
        Command::DelinkAccount { customer, link_ref } => {
            customers::delink(state, &customer, &link_ref, given)
        }
        Command::AssignPersona { customer, persona } => {
            Ok(vec![customers::cast(state, customer, &persona, given)])
        }
        Command::LinkAllAccounts { customer, fip } => {
            customers::link_all(state, &customer, fip.as_deref(), given)
        }
        Command::DelinkAllAccounts { customer, fip } => {
            customers::delink_all(state, &customer, fip.as_deref(), given)
        }
        Command::SendScriptedNotification { handle, content } => {
            Ok(vec![Event::NotificationScripted {
                handle: find(state, handle)?.handle,
                content,
            }])
        }
        Command::SetTiming { handle, timing } => Ok(vec![Event::TimingChanged {
            handle: find(state, handle)?.handle,
            timing,
        }]),
    }
}

fn find(state: &State, handle: ConsentHandle) -> Result<&Arc<Consent>, Rejection> {
    let consent = state.consent(handle).filter(|consent| !consent.hidden);
    consent.ok_or_else(|| Rejection::UnknownHandle(handle.to_string()))
}

fn raise_consent(
    state: &State,
    raise: RaiseConsent,
    given: &Circumstances<'_>,
) -> Result<Vec<Event>, Rejection> {
    let RaiseConsent {
        mut terms,
        api: face,
        aa,
        fiu,
        metadata: filing,
        scenario: _,
        persona,
    } = raise;
    if terms.expiry <= given.now {
        return Err(Rejection::AlreadyExpired {
            expiry: terms.expiry,
            now: given.now,
        });
    }
    if state
        .customer(&terms.customer)
        .is_some_and(|customer| !customer.registered)
    {
        return Err(Rejection::CustomerNotRegistered(terms.customer.to_string()));
    }
    let life = match &persona {
        Some(persona) => given.begun(state, &terms.customer, persona),
        None => given.life(state, &terms.customer),
    };
    // Who lives as everybody does, without dates that count from the first use, need not be remembered for it.
    let is_usual =
        Arc::ptr_eq(&life.definition, given.persona) && !life.definition.has_relative_dates();
    let must_be_told = match state.life(&terms.customer) {
        Some(present) => present.definition.name != life.definition.name,
        None => !is_usual,
    };
    let ordinal = state.drawn(&terms.customer).handles;
    if terms.txnid.is_empty() {
        let txnid =
            MessageId::from_random(given.id(&terms.customer, StreamKind::RaisedTxn, ordinal));
        terms.txnid = txnid.to_string().into();
    }
    let consent = Consent {
        handle: ConsentHandle::from_random(given.id(
            &terms.customer,
            StreamKind::ConsentHandle,
            ordinal,
        )),
        number: u32::try_from(state.len() + 1).expect("a machine holds fewer than 2^32 consents"),
        api: face,
        aa,
        fiu,
        terms: Arc::new(terms),
        metadata: filing.map(Arc::new),
        status: Status::Pending,
        created_at: given.now,
        grant: None,
        hidden: false,
        persona: life,
        history: vec![StatusChange {
            status: Status::Pending,
            at: given.now,
        }],
    };
    let customer = Arc::clone(&consent.terms.customer);
    let cast = must_be_told.then(|| Event::PersonaAssigned {
        customer,
        persona: Arc::new(consent.persona.clone()),
    });
    Ok(cast
        .into_iter()
        .chain([Event::ConsentRaised {
            consent: Arc::new(consent),
        }])
        .collect())
}

fn move_consent(
    consent: &Consent,
    state: &State,
    verb: ConsentAction,
    given: &Circumstances<'_>,
) -> Result<Vec<Event>, Rejection> {
    let handle = consent.handle;
    let input = verb.input();
    if consent.status.transition_on(input).is_none() {
        return Err(Rejection::IllegalTransition {
            status: consent.status,
            input,
        });
    }
    Ok(match verb {
        ConsentAction::Approve { hold, accounts } => {
            let approved = approve(consent, state, &accounts, given)?;
            if hold {
                vec![approved]
            } else {
                vec![approved, activated(consent, given)]
            }
        }
        ConsentAction::Activate => vec![activated(consent, given)],
        ConsentAction::Reject => vec![Event::ConsentRejected { handle }],
        ConsentAction::Fail => vec![Event::ConsentFailed { handle }],
        ConsentAction::Pause => vec![Event::ConsentPaused { handle }],
        ConsentAction::Resume => vec![Event::ConsentResumed { handle }],
        ConsentAction::Revoke { by } => vec![Event::ConsentRevoked { handle, by }],
        ConsentAction::Expire => vec![Event::ConsentExpired { handle }],
    })
}

/// In force from now on. Unaport then asks for data by itself, not before `consentStart`.
fn activated(consent: &Consent, given: &Circumstances<'_>) -> Event {
    let lag = if (given.progression)(consent) == DataTiming::Timed {
        RECORDED_RUN_DELAY
    } else {
        Millis::ZERO
    };
    let run_at = (consent.api == Api::Unaport)
        .then(|| given.now.saturating_add(lag).max(consent.terms.start));
    Event::ConsentActivated {
        handle: consent.handle,
        next_run_at: run_at,
    }
}

fn save_template(state: &State, save: SaveTemplate, given: &Circumstances<'_>) -> Event {
    let SaveTemplate {
        name,
        fiu,
        terms: plan,
    } = save;
    let own = state
        .templates()
        .iter()
        .filter(|template| template.fiu.as_ref() == Some(&fiu))
        .count();
    let ordinal = u32::try_from(own).expect("a machine holds fewer than 2^32 templates");
    let id = ProductId::from_random(given.id(&fiu, StreamKind::Product, ordinal));
    Event::TemplateSaved {
        template: Arc::new(ConsentTemplate {
            id,
            name,
            fiu: Some(fiu),
            created_at: given.now,
            terms: plan,
        }),
    }
}

/// One artefact for the FIU, and one for each FIP that holds a granted account, each with an id of its own
/// (`reference/rebit.md` §3.2).
fn approve(
    consent: &Consent,
    state: &State,
    choice: &AccountChoice,
    given: &Circumstances<'_>,
) -> Result<Event, Rejection> {
    let customer = &consent.terms.customer;
    let accounts = choose(
        &consent.terms,
        customers::linked(state, customer, &consent.persona, given),
        choice,
    )?;
    let drawn = state.drawn(customer);
    let mut fips: Vec<(Arc<str>, ConsentId)> = Vec::new();
    for account in &accounts {
        if !fips.iter().any(|(fip, _)| *fip == account.fip) {
            let ordinal =
                drawn.fip_consent_ids + u32::try_from(fips.len()).expect("a customer has few FIPs");
            let id = ConsentId::from_random(given.id(customer, StreamKind::FipConsentId, ordinal));
            fips.push((Arc::clone(&account.fip), id));
        }
    }
    Ok(Event::ConsentApproved {
        handle: consent.handle,
        consent_id: ConsentId::from_random(given.id(
            customer,
            StreamKind::ConsentId,
            drawn.consent_ids,
        )),
        accounts: accounts.into(),
        fips: fips.into(),
    })
}

/// The accounts that a consent is granted for; there is at least one.
fn choose(
    terms: &Terms,
    linked: Vec<Account>,
    choice: &AccountChoice,
) -> Result<Vec<Account>, Rejection> {
    let mut accounts = linked;
    accounts.retain(|account| terms.fi_types.contains(&account.fi_type));
    if let AccountChoice::ByLinkRef(wanted) = choice {
        let known = |link_ref: &str| {
            accounts
                .iter()
                .any(|account| &*account.link_ref == link_ref)
        };
        if let Some(unknown) = wanted.iter().find(|link_ref| !known(link_ref)) {
            return Err(Rejection::UnknownAccount {
                customer: terms.customer.to_string(),
                account: unknown.to_string(),
                place: "linked and of a kind that the consent asks for",
            });
        }
        accounts.retain(|account| wanted.contains(&account.link_ref));
    }
    if let AccountChoice::Matching(selection) = choice {
        accounts = selection.select_from(accounts);
    }
    if accounts.is_empty() {
        let asked: Vec<_> = terms
            .fi_types
            .iter()
            .map(|fi_type| fi_type.as_str())
            .collect();
        return Err(Rejection::NoGrantableAccount {
            customer: terms.customer.to_string(),
            requested: asked.join(", "),
        });
    }
    Ok(accounts)
}

/// The move that the passing of `consentExpiry` makes, or `None` where the consent is past moving.
pub fn expiry_of(state: &State, handle: ConsentHandle) -> Option<Command> {
    let consent = find(state, handle).ok()?;
    consent.status.transition_on(Input::Expire)?;
    Some(Command::TransitionConsent {
        handle,
        action: ConsentAction::Expire,
    })
}

/// The request for data that Unaport makes by itself when it is due, or `None` where the consent is not in force or
/// the plan has changed.
pub fn run_of(state: &State, handle: ConsentHandle, due: Timestamp) -> Option<Command> {
    let active = find(state, handle).is_ok_and(|consent| consent.status == Status::Active);
    let planned = planned_run(state, handle).filter(|_| active)?;
    (planned <= due).then_some(Command::RunScheduledFetch(handle))
}

/// When Unaport is to ask for data by itself, as long as the consent may still be in force then.
pub fn planned_run(state: &State, handle: ConsentHandle) -> Option<Timestamp> {
    let consent = find(state, handle)
        .ok()
        .filter(|consent| consent.status.legal_inputs().next().is_some())?;
    consent.grant.as_ref()?.next_run_at
}

/// What the passing of a session's life makes, or `None` where everything was taken in time.
pub fn session_expiry_of(state: &State, id: SessionId) -> Option<Command> {
    let session = state.session(id)?;
    (session.has_unfetched_accounts() && find(state, session.handle).is_ok())
        .then_some(Command::ExpireSession(id))
}
