//! The rules: a command and the state give events, or a refusal. Pure; what is random or timed comes in.
//!
//! Consents are decided here; data sessions and customers, which are subjects of their own, in the modules below.

mod customers;
mod data;

use std::sync::Arc;

use crate::domain::account::{Account, Held};
use crate::domain::command::{Choice, Command, RaiseConsent, SaveTemplate, Verb};
use crate::domain::consent::{Consent, Face, Input, Moment, Status, Terms};
use crate::domain::event::Event;
use crate::domain::ids::{ConsentHandle, ConsentId, MessageId, ProductId, SessionId};
use crate::domain::participants::Participants;
use crate::domain::persona::{Life, Persona};
use crate::domain::refusal::Refusal;
use crate::domain::session::Progression;
use crate::domain::stream::{Kind, StreamKey};
use crate::domain::time::{Span, Timestamp};
use crate::domain::unaport::{RECORDED_RUN_AFTER, Template};
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
    pub accounts: &'a dyn Fn(&str, &Persona) -> Vec<Held>,
    /// Whether the FIPs can tell this account of a customer.
    pub simulated: fn(u64, &str, &Life, &Account) -> bool,
    /// Whose life those live whom nothing else gives one.
    pub persona: &'a Arc<Persona>,
    /// When FIPs answer a request for this consent's data; [`Progression::Manual`] also where a script says when and how.
    pub progression: &'a dyn Fn(&Consent) -> Progression,
}

impl Circumstances<'_> {
    /// The life that a customer lives now.
    pub fn life(&self, state: &State, customer: &str) -> Life {
        state
            .life(customer)
            .cloned()
            .unwrap_or_else(|| self.begun(state, customer, self.persona))
    }

    /// The life of a customer who lives this persona: that which was begun once, or one that begins today.
    fn begun(&self, state: &State, customer: &str, persona: &Arc<Persona>) -> Life {
        let known = state
            .lives(customer)
            .iter()
            .find(|life| life.persona.name == persona.name);
        let new = || Life {
            persona: Arc::clone(persona),
            as_of: self.now.ist_date(),
        };
        known.cloned().unwrap_or_else(new)
    }

    fn id(&self, owner: &str, kind: Kind, ordinal: u32) -> [u8; 16] {
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
) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::RaiseConsent(raise) => raise_consent(state, raise, given),
        Command::MoveConsent { handle, verb } => {
            move_consent(find(state, handle)?, state, verb, given)
        }
        Command::RunConsent(handle) => data::run(find(state, handle)?, state, given),
        Command::SaveTemplate(save) => Ok(vec![save_template(state, save, given)]),
        Command::ReportAnalytics { session, status } => {
            data::report_analytics(state, session, status)
        }
        Command::RequestData(request) => data::request(state, request, given),
        Command::Deliver {
            handle,
            session,
            outcome,
        } => data::deliver(find(state, handle)?, session, state, &outcome, given),
        Command::Answer(answer) => data::answer(state, &answer, given),
        Command::CollectData(collect) => data::collect(state, &collect, given),
        Command::CollectKept(session) => data::collect_kept(state, session, given),
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
        Command::CastCustomer { customer, persona } => {
            Ok(vec![customers::cast(state, customer, &persona, given)])
        }
        Command::LinkAll { customer, fip } => {
            customers::link_all(state, &customer, fip.as_deref(), given)
        }
        Command::DelinkAll { customer, fip } => {
            customers::delink_all(state, &customer, fip.as_deref(), given)
        }
        Command::Notify { handle, content } => Ok(vec![Event::NoticeScripted {
            handle: find(state, handle)?.handle,
            content,
        }]),
        Command::Adjust { handle, pace } => Ok(vec![Event::PaceSet {
            handle: find(state, handle)?.handle,
            pace,
        }]),
    }
}

fn find(state: &State, handle: ConsentHandle) -> Result<&Arc<Consent>, Refusal> {
    let consent = state.consent(handle).filter(|consent| !consent.hidden);
    consent.ok_or_else(|| Refusal::UnknownHandle(handle.to_string()))
}

