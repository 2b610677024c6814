//! The README's chapters and the configuration in `docs/`, run as a newcomer runs them: their own
//! commands, in order, in one shell.

mod binary;
mod skip;

use std::process::{Child, Command, Stdio};

use crate::binary::{NEWMAN_REMEDY, Server, find_newman, mockaa_command};
use crate::skip::report_skip;

const README: &str = include_str!("../README.md");
const UNAPORT: &str = include_str!("../docs/unaport.md");
const CONFIGURATION: &str = include_str!("../docs/configuration.md");

/// The command of a chapter's receiver of webhooks. It runs beside the steps.
const LISTEN: &str = "cargo run --release -q -- listen";

/// Returns the shell blocks of a chapter.
fn shell_blocks(chapter: &str) -> Vec<&'static str> {
    let (_, text) = README
        .split_once(&format!("\n## {chapter}\n"))
        .expect("the chapter exists");
    let text = text.split("\n## ").next().expect("its text");
    text.split("```sh\n")
        .skip(1)
        .map(|block| block.split("```").next().expect("the block ends"))
        .collect()
}

/// A process that ends with the test.
struct Background(Child);

impl Drop for Background {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts `mockaa listen` and waits for its first line: from then on it receives webhooks.
fn start_listener(server: &Server) -> Background {
    let mut child = mockaa_command(&["listen", "--server", server.base_url()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let stderr = child.stderr.as_mut().expect("a pipe");
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stderr), &mut line)
        .expect("its first line");
    assert!(line.contains(server.base_url()), "{line}");
    Background(child)
}

fn has_curl() -> bool {
    let found = Command::new("curl")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok();
    if !found {
        report_skip("curl");
    }
    found
}

/// Plays a chapter. Its first block starts the server, and a block that listens runs beside the
/// others. The output of each other block contains the expected text.
fn run_chapter(chapter: &str, expected: &[&str]) {
    if !has_curl() {
        return;
    }
    let blocks = shell_blocks(chapter);
    let (serve, steps) = blocks.split_first().expect("it begins with the server");
    let arguments = serve
        .trim()
        .strip_prefix("cargo run --release -- serve")
        .expect("the server is started by cargo")
        .split_ascii_whitespace();
    let server = Server::start(&arguments.chain(["--seed", "42"]).collect::<Vec<_>>());
    let is_listener = |step: &&str| step.trim() == LISTEN;
    let _listener = steps
        .iter()
        .any(is_listener)
        .then(|| start_listener(&server));
    let steps: Vec<_> = steps
        .iter()
        .copied()
        .filter(|step| !is_listener(step))
        .collect();
    assert_outputs(&steps, Some(&server), expected);
}

/// Runs blocks in one shell and compares their outputs, each with one text or several with ` … ` between them.
fn assert_outputs(steps: &[&str], server: Option<&Server>, expected: &[&str]) {
    const SHIPPED: &str = "http://127.0.0.1:8080";
    const NEWMAN: &str = "npx --yes newman run ";
    let base = server.map_or(SHIPPED, Server::base_url);
    // A folder for the files that the commands write.
    let folder = std::env::temp_dir().join(format!(
        "mockaa-readme-{}-{}",
        std::process::id(),
        expected.concat().len()
    ));
    std::fs::create_dir_all(&folder).expect("a folder");
    // The shipped environment names the default port.
    let newman = find_newman().map(|program| {
        let hosts =
            format!("--env-var baseUrl={base}/api/v1 --env-var appUrl={base}/backend-v2/api/v2");
        format!("{} run {hosts} ", program.display())
    });
    let newman = newman.unwrap_or_else(|| {
        if steps.iter().any(|step| step.contains(NEWMAN)) {
            report_skip(NEWMAN_REMEDY);
        }
        "echo skipped: newman ".to_owned()
    });
    let root = env!("CARGO_MANIFEST_DIR");
    // A mark after each block separates the outputs.
    let script = steps
        .join("\necho; echo =====\n")
        .replace(SHIPPED, base)
        .replace(NEWMAN, &newman)
        .replace(" fixtures/", &format!(" {root}/fixtures/"))
        .replace("@fixtures", &format!("@{root}/fixtures"))
        .replace(" scenarios/", &format!(" {root}/scenarios/"))
        .replace("curl -s ", "curl -fsS ")
        .replace("cargo run --release -q --", env!("CARGO_BIN_EXE_mockaa"));
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .env("MOCKAA_URL", base)
        .current_dir(&folder)
        .output()
        .expect("bash runs");
    std::fs::remove_dir_all(&folder).expect("the test made it");
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{stdout}\n{stderr}");
    let outputs: Vec<_> = stdout.split("=====").collect();
    assert_eq!(outputs.len(), expected.len(), "{outputs:#?}");
    for (output, expected) in outputs.iter().zip(expected) {
        for text in expected.split(" … ") {
            assert!(output.contains(text), "{text} is not in: {output}");
        }
    }
}

#[test]
fn the_unaport_journey_leads_to_the_data() {
    // The last block runs Postman's collection, whose tests make it fail, or reports that it is skipped.
    run_chapter(
        "A first journey: the Unaport API",
        &[
            "-",
            "\"ConsentHandle\":\"",
            "\"tabs\":[{\"name\":\"DEPOSIT\"}]",
            "newman",
        ],
    );
}

#[test]
fn the_signed_rebit_journey_leads_to_decrypted_data() {
    run_chapter(
        "The same in ReBIT 2.0.0, signed and encrypted",
        &[
            "\"ConsentHandle\":\"",
            "\"status\":\"APPROVED\"",
            "\"sessionId\":\"",
            "valueDate=\"2024-04-",
        ],
    );
}

#[test]
fn the_seed_calls_lead_to_a_signed_consent() {
    run_chapter(
        "The two seed calls",
        &["\"status\":\"PENDING\" … \"consentDetailDigitalSignature\":\""],
    );
}

#[test]
fn faults_are_injected_and_the_receiver_is_graded() {
    run_chapter(
        "Scenarios and webhook faults",
        &["\"ConsentHandle\":\"", "now 2020-08-03T06:00:0", "8 of 28"],
    );
}

#[test]
fn scenario_files_are_tests() {
    let blocks = shell_blocks("Tests in CI");
    assert_outputs(&blocks, None, &["2 of 2 scenarios"]);
}

#[test]
fn the_postman_files_are_those_of_the_readme() {
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
    let output = mockaa_command(&["config", "sample"])
        .output()
        .expect("it runs");
    let sample = String::from_utf8(output.stdout).expect("text");
    assert!(CONFIGURATION.contains(&format!("```toml\n{sample}```")));
}

#[test]
fn the_unaport_settings_are_valid() {
    let settings = UNAPORT
        .split("```toml\n")
        .find(|block| block.starts_with("[[unaport.account]]"))
        .and_then(|block| block.split("```").next())
        .expect("the page has settings");
    let file = std::env::temp_dir().join(format!("mockaa-readme-{}.toml", std::process::id()));
    std::fs::write(&file, settings).expect("it is written");
    let output = mockaa_command(&[
        "config",
        "show",
        "--config",
        file.to_str().expect("a plain path"),
    ])
    .output()
    .expect("it runs");
    std::fs::remove_file(&file).expect("the test made it");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success()
            && stdout.contains("1 account(s)")
            && stdout.contains("1 template(s)"),
        "{stdout}"
    );
}

#[test]
fn the_readme_begins_with_the_two_commands_and_is_short() {
    let top = README.split("\n## ").next().expect("a top");
    let commands: Vec<_> = top
        .split("```sh\n")
        .skip(1)
        .map(|block| block.lines().next().expect("a line"))
        .collect();
    assert_eq!(commands, ["cargo run --release -- demo", "cargo test"]);
    assert!(README.lines().count() <= 250, "the README is too long");
}
