//! For whoever drives a world: what is to be sent, when to look again, when it is over.

use std::sync::atomic::Ordering;

use crate::domain::delivery::{Attempt, Delivery};
use crate::domain::rejection::Rejection;
use crate::domain::time::Millis;
use crate::engine::clock::{Clock, wall};
use crate::engine::outbox::Next;
use crate::engine::timers::Work;
use crate::engine::world::World;
use crate::engine::world::course::webhook_record;

impl World {
    /// The first `limit` deliveries on record with an id above `after`.
    pub fn deliveries(&self, after: u64, limit: usize) -> Vec<Delivery> {
        self.up_to_date().outbox.deliveries(after, limit)
    }

    pub fn delivery(&self, id: u64) -> Option<Delivery> {
        self.up_to_date().outbox.delivery(id)
    }

    /// Runs what is due and takes the webhooks that may be sent. For whoever drives the world.
    pub fn take_ready(&self) -> Vec<Delivery> {
        let mut inner = self.up_to_date();
        // Asked under the lock: what is taken is seen by whoever waits for it to end.
        if self.wants_driving() {
            inner.outbox.take_ready()
        } else {
            Vec::new()
        }
    }

    /// Records the end of an attempt.
    pub fn attempted(&self, id: u64, attempt: Attempt) {
        let mut inner = self.lock();
        let now = inner.clock.now(wall());
        let outcome = attempt.outcome.to_string();
        if let Next::RetryAt(at) = inner.outbox.attempted(id, attempt, now) {
            inner.timers.add(at, Work::Retry(id));
        }
        if let Some(delivery) = inner.outbox.delivery(id) {
            inner.journal.write(now, webhook_record(&delivery, outcome));
        }
        drop(inner);
        self.settle();
    }

    /// Records what would have been sent to an FIU that has no base URL.
    pub fn shelve(&self, id: u64) {
        let mut inner = self.lock();
        inner.outbox.shelve(id);
        if let Some(delivery) = inner.outbox.delivery(id) {
            let now = inner.clock.now(wall());
            inner.journal.write(
                now,
                webhook_record(&delivery, "not sent: the FIU has no address".to_owned()),
            );
        }
        drop(inner);
        self.settle();
    }

    /// Sends a webhook once more.
    ///
    /// # Errors
    /// [`Refusal::NotResendable`] while it is on its way.
    pub fn resend(&self, id: u64) -> Result<(), Rejection> {
        let resent = self.up_to_date().outbox.resend(id);
        self.stirred.notify_one();
        resent.map_err(|progress| Rejection::NotResendable(progress.as_str()))
    }

    fn settle(&self) {
        self.settled.notify_waiters();
        self.noticed.notify_waiters();
        self.stirred.notify_one();
    }

    /// How long until the next work is due; `None` while nothing is, or the clock stands.
    pub fn idle_for(&self) -> Option<Millis> {
        let mut inner = self.lock();
        let wall = wall();
        match inner.clock {
            Clock::Frozen { .. } | Clock::Moving { .. } => None,
            Clock::Running { .. } => Some(
                Self::next_due(&mut inner)?
                    .duration_since(inner.clock.now(wall))
                    .max(Millis::ZERO),
            ),
        }
    }

    /// Waits until there may be something to do.
    pub async fn stirred(&self) {
        self.stirred.notified().await;
    }

    /// Whether no webhook is on its way; those that wait for a later retry do not count. A closed world has none.
    pub(in crate::engine) fn is_quiet(&self) -> bool {
        self.is_closed() || self.lock().outbox.is_quiet()
    }

    /// Waits until no webhook is on its way.
    pub(in crate::engine) async fn quiet(&self) {
        self.settled_when(Self::is_quiet).await;
    }

    /// Begins no more attempts, and waits until those under way have ended.
    pub async fn drain(&self) {
        self.draining.store(true, Ordering::Release);
        self.stirred.notify_one();
        self.settled_when(|world| world.is_closed() || world.lock().outbox.is_idle())
            .await;
    }

    pub(super) async fn settled_when(&self, condition: impl Fn(&Self) -> bool) {
        loop {
            let settled = self.settled.notified();
            tokio::pin!(settled);
            settled.as_mut().enable();
            if condition(self) {
                return;
            }
            settled.await;
        }
    }

    /// The world was reset or deleted: nothing is sent for it any more.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.stirred.notify_one();
        self.settled.notify_waiters();
        self.noticed.notify_waiters();
    }

    /// Waits until the world is reset or deleted.
    pub async fn closed(&self) {
        self.settled_when(Self::is_closed).await;
    }

    /// Whether somebody has to see to what becomes due and ready.
    pub fn wants_driving(&self) -> bool {
        !self.is_closed() && !self.draining.load(Ordering::Acquire)
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}
