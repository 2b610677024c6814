//! Decisions about data sessions: requests, answers of FIPs and fetches
//! (`docs/sources.md#fi-session-states`).

use std::borrow::Cow;
use std::sync::Arc;

use super::{DecisionContext, find_consent};
use crate::domain::account::Account;
use crate::domain::command::{FetchData, FipStatusReport, RequestData};
use crate::domain::command_arguments::AccountStatuses;
use crate::domain::consent::{Api, Consent, Grant, Status};
use crate::domain::event::Event;
use crate::domain::ids::SessionId;
use crate::domain::key_exchange::PeerKey;
use crate::domain::random_stream::StreamKind;
use crate::domain::rejection::Rejection;
use crate::domain::session::{
    DataTiming, FiStatus, FipSession, Session, SessionAccount, SessionStatus,
};
use crate::domain::terms::{DataLifeUnit, FetchType, Terms, TimeRange};
use crate::domain::time::{Millis, Timestamp};
use crate::domain::unaport::{AnalyticsResult, AnalyticsStatus};
use crate::engine::state::State;

/// The world time after which data expires that must not be stored (DataLife 0).
///
/// `Assumption:` no source has a number for the life of a session, nor for the time after which its
/// data is deleted: it is the consent's DataLife, and one day where that is 0.
const TRANSIENT_DATA_LIFE: Millis = Millis::from_secs(86_400);

const NOT_SIMULATED: &str = "Accounts of this FI type are not simulated";

/// Decides an FIU's request for data. Status, start, range and use are checked in the order of the
/// certification cases 2007 to 2016 (`docs/sources.md#certification-cases`).
pub(crate) fn request_data(
    state: &State,
    request: RequestData,
    context: &DecisionContext<'_>,
) -> Result<Vec<Event>, Rejection> {
    let RequestData {
        handle,
        range,
        key,
        txnid,
        on_repeated_txnid: _,
    } = request;
    let consent = find_consent(state, handle)?;
    let grant = check_granted(consent, context.now)?;
    let granted_range = consent.terms.range;
    if range.from > range.to || range.from < granted_range.from || range.to > granted_range.to {
        return Err(Rejection::OutOfRange {
            requested: range,
            granted: granted_range,
        });
    }
    if !consent.can_be_used(grant, context.now) {
        return Err(Rejection::FrequencyExhausted(describe_allowance(
            &consent.terms,
        )));
    }
    let session = open_session(
        consent,
        grant,
        state,
        SessionRequest {
            range,
            key: Some(key),
            txnid,
        },
        context,
    );
    Ok(data_requested_events(consent, session, state, context))
}

/// Decides a request for data that Unaport makes by schedule.
pub(crate) fn run_scheduled_fetch(
    consent: &Consent,
    state: &State,
    context: &DecisionContext<'_>,
) -> Result<Vec<Event>, Rejection> {
    let grant = check_granted(consent, context.now)?;
    let session = open_session(
        consent,
        grant,
        state,
        aa_initiated_request(consent),
        context,
    );
    Ok(data_requested_events(consent, session, state, context))
}

/// Returns a request that the AA initiates: the whole granted range, without key material.
fn aa_initiated_request(consent: &Consent) -> SessionRequest {
    SessionRequest {
        range: consent.terms.range,
        key: None,
        txnid: consent.terms.txnid.clone(),
    }
}

/// Returns the events of a new session: the request, and the answer where FIPs answer immediately.
fn data_requested_events(
    consent: &Consent,
    session: Session,
    state: &State,
    context: &DecisionContext<'_>,
) -> Vec<Event> {
    let answer_event = ((context.data_timing)(consent) == DataTiming::Immediate).then(|| {
        data_prepared_event(
            &session,
            consent,
            &AccountStatuses::uniform_status(FiStatus::Ready),
            (state, context),
        )
    });
    std::iter::once(data_requested_event(consent, session, context))
        .chain(answer_event)
        .collect()
}

fn data_requested_event(
    consent: &Consent,
    session: Session,
    context: &DecisionContext<'_>,
) -> Event {
    let next_run_at = if session.peer_key.is_none() {
        consent.next_run(context.now)
    } else {
        None
    };
    Event::DataRequested {
        session: Arc::new(session),
        next_run_at,
    }
}

