//! Owns the control API's view of active faults.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::api_fault::{ActiveFaults, ApiFaultName, NamedFaults, RuleHits};
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
    /// The hits of its rules: those of `webhooks`, then those of `apiFaults`.
    hits: Vec<HitsView>,
    /// The source text of the set.
    text: String,
}

/// The hits of a rule.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct HitsView {
    fault: &'static str,
    /// The calls or webhooks that the rule selects by what they are, whether or not it is their turn.
    matched: u32,
    /// Those for which the fault was planned, since it was their turn. It has no effect where another
    /// fault decides the answer, or where there is nothing to change.
    planned: u32,
    /// The system time of the last of those.
    #[schemars(with = "Option<TimestampText>")]
    last_planned_at: Option<String>,
}

impl From<&RuleHits> for HitsView {
    fn from(hits: &RuleHits) -> Self {
        let RuleHits {
            fault,
            matched,
            planned,
            last_planned_at,
        } = hits;
        Self {
            fault,
            matched: *matched,
            planned: *planned,
            last_planned_at: last_planned_at.map(|at| at.to_string()),
        }
    }
}

impl FaultsView {
    /// Returns the view of a fault set.
    pub(crate) fn new(set: &NamedFaults) -> Self {
        let NamedFaults { name, active, hits } = set;
        let ActiveFaults {
            faults,
            source_text,
            until,
        } = active;
        Self {
            name: name.clone(),
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
            hits: hits.iter().map(HitsView::from).collect(),
            text: source_text.to_string(),
        }
    }
}
