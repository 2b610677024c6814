//! The visits of customers: what a browser has done so far on its way through the AA's pages. The
//! consents themselves belong to the world; a visit remembers only the way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::ids::ConsentHandle;
use crate::domain::participants::Fiu;
use crate::domain::sign_in::{SignIn, SignInTime};
use crate::domain::time::{Millis, Timestamp};
use crate::domain::visit_progress::LinkingTally;
use crate::http::forms::random_id;
use crate::http::journey::accounts::{BankLink, BankSearch, LinkRefusal};
use crate::http::journey::sdk::SdkVisit;
use crate::ui::messages::Language;
use crate::wire::redirection::Request;

/// The largest number of visits; one more ends the one that was idle the longest.
const VISITS_MAX: usize = 10_000;

/// A customer's visit to the AA.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    /// Name of the world.
    pub world: Box<str>,
    /// Id of the AA.
    pub aa: Arc<str>,
    /// The FIU that asks.
    pub fiu: Arc<str>,
    /// The customer's address; empty until the sign-in if no request names it.
    pub customer: Arc<str>,
    /// The consents that are asked for; none if the customer came for the own ones.
    pub handles: Vec<ConsentHandle>,
    pub language: Language,
    /// The tag of the language that the FIU asked for, if the pages do not exist in it.
    pub unknown_language: Option<String>,
    pub origin: VisitOrigin,
    pub sign_in: SignIn,
    /// The banks that are chosen, by their ids.
    pub banks: Vec<Arc<str>>,
    /// The one bank that the FIU has named.
    pub named_fip: Option<Arc<str>>,
    /// The customer's PAN, if banks need it.
    pub pan: Option<String>,
    /// The customer's date of birth, if banks need it: `YYYY-MM-DD`.
    pub birth_date: Option<String>,
    /// The searches for accounts at banks.
    pub searches: Vec<BankSearch>,
    /// The links that wait for a one-time password.
    pub links: Vec<BankLink>,
    /// The outcomes of the banks that were last asked to link accounts.
    pub linking: Option<LinkingTally>,
    /// The accounts that these banks have refused to link.
    pub refusals: Vec<LinkRefusal>,
    /// The address at the FIU to which the ended visit leads.
    pub return_url: Option<String>,
    /// `true` if the customer left without an answer.
    pub has_left: bool,
    /// System time of the last call that was no poll.
    pub last_seen: Timestamp,
}

/// The way on which a customer came.
#[derive(Clone, Debug)]
pub(crate) enum VisitOrigin {
    /// By a link to the consent.
    Link,
    /// By the web redirection of an FIU.
    Redirection(Arc<(Arc<Fiu>, Request)>),
    /// By Unaport's web SDK.
    Sdk(Arc<SdkVisit>),
}

/// All visits, by their ids.
#[derive(Debug)]
pub(crate) struct VisitStore {
    /// The time after which an idle visit ends, in system time.
    ttl: Millis,
    visits: Mutex<HashMap<String, Visit>>,
}

