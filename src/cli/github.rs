//! Workflow commands of GitHub Actions: annotations of a line in a file.

use crate::domain::scenario_plan::SourceLocation;
use crate::domain::text::escape_line_controls;

/// The level of an annotation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Level {
    Error,
    Warning,
    Notice,
}

/// Formats an annotation. A message of several lines stays one command.
pub(crate) fn format_annotation(
    level: Level,
    (file, location): (&str, SourceLocation),
    title: Option<&str>,
    message: &str,
) -> String {
    let level = match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Notice => "notice",
    };
    let SourceLocation { line, column } = location;
    let mut properties = vec![format!("file={}", escape_property(file))];
    for (name, number) in [("line", line), ("col", column)] {
        if number > 0 {
            properties.push(format!("{name}={number}"));
        }
    }
    properties.extend(title.map(|title| format!("title={}", escape_property(title))));
    format!(
        "::{level} {}::{}",
        properties.join(","),
        escape_data(message)
    )
}

/// Formats an error that is in no file.
pub(crate) fn format_error(message: &str) -> String {
    format!("::error ::{}", escape_data(message))
}

/// Escapes a message, as the toolkit of GitHub Actions does, and its control characters.
fn escape_data(text: &str) -> String {
    escape_line_controls(text)
        .replace('%', "%25")
        .replace('\n', "%0A")
}

/// Escapes a property, as the toolkit of GitHub Actions does.
fn escape_property(text: &str) -> String {
    escape_data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::{Level, format_annotation};
    use crate::domain::scenario_plan::SourceLocation;

    #[test]
    fn an_annotation_cannot_become_two_commands() {
        let location = SourceLocation { line: 3, column: 0 };
        assert_eq!(
            format_annotation(
                Level::Error,
                ("a,b:c.yaml", location),
                Some("50%: x"),
                "one\r\n::set-output name=x::y, 100%"
            ),
            "::error file=a%2Cb%3Ac.yaml,line=3,title=50%25%3A x::one\\r%0A::set-output name=x::y, 100%25"
        );
    }
}
