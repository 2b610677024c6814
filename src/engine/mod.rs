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

pub mod advance;
pub mod clock;
mod decide;
pub mod entropy;
pub mod faults;
pub mod journal;
mod notifications;
pub mod outbox;
#[cfg(test)]
mod proptests;
pub mod report;
pub mod sandbox_config;
pub mod scenario_selection;
mod state;
mod timers;
pub mod verify;
pub mod world;
pub mod worlds;
