//! Webhooks that a world owes, in order per consent. An entry is made in the same lock as its event and leaves only
//! when it is delivered or given up, so that a state change and its message are one step.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use crate::domain::delivery::{Attempt, AttemptOutcome, Delivery, DeliveryState};
use crate::domain::ids::{ConsentHandle, MessageId};
use crate::domain::notification::Notification;
use crate::domain::time::{Millis, Timestamp};
use crate::domain::webhook_fault::{AppliedFault, WebhookFault};

/// The waits before each attempt, in world time: the first is made at once, the last failure gives up.
///
/// `Assumption:` no AA documents its retries; the steps are those of a patient sender, short enough for a test.
pub const BACKOFF_SCHEDULE: [Millis; 6] = [
    Millis::ZERO,
    Millis::from_secs(1),
    Millis::from_secs(5),
    Millis::from_secs(30),
    Millis::from_secs(2 * 60),
    Millis::from_secs(10 * 60),
];

/// The longest wait that an FIU's `Retry-After` is granted.
const RETRY_AFTER_MAX: Millis = Millis::from_secs(60 * 60);

/// Undelivered webhooks per world; a caller that would add to a full outbox is refused.
pub const OPEN_DELIVERIES_MAX: usize = 10_000;

/// Finished deliveries that stay on record per world, and how many bytes of body they may hold.
const FINISHED_MAX: usize = 1_000;
const FINISHED_BYTES_MAX: usize = 32 * 1024 * 1024;

/// What the end of an attempt leads to.
#[derive(Debug, PartialEq, Eq)]
pub enum NextStep {
    Done,
    RetryAt(Timestamp),
}

/// A notice for the outbox.
#[derive(Debug)]
pub struct NewDelivery {
    pub notification: Notification,
    /// It waits for the response that caused it.
    pub is_held: bool,
    pub faults: Vec<AppliedFault>,
    /// The message id of a near duplicate, where there is to be one.
    pub near_duplicate_id: Option<MessageId>,
}

#[derive(Debug, Default)]
pub struct Outbox {
    last_id: u64,
    open: BTreeMap<u64, Delivery>,
    /// Undelivered webhooks of a consent that keep to its order, oldest first: only the first may be sent.
    queues: HashMap<ConsentHandle, VecDeque<u64>>,
    /// Deliveries that wait for the next one of their consent, to come after it.
    awaiting_successor: HashMap<ConsentHandle, Vec<u64>>,
    /// Deliveries that may be sent now.
    ready: VecDeque<u64>,
    in_flight: usize,
    held_count: usize,
    /// Attempts made so far.
    attempt_count: u64,
    finished: VecDeque<Delivery>,
    finished_bytes: usize,
}

/// What the faults of a message's way make of it.
#[derive(Default)]
struct DeliveryPlan {
    is_dropped: bool,
    overtakes_response: bool,
    delay: Option<Millis>,
    reorder_within: Option<Millis>,
    /// Further copies, one after the other, and the time between them.
    copies: (u32, Millis),
    near_duplicate_after: Option<Millis>,
    /// Further copies, all at once.
    burst_copies: u32,
}

impl DeliveryPlan {
    fn from_faults(faults: &[AppliedFault]) -> Self {
        let mut plan = Self::default();
        for AppliedFault { fault, .. } in faults {
            match fault {
                WebhookFault::Drop => plan.is_dropped = true,
                WebhookFault::BeforeResponse => plan.overtakes_response = true,
                WebhookFault::Late { by } => plan.delay = Some(*by),
                WebhookFault::Reorder { within } => plan.reorder_within = Some(*within),
                WebhookFault::Duplicate { copies, spacing } => {
                    plan.copies = (copies.saturating_sub(1), *spacing);
                }
                WebhookFault::NearDuplicate { spacing } => {
                    plan.near_duplicate_after = Some(*spacing);
                }
                WebhookFault::Burst { copies } => plan.burst_copies = copies.saturating_sub(1),
                _ => {}
            }
        }
        plan
    }
}

