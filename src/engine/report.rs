//! The contract report: how an FIU has behaved, by rules that each have their evidence in the journal. Only what was put
//! to the test is graded.

use std::sync::Arc;

use crate::domain::contract_report::{ContractRule, RuleOutcome, RuleResult};
use crate::domain::ids::ConsentHandle;
use crate::domain::journal_entry::{CallRecord, JournalEntry, JournalRecord, WebhookRecord};
use crate::domain::notification::NotificationKind;
use crate::domain::operation::Operation;
use crate::domain::time::Millis;
use crate::domain::webhook_fault::WebhookFaultName;

/// How long an acknowledgement may take (`reference/mock-servers.md` §3.3).
const ACKNOWLEDGE_TIMEOUT: Millis = Millis::from_secs(5);

/// How early a call may come that was told to come later: clocks differ.
const RETRY_TOLERANCE: Millis = Millis(50);

/// How long after a duplicate an FIU's call is taken for a reaction to it, in world time.
const REACTION_WINDOW: Millis = Millis::from_secs(30);

/// Evidence told for a rule.
const EVIDENCE_MAX: usize = 10;

/// Grades a run; `evicted` is how many calls and webhooks the journal has forgotten.
pub fn grade_run<'a>(
    entries: impl Iterator<Item = &'a JournalEntry>,
    evicted: u64,
) -> Vec<RuleResult> {
    let entries: Vec<&JournalEntry> = entries.collect();
    let run = RunHistory { entries: &entries };
    let grade_rule = |rule: &ContractRule| {
        let (cases, mut evidence) = match rule {
            ContractRule::RejectsInvalidSignatures => {
                run.check_refusals(|fault| fault.must_be_rejected() && !is_stale(fault))
            }
            ContractRule::RejectsStaleMessages => run.check_refusals(is_stale),
            ContractRule::DeduplicatesWebhooks => run.check_idempotency(),
            ContractRule::AcceptsUnusualMessages => run.check_acceptance(|webhook| {
                webhook.faults.iter().any(|fault| fault.must_be_accepted())
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
        let mark = match (cases, evidence.is_empty()) {
            (_, false) => RuleOutcome::Fail,
            (_, true) if evicted > 0 => RuleOutcome::Evicted,
            (0, true) => RuleOutcome::NotTested,
            (_, true) => RuleOutcome::Pass,
        };
        evidence.truncate(EVIDENCE_MAX);
        RuleResult {
            rule: *rule,
            outcome: mark,
            evidence,
            cases,
        }
    };
    ContractRule::ALL.iter().map(grade_rule).collect()
}

fn is_stale(fault: WebhookFaultName) -> bool {
    matches!(
        fault,
        WebhookFaultName::StaleTimestamp | WebhookFaultName::FutureTimestamp
    )
}

/// How many cases there were, and what speaks against the FIU.
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
        self.entries.iter().filter_map(|entry| match &entry.record {
            JournalRecord::Call(call) => Some((entry.seq, call)),
            _ => None,
        })
    }

    fn check_refusals(&self, is_bad: impl Fn(WebhookFaultName) -> bool) -> RuleEvidence {
        let sent = self.webhooks().filter(|(_, webhook)| {
            webhook.response_status.is_some() && webhook.faults.iter().any(|fault| is_bad(*fault))
        });
        let sent: Vec<_> = sent.collect();
        let accepted = sent
            .iter()
            .filter(|(_, webhook)| webhook.response_status.is_some_and(is_success));
        let to_evidence = |(seq, webhook): &(u64, &Arc<WebhookRecord>)| {
            let faults: Vec<_> = webhook.faults.iter().map(|fault| fault.as_str()).collect();
            let status = webhook.response_status.unwrap_or_default();
            (
                *seq,
                format!(
                    "{} {} with {} was answered with {status}",
                    describe_status(webhook),
                    webhook.webhook_id,
                    faults.join(", ")
                ),
            )
        };
        (sent.len(), accepted.map(to_evidence).collect())
    }

    fn check_acceptance(&self, is_relevant: impl Fn(&WebhookRecord) -> bool) -> RuleEvidence {
        let sent: Vec<_> = self
            .webhooks()
            .filter(|(_, webhook)| webhook.attempt > 0 && is_relevant(webhook))
            .collect();
        let not_accepted = sent
            .iter()
            .filter(|(_, webhook)| !webhook.response_status.is_some_and(is_success));
        let to_evidence = |(seq, webhook): &(u64, &Arc<WebhookRecord>)| {
            (
                *seq,
                format!(
                    "{} {}: {}",
                    describe_status(webhook),
                    webhook.webhook_id,
                    webhook.outcome
                ),
            )
        };
        (sent.len(), not_accepted.map(to_evidence).collect())
    }

    fn check_ack_latency(&self) -> RuleEvidence {
        // What is slow on purpose is slow to arrive.
        let is_not_throttled =
            |webhook: &WebhookRecord| !webhook.faults.contains(&WebhookFaultName::SlowBody);
        let sent: Vec<_> = self
            .webhooks()
            .filter(|(_, webhook)| webhook.attempt > 0 && is_not_throttled(webhook))
            .collect();
        let slow = sent
            .iter()
            .filter(|(_, webhook)| webhook.duration > ACKNOWLEDGE_TIMEOUT);
        let to_evidence = |(seq, webhook): &(u64, &Arc<WebhookRecord>)| {
            (
                *seq,
                format!(
                    "{} took {} ms",
                    describe_status(webhook),
                    webhook.duration.0
                ),
            )
        };
        (sent.len(), slow.map(to_evidence).collect())
    }

    /// A second request for data under the same consent, soon after a duplicate and before any other news of the consent,
    /// is taken for its effect. Soon is told by the world's time: what a moved clock brings about is not.
    fn check_idempotency(&self) -> RuleEvidence {
        let is_duplicating = |fault: &WebhookFaultName| {
            matches!(
                fault,
                WebhookFaultName::Duplicate
                    | WebhookFaultName::NearDuplicate
                    | WebhookFaultName::Burst
            )
        };
        let (mut cases, mut evidence) = (0, Vec::new());
        for (index, entry) in self.entries.iter().enumerate() {
            let JournalRecord::Webhook(first) = &entry.record else {
                continue;
            };
            let is_accepted = first.response_status.is_some_and(is_success);
            if first.event != NotificationKind::ConsentStatus
                || first.copy_of.is_some()
                || !is_accepted
                || !first.faults.iter().any(is_duplicating)
            {
                continue;
            }
            cases += 1;
            let deadline = entry.at.saturating_add(REACTION_WINDOW);
            let later_entries = self.entries[index + 1..]
                .iter()
                .take_while(|later| later.at <= deadline);
            let is_status_change = |what: &JournalRecord| match what {
                JournalRecord::Webhook(webhook) => {
                    webhook.handle == first.handle
                        && webhook.event == first.event
                        && webhook.status != first.status
                }
                _ => false,
            };
            let is_data_request = |what: &JournalRecord| matches!(what, JournalRecord::Call(call) if call.operation == Operation::FiRequest && call.handle == Some(first.handle));
            // Who acts before answering has asked before the webhook's end is on record.
            let concurrent_calls = self.entries[..index]
                .iter()
                .filter(|earlier| matches!(&earlier.record, JournalRecord::Call(call) if call.system_time >= first.system_time));
            let until_status_change =
                later_entries.take_while(|later| !is_status_change(&later.record));
            let reactions: Vec<_> = concurrent_calls
                .chain(until_status_change)
                .filter(|entry| is_data_request(&entry.record))
                .collect();
            if let [_, second, ..] = reactions.as_slice() {
                let status = describe_status(first);
                evidence.push((
                    second.seq,
                    format!(
                        "{status} came twice, and data was asked for {} times",
                        reactions.len()
                    ),
                ));
            }
        }
        (cases, evidence)
    }

    /// No request for data, and no fetch, from the acknowledgement of such a status to that of another.
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
                            format!("{} although it was told {status}", call.operation),
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
            let is_same_call = |(_, call): &&(u64, &Arc<CallRecord>)| {
                call.operation == rejected_call.operation
                    && (call.customer == rejected_call.customer || rejected_call.customer.is_none())
            };
            if let Some((seq, retry)) = calls[index + 1..].iter().find(is_same_call) {
                let elapsed = retry.system_time.duration_since(rejected_call.system_time);
                if elapsed.0 + RETRY_TOLERANCE.0 < wait.0 {
                    let message = format!(
                        "{} came again after {} ms, told to wait {} ms",
                        retry.operation, elapsed.0, wait.0
                    );
                    evidence.push((*seq, message));
                }
            }
        }
        (cases, evidence)
    }

    /// 408, 425 and 429 may be made again (RFC 9110, RFC 6585).
    fn check_no_retries(&self) -> RuleEvidence {
        let calls: Vec<_> = self.calls().collect();
        let (mut cases, mut evidence) = (0, Vec::new());
        for (index, (_, rejected_call)) in calls.iter().enumerate() {
            let is_final = (400..500).contains(&rejected_call.status)
                && ![401, 408, 425, 429].contains(&rejected_call.status);
            // A GET may find later what is not there yet.
            if !is_final
                || rejected_call.operation == Operation::Unknown
                || rejected_call.method == "GET"
                || is_polling(rejected_call.operation)
            {
                continue;
            }
            cases += 1;
            let is_same_call = |(_, call): &&(u64, &Arc<CallRecord>)| {
                call.path == rejected_call.path
                    && call.method == rejected_call.method
                    && call.request_body == rejected_call.request_body
            };
            if let Some((seq, retry)) = calls[index + 1..].iter().find(is_same_call) {
                let message = format!(
                    "{} {} again, word for word, after {}",
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
            let is_follow_up = |(number, call): &(u64, &Arc<CallRecord>)| {
                *number > seq
                    && call.handle == Some(webhook.handle)
                    && call.operation != Operation::ConsentCreate
            };
            if !self.calls().any(|call| is_follow_up(&call)) {
                evidence.push((
                    seq,
                    format!(
                        "{} was dropped, and nobody has asked since",
                        describe_status(webhook)
                    ),
                ));
            }
        }
        (cases, evidence)
    }

    fn check_known_paths(&self) -> RuleEvidence {
        let calls: Vec<_> = self.calls().collect();
        let unknown = calls
            .iter()
            .filter(|(_, call)| call.operation == Operation::Unknown);
        let to_evidence = |(seq, call): &(u64, &Arc<CallRecord>)| {
            (*seq, format!("{} {}", call.method, call.path))
        };
        (calls.len(), unknown.map(to_evidence).collect())
    }
}

/// Calls that are made again and again until there is something.
fn is_polling(op: Operation) -> bool {
    matches!(
        op,
        Operation::FiFetch
            | Operation::FiStatus
            | Operation::ConsentStatus
            | Operation::ConsentFetch
    )
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
