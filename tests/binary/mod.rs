//! The binary as a server, and the external program that tests it.

#![allow(dead_code, reason = "each test binary uses a part of this module")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// Returns the binary with these arguments. Settings of the developer's environment are removed.
pub fn mockaa_command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mockaa"));
    command.args(arguments);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MOCKAA_")) {
        command.env_remove(name);
    }
    command
}

/// Creates a new folder with these files. `name` is that of the test, unique in all binaries.
pub fn create_folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    for (file, text) in files {
        fs::write(folder.join(file), text).expect("a file");
    }
    folder
}

/// Runs the binary in a folder; returns its exit code, stdout and stderr.
pub fn run_in(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    split_output(
        &mockaa_command(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .output()
            .expect("the command runs"),
    )
}

/// Returns exit code, stdout and stderr.
pub fn split_output(output: &Output) -> (i32, String, String) {
    (
        output.status.code().expect("an exit code"),
        decode_lossy(&output.stdout),
        decode_lossy(&output.stderr),
    )
}

pub fn decode_lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A server that has printed its ready line.
pub struct Server {
    pub child: Child,
    /// Content of the ready line.
    pub ready: Value,
}

impl Server {
    /// Starts `mockaa serve` on a free port, without its log: a pipe that is not read would fill up
    /// and block the server.
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_with_stderr(arguments, Stdio::null())
    }

    /// Starts `mockaa serve` with its log in `child.stderr`, for tests that read it.
    pub fn start_with_log(arguments: &[&str]) -> Self {
        Self::start_with_stderr(arguments, Stdio::piped())
    }

    fn start_with_stderr(arguments: &[&str], stderr: Stdio) -> Self {
        let mut command = mockaa_command(&[&["serve", "--port", "0"], arguments].concat());
        command.stderr(stderr);
        Self::spawn(&mut command)
    }

    /// Starts a command that serves.
    pub fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .expect("the command runs");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("a pipe"))
            .read_line(&mut line)
            .expect("a line");
        let ready = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("no ready line ({error}): {line}"));
        Self { child, ready }
    }

    pub fn base_url(&self) -> &str {
        self.ready["base_url"].as_str().expect("a URL")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Remedy for a missing runner of Postman collections.
pub const NEWMAN_REMEDY: &str = "newman (npm install --prefix target/newman newman)";

/// Returns Postman's command-line runner: the one that `.ci/run` has installed, else the one on the
/// PATH.
pub fn find_newman() -> Option<PathBuf> {
    let installed = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/target/newman/node_modules/.bin/newman"
    ));
    let is_runnable = |program: &PathBuf| {
        Command::new(program)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok()
    };
    [installed, PathBuf::from("newman")]
        .into_iter()
        .find(is_runnable)
}
