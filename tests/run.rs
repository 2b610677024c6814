//! `mockaa run`: its formats, its selection of scenarios, and the file of `--junit` on every exit.

mod binary;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use roxmltree::Document;
use serde_json::{Value, json};

use crate::binary::{create_folder, mockaa_command, run_in};

const APPROVED: &str =
    "version: 1\nname: approved\nsteps: [approve: {}]\nexpect: [state: { is: ACTIVE }]\n";
const UNMET: &str =
    "version: 1\nname: unmet\nsteps: [approve: {}]\nexpect:\n  - state: { is: REVOKED }\n";
/// A report of an earlier run without a failure.
const OLD_REPORT: &str = "<testsuites name=\"old\" tests=\"1\" failures=\"0\" errors=\"0\"/>";

/// Runs `mockaa run` in a folder; returns its exit code, stdout and stderr.
fn play_in(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    run_in(folder, &[&["run"], arguments].concat())
}

/// Returns the attributes of the root of a JUnit report.
fn junit_totals(folder: &Path) -> [String; 4] {
    let text = fs::read_to_string(folder.join("results.xml")).expect("the report is written");
    let document = Document::parse(&text).expect("well-formed XML");
    ["tests", "failures", "errors", "skipped"].map(|name| {
        document
            .root_element()
            .attribute(name)
            .unwrap_or_default()
            .to_owned()
    })
}

/// Returns the number of errors in a report.
fn junit_file_errors(file: &Path) -> usize {
    let text = fs::read_to_string(file).expect("the report");
    let document = Document::parse(&text).expect("XML");
    let errors = document.root_element().attribute("errors");
    errors.expect("a total").parse().expect("a number")
}

#[test]
fn annotations_name_file_and_line_and_are_escaped() {
    let scenario = "version: 1\nname: odd\nsteps: [approve: {}]\nexpect:\n  - webhook: { event: consent.status, body: { /a: \"50%,\" } }\n";
    let folder = create_folder(
        "run-github",
        &[("a,b.yaml", scenario), ("good.yaml", APPROVED)],
    );
    let (code, stdout, stderr) = play_in(&folder, &["a,b.yaml", "good.yaml", "--format", "github"]);
    assert_eq!(code, 1, "{stderr}");
    let annotations: Vec<_> = stdout
        .lines()
        .filter(|line| line.starts_with("::"))
        .collect();
    let [annotation] = annotations.as_slice() else {
        panic!("{stdout}");
    };
    assert!(
        annotation.starts_with(
            "::error file=a%2Cb.yaml,line=5,col=5,title=odd%3A expect 1%2C line 5%3A "
        ),
        "{annotation}"
    );
    assert!(
        annotation.contains("counted 0%0Anot counted: journal "),
        "{annotation}"
    );
    assert!(
        annotation.contains("with body /a '50%25%2C'"),
        "{annotation}"
    );
    assert!(
        stdout.ends_with("1 of 2 scenarios as expected\n"),
        "{stdout}"
    );
}

#[cfg(unix)]
#[test]
fn a_file_name_cannot_forge_an_annotation() {
    let name = "a\n::add-mask::x\u{1b}\u{202e}.yaml";
    let folder = create_folder("run-names", &[(name, UNMET)]);
    for arguments in [
        &["run", name][..],
        &["run", name, "--format", "github"],
        &["run", "missing\n::error::x"],
        &["scenario", "lint", name],
        &["scenario", "lint", "--format", "github", name],
    ] {
        let (_, stdout, stderr) = run_in(&folder, arguments);
        let output = format!("{stdout}{stderr}");
        let is_forged =
            |line: &str| line.starts_with("::add-mask") || line.starts_with("::error::x");
        assert!(!output.lines().any(is_forged), "{arguments:?}: {output}");
        assert!(
            !output.contains(['\u{1b}', '\u{202e}']),
            "{arguments:?}: {output:?}"
        );
    }
}

