//! The servers under load, each a process of its own on the first core.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::Value;

use crate::webhooks::now;

/// The time of the worlds, within the range of the request of the seed documents.
pub const NOW: &str = "2020-07-04T06:00:00.000Z";

/// The key of an FIU of the shipped participants.
const API_KEY: &str = "mockaa-dev-fiu-1-api-key";

/// The core of the servers, and that of the load.
pub const SERVER_CORE: &str = "0";
pub const LOAD_CORE: &str = "1";

/// The two sides of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Mockaa,
    Raw,
}

impl Side {
    pub const BOTH: [Self; 2] = [Self::Mockaa, Self::Raw];
}

/// What a load is sent to.
pub trait Target {
    fn base_url(&self) -> &str;
}

impl Target for Server {
    fn base_url(&self) -> &str {
        &self.base_url
    }
}

/// A running server. It ends with this value.
pub struct Server {
    side: Side,
    process: Child,
    pub base_url: String,
    client: reqwest::Client,
    /// The instant before the process was started.
    pub started_at: Instant,
}

impl Server {
    /// Starts a server and waits until it says its address. The arguments are those of mockaa.
    pub fn start(side: Side, mockaa: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new("taskset");
        command.args(["-c", SERVER_CORE]);
        match side {
            Side::Mockaa => command
                .arg(mockaa)
                .args(["serve", "--port", "0", "--workers", "1", "--log", "warn"])
                .args(["--clock", NOW])
                .args(arguments),
            Side::Raw => {
                let own = std::env::current_exe().expect("the system knows its path");
                command.arg(own).arg("--raw-server")
            }
        };
        // Making a client takes milliseconds, since it reads the CAs of the system.
        let client = reqwest::Client::new();
        let started_at = now();
        let mut process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("taskset runs; it is part of util-linux");
        let first_line = read_first_line(&mut process);
        let base_url = match side {
            Side::Mockaa => {
                let ready: Value =
                    serde_json::from_str(&first_line).expect("the ready line is JSON");
                ready["base_url"].as_str().expect("it has a URL").to_owned()
            }
            Side::Raw => format!("http://127.0.0.1:{first_line}"),
        };
        Self {
            side,
            process,
            base_url,
            client,
            started_at,
        }
    }

    /// Returns the resident memory in bytes.
    pub fn resident_bytes(&self) -> u64 {
        let path = format!("/proc/{}/statm", self.process.id());
        let statm = std::fs::read_to_string(path).expect("the server runs, on Linux");
        let pages = statm.split(' ').nth(1).expect("statm has seven numbers");
        pages.parse::<u64>().expect("it is a number") * 4096
    }

    /// Raises consents of different customers.
    pub async fn raise(&self, count: u32) {
        for number in 0..count {
            self.raise_one("", number).await;
        }
    }

    async fn raise_one(&self, base: &str, number: u32) -> Value {
        let body = crate::load::seed_request();
        let body = body.replace("1999999999", &format!("{number:010}"));
        self.post(&format!("{base}/consent"), &body).await
    }

    /// Raises and approves consents, and returns the path of each.
    pub async fn raise_consents(&self, count: u32) -> Vec<String> {
        self.raise_consents_in("", count).await
    }

    /// Raises and approves consents below a base path.
    pub async fn raise_consents_in(&self, base: &str, count: u32) -> Vec<String> {
        let mut paths = Vec::new();
        for number in 0..count {
            let raised = self.raise_one(base, number).await;
            let handle = raised["ConsentHandle"].as_str().expect("it has a handle");
            if self.side == Side::Mockaa {
                let path = format!("{base}/_mockaa/v1/consents/{handle}/approve");
                let approved = self.post(&path, "").await;
                let id = approved["consentId"].as_str().expect("it is approved");
                paths.push(format!("{base}/consent/{id}"));
            } else {
                paths.push(format!("/consent/{handle}"));
            }
        }
        paths
    }

    pub async fn get(&self, path: &str) -> Value {
        self.call("GET", path, "", API_KEY).await
    }

    pub async fn post(&self, path: &str, body: &str) -> Value {
        self.call("POST", path, body, API_KEY).await
    }

    /// Makes a call and returns its answer, which is JSON, or null.
    pub async fn call(&self, method: &str, path: &str, body: &str, key: &str) -> Value {
        let method = method.parse().expect("a method");
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.base_url))
            .bearer_auth(key);
        if !body.is_empty() {
            request = request
                .header("content-type", "application/json")
                .body(body.to_owned());
        }
        let answer = request.send().await.expect("the server answers");
        let (status, text) = (answer.status(), answer.text().await.expect("it is text"));
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }
}

/// A part of this program as a process of its own.
pub struct Part {
    process: Child,
    /// What it has printed: a port, or a figure.
    pub first_line: String,
}

impl Part {
    /// Starts a part on a core, and waits for its first line.
    pub fn start(arguments: &[&str], core: &str) -> Self {
        let mut process = Command::new("taskset")
            .args(["-c", core])
            .arg(std::env::current_exe().expect("the system knows its path"))
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("taskset runs; it is part of util-linux");
        let first_line = read_first_line(&mut process);
        Self {
            process,
            first_line,
        }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.first_line)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        end(&mut self.process);
    }
}

/// Returns the number with which a part answers.
pub async fn get_number(url: &str) -> u64 {
    let answer = reqwest::get(url).await.expect("the part answers");
    let text = answer.text().await.expect("it is text");
    text.parse().expect("it is a number")
}

fn read_first_line(process: &mut Child) -> String {
    let stdout = process.stdout.take().expect("it is piped");
    let mut line = String::new();
    BufReader::new(stdout)
        .read_line(&mut line)
        .expect("it prints a line");
    line.trim().to_owned()
}

pub fn end(process: &mut Child) {
    // It may have ended by itself.
    let _ = process.kill();
    let _ = process.wait();
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.process);
    }
}
