//! Every way in which a call is refused, before a dialect says it in its own words.

use std::borrow::Cow;

use serde::Serialize;
use thiserror::Error;

use crate::domain::refusal::Refusal;
use crate::domain::script::TextFault;
use crate::wire::fields::quoted;
use crate::wire::rebit::error::ErrorCode;

/// Why a call was refused. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    #[error("the body is not JSON: {0}")]
    Syntax(String),
    #[error("{field} {problem}")]
    Field {
        field: Cow<'static, str>,
        problem: String,
    },
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Fields(Vec<FieldProblem>),
    #[error("ConsentDetail.Customer.id {0}")]
    CustomerAddress(String),
    #[error("ConsentDetail.Purpose.{0}")]
    Purpose(String),
    #[error("{0}")]
    Key(String),
    #[error("{0}")]
    Notifier(String),
    #[error("FIStatusNotification: {0}")]
    FiStatusNotification(String),
    /// Something named in the path, and not there.
    #[error("{0}")]
    Unknown(String),
    #[error("the path ends without a consent handle")]
    NoHandle,
    #[error("ver {} is not spoken here; use one of {known}", quoted(.ver))]
    Version { ver: String, known: String },
    #[error("Content-Type is {}; send application/json", quoted(.0))]
    ContentType(String),
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the body did not arrive: {0}")]
    BodyLost(String),
    #[error("{0}")]
    Unauthorized(String),
    /// A valid key, but not for this.
    #[error("{0}")]
    NotYours(String),
    #[error("{0}")]
    Signature(String),
    #[error("{0}")]
    Forbidden(&'static str),
    #[error("{method} {} is not a call of this sandbox; see the README's list of calls", quoted(.path))]
    NoSuchCall { method: String, path: String },
    #[error("{path} is called with {allowed}, not {method}")]
    Method {
        method: String,
        path: String,
        allowed: &'static str,
    },
    #[error(
        "{0} cannot name a world; use 1 to 64 letters, digits, dots, dashes and underscores, not dots alone"
    )]
    WorldName(String),
    #[error("{0}")]
    TooManyWorlds(String),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("{0}")]
    Conflict(String),
    /// What somebody has waited for did not come.
    #[error("{0}")]
    TooLate(String),
    /// A text in one of our formats, and everything that is wrong with it.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Text(Vec<TextFault>),
    /// Nothing is wrong: a scenario, or faults in force, want it so.
    #[error("{status} on purpose: a fault of this sandbox says so")]
    Scripted {
        status: u16,
        code: Option<ErrorCode>,
        retry_after_s: Option<i64>,
    },
    /// Nothing is wrong: the caller asked for it.
    #[error("{} was asked for, by x-mockaa-fault or x-simulate-res", .0.as_str())]
    Fault(ErrorCode),
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize)]
#[error("{field} {problem}")]
pub struct FieldProblem {
    pub field: Cow<'static, str>,
    pub problem: String,
}

impl Problem {
    /// The one field that it is about, if it is about one.
    pub fn into_field(self) -> Option<FieldProblem> {
        let (field, problem) = match self {
            Self::Field { field, problem } => (field, problem),
            Self::CustomerAddress(problem) => ("ConsentDetail.Customer.id".into(), problem),
            Self::Purpose(problem) => ("ConsentDetail.Purpose".into(), problem),
            _ => return None,
        };
        Some(FieldProblem { field, problem })
    }

    pub fn field(field: impl Into<Cow<'static, str>>, problem: impl Into<String>) -> Self {
        Self::Field {
            field: field.into(),
            problem: problem.into(),
        }
    }
}
