//! Results of a certification run, and their forms: text, JSON and JUnit XML.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde::{Deserialize, Serialize};

use super::judge::Judgement;
use crate::cli::terminal::Palette;
use crate::domain::journal_entry::{JournalEntry, JournalRecord};
use crate::domain::naming::wire_enum;
use crate::domain::text::{display_path, escape_controls, escape_line_controls};
use crate::scenario::certification::{Case, Family};
use crate::wire::control::journal::{BodySide, EntrySummary, RecordedBody};
use crate::wire::mask::{SecretDetail, mask_headers, mask_target, mask_text};

wire_enum! {
    /// Outcome of a case.
    Outcome {
        Passed = "passed",
        /// The FIU has not done what is expected.
        Failed = "failed",
        /// The case has shown nothing: a control was not met, or the FIU has not acted.
        Inconclusive = "inconclusive",
        /// The user's plan leaves the case out.
        NotApplicable = "not-applicable",
        /// Only a person can see the result.
        NeedsPerson = "needs-person",
    }
}

/// The result of a case.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CaseResult {
    pub id: String,
    /// The duty that the case tests.
    pub family: String,
    /// The condition of the case.
    pub title: String,
    pub outcome: Outcome,
    /// The expectation that is not met and what there was instead, the reason why there is no
    /// result, or the question to a person.
    pub reasons: Vec<String>,
    pub evidence: Vec<Evidence>,
    pub duration_ms: u64,
}

impl CaseResult {
    pub(super) fn new(
        family: &Family,
        case: &Case,
        judgement: Judgement,
        duration: Duration,
    ) -> Self {
        let Judgement {
            outcome,
            reasons,
            evidence,
        } = judgement;
        Self {
            id: case.id.clone(),
            family: family.name.clone(),
            title: case.title.clone(),
            outcome,
            reasons,
            evidence,
            duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// A message of a case, with the FIU's answer or the AA's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Evidence {
    /// Number of the entry in the journal.
    pub seq: u64,
    pub summary: String,
    /// The request as it was sent: its first line, headers and body. Secrets are masked.
    pub request: String,
    /// The answer, its status first.
    pub answer: String,
}

impl Evidence {
    /// Returns a call or a webhook as evidence; `None` for other entries.
    pub(super) fn of_entry(entry: &JournalEntry) -> Option<Self> {
        let (first_line, headers, answer_status, answer_headers, answer_body) = match &entry.record
        {
            JournalRecord::Call(call) => {
                let mut body = RecordedBody::of_entry(entry, BodySide::Answer, SecretDetail::Mask)?;
                if let Some(length) = body.cut_length() {
                    let note = format!("\n(cut: {} of {length} bytes)", body.bytes.len());
                    body.bytes.extend(note.into_bytes());
                }
                (
                    format!("{} {}", call.method, mask_target(&call.path)),
                    call.headers.to_list(),
                    call.status.to_string(),
                    render_headers(&call.response_headers.to_list()),
                    body.bytes,
                )
            }
            JournalRecord::Webhook(webhook) if webhook.attempt > 0 => (
                format!("POST {}", mask_target(&webhook.url)),
                webhook.headers.clone(),
                webhook
                    .response_status
                    .map_or_else(|| webhook.outcome.clone(), |status| status.to_string()),
                String::new(),
                mask_text(&String::from_utf8_lossy(&webhook.response_body)).into_bytes(),
            ),
            _ => return None,
        };
        let body = RecordedBody::of_entry(entry, BodySide::Request, SecretDetail::Mask)?;
        let headers = render_headers(&headers);
        let cut = body.cut_length().map_or_else(String::new, |length| {
            format!("\n(cut: {} of {length} bytes)", body.bytes.len())
        });
        let body = format!("{}{cut}", String::from_utf8_lossy(&body.bytes));
        let answer_body = String::from_utf8_lossy(&answer_body);
        Some(Self {
            seq: entry.seq,
            summary: format!("{}{}", EntrySummary::from(entry), list_faults(entry)),
            request: escape_line_controls(&format!("{first_line}\n{headers}\n{body}")).into_owned(),
            answer: escape_line_controls(&format!(
                "{answer_status}\n{answer_headers}\n{answer_body}"
            ))
            .into_owned(),
        })
    }
}

/// Returns the faults of a message, which its summary does not have.
fn list_faults(entry: &JournalEntry) -> String {
    let faults: Vec<&str> = match &entry.record {
        JournalRecord::Call(call) => call.faults.iter().map(|it| it.as_str()).collect(),
        JournalRecord::Webhook(webhook) => webhook.faults.iter().map(|it| it.as_str()).collect(),
        _ => Vec::new(),
    };
    if faults.is_empty() {
        return String::new();
    }
    format!(", with {}", faults.join(", "))
}

fn render_headers(headers: &[(String, String)]) -> String {
    let masked = mask_headers(headers);
    let lines = masked
        .iter()
        .map(|(name, value)| format!("{name}: {value}\n"));
    lines.collect()
}

/// The results of a run.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CertificationResults {
    /// Name of the suite.
    pub suite: String,
    pub title: String,
    /// The version of mockaa.
    pub version: String,
    /// Base URL of the FIU.
    pub fiu_url: String,
    /// Seed of all ids and data.
    pub seed: u64,
    /// System time of the start.
    pub started_at: String,
    /// Number of the cases that have or will have a result.
    pub planned: usize,
    pub cases: Vec<CaseResult>,
    /// The ids of the suite's cases, in their order.
    #[serde(skip)]
    pub order: Vec<String>,
    /// Results of the cases that are to be played yet.
    #[serde(skip)]
    pub unplayed: Vec<CaseResult>,
}

impl CertificationResults {
    /// Reads the results of an earlier run.
    ///
    /// # Errors
    /// The file cannot be read, or has no results.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }

