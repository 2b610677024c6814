//! The faults of a world, and the hit count of each rule. Rules come from the scenario of a consent
//! and from fault sets that are active under a name for the whole world.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use rand::{Rng, RngExt};

use crate::domain::api_fault::{
    ActiveFaults, ApiFault, ApiFaultRule, Faults, Latency, ReplyFault, RuleHits,
};
use crate::domain::glob::Glob;
use crate::domain::ids::ConsentHandle;
use crate::domain::notification::Notification;
use crate::domain::operation::Operation;
use crate::domain::random_stream::{StreamKey, StreamKind};
use crate::domain::time::{Millis, Timestamp};
use crate::domain::webhook_fault::{AppliedFault, FaultRuleId};
use crate::engine::entropy::stream_rng;

/// Maximum number of fault sets per world.
pub(crate) const FAULT_SETS_MAX: usize = 1_000;
/// Maximum number of rules per world whose hits are counted.
const HIT_COUNTS_MAX: usize = 100_000;

#[derive(Debug, Default)]
pub(crate) struct FaultRegistry {
    active_sets: BTreeMap<String, ActiveFaults>,
    hit_counts: HashMap<String, HitCount>,
    /// The rules of scenarios whose fault has had an effect.
    applied_rules: HashSet<FaultRuleId>,
}

/// The number of hits of a rule: of the calls or notifications that it selects by what they are.
#[derive(Clone, Copy, Debug)]
struct HitCount {
    count: u32,
    /// System time of the first hit.
    first_hit_at: Timestamp,
    /// The number of hits for which the fault was planned.
    planned_count: u32,
    /// System time of the last of those.
    last_planned_at: Option<Timestamp>,
}

/// The point of a call at which faults are planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallStage {
    /// The call has arrived.
    Arrival,
    /// The call sends a browser back to the FIU. Faults of the redirection count these calls only.
    Return,
    /// A customer asks banks for accounts. Faults of the discovery count these calls only.
    Discovery,
    /// A customer asks banks to link accounts. Faults of the linking count these calls only.
    Linking,
}

/// The attributes of a call that select faults.
#[derive(Clone, Copy, Debug)]
pub struct CallSubject<'a> {
    pub op: Operation,
    pub stage: CallStage,
    pub customer: Option<&'a str>,
    pub fiu: Option<&'a str>,
}

/// A fault of one call.
#[derive(Clone, Debug, PartialEq)]
pub struct CallFault {
    pub fault: ApiFault,
    /// The delay of the response, already sampled.
    pub delay: Millis,
    /// `None` for a fault that does not come from a scenario.
    pub rule: Option<FaultRuleId>,
}

impl CallFault {
    /// Returns a latency fault whose delay is sampled with two random numbers in [0, 1).
    pub fn from_latency(latency: Latency, samples: (f64, f64)) -> Self {
        Self {
            fault: ReplyFault::Latency(latency).into(),
            delay: latency.sample(samples),
            rule: None,
        }
    }
}

impl FaultRegistry {
    pub(crate) fn active_sets(&self) -> &BTreeMap<String, ActiveFaults> {
        &self.active_sets
    }

    /// Returns the active sets without the counts of their hits.
    pub(crate) fn without_counts(&self) -> Self {
        Self {
            active_sets: self.active_sets.clone(),
            ..Self::default()
        }
    }

    pub(crate) fn set_count(&self) -> usize {
        self.active_sets.len()
    }

    /// Activates a fault set under a name and replaces the earlier set of that name with its
    /// hit counts. Returns `false` if there are [`FAULT_SETS_MAX`] other sets.
    pub(crate) fn insert_set(&mut self, name: &str, faults: ActiveFaults) -> bool {
        let has_room =
            self.active_sets.contains_key(name) || self.active_sets.len() < FAULT_SETS_MAX;
        if has_room {
            self.remove_set(name);
            self.active_sets.insert(name.to_owned(), faults);
        }
        has_room
    }

    /// Deactivates a fault set; returns `true` if there was one.
    pub(crate) fn remove_set(&mut self, name: &str) -> bool {
        let prefix = named_key_prefix(name);
        self.hit_counts.retain(|key, _| !key.starts_with(&prefix));
        self.active_sets.remove(name).is_some()
    }

    /// Returns whether no named fault set is active.
    pub(crate) fn is_empty(&self) -> bool {
        self.active_sets.is_empty()
    }

    /// Returns whether an active fault can repeat an earlier response.
    pub(crate) fn can_repeat_responses(&self) -> bool {
        self.active_sets
            .values()
            .any(|set| set.faults.can_repeat_responses())
    }

    /// Removes the fault sets whose time to live has passed.
    pub(crate) fn remove_expired(&mut self, system_time: Timestamp) {
        if self
            .active_sets
            .values()
            .any(|set| set.until.is_some_and(|until| until <= system_time))
        {
            self.active_sets
                .retain(|_, set| set.until.is_none_or(|until| until > system_time));
        }
    }

