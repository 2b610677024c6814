//! The contract report, as an assertion.

use std::fmt;

use serde_json::Value;

use super::TestError;

/// The contract report of a world: how the FIU has behaved, rule by rule.
#[derive(Clone, Debug, PartialEq)]
pub struct WorldReport {
    content: Value,
}

impl WorldReport {
    pub(super) fn new(content: Value) -> Self {
        Self { content }
    }

    /// Returns the report as the control API answers it.
    pub fn content(&self) -> &Value {
        &self.content
    }

    /// Returns `pass`, `fail`, `not-tested` or `evicted`; `None` for a rule that does not exist.
    pub fn outcome(&self, rule: &str) -> Option<&str> {
        self.rules().find(|found| found["rule"] == rule)?["outcome"].as_str()
    }

    /// Checks that no rule is broken, and that each of these was tested.
    ///
    /// # Errors
    /// [`TestError::Contract`] with each broken rule and its evidence.
    pub fn check(&self, tested: &[&str]) -> Result<(), TestError> {
        let broken = self.rules().filter(|rule| rule["outcome"] == "fail");
        let mut problems: Vec<_> = broken.map(describe_failure).collect();
        for rule in tested {
            match self.outcome(rule) {
                Some("pass" | "fail") => {}
                Some(outcome) => problems.push(format!("{rule}: {outcome}")),
                None => problems.push(format!("{rule}: no rule has this name")),
            }
        }
        if problems.is_empty() {
            return Ok(());
        }
        Err(TestError::Contract {
            world: text(&self.content["world"]).to_owned(),
            problems: problems.join("\n"),
        })
    }

    fn rules(&self) -> impl Iterator<Item = &Value> {
        let rules = self.content["rules"].as_array();
        rules.map_or(&[][..], Vec::as_slice).iter()
    }
}

/// Writes a line for each rule.
impl fmt::Display for WorldReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for rule in self.rules() {
            writeln!(f, "{:<10}  {}", text(&rule["outcome"]), text(&rule["rule"]))?;
        }
        Ok(())
    }
}

fn describe_failure(rule: &Value) -> String {
    let evidence = rule["evidence"].as_array();
    let evidence = evidence.map_or(&[][..], Vec::as_slice).iter();
    let lines: String = evidence
        .map(|item| format!("\n    entry {}: {}", item["seq"], text(&item["text"])))
        .collect();
    format!(
        "{}: {}{lines}",
        text(&rule["rule"]),
        text(&rule["requirement"])
    )
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
