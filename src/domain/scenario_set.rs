//! The scenarios of a sandbox, and the lookups by which a new consent finds its plan. Loading them
//! belongs to `scenario`, the precedence between the lookups to the engine.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use crate::domain::command::RaiseConsent;
use crate::domain::naming::wire_enum;
use crate::domain::scenario_plan::ScenarioPlan;

/// A plan that is read when it is first used: reading all that ship would take a third of the start.
#[derive(Clone, Debug)]
pub struct LazyPlan(Arc<LazyLock<Arc<ScenarioPlan>, ReadPlan>>);

type ReadPlan = Box<dyn FnOnce() -> Arc<ScenarioPlan> + Send>;

impl LazyPlan {
    /// Defers the reading of a plan.
    pub fn new(read: impl FnOnce() -> ScenarioPlan + Send + 'static) -> Self {
        Self(Arc::new(LazyLock::new(Box::new(|| Arc::new(read())))))
    }

    pub fn get(&self) -> &Arc<ScenarioPlan> {
        &self.0
    }
}

/// A scenario with the text that it was read from.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub plan: LazyPlan,
    /// `true` if the plan selects its consents by a `match`.
    pub has_matcher: bool,
    /// The file of the text, for display.
    pub source: String,
    pub text: Arc<str>,
}

wire_enum! {
    /// The reason for which a scenario drives a consent. The order is that of precedence.
    SelectionReason {
        /// The call that raised the consent names it.
        Requested = "requested",
        /// It is pinned to the customer.
        Pinned = "pinned",
        /// Its `match` accepts the consent; it is one of the world.
        LocalMatch = "local-match",
        /// Its `match` accepts the consent.
        Match = "match",
        /// The customer is a magic one.
        MagicCustomer = "magic-customer",
        /// It is the default of the AA.
        AaDefault = "aa-default",
        /// It is the default of the world.
        WorldDefault = "world-default",
        /// It is the default of the sandbox.
        SandboxDefault = "sandbox-default",
        /// It was assigned to the consent later.
        Assigned = "assigned",
    }
}

impl SelectionReason {
    /// Returns the reason in words that follow the name of the scenario.
    pub(crate) const fn describe(self) -> &'static str {
        match self {
            Self::Requested => "since the call that raised the consent names it",
            Self::Pinned => "since it is pinned to the customer",
            Self::LocalMatch => "since its match accepts the consent, and it is one of this world",
            Self::Match => "since its match accepts the consent",
            Self::MagicCustomer => "since the customer is a magic one",
            Self::AaDefault => "since it is the default of the AA",
            Self::WorldDefault => "since it is the default of the world",
            Self::SandboxDefault => "since it is the default of the sandbox",
            Self::Assigned => "since it was assigned to the consent later",
        }
    }
}

/// A plan that drives a consent, and the reason for it.
#[derive(Clone, Debug)]
pub(crate) struct SelectedScenario {
    pub plan: Arc<ScenarioPlan>,
    pub reason: SelectionReason,
}

/// The scenarios of a sandbox. A reload replaces the whole set; consents keep the plan that they
/// started with.
#[derive(Clone, Debug, Default)]
pub struct ScenarioSet {
    /// The scenarios, by name.
    scenarios: BTreeMap<String, Scenario>,
    /// The plans of those that select their consents by a `match`.
    matching: Vec<Arc<ScenarioPlan>>,
    /// The plans of the magic customers, by the part of their addresses before the `@`.
    pub magic_plans: Arc<BTreeMap<&'static str, LazyPlan>>,
    /// The name of the scenario of consents that no other rule selects one for.
    pub default_name: Option<String>,
}

impl ScenarioSet {
    pub fn new(
        scenarios: BTreeMap<String, Scenario>,
        magic_plans: Arc<BTreeMap<&'static str, LazyPlan>>,
        default_name: Option<String>,
    ) -> Self {
        let matching = scenarios.values().filter(|scenario| scenario.has_matcher);
        let matching = matching.map(|scenario| Arc::clone(scenario.plan.get()));
        Self {
            matching: matching.collect(),
            scenarios,
            magic_plans,
            default_name,
        }
    }

    /// Returns the set with other scenarios.
    #[must_use]
    pub fn with_scenarios(&self, scenarios: BTreeMap<String, Scenario>) -> Self {
        let magic_plans = Arc::clone(&self.magic_plans);
        Self::new(scenarios, magic_plans, self.default_name.clone())
    }

    /// Returns the scenarios, by name.
    pub fn scenarios(&self) -> &BTreeMap<String, Scenario> {
        &self.scenarios
    }

    /// Returns the plan of this name.
    pub fn find_by_name(&self, name: &str) -> Option<Arc<ScenarioPlan>> {
        self.scenarios
            .get(name)
            .map(|scenario| Arc::clone(scenario.plan.get()))
    }

    /// Returns the most specific plan whose matcher accepts this consent request.
    pub fn find_matching(&self, raise: &RaiseConsent) -> Option<Arc<ScenarioPlan>> {
        find_most_specific(self.matching.iter(), raise)
    }

    /// Returns the plan of a magic customer's address.
    pub fn find_for_magic_customer(&self, customer: &str) -> Option<Arc<ScenarioPlan>> {
        let (number, _) = customer.split_once('@')?;
        self.magic_plans
            .get(number)
            .map(|plan| Arc::clone(plan.get()))
    }

    /// Returns the names of the scenarios, sorted.
    pub fn list_names(&self) -> Vec<String> {
        self.scenarios.keys().cloned().collect()
    }
}

/// Returns the most specific of the plans whose matcher accepts this consent request.
pub(crate) fn find_most_specific<'a>(
    plans: impl Iterator<Item = &'a Arc<ScenarioPlan>>,
    raise: &RaiseConsent,
) -> Option<Arc<ScenarioPlan>> {
    let matching = plans.filter_map(|plan| {
        let matcher = plan.matcher()?;
        matcher
            .matches_request(raise)
            .then(|| (matcher.specificity(), plan))
    });
    matching
        .max_by_key(|(specificity, _)| *specificity)
        .map(|(_, plan)| Arc::clone(plan))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{LazyPlan, ScenarioSet};
    use crate::domain::scenario_plan::ScenarioPlan;

    #[test]
    fn a_number_is_magic_at_any_handle_and_only_whole() {
        let plan = LazyPlan::new(ScenarioPlan::default);
        let set = ScenarioSet {
            magic_plans: Arc::new([("9999999002", plan)].into()),
            ..ScenarioSet::default()
        };
        for customer in ["9999999002@onemoney", "9999999002@mockaa"] {
            assert!(
                set.find_for_magic_customer(customer).is_some(),
                "{customer}"
            );
        }
        for customer in [
            "9999999002",
            "99999990021@x",
            "09999999002@x",
            "9999999021@x",
            "@x",
        ] {
            assert!(
                set.find_for_magic_customer(customer).is_none(),
                "{customer}"
            );
        }
    }
}
