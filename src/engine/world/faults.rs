//! Faults of calls to a world: planning them, and managing the active fault sets.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;

use crate::domain::api_fault::{ActiveFaults, Faults, NamedFaults};
use crate::domain::cause::Cause;
use crate::domain::ids::ConsentHandle;
use crate::domain::random_stream::{StreamKey, StreamKind};
use crate::domain::scenario_plan::ScenarioPlan;
use crate::domain::time::Millis;
use crate::domain::webhook_fault::FaultRuleId;
use crate::engine::entropy::stream_rng;
use crate::engine::faults::{CallFault, CallStage, CallSubject, FAULT_SETS_MAX, random_fraction};
use crate::engine::world::{Inner, World};

/// Maximum number of responses stored per world, for faults that repeat an earlier response.
const RESPONSES_MAX: usize = 1_000;

/// The faults planned for one call.
#[derive(Clone, Debug, Default)]
pub struct CallFaults {
    pub faults: Vec<CallFault>,
    /// A fault may answer a later call with the response to this one.
    pub is_repeatable: bool,
}

/// The faults of a world: its active fault sets, and the faults of calls.
#[derive(Clone, Copy, Debug)]
pub struct WorldFaults<'a>(&'a World);

impl World {
    pub fn faults(&self) -> WorldFaults<'_> {
        WorldFaults(self)
    }

    /// Plans the faults of a call: those of the active fault sets, those of the scenario assigned
    /// to the consent (or else of `plan`), and the latency set for the consent.
    pub(super) fn plan_faults(
        &self,
        inner: &mut Inner,
        call: CallSubject<'_>,
        consent: Option<ConsentHandle>,
        plan: Option<&ScenarioPlan>,
    ) -> CallFaults {
        let system_time = inner.system_time;
        let mut faults = if inner.faults.is_empty() {
            Vec::new()
        } else {
            inner.faults.plan_call_faults(call, self.seed, system_time)
        };
        let assigned = consent.and_then(|handle| inner.plan_of(handle)).cloned();
        if let Some(plan) = assigned.as_deref().or(plan) {
            faults.extend(inner.faults.plan_scenario_faults(
                (&plan.name, &plan.faults),
                call,
                self.seed,
                system_time,
            ));
        }
        let latency = consent
            .filter(|_| call.stage == CallStage::Arrival)
            .and_then(|handle| inner.state.timing_overrides(handle).latency);
        if let Some(latency) = latency {
            inner.id_counter += 1;
            let key = StreamKey {
                seed: self.seed,
                owner: &self.name,
                kind: StreamKind::Fault,
                ordinal: inner.id_counter,
            };
            let mut rng = stream_rng(key);
            faults.push(CallFault::from_latency(
                latency,
                (random_fraction(&mut rng), random_fraction(&mut rng)),
            ));
        }
        let plan_can_repeat = assigned
            .as_deref()
            .or(plan)
            .is_some_and(|plan| plan.faults.can_repeat_responses());
        CallFaults {
            is_repeatable: plan_can_repeat || inner.faults.can_repeat_responses(),
            faults,
        }
    }
}

impl WorldFaults<'_> {
    /// Plans the faults of a call about this consent, or of one without a consent. Counts the hits
    /// and draws random numbers.
    pub fn plan_call_faults(
        self,
        call: CallSubject<'_>,
        consent: Option<ConsentHandle>,
    ) -> CallFaults {
        self.0.plan_faults(&mut self.0.lock(), call, consent, None)
    }

    /// Stores a response for later stale answers and returns the one stored before.
    pub fn swap_response(self, call: &str, response: Bytes) -> Option<Bytes> {
        let mut inner = self.0.lock();
        if inner.last_responses.len() >= RESPONSES_MAX && !inner.last_responses.contains_key(call) {
            inner.last_responses.clear();
        }
        inner.last_responses.insert(call.to_owned(), response)
    }

    /// Records the rules of scenarios whose faults have changed a response.
    pub fn mark_applied(self, rules: &[FaultRuleId]) {
        if rules.is_empty() {
            return;
        }
        let mut inner = self.0.lock();
        for rule in rules {
            inner.faults.mark_applied(rule);
        }
    }

    /// Returns the indexes of the fault rules of a scenario that have had an effect: webhook faults
    /// first, then API faults.
    pub fn list_applied(self, scenario: &str) -> BTreeSet<usize> {
        self.0.lock().faults.list_applied(scenario)
    }

    /// Returns whether a rule of a scenario for calls has selected one; `number` is that among the
    /// rules for calls.
    pub fn has_selected_call(self, scenario: &str, number: usize) -> bool {
        self.0.lock().faults.has_selected_call(scenario, number)
    }

    /// Activates a fault set for `ttl` of system time; `text` is its source.
    ///
    /// # Errors
    /// The maximum number of fault sets.
    pub fn activate_set(
        self,
        cause: Option<Arc<Cause>>,
        name: &str,
        faults: Faults,
        ttl: Option<Millis>,
        text: &str,
    ) -> Result<(), usize> {
        let mut inner = self.0.lock();
        let active = ActiveFaults {
            faults: Arc::new(faults),
            source_text: text.into(),
            until: ttl.map(|ttl| inner.system_time.saturating_add(ttl)),
        };
        if !inner.faults.insert_set(name, active) {
            return Err(FAULT_SETS_MAX);
        }
        inner.append_note(cause, format!("fault set {name} was activated"));
        Ok(())
    }

    /// Deactivates a fault set; returns `true` if there was one.
    pub fn deactivate_set(self, cause: Option<Arc<Cause>>, name: &str) -> bool {
        let mut inner = self.0.lock();
        let removed = inner.faults.remove_set(name);
        if removed {
            inner.append_note(cause, format!("fault set {name} was deactivated"));
        }
        removed
    }

    /// Returns the active fault sets, by name.
    pub fn list_sets(self) -> Vec<NamedFaults> {
        let mut inner = self.0.lock();
        let system_time = inner.system_time;
        let faults = &mut inner.faults;
        faults.remove_expired(system_time);
        let sets = faults.active_sets().iter();
        let sets = sets.map(|(name, active)| NamedFaults {
            name: name.clone(),
            active: active.clone(),
            hits: faults.list_hits(name),
        });
        sets.collect()
    }
}
