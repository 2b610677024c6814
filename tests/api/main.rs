//! The public surface, over real HTTP, with a real receiving FIU. Time is moved, never waited for.

mod actors;
mod bad_input;
mod control;
mod determinism;
mod helpers;
mod inbox;
mod oracle;
mod page;
mod rebit;
mod scenarios;
mod security;
mod seed;
mod specification;
mod webhooks;
mod worlds;
