//! The interface of a world for the task that drives it: due work, ready deliveries and the time of
//! the next work.

use crate::domain::delivery::{Attempt, Delivery};
use crate::domain::time::Millis;
use crate::engine::clock::{Clock, system_now};
use crate::engine::outbox::NextStep;
use crate::engine::timers::Work;
use crate::engine::world::World;
use crate::engine::world::execution::build_webhook_record;

/// The part of a world that its driver uses.
#[derive(Clone, Copy, Debug)]
pub struct WorldDriver<'a>(&'a World);

impl World {
    pub fn driver(&self) -> WorldDriver<'_> {
        WorldDriver(self)
    }
}

impl WorldDriver<'_> {
    /// Runs due work, unless the sandbox is stopping, and takes the webhooks that may be sent now.
    pub fn run_due_and_take_ready(self) -> Vec<Delivery> {
        let mut inner = if self.0.is_draining() {
            self.0.lock()
        } else {
            self.0.lock_caught_up()
        };
        // Checked under the lock, so that a caller that waits for the end of deliveries sees those
        // taken.
        if self.should_dispatch() {
            inner.outbox.take_ready()
        } else {
            Vec::new()
        }
    }

    /// Records the outcome of an attempt and schedules the retry, if there is one.
    pub fn record_attempt(self, id: u64, attempt: Attempt) {
        let mut inner = self.0.lock();
        let now = inner.clock.now(system_now());
        let outcome = attempt.outcome.to_string();
        if let NextStep::RetryAt(at) = inner.outbox.record_attempt(id, attempt, now) {
            inner.timers.schedule_work(at, Work::Retry(id));
        }
        if let Some(delivery) = inner.outbox.delivery(id) {
            inner.record_acknowledgement(&delivery);
            for rule in delivery.rules_applied_last() {
                inner.faults.mark_applied(rule);
            }
            inner.append_record(now, build_webhook_record(&delivery, outcome));
        }
        drop(inner);
        self.0.notify_delivery_done();
    }

    /// Records a webhook to an FIU without a base URL as unaddressed.
    pub fn mark_unaddressed(self, id: u64) {
        let mut inner = self.0.lock();
        inner.outbox.mark_unaddressed(id);
        if let Some(delivery) = inner.outbox.delivery(id) {
            let now = inner.clock.now(system_now());
            inner.append_record(
                now,
                build_webhook_record(&delivery, "not sent: the FIU has no URL".to_owned()),
            );
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
        let system_time = system_now();
        match inner.clock {
            Clock::Frozen { .. } | Clock::Advancing { .. } => None,
            Clock::Running { .. } => Some(
                inner
                    .discard_stale_and_peek()?
                    .duration_since(inner.clock.now(system_time))
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
