//! `mockaa demo`: one whole journey with a small FIU of its own, in one process but over real HTTP
//! on loopback. Each step is checked; an unexpected result makes the exit code 1.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Value, json};

use crate::app::Sandbox;
use crate::cli::remote::build_client;
use crate::config::Options;
use crate::crypto::base64;
use crate::crypto::keys::{RsaHash, is_valid_signature};
use crate::demo::{LenderListener, LenderServer, PARTICIPANTS, VISIT_TTL};
use crate::domain::money::Paise;
use crate::domain::session::DataTiming;
use crate::domain::time::Timestamp;
use crate::engine::clock::system_now;
use crate::fiu::inbox::{Inbox, ReceivedWebhook, ReceiverBehavior};
use crate::platform::{StopSignals, find_local_address, open_browser};
use crate::wire::fields::parse_timestamp;

/// The consent request of the seed documents. Its dates are replaced.
const REQUEST: &str = include_str!("../../fixtures/seed/consent-request.json");
const SCENARIO: &str = "approve-deposit";

/// Longest wait for an answer of the sandbox.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

/// The number of transactions that are printed.
const ROWS_SHOWN: usize = 6;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  mockaa demo\n  mockaa demo --seed 7\n  mockaa demo --web\n  mockaa demo --web --bind 0.0.0.0\n  mockaa demo --web --auto"
)]
pub(crate) struct Arguments {
    /// Seed of all ids and data. With --web, each visitor has other data.
    #[arg(long, default_value_t = 42)]
    seed: u64,

    /// Time of the sandbox; default: now. The same seed and time give the same output.
    #[arg(long, value_parser = parse_instant, conflicts_with = "web", value_name = "TIME")]
    clock: Option<Timestamp>,

    /// Show the journey in the browser, with a fictitious lender, until a signal.
    #[arg(long)]
    web: bool,

    /// Address at which the lender listens; 0.0.0.0 lets phones in the same network take part.
    #[arg(long, requires = "web", default_value_t = Ipv4Addr::LOCALHOST.into(), value_name = "IP")]
    bind: IpAddr,

    /// Play the customer, slowly, one variation after the other, for an unattended screen.
    #[arg(long, requires = "web")]
    auto: bool,

    /// Port of the lender's pages; 0 picks a free one.
    #[arg(long, requires = "web", default_value_t = 0, value_name = "PORT")]
    port: u16,

    /// Do not open the browser.
    #[arg(long, requires = "web")]
    no_open: bool,
}

