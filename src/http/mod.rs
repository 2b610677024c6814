//! The HTTP surface: one flat list of routes, one extractor, one reply path; handlers of a few lines.
//!
//! ```text
//! bytes → Call → api key → signature → wire type → Command → World::submit → reply (signed, and only then webhooks)
//! ```

mod call;
mod control;
mod fault;
mod housekeeping;
mod mask;
mod pages;
mod pairs;
mod rebit;
mod registry;
mod reply;
mod seals;
mod security;
mod seed;
mod spoil;
mod unaport;
mod webview;

use std::sync::Arc;

use actix_web::web::{ServiceConfig, delete, get, head, post, put, resource, scope, to};

pub use security::Security;
pub use spoil::Wire;

use self::call::{Call, Served};
use crate::crypto::keys::Keyring;
use crate::domain::operation::Operation;
use crate::engine::worlds::Worlds;

/// A request body may have this many bytes.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// What all requests share.
#[derive(Debug)]
pub struct Shared {
    pub worlds: Arc<Worlds>,
    /// The AAs'.
    pub keys: Arc<Keyring>,
    pub security: Security,
    /// What the control API asks for when the sandbox can be reached from other machines.
    pub control_token: Option<String>,
}

/// Where clients hang their base URL: they concatenate one of these with the path (DESIGN §1).
const MOUNTS: [&str; 5] = ["", "/v1", "/v2", "/V2", "/proxy/v2"];

/// The two hosts of the Unaport service, told apart by their paths, and the application host's root of old. Clients mix
/// them up, so each has all calls (`reference/unaport.md` §6, 14).
const HOSTS: [&str; 3] = [unaport::COMMON, unaport::APPLICATION, "/backend/api/v1"];

/// Every call of the sandbox, in the default world and in named ones.
pub fn routes(config: &mut ServiceConfig) {
    // The named worlds first: the router goes down its list, and would try some two hundred patterns before theirs.
    config.service(
        scope("/w/{world}")
            .configure(world_routes)
            .default_service(to(housekeeping::no_such_call)),
    );
    world_routes(config);
    config.default_service(to(housekeeping::no_such_call));
}

/// Adds a resource that answers one method, or two, and tells every other one which. What is named before the method is
/// what it is called for, as the journal and scenarios speak of it; without it the call is ours alone.
macro_rules! route {
    // The connection leaves the body of a HEAD's answer out.
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
                .app_data(Served($op))
                $(.route($method().to($handler)))+
                .default_service(to(|call: Call| Call::wrong_method(call, $allowed))),
        )
    };
    ($config:expr, $op:ident: $($route:tt)+) => {
        route!(@ $config, Some(Operation::$op), $($route)+)
    };
    ($config:expr, $($route:tt)+) => {
        route!(@ $config, None, $($route)+)
    };
}

/// How a method is spelled.
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

