//! Moving a world's clock: each due timer runs at its due time, in order, and the webhooks that it caused arrive
//! before the next one does. The answer comes when the world has caught up.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use thiserror::Error;

use crate::domain::command::AdvanceTarget;
use crate::domain::time::Timestamp;
use crate::engine::clock::system_now;
use crate::engine::world::World;

/// What an advance may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub steps: usize,
    /// Wall time.
    pub duration: Duration,
    /// How long the FIU's own calls may take after its webhooks, in wall time.
    pub settle_delay: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps: 100_000,
            duration: Duration::from_secs(60),
            settle_delay: Duration::from_millis(50),
        }
    }
}

/// Where an advance ended and what happened on the way.
#[derive(Clone, Debug)]
pub struct AdvanceOutcome {
    pub from: Timestamp,
    pub to: Timestamp,
    /// Due work that was done.
    pub timers_fired: usize,
    /// Journal entries written meanwhile have numbers above this.
    pub journal_after: u64,
    pub stop_reason: StopReason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    TargetReached,
    StepLimitReached,
    TimeLimitReached,
    /// The world was reset meanwhile.
    WorldReset,
}

/// Why an advance was not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AdvanceRejection {
    #[error("another advance of this world is under way; one at a time")]
    InProgress,
    #[error(
        "{target} lies before the world's clock, {now}; time only goes forward, reset the world to go back"
    )]
    Backwards { target: Timestamp, now: Timestamp },
}

/// Moves the world's clock.
///
/// # Errors
/// [`AdvanceRefused`]; the clock has not moved then.
pub async fn advance_clock(
    world: &Arc<World>,
    target: AdvanceTarget,
    limits: Limits,
) -> Result<AdvanceOutcome, AdvanceRejection> {
    let guard = AdvanceGuard::try_new(world)?;
    let from = guard.from;
    let to = match target {
        AdvanceTarget::By(span) => from.saturating_add(span),
        AdvanceTarget::To(at) => at,
        AdvanceTarget::UntilIdle => Timestamp::MAX,
    };
    if to < from {
        return Err(AdvanceRejection::Backwards {
            target: to,
            now: from,
        });
    }
    let journal_after = world.lock().journal.last_seq();
    let mut run = AdvanceRun {
        world,
        limits,
        timers_fired: 0,
    };
    let stop_reason = match tokio::time::timeout(limits.duration, run.run_until(to)).await {
        Ok(stopped) => stopped,
        Err(_) => StopReason::TimeLimitReached,
    };
    let timers_fired = run.timers_fired;
    if stop_reason == StopReason::TargetReached && target != AdvanceTarget::UntilIdle {
        let mut inner = world.lock();
        inner.clock = inner.clock.stopped_at(to);
    }
    let to = world.now();
    drop(guard);
    Ok(AdvanceOutcome {
        from,
        to,
        timers_fired,
        journal_after,
        stop_reason,
    })
}

struct AdvanceRun<'a> {
    world: &'a Arc<World>,
    limits: Limits,
    timers_fired: usize,
}

impl AdvanceRun<'_> {
    async fn run_until(&mut self, to: Timestamp) -> StopReason {
        // What was under way before belongs to the time before.
        self.wait_until_settled().await;
        loop {
            if self.world.is_closed() {
                return StopReason::WorldReset;
            }
            let due = {
                let mut inner = self.world.lock();
                let due = World::discard_stale_and_peek(&mut inner).filter(|due| *due <= to);
                let Some(due) = due else {
                    return StopReason::TargetReached;
                };
                if self.timers_fired >= self.limits.steps {
                    return StopReason::StepLimitReached;
                }
                let now = inner.clock.now(system_now()).max(due);
                inner.clock = inner.clock.stopped_at(now);
                self.timers_fired += self.world.catch_up(&mut inner, now, false);
                now
            };
            tracing::debug!(world = self.world.name(), at = %due, "advanced to due work");
            self.wait_until_settled().await;
        }
    }

    /// Waits for the webhooks on their way, then for the FIU's own calls that they cause.
    #[expect(
        clippy::disallowed_methods,
        reason = "settling is a wait in wall time, and the FIU is not ours to watch"
    )]
    async fn wait_until_settled(&self) {
        while !self.world.is_quiescent() {
            let attempts_before = self.world.lock().outbox.attempt_count();
            self.world.wake.notify_one();
            self.world.wait_until_quiescent().await;
            if self.world.lock().outbox.attempt_count() > attempts_before {
                tokio::time::sleep(self.limits.settle_delay).await;
            }
        }
    }
}

/// The clock stands while somebody advances it, and runs on afterwards if it ran before, whatever happens to the
/// caller meanwhile.
struct AdvanceGuard<'a> {
    world: &'a Arc<World>,
    from: Timestamp,
}

impl<'a> AdvanceGuard<'a> {
    fn try_new(world: &'a Arc<World>) -> Result<Self, AdvanceRejection> {
        if world.advancing.swap(true, Ordering::AcqRel) {
            return Err(AdvanceRejection::InProgress);
        }
        let mut inner = world.lock_caught_up();
        let from = inner.clock.now(system_now());
        inner.clock = inner.clock.stopped_at(from);
        drop(inner);
        Ok(Self { world, from })
    }
}

impl Drop for AdvanceGuard<'_> {
    fn drop(&mut self) {
        let mut inner = self.world.lock();
        inner.clock = inner.clock.resume_running(system_now());
        drop(inner);
        self.world.advancing.store(false, Ordering::Release);
        self.world.wake.notify_one();
    }
}
