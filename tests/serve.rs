//! `mockaa serve` at the limits of its machine.
#![cfg(unix)]

mod binary;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;

use crate::binary::{Server, create_folder, run_in};

/// Number of open files that macOS allows by default.
const FEW_FILES: &str = "256";

const NOW: &str = "2020-07-04T06:00:00.000Z";

/// Number of consents whose webhooks become due at about the same time.
const CONSENTS: usize = 400;

/// Number of consents that are raised at the same time.
const PARALLEL: usize = 16;

/// A receiver that takes its time and keeps connections open.
fn start_slow_receiver(delay: Duration) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let received = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&received);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let counter = Arc::clone(&counter);
            std::thread::spawn(move || answer_slowly(stream, delay, &counter));
        }
    });
    (url, received)
}

fn answer_slowly(mut stream: TcpStream, delay: Duration, received: &AtomicUsize) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or_default() == 0 {
                return;
            }
            if line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().expect("a length");
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        std::thread::park_timeout(delay);
        received.fetch_add(1, Ordering::SeqCst);
        if stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
            .is_err()
        {
            return;
        }
    }
}

#[tokio::test]
async fn slow_receivers_leave_files_for_callers_where_few_may_be_open() {
    let (fiu_url, received) = start_slow_receiver(Duration::from_millis(600));
    let binary = env!("CARGO_BIN_EXE_mockaa");
    let limited = format!(
        "ulimit -n {FEW_FILES} && exec {binary} serve --port 0 --fiu-url {fiu_url} --clock {NOW},frozen"
    );
    let mut child = Command::new("bash")
        .args(["-c", &limited])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("bash runs");
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().expect("a pipe"))
        .read_line(&mut line)
        .expect("a line");
    let ready: Value = serde_json::from_str(&line).expect("a ready line");
    let mut server = Server { child, ready };
    let url = server.base_url().to_owned();
    let client = reqwest::Client::new();
    let raise = async |number: usize| {
        let body = include_str!("../fixtures/seed/consent-request.json")
            .replace("{{current_timestamp}}", NOW)
            .replace("1999999999@onemoney", &format!("9999999002@fds-{number}"))
            .replace("4a4adbbe-29ae-11e8-a8d7-0289437bf331", &uuid(number));
        let request = client.post(format!("{url}/consent"));
        let request = request
            .header("content-type", "application/json")
            .body(body);
        let reply = request.send().await;
        let status = reply.expect("the sandbox accepts the connection").status();
        assert!(status.is_success(), "{number} {status}");
    };
    for batch in 0..CONSENTS / PARALLEL {
        join_all((0..PARALLEL).map(|number| raise(batch * PARALLEL + number))).await;
    }
    loop {
        // A new connection each time.
        let reply = reqwest::Client::new()
            .get(format!("{url}/_mockaa/v1/world"))
            .timeout(Duration::from_secs(5))
            .send()
            .await;
        let world: Value = reply.expect("an answer").json().await.expect("JSON");
        if world["webhooksOpen"] == 0 {
            break;
        }
        tokio::task::yield_now().await;
    }
    let page = client.get(format!("{url}/_mockaa/v1/webhooks?limit=1000"));
    let page: Value = page
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    let deliveries = page["items"].as_array().expect("a list");
    assert!(deliveries.len() >= CONSENTS);
    assert_eq!(received.load(Ordering::SeqCst), deliveries.len());
    for delivery in deliveries {
        let attempts = delivery["attempts"].as_array().expect("a list");
        assert_eq!(
            attempts.len(),
            1,
            "no attempt fails for lack of files: {delivery}"
        );
    }
    let _ = server.child.kill();
}

#[test]
fn the_ready_file_is_there_while_the_sandbox_answers() {
    let folder = create_folder("serve-ready-file", &[("ready.json", "of an earlier run")]);
    let file = folder.join("ready.json");
    let path = file.to_str().expect("UTF-8");
    let public_url = "https://sandbox.test";
    let mut server = Server::start(&["--ready-file", path, "--public-url", public_url]);
    let written: Value =
        serde_json::from_str(&std::fs::read_to_string(&file).expect("a file")).expect("JSON");
    assert_eq!(written, server.ready);
    assert_eq!(written["public_url"], public_url);
    let pid = server.child.id().to_string();
    let killed = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(killed.expect("kill runs").success());
    assert!(server.child.wait().expect("it ends").success());
    assert!(!file.exists());
    let missing = folder.join("nothing/ready.json");
    let missing = missing.to_str().expect("UTF-8");
    let (code, _, stderr) = run_in(&folder, &["serve", "--port", "0", "--ready-file", missing]);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("--ready-file"), "{stderr}");
}

/// Returns a UUID for a number.
fn uuid(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}
