//! The pages of a sandbox in headless Chromium. The tests themselves are in `tests/browser` and run
//! in Node.js; this one starts the sandbox and installs their packages below `target/browser`.
//!
//! `MOCKAA_BROWSER=full` opens each page in all combinations of width and color scheme, and
//! `MOCKAA_SCREENSHOTS` names a folder for pictures.

mod binary;
mod skip;

use std::env;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::binary::{Server, decode_lossy, mockaa_command};
use crate::skip::report_skip;

/// Programs that are Chromium, the one of Debian first.
const CHROMIUM_NAMES: [&str; 2] = ["chromium", "google-chrome"];

/// The oldest version of Node.js that Playwright accepts.
const NODE_VERSION_MIN: u32 = 20;

/// Mistakes in the lock file, in npm's words. Any other failure of npm counts as a missing network.
const LOCK_FILE_ERRORS: [&str; 3] = ["EUSAGE", "EINTEGRITY", "EJSONPARSE"];

/// Returns the path of a program on the PATH.
fn find_program(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// Returns the major version of Node.js.
fn node_version() -> Option<u32> {
    let output = Command::new("node").arg("--version").output().ok()?;
    let version = decode_lossy(&output.stdout);
    version
        .trim()
        .strip_prefix('v')?
        .split('.')
        .next()?
        .parse()
        .ok()
}

/// Returns stdout and stderr, in this order.
fn combine_output(output: &Output) -> String {
    decode_lossy(&output.stdout) + &decode_lossy(&output.stderr)
}

/// Copies the tests to a folder, without the files of an earlier copy. Returns whether the packages
/// of this lock file are installed there.
fn copy_tests(folder: &Path) -> bool {
    let lock_file = folder.join("package-lock.json");
    let installed_lock = fs::read(&lock_file).unwrap_or_default();
    fs::create_dir_all(folder).expect("a folder");
    for entry in fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            fs::remove_file(&path).expect("an earlier copy is removed");
        }
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    for entry in fs::read_dir(source).expect("the tests") {
        let path = entry.expect("an entry").path();
        // A developer may have installed the packages beside the tests.
        if path.is_file() {
            fs::copy(&path, folder.join(path.file_name().expect("a name"))).expect("a copy");
        }
    }
    // npm writes this file when it has installed everything.
    folder.join("node_modules/.package-lock.json").is_file()
        && fs::read(&lock_file).expect("the copied lock file") == installed_lock
}

/// Installs the packages of the lock file. Returns npm's output if the network is missing.
fn install_packages(folder: &Path) -> Result<(), String> {
    let output = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--prefer-offline"])
        .args(["--fetch-retries", "1"])
        .current_dir(folder)
        .output()
        .expect("npm runs");
    let text = combine_output(&output);
    if output.status.success() {
        return Ok(());
    }
    // The packages of another lock file may still be there.
    fs::remove_file(folder.join("package-lock.json")).expect("the copied lock file");
    let is_our_mistake = LOCK_FILE_ERRORS.iter().any(|code| text.contains(code));
    assert!(!is_our_mistake, "npm ci in tests/browser: {text}");
    Err(text)
}

/// Returns a port on which no program listens.
fn find_free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

#[test]
fn the_pages_pass_their_tests_in_chromium() {
    let Some(chromium) = CHROMIUM_NAMES.iter().find_map(|name| find_program(name)) else {
        report_skip("Chromium (Debian: apt-get install chromium)");
        return;
    };
    if node_version().is_none_or(|version| version < NODE_VERSION_MIN) {
        report_skip(&format!("node, version {NODE_VERSION_MIN} or later"));
        return;
    }
    // Cargo's folder for the files of tests is below its target folder.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    let folder = target.expect("the target folder").join("browser");
    if !copy_tests(&folder) {
        if find_program("npm").is_none() {
            report_skip("npm");
            return;
        }
        if let Err(text) = install_packages(&folder) {
            eprintln!("{text}");
            report_skip("the network, or npm's cache, for the packages of tests/browser");
            return;
        }
    }
    let clock = "2026-01-15T06:00:00Z,frozen";
    let server = Server::start(&["--seed", "42", "--clock", clock]);
    // The page of a lender in `sdk.test.mjs`.
    let lender = format!("http://localhost:{}", find_free_port());
    let with_login = Server::start(&[
        "--seed",
        "42",
        "--clock",
        clock,
        "--customer-login",
        "on",
        "--frame-origin",
        &lender,
    ]);
    let mut demo = mockaa_command(&["demo", "--web", "--no-open"]);
    let demo = Server::spawn(demo.stderr(Stdio::null()));
    let demo_url = demo.ready["lender_url"].as_str().expect("a URL");
    let mut tests = Command::new("node");
    tests
        // The journeys of the demo mostly wait, so that other files run beside them.
        .args(["--test", "--test-concurrency", "2"])
        .args(["--test-reporter", "spec"])
        .env("MOCKAA_URL", server.base_url())
        .env("MOCKAA_LOGIN_URL", with_login.base_url())
        .env("MOCKAA_LENDER_URL", &lender)
        .env("MOCKAA_DEMO_URL", format!("{demo_url}/"))
        .env("MOCKAA_CHROMIUM", chromium)
        .current_dir(&folder);
    if let Some(pictures) = env::var_os("MOCKAA_SCREENSHOTS") {
        let pictures = std::path::absolute(pictures).expect("a path");
        tests.env("MOCKAA_SCREENSHOTS", pictures);
    }
    let output = tests.output().expect("node runs");
    let text = combine_output(&output);
    println!("{text}");
    assert!(
        output.status.success(),
        "tests in tests/browser failed; their output is above"
    );
    assert!(!text.contains("tests 0\n"), "node has found no test");
}
