//! Rules about the FIU's reaction to answers on which it must not rely.

use super::Findings;
use super::history::{FiuCall, REACTION_WINDOW, RunHistory};
use super::reactions::{is_approval_known, is_session_announced};
use crate::domain::api_fault::ApiFaultName;
use crate::domain::call_facts::{AnswerDefect, ApiFamily};
use crate::domain::operation::Operation;

/// Returns the calls that rely on the answer to an operation: on the handle of a new consent, the
/// consent id of a status, the signature of an artefact, the id of a session.
const fn operations_after(operation: Operation) -> &'static [Operation] {
    match operation {
        Operation::ConsentCreate => &[
            Operation::ConsentStatus,
            Operation::ConsentFetch,
            Operation::FiRequest,
        ],
        Operation::ConsentStatus => &[Operation::ConsentFetch, Operation::FiRequest],
        Operation::ConsentFetch => &[Operation::FiRequest],
        Operation::FiRequest => &[Operation::FiFetch],
        _ => &[],
    }
}

/// Checks that the FIU does not rely on an answer to another request.
pub(super) fn check_foreign_answers(run: &RunHistory<'_>) -> Findings {
    let mut findings = check_continuation(run, AnswerDefect::ForeignTxnid);
    let repeated = check_repeated_answers(run);
    findings.cases += repeated.cases;
    findings.evidence.extend(repeated.evidence);
    findings
}

/// Checks that the FIU does not rely on an answer with this defect. A call counts if neither a
/// reliable answer nor a valid webhook has given the FIU what the call needs.
///
/// An answer is a case only if it tells the FIU something that lets it continue, and only if it
/// shows whether the FIU relies on it: a webhook that says the same hides that.
pub(super) fn check_continuation(run: &RunHistory<'_>, defect: AnswerDefect) -> Findings {
    let mut findings = Findings::default();
    for answer in &run.calls {
        let record = answer.record;
        let next_operations = operations_after(record.operation);
        if !record.facts.defects.contains(&defect)
            || record.faults.contains(&ApiFaultName::StaleResponse)
            || record.is_broken()
            || next_operations.is_empty()
            || !tells_news(run, answer)
        {
            continue;
        }
        let continuations: Vec<_> = run
            .calls
            .iter()
            .filter(|call| {
                next_operations.contains(&call.record.operation)
                    && call.record.handle == record.handle
                    && (record.operation != Operation::FiRequest
                        || call.record.facts.session == record.facts.session)
                    && call.record.arrived_at() >= record.system_time
            })
            .collect();
        let unexplained = continuations
            .iter()
            .find(|call| !has_other_source(run, answer, call));
        let is_read_again = |call: &FiuCall<'_>| {
            run.calls_of(record.operation).any(|other| {
                other.seq > answer.seq
                    && other.record.handle == record.handle
                    && other.record.is_reliable()
                    && other.record.system_time <= call.record.arrived_at()
            })
        };
        if continuations.first().is_none_or(|call| is_read_again(call)) || unexplained.is_some() {
            findings.cases += 1;
        }
        if let Some(call) = unexplained {
            let text = format!(
                "{} relies on the answer of {} in journal {}, {}",
                call.record.operation,
                record.operation,
                answer.seq,
                describe_defect(defect)
            );
            findings.add_evidence(call.seq, text);
        }
    }
    findings
}

/// Returns whether an answer tells the FIU something on which it can rely and that it does not know.
fn tells_news(run: &RunHistory<'_>, answer: &FiuCall<'_>) -> bool {
    let Some(handle) = answer.record.handle else {
        return false;
    };
    let is_result = answer.record.operation != Operation::ConsentStatus
        || run.was_approved_before(handle, answer.seq);
    is_result && !has_other_source(run, answer, answer)
}

