//! `mockaa serve`: runs a sandbox until a signal. Prints a ready line for scripts on stdout and a
//! summary for people on stderr; nothing else goes to stdout.

use std::io::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use clap::builder::{NonEmptyStringValueParser, RangedU64ValueParser};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::app::Sandbox;
use crate::cli::common_args::{PersonaArgs, TrustArgs};
use crate::cli::config::{describe_credential, describe_webhook_urls};
use crate::cli::{UsageError, parse_duration_arg, parse_positive_duration_arg};
use crate::config::tls::default_folder;
use crate::config::{DEFAULT_PUSH_DATA_PATH, Options, find_config_file};
use crate::domain::fair_use::FairUseMode;
use crate::domain::participants::WebhookUrls;
use crate::domain::retry_policy::RetryPolicy;
use crate::domain::session::{ApprovalMode, DataTiming};
use crate::domain::text::display_path;
use crate::domain::time_source::{TimeSettings, TimeSource};
use crate::engine::clock::ClockStart;
use crate::engine::sandbox_config::ENDED_CONSENTS_MAX;
use crate::http::SecurityMode;
use crate::platform::{StopSignals, create_private_file, open_browser};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of the command line"
)]
pub struct Arguments {
    /// Address to listen on. Beyond loopback the control API requires a token.
    #[arg(
        long,
        env = "MOCKAA_BIND",
        default_value = "127.0.0.1",
        value_name = "IP"
    )]
    bind: IpAddr,

    /// Port to listen on; 0 selects a free one, which the ready line on stdout contains.
    #[arg(long, env = "MOCKAA_PORT", default_value_t = 8080)]
    port: u16,

    /// File with participants of your own; default: `mockaa.toml` if it exists, else the shipped
    /// participants.
    #[arg(long, env = "MOCKAA_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// Base URL of your FIU, to which webhooks are posted.
    #[arg(long, env = "MOCKAA_FIU_URL", value_name = "URL")]
    fiu_url: Option<String>,

    /// Seed of all ids and data; default: a random one, which is printed.
    #[arg(long, env = "MOCKAA_SEED")]
    seed: Option<u64>,

    /// Start of each world's clock, running or frozen, such as `2020-07-04T06:00:00Z` or
    /// `now,frozen`; default: now.
    #[arg(long, env = "MOCKAA_CLOCK", value_name = "INSTANT[,frozen]")]
    clock: Option<ClockStart>,

    /// Clock of webhook-timestamp and its HMAC: wall (system time) or world; default: wall.
    #[arg(long, env = "MOCKAA_SIGNING_TIME", value_parser = parse_time_source, value_name = "CLOCK")]
    signing_time: Option<TimeSource>,

    /// Clock of timestamp in answers and webhook bodies: wall (system time) or world; default:
    /// wall, in a frozen world and in strict security world.
    #[arg(long, env = "MOCKAA_MESSAGE_TIME", value_parser = parse_time_source, value_name = "CLOCK")]
    message_time: Option<TimeSource>,

    /// Folder of scenario files, added to the shipped ones and reloaded when a file changes.
    #[arg(long, env = "MOCKAA_SCENARIOS", value_name = "DIR")]
    scenarios: Option<PathBuf>,

    /// Scenario of consents for which no other rule selects one; default: none, the approval mode
    /// applies.
    #[arg(long, env = "MOCKAA_DEFAULT_SCENARIO", value_name = "NAME")]
    default_scenario: Option<String>,
    #[command(flatten)]
    personas: PersonaArgs,
    /// Persona of customers that have none from a scenario or the control API.
    #[arg(long, value_name = "NAME")]
    persona: Option<String>,

    /// Required authentication of callers: open (none), lenient (what is missing or unknown is
    /// accepted and noted, a signature that does not match is refused) or strict (as a certified
    /// AA).
    #[arg(long, env = "MOCKAA_SECURITY", default_value = "lenient", value_parser = parse_security, value_name = "MODE")]
    security: SecurityMode,

    /// Treatment of consent and data requests outside the fair-use templates: off, note (in the
    /// journal) or refuse (with 412).
    #[arg(long, env = "MOCKAA_FAIR_USE", default_value = "note", value_parser = parse_fair_use, value_name = "MODE")]
    fair_use: FairUseMode,

    /// Post statements to the FIU; default: on the seed API only, which has no data call.
    #[arg(long, env = "MOCKAA_PUSH_DATA", value_name = "true|false")]
    push_data: Option<bool>,

    /// Path for posted statements, below the FIU's base URL.
    #[arg(long, env = "MOCKAA_PUSH_DATA_PATH", default_value = DEFAULT_PUSH_DATA_PATH, value_name = "PATH")]
    push_data_path: String,

    /// Approval mode of consent requests that no scenario drives: manual (you answer), immediate
    /// (the customer approves at once) or timed (the customer approves after 19 s, as recorded from
    /// the Unaport service).
    #[arg(long, env = "MOCKAA_CONSENT", default_value = "manual", value_parser = parse_approval_mode, value_name = "WHO")]
    consent: ApprovalMode,

    /// Data timing of simulated FIPs: immediate, timed (as recorded from the Unaport service),
    /// manual (by control API) or polls:N (READY after N polls of your FIU).
    #[arg(long, env = "MOCKAA_DATA", default_value = "immediate", value_parser = parse_data_timing, value_name = "WHEN")]
    data: DataTiming,

    /// Timeout of a webhook attempt, in system time.
    #[arg(long, env = "MOCKAA_WEBHOOK_TIMEOUT", default_value = "15s", value_parser = parse_positive_duration_arg, value_name = "TIME")]
    webhook_timeout: Duration,

    /// Delays in world time after which a webhook that failed is sent again, or none.
    #[arg(long, env = "MOCKAA_WEBHOOK_RETRIES", default_value = RetryPolicy::DEFAULT_DELAYS, value_name = "TIMES")]
    webhook_retries: RetryPolicy,

    /// Let no Retry-After of a receiver lengthen these delays.
    #[arg(long, env = "MOCKAA_IGNORE_RETRY_AFTER")]
    ignore_retry_after: bool,

    /// Longest time in which a stop signal lets responses and due webhooks finish, in system time.
    #[arg(long, env = "MOCKAA_DRAIN", default_value = "8s", value_parser = parse_duration_arg, value_name = "TIME")]
    drain: Duration,

    /// Delete worlds that are unused for this time, in system time; default: never.
    #[arg(long, env = "MOCKAA_WORLD_TTL", value_parser = parse_positive_duration_arg, value_name = "TIME")]
    world_ttl: Option<Duration>,

    /// Ended consents that a world keeps; those that ended first are removed, with their data sessions.
    #[arg(long, env = "MOCKAA_ENDED_CONSENTS", default_value_t = ENDED_CONSENTS_MAX, value_parser = RangedU64ValueParser::<usize>::new().range(1..), value_name = "COUNT")]
    ended_consents: usize,

    /// Number of threads that answer requests; default: one per core.
    #[arg(long, env = "MOCKAA_WORKERS", value_parser = clap::value_parser!(u16).range(1..=1024), value_name = "COUNT")]
    workers: Option<u16>,

    /// Answer https too, on the same port, with a certificate of a development CA that is made on first
    /// use. Clients trust `/.well-known/mockaa-ca.pem`.
    #[arg(long, env = "MOCKAA_TLS")]
    tls: bool,

    /// Folder of the development CA; default: a folder for this program in your home.
    #[arg(long, env = "MOCKAA_TLS_DIR", value_name = "DIR")]
    tls_dir: Option<PathBuf>,

    #[command(flatten)]
    trust: TrustArgs,

    /// Stop in order when standard input ends, as it does when the program that has started the sandbox
    /// and holds the other end of the pipe is gone.
    #[arg(long, env = "MOCKAA_STOP_ON_EOF")]
    stop_on_eof: bool,

    /// File for the ready line, which appears when the sandbox answers and goes when it stops.
    #[arg(long, env = "MOCKAA_READY_FILE", value_name = "FILE")]
    ready_file: Option<PathBuf>,

    /// Token of the control API, for `Authorization: Bearer`; default: none on loopback, else
    /// random.
    #[arg(
        long,
        env = "MOCKAA_TOKEN",
        value_parser = NonEmptyStringValueParser::new(),
        value_name = "TOKEN",
        hide_env_values = true
    )]
    control_token: Option<String>,

    /// Host name under which the control API, pages and documentation may be called, beside
    /// addresses, names without a dot, *.localhost and host.docker.internal; may be repeated.
    #[arg(
        long,
        env = "MOCKAA_ALLOW_HOST",
        value_delimiter = ',',
        value_name = "NAME,…"
    )]
    allow_host: Vec<String>,

    /// Web page whose scripts may call the ReBIT and seed APIs from a browser (CORS), such as
    /// `http://localhost:3000`; `*` for all pages; may be repeated. The Unaport API allows all.
    #[arg(
        long,
        env = "MOCKAA_ALLOW_ORIGIN",
        value_delimiter = ',',
        value_name = "ORIGIN,…"
    )]
    allow_origin: Vec<String>,

    /// Web page that may show the pages of the Unaport web SDK in a frame, such as
    /// `http://localhost:3000`; may be repeated. Default: none.
    #[arg(
        long,
        env = "MOCKAA_FRAME_ORIGIN",
        value_delimiter = ',',
        value_name = "ORIGIN,…"
    )]
    frame_origin: Vec<String>,

    /// Begin the customer's pages with a sign-in (on), or with the consent, all accounts ticked, so that
    /// one click approves (off).
    #[arg(long, env = "MOCKAA_CUSTOMER_LOGIN", action = clap::ArgAction::Set, default_value = "off", value_parser = parse_switch, value_name = "on|off")]
    customer_login: bool,

    /// Idle time after which a customer's visit to the AA ends, in system time.
    #[arg(long, env = "MOCKAA_CUSTOMER_SESSION", default_value = "15m", value_parser = parse_positive_duration_arg, value_name = "TIME")]
    customer_session: Duration,

    /// Open the start page in the browser when the sandbox answers.
    #[arg(long, env = "MOCKAA_OPEN")]
    open: bool,

    /// Scheme, host and port under which browsers reach the sandbox, such as
    /// `https://sandbox.test`; links in answers begin with it. Default: the address that the
    /// caller used.
    #[arg(long, env = "MOCKAA_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
}

