//! The commands that play, check and control, as a shell sees them: output, exit codes, and a
//! running server behind them.

mod binary;
mod skip;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

use crate::binary::{Server, create_folder, decode_lossy, mockaa_command, run_in, split_output};
use crate::skip::report_skip;

const APPROVED: &str =
    "version: 1\nname: approved\nsteps: [approve: {}]\nexpect: [state: { is: ACTIVE }]\n";
const UNMET: &str =
    "version: 1\nname: unmet\nsteps: [approve: {}]\nexpect: [state: { is: REVOKED }]\n";
const INEFFECTIVE: &str = "version: 1\nname: unreachable\nsteps:\n  - reject: {}\n  - { after: 1s, approve: {} }\nwebhooks:\n  - where: { event: \
                    consent.status, status: PAUSED }\n    fault: { drop: {} }\n";

#[test]
fn run_grades_files_and_reports_as_text_json_and_junit() {
    let folder = create_folder(
        "commands-run",
        &[("approved.yaml", APPROVED), ("unmet.yaml", UNMET)],
    );
    let (code, stdout, _) = run_in(
        &folder,
        &[
            "run",
            "approved.yaml",
            "unmet.yaml",
            "--junit",
            "results.xml",
        ],
    );
    assert_eq!(code, 1);
    let instants = regex::Regex::new("[0-9-]{10}T[0-9:.]{12}Z").expect("a pattern");
    insta::assert_snapshot!(instants.replace_all(&stdout, "INSTANT"));
    let junit = fs::read_to_string(folder.join("results.xml")).expect("the report is written");
    let document = roxmltree::Document::parse(&junit).expect("well-formed XML");
    let suites: Vec<_> = document
        .descendants()
        .filter(|node| node.has_tag_name("testsuite"))
        .map(|suite| {
            let failures = suite
                .descendants()
                .filter(|node| node.has_tag_name("failure"));
            assert_eq!(
                suite.attribute("failures"),
                Some(&*failures.count().to_string())
            );
            ["name", "file", "tests", "failures"].map(|name| suite.attribute(name))
        })
        .collect();
    assert_eq!(
        suites,
        [
            ["approved", "approved.yaml", "3", "0"].map(Some),
            ["unmet", "unmet.yaml", "3", "1"].map(Some)
        ]
    );
    let (code, stdout, _) = run_in(&folder, &["run", "approved.yaml", "--json"]);
    let report: Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!(
        (code, &report["passed"], &report["files"][0]["scenario"]),
        (0, &json!(true), &json!("approved"))
    );
}

#[test]
fn the_inbox_of_run_checks_the_api_key_and_accepts_a_rotated_secret() {
    for (fault, answer) in [
        ("missing_api_key: {}", 401),
        ("altered_api_key: { part: header }", 401),
        ("altered_api_key: { part: payload, change: longer }", 401),
        ("foreign_api_key: {}", 401),
        ("rotated_secret: {}", 200),
    ] {
        let name = fault.split(':').next().expect("a name");
        let scenario = format!(
            "version: 1\nname: key\nsteps: [approve: {{}}]\n\
             webhooks: [{{ where: {{ attempts: 1 }}, fault: {{ {fault} }} }}]\n\
             expect: [webhook: {{ event: consent.status, fault: {name}, answered: {answer}, count: 1 }}]\n"
        );
        let folder = create_folder("commands-run-api-key", &[("key.yaml", &scenario)]);
        let (code, stdout, stderr) = run_in(&folder, &["run", "key.yaml"]);
        assert_eq!(code, 0, "{fault}\n{stdout}{stderr}");
    }
}

