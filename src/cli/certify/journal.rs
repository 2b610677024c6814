//! Reads and waits for what happens in the world of a certification run.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::ids::ConsentHandle;
use crate::domain::journal_entry::{JournalEntry, JournalRecord};
use crate::domain::listing::{Cursor, ListPart};
use crate::domain::notification::NotificationKind;
use crate::domain::operation::Operation;
use crate::domain::time::Millis;
use crate::engine::world::World;

/// Longest wait for the answer to one webhook: somewhat more than the FIU has for it.
const WEBHOOK_WAIT: Millis = Millis::from_secs(16);

pub(super) fn to_duration(time: Millis) -> Duration {
    Duration::from_millis(u64::try_from(time.0).unwrap_or_default())
}

pub(super) fn last_seq(world: &World) -> u64 {
    world.catch_up().journal_after(u64::MAX, 0).1
}

/// Returns the entries after one for which `is_wanted` holds, the oldest first.
pub(super) fn entries_after(
    world: &World,
    after: u64,
    is_wanted: impl Fn(&JournalEntry) -> bool,
) -> Vec<JournalEntry> {
    let part = ListPart {
        cursor: Cursor::After(after),
        limit: usize::MAX,
    };
    world.catch_up().journal_matching(part, is_wanted).0
}

/// Returns the first entry after one for which `is_wanted` holds.
pub(super) fn find_entry(
    world: &World,
    after: u64,
    is_wanted: impl Fn(&JournalEntry) -> bool,
) -> Option<JournalEntry> {
    let part = ListPart {
        cursor: Cursor::After(after),
        limit: 1,
    };
    let (entries, _) = world.catch_up().journal_matching(part, is_wanted);
    entries.into_iter().next()
}

/// Returns whether an entry is a call about a consent.
pub(super) fn is_call(entry: &JournalEntry, op: Operation, handle: ConsentHandle) -> bool {
    matches!(&entry.record, JournalRecord::Call(call) if call.operation == op && call.handle == Some(handle))
}

/// Waits until a number of webhooks about a consent was answered. Returns `false` if they were not in
/// time.
pub(super) async fn await_webhooks(
    world: &World,
    handle: ConsentHandle,
    event: NotificationKind,
    after: u64,
    count: usize,
) -> bool {
    let is_wanted = |entry: &JournalEntry| {
        matches!(
            &entry.record,
            JournalRecord::Webhook(webhook)
                if webhook.handle == handle && webhook.attempt > 0 && webhook.event == event
        )
    };
    let timeout = Millis(WEBHOOK_WAIT.0 * i64::try_from(count.max(1)).unwrap_or(1));
    let found = world.wait_to_find(timeout, |world| {
        (entries_after(world, after, is_wanted).len() >= count).then_some(())
    });
    found.await.is_some()
}

/// Waits until no call and no webhook is in progress, and nothing has been written to the journal
/// for `silence`; for at most `patience` where the FIU keeps calling.
pub(super) async fn wait_until_silent(world: &World, silence: Millis, patience: Millis) {
    let deadline = Instant::now() + to_duration(patience);
    let mut seen = last_seq(world);
    loop {
        let news = world.wait_to_find(silence, |world| {
            Some(last_seq(world)).filter(|seq| *seq > seen)
        });
        match news.await {
            None if !world.catch_up().is_busy() => return,
            None => {}
            Some(_) if Instant::now() >= deadline => return,
            Some(seq) => seen = seq,
        }
    }
}
