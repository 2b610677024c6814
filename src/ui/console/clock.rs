//! The page of the clock of a world.

use askama::Template;

use super::consent::TimerRow;
use super::timeline::{DescribedEntry, Row, build_row};
use super::{ConsoleFrame, format_precise_time};
use crate::domain::overview::Overview;
use crate::domain::participants::Participants;
use crate::domain::timer::Timer;

/// The page of the clock.
#[derive(Debug, Template)]
#[template(path = "console_clock.html")]
pub(crate) struct ClockPage {
    console: ConsoleFrame,
    now: String,
    instant: String,
    timers: Vec<TimerRow>,
    /// The number of timers that are not listed.
    more_timers: usize,
    /// The results of the last advance; `None` if there was none.
    happened: Option<Vec<Row>>,
    /// `true` if the last advance has brought about more.
    has_more: bool,
    /// The reason for which the last advance stopped early, or a form was refused.
    notice: Option<String>,
    typed: TypedTime,
    steps: [(&'static str, &'static str); 4],
}

/// The time in a form that was refused.
#[derive(Debug, Default)]
pub(crate) struct TypedTime {
    /// The form: `advance` or `set`.
    pub change: String,
    pub text: String,
}

impl TypedTime {
    /// Returns the refused time if it is that of this form.
    fn of(&self, change: &str) -> Option<&str> {
        (self.change == change && !self.text.is_empty()).then_some(&*self.text)
    }
}

/// Durations by which a button advances the clock.
const STEPS: [(&str, &str); 4] = [
    ("1m", "1 minute"),
    ("1h", "1 hour"),
    ("1d", "1 day"),
    ("30d", "30 days"),
];

impl ClockPage {
    pub(crate) fn new(
        console: ConsoleFrame,
        participants: &Participants,
        overview: &Overview,
        timers: &[Timer],
        entries: Option<(&[DescribedEntry], bool)>,
        (notice, typed): (Option<String>, TypedTime),
    ) -> Self {
        let has_more = entries.is_some_and(|(_, has_more)| has_more);
        let happened = entries.map(|(entries, _)| {
            let rows = entries.iter().map(|it| {
                let mut row = build_row(it, participants);
                row.time = format_precise_time(it.entry.at);
                row
            });
            rows.collect()
        });
        Self {
            now: format_precise_time(overview.now),
            instant: overview.now.to_string(),
            timers: timers.iter().map(TimerRow::from).collect(),
            more_timers: overview.timers.saturating_sub(timers.len()),
            happened,
            has_more,
            notice,
            typed,
            steps: STEPS,
            console,
        }
    }
}
