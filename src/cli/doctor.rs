//! `mockaa doctor`: looks at a team's set-up and names the one thing to change first. It starts a
//! sandbox of its own, which sends webhooks to the FIU.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use serde_json::{Value, json};

use crate::app::Sandbox;
use crate::cli::common_args::TrustArgs;
use crate::cli::exit_status::ExitStatus;
use crate::cli::file_options::find_text;
use crate::cli::remote::{parse_server_url, print_table};
use crate::cli::run::play_scenario;
use crate::cli::{UsageError, parse_positive_duration_arg};
use crate::config::{Options, find_config_file, load_participants, shipped_key};
use crate::domain::delivery::{Attempt, AttemptOutcome};
use crate::domain::naming::wire_enum;
use crate::domain::participants::{Fiu, PublicKey, SignatureProfile};
use crate::domain::text::{display_path, escape_line_controls};
use crate::engine::clock::system_now;
use crate::wire::fields::parse_http_date;
use crate::wire::jwk::Jwk;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  mockaa doctor --fiu-url http://127.0.0.1:9000\n  mockaa doctor --public-key fiu-jwks.json --server http://127.0.0.1:8080"
)]
pub(crate) struct Arguments {
    /// Base URL of your FIU; default: that of the first FIU in mockaa.toml.
    #[arg(long, env = "MOCKAA_FIU_URL", value_name = "URL")]
    fiu_url: Option<String>,

    /// File with participants of your own; default: `mockaa.toml` if it exists, else the shipped
    /// participants.
    #[arg(long, env = "MOCKAA_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// Public keys with which your FIU signs, as JWK or JWK set, to compare with the configured
    /// ones.
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,

    /// Address of a running sandbox, whose clock is compared.
    #[arg(long, env = "MOCKAA_URL", value_parser = parse_server_url, value_name = "URL")]
    server: Option<String>,

    /// Time in which your FIU and the sandbox must answer.
    #[arg(long, default_value = "10s", value_parser = parse_positive_duration_arg, value_name = "TIME")]
    timeout: Duration,

    #[command(flatten)]
    trust: TrustArgs,

    /// Print the findings in JSON.
    #[arg(long)]
    json: bool,
}

wire_enum! {
    /// Result of a check.
    Verdict {
        Right = "ok",
        Unchecked = "not checked",
        Doubtful = "warning",
        Wrong = "problem",
    }
}

/// Result of a check, and its remedy.
struct Finding {
    check: &'static str,
    verdict: Verdict,
    text: String,
    remedy: Option<String>,
}

impl Finding {
    fn right(check: &'static str, text: impl Into<String>) -> Self {
        Self {
            check,
            verdict: Verdict::Right,
            text: text.into(),
            remedy: None,
        }
    }

    fn not_checked(check: &'static str, text: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Unchecked,
            ..Self::right(check, text)
        }
    }

    fn doubtful(check: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Doubtful,
            remedy: Some(remedy.into()),
            ..Self::right(check, text)
        }
    }

    fn wrong(check: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Wrong,
            ..Self::doubtful(check, text, remedy)
        }
    }
}

/// Names of the checks.
const PROXIES: &str = "proxies";
const SANDBOX: &str = "sandbox";
const REACHABLE: &str = "fiu-reachable";
const CLOCK: &str = "fiu-clock";
const SIGNED: &str = "signed-webhook";
const BADLY_SIGNED: &str = "badly-signed-webhook";
const PUBLIC_KEY: &str = "public-key";

