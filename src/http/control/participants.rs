//! Participants of a world: reading and configuring FIUs and FIPs.

use std::sync::Arc;

use super::authenticate_operator;
use super::clock::check_time_settings;
use crate::domain::text::quote_value;
use crate::files::participants::{FipEntry, FiuEntry, check_distinct};
use crate::http::call::Call;
use crate::http::response::ApiResponse;
use crate::wire::api_error::ApiError;
use crate::wire::control::Page;

pub(crate) fn list_fius(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let items = world
        .participants()
        .fius
        .iter()
        .map(|fiu| FiuEntry::from_fiu(fiu))
        .collect();
    Ok(ApiResponse::json(&Page { items, next: None }))
}

pub(crate) fn list_fips(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let items = world
        .participants()
        .fips
        .iter()
        .map(|fip| FipEntry::from_fip(fip))
        .collect();
    Ok(ApiResponse::json(&Page { items, next: None }))
}

pub(crate) fn get_fiu(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let participants = world.participants();
    let fiu = participants
        .find_fiu(call.path_segment("id"))
        .ok_or_else(|| unknown_participant_error(call, "FIU"))?;
    Ok(ApiResponse::json(&FiuEntry::from_fiu(fiu)))
}

pub(crate) fn get_fip(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let participants = world.participants();
    let fip = participants
        .find_fip(call.path_segment("id"))
        .ok_or_else(|| unknown_participant_error(call, "FIP"))?;
    Ok(ApiResponse::json(&FipEntry::from_fip(fip)))
}

fn unknown_participant_error(call: &Call, kind: &str) -> ApiError {
    ApiError::NotFound(format!(
        "no {kind} has the id {}; create it with PUT /_mockaa/v1/config/{}/{{id}}",
        quote_value(call.path_segment("id")),
        kind.to_lowercase()
    ))
}

/// Registers an FIU in this world, or changes one. Fields that the body omits keep their values.
pub(crate) fn put_fiu(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let id = call.path_segment("id");
    let mut entry: FiuEntry = call.parse_json()?;
    check_id_matches(id, entry.id.replace(id.to_owned()))?;
    let has_webhook_url = entry.has_webhook_url();
    let changed =
        world.update_participants(&format!("the FIU {id} was configured"), |participants| {
            let current = participants.find_fiu(id);
            let mut fiu = entry.into_fiu(current.map(Arc::as_ref))?;
            check_time_settings("fiu.messageTime", fiu.time_settings, call)?;
            if current.is_none() && !has_webhook_url {
                fiu.webhooks
                    .base
                    .clone_from(&world.config().default_webhook_url);
            }
            let mut changed = participants.clone();
            match changed
                .fius
                .iter_mut()
                .find(|existing| *existing.entity.id == *id)
            {
                Some(existing) => *existing = Arc::new(fiu),
                None => changed.fius.push(Arc::new(fiu)),
            }
            check_distinct(&changed).map(|()| changed)
        })?;
    Ok(ApiResponse::json(&FiuEntry::from_fiu(
        changed.find_fiu(id).expect("the caller added it"),
    )))
}

/// Registers a FIP in this world, or changes one. Fields that the body omits keep their values.
pub(crate) fn put_fip(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let id = call.path_segment("id");
    let mut entry: FipEntry = call.parse_json()?;
    check_id_matches(id, entry.id.replace(id.to_owned()))?;
    let changed =
        world.update_participants(&format!("the FIP {id} was configured"), |participants| {
            let fip = entry.into_fip(participants.find_fip(id).map(Arc::as_ref))?;
            let mut changed = participants.clone();
            match changed
                .fips
                .iter_mut()
                .find(|existing| *existing.entity.id == *id)
            {
                Some(existing) => *existing = Arc::new(fip),
                None => changed.fips.push(Arc::new(fip)),
            }
            check_distinct(&changed).map(|()| changed)
        })?;
    Ok(ApiResponse::json(&FipEntry::from_fip(
        changed.find_fip(id).expect("the caller added it"),
    )))
}

/// Checks that an id in the body, if there is one, is the id in the path.
fn check_id_matches(id: &str, body_id: Option<String>) -> Result<(), ApiError> {
    match body_id {
        Some(body_id) if body_id != id => Err(ApiError::invalid_field(
            "id",
            "differs from the id in the path",
        )),
        _ => Ok(()),
    }
}
