//! The HTTP APIs: one flat list of routes, one extractor (`Call`) and one reply path
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
mod security;
mod seed;
mod service_info;
mod signature_cache;
mod unaport;
mod webview;

use std::sync::Arc;

use actix_web::web::{ServiceConfig, delete, get, head, post, put, resource, scope, to};

pub use self::request_log::log_call;
pub use fault_injection::ClientSocket;
pub use security::SecurityMode;

use self::call::{Call, RouteOperation};
use crate::crypto::keys::Keyring;
use crate::domain::operation::Operation;
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

/// Prefixes under which every ReBIT and seed call is served. Clients append the specified path to
/// a base URL, and base URLs differ (`docs/architecture.md#apis`).
const BASE_PATHS: [&str; 5] = ["", "/v1", "/v2", "/V2", "/proxy/v2"];

/// Prefixes of the Unaport calls: one for each of the service's two hosts, and the earlier root of
/// the application host. Clients mix them up, so every call is served under each of them
/// (`docs/sources.md#unaport-pitfalls`).
const UNAPORT_BASE_PATHS: [&str; 3] = [
    unaport::COMMON_PATH,
    unaport::APPLICATION_PATH,
    "/backend/api/v1",
];

/// Registers every route, for the default world and for named worlds.
pub fn configure_routes(config: &mut ServiceConfig) {
    // Named worlds come first: the router tries patterns in order, and there are about 200 others.
    config.service(
        scope("/w/{world}")
            .configure(configure_world_routes)
            .default_service(to(service_info::reply_unknown_route)),
    );
    configure_world_routes(config);
    config.default_service(to(service_info::reply_unknown_route));
}

/// Adds a resource with one to three methods; every other method is answered with 405 and `Allow`.
/// The name before the method is the call's [`Operation`], by which the journal and scenarios refer
/// to it. Calls without one (control API, pages) are not recorded.
macro_rules! route {
    // actix leaves the body out of a response to HEAD.
    (@ $config:expr, $op:expr, get $path:expr => $get:path) => {
        route!(@@ $config, $op, $path, "GET, HEAD", get => $get, head => $get)
    };
    (@ $config:expr, $op:expr, get $path:expr => $get:path, delete => $delete:path) => {
        route!(@@ $config, $op, $path, "GET, DELETE", get => $get, delete => $delete)
    };
    (@ $config:expr, $op:expr, $one:ident $path:expr => $handler:path) => {
        route!(@@ $config, $op, $path, method!($one), $one => $handler)
    };
    (@ $config:expr, $op:expr, $one:ident $path:expr => $first:path, $other:ident => $second:path) => {
        route!(@@ $config, $op, $path, concat!(method!($one), ", ", method!($other)), $one => $first, $other => $second)
    };
    (@ $config:expr, $op:expr, get $path:expr => $get:path, put => $put:path, delete => $delete:path) => {
        route!(@@ $config, $op, $path, "GET, PUT, DELETE", get => $get, put => $put, delete => $delete)
    };
    (@@ $config:expr, $op:expr, $path:expr, $allowed:expr, $($method:ident => $handler:path),+) => {
        $config.service(
            resource($path)
                .app_data(RouteOperation($op))
                $(.route($method().to($handler)))+
                .default_service(to(|call: Call| Call::reply_method_not_allowed(call, $allowed))),
        )
    };
    ($config:expr, $op:ident: $($route:tt)+) => {
        route!(@ $config, Some(Operation::$op), $($route)+)
    };
    ($config:expr, $($route:tt)+) => {
        route!(@ $config, None, $($route)+)
    };
}

/// Name of an HTTP method in capital letters.
macro_rules! method {
    (get) => {
        "GET"
    };
    (post) => {
        "POST"
    };
    (put) => {
        "PUT"
    };
    (delete) => {
        "DELETE"
    };
}

/// Builds the pattern of an Unaport route. Repeated slashes are accepted at the end, and between
/// the base URL and the path. `{org}` may be empty, so that a client whose organisation variable is
/// not set gets an error that names the problem.
fn unaport_pattern(base: &str, path: &str) -> String {
    let path = path[1..].replace("{org}", "{org:[^/]*}");
    format!("{base}{{lead:/+}}{path}{{trail:/*}}")
}

