//! The two seed calls, `POST /consent` and `GET /consent/{id}`, in the shape that the seed documents print: `ver`
//! "1.0" in answers, unsigned, with `VDRProvider`.

use serde::{Deserialize, Serialize};

use crate::domain::consent::{Consent, Terms};
use crate::domain::time::Timestamp;
use crate::wire::artefact::{ConsentUse, CustomerId, Stated};
use crate::wire::consent_detail::{Asked, Rules};
use crate::wire::fields::{Instant, need, object, text, uuid};
use crate::wire::problem::Problem;

/// What answers carry as `ver`, whatever the request's was.
pub const ANSWER_VER: &str = "1.0";

/// Request versions that the seed face takes; the sample has 1.1.3.
const VERSIONS: &str = "1.1.0, 1.1.1, 1.1.2, 1.1.3, 2.0.0, 2.1.0";

/// The seed's body breaks five ReBIT rules and is right here (DESIGN §1, seed face).
fn rules(now: Timestamp) -> Rules {
    Rules {
        rebit: None,
        current_timestamp: Some(now),
    }
}

/// Body of `POST /consent`, nothing checked.
#[derive(Debug, Deserialize)]
pub struct ConsentRequest {
    ver: Option<String>,
    timestamp: Option<String>,
    txnid: Option<String>,
    #[serde(rename = "ConsentDetail", default, deserialize_with = "object")]
    consent_detail: Option<Asked>,
}

impl ConsentRequest {
    /// Checks everything. `now` is the world's; it stands where the sample's `{{current_timestamp}}` was left.
    ///
    /// # Errors
    /// The first [`Problem`], its field named.
    pub fn into_terms(self, aa_handle: &str, now: Timestamp) -> Result<Terms, Problem> {
        let rules = rules(now);
        let ver = text("ver", self.ver)?;
        if !VERSIONS.split(", ").any(|known| known == ver) {
            return Err(Problem::Version {
                ver,
                known: VERSIONS.to_owned(),
            });
        }
        // Assumption: the seed face does not hold the timestamp against a clock, as it holds none of ReBIT's rules of form.
        rules.instant("timestamp", self.timestamp)?;
        let txnid = uuid("txnid", self.txnid)?;
        need("ConsentDetail", self.consent_detail)?.into_terms(txnid, rules, aa_handle)
    }
}

/// Answer of `POST /consent`.
#[derive(Debug, Serialize)]
pub struct ConsentAnswer<'a> {
    ver: &'static str,
    timestamp: Instant,
    txnid: &'a str,
    #[serde(rename = "Customer")]
    customer: CustomerId<'a>,
    #[serde(rename = "ConsentHandle")]
    consent_handle: String,
}

impl<'a> ConsentAnswer<'a> {
    pub fn new(consent: &'a Consent, timestamp: Timestamp) -> Self {
        let Terms {
            customer, txnid, ..
        } = &*consent.terms;
        Self {
            ver: ANSWER_VER,
            timestamp: Instant(timestamp),
            txnid,
            customer: CustomerId { id: customer },
            consent_handle: consent.handle.to_string(),
        }
    }
}

/// Answer of `GET /consent/{id}`.
///
/// `Assumption:` the id may also be the consent handle, since the seed face has no other call that tells how a
/// request fares. Before approval the answer has no `consentId` and no signature, and `status` says PENDING,
/// REJECTED, FAILED or EXPIRED.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsentState<'a> {
    ver: &'static str,
    txnid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    consent_id: Option<String>,
    status: &'static str,
    create_timestamp: Instant,
    #[serde(rename = "ConsentDetail")]
    consent_detail: &'a Stated<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consent_detail_digital_signature: Option<String>,
    #[serde(rename = "ConsentUse")]
    consent_use: ConsentUse,
}

impl<'a> ConsentState<'a> {
    /// `signature` is the Base64 of the signature over the detail's bytes, which stand in the answer as they are.
    pub fn new(consent: &'a Consent, detail: &'a Stated<'a>, signature: Option<String>) -> Self {
        Self {
            ver: ANSWER_VER,
            txnid: &consent.terms.txnid,
            consent_id: consent.consent_id().map(|id| id.to_string()),
            status: consent.status.as_str(),
            create_timestamp: Instant(consent.created_at),
            consent_detail: detail,
            consent_detail_digital_signature: signature,
            consent_use: ConsentUse::new(consent),
        }
    }
}
