//! Owns the control API's view of a customer with all accounts, and the bodies of the calls on a
//! customer.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::AccountView;
use crate::domain::account::CustomerAccount;
use crate::domain::customer::{Customer, PendingLink};
use crate::domain::event::Event;
use crate::domain::participants::LinkingMethod;
use crate::wire::api_error::ApiError;
use crate::wire::control::schema_types::{FilledText, TimestampText};
use crate::wire::fields::{require_field, require_text};

/// A customer and all accounts at the simulated FIPs.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CustomerView {
    customer: String,
    registered: bool,
    /// The persona of accounts that are generated from now on.
    persona: String,
    items: Vec<AccountView>,
    pending: Vec<LinkRequestView>,
}

impl CustomerView {
    /// Returns the view of a customer. A customer without a record counts as registered.
    pub(crate) fn new(
        address: &str,
        persona: &str,
        record: Option<&Customer>,
        accounts: &[CustomerAccount],
    ) -> Self {
        Self {
            customer: address.to_owned(),
            persona: persona.to_owned(),
            registered: record.is_none_or(|record| record.registered),
            items: accounts
                .iter()
                .map(|CustomerAccount { account, is_linked }| {
                    AccountView::new(account, Some(*is_linked))
                })
                .collect(),
            pending: record
                .iter()
                .flat_map(|record| &record.pending_links)
                .map(|link| LinkRequestView::new(link))
                .collect(),
        }
    }
}

/// A pending request to link accounts, with the names of ReBIT's `AccLinkResponse`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct LinkRequestView {
    #[serde(rename = "RefNumber")]
    reference: String,
    #[serde(rename = "AuthenticatorType")]
    #[schemars(with = "LinkingMethod")]
    authenticator: &'static str,
    #[serde(rename = "fipId")]
    fip: String,
    /// The expiry of the one-time password; `null` if the FIP authenticates the customer directly.
    #[serde(rename = "expiresAt")]
    #[schemars(with = "Option<TimestampText>")]
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

    /// Returns the link request of a `LinkRequested` event.
    pub(crate) fn from_event(event: &Event) -> Option<Self> {
        match event {
            Event::LinkRequested { link } => Some(Self::new(link)),
            _ => None,
        }
    }
}

/// The body of `customers/{id}/link`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct LinkRequest {
    #[schemars(with = "FilledText")]
    fip_id: Option<String>,
    /// The `accRefNumber`s to link.
    #[schemars(with = "Vec<FilledText>", length(min = 1))]
    accounts: Option<Vec<String>>,
}

impl LinkRequest {
    /// Validates the body and returns the FIP's id and the account references.
    pub(crate) fn into_validated(self) -> Result<(Arc<str>, Vec<Box<str>>), ApiError> {
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

/// The body of `customers/{id}/verify`. A FIP that authenticates the customer directly needs no
/// token.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct VerifyRequest {
    #[schemars(with = "FilledText")]
    ref_number: Option<String>,
    #[serde(default)]
    token: String,
}

impl VerifyRequest {
    /// Validates the body and returns the reference number and the token.
    pub(crate) fn into_validated(self) -> Result<(String, Box<str>), ApiError> {
        Ok((
            require_text("refNumber", self.ref_number)?,
            self.token.into(),
        ))
    }
}

/// The body of `customers/{id}/persona`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PersonaRequest {
    #[schemars(with = "FilledText")]
    persona: Option<String>,
}

impl PersonaRequest {
    /// Validates the body and returns the persona's name.
    pub(crate) fn into_validated(self) -> Result<String, ApiError> {
        require_text("persona", self.persona)
    }
}

/// The body of `customers/{id}/delink`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DelinkRequest {
    #[schemars(with = "FilledText")]
    link_ref_number: Option<String>,
}

impl DelinkRequest {
    /// Validates the body and returns the link reference number.
    pub(crate) fn into_validated(self) -> Result<Box<str>, ApiError> {
        Ok(require_text("linkRefNumber", self.link_ref_number)?.into())
    }
}
