//! Results of `mockaa run`, and their forms: text, JSON, annotations of GitHub Actions and JUnit
//! XML.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use quick_junit::{NonSuccessKind, Report, SerializeError, TestCaseStatus, TestSuite};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::cli::UsageError;
use crate::cli::github::{Level, format_annotation};
use crate::cli::terminal::Palette;
use crate::domain::naming::wire_enum;
use crate::domain::scenario_plan::SourceLocation;
use crate::domain::text::{display_path, escape_controls, escape_line_controls};
use crate::wire::control::report::{ReportView, render_text};

/// The results of a run so far.
#[derive(Debug)]
pub(super) struct RunResults {
    pub played: Vec<ScenarioResult>,
    pub skipped: Vec<SkippedScenario>,
    started_at: Instant,
}

/// The result of a scenario file that was played.
#[derive(Debug)]
pub(super) struct ScenarioResult {
    pub file: String,
    pub name: String,
    /// The position of the name in the file.
    pub location: SourceLocation,
    pub cases: Vec<TestCase>,
    pub report: ReportView,
    /// The journal of the world, one entry per line.
    pub journal: String,
    pub duration: Duration,
}

/// A graded item of a scenario file, a JUnit test case.
#[derive(Debug)]
pub(super) struct TestCase {
    pub name: String,
    /// The position of the item in the file; `None` if it concerns the whole file.
    pub location: Option<SourceLocation>,
    pub outcome: CaseOutcome,
    pub duration: Duration,
}

/// The outcome of a test case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CaseOutcome {
    Passed,
    /// With the reason, one or more lines.
    Failed(String),
    /// With the reason why the case could not be tested.
    Skipped(String),
}

/// A scenario that was not played.
#[derive(Debug)]
pub(super) struct SkippedScenario {
    pub file: String,
    pub name: String,
    pub location: SourceLocation,
    pub reason: SkipReason,
}

wire_enum! {
    /// The reason why a scenario was not played.
    SkipReason {
        Filter = "--filter does not match its name",
        FailFast = "an earlier scenario failed, and --fail-fast stops then",
        Aborted = "the run ended before its result",
    }
}

impl CaseOutcome {
    /// Returns `Failed` with the reason, or `Passed` without one.
    pub(super) fn from_failure(failure: Option<String>) -> Self {
        failure.map_or(Self::Passed, Self::Failed)
    }
}

impl ScenarioResult {
    pub(super) fn has_passed(&self) -> bool {
        !self
            .cases
            .iter()
            .any(|case| matches!(case.outcome, CaseOutcome::Failed(_)))
    }
}

/// Numbers of test cases.
#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    tests: usize,
    failures: usize,
    skipped: usize,
}

impl RunResults {
    pub(super) fn start(started_at: Instant) -> Self {
        Self {
            played: Vec::new(),
            skipped: Vec::new(),
            started_at,
        }
    }

    pub(super) fn have_passed(&self) -> bool {
        self.played.iter().all(ScenarioResult::has_passed)
    }

    fn totals(&self) -> Totals {
        let mut totals = Totals {
            tests: self.skipped.len(),
            failures: 0,
            skipped: self.skipped.len(),
        };
        for case in self.played.iter().flat_map(|result| &result.cases) {
            totals.tests += 1;
            match case.outcome {
                CaseOutcome::Passed => {}
                CaseOutcome::Failed(_) => totals.failures += 1,
                CaseOutcome::Skipped(_) => totals.skipped += 1,
            }
        }
        totals
    }

    /// Returns the last line of the text form.
    pub(super) fn summary(&self) -> String {
        let passed = self
            .played
            .iter()
            .filter(|result| result.has_passed())
            .count();
        let mut summary = format!("{passed} of {} scenarios as expected", self.played.len());
        for reason in SkipReason::ALL {
            let count = self
                .skipped
                .iter()
                .filter(|scenario| scenario.reason == *reason)
                .count();
            if count > 0 {
                summary += &format!("\n{count} skipped: {reason}");
            }
        }
        let cases = self.played.iter().flat_map(|result| &result.cases);
        let untested = cases
            .filter(|case| matches!(case.outcome, CaseOutcome::Skipped(_)))
            .count();
        if untested > 0 {
            summary += &format!("\n{untested} checks skipped");
        }
        summary
    }

