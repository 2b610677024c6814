//! The journal of a world: a bounded ring of entries, newest last. Entries are numbered without
//! gaps, so that a reader can detect entries it has missed. State and deliveries are kept
//! elsewhere. Evicted entries are counted by kind, so that a verdict can state that evidence may be
//! missing.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use crate::domain::cause::Cause;
use crate::domain::ids::ConsentHandle;
use crate::domain::journal_entry::{EntryKind, JournalEntry, JournalRecord};
use crate::domain::time::Timestamp;

/// Maximum number of entries kept per world.
pub(crate) const ENTRIES_MAX: usize = 10_000;
/// Maximum size of the bodies of these entries, in bytes.
pub(crate) const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Maximum number of entries that wait for the consent of their call.
const UNASSIGNED_MAX: usize = 100;

/// The entries that a reader gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadScope {
    /// All that are written. Those of a call in progress may name its consent later.
    Written,
    /// Those before the first one that may name its consent later.
    Settled,
}

#[derive(Debug, Default)]
pub(crate) struct Journal {
    entries: VecDeque<JournalEntry>,
    body_bytes: usize,
    last_seq: u64,
    evicted_counts: HashMap<EntryKind, u64>,
    /// The numbers of the calls in progress, as causes.
    open_calls: HashSet<u64>,
    /// The last entries of these calls that name no consent: the number of the call, and that of the
    /// entry.
    unassigned: VecDeque<(u64, u64)>,
}

impl Journal {
    /// Appends an entry, with its world time and its system time.
    pub(crate) fn append_entry(
        &mut self,
        (at, system_time): (Timestamp, Timestamp),
        customer: Option<Arc<str>>,
        cause: Option<Arc<Cause>>,
        record: JournalRecord,
    ) {
        self.last_seq += 1;
        self.body_bytes += record.body_bytes();
        let handle = record.consent_handle();
        // The entry of a call is the last one that the call itself writes.
        let may_get_consent = handle.is_none() && !matches!(record, JournalRecord::Call(_));
        let open_call = cause
            .as_ref()
            .filter(|cause| self.open_calls.contains(&cause.number));
        if let Some(cause) = open_call.filter(|_| may_get_consent) {
            self.unassigned.push_back((cause.number, self.last_seq));
            if self.unassigned.len() > UNASSIGNED_MAX {
                self.unassigned.pop_front();
            }
        }
        self.entries.push_back(JournalEntry {
            seq: self.last_seq,
            at,
            system_time,
            customer,
            handle,
            cause,
            record,
        });
        while self.entries.len() > ENTRIES_MAX
            || (self.body_bytes > BODY_BYTES_MAX && self.entries.len() > 1)
        {
            let oldest = self.entries.pop_front().expect("it is not empty");
            self.body_bytes -= oldest.record.body_bytes();
            *self.evicted_counts.entry(oldest.record.kind()).or_default() += 1;
            // No reader waits for the consent of an entry that is gone.
            while self
                .unassigned
                .front()
                .is_some_and(|(_, seq)| *seq <= oldest.seq)
            {
                self.unassigned.pop_front();
            }
        }
    }

    /// Expects entries of a call that learn their consent when the call is recorded.
    pub(crate) fn open_call(&mut self, cause: u64) {
        self.open_calls.insert(cause);
    }

    /// Ends a call, whether it has been recorded or not. Returns whether entries were waiting for it.
    pub(crate) fn close_call(&mut self, cause: u64) -> bool {
        let count = self.unassigned.len();
        self.unassigned.retain(|(number, _)| *number != cause);
        self.open_calls.remove(&cause) && self.unassigned.len() < count
    }

    /// Gives the entries of a call that name no consent the handle, and the customer, that have become
    /// known. Such entries are written before the call is understood.
    pub(crate) fn assign_consent(
        &mut self,
        cause: u64,
        handle: ConsentHandle,
        customer: Option<&Arc<str>>,
    ) {
        let first = self.entries.front().map_or(0, |entry| entry.seq);
        let entries = &mut self.entries;
        self.unassigned.retain(|(number, seq)| {
            if *number != cause {
                return true;
            }
            let index = seq.checked_sub(first).map(usize::try_from);
            if let Some(Ok(index)) = index
                && let Some(entry) = entries.get_mut(index)
            {
                entry.handle = Some(handle);
                entry.customer = entry.customer.take().or_else(|| customer.cloned());
            }
            false
        });
    }

