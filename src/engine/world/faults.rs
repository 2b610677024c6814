//! What goes wrong with calls to a world, because somebody wants it to.

use std::sync::Arc;

use bytes::Bytes;

use crate::domain::api_fault::{ActiveFaults, Faults};
use crate::domain::ids::ConsentHandle;
use crate::domain::journal_entry::JournalRecord;
use crate::domain::random_stream::{StreamKey, StreamKind};
use crate::domain::time::Millis;
use crate::engine::clock::system_now;
use crate::engine::entropy::stream_rng;
use crate::engine::faults::{CallFault, CallSubject, FAULT_SETS_MAX, random_fraction};
use crate::engine::ports::ScenarioPlan;
use crate::engine::world::World;

/// Answers kept per world, so that later ones can be stale.
const RESPONSES_MAX: usize = 1_000;

/// What goes wrong with a call.
#[derive(Clone, Debug, Default)]
pub struct CallFaults {
    pub faults: Vec<CallFault>,
    /// A later answer may be this one's again.
    pub is_repeatable: bool,
}

impl World {
    /// What goes wrong with a call: by the faults that are in force by name, by the consent's scenario, or by the one that
    /// would drive it, and as somebody has set for the consent.
    pub fn plan_call_faults(
        &self,
        call: CallSubject<'_>,
        consent: Option<ConsentHandle>,
        plan: Option<&dyn ScenarioPlan>,
    ) -> CallFaults {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let system_time = system_now();
        let mut faults = if inner.faults.is_empty() {
            Vec::new()
        } else {
            inner.faults.plan_call_faults(call, self.seed, system_time)
        };
        let assigned = consent
            .and_then(|handle| inner.scenario_plans.get(&handle))
            .cloned();
        if let Some(plan) = assigned.as_deref().or(plan) {
            faults.extend(inner.faults.plan_scenario_faults(
                (plan.name(), plan.faults()),
                call,
                self.seed,
                system_time,
            ));
        }
        if let Some(latency) =
            consent.and_then(|handle| inner.state.timing_overrides(handle).latency)
        {
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
        let plan_may_repeat = || {
            assigned
                .as_deref()
                .or(plan)
                .is_some_and(|plan| plan.faults().can_repeat_responses())
        };
        CallFaults {
            is_repeatable: plan_may_repeat() || inner.faults.can_repeat_responses(),
            faults,
        }
    }

    /// Keeps an answer, so that a later one can be stale; gives the one that was kept before.
    pub fn swap_response(&self, call: &str, response: Bytes) -> Option<Bytes> {
        let mut inner = self.lock();
        if inner.last_responses.len() >= RESPONSES_MAX && !inner.last_responses.contains_key(call) {
            inner.last_responses.clear();
        }
        inner.last_responses.insert(call.to_owned(), response)
    }

    /// Puts faults in force, for `ttl` of wall time; `text` is how they were given.
    ///
    /// # Errors
    /// How many there may be.
    pub fn activate_faults(
        &self,
        name: &str,
        faults: Faults,
        ttl: Option<Millis>,
        text: &str,
    ) -> Result<(), usize> {
        let active = ActiveFaults {
            faults: Arc::new(faults),
            source_text: text.into(),
            until: ttl.map(|ttl| system_now().saturating_add(ttl)),
        };
        let mut inner = self.lock();
        if !inner.faults.insert_set(name, active) {
            return Err(FAULT_SETS_MAX);
        }
        let now = inner.clock.now(system_now());
        inner.journal.append_entry(
            now,
            JournalRecord::Note {
                text: format!("the faults {name} are in force"),
            },
        );
        Ok(())
    }

    /// Takes faults out of force; whether there were any.
    pub fn deactivate_faults(&self, name: &str) -> bool {
        let mut inner = self.lock();
        let removed = inner.faults.remove_set(name);
        if removed {
            let now = inner.clock.now(system_now());
            inner.journal.append_entry(
                now,
                JournalRecord::Note {
                    text: format!("the faults {name} are in force no longer"),
                },
            );
        }
        removed
    }

    /// The faults in force, by name.
    pub fn faults(&self) -> Vec<(String, ActiveFaults)> {
        let mut inner = self.lock();
        inner.faults.remove_expired(system_now());
        inner
            .faults
            .active_sets()
            .iter()
            .map(|(name, active)| (name.clone(), active.clone()))
            .collect()
    }
}
