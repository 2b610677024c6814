//! Reading a world's clock, and changing it in one step. Moving it through due work is
//! [`crate::engine::advance`].

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::domain::cause::Cause;
use crate::domain::journal_entry::JournalRecord;
use crate::domain::time::Timestamp;
use crate::domain::time_source::TimeSettings;
use crate::engine::clock::{Clock, ClockReading, TimeRules};
use crate::engine::world::{Inner, World};

/// A change of the clock in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockChange {
    /// Stops the clock at its current instant, or at `at`.
    Freeze { at: Option<Timestamp> },
    /// Lets the clock run from its current instant.
    Run,
    /// Sets the clock to an instant; a frozen clock stays frozen and a running one keeps running.
    Set { to: Timestamp },
}

impl std::fmt::Display for ClockChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Freeze { at: None } => write!(f, "frozen"),
            Self::Freeze { at: Some(at) } => write!(f, "frozen at {at}"),
            Self::Run => write!(f, "started"),
            Self::Set { to } => write!(f, "set to {to}"),
        }
    }
}

/// The reason why a clock was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClockRejection {
    #[error(
        "cannot set the clock of a world with {count} consents; move it with clock/advance, or reset the world"
    )]
    HasConsents { count: usize },
    #[error("the clock of this world is being advanced; wait until the advance has ended")]
    AdvanceInProgress,
}

impl World {
    /// Returns the world time.
    pub fn now(&self) -> Timestamp {
        self.lock().now()
    }

    /// Returns both clocks now.
    pub fn read_clocks(&self) -> ClockReading {
        self.lock().read_clocks()
    }

    /// Returns the rules of the times in messages to this FIU; without one, or for a caller that is
    /// no FIU, those of the world.
    pub fn time_rules(&self, fiu: Option<&str>) -> TimeRules {
        self.find_time_rules(&self.lock(), fiu)
    }

    /// Returns the rules of [`World::time_rules`] under the lock.
    pub(super) fn find_time_rules(&self, inner: &Inner, fiu: Option<&str>) -> TimeRules {
        let fiu = fiu.and_then(|id| inner.participants.find_fiu(id));
        let settings = fiu.map(|fiu| fiu.time_settings).unwrap_or_default();
        TimeRules {
            security: self.config.security,
            settings: settings.complete_with(inner.time_settings),
        }
    }

    /// Returns the instant that messages to this FIU carry now ([`TimeRules::message_time`]).
    pub fn message_time(&self, fiu: Option<&str>) -> Timestamp {
        self.time_rules(fiu).message_time(self.read_clocks())
    }

    /// Returns the instants that the times in a request may be near ([`TimeRules::request_times`]).
    pub fn request_times(&self) -> impl Iterator<Item = Timestamp> {
        self.time_rules(None).request_times(self.read_clocks())
    }

    /// Changes the clocks of messages where the FIU sets none; what is left out stays.
    pub fn change_time_settings(&self, cause: Option<&Arc<Cause>>, change: TimeSettings) {
        let mut inner = self.lock();
        inner.time_settings = change.complete_with(inner.time_settings);
        for (name, source) in [
            ("signing", change.signing_time),
            ("message", change.message_time),
        ] {
            if let Some(source) = source {
                let note = format!("the {name} time was set to {source}");
                inner.append_note(cause.cloned(), note);
            }
        }
    }

    /// Changes the clock. Its instant can change only while the world has no consents.
    ///
    /// # Errors
    /// A [`ClockRejection`]; nothing has changed then.
    pub fn set_clock(
        &self,
        cause: Option<Arc<Cause>>,
        change: ClockChange,
    ) -> Result<(), ClockRejection> {
        if self.advancing.load(Ordering::Acquire) {
            return Err(ClockRejection::AdvanceInProgress);
        }
        let mut inner = self.lock_caught_up();
        let (system_time, now) = (inner.system_time, inner.now());
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
        inner.append_record(
            target,
            cause,
            JournalRecord::Note {
                text: format!("the clock was {change}"),
            },
        );
        drop(inner);
        self.wake.notify_one();
        Ok(())
    }
}