const EXAMPLES: &str = "Examples:
  mockaa serve
  mockaa serve --port 0 --seed 42 --fiu-url http://127.0.0.1:9000
  mockaa serve --clock 2020-07-04T06:00:00Z --default-scenario approve-deposit";

fn parse_switch(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("give on or off".to_owned()),
    }
}

fn parse_data_timing(text: &str) -> Result<DataTiming, String> {
    DataTiming::parse(text).ok_or_else(|| format!("one of {}", DataTiming::ACCEPTED_FORMS))
}

fn parse_approval_mode(text: &str) -> Result<ApprovalMode, String> {
    ApprovalMode::parse(text).ok_or_else(|| format!("one of {}", ApprovalMode::accepted_names()))
}

fn parse_time_source(text: &str) -> Result<TimeSource, String> {
    TimeSource::parse(text).ok_or_else(|| format!("one of {}", TimeSource::accepted_names()))
}

fn parse_fair_use(text: &str) -> Result<FairUseMode, String> {
    FairUseMode::parse(text).ok_or_else(|| format!("one of {}", FairUseMode::accepted_names()))
}

fn parse_security(text: &str) -> Result<SecurityMode, String> {
    SecurityMode::parse(text).ok_or_else(|| format!("one of {}", SecurityMode::accepted_names()))
}

