//! Webhooks on their way out: prepare → sign → deliver → record, one delivery at a time per consent, as the outbox
//! hands them over. A receiver that hangs, resets or answers nonsense holds up only its own consent's lane, and many
//! such receivers only their own world.

mod fault_injection;
mod message;
mod sender;
mod throttle;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

pub use sender::{SenderError, WebhookPaths, WebhookSender};

use crate::engine::world::World;

/// Deliveries of one world that are on their way at once.
const CONCURRENT_DELIVERIES_MAX: usize = 256;

/// Drives a world until it is closed or drained: runs what becomes due and sends what is ready.
#[expect(
    clippy::disallowed_methods,
    reason = "the one task that waits for a world's next due time"
)]
pub async fn drive_world(world: Arc<World>, sender: Arc<WebhookSender>) {
    let slots = Arc::new(Semaphore::new(CONCURRENT_DELIVERIES_MAX));
    while world.should_dispatch() {
        for delivery in world.take_ready() {
            let (slots, send) = (
                Arc::clone(&slots),
                Arc::clone(&sender).send_delivery(Arc::clone(&world), delivery),
            );
            tokio::spawn(async move {
                let _slot = slots
                    .acquire()
                    .await
                    .expect("the semaphore is never closed");
                send.await;
            });
        }
        let wait = world.time_until_next_due();
        let timer = async {
            match wait {
                // A due time far ahead is looked at again after a day: nothing is lost, and no timer overflows.
                Some(span) => {
                    let ms = u64::try_from(span.0).unwrap_or_default();
                    tokio::time::sleep(Duration::from_millis(ms).min(Duration::from_secs(86_400)))
                        .await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = world.wait_for_wake() => {}
            () = timer => {}
        }
    }
}
