//! Faults in force, as the control API tells them.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::api_fault::ActiveFaults;

/// A set of faults.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FaultsView {
    name: String,
    webhooks: Vec<&'static str>,
    api: Vec<&'static str>,
    /// By the wall's clock.
    until: Option<String>,
    /// As they were given.
    text: String,
}

impl FaultsView {
    pub fn new(name: &str, set: &ActiveFaults) -> Self {
        let ActiveFaults {
            faults,
            source_text: text,
            until,
        } = set;
        Self {
            name: name.to_owned(),
            webhooks: faults
                .webhooks
                .iter()
                .map(|rule| rule.fault.name().as_str())
                .collect(),
            api: faults
                .api
                .iter()
                .map(|rule| rule.fault.name().as_str())
                .collect(),
            until: until.map(|until| until.to_string()),
            text: text.to_string(),
        }
    }
}