impl Outbox {
    /// Takes a notice in, and gives the deliveries that are to be looked at again, each after how long.
    pub fn enqueue_delivery(
        &mut self,
        new_delivery: NewDelivery,
        now: Timestamp,
    ) -> Vec<(Timestamp, u64)> {
        let NewDelivery {
            notification: notice,
            is_held: held,
            faults,
            near_duplicate_id: second,
        } = new_delivery;
        let plan = DeliveryPlan::from_faults(&faults);
        let handle = notice.consent.handle;
        let original = Delivery {
            id: 0,
            notification: Arc::new(notice),
            state: if held && !plan.overtakes_response {
                DeliveryState::Held
            } else {
                DeliveryState::Queued
            },
            next_attempt_at: None,
            message: Arc::default(),
            attempts: Vec::new(),
            faults: faults.into(),
            copy_of: None,
            initial_delay: Millis::ZERO,
            in_order: !plan.overtakes_response
                && plan.delay.is_none()
                && plan.reorder_within.is_none(),
            is_manual_resend: false,
        };
        if plan.is_dropped {
            self.last_id += 1;
            self.archive_delivery(Delivery {
                id: self.last_id,
                state: DeliveryState::Dropped,
                ..original
            });
            return Vec::new();
        }
        let mut wake_times = Vec::new();
        let mut delivery = original.clone();
        if let Some(wait) = plan.delay.or(plan.reorder_within) {
            let at = now.saturating_add(wait);
            (delivery.state, delivery.next_attempt_at) = (DeliveryState::Waiting, Some(at));
            wake_times.push((at, self.last_id + 1));
        }
        let id = self.open_delivery(delivery);
        if plan.reorder_within.is_some() {
            self.awaiting_successor.entry(handle).or_default().push(id);
            return wake_times;
        }
        let copy = Delivery {
            copy_of: Some(id),
            in_order: original.in_order && wake_times.is_empty(),
            ..original
        };
        let (copies, spacing) = plan.copies;
        for _ in 0..copies {
            self.open_delivery(Delivery {
                initial_delay: spacing,
                ..copy.clone()
            });
        }
        if let (Some(pace), Some(message)) = (plan.near_duplicate_after, second) {
            let notice = Arc::new(Notification {
                message_id: message,
                ..(*copy.notification).clone()
            });
            self.open_delivery(Delivery {
                initial_delay: pace,
                notification: notice,
                message: Arc::default(),
                ..copy.clone()
            });
        }
        for _ in 0..plan.burst_copies {
            self.open_delivery(Delivery {
                in_order: false,
                ..copy.clone()
            });
        }
        for id in self.awaiting_successor.remove(&handle).unwrap_or_default() {
            self.requeue_delivery(id, true);
        }
        wake_times
    }

    fn open_delivery(&mut self, delivery: Delivery) -> u64 {
        self.last_id += 1;
        let (id, handle) = (self.last_id, delivery.notification.consent.handle);
        self.held_count += usize::from(delivery.state == DeliveryState::Held);
        if delivery.in_order {
            self.queues.entry(handle).or_default().push_back(id);
        }
        self.open.insert(id, Delivery { id, ..delivery });
        self.promote_if_ready(id);
        id
    }

    /// What has waited may be sent; from now on in the order of its consent, or not.
    fn requeue_delivery(&mut self, id: u64, in_order: bool) {
        let Some(delivery) = self
            .open
            .get_mut(&id)
            .filter(|delivery| delivery.state == DeliveryState::Waiting)
        else {
            return;
        };
        delivery.state = DeliveryState::Queued;
        delivery.next_attempt_at = None;
        if in_order && !delivery.in_order {
            delivery.in_order = true;
            self.queues
                .entry(delivery.notification.consent.handle)
                .or_default()
                .push_back(id);
        }
        self.promote_if_ready(id);
    }

