//! The end of a world, and waiting for its deliveries.

use std::sync::atomic::Ordering;

use tokio::sync::Notify;

use crate::engine::outbox::UnsentWebhooks;
use crate::engine::world::World;

impl World {
    /// Returns whether no webhook is held, ready or in flight. Webhooks that wait for a retry do
    /// not count; a closed world has none.
    pub(in crate::engine) fn is_quiescent(&self) -> bool {
        self.is_closed() || self.lock().outbox.is_quiescent()
    }

    /// Stops running due work. Webhooks that may be sent already are still sent.
    pub(crate) fn begin_draining(&self) {
        self.draining.store(true, Ordering::Release);
        self.wake.notify_one();
        self.journal_appended.notify_waiters();
    }

    /// Waits until no webhook may be sent, nor is being sent.
    pub(crate) async fn wait_until_quiescent(&self) {
        self.wait_until(&self.delivery_done, Self::is_quiescent)
            .await;
    }

    /// Returns the webhooks that are not sent if the world ends now.
    pub(crate) fn count_unsent(&self) -> UnsentWebhooks {
        self.lock().outbox.count_unsent()
    }

    /// Returns whether the sandbox stops.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Waits until the condition holds after a signal.
    pub(super) async fn wait_until(&self, signal: &Notify, condition: impl Fn(&Self) -> bool) {
        loop {
            let notified = signal.notified();
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
        self.closing.notify_waiters();
    }

    /// Waits until the world is reset or deleted.
    pub async fn wait_until_closed(&self) {
        self.wait_until(&self.closing, Self::is_closed).await;
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Signals that an attempt has ended, or that webhooks were released. An advance waits for the last
    /// one only.
    pub(super) fn notify_delivery_done(&self) {
        self.delivery_done.notify_waiters();
        self.journal_appended.notify_waiters();
        if self.is_quiescent() {
            self.fiu_activity.notify_waiters();
        }
        self.wake.notify_one();
    }
}
