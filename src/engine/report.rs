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
const ACKNOWLEDGED_WITHIN: Millis = Millis::from_secs(5);

/// How early a call may come that was told to come later: clocks differ.
const RETRY_TOLERANCE: Millis = Millis(50);

/// How long after a duplicate an FIU's call is taken for a reaction to it, in world time.
const REACTS_WITHIN: Millis = Millis::from_secs(30);

/// Evidence told for a rule.
const EVIDENCE_MAX: usize = 10;

/// Grades a run; `evicted` is how many calls and webhooks the journal has forgotten.
pub fn grade<'a>(entries: impl Iterator<Item = &'a JournalEntry>, evicted: u64) -> Vec<RuleResult> {
    let entries: Vec<&JournalEntry> = entries.collect();
    let run = Run { entries: &entries };
    let graded = |rule: &ContractRule| {
        let (cases, mut evidence) = match rule {
            ContractRule::RejectsInvalidSignatures => {
                run.refuses(|fault| fault.must_be_rejected() && !is_stale(fault))
            }
            ContractRule::RejectsStaleMessages => run.refuses(is_stale),
            ContractRule::DeduplicatesWebhooks => run.acts_once(),
            ContractRule::AcceptsUnusualMessages => run.takes(|webhook| {
                webhook.faults.iter().any(|fault| fault.must_be_accepted())
                    && webhook.faults.iter().all(|fault| fault.must_be_accepted())
            }),
            ContractRule::AcknowledgesWebhooks => run.takes(|webhook| webhook.faults.is_empty()),
            ContractRule::AcknowledgesInTime => run.in_time(),
            ContractRule::NoRequestsAfterEnd => {
                run.asks_not(&["REVOKED", "EXPIRED", "REJECTED", "FAILED"])
            }
            ContractRule::NoRequestsWhilePaused => run.asks_not(&["PAUSED"]),
            ContractRule::HonoursRetryAfter => run.honours_retry_after(),
            ContractRule::NoRetryAfter4xx => run.retries_no_refusal(),
            ContractRule::PollsAfterMissedWebhook => run.finds_out(),
            ContractRule::CallsKnownPaths => run.calls_what_there_is(),
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
    ContractRule::ALL.iter().map(graded).collect()
}

fn is_stale(fault: WebhookFaultName) -> bool {
    matches!(
        fault,
        WebhookFaultName::StaleTimestamp | WebhookFaultName::FutureTimestamp
    )
}

/// How many cases there were, and what speaks against the FIU.
type Findings = (usize, Vec<(u64, String)>);

struct Run<'a> {
    entries: &'a [&'a JournalEntry],
}

impl<'a> Run<'a> {
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

    fn refuses(&self, bad: impl Fn(WebhookFaultName) -> bool) -> Findings {
        let sent = self.webhooks().filter(|(_, webhook)| {
            webhook.response_status.is_some() && webhook.faults.iter().any(|fault| bad(*fault))
        });
        let sent: Vec<_> = sent.collect();
        let taken = sent
            .iter()
            .filter(|(_, webhook)| webhook.response_status.is_some_and(is_success));
        let told = |(seq, webhook): &(u64, &Arc<WebhookRecord>)| {
            let faults: Vec<_> = webhook.faults.iter().map(|fault| fault.as_str()).collect();
            let status = webhook.response_status.unwrap_or_default();
            (
                *seq,
                format!(
                    "{} {} with {} was answered with {status}",
                    named_status(webhook),
                    webhook.webhook_id,
                    faults.join(", ")
                ),
            )
        };
        (sent.len(), taken.map(told).collect())
    }

