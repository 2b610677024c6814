//! The two kinds of time. World time drives everything that a consent lives by; wall time is what receivers check
//! our messages against. This file is the only one that asks the machine for the time.

use crate::domain::time::Timestamp;

/// The machine's time.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where wall time enters"
)]
pub fn system_now() -> Timestamp {
    Timestamp::from_millis(chrono::Utc::now().timestamp_millis())
}

/// Where a world's clock begins, and whether it runs from there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockStart {
    /// `None`: the wall's time.
    pub at: Option<Timestamp>,
    pub frozen: bool,
}

/// A world's clock: it runs beside the wall's at a distance, or stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    Running {
        offset_ms: i64,
    },
    Frozen {
        at: Timestamp,
    },
    /// A running clock that somebody is moving: it stands meanwhile, but its world is no frozen one.
    Advancing {
        at: Timestamp,
    },
}

impl Clock {
    pub fn from_start(start: ClockStart, system_time: Timestamp) -> Self {
        let at = start.at.unwrap_or(system_time);
        if start.frozen {
            Self::Frozen { at }
        } else {
            Self::running_from(at, system_time)
        }
    }

    /// A clock that shows `at` now and runs on.
    pub fn running_from(at: Timestamp, system_time: Timestamp) -> Self {
        Self::Running {
            offset_ms: at.duration_since(system_time).0,
        }
    }

    pub fn now(self, system_time: Timestamp) -> Timestamp {
        match self {
            Self::Running {
                offset_ms: ahead_ms,
            } => Timestamp::from_millis(system_time.as_millis().saturating_add(ahead_ms)),
            Self::Frozen { at } | Self::Advancing { at } => at,
        }
    }

    /// The clock stopped at `at`, to be moved on; a frozen one stays a frozen one.
    #[must_use]
    pub fn stopped_at(self, at: Timestamp) -> Self {
        match self {
            Self::Frozen { .. } => Self::Frozen { at },
            Self::Running { .. } | Self::Advancing { .. } => Self::Advancing { at },
        }
    }

    /// The clock after somebody has moved it.
    #[must_use]
    pub fn resume_running(self, system_time: Timestamp) -> Self {
        match self {
            Self::Advancing { at } => Self::running_from(at, system_time),
            unchanged => unchanged,
        }
    }

    pub fn is_frozen(self) -> bool {
        matches!(self, Self::Frozen { .. })
    }

    /// The instant that our messages carry: the wall's, because receivers check it against theirs, unless the world
    /// stands still, where reproducible bytes are worth more.
    pub fn message_time(self, system_time: Timestamp) -> Timestamp {
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
