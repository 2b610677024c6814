//! Output that cannot be written: a full disk, or a reader that has closed the pipe. Each command
//! ends with one line on stderr and without a panic message.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use crate::cli::ExitStatus;

/// Exit code of a command that a signal about a closed pipe would end in a shell (128 + SIGPIPE).
const CLOSED_PIPE_CODE: u8 = 141;

/// Meaning of the exit code of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodeMeaning {
    /// A result that a script relies on.
    Verdict,
    /// Success or an error.
    Completion,
}

/// Ends the process without a panic message where `println!` or `eprintln!` cannot write.
pub(crate) fn install_panic_hook(meaning: CodeMeaning) {
    let default_hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let text = panic
            .payload()
            .downcast_ref::<String>()
            .map(String::as_str)
            .unwrap_or_default();
        if let Some(reason) = text.strip_prefix("failed printing to stdout: ") {
            let kind = if reason.contains("pipe") {
                ErrorKind::BrokenPipe
            } else {
                ErrorKind::Other
            };
            std::process::exit(report_failure(kind, reason, meaning).into());
        }
        if text.starts_with("failed printing to stderr") {
            std::process::exit(ExitStatus::NotRun.code().into());
        }
        default_hook(panic);
    }));
}

/// A failure to write to stdout.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to stdout: {0}")]
pub(crate) struct StdoutError(pub io::Error);

/// Writes bytes to stdout, unchanged.
///
/// # Errors
/// Stdout cannot be written.
pub(crate) fn print_bytes(bytes: &[u8]) -> Result<(), StdoutError> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
    written.map_err(StdoutError)
}

/// Writes what is still in the buffer of stdout, and returns the exit code of the command.
pub(crate) fn finish(code: ExitCode, meaning: CodeMeaning) -> ExitCode {
    match io::stdout().flush() {
        Ok(()) => code,
        Err(error) => failure_code(&error, meaning),
    }
}

/// Reports that stdout cannot be written, and returns the exit code.
pub(crate) fn failure_code(error: &io::Error, meaning: CodeMeaning) -> ExitCode {
    report_failure(error.kind(), &error.to_string(), meaning).into()
}

/// Reports a failure unless the reader has closed the pipe, as `| head` does. Then the code is 0,
/// but for a command whose exit code is a verdict: it has not been reached.
fn report_failure(kind: ErrorKind, reason: &str, meaning: CodeMeaning) -> u8 {
    if kind == ErrorKind::BrokenPipe {
        return match meaning {
            CodeMeaning::Verdict => CLOSED_PIPE_CODE,
            CodeMeaning::Completion => ExitStatus::Success.code(),
        };
    }
    print_error(&format!("cannot write to stdout: {reason}"));
    ExitStatus::NotRun.code()
}

/// Prints an error of the program on stderr. A closed stderr is no other error.
pub(crate) fn print_error(message: &str) {
    let _ = writeln!(io::stderr(), "mockaa: {}", message.trim_end());
}

/// Returns the texts of an error and its causes on one line. A cause that the text before it
/// already contains is left out.
pub(crate) fn format_causes(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_printed_once() {
        let error = anyhow::anyhow!("permission denied")
            .context("cannot read x: permission denied")
            .context("cannot start");
        assert_eq!(
            format_causes(&error),
            "cannot start: cannot read x: permission denied"
        );
    }
}
