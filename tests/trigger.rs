//! `mockaa trigger` against a running sandbox, with an FIU that receives the webhooks.

mod binary;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use crate::binary::{Server, create_folder, mockaa_command, split_output};

/// An FIU that keeps what it receives. It refuses the first webhooks and acknowledges the others.
struct Fiu {
    url: String,
    received: Arc<Mutex<Vec<Value>>>,
}

impl Fiu {
    fn start(refusals: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let received = Arc::new(Mutex::new(Vec::new()));
        let inbox = Arc::clone(&received);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let body = read_body(&stream);
                let mut inbox = inbox.lock().expect("no panic");
                let status = if inbox.len() < refusals { 503 } else { 200 };
                inbox.push(body);
                write!(
                    stream,
                    "HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                )
                .expect("the response is sent");
            }
        });
        Self { url, received }
    }

    /// Returns the statuses of the consent notifications, in their order.
    fn list_statuses(&self) -> Vec<String> {
        let received = self.received.lock().expect("no panic");
        let statuses = received
            .iter()
            .filter_map(|body| body["ConsentStatusNotification"]["consentStatus"].as_str());
        statuses.map(str::to_owned).collect()
    }
}

/// Reads the body of a request.
fn read_body(stream: &TcpStream) -> Value {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a number");
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("the body");
    serde_json::from_slice(&body).expect("JSON")
}

/// A sandbox that sends webhooks to an FIU.
struct Journey {
    fiu: Fiu,
    server: Server,
}

impl Journey {
    fn start(refusals: usize) -> Self {
        let fiu = Fiu::start(refusals);
        let server = Server::start(&["--seed", "42", "--fiu-url", &fiu.url]);
        Self { fiu, server }
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = mockaa_command(arguments);
        command.env("MOCKAA_URL", self.server.base_url());
        let output = command.stdin(Stdio::null()).output();
        split_output(&output.expect("the command runs"))
    }

    fn run_json(&self, arguments: &[&str]) -> Value {
        let (code, stdout, stderr) = self.run(&[arguments, &["--json"]].concat());
        assert_eq!((code, &*stderr), (0, ""), "{arguments:?}");
        serde_json::from_str(&stdout).expect("JSON")
    }
}

/// Returns the kinds of the entries of a journal, with the operations of calls.
fn list_kinds(result: &Value) -> Vec<&str> {
    let entries = result["journal"].as_array().expect("a list");
    entries
        .iter()
        .filter_map(|entry| entry["call"]["op"].as_str().or(entry["kind"].as_str()))
        .collect()
}

#[test]
fn a_story_ends_and_prints_what_has_happened() {
    let journey = Journey::start(0);
    let (code, stdout, stderr) = journey.run(&["trigger", "consent-revoked"]);
    assert_eq!((code, &*stderr), (0, ""));
    assert!(
        stdout.starts_with("consent-revoked: The customer revokes the consent one day later.\n"),
        "{stdout}"
    );
    for line in [
        "consent.raised",
        "consent.active",
        "consent.status ACTIVE: accepted with 200",
        "consent.revoked",
        "consent.status REVOKED: accepted with 200",
        "\nstate     REVOKED\n",
        "\npage      http",
    ] {
        assert!(stdout.contains(line), "{line}: {stdout}");
    }
    assert!(!stdout.contains("\nnext"), "{stdout}");
    assert_eq!(journey.fiu.list_statuses(), ["ACTIVE", "REVOKED"]);
    // Another story has another customer, and prints its own events only.
    let result = journey.run_json(&["trigger", "consent-rejected"]);
    assert_eq!(result["consent"]["state"], "REJECTED");
    assert_eq!(result["scenario"], "reject");
    assert_eq!(list_kinds(&result)[0], "consent.raised");
    assert!(!list_kinds(&result).contains(&"consent.revoked"));
    assert_eq!(result["next"], json!([]));
}

#[test]
fn a_webhook_that_the_fiu_refuses_is_sent_again_before_the_story_ends() {
    let journey = Journey::start(3);
    let result = journey.run_json(&["trigger", "consent-approved"]);
    let kinds = list_kinds(&result);
    let attempts = kinds.iter().filter(|kind| **kind == "webhook").count();
    assert_eq!(attempts, 4, "{kinds:?}");
    assert_eq!(journey.fiu.list_statuses(), ["ACTIVE"; 4]);
}

