//! Customers, their accounts, and what is done to them.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::AccountView;
use crate::domain::account::Account;
use crate::domain::customer::{Customer, PendingLink};
use crate::domain::event::Event;
use crate::domain::participants::LinkingMethod;
use crate::wire::api_error::ApiError;
use crate::wire::fields::{require_field, require_text};

/// A customer and all accounts at the simulated FIPs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CustomerView {
    customer: String,
    registered: bool,
    /// Whose life the accounts tell from now on.
    persona: String,
    items: Vec<AccountView>,
    pending: Vec<LinkRequestView>,
}

impl CustomerView {
    /// `said` is what is on record; whoever has no record is registered.
    pub fn new(
        address: &str,
        persona: &str,
        record: Option<&Customer>,
        accounts: &[(Account, bool)],
    ) -> Self {
        Self {
            customer: address.to_owned(),
            persona: persona.to_owned(),
            registered: record.is_none_or(|record| record.registered),
            items: accounts
                .iter()
                .map(|(account, linked)| AccountView::new(account, Some(*linked)))
                .collect(),
            pending: record
                .iter()
                .flat_map(|record| &record.pending_links)
                .map(|link| LinkRequestView::new(link))
                .collect(),
        }
    }
}

/// A wish to link accounts, in the words of ReBIT's `AccLinkResponse`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LinkRequestView {
    #[serde(rename = "RefNumber")]
    reference: String,
    #[serde(rename = "AuthenticatorType")]
    authenticator: &'static str,
    #[serde(rename = "fipId")]
    fip: String,
    /// When the password expires; a FIP that authenticates by itself takes its time.
    #[serde(rename = "expiresAt")]
    expires_at: Option<String>,
}

impl LinkRequestView {
    fn new(link: &PendingLink) -> Self {
        Self {
            reference: link.id.to_string(),
            authenticator: link.linking.as_str(),
            fip: link.fip.to_string(),
            expires_at: (link.linking == LinkingMethod::Token).then(|| link.expires_at.to_string()),
        }
    }

    /// The wish that an event is about.
    pub fn from_event(event: &Event) -> Option<Self> {
        match event {
            Event::LinkRequested { link } => Some(Self::new(link)),
            _ => None,
        }
    }
}

/// Body of `customers/{id}/link`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LinkRequest {
    fip_id: Option<String>,
    /// `accRefNumber`s.
    accounts: Option<Vec<String>>,
}

impl LinkRequest {
    pub fn into_validated(self) -> Result<(Arc<str>, Vec<Box<str>>), ApiError> {
        let fip = require_text("fipId", self.fip_id)?;
        let accounts = require_field("accounts", self.accounts)?;
        if accounts.is_empty() {
            return Err(ApiError::invalid_field(
                "accounts",
                "is empty; name accRefNumbers from GET …/accounts",
            ));
        }
        Ok((fip.into(), accounts.into_iter().map(Into::into).collect()))
    }
}

/// Body of `customers/{id}/verify`. A FIP that authenticates by itself needs no token.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerifyRequest {
    ref_number: Option<String>,
    #[serde(default)]
    token: String,
}

impl VerifyRequest {
    pub fn into_validated(self) -> Result<(String, Box<str>), ApiError> {
        Ok((
            require_text("refNumber", self.ref_number)?,
            self.token.into(),
        ))
    }
}

/// Body of `customers/{id}/persona`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonaRequest {
    persona: Option<String>,
}

impl PersonaRequest {
    pub fn into_validated(self) -> Result<String, ApiError> {
        require_text("persona", self.persona)
    }
}

/// Body of `customers/{id}/delink`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DelinkRequest {
    link_ref_number: Option<String>,
}

impl DelinkRequest {
    pub fn into_validated(self) -> Result<Box<str>, ApiError> {
        Ok(require_text("linkRefNumber", self.link_ref_number)?.into())
    }
}
