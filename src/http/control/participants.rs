//! Who takes part in a world.

use std::sync::Arc;

use actix_web::HttpResponse;

use super::operator;
use crate::http::call::Call;
use crate::http::reply::Answer;
use crate::wire::api_error::ApiError;
use crate::wire::control::Page;
use crate::wire::fields::quote_value;
use crate::wire::participants::{FipEntry, FiuEntry, check_distinct};

pub async fn list_fius(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).map(|world| {
        let items = world
            .participants()
            .fius
            .iter()
            .map(|fiu| FiuEntry::from_fiu(fiu))
            .collect();
        Answer::json(&Page { items, next: None })
    }))
}

pub async fn list_fips(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).map(|world| {
        let items = world
            .participants()
            .fips
            .iter()
            .map(|fip| FipEntry::from_fip(fip))
            .collect();
        Answer::json(&Page { items, next: None })
    }))
}

pub async fn get_fiu(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let participants = world.participants();
        let fiu = participants
            .find_fiu(call.segment("id"))
            .ok_or_else(|| unknown(&call, "FIU"))?;
        Ok(Answer::json(&FiuEntry::from_fiu(fiu)))
    }))
}

pub async fn get_fip(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let participants = world.participants();
        let fip = participants
            .find_fip(call.segment("id"))
            .ok_or_else(|| unknown(&call, "FIP"))?;
        Ok(Answer::json(&FipEntry::from_fip(fip)))
    }))
}

fn unknown(call: &Call, kind: &str) -> ApiError {
    ApiError::NotFound(format!(
        "no {kind} has the id {}; PUT makes one",
        quote_value(call.segment("id"))
    ))
}

/// Registers an FIU in this world, or changes one: what the body leaves out stays as it is.
pub async fn put_fiu(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let id = call.segment("id");
        let mut entry: FiuEntry = call.json()?;
        named_as_called(id, entry.id.replace(id.to_owned()))?;
        let says_where = entry.has_webhook_url();
        let changed =
            world.update_participants(&format!("the FIU {id} was configured"), |participants| {
                let before = participants.find_fiu(id);
                let mut fiu = entry.into_fiu(before.map(Arc::as_ref))?;
                if before.is_none() && !says_where {
                    fiu.webhooks.base.clone_from(&world.config().fiu_url);
                }
                let mut changed = participants.clone();
                match changed
                    .fius
                    .iter_mut()
                    .find(|known| *known.entity.id == *id)
                {
                    Some(known) => *known = Arc::new(fiu),
                    None => changed.fius.push(Arc::new(fiu)),
                }
                check_distinct(&changed).map(|()| changed)
            })?;
        Ok(Answer::json(&FiuEntry::from_fiu(
            changed.find_fiu(id).expect("it has just been put"),
        )))
    }))
}

/// Registers a FIP in this world, or changes one.
pub async fn put_fip(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let id = call.segment("id");
        let mut entry: FipEntry = call.json()?;
        named_as_called(id, entry.id.replace(id.to_owned()))?;
        let changed =
            world.update_participants(&format!("the FIP {id} was configured"), |participants| {
                let fip = entry.into_fip(participants.find_fip(id).map(Arc::as_ref))?;
                let mut changed = participants.clone();
                match changed
                    .fips
                    .iter_mut()
                    .find(|known| *known.entity.id == *id)
                {
                    Some(known) => *known = Arc::new(fip),
                    None => changed.fips.push(Arc::new(fip)),
                }
                check_distinct(&changed).map(|()| changed)
            })?;
        Ok(Answer::json(&FipEntry::from_fip(
            changed.find_fip(id).expect("it has just been put"),
        )))
    }))
}

/// An id in the body, where there is one, has to be the path's.
fn named_as_called(id: &str, given: Option<String>) -> Result<(), ApiError> {
    match given {
        Some(given) if given != id => {
            Err(ApiError::invalid_field("id", "is another than the path's"))
        }
        _ => Ok(()),
    }
}