#[cfg(unix)]
#[test]
fn an_annotation_begins_a_line_after_any_output_of_the_command() {
    let folder = create_folder("run-begin", &[("unmet.yaml", UNMET)]);
    let arguments = [
        "unmet.yaml",
        "--format",
        "github",
        "--",
        "sh",
        "-c",
        "printf text",
    ];
    let (_, stdout, stderr) = play_in(&folder, &arguments);
    let output = format!("{stdout}{stderr}");
    assert!(
        output.lines().any(|line| line.starts_with("::error ")),
        "{output}"
    );
    assert!(!output.contains("text::"), "{output}");
}

#[test]
fn junit_has_totals_times_and_the_journal() {
    let folder = create_folder(
        "run-junit",
        &[("approved.yaml", APPROVED), ("unmet.yaml", UNMET)],
    );
    let (code, ..) = play_in(
        &folder,
        &["approved.yaml", "unmet.yaml", "--junit", "results.xml"],
    );
    assert_eq!(code, 1);
    assert_eq!(junit_totals(&folder), ["6", "1", "0", "0"]);
    let text = fs::read_to_string(folder.join("results.xml")).expect("the report is written");
    let document = Document::parse(&text).expect("well-formed XML");
    for node in document
        .descendants()
        .filter(|node| ["testsuites", "testsuite", "testcase"].contains(&node.tag_name().name()))
    {
        let seconds = node
            .attribute("time")
            .and_then(|time| time.parse::<f64>().ok());
        assert!(seconds.is_some(), "{node:?}");
    }
    let played = document
        .descendants()
        .find(|node| node.attribute("name") == Some("the consent is raised and played"))
        .expect("a case");
    assert_ne!(played.attribute("time"), Some("0.000"));
    let outputs: Vec<_> = document
        .descendants()
        .filter(|node| node.has_tag_name("system-out"))
        .map(|node| node.text().unwrap_or_default())
        .collect();
    assert_eq!(outputs.len(), 2);
    assert!(outputs[0].contains("consent.active"), "{}", outputs[0]);
    assert!(
        outputs[0].contains("webhook consent.status ACTIVE, attempt 1, accepted with 200"),
        "{}",
        outputs[0]
    );
}

#[test]
fn an_old_report_never_remains() {
    let endless = "read < <(tail -f /dev/null)";
    let files = [
        ("approved.yaml", APPROVED),
        ("typo.yaml", "version: 1\nname: typo\nsteps: [aprove: {}]\n"),
        ("results.xml", OLD_REPORT),
    ];
    for (name, arguments, code, totals) in [
        ("typo", &["typo.yaml"][..], 2, ["1", "0", "1", "0"]),
        ("missing", &["nosuch.yaml"], 2, ["1", "0", "1", "0"]),
        (
            "config",
            &["approved.yaml", "--config", "nosuch.toml"],
            2,
            ["1", "0", "1", "0"],
        ),
        (
            "command",
            &["approved.yaml", "--", "/nonexistent/program"],
            3,
            ["2", "0", "1", "1"],
        ),
        (
            "timeout",
            &[
                "approved.yaml",
                "--timeout",
                "1s",
                "--",
                "bash",
                "-c",
                endless,
            ],
            1,
            ["3", "2", "0", "0"],
        ),
    ] {
        let folder = create_folder(&format!("run-old-{name}"), &files);
        let arguments = [&["--junit", "results.xml"], arguments].concat();
        let (exit_code, _, stderr) = play_in(&folder, &arguments);
        assert_eq!(junit_totals(&folder), totals, "{name}: {stderr}");
        assert!(
            exit_code == code || (name == "config" && exit_code == 3),
            "{name}: {exit_code} {stderr}"
        );
    }
}

