//! Evaluation of expectations against the journal and the state. Where evicted journal entries
//! could change the result, the verdict is `Evicted`, never `Met`.

use std::sync::Arc;

use crate::domain::consent::Consent;
use crate::domain::event::EventName;
use crate::domain::expectation::{
    ConsentTrace, Expectation, ExpectationStatus, ExpectationTarget, NearMiss, SubjectFilter,
    Verdict,
};
use crate::domain::ids::ConsentHandle;
use crate::domain::journal_entry::{EntryKind, JournalEntry, JournalRecord};
use crate::domain::operation::Operation;
use crate::engine::journal::Journal;
use crate::engine::state::State;

/// Maximum number of matches, of near misses and of consents that a verdict lists.
const ENTRIES_LISTED_MAX: usize = 5;

/// Evaluates an expectation against the current state and the journal entries numbered above
/// `journal_after`.
pub(crate) fn evaluate_expectation(
    journal: &Journal,
    journal_after: u64,
    state: &State,
    expectation: &Expectation,
) -> Verdict {
    let Expectation {
        target,
        count: expected_count,
        after,
        ..
    } = expectation;
    if let ExpectationTarget::State { .. } = target {
        return evaluate_state(state, expectation);
    }
    let mut scan = JournalScan::default();
    for entry in journal.iter_after(journal_after) {
        scan.examine_entry(entry, state, (target, *after));
    }
    let evicted_count = if journal.count_lost_after(journal_after) == 0 {
        0
    } else {
        journal.count_evicted(|kind| {
            target.matches_kind(kind) || after.is_some_and(|after| kind == EntryKind::Event(after))
        })
    };
    let match_count = scan.match_count;
    let is_certain = expected_count.contains(match_count)
        && (evicted_count == 0 || expected_count.contains(match_count + evicted_count));
    let outcome = if after.is_some() && scan.trigger_handles.is_empty() && evicted_count == 0 {
        ExpectationStatus::Untested
    } else if is_certain {
        ExpectationStatus::Met
    } else if evicted_count > 0
        && (match_count..=match_count + evicted_count)
            .any(|possible| expected_count.contains(possible))
    {
        ExpectationStatus::Evicted
    } else {
        ExpectationStatus::Unmet
    };
    let lacks_matches = outcome != ExpectationStatus::Met && match_count < expected_count.at_least;
    Verdict {
        status: outcome,
        count: match_count,
        evicted: evicted_count,
        near_misses: if lacks_matches {
            list_near_misses(scan.near_misses, (journal, journal_after), target)
        } else {
            Vec::new()
        },
        matches: scan.matches.into_iter().cloned().collect(),
        consents: Vec::new(),
    }
}

/// Evaluates an expectation of consents in a status.
fn evaluate_state(state: &State, expectation: &Expectation) -> Verdict {
    let ExpectationTarget::State { status, subject } = &expectation.target else {
        unreachable!("the caller has checked the target");
    };
    let candidates = || {
        state
            .consents(0)
            .filter(|consent| consent_matches(subject, consent))
    };
    let match_count = candidates()
        .filter(|consent| consent.status == *status)
        .count() as u64;
    let is_met = expectation.count.contains(match_count);
    let trace = |consent: &Arc<Consent>| ConsentTrace {
        handle: consent.handle,
        customer: Arc::clone(&consent.terms.customer),
        history: consent.history.clone(),
    };
    Verdict {
        status: if is_met {
            ExpectationStatus::Met
        } else {
            ExpectationStatus::Unmet
        },
        count: match_count,
        evicted: 0,
        matches: Vec::new(),
        near_misses: Vec::new(),
        consents: if is_met {
            Vec::new()
        } else {
            candidates().take(ENTRIES_LISTED_MAX).map(trace).collect()
        },
    }
}

