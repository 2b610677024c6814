//! Error bodies and status codes. No source has an error body; this one is the default of the
//! framework that the service is built with, and some fields more (`docs/architecture.md#errors`).

use serde::Serialize;

use super::VERSION;
use crate::domain::time::Timestamp;
use crate::wire::api_error::{ApiError, FieldError};
use crate::wire::control;
use crate::wire::fields::IsoTimestamp;

/// The body of an error answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorBody<'a> {
    timestamp: IsoTimestamp,
    status: u16,
    /// The reason phrase of the status.
    error: &'a str,
    message: String,
    path: &'a str,
    txn_id: String,
    version: &'static str,
    errors: Vec<FieldError>,
}

impl<'a> ErrorBody<'a> {
    pub(crate) fn new(
        api_error: &ApiError,
        reason_phrase: &'a str,
        path: &'a str,
        txn_id: String,
        now: Timestamp,
    ) -> Self {
        let errors = match api_error.clone() {
            ApiError::InvalidFields(field_errors) => field_errors,
            other => other
                .into_field_error()
                .map(|field| vec![field])
                .unwrap_or_default(),
        };
        let message = match errors.len() {
            0 | 1 => api_error.message(),
            count => format!("{count} fields are invalid: {api_error}"),
        };
        Self {
            timestamp: IsoTimestamp(now),
            status: http_status(api_error),
            error: reason_phrase,
            message,
            path,
            txn_id,
            version: VERSION,
            errors,
        }
    }
}

/// Returns the HTTP status of an error. The published page lists 400, 401, 403 and 500.
///
/// `Assumption:` 404 is for a resource in the path that does not exist, or no longer exists; a
/// change that the consent's state does not allow is 400, since the service has no 409.
pub(crate) fn http_status(api_error: &ApiError) -> u16 {
    match api_error {
        ApiError::NotPermitted(_) => 403,
        // The status that the fair-use guidelines for AAs prescribe.
        ApiError::FairUse { .. } => 412,
        ApiError::InjectedStatus { status, .. } => *status,
        other => match control::http_status(other) {
            409 | 412 | 413 => 400,
            410 => 404,
            501 => 500,
            status => status,
        },
    }
}
