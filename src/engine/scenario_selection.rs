//! Selection of the plan that drives a new consent of a world, in the order of precedence of
//! `docs/architecture.md#scenarios-and-faults`. Owns the local scenarios and customer pins of a
//! world, and the holder of the scenarios that all worlds of a sandbox share.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use hashbrown::HashMap;

use crate::domain::command::RaiseConsent;
use crate::domain::consent_matcher::ConsentMatcher;
use crate::domain::rejection::Rejection;
use crate::domain::scenario_plan::ScenarioPlan;
use crate::domain::scenario_set::{
    ScenarioSet, SelectedScenario, SelectionReason, find_most_specific,
};

/// Maximum number of local scenarios of one world. The number of customer pins is not limited.
pub(crate) const LOCAL_SCENARIOS_MAX: usize = 1_000;

/// The holder of a sandbox's scenarios. A reload replaces the set for all worlds at once.
#[derive(Debug, Default)]
pub struct SandboxScenarios(RwLock<Arc<ScenarioSet>>);

impl SandboxScenarios {
    pub fn new(set: ScenarioSet) -> Self {
        Self(RwLock::new(Arc::new(set)))
    }

    /// Returns the current set.
    pub fn current(&self) -> Arc<ScenarioSet> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the set. Running consents keep their plans.
    pub fn replace_set(&self, set: ScenarioSet) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(set);
    }
}

/// The local scenarios, customer pins and default scenario of one world.
#[derive(Clone, Default)]
pub(crate) struct ScenarioSelection {
    local: BTreeMap<String, LocalScenario>,
    /// The scenario name of each pinned customer address.
    customer_pins: HashMap<String, String>,
    default_scenario: Option<String>,
}

#[derive(Clone)]
struct LocalScenario {
    plan: Arc<ScenarioPlan>,
    /// The text as it was submitted.
    source_text: Arc<str>,
}

impl std::fmt::Debug for ScenarioSelection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScenarioSelection")
            .field("local", &self.local.len())
            .field("default", &self.default_scenario)
            .finish_non_exhaustive()
    }
}

impl ScenarioSelection {
    /// Selects the plan for a new consent. The order is: the scenario that the request names, the
    /// scenario pinned to the customer, the most specific matching local scenario, the most
    /// specific matching scenario of the sandbox, the magic customer's scenario, the AA's default,
    /// the world's default, the sandbox's default. A local scenario hides one of the sandbox with
    /// the same name. `None` leaves the consent to the approval mode.
    ///
    /// # Errors
    /// [`Rejection::UnknownScenario`] when a selected name does not exist.
    pub(crate) fn select_scenario(
        &self,
        raise: &RaiseConsent,
        aa_default: Option<&str>,
        scenarios: &ScenarioSet,
    ) -> Result<Option<SelectedScenario>, Rejection> {
        let customer = &*raise.terms.customer;
        let requested = raise.scenario.as_deref();
        let pinned = self.customer_pins.get(customer).map(String::as_str);
        let by_name = |(name, reason): (&str, SelectionReason)| {
            let plan = self.find_by_name(name, scenarios)?;
            Ok(SelectedScenario { plan, reason })
        };
        let named = requested
            .map(|name| (name, SelectionReason::Requested))
            .or(pinned.map(|name| (name, SelectionReason::Pinned)));
        if let Some(named) = named {
            return by_name(named).map(Some);
        }
        let matching = [
            (
                find_most_specific(self.local_plans(), raise),
                SelectionReason::LocalMatch,
            ),
            (scenarios.find_matching(raise), SelectionReason::Match),
            (
                scenarios.find_for_magic_customer(customer),
                SelectionReason::MagicCustomer,
            ),
        ];
        for (plan, reason) in matching {
            if let Some(plan) = plan {
                return Ok(Some(SelectedScenario { plan, reason }));
            }
        }
        let of_world = self.default_scenario.as_deref();
        let of_sandbox = scenarios.default_name.as_deref();
        let default = aa_default
            .map(|name| (name, SelectionReason::AaDefault))
            .or(of_world.map(|name| (name, SelectionReason::WorldDefault)))
            .or(of_sandbox.map(|name| (name, SelectionReason::SandboxDefault)));
        default.map(by_name).transpose()
    }