pub(crate) async fn run(mut arguments: Arguments) -> anyhow::Result<ExitCode> {
    let config = find_config_file(arguments.config.clone());
    let of_serve = config
        .as_deref()
        .and_then(|file| find_text(file, "serve", "fiu_url"));
    arguments.fiu_url = arguments.fiu_url.or(of_serve);
    if arguments.trust.ca_files.is_empty() {
        let of_serve = config
            .as_deref()
            .and_then(|file| find_text(file, "serve", "ca"));
        arguments.trust.ca_files = of_serve.map(PathBuf::from).into_iter().collect();
    }
    let setup = load_participants(config.as_deref(), arguments.fiu_url.as_deref())?;
    let fiu = setup.participants.default_fiu();
    let webhooks = &fiu.webhooks;
    let urls = [
        &webhooks.base,
        &webhooks.all,
        &webhooks.consent,
        &webhooks.data,
    ];
    let url = urls.into_iter().find_map(|url| url.as_deref());
    let trusted = arguments.trust.read()?;
    let client = trusted.build_client(|| {
        let builder = Client::builder().no_proxy().redirect(Policy::none());
        builder.timeout(arguments.timeout)
    })?;
    let mut findings = vec![check_proxies(url)];
    findings.push(check_sandbox(&client, arguments.server.as_deref()).await);
    match url {
        None => findings.push(Finding::doubtful(
            REACHABLE,
            format!("{} has no URL, so that it gets no webhooks", fiu.entity.id),
            "give your FIU's URL with --fiu-url, or as base_url in mockaa.toml",
        )),
        Some(url) => {
            let reached = check_reachable(&client, url).await;
            let is_unreachable =
                |found: &Finding| found.check == REACHABLE && found.verdict == Verdict::Wrong;
            let is_reachable = !reached.iter().any(is_unreachable);
            findings.extend(reached);
            if is_reachable {
                findings.extend(check_webhooks(&arguments, config).await?);
            }
        }
    }
    findings.push(check_public_key(fiu, arguments.public_key.as_deref())?);
    print_findings(&findings, arguments.json);
    let is_wrong = findings.iter().any(|found| found.verdict == Verdict::Wrong);
    Ok(if is_wrong {
        ExitStatus::Unmet
    } else {
        ExitStatus::Success
    }
    .into())
}

fn print_findings(findings: &[Finding], json: bool) {
    // Of several, the last maximum is the first finding.
    let from_last = findings.iter().rev();
    let first = from_last
        .filter(|found| found.remedy.is_some())
        .max_by_key(|found| found.verdict);
    let remedy = first.and_then(|found| found.remedy.as_deref());
    if json {
        let items = findings.iter().map(|found| {
            json!({
                "check": found.check,
                "verdict": found.verdict,
                "text": found.text,
                "remedy": found.remedy,
            })
        });
        println!(
            "{:#}",
            json!({ "findings": items.collect::<Vec<_>>(), "change": remedy })
        );
        return;
    }
    let rows = findings.iter().map(|found| {
        let text = escape_line_controls(&found.text).into_owned();
        vec![found.check.to_owned(), found.verdict.to_string(), text]
    });
    print_table(&["check", "outcome", "finding"], &rows.collect::<Vec<_>>());
    match remedy {
        Some(remedy) => println!("\nChange this: {}", escape_line_controls(remedy)),
        None => println!("\nNothing to change."),
    }
}

/// Finds proxies that would take calls for this machine.
fn check_proxies(fiu_url: Option<&str>) -> Finding {
    let find = |name: &str| {
        [name.to_owned(), name.to_lowercase()]
            .into_iter()
            .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    };
    let proxies = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];
    let Some(proxy) = proxies.iter().find(|name| find(name).is_some()) else {
        return Finding::right(PROXIES, "no proxy is set");
    };
    let excluded = find("NO_PROXY").unwrap_or_default();
    let excluded: Vec<_> = excluded.split(',').map(str::trim).collect();
    let url = fiu_url.and_then(|url| Url::parse(url).ok());
    let host = url.as_ref().and_then(Url::host_str).unwrap_or("localhost");
    let hosts = ["127.0.0.1", "localhost", host];
    let is_excluded = |host: &&str| excluded.contains(&"*") || excluded.contains(host);
    if hosts.iter().all(is_excluded) {
        return Finding::right(
            PROXIES,
            format!("{proxy} is set, and NO_PROXY names this machine"),
        );
    }
    Finding::doubtful(
        PROXIES,
        format!("{proxy} is set; mockaa ignores it, other clients send it their calls"),
        format!(
            "set NO_PROXY={} where your FIU and its tests run",
            hosts.join(",")
        ),
    )
}

/// Compares the clocks of a running sandbox.
async fn check_sandbox(client: &Client, server: Option<&str>) -> Finding {
    let Some(server) = server else {
        return Finding::not_checked(SANDBOX, "give a running one with --server or MOCKAA_URL");
    };
    let response = match client.get(format!("{server}/readyz")).send().await {
        Ok(response) => response,
        Err(error) => return explain_failure(SANDBOX, server, &error),
    };
    match find_skew(&response) {
        Some(skew) if skew.abs() > SKEW_MAX_MS => {
            let text = format!("its machine's clock is {} s off this one", skew / 1_000);
            Finding::wrong(SANDBOX, text, "set the clocks of both machines by NTP")
        }
        _ => {
            let status = response.status();
            let answer = response.text().await.unwrap_or_default();
            let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
            match answer["ready"].as_bool() {
                Some(true) => Finding::right(SANDBOX, format!("{server} is ready")),
                Some(false) => {
                    let text = format!("{server} is not ready");
                    Finding::wrong(SANDBOX, text, "look at the log of `mockaa serve`")
                }
                None => {
                    let text = format!("{server} answers {status}, but not as a sandbox does");
                    let remedy = "give the address that `mockaa serve` prints, with --server";
                    Finding::wrong(SANDBOX, text, remedy)
                }
            }
        }
    }
}

