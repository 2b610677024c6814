//! The scenarios of a world, as the control API lists and changes them. A change and its note are
//! one step under the world's lock.

use std::sync::Arc;

use crate::domain::cause::Cause;
use crate::domain::command::RaiseConsent;
use crate::domain::rejection::Rejection;
use crate::domain::scenario_plan::ScenarioPlan;
use crate::domain::scenario_set::SelectedScenario;
use crate::engine::world::{Inner, World};

/// Access to the local scenarios, customer pins and default scenario of a world.
#[derive(Clone, Copy, Debug)]
pub struct WorldScenarios<'a>(&'a World);

impl World {
    pub fn scenarios(&self) -> WorldScenarios<'_> {
        WorldScenarios(self)
    }

    /// Selects the plan that drives a new consent.
    ///
    /// # Errors
    /// [`Rejection::UnknownScenario`] when a selected name does not exist.
    pub(super) fn select_scenario(
        &self,
        inner: &Inner,
        raise: &RaiseConsent,
    ) -> Result<Option<SelectedScenario>, Rejection> {
        let aa_default = inner
            .participants
            .find_aa(&raise.aa)
            .and_then(|aa| aa.scenario.as_deref());
        inner.scenario_selection.select_scenario(
            raise,
            aa_default,
            &self.config.scenarios.current(),
        )
    }

    /// Returns the plan of this name, a local one first.
    pub(super) fn find_scenario(
        &self,
        inner: &Inner,
        name: &str,
    ) -> Result<Arc<ScenarioPlan>, Rejection> {
        inner
            .scenario_selection
            .find_by_name(name, &self.config.scenarios.current())
    }
}

