//! Extensions of a consent by the Unaport FIU API: the FIU's metadata, templates, scheduled
//! fetches, and quirks of the real service that a receiver may want to test.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::account::FiType;
use crate::domain::customer_address::normalize_sent_address;
use crate::domain::ids::{ProductId, SessionId};
use crate::domain::naming::wire_enum;
use crate::domain::terms::{
    ConsentMode, ConsentType, ConsumerType, DataFilter, DataLifeUnit, FetchType, FrequencyUnit,
    Purpose, Terms, TimeRange,
};
use crate::domain::time::{Millis, Timestamp};

wire_enum! {
    /// Version of the bodies with which the Unaport API responds.
    #[derive(Default)]
    UnaportVersion {
        /// The published tables, with `version`, `txnId` and `timestamp`.
        #[default]
        V2 = "2.0.0",
        /// The recorded collection, which is older.
        V1_7 = "1.7",
    }
}

wire_enum! {
    /// Value of `consentStatus` in webhooks for a rejected consent. Unaport documents FAILED; some
    /// integrators still receive the older REJECTED (`docs/sources.md#unaport-pitfalls`).
    #[derive(Default)]
    RejectedConsentStatus { #[default] Failed = "FAILED", Rejected = "REJECTED" }
}

/// Delay between activation and Unaport's data request in the recorded journey: notified
/// 04:50:39.331, run 04:50:43.000 (`docs/sources.md#unaport-bodies`).
pub(crate) const RECORDED_RUN_DELAY: Millis = Millis(3_669);

/// Delay of the customer's approval in the recorded journey: created 04:50:20.089, notified
/// 04:50:39.331.
pub(crate) const RECORDED_APPROVAL_DELAY: Millis = Millis(19_242);

/// Delay of the FIPs' answers in the recorded journey: run 04:50:43.000, notified 04:50:44.748.
pub(crate) const RECORDED_FIP_DELAY: Millis = Millis(1_748);

/// Configuration of the Unaport API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnaportConfig {
    pub version: UnaportVersion,
    /// The FIU of logins that no configured account matches.
    pub default_fiu: Arc<str>,
    /// Accounts that may log in; empty: any account may.
    pub logins: Vec<Login>,
    /// Consent templates that exist from the start.
    pub templates: Vec<Arc<ConsentTemplate>>,
    pub rejected_status: RejectedConsentStatus,
    /// `true` if consent and data webhooks have `trackingId` and `consentId` at the top level.
    pub top_level_ids: bool,
    /// The name of the tab of bank accounts.
    pub deposit_tab: DepositTab,
}

impl UnaportConfig {
    /// Returns the default configuration: any account may log in, to the organisation of this FIU.
    pub fn for_fiu(default_fiu: Arc<str>) -> Self {
        Self {
            version: UnaportVersion::default(),
            default_fiu,
            logins: Vec::new(),
            templates: Vec::new(),
            rejected_status: RejectedConsentStatus::default(),
            top_level_ids: true,
            deposit_tab: DepositTab::default(),
        }
    }
}

/// A user account at an FIU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    pub email: Box<str>,
    pub password: Box<str>,
    pub fiu: Arc<str>,
}

/// Metadata that an FIU attaches to a consent (Unaport FIU API v2.0.0, Create Consent).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnaportMetadata {
    pub tracking_id: Box<str>,
    pub created_by: Box<str>,
    /// URL to which the customer returns after answering.
    pub redirect_url: Option<Box<str>>,
    /// `ver` of the request, as is `timestamp`.
    pub ver: Box<str>,
    pub timestamp: Timestamp,
}

/// A consent template, called a product in the paths of the API (Unaport FIU API v2.0.0, Create
/// Consent Template).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentTemplate {
    pub id: ProductId,
    pub name: Box<str>,
    /// The FIU whose organisation owns the template. `None`: the organisation of its consumer, or
    /// all organisations if no FIU is registered under that id.
    pub fiu: Option<Arc<str>>,
    pub created_at: Timestamp,
    pub terms: RelativeTerms,
}

