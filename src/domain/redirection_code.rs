//! Error codes of web redirection: the outcome of a customer's visit to the AA, as the FIU reads it
//! from the browser that comes back.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A value of `errorcode` (aa-redirection-standards 1.5.0, error codes; 5 is of 1.1.0 only;
/// `docs/sources.md#web-redirection`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct RedirectionCode(u8);

impl RedirectionCode {
    pub const SUCCESS: Self = Self(0);
    pub const REJECTED: Self = Self(1);
    pub const CONSENT_NOT_AVAILABLE: Self = Self(2);
    pub const INVALID_REQUEST: Self = Self(3);
    /// The customer could not sign in.
    pub const AUTHENTICATION_FAILED: Self = Self(4);
    /// The customer has not answered yet. Version 1.5.0 does not have it.
    pub const PENDING: Self = Self(5);
    pub const SESSION_TIMEOUT: Self = Self(6);
    pub const ACCOUNT_NOT_LINKED: Self = Self(10);
    pub const UNKNOWN: Self = Self(20);

    /// Returns the code with this number, from 0 to 20.
    pub fn from_number(number: u64) -> Option<Self> {
        u8::try_from(number)
            .ok()
            .filter(|code| *code <= Self::UNKNOWN.0)
            .map(Self)
    }

    pub fn is_success(self) -> bool {
        self == Self::SUCCESS
    }
}

impl TryFrom<u64> for RedirectionCode {
    type Error = String;

    fn try_from(number: u64) -> Result<Self, String> {
        Self::from_number(number)
            .ok_or_else(|| format!("{number} is not an error code of web redirection, 0 to 20"))
    }
}

impl From<RedirectionCode> for u64 {
    fn from(code: RedirectionCode) -> Self {
        code.0.into()
    }
}

impl fmt::Display for RedirectionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl JsonSchema for RedirectionCode {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "RedirectionCode".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 0, "maximum": Self::UNKNOWN.0 })
    }
}
