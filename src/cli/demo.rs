//! `mockaa demo`: one whole journey, in one process but over real HTTP on loopback, with its own small FIU. Every step
//! is checked; a step that is not as expected makes the exit code 1.

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Value, json};

use crate::app::Sandbox;
use crate::cli::inbox::{Inbox, Manner, Received};
use crate::crypto::base64;
use crate::crypto::keys::{RsaHash, is_valid_signature};
use crate::domain::money::Paise;

/// The seed documents' own request, its dates included: the world's clock is set to when it was valid.
const REQUEST: &str = include_str!("../../fixtures/seed/consent-request.json");
const CLOCK: &str = "2020-07-04T06:00:00.000Z";
const SCENARIO: &str = "approve-deposit";

/// How many transactions are shown.
const SHOWN: usize = 6;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  mockaa demo\n  mockaa demo --seed 7")]
pub struct Arguments {
    /// Seed of all ids and data: the same seed tells the same story.
    #[arg(long, default_value_t = 42)]
    seed: u64,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let fiu = Inbox::start(
        Ipv4Addr::LOCALHOST.into(),
        0,
        Manner {
            status: None,
            keeps_time: false,
        },
    )?;
    let sandbox = Sandbox::builder()
        .seed(arguments.seed)
        .clock(format!("{CLOCK},frozen"))
        .fiu_url(&fiu.url)
        .start()
        .await?;
    println!(
        "mockaa demo: a consent request becomes signed webhooks and bank data (seed {})\n",
        arguments.seed
    );
    println!("  AA   {}   its clock says {CLOCK}", sandbox.base_url());
    println!(
        "  FIU  {}   checks the signature of everything it receives\n",
        fiu.url
    );
    let mut demo = Demo {
        client: client()?,
        base: sandbox.base_url(),
        fiu,
        step: 0,
        unexpected: 0,
    };
    let outcome = demo
        .play(&sandbox.config().participants.default_fiu().webhook_secret)
        .await;
    let Demo {
        fiu, unexpected, ..
    } = demo;
    sandbox.stop().await;
    fiu.stop().await;
    outcome?;
    if unexpected > 0 {
        println!("\n{unexpected} of the steps above were not as expected.");
        return Ok(ExitCode::from(1));
    }
    println!(
        "\nEverything was as expected. Now yours: mockaa serve --fiu-url http://127.0.0.1:9000"
    );
    Ok(ExitCode::SUCCESS)
}

fn client() -> anyhow::Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .tls_certs_only(Vec::new())
        .no_proxy()
        .timeout(Duration::from_secs(30));
    builder.build().context("cannot make an HTTP client")
}

struct Demo {
    client: reqwest::Client,
    base: String,
    fiu: Inbox,
    step: usize,
    unexpected: usize,
}

