//! Webhooks of the Unaport face (Unaport FIU API v2.0.0, Consent Notification, Data Notification, Analytics
//! Notification).

use serde::Serialize;
use serde_json::{Value, json};

use super::VERSION;
use crate::domain::consent::Status;
use crate::domain::notice::{Content, Notice};
use crate::domain::participants::Aa;
use crate::domain::time::Timestamp;
use crate::domain::unaport::{Analytics, Unaport};
use crate::wire::fields::Instant;
use crate::wire::notification::{FiStatusNotification, Notifier};

#[derive(Debug, Serialize)]
struct Notification<'a> {
    ver: &'static str,
    timestamp: Instant,
    txnid: String,
    #[serde(rename = "Notifier")]
    notifier: Notifier<'a>,
    #[serde(rename = "ConsentStatusNotification", skip_serializing_if = "Option::is_none")]
    consent_status: Option<ConsentStatusNotification>,
    #[serde(rename = "FIStatusNotification", skip_serializing_if = "Option::is_none")]
    fi_status: Option<FiStatusNotification<'a>>,
    #[serde(flatten)]
    ids: Option<TopLevelIds<'a>>,
}

/// Quirk: not in the page's tables, but real receivers match on them (`reference/unaport.md` §2.1, §2.2).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TopLevelIds<'a> {
    tracking_id: &'a str,
    consent_id: Option<String>,
}

/// Before approval, `consentId` is there and null (`reference/unaport.md` §2.1).
#[derive(Debug, Serialize)]
struct ConsentStatusNotification {
    #[serde(rename = "consentId")]
    id: Option<String>,
    #[serde(rename = "consentHandle")]
    handle: String,
    #[serde(rename = "consentStatus")]
    status: &'static str,
}

/// The body of a consent or data notice.
pub fn body(notice: &Notice, aa: &Aa, timestamp: Timestamp, unaport: &Unaport) -> Vec<u8> {
    let consent = &notice.consent;
    let consent_id = || consent.consent_id().map(|id| id.to_string());
    let filing = consent.filing.as_ref().filter(|_| unaport.top_level_ids);
    let mut notification = Notification {
        ver: VERSION,
        timestamp: Instant(timestamp),
        txnid: notice.message.to_string(),
        notifier: Notifier::of(aa),
        consent_status: None,
        fi_status: None,
        ids: filing.map(|filing| TopLevelIds { tracking_id: &filing.tracking_id, consent_id: consent_id() }),
    };
    match &notice.content {
        Content::ConsentStatus(status) => {
            notification.consent_status = Some(ConsentStatusNotification {
                id: consent_id(),
                handle: consent.handle.to_string(),
                status: if *status == Status::Rejected { unaport.rejection.as_str() } else { status.as_str() },
            });
        }
        Content::FiStatus(session) | Content::FiData(session) => {
            notification.fi_status = Some(FiStatusNotification::of(session));
        }
        Content::Analytics(_) => unreachable!("analytics have a body of their own"),
    }
    serde_json::to_vec(&notification).expect("texts and numbers serialise")
}

/// The body of an analytics notice.
///
/// Quirk: `version` and `txnId` here, `ver` and `txnid` in the other two.
pub fn analytics(notice: &Notice, analytics: &Analytics, timestamp: Timestamp) -> Vec<u8> {
    let Analytics { session, ids, status } = analytics;
    let body: Value = json!({
        "version": VERSION,
        "txnId": notice.message.to_string(),
        "timestamp": timestamp.to_string(),
        "sessionId": session.to_string(),
        "analyticId": ids,
        "status": status.as_str(),
    });
    serde_json::to_vec(&body).expect("texts and numbers serialise")
}
