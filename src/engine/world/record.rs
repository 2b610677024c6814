//! What a world has on record, and what can be said by it.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::contract_report::RuleResult;
use crate::domain::expectation::{Expectation, ExpectationStatus, Verdict};
use crate::domain::journal_entry::{CallRecord, EntryKind, JournalEntry, JournalRecord};
use crate::domain::time::Millis;
use crate::engine::clock::system_now;
use crate::engine::report::grade_run;
use crate::engine::verify::evaluate_expectation;
use crate::engine::world::World;

/// Different remarks kept per world, and how long one may be: they quote what callers sent.
const NOTES_MAX: usize = 1_000;
const NOTE_CHARS_MAX: usize = 300;

/// How long the explanation of a bad signature may be: it quotes the sender's header and body.
const SIGNATURE_ERROR_CHARS_MAX: usize = 4_000;

impl World {
    /// Puts a call and its answer on record.
    pub fn record_call(&self, call: CallRecord) {
        let mut inner = self.lock();
        let now = inner.clock.now(system_now());
        inner
            .journal
            .append_entry(now, JournalRecord::Call(Arc::new(call)));
        drop(inner);
        self.journal_appended.notify_waiters();
    }

    /// Puts on record that somebody has done something to the world.
    pub fn write_note(&self, text: String) {
        let mut inner = self.lock();
        let now = inner.clock.now(system_now());
        inner
            .journal
            .append_entry(now, JournalRecord::Note { text });
    }

    /// Puts a remark for people on record, once: a remark that every request earns would push all else out.
    pub fn write_note_once(&self, text: &str) {
        let text: String = text.chars().take(NOTE_CHARS_MAX).collect();
        let mut inner = self.lock();
        if inner.seen_notes.contains(&text) || inner.seen_notes.len() > NOTES_MAX {
            return;
        }
        let is_full = inner.seen_notes.len() == NOTES_MAX;
        let text = if is_full {
            format!("{NOTES_MAX} different notes were written; further ones are not kept")
        } else {
            text
        };
        inner.seen_notes.insert(text.clone());
        let now = inner.clock.now(system_now());
        inner
            .journal
            .append_entry(now, JournalRecord::Note { text });
    }

    /// Puts on record why a signature did not verify.
    pub fn record_signature_error(&self, text: &str) {
        let text = text.chars().take(SIGNATURE_ERROR_CHARS_MAX).collect();
        let mut inner = self.lock();
        let now = inner.clock.now(system_now());
        inner
            .journal
            .append_entry(now, JournalRecord::InvalidSignature { text });
    }

    /// Up to `limit` journal entries numbered above `after`, and the number of the newest one.
    pub fn journal_after(&self, after: u64, limit: usize) -> (Vec<JournalEntry>, u64) {
        let inner = self.lock_caught_up();
        (
            inner.journal.entries_after(after, limit),
            inner.journal.last_seq(),
        )
    }

    /// Up to `limit` journal entries numbered above `after` that are wanted, and the number of the last one looked at.
    pub fn journal_matching(
        &self,
        after: u64,
        limit: usize,
        is_wanted: impl Fn(&JournalEntry) -> bool,
    ) -> (Vec<JournalEntry>, u64) {
        let inner = self.lock_caught_up();
        let entries: Vec<_> = inner
            .journal
            .iter_after(after)
            .filter(|entry| is_wanted(entry))
            .take(limit)
            .cloned()
            .collect();
        let last_examined = entries
            .last()
            .filter(|_| entries.len() == limit)
            .map(|entry| entry.seq);
        (entries, last_examined.unwrap_or(inner.journal.last_seq()))
    }

    /// How many entries of these kinds the journal has forgotten.
    pub fn count_evicted(&self, matches_kind: impl Fn(EntryKind) -> bool) -> u64 {
        self.lock().journal.count_evicted(matches_kind)
    }

    /// Judges an expectation by what there is now.
    pub fn evaluate_expectation(&self, expectation: &Expectation) -> Verdict {
        let inner = self.lock_caught_up();
        evaluate_expectation(&inner.journal, &inner.state, expectation)
    }

    /// Judges an expectation when it is met, or when there was time enough, in wall time; at once where it says no time.
    pub async fn await_expectation(&self, expectation: &Expectation) -> Verdict {
        let find_met = |world: &Self| {
            Some(world.evaluate_expectation(expectation))
                .filter(|verdict| verdict.status == ExpectationStatus::Met)
        };
        let timeout = expectation.within.unwrap_or_default();
        self.wait_to_find(timeout, find_met)
            .await
            .unwrap_or_else(|| self.evaluate_expectation(expectation))
    }

    /// Waits until something can be found, for so long of wall time.
    pub async fn wait_to_find<T>(
        &self,
        timeout: Millis,
        find: impl Fn(&Self) -> Option<T>,
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
        match tokio::time::timeout(timeout, search).await {
            Ok(found) => found,
            Err(_) => find(self),
        }
    }

    /// How the FIUs have behaved.
    pub fn grade_contract(&self) -> Vec<RuleResult> {
        let inner = self.lock_caught_up();
        let is_traffic = |kind| matches!(kind, EntryKind::Call(_) | EntryKind::Webhook(_));
        grade_run(
            inner.journal.iter_after(0),
            inner.journal.count_evicted(is_traffic),
        )
    }
}
