//! `mockaa serve`.

use std::io::Write;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::app::Sandbox;
use crate::cli::common_args::PersonaArgs;
use crate::cli::config::describe_webhook_urls;
use crate::cli::parse_duration_arg;
use crate::config::{DEFAULT_PUSH_DATA_PATH, Options, find_config_file};
use crate::domain::participants::WebhookUrls;
use crate::domain::session::{ApprovalMode, DataTiming};
use crate::engine::clock::ClockStart;
use crate::http::SecurityMode;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Address to listen on. Anything but loopback makes the control API ask for a token.
    #[arg(
        long,
        env = "MOCKAA_BIND",
        default_value = "127.0.0.1",
        value_name = "IP"
    )]
    bind: IpAddr,

    /// Port to listen on; 0 picks a free one, which the ready line on stdout tells.
    #[arg(long, env = "MOCKAA_PORT", default_value_t = 8080)]
    port: u16,

    /// File with participants of your own; without it `mockaa.toml` where there is one, else the shipped ones.
    #[arg(long, env = "MOCKAA_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// Base URL of your FIU, which webhooks are posted to.
    #[arg(long, env = "MOCKAA_FIU_URL", value_name = "URL")]
    fiu_url: Option<String>,

    /// Seed of all ids and data; without it a random one is taken and printed.
    #[arg(long, env = "MOCKAA_SEED")]
    seed: Option<u64>,

    /// Where every world's clock begins, and whether it stands: `2020-07-04T06:00:00Z`, `now,frozen`.
    #[arg(long, env = "MOCKAA_CLOCK", value_name = "INSTANT[,frozen]")]
    clock: Option<ClockStart>,

    /// Folder of scenario files, added to the shipped ones; read again when a file changes.
    #[arg(long, env = "MOCKAA_SCENARIOS", value_name = "DIR")]
    scenarios: Option<PathBuf>,

    /// Scenario of consents that nothing else gives one; without it people answer them.
    #[arg(long, env = "MOCKAA_DEFAULT_SCENARIO", value_name = "NAME")]
    default_scenario: Option<String>,
    #[command(flatten)]
    personas: PersonaArgs,
    /// The persona of customers whom no scenario and nobody else gives one.
    #[arg(long, value_name = "NAME")]
    persona: Option<String>,

    /// How much callers have to prove: open (nothing), lenient (nothing, but it is noted), strict (as a certified AA).
    #[arg(long, env = "MOCKAA_SECURITY", default_value = "lenient", value_parser = parse_security, value_name = "MODE")]
    security: SecurityMode,

    /// Whether statements are posted to the FIU; without it, on the seed face only, which has no data call.
    #[arg(long, env = "MOCKAA_PUSH_DATA", value_name = "true|false")]
    push_data: Option<bool>,

    /// Where statements are posted below the FIU's base URL.
    #[arg(long, env = "MOCKAA_PUSH_DATA_PATH", default_value = DEFAULT_PUSH_DATA_PATH, value_name = "PATH")]
    push_data_path: String,

    /// Who answers a consent request that no scenario drives: manual (you), immediate (the customer approves at once) or
    /// timed (the customer approves after 19 s, as recorded of the Unaport service).
    #[arg(long, env = "MOCKAA_CONSENT", default_value = "manual", value_parser = parse_approval_mode, value_name = "WHO")]
    consent: ApprovalMode,

    /// When simulated FIPs answer a request for data: immediate, timed (in the rhythm recorded of the Unaport service),
    /// manual (the control API says when and how) or polls:N (when your FIU has come N times in vain).
    #[arg(long, env = "MOCKAA_DATA", default_value = "immediate", value_parser = parse_data_timing, value_name = "WHEN")]
    data: DataTiming,

    /// How long your FIU may take to answer a webhook.
    #[arg(long, env = "MOCKAA_WEBHOOK_TIMEOUT", default_value = "15s", value_parser = parse_duration_arg, value_name = "TIME")]
    webhook_timeout: Duration,

    /// Take worlds away that nobody has used for so long, in wall time; without it they stay.
    #[arg(long, env = "MOCKAA_WORLD_TTL", value_parser = parse_duration_arg, value_name = "TIME")]
    world_ttl: Option<Duration>,

    /// Threads that answer requests; one per core without it.
    #[arg(long, env = "MOCKAA_WORKERS", value_parser = clap::value_parser!(u16).range(1..=1024), value_name = "COUNT")]
    workers: Option<u16>,

    /// What the control API asks for as `Authorization: Bearer`; random when bound beyond loopback.
    #[arg(
        long,
        env = "MOCKAA_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true
    )]
    control_token: Option<String>,
}

