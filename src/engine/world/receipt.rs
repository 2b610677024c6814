//! The receipt of an accepted command, and the hold on the webhooks that it caused.

use std::sync::Arc;

use crate::domain::consent::Consent;
use crate::domain::event::Event;
use crate::domain::session::Session;
use crate::engine::clock::ClockReading;
use crate::engine::world::World;

/// The receipt of an accepted command: its outcome, and the hold on the webhooks that it caused.
/// The outcome cannot be read without a decision about the hold.
#[must_use = "a response is built from it, or else its webhooks are released"]
#[derive(Debug)]
pub struct Receipt {
    outcome: CommandOutcome,
    hold: DeliveryHold,
}

impl Receipt {
    pub(super) fn new(outcome: CommandOutcome, hold: DeliveryHold) -> Self {
        Self { outcome, hold }
    }

    /// Splits off the hold, which the caller drops after it has handed over the response.
    pub fn into_parts(self) -> (CommandOutcome, DeliveryHold) {
        (self.outcome, self.hold)
    }

    /// Releases the webhooks at once, for a caller without a response, and returns the outcome.
    pub fn release_webhooks(self) -> CommandOutcome {
        self.outcome
    }
}

/// The outcome of an accepted command.
#[derive(Debug)]
pub struct CommandOutcome {
    /// The last event of the command.
    pub last_event: Event,
    /// The consent of the command, in its state after the command.
    pub(super) consent: Option<Arc<Consent>>,
    /// Both clocks at the command, for the instant that the response carries.
    pub clocks: ClockReading,
}

impl CommandOutcome {
    /// Returns the consent in its state after the command.
    ///
    /// # Panics
    /// When the command did not concern a consent.
    pub fn consent(&self) -> &Arc<Consent> {
        self.consent
            .as_ref()
            .expect("the caller submitted a command about a consent")
    }

    /// Returns the data session in its state after the command.
    ///
    /// # Panics
    /// When the command did not concern a session.
    pub fn session(&self) -> &Arc<Session> {
        self.last_event
            .session()
            .expect("the caller submitted a command about a session")
    }
}

/// A guard that holds webhooks back until it is dropped, after a response has been handed over. Without it, a
/// webhook could reach the FIU before the response that carries the consent's handle.
#[derive(Debug)]
pub struct DeliveryHold {
    pub(super) world: Arc<World>,
    pub(super) deliveries: Vec<u64>,
    /// Webhooks that a fault makes arrive before the response.
    pub(super) before_response: Vec<u64>,
}

impl DeliveryHold {
    /// Waits until each webhook that must be sent before the response has been attempted once.
    pub async fn wait_for_first_attempts(&self) {
        if self.before_response.is_empty() {
            return;
        }
        self.world
            .wait_until(&self.world.delivery_done, |world| {
                let inner = world.lock();
                world.is_closed()
                    || !self
                        .before_response
                        .iter()
                        .any(|id| inner.outbox.awaits_first_attempt(*id))
            })
            .await;
    }

    /// Returns whether no webhook is held back.
    pub fn has_no_deliveries(&self) -> bool {
        self.deliveries.is_empty()
    }
}

impl Drop for DeliveryHold {
    fn drop(&mut self) {
        if !self.deliveries.is_empty() {
            self.world.lock().outbox.release_held(&self.deliveries);
            // Those that wait behind an earlier one are not sent now.
            self.world.notify_delivery_done();
        }
    }
}
