//! The command line of the bench.

use std::path::PathBuf;

/// What to measure, and how long.
pub struct Options {
    /// The program that is measured.
    pub program: PathBuf,
    pub rounds: usize,
    /// The seconds of each load.
    pub seconds: u32,
    /// Words in the names of the measurements; without words, all run but those of the peers.
    words: Vec<String>,
}

pub const HELP: &str = "\
cargo bench --bench http [-- [OPTIONS] [WORDS]]

Measures mockaa over HTTP beside a bare actix server, in interleaved rounds. The servers run on the
first core, the load on the second.

WORDS: calls, million, memory, webhooks, start, advance, worlds; also peers, which installs them
from npm and runs only when it is named.

  --program FILE   measure this program instead of the one that cargo builds
  --rounds COUNT   default: 5
  --seconds COUNT  seconds of each load, default: 3";

impl Options {
    /// Parses the arguments; `None` if they ask for help.
    pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Self {
            program: PathBuf::from(env!("CARGO_BIN_EXE_mockaa")),
            rounds: 5,
            seconds: 3,
            words: Vec::new(),
        };
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            let mut value = || {
                let value = arguments.next();
                value.ok_or_else(|| format!("{argument} needs a value"))
            };
            let count = |text: String| {
                let count = text.parse().ok().filter(|count| *count > 0);
                count.ok_or_else(|| format!("{text} is not a number from 1 on"))
            };
            match argument.as_str() {
                "--help" | "-h" => return Ok(None),
                // Cargo adds it.
                "--bench" => {}
                "--program" => options.program = value()?.into(),
                "--rounds" => options.rounds = count(value()?)? as usize,
                "--seconds" => options.seconds = count(value()?)?,
                word if word.starts_with('-') => return Err(format!("unknown option {word}")),
                word => options.words.push(word.to_owned()),
            }
        }
        Ok(Some(options))
    }

    /// Returns whether a measurement runs.
    pub fn includes(&self, name: &str) -> bool {
        self.names(name) || (self.words.is_empty() && name != "peers")
    }

    fn names(&self, name: &str) -> bool {
        self.words.iter().any(|word| word == name)
    }
}
