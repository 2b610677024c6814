//! Colors of the output on a terminal. Redirected output has none and is the same, byte for byte.

use std::env;
use std::ffi::OsString;
use std::io::{IsTerminal, stdout};

use clap::builder::styling::{AnsiColor, Style};

/// Use of colors in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Palette {
    Plain,
    Colored,
}

/// Columns and fields whose words are painted.
const PAINTED_COLUMNS: [&str; 4] = ["answer", "outcome", "state", "status"];

/// Words of a good end.
const GOOD: [&str; 9] = [
    "active",
    "completed",
    "delivered",
    "met",
    "ok",
    "pass",
    "ready",
    "success",
    "valid",
];

/// Words of a failure or a refusal.
const BAD: [&str; 15] = [
    "denied",
    "disabled",
    "dropped",
    "error",
    "exhausted",
    "expired",
    "fail",
    "failed",
    "invalid",
    "problem",
    "rejected",
    "revoked",
    "timeout",
    "unaddressed",
    "unmet",
];

/// Words of a state that is not final, or of a check that was not made.
const WAITING: [&str; 9] = [
    "held",
    "not-tested",
    "paused",
    "pending",
    "queued",
    "sending",
    "skip",
    "waiting",
    "warning",
];

impl Palette {
    /// Returns the palette of stdout, by the variables `NO_COLOR` (<https://no-color.org>) and
    /// `CLICOLOR_FORCE`.
    pub(crate) fn of_stdout() -> Self {
        Self::choose(|name| env::var_os(name), stdout().is_terminal())
    }

    fn choose(variable: impl Fn(&str) -> Option<OsString>, is_terminal: bool) -> Self {
        let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
        let is_forced = is_set("CLICOLOR_FORCE")
            && variable("CLICOLOR_FORCE").is_some_and(|value| value != "0");
        let is_capable = is_terminal && variable("TERM").is_some_and(|term| term != "dumb");
        if !is_set("NO_COLOR") && (is_forced || is_capable) {
            Self::Colored
        } else {
            Self::Plain
        }
    }

    /// Returns the text in a style.
    fn paint(self, text: &str, style: Style) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colored => format!("{style}{text}{style:#}"),
        }
    }

    /// Returns the heading of a table.
    pub(crate) fn paint_heading(self, text: &str) -> String {
        self.paint(text, Style::new().bold())
    }

    /// Returns a cell of the column with this name, which may be padded.
    pub(crate) fn paint_cell(self, column: &str, cell: &str) -> String {
        if PAINTED_COLUMNS.contains(&column) {
            self.paint_state(cell)
        } else {
            cell.to_owned()
        }
    }

    /// Returns lines whose first words are outcomes, in their colors.
    pub(crate) fn paint_first_words(self, text: &str) -> String {
        text.split_inclusive('\n')
            .map(|line| {
                let word = line.split_whitespace().next().unwrap_or_default();
                line.replacen(word, &self.paint_state(word), 1)
            })
            .collect()
    }

    /// Returns the outcome of a webhook in the color of its first words.
    pub(crate) fn paint_outcome(self, outcome: &str) -> String {
        let color = if outcome.starts_with("accepted with ") {
            AnsiColor::Green
        } else {
            AnsiColor::Red
        };
        self.paint(outcome, color.on_default())
    }

    /// Returns a state, an outcome or the status of an answer in its color.
    pub(crate) fn paint_state(self, text: &str) -> String {
        match state_color(text.trim()) {
            Some(color) => self.paint(text, color.on_default()),
            None => text.to_owned(),
        }
    }
}

fn state_color(word: &str) -> Option<AnsiColor> {
    let word = word.to_ascii_lowercase();
    if let Ok(status) = word.parse::<u16>() {
        return match status {
            200..=299 => Some(AnsiColor::Green),
            300..=599 => Some(AnsiColor::Red),
            _ => None,
        };
    }
    [
        (&GOOD[..], AnsiColor::Green),
        (&BAD, AnsiColor::Red),
        (&WAITING, AnsiColor::Yellow),
    ]
    .into_iter()
    .find(|(words, _)| words.contains(&word.as_str()))
    .map(|(_, color)| color)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::consent::Status;
    use crate::domain::delivery::DeliveryState;
    use crate::domain::session::{FiStatus, SessionStatus};

    fn choose(variables: &[(&str, &str)], is_terminal: bool) -> Palette {
        let find = |name: &str| {
            let mut pairs = variables.iter();
            pairs
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.into())
        };
        Palette::choose(find, is_terminal)
    }

    #[test]
    fn colors_are_for_terminals_unless_a_variable_forbids_or_forces_them() {
        let term = ("TERM", "xterm");
        assert_eq!(choose(&[term], true), Palette::Colored);
        assert_eq!(choose(&[term, ("NO_COLOR", "")], true), Palette::Colored);
        assert_eq!(choose(&[("CLICOLOR_FORCE", "1")], false), Palette::Colored);
        for (variables, is_terminal) in [
            (&[term][..], false),
            (&[("TERM", "dumb")], true),
            (&[term, ("NO_COLOR", "1")], true),
            (&[("CLICOLOR_FORCE", "0")], false),
            (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], true),
        ] {
            assert_eq!(
                choose(variables, is_terminal),
                Palette::Plain,
                "{variables:?}"
            );
        }
    }

    #[test]
    fn each_state_and_outcome_has_a_color() {
        let states = Status::ALL.iter().map(|status| status.as_str());
        let states = states
            .chain(DeliveryState::ALL.iter().map(|state| state.as_str()))
            .chain(SessionStatus::ALL.iter().map(|status| status.as_str()))
            .chain(FiStatus::ALL.iter().map(|status| status.as_str()));
        for state in states {
            assert!(state_color(state).is_some(), "{state}");
        }
        assert_eq!(Palette::Plain.paint_state("ACTIVE"), "ACTIVE");
        let painted = Palette::Colored.paint_cell("state", "ACTIVE  ");
        assert_eq!(painted, "\u{1b}[32mACTIVE  \u{1b}[0m");
        assert_eq!(Palette::Colored.paint_cell("handle", "active"), "active");
        assert_eq!(
            Palette::Colored.paint_first_words("PASS  a pass\n\n      the rest\n"),
            "\u{1b}[32mPASS\u{1b}[0m  a pass\n\n      the rest\n"
        );
        for (outcome, color) in [
            ("accepted with 200", 32),
            ("rejected with 503", 31),
            ("not sent: the FIU has no URL", 31),
        ] {
            let painted = format!("\u{1b}[{color}m{outcome}\u{1b}[0m");
            assert_eq!(Palette::Colored.paint_outcome(outcome), painted);
        }
    }
}
