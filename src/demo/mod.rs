//! `mockaa demo --web`: a fictitious lender, which uses a sandbox as any FIU does. It is a server of its own and
//! calls the sandbox over HTTP. Each visitor has a world, `demo-CODE`.

mod api;
mod bank_data;
mod calls;
mod consent;
mod forward;
mod offer;
mod pages;
mod present;
mod rebit;
mod server;
mod unaport;
mod variation;
mod visitor;

pub(crate) use self::server::{LenderListener, LenderServer, VISIT_TTL};

/// The id of the lender in the sandbox (`fixtures/demo.toml`).
const FIU_ID: &str = "MARIGOLD-FIU";

/// The participants of the demo, as a `mockaa.toml`.
pub(crate) const PARTICIPANTS: &str = include_str!("../../fixtures/demo.toml");
