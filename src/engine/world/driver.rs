//! The interface of a world for the task that drives it: due work, ready deliveries and the time of
//! the next work.

use crate::domain::delivery::{Attempt, Delivery, DeliveryState};
use crate::domain::time::Millis;
use crate::engine::clock::Clock;
use crate::engine::outbox::NextStep;
use crate::engine::timers::Work;
use crate::engine::world::World;

/// The part of a world that its driver uses.
#[derive(Clone, Copy, Debug)]
pub struct WorldDriver<'a>(&'a World);

impl World {
    pub fn driver(&self) -> WorldDriver<'_> {
        WorldDriver(self)
    }
}

impl WorldDriver<'_> {
    /// Runs due work, unless the sandbox is stopping, and takes up to `limit` webhooks that may be sent
    /// now.
    pub fn run_due_and_take_ready(self, limit: usize) -> Vec<Delivery> {
        let mut inner = if self.0.is_draining() {
            self.0.lock()
        } else {
            self.0.lock_caught_up()
        };
        // Checked under the lock, so that a caller that waits for the end of deliveries sees those
        // taken.
        if self.should_dispatch() {
            inner.outbox.take_ready(limit)
        } else {
            Vec::new()
        }
    }

    /// Records the outcome of an attempt and schedules the retry, if there is one.
    pub fn record_attempt(self, id: u64, attempt: Attempt) {
        let mut inner = self.0.lock();
        let now = inner.now();
        let outcome = attempt.outcome.to_string();
        let url = attempt.url.clone();
        let was_disabled = inner.outbox.is_disabled(&url);
        let retries = &self.0.config.retries;
        if let NextStep::RetryAt(at) = inner.outbox.record_attempt(id, attempt, now, retries) {
            inner.timers.schedule_work(at, Work::Retry(id));
        }
        let delivery = inner.outbox.delivery(id);
        if let Some(delivery) = &delivery {
            inner.record_acknowledgement(delivery);
            for rule in delivery.rules_applied_last() {
                inner.faults.mark_applied(rule);
            }
            inner.append_delivery(now, delivery, outcome);
        }
        let is_newly_disabled = !was_disabled && inner.outbox.is_disabled(&url);
        drop(inner);
        if is_newly_disabled {
            let cause = delivery.and_then(|delivery| delivery.cause().cloned());
            let note = format!(
                "the FIU answered 410 (Gone): no webhook is sent to {url} until an FIU is configured or a resend succeeds"
            );
            self.0.write_note(cause, note);
        }
        self.0.notify_delivery_done();
    }

    /// Records that a webhook is not sent because the FIU has no URL for it.
    pub fn mark_unaddressed(self, id: u64) {
        let outcome = "not sent: the FIU has no URL";
        self.end_unsent(id, DeliveryState::Unaddressed, outcome);
    }

    /// Records that a webhook is not sent because its receiver has answered 410.
    pub fn mark_disabled(self, id: u64) {
        let outcome = "not sent: the FIU has answered 410 at this URL";
        self.end_unsent(id, DeliveryState::Disabled, outcome);
    }

    /// Returns whether the receiver at this URL has answered 410.
    pub fn is_disabled(self, url: &str) -> bool {
        self.0.lock().outbox.is_disabled(url)
    }

    fn end_unsent(self, id: u64, state: DeliveryState, outcome: &str) {
        let mut inner = self.0.lock();
        inner.outbox.end_unsent(id, state);
        if let Some(delivery) = inner.outbox.delivery(id) {
            let now = inner.now();
            inner.append_delivery(now, &delivery, outcome.to_owned());
        }
        drop(inner);
        self.0.notify_delivery_done();
    }

    /// Returns the time until the next work is due; `None` if there is none or the clock is
    /// stopped.
    pub fn time_until_next_due(self) -> Option<Millis> {
        if self.0.is_draining() {
            return None;
        }
        let mut inner = self.0.lock();
        if inner.outbox.holds_timers() {
            // The end of an attempt wakes the driver.
            return None;
        }
        match inner.clock {
            Clock::Frozen { .. } | Clock::Advancing { .. } => None,
            Clock::Running { .. } => Some(
                inner
                    .discard_stale_and_peek()?
                    .duration_since(inner.now())
                    .max(Millis::ZERO),
            ),
        }
    }

    /// Waits for the signal that there may be work.
    pub async fn wait_for_wake(self) {
        self.0.wake.notified().await;
    }

    /// Returns whether due work and ready webhooks of this world should still be processed.
    pub fn should_dispatch(self) -> bool {
        !self.0.is_closed()
    }
}
