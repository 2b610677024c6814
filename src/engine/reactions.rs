//! The reactions of FIUs to webhooks: the calls in progress, and the delay between an
//! acknowledgement and the call that followed it. An advance learns from them how long it has to
//! wait before it moves the clock.
//!
//! The call that followed an acknowledgement is the first call that arrived after it, of the same
//! FIU or of an unknown caller, about the same consent. A call that raises a consent, or that is
//! about no consent, follows the FIU's first acknowledgement since its last call. The delay is the
//! time since the acknowledgement, or since the FIU's last call if that was later: a queue of the
//! FIU takes the time between its calls, not their sum.
//!
//! `Assumption:` a call that arrives between two advances may be made by whoever advances, after the
//! answer of the advance. The time for which advances have waited is then no part of the delay. Else
//! a test that raises consents and advances in turn would double its own wait each time. For the same
//! reason, a call that raises a consent teaches nothing between two advances: the pace of a test that
//! raises many is not that of the FIU.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::advance::Settle;
use crate::domain::ids::ConsentHandle;
use crate::domain::operation::Operation;
use crate::domain::time::{Millis, Timestamp};

/// The wait after an acknowledgement of an FIU that has never called after one.
pub(crate) const SETTLE_MIN: Duration = Duration::from_millis(3);

/// The number of acknowledgements without a call from which on an advance no longer waits for an FIU
/// that has never called after one.
const SILENT_AFTER: u64 = 100;

/// The longest wait that the reactions of an FIU cause. A later call teaches nothing, since no wait
/// would have been long enough for it.
pub(crate) const SETTLE_MAX: Duration = Duration::from_secs(2);

/// Time for which an acknowledgement is kept without a call: the longest pause between two timers of an
/// advance.
const ACKNOWLEDGEMENT_TTL: Duration = Duration::from_secs(60);

/// Smallest number of acknowledgements of an FIU at which the old ones are removed.
const REMOVAL_MIN: usize = 1_000;

/// Tolerance of the comparison of a running clock with system time.
const CLOCK_TOLERANCE_MS: i64 = 50;

/// Both times of an event: an acknowledgement, or the arrival of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub instant: Instant,
    pub world_time: Timestamp,
    /// The time for which advances of the world have waited for FIUs until then.
    pub total_wait: Duration,
}

impl Moment {
    /// Returns whether the world's clock has been moved on between `earlier` and this moment.
    fn was_moved_since(self, earlier: Self) -> bool {
        let elapsed = self.instant.saturating_duration_since(earlier.instant);
        let elapsed_ms = i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
        self.world_time.duration_since(earlier.world_time).0
            > elapsed_ms.saturating_add(CLOCK_TOLERANCE_MS)
    }
}

/// The arrival of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub at: Moment,
    /// `true` if an advance was in progress. Whoever advances waits for its answer then.
    pub during_advance: bool,
}

impl Arrival {
    /// Returns the delay of the call since `earlier`, as far as an FIU may have caused it.
    fn delay_since(self, earlier: Moment) -> Duration {
        let delay = self.at.instant.saturating_duration_since(earlier.instant);
        if self.during_advance {
            return delay;
        }
        let waited = self.at.total_wait.saturating_sub(earlier.total_wait);
        delay.saturating_sub(waited)
    }
}

/// The caller and the subject of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdentifiedCall<'a> {
    pub operation: Operation,
    pub fiu: Option<&'a str>,
    pub handle: Option<ConsentHandle>,
}

/// A call that followed an acknowledgement after the clock had been moved on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LateCall {
    pub fiu: Arc<str>,
    pub acknowledged: Moment,
    /// The time from the acknowledgement to the call.
    pub delay: Duration,
}

/// The time for which an advance has to wait before it moves the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SettleState {
    Settled,
    CallInProgress,
    /// Until this instant, unless a call arrives.
    WaitUntil(Instant),
}

/// The reactions of a world's FIUs.
#[derive(Debug, Default)]
pub(crate) struct Reactions {
    calls_in_progress: usize,
    /// The last arrival or end of a call.
    last_call_at: Option<Instant>,
    fius: HashMap<Arc<str>, FiuReactions>,
    /// Late calls since the start of the last advance.
    late_call_count: usize,
    /// The time for which advances have waited for FIUs.
    total_wait: Duration,
}

