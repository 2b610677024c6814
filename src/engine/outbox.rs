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
pub const RETRY_AFTER: [Millis; 6] = [
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
pub const OPEN_MAX: usize = 10_000;

/// Finished deliveries that stay on record per world, and how many bytes of body they may hold.
const DONE_MAX: usize = 1_000;
const DONE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// What the end of an attempt leads to.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    Done,
    RetryAt(Timestamp),
}

/// A notice for the outbox.
#[derive(Debug)]
pub struct Post {
    pub notice: Notification,
    /// It waits for the response that caused it.
    pub held: bool,
    pub faults: Vec<AppliedFault>,
    /// The message id of a near duplicate, where there is to be one.
    pub second: Option<MessageId>,
}

#[derive(Debug, Default)]
pub struct Outbox {
    given: u64,
    open: BTreeMap<u64, Delivery>,
    /// Undelivered webhooks of a consent that keep to its order, oldest first: only the first may be sent.
    lanes: HashMap<ConsentHandle, VecDeque<u64>>,
    /// Deliveries that wait for the next one of their consent, to come after it.
    swapped: HashMap<ConsentHandle, Vec<u64>>,
    /// Deliveries that may be sent now.
    ready: VecDeque<u64>,
    busy: usize,
    held: usize,
    /// Attempts made so far.
    posted: u64,
    done: VecDeque<Delivery>,
    done_bytes: usize,
}

/// What the faults of a message's way make of it.
#[derive(Default)]
struct Way {
    dropped: bool,
    overtakes: bool,
    late: Option<Millis>,
    reordered: Option<Millis>,
    /// Further copies, one after the other, and the time between them.
    copies: (u32, Millis),
    near: Option<Millis>,
    /// Further copies, all at once.
    burst: u32,
}

impl Way {
    fn of(faults: &[AppliedFault]) -> Self {
        let mut way = Self::default();
        for AppliedFault { fault, .. } in faults {
            match fault {
                WebhookFault::Drop => way.dropped = true,
                WebhookFault::BeforeResponse => way.overtakes = true,
                WebhookFault::Late { by } => way.late = Some(*by),
                WebhookFault::Reorder { within } => way.reordered = Some(*within),
                WebhookFault::Duplicate { copies, spacing } => {
                    way.copies = (copies.saturating_sub(1), *spacing);
                }
                WebhookFault::NearDuplicate { spacing } => way.near = Some(*spacing),
                WebhookFault::Burst { copies } => way.burst = copies.saturating_sub(1),
                _ => {}
            }
        }
        way
    }
}

impl Outbox {
    /// Takes a notice in, and gives the deliveries that are to be looked at again, each after how long.
    pub fn add(&mut self, post: Post, now: Timestamp) -> Vec<(Timestamp, u64)> {
        let Post {
            notice,
            held,
            faults,
            second,
        } = post;
        let way = Way::of(&faults);
        let handle = notice.consent.handle;
        let original = Delivery {
            id: 0,
            notification: Arc::new(notice),
            state: if held && !way.overtakes {
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
            in_order: !way.overtakes && way.late.is_none() && way.reordered.is_none(),
            is_manual_resend: false,
        };
        if way.dropped {
            self.given += 1;
            self.record(Delivery {
                id: self.given,
                state: DeliveryState::Dropped,
                ..original
            });
            return Vec::new();
        }
        let mut later = Vec::new();
        let mut delivery = original.clone();
        if let Some(wait) = way.late.or(way.reordered) {
            let at = now.saturating_add(wait);
            (delivery.state, delivery.next_attempt_at) = (DeliveryState::Waiting, Some(at));
            later.push((at, self.given + 1));
        }
        let id = self.open(delivery);
        if way.reordered.is_some() {
            self.swapped.entry(handle).or_default().push(id);
            return later;
        }
        let copy = Delivery {
            copy_of: Some(id),
            in_order: original.in_order && later.is_empty(),
            ..original
        };
        let (copies, spacing) = way.copies;
        for _ in 0..copies {
            self.open(Delivery {
                initial_delay: spacing,
                ..copy.clone()
            });
        }
        if let (Some(pace), Some(message)) = (way.near, second) {
            let notice = Arc::new(Notification {
                message_id: message,
                ..(*copy.notification).clone()
            });
            self.open(Delivery {
                initial_delay: pace,
                notification: notice,
                message: Arc::default(),
                ..copy.clone()
            });
        }
        for _ in 0..way.burst {
            self.open(Delivery {
                in_order: false,
                ..copy.clone()
            });
        }
        for id in self.swapped.remove(&handle).unwrap_or_default() {
            self.requeue(id, true);
        }
        later
    }

    fn open(&mut self, delivery: Delivery) -> u64 {
        self.given += 1;
        let (id, handle) = (self.given, delivery.notification.consent.handle);
        self.held += usize::from(delivery.state == DeliveryState::Held);
        if delivery.in_order {
            self.lanes.entry(handle).or_default().push_back(id);
        }
        self.open.insert(id, Delivery { id, ..delivery });
        self.offer(id);
        id
    }

    /// What has waited may be sent; from now on in the order of its consent, or not.
    fn requeue(&mut self, id: u64, in_order: bool) {
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
            self.lanes
                .entry(delivery.notification.consent.handle)
                .or_default()
                .push_back(id);
        }
        self.offer(id);
    }

