//! Faults in force by name, for all of a world.

use actix_web::HttpResponse;

use super::operator;
use crate::http::call::Call;
use crate::http::reply::Answer;
use crate::wire::api_error::ApiError;
use crate::wire::control::Page;
use crate::wire::control::faults::FaultsView;
use crate::wire::fields::quote_value;

pub async fn list(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).map(|world| {
        let items = world
            .faults()
            .iter()
            .map(|(name, set)| FaultsView::new(name, set))
            .collect();
        Answer::json(&Page { items, next: None })
    }))
}

pub async fn show(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let name = call.segment("name");
        let all = world.faults();
        let found = all
            .iter()
            .find(|(known, _)| known == name)
            .ok_or_else(|| unknown(name))?;
        Ok(Answer::json(&FaultsView::new(&found.0, &found.1)))
    }))
}

/// Puts faults in force, in place of what the name stood for before; what was counted begins anew.
pub async fn put(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let (name, text) = (call.segment("name"), call.text()?);
        if !(1..=100).contains(&name.len()) {
            return Err(ApiError::invalid_field(
                "name",
                "has to be 1 to 100 characters long",
            ));
        }
        let (faults, ttl) = world
            .config()
            .scenario_provider
            .parse_faults(text)
            .map_err(ApiError::InvalidDocument)?;
        if faults.webhooks.is_empty() && faults.api.is_empty() {
            return Err(ApiError::invalid_field(
                "the body",
                "has neither webhooks nor api_faults",
            ));
        }
        let full = |most| {
            ApiError::Conflict(format!(
                "there are {most} sets of faults in force; DELETE some"
            ))
        };
        world
            .activate_faults(name, faults, ttl, text)
            .map_err(full)?;
        let all = world.faults();
        let put = all.iter().find(|(known, _)| known == name);
        // A time to live of nothing has passed already.
        let put = put
            .ok_or_else(|| ApiError::invalid_field("ttl", "is over at once; give a longer one"))?;
        Ok(Answer::json(&FaultsView::new(&put.0, &put.1)))
    }))
}

pub async fn delete(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let name = call.segment("name");
        if !world.deactivate_faults(name) {
            return Err(unknown(name));
        }
        Ok(Answer::json(&serde_json::json!({ "deleted": name })))
    }))
}

pub async fn delete_all(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).map(|world| {
        let names: Vec<_> = world.faults().into_iter().map(|(name, _)| name).collect();
        for name in &names {
            world.deactivate_faults(name);
        }
        Answer::json(&serde_json::json!({ "deleted": names }))
    }))
}

fn unknown(name: &str) -> ApiError {
    ApiError::NotFound(format!(
        "no faults are in force under the name {}; PUT puts some",
        quote_value(name)
    ))
}
