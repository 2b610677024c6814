//! The undelivered webhooks of a world, in order per consent. An entry is added under the same lock
//! as its event, so that a state change and its message are one step. It leaves when it is
//! delivered, exhausted, unaddressed, disabled or dropped. Sending belongs to `webhooks`.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use hashbrown::HashMap;

use crate::domain::cause::Cause;
use crate::domain::delivery::{Attempt, AttemptOutcome, Delivery, DeliveryState};
use crate::domain::ids::{ConsentHandle, MessageId};
use crate::domain::listing::{Cursor, DeliveryFilter, ListPart, Listing, count_states};
use crate::domain::notification::Notification;
use crate::domain::retry_policy::RetryPolicy;
use crate::domain::time::{Millis, Timestamp};
use crate::domain::webhook_fault::{AppliedFault, SchedulingFault, WebhookFault};

/// Status with which a receiver says that its URL is no longer served.
const GONE: u16 = 410;

/// Maximum number of undelivered webhooks per world; commands are rejected while the outbox is
/// full.
pub(crate) const OPEN_DELIVERIES_MAX: usize = 10_000;

/// Number of undelivered webhooks at which the next ones are not sent. A command that was accepted, and
/// timers behind a receiver that is down, may exceed the maximum by this much.
const OPEN_DELIVERIES_LIMIT: usize = OPEN_DELIVERIES_MAX + 2_000;

/// The number of webhooks that may be sent at a time while the outbox is full, at least as many as one
/// world sends. The others wait for a retry then.
const BUSY_WHEN_FULL: usize = 500;

/// Maximum number of finished deliveries kept per world.
pub(crate) const FINISHED_MAX: usize = 1_000;
/// Maximum size of the bodies of these deliveries, in bytes.
pub(crate) const FINISHED_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The consequence of the end of an attempt.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NextStep {
    Done,
    RetryAt(Timestamp),
}

/// The moment from which a webhook may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dispatch {
    Immediately,
    /// After the response to the call that caused the webhook has been handed over.
    AfterResponse,
}

/// The order of a delivery that is queued again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// The delivery joins the queue of its consent.
    JoinQueue,
    Unchanged,
}

/// A notification to be added to the outbox.
#[derive(Debug)]
pub(crate) struct NewDelivery {
    pub notification: Notification,
    pub dispatch: Dispatch,
    pub faults: Vec<AppliedFault>,
    /// The message id of the near duplicate, if a fault adds one.
    pub near_duplicate_id: Option<MessageId>,
}

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    last_id: u64,
    open: BTreeMap<u64, Delivery>,
    /// Undelivered ordered webhooks of each consent, oldest first; only the first may be sent.
    queues: HashMap<ConsentHandle, VecDeque<u64>>,
    /// Reordered deliveries, each sent after the next one of its consent.
    awaiting_successor: HashMap<ConsentHandle, Vec<u64>>,
    /// Deliveries that may be sent now.
    ready: VecDeque<u64>,
    in_flight: usize,
    held_count: usize,
    finished: VecDeque<Delivery>,
    /// URLs whose receiver has answered 410.
    disabled_urls: BTreeSet<String>,
    finished_bytes: usize,
}

/// The effect of the scheduling faults on a notification.
#[derive(Default)]
struct DeliveryPlan {
    is_dropped: bool,
    goes_before_response: bool,
    delay: Option<Millis>,
    reorder_within: Option<Millis>,
    /// The number of further copies, sent one after the other, and the time between them.
    copies: (u32, Millis),
    near_duplicate_after: Option<Millis>,
    /// The number of further copies, sent all at once.
    burst_copies: u32,
}

impl DeliveryPlan {
    fn from_faults(faults: &[AppliedFault]) -> Self {
        let mut plan = Self::default();
        for AppliedFault { fault, .. } in faults {
            let WebhookFault::Scheduling(fault) = fault else {
                continue;
            };
            match fault {
                SchedulingFault::Drop {} => plan.is_dropped = true,
                SchedulingFault::BeforeResponse {} => plan.goes_before_response = true,
                SchedulingFault::Late { by } => plan.delay = Some(*by),
                SchedulingFault::Reorder { within } => plan.reorder_within = Some(*within),
                SchedulingFault::Duplicate { copies, spacing } => {
                    plan.copies = (copies.saturating_sub(1), *spacing);
                }
                SchedulingFault::NearDuplicate { spacing } => {
                    plan.near_duplicate_after = Some(*spacing);
                }
                SchedulingFault::Burst { copies } => plan.burst_copies = copies.saturating_sub(1),
            }
        }
        plan
    }
}

