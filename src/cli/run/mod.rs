//! `mockaa run`: runs scenario files as tests, each in a new world, and grades them. Prints the
//! results as text, JSON or JUnit XML. Expectations and the contract report are graded by the
//! engine.

mod results;

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use tokio::process::Command;
use tokio::time::Instant;

use self::results::{
    CaseOutcome, JunitFile, RunResults, ScenarioResult, SkipReason, SkippedScenario, TestCase,
};

use crate::app::Sandbox;
use crate::cli::common_args::{PersonaArgs, TrustArgs};
use crate::cli::github::format_error;
use crate::cli::raise::ApiName;
use crate::cli::scenario::{Format, expand_paths, format_diagnostics};
use crate::cli::{UsageError, parse_duration_arg, parse_positive_duration_arg};
use crate::config::{Options, find_config_file, load_participants};
use crate::domain::account::FiType;
use crate::domain::action::Action;
use crate::domain::advance::{AdvancePlan, AdvanceTarget, Settle};
use crate::domain::api_fault::ApiFaultRule;
use crate::domain::command::{Command as EngineCommand, OnRepeatedTxnid, RaiseConsent};
use crate::domain::consent::Api;
use crate::domain::customer_address::normalize_address;
use crate::domain::expectation::Expectation;
use crate::domain::glob::Glob;
use crate::domain::journal_entry::JournalRecord;
use crate::domain::listing::ListPart;
use crate::domain::participants::SignatureProfile;
use crate::domain::persona::Personas;
use crate::domain::scenario_plan::{ScenarioPlan, SourceLocation};
use crate::domain::session::ApprovalMode;
use crate::domain::terms::{
    ConsentMode, ConsentType, ConsumerType, DataLifeUnit, FetchType, FrequencyUnit, Purpose, Terms,
    TimeRange,
};
use crate::domain::text::display_path;
use crate::domain::time::{Millis, Timestamp};
use crate::domain::time_source::TimeSource;
use crate::domain::unaport::UnaportMetadata;
use crate::domain::version::RebitVersion;
use crate::engine::advance::{Limits, StopReason, advance_clock};
use crate::engine::clock::{ClockStart, TimeRules};
use crate::engine::world::World;
use crate::fiu::inbox::{Inbox, ReceiverBehavior};
use crate::http::openapi::fields::list_answer_fields;
use crate::http::routes::has_operation;
use crate::platform::{ProcessGroup, StopSignals};
use crate::scenario::format::{Diagnostic, parse};
use crate::scenario::library::{find_name_conflict, find_unknown_persona};
use crate::scenario::lint::{LintContext, Severity, lint_plan};
use crate::wire::control::journal::{EntrySummary, VerdictView};
use crate::wire::control::report::{ReportView, RuleResultView};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Scenario files, or folders of them.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Command that runs the FIU's test. It is started once per file with `MOCKAA_BASE_URL`,
    /// `MOCKAA_WORLD`, `MOCKAA_SCENARIO`, `MOCKAA_DURATION` and `MOCKAA_URL` set, and graded after
    /// it has ended; default: mockaa raises the consent itself.
    #[arg(last = true, value_name = "CMD")]
    command: Vec<String>,

    /// Base URL of your FIU, to which webhooks are posted; default without a command: a built-in
    /// FIU that verifies each webhook.
    #[arg(long, env = "MOCKAA_FIU_URL", value_name = "URL")]
    fiu_url: Option<String>,

    /// API on which mockaa raises the consent, unless the file's `match` names one.
    #[arg(long, value_enum, default_value_t = ApiName::Rebit)]
    api: ApiName,

    /// World time to run; default: until the last step of the scenario, and one hour more.
    #[arg(long = "for", value_parser = parse_duration_arg, value_name = "TIME")]
    play_duration: Option<Duration>,

    /// Wait after an acknowledgement, for the call that may follow it, in system time: a duration
    /// such as 500ms, or auto, as the FIU's earlier calls suggest.
    #[arg(long, default_value = "auto", value_parser = parse_settle, value_name = "TIME")]
    settle: Settle,

    /// Seed of all ids and data.
    #[arg(long, env = "MOCKAA_SEED", default_value_t = 42)]
    seed: u64,

    /// Start of each world's clock, such as `2020-07-04T06:00:00Z`; default: now.
    #[arg(long, env = "MOCKAA_CLOCK", value_name = "INSTANT[,frozen]")]
    clock: Option<ClockStart>,

    /// File with participants of your own; default: `mockaa.toml` if it exists, else the shipped
    /// participants.
    #[arg(long, env = "MOCKAA_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    personas: PersonaArgs,

    #[command(flatten)]
    trust: TrustArgs,

    /// Timeout for one file, in system time.
    #[arg(long, default_value = "10m", value_parser = parse_positive_duration_arg, value_name = "TIME")]
    timeout: Duration,

    /// Count a broken rule of the contract report as a failure.
    #[arg(long)]
    contract: bool,

    /// Play only the scenarios whose name matches; `*` matches any text.
    #[arg(long, value_name = "GLOB")]
    filter: Option<String>,

    /// Play no further scenario after one that fails.
    #[arg(long)]
    fail_fast: bool,

    /// Write the results as JUnit XML. The file is overwritten before the first scenario is played,
    /// and when the run ends.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,

    /// Output format; `github` prints annotations for GitHub Actions.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Print the results in JSON, as `--format json` does.
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  mockaa run scenarios/                                     run files in virtual time, grade their `expect`
  mockaa run loan.yaml --fiu-url http://127.0.0.1:9000      … against your FIU
  mockaa run loan.yaml --junit results.xml -- cargo test    … with your own test as the FIU

