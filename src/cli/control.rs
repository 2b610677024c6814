//! The control API as commands: consents, customers, worlds, clocks, webhooks, faults, journal, report.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::input;
use crate::cli::remote::{Remote, part, print_list, print_one, said};

#[derive(Debug, Subcommand)]
pub enum Consent {
    /// List the consents of a world.
    List(At),
    /// Show one.
    Show(OneConsent),
    /// The customer approves.
    Approve {
        #[command(flatten)]
        of: OneConsent,
        /// Stay READY until `activate`.
        #[arg(long)]
        hold: bool,
        /// Only the accounts with these linkRefNumbers.
        #[arg(long, value_delimiter = ',', value_name = "REF,…")]
        accounts: Option<Vec<String>>,
    },
    /// The artefact of a consent that is READY comes into force.
    Activate(OneConsent),
    /// The customer rejects.
    Reject(OneConsent),
    /// The AA cannot make the consent.
    Fail(OneConsent),
    /// The customer suspends it.
    Pause(OneConsent),
    /// The customer takes it up again.
    Resume(OneConsent),
    /// The customer takes it back.
    Revoke(OneConsent),
    /// It runs out, before its time.
    Expire(OneConsent),
    /// Plays steps of a scenario file for one consent: any verb, such as `{deny: {}}` or `{notify: {status: PAUSED}}`.
    #[command(
        after_help = "Examples:\n  mockaa consent play HANDLE '{deliver: {fips: {FIP-2: TIMEOUT}}}'\n  mockaa consent play \
                            HANDLE '{set: {latency: 2s}}'"
    )]
    Play {
        #[command(flatten)]
        of: OneConsent,
        /// A step, or a list of steps, in YAML or JSON.
        step: String,
    },
}

#[derive(Debug, Args)]
pub struct At {
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, Args)]
pub struct OneConsent {
    /// The consent handle.
    handle: String,
    #[command(flatten)]
    remote: Remote,
}

const CONSENT: [(&str, &str); 8] = [
    ("handle", "consentHandle"),
    ("state", "state"),
    ("customer", "customer"),
    ("fiu", "fiuId"),
    ("face", "face"),
    ("scenario", "scenario"),
    ("consent id", "consentId"),
    ("created", "createdAt"),
];

pub async fn consent(command: Consent) -> anyhow::Result<ExitCode> {
    let (of, verb, body) = match command {
        Consent::List(At { remote }) => {
            print_list(&remote, &remote.get("consents").await?, &CONSENT[..6]);
            return Ok(ExitCode::SUCCESS);
        }
        Consent::Show(OneConsent { handle, remote }) => {
            let shown = remote.get(&format!("consents/{}", part(&handle))).await?;
            print_one(
                &remote,
                &shown,
                &[&CONSENT[..], &[("legal now", "legal"), ("page", "pageUrl")]].concat(),
            );
            return Ok(ExitCode::SUCCESS);
        }
        Consent::Approve { of, hold, accounts } => {
            let mut body = json!({ "hold": hold });
            if let Some(accounts) = accounts {
                body["accounts"] = accounts.into();
            }
            (of, "approve", body)
        }
        Consent::Activate(of) => (of, "activate", Value::Null),
        Consent::Reject(of) => (of, "reject", Value::Null),
        Consent::Fail(of) => (of, "fail", Value::Null),
        Consent::Pause(of) => (of, "pause", Value::Null),
        Consent::Resume(of) => (of, "resume", Value::Null),
        Consent::Revoke(of) => (of, "revoke", Value::Null),
        Consent::Expire(of) => (of, "expire", Value::Null),
        Consent::Play { of, step } => (of, "play", Value::String(step)),
    };
    let OneConsent { handle, remote } = of;
    let path = format!("consents/{}/{verb}", part(&handle));
    let done = match body {
        Value::String(text) => remote.post_text(&path, text).await?,
        body => remote.post(&path, &body).await?,
    };
    print_one(&remote, &done, &CONSENT[..2]);
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, Subcommand)]
pub enum Customer {
    /// List the customers of a world who have been mentioned.
    List(At),
    /// List the accounts of a customer at all FIPs.
    Accounts(OneCustomer),
    /// A customer registers, and has no account linked.
    Register(OneCustomer),
    /// A customer leaves the AA; the consents end, and nobody is told.
    Deregister(OneCustomer),
    /// Ask a FIP to link accounts; what it answers says how to go on.
    Link {
        #[command(flatten)]
        of: OneCustomer,
        #[arg(long)]
        fip: String,
        /// The FIP's names of the accounts (accRefNumber).
        #[arg(long, value_delimiter = ',', required = true, value_name = "REF,…")]
        accounts: Vec<String>,
    },
    /// Let the customer live another persona from now on; `mockaa data personas` lists them.
    Persona {
        #[command(flatten)]
        of: OneCustomer,
        /// The name of the persona.
        name: String,
    },
    /// Take an account's link away; consents that name it are revoked.
    Delink {
        #[command(flatten)]
        of: OneCustomer,
        /// Its linkRefNumber.
        #[arg(long)]
        account: String,
    },
}