#[cfg(unix)]
#[test]
fn a_stopped_run_reports_what_it_has_not_played() {
    use std::io::Read;
    let files = [
        ("approved.yaml", APPROVED),
        ("unmet.yaml", UNMET),
        ("results.xml", OLD_REPORT),
    ];
    let folder = create_folder("run-stopped", &files);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener
        .local_addr()
        .expect("an address")
        .port()
        .to_string();
    let script = r#"exec 3<>"/dev/tcp/127.0.0.1/$1"; echo started >&3; sleep 60"#;
    let run = mockaa_command(&[
        "run",
        "approved.yaml",
        "unmet.yaml",
        "--junit",
        "results.xml",
        "--",
        "bash",
        "-c",
        script,
        "bash",
        &port,
    ])
    .current_dir(&folder)
    .stdin(Stdio::null())
    .stdout(Stdio::null())
    .stderr(Stdio::null())
    .spawn()
    .expect("the command runs");
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(listener.accept()));
    let accepted = receiver.recv_timeout(Duration::from_secs(60));
    let accepted = accepted.expect("the process connects in time");
    let (mut connection, _) = accepted.expect("a connection");
    let mut bytes = [0; 8];
    connection.read_exact(&mut bytes).expect("it has started");
    // The report is red while the first scenario is played.
    assert_eq!(junit_totals(&folder), ["1", "0", "1", "0"]);
    let status = std::process::Command::new("kill")
        .args(["-INT", &run.id().to_string()])
        .status();
    assert!(status.expect("kill runs").success());
    let output = run.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(junit_totals(&folder), ["3", "0", "1", "2"]);
}

#[test]
fn the_path_of_the_report_is_tested_before_anything_is_played() {
    let folder = create_folder("run-path", &[("approved.yaml", APPROVED)]);
    for (path, text) in [
        ("nosuch/results.xml", "cannot write nosuch/results.xml"),
        (".", "cannot write ."),
        ("approved.yaml", "--junit approved.yaml is a scenario file"),
    ] {
        let (code, stdout, stderr) = play_in(&folder, &["approved.yaml", "--junit", path]);
        assert_eq!((code, stdout.as_str()), (2, ""), "{path}: {stderr}");
        assert!(stderr.contains(text), "{path}: {stderr}");
    }
    let scenario = fs::read_to_string(folder.join("approved.yaml")).expect("a file");
    assert_eq!(scenario, APPROVED);
}

#[test]
fn a_filter_and_fail_fast_say_what_was_not_played() {
    let last = APPROVED.replace("name: approved", "name: zlast");
    let files = [
        ("a.yaml", APPROVED),
        ("b.yaml", UNMET),
        ("c.yaml", last.as_str()),
    ];
    let folder = create_folder("run-filter", &files);
    let names = ["a.yaml", "b.yaml", "c.yaml"];
    let (code, stdout, _) = play_in(
        &folder,
        &[&names[..], &["--filter", "app*", "--junit", "results.xml"]].concat(),
    );
    assert_eq!(code, 0, "{stdout}");
    assert!(
        stdout.ends_with(
            "1 of 1 scenarios as expected\n2 skipped: --filter does not match its name\n"
        ),
        "{stdout}"
    );
    assert_eq!(junit_totals(&folder), ["5", "0", "0", "2"]);

    let (code, stdout, _) = play_in(&folder, &[&names[..], &["--fail-fast", "--json"]].concat());
    assert_eq!(code, 1);
    let report: Value = serde_json::from_str(&stdout).expect("JSON");
    let skipped = json!([{
        "file": "c.yaml",
        "scenario": "zlast",
        "reason": "an earlier scenario failed, and --fail-fast stops then",
    }]);
    assert_eq!(report["skipped"], skipped);
    assert_eq!(report["totals"]["scenarios"], 3);
    assert_eq!(report["totals"]["skipped"], 1);
    assert_eq!(report["totals"]["failures"], 1);

    let (_, stdout, _) = play_in(
        &folder,
        &[&names[..], &["--fail-fast", "--format", "github"]].concat(),
    );
    assert!(
        stdout.contains(
            "::notice file=c.yaml,line=2,col=7,title=zlast is skipped::an earlier scenario failed"
        ),
        "{stdout}"
    );
    let (code, _, stderr) = play_in(&folder, &[&names[..], &["--filter", "nothing"]].concat());
    assert_eq!(code, 2);
    assert!(
        stderr.contains("--filter nothing matches no scenario"),
        "{stderr}"
    );
}

