//! `mockaa doctor` before FIUs that are right, and wrong in one way each.
#![cfg(unix)]

mod binary;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::Arc;
use std::thread;

use serde_json::{Value, json};

use crate::binary::{create_folder, mockaa_command};

/// What an FIU answers to a webhook.
type Answer = dyn Fn(&Webhook) -> (u16, Value) + Send + Sync;

struct Webhook {
    signature: String,
    body: Vec<u8>,
}

impl Webhook {
    /// Returns whether the AA has signed the body.
    fn is_verified(&self) -> bool {
        let mut verify = mockaa_command(&["jws", "verify", "--signature", &self.signature])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the command runs");
        let mut stdin = verify.stdin.take().expect("a pipe");
        stdin.write_all(&self.body).expect("the body is written");
        drop(stdin);
        verify.wait().expect("it ends").success()
    }

    fn acknowledge(&self) -> (u16, Value) {
        let body: Value = serde_json::from_slice(&self.body).expect("JSON");
        let acknowledgement = json!({
            "ver": body["ver"],
            "timestamp": body["timestamp"],
            "txnid": body["txnid"],
            "response": "OK",
        });
        (200, acknowledgement)
    }
}

/// Starts an FIU and returns its URL. A GET is answered with 404 and this date.
fn start_fiu(
    date: &str,
    answer: impl Fn(&Webhook) -> (u16, Value) + Send + Sync + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (date, answer) = (date.to_owned(), Arc::new(answer));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (date, answer) = (date.clone(), Arc::clone(&answer));
            thread::spawn(move || serve(stream, &date, &*answer));
        }
    });
    url
}

fn serve(mut stream: TcpStream, date: &str, answer: &Answer) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut head = String::new();
    while reader.read_line(&mut head).is_ok_and(|count| count > 2) {}
    let header = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(':'));
        let mut values = lines.filter(|(header, _)| header.eq_ignore_ascii_case(name));
        values.next().map(|(_, value)| value.trim().to_owned())
    };
    let length = header("content-length").map_or(0, |length| length.parse().expect("a length"));
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    let (status, answer) = if head.starts_with("GET") {
        (404, json!({}))
    } else {
        let signature = header("x-jws-signature").unwrap_or_default();
        answer(&Webhook { signature, body })
    };
    let (date, answer) = (format!("date: {date}\r\n"), answer.to_string());
    let date = if date.len() > 8 { &*date } else { "" };
    // The sandbox may have stopped meanwhile.
    let _ = write!(
        stream,
        "HTTP/1.1 {status} X\r\n{date}connection: close\r\ncontent-length: {}\r\n\r\n{answer}",
        answer.len()
    );
}

/// Runs the doctor; returns its exit code and what it printed.
fn examine(arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String) {
    let mut command = mockaa_command(&[&["doctor"], arguments].concat());
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    let output = command.envs(variables.iter().copied()).output();
    let output = output.expect("the command runs");
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8(printed).expect("UTF-8");
    (output.status.code().expect("a code"), printed)
}

/// An FIU that does everything right.
fn answer_rightly(webhook: &Webhook) -> (u16, Value) {
    if webhook.is_verified() {
        webhook.acknowledge()
    } else {
        (401, json!({ "errorMsg": "the signature does not match" }))
    }
}

#[test]
fn a_right_set_up_has_nothing_to_change() {
    let url = start_fiu("", answer_rightly);
    let (code, printed) = examine(&["--fiu-url", &url], &[]);
    assert_eq!(code, 0, "{printed}");
    assert!(printed.ends_with("Nothing to change.\n"), "{printed}");
    let (code, printed) = examine(&["--fiu-url", &url, "--json"], &[]);
    assert_eq!(code, 0, "{printed}");
    let printed: Value = serde_json::from_str(&printed).expect("JSON");
    let verdicts: Vec<_> = printed["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|found| {
            let text = |field: &str| found[field].as_str().expect("a text").to_owned();
            (text("check"), text("verdict"))
        })
        .collect();
    let expected = [
        ("proxies", "ok"),
        ("sandbox", "not checked"),
        ("fiu-reachable", "ok"),
        ("fiu-clock", "not checked"),
        ("signed-webhook", "ok"),
        ("badly-signed-webhook", "ok"),
        ("public-key", "not checked"),
    ];
    let expected = expected.map(|(check, verdict)| (check.to_owned(), verdict.to_owned()));
    assert_eq!(verdicts, expected);
}