#[derive(Debug, Args)]
pub struct OneCustomer {
    /// The customer's address, such as 9876543210@mockaa.
    customer: String,
    #[command(flatten)]
    remote: Remote,
}

pub async fn customer(command: Customer) -> anyhow::Result<ExitCode> {
    let (of, verb, body) = match command {
        Customer::List(At { remote }) => {
            let list = remote.get("customers").await?;
            if remote.json {
                println!("{list}");
            } else {
                let items = list["items"].as_array().map_or(&[][..], Vec::as_slice);
                items
                    .iter()
                    .filter_map(Value::as_str)
                    .for_each(|customer| println!("{customer}"));
            }
            return Ok(ExitCode::SUCCESS);
        }
        Customer::Accounts(OneCustomer { customer, remote }) => {
            let shown = remote
                .get(&format!("customers/{}/accounts", part(&customer)))
                .await?;
            if remote.json {
                println!("{shown}");
            } else {
                let list = json!({ "items": shown["items"] });
                let columns = [
                    ("fip", "fipId"),
                    ("kind", "fiType"),
                    ("account", "accRefNumber"),
                    ("link", "linkRefNumber"),
                ];
                print_list(
                    &remote,
                    &list,
                    &[&columns[..], &[("linked", "linked")]].concat(),
                );
            }
            return Ok(ExitCode::SUCCESS);
        }
        Customer::Register(of) => (of, "register", Value::Null),
        Customer::Deregister(of) => (of, "deregister", Value::Null),
        Customer::Link { of, fip, accounts } => {
            (of, "link", json!({ "fipId": fip, "accounts": accounts }))
        }
        Customer::Persona { of, name } => (of, "persona", json!({ "persona": name })),
        Customer::Delink { of, account } => (of, "delink", json!({ "linkRefNumber": account })),
    };
    let OneCustomer { customer, remote } = of;
    let done = remote
        .post(&format!("customers/{}/{verb}", part(&customer)), &body)
        .await?;
    println!(
        "{}",
        if remote.json {
            done.to_string()
        } else {
            format!("{done:#}")
        }
    );
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, Subcommand)]
pub enum World {
    /// List the worlds of a sandbox.
    List(At),
    /// Begin a world anew: no consents, no webhooks, its clock at the start.
    Reset(At),
    /// Take a world away; it springs into being anew when it is used again.
    Delete {
        /// The name of the world.
        name: String,
        #[command(flatten)]
        remote: Remote,
    },
}

pub async fn world(command: World) -> anyhow::Result<ExitCode> {
    let columns = [
        ("name", "name"),
        ("now", "now"),
        ("consents", "consents"),
        ("webhooks open", "webhooksOpen"),
    ];
    match command {
        World::List(At { remote }) => print_list(&remote, &remote.get("worlds").await?, &columns),
        World::Reset(At { remote }) => print_one(
            &remote,
            &remote.post("reset", &Value::Null).await?,
            &columns,
        ),
        World::Delete { name, remote } => {
            print_one(
                &remote,
                &remote.delete(&format!("worlds/{}", part(&name))).await?,
                &[("deleted", "deleted")],
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, Subcommand)]
pub enum Clock {
    /// What time it is in a world, and whether its time runs.
    Show(At),
    /// Let time stand.
    Freeze {
        /// From this instant on, in a world without consents.
        #[arg(long, value_name = "INSTANT")]
        at: Option<String>,
        #[command(flatten)]
        remote: Remote,
    },
    /// Let time run on.
    Run(At),
    /// Set a clock, in a world without consents.
    Set {
        /// Such as 2024-01-31T18:30:00Z.
        to: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Move time on: all that is due happens, in order, and webhooks have arrived when it returns.
    #[command(
        after_help = "Examples:\n  mockaa clock advance --by P30D\n  mockaa clock advance --to 2026-12-31T00:00:00Z\n  mockaa \
                            clock advance --until idle"
    )]
    Advance {
        /// A length of time such as 5s or P30D.
        #[arg(long, value_name = "TIME", conflicts_with_all = ["to", "until"], allow_hyphen_values = true)]
        #[arg(required_unless_present_any = ["to", "until"])]
        by: Option<String>,
        /// An instant such as 2026-12-31T00:00:00Z.
        #[arg(long, value_name = "INSTANT", conflicts_with = "until")]
        to: Option<String>,
        /// Until nothing is due any more.
        #[arg(long, value_parser = ["idle"])]
        until: Option<String>,
        #[command(flatten)]
        remote: Remote,
    },
}

pub async fn clock(command: Clock) -> anyhow::Result<ExitCode> {
    let fields = [("now", "now"), ("mode", "mode")];
    match command {
        Clock::Show(At { remote }) => print_one(&remote, &remote.get("clock").await?, &fields),
        Clock::Freeze { at, remote } => {
            let body = at.map_or(Value::Null, |at| json!({ "at": at }));
            print_one(&remote, &remote.post("clock/freeze", &body).await?, &fields);
        }
        Clock::Run(At { remote }) => print_one(
            &remote,
            &remote.post("clock/run", &Value::Null).await?,
            &fields,
        ),
        Clock::Set { to, remote } => {
            print_one(
                &remote,
                &remote.post("clock/set", &json!({ "to": to })).await?,
                &fields,
            );
        }
        Clock::Advance {
            by,
            to,
            until,
            remote,
        } => {
            let given = [("by", by), ("to", to), ("until", until)];
            let body: serde_json::Map<String, Value> = given
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?.into())))
                .collect();
            let advanced = remote.post("clock/advance", &body.into()).await?;
            if remote.json {
                println!("{advanced}");
            } else {
                for list in ["journal", "webhooks"] {
                    let items = advanced[list].as_array().map_or(&[][..], Vec::as_slice);
                    print_entries(items);
                }
                let (fired, to) = (said(&advanced, "fired"), said(&advanced, "to"));
                println!("{fired} due, now {to} ({})", said(&advanced, "stopped"));
            }
            if advanced["stopped"] != "target" {
                return Ok(ExitCode::from(1));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, Subcommand)]
