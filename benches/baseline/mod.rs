//! The ceiling of the two seed calls: typed structs, a map, and nothing around them. No journal, no
//! clock, no scenarios, no webhooks.

use std::sync::Arc;

use chrono::{DateTime, FixedOffset};
use dashmap::DashMap;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A request to raise a consent, as the seed documents print it.
#[derive(Debug, Serialize, Deserialize)]
pub struct ConsentRequest {
    ver: String,
    timestamp: String,
    txnid: String,
    #[serde(rename = "ConsentDetail")]
    detail: Detail,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    consent_start: String,
    consent_expiry: String,
    consent_mode: ConsentMode,
    fetch_type: FetchType,
    consent_types: Vec<ConsentType>,
    fi_types: Vec<String>,
    #[serde(rename = "DataConsumer")]
    data_consumer: Party,
    #[serde(rename = "Customer")]
    customer: Party,
    #[serde(rename = "Purpose")]
    purpose: Purpose,
    #[serde(rename = "FIDataRange")]
    range: Range,
    #[serde(rename = "DataLife")]
    data_life: Quantity,
    #[serde(rename = "Frequency")]
    frequency: Quantity,
    #[serde(rename = "DataFilter")]
    data_filter: Vec<Filter>,
    #[serde(rename = "VDRProvider")]
    vdr_provider: Registry,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum ConsentMode {
    View,
    Store,
    Query,
    Stream,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum FetchType {
    Onetime,
    Periodic,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum ConsentType {
    Profile,
    Summary,
    Transactions,
}

#[derive(Debug, Serialize, Deserialize)]
struct Party {
    id: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Purpose {
    code: String,
    ref_uri: String,
    text: String,
    #[serde(rename = "Category")]
    category: Category,
}

#[derive(Debug, Serialize, Deserialize)]
struct Category {
    r#type: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Range {
    from: String,
    to: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Unit {
    Hour,
    Day,
    Month,
    Year,
}

#[derive(Debug, Serialize, Deserialize)]
struct Quantity {
    unit: Unit,
    value: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct Filter {
    r#type: String,
    operator: String,
    value: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct Registry {
    vdrpid: String,
    fiuid: String,
}

impl ConsentRequest {
    /// Parses a request and checks five dates, two orders, two lists and the customer's address.
    pub fn parse(body: &[u8]) -> Result<Self, String> {
        let request: Self = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let detail = &request.detail;
        parse_date(&request.timestamp)?;
        if parse_date(&detail.consent_expiry)? <= parse_date(&detail.consent_start)?
            || parse_date(&detail.range.to)? <= parse_date(&detail.range.from)?
        {
            return Err("a range ends before it begins".to_owned());
        }
        if !detail.customer.id.contains('@')
            || detail.fi_types.is_empty()
            || detail.consent_types.is_empty()
        {
            return Err("the customer has no @, or a list is empty".to_owned());
        }
        Ok(request)
    }
}

fn parse_date(text: &str) -> Result<DateTime<FixedOffset>, String> {
    DateTime::parse_from_rfc3339(text).map_err(|error| error.to_string())
}

/// The answer to a request.
#[derive(Serialize)]
struct ConsentResponse<'a> {
    ver: &'static str,
    timestamp: &'a str,
    txnid: &'a str,
    #[serde(rename = "Customer")]
    customer: &'a Party,
    #[serde(rename = "ConsentHandle")]
    consent_handle: String,
}

/// What is stored, and the answer to a look-up.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Consent {
    ver: &'static str,
    txnid: String,
    #[serde(rename = "consentId")]
    id: String,
    status: &'static str,
    create_timestamp: String,
    #[serde(rename = "ConsentDetail")]
    detail: Detail,
    #[serde(rename = "consentDetailDigitalSignature")]
    signature: &'static str,
    #[serde(rename = "ConsentUse")]
    usage: ConsentUse,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConsentUse {
    log_uri: &'static str,
    count: u32,
    last_use_date_time: &'static str,
}

/// The length of an RSA signature in Base64.
const SIGNATURE: &str = concat!(
    "c2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJl",
    "c2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJl",
    "c2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJl",
    "c2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJl",
    "c2lnbmE="
);

/// The stored consents.
#[derive(Default)]
pub struct Store(DashMap<Uuid, Arc<Consent>>);

impl Store {
    /// Stores a consent under a new id, and returns the bytes of the answer.
    pub fn create(&self, request: ConsentRequest, rng: &mut Xoshiro256PlusPlus) -> Vec<u8> {
        let mut bytes = [0; 16];
        rng.fill_bytes(&mut bytes);
        let id = uuid::Builder::from_random_bytes(bytes).into_uuid();
        let consent = Arc::new(Consent {
            ver: "1.0",
            txnid: request.txnid,
            id: id.to_string(),
            status: "ACTIVE",
            create_timestamp: request.timestamp,
            detail: request.detail,
            signature: SIGNATURE,
            usage: ConsentUse {
                log_uri: "",
                count: 0,
                last_use_date_time: "",
            },
        });
        self.0.insert(id, Arc::clone(&consent));
        let response = ConsentResponse {
            ver: consent.ver,
            timestamp: &consent.create_timestamp,
            txnid: &consent.txnid,
            customer: &consent.detail.customer,
            consent_handle: consent.id.clone(),
        };
        serde_json::to_vec(&response).expect("it serialises")
    }

    /// Serialises the consent of an id.
    pub fn get(&self, id: Uuid) -> Option<Vec<u8>> {
        let consent = Arc::clone(&*self.0.get(&id)?);
        Some(serde_json::to_vec(&*consent).expect("it serialises"))
    }

    /// Lists the ids of the consents, in no order.
    pub fn ids(&self) -> Vec<Uuid> {
        self.0.iter().map(|entry| *entry.key()).collect()
    }
}

/// Returns the generator of ids.
pub fn id_rng() -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(1)
}
