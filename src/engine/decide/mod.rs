//! The rules: a command and the state yield events or a rejection. The functions are pure;
//! randomness and time are passed in.
//!
//! Consents are decided here, data sessions and customers in the submodules.

mod customers;
mod data;
mod transactions;

use std::sync::Arc;

use crate::domain::account::{Account, LinkableAccount};
use crate::domain::action::ConsentAction;
use crate::domain::command::{Command, RaiseConsent, SaveTemplate};
use crate::domain::command_arguments::AccountChoice;
use crate::domain::consent::{Api, Consent, Input, Status, StatusChange};
use crate::domain::event::Event;
use crate::domain::ids::{ConsentHandle, ConsentId, MessageId, ProductId, SessionId};
use crate::domain::notification::NotificationContent;
use crate::domain::participants::Participants;
use crate::domain::persona::{Persona, PersonaInstance};
use crate::domain::random_stream::{StreamKey, StreamKind};
use crate::domain::rejection::Rejection;
use crate::domain::session::DataTiming;
use crate::domain::terms::Terms;
use crate::domain::time::{Millis, Timestamp};
use crate::domain::unaport::{ConsentTemplate, RECORDED_RUN_DELAY};
use crate::engine::entropy::random_id_bytes;
use crate::engine::sandbox_config::SimulatedFips;
use crate::engine::state::State;

pub(crate) use self::customers::find_linked_accounts;
pub(crate) use self::transactions::find_statement_source;

/// The inputs of a decision besides the state and the command.
pub(crate) struct DecisionContext<'a> {
    pub now: Timestamp,
    /// The world's seed.
    pub seed: u64,
    pub participants: &'a Participants,
    /// The accounts at the simulated FIPs of a customer with this persona; each states whether it
    /// is linked by default.
    pub list_accounts: &'a dyn Fn(&str, &Persona) -> Vec<LinkableAccount>,
    /// The simulated FIPs, which know the generated data.
    pub fips: SimulatedFips,
    /// The persona of customers without an assigned one.
    pub default_persona: &'a Arc<Persona>,
    /// The time at which FIPs answer a request for this consent's data. It is
    /// [`DataTiming::Manual`] also where a plan delivers the data.
    pub data_timing: &'a dyn Fn(&Consent) -> DataTiming,
}

impl DecisionContext<'_> {
    /// Returns the persona of a customer.
    pub(crate) fn current_persona(&self, state: &State, customer: &str) -> PersonaInstance {
        state
            .current_persona(customer)
            .cloned()
            .unwrap_or_else(|| self.persona_instance_for(state, customer, self.default_persona))
    }

    /// Returns the instance of this persona for a customer. Its dates count from the first use of a
    /// persona of this name, or from today.
    fn persona_instance_for(
        &self,
        state: &State,
        customer: &str,
        persona: &Arc<Persona>,
    ) -> PersonaInstance {
        let earlier = state
            .persona_instances(customer)
            .iter()
            .find(|instance| instance.definition.name == persona.name);
        match earlier {
            Some(instance) if instance.definition == *persona => instance.clone(),
            earlier => PersonaInstance {
                definition: Arc::clone(persona),
                as_of: earlier.map_or_else(|| self.now.ist_date(), |earlier| earlier.as_of),
            },
        }
    }

    fn derive_id(&self, owner: &str, kind: StreamKind, ordinal: u32) -> [u8; 16] {
        random_id_bytes(StreamKey {
            seed: self.seed,
            owner,
            kind,
            ordinal: u64::from(ordinal),
        })
    }
}

