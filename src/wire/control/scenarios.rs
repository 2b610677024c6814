//! Owns the control API's view of scenarios, and the bodies of the calls on them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::consent::{Consent, Status};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::scenario_plan::ScenarioPlan;
use crate::domain::scenario_set::Scenario;
use crate::wire::api_error::ApiError;
use crate::wire::control::DiagnosticView;
use crate::wire::control::schema_types::{AddressText, FilledText, UuidText};
use crate::wire::fields::parse_customer_address;

/// A scenario that consents may be assigned to.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ScenarioView {
    name: String,
    /// `shipped`, the path of a file, or `this world`.
    source: String,
    description: Option<String>,
}

/// The diagnostics of the text of a scenario.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct LintView {
    /// The number of errors, without warnings.
    errors: usize,
    diagnostics: Vec<LintDiagnosticView>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct LintDiagnosticView {
    /// `error` or `warning`.
    severity: &'static str,
    #[serde(flatten)]
    diagnostic: DiagnosticView,
}

impl LintView {
    /// Returns the view of diagnostics, each with `true` if it is an error.
    pub(crate) fn new(diagnostics: &[(Diagnostic, bool)]) -> Self {
        let views = diagnostics
            .iter()
            .map(|(diagnostic, is_error)| LintDiagnosticView {
                severity: if *is_error { "error" } else { "warning" },
                diagnostic: diagnostic.into(),
            });
        Self {
            errors: diagnostics.iter().filter(|(_, is_error)| *is_error).count(),
            diagnostics: views.collect(),
        }
    }
}

impl ScenarioView {
    /// Returns the view of a scenario that was added to this world.
    pub(crate) fn from_world(plan: &ScenarioPlan) -> Self {
        Self {
            name: plan.name.clone(),
            source: "this world".to_owned(),
            description: plan.description.clone(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl From<&Scenario> for ScenarioView {
    fn from(scenario: &Scenario) -> Self {
        let Scenario {
            plan,
            has_matcher: _,
            source,
            text: _,
        } = scenario;
        let plan = plan.get();
        Self {
            name: plan.name.clone(),
            source: source.clone(),
            description: plan.description.clone(),
        }
    }
}

/// The body of `scenarios/{name}/pin`: exactly one of the two fields.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(extend("required" = [], "minProperties" = 1, "maxProperties" = 1))]
pub(crate) struct PinRequest {
    #[schemars(with = "AddressText")]
    customer: Option<String>,
    #[schemars(with = "UuidText")]
    consent_handle: Option<String>,
}

/// The customer or consent that a scenario is pinned to.
#[derive(Debug)]
pub(crate) enum PinTarget {
    Customer(String),
    Consent(String),
}

impl TryFrom<PinRequest> for PinTarget {
    type Error = ApiError;

    fn try_from(request: PinRequest) -> Result<Self, ApiError> {
        match (request.customer, request.consent_handle) {
            (Some(customer), None) => {
                let address = parse_customer_address("customer", &customer)?;
                Ok(Self::Customer(address.to_string()))
            }
            (None, Some(handle)) => Ok(Self::Consent(handle)),
            _ => Err(ApiError::invalid_field(
                "body",
                "takes one of {\"customer\":\"…\"}, {\"consentHandle\":\"…\"}",
            )),
        }
    }
}

/// The response of `pin`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PinView {
    scenario: String,
    customer: String,
    #[schemars(with = "Option<UuidText>")]
    consent_handle: Option<String>,
    /// The current state of the consent.
    #[schemars(with = "Option<Status>")]
    state: Option<&'static str>,
}

impl PinView {
    /// Returns the response for a pinned customer.
    pub(crate) fn for_customer(scenario: &str, customer: &str) -> Self {
        Self {
            scenario: scenario.to_owned(),
            customer: customer.to_owned(),
            consent_handle: None,
            state: None,
        }
    }

    /// Returns the response for a pinned consent.
    pub(crate) fn for_consent(scenario: &str, consent: &Consent) -> Self {
        Self {
            scenario: scenario.to_owned(),
            customer: consent.terms.customer.to_string(),
            consent_handle: Some(consent.handle.to_string()),
            state: Some(consent.status.as_str()),
        }
    }
}

/// The body of `scenarios/default`; `null` removes the world's default.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DefaultRequest {
    #[schemars(with = "Option<FilledText>")]
    pub name: Option<String>,
}

/// A magic customer: the mobile number and the behavior of its consents.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MagicCustomerView {
    pub number: &'static str,
    pub description: &'static str,
}