impl From<Arguments> for Options {
    fn from(arguments: Arguments) -> Self {
        let Arguments {
            bind,
            port,
            config,
            fiu_url,
            seed,
            clock,
            signing_time,
            message_time,
            scenarios,
            default_scenario,
            personas: PersonaArgs { personas },
            persona,
            security,
            fair_use,
            push_data,
            push_data_path,
            data: data_timing,
            consent: approval,
            webhook_timeout,
            webhook_retries,
            ignore_retry_after,
            drain: drain_timeout,
            world_ttl,
            ended_consents,
            workers,
            tls,
            tls_dir,
            trust: TrustArgs { ca_files },
            stop_on_eof: _,
            ready_file: _,
            control_token,
            allow_host,
            allow_origin,
            frame_origin,
            public_url,
            customer_login,
            customer_session,
            open: _,
        } = arguments;
        Self {
            bind,
            port,
            config: find_config_file(config),
            config_text: None,
            fiu_url,
            seed,
            clock: clock.unwrap_or_default(),
            time_settings: TimeSettings {
                signing_time,
                message_time,
            },
            scenarios,
            default_scenario,
            personas,
            default_persona: persona,
            security,
            fair_use,
            push_data,
            push_data_path,
            data_timing,
            approval,
            control_token,
            allow_host,
            allow_origin,
            frame_origin,
            public_url,
            customer_login,
            customer_session,
            // Without a home, the folder of the process has to do.
            tls_folder: tls.then(|| tls_dir.or_else(default_folder).unwrap_or_default()),
            ca_files,
            webhook_timeout,
            webhook_retries: if ignore_retry_after {
                webhook_retries.without_retry_after()
            } else {
                webhook_retries
            },
            drain_timeout,
            world_ttl,
            ended_consents_max: ended_consents,
            workers: workers.map(usize::from),
        }
    }
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut stop_signals = StopSignals::listen().context("cannot listen for stop signals")?;
    let ready_file = arguments.ready_file.clone();
    let opens_browser = arguments.open;
    let input_end = arguments.stop_on_eof.then(watch_input);
    if let Some(file) = &ready_file {
        check_ready_file(file)?;
    }
    let sandbox = Sandbox::start(arguments.into()).await?;
    print_banner(&sandbox);
    let ready_line = describe_sandbox(&sandbox);
    // It goes however this function ends.
    let _ready_file = ready_file
        .map(|file| ReadyFile::write(file, &ready_line))
        .transpose()?;
    print_ready_line(&ready_line)?;
    if opens_browser {
        let address = sandbox.public_url().unwrap_or_else(|| sandbox.base_url());
        if let Err(error) = open_browser(&format!("{address}/")) {
            tracing::warn!(%error, "no browser could be started; open {address}/ by hand");
        }
    }
    tokio::select! {
        () = stop_signals.recv() => {}
        () = wait_for_end(input_end) => {}
    }
    tracing::info!(
        "stopping: no new calls are accepted, and due webhooks are sent; \
         send the signal again to stop immediately"
    );
    tokio::select! {
        () = sandbox.stop() => {}
        () = stop_signals.recv() => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// Watches standard input. The receiver gets its value when the input has ended.
fn watch_input() -> oneshot::Receiver<()> {
    let (ended, input_end) = oneshot::channel();
    // A thread of its own: nothing interrupts a read of standard input, and the process may end meanwhile.
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _ = ended.send(());
    });
    input_end
}

