//! Judges a case: by its expectations, of which the first are controls, and by the rules of the
//! contract report.

use serde_json::Value;

use super::results::{Evidence, Outcome};
use crate::domain::expectation::{Expectation, ExpectationStatus, ExpectationTarget, Verdict};
use crate::domain::ids::ConsentHandle;
use crate::domain::journal_entry::{JournalEntry, JournalRecord};
use crate::domain::text::quote_value;
use crate::engine::world::World;
use crate::http::routes::has_operation;
use crate::scenario::certification::{Case, Check, Family, Script};
use crate::wire::control::journal::VerdictView;

/// Maximum number of messages that the result of a case shows.
const EVIDENCE_MAX: usize = 20;

/// The part of a run that belongs to a case.
#[derive(Clone, Copy, Debug)]
pub(super) struct CaseSpan {
    pub handle: ConsentHandle,
    /// The numbers of the journal entries before the first and of the last.
    pub journal_after: u64,
    pub journal_until: u64,
}

/// The judgement of a case that was played.
#[derive(Debug)]
pub(super) struct Judgement {
    pub outcome: Outcome,
    pub reasons: Vec<String>,
    pub evidence: Vec<Evidence>,
}

/// The end of a case without a judgement, with the reason.
#[derive(Debug)]
pub(super) struct EarlyEnd(pub String);

impl From<EarlyEnd> for Judgement {
    fn from(EarlyEnd(reason): EarlyEnd) -> Self {
        Self {
            outcome: Outcome::Inconclusive,
            reasons: vec![reason],
            evidence: Vec::new(),
        }
    }
}

/// Evaluates the expectations of a case, and the rules of the contract report that judge the same.
pub(super) fn judge_case(
    world: &World,
    (family, case): (&Family, &Case),
    script: &Script,
    span: CaseSpan,
) -> Judgement {
    let mut judgement = judge_expectations(world, script, span);
    apply_contract(world, (family, case), span, &mut judgement);
    judgement
}

