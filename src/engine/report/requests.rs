//! Rules about the requests of an FIU: signature, date, repetitions, waits, paths.

use std::collections::HashMap;

use super::Findings;
use super::history::{FiuCall, REACTION_WINDOW, RunHistory};
use super::reactions::follows_duplicate;
use crate::domain::call_facts::{MESSAGE_TOLERANCE, RequestDate, RequestSignature};
use crate::domain::contract_report::{POLL_PAUSE, POLLS_MAX};
use crate::domain::journal_entry::CallRecord;
use crate::domain::operation::Operation;
use crate::domain::time::{Millis, Timestamp};

/// Tolerance for a retry before the end of `Retry-After`, because clocks differ.
const RETRY_TOLERANCE: Millis = Millis(50);

/// Checks that each ReBIT request has a signature of a registered key over its bytes.
pub(super) fn check_signatures(run: &RunHistory<'_>) -> Findings {
    let mut findings = Findings::default();
    for call in &run.calls {
        let problem = match &call.record.facts.signature {
            None => continue,
            Some(RequestSignature::Valid) => None,
            Some(RequestSignature::Missing) => Some("x-jws-signature is missing".to_owned()),
            Some(RequestSignature::Invalid(reason)) => Some(format!("x-jws-signature: {reason}")),
        };
        findings.cases += 1;
        if let Some(problem) = problem {
            findings.add_evidence(call.seq, format!("{}: {problem}", call.record.operation));
        }
    }
    findings
}

/// Checks that each ReBIT request has a `timestamp` near the clock.
pub(super) fn check_dates(run: &RunHistory<'_>) -> Findings {
    let mut findings = Findings::default();
    for call in &run.calls {
        let problem = match &call.record.request_facts().date {
            None => continue,
            Some(RequestDate::Missing) => Some("timestamp is missing".to_owned()),
            Some(RequestDate::Unreadable(value)) => {
                Some(format!("timestamp {value} is not an ISO 8601 date-time"))
            }
            Some(RequestDate::Offset(offset)) => (offset.0.abs() > MESSAGE_TOLERANCE.0)
                .then(|| format!("timestamp is {} s off", offset.0 / 1000)),
        };
        findings.cases += 1;
        if let Some(problem) = problem {
            findings.add_evidence(call.seq, format!("{}: {problem}", call.record.operation));
        }
    }
    findings
}

/// Checks that the FIU waits for the time in `Retry-After`, by the system's clock or the world's: a
/// test moves the latter.
pub(super) fn check_retry_after(run: &RunHistory<'_>) -> Findings {
    let mut findings = Findings::default();
    for (index, rejected) in run.calls.iter().enumerate() {
        let Some(wait) = rejected.record.retry_after else {
            continue;
        };
        findings.cases += 1;
        let retry = run.calls[index + 1..].iter().find(|call| {
            call.record.arrived_at() >= rejected.record.system_time
                && is_retry(call.record, rejected.record)
        });
        if let Some(retry) = retry {
            let elapsed = elapsed_between(rejected, retry);
            if elapsed.0 + RETRY_TOLERANCE.0 < wait.0 {
                let text = format!(
                    "{} was repeated after {} ms; `Retry-After` was {} ms",
                    retry.record.operation, elapsed.0, wait.0
                );
                findings.add_evidence(retry.seq, text);
            }
        }
    }
    findings
}

/// Returns whether a call may be the retry of another one. What is not known of the first is not
/// compared: it may have been rejected before the sandbox has read it.
fn is_retry(call: &CallRecord, rejected: &CallRecord) -> bool {
    fn matches<T: PartialEq>(call: Option<&T>, rejected: Option<&T>) -> bool {
        rejected.is_none() || call == rejected
    }
    let session = rejected.facts.session.as_ref();
    call.operation == rejected.operation
        && matches(call.fiu.as_ref(), rejected.fiu.as_ref())
        && matches(call.customer.as_ref(), rejected.customer.as_ref())
        && (rejected.operation == Operation::ConsentCreate
            || matches(call.handle.as_ref(), rejected.handle.as_ref()))
        && matches(call.facts.session.as_ref(), session)
        && (rejected.operation != Operation::FiFetch
            || session.is_some()
            || call.request_facts().content == rejected.request_facts().content)
}

