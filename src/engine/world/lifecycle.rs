//! The end of a world, and waiting for its deliveries.

use std::sync::atomic::Ordering;

use crate::engine::world::World;

impl World {
    /// Returns whether no webhook is held, ready or in flight. Webhooks that wait for a retry do
    /// not count; a closed world has none.
    pub(in crate::engine) fn is_quiescent(&self) -> bool {
        self.is_closed() || self.lock().outbox.is_quiescent()
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
        self.fiu_activity.notify_waiters();
    }

    /// Waits until the world is reset or deleted.
    pub async fn wait_until_closed(&self) {
        self.wait_until(Self::is_closed).await;
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Signals that an attempt has ended.
    pub(super) fn notify_delivery_done(&self) {
        self.delivery_done.notify_waiters();
        self.journal_appended.notify_waiters();
        self.fiu_activity.notify_waiters();
        self.wake.notify_one();
    }
}
