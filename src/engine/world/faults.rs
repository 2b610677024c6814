//! What goes wrong with calls to a world, because somebody wants it to.

use std::sync::Arc;

use bytes::Bytes;

use crate::domain::api_fault::{ActiveFaults, Faults};
use crate::domain::ids::ConsentHandle;
use crate::domain::journal_entry::JournalRecord;
use crate::domain::random_stream::{StreamKey, StreamKind};
use crate::domain::time::Millis;
use crate::engine::clock::wall;
use crate::engine::entropy::stream;
use crate::engine::faults::{CallFault, Called, NAMED_MAX, fraction};
use crate::engine::ports::Script;
use crate::engine::world::World;

/// Answers kept per world, so that later ones can be stale.
const ANSWERS_MAX: usize = 1_000;

/// What goes wrong with a call.
#[derive(Clone, Debug, Default)]
pub struct CallFaults {
    pub found: Vec<CallFault>,
    /// A later answer may be this one's again.
    pub may_be_repeated: bool,
}

impl World {
    /// What goes wrong with a call: by the faults that are in force by name, by the consent's scenario, or by the one that
    /// would drive it, and as somebody has set for the consent.
    pub fn faults_of_call(
        &self,
        called: Called<'_>,
        consent: Option<ConsentHandle>,
        script: Option<&dyn Script>,
    ) -> CallFaults {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let wall = wall();
        let mut found = if inner.faults.is_empty() {
            Vec::new()
        } else {
            inner.faults.of_call(called, self.seed, wall)
        };
        let own = consent
            .and_then(|handle| inner.scripts.get(&handle))
            .cloned();
        if let Some(script) = own.as_deref().or(script) {
            found.extend(inner.faults.of_scripted_call(
                (script.name(), script.faults()),
                called,
                self.seed,
                wall,
            ));
        }
        if let Some(latency) = consent.and_then(|handle| inner.state.pace(handle).latency) {
            inner.fresh += 1;
            let key = StreamKey {
                seed: self.seed,
                owner: &self.name,
                kind: StreamKind::Fault,
                ordinal: inner.fresh,
            };
            let mut rng = stream(key);
            found.push(CallFault::slow(
                latency,
                (fraction(&mut rng), fraction(&mut rng)),
            ));
        }
        let scripted = || {
            own.as_deref()
                .or(script)
                .is_some_and(|script| script.faults().can_repeat_responses())
        };
        CallFaults {
            may_be_repeated: scripted() || inner.faults.may_repeat_answers(),
            found,
        }
    }

    /// Keeps an answer, so that a later one can be stale; gives the one that was kept before.
    pub fn swap_answer(&self, call: &str, answer: Bytes) -> Option<Bytes> {
        let mut inner = self.lock();
        if inner.answers.len() >= ANSWERS_MAX && !inner.answers.contains_key(call) {
            inner.answers.clear();
        }
        inner.answers.insert(call.to_owned(), answer)
    }

    /// Puts faults in force, for `ttl` of wall time; `text` is how they were given.
    ///
    /// # Errors
    /// How many there may be.
    pub fn put_faults(
        &self,
        name: &str,
        faults: Faults,
        ttl: Option<Millis>,
        text: &str,
    ) -> Result<(), usize> {
        let set = ActiveFaults {
            faults: Arc::new(faults),
            source_text: text.into(),
            until: ttl.map(|ttl| wall().saturating_add(ttl)),
        };
        let mut inner = self.lock();
        if !inner.faults.put(name, set) {
            return Err(NAMED_MAX);
        }
        let now = inner.clock.now(wall());
        inner.journal.write(
            now,
            JournalRecord::Note {
                text: format!("the faults {name} are in force"),
            },
        );
        Ok(())
    }

    /// Takes faults out of force; whether there were any.
    pub fn remove_faults(&self, name: &str) -> bool {
        let mut inner = self.lock();
        let removed = inner.faults.remove(name);
        if removed {
            let now = inner.clock.now(wall());
            inner.journal.write(
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
        inner.faults.forget_past(wall());
        inner
            .faults
            .named()
            .iter()
            .map(|(name, set)| (name.clone(), set.clone()))
            .collect()
    }
}
