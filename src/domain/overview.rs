//! The figures of a world.

use crate::domain::consent::Status;
use crate::domain::time::Timestamp;

/// A summary of a world.
#[derive(Clone, Debug)]
pub struct Overview {
    /// World time.
    pub now: Timestamp,
    /// `true` if the clock is frozen.
    pub frozen: bool,
    /// The number of consents.
    pub consents: usize,
    /// The number of consents in each status.
    pub status_counts: Vec<(Status, usize)>,
    /// The number of webhooks that are held, queued, waiting for a retry or in flight.
    pub webhooks_open: usize,
    /// The number of timers which wait for their time. Above 10,000, obsolete ones count too.
    pub timers: usize,
}

/// Numbers of which one changes whenever an overview does, apart from the time of a running clock. They
/// are cheap to read, while an overview counts all consents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverviewMark {
    /// Number of the newest entry of the journal.
    pub last_seq: u64,
    /// The number of webhooks that are not settled.
    pub webhooks_open: usize,
    /// The number of timers, with the obsolete ones.
    pub all_timers: usize,
    /// Time of a frozen clock.
    pub frozen_at: Option<Timestamp>,
}
