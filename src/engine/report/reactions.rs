//! Rules about the calls that follow a webhook, or a webhook that was not sent.

use super::Findings;
use super::history::{FiuCall, REACTION_WINDOW, RunHistory, SentWebhook};
use crate::domain::call_facts::ApiFamily;
use crate::domain::journal_entry::{CallRecord, WebhookRecord};
use crate::domain::notification::NotificationKind;
use crate::domain::operation::Operation;
use crate::domain::webhook_fault::WebhookFaultName;

/// Returns the call by which an FIU reacts to a webhook of this kind.
const fn reaction_to(kind: NotificationKind) -> Option<Operation> {
    match kind {
        NotificationKind::ConsentStatus => Some(Operation::FiRequest),
        NotificationKind::FiStatus => Some(Operation::FiFetch),
        NotificationKind::FiData | NotificationKind::Analytics => None,
    }
}

/// Checks that a duplicated webhook causes one reaction, in APIs that have a call for it.
pub(super) fn check_duplicates(run: &RunHistory<'_>) -> Findings {
    let mut findings = Findings::default();
    for webhook in run.webhooks.iter().filter(|webhook| is_duplicated(webhook)) {
        let Some(operation) = reaction_to(webhook.record.event)
            .filter(|operation| run.has_operation(webhook.record.api, *operation))
        else {
            continue;
        };
        findings.cases += 1;
        let reactions = reactions_to(run, webhook, operation);
        let mut repeated = reactions.iter().enumerate().filter(|(index, later)| {
            reactions[..*index]
                .iter()
                .any(|earlier| is_repetition(earlier.record, later.record))
        });
        let expected = count_unanswered_before(run, webhook, operation);
        if let Some((_, call)) = repeated.nth(expected) {
            let status = webhook.describe_status();
            let text = match operation {
                Operation::FiRequest => {
                    format!(
                        "{status} was sent twice, and data was requested {} times",
                        reactions.len()
                    )
                }
                _ => format!(
                    "{status} was sent twice, and data was fetched {} times",
                    reactions.len()
                ),
            };
            findings.add_evidence(call.seq, text);
        }
    }
    findings
}

fn is_duplicated(webhook: &SentWebhook<'_>) -> bool {
    webhook.record.copy_of.is_none()
        && webhook.record.is_accepted()
        && webhook.record.faults.iter().any(|fault| {
            matches!(
                fault,
                WebhookFaultName::Duplicate
                    | WebhookFaultName::NearDuplicate
                    | WebhookFaultName::Burst
            )
        })
}

/// Returns the number of messages about the subject of a webhook that came shortly before it and to
/// which the FIU has not reacted: the reactions to them may come after it.
fn count_unanswered_before(
    run: &RunHistory<'_>,
    webhook: &SentWebhook<'_>,
    operation: Operation,
) -> usize {
    let unanswered = run.webhooks.iter().filter(|earlier| {
        earlier.seq < webhook.seq
            && is_other_message(earlier.record, webhook.record)
            && earlier.record.attempt > 0
            && earlier.at.saturating_add(REACTION_WINDOW) >= webhook.at
            && reactions_to(run, earlier, operation).is_empty()
    });
    unanswered.count()
}

/// Returns the calls of an operation after a webhook, within [`REACTION_WINDOW`] and before another
/// message about its subject. The window is in world time, so that calls after an advance of the clock
/// do not count. An FIU that acts before it answers makes its call before the webhook's end is
/// recorded.
fn reactions_to<'a>(
    run: &RunHistory<'a>,
    webhook: &SentWebhook<'_>,
    operation: Operation,
) -> Vec<FiuCall<'a>> {
    let first = webhook.record;
    let deadline = webhook.at.saturating_add(REACTION_WINDOW);
    let next_status = run
        .webhooks
        .iter()
        .find(|later| later.seq > webhook.seq && is_other_message(later.record, first))
        .map_or(u64::MAX, |later| later.seq);
    run.calls_of(operation)
        .filter(|call| {
            call.record.handle == Some(first.handle)
                && (first.session.is_none() || call.record.facts.session == first.session)
                && call.record.system_time >= first.system_time
                && call.at <= deadline
                && call.seq < next_status
        })
        .collect()
}

