//! Scenarios: those of all worlds, the local ones of a world, and their selection for consents.

use std::sync::Arc;

use super::authenticate_operator;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::ids::ConsentHandle;
use crate::domain::rejection::Rejection;
use crate::domain::text::quote_value;
use crate::engine::world::World;
use crate::http::call::Call;
use crate::http::openapi::fields::list_answer_fields;
use crate::http::response::ApiResponse;
use crate::scenario::format::{FileKind, SchemaDraft, generate_schema, parse};
use crate::scenario::library::{Library, find_unknown_persona};
use crate::scenario::lint::{LintContext, Severity, lint_plan};
use crate::scenario::magic::MAGIC_CUSTOMERS;
use crate::wire::api_error::ApiError;
use crate::wire::control::Page;
use crate::wire::control::scenarios::{
    DefaultRequest, LintView, MagicCustomerView, PinRequest, PinTarget, PinView, ScenarioView,
};

pub(crate) fn list_scenarios(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let shared = world.config().scenarios.current();
    let local_plans = world.scenarios().local_plans();
    let global_views = shared
        .scenarios()
        .iter()
        .filter(|(name, _)| !local_plans.iter().any(|plan| plan.name == **name))
        .map(|(_, scenario)| ScenarioView::from(scenario));
    let world_views = local_plans
        .iter()
        .map(|plan| ScenarioView::from_world(plan));
    let mut items: Vec<_> = global_views.chain(world_views).collect();
    items.sort_by(|a, b| a.name().cmp(b.name()));
    Ok(ApiResponse::json(&Page { items, next: None }))
}

pub(crate) fn get_scenario(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let text = find_scenario_text(&world, call.path_segment("name"))?;
    Ok(ApiResponse::text(text.to_string()))
}

/// Returns the text of a scenario, a local one first.
pub(crate) fn find_scenario_text(world: &World, name: &str) -> Result<Arc<str>, ApiError> {
    let text = world.scenarios().local_text(name).or_else(|| {
        let shared = world.config().scenarios.current();
        Some(Arc::clone(&shared.scenarios().get(name)?.text))
    });
    text.ok_or_else(|| unknown_scenario_error(world, name))
}

fn unknown_scenario_error(world: &World, name: &str) -> ApiError {
    ApiError::NotFound(
        Rejection::UnknownScenario {
            name: name.to_owned(),
            known: world.scenarios().list_names(),
        }
        .to_string(),
    )
}

/// Returns the JSON Schema of the files of a kind.
pub(crate) fn get_schema(call: &Call) -> Result<ApiResponse, ApiError> {
    authenticate_operator(call)?;
    let name = call.path_segment("kind");
    let kind = FileKind::parse(name).ok_or_else(|| {
        let names = FileKind::accepted_names();
        ApiError::NotFound(format!(
            "no file is of kind {}; there are {names}",
            quote_value(name)
        ))
    })?;
    Ok(ApiResponse::json(&generate_schema(
        kind,
        SchemaDraft::Draft2020,
    )))
}

/// Checks the text of a scenario as `mockaa scenario lint` does, with the participants and personas of
/// this world. Nothing changes.
pub(crate) async fn lint_scenario(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let diagnostics = call.parse_text(move |text| lint_text(&world, text)).await?;
    Ok(ApiResponse::json(&LintView::new(&diagnostics)))
}

/// Returns what is wrong with the text of a scenario, each with `true` for an error.
pub(crate) fn lint_text(world: &World, text: &str) -> Vec<(Diagnostic, bool)> {
    match parse(text) {
        Err(errors) => errors.into_iter().map(|error| (error, true)).collect(),
        Ok(plan) => {
            let participants = world.participants();
            let context = LintContext {
                fius: &participants.fiu_ids(),
                fips: &participants.fips,
                answer_fields: list_answer_fields(),
            };
            let lints = lint_plan(&plan, context).into_iter();
            let lints = lints.map(|lint| (lint.diagnostic, lint.severity == Severity::Error));
            let persona = find_unknown_persona(&plan, &world.personas());
            lints.chain(persona.map(|error| (error, true))).collect()
        }
    }
}

/// Adds a scenario to this world, or replaces one. Running consents keep their scenario.
pub(crate) async fn put_scenario(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let name = call.path_segment("name");
    let personas = world.personas();
    let plan = call.parse_text(move |text| Library::parse_scenario(text, &personas));
    let plan = plan.await?.map_err(ApiError::InvalidDocument)?;
    if plan.name != name {
        let message = format!(
            "is {} in the text but {} in the path; use the same name",
            plan.name,
            quote_value(name)
        );
        return Err(ApiError::invalid_field("name", message));
    }
    let view = ScenarioView::from_world(&plan);
    let result =
        world
            .scenarios()
            .put_local(Some(world.cause()), Arc::new(plan), call.body_text()?);
    result.map_err(ApiError::Conflict)?;
    Ok(ApiResponse::json(&view))
}

pub(crate) fn delete_scenario(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let name = call.path_segment("name");
    if !world.scenarios().remove_local(Some(world.cause()), name) {
        let message = format!(
            "{} is not a local scenario of this world; only those can be deleted",
            quote_value(name)
        );
        return Err(ApiError::NotFound(message));
    }
    Ok(ApiResponse::json(&serde_json::json!({ "deleted": name })))
}

pub(crate) fn reload_scenarios(call: &Call) -> Result<ApiResponse, ApiError> {
    authenticate_operator(call)?;
    let library = &call.app_state().scenarios;
    library.reload_scenarios().map_err(|diagnostics| {
        ApiError::invalid_field(
            "scenarios",
            format!("were not reloaded; the previous scenarios stay active: {diagnostics}"),
        )
    })?;
    Ok(ApiResponse::json(&Page {
        items: library.scenarios().current().list_names(),
        next: None,
    }))
}

/// Pins a scenario: it drives a consent from now on, or all later consents of a customer.
pub(crate) fn pin_scenario(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let name = call.path_segment("name");
    let target = PinTarget::try_from(call.parse_json::<PinRequest>()?)?;
    match target {
        PinTarget::Customer(customer) => {
            world
                .scenarios()
                .pin_customer(Some(world.cause()), &customer, name)?;
            Ok(ApiResponse::json(&PinView::for_customer(name, &customer)))
        }
        PinTarget::Consent(text) => {
            let handle = ConsentHandle::parse(&text)
                .ok_or_else(|| Rejection::UnknownHandle(quote_value(&text)))?;
            let receipt = world.assign_scenario(handle, name)?;
            Ok(ApiResponse::from_receipt(receipt, |outcome| {
                ApiResponse::json(&PinView::for_consent(name, outcome.consent()))
            }))
        }
    }
}

pub(crate) fn get_default(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;

    Ok(ApiResponse::json(&render_default(&world)))
}

/// Sets the scenario of consents that no other rule gives one; `null` restores the sandbox's
/// default.
pub(crate) fn set_default(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let DefaultRequest { name } = call.parse_json()?;
    world.scenarios().set_default(Some(world.cause()), name)?;
    Ok(ApiResponse::json(&render_default(&world)))
}

fn render_default(world: &World) -> serde_json::Value {
    serde_json::json!({ "name": world.scenarios().default_name() })
}

/// Lists the magic customers.
pub(crate) fn list_magic_customers(call: &Call) -> Result<ApiResponse, ApiError> {
    authenticate_operator(call)?;
    let items = MAGIC_CUSTOMERS
        .iter()
        .map(|customer| MagicCustomerView {
            number: customer.number,
            description: customer.description,
        })
        .collect();
    Ok(ApiResponse::json(&Page { items, next: None }))
}
