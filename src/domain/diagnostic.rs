//! Diagnostics of scenario, persona and data files.

use serde::{Deserialize, Serialize};

/// An error in a file, with its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Diagnostic {
    /// Line, from 1; 0 if the place is not known.
    pub line: u64,
    /// Column, from 1; 0 if the diagnostic is about the whole line.
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
    /// Formats the diagnostic as compilers do: file, place, message.
    pub fn format_in_file(&self, file: impl std::fmt::Display) -> String {
        if self.line == 0 {
            format!("{file}: {self}")
        } else {
            format!("{file}:{self}")
        }
    }
}
