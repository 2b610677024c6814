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
use serde_json::{Value, json};

use crate::binary::{Server, create_folder, mockaa_command, run_in};

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
    let mut command = Command::new("bash");
    command.args(["-c", &limited]).stderr(Stdio::null());
    let mut server = Server::spawn(&mut command);
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
fn the_sandbox_stops_with_the_program_that_has_started_it() {
    let mut command = mockaa_command(&["serve", "--port", "0", "--stop-on-eof"]);
    command.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut server = Server::spawn(&mut command);
    let running = server.child.try_wait().expect("a status");
    assert!(running.is_none(), "it runs while the pipe is open");
    drop(server.child.stdin.take());
    assert!(server.child.wait().expect("it ends").success());
    let mut log = String::new();
    let stderr = server.child.stderr.as_mut().expect("a pipe");
    stderr.read_to_string(&mut log).expect("a log");
    assert!(log.contains("stopping"), "{log}");
}

#[test]
fn the_ready_file_is_there_while_the_sandbox_answers() {
    let folder = create_folder(
        "serve-ready-file",
        &[("ready.json", "{\"event\":\"ready\"}")],
    );
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
    // Nothing is removed that is not the line of this sandbox, also when it cannot start.
    std::fs::write(&file, "precious").expect("a file");
    let missing = folder.join("nothing/ready.json");
    let missing = missing.to_str().expect("UTF-8");
    std::os::unix::fs::symlink(&file, folder.join("link")).expect("a link");
    let link = folder.join("link");
    for target in [path, missing, link.to_str().expect("UTF-8"), "/dev/null"] {
        let (code, _, stderr) = run_in(&folder, &["serve", "--port", "0", "--ready-file", target]);
        assert_eq!(code, 2, "{stderr}");
        assert!(stderr.contains("--ready-file"), "{stderr}");
    }
    let kept = std::fs::read_to_string(&file).expect("it is still there");
    assert_eq!(kept, "precious");
    std::fs::remove_file(&file).expect("a file");
    let first = Server::start(&["--ready-file", path]);
    let mut second = Server::start(&["--ready-file", path]);
    drop(first);
    let pid = second.child.id().to_string();
    assert!(file.exists(), "the file is that of the second");
    let killed = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(killed.expect("kill runs").success());
    assert!(second.child.wait().expect("it ends").success());
    assert!(!file.exists());
}

#[test]
fn ready_asks_the_port_of_the_environment() {
    let server = Server::start(&[]);
    let (_, port) = server.base_url().rsplit_once(':').expect("a port");
    let ready = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = mockaa_command(&[&["ready"], arguments].concat());
        let status = command.envs(variables.iter().copied()).output();
        status.expect("the command runs").status.code()
    };
    assert_eq!(ready(&[("MOCKAA_PORT", port)], &[]), Some(0));
    assert_eq!(ready(&[("MOCKAA_PORT", "1")], &[]), Some(3));
    assert_eq!(ready(&[("MOCKAA_PORT", "x")], &[]), Some(2));
    assert_eq!(
        ready(
            &[("MOCKAA_PORT", "1"), ("MOCKAA_URL", server.base_url())],
            &[]
        ),
        Some(0)
    );
    let bare = format!("127.0.0.1:{port}");
    assert_eq!(
        ready(&[("MOCKAA_PORT", "1")], &["--server", &bare]),
        Some(0)
    );
}