/// Shows the journey in the browser: a lender beside a sandbox, each a server of its own.
async fn run_web(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut stop_signals = StopSignals::listen().context("cannot listen for stop signals")?;
    let address = SocketAddr::new(arguments.bind, arguments.port);
    let listener = LenderListener::bind(address, find_local_address());
    let listener = listener
        .with_context(|| format!("cannot listen on {address}; choose another --port or --bind"))?;
    let sandbox = Sandbox::start(Options {
        config_text: Some(PARTICIPANTS),
        seed: Some(arguments.seed),
        customer_login: true,
        world_ttl: Some(Duration::from_millis(VISIT_TTL.0.unsigned_abs())),
        data_timing: DataTiming::Timed,
        ..Options::default()
    })
    .await?;
    let participants = Arc::clone(&sandbox.config().initial_participants);
    let lender = LenderServer::start(listener, sandbox.base_url(), participants)
        .context("cannot start the lender")?;
    println!(
        "{}",
        json!({
            "event": "ready",
            "lender_url": lender.url,
            "phone_url": lender.phone_url,
            "base_url": sandbox.base_url(),
        })
    );
    let query = if arguments.auto { "?auto" } else { "" };
    // A consent leads its customer back to the address at which it was asked for, which phones have to reach, too.
    let reached_url = lender.phone_url.as_ref().unwrap_or(&lender.url);
    let view = format!("{reached_url}/present{query}");
    eprintln!("mockaa demo: the presenter's view is {view}");
    eprintln!("mockaa demo: the lender alone is {}/", lender.url);
    match &lender.phone_url {
        Some(url) => eprintln!("mockaa demo: phones in this network open {url}/"),
        None if !arguments.bind.is_loopback() => eprintln!(
            "mockaa demo: no address of this machine was found; --bind with its address shows phones the way"
        ),
        None => {}
    }
    eprintln!("mockaa demo: stop with Ctrl-C");
    if !arguments.no_open
        && let Err(error) = open_browser(&view)
    {
        eprintln!("mockaa: no browser could be started ({error}); open the address by hand");
    }
    stop_signals.recv().await;
    lender.stop().await;
    sandbox.stop().await;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if arguments.web {
        return run_web(&arguments).await;
    }
    let behavior = ReceiverBehavior {
        response_status: None,
        checks_timestamps: false,
    };
    let fiu = Inbox::start((Ipv4Addr::LOCALHOST.into(), 0), behavior, None)?;
    let clock = arguments.clock.unwrap_or_else(system_now);
    let sandbox = Sandbox::builder()
        .seed(arguments.seed)
        .clock(format!("{clock},frozen"))
        .fiu_url(&fiu.url)
        .customer_login(true)
        .start()
        .await?;
    println!(
        "mockaa demo: a consent request becomes signed webhooks and bank data (seed {})\n",
        arguments.seed
    );
    println!("  AA   {}   clock {clock}", sandbox.base_url());
    println!(
        "  FIU  {}   checks the signature of everything it receives\n",
        fiu.url
    );
    let mut demo = Demo {
        client: build_client(&sandbox.base_url(), RESPONSE_TIMEOUT)?,
        base: sandbox.base_url(),
        fiu,
        step: 0,
        unexpected: 0,
    };
    let outcome = demo
        .run_journey(
            clock,
            &sandbox
                .config()
                .initial_participants
                .default_fiu()
                .webhook_secret,
        )
        .await;
    let Demo {
        fiu, unexpected, ..
    } = demo;
    sandbox.stop().await;
    fiu.stop().await;
    outcome?;
    if unexpected > 0 {
        println!("\n{unexpected} results above were not as expected.");
        return Ok(ExitCode::from(1));
    }
    println!(
        "\nAll results were as expected. Next, for your own FIU: mockaa serve --fiu-url http://127.0.0.1:9000"
    );
    Ok(ExitCode::SUCCESS)
}

fn parse_instant(text: &str) -> Result<Timestamp, String> {
    let expected = "give an instant such as 2026-01-31T06:00:00Z";
    parse_timestamp(text).ok_or_else(|| expected.to_owned())
}

/// Returns the consent request with dates around the time of the sandbox, as far from it as in the original.
fn build_request(now: Timestamp) -> String {
    let mut request: Value = serde_json::from_str(REQUEST).expect("the document is JSON");
    let dates = [
        ("/timestamp", now),
        ("/ConsentDetail/consentStart", now),
        ("/ConsentDetail/consentExpiry", now.shift_months(6)),
        ("/ConsentDetail/FIDataRange/from", now.shift_months(-19)),
        ("/ConsentDetail/FIDataRange/to", now),
    ];
    for (place, at) in dates {
        let field = request.pointer_mut(place);
        *field.expect("the document has the field") = at.to_string().into();
    }
    request.to_string()
}

/// A step of the journey with its result.
#[derive(Clone, Copy)]
struct JourneyStep<'a> {
    action: &'a str,
    result: &'a str,
    is_expected: bool,
}

struct Demo {
    client: reqwest::Client,
    base: String,
    fiu: Inbox,
    step: usize,
    unexpected: usize,
}

