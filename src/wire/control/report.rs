//! The contract report, in JSON and as a page of text.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::contract_report::{RuleOutcome, RuleResult};

/// How an FIU has behaved.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportView {
    pub world: String,
    /// No rule was broken.
    pub passed: bool,
    pub rules: Vec<RuleResultView>,
}

/// A rule and how it fared.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RuleResultView {
    pub rule: String,
    pub requirement: String,
    /// `pass`, `fail`, `not-tested`, `evicted`.
    pub outcome: String,
    pub cases: usize,
    pub evidence: Vec<EvidenceView>,
}

/// What was seen; `seq` is the journal's entry that shows it.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
pub struct EvidenceView {
    pub seq: u64,
    pub text: String,
}

impl ReportView {
    pub fn new(world: &str, grades: &[RuleResult]) -> Self {
        let passed = !grades
            .iter()
            .any(|grade| grade.outcome == RuleOutcome::Fail);
        Self {
            world: world.to_owned(),
            passed,
            rules: grades.iter().map(RuleResultView::from).collect(),
        }
    }
}

impl From<&RuleResult> for RuleResultView {
    fn from(grade: &RuleResult) -> Self {
        let RuleResult {
            rule,
            outcome: mark,
            evidence,
            cases,
        } = grade;
        let evidence = evidence.iter().map(|(seq, text)| EvidenceView {
            seq: *seq,
            text: text.clone(),
        });
        Self {
            rule: rule.to_string(),
            requirement: rule.requirement().to_owned(),
            outcome: mark.to_string(),
            cases: *cases,
            evidence: evidence.collect(),
        }
    }
}

/// The report as a page of text.
pub fn render_text(report: &ReportView) -> String {
    let ReportView {
        world,
        passed,
        rules,
    } = report;
    let verdict = if *passed {
        "no rule was broken"
    } else {
        "rules were broken"
    };
    let tested = rules
        .iter()
        .filter(|result| result.outcome != RuleOutcome::NotTested.as_str())
        .count();
    let mut text = format!(
        "Contract report of the world {world}: {verdict}, {tested} of {} were put to the test\n\n",
        rules.len()
    );
    let mut write_line =
        |line: String| writeln!(text, "{line}").expect("writing to a string cannot fail");
    for RuleResultView {
        rule,
        requirement: asks,
        outcome: mark,
        cases,
        evidence,
    } in rules
    {
        write_line(format!(
            "{:<11} {rule:<28} {asks} ({cases} cases)",
            mark.to_uppercase()
        ));
        for EvidenceView { seq, text } in evidence {
            write_line(format!("{:<11} journal {seq}: {text}", ""));
        }
    }
    text
}
