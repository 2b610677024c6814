//! Server-sent events (WHATWG HTML, section 9.2): what happens in a world, while it happens.
//!
//! A reader is a place in the journal, not a queue: a slow one reads later, and learns how many entries
//! the journal has forgotten in between.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::web::{Bytes, Data};
use futures_util::stream::{Stream, unfold};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::domain::overview::OverviewMark;
use crate::domain::time::Millis;
use crate::engine::clock::system_now;
use crate::engine::journal::ReadScope;
use crate::engine::world::World;
use crate::http::AppState;
use crate::wire::control::events::{
    EndReason, EventPlace, write_end, write_entry, write_gap, write_reset, write_world,
};
use crate::wire::control::journal::JournalFilter;
use crate::wire::control::world::WorldSummary;

/// The largest number of streams of a sandbox. A browser opens one for each page that is seen.
pub(crate) const STREAMS_MAX: usize = 64;

/// The size from which on a piece is sent before more entries are read.
const PIECE_BYTES: usize = 64 * 1024;

/// The entries that are read at once.
const ENTRIES_MAX: usize = 100;

/// Time between two looks at the world, which also find what is written without a signal.
const TICK: Duration = Duration::from_secs(1);

/// Ticks between two comments, without which it is not seen that an idle reader has left.
const TICKS_BETWEEN_COMMENTS: u32 = 10;

/// Longest wait for an entry; ticks come in between.
const ENTRY_WAIT: Millis = Millis::from_secs(60 * 60);

/// The delay before a browser connects again, in milliseconds. It also sends the head at once.
const BEGINNING: &str = "retry: 2000\n\n";

/// An event that tells nothing.
const COMMENT: &str = ":\n\n";

/// The number of open streams of a sandbox.
#[derive(Debug, Default)]
pub(crate) struct StreamCount(Arc<AtomicUsize>);

/// One of the [`STREAMS_MAX`] streams. It is given back when the stream is dropped.
#[derive(Debug)]
pub(crate) struct StreamSlot(Arc<AtomicUsize>);

impl StreamCount {
    /// Takes a slot; `None` if all are taken.
    pub(crate) fn take_slot(&self) -> Option<StreamSlot> {
        self.0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| {
                (count < STREAMS_MAX).then_some(count + 1)
            })
            .ok()
            .map(|_| StreamSlot(Arc::clone(&self.0)))
    }
}

impl Drop for StreamSlot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The body of a response that goes on until the caller or the sandbox ends it.
pub(crate) struct EventStream(Pin<Box<dyn Stream<Item = Result<Bytes, Infallible>> + Send>>);

impl EventStream {
    /// Returns the events of a world after a place, or from now on without one, until the session ends that
    /// the caller has.
    pub(crate) fn new(
        app_state: Data<AppState>,
        world: Arc<World>,
        filter: JournalFilter,
        after: Option<EventPlace>,
        slot: StreamSlot,
        session: Option<String>,
    ) -> Self {
        let reader = Reader {
            session,
            ..Reader::new(app_state, world, filter, after, slot)
        };
        let pieces = unfold(Some(reader), |reader| async {
            let mut reader = reader?;
            let text = reader.read_piece().await;
            let reader = (!reader.has_ended).then_some(reader);
            Some((Ok(Bytes::from(text)), reader))
        });
        Self(Box::pin(pieces))
    }

    pub(crate) fn into_pieces(self) -> impl Stream<Item = Result<Bytes, Infallible>> + 'static {
        self.0
    }
}

impl std::fmt::Debug for EventStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EventStream")
    }
}

/// A reader of the journal of a world, and of the world that follows it after a reset.
struct Reader {
    app_state: Data<AppState>,
    world: Arc<World>,
    filter: JournalFilter,
    /// The entries that the filter can judge.
    scope: ReadScope,
    /// The number of the last entry that was read.
    after: u64,
    /// The text that is sent first.
    beginning: String,
    /// The last summary of the world, with the mark of its overview.
    summary: Option<(OverviewMark, WorldSummary)>,
    ticks: Interval,
    ticks_without_text: u32,
    has_ended: bool,
    /// The session of the operator whose browser reads, with which the stream ends.
    session: Option<String>,
    _slot: StreamSlot,
}