pub enum Webhook {
    /// List the webhooks of a world.
    List(At),
    /// Show one, its attempts and its body.
    Show(OneWebhook),
    /// Send one again, the same bytes.
    Resend(OneWebhook),
}

#[derive(Debug, Args)]
pub struct OneWebhook {
    id: u64,
    #[command(flatten)]
    remote: Remote,
}

pub async fn webhook(command: Webhook) -> anyhow::Result<ExitCode> {
    let columns = [
        ("id", "id"),
        ("event", "event"),
        ("state", "state"),
        ("consent", "consentHandle"),
        ("fiu", "fiuId"),
    ];
    match command {
        Webhook::List(At { remote }) => {
            print_list(&remote, &remote.get("webhooks").await?, &columns);
        }
        Webhook::Show(OneWebhook { id, remote }) => {
            let shown = remote.get(&format!("webhooks/{id}")).await?;
            println!(
                "{}",
                if remote.json {
                    shown.to_string()
                } else {
                    format!("{shown:#}")
                }
            );
        }
        Webhook::Resend(OneWebhook { id, remote }) => {
            print_one(
                &remote,
                &remote
                    .post(&format!("webhooks/{id}/resend"), &Value::Null)
                    .await?,
                &columns,
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, Subcommand)]
pub enum Fault {
    /// List the faults in force.
    List(At),
    /// Put faults in force for all of a world.
    #[command(
        after_help = "Examples:\n  echo 'api_faults: [{where: {op: fi.fetch}, fault: {status: 503}}]' | mockaa fault put \
                            outage -\n  mockaa fault delete outage"
    )]
    Put {
        /// The name of the set of faults.
        name: String,
        /// A file with `webhooks:` and `api_faults:` as scenario files have them, and `ttl:`; - is stdin.
        file: PathBuf,
        #[command(flatten)]
        remote: Remote,
    },
    /// Take faults out of force; without a name all of them.
    Delete {
        name: Option<String>,
        #[command(flatten)]
        remote: Remote,
    },
}