    fn takes(&self, right: impl Fn(&WebhookRecord) -> bool) -> Findings {
        let sent: Vec<_> = self
            .webhooks()
            .filter(|(_, webhook)| webhook.attempt > 0 && right(webhook))
            .collect();
        let refused = sent
            .iter()
            .filter(|(_, webhook)| !webhook.response_status.is_some_and(is_success));
        let told = |(seq, webhook): &(u64, &Arc<WebhookRecord>)| {
            (
                *seq,
                format!(
                    "{} {}: {}",
                    named_status(webhook),
                    webhook.webhook_id,
                    webhook.outcome
                ),
            )
        };
        (sent.len(), refused.map(told).collect())
    }

    fn in_time(&self) -> Findings {
        // What is slow on purpose is slow to arrive.
        let own = |webhook: &WebhookRecord| !webhook.faults.contains(&WebhookFaultName::SlowBody);
        let sent: Vec<_> = self
            .webhooks()
            .filter(|(_, webhook)| webhook.attempt > 0 && own(webhook))
            .collect();
        let slow = sent
            .iter()
            .filter(|(_, webhook)| webhook.duration > ACKNOWLEDGED_WITHIN);
        let told = |(seq, webhook): &(u64, &Arc<WebhookRecord>)| {
            (
                *seq,
                format!("{} took {} ms", named_status(webhook), webhook.duration.0),
            )
        };
        (sent.len(), slow.map(told).collect())
    }

    /// A second request for data under the same consent, soon after a duplicate and before any other news of the consent,
    /// is taken for its effect. Soon is told by the world's time: what a moved clock brings about is not.
    fn acts_once(&self) -> Findings {
        let twice = |fault: &WebhookFaultName| {
            matches!(
                fault,
                WebhookFaultName::Duplicate
                    | WebhookFaultName::NearDuplicate
                    | WebhookFaultName::Burst
            )
        };
        let (mut cases, mut evidence) = (0, Vec::new());
        for (place, entry) in self.entries.iter().enumerate() {
            let JournalRecord::Webhook(first) = &entry.record else {
                continue;
            };
            let taken = first.response_status.is_some_and(is_success);
            if first.event != NotificationKind::ConsentStatus
                || first.copy_of.is_some()
                || !taken
                || !first.faults.iter().any(twice)
            {
                continue;
            }
            cases += 1;
            let soon = entry.at.saturating_add(REACTS_WITHIN);
            let after = self.entries[place + 1..]
                .iter()
                .take_while(|later| later.at <= soon);
            let other_news = |what: &JournalRecord| match what {
                JournalRecord::Webhook(webhook) => {
                    webhook.handle == first.handle
                        && webhook.event == first.event
                        && webhook.status != first.status
                }
                _ => false,
            };
            let asks = |what: &JournalRecord| matches!(what, JournalRecord::Call(call) if call.operation == Operation::FiRequest && call.handle == Some(first.handle));
            // Who acts before answering has asked before the webhook's end is on record.
            let meanwhile = self.entries[..place]
                .iter()
                .filter(|earlier| matches!(&earlier.record, JournalRecord::Call(call) if call.system_time >= first.system_time));
            let after = after.take_while(|later| !other_news(&later.record));
            let reactions: Vec<_> = meanwhile
                .chain(after)
                .filter(|entry| asks(&entry.record))
                .collect();
            if let [_, second, ..] = reactions.as_slice() {
                let what = named_status(first);
                evidence.push((
                    second.seq,
                    format!(
                        "{what} came twice, and data was asked for {} times",
                        reactions.len()
                    ),
                ));
            }
        }
        (cases, evidence)
    }

