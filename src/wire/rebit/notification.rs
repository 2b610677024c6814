//! The three notifications that FIPs post to the AA (`reference/rebit.md` §1.5), and our acknowledgement.

use serde::{Deserialize, Serialize};

use super::{AnswerHead, Echo, Head, Request, Spoken, head};
use crate::domain::ids::{ConsentId, SessionId};
use crate::domain::naming::named;
use crate::domain::session::{FiStatus, SessionStatus};
use crate::wire::fields::{bounded_list, need, object, objects, one_of, quoted, text};
use crate::wire::problem::Problem;

/// Who says that it notifies.
#[derive(Debug, Default, Deserialize)]
struct AskedNotifier {
    r#type: Option<String>,
    id: Option<String>,
}

/// A notifier whose fields are there; whether it is the caller, the caller's key says.
#[derive(Debug)]
pub struct Notifier {
    pub kind: String,
    pub id: String,
}

fn notifier(notifier: Option<AskedNotifier>) -> Result<Notifier, Problem> {
    let notifier = need("Notifier", notifier)?;
    Ok(Notifier {
        kind: text("Notifier.type", notifier.r#type)?,
        id: text("Notifier.id", notifier.id)?,
    })
}

named! {
    /// What a FIP may say of a consent (ReBIT AA API 2.0.0, `ConsentStatusNotification.consentStatus`).
    NotifiedStatus { Active = "ACTIVE", Revoked = "REVOKED", Paused = "PAUSED", Rejected = "REJECTED" }
}

/// Body of `POST /Consent/Notification`.
#[derive(Debug, Deserialize)]
pub struct ConsentNotification {
    ver: Option<String>,
    timestamp: Option<String>,
    txnid: Option<String>,
    #[serde(rename = "Notifier", default, deserialize_with = "object")]
    notifier: Option<AskedNotifier>,
    #[serde(
        rename = "ConsentStatusNotification",
        default,
        deserialize_with = "object"
    )]
    notification: Option<AskedConsentStatus>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AskedConsentStatus {
    consent_id: Option<String>,
    consent_status: Option<String>,
}

/// A consent's status as somebody tells it.
#[derive(Debug)]
pub struct ConsentNews {
    pub notifier: Notifier,
    /// `None`: what stands there is no id.
    pub consent_id: Option<ConsentId>,
    pub status: NotifiedStatus,
}

impl Request for ConsentNotification {
    type Content = ConsentNews;

    fn head(&mut self) -> Result<Head, Problem> {
        head(
            Spoken::Both,
            self.ver.take(),
            self.timestamp.take(),
            self.txnid.take(),
        )
    }

    fn content(self, _: &Head, _: &str) -> Result<ConsentNews, Problem> {
        let notifier = notifier(self.notifier)?;
        let notification = need("ConsentStatusNotification", self.notification)?;
        let id = text(
            "ConsentStatusNotification.consentId",
            notification.consent_id,
        )?;
        let field = "ConsentStatusNotification.consentStatus";
        let status = one_of(
            field,
            notification.consent_status,
            NotifiedStatus::parse,
            NotifiedStatus::names,
        )?;
        Ok(ConsentNews {
            notifier,
            consent_id: ConsentId::parse(&id),
            status,
        })
    }
}

/// Body of `POST /FI/Notification`.
#[derive(Debug, Deserialize)]
pub struct FiNotification {
    ver: Option<String>,
    timestamp: Option<String>,
    txnid: Option<String>,
    #[serde(rename = "Notifier", default, deserialize_with = "object")]
    notifier: Option<AskedNotifier>,
    #[serde(rename = "FIStatusNotification", default, deserialize_with = "object")]
    notification: Option<AskedFiStatus>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AskedFiStatus {
    session_id: Option<String>,
    session_status: Option<String>,
    #[serde(rename = "FIStatusResponse", default, deserialize_with = "objects")]
    responses: Option<Vec<AskedFiResponse>>,
}

#[derive(Debug, Deserialize)]
struct AskedFiResponse {
    #[serde(rename = "fipID")]
    fip_id: Option<String>,
    #[serde(rename = "Accounts", default, deserialize_with = "objects")]
    accounts: Option<Vec<AskedAccountStatus>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AskedAccountStatus {
    link_ref_number: Option<String>,
    #[serde(rename = "FIStatus")]
    fi_status: Option<String>,
    description: Option<String>,
}

/// How a FIP's part of a session fares.
#[derive(Debug)]
pub struct FiNews {
    pub notifier: Notifier,
    /// The session as the FIP knows it; `None`: what stands there is no id.
    pub session: Option<SessionId>,
    pub status: SessionStatus,
    /// The FIPs that it speaks for.
    pub fips: Vec<String>,
    /// `linkRefNumber`, status and description.
    pub accounts: Vec<(Box<str>, FiStatus, Box<str>)>,
}

impl Request for FiNotification {
    type Content = FiNews;

    fn head(&mut self) -> Result<Head, Problem> {
        head(
            Spoken::Both,
            self.ver.take(),
            self.timestamp.take(),
            self.txnid.take(),
        )
    }

