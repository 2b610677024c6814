//! The record of a world: notes and calls written to its journal, and verdicts and grades derived
//! from it.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::cause::Cause;
use crate::domain::expectation::{Expectation, ExpectationStatus, Verdict};
use crate::domain::journal_entry::{CallRecord, EntryKind, JournalRecord};
use crate::domain::time::Millis;
use crate::engine::clock::system_now;
use crate::engine::world::{Inner, World};

/// Maximum number of different notes of one world. Notes quote what callers sent.
const NOTES_MAX: usize = 1_000;
/// Maximum length of a note, in characters.
const NOTE_CHARS_MAX: usize = 300;

/// Maximum length of the explanation of an invalid signature, in characters; it quotes the sender's
/// header and body.
const SIGNATURE_ERROR_CHARS_MAX: usize = 4_000;

impl Inner {
    /// Writes a note to the journal, unless it stands there already.
    pub(super) fn append_note_once(&mut self, cause: Option<Arc<Cause>>, text: &str) {
        let text: String = text.chars().take(NOTE_CHARS_MAX).collect();
        if self.seen_notes.contains(&text) || self.seen_notes.len() > NOTES_MAX {
            return;
        }
        let is_full = self.seen_notes.len() == NOTES_MAX;
        let text = if is_full {
            format!("{NOTES_MAX} different notes were written; further ones are not kept")
        } else {
            text
        };
        self.seen_notes.insert(text.clone());
        self.append_note(cause, text);
    }
}

impl World {
    /// Records a call and its response. Earlier entries of the call that name no consent get its.
    pub fn record_call(&self, cause: Arc<Cause>, call: CallRecord) {
        let mut inner = self.lock();
        let now = inner.clock.now(system_now());
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
        self.lock().append_note_once(cause, text);
        self.journal_appended.notify_waiters();
    }

    /// Records the reason why a signature did not verify.
    pub fn record_signature_error(&self, cause: Option<Arc<Cause>>, text: &str) {
        let text = text.chars().take(SIGNATURE_ERROR_CHARS_MAX).collect();
        let mut inner = self.lock();
        let now = inner.clock.now(system_now());
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
            Some(world.catch_up().evaluate_expectation(expectation))
                .filter(|verdict| verdict.status == ExpectationStatus::Met)
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

    /// Waits until `find` returns a value, for at most `timeout` of system time.
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
}
