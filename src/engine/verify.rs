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
const SHOWN_MAX: usize = 5;

/// Judges an expectation by what there is now.
pub fn judge(journal: &Journal, state: &State, expectation: &Expectation) -> Verdict {
    let Expectation {
        target: sought,
        count,
        after,
        ..
    } = expectation;
    if let ExpectationTarget::State {
        status,
        subject: about,
    } = sought
    {
        let stands =
            |consent: &&Arc<Consent>| consent.status == *status && concerns(about, consent);
        let counted = state.consents(0).filter(stands).count() as u64;
        let outcome = if count.contains(counted) {
            ExpectationStatus::Met
        } else {
            ExpectationStatus::Unmet
        };
        return Verdict {
            status: outcome,
            count: counted,
            evicted: 0,
            matches: Vec::new(),
            near_misses: Vec::new(),
        };
    }
    // Whatever comes after an event of another consent does not count; an entry about none comes after all of them.
    let mut begun: Vec<Option<ConsentHandle>> = Vec::new();
    let (mut counted, mut found, mut near) = (0, Vec::new(), Vec::new());
    for entry in journal.since(0) {
        if let (JournalRecord::Event(event), Some(after)) = (&entry.record, after)
            && event.name() == *after
            && is_about(sought.about(), entry, state)
        {
            begun.push(event.consent_handle());
            continue;
        }
        let handle = entry.record.consent_handle();
        if after.is_some()
            && !begun
                .iter()
                .any(|begun| handle.is_none() || *begun == handle)
        {
            continue;
        }
        match compare(sought, entry, state) {
            Some(differences) if differences.is_empty() => {
                counted += 1;
                if found.len() < SHOWN_MAX {
                    found.push(entry.seq);
                }
            }
            Some(differences) => near.push((entry.seq, differences.join(", "))),
            None => {}
        }
    }
    let forgotten = |kind: EntryKind| {
        sought.is_of(kind) || after.is_some_and(|after| kind == EntryKind::Event(after))
    };
    let evicted = journal.evicted(forgotten);
    let certain = count.contains(counted) && (evicted == 0 || count.contains(counted + evicted));
    let outcome = if after.is_some() && begun.is_empty() && evicted == 0 {
        ExpectationStatus::Untested
    } else if certain {
        ExpectationStatus::Met
    } else if evicted > 0 && (counted..=counted + evicted).any(|possible| count.contains(possible))
    {
        ExpectationStatus::Evicted
    } else {
        ExpectationStatus::Unmet
    };
    // The nearest first; of those that are as near, the newest.
    near.reverse();
    near.sort_by_key(|(_, differences)| differences.matches(", ").count());
    near.truncate(SHOWN_MAX);
    if outcome == ExpectationStatus::Met {
        near.clear();
    }
    Verdict {
        status: outcome,
        count: counted,
        evicted,
        matches: found,
        near_misses: near,
    }
}

impl ExpectationTarget {
    fn about(&self) -> &SubjectFilter {
        match self {
            Self::Call { subject: about, .. }
            | Self::Event { subject: about, .. }
            | Self::Webhook { subject: about, .. }
            | Self::State { subject: about, .. } => about,
        }
    }

    /// Whether entries of this kind can count.
    fn is_of(&self, kind: EntryKind) -> bool {
        match (self, kind) {
            (Self::Call { op, .. }, EntryKind::Call(called)) => *op == called,
            (Self::Event { name, .. }, EntryKind::Event(event)) => *name == event,
            (Self::Webhook { event, .. }, EntryKind::Webhook(kind)) => {
                event.is_none_or(|event| event == kind)
            }
            _ => false,
        }
    }
}

/// What keeps an entry from counting; nothing: it counts. `None`: it is of another kind altogether.
fn compare(sought: &ExpectationTarget, entry: &JournalEntry, state: &State) -> Option<Vec<String>> {
    let mut differences = Vec::new();
    match (sought, &entry.record) {
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
            if let Some(wanted) = answered.filter(|wanted| {
                !webhook
                    .response_status
                    .is_some_and(|got| wanted.contains(got))
            }) {
                let got = webhook.response_status.map_or_else(
                    || webhook.outcome.clone(),
                    |got| format!("answered with {got}"),
                );
                differences.push(format!("{got}, not {wanted}"));
            }
            if let Some(fault) = fault.filter(|fault| !webhook.faults.contains(fault)) {
                differences.push(format!("has no fault {fault}"));
            }
        }
        _ => return None,
    }
    if !is_about(sought.about(), entry, state) {
        differences.push("is about another customer, consent or FIU".to_owned());
    }
    Some(differences)
}

/// Whether an entry is about those who are meant.
fn is_about(about: &SubjectFilter, entry: &JournalEntry, state: &State) -> bool {
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
    about
        .handle
        .is_none_or(|handle| entry.record.consent_handle() == Some(handle))
        && about
            .customer
            .as_ref()
            .is_none_or(|glob| customer.is_some_and(|customer| glob.matches(&customer)))
        && about
            .fiu
            .as_ref()
            .is_none_or(|glob| fiu.is_some_and(|fiu| glob.matches(&fiu)))
}

fn concerns(about: &SubjectFilter, consent: &Consent) -> bool {
    about.handle.is_none_or(|handle| consent.handle == handle)
        && about
            .customer
            .as_ref()
            .is_none_or(|glob| glob.matches(&consent.terms.customer))
        && about
            .fiu
            .as_ref()
            .is_none_or(|glob| glob.matches(&consent.fiu))
}
