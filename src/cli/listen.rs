//! `mockaa listen`: an inbox that verifies and prints each webhook. The server belongs to
//! [`crate::fiu::inbox`].

use std::net::IpAddr;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};

use crate::cli::UsageError;
use crate::cli::common_args::TrustArgs;
use crate::cli::remote::{Remote, encode_segment, field_text};
use crate::cli::stdout::{StdoutError, print_bytes};
use crate::domain::json_text::{JsonNode, JsonStyle, KeyOrder, Layout};
use crate::domain::text::{escape_controls, quote_value};
use crate::domain::time_source::TimeSource;
use crate::fiu::inbox::{Application, Inbox, ReceivedWebhook, ReceiverBehavior, is_inbox};
use crate::platform::StopSignals;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  mockaa listen\n  mockaa listen --forward-to http://localhost:9000/webhooks\n  mockaa listen --fiu FIU-1 --answer 503\n  mockaa listen --status ACTIVE --count 2 --json\n\nWhen it ends, the FIU gets its addresses back."
)]
pub(crate) struct Arguments {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1", value_name = "IP")]
    bind: IpAddr,

    /// Port to listen on; 0 selects a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,

    /// FIU whose webhooks are redirected here until the command ends; default: the first FIU of
    /// the world.
    #[arg(long, value_name = "ID")]
    fiu: Option<String>,

    /// Base URL of an application that gets each webhook too; its answer is the answer.
    #[arg(long, value_name = "URL")]
    forward_to: Option<String>,

    #[command(flatten)]
    trust: TrustArgs,

    /// Status of all responses; default: 200 for valid webhooks, 400 for invalid ones.
    #[arg(long, value_parser = clap::value_parser!(u16).range(100..=599), value_name = "STATUS")]
    answer: Option<u16>,

    /// Print only webhooks with this status, such as ACTIVE.
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,

    /// Print only webhooks to this path, such as /FI/Notification.
    #[arg(long, value_name = "PATH")]
    path: Option<String>,

    /// Print only invalid webhooks.
    #[arg(long)]
    invalid: bool,

    /// Print the whole bodies, as they came.
    #[arg(long)]
    bodies: bool,

    /// Print the whole requests, headers and body, as they came.
    #[arg(long, conflicts_with_all = ["bodies", "json"])]
    raw: bool,

    /// Exit after this number of printed webhooks; default: on Ctrl-C.
    #[arg(long)]
    count: Option<u64>,

    #[command(flatten)]
    remote: Remote,
}

/// The keys of an FIU's addresses in the control API.
const ADDRESSES: [&str; 5] = [
    "baseUrl",
    "webhookUrl",
    "consentUrl",
    "dataUrl",
    "analyticsUrl",
];

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    // From here on, a signal ends the command in order.
    let mut stop_signals = StopSignals::listen().context("cannot listen for stop signals")?;
    let remote = &arguments.remote;
    let clock = remote.get("clock").await?;
    let fius = remote.get("config/fiu").await?;
    let items = fius["items"].as_array().map_or(&[][..], Vec::as_slice);
    let id = arguments.fiu.clone();
    let id = id
        .or_else(|| items.first()?["id"].as_str().map(str::to_owned))
        .context("the world has no FIU; name one with --fiu")?;
    let entry = items.iter().find(|entry| entry["id"] == *id);
    let address = entry.and_then(|entry| entry["baseUrl"].as_str());
    if let Some(address) = address
        && is_inbox(address).await
    {
        // Neither could give the FIU its address back.
        let message = format!(
            "webhooks of {id} go to another `mockaa listen` at {address}; stop it first, or name \
             another --fiu or --world"
        );
        return Err(UsageError(message).into());
    }
    let message_time = entry
        .and_then(|entry| entry["messageTime"].as_str())
        .or(clock["messageTime"].as_str());
    let behavior = ReceiverBehavior {
        response_status: arguments.answer,
        checks_timestamps: message_time == Some(TimeSource::Wall.as_str()),
    };
    let trusted = arguments.trust.read()?;
    let application = arguments.forward_to.as_deref().map(|url| {
        Application::new(url, &trusted)
            .map_err(|error| UsageError(format!("--forward-to {}: {error}", quote_value(url))))
    });
    let listen_at = (arguments.bind, arguments.port);
    let mut inbox = Inbox::start(listen_at, behavior, application.transpose()?)?;
    let redirection = Redirection::start(remote, &id, entry, &inbox.url).await?;
    let outcome = tokio::select! {
        outcome = print_webhooks(&arguments, &mut inbox, &fius, &id) => outcome,
        () = stop_signals.recv() => Ok(()),
    };
    // The FIU gets its addresses back however the command ends.
    let restored = redirection.end(remote).await;
    inbox.stop().await;
    outcome.and(restored)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the webhooks that pass the filters, and when it ends or is dropped, their number.
