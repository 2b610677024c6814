//! Answers of Fetch Data Status, Fetch Data, Generate Analytics and the older Account Details
//! (Unaport FIU API v2.0.0). The tabs of Fetch Data are in [`crate::wire::fi::tabs`].

use serde::Serialize;

use super::{Envelope, VERSION, format_with_offset};
use crate::domain::account::Account;
use crate::domain::consent::Consent;
use crate::domain::notification::{Notification, NotificationContent};
use crate::domain::participants::Aa;
use crate::domain::session::Session;
use crate::domain::unaport::UnaportVersion;
use crate::wire::fi::tabs::Tabs;
use crate::wire::notification::{FiStatusNotification, Notifier};

#[derive(Debug, Serialize)]
struct StoredNotification<'a> {
    ver: &'static str,
    timestamp: String,
    txnid: String,
    #[serde(rename = "Notifier")]
    notifier: Notifier<'a>,
    #[serde(rename = "FIStatusNotification")]
    status: FiStatusNotification<'a>,
}

/// The answer of Fetch Data Status.
#[derive(Debug, Serialize)]
pub(crate) struct FetchStatusResponse<'a> {
    data: Vec<StoredNotification<'a>>,
    status: &'static str,
}

/// Builds the list of data notifications that were sent for a consent.
///
/// `Assumption:` the newest notification comes first, since the collection's script takes the
/// session id from the first one; before the first notification, the list is empty.
pub(crate) fn build_fetch_status<'a>(
    notifications: &'a [Notification],
    aa: &'a Aa,
) -> FetchStatusResponse<'a> {
    let entries = notifications.iter().filter_map(|notification| {
        let NotificationContent::FiStatus(session) = &notification.content else {
            return None;
        };
        Some(StoredNotification {
            ver: VERSION,
            timestamp: format_with_offset(notification.at),
            txnid: notification.message_id.to_string(),
            notifier: Notifier::from_aa(aa),
            status: FiStatusNotification::from_session(session),
        })
    });
    FetchStatusResponse {
        data: entries.collect(),
        status: "success",
    }
}

/// The answer of Fetch Data; v2.0.0 has the envelope beside the tabs, 1.7 has none.
#[derive(Debug, Serialize)]
pub(crate) struct FetchDataResponse<'a> {
    #[serde(flatten)]
    pub envelope: Option<Envelope>,
    #[serde(flatten)]
    pub tabs: Tabs<'a>,
}

/// The state of an analytics report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReportState {
    /// Available at once.
    Ready,
    /// Still being generated.
    Pending,
}

/// The answer of Generate Analytics.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GenerateAnalyticsResponse {
    report_id: String,
    status: &'static str,
}

impl GenerateAnalyticsResponse {
    /// Creates the answer for a session.
    ///
    /// In v2.0.0 the report id is the session's first analytic id as a text; in 1.7 it is a UUID
    /// that no other call accepts (`docs/sources.md#unaport-bodies`).
    pub(crate) fn new(api_version: UnaportVersion, session: &Session, state: ReportState) -> Self {
        let report_id = match api_version {
            UnaportVersion::V2 => session.first_analytic_id.to_string(),
            UnaportVersion::V1_7 => session.id.to_string(),
        };
        Self {
            report_id,
            status: match state {
                ReportState::Ready => "200",
                ReportState::Pending => "202",
            },
        }
    }
}

/// One account in the answer of Account Details.
#[derive(Debug, Serialize)]
pub(crate) struct AccountDetail<'a> {
    account_type: &'static str,
    fetch_type: &'static str,
    /// Quirk: spelled so on the wire.
    refereuce_number: &'a str,
    created_at: String,
    session_id: String,
    fip: &'a str,
    account_no: &'a str,
    analytic_status: Option<&'static str>,
    fi_type: String,
    fidata_availability: Option<&'static str>,
    analytic_id: u32,
    bank: Option<&'static str>,
    fi_status: &'static str,
    org_id: &'a str,
    analytic_name: String,
    id: u32,
    consent_id: String,
    /// Quirk: spelled so on the wire.
    fi_discription: &'a str,
}

/// Builds the answer of Account Details: a bare list.
pub(crate) fn build_account_details<'a>(
    session: &'a Session,
    consent: &'a Consent,
    org_id: &'a str,
) -> Vec<AccountDetail<'a>> {
    let granted_accounts: Vec<&Account> = consent
        .grant
        .iter()
        .flat_map(|grant| grant.accounts.iter())
        .collect();
    let rows = session
        .accounts
        .iter()
        .zip(session.analytic_ids())
        .filter_map(|(session_account, analytic_id)| {
            let account = granted_accounts
                .iter()
                .find(|account| session_account.matches_account(account))?;
            Some(AccountDetail {
                account_type: account.account_type.as_str(),
                fetch_type: consent.terms.fetch_type.as_str(),
                refereuce_number: &session_account.link_ref,
                created_at: format_with_offset(session_account.answered_at),
                session_id: session.id.to_string(),
                fip: &session_account.fip,
                account_no: &account.masked_number,
                analytic_status: None,
                fi_type: account.fi_type.as_str().to_lowercase(),
                fidata_availability: None,
                analytic_id,
                bank: None,
                fi_status: session_account.status.as_str(),
                org_id,
                analytic_name: session.id.to_string(),
                id: analytic_id,
                consent_id: session.consent_id.to_string(),
                fi_discription: &session_account.description,
            })
        });
    rows.collect()
}
