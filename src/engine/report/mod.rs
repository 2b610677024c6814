//! The contract report: grades of an FIU by rules, each with its evidence in the journal. A rule
//! without a case in the run is reported as not tested.

use std::sync::Arc;

use crate::domain::contract_report::{ContractRule, RuleOutcome, RuleResult};
use crate::domain::ids::ConsentHandle;
use crate::domain::journal_entry::{CallRecord, JournalEntry, JournalRecord, WebhookRecord};
use crate::domain::notification::NotificationKind;
use crate::domain::operation::Operation;
use crate::domain::time::Millis;
use crate::domain::webhook_fault::WebhookFaultName;

/// Maximum duration of an acknowledgement (`docs/sources.md#webhook-retries`).
const ACKNOWLEDGE_TIMEOUT: Millis = Millis::from_secs(5);

/// Tolerance for a retry before the end of `Retry-After`, because clocks differ.
const RETRY_TOLERANCE: Millis = Millis(50);

/// World time after a duplicate within which an FIU's call counts as a reaction to it.
const REACTION_WINDOW: Millis = Millis::from_secs(30);

/// Maximum number of pieces of evidence per rule.
const EVIDENCE_MAX: usize = 10;

/// Grades a run; `evicted` is the number of calls and webhooks that the journal has evicted.
pub(crate) fn grade_run<'a>(
    entries: impl Iterator<Item = &'a JournalEntry>,
    evicted: u64,
) -> Vec<RuleResult> {
    let entries: Vec<&JournalEntry> = entries.collect();
    let run = RunHistory { entries: &entries };
    ContractRule::ALL
        .iter()
        .map(|rule| grade_rule(&run, *rule, evicted))
        .collect()
}

fn grade_rule(run: &RunHistory<'_>, rule: ContractRule, evicted: u64) -> RuleResult {
    let (cases, mut evidence) = match rule {
        ContractRule::RejectsInvalidSignatures => run.check_rejections(|fault| {
            fault.must_be_rejected() && !is_stale(fault) && !fault.is_in_credential()
        }),
        ContractRule::RejectsStaleMessages => run.check_rejections(is_stale),
        ContractRule::RejectsWrongApiKeys => {
            run.check_rejections(WebhookFaultName::is_in_credential)
        }
        ContractRule::DeduplicatesWebhooks => run.check_idempotency(),
        ContractRule::AcceptsUnusualMessages => run.check_acceptance(|webhook| {
            !webhook.faults.is_empty()
                && webhook.faults.iter().all(|fault| fault.must_be_accepted())
        }),
        ContractRule::AcknowledgesWebhooks => {
            run.check_acceptance(|webhook| webhook.faults.is_empty())
        }
        ContractRule::AcknowledgesInTime => run.check_ack_latency(),
        ContractRule::NoRequestsAfterEnd => {
            run.check_no_requests_in(&["REVOKED", "EXPIRED", "REJECTED", "FAILED"])
        }
        ContractRule::NoRequestsWhilePaused => run.check_no_requests_in(&["PAUSED"]),
        ContractRule::HonoursRetryAfter => run.check_retry_after(),
        ContractRule::NoRetryAfter4xx => run.check_no_retries(),
        ContractRule::PollsAfterMissedWebhook => run.check_polling(),
        ContractRule::CallsKnownPaths => run.check_known_paths(),
    };
    let outcome = match (cases, evidence.is_empty()) {
        (_, false) => RuleOutcome::Fail,
        (_, true) if evicted > 0 => RuleOutcome::Evicted,
        (0, true) => RuleOutcome::NotTested,
        (_, true) => RuleOutcome::Pass,
    };
    evidence.truncate(EVIDENCE_MAX);
    RuleResult {
        rule,
        outcome,
        evidence,
        cases,
    }
}

fn is_stale(fault: WebhookFaultName) -> bool {
    matches!(
        fault,
        WebhookFaultName::StaleTimestamp | WebhookFaultName::FutureTimestamp
    )
}

/// The number of cases, and the evidence against the FIU: journal numbers with descriptions.
type RuleEvidence = (usize, Vec<(u64, String)>);

struct RunHistory<'a> {
    entries: &'a [&'a JournalEntry],
}

impl<'a> RunHistory<'a> {
    fn webhooks(&self) -> impl Iterator<Item = (u64, &'a Arc<WebhookRecord>)> {
        self.entries.iter().filter_map(|entry| match &entry.record {
            JournalRecord::Webhook(webhook) => Some((entry.seq, webhook)),
            _ => None,
        })
    }

    fn calls(&self) -> impl Iterator<Item = (u64, &'a Arc<CallRecord>)> {
        self.entries
            .iter()
            .filter_map(|entry| Some((entry.seq, call_record(entry)?)))
    }

