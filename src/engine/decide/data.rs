//! Data sessions: asking, answering, taking (`reference/rebit.md` §3.3).

use std::borrow::Cow;
use std::sync::Arc;

use super::{DecisionContext, find_consent};
use crate::domain::account::Account;
use crate::domain::command::{AccountStatuses, FetchData, FipStatusReport, RequestData};
use crate::domain::consent::{
    Api, Consent, DataLifeUnit, FetchType, Grant, Status, Terms, TimeRange,
};
use crate::domain::event::Event;
use crate::domain::ids::SessionId;
use crate::domain::key_exchange::PeerKey;
use crate::domain::random_stream::StreamKind;
use crate::domain::rejection::Rejection;
use crate::domain::session::{
    DataTiming, FiStatus, FipSession, Session, SessionAccount, SessionStatus,
};
use crate::domain::time::{Millis, Timestamp};
use crate::domain::unaport::{AnalyticsResult, AnalyticsStatus};
use crate::engine::state::State;

/// How long data waits that may not be kept (DataLife 0), in world time.
///
/// `Assumption:` no source has a number for a session's life, nor for the time after which data is gone: it is the
/// consent's DataLife, and a day where that is 0.
const TRANSIENT_DATA_LIFE: Millis = Millis::from_secs(86_400);

const NOT_SIMULATED: &str = "Accounts of this kind are not simulated";