    /// The response that caused these was handed over.
    pub fn release(&mut self, ids: &[u64]) {
        for id in ids {
            if let Some(delivery) = self
                .open
                .get_mut(id)
                .filter(|delivery| delivery.state == DeliveryState::Held)
            {
                delivery.state = DeliveryState::Queued;
                self.held -= 1;
                self.offer(*id);
            }
        }
    }

    /// Takes what may be sent now.
    pub fn take_ready(&mut self) -> Vec<Delivery> {
        let mut taken = Vec::with_capacity(self.ready.len());
        for id in self.ready.drain(..) {
            let delivery = self.open.get_mut(&id).expect("what is ready is open");
            delivery.state = DeliveryState::Sending;
            taken.push(delivery.clone());
        }
        self.busy += taken.len();
        taken
    }

    /// Records the end of an attempt. An FIU may ask for more patience than the schedule has, and is told no more when it
    /// answers 410 (Standard Webhooks 1.0).
    pub fn attempted(&mut self, id: u64, attempt: Attempt, now: Timestamp) -> Next {
        self.busy -= 1;
        self.posted += 1;
        let delivery = self.open.get_mut(&id).expect("what is being sent is open");
        let accepted = matches!(attempt.outcome, AttemptOutcome::Accepted { .. });
        let gone = matches!(
            attempt.outcome,
            AttemptOutcome::Rejected { status: 410, .. }
        );
        let patience = attempt.retry_after.unwrap_or_default();
        delivery.attempts.push(attempt);
        if !accepted
            && !gone
            && !delivery.is_manual_resend
            && let Some(wait) = RETRY_AFTER.get(delivery.attempts.len())
        {
            let at = now.saturating_add(patience.min(RETRY_AFTER_MAX).max(*wait));
            delivery.state = DeliveryState::Waiting;
            delivery.next_attempt_at = Some(at);
            return Next::RetryAt(at);
        }
        self.finish(
            id,
            if accepted {
                DeliveryState::Delivered
            } else {
                DeliveryState::Exhausted
            },
        );
        Next::Done
    }

    /// Puts a message on record that has nowhere to go.
    pub fn shelve(&mut self, id: u64) {
        self.busy -= 1;
        self.finish(id, DeliveryState::Unaddressed);
    }

    fn finish(&mut self, id: u64, progress: DeliveryState) {
        let mut delivery = self.open.remove(&id).expect("what ends is open");
        delivery.state = progress;
        let (handle, in_order) = (delivery.notification.consent.handle, delivery.in_order);
        self.record(delivery);
        if !in_order {
            return;
        }
        let lane = self
            .lanes
            .get_mut(&handle)
            .expect("what keeps to an order has a lane");
        lane.pop_front();
        match lane.front().copied() {
            Some(next) => self.offer(next),
            None => {
                self.lanes.remove(&handle);
            }
        }
    }

    /// The wait of a delivery, which was to end at this instant, is over.
    pub fn retry(&mut self, id: u64, due: Timestamp) {
        let waits = self
            .open
            .get(&id)
            .is_some_and(|delivery| delivery.next_attempt_at == Some(due));
        if waits {
            self.requeue(id, false);
        }
    }

