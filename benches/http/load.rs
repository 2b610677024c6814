//! One run of `wrk`, on the second core.

use std::path::PathBuf;
use std::process::Command;

use crate::server::{LOAD_CORE, NOW, Target};

/// What a run sends.
pub struct Load {
    pub method: &'static str,
    /// The body of POST, or the paths of GET in lines.
    pub file: PathBuf,
    /// The longest pause of a connection before its next call, in milliseconds; 0 for none.
    pub longest_pause: u32,
    /// The number of the first call, from which customers and txnids are made.
    pub first_number: u64,
    pub seconds: u32,
}

/// What a run has measured.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    pub calls: u64,
    /// Calls per second.
    pub rate: f64,
    /// The 99th percentile of the latency in milliseconds.
    pub p99: f64,
}

/// The body of the requests of a load.
pub const POST_FILE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/request.json");

/// Returns the request of the seed documents.
pub fn seed_request() -> String {
    include_str!("../../fixtures/seed/consent-request.json").replace("{{current_timestamp}}", NOW)
}

/// Writes the paths of GET to a file.
pub fn write_paths(paths: &[String]) -> PathBuf {
    let file = PathBuf::from(concat!(env!("CARGO_TARGET_TMPDIR"), "/paths.txt"));
    std::fs::write(&file, paths.join("\n")).expect("the folder is writable");
    file
}

/// The number of connections.
pub const CONNECTIONS: u32 = 64;

impl Load {
    #[expect(clippy::cast_precision_loss, reason = "numbers of calls are small")]
    pub fn run(&self, target: &impl Target) -> Measured {
        std::fs::write(POST_FILE, seed_request()).expect("the folder is writable");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/http/load.lua");
        let output = Command::new("taskset")
            .args(["-c", LOAD_CORE, "wrk", "-t1", &format!("-c{CONNECTIONS}")])
            // A slow server is slow, not broken.
            .args(["--timeout", "60s"])
            .arg(format!("-d{}s", self.seconds))
            .args(["-s", script, target.base_url(), "--", self.method])
            .arg(&self.file)
            .args([
                self.longest_pause.to_string(),
                self.first_number.to_string(),
            ])
            .output()
            .expect("taskset and wrk run: apt-get install util-linux wrk");
        let text = String::from_utf8_lossy(&output.stdout);
        let result = text.lines().find_map(|line| line.strip_prefix("result "));
        let result = result.unwrap_or_else(|| {
            panic!(
                "wrk has no result: {text}{}",
                String::from_utf8_lossy(&output.stderr)
            )
        });
        let numbers: Vec<u64> = result
            .split(' ')
            .map(|number| number.parse().expect("a number"))
            .collect();
        let [calls, micros, _, p99, errors] = numbers[..] else {
            panic!("wrk's result has five numbers: {result}");
        };
        assert_eq!(errors, 0, "some calls failed: {text}");
        Measured {
            calls,
            rate: calls as f64 / micros as f64 * 1e6,
            p99: p99 as f64 / 1e3,
        }
    }
}