    /// Plans the faults of a notification: those of the named sets, and those of its consent's
    /// scenario. Counts the hits.
    pub(crate) fn plan_webhook_faults(
        &mut self,
        notification: &Notification,
        plan_faults: Option<(&str, &Faults)>,
        system_time: Timestamp,
    ) -> Vec<AppliedFault> {
        self.remove_expired(system_time);
        let sets: Vec<_> = self
            .active_sets
            .iter()
            .map(|(name, set)| (named_key_prefix(name), Arc::clone(&set.faults)))
            .collect();
        let mut applied_faults = Vec::new();
        for (key_prefix, set) in &sets {
            self.match_webhook_rules(
                (key_prefix, None),
                set,
                notification,
                system_time,
                &mut applied_faults,
            );
        }
        if let Some((scenario, set)) = plan_faults.filter(|(_, set)| !set.webhooks.is_empty()) {
            self.match_webhook_rules(
                (
                    &consent_key_prefix(notification.consent.handle),
                    Some(scenario),
                ),
                set,
                notification,
                system_time,
                &mut applied_faults,
            );
        }
        applied_faults
    }

    fn match_webhook_rules(
        &mut self,
        (key_prefix, scenario): (&str, Option<&str>),
        set: &Faults,
        notification: &Notification,
        system_time: Timestamp,
        applied_faults: &mut Vec<AppliedFault>,
    ) {
        for (number, rule) in set
            .webhooks
            .iter()
            .enumerate()
            .filter(|(_, rule)| rule.selector.matches_notification(notification))
        {
            let key = format!("{key_prefix}webhook/{number}");
            let hits = self.count_hit(key.clone(), system_time);
            if rule.selector.occurrences.contains(hits.count) {
                self.count_plan(&key, system_time);
                applied_faults.push(AppliedFault {
                    fault: rule.fault.clone(),
                    attempts: rule.selector.attempts,
                    rule: scenario.map(|scenario| FaultRuleId {
                        scenario: scenario.into(),
                        index: number,
                    }),
                });
            }
        }
    }

    /// Plans the faults of a call by the named sets. Counts the hits.
    pub(crate) fn plan_call_faults(
        &mut self,
        call: CallSubject<'_>,
        seed: u64,
        system_time: Timestamp,
    ) -> Vec<CallFault> {
        self.remove_expired(system_time);
        let sets: Vec<_> = self
            .active_sets
            .iter()
            .map(|(name, set)| (named_key_prefix(name), Arc::clone(&set.faults)))
            .collect();
        sets.iter()
            .flat_map(|(key_prefix, set)| {
                self.match_call_rules((key_prefix, None), set, call, seed, system_time)
            })
            .collect()
    }

    /// Plans the faults of a call about a consent of this scenario. Counts the hits.
    pub(crate) fn plan_scenario_faults(
        &mut self,
        (scenario, set): (&str, &Faults),
        call: CallSubject<'_>,
        seed: u64,
        system_time: Timestamp,
    ) -> Vec<CallFault> {
        if set.api.is_empty() {
            return Vec::new();
        }
        let scenario_prefix = scenario_key_prefix(scenario);
        let key_prefix = format!("{scenario_prefix}{}/", call.customer.unwrap_or_default());
        let source = (key_prefix.as_str(), Some(scenario));
        self.match_call_rules(source, set, call, seed, system_time)
    }

    fn match_call_rules(
        &mut self,
        (key_prefix, scenario): (&str, Option<&str>),
        set: &Faults,
        call: CallSubject<'_>,
        seed: u64,
        system_time: Timestamp,
    ) -> Vec<CallFault> {
        let mut faults = Vec::new();
        for (number, rule) in set
            .api
            .iter()
            .enumerate()
            .filter(|(_, rule)| matches_call(rule, call))
        {
            let key = format!("{key_prefix}api/{number}");
            let hits = self.count_hit(key.clone(), system_time);
            let selector = &rule.selector;
            let is_in_time = selector
                .duration
                .is_none_or(|duration| system_time.duration_since(hits.first_hit_at) < duration);
            if !selector.calls.contains(hits.count) || !is_in_time {
                continue;
            }
            let mut rng = stream_rng(StreamKey {
                seed,
                owner: &key,
                kind: StreamKind::Fault,
                ordinal: u64::from(hits.count),
            });
            if rng.random_range(0..1000) < u32::from(selector.per_mille) {
                self.count_plan(&key, system_time);
                let samples = (random_fraction(&mut rng), random_fraction(&mut rng));
                let delay = match rule.fault {
                    ApiFault::Reply(ReplyFault::Latency(latency)) => latency.sample(samples),
                    _ => Millis::ZERO,
                };
                faults.push(CallFault {
                    fault: rule.fault.clone(),
                    delay,
                    rule: scenario.map(|scenario| FaultRuleId {
                        scenario: scenario.into(),
                        index: set.webhooks.len() + number,
                    }),
                });
            }
        }
        faults
    }