    pub(super) fn to_json(&self) -> Value {
        let Totals {
            tests,
            failures,
            skipped,
        } = self.totals();
        json!({
            "passed": self.have_passed(),
            "totals": {
                "scenarios": self.played.len() + self.skipped.len(),
                "tests": tests,
                "failures": failures,
                "skipped": skipped,
                "durationMs": as_millis(self.started_at.elapsed()),
            },
            "files": self.played.iter().map(ScenarioResult::to_json).collect::<Vec<_>>(),
            "skipped": self.skipped.iter().map(SkippedScenario::to_json).collect::<Vec<_>>(),
        })
    }

    /// Renders the results as JUnit XML, which CI systems read. `error` is the reason why the run
    /// ended early.
    fn render_junit(&self, error: Option<&str>) -> Result<String, SerializeError> {
        let mut report = Report::new("mockaa run");
        report.set_time(self.started_at.elapsed());
        for result in &self.played {
            report.add_test_suite(result.to_suite());
        }
        for scenario in &self.skipped {
            report.add_test_suite(scenario.to_suite());
        }
        if let Some(error) = error {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status
                .set_message(error.lines().next().unwrap_or_default())
                .set_description(error);
            let mut suite = TestSuite::new("mockaa run");
            let mut case = quick_junit::TestCase::new("the run is completed", status);
            case.set_classname("mockaa run");
            suite.add_test_case(case);
            report.add_test_suite(suite);
        }
        // XML 1.0 has no form for these two.
        let text = report.to_string()?;
        Ok(text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}"))
    }
}

fn as_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl ScenarioResult {
    /// Prints the result as text.
    pub(super) fn print_text(&self) {
        let palette = Palette::of_stdout();
        let verdict = if self.has_passed() { "ok  " } else { "FAIL" };
        let verdict = palette.paint_state(verdict);
        println!("{verdict} {} ({})", self.name, self.file);
        for TestCase { name, outcome, .. } in &self.cases {
            match outcome {
                CaseOutcome::Passed => {
                    println!(
                        "     {}    {}",
                        palette.paint_state("ok"),
                        escape_controls(name)
                    );
                }
                CaseOutcome::Failed(reason) => {
                    print_reason(&palette.paint_state("FAIL"), name, reason);
                }
                CaseOutcome::Skipped(reason) => {
                    print_reason(&palette.paint_state("skip"), name, reason);
                }
            }
        }
        if !self.report.passed {
            println!("     Contract report of the FIU (--contract grades it):");
            let report = render_text(&self.report);
            print!(
                "{}",
                palette.paint_first_words(&escape_line_controls(&report))
            );
        }
    }

    /// Prints what is not as expected as annotations of GitHub Actions.
    pub(super) fn print_annotations(&self) {
        for TestCase {
            name,
            location,
            outcome,
            ..
        } in &self.cases
        {
            let (level, reason) = match outcome {
                CaseOutcome::Passed => continue,
                CaseOutcome::Failed(reason) => (Level::Error, reason),
                CaseOutcome::Skipped(reason) => (Level::Notice, reason),
            };
            let place = (&*self.file, location.unwrap_or(self.location));
            let title = format!("{}: {name}", self.name);
            println!("{}", format_annotation(level, place, Some(&title), reason));
        }
    }

    fn to_json(&self) -> Value {
        json!({
            "file": self.file,
            "scenario": self.name,
            "passed": self.has_passed(),
            "durationMs": as_millis(self.duration),
            "cases": self.cases.iter().map(TestCase::to_json).collect::<Vec<_>>(),
            "contract": self.report,
        })
    }

    fn to_suite(&self) -> TestSuite {
        let mut suite = new_suite(&self.name, &self.file);
        suite.set_time(self.duration);
        for case in &self.cases {
            suite.add_test_case(case.to_junit(&self.name));
        }
        suite.set_system_out(self.journal.as_str());
        suite
    }
}