/// The command line comes before the environment, that before the file, and the file before the
/// default.
#[test]
fn options_stand_in_the_file_and_are_explained() {
    let file = "[serve]\nport = 0\nseed = 7\nclock = \"2020-07-04T06:00:00Z,frozen\"\n\
                drain = \"1s\"\nallow_host = [\"a.test\", \"b.test\"]\ncontrol_token = \"secret-1\"\n\
                ignore_retry_after = true\n";
    let folder = create_folder("serve-options", &[("mockaa.toml", file)]);
    let mut explain = mockaa_command(&["config", "explain", "--json", "serve", "--drain", "2s"]);
    let explained = explain
        .current_dir(&folder)
        .env("MOCKAA_SEED", "8")
        .output()
        .expect("the command runs");
    let explained: Value = serde_json::from_slice(&explained.stdout).expect("JSON");
    let options = explained["options"].as_array().expect("a list");
    for (option, value, origin) in [
        ("--drain", "2s", "command line"),
        ("--seed", "8", "MOCKAA_SEED"),
        ("--port", "0", "mockaa.toml: serve.port"),
        (
            "--allow-host",
            "a.test,b.test",
            "mockaa.toml: serve.allow_host",
        ),
        (
            "--control-token",
            "(hidden)",
            "mockaa.toml: serve.control_token",
        ),
        (
            "--ignore-retry-after",
            "true",
            "mockaa.toml: serve.ignore_retry_after",
        ),
        ("--webhook-timeout", "15s", "default"),
        ("--fiu-url", "", "default"),
    ] {
        let explained = options.iter().find(|found| found["option"] == option);
        let expected = json!({ "option": option, "value": value, "origin": origin });
        assert_eq!(explained, Some(&expected));
    }

    let mut command = mockaa_command(&["serve"]);
    command.current_dir(&folder).stderr(Stdio::null());
    let server = Server::spawn(&mut command);
    assert_eq!(
        (&server.ready["seed"], &server.ready["control_token"]),
        (&json!("7"), &json!("secret-1"))
    );
}

#[test]
fn an_option_in_the_file_that_does_not_fit_is_refused() {
    for (text, problem) in [
        (
            "[serve]\nprot = 1",
            "serve.prot: no option of `mockaa serve`; did you mean port?",
        ),
        (
            "[serve]\nport = \"x\"",
            "serve.port: invalid value 'x' for '--port <PORT>'",
        ),
        (
            "[serve]\nport = 1.5",
            "serve.port: give a text, a number, true, false or a list",
        ),
        ("[serve]\nconfig = \"x\"", "serve.config: no option"),
        (
            "[serve]\nignore_retry_after = 1",
            "serve.ignore_retry_after: give true or false",
        ),
        (
            "[serve]\nwebhook_timeout = \"0s\"",
            "serve.webhook_timeout: invalid value '0s'",
        ),
        ("[serve]\nfiu-url = \"http://x\"", "did you mean fiu_url?"),
        ("[serve", "line 1, column"),
        ("serve = 1", "serve: it is no table"),
        ("[sevre]\nport = 1", "unknown field"),
        ("[[aa]]\nid = \"a\"\napi_key = \"x\\r\\ny\"", "aa.api_key"),
        ("[[aa]]\nid = \"a\"\nkid = \"x\\\"y\"", "aa.kid"),
        ("[[aa]]\nid = \"a\"\nhandle = \"x y\"", "aa.handle"),
    ] {
        let folder = create_folder("serve-wrong-options", &[("mockaa.toml", text)]);
        let (code, stdout, stderr) = run_in(&folder, &["serve", "--bind", "127.0.0.1"]);
        assert_eq!((code, &*stdout), (2, ""), "{text}: {stderr}");
        assert!(
            stderr.contains("mockaa.toml") && stderr.contains(problem),
            "{text}: {stderr}"
        );
        let (code, stdout, stderr) = run_in(&folder, &["config", "explain"]);
        assert_eq!((code, &*stdout), (2, ""), "explain {text}: {stderr}");
    }
    let folder = create_folder("serve-log", &[]);
    for (levels, hint) in [
        ("verbose", "known: error, warn"),
        ("inof", "did you mean info?"),
        ("mockaa=lots", "'lots'"),
    ] {
        let (code, _, stderr) = run_in(&folder, &["serve", "--log", levels]);
        assert_eq!(code, 2, "{levels}: {stderr}");
        assert!(stderr.contains(hint), "{levels}: {stderr}");
    }
}

