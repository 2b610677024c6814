//! Owns the control API's view of active faults.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::api_fault::{ActiveFaults, ApiFaultName};
use crate::domain::webhook_fault::WebhookFaultName;
use crate::wire::control::schema_types::TimestampText;

/// A named set of active faults.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FaultsView {
    name: String,
    #[schemars(with = "Vec<WebhookFaultName>")]
    webhooks: Vec<&'static str>,
    #[schemars(with = "Vec<ApiFaultName>")]
    api_faults: Vec<&'static str>,
    /// The expiry in system time; `null` if the set has no `ttl`.
    #[schemars(with = "Option<TimestampText>")]
    until: Option<String>,
    /// The source text of the set.
    text: String,
}

impl FaultsView {
    /// Returns the view of a fault set.
    pub(crate) fn new(name: &str, set: &ActiveFaults) -> Self {
        let ActiveFaults {
            faults,
            source_text,
            until,
        } = set;
        Self {
            name: name.to_owned(),
            webhooks: faults
                .webhooks
                .iter()
                .map(|rule| rule.fault.name().as_str())
                .collect(),
            api_faults: faults
                .api
                .iter()
                .map(|rule| rule.fault.name().as_str())
                .collect(),
            until: until.map(|until| until.to_string()),
            text: source_text.to_string(),
        }
    }
}
