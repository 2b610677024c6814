//! `mockaa certify`: rehearses the certification of an FIU. Plays the cases of a suite against it and
//! reports the result of each (`docs/certification.md`).

mod actor;
mod html;
mod journal;
mod judge;
mod plan;
mod player;
mod results;

use std::io::{IsTerminal, stderr, stdin};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use tokio::time::Instant;

use self::actor::{Actor, build_client};
use self::judge::Judgement;
use self::plan::Plan;
use self::player::{Player, PlayerSettings};
use self::results::{CaseResult, CertificationResults, Outcome, write_file};
use crate::app::Sandbox;
use crate::cli::common_args::TrustArgs;
use crate::cli::remote::print_table;
use crate::cli::scenario::format_diagnostics;
use crate::cli::{UsageError, parse_positive_duration_arg};
use crate::config::{Options, find_config_file};
use crate::domain::glob::Glob;
use crate::domain::security_mode::SecurityMode;
use crate::domain::session::DataTiming;
use crate::domain::text::display_path;
use crate::domain::time::Millis;
use crate::engine::clock::system_now;
use crate::engine::entropy::random_key;
use crate::platform::StopSignals;
use crate::scenario::certification::{
    Case, Family, SHIPPED_SUITES, ScriptContext, Suite, build_script, find_shipped_suite,
    parse_suite,
};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Base URL of your FIU, to which notifications are posted.
    #[arg(
        long,
        env = "MOCKAA_FIU_URL",
        value_name = "URL",
        required_unless_present_any = ["list", "scenarios"]
    )]
    fiu_url: Option<String>,

    /// Name of a shipped suite, or file with one of your own.
    #[arg(long, default_value = "fiu-2.0.0", value_name = "NAME|FILE")]
    suite: String,

    /// Play only the cases whose id matches; `*` matches any text. May be repeated.
    #[arg(long, value_name = "GLOB")]
    only: Vec<String>,

    /// URL or command by which your FIU raises a consent. An URL is posted to, with the case and the
    /// customer in JSON; a command is run by `sh`, with `MOCKAA_CUSTOMER` and `MOCKAA_CASE` set.
    #[arg(long, value_name = "URL|CMD")]
    trigger_consent: Option<Actor>,

    /// URL or command by which your FIU goes on with a consent: asks for its status, requests and
    /// fetches data. It also gets `consentHandle` and `consentId`, or `MOCKAA_CONSENT_HANDLE` and
    /// `MOCKAA_CONSENT_ID`.
    #[arg(long, value_name = "URL|CMD")]
    trigger_fetch: Option<Actor>,

    /// URL or command that answers what your FIU shows for a consent: data, failure or waiting.
    #[arg(long, value_name = "URL|CMD")]
    probe: Option<Actor>,

    /// File with the cases that do not apply to your FIU, each with a reason.
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,

    /// Port of the sandbox, which is the AA in the configuration of your FIU.
    #[arg(long, env = "MOCKAA_PORT", default_value_t = 8080)]
    port: u16,

    /// File with participants of your own; default: `mockaa.toml` if it exists, else the shipped
    /// participants.
    #[arg(long, env = "MOCKAA_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// Seed of all ids and data; default: another one in each run, so that your FIU knows none of the
    /// ids yet.
    #[arg(long, env = "MOCKAA_SEED")]
    seed: Option<u64>,

    #[command(flatten)]
    trust: TrustArgs,

    /// Longest wait for what your FIU does next.
    #[arg(long, default_value = "5s", value_parser = parse_positive_duration_arg, value_name = "TIME")]
    wait: Duration,

    /// Silence after which your FIU does nothing more.
    #[arg(long, default_value = "500ms", value_parser = parse_positive_duration_arg, value_name = "TIME")]
    silence: Duration,

    /// Count an inconclusive case as a failure.
    #[arg(long)]
    strict: bool,

    /// Write the results as JSON, after each case.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Keep the passed cases of the file of `--json`, and play the others.
    #[arg(long, requires = "json")]
    resume: bool,

    /// Write the results as JUnit XML.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,

    /// Write the results as a page for people.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// Print the cases of the suite and what each needs.
    #[arg(long, conflicts_with_all = ["scenarios", "json", "junit", "html"])]
    list: bool,

    /// Write the scenario of each case to this folder, for `mockaa run`.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["json", "junit", "html"])]
    scenarios: Option<PathBuf>,
}

