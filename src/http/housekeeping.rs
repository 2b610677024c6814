//! Health, keys, and everything that is not a call.

use actix_web::HttpResponse;
use serde_json::json;

use crate::http::call::Call;
use crate::http::reply::Answer;
use crate::ui::docs::DocsPage;
use crate::wire::jwk::Jwk;
use crate::wire::openapi;

/// The process answers.
pub async fn livez(call: Call) -> HttpResponse {
    call.reply_control(Ok(Answer::json(&json!({ "alive": true }))))
}

/// Scenarios are loaded and keys are there: a sandbox that serves is ready.
pub async fn readyz(call: Call) -> HttpResponse {
    let scenarios = call.worlds().config().scenario_provider.list_names().len();
    let worlds = call.worlds().world_count();
    let version = env!("CARGO_PKG_VERSION");
    let mut ready =
        json!({ "ready": true, "version": version, "scenarios": scenarios, "worlds": worlds });
    if let Some(complaint) = call.worlds().config().scenario_provider.load_error() {
        // The set that was right before is in force, so it is ready all the same.
        ready["scenariosError"] = complaint.into();
    }
    call.reply_control(Ok(Answer::json(&ready)))
}

/// The AAs' public keys as a JWK set (RFC 7517).
pub async fn jwks(call: Call) -> HttpResponse {
    let ring = &call.shared().keys;
    let mut keys: Vec<_> = ring
        .all()
        .iter()
        .map(|key| Jwk::from(&key.public))
        .collect();
    let world = call
        .world_name()
        .ok()
        .and_then(|name| call.worlds().find_world(name));
    if world.is_some_and(|world| world.has_rotated_keys()) {
        keys.extend(ring.all().iter().map(|key| Jwk::from(&ring.next_of(key))));
    }
    call.reply_control(Ok(Answer::json(&json!({ "keys": keys }))))
}

/// All calls, for people.
pub async fn docs(call: Call) -> HttpResponse {
    call.reply_control(call.world().map(|world| {
        let document = openapi::build_document(&call.base_url(&world));
        Answer::html(DocsPage::new(&document).to_html())
    }))
}

/// All calls in OpenAPI.
pub async fn openapi(call: Call) -> HttpResponse {
    call.reply_control(
        call.world()
            .map(|world| Answer::json(&openapi::build_document(&call.base_url(&world)))),
    )
}

pub async fn no_such_call(call: Call) -> HttpResponse {
    let problem = call.no_such_call();
    call.refuse(problem).await
}