    /// Sends a delivery once more: at once where it waits for a retry, anew where it has ended.
    pub fn resend(&mut self, id: u64) -> Result<(), DeliveryState> {
        if let Some(delivery) = self.open.get(&id) {
            if delivery.state != DeliveryState::Waiting {
                return Err(delivery.state);
            }
            self.requeue(id, false);
            return Ok(());
        }
        if let Some(place) = self.done.iter().position(|delivery| delivery.id == id) {
            let delivery = self.done.remove(place).expect("it is there");
            self.done_bytes -= body_bytes(&delivery);
            let again = Delivery {
                state: DeliveryState::Queued,
                in_order: false,
                is_manual_resend: true,
                initial_delay: Millis::ZERO,
                ..delivery
            };
            self.open.insert(id, again);
            self.offer(id);
        }
        Ok(())
    }

    /// Whether nothing is on its way: what waits for a later retry does not count.
    pub fn is_quiet(&self) -> bool {
        self.busy == 0 && self.held == 0 && self.ready.is_empty()
    }

    /// Whether something may be sent now.
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Whether no attempt is being made, whatever else there may be to send.
    pub fn is_idle(&self) -> bool {
        self.busy == 0
    }

    /// Those that are to arrive before the response that caused them.
    pub fn overtaking(&self, ids: &[u64]) -> Vec<u64> {
        let overtakes = |id: &&u64| {
            let delivery = self.open.get(id);
            delivery.is_some_and(|delivery| {
                delivery
                    .faults
                    .iter()
                    .any(|befallen| befallen.fault == WebhookFault::BeforeResponse)
            })
        };
        ids.iter().filter(overtakes).copied().collect()
    }

    /// Whether it is still to be sent for the first time.
    pub fn awaits_its_first_attempt(&self, id: u64) -> bool {
        self.open
            .get(&id)
            .is_some_and(|delivery| delivery.attempts.is_empty())
    }

    /// Attempts made so far.
    pub fn posted(&self) -> u64 {
        self.posted
    }

    /// Undelivered webhooks.
    pub fn open_len(&self) -> usize {
        self.open.len()
    }

    /// Everything given out so far, finished and forgotten deliveries included.
    pub fn given(&self) -> u64 {
        self.given
    }

    /// The first `limit` deliveries on record with an id above `after`, by id.
    pub fn deliveries(&self, after: u64, limit: usize) -> Vec<Delivery> {
        let all = self.done.iter().chain(self.open.values());
        let mut wanted: Vec<_> = all.filter(|delivery| delivery.id > after).collect();
        wanted.sort_unstable_by_key(|delivery| delivery.id);
        wanted.into_iter().take(limit).cloned().collect()
    }

    pub fn delivery(&self, id: u64) -> Option<Delivery> {
        self.open
            .get(&id)
            .or_else(|| self.done.iter().find(|delivery| delivery.id == id))
            .cloned()
    }

    /// Makes a delivery ready if it is queued, and the first of its lane where it keeps to one. It is asked about once
    /// each time when one of the two has just become true, so nothing is made ready twice.
    fn offer(&mut self, id: u64) {
        let delivery = &self.open[&id];
        let lane = || {
            self.lanes
                .get(&delivery.notification.consent.handle)
                .and_then(VecDeque::front)
        };
        if delivery.state == DeliveryState::Queued && (!delivery.in_order || lane() == Some(&id)) {
            self.ready.push_back(id);
        }
    }

    fn record(&mut self, delivery: Delivery) {
        self.done_bytes += body_bytes(&delivery);
        self.done.push_back(delivery);
        while self.done.len() > DONE_MAX
            || (self.done_bytes > DONE_BYTES_MAX && self.done.len() > 1)
        {
            let oldest = self.done.pop_front().expect("it is not empty");
            self.done_bytes -= body_bytes(&oldest);
        }
    }
}

/// Copies share one body, which is counted for each: the bound is kept, and more is not needed.
fn body_bytes(delivery: &Delivery) -> usize {
    let spoilt = |attempt: &Attempt| attempt.faulty_body.as_ref().map_or(0, |body| body.len());
    let whole = delivery
        .message
        .get()
        .map_or(0, |message| message.body.len());
    whole + delivery.attempts.iter().map(spoilt).sum::<usize>()
}
