//! The consents that the lender asks for.

use serde_json::{Value, json};

use super::FIU_ID;
use super::api::Api;
use crate::domain::naming::wire_enum;
use crate::domain::terms::TimeRange;
use crate::domain::time::{Millis, Timestamp};
use crate::wire::purpose::StandardPurpose;

/// The purpose for which the lender asks for a consent. Each stays within the limits of fair use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LoanPurpose {
    /// To decide on an application, once.
    Underwriting,
    /// To see the accounts while the loan is repaid.
    Monitoring,
}

/// The terms of a purpose.
struct PurposeTerms {
    code: &'static str,
    /// The purpose as the customer reads it.
    text: &'static str,
    fetch_type: &'static str,
    validity: Millis,
    data_months: i32,
    data_life_days: i32,
}

const DAY: i64 = 86_400;

impl LoanPurpose {
    const fn terms(self) -> PurposeTerms {
        match self {
            Self::Underwriting => PurposeTerms {
                code: "103",
                text: "To decide on your application for a loan",
                fetch_type: "ONETIME",
                validity: Millis::from_secs(7 * DAY),
                data_months: 12,
                data_life_days: 1,
            },
            Self::Monitoring => PurposeTerms {
                code: "104",
                text: "To see your accounts once a month while you repay the loan",
                fetch_type: "PERIODIC",
                validity: Millis::from_secs(90 * DAY),
                data_months: 3,
                data_life_days: 31,
            },
        }
    }

    /// Returns the time for which the lender may keep what it has fetched.
    pub(super) const fn data_life(self) -> Millis {
        Millis::from_secs(self.terms().data_life_days as i64 * DAY)
    }

    /// Returns the range of the bank data of a consent that is raised now. One that is used for longer has the
    /// same number of months that follow, too.
    pub(super) fn data_range(self, now: Timestamp) -> TimeRange {
        let terms = self.terms();
        let to = match self {
            Self::Underwriting => now,
            Self::Monitoring => now.shift_months(terms.data_months),
        };
        TimeRange {
            from: now.shift_months(-terms.data_months),
            to,
        }
    }

    /// Returns a `ConsentDetail` that is raised now, about this customer.
    pub(super) fn build_detail(self, customer: &Value, now: Timestamp) -> Value {
        let terms = self.terms();
        let range = self.data_range(now);
        let purpose = StandardPurpose::find_by_code(terms.code).expect("a code of ReBIT");
        json!({
            "consentStart": now.to_string(),
            "consentExpiry": now.saturating_add(terms.validity).to_string(),
            "consentMode": "STORE",
            "fetchType": terms.fetch_type,
            "consentTypes": ["PROFILE", "SUMMARY", "TRANSACTIONS"],
            "fiTypes": ["DEPOSIT"],
            "DataConsumer": { "id": FIU_ID, "type": "FIU" },
            "Customer": customer,
            "Purpose": {
                "code": purpose.code,
                "refUri": purpose.ref_uri,
                "text": terms.text,
                "Category": { "type": purpose.category },
            },
            "FIDataRange": { "from": range.from.to_string(), "to": range.to.to_string() },
            "DataLife": { "unit": "DAY", "value": terms.data_life_days },
            "Frequency": { "unit": "MONTH", "value": 1 },
        })
    }
}

/// A consent that the lender has asked for.
#[derive(Clone, Debug)]
pub(super) struct RaisedConsent {
    pub api: Api,
    pub handle: String,
    pub page: CustomerPage,
    /// The range of the bank data.
    pub range: TimeRange,
}

/// The page of the AA on which the customer answers.
#[derive(Clone, Debug)]
pub(super) enum CustomerPage {
    /// The address that the AA has named.
    Address(String),
    /// The AA's web redirection, for the customer with this address.
    Redirection(String),
}

wire_enum! {
    /// State of a consent, as both APIs name it.
    ConsentState {
        /// The customer has not answered, or the answer does not hold yet.
        Created = "CREATED",
        Active = "ACTIVE",
        Paused = "PAUSED",
        Revoked = "REVOKED",
        Expired = "EXPIRED",
        Rejected = "REJECTED",
    }
}