#[test]
fn run_rejects_bad_files_before_it_plays_any() {
    let files = [
        ("good.yaml", APPROVED),
        ("same.yaml", APPROVED),
        ("typo.yaml", "version: 1\nname: typo\nsteps: [aprove: {}]\n"),
        ("scenario.schema.json", "{}"),
    ];
    let folder = create_folder("commands-run-bad", &files);
    for (arguments, remedy) in [
        (
            &["run", "good.yaml", "same.yaml"][..],
            "the name 'approved' is taken by good.yaml",
        ),
        (
            &["run", "typo.yaml"],
            "typo.yaml:3:9: unknown key 'aprove' in the step; did you mean approve?",
        ),
        (&["run", "nosuch.yaml"], "nosuch.yaml"),
        (&["run"], "FILE"),
    ] {
        let (code, stdout, stderr) = run_in(&folder, arguments);
        assert_eq!((code, stdout.as_str()), (2, ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains(remedy), "{arguments:?}: {stderr}");
    }
    let (code, _, stderr) = run_in(&folder, &["run", "good.yaml", "--", "/nonexistent/program"]);
    assert_eq!(code, 3, "{stderr}");
    assert!(
        stderr.contains("cannot start /nonexistent/program"),
        "{stderr}"
    );
}

/// Raises a consent in the world that the environment names, by `curl`.
const RAISE: &str = r#"test -n "$MOCKAA_WORLD" && curl -fsS "$MOCKAA_BASE_URL/consent" -H 'content-type: application/json' -d @"$1""#;

#[test]
fn run_starts_the_fius_own_test_and_grades_when_it_has_ended() {
    if Command::new("curl")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        report_skip("curl");
        return;
    }
    let request = include_str!("../fixtures/seed/consent-request.json")
        .replace("{{current_timestamp}}", "2020-07-04T06:00:00.000Z");
    // A slow FIU: the command waits for the delivery that is in flight.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (done_sender, done_receiver) = std::sync::mpsc::channel::<()>();
    std::thread::spawn(move || {
        use std::io::Read;
        let (mut stream, _) = listener.accept().expect("a webhook arrives");
        let mut bytes = [0; 1024];
        let read = stream.read(&mut bytes).expect("the head of a request");
        assert!(read > 0);
        // The channel closes when the command has ended.
        let _ = done_receiver.recv_timeout(std::time::Duration::from_millis(700));
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .expect("the response is sent");
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let scenario = "version: 1\nname: notified\nsteps: [approve: {}]\nexpect:\n  - webhook: { event: consent.status, answered: 200 }\n  \
                   - call: { op: consent.create, count: 1 }\n";
    let folder = create_folder(
        "commands-run-command",
        &[
            ("notified.yaml", scenario),
            ("raise.sh", RAISE),
            ("request.json", &request),
        ],
    );
    let clock = ["--clock", "2020-07-04T06:00:00Z"];
    let arguments = [
        &["run", "notified.yaml", "--fiu-url", &url],
        &clock[..],
        &["--", "bash", "raise.sh", "request.json"],
    ]
    .concat();
    let (code, stdout, stderr) = run_in(&folder, &arguments);
    assert_eq!(code, 0, "{stdout}{stderr}");
    drop(done_sender);

    let failing = [
        &["run", "notified.yaml"],
        &clock[..],
        &["--", "bash", "-c", "exit 7"],
    ]
    .concat();
    let (code, stdout, _) = run_in(&folder, &failing);
    assert_eq!(code, 1);
    assert!(stdout.contains("it ended with exit status: 7"), "{stdout}");
    let endless = [
        "run",
        "notified.yaml",
        "--timeout",
        "1s",
        "--",
        "bash",
        "-c",
        "read < <(tail -f /dev/null)",
    ];
    let (code, stdout, _) = run_in(&folder, &endless);
    assert_eq!(code, 1);
    assert!(
        stdout.contains("it did not end within 1 s and was killed"),
        "{stdout}"
    );
}

/// Starts a process in the background that keeps a connection to `$1`, and waits.
#[cfg(unix)]
const WITH_BACKGROUND_PROCESS: &str =
    r#"(exec 3<>"/dev/tcp/127.0.0.1/$1"; echo started >&3; sleep 60) & wait"#;

/// Reads from a connection until its other side has closed it.
#[cfg(unix)]
fn read_until_closed(connection: &mut std::net::TcpStream) -> String {
    let timeout = std::time::Duration::from_secs(20);
    connection
        .set_read_timeout(Some(timeout))
        .expect("a timeout");
    let mut text = String::new();
    connection
        .read_to_string(&mut text)
        .expect("the connection is closed");
    text
}

#[cfg(unix)]
#[test]
fn run_kills_the_processes_that_an_endless_command_has_started() {
    let folder = create_folder("commands-run-group", &[("approved.yaml", APPROVED)]);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener
        .local_addr()
        .expect("an address")
        .port()
        .to_string();
    let run = [
        "run",
        "approved.yaml",
        "--timeout",
        "2s",
        "--",
        "bash",
        "-c",
    ];
    let command = [WITH_BACKGROUND_PROCESS, "bash", &port];
    let (code, stdout, _) = run_in(&folder, &[&run[..], &command].concat());
    assert_eq!(code, 1, "{stdout}");
    let (mut connection, _) = listener.accept().expect("the process has connected");
    assert_eq!(read_until_closed(&mut connection), "started\n");
}

#[cfg(unix)]
#[test]
fn a_stopped_run_kills_the_processes_of_its_command() {
    let folder = create_folder("commands-run-stopped", &[("approved.yaml", APPROVED)]);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener
        .local_addr()
        .expect("an address")
        .port()
        .to_string();
    let run = ["run", "approved.yaml", "--", "bash", "-c"];
    let command = [WITH_BACKGROUND_PROCESS, "bash", &port];
    let run = mockaa_command(&[&run[..], &command].concat())
        .current_dir(&folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let (mut connection, _) = listener.accept().expect("the process connects");
    // The process connects before it writes, and a signal between the two would be too early.
    let mut greeting = [0; 8];
    connection
        .read_exact(&mut greeting)
        .expect("the process has started");
    assert_eq!(&greeting, b"started\n");
    let status = Command::new("kill")
        .args(["-INT", &run.id().to_string()])
        .status();
    assert!(status.expect("kill runs").success());
    assert_eq!(read_until_closed(&mut connection), "");
    let (code, _, stderr) = split_output(&run.wait_with_output().expect("it ends"));
    assert_eq!((code, &*stderr), (3, "mockaa: stopped by a signal\n"));
}

#[test]
fn lint_reports_as_text_json_and_github() {
    let folder = create_folder(
        "commands-lint",
        &[
            ("unreachable.yaml", INEFFECTIVE),
            ("approved.yaml", APPROVED),
        ],
    );
    for format in ["text", "json", "github"] {
        let (code, stdout, stderr) = run_in(
            &folder,
            &["scenario", "lint", "--format", format, "unreachable.yaml"],
        );
        assert_eq!((code, stderr.as_str()), (2, ""));
        insta::assert_snapshot!(format!("lint_{format}"), stdout);
    }
    assert_eq!(run_in(&folder, &["scenario", "lint", "approved.yaml"]).0, 0);
    assert_eq!(run_in(&folder, &["scenario", "lint", "nosuch.yaml"]).0, 2);
    // Without accounts, a customer's consent is revoked.
    let delinked = "version: 1\nname: left\nsteps: [approve: {}, delink: {}, pause: {}]\n";
    fs::write(folder.join("left.yaml"), delinked).expect("a file");
    let (code, stdout, _) = run_in(&folder, &["scenario", "lint", "left.yaml"]);
    assert_eq!(code, 2);
    assert!(
        stdout.contains("step 3, line 3, can never fire: the consent is REVOKED since line 3"),
        "{stdout}"
    );
    let empty_match = "version: 1\nname: everybody\nmatch: { customer: [], fi_types: [] }\nsteps: [approve: {}]\n";
    fs::write(folder.join("everybody.yaml"), empty_match).expect("a file");
    let (code, stdout, _) = run_in(&folder, &["scenario", "lint", "everybody.yaml"]);
    assert_eq!(code, 2);
    assert!(
        stdout.contains("customer is an empty list; give at least one item, or remove it"),
        "{stdout}"
    );
    assert!(stdout.contains("fi_types is an empty list"), "{stdout}");
}

#[test]
fn the_schema_is_printed_in_both_drafts_and_offers_no_null() {
    let folder = create_folder("commands-schema", &[]);
    let mut seen = Vec::new();
    for (draft, schema_uri) in [
        ("7", "http://json-schema.org/draft-07/schema#"),
        ("2020-12", "https://json-schema.org/draft/2020-12/schema"),
    ] {
        let (code, stdout, _) = run_in(&folder, &["scenario", "schema", "--draft", draft]);
        assert_eq!(code, 0);
        let schema: Value = serde_json::from_str(&stdout).expect("JSON");
        assert_eq!(schema["$schema"], schema_uri);
        assert!(
            !stdout.contains("null"),
            "a key without a value is rejected, so completion offers none"
        );
        seen.push(
            schema["properties"]
                .as_object()
                .expect("keys")
                .keys()
                .cloned()
                .collect::<Vec<_>>(),
        );
    }
    assert_eq!(seen[0], seen[1]);
    assert!(seen[0].contains(&"api_faults".to_owned()));
}

#[test]
fn a_closed_stdout_ends_the_output_without_an_error() {
    let mut child = mockaa_command(&["scenario", "schema"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the process ends");
    assert_eq!(
        (output.status.code(), decode_lossy(&output.stderr).as_str()),
        (Some(0), "")
    );
}

/// A server, and a consent of its default world.
struct ServerFixture {
    server: Server,
    handle: String,
}

impl ServerFixture {
    fn start() -> Self {
        let server = Server::start(&["--clock", "2020-07-04T06:00:00Z,frozen", "--seed", "42"]);
        let body = include_str!("../fixtures/seed/consent-request.json")
            .replace("{{current_timestamp}}", "2020-07-04T06:00:00.000Z");
        let url = format!("{}/consent", server.base_url());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let created: Value = runtime.block_on(async {
            let request = reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client")
                .post(url);
            let request = request
                .header("content-type", "application/json")
                .body(body);
            request
                .send()
                .await
                .expect("a response")
                .json()
                .await
                .expect("JSON")
        });
        let handle = created["ConsentHandle"]
            .as_str()
            .expect("a handle")
            .to_owned();
        Self { server, handle }
    }

    fn run_command(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = mockaa_command(arguments);
        split_output(
            &command
                .env("MOCKAA_URL", self.server.base_url())
                .stdin(Stdio::null())
                .output()
                .expect("the command runs"),
        )
    }

    /// Returns the output of a command that must succeed.
    fn expect_stdout(&self, arguments: &[&str]) -> String {
        let (code, stdout, stderr) = self.run_command(arguments);
        assert_eq!((code, stderr.as_str()), (0, ""), "{arguments:?}: {stdout}");
        stdout
    }

    fn run_json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.expect_stdout(&[arguments, &["--json"]].concat())).expect("JSON")
    }
}

#[test]
fn a_consent_is_controlled_and_the_clock_is_advanced() {
    let fixture = ServerFixture::start();
    let handle = fixture.handle.as_str();
    assert!(
        fixture
            .expect_stdout(&["consent", "list"])
            .contains("PENDING")
    );
    assert_eq!(
        fixture.run_json(&["consent", "approve", handle])["state"],
        "ACTIVE"
    );
    assert_eq!(
        fixture.run_json(&["consent", "pause", handle])["state"],
        "PAUSED"
    );
    let (code, _, stderr) = fixture.run_command(&["consent", "approve", handle]);
    assert_eq!(code, 4);
    assert!(
        stderr
            .contains("cannot approve a consent that is PAUSED; legal now: resume, revoke, expire"),
        "{stderr}"
    );
    assert_eq!(
        fixture.run_json(&["consent", "resume", handle])["state"],
        "ACTIVE"
    );
    fixture.expect_stdout(&["consent", "play", handle, "deliver: {}"]);
    let (code, _, stderr) = fixture.run_command(&["consent", "play", handle, "{delver: {}}"]);
    assert_eq!(code, 4);
    assert!(
        stderr.contains("1:2: unknown key 'delver' in the step; did you mean deliver?"),
        "{stderr}"
    );

    assert!(
        fixture
            .expect_stdout(&["clock", "show"])
            .contains("2020-07-04T06:00:00.000Z")
    );
    assert_eq!(
        fixture.run_json(&["clock", "advance", "--by", "P1D"])["to"],
        "2020-07-05T06:00:00.000Z"
    );
    let settled = fixture.run_json(&["clock", "advance", "--by", "0s", "--settle", "20ms"]);
    assert_eq!(
        (&settled["settle"], &settled["lateCalls"]),
        (&json!("20ms"), &json!(0))
    );
    let times = [
        "clock",
        "set",
        "--signing-time",
        "world",
        "--message-time",
        "wall",
    ];
    let clock = fixture.run_json(&times);
    assert_eq!(
        (&clock["signingTime"], &clock["messageTime"]),
        (&json!("world"), &json!("wall"))
    );
    fixture.expect_stdout(&["clock", "advance", "--to", "2020-12-31T00:00:00Z"]);
    assert!(
        fixture
            .expect_stdout(&["consent", "show", handle])
            .contains("EXPIRED"),
        "the consent has expired meanwhile"
    );
    let accounts = fixture.expect_stdout(&["customer", "accounts", "1999999999@onemoney"]);
    assert!(accounts.contains("DEPOSIT"), "{accounts}");

    // CI systems set variables to the empty string if they mean none.
    let mut command = mockaa_command(&["consent", "list"]);
    let (code, stdout, stderr) = split_output(
        &command
            .env("MOCKAA_URL", fixture.server.base_url())
            .env("MOCKAA_WORLD", "")
            .output()
            .expect("the command runs"),
    );
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains(handle));
    assert!(
        !fixture
            .expect_stdout(&["consent", "list", "--world", "another"])
            .contains(handle)
    );
    assert!(
        fixture
            .expect_stdout(&["world", "list"])
            .contains("another")
    );
    fixture.expect_stdout(&["world", "delete", "another"]);
    assert!(
        !fixture
            .expect_stdout(&["world", "list"])
            .contains("another")
    );
    fixture.expect_stdout(&["world", "reset"]);
    assert!(!fixture.expect_stdout(&["consent", "list"]).contains(handle));
}

#[test]
fn scenarios_faults_and_expectations_come_from_files_or_stdin() {
    let fixture = ServerFixture::start();
    let folder = create_folder(
        "commands-steer",
        &[
            ("mine.yaml", &APPROVED.replace("approved", "mine")),
            ("faults.yaml", "webhooks: [{ fault: { drop: {} } }]\n"),
        ],
    );
    let path = |file: &str| folder.join(file).to_str().expect("text").to_owned();
    fixture.expect_stdout(&["scenario", "put", &path("mine.yaml")]);
    fixture.expect_stdout(&["scenario", "default", "mine"]);
    assert!(
        fixture
            .expect_stdout(&["scenario", "pin", "mine", "--consent", &fixture.handle])
            .contains("mine")
    );
    assert!(
        fixture
            .expect_stdout(&["consent", "show", &fixture.handle])
            .contains("ACTIVE")
    );
    fixture.expect_stdout(&["fault", "put", "lost", &path("faults.yaml")]);
    assert!(fixture.expect_stdout(&["fault", "list"]).contains("lost"));
    fixture.expect_stdout(&["consent", "pause", &fixture.handle]);
    fixture.expect_stdout(&["clock", "advance", "--by", "0s"]);
    let webhooks = fixture.expect_stdout(&["webhook", "list"]);
    assert!(
        webhooks.contains("consent.status") && webhooks.contains("dropped"),
        "{webhooks}"
    );
    fixture.expect_stdout(&["fault", "delete", "lost"]);
    assert!(!fixture.expect_stdout(&["fault", "list"]).contains("lost"));
    assert!(
        fixture
            .expect_stdout(&["journal", "--kind", "consent.paused", "--wait", "1s"])
            .contains("consent.paused")
    );

    for (arguments, code, remedy) in [
        (
            &["journal", "--kind", "consent.revoked", "--wait", "0s"][..],
            1,
            "0 of 1 entries arrived within 0 ms",
        ),
        (&["clock", "advance"], 2, "--by <TIME>"),
        (&["clock", "advance", "--by", "-5s"], 4, "by"),
        (
            &["clock", "advance", "--by", "0s", "--settle", "soon"],
            4,
            "settle",
        ),
        (&["clock", "set"], 2, "<TO>"),
        (&["run", "x.yaml", "--settle", "soon"], 2, "--settle"),
        (
            &["clock", "advance", "--by", "0s", "--count", "2"],
            2,
            "--until-call",
        ),
        (
            &["clock", "advance", "--until-call", "fi.requests"],
            4,
            "until.call.op",
        ),
    ] {
        let (actual, _, stderr) = fixture.run_command(arguments);
        assert_eq!(actual, code, "{arguments:?}: {stderr}");
        assert!(stderr.contains(remedy), "{arguments:?}: {stderr}");
    }
    let until = [
        "clock",
        "advance",
        "--by",
        "0s",
        "--until-call",
        "fi.request",
        "--within",
        "50ms",
    ];
    let (code, stdout, stderr) = fixture.run_command(&until);
    assert_eq!(
        (code, stdout.contains("(no-call)")),
        (1, true),
        "{stdout}{stderr}"
    );
    for (expectation, code) in [
        ("state: { is: PAUSED }", 0),
        ("state: { is: REVOKED }", 1),
        ("state: { is: GONE }", 4),
    ] {
        let mut command = mockaa_command(&["assert", "-"]);
        let command = command.env("MOCKAA_URL", fixture.server.base_url());
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command runs");
        child
            .stdin
            .take()
            .expect("a pipe")
            .write_all(format!("expect: [{expectation}]").as_bytes())
            .expect("the input is read");
        let output = child.wait_with_output().expect("the process ends");
        let stderr = decode_lossy(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{expectation}: {}{stderr}",
            decode_lossy(&output.stdout)
        );
        assert_eq!(code == 4, stderr.contains("GONE"), "{stderr}");
    }
    // The FIU has not polled after the dropped webhook.
    let (code, report, _) = fixture.run_command(&["report"]);
    assert_eq!(code, 1);
    assert!(report.contains("1 rule failed, 3 of 28 tested"), "{report}");
    fixture.expect_stdout(&["world", "reset"]);
    assert!(
        fixture
            .expect_stdout(&["report"])
            .contains("no rule failed, 0 of 28 tested")
    );
}

impl ServerFixture {
    /// Returns the number of notes about the first FIU.
    fn count_notes(&self) -> usize {
        let journal = self.run_json(&["journal", "--after", "0"]);
        let items = journal["items"].as_array().map_or(&[][..], Vec::as_slice);
        let texts = items.iter().filter_map(|item| item["text"].as_str());
        texts.filter(|text| text.contains("FIU-1")).count()
    }

    /// Starts `mockaa listen` and waits until it receives the webhooks of the first FIU.
    fn start_inbox(&self, arguments: &[&str]) -> Child {
        let notes_before = self.count_notes();
        let mut command = mockaa_command(&[&["listen"], arguments].concat());
        let command = command.env("MOCKAA_URL", self.server.base_url());
        let mut listener = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command runs");
        // Webhooks that are sent before `listen` is ready are lost; the world has its address when it
        // is ready.
        while self.count_notes() == notes_before {
            assert!(
                listener.try_wait().expect("a child process").is_none(),
                "the inbox is still running"
            );
        }
        listener
    }
}

/// Returns the value of `x-jws-signature` in the last attempt of a webhook.
fn sent_signature(delivery: &Value) -> String {
    let attempts = delivery["attempts"].as_array().expect("a list");
    let headers = attempts.last().expect("an attempt")["headers"].as_array();
    let mut headers = headers.expect("a list").iter();
    let header = headers.find(|header| header["name"] == "x-jws-signature");
    header.expect("a signature")["value"]
        .as_str()
        .expect("a text")
        .to_owned()
}

#[test]
fn the_bytes_of_a_webhook_pass_through_every_command() {
    let fixture = ServerFixture::start();
    let listener = fixture.start_inbox(&["--count", "2", "--bodies"]);
    let body = r#"{"z":1.0,"name":"\u0905\/","a":{"y":1,"b":[2.50,3]},"big":18446744073709551615}"#;
    let sent = r#"{"z":1.0,"name":"अ/","a":{"y":1,"b":[2.5,3]},"big":18446744073709551615}"#;
    let step = format!("{{notify: {{body: {body}}}}}");
    fixture.expect_stdout(&["consent", "play", &fixture.handle, &step]);
    let run = |arguments: &[&str]| {
        let mut command = mockaa_command(arguments);
        let command = command.env("MOCKAA_URL", fixture.server.base_url());
        command.output().expect("the command runs")
    };
    // The answer of an advance comes after the webhooks.
    fixture.expect_stdout(&["clock", "advance", "--by", "1s"]);
    let shown = run(&["webhook", "show", "1", "--body"]);
    assert_eq!(decode_lossy(&shown.stdout), sent, "no line break follows");
    let view = fixture.run_json(&["webhook", "show", "1"]);
    let signature = sent_signature(&view);
    let url = fixture.server.base_url();
    let pipeline = format!(
        "{0} webhook show 1 --body --server {url} | {0} jws verify --signature {signature}",
        env!("CARGO_BIN_EXE_mockaa")
    );
    let verified = Command::new("sh").args(["-c", &pipeline]).output();
    let verified = verified.expect("a shell runs");
    assert_eq!(decode_lossy(&verified.stdout), "verifies (Raw)\n");
    assert!(verified.status.success());
    // The JSON of the control API passes unchanged, and the readable form keeps order and spelling.
    let json = decode_lossy(&run(&["webhook", "show", "1", "--json"]).stdout);
    assert!(json.contains(&format!("\"body\":{sent}")), "{json}");
    let readable = decode_lossy(&run(&["webhook", "show", "1"]).stdout);
    let compact: String = readable.split_whitespace().collect();
    assert!(compact.contains(&format!("\"body\":{sent}")), "{readable}");

    // A fault that changes the bytes after the signature: those that were sent are shown.
    let faults = create_folder(
        "commands-bytes",
        &[(
            "faults.yaml",
            "webhooks: [{where: {}, fault: {reserialised: {}}}]",
        )],
    );
    let file = faults.join("faults.yaml").display().to_string();
    fixture.expect_stdout(&["fault", "put", "layout", &file]);
    fixture.expect_stdout(&["consent", "play", &fixture.handle, &step]);
    fixture.expect_stdout(&["clock", "advance", "--by", "1s"]);
    let reformatted = decode_lossy(&run(&["webhook", "show", "2", "--body"]).stdout);
    assert_eq!(reformatted.split_whitespace().collect::<String>(), sent);
    assert!(
        reformatted.starts_with("{\n  \"z\": 1.0,\n"),
        "{reformatted}"
    );
    let again = run(&["webhook", "show", "2", "--body", "--attempt", "1"]);
    assert_eq!(decode_lossy(&again.stdout), reformatted);
    // The journal has them, too.
    let page = fixture.run_json(&["journal", "--kind", "webhook"]);
    let entries = page["items"].as_array().expect("entries");
    let seq = entries.last().expect("an attempt")["seq"].to_string();
    let recorded = run(&["journal", &seq, "--request"]);
    assert_eq!(decode_lossy(&recorded.stdout), reformatted);
    let unanswered = run(&["journal", &seq, "--answer"]);
    assert_eq!(unanswered.status.code(), Some(4));
    let error = decode_lossy(&unanswered.stderr);
    assert!(
        error.contains(&format!("journal entry {seq} has no answer")),
        "{error}"
    );
    let mut entry = fixture.run_json(&["journal", &seq]);
    let fields = entry.as_object_mut().expect("an entry");
    assert!(
        fields
            .remove("systemTime")
            .is_some_and(|time| time.is_string())
    );
    assert_eq!(entry, entries[entries.len() - 1]);
    let missing = run(&["webhook", "show", "2", "--body", "--attempt", "9"]);
    assert_eq!(missing.status.code(), Some(4));
    let error = decode_lossy(&missing.stderr);
    assert!(error.contains("webhook 2 has no attempt 9"), "{error}");
    let received = listener.wait_with_output().expect("the inbox ends");
    let received = decode_lossy(&received.stdout);
    assert!(received.contains(&format!("\n{sent}\n")), "{received}");
    assert!(
        received.contains(&format!("\n{reformatted}\n")),
        "{received}"
    );
}

#[test]
fn an_inbox_verifies_and_prints_every_webhook() {
    let fixture = ServerFixture::start();
    let listener = fixture.start_inbox(&["--count", "2", "--json"]);
    fixture.expect_stdout(&["consent", "approve", &fixture.handle]);
    fixture.expect_stdout(&["consent", "pause", &fixture.handle]);
    let output = listener.wait_with_output().expect("the inbox ends");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        decode_lossy(&output.stderr)
    );
    let lines: Vec<Value> = decode_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    insta::assert_json_snapshot!(lines, { "[].at" => "", "[].url" => "", "[].listening" => "", "[].headers" => "" });
}

impl ServerFixture {
    /// Sets addresses of the first FIU, and returns all that it has.
    fn set_addresses(&self, addresses: &Value) -> [Value; 3] {
        let url = format!("{}/_mockaa/v1/config/fiu/FIU-1", self.server.base_url());
        let body = addresses.to_string();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let entry: Value = runtime.block_on(async {
            let client = reqwest::Client::builder().no_proxy().build();
            let request = client.expect("a client").put(url);
            let request = request
                .header("content-type", "application/json")
                .body(body);
            let answer = request.send().await.expect("an answer");
            answer.json().await.expect("JSON")
        });
        ["baseUrl", "consentUrl", "dataUrl"].map(|name| entry[name].clone())
    }
}

#[cfg(unix)]
#[test]
fn an_inbox_gives_the_addresses_back_however_it_ends() {
    let fixture = ServerFixture::start();
    let addresses = json!({
        "baseUrl": "http://127.0.0.1:9/fiu",
        "consentUrl": "http://127.0.0.1:9/consents",
    });
    let before = fixture.set_addresses(&addresses);
    let keep = json!({});
    // Both addresses lead to the inbox meanwhile.
    let listener = fixture.start_inbox(&["--count", "1"]);
    assert_ne!(fixture.set_addresses(&keep), before);
    fixture.expect_stdout(&["consent", "approve", &fixture.handle]);
    let (code, stdout, stderr) = split_output(&listener.wait_with_output().expect("it ends"));
    assert_eq!(code, 0, "{stderr}");
    assert!(
        stdout.starts_with("/Consent/Notification  ACTIVE"),
        "{stdout}"
    );
    assert_eq!(fixture.set_addresses(&keep), before);
    for signal in ["-TERM", "-INT"] {
        let listener = fixture.start_inbox(&[]);
        let id = listener.id().to_string();
        let status = Command::new("kill").args([signal, &id]).status();
        assert!(status.expect("kill runs").success());
        let (code, _, stderr) = split_output(&listener.wait_with_output().expect("it ends"));
        assert_eq!(code, 0, "{signal}: {stderr}");
        assert_eq!(fixture.set_addresses(&keep), before, "{signal}");
    }
    // Who changed the address meanwhile keeps it.
    let listener = fixture.start_inbox(&[]);
    let changed = fixture.set_addresses(&json!({ "baseUrl": "http://127.0.0.1:9/other" }));
    let id = listener.id().to_string();
    let status = Command::new("kill").args(["-TERM", &id]).status();
    assert!(status.expect("kill runs").success());
    let (_, _, stderr) = split_output(&listener.wait_with_output().expect("it ends"));
    assert!(
        stderr.contains("FIU-1 has another address by now"),
        "{stderr}"
    );
    assert_eq!(fixture.set_addresses(&keep), changed);
}

#[test]
fn an_inbox_forwards_to_the_application_and_filters() {
    let fixture = ServerFixture::start();
    let application = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!(
        "http://{}/hooks/",
        application.local_addr().expect("an address")
    );
    let answers = std::thread::spawn(move || {
        let mut requests = Vec::new();
        for answer in [
            "HTTP/1.1 202 Accepted\r\ncontent-length: 5\r\nconnection: close\r\n\r\nlater",
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok",
        ] {
            let (mut stream, _) = application.accept().expect("a webhook");
            let mut reader = BufReader::new(stream.try_clone().expect("a handle"));
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).expect("a line");
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().expect("a number");
                }
                head += &line;
                if line == "\r\n" {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("the body");
            stream.write_all(answer.as_bytes()).expect("an answer");
            requests.push(head + &decode_lossy(&body));
        }
        requests
    });
    let listener =
        fixture.start_inbox(&["--forward-to", &url, "--status", "paused", "--count", "1"]);
    fixture.expect_stdout(&["consent", "approve", &fixture.handle]);
    // The answer is that of the application.
    fixture.expect_stdout(&["clock", "advance", "--by", "0s"]);
    let view = fixture.run_json(&["webhook", "show", "1"]);
    let attempt = &view["attempts"][0];
    assert_eq!(
        (&attempt["status"], &attempt["answer"]),
        (&json!(202), &json!("later"))
    );
    fixture.expect_stdout(&["consent", "pause", &fixture.handle]);
    let (code, stdout, stderr) = split_output(&listener.wait_with_output().expect("it ends"));
    assert_eq!(code, 0, "{stderr}");
    let lines: Vec<_> = stdout.lines().collect();
    assert!(
        lines[0].contains("PAUSED") && lines[0].ends_with("valid  → 200"),
        "{stdout}"
    );
    assert_eq!(lines[1..], ["  the application answers 200: ok"]);
    assert!(stderr.contains("1 not shown by the filters"), "{stderr}");
    let requests = answers.join().expect("two webhooks");
    for request in requests {
        assert!(
            request.starts_with("POST /hooks/Consent/Notification HTTP/1.1\r\n"),
            "{request}"
        );
        assert!(request.contains("\r\nx-jws-signature: "), "{request}");
        assert!(request.contains(&fixture.handle), "{request}");
    }
}