async fn print_webhooks(
    arguments: &Arguments,
    inbox: &mut Inbox,
    fius: &Value,
    id: &str,
) -> anyhow::Result<()> {
    let remote = &arguments.remote;
    refresh_verification_keys(inbox, remote, fius).await?;
    eprintln!(
        "webhooks of {id} at {} are sent to {}; press Ctrl-C to stop",
        remote.base_url(),
        inbox.url
    );
    let format = match (remote.json, arguments.bodies, arguments.raw) {
        (true, _, _) => WebhookFormat::Json,
        (_, _, true) => WebhookFormat::Raw,
        (_, true, _) => WebhookFormat::LineAndBody,
        _ => WebhookFormat::Line,
    };
    let mut counts = Counts::default();
    while arguments.count.is_none_or(|count| counts.printed < count) {
        let Some(received) = inbox.messages.recv().await else {
            break;
        };
        counts.received += 1;
        counts.invalid += u64::from(received.error.is_some());
        if arguments.selects(&received) {
            counts.printed += 1;
            print_webhook(&received, format)?;
        }
        // A key may have been rotated since the last message.
        refresh_verification_keys(inbox, remote, fius).await?;
    }
    Ok(())
}

/// The numbers of webhooks; they are printed when the command ends.
#[derive(Debug, Default)]
struct Counts {
    received: u64,
    invalid: u64,
    printed: u64,
}

impl Drop for Counts {
    fn drop(&mut self) {
        let Self {
            received,
            invalid,
            printed,
        } = self;
        let hidden = match *received - *printed {
            0 => String::new(),
            hidden => format!(", {hidden} not shown by the filters"),
        };
        eprintln!("{received} webhooks, {invalid} of them invalid{hidden}");
    }
}

impl Arguments {
    /// Returns whether a webhook passes all filters.
    fn selects(&self, received: &ReceivedWebhook) -> bool {
        (!self.invalid || received.error.is_some())
            && self.path.as_ref().is_none_or(|path| *path == received.path)
            && self
                .status
                .as_ref()
                .is_none_or(|status| status.eq_ignore_ascii_case(&status_text(&received.message)))
    }
}

/// The redirection of an FIU's webhooks to an inbox.
#[derive(Debug)]
struct Redirection {
    path: String,
    id: String,
    inbox_url: String,
    /// The addresses that the FIU had.
    original: Value,
}

impl Redirection {
    async fn start(
        remote: &Remote,
        id: &str,
        entry: Option<&Value>,
        inbox_url: &str,
    ) -> anyhow::Result<Self> {
        // An empty address removes the one that the FIU has.
        let address = |name: &&str| entry.and_then(|entry| entry[*name].as_str());
        let original = ADDRESSES.map(|name| (name, address(&name).unwrap_or_default()));
        let mut redirected = ADDRESSES.map(|name| (name, ""));
        redirected[0].1 = inbox_url;
        let path = format!("config/fiu/{}", encode_segment(id));
        remote
            .put(&path, to_object(&redirected).to_string())
            .await?;
        Ok(Self {
            path,
            id: id.to_owned(),
            inbox_url: inbox_url.to_owned(),
            original: to_object(&original),
        })
    }

    /// Gives the FIU its addresses back, unless they were changed meanwhile.
    async fn end(self, remote: &Remote) -> anyhow::Result<()> {
        let Self {
            path,
            id,
            inbox_url,
            original,
        } = self;
        let restore = async {
            if remote.get(&path).await?["baseUrl"] != *inbox_url {
                eprintln!("{id} has another address by now; it keeps that one");
                return anyhow::Ok(());
            }
            remote.put(&path, original.to_string()).await?;
            eprintln!("webhooks of {id} go where they went before");
            Ok(())
        };
        restore
            .await
            .with_context(|| format!("webhooks of {id} are still sent to {inbox_url}"))
    }
}

