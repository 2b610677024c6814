//! Data sessions, and how FIPs are made to answer.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::command::Outcome;
use crate::domain::session::{FiStatus, FipSession, Session, SessionAccount};
use crate::domain::unaport::{Analytics, AnalyticsStatus};
use crate::wire::fields::{Instant, one_of, quoted};
use crate::wire::problem::Problem;

/// A data session.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    session_id: String,
    consent_handle: String,
    consent_id: String,
    session_status: &'static str,
    opened_at: String,
    expires_at: Option<String>,
    #[schemars(with = "String")]
    from: Instant,
    #[schemars(with = "String")]
    to: Instant,
    accounts: Vec<SessionAccountView>,
    fip_sessions: Vec<FipSessionView>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SessionAccountView {
    fip_id: String,
    link_ref_number: String,
    #[serde(rename = "FIStatus")]
    fi_status: &'static str,
    description: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct FipSessionView {
    fip_id: String,
    session_id: String,
}

impl SessionView {
    pub fn new(session: &Session) -> Self {
        let account = |account: &SessionAccount| SessionAccountView {
            fip_id: account.fip.to_string(),
            link_ref_number: account.link_ref.to_string(),
            fi_status: account.status.as_str(),
            description: account.description.to_string(),
        };
        let part = |part: &FipSession| FipSessionView {
            fip_id: part.fip.to_string(),
            session_id: part.id.to_string(),
        };
        Self {
            session_id: session.id.to_string(),
            consent_handle: session.handle.to_string(),
            consent_id: session.consent_id.to_string(),
            session_status: session.status.as_str(),
            opened_at: session.opened_at.to_string(),
            expires_at: session.expires_at.map(|at| at.to_string()),
            from: Instant(session.range.from),
            to: Instant(session.range.to),
            accounts: session.accounts.iter().map(account).collect(),
            fip_sessions: session.fips.iter().map(part).collect(),
        }
    }
}

/// Body of `sessions/{id}/deliver`: READY, DENIED or TIMEOUT, by default, by FIP, by `linkRefNumber`. Without any, all
/// accounts are READY.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliverRequest {
    default: Option<String>,
    #[serde(default)]
    fips: BTreeMap<String, String>,
    #[serde(default)]
    accounts: BTreeMap<String, String>,
}

impl TryFrom<DeliverRequest> for Outcome {
    type Error = Problem;

    fn try_from(request: DeliverRequest) -> Result<Self, Problem> {
        let DeliverRequest {
            default,
            fips,
            accounts,
        } = request;
        let status = |field: &'static str, text: &str| {
            let unknown = || {
                Problem::field(
                    field,
                    format!("{} is not one of {}", quoted(text), FiStatus::answers()),
                )
            };
            FiStatus::parse_answer(text).ok_or_else(unknown)
        };
        let list = |field: &'static str, list: BTreeMap<String, String>| {
            let entries = list
                .into_iter()
                .map(|(name, text)| Ok((name.into(), status(field, &text)?)));
            entries.collect::<Result<Vec<_>, Problem>>()
        };
        let default = default.map(|text| status("default", &text)).transpose()?;
        Ok(Self::told(
            default,
            list("fips", fips)?,
            list("accounts", accounts)?,
        ))
    }
}

/// Body of `analytics`; all of it may be missing.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnalyticsRequest {
    /// SUCCESS without it.
    status: Option<String>,
}

impl TryFrom<AnalyticsRequest> for AnalyticsStatus {
    type Error = Problem;

    fn try_from(request: AnalyticsRequest) -> Result<Self, Problem> {
        match request.status {
            None => Ok(Self::Success),
            given => one_of("status", given, Self::parse, Self::names),
        }
    }
}

/// What the FIU is told about the analytics of a session.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnalyticsView {
    session_id: String,
    analytic_id: Vec<u32>,
    status: &'static str,
}

impl From<&Analytics> for AnalyticsView {
    fn from(analytics: &Analytics) -> Self {
        let Analytics {
            session,
            ids,
            status,
        } = analytics;
        Self {
            session_id: session.to_string(),
            analytic_id: ids.to_vec(),
            status: status.as_str(),
        }
    }
}