    fn content(self, _: &Head, _: &str) -> Result<FiNews, Problem> {
        const RESPONSES: &str = "FIStatusNotification.FIStatusResponse";
        const ACCOUNTS: &str = "FIStatusNotification.FIStatusResponse.Accounts";
        let notifier = notifier(self.notifier)?;
        let notification = need("FIStatusNotification", self.notification)?;
        let session = text("FIStatusNotification.sessionId", notification.session_id)?;
        let field = "FIStatusNotification.sessionStatus";
        let status = one_of(
            field,
            notification.session_status,
            SessionStatus::parse,
            SessionStatus::names,
        )?;
        let mut news = FiNews {
            notifier,
            session: SessionId::parse(&session),
            status,
            fips: Vec::new(),
            accounts: Vec::new(),
        };
        for response in filled(RESPONSES, notification.responses)? {
            news.fips.push(text(
                "FIStatusNotification.FIStatusResponse.fipID",
                response.fip_id,
            )?);
            for account in filled(ACCOUNTS, response.accounts)? {
                let link = text(
                    "FIStatusNotification.FIStatusResponse.Accounts.linkRefNumber",
                    account.link_ref_number,
                )?;
                let field = "FIStatusNotification.FIStatusResponse.Accounts.FIStatus";
                let status = one_of(field, account.fi_status, FiStatus::parse, FiStatus::names)?;
                let field = "FIStatusNotification.FIStatusResponse.Accounts.description";
                if news.accounts.iter().any(|(known, ..)| **known == *link) {
                    return Err(Problem::field(
                        ACCOUNTS,
                        format!("names the account {} twice", quoted(&link)),
                    ));
                }
                news.accounts.push((
                    link.into(),
                    status,
                    text(field, account.description)?.into(),
                ));
            }
        }
        let pending = news
            .accounts
            .iter()
            .find(|(_, status, _)| *status == FiStatus::Pending);
        if let (SessionStatus::Completed, Some((link, _, _))) = (status, pending) {
            let problem = format!(
                "sessionStatus is COMPLETED while account {} is PENDING",
                quoted(link)
            );
            return Err(Problem::FiStatusNotification(problem));
        }
        Ok(news)
    }
}

/// A list that has to have something in it.
fn filled<T>(field: &'static str, list: Option<Vec<T>>) -> Result<Vec<T>, Problem> {
    let list = need(field, list)?;
    bounded_list(field, &list)?;
    if list.is_empty() {
        Err(Problem::field(field, "is empty"))
    } else {
        Ok(list)
    }
}

/// Body of `POST /Account/link/Notification`.
#[derive(Debug, Deserialize)]
pub struct LinkNotification {
    ver: Option<String>,
    timestamp: Option<String>,
    txnid: Option<String>,
    #[serde(rename = "Notifier", default, deserialize_with = "object")]
    notifier: Option<AskedNotifier>,
    #[serde(
        rename = "AccountLinkStatusNotification",
        default,
        deserialize_with = "object"
    )]
    notification: Option<AskedLinkStatus>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AskedLinkStatus {
    acc_ref_number: Option<String>,
    customer_address: Option<String>,
    link_ref_number: Option<String>,
    link_status: Option<String>,
}

/// An account that a FIP has linked.
#[derive(Debug)]
pub struct LinkNews {
    pub notifier: Notifier,
    pub account_ref: String,
    pub customer: String,
    pub link_ref: String,
}

impl Request for LinkNotification {
    type Content = LinkNews;

    fn head(&mut self) -> Result<Head, Problem> {
        head(
            Spoken::Both,
            self.ver.take(),
            self.timestamp.take(),
            self.txnid.take(),
        )
    }

    fn content(self, _: &Head, aa_handle: &str) -> Result<LinkNews, Problem> {
        const CUSTOMER: &str = "AccountLinkStatusNotification.customerAddress";
        let notifier = notifier(self.notifier)?;
        let AskedLinkStatus {
            acc_ref_number,
            customer_address,
            link_ref_number,
            link_status,
        } = need("AccountLinkStatusNotification", self.notification)?;
        let account_ref = text("AccountLinkStatusNotification.accRefNumber", acc_ref_number)?;
        let customer = text(CUSTOMER, customer_address)?;
        let link_ref = text(
            "AccountLinkStatusNotification.linkRefNumber",
            link_ref_number,
        )?;
        let linked = |status: &str| (status == "LINKED").then_some(());
        one_of(
            "AccountLinkStatusNotification.linkStatus",
            link_status,
            linked,
            || "LINKED".to_owned(),
        )?;
        match customer.split_once('@') {
            Some((name, handle)) if !name.is_empty() && !handle.is_empty() => {}
            _ => {
                let problem = format!(
                    "{} is not an address of the form name@{aa_handle}",
                    quoted(&customer)
                );
                return Err(Problem::field(CUSTOMER, problem));
            }
        }
        Ok(LinkNews {
            notifier,
            account_ref,
            customer,
            link_ref,
        })
    }
}

/// Our acknowledgement (ReBIT AA API 2.0.0, `NotificationResponse`).
#[derive(Debug, Serialize)]
pub struct NotificationResponse<'a> {
    #[serde(flatten)]
    head: AnswerHead<'a>,
    response: &'static str,
}

impl<'a> NotificationResponse<'a> {
    pub fn ok(echo: Echo<'a>) -> Self {
        Self {
            head: echo.head(),
            response: "OK",
        }
    }
}
