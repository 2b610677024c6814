//! `mockaa run`: plays scenario files as tests, each in a fresh world, and grades them.

use std::fmt::Write;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::app::Sandbox;
use crate::cli::inbox::{Inbox, Manner};
use crate::cli::own::OwnPersonas;
use crate::cli::scenario::{files_of, told};
use crate::cli::{Usage, duration};
use crate::config::{Options, find_config_file};
use crate::domain::account::FiType;
use crate::domain::command::{AdvanceTarget, Command as Wish, RaiseConsent};
use crate::domain::consent::{
    Api, ConsentMode, ConsentType, ConsumerType, DataLifeUnit, FetchType, FrequencyUnit, Purpose,
    Terms, TimeRange,
};
use crate::domain::expectation::{ExpectationStatus, Verdict};
use crate::domain::journal_entry::JournalRecord;
use crate::domain::persona::Personas;
use crate::domain::session::ApprovalMode;
use crate::domain::time::{Millis, Timestamp};
use crate::domain::unaport::UnaportMetadata;
use crate::domain::version::RebitVersion;
use crate::engine::advance::{Limits, StopReason, advance_clock};
use crate::engine::clock::ClockStart;
use crate::engine::world::World;
use crate::scenario::format::parse;
use crate::scenario::library::{taken, unknown_persona};
use crate::scenario::plan::{Action, Plan};
use crate::wire::control::report::{ReportView, RuleResultView, render_text};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Scenario files, or folders of them.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// A command that is the FIU's own test: started once per file, with `MOCKAA_BASE_URL`, `MOCKAA_WORLD`, `MOCKAA_SCENARIO` and
    /// `MOCKAA_URL` set, and graded when it has ended. Without one, mockaa raises the consent itself.
    #[arg(last = true, value_name = "CMD")]
    command: Vec<String>,

    /// Base URL of your FIU, which webhooks are posted to. Without it, and without a command, a small FIU of mockaa's own
    /// receives them, which checks what an FIU has to check.
    #[arg(long, env = "MOCKAA_FIU_URL", value_name = "URL")]
    fiu_url: Option<String>,

    /// The API on which mockaa raises the consent, where the file's `match` names none.
    #[arg(long, value_enum, default_value_t = FaceName::Rebit)]
    face: FaceName,

    /// How much of the world's time is played; without it, until the scenario's last step and an hour more.
    #[arg(long = "for", value_parser = duration, value_name = "TIME")]
    length: Option<Duration>,

    /// Seed of all ids and data.
    #[arg(long, env = "MOCKAA_SEED", default_value_t = 42)]
    seed: u64,

    /// Where every world's clock begins: `2020-07-04T06:00:00Z`; without it, now.
    #[arg(long, env = "MOCKAA_CLOCK", value_name = "INSTANT[,frozen]")]
    clock: Option<ClockStart>,

    /// File with participants of your own; without it `mockaa.toml` where there is one, else the shipped ones.
    #[arg(long, env = "MOCKAA_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    personas: OwnPersonas,

    /// How long one file may take, in wall time.
    #[arg(long, default_value = "10m", value_parser = duration, value_name = "TIME")]
    timeout: Duration,

    /// A broken rule of the contract report is a failure too.
    #[arg(long)]
    contract: bool,

    /// Write the results as JUnit XML.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,

    /// Print the results in JSON.
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  mockaa run scenarios/                                     play files in virtual time, grade their `expect`
  mockaa run loan.yaml --fiu-url http://127.0.0.1:9000      … against your FIU
  mockaa run loan.yaml --junit results.xml -- cargo test    … with your own test as the FIU

Exit codes: 0 all as expected, 1 expectations unmet, 2 a bad file or option, 3 it could not run.";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FaceName {
    Seed,
    Rebit,
    Unaport,
}

/// A file and how it fared.
struct Played {
    file: String,
    name: String,
    cases: Vec<Case>,
    report: ReportView,
    seconds: f32,
}

/// One thing that is graded.
struct Case {
    name: String,
    /// What is wrong; `None`: nothing.
    failure: Option<String>,
}