/// Checks that the FIU does not take the answer to an earlier data request for that to a new one:
/// that it does not fetch at once what it has fetched. What other calls answer twice leads the FIU
/// nowhere that it has not been.
fn check_repeated_answers(run: &RunHistory<'_>) -> Findings {
    let mut findings = Findings::default();
    for answer in run.calls_of(Operation::FiRequest) {
        let record = answer.record;
        if !record.facts.defects.contains(&AnswerDefect::ForeignTxnid)
            || !record.faults.contains(&ApiFaultName::StaleResponse)
        {
            continue;
        }
        let fetches = || {
            run.calls_of(Operation::FiFetch)
                .filter(|call| call.record.fiu == record.fiu && call.record.facts.has_data)
        };
        let fetched: Vec<_> = fetches()
            .filter(|call| call.seq < answer.seq && call.record.is_surely_received())
            .map(|call| call.record.facts.session)
            .collect();
        if fetched.is_empty() {
            continue;
        }
        findings.cases += 1;
        let repeated = fetches().find(|call| {
            call.record.arrived_at() >= record.system_time
                && call.at <= answer.at.saturating_add(REACTION_WINDOW)
                && fetched.contains(&call.record.facts.session)
        });
        if let Some(call) = repeated {
            let text = format!(
                "{} relies on the answer of {} in journal {}, which repeats an earlier one",
                call.record.operation, record.operation, answer.seq
            );
            findings.add_evidence(call.seq, text);
        }
    }
    findings
}

const fn describe_defect(defect: AnswerDefect) -> &'static str {
    match defect {
        AnswerDefect::InvalidSignature => "whose signature does not match",
        AnswerDefect::TamperedArtefact => "whose artefact was tampered with",
        AnswerDefect::Misdated => "whose timestamp is more than 15 minutes off",
        AnswerDefect::ForeignTxnid => "whose txnid is that of another request",
        AnswerDefect::Malformed => "which breaks its schema",
    }
}

/// Returns whether the FIU can have what a call needs from elsewhere than a defective answer.
fn has_other_source(run: &RunHistory<'_>, answer: &FiuCall<'_>, call: &FiuCall<'_>) -> bool {
    let arrival = call.record.arrived_at();
    match answer.record.operation {
        Operation::ConsentCreate => run
            .webhooks
            .iter()
            .any(|webhook| webhook.is_credible() && webhook.announces(call.record.handle, arrival)),
        Operation::ConsentStatus => is_approval_known(run, call),
        Operation::ConsentFetch => run.calls_of(Operation::ConsentFetch).any(|other| {
            other.record.handle == call.record.handle
                && other.record.is_reliable()
                && other.record.system_time <= arrival
        }),
        Operation::FiRequest => is_session_announced(run, call),
        _ => true,
    }
}

/// Checks that the FIU reads an artefact or data again after a response that broke off. A consent
/// that has ended or is paused since then needs no artefact and gives no data.
pub(super) fn check_broken_reads(run: &RunHistory<'_>) -> Findings {
    let mut findings = Findings::default();
    for broken in &run.calls {
        let record = broken.record;
        let is_read = match record.operation {
            Operation::FiFetch => true,
            Operation::ConsentFetch => record.facts.api == Some(ApiFamily::Rebit),
            _ => false,
        };
        let Some(handle) = record
            .handle
            .filter(|_| is_read && record.is_success() && record.is_broken())
        else {
            continue;
        };
        findings.cases += 1;
        let is_unneeded = run
            .status_changes(handle)
            .any(|(seq, status)| seq > broken.seq && status.as_str() != "ACTIVE");
        let was_read = run.calls_of(record.operation).any(|call| {
            call.seq != broken.seq
                && call.record.handle == record.handle
                && call.record.facts.session == record.facts.session
                && (call.record.arrived_at() >= record.system_time || call.record.is_reliable())
        });
        if !is_unneeded && !was_read {
            let text = format!(
                "the response to {} broke off, and was not read again",
                record.operation
            );
            findings.add_evidence(broken.seq, text);
        }
    }
    findings
}