    /// Returns the plan of this name, a local one first.
    pub(crate) fn find_by_name(
        &self,
        name: &str,
        scenarios: &ScenarioSet,
    ) -> Result<Arc<ScenarioPlan>, Rejection> {
        let plan = self
            .local
            .get(name)
            .map(|local| Arc::clone(&local.plan))
            .or_else(|| scenarios.find_by_name(name));
        plan.ok_or_else(|| Rejection::UnknownScenario {
            name: name.to_owned(),
            known: self.list_names(scenarios),
        })
    }

    pub(crate) fn list_names(&self, scenarios: &ScenarioSet) -> Vec<String> {
        let mut names = scenarios.list_names();
        names.extend(self.local.keys().cloned());
        names.sort();
        names.dedup();
        names
    }

    /// Adds a local scenario or replaces the one of the same name.
    ///
    /// # Errors
    /// A message when another scenario is equally specific for the same consents, or when the limit
    /// is reached.
    pub(crate) fn put_local(&mut self, plan: Arc<ScenarioPlan>, text: &str) -> Result<(), String> {
        let name = plan.name.clone();
        if let Some(rival) = plan
            .matcher()
            .and_then(|matcher| self.find_ambiguous(&name, matcher))
        {
            return Err(format!(
                "the match is as specific as that of `{}` for the same consents; make one of them more specific",
                rival.name
            ));
        }
        if !self.local.contains_key(&name) && self.local.len() >= LOCAL_SCENARIOS_MAX {
            return Err(format!(
                "the world already has {LOCAL_SCENARIOS_MAX} local scenarios; delete some"
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

    /// Returns another local scenario that is equally specific for some of the same consents.
    fn find_ambiguous(&self, name: &str, matcher: &ConsentMatcher) -> Option<&Arc<ScenarioPlan>> {
        self.local_plans().find(|other| {
            other.name != name
                && other.matcher().is_some_and(|other_matcher| {
                    other_matcher.specificity() == matcher.specificity()
                        && other_matcher.overlaps_with(matcher)
                })
        })
    }

    /// Removes a local scenario; returns `true` if there was one. Consents that it drives keep it.
    pub(crate) fn remove_local(&mut self, name: &str) -> bool {
        self.local.remove(name).is_some()
    }

    /// Returns the local scenarios.
    pub(crate) fn local_plans(&self) -> impl Iterator<Item = &Arc<ScenarioPlan>> {
        self.local.values().map(|local| &local.plan)
    }

    /// Returns the source text of a local scenario.
    pub(crate) fn source_text(&self, name: &str) -> Option<Arc<str>> {
        self.local
            .get(name)
            .map(|local| Arc::clone(&local.source_text))
    }

    /// Sets the scenario that drives all later consents of this customer.
    pub(crate) fn pin_customer(&mut self, customer: &str, scenario: &str) {
        self.customer_pins
            .insert(customer.to_owned(), scenario.to_owned());
    }

    /// Returns the customers to whom a scenario is pinned, in order.
    pub(crate) fn list_pinned(&self, scenario: &str) -> Vec<String> {
        let pins = self.customer_pins.iter().filter(|(_, it)| *it == scenario);
        let mut customers: Vec<_> = pins.map(|(customer, _)| customer.clone()).collect();
        customers.sort();
        customers
    }

    pub(crate) fn set_default(&mut self, scenario: Option<String>) {
        self.default_scenario = scenario;
    }

    pub(crate) fn default_name(&self) -> Option<&str> {
        self.default_scenario.as_deref()
    }
}
