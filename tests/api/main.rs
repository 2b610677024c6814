//! The public surface, over real HTTP, with a real receiving FIU. Time is moved, never waited for.

mod accounts;
#[allow(
    dead_code,
    reason = "shared with the certification suite, which uses more of it"
)]
mod actors;
mod api_faults;
mod bad_input;
mod control;
mod determinism;
mod errors;
mod fi;
mod fips;
mod first_generation;
mod helpers;
mod inbox;
mod lender;
mod magic;
mod model;
mod oracle;
mod page;
mod rebit;
mod redirection;
mod registry;
mod scenarios;
mod security;
mod seed;
mod specification;
mod steering;
mod unaport;
mod verification;
mod webhook_faults;
mod webhooks;
mod wire;
mod worlds;
