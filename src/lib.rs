//! A local stand-in for an Indian Account Aggregator: consents that really change state, signed webhooks that reach
//! your laptop, and generated bank data, offline and reproducible.
//!
//! Most people run the binary, `mockaa serve`. A Rust test starts a sandbox of its own:
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
//! What is public here for others is [`Sandbox`] and what it needs; the other modules are public for the benches and
//! may change at any time.

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
pub mod http;
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
