//! The parts of a world that a reset can keep.

use crate::domain::naming::wire_enum;

wire_enum! {
    /// A part of a world that tests set up.
    WorldPart {
        /// The world's own scenarios and personas, the pins of customers, and the default scenario.
        Scenarios = "scenarios",
        /// The active fault sets; their calls and webhooks are counted anew.
        Faults = "faults",
        /// FIUs and FIPs, as the control API has changed them.
        Participants = "participants",
        /// The time of the clock, whether it runs, and the clocks of messages.
        Clock = "clock",
    }
}