#[test]
fn a_lost_webhook_is_followed_by_a_poll_on_every_api() {
    for (api, operation) in [
        ("rebit", "consent.status"),
        ("seed", "consent.fetch"),
        ("unaport", "consent.status"),
    ] {
        let journey = Journey::start(0);
        let result = journey.run_json(&["trigger", "webhook-lost-then-polled", "--api", api]);
        let kinds = list_kinds(&result);
        assert_eq!(kinds.last(), Some(&operation), "{api}: {kinds:?}");
        let statuses = journey.fiu.list_statuses();
        assert!(!statuses.contains(&"ACTIVE".to_owned()), "{statuses:?}");
        let (_, report, _) = journey.run(&["report"]);
        assert!(report.contains("no rule failed"), "{api}: {report}");
    }
}

#[test]
fn a_story_names_what_it_waits_for() {
    let journey = Journey::start(0);
    let (code, stdout, _) = journey.run(&["trigger", "manual-approval"]);
    assert_eq!(code, 0);
    assert!(
        stdout.contains("\nnext      answer as the customer: `mockaa consent approve "),
        "{stdout}"
    );
    let server = Server::start(&[]);
    let unaddressed = mockaa_command(&["trigger", "data-delivered"])
        .env("MOCKAA_URL", server.base_url())
        .output()
        .expect("the command runs");
    let (code, stdout, _) = split_output(&unaddressed);
    assert_eq!(code, 0);
    assert!(stdout.contains("fi.prepared"), "{stdout}");
    let remedy = "`mockaa fiu put UNACORES-FIU-UAT --set baseUrl=URL`";
    assert!(stdout.contains(remedy), "{stdout}");
}

#[test]
fn every_named_story_ends_in_its_state() {
    let journey = Journey::start(0);
    for (story, state) in [
        ("consent-approved", "ACTIVE"),
        ("consent-expired", "EXPIRED"),
        ("consent-paused-and-resumed", "ACTIVE"),
        ("consent-rejected", "REJECTED"),
        ("consent-revoked", "REVOKED"),
        ("customer-left", "ACTIVE"),
        ("data-delivered", "ACTIVE"),
        ("webhook-lost-then-polled", "ACTIVE"),
    ] {
        let result = journey.run_json(&["trigger", story]);
        assert_eq!(result["consent"]["state"], state, "{story}");
        assert_eq!(result["consent"]["hidden"], story == "customer-left");
    }
}

#[test]
fn scenarios_of_a_sandbox_are_stories_and_others_are_refused() {
    let (code, list, _) = split_output(&mockaa_command(&["trigger"]).output().expect("it runs"));
    assert_eq!(code, 0);
    for story in [
        "webhook-lost-then-polled  ",
        "\nwebhook-lost  ",
        "\nrevoke  ",
    ] {
        assert!(list.contains(story), "{story}: {list}");
    }
    let folder = create_folder("trigger-own", &[]);
    let file = folder.join("mine.yaml");
    let scenario =
        "# My customer says no.\nversion: 1\nname: mine\nsteps: [{ after: 3d, reject: {} }]\n";
    fs::write(&file, scenario).expect("a file");
    let journey = Journey::start(0);
    let (code, _, stderr) = journey.run(&["trigger", "mine"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("unknown story mine; "), "{stderr}");
    let (code, _, _) = journey.run(&["scenario", "put", &file.display().to_string()]);
    assert_eq!(code, 0);
    let chosen = [
        "trigger",
        "mine",
        "--customer",
        "9876500042",
        "--persona",
        "nri",
    ];
    let result = journey.run_json(&chosen);
    assert_eq!(result["consent"]["state"], "REJECTED");
    assert_eq!(result["consent"]["customer"], "9876500042@mockaa");
    assert_eq!(result["consent"]["persona"], "nri");
    let elsewhere = journey.run_json(&["trigger", "reject", "--world", "elsewhere"]);
    let page = elsewhere["consent"]["pageUrl"].as_str().expect("a URL");
    assert!(page.contains("/w/elsewhere/ui/consents/"), "{page}");
    let (code, _, stderr) = journey.run(&["trigger", "consent-approve"]);
    assert_eq!(code, 2);
    assert!(
        stderr.ends_with("did you mean consent-approved?\n"),
        "{stderr}"
    );
    let (code, _, stderr) = journey.run(&["trigger", "approve", "--persona", "nobody"]);
    assert_eq!(code, 4, "{stderr}");
}
