//! The engine owns the worlds. It is the only place where state changes.
//!
//! ```text
//! Command → World::submit (one short lock) → decide → events
//!         → apply, timers, outbox, journal → Receipt
//! ```
//!
//! Readers get `Arc`s and serialise outside the lock. Scenarios are plain data, loaded by another
//! layer and shared as [`scenario_selection::SandboxScenarios`]; generated data is injected as
//! [`sandbox_config::SimulatedFips`].

pub(crate) mod advance;
pub(crate) mod clock;
mod decide;
pub(crate) mod entropy;
pub(crate) mod faults;
pub(crate) mod journal;
mod notifications;
pub(crate) mod outbox;
#[cfg(test)]
pub(crate) mod proptests;
pub(crate) mod reactions;
pub(crate) mod report;
pub(crate) mod sandbox_config;
pub(crate) mod scenario_selection;
mod state;
mod timers;
pub(crate) mod txnid_index;
pub(crate) mod verify;
pub(crate) mod world;
pub(crate) mod worlds;
