//! Moving a world's clock: each due timer runs at its due time, in order, and the webhooks that it caused arrive
//! before the next one does. The answer comes when the world has caught up.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use thiserror::Error;

use crate::domain::command::AdvanceTarget;
use crate::domain::time::Timestamp;
use crate::engine::clock::wall;
use crate::engine::world::World;

/// What an advance may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub steps: usize,
    /// Wall time.
    pub duration: Duration,
    /// How long the FIU's own calls may take after its webhooks, in wall time.
    pub settle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps: 100_000,
            duration: Duration::from_secs(60),
            settle: Duration::from_millis(50),
        }
    }
}

/// Where an advance ended and what happened on the way.
#[derive(Clone, Debug)]
pub struct Advanced {
    pub from: Timestamp,
    pub to: Timestamp,
    /// Due work that was done.
    pub fired: usize,
    /// Journal entries written meanwhile have numbers above this.
    pub journal_after: u64,
    pub stopped: Stopped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    AtTarget,
    AtStepLimit,
    AtTimeLimit,
    /// The world was reset meanwhile.
    WorldReset,
}

/// Why an advance was not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AdvanceRefused {
    #[error("another advance of this world is under way; one at a time")]
    UnderWay,
    #[error(
        "{target} lies before the world's clock, {now}; time only goes forward, reset the world to go back"
    )]
    Backwards { target: Timestamp, now: Timestamp },
}

/// Moves the world's clock.
///
/// # Errors
/// [`AdvanceRefused`]; the clock has not moved then.
pub async fn advance(
    world: &Arc<World>,
    target: AdvanceTarget,
    limits: Limits,
) -> Result<Advanced, AdvanceRefused> {
    let standing = Standing::begin(world)?;
    let from = standing.from;
    let to = match target {
        AdvanceTarget::By(span) => from.saturating_add(span),
        AdvanceTarget::To(at) => at,
        AdvanceTarget::UntilIdle => Timestamp::MAX,
    };
    if to < from {
        return Err(AdvanceRefused::Backwards {
            target: to,
            now: from,
        });
    }
    let journal_after = world.lock().journal.written();
    let mut journey = Journey {
        world,
        limits,
        fired: 0,
    };
    let stopped = match tokio::time::timeout(limits.duration, journey.travel(to)).await {
        Ok(stopped) => stopped,
        Err(_) => Stopped::AtTimeLimit,
    };
    let fired = journey.fired;
    if stopped == Stopped::AtTarget && target != AdvanceTarget::UntilIdle {
        let mut inner = world.lock();
        inner.clock = inner.clock.stopped_at(to);
    }
    let to = world.now();
    drop(standing);
    Ok(Advanced {
        from,
        to,
        fired,
        journal_after,
        stopped,
    })
}

struct Journey<'a> {
    world: &'a Arc<World>,
    limits: Limits,
    fired: usize,
}

impl Journey<'_> {
    async fn travel(&mut self, to: Timestamp) -> Stopped {
        // What was under way before belongs to the time before.
        self.settle().await;
        loop {
            if self.world.is_closed() {
                return Stopped::WorldReset;
            }
            let due = {
                let mut inner = self.world.lock();
                let due = World::next_due(&mut inner).filter(|due| *due <= to);
                let Some(due) = due else {
                    return Stopped::AtTarget;
                };
                if self.fired >= self.limits.steps {
                    return Stopped::AtStepLimit;
                }
                let now = inner.clock.now(wall()).max(due);
                inner.clock = inner.clock.stopped_at(now);
                self.fired += self.world.catch_up(&mut inner, now, false);
                now
            };
            tracing::debug!(world = self.world.name(), at = %due, "advanced to due work");
            self.settle().await;
        }
    }

    /// Waits for the webhooks on their way, then for the FIU's own calls that they cause.
    #[expect(
        clippy::disallowed_methods,
        reason = "settling is a wait in wall time, and the FIU is not ours to watch"
    )]
    async fn settle(&self) {
        while !self.world.is_quiet() {
            let posted = self.world.lock().outbox.posted();
            self.world.stirred.notify_one();
            self.world.quiet().await;
            if self.world.lock().outbox.posted() > posted {
                tokio::time::sleep(self.limits.settle).await;
            }
        }
    }
}

/// The clock stands while somebody advances it, and runs on afterwards if it ran before, whatever happens to the
/// caller meanwhile.
struct Standing<'a> {
    world: &'a Arc<World>,
    from: Timestamp,
}

impl<'a> Standing<'a> {
    fn begin(world: &'a Arc<World>) -> Result<Self, AdvanceRefused> {
        if world.advancing.swap(true, Ordering::AcqRel) {
            return Err(AdvanceRefused::UnderWay);
        }
        let mut inner = world.up_to_date();
        let from = inner.clock.now(wall());
        inner.clock = inner.clock.stopped_at(from);
        drop(inner);
        Ok(Self { world, from })
    }
}

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        let mut inner = self.world.lock();
        inner.clock = inner.clock.released(wall());
        drop(inner);
        self.world.advancing.store(false, Ordering::Release);
        self.world.stirred.notify_one();
    }
}