/// Decides the FIPs' answer to a session. Without a session id, and without a pending session, the
/// AA requests the data first.
pub(crate) fn deliver_data(
    consent: &Consent,
    session_id: Option<SessionId>,
    state: &State,
    statuses: &AccountStatuses,
    context: &DecisionContext<'_>,
) -> Result<Vec<Event>, Rejection> {
    let grant = check_granted(consent, context.now)?;
    let pending_session = session_id
        .or(grant.session)
        .and_then(|id| state.session(id))
        .filter(|session| session.has_pending_accounts());
    if let Some(session) = pending_session {
        let answers_pending = session.accounts.iter().any(|account| {
            account.status == FiStatus::Pending
                && statuses.answer_for(account, &session.accounts).is_some()
        });
        if !answers_pending {
            return Err(Rejection::NoPendingAccount(session.id.to_string()));
        }
        return Ok(vec![data_prepared_event(
            session,
            consent,
            statuses,
            (state, context),
        )]);
    }
    if let Some(id) = session_id {
        return Err(Rejection::NoPendingAccount(id.to_string()));
    }
    let session = open_session(
        consent,
        grant,
        state,
        aa_initiated_request(consent),
        context,
    );
    // No session is opened that no FIP would answer, for example for a FIP without an account.
    if !session
        .accounts
        .iter()
        .any(|account| statuses.answer_for(account, &session.accounts).is_some())
    {
        return Err(Rejection::NoPendingAccount(session.id.to_string()));
    }
    let prepared_event = data_prepared_event(&session, consent, statuses, (state, context));
    Ok(vec![
        data_requested_event(consent, session, context),
        prepared_event,
    ])
}

/// Decides a FIP's report about its accounts. Accounts that the FIU has fetched stay DELIVERED.
pub(crate) fn report_fip_status(
    state: &State,
    report: &FipStatusReport,
    context: &DecisionContext<'_>,
) -> Result<Vec<Event>, Rejection> {
    let FipStatusReport {
        session,
        fip,
        session_failed,
        accounts: account_statuses,
    } = report;
    let known = state
        .session_by_fip_session_id(*session)
        .ok_or_else(|| unknown_session(*session))?;
    let consent = find_consent(state, known.handle).map_err(|_| unknown_session(*session))?;
    let belongs_to_fip = known
        .fips
        .iter()
        .any(|part| part.id == *session && part.fip == *fip);
    if !belongs_to_fip {
        return Err(unknown_session(*session));
    }
    check_granted(consent, context.now)?;
    if known.status == SessionStatus::Expired {
        return Err(Rejection::DataExpired(
            known.expires_at.unwrap_or(context.now),
        ));
    }
    let mut accounts = known.accounts.clone();
    for (link_ref, status, description) in account_statuses {
        let matching = accounts
            .iter_mut()
            .find(|account| account.fip == *fip && account.link_ref == *link_ref);
        let account =
            matching.ok_or_else(|| Rejection::AccountNotInSession(link_ref.to_string()))?;
        if account.status == FiStatus::Delivered {
            continue;
        }
        // DELIVERED by a FIP means delivered to the AA: the FIU may fetch it.
        let status = if *status == FiStatus::Delivered {
            FiStatus::Ready
        } else {
            *status
        };
        let updated = answer_account(account, consent, status, (state, context));
        let is_accepted = updated.status == status;
        *account = if is_accepted {
            SessionAccount {
                description: Cow::Owned(description.to_string()),
                ..updated
            }
        } else {
            updated
        };
    }
    let mut session = (**known).clone();
    session
        .fips
        .iter_mut()
        .filter(|part| part.fip == *fip)
        .for_each(|part| part.failed = *session_failed);
    Ok(vec![Event::DataPrepared {
        session: Arc::new(session.with_accounts(accounts)),
    }])
}

/// Decides an FIU's fetch. An account that the FIU names and whose data is still being prepared is
/// distinguished from missing data.
///
/// `Assumption:` DataFetchRequestInProgress is the answer about an account named by `linkRefNumber`
/// whose FIP has not answered, while others have; without any answer it is NoDataFound
/// (certification case AA_2028).
pub(crate) fn fetch_data(
    state: &State,
    request: &FetchData,
    context: &DecisionContext<'_>,
) -> Result<Vec<Event>, Rejection> {
    let FetchData {
        session: id,
        fip,
        link_refs,
    } = request;
    let session = state.session(*id).ok_or_else(|| unknown_session(*id))?;
    let consent = find_consent(state, session.handle).map_err(|_| unknown_session(*id))?;
    if consent.status != Status::Active {
        return Err(Rejection::FetchNotAllowed {
            status: consent.status,
        });
    }
    session.check_not_expired(context.now)?;
    if session.peer_key.is_none() {
        return Err(Rejection::NoKeyMaterial);
    }
    if let Some(fip) = fip
        .as_deref()
        .filter(|fip| !session.fips.iter().any(|part| &*part.fip == *fip))
    {
        return Err(Rejection::FipNotInSession(fip.to_owned()));
    }
    let unknown_ref = link_refs.iter().find(|link_ref| {
        !session
            .accounts
            .iter()
            .any(|account| account.link_ref == **link_ref && request.matches_account(account))
    });
    if let Some(unknown_ref) = unknown_ref {
        return Err(Rejection::AccountNotInSession(unknown_ref.to_string()));
    }
    let none_answered = session
        .accounts
        .iter()
        .all(|account| account.status == FiStatus::Pending);
    let pending_account = session.accounts.iter().find(|account| {
        link_refs.contains(&account.link_ref) && account.status == FiStatus::Pending
    });
    if let Some(account) = pending_account.filter(|_| !none_answered) {
        return Err(Rejection::FetchInProgress(account.link_ref.to_string()));
    }
    if !session
        .accounts
        .iter()
        .any(|account| request.matches_account(account) && account.status.is_fetchable())
    {
        return Err(no_data_found(session, |account| {
            request.matches_account(account)
        }));
    }
    Ok(vec![data_fetched_event(session, |account| {
        request.matches_account(account)
    })])
}

