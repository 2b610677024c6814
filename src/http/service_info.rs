//! Health checks, public keys, API documentation, and the fallback for unknown routes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;
use askama::Template;
use serde_json::json;

use crate::domain::participants::{Entity, Participants};
use crate::domain::text::quote_value;
use crate::http::call::{Call, strip_world};
use crate::http::call_context::CallContext;
use crate::http::response::ApiResponse;
use crate::http::route_info::{UNAPORT_APPLICATION_PATH, UNAPORT_COMMON_PATH};
use crate::http::routes::is_console_page;
use crate::scenario::magic::MAGIC_CUSTOMERS;
use crate::ui::assets::{find_asset, is_current_digest};
use crate::ui::content::SharedContent;
use crate::ui::docs::DocsPage;
use crate::ui::front::{ShownMagicCustomer, ShownParticipant, StartPage};
use crate::ui::theme::{find_theme, write_theme};
use crate::wire::api_error::ApiError;
use crate::wire::jwk::Jwk;

/// `Cache-Control` of a file that never changes at its address.
const KEPT_FOREVER: &str = "public, max-age=31536000, immutable";

/// `GET /livez`: the process answers.
pub(crate) fn check_liveness(_: &Call) -> ApiResponse {
    ApiResponse::json(&json!({ "alive": true }))
}

/// `GET /readyz`: always ready, because scenarios and keys are loaded before the server starts.
pub(crate) fn check_readiness(call: &Call) -> ApiResponse {
    let library = &call.app_state().scenarios;
    let scenarios = library.scenarios().current().scenarios().len();
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
    let world = call.find_world().ok().flatten();
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

/// The pages with the documentation of all calls that were shown last. They differ in the address of
/// the world, which a caller chooses.
#[derive(Debug)]
struct DocsPages(Mutex<VecDeque<(String, SharedContent)>>);

/// The number of pages in [`DocsPages`]. Each has 700 kB.
const DOCS_PAGES_MAX: usize = 4;

static DOCS_PAGES: DocsPages = DocsPages(Mutex::new(VecDeque::new()));

impl DocsPages {
    /// Returns the page for this address. A new one takes the place of the oldest.
    fn get_or_render(&self, address: &str, render: impl FnOnce() -> String) -> SharedContent {
        // A page is added in one step, so a panic of another thread leaves the list intact.
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, page)) = pages.iter().find(|(known, _)| known == address) {
            return page.clone();
        }
        let page = SharedContent::new(render());
        pages.truncate(DOCS_PAGES_MAX - 1);
        pages.push_front((address.to_owned(), page.clone()));
        page
    }
}

/// Returns the documentation of all calls as a page.
pub(crate) fn show_docs(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = call.get_or_create_world()?;
    let address = call.base_url(&world);
    let page = DOCS_PAGES.get_or_render(&address, || {
        let document = (call.app_state().describe_calls)(&address);
        let page = DocsPage::new(&document).render();
        page.expect("a template writes to memory")
    });
    Ok(ApiResponse::shared_page(&page))
}

/// Redirects from an address with a slash at its end.
pub(crate) fn redirect_to_docs(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = call.get_or_create_world()?;
    let address = format!("{}/docs", call.base_url(&world));
    Ok(ApiResponse::redirect_found(address))
}

/// Returns a file that pages load.
pub(crate) fn get_asset(call: &Call) -> Result<ApiResponse, ApiError> {
    let name = call.path_segment("file");
    let asset = find_asset(name).filter(|_| is_current_digest(call.path_segment("digest")));
    let asset = asset.ok_or_else(|| {
        ApiError::NotFound(format!(
            "this version of mockaa has no file {} at this address; reload the page that names it",
            quote_value(name)
        ))
    })?;
    Ok(ApiResponse::asset(asset).with_header(CACHE_CONTROL, KEPT_FOREVER))
}

/// Returns the stylesheet with the colors of an AA, which are in its name.
pub(crate) fn get_theme(call: &Call) -> Result<ApiResponse, ApiError> {
    let name = call.path_segment("file");
    let brand = find_theme(name).ok_or_else(|| {
        ApiError::NotFound(format!(
            "no theme has the name {}; write two colors in lower case, such as 3a3aa0-b9b9ff.css",
            quote_value(name)
        ))
    })?;
    Ok(ApiResponse::stylesheet(write_theme(brand)).with_header(CACHE_CONTROL, KEPT_FOREVER))
}

/// Returns the logo of an AA or FIU of the world. A logo that is opened by itself, which may be an SVG
/// image with scripts, runs nothing and loads nothing.
pub(crate) fn get_logo(call: &Call) -> Result<ApiResponse, ApiError> {
    let name = call.path_segment("file");
    let participants = call.get_or_create_world()?.participants();
    let logo = participants.find_logo(name).ok_or_else(|| {
        ApiError::NotFound(format!(
            "no AA or FIU of this world has the logo {}; reload the page that names it",
            quote_value(name)
        ))
    })?;
    Ok(ApiResponse::logo(logo).with_header(CACHE_CONTROL, KEPT_FOREVER))
}

/// Returns the icon of all pages, at the address where browsers look for it.
pub(crate) fn get_icon(call: &Call) -> ApiResponse {
    let name = call.path().rsplit('/').next().unwrap_or_default();
    let icon = find_asset(name).expect("the routes name two icons");
    ApiResponse::asset(icon).with_header(CACHE_CONTROL, "public, max-age=86400")
}