#[test]
fn a_fault_without_effect_is_a_failure_in_each_format() {
    let scenario = "version: 1\nname: faults\nsteps: [approve: {}]\nwebhooks:\n  - { where: { status: ACTIVE }, fault: { extra_fields: {} } }\n  - \
                    { where: { status: ACTIVE, attempts: 3 }, fault: { reset: {} } }\napi_faults:\n  - { where: { op: fi.fetch }, \
                    fault: { reset: {} } }\nexpect: [state: { is: ACTIVE }]\n";
    let folder = create_folder("run-faults", &[("faults.yaml", scenario)]);
    let (code, stdout, _) = play_in(&folder, &["faults.yaml", "--junit", "results.xml"]);
    assert_eq!(code, 1, "{stdout}");
    assert!(
        stdout.contains("     ok    webhooks 1, line 5: extra_fields takes effect\n"),
        "{stdout}"
    );
    assert!(
        stdout.contains("     FAIL  webhooks 2, line 6: reset takes effect\n             reset has had no effect"),
        "{stdout}"
    );
    assert!(
        stdout.contains("     skip  api_faults 1, line 8: reset takes effect\n             the built-in FIU makes no calls"),
        "{stdout}"
    );
    assert_eq!(junit_totals(&folder), ["6", "1", "0", "1"]);
    let (_, stdout, _) = play_in(&folder, &["faults.yaml", "--json"]);
    let report: Value = serde_json::from_str(&stdout).expect("JSON");
    let case = &report["files"][0]["cases"][4];
    assert_eq!(
        (&case["passed"], &case["line"]),
        (&json!(false), &json!(6)),
        "{case}"
    );
    // With an FIU that makes no call, the API fault fails too.
    let (_, stdout, _) = play_in(
        &folder,
        &[
            "faults.yaml",
            "--format",
            "github",
            "--",
            "bash",
            "-c",
            "exit 0",
        ],
    );
    assert!(
        stdout.contains("::error file=faults.yaml,line=8,"),
        "{stdout}"
    );
}

#[test]
fn a_fault_of_visits_is_skipped_where_no_customer_comes() {
    let scenario = "version: 1\nname: visits\nconsent: manual\napi_faults:\n  - { where: { op: redirection, calls: 1 }, fault: { redirect: { errorcode: 20 } } }\n";
    let folder = create_folder("run-visits", &[("visits.yaml", scenario)]);
    let (code, stdout, _) = play_in(&folder, &["visits.yaml", "--", "bash", "-c", "exit 0"]);
    assert_eq!(code, 0, "{stdout}");
    assert!(
        stdout.contains("     skip  api_faults 1, line 5: redirect takes effect\n             no customer has come"),
        "{stdout}"
    );
}

/// The command can move the clock as far as the run without a command does.
#[test]
fn the_command_learns_how_long_the_scenario_takes() {
    let later = "version: 1\nname: later\nsteps: [{ after: 2s, approve: {} }, { after: P1D, revoke: {} }]\n";
    let endless = "version: 1\nname: endless\n";
    let folder = create_folder(
        "run-duration",
        &[("later.yaml", later), ("endless.yaml", endless)],
    );
    for (file, option, duration) in [
        ("later.yaml", None, "90002000ms"),
        ("later.yaml", Some(["--for", "5s"]), "5000ms"),
        ("endless.yaml", None, ""),
    ] {
        let check = format!("test \"${{MOCKAA_DURATION-unset}}\" = \"{duration}\"");
        let options: Vec<_> = option.into_iter().flatten().collect();
        let command = ["--", "bash", "-c", &check];
        let (code, stdout, stderr) = play_in(&folder, &[&[file][..], &options, &command].concat());
        assert_eq!(code, 0, "{file}: {stdout}{stderr}");
    }
}

