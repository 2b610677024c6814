//! Delivery of webhooks: prepare, sign, send, record. The engine's outbox decides what is sent and
//! when, one delivery at a time for each consent that keeps an order. A receiver that hangs, resets
//! or sends an invalid response blocks only the queue of its consent, and many such receivers only their
//! world.

mod aa_api_key;
mod connection;
mod fault_injection;
mod message;
mod sender;
mod throttle;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

pub(crate) use sender::{WebhookPaths, WebhookSender};

use self::aa_api_key::AaTokens;
use crate::engine::world::World;

/// Runs a world's due timers and sends its ready webhooks, until the world is closed or drained.
#[expect(
    clippy::disallowed_methods,
    reason = "the one task that waits for a world's next due time"
)]
pub(crate) async fn drive_world(world: Arc<World>, sender: Arc<WebhookSender>) {
    let slots = Arc::new(Semaphore::new(sender.deliveries_per_world()));
    let tokens = Arc::new(AaTokens::default());
    while world.driver().should_dispatch() {
        // The others wait in the outbox, where they need less memory.
        let free = slots.available_permits();
        let deliveries = world.driver().run_due_and_take_ready(free);
        let is_full = deliveries.len() == free;
        for delivery in deliveries {
            let slot = Arc::clone(&slots).try_acquire_owned();
            let slot = slot.expect("this task alone takes slots");
            let send = Arc::clone(&sender).send_delivery(
                Arc::clone(&world),
                Arc::clone(&tokens),
                delivery,
            );
            tokio::spawn(async move {
                send.await;
                drop(slot);
            });
        }
        let wait = world.driver().time_until_next_due();
        let timer = async {
            match wait {
                // The wait is at most a day, so that no timer overflows; the loop then waits again.
                Some(wait) => {
                    let ms = u64::try_from(wait.0).unwrap_or_default();
                    tokio::time::sleep(Duration::from_millis(ms).min(Duration::from_secs(86_400)))
                        .await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = world.driver().wait_for_wake() => {}
            () = timer => {}
            _ = slots.acquire(), if is_full => {}
        }
    }
}
