//! The heap of due work of one world, in world time. There is no task per timer: a million pending
//! consents take a million entries of 40 bytes.

use std::borrow::Cow;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use hashbrown::{HashMap, hash_map};

use crate::domain::command::Command;
use crate::domain::ids::{ConsentHandle, SessionId};
use crate::domain::time::Timestamp;

/// Work that becomes due.
#[derive(Debug)]
pub(crate) enum Work {
    /// `consentExpiry` passes.
    Expire(ConsentHandle),
    /// Unaport requests data by schedule.
    RunScheduledFetch(ConsentHandle),
    /// The data of a session expires.
    ExpireSession(SessionId),
    /// A command of a plan is due.
    RunCommand(Box<ScheduledCommand>),
    /// The wait of a delivery ends.
    Retry(u64),
}

impl Work {
    /// Returns the place of a step in its file, or the words for the work.
    pub(crate) fn origin(&self) -> Cow<'static, str> {
        match self {
            Self::Expire(_) => "the consent expires".into(),
            Self::ExpireSession(_) => "the data expires".into(),
            Self::RunScheduledFetch(_) => "a scheduled fetch is due".into(),
            Self::RunCommand(scheduled) => scheduled.origin.clone().into(),
            Self::Retry(_) => "a webhook is sent again".into(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct ScheduledCommand {
    /// The consent that the plan drives.
    pub handle: ConsentHandle,
    pub command: Command,
    pub origin: String,
    /// The number of the cause that scheduled it.
    pub parent: Option<u64>,
    /// Set for a command due at the instant of the event that it answers. These are counted, so
    /// that rules which answer each other without a delay end.
    pub is_immediate: bool,
}

#[derive(Debug)]
struct Entry {
    due: Timestamp,
    /// The order of arrival: work due at the same instant runs in the order in which it was
    /// scheduled.
    ordinal: u64,
    work: Work,
}

#[derive(Debug, Default)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<Entry>>,
    last_ordinal: u64,
    /// The number of commands that wait for each consent; none is absent.
    command_counts: HashMap<ConsentHandle, usize>,
}

impl Timers {
    pub(crate) fn schedule_work(&mut self, due: Timestamp, work: Work) {
        self.last_ordinal += 1;
        if let Work::RunCommand(scheduled) = &work {
            *self.command_counts.entry(scheduled.handle).or_default() += 1;
        }
        self.heap.push(Reverse(Entry {
            due,
            ordinal: self.last_ordinal,
            work,
        }));
    }

    /// Returns the first work and the instant at which it is due.
    pub(crate) fn peek(&self) -> Option<(Timestamp, &Work)> {
        self.heap
            .peek()
            .map(|Reverse(entry)| (entry.due, &entry.work))
    }

    /// Returns the number of commands that wait for a consent.
    pub(crate) fn count_commands(&self, handle: ConsentHandle) -> usize {
        self.command_counts.get(&handle).copied().unwrap_or(0)
    }

    /// Removes the first work.
    pub(crate) fn discard_next(&mut self) {
        self.pop();
    }

    /// Removes and returns the first work, with the instant at which it was due.
    fn pop(&mut self) -> Option<(Timestamp, Work)> {
        let Reverse(Entry { due, work, .. }) = self.heap.pop()?;
        if let Work::RunCommand(scheduled) = &work
            && let hash_map::Entry::Occupied(mut count) =
                self.command_counts.entry(scheduled.handle)
        {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        Some((due, work))
    }

    /// Removes and returns the first work due by `now`, with the instant at which it was due.
    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<(Timestamp, Work)> {
        if self.peek()?.0 > now {
            return None;
        }
        self.pop()
    }

    /// Removes the work for which `is_wanted` does not hold.
    pub(crate) fn retain(&mut self, is_wanted: impl Fn(&Work) -> bool) {
        self.heap.retain(|Reverse(entry)| is_wanted(&entry.work));
        let commands = self
            .heap
            .iter()
            .filter_map(|Reverse(entry)| match &entry.work {
                Work::RunCommand(scheduled) => Some(scheduled.handle),
                _ => None,
            });
        self.command_counts.clear();
        for handle in commands {
            *self.command_counts.entry(handle).or_default() += 1;
        }
    }

    /// Returns the work for which `is_wanted` holds, in the order in which it becomes due: that from
    /// place `skip` on, at most `limit` of it.
    pub(crate) fn list_work(
        &self,
        is_wanted: impl Fn(Timestamp, &Work) -> bool,
        skip: usize,
        limit: usize,
    ) -> impl Iterator<Item = (Timestamp, &Work)> {
        let entries = self.heap.iter().map(|Reverse(entry)| entry);
        let mut found: Vec<&Entry> = entries
            .filter(|entry| is_wanted(entry.due, &entry.work))
            .collect();
        let end = skip.saturating_add(limit);
        if end < found.len() {
            found.select_nth_unstable(end);
            found.truncate(end);
        }
        found.sort_unstable();
        let page = found.into_iter().skip(skip);
        page.map(|entry| (entry.due, &entry.work))
    }

    /// Counts the work for which `is_wanted` holds.
    pub(crate) fn count_work(&self, is_wanted: impl Fn(Timestamp, &Work) -> bool) -> usize {
        let entries = self.heap.iter().map(|Reverse(entry)| entry);
        let wanted = entries.filter(|entry| is_wanted(entry.due, &entry.work));
        wanted.count()
    }

    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.due, self.ordinal).cmp(&(other.due, other.ordinal))
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Timers, Work};
    use crate::domain::time::Timestamp;

    #[test]
    fn work_comes_back_by_due_time_and_then_by_arrival() {
        let at = Timestamp::from_millis;
        let mut timers = Timers::default();
        for (due, id) in [(5, 0), (3, 1), (5, 2), (3, 3), (9, 4)] {
            timers.schedule_work(at(due), Work::Retry(id));
        }
        let mut order = Vec::new();
        while let Some((_, Work::Retry(id))) = timers.pop_due(at(5)) {
            order.push(id);
        }
        assert_eq!(order, [1, 3, 0, 2]);
        assert_eq!(timers.peek().map(|(due, _)| due), Some(at(9)));
    }

    #[test]
    fn an_entry_stays_small() {
        assert!(size_of::<Entry>() <= 40, "{}", size_of::<Entry>());
    }
}