impl Played {
    fn passed(&self) -> bool {
        self.cases.iter().all(|case| case.failure.is_none())
    }
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let plans = read(&arguments.files, &arguments.personas.read()?)?;
    let inbox = if arguments.fiu_url.is_none() && arguments.command.is_empty() {
        Some(Inbox::start(
            Ipv4Addr::LOCALHOST.into(),
            0,
            Manner {
                status: None,
                keeps_time: true,
            },
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
        ..Options::default()
    };
    let sandbox = Sandbox::start(options).await?;
    if let Some(inbox) = &inbox {
        let secrets = sandbox
            .config()
            .participants
            .fius
            .iter()
            .map(|fiu| fiu.webhook_secret.to_string());
        inbox.trust(&sandbox.jwks(), secrets.collect())?;
    }
    let mut played = Vec::new();
    for (file, plan, text) in plans {
        let test = Test {
            sandbox: &sandbox,
            arguments: &arguments,
            plan: Arc::new(plan),
        };
        let result = test.play(&file, &text).await?;
        if !arguments.json {
            print(&result);
        }
        played.push(result);
    }
    sandbox.stop().await;
    if let Some(inbox) = inbox {
        inbox.stop().await;
    }
    if arguments.json {
        println!(
            "{}",
            json!({ "passed": played.iter().all(Played::passed), "files": played.iter().map(shown).collect::<Vec<_>>() })
        );
    } else {
        let failed = played.iter().filter(|played| !played.passed()).count();
        println!(
            "\n{} of {} scenarios as expected",
            played.len() - failed,
            played.len()
        );
    }
    if let Some(file) = &arguments.junit {
        std::fs::write(file, junit(&played))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(ExitCode::from(u8::from(!played.iter().all(Played::passed))))
}

/// All files, or all that is wrong with them.
fn read(named: &[PathBuf], personas: &Personas) -> anyhow::Result<Vec<(PathBuf, Plan, String)>> {
    let (mut plans, mut wrong) = (Vec::new(), Vec::new());
    for file in files_of(named)? {
        let text = std::fs::read_to_string(&file)
            .map_err(|error| Usage(format!("{}: {error}", file.display())))?;
        match parse(&text) {
            Ok(plan) => {
                let others = plans
                    .iter()
                    .map(|(file, plan, _): &(PathBuf, Plan, String)| {
                        (plan, file.to_str().unwrap_or_default())
                    });
                wrong.extend(
                    taken(&plan, others)
                        .into_iter()
                        .chain(unknown_persona(&plan, personas))
                        .map(|taken| told(&file, &[taken])),
                );
                plans.push((file, plan, text));
            }
            Err(faults) => wrong.push(told(&file, &faults)),
        }
    }
    if !wrong.is_empty() {
        return Err(Usage(wrong.join("\n")).into());
    }
    if plans.is_empty() {
        return Err(Usage(
            "there are no scenario files there; they end in .yaml, .yml or .json".to_owned(),
        )
        .into());
    }
    Ok(plans)
}

struct Test<'a> {
    sandbox: &'a Sandbox,
    arguments: &'a Arguments,
    plan: Arc<Plan>,
}

impl Test<'_> {
    async fn play(&self, file: &Path, text: &str) -> anyhow::Result<Played> {
        let started = tokio::time::Instant::now();
        let name = &self.plan.name;
        let world = self.sandbox.worlds().reset_world(name);
        world
            .scenario_selection_mut()
            .put_local(Arc::clone(&self.plan) as _, text)
            .map_err(Usage)?;
        world
            .scenario_selection_mut()
            .set_default(Some(name.clone()));
        let mut cases = vec![if self.arguments.command.is_empty() {
            self.in_virtual_time(&world).await
        } else {
            self.with_command(&world).await?
        }];
        for expectation in &self.plan.expect {
            let verdict = world.await_expectation(expectation).await;
            cases.push(Case {
                name: format!(
                    "{}: {} {}",
                    expectation.origin, expectation.count, expectation.target
                ),
                failure: failure_of(&verdict),
            });
        }
        cases.push(steps(&world));
        let report = ReportView::new(world.name(), &world.grade_contract());
        if self.arguments.contract {
            cases.extend(
                report
                    .rules
                    .iter()
                    .filter(|grade| grade.mark != "not-tested")
                    .map(contract),
            );
        }
        let seconds = started.elapsed().as_secs_f32();
        Ok(Played {
            file: file.display().to_string(),
            name: name.clone(),
            cases,
            report,
            seconds,
        })
    }

    /// The consent is raised here, and time is moved.
    async fn in_virtual_time(&self, world: &Arc<World>) -> Case {
        let name = "the consent is raised and played".to_owned();
        let wish = Wish::RaiseConsent(self.wish(world));
        if let Err(refusal) = world.submit(wish) {
            return Case {
                name,
                failure: Some(refusal.to_string()),
            };
        }
        let length = self
            .arguments
            .length
            .map(|length| Millis(i64::try_from(length.as_millis()).unwrap_or(i64::MAX)));
        let target = match length.or_else(|| horizon(&self.plan)) {
            Some(span) => AdvanceTarget::By(span),
            None => AdvanceTarget::UntilIdle,
        };
        let limits = Limits {
            duration: self.arguments.timeout,
            ..Limits::default()
        };
        let failure = match advance_clock(world, target, limits).await {
            Ok(advanced) if advanced.stop_reason == StopReason::TargetReached => None,
            Ok(advanced) => Some(format!(
                "time stopped at {}: {:?}",
                advanced.to, advanced.stop_reason
            )),
            Err(refused) => Some(refused.to_string()),
        };
        Case { name, failure }
    }

    /// The FIU's own test does everything.
    async fn with_command(&self, world: &Arc<World>) -> anyhow::Result<Case> {
        let Arguments {
            command, timeout, ..
        } = self.arguments;
        let (program, rest) = command.split_first().expect("there is a command");
        let root = self.sandbox.base_url();
        let mut child = Command::new(program)
            .args(rest)
            .env("MOCKAA_URL", &root)
            .env("MOCKAA_WORLD", world.name())
            .env("MOCKAA_BASE_URL", format!("{root}{}", world.base_path()))
            .env("MOCKAA_SCENARIO", &self.plan.name)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        let name = format!("{} ends well", command.join(" "));
        let mut failure = match tokio::time::timeout(*timeout, child.wait()).await {
            Err(_) => Some(format!(
                "it was not done within {} s, and was ended",
                timeout.as_secs()
            )),
            Ok(status) => {
                let status = status.context("cannot wait for the command")?;
                (!status.success()).then(|| format!("it ended with {status}"))
            }
        };
        // What is under way to the FIU is answered before anything is graded.
        if let Err(refused) = advance_clock(
            world,
            AdvanceTarget::By(Millis::default()),
            Limits::default(),
        )
        .await
        {
            failure.get_or_insert_with(|| format!("webhooks could not be waited for: {refused}"));
        }
        Ok(Case { name, failure })
    }

    /// A consent as an FIU would raise it: for the customer that the file is for, if that is a whole address.
    fn wish(&self, world: &World) -> RaiseConsent {
        let participants = world.participants();
        let (aa, fiu) = (participants.default_aa(), participants.default_fiu());
        let casting = self.plan.casting.as_ref().map(|(casting, _)| casting);
        let customer = casting
            .and_then(|casting| casting.customers.first())
            .map(ToString::to_string);
        let customer = match customer {
            Some(customer) if !customer.contains('*') => customer,
            Some(customer) => customer
                .replace("@*", &format!("@{}", aa.handle))
                .replace('*', "0"),
            None => format!("9876543210@{}", aa.handle),
        };
        let face = match casting.and_then(|casting| casting.apis.first().copied()) {
            Some("seed") => Api::Seed,
            Some("unaport") => Api::Unaport,
            Some("rebit-1") => Api::Rebit(RebitVersion::V1_1_2),
            Some(_) => Api::Rebit(RebitVersion::V2_0_0),
            None => match self.arguments.face {
                FaceName::Seed => Api::Seed,
                FaceName::Rebit => Api::Rebit(RebitVersion::V2_0_0),
                FaceName::Unaport => Api::Unaport,
            },
        };
        let now = world.now();
        let fi_types = casting
            .map(|casting| casting.fi_types.clone())
            .filter(|kinds| !kinds.is_empty());
        let fetch_type = casting
            .and_then(|casting| casting.fetch_types.first().copied())
            .unwrap_or(FetchType::Periodic);
        let code = casting
            .and_then(|casting| casting.purposes.first().cloned())
            .unwrap_or_else(|| "101".into());
        let terms = Terms {
            start: now,
            expiry: now.saturating_add(CONSENT_LASTS),
            mode: ConsentMode::Store,
            fetch_type,
            consent_types: ConsentType::ALL.into(),
            fi_types: fi_types.unwrap_or_else(|| vec![FiType::Deposit]).into(),
            consumer: Arc::clone(&fiu.entity.id),
            consumer_type: ConsumerType::Fiu,
            customer: customer.into(),
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
        let filing = (face == Api::Unaport).then(|| filing(&self.plan.name, now));
        let (aa, fiu) = (Arc::clone(&aa.id), Arc::clone(&fiu.entity.id));
        let scenario = Some(self.plan.name.as_str().into());
        RaiseConsent {
            terms,
            api: face,
            aa,
            fiu,
            metadata: filing,
            scenario,
            persona: None,
        }
    }
}

/// How long a consent lasts that is raised here.
const CONSENT_LASTS: Millis = Millis::from_secs(365 * 86_400);

fn filing(name: &str, now: Timestamp) -> UnaportMetadata {
    UnaportMetadata {
        tracking_id: name.into(),
        created_by: "mockaa run".into(),
        redirect_url: None,
        ver: "2.0.0".into(),
        timestamp: now,
    }
}

/// How long a scenario is played: to its last step and what its rules wait for, and an hour more for what webhooks need to
/// be tried again. Where it does nothing at all, until nothing is due any more.
fn horizon(plan: &Plan) -> Option<Millis> {
    let waits = |action: &Action| match action {
        Action::Deliver(outcomes) => outcomes
            .iter()
            .map(|(after, _)| after.0)
            .max()
            .unwrap_or_default(),
        _ => 0,
    };
    if plan.steps.is_empty()
        && plan.rules.is_empty()
        && matches!(plan.approval, None | Some(ApprovalMode::Manual))
    {
        return None;
    }
    let steps = plan
        .steps
        .iter()
        .map(|step| step.at.0.saturating_add(waits(&step.action)))
        .max()
        .unwrap_or_default();
    let rules = plan
        .rules
        .iter()
        .map(|rule| rule.after.0.saturating_add(waits(&rule.action)))
        .sum::<i64>();
    Some(Millis(
        steps.saturating_add(rules).saturating_add(60 * 60 * 1000),
    ))
}

fn failure_of(verdict: &Verdict) -> Option<String> {
    let Verdict {
        status: outcome,
        count: counted,
        evicted,
        near_misses: near,
        ..
    } = verdict;
    let mut failure = match outcome {
        ExpectationStatus::Met => return None,
        ExpectationStatus::Unmet => format!("counted {counted}"),
        ExpectationStatus::Evicted => {
            format!("counted {counted}; {evicted} more entries are forgotten, nobody can tell")
        }
        ExpectationStatus::Untested => {
            "the event after which it was to be so never happened".to_owned()
        }
    };
    for (seq, difference) in near {
        write!(failure, "\nnearly: journal {seq}: {difference}")
            .expect("writing to a string cannot fail");
    }
    Some(failure)
}

/// Every step of the scenario could happen.
fn steps(world: &World) -> Case {
    let (refused, _) = world.journal_matching(0, usize::MAX, |entry| {
        matches!(entry.record, JournalRecord::StepRejected { .. })
    });
    let told = refused.iter().filter_map(|entry| match &entry.record {
        JournalRecord::StepRejected { origin, reason, .. } => {
            Some(format!("{} {origin}: {reason}", entry.at))
        }
        _ => None,
    });
    let told: Vec<_> = told.collect();
    Case {
        name: "every step can happen".to_owned(),
        failure: (!told.is_empty()).then(|| told.join("\n")),
    }
}

fn contract(grade: &RuleResultView) -> Case {
    let evidence: Vec<_> = grade
        .evidence
        .iter()
        .map(|seen| format!("journal {}: {}", seen.seq, seen.text))
        .collect();
    let failure =
        (grade.mark != "pass").then(|| format!("{}\n{}", grade.mark, evidence.join("\n")));
    Case {
        name: format!("contract: {}", grade.rule),
        failure,
    }
}

fn print(played: &Played) {
    let verdict = if played.passed() { "ok  " } else { "FAIL" };
    println!("{verdict} {} ({})", played.name, played.file);
    for Case { name, failure } in &played.cases {
        match failure {
            None => println!("     ok    {name}"),
            Some(failure) => println!(
                "     FAIL  {name}\n             {}",
                failure.replace('\n', "\n             ")
            ),
        }
    }
    if !played.report.passed {
        println!("     What the contract report says of the FIU; --contract grades it:");
        print!("{}", render_text(&played.report));
    }
}

fn shown(played: &Played) -> Value {
    let case = |case: &Case| json!({ "name": case.name, "passed": case.failure.is_none(), "failure": case.failure });
    json!({
        "file": played.file,
        "scenario": played.name,
        "passed": played.passed(),
        "cases": played.cases.iter().map(case).collect::<Vec<_>>(),
        "contract": played.report,
    })
}

/// The results as JUnit has them, which every CI reads.
fn junit(played: &[Played]) -> String {
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n".to_owned();
    for Played {
        file,
        name,
        cases,
        seconds,
        ..
    } in played
    {
        let failures = cases.iter().filter(|case| case.failure.is_some()).count();
        xml += &format!(
            "  <testsuite name=\"{}\" file=\"{}\" tests=\"{}\" failures=\"{failures}\" time=\"{seconds:.3}\">\n",
            escaped(name),
            escaped(file),
            cases.len()
        );
        for Case {
            name: case,
            failure,
        } in cases
        {
            let head = format!(
                "    <testcase classname=\"{}\" name=\"{}\"",
                escaped(name),
                escaped(case)
            );
            match failure {
                None => xml += &format!("{head}/>\n"),
                Some(failure) => {
                    let first = failure.lines().next().unwrap_or_default();
                    let (message, text) = (escaped(first), escaped(failure));
                    xml += &format!(
                        "{head}><failure message=\"{message}\">{text}</failure></testcase>\n"
                    );
                }
            }
        }
        xml += "  </testsuite>\n";
    }
    xml + "</testsuites>\n"
}

/// A text as XML has it. What XML has no place for is left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text
        .chars()
        .filter(|c| *c == '\n' || *c == '\t' || !c.is_control())
    {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\n' => escaped += "&#10;",
            c => escaped.push(c),
        }
    }
    escaped
}