    /// Records that the fault of a rule has had an effect.
    pub(crate) fn mark_applied(&mut self, rule: &FaultRuleId) {
        if self.applied_rules.len() < HIT_COUNTS_MAX {
            self.applied_rules.insert(rule.clone());
        }
    }

    /// Returns the indexes of the rules of a scenario whose fault has had an effect.
    pub(crate) fn list_applied(&self, scenario: &str) -> BTreeSet<usize> {
        self.applied_rules
            .iter()
            .filter(|rule| &*rule.scenario == scenario)
            .map(|rule| rule.index)
            .collect()
    }

    /// Returns whether a rule of a scenario for calls has selected one by what it is, whatever the
    /// rule says about the number and the time of calls. `number` is that among the rules for calls.
    pub(crate) fn has_selected_call(&self, scenario: &str, number: usize) -> bool {
        let (prefix, suffix) = (scenario_key_prefix(scenario), format!("/api/{number}"));
        self.hit_counts
            .keys()
            .any(|key| key.starts_with(&prefix) && key.ends_with(&suffix))
    }

    /// Forgets the webhooks of a consent that rules of its scenario have counted: another scenario
    /// begins to count.
    pub(crate) fn forget_webhooks_of(&mut self, consent: ConsentHandle) {
        let prefix = consent_key_prefix(consent);
        self.hit_counts.retain(|key, _| !key.starts_with(&prefix));
    }

    /// Counts a hit of a rule.
    fn count_hit(&mut self, key: String, system_time: Timestamp) -> HitCount {
        // When the limit is reached all counts start again: bounded memory matters more than exact
        // counts.
        if self.hit_counts.len() >= HIT_COUNTS_MAX && !self.hit_counts.contains_key(&key) {
            self.hit_counts.clear();
        }
        let hits = self.hit_counts.entry(key).or_insert(HitCount {
            count: 0,
            first_hit_at: system_time,
            planned_count: 0,
            last_planned_at: None,
        });
        hits.count += 1;
        *hits
    }

    fn count_plan(&mut self, key: &str, system_time: Timestamp) {
        if let Some(hits) = self.hit_counts.get_mut(key) {
            hits.planned_count += 1;
            hits.last_planned_at = Some(system_time);
        }
    }

    /// Returns the hits of the rules of a named set: those of webhooks, then those of calls.
    pub(crate) fn list_hits(&self, name: &str) -> Vec<RuleHits> {
        let Some(set) = self.active_sets.get(name) else {
            return Vec::new();
        };
        let prefix = named_key_prefix(name);
        let webhooks = set.faults.webhooks.iter().enumerate();
        let webhooks = webhooks.map(|(number, rule)| {
            let fault = rule.fault.name().as_str();
            (fault, format!("{prefix}webhook/{number}"))
        });
        let calls = set.faults.api.iter().enumerate();
        let calls = calls.map(|(number, rule)| {
            let fault = rule.fault.name().as_str();
            (fault, format!("{prefix}api/{number}"))
        });
        let rules = webhooks.chain(calls);
        rules
            .map(|(fault, key)| {
                let hits = self.hit_counts.get(&key);
                RuleHits {
                    fault,
                    matched: hits.map_or(0, |hits| hits.count),
                    planned: hits.map_or(0, |hits| hits.planned_count),
                    last_planned_at: hits.and_then(|hits| hits.last_planned_at),
                }
            })
            .collect()
    }
}

fn consent_key_prefix(consent: ConsentHandle) -> String {
    format!("{consent}/")
}

fn scenario_key_prefix(scenario: &str) -> String {
    format!("scenario {scenario}/")
}

fn named_key_prefix(name: &str) -> String {
    format!("named {name}/")
}

fn matches_call(rule: &ApiFaultRule, call: CallSubject<'_>) -> bool {
    let selector = &rule.selector;
    let stage = match rule.fault {
        ApiFault::Redirect(_) => CallStage::Return,
        ApiFault::Discovery(_) => CallStage::Discovery,
        ApiFault::Linking(_) => CallStage::Linking,
        _ => CallStage::Arrival,
    };
    stage == call.stage
        && selector.op.is_none_or(|op| op == call.op)
        && matches_glob(selector.customer.as_ref(), call.customer)
        && matches_glob(selector.fiu.as_ref(), call.fiu)
}

fn matches_glob(glob: Option<&Glob>, text: Option<&str>) -> bool {
    glob.is_none_or(|glob| text.is_some_and(|text| glob.matches(text)))
}

/// Returns a number in [0, 1) from 53 random bits; it is the same on every platform.
pub(crate) fn random_fraction(rng: &mut impl Rng) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a double holds 53 bits exactly")]
    let bits = (rng.next_u64() >> 11) as f64;
    bits / 9_007_199_254_740_992.0
}