const EXAMPLES: &str = "Examples:
  mockaa serve
  mockaa serve --port 0 --seed 42 --fiu-url http://127.0.0.1:9000
  mockaa serve --clock 2020-07-04T06:00:00Z --default-scenario approve-deposit";

fn parse_data_timing(text: &str) -> Result<DataTiming, String> {
    DataTiming::parse(text).ok_or_else(|| format!("one of {}", DataTiming::ACCEPTED_FORMS))
}

fn parse_approval_mode(text: &str) -> Result<ApprovalMode, String> {
    ApprovalMode::parse(text).ok_or_else(|| format!("one of {}", ApprovalMode::accepted_names()))
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
            scenarios,
            default_scenario,
            personas: PersonaArgs { personas },
            persona,
            security,
            push_data,
            push_data_path,
            data: progression,
            consent: approval,
            webhook_timeout,
            world_ttl,
            workers,
            control_token,
        } = arguments;
        Self {
            bind,
            port,
            config: find_config_file(config),
            fiu_url,
            seed,
            clock: clock.unwrap_or_default(),
            scenarios,
            default_scenario,
            personas,
            default_persona: persona,
            security,
            push_data,
            push_data_path,
            data_timing: progression,
            approval,
            control_token,
            webhook_timeout,
            world_ttl,
            workers: workers.map(usize::from),
        }
    }
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    let sandbox = Sandbox::start(arguments.into()).await?;
    print_banner(&sandbox);
    print_ready_line(&sandbox)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!(
        "stopping: no new calls, webhooks on their way may finish; once more to stop at once"
    );
    tokio::select! {
        () = sandbox.stop() => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// One line of JSON on stdout, for scripts; nothing else ever goes there.
fn print_ready_line(sandbox: &Sandbox) -> anyhow::Result<()> {
    let mut line = json!({
        "event": "ready",
        "base_url": sandbox.base_url(),
        "version": env!("CARGO_PKG_VERSION"),
        "world": sandbox.default_world().name(),
        "kid": sandbox.kid(),
        "seed": sandbox.seed(),
    });
    if let Some(token) = sandbox.control_token() {
        line["control_token"] = token.into();
    }
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")
        .and_then(|()| stdout.flush())
        .context("cannot write the ready line to stdout")
}

/// What a person needs, on stderr.
fn print_banner(sandbox: &Sandbox) {
    let base = sandbox.base_url();
    let config = sandbox.config();
    let world = sandbox.default_world();
    let clock = world.overview();
    let clock_note = if clock.frozen { ", frozen" } else { "" };
    eprintln!(
        "mockaa {} is ready. All keys and people here are made up.\n",
        env!("CARGO_PKG_VERSION")
    );
    eprintln!("  AA base URL    {base}   (other worlds: {base}/w/NAME)");
    eprintln!("  Unaport        {base}/api/v1 and {base}/backend-v2/api/v2");
    eprintln!("  control API    {base}/_mockaa/v1/world");
    eprintln!("  customer page  {base}/ui/consents/HANDLE");
    eprintln!(
        "  public key     {base}/.well-known/jwks.json   kid {}",
        sandbox.kid()
    );
    eprintln!(
        "  seed           {}   clock {}{clock_note}",
        sandbox.seed(),
        clock.now
    );
    for fiu in &config.participants.fius {
        eprintln!(
            "  {:<22} api key {}   webhook secret {}",
            fiu.entity.id, fiu.entity.api_key, fiu.webhook_secret
        );
        eprintln!("  {:<22} webhooks {}", "", describe_webhook_urls(fiu));
    }
    for fip in &config.participants.fips {
        eprintln!("  {:<22} api key {}", fip.entity.id, fip.entity.api_key);
    }
    for aa in &config.participants.aas {
        eprintln!(
            "  {:<22} AA, customers NAME@{}   aa_api_key {}",
            aa.id, aa.handle, aa.api_key
        );
    }
    if let Some(token) = sandbox.control_token() {
        eprintln!("  control token  {token}");
    }
    if config
        .participants
        .fius
        .iter()
        .all(|fiu| fiu.webhooks == WebhookUrls::default())
    {
        eprintln!("  give --fiu-url to have webhooks posted");
    }
    eprintln!("\nTry next:");
    eprintln!("  curl {base}/_mockaa/v1/scenarios");
    eprintln!("  mockaa magic      customers that approve, reject or revoke by themselves");
    eprintln!(
        "  and the README's chapters: five minutes to a consent of your own, ReBIT, Unaport\n"
    );
}
