//! The stores of a world with their bounds.

use crate::domain::naming::wire_enum;

wire_enum! {
    /// A store of a world that has a bound.
    Store {
        /// Consents that have ended. Those that ended first are removed.
        EndedConsents = "ended-consents",
        /// Entries of the journal. The oldest ones are removed.
        JournalEntries = "journal-entries",
        /// Bytes of the bodies in the journal. The oldest entries are removed.
        JournalBytes = "journal-bytes",
        /// Webhooks that are not settled. Calls are refused with 503, and timers wait.
        OpenWebhooks = "open-webhooks",
        /// Webhooks that are settled. The oldest ones are removed.
        FinishedWebhooks = "finished-webhooks",
        /// Bytes of the bodies of settled webhooks. The oldest webhooks are removed.
        FinishedWebhookBytes = "finished-webhook-bytes",
        /// Scenarios that were added to the world. One more is refused.
        Scenarios = "scenarios",
        /// Personas that were added to the world. One more is refused.
        Personas = "personas",
        /// Sets of faults. One more is refused.
        FaultSets = "fault-sets",
        /// Different notes of the journal. Further ones are not written.
        Notes = "notes",
    }
}

/// The use of a store against its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreUse {
    pub store: Store,
    pub used: usize,
    pub bound: usize,
}