#[test]
fn a_raw_webhook_is_printed_as_it_came() {
    let fixture = ServerFixture::start();
    let listener = fixture.start_inbox(&["--raw", "--count", "1"]);
    fixture.expect_stdout(&["consent", "approve", &fixture.handle]);
    let output = listener.wait_with_output().expect("it ends");
    let stdout = decode_lossy(&output.stdout);
    let (head, body) = stdout.split_once("\r\n\r\n").expect("a head and a body");
    assert!(
        head.starts_with("POST /Consent/Notification HTTP/1.1\r\n"),
        "{head}"
    );
    assert!(head.contains("\r\nx-jws-signature: "), "{head}");
    let sent = Command::new(env!("CARGO_BIN_EXE_mockaa"))
        .args(["webhook", "show", "1", "--body"])
        .env("MOCKAA_URL", fixture.server.base_url())
        .output()
        .expect("the command runs");
    assert_eq!(body, decode_lossy(&sent.stdout) + "\n");
}

#[cfg(unix)]
#[test]
fn a_key_is_for_its_owner_and_a_pipe_keeps_its_mode() {
    use std::os::unix::fs::PermissionsExt;
    let folder = create_folder("commands-keys", &[]);
    assert_eq!(
        run_in(&folder, &["fi", "keys", "--private", "mine.json"]).0,
        0
    );
    let mode = |path: &Path| {
        fs::metadata(path)
            .expect("the file exists")
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(&folder.join("mine.json")), 0o600);
    // An existing path that is not a regular file, such as a device, keeps its mode. A named pipe
    // represents it here.
    let pipe = folder.join("pipe");
    assert!(
        Command::new("mkfifo")
            .args(["-m", "644"])
            .arg(&pipe)
            .status()
            .expect("the command runs")
            .success()
    );
    let reader = Command::new("cat")
        .arg(&pipe)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command runs");
    assert_eq!(run_in(&folder, &["fi", "keys", "--private", "pipe"]).0, 0);
    assert!(
        decode_lossy(&reader.wait_with_output().expect("the process ends").stdout)
            .contains("privateKey")
    );
    assert_eq!(mode(&pipe), 0o644);
}

