//! Named sets of faults that are active for a whole world.

use super::authenticate_operator;
use crate::domain::api_fault::NamedFaults;
use crate::domain::text::quote_value;
use crate::http::call::Call;
use crate::http::call_world::CallWorld;
use crate::http::response::ApiResponse;
use crate::scenario::format::parse_faults;
use crate::wire::api_error::ApiError;
use crate::wire::control::Page;
use crate::wire::control::faults::FaultsView;

pub(crate) fn list_faults(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let items = world
        .faults()
        .list_sets()
        .iter()
        .map(FaultsView::new)
        .collect();
    Ok(ApiResponse::json(&Page { items, next: None }))
}

pub(crate) fn get_faults(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let name = call.path_segment("name");
    let all = world.faults().list_sets();
    let entry = all
        .iter()
        .find(|set| set.name == name)
        .ok_or_else(|| unknown_faults_error(name))?;
    Ok(ApiResponse::json(&FaultsView::new(entry)))
}

/// Activates a set of faults under a name. It replaces the earlier set of that name, and its
/// counters start at zero.
pub(crate) async fn put_faults(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let name = call.path_segment("name").to_owned();
    let set = call.parse_text(move |text| activate_faults(&world, &name, text));
    let set = set.await??;
    Ok(ApiResponse::json(&FaultsView::new(&set)))
}

/// Parses a set of faults and activates it under a name.
pub(crate) fn activate_faults(
    world: &CallWorld,
    name: &str,
    text: &str,
) -> Result<NamedFaults, ApiError> {
    if !(1..=100).contains(&name.len()) {
        return Err(ApiError::invalid_field(
            "name",
            "must be 1 to 100 characters long",
        ));
    }
    let (faults, ttl) = parse_faults(text).map_err(ApiError::InvalidDocument)?;
    if faults.webhooks.is_empty() && faults.api.is_empty() {
        return Err(ApiError::invalid_field(
            "body",
            "has neither webhooks nor api_faults",
        ));
    }
    let participants = world.participants();
    for rule in &faults.api {
        let mut fips = rule.fault.fips().into_iter();
        if let Some(unknown) = fips.find(|fip| participants.find_fip(fip).is_none()) {
            let known = participants.fips.iter().map(|fip| &*fip.entity.id);
            let known = known.collect::<Vec<_>>().join(", ");
            let message = format!("no FIP is {}; known: {known}", quote_value(unknown));
            return Err(ApiError::invalid_field(rule.fault.name().as_str(), message));
        }
    }
    world
        .faults()
        .activate_set(Some(world.cause()), name, faults, ttl, text)
        .map_err(|limit| {
            ApiError::Conflict(format!(
                "{limit} fault sets are active, which is the limit; delete some"
            ))
        })?;
    let mut all = world.faults().list_sets().into_iter();
    let set = all.find(|set| set.name == name);
    // A TTL of zero has expired already.
    set.ok_or_else(|| ApiError::invalid_field("ttl", "expires at once; use a longer one"))
}

pub(crate) fn delete_faults(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let name = call.path_segment("name");
    if !world.faults().deactivate_set(Some(world.cause()), name) {
        return Err(unknown_faults_error(name));
    }
    Ok(ApiResponse::json(&serde_json::json!({ "deleted": name })))
}

pub(crate) fn delete_all(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let names: Vec<_> = world
        .faults()
        .list_sets()
        .into_iter()
        .map(|set| set.name)
        .collect();
    for name in &names {
        world.faults().deactivate_set(Some(world.cause()), name);
    }
    Ok(ApiResponse::json(&serde_json::json!({ "deleted": names })))
}

/// Returns the error for a name of no set.
pub(crate) fn unknown_faults_error(name: &str) -> ApiError {
    ApiError::NotFound(format!(
        "no faults are active under the name {}; activate some with PUT /_mockaa/v1/faults/NAME",
        quote_value(name)
    ))
}
