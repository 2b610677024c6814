//! Owns the bodies of the two seed calls, `POST /consent` and `GET /consent/{id}`, as the seed
//! documents print them: `ver` "1.0" in responses, unsigned, with `VDRProvider`. Leaves
//! `ConsentDetail` to `consent_detail` and `artefact`.

use serde::{Deserialize, Serialize};

use crate::domain::consent::Consent;
use crate::domain::terms::Terms;
use crate::domain::time::Timestamp;
use crate::domain::version::RebitVersion;
use crate::wire::api_error::ApiError;
use crate::wire::artefact::{ConsentDetail, ConsentUse, CustomerId};
use crate::wire::consent_detail::{ConsentDetailRequest, ValidationRules};
use crate::wire::fields::{
    IsoTimestamp, deserialize_object, require_field, require_text, require_uuid,
};

/// The `ver` of every response, independent of the request's.
pub(crate) const RESPONSE_VER: &str = "1.0";

/// Returns the rules of the seed API: its sample breaks five ReBIT rules and must be accepted
/// (`docs/architecture.md#apis`).
fn seed_rules(now: Timestamp) -> ValidationRules {
    ValidationRules {
        rebit_version: None,
        current_timestamp: Some(now),
    }
}

/// The body of `POST /consent`, not yet validated.
#[derive(Debug, Deserialize)]
pub struct ConsentRequest {
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

impl ConsentRequest {
    /// Validates the request and returns its terms. `now` is the world's time; it replaces the
    /// sample's `{{current_timestamp}}`.
    ///
    /// # Errors
    /// The first error, which names its field.
    pub fn into_terms(self, aa_handle: &str, now: Timestamp) -> Result<Terms, ApiError> {
        let rules = seed_rules(now);
        let ver = require_text("ver", self.ver)?;
        if RebitVersion::parse(&ver).is_none() {
            return Err(ApiError::UnsupportedVersion {
                ver,
                supported: RebitVersion::accepted_names(),
            });
        }
        // Assumption: the seed API does not compare the timestamp with a clock, because it applies
        // none of ReBIT's schema rules.
        rules.require_timestamp("timestamp", self.timestamp)?;
        let txnid = require_uuid("txnid", self.txnid)?;
        require_field("ConsentDetail", self.consent_detail)?.into_terms(txnid, rules, aa_handle)
    }
}

/// The response of `POST /consent`.
#[derive(Debug, Serialize)]
pub struct ConsentResponse<'a> {
    ver: &'static str,
    timestamp: IsoTimestamp,
    txnid: &'a str,
    #[serde(rename = "Customer")]
    customer: CustomerId<'a>,
    #[serde(rename = "ConsentHandle")]
    consent_handle: String,
}

impl<'a> ConsentResponse<'a> {
    /// Returns the response to a consent request that was accepted at `timestamp`.
    pub fn new(consent: &'a Consent, timestamp: Timestamp) -> Self {
        Self {
            ver: RESPONSE_VER,
            timestamp: IsoTimestamp(timestamp),
            txnid: &consent.terms.txnid,
            customer: CustomerId {
                id: consent.terms.customer_as_sent(),
            },
            consent_handle: consent.handle.to_string(),
        }
    }
}

/// The response of `GET /consent/{id}`.
///
/// `Assumption:` the id may also be the consent handle, because the seed API has no other call for
/// the state of a request. Before approval the response has no `consentId` and no signature, and
/// `status` is PENDING, REJECTED, FAILED or EXPIRED.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsentStatusResponse<'a> {
    ver: &'static str,
    txnid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    consent_id: Option<String>,
    status: &'static str,
    create_timestamp: IsoTimestamp,
    #[serde(rename = "ConsentDetail")]
    consent_detail: &'a ConsentDetail<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consent_detail_digital_signature: Option<String>,
    #[serde(rename = "ConsentUse")]
    consent_use: ConsentUse,
}

impl<'a> ConsentStatusResponse<'a> {
    /// Returns the response. `signature` is the Base64 of the signature over the detail's bytes,
    /// which the response contains unchanged.
    pub fn new(
        consent: &'a Consent,
        detail: &'a ConsentDetail<'a>,
        signature: Option<String>,
    ) -> Self {
        Self {
            ver: RESPONSE_VER,
            txnid: &consent.terms.txnid,
            consent_id: consent.consent_id().map(|id| id.to_string()),
            status: consent.status.as_str(),
            create_timestamp: IsoTimestamp(consent.created_at),
            consent_detail: detail,
            consent_detail_digital_signature: signature,
            consent_use: ConsentUse::new(consent),
        }
    }

    /// Returns the response as JSON.
    pub fn to_bytes(&self) -> Box<[u8]> {
        let json = serde_json::to_vec(self);
        json.expect("our own types serialise").into()
    }
}
