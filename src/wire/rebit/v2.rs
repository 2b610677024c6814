//! ReBIT AA API 2.0.0 and 2.1.0: the consent messages.

use serde::{Deserialize, Serialize};

use crate::domain::consent::{Consent, Status, Terms};
use crate::domain::ids::{ConsentHandle, ConsentId};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::wire::consent_detail::{Asked, ConsentUse, CustomerId, Rules};
use crate::wire::fields::{Instant, instant, need, object, quoted, text, uuid};
use crate::wire::problem::Problem;

const VERSIONS: &str = "2.0.0, 2.1.0";

const RULES: Rules =
    Rules { consumer_type_required: true, numeric_filters: false, vdr_provider: false, current_timestamp: None };

pub fn is_spoken(ver: &str) -> bool {
    VERSIONS.split(", ").any(|known| known == ver)
}

/// What every request begins with.
#[derive(Clone, Debug)]
pub struct Head {
    pub ver: String,
    pub timestamp: Timestamp,
    pub txnid: String,
}

fn head(ver: Option<String>, timestamp: Option<String>, txnid: Option<String>) -> Result<Head, Problem> {
    let ver = text("ver", ver)?;
    if !is_spoken(&ver) {
        return Err(Problem::Version { ver, known: VERSIONS });
    }
    Ok(Head { ver, timestamp: instant("timestamp", timestamp)?, txnid: uuid("txnid", txnid)? })
}

/// A request whose head can be checked before the rest.
pub trait Request: Sized {
    /// What the rest turns into.
    type Content;

    /// Checks everything.
    ///
    /// # Errors
    /// The first [`Problem`], its field named.
    fn check(self, aa_handle: &str) -> Result<(Head, Self::Content), Problem>;
}

/// Body of `POST /Consent`.
#[derive(Debug, Deserialize)]
pub struct ConsentsRequest {
    ver: Option<String>,
    timestamp: Option<String>,
    txnid: Option<String>,
    #[serde(rename = "ConsentDetail", default, deserialize_with = "object")]
    consent_detail: Option<Asked>,
}

impl Request for ConsentsRequest {
    type Content = Terms;

    fn check(self, aa_handle: &str) -> Result<(Head, Terms), Problem> {
        let head = head(self.ver, self.timestamp, self.txnid)?;
        let detail = need("ConsentDetail", self.consent_detail)?;
        let terms = detail.into_terms(head.txnid.clone(), RULES, aa_handle)?;
        Ok((head, terms))
    }
}

/// Body of `POST /Consent/handle`.
#[derive(Debug, Deserialize)]
pub struct ConsentHandleRequest {
    ver: Option<String>,
    timestamp: Option<String>,
    txnid: Option<String>,
    #[serde(rename = "ConsentHandle")]
    consent_handle: Option<String>,
}

impl Request for ConsentHandleRequest {
    type Content = ConsentHandle;

    fn check(self, _: &str) -> Result<(Head, ConsentHandle), Problem> {
        let head = head(self.ver, self.timestamp, self.txnid)?;
        let handle = text("ConsentHandle", self.consent_handle)?;
        let handle = ConsentHandle::parse(&handle).ok_or_else(|| Refusal::UnknownHandle(quoted(&handle)))?;
        Ok((head, handle))
    }
}

/// Body of `POST /Consent/fetch`.
#[derive(Debug, Deserialize)]
pub struct ConsentFetchRequest {
    ver: Option<String>,
    timestamp: Option<String>,
    txnid: Option<String>,
    #[serde(rename = "consentId")]
    consent_id: Option<String>,
}

impl Request for ConsentFetchRequest {
    type Content = ConsentId;

    fn check(self, _: &str) -> Result<(Head, ConsentId), Problem> {
        let head = head(self.ver, self.timestamp, self.txnid)?;
        let id = text("consentId", self.consent_id)?;
        let id = ConsentId::parse(&id).ok_or_else(|| Refusal::UnknownConsentId(quoted(&id)))?;
        Ok((head, id))
    }
}

