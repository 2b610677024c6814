//! The log of the binary: no secret at any level, and one line for each event.

mod binary;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::Value;

use crate::binary::{Server, mockaa_command};

/// Value of every secret that a request of this file carries.
const SECRET: &str = "s3cret-MARK-7";

fn send_request(server: &Server, head: &str, body: &str) -> String {
    let address = server.base_url().trim_start_matches("http://");
    let mut socket = TcpStream::connect(address).expect("the server accepts connections");
    let length = body.len();
    let request = format!(
        "{head}\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    socket
        .write_all(request.as_bytes())
        .expect("the request is sent");
    let mut response = String::new();
    socket.read_to_string(&mut response).expect("a response");
    response
}

/// Answers one webhook with a secret and control characters, and returns its bytes.
fn answer_webhook(listener: &TcpListener) -> String {
    let (mut socket, _) = listener.accept().expect("a connection");
    let mut received = Vec::new();
    let mut buffer = vec![0; 65536];
    while !String::from_utf8_lossy(&received).contains("\r\n\r\n") {
        let length = socket.read(&mut buffer).expect("a webhook");
        received.extend_from_slice(&buffer[..length]);
    }
    let body = format!(
        "{{\"response\":\"OK\",\"sessionToken\":\"{SECRET}\"}}\nERROR forged\u{1b}[2J\u{202e}"
    );
    let length = body.len();
    let answer =
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    socket.write_all(answer.as_bytes()).expect("an answer");
    String::from_utf8_lossy(&received).into_owned()
}

/// Sends secrets in every part of a call and returns the log of the most detailed level.
fn log_of_secrets(arguments: &[&str]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let hook = listener.local_addr().expect("an address");
    let mut server = Server::start_with_log(
        &[
            &["--log", "trace", "--clock", "2020-07-04T06:00:00Z,frozen"],
            arguments,
        ]
        .concat(),
    );
    let mut stderr = server.child.stderr.take().expect("a pipe");
    let log = std::thread::spawn(move || {
        let mut log = Vec::new();
        stderr.read_to_end(&mut log).expect("the log is read");
        String::from_utf8(log).expect("text")
    });
    let config = format!("{{\"consentUrl\":\"http://{hook}/hook?api_key={SECRET}\"}}");
    let answer = send_request(
        &server,
        "PUT /_mockaa/v1/config/fiu/FIU-1 HTTP/1.1",
        &config,
    );
    assert!(answer.contains(" 200 "), "{answer}");
    for (head, body) in [
        (
            format!("GET /Heartbeat?access_token={SECRET} HTTP/1.1\r\nx-api-key: {SECRET}"),
            String::new(),
        ),
        (
            format!("GET /nothing;token={SECRET} HTTP/1.1\r\ncookie: a={SECRET}"),
            String::new(),
        ),
        (
            "POST /api/v1/public/user/login HTTP/1.1".to_owned(),
            format!("{{\"emailId\":{{\"x\":1}},\"password\":\"{SECRET}\",\"client\":5}}"),
        ),
        (
            format!("POST /Consent HTTP/1.1\r\nauthorization: Bearer {SECRET}"),
            format!("{{\"ver\":\"{SECRET}\",\"token\":\"{SECRET}\"}}"),
        ),
        (
            "GET /Consent/handle/a%0AERROR%20forged%1B%5B2J%E2%80%AE HTTP/1.1".to_owned(),
            String::new(),
        ),
    ] {
        send_request(&server, &head, &body);
    }
    let consent = include_str!("../fixtures/seed/consent-request.json")
        .replace("{{current_timestamp}}", "2020-07-04T06:00:00.000Z");
    let head = "POST /consent HTTP/1.1\r\nauthorization: mockaa-dev-fiu-1-api-key";
    let answer = send_request(&server, head, &consent);
    let handle = answer.split("\"ConsentHandle\":\"").nth(1);
    let handle = &handle.expect("a handle")[..36];
    let head = format!("POST /_mockaa/v1/consents/{handle}/approve HTTP/1.1");
    let answer = send_request(&server, &head, "");
    assert!(answer.contains(" 200 "), "{answer}");
    let webhook = answer_webhook(&listener);
    let key = webhook
        .lines()
        .find_map(|line| line.strip_prefix("aa_api_key: "))
        .expect("a key")
        .to_owned();
    let waited = send_request(
        &server,
        "GET /_mockaa/v1/journal/wait?kind=webhook HTTP/1.1",
        "",
    );
    assert!(waited.contains(" 200 "), "{waited}");
    drop(server);
    let log = log.join().expect("the log is read");
    let log = log
        .split_once("the guides\n")
        .expect("a banner")
        .1
        .to_owned();
    assert!(log.contains("webhook attempted"), "{log}");
    for line in log.lines() {
        assert!(!line.contains(SECRET), "{line}");
        assert!(!line.contains(&key), "{line}");
    }
    log
}

#[test]
fn the_text_log_has_no_secret_and_no_forged_line() {
    let log = log_of_secrets(&[]);
    assert!(log.contains("forged"), "the texts are logged");
    for line in log.lines() {
        assert!(!line.starts_with("ERROR"), "{line}");
        assert!(!line.contains(['\u{1b}', '\u{202e}', '\r']), "{line:?}");
    }
}

#[test]
fn the_json_log_has_no_secret_and_no_forged_line() {
    let log = log_of_secrets(&["--log-format", "json"]);
    for line in log.lines().filter(|line| !line.is_empty()) {
        let event: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(event["level"].is_string(), "{line}");
        assert!(!line.contains(['\u{1b}', '\u{202e}']), "{line:?}");
    }
}

#[test]
fn the_journal_command_masks_unless_it_is_asked_not_to() {
    let server = Server::start(&[]);
    send_request(&server, "POST /consent HTTP/1.1", "{}");
    send_request(
        &server,
        &format!("GET /Heartbeat?access_token={SECRET} HTTP/1.1"),
        "",
    );
    let run = |arguments: &[&str]| {
        let mut command = mockaa_command(&[&["journal"], arguments].concat());
        let output = command.env("MOCKAA_URL", server.base_url()).output();
        String::from_utf8(output.expect("the command runs").stdout).expect("text")
    };
    for arguments in [&[][..], &["--json"]] {
        let shown = run(arguments);
        assert!(
            shown.contains("access_token=****") && !shown.contains(SECRET),
            "{shown}"
        );
        let revealed = run(&[&["--reveal"], arguments].concat());
        assert!(revealed.contains(SECRET), "{revealed}");
    }
}
