//! Owns the consent messages: `POST /Consent`, the status of a handle, the artefact (ReBIT AA API
//! 1.1.x and 2.x). Leaves `ConsentDetail` to `consent_detail` and `artefact`.

use serde::{Deserialize, Serialize};

use super::{Head, Request, ResponseContext, ResponseHead, VersionSupport, parse_head};
use crate::domain::consent::{Consent, Status};
use crate::domain::ids::{ConsentHandle, ConsentId};
use crate::domain::rejection::Rejection;
use crate::domain::terms::Terms;
use crate::domain::text::quote_value;
use crate::domain::version::{MajorVersion, RebitVersion};
use crate::wire::api_error::ApiError;
use crate::wire::artefact::{ConsentUse, CustomerId};
use crate::wire::consent_detail::{ConsentDetailRequest, ValidationRules};
use crate::wire::fields::{IsoTimestamp, deserialize_object, require_field, require_text};

/// The body of `POST /Consent`.
#[derive(Debug, Deserialize)]
pub(crate) struct ConsentsRequest {
    ver: Option<String>,
    timestamp: Option<String>,
    txnid: Option<String>,
    #[serde(
        rename = "ConsentDetail",
        default,
        deserialize_with = "deserialize_object"
    )]
    consent_detail: Option<ConsentDetailRequest>,
}

impl Request for ConsentsRequest {
    type Content = Terms;

    fn take_head(&mut self) -> Result<Head, ApiError> {
        parse_head(
            VersionSupport::Both,
            self.ver.take(),
            self.timestamp.take(),
            self.txnid.take(),
        )
    }

    fn into_content(self, head: &Head, aa_handle: &str) -> Result<Terms, ApiError> {
        let detail = require_field("ConsentDetail", self.consent_detail)?;
        let terms = detail.into_terms(
            head.txnid.clone(),
            ValidationRules::for_version(head.ver),
            aa_handle,
        )?;
        Ok(terms)
    }
}

/// The body of `POST /Consent/handle`.
#[derive(Debug, Deserialize)]
pub(crate) struct ConsentHandleRequest {
    ver: Option<String>,
    timestamp: Option<String>,
    txnid: Option<String>,
    #[serde(rename = "ConsentHandle")]
    consent_handle: Option<String>,
}

impl Request for ConsentHandleRequest {
    type Content = ConsentHandle;

    fn take_head(&mut self) -> Result<Head, ApiError> {
        parse_head(
            VersionSupport::GenerationTwo,
            self.ver.take(),
            self.timestamp.take(),
            self.txnid.take(),
        )
    }

    fn into_content(self, _: &Head, _: &str) -> Result<ConsentHandle, ApiError> {
        let handle = require_text("ConsentHandle", self.consent_handle)?;
        let handle = ConsentHandle::parse(&handle)
            .ok_or_else(|| Rejection::UnknownHandle(quote_value(&handle)))?;
        Ok(handle)
    }
}

/// The body of `POST /Consent/fetch`.
#[derive(Debug, Deserialize)]
pub(crate) struct ConsentFetchRequest {
    ver: Option<String>,
    timestamp: Option<String>,
    txnid: Option<String>,
    #[serde(rename = "consentId")]
    consent_id: Option<String>,
}

impl Request for ConsentFetchRequest {
    type Content = ConsentId;

    fn take_head(&mut self) -> Result<Head, ApiError> {
        parse_head(
            VersionSupport::GenerationTwo,
            self.ver.take(),
            self.timestamp.take(),
            self.txnid.take(),
        )
    }

    fn into_content(self, _: &Head, _: &str) -> Result<ConsentId, ApiError> {
        let id = require_text("consentId", self.consent_id)?;
        let id =
            ConsentId::parse(&id).ok_or_else(|| Rejection::UnknownConsentId(quote_value(&id)))?;
        Ok(id)
    }
}

