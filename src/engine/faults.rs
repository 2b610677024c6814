//! What goes wrong in a world, and how often each rule has been met: the rules of a consent's scenario, and those that
//! somebody has put in force by name for the whole world.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rand::{Rng, RngExt};

use crate::domain::api_fault::{ActiveFaults, ApiFault, ApiFaultRule, Faults, Latency};
use crate::domain::notification::Notification;
use crate::domain::operation::Operation;
use crate::domain::random_stream::{StreamKey, StreamKind};
use crate::domain::time::{Millis, Timestamp};
use crate::domain::webhook_fault::AppliedFault;
use crate::engine::entropy::stream;

/// Sets of faults in force by name, per world; and rules that are counted.
pub const NAMED_MAX: usize = 1_000;
const COUNTED_MAX: usize = 100_000;

#[derive(Debug, Default)]
pub struct FaultBook {
    named: BTreeMap<String, ActiveFaults>,
    met: HashMap<String, Met>,
}

/// How often a rule was met, and when first, by the wall's clock.
#[derive(Clone, Copy, Debug)]
struct Met {
    count: u32,
    since: Timestamp,
}

/// A call, as far as faults look at it.
#[derive(Clone, Copy, Debug)]
pub struct Called<'a> {
    pub op: Operation,
    pub customer: Option<&'a str>,
    pub fiu: Option<&'a str>,
}

/// What goes wrong with one call.
#[derive(Clone, Debug, PartialEq)]
pub struct CallFault {
    pub fault: ApiFault,
    /// How long the answer takes, drawn already.
    pub delay: Millis,
}

impl CallFault {
    /// An answer that takes as long as two numbers of [0, 1) say.
    pub fn slow(latency: Latency, draw: (f64, f64)) -> Self {
        Self {
            fault: ApiFault::Latency(latency),
            delay: latency.sample(draw),
        }
    }
}

impl FaultBook {
    pub fn named(&self) -> &BTreeMap<String, ActiveFaults> {
        &self.named
    }

    /// Puts faults in force under a name; what the name stood for before is gone, and so is what was counted for it.
    pub fn put(&mut self, name: &str, faults: ActiveFaults) -> bool {
        let room = self.named.contains_key(name) || self.named.len() < NAMED_MAX;
        if room {
            self.remove(name);
            self.named.insert(name.to_owned(), faults);
        }
        room
    }

    /// Takes faults out of force; whether there were any.
    pub fn remove(&mut self, name: &str) -> bool {
        let prefix = owner(name);
        self.met.retain(|key, _| !key.starts_with(&prefix));
        self.named.remove(name).is_some()
    }

    /// Whether something may go wrong at all: asked at every call and every notice.
    pub fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    /// Whether an answer may be given again.
    pub fn may_repeat_answers(&self) -> bool {
        self.named
            .values()
            .any(|set| set.faults.can_repeat_responses())
    }

    /// Takes out of force what has had its time.
    pub fn forget_past(&mut self, wall: Timestamp) {
        if self
            .named
            .values()
            .any(|set| set.until.is_some_and(|until| until <= wall))
        {
            self.named
                .retain(|_, set| set.until.is_none_or(|until| until > wall));
        }
    }

    /// What befalls a notice: by the named faults, and by those of its consent's scenario.
    pub fn of_notice(
        &mut self,
        notice: &Notification,
        scripted: Option<&Faults>,
        wall: Timestamp,
    ) -> Vec<AppliedFault> {
        self.forget_past(wall);
        let sets: Vec<_> = self
            .named
            .iter()
            .map(|(name, set)| (owner(name), Arc::clone(&set.faults)))
            .collect();
        let mut befallen = Vec::new();
        for (owner, set) in &sets {
            self.meet_notice(owner, set, notice, wall, &mut befallen);
        }
        if let Some(set) = scripted.filter(|set| !set.webhooks.is_empty()) {
            self.meet_notice(
                &format!("{}/", notice.consent.handle),
                set,
                notice,
                wall,
                &mut befallen,
            );
        }
        befallen
    }

