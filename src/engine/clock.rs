//! World time and system time. World time drives consents; receivers check messages against system
//! time. This file is the only one that reads the machine's date and time.

use crate::domain::time::Timestamp;

/// Returns the machine's time.
#[expect(
    clippy::disallowed_methods,
    reason = "the only place that reads system time"
)]
pub fn system_now() -> Timestamp {
    Timestamp::from_millis(chrono::Utc::now().timestamp_millis())
}

/// The initial instant of a world's clock, and whether it is frozen there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockStart {
    /// The initial instant; `None` is the system time.
    pub at: Option<Timestamp>,
    pub frozen: bool,
}

/// A world's clock. It runs with a constant offset from system time, or is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    Running {
        offset_ms: i64,
    },
    Frozen {
        at: Timestamp,
    },
    /// A running clock that is being advanced: it is stopped meanwhile, but the world does not
    /// count as frozen.
    Advancing {
        at: Timestamp,
    },
}

impl Clock {
    pub(crate) fn from_start(start: ClockStart, system_time: Timestamp) -> Self {
        let at = start.at.unwrap_or(system_time);
        if start.frozen {
            Self::Frozen { at }
        } else {
            Self::running_from(at, system_time)
        }
    }

    /// Returns a clock that shows `at` now and runs on.
    pub(crate) fn running_from(at: Timestamp, system_time: Timestamp) -> Self {
        Self::Running {
            offset_ms: at.duration_since(system_time).0,
        }
    }

    pub(crate) fn now(self, system_time: Timestamp) -> Timestamp {
        match self {
            Self::Running { offset_ms } => {
                Timestamp::from_millis(system_time.as_millis().saturating_add(offset_ms))
            }
            Self::Frozen { at } | Self::Advancing { at } => at,
        }
    }

    /// Returns the clock stopped at `at`, to be advanced from there; a frozen clock stays frozen.
    #[must_use]
    pub(crate) fn stopped_at(self, at: Timestamp) -> Self {
        match self {
            Self::Frozen { .. } => Self::Frozen { at },
            Self::Running { .. } | Self::Advancing { .. } => Self::Advancing { at },
        }
    }

    /// Returns the clock after an advance: a clock that ran before runs again.
    #[must_use]
    pub(crate) fn resume_running(self, system_time: Timestamp) -> Self {
        match self {
            Self::Advancing { at } => Self::running_from(at, system_time),
            unchanged => unchanged,
        }
    }

    pub(crate) fn is_frozen(self) -> bool {
        matches!(self, Self::Frozen { .. })
    }

    /// Returns the instant that messages carry. It is system time, because receivers compare it
    /// with theirs, or world time if the clock is frozen, where reproducible bytes matter more.
    pub(crate) fn message_time(self, system_time: Timestamp) -> Timestamp {
        match self {
            Self::Running { .. } | Self::Advancing { .. } => system_time,
            Self::Frozen { at } => at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, ClockStart};
    use crate::domain::time::{Millis, Timestamp};

    #[test]
    fn a_running_clock_keeps_its_offset_from_system_time() {
        let system_time = Timestamp::from_millis(1_000_000);
        let start = ClockStart {
            at: Some(Timestamp::from_millis(5_000)),
            frozen: false,
        };
        let clock = Clock::from_start(start, system_time);
        assert_eq!(
            clock.now(system_time.saturating_add(Millis(7))),
            Timestamp::from_millis(5_007)
        );
        assert_eq!(clock.message_time(system_time), system_time);
    }

    #[test]
    fn a_frozen_clock_does_not_move() {
        let at = Timestamp::from_millis(5_000);
        let clock = Clock::from_start(
            ClockStart {
                at: Some(at),
                frozen: true,
            },
            Timestamp::from_millis(0),
        );
        assert_eq!(clock.now(Timestamp::from_millis(999)), at);
        assert_eq!(clock.message_time(Timestamp::from_millis(999)), at);
    }
}