impl Demo {
    async fn run_journey(&mut self, now: Timestamp, webhook_secret: &str) -> anyhow::Result<()> {
        let jwks = self.get("/.well-known/jwks.json").await?;
        self.fiu
            .set_verification_keys(&jwks, vec![webhook_secret.to_owned()])?;

        let answer = self
            .post(
                "/consent",
                build_request(now),
                &[("x-mockaa-scenario", SCENARIO)],
            )
            .await?;
        let handle = answer["ConsentHandle"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        self.print_step(JourneyStep {
            action: "FIU → AA   POST /consent",
            result: &format!("handle {handle}"),
            is_expected: !handle.is_empty(),
        });

        let state = self.get(&format!("/consent/{handle}")).await?;
        self.print_step(JourneyStep {
            action: "FIU → AA   GET /consent/{handle}",
            result: status_text(&state),
            is_expected: state["status"] == "PENDING",
        });

        let advanced = self
            .post(
                "/_mockaa/v1/clock/advance",
                json!({ "by": "2s" }).to_string(),
                &[],
            )
            .await?;
        let world_time = advanced["to"].as_str().unwrap_or_default().to_owned();
        self.print_step(JourneyStep {
            action: "clock +2s",
            result: &format!("now {world_time}: scenario {SCENARIO} approves as the customer"),
            is_expected: advanced["stopped"] == "target",
        });

        let notification = self.expect_webhook("/Consent/Notification").await?;
        let content = &notification["ConsentStatusNotification"];
        let consent_id = content["consentId"].as_str().unwrap_or_default().to_owned();
        let text = format!(
            "{}, consent id {consent_id}",
            text_or_missing(&content["consentStatus"])
        );
        let is_expected =
            content["consentStatus"] == "ACTIVE" && content["consentHandle"] == handle.as_str();
        self.print_step(JourneyStep {
            action: "AA → FIU   POST /Consent/Notification",
            result: &text,
            is_expected: is_expected && !consent_id.is_empty(),
        });

        let notification = self.expect_webhook("/FI/Notification").await?;
        let content = &notification["FIStatusNotification"];
        let account = &content["FIStatusResponse"][0]["Accounts"][0]["FIStatus"];
        let text = format!(
            "session {}, account {}",
            text_or_missing(&content["sessionStatus"]),
            text_or_missing(account)
        );
        self.print_step(JourneyStep {
            action: "AA → FIU   POST /FI/Notification",
            result: &text,
            is_expected: content["sessionStatus"] == "COMPLETED" && account == "READY",
        });

        let notification = self.expect_webhook("/FI/Data").await?;
        let deposit = &notification["FIData"]["statement"]["DEPOSIT"];
        let rows = deposit["transactions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let document = notification["FIData"]["xml"][0]["FI"]
            .as_str()
            .unwrap_or_default();
        let text = format!(
            "{} transactions of ₹20,000 and more, {} bytes of XML",
            rows.len(),
            document.len()
        );
        let all_large = rows.iter().all(|row| {
            parse_amount(row, "amount").is_some_and(|paise| paise >= Paise::from_rupees(20_000))
        });
        let is_complete = document.matches("<Transaction ").count() == rows.len();
        self.print_step(JourneyStep {
            action: "AA → FIU   POST /FI/Data",
            result: &text,
            is_expected: all_large && is_complete && !rows.is_empty(),
        });

        let state = self.get(&format!("/consent/{consent_id}")).await?;
        let is_signed = self.is_detail_signed(&consent_id).await?;
        let text = format!(
            "{}, artefact {}",
            status_text(&state),
            if is_signed {
                "signature verified"
            } else {
                "NOT signed"
            }
        );
        self.print_step(JourneyStep {
            action: "FIU → AA   GET /consent/{id}",
            result: &text,
            is_expected: state["status"] == "ACTIVE" && is_signed,
        });

        show_statement(&deposit["summary"][0], &deposit["accountHolder"][0], &rows);
        Ok(())
    }

    /// Returns the body of the next webhook in the FIU's inbox, and prints the verdict on its
    /// signatures.
    ///
    /// # Errors
    /// No webhook arrives within 15 s, or it arrives at another path.
    async fn expect_webhook(&mut self, path: &str) -> anyhow::Result<Value> {
        let next = tokio::time::timeout(Duration::from_secs(15), self.fiu.messages.recv()).await;
        let Ok(Some(ReceivedWebhook {
            path: received_path,
            error,
            message,
            ..
        })) = next
        else {
            bail!("no webhook arrived at {path} within 15 s")
        };
        if let Some(error) = error {
            self.unexpected += 1;
            println!("     ✗ signature of {received_path}: {error}");
        } else {
            println!("     ✓ x-jws-signature and webhook-signature verified");
        }
        if received_path != path {
            bail!("a webhook arrived at {received_path}; expected {path}");
        }
        Ok(message)
    }

    /// Returns whether `consentDetailDigitalSignature` is a signature of the AA over the exact
    /// bytes of `ConsentDetail`.
    async fn is_detail_signed(&self, consent_id: &str) -> anyhow::Result<bool> {
        let text = self
            .client
            .get(format!("{}/consent/{consent_id}", self.base))
            .send()
            .await?
            .text()
            .await?;
        let detail = text_between(
            &text,
            "\"ConsentDetail\":",
            ",\"consentDetailDigitalSignature\"",
        );
        let signature = text_between(&text, "\"consentDetailDigitalSignature\":\"", "\"")
            .and_then(base64::decode);
        let (Some(detail), Some(signature)) = (detail, signature) else {
            return Ok(false);
        };
        Ok(self
            .fiu
            .aa_keys()
            .iter()
            .any(|key| is_valid_signature(key, RsaHash::Sha256, detail.as_bytes(), &signature)))
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let response = self.client.get(format!("{}{path}", self.base)).send().await;
        read_json(response.with_context(|| format!("cannot GET {path}"))?).await
    }

    async fn post(
        &self,
        path: &str,
        body: String,
        headers: &[(&str, &str)],
    ) -> anyhow::Result<Value> {
        let mut request = self.client.post(format!("{}{path}", self.base)).body(body);
        request = request.header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read_json(
            request
                .send()
                .await
                .with_context(|| format!("cannot POST {path}"))?,
        )
        .await
    }

    fn print_step(&mut self, step: JourneyStep<'_>) {
        let JourneyStep {
            action,
            result,
            is_expected,
        } = step;
        self.step += 1;
        let mark = if is_expected {
            ""
        } else {
            "   ✗ not as expected"
        };
        self.unexpected += usize::from(!is_expected);
        println!("  {}. {action:38} {result}{mark}", self.step);
    }
}

async fn read_json(response: reqwest::Response) -> anyhow::Result<Value> {
    let (status, url) = (response.status(), response.url().clone());
    let text = response.text().await?;
    if !status.is_success() {
        bail!("{url} answered {status}: {text}");
    }
    serde_json::from_str(&text).with_context(|| format!("{url} did not answer in JSON: {text}"))
}

fn text_between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(part, _)| part)
}