/// A part of the sandbox, with its address below that of a world.
struct Part {
    key: &'static str,
    name: &'static str,
    path: &'static str,
    /// `true` if a browser can show it.
    is_page: bool,
}

const PARTS: [Part; 8] = [
    Part {
        key: "console",
        name: "Console",
        path: "/ui",
        is_page: true,
    },
    Part {
        key: "rebit",
        name: "ReBIT AA API",
        path: "",
        is_page: false,
    },
    Part {
        key: "unaportLogin",
        name: "Unaport, login",
        path: UNAPORT_COMMON_PATH,
        is_page: false,
    },
    Part {
        key: "unaport",
        name: "Unaport, all other calls",
        path: UNAPORT_APPLICATION_PATH,
        is_page: false,
    },
    Part {
        key: "control",
        name: "Control API",
        path: "/_mockaa/v1/world",
        is_page: true,
    },
    Part {
        key: "docs",
        name: "All calls",
        path: "/docs",
        is_page: true,
    },
    Part {
        key: "openapi",
        name: "OpenAPI",
        path: "/openapi.json",
        is_page: true,
    },
    Part {
        key: "keys",
        name: "Public keys of the AAs",
        path: "/.well-known/jwks.json",
        is_page: true,
    },
];

/// Returns the addresses of the parts of a sandbox by name, below the address of a world.
pub(crate) fn list_links(base: &str) -> BTreeMap<&'static str, String> {
    let links = PARTS.iter();
    links
        .map(|part| (part.key, format!("{base}{}", part.path)))
        .collect()
}

/// Returns what the sandbox is and where its parts are: a page for a browser, else JSON.
pub(crate) fn show_start(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = call.get_or_create_world()?;
    let base = call.base_url(&world);
    let version = env!("CARGO_PKG_VERSION");
    if !call.accepts_page() {
        return Ok(ApiResponse::json(&json!({
            "name": "mockaa", "version": version, "world": world.name(), "links": list_links(&base),
        })));
    }
    let page = StartPage {
        frame: call.page_frame(),
        version,
        world: world.name().to_owned(),
        now: world.now().to_string(),
        addresses: PARTS
            .iter()
            .map(|part| (part.name, format!("{base}{}", part.path), part.is_page))
            .collect(),
        participants: if call.is_operator() {
            list_participants(&world.participants())
        } else {
            Vec::new()
        },
        magic_customers: list_magic_customers(),
    };
    Ok(ApiResponse::page(&page))
}

/// Lists the magic customers.
pub(crate) fn list_magic_customers() -> Vec<ShownMagicCustomer> {
    let customers = MAGIC_CUSTOMERS.iter();
    customers
        .map(|customer| ShownMagicCustomer {
            number: customer.number,
            description: customer.description,
        })
        .collect()
}

/// Returns the addresses to which clients append the paths of the calls, by name.
pub(crate) fn list_base_urls(base: &str) -> Vec<(&'static str, String)> {
    let parts = PARTS.iter().filter(|part| !part.is_page);
    parts
        .map(|part| (part.name, format!("{base}{}", part.path)))
        .collect()
}

/// Lists the participants with their keys.
pub(crate) fn list_participants(participants: &Participants) -> Vec<ShownParticipant> {
    let of_entity = |role, entity: &Entity| ShownParticipant {
        name: entity.name.to_string(),
        role,
        id: entity.id.to_string(),
        api_key: entity.api_key.to_string(),
    };
    let aas = participants.aas.iter().map(|aa| ShownParticipant {
        name: aa.name.to_string(),
        role: "AA",
        id: aa.id.to_string(),
        api_key: aa.api_key.to_string(),
    });
    let fius = participants
        .fius
        .iter()
        .map(|fiu| of_entity("FIU", &fiu.entity));
    let fips = participants
        .fips
        .iter()
        .map(|fip| of_entity("FIP", &fip.entity));
    aas.chain(fius).chain(fips).collect()
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

/// Returns the address of the page whose address the call has with a slash at its end.
fn find_page_without_slash(call: &Call) -> Option<String> {
    let address = call.path_and_query();
    let (path, query) = match address.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (address, String::new()),
    };
    let path = path.strip_suffix('/')?;
    let is_page = call.is_get() && is_console_page(strip_world(path));
    is_page.then(|| format!("{path}{query}"))
}

pub(crate) async fn reply_unknown_route(call: Call) -> HttpResponse {
    if let Some(address) = find_page_without_slash(&call) {
        let context = CallContext::for_operation(call.op());
        let answer = ApiResponse::redirect_see_other(address);
        return call.reply(Ok(answer), context).await;
    }
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

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use super::{DOCS_PAGES_MAX, DocsPages};

    #[test]
    fn a_page_is_rendered_and_compressed_once() {
        let pages = DocsPages(Mutex::new(VecDeque::new()));
        let first = pages.get_or_render("http://a", || "page of a".to_owned());
        let again = pages.get_or_render("http://a", || panic!("it is there"));
        assert!(std::ptr::eq(first.gzip(), again.gzip()));
        let other = pages.get_or_render("http://b", || "page of b".to_owned());
        assert_eq!(other.plain(), b"page of b");
        for number in 0..100 {
            pages.get_or_render(&format!("http://{number}"), || "a page".to_owned());
        }
        assert_eq!(
            pages.0.lock().expect("no thread has panicked").len(),
            DOCS_PAGES_MAX
        );
        let anew = pages.get_or_render("http://a", || "a new page of a".to_owned());
        assert_eq!(anew.plain(), b"a new page of a");
    }
}