    /// The response that caused these was handed over.
    pub fn release_held(&mut self, ids: &[u64]) {
        for id in ids {
            if let Some(delivery) = self
                .open
                .get_mut(id)
                .filter(|delivery| delivery.state == DeliveryState::Held)
            {
                delivery.state = DeliveryState::Queued;
                self.held_count -= 1;
                self.promote_if_ready(*id);
            }
        }
    }

    /// Takes what may be sent now.
    pub fn take_ready(&mut self) -> Vec<Delivery> {
        let mut deliveries = Vec::with_capacity(self.ready.len());
        for id in self.ready.drain(..) {
            let delivery = self.open.get_mut(&id).expect("what is ready is open");
            delivery.state = DeliveryState::Sending;
            deliveries.push(delivery.clone());
        }
        self.in_flight += deliveries.len();
        deliveries
    }

    /// Records the end of an attempt. An FIU may ask for more patience than the schedule has, and is told no more when it
    /// answers 410 (Standard Webhooks 1.0).
    pub fn record_attempt(&mut self, id: u64, attempt: Attempt, now: Timestamp) -> NextStep {
        self.in_flight -= 1;
        self.attempt_count += 1;
        let delivery = self.open.get_mut(&id).expect("what is being sent is open");
        let is_accepted = matches!(attempt.outcome, AttemptOutcome::Accepted { .. });
        let is_gone = matches!(
            attempt.outcome,
            AttemptOutcome::Rejected { status: 410, .. }
        );
        let requested_delay = attempt.retry_after.unwrap_or_default();
        delivery.attempts.push(attempt);
        if !is_accepted
            && !is_gone
            && !delivery.is_manual_resend
            && let Some(wait) = BACKOFF_SCHEDULE.get(delivery.attempts.len())
        {
            let at = now.saturating_add(requested_delay.min(RETRY_AFTER_MAX).max(*wait));
            delivery.state = DeliveryState::Waiting;
            delivery.next_attempt_at = Some(at);
            return NextStep::RetryAt(at);
        }
        self.finish_delivery(
            id,
            if is_accepted {
                DeliveryState::Delivered
            } else {
                DeliveryState::Exhausted
            },
        );
        NextStep::Done
    }

    /// Puts a message on record that has nowhere to go.
    pub fn mark_unaddressed(&mut self, id: u64) {
        self.in_flight -= 1;
        self.finish_delivery(id, DeliveryState::Unaddressed);
    }

    fn finish_delivery(&mut self, id: u64, progress: DeliveryState) {
        let mut delivery = self.open.remove(&id).expect("what ends is open");
        delivery.state = progress;
        let (handle, in_order) = (delivery.notification.consent.handle, delivery.in_order);
        self.archive_delivery(delivery);
        if !in_order {
            return;
        }
        let queue = self
            .queues
            .get_mut(&handle)
            .expect("what keeps to an order has a lane");
        queue.pop_front();
        match queue.front().copied() {
            Some(next) => self.promote_if_ready(next),
            None => {
                self.queues.remove(&handle);
            }
        }
    }

    /// The wait of a delivery, which was to end at this instant, is over.
    pub fn retry_if_due(&mut self, id: u64, due: Timestamp) {
        let is_due = self
            .open
            .get(&id)
            .is_some_and(|delivery| delivery.next_attempt_at == Some(due));
        if is_due {
            self.requeue_delivery(id, false);
        }
    }

    /// Sends a delivery once more: at once where it waits for a retry, anew where it has ended.
    pub fn resend_delivery(&mut self, id: u64) -> Result<(), DeliveryState> {
        if let Some(delivery) = self.open.get(&id) {
            if delivery.state != DeliveryState::Waiting {
                return Err(delivery.state);
            }
            self.requeue_delivery(id, false);
            return Ok(());
        }
        if let Some(index) = self.finished.iter().position(|delivery| delivery.id == id) {
            let delivery = self.finished.remove(index).expect("it is there");
            self.finished_bytes -= body_bytes(&delivery);
            let again = Delivery {
                state: DeliveryState::Queued,
                in_order: false,
                is_manual_resend: true,
                initial_delay: Millis::ZERO,
                ..delivery
            };
            self.open.insert(id, again);
            self.promote_if_ready(id);
        }
        Ok(())
    }

