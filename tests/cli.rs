//! The binary, run as a user runs it.

mod binary;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::binary::{Server, decode_lossy, mockaa_command};

fn run(arguments: &[&str]) -> Output {
    mockaa_command(arguments)
        .output()
        .expect("the command runs")
}

impl Server {
    fn address(&self) -> String {
        self.base_url().trim_start_matches("http://").to_owned()
    }

    /// Sends one request over a plain socket and returns the whole response.
    fn send_request(&self, request: &str) -> String {
        let mut socket =
            TcpStream::connect(self.address()).expect("the server accepts connections");
        socket
            .write_all(request.as_bytes())
            .expect("the request is sent");
        let mut response = String::new();
        socket.read_to_string(&mut response).expect("a response");
        response
    }

    fn send_signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status();
        assert!(status.expect("kill runs").success());
    }
}

#[test]
fn serve_prints_its_address_on_stdout_and_exits_with_0_on_sigterm() {
    for signal in ["TERM", "INT"] {
        let mut server = Server::start(&["--seed", "42"]);
        assert_eq!(
            (
                server.ready["event"].as_str(),
                server.ready["world"].as_str()
            ),
            (Some("ready"), Some("default"))
        );
        assert_eq!(
            (server.ready["kid"].as_str(), server.ready["seed"].as_str()),
            (Some("mockaa-dev-1"), Some("42"))
        );
        let url = server.ready["base_url"].as_str().expect("a URL").to_owned();
        let ready = run(&["ready", "--server", &url, "--wait", "10s"]);
        assert!(ready.status.success(), "{}", decode_lossy(&ready.stderr));
        server.send_signal(signal);
        assert_eq!(
            server.child.wait().expect("the process ends").code(),
            Some(0),
            "{signal}"
        );
        let mut rest = String::new();
        server
            .child
            .stdout
            .take()
            .expect("a pipe")
            .read_to_string(&mut rest)
            .expect("text");
        assert_eq!(rest, "", "stdout has only the ready line");
        assert_eq!(run(&["ready", "--server", &url]).status.code(), Some(3));
    }
}

