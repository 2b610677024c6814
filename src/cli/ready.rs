//! `mockaa ready`: waits until a sandbox answers.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use clap::Args;

use crate::cli::remote::{build_client, parse_server_url};
use crate::cli::{UsageError, parse_duration_arg};
use crate::domain::text::quote_value;

/// The pause between two attempts.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// The longest wait for one response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  mockaa ready --wait 10s\n  mockaa ready --server http://127.0.0.1:41234"
)]
pub(crate) struct Arguments {
    /// Address of the sandbox; default: this machine, at the port of MOCKAA_PORT or 8080.
    #[arg(long, env = "MOCKAA_URL", value_parser = parse_server_url, value_name = "URL")]
    server: Option<String>,

    /// Time to keep trying, such as 10s; 0s tries once.
    #[arg(long, default_value = "0s", value_parser = parse_duration_arg, value_name = "TIME")]
    wait: Duration,
}

/// Returns the port of a sandbox on this machine.
fn find_port() -> Result<u16, UsageError> {
    let text = std::env::var("MOCKAA_PORT").unwrap_or_default();
    if text.is_empty() {
        return Ok(8080);
    }
    let port = text.parse().ok().filter(|port| *port > 0);
    port.ok_or_else(|| {
        let text = quote_value(&text);
        UsageError(format!(
            "MOCKAA_PORT {text} is no port of a sandbox; give 1 to 65535"
        ))
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "waits for another process, which sends no notification"
)]
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let server = match arguments.server {
        Some(server) => server,
        None => format!("http://127.0.0.1:{}", find_port()?),
    };
    let url = format!("{server}/readyz");
    let client = build_client(&url, RESPONSE_TIMEOUT)?;
    let mut failure = "no response in time".to_owned();
    let attempts = async {
        loop {
            failure = match client.get(&url).send().await {
                Ok(response) if response.status().is_success() => return true,
                Ok(response) => format!("it answers {}", response.status()),
                Err(error) if error.is_connect() => {
                    "connection refused or host unreachable".to_owned()
                }
                Err(error) => error.to_string(),
            };
            if arguments.wait.is_zero() {
                return false;
            }
            tokio::time::sleep(RETRY_INTERVAL).await;
        }
    };
    let limit = if arguments.wait.is_zero() {
        RESPONSE_TIMEOUT
    } else {
        arguments.wait
    };
    if tokio::time::timeout(limit, attempts).await != Ok(true) {
        bail!(
            "{url} is not ready: {failure}; is `mockaa serve` running? \
             give its address with --server or MOCKAA_URL, or its port with MOCKAA_PORT"
        );
    }
    Ok(ExitCode::SUCCESS)
}