    /// No request for data, and no fetch, from the acknowledgement of such a status to that of another.
    fn asks_not(&self, statuses: &[&str]) -> Findings {
        let (mut cases, mut evidence) = (0, Vec::new());
        let mut told: Vec<(ConsentHandle, &'static str)> = Vec::new();
        for entry in self.entries {
            match &entry.record {
                JournalRecord::Webhook(webhook)
                    if webhook.event == NotificationKind::ConsentStatus
                        && webhook.response_status.is_some_and(is_success) =>
                {
                    told.retain(|(handle, _)| *handle != webhook.handle);
                    if let Some(status) = webhook.status.filter(|status| statuses.contains(status))
                    {
                        cases += 1;
                        told.push((webhook.handle, status));
                    }
                }
                JournalRecord::Call(call)
                    if matches!(call.operation, Operation::FiRequest | Operation::FiFetch) =>
                {
                    let known = told.iter().find(|(handle, _)| call.handle == Some(*handle));
                    if let Some((_, status)) = known {
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

    fn honours_retry_after(&self) -> Findings {
        let calls: Vec<_> = self.calls().collect();
        let (mut cases, mut evidence) = (0, Vec::new());
        for (place, (_, refused)) in calls.iter().enumerate() {
            let Some(wait) = refused.retry_after else {
                continue;
            };
            cases += 1;
            let same = |(_, call): &&(u64, &Arc<CallRecord>)| {
                call.operation == refused.operation
                    && (call.customer == refused.customer || refused.customer.is_none())
            };
            if let Some((seq, again)) = calls[place + 1..].iter().find(same) {
                let waited = again.system_time.duration_since(refused.system_time);
                if waited.0 + RETRY_TOLERANCE.0 < wait.0 {
                    let told = format!(
                        "{} came again after {} ms, told to wait {} ms",
                        again.operation, waited.0, wait.0
                    );
                    evidence.push((*seq, told));
                }
            }
        }
        (cases, evidence)
    }

    /// 408, 425 and 429 may be made again (RFC 9110, RFC 6585).
    fn retries_no_refusal(&self) -> Findings {
        let calls: Vec<_> = self.calls().collect();
        let (mut cases, mut evidence) = (0, Vec::new());
        for (place, (_, refused)) in calls.iter().enumerate() {
            let final_word = (400..500).contains(&refused.status)
                && ![401, 408, 425, 429].contains(&refused.status);
            // A GET may find later what is not there yet.
            if !final_word
                || refused.operation == Operation::Unknown
                || refused.method == "GET"
                || polls(refused.operation)
            {
                continue;
            }
            cases += 1;
            let same = |(_, call): &&(u64, &Arc<CallRecord>)| {
                call.path == refused.path
                    && call.method == refused.method
                    && call.request_body == refused.request_body
            };
            if let Some((seq, again)) = calls[place + 1..].iter().find(same) {
                let told = format!(
                    "{} {} again, word for word, after {}",
                    again.method, again.path, refused.status
                );
                evidence.push((*seq, told));
            }
        }
        (cases, evidence)
    }

    fn finds_out(&self) -> Findings {
        let (mut cases, mut evidence) = (0, Vec::new());
        for (seq, webhook) in self
            .webhooks()
            .filter(|(_, webhook)| webhook.faults.contains(&WebhookFaultName::Drop))
        {
            cases += 1;
            let asks = |(number, call): &(u64, &Arc<CallRecord>)| {
                *number > seq
                    && call.handle == Some(webhook.handle)
                    && call.operation != Operation::ConsentCreate
            };
            if !self.calls().any(|call| asks(&call)) {
                evidence.push((
                    seq,
                    format!(
                        "{} was dropped, and nobody has asked since",
                        named_status(webhook)
                    ),
                ));
            }
        }
        (cases, evidence)
    }

    fn calls_what_there_is(&self) -> Findings {
        let calls: Vec<_> = self.calls().collect();
        let unknown = calls
            .iter()
            .filter(|(_, call)| call.operation == Operation::Unknown);
        let told = |(seq, call): &(u64, &Arc<CallRecord>)| {
            (*seq, format!("{} {}", call.method, call.path))
        };
        (calls.len(), unknown.map(told).collect())
    }
}

/// Calls that are made again and again until there is something.
fn polls(op: Operation) -> bool {
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

fn named_status(webhook: &WebhookRecord) -> String {
    match webhook.status {
        Some(status) => format!("{} {status}", webhook.event),
        None => webhook.event.to_string(),
    }
}
