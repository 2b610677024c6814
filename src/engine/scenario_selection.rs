//! What drives a new consent of a world: the one order of DESIGN §5.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::domain::command::RaiseConsent;
use crate::domain::rejection::Rejection;
use crate::engine::ports::{ScenarioPlan, ScenarioProvider};

/// Scenarios and pins of one world's own.
pub const LOCAL_SCENARIOS_MAX: usize = 1_000;

/// What a world has beside the scenarios of all worlds.
#[derive(Default)]
pub struct ScenarioSelection {
    local: BTreeMap<String, LocalScenario>,
    /// Customers' addresses, and the scenario of each.
    customer_pins: HashMap<String, String>,
    default_scenario: Option<String>,
}

struct LocalScenario {
    plan: Arc<dyn ScenarioPlan>,
    /// As it was given.
    source_text: Arc<str>,
}

impl std::fmt::Debug for ScenarioSelection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Casting")
            .field("own", &self.local.len())
            .field("default", &self.default_scenario)
            .finish_non_exhaustive()
    }
}

impl ScenarioSelection {
    /// The script for a new consent: the one asked for by name, else the one pinned to the customer, else the one that
    /// says that it is for such a consent, else a magic customer's, else the one that its AA is used to, else the world's
    /// default, else the sandbox's; `None` leaves the consent to people. A world's own scripts come before those of all
    /// worlds.
    pub fn select_scenario(
        &self,
        raise: &RaiseConsent,
        aa_default: Option<&str>,
        provider: &dyn ScenarioProvider,
    ) -> Result<Option<Arc<dyn ScenarioPlan>>, Rejection> {
        let customer = &*raise.terms.customer;
        let requested_name = raise
            .scenario
            .as_deref()
            .or(self.customer_pins.get(customer).map(String::as_str));
        if let Some(name) = requested_name {
            return self.find_by_name(name, provider).map(Some);
        }
        let local_matches = self.local_plans().filter(|plan| {
            plan.matcher()
                .is_some_and(|matcher| matcher.matches_request(raise))
        });
        let local_match = local_matches
            .max_by_key(|plan| {
                plan.matcher()
                    .map(super::super::domain::consent_matcher::ConsentMatcher::specificity)
            })
            .cloned();
        if let Some(plan) = local_match
            .or_else(|| provider.find_matching(raise))
            .or_else(|| provider.find_for_magic_customer(customer))
        {
            return Ok(Some(plan));
        }
        let name = aa_default
            .or(self.default_scenario.as_deref())
            .or(provider.default_name());
        name.map(|name| self.find_by_name(name, provider))
            .transpose()
    }

    /// The script of this name, the world's own first.
    pub fn find_by_name(
        &self,
        name: &str,
        provider: &dyn ScenarioProvider,
    ) -> Result<Arc<dyn ScenarioPlan>, Rejection> {
        let plan = self
            .local
            .get(name)
            .map(|local| Arc::clone(&local.plan))
            .or_else(|| provider.find_by_name(name));
        plan.ok_or_else(|| Rejection::UnknownScenario {
            name: name.to_owned(),
            known: self.list_names(provider),
        })
    }

    pub fn list_names(&self, provider: &dyn ScenarioProvider) -> Vec<String> {
        let mut names = provider.list_names();
        names.extend(self.local.keys().cloned());
        names.sort();
        names.dedup();
        names
    }

    /// Adds a script of the world's own, or puts it in another's place.
    ///
    /// # Errors
    /// The name of one that asks just as much of the same consents, so that nobody could say which is meant; or that
    /// there are too many.
    pub fn put_local(&mut self, plan: Arc<dyn ScenarioPlan>, text: &str) -> Result<(), String> {
        let name = plan.name().to_owned();
        if let Some(matcher) = plan.matcher() {
            let is_ambiguous_with = |other: &&Arc<dyn ScenarioPlan>| {
                other.name() != name
                    && other.matcher().is_some_and(|other_matcher| {
                        other_matcher.specificity() == matcher.specificity()
                            && other_matcher.overlaps_with(matcher)
                    })
            };
            if let Some(rival) = self.local_plans().find(is_ambiguous_with) {
                return Err(format!(
                    "its match asks just as much as that of {} for the same consents; ask for more in one of them",
                    rival.name()
                ));
            }
        }
        if !self.local.contains_key(&name) && self.local.len() >= LOCAL_SCENARIOS_MAX {
            return Err(format!(
                "the world has {LOCAL_SCENARIOS_MAX} scenarios of its own already; delete some"
            ));
        }
        self.local.insert(
            name,
            LocalScenario {
                plan,
                source_text: text.into(),
            },
        );
        Ok(())
    }

    /// Takes one of the world's own away; whether there was one. What it drives, it goes on driving.
    pub fn remove_local(&mut self, name: &str) -> bool {
        self.local.remove(name).is_some()
    }

    /// The world's own.
    pub fn local_plans(&self) -> impl Iterator<Item = &Arc<dyn ScenarioPlan>> {
        self.local.values().map(|local| &local.plan)
    }

    /// The text of one of the world's own.
    pub fn source_text(&self, name: &str) -> Option<Arc<str>> {
        self.local
            .get(name)
            .map(|local| Arc::clone(&local.source_text))
    }

    pub fn is_local(&self, name: &str) -> bool {
        self.local.contains_key(name)
    }

    /// Every later consent of this customer is driven by this scenario; `None`: by the usual rules again.
    pub fn pin_customer(&mut self, customer: &str, scenario: Option<String>) {
        match scenario {
            Some(scenario) => self.customer_pins.insert(customer.to_owned(), scenario),
            None => self.customer_pins.remove(customer),
        };
    }

    pub fn set_default(&mut self, scenario: Option<String>) {
        self.default_scenario = scenario;
    }

    pub fn default_name(&self) -> Option<&str> {
        self.default_scenario.as_deref()
    }
}