    /// Returns up to `limit` entries with a number above `after`, oldest first.
    pub(crate) fn entries_after(&self, after: u64, limit: usize) -> Vec<JournalEntry> {
        self.iter_after(after).take(limit).cloned().collect()
    }

    /// Returns the entries with a number above `after`, oldest first.
    pub(crate) fn iter_after(&self, after: u64) -> impl DoubleEndedIterator<Item = &JournalEntry> {
        let first = self.entries.front().map_or(0, |entry| entry.seq);
        let skip =
            usize::try_from(after.saturating_add(1).saturating_sub(first)).unwrap_or(usize::MAX);
        self.entries.range(skip.min(self.entries.len())..)
    }

    /// Returns up to `limit` entries numbered above `after` for which `is_wanted` holds, and the number of
    /// the last entry examined.
    pub(crate) fn select_after(
        &self,
        after: u64,
        limit: usize,
        scope: ReadScope,
        is_wanted: impl Fn(&JournalEntry) -> bool,
    ) -> (Vec<JournalEntry>, u64) {
        let last = self.last_seq_in(scope);
        let examined = self.iter_after(after).take_while(|entry| entry.seq <= last);
        let wanted = examined.filter(|entry| is_wanted(entry));
        let entries: Vec<_> = wanted.take(limit).cloned().collect();
        let last_examined = entries
            .last()
            .filter(|_| entries.len() == limit)
            .map(|entry| entry.seq);
        (
            entries,
            last_examined.unwrap_or(last.max(after.min(self.last_seq))),
        )
    }

    /// Returns up to `limit` entries numbered below `before` for which `is_wanted` holds, newest first,
    /// and the number of the last entry examined.
    pub(crate) fn select_before(
        &self,
        before: u64,
        limit: usize,
        is_wanted: impl Fn(&JournalEntry) -> bool,
    ) -> (Vec<JournalEntry>, u64) {
        let below = self.entries.partition_point(|entry| entry.seq < before);
        let wanted = self
            .entries
            .range(..below)
            .rev()
            .filter(|entry| is_wanted(entry));
        let entries: Vec<_> = wanted.take(limit).cloned().collect();
        let last_examined = entries.last().map_or(0, |entry| entry.seq);
        (entries, last_examined)
    }

    /// Returns the number of the last entry that a reader gets.
    pub(crate) fn last_seq_in(&self, scope: ReadScope) -> u64 {
        let first_unassigned = self.unassigned.front().map(|(_, seq)| *seq);
        match (scope, first_unassigned) {
            (ReadScope::Settled, Some(seq)) => seq - 1,
            _ => self.last_seq,
        }
    }

    /// Returns the entry of a number, if it has been written and not evicted.
    pub(crate) fn find(&self, seq: u64) -> Option<&JournalEntry> {
        let entry = self.iter_after(seq.checked_sub(1)?).next()?;
        (entry.seq == seq).then_some(entry)
    }

    /// Returns the number of entries after `after` that have been evicted.
    pub(crate) fn count_lost_after(&self, after: u64) -> u64 {
        let first = self
            .entries
            .front()
            .map_or(self.last_seq + 1, |entry| entry.seq);
        first.saturating_sub(after.saturating_add(1))
    }