fn to_object(pairs: &[(&str, &str)]) -> Value {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Value::from(*value)))
        .collect()
}

/// The output format of a webhook.
#[derive(Clone, Copy, Debug)]
enum WebhookFormat {
    Json,
    Line,
    LineAndBody,
    Raw,
}

/// Passes the published keys of the world and the webhook secrets of its FIUs to the inbox.
async fn refresh_verification_keys(
    inbox: &Inbox,
    remote: &Remote,
    fius: &Value,
) -> anyhow::Result<()> {
    let keys = remote.get("keys").await?;
    let items = fius["items"].as_array().map_or(&[][..], Vec::as_slice);
    let secrets = items
        .iter()
        .filter_map(|fiu| fiu["webhookSecret"].as_str().map(str::to_owned))
        .collect();
    inbox.set_verification_keys(&keys, secrets)
}

fn print_webhook(received: &ReceivedWebhook, format: WebhookFormat) -> Result<(), StdoutError> {
    match format {
        WebhookFormat::Json => println!("{}", format_json_line(received)),
        WebhookFormat::Line => print_line(received),
        WebhookFormat::LineAndBody => {
            print_line(received);
            print_bytes(&[&received.body[..], b"\n"].concat())?;
        }
        WebhookFormat::Raw => {
            let mut request = format!("POST {} HTTP/1.1\r\n", received.path);
            for (name, value) in &received.headers {
                request += &format!("{name}: {value}\r\n");
            }
            request += "\r\n";
            print_bytes(&[request.as_bytes(), &received.body, b"\n"].concat())?;
        }
    }
    Ok(())
}

fn print_line(received: &ReceivedWebhook) {
    let ReceivedWebhook {
        path,
        webhook_id,
        error,
        body: _,
        message,
        status,
        headers: _,
        forwarded,
    } = received;
    let verdict = error
        .as_deref()
        .map_or_else(|| "valid".to_owned(), |error| format!("INVALID: {error}"));
    let status_text = status_text(message);
    let line = format!("{path}  {status_text}  {webhook_id}  {verdict}  → {status}");
    println!("{}", escape_controls(&line));
    match forwarded {
        None => {}
        Some(Ok(answer)) => {
            let body = String::from_utf8_lossy(&answer.body);
            let text = format!("  the application answers {}: {body}", answer.status);
            println!("{}", escape_controls(&text));
        }
        Some(Err(error)) => {
            let text = format!("  the application does not answer: {error}");
            println!("{}", escape_controls(&text));
        }
    }
}

/// Returns the status of the consent or of the session; `-` for other messages.
fn status_text(message: &Value) -> String {
    let consent = field_text(message, "ConsentStatusNotification.consentStatus");
    if consent == "-" {
        field_text(message, "FIStatusNotification.sessionStatus")
    } else {
        consent
    }
}

/// Returns the webhook as JSON in one line. `body` is the body as it came. A body with line breaks,
/// or that is no JSON, is in `bodyText` as it came, and in `body` in one line, or null.
fn format_json_line(received: &ReceivedWebhook) -> String {
    let ReceivedWebhook {
        path,
        webhook_id,
        error,
        body,
        message: _,
        status,
        headers: _,
        forwarded,
    } = received;
    let text = String::from_utf8_lossy(body);
    let printed = JsonNode::parse(&text).map(|node| {
        if text.contains(['\r', '\n']) {
            node.print(&JsonStyle::new(Layout::COMPACT, KeyOrder::Received))
        } else {
            text.to_string()
        }
    });
    let mut line =
        json!({ "path": path, "webhookId": webhook_id, "error": error, "status": status });
    match forwarded {
        None => {}
        Some(Ok(answer)) => {
            let body = String::from_utf8_lossy(&answer.body);
            line["application"] = json!({ "status": answer.status, "body": body });
        }
        Some(Err(error)) => line["application"] = json!({ "error": error }),
    }
    if printed.as_deref() != Some(&*text) {
        line["bodyText"] = text.into();
    }
    let head = line.to_string();
    let head = head.strip_suffix('}').unwrap_or(&head);
    format!("{head},\"body\":{}}}", printed.as_deref().unwrap_or("null"))
}
