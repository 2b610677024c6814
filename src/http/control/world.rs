//! Worlds as wholes.

use actix_web::HttpResponse;

use super::operator;
use crate::engine::world::World;
use crate::http::call::Call;
use crate::http::reply::Answer;
use crate::wire::api_error::ApiError;
use crate::wire::control::Page;
use crate::wire::control::world::{WorldView, list_nonempty_states};
use crate::wire::fields::quote_value;

pub async fn show(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).map(|world| Answer::json(&overview(&world))))
}

pub async fn list(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).map(|_| {
        let mut worlds = call.worlds().list_worlds();
        worlds.sort_by(|one, other| one.name().cmp(other.name()));
        Answer::json(&Page {
            items: worlds.iter().map(|world| overview(world)).collect(),
            next: None,
        })
    }))
}

pub async fn reset(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|_| {
        let world = call.worlds().reset_world(call.world_name()?);
        Ok(Answer::json(&overview(&world)))
    }))
}

/// Takes a world away: what it owed is never sent. It springs into being anew when it is used again.
pub async fn delete(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|_| {
        let name = call.segment("name");
        if !call.worlds().delete_world(name) {
            return Err(ApiError::NotFound(format!(
                "there is no world {}; GET …/worlds lists them",
                quote_value(name)
            )));
        }
        Ok(Answer::json(&serde_json::json!({ "deleted": name })))
    }))
}

fn overview(world: &World) -> WorldView {
    let overview = world.overview();
    WorldView {
        name: world.name().to_owned(),
        seed: world.seed(),
        now: overview.now.to_string(),
        consents: overview.consents,
        states: list_nonempty_states(overview.status_counts),
        webhooks_open: overview.webhooks_open,
        timers: overview.timers,
    }
}
