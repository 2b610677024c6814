//! Owns the bodies that are sent to an FIU: the two notifications of the ReBIT FIU API 2.0.0, and a
//! third one of the sandbox's own with the statement. Also reads the FIU's acknowledgement. Leaves
//! headers and signatures to `webhooks`, Unaport's bodies to `unaport`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::call_facts::Acknowledgement;
use crate::domain::consent::{Api, Consent, Status};
use crate::domain::delivery::AttemptOutcome;
use crate::domain::notification::{Notification, NotificationContent, RawNotification};
use crate::domain::participants::Aa;
use crate::domain::session::{Session, SessionAccount};
use crate::domain::statement::SentStatement;
use crate::domain::text::quote_value;
use crate::domain::time::Timestamp;
use crate::domain::unaport::DepositTab;
use crate::domain::version::RebitVersion;
use crate::wire::fi::tabs::Tabs;
use crate::wire::fi::xml;
use crate::wire::fields::parse_timestamp;

/// Returns the FIU API version of the notifications about a consent that was requested through this
/// API.
fn fiu_api_version(api: Api) -> RebitVersion {
    match api {
        Api::Seed | Api::Unaport => RebitVersion::V2_0_0,
        Api::Rebit(version) => version.callback_version(),
    }
}

#[derive(Debug, Serialize)]
struct NotificationBody<'a> {
    ver: &'static str,
    timestamp: String,
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
}

/// The sender of a notification.
#[derive(Debug, Serialize)]
pub(crate) struct Notifier<'a> {
    r#type: &'static str,
    id: &'a str,
}

impl<'a> Notifier<'a> {
    /// Returns an AA as notifier.
    pub(crate) fn from_aa(aa: &'a Aa) -> Self {
        Self {
            r#type: "AA",
            id: &aa.id,
        }
    }
}

/// The status of a consent. `consentId` is absent if the consent was never approved: REJECTED,
/// FAILED, or EXPIRED without an answer (ReBIT FIU API 2.0.0, `ConsentStatusNotification`;
/// `docs/sources.md#consent-artefact-states`).
#[derive(Debug, Serialize)]
struct ConsentStatusNotification {
    #[serde(rename = "consentId", skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(rename = "consentHandle")]
    handle: String,
    #[serde(rename = "consentStatus")]
    status: &'static str,
}

/// The status of a session and of its accounts (ReBIT FIU API 2.0.0, `FIStatusNotification`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FiStatusNotification<'a> {
    session_id: String,
    session_status: &'static str,
    #[serde(rename = "FIStatusResponse")]
    responses: Vec<FiStatusResponse<'a>>,
}

#[derive(Debug, Serialize)]
struct FiStatusResponse<'a> {
    #[serde(rename = "fipID")]
    fip_id: &'a str,
    #[serde(rename = "Accounts")]
    accounts: Vec<AccountStatus<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AccountStatus<'a> {
    link_ref_number: &'a str,
    #[serde(rename = "FIStatus")]
    fi_status: &'static str,
    description: &'a str,
}

/// The statement itself, an extension of this sandbox: `statement` in the shape of Unaport's tabs,
/// `xml` one FI schema document per account.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FiData<'a> {
    consent_id: String,
    consent_handle: String,
    statement: Tabs<'a>,
    xml: Vec<AccountXml<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AccountXml<'a> {
    #[serde(rename = "fipID")]
    fip_id: &'a str,
    link_ref_number: &'a str,
    masked_acc_number: &'a str,
    #[serde(rename = "FI")]
    document: String,
}

