//! Owns the messages of the ReBIT Account Aggregator API, all versions. Leaves routes to
//! `http::rebit`.
//!
//! Each request schema is one struct that reads every field as optional; [`Request::into_content`]
//! then validates it field by field. Differences between versions come from [`RebitVersion`].

pub(crate) mod consent;
pub(crate) mod error;
pub(crate) mod fi;
pub(crate) mod key_material;
pub(crate) mod notification;

use serde::Serialize;

use crate::domain::time::Timestamp;
use crate::domain::version::{MajorVersion, RebitVersion};
use crate::wire::api_error::ApiError;
use crate::wire::fields::{IsoTimestamp, require_text, require_timestamp, require_uuid};

/// The first three fields of every request.
#[derive(Clone, Debug)]
pub struct Head {
    pub ver: RebitVersion,
    pub timestamp: Timestamp,
    pub txnid: String,
}

/// The versions that a call exists in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum VersionSupport {
    Both,
    /// Calls that are GETs in 1.1.x.
    GenerationTwo,
}

impl VersionSupport {
    fn supports_version(self, version: RebitVersion) -> bool {
        self == Self::Both || version.major_version() == MajorVersion::V2
    }
}

/// Validates the first three fields of a request.
fn parse_head(
    support: VersionSupport,
    ver: Option<String>,
    timestamp: Option<String>,
    txnid: Option<String>,
) -> Result<Head, ApiError> {
    let ver = require_text("ver", ver)?;
    let version = RebitVersion::parse(&ver)
        .filter(|version| support.supports_version(*version))
        .ok_or_else(|| {
            let supported: Vec<_> = RebitVersion::ALL
                .iter()
                .filter(|version| support.supports_version(**version))
                .map(|version| version.as_str())
                .collect();
            ApiError::UnsupportedVersion {
                ver,
                supported: supported.join(", "),
            }
        })?;
    Ok(Head {
        ver: version,
        timestamp: require_timestamp("timestamp", timestamp)?,
        txnid: require_uuid("txnid", txnid)?,
    })
}

/// A request that can be validated. The head comes first, because the rest of the schema depends on
/// the version.
pub(crate) trait Request: Sized {
    /// The validated request without its head.
    type Content;

    /// Takes and validates the first three fields.
    ///
    /// # Errors
    /// The first error, which names its field.
    fn take_head(&mut self) -> Result<Head, ApiError>;

    /// Validates the other fields, first the schema, then the business rules that need no state.
    /// `aa_handle` is the part of the AA's customer addresses after the `@`.
    ///
    /// # Errors
    /// The first error, which names its field.
    fn into_content(self, head: &Head, aa_handle: &str) -> Result<Self::Content, ApiError>;
}

/// The first three fields of every response.
#[derive(Debug, Serialize)]
struct ResponseHead<'a> {
    ver: &'static str,
    timestamp: IsoTimestamp,
    txnid: &'a str,
}

/// The version and transaction id that a response repeats, and its time.
#[derive(Clone, Copy, Debug)]
pub struct ResponseContext<'a> {
    pub ver: RebitVersion,
    pub txnid: &'a str,
    pub timestamp: Timestamp,
}

impl<'a> ResponseContext<'a> {
    /// Returns the context of the response to a request with this head.
    pub fn from_head(head: &'a Head, timestamp: Timestamp) -> Self {
        Self {
            ver: head.ver,
            txnid: &head.txnid,
            timestamp,
        }
    }

    fn response_head(&self) -> ResponseHead<'a> {
        ResponseHead {
            ver: self.ver.as_str(),
            timestamp: IsoTimestamp(self.timestamp),
            txnid: self.txnid,
        }
    }
}

/// The response of `GET /Heartbeat`, which has no `txnid` (ReBIT AA API 2.0.0,
/// `HeartbeatResponse`).
#[derive(Debug, Serialize)]
pub(crate) struct Heartbeat {
    ver: &'static str,
    timestamp: IsoTimestamp,
    #[serde(rename = "Status")]
    status: &'static str,
}

impl Heartbeat {
    /// Returns the response of an AA that is up. The request has no version, so the response is of
    /// 2.0.0 (`docs/architecture.md#apis`).
    pub(crate) fn with_status_up(timestamp: Timestamp) -> Self {
        Self {
            ver: RebitVersion::V2_0_0.as_str(),
            timestamp: IsoTimestamp(timestamp),
            status: "UP",
        }
    }
}
