//! Rules about data requests: when, how often, with which keys and for which range.

use std::collections::HashMap;

use super::Findings;
use super::history::RunHistory;
use crate::domain::api_fault::ApiFaultName;
use crate::domain::client_hint::ClientHint;
use crate::domain::consent::Status;
use crate::domain::contract_report::FETCHES_MAX;
use crate::domain::ids::ConsentHandle;
use crate::domain::journal_entry::{CallRecord, JournalRecord};
use crate::domain::notification::NotificationKind;
use crate::domain::operation::Operation;
use crate::domain::time::Timestamp;

/// The status of a consent as an FIU knows it from webhooks, unless the AA has told it another.
#[derive(Clone, Copy)]
struct KnownStatus {
    status: &'static str,
    /// Time that the newest webhook carries, with its delivery: webhooks may arrive in another
    /// order.
    notified: (Timestamp, u64),
    /// System time of the FIU's answer.
    since: Timestamp,
}

/// Looks for data requests and fetches that the AA refuses because of such a status, after the FIU
/// has acknowledged it, unless it has read another one from the AA since. Calls that the AA answers
/// with success are allowed: the consent may have changed. APIs in which the AA requests the data by
/// itself have no case.
pub(super) fn check_no_requests_in(run: &RunHistory<'_>, statuses: &[&str]) -> Findings {
    let mut findings = Findings::default();
    let mut known: HashMap<ConsentHandle, KnownStatus> = HashMap::new();
    for entry in &run.entries {
        match &entry.record {
            JournalRecord::Webhook(webhook)
                if webhook.event == NotificationKind::ConsentStatus
                    && webhook.is_accepted()
                    && run.has_operation(webhook.api, Operation::FiRequest) =>
            {
                let Some(status) = webhook.status else {
                    continue;
                };
                let notified = (webhook.message_time, webhook.delivery);
                if statuses.contains(&status) {
                    findings.cases += 1;
                }
                if known
                    .get(&webhook.handle)
                    .is_none_or(|known| known.notified < notified)
                {
                    let since = webhook.answered_at();
                    known.insert(
                        webhook.handle,
                        KnownStatus {
                            status,
                            notified,
                            since,
                        },
                    );
                }
            }
            JournalRecord::Call(call)
                if matches!(
                    call.operation,
                    Operation::ConsentStatus | Operation::ConsentFetch
                ) && call.is_reliable() =>
            {
                let Some(handle) = call.handle else { continue };
                let status = run.status_before(handle, entry.seq);
                if let (Some(known), Some(status)) = (known.get_mut(&handle), status)
                    && !statuses.contains(&status.as_str())
                {
                    known.status = status.as_str();
                }
            }
            JournalRecord::Call(call)
                if matches!(call.operation, Operation::FiRequest | Operation::FiFetch)
                    && !call.is_success()
                    && !is_fetch_with_injected_status(call) =>
            {
                let Some(handle) = call.handle else { continue };
                let violated = known.get(&handle).filter(|known| {
                    statuses.contains(&known.status)
                        && known.since <= call.arrived_at()
                        && run
                            .status_before(handle, entry.seq)
                            .is_some_and(|status| status != Status::Active)
                });
                if let Some(KnownStatus { status, .. }) = violated {
                    let text = format!("{} after the FIU was notified of {status}", call.operation);
                    findings.add_evidence(entry.seq, text);
                }
            }
            _ => {}
        }
    }
    findings
}

/// Returns whether a fetch was rejected by a fault: the AA might have answered it.
fn is_fetch_with_injected_status(call: &CallRecord) -> bool {
    call.operation == Operation::FiFetch && call.faults.contains(&ApiFaultName::Status)
}

/// Checks how often the FIU fetches the same data of a session.
pub(super) fn check_fetch_counts(run: &RunHistory<'_>) -> Findings {
    let mut findings = Findings::default();
    let mut counts: HashMap<_, usize> = HashMap::new();
    for call in run.calls_of(Operation::FiFetch) {
        let facts = &call.record.facts;
        let Some(session) = facts.session else {
            continue;
        };
        if !call.record.is_reliable() || !facts.has_data {
            continue;
        }
        findings.cases += 1;
        let count = counts
            .entry((session, call.record.request_facts().content))
            .or_default();
        *count += 1;
        if *count == FETCHES_MAX + 1 {
            let hint = ClientHint::FetchesAgain;
            let text = format!("the data of session {session} was fetched {count} times; {hint}");
            findings.add_evidence(call.seq, text);
        }
    }
    findings
}

/// Checks that no two data sessions have the same public key and nonce. A request that repeats its
/// `txnid` is the same request, and so is one that follows a response on which the FIU may have
/// given up.
pub(super) fn check_key_material(run: &RunHistory<'_>) -> Findings {
    let mut findings = Findings::default();
    let mut first_uses: HashMap<u64, _> = HashMap::new();
    for call in run.calls_of(Operation::FiRequest) {
        let facts = &call.record.facts;
        let Some(material) = facts.key_material.filter(|_| call.record.is_reliable()) else {
            continue;
        };
        let txnid = &call.record.request_facts().txnid;
        findings.cases += 1;
        match first_uses.get(&material) {
            None => {
                if call.record.is_surely_received() {
                    first_uses.insert(material, (call.seq, txnid));
                }
            }
            Some((_, first)) if *first == txnid => {}
            Some((first, _)) => {
                let text =
                    format!("public key and nonce are those of the request in journal {first}");
                findings.add_evidence(call.seq, text);
            }
        }
    }
    findings
}

/// Checks that each data request stays inside the granted range.
pub(super) fn check_ranges(run: &RunHistory<'_>) -> Findings {
    let mut findings = Findings::default();
    for call in run.calls_of(Operation::FiRequest) {
        let Some(range) = &call.record.facts.range else {
            continue;
        };
        findings.cases += 1;
        if !range.is_granted() {
            let text = format!(
                "data from {} to {} was requested; granted is {} to {}",
                range.requested.from, range.requested.to, range.granted.from, range.granted.to
            );
            findings.add_evidence(call.seq, text);
        }
    }
    findings
}
