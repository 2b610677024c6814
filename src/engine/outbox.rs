//! Webhooks that a world owes, in order per consent. An entry is made in the same lock as its event and leaves only
//! when it is delivered or given up, so that a state change and its message are one step.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use crate::domain::delivery::{Attempt, Delivery, Message, Outcome, Progress};
use crate::domain::ids::ConsentHandle;
use crate::domain::notice::Notice;
use crate::domain::time::{Span, Timestamp};

/// The waits before each attempt, in world time: the first is made at once, the last failure gives up.
///
/// `Assumption:` no AA documents its retries; the steps are those of a patient sender, short enough for a test.
pub const RETRY_AFTER: [Span; 6] =
    [Span::ZERO, Span::seconds(1), Span::seconds(5), Span::seconds(30), Span::seconds(2 * 60), Span::seconds(10 * 60)];

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

#[derive(Debug, Default)]
pub struct Outbox {
    given: u64,
    open: BTreeMap<u64, Delivery>,
    /// Undelivered webhooks of a consent, oldest first: only the first may be sent.
    lanes: HashMap<ConsentHandle, VecDeque<u64>>,
    /// Deliveries that may be sent now.
    ready: VecDeque<u64>,
    busy: usize,
    held: usize,
    /// Attempts made so far.
    posted: u64,
    done: VecDeque<Delivery>,
    done_bytes: usize,
}

impl Outbox {
    /// Takes a notice in.
    pub fn add(&mut self, notice: Notice, held: bool) {
        self.given += 1;
        let id = self.given;
        let handle = notice.consent.handle;
        let delivery = Delivery {
            id,
            notice: Arc::new(notice),
            progress: if held { Progress::Held } else { Progress::Queued },
            next_attempt_at: None,
            message: None,
            attempts: Vec::new(),
        };
        self.held += usize::from(held);
        self.open.insert(id, delivery);
        self.lanes.entry(handle).or_default().push_back(id);
        self.offer(id);
    }

    /// The response that caused these was handed over.
    pub fn release(&mut self, ids: &[u64]) {
        for id in ids {
            if let Some(delivery) = self.open.get_mut(id).filter(|delivery| delivery.progress == Progress::Held) {
                delivery.progress = Progress::Queued;
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
            delivery.progress = Progress::Sending;
            taken.push(delivery.clone());
        }
        self.busy += taken.len();
        taken
    }

    /// Records the end of an attempt made with `message`.
    pub fn attempted(&mut self, id: u64, message: Arc<Message>, attempt: Attempt, now: Timestamp) -> Next {
        self.busy -= 1;
        self.posted += 1;
        let delivery = self.open.get_mut(&id).expect("what is being sent is open");
        let accepted = matches!(attempt.outcome, Outcome::Accepted { .. });
        delivery.message = Some(message);
        delivery.attempts.push(attempt);
        if !accepted && let Some(wait) = RETRY_AFTER.get(delivery.attempts.len()) {
            let at = now.plus(*wait);
            delivery.progress = Progress::Waiting;
            delivery.next_attempt_at = Some(at);
            return Next::RetryAt(at);
        }
        self.finish(id, if accepted { Progress::Delivered } else { Progress::GivenUp });
        Next::Done
    }

    /// Puts a message on record that has nowhere to go.
    pub fn shelve(&mut self, id: u64, message: Arc<Message>) {
        self.busy -= 1;
        self.open.get_mut(&id).expect("what is being sent is open").message = Some(message);
        self.finish(id, Progress::Unaddressed);
    }

    fn finish(&mut self, id: u64, progress: Progress) {
        let mut delivery = self.open.remove(&id).expect("what ends is open");
        delivery.progress = progress;
        let handle = delivery.notice.consent.handle;
        self.record(delivery);
        let lane = self.lanes.get_mut(&handle).expect("an open delivery has a lane");
        lane.pop_front();
        match lane.front().copied() {
            Some(next) => self.offer(next),
            None => {
                self.lanes.remove(&handle);
            }
        }
    }

    /// The wait of a failed delivery is over.
    pub fn retry(&mut self, id: u64) {
        if let Some(delivery) = self.open.get_mut(&id).filter(|delivery| delivery.progress == Progress::Waiting) {
            delivery.progress = Progress::Queued;
            delivery.next_attempt_at = None;
            self.offer(id);
        }
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
        self.open.get(&id).or_else(|| self.done.iter().find(|delivery| delivery.id == id)).cloned()
    }

    /// Makes a delivery ready if it is queued and the first of its lane. It is asked about once each time when one of
    /// the two has just become true, so nothing is made ready twice.
    fn offer(&mut self, id: u64) {
        let delivery = &self.open[&id];
        let first = self.lanes.get(&delivery.notice.consent.handle).and_then(VecDeque::front);
        if delivery.progress == Progress::Queued && first == Some(&id) {
            self.ready.push_back(id);
        }
    }

    fn record(&mut self, delivery: Delivery) {
        self.done_bytes += body_bytes(&delivery);
        self.done.push_back(delivery);
        while self.done.len() > DONE_MAX || (self.done_bytes > DONE_BYTES_MAX && self.done.len() > 1) {
            let oldest = self.done.pop_front().expect("it is not empty");
            self.done_bytes -= body_bytes(&oldest);
        }
    }
}

fn body_bytes(delivery: &Delivery) -> usize {
    delivery.message.as_ref().map_or(0, |message| message.body.len())
}
