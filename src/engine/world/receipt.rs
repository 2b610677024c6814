//! What a caller gets for an accepted command, and what it holds back meanwhile.

use std::sync::Arc;

use crate::domain::consent::Consent;
use crate::domain::event::Event;
use crate::domain::session::Session;
use crate::domain::time::Timestamp;
use crate::engine::world::{Inner, World};

/// What a caller gets for an accepted command.
#[derive(Debug)]
pub struct Receipt {
    /// What the command made true last.
    pub event: Event,
    /// The consent that it was about, as it stands now.
    pub(super) consent: Option<Arc<Consent>>,
    /// The instant that the answer carries ([`World::message_time`]).
    pub message_time: Timestamp,
    /// Keep it until the response has been handed over; dropping it lets the webhooks go that the command caused.
    pub hold: DeliveryHold,
}

impl Receipt {
    /// The consent as it stands now. For commands that are about one.
    pub fn consent(&self) -> &Arc<Consent> {
        self.consent
            .as_ref()
            .expect("the command was about a consent")
    }

    /// The data session as the command left it. For commands that are about one.
    pub fn session(&self) -> &Arc<Session> {
        self.event
            .session()
            .expect("the command was about a session")
    }
}

/// Holds webhooks back. Their order against the response matters: an FIU that is told about a consent whose handle
/// it has not yet been given is a bug of the sender.
#[derive(Debug)]
pub struct DeliveryHold {
    pub(super) world: Arc<World>,
    pub(super) deliveries: Vec<u64>,
    /// Those that are to arrive before the response does.
    pub(super) before_response: Vec<u64>,
}

impl DeliveryHold {
    /// Waits until what is to overtake the response has been sent once.
    pub async fn wait_until_overtaken(&self) {
        if self.before_response.is_empty() {
            return;
        }
        let is_unattempted = |inner: &Inner, id: &u64| inner.outbox.awaits_first_attempt(*id);
        let all_attempted = |world: &World| {
            let inner = world.lock();
            world.is_closed()
                || !self
                    .before_response
                    .iter()
                    .any(|id| is_unattempted(&inner, id))
        };
        self.world.wait_until(all_attempted).await;
    }

    /// Whether there is nothing to hold back.
    pub fn is_empty(&self) -> bool {
        self.deliveries.is_empty()
    }
}

impl Drop for DeliveryHold {
    fn drop(&mut self) {
        if !self.deliveries.is_empty() {
            self.world.lock().outbox.release_held(&self.deliveries);
            self.world.wake.notify_one();
        }
    }
}
