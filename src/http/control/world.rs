//! Worlds: listing, resetting and deleting them.

use super::authenticate_operator;
use crate::domain::customer::LINK_TOKENS;
use crate::domain::text::quote_value;
use crate::engine::world::World;
use crate::http::call::Call;
use crate::http::response::ApiResponse;
use crate::http::service_info::list_links;
use crate::wire::api_error::ApiError;
use crate::wire::control::Page;
use crate::wire::control::world::{AaView, InfoView, ResetRequest, StoreUseView, WorldView};

pub(crate) fn get_world(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;

    Ok(ApiResponse::json(&render_world(&world)))
}

/// Returns what the sandbox is, where its parts are, and whether its scenario files are in order.
pub(crate) fn get_info(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let app_state = call.app_state();
    let library = &app_state.scenarios;
    Ok(ApiResponse::json(&InfoView {
        name: "mockaa",
        version: env!("CARGO_PKG_VERSION"),
        started_at: app_state.started_at.to_string(),
        world: world.name().to_owned(),
        worlds: call.worlds().world_count(),
        links: list_links(&call.base_url(&world)),
        otps: &LINK_TOKENS,
        scenarios: library.scenarios().current().scenarios().len(),
        scenarios_error: library.load_error(),
    }))
}

pub(crate) fn list_worlds(call: &Call) -> Result<ApiResponse, ApiError> {
    authenticate_operator(call)?;
    let mut worlds = call.worlds().list_worlds();
    worlds.sort_by(|a, b| a.name().cmp(b.name()));
    Ok(ApiResponse::json(&Page {
        items: worlds.iter().map(|world| render_world(world)).collect(),
        next: None,
    }))
}

pub(crate) fn reset_world(call: &Call) -> Result<ApiResponse, ApiError> {
    authenticate_operator(call)?;
    let kept = call.parse_json_or_default::<ResetRequest>()?.parse()?;
    let world = call.worlds().reset_world(call.world_name()?, &kept);
    Ok(ApiResponse::json(&render_world(&world)))
}

/// Deletes a world. Its unsent webhooks are never sent. The next call that names the world creates
/// it again, empty.
pub(crate) fn delete_world(call: &Call) -> Result<ApiResponse, ApiError> {
    authenticate_operator(call)?;
    let name = call.path_segment("name");
    if !call.worlds().delete_world(name) {
        return Err(ApiError::NotFound(format!(
            "unknown world {}; list the worlds with GET /_mockaa/v1/worlds",
            quote_value(name)
        )));
    }
    Ok(ApiResponse::json(&serde_json::json!({ "deleted": name })))
}

fn render_world(world: &World) -> WorldView {
    WorldView {
        name: world.name().to_owned(),
        seed: world.seed().to_string(),
        summary: world.catch_up().overview().into(),
        aas: world
            .participants()
            .aas
            .iter()
            .map(|aa| AaView::from(&**aa))
            .collect(),
        removed_consents: world.catch_up().removed_consent_count(),
        stores: world
            .catch_up()
            .store_uses()
            .into_iter()
            .map(StoreUseView::from)
            .collect(),
    }
}
