//! The operator: every caller of a sandbox that listens on loopback only, else the holder of the control
//! token. A browser sends the token once, and is known by the id in its cookie from then on.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::constant_time::equals_secret;
use crate::domain::time::{Millis, Timestamp};
use crate::http::call::Call;
use crate::http::forms::{Reader, random_id};
use crate::http::route_info::Section;

/// The largest number of sessions. One more ends the session that was idle longest.
const SESSIONS_MAX: usize = 256;

/// The time after which an idle session ends, in system time.
const IDLE_MAX: Millis = Millis::from_secs(12 * 60 * 60);

/// The number of wrong tokens of an address within [`TRIES_SPAN`] after which no other is looked at.
const TRIES_MAX: usize = 10;

/// The number of wrong tokens that are remembered.
const TRIES_KEPT: usize = 1_000;

const TRIES_SPAN: Millis = Millis::from_secs(60);

/// The sessions of operators in browsers. Times are system times.
#[derive(Debug, Default)]
pub(crate) struct OperatorSessions(Mutex<SessionState>);

#[derive(Debug, Default)]
struct SessionState {
    /// The time of the last call of each session, by its id.
    last_seen: HashMap<String, Timestamp>,
    /// The last wrong tokens: when, and from which address.
    tries: VecDeque<(Timestamp, Option<IpAddr>)>,
}

impl OperatorSessions {
    fn lock(&self) -> MutexGuard<'_, SessionState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether an address may try one more token.
    fn may_try(&self, address: Option<IpAddr>, now: Timestamp) -> bool {
        let tries = &mut self.lock().tries;
        tries.retain(|(at, _)| now.duration_since(*at) < TRIES_SPAN);
        tries.iter().filter(|(_, it)| *it == address).count() < TRIES_MAX
    }

    fn remember_wrong_token(&self, address: Option<IpAddr>, now: Timestamp) {
        let tries = &mut self.lock().tries;
        if tries.len() >= TRIES_KEPT {
            tries.pop_front();
        }
        tries.push_back((now, address));
    }

    /// Begins a session and returns its id, which cannot be guessed.
    fn begin(&self, now: Timestamp) -> String {
        let id = random_id();
        let sessions = &mut self.lock().last_seen;
        sessions.retain(|_, last_seen| now.duration_since(*last_seen) < IDLE_MAX);
        if sessions.len() >= SESSIONS_MAX {
            let oldest = sessions.iter().min_by_key(|(_, last_seen)| **last_seen);
            let oldest = oldest.map(|(id, _)| id.clone());
            oldest.and_then(|id| sessions.remove(&id));
        }
        sessions.insert(id.clone(), now);
        id
    }

    /// Returns whether a session is open. This counts as a call of it.
    fn renew(&self, id: &str, now: Timestamp) -> bool {
        let sessions = &mut self.lock().last_seen;
        let Some(last_seen) = sessions.get_mut(id) else {
            return false;
        };
        if now.duration_since(*last_seen) >= IDLE_MAX {
            sessions.remove(id);
            return false;
        }
        *last_seen = now.max(*last_seen);
        true
    }

    /// Returns whether a session is open.
    pub(crate) fn is_open(&self, id: &str, now: Timestamp) -> bool {
        let last_seen = self.lock().last_seen.get(id).copied();
        last_seen.is_some_and(|last_seen| now.duration_since(last_seen) < IDLE_MAX)
    }

    pub(crate) fn end(&self, id: &str) {
        self.lock().last_seen.remove(id);
    }
}

/// The result of a try to begin a session.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SignInOutcome {
    /// The id of the session.
    Begun(String),
    WrongToken,
    /// There were too many tries; this one was not looked at.
    TooMany,
}

impl Call {
    /// Returns whether the caller may control the sandbox.
    pub(crate) fn is_operator(&self) -> bool {
        let Some(token) = &self.app_state().control_token else {
            return true;
        };
        let sent = self.bearer_token();
        sent.is_some_and(|sent| equals_secret(sent, token)) || self.operator_session().is_some()
    }

    /// Returns whether the call is one of the operator's pages or forms.
    pub(crate) fn opens_console(&self) -> bool {
        let route = self.route();
        route.is_some_and(|route| route.section == Section::Console)
    }

    /// Returns the id of the open session of the caller's browser. A cookie alone changes nothing beside
    /// the pages, whose forms have tokens.
    pub(crate) fn operator_session(&self) -> Option<String> {
        if !self.opens_console() && !self.is_get() && !self.is_head() {
            return None;
        }
        let id = Reader::from_call(self).into_known_id()?;
        let sessions = &self.app_state().operator_sessions;
        sessions.renew(&id, self.arrived_at()).then_some(id)
    }

    /// Begins a session, if the token is the right one.
    pub(crate) fn sign_in_operator(&self, sent: &str) -> SignInOutcome {
        let (sessions, now) = (&self.app_state().operator_sessions, self.arrived_at());
        let address = self.client_address();
        if !sessions.may_try(address, now) {
            return SignInOutcome::TooMany;
        }
        let expected = self.app_state().control_token.as_deref();
        if expected.is_some_and(|expected| equals_secret(sent, expected)) {
            SignInOutcome::Begun(sessions.begin(now))
        } else {
            sessions.remember_wrong_token(address, now);
            SignInOutcome::WrongToken
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::{IDLE_MAX, OperatorSessions, SESSIONS_MAX, TRIES_MAX, TRIES_SPAN};
    use crate::domain::time::{Millis, Timestamp};

    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);

    #[test]
    fn a_session_ends_when_it_is_idle_or_when_it_is_ended() {
        let sessions = OperatorSessions::default();
        let id = sessions.begin(NOW);
        let almost = NOW.saturating_add(Millis(IDLE_MAX.0 - 1));
        assert!(
            sessions.renew(&id, almost) && sessions.is_open(&id, almost.saturating_add(Millis(1)))
        );
        let idle = almost.saturating_add(IDLE_MAX);
        assert!(!sessions.is_open(&id, idle) && !sessions.renew(&id, idle));
        assert!(!sessions.renew(&id, almost), "it does not come back");
        let ended = sessions.begin(NOW);
        sessions.end(&ended);
        assert!(!sessions.is_open(&ended, NOW));
    }

    #[test]
    fn sessions_and_tries_are_limited() {
        let sessions = OperatorSessions::default();
        let times = (0..).map(|ms| NOW.saturating_add(Millis(ms)));
        let ids = times.take(SESSIONS_MAX + 1).map(|at| sessions.begin(at));
        let ids: Vec<_> = ids.collect();
        assert!(!sessions.is_open(&ids[0], NOW), "the oldest has ended");
        assert!(ids[1..].iter().all(|id| sessions.is_open(id, NOW)));
        let [address, other] = [Ipv4Addr::LOCALHOST, Ipv4Addr::BROADCAST].map(|it| Some(it.into()));
        for _ in 0..TRIES_MAX {
            assert!(sessions.may_try(address, NOW));
            sessions.remember_wrong_token(address, NOW);
        }
        assert!(!sessions.may_try(address, NOW) && sessions.may_try(other, NOW));
        assert!(sessions.may_try(address, NOW.saturating_add(TRIES_SPAN)));
    }
}