#[test]
fn each_fault_of_a_set_up_is_named_with_its_remedy() {
    let right = start_fiu("", answer_rightly);
    let trusting = start_fiu("", Webhook::acknowledge);
    let silent = start_fiu("", |_| (200, json!({})));
    let elsewhere = start_fiu("", |_| (404, json!({})));
    let refusing = start_fiu("", |_| (401, json!({})));
    let encoded = start_fiu("", |webhook| {
        // The header of the default profile has b64 false.
        let is_detached = webhook
            .signature
            .starts_with("eyJhbGciOiJSUzI1NiIsImtpZCI6Im1vY2thYS1kZXYtMSIsImI2NCI6");
        if is_detached {
            (401, json!({}))
        } else {
            answer_rightly(webhook)
        }
    });
    let moved = start_fiu("", |_| (308, json!({})));
    let failing = start_fiu("", |_| (500, json!({})));
    let late = start_fiu("Sun, 06 Nov 1994 08:49:37 GMT", answer_rightly);
    // It has the port, so that no other test gets it, and does not listen.
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    let any = "127.0.0.1:0".parse().expect("an address");
    socket.bind(any).expect("a free port");
    let unused = format!("http://{}", socket.local_addr().expect("an address"));
    for (url, remedy) in [
        (&trusting, "verify x-jws-signature over the raw body"),
        (
            &silent,
            "answer with ver, timestamp, the webhook's txnid and response OK",
        ),
        (&elsewhere, "serve POST /Consent/Notification"),
        (
            &refusing,
            "`mockaa jws explain` compares; or if your server asks for credentials",
        ),
        (&moved, "give the URL to which it redirects"),
        (&failing, "look at the log of your FIU"),
        (&encoded, "signature_profile = \"encoded\""),
        (&late, "set the clock of the FIU's machine by NTP"),
        (&unused, "start it"),
    ] {
        let (code, printed) = examine(&["--fiu-url", url], &[]);
        let change = printed.lines().last().unwrap_or_default();
        assert!(
            change.starts_with("Change this: ") && change.contains(remedy),
            "{printed}"
        );
        assert_eq!(code, 1, "{printed}");
    }
    let proxy = ("HTTP_PROXY", "http://proxy.test:3128");
    let (code, printed) = examine(&["--fiu-url", &right], &[proxy]);
    assert_eq!(code, 0, "a warning is no failure: {printed}");
    assert!(
        printed.contains("Change this: set NO_PROXY=127.0.0.1,localhost"),
        "{printed}"
    );
    let excluded = ("no_proxy", "127.0.0.1, localhost");
    let (_, printed) = examine(&["--fiu-url", &right], &[proxy, excluded]);
    assert!(printed.contains("Nothing to change"), "{printed}");
}

#[test]
fn keys_are_compared_and_wrong_options_refused() {
    let fius = mockaa_command(&["config", "show", "--json"]).output();
    let fius: Value = serde_json::from_slice(&fius.expect("it runs").stdout).expect("JSON");
    let key = |fiu: usize| fius["fius"][fiu]["publicKeys"][0].to_string();
    let files = [
        ("first.json", &*key(0)),
        ("second.json", &*key(1)),
        ("none.json", "[]"),
        ("empty.json", "{\"keys\":[]}"),
    ];
    let folder = create_folder("doctor-keys", &files);
    let examine_key = |file: &str| {
        let path = folder.join(file);
        examine(&["--public-key", path.to_str().expect("UTF-8")], &[])
    };
    let (code, printed) = examine_key("first.json");
    assert_eq!(code, 0, "{printed}");
    let (code, printed) = examine_key("second.json");
    assert_eq!(code, 1, "{printed}");
    assert!(
        printed.contains("add it to public_keys of the [[fiu]] FIU-1"),
        "{printed}"
    );
    for file in ["none.json", "empty.json", "missing.json"] {
        let (code, printed) = examine_key(file);
        assert_eq!(code, 2, "{printed}");
        assert!(printed.contains("--public-key"), "{printed}");
    }
    fs::remove_dir_all(folder).expect("the folder goes");
    let (code, printed) = examine(&["--server", "127.0.0.1:1"], &[]);
    assert_eq!(code, 1, "{printed}");
    assert!(
        printed.contains("http://127.0.0.1:1 cannot be reached"),
        "{printed}"
    );
}
