//! Health checks, public keys, API documentation, and the fallback for unknown routes.

use actix_web::HttpResponse;
use serde_json::json;

use crate::http::call::Call;
use crate::http::call_context::CallContext;
use crate::http::response::ApiResponse;
use crate::ui::docs::{self, DocsPage};
use crate::wire::api_error::ApiError;
use crate::wire::jwk::Jwk;

/// `GET /livez`: the process answers.
pub(crate) fn check_liveness(_: &Call) -> ApiResponse {
    ApiResponse::json(&json!({ "alive": true }))
}

/// `GET /readyz`: always ready, because scenarios and keys are loaded before the server starts.
pub(crate) fn check_readiness(call: &Call) -> ApiResponse {
    let library = &call.app_state().scenarios;
    let scenarios = library.scenarios().current().scenarios.len();
    let worlds = call.worlds().world_count();
    let version = env!("CARGO_PKG_VERSION");
    let mut status =
        json!({ "ready": true, "version": version, "scenarios": scenarios, "worlds": worlds });
    if let Some(load_error) = library.load_error() {
        // The previous scenarios stay active, so the sandbox is still ready.
        status["scenariosError"] = load_error.into();
    }
    ApiResponse::json(&status)
}

/// Returns the AAs' public keys as a JWK set (RFC 7517), after a key rotation with the next ones.
pub(crate) fn get_jwks(call: &Call) -> ApiResponse {
    let keyring = &call.app_state().keys;
    let mut keys: Vec<_> = keyring
        .all_keys()
        .iter()
        .map(|key| Jwk::from(&key.public))
        .collect();
    let world = call
        .world_name()
        .ok()
        .and_then(|name| call.worlds().find_world(name));
    if world.is_some_and(|world| world.has_rotated_keys()) {
        keys.extend(
            keyring
                .all_keys()
                .iter()
                .map(|key| Jwk::from(&keyring.next_public_key(key))),
        );
    }
    ApiResponse::json(&json!({ "keys": keys }))
}

/// The documentation loads its own script and style, and calls this sandbox only.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'";

/// Returns the documentation of all calls as a page.
pub(crate) fn show_docs(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = call.get_or_create_world()?;
    let document = (call.app_state().describe_calls)(&call.base_url(&world));
    let page = ApiResponse::html(DocsPage::new(&document).to_html());
    Ok(page.with_content_security_policy(DOCS_POLICY))
}

/// Returns the script of the documentation.
pub(crate) fn get_docs_script(_: &Call) -> ApiResponse {
    ApiResponse::static_text("text/javascript; charset=utf-8", docs::SCRIPT)
}

/// Returns the style sheet of the documentation.
pub(crate) fn get_docs_style(_: &Call) -> ApiResponse {
    ApiResponse::static_text("text/css; charset=utf-8", docs::STYLE)
}

/// Returns the certificate of the development CA, for clients to trust.
pub(crate) fn get_authority(call: &Call) -> Result<ApiResponse, ApiError> {
    let authority = call.app_state().authority.as_ref().ok_or_else(|| {
        ApiError::NotFound("this sandbox has no https; start it with --tls".to_owned())
    })?;
    Ok(ApiResponse::file(
        authority.clone().into_bytes(),
        "application/x-pem-file",
        "mockaa-ca.pem".to_owned(),
    ))
}

/// Returns the documentation of all calls in OpenAPI.
pub(crate) fn get_openapi(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = call.get_or_create_world()?;
    Ok(ApiResponse::json(&(call.app_state().describe_calls)(
        &call.base_url(&world),
    )))
}

pub(crate) async fn reply_unknown_route(call: Call) -> HttpResponse {
    let error = match call.check_access() {
        Ok(()) => call.unknown_route_error(),
        Err(error) => error,
    };
    let mut context = CallContext::for_operation(call.op());
    if let ApiError::UndocumentedRoute { .. } = &error {
        context.facts_mut().is_undocumented = true;
        if let Ok(world) = call.get_or_create_world() {
            world.write_note_once(&error.to_string());
        }
    }
    call.reply(Err(error), context).await
}