fn configure_world_routes(config: &mut ServiceConfig) {
    // Before the base paths: the second version of the registry shares its first segment with one
    // of them.
    for registry in ["/entityInfo", "/v2/entityInfo"] {
        route!(config, Registry: get format!("{registry}/{{type}}") => registry::list_entities);
        route!(config, Registry: get format!("{registry}/{{type}}/{{id}}") => registry::get_entity);
    }
    for base in BASE_PATHS {
        route!(config, ConsentCreate: post format!("{base}/consent") => seed::create_consent);
        route!(config, ConsentFetch: get format!("{base}/consent/{{id}}") => seed::get_consent);
        route!(config, ConsentCreate: post format!("{base}/Consent") => rebit::consent::create_consent);
        route!(config, ConsentStatus: post format!("{base}/Consent/handle") => rebit::consent::get_status);
        route!(config, ConsentStatus: get format!("{base}/Consent/handle/") => rebit::consent::reject_missing_handle);
        route!(config, ConsentStatus: get format!("{base}/Consent/handle/{{handle}}") => rebit::consent::get_status_by_path);
        route!(config, ConsentFetch: post format!("{base}/Consent/fetch") => rebit::consent::fetch_artefact);
        route!(config, ConsentNotification: post format!("{base}/Consent/Notification") => rebit::notification::receive_consent_notification);
        route!(config, ConsentFetch: get format!("{base}/Consent/{{id}}") => rebit::consent::fetch_artefact_by_path);
        route!(config, FiRequest: post format!("{base}/FI/request") => rebit::fi::request_data);
        route!(config, FiFetch: post format!("{base}/FI/fetch") => rebit::fi::fetch_data);
        route!(config, FiFetch: get format!("{base}/FI/fetch/{{session}}") => rebit::fi::fetch_data_by_path);
        route!(config, FiNotification: post format!("{base}/FI/Notification") => rebit::notification::receive_fi_notification);
        route!(config, AccountNotification: post format!("{base}/Account/link/Notification") => rebit::notification::receive_link_notification);
        route!(config, Heartbeat: get format!("{base}/Heartbeat") => rebit::get_heartbeat);
    }
    for base in UNAPORT_BASE_PATHS {
        route!(config, Login: post unaport_pattern(base, "/public/user/login") => unaport::auth::log_in);
        route!(config, LoginRefresh: post unaport_pattern(base, "/public/user/refreshToken") => unaport::auth::refresh_tokens);
        route!(config, Organisation: get unaport_pattern(base, "/FIU/getClientOrganisation") => unaport::organisation::get_client_organisation);
        route!(config, Organisation: get unaport_pattern(base, "/FIU/getOrganisation") => unaport::organisation::get_organisation);
        route!(config, TemplateSave: post unaport_pattern(base, "/FIU/InsertProduct/{org}") => unaport::templates::save_template);
        route!(config, TemplateList: get unaport_pattern(base, "/FIU/ProductList/{org}") => unaport::templates::list_templates);
        route!(config, ConsentCreate: post unaport_pattern(base, "/FIU/Consents/product/{org}") => unaport::consents::create_from_template);
        route!(config, ConsentCreate: post unaport_pattern(base, "/FIU/Consents/{org}") => unaport::consents::create_consent);
        route!(config, ConsentRevoke: post unaport_pattern(base, "/FIU/Consents/revoke/{org}/{consent}") => unaport::consents::revoke_consent, put => unaport::consents::revoke_consent);
        route!(config, ConsentRevoke: delete unaport_pattern(base, "/FIU/Consents/{org}/{consent}") => unaport::consents::revoke_consent);
        route!(config, ConsentStatus: get unaport_pattern(base, "/FIU/GetConsent/{handle}") => unaport::consents::get_consent);
        route!(config, FiStatus: get unaport_pattern(base, "/FIU/FINotification/{handle}") => unaport::data::get_fetch_status);
        route!(config, FiFetch: get unaport_pattern(base, "/FIU/FifetchDataBySessionId/{session}") => unaport::data::fetch_data);
        route!(config, AccountDetails: get unaport_pattern(base, "/FIU/FI/AccountDetail/{session}") => unaport::data::get_account_details);
        route!(config, AnalyticsGenerate: get unaport_pattern(base, "/FIU/FI/Analytic/{org}/{session}") => unaport::analytics::generate_analytics);
        route!(config, AnalyticsGenerate: get unaport_pattern(base, "/FIU/FI/AnalyticAggregate/{org}/{session}") => unaport::analytics::generate_analytics);
        route!(config, Export: get unaport_pattern(base, "/FIU/Analitic/Export/{analytic}") => unaport::analytics::export_analytics);
        route!(config, AnalyticsFetch: get unaport_pattern(base, "/FIU/Analitic/{analytic}/{session}") => unaport::analytics::fetch_analytics);
        route!(config, Export: get unaport_pattern(base, "/FIU/AnaliticAggregate/Export/{session}") => unaport::analytics::export_aggregate);
        route!(config, AnalyticsFetch: get unaport_pattern(base, "/FIU/AnaliticAggregate/{session}") => unaport::analytics::fetch_aggregate);
        route!(config, Export: get unaport_pattern(base, "/FIU/Export/{entity}/{session}") => unaport::analytics::export_data_xlsx);
        route!(config, Export: get unaport_pattern(base, "/FIU/ExportPdf/{entity}/{session}") => unaport::analytics::export_data_pdf);
        route!(config, Redirection: get unaport_pattern(base, "/public/shorten/{code}") => unaport::consents::follow_short_link);
        route!(config, Redirection: get unaport_pattern(base, "/redirect/{code}") => unaport::consents::follow_short_link);
    }
    route!(config, Token: post "/iam/v1/entity/token/generate" => registry::generate_token);
    route!(config, Token: post "/auth/realms/sahamati/protocol/openid-connect/token" => registry::grant_token);
    route!(config, get "/auth/realms/sahamati/protocol/openid-connect/certs" => service_info::get_jwks);
    route!(config, Redirection: get "/aa/webview" => webview::show_webview);
    route!(config, Redirection: post "/aa/webview/{action}" => webview::submit_decision);
    route!(config, get "/livez" => service_info::check_liveness);
    route!(config, get "/readyz" => service_info::check_readiness);
    route!(config, get "/docs" => service_info::show_docs);
    route!(config, get "/openapi.json" => service_info::get_openapi);
    route!(config, get "/.well-known/jwks.json" => service_info::get_jwks);
    route!(config, get "/ui/consents/{handle}" => pages::show_consent);
    route!(config, post "/ui/consents/{handle}/{action}" => pages::submit_decision);
    route!(config, get "/_mockaa/v1/consents" => control::consents::list_consents);
    route!(config, get "/_mockaa/v1/consents/{handle}" => control::consents::get_consent);
    route!(config, post "/_mockaa/v1/consents/{handle}/play" => control::consents::play_steps);
    route!(config, post "/_mockaa/v1/consents/{handle}/{action}" => control::consents::apply_consent_action);
    route!(config, get "/_mockaa/v1/sessions" => control::sessions::list_sessions);
    route!(config, get "/_mockaa/v1/sessions/{id}" => control::sessions::get_session);
    route!(config, post "/_mockaa/v1/sessions/{id}/deliver" => control::sessions::deliver_data);
    route!(config, post "/_mockaa/v1/sessions/{id}/analytics" => control::sessions::notify_analytics);
    route!(config, get "/_mockaa/v1/customers" => control::customers::list_customers);
    route!(config, get "/_mockaa/v1/customers/{customer}/accounts" => control::customers::list_accounts);
    route!(config, post "/_mockaa/v1/customers/{customer}/{action}" => control::customers::apply_customer_action);
    route!(config, get "/_mockaa/v1/config/fiu" => control::participants::list_fius);
    route!(config, get "/_mockaa/v1/config/fip" => control::participants::list_fips);
    route!(config, get "/_mockaa/v1/config/fiu/{id}" => control::participants::get_fiu, put => control::participants::put_fiu);
    route!(config, get "/_mockaa/v1/config/fip/{id}" => control::participants::get_fip, put => control::participants::put_fip);
    route!(config, get "/_mockaa/v1/webhooks" => control::webhooks::list_webhooks);
    route!(config, get "/_mockaa/v1/webhooks/{id}" => control::webhooks::get_webhook);
    route!(config, post "/_mockaa/v1/webhooks/{id}/resend" => control::webhooks::resend_webhook);
    route!(config, get "/_mockaa/v1/journal" => control::journal::list_entries);
    route!(config, get "/_mockaa/v1/journal/wait" => control::journal::wait_for_entries);
    route!(config, post "/_mockaa/v1/assert" => control::journal::check_expectations);
    route!(config, get "/_mockaa/v1/report" => control::journal::get_report);
    route!(config, get "/_mockaa/v1/faults" => control::faults::list_faults, delete => control::faults::delete_all);
    route!(config, get "/_mockaa/v1/faults/{name}" => control::faults::get_faults, put => control::faults::put_faults, delete => control::faults::delete_faults);
    route!(config, get "/_mockaa/v1/scenarios" => control::scenarios::list_scenarios);
    route!(config, post "/_mockaa/v1/scenarios/reload" => control::scenarios::reload_scenarios);
    route!(config, get "/_mockaa/v1/scenarios/default" => control::scenarios::get_default, put => control::scenarios::set_default);
    route!(config, get "/_mockaa/v1/scenarios/{name}" => control::scenarios::get_scenario, put => control::scenarios::put_scenario, delete => control::scenarios::delete_scenario);
    route!(config, post "/_mockaa/v1/scenarios/{name}/pin" => control::scenarios::pin_scenario);
    route!(config, get "/_mockaa/v1/magic" => control::scenarios::list_magic_customers);
    route!(config, get "/_mockaa/v1/keys" => service_info::get_jwks);
    route!(config, get "/_mockaa/v1/clock" => control::clock::get_clock);
    route!(config, post "/_mockaa/v1/clock/freeze" => control::clock::freeze_clock);
    route!(config, post "/_mockaa/v1/clock/run" => control::clock::run_clock);
    route!(config, post "/_mockaa/v1/clock/set" => control::clock::set_clock);
    route!(config, post "/_mockaa/v1/clock/advance" => control::clock::advance_world_clock);
    route!(config, get "/_mockaa/v1/world" => control::world::get_world);
    route!(config, get "/_mockaa/v1/worlds" => control::world::list_worlds);
    route!(config, delete "/_mockaa/v1/worlds/{name}" => control::world::delete_world);
    route!(config, post "/_mockaa/v1/reset" => control::world::reset_world);
}