/// Returns a UUID for a number.
fn uuid(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// A development CA signs the certificate; clients that trust it, and those that use http, are
/// answered on one port.
#[tokio::test]
async fn https_is_answered_beside_http_and_its_authority_stays() {
    let folder = create_folder("serve-tls", &[]);
    let directory = folder.join("ca");
    let directory = directory.to_str().expect("UTF-8");
    let mut authorities = Vec::new();
    for _ in 0..2 {
        let server = Server::start(&["--tls", "--tls-dir", directory, "--allow-host", "aa.test"]);
        let url = server.base_url().to_owned();
        let address = url.strip_prefix("https://").expect("https");
        let plain = format!("http://{address}");
        let client = reqwest::Client::new();
        let path = "/.well-known/mockaa-ca.pem";
        let answer = client
            .get(format!("{plain}{path}"))
            .send()
            .await
            .expect("an answer");
        let authority = answer.text().await.expect("a text");
        assert!(!authority.contains("PRIVATE"), "the key stays secret");
        let certificate = reqwest::Certificate::from_pem(authority.as_bytes()).expect("PEM");
        authorities.push(authority);

        let stranger = client.get(format!("{url}/livez")).send().await;
        assert!(
            stranger.is_err(),
            "a client without the CA does not trust it"
        );
        let (_, port) = address.rsplit_once(':').expect("a port");
        let port = port.parse().expect("a number");
        let trusting = reqwest::Client::builder()
            .tls_certs_only([certificate])
            .resolve("aa.test", ([127, 0, 0, 1], port).into())
            .build()
            .expect("a client");
        for host in ["127.0.0.1", "localhost", "aa.test"] {
            let request = trusting.get(format!("https://{host}:{port}/openapi.json"));
            let document: Value = request
                .send()
                .await
                .expect(host)
                .json()
                .await
                .expect("JSON");
            assert_eq!(
                document["servers"][0]["url"],
                format!("https://{host}:{port}")
            );
        }
        // A page of the sandbox may post to it.
        for (origin, status) in [(&*url, 400), (&*plain, 403)] {
            let request = trusting.post(format!("{url}/_mockaa/v1/clock/set"));
            let reply = request.header("origin", origin).send().await;
            assert_eq!(reply.expect("an answer").status(), status, "{origin}");
        }
        let ready = mockaa_command(&["ready", "--server", &url])
            .env("MOCKAA_TLS_DIR", directory)
            .output()
            .expect("the command runs");
        assert!(ready.status.success(), "{ready:?}");
    }
    assert_eq!(authorities[0], authorities[1], "it is made once");
    let mode = std::fs::metadata(folder.join("ca/development-ca.pem")).expect("a file");
    let mode = std::os::unix::fs::PermissionsExt::mode(&mode.permissions());
    assert_eq!(mode & 0o077, 0, "only its owner reads the key");

    std::fs::write(folder.join("ca/development-ca.pem"), "no CA").expect("a file");
    let (code, _, stderr) = run_in(
        &folder,
        &["serve", "--port", "0", "--tls", "--tls-dir", directory],
    );
    assert_eq!(code, 2, "{stderr}");
    assert!(
        stderr.contains("development-ca.pem has no certificate and key; delete it"),
        "{stderr}"
    );
}

/// Returns the response to a request on a connection of its own.
fn exchange(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("the server accepts connections");
    let timeout = Some(Duration::from_secs(10));
    stream.set_read_timeout(timeout).expect("a time-out");
    stream.write_all(request.as_bytes()).expect("it is sent");
    let mut response = String::new();
    stream
        .read_to_string(&mut response)
        .expect("an answer in time");
    response
}

#[test]
fn mistakes_of_clients_are_answered_at_once_and_by_their_cause() {
    let server = Server::start(&["--bind", "0.0.0.0", "--control-token", "t"]);
    let (_, port) = server.base_url().rsplit_once(':').expect("a port");
    let address = format!("127.0.0.1:{port}");
    let head = "host: localhost\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    for (line, status, text) in [
        (
            "POST /v2/v2/Consent",
            404,
            "the base path /v2 stands in it twice, did you mean /v2/Consent?",
        ),
        (
            "POST /public/user/login",
            404,
            "the base URL ends with /api/v1",
        ),
        (
            "GET /w/ci-7/Consent/handle/x",
            404,
            "GET /w/ci-7/_mockaa/v1/world with the control token",
        ),
        ("GET /_mockaa/v1/world", 401, "requires its token"),
    ] {
        let response = exchange(&address, &format!("{line} HTTP/1.1\r\n{head}"));
        assert!(
            response.starts_with(&format!("HTTP/1.1 {status} ")),
            "{line} {response}"
        );
        assert!(response.contains(text), "{line} {response}");
    }
    let response = exchange(
        &address,
        "CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n\r\n",
    );
    assert!(response.contains("is no proxy"), "{response}");
    let upgrade = "GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade, close\r\nupgrade: websocket\r\n\r\n";
    assert!(exchange(&address, upgrade).starts_with("HTTP/1.1 200 "));
    let mut made = mockaa_command(&["world", "show", "--token", "t", "--world", "ci-7"]);
    let made = made
        .args(["--server", &address])
        .output()
        .expect("the command runs");
    assert!(made.status.success(), "{made:?}");
    let response = exchange(
        &address,
        &format!("GET /w/ci-7/Consent/handle/x HTTP/1.1\r\n{head}"),
    );
    assert!(!response.contains("there is no world"), "{response}");
}

