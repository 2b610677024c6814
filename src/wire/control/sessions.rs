//! Owns the control API's view of data sessions, and the bodies that make FIPs and analytics
//! answer.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::domain::command_arguments::{AccountAnswer, AccountStatuses};
use crate::domain::session::{FiStatus, FipSession, Session, SessionAccount, SessionStatus};
use crate::domain::text::quote_value;
use crate::domain::unaport::{AnalyticsResult, AnalyticsStatus};
use crate::wire::api_error::ApiError;
use crate::wire::control::schema_types::{TimestampText, UuidText};
use crate::wire::fields::{IsoTimestamp, require_enum, require_text};

/// A data session.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SessionView {
    #[schemars(with = "UuidText")]
    session_id: String,
    #[schemars(with = "UuidText")]
    consent_handle: String,
    #[schemars(with = "UuidText")]
    consent_id: String,
    #[schemars(with = "SessionStatus")]
    session_status: &'static str,
    #[schemars(with = "TimestampText")]
    opened_at: String,
    #[schemars(with = "Option<TimestampText>")]
    expires_at: Option<String>,
    #[schemars(with = "String")]
    from: IsoTimestamp,
    #[schemars(with = "String")]
    to: IsoTimestamp,
    accounts: Vec<SessionAccountView>,
    fip_sessions: Vec<FipSessionView>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SessionAccountView {
    fip_id: String,
    link_ref_number: String,
    #[serde(rename = "FIStatus")]
    #[schemars(with = "FiStatus")]
    fi_status: &'static str,
    description: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct FipSessionView {
    fip_id: String,
    #[schemars(with = "UuidText")]
    session_id: String,
}

impl SessionView {
    /// Returns the view of a session.
    pub(crate) fn new(session: &Session) -> Self {
        Self {
            session_id: session.id.to_string(),
            consent_handle: session.handle.to_string(),
            consent_id: session.consent_id.to_string(),
            session_status: session.status.as_str(),
            opened_at: session.opened_at.to_string(),
            expires_at: session.expires_at.map(|at| at.to_string()),
            from: IsoTimestamp(session.range.from),
            to: IsoTimestamp(session.range.to),
            accounts: session
                .accounts
                .iter()
                .map(SessionAccountView::from)
                .collect(),
            fip_sessions: session.fips.iter().map(FipSessionView::from).collect(),
        }
    }
}

impl From<&SessionAccount> for SessionAccountView {
    fn from(account: &SessionAccount) -> Self {
        Self {
            fip_id: account.fip.to_string(),
            link_ref_number: account.link_ref.to_string(),
            fi_status: account.status.as_str(),
            description: account.description.to_string(),
        }
    }
}

impl From<&FipSession> for FipSessionView {
    fn from(fip_session: &FipSession) -> Self {
        Self {
            fip_id: fip_session.fip.to_string(),
            session_id: fip_session.id.to_string(),
        }
    }
}

/// The body of `sessions/{id}/deliver`: READY, DENIED or TIMEOUT as default, for each FIP, and for
/// each `linkRefNumber`. Default: all accounts are READY.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliverRequest {
    default: Option<DeliveredAnswer>,
    #[serde(default)]
    fips: BTreeMap<String, DeliveredAnswer>,
    #[serde(default)]
    accounts: BTreeMap<String, DeliveredAnswer>,
}

/// An answer: its status, or the status with a reason.
#[derive(Debug, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
enum DeliveredAnswer {
    Status(String),
    Explained {
        answer: String,
        /// The `description` of the account in the notification.
        reason: String,
    },
}

impl<'de> Deserialize<'de> for DeliveredAnswer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Explained {
            answer: String,
            reason: String,
        }

        match Value::deserialize(deserializer)? {
            Value::String(status) => Ok(Self::Status(status)),
            object @ Value::Object(_) => serde_json::from_value(object)
                .map(|Explained { answer, reason }| Self::Explained { answer, reason })
                .map_err(D::Error::custom),
            _ => Err(D::Error::custom(
                "write a status, or {\"answer\":\"DENIED\",\"reason\":\"…\"}",
            )),
        }
    }
}

impl TryFrom<DeliverRequest> for AccountStatuses {
    type Error = ApiError;

    fn try_from(request: DeliverRequest) -> Result<Self, ApiError> {
        let DeliverRequest {
            default,
            fips,
            accounts,
        } = request;
        let default = default
            .map(|answer| parse_answer("default", answer))
            .transpose()?;
        Ok(Self::with_overrides(
            default,
            parse_answers("fips", fips)?,
            parse_answers("accounts", accounts)?,
        ))
    }
}

fn parse_status(field: &'static str, text: &str) -> Result<FiStatus, ApiError> {
    FiStatus::parse_answer(text).ok_or_else(|| {
        let names = FiStatus::answer_names();
        ApiError::invalid_field(
            field,
            format!("{} is not one of {names}", quote_value(text)),
        )
    })
}

fn parse_answer(field: &'static str, answer: DeliveredAnswer) -> Result<AccountAnswer, ApiError> {
    match answer {
        DeliveredAnswer::Status(status) => Ok(parse_status(field, &status)?.into()),
        DeliveredAnswer::Explained { answer, reason } => Ok(AccountAnswer {
            status: parse_status(field, &answer)?,
            reason: Some(require_text(field, Some(reason))?.into()),
        }),
    }
}

fn parse_answers(
    field: &'static str,
    answers: BTreeMap<String, DeliveredAnswer>,
) -> Result<Vec<(Box<str>, AccountAnswer)>, ApiError> {
    answers
        .into_iter()
        .map(|(name, answer)| Ok((name.into(), parse_answer(field, answer)?)))
        .collect()
}

/// The body of `analytics`; it is optional.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnalyticsRequest {
    /// Default: SUCCESS.
    #[schemars(with = "Option<AnalyticsStatus>")]
    status: Option<String>,
}

impl TryFrom<AnalyticsRequest> for AnalyticsStatus {
    type Error = ApiError;

    fn try_from(request: AnalyticsRequest) -> Result<Self, ApiError> {
        match request.status {
            None => Ok(Self::Success),
            status => require_enum("status", status, Self::parse, Self::accepted_names),
        }
    }
}

/// The analytics of a session that the FIU is notified of.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AnalyticsView {
    #[schemars(with = "UuidText")]
    session_id: String,
    analytic_id: Vec<u32>,
    #[schemars(with = "AnalyticsStatus")]
    status: &'static str,
}

impl From<&AnalyticsResult> for AnalyticsView {
    fn from(analytics: &AnalyticsResult) -> Self {
        let AnalyticsResult {
            session,
            analytic_ids,
            status,
        } = analytics;
        Self {
            session_id: session.to_string(),
            analytic_id: analytic_ids.to_vec(),
            status: status.as_str(),
        }
    }
}
