//! Texts that people write: what is told of a scenario, and of what is wrong with one.

use std::sync::Arc;

/// What is wrong with a text in one of our formats, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TextFault {
    /// Counts from 1; 0 when the place is not known.
    pub line: u64,
    pub column: u64,
    pub message: String,
}

impl std::fmt::Display for TextFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { line, column, message } = self;
        if *line == 0 { f.write_str(message) } else { write!(f, "{line}:{column}: {message}") }
    }
}

/// A scenario, for people.
#[derive(Clone, Debug)]
pub struct Shown {
    pub name: String,
    /// Where it comes from.
    pub source: String,
    pub description: Option<String>,
    pub text: Arc<str>,
}
