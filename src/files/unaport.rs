//! The `[unaport]` table of `mockaa.toml`: parsing and validation.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::domain::ids::ProductId;
use crate::domain::participants::Participants;
use crate::domain::text::quote_value;
use crate::domain::unaport::{
    ConsentTemplate, DepositTab, Login, RejectedConsentStatus, UnaportConfig, UnaportVersion,
};
use crate::wire::api_error::ApiError;
use crate::wire::fields::{require_enum, require_text};
use crate::wire::unaport::auth::LOGIN_RULES;
use crate::wire::unaport::field_rules::{ValidatedBody, find_unknown_field};
use crate::wire::unaport::template;

/// The id of the FIU in the service's sandbox, which every login uses there. The default of
/// `unaport.fiu` if it is registered.
const SANDBOX_FIU: &str = "UNACORES-FIU-UAT";

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UnaportEntry {
    /// Version of the API: 2.0.0, or 1.7 with the bodies of the recorded collection.
    #[schemars(with = "Option<UnaportVersion>")]
    version: Option<String>,
    /// FIU of every login that has none of its own. Default: UNACORES-FIU-UAT, or the first one.
    fiu: Option<String>,
    /// `consentStatus` in the webhook of a rejected consent.
    #[schemars(with = "Option<RejectedConsentStatus>")]
    rejected_status: Option<String>,
    /// `trackingId` and `consentId` at the top level of webhooks.
    top_level_ids: Option<bool>,
    /// Name of the tab of bank accounts in Fetch Data.
    #[schemars(with = "Option<DepositTab>")]
    deposit_tab: Option<String>,
    /// Accounts that may log in. Default: any.
    account: Option<Vec<AccountEntry>>,
    /// Bodies of Create Consent Template, each with a `productId` in addition.
    template: Option<Vec<Map<String, Value>>>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountEntry {
    /// Address with which the account logs in.
    email: Option<String>,
    /// Its password.
    password: Option<String>,
    /// FIU of the account. Default: `fiu` of the table `[unaport]`.
    fiu: Option<String>,
}

impl UnaportEntry {
    pub(crate) fn into_unaport(
        self,
        participants: &Participants,
    ) -> Result<UnaportConfig, ApiError> {
        let version = match self.version {
            None => UnaportVersion::default(),
            value => require_enum(
                "unaport.version",
                value,
                UnaportVersion::parse,
                UnaportVersion::accepted_names,
            )?,
        };
        let rejected_status = match self.rejected_status {
            None => RejectedConsentStatus::default(),
            value => require_enum(
                "unaport.rejected_status",
                value,
                RejectedConsentStatus::parse,
                RejectedConsentStatus::accepted_names,
            )?,
        };
        let deposit_tab = match self.deposit_tab {
            None => DepositTab::default(),
            value => require_enum(
                "unaport.deposit_tab",
                value,
                DepositTab::parse,
                DepositTab::accepted_names,
            )?,
        };
        let default_fiu = match &self.fiu {
            Some(id) => resolve_fiu("unaport.fiu", id, participants)?,
            None => Arc::clone(
                &participants
                    .find_fiu(SANDBOX_FIU)
                    .unwrap_or(participants.default_fiu())
                    .entity
                    .id,
            ),
        };
        let logins = self
            .account
            .unwrap_or_default()
            .into_iter()
            .map(|account| parse_login(account, &default_fiu, participants))
            .collect::<Result<_, ApiError>>()?;
        let templates = self
            .template
            .unwrap_or_default()
            .iter()
            .map(parse_template_entry)
            .collect::<Result<Vec<_>, ApiError>>()?;
        let ids: Vec<_> = templates.iter().map(|template| template.id).collect();
        if let Some(duplicate) = ids
            .iter()
            .enumerate()
            .find(|(index, id)| ids[..*index].contains(id))
        {
            return Err(ApiError::invalid_field(
                "unaport.template.productId",
                format!("'{}' is used by two templates", duplicate.1),
            ));
        }
        let top_level_ids = self.top_level_ids.unwrap_or(true);
        Ok(UnaportConfig {
            version,
            default_fiu,
            logins,
            templates,
            rejected_status,
            top_level_ids,
            deposit_tab,
        })
    }
}

fn resolve_fiu(
    field: &'static str,
    id: &str,
    participants: &Participants,
) -> Result<Arc<str>, ApiError> {
    let fiu = participants.find_fiu(id).ok_or_else(|| {
        ApiError::invalid_field(
            field,
            format!("{} is not the id of an [[fiu]]", quote_value(id)),
        )
    })?;
    Ok(Arc::clone(&fiu.entity.id))
}

fn parse_login(
    account: AccountEntry,
    default_fiu: &Arc<str>,
    participants: &Participants,
) -> Result<Login, ApiError> {
    let (email, password) = (
        require_text("unaport.account.email", account.email)?,
        require_text("unaport.account.password", account.password)?,
    );
    // The Login call would reject credentials that break its own field rules.
    let body = Map::from_iter(
        [("emailId", &email), ("password", &password)]
            .map(|(name, value)| (name.to_owned(), value.as_str().into())),
    );
    ValidatedBody::validate_fields(&body, LOGIN_RULES).map_err(|message| {
        ApiError::invalid_field(
            "unaport.account",
            format!("cannot be used to log in: {message}"),
        )
    })?;
    let fiu = match account.fiu {
        Some(id) => resolve_fiu("unaport.account.fiu", &id, participants)?,
        None => Arc::clone(default_fiu),
    };
    Ok(Login {
        email: email.into(),
        password: password.into(),
        fiu,
    })
}

fn parse_template_entry(entry: &Map<String, Value>) -> Result<Arc<ConsentTemplate>, ApiError> {
    let id = entry
        .get("productId")
        .and_then(Value::as_str)
        .and_then(ProductId::parse);
    let id = id.ok_or_else(|| {
        ApiError::invalid_field("unaport.template.productId", "is missing or not a UUID")
    })?;
    let mut body = entry.clone();
    body.shift_remove("productId");
    if let Some(unknown) = find_unknown_field(&body, template::RULES) {
        return Err(ApiError::invalid_field(
            "unaport.template",
            format!("has the unknown field {}", quote_value(&unknown)),
        ));
    }
    let (name, plan) = template::parse_template(&body)?;
    Ok(Arc::new(ConsentTemplate {
        id,
        name,
        fiu: None,
        created_at: plan.start,
        terms: plan,
    }))
}
