//! The client of a running sandbox for the command line. It uses only the control API. Also prints
//! responses as tables or JSON.

use std::io::IsTerminal as _;
use std::ops::Deref;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;

use crate::cli::terminal::Palette;
use crate::cli::{UnmetExpectation, UsageError};
use crate::domain::json_text::{JsonNode, JsonStyle, KeyOrder, Layout};
use crate::domain::text::{escape_controls, escape_json_controls, escape_line_controls};

// The address of a sandbox and one of its worlds. This is no doc comment because clap would show it
// as the help of every command that flattens these arguments.
#[derive(Clone, Debug, Args)]
pub(crate) struct Remote {
    /// Address of the sandbox.
    #[arg(
        long,
        env = "MOCKAA_URL",
        default_value = "http://127.0.0.1:8080",
        value_name = "URL"
    )]
    server: String,

    /// Name of the world; default: the default world.
    #[arg(long, env = "MOCKAA_WORLD", value_name = "NAME")]
    world: Option<String>,

    /// Token of the control API, if it requires one.
    #[arg(
        long,
        env = "MOCKAA_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true
    )]
    token: Option<String>,

    /// Print the response in JSON, unchanged.
    #[arg(long)]
    pub json: bool,
}

/// A response in JSON: its text as it came, and its value.
#[derive(Debug)]
pub(crate) struct JsonResponse {
    text: String,
    value: Value,
}

impl JsonResponse {
    /// Prints the text as it came.
    pub(crate) fn print(&self) {
        print_json(&self.text);
    }

    /// Prints the text indented. Keys keep their order, and scalars their spelling.
    pub(crate) fn print_indented(&self) {
        let style = JsonStyle::new(Layout::Indented("  "), KeyOrder::Received);
        match JsonNode::parse(&self.text) {
            Some(node) => print_json(&node.print(&style)),
            None => self.print(),
        }
    }
}

/// Prints JSON unchanged, for a terminal with the control characters of its strings in JSON's
/// escapes.
fn print_json(text: &str) {
    if !std::io::stdout().is_terminal() {
        println!("{text}");
        return;
    }
    for line in text.lines() {
        println!("{}", escape_json_controls(line));
    }
}

impl From<Value> for JsonResponse {
    fn from(value: Value) -> Self {
        let text = value.to_string();
        Self { text, value }
    }
}

impl Deref for JsonResponse {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.value
    }
}

/// The longest wait for a response: a wait for journal entries takes up to 5 min, plus 30 s.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(330);

impl Remote {
    /// Returns a client of the default world of a sandbox, with table output.
    pub(crate) fn for_server(server: String) -> Self {
        Self {
            server,
            world: None,
            token: std::env::var("MOCKAA_TOKEN")
                .ok()
                .filter(|token| !token.is_empty()),
            json: false,
        }
    }

    pub(crate) fn server_url(&self) -> &str {
        self.server.trim_end_matches('/')
    }

