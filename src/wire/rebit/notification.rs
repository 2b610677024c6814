//! Owns the three notifications that FIPs send to the AA, and the AA's acknowledgement (ReBIT AA
//! API 2.0.0; `docs/sources.md#rebit-messages`). Leaves the identity of the caller to
//! `http::security`.

use serde::{Deserialize, Serialize};

use super::{Head, Request, ResponseContext, ResponseHead, VersionSupport, parse_head};
use crate::domain::ids::{ConsentId, SessionId};
use crate::domain::naming::wire_enum;
use crate::domain::session::{FiStatus, SessionStatus};
use crate::domain::text::quote_value;
use crate::wire::api_error::ApiError;
use crate::wire::fields::{
    check_list_length, deserialize_object, deserialize_object_list, is_customer_address,
    require_enum, require_field, require_text,
};

/// The claimed sender of a notification, not yet validated.
#[derive(Debug, Default, Deserialize)]
struct UncheckedNotifier {
    r#type: Option<String>,
    id: Option<String>,
}

/// The claimed sender of a notification. The caller's key decides whether the claim is true.
#[derive(Debug)]
pub(crate) struct Notifier {
    pub kind: String,
    pub id: String,
}

fn parse_notifier(notifier: Option<UncheckedNotifier>) -> Result<Notifier, ApiError> {
    let notifier = require_field("Notifier", notifier)?;
    Ok(Notifier {
        kind: require_text("Notifier.type", notifier.r#type)?,
        id: require_text("Notifier.id", notifier.id)?,
    })
}

wire_enum! {
    /// The consent statuses that a FIP may report (ReBIT AA API 2.0.0,
    /// `ConsentStatusNotification.consentStatus`).
    NotifiedStatus { Active = "ACTIVE", Revoked = "REVOKED", Paused = "PAUSED", Rejected = "REJECTED" }
}

/// The body of `POST /Consent/Notification`.
#[derive(Debug, Deserialize)]
pub(crate) struct ConsentNotification {
    ver: Option<String>,
    timestamp: Option<String>,
    txnid: Option<String>,
    #[serde(rename = "Notifier", default, deserialize_with = "deserialize_object")]
    notifier: Option<UncheckedNotifier>,
    #[serde(
        rename = "ConsentStatusNotification",
        default,
        deserialize_with = "deserialize_object"
    )]
    notification: Option<UncheckedConsentStatus>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UncheckedConsentStatus {
    consent_id: Option<String>,
    consent_status: Option<String>,
}

/// A reported status of a consent.
#[derive(Debug)]
pub(crate) struct ConsentNotificationContent {
    pub notifier: Notifier,
    /// `None` if the text is not an id.
    pub consent_id: Option<ConsentId>,
    pub status: NotifiedStatus,
}

impl Request for ConsentNotification {
    type Content = ConsentNotificationContent;

    fn take_head(&mut self) -> Result<Head, ApiError> {
        parse_head(
            VersionSupport::Both,
            self.ver.take(),
            self.timestamp.take(),
            self.txnid.take(),
        )
    }

    fn into_content(self, _: &Head, _: &str) -> Result<ConsentNotificationContent, ApiError> {
        let notifier = parse_notifier(self.notifier)?;
        let notification = require_field("ConsentStatusNotification", self.notification)?;
        let id = require_text(
            "ConsentStatusNotification.consentId",
            notification.consent_id,
        )?;
        let field = "ConsentStatusNotification.consentStatus";
        let status = require_enum(
            field,
            notification.consent_status,
            NotifiedStatus::parse,
            NotifiedStatus::accepted_names,
        )?;
        Ok(ConsentNotificationContent {
            notifier,
            consent_id: ConsentId::parse(&id),
            status,
        })
    }
}

