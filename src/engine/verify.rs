//! Evaluation of expectations against the journal and the state. Where evicted journal entries
//! could change the result, the verdict is `Evicted`, never `Met`.

use std::sync::Arc;

use crate::domain::consent::Consent;
use crate::domain::expectation::{
    Expectation, ExpectationStatus, ExpectationTarget, SubjectFilter, Verdict,
};
use crate::domain::ids::ConsentHandle;
use crate::domain::journal_entry::{EntryKind, JournalEntry, JournalRecord};
use crate::domain::operation::Operation;
use crate::engine::journal::Journal;
use crate::engine::state::State;

/// Maximum number of matches, and of near misses, that a verdict lists.
const ENTRIES_LISTED_MAX: usize = 5;

/// Evaluates an expectation against the current journal and state.
pub(crate) fn evaluate_expectation(
    journal: &Journal,
    state: &State,
    expectation: &Expectation,
) -> Verdict {
    let Expectation {
        target,
        count: expected_count,
        after,
        ..
    } = expectation;
    if let ExpectationTarget::State { status, subject } = target {
        let match_count = state
            .consents(0)
            .filter(|consent| consent.status == *status && consent_matches(subject, consent))
            .count() as u64;
        let outcome = if expected_count.contains(match_count) {
            ExpectationStatus::Met
        } else {
            ExpectationStatus::Unmet
        };
        return Verdict {
            status: outcome,
            count: match_count,
            evicted: 0,
            matches: Vec::new(),
            near_misses: Vec::new(),
        };
    }
    // Entries that follow an event of another consent do not count. An entry about no consent
    // counts after any such event.
    let mut trigger_handles: Vec<Option<ConsentHandle>> = Vec::new();
    let (mut match_count, mut matching_seqs, mut near_misses) = (0, Vec::new(), Vec::new());
    for entry in journal.iter_after(0) {
        if let (JournalRecord::Event(event), Some(after)) = (&entry.record, after)
            && event.name() == *after
            && matches_subject(target.subject(), entry, state)
        {
            trigger_handles.push(event.consent_handle());
            continue;
        }
        let handle = entry.record.consent_handle();
        if after.is_some()
            && !trigger_handles
                .iter()
                .any(|trigger| handle.is_none() || *trigger == handle)
        {
            continue;
        }
        match find_differences(target, entry, state) {
            Some(differences) if differences.is_empty() => {
                match_count += 1;
                if matching_seqs.len() < ENTRIES_LISTED_MAX {
                    matching_seqs.push(entry.seq);
                }
            }
            Some(differences) => near_misses.push((entry.seq, differences.join(", "))),
            None => {}
        }
    }
    let evicted_count = journal.count_evicted(|kind| {
        target.matches_kind(kind) || after.is_some_and(|after| kind == EntryKind::Event(after))
    });
    let is_certain = expected_count.contains(match_count)
        && (evicted_count == 0 || expected_count.contains(match_count + evicted_count));
    let outcome = if after.is_some() && trigger_handles.is_empty() && evicted_count == 0 {
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
    // Fewest differences first; among equals, newest first.
    near_misses.reverse();
    near_misses.sort_by_key(|(_, differences)| differences.matches(", ").count());
    near_misses.truncate(ENTRIES_LISTED_MAX);
    if outcome == ExpectationStatus::Met {
        near_misses.clear();
    }
    Verdict {
        status: outcome,
        count: match_count,
        evicted: evicted_count,
        matches: matching_seqs,
        near_misses,
    }
}

impl ExpectationTarget {
    fn subject(&self) -> &SubjectFilter {
        match self {
            Self::Call { subject, .. }
            | Self::Event { subject, .. }
            | Self::Webhook { subject, .. }
            | Self::State { subject, .. } => subject,
        }
    }

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
                ..
            },
            JournalRecord::Call(call),
        ) if call.operation == *op => {
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
    let consent = entry
        .record
        .consent_handle()
        .and_then(|handle| state.consent(handle));
    let (customer, fiu) = match &entry.record {
        JournalRecord::Call(call) => (call.customer.clone(), call.fiu.clone()),
        JournalRecord::Webhook(webhook) => (
            Some(Arc::clone(&webhook.customer)),
            Some(Arc::clone(&webhook.fiu)),
        ),
        JournalRecord::Event(event) => (event.customer().cloned(), None),
        _ => (None, None),
    };
    let customer = customer.or_else(|| consent.map(|consent| Arc::clone(&consent.terms.customer)));
    let fiu = fiu.or_else(|| consent.map(|consent| Arc::clone(&consent.fiu)));
    subject
        .handle
        .is_none_or(|handle| entry.record.consent_handle() == Some(handle))
        && subject
            .customer
            .as_ref()
            .is_none_or(|glob| customer.is_some_and(|customer| glob.matches(&customer)))
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