const EXAMPLES: &str = "Examples:
  mockaa certify --fiu-url http://127.0.0.1:9000
  mockaa certify --fiu-url http://127.0.0.1:9000 --trigger-consent http://127.0.0.1:9000/applications
  mockaa certify --fiu-url http://127.0.0.1:9000 --only 'FIU_10*' --html report.html
  mockaa certify --list
  mockaa certify --scenarios cases --only 'FIU_1007_*'

Exit codes: 0 no case failed, 1 a case failed, 2 invalid file or option, 3 could not run.";

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let suite = load_suite(&arguments.suite)?;
    let cases = select_cases(&suite, &arguments.only)?;
    if arguments.list {
        print_cases(&cases);
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(folder) = &arguments.scenarios {
        write_scenarios(folder, &cases)?;
        return Ok(ExitCode::SUCCESS);
    }
    let plan = match &arguments.plan {
        None => Plan::default(),
        Some(path) => Plan::read(path, &suite)?,
    };
    let mut results = start_results(&arguments, &suite, cases.len())?;
    results.unplayed = cases
        .iter()
        .filter(|(_, case)| !results.has_passed(&case.id))
        .map(|case| skip_case(*case, Outcome::Inconclusive, "it was not played"))
        .collect();
    let mut stop_signals = StopSignals::listen().context("cannot listen for stop signals")?;
    let outcome = tokio::select! {
        outcome = play_suite(&arguments, &suite, &cases, &plan, &mut results) => outcome,
        () = stop_signals.recv() => Err(anyhow::anyhow!("stopped by a signal; --resume goes on")),
    };
    let error = outcome.as_ref().err().map(|error| format!("{error:#}"));
    write_reports(&arguments, &results, error.as_deref())?;
    outcome?;
    results.print_families();
    println!("\n{}", results.summary());
    let has_failed = results.count(Outcome::Failed) > 0
        || (arguments.strict && results.count(Outcome::Inconclusive) > 0);
    Ok(ExitCode::from(u8::from(has_failed)))
}

/// Draws a seed that is short enough to be typed.
fn draw_seed() -> u64 {
    let [first, second, third, ..] = random_key();
    u64::from(u32::from_be_bytes([0, first, second, third]))
}

/// A case with its family.
type PlannedCase<'a> = (&'a Family, &'a Case);

fn load_suite(name: &str) -> Result<Suite, UsageError> {
    if let Some(text) = find_shipped_suite(name) {
        return Ok(parse_suite(text).expect("shipped suites are valid"));
    }
    let names: Vec<_> = SHIPPED_SUITES.iter().map(|(name, _)| *name).collect();
    let text = std::fs::read_to_string(name).map_err(|error| {
        UsageError(format!(
            "--suite {name} is none of {}, and no file: {error}",
            names.join(", ")
        ))
    })?;
    let suite = parse_suite(&text)
        .map_err(|diagnostics| UsageError(format_diagnostics(Path::new(name), &diagnostics)))?;
    for (family, case) in suite.cases() {
        let context = ScriptContext::EXAMPLE;
        build_script(family, case, context)
            .map_err(|error| UsageError(format!("{name}: {error}")))?;
    }
    Ok(suite)
}

fn select_cases<'a>(suite: &'a Suite, only: &[String]) -> Result<Vec<PlannedCase<'a>>, UsageError> {
    for glob in only {
        if !suite
            .cases()
            .any(|(_, case)| Glob::new(glob).matches(&case.id))
        {
            return Err(UsageError(format!(
                "--only {glob} matches no case of {}; only `*` matches any text, and --list prints the ids",
                suite.name
            )));
        }
    }
    let globs: Vec<_> = only.iter().map(|glob| Glob::new(glob)).collect();
    let is_selected =
        |case: &Case| globs.is_empty() || globs.iter().any(|glob| glob.matches(&case.id));
    Ok(suite
        .cases()
        .filter(|(_, case)| is_selected(case))
        .collect())
}

/// Prints the cases, each with what it needs.
fn print_cases(cases: &[PlannedCase<'_>]) {
    let rows: Vec<_> = cases
        .iter()
        .map(|(family, case)| {
            vec![
                case.id.clone(),
                list_needs(family).to_owned(),
                format!("{}: {}", family.name, case.title),
            ]
        })
        .collect();
    print_table(&["case", "needs", "description"], &rows);
    let count = |needs: &str| {
        let families = cases.iter();
        families
            .filter(|(family, _)| list_needs(family) == needs)
            .count()
    };
    println!(
        "\n{} cases: {} run without any trigger, {} need --trigger-consent and --trigger-fetch, {} a \
         --probe too",
        cases.len(),
        count(NEEDS_NOTHING),
        count(NEEDS_TRIGGER),
        count(NEEDS_PROBE)
    );
}

const NEEDS_NOTHING: &str = "-";
const NEEDS_TRIGGER: &str = "trigger";
const NEEDS_PROBE: &str = "trigger, probe";

/// Returns what the cases of a family need to run without a person.
fn list_needs(family: &Family) -> &'static str {
    if !family.needs_fiu() {
        NEEDS_NOTHING
    } else if family.needs_probe() {
        NEEDS_PROBE
    } else {
        NEEDS_TRIGGER
    }
}

