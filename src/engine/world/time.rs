//! A world's clock: what it says, and what may be done to it.

use std::sync::atomic::Ordering;

use crate::domain::journal_entry::JournalRecord;
use crate::domain::time::Timestamp;
use crate::engine::clock::{Clock, system_now};
use crate::engine::world::World;

/// What may be done to a clock at once; moving it on is [`crate::engine::advance`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockChange {
    /// Time stands, from now or from an instant on.
    Freeze { at: Option<Timestamp> },
    /// Time runs on from where it is.
    Run,
    /// It is this instant; whether time stands or runs stays as it is.
    Set { to: Timestamp },
}

impl std::fmt::Display for ClockChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Freeze { at: None } => write!(f, "frozen"),
            Self::Freeze { at: Some(at) } => write!(f, "frozen at {at}"),
            Self::Run => write!(f, "let run"),
            Self::Set { to } => write!(f, "set to {to}"),
        }
    }
}

/// Why a clock was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClockRejection {
    #[error(
        "the world has {count} consents, whose time would jump; move it with clock/advance, or reset the world"
    )]
    HasConsents { count: usize },
    #[error("somebody advances this world's clock; wait until that is done")]
    AdvanceInProgress,
}

impl World {
    /// World time.
    pub fn now(&self) -> Timestamp {
        self.lock().clock.now(system_now())
    }

    /// The instant that messages of ours carry now ([`Clock::message_time`]).
    pub fn message_time(&self) -> Timestamp {
        self.lock().clock.message_time(system_now())
    }

    /// Sets the clock, if the world has no consents yet whose time that would turn back.
    ///
    /// # Errors
    /// What stands in the way.
    pub fn set_clock(&self, change: ClockChange) -> Result<(), ClockRejection> {
        if self.advancing.load(Ordering::Acquire) {
            return Err(ClockRejection::AdvanceInProgress);
        }
        let mut inner = self.lock_caught_up();
        let system_time = system_now();
        let now = inner.clock.now(system_time);
        let target = match change {
            ClockChange::Freeze { at: Some(at) } | ClockChange::Set { to: at } => at,
            ClockChange::Freeze { at: None } | ClockChange::Run => now,
        };
        if target != now && inner.state.consent_count() > 0 {
            return Err(ClockRejection::HasConsents {
                count: inner.state.consent_count(),
            });
        }
        inner.clock = match change {
            ClockChange::Freeze { .. } => Clock::Frozen { at: target },
            ClockChange::Set { .. } if inner.clock.is_frozen() => Clock::Frozen { at: target },
            ClockChange::Set { .. } | ClockChange::Run => Clock::running_from(target, system_time),
        };
        inner.journal.append_entry(
            target,
            JournalRecord::Note {
                text: format!("the clock was {change}"),
            },
        );
        drop(inner);
        self.wake.notify_one();
        Ok(())
    }
}