/// The body of `POST /FI/Notification`.
#[derive(Debug, Deserialize)]
pub(crate) struct FiNotification {
    ver: Option<String>,
    timestamp: Option<String>,
    txnid: Option<String>,
    #[serde(rename = "Notifier", default, deserialize_with = "deserialize_object")]
    notifier: Option<UncheckedNotifier>,
    #[serde(
        rename = "FIStatusNotification",
        default,
        deserialize_with = "deserialize_object"
    )]
    notification: Option<UncheckedFiStatus>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UncheckedFiStatus {
    session_id: Option<String>,
    session_status: Option<String>,
    #[serde(
        rename = "FIStatusResponse",
        default,
        deserialize_with = "deserialize_object_list"
    )]
    responses: Option<Vec<UncheckedFiResponse>>,
}

#[derive(Debug, Deserialize)]
struct UncheckedFiResponse {
    #[serde(rename = "fipID")]
    fip_id: Option<String>,
    #[serde(
        rename = "Accounts",
        default,
        deserialize_with = "deserialize_object_list"
    )]
    accounts: Option<Vec<UncheckedAccountStatus>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UncheckedAccountStatus {
    link_ref_number: Option<String>,
    #[serde(rename = "FIStatus")]
    fi_status: Option<String>,
    description: Option<String>,
}

/// A reported status of a FIP's part of a session.
#[derive(Debug)]
pub(crate) struct FiNotificationContent {
    pub notifier: Notifier,
    /// The FIP's own session id; `None` if the text is not an id.
    pub session: Option<SessionId>,
    pub status: SessionStatus,
    /// The FIPs whose accounts are reported.
    pub fips: Vec<String>,
    /// The `linkRefNumber`, status and description of each account.
    pub accounts: Vec<(Box<str>, FiStatus, Box<str>)>,
}

impl Request for FiNotification {
    type Content = FiNotificationContent;

    fn take_head(&mut self) -> Result<Head, ApiError> {
        parse_head(
            VersionSupport::Both,
            self.ver.take(),
            self.timestamp.take(),
            self.txnid.take(),
        )
    }

    fn into_content(self, _: &Head, _: &str) -> Result<FiNotificationContent, ApiError> {
        const RESPONSES: &str = "FIStatusNotification.FIStatusResponse";
        const ACCOUNTS: &str = "FIStatusNotification.FIStatusResponse.Accounts";
        let notifier = parse_notifier(self.notifier)?;
        let notification = require_field("FIStatusNotification", self.notification)?;
        let session = require_text("FIStatusNotification.sessionId", notification.session_id)?;
        let field = "FIStatusNotification.sessionStatus";
        let status = require_enum(
            field,
            notification.session_status,
            SessionStatus::parse,
            SessionStatus::accepted_names,
        )?;
        let mut content = FiNotificationContent {
            notifier,
            session: SessionId::parse(&session),
            status,
            fips: Vec::new(),
            accounts: Vec::new(),
        };
        for response in require_non_empty(RESPONSES, notification.responses)? {
            content.fips.push(require_text(
                "FIStatusNotification.FIStatusResponse.fipID",
                response.fip_id,
            )?);
            for account in require_non_empty(ACCOUNTS, response.accounts)? {
                let link = require_text(
                    "FIStatusNotification.FIStatusResponse.Accounts.linkRefNumber",
                    account.link_ref_number,
                )?;
                let field = "FIStatusNotification.FIStatusResponse.Accounts.FIStatus";
                let status = require_enum(
                    field,
                    account.fi_status,
                    FiStatus::parse,
                    FiStatus::accepted_names,
                )?;
                let field = "FIStatusNotification.FIStatusResponse.Accounts.description";
                if content.accounts.iter().any(|(known, ..)| **known == *link) {
                    return Err(ApiError::invalid_field(
                        ACCOUNTS,
                        format!("names the account {} twice", quote_value(&link)),
                    ));
                }
                content.accounts.push((
                    link.into(),
                    status,
                    require_text(field, account.description)?.into(),
                ));
            }
        }
        let pending = content
            .accounts
            .iter()
            .find(|(_, status, _)| *status == FiStatus::Pending);
        if let (SessionStatus::Completed, Some((link, _, _))) = (status, pending) {
            let message = format!(
                "sessionStatus is COMPLETED while account {} is PENDING",
                quote_value(link)
            );
            return Err(ApiError::InvalidFiStatusNotification(message));
        }
        Ok(content)
    }
}