fn show_statement(summary: &Value, holder: &Value, rows: &[Value]) {
    println!(
        "\n  {}, {} account {} at {}:\n",
        text_or_missing(&holder["name"]),
        text_or_missing(&summary["accountType"]).to_lowercase(),
        text_or_missing(&summary["accountNumber"]),
        text_or_missing(&summary["fip"])
    );
    for row in rows.iter().take(ROWS_SHOWN) {
        let sign = if row["type"] == "CREDIT" { '+' } else { '-' };
        let day = text_or_missing(&row["tranTimestamp"])
            .get(..10)
            .unwrap_or_default();
        println!(
            "  {day}  {sign}{:>12}  {:>13}  {}",
            text_or_missing(&row["amount"]),
            text_or_missing(&row["currentBalance"]),
            text_or_missing(&row["narration"])
        );
    }
    if rows.len() > ROWS_SHOWN {
        println!("  … and {} more", rows.len() - ROWS_SHOWN);
    }
    println!(
        "\n  closing balance ₹{} on {}",
        text_or_missing(&summary["currentBalance"]),
        text_or_missing(&summary["balanceDate"])
    );
}

fn parse_amount(row: &Value, name: &str) -> Option<Paise> {
    Paise::parse(row[name].as_str()?)
}

fn status_text(state: &Value) -> &str {
    text_or_missing(&state["status"])
}

fn text_or_missing(value: &Value) -> &str {
    value.as_str().unwrap_or("(missing)")
}