impl Demo {
    async fn play(&mut self, webhook_secret: &str) -> anyhow::Result<()> {
        let jwks = self.get("/.well-known/jwks.json").await?;
        self.fiu.trust(&jwks, vec![webhook_secret.to_owned()])?;

        let answer = self
            .post(
                "/consent",
                REQUEST.to_owned(),
                &[("x-mockaa-scenario", SCENARIO)],
            )
            .await?;
        let handle = answer["ConsentHandle"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        self.tell(
            "FIU → AA   POST /consent",
            &format!("handle {handle}"),
            !handle.is_empty(),
        );

        let state = self.get(&format!("/consent/{handle}")).await?;
        self.tell(
            "FIU → AA   GET /consent/{handle}",
            status(&state),
            state["status"] == "PENDING",
        );

        let advanced = self
            .post(
                "/_mockaa/v1/clock/advance",
                json!({ "by": "2s" }).to_string(),
                &[],
            )
            .await?;
        let arrived = advanced["to"].as_str().unwrap_or_default().to_owned();
        let text = format!("now {arrived}: scenario {SCENARIO} has the customer approve");
        self.tell("clock +2s", &text, advanced["stopped"] == "target");

        let notice = self.received("/Consent/Notification").await?;
        let content = &notice["ConsentStatusNotification"];
        let consent_id = content["consentId"].as_str().unwrap_or_default().to_owned();
        let text = format!(
            "{}, consent id {consent_id}",
            word(&content["consentStatus"])
        );
        let fine =
            content["consentStatus"] == "ACTIVE" && content["consentHandle"] == handle.as_str();
        self.tell(
            "AA → FIU   POST /Consent/Notification",
            &text,
            fine && !consent_id.is_empty(),
        );

        let notice = self.received("/FI/Notification").await?;
        let content = &notice["FIStatusNotification"];
        let account = &content["FIStatusResponse"][0]["Accounts"][0]["FIStatus"];
        let text = format!(
            "session {}, account {}",
            word(&content["sessionStatus"]),
            word(account)
        );
        let fine = content["sessionStatus"] == "COMPLETED" && account == "READY";
        self.tell("AA → FIU   POST /FI/Notification", &text, fine);

        let notice = self.received("/FI/Data").await?;
        let deposit = &notice["FIData"]["statement"]["DEPOSIT"];
        let rows = deposit["transactions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let document = notice["FIData"]["xml"][0]["FI"]
            .as_str()
            .unwrap_or_default();
        let text = format!(
            "{} transactions of ₹20,000 and more, {} bytes of XML",
            rows.len(),
            document.len()
        );
        let large = rows.iter().all(|row| {
            amount(row, "amount").is_some_and(|paise| paise >= Paise::from_rupees(20_000))
        });
        let complete = document.matches("<Transaction ").count() == rows.len();
        self.tell(
            "AA → FIU   POST /FI/Data",
            &text,
            large && complete && !rows.is_empty(),
        );

        let state = self.get(&format!("/consent/{consent_id}")).await?;
        let signed = self.detail_is_signed(&consent_id).await?;
        let text = format!(
            "{}, artefact {}",
            status(&state),
            if signed {
                "signature verified"
            } else {
                "NOT signed"
            }
        );
        self.tell(
            "FIU → AA   GET /consent/{id}",
            &text,
            state["status"] == "ACTIVE" && signed,
        );

        show_statement(&deposit["summary"][0], &deposit["accountHolder"][0], &rows);
        Ok(())
    }

    /// Takes the next webhook from the FIU's inbox; it has to be this one, with both signatures right.
    async fn received(&mut self, path: &str) -> anyhow::Result<Value> {
        let next = tokio::time::timeout(Duration::from_secs(15), self.fiu.messages.recv()).await;
        let Ok(Some(Received {
            path: came,
            flaw,
            body,
            ..
        })) = next
        else {
            bail!("no webhook came to {path} within 15 s")
        };
        if let Some(flaw) = flaw {
            self.unexpected += 1;
            println!("     ✗ signature of {came}: {flaw}");
        } else {
            println!("     ✓ x-jws-signature and webhook-signature verified");
        }
        if came != path {
            bail!("a webhook came to {came} where {path} was expected");
        }
        Ok(body)
    }

    /// Whether `consentDetailDigitalSignature` is the AA's over the very bytes of `ConsentDetail`.
    async fn detail_is_signed(&self, consent_id: &str) -> anyhow::Result<bool> {
        let text = self
            .client
            .get(format!("{}/consent/{consent_id}", self.base))
            .send()
            .await?
            .text()
            .await?;
        let between = |start: &str, end: &str| {
            let (_, rest) = text.split_once(start)?;
            rest.split_once(end).map(|(part, _)| part)
        };
        let detail = between("\"ConsentDetail\":", ",\"consentDetailDigitalSignature\"");
        let signature =
            between("\"consentDetailDigitalSignature\":\"", "\"").and_then(base64::decode);
        let (Some(detail), Some(signature)) = (detail, signature) else {
            return Ok(false);
        };
        Ok(self
            .fiu
            .keys()
            .iter()
            .any(|key| is_valid_signature(key, RsaHash::Sha256, detail.as_bytes(), &signature)))
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let response = self.client.get(format!("{}{path}", self.base)).send().await;
        read(response.with_context(|| format!("cannot GET {path}"))?).await
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
        read(
            request
                .send()
                .await
                .with_context(|| format!("cannot POST {path}"))?,
        )
        .await
    }

    fn tell(&mut self, what: &str, outcome: &str, expected: bool) {
        self.step += 1;
        let mark = if expected {
            ""
        } else {
            "   ✗ not as expected"
        };
        self.unexpected += usize::from(!expected);
        println!("  {}. {what:38} {outcome}{mark}", self.step);
    }
}

async fn read(response: reqwest::Response) -> anyhow::Result<Value> {
    let (status, url) = (response.status(), response.url().clone());
    let text = response.text().await?;
    if !status.is_success() {
        bail!("{url} answered {status}: {text}");
    }
    serde_json::from_str(&text).with_context(|| format!("{url} did not answer JSON: {text}"))
}

fn show_statement(summary: &Value, holder: &Value, rows: &[Value]) {
    println!(
        "\n  {}, {} account {} at {}:\n",
        word(&holder["name"]),
        word(&summary["accountType"]).to_lowercase(),
        word(&summary["accountNumber"]),
        word(&summary["fip"])
    );
    for row in rows.iter().take(SHOWN) {
        let sign = if row["type"] == "CREDIT" { '+' } else { '-' };
        let day = word(&row["tranTimestamp"]).get(..10).unwrap_or_default();
        println!(
            "  {day}  {sign}{:>12}  {:>13}  {}",
            word(&row["amount"]),
            word(&row["currentBalance"]),
            word(&row["narration"])
        );
    }
    if rows.len() > SHOWN {
        println!("  … and {} more", rows.len() - SHOWN);
    }
    println!(
        "\n  closing balance ₹{} on {}",
        word(&summary["currentBalance"]),
        word(&summary["balanceDate"])
    );
}

fn amount(row: &Value, name: &str) -> Option<Paise> {
    Paise::parse(row[name].as_str()?)
}

fn status(state: &Value) -> &str {
    word(&state["status"])
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("(missing)")
}
