//! Owns the contract report of an FIU, in JSON and as text.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::contract_report::{ContractRule, RuleOutcome, RuleResult};
use crate::domain::text::escape_controls;
use crate::wire::mask::mask_message;

/// The contract report of an FIU.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReportView {
    pub world: String,
    /// `true` if no rule failed.
    pub passed: bool,
    pub rules: Vec<RuleResultView>,
}

/// The result of a rule.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RuleResultView {
    #[schemars(with = "ContractRule")]
    pub rule: String,
    pub requirement: String,
    /// `pass`, `fail`, `not-tested` or `evicted`.
    #[schemars(with = "RuleOutcome")]
    pub outcome: String,
    pub cases: usize,
    pub evidence: Vec<EvidenceView>,
}

/// An observation; `seq` is the journal entry that shows it.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
pub(crate) struct EvidenceView {
    pub seq: u64,
    pub text: String,
}

impl ReportView {
    /// Returns the report of a world.
    pub(crate) fn new(world: &str, results: &[RuleResult]) -> Self {
        let passed = !results
            .iter()
            .any(|result| result.outcome == RuleOutcome::Fail);
        Self {
            world: world.to_owned(),
            passed,
            rules: results.iter().map(RuleResultView::from).collect(),
        }
    }
}

impl From<&RuleResult> for RuleResultView {
    fn from(result: &RuleResult) -> Self {
        let RuleResult {
            rule,
            outcome,
            evidence,
            cases,
        } = result;
        let evidence = evidence.iter().map(|(seq, text)| EvidenceView {
            seq: *seq,
            text: escape_controls(&mask_message(text)).into_owned(),
        });
        Self {
            rule: rule.to_string(),
            requirement: rule.requirement().to_owned(),
            outcome: outcome.to_string(),
            cases: *cases,
            evidence: evidence.collect(),
        }
    }
}

/// Returns the report as text.
pub(crate) fn render_text(report: &ReportView) -> String {
    let ReportView { world, rules, .. } = report;
    let failed = rules
        .iter()
        .filter(|result| result.outcome == RuleOutcome::Fail.as_str())
        .count();
    let verdict = match failed {
        0 => "no rule failed".to_owned(),
        1 => "1 rule failed".to_owned(),
        _ => format!("{failed} rules failed"),
    };
    let tested = rules
        .iter()
        .filter(|result| result.outcome != RuleOutcome::NotTested.as_str())
        .count();
    let mut text = format!(
        "Contract report of world {world}: {verdict}, {tested} of {} tested\n\n",
        rules.len()
    );
    for RuleResultView {
        rule,
        requirement,
        outcome,
        cases,
        evidence,
    } in rules
    {
        writeln!(
            text,
            "{:<11} {rule:<28} {requirement} ({cases} cases)",
            outcome.to_uppercase()
        )
        .expect("writing to a string cannot fail");
        for EvidenceView {
            seq,
            text: observation,
        } in evidence
        {
            writeln!(text, "{:<11} journal {seq}: {observation}", "")
                .expect("writing to a string cannot fail");
        }
    }
    text
}