Exit codes: 0 all as expected, 1 expectations unmet, 2 invalid file or option, 3 could not run.";

fn parse_settle(text: &str) -> Result<Settle, String> {
    Settle::parse(text).ok_or_else(|| format!("give {}", Settle::ACCEPTED_FORMS))
}

/// Returns whether the messages to the built-in FIU carry the wall's time, which it checks.
fn carries_wall_time(arguments: &Arguments) -> anyhow::Result<bool> {
    let file = find_config_file(arguments.config.clone());
    let setup = load_participants(file.as_deref(), None)?;
    let fiu = setup.participants.default_fiu();
    let rules = TimeRules {
        security: Options::default().security,
        settings: fiu.time_settings.complete_with(setup.time_settings),
    };
    let is_frozen = arguments.clock.is_some_and(|clock| clock.frozen);
    Ok(rules.message_source(is_frozen) == TimeSource::Wall)
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut results = RunResults::start(Instant::now());
    let junit = match &arguments.junit {
        None => None,
        Some(path) => {
            check_is_no_scenario(path, &arguments.files)?;
            Some(JunitFile::create(path, &results)?)
        }
    };
    // A stop drops the run and with it the processes of the command, which are in a group of their
    // own and get no signal of the terminal.
    let mut stop_signals = StopSignals::listen().context("cannot listen for stop signals")?;
    let outcome = tokio::select! {
        outcome = run_files(&arguments, &mut results) => outcome,
        () = stop_signals.recv() => Err(anyhow::anyhow!("stopped by a signal")),
    };
    if let (Err(error), Format::Github) = (&outcome, arguments.format) {
        println!("{}", format_error(&format!("{error:#}")));
    }
    if let Some(junit) = junit {
        let error = outcome.as_ref().err().map(|error| format!("{error:#}"));
        junit.write(&results, error.as_deref())?;
    }
    outcome
}

/// Overwrites the file of `--junit` where the arguments of a run are wrong, so that no earlier
/// success remains in it. A file that is no such report stays as it is.
pub(crate) fn report_wrong_arguments(error: &str) {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let options = arguments.iter().take_while(|argument| *argument != "--");
    let options: Vec<_> = options.map(|option| option.to_string_lossy()).collect();
    if !options.iter().any(|option| option == "run") {
        return;
    }
    let junit = options.iter().enumerate().find_map(|(at, option)| {
        let separate = (option == "--junit").then(|| options.get(at + 1)).flatten();
        let value = option.strip_prefix("--junit=").map(str::to_owned);
        value.or_else(|| separate.map(|path| path.clone().into_owned()))
    });
    let Some(path) = junit else { return };
    let is_report = std::fs::read_to_string(&path).is_ok_and(|text| text.contains("<testsuites"));
    if is_report {
        let results = RunResults::start(Instant::now());
        // The error of the arguments is the one that is reported.
        let _ = JunitFile::write_error(Path::new(&path), &results, error);
    }
}