/// The reactions of one FIU.
#[derive(Debug, Default)]
struct FiuReactions {
    /// The longest delay seen, at most [`SETTLE_MAX`].
    longest_delay: Option<Duration>,
    /// The number of acknowledgements so far.
    acknowledgement_count: u64,
    last_acknowledged_at: Option<Instant>,
    /// The last acknowledgement, or the last call that followed one. Calls that follow none extend
    /// a wait only for a time after it, so that a polling FIU does not hold the clock for ever.
    last_reaction_at: Option<Instant>,
    last_call: Option<Moment>,
    /// The first acknowledgement about each consent that no call has followed.
    unanswered: HashMap<ConsentHandle, Moment>,
    /// Number of unanswered acknowledgements at which the old ones are removed next. It doubles what
    /// remained, so that the removals together cost as much as the insertions.
    next_removal: usize,
    /// The first acknowledgement since the last call.
    first_unanswered: Option<Moment>,
}

impl Reactions {
    pub(crate) fn begin_call(&mut self, at: Instant) {
        self.calls_in_progress += 1;
        self.last_call_at = Some(at);
    }

    pub(crate) fn has_calls_in_progress(&self) -> bool {
        self.calls_in_progress > 0
    }

    pub(crate) fn end_call(&mut self, at: Instant) {
        self.calls_in_progress -= 1;
        self.last_call_at = Some(at);
    }

    /// Begins to count late calls anew.
    pub(crate) fn begin_advance(&mut self) {
        self.late_call_count = 0;
    }

    /// Records that an advance has waited for FIUs.
    pub(crate) fn record_wait(&mut self, duration: Duration) {
        self.total_wait += duration;
    }

    /// Returns the time for which advances have waited for FIUs.
    pub(crate) fn total_wait(&self) -> Duration {
        self.total_wait
    }

    pub(crate) fn late_call_count(&self) -> usize {
        self.late_call_count
    }

    /// Counts a late call; returns whether it is the first since the start of the last advance.
    pub(crate) fn count_late_call(&mut self) -> bool {
        self.late_call_count += 1;
        self.late_call_count == 1
    }

    /// Records the acknowledgement of a webhook about this consent.
    pub(crate) fn record_acknowledgement(
        &mut self,
        fiu: &Arc<str>,
        handle: ConsentHandle,
        at: Moment,
    ) {
        let reactions = self.fius.entry(Arc::clone(fiu)).or_default();
        reactions.acknowledgement_count += 1;
        reactions.last_acknowledged_at = Some(at.instant);
        reactions.last_reaction_at = Some(at.instant);
        if reactions.unanswered.len() >= reactions.next_removal.max(REMOVAL_MIN) {
            reactions
                .unanswered
                .retain(|_, earlier| is_fresh(*earlier, at));
            reactions.next_removal = reactions.unanswered.len() * 2;
        }
        let replace_if_old = |earlier: &mut Moment| {
            if !is_fresh(*earlier, at) {
                *earlier = at;
            }
        };
        reactions
            .unanswered
            .entry(handle)
            .and_modify(replace_if_old)
            .or_insert(at);
        replace_if_old(reactions.first_unanswered.get_or_insert(at));
    }

    /// Records who made a call, now that it is known. Learns from the call if it followed an acknowledgement, and returns it if the clock had been moved on since.
    pub(crate) fn record_call(
        &mut self,
        call: IdentifiedCall<'_>,
        arrival: Arrival,
        now: Moment,
    ) -> Option<LateCall> {
        let followed = self.find_followed(call, arrival.at);
        let caller = match &followed {
            Some((fiu, _)) => self.fius.get_mut(fiu),
            None => self.fius.get_mut(call.fiu?),
        };
        let reactions = caller?;
        let previous_call = reactions.last_call.replace(now);
        reactions
            .first_unanswered
            .take_if(|acknowledged| acknowledged.instant <= arrival.at.instant);
        let (fiu, acknowledged) = followed?;
        if let Some(handle) = call.handle {
            reactions.unanswered.remove(&handle);
        }
        reactions.last_reaction_at = Some(now.instant);
        let delay_began = previous_call
            .filter(|call| call.instant > acknowledged.instant)
            .unwrap_or(acknowledged);
        let delay = arrival.delay_since(delay_began);
        let is_by_fiu = arrival.during_advance || call.operation != Operation::ConsentCreate;
        if delay <= SETTLE_MAX && is_by_fiu {
            reactions.longest_delay = reactions.longest_delay.max(Some(delay));
        }
        arrival.at.was_moved_since(acknowledged).then(|| LateCall {
            fiu,
            delay: arrival
                .at
                .instant
                .saturating_duration_since(acknowledged.instant),
            acknowledged,
        })
    }