    /// Returns whether a case has a result, and has passed.
    pub(super) fn has_passed(&self, id: &str) -> bool {
        let mut cases = self.cases.iter();
        cases.any(|case| case.id == id && case.outcome == Outcome::Passed)
    }

    /// Adds the result of a case in its place, or replaces an earlier one.
    pub(super) fn put(&mut self, result: CaseResult) {
        self.cases.retain(|case| case.id != result.id);
        self.unplayed.retain(|case| case.id != result.id);
        self.cases.push(result);
        let place = |id: &str| self.order.iter().position(|other| other == id);
        self.cases.sort_by_key(|case| place(&case.id));
    }

    pub(super) fn count(&self, outcome: Outcome) -> usize {
        let cases = self.cases.iter();
        cases.filter(|case| case.outcome == outcome).count()
    }

    /// Returns the last lines of the text form.
    pub(super) fn summary(&self) -> String {
        let counts: Vec<_> = Outcome::ALL
            .iter()
            .filter_map(|outcome| {
                let count = self.count(*outcome);
                (count > 0).then(|| format!("{count} {}", outcome.as_str().replace('-', " ")))
            })
            .collect();
        let ran = self.count(Outcome::Passed) + self.count(Outcome::Failed);
        let mut summary = format!(
            "{} of {} cases: {}\n{ran} ran without a person",
            self.cases.len(),
            self.planned,
            counts.join(", ")
        );
        let inconclusive = self.count(Outcome::Inconclusive);
        if inconclusive > 0 {
            summary += &format!(
                "\nwarning: {inconclusive} inconclusive; --strict counts them as failures"
            );
        }
        summary
    }