fn world_routes(config: &mut ServiceConfig) {
    // Before the mounts: the registry's second version stands below the same first segment as one of them.
    for registry in ["/entityInfo", "/v2/entityInfo"] {
        route!(config, Registry: get format!("{registry}/{{type}}") => registry::list_entities);
        route!(config, Registry: get format!("{registry}/{{type}}/{{id}}") => registry::get_entity);
    }
    for mount in MOUNTS {
        route!(config, ConsentCreate: post format!("{mount}/consent") => seed::create_consent);
        route!(config, ConsentFetch: get format!("{mount}/consent/{{id}}") => seed::get_consent);
        route!(config, ConsentCreate: post format!("{mount}/Consent") => rebit::consent::create);
        route!(config, ConsentStatus: post format!("{mount}/Consent/handle") => rebit::consent::status);
        route!(config, ConsentStatus: get format!("{mount}/Consent/handle/") => rebit::consent::no_handle);
        route!(config, ConsentStatus: get format!("{mount}/Consent/handle/{{handle}}") => rebit::consent::status_by_path);
        route!(config, ConsentFetch: post format!("{mount}/Consent/fetch") => rebit::consent::fetch);
        route!(config, ConsentNotification: post format!("{mount}/Consent/Notification") => rebit::notification::consent);
        route!(config, ConsentFetch: get format!("{mount}/Consent/{{id}}") => rebit::consent::fetch_by_path);
        route!(config, FiRequest: post format!("{mount}/FI/request") => rebit::fi::request);
        route!(config, FiFetch: post format!("{mount}/FI/fetch") => rebit::fi::fetch);
        route!(config, FiFetch: get format!("{mount}/FI/fetch/{{session}}") => rebit::fi::fetch_by_path);
        route!(config, FiNotification: post format!("{mount}/FI/Notification") => rebit::notification::fi);
        route!(config, AccountNotification: post format!("{mount}/Account/link/Notification") => rebit::notification::link);
        route!(config, Heartbeat: get format!("{mount}/Heartbeat") => rebit::heartbeat);
    }
    for host in HOSTS {
        // Trailing slashes are tolerated, those of a base URL too, which clients put before a path that has one.
        // An organisation may be empty, so that it can be said: a variable that nobody has set.
        let at = |path: &str| {
            let path = path[1..].replace("{org}", "{org:[^/]*}");
            format!("{host}{{lead:/+}}{path}{{trail:/*}}")
        };
        route!(config, Login: post at("/public/user/login") => unaport::auth::login);
        route!(config, LoginRefresh: post at("/public/user/refreshToken") => unaport::auth::refresh);
        route!(config, Organisation: get at("/FIU/getClientOrganisation") => unaport::organisation::show_client);
        route!(config, Organisation: get at("/FIU/getOrganisation") => unaport::organisation::show);
        route!(config, TemplateSave: post at("/FIU/InsertProduct/{org}") => unaport::templates::save);
        route!(config, TemplateList: get at("/FIU/ProductList/{org}") => unaport::templates::list);
        route!(config, ConsentCreate: post at("/FIU/Consents/product/{org}") => unaport::consents::create_by_template);
        route!(config, ConsentCreate: post at("/FIU/Consents/{org}") => unaport::consents::create);
        route!(config, ConsentRevoke: post at("/FIU/Consents/revoke/{org}/{consent}") => unaport::consents::revoke, put => unaport::consents::revoke);
        route!(config, ConsentRevoke: delete at("/FIU/Consents/{org}/{consent}") => unaport::consents::revoke);
        route!(config, ConsentStatus: get at("/FIU/GetConsent/{handle}") => unaport::consents::show);
        route!(config, FiStatus: get at("/FIU/FINotification/{handle}") => unaport::data::status);
        route!(config, FiFetch: get at("/FIU/FifetchDataBySessionId/{session}") => unaport::data::fetch);
        route!(config, AccountDetails: get at("/FIU/FI/AccountDetail/{session}") => unaport::data::account_details);
        route!(config, AnalyticsGenerate: get at("/FIU/FI/Analytic/{org}/{session}") => unaport::analytics::generate);
        route!(config, AnalyticsGenerate: get at("/FIU/FI/AnalyticAggregate/{org}/{session}") => unaport::analytics::generate);
        route!(config, Export: get at("/FIU/Analitic/Export/{analytic}") => unaport::analytics::export);
        route!(config, AnalyticsFetch: get at("/FIU/Analitic/{analytic}/{session}") => unaport::analytics::fetch);
        route!(config, Export: get at("/FIU/AnaliticAggregate/Export/{session}") => unaport::analytics::export_aggregate);
        route!(config, AnalyticsFetch: get at("/FIU/AnaliticAggregate/{session}") => unaport::analytics::fetch_aggregate);
        route!(config, Export: get at("/FIU/Export/{entity}/{session}") => unaport::analytics::export_data);
        route!(config, Export: get at("/FIU/ExportPdf/{entity}/{session}") => unaport::analytics::print_data);
        route!(config, Redirection: get at("/public/shorten/{code}") => unaport::consents::follow_link);
        route!(config, Redirection: get at("/redirect/{code}") => unaport::consents::follow_link);
    }
    route!(config, Token: post "/iam/v1/entity/token/generate" => registry::generate_token);
    route!(config, Token: post "/auth/realms/sahamati/protocol/openid-connect/token" => registry::grant_token);
    route!(config, get "/auth/realms/sahamati/protocol/openid-connect/certs" => housekeeping::jwks);
    route!(config, Redirection: get "/aa/webview" => webview::show);
    route!(config, Redirection: post "/aa/webview/{verb}" => webview::answer);
    route!(config, get "/livez" => housekeeping::livez);
    route!(config, get "/readyz" => housekeeping::readyz);
    route!(config, get "/docs" => housekeeping::docs);
    route!(config, get "/openapi.json" => housekeeping::openapi);
    route!(config, get "/.well-known/jwks.json" => housekeeping::jwks);
    route!(config, get "/ui/consents/{handle}" => pages::show_consent);
    route!(config, post "/ui/consents/{handle}/{verb}" => pages::answer_consent);
    route!(config, get "/_mockaa/v1/consents" => control::consents::list);
    route!(config, get "/_mockaa/v1/consents/{handle}" => control::consents::show);
    route!(config, post "/_mockaa/v1/consents/{handle}/play" => control::consents::play);
    route!(config, post "/_mockaa/v1/consents/{handle}/{verb}" => control::consents::act);
    route!(config, get "/_mockaa/v1/sessions" => control::sessions::list);
    route!(config, get "/_mockaa/v1/sessions/{id}" => control::sessions::show);
    route!(config, post "/_mockaa/v1/sessions/{id}/deliver" => control::sessions::deliver);
    route!(config, post "/_mockaa/v1/sessions/{id}/analytics" => control::sessions::report_analytics);
    route!(config, get "/_mockaa/v1/customers" => control::customers::list);
    route!(config, get "/_mockaa/v1/customers/{customer}/accounts" => control::customers::list_accounts);
    route!(config, post "/_mockaa/v1/customers/{customer}/{verb}" => control::customers::act);
    route!(config, get "/_mockaa/v1/config/fiu" => control::participants::list_fius);
    route!(config, get "/_mockaa/v1/config/fip" => control::participants::list_fips);
    route!(config, get "/_mockaa/v1/config/fiu/{id}" => control::participants::get_fiu, put => control::participants::put_fiu);
    route!(config, get "/_mockaa/v1/config/fip/{id}" => control::participants::get_fip, put => control::participants::put_fip);
    route!(config, get "/_mockaa/v1/webhooks" => control::webhooks::list);
    route!(config, get "/_mockaa/v1/webhooks/{id}" => control::webhooks::show);
    route!(config, post "/_mockaa/v1/webhooks/{id}/resend" => control::webhooks::resend);
    route!(config, get "/_mockaa/v1/journal" => control::journal::list);
    route!(config, get "/_mockaa/v1/journal/wait" => control::journal::wait);
    route!(config, post "/_mockaa/v1/assert" => control::journal::assert);
    route!(config, get "/_mockaa/v1/report" => control::journal::report);
    route!(config, get "/_mockaa/v1/faults" => control::faults::list, delete => control::faults::delete_all);
    route!(config, get "/_mockaa/v1/faults/{name}" => control::faults::show, put => control::faults::put, delete => control::faults::delete);
    route!(config, get "/_mockaa/v1/scenarios" => control::scenarios::list);
    route!(config, post "/_mockaa/v1/scenarios/reload" => control::scenarios::reload);
    route!(config, get "/_mockaa/v1/scenarios/default" => control::scenarios::get_default, put => control::scenarios::set_default);
    route!(config, get "/_mockaa/v1/scenarios/{name}" => control::scenarios::show, put => control::scenarios::put, delete => control::scenarios::delete);
    route!(config, post "/_mockaa/v1/scenarios/{name}/pin" => control::scenarios::pin);
    route!(config, get "/_mockaa/v1/magic" => control::scenarios::magic);
    route!(config, get "/_mockaa/v1/keys" => housekeeping::jwks);
    route!(config, get "/_mockaa/v1/clock" => control::clock::show);
    route!(config, post "/_mockaa/v1/clock/freeze" => control::clock::freeze);
    route!(config, post "/_mockaa/v1/clock/run" => control::clock::run);
    route!(config, post "/_mockaa/v1/clock/set" => control::clock::set);
    route!(config, post "/_mockaa/v1/clock/advance" => control::clock::move_on);
    route!(config, get "/_mockaa/v1/world" => control::world::show);
    route!(config, get "/_mockaa/v1/worlds" => control::world::list);
    route!(config, delete "/_mockaa/v1/worlds/{name}" => control::world::delete);
    route!(config, post "/_mockaa/v1/reset" => control::world::reset);
}