/// Returns whether a webhook is another message about the same subject, no copy and no new attempt.
/// The status may be the same: FIPs answer one after the other.
fn is_other_message(webhook: &WebhookRecord, first: &WebhookRecord) -> bool {
    webhook.handle == first.handle
        && webhook.event == first.event
        && webhook.session == first.session
        && webhook.delivery != first.delivery
        && webhook.copy_of.is_none()
}

/// Returns whether a call asks for what an earlier one has obtained.
fn is_repetition(earlier: &CallRecord, later: &CallRecord) -> bool {
    if !earlier.is_surely_received() {
        return false;
    }
    match (&earlier.facts.range, &later.facts.range) {
        (Some(first), Some(second)) => first.overlaps(second),
        _ => {
            earlier.facts.has_data
                && earlier.request_facts().content == later.request_facts().content
        }
    }
}

/// Returns whether a data request is the second one after a duplicated webhook, which
/// [`check_duplicates`] grades.
pub(super) fn follows_duplicate(run: &RunHistory<'_>, seq: u64) -> bool {
    run.webhooks
        .iter()
        .filter(|webhook| is_duplicated(webhook))
        .any(|webhook| {
            reactions_to(run, webhook, Operation::FiRequest)
                .iter()
                .any(|call| call.seq == seq)
        })
}

/// Checks that the FIU does not act on a webhook that it has to reject, whatever it answers. A call
/// counts if it comes within [`REACTION_WINDOW`] and nothing else explains it.
///
/// `Assumption:` a fetch soon after an invalid data notification is a reaction to it, unless the
/// FIU has polled this session before or polls other sessions.
pub(super) fn check_invalid_webhooks(run: &RunHistory<'_>) -> Findings {
    let mut findings = Findings::default();
    for webhook in &run.webhooks {
        if webhook.record.attempt == 0 || !webhook.is_invalid() {
            continue;
        }
        let Some(claimed_status) = webhook.record.facts.claimed_status.as_deref() else {
            continue;
        };
        let operations: &[Operation] = match (webhook.record.event, claimed_status) {
            (NotificationKind::ConsentStatus, "ACTIVE" | "READY") => {
                &[Operation::ConsentFetch, Operation::FiRequest]
            }
            (NotificationKind::FiStatus, _) => &[Operation::FiFetch],
            _ => continue,
        };
        let is_actionable = reaction_to(webhook.record.event)
            .is_some_and(|operation| run.has_operation(webhook.record.api, operation));
        if !is_actionable {
            continue;
        }
        findings.cases += 1;
        let deadline = webhook.at.saturating_add(REACTION_WINDOW);
        let reaction = run.calls.iter().find(|call| {
            operations.contains(&call.record.operation)
                && call.record.handle == Some(webhook.record.handle)
                && is_action(call.record)
                && call.record.arrived_at() >= webhook.record.system_time
                && call.at <= deadline
                && !is_explained(run, webhook, call)
        });
        if let Some(call) = reaction {
            let answer = webhook
                .record
                .response_status
                .map_or("without an answer".to_owned(), |status| {
                    format!("answered with {status}")
                });
            let text = format!(
                "{} follows an invalid {claimed_status} ({answer}) that nothing else confirms",
                call.record.operation
            );
            findings.add_evidence(call.seq, text);
        }
    }
    findings
}

/// Returns whether the call is more than a question to the AA: Unaport and the seed API have no
/// artefact, so reading a consent there is polling.
fn is_action(call: &CallRecord) -> bool {
    call.operation != Operation::ConsentFetch || call.facts.api == Some(ApiFamily::Rebit)
}

/// Returns whether the FIU can have learned from another source what the webhook claims.
fn is_explained(run: &RunHistory<'_>, webhook: &SentWebhook<'_>, call: &FiuCall<'_>) -> bool {
    match webhook.record.event {
        NotificationKind::ConsentStatus => is_approval_known(run, call),
        _ => is_session_known(run, webhook, call),
    }
}