/// Decides an FIU's fetch of data that Unaport has fetched by schedule. Towards the AA, Unaport is
/// the FIU: the AA does not learn of this fetch, so no account becomes DELIVERED.
///
/// `Assumption:` the data stays available for the consent's data life, whatever becomes of the
/// consent.
pub(crate) fn fetch_stored(
    state: &State,
    id: SessionId,
    context: &DecisionContext<'_>,
) -> Result<Vec<Event>, Rejection> {
    let session = state
        .session(id)
        .filter(|session| session.peer_key.is_none())
        .ok_or_else(|| unknown_session(id))?;
    let consent = find_consent(state, session.handle).map_err(|_| unknown_session(id))?;
    if consent.api != Api::Unaport {
        return Err(Rejection::NoKeyMaterial);
    }
    session.check_not_expired(context.now)?;
    if !session.has_data() {
        return Err(no_data_found(session, |_| true));
    }
    Ok(vec![data_fetched_event(session, |_| false)])
}

fn unknown_session(id: SessionId) -> Rejection {
    Rejection::UnknownSession(id.to_string())
}

fn no_data_found(session: &Session, is_requested: impl Fn(&SessionAccount) -> bool) -> Rejection {
    let descriptions: Vec<_> = session
        .accounts
        .iter()
        .filter(|account| is_requested(account))
        .map(|account| format!("account {} is {}", account.link_ref, account.status))
        .collect();
    Rejection::NoDataFound(descriptions.join(", "))
}

/// Builds the event of a fetch: requested accounts whose data is ready become DELIVERED.
fn data_fetched_event(session: &Session, is_requested: impl Fn(&SessionAccount) -> bool) -> Event {
    let mut session = session.clone();
    session.fetch_count += 1;
    for account in session
        .accounts
        .iter_mut()
        .filter(|account| is_requested(account) && account.status.is_fetchable())
    {
        *account = account.with_answer(FiStatus::Delivered, account.answered_at);
    }
    Event::DataFetched {
        session: Arc::new(session),
    }
}

/// Decides a report of the analytics of a session, of which the FIU is notified.
pub(crate) fn report_analytics(
    state: &State,
    id: SessionId,
    status: AnalyticsStatus,
) -> Result<Vec<Event>, Rejection> {
    let session = state.session(id).ok_or_else(|| unknown_session(id))?;
    let consent = find_consent(state, session.handle).map_err(|_| unknown_session(id))?;
    if consent.api != Api::Unaport {
        return Err(Rejection::AnalyticsNotSupported(consent.api.as_str()));
    }
    let analytics = Arc::new(AnalyticsResult {
        session: id,
        analytic_ids: session.analytic_ids().collect(),
        status,
    });
    Ok(vec![Event::AnalyticsReported {
        handle: consent.handle,
        analytics,
    }])
}

/// Decides the expiry of a session's data that was not fetched in time.
pub(crate) fn expire_session(state: &State, id: SessionId) -> Result<Vec<Event>, Rejection> {
    let session = state.session(id).ok_or_else(|| unknown_session(id))?;
    let session = Session {
        status: SessionStatus::Expired,
        ..(**session).clone()
    };
    Ok(vec![Event::DataExpired {
        session: Arc::new(session),
    }])
}

/// Returns the grant of a consent under which data may be requested now.
fn check_granted(consent: &Consent, now: Timestamp) -> Result<&Grant, Rejection> {
    let start = consent.terms.start;
    match (&consent.grant, consent.status) {
        (Some(_), Status::Active) if now < start => Err(Rejection::NotStarted { start, now }),
        (Some(grant), Status::Active) => Ok(grant),
        (_, status) => Err(Rejection::NotActive { status }),
    }
}

fn describe_allowance(terms: &Terms) -> String {
    match (terms.fetch_type, terms.frequency) {
        (FetchType::OneTime, _) => {
            "a ONETIME consent is good for one request; raise another, or one with fetchType PERIODIC"
                .to_owned()
        }
        (FetchType::Periodic, (unit, value)) => format!(
            "its Frequency allows {value} per {unit}; raise a consent with a higher one, or advance the clock"
        ),
    }
}