/// The response of `POST /Consent`.
#[derive(Debug, Serialize)]
pub(crate) struct ConsentsResponse<'a> {
    #[serde(flatten)]
    head: ResponseHead<'a>,
    #[serde(rename = "Customer")]
    customer: CustomerId<'a>,
    #[serde(rename = "ConsentHandle")]
    consent_handle: String,
}

impl<'a> ConsentsResponse<'a> {
    /// Returns the response for a new consent.
    pub(crate) fn new(context: ResponseContext<'a>, consent: &'a Consent) -> Self {
        Self {
            head: context.response_head(),
            customer: CustomerId {
                id: consent.terms.customer_as_sent(),
            },
            consent_handle: consent.handle.to_string(),
        }
    }
}

/// The response with the status of a handle.
#[derive(Debug, Serialize)]
pub(crate) struct ConsentHandleResponse<'a> {
    #[serde(flatten)]
    head: ResponseHead<'a>,
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
    /// Returns the response for the consent's current state, in the version of the request.
    pub(crate) fn new(context: ResponseContext<'a>, consent: &Consent) -> Self {
        let status = HandleStatus {
            id: consent.consent_id().map(|id| id.to_string()),
            status: handle_status(consent, context.ver.major_version()),
        };
        Self {
            head: context.response_head(),
            consent_handle: consent.handle.to_string(),
            consent_status: status,
        }
    }
}

/// Returns the status of a consent handle (`docs/architecture.md#one-lifecycle`,
/// `docs/sources.md#consent-handle-states`). Once approved it never changes (certification cases
/// AA_1019 to AA_1022). 1.1.x has only READY, FAILED and PENDING.
fn handle_status(consent: &Consent, generation: MajorVersion) -> &'static str {
    let status = match (consent.status, consent.grant.is_some()) {
        (Status::Pending, _) => "PENDING",
        (Status::Ready, _) => "READY",
        (Status::Active | Status::Paused | Status::Revoked, _) | (Status::Expired, true) => {
            "APPROVED"
        }
        (Status::Expired, false) => "EXPIRED",
        (Status::Rejected, _) => "REJECTED",
        (Status::Failed, _) => "FAILED",
    };
    match (generation, status) {
        (MajorVersion::V1, "APPROVED") => "READY",
        (MajorVersion::V1, "EXPIRED" | "REJECTED") => "FAILED",
        (_, status) => status,
    }
}

/// Returns the status of the artefact, or `None` if there is no artefact: in READY not yet, after a
/// failure never.
pub(crate) fn artefact_status(consent: &Consent) -> Option<&'static str> {
    consent.grant.as_ref()?;
    match consent.status {
        Status::Active | Status::Paused | Status::Revoked | Status::Expired => {
            Some(consent.status.as_str())
        }
        Status::Pending | Status::Ready | Status::Rejected | Status::Failed => None,
    }
}

/// The artefact of a consent. It has no `timestamp`; `createTimestamp` is the time of approval.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConsentArtefact<'a> {
    ver: &'static str,
    txnid: &'a str,
    consent_id: String,
    status: &'static str,
    create_timestamp: IsoTimestamp,
    signed_consent: String,
    #[serde(rename = "ConsentUse")]
    consent_use: ConsentUse,
}

impl<'a> ConsentArtefact<'a> {
    /// Returns the artefact, or `None` if there is none. `id` is the receiver's own consent id,
    /// `signed_consent` the compact JWS.
    pub(crate) fn new(
        ver: RebitVersion,
        txnid: &'a str,
        consent: &Consent,
        id: ConsentId,
        signed_consent: String,
    ) -> Option<Self> {
        Some(Self {
            ver: ver.as_str(),
            txnid,
            consent_id: id.to_string(),
            status: artefact_status(consent)?,
            create_timestamp: IsoTimestamp(consent.grant.as_ref()?.approved_at),
            signed_consent,
            consent_use: ConsentUse::new(consent),
        })
    }
}