/// Returns the time between two responses, by the clock that has moved more.
fn elapsed_between(earlier: &FiuCall<'_>, later: &FiuCall<'_>) -> Millis {
    let system_time = later
        .record
        .system_time
        .duration_since(earlier.record.system_time);
    system_time.max(later.at.duration_since(earlier.at))
}

/// Looks for unchanged repetitions of rejected calls. 401, 408, 425 and 429 may be repeated
/// (RFC 9110, RFC 6585).
pub(super) fn check_rejected_calls(run: &RunHistory<'_>) -> Findings {
    let mut findings = Findings::default();
    for (index, FiuCall { record, .. }) in run.calls.iter().enumerate() {
        let is_final =
            (400..500).contains(&record.status) && ![401, 408, 425, 429].contains(&record.status);
        // A GET may find later what does not exist yet.
        if !is_final
            || record.operation == Operation::Unknown
            || record.method == "GET"
            || is_polling(record.operation)
        {
            continue;
        }
        findings.cases += 1;
        let retry = run.calls[index + 1..].iter().find(|call| {
            call.record.path == record.path
                && call.record.method == record.method
                && call.record.request_body == record.request_body
        });
        if let Some(retry) = retry {
            let text = format!(
                "{} {} was repeated unchanged after {}",
                record.method, record.path, record.status
            );
            findings.add_evidence(retry.seq, text);
        }
    }
    findings
}

/// Returns whether an operation is normally repeated until there is a result.
const fn is_polling(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::FiFetch
            | Operation::FiStatus
            | Operation::ConsentStatus
            | Operation::ConsentFetch
    )
}

/// Looks for calls of paths that no API has. What only a browser asks for is no call of an FIU, and a
/// path that integrators use elsewhere is no failure.
pub(super) fn check_known_paths(run: &RunHistory<'_>) -> Findings {
    let mut findings = Findings::default();
    for call in run
        .calls
        .iter()
        .filter(|call| !is_from_browser(call.record))
    {
        findings.cases += 1;
        if call.record.operation == Operation::Unknown && !call.record.facts.is_undocumented {
            let text = format!("{} {}", call.record.method, call.record.path);
            findings.add_evidence(call.seq, text);
        }
    }
    findings
}

/// Returns whether a browser makes the call by itself or because somebody has typed an address. A
/// page's own calls have another `sec-fetch-mode` (Fetch Metadata Request Headers).
fn is_from_browser(call: &CallRecord) -> bool {
    let path = call.path.split('?').next().unwrap_or_default();
    let path = match path.strip_prefix("/w/").and_then(|rest| rest.find('/')) {
        Some(end) => &path["/w/".len() + end..],
        None => path,
    };
    let is_read = matches!(call.method.as_str(), "GET" | "HEAD");
    let is_browser_path = path.is_empty()
        || (path.starts_with("/w/") && !path["/w/".len()..].contains('/'))
        || matches!(
            path,
            "/" | "/favicon.ico" | "/favicon.svg" | "/robots.txt" | "/sitemap.xml"
        )
        || path.starts_with("/apple-touch-icon")
        || path.starts_with("/.well-known/appspecific/");
    let is_navigation = call.headers.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("sec-fetch-mode") && ["navigate", "no-cors"].contains(&value)
    });
    call.operation == Operation::Unknown && is_read && (is_browser_path || is_navigation)
}