impl WorldScenarios<'_> {
    /// Returns the names of the sandbox's and the local scenarios, sorted.
    pub fn list_names(self) -> Vec<String> {
        let shared = self.0.config.scenarios.current();
        self.0.lock().scenario_selection.list_names(&shared)
    }

    /// Returns the plans of the local scenarios, sorted by name.
    pub fn local_plans(self) -> Vec<Arc<ScenarioPlan>> {
        let inner = self.0.lock();
        inner.scenario_selection.local_plans().cloned().collect()
    }

    /// Returns the source text of a local scenario.
    pub fn local_text(self, name: &str) -> Option<Arc<str>> {
        self.0.lock().scenario_selection.source_text(name)
    }

    /// Adds a local scenario or replaces the one of the same name. Running consents keep their plan.
    ///
    /// # Errors
    /// A message when another scenario is equally specific for the same consents, or when the limit
    /// is reached.
    pub fn put_local(
        self,
        cause: Option<Arc<Cause>>,
        plan: Arc<ScenarioPlan>,
        text: &str,
    ) -> Result<(), String> {
        let mut inner = self.0.lock();
        let note = format!("the scenario {} was added", plan.name);
        inner.scenario_selection.put_local(plan, text)?;
        inner.append_note(cause, note);
        Ok(())
    }

    /// Removes a local scenario; returns `true` if there was one. Consents that it drives keep it.
    pub fn remove_local(self, cause: Option<Arc<Cause>>, name: &str) -> bool {
        let mut inner = self.0.lock();
        let is_removed = inner.scenario_selection.remove_local(name);
        if is_removed {
            inner.append_note(cause, format!("the scenario {name} was deleted"));
        }
        is_removed
    }

    /// Sets the scenario that drives all later consents of this customer.
    ///
    /// # Errors
    /// [`Rejection::UnknownScenario`].
    pub fn pin_customer(
        self,
        cause: Option<Arc<Cause>>,
        customer: &str,
        name: &str,
    ) -> Result<(), Rejection> {
        let mut inner = self.0.lock();
        self.0.find_scenario(&inner, name)?;
        inner.scenario_selection.pin_customer(customer, name);
        inner.append_note(
            cause,
            format!("{name} drives the later consents of {customer}"),
        );
        Ok(())
    }

    /// Sets the scenario of consents that no other rule selects one for; `None` restores the
    /// sandbox's default.
    ///
    /// # Errors
    /// [`Rejection::UnknownScenario`].
    pub fn set_default(
        self,
        cause: Option<Arc<Cause>>,
        name: Option<String>,
    ) -> Result<(), Rejection> {
        let mut inner = self.0.lock();
        let note = match &name {
            Some(name) => {
                self.0.find_scenario(&inner, name)?;
                format!("{name} is the default scenario")
            }
            None => "this world has no default scenario".to_owned(),
        };
        inner.scenario_selection.set_default(name);
        inner.append_note(cause, note);
        Ok(())
    }

    /// Returns the customers to whom a scenario is pinned, in order.
    pub fn list_pinned(self, scenario: &str) -> Vec<String> {
        self.0.lock().scenario_selection.list_pinned(scenario)
    }

    /// Returns the name of the default scenario: the world's, or else the sandbox's.
    pub fn default_name(self) -> Option<String> {
        let inner = self.0.lock();
        let of_world = inner.scenario_selection.default_name().map(str::to_owned);
        of_world.or_else(|| self.0.config.scenarios.current().default_name.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::domain::api_fault::ReplyFault;
    use crate::domain::command::Command;
    use crate::domain::operation::Operation;
    use crate::domain::rejection::Rejection;
    use crate::domain::scenario_plan::ScenarioPlan;
    use crate::engine::faults::{CallStage, CallSubject};
    use crate::engine::proptests::{new_world, raise_consent};
    use crate::scenario::format::parse;

    const CUSTOMER: &str = "1@aa";

    fn plan_with_fault(name: &str, fault: &str) -> Arc<ScenarioPlan> {
        let text =
            format!("version: 1\nname: {name}\napi_faults: [{{ fault: {{ {fault}: {{}} }} }}]");
        Arc::new(parse(&text).expect("a scenario"))
    }

    #[test]
    fn a_pin_that_changes_during_a_call_does_not_mix_two_scenarios() {
        let world = new_world();
        for plan in [
            plan_with_fault("first", "stale_response"),
            plan_with_fault("second", "wrong_signature"),
        ] {
            world
                .scenarios()
                .put_local(None, plan, "")
                .expect("it is new");
        }
        world
            .scenarios()
            .pin_customer(None, CUSTOMER, "first")
            .expect("it exists");
        let Command::RaiseConsent(raise) = raise_consent(1, 1) else {
            unreachable!("the command raises a consent");
        };
        let subject = CallSubject {
            op: Operation::ConsentCreate,
            stage: CallStage::Arrival,
            customer: Some(CUSTOMER),
            fiu: None,
        };
        let mut planned = Vec::new();
        let receipt = std::thread::scope(|scope| {
            world.raise_consent(None, raise, subject, |call| {
                planned = call.faults;
                let change =
                    scope.spawn(|| world.scenarios().pin_customer(None, CUSTOMER, "second"));
                // If the lock were free now, the change would come between faults and consent.
                if world.inner.try_lock().is_ok() {
                    change.join().expect("no panic").expect("it exists");
                }
                Ok::<_, Rejection>(())
            })
        });
        let handle = receipt
            .expect("it is raised")
            .release_webhooks()
            .consent()
            .handle;
        assert_eq!(planned.len(), 1);
        assert_eq!(planned[0].fault, ReplyFault::StaleResponse {}.into());
        assert_eq!(world.scenario_of(handle).as_deref(), Some("first"));
    }

    #[test]
    fn a_rejected_call_raises_no_consent_and_counts_its_fault() {
        let world = new_world();
        let plan = plan_with_fault("only", "stale_response");
        world
            .scenarios()
            .put_local(None, plan, "")
            .expect("it is new");
        world
            .scenarios()
            .set_default(None, Some("only".to_owned()))
            .expect("it exists");
        let Command::RaiseConsent(raise) = raise_consent(1, 1) else {
            unreachable!("the command raises a consent");
        };
        let subject = CallSubject {
            op: Operation::ConsentCreate,
            stage: CallStage::Arrival,
            customer: Some(CUSTOMER),
            fiu: None,
        };
        let rejection = Rejection::UnknownHandle("any".to_owned());
        let mut fault_count = 0;
        let outcome = world.raise_consent(None, raise, subject, |call| {
            fault_count = call.faults.len();
            Err(rejection.clone())
        });
        assert_eq!(outcome.map(drop), Err(rejection));
        assert_eq!(fault_count, 1);
        assert!(world.catch_up().consents(0, 1).is_empty());
    }
}