/// An FIU asks. Status, start, range and use are checked in the order of the certification suite's cases 2007 to 2016.
pub fn request_data(
    state: &State,
    request: RequestData,
    context: &DecisionContext<'_>,
) -> Result<Vec<Event>, Rejection> {
    let RequestData {
        handle,
        range,
        key,
        txnid,
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
    Ok(data_requested_events(consent, session, context))
}

/// Unaport asks by itself.
pub fn run_scheduled_fetch(
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
    Ok(data_requested_events(consent, session, context))
}

/// What an AA asks for that nobody has asked it for: all that was granted, in the clear.
fn aa_initiated_request(consent: &Consent) -> SessionRequest {
    SessionRequest {
        range: consent.terms.range,
        key: None,
        txnid: consent.terms.txnid.clone(),
    }
}

/// A session is open; FIPs that answer at once have answered.
fn data_requested_events(
    consent: &Consent,
    session: Session,
    context: &DecisionContext<'_>,
) -> Vec<Event> {
    let answer_event = ((context.data_timing)(consent) == DataTiming::Immediate).then(|| {
        data_prepared_event(
            &session,
            consent,
            &AccountStatuses::uniform_status(FiStatus::Ready),
            context,
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

/// The FIPs answer a session; where none is named and none waits, the AA asks for the data by itself.
pub fn deliver_data(
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
        let is_pending = |account: &SessionAccount| account.status == FiStatus::Pending;
        let is_answered =
            |account: &SessionAccount| statuses.status_for(account, &session.accounts).is_some();
        if !session
            .accounts
            .iter()
            .any(|account| is_pending(account) && is_answered(account))
        {
            return Err(Rejection::NoPendingAccount(session.id.to_string()));
        }
        return Ok(vec![data_prepared_event(
            session, consent, statuses, context,
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
    // Nothing is asked for that nobody would answer, such as of a FIP at which there is no account.
    if !session
        .accounts
        .iter()
        .any(|account| statuses.status_for(account, &session.accounts).is_some())
    {
        return Err(Rejection::NoPendingAccount(session.id.to_string()));
    }
    let prepared_event = data_prepared_event(&session, consent, statuses, context);
    Ok(vec![
        data_requested_event(consent, session, context),
        prepared_event,
    ])
}

/// A FIP's own word about its accounts. What the FIU has taken stays taken, whatever the FIP says.
pub fn report_fip_status(
    state: &State,
    report: &FipStatusReport,
    context: &DecisionContext<'_>,
) -> Result<Vec<Event>, Rejection> {
    let FipStatusReport {
        session,
        fip,
        session_failed: failed,
        accounts: account_statuses,
    } = report;
    let unknown_session = || Rejection::UnknownSession(session.to_string());
    let known = state
        .session_by_fip_id(*session)
        .ok_or_else(unknown_session)?;
    let consent = find_consent(state, known.handle).map_err(|_| unknown_session())?;
    let belongs_to_fip = known
        .fips
        .iter()
        .any(|part| part.id == *session && part.fip == *fip);
    if !belongs_to_fip {
        return Err(unknown_session());
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
        // DELIVERED by a FIP is delivered to the AA: the FIU may take it.
        let status = if *status == FiStatus::Delivered {
            FiStatus::Ready
        } else {
            *status
        };
        let updated = answer_account(account, consent, status, context);
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
        .for_each(|part| part.failed = *failed);
    Ok(vec![Event::DataPrepared {
        session: Arc::new(session.with_accounts(accounts)),
    }])
}

/// An FIU takes what is ready. What it names itself and is still being prepared is told apart from what is not there.
///
/// `Assumption:` DataFetchRequestInProgress is the answer about an account named by `linkRefNumber` whose FIP has not
/// answered, while others have; without any answer it is NoDataFound (certification case AA_2028).
pub fn fetch_data(
    state: &State,
    request: &FetchData,
    context: &DecisionContext<'_>,
) -> Result<Vec<Event>, Rejection> {
    let FetchData {
        session: id,
        fip,
        link_refs,
    } = request;
    let unknown_session = || Rejection::UnknownSession(id.to_string());
    let session = state.session(*id).ok_or_else(unknown_session)?;
    let consent = find_consent(state, session.handle).map_err(|_| unknown_session())?;
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
    let is_requested = |account: &SessionAccount| request.matches_account(account);
    let is_in_session = |name: &str| {
        session
            .accounts
            .iter()
            .any(|account| &*account.link_ref == name && is_requested(account))
    };
    if let Some(unknown_ref) = link_refs.iter().find(|name| !is_in_session(name)) {
        return Err(Rejection::AccountNotInSession(unknown_ref.to_string()));
    }
    let is_named = |account: &SessionAccount| link_refs.contains(&account.link_ref);
    let none_answered = session
        .accounts
        .iter()
        .all(|account| account.status == FiStatus::Pending);
    let pending_account = session
        .accounts
        .iter()
        .find(|account| is_named(account) && account.status == FiStatus::Pending);
    if let Some(account) = pending_account.filter(|_| !none_answered) {
        return Err(Rejection::FetchInProgress(account.link_ref.to_string()));
    }
    if !session
        .accounts
        .iter()
        .any(|account| is_requested(account) && account.status.is_fetchable())
    {
        return Err(no_data_found(session, is_requested));
    }
    Ok(vec![data_fetched_event(session, is_requested)])
}

/// An FIU takes what Unaport has fetched by itself. Towards the AA, Unaport is the FIU: that somebody comes for the data
/// is not the AA's to know, so no account is DELIVERED by it.
///
/// `Assumption:` it stays there for the consent's data life, whatever becomes of the consent.
pub fn fetch_stored(
    state: &State,
    id: SessionId,
    context: &DecisionContext<'_>,
) -> Result<Vec<Event>, Rejection> {
    let unknown_session = || Rejection::UnknownSession(id.to_string());
    let session = state
        .session(id)
        .filter(|session| session.peer_key.is_none())
        .ok_or_else(unknown_session)?;
    let consent = find_consent(state, session.handle).map_err(|_| unknown_session())?;
    if consent.api != Api::Unaport {
        return Err(Rejection::NoKeyMaterial);
    }
    session.check_not_expired(context.now)?;
    if !session.has_data() {
        return Err(no_data_found(session, |_| true));
    }
    Ok(vec![data_fetched_event(session, |_| false)])
}

fn no_data_found(session: &Session, is_requested: impl Fn(&SessionAccount) -> bool) -> Rejection {
    let describe_account =
        |account: &SessionAccount| format!("account {} is {}", account.link_ref, account.status);
    let descriptions: Vec<_> = session
        .accounts
        .iter()
        .filter(|account| is_requested(account))
        .map(describe_account)
        .collect();
    Rejection::NoDataFound(descriptions.join(", "))
}

/// The FIU has come; the accounts that it wanted, and that are there, are DELIVERED.
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

/// The FIU is told how the analytics of a session went.
pub fn report_analytics(
    state: &State,
    id: SessionId,
    status: AnalyticsStatus,
) -> Result<Vec<Event>, Rejection> {
    let unknown_session = || Rejection::UnknownSession(id.to_string());
    let session = state.session(id).ok_or_else(unknown_session)?;
    let consent = find_consent(state, session.handle).map_err(|_| unknown_session())?;
    if consent.api != Api::Unaport {
        return Err(Rejection::AnalyticsNotSupported(consent.api.as_str()));
    }
    let ids = session.analytic_ids().collect();
    let analytics = Arc::new(AnalyticsResult {
        session: id,
        analytic_ids: ids,
        status,
    });
    Ok(vec![Event::AnalyticsReported {
        handle: consent.handle,
        analytics,
    }])
}

/// What was not taken in time is gone.
pub fn expire_session(state: &State, id: SessionId) -> Result<Vec<Event>, Rejection> {
    let session = state
        .session(id)
        .ok_or_else(|| Rejection::UnknownSession(id.to_string()))?;
    let session = Session {
        status: SessionStatus::Expired,
        ..(**session).clone()
    };
    Ok(vec![Event::DataExpired {
        session: Arc::new(session),
    }])
}

/// What approval added, where data may be asked for at all.
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
        (FetchType::OneTime, _) => "a ONETIME consent is good for one request".to_owned(),
        (FetchType::Periodic, (unit, value)) => format!("its Frequency allows {value} per {unit}"),
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
    let to_pending_account = |account: &Account| SessionAccount {
        fip: Arc::clone(&account.fip),
        link_ref: account.link_ref.clone(),
        status: FiStatus::Pending,
        description: Cow::Borrowed(FiStatus::Pending.description()),
        answered_at: context.now,
    };
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
        accounts: grant.accounts.iter().map(to_pending_account).collect(),
        fips: fips.collect(),
        peer_key: key,
        txnid,
        first_analytic_id: state.session_account_count() + 1,
        fetch_count: 0,
    }
}

/// When the data of a session opened now is gone. The seed face has no fetch, so nothing waits there to be taken.
fn data_expiry(consent: &Consent, now: Timestamp) -> Option<Timestamp> {
    match (consent.api, consent.terms.data_life) {
        (Api::Seed, _) | (_, (DataLifeUnit::Inf, _)) => None,
        (Api::Rebit(_) | Api::Unaport, (_, 0)) => Some(now.saturating_add(TRANSIENT_DATA_LIFE)),
        (Api::Rebit(_) | Api::Unaport, (unit, value)) => unit.expiry_from(now, value),
    }
}

/// An account with its FIP's answer. What is not simulated, or what the customer's persona does not have, has nothing to be
/// READY with: it is DENIED.
fn answer_account(
    account: &SessionAccount,
    consent: &Consent,
    status: FiStatus,
    context: &DecisionContext<'_>,
) -> SessionAccount {
    let mut granted_accounts = consent.grant.iter().flat_map(|grant| grant.accounts.iter());
    let granted_account = granted_accounts.find(|granted| account.matches_account(granted));
    let is_supported = |account| {
        (context.is_supported)(
            context.seed,
            &consent.terms.customer,
            &consent.persona,
            account,
        )
    };
    if status == FiStatus::Ready && !granted_account.is_some_and(is_supported) {
        let denied = account.with_answer(FiStatus::Denied, context.now);
        return SessionAccount {
            description: Cow::Borrowed(NOT_SIMULATED),
            ..denied
        };
    }
    account.with_answer(status, context.now)
}

/// The session after the accounts that still wait have answered.
fn data_prepared_event(
    session: &Session,
    consent: &Consent,
    statuses: &AccountStatuses,
    context: &DecisionContext<'_>,
) -> Event {
    let answer_if_pending = |account: &SessionAccount| {
        let status = statuses.status_for(account, &session.accounts);
        match status.filter(|_| account.status == FiStatus::Pending) {
            Some(status) => answer_account(account, consent, status, context),
            None => account.clone(),
        }
    };
    let accounts = session.accounts.iter().map(answer_if_pending).collect();
    Event::DataPrepared {
        session: Arc::new(session.with_accounts(accounts)),
    }
}
