//! ReBIT Account Aggregator messages.

pub mod error;
pub mod v2;