fn judge_expectations(world: &World, script: &Script, span: CaseSpan) -> Judgement {
    let mut evidence = Vec::new();
    let (mut unmet_controls, mut unmet, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    let mut answer = None;
    for (expectation, number) in script.plan.expectations.iter().zip(0..) {
        let about_consent = about_consent(expectation, span.handle);
        let queries = world.catch_up();
        let mut verdict = queries.evaluate_expectation_after(&about_consent, span.journal_after);
        let is_about_consent = |entry: &JournalEntry| entry.handle == Some(span.handle);
        verdict
            .near_misses
            .retain(|miss| is_about_consent(&miss.entry));
        let near = verdict.near_misses.iter().map(|miss| &miss.entry);
        add_evidence(&mut evidence, verdict.matches.iter().chain(near));
        let list = match verdict.status {
            ExpectationStatus::Met => continue,
            _ if number < script.control_count => &mut unmet_controls,
            ExpectationStatus::Unmet => &mut unmet,
            ExpectationStatus::Evicted | ExpectationStatus::Untested => &mut unknown,
        };
        list.push(format!("expected {}", explain(expectation, &verdict)));
        answer = answer.or_else(|| describe_answer(expectation, &verdict));
    }
    let (outcome, reasons) = if !unmet_controls.is_empty() {
        let reasons = unmet_controls.into_iter();
        let reasons = reasons.map(|reason| format!("the control is not met: {reason}"));
        (Outcome::Inconclusive, reasons.collect())
    } else if !unmet.is_empty() {
        unmet.splice(0..0, answer);
        (Outcome::Failed, unmet)
    } else if !unknown.is_empty() {
        (Outcome::Inconclusive, unknown)
    } else {
        (Outcome::Passed, Vec::new())
    };
    Judgement {
        outcome,
        reasons,
        evidence,
    }
}

/// Returns the FIU's answer to a notification that it has to refuse, beside the expected one.
fn describe_answer(expectation: &Expectation, verdict: &Verdict) -> Option<String> {
    let ExpectationTarget::Webhook {
        response_status: Some(expected),
        fault,
        response,
        ..
    } = &expectation.target
    else {
        return None;
    };
    let entries = verdict.matches.iter();
    let entries = entries.chain(verdict.near_misses.iter().map(|miss| &miss.entry));
    let mut webhooks = entries.filter_map(|entry| match &entry.record {
        JournalRecord::Webhook(webhook) => Some(webhook),
        _ => None,
    });
    let webhook = webhooks.find(|webhook| fault.is_none_or(|it| webhook.faults.contains(&it)))?;
    let status = webhook.response_status?;
    if expectation.count.at_most == Some(0) {
        return Some(format!(
            "your FIU answered {status} to a notification that it has to refuse"
        ));
    }
    let answer: Value = serde_json::from_slice(&webhook.response_body).unwrap_or_default();
    let code = answer["errorCode"].as_str();
    let code = code.map_or_else(
        || "without `errorCode`".to_owned(),
        |code| format!("with `errorCode` {}", quote_value(code)),
    );
    Some(format!(
        "your FIU answered {status} {code}; the case expects {expected}{response}"
    ))
}

/// Lets a case fail for which the contract report has evidence against the FIU: where both judge the
/// same, they agree.
fn apply_contract(
    world: &World,
    (family, case): (&Family, &Case),
    span: CaseSpan,
    judgement: &mut Judgement,
) {
    let rules = family.contract_rules(case);
    if rules.is_empty() || !matches!(judgement.outcome, Outcome::Passed | Outcome::Failed) {
        return;
    }
    let contract = world.catch_up().grade_contract_in_full(has_operation);
    for rule in contract.iter().filter(|rule| rules.contains(&rule.rule)) {
        for (seq, text) in &rule.evidence {
            let entry = world.catch_up().journal_entry(*seq);
            let Some(entry) = entry.ok().filter(|entry| is_of_case(family, span, entry)) else {
                continue;
            };
            judgement.outcome = Outcome::Failed;
            let reason = format!("contract report, {}: {text}", rule.rule);
            judgement.reasons.push(reason);
            add_evidence(&mut judgement.evidence, [&entry]);
        }
    }
}

/// Returns whether evidence of the contract report belongs to a case.
fn is_of_case(family: &Family, span: CaseSpan, entry: &JournalEntry) -> bool {
    let is_in_span = (span.journal_after + 1..=span.journal_until).contains(&entry.seq);
    let is_of_call = match &entry.record {
        JournalRecord::Call(call) if family.check == Check::Call => {
            Some(call.operation) == family.op
        }
        _ => true,
    };
    let is_of_consent = match family.check {
        // A request that was refused is about no consent.
        Check::Call | Check::Journey => entry.handle.is_none_or(|it| it == span.handle),
        _ => entry.handle == Some(span.handle),
    };
    is_in_span && is_of_call && is_of_consent
}

/// Returns an expectation about one consent only.
fn about_consent(expectation: &Expectation, handle: ConsentHandle) -> Expectation {
    let mut expectation = expectation.clone();
    let subject = match &mut expectation.target {
        ExpectationTarget::Call { subject, .. }
        | ExpectationTarget::Event { subject, .. }
        | ExpectationTarget::Webhook { subject, .. }
        | ExpectationTarget::State { subject, .. } => subject,
    };
    subject.handle = Some(handle);
    expectation
}

/// Returns an expectation with its verdict in words.
fn explain(expectation: &Expectation, verdict: &Verdict) -> String {
    let view = VerdictView::new(expectation, verdict);
    format!("{expectation}\n{}", view.explanation().join("\n"))
}

pub(super) fn add_evidence<'a>(
    evidence: &mut Vec<Evidence>,
    entries: impl IntoIterator<Item = &'a JournalEntry>,
) {
    for entry in entries {
        let is_new = evidence.iter().all(|known| known.seq != entry.seq);
        if is_new && evidence.len() < EVIDENCE_MAX {
            evidence.extend(Evidence::of_entry(entry));
        }
    }
    evidence.sort_by_key(|it| it.seq);
}
