//! Whether what was expected has come about. Counts what the journal has and what it has forgotten: where that matters,
//! the verdict is that nobody can tell, never that all is well.

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

/// Entries told with a verdict: those that count, and those that nearly do.
const ENTRIES_LISTED_MAX: usize = 5;

/// Judges an expectation by what there is now.
pub fn evaluate_expectation(
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
    if let ExpectationTarget::State {
        status,
        subject: about,
    } = target
    {
        let matches_state =
            |consent: &&Arc<Consent>| consent.status == *status && consent_matches(about, consent);
        let match_count = state.consents(0).filter(matches_state).count() as u64;
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
    // Whatever comes after an event of another consent does not count; an entry about none comes after all of them.
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
    let could_have_counted = |kind: EntryKind| {
        target.matches_kind(kind) || after.is_some_and(|after| kind == EntryKind::Event(after))
    };
    let evicted_count = journal.count_evicted(could_have_counted);
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
    // The nearest first; of those that are as near, the newest.
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
            Self::Call { subject: about, .. }
            | Self::Event { subject: about, .. }
            | Self::Webhook { subject: about, .. }
            | Self::State { subject: about, .. } => about,
        }
    }

    /// Whether entries of this kind can count.
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

/// What keeps an entry from counting; nothing: it counts. `None`: it is of another kind altogether.
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
                response_status: status,
                ..
            },
            JournalRecord::Call(call),
        ) if call.operation == *op => {
            if let Some(status) = status.filter(|status| !status.contains(call.status)) {
                differences.push(format!("answered with {}, not {status}", call.status));
            }
        }
        // Somebody may have meant this call and missed its path.
        (ExpectationTarget::Call { subject: about, .. }, JournalRecord::Call(call))
            if call.operation == Operation::Unknown && *about == SubjectFilter::default() =>
        {
            return Some(vec![format!(
                "{} {} is no call of this sandbox",
                call.method, call.path
            )]);
        }
        (ExpectationTarget::Event { name, .. }, JournalRecord::Event(event))
            if event.name() == *name => {}
        (
            ExpectationTarget::Webhook {
                event,
                status,
                response_status: answered,
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
                    "tells {}, not {status}",
                    webhook.status.unwrap_or("no status")
                ));
            }
            if let Some(expected) = answered.filter(|wanted| {
                !webhook
                    .response_status
                    .is_some_and(|got| wanted.contains(got))
            }) {
                let got = webhook.response_status.map_or_else(
                    || webhook.outcome.clone(),
                    |got| format!("answered with {got}"),
                );
                differences.push(format!("{got}, not {expected}"));
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

/// Whether an entry is about those who are meant.
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