/// Serves two calls, stops the server and returns its log.
fn log_of_two_calls(arguments: &[&str]) -> String {
    let mut server = Server::start_with_log(arguments);
    for path in ["/w/demo/livez", "/nowhere"] {
        server.send_request(&format!(
            "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        ));
    }
    server.send_signal("TERM");
    assert_eq!(
        server.child.wait().expect("the process ends").code(),
        Some(0)
    );
    let mut log = String::new();
    let mut stderr = server.child.stderr.take().expect("a pipe");
    stderr.read_to_string(&mut log).expect("text");
    log
}

#[test]
fn each_call_is_one_log_line_with_its_identifiers() {
    let log = log_of_two_calls(&["--log-format", "json"]);
    let lines: Vec<Value> = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let calls: Vec<_> = lines
        .iter()
        .filter(|line| line["span"]["name"] == "call")
        .map(|line| {
            assert!(line["duration_us"].is_u64(), "{line}");
            let span = &line["span"];
            json!([
                line["level"],
                span["method"],
                span["path"],
                span["world"],
                line["status"]
            ])
        })
        .collect();
    assert_eq!(
        calls,
        [
            json!(["INFO", "GET", "/w/demo/livez", "demo", 200]),
            json!(["INFO", "GET", "/nowhere", "default", 404]),
        ]
    );

    let log = log_of_two_calls(&[]);
    let line = log
        .lines()
        .find(|line| line.contains("/nowhere"))
        .expect("the call is logged");
    assert!(
        line.contains("call{method=GET path=\"/nowhere\" world=\"default\"}: responded status=404"),
        "{line}"
    );
    assert!(!log_of_two_calls(&["--log", "warn"]).contains("/nowhere"));
}

/// If SIGTERM arrives while a receiver has not yet answered a webhook, the delivery may finish.
#[test]
fn a_delivery_in_flight_finishes_before_the_end() {
    let fiu = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", fiu.local_addr().expect("an address"));
    let mut server =
        Server::start_with_log(&["--fiu-url", &url, "--clock", "2020-07-04T06:00:00Z"]);
    let body = include_str!("../fixtures/seed/consent-request.json")
        .replace("{{current_timestamp}}", "2020-07-04T06:00:00.000Z")
        .replace("1999999999@onemoney", "9999999002@onemoney");
    let request = format!(
        "POST /consent HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: \
         {}\r\n\r\n{body}",
        body.len()
    );
    assert!(server.send_request(&request).starts_with("HTTP/1.1 200"));
    let (mut socket, _) = fiu.accept().expect("a webhook arrives");
    let mut head = [0; 16];
    socket.read_exact(&mut head).expect("the head of a request");
    server.send_signal("TERM");
    let mut log = BufReader::new(server.child.stderr.take().expect("a pipe"));
    let mut line = String::new();
    while !line.contains("stopping") {
        line.clear();
        assert_ne!(
            log.read_line(&mut line).expect("text"),
            0,
            "the log reports that the server stops"
        );
    }
    socket
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        .expect("the response is sent");
    assert_eq!(
        server.child.wait().expect("the process ends").code(),
        Some(0)
    );
    let mut log_tail = String::new();
    log.read_to_string(&mut log_tail).expect("text");
    assert!(
        log_tail.contains("status=200"),
        "the delivery was recorded before the end: {log_tail}"
    );
    // The connection was closed in order, not aborted: everything that was announced has arrived.
    let mut rest = Vec::new();
    socket.read_to_end(&mut rest).expect("a whole request");
    let request = decode_lossy(&[&head[..], &rest].concat());
    let (head, sent) = request.split_once("\r\n\r\n").expect("a head");
    let length = head.lines().find_map(|line| {
        line.to_lowercase()
            .strip_prefix("content-length: ")?
            .parse()
            .ok()
    });
    assert_eq!(length, Some(sent.len()));
}

#[test]
fn the_demo_plays_one_whole_journey() {
    let clock = ["demo", "--clock", "2026-01-31T06:00:00Z"];
    let demo = run(&clock);
    assert!(
        demo.status.success(),
        "{}{}",
        decode_lossy(&demo.stdout),
        decode_lossy(&demo.stderr)
    );
    let output = decode_lossy(&demo.stdout);
    let stable_lines: String = output
        .lines()
        .filter(|line| !line.contains("http://127.0.0.1:"))
        .map(|line| format!("{line}\n"))
        .collect();
    insta::assert_snapshot!(stable_lines);
    let other = [&clock[..], &["--seed", "7"]].concat();
    assert_ne!(decode_lossy(&run(&other).stdout), output);
    let today = run(&["demo"]);
    assert!(today.status.success());
    let today = decode_lossy(&today.stdout);
    let (_, clock) = today.split_once("   clock ").expect("the clock is printed");
    assert!(clock > "2026-11-01", "the demo is on today's date: {clock}");
}

#[test]
fn a_scenario_with_a_typo_keeps_the_server_from_starting() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli-scenarios");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(
        folder.join("mine.yaml"),
        "version: 1\nname: mine\nsteps:\n  - approv: {}\n",
    )
    .expect("a file");
    let output = run(&[
        "serve",
        "--port",
        "0",
        "--scenarios",
        folder.to_str().expect("text"),
    ]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(decode_lossy(&output.stdout), "");
    let error = decode_lossy(&output.stderr);
    assert!(
        error.contains("mine.yaml:4:5: unknown key 'approv' in the step; did you mean approve?"),
        "{error}"
    );
    assert_eq!(
        error.matches("approv'").count(),
        1,
        "reported once: {error}"
    );
}

#[test]
fn wrong_options_name_the_remedy() {
    let occupied = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = occupied
        .local_addr()
        .expect("an address")
        .port()
        .to_string();
    let cases: [(&[&str], i32, &str); 10] = [
        (
            &["serve", "--port", &port],
            3,
            "choose another --port, or 0",
        ),
        (
            &["serve", "--fiu-url", "localhost:9000"],
            2,
            "use one such as http://127.0.0.1:9000",
        ),
        (
            &["serve", "--fiu-url", "http://169.254.169.254/"],
            2,
            "cloud-metadata addresses are never called",
        ),
        (
            &["serve", "--clock", "yesterday"],
            2,
            "give an instant such as",
        ),
        (
            &["serve", "--security", "lax"],
            2,
            "one of open, lenient, strict",
        ),
        (
            &["serve", "--default-scenario", "aprove"],
            2,
            "unknown scenario; did you mean approve?",
        ),
        (
            &["serve", "--default-scenario", "no-such-thing"],
            2,
            "unknown scenario; known: aa-fails",
        ),
        (
            &["serve", "--scenarios", "/nonexistent"],
            2,
            "cannot be read as a folder of scenarios",
        ),
        (&["serve", "--push-data-path", "data"], 2, "begin it with /"),
        (&["serv"], 2, "serve"),
    ];
    for (arguments, code, remedy) in cases {
        let output = run(arguments);
        let error = decode_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
        assert!(error.contains(remedy), "{arguments:?}: {error}");
    }
}

#[test]
fn an_argument_that_an_error_quotes_stays_on_its_line() {
    for arguments in [
        &["serve", "--port", "a\nFORGED\u{9b}\u{202e}"][..],
        &["serve", "--clock=a\nFORGED\u{1b}[31m"],
        &["run", "a\nFORGED\u{1b}[31m"],
        &["jws", "sign", "--as", "a\nFORGED"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let error = decode_lossy(&output.stderr);
        assert!(error.contains("FORGED"), "{error}");
        assert!(!error.contains("\nFORGED"), "{error:?}");
        assert!(
            !error.contains(['\u{1b}', '\u{9b}', '\u{202e}']),
            "{error:?}"
        );
    }
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_no_text_is_an_error_like_any_other() {
    use std::os::unix::ffi::OsStrExt;
    for option in ["--port", "--fiu-url"] {
        let mut command = binary::mockaa_command(&["serve", option]);
        command.arg(std::ffi::OsStr::from_bytes(b"\xffx"));
        let output = command.output().expect("it runs");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
}

#[test]
fn magic_lists_the_magic_customers() {
    let output = run(&["magic"]);
    assert!(output.status.success());
    insta::assert_snapshot!(decode_lossy(&output.stdout));
}

#[test]
fn beyond_loopback_the_control_api_asks_for_a_token() {
    let server = Server::start(&["--bind", "0.0.0.0", "--control-token", "open-sesame"]);
    assert_eq!(server.ready["control_token"], "open-sesame");
    let get = |header: &str| {
        server.send_request(&format!(
            "GET /_mockaa/v1/world HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{header}\r\n"
        ))
    };
    assert!(get("").starts_with("HTTP/1.1 401"));
    assert!(get("authorization: Bearer wrong\r\n").starts_with("HTTP/1.1 401"));
    assert!(get("authorization: Bearer open-sesame\r\n").starts_with("HTTP/1.1 200"));
    let server = Server::start(&["--bind", "0.0.0.0"]);
    assert_eq!(
        server.ready["control_token"].as_str().map(str::len),
        Some(32),
        "a random token is generated"
    );
}

/// A temporary folder of one test.
struct TempFolder(std::path::PathBuf);

impl TempFolder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("mockaa-cli-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }

    fn path_of(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("text").to_owned()
    }

    fn write_file(&self, name: &str, content: &str) -> String {
        std::fs::write(self.0.join(name), content).expect("the file is written");
        self.path_of(name)
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        // A folder that cannot be removed does not matter.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn fi_makes_keys_encrypts_and_decrypts() {
    let folder = TempFolder::new("fi");
    for curve in ["Curve25519", "X25519"] {
        let private = folder.path_of("keys.json");
        let keys = run(&[
            "fi",
            "keys",
            "--private",
            &private,
            "--curve",
            curve,
            "--life",
            "1h",
        ]);
        assert!(keys.status.success(), "{}", decode_lossy(&keys.stderr));
        let public: Value = serde_json::from_slice(&keys.stdout).expect("KeyMaterial");
        assert_eq!(public["curve"], curve);
        let to = folder.write_file("to.json", &decode_lossy(&keys.stdout));
        let statement = folder.write_file("statement.xml", "<Account/>");
        let encrypted = run(&["fi", "encrypt", "--to", &to, "--fip", "FIP-7", &statement]);
        let answer = folder.write_file("answer.json", &decode_lossy(&encrypted.stdout));
        assert_eq!(
            decode_lossy(&run(&["fi", "decrypt", "--private", &private, &answer]).stdout),
            "<Account/>\n"
        );
        let encrypted = run(&["fi", "encrypt", "--to", &private, &statement]);
        assert!(
            encrypted.status.success(),
            "the file of the keys does as well: {}",
            decode_lossy(&encrypted.stderr)
        );
        let output = run(&["fi", "decrypt", "--private", &private, "--json", &answer]);
        let decrypted: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(
            (
                &decrypted["items"][0]["fipID"],
                &decrypted["items"][0]["document"]
            ),
            (&"FIP-7".into(), &"<Account/>".into())
        );

        let other = folder.path_of("other.json");
        run(&["fi", "keys", "--private", &other, "--curve", curve]);
        let wrong = run(&["fi", "decrypt", "--private", &other, &answer]);
        assert_eq!(wrong.status.code(), Some(2));
        assert!(
            decode_lossy(&wrong.stderr).contains("the data does not decrypt"),
            "{}",
            decode_lossy(&wrong.stderr)
        );
    }
    let rejection = folder.write_file("rejection.json", r#"{"errorCode":"InvalidSessionId"}"#);
    let wrong = run(&[
        "fi",
        "decrypt",
        "--private",
        &folder.path_of("keys.json"),
        &rejection,
    ]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        decode_lossy(&wrong.stderr).contains("it begins: {\"errorCode\""),
        "{}",
        decode_lossy(&wrong.stderr)
    );
}

#[test]
fn jws_signs_verifies_and_explains() {
    let folder = TempFolder::new("jws");
    let body = folder.write_file("body.json", r#"{"a":1}"#);
    let changed = folder.write_file("changed.json", "{\"a\":1}\n");
    let key = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/keys/fip-2.pem");
    for arguments in [
        &["--as", "FIU-2"][..],
        &["--as", "FIP-1", "--profile", "encoded"],
        &["--as", "mockaa"],
        &["--key", key, "--kid", "fip-2-dev-1"],
    ] {
        let signed = run(&[&["jws", "sign"], arguments, &[&body]].concat());
        let signature = decode_lossy(&signed.stdout).trim().to_owned();
        assert!(
            run(&["jws", "verify", "--signature", &signature, &body])
                .status
                .success()
        );
        let wrong = run(&["jws", "verify", "--signature", &signature, &changed]);
        assert_eq!(
            wrong.status.code(),
            Some(1),
            "{}",
            decode_lossy(&wrong.stdout)
        );
        let output = run(&["jws", "explain", "--signature", &signature, &changed]);
        assert_eq!(output.status.code(), Some(1));
        assert!(
            decode_lossy(&output.stdout)
                .contains("over the body as received, without the white space at its end"),
            "{}",
            decode_lossy(&output.stdout)
        );
    }
    let unknown = run(&["jws", "sign", "--as", "FIU-9", &body]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(
        decode_lossy(&unknown.stderr).contains("no shipped key for 'FIU-9'"),
        "{}",
        decode_lossy(&unknown.stderr)
    );
}

#[test]
fn jws_prints_no_control_character_of_a_signature() {
    let folder = TempFolder::new("jws-controls");
    let body = folder.write_file("body.json", "{}\u{1b}[31m");
    let header = "{\"alg\":\"RS256\",\"kid\":\"x\\u001b[31m\\nFORGED\\u009b\u{202e}\"}";
    let encoded = mockaa::internals::crypto::base64::url_encode(header.as_bytes());
    let signature = format!("{encoded}..AAAA");
    for command in ["verify", "explain"] {
        let output = run(&["jws", command, "--signature", &signature, &body]);
        let text = decode_lossy(&output.stdout) + &decode_lossy(&output.stderr);
        assert!(text.contains("FORGED"), "{text}");
        assert!(!text.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{text:?}");
        assert!(!text.contains("\nFORGED"), "{text:?}");
    }
}

#[test]
fn jws_signs_verifies_and_explains_the_path_of_a_get() {
    let path = "/Consent/handle/6e2e1b8c-0000-4000-8000-0123456789ab";
    let url = format!("http://127.0.0.1:8080/w/ci/v2{path}?a=1");
    let sign = |target: &str| {
        let output = run(&["jws", "sign", "--get", target]);
        decode_lossy(&output.stdout).trim().to_owned()
    };
    let check = |command: &str, signature: &str| {
        let output = run(&["jws", command, "--signature", signature, "--get", &url]);
        (output.status.code(), decode_lossy(&output.stdout))
    };
    for signed in [path, &url] {
        let (code, stdout) = check("verify", &sign(signed));
        assert_eq!(code, Some(0), "{signed}: {stdout}");
    }
    let wrong = sign(&format!("/v1{path}"));
    let (code, stdout) = check("verify", &wrong);
    assert_eq!(code, Some(1));
    assert!(
        stdout.contains("`mockaa jws explain` finds out why"),
        "{stdout}"
    );
    let (code, stdout) = check("explain", &wrong);
    assert_eq!(code, Some(1));
    let cause = "signed by FIU-1's key fiu-1-dev-1 (RS256, PKCS#1 v1.5, SHA-256) over the path below /v1, without the query";
    assert!(stdout.contains(cause), "{stdout}");
    let no_path = run(&[
        "jws",
        "explain",
        "--signature",
        &wrong,
        "--get",
        "http://host",
    ]);
    assert_eq!(no_path.status.code(), Some(2));
    assert!(
        decode_lossy(&no_path.stderr).contains("it has no path"),
        "{}",
        decode_lossy(&no_path.stderr)
    );
}

#[test]
fn jws_explain_names_a_shipped_key_that_is_not_registered() {
    let folder = TempFolder::new("jws-jwks");
    let body = folder.write_file("body.json", "{}");
    let jwks = folder.write_file("jwks.json", r#"{"keys":[]}"#);
    let signed = run(&["jws", "sign", "--as", "FIP-2", &body]);
    let signature = decode_lossy(&signed.stdout);
    let arguments = [
        "jws",
        "explain",
        "--signature",
        &signature,
        "--jwks",
        &jwks,
        &body,
    ];
    let explained = decode_lossy(&run(&arguments).stdout);
    for expected in [
        "verdict: no key with kid fip-2-dev-1 is registered for the caller",
        "cause: signed by FIP-2's key fip-2-dev-1 (RS256, PKCS#1 v1.5, SHA-256) over the body as received",
        "hint: this key of FIP-2 does not count for the caller",
    ] {
        assert!(explained.contains(expected), "{explained}");
    }
}

#[test]
fn config_is_checked_and_served() {
    let folder = TempFolder::new("config");
    let stdout = decode_lossy(&run(&["config", "show"]).stdout);
    assert!(
        stdout.contains(
            "FIP  ACME-FIP               api key mockaa-dev-acme-fip-api-key   kid acme-fip-dev-1"
        ),
        "{stdout}"
    );
    assert!(
        stdout.contains("Unaport version 2.0.0   any account may log in, as UNACORES-FIU-UAT"),
        "{stdout}"
    );
    let file = folder.write_file(
        "mockaa.toml",
        "[[fiu]]\nid = \"LENDER\"\nwebhook_url = \"http://127.0.0.1:9/all\"\n",
    );
    assert!(
        decode_lossy(&run(&["config", "show", "--config", &file]).stdout).contains("FIU  LENDER")
    );
    let server = Server::start(&["--config", &file]);
    assert!(
        server
            .send_request(
                "GET /_mockaa/v1/config/fiu HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
            )
            .contains("\"id\":\"LENDER\"")
    );
    // A message has the place of a mistake, and not the text there: it may be a secret.
    for headers in [
        "\"Basic hunter2\"",
        "{ Authorization = [\"Basic hunter2\"] }",
        "{ Authorization = \"Basic hunter2",
    ] {
        let text = format!("[[fiu]]\nid = \"LENDER\"\nwebhook_headers = {headers}\n");
        let wrong = folder.write_file("wrong.toml", &text);
        let stderr = decode_lossy(&run(&["config", "show", "--config", &wrong]).stderr);
        assert!(stderr.contains("line 3, column "), "{stderr}");
        assert!(!stderr.contains("hunter2"), "{stderr}");
    }
    // The file in the current folder is used, as by `serve`.
    let output = mockaa_command(&["config", "show"])
        .current_dir(Path::new(&file).parent().expect("a folder"))
        .output()
        .expect("the command runs");
    let stdout = decode_lossy(&output.stdout);
    assert!(
        stdout.contains("mockaa.toml is valid:")
            && stdout.contains("webhooks all to http://127.0.0.1:9/all"),
        "{stdout}"
    );
    let urls = "base_url = \"http://127.0.0.1:9\"\ndata_url = \"http://127.0.0.1:99/d\"\n";
    let several = folder.write_file("several.toml", &format!("[[fiu]]\nid = \"LENDER\"\n{urls}"));
    let stdout = decode_lossy(&run(&["config", "show", "--config", &several]).stdout);
    assert!(
        stdout.contains("webhooks below http://127.0.0.1:9, data to http://127.0.0.1:99/d"),
        "{stdout}"
    );
    let unknown_scenario =
        folder.write_file("usual.toml", "[[aa]]\nid = \"a\"\nscenario = \"nope\"\n");
    let rejection = run(&["config", "show", "--config", &unknown_scenario]);
    assert!(
        decode_lossy(&rejection.stderr).contains("aa.scenario of a, nope"),
        "{}",
        decode_lossy(&rejection.stderr)
    );
    let wrong = folder.write_file("wrong.toml", "[[fiu]]\nid = \"A B\"\n");
    let rejection = run(&["serve", "--port", "0", "--config", &wrong]);
    assert_eq!(rejection.status.code(), Some(2));
    assert!(
        decode_lossy(&rejection.stderr).contains("wrong.toml: fiu.id 'A B' must be"),
        "{}",
        decode_lossy(&rejection.stderr)
    );
}

#[test]
fn the_built_in_fiu_of_a_run_accepts_the_webhooks_of_a_frozen_world() {
    let scenario = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/approve.yaml");
    let frozen = ["run", scenario, "--contract", "--clock"];
    for clock in ["2020-07-04T06:00:00Z,frozen", "2020-07-04T06:00:00Z"] {
        let output = run(&[&frozen[..], &[clock, "--settle", "10ms"]].concat());
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{clock}: {stdout}");
    }
}

#[test]
fn a_consent_request_is_checked_against_fair_use() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli-consent-check");
    std::fs::create_dir_all(&folder).expect("a folder");
    let detail = json!({
        "consentStart": "2020-07-04T06:00:00.000Z", "consentExpiry": "2020-08-04T06:00:00.000Z",
        "consentMode": "STORE", "fetchType": "ONETIME", "consentTypes": ["SUMMARY"], "fiTypes": ["DEPOSIT"],
        "DataConsumer": { "id": "FIU-1", "type": "FIU" }, "Purpose": { "code": "103" },
        "FIDataRange": { "from": "2020-01-04T06:00:00.000Z", "to": "2020-07-04T06:00:00.000Z" },
        "DataLife": { "unit": "MONTH", "value": 1 }, "Frequency": { "unit": "DAY", "value": 1 },
    });
    let check = |name: &str, document: &Value, options: &[&str]| {
        let file = folder.join(name);
        std::fs::write(&file, document.to_string()).expect("a file");
        let file = file.to_str().expect("text").to_owned();
        let mut arguments = vec!["consent", "check", &file];
        arguments.extend(options);
        let output = run(&arguments);
        let stdout = decode_lossy(&output.stdout).replace(&file, name);
        (output.status.code(), stdout, decode_lossy(&output.stderr))
    };
    // The request of each API, and its terms alone.
    let rebit = json!({ "ver": "2.0.0", "ConsentDetail": detail });
    let unaport =
        json!({ "vuaId": "", "ConsentsRequest": { "ver": "2.0.0", "ConsentDetail": detail } });
    for document in [&detail, &rebit, &unaport] {
        let (code, stdout, stderr) = check("a.json", document, &[]);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
        assert_eq!(stdout, "a.json: purpose 103, ONETIME: within fair use\n");
    }
    let mut beyond = detail.clone();
    beyond["DataLife"]["value"] = 3.into();
    beyond["consentExpiry"] = "2021-07-04T06:00:00.000Z".into();
    let (code, stdout, _) = check("b.json", &beyond, &[]);
    assert_eq!(code, Some(1));
    assert_eq!(
        stdout,
        "b.json: purpose 103, ONETIME: outside fair use, 2 limits\n  \
         ConsentDetail.DataLife.value is 3 MONTH; the limit is 31 DAY or 1 MONTH\n  \
         ConsentDetail.consentExpiry is 2021-07-04; the limit is 1 MONTH after consentStart, 2020-08-04\n"
    );
    let (code, stdout, _) = check("b.json", &beyond, &["--template", "CT006", "--json"]);
    let verdict: Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!(code, Some(1));
    assert_eq!(verdict["basis"], "purpose 103, ONETIME, CT006");
    assert_eq!(
        verdict["deviations"][1]["field"],
        "ConsentDetail.consentExpiry"
    );
    let mut unreadable = detail.clone();
    unreadable["fetchType"] = "SOMETIMES".into();
    let (code, _, stderr) = check("c.json", &unreadable, &[]);
    assert_eq!(code, Some(2));
    assert!(
        stderr.contains("ConsentDetail.fetchType 'SOMETIMES' is not one of"),
        "{stderr}"
    );
}

/// Compose files pass unset variables as empty ones.
#[test]
fn an_empty_variable_is_unset_and_an_unknown_one_is_refused() {
    let mut command = mockaa_command(&["config", "show"]);
    let names = [
        "CONFIG", "CLOCK", "LOG", "SECURITY", "SEED", "TOKEN", "URL", "WORLD", "WORKERS",
    ];
    for name in names {
        command.env(format!("MOCKAA_{name}"), "");
    }
    let output = command.output().expect("the command runs");
    let stderr = decode_lossy(&output.stderr);
    assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""));

    let server = Server::start(&[]);
    let listed = mockaa_command(&["world", "list"])
        .env("MOCKAA_URL", server.base_url())
        .env("MOCKAA_TOKEN", "")
        .output()
        .expect("the command runs");
    assert_eq!(
        listed.status.code(),
        Some(0),
        "{}",
        decode_lossy(&listed.stderr)
    );

    for (name, remedy) in [
        ("MOCKAA_CLOK", "did you mean MOCKAA_CLOCK?"),
        ("MOCKAA_SOMETHING_ELSE", "or unset it"),
    ] {
        let refused = mockaa_command(&["magic"]).env(name, "x").output();
        let refused = refused.expect("the command runs");
        let stderr = decode_lossy(&refused.stderr);
        assert_eq!(
            (refused.status.code(), &*refused.stdout),
            (Some(2), &b""[..])
        );
        assert!(
            stderr.contains(&format!("unknown environment variable {name}"))
                && stderr.contains(remedy),
            "{stderr}"
        );
    }
    // A variable with a wrong value is still refused.
    let refused = mockaa_command(&["serve"]).env("MOCKAA_SEED", "x").output();
    assert_eq!(refused.expect("the command runs").status.code(), Some(2));
}

/// Answers `count` webhooks on this listener, each after `pause`, and returns their number.
fn answer_webhooks(
    fiu: TcpListener,
    count: usize,
    answer: &'static str,
) -> std::thread::JoinHandle<usize> {
    std::thread::spawn(move || {
        let mut received = 0;
        while received < count {
            let Ok((socket, _)) = fiu.accept() else { break };
            let mut reader = BufReader::new(socket);
            let mut length = 0;
            let mut line = String::new();
            while line != "\r\n" {
                line.clear();
                if reader.read_line(&mut line).unwrap_or(0) == 0 {
                    break;
                }
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().expect("a number");
                }
            }
            let mut body = vec![0; length];
            if reader.read_exact(&mut body).is_ok() {
                received += 1;
                let _ = reader.get_mut().write_all(answer.as_bytes());
            }
        }
        received
    })
}

/// Raises consents, each of a customer who rejects: each causes one webhook.
fn raise_rejected(server: &Server, count: usize) {
    for _ in 0..count {
        raise_consent(server, "9999999002@onemoney");
    }
}

/// Raises a consent of this customer, and returns its handle.
fn raise_consent(server: &Server, customer: &str) -> String {
    let body = include_str!("../fixtures/seed/consent-request.json")
        .replace("{{current_timestamp}}", "2020-07-04T06:00:00.000Z")
        .replace("1999999999@onemoney", customer);
    let answer = server.send_request(&post_request("/consent", "application/json", &body));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    let body: Value = serde_json::from_str(body).expect("JSON");
    body["ConsentHandle"].as_str().expect("a handle").to_owned()
}

fn post_request(path: &str, media_type: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: {media_type}\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[cfg(unix)]
#[test]
fn due_webhooks_are_sent_before_the_end() {
    for signal in ["TERM", "HUP"] {
        let fiu = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", fiu.local_addr().expect("an address"));
        let clock = "2020-07-04T06:00:00Z,frozen";
        let mut server = Server::start_with_log(&["--fiu-url", &url, "--clock", clock]);
        raise_rejected(&server, 4);
        // The webhooks of one consent are sent one after the other.
        let handle = raise_consent(&server, "1999999999@onemoney");
        let steps = "[approve: {}, pause: {}, resume: {}, pause: {}, resume: {}, revoke: {}]";
        let path = format!("/_mockaa/v1/consents/{handle}/play");
        let played = server.send_request(&post_request(&path, "text/yaml", steps));
        assert!(played.starts_with("HTTP/1.1 200"), "{played}");
        server.send_signal(signal);
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        let received = answer_webhooks(fiu, 10, answer);
        assert_eq!(received.join().expect("a number"), 10, "{signal}");
        let status = server.child.wait().expect("the process ends");
        assert_eq!(status.code(), Some(0), "{signal}");
    }
}

#[cfg(unix)]
#[test]
fn what_is_not_sent_before_the_end_is_counted() {
    let fiu = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", fiu.local_addr().expect("an address"));
    let clock = "2020-07-04T06:00:00Z,frozen";
    let mut server =
        Server::start_with_log(&["--fiu-url", &url, "--clock", clock, "--drain", "200ms"]);
    raise_rejected(&server, 1);
    // The first attempt fails, so that it waits for a retry; the next one is never answered.
    let answer = "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let receiver = fiu.try_clone().expect("a handle");
    assert_eq!(answer_webhooks(receiver, 1, answer).join().expect("one"), 1);
    raise_rejected(&server, 1);
    let (_socket, _) = fiu.accept().expect("the second webhook");
    server.send_signal("TERM");
    let mut log = String::new();
    let mut stderr = server.child.stderr.take().expect("a pipe");
    stderr.read_to_string(&mut log).expect("text");
    assert!(log.contains("2 webhooks were not sent"), "{log}");
    for part in [
        "world=\"default\"",
        "queued=0",
        "in_flight=1",
        "waiting_for_retry=1",
    ] {
        assert!(log.contains(part), "{part}: {log}");
    }
}

#[test]
fn a_time_of_zero_is_refused_where_it_would_end_everything() {
    for option in ["--webhook-timeout", "--world-ttl"] {
        let output = run(&["serve", option, "0s"]);
        let stderr = decode_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains("give 1ms or more"), "{stderr}");
    }
}
