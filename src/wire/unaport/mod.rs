//! The Unaport FIU API v2.0.0: its bodies, and the older ones of the recorded collection (`reference/unaport.md`).
//!
//! Quirk: the same thing has several spellings here, each kept where the service has it: `txnid` and `txnId`, `ver` and
//! `version`, `Data` and `data`, `ConsentHandle` and `consentHandle`.

pub mod auth;
pub mod config;
pub mod consent;
pub mod data;
pub mod error;
pub mod field_rules;
pub mod notification;
pub mod organisation;
pub mod template;

use serde::Serialize;

use crate::domain::time::Timestamp;
use crate::wire::fields::IsoTimestamp;

/// The version that messages of this face carry, in either spelling.
pub const VERSION: &str = "2.0.0";

/// What answers of v2.0.0 begin with; those of 1.7 have none of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    version: &'static str,
    txn_id: String,
    timestamp: IsoTimestamp,
}

impl Envelope {
    pub fn new(txn_id: String, now: Timestamp) -> Self {
        Self {
            version: VERSION,
            txn_id,
            timestamp: IsoTimestamp(now),
        }
    }
}

/// An instant as records and stored notifications have it.
///
/// Quirk: they say `+00:00` where requests and webhooks say `Z`.
pub fn format_with_offset(at: Timestamp) -> String {
    let text = at.to_iso();
    format!("{}+00:00", text.as_str().trim_end_matches('Z'))
}
