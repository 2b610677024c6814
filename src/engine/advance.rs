//! Advancing a world's clock. Each due timer runs at its due time, in order, and the webhooks that
//! it caused are delivered before the next timer runs. The call returns when the world has caught
//! up.
//!
//! After an acknowledgement the advance waits for the call that may follow it. The FIU's earlier
//! reactions give the length of the wait ([`crate::engine::reactions`]). A call in progress is
//! waited for, and each call begins the wait anew, so that a chain of webhooks and calls completes
//! at its instant.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use thiserror::Error;

use crate::domain::advance::{AdvancePlan, AdvanceTarget, CallCondition, Settle};
use crate::domain::journal_entry::JournalRecord;
use crate::domain::time::{Millis, Timestamp};
use crate::engine::clock::system_instant;
use crate::engine::outbox::Dispatch;
use crate::engine::reactions::{SETTLE_MAX, SettleState};
use crate::engine::world::{Execution, World};

/// The limits of one advance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub steps: usize,
    /// Maximum duration, in system time.
    pub duration: Option<Duration>,
    /// The time in which a timer has to run, in system time.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps: 1_000_000,
            duration: None,
            idle: Duration::from_secs(60),
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
    /// The longest wait that applied after an acknowledgement.
    pub settle: Duration,
    /// The number of calls that followed an acknowledgement after the clock had been moved on.
    pub late_calls: usize,
    /// The number of calls that the condition of the advance counted; `None` without a condition.
    pub calls: Option<usize>,
}

/// The reason why an advance ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopReason {
    TargetReached,
    /// The call that the advance waited for has come.
    CallArrived,
    /// The target was reached, and the call has not come in time.
    CallMissing,
    StepLimitReached,
    TimeLimitReached,
    /// The world was reset during the advance.
    WorldReset,
    /// The sandbox stops.
    SandboxStopping,
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
    #[error("that is after the year 9999, the last one of every clock; advance by less")]
    BeyondClocks,
}

/// Advances the world's clock.
///
/// # Errors
/// [`AdvanceRejection`]; the clock has not moved then.
pub(crate) async fn advance_clock(
    world: &Arc<World>,
    plan: &AdvancePlan,
    limits: Limits,
) -> Result<AdvanceOutcome, AdvanceRejection> {
    let guard = AdvanceGuard::try_new(world)?;
    let from = guard.from;
    let to = match plan.target {
        AdvanceTarget::By(duration) => from
            .checked_add(duration)
            .ok_or(AdvanceRejection::BeyondClocks)?,
        AdvanceTarget::To(at) => at,
        AdvanceTarget::UntilIdle => Timestamp::MAX,
    };
    if to < from {
        return Err(AdvanceRejection::Backwards {
            target: to,
            now: from,
        });
    }
    let (journal_after, work_before) = {
        let mut inner = world.lock();
        inner.reactions.begin_advance();
        (inner.journal.last_seq(), inner.work_count)
    };
    let mut run = AdvanceRun {
        world,
        settle: effective_settle(plan),
        steps_max: limits.steps,
        work_before,
        longest_wait: Duration::ZERO,
    };
    let within = plan.until_call.as_ref().and_then(|call| call.within);
    let within = within.map(|within| Duration::from_millis(within.0.unsigned_abs()));
    // A wait for a call that ends before the limits ends as it says.
    let within = within.filter(|within| *within < limits.duration.unwrap_or(limits.idle));
    let duration = within.or(limits.duration);
    let condition = plan.until_call.as_ref();
    let mut progress = Progress::Running;
    let began = system_instant();
    let finished = {
        let steps = run.run_plan(plan.target, to, &mut progress, condition, journal_after);
        tokio::pin!(steps);
        let mut deadline = began + duration.unwrap_or(limits.idle);
        let mut seen_work = work_before;
        loop {
            if let Ok(reason) = tokio::time::timeout_at(deadline, &mut steps).await {
                break Some(reason);
            }
            let work = world.lock().work_count;
            if duration.is_some() || work == seen_work {
                break None;
            }
            // Timers have run meanwhile.
            (seen_work, deadline) = (work, deadline + limits.idle);
        }
    };
    let stop_reason = finished.unwrap_or(match progress {
        Progress::Running if within.is_none() => StopReason::TimeLimitReached,
        Progress::Running | Progress::AwaitingCall => StopReason::CallMissing,
        Progress::CallArrived => StopReason::CallArrived,
    });
    let settle = run.longest_wait;
    let (timers_fired, late_calls) = {
        let inner = world.lock();
        let fired = inner.work_count - work_before;
        (fired, inner.reactions.late_call_count())
    };
    let to = world.now();
    drop(guard);
    Ok(AdvanceOutcome {
        from,
        to,
        timers_fired,
        journal_after,
        stop_reason,
        settle,
        late_calls,
        calls: condition.map(|condition| count_calls(world, condition, journal_after)),
    })
}

