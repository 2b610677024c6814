//! What a world has on record, and what can be said by it.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::contract_report::RuleResult;
use crate::domain::expectation::{Expectation, ExpectationStatus, Verdict};
use crate::domain::journal_entry::{CallRecord, EntryKind, JournalEntry, JournalRecord};
use crate::domain::time::Millis;
use crate::engine::clock::wall;
use crate::engine::report::grade;
use crate::engine::verify::judge;
use crate::engine::world::World;

/// Different remarks kept per world, and how long one may be: they quote what callers sent.
const NOTES_MAX: usize = 1_000;
const NOTE_CHARS_MAX: usize = 300;

/// How long the explanation of a bad signature may be: it quotes the sender's header and body.
const FLAW_CHARS_MAX: usize = 4_000;

impl World {
    /// Puts a call and its answer on record.
    pub fn record_call(&self, call: CallRecord) {
        let mut inner = self.lock();
        let now = inner.clock.now(wall());
        inner
            .journal
            .write(now, JournalRecord::Call(Arc::new(call)));
        drop(inner);
        self.noticed.notify_waiters();
    }

    /// Puts on record that somebody has done something to the world.
    pub fn remark(&self, text: String) {
        let mut inner = self.lock();
        let now = inner.clock.now(wall());
        inner.journal.write(now, JournalRecord::Note { text });
    }

    /// Puts a remark for people on record, once: a remark that every request earns would push all else out.
    pub fn note(&self, text: &str) {
        let text: String = text.chars().take(NOTE_CHARS_MAX).collect();
        let mut inner = self.lock();
        if inner.noted.contains(&text) || inner.noted.len() > NOTES_MAX {
            return;
        }
        let full = inner.noted.len() == NOTES_MAX;
        let text = if full {
            format!("{NOTES_MAX} different notes were written; further ones are not kept")
        } else {
            text
        };
        inner.noted.insert(text.clone());
        let now = inner.clock.now(wall());
        inner.journal.write(now, JournalRecord::Note { text });
    }

    /// Puts on record why a signature did not verify.
    pub fn record_flaw(&self, text: &str) {
        let text = text.chars().take(FLAW_CHARS_MAX).collect();
        let mut inner = self.lock();
        let now = inner.clock.now(wall());
        inner
            .journal
            .write(now, JournalRecord::InvalidSignature { text });
    }

    /// Up to `limit` journal entries numbered above `after`, and the number of the newest one.
    pub fn journal(&self, after: u64, limit: usize) -> (Vec<JournalEntry>, u64) {
        let inner = self.up_to_date();
        (inner.journal.after(after, limit), inner.journal.written())
    }

    /// Up to `limit` journal entries numbered above `after` that are wanted, and the number of the last one looked at.
    pub fn journal_where(
        &self,
        after: u64,
        limit: usize,
        wanted: impl Fn(&JournalEntry) -> bool,
    ) -> (Vec<JournalEntry>, u64) {
        let inner = self.up_to_date();
        let entries: Vec<_> = inner
            .journal
            .since(after)
            .filter(|entry| wanted(entry))
            .take(limit)
            .cloned()
            .collect();
        let looked_at = entries
            .last()
            .filter(|_| entries.len() == limit)
            .map(|entry| entry.seq);
        (entries, looked_at.unwrap_or(inner.journal.written()))
    }

    /// How many entries of these kinds the journal has forgotten.
    pub fn evicted(&self, kinds: impl Fn(EntryKind) -> bool) -> u64 {
        self.lock().journal.evicted(kinds)
    }

    /// Judges an expectation by what there is now.
    pub fn judge(&self, expectation: &Expectation) -> Verdict {
        let inner = self.up_to_date();
        judge(&inner.journal, &inner.state, expectation)
    }

    /// Judges an expectation when it is met, or when there was time enough, in wall time; at once where it says no time.
    pub async fn verify(&self, expectation: &Expectation) -> Verdict {
        let met = |world: &Self| {
            Some(world.judge(expectation))
                .filter(|verdict| verdict.status == ExpectationStatus::Met)
        };
        let within = expectation.within.unwrap_or_default();
        self.noticed_within(within, met)
            .await
            .unwrap_or_else(|| self.judge(expectation))
    }

    /// Waits until something can be found, for so long of wall time.
    pub async fn noticed_within<T>(
        &self,
        within: Millis,
        find: impl Fn(&Self) -> Option<T>,
    ) -> Option<T> {
        let looking = async {
            loop {
                let noticed = self.noticed.notified();
                tokio::pin!(noticed);
                noticed.as_mut().enable();
                if let Some(found) = find(self) {
                    return Some(found);
                }
                if self.is_closed() {
                    return None;
                }
                noticed.await;
            }
        };
        let within = Duration::from_millis(u64::try_from(within.0).unwrap_or_default());
        match tokio::time::timeout(within, looking).await {
            Ok(found) => found,
            Err(_) => find(self),
        }
    }

    /// How the FIUs have behaved.
    pub fn report(&self) -> Vec<RuleResult> {
        let inner = self.up_to_date();
        let traffic = |kind| matches!(kind, EntryKind::Call(_) | EntryKind::Webhook(_));
        grade(inner.journal.since(0), inner.journal.evicted(traffic))
    }
}