    /// Returns the base URL of the world.
    pub(crate) fn base_url(&self) -> String {
        // CI systems set a variable to the empty string to unset it.
        match self.world.as_deref().filter(|world| !world.is_empty()) {
            Some(world) => format!("{}/w/{world}", self.server_url()),
            None => self.server_url().to_owned(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<JsonResponse> {
        self.request_json(Method::GET, path, None).await
    }

    /// Posts a value; null is sent as no body.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<JsonResponse> {
        let body = (!body.is_null()).then(|| body.to_string());
        self.request_json(Method::POST, path, body).await
    }

    /// Posts a text in one of our file formats, such as YAML.
    pub(crate) async fn post_text(&self, path: &str, text: String) -> anyhow::Result<JsonResponse> {
        self.request_json(Method::POST, path, Some(text)).await
    }

    pub(crate) async fn put(&self, path: &str, body: String) -> anyhow::Result<JsonResponse> {
        self.request_json(Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> anyhow::Result<JsonResponse> {
        self.request_json(Method::DELETE, path, None).await
    }

    /// Requests a plain-text response, for a terminal.
    pub(crate) async fn get_text(&self, path: &str) -> anyhow::Result<String> {
        let (_, bytes) = self
            .send_request((Method::GET, "text/plain"), path, None)
            .await?;
        let text = String::from_utf8(bytes).context("the response is not UTF-8")?;
        Ok(escape_line_controls(&text).into_owned())
    }

    /// Requests the exact bytes of a response.
    pub(crate) async fn get_bytes(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        let (_, bytes) = self.send_request((Method::GET, "*/*"), path, None).await?;
        Ok(bytes)
    }

    async fn request_json(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> anyhow::Result<JsonResponse> {
        let (url, bytes) = self
            .send_request((method, "application/json"), path, body)
            .await?;
        let text = String::from_utf8(bytes).ok();
        let value = text.as_deref().map(serde_json::from_str).transpose();
        let value = value.ok().flatten();
        let (text, value) = text
            .zip(value)
            .with_context(|| format!("{url} does not answer in JSON; is it a mockaa sandbox?"))?;
        Ok(JsonResponse { text, value })
    }

    async fn send_request(
        &self,
        (method, accept): (Method, &str),
        path: &str,
        body: Option<String>,
    ) -> anyhow::Result<(String, Vec<u8>)> {
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
        let bytes = response
            .bytes()
            .await
            .with_context(|| format!("{url} ended the response too early"))?
            .to_vec();
        if status.is_success() {
            return Ok((url, bytes));
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let error_body = serde_json::from_str::<Value>(&text).ok();
        let message = error_body
            .as_ref()
            .and_then(|body| body["error"].as_str())
            .unwrap_or(&text);
        let message = escape_line_controls(message).into_owned();
        if status == StatusCode::REQUEST_TIMEOUT {
            return Err(UnmetExpectation(message).into());
        }
        if status.is_client_error() {
            return Err(UsageError(message).into());
        }
        anyhow::bail!("{url} answers {status}: {message}")
    }
}

/// The characters that are escaped in a segment of a path: all but the unreserved ones (RFC 3986,
/// section 2.3) and `@`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'@');

/// Percent-encodes a text as one segment of a path (RFC 3986, section 3.3).
pub(crate) fn encode_segment(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Prints rows under their headings, each column as wide as its widest cell.
pub(crate) fn print_table(headings: &[&str], rows: &[Vec<String>]) {
    print!("{}", format_table(headings, rows, Palette::of_stdout()));
}

fn format_table(headings: &[&str], rows: &[Vec<String>], palette: Palette) -> String {
    let mut widths: Vec<usize> = headings.iter().map(|heading| heading.len()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let titles: Vec<String> = headings
        .iter()
        .map(|heading| heading.to_uppercase())
        .collect();
    let mut table = palette.paint_heading(&pad_cells(&titles, &widths).join("  "));
    table.push('\n');
    for row in rows {
        let cells: Vec<String> = pad_cells(row, &widths)
            .iter()
            .zip(headings)
            .map(|(cell, heading)| palette.paint_cell(heading, cell))
            .collect();
        table += &cells.join("  ");
        table.push('\n');
    }
    if rows.is_empty() {
        table += "(none)\n";
    }
    table
}

/// Returns the cells of a row in the widths of their columns. Nothing follows the last text.
fn pad_cells(cells: &[String], widths: &[usize]) -> Vec<String> {
    let last = cells.iter().rposition(|cell| !cell.trim().is_empty());
    cells
        .iter()
        .zip(widths)
        .take(last.map_or(0, |last| last + 1))
        .enumerate()
        .map(|(at, (cell, width))| {
            if Some(at) == last {
                cell.trim_end().to_owned()
            } else {
                format!("{cell:width$}")
            }
        })
        .collect()
}

/// Returns the text of a field at a dotted path on one line; `-` if it is missing.
pub(crate) fn field_text(value: &Value, path: &str) -> String {
    let field = path.split('.').fold(value, |node, name| &node[name]);
    match field {
        Value::Null => "-".to_owned(),
        Value::String(text) => escape_controls(text).into_owned(),
        other => escape_controls(&other.to_string()).into_owned(),
    }
}

/// Prints a list: with `--json` unchanged, else the fields of its items as a table.
pub(crate) fn print_list(remote: &Remote, list: &JsonResponse, columns: &[(&str, &str)]) {
    if remote.json {
        list.print();
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

/// Prints an object: with `--json` unchanged, else one field per line.
pub(crate) fn print_fields(remote: &Remote, value: &JsonResponse, fields: &[(&str, &str)]) {
    if remote.json {
        value.print();
        return;
    }
    let widest = fields
        .iter()
        .map(|(name, _)| name.len())
        .max()
        .unwrap_or_default();
    let palette = Palette::of_stdout();
    for (name, path) in fields {
        let text = palette.paint_cell(name, &field_text(value, path));
        println!("{name:widest$}  {text}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned_and_painted() {
        let rows = [["1", "PENDING"], ["22", "-"]].map(|row| row.map(str::to_owned).to_vec());
        let headings = ["id", "state"];
        let plain = format_table(&headings, &rows, Palette::Plain);
        assert_eq!(plain, "ID  STATE\n1   PENDING\n22  -\n");
        let colored = format_table(&headings, &rows, Palette::Colored);
        assert_eq!(
            colored,
            "\u{1b}[1mID  STATE\u{1b}[0m\n1   \u{1b}[33mPENDING\u{1b}[0m\n22  -\n"
        );
        let empty = format_table(&["a", ""], &[], Palette::Plain);
        assert_eq!(empty, "A\n(none)\n");
    }
}