/// Returns the wait that a plan asks for. An advance until a call expects that call after any
/// acknowledgement, so it waits for as long as any reaction may take.
fn effective_settle(plan: &AdvancePlan) -> Settle {
    match (plan.settle, &plan.until_call) {
        (Settle::Auto, Some(_)) => Settle::Fixed(Millis(
            i64::try_from(SETTLE_MAX.as_millis()).unwrap_or(i64::MAX),
        )),
        (settle, _) => settle,
    }
}

/// Returns the number of calls in the journal that the condition counts.
fn count_calls(world: &World, condition: &CallCondition, journal_after: u64) -> usize {
    let inner = world.lock();
    let calls = inner.journal.iter_after(journal_after);
    calls
        .filter(|entry| match &entry.record {
            JournalRecord::Call(call) => condition.matches_call(call),
            _ => false,
        })
        .count()
}

/// The progress of an advance, which remains known when its time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Running,
    /// The target is reached; the call that the advance waits for has not come.
    AwaitingCall,
    CallArrived,
}

struct AdvanceRun<'a> {
    world: &'a Arc<World>,
    settle: Settle,
    steps_max: usize,
    /// The number of due work items that had run before. The driver of the world runs some, too.
    work_before: usize,
    /// The longest wait after an acknowledgement.
    longest_wait: Duration,
}