/// Checks that `--junit` does not overwrite a scenario.
fn check_is_no_scenario(junit: &Path, files: &[PathBuf]) -> Result<(), UsageError> {
    let Ok(junit_path) = junit.canonicalize() else {
        return Ok(());
    };
    let scenarios = expand_paths(files).unwrap_or_default();
    let is_scenario = scenarios
        .iter()
        .any(|file| file.canonicalize().is_ok_and(|file| file == junit_path));
    if is_scenario {
        let junit = display_path(junit);
        return Err(UsageError(format!(
            "--junit {junit} is a scenario file; give another file"
        )));
    }
    Ok(())
}

async fn run_files(arguments: &Arguments, results: &mut RunResults) -> anyhow::Result<ExitCode> {
    let plans = load_plans(&arguments.files, &arguments.personas.load_personas()?)?;
    let mut queue = select_plans(plans, arguments.filter.as_ref(), results)?;
    let inbox = if arguments.fiu_url.is_none() && arguments.command.is_empty() {
        let behavior = ReceiverBehavior {
            response_status: None,
            checks_timestamps: carries_wall_time(arguments)?,
        };
        Some(Inbox::start(
            (Ipv4Addr::LOCALHOST.into(), 0),
            behavior,
            None,
        )?)
    } else {
        None
    };
    let options = Options {
        fiu_url: arguments
            .fiu_url
            .clone()
            .or_else(|| inbox.as_ref().map(|inbox| inbox.url.clone())),
        seed: Some(arguments.seed),
        clock: arguments.clock.unwrap_or_default(),
        config: find_config_file(arguments.config.clone()),
        personas: arguments.personas.personas.clone(),
        ca_files: arguments.trust.ca_files.clone(),
        ..Options::default()
    };
    let sandbox = Sandbox::start(options).await?;
    if let Some(inbox) = &inbox {
        let secrets = sandbox
            .config()
            .initial_participants
            .fius
            .iter()
            .map(|fiu| fiu.webhook_secret.to_string());
        inbox.set_verification_keys(&sandbox.jwks(), secrets.collect())?;
    }
    let format = if arguments.json {
        Format::Json
    } else {
        arguments.format
    };
    while let Some(loaded) = queue.pop_front() {
        // Until its result is known, a scenario counts as one that was not played.
        let unplayed = std::iter::once(&loaded).chain(&queue);
        results
            .skipped
            .extend(unplayed.map(|loaded| loaded.skip(SkipReason::Aborted)));
        let LoadedPlan { file, plan, text } = loaded;
        let test = ScenarioTest {
            sandbox: &sandbox,
            arguments,
            plan: Arc::new(plan),
        };
        let result = test.run_scenario(&file, &text).await?;
        results
            .skipped
            .retain(|scenario| scenario.reason != SkipReason::Aborted);
        match format {
            Format::Text => result.print_text(),
            Format::Github => {
                if !arguments.command.is_empty() {
                    // The output of the command may have ended within a line.
                    println!();
                }
                result.print_annotations();
            }
            Format::Json => {}
        }
        let has_passed = result.has_passed();
        results.played.push(result);
        if arguments.fail_fast && !has_passed {
            let rest = queue.drain(..);
            results
                .skipped
                .extend(rest.map(|loaded| loaded.skip(SkipReason::FailFast)));
        }
    }
    sandbox.stop().await;
    if let Some(inbox) = inbox {
        inbox.stop().await;
    }
    match format {
        Format::Text => println!("\n{}", results.summary()),
        Format::Json => println!("{}", results.to_json()),
        Format::Github => {
            for scenario in &results.skipped {
                scenario.print_annotation();
            }
            println!("{}", results.summary());
        }
    }
    Ok(ExitCode::from(u8::from(!results.have_passed())))
}

/// A scenario file that can be played.
struct LoadedPlan {
    file: PathBuf,
    plan: ScenarioPlan,
    text: String,
}

impl LoadedPlan {
    fn skip(&self, reason: SkipReason) -> SkippedScenario {
        SkippedScenario {
            file: display_path(&self.file),
            name: self.plan.name.clone(),
            location: self.plan.location,
            reason,
        }
    }
}