/// Returns the body of a notification in ReBIT's format. `timestamp` is that of the message;
/// `statements` are those of the session's READY accounts, and needed for FI data only.
///
/// # Panics
/// When the notification is about analytics, which ReBIT does not have.
pub(crate) fn encode_rebit_body(
    notification: &Notification,
    aa: &Aa,
    timestamp: Timestamp,
    statements: &[SentStatement],
) -> Vec<u8> {
    let Notification {
        message_id,
        consent,
        content,
        cause: _,
        fiu: _,
        at: _,
        message_time: _,
    } = notification;
    let mut body = NotificationBody {
        ver: fiu_api_version(consent.api).as_str(),
        timestamp: timestamp.to_string(),
        txnid: message_id.to_string(),
        notifier: Notifier::from_aa(aa),
        consent_status: None,
        fi_status: None,
        fi_data: None,
    };
    match content {
        NotificationContent::ConsentStatus(status) => {
            body.consent_status = Some(build_consent_status(consent, *status));
        }
        NotificationContent::FiStatus(session) => {
            body.fi_status = Some(FiStatusNotification::from_session(session));
        }
        NotificationContent::FiData(session) => {
            body.fi_status = Some(FiStatusNotification::from_session(session));
            body.fi_data = Some(FiData::from_session(session, statements));
        }
        NotificationContent::Analytics(_) => unreachable!("only Unaport notifies of analytics"),
        NotificationContent::Raw(raw) => return fill_placeholders(raw, notification, timestamp),
    }
    serde_json::to_vec(&body).expect("texts and numbers serialise")
}

/// The names that a scenario may write in double braces in the body of a notification.
pub(crate) const PLACEHOLDERS: [&str; 7] = [
    "consentHandle",
    "consentId",
    "customer",
    "fiuId",
    "sessionId",
    "timestamp",
    "txnid",
];

/// Returns the body that a scenario has written, with its placeholders replaced. Values that the
/// consent lacks are empty.
pub(crate) fn fill_placeholders(
    raw: &RawNotification,
    notification: &Notification,
    timestamp: Timestamp,
) -> Vec<u8> {
    let consent = &notification.consent;
    let mut text = String::from_utf8_lossy(&raw.body).into_owned();
    for name in PLACEHOLDERS {
        let placeholder = format!("{{{{{name}}}}}");
        if !text.contains(&placeholder) {
            continue;
        }
        let value = match name {
            "consentHandle" => consent.handle.to_string(),
            "consentId" => consent
                .consent_id()
                .map(|id| id.to_string())
                .unwrap_or_default(),
            "customer" => consent.terms.customer.to_string(),
            "fiuId" => notification.fiu.to_string(),
            "sessionId" => {
                let session = consent.grant.as_ref().and_then(|grant| grant.session);
                session.map(|id| id.to_string()).unwrap_or_default()
            }
            "timestamp" => timestamp.to_string(),
            _ => notification.message_id.to_string(),
        };
        // Values chosen by callers are escaped, so that they cannot end the JSON string around
        // them.
        let json_string = serde_json::to_string(&value).expect("texts serialise");
        text = text.replace(&placeholder, &json_string[1..json_string.len() - 1]);
    }
    text.into_bytes()
}

fn build_consent_status(consent: &Consent, status: Status) -> ConsentStatusNotification {
    ConsentStatusNotification {
        id: consent.consent_id().map(|id| id.to_string()),
        handle: consent.handle.to_string(),
        // The enum of the FIU API 2.0.0 has no FAILED.
        status: if status == Status::Failed {
            Status::Rejected
        } else {
            status
        }
        .as_str(),
    }
}

impl<'a> FiStatusNotification<'a> {
    /// Returns the status of a session. Accounts are grouped by FIP, in the order in which FIPs
    /// first appear.
    pub(crate) fn from_session(session: &'a Session) -> Self {
        let mut responses: Vec<FiStatusResponse<'_>> = Vec::new();
        for SessionAccount {
            fip,
            link_ref,
            status,
            description,
            answered_at: _,
            changes: _,
        } in &session.accounts
        {
            let account = AccountStatus {
                link_ref_number: link_ref,
                fi_status: status.as_str(),
                description,
            };
            match responses
                .iter_mut()
                .find(|response| response.fip_id == &**fip)
            {
                Some(response) => response.accounts.push(account),
                None => responses.push(FiStatusResponse {
                    fip_id: fip,
                    accounts: vec![account],
                }),
            }
        }
        Self {
            session_id: session.id.to_string(),
            session_status: session.status.as_str(),
            responses,
        }
    }
}

