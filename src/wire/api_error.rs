//! Owns [`ApiError`], the reason for rejecting a call, independent of any protocol.
//!
//! Leaves status codes and bodies to the protocols: `rebit::error`, `unaport::error` and `control`
//! each map every variant. A rejected call has changed nothing.

use std::borrow::Cow;

use serde::Serialize;
use thiserror::Error;

use crate::domain::diagnostic::Diagnostic;
use crate::domain::error_code::ErrorCode;
use crate::domain::rejection::Rejection;
use crate::domain::text::{escape_line_controls, quote_value};

/// The reason for which a call was rejected. The call has changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ApiError {
    #[error("the body is not JSON: {0}")]
    InvalidJson(String),
    #[error("unknown query parameter {}; {hint}", quote_value(.name))]
    UnknownQueryParameter { name: String, hint: String },
    #[error("{field} {message}")]
    InvalidField {
        field: Cow<'static, str>,
        message: String,
    },
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    InvalidFields(Vec<FieldError>),
    #[error("ConsentDetail.Customer.id {0}")]
    InvalidCustomerAddress(String),
    #[error("ConsentDetail.Purpose.{0}")]
    InvalidPurpose(String),
    /// A request outside fair use (`docs/sources.md#fair-use`).
    #[error("{field} {message}")]
    FairUse {
        field: &'static str,
        message: String,
    },
    #[error("{0}")]
    InvalidKey(String),
    #[error("{0}")]
    InvalidNotifier(String),
    #[error("FIStatusNotification: {0}")]
    InvalidFiStatusNotification(String),
    /// A resource named in the path that does not exist.
    #[error("{0}")]
    NotFound(String),
    #[error("the path ends without a consent handle")]
    MissingHandle,
    #[error("ver {} is not supported; use one of {supported}", quote_value(.ver))]
    UnsupportedVersion { ver: String, supported: String },
    #[error("Content-Type is {}; send application/json", quote_value(.0))]
    UnsupportedContentType(String),
    #[error("the body is larger than {0} bytes")]
    BodyTooLarge(usize),
    #[error("failed to read the body: {0}")]
    BodyReadFailed(String),
    #[error("{0}")]
    Unauthorized(String),
    /// A valid key of a participant that may not make this call.
    #[error("{0}")]
    NotPermitted(String),
    #[error("{0}")]
    InvalidSignature(String),
    #[error("{0}")]
    Forbidden(Cow<'static, str>),
    #[error(
        "unknown call {method} {}; {}/docs of this sandbox lists the calls",
        quote_value(.path),
        .explanation.as_ref().map(|text| format!("{text} ")).unwrap_or_default()
    )]
    UnknownRoute {
        method: String,
        path: String,
        /// The end of the message: the probable mistake in the path.
        explanation: Option<String>,
    },
    /// A CONNECT, which a client sends to a proxy.
    #[error(
        "this sandbox is no proxy; unset HTTPS_PROXY and HTTP_PROXY of your client, or name the host in NO_PROXY"
    )]
    NoProxy,
    /// A call that clients make although no document has it.
    #[error("unknown call {method} {}; no document has it, use {instead}", quote_value(.path))]
    UndocumentedRoute {
        method: String,
        path: String,
        instead: &'static str,
    },
    #[error("method {method} is not allowed for {path}; use {allowed}")]
    MethodNotAllowed {
        method: String,
        path: String,
        allowed: String,
    },
    #[error(
        "{0} is not a valid world name; use 1 to 64 letters, digits, dots, dashes and underscores, not dots alone"
    )]
    InvalidWorldName(String),
    #[error("{0}")]
    /// The sandbox has as much of something as it keeps.
    LimitReached(String),
    #[error(transparent)]
    Rejected(#[from] Rejection),
    #[error("{0}")]
    Conflict(String),
    /// A wait that ended before its condition was met.
    #[error("{0}")]
    Timeout(String),
    /// A document in one of the sandbox's own formats, with all of its errors.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    InvalidDocument(Vec<Diagnostic>),
    /// A status injected by a scenario or an active fault; the call itself is valid.
    #[error("status {status} was injected by a fault of this sandbox")]
    InjectedStatus {
        status: u16,
        code: Option<ErrorCode>,
        retry_after_s: Option<i64>,
    },
    /// An error that the caller requested; the call itself is valid.
    #[error("{} was requested by x-mockaa-fault or x-simulate-res", .0.as_str())]
    SimulatedError(ErrorCode),
}

/// An error in one field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize)]
#[error("{field} {message}")]
pub struct FieldError {
    pub field: Cow<'static, str>,
    pub message: String,
}

impl ApiError {
    /// Returns the message for people, with the control characters that the caller sent escaped.
    pub fn message(&self) -> String {
        escape_line_controls(&self.to_string()).into_owned()
    }

    /// Returns the error of a single field, or `None` if the error is not about one.
    pub fn into_field_error(self) -> Option<FieldError> {
        let (field, message) = match self {
            Self::InvalidField { field, message } => (field, message),
            Self::FairUse { field, message } => (field.into(), message),
            Self::InvalidCustomerAddress(message) => ("ConsentDetail.Customer.id".into(), message),
            Self::InvalidPurpose(message) => ("ConsentDetail.Purpose".into(), message),
            _ => return None,
        };
        Some(FieldError { field, message })
    }

    /// Returns an [`ApiError::InvalidField`]; `message` continues a sentence that begins with the
    /// field's name.
    pub fn invalid_field(field: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::InvalidField {
            field: field.into(),
            message: message.into(),
        }
    }
}
