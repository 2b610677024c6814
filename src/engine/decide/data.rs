//! Data sessions: asking, answering, taking (`reference/rebit.md` §3.3).

use std::borrow::Cow;
use std::sync::Arc;

use super::{Circumstances, find};
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
const UNKEPT_LIFE: Millis = Millis::from_secs(86_400);

const NOT_SIMULATED: &str = "Accounts of this kind are not simulated";

/// An FIU asks. Status, start, range and use are checked in the order of the certification suite's cases 2007 to 2016.
pub fn request(
    state: &State,
    request: RequestData,
    given: &Circumstances<'_>,
) -> Result<Vec<Event>, Rejection> {
    let RequestData {
        handle,
        range,
        key,
        txnid,
    } = request;
    let consent = find(state, handle)?;
    let grant = granted(consent, given.now)?;
    let granted = consent.terms.range;
    if range.from > range.to || range.from < granted.from || range.to > granted.to {
        return Err(Rejection::OutOfRange {
            requested: range,
            granted,
        });
    }
    if !consent.can_be_used(grant, given.now) {
        return Err(Rejection::FrequencyExhausted(allowance(&consent.terms)));
    }
    let requested = open(
        consent,
        grant,
        state,
        Opening {
            range,
            key: Some(key),
            txnid,
        },
        given,
    );
    Ok(asked(consent, requested, given))
}

/// Unaport asks by itself.
pub fn run(
    consent: &Consent,
    state: &State,
    given: &Circumstances<'_>,
) -> Result<Vec<Event>, Rejection> {
    let grant = granted(consent, given.now)?;
    let requested = open(consent, grant, state, unasked(consent), given);
    Ok(asked(consent, requested, given))
}

/// What an AA asks for that nobody has asked it for: all that was granted, in the clear.
fn unasked(consent: &Consent) -> Opening {
    Opening {
        range: consent.terms.range,
        key: None,
        txnid: consent.terms.txnid.clone(),
    }
}

/// A session is open; FIPs that answer at once have answered.
fn asked(consent: &Consent, session: Session, given: &Circumstances<'_>) -> Vec<Event> {
    let answered = ((given.progression)(consent) == DataTiming::Immediate).then(|| {
        prepared(
            &session,
            consent,
            &AccountStatuses::uniform_status(FiStatus::Ready),
            given,
        )
    });
    std::iter::once(opened(consent, session, given))
        .chain(answered)
        .collect()
}

fn opened(consent: &Consent, session: Session, given: &Circumstances<'_>) -> Event {
    let next_run_at = if session.peer_key.is_none() {
        consent.next_run(given.now)
    } else {
        None
    };
    Event::DataRequested {
        session: Arc::new(session),
        next_run_at,
    }
}

/// The FIPs answer a session; where none is named and none waits, the AA asks for the data by itself.
pub fn deliver(
    consent: &Consent,
    named: Option<SessionId>,
    state: &State,
    outcome: &AccountStatuses,
    given: &Circumstances<'_>,
) -> Result<Vec<Event>, Rejection> {
    let grant = granted(consent, given.now)?;
    let waiting = named
        .or(grant.session)
        .and_then(|id| state.session(id))
        .filter(|session| session.has_pending_accounts());
    if let Some(session) = waiting {
        let waits = |account: &SessionAccount| account.status == FiStatus::Pending;
        let answered =
            |account: &SessionAccount| outcome.status_for(account, &session.accounts).is_some();
        if !session
            .accounts
            .iter()
            .any(|account| waits(account) && answered(account))
        {
            return Err(Rejection::NoPendingAccount(session.id.to_string()));
        }
        return Ok(vec![prepared(session, consent, outcome, given)]);
    }
    if let Some(id) = named {
        return Err(Rejection::NoPendingAccount(id.to_string()));
    }
    let requested = open(consent, grant, state, unasked(consent), given);
    // Nothing is asked for that nobody would answer, such as of a FIP at which there is no account.
    if !requested
        .accounts
        .iter()
        .any(|account| outcome.status_for(account, &requested.accounts).is_some())
    {
        return Err(Rejection::NoPendingAccount(requested.id.to_string()));
    }
    let answered = prepared(&requested, consent, outcome, given);
    Ok(vec![opened(consent, requested, given), answered])
}

