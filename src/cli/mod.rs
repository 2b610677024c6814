//! The command line (`docs/architecture.md#control-api-and-command-line`). Each command has a
//! module; this one parses the arguments and sets up logging. Errors end with the exit codes of
//! `ExitStatus`: 0 success, 1 expectations unmet, 2 usage or invalid file, 3 could not run, 4 the
//! sandbox refuses.

mod certify;
pub(crate) mod command_tree;
mod common_args;
mod config;
mod consent_check;
mod control;
pub(crate) mod control_calls;
mod data;
mod demo;
mod doctor;
mod environment;
pub(crate) mod exit_status;
mod fi;
mod file_options;
mod github;
mod jws;
mod listen;
mod lists;
mod log_output;
mod magic;
mod numbers;
mod participants;
mod persona;
mod raise;
mod ready;
mod remote;
mod run;
mod scenario;
mod serve;
mod sessions;
mod stdout;
mod terminal;
mod trigger;

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::cli::exit_status::ExitStatus;
use crate::cli::file_options::FileOptions;
use crate::cli::log_output::{LogEncoding, LogOutput, parse_levels};
use crate::cli::stdout::{CodeMeaning, StdoutError};
use crate::domain::duration::{DURATION_FORMS, parse_duration};
use crate::domain::text::{display_path, escape_controls, escape_line_controls};
use crate::domain::time::Millis;

/// A local stand-in for an Indian Account Aggregator.
///
/// Point your FIU's AA base URL at it. It works offline and responds in milliseconds: consents
/// change state, signed webhooks reach your laptop, and bank data is generated.
#[derive(Debug, Parser)]
#[command(name = "mockaa", version, arg_required_else_help = true, after_help = EXAMPLES)]
struct Arguments {
    /// Log level on stderr: error, warn, info, debug, or levels per module, such as
    /// `warn,mockaa::webhooks=debug`; default: info for `serve`, else warn.
    #[arg(
        long,
        env = "MOCKAA_LOG",
        global = true,
        value_parser = parse_levels,
        value_name = "LEVELS"
    )]
    log: Option<Targets>,

    /// Form of the log lines on stderr.
    #[arg(
        long,
        env = "MOCKAA_LOG_FORMAT",
        global = true,
        value_enum,
        default_value_t = LogFormat::Text,
        value_name = "FORMAT"
    )]
    log_format: LogFormat,

    #[command(subcommand)]
    command: Command,
}

/// Form of the log lines.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    /// One line for people.
    Text,
    /// One JSON object on a line; the fields of a call are in `span`.
    Json,
}