/// An empty folder of a test about generated files.
fn create_data_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Runs mockaa in a folder and returns its output.
fn output_in(folder: &Path, arguments: &[&str]) -> Output {
    mockaa_command(arguments)
        .current_dir(folder)
        .output()
        .expect("the command runs")
}

/// Returns the layout of a narration, if it shows one.
fn detect_layout(narration: &str) -> Option<&'static str> {
    let starts_with = |starts: &[&str]| starts.iter().any(|start| narration.starts_with(start));
    if starts_with(&["TO TRANSFER-", "BY TRANSFER-"]) {
        Some("layout-c")
    } else if starts_with(&[
        "UPI/DR/",
        "UPI/CR/",
        "IMPS/P2A/CR/",
        "NACH/ACH-",
        "ATM/CASH WDL/",
    ]) {
        Some("layout-a")
    } else if starts_with(&["UPI-", "IMPS-", "ACH D- ", "ATW-"]) {
        Some("layout-b")
    } else if starts_with(&["UPI/P2", "NEFT/", "RTGS/", "ATM-CASH/"]) {
        Some("layout-e")
    } else if starts_with(&["UPI/", "MMT/IMPS/", "NEFT-", "RTGS-", "ACH/"]) {
        Some("layout-d")
    } else {
        None
    }
}

/// Returns the layouts of a statement of three months.
fn layouts_in(folder: &Path, arguments: &[&str]) -> BTreeSet<&'static str> {
    let generate = [
        "data",
        "generate",
        "--format",
        "csv",
        "--from",
        "2024-04-02",
    ];
    let output = output_in(folder, &[&generate, arguments].concat());
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().expect("a header");
    let column = header.iter().position(|name| *name == "narration");
    let column = column.expect("the column exists");
    lines
        .filter_map(|fields| detect_layout(fields[column]))
        .collect()
}

#[test]
fn the_first_accounts_of_the_personas_have_all_layouts() {
    let folder = create_data_folder("layouts-of-personas");
    let list = output_in(&folder, &["data", "personas", "--json"]);
    let list: Value = serde_json::from_slice(&list.stdout).expect("JSON");
    let mut counts = BTreeMap::new();
    for persona in list["items"].as_array().expect("a list") {
        let name = persona["name"].as_str().expect("a name");
        let layouts = layouts_in(&folder, &["--persona", name]);
        // The dormant account has nothing but interest.
        assert_eq!(
            layouts.len(),
            usize::from(name != "dormant-account"),
            "{name}: {layouts:?}"
        );
        for layout in layouts {
            *counts.entry(layout).or_insert(0) += 1;
        }
    }
    assert_eq!(counts.len(), 5, "{counts:?}");
    assert!(counts.values().all(|count| *count >= 2), "{counts:?}");
    assert_eq!(
        layouts_in(&folder, &["--persona", "salaried"]),
        ["layout-d"].into()
    );
}

