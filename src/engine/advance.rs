//! Advancing a world's clock. Each due timer runs at its due time, in order, and the webhooks that
//! it caused are delivered before the next timer runs. The call returns when the world has caught
//! up.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use thiserror::Error;

use crate::domain::command::AdvanceTarget;
use crate::domain::time::Timestamp;
use crate::engine::clock::system_now;
use crate::engine::outbox::Dispatch;
use crate::engine::world::{Execution, World};

/// The limits of one advance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub steps: usize,
    /// Maximum duration, in system time.
    pub duration: Duration,
    /// The wait for the FIU's own calls after its webhooks, in system time.
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

/// The result of an advance.
#[derive(Clone, Debug)]
pub(crate) struct AdvanceOutcome {
    pub from: Timestamp,
    pub to: Timestamp,
    /// The number of due work items that ran.
    pub timers_fired: usize,
    /// Journal entries written during the advance have numbers above this one.
    pub journal_after: u64,
    pub stop_reason: StopReason,
}

/// The reason why an advance ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopReason {
    TargetReached,
    StepLimitReached,
    TimeLimitReached,
    /// The world was reset during the advance.
    WorldReset,
}

/// The reason why an advance was not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum AdvanceRejection {
    #[error("another advance of this world is in progress; wait until it has ended")]
    InProgress,
    #[error(
        "{target} is before the world's clock, {now}; time only moves forward, reset the world to go back"
    )]
    Backwards { target: Timestamp, now: Timestamp },
}

/// Advances the world's clock.
///
/// # Errors
/// [`AdvanceRejection`]; the clock has not moved then.
pub(crate) async fn advance_clock(
    world: &Arc<World>,
    target: AdvanceTarget,
    limits: Limits,
) -> Result<AdvanceOutcome, AdvanceRejection> {
    let guard = AdvanceGuard::try_new(world)?;
    let from = guard.from;
    let to = match target {
        AdvanceTarget::By(duration) => from.saturating_add(duration),
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
        Ok(reason) => reason,
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
        // Webhooks already in flight belong to the time before the advance.
        self.wait_until_settled().await;
        loop {
            if self.world.is_closed() {
                return StopReason::WorldReset;
            }
            let due = {
                let mut inner = self.world.lock();
                let due = inner.discard_stale_and_peek().filter(|due| *due <= to);
                let Some(due) = due else {
                    return StopReason::TargetReached;
                };
                if self.timers_fired >= self.limits.steps {
                    return StopReason::StepLimitReached;
                }
                let now = inner.clock.now(system_now()).max(due);
                inner.clock = inner.clock.stopped_at(now);
                self.timers_fired +=
                    Execution::new(self.world, &mut inner, Dispatch::Immediately).run_due_work(now);
                now
            };
            tracing::debug!(world = self.world.name(), at = %due, "advanced to due work");
            self.wait_until_settled().await;
        }
    }

    /// Waits for the webhooks in flight, then for the FIU's calls that they cause.
    #[expect(
        clippy::disallowed_methods,
        reason = "settling is a wait in system time, and the FIU's progress cannot be observed"
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

/// A guard that stops the clock during an advance. Dropping it lets a running clock run again, even
/// if the caller was cancelled.
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
