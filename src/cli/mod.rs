//! The command line. Exit codes: 0 fine, 1 expectations unmet, 2 usage or bad file, 3 could not run (DESIGN §6).

mod config;
mod control;
mod data;
mod demo;
mod fi;
mod inbox;
mod jws;
mod listen;
mod magic;
mod own;
mod ready;
mod remote;
mod run;
mod scenario;
mod serve;

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, Subcommand};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::app::StartError;
use crate::config::ConfigError;
use crate::config::personas::PersonaLoadError;
use crate::scenario::library::BadScenarios;
use crate::wire::duration::{DURATION_FORMS, parse_duration};

/// A local stand-in for an Indian Account Aggregator.
///
/// Point your FIU's AA base URL at it and get, offline and in milliseconds: consents that really change state, signed
/// webhooks that reach your laptop, and generated bank data.
#[derive(Debug, Parser)]
#[command(name = "mockaa", version, arg_required_else_help = true, after_help = EXAMPLES)]
struct Arguments {
    /// What to log on stderr: error, warn, info, debug, or per part, such as `warn,mockaa::webhooks=debug`. Without it,
    /// info where a sandbox is served, else warn.
    #[arg(long, env = "MOCKAA_LOG", global = true, value_name = "LEVELS")]
    log: Option<Targets>,

    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "Examples:
  mockaa demo                                    see one whole journey
  mockaa serve --fiu-url http://127.0.0.1:9000   run the sandbox for your FIU
  mockaa fi keys --private fiu-keys.json         a key pair for encrypted data
  mockaa jws explain --signature SIG body.json   why does this not verify?
  mockaa magic                                   customers whose consents play a known story
  mockaa data generate --persona over-indebted   a statement, XML or JSON, CSV …
  mockaa run scenarios/ --junit results.xml      play scenario files as tests
  mockaa listen                                  an inbox that verifies every webhook";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the sandbox.
    Serve(Box<serve::Arguments>),
    /// Play one whole journey: a consent request becomes signed webhooks and bank data at an FIU.
    Demo(demo::Arguments),
    /// Wait until a sandbox answers; for health checks and scripts.
    Ready(ready::Arguments),
    /// Sign and check messages as ReBIT participants do, and find out why a signature does not verify.
    #[command(subcommand)]
    Jws(jws::Command),
    /// The FIU's side of encrypted financial information: make keys, encrypt, decrypt.
    #[command(subcommand)]
    Fi(fi::Command),
    /// Bank data: make statements of every kind, check your own.
    #[command(subcommand)]
    Data(data::Command),
    /// Participants of your own.
    #[command(subcommand)]
    Config(config::Command),
    /// List the customers whose consents play a known story.
    Magic,
    /// Play scenario files as tests, each in a fresh world, and grade them.
    Run(Box<run::Arguments>),
    /// An inbox that verifies and prints every webhook.
    Listen(listen::Arguments),
    /// Scenario files: list, show, check, schema; and which drives what.
    #[command(subcommand)]
    Scenario(scenario::Command),
    /// Consents of a running sandbox: list, show, approve, reject, pause, resume, revoke, expire.
    #[command(subcommand)]
    Consent(control::Consent),
    /// Customers of a running sandbox and their accounts.
    #[command(subcommand)]
    Customer(control::Customer),
    /// Worlds of a running sandbox.
    #[command(subcommand)]
    World(control::World),
    /// A world's clock: show, freeze, run, set, advance.
    #[command(subcommand)]
    Clock(control::Clock),
    /// Webhooks of a running sandbox: list, show, resend.
    #[command(subcommand)]
    Webhook(control::Webhook),
    /// Faults in force for all of a world.
    #[command(subcommand)]
    Fault(control::Fault),
    /// What has happened in a world; waits for it with --wait.
    Journal(control::Journal),
    /// Hold expectations against what has happened.
    Assert(control::Assert),
    /// How your FIU has behaved: the contract report.
    Report(control::At),
}

/// Runs what the process's arguments say.
pub async fn run() -> ExitCode {
    end_with_the_reader();
    let arguments = Arguments::parse();
    let to_stderr = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_target(false);
    let usual = if matches!(arguments.command, Command::Serve(_)) {
        LevelFilter::INFO
    } else {
        LevelFilter::WARN
    };
    let usual = || {
        Targets::new()
            .with_default(usual)
            .with_target("actix_server", LevelFilter::WARN)
    };
    tracing_subscriber::registry()
        .with(to_stderr.with_filter(arguments.log.unwrap_or_else(usual)))
        .init();
    let outcome = match arguments.command {
        Command::Serve(arguments) => serve::run(*arguments).await,
        Command::Demo(arguments) => demo::run(arguments).await,
        Command::Ready(arguments) => ready::run(arguments).await,
        Command::Jws(command) => jws::run(&command),
        Command::Fi(command) => fi::run(&command),
        Command::Data(command) => data::run(command),
        Command::Config(command) => config::run(command),
        Command::Magic => Ok(magic::run()),
        Command::Run(arguments) => run::run(*arguments).await,
        Command::Listen(arguments) => listen::run(arguments).await,
        Command::Scenario(command) => scenario::run(command).await,
        Command::Consent(command) => control::consent(command).await,
        Command::Customer(command) => control::customer(command).await,
        Command::World(command) => control::world(command).await,
        Command::Clock(command) => control::clock(command).await,
        Command::Webhook(command) => control::webhook(command).await,
        Command::Fault(command) => control::fault(command).await,
        Command::Journal(arguments) => control::journal(arguments).await,
        Command::Assert(arguments) => control::assert(arguments).await,
        Command::Report(arguments) => control::report(arguments).await,
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("mockaa: {error:#}");
        ExitCode::from(exit_code(&error))
    })
}

/// The bytes of a file, or of stdin where it is `-` or not given.
fn input(file: Option<&Path>) -> anyhow::Result<Vec<u8>> {
    if let Some(file) = file.filter(|file| *file != Path::new("-")) {
        return std::fs::read(file)
            .map_err(|error| Usage(format!("cannot read {}: {error}", file.display())).into());
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .read_to_end(&mut bytes)
        .context("cannot read stdin")?;
    Ok(bytes)
}

/// Reads a length of wall time.
fn duration(text: &str) -> Result<Duration, String> {
    let span = parse_duration(text).ok_or_else(|| format!("give {DURATION_FORMS}"))?;
    Ok(Duration::from_millis(
        u64::try_from(span.0).unwrap_or_default(),
    ))
}

/// A mistake in what the caller gave; the exit code says so.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

/// Something that was waited for has not come.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unmet(String);

/// 1 for what was expected in vain, 2 for what the caller can mend in the call or a file, 3 for the rest.
fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<Unmet>() {
        return 1;
    }
    if error.is::<Usage>()
        || error.is::<ConfigError>()
        || error.is::<PersonaLoadError>()
        || error.is::<BadScenarios>()
    {
        return 2;
    }
    match error.downcast_ref::<StartError>() {
        Some(StartError::Config(_) | StartError::Scenarios(_) | StartError::Personas(_)) => 2,
        Some(StartError::Bind { .. } | StartError::Webhooks(_)) | None => 3,
    }
}

/// Whoever reads our output may stop, as `| head` does. That is the end, and no failure.
fn end_with_the_reader() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let text = panic
            .payload()
            .downcast_ref::<String>()
            .map(String::as_str)
            .unwrap_or_default();
        if text.starts_with("failed printing to stdout") && text.contains("Broken pipe") {
            std::process::exit(0);
        }
        usual(panic);
    }));
}