#[test]
fn an_account_comes_before_its_fip_and_a_fip_before_its_id() {
    let folder = create_data_folder("layouts-of-files");
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("a file");
    let income = "{ in: 50000..60000, day: 1, by: neft, with: employers, purpose: SALARY }";
    let flow = "{ out: 20..180, every: day, by: upi, any_of: shops, purpose: PAYMENT }";
    let account = format!("{{ type: DEPOSIT, cash_flows: [{income}, {flow}]");
    write(
        "mine.yaml",
        &format!(
            "version: 1\nname: mine\ndescription: x\naccounts:\n  - {account} }}\n  - {account}, fip: 2 }}\n  - {account}, narration: layout-b }}\n"
        ),
    );
    write(
        "bank.toml",
        "[[fip]]\nid = \"FIP-1\"\nnarration = \"layout-c\"\n\n[[fip]]\nid = \"FIP-4\"\n",
    );
    let layouts_of = |account: &str, config: &[&str]| {
        let arguments = [
            "--personas",
            "mine.yaml",
            "--persona",
            "mine",
            "--account",
            account,
        ];
        layouts_in(&folder, &[&arguments, config].concat())
    };
    for (account, shipped, configured) in [
        ("1", "layout-d", "layout-c"),
        ("2", "layout-e", "layout-b"),
        ("3", "layout-b", "layout-b"),
    ] {
        assert_eq!(layouts_of(account, &[]), [shipped].into(), "{account}");
        let config = ["--config", "bank.toml"];
        assert_eq!(
            layouts_of(account, &config),
            [configured].into(),
            "{account}"
        );
    }
    let (code, shown, _) = split_output(&output_in(
        &folder,
        &["config", "show", "--config", "bank.toml"],
    ));
    assert_eq!(code, 0);
    assert!(shown.contains("layout-c"), "{shown}");
    write(
        "bank.toml",
        "[[fip]]\nid = \"FIP-1\"\nnarration = \"layout-f\"\n",
    );
    let output = output_in(&folder, &["data", "generate", "--config", "bank.toml"]);
    let (code, _, stderr) = split_output(&output);
    assert_eq!(code, 2);
    assert!(
        stderr.contains("bank.toml: fip.narration 'layout-f' is not one of layout-a, layout-b"),
        "{stderr}"
    );
}

/// A file is written completely or not at all; an error names the valid alternatives.
#[test]
fn data_is_generated_and_bad_arguments_are_rejected() {
    let folder = create_data_folder("data-files");
    let run = |arguments: &[&str]| output_in(&folder, arguments);
    for (format, prefix) in [
        ("xml", "<?xml"),
        ("json", "{"),
        ("csv", "txnId,type"),
        ("unaport", "{"),
        ("xlsx", "PK"),
        ("pdf", "%PDF"),
        ("svg", "<svg"),
    ] {
        let file = format!("year.{format}");
        let output = run(&["data", "generate", "--format", format, "--output", &file]);
        assert!(
            output.status.success() && output.stdout.is_empty(),
            "{format}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let bytes = std::fs::read(folder.join(&file)).expect("the file exists");
        assert!(bytes.starts_with(prefix.as_bytes()), "{format}");
        assert!(
            run(&["data", "generate", "--format", format]).stdout == bytes,
            "{format}: the same bytes on stdout"
        );
    }
    for file in ["year.xml", "year.json", "year.csv"] {
        let checked = run(&["data", "check", file]);
        assert!(
            checked.status.success(),
            "{}",
            String::from_utf8_lossy(&checked.stderr)
        );
        assert!(String::from_utf8_lossy(&checked.stdout).contains("transactions, valid"));
    }
    let before = std::fs::read_dir(&folder)
        .expect("the folder exists")
        .count();
    for (arguments, expected) in [
        (
            &["--from", "2024-08-01"][..],
            "--from 2024-08-01 is after --to 2024-07-01",
        ),
        (
            &["--to", "3024-01-01"],
            "--to 3024-01-01 is outside the years 1950 to 2099",
        ),
        (&["--fi-type", "DEPOSITS"], "did you mean DEPOSIT?"),
        (&["--fi-type", "OTHER"], "OTHER is not simulated"),
        (&["--persona", "studnt"], "did you mean student?"),
        (
            &["--persona", "student", "--fi-type", "NPS"],
            "student has no NPS; it has DEPOSIT",
        ),
        (
            &["--account", "9"],
            "salaried has 6 of DEPOSIT, counted from 1",
        ),
        (&["--schema", "3.0.0"], "give one of current, retired"),
        (
            &["--fi-type", "MUTUAL_FUNDS", "--quirk", "empty-micr"],
            "--quirk empty-micr meets no data: it changes nothing in a document of MUTUAL_FUNDS",
        ),
        (&["--quirk", "newest-fist"], "did you mean newest-first?"),
        (
            &["--fi-type", "NPS", "--format", "svg"],
            "--format svg exists for DEPOSIT only: NPS has no running balance",
        ),
        (
            &["--csv-amounts", "signed"],
            "--csv-amounts and --csv-safe change a CSV alone; add --format csv",
        ),
        (
            &["--format", "csv", "--csv-amounts", "sign"],
            "give one of schema, signed, split",
        ),
        (&["--personas", "nowhere"], "nowhere: cannot be read"),
    ] {
        let output = run(&[&["data", "generate", "--output", "new.out"], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(stderr.contains(expected), "{arguments:?}: {stderr}");
    }
    assert_eq!(
        std::fs::read_dir(&folder)
            .expect("the folder exists")
            .count(),
        before,
        "no partial file is left"
    );
    // A shipped persona can be saved and used as a custom one.
    let output = run(&["data", "personas", "--show", "pensioner"]);
    std::fs::write(
        folder.join("own.yaml"),
        String::from_utf8_lossy(&output.stdout).replace("name: pensioner", "name: own"),
    )
    .expect("a file");
    let output = run(&[
        "data",
        "generate",
        "--personas",
        "own.yaml",
        "--persona",
        "own",
        "--format",
        "csv",
    ]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("PENSION"));
    let unknown = run(&["data", "personas", "--show", "pensionar"]);
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("did you mean pensioner?"));
}

/// The current generation applies after 12 July 2025, to every format and FI type.
#[test]
fn the_generation_of_the_schemas_follows_from_the_later_day() {
    let folder = create_data_folder("generations");
    let generate = |arguments: &[&str]| {
        let output = output_in(&folder, &[&["data", "generate"], arguments].concat());
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let (current, retired) = ("version=\"2.0.0\"", "version=\"1.1\"");
    for (arguments, expected) in [
        (&["--as-of", "2025-07-12"][..], retired),
        (&["--as-of", "2025-07-13"], current),
        (&["--as-of", "2024-01-01", "--to", "2025-07-13"], current),
        (&["--as-of", "2025-07-13", "--to", "2024-01-01"], current),
        (&["--as-of", "2025-07-13", "--schema", "retired"], retired),
        (&["--as-of", "2025-07-13", "--schema", "1.1"], retired),
        (&["--as-of", "2024-01-01", "--schema", "2.0.0"], current),
    ] {
        let document = generate(arguments);
        assert!(document[..800].contains(expected), "{arguments:?}");
    }
    for (format, current, retired) in [
        ("json", "\"transactionalBalance\"", "\"currentValue\""),
        (
            "csv",
            "txnId,amount,narration,type,mode,transactionalBalance",
            "balance",
        ),
    ] {
        let arguments = ["--fi-type", "TERM_DEPOSIT", "--format", format, "--schema"];
        let newer = generate(&[&arguments[..], &["current"]].concat());
        let older = generate(&[&arguments[..], &["retired"]].concat());
        assert!(
            newer.contains(current) && !older.contains(current),
            "{format}"
        );
        assert!(older.contains(retired), "{format}");
    }
}

/// `data check` accepts what `data generate` writes: documents without holdings or transactions,
/// without optional attributes, and as gateways give them.
#[test]
fn generated_statements_of_every_form_pass_the_check() {
    let folder = create_data_folder("checked-forms");
    let early = "--from 2016-01-01 --to 2016-06-30 --fi-type";
    let optional = "--quirk missing-optional --schema";
    for arguments in [
        format!("{early} CIS"),
        format!("{early} CP"),
        format!("{early} MUTUAL_FUNDS --schema current"),
        format!("{early} SIP --schema retired"),
        "--from 2024-06-25 --to 2024-06-25 --fi-type NPS".to_owned(),
        format!("{optional} current"),
        format!("{optional} retired"),
        format!("{optional} current --fi-type MUTUAL_FUNDS"),
        "--fi-type GSTR1_3B".to_owned(),
        "--format finvu --schema current".to_owned(),
        "--format setu --schema current".to_owned(),
        "--format setu --schema retired".to_owned(),
    ] {
        let command = format!("data generate --output statement {arguments}");
        let output = output_in(&folder, &command.split(' ').collect::<Vec<_>>());
        assert!(output.status.success(), "{command}");
        let output = output_in(&folder, &["data", "check", "statement"]);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments}: {stderr}");
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let counts_transactions = stdout.contains(" transactions");
        assert_eq!(counts_transactions, !arguments.contains("GST"), "{stdout}");
    }
}

/// An unknown version is the one error of a document, and the message names the known ones.
#[test]
fn a_document_of_an_unknown_version_is_refused_with_the_known_ones() {
    let folder = create_data_folder("versions");
    for (fi_type, version, unknown, expected) in [
        (
            "DEPOSIT",
            "2.0.0",
            "2.0.1",
            "2.0.0 (current), 1.1 (retired)",
        ),
        ("NPS", "1.1", "1.0.0", "1.1 (retired)"),
        ("GSTR1_3B", "1.1.0", "1.0", "1.1.0 (current)"),
    ] {
        let command = format!("data generate --schema current --fi-type {fi_type}");
        let output = output_in(&folder, &command.split(' ').collect::<Vec<_>>());
        let document = String::from_utf8(output.stdout).expect("UTF-8");
        let changed = document.replacen(
            &format!(" version=\"{version}\""),
            &format!(" version=\"{unknown}\""),
            1,
        );
        std::fs::write(folder.join("other.xml"), changed).expect("a file");
        let output = output_in(&folder, &["data", "check", "other.xml"]);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(
            stderr.trim(),
            format!(
                "mockaa: other.xml:1:39: Account.version '{unknown}' is not a version of {fi_type}; known: {expected}"
            )
        );
    }
}

/// A statement without transactions has an empty CSV, and the command says so.
#[test]
fn an_empty_csv_is_noted() {
    let folder = create_data_folder("empty-csv");
    let command = "data generate --fi-type SIP --schema current --format csv --output sip.csv";
    let output = output_in(&folder, &command.split(' ').collect::<Vec<_>>());
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && stderr.contains("this statement of SIP has none"),
        "{stderr}"
    );
    let output = output_in(&folder, &["data", "check", "sip.csv"]);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("sip.csv: the file is empty"), "{stderr}");
}

