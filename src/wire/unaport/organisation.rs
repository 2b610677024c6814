//! Answers of Get FIU Organisation Details: the short one of v2.0.0 and the long one of the older
//! path.

use serde::Serialize;
use serde_json::{Value, json};

use super::{Envelope, VERSION};
use crate::domain::ids::derive_id;
use crate::domain::participants::Fiu;
use crate::wire::fields::IsoTimestamp;

/// The answer of `getClientOrganisation`.
///
/// Quirk: `ver` here, `version` in most other answers.
#[derive(Debug, Serialize)]
pub(crate) struct ClientOrganisation<'a> {
    ver: &'static str,
    fiulive: Entity<'a>,
    fiutest: Entity<'a>,
    #[serde(rename = "orgId")]
    org_id: &'a str,
    timestamp: IsoTimestamp,
    #[serde(rename = "txnId")]
    txn_id: String,
}

#[derive(Debug, Serialize)]
struct Entity<'a> {
    #[serde(rename = "entityId")]
    entity_id: &'a str,
    id: String,
}

impl<'a> Entity<'a> {
    fn new(entity_id: &'a str, mode: &str) -> Self {
        Self {
            entity_id,
            id: derive_id(&["entity", mode, entity_id]),
        }
    }
}

impl<'a> ClientOrganisation<'a> {
    pub(crate) fn new(fiu: &'a Fiu, envelope: Envelope) -> Self {
        let Envelope {
            version,
            txn_id,
            timestamp,
        } = envelope;
        let entity_id = &*fiu.entity.id;
        Self {
            ver: version,
            fiulive: Entity::new(entity_id, "live"),
            fiutest: Entity::new(entity_id, "test"),
            org_id: &fiu.org_id,
            timestamp,
            txn_id,
        }
    }
}

/// Builds the answer of the older `getOrganisation`: an organisation with an empty profile, as in
/// the recorded answer. `app_url` is the base URL of the application host.
pub(crate) fn build_organisation(fiu: &Fiu, app_url: &str) -> Value {
    let test_id = derive_id(&["entity", "test", &fiu.entity.id]);
    json!({
        "data": {
            "id": &*fiu.org_id,
            "fiuId": test_id,
            "fiuLive": null,
            "registeredEmail": null,
            "contactNumber": null,
            "businessPAN": null,
            "nameAsPerPAN": null,
            "pan": null,
            "businessName": null,
            "businessType": null,
            "businessModel": null,
            "businessDescription": null,
            "purposeOfUsingAccountAggregator": null,
            "certificateOfRegistrationFIU": null,
            "llpinCIN": null,
            "gstin": null,
            "gstinNumber": null,
            "gst": null,
            "businessAddress": null,
            "city": null,
            "pinCode": null,
            "state": null,
            "country": null,
            "businessRegisteredName": null,
            "accountNumber": null,
            "ifscCode": null,
            "cancelledCheque": null,
            "participationTerms": null,
            "fiuAAAgreement": null,
            "operation": 0,
            "status": "APPROVED",
            "annualTurnoverAccordingToGST": 0,
            "createdAt": null,
            "contactDetailsCompleted": false,
            // Quirk: spelled so on the wire, all three.
            "pancompleted": false,
            "businessDetailsCompleted": false,
            "gstcompleted": false,
            "gstbussiness": false,
        },
        "fiulive": null,
        "fiutest": {
            "id": test_id,
            "fiuId": &*fiu.entity.id,
            "fiuName": &*fiu.entity.name,
            "fiuLogUrl": "",
            "version": VERSION,
            "fiuStatus": "ACTIVE",
            "contactPersonName": "Example Contact",
            "contactPersonNumber": "9999999999",
            "contactPersonEmail": "contact@example.com",
            "assigned": false,
            "baseUrl": app_url,
            "secretkey": null,
            "redirectUrl": format!("{app_url}/admin/consent"),
            "billingPlan": { "id": derive_id(&["plan", "basic"]), "planName": "Basic Plan" },
        },
        "status": "success",
    })
}