fn raise_consent(
    state: &State,
    raise: RaiseConsent,
    given: &Circumstances<'_>,
) -> Result<Vec<Event>, Refusal> {
    let RaiseConsent {
        mut terms,
        face,
        aa,
        fiu,
        filing,
        scenario: _,
        persona,
    } = raise;
    if terms.expiry <= given.now {
        return Err(Refusal::AlreadyExpired {
            expiry: terms.expiry,
            now: given.now,
        });
    }
    if state
        .customer(&terms.customer)
        .is_some_and(|customer| !customer.registered)
    {
        return Err(Refusal::CustomerGone(terms.customer.to_string()));
    }
    let life = match &persona {
        Some(persona) => given.begun(state, &terms.customer, persona),
        None => given.life(state, &terms.customer),
    };
    // Who lives as everybody does, without dates that count from the first use, need not be remembered for it.
    let is_usual = Arc::ptr_eq(&life.persona, given.persona) && !life.persona.is_relative();
    let must_be_told = match state.life(&terms.customer) {
        Some(present) => present.persona.name != life.persona.name,
        None => !is_usual,
    };
    let ordinal = state.drawn(&terms.customer).handles;
    if terms.txnid.is_empty() {
        let txnid = MessageId::from_random(given.id(&terms.customer, Kind::RaisedTxn, ordinal));
        terms.txnid = txnid.to_string().into();
    }
    let consent = Consent {
        handle: ConsentHandle::from_random(given.id(&terms.customer, Kind::ConsentHandle, ordinal)),
        number: u32::try_from(state.len() + 1).expect("a machine holds fewer than 2^32 consents"),
        face,
        aa,
        fiu,
        terms: Arc::new(terms),
        filing: filing.map(Arc::new),
        status: Status::Pending,
        created_at: given.now,
        grant: None,
        hidden: false,
        life,
        history: vec![Moment {
            status: Status::Pending,
            at: given.now,
        }],
    };
    let customer = Arc::clone(&consent.terms.customer);
    let cast = must_be_told.then(|| Event::CustomerCast {
        customer,
        life: Arc::new(consent.life.clone()),
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
    verb: Verb,
    given: &Circumstances<'_>,
) -> Result<Vec<Event>, Refusal> {
    let handle = consent.handle;
    let input = verb.input();
    if consent.status.after(input).is_none() {
        return Err(Refusal::IllegalMove {
            status: consent.status,
            input,
        });
    }
    Ok(match verb {
        Verb::Approve { hold, accounts } => {
            let approved = approve(consent, state, &accounts, given)?;
            if hold {
                vec![approved]
            } else {
                vec![approved, activated(consent, given)]
            }
        }
        Verb::Activate => vec![activated(consent, given)],
        Verb::Reject => vec![Event::ConsentRejected { handle }],
        Verb::Fail => vec![Event::ConsentFailed { handle }],
        Verb::Pause => vec![Event::ConsentPaused { handle }],
        Verb::Resume => vec![Event::ConsentResumed { handle }],
        Verb::Revoke { by } => vec![Event::ConsentRevoked { handle, by }],
        Verb::Expire => vec![Event::ConsentExpired { handle }],
    })
}

/// In force from now on. Unaport then asks for data by itself, not before `consentStart`.
fn activated(consent: &Consent, given: &Circumstances<'_>) -> Event {
    let lag = if (given.progression)(consent) == Progression::Timed {
        RECORDED_RUN_AFTER
    } else {
        Span::ZERO
    };
    let run_at =
        (consent.face == Face::Unaport).then(|| given.now.plus(lag).max(consent.terms.start));
    Event::ConsentActivated {
        handle: consent.handle,
        run_at,
    }
}

fn save_template(state: &State, save: SaveTemplate, given: &Circumstances<'_>) -> Event {
    let SaveTemplate { name, fiu, plan } = save;
    let own = state
        .templates()
        .iter()
        .filter(|template| template.fiu.as_ref() == Some(&fiu))
        .count();
    let ordinal = u32::try_from(own).expect("a machine holds fewer than 2^32 templates");
    let id = ProductId::from_random(given.id(&fiu, Kind::Product, ordinal));
    Event::TemplateSaved {
        template: Arc::new(Template {
            id,
            name,
            fiu: Some(fiu),
            created_at: given.now,
            plan,
        }),
    }
}

/// One artefact for the FIU, and one for each FIP that holds a granted account, each with an id of its own
/// (`reference/rebit.md` §3.2).
fn approve(
    consent: &Consent,
    state: &State,
    choice: &Choice,
    given: &Circumstances<'_>,
) -> Result<Event, Refusal> {
    let customer = &consent.terms.customer;
    let accounts = choose(
        &consent.terms,
        customers::linked(state, customer, &consent.life, given),
        choice,
    )?;
    let drawn = state.drawn(customer);
    let mut fips: Vec<(Arc<str>, ConsentId)> = Vec::new();
    for account in &accounts {
        if !fips.iter().any(|(fip, _)| *fip == account.fip) {
            let ordinal =
                drawn.fip_consent_ids + u32::try_from(fips.len()).expect("a customer has few FIPs");
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
        let known = |link_ref: &str| {
            accounts
                .iter()
                .any(|account| &*account.link_ref == link_ref)
        };
        if let Some(unknown) = wanted.iter().find(|link_ref| !known(link_ref)) {
            return Err(Refusal::UnknownAccount {
                customer: terms.customer.to_string(),
                account: unknown.to_string(),
                place: "linked and of a kind that the consent asks for",
            });
        }
        accounts.retain(|account| wanted.contains(&account.link_ref));
    }
    if let Choice::Of(selection) = choice {
        accounts = selection.of(accounts);
    }
    if accounts.is_empty() {
        let asked: Vec<_> = terms
            .fi_types
            .iter()
            .map(|fi_type| fi_type.as_str())
            .collect();
        return Err(Refusal::NothingToGrant {
            customer: terms.customer.to_string(),
            asked: asked.join(", "),
        });
    }
    Ok(accounts)
}

/// The move that the passing of `consentExpiry` makes, or `None` where the consent is past moving.
pub fn expiry_of(state: &State, handle: ConsentHandle) -> Option<Command> {
    let consent = find(state, handle).ok()?;
    consent.status.after(Input::Expire)?;
    Some(Command::MoveConsent {
        handle,
        verb: Verb::Expire,
    })
}

/// The request for data that Unaport makes by itself when it is due, or `None` where the consent is not in force or
/// the plan has changed.
pub fn run_of(state: &State, handle: ConsentHandle, due: Timestamp) -> Option<Command> {
    let active = find(state, handle).is_ok_and(|consent| consent.status == Status::Active);
    let planned = planned_run(state, handle).filter(|_| active)?;
    (planned <= due).then_some(Command::RunConsent(handle))
}

/// When Unaport is to ask for data by itself, as long as the consent may still be in force then.
pub fn planned_run(state: &State, handle: ConsentHandle) -> Option<Timestamp> {
    let consent = find(state, handle)
        .ok()
        .filter(|consent| consent.status.legal().next().is_some())?;
    consent.grant.as_ref()?.next_run_at
}

/// What the passing of a session's life makes, or `None` where everything was taken in time.
pub fn session_expiry_of(state: &State, id: SessionId) -> Option<Command> {
    let session = state.session(id)?;
    (session.has_remains() && find(state, session.handle).is_ok())
        .then_some(Command::ExpireSession(id))
}
