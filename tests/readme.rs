//! The README's chapters, run as a newcomer runs them: its own commands, in order, in one shell.

mod binary;

use std::process::{Command, Stdio};

use crate::binary::{Server, find_newman, mockaa_command};

const README: &str = include_str!("../README.md");

/// The shell blocks of a chapter.
fn shell_blocks(chapter: &str) -> Vec<&'static str> {
    let (_, text) = README
        .split_once(&format!("\n## {chapter}\n"))
        .expect("the chapter is there");
    let text = text.split("\n## ").next().expect("its text");
    let blocks = text.split("```sh\n").skip(1);
    blocks
        .map(|block| block.split("```").next().expect("the block ends"))
        .collect()
}

/// Plays a chapter: its first block starts the server, each other one is run, and its output has to hold something.
fn run_chapter(chapter: &str, expected: &[&str]) {
    if Command::new("curl")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        eprintln!("SKIPPED: needs curl");
        return;
    }
    let blocks = shell_blocks(chapter);
    let (serve, steps) = blocks.split_first().expect("it begins with the server");
    let arguments = serve
        .trim()
        .strip_prefix("cargo run --release -- ")
        .expect("the server is run by cargo");
    let arguments = arguments
        .strip_prefix("serve")
        .expect("it serves")
        .split_ascii_whitespace();
    let server = Server::start(&arguments.chain(["--seed", "42"]).collect::<Vec<_>>());
    let base = server.base_url();

    // A folder of its own, with what the commands read; what they write is gone with it.
    let folder = std::env::temp_dir().join(format!("mockaa-readme-{}", server.child.id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let (fixtures, scenarios) = (
        concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures"),
        concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios"),
    );
    // The environment has the port that is the default.
    let runner = find_newman().map(|program| {
        let hosts =
            format!("--env-var baseUrl={base}/api/v1 --env-var appUrl={base}/backend-v2/api/v2");
        format!("{} run {hosts} ", program.display())
    });
    let runner = runner.unwrap_or_else(|| {
        eprintln!("SKIPPED: what needs newman; npm install --prefix target/newman newman");
        "echo skipped: newman ".to_owned()
    });
    // A mark after each block tells whose output is whose.
    let script = steps
        .join("\necho; echo =====\n")
        .replace("http://127.0.0.1:8080", base)
        .replace("npx --yes newman run ", &runner)
        .replace(" fixtures/", &format!(" {fixtures}/"))
        .replace(" scenarios/", &format!(" {scenarios}/"))
        .replace("curl -s ", "curl -fsS ")
        .replace("cargo run --release -q --", env!("CARGO_BIN_EXE_mockaa"))
        .replace("@fixtures", &format!("@{fixtures}"));
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .current_dir(&folder)
        .output()
        .expect("bash runs");
    std::fs::remove_dir_all(&folder).expect("it is ours");
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{stdout}\n{stderr}");
    let outputs: Vec<_> = stdout.split("=====").collect();
    assert_eq!(outputs.len(), expected.len(), "{outputs:#?}");
    for (output, expected) in outputs.iter().zip(expected) {
        assert!(output.contains(expected), "{expected} is not in: {output}");
    }
}

#[test]
fn the_five_minutes_work_as_written() {
    run_chapter(
        "Five minutes to a consent of your own",
        &[
            "\"ConsentHandle\":\"",
            "\"status\":\"PENDING\"",
            "\"state\":\"ACTIVE\"",
            "\"consentDetailDigitalSignature\":\"",
            "\"state\":\"unaddressed\"",
            "<Transaction ",
        ],
    );
}

#[test]
fn the_rebit_chapter_leads_to_decrypted_data() {
    run_chapter(
        "From nothing to decrypted data, in ReBIT 2.0.0",
        &[
            "\"ConsentHandle\":\"",
            "\"status\":\"APPROVED\"",
            "\"sessionId\":\"",
            "valueDate=\"2024-04-",
        ],
    );
}

#[test]
fn the_unaport_chapter_leads_to_the_data() {
    // The last block runs Postman's collection, whose tests make it fail, or says that it is skipped.
    run_chapter(
        "From nothing to data, in the Unaport FIU API v2.0.0",
        &[
            "-",
            "\"ConsentHandle\":\"",
            "\"tabs\":[{\"name\":\"DEPOSIT\"}]",
            "newman",
        ],
    );
}

#[test]
fn the_chapter_on_what_goes_wrong_works_as_written() {
    run_chapter(
        "When things go wrong",
        &[
            "2 of 2 scenarios as expected",
            "\"ConsentHandle\":\"",
            "2020-08-03T06:00:00.000Z",
            "counted 1",
            "no rule was broken",
        ],
    );
}

#[test]
fn the_postman_files_are_those_of_the_chapter() {
    let environment = include_str!("../fixtures/postman/mockaa.postman_environment.json");
    let collection = include_str!("../fixtures/postman/mockaa.postman_collection.json");
    for name in [
        "\"baseUrl\"",
        "\"appUrl\"",
        "http://127.0.0.1:8080/backend-v2/api/v2",
    ] {
        assert!(environment.contains(name), "{name}");
    }
    for file in [environment, collection] {
        serde_json::from_str::<serde_json::Value>(file).expect("JSON");
    }
}

#[test]
fn the_sample_configuration_is_the_one_that_is_printed() {
    let printed = Command::new(env!("CARGO_BIN_EXE_mockaa"))
        .args(["config", "sample"])
        .output()
        .expect("it runs");
    let printed = String::from_utf8(printed.stdout).expect("text");
    assert!(README.contains(&format!("```toml\n{printed}```")));
}

#[test]
fn the_settings_that_are_shown_are_right() {
    let settings = README
        .split("```toml\n")
        .find(|block| block.starts_with("[[unaport.account]]"))
        .expect("they are shown");
    let settings = settings.split("```").next().expect("the block ends");
    let file = std::env::temp_dir().join(format!("mockaa-readme-{}.toml", std::process::id()));
    std::fs::write(&file, settings).expect("it is written");
    let checked = mockaa_command(&[
        "config",
        "show",
        "--config",
        file.to_str().expect("a plain path"),
    ])
    .output()
    .expect("it runs");
    std::fs::remove_file(&file).expect("it is ours");
    let stdout = String::from_utf8_lossy(&checked.stdout);
    assert!(
        checked.status.success() && stdout.contains("1 account(s) may log in   1 template(s)"),
        "{stdout}"
    );
}

#[test]
fn the_two_commands_stand_at_the_top() {
    let top = README.split("\n## ").next().expect("a top");
    let blocks: Vec<_> = top
        .split("```sh\n")
        .skip(1)
        .map(|block| block.lines().next().expect("a line"))
        .collect();
    assert_eq!(blocks, ["cargo run --release -- demo", "cargo test"]);
}
