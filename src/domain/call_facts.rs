//! Facts about calls and webhooks that the contract report grades. They are recorded with the call
//! or the attempt, in every security mode.

use crate::domain::consent::Api;
use crate::domain::ids::SessionId;
use crate::domain::participants::SignatureProfile;
use crate::domain::terms::TimeRange;
use crate::domain::time::{Millis, Timestamp};

/// The APIs by their sets of calls; the versions of ReBIT are one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiFamily {
    Seed,
    Rebit,
    Unaport,
}

impl From<Api> for ApiFamily {
    fn from(api: Api) -> Self {
        match api {
            Api::Seed => Self::Seed,
            Api::Rebit(_) => Self::Rebit,
            Api::Unaport => Self::Unaport,
        }
    }
}

/// The kind of program that has made a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sender {
    /// An FIU, or a caller without a key.
    #[default]
    Fiu,
    /// The key of a FIP was presented.
    Fip,
    /// The browser of a customer, with what an FIU has given to it.
    Browser,
}

/// Facts about a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallFacts {
    /// API of the route; `None` for a call of none of them.
    pub api: Option<ApiFamily>,
    /// `true` for a path that no document has, although clients call it.
    pub is_undocumented: bool,
    pub sender: Sender,
    /// `None` for a call that needs no signature, or that was rejected before the check.
    pub signature: Option<RequestSignature>,
    /// Data session that the call opens or reads.
    pub session: Option<SessionId>,
    /// `true` if the response carries data.
    pub has_data: bool,
    /// Hash of the FIU's public key and nonce.
    pub key_material: Option<u64>,
    pub range: Option<RequestedRange>,
    /// Reasons for which the FIU must not rely on the response; all of them are injected.
    pub defects: Vec<AnswerDefect>,
}

/// Facts that the text of a request shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestFacts {
    /// `None` for a request without a message head.
    pub date: Option<RequestDate>,
    pub txnid: Option<Box<str>>,
    /// Hash of what the request asks for, without its version, transaction, key material and the
    /// instants in it.
    pub content: Option<u64>,
    /// Instants in the content, in their order.
    pub instants: Vec<Timestamp>,
}

impl RequestFacts {
    /// Returns whether two requests ask for the same, with instants at most `shift` and a second
    /// apart: an FIU that counts them from its clock moves them with it.
    pub fn has_same_content(&self, other: &Self, shift: Millis) -> bool {
        let tolerance = Millis(shift.0 + 1_000);
        self.content.is_some()
            && self.content == other.content
            && self.instants.len() == other.instants.len()
            && self
                .instants
                .iter()
                .zip(&other.instants)
                .all(|(first, second)| first.is_within(tolerance, *second))
    }
}

/// Result of the check of a request's `x-jws-signature`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestSignature {
    Valid,
    Missing,
    /// The signature does not match, for this reason.
    Invalid(Box<str>),
}

/// The `timestamp` of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestDate {
    Missing,
    /// The field is not an ISO 8601 date-time.
    Unreadable(Box<str>),
    /// Distance from the nearest clock that the security mode accepts.
    Offset(Millis),
}

/// The data range of a request, and the one that the customer has granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestedRange {
    pub requested: TimeRange,
    pub granted: TimeRange,
}

impl RequestedRange {
    /// Returns whether the request stays inside the granted range.
    pub fn is_granted(&self) -> bool {
        self.granted.from <= self.requested.from && self.requested.to <= self.granted.to
    }

    /// Returns whether two requests ask for some of the same days.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.requested.from < other.requested.to && other.requested.from < self.requested.to
    }
}

/// A reason for which an FIU must not rely on a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerDefect {
    /// `x-jws-signature` does not match the body.
    InvalidSignature,
    /// The artefact is not the one that the AA has signed.
    TamperedArtefact,
    /// `timestamp` is more than [`MESSAGE_TOLERANCE`] off by every clock.
    Misdated,
    /// `txnid` is not that of the request.
    ForeignTxnid,
    /// The body breaks the schema of the response.
    Malformed,
}

/// Allowed distance between the `timestamp` of a message and the receiver's clock (Sahamati
/// certification framework, general guidelines, rule 4; `docs/sources.md#certification-cases`).
pub(crate) const MESSAGE_TOLERANCE: Millis = Millis::from_secs(15 * 60);

/// Allowed distance between `webhook-timestamp` and the receiver's clock (Standard Webhooks 1.0,
/// reference implementations).
pub(crate) const WEBHOOK_TOLERANCE: Millis = Millis::from_secs(5 * 60);

/// Facts about an attempt to send a webhook: what the FIU could read of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SentFacts {
    /// `None` if no attempt was made.
    pub profile: Option<SignatureProfile>,
    /// `txnid` of the body.
    pub txnid: Option<Box<str>>,
    /// `timestamp` of the body.
    pub timestamp: Option<Timestamp>,
    /// `webhook-timestamp`.
    pub signed_at: Option<Timestamp>,
    /// Status that the body claims, in the spelling of the message.
    pub claimed_status: Option<Box<str>>,
}

impl SentFacts {
    /// Returns whether the message is dated within the tolerance of every check that a receiver
    /// with this clock makes.
    pub fn is_timely(&self, clock: Timestamp) -> bool {
        self.timestamp
            .is_none_or(|at| at.is_within(MESSAGE_TOLERANCE, clock))
            && self
                .signed_at
                .is_none_or(|at| at.is_within(WEBHOOK_TOLERANCE, clock))
    }
}

/// Facts about an FIU's answer to a webhook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acknowledgement {
    /// `true` if the body has the field `response`.
    pub has_response: bool,
    /// Differences of the body from ReBIT's `NotificationResponse`.
    pub problems: Vec<String>,
    /// `true` if the body names the signature as the reason of a rejection.
    pub objects_to_signature: bool,
}
