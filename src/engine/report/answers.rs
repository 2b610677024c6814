//! Rules about the FIU's reaction to answers on which it must not rely.

use super::Findings;
use super::history::{FiuCall, RunHistory};
use super::reactions::{is_approval_known, is_session_announced};
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

/// Checks that the FIU does not rely on an answer with this defect. A call counts if neither a
/// reliable answer nor a valid webhook has given the FIU what the call needs.
pub(super) fn check_continuation(run: &RunHistory<'_>, defect: AnswerDefect) -> Findings {
    let mut findings = Findings::default();
    for answer in &run.calls {
        let record = answer.record;
        let next_operations = operations_after(record.operation);
        if !record.facts.defects.contains(&defect)
            || record.is_broken()
            || record.handle.is_none()
            || next_operations.is_empty()
        {
            continue;
        }
        findings.cases += 1;
        let continuation = run.calls.iter().find(|call| {
            next_operations.contains(&call.record.operation)
                && call.record.handle == record.handle
                && (record.operation != Operation::FiRequest
                    || call.record.facts.session == record.facts.session)
                && call.record.arrived_at() >= record.system_time
                && !has_other_source(run, answer, call)
        });
        if let Some(call) = continuation {
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