/// A receiver that answers each webhook with 410 gets one, and no more until it is enabled.
#[test]
fn a_receiver_that_is_gone_shows_in_the_list_of_webhooks() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut buffer = vec![0; 64 * 1024];
            // The webhook is small, and its content does not matter.
            let _ = stream.read(&mut buffer);
            let _ = stream
                .write_all(b"HTTP/1.1 410 Gone\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        }
    });
    let clock = format!("{NOW},frozen");
    let server = Server::start(&["--fiu-url", &url, "--clock", &clock]);
    let run = |arguments: &[&str]| {
        let mut command = mockaa_command(arguments);
        let output = command.env("MOCKAA_URL", server.base_url()).output();
        let output = output.expect("the command runs");
        assert!(output.status.success(), "{arguments:?} {output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    for customer in ["9999999002@a", "9999999002@b"] {
        run(&["consent", "raise", "--api", "seed", "--customer", customer]);
        run(&["clock", "advance", "--by", "1s"]);
    }
    let webhooks = run(&["webhook", "list"]);
    assert!(
        webhooks.contains("exhausted") && webhooks.contains("disabled"),
        "{webhooks}"
    );
    assert!(run(&["journal"]).contains("410 (Gone)"));
}

/// What the command line excludes does not count, and a flag of the file can be turned off.
#[test]
fn the_command_line_comes_before_flags_of_the_file() {
    let scenario = "version: 1\nname: a\nsteps: [approve: {}]\n";
    let file = "[run]\njson = true\n[serve]\nignore_retry_after = true\nlog = \"debug\"\n";
    let folder = create_folder(
        "serve-flags",
        &[("mockaa.toml", file), ("a.yaml", scenario)],
    );
    let (_, stdout, _) = run_in(&folder, &["run", "a.yaml"]);
    assert!(serde_json::from_str::<Value>(&stdout).is_ok(), "{stdout}");
    for arguments in [
        &["run", "a.yaml", "--format", "text"][..],
        &["run", "a.yaml", "--json=false"],
    ] {
        let (code, stdout, stderr) = run_in(&folder, arguments);
        assert_eq!(code, 0, "{stderr}");
        assert!(stdout.starts_with("ok "), "{arguments:?} {stdout}");
    }
    let explain = ["config", "explain", "serve", "--ignore-retry-after=false"];
    let (_, stdout, _) = run_in(&folder, &explain);
    let line = stdout
        .lines()
        .find(|line| line.starts_with("--ignore-retry-after"));
    assert!(
        line.is_some_and(|line| line.contains("false") && line.contains("command line")),
        "{stdout}"
    );
}