pub async fn fault(command: Fault) -> anyhow::Result<ExitCode> {
    let columns = [
        ("name", "name"),
        ("webhooks", "webhooks"),
        ("answers", "api"),
        ("until", "until"),
    ];
    match command {
        Fault::List(At { remote }) => print_list(&remote, &remote.get("faults").await?, &columns),
        Fault::Put { name, file, remote } => {
            let text =
                String::from_utf8(input(Some(&file))?).context("the faults are not UTF-8")?;
            print_one(
                &remote,
                &remote.put(&format!("faults/{}", part(&name)), text).await?,
                &columns,
            );
        }
        Fault::Delete { name, remote } => {
            let path = name.map_or_else(
                || "faults".to_owned(),
                |name| format!("faults/{}", part(&name)),
            );
            print_one(
                &remote,
                &remote.delete(&path).await?,
                &[("deleted", "deleted")],
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  mockaa journal\n  mockaa journal --kind call\n  mockaa journal --wait 10s --kind \
                        consent.active"
)]
pub struct Journal {
    /// Only entries of this kind: call, webhook, note, or an event such as consent.revoked.
    #[arg(long)]
    kind: Option<String>,
    /// Only calls of this operation, such as fi.request.
    #[arg(long)]
    op: Option<String>,
    /// Only what is about this consent.
    #[arg(long, value_name = "HANDLE")]
    consent: Option<String>,
    /// Only entries with a higher number.
    #[arg(long, default_value_t = 0)]
    after: u64,
    /// Wait so long, in wall time, until there is one.
    #[arg(long, value_name = "TIME")]
    wait: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

pub async fn journal(arguments: Journal) -> anyhow::Result<ExitCode> {
    let Journal {
        kind,
        op,
        consent,
        after,
        wait,
        remote,
    } = arguments;
    let given = [
        ("kind", &kind),
        ("op", &op),
        ("consentHandle", &consent),
        ("within", &wait),
    ];
    let mut query = format!("after={after}");
    for (name, value) in given
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_ref()?)))
    {
        query += &format!("&{name}={}", part(value));
    }
    let path = if wait.is_some() {
        "journal/wait"
    } else {
        "journal"
    };
    let list = remote.get(&format!("{path}?{query}")).await?;
    if remote.json {
        println!("{list}");
    } else {
        let items = list["items"].as_array().map_or(&[][..], Vec::as_slice);
        print_entries(items);
        if let Some(evicted) = list["evicted"].as_u64().filter(|evicted| *evicted > 0) {
            println!("({evicted} older entries are forgotten)");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print_entries(entries: &[Value]) {
    for entry in entries {
        println!("{}", entry_line(entry));
    }
}

/// An entry of the journal in one line.
fn entry_line(entry: &Value) -> String {
    let what = match entry["kind"].as_str() {
        Some("call") => {
            let call = &entry["call"];
            let faults = call
                .get("faults")
                .map(|faults| format!(" faults {faults}"))
                .unwrap_or_default();
            format!(
                "{} {} {} → {}{faults}",
                said(call, "op"),
                said(call, "method"),
                said(call, "path"),
                said(call, "status")
            )
        }
        Some("webhook") => {
            let webhook = &entry["webhook"];
            let faults = webhook
                .get("faults")
                .map(|faults| format!(" faults {faults}"))
                .unwrap_or_default();
            let (event, status, outcome) = (
                said(webhook, "event"),
                said(webhook, "status"),
                said(webhook, "outcome"),
            );
            format!(
                "webhook {} {event} {status}: {outcome}{faults}",
                said(webhook, "delivery")
            )
        }
        _ => format!(
            "{} {}",
            said(entry, "kind"),
            entry["text"].as_str().unwrap_or_default()
        ),
    };
    let consent = entry["consentHandle"]
        .as_str()
        .map(|handle| format!("  [{handle}]"))
        .unwrap_or_default();
    format!(
        "{:>6}  {}  {what}{consent}",
        said(entry, "seq"),
        said(entry, "at")
    )
}

/// `mockaa report`.
pub async fn report(arguments: At) -> anyhow::Result<ExitCode> {
    let At { remote } = arguments;
    let report = remote.get("report").await?;
    if remote.json {
        println!("{report}");
    } else {
        print!("{}", remote.text("report").await?);
    }
    Ok(ExitCode::from(u8::from(report["passed"] != true)))
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  mockaa assert expectations.yaml\n  echo 'expect: [{call: {op: fi.request, count: 1}}]' | mockaa \
                        assert -"
)]
pub struct Assert {
    /// A file with `expect:` as scenario files have it; - is stdin.
    file: PathBuf,
    #[command(flatten)]
    remote: Remote,
}

pub async fn assert(arguments: Assert) -> anyhow::Result<ExitCode> {
    let Assert { file, remote } = arguments;
    let text = String::from_utf8(input(Some(&file))?).context("the expectations are not UTF-8")?;
    let verdicts = remote.post_text("assert", text).await?;
    if remote.json {
        println!("{verdicts}");
    } else {
        for verdict in verdicts["results"]
            .as_array()
            .map_or(&[][..], Vec::as_slice)
        {
            let (outcome, expected) = (said(verdict, "outcome"), said(verdict, "expected"));
            println!(
                "{outcome:<9} {}: {expected}, counted {}",
                said(verdict, "expectation"),
                said(verdict, "counted")
            );
            for near in verdict["nearMisses"]
                .as_array()
                .map_or(&[][..], Vec::as_slice)
            {
                println!(
                    "{:<9} journal {}: {}",
                    "",
                    said(near, "seq"),
                    said(near, "difference")
                );
            }
        }
    }
    Ok(ExitCode::from(u8::from(verdicts["passed"] != true)))
}