impl AdvanceRun<'_> {
    /// Runs to the target, or until the call of the condition; then lets the consequences of that
    /// call settle.
    async fn run_plan(
        &mut self,
        target: AdvanceTarget,
        to: Timestamp,
        progress: &mut Progress,
        condition: Option<&CallCondition>,
        journal_after: u64,
    ) -> StopReason {
        let Some(condition) = condition else {
            return self.run_to_target(target, to).await;
        };
        let world = self.world;
        let call = world.wait_for_journal(|world| {
            count_calls(world, condition, journal_after) >= condition.count
        });
        tokio::pin!(call);
        let reason = tokio::select! {
            biased;
            () = &mut call => StopReason::CallArrived,
            reason = self.run_to_target(target, to) => reason,
        };
        let reason = if reason == StopReason::TargetReached {
            *progress = Progress::AwaitingCall;
            call.await;
            StopReason::CallArrived
        } else {
            reason
        };
        if world.is_closed() {
            return StopReason::WorldReset;
        }
        if reason == StopReason::CallArrived {
            *progress = Progress::CallArrived;
            self.settle = Settle::Auto;
            self.wait_until_settled().await;
        }
        reason
    }

    /// Runs all work due by `to`, and sets the clock to a target that is an instant.
    async fn run_to_target(&mut self, target: AdvanceTarget, to: Timestamp) -> StopReason {
        let reason = self.run_until(to).await;
        if reason == StopReason::TargetReached && target != AdvanceTarget::UntilIdle {
            let mut inner = self.world.lock();
            inner.clock = inner.clock.stopped_at(to);
        }
        reason
    }

    async fn run_until(&mut self, to: Timestamp) -> StopReason {
        // Webhooks already in flight belong to the time before the advance.
        self.wait_until_settled().await;
        loop {
            if self.world.is_closed() {
                return StopReason::WorldReset;
            }
            if self.world.is_draining() {
                return StopReason::SandboxStopping;
            }
            let due = {
                let mut inner = self.world.lock();
                let due = inner.discard_stale_and_peek().filter(|due| *due <= to);
                let Some(due) = due else {
                    return StopReason::TargetReached;
                };
                if inner.work_count - self.work_before >= self.steps_max {
                    return StopReason::StepLimitReached;
                }
                let now = inner.now().max(due);
                inner.clock = inner.clock.stopped_at(now);
                Execution::new(self.world, &mut inner, Dispatch::Immediately).run_due_work(now);
                now
            };
            tracing::debug!(world = self.world.name(), at = %due, "advanced to due work");
            self.wait_until_settled().await;
        }
    }

    /// Waits for the webhooks in flight and the calls in progress, then for the calls that they
    /// cause.
    #[expect(
        clippy::disallowed_methods,
        reason = "settling is a wait in system time, and the FIU's progress cannot be observed"
    )]
    async fn wait_until_settled(&mut self) {
        loop {
            let activity = self.world.fiu_activity.notified();
            tokio::pin!(activity);
            activity.as_mut().enable();
            if self.world.is_closed() {
                return;
            }
            if !self.world.is_quiescent() {
                self.world.wake.notify_one();
                activity.await;
                continue;
            }
            let (state, wait) = {
                let reactions = &self.world.lock().reactions;
                (
                    reactions.settle_state(self.settle, system_instant()),
                    reactions.longest_wait(self.settle),
                )
            };
            self.longest_wait = self.longest_wait.max(wait);
            match state {
                SettleState::Settled => return,
                SettleState::CallInProgress => activity.await,
                SettleState::WaitUntil(deadline) => {
                    let began = system_instant();
                    tokio::select! {
                        () = tokio::time::sleep_until(deadline) => {}
                        () = activity => {}
                    }
                    let waited = system_instant().saturating_duration_since(began);
                    self.world.lock().reactions.record_wait(waited);
                }
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
        let from = inner.now();
        inner.clock = inner.clock.stopped_at(from);
        drop(inner);
        Ok(Self { world, from })
    }
}

impl Drop for AdvanceGuard<'_> {
    fn drop(&mut self) {
        let mut inner = self.world.lock();
        inner.clock = inner.clock.resume_running(inner.system_time);
        drop(inner);
        self.world.advancing.store(false, Ordering::Release);
        self.world.wake.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use super::{AdvanceOutcome, Duration, Limits, StopReason, advance_clock};
    use crate::domain::action::ConsentAction;
    use crate::domain::advance::{AdvancePlan, AdvanceTarget};
    use crate::domain::call_facts::{Acknowledgement, SentFacts};
    use crate::domain::command::Command;
    use crate::domain::consent::{Input, Status};
    use crate::domain::delivery::{Attempt, AttemptOutcome};
    use crate::domain::ids::ConsentHandle;
    use crate::domain::time::{Millis, Timestamp};
    use crate::engine::outbox::OPEN_DELIVERIES_MAX;
    use crate::engine::proptests::{new_world, new_world_with_bound, raise_consent};
    use crate::engine::world::{Receipt, World};

    /// Advances the clock until nothing is due. No webhook has a receiver. Returns the largest number
    /// of webhooks that were open at a time, too.
    async fn advance_until_idle(world: &Arc<World>, limits: Limits) -> (AdvanceOutcome, usize) {
        const BATCH: usize = 100;
        let mut open_max = 0;
        let drive = async {
            loop {
                let ready = world.driver().run_due_and_take_ready(BATCH);
                if ready.is_empty() {
                    world.driver().wait_for_wake().await;
                }
                open_max = open_max.max(world.lock().outbox.open_len());
                for delivery in ready {
                    world.driver().mark_unaddressed(delivery.id);
                }
                tokio::task::yield_now().await;
            }
        };
        let plan = AdvancePlan::to_target(AdvanceTarget::UntilIdle);
        let outcome = tokio::select! {
            outcome = advance_clock(world, &plan, limits) => outcome,
            () = drive => unreachable!("the loop has no end"),
        };
        (outcome.expect("it begins"), open_max)
    }

    fn raise_consents(world: &Arc<World>, count: usize, days: impl Fn(usize) -> i64) {
        for number in 0..count {
            let customer = u8::try_from(number % 200).expect("it is small");
            let receipt = world.submit(None, raise_consent(customer, days(number)));
            receipt.expect("it is raised").release_webhooks();
        }
    }

    #[tokio::test]
    async fn an_advance_ends_at_its_limit_of_timers() {
        let world = new_world();
        raise_consents(&world, 5, |number| {
            i64::try_from(number).expect("small") + 1
        });
        let limits = Limits {
            steps: 2,
            ..Limits::default()
        };
        let mut fired = Vec::new();
        loop {
            let (outcome, _) = advance_until_idle(&world, limits).await;
            fired.push(outcome.timers_fired);
            match outcome.stop_reason {
                StopReason::StepLimitReached => {}
                reason => break assert_eq!(reason, StopReason::TargetReached),
            }
        }
        assert_eq!(fired, [2, 2, 1]);
    }

    #[tokio::test]
    async fn timers_of_one_instant_wait_while_the_outbox_is_full() {
        let world = new_world();
        let count = 2 * OPEN_DELIVERIES_MAX + 1_000;
        raise_consents(&world, count, |_| 1);
        // Most timers are run by the driver, while the advance waits.
        let limits = Limits {
            idle: Duration::from_millis(500),
            ..Limits::default()
        };
        let (outcome, open_max) = advance_until_idle(&world, limits).await;
        assert_eq!(outcome.stop_reason, StopReason::TargetReached);
        assert_eq!(outcome.timers_fired, count);
        assert!(open_max <= OPEN_DELIVERIES_MAX, "{open_max} at a time");
        let consents = world.catch_up().consents(0, count);
        assert_eq!(consents.len(), count);
        assert!(
            consents
                .iter()
                .all(|consent| consent.status == Status::Expired)
        );
    }

    fn failed_attempt() -> Attempt {
        Attempt {
            at: Timestamp::MIN,
            system_time: Timestamp::MIN,
            duration_ms: 0,
            url: "http://127.0.0.1:9/".to_owned(),
            headers: Vec::new(),
            outcome: AttemptOutcome::Failed {
                reason: "nobody listens".to_owned(),
            },
            faults: Vec::new(),
            effective_faults: Vec::new(),
            must_be_rejected: false,
            faultless_headers: None,
            faulty_body: None,
            retry_after: None,
            facts: SentFacts::default(),
            acknowledgement: Acknowledgement::default(),
        }
    }

    /// Lets the first attempt of each webhook fail that may be sent.
    fn fail_all(world: &World) {
        for delivery in world.driver().run_due_and_take_ready(usize::MAX) {
            world.driver().record_attempt(delivery.id, failed_attempt());
        }
    }

    fn transition(world: &Arc<World>, handle: ConsentHandle, input: Input) -> Receipt {
        let action = ConsentAction::with_defaults(input);
        let command = Command::TransitionConsent { handle, action };
        world.submit(None, command).expect("it is legal")
    }

    fn raise_one(world: &Arc<World>, number: usize) -> ConsentHandle {
        let customer = u8::try_from(number % 200).expect("it is small");
        let receipt = world.submit(None, raise_consent(customer, 400));
        let outcome = receipt.expect("it is raised").release_webhooks();
        outcome.consent().handle
    }

    #[tokio::test]
    async fn an_advance_goes_on_when_a_released_webhook_has_to_wait() {
        let world = new_world();
        let handle = raise_one(&world, 0);
        transition(&world, handle, Input::Approve).release_webhooks();
        fail_all(&world);
        let receipt = transition(&world, handle, Input::Pause);
        let plan = AdvancePlan::to_target(AdvanceTarget::By(Millis(1)));
        let advance = advance_clock(&world, &plan, Limits::default());
        let release = async {
            tokio::task::yield_now().await;
            assert!(!world.is_quiescent(), "the webhook of the pause is held");
            receipt.release_webhooks();
        };
        let both = async { tokio::join!(advance, release).0 };
        let outcome = tokio::time::timeout(Duration::from_secs(20), both).await;
        let outcome = outcome.expect("it ends").expect("it begins");
        assert_eq!(outcome.stop_reason, StopReason::TargetReached);
    }

    #[test]
    fn webhooks_that_wait_for_a_retry_do_not_wait_for_each_other() {
        let world = new_world();
        let mut number = 0;
        while world.lock().outbox.open_len() < OPEN_DELIVERIES_MAX {
            let handle = raise_one(&world, number);
            transition(&world, handle, Input::Approve).release_webhooks();
            number += 1;
        }
        fail_all(&world);
        let mut inner = world.lock();
        let later = inner.now().saturating_add(Millis::from_secs(86_400));
        inner.clock = inner.clock.stopped_at(later);
        drop(inner);
        let retried = world.driver().run_due_and_take_ready(usize::MAX).len();
        assert!((384..1_000).contains(&retried), "{retried} at a time");
    }

    #[tokio::test]
    async fn consents_have_different_numbers_after_some_were_removed() {
        let world = new_world_with_bound(10);
        raise_consents(&world, 30, |_| 1);
        advance_until_idle(&world, Limits::default()).await;
        raise_consents(&world, 30, |_| 400);
        let consents = world.catch_up().consents(0, usize::MAX);
        let numbers: BTreeSet<u32> = consents.iter().map(|consent| consent.number).collect();
        assert!((40..=41).contains(&consents.len()), "{}", consents.len());
        assert_eq!(numbers.len(), consents.len());
        assert_eq!(
            world.lock().timers.len(),
            30,
            "none is left of the removed ones"
        );
    }
}