    /// Returns the acknowledgement that the call followed, with its FIU.
    fn find_followed(
        &self,
        call: IdentifiedCall<'_>,
        arrival: Moment,
    ) -> Option<(Arc<str>, Moment)> {
        let is_candidate = |fiu: &str| call.fiu.is_none_or(|caller| caller == fiu);
        let candidates = self.fius.iter().filter(|(fiu, _)| is_candidate(fiu));
        let followed = candidates.filter_map(|(fiu, reactions)| {
            let about_consent = call
                .handle
                .and_then(|handle| reactions.unanswered.get(&handle));
            let any = reactions
                .first_unanswered
                .as_ref()
                .filter(|_| call.can_follow_any());
            let acknowledged = about_consent.or(any)?;
            Some((Arc::clone(fiu), *acknowledged))
        });
        followed
            .filter(|(_, acknowledged)| {
                acknowledged.instant <= arrival.instant && is_fresh(*acknowledged, arrival)
            })
            .min_by_key(|(_, acknowledged)| acknowledged.instant)
    }

    /// Returns whether an advance may move the clock now, or how long it has to wait.
    pub(crate) fn settle_state(&self, settle: Settle, now: Instant) -> SettleState {
        if self.calls_in_progress > 0 {
            return SettleState::CallInProgress;
        }
        let deadlines = self
            .fius
            .values()
            .filter_map(|reactions| reactions.find_deadline(settle, self.last_call_at));
        match deadlines.max() {
            Some(deadline) if deadline > now => SettleState::WaitUntil(deadline),
            _ => SettleState::Settled,
        }
    }

    /// Returns the longest wait that applies after an acknowledgement now.
    pub(crate) fn longest_wait(&self, settle: Settle) -> Duration {
        let waits = self
            .fius
            .values()
            .map(|reactions| reactions.choose_wait(settle));
        waits
            .max()
            .unwrap_or_else(|| FiuReactions::default().choose_wait(settle))
    }
}

impl FiuReactions {
    /// Returns the wait after an acknowledgement of this FIU.
    fn choose_wait(&self, settle: Settle) -> Duration {
        match settle {
            Settle::Fixed(Millis(ms)) => Duration::from_millis(ms.unsigned_abs()),
            Settle::Auto => match self.longest_delay {
                Some(delay) => (delay * 2).clamp(SETTLE_MIN, SETTLE_MAX),
                None if self.acknowledgement_count >= SILENT_AFTER => Duration::ZERO,
                None => SETTLE_MIN,
            },
        }
    }

    /// Returns the instant until which an advance waits for this FIU.
    fn find_deadline(&self, settle: Settle, last_call_at: Option<Instant>) -> Option<Instant> {
        let acknowledged_at = self.last_acknowledged_at?;
        let wait = self.choose_wait(settle);
        let quiet_since = last_call_at.map_or(acknowledged_at, |at| at.max(acknowledged_at));
        let bound = self.last_reaction_at.unwrap_or(acknowledged_at) + wait.max(SETTLE_MAX);
        Some((quiet_since + wait).min(bound))
    }
}

impl IdentifiedCall<'_> {
    /// Returns whether the call may be a reaction to a webhook about another consent: it raises a
    /// consent, or it is about none. A heartbeat or a customer's browser is no reaction.
    fn can_follow_any(&self) -> bool {
        match self.operation {
            Operation::Heartbeat | Operation::Redirection | Operation::Unknown => false,
            Operation::ConsentCreate => true,
            _ => self.handle.is_none(),
        }
    }
}