/// Returns the plans whose name the filter matches, and records the others as skipped.
///
/// # Errors
/// When no name matches.
fn select_plans(
    plans: Vec<LoadedPlan>,
    filter: Option<&String>,
    results: &mut RunResults,
) -> Result<VecDeque<LoadedPlan>, UsageError> {
    let Some(filter) = filter else {
        return Ok(plans.into());
    };
    let glob = Glob::new(filter);
    let names = plans.iter().map(|loaded| loaded.plan.name.clone());
    let names: Vec<String> = names.take(NAMES_LISTED_MAX).collect();
    let mut selected = VecDeque::new();
    for loaded in plans {
        if glob.matches(&loaded.plan.name) {
            selected.push_back(loaded);
        } else {
            results.skipped.push(loaded.skip(SkipReason::Filter));
        }
    }
    if selected.is_empty() {
        return Err(UsageError(format!(
            "--filter {filter} matches no scenario; the names begin with {}",
            names.join(", ")
        )));
    }
    Ok(selected)
}

/// Maximum number of names in the error about a filter that matches none.
const NAMES_LISTED_MAX: usize = 10;

/// Loads all scenario files.
///
/// # Errors
/// All diagnostics of the files, or that there are none.
fn load_plans(paths: &[PathBuf], personas: &Personas) -> anyhow::Result<Vec<LoadedPlan>> {
    let (mut plans, mut errors) = (Vec::<LoadedPlan>::new(), Vec::new());
    for file in expand_paths(paths)? {
        let text = std::fs::read_to_string(&file)
            .map_err(|error| UsageError(format!("{}: {error}", display_path(&file))))?;
        match parse(&text) {
            Ok(plan) => {
                let others = plans
                    .iter()
                    .map(|LoadedPlan { file, plan, .. }| (plan, file.to_str().unwrap_or_default()));
                errors.extend(
                    find_name_conflict(&plan, others)
                        .into_iter()
                        .chain(find_unknown_persona(&plan, personas))
                        .map(|conflict| format_diagnostics(&file, &[conflict])),
                );
                plans.push(LoadedPlan { file, plan, text });
            }
            Err(diagnostics) => errors.push(format_diagnostics(&file, &diagnostics)),
        }
    }
    if !errors.is_empty() {
        return Err(UsageError(errors.join("\n")).into());
    }
    if plans.is_empty() {
        return Err(UsageError(
            "no scenario files found; their names end in .yaml, .yml or .json".to_owned(),
        )
        .into());
    }
    Ok(plans)
}

/// Plays a scenario in a world of its name, until it has ended. mockaa raises the consent itself.
/// `profile` is the form of the signatures, if it is not the configured one.
///
/// # Errors
/// The reason why it could not be played.
pub(crate) async fn play_scenario(
    sandbox: &Sandbox,
    text: &str,
    profile: Option<SignatureProfile>,
) -> anyhow::Result<Arc<World>> {
    let plan = parse(text).map_err(|diagnostics| {
        let lines: Vec<_> = diagnostics.iter().map(ToString::to_string).collect();
        UsageError(lines.join("\n"))
    })?;
    let arguments = Arguments {
        files: Vec::new(),
        command: Vec::new(),
        fiu_url: None,
        api: ApiName::Rebit,
        play_duration: None,
        settle: Settle::default(),
        seed: 0,
        clock: None,
        config: None,
        personas: PersonaArgs { personas: None },
        trust: TrustArgs {
            ca_files: Vec::new(),
        },
        timeout: PROBE_TIMEOUT,
        contract: false,
        filter: None,
        fail_fast: false,
        junit: None,
        format: Format::Text,
        json: false,
    };
    let test = ScenarioTest {
        sandbox,
        arguments: &arguments,
        plan: Arc::new(plan),
    };
    let world = test.start_world(text)?;
    if let Some(profile) = profile {
        world.update_participants(None, "another signature profile", |participants| {
            let mut participants = participants.clone();
            for fiu in &mut participants.fius {
                Arc::make_mut(fiu).signature = profile;
            }
            Ok::<_, anyhow::Error>(participants)
        })?;
    }
    match test.play_in_virtual_time(&world).await {
        None => Ok(world),
        Some(failure) => Err(anyhow::anyhow!(failure)),
    }
}