/// Returns a required list with at least one entry.
fn require_non_empty<T>(field: &'static str, list: Option<Vec<T>>) -> Result<Vec<T>, ApiError> {
    let list = require_field(field, list)?;
    check_list_length(field, &list)?;
    if list.is_empty() {
        Err(ApiError::invalid_field(field, "is empty"))
    } else {
        Ok(list)
    }
}

/// The body of `POST /Account/link/Notification`.
#[derive(Debug, Deserialize)]
pub(crate) struct LinkNotification {
    ver: Option<String>,
    timestamp: Option<String>,
    txnid: Option<String>,
    #[serde(rename = "Notifier", default, deserialize_with = "deserialize_object")]
    notifier: Option<UncheckedNotifier>,
    #[serde(
        rename = "AccountLinkStatusNotification",
        default,
        deserialize_with = "deserialize_object"
    )]
    notification: Option<UncheckedLinkStatus>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UncheckedLinkStatus {
    acc_ref_number: Option<String>,
    customer_address: Option<String>,
    link_ref_number: Option<String>,
    link_status: Option<String>,
}

/// An account that a FIP has linked.
#[derive(Debug)]
pub(crate) struct LinkNotificationContent {
    pub notifier: Notifier,
    pub account_ref: String,
    pub customer: String,
    pub link_ref: String,
}

impl Request for LinkNotification {
    type Content = LinkNotificationContent;

    fn take_head(&mut self) -> Result<Head, ApiError> {
        parse_head(
            VersionSupport::Both,
            self.ver.take(),
            self.timestamp.take(),
            self.txnid.take(),
        )
    }

    fn into_content(self, _: &Head, aa_handle: &str) -> Result<LinkNotificationContent, ApiError> {
        const CUSTOMER: &str = "AccountLinkStatusNotification.customerAddress";
        let notifier = parse_notifier(self.notifier)?;
        let UncheckedLinkStatus {
            acc_ref_number,
            customer_address,
            link_ref_number,
            link_status,
        } = require_field("AccountLinkStatusNotification", self.notification)?;
        let account_ref =
            require_text("AccountLinkStatusNotification.accRefNumber", acc_ref_number)?;
        let customer = require_text(CUSTOMER, customer_address)?;
        let link_ref = require_text(
            "AccountLinkStatusNotification.linkRefNumber",
            link_ref_number,
        )?;
        require_enum(
            "AccountLinkStatusNotification.linkStatus",
            link_status,
            |status| (status == "LINKED").then_some(()),
            || "LINKED".to_owned(),
        )?;
        if !is_customer_address(&customer) {
            let message = format!(
                "{} is not an address of the form name@{aa_handle}",
                quote_value(&customer)
            );
            return Err(ApiError::invalid_field(CUSTOMER, message));
        }
        Ok(LinkNotificationContent {
            notifier,
            account_ref,
            customer,
            link_ref,
        })
    }
}

/// The AA's acknowledgement (ReBIT AA API 2.0.0, `NotificationResponse`).
#[derive(Debug, Serialize)]
pub(crate) struct NotificationResponse<'a> {
    #[serde(flatten)]
    head: ResponseHead<'a>,
    response: &'static str,
}

impl<'a> NotificationResponse<'a> {
    /// Returns a positive acknowledgement.
    pub(crate) fn new_ok(context: ResponseContext<'a>) -> Self {
        Self {
            head: context.response_head(),
            response: "OK",
        }
    }
}
