//! `[unaport]` of a `mockaa.toml`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::auth::LOGIN_RULES;
use super::field_rules::{ValidatedBody, find_unknown_field};
use super::template;
use crate::domain::ids::ProductId;
use crate::domain::participants::Participants;
use crate::domain::unaport::{
    ConsentTemplate, Login, RejectedConsentStatus, UnaportConfig, UnaportVersion,
};
use crate::wire::api_error::ApiError;
use crate::wire::fields::{quote_value, require_enum, require_text};

/// The FIU of the service's own sandbox, whose organisation every login opens there.
const SANDBOX_FIU: &str = "UNACORES-FIU-UAT";

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnaportEntry {
    version: Option<String>,
    fiu: Option<String>,
    rejected_status: Option<String>,
    top_level_ids: Option<bool>,
    account: Option<Vec<AccountEntry>>,
    /// In the words of the API, and with a `productId`.
    template: Option<Vec<Map<String, Value>>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountEntry {
    email: Option<String>,
    password: Option<String>,
    fiu: Option<String>,
}

impl UnaportEntry {
    pub fn into_unaport(self, participants: &Participants) -> Result<UnaportConfig, ApiError> {
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
        let resolve_fiu = |field: &'static str, id: &str| {
            let fiu = participants
                .find_fiu(id)
                .map(|fiu| Arc::clone(&fiu.entity.id));
            fiu.ok_or_else(|| {
                ApiError::invalid_field(
                    field,
                    format!("{} is not the id of an [[fiu]]", quote_value(id)),
                )
            })
        };
        let fiu = match &self.fiu {
            Some(id) => resolve_fiu("unaport.fiu", id)?,
            None => Arc::clone(
                &participants
                    .find_fiu(SANDBOX_FIU)
                    .unwrap_or(participants.default_fiu())
                    .entity
                    .id,
            ),
        };
        let parse_login = |account: AccountEntry| {
            let (email, password) = (
                require_text("unaport.account.email", account.email)?,
                require_text("unaport.account.password", account.password)?,
            );
            // Who could not log in with it has no account.
            let body = Map::from_iter(
                [("emailId", &email), ("password", &password)]
                    .map(|(name, value)| (name.to_owned(), value.as_str().into())),
            );
            ValidatedBody::validate_fields(&body, LOGIN_RULES).map_err(|problem| {
                ApiError::invalid_field(
                    "unaport.account",
                    format!("cannot be used to log in: {problem}"),
                )
            })?;
            Ok(Login {
                email: email.into(),
                password: password.into(),
                fiu: account.fiu.map_or_else(
                    || Ok(Arc::clone(&fiu)),
                    |id| resolve_fiu("unaport.account.fiu", &id),
                )?,
            })
        };
        let accounts = self
            .account
            .unwrap_or_default()
            .into_iter()
            .map(parse_login)
            .collect::<Result<_, ApiError>>()?;
        let templates = self.template.unwrap_or_default();
        let templates = templates.iter().map(parse_entry);
        let templates = templates.collect::<Result<Vec<_>, ApiError>>()?;
        let ids: Vec<_> = templates.iter().map(|template| template.id).collect();
        if let Some(duplicate) = ids
            .iter()
            .enumerate()
            .find(|(index, id)| ids[..*index].contains(id))
        {
            return Err(ApiError::invalid_field(
                "unaport.template.productId",
                format!("'{}' is given to two templates", duplicate.1),
            ));
        }
        let top_level_ids = self.top_level_ids.unwrap_or(true);
        Ok(UnaportConfig {
            version,
            default_fiu: fiu,
            logins: accounts,
            templates,
            rejected_status,
            top_level_ids,
        })
    }
}

fn parse_entry(entry: &Map<String, Value>) -> Result<Arc<ConsentTemplate>, ApiError> {
    let id = entry
        .get("productId")
        .and_then(Value::as_str)
        .and_then(ProductId::parse);
    let id = id.ok_or_else(|| {
        ApiError::invalid_field("unaport.template.productId", "is missing, or is not a UUID")
    })?;
    let mut body = entry.clone();
    body.remove("productId");
    if let Some(unknown) = find_unknown_field(&body, template::RULES) {
        return Err(ApiError::invalid_field(
            "unaport.template",
            format!("has {}, which no template has", quote_value(&unknown)),
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
