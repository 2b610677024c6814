//! Worlds: the only place where state changes.
//!
//! ```text
//! Command → World::submit (one short lock) → decide → events → journal, apply, outbox, timers → Receipt
//! ```
//!
//! Readers get `Arc`s and serialise outside the lock. What a world needs from its siblings (who directs a consent,
//! which accounts a customer has) it is given as a [`ports::Director`] and a [`ports::Bank`]; it imports none of them.

pub mod advance;
pub mod clock;
mod decide;
pub mod entropy;
pub mod faults;
pub mod journal;
mod notifications;
pub mod outbox;
pub mod ports;
#[cfg(test)]
mod proptests;
pub mod report;
pub mod scenario_selection;
mod state;
mod timers;
pub mod verify;
pub mod world;
pub mod worlds;
