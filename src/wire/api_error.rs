//! Every way in which a call is refused, before a dialect says it in its own words.

use std::borrow::Cow;

use serde::Serialize;
use thiserror::Error;

use crate::domain::diagnostic::Diagnostic;
use crate::domain::rejection::Rejection;
use crate::wire::fields::quote_value;
use crate::wire::rebit::error::ErrorCode;

/// Why a call was refused. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ApiError {
    #[error("the body is not JSON: {0}")]
    InvalidJson(String),
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
    #[error("{0}")]
    InvalidKey(String),
    #[error("{0}")]
    InvalidNotifier(String),
    #[error("FIStatusNotification: {0}")]
    InvalidFiStatusNotification(String),
    /// Something named in the path, and not there.
    #[error("{0}")]
    NotFound(String),
    #[error("the path ends without a consent handle")]
    MissingHandle,
    #[error("ver {} is not spoken here; use one of {supported}", quote_value(.ver))]
    UnsupportedVersion { ver: String, supported: String },
    #[error("Content-Type is {}; send application/json", quote_value(.0))]
    UnsupportedContentType(String),
    #[error("the body is larger than {0} bytes")]
    BodyTooLarge(usize),
    #[error("the body did not arrive: {0}")]
    BodyReadFailed(String),
    #[error("{0}")]
    Unauthorized(String),
    /// A valid key, but not for this.
    #[error("{0}")]
    NotPermitted(String),
    #[error("{0}")]
    InvalidSignature(String),
    #[error("{0}")]
    Forbidden(&'static str),
    #[error("{method} {} is not a call of this sandbox; see the README's list of calls", quote_value(.path))]
    UnknownRoute { method: String, path: String },
    #[error("{path} is called with {allowed}, not {method}")]
    MethodNotAllowed {
        method: String,
        path: String,
        allowed: &'static str,
    },
    #[error(
        "{0} cannot name a world; use 1 to 64 letters, digits, dots, dashes and underscores, not dots alone"
    )]
    InvalidWorldName(String),
    #[error("{0}")]
    TooManyWorlds(String),
    #[error(transparent)]
    Rejected(#[from] Rejection),
    #[error("{0}")]
    Conflict(String),
    /// What somebody has waited for did not come.
    #[error("{0}")]
    Timeout(String),
    /// A text in one of our formats, and everything that is wrong with it.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    InvalidDocument(Vec<Diagnostic>),
    /// Nothing is wrong: a scenario, or faults in force, want it so.
    #[error("{status} on purpose: a fault of this sandbox says so")]
    InjectedStatus {
        status: u16,
        code: Option<ErrorCode>,
        retry_after_s: Option<i64>,
    },
    /// Nothing is wrong: the caller asked for it.
    #[error("{} was asked for, by x-mockaa-fault or x-simulate-res", .0.as_str())]
    SimulatedError(ErrorCode),
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize)]
#[error("{field} {message}")]
pub struct FieldError {
    pub field: Cow<'static, str>,
    #[serde(rename = "problem")]
    pub message: String,
}

impl ApiError {
    /// The one field that it is about, if it is about one.
    pub fn into_field_error(self) -> Option<FieldError> {
        let (field, message) = match self {
            Self::InvalidField {
                field,
                message: problem,
            } => (field, problem),
            Self::InvalidCustomerAddress(message) => ("ConsentDetail.Customer.id".into(), message),
            Self::InvalidPurpose(message) => ("ConsentDetail.Purpose".into(), message),
            _ => return None,
        };
        Some(FieldError { field, message })
    }

    pub fn invalid_field(field: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::InvalidField {
            field: field.into(),
            message: message.into(),
        }
    }
}
