//! Texts that people write: what is told of a scenario, and of what is wrong with one.

use std::sync::Arc;

/// What is wrong with a text in one of our formats, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diagnostic {
    /// Counts from 1; 0 when the place is not known.
    pub line: u64,
    /// Counts from 1; 0 when it is the whole line.
    pub column: u64,
    pub message: String,
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            line,
            column,
            message,
        } = self;
        match (line, column) {
            (0, _) => f.write_str(message),
            (line, 0) => write!(f, "{line}: {message}"),
            (line, column) => write!(f, "{line}:{column}: {message}"),
        }
    }
}

impl Diagnostic {
    /// The fault as compilers print it, with its file before its place.
    pub fn format_in_file(&self, file: impl std::fmt::Display) -> String {
        if self.line == 0 {
            format!("{file}: {self}")
        } else {
            format!("{file}:{self}")
        }
    }
}

/// A scenario, for people.
#[derive(Clone, Debug)]
pub struct ScenarioInfo {
    pub name: String,
    /// Where it comes from.
    pub source: String,
    pub description: Option<String>,
    pub text: Arc<str>,
}