/// Longest time in which one scenario is played for a command other than `run`.
const PROBE_TIMEOUT: Duration = Duration::from_secs(120);

struct ScenarioTest<'a> {
    sandbox: &'a Sandbox,
    arguments: &'a Arguments,
    plan: Arc<ScenarioPlan>,
}

impl ScenarioTest<'_> {
    /// Makes a new world whose consents follow the scenario.
    fn start_world(&self, text: &str) -> anyhow::Result<Arc<World>> {
        let name = &self.plan.name;
        let world = self.sandbox.worlds().reset_world(name, &[]);
        world
            .scenarios()
            .put_local(None, Arc::clone(&self.plan), text)
            .map_err(UsageError)?;
        world.scenarios().set_default(None, Some(name.clone()))?;
        Ok(world)
    }

    async fn run_scenario(&self, file: &Path, text: &str) -> anyhow::Result<ScenarioResult> {
        let started_at = Instant::now();
        let name = &self.plan.name;
        let world = self.start_world(text)?;
        let mut cases = vec![if self.arguments.command.is_empty() {
            self.run_in_virtual_time(&world).await
        } else {
            self.run_command(&world).await?
        }];
        for expectation in &self.plan.expectations {
            cases.push(check_expectation(&world, expectation).await);
        }
        cases.push(check_steps(&world));
        cases.extend(self.check_faults(&world));
        let report = ReportView::new(
            world.name(),
            &world.catch_up().grade_contract(has_operation),
        );
        if self.arguments.contract {
            cases.extend(
                report
                    .rules
                    .iter()
                    .filter(|grade| grade.outcome != "not-tested")
                    .map(contract_case),
            );
        }
        Ok(ScenarioResult {
            file: display_path(file),
            name: name.clone(),
            location: self.plan.location,
            cases,
            report,
            journal: render_journal(&world),
            duration: started_at.elapsed(),
        })
    }

    /// Grades that each fault of the scenario has had an effect, and that every other entry can have
    /// one.
    fn check_faults(&self, world: &World) -> Vec<TestCase> {
        let plan = &self.plan;
        let applied = world.faults().list_applied(&plan.name);
        let participants = world.participants();
        let fius = participants.fiu_ids();
        let context = LintContext {
            fius: &fius,
            fips: &participants.fips,
            answer_fields: list_answer_fields(),
        };
        let mut impossible: Vec<_> = lint_plan(plan, context)
            .into_iter()
            .filter(|lint| lint.severity == Severity::Error)
            .map(|lint| lint.diagnostic)
            .collect();
        let webhook_faults = plan
            .faults
            .webhooks
            .iter()
            .zip(1..)
            .map(|(rule, number)| ("webhooks", number, rule.fault.name().as_str()));
        let api_faults = plan
            .faults
            .api
            .iter()
            .zip(1..)
            .map(|(rule, number)| ("api_faults", number, rule.fault.name().as_str()));
        let faults = webhook_faults.chain(api_faults);
        let webhook_count = plan.faults.webhooks.len();
        let has_calls = self.has_fiu_calls(world);
        let is_unvisited = |index: usize| {
            let number = index.checked_sub(webhook_count);
            number.is_some_and(|number| {
                let ApiFaultRule { selector, fault } = &plan.faults.api[number];
                // Another customer or FIU may have come: the rule can be wrong.
                let is_for_all = selector.customer.is_none() && selector.fiu.is_none();
                fault.is_of_visits()
                    && is_for_all
                    && !world.faults().has_selected_call(&plan.name, number)
            })
        };
        let mut cases = Vec::new();
        for (index, ((list, number, fault), location)) in
            faults.zip(&plan.fault_locations).enumerate()
        {
            let line = location.line;
            let is_here = |diagnostic: &mut Diagnostic| {
                (diagnostic.line, diagnostic.column) == (line, location.column)
            };
            let reasons: Vec<_> = impossible
                .extract_if(.., is_here)
                .map(|diagnostic| diagnostic.message)
                .collect();
            let outcome = if !reasons.is_empty() {
                CaseOutcome::Failed(reasons.join("\n"))
            } else if applied.contains(&index) {
                CaseOutcome::Passed
            } else if index >= webhook_count && !has_calls {
                CaseOutcome::Skipped(
                    "the built-in FIU makes no calls; give --fiu-url or a command".to_owned(),
                )
            } else if is_unvisited(index) {
                CaseOutcome::Skipped(
                    "no customer has come to this point of the AA's pages; open them in the test"
                        .to_owned(),
                )
            } else {
                CaseOutcome::Failed(format!("{fault} has had no effect; see `where`"))
            };
            cases.push(TestCase {
                name: format!("{list} {number}, line {line}: {fault} takes effect"),
                location: Some(*location),
                outcome,
                duration: Duration::ZERO,
            });
        }
        for diagnostic in impossible {
            let Diagnostic {
                line,
                column,
                message,
            } = diagnostic;
            cases.push(TestCase {
                name: format!("line {line} can have an effect"),
                location: Some(SourceLocation { line, column }),
                outcome: CaseOutcome::Failed(message),
                duration: Duration::ZERO,
            });
        }
        cases
    }

    /// Returns whether an FIU can have made calls.
    fn has_fiu_calls(&self, world: &World) -> bool {
        let (calls, _) = world
            .catch_up()
            .journal_matching(ListPart::oldest(1), |entry| {
                matches!(entry.record, JournalRecord::Call(_))
            });
        !self.arguments.command.is_empty() || self.arguments.fiu_url.is_some() || !calls.is_empty()
    }

    /// Raises the consent and advances the world's clock over the scenario.
    async fn run_in_virtual_time(&self, world: &Arc<World>) -> TestCase {
        let started_at = Instant::now();
        let failure = self.play_in_virtual_time(world).await;
        TestCase {
            name: "the consent is raised and played".to_owned(),
            location: None,
            outcome: CaseOutcome::from_failure(failure),
            duration: started_at.elapsed(),
        }
    }

    /// Raises the consent and advances the clock. Returns the reason why that failed.
    async fn play_in_virtual_time(&self, world: &Arc<World>) -> Option<String> {
        let request = build_request(world, &self.plan, self.arguments.api);
        let command = EngineCommand::RaiseConsent(request);
        if let Err(rejection) = world.submit(None, command) {
            return Some(rejection.to_string());
        }
        let target = match self.playing_time() {
            Some(duration) => AdvanceTarget::By(duration),
            None => AdvanceTarget::UntilIdle,
        };
        let limits = Limits {
            duration: Some(self.arguments.timeout),
            ..Limits::default()
        };
        let plan = AdvancePlan {
            settle: self.arguments.settle,
            ..AdvancePlan::to_target(target)
        };
        match advance_clock(world, &plan, limits).await {
            Ok(advanced) if advanced.stop_reason == StopReason::TargetReached => None,
            Ok(advanced) => Some(format!(
                "the clock stopped at {}: {:?}",
                advanced.to, advanced.stop_reason
            )),
            Err(error) => Some(error.to_string()),
        }
    }

    /// Returns the world time to run: as the option says, else as the scenario takes. `None` until
    /// nothing is due.
    fn playing_time(&self) -> Option<Millis> {
        let duration = self
            .arguments
            .play_duration
            .map(|duration| Millis(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)));
        duration.or_else(|| playing_time(&self.plan))
    }

    /// Runs the FIU's test command, which raises the consent itself.
    async fn run_command(&self, world: &Arc<World>) -> anyhow::Result<TestCase> {
        let started_at = Instant::now();
        let Arguments {
            command, timeout, ..
        } = self.arguments;
        let (program, command_args) = command.split_first().expect("there is a command");
        let root = self.sandbox.base_url();
        let duration = self.playing_time().map(|time| format!("{}ms", time.0));
        let mut command_line = Command::new(program);
        command_line
            .args(command_args)
            .env("MOCKAA_URL", &root)
            .env("MOCKAA_WORLD", world.name())
            .env("MOCKAA_BASE_URL", format!("{root}{}", world.base_path()))
            .env("MOCKAA_SCENARIO", &self.plan.name)
            .env("MOCKAA_DURATION", duration.unwrap_or_default())
            .stdin(Stdio::null());
        let mut processes =
            ProcessGroup::spawn(command_line).with_context(|| format!("cannot start {program}"))?;
        let name = format!("{} succeeds", command.join(" "));
        let mut failure = match tokio::time::timeout(*timeout, processes.wait()).await {
            Err(_) => Some(format!(
                "it did not end within {} s and was killed",
                timeout.as_secs()
            )),
            Ok(status) => {
                let status = status.context("cannot wait for the command")?;
                (!status.success()).then(|| format!("it ended with {status}"))
            }
        };
        // Kills what still runs.
        drop(processes);
        // Wait for the webhooks in flight before grading.
        let plan = AdvancePlan {
            settle: self.arguments.settle,
            ..AdvancePlan::to_target(AdvanceTarget::By(Millis::ZERO))
        };
        if let Err(error) = advance_clock(world, &plan, Limits::default()).await {
            failure.get_or_insert_with(|| format!("cannot wait for the webhooks: {error}"));
        }
        Ok(TestCase {
            name,
            location: None,
            outcome: CaseOutcome::from_failure(failure),
            duration: started_at.elapsed(),
        })
    }
}