fn is_fresh(earlier: Moment, now: Moment) -> bool {
    now.instant.saturating_duration_since(earlier.instant) <= ACKNOWLEDGEMENT_TTL
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Arrival, IdentifiedCall, Moment, Reactions, SETTLE_MAX, SETTLE_MIN, SettleState};
    use crate::domain::advance::Settle;
    use crate::domain::ids::ConsentHandle;
    use crate::domain::operation::Operation;
    use crate::domain::time::{Millis, Timestamp};

    /// A world with one FIU. Instants are milliseconds after the start; the clock is frozen.
    struct Fixture {
        reactions: Reactions,
        start: Instant,
        fiu: Arc<str>,
        world_time: Timestamp,
        is_advancing: bool,
    }

    impl Fixture {
        fn new() -> Self {
            Self {
                reactions: Reactions::default(),
                start: Instant::now(),
                fiu: "FIU-1".into(),
                world_time: Timestamp::from_millis(0),
                is_advancing: false,
            }
        }

        fn moment(&self, ms: u64) -> Moment {
            Moment {
                instant: self.start + Duration::from_millis(ms),
                world_time: self.world_time,
                total_wait: self.reactions.total_wait(),
            }
        }

        fn acknowledge(&mut self, ms: u64, consent: u8) {
            let at = self.moment(ms);
            let fiu = Arc::clone(&self.fiu);
            self.reactions
                .record_acknowledgement(&fiu, handle(consent), at);
        }

        /// Makes a call that takes no time; returns the delay if it was late.
        fn call(&mut self, ms: u64, operation: Operation, consent: Option<u8>) -> Option<Duration> {
            let at = self.moment(ms);
            let arrival = Arrival {
                at,
                during_advance: self.is_advancing,
            };
            self.reactions.begin_call(at.instant);
            let call = IdentifiedCall {
                operation,
                fiu: Some("FIU-1"),
                handle: consent.map(handle),
            };
            let late = self.reactions.record_call(call, arrival, at);
            self.reactions.end_call(at.instant);
            late.map(|late| late.delay)
        }

        /// Returns the wait that applies at this instant, and its end in milliseconds.
        fn wait_at(&self, ms: u64, settle: Settle) -> Option<(u128, Duration)> {
            match self.reactions.settle_state(settle, self.moment(ms).instant) {
                SettleState::WaitUntil(deadline) => {
                    let wait = self.reactions.longest_wait(settle);
                    Some(((deadline - self.start).as_millis(), wait))
                }
                SettleState::Settled => None,
                SettleState::CallInProgress => panic!("no call is in progress"),
            }
        }
    }

    fn handle(number: u8) -> ConsentHandle {
        ConsentHandle::from_random([number; 16])
    }

    #[test]
    fn an_fiu_that_never_calls_costs_three_milliseconds() {
        let mut fixture = Fixture::new();
        assert_eq!(fixture.wait_at(0, Settle::Auto), None);
        fixture.acknowledge(10, 1);
        assert_eq!(fixture.wait_at(10, Settle::Auto), Some((13, SETTLE_MIN)));
        assert_eq!(fixture.wait_at(13, Settle::Auto), None);
        let fixed = Settle::Fixed(Millis(500));
        assert_eq!(
            fixture.wait_at(13, fixed),
            Some((510, Duration::from_millis(500)))
        );
    }

    #[test]
    fn the_wait_is_twice_the_longest_delay_up_to_two_seconds() {
        let mut fixture = Fixture::new();
        let mut now = 0;
        for (delay, wait) in [
            (1, 3),
            (200, 400),
            (50, 400),
            (1_500, 2_000),
            (3_000, 2_000),
        ] {
            now += 10_000;
            fixture.acknowledge(now, 1);
            fixture.call(now + delay, Operation::FiRequest, Some(1));
            now += 10_000;
            fixture.acknowledge(now, 1);
            let expected = Some((u128::from(now + wait), Duration::from_millis(wait)));
            assert_eq!(fixture.wait_at(now, Settle::Auto), expected, "{delay}");
            fixture.call(now, Operation::FiRequest, Some(1));
        }
        let mut fixture = Fixture::new();
        fixture.acknowledge(0, 1);
        fixture.call(2_001, Operation::FiRequest, Some(1));
        fixture.acknowledge(9_000, 1);
        let wait = fixture.wait_at(9_000, Settle::Auto).map(|(_, wait)| wait);
        assert_eq!(
            wait,
            Some(SETTLE_MIN),
            "no wait would have reached the call"
        );
    }

    #[test]
    fn a_call_restarts_the_wait_and_polling_does_so_for_two_seconds() {
        let mut fixture = Fixture::new();
        let fixed = Settle::Fixed(Millis(400));
        fixture.acknowledge(0, 1);
        fixture.call(200, Operation::FiRequest, Some(1));
        assert_eq!(fixture.wait_at(200, fixed).map(|(end, _)| end), Some(600));
        for poll in (400..2_200).step_by(200) {
            fixture.call(poll, Operation::ConsentStatus, Some(1));
        }
        assert_eq!(
            fixture.wait_at(2_100, fixed).map(|(end, _)| end),
            Some(2_200)
        );
        fixture.call(2_190, Operation::ConsentStatus, Some(1));
        assert_eq!(fixture.wait_at(2_200, fixed), None);
        assert!(SETTLE_MAX == Duration::from_secs(2));
    }

    #[test]
    fn a_test_that_raises_consents_in_a_loop_teaches_nothing() {
        for (is_advancing, wait) in [(false, 3), (true, 40)] {
            let mut fixture = Fixture::new();
            fixture.is_advancing = is_advancing;
            for round in 0..10 {
                fixture.call(
                    u64::from(round) * 20,
                    Operation::ConsentCreate,
                    Some(round + 1),
                );
                fixture.acknowledge(u64::from(round) * 20, round + 1);
            }
            let waits = fixture.wait_at(180, Settle::Auto).map(|(_, wait)| wait);
            assert_eq!(waits, Some(Duration::from_millis(wait)), "{is_advancing}");
        }
    }

    #[test]
    fn calls_about_other_consents_and_heartbeats_follow_nothing() {
        for (operation, consent, follows) in [
            (Operation::ConsentStatus, Some(2), false),
            (Operation::Heartbeat, None, false),
            (Operation::Redirection, None, false),
            (Operation::ConsentCreate, Some(2), false),
            (Operation::Login, None, true),
            (Operation::FiRequest, Some(1), true),
        ] {
            let mut fixture = Fixture::new();
            fixture.acknowledge(0, 1);
            fixture.call(300, operation, consent);
            fixture.acknowledge(9_000, 1);
            let wait = fixture.wait_at(9_000, Settle::Auto).map(|(_, wait)| wait);
            let expected = if follows { 600 } else { 3 };
            assert_eq!(wait, Some(Duration::from_millis(expected)), "{operation}");
        }
    }

    #[test]
    fn a_queue_is_measured_from_call_to_call() {
        let mut fixture = Fixture::new();
        for consent in 0..100 {
            fixture.acknowledge(0, consent);
        }
        for consent in 0..100 {
            let at = 10 + 10 * u64::from(consent);
            fixture.call(at, Operation::ConsentFetch, Some(consent));
        }
        fixture.acknowledge(9_000, 1);
        let wait = fixture.wait_at(9_000, Settle::Auto).map(|(_, wait)| wait);
        assert_eq!(wait, Some(Duration::from_millis(20)));
    }

    #[test]
    fn a_call_is_late_once_the_clock_was_moved() {
        let mut fixture = Fixture::new();
        fixture.acknowledge(0, 1);
        assert_eq!(fixture.call(200, Operation::FiRequest, Some(1)), None);
        fixture.acknowledge(300, 1);
        fixture.world_time = Timestamp::from_millis(86_400_000);
        let late = fixture.call(500, Operation::FiRequest, Some(1));
        assert_eq!(late, Some(Duration::from_millis(200)));
    }

    #[test]
    fn the_wait_of_an_advance_is_no_delay_of_the_call_after_it() {
        let mut fixture = Fixture::new();
        let mut now = 0;
        for round in 0..20 {
            fixture.acknowledge(now, round);
            let (end, wait) = fixture
                .wait_at(now, Settle::Auto)
                .expect("an advance waits");
            assert!(wait <= Duration::from_millis(10), "round {round}: {wait:?}");
            fixture.reactions.record_wait(wait);
            now = u64::try_from(end).expect("milliseconds") + 5;
            fixture.call(now, Operation::ConsentCreate, Some(round + 100));
            now += 1;
        }
        // An FIU that reacts while an advance waits is measured in full.
        fixture.acknowledge(now, 50);
        fixture.is_advancing = true;
        fixture.reactions.record_wait(Duration::from_millis(200));
        fixture.call(now + 200, Operation::FiRequest, Some(50));
        now += 1_000;
        fixture.acknowledge(now, 51);
        let (_, wait) = fixture.wait_at(now, Settle::Auto).expect("a wait");
        assert_eq!(wait, Duration::from_millis(400));
    }

    #[test]
    fn acknowledgements_without_a_call_are_forgotten() {
        let mut fixture = Fixture::new();
        let fiu = Arc::clone(&fixture.fiu);
        for number in 0..20_000_u64 {
            // A thousand of them are fresh at any time.
            let at = fixture.moment(number * 60);
            let mut bytes = [0; 16];
            bytes[..8].copy_from_slice(&number.to_le_bytes());
            let handle = ConsentHandle::from_random(bytes);
            fixture.reactions.record_acknowledgement(&fiu, handle, at);
            let kept = fixture.reactions.fius[&fiu].unanswered.len();
            assert!(kept <= 2_002, "{kept}");
        }
    }
}
