//! A running sandbox, seen from the command line: the control API is the only way in.

use std::time::Duration;

use anyhow::Context;
use clap::Args;
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;

use crate::cli::{UnmetExpectation, UsageError};

// Which sandbox, and which of its worlds. No doc comment: it would become the help of every command that has these.
#[derive(Clone, Debug, Args)]
pub struct Remote {
    /// The sandbox's address.
    #[arg(
        long,
        env = "MOCKAA_URL",
        default_value = "http://127.0.0.1:8080",
        value_name = "URL"
    )]
    server: String,

    /// The world; without it the default one.
    #[arg(long, env = "MOCKAA_WORLD", value_name = "NAME")]
    world: Option<String>,

    /// What the control API asks for, where it does.
    #[arg(
        long,
        env = "MOCKAA_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true
    )]
    token: Option<String>,

    /// Print the answer as it came, in JSON.
    #[arg(long)]
    pub json: bool,
}

/// An advance may take a minute.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(330);

impl Remote {
    /// The default world of this sandbox.
    pub fn for_server(server: String, json: bool) -> Self {
        Self {
            server,
            world: None,
            token: std::env::var("MOCKAA_TOKEN").ok(),
            json,
        }
    }

    pub fn server_url(&self) -> &str {
        self.server.trim_end_matches('/')
    }

    /// The world's own address.
    pub fn base_url(&self) -> String {
        // A CI sets variables to nothing where it means none.
        match self.world.as_deref().filter(|world| !world.is_empty()) {
            Some(world) => format!("{}/w/{world}", self.server_url()),
            None => self.server_url().to_owned(),
        }
    }

    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.request_json(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.request_json(Method::POST, path, Some(body.to_string()))
            .await
    }

    /// Posts a text that is in one of our own formats.
    pub async fn post_text(&self, path: &str, text: String) -> anyhow::Result<Value> {
        self.request_json(Method::POST, path, Some(text)).await
    }

    pub async fn put(&self, path: &str, body: String) -> anyhow::Result<Value> {
        self.request_json(Method::PUT, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> anyhow::Result<Value> {
        self.request_json(Method::DELETE, path, None).await
    }

    /// An answer that is text.
    pub async fn get_text(&self, path: &str) -> anyhow::Result<String> {
        let (_, text) = self
            .send_request((Method::GET, "text/plain"), path, None)
            .await?;
        Ok(text)
    }

    async fn request_json(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> anyhow::Result<Value> {
        let (url, text) = self
            .send_request((method, "application/json"), path, body)
            .await?;
        serde_json::from_str(&text)
            .with_context(|| format!("{url} does not answer in JSON; is that a mockaa?"))
    }

    async fn send_request(
        &self,
        (method, accept): (Method, &str),
        path: &str,
        body: Option<String>,
    ) -> anyhow::Result<(String, String)> {
        let url = format!("{}/_mockaa/v1/{path}", self.base_url());
        let builder = Client::builder()
            .tls_certs_only(Vec::new())
            .no_proxy()
            .timeout(RESPONSE_TIMEOUT);
        let mut request = builder
            .build()?
            .request(method, &url)
            .header("accept", accept);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body);
        }
        let hint = "is `mockaa serve` running? give its address with --server or MOCKAA_URL";
        let response = request
            .send()
            .await
            .with_context(|| format!("{url} does not answer; {hint}"))?;
        let status = response.status();
        let text = response
            .text()
            .await
            .with_context(|| format!("{url} broke off"))?;
        if status.is_success() {
            return Ok((url, text));
        }
        let error_body = serde_json::from_str::<Value>(&text).ok();
        let message = error_body
            .as_ref()
            .and_then(|body| body["error"].as_str())
            .unwrap_or(&text)
            .to_owned();
        if status == StatusCode::REQUEST_TIMEOUT {
            return Err(UnmetExpectation(message).into());
        }
        if status.is_client_error() {
            return Err(UsageError(message).into());
        }
        anyhow::bail!("{url} answers {status}: {message}")
    }
}

/// A name as a part of a path.
pub fn encode_segment(text: &str) -> String {
    let is_unreserved =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'@');
    let encode_byte = |byte: u8| {
        if is_unreserved(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(encode_byte).collect()
}

/// Prints rows under their headings, each column as wide as it has to be.
pub fn print_table(headings: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells
            .chain([headings[column].len()])
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<_> = (0..headings.len()).map(width).collect();
    let print_row = |cells: &[String]| {
        let cells = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        println!("{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    };
    print_row(
        &headings
            .iter()
            .map(|heading| heading.to_uppercase())
            .collect::<Vec<_>>(),
    );
    for row in rows {
        print_row(row);
    }
    if rows.is_empty() {
        println!("(none)");
    }
}

/// What a field says, for people.
pub fn field_text(value: &Value, path: &str) -> String {
    let field = path.split('.').fold(value, |node, name| &node[name]);
    match field {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Prints the items of a list: their fields under the headings; or the list as it came.
pub fn print_list(remote: &Remote, list: &Value, columns: &[(&str, &str)]) {
    if remote.json {
        println!("{list}");
        return;
    }
    let items = list["items"].as_array().map_or(&[][..], Vec::as_slice);
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|item| {
            columns
                .iter()
                .map(|(_, path)| field_text(item, path))
                .collect()
        })
        .collect();
    let headings: Vec<_> = columns.iter().map(|(heading, _)| *heading).collect();
    print_table(&headings, &rows);
}

/// Prints fields of one thing, or it as it came.
pub fn print_fields(remote: &Remote, value: &Value, fields: &[(&str, &str)]) {
    if remote.json {
        println!("{value}");
        return;
    }
    let widest = fields
        .iter()
        .map(|(name, _)| name.len())
        .max()
        .unwrap_or_default();
    for (name, path) in fields {
        println!("{name:widest$}  {}", field_text(value, path));
    }
}
