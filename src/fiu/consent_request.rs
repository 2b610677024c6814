//! The request of a consent, for twelve months of data, within fair use of its purpose.

use serde_json::{Value, json};
use uuid::{Builder, Uuid};

use crate::domain::account::FiType;
use crate::domain::time::{Millis, Timestamp};
use crate::domain::version::RebitVersion;
use crate::engine::entropy::random_key;

/// Validity period of the consents.
const CONSENT_DURATION: Millis = Millis::from_secs(365 * 86_400);

/// Months of data that they cover.
const DATA_MONTHS: i32 = 12;

/// The part of a request that all APIs have.
pub(crate) struct ConsentTerms {
    pub now: Timestamp,
    /// Address of the customer.
    pub customer: String,
    pub fi_types: Vec<FiType>,
}

impl ConsentTerms {
    /// Returns the lowest version from `lowest` on that has all FI types.
    pub(crate) fn version_from(&self, lowest: RebitVersion) -> RebitVersion {
        let mut versions = RebitVersion::ALL.iter().copied();
        let found = versions.find(|version| {
            *version >= lowest
                && self
                    .fi_types
                    .iter()
                    .all(|fi_type| version.supports_fi_type(*fi_type))
        });
        found.unwrap_or(lowest)
    }

    /// Returns a message with `ConsentDetail`, as the FIU with this id sends it.
    pub(crate) fn build_message(&self, version: RebitVersion, fiu: &str) -> Value {
        let Self {
            now,
            customer,
            fi_types,
        } = self;
        let mut message = self.build_head(version);
        // Requests that differ in their dates only are repetitions to the contract report.
        let purpose = format!("Wealth management service, request {}", random_message_id());
        message["ConsentDetail"] = json!({
                "consentStart": now.to_string(),
                "consentExpiry": now.saturating_add(CONSENT_DURATION).to_string(),
                "consentMode": "STORE",
                "fetchType": "PERIODIC",
                "consentTypes": ["PROFILE", "SUMMARY", "TRANSACTIONS"],
                "fiTypes": fi_types,
                "DataConsumer": { "id": fiu, "type": "FIU" },
                "Customer": { "id": customer },
                "Purpose": {
                    "code": "101",
                    "refUri": "https://api.rebit.org.in/aa/purpose/101.xml",
                    "text": purpose,
                    "Category": { "type": "Personal Finance" },
                },
                "FIDataRange": {
                    "from": now.shift_months(-DATA_MONTHS).to_string(),
                    "to": now.to_string(),
                },
                "DataLife": { "unit": "MONTH", "value": 1 },
                "Frequency": { "unit": "DAY", "value": 1 },
        });
        message
    }

    /// Returns the fields that begin each message of ReBIT.
    pub(crate) fn build_head(&self, version: RebitVersion) -> Value {
        json!({
            "ver": version,
            "timestamp": self.now.to_string(),
            "txnid": random_message_id().to_string(),
        })
    }
}

/// Draws the id of a message.
pub(crate) fn random_message_id() -> Uuid {
    let bytes = random_key()[..16].try_into().expect("16 of 32 bytes");
    Builder::from_random_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_lowest_that_has_all_fi_types() {
        for (fi_types, lowest, version) in [
            (
                &[FiType::Deposit][..],
                RebitVersion::V1_1_3,
                RebitVersion::V1_1_3,
            ),
            (
                &[FiType::Deposit, FiType::Gstr1_3b],
                RebitVersion::V1_1_3,
                RebitVersion::V2_0_0,
            ),
            (
                &[FiType::LifeInsurance],
                RebitVersion::V2_0_0,
                RebitVersion::V2_1_0,
            ),
        ] {
            let terms = ConsentTerms {
                now: Timestamp::from_millis(0),
                customer: String::new(),
                fi_types: fi_types.to_vec(),
            };
            assert_eq!(terms.version_from(lowest), version);
        }
    }
}