#[test]
fn a_statement_goes_to_pipes_and_through_links() {
    let folder = create_folder("serve-output", &[("file.csv", "old")]);
    let generate = |output: &str| {
        let (code, _, stderr) = run_in(
            &folder,
            &["data", "generate", "--format", "csv", "--output", output],
        );
        assert_eq!(code, 0, "{stderr}");
    };
    std::os::unix::fs::symlink("file.csv", folder.join("link.csv")).expect("a link");
    generate("link.csv");
    let link = folder.join("link.csv").symlink_metadata().expect("a link");
    assert!(link.is_symlink());
    let expected = std::fs::read_to_string(folder.join("file.csv")).expect("a file");
    assert!(expected.len() > 1_000);
    let pipe = folder.join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .expect("it runs")
            .success()
    );
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read_to_string(pipe).expect("it is read")
    });
    generate("pipe");
    assert_eq!(reader.join().expect("no panic"), expected);
}

/// The numbers of a world begin anew after a reset; what follows is not lost.
#[test]
fn a_followed_list_goes_on_after_a_reset() {
    let server = Server::start(&["--clock", &format!("{NOW},frozen")]);
    let run = |arguments: &[&str]| {
        let mut command = mockaa_command(arguments);
        let output = command.env("MOCKAA_URL", server.base_url()).output();
        assert!(
            output.expect("the command runs").status.success(),
            "{arguments:?}"
        );
    };
    for customer in ["9876543210@a", "9876543210@b", "9876543210@c"] {
        run(&["consent", "raise", "--customer", customer]);
    }
    let mut follow = mockaa_command(&["consent", "list", "--follow"])
        .env("MOCKAA_URL", server.base_url())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let mut lines = BufReader::new(follow.stdout.take().expect("a pipe")).lines();
    let mut next = |wanted: &str| {
        let mut found = lines.by_ref().map(|line| line.expect("a line"));
        assert!(found.any(|line| line.contains(wanted)), "{wanted}");
    };
    next("9876543210@c");
    run(&["world", "reset"]);
    // The follower has noticed the end of the world.
    let mut notice = String::new();
    BufReader::new(follow.stderr.take().expect("a pipe"))
        .read_line(&mut notice)
        .expect("a line");
    assert_eq!(notice, "(the world was reset or deleted)\n");
    run(&["consent", "raise", "--customer", "9876543211@d"]);
    next("9876543211@d");
    follow.kill().expect("it runs");
    follow.wait().expect("it ends");
}

#[test]
fn a_wrong_value_of_a_variable_names_the_variable() {
    let mut serve = mockaa_command(&["serve"]);
    let output = serve
        .env("MOCKAA_PORT", "abc")
        .output()
        .expect("the command runs");
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.contains("the value is that of the variable MOCKAA_PORT"),
        "{stderr}"
    );
    let mut serve = mockaa_command(&["serve", "--port", "abc"]);
    let output = serve
        .env("MOCKAA_PORT", "1")
        .output()
        .expect("the command runs");
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(!stderr.contains("MOCKAA_PORT"), "{stderr}");
}

#[test]
fn values_that_no_entry_can_have_are_refused() {
    let server = Server::start(&[]);
    for (arguments, hint) in [
        (
            &["webhook", "list", "--state", "drop"][..],
            "known: held, queued",
        ),
        (&["webhook", "list", "--event", "x"], "known: "),
        (&["webhook", "list", "--consent", "nope"], "give the UUID"),
        (
            &["consent", "list", "--state", "ACTIVES"],
            "did you mean ACTIVE?",
        ),
        (
            &["consent", "raise", "--customer", "98"],
            "mobile number of 10 digits",
        ),
        (
            &["consent", "raise", "--scenario", "a\nb"],
            "without control characters",
        ),
        (
            &[
                "consent",
                "list",
                "--server",
                "http://127.0.0.1:1/_mockaa/v1",
            ],
            "mockaa serve",
        ),
        (&["serve", "--drain", "P9999999999D"], "at most 366d"),
        (&["serve", "--control-token", ""], "a value is required"),
    ] {
        let mut command = mockaa_command(arguments);
        if arguments[0] != "serve" && !arguments.contains(&"--server") {
            command.env("MOCKAA_URL", server.base_url());
        }
        let output = command.output().expect("the command runs");
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(hint), "{arguments:?}: {stderr}");
    }
}