    fn check_rejections(&self, is_bad: impl Fn(WebhookFaultName) -> bool) -> RuleEvidence {
        let (mut cases, mut evidence) = (0, Vec::new());
        for (seq, webhook) in self.webhooks() {
            let Some(status) = webhook.response_status else {
                continue;
            };
            if !webhook.faults.iter().any(|fault| is_bad(*fault)) {
                continue;
            }
            cases += 1;
            if is_success(status) {
                let faults: Vec<_> = webhook.faults.iter().map(|fault| fault.as_str()).collect();
                let message = format!(
                    "{} {} with {} was answered with {status}",
                    describe_status(webhook),
                    webhook.webhook_id,
                    faults.join(", ")
                );
                evidence.push((seq, message));
            }
        }
        (cases, evidence)
    }

    fn check_acceptance(&self, is_relevant: impl Fn(&WebhookRecord) -> bool) -> RuleEvidence {
        let (mut cases, mut evidence) = (0, Vec::new());
        for (seq, webhook) in self
            .webhooks()
            .filter(|(_, webhook)| webhook.attempt > 0 && is_relevant(webhook))
        {
            cases += 1;
            if !webhook.response_status.is_some_and(is_success) {
                let message = format!(
                    "{} {}: {}",
                    describe_status(webhook),
                    webhook.webhook_id,
                    webhook.outcome
                );
                evidence.push((seq, message));
            }
        }
        (cases, evidence)
    }

    fn check_ack_latency(&self) -> RuleEvidence {
        let (mut cases, mut evidence) = (0, Vec::new());
        for (seq, webhook) in self.webhooks() {
            // The slow body is the sender's own delay.
            if webhook.attempt == 0 || webhook.faults.contains(&WebhookFaultName::SlowBody) {
                continue;
            }
            cases += 1;
            if webhook.duration > ACKNOWLEDGE_TIMEOUT {
                let status = describe_status(webhook);
                evidence.push((seq, format!("{status} took {} ms", webhook.duration.0)));
            }
        }
        (cases, evidence)
    }

    /// Looks for a second request for data under the same consent, within [`REACTION_WINDOW`] of a
    /// duplicate and before another status of the consent. The window is in world time, so that
    /// requests after an advance of the clock do not count.
    fn check_idempotency(&self) -> RuleEvidence {
        let (mut cases, mut evidence) = (0, Vec::new());
        for (index, entry) in self.entries.iter().enumerate() {
            let JournalRecord::Webhook(first) = &entry.record else {
                continue;
            };
            let is_accepted = first.response_status.is_some_and(is_success);
            if first.event != NotificationKind::ConsentStatus
                || first.copy_of.is_some()
                || !is_accepted
                || !first.faults.iter().any(|fault| is_duplicating(*fault))
            {
                continue;
            }
            cases += 1;
            let deadline = entry.at.saturating_add(REACTION_WINDOW);
            // An FIU that acts before it answers makes its request before the webhook's end is
            // recorded.
            let concurrent_calls = self.entries[..index].iter().filter(|earlier| {
                call_record(earlier).is_some_and(|call| call.system_time >= first.system_time)
            });
            let until_status_change = self.entries[index + 1..]
                .iter()
                .take_while(|later| later.at <= deadline)
                .take_while(|later| !is_status_change(&later.record, first));
            let reactions: Vec<_> = concurrent_calls
                .chain(until_status_change)
                .filter(|entry| {
                    call_record(entry).is_some_and(|call| {
                        call.operation == Operation::FiRequest && call.handle == Some(first.handle)
                    })
                })
                .collect();
            if let [_, second, ..] = reactions.as_slice() {
                let status = describe_status(first);
                let count = reactions.len();
                evidence.push((
                    second.seq,
                    format!("{status} was sent twice, and data was requested {count} times"),
                ));
            }
        }
        (cases, evidence)
    }

