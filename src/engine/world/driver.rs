//! The interface for the task that drives a world: ready deliveries, the time of the next work, and
//! shutdown.

use std::sync::atomic::Ordering;

use crate::domain::delivery::{Attempt, Delivery};
use crate::domain::rejection::Rejection;
use crate::domain::time::Millis;
use crate::engine::clock::{Clock, system_now};
use crate::engine::outbox::NextStep;
use crate::engine::timers::Work;
use crate::engine::world::World;
use crate::engine::world::execute::build_webhook_record;

impl World {
    /// Runs due work and takes the webhooks that may be sent now.
    pub fn take_ready(&self) -> Vec<Delivery> {
        let mut inner = self.lock_caught_up();
        // Checked under the lock, so that a caller that waits for the end of deliveries sees those
        // taken.
        if self.should_dispatch() {
            inner.outbox.take_ready()
        } else {
            Vec::new()
        }
    }

    /// Records the outcome of an attempt and schedules the retry, if there is one.
    pub fn record_attempt(&self, id: u64, attempt: Attempt) {
        let mut inner = self.lock();
        let now = inner.clock.now(system_now());
        let outcome = attempt.outcome.to_string();
        if let NextStep::RetryAt(at) = inner.outbox.record_attempt(id, attempt, now) {
            inner.timers.schedule_work(at, Work::Retry(id));
        }
        if let Some(delivery) = inner.outbox.delivery(id) {
            inner
                .journal
                .append_entry(now, build_webhook_record(&delivery, outcome));
        }
        drop(inner);
        self.notify_delivery_done();
    }

    /// Records a webhook to an FIU without a base URL as unaddressed.
    pub fn mark_unaddressed(&self, id: u64) {
        let mut inner = self.lock();
        inner.outbox.mark_unaddressed(id);
        if let Some(delivery) = inner.outbox.delivery(id) {
            let now = inner.clock.now(system_now());
            inner.journal.append_entry(
                now,
                build_webhook_record(&delivery, "not sent: the FIU has no URL".to_owned()),
            );
        }
        drop(inner);
        self.notify_delivery_done();
    }

    /// Queues a webhook to be sent again.
    ///
    /// # Errors
    /// [`Rejection::NotResendable`] while it is held, queued or in flight.
    pub fn resend_delivery(&self, id: u64) -> Result<(), Rejection> {
        let result = self.lock_caught_up().outbox.resend_delivery(id);
        self.wake.notify_one();
        result.map_err(|progress| Rejection::NotResendable(progress.as_str()))
    }

    fn notify_delivery_done(&self) {
        self.delivery_done.notify_waiters();
        self.journal_appended.notify_waiters();
        self.wake.notify_one();
    }

    /// Returns the time until the next work is due; `None` if there is none or the clock is
    /// stopped.
    pub fn time_until_next_due(&self) -> Option<Millis> {
        let mut inner = self.lock();
        let system_time = system_now();
        match inner.clock {
            Clock::Frozen { .. } | Clock::Advancing { .. } => None,
            Clock::Running { .. } => Some(
                Self::discard_stale_and_peek(&mut inner)?
                    .duration_since(inner.clock.now(system_time))
                    .max(Millis::ZERO),
            ),
        }
    }

    /// Waits for the signal that there may be work.
    pub async fn wait_for_wake(&self) {
        self.wake.notified().await;
    }

    /// Returns whether no webhook is held, ready or in flight. Webhooks that wait for a retry do
    /// not count; a closed world has none.
    pub(in crate::engine) fn is_quiescent(&self) -> bool {
        self.is_closed() || self.lock().outbox.is_quiescent()
    }

    /// Waits until no webhook is held, ready or in flight.
    pub(in crate::engine) async fn wait_until_quiescent(&self) {
        self.wait_until(Self::is_quiescent).await;
    }

    /// Stops starting attempts and waits until those in flight have ended.
    pub async fn drain_deliveries(&self) {
        self.draining.store(true, Ordering::Release);
        self.wake.notify_one();
        self.wait_until(|world| world.is_closed() || world.lock().outbox.is_idle())
            .await;
    }

    pub(super) async fn wait_until(&self, condition: impl Fn(&Self) -> bool) {
        loop {
            let notified = self.delivery_done.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            if condition(self) {
                return;
            }
            notified.await;
        }
    }

    /// Closes the world after a reset or deletion; nothing is sent for it any more.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.wake.notify_one();
        self.delivery_done.notify_waiters();
        self.journal_appended.notify_waiters();
    }

    /// Waits until the world is reset or deleted.
    pub async fn wait_until_closed(&self) {
        self.wait_until(Self::is_closed).await;
    }

    /// Returns whether due work and ready webhooks of this world should still be processed.
    pub fn should_dispatch(&self) -> bool {
        !self.is_closed() && !self.draining.load(Ordering::Acquire)
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}