/// Builds a consent request as an FIU would send it, such that the `match` of the file accepts
/// it. A `*` in the customer pattern is replaced by the AA's handle or by 0.
pub(crate) fn build_request(
    world: &World,
    plan: &ScenarioPlan,
    default_api: ApiName,
) -> RaiseConsent {
    let participants = world.participants();
    let (aa, fiu) = (participants.default_aa(), participants.default_fiu());
    let matcher = plan.matcher();
    let customer = matcher
        .and_then(|matcher| matcher.customers.first())
        .map(ToString::to_string);
    let customer = match customer {
        Some(customer) if !customer.contains('*') => customer,
        Some(customer) => customer
            .replace("@*", &format!("@{}", aa.handle))
            .replace('*', "0"),
        None => format!("9876543210@{}", aa.handle),
    };
    let api = match matcher.and_then(|matcher| matcher.apis.first().copied()) {
        Some("seed") => Api::Seed,
        Some("unaport") => Api::Unaport,
        Some("rebit-1") => Api::Rebit(RebitVersion::V1_1_2),
        Some(_) => Api::Rebit(RebitVersion::V2_0_0),
        None => match default_api {
            ApiName::Seed => Api::Seed,
            ApiName::Rebit => Api::Rebit(RebitVersion::V2_0_0),
            ApiName::Unaport => Api::Unaport,
        },
    };
    let now = world.now();
    let fi_types = matcher
        .map(|matcher| matcher.fi_types.clone())
        .filter(|fi_types| !fi_types.is_empty());
    let fetch_type = matcher
        .and_then(|matcher| matcher.fetch_types.first().copied())
        .unwrap_or(FetchType::Periodic);
    let code = matcher
        .and_then(|matcher| matcher.purposes.first().cloned())
        .unwrap_or_else(|| "101".into());
    let terms = Terms {
        start: now,
        expiry: now.saturating_add(CONSENT_DURATION),
        mode: ConsentMode::Store,
        fetch_type,
        consent_types: ConsentType::ALL.into(),
        fi_types: fi_types.unwrap_or_else(|| vec![FiType::Deposit]).into(),
        consumer: Arc::clone(&fiu.entity.id),
        consumer_type: ConsumerType::Fiu,
        customer: normalize_address(&customer).into(),
        sent_customer: None,
        purpose: Arc::new(Purpose {
            code,
            ref_uri: None,
            text: None,
            category: None,
        }),
        range: TimeRange {
            from: now.shift_months(-12),
            to: now,
        },
        data_life: (DataLifeUnit::Month, 1),
        frequency: (FrequencyUnit::Month, 1),
        filters: None,
        vdr_provider: None,
        txnid: "".into(),
    };
    let metadata = (api == Api::Unaport).then(|| build_metadata(&plan.name, now));
    let (aa, fiu) = (Arc::clone(&aa.id), Arc::clone(&fiu.entity.id));
    let scenario = Some(plan.name.as_str().into());
    RaiseConsent {
        terms,
        api,
        aa,
        fiu,
        metadata,
        scenario,
        persona: None,
        on_repeated_txnid: OnRepeatedTxnid::Note,
    }
}

