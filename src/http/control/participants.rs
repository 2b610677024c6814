//! Participants of a world: reading and configuring FIUs and FIPs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::authenticate_operator;
use super::clock::check_time_settings;
use crate::domain::text::quote_value;
use crate::files::participants::{FipEntry, FiuEntry, change_entry, check_distinct};
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

/// Registers an FIU in this world, or changes one. Fields that the body omits keep their values, and
/// those that are null have their defaults again.
pub(crate) fn put_fiu(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let id = call.path_segment("id");
    let mut change: FiuEntry = call.parse_json()?;
    let nulls = list_nulls(call)?;
    check_id_matches(id, change.id.replace(id.to_owned()))?;
    let changed = world.update_participants(
        Some(world.cause()),
        &format!("the FIU {id} was configured"),
        |participants| {
            let current = participants.find_fiu(id);
            let previous = current.map(|fiu| FiuEntry::from_fiu(fiu));
            let entry = change_entry(previous.as_ref(), &change, |name| nulls.contains(name));
            let gets_default_url = !entry.has_webhook_url()
                && (current.is_none() || nulls.contains("baseUrl") || nulls.contains("base_url"));
            let mut fiu = entry.into_fiu()?;
            check_time_settings("fiu.messageTime", fiu.time_settings, call)?;
            if gets_default_url {
                let webhooks = &mut fiu.webhooks;
                webhooks
                    .base
                    .clone_from(&world.config().default_webhook_url);
            }
            let mut changed = participants.clone();
            match changed
                .fius
                .iter_mut()
                .find(|existing| *existing.entity.id == *id)
            {
                Some(existing) => {
                    fiu.entity.keep_shipped_keys(&existing.entity);
                    *existing = Arc::new(fiu);
                }
                None => changed.fius.push(Arc::new(fiu)),
            }
            check_distinct(&changed).map(|()| changed)
        },
    )?;
    Ok(ApiResponse::json(&FiuEntry::from_fiu(
        changed.find_fiu(id).expect("the caller added it"),
    )))
}

/// Registers a FIP in this world, or changes one. Fields that the body omits keep their values, and
/// those that are null have their defaults again.
pub(crate) fn put_fip(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let id = call.path_segment("id");
    let mut change: FipEntry = call.parse_json()?;
    let nulls = list_nulls(call)?;
    check_id_matches(id, change.id.replace(id.to_owned()))?;
    let changed = world.update_participants(
        Some(world.cause()),
        &format!("the FIP {id} was configured"),
        |participants| {
            let previous = participants.find_fip(id).map(|fip| FipEntry::from_fip(fip));
            let entry = change_entry(previous.as_ref(), &change, |name| nulls.contains(name));
            let mut fip = entry.into_fip()?;
            let mut changed = participants.clone();
            match changed
                .fips
                .iter_mut()
                .find(|existing| *existing.entity.id == *id)
            {
                Some(existing) => {
                    fip.entity.keep_shipped_keys(&existing.entity);
                    *existing = Arc::new(fip);
                }
                None => changed.fips.push(Arc::new(fip)),
            }
            check_distinct(&changed).map(|()| changed)
        },
    )?;
    Ok(ApiResponse::json(&FipEntry::from_fip(
        changed.find_fip(id).expect("the caller added it"),
    )))
}

/// Returns the names of the fields that are null in the body.
fn list_nulls(call: &Call) -> Result<BTreeSet<String>, ApiError> {
    let fields: BTreeMap<String, Value> = call.parse_json()?;
    let nulls = fields.into_iter().filter(|(_, value)| value.is_null());
    Ok(nulls.map(|(name, _)| name).collect())
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