    /// Returns the families in the order of the suite, each with its numbers of outcomes.
    pub(super) fn families(&self) -> Vec<(&str, BTreeMap<Outcome, usize>)> {
        let mut families: Vec<(&str, BTreeMap<Outcome, usize>)> = Vec::new();
        for case in &self.cases {
            let known = families.iter().position(|(name, _)| *name == case.family);
            let index = known.unwrap_or(families.len());
            if known.is_none() {
                families.push((&case.family, BTreeMap::new()));
            }
            let counts = &mut families[index].1;
            *counts.entry(case.outcome).or_default() += 1;
        }
        families
    }

    /// Prints the families, and the counts of each.
    pub(super) fn print_families(&self) {
        println!();
        for (name, counts) in self.families() {
            let total: usize = counts.values().sum();
            let passed = counts.get(&Outcome::Passed).copied().unwrap_or_default();
            let others: Vec<_> = counts
                .iter()
                .filter(|(outcome, _)| **outcome != Outcome::Passed)
                .map(|(outcome, count)| format!(", {count} {}", outcome.as_str().replace('-', " ")))
                .collect();
            println!("{passed:>3} of {total:>2}  {name}{}", others.concat());
        }
    }

    /// Writes the results as JSON.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn write_json(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        write_file(path, &text)
    }

    /// Writes the results as JUnit XML. `error` is the reason why the run ended early.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn write_junit(&self, path: &Path, error: Option<&str>) -> anyhow::Result<()> {
        let mut report = Report::new(self.title.as_str());
        let all = || self.cases.iter().chain(&self.unplayed);
        let mut families: Vec<&str> = Vec::new();
        for case in all() {
            if !families.contains(&&*case.family) {
                families.push(&case.family);
            }
        }
        for family in families {
            let mut suite = TestSuite::new(family);
            for case in all().filter(|case| case.family == family) {
                suite.add_test_case(case.to_junit(&self.suite));
            }
            report.add_test_suite(suite);
        }
        if let Some(error) = error {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(error).set_description(error);
            let mut suite = TestSuite::new("mockaa certify");
            suite.add_test_case(TestCase::new("the run is completed", status));
            report.add_test_suite(suite);
        }
        // XML 1.0 has no form for these two.
        let text = report.to_string()?;
        write_file(path, &text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}"))
    }
}

pub(super) fn write_file(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", display_path(path)))
}

impl CaseResult {
    /// Prints the result as text.
    pub(super) fn print(&self) {
        let palette = Palette::of_stdout();
        let verdict = match self.outcome {
            Outcome::Passed => "ok  ",
            Outcome::Failed => "FAIL",
            Outcome::Inconclusive | Outcome::NotApplicable => "skip",
            Outcome::NeedsPerson => "ask ",
        };
        println!(
            "{} {:<13} {}: {}",
            palette.paint_state(verdict),
            self.id,
            self.family,
            self.title
        );
        for reason in &self.reasons {
            let reason = escape_line_controls(reason).replace('\n', "\n       ");
            println!("       {reason}");
        }
        if self.outcome == Outcome::Failed {
            for evidence in &self.evidence {
                println!("       {}", escape_controls(&evidence.summary));
            }
        }
    }

    fn to_junit(&self, suite: &str) -> TestCase {
        let text = self.reasons.join("\n");
        let status = match self.outcome {
            Outcome::Passed => TestCaseStatus::success(),
            Outcome::Failed => {
                let evidence = self
                    .evidence
                    .iter()
                    .map(|it| format!("\n\n{}\n{}\n\n{}", it.summary, it.request, it.answer));
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status
                    .set_message(self.reasons.first().map_or("", String::as_str))
                    .set_description(format!("{text}{}", evidence.collect::<String>()));
                status
            }
            Outcome::Inconclusive | Outcome::NotApplicable | Outcome::NeedsPerson => {
                let mut status = TestCaseStatus::skipped();
                status.set_message(format!("{}: {text}", self.outcome));
                status
            }
        };
        let mut case = TestCase::new(format!("{} {}", self.id, self.title), status);
        case.set_classname(suite)
            .set_time(Duration::from_millis(self.duration_ms));
        case
    }
}