/// The validity period of the consents that `mockaa run` raises.
const CONSENT_DURATION: Millis = Millis::from_secs(365 * 86_400);

fn build_metadata(name: &str, now: Timestamp) -> UnaportMetadata {
    UnaportMetadata {
        tracking_id: name.into(),
        created_by: "mockaa run".into(),
        redirect_url: None,
        ver: "2.0.0".into(),
        timestamp: now,
    }
}

/// Returns the world time that a scenario runs: until its last action, plus one hour for webhook
/// retries. `None` for a scenario without actions, which runs until no work is due.
fn playing_time(plan: &ScenarioPlan) -> Option<Millis> {
    let actions = action_time(plan)?;
    Some(Millis(actions.0.saturating_add(RETRY_TIME.0)))
}

/// World time after the last action in which webhooks are sent again.
pub(crate) const RETRY_TIME: Millis = Millis(60 * 60 * 1000);

/// Returns the world time until the last step of a scenario and the delays of its rules; `None` for
/// a scenario without actions.
pub(crate) fn action_time(plan: &ScenarioPlan) -> Option<Millis> {
    if plan.steps.is_empty()
        && plan.rules.is_empty()
        && matches!(plan.approval, None | Some(ApprovalMode::Manual))
    {
        return None;
    }
    let steps = plan
        .steps
        .iter()
        .map(|step| {
            step.due_after
                .0
                .saturating_add(longest_answer_delay(&step.action))
        })
        .max()
        .unwrap_or_default();
    let rules = plan
        .rules
        .iter()
        .map(|rule| {
            rule.after
                .0
                .saturating_add(longest_answer_delay(&rule.action))
        })
        .sum::<i64>();
    Some(Millis(steps.saturating_add(rules)))
}