/// Decides a command.
///
/// # Errors
/// The [`Rejection`] of a command that is not legal now.
pub(crate) fn decide(
    state: &State,
    command: Command,
    context: &DecisionContext<'_>,
) -> Result<Vec<Event>, Rejection> {
    match command {
        Command::RaiseConsent(request) => raise_consent(state, request, context),
        Command::TransitionConsent { handle, action } => {
            transition_consent(find_consent(state, handle)?, state, action, context)
        }
        Command::RunScheduledFetch(handle) => {
            data::run_scheduled_fetch(find_consent(state, handle)?, state, context)
        }
        Command::SaveTemplate(template) => Ok(vec![save_template(state, template, context)]),
        Command::ReportAnalytics { session, status } => {
            data::report_analytics(state, session, status)
        }
        Command::RequestData(request) => data::request_data(state, request, context),
        Command::DeliverData {
            handle,
            session,
            statuses,
        } => data::deliver_data(
            find_consent(state, handle)?,
            session,
            state,
            &statuses,
            context,
        ),
        Command::ReportFipStatus(report) => data::report_fip_status(state, &report, context),
        Command::FetchData(request) => data::fetch_data(state, &request, context),
        Command::FetchStored(session) => data::fetch_stored(state, session, context),
        Command::ExpireSession(id) => data::expire_session(state, id),
        Command::RegisterCustomer { customer } => customers::register_customer(state, customer),
        Command::DeregisterCustomer { customer } => customers::deregister_customer(state, customer),
        Command::LinkAccounts {
            customer,
            fip,
            accounts,
            on_pending_link,
        } => {
            let accounts = (&*accounts, on_pending_link);
            customers::request_link(state, &customer, &fip, accounts, context)
        }
        Command::VerifyLink {
            customer,
            link,
            token,
            refused,
        } => customers::verify_link(state, &customer, link, (&token, &refused), context),
        Command::ConfirmLink(confirmation) => {
            customers::confirm_link(state, &confirmation, context)
        }
        Command::DelinkAccount { customer, link_ref } => {
            customers::delink_account(state, &customer, &link_ref, context)
        }
        Command::AssignPersona { customer, persona } => Ok(vec![customers::assign_persona(
            state, customer, &persona, context,
        )]),
        Command::ChangeTransaction(request) => {
            transactions::change_transaction(state, request, context)
        }
        Command::LinkAllAccounts { customer, fip } => {
            customers::link_all(state, &customer, fip.as_deref(), context)
        }
        Command::DelinkAllAccounts { customer, fip } => {
            customers::delink_all(state, &customer, fip.as_deref(), context)
        }
        Command::SendScriptedNotification { handle, content } => {
            Ok(vec![Event::NotificationScripted {
                handle: find_consent(state, handle)?.handle,
                content,
            }])
        }
        Command::RepeatDataNotification { handle } => {
            let consent = find_consent(state, handle)?;
            let newest = consent.grant.as_ref().and_then(|grant| grant.session);
            let session = newest.and_then(|id| state.session(id));
            let session = session.ok_or(Rejection::NoDataSession)?;
            Ok(vec![Event::NotificationScripted {
                handle: consent.handle,
                content: NotificationContent::FiStatus(Arc::clone(session)),
            }])
        }
        Command::SetTiming { handle, timing } => Ok(vec![Event::TimingChanged {
            handle: find_consent(state, handle)?.handle,
            timing,
        }]),
        Command::ScriptRedirection { handle, code } => Ok(vec![Event::RedirectionScripted {
            handle: find_consent(state, handle)?.handle,
            code,
        }]),
    }
}

/// Returns the consent with this handle, unless it is hidden.
pub(crate) fn find_consent(
    state: &State,
    handle: ConsentHandle,
) -> Result<&Arc<Consent>, Rejection> {
    let consent = state.consent(handle).filter(|consent| !consent.hidden);
    consent.ok_or_else(|| Rejection::UnknownHandle(handle.to_string()))
}

