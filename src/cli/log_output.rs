//! The output of the log on stderr. Each event is one line, whatever callers send.

use std::io::{self, Write};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;

use crate::domain::naming::suggest_name;
use crate::domain::text::{escape_controls, escape_json_controls, quote_value};

/// Names of levels, for messages.
const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

/// Parses levels, such as `warn,mockaa::webhooks=debug`.
///
/// # Errors
/// A word that is no level: the log would take it for a module and show nothing else.
pub(crate) fn parse_levels(text: &str) -> Result<Targets, String> {
    for part in text.split(',').map(str::trim) {
        let level = part.rsplit_once('=').map_or(part, |(_, level)| level);
        let is_module = !part.contains('=') && part.contains("::");
        if !is_module && level.parse::<LevelFilter>().is_err() {
            let suggestion = suggest_name(level, LEVELS.into_iter());
            return Err(format!("{} is no level; {suggestion}", quote_value(level)));
        }
    }
    text.parse().map_err(|error| format!("{error}"))
}

/// Encoding of the events in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogEncoding {
    Text,
    /// JSON, in which a control character has JSON's escape.
    Json,
}

/// A writer that escapes the control characters of each event but its final line feed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogOutput {
    pub encoding: LogEncoding,
}

impl MakeWriter<'_> for LogOutput {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        *self
    }
}

impl Write for LogOutput {
    /// Writes one event, which the subscriber passes as a whole.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let line = escape_event(event, self.encoding);
        io::stderr().lock().write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

fn escape_event(event: &[u8], encoding: LogEncoding) -> String {
    let event = String::from_utf8_lossy(event);
    let (line, end) = match event.strip_suffix('\n') {
        Some(line) => (line, "\n"),
        None => (&*event, ""),
    };
    let line = match encoding {
        LogEncoding::Text => escape_controls(line),
        LogEncoding::Json => escape_json_controls(line),
    };
    format!("{line}{end}")
}

#[cfg(test)]
mod tests {
    use super::{LogEncoding, escape_event};

    #[test]
    fn an_event_is_one_line_in_both_encodings() {
        let event = "INFO call{path=/a}: x\nERROR forged\u{1b}[2K\u{2028}\u{202e}\n".as_bytes();
        assert_eq!(
            escape_event(event, LogEncoding::Text),
            "INFO call{path=/a}: x\\nERROR forged\\u{1b}[2K\\u{2028}\\u{202e}\n"
        );
        let event = "{\"answer\":\"a\u{85}\u{202e}\u{e0001}\"}\n".as_bytes();
        let line = escape_event(event, LogEncoding::Json);
        assert_eq!(line, "{\"answer\":\"a\\u0085\\u202e\\udb40\\udc01\"}\n");
        let value: serde_json::Value = serde_json::from_str(&line).expect("it is still JSON");
        assert_eq!(value["answer"], "a\u{85}\u{202e}\u{e0001}");
    }
}