fn longest_answer_delay(action: &Action) -> i64 {
    match action {
        Action::Answer(action) => action.answers().delays().last().map_or(0, |delay| delay.0),
        _ => 0,
    }
}

/// Grades an expectation; waits for it up to its `within`.
async fn check_expectation(world: &World, expectation: &Expectation) -> TestCase {
    let started_at = Instant::now();
    let verdict = world.await_expectation(expectation).await;
    let view = VerdictView::new(expectation, &verdict);
    let explanation = view.explanation();
    TestCase {
        name: format!("{}: {expectation}", expectation.origin),
        location: Some(expectation.location),
        outcome: CaseOutcome::from_failure(
            (!explanation.is_empty()).then(|| explanation.join("\n")),
        ),
        duration: started_at.elapsed(),
    }
}

/// Maximum number of journal entries in the output of a test.
const JOURNAL_LINES_MAX: usize = 500;

/// Returns the newest entries of the journal, one per line.
fn render_journal(world: &World) -> String {
    let (entries, _) = world
        .catch_up()
        .journal_matching(ListPart::oldest(usize::MAX), |_| true);
    let first = entries.len().saturating_sub(JOURNAL_LINES_MAX);
    entries[first..]
        .iter()
        .map(|entry| format!("{}\n", EntrySummary::from(entry)))
        .collect()
}

/// Grades that no step of the scenario was rejected.
fn check_steps(world: &World) -> TestCase {
    let (rejected_steps, _) = world
        .catch_up()
        .journal_matching(ListPart::oldest(usize::MAX), |entry| {
            matches!(entry.record, JournalRecord::StepRejected { .. })
        });
    let failures: Vec<_> = rejected_steps
        .iter()
        .filter_map(|entry| match &entry.record {
            JournalRecord::StepRejected { origin, reason, .. } => {
                Some(format!("{} {origin}: {reason}", entry.at))
            }
            _ => None,
        })
        .collect();
    TestCase {
        name: "no step is rejected".to_owned(),
        location: None,
        outcome: CaseOutcome::from_failure((!failures.is_empty()).then(|| failures.join("\n"))),
        duration: Duration::ZERO,
    }
}

fn contract_case(grade: &RuleResultView) -> TestCase {
    let evidence: Vec<_> = grade
        .evidence
        .iter()
        .map(|entry| format!("journal {}: {}", entry.seq, entry.text))
        .collect();
    let failure =
        (grade.outcome != "pass").then(|| format!("{}\n{}", grade.outcome, evidence.join("\n")));
    TestCase {
        name: format!("contract: {}", grade.rule),
        location: None,
        outcome: CaseOutcome::from_failure(failure),
        duration: Duration::ZERO,
    }
}
