//! The client of a running sandbox for the command line. It uses only the control API. Also prints
//! responses as tables or JSON.

use std::io::IsTerminal as _;
use std::ops::Deref;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, Method, RequestBuilder, StatusCode, Url};
use serde_json::Value;

use crate::cli::control_calls::name_commands;
use crate::cli::terminal::Palette;
use crate::cli::{SandboxRefusal, StateConflict, UnmetExpectation};
use crate::config::tls::find_authority;
use crate::crypto::trust::TrustedCas;
use crate::domain::json_text::{JsonNode, JsonStyle, KeyOrder, Layout};
use crate::domain::text::{escape_controls, escape_json_controls, escape_line_controls};
use crate::wire::control::journal::WHOLE_LENGTH_HEADER;

// The address of a sandbox and one of its worlds. This is no doc comment because clap would show it
// as the help of every command that flattens these arguments.
#[derive(Clone, Debug, Args)]
pub(crate) struct Remote {
    /// Address of the sandbox.
    #[arg(
        long,
        env = "MOCKAA_URL",
        default_value = "http://127.0.0.1:8080",
        value_parser = parse_server_url,
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
        value_parser = parse_header_text,
        value_name = "TOKEN",
        hide_env_values = true
    )]
    token: Option<String>,

    /// Print the response in JSON, unchanged.
    #[arg(long)]
    pub json: bool,
}

// As `Remote`, for commands that have an answer of their own without a sandbox.
#[derive(Clone, Debug, Args)]
pub(crate) struct OptionalRemote {
    /// Address of the sandbox; default: none, what the program contains is printed.
    #[arg(long, env = "MOCKAA_URL", value_parser = parse_server_url, value_name = "URL")]
    server: Option<String>,

    /// Name of the world; default: the default world.
    #[arg(long, env = "MOCKAA_WORLD", value_name = "NAME")]
    world: Option<String>,

    /// Token of the control API, if it requires one.
    #[arg(
        long,
        env = "MOCKAA_TOKEN",
        value_parser = parse_header_text,
        value_name = "TOKEN",
        hide_env_values = true
    )]
    token: Option<String>,

    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

impl OptionalRemote {
    /// Returns the client, if a sandbox is named.
    pub(crate) fn into_remote(self) -> Option<Remote> {
        let Self {
            server,
            world,
            token,
            json,
        } = self;
        Some(Remote {
            server: server?,
            world,
            token,
            json,
        })
    }
}

/// Parses a text that goes into a header.
pub(crate) fn parse_header_text(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_control) {
        return Err("give a text without control characters".to_owned());
    }
    Ok(text.to_owned())
}

/// Parses the address of a sandbox; `http://` may be left out.
pub(crate) fn parse_server_url(text: &str) -> Result<String, String> {
    let url = match text.split_once("://") {
        Some(_) => text.to_owned(),
        None => format!("http://{text}"),
    };
    let is_valid = Url::parse(&url).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.host().is_some()
            && url.query().is_none()
            && !url.path().contains("/_mockaa")
    });
    if is_valid {
        Ok(url.trim_end_matches('/').to_owned())
    } else {
        Err("give the address that `mockaa serve` prints, such as http://127.0.0.1:8080".to_owned())
    }
}

/// The bytes of an answer.
#[derive(Debug)]
pub(crate) struct FileResponse {
    pub bytes: Vec<u8>,
    /// The length of the whole body, if only its beginning was recorded.
    pub whole_length: Option<String>,
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

/// Returns a client for the sandbox at this URL, which uses no proxy. It trusts the development CA of
/// this machine.
pub(crate) fn build_client(url: &str, timeout: Duration) -> anyhow::Result<Client> {
    let configure = || Client::builder().no_proxy().timeout(timeout);
    let client = if url.starts_with("https:") {
        let mut trusted = TrustedCas::default();
        if let Some(authority) = find_authority() {
            trusted.add_pem(&authority)?;
        }
        trusted.build_client(configure)
    } else {
        // Reading the certificates of the system takes time.
        configure().tls_certs_only(Vec::new()).build()
    };
    client.context("cannot create an HTTP client")
}

/// The longest wait for a response: a wait for journal entries takes up to 5 min, plus 30 s.
pub(crate) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(330);

impl Remote {
    pub(crate) fn server_url(&self) -> &str {
        &self.server
    }

