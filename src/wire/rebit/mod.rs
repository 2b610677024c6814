//! ReBIT Account Aggregator messages, all versions. Each schema has one place: a struct that reads what may come, and a
//! `check` that says field by field what must. What differs between versions is asked of [`Version`].

pub mod consent;
pub mod error;
pub mod fi;
pub mod key_material;
pub mod notification;

use serde::Serialize;

use crate::domain::time::Timestamp;
use crate::domain::version::{Generation, Version};
use crate::wire::fields::{Instant, instant, text, uuid};
use crate::wire::problem::Problem;

/// What every request begins with.
#[derive(Clone, Debug)]
pub struct Head {
    pub ver: Version,
    pub timestamp: Timestamp,
    pub txnid: String,
}

/// Which versions a call is spoken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spoken {
    Both,
    /// Calls that are GETs in 1.1.x.
    Two,
}

impl Spoken {
    fn knows(self, version: Version) -> bool {
        self == Self::Both || version.generation() == Generation::Two
    }
}

/// The three fields that stand first in every request.
fn head(
    spoken: Spoken,
    ver: Option<String>,
    timestamp: Option<String>,
    txnid: Option<String>,
) -> Result<Head, Problem> {
    let ver = text("ver", ver)?;
    let version = Version::parse(&ver)
        .filter(|version| spoken.knows(*version))
        .ok_or_else(|| {
            let known: Vec<_> = Version::ALL
                .iter()
                .filter(|version| spoken.knows(**version))
                .map(|version| version.as_str())
                .collect();
            Problem::Version {
                ver,
                known: known.join(", "),
            }
        })?;
    Ok(Head {
        ver: version,
        timestamp: instant("timestamp", timestamp)?,
        txnid: uuid("txnid", txnid)?,
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
    fn head(&mut self) -> Result<Head, Problem>;

    /// Checks everything else that needs no knowledge but the AA's handle (what follows the `@` of its addresses):
    /// schema, then rules of business.
    ///
    /// # Errors
    /// The first [`Problem`], its field named.
    fn content(self, head: &Head, aa_handle: &str) -> Result<Self::Content, Problem>;
}

/// What every answer begins with.
#[derive(Debug, Serialize)]
struct AnswerHead<'a> {
    ver: &'static str,
    timestamp: Instant,
    txnid: &'a str,
}

/// Whom an answer answers: version and transaction of the request, and when.
#[derive(Clone, Copy, Debug)]
pub struct Echo<'a> {
    pub ver: Version,
    pub txnid: &'a str,
    pub timestamp: Timestamp,
}

impl<'a> Echo<'a> {
    /// The answer to a request with this head.
    pub fn of(head: &'a Head, timestamp: Timestamp) -> Self {
        Self {
            ver: head.ver,
            txnid: &head.txnid,
            timestamp,
        }
    }

    fn head(&self) -> AnswerHead<'a> {
        AnswerHead {
            ver: self.ver.as_str(),
            timestamp: Instant(self.timestamp),
            txnid: self.txnid,
        }
    }
}

/// `GET /Heartbeat` (ReBIT AA API 2.0.0, `HeartbeatResponse`): it has no `txnid`.
#[derive(Debug, Serialize)]
pub struct Heartbeat {
    ver: &'static str,
    timestamp: Instant,
    #[serde(rename = "Status")]
    status: &'static str,
}

impl Heartbeat {
    /// An AA that answers is up. A heartbeat has no version of its own and is told in 2.0.0 (DESIGN §1).
    pub fn up(timestamp: Timestamp) -> Self {
        Self {
            ver: Version::V2_0_0.as_str(),
            timestamp: Instant(timestamp),
            status: "UP",
        }
    }
}