fn raise_consent(
    state: &State,
    request: RaiseConsent,
    context: &DecisionContext<'_>,
) -> Result<Vec<Event>, Rejection> {
    let RaiseConsent {
        mut terms,
        api,
        aa,
        fiu,
        metadata,
        scenario: _,
        persona,
        on_repeated_txnid: _,
    } = request;
    if terms.expiry <= context.now {
        return Err(Rejection::AlreadyExpired {
            expiry: terms.expiry,
            now: context.now,
        });
    }
    if state
        .customer(&terms.customer)
        .is_some_and(|customer| !customer.registered)
    {
        return Err(Rejection::CustomerNotRegistered(terms.customer.to_string()));
    }
    let instance = match &persona {
        Some(persona) => context.persona_instance_for(state, &terms.customer, persona),
        None => context.current_persona(state, &terms.customer),
    };
    // The default persona needs no assignment unless its dates count from the first use.
    let is_default = Arc::ptr_eq(&instance.definition, context.default_persona)
        && !instance.definition.has_relative_dates();
    let needs_assignment = match state.current_persona(&terms.customer) {
        Some(current) => current.definition != instance.definition,
        None => !is_default,
    };
    let ordinal = state.stream_ordinals(&terms.customer).handles;
    if terms.txnid.is_empty() {
        let txnid = MessageId::from_random(context.derive_id(
            &terms.customer,
            StreamKind::RaisedTxn,
            ordinal,
        ));
        terms.txnid = txnid.to_string().into();
    }
    let handle = ConsentHandle::from_random(context.derive_id(
        &terms.customer,
        StreamKind::ConsentHandle,
        ordinal,
    ));
    let consent = Consent {
        handle,
        number: u32::try_from(state.raised_count() + 1)
            .expect("a machine holds fewer than 2^32 consents"),
        short_code: state.find_free_code(handle),
        api,
        aa,
        fiu,
        terms: Arc::new(terms),
        metadata: metadata.map(Arc::new),
        status: Status::Pending,
        created_at: context.now,
        grant: None,
        hidden: false,
        persona: instance,
        history: vec![StatusChange {
            status: Status::Pending,
            at: context.now,
        }],
    };
    let customer = Arc::clone(&consent.terms.customer);
    let assignment_event = needs_assignment.then(|| Event::PersonaAssigned {
        customer,
        persona: Arc::new(consent.persona.clone()),
    });
    Ok(assignment_event
        .into_iter()
        .chain([Event::ConsentRaised {
            consent: Arc::new(consent),
        }])
        .collect())
}

fn transition_consent(
    consent: &Consent,
    state: &State,
    action: ConsentAction,
    context: &DecisionContext<'_>,
) -> Result<Vec<Event>, Rejection> {
    let handle = consent.handle;
    let input = action.input();
    if consent.status.transition_on(input).is_none() {
        return Err(Rejection::IllegalTransition {
            status: consent.status,
            input,
        });
    }
    Ok(match action {
        ConsentAction::Approve { hold, accounts } => {
            let approved_event = approve_consent(consent, state, &accounts, context)?;
            if hold {
                vec![approved_event]
            } else {
                vec![approved_event, consent_activated_event(consent, context)]
            }
        }
        ConsentAction::Activate {} => vec![consent_activated_event(consent, context)],
        ConsentAction::Reject {} => vec![Event::ConsentRejected { handle }],
        ConsentAction::Fail {} => vec![Event::ConsentFailed { handle }],
        ConsentAction::Pause {} => vec![Event::ConsentPaused { handle }],
        ConsentAction::Resume {} => vec![Event::ConsentResumed { handle }],
        ConsentAction::Revoke { by } => vec![Event::ConsentRevoked { handle, by }],
        ConsentAction::Expire {} => vec![Event::ConsentExpired { handle }],
    })
}

/// Builds the activation event. With Unaport it schedules the first request for data, not before
/// `consentStart`.
fn consent_activated_event(consent: &Consent, context: &DecisionContext<'_>) -> Event {
    let delay = if (context.data_timing)(consent) == DataTiming::Timed {
        RECORDED_RUN_DELAY
    } else {
        Millis::ZERO
    };
    let run_at = (consent.api == Api::Unaport)
        .then(|| context.now.saturating_add(delay).max(consent.terms.start));
    Event::ConsentActivated {
        handle: consent.handle,
        next_run_at: run_at,
    }
}

fn save_template(state: &State, request: SaveTemplate, context: &DecisionContext<'_>) -> Event {
    let SaveTemplate { name, fiu, terms } = request;
    let template_count = state
        .templates()
        .iter()
        .filter(|template| template.fiu.as_ref() == Some(&fiu))
        .count();
    let ordinal = u32::try_from(template_count).expect("a machine holds fewer than 2^32 templates");
    let id = ProductId::from_random(context.derive_id(&fiu, StreamKind::Product, ordinal));
    Event::TemplateSaved {
        template: Arc::new(ConsentTemplate {
            id,
            name,
            fiu: Some(fiu),
            created_at: context.now,
            terms,
        }),
    }
}