/// Difference of clocks from which signatures are refused: half of ReBIT's 15 minutes.
const SKEW_MAX_MS: i64 = 7 * 60_000;

/// Difference of clocks that is worth a word.
const SKEW_NOTED_MS: i64 = 30_000;

/// Returns how far the clock of a server is ahead of this machine's, in milliseconds.
fn find_skew(response: &Response) -> Option<i64> {
    let date = response.headers().get("date")?.to_str().ok()?;
    let at = parse_http_date(date)?;
    Some(at.as_millis() - system_now().as_millis())
}

/// Checks that the FIU answers, and its clock.
async fn check_reachable(client: &Client, url: &str) -> Vec<Finding> {
    let host = Url::parse(url).ok();
    let host = host.as_ref().and_then(Url::host_str).unwrap_or_default();
    let is_loopback = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    let response = match client.get(url).send().await {
        Ok(response) => response,
        Err(error) if is_refused(&error) && is_loopback && is_in_container() => {
            let text = format!("{url} is this container itself, where nothing listens");
            let remedy = "start it in this container, or give the FIU's name in the network of the containers, or \
                          host.docker.internal for a program on the host \
                          (on Linux with --add-host host.docker.internal:host-gateway)";
            return vec![Finding::wrong(REACHABLE, text, remedy)];
        }
        Err(error) => return vec![explain_failure(REACHABLE, url, &error)],
    };
    let text = format!("{url} answers {} to a GET", response.status().as_u16());
    let reached = Finding::right(REACHABLE, text);
    let clock = match find_skew(&response) {
        None => Finding::not_checked(CLOCK, "its answers have no Date"),
        Some(skew) if skew.abs() > SKEW_MAX_MS => Finding::wrong(
            CLOCK,
            format!("its clock is {} s off this machine's", skew / 1_000),
            "set the clock of the FIU's machine by NTP: ReBIT allows 15 minutes",
        ),
        Some(skew) if skew.abs() > SKEW_NOTED_MS => Finding::doubtful(
            CLOCK,
            format!("its clock is {} s off this machine's", skew / 1_000),
            "set the clock of the FIU's machine by NTP",
        ),
        Some(_) => Finding::right(CLOCK, "it agrees with this machine's"),
    };
    vec![reached, clock]
}

/// Returns the causes of an error, the last one being the first.
fn list_causes(error: &reqwest::Error) -> Vec<String> {
    let mut causes = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        causes.push(inner.to_string());
        cause = inner.source();
    }
    causes
}

/// Returns whether nothing listens at the address.
fn is_refused(error: &reqwest::Error) -> bool {
    let causes = list_causes(error).join(" ").to_lowercase();
    error.is_connect() && causes.contains("refused")
}

/// Explains why a server cannot be reached.
fn explain_failure(check: &'static str, url: &str, error: &reqwest::Error) -> Finding {
    let causes = list_causes(error);
    let reason = causes.last().cloned().unwrap_or_else(|| error.to_string());
    let all = causes.join(" ").to_lowercase();
    let remedy = if error.is_timeout() {
        "let it answer at all: a firewall may drop the packets, or it listens on another interface"
    } else if all.contains("dns") || all.contains("lookup") {
        "use a name that this machine knows: names of containers exist in their own network only, \
         host.docker.internal in containers only"
    } else if all.contains("refused") {
        "start it, or check the port, and let it listen on 0.0.0.0 if it runs in a container"
    } else if all.contains("certificate") || all.contains("tls") {
        "use http for a local server, or give the certificate of its issuer with --ca"
    } else if error.is_connect() {
        "give the address under which this machine reaches it"
    } else {
        "let it answer in HTTP/1.1: it speaks another protocol, or closes the connection"
    };
    Finding::wrong(check, format!("{url} cannot be reached: {reason}"), remedy)
}

