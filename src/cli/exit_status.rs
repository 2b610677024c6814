//! The exit codes of the program, and the code of each error. `docs/commands.md` lists them.

use std::process::ExitCode;

use crate::app::StartError;
use crate::cli::{SandboxRefusal, StateConflict, UnmetExpectation, UsageError};
use crate::config::ConfigError;
use crate::config::personas::PersonaLoadError;
use crate::scenario::library::ScenarioLoadError;

/// Result of a command for the shell. The code of a variant is its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    Success,
    Unmet,
    Usage,
    NotRun,
    Refused,
}

impl ExitStatus {
    pub const ALL: [Self; 5] = [
        Self::Success,
        Self::Unmet,
        Self::Usage,
        Self::NotRun,
        Self::Refused,
    ];

    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Returns the meaning of the code, for the documentation.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Unmet => "an expectation is not met, or a check fails",
            Self::Usage => "an invalid option, environment variable or file",
            Self::NotRun => {
                "could not run: no sandbox answers, it fails, or the output cannot be written"
            }
            Self::Refused => "the sandbox refuses the call, for example an unknown handle",
        }
    }

    /// Returns the status of an error that ended a command.
    pub(crate) fn of_error(error: &anyhow::Error) -> Self {
        if error.is::<UnmetExpectation>() {
            return Self::Unmet;
        }
        if error.is::<SandboxRefusal>() || error.is::<StateConflict>() {
            return Self::Refused;
        }
        if error.is::<UsageError>()
            || error.is::<ConfigError>()
            || error.is::<PersonaLoadError>()
            || error.is::<ScenarioLoadError>()
        {
            return Self::Usage;
        }
        match error.downcast_ref::<StartError>() {
            Some(StartError::Config(_) | StartError::Scenarios(_) | StartError::Personas(_)) => {
                Self::Usage
            }
            Some(StartError::Bind { .. }) | None => Self::NotRun,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}
