//! Request and response bodies of the Unaport FIU API v2.0.0, and of the older version 1.7 of the
//! recorded collection (`docs/sources.md#unaport-bodies`).
//!
//! Routes, authentication and webhook delivery are elsewhere; the domain types carry no wire names.
//!
//! Quirk: one field has several spellings, each kept where the service has it: `txnid` and `txnId`,
//! `ver` and `version`, `Data` and `data`, `ConsentHandle` and `consentHandle`.

pub(crate) mod auth;
pub(crate) mod consent;
pub(crate) mod data;
pub(crate) mod error;
pub(crate) mod field_rules;
pub(crate) mod notification;
pub(crate) mod organisation;
pub(crate) mod template;

use serde::Serialize;

use crate::domain::time::Timestamp;
use crate::wire::fields::IsoTimestamp;

/// The API version in messages, as `ver` or `version`.
pub(crate) const VERSION: &str = "2.0.0";

/// The leading fields of v2.0.0 answers; answers of 1.7 have none of them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Envelope {
    version: &'static str,
    txn_id: String,
    timestamp: IsoTimestamp,
}

impl Envelope {
    pub(crate) fn new(txn_id: String, now: Timestamp) -> Self {
        Self {
            version: VERSION,
            txn_id,
            timestamp: IsoTimestamp(now),
        }
    }
}

/// Returns a timestamp in the format of records and stored notifications.
///
/// Quirk: they have `+00:00` where requests and webhooks have `Z`.
pub(crate) fn format_with_offset(at: Timestamp) -> String {
    let text = at.to_iso();
    format!("{}+00:00", text.as_str().trim_end_matches('Z'))
}
