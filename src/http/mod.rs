//! The HTTP APIs: one table of routes, one extractor (`Call`) and one reply path
//! (`response`). Handlers have a few lines; decisions are the engine's, wire formats are `wire`'s.
//!
//! ```text
//! bytes → Call → API key → signature → wire type → Command → World::submit → signed response
//! ```
//!
//! The webhooks that a call causes are sent only after its response has been written.

mod call;
mod control;
mod fault_injection;
mod mask;
pub mod openapi;
mod pages;
mod params;
mod raise;
mod rebit;
mod registry;
mod request_log;
mod requested_fault;
mod response;
pub mod routes;
mod security;
mod seed;
mod service_info;
mod signature_cache;
mod unaport;
mod webview;
mod world_prefix;

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::{ServiceConfig, resource, to};

pub use self::request_log::log_call;
pub use self::world_prefix::consume_world_prefix;
pub use fault_injection::ClientSocket;
pub use security::SecurityMode;

use self::call::Call;
use self::routes::list_resources;
use crate::crypto::keys::Keyring;
use crate::engine::worlds::Worlds;
use crate::scenario::library::Library;

/// Largest accepted request body, in bytes.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// State shared by all requests.
#[derive(Debug)]
pub struct AppState {
    pub worlds: Arc<Worlds>,
    /// Scenario library, which the control API reloads and parses with.
    pub scenarios: Arc<Library>,
    /// Signing keys of the AAs.
    pub keys: Arc<Keyring>,
    pub security: SecurityMode,
    /// Bearer token that the control API requires; `None` while the sandbox listens on loopback
    /// only.
    pub control_token: Option<String>,
}

/// Registers every route. [`consume_world_prefix`] makes them the routes of all worlds.
pub fn configure_routes(config: &mut ServiceConfig) {
    for (pattern, route_resource) in list_resources() {
        config.service(resource(pattern).app_data(route_resource).to(answer_call));
    }
    config.default_service(to(service_info::reply_unknown_route));
}

/// Answers a call of a known path by its route, or with 405 if no route has its method.
async fn answer_call(call: Call) -> HttpResponse {
    match call.route() {
        Some(route) => {
            let outcome = route.handler.handle(&call).await;
            call.reply(outcome).await
        }
        None => call.reply_method_not_allowed().await,
    }
}