    /// Returns the base URL of the world.
    pub(crate) fn base_url(&self) -> String {
        match self.world_name() {
            Some(world) => format!("{}/w/{world}", self.server_url()),
            None => self.server_url().to_owned(),
        }
    }

    fn world_name(&self) -> Option<&str> {
        // CI systems set a variable to the empty string to unset it.
        self.world.as_deref().filter(|world| !world.is_empty())
    }

    /// Addresses a request to the world. In a path, a name such as `..` would be part of the URL.
    pub(crate) fn name_world(&self, request: RequestBuilder) -> RequestBuilder {
        match self.world_name() {
            Some(world) => request.header("x-mockaa-world", world),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<JsonResponse> {
        self.request_json(Method::GET, path, None).await
    }

    /// Requests all pages of a list. A list of one page is returned unchanged.
    pub(crate) async fn get_all(&self, path: &str) -> anyhow::Result<JsonResponse> {
        let first = self.get(path).await?;
        self.follow_pages(first, path).await
    }

    /// Adds all further pages of a list to the first one.
    pub(crate) async fn follow_pages(
        &self,
        first: JsonResponse,
        path: &str,
    ) -> anyhow::Result<JsonResponse> {
        let mut list = first;
        while !list["next"].is_null() {
            let separator = if path.contains('?') { '&' } else { '?' };
            let page_path = format!("{path}{separator}after={}", list["next"]);
            let page = self.get(&page_path).await?;
            let mut value = list.value;
            if let (Some(items), Some(further)) =
                (value["items"].as_array_mut(), page["items"].as_array())
            {
                items.extend(further.iter().cloned());
            }
            value["next"] = page["next"].clone();
            list = value.into();
        }
        Ok(list)
    }

    /// Posts a value; null is sent as no body.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<JsonResponse> {
        let body = (!body.is_null()).then(|| body.to_string().into_bytes());
        self.request_json(Method::POST, path, body).await
    }

    /// Posts a text in one of our file formats, such as YAML.
    pub(crate) async fn post_text(&self, path: &str, text: String) -> anyhow::Result<JsonResponse> {
        self.request_json(Method::POST, path, Some(text.into_bytes()))
            .await
    }

    pub(crate) async fn put(&self, path: &str, body: String) -> anyhow::Result<JsonResponse> {
        self.put_bytes(path, body.into_bytes()).await
    }

    pub(crate) async fn put_bytes(
        &self,
        path: &str,
        body: Vec<u8>,
    ) -> anyhow::Result<JsonResponse> {
        self.request_json(Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> anyhow::Result<JsonResponse> {
        self.request_json(Method::PATCH, path, Some(body.to_string().into_bytes()))
            .await
    }

    pub(crate) async fn delete(&self, path: &str) -> anyhow::Result<JsonResponse> {
        self.request_json(Method::DELETE, path, None).await
    }

    /// Requests a plain-text response, for a terminal.
    pub(crate) async fn get_text(&self, path: &str) -> anyhow::Result<String> {
        let bytes = self
            .send_request((Method::GET, "text/plain"), path, None)
            .await?
            .bytes;
        let text = String::from_utf8(bytes).context("the response is not UTF-8")?;
        Ok(escape_line_controls(&text).into_owned())
    }

    /// Requests the exact bytes of a response.
    pub(crate) async fn get_bytes(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        Ok(self.get_file(path).await?.bytes)
    }

    /// Returns the bytes of an answer, with the length of the whole if they are only its beginning.
    pub(crate) async fn get_file(&self, path: &str) -> anyhow::Result<FileResponse> {
        self.send_request((Method::GET, "*/*"), path, None).await
    }

    /// Prints an answer: as it came with `--json`, otherwise indented.
    pub(crate) fn print(&self, response: &JsonResponse) {
        if self.json {
            response.print();
        } else {
            response.print_indented();
        }
    }

    async fn request_json(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> anyhow::Result<JsonResponse> {
        let bytes = self
            .send_request((method, "application/json"), path, body)
            .await?
            .bytes;
        let text = String::from_utf8(bytes).ok();
        let value = text.as_deref().map(serde_json::from_str).transpose();
        let value = value.ok().flatten();
        let (text, value) = text.zip(value).with_context(|| self.describe_stranger())?;
        Ok(JsonResponse { text, value })
    }

    async fn send_request(
        &self,
        (method, accept): (Method, &str),
        path: &str,
        body: Option<Vec<u8>>,
    ) -> anyhow::Result<FileResponse> {
        let url = format!("{}/_mockaa/v1/{path}", self.server_url());
        let client = build_client(&self.server, RESPONSE_TIMEOUT)?;
        let request = client.request(method, &url).header("accept", accept);
        let mut request = self.name_world(request);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body);
        }
        let response = request
            .send()
            .await
            .map_err(|error| self.describe_failure(&error))?;
        let status = response.status();
        let whole_length = response.headers().get(WHOLE_LENGTH_HEADER);
        let whole_length = whole_length.and_then(|length| Some(length.to_str().ok()?.to_owned()));
        let bytes = response
            .bytes()
            .await
            .map_err(|error| self.describe_failure(&error))?
            .to_vec();
        if status.is_success() {
            return Ok(FileResponse {
                bytes,
                whole_length,
            });
        }
        Err(self.describe_refusal(status, &bytes))
    }

    /// Returns the error of a request without a complete answer.
    pub(crate) fn describe_failure(&self, error: &reqwest::Error) -> anyhow::Error {
        let server = self.server_url();
        let reason = if error.is_timeout() {
            format!("no answer within {} s", RESPONSE_TIMEOUT.as_secs())
        } else {
            innermost_cause(error)
        };
        if error.is_connect() {
            anyhow!(
                "{server} does not answer: {reason}; is `mockaa serve` running? give its address \
                 with --server or MOCKAA_URL"
            )
        } else {
            anyhow!("{server} gives no complete answer: {reason}")
        }
    }

    /// Returns the text of the error of a server that answers as no sandbox does.
    fn describe_stranger(&self) -> String {
        format!(
            "{} is no mockaa sandbox; give its address with --server or MOCKAA_URL",
            self.server_url()
        )
    }

    /// Returns the error of an answer without success.
    fn describe_refusal(&self, status: StatusCode, body: &[u8]) -> anyhow::Error {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let Some(message) = body["error"].as_str() else {
            return anyhow!("{}: it answers {status}", self.describe_stranger());
        };
        let message = escape_line_controls(&name_commands(message)).into_owned();
        match status {
            StatusCode::REQUEST_TIMEOUT => UnmetExpectation(message).into(),
            StatusCode::CONFLICT => StateConflict(message).into(),
            StatusCode::UNAUTHORIZED => SandboxRefusal(format!(
                "the sandbox at {} {}; give its token with --token or MOCKAA_TOKEN",
                self.server_url(),
                if self.token.is_some() {
                    "has another token"
                } else {
                    "requires a token"
                }
            ))
            .into(),
            status if status.is_client_error() => SandboxRefusal(message).into(),
            _ => anyhow!("the sandbox answers {status}: {message}"),
        }
    }
}

/// Returns the text of the error at the end of the chain of causes.
fn innermost_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
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

/// Prints the items of a list of texts, one per line.
pub(crate) fn print_texts(list: &JsonResponse) {
    for text in list["items"].as_array().into_iter().flatten() {
        println!("{}", escape_controls(text.as_str().unwrap_or_default()));
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
    fn the_address_of_a_sandbox_needs_no_scheme() {
        for (text, url) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("localhost:8080/", "http://localhost:8080"),
            ("https://sandbox.test/", "https://sandbox.test"),
            ("http://[::1]:80/w/mine", "http://[::1]:80/w/mine"),
        ] {
            assert_eq!(parse_server_url(text).as_deref(), Ok(url));
        }
        for text in ["", "ftp://x", "http://", "http://x:port", "http://x/?a=1"] {
            assert!(parse_server_url(text).is_err(), "{text}");
        }
    }

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
