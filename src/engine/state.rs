//! The consents of a world. Changed by [`State::apply`] alone, from events: replaying them rebuilds it.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use crate::domain::consent::{Consent, Grant, HISTORY_MAX, Moment, Purpose, Seals, Status, Terms, VdrProvider};
use crate::domain::event::Event;
use crate::domain::ids::{ConsentHandle, ConsentId};
use crate::domain::time::Timestamp;

/// How often a customer's streams have been drawn from: the ordinals of their keys.
#[derive(Clone, Copy, Debug, Default)]
pub struct Drawn {
    pub handles: u32,
    pub consent_ids: u32,
    pub sessions: u32,
}

#[derive(Debug, Default)]
pub struct State {
    consents: HashMap<ConsentHandle, Arc<Consent>>,
    by_consent_id: HashMap<ConsentId, ConsentHandle>,
    /// Oldest first, for listings.
    order: Vec<ConsentHandle>,
    drawn: HashMap<Arc<str>, Drawn>,
    texts: Interner<str>,
    purposes: Interner<Purpose>,
    registries: Interner<VdrProvider>,
}

impl State {
    pub fn consent(&self, handle: ConsentHandle) -> Option<&Arc<Consent>> {
        self.consents.get(&handle)
    }

    pub fn by_consent_id(&self, id: ConsentId) -> Option<&Arc<Consent>> {
        self.consent(*self.by_consent_id.get(&id)?)
    }

    /// Consents in the order in which they were raised, from the `skip`th on.
    pub fn consents(&self, skip: usize) -> impl Iterator<Item = &Arc<Consent>> {
        self.order.iter().skip(skip).filter_map(|handle| self.consents.get(handle))
    }

    pub fn len(&self) -> usize {
        self.order.len()
    }

    pub fn drawn(&self, customer: &str) -> Drawn {
        self.drawn.get(customer).copied().unwrap_or_default()
    }

    /// Replaces what many requests have in common by one shared copy. A request repeats its purpose and its FIU;
    /// kept once each, a million consents of one FIU cost a few hundred bytes apiece.
    pub fn share(&mut self, mut terms: Terms) -> Terms {
        terms.consumer = self.texts.share(terms.consumer);
        terms.purpose = self.purposes.share(terms.purpose);
        terms.vdr_provider = terms.vdr_provider.map(|registry| self.registries.share(registry));
        if let Some((known, _)) = self.drawn.get_key_value(&*terms.customer) {
            terms.customer = Arc::clone(known);
        }
        terms
    }

    /// Makes the event true.
    pub fn apply(&mut self, event: &Event, at: Timestamp) {
        if let Event::ConsentRaised { consent } = event {
            self.drawn.entry(Arc::clone(&consent.terms.customer)).or_default().handles += 1;
            self.order.push(consent.handle);
            self.consents.insert(consent.handle, Arc::clone(consent));
            return;
        }
        let consent = self.consents.get_mut(&event.handle()).expect("an event is about a consent that was raised");
        let consent = Arc::make_mut(consent);
        if let Some(status) = event.status() {
            consent.status = status;
            if consent.history.len() == HISTORY_MAX {
                consent.history.remove(0);
            }
            consent.history.push(Moment { status, at });
        }
        match event {
            Event::ConsentApproved { handle, consent_id, accounts } => {
                consent.grant = Some(Box::new(Grant {
                    consent_id: *consent_id,
                    approved_at: at,
                    accounts: Arc::clone(accounts),
                    uses: 0,
                    last_used_at: None,
                    seals: Seals::default(),
                }));
                self.by_consent_id.insert(*consent_id, *handle);
                self.drawn.entry(Arc::clone(&consent.terms.customer)).or_default().consent_ids += 1;
            }
            Event::DataRequested { .. } => {
                let grant = consent.grant.as_mut().expect("data is requested under a granted consent");
                grant.uses += 1;
                grant.last_used_at = Some(at);
                self.drawn.entry(Arc::clone(&consent.terms.customer)).or_default().sessions += 1;
            }
            Event::ConsentRaised { .. }
            | Event::ConsentActivated { .. }
            | Event::ConsentRejected { .. }
            | Event::ConsentFailed { .. }
            | Event::ConsentPaused { .. }
            | Event::ConsentResumed { .. }
            | Event::ConsentRevoked { .. }
            | Event::ConsentExpired { .. }
            | Event::DataPrepared { .. } => {}
        }
    }

    /// How many consents stand in each state.
    pub fn tally(&self) -> Vec<(Status, usize)> {
        let mut counts = vec![0; Status::ALL.len()];
        for consent in self.consents.values() {
            counts[consent.status as usize] += 1;
        }
        Status::ALL.iter().copied().zip(counts).collect()
    }
}

/// Keeps one copy of each value.
#[derive(Debug)]
struct Interner<T: ?Sized>(HashSet<Arc<T>>);

impl<T: ?Sized> Default for Interner<T> {
    fn default() -> Self {
        Self(HashSet::new())
    }
}

/// Values kept per interner; past it, values are simply not shared. It bounds what a hostile caller can pin.
const INTERNED_MAX: usize = 10_000;

impl<T: Eq + Hash + ?Sized> Interner<T> {
    fn share(&mut self, value: Arc<T>) -> Arc<T> {
        if let Some(known) = self.0.get(&value) {
            return Arc::clone(known);
        }
        if self.0.len() < INTERNED_MAX {
            self.0.insert(Arc::clone(&value));
        }
        value
    }
}