impl Reader {
    fn new(
        app_state: Data<AppState>,
        world: Arc<World>,
        filter: JournalFilter,
        place: Option<EventPlace>,
        slot: StreamSlot,
    ) -> Self {
        let mut beginning = BEGINNING.to_owned();
        let life = world.life();
        let after = match place {
            None => world.last_journal_seq(ReadScope::Written),
            Some(place) if place.life == life => place.seq,
            Some(_) => {
                write_reset(&mut beginning, life);
                0
            }
        };
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let scope = if filter.needs_consent() {
            ReadScope::Settled
        } else {
            ReadScope::Written
        };
        Self {
            app_state,
            world,
            filter,
            scope,
            after,
            beginning,
            summary: None,
            ticks,
            ticks_without_text: 0,
            has_ended: false,
            session: None,
            _slot: slot,
        }
    }

    /// Waits for something to tell, and returns it.
    async fn read_piece(&mut self) -> String {
        let mut text = std::mem::take(&mut self.beginning);
        loop {
            if self.world.is_draining() {
                return self.end(text, EndReason::Shutdown);
            }
            if self.world.is_closed() && !self.follow_reset(&mut text) {
                return self.end(text, EndReason::WorldDeleted);
            }
            if self.has_session_ended() {
                return self.end(text, EndReason::SessionEnded);
            }
            self.read_entries(&mut text);
            if !text.is_empty() {
                self.ticks_without_text = 0;
                return text;
            }
            let (after, scope) = (self.after, self.scope);
            let has_news = |world: &World| {
                let has_entries = world.last_journal_seq(scope) > after;
                (has_entries || world.is_draining()).then_some(())
            };
            let is_tick = tokio::select! {
                _ = self.ticks.tick() => true,
                _ = self.world.wait_to_find(ENTRY_WAIT, has_news) => false,
            };
            if is_tick {
                self.tell_summary(&mut text);
                self.ticks_without_text += 1;
                if text.is_empty() && self.ticks_without_text >= TICKS_BETWEEN_COMMENTS {
                    text.push_str(COMMENT);
                }
            }
        }
    }

    fn has_session_ended(&self) -> bool {
        let sessions = &self.app_state.operator_sessions;
        let session = self.session.as_deref();
        session.is_some_and(|id| !sessions.is_open(id, system_now()))
    }

    fn end(&mut self, mut text: String, reason: EndReason) -> String {
        write_end(&mut text, reason);
        self.has_ended = true;
        text
    }

    /// Goes on with the world that has taken the place of a closed one; returns whether there is one.
    fn follow_reset(&mut self, text: &mut String) -> bool {
        let Some(world) = self.app_state.worlds.find_world(self.world.name()) else {
            return false;
        };
        write_reset(text, world.life());
        self.world = world;
        self.after = 0;
        self.summary = None;
        true
    }

    /// Writes the entries that match, until they fill a piece or there are no more.
    fn read_entries(&mut self, text: &mut String) {
        let life = self.world.life();
        loop {
            let filter = &self.filter;
            let (after, scope) = (self.after, self.scope);
            let part = self.world.journal_part(after, ENTRIES_MAX, scope, |entry| {
                filter.matches_entry(entry)
            });
            if part.lost > 0 {
                write_gap(text, life, part.lost, self.after + part.lost);
            }
            for entry in &part.entries {
                write_entry(text, life, entry);
            }
            self.after = part.last_examined;
            if part.entries.len() < ENTRIES_MAX || text.len() >= PIECE_BYTES {
                return;
            }
        }
    }

    /// Writes the summary of the world, if it has changed. The time of a running clock always does.
    fn tell_summary(&mut self, text: &mut String) {
        // A world that is watched is in use.
        self.world.mark_used();
        let mark = self.world.catch_up().overview_mark();
        if self
            .summary
            .as_ref()
            .is_some_and(|(known, _)| *known == mark)
        {
            return;
        }
        let summary = WorldSummary::from(self.world.catch_up().overview());
        let known = self.summary.as_ref().map(|(_, known)| known);
        if !known.is_some_and(|known| known.is_same_but_for_running_time(&summary)) {
            // The place is that of this stream: entries after it are still to come.
            write_world(text, self.world.life(), self.after, &summary);
        }
        self.summary = Some((mark, summary));
    }
}
