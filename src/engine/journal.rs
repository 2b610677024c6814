//! What happened in a world, newest last: a bounded ring, each entry numbered for ever, so that a reader knows what
//! it has missed. What must not be lost (state, deliveries) is kept elsewhere.

use std::collections::VecDeque;

use crate::domain::record::{Entry, What};
use crate::domain::time::Timestamp;

/// Entries kept per world.
pub const ENTRIES_MAX: usize = 10_000;

#[derive(Debug, Default)]
pub struct Journal {
    entries: VecDeque<Entry>,
    written: u64,
}

impl Journal {
    pub fn write(&mut self, at: Timestamp, what: What) {
        self.written += 1;
        if self.entries.len() == ENTRIES_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry { seq: self.written, at, what });
    }

    /// Up to `limit` entries with a number above `after`, oldest first.
    pub fn after(&self, after: u64, limit: usize) -> Vec<Entry> {
        let first = self.entries.front().map_or(0, |entry| entry.seq);
        let skip = usize::try_from(after.saturating_add(1).saturating_sub(first)).unwrap_or(usize::MAX);
        self.entries.iter().skip(skip).take(limit).cloned().collect()
    }

    /// How many entries were written, forgotten ones included.
    pub fn written(&self) -> u64 {
        self.written
    }
}

#[cfg(test)]
mod tests {
    use super::{ENTRIES_MAX, Journal};
    use crate::domain::record::What;
    use crate::domain::time::Timestamp;

    #[test]
    fn the_ring_forgets_the_oldest_but_keeps_the_numbers() {
        let mut journal = Journal::default();
        for _ in 0..ENTRIES_MAX + 5 {
            journal.write(Timestamp::from_millis(0), What::Note { text: String::new() });
        }
        let entries = journal.after(0, 2);
        assert_eq!((entries[0].seq, entries[1].seq), (6, 7));
        let last = journal.written();
        assert_eq!(journal.after(last - 1, 10).len(), 1);
        assert!(journal.after(last, 10).is_empty());
    }
}
