//! The report of a test that cannot run here, because a tool or a file is missing.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// File of all reports, a line each. `.ci/run` empties it before the tests and reads it afterwards;
/// the output of a passed test is captured.
const REPORT_FILE: &str = "skipped.txt";

/// Reports that the calling test is skipped: on stderr, and for `.ci/run`. `remedy` names what is
/// missing.
pub fn report_skip(remedy: &str) {
    // The test runner names each thread after its test.
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let line = format!("{} {test}: needs {remedy}\n", env!("CARGO_CRATE_NAME"));
    eprint!("SKIPPED: {line}");
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(Path::new(env!("CARGO_TARGET_TMPDIR")).join(REPORT_FILE))
        .and_then(|mut file| file.write_all(line.as_bytes()))
        .expect("the report of skipped tests is written");
}