    /// Looks for requests for data and fetches between the acknowledgement of such a status and
    /// that of another one.
    fn check_no_requests_in(&self, statuses: &[&str]) -> RuleEvidence {
        let (mut cases, mut evidence) = (0, Vec::new());
        let mut acknowledged: Vec<(ConsentHandle, &'static str)> = Vec::new();
        for entry in self.entries {
            match &entry.record {
                JournalRecord::Webhook(webhook)
                    if webhook.event == NotificationKind::ConsentStatus
                        && webhook.response_status.is_some_and(is_success) =>
                {
                    acknowledged.retain(|(handle, _)| *handle != webhook.handle);
                    if let Some(status) = webhook.status.filter(|status| statuses.contains(status))
                    {
                        cases += 1;
                        acknowledged.push((webhook.handle, status));
                    }
                }
                JournalRecord::Call(call)
                    if matches!(call.operation, Operation::FiRequest | Operation::FiFetch) =>
                {
                    let status_in_force = acknowledged
                        .iter()
                        .find(|(handle, _)| call.handle == Some(*handle));
                    if let Some((_, status)) = status_in_force {
                        evidence.push((
                            entry.seq,
                            format!("{} after the FIU was notified of {status}", call.operation),
                        ));
                    }
                }
                _ => {}
            }
        }
        (cases, evidence)
    }

    fn check_retry_after(&self) -> RuleEvidence {
        let calls: Vec<_> = self.calls().collect();
        let (mut cases, mut evidence) = (0, Vec::new());
        for (index, (_, rejected_call)) in calls.iter().enumerate() {
            let Some(wait) = rejected_call.retry_after else {
                continue;
            };
            cases += 1;
            let retry = calls[index + 1..].iter().find(|(_, call)| {
                call.operation == rejected_call.operation
                    && (call.customer == rejected_call.customer || rejected_call.customer.is_none())
            });
            if let Some((seq, retry)) = retry {
                let elapsed = retry.system_time.duration_since(rejected_call.system_time);
                if elapsed.0 + RETRY_TOLERANCE.0 < wait.0 {
                    let message = format!(
                        "{} was repeated after {} ms; `Retry-After` was {} ms",
                        retry.operation, elapsed.0, wait.0
                    );
                    evidence.push((*seq, message));
                }
            }
        }
        (cases, evidence)
    }

    /// Looks for unchanged repetitions of rejected calls. 401, 408, 425 and 429 may be repeated
    /// (RFC 9110, RFC 6585).
    fn check_no_retries(&self) -> RuleEvidence {
        let calls: Vec<_> = self.calls().collect();
        let (mut cases, mut evidence) = (0, Vec::new());
        for (index, (_, rejected_call)) in calls.iter().enumerate() {
            let is_final = (400..500).contains(&rejected_call.status)
                && ![401, 408, 425, 429].contains(&rejected_call.status);
            // A GET may find later what does not exist yet.
            if !is_final
                || rejected_call.operation == Operation::Unknown
                || rejected_call.method == "GET"
                || is_polling(rejected_call.operation)
            {
                continue;
            }
            cases += 1;
            let retry = calls[index + 1..].iter().find(|(_, call)| {
                call.path == rejected_call.path
                    && call.method == rejected_call.method
                    && call.request_body == rejected_call.request_body
            });
            if let Some((seq, retry)) = retry {
                let message = format!(
                    "{} {} was repeated unchanged after {}",
                    retry.method, retry.path, rejected_call.status
                );
                evidence.push((*seq, message));
            }
        }
        (cases, evidence)
    }

    fn check_polling(&self) -> RuleEvidence {
        let (mut cases, mut evidence) = (0, Vec::new());
        for (seq, webhook) in self
            .webhooks()
            .filter(|(_, webhook)| webhook.faults.contains(&WebhookFaultName::Drop))
        {
            cases += 1;
            let has_follow_up = self.calls().any(|(number, call)| {
                number > seq
                    && call.handle == Some(webhook.handle)
                    && call.operation != Operation::ConsentCreate
            });
            if !has_follow_up {
                let status = describe_status(webhook);
                evidence.push((
                    seq,
                    format!("{status} was dropped, and no call about the consent has followed"),
                ));
            }
        }
        (cases, evidence)
    }

    fn check_known_paths(&self) -> RuleEvidence {
        let calls: Vec<_> = self.calls().collect();
        let evidence = calls
            .iter()
            .filter(|(_, call)| call.operation == Operation::Unknown)
            .map(|(seq, call)| (*seq, format!("{} {}", call.method, call.path)))
            .collect();
        (calls.len(), evidence)
    }
}

/// Returns whether an operation is normally repeated until there is a result.
fn is_polling(op: Operation) -> bool {
    matches!(
        op,
        Operation::FiFetch
            | Operation::FiStatus
            | Operation::ConsentStatus
            | Operation::ConsentFetch
    )
}

fn is_duplicating(fault: WebhookFaultName) -> bool {
    matches!(
        fault,
        WebhookFaultName::Duplicate | WebhookFaultName::NearDuplicate | WebhookFaultName::Burst
    )
}

/// Returns whether a record is a webhook with another status of the same consent.
fn is_status_change(record: &JournalRecord, first: &WebhookRecord) -> bool {
    match record {
        JournalRecord::Webhook(webhook) => {
            webhook.handle == first.handle
                && webhook.event == first.event
                && webhook.status != first.status
        }
        _ => false,
    }
}

fn call_record(entry: &JournalEntry) -> Option<&Arc<CallRecord>> {
    match &entry.record {
        JournalRecord::Call(call) => Some(call),
        _ => None,
    }
}

fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

fn describe_status(webhook: &WebhookRecord) -> String {
    match webhook.status {
        Some(status) => format!("{} {status}", webhook.event),
        None => webhook.event.to_string(),
    }
}