    /// Whether nothing is on its way: what waits for a later retry does not count.
    pub fn is_quiescent(&self) -> bool {
        self.in_flight == 0 && self.held_count == 0 && self.ready.is_empty()
    }

    /// Whether something may be sent now.
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Whether no attempt is being made, whatever else there may be to send.
    pub fn is_idle(&self) -> bool {
        self.in_flight == 0
    }

    /// Those that are to arrive before the response that caused them.
    pub fn filter_overtaking(&self, ids: &[u64]) -> Vec<u64> {
        let is_overtaking = |id: &&u64| {
            let delivery = self.open.get(id);
            delivery.is_some_and(|delivery| {
                delivery
                    .faults
                    .iter()
                    .any(|applied| applied.fault == WebhookFault::BeforeResponse)
            })
        };
        ids.iter().filter(is_overtaking).copied().collect()
    }

    /// Whether it is still to be sent for the first time.
    pub fn awaits_first_attempt(&self, id: u64) -> bool {
        self.open
            .get(&id)
            .is_some_and(|delivery| delivery.attempts.is_empty())
    }

    /// Attempts made so far.
    pub fn attempt_count(&self) -> u64 {
        self.attempt_count
    }

    /// Undelivered webhooks.
    pub fn open_len(&self) -> usize {
        self.open.len()
    }

    /// Everything given out so far, finished and forgotten deliveries included.
    pub fn last_id(&self) -> u64 {
        self.last_id
    }

    /// The first `limit` deliveries on record with an id above `after`, by id.
    pub fn deliveries(&self, after: u64, limit: usize) -> Vec<Delivery> {
        let all = self.finished.iter().chain(self.open.values());
        let mut wanted: Vec<_> = all.filter(|delivery| delivery.id > after).collect();
        wanted.sort_unstable_by_key(|delivery| delivery.id);
        wanted.into_iter().take(limit).cloned().collect()
    }

    pub fn delivery(&self, id: u64) -> Option<Delivery> {
        self.open
            .get(&id)
            .or_else(|| self.finished.iter().find(|delivery| delivery.id == id))
            .cloned()
    }

    /// Makes a delivery ready if it is queued, and the first of its lane where it keeps to one. It is asked about once
    /// each time when one of the two has just become true, so nothing is made ready twice.
    fn promote_if_ready(&mut self, id: u64) {
        let delivery = &self.open[&id];
        let queue_front = || {
            self.queues
                .get(&delivery.notification.consent.handle)
                .and_then(VecDeque::front)
        };
        if delivery.state == DeliveryState::Queued
            && (!delivery.in_order || queue_front() == Some(&id))
        {
            self.ready.push_back(id);
        }
    }

    fn archive_delivery(&mut self, delivery: Delivery) {
        self.finished_bytes += body_bytes(&delivery);
        self.finished.push_back(delivery);
        while self.finished.len() > FINISHED_MAX
            || (self.finished_bytes > FINISHED_BYTES_MAX && self.finished.len() > 1)
        {
            let oldest = self.finished.pop_front().expect("it is not empty");
            self.finished_bytes -= body_bytes(&oldest);
        }
    }
}

/// Copies share one body, which is counted for each: the bound is kept, and more is not needed.
fn body_bytes(delivery: &Delivery) -> usize {
    let faulty_len = |attempt: &Attempt| attempt.faulty_body.as_ref().map_or(0, |body| body.len());
    let message_len = delivery
        .message
        .get()
        .map_or(0, |message| message.body.len());
    message_len + delivery.attempts.iter().map(faulty_len).sum::<usize>()
}