    fn meet_notice(
        &mut self,
        owner: &str,
        set: &Faults,
        notice: &Notification,
        wall: Timestamp,
        found: &mut Vec<AppliedFault>,
    ) {
        for (number, rule) in set
            .webhooks
            .iter()
            .enumerate()
            .filter(|(_, rule)| rule.selector.matches_notification(notice))
        {
            let met = self.meet(format!("{owner}webhook/{number}"), wall);
            if rule.selector.occurrences.contains(met.count) {
                found.push(AppliedFault {
                    fault: rule.fault.clone(),
                    attempts: rule.selector.attempts,
                });
            }
        }
    }

    /// What befalls a call, by the named faults.
    pub fn of_call(&mut self, called: Called<'_>, seed: u64, wall: Timestamp) -> Vec<CallFault> {
        self.forget_past(wall);
        let sets: Vec<_> = self
            .named
            .iter()
            .map(|(name, set)| (owner(name), Arc::clone(&set.faults)))
            .collect();
        sets.iter()
            .flat_map(|(owner, set)| self.meet_call(owner, set, called, seed, wall))
            .collect()
    }

    /// What befalls a call about a consent of this scenario.
    pub fn of_scripted_call(
        &mut self,
        (scenario, set): (&str, &Faults),
        called: Called<'_>,
        seed: u64,
        wall: Timestamp,
    ) -> Vec<CallFault> {
        if set.api.is_empty() {
            return Vec::new();
        }
        let owner = format!(
            "scenario {scenario}/{}/",
            called.customer.unwrap_or_default()
        );
        self.meet_call(&owner, set, called, seed, wall)
    }

    fn meet_call(
        &mut self,
        owner: &str,
        set: &Faults,
        called: Called<'_>,
        seed: u64,
        wall: Timestamp,
    ) -> Vec<CallFault> {
        let mut found = Vec::new();
        for (number, rule) in set
            .api
            .iter()
            .enumerate()
            .filter(|(_, rule)| is_met(rule, called))
        {
            let key = format!("{owner}api/{number}");
            let met = self.meet(key.clone(), wall);
            let place = &rule.selector;
            let in_time = place
                .duration
                .is_none_or(|lasting| wall.duration_since(met.since) < lasting);
            if !place.calls.contains(met.count) || !in_time {
                continue;
            }
            let mut rng = stream(StreamKey {
                seed,
                owner: &key,
                kind: StreamKind::Fault,
                ordinal: u64::from(met.count),
            });
            if rng.random_range(0..1000) < u32::from(place.per_mille) {
                let pair = (fraction(&mut rng), fraction(&mut rng));
                let delay = match rule.fault {
                    ApiFault::Latency(latency) => latency.sample(pair),
                    _ => Millis::ZERO,
                };
                found.push(CallFault {
                    fault: rule.fault.clone(),
                    delay,
                });
            }
        }
        found
    }

    /// Counts that a rule was met.
    fn meet(&mut self, key: String, wall: Timestamp) -> Met {
        // Past the bound a rule that was never met counts from its first again: faults are for tests, memory is for all.
        if self.met.len() >= COUNTED_MAX && !self.met.contains_key(&key) {
            self.met.clear();
        }
        let met = self.met.entry(key).or_insert(Met {
            count: 0,
            since: wall,
        });
        met.count += 1;
        *met
    }
}

fn owner(name: &str) -> String {
    format!("named {name}/")
}

fn is_met(rule: &ApiFaultRule, called: Called<'_>) -> bool {
    let place = &rule.selector;
    let of = |glob: &Option<crate::domain::glob::Glob>, text: Option<&str>| {
        glob.as_ref()
            .is_none_or(|glob| text.is_some_and(|text| glob.matches(text)))
    };
    place.op.is_none_or(|op| op == called.op)
        && of(&place.customer, called.customer)
        && of(&place.fiu, called.fiu)
}

/// A number of [0, 1), from 53 random bits: the same on every platform.
pub fn fraction(rng: &mut impl Rng) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what a double has")]
    let bits = (rng.next_u64() >> 11) as f64;
    bits / 9_007_199_254_740_992.0
}
