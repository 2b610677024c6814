//! Webhook bodies of the Unaport API (Unaport FIU API v2.0.0, Consent Notification, Data
//! Notification, Analytics Notification). Delivery and retries are in `webhooks`.

use serde::Serialize;

use super::VERSION;
use crate::domain::consent::Status;
use crate::domain::notification::{Notification, NotificationContent};
use crate::domain::participants::Aa;
use crate::domain::statement::SentStatement;
use crate::domain::time::Timestamp;
use crate::domain::unaport::{AnalyticsResult, FetchQuirks, UnaportConfig};
use crate::wire::fields::IsoTimestamp;
use crate::wire::notification::{FiData, FiStatusNotification, Notifier, fill_placeholders};

#[derive(Debug, Serialize)]
struct NotificationBody<'a> {
    ver: &'static str,
    timestamp: IsoTimestamp,
    txnid: String,
    #[serde(rename = "Notifier")]
    notifier: Notifier<'a>,
    #[serde(
        rename = "ConsentStatusNotification",
        skip_serializing_if = "Option::is_none"
    )]
    consent_status: Option<ConsentStatusNotification>,
    #[serde(
        rename = "FIStatusNotification",
        skip_serializing_if = "Option::is_none"
    )]
    fi_status: Option<FiStatusNotification<'a>>,
    #[serde(rename = "FIData", skip_serializing_if = "Option::is_none")]
    fi_data: Option<FiData<'a>>,
    #[serde(flatten)]
    ids: Option<TopLevelIds<'a>>,
}

/// The ids at the top level of a webhook.
///
/// Quirk: not in the page's tables, but real receivers match on them
/// (`docs/sources.md#unaport-webhooks`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TopLevelIds<'a> {
    tracking_id: &'a str,
    consent_id: Option<String>,
}

impl<'a> TopLevelIds<'a> {
    fn from_notification(notification: &'a Notification, unaport: &UnaportConfig) -> Option<Self> {
        let metadata = notification
            .consent
            .metadata
            .as_ref()
            .filter(|_| unaport.top_level_ids)?;
        Some(Self {
            tracking_id: &metadata.tracking_id,
            consent_id: consent_id(notification),
        })
    }
}

fn consent_id(notification: &Notification) -> Option<String> {
    notification.consent.consent_id().map(|id| id.to_string())
}

/// The consent part of a webhook. Before approval, `consentId` is present and null
/// (`docs/sources.md#unaport-webhooks`).
#[derive(Debug, Serialize)]
struct ConsentStatusNotification {
    #[serde(rename = "consentId")]
    id: Option<String>,
    #[serde(rename = "consentHandle")]
    handle: String,
    #[serde(rename = "consentStatus")]
    status: &'static str,
}

/// Options that change a webhook's body: configuration, receiver and quirks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyOptions<'a> {
    pub unaport: &'a UnaportConfig,
    /// The receiver's organisation.
    pub org_id: &'a str,
    pub quirks: FetchQuirks,
}

/// Encodes the body of a notification as JSON. `statements` are those of the session's READY
/// accounts, needed for FI data only.
pub(crate) fn encode_body(
    notification: &Notification,
    aa: &Aa,
    timestamp: Timestamp,
    statements: &[SentStatement],
    options: BodyOptions<'_>,
) -> Vec<u8> {
    let BodyOptions {
        unaport,
        org_id,
        quirks,
    } = options;
    if let NotificationContent::Analytics(analytics_content) = &notification.content {
        return encode_analytics_body(notification, analytics_content, timestamp, unaport);
    }
    let mut body = NotificationBody {
        ver: VERSION,
        timestamp: IsoTimestamp(timestamp),
        txnid: notification.message_id.to_string(),
        notifier: Notifier::from_aa(aa),
        consent_status: None,
        fi_status: None,
        fi_data: None,
        ids: TopLevelIds::from_notification(notification, unaport),
    };
    match &notification.content {
        NotificationContent::ConsentStatus(status) => {
            body.consent_status = Some(ConsentStatusNotification {
                id: consent_id(notification),
                handle: notification.consent.handle.to_string(),
                status: if *status == Status::Rejected {
                    unaport.rejected_status.as_str()
                } else {
                    status.as_str()
                },
            });
        }
        NotificationContent::FiStatus(session) => {
            body.fi_status = Some(FiStatusNotification::from_session(session));
        }
        NotificationContent::FiData(session) => {
            let deposit_tab = unaport.deposit_tab.with_quirks(quirks);
            body.fi_status = Some(FiStatusNotification::from_session(session));
            body.fi_data =
                Some(FiData::from_session(session, statements).for_org(org_id, deposit_tab));
        }
        NotificationContent::Analytics(_) => unreachable!("analytics are encoded above"),
        NotificationContent::Raw(raw) => return fill_placeholders(raw, notification, timestamp),
    }
    serde_json::to_vec(&body).expect("texts and numbers serialise")
}

/// The body of an analytics notification.
///
/// Quirk: `version` and `txnId` here, `ver` and `txnid` in the other two.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AnalyticsBody<'a> {
    version: &'static str,
    txn_id: String,
    timestamp: IsoTimestamp,
    session_id: String,
    analytic_id: &'a [u32],
    status: &'static str,
    #[serde(flatten)]
    ids: Option<TopLevelIds<'a>>,
}

fn encode_analytics_body(
    notification: &Notification,
    analytics: &AnalyticsResult,
    timestamp: Timestamp,
    unaport: &UnaportConfig,
) -> Vec<u8> {
    let AnalyticsResult {
        session,
        analytic_ids: ids,
        status,
    } = analytics;
    let body = AnalyticsBody {
        version: VERSION,
        txn_id: notification.message_id.to_string(),
        timestamp: IsoTimestamp(timestamp),
        session_id: session.to_string(),
        analytic_id: ids,
        status: status.as_str(),
        ids: TopLevelIds::from_notification(notification, unaport),
    };
    serde_json::to_vec(&body).expect("texts and numbers serialise")
}