    /// Returns the number of kept entries, and the size of their bodies in bytes.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.entries.len(), self.body_bytes)
    }

    /// Returns the number of entries written, evicted ones included.
    pub(crate) fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Returns the number of evicted entries of these kinds.
    pub(crate) fn count_evicted(&self, matches_kind: impl Fn(EntryKind) -> bool) -> u64 {
        self.evicted_counts
            .iter()
            .filter(|(kind, _)| matches_kind(**kind))
            .map(|(_, count)| count)
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{ENTRIES_MAX, Journal, ReadScope};
    use crate::domain::cause::{Cause, CauseKind};
    use crate::domain::ids::ConsentHandle;
    use crate::domain::journal_entry::{EntryKind, JournalEntry, JournalRecord};
    use crate::domain::time::Timestamp;

    /// Writes a note, of the cause with this number if one is given.
    fn append_note(journal: &mut Journal, number: Option<u64>) {
        let cause = number.map(|number| {
            Arc::new(Cause {
                number,
                kind: CauseKind::Fiu,
                origin: "consent.request".into(),
                parent: None,
            })
        });
        let text = String::new();
        let record = JournalRecord::Note { text };
        let start = Timestamp::from_millis(0);
        journal.append_entry((start, start), None, cause, record);
    }

    #[test]
    fn the_ring_forgets_the_oldest_but_keeps_the_numbers_and_counts_what_it_forgot() {
        let mut journal = Journal::default();
        for _ in 0..ENTRIES_MAX + 5 {
            append_note(&mut journal, None);
        }
        let entries = journal.entries_after(0, 2);
        assert_eq!((entries[0].seq, entries[1].seq), (6, 7));
        let last = journal.last_seq();
        assert_eq!(journal.entries_after(last - 1, 10).len(), 1);
        assert!(journal.entries_after(last, 10).is_empty());
        assert!(journal.entries_after(u64::MAX, 10).is_empty());
        assert_eq!(journal.find(6).map(|entry| entry.seq), Some(6));
        for (seq, place) in [
            (0, "before the first"),
            (5, "evicted"),
            (last + 1, "not written yet"),
        ] {
            assert!(journal.find(seq).is_none(), "{place}");
        }
        assert_eq!(journal.count_evicted(|kind| kind == EntryKind::Remark), 5);
        assert_eq!(
            journal.count_evicted(|kind| kind == EntryKind::StepRejected),
            0
        );
    }

    #[test]
    fn the_entries_of_a_call_get_its_consent_and_no_others_do() {
        let mut journal = Journal::default();
        let handle = ConsentHandle::parse("e7cde879-a04b-4e94-8df5-1645b000101f");
        let handle = handle.expect("a UUID");
        for number in [1, 2] {
            journal.open_call(number);
        }
        for number in [1, 2, 1, 3] {
            append_note(&mut journal, Some(number));
        }
        assert_eq!(journal.last_seq_in(ReadScope::Settled), 0);
        journal.assign_consent(1, handle, Some(&"9999999999@mockaa".into()));
        assert!(!journal.close_call(1), "no entry waits any longer");
        assert_eq!(journal.last_seq_in(ReadScope::Settled), 1);
        let of_consent = |entry: &JournalEntry| entry.handle == Some(handle);
        let (settled, examined) = journal.select_after(0, 10, ReadScope::Settled, of_consent);
        assert_eq!((settled.len(), examined), (1, 1));
        let (written, examined) = journal.select_after(0, 10, ReadScope::Written, of_consent);
        assert_eq!((written.len(), examined), (2, 4));
        let entries = journal.entries_after(0, 10);
        let handles: Vec<_> = entries.iter().map(|entry| entry.handle).collect();
        assert_eq!(handles, [Some(handle), None, Some(handle), None]);
        assert_eq!(entries[0].customer.as_deref(), Some("9999999999@mockaa"));
        assert_eq!(entries[1].customer, None);
        // The note of the second call is evicted before the call is recorded.
        for _ in 0..ENTRIES_MAX {
            append_note(&mut journal, None);
        }
        // So no reader waits for it, although its call goes on.
        assert_eq!(journal.last_seq_in(ReadScope::Settled), journal.last_seq());
        journal.assign_consent(2, handle, None);
        journal.close_call(2);
        assert_eq!(journal.last_seq_in(ReadScope::Settled), journal.last_seq());
        let entries = journal.entries_after(0, ENTRIES_MAX);
        assert!(entries.iter().all(|entry| entry.handle.is_none()));
    }
}