#[test]
fn what_can_never_happen_fails_lint_and_run() {
    for (name, entry, text) in [
        (
            "nth",
            "webhooks: [{ where: { event: consent.status, status: REVOKED, nth: 9 }, fault: { drop: {} } }]",
            "nth begins at 9, and a consent causes 1 of consent.status with status REVOKED at most",
        ),
        (
            "status",
            "webhooks: [{ where: { event: consent.status, status: PENDING }, fault: { drop: {} } }]",
            "consent.status with status PENDING is never sent; possible: consent.status ACTIVE",
        ),
        (
            "field",
            "api_faults: [{ where: { op: consent.status }, fault: { missing_field: ConsentStatus.state } }]",
            "no answer to the call consent.status has ConsentStatus.state; did you mean ConsentStatus.status?",
        ),
        (
            "fip",
            "rules: [{ when: fi.requested, deliver: { default: READY, fips: { FIP-99: DENIED } } }]",
            "deliver has no effect at 'FIP-99': there is no such FIP; known: FIP-1",
        ),
        (
            "state",
            "match: { api: rebit-2 }\nexpect: [{ webhook: { status: READY } }]",
            "can never be met: a webhook with status READY is never sent",
        ),
        (
            "always",
            "match: { api: rebit-2 }\nexpect: [{ webhook: { event: analytics, count: 0 } }]",
            "is always met: analytics is never sent",
        ),
        (
            "order",
            "expect: [{ never: { event: consent.ready, after_event: consent.active } }]",
            "is always met: consent.ready never follows consent.active of the same consent",
        ),
        (
            "rule",
            "match: { api: seed }\nrules: [{ when: analytics.reported, notify: { status: PAUSED } }]",
            "rule 1, line 5, can never fire: analytics.reported never happens",
        ),
        (
            "fiu",
            "api_faults: [{ where: { op: consent.status, fiu: FIU-99 }, fault: { status: 503 } }]",
            "matches nothing: there is no FIU fiu-99; known: FIU-1",
        ),
        (
            "matched-fiu",
            "match: { fiu: FIU-99 }",
            "matches nothing: there is no FIU fiu-99; known: FIU-1",
        ),
        (
            "unsigned",
            "match: { api: rebit-2 }\napi_faults: [{ where: { op: consent.status }, fault: { tampered_consent: payload } }]",
            "changes nothing: responses of consent.status have no signed consent",
        ),
        (
            "first",
            "api_faults: [{ where: { op: consent.status, calls: 1 }, fault: { stale_response: {} } }]",
            "changes nothing: there is no response before the first one",
        ),
        (
            "zero",
            "webhooks: [{ where: { status: ACTIVE }, fault: { stale_timestamp: { by: 0s } } }]",
            "changes nothing: its duration is 0",
        ),
        (
            "fetch-quirk",
            "match: { api: rebit-2 }\nfetch_quirks: [no-seconds, first-empty]",
            "first-empty changes nothing: it is a quirk of Fetch Data of the Unaport API",
        ),
    ] {
        let scenario = format!("version: 1\nname: x\nsteps: [approve: {{}}]\n{entry}\n");
        let folder = create_folder(&format!("run-never-{name}"), &[("x.yaml", &scenario)]);
        let lint = mockaa_command(&["scenario", "lint", "x.yaml"])
            .current_dir(&folder)
            .output()
            .expect("the command runs");
        let stdout = String::from_utf8(lint.stdout).expect("UTF-8");
        assert_eq!(lint.status.code(), Some(2), "{name}: {stdout}");
        assert!(stdout.contains(text), "{name}: {stdout}");
        let (code, stdout, _) = play_in(&folder, &["x.yaml", "--junit", "results.xml"]);
        assert_eq!(code, 1, "{name}: {stdout}");
        assert!(stdout.contains(text), "{name}: {stdout}");
        assert_ne!(junit_totals(&folder)[1], "0", "{name}");
    }
}