/// A FIP's own word about its accounts. What the FIU has taken stays taken, whatever the FIP says.
pub fn answer(
    state: &State,
    answer: &FipStatusReport,
    given: &Circumstances<'_>,
) -> Result<Vec<Event>, Rejection> {
    let FipStatusReport {
        session,
        fip,
        session_failed: failed,
        accounts: answers,
    } = answer;
    let unknown = || Rejection::UnknownSession(session.to_string());
    let known = state.session_of_fip(*session).ok_or_else(unknown)?;
    let consent = find(state, known.handle).map_err(|_| unknown())?;
    let is_theirs = known
        .fips
        .iter()
        .any(|part| part.id == *session && part.fip == *fip);
    if !is_theirs {
        return Err(unknown());
    }
    granted(consent, given.now)?;
    if known.status == SessionStatus::Expired {
        return Err(Rejection::DataExpired(
            known.expires_at.unwrap_or(given.now),
        ));
    }
    let mut accounts = known.accounts.clone();
    for (link_ref, status, description) in answers {
        let theirs = accounts
            .iter_mut()
            .find(|account| account.fip == *fip && account.link_ref == *link_ref);
        let account = theirs.ok_or_else(|| Rejection::AccountNotInSession(link_ref.to_string()))?;
        if account.status == FiStatus::Delivered {
            continue;
        }
        // DELIVERED by a FIP is delivered to the AA: the FIU may take it.
        let status = if *status == FiStatus::Delivered {
            FiStatus::Ready
        } else {
            *status
        };
        let answered = settled(account, consent, status, given);
        let described = answered.status == status;
        *account = if described {
            SessionAccount {
                description: Cow::Owned(description.to_string()),
                ..answered
            }
        } else {
            answered
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
pub fn collect(
    state: &State,
    collect: &FetchData,
    given: &Circumstances<'_>,
) -> Result<Vec<Event>, Rejection> {
    let FetchData {
        session: id,
        fip,
        link_refs,
    } = collect;
    let unknown = || Rejection::UnknownSession(id.to_string());
    let session = state.session(*id).ok_or_else(unknown)?;
    let consent = find(state, session.handle).map_err(|_| unknown())?;
    if consent.status != Status::Active {
        return Err(Rejection::FetchNotAllowed {
            status: consent.status,
        });
    }
    session.check_not_expired(given.now)?;
    if session.peer_key.is_none() {
        return Err(Rejection::NoKeyMaterial);
    }
    if let Some(fip) = fip
        .as_deref()
        .filter(|fip| !session.fips.iter().any(|part| &*part.fip == *fip))
    {
        return Err(Rejection::FipNotInSession(fip.to_owned()));
    }
    let wanted = |account: &SessionAccount| collect.matches_account(account);
    let known = |name: &str| {
        session
            .accounts
            .iter()
            .any(|account| &*account.link_ref == name && wanted(account))
    };
    if let Some(unknown) = link_refs.iter().find(|name| !known(name)) {
        return Err(Rejection::AccountNotInSession(unknown.to_string()));
    }
    let named = |account: &SessionAccount| link_refs.contains(&account.link_ref);
    let nobody_answered = session
        .accounts
        .iter()
        .all(|account| account.status == FiStatus::Pending);
    let awaited = session
        .accounts
        .iter()
        .find(|account| named(account) && account.status == FiStatus::Pending);
    if let Some(account) = awaited.filter(|_| !nobody_answered) {
        return Err(Rejection::FetchInProgress(account.link_ref.to_string()));
    }
    if !session
        .accounts
        .iter()
        .any(|account| wanted(account) && account.status.is_fetchable())
    {
        return Err(nothing_there(session, wanted));
    }
    Ok(vec![taken(session, wanted)])
}

/// An FIU takes what Unaport has fetched by itself. Towards the AA, Unaport is the FIU: that somebody comes for the data
/// is not the AA's to know, so no account is DELIVERED by it.
///
/// `Assumption:` it stays there for the consent's data life, whatever becomes of the consent.
pub fn collect_kept(
    state: &State,
    id: SessionId,
    given: &Circumstances<'_>,
) -> Result<Vec<Event>, Rejection> {
    let unknown = || Rejection::UnknownSession(id.to_string());
    let session = state
        .session(id)
        .filter(|session| session.peer_key.is_none())
        .ok_or_else(unknown)?;
    let consent = find(state, session.handle).map_err(|_| unknown())?;
    if consent.api != Api::Unaport {
        return Err(Rejection::NoKeyMaterial);
    }
    session.check_not_expired(given.now)?;
    if !session.has_data() {
        return Err(nothing_there(session, |_| true));
    }
    Ok(vec![taken(session, |_| false)])
}

fn nothing_there(session: &Session, wanted: impl Fn(&SessionAccount) -> bool) -> Rejection {
    let fares =
        |account: &SessionAccount| format!("account {} is {}", account.link_ref, account.status);
    let words: Vec<_> = session
        .accounts
        .iter()
        .filter(|account| wanted(account))
        .map(fares)
        .collect();
    Rejection::NoDataFound(words.join(", "))
}

/// The FIU has come; the accounts that it wanted, and that are there, are DELIVERED.
fn taken(session: &Session, wanted: impl Fn(&SessionAccount) -> bool) -> Event {
    let mut session = session.clone();
    session.fetch_count += 1;
    for account in session
        .accounts
        .iter_mut()
        .filter(|account| wanted(account) && account.status.is_fetchable())
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
    let unknown = || Rejection::UnknownSession(id.to_string());
    let session = state.session(id).ok_or_else(unknown)?;
    let consent = find(state, session.handle).map_err(|_| unknown())?;
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
pub fn expire(state: &State, id: SessionId) -> Result<Vec<Event>, Rejection> {
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
fn granted(consent: &Consent, now: Timestamp) -> Result<&Grant, Rejection> {
    let start = consent.terms.start;
    match (&consent.grant, consent.status) {
        (Some(_), Status::Active) if now < start => Err(Rejection::NotStarted { start, now }),
        (Some(grant), Status::Active) => Ok(grant),
        (_, status) => Err(Rejection::NotActive { status }),
    }
}

fn allowance(terms: &Terms) -> String {
    match (terms.fetch_type, terms.frequency) {
        (FetchType::OneTime, _) => "a ONETIME consent is good for one request".to_owned(),
        (FetchType::Periodic, (unit, value)) => format!("its Frequency allows {value} per {unit}"),
    }
}

struct Opening {
    range: TimeRange,
    key: Option<Arc<PeerKey>>,
    txnid: Box<str>,
}

fn open(
    consent: &Consent,
    grant: &Grant,
    state: &State,
    opening: Opening,
    given: &Circumstances<'_>,
) -> Session {
    let Opening { range, key, txnid } = opening;
    let customer = &consent.terms.customer;
    let drawn = state.drawn(customer);
    let fips = grant
        .fips
        .iter()
        .zip(drawn.fip_sessions..)
        .map(|(artefact, ordinal)| FipSession {
            fip: Arc::clone(&artefact.fip),
            id: SessionId::from_random(given.id(customer, StreamKind::FipSession, ordinal)),
            failed: false,
        });
    let waiting = |account: &Account| SessionAccount {
        fip: Arc::clone(&account.fip),
        link_ref: account.link_ref.clone(),
        status: FiStatus::Pending,
        description: Cow::Borrowed(FiStatus::Pending.description()),
        answered_at: given.now,
    };
    Session {
        id: SessionId::from_random(given.id(customer, StreamKind::Session, drawn.sessions)),
        handle: consent.handle,
        consent_id: grant.consent_id,
        range,
        opened_at: given.now,
        expires_at: expiry(consent, given.now),
        status: SessionStatus::Active,
        accounts: grant.accounts.iter().map(waiting).collect(),
        fips: fips.collect(),
        peer_key: key,
        txnid,
        first_analytic_id: state.session_accounts() + 1,
        fetch_count: 0,
    }
}

/// When the data of a session opened now is gone. The seed face has no fetch, so nothing waits there to be taken.
fn expiry(consent: &Consent, now: Timestamp) -> Option<Timestamp> {
    match (consent.api, consent.terms.data_life) {
        (Api::Seed, _) | (_, (DataLifeUnit::Inf, _)) => None,
        (Api::Rebit(_) | Api::Unaport, (_, 0)) => Some(now.saturating_add(UNKEPT_LIFE)),
        (Api::Rebit(_) | Api::Unaport, (unit, value)) => unit.expiry_from(now, value),
    }
}

/// An account with its FIP's answer. What is not simulated, or what the customer's persona does not have, has nothing to be
/// READY with: it is DENIED.
fn settled(
    account: &SessionAccount,
    consent: &Consent,
    status: FiStatus,
    given: &Circumstances<'_>,
) -> SessionAccount {
    let mut granted = consent.grant.iter().flat_map(|grant| grant.accounts.iter());
    let known = granted.find(|granted| account.matches_account(granted));
    let told = |account| {
        (given.simulated)(
            given.seed,
            &consent.terms.customer,
            &consent.persona,
            account,
        )
    };
    if status == FiStatus::Ready && !known.is_some_and(told) {
        let denied = account.with_answer(FiStatus::Denied, given.now);
        return SessionAccount {
            description: Cow::Borrowed(NOT_SIMULATED),
            ..denied
        };
    }
    account.with_answer(status, given.now)
}

/// The session after the accounts that still wait have answered.
fn prepared(
    session: &Session,
    consent: &Consent,
    outcome: &AccountStatuses,
    given: &Circumstances<'_>,
) -> Event {
    let answered = |account: &SessionAccount| {
        let status = outcome.status_for(account, &session.accounts);
        match status.filter(|_| account.status == FiStatus::Pending) {
            Some(status) => settled(account, consent, status, given),
            None => account.clone(),
        }
    };
    let accounts = session.accounts.iter().map(answered).collect();
    Event::DataPrepared {
        session: Arc::new(session.with_accounts(accounts)),
    }
}