/// Quirks are separated by commas, with or without spaces; those that exclude each other, and a
/// missing name, are refused.
#[test]
fn a_list_of_quirks_is_read_with_care() {
    let folder = create_data_folder("quirk-list");
    let generate = |quirks: &str| {
        let output = output_in(&folder, &["data", "generate", "--quirk", quirks]);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), stderr)
    };
    assert_eq!(generate("newest-first, java-numbers").0, Some(0));
    for (quirks, expected) in [
        ("newest-first,", "a name is missing beside a comma"),
        (
            "midnight-ist,midnight-utc",
            "--quirk midnight-ist changes nothing beside midnight-utc",
        ),
    ] {
        let (code, stderr) = generate(quirks);
        assert!(code == Some(2) && stderr.contains(expected), "{stderr}");
    }
}

/// A chart shows the balance, which a quirk does not change.
#[test]
fn a_chart_is_drawn_with_a_quirk_too() {
    let folder = create_data_folder("chart");
    let draw = |arguments: &[&str]| {
        let command = ["data", "generate", "--format", "svg"];
        let output = output_in(&folder, &[&command[..], arguments].concat());
        assert!(output.status.success(), "{arguments:?}");
        output.stdout
    };
    let plain = draw(&[]);
    assert_eq!(draw(&["--quirk", "newest-first,java-numbers"]), plain);
}

/// Every format of `data generate` has the quirks that it is asked for, beside those of the FIP.
#[test]
fn quirks_are_in_every_format() {
    let folder = create_data_folder("quirks");
    std::fs::write(
        folder.join("mockaa.toml"),
        "[[fiu]]\nid = \"FIU-1\"\n[[fip]]\nid = \"FIP-1\"\nquirks = [\"zero-txn-id\"]\n",
    )
    .expect("a file");
    let json = [
        "\"txnId\": \"0\"",
        "\"mode\": \"OTHERS\"",
        "\"amount\": \"94795.0\"",
    ];
    for (format, texts) in [
        (
            "xml",
            ["txnId=\"0\"", "mode=\"OTHERS\"", "amount=\"94795.0\""],
        ),
        ("json", json),
        ("finvu", json),
        ("setu", json),
        ("unaport", json),
        ("csv", ["\n0,", ",OTHERS,", ",94795.0,"]),
    ] {
        let arguments = "data generate --as-of 2026-01-01 --from 2025-12-31 --quirk mode-others,java-numbers --format";
        let mut arguments: Vec<&str> = arguments.split(' ').collect();
        arguments.push(format);
        let output = output_in(&folder, &arguments);
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        for text in texts {
            assert!(stdout.contains(text), "{format}, {text}: {stdout}");
        }
    }
}

#[test]
fn modified_statements_are_rejected_with_their_places() {
    let folder = create_data_folder("modified-files");
    let run = |arguments: &[&str]| output_in(&folder, arguments);
    for file in ["year.csv", "year.xml"] {
        let format = &file[5..];
        let output = run(&["data", "generate", "--format", format, "--output", file]);
        assert!(output.status.success(), "{file}");
    }
    let csv = std::fs::read_to_string(folder.join("year.csv")).expect("text");
    let mut lines: Vec<&str> = csv.lines().collect();
    lines.remove(7);
    std::fs::write(folder.join("cut.csv"), lines.join("\n")).expect("a file");
    let xml = std::fs::read_to_string(folder.join("year.xml")).expect("text");
    std::fs::write(
        folder.join("cut.xml"),
        xml.replacen("mode=\"CARD\"", "mode=\"CARDS\" modus=\"x\"", 1),
    )
    .expect("a file");
    let bad_row = xml.replacen("mode=\"UPI\"", "mode=\"FAX\"", 1).replacen(
        "<Summary currentBalance=\"",
        "<Summary currentBalance=\"1",
        1,
    );
    std::fs::write(folder.join("both.xml"), bad_row).expect("a file");
    for (file, arguments) in [
        (
            "fund.json",
            &["--fi-type", "MUTUAL_FUNDS", "--format", "json"][..],
        ),
        (
            "fund.csv",
            &["--fi-type", "MUTUAL_FUNDS", "--format", "csv"],
        ),
        (
            "tabs.json",
            &["--fi-type", "EQUITIES", "--format", "unaport"],
        ),
        ("newer.xml", &["--schema", "2.0.0"]),
        (
            "shares.xml",
            &["--fi-type", "EQUITIES", "--schema", "current"],
        ),
    ] {
        let output = run(&[&["data", "generate", "--output", file], arguments].concat());
        assert!(output.status.success(), "{file}");
    }
    for (file, schema) in [
        ("year.xml", "XML of DEPOSIT 1.1 with"),
        ("newer.xml", "XML of DEPOSIT 2.0.0 with"),
        ("shares.xml", "XML of EQUITIES 1.0.0 with"),
    ] {
        let output = run(&["data", "check", file]);
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success() && stdout.contains(schema),
            "{stdout}"
        );
    }
    let shares = std::fs::read_to_string(folder.join("shares.xml")).expect("text");
    let retired_name = shares.replacen("maskedDematId", "maskedAccNumber", 1);
    std::fs::write(folder.join("shares.xml"), retired_name).expect("a file");
    let newer = std::fs::read_to_string(folder.join("newer.xml")).expect("text");
    let retired_word = newer.replacen("NO_FACILITY_GRANTED", "OD", 1);
    std::fs::write(folder.join("newer.xml"), retired_word).expect("a file");
    for (file, expected) in [
        ("cut.csv", &["cut.csv:8: "][..]),
        ("shares.xml", &["Account has no attribute maskedAccNumber"]),
        (
            "newer.xml",
            &["Summary.facility 'OD' is not one of OVERDRAFT, CASH_CREDIT, NO_FACILITY_GRANTED"],
        ),
        // An invalid row does not hide errors in the sums.
        (
            "both.xml",
            &[
                "Transaction.mode 'FAX'",
                "both.xml:1: Summary.currentBalance is 1",
            ],
        ),
        (
            "fund.json",
            &[
                "fund.json:2:14: the statement is of type mutualfunds; CSV and JSON are checked for DEPOSIT only",
            ],
        ),
        (
            "fund.csv",
            &["fund.csv:1: the statement is not of type DEPOSIT"],
        ),
        (
            "tabs.json",
            &["tabs.json:1:1: the file is neither a list of transactions nor an account"],
        ),
        (
            "cut.xml",
            &[
                "Transaction.mode 'CARDS' is not one of CASH",
                "Transaction has no attribute modus; did you mean mode?",
            ],
        ),
        ("nothing.csv", &["cannot read nothing.csv"]),
    ] {
        let output = run(&["data", "check", file]);
        assert_eq!(output.status.code(), Some(2), "{file}");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            expected.iter().all(|fragment| stderr.contains(fragment)),
            "{file}: {stderr}"
        );
    }
}

/// A scenario that names an unknown persona is rejected by every command that reads it.
#[test]
fn an_unknown_persona_is_reported_with_its_place() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("unknown-persona");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(
        folder.join("mine.yaml"),
        "version: 1\nname: mine\npersona: studnt\nsteps: [approve: {}]\n",
    )
    .expect("a file");
    let lint = mockaa_command(&["scenario", "lint"])
        .arg(&folder)
        .output()
        .expect("the command runs");
    let stdout = String::from_utf8_lossy(&lint.stdout).into_owned();
    assert_eq!(lint.status.code(), Some(2));
    assert!(
        stdout.contains("mine.yaml:3:10: error: unknown persona studnt; did you mean student?"),
        "{stdout}"
    );
    let run = mockaa_command(&["run"])
        .arg(&folder)
        .output()
        .expect("the command runs");
    assert_eq!(run.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&run.stderr).contains("unknown persona studnt"));
}

