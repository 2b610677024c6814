//! What drives a new consent of a world: the one order of DESIGN §5.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::domain::command::RaiseConsent;
use crate::domain::rejection::Rejection;
use crate::engine::ports::{Director, Script};

/// Scenarios and pins of one world's own.
pub const OWN_MAX: usize = 1_000;

/// What a world has beside the scenarios of all worlds.
#[derive(Default)]
pub struct Casting {
    own: BTreeMap<String, Own>,
    /// Customers' addresses, and the scenario of each.
    pinned: HashMap<String, String>,
    default: Option<String>,
}

struct Own {
    script: Arc<dyn Script>,
    /// As it was given.
    text: Arc<str>,
}

impl std::fmt::Debug for Casting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Casting")
            .field("own", &self.own.len())
            .field("default", &self.default)
            .finish_non_exhaustive()
    }
}

impl Casting {
    /// The script for a new consent: the one asked for by name, else the one pinned to the customer, else the one that
    /// says that it is for such a consent, else a magic customer's, else the one that its AA is used to, else the world's
    /// default, else the sandbox's; `None` leaves the consent to people. A world's own scripts come before those of all
    /// worlds.
    pub fn cast(
        &self,
        raise: &RaiseConsent,
        usual: Option<&str>,
        director: &dyn Director,
    ) -> Result<Option<Arc<dyn Script>>, Rejection> {
        let customer = &*raise.terms.customer;
        let wanted = raise
            .scenario
            .as_deref()
            .or(self.pinned.get(customer).map(String::as_str));
        if let Some(name) = wanted {
            return self.named(name, director).map(Some);
        }
        let own = self.own().filter(|script| {
            script
                .casting()
                .is_some_and(|casting| casting.matches_request(raise))
        });
        let own = own
            .max_by_key(|script| {
                script
                    .casting()
                    .map(super::super::domain::consent_matcher::ConsentMatcher::specificity)
            })
            .cloned();
        if let Some(script) = own
            .or_else(|| director.matching(raise))
            .or_else(|| director.magic(customer))
        {
            return Ok(Some(script));
        }
        let name = usual
            .or(self.default.as_deref())
            .or(director.default_name());
        name.map(|name| self.named(name, director)).transpose()
    }

    /// The script of this name, the world's own first.
    pub fn named(&self, name: &str, director: &dyn Director) -> Result<Arc<dyn Script>, Rejection> {
        let script = self
            .own
            .get(name)
            .map(|own| Arc::clone(&own.script))
            .or_else(|| director.named(name));
        script.ok_or_else(|| Rejection::UnknownScenario {
            name: name.to_owned(),
            known: self.names(director),
        })
    }

    pub fn names(&self, director: &dyn Director) -> Vec<String> {
        let mut names = director.names();
        names.extend(self.own.keys().cloned());
        names.sort();
        names.dedup();
        names
    }

    /// Adds a script of the world's own, or puts it in another's place.
    ///
    /// # Errors
    /// The name of one that asks just as much of the same consents, so that nobody could say which is meant; or that
    /// there are too many.
    pub fn put(&mut self, script: Arc<dyn Script>, text: &str) -> Result<(), String> {
        let name = script.name().to_owned();
        if let Some(casting) = script.casting() {
            let ties = |other: &&Arc<dyn Script>| {
                other.name() != name
                    && other.casting().is_some_and(|known| {
                        known.specificity() == casting.specificity() && known.overlaps_with(casting)
                    })
            };
            if let Some(other) = self.own().find(ties) {
                return Err(format!(
                    "its match asks just as much as that of {} for the same consents; ask for more in one of them",
                    other.name()
                ));
            }
        }
        if !self.own.contains_key(&name) && self.own.len() >= OWN_MAX {
            return Err(format!(
                "the world has {OWN_MAX} scenarios of its own already; delete some"
            ));
        }
        self.own.insert(
            name,
            Own {
                script,
                text: text.into(),
            },
        );
        Ok(())
    }

    /// Takes one of the world's own away; whether there was one. What it drives, it goes on driving.
    pub fn remove(&mut self, name: &str) -> bool {
        self.own.remove(name).is_some()
    }

    /// The world's own.
    pub fn own(&self) -> impl Iterator<Item = &Arc<dyn Script>> {
        self.own.values().map(|own| &own.script)
    }

    /// The text of one of the world's own.
    pub fn text(&self, name: &str) -> Option<Arc<str>> {
        self.own.get(name).map(|own| Arc::clone(&own.text))
    }

    pub fn is_own(&self, name: &str) -> bool {
        self.own.contains_key(name)
    }

    /// Every later consent of this customer is driven by this scenario; `None`: by the usual rules again.
    pub fn pin(&mut self, customer: &str, scenario: Option<String>) {
        match scenario {
            Some(scenario) => self.pinned.insert(customer.to_owned(), scenario),
            None => self.pinned.remove(customer),
        };
    }

    pub fn set_default(&mut self, scenario: Option<String>) {
        self.default = scenario;
    }

    pub fn default_name(&self) -> Option<&str> {
        self.default.as_deref()
    }
}