/// Decides an approval: one artefact for the FIU, and one for each FIP that holds a granted
/// account, each with its own id (`docs/sources.md#consent-artefact-states`).
fn approve_consent(
    consent: &Consent,
    state: &State,
    choice: &AccountChoice,
    context: &DecisionContext<'_>,
) -> Result<Event, Rejection> {
    let customer = &consent.terms.customer;
    let accounts = select_accounts(
        &consent.terms,
        customers::find_linked_accounts(state, customer, &consent.persona, context),
        choice,
    )?;
    let ordinals = state.stream_ordinals(customer);
    let mut fips: Vec<(Arc<str>, ConsentId)> = Vec::new();
    for account in &accounts {
        if !fips.iter().any(|(fip, _)| *fip == account.fip) {
            let ordinal = ordinals.fip_consent_ids
                + u32::try_from(fips.len()).expect("a customer has few FIPs");
            let id = ConsentId::from_random(context.derive_id(
                customer,
                StreamKind::FipConsentId,
                ordinal,
            ));
            fips.push((Arc::clone(&account.fip), id));
        }
    }
    Ok(Event::ConsentApproved {
        handle: consent.handle,
        consent_id: ConsentId::from_random(context.derive_id(
            customer,
            StreamKind::ConsentId,
            ordinals.consent_ids,
        )),
        accounts: accounts.into(),
        fips: fips.into(),
    })
}

/// Returns the accounts that a consent is granted for; there is at least one.
fn select_accounts(
    terms: &Terms,
    linked: Vec<Account>,
    choice: &AccountChoice,
) -> Result<Vec<Account>, Rejection> {
    let mut accounts = linked;
    accounts.retain(|account| terms.fi_types.contains(&account.fi_type));
    if let AccountChoice::ByLinkRef(wanted) = choice {
        let unknown = wanted.iter().find(|link_ref| {
            !accounts
                .iter()
                .any(|account| account.link_ref == **link_ref)
        });
        if let Some(unknown) = unknown {
            return Err(Rejection::UnknownAccount {
                customer: terms.customer.to_string(),
                account: unknown.to_string(),
                place: "linked and of an FI type that the consent asks for",
            });
        }
        accounts.retain(|account| wanted.contains(&account.link_ref));
    }
    if let AccountChoice::Matching(selection) = choice {
        accounts = selection.select_from(accounts);
    }
    if accounts.is_empty() {
        let requested_types: Vec<_> = terms
            .fi_types
            .iter()
            .map(|fi_type| fi_type.as_str())
            .collect();
        return Err(Rejection::NoGrantableAccount {
            customer: terms.customer.to_string(),
            requested: requested_types.join(", "),
        });
    }
    Ok(accounts)
}

/// Returns the command that runs when `consentExpiry` passes, or `None` if the consent cannot
/// expire any more.
pub(crate) fn expiry_command(state: &State, handle: ConsentHandle) -> Option<Command> {
    let consent = find_consent(state, handle).ok()?;
    consent.status.transition_on(Input::Expire)?;
    Some(Command::TransitionConsent {
        handle,
        action: ConsentAction::Expire {},
    })
}

/// Returns Unaport's scheduled request for data, or `None` if the consent is not active or the
/// request is not due at this instant any more.
pub(crate) fn scheduled_fetch_command(
    state: &State,
    handle: ConsentHandle,
    due: Timestamp,
) -> Option<Command> {
    let is_active =
        find_consent(state, handle).is_ok_and(|consent| consent.status == Status::Active);
    let run_at = next_run_at(state, handle).filter(|_| is_active)?;
    (run_at <= due).then_some(Command::RunScheduledFetch(handle))
}

/// Returns the instant of Unaport's next request for data, if the consent may still be in force
/// then.
pub(crate) fn next_run_at(state: &State, handle: ConsentHandle) -> Option<Timestamp> {
    let consent = find_consent(state, handle)
        .ok()
        .filter(|consent| !consent.status.is_final())?;
    consent.grant.as_ref()?.next_run_at
}

/// Returns the command that runs when the data of a session expires, or `None` if everything was
/// fetched in time.
pub(crate) fn session_expiry_command(state: &State, id: SessionId) -> Option<Command> {
    let session = state.session(id)?;
    (session.has_unfetched_accounts() && find_consent(state, session.handle).is_ok())
        .then_some(Command::ExpireSession(id))
}
