//! A local stand-in for an Indian Account Aggregator: consents that change state, signed webhooks,
//! and generated bank data, offline and reproducible.
//!
//! Most users run the binary, `mockaa serve`. A Rust test starts its own sandbox:
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let sandbox = mockaa::Sandbox::builder().seed(42).clock("2020-07-04T06:00:00Z").start().await?;
//! println!("point your FIU's AA base URL at {}", sandbox.base_url());
//! # sandbox.stop().await;
//! # Ok::<(), mockaa::StartError>(())
//! # }).unwrap();
//! ```
//!
//! The public API is [`Sandbox`] with its builder, options and errors, [`SandboxWorld`] for the world of a
//! test, and [`cli::run`]. The feature
//! `internals` is for the tests and benches of this package and may change at any time.

#![warn(unreachable_pub)]
// Tests and benches reach some items that nothing else does; their documentation is for developers.
#![cfg_attr(not(feature = "internals"), allow(unreachable_pub, dead_code))]
#![cfg_attr(
    feature = "internals",
    allow(clippy::missing_errors_doc, clippy::missing_panics_doc)
)]

mod app;
pub mod cli;
mod config;

mod analytics;
mod bankgen;
mod crypto;
mod demo;
mod domain;
mod engine;
mod export;
mod files;
mod fiu;
mod http;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals;
mod platform;
mod scenario;
mod statement_files;
mod testing;
mod ui;
mod webhooks;
mod wire;

pub use app::{Sandbox, SandboxBuilder, StartError};
pub use config::{ConfigError, Options};
pub use domain::fair_use::FairUseMode;
pub use domain::retry_policy::RetryPolicy;
pub use domain::time_source::{TimeSettings, TimeSource};
pub use http::SecurityMode;
pub use testing::{SandboxWorld, TestError, Webhook, WorldInbox, WorldReport};
