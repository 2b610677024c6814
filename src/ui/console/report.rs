//! The contract report of the FIUs of a world.

use askama::Template;

use super::ConsoleFrame;
use crate::domain::contract_report::RuleOutcome;

/// The result of a rule.
#[derive(Debug)]
pub(crate) struct RuleRow {
    pub rule: String,
    pub requirement: String,
    pub outcome: RuleOutcome,
    pub cases: usize,
    /// The numbers of entries that show the result, each with its words.
    pub evidence: Vec<(u64, String)>,
}

impl RuleRow {
    fn has_failed(&self) -> bool {
        self.outcome == RuleOutcome::Fail
    }

    /// Returns the words for the outcome and the class of their color.
    fn verdict(&self) -> (&'static str, &'static str) {
        match self.outcome {
            RuleOutcome::Pass => ("✓ kept", "tag ok"),
            RuleOutcome::Fail => ("✗ broken", "tag bad"),
            RuleOutcome::NotTested => ("not tested", "tag"),
            RuleOutcome::Evicted => ("! forgotten", "tag warn"),
        }
    }
}

/// The page of the report: broken rules first.
#[derive(Debug, Template)]
#[template(path = "console_report.html")]
pub(crate) struct ReportPage {
    console: ConsoleFrame,
    summary: String,
    rules: Vec<RuleRow>,
}

impl ReportPage {
    pub(crate) fn new(console: ConsoleFrame, mut rules: Vec<RuleRow>) -> Self {
        let count = |outcome| rules.iter().filter(|it| it.outcome == outcome).count();
        let (broken, kept, untested) = (
            count(RuleOutcome::Fail),
            count(RuleOutcome::Pass),
            count(RuleOutcome::NotTested),
        );
        let summary = format!("{broken} broken, {kept} kept, {untested} not tested");
        rules.sort_by_key(|it| match it.outcome {
            RuleOutcome::Fail => 0,
            RuleOutcome::Evicted => 1,
            RuleOutcome::Pass => 2,
            RuleOutcome::NotTested => 3,
        });
        Self {
            console,
            summary,
            rules,
        }
    }
}