/// Waits until standard input has ended, for ever if it is not watched.
async fn wait_for_end(input_end: Option<oneshot::Receiver<()>>) {
    match input_end {
        Some(input_end) => {
            let _ = input_end.await;
        }
        None => std::future::pending().await,
    }
}

/// Checks that a path has no file, or the ready file of an earlier run: nothing else is overwritten.
fn check_ready_file(file: &Path) -> Result<(), UsageError> {
    let refuse = |problem: &str| {
        let file = display_path(file);
        UsageError(format!("--ready-file {file}: {problem}; give another file"))
    };
    let Ok(metadata) = file.symlink_metadata() else {
        return Ok(());
    };
    if !metadata.is_file() {
        return Err(refuse("it is no regular file"));
    }
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let is_ready_line =
        serde_json::from_str::<Value>(&text).is_ok_and(|line| line["event"] == READY_EVENT);
    if is_ready_line || text.is_empty() {
        Ok(())
    } else {
        Err(refuse("it has another content than a ready line"))
    }
}

/// The file of `--ready-file`, which goes when this is dropped, unless another sandbox has replaced it.
struct ReadyFile {
    file: PathBuf,
    content: String,
}

impl ReadyFile {
    /// Writes the ready line. The file appears whole.
    fn write(file: PathBuf, line: &Value) -> Result<Self, UsageError> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let draft = file.with_file_name(format!(".{name}.{}", std::process::id()));
        let content = format!("{line}\n");
        let written = create_private_file(&draft)
            .and_then(|mut draft| draft.write_all(content.as_bytes()))
            .and_then(|()| std::fs::rename(&draft, &file));
        if let Err(error) = written {
            let _ = std::fs::remove_file(&draft);
            let file = display_path(&file);
            return Err(UsageError(format!(
                "--ready-file {file}: cannot write it: {error}"
            )));
        }
        Ok(Self { file, content })
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        if std::fs::read_to_string(&self.file).is_ok_and(|text| text == self.content) {
            let _ = std::fs::remove_file(&self.file);
        }
    }
}

