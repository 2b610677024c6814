//! Postman's command-line runner, where there is one.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The runner that `.ci/run` has installed, else the one on the PATH.
pub fn newman() -> Option<PathBuf> {
    let installed = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target/newman/node_modules/.bin/newman"));
    let runs = |program: &PathBuf| {
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    };
    [installed, PathBuf::from("newman")].into_iter().find(runs)
}