/// Numbers of webhooks that have not been sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct UnsentWebhooks {
    pub queued: usize,
    pub in_flight: usize,
    /// Those that wait for a retry, or for a delay of a fault.
    pub waiting: usize,
}

impl UnsentWebhooks {
    pub(crate) fn total(self) -> usize {
        self.queued + self.in_flight + self.waiting
    }
}

impl Outbox {
    /// Adds a notification. Returns the deliveries that wait for a later instant, each with that
    /// instant.
    pub(crate) fn enqueue_delivery(
        &mut self,
        new_delivery: NewDelivery,
        now: Timestamp,
    ) -> Vec<(Timestamp, u64)> {
        let NewDelivery {
            notification,
            dispatch,
            faults,
            near_duplicate_id,
        } = new_delivery;
        let mut plan = DeliveryPlan::from_faults(&faults);
        plan.is_dropped |= self.is_overfull();
        let handle = notification.consent.handle;
        let original = Delivery {
            id: 0,
            notification: Arc::new(notification),
            state: if dispatch == Dispatch::AfterResponse && !plan.goes_before_response {
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
            in_order: !plan.goes_before_response
                && plan.delay.is_none()
                && plan.reorder_within.is_none(),
            is_manual_resend: false,
            resend_cause: None,
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
        for _ in 0..copies.min(self.free_places()) {
            self.open_delivery(Delivery {
                initial_delay: spacing,
                ..copy.clone()
            });
        }
        if let (Some(initial_delay), Some(message_id)) =
            (plan.near_duplicate_after, near_duplicate_id)
        {
            let notification = Arc::new(Notification {
                message_id,
                ..(*copy.notification).clone()
            });
            self.open_delivery(Delivery {
                initial_delay,
                notification,
                message: Arc::default(),
                ..copy.clone()
            });
        }
        for _ in 0..plan.burst_copies.min(self.free_places()) {
            self.open_delivery(Delivery {
                in_order: false,
                ..copy.clone()
            });
        }
        for id in self.awaiting_successor.remove(&handle).unwrap_or_default() {
            self.requeue_delivery(id, Order::JoinQueue);
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

    /// Ends the wait of a delivery.
    fn requeue_delivery(&mut self, id: u64, order: Order) {
        let Some(delivery) = self
            .open
            .get_mut(&id)
            .filter(|delivery| delivery.state == DeliveryState::Waiting)
        else {
            return;
        };
        delivery.state = DeliveryState::Queued;
        delivery.next_attempt_at = None;
        if order == Order::JoinQueue && !delivery.in_order {
            delivery.in_order = true;
            self.queues
                .entry(delivery.notification.consent.handle)
                .or_default()
                .push_back(id);
        }
        self.promote_if_ready(id);
    }

    /// Releases the webhooks of a response that has been handed over.
    pub(crate) fn release_held(&mut self, ids: &[u64]) {
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

    /// Takes up to `limit` deliveries that may be sent now.
    pub(crate) fn take_ready(&mut self, limit: usize) -> Vec<Delivery> {
        let count = limit.min(self.ready.len());
        let mut deliveries = Vec::with_capacity(count);
        for id in self.ready.drain(..count) {
            let delivery = self.open.get_mut(&id).expect("a ready delivery is open");
            delivery.state = DeliveryState::Sending;
            deliveries.push(delivery.clone());
        }
        self.in_flight += deliveries.len();
        deliveries
    }

    /// Records the outcome of an attempt. A response of 410 ends the delivery and disables its URL
    /// (Standard Webhooks 1.0); a success enables it again.
    pub(crate) fn record_attempt(
        &mut self,
        id: u64,
        attempt: Attempt,
        now: Timestamp,
        retries: &RetryPolicy,
    ) -> NextStep {
        self.in_flight -= 1;
        let delivery = self
            .open
            .get_mut(&id)
            .expect("a delivery in flight is open");
        let is_accepted = matches!(attempt.outcome, AttemptOutcome::Accepted { .. });
        let is_gone = attempt.outcome.status() == Some(GONE);
        if is_gone {
            self.disabled_urls.insert(attempt.url.clone());
        } else if is_accepted {
            self.disabled_urls.remove(&attempt.url);
        }
        let retry_after = attempt.retry_after;
        delivery.attempts.push(attempt);
        if !is_accepted
            && !is_gone
            && !delivery.is_manual_resend
            && let Some(delay) = retries.delay_after(delivery.attempts.len(), retry_after)
        {
            let at = now.saturating_add(delay);
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

    /// Returns whether the receiver at this URL has answered 410.
    pub(crate) fn is_disabled(&self, url: &str) -> bool {
        self.disabled_urls.contains(url)
    }

    /// Enables all URLs again.
    pub(crate) fn enable_urls(&mut self) {
        self.disabled_urls.clear();
    }

    /// Ends a delivery in flight that is not sent.
    pub(crate) fn end_unsent(&mut self, id: u64, state: DeliveryState) {
        self.in_flight -= 1;
        self.finish_delivery(id, state);
    }

    fn finish_delivery(&mut self, id: u64, state: DeliveryState) {
        let mut delivery = self
            .open
            .remove(&id)
            .expect("an unfinished delivery is open");
        delivery.state = state;
        let (handle, in_order) = (delivery.notification.consent.handle, delivery.in_order);
        self.archive_delivery(delivery);
        if !in_order {
            return;
        }
        let queue = self
            .queues
            .get_mut(&handle)
            .expect("an ordered delivery has a queue");
        queue.pop_front();
        match queue.front().copied() {
            Some(next) => self.promote_if_ready(next),
            None => {
                self.queues.remove(&handle);
            }
        }
    }

    /// Ends the wait of a delivery if it waits until this instant.
    pub(crate) fn retry_if_due(&mut self, id: u64, due: Timestamp) {
        if self.find_waiting(id, due).is_some() {
            if let Some(delivery) = self.open.get_mut(&id) {
                delivery.resend_cause = None;
            }
            self.requeue_delivery(id, Order::Unchanged);
        }
    }

    /// Returns what a delivery notifies of that waits for an attempt at this time.
    pub(crate) fn find_waiting(&self, id: u64, due: Timestamp) -> Option<&Notification> {
        let delivery = self.open.get(&id)?;
        (delivery.next_attempt_at == Some(due)).then_some(&*delivery.notification)
    }

    /// Sends a delivery again: at once if it waits for a retry, as a manual resend if it has ended.
    /// A manual resend is attempted once.
    pub(crate) fn resend_delivery(
        &mut self,
        cause: Option<Arc<Cause>>,
        id: u64,
    ) -> Result<(), DeliveryState> {
        if let Some(delivery) = self.open.get_mut(&id) {
            if delivery.state != DeliveryState::Waiting {
                return Err(delivery.state);
            }
            delivery.resend_cause = cause;
            self.requeue_delivery(id, Order::Unchanged);
            return Ok(());
        }
        if let Some(index) = self.finished.iter().position(|delivery| delivery.id == id) {
            let delivery = self.finished.remove(index).expect("it is there");
            self.finished_bytes -= body_bytes(&delivery);
            let resent = Delivery {
                state: DeliveryState::Queued,
                in_order: false,
                is_manual_resend: true,
                resend_cause: cause,
                initial_delay: Millis::ZERO,
                ..delivery
            };
            self.open.insert(id, resent);
            self.promote_if_ready(id);
        }
        Ok(())
    }

    /// Returns whether no delivery is held, ready or in flight; those that wait for a retry do not
    /// count.
    pub(crate) fn is_quiescent(&self) -> bool {
        self.in_flight == 0 && self.held_count == 0 && self.ready.is_empty()
    }

    /// Returns the number of settled deliveries that are kept, and the size of their bodies in bytes.
    pub(crate) fn finished_size(&self) -> (usize, usize) {
        (self.finished.len(), self.finished_bytes)
    }

    /// Returns whether timers wait until webhooks have been sent. Those that wait for a retry, which is a
    /// timer too, hold up nothing.
    pub(crate) fn holds_timers(&self) -> bool {
        let busy = self.in_flight + self.held_count + self.ready.len();
        self.open.len() >= OPEN_DELIVERIES_MAX && busy >= BUSY_WHEN_FULL
    }

    /// Returns whether the next webhook is not sent, since too many wait.
    pub(crate) fn is_overfull(&self) -> bool {
        self.open.len() >= OPEN_DELIVERIES_LIMIT
    }

    /// Returns the number of webhooks that the outbox still takes.
    fn free_places(&self) -> u32 {
        let free = OPEN_DELIVERIES_LIMIT.saturating_sub(self.open.len());
        u32::try_from(free).unwrap_or(u32::MAX)
    }

    /// Returns whether a delivery may be sent now.
    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Returns the numbers of deliveries that have not ended, by what they wait for.
    pub(crate) fn count_unsent(&self) -> UnsentWebhooks {
        let mut unsent = UnsentWebhooks::default();
        for delivery in self.open.values() {
            match delivery.state {
                DeliveryState::Sending => unsent.in_flight += 1,
                DeliveryState::Waiting => unsent.waiting += 1,
                _ => unsent.queued += 1,
            }
        }
        unsent
    }

    /// Returns the deliveries that a fault makes arrive before the response that caused them.
    pub(crate) fn filter_before_response(&self, ids: &[u64]) -> Vec<u64> {
        ids.iter()
            .copied()
            .filter(|id| {
                self.open.get(id).is_some_and(|delivery| {
                    delivery
                        .faults
                        .iter()
                        .any(|applied| applied.fault == SchedulingFault::BeforeResponse {}.into())
                })
            })
            .collect()
    }

    /// Returns whether a delivery is open and has not been attempted.
    pub(crate) fn awaits_first_attempt(&self, id: u64) -> bool {
        self.open
            .get(&id)
            .is_some_and(|delivery| delivery.attempts.is_empty())
    }

    /// Returns the number of undelivered webhooks.
    pub(crate) fn open_len(&self) -> usize {
        self.open.len()
    }

    /// Returns the last id assigned; finished and forgotten deliveries count.
    pub(crate) fn last_id(&self) -> u64 {
        self.last_id
    }

    /// Returns the first delivery on record of the message with this id.
    pub(crate) fn delivery_by_webhook_id(&self, webhook_id: &str) -> Option<Delivery> {
        let message_id = webhook_id.strip_prefix("msg_")?;
        let all = self.finished.iter().chain(self.open.values());
        let of_message =
            all.filter(|delivery| delivery.notification.message_id.to_string() == message_id);
        of_message.min_by_key(|delivery| delivery.id).cloned()
    }

    /// Returns the first `limit` deliveries on record with an id above `after`, by id.
    pub(crate) fn deliveries(&self, after: u64, limit: usize) -> Vec<Delivery> {
        let all = self.finished.iter().chain(self.open.values());
        let mut wanted: Vec<_> = all.filter(|delivery| delivery.id > after).collect();
        wanted.sort_unstable_by_key(|delivery| delivery.id);
        wanted.into_iter().take(limit).cloned().collect()
    }

    /// Returns a part of the deliveries that pass a filter.
    pub(crate) fn list_deliveries(
        &self,
        filter: &DeliveryFilter,
        part: ListPart,
    ) -> Listing<Delivery, DeliveryState> {
        let all = self.finished.iter().chain(self.open.values());
        let matching: Vec<&Delivery> = all
            .filter(|delivery| filter.matches_but_for_state(delivery))
            .collect();
        let of_state = matching.iter().filter(|delivery| {
            let is_beyond = match part.cursor {
                Cursor::After(id) => delivery.id > id,
                Cursor::Before(id) => delivery.id < id,
            };
            is_beyond && filter.state.is_none_or(|state| delivery.state == state)
        });
        let mut items: Vec<&Delivery> = of_state.copied().collect();
        match part.cursor {
            Cursor::After(_) => items.sort_unstable_by_key(|delivery| delivery.id),
            Cursor::Before(_) => items.sort_unstable_by_key(|delivery| Reverse(delivery.id)),
        }
        let items = items.into_iter().take(part.limit);
        let states: Vec<DeliveryState> = matching.iter().map(|it| it.state).collect();
        Listing {
            items: items
                .map(|delivery| (delivery.id, delivery.clone()))
                .collect(),
            counts: count_states(DeliveryState::ALL, &states),
        }
    }

    pub(crate) fn delivery(&self, id: u64) -> Option<Delivery> {
        self.open
            .get(&id)
            .or_else(|| self.finished.iter().rfind(|delivery| delivery.id == id))
            .cloned()
    }

    /// Makes a delivery ready if it is queued and, where it keeps the order of its consent, first
    /// in that queue. It is called once after one of the two has become true, so that nothing
    /// becomes ready twice.
    fn promote_if_ready(&mut self, id: u64) {
        let delivery = &self.open[&id];
        if delivery.state != DeliveryState::Queued {
            return;
        }
        if delivery.in_order {
            let queue = self.queues.get(&delivery.notification.consent.handle);
            if queue.and_then(VecDeque::front) != Some(&id) {
                return;
            }
        }
        self.ready.push_back(id);
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

/// Returns the size of a delivery's bodies. Copies share one body, which counts for each of them;
/// that keeps the bound.
fn body_bytes(delivery: &Delivery) -> usize {
    let message_len = delivery
        .message
        .get()
        .map_or(0, |message| message.body.len());
    let faulty_len: usize = delivery
        .attempts
        .iter()
        .filter_map(|attempt| attempt.faulty_body.as_ref())
        .map(|body| body.len())
        .sum();
    message_len + faulty_len
}