/// The first signal waits for webhooks; the second ends at once, and says what is lost.
#[test]
fn a_second_signal_says_what_is_lost() {
    let (fiu_url, _) = start_slow_receiver(Duration::from_secs(600));
    let clock = format!("{NOW},frozen");
    let arguments = ["--fiu-url", &fiu_url, "--clock", &clock, "--drain", "60s"];
    let mut server = Server::start_with_log(&arguments);
    let log = BufReader::new(server.child.stderr.take().expect("a pipe"));
    let raise = [
        "consent",
        "raise",
        "--api",
        "seed",
        "--customer",
        "9999999002@a",
    ];
    let mut raise = mockaa_command(&raise);
    let raised = raise.env("MOCKAA_URL", server.base_url()).status();
    assert!(raised.expect("the command runs").success());
    let pid = server.child.id().to_string();
    let stop = || {
        let killed = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(killed.expect("kill runs").success());
    };
    stop();
    let mut lines = log.lines().map(|line| line.expect("a line"));
    assert!(lines.any(|line| line.contains("send the signal again")));
    stop();
    assert!(lines.any(|line| line.contains("webhooks were not sent")));
    assert!(server.child.wait().expect("it ends").success());
}

#[test]
fn what_a_command_of_run_leaves_behind_is_killed() {
    let scenario = "version: 1\nname: a\nsteps: [approve: {}]\n";
    let folder = create_folder("serve-leftover", &[("a.yaml", scenario)]);
    let leave = "sleep 300 & echo $! > pid";
    run_in(&folder, &["run", "a.yaml", "--", "sh", "-c", leave]);
    let pid = std::fs::read_to_string(folder.join("pid")).expect("a number");
    // A zombie has ended too.
    let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "{state}");
}

/// Neither of two inboxes could give the FIU its address back.
#[test]
fn a_second_inbox_of_the_same_fiu_is_refused() {
    let server = Server::start(&["--fiu-url", "http://127.0.0.1:9"]);
    let listen = || {
        let mut command = mockaa_command(&["listen"]);
        command.env("MOCKAA_URL", server.base_url());
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        command
    };
    let mut first = listen().spawn().expect("the command runs");
    let mut line = String::new();
    let mut log = BufReader::new(first.stderr.take().expect("a pipe"));
    log.read_line(&mut line).expect("a line");
    assert!(line.contains("are sent to"), "{line}");
    let second = listen().output().expect("the command runs");
    let stderr = String::from_utf8(second.stderr).expect("UTF-8");
    assert_eq!(second.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("another `mockaa listen`"), "{stderr}");
    let pid = first.id().to_string();
    let killed = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(killed.expect("kill runs").success());
    assert!(first.wait().expect("it ends").success());
    let shown = mockaa_command(&["fiu", "show", "FIU-1", "--server", server.base_url()]).output();
    let shown = String::from_utf8(shown.expect("it runs").stdout).expect("UTF-8");
    assert!(shown.contains("http://127.0.0.1:9"), "{shown}");
}

/// `--open` starts the browser of the environment with the address of the start page, and a browser
/// that cannot be started is no failure.
#[test]
fn a_browser_is_opened_on_request() {
    let folder = create_folder(
        "serve-open",
        &[("browser", "#!/bin/sh\necho \"$1\" > \"$0.pipe\"\n")],
    );
    let browser = folder.join("browser");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&browser, executable).expect("a script");
    let pipe = folder.join("browser.pipe");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo runs").success());
    let mut command = mockaa_command(&["serve", "--port", "0", "--open"]);
    command.env("BROWSER", &browser).stderr(Stdio::null());
    let server = Server::spawn(&mut command);
    let opened = std::fs::read_to_string(&pipe).expect("the browser writes");
    assert_eq!(opened.trim(), format!("{}/", server.base_url()));

    let mut command = mockaa_command(&["serve", "--port", "0", "--open"]);
    command
        .env("BROWSER", folder.join("nothing"))
        .stderr(Stdio::null());
    let server = Server::spawn(&mut command);
    let address = server.base_url().trim_start_matches("http://");
    let answer = exchange(address, "GET /livez HTTP/1.0\r\n\r\n");
    assert!(answer.contains("200 OK"), "{answer}");
}