fn write_scenarios(folder: &Path, cases: &[PlannedCase<'_>]) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)
        .map_err(|error| UsageError(format!("--scenarios {}: {error}", display_path(folder))))?;
    for (family, case) in cases {
        let context = ScriptContext::EXAMPLE;
        let script = build_script(family, case, context).map_err(anyhow::Error::new)?;
        let path = folder.join(format!("{}.yaml", case.scenario_name()));
        write_file(&path, &script.text)?;
    }
    println!("{} scenarios in {}", cases.len(), display_path(folder));
    Ok(())
}

/// Returns the results to which the run adds its own: none, or those of an earlier run.
fn start_results(
    arguments: &Arguments,
    suite: &Suite,
    planned: usize,
) -> Result<CertificationResults, UsageError> {
    let mut cases = Vec::new();
    if let Some(path) = &arguments.json
        && path.exists()
    {
        let file = display_path(path);
        let earlier = CertificationResults::read(path);
        if arguments.resume {
            let fail =
                |problem| UsageError(format!("--resume: {file}: {problem}; leave out --resume"));
            let earlier = earlier.map_err(fail)?;
            if earlier.suite != suite.name {
                return Err(fail(format!("it has the results of {}", earlier.suite)));
            }
            cases = earlier.cases;
        } else if let Ok(earlier) = earlier
            && earlier.cases.len() > planned
        {
            return Err(UsageError(format!(
                "--json {file} has the results of {} cases, and this run plays {planned}; give --resume to keep \
                 them, or another file",
                earlier.cases.len()
            )));
        }
    }
    let planned = if cases.is_empty() {
        planned
    } else {
        suite.cases().count()
    };
    Ok(CertificationResults {
        order: suite.cases().map(|(_, case)| case.id.clone()).collect(),
        suite: suite.name.clone(),
        title: suite.title.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        fiu_url: arguments.fiu_url.clone().unwrap_or_default(),
        seed: arguments.seed.unwrap_or_else(draw_seed),
        started_at: system_now().to_string(),
        planned,
        cases,
        unplayed: Vec::new(),
    })
}

async fn play_suite(
    arguments: &Arguments,
    suite: &Suite,
    cases: &[PlannedCase<'_>],
    plan: &Plan,
    results: &mut CertificationResults,
) -> anyhow::Result<()> {
    write_reports(arguments, results, Some("the run has not ended"))?;
    let options = Options {
        port: arguments.port,
        fiu_url: arguments.fiu_url.clone(),
        seed: Some(results.seed),
        // Its statements are short, so that the evidence has whole messages.
        default_persona: Some("new-account".to_owned()),
        config: find_config_file(arguments.config.clone()),
        security: SecurityMode::Strict,
        data_timing: DataTiming::Manual,
        ca_files: arguments.trust.ca_files.clone(),
        drain_timeout: Duration::from_secs(1),
        // A notification that is refused is not to come again during another case.
        webhook_retries: "none".parse().expect("it is a policy"),
        ..Options::default()
    };
    let sandbox = Sandbox::start(options).await?;
    eprintln!(
        "mockaa is the AA at {}, with the seed {}",
        sandbox.base_url(),
        results.seed
    );
    let settings = PlayerSettings {
        trigger_consent: arguments.trigger_consent.clone(),
        trigger_fetch: arguments.trigger_fetch.clone(),
        probe: arguments.probe.clone(),
        patience: to_millis(arguments.wait),
        silence: to_millis(arguments.silence),
        api: suite.api.clone(),
        asks_person: stdin().is_terminal() && stderr().is_terminal(),
    };
    let asks_nobody = !settings.asks_person && settings.trigger_consent.is_none();
    let deadline = asks_nobody.then(|| Instant::now() + UNATTENDED_TIME);
    let client = build_client(&arguments.trust.read()?)?;
    let player = Player::open(sandbox.default_world(), client, settings);
    let played = match end_at(deadline, player).await {
        None => Err(anyhow::anyhow!(
            "your FIU has not answered the first notifications in {} s",
            UNATTENDED_TIME.as_secs()
        )),
        Some(Err(error)) => Err(error),
        Some(Ok(player)) => play_cases(arguments, (cases, plan), player, deadline, results).await,
    };
    sandbox.stop().await;
    played
}

/// Time of a run without a trigger and without a person.
const UNATTENDED_TIME: Duration = Duration::from_secs(42);

/// Returns the result of a future, or `None` if it has none at a deadline.
async fn end_at<T>(deadline: Option<Instant>, future: impl Future<Output = T>) -> Option<T> {
    match deadline {
        Some(deadline) => tokio::time::timeout_at(deadline, future).await.ok(),
        None => Some(future.await),
    }
}

async fn play_cases(
    arguments: &Arguments,
    (cases, plan): (&[PlannedCase<'_>], &Plan),
    mut player: Player,
    deadline: Option<Instant>,
    results: &mut CertificationResults,
) -> anyhow::Result<()> {
    for (family, case) in order_cases(cases) {
        let exclusion = plan.find_exclusion(&case.id);
        if exclusion.is_none() && results.has_passed(&case.id) {
            continue;
        }
        let result = if let Some(reason) = exclusion {
            skip_case((family, case), Outcome::NotApplicable, reason)
        } else {
            let played = end_at(deadline, player.play(family, case)).await;
            played.unwrap_or_else(|| {
                let reason = format!(
                    "a run without --trigger-consent ends after {} s; play the rest by --only",
                    UNATTENDED_TIME.as_secs()
                );
                skip_case((family, case), Outcome::Inconclusive, &reason)
            })
        };
        result.print();
        results.put(result);
        if let Some(path) = &arguments.json {
            results.write_json(path)?;
        }
    }
    Ok(())
}

/// Returns the cases in the order in which they are played: those that judge the opening come first,
/// before other cases add to the journal of its consent.
fn order_cases<'a>(cases: &[PlannedCase<'a>]) -> Vec<PlannedCase<'a>> {
    let mut cases = cases.to_vec();
    cases.sort_by_key(|(family, _)| !family.check.judges_opening());
    cases
}

fn to_millis(duration: Duration) -> Millis {
    Millis(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}

/// Returns the result of a case that is not played.
fn skip_case((family, case): PlannedCase<'_>, outcome: Outcome, reason: &str) -> CaseResult {
    let judgement = Judgement {
        outcome,
        reasons: vec![reason.to_owned()],
        evidence: Vec::new(),
    };
    CaseResult::new(family, case, judgement, Duration::ZERO)
}

/// Writes the files that the arguments ask for. `error` is the reason why the run has not ended.
fn write_reports(
    arguments: &Arguments,
    results: &CertificationResults,
    error: Option<&str>,
) -> Result<(), UsageError> {
    let fail = |error: anyhow::Error| UsageError(format!("{error:#}"));
    if let Some(path) = &arguments.json {
        results.write_json(path).map_err(fail)?;
    }
    if let Some(path) = &arguments.junit {
        results.write_junit(path, error).map_err(fail)?;
    }
    if let Some(path) = &arguments.html {
        html::write_page(path, results, error).map_err(fail)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::openapi::fields::list_answer_fields;
    use crate::scenario::certification::ScriptStart;
    use crate::scenario::lint::{LintContext, Severity, lint_plan};

    #[test]
    fn each_case_of_each_suite_is_a_scenario_of_which_every_entry_can_have_an_effect() {
        for (name, _) in SHIPPED_SUITES {
            let suite = load_suite(name).expect("the suite is valid");
            assert_eq!(&suite.name, name);
            for (family, case) in suite.cases() {
                for start in [ScriptStart::NewConsent, ScriptStart::ActiveConsent] {
                    let context = ScriptContext {
                        start,
                        ..ScriptContext::EXAMPLE
                    };
                    let script = build_script(family, case, context).expect("a scenario");
                    assert!(
                        script.control_count < script.plan.expectations.len()
                            || family.needs_probe()
                    );
                    if start == ScriptStart::ActiveConsent {
                        continue;
                    }
                    let context = LintContext {
                        fius: &[],
                        fips: &[],
                        answer_fields: list_answer_fields(),
                    };
                    let mut lint = lint_plan(&script.plan, context);
                    lint.retain(|it| it.severity == Severity::Error);
                    assert!(lint.is_empty(), "{lint:?} in\n{}", script.text);
                }
            }
        }
    }
}
