//! World time and system time. World time drives consents; receivers check messages against system
//! time. This file is the only one that reads the machine's date and time.

use std::time::SystemTime;

use tokio::time::Instant;

use crate::domain::security_mode::SecurityMode;
use crate::domain::time::Timestamp;
use crate::domain::time_source::{TimeSettings, TimeSource};

/// Returns the machine's time.
#[expect(
    clippy::disallowed_methods,
    reason = "the only place that reads system time"
)]
pub fn system_now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let millis = since_epoch.map_or(0, |since| since.as_millis());
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

/// Returns the machine's monotonic time, for delays.
pub(crate) fn system_instant() -> Instant {
    Instant::now()
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

    /// Returns both clocks at this instant of system time.
    pub(crate) fn read(self, system_time: Timestamp) -> ClockReading {
        ClockReading {
            world: self.now(system_time),
            system: system_time,
            is_frozen: self.is_frozen(),
        }
    }
}

/// Both clocks of a world at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// World time.
    pub world: Timestamp,
    /// System time.
    pub system: Timestamp,
    is_frozen: bool,
}

impl ClockReading {
    fn time_of(self, source: TimeSource) -> Timestamp {
        match source {
            TimeSource::Wall => self.system,
            TimeSource::World => self.world,
        }
    }
}

/// The rules that give each time its clock: the table of `docs/configuration.md#clocks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRules {
    pub security: SecurityMode,
    /// The settings of the FIU, completed by those of its world and of the sandbox.
    pub settings: TimeSettings,
}

impl TimeRules {
    /// Returns the clock of `timestamp` in answers and webhook bodies. Receivers compare it with
    /// the wall's time; in a frozen world, reproducible bytes matter more.
    pub fn message_time(self, clocks: ClockReading) -> Timestamp {
        clocks.time_of(self.message_source(clocks.is_frozen))
    }

    /// Returns the choice for [`Self::message_time`] in a frozen or a running world.
    pub fn message_source(self, is_frozen: bool) -> TimeSource {
        match (self.security, self.settings.message_time) {
            (SecurityMode::Strict, _) => TimeSource::World,
            (SecurityMode::Open | SecurityMode::Lenient, Some(source)) => source,
            (SecurityMode::Open | SecurityMode::Lenient, None) if is_frozen => TimeSource::World,
            (SecurityMode::Open | SecurityMode::Lenient, None) => TimeSource::Wall,
        }
    }

    /// Returns the clock of `webhook-timestamp` and its HMAC, which receivers compare with the
    /// wall's time (Standard Webhooks 1.0).
    pub fn signing_time(self, clocks: ClockReading) -> Timestamp {
        clocks.time_of(self.signing_source())
    }

    /// Returns the choice for [`Self::signing_time`].
    pub fn signing_source(self) -> TimeSource {
        self.settings.signing_time.unwrap_or(TimeSource::Wall)
    }

    /// Returns the instants with which the times in a request are compared; one of them has to
    /// accept it.
    pub fn request_times(self, clocks: ClockReading) -> impl Iterator<Item = Timestamp> {
        let system = match self.security {
            SecurityMode::Strict => None,
            SecurityMode::Open | SecurityMode::Lenient => Some(clocks.system),
        };
        std::iter::once(clocks.world).chain(system)
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, ClockStart, TimeRules};
    use crate::domain::security_mode::SecurityMode;
    use crate::domain::time::{Millis, Timestamp};
    use crate::domain::time_source::{TimeSettings, TimeSource};

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
    }

    #[test]
    fn each_time_has_the_clock_of_the_table() {
        use SecurityMode::{Lenient, Open, Strict};
        use TimeSource::{Wall, World};
        let (world, system) = (Timestamp::from_millis(5), Timestamp::from_millis(9));
        let clocks = [
            Clock::running_from(world, system),
            Clock::Advancing { at: world },
            Clock::Frozen { at: world },
        ];
        for (security, settings, expected) in [
            (Lenient, (None, None), [system, system, world]),
            (Open, (None, None), [system, system, world]),
            (Lenient, (None, Some(World)), [world; 3]),
            (Lenient, (None, Some(Wall)), [system; 3]),
            (Strict, (None, None), [world; 3]),
            (Strict, (Some(World), None), [world; 3]),
        ] {
            let (signing_time, message_time) = settings;
            let rules = TimeRules {
                security,
                settings: TimeSettings {
                    signing_time,
                    message_time,
                },
            };
            for (clock, expected) in clocks.iter().zip(expected) {
                let reading = clock.read(system);
                assert_eq!(rules.message_time(reading), expected, "{rules:?} {clock:?}");
                let signed_at = if signing_time == Some(World) {
                    world
                } else {
                    system
                };
                assert_eq!(rules.signing_time(reading), signed_at);
                let request_times: Vec<_> = rules.request_times(reading).collect();
                let both = [world, system];
                let accepted = if security == Strict {
                    &both[..1]
                } else {
                    &both
                };
                assert_eq!(request_times, accepted);
            }
        }
    }
}
