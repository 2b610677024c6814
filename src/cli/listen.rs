//! `mockaa listen`: an inbox that verifies and prints each webhook. The server belongs to
//! [`crate::cli::inbox`].

use std::io::Write;
use std::net::IpAddr;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};

use crate::cli::inbox::{Inbox, ReceivedWebhook, ReceiverBehavior};
use crate::cli::remote::{Remote, encode_segment, field_text};
use crate::domain::json_text::{JsonNode, JsonStyle, KeyOrder, Layout};
use crate::domain::text::escape_controls;
use crate::domain::time_source::TimeSource;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  mockaa listen\n  mockaa listen --fiu FIU-1 --answer 503\n  mockaa listen --count 2 --json"
)]
pub(crate) struct Arguments {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1", value_name = "IP")]
    bind: IpAddr,

    /// Port to listen on; 0 selects a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,

    /// FIU whose webhooks are redirected here, until its URL is changed again; default: the first
    /// FIU of the world.
    #[arg(long, value_name = "ID")]
    fiu: Option<String>,

    /// Status of all responses; default: 200 for valid webhooks, 400 for invalid ones.
    #[arg(long, value_parser = clap::value_parser!(u16).range(100..=599), value_name = "STATUS")]
    answer: Option<u16>,

    /// Print the whole bodies, as they came.
    #[arg(long)]
    bodies: bool,

    /// Exit after this number of webhooks; default: on Ctrl-C.
    #[arg(long)]
    count: Option<u64>,

    #[command(flatten)]
    remote: Remote,
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments {
        bind,
        port,
        fiu,
        answer,
        bodies,
        count,
        remote,
    } = arguments;
    let clock = remote.get("clock").await?;
    let fius = remote.get("config/fiu").await?;
    let items = fius["items"].as_array().map_or(&[][..], Vec::as_slice);
    let id = fiu
        .or_else(|| items.first()?["id"].as_str().map(str::to_owned))
        .context("the world has no FIU; name one with --fiu")?;
    let entry = items.iter().find(|entry| entry["id"] == *id);
    let message_time = entry
        .and_then(|entry| entry["messageTime"].as_str())
        .or(clock["messageTime"].as_str());
    let behavior = ReceiverBehavior {
        response_status: answer,
        checks_timestamps: message_time == Some(TimeSource::Wall.as_str()),
    };
    let mut inbox = Inbox::start(bind, port, behavior)?;
    let body = json!({ "baseUrl": inbox.url });
    remote
        .put(
            &format!("config/fiu/{}", encode_segment(&id)),
            body.to_string(),
        )
        .await?;
    refresh_verification_keys(&inbox, &remote, &fius).await?;
    eprintln!(
        "webhooks of {id} at {} are sent to {}; press Ctrl-C to stop",
        remote.base_url(),
        inbox.url
    );
    let format = if remote.json {
        WebhookFormat::Json
    } else if bodies {
        WebhookFormat::LineAndBody
    } else {
        WebhookFormat::Line
    };
    let mut invalid_count = 0;
    let mut received_count = 0;
    while count.is_none_or(|count| received_count < count) {
        let received = tokio::select! {
            received = inbox.messages.recv() => received,
            _ = tokio::signal::ctrl_c() => break,
        };
        let Some(received) = received else { break };
        received_count += 1;
        invalid_count += u64::from(received.error.is_some());
        print_webhook(&received, format);
        // A key may have been rotated since the last message.
        refresh_verification_keys(&inbox, &remote, &fius).await?;
    }
    inbox.stop().await;
    eprintln!("{received_count} webhooks, {invalid_count} of them invalid");
    Ok(ExitCode::SUCCESS)
}

/// The output format of a webhook.
#[derive(Clone, Copy, Debug)]
enum WebhookFormat {
    Json,
    Line,
    LineAndBody,
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

fn print_webhook(received: &ReceivedWebhook, format: WebhookFormat) {
    let ReceivedWebhook {
        path,
        webhook_id,
        error,
        body,
        message,
        status,
    } = received;
    if matches!(format, WebhookFormat::Json) {
        println!("{}", format_json_line(received));
        return;
    }
    let consent = field_text(message, "ConsentStatusNotification.consentStatus");
    let session = field_text(message, "FIStatusNotification.sessionStatus");
    let status_text = if consent == "-" { session } else { consent };
    let verdict = error
        .as_deref()
        .map_or_else(|| "valid".to_owned(), |error| format!("INVALID: {error}"));
    let line = format!("{path}  {status_text}  {webhook_id}  {verdict}  → {status}");
    println!("{}", escape_controls(&line));
    if matches!(format, WebhookFormat::LineAndBody) {
        let mut bytes = body.to_vec();
        bytes.push(b'\n');
        // A closed pipe ends the command when the next line is printed.
        let _ = std::io::stdout().write_all(&bytes);
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
    if printed.as_deref() != Some(&*text) {
        line["bodyText"] = text.into();
    }
    let head = line.to_string();
    let head = head.strip_suffix('}').unwrap_or(&head);
    format!("{head},\"body\":{}}}", printed.as_deref().unwrap_or("null"))
}