impl<'a> FiData<'a> {
    /// Returns the statements of a session's accounts.
    pub(crate) fn from_session(session: &Session, statements: &'a [SentStatement]) -> Self {
        Self {
            consent_id: session.consent_id.to_string(),
            consent_handle: session.handle.to_string(),
            statement: Tabs::new(statements, session),
            xml: statements.iter().map(render_account_xml).collect(),
        }
    }
}

impl FiData<'_> {
    /// Returns the data as the Unaport API shows it to an organisation.
    #[must_use]
    pub(crate) fn for_org(self, org_id: &str, deposit_tab: DepositTab) -> Self {
        Self {
            statement: self.statement.for_org(org_id, deposit_tab),
            ..self
        }
    }
}

fn render_account_xml(statement: &SentStatement) -> AccountXml<'_> {
    let mut document = Vec::new();
    xml::write_statement(statement, &mut document);
    let document = String::from_utf8(document).expect("documents are UTF-8");
    AccountXml {
        fip_id: &statement.account.fip,
        link_ref_number: &statement.account.link_ref,
        masked_acc_number: &statement.account.masked_number,
        document,
    }
}

/// Recorded length of a response body, in bytes; the rest is not read.
pub(crate) const RESPONSE_BYTES_MAX: usize = 20_000;

/// The FIU's acknowledgement (ReBIT FIU API 2.0.0, `NotificationResponse`).
#[derive(Debug, Deserialize)]
struct AcknowledgementBody {
    response: Option<String>,
    #[serde(rename = "errorCode")]
    error_code: Option<String>,
}

/// Returns a warning if the body of a 2xx response reports an error. A body of any other content is
/// accepted, because many FIUs respond with a format of their own.
pub(crate) fn find_ack_error(body: &str) -> Option<String> {
    let AcknowledgementBody {
        response,
        error_code,
    } = serde_json::from_str(body).ok()?;
    if let Some(code) = error_code {
        return Some(format!(
            "the FIU responded with 2xx, but the body has errorCode {}",
            quote_value(&code)
        ));
    }
    let response = response.filter(|response| response != "OK")?;
    Some(format!(
        "the FIU responded with 2xx, but the body has response {} instead of OK",
        quote_value(&response)
    ))
}

/// Compares the body of an FIU's answer with `NotificationResponse` (ReBIT FIU API 2.0.0), whatever
/// its media type. `sent_txnid` is that of the webhook. Only an answer that reports an error can
/// object to the signature.
pub(crate) fn check_acknowledgement(
    outcome: &AttemptOutcome,
    sent_txnid: Option<&str>,
) -> Acknowledgement {
    let body = outcome.body();
    let reports_error = match outcome {
        AttemptOutcome::Accepted { remark, .. } => remark.is_some(),
        AttemptOutcome::Rejected { .. } => true,
        AttemptOutcome::Failed { .. } => false,
    };
    let text = body.to_ascii_lowercase();
    let names_signature = ["signature", "jws"].iter().any(|word| text.contains(word));
    let (has_response, problems) = match serde_json::from_str::<Value>(body) {
        Ok(Value::Object(fields)) => (
            fields.contains_key("response"),
            find_response_problems(&fields, sent_txnid),
        ),
        _ if body.trim().is_empty() => (false, vec!["the body is empty".to_owned()]),
        Err(_) if body.len() >= RESPONSE_BYTES_MAX => {
            let problem = format!("the body has {RESPONSE_BYTES_MAX} bytes or more");
            (false, vec![problem])
        }
        _ => (false, vec!["the body is not a JSON object".to_owned()]),
    };
    Acknowledgement {
        has_response,
        objects_to_signature: reports_error && names_signature,
        problems,
    }
}