/// Returns whether this process runs in a container.
fn is_in_container() -> bool {
    let marks = ["/.dockerenv", "/run/.containerenv"];
    marks.iter().any(|mark| Path::new(mark).exists())
        || std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
}

const SIGNED_SCENARIO: &str = "version: 1\nname: doctor-signed\nsteps: [approve: {}]\n";
const BADLY_SIGNED_SCENARIO: &str = "version: 1\nname: doctor-badly-signed\nsteps: [approve: {}]\n\
     webhooks: [fault: { wrong_key: {} }]\n";

/// Sends a rightly and a wrongly signed webhook.
async fn check_webhooks(
    arguments: &Arguments,
    config: Option<PathBuf>,
) -> anyhow::Result<Vec<Finding>> {
    let sandbox = Sandbox::start(Options {
        fiu_url: arguments.fiu_url.clone(),
        config,
        ca_files: arguments.trust.ca_files.clone(),
        webhook_timeout: arguments.timeout,
        webhook_retries: "none".parse().map_err(UsageError)?,
        ..Options::default()
    })
    .await?;
    let signed = send_webhook(&sandbox, SIGNED_SCENARIO, None).await?;
    let attempt = send_webhook(&sandbox, BADLY_SIGNED_SCENARIO, None).await?;
    let mut findings = vec![check_signed_webhook(&sandbox, &signed).await?];
    let is_signed_accepted = matches!(signed.outcome, AttemptOutcome::Accepted { .. });
    findings.push(match &attempt.outcome {
        AttemptOutcome::Rejected { status, .. } if !is_signed_accepted => Finding::not_checked(
            BADLY_SIGNED,
            format!("the FIU refuses it with {status}, as it refuses the rightly signed one"),
        ),
        AttemptOutcome::Accepted { status, .. } => Finding::wrong(
            BADLY_SIGNED,
            format!("the FIU answers {status} to a webhook that another key has signed"),
            "verify x-jws-signature over the raw body with the AA's key of \
             /.well-known/jwks.json, and answer 401 if it does not match",
        ),
        AttemptOutcome::Rejected { status, .. } => {
            Finding::right(BADLY_SIGNED, format!("the FIU refuses it with {status}"))
        }
        AttemptOutcome::Failed { reason } => Finding::doubtful(
            BADLY_SIGNED,
            format!("the FIU gives no answer: {reason}"),
            "answer a webhook whose signature does not match with 401",
        ),
    });
    sandbox.stop().await;
    Ok(findings)
}

async fn check_signed_webhook(sandbox: &Sandbox, attempt: &Attempt) -> anyhow::Result<Finding> {
    let url = &attempt.url;
    Ok(match &attempt.outcome {
        AttemptOutcome::Accepted { status, .. } => match attempt.acknowledgement.problems.first() {
            None => Finding::right(SIGNED, format!("the FIU acknowledges it with {status}")),
            Some(problem) => Finding::wrong(
                SIGNED,
                format!("the FIU answers {status}, but {problem}"),
                "answer with ver, timestamp, the webhook's txnid and response OK \
                 (ReBIT FIU API 2.0.0, NotificationResponse)",
            ),
        },
        AttemptOutcome::Failed { reason } => Finding::wrong(
            SIGNED,
            format!("{url} gives no answer: {reason}"),
            "answer a webhook at once and work on it later",
        ),
        AttemptOutcome::Rejected {
            status: 404 | 405, ..
        } => Finding::wrong(
            SIGNED,
            format!("{url} is not served"),
            "serve POST /Consent/Notification below the base URL, or set consent_url in mockaa.toml",
        ),
        AttemptOutcome::Rejected {
            status: status @ 300..=399,
            ..
        } => Finding::wrong(
            SIGNED,
            format!("{url} redirects with {status}; webhooks follow no redirect"),
            "give the URL to which it redirects",
        ),
        AttemptOutcome::Rejected { status: 410, .. } => Finding::wrong(
            SIGNED,
            format!("{url} answers 410: it is no longer served"),
            "give the URL that your FIU serves now",
        ),
        AttemptOutcome::Rejected {
            status: status @ 500..,
            body,
        } => Finding::wrong(
            SIGNED,
            format!("the FIU fails with {status}: {}", first_line(body)),
            "look at the log of your FIU: it fails on a right webhook",
        ),
        AttemptOutcome::Rejected { status, body } => {
            let text = format!("the FIU refuses it with {status}: {}", first_line(body));
            match find_accepted_profile(sandbox).await? {
                Some(profile) => Finding::wrong(
                    SIGNED,
                    text,
                    format!(
                        "it accepts the profile {profile}: set signature_profile = \"{profile}\" of the [[fiu]] in mockaa.toml"
                    ),
                ),
                None => Finding::wrong(
                    SIGNED,
                    text,
                    format!(
                        "verify x-jws-signature over the raw body with the key {} of \
                         /.well-known/jwks.json, which `mockaa jws explain` compares; or if your \
                         server asks for credentials of its own, set webhook_headers of the [[fiu]]",
                        sandbox.kid()
                    ),
                ),
            }
        }
    })
}