/// A pass over the journal for one expectation.
#[derive(Default)]
struct JournalScan<'a> {
    /// The consents of the events of `after_event`. Entries that follow an event of another consent
    /// do not count; an entry about no consent counts after any such event.
    trigger_handles: Vec<Option<ConsentHandle>>,
    match_count: u64,
    matches: Vec<&'a JournalEntry>,
    near_misses: Vec<(&'a JournalEntry, Vec<String>)>,
}

impl<'a> JournalScan<'a> {
    fn examine_entry(
        &mut self,
        entry: &'a JournalEntry,
        state: &State,
        (target, after): (&ExpectationTarget, Option<EventName>),
    ) {
        if let (JournalRecord::Event(event), Some(after)) = (&entry.record, after)
            && event.name() == after
            && matches_subject(target.subject(), entry, state)
        {
            self.trigger_handles.push(event.consent_handle());
            return;
        }
        let Some(mut differences) = find_differences(target, entry, state) else {
            return;
        };
        let handle = entry.handle;
        let is_early = after.is_some()
            && !self
                .trigger_handles
                .iter()
                .any(|trigger| handle.is_none() || *trigger == handle);
        if let (true, Some(after)) = (is_early, after) {
            differences.push(format!("came before {after}"));
        }
        if differences.is_empty() {
            self.match_count += 1;
            if self.matches.len() < ENTRIES_LISTED_MAX {
                self.matches.push(entry);
            }
        } else {
            self.near_misses.push((entry, differences));
        }
    }
}

