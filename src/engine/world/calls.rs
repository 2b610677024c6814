//! The calls in progress of a world, and what they reveal about the reactions of its FIUs.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::domain::delivery::{AttemptOutcome, Delivery};
use crate::engine::clock::system_instant;
use crate::engine::reactions::{Arrival, IdentifiedCall, LateCall, Moment, SETTLE_MAX};
use crate::engine::world::{Inner, World};

/// A call of a participant in progress; dropping it ends the call. An advance does not move the
/// clock meanwhile.
#[derive(Debug)]
pub struct CallInProgress {
    world: Arc<World>,
    arrival: Arrival,
}

impl World {
    /// Counts a call that has just arrived.
    pub fn begin_call(self: &Arc<Self>) -> CallInProgress {
        let mut inner = self.lock();
        let arrival = Arrival {
            at: inner.read_moment(),
            during_advance: self.advancing.load(Ordering::Acquire),
        };
        inner.reactions.begin_call(arrival.at.instant);
        drop(inner);
        self.fiu_activity.notify_waiters();
        CallInProgress {
            world: Arc::clone(self),
            arrival,
        }
    }
}

impl CallInProgress {
    /// Returns the world that counts the call.
    pub(crate) fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// Returns whether the call was counted in this world.
    pub fn belongs_to(&self, world: &World) -> bool {
        std::ptr::eq(&raw const *self.world, world)
    }

    /// Records caller and subject of the call, now that they are known. A call that followed an
    /// acknowledgement after an advance had moved the clock is noted once for each advance.
    pub(crate) fn record_caller(&self, call: IdentifiedCall<'_>) {
        let mut inner = self.world.lock();
        let now = inner.read_moment();
        let late_call = inner.reactions.record_call(call, self.arrival, now);
        let is_advancing = self.world.advancing.load(Ordering::Acquire);
        let late_call = late_call.filter(|late| is_advancing || late.delay <= SETTLE_MAX);
        if let Some(late) = late_call
            && inner.reactions.count_late_call()
        {
            tracing::info!(
                world = self.world.name(),
                fiu = &*late.fiu,
                operation = %call.operation,
                delay_ms = late.delay.as_millis(),
                "a call came after an advance had moved the clock"
            );
            inner.append_note(None, describe_late_call(call, &late));
        }
    }
}

impl Drop for CallInProgress {
    fn drop(&mut self) {
        self.world.lock().reactions.end_call(system_instant());
        self.world.fiu_activity.notify_waiters();
    }
}

impl Inner {
    /// Reads the world's clock and the machine's monotonic clock.
    fn read_moment(&self) -> Moment {
        Moment {
            instant: system_instant(),
            world_time: self.now(),
            total_wait: self.reactions.total_wait(),
        }
    }

    /// Records the FIU's answer to the last attempt of this delivery, if it gave one.
    pub(super) fn record_acknowledgement(&mut self, delivery: &Delivery) {
        let outcome = delivery.attempts.last().map(|attempt| &attempt.outcome);
        if matches!(outcome, None | Some(AttemptOutcome::Failed { .. })) {
            return;
        }
        let at = self.read_moment();
        let notification = &delivery.notification;
        self.reactions
            .record_acknowledgement(&notification.fiu, notification.consent.handle, at);
    }
}

/// Describes a late call without its delay, so that equal runs have equal notes; the log has the
/// delay.
fn describe_late_call(call: IdentifiedCall<'_>, late: &LateCall) -> String {
    format!(
        "{} of {} came after {} had acknowledged a webhook at {}; meanwhile an advance has moved the clock; \
         if the call is a reaction to that webhook, advance with a longer settle",
        call.operation,
        call.fiu.unwrap_or("an unknown caller"),
        late.fiu,
        late.acknowledged.world_time,
    )
}
