//! `mockaa demo --web`: a fictitious lender, which uses a sandbox as any FIU does. It is a server of its own and
//! calls the sandbox over HTTP. Each visitor has a world, `demo-CODE`.

mod bank_data;
mod offer;
mod pages;
mod server;
mod unaport;
mod variation;
mod visitor;

pub(crate) use self::server::LenderServer;

/// The participants of the demo, as a `mockaa.toml`.
pub(crate) const PARTICIPANTS: &str = include_str!("../../fixtures/demo.toml");
