//! The HTTP APIs: one table of routes, one kind of request (`Call`) and one reply path
//! (`response`). Handlers have a few lines; decisions are the engine's, wire formats are `wire`'s.
//!
//! ```text
//! bytes → Call → API key → signature → wire type → Command → World::submit → signed response
//! ```
//!
//! The webhooks that a call causes are sent only after its response has been written.

mod access;
mod answer_cache;
mod call;
mod call_context;
mod call_facts;
mod call_world;
mod connection;
mod console;
mod control;
mod event_stream;
mod fair_use;
mod fault_injection;
mod forms;
mod frame_policy;
mod journey;
mod known_paths;
mod large_task;
pub(crate) mod openapi;
mod operator;
mod params;
mod raise;
mod rebit;
mod registry;
mod request_log;
mod requested_fault;
mod response;
pub(crate) mod route_info;
mod router;
pub(crate) mod routes;
mod security;
mod seed;
pub(crate) mod server;
mod service_info;
mod signature_cache;
mod unaport;
mod visit;
mod webview;

use std::sync::Arc;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::Value;

pub(crate) use self::access::AccessPolicy;
pub(crate) use self::call::describe_target;
pub(crate) use self::openapi::build_document;
pub use security::SecurityMode;

pub(crate) use self::answer_cache::AnswerCache;
use self::call::Call;
use self::call_context::CallContext;
pub(crate) use self::event_stream::StreamCount;
pub(crate) use self::forms::FormKey;
pub(crate) use self::frame_policy::FramePolicy;
pub(crate) use self::journey::VisitStore;
use self::known_paths::KnownPaths;
pub(crate) use self::operator::OperatorSessions;
use self::request_log::log_call;
use self::route_info::ProtocolPrefixes;
pub(crate) use self::router::Router;
use self::router::{PathParameters, RouteMatch, split_world};
pub(crate) use self::routes::{known_paths, protocol_prefixes};
use crate::crypto::keys::Keyring;
use crate::domain::time::Timestamp;
use crate::engine::worlds::Worlds;
use crate::scenario::library::Library;

/// Largest accepted request body, in bytes.
pub(crate) const BODY_BYTES_MAX: usize = 1024 * 1024;

/// The size of the largest file that is uploaded, in bytes; 64 KiB more are for the fields of a form.
pub(crate) const UPLOAD_BYTES_MAX: usize = 20 << 20;

/// State shared by all requests.
#[derive(Debug)]
pub(crate) struct AppState {
    pub worlds: Arc<Worlds>,
    /// Scenario library, which the control API reloads and parses with.
    pub scenarios: Arc<Library>,
    /// Signing keys of the AAs.
    pub keys: Arc<Keyring>,
    /// Bearer token that the control API requires; `None` while the sandbox listens on loopback
    /// only.
    pub control_token: Option<String>,
    /// Names under which the sandbox is reached.
    pub access: AccessPolicy,
    /// Returns the OpenAPI document of all calls for a server URL.
    pub describe_calls: fn(&str) -> Value,
    /// Finds the calls of a path.
    pub router: Router,
    /// Format of errors for paths that no call has.
    pub protocol_prefixes: ProtocolPrefixes,
    /// System time of the start.
    pub started_at: Timestamp,
    /// Certificate of the development CA, in PEM; `None` for a sandbox without https.
    pub authority: Option<String>,
    /// Explains paths that no call has.
    pub known_paths: KnownPaths,
    /// Key of the tokens in the forms of pages.
    pub form_key: FormKey,
    /// `true` if the pages of a consent begin with a sign-in.
    pub customer_login: bool,
    /// The web pages that may frame the pages of the web SDK.
    pub frames: FramePolicy,
    /// Sessions of operators in browsers.
    pub operator_sessions: OperatorSessions,
    /// The open streams of events.
    pub event_streams: StreamCount,
    /// Visits of customers.
    pub visits: VisitStore,
    /// Answers about consents that have not changed.
    pub answers: AnswerCache,
}

impl AppState {
    /// Returns the strictness of authentication.
    pub(crate) fn security(&self) -> SecurityMode {
        self.worlds.config().security
    }
}

/// Answers a call of a known path by its route, or with 405 if no route has its method; any other
/// path by its explanation.
pub(crate) async fn answer_call(
    request: HttpRequest,
    payload: Payload,
    app_state: Data<AppState>,
) -> HttpResponse {
    let payload = payload.into_inner();
    let (_, path) = split_world(request.match_info().as_str());
    let Some(RouteMatch {
        resource,
        parameters,
    }) = app_state.router.find(path)
    else {
        let call = Call::read(
            request,
            payload,
            app_state.clone(),
            None,
            PathParameters::default(),
        );
        return service_info::reply_unknown_route(call.await).await;
    };
    let info = resource.info.clone();
    let call = Call::read(request, payload, app_state.clone(), Some(info), parameters).await;
    if let Err(error) = call.check_access() {
        let context = CallContext::for_operation(call.op());
        return call.reply(Err(error), context).await;
    }
    let handler = call.route().and_then(|route| resource.find_handler(route));
    match handler {
        Some(handler) => {
            let mut context = CallContext::for_operation(call.op());
            let outcome = handler.handle(&call, &mut context).await;
            call.reply(outcome, context).await
        }
        None => call.reply_method_not_allowed().await,
    }
}