/// Looks for requests that repeat an accepted one: the same `txnid`, or the same content while the
/// first consent has not ended. Data may be requested again after [`REACTION_WINDOW`], after a
/// change of the consent, and after its session has failed. A response on which the FIU may have
/// given up does not count.
pub(super) fn check_repeated_requests(run: &RunHistory<'_>) -> Findings {
    let mut findings = Findings::default();
    for (index, call) in run.calls.iter().enumerate() {
        let operation = call.record.operation;
        if !matches!(operation, Operation::ConsentCreate | Operation::FiRequest) {
            continue;
        }
        findings.cases += 1;
        let mut earlier = run.calls[..index].iter().filter(|earlier| {
            earlier.record.operation == operation
                && earlier.record.fiu == call.record.fiu
                && earlier.record.is_surely_received()
        });
        let repeated =
            earlier.find_map(|earlier| Some((earlier.seq, find_repetition(run, earlier, call)?)));
        if let Some((first, what)) = repeated {
            let text = format!("{operation} repeats {what} of the request in journal {first}");
            findings.add_evidence(call.seq, text);
        }
    }
    findings
}

/// Returns the part of an accepted request that a later one repeats.
fn find_repetition(
    run: &RunHistory<'_>,
    earlier: &FiuCall<'_>,
    later: &FiuCall<'_>,
) -> Option<&'static str> {
    let first = &earlier.record.facts;
    let [text, later_text] = [earlier, later].map(|call| call.record.request_facts());
    if text.txnid.is_some() && text.txnid == later_text.txnid {
        return Some("the txnid");
    }
    if !text.has_same_content(
        later_text,
        elapsed_between(earlier, later).min(REACTION_WINDOW),
    ) {
        return None;
    }
    let is_superseded = match later.record.operation {
        Operation::FiRequest => {
            elapsed_between(earlier, later) > REACTION_WINDOW
                || has_changed_between(run, earlier, later)
                || first
                    .session
                    .is_some_and(|id| run.has_failed_between(id, earlier.seq, later.seq))
                || follows_duplicate(run, later.seq)
        }
        _ => earlier
            .record
            .handle
            .is_some_and(|handle| run.has_ended_between(handle, earlier.seq, later.seq)),
    };
    (!is_superseded).then_some("the content")
}

fn has_changed_between(run: &RunHistory<'_>, earlier: &FiuCall<'_>, later: &FiuCall<'_>) -> bool {
    later.record.handle.is_some_and(|handle| {
        run.status_changes(handle)
            .any(|(seq, _)| (earlier.seq..later.seq).contains(&seq))
    })
}

/// Looks for more than [`POLLS_MAX`] polls of the same thing in a row, with pauses below
/// [`POLL_PAUSE`] by both clocks. A change of the consent ends a row, and so does data.
pub(super) fn check_polling(run: &RunHistory<'_>) -> Findings {
    struct Row {
        length: usize,
        last_response: Timestamp,
        last_at: Timestamp,
        last_seq: u64,
    }
    let mut findings = Findings::default();
    let mut rows: HashMap<_, Row> = HashMap::new();
    for FiuCall { seq, at, record } in run.calls.iter().copied() {
        let Some(handle) = record.handle.filter(|_| is_polling(record.operation)) else {
            continue;
        };
        if record.facts.has_data {
            rows.remove(&(record.operation, handle, record.facts.session));
            continue;
        }
        findings.cases += 1;
        let row = rows
            .entry((record.operation, handle, record.facts.session))
            .or_insert(Row {
                length: 0,
                last_response: record.system_time,
                last_at: at,
                last_seq: seq,
            });
        let pause = record
            .arrived_at()
            .duration_since(row.last_response)
            .max(at.duration_since(row.last_at));
        let has_changed = run
            .status_changes(handle)
            .any(|(number, _)| (row.last_seq..seq).contains(&number));
        row.length = if pause >= POLL_PAUSE || has_changed {
            1
        } else {
            row.length + 1
        };
        (row.last_response, row.last_at, row.last_seq) = (record.system_time, at, seq);
        if row.length == POLLS_MAX + 1 {
            let text = format!(
                "{} was polled {} times in a row",
                record.operation, row.length
            );
            findings.add_evidence(seq, text);
        }
    }
    findings
}