fn find_response_problems(fields: &Map<String, Value>, sent_txnid: Option<&str>) -> Vec<String> {
    let mut problems = Vec::new();
    if let Some(code) = fields.get("errorCode") {
        problems.push(format!("errorCode is {code}"));
    }
    for field in ["ver", "timestamp", "txnid", "response"] {
        let problem = match fields.get(field) {
            None | Some(Value::Null) => Some("is missing".to_owned()),
            Some(Value::String(text)) => match field {
                _ if text.trim().is_empty() => Some("is empty".to_owned()),
                "timestamp" if parse_timestamp(text).is_none() => Some(format!(
                    "{} is not an ISO 8601 date-time",
                    quote_value(text)
                )),
                "txnid" => sent_txnid.filter(|sent| sent != text).map(|sent| {
                    format!("{} is not that of the webhook, {sent}", quote_value(text))
                }),
                "response" if text != "OK" => {
                    Some(format!("is {} instead of OK", quote_value(text)))
                }
                _ => None,
            },
            Some(other) => Some(format!(
                "{} is not a string",
                quote_value(&other.to_string())
            )),
        };
        problems.extend(problem.map(|problem| format!("{field} {problem}")));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::{AttemptOutcome, check_acknowledgement, find_ack_error};

    #[test]
    fn an_acknowledgement_that_reports_an_error_is_flagged() {
        assert_eq!(find_ack_error(r#"{"ver":"2.0.0","response":"OK"}"#), None);
        assert_eq!(find_ack_error(""), None);
        assert_eq!(find_ack_error("<html>"), None);
        assert_eq!(find_ack_error(r#"{"success":true}"#), None);
        assert!(find_ack_error(r#"{"response":"FAILED"}"#).is_some());
        assert!(find_ack_error(r#"{"errorCode":"InvalidRequest"}"#).is_some());
    }

    #[test]
    fn a_response_needs_all_fields_and_the_txnid_of_the_webhook() {
        let whole = r#"{"ver":"2.0.0","timestamp":"2018-09-22T06:13:30.967+0000","txnid":"t","response":"OK"}"#;
        let accepted = |body: &str| AttemptOutcome::Accepted {
            status: 200,
            body: body.to_owned(),
            remark: None,
        };
        let problems = |body: &str| check_acknowledgement(&accepted(body), Some("t")).problems;
        assert_eq!(problems(whole), Vec::<String>::new());
        for (old, new, problem) in [
            (r#""ver":"2.0.0","#, "", "ver is missing"),
            ("2.0.0", " ", "ver is empty"),
            (
                "2018-09-22T",
                "22.9.2018 ",
                "timestamp '22.9.2018 06:13:30.967+0000' is not an ISO 8601 date-time",
            ),
            (
                r#""t""#,
                r#""u""#,
                "txnid 'u' is not that of the webhook, t",
            ),
            (r#""t""#, "5", "txnid '5' is not a string"),
            (r#""OK""#, r#""ok""#, "response is 'ok' instead of OK"),
        ] {
            assert_eq!(problems(&whole.replace(old, new)), [problem]);
        }
        assert_eq!(problems(" "), ["the body is empty"]);
        assert_eq!(problems("OK"), ["the body is not a JSON object"]);
        let cut = format!("{{\"response\":\"{}", "O".repeat(20_000));
        assert_eq!(problems(&cut), ["the body has 20000 bytes or more"]);
        let rejected = |body: &str| AttemptOutcome::Rejected {
            status: 401,
            body: body.to_owned(),
        };
        for (outcome, objects) in [
            (rejected("invalid JWS"), true),
            (rejected("no such consent"), false),
            (accepted("the signature is valid"), false),
        ] {
            let acknowledgement = check_acknowledgement(&outcome, None);
            assert_eq!(acknowledgement.objects_to_signature, objects, "{outcome:?}");
        }
    }
}