/// Terms with dates relative to the day on which a consent is raised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelativeTerms {
    /// Earliest start.
    pub start: Timestamp,
    pub expiry_months: u32,
    pub mode: ConsentMode,
    pub fetch_type: FetchType,
    pub consent_types: Arc<[ConsentType]>,
    pub fi_types: Arc<[FiType]>,
    pub consumer: Arc<str>,
    pub purpose: Arc<Purpose>,
    /// First and last month of the data range, relative to the day on which the consent is raised;
    /// negative values are in the past.
    pub range_months: (i32, i32),
    pub data_life: (DataLifeUnit, u32),
    pub frequency: (FrequencyUnit, u32),
    pub filters: Option<Arc<[DataFilter]>>,
}

impl RelativeTerms {
    /// Returns the terms of a consent raised at this instant. `customer` is the address as it was
    /// sent.
    ///
    /// `Assumption:` a template's `consentStart` that has passed means "from today", and expiry and
    /// data range are counted from the start and from today; Unaport documents only that the fields
    /// are in months.
    pub fn resolve_at(&self, now: Timestamp, customer: String, txnid: Box<str>) -> Terms {
        let start = self.start.max(now);
        let (from, to) = self.range_months;
        let (customer, sent_customer) = normalize_sent_address(customer);
        Terms {
            start,
            expiry: start.saturating_add_months(self.expiry_months),
            mode: self.mode,
            fetch_type: self.fetch_type,
            consent_types: Arc::clone(&self.consent_types),
            fi_types: Arc::clone(&self.fi_types),
            consumer: Arc::clone(&self.consumer),
            consumer_type: ConsumerType::Fiu,
            customer,
            sent_customer,
            purpose: Arc::clone(&self.purpose),
            range: TimeRange {
                from: now.shift_months(from),
                to: now.shift_months(to),
            },
            data_life: self.data_life,
            frequency: self.frequency,
            filters: self.filters.clone(),
            vdr_provider: None,
            txnid,
        }
    }
}

wire_enum! {
    /// The name of the tab of bank accounts in Fetch Data. The API's page prints DEPOSIT, and a
    /// receiver of 2026 expects DEPOSIT_V2 (`docs/sources.md#unaport-fetch-data`).
    #[derive(Default)]
    DepositTab { #[default] Deposit = "DEPOSIT", DepositV2 = "DEPOSIT_V2" }
}

impl DepositTab {
    /// Returns the name in answers with the quirks of a scenario.
    #[must_use]
    pub fn with_quirks(self, quirks: FetchQuirks) -> Self {
        if quirks.contains(FetchQuirk::DepositV2) {
            Self::DepositV2
        } else {
            self
        }
    }
}

wire_enum! {
    /// A quirk of the real service's Fetch Data, off unless a scenario enables it
    /// (`docs/sources.md#unaport-fetch-data`, `docs/sources.md#unaport-pitfalls`).
    FetchQuirk {
        /// The tab of bank accounts is named `DEPOSIT_V2`.
        DepositV2 = "deposit-v2",
        /// The first fetch of a session returns no tab.
        FirstEmpty = "first-empty",
        /// `tranTimestamp` has no seconds.
        NoSeconds = "no-seconds",
        /// Amounts in Java's notation of a double: `29.5`, `220022.0`, `1.0E8`.
        JavaNumbers = "java-numbers",
    }
}

/// A set of fetch quirks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FetchQuirks(u8);

impl FetchQuirks {
    pub fn contains(self, quirk: FetchQuirk) -> bool {
        self.0 & (1 << quirk as u8) != 0
    }
}

impl FromIterator<FetchQuirk> for FetchQuirks {
    fn from_iter<I: IntoIterator<Item = FetchQuirk>>(quirks: I) -> Self {
        Self(
            quirks
                .into_iter()
                .fold(0, |set, quirk| set | 1 << quirk as u8),
        )
    }
}

wire_enum! {
    /// Status of the analytics of a session (Unaport FIU API v2.0.0, Analytics Notification,
    /// `status`).
    ///
    /// `Assumption:` Unaport documents SUCCESS only; FAILED is the other value.
    AnalyticsStatus { Success = "SUCCESS", Failed = "FAILED" }
}

/// Result of the analytics of a session, as the notification reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnalyticsResult {
    pub session: SessionId,
    /// Analytic ids, one for each account.
    pub analytic_ids: Box<[u32]>,
    pub status: AnalyticsStatus,
}