#[test]
fn a_fault_that_another_hides_has_no_effect() {
    for (faults, hidden) in [
        ("unknown_enum: {}|missing_optional: {}", "missing_optional"),
        ("fail: {}|wrong_key: {}", "wrong_key"),
        ("drop: {}|duplicate: {}", "duplicate"),
        (
            "missing_signature: {}|corrupt_signature: flip_bit",
            "corrupt_signature",
        ),
    ] {
        let rules: String = faults
            .split('|')
            .map(|fault| format!("  - {{ where: {{ status: ACTIVE }}, fault: {{ {fault} }} }}\n"))
            .collect();
        let scenario = format!(
            "version: 1\nname: x\nmatch: {{ api: rebit-1 }}\nsteps: [approve: {{}}]\nwebhooks:\n{rules}"
        );
        let folder = create_folder(&format!("run-hidden-{hidden}"), &[("x.yaml", &scenario)]);
        let (code, stdout, stderr) = play_in(&folder, &["x.yaml"]);
        assert_eq!(code, 1, "{stdout}{stderr}");
        assert!(
            stdout.contains(&format!("{hidden} has had no effect")),
            "{stdout}"
        );
        assert_eq!(stdout.matches("has had no effect").count(), 1, "{stdout}");
    }
}

#[cfg(unix)]
#[test]
fn a_closed_stdout_is_no_success() {
    let folder = create_folder(
        "run-closed",
        &[
            ("a.yaml", APPROVED),
            ("b.yaml", UNMET),
            ("old.xml", OLD_REPORT),
        ],
    );
    let mut command = mockaa_command(&["run", "a.yaml", "b.yaml", "--junit", "old.xml"]);
    let mut child = command
        .current_dir(&folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the run ends");
    assert_eq!(output.status.code(), Some(141));
    assert_ne!(junit_file_errors(&folder.join("old.xml")), 0);
}

#[test]
fn a_wrong_option_overwrites_an_old_report() {
    let folder = create_folder(
        "run-options",
        &[
            ("a.yaml", APPROVED),
            ("old.xml", OLD_REPORT),
            ("b.yaml", UNMET),
        ],
    );
    let old = folder.join("old.xml");
    for arguments in [
        &["a.yaml", "--junit", "old.xml", "--bogus"][..],
        &["a.yaml", "--junit=old.xml", "--timeout", "5x"],
        &["--junit", "old.xml"],
    ] {
        fs::write(&old, OLD_REPORT).expect("it is written");
        let (code, _, stderr) = play_in(&folder, arguments);
        assert_eq!(code, 2, "{stderr}");
        assert_eq!(junit_file_errors(&old), 1, "{arguments:?}");
    }
    // No other file is overwritten.
    let (code, _, _) = play_in(&folder, &["--junit", "b.yaml", "--bogus"]);
    assert_eq!(code, 2);
    assert_eq!(
        fs::read_to_string(folder.join("b.yaml")).expect("a file"),
        UNMET
    );
}

#[test]
fn the_report_is_xml_whatever_the_names_are() {
    let scenario = "version: 1\nname: x\nsteps: [approve: {}]\nexpect:\n  - call: { op: consent.create, customer: \"x\\uFFFE\\uFFFF\\e[31m\" }\n";
    let folder = create_folder("run-xml", &[("x.yaml", scenario)]);
    let (code, stdout, _) = play_in(&folder, &["x.yaml", "--junit", "results.xml"]);
    assert_eq!(code, 1, "{stdout}");
    assert!(!stdout.contains('\u{1b}'), "{stdout:?}");
    junit_totals(&folder);
    let (_, stdout, _) = play_in(&folder, &["x.yaml", "--format", "github"]);
    assert!(!stdout.contains('\u{1b}'), "{stdout:?}");
}

#[test]
fn a_file_that_cannot_be_read_is_annotated() {
    let folder = create_folder(
        "run-bad",
        &[("bad.yaml", "version: 1\nname: x\nstep: []\n")],
    );
    let (code, stdout, _) = play_in(&folder, &["bad.yaml", "--format", "github"]);
    assert_eq!(code, 2);
    assert!(stdout.contains("::error ::bad.yaml:3"), "{stdout}");
}

#[test]
fn the_fips_of_the_own_configuration_are_known_to_lint() {
    let scenario = "version: 1\nname: x\nsteps: [approve: {}]\nrules: [{ when: fi.requested, deliver: { default: READY, fips: { MY-FIP: DENIED } } }]\n";
    let config = "[[fip]]\nid = \"MY-FIP\"\n";
    let folder = create_folder("run-config", &[("x.yaml", scenario), ("my.toml", config)]);
    for (arguments, code) in [(&["--config", "my.toml"][..], 0), (&[], 2)] {
        let lint = mockaa_command(&[&["scenario", "lint", "x.yaml"], arguments].concat())
            .current_dir(&folder)
            .output()
            .expect("the command runs");
        assert_eq!(lint.status.code(), Some(code), "{lint:?}");
    }
}

/// A scenario names a generation of the schemas as `--schema` does. YAML reads `1.1` as a number,
/// and following the remedy helps.
#[test]
fn a_scenario_takes_the_versions_of_the_schemas_as_names() {
    let folder = create_folder("run-fi-schema", &[]);
    let lint = |value: &str| {
        let scenario = format!("version: 1\nname: x\nfi_schema: {value}\nsteps: [approve: {{}}]\n");
        std::fs::write(folder.join("x.yaml"), scenario).expect("a file");
        let lint = mockaa_command(&["scenario", "lint", "--strict", "x.yaml"])
            .current_dir(&folder)
            .output()
            .expect("the command runs");
        let output = String::from_utf8([lint.stdout, lint.stderr].concat()).expect("UTF-8");
        (lint.status.success(), output)
    };
    for value in ["current", "retired", "2.0.0", "'2.0.0'", "'1.1'"] {
        let (is_accepted, output) = lint(value);
        assert!(is_accepted, "{value}: {output}");
    }
    for (value, expected) in [
        ("1.1", "write it in quotes"),
        ("'2.1'", "current, retired, 2.0.0, 1.1"),
    ] {
        let (is_accepted, output) = lint(value);
        assert!(
            !is_accepted && output.contains(expected),
            "{value}: {output}"
        );
    }
}

/// A quirk without data is reported, and an unknown one is refused.
#[test]
fn lint_reports_quirks_that_meet_no_data() {
    for (name, entry, text) in [
        (
            "never-active",
            "quirks: [newest-first]\nsteps: [reject: {}]",
            "quirk newest-first meets no data: the consent is never ACTIVE",
        ),
        (
            "other-type",
            "match: { fi_types: [MUTUAL_FUNDS] }\nquirks: [empty-micr]\nsteps: [approve: {}]",
            "quirk empty-micr meets no data: it changes nothing in documents of MUTUAL_FUNDS",
        ),
        (
            "overridden",
            "quirks: [no-offset, ist-marked-utc]\nsteps: [approve: {}]",
            "quirk no-offset changes nothing beside ist-marked-utc",
        ),
        (
            "unknown",
            "quirks: [newest-fist]\nsteps: [approve: {}]",
            "newest-first",
        ),
    ] {
        let scenario = format!("version: 1\nname: x\n{entry}\n");
        let folder = create_folder(&format!("run-quirk-{name}"), &[("x.yaml", &scenario)]);
        let lint = mockaa_command(&["scenario", "lint", "--strict", "x.yaml"])
            .current_dir(&folder)
            .output()
            .expect("the command runs");
        let output = [lint.stdout, lint.stderr].concat();
        let output = String::from_utf8(output).expect("UTF-8");
        assert_eq!(lint.status.code(), Some(2), "{name}: {output}");
        assert!(output.contains(text), "{name}: {output}");
    }
}