impl VisitStore {
    pub(crate) fn new(ttl: Duration) -> Self {
        let ttl_ms = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX);
        Self {
            ttl: Millis(ttl_ms),
            visits: Mutex::default(),
        }
    }

    /// Returns the time after which an idle visit ends, in system time.
    pub(crate) fn ttl(&self) -> Millis {
        self.ttl
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Visit>> {
        self.visits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a visit and returns its id, which cannot be guessed.
    pub(crate) fn begin(&self, visit: Visit) -> String {
        let (id, now) = (random_id(), visit.last_seen);
        let mut visits = self.lock();
        if visits.len() >= VISITS_MAX {
            visits.retain(|_, visit| !visit.is_over(now, self.ttl));
        }
        if visits.len() >= VISITS_MAX {
            let oldest = visits.iter().min_by_key(|(_, visit)| visit.last_seen);
            let oldest = oldest.map(|(id, _)| id.clone());
            oldest.and_then(|id| visits.remove(&id));
        }
        visits.insert(id.clone(), visit);
        id
    }

    /// Changes a visit of a world that has ended because it was idle too long, and returns it.
    pub(crate) fn update_over(
        &self,
        world: &str,
        id: &str,
        now: Timestamp,
        change: impl FnOnce(&mut Visit),
    ) -> Option<Visit> {
        self.change_if(world, id, |visit| visit.is_over(now, self.ttl), change)
    }

    fn change_if(
        &self,
        world: &str,
        id: &str,
        is_wanted: impl FnOnce(&Visit) -> bool,
        change: impl FnOnce(&mut Visit),
    ) -> Option<Visit> {
        let mut visits = self.lock();
        let visit = visits.get_mut(id)?;
        if *visit.world != *world || !is_wanted(visit) {
            return None;
        }
        change(visit);
        Some(visit.clone())
    }

    /// Returns the sign-in of a customer that is locked in an earlier visit.
    pub(crate) fn find_lock(&self, visit: &Visit, now: SignInTime) -> Option<SignIn> {
        let visits = self.lock();
        let mut same = visits.values().filter(|known| {
            known.world == visit.world && known.aa == visit.aa && known.customer == visit.customer
        });
        let locked = same.find(|known| known.sign_in.is_locked(now));
        locked.map(|known| known.sign_in.clone())
    }

    /// Changes a visit of a world and returns it; `None` if there is none, or if it has ended.
    pub(crate) fn update(
        &self,
        world: &str,
        id: &str,
        now: Timestamp,
        change: impl FnOnce(&mut Visit),
    ) -> Option<Visit> {
        self.change_if(world, id, |visit| !visit.is_over(now, self.ttl), change)
    }

    /// Returns the origin of a visit of a world, which may have ended.
    pub(crate) fn origin_of(&self, world: &str, id: &str) -> Option<VisitOrigin> {
        let visits = self.lock();
        let visit = visits.get(id).filter(|visit| *visit.world == *world);
        visit.map(|visit| visit.origin.clone())
    }
}

impl Visit {
    /// Creates a visit that begins now, without a customer or a consent.
    pub(crate) fn new(world: &str, aa: &Arc<str>, language: Language, now: Timestamp) -> Self {
        Self {
            world: world.into(),
            aa: Arc::clone(aa),
            fiu: Arc::clone(aa),
            customer: "".into(),
            handles: Vec::new(),
            language,
            origin: VisitOrigin::Link,
            sign_in: SignIn::default(),
            banks: Vec::new(),
            unknown_language: None,
            named_fip: None,
            pan: None,
            birth_date: None,
            searches: Vec::new(),
            links: Vec::new(),
            linking: None,
            refusals: Vec::new(),
            return_url: None,
            has_left: false,
            last_seen: now,
        }
    }

    fn is_over(&self, now: Timestamp, ttl: Millis) -> bool {
        now.duration_since(self.last_seen) > ttl
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{VISITS_MAX, Visit, VisitStore};
    use crate::domain::sign_in::SignInTime;
    use crate::domain::time::{Millis, Timestamp};
    use crate::ui::messages::Language;

    const TTL: Duration = Duration::from_secs(60);
    const TTL_MS: Millis = Millis::from_secs(60);

    fn begin_at(store: &VisitStore, at: Timestamp) -> String {
        store.begin(Visit::new("default", &"AA".into(), Language::English, at))
    }

    #[test]
    fn an_idle_visit_ends_and_a_busy_one_goes_on() {
        let store = VisitStore::new(TTL);
        let start = Timestamp::from_millis(0);
        let id = begin_at(&store, start);
        let later = start.saturating_add(TTL_MS);
        let see = |visit: &mut Visit| visit.last_seen = later;
        assert!(store.update("default", &id, later, see).is_some());
        let later = later.saturating_add(TTL_MS);
        assert!(store.update("default", &id, later, |_| ()).is_some());
        let too_late = later.saturating_add(Millis(1));
        assert!(store.update("default", &id, too_late, |_| ()).is_none());
    }

    #[test]
    fn a_full_store_forgets_the_visit_that_was_idle_the_longest() {
        let store = VisitStore::new(TTL);
        let at = |ms| Timestamp::from_millis(ms);
        let first = begin_at(&store, at(0));
        let second = begin_at(&store, at(1));
        for _ in 2..VISITS_MAX {
            begin_at(&store, at(2));
        }
        let see = |visit: &mut Visit| visit.last_seen = at(3);
        assert!(store.update("default", &first, at(3), see).is_some());
        let last = begin_at(&store, at(4));
        assert!(store.update("default", &second, at(5), |_| ()).is_none());
        for id in [first, last] {
            assert!(store.update("default", &id, at(5), |_| ()).is_some());
        }
    }

    #[test]
    fn a_lock_holds_for_later_visits_of_the_same_customer() {
        let store = VisitStore::new(TTL);
        let visit_of = |customer: &str| Visit {
            customer: customer.into(),
            ..Visit::new(
                "default",
                &"AA".into(),
                Language::English,
                Timestamp::from_millis(0),
            )
        };
        let mut locked = visit_of("1@aa");
        let mut now = SignInTime {
            world: Timestamp::from_millis(0),
            system: Timestamp::from_millis(0),
        };
        while !locked.sign_in.is_locked(now) {
            now.system = now.system.saturating_add(Millis::from_secs(30));
            let _ = locked.sign_in.send(now);
        }
        store.begin(locked);
        assert!(store.find_lock(&visit_of("1@aa"), now).is_some());
        assert!(store.find_lock(&visit_of("2@aa"), now).is_none());
        now.system = now.system.saturating_add(Millis::from_secs(600));
        assert!(store.find_lock(&visit_of("1@aa"), now).is_none());
    }
}
