//! The choice between a world's two clocks for the times that messages carry. The table of
//! `docs/configuration.md#clocks` is applied in `engine::clock`.

use crate::domain::naming::wire_enum;
use crate::domain::security_mode::SecurityMode;

wire_enum! {
    /// Clock that gives a time in a message.
    TimeSource {
        /// System time, the clock on the receiver's wall.
        Wall = "wall",
        /// World time.
        World = "world",
    }
}

/// The clocks of outgoing messages, as one scope sets them: an FIU, a world or the sandbox. `None`
/// leaves the choice to the next wider scope, and in the end to the mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeSettings {
    /// Clock of `webhook-timestamp` and its HMAC.
    pub signing_time: Option<TimeSource>,
    /// Clock of `timestamp` in answers and webhook bodies.
    pub message_time: Option<TimeSource>,
}

/// The rejection of `message_time = "wall"` in strict mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "wall is not available in strict security, where messages carry world time; leave it out, or use --security lenient"
)]
pub struct WallTimeInStrict;

impl TimeSettings {
    /// Returns these settings, completed by those of a wider scope.
    #[must_use]
    pub fn complete_with(self, wider: Self) -> Self {
        Self {
            signing_time: self.signing_time.or(wider.signing_time),
            message_time: self.message_time.or(wider.message_time),
        }
    }

    /// Checks that the mode allows these settings.
    ///
    /// # Errors
    /// `WallTimeInStrict`
    pub fn check_allowed(self, security: SecurityMode) -> Result<(), WallTimeInStrict> {
        if security == SecurityMode::Strict && self.message_time == Some(TimeSource::Wall) {
            Err(WallTimeInStrict)
        } else {
            Ok(())
        }
    }
}
