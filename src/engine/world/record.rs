//! The record of a world: notes and calls written to its journal, and verdicts and grades derived
//! from it.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::cause::Cause;
use crate::domain::expectation::{Expectation, ExpectationStatus, Verdict};
use crate::domain::journal_entry::{CallRecord, EntryKind, JournalEntry, JournalRecord};
use crate::domain::time::Millis;
use crate::engine::journal::ReadScope;
use crate::engine::world::{Inner, World};

/// A search for entries of the journal, from a place on. It remembers what it has examined.
#[derive(Debug)]
pub struct JournalSearch<F> {
    is_wanted: F,
    /// The number of entries that it looks for at most.
    limit: usize,
    /// The number of the last entry that was examined for good.
    place: u64,
    /// The entries up to that one.
    found: Vec<JournalEntry>,
    /// The entries after it, which may learn their consent later.
    open: Vec<JournalEntry>,
}

impl<F: Fn(&JournalEntry) -> bool> JournalSearch<F> {
    pub fn new(after: u64, limit: usize, is_wanted: F) -> Self {
        Self {
            is_wanted,
            limit,
            place: after,
            found: Vec::new(),
            open: Vec::new(),
        }
    }

    /// Examines the entries that are new, and returns the number of all that were found. Those that may
    /// learn their consent later are examined again the next time.
    fn examine(&mut self, world: &World) -> usize {
        let inner = world.lock_caught_up();
        let select = |place, found: usize, scope| {
            let limit = self.limit - found;
            inner
                .journal
                .select_after(place, limit, scope, &self.is_wanted)
        };
        let (settled, place) = select(self.place, self.found.len(), ReadScope::Settled);
        self.found.extend(settled);
        self.place = self.place.max(place);
        (self.open, _) = select(self.place, self.found.len(), ReadScope::Written);
        self.found.len() + self.open.len()
    }

    /// Returns the entries that were found, oldest first.
    fn take_entries(&mut self) -> Vec<JournalEntry> {
        let mut entries = std::mem::take(&mut self.found);
        entries.append(&mut self.open);
        entries
    }
}

/// The end of a wait for entries.
#[derive(Debug)]
pub enum WaitEnd {
    Found(Vec<JournalEntry>),
    /// The time has passed; so many were there.
    TimedOut(usize),
    /// The world was reset or deleted.
    Closed,
    /// The sandbox stops.
    Stopping,
}

/// Maximum number of different notes of one world. Notes quote what callers sent.
pub(super) const NOTES_MAX: usize = 1_000;
/// Maximum length of a note, in characters.
const NOTE_CHARS_MAX: usize = 300;

/// Maximum length of the explanation of an invalid signature, in characters; it quotes the sender's
/// header and body.
const SIGNATURE_ERROR_CHARS_MAX: usize = 4_000;

impl Inner {
    /// Writes a note to the journal, unless it stands there already. Returns whether it was written.
    pub(super) fn append_note_once(&mut self, cause: Option<Arc<Cause>>, text: &str) -> bool {
        let text = truncate_chars(text, NOTE_CHARS_MAX);
        if self.seen_notes.contains(text) || self.seen_notes.len() > NOTES_MAX {
            return false;
        }
        let is_full = self.seen_notes.len() == NOTES_MAX;
        let text = if is_full {
            format!("{NOTES_MAX} different notes were written; further ones are not kept")
        } else {
            text.to_owned()
        };
        self.seen_notes.insert(text.clone());
        self.append_note(cause, text);
        true
    }
}

/// Returns at most this many characters of a text.
fn truncate_chars(text: &str, chars_max: usize) -> &str {
    if text.len() <= chars_max {
        return text;
    }
    let end = text.char_indices().nth(chars_max);
    end.map_or(text, |(end, _)| &text[..end])
}

impl World {
    /// Records a call and its response. Earlier entries of the call that name no consent get its.
    pub fn record_call(&self, cause: Arc<Cause>, call: CallRecord) {
        let mut inner = self.lock();
        let now = inner.now();
        if let Some(handle) = call.handle {
            let customer = call.customer.as_ref();
            inner.journal.assign_consent(cause.number, handle, customer);
        }
        inner.journal.close_call(cause.number);
        inner.append_record(now, Some(cause), JournalRecord::Call(Arc::new(call)));
        drop(inner);
        self.journal_appended.notify_waiters();
    }