/// Value of `event` in the ready line.
const READY_EVENT: &str = "ready";

/// Returns the content of the ready line.
fn describe_sandbox(sandbox: &Sandbox) -> Value {
    let mut line = json!({
        "event": READY_EVENT,
        "base_url": sandbox.base_url(),
        "version": env!("CARGO_PKG_VERSION"),
        "world": sandbox.default_world().name(),
        "kid": sandbox.kid(),
        "seed": sandbox.seed().to_string(),
    });
    if let Some(token) = sandbox.control_token() {
        line["control_token"] = token.into();
    }
    if let Some(public_url) = sandbox.public_url() {
        line["public_url"] = public_url.into();
    }
    line
}

/// Prints the ready line on stdout: one line of JSON, for scripts.
fn print_ready_line(line: &Value) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")
        .and_then(|()| stdout.flush())
        .context("cannot write the ready line to stdout")
}

/// Prints addresses, keys and next steps on stderr, for people.
fn print_banner(sandbox: &Sandbox) {
    let base = sandbox.base_url();
    let config = sandbox.config();
    let world = sandbox.default_world();
    let clock = world.catch_up().overview();
    let clock_note = if clock.frozen { ", frozen" } else { "" };
    eprintln!(
        "mockaa {} is ready. All keys and people are fictitious.\n",
        env!("CARGO_PKG_VERSION")
    );
    eprintln!("  AA base URL    {base}   (other worlds: {base}/w/NAME)");
    eprintln!("  Unaport        {base}/api/v1 and {base}/backend-v2/api/v2");
    eprintln!("  control API    {base}/_mockaa/v1/world");
    let public_url = sandbox.public_url().unwrap_or_else(|| base.clone());
    eprintln!("  start page     {public_url}/   all calls: {public_url}/docs");
    eprintln!("  customer page  {public_url}/aa/consents/HANDLE");
    eprintln!(
        "  public key     {base}/.well-known/jwks.json   kid {}",
        sandbox.kid()
    );
    eprintln!(
        "  seed           {}   clock {}{clock_note}",
        sandbox.seed(),
        clock.now
    );
    for fiu in &config.initial_participants.fius {
        eprintln!(
            "  {:<22} api key {}   webhook secret {}",
            fiu.entity.id, fiu.entity.api_key, fiu.webhook_secret
        );
        eprintln!("  {:<22} webhooks {}", "", describe_webhook_urls(fiu));
    }
    for fip in &config.initial_participants.fips {
        eprintln!("  {:<22} api key {}", fip.entity.id, fip.entity.api_key);
    }
    for aa in &config.initial_participants.aas {
        eprintln!(
            "  {:<22} AA, customers NAME@{}   {}",
            aa.id,
            aa.handle,
            describe_credential(aa)
        );
    }
    if let Some(token) = sandbox.control_token() {
        eprintln!("  control token  {token}");
    }
    if config
        .initial_participants
        .fius
        .iter()
        .all(|fiu| fiu.webhooks == WebhookUrls::default())
    {
        eprintln!("  no FIU URL; give --fiu-url to send webhooks");
    }
    eprintln!("\nTry next:");
    eprintln!("  curl {base}/_mockaa/v1/scenarios");
    eprintln!("  mockaa magic      customers whose consents follow a fixed scenario");
    eprintln!("  mockaa --help     all commands");
    eprintln!("  {base}/docs   the API reference");
    eprintln!("  docs/scenarios.md, docs/data.md and docs/testing.md   the guides\n");
}