/// Returns a form of signatures that the FIU accepts although it is not the configured one.
async fn find_accepted_profile(sandbox: &Sandbox) -> anyhow::Result<Option<SignatureProfile>> {
    for profile in SignatureProfile::ALL {
        let attempt = send_webhook(sandbox, SIGNED_SCENARIO, Some(*profile)).await?;
        if matches!(attempt.outcome, AttemptOutcome::Accepted { .. }) {
            return Ok(Some(*profile));
        }
    }
    Ok(None)
}

/// Plays a scenario and returns the first attempt of its first webhook.
async fn send_webhook(
    sandbox: &Sandbox,
    scenario: &str,
    profile: Option<SignatureProfile>,
) -> anyhow::Result<Attempt> {
    let world = play_scenario(sandbox, scenario, profile).await?;
    let mut deliveries = world.catch_up().deliveries(0, 1);
    let attempt = deliveries.pop().and_then(|mut delivery| {
        delivery.attempts.truncate(1);
        delivery.attempts.pop()
    });
    attempt.context("no webhook was sent")
}

fn first_line(text: &str) -> String {
    const LENGTH_MAX: usize = 120;
    let line = text.lines().next().unwrap_or_default();
    line.chars().take(LENGTH_MAX).collect()
}

/// Compares the keys with which the FIU signs with those that are configured.
fn check_public_key(fiu: &Fiu, file: Option<&Path>) -> anyhow::Result<Finding> {
    let id = &fiu.entity.id;
    let configured = &fiu.entity.public_keys;
    let Some(file) = file else {
        let uses_shipped = shipped_key(id).is_some() && fiu.entity.uses_shipped_keys;
        let text = if uses_shipped {
            format!("{id} has the shipped development key; compare yours with --public-key FILE")
        } else {
            format!(
                "{id} has {} key(s); compare yours with --public-key FILE",
                configured.len()
            )
        };
        return Ok(Finding::not_checked(PUBLIC_KEY, text));
    };
    let keys = read_public_keys(file)?;
    let is_same = |key: &PublicKey, other: &PublicKey| {
        key.modulus == other.modulus && key.exponent == other.exponent
    };
    let missing = keys
        .iter()
        .find(|key| !configured.iter().any(|other| is_same(key, other)));
    Ok(match missing {
        None => Finding::right(
            PUBLIC_KEY,
            format!("{id} has the keys of {}", display_path(file)),
        ),
        Some(key) => Finding::wrong(
            PUBLIC_KEY,
            format!("{id} has not the key {}", key.kid),
            format!(
                "add it to public_keys of the [[fiu]] {id} in mockaa.toml, or by PUT /_mockaa/v1/config/fiu/{id}"
            ),
        ),
    })
}

/// Reads a JWK or a JWK set.
fn read_public_keys(file: &Path) -> anyhow::Result<Vec<PublicKey>> {
    let shown = display_path(file);
    let refuse = |reason: String| UsageError(format!("--public-key {shown}: {reason}"));
    let text = std::fs::read_to_string(file).map_err(|error| refuse(error.to_string()))?;
    let value: Value =
        serde_json::from_str(&text).map_err(|error| refuse(format!("no JWK: {error}")))?;
    let jwks = match value.get("keys").and_then(Value::as_array) {
        Some(keys) => keys.clone(),
        None => vec![value],
    };
    let keys = jwks.into_iter().map(|jwk| {
        let jwk: Jwk = serde_json::from_value(jwk).map_err(|error| refuse(error.to_string()))?;
        PublicKey::try_from(&jwk).map_err(|error| refuse(error.to_string()).into())
    });
    let keys: Vec<_> = keys.collect::<anyhow::Result<_>>()?;
    if keys.is_empty() {
        return Err(refuse("it has no key".to_owned()).into());
    }
    Ok(keys)
}