/// Answer of `POST /Consent`.
#[derive(Debug, Serialize)]
pub struct ConsentsResponse<'a> {
    ver: &'a str,
    timestamp: Instant,
    txnid: &'a str,
    #[serde(rename = "Customer")]
    customer: CustomerId<'a>,
    #[serde(rename = "ConsentHandle")]
    consent_handle: String,
}

impl<'a> ConsentsResponse<'a> {
    pub fn new(head: &'a Head, consent: &'a Consent, timestamp: Timestamp) -> Self {
        Self {
            ver: &head.ver,
            timestamp: Instant(timestamp),
            txnid: &head.txnid,
            customer: CustomerId { id: &consent.terms.customer },
            consent_handle: consent.handle.to_string(),
        }
    }
}

/// Answer of `POST /Consent/handle`.
#[derive(Debug, Serialize)]
pub struct ConsentHandleResponse<'a> {
    ver: &'a str,
    timestamp: Instant,
    txnid: &'a str,
    #[serde(rename = "ConsentHandle")]
    consent_handle: String,
    #[serde(rename = "ConsentStatus")]
    consent_status: HandleStatus,
}

#[derive(Debug, Serialize)]
struct HandleStatus {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    status: &'static str,
}

impl<'a> ConsentHandleResponse<'a> {
    pub fn new(head: &'a Head, consent: &Consent, timestamp: Timestamp) -> Self {
        Self {
            ver: &head.ver,
            timestamp: Instant(timestamp),
            txnid: &head.txnid,
            consent_handle: consent.handle.to_string(),
            consent_status: HandleStatus {
                id: consent.consent_id().map(|id| id.to_string()),
                status: handle_status(consent),
            },
        }
    }
}

/// The handle's status (DESIGN §2, column "ReBIT 2.x handle"): once APPROVED it stays so for ever
/// (certification cases AA_1019 to AA_1022).
fn handle_status(consent: &Consent) -> &'static str {
    match (consent.status, consent.grant.is_some()) {
        (Status::Pending, _) => "PENDING",
        (Status::Ready, _) => "READY",
        (Status::Active | Status::Paused | Status::Revoked, _) | (Status::Expired, true) => "APPROVED",
        (Status::Expired, false) => "EXPIRED",
        (Status::Rejected, _) => "REJECTED",
        (Status::Failed, _) => "FAILED",
    }
}

/// The artefact's status, where there is an artefact. READY has none yet, and neither has a consent that failed.
pub fn artefact_status(consent: &Consent) -> Option<&'static str> {
    consent.grant.as_ref()?;
    match consent.status {
        Status::Active | Status::Paused | Status::Revoked | Status::Expired => Some(consent.status.as_str()),
        Status::Pending | Status::Ready | Status::Rejected | Status::Failed => None,
    }
}

/// Answer of `POST /Consent/fetch`. It has no `timestamp`; `createTimestamp` is the artefact's.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsentArtefact<'a> {
    ver: &'a str,
    txnid: &'a str,
    consent_id: String,
    status: &'static str,
    create_timestamp: Instant,
    signed_consent: String,
    #[serde(rename = "ConsentUse")]
    consent_use: ConsentUse,
}

impl<'a> ConsentArtefact<'a> {
    /// `signed_consent` is the compact JWS; `None` where there is no artefact.
    pub fn new(head: &'a Head, consent: &Consent, signed_consent: String) -> Option<Self> {
        let grant = consent.grant.as_ref()?;
        Some(Self {
            ver: &head.ver,
            txnid: &head.txnid,
            consent_id: grant.consent_id.to_string(),
            status: artefact_status(consent)?,
            create_timestamp: Instant(grant.approved_at),
            signed_consent,
            consent_use: ConsentUse::new(consent),
        })
    }
}
