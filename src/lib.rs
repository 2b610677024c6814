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
//! The public API is [`Sandbox`] with its builder, options and errors. The other modules are public
//! for the benches only and may change at any time.

mod app;
pub mod cli;
#[doc(hidden)]
pub mod config;

#[doc(hidden)]
pub mod analytics;
#[doc(hidden)]
pub mod bankgen;
#[doc(hidden)]
pub mod crypto;
#[doc(hidden)]
pub mod domain;
#[doc(hidden)]
pub mod engine;
#[doc(hidden)]
pub mod export;
#[doc(hidden)]
pub mod files;
#[doc(hidden)]
pub mod http;
mod platform;
#[doc(hidden)]
pub mod scenario;
#[doc(hidden)]
pub mod ui;
#[doc(hidden)]
pub mod webhooks;
#[doc(hidden)]
pub mod wire;

pub use app::{Sandbox, SandboxBuilder, StartError};
pub use config::{ConfigError, Options};
pub use http::SecurityMode;