fn print_reason(verdict: &str, name: &str, reason: &str) {
    println!(
        "     {verdict}  {}\n             {}",
        escape_controls(name),
        escape_line_controls(reason).replace('\n', "\n             ")
    );
}

fn new_suite(name: &str, file: &str) -> TestSuite {
    let mut suite = TestSuite::new(name);
    suite.extra.insert("file".into(), file.into());
    suite
}

impl TestCase {
    fn to_json(&self) -> Value {
        let Self {
            name,
            location,
            outcome,
            duration,
        } = self;
        let (failure, skipped) = match outcome {
            CaseOutcome::Passed => (None, None),
            CaseOutcome::Failed(reason) => (Some(reason), None),
            CaseOutcome::Skipped(reason) => (None, Some(reason)),
        };
        json!({
            "name": name,
            "passed": *outcome == CaseOutcome::Passed,
            "failure": failure,
            "skipped": skipped,
            "line": location.map(|location| location.line),
            "column": location.map(|location| location.column),
            "durationMs": as_millis(*duration),
        })
    }

    fn to_junit(&self, classname: &str) -> quick_junit::TestCase {
        let status = match &self.outcome {
            CaseOutcome::Passed => TestCaseStatus::success(),
            CaseOutcome::Failed(reason) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status
                    .set_message(reason.lines().next().unwrap_or_default())
                    .set_description(&**reason);
                status
            }
            CaseOutcome::Skipped(reason) => {
                let mut status = TestCaseStatus::skipped();
                status.set_message(&**reason);
                status
            }
        };
        let mut case = quick_junit::TestCase::new(&*self.name, status);
        case.set_classname(classname).set_time(self.duration);
        case
    }
}

impl SkippedScenario {
    fn to_json(&self) -> Value {
        json!({ "file": self.file, "scenario": self.name, "reason": self.reason.as_str() })
    }

    fn to_suite(&self) -> TestSuite {
        let mut suite = new_suite(&self.name, &self.file);
        let case = TestCase {
            name: "the scenario is played".to_owned(),
            location: None,
            outcome: CaseOutcome::Skipped(self.reason.to_string()),
            duration: Duration::ZERO,
        };
        suite.set_time(Duration::ZERO);
        suite.add_test_case(case.to_junit(&self.name));
        suite
    }

    /// Prints the scenario as an annotation of GitHub Actions.
    pub(super) fn print_annotation(&self) {
        let title = format!("{} is skipped", self.name);
        let place = (&*self.file, self.location);
        let reason = self.reason.as_str();
        println!(
            "{}",
            format_annotation(Level::Notice, place, Some(&title), reason)
        );
    }
}

/// The file of `--junit`. From its creation on it reports a run that has not ended, so that no
/// earlier success remains, however the run ends.
#[derive(Debug)]
pub(super) struct JunitFile(PathBuf);

impl JunitFile {
    /// Creates the file, or overwrites it.
    ///
    /// # Errors
    /// [`UsageError`] when the file cannot be written.
    pub(super) fn create(path: &Path, results: &RunResults) -> Result<Self, UsageError> {
        let file = Self(path.to_owned());
        file.write(results, Some("the run has not ended"))
            .map_err(|error| {
                UsageError(format!(
                    "{error:#}; give --junit a file in a folder that exists"
                ))
            })?;
        Ok(file)
    }

    /// Overwrites a file with the report of a run that has not begun.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write_error(
        path: &Path,
        results: &RunResults,
        error: &str,
    ) -> anyhow::Result<()> {
        Self(path.to_owned()).write(results, Some(error))
    }

    /// Overwrites the file. `error` is the reason why the run ended early.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write(&self, results: &RunResults, error: Option<&str>) -> anyhow::Result<()> {
        let text = results.render_junit(error)?;
        std::fs::write(&self.0, text)
            .with_context(|| format!("cannot write {}", display_path(&self.0)))
    }
}