/// Returns the nearest entries: fewest differences first, among equals the newest first, then the
/// newest calls, events or webhooks of another kind.
fn list_near_misses<'a>(
    mut candidates: Vec<(&'a JournalEntry, Vec<String>)>,
    (journal, journal_after): (&'a Journal, u64),
    target: &ExpectationTarget,
) -> Vec<NearMiss> {
    candidates.reverse();
    candidates.sort_by_key(|(_, differences)| differences.len());
    candidates.truncate(ENTRIES_LISTED_MAX);
    let free = ENTRIES_LISTED_MAX - candidates.len();
    let others = journal.iter_after(journal_after).rev().filter_map(|entry| {
        let difference = describe_other_kind(target, entry)?;
        Some((entry, vec![difference]))
    });
    candidates.extend(others.take(free));
    candidates
        .into_iter()
        .map(|(entry, differences)| NearMiss {
            entry: entry.clone(),
            difference: differences.join(", "),
        })
        .collect()
}

/// Returns the difference of an entry that is a call or an event, as the target is, but of another
/// name; `None` for other entries.
fn describe_other_kind(target: &ExpectationTarget, entry: &JournalEntry) -> Option<String> {
    match (target, &entry.record) {
        (ExpectationTarget::Call { op, .. }, JournalRecord::Call(call))
            if call.operation != *op && call.operation != Operation::Unknown =>
        {
            Some(format!("is {}, not {op}", call.operation))
        }
        (ExpectationTarget::Event { name, .. }, JournalRecord::Event(event))
            if event.name() != *name =>
        {
            Some(format!("is {}, not {name}", event.name()))
        }
        _ => None,
    }
}

impl ExpectationTarget {
    /// Returns whether entries of this kind can count.
    fn matches_kind(&self, kind: EntryKind) -> bool {
        match (self, kind) {
            (Self::Call { op, .. }, EntryKind::Call(op_called)) => *op == op_called,
            (Self::Event { name, .. }, EntryKind::Event(event)) => *name == event,
            (Self::Webhook { event, .. }, EntryKind::Webhook(kind)) => {
                event.is_none_or(|event| event == kind)
            }
            _ => false,
        }
    }
}

/// Returns the differences that keep an entry from counting. The list is empty if the entry counts;
/// `None` if it is of another kind.
fn find_differences(
    target: &ExpectationTarget,
    entry: &JournalEntry,
    state: &State,
) -> Option<Vec<String>> {
    let mut differences = Vec::new();
    match (target, &entry.record) {
        (
            ExpectationTarget::Call {
                op,
                response_status,
                request,
                response,
                ..
            },
            JournalRecord::Call(call),
        ) if call.operation == *op => {
            differences
                .extend(request.find_differences(&call.request_body, &call.headers.to_list()));
            let in_response = response.find_differences(&call.response_body, &[]);
            differences.extend(in_response.iter().map(|text| format!("answer: {text}")));
            if let Some(expected) = response_status.filter(|class| !class.contains(call.status)) {
                differences.push(format!("answered with {}, not {expected}", call.status));
            }
        }
        // The caller may have meant this operation and used a wrong path.
        (ExpectationTarget::Call { subject, .. }, JournalRecord::Call(call))
            if call.operation == Operation::Unknown && *subject == SubjectFilter::default() =>
        {
            return Some(vec![format!(
                "{} {} matches no path of this sandbox",
                call.method, call.path
            )]);
        }
        (ExpectationTarget::Event { name, .. }, JournalRecord::Event(event))
            if event.name() == *name => {}
        (
            ExpectationTarget::Webhook {
                event,
                status,
                response_status,
                fault,
                message,
                response,
                ..
            },
            JournalRecord::Webhook(webhook),
        ) => {
            if let Some(event) = event.filter(|event| *event != webhook.event) {
                differences.push(format!("is {}, not {event}", webhook.event));
            }
            if let Some(status) = status
                .as_deref()
                .filter(|status| webhook.status != Some(*status))
            {
                differences.push(format!(
                    "status is {}, not {status}",
                    webhook.status.unwrap_or("none")
                ));
            }
            if let Some(expected) = response_status.filter(|class| {
                !webhook
                    .response_status
                    .is_some_and(|actual| class.contains(actual))
            }) {
                let actual = webhook.response_status.map_or_else(
                    || webhook.outcome.clone(),
                    |actual| format!("answered with {actual}"),
                );
                differences.push(format!("{actual}, not {expected}"));
            }
            differences.extend(message.find_differences(&webhook.body, &webhook.headers));
            let in_response = response.find_differences(&webhook.response_body, &[]);
            differences.extend(in_response.iter().map(|text| format!("answer: {text}")));
            if let Some(fault) = fault.filter(|fault| !webhook.faults.contains(fault)) {
                differences.push(format!("has no fault {fault}"));
            }
        }
        _ => return None,
    }
    if !matches_subject(target.subject(), entry, state) {
        differences.push("is about another customer, consent or FIU".to_owned());
    }
    Some(differences)
}

/// Returns whether the customer, FIU and consent of an entry match the filter.
fn matches_subject(subject: &SubjectFilter, entry: &JournalEntry, state: &State) -> bool {
    let consent = entry.handle.and_then(|handle| state.consent(handle));
    let fiu = match &entry.record {
        JournalRecord::Call(call) => call.fiu.clone(),
        JournalRecord::Webhook(webhook) => Some(Arc::clone(&webhook.fiu)),
        _ => None,
    };
    let fiu = fiu.or_else(|| consent.map(|consent| Arc::clone(&consent.fiu)));
    subject
        .handle
        .is_none_or(|handle| entry.handle == Some(handle))
        && subject.customer.as_ref().is_none_or(|glob| {
            let customer = entry.customer.as_ref();
            customer.is_some_and(|customer| glob.matches(customer))
        })
        && subject
            .fiu
            .as_ref()
            .is_none_or(|glob| fiu.is_some_and(|fiu| glob.matches(&fiu)))
}

fn consent_matches(subject: &SubjectFilter, consent: &Consent) -> bool {
    subject.handle.is_none_or(|handle| consent.handle == handle)
        && subject
            .customer
            .as_ref()
            .is_none_or(|glob| glob.matches(&consent.terms.customer))
        && subject
            .fiu
            .as_ref()
            .is_none_or(|glob| glob.matches(&consent.fiu))
}
