//! ReBIT Account Aggregator messages, all versions. Each schema has one place: a struct that reads what may come, and a
//! `check` that says field by field what must. What differs between versions is asked of [`Version`].

pub mod consent;
pub mod error;
pub mod fi;
pub mod key_material;
pub mod notification;

use serde::Serialize;

use crate::domain::time::Timestamp;
use crate::domain::version::{MajorVersion, RebitVersion};
use crate::wire::api_error::ApiError;
use crate::wire::fields::{IsoTimestamp, require_text, require_timestamp, require_uuid};

/// What every request begins with.
#[derive(Clone, Debug)]
pub struct Head {
    pub ver: RebitVersion,
    pub timestamp: Timestamp,
    pub txnid: String,
}

/// Which versions a call is spoken in.
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

/// The three fields that stand first in every request.
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

/// A request whose schema can be checked: the head first, since a message of another version or time is none to look
/// into.
pub trait Request: Sized {
    /// What it turns into beside its head.
    type Content;

    /// Takes and checks the three first fields.
    ///
    /// # Errors
    /// The first [`Problem`], its field named.
    fn take_head(&mut self) -> Result<Head, ApiError>;

    /// Checks everything else that needs no knowledge but the AA's handle (what follows the `@` of its addresses):
    /// schema, then rules of business.
    ///
    /// # Errors
    /// The first [`Problem`], its field named.
    fn into_content(self, head: &Head, aa_handle: &str) -> Result<Self::Content, ApiError>;
}

/// What every answer begins with.
#[derive(Debug, Serialize)]
struct ResponseHead<'a> {
    ver: &'static str,
    timestamp: IsoTimestamp,
    txnid: &'a str,
}

/// Whom an answer answers: version and transaction of the request, and when.
#[derive(Clone, Copy, Debug)]
pub struct ResponseContext<'a> {
    pub ver: RebitVersion,
    pub txnid: &'a str,
    pub timestamp: Timestamp,
}

impl<'a> ResponseContext<'a> {
    /// The answer to a request with this head.
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

/// `GET /Heartbeat` (ReBIT AA API 2.0.0, `HeartbeatResponse`): it has no `txnid`.
#[derive(Debug, Serialize)]
pub struct Heartbeat {
    ver: &'static str,
    timestamp: IsoTimestamp,
    #[serde(rename = "Status")]
    status: &'static str,
}

impl Heartbeat {
    /// An AA that answers is up. A heartbeat has no version of its own and is told in 2.0.0 (DESIGN §1).
    pub fn with_status_up(timestamp: Timestamp) -> Self {
        Self {
            ver: RebitVersion::V2_0_0.as_str(),
            timestamp: IsoTimestamp(timestamp),
            status: "UP",
        }
    }
}