    /// Records an intervention in the world.
    pub fn write_note(&self, cause: Option<Arc<Cause>>, text: String) {
        self.lock().append_note(cause, text);
        self.journal_appended.notify_waiters();
    }

    /// Writes a note once. A note repeated for every request would evict all other entries.
    pub fn write_note_once(&self, cause: Option<Arc<Cause>>, text: &str) {
        let is_written = self.lock().append_note_once(cause, text);
        if is_written {
            self.journal_appended.notify_waiters();
        }
    }

    /// Records the reason why a signature did not verify.
    pub fn record_signature_error(&self, cause: Option<Arc<Cause>>, text: &str) {
        let text = truncate_chars(text, SIGNATURE_ERROR_CHARS_MAX).to_owned();
        let mut inner = self.lock();
        let now = inner.now();
        inner.append_record(now, cause, JournalRecord::InvalidSignature { text });
        drop(inner);
        self.journal_appended.notify_waiters();
    }

    /// Returns the number of evicted journal entries of these kinds.
    pub fn count_evicted(&self, matches_kind: impl Fn(EntryKind) -> bool) -> u64 {
        self.lock().journal.count_evicted(matches_kind)
    }

    /// Evaluates an expectation once it is met or its `within`, in system time, has passed; without
    /// `within`, at once.
    pub async fn await_expectation(&self, expectation: &Expectation) -> Verdict {
        let timeout = expectation.within.unwrap_or_default();
        self.wait_to_find(timeout, |world| {
            let verdict = world.catch_up().evaluate_expectation(expectation);
            let is_over = verdict.status == ExpectationStatus::Met || world.is_draining();
            is_over.then_some(verdict)
        })
        .await
        .unwrap_or_else(|| self.catch_up().evaluate_expectation(expectation))
    }

    /// Waits until the condition holds after an entry of the journal, or the world is closed.
    pub(in crate::engine) async fn wait_for_journal(&self, condition: impl Fn(&Self) -> bool) {
        loop {
            let notified = self.journal_appended.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            if condition(self) || self.is_closed() {
                return;
            }
            notified.await;
        }
    }

    /// Waits until a search has found a number of entries, for at most `timeout` of system time. Each
    /// entry is examined once, however long the wait.
    pub async fn wait_for_entries(
        &self,
        timeout: Millis,
        count: usize,
        mut search: JournalSearch<impl Fn(&JournalEntry) -> bool>,
    ) -> WaitEnd {
        let end = self.wait_to_find(timeout, |world| {
            if search.examine(world) >= count {
                return Some(WaitEnd::Found(search.take_entries()));
            }
            world.is_draining().then_some(WaitEnd::Stopping)
        });
        match end.await {
            Some(end) => end,
            None if self.is_closed() => WaitEnd::Closed,
            None => WaitEnd::TimedOut(search.examine(self)),
        }
    }

    /// Waits until `find` returns a value, for at most `timeout` of system time.
    pub async fn wait_to_find<T>(
        &self,
        timeout: Millis,
        mut find: impl FnMut(&Self) -> Option<T>,
    ) -> Option<T> {
        let search = async {
            loop {
                let notified = self.journal_appended.notified();
                tokio::pin!(notified);
                notified.as_mut().enable();
                if let Some(found) = find(self) {
                    return Some(found);
                }
                if self.is_closed() {
                    return None;
                }
                notified.await;
            }
        };
        let timeout = Duration::from_millis(u64::try_from(timeout.0).unwrap_or_default());
        let found = tokio::time::timeout(timeout, search).await;
        found.unwrap_or_else(|_| find(self))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::JournalSearch;
    use crate::engine::proptests::new_world;

    #[test]
    fn a_search_examines_each_entry_once() {
        let (world, examined) = (new_world(), Cell::new(0));
        let mut search = JournalSearch::new(0, 2, |entry| {
            examined.set(examined.get() + 1);
            entry.seq.is_multiple_of(100)
        });
        for number in 1..=250 {
            world.write_note(None, format!("note {number}"));
            assert_eq!(search.examine(&world), number / 100, "{number}");
        }
        // After the two that it looks for, it examines no more.
        assert_eq!(examined.get(), 200);
        let found = search.take_entries();
        let numbers: Vec<_> = found.iter().map(|entry| entry.seq).collect();
        assert_eq!(numbers, [100, 200]);
    }
}