/// Returns whether the FIU knows from the AA that the consent of a call was approved.
pub(super) fn is_approval_known(run: &RunHistory<'_>, call: &FiuCall<'_>) -> bool {
    let Some(handle) = call.record.handle else {
        return false;
    };
    let arrival = call.record.arrived_at();
    let was_announced = run.webhooks.iter().any(|webhook| {
        webhook.is_credible()
            && webhook.claims_approval()
            && webhook.announces(call.record.handle, arrival)
    });
    was_announced
        || run.calls.iter().any(|earlier| {
            matches!(
                earlier.record.operation,
                Operation::ConsentStatus | Operation::ConsentFetch
            ) && earlier.record.handle == Some(handle)
                && earlier.seq != call.seq
                && earlier.record.system_time <= arrival
                && earlier.record.is_reliable()
                && run.was_approved_before(handle, earlier.seq)
        })
}

fn is_session_known(run: &RunHistory<'_>, webhook: &SentWebhook<'_>, call: &FiuCall<'_>) -> bool {
    let session = call.record.facts.session;
    let arrival = call.record.arrived_at();
    if session != webhook.record.session || is_session_announced(run, call) {
        return true;
    }
    let was_listed = run.calls_of(Operation::FiStatus).any(|earlier| {
        earlier.record.handle == call.record.handle
            && earlier.record.system_time <= arrival
            && earlier.record.is_reliable()
    });
    let polls = run.calls_of(Operation::FiFetch).any(|earlier| {
        let is_before = earlier.record.arrived_at() < webhook.record.system_time;
        if earlier.record.facts.session == session {
            return is_before;
        }
        let was_notified = run.webhooks.iter().any(|other| {
            other.record.session == earlier.record.facts.session
                && other.record.attempt > 0
                && other.record.system_time <= earlier.record.arrived_at()
        });
        !was_notified
    });
    was_listed || polls
}

/// Returns whether a webhook that the FIU may believe has named the session of a call.
pub(super) fn is_session_announced(run: &RunHistory<'_>, call: &FiuCall<'_>) -> bool {
    run.webhooks.iter().any(|webhook| {
        webhook.is_credible()
            && webhook.record.event == NotificationKind::FiStatus
            && webhook.record.session == call.record.facts.session
            && webhook.record.system_time <= call.record.arrived_at()
    })
}

/// Checks that the FIU reads the status of the subject of each webhook that was dropped. A status
/// that the FIU knows without it is no case: one that a later webhook has replaced, unless it is the
/// approval for which the FIU waits, and the expiry at the date of the consent.
pub(super) fn check_missed_webhooks(run: &RunHistory<'_>) -> Findings {
    let mut findings = Findings::default();
    let dropped = run
        .webhooks
        .iter()
        .filter(|webhook| webhook.record.faults.contains(&WebhookFaultName::Drop));
    for webhook in dropped {
        let record = webhook.record;
        if is_replaced(run, webhook)
            || (record.status == Some("EXPIRED") && run.is_past_expiry(record.handle, webhook.at))
        {
            continue;
        }
        findings.cases += 1;
        let has_follow_up = run.calls.iter().any(|call| {
            call.seq > webhook.seq
                && call.record.handle == Some(record.handle)
                && match call.record.operation {
                    Operation::ConsentCreate => false,
                    Operation::FiRequest => call.record.is_success(),
                    _ => true,
                }
        });
        if !has_follow_up {
            let status = webhook.describe_status();
            let text = format!("{status} was dropped, and no call has followed that reads it");
            findings.add_evidence(webhook.seq, text);
        }
    }
    findings
}

/// Returns whether a later webhook has told the FIU of a newer status. An approval is replaced only
/// if the FIU knows of an earlier one.
fn is_replaced(run: &RunHistory<'_>, dropped: &SentWebhook<'_>) -> bool {
    let record = dropped.record;
    if record.event != NotificationKind::ConsentStatus {
        return false;
    }
    let messages = || {
        run.webhooks.iter().filter(|webhook| {
            webhook.is_credible()
                && webhook.record.event == record.event
                && webhook.record.handle == record.handle
        })
    };
    // Messages may arrive in another order.
    let order = |record: &WebhookRecord| (record.message_time, record.delivery);
    let is_first_approval = dropped.claims_approval()
        && !messages()
            .any(|webhook| order(webhook.record) < order(record) && webhook.claims_approval());
    !is_first_approval && messages().any(|webhook| order(webhook.record) > order(record))
}
