//! An entry of a world's journal.

use crate::domain::event::Event;
use crate::domain::ids::ConsentHandle;
use crate::domain::time::Timestamp;

/// One entry.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Counts from 1 in every world.
    pub seq: u64,
    /// World time.
    pub at: Timestamp,
    pub what: What,
}

/// What it records.
#[derive(Clone, Debug)]
pub enum What {
    Event(Event),
    /// A scripted step that could not happen; the world goes on.
    StepRefused {
        handle: Option<ConsentHandle>,
        origin: String,
        reason: String,
    },
    /// A signature that did not verify: what was signed, and what would have verified.
    SignatureFlaw {
        text: String,
    },
    /// What a person should know: above all, what `--security strict` would have refused.
    Note {
        text: String,
    },
}
