//! What the Unaport FIU API adds to a consent: the reference under which an FIU files it, templates, data that is
//! fetched without being asked for, and the oddities that a receiver may want to rehearse.

use std::sync::Arc;

use crate::domain::account::FiType;
use crate::domain::consent::{
    ConsentMode, ConsentType, ConsumerType, DataFilter, DataLifeUnit, FetchType, FrequencyUnit,
    Purpose, Terms, TimeRange,
};
use crate::domain::ids::{ProductId, SessionId};
use crate::domain::naming::wire_enum;
use crate::domain::time::{Millis, Timestamp};

wire_enum! {
    /// Which bodies the Unaport face answers with.
    #[derive(Default)]
    UnaportVersion {
        /// Those of the published tables: with `version`, `txnId` and `timestamp`.
        #[default]
        V2 = "2.0.0",
        /// Those of the recorded collection, which is older.
        V1_7 = "1.7",
    }
}

wire_enum! {
    /// What `consentStatus` a webhook has for a consent that the customer rejected: the page says FAILED, and some
    /// integrators still meet the older word (`reference/unaport.md` §6, 26).
    #[derive(Default)]
    RejectedConsentStatus { #[default] Failed = "FAILED", Rejected = "REJECTED" }
}

/// How long Unaport takes from a consent in force to its request for data, in the recorded journey
/// (`reference/unaport.md` §1.3.9: notified 04:50:39.331, run 04:50:43.000).
pub const RECORDED_RUN_DELAY: Millis = Millis(3_669);

/// How long the customer took to approve (created 04:50:20.089, notified 04:50:39.331).
pub const RECORDED_APPROVAL_DELAY: Millis = Millis(19_242);

/// How long FIPs took to answer it (run 04:50:43.000, notified 04:50:44.748).
pub const RECORDED_FIP_DELAY: Millis = Millis(1_748);

/// How the Unaport face of a sandbox is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnaportConfig {
    pub version: UnaportVersion,
    /// The FIU to whose organisation a login belongs that no account claims.
    pub default_fiu: Arc<str>,
    /// Who may log in; empty: everybody.
    pub logins: Vec<Login>,
    /// Consent templates that are there from the start.
    pub templates: Vec<Arc<ConsentTemplate>>,
    pub rejected_status: RejectedConsentStatus,
    /// Whether consent and data webhooks carry `trackingId` and `consentId` at their top.
    pub top_level_ids: bool,
}

impl UnaportConfig {
    /// Everybody may log in, to this FIU's organisation; the rest as it is unless somebody says otherwise.
    pub fn open_to_all(default_fiu: Arc<str>) -> Self {
        Self {
            version: UnaportVersion::default(),
            default_fiu,
            logins: Vec::new(),
            templates: Vec::new(),
            rejected_status: RejectedConsentStatus::default(),
            top_level_ids: true,
        }
    }
}

/// An account of a person at an FIU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    pub email: Box<str>,
    pub password: Box<str>,
    pub fiu: Arc<str>,
}

/// Under what an FIU files a consent (Unaport FIU API v2.0.0, Create Consent).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnaportMetadata {
    pub tracking_id: Box<str>,
    pub created_by: Box<str>,
    /// Where the customer goes after answering.
    pub redirect_url: Option<Box<str>>,
    /// `ver` and `timestamp` of the request that it was raised with.
    pub ver: Box<str>,
    pub timestamp: Timestamp,
}

/// A consent template, which the API also calls a product (Unaport FIU API v2.0.0, Create Consent Template).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentTemplate {
    pub id: ProductId,
    pub name: Box<str>,
    /// The FIU whose organisation has saved it; `None`: it is that of its consumer, or everybody's where nobody is
    /// registered under that name.
    pub fiu: Option<Arc<str>>,
    pub created_at: Timestamp,
    pub terms: RelativeTerms,
}

/// Terms whose dates are relative to the day on which a consent is raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelativeTerms {
    /// Not before then.
    pub start: Timestamp,
    pub expiry_months: u32,
    pub mode: ConsentMode,
    pub fetch_type: FetchType,
    pub consent_types: Box<[ConsentType]>,
    pub fi_types: Box<[FiType]>,
    pub consumer: Arc<str>,
    pub purpose: Arc<Purpose>,
    /// First and last month of the data, counted from the day on which the consent is raised; negative is past.
    pub range_months: (i32, i32),
    pub data_life: (DataLifeUnit, u32),
    pub frequency: (FrequencyUnit, u32),
    pub filters: Option<Box<[DataFilter]>>,
}

impl RelativeTerms {
    /// The terms of a consent raised at this instant.
    ///
    /// `Assumption:` a template's `consentStart` that has passed means "from today", and expiry and data range are
    /// counted from then on and from today; the page only says that the fields are in months.
    pub fn resolve_at(&self, now: Timestamp, customer: Arc<str>, txnid: Box<str>) -> Terms {
        let start = self.start.max(now);
        let (from, to) = self.range_months;
        Terms {
            start,
            expiry: start.saturating_add_months(self.expiry_months),
            mode: self.mode,
            fetch_type: self.fetch_type,
            consent_types: self.consent_types.clone(),
            fi_types: self.fi_types.clone(),
            consumer: Arc::clone(&self.consumer),
            consumer_type: ConsumerType::Fiu,
            customer,
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
    /// An oddity of the real service's Fetch Data, off unless a scenario asks for it (`reference/unaport.md` §4.1, §4.2,
    /// §6).
    FetchQuirk {
        /// The bank tab is called `DEPOSIT_V2`.
        DepositV2 = "deposit-v2",
        /// The first fetch of a session finds no tab yet.
        FirstEmpty = "first-empty",
        /// `tranTimestamp` without seconds.
        NoSeconds = "no-seconds",
        /// Amounts as Java prints a double: `29.5`, `220022.0`, `1.0E8`.
        JavaNumbers = "java-numbers",
    }
}

/// A set of them.
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
    /// How the analytics of a session went (Unaport FIU API v2.0.0, Analytics Notification, `status`).
    ///
    /// `Assumption:` the page shows SUCCESS only.
    AnalyticsStatus { Success = "SUCCESS", Failed = "FAILED" }
}

/// What is told about the analytics of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnalyticsResult {
    pub session: SessionId,
    /// One id for each account.
    pub analytic_ids: Box<[u32]>,
    pub status: AnalyticsStatus,
}