/// Posts the seed consent this many times.
fn raise_consents(server: &Server, count: usize) {
    let url = format!("{}/consent", server.base_url());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build();
        let client = client.expect("a client");
        for _ in 0..count {
            let body = include_str!("../fixtures/seed/consent-request.json");
            let request = client.post(&url).header("content-type", "application/json");
            let response = request.body(body).send().await.expect("a response");
            assert_eq!(response.status(), 200);
        }
    });
}

/// A page of the control API has at most 1,000 entries.
#[test]
fn lists_print_the_newest_entries_of_all_pages() {
    let fixture = ServerFixture::start();
    raise_consents(&fixture.server, 1_010);
    let count_lines = |arguments: &[&str]| {
        let stdout = fixture.expect_stdout(arguments);
        let last = stdout.lines().last().unwrap_or_default().to_owned();
        (stdout.lines().count(), last)
    };
    // A heading, the entries, and what came before.
    let (lines, last) = count_lines(&["consent", "list"]);
    assert_eq!(lines, 52);
    assert_eq!(last, "(961 earlier entries; --last N or --all prints more)");
    assert_eq!(count_lines(&["consent", "list", "--all"]).0, 1_012);
    assert_eq!(count_lines(&["consent", "list", "--last", "3"]).0, 5);
    let (lines, last) = count_lines(&["journal", "--kind", "consent.raised", "--last", "2"]);
    assert_eq!(
        (lines, last.as_str()),
        (3, "(1009 earlier entries; --last N or --all prints more)")
    );
    let newest = fixture.run_json(&["consent", "list", "--last", "1"]);
    assert_eq!(
        (&newest["earlier"], newest["items"].as_array().map(Vec::len)),
        (&json!(1_010), Some(1))
    );
    let handle = newest["items"][0]["consentHandle"]
        .as_str()
        .expect("a handle");
    let entry = fixture.expect_stdout(&["journal", "--consent", handle, "--last", "1"]);
    assert!(
        entry.contains(&format!("[1999999999@onemoney {handle}]")),
        "{entry}"
    );

    // Filters count too.
    fixture.expect_stdout(&["consent", "approve", handle]);
    let active = fixture.run_json(&["consent", "list", "--state", "active"]);
    assert_eq!(active["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        count_lines(&["consent", "list", "--customer", "nobody@mockaa"]),
        (2, "(none)".to_owned())
    );
    fixture.expect_stdout(&["clock", "advance", "--by", "1h"]);
    fixture.expect_stdout(&["consent", "pause", handle]);
    let recent = fixture.run_json(&["journal", "--since", "5m", "--kind", "consent.paused"]);
    assert_eq!(recent["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(recent["items"][0]["customer"], "1999999999@onemoney");
    let older = fixture.run_json(&["journal", "--since", "5m", "--kind", "consent.active"]);
    assert_eq!(older["items"], json!([]));
    let webhooks = fixture.expect_stdout(&["webhook", "list", "--consent", handle]);
    let heading = webhooks.lines().next().unwrap_or_default();
    for column in ["STATUS", "CREATED", "TRIES", "ANSWER", "FAULTS"] {
        assert!(heading.contains(column), "{heading}");
    }
    assert!(webhooks.contains("PAUSED"), "{webhooks}");

    for (arguments, problem) in [
        (
            &["consent", "list", "--since", "soon"][..],
            "--since soon is neither",
        ),
        (&["consent", "list", "--last", "3", "--all"], "--all"),
        (&["journal", "--wait", "1s", "--follow"], "--follow"),
    ] {
        let (code, _, stderr) = fixture.run_command(arguments);
        assert_eq!(code, 2, "{arguments:?}");
        assert!(stderr.contains(problem), "{stderr}");
    }
}

#[test]
fn a_followed_list_prints_what_comes() {
    let fixture = ServerFixture::start();
    let mut follower = mockaa_command(&["consent", "list", "--last", "0", "--follow", "--json"])
        .env("MOCKAA_URL", fixture.server.base_url())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let mut lines = BufReader::new(follower.stdout.take().expect("piped")).lines();
    // The first line comes when the list is followed; consents before it are not printed.
    let is_printed = std::thread::spawn(move || lines.next());
    while !is_printed.is_finished() {
        raise_consents(&fixture.server, 1);
    }
    let line = is_printed
        .join()
        .expect("no panic")
        .expect("a line")
        .expect("text");
    let consent: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(consent["customer"], "1999999999@onemoney");
    follower.kill().expect("it runs");
    follower.wait().expect("it ends");
}

#[test]
fn a_number_that_does_not_fit_is_refused_with_the_range() {
    for (arguments, message) in [
        (
            &["serve", "--port", "http"][..],
            "'--port <PORT>': give a whole number from 0 to 65535",
        ),
        (&["serve", "--port", "-1"], "from 0 to 65535"),
        (&["serve", "--port", "65536"], "from 0 to 65535"),
        (
            &["serve", "--workers", "0"],
            "'--workers <COUNT>': give a whole number from 1 to 1024",
        ),
        (
            &["demo", "--seed", "1.5"],
            "'--seed <SEED>': give a whole number from 0 to 18446744073709551615",
        ),
        (&["webhook", "show", "last"], "'<ID>': give a whole number"),
        (
            &["journal", "--last", "-5"],
            "'--last <N>': give a whole number",
        ),
        (
            &["listen", "--answer", "99"],
            "give a whole number from 100 to 599",
        ),
        (
            &[
                "clock",
                "advance",
                "--until-call",
                "fi.request",
                "--count",
                "many",
            ],
            "'--count <COUNT>': give a whole number from 0 to 4294967295",
        ),
    ] {
        let output = mockaa_command(arguments).output().expect("it runs");
        let (code, _, stderr) = split_output(&output);
        assert_eq!(code, 2, "{arguments:?}: {stderr}");
        assert!(stderr.contains(message), "{arguments:?}: {stderr}");
    }
}

#[test]
fn tables_are_colored_where_a_variable_forces_it() {
    let fixture = ServerFixture::start();
    let run = |variables: &[(&str, &str)]| {
        let mut command = mockaa_command(&["consent", "list"]);
        command.env("MOCKAA_URL", fixture.server.base_url());
        let output = command.envs(variables.iter().copied()).output();
        decode_lossy(&output.expect("the command runs").stdout)
    };
    let plain = run(&[]);
    assert!(!plain.contains('\u{1b}'), "{plain:?}");
    let colored = run(&[("CLICOLOR_FORCE", "1")]);
    assert!(
        colored.contains("\u{1b}[33mPENDING\u{1b}[0m"),
        "{colored:?}"
    );
    let style = regex::Regex::new("\u{1b}\\[[0-9]*m").expect("a pattern");
    assert_eq!(style.replace_all(&colored, ""), plain);
    assert_eq!(run(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]), plain);
}

#[test]
fn a_missing_or_wrong_token_is_explained_by_its_option() {
    let server = Server::start(&["--control-token", "open-sesame"]);
    let address = server.base_url().trim_start_matches("http://");
    let list = ["world", "list", "--server", address];
    for (options, problem) in [
        (&[][..], "requires a token"),
        (&["--token", "wrong"], "has another token"),
    ] {
        let output = mockaa_command(&[&list, options].concat()).output();
        let (code, _, stderr) = split_output(&output.expect("the command runs"));
        let remedy = format!("{problem}; give its token with --token or MOCKAA_TOKEN\n");
        assert_eq!(code, 4, "{stderr}");
        assert!(stderr.ends_with(&remedy), "{stderr}");
    }
    for command in [&list[..], &["scenario", "list", "--server", address]] {
        let output = mockaa_command(command)
            .env("MOCKAA_TOKEN", "open-sesame")
            .output();
        let (code, _, stderr) = split_output(&output.expect("the command runs"));
        assert_eq!(code, 0, "{command:?}: {stderr}");
    }
}

/// A command that cannot reach its sandbox, or that its sandbox refuses, prints one line. It names
/// commands and options, no call of the control API.
#[test]
fn an_error_of_a_sandbox_is_one_line_about_commands() {
    let fixture = ServerFixture::start();
    let unknown = "01234567-89ab-4def-8123-456789abcdef";
    for (arguments, message) in [
        (
            &["consent", "show", unknown][..],
            "no consent has the handle 01234567-89ab-4def-8123-456789abcdef; list them with `mockaa consent list`",
        ),
        (
            &["session", "show", unknown],
            "list them with `mockaa session list`",
        ),
        (
            &["webhook", "show", "99"],
            "no webhook has the id '99'; list them with `mockaa webhook list`",
        ),
        (
            &["fiu", "show", "FIU-99"],
            "create it with `mockaa fiu put`",
        ),
        (
            &["fip", "show", "FIP-99"],
            "create it with `mockaa fip put`",
        ),
        (
            &["world", "delete", "nowhere"],
            "list the worlds with `mockaa world list`",
        ),
        (
            &["customer", "persona", "9876543210@mockaa", "salried"],
            "did you mean salaried?",
        ),
        (&["scenario", "delete", "nosuch"], "nosuch"),
        (&["fault", "show", "nosuch"], "nosuch"),
        (
            &["world", "show", "--world", ".."],
            "'..' is not a valid world name; use 1 to 64 letters",
        ),
        (
            &["consent", "raise", "--world", "a/b"],
            "'a/b' is not a valid",
        ),
        (
            &["consent", "raise", "--scenario", "aprove"],
            "unknown scenario 'aprove'; did you mean approve?",
        ),
    ] {
        let (code, stdout, stderr) = fixture.run_command(arguments);
        assert_eq!((code, &*stdout), (4, ""), "{arguments:?}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(stderr.contains(message), "{arguments:?}: {stderr}");
        assert!(!stderr.contains("/_mockaa/"), "{stderr}");
    }
    let unused = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = unused.local_addr().expect("an address").to_string();
    drop(unused);
    let (code, stdout, stderr) = fixture.run_command(&["consent", "list", "--server", &address]);
    assert_eq!((code, &*stdout), (3, ""), "{stderr}");
    let begin = format!("mockaa: http://{address} does not answer: ");
    assert!(stderr.starts_with(&begin), "{stderr}");
    assert_eq!(stderr.matches(&address).count(), 1, "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

/// `consent raise` makes the calls of a real FIU, so strict mode accepts them.
#[test]
fn a_consent_is_raised_on_every_api_in_strict_mode() {
    let server = Server::start(&["--security", "strict", "--seed", "42"]);
    let run = |arguments: &[&str]| {
        let mut command = mockaa_command(arguments);
        command.env("MOCKAA_URL", server.base_url());
        split_output(&command.output().expect("the command runs"))
    };
    for (api, seen, fiu) in [
        ("rebit", "rebit-2", "FIU-1"),
        ("seed", "seed", "FIU-1"),
        ("unaport", "unaport", "UNACORES-FIU-UAT"),
    ] {
        let (code, stdout, stderr) = run(&["consent", "raise", "--api", api, "--json"]);
        assert_eq!((code, &*stderr), (0, ""), "{api}");
        let consent: Value = serde_json::from_str(&stdout).expect("JSON");
        assert_eq!(
            (&consent["api"], &consent["fiuId"]),
            (&json!(seen), &json!(fiu))
        );
        assert_eq!(consent["state"], "PENDING");
        assert_eq!(consent["customer"], "9876543210@mockaa");
    }
    let chosen = [
        "consent",
        "raise",
        "--customer",
        "+91 98765 00007",
        "--persona",
        "over-indebted",
        "--scenario",
        "approve",
        "--fi-type",
        "deposit,term_deposit",
    ];
    let (code, stdout, stderr) = run(&chosen);
    assert_eq!((code, &*stderr), (0, ""));
    for line in [
        "state     ACTIVE",
        "customer  9876500007@mockaa",
        "scenario  approve",
        "page      http",
    ] {
        assert!(stdout.contains(line), "{stdout}");
    }
    let (code, _, stderr) = run(&["consent", "raise", "--customer", "@"]);
    assert_eq!(code, 4);
    assert!(stderr.contains("Customer.id '@'"), "{stderr}");
    let (code, _, stderr) = run(&["consent", "raise", "--fi-type", "DEPOSITS"]);
    assert_eq!(code, 2);
    assert!(
        stderr.contains("--fi-type") && stderr.contains("TERM_DEPOSIT"),
        "{stderr}"
    );
    // Consents that are raised one after the other are no repetition to the contract report.
    let (_, report, _) = run(&["report"]);
    assert!(report.contains("no rule failed"), "{report}");
}

#[test]
fn lists_without_a_sandbox_are_printed_as_json_too() {
    let folder = create_folder("commands-json", &[]);
    for (arguments, field) in [
        (&["magic"][..], "number"),
        (&["data", "personas"], "fiTypes"),
        (&["scenario", "list"], "source"),
    ] {
        let (code, stdout, _) = run_in(&folder, &[arguments, &["--json"]].concat());
        let list: Value = serde_json::from_str(&stdout).expect("JSON");
        assert_eq!(code, 0, "{arguments:?}");
        assert!(list["items"][0][field].is_string() || list["items"][0][field].is_array());
    }
    let (_, statement, _) = run_in(&folder, &["data", "generate"]);
    fs::write(folder.join("statement.xml"), statement).expect("a file");
    let (code, stdout, _) = run_in(&folder, &["data", "check", "statement.xml", "--json"]);
    let check: Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!((code, &check["file"]), (0, &json!("statement.xml")));
}

#[test]
fn completions_and_manual_pages_name_the_commands() {
    let folder = create_folder("commands-man", &[]);
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (code, script, stderr) = run_in(&folder, &["completions", shell]);
        assert_eq!((code, &*stderr), (0, ""), "{shell}");
        assert!(script.contains("consent"), "{shell}: {script}");
    }
    let (code, page, _) = run_in(&folder, &["man"]);
    assert_eq!(code, 0);
    assert!(page.contains(".TH mockaa 1") && page.contains("mockaa\\-consent"));
    let (code, stdout, _) = run_in(&folder, &["man", "--dir", "share/man1"]);
    assert_eq!((code, &*stdout), (0, ""));
    let page = fs::read_to_string(folder.join("share/man1/mockaa-consent-raise.1"));
    assert!(page.expect("the page exists").contains("webhook\\-lost"));
    fs::write(folder.join("file"), "").expect("a file");
    let (code, _, stderr) = run_in(&folder, &["man", "--dir", "file/man1"]);
    assert_eq!(code, 3);
    assert!(
        stderr.contains("cannot write to the folder file/man1"),
        "{stderr}"
    );
    let (code, _, _) = run_in(&folder, &["completions", "cmd"]);
    assert_eq!(code, 2);
}

#[cfg(target_os = "linux")]
#[test]
fn an_unwritable_stdout_is_one_line_and_no_panic() {
    let fixture = ServerFixture::start();
    for arguments in [
        &["--help"][..],
        &["help", "consent"],
        &["--version"],
        &["completions", "bash"],
        &["man"],
        &["magic"],
        &["magic", "--json"],
        &["demo"],
        &["config", "show"],
        &["data", "personas"],
        &["data", "generate"],
        &["scenario", "list"],
        &["scenario", "show", "approve"],
        &["scenario", "schema"],
        &["consent", "list"],
        &["consent", "show", &fixture.handle, "--json"],
        &["journal"],
        &["report"],
        &["jws", "keys"],
    ] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full");
        let output = mockaa_command(arguments)
            .env("MOCKAA_URL", fixture.server.base_url())
            .stdin(Stdio::null())
            .stdout(full.expect("the device exists"))
            .output()
            .expect("the command runs");
        let (code, _, stderr) = split_output(&output);
        assert_eq!(code, 3, "{arguments:?}: {stderr}");
        assert!(
            stderr.starts_with("mockaa: cannot write to stdout: ") && stderr.lines().count() == 1,
            "{arguments:?}: {stderr}"
        );
    }
    let full = fs::OpenOptions::new().write(true).open("/dev/full");
    let refused = mockaa_command(&["consent", "show", "x"])
        .env("MOCKAA_URL", fixture.server.base_url())
        .stderr(full.expect("the device exists"))
        .status();
    assert_eq!(refused.expect("the command runs").code(), Some(4));
}

/// A long document is checked while it is read, with the same errors and lines as a short one.
#[test]
fn a_long_document_is_checked_like_a_short_one() {
    let folder = create_data_folder("long-document");
    let run = |arguments: &[&str]| output_in(&folder, arguments);
    let generate = "data generate --schema current --persona kirana-merchant --from 2018-01-01 --output year.xml";
    let output = run(&generate.split(' ').collect::<Vec<_>>());
    assert!(output.status.success());
    let xml = fs::read_to_string(folder.join("year.xml")).expect("text");
    // Each row on a line of its own.
    let long = xml.replace("<Transaction ", "\n<Transaction ");
    assert!(long.len() > 17 << 20, "{}", long.len());
    fs::write(folder.join("long.xml"), &long).expect("a file");
    let output = run(&["data", "check", "long.xml"]);
    let (code, stdout, stderr) = split_output(&output);
    assert_eq!((code, &*stderr), (0, ""));
    let rows = long.matches("<Transaction ").count();
    assert_eq!(
        stdout,
        format!("long.xml: XML of DEPOSIT 2.0.0 with {rows} transactions, valid\n")
    );
    // A row in the middle, the summary, the last row, and the end.
    let mut lines: Vec<String> = long.lines().map(str::to_owned).collect();
    let middle = lines.len() / 2;
    lines[middle] = lines[middle].replacen("mode=\"", "mode=\"FAX ", 1);
    let last = lines.len() - 1;
    lines[last] = lines[last].replacen("<Transaction ", "<Transaction modus=\"x\" ", 1);
    let lines = lines.join("\n").replacen(
        "<Summary currentBalance=\"",
        "<Summary currentBalance=\"1",
        1,
    );
    fs::write(folder.join("long.xml"), &lines).expect("a file");
    let (code, _, stderr) = split_output(&run(&["data", "check", "long.xml"]));
    assert_eq!(code, 2);
    for expected in [
        "long.xml:1: Summary.currentBalance is 1".to_owned(),
        format!("long.xml:{}: Transaction.mode 'FAX", middle + 1),
        format!(
            "long.xml:{}: Transaction has no attribute modus; did you mean mode?",
            last + 1
        ),
    ] {
        assert!(stderr.contains(&expected), "{expected}: {stderr}");
    }
    fs::write(folder.join("long.xml"), &long[..long.len() - 40]).expect("a file");
    let (code, _, stderr) = split_output(&run(&["data", "check", "long.xml"]));
    assert!(code == 2 && stderr.contains("long.xml:"), "{stderr}");
    let attributes: String = (0..100_000)
        .map(|number| format!(" a{number}=\"x\""))
        .collect();
    for (name, text) in [
        (
            "wide.xml",
            long.replacen("<Summary ", &format!("<Summary{attributes} "), 1),
        ),
        (
            "wide-row.xml",
            long.replacen("<Transaction ", &format!("<Transaction{attributes} "), 1),
        ),
    ] {
        fs::write(folder.join(name), text).expect("a file");
        let (code, _, stderr) = split_output(&run(&["data", "check", name]));
        assert!(
            code == 2 && stderr.contains("an element has more than 256 attributes"),
            "{name}: {stderr}"
        );
    }
}