struct SessionRequest {
    range: TimeRange,
    key: Option<Arc<PeerKey>>,
    txnid: Box<str>,
}

fn open_session(
    consent: &Consent,
    grant: &Grant,
    state: &State,
    request: SessionRequest,
    context: &DecisionContext<'_>,
) -> Session {
    let SessionRequest { range, key, txnid } = request;
    let customer = &consent.terms.customer;
    let ordinals = state.stream_ordinals(customer);
    let fips = grant
        .fips
        .iter()
        .zip(ordinals.fip_sessions..)
        .map(|(artefact, ordinal)| FipSession {
            fip: Arc::clone(&artefact.fip),
            id: SessionId::from_random(context.derive_id(
                customer,
                StreamKind::FipSession,
                ordinal,
            )),
            failed: false,
        });
    let accounts = grant.accounts.iter().map(|account| SessionAccount {
        fip: Arc::clone(&account.fip),
        link_ref: account.link_ref.clone(),
        status: FiStatus::Pending,
        description: Cow::Borrowed(FiStatus::Pending.description()),
        answered_at: context.now,
        changes: None,
    });
    Session {
        id: SessionId::from_random(context.derive_id(
            customer,
            StreamKind::Session,
            ordinals.sessions,
        )),
        handle: consent.handle,
        consent_id: grant.consent_id,
        range,
        opened_at: context.now,
        expires_at: data_expiry(consent, context.now),
        status: SessionStatus::Active,
        accounts: accounts.collect(),
        fips: fips.collect(),
        peer_key: key,
        txnid,
        first_analytic_id: state.session_account_count() + 1,
        fetch_count: 0,
    }
}

/// Returns the instant at which the data of a session opened now expires. The seed API has no
/// fetch, so its sessions do not expire.
fn data_expiry(consent: &Consent, now: Timestamp) -> Option<Timestamp> {
    match (consent.api, consent.terms.data_life) {
        (Api::Seed, _) | (_, (DataLifeUnit::Inf, _)) => None,
        (Api::Rebit(_) | Api::Unaport, (_, 0)) => Some(now.saturating_add(TRANSIENT_DATA_LIFE)),
        (Api::Rebit(_) | Api::Unaport, (unit, value)) => unit.expiry_from(now, value),
    }
}

/// Returns the granted account of a part of a session.
pub(super) fn find_granted<'a>(
    account: &SessionAccount,
    consent: &'a Consent,
) -> Option<&'a Account> {
    let mut granted = consent.grant.iter().flat_map(|grant| grant.accounts.iter());
    granted.find(|granted| account.matches_account(granted))
}

/// Returns the account with its FIP's answer. READY becomes DENIED for an account that is not
/// simulated or that the customer's persona does not have.
fn answer_account(
    account: &SessionAccount,
    consent: &Consent,
    status: FiStatus,
    (state, context): (&State, &DecisionContext<'_>),
) -> SessionAccount {
    let granted = find_granted(account, consent);
    let is_simulated = granted.is_some_and(|granted| {
        let customer = &consent.terms.customer;
        (context.fips.can_generate_data)(context.seed, customer, &consent.persona, granted)
    });
    if status == FiStatus::Ready && !is_simulated {
        let denied = account.with_answer(FiStatus::Denied, context.now);
        return SessionAccount {
            description: Cow::Borrowed(NOT_SIMULATED),
            ..denied
        };
    }
    let changes = granted.and_then(|granted| {
        state.ledger_changes(
            &consent.terms.customer,
            granted,
            &consent.persona.definition,
        )
    });
    SessionAccount {
        changes: changes.cloned(),
        ..account.with_answer(status, context.now)
    }
}

/// Builds the event of a session whose pending accounts have been answered.
fn data_prepared_event(
    session: &Session,
    consent: &Consent,
    statuses: &AccountStatuses,
    (state, context): (&State, &DecisionContext<'_>),
) -> Event {
    let accounts = session.accounts.iter().map(|account| {
        let answer = statuses.answer_for(account, &session.accounts);
        match answer.filter(|_| account.status == FiStatus::Pending) {
            Some(answer) => {
                let answered = answer_account(account, consent, answer.status, (state, context));
                let reason = answer.reason.clone();
                match reason.filter(|_| answered.status == answer.status) {
                    Some(reason) => SessionAccount {
                        description: Cow::Owned(reason.into()),
                        ..answered
                    },
                    None => answered,
                }
            }
            None => account.clone(),
        }
    });
    Event::DataPrepared {
        session: Arc::new(session.with_accounts(accounts.collect())),
    }
}