const EXAMPLES: &str = "Examples:
  mockaa demo                                    show one whole journey
  mockaa serve --fiu-url http://127.0.0.1:9000   run the sandbox for your FIU
  mockaa fi keys --private fiu-keys.json         generate a key pair for encrypted data
  mockaa jws explain --signature SIG body.json   find out why a signature is invalid
  mockaa magic                                   customers whose consents follow a fixed scenario
  mockaa data generate --persona over-indebted   generate a statement in XML, JSON, CSV …
  mockaa run scenarios/ --junit results.xml      run scenario files as tests
  mockaa listen                                  an inbox that verifies each webhook";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the sandbox.
    Serve(Box<serve::Arguments>),
    /// Show one whole journey: a consent request leads to signed webhooks and bank data at an FIU.
    Demo(demo::Arguments),
    /// Look at your set-up and name the one thing to change: clocks, proxies, your FIU's address,
    /// its answers to a rightly and a wrongly signed webhook, its key.
    Doctor(doctor::Arguments),
    /// Wait until a sandbox answers; for health checks and scripts.
    Ready(ready::Arguments),
    /// Sign and verify messages as ReBIT participants do, and explain invalid signatures.
    #[command(subcommand)]
    Jws(jws::Command),
    /// Encrypted financial information: generate keys, encrypt, decrypt.
    #[command(subcommand)]
    Fi(fi::Command),
    /// Bank data: generate statements of every FI type, check your own.
    #[command(subcommand)]
    Data(data::Command),
    /// Participants of your own: print a sample file, check a file.
    #[command(subcommand)]
    Config(config::Command),
    /// List the customers whose consents follow a fixed scenario.
    Magic(magic::Arguments),
    /// Run scenario files as tests, each in a new world, and grade them.
    Run(Box<run::Arguments>),
    /// Rehearse the certification of your FIU: play the cases of a suite against it.
    Certify(Box<certify::Arguments>),
    /// Run an inbox that verifies and prints each webhook.
    Listen(listen::Arguments),
    /// Scenario files: list, show, lint, schema; put, delete, reload, pin and default for a running
    /// sandbox.
    #[command(subcommand)]
    Scenario(scenario::Command),
    /// Consents of a running sandbox: list, show, raise, approve, activate, reject, fail, pause,
    /// resume, revoke, expire, play; check a request.
    #[command(subcommand)]
    Consent(control::ConsentCommand),
    /// Raise a consent that follows a named story, let its time pass, and print what has happened.
    Trigger(Box<trigger::Arguments>),
    /// Data sessions of a running sandbox: list, show, deliver, analytics.
    #[command(subcommand)]
    Session(sessions::Command),
    /// Personas of a world of a running sandbox: put.
    #[command(subcommand)]
    Persona(persona::PersonaCommand),
    /// Customers of a running sandbox and their accounts.
    #[command(subcommand)]
    Customer(control::CustomerCommand),
    /// FIUs of a world: list, show, put.
    #[command(subcommand)]
    Fiu(participants::FiuCommand),
    /// FIPs of a world: list, show, put.
    #[command(subcommand)]
    Fip(participants::FipCommand),
    /// Show what a running sandbox is: version, addresses, one-time passwords, errors of scenario files.
    #[command(after_help = "Examples:\n  mockaa info\n  mockaa info --json")]
    Info(control::WorldTarget),
    /// Worlds of a running sandbox: list, show, reset, delete.
    #[command(subcommand)]
    World(control::WorldCommand),
    /// Clock of a world: show, due, freeze, run, set, advance.
    #[command(subcommand)]
    Clock(control::ClockCommand),
    /// Webhooks of a running sandbox: list, show, resend.
    #[command(subcommand)]
    Webhook(control::WebhookCommand),
    /// Fault sets of a world: list, show, put, delete.
    #[command(subcommand)]
    Fault(control::FaultCommand),
    /// Print the journal of a world, or wait for an entry with --wait.
    Journal(control::JournalArguments),
    /// Check expectations against the journal of a world.
    Assert(control::AssertArguments),
    /// Print the contract report, which grades the behavior of your FIU.
    #[command(
        after_help = "Examples:\n  mockaa report\n  mockaa report --json\n\nExit code 1: a rule is broken."
    )]
    Report(control::WorldTarget),
    /// Print a script that completes commands and options in a shell.
    #[command(
        after_help = "Examples:\n  mockaa completions bash > ~/.local/share/bash-completion/completions/mockaa\n  mockaa completions zsh > \
                      ~/.zfunc/_mockaa\n  mockaa completions fish > ~/.config/fish/completions/mockaa.fish"
    )]
    Completions {
        /// Shell of the script.
        shell: clap_complete::Shell,
    },
    /// Print the manual page of the program, or write a page for each command.
    #[command(
        after_help = "Examples:\n  mockaa man > mockaa.1\n  mockaa man --dir ~/.local/share/man/man1"
    )]
    Man {
        /// Folder for one page per command; it is created if it does not exist.
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

/// Runs the command that the process arguments name, and returns its exit code.
pub async fn run() -> ExitCode {
    if let Err(message) = environment::check_names(&Arguments::command()) {
        stdout::print_error(&message);
        return ExitStatus::Usage.into();
    }
    let given: Vec<_> = std::env::args_os().collect();
    let command = match prepare_command(&given) {
        Ok((command, _)) => command,
        Err(error) => {
            run::report_wrong_arguments(&error.to_string());
            stdout::print_error(&error.to_string());
            return ExitStatus::Usage.into();
        }
    };
    let arguments = match parse_arguments(command.clone(), given.into_iter()) {
        Ok(arguments) => arguments,
        Err(error) => return print_parser_error(&command, &error),
    };
    let meaning = arguments.command.code_meaning();
    stdout::install_panic_hook(meaning);
    let encoding = match arguments.log_format {
        LogFormat::Text => LogEncoding::Text,
        LogFormat::Json => LogEncoding::Json,
    };
    let layer = tracing_subscriber::fmt::layer().with_writer(LogOutput { encoding });
    let stderr_layer = match arguments.log_format {
        LogFormat::Text => layer.with_target(false).boxed(),
        LogFormat::Json => layer
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed(),
    };
    let default_level = if matches!(arguments.command, Command::Serve(_)) {
        LevelFilter::INFO
    } else {
        LevelFilter::WARN
    };
    let targets = arguments.log.unwrap_or_else(|| {
        Targets::new()
            .with_default(default_level)
            .with_target("actix_server", LevelFilter::WARN)
    });
    tracing_subscriber::registry()
        .with(stderr_layer.with_filter(targets))
        .init();
    let outcome = match arguments.command {
        Command::Serve(arguments) => serve::run(*arguments).await,
        Command::Demo(arguments) => demo::run(arguments).await,
        Command::Doctor(arguments) => doctor::run(arguments).await,
        Command::Ready(arguments) => ready::run(arguments).await,
        Command::Jws(command) => jws::run(&command).await,
        Command::Fi(command) => fi::run(&command),
        Command::Data(command) => data::run(command),
        Command::Config(command) => config::run(command),
        Command::Magic(arguments) => magic::run(arguments).await,
        Command::Run(arguments) => run::run(*arguments).await,
        Command::Certify(arguments) => certify::run(*arguments).await,
        Command::Listen(arguments) => listen::run(arguments).await,
        Command::Scenario(command) => scenario::run(command).await,
        Command::Consent(command) => control::run_consent(command).await,
        Command::Trigger(arguments) => trigger::run(*arguments).await,
        Command::Session(command) => sessions::run(command).await,
        Command::Fiu(command) => participants::run_fiu(command).await,
        Command::Fip(command) => participants::run_fip(command).await,
        Command::Persona(command) => persona::run(command).await,
        Command::Customer(command) => control::run_customer(command).await,
        Command::Info(arguments) => control::print_info(arguments).await,
        Command::World(command) => control::run_world(command).await,
        Command::Clock(command) => control::run_clock(command).await,
        Command::Webhook(command) => control::run_webhook(command).await,
        Command::Fault(command) => control::run_fault(command).await,
        Command::Journal(arguments) => control::print_journal(arguments).await,
        Command::Assert(arguments) => control::run_assertions(arguments).await,
        Command::Report(arguments) => control::print_report(arguments).await,
        Command::Completions { shell } => command_tree::print_completions(shell),
        Command::Man { dir } => command_tree::print_manual(dir.as_deref()),
    };
    let code = outcome.unwrap_or_else(|error| {
        if let Some(StdoutError(error)) = error.downcast_ref() {
            return stdout::failure_code(error, meaning);
        }
        stdout::print_error(&escape_quoted_arguments(&stdout::format_causes(&error)));
        ExitStatus::of_error(&error).into()
    });
    stdout::finish(code, meaning)
}

impl Command {
    fn code_meaning(&self) -> CodeMeaning {
        match self {
            Self::Run(_)
            | Self::Demo(_)
            | Self::Doctor(_)
            | Self::Jws(_)
            | Self::Certify(_)
            | Self::Assert(_)
            | Self::Report(_) => CodeMeaning::Verdict,
            _ => CodeMeaning::Completion,
        }
    }
}

/// Returns the commands, with the options of `mockaa.toml` as defaults, for these arguments. Empty
/// environment variables do not count.
///
/// # Errors
/// The first option in the file that does not fit.
fn prepare_command(arguments: &[OsString]) -> Result<(clap::Command, FileOptions), UsageError> {
    let command = environment::ignore_empty_variables(command_tree::build_command());
    let file_options = FileOptions::read(&command, arguments)?;
    Ok((file_options.apply(command)?, file_options))
}

/// Parses the arguments of the process.
fn parse_arguments(
    command: clap::Command,
    arguments: impl Iterator<Item = impl Into<OsString> + Clone>,
) -> Result<Arguments, clap::Error> {
    let mut matches = command.try_get_matches_from(arguments)?;
    Arguments::from_arg_matches_mut(&mut matches)
}

/// Prints what the parser of the arguments answers, a help text included. The answer to arguments
/// without control characters is the same, and quotes none.
fn print_parser_error(command: &clap::Command, error: &clap::Error) -> ExitCode {
    let arguments = std::env::args_os()
        .map(|argument| escape_controls(&argument.to_string_lossy()).into_owned());
    let escaped = parse_arguments(command.clone(), arguments);
    let printed = escaped.as_ref().err().unwrap_or(error).print();
    if error.use_stderr() {
        if let Some(variable) = find_variable(command, error) {
            stdout::print_error(&format!("the value is that of the variable {variable}"));
        }
        run::report_wrong_arguments(&error.to_string());
        return ExitStatus::Usage.into();
    }
    match printed {
        Ok(()) => stdout::finish(ExitStatus::Success.into(), CodeMeaning::Completion),
        Err(error) => stdout::failure_code(&error, CodeMeaning::Completion),
    }
}

/// Returns the environment variable from which a wrong value comes.
fn find_variable(command: &clap::Command, error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(usage)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let long = usage.strip_prefix("--")?.split([' ', '=', '[']).next()?;
    let is_given = |argument: OsString| {
        let argument = argument.to_string_lossy();
        argument.split('=').next() == Some(&format!("--{long}"))
    };
    if std::env::args_os().any(is_given) {
        return None;
    }
    let commands = std::iter::once(command).chain(command.get_subcommands());
    let mut options = commands.flat_map(clap::Command::get_arguments);
    let option = options.find(|option| option.get_long() == Some(long))?;
    let variable = option.get_env()?;
    let is_set = std::env::var_os(variable).is_some_and(|value| !value.is_empty());
    is_set.then(|| variable.to_string_lossy().into_owned())
}

/// Returns a message without control characters but its own line feeds: an argument that it quotes
/// stays on its line.
fn escape_quoted_arguments(message: &str) -> String {
    let mut message = message.to_owned();
    for argument in std::env::args_os().skip(1) {
        let argument = argument.to_string_lossy();
        let values = argument.split_once('=').map(|(_, value)| value);
        for value in std::iter::once(&*argument).chain(values) {
            if let Cow::Owned(escaped) = escape_controls(value) {
                message = message.replace(value, &escaped);
            }
        }
    }
    escape_line_controls(&message).into_owned()
}

/// Opens a file, or stdin if the file is `-`.
fn open_input(file: &Path) -> anyhow::Result<Box<dyn BufRead>> {
    if file == Path::new("-") {
        return Ok(Box::new(std::io::stdin().lock()));
    }
    let opened = std::fs::File::open(file)
        .map_err(|error| UsageError(format!("cannot read {}: {error}", display_path(file))))?;
    Ok(Box::new(BufReader::new(opened)))
}

/// Returns the bytes of a file, or of stdin if the file is `-` or absent.
fn read_input(file: Option<&Path>) -> anyhow::Result<Vec<u8>> {
    if let Some(file) = file.filter(|file| *file != Path::new("-")) {
        return std::fs::read(file).map_err(|error| {
            UsageError(format!("cannot read {}: {error}", display_path(file))).into()
        });
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .read_to_end(&mut bytes)
        .context("cannot read stdin")?;
    Ok(bytes)
}

/// Longest duration of system time that an option takes.
const SYSTEM_DURATION_MAX: Millis = Millis::from_secs(366 * 86_400);

/// Parses a duration of system time.
fn parse_duration_arg(text: &str) -> Result<Duration, String> {
    let millis = parse_duration(text).ok_or_else(|| format!("give {DURATION_FORMS}"))?;
    if millis > SYSTEM_DURATION_MAX {
        return Err("give at most 366d".to_owned());
    }
    Ok(Duration::from_millis(
        u64::try_from(millis.0).unwrap_or_default(),
    ))
}

/// Parses a duration of system time after which something is given up: 0 would end it at once.
fn parse_positive_duration_arg(text: &str) -> Result<Duration, String> {
    let duration = parse_duration_arg(text)?;
    if duration.is_zero() {
        return Err("it is no time at all; give 1ms or more".to_owned());
    }
    Ok(duration)
}

/// An invalid option or file; exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct UsageError(String);

/// A call that the sandbox refuses; exit code 4.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct SandboxRefusal(String);

/// A call that the state of the world does not allow, or that it has ended; exit code 4.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct StateConflict(String);

/// An expectation that was not met in time; exit code 1.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct UnmetExpectation(String);
