//! A request as it arrived. Extracting it never fails: what is wrong with its world or its body is told by the
//! dialect that answers, when it asks.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ALLOW, AUTHORIZATION,
    CONTENT_TYPE, HeaderMap, HeaderValue,
};
use actix_web::web::{Bytes, BytesMut, Data};
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;

use crate::domain::ids::ConsentHandle;
use crate::domain::operation::Operation;
use crate::domain::participants::SignatureProfile;
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;
use crate::engine::clock::system_now;
use crate::engine::world::World;
use crate::engine::worlds::{DEFAULT_WORLD, Worlds};
use crate::http::fault_injection::{CallContext, ClientSocket};
use crate::http::{AppState, BASE_PATHS, BODY_BYTES_MAX, UNAPORT_BASE_PATHS};
use crate::wire::api_error::ApiError;
use crate::wire::fields::{parse_json, quote_value};

/// One request, its body read.
#[derive(Debug)]
pub struct Call {
    /// How the answer is to be signed: as the caller wants it, once it is known who that is.
    signature_profile: Cell<SignatureProfile>,
    /// What it is; `None` for calls that are ours alone.
    op: Option<Operation>,
    /// What is known of it.
    context: CallContext,
    /// By the wall's clock, when its body was there.
    arrived_at: Timestamp,
    request: HttpRequest,
    app_state: Data<AppState>,
    body: Result<Bytes, ApiError>,
}

impl FromRequest for Call {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            let body = tokio::time::timeout(BODY_TIMEOUT, read_body(&mut payload)).await;
            let body = body.unwrap_or_else(|_| {
                Err(ApiError::BodyReadFailed(format!(
                    "it was not complete within {} s",
                    BODY_TIMEOUT.as_secs()
                )))
            });
            let shared = request
                .app_data::<Data<AppState>>()
                .expect("the app is built with it")
                .clone();
            Ok(Self {
                signature_profile: Cell::new(SignatureProfile::Detached),
                op: resolve_operation(&request),
                context: CallContext::default(),
                arrived_at: system_now(),
                request,
                app_state: shared,
                body,
            })
        })
    }
}

/// What a resource is called for; `None`: it is ours alone.
#[derive(Clone, Copy, Debug)]
pub struct RouteOperation(pub Option<Operation>);

/// What a call is. Something that no resource serves is put on record where it was meant for a face.
fn resolve_operation(request: &HttpRequest) -> Option<Operation> {
    match request.app_data::<RouteOperation>() {
        Some(RouteOperation(operation)) => *operation,
        None => {
            (protocol_for_path(request.path()) != Protocol::Control).then_some(Operation::Unknown)
        }
    }
}

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Reads a body of bounded size.
async fn read_body(payload: &mut Payload) -> Result<Bytes, ApiError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| ApiError::BodyReadFailed(error.to_string()))?;
        if body.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(ApiError::BodyTooLarge(BODY_BYTES_MAX));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

impl Call {
    pub fn app_state(&self) -> &AppState {
        &self.app_state
    }

    pub fn set_signature_profile(&self, profile: SignatureProfile) {
        self.signature_profile.set(profile);
    }

    pub fn signature_profile(&self) -> SignatureProfile {
        self.signature_profile.get()
    }

    /// The scenario that the caller wants for its consent; Sahamati's simulator has a header of its own for it.
    pub fn requested_scenario(&self) -> Result<Option<Box<str>>, ApiError> {
        let requested = self.control_header("x-mockaa-scenario")?;
        Ok(match requested {
            Some(name) => Some(name),
            None => self.control_header("x-scenario-id")?,
        }
        .map(Into::into))
    }

    /// What a signature of this request may be over: the body; of a GET its address, as it was called, and without what
    /// is ours before it, the world and the mount (`reference/rebit.md` §1.1).
    pub fn signing_candidates(&self) -> Result<Vec<Bytes>, ApiError> {
        if self.request.method() != Method::GET {
            return Ok(vec![self.body()?.clone()]);
        }
        let uri = self.request.uri();
        let path_and_query = uri
            .path_and_query()
            .map_or(uri.path(), |path| path.as_str());
        let bare_path = strip_base_path(path_and_query);
        let absolute_url = format!(
            "{}://{}{path_and_query}",
            self.request.connection_info().scheme(),
            self.request.connection_info().host()
        );
        let mut candidates: Vec<Bytes> = Vec::new();
        for candidate in [
            path_and_query,
            bare_path,
            &absolute_url,
            uri.path(),
            bare_path.split('?').next().unwrap_or(bare_path),
        ] {
            if !candidates.iter().any(|known| known == candidate.as_bytes()) {
                candidates.push(Bytes::copy_from_slice(candidate.as_bytes()));
            }
        }
        Ok(candidates)
    }

    pub fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().get(name)?.to_str().ok()
    }

    /// A header that steers the call: it may be missing, but not be unreadable.
    pub fn control_header(&self, name: &'static str) -> Result<Option<&str>, ApiError> {
        let value = self.headers().get(name).map(|value| value.to_str());
        value
            .transpose()
            .map_err(|_| ApiError::invalid_field(name, "is not plain ASCII text"))
    }

    pub fn query(&self) -> &str {
        self.request.query_string()
    }

    pub fn path(&self) -> &str {
        self.request.path()
    }

    /// A part of the path that the route names.
    pub fn path_segment(&self, name: &str) -> &str {
        self.request
            .match_info()
            .get(name)
            .expect("the route has this segment")
    }

    /// A part of the path that some routes name.
    pub fn optional_path_segment(&self, name: &str) -> Option<&str> {
        self.request.match_info().get(name)
    }

    /// The consent handle in the path.
    pub fn parse_handle(&self) -> Result<ConsentHandle, ApiError> {
        let text = self.path_segment("handle");
        Ok(
            ConsentHandle::parse(text)
                .ok_or_else(|| Rejection::UnknownHandle(quote_value(text)))?,
        )
    }

    /// The world that the call is for: by path, then by header, else the default one.
    pub fn get_or_create_world(&self) -> Result<Arc<World>, ApiError> {
        let name = self.world_name()?;
        self.app_state
            .worlds
            .get_or_create(name)
            .map_err(|full| ApiError::TooManyWorlds(full.to_string()))
    }

    pub fn world_name(&self) -> Result<&str, ApiError> {
        let name = match self.request.match_info().get("world") {
            Some(name) => name,
            None => self
                .control_header("x-mockaa-world")?
                .unwrap_or(DEFAULT_WORLD),
        };
        let is_allowed =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        if (1..=64).contains(&name.len())
            && name.bytes().all(is_allowed)
            && !name.bytes().all(|byte| byte == b'.')
        {
            Ok(name)
        } else {
            Err(ApiError::InvalidWorldName(quote_value(name)))
        }
    }

    pub fn worlds(&self) -> &Worlds {
        &self.app_state.worlds
    }

    /// Where a person's browser finds the sandbox: the address that the caller used, and the world's prefix.
    pub fn base_url(&self, world: &World) -> String {
        let connection = self.request.connection_info();
        // A name that is more than a name would be read as a path by whoever gets the address, our own tokens included.
        let is_allowed = |byte: u8| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']')
        };
        let host = Some(connection.host())
            .filter(|host| host.bytes().all(is_allowed))
            .unwrap_or("localhost");
        let scheme = if connection.scheme() == "https" {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{host}{}", world.base_path())
    }

    /// The body's bytes as they arrived.
    pub fn body(&self) -> Result<&Bytes, ApiError> {
        self.body.as_ref().map_err(Clone::clone)
    }

    /// The body as JSON of this shape.
    pub fn parse_json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        let body = self.body()?;
        if let Some(value) = self.headers().get(CONTENT_TYPE) {
            let value = value.to_str().unwrap_or("(not text)");
            let media_type = value.split(';').next().unwrap_or_default().trim();
            if !media_type.eq_ignore_ascii_case("application/json") {
                return Err(ApiError::UnsupportedContentType(value.to_owned()));
            }
        }
        parse_json(body)
    }

    /// The body as text, whatever its type is said to be: YAML has several.
    pub fn body_text(&self) -> Result<&str, ApiError> {
        std::str::from_utf8(self.body()?)
            .map_err(|_| ApiError::InvalidJson("it is not UTF-8".to_owned()))
    }

    /// The body as JSON of this shape; none at all, or `null`, is an empty one.
    pub fn parse_json_or_default<T: DeserializeOwned + Default>(&self) -> Result<T, ApiError> {
        let body = self.body()?.trim_ascii();
        if body.is_empty() || body == b"null" {
            Ok(T::default())
        } else {
            self.parse_json()
        }
    }

    /// An API key from one of these headers, bare or as `Bearer`.
    pub fn api_key(&self, headers: &[&str]) -> Option<&str> {
        let key_from_header = |name: &&str| {
            let value = self.header(name)?.trim();
            let key = match value.split_once(' ') {
                // Quirk: documents of Unaport print a colon after the word (`reference/unaport.md` §6, 19).
                Some((scheme, key))
                    if scheme.trim_end_matches(':').eq_ignore_ascii_case("bearer") =>
                {
                    key.trim()
                }
                _ => value,
            };
            // A blank header is none.
            (!key.is_empty()).then_some(key)
        };
        headers.iter().find_map(key_from_header)
    }

    /// What the control API's caller presents.
    pub fn bearer_token(&self) -> Option<&str> {
        self.api_key(&[AUTHORIZATION.as_str()])
    }

    pub fn unknown_route_error(&self) -> ApiError {
        ApiError::UnknownRoute {
            method: self.request.method().to_string(),
            path: self.path().to_owned(),
        }
    }

    /// Whether it is one of the calls that only 1.1.x has: its GETs, the heartbeat aside.
    pub fn is_v1_only(&self) -> bool {
        let bare_path = strip_base_path(self.path());
        // These are called with POST, in every version.
        let post_only = ["handle", "fetch", "Notification"];
        let is_get_below = |prefix: &str| {
            bare_path
                .strip_prefix(prefix)
                .is_some_and(|rest| !rest.is_empty() && !post_only.contains(&rest))
        };
        self.request.method() == Method::GET
            && (is_get_below("/Consent/") || is_get_below("/FI/fetch/"))
    }

    /// In whose words the call is refused.
    pub fn protocol(&self) -> Protocol {
        protocol_for_path(self.path())
    }

    /// What it is; `None` for calls that are ours alone.
    pub fn op(&self) -> Option<Operation> {
        self.op
    }

    /// What is known of it, as far as the journal and faults care.
    pub fn context(&self) -> &CallContext {
        &self.context
    }

    /// By the wall's clock.
    pub fn arrived_at(&self) -> Timestamp {
        self.arrived_at
    }

    pub fn method(&self) -> &str {
        self.request.method().as_str()
    }

    /// Path and query, as they were called.
    pub fn path_and_query(&self) -> &str {
        let uri = self.request.uri();
        uri.path_and_query()
            .map_or(uri.path(), |path| path.as_str())
    }

    /// The socket of its connection.
    pub fn client_socket(&self) -> Option<ClientSocket> {
        self.request.conn_data::<ClientSocket>().cloned()
    }

    /// Whether a browser asks if it may call the Unaport face from another site, as the service lets it.
    fn is_cors_preflight(&self) -> bool {
        self.request.method() == Method::OPTIONS
            && self.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
            && self.protocol() == Protocol::Unaport
    }

    /// It may, with these methods and with whatever headers it asks for.
    fn allow_preflight(&self, methods: &'static str) -> HttpResponse {
        let mut response = HttpResponse::NoContent();
        response
            .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
            .insert_header((ACCESS_CONTROL_ALLOW_METHODS, methods));
        if let Some(headers) = self.headers().get(ACCESS_CONTROL_REQUEST_HEADERS) {
            response.insert_header((ACCESS_CONTROL_ALLOW_HEADERS, headers));
        }
        response.finish()
    }

    /// Whether only the head of the answer is wanted.
    pub fn is_head(&self) -> bool {
        self.request.method() == Method::HEAD
    }

    /// Answers a known path that is called with another method.
    pub async fn reply_method_not_allowed(call: Self, allowed: &'static str) -> HttpResponse {
        if call.is_cors_preflight() {
            return call.allow_preflight(allowed);
        }
        let method = call.request.method().to_string();
        let error = ApiError::MethodNotAllowed {
            method,
            path: call.path().to_owned(),
            allowed,
        };
        let mut response = call.reply_error(error).await;
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static(allowed));
        response
    }
}

/// Whose path it is.
fn protocol_for_path(path: &str) -> Protocol {
    let local = strip_world(path);
    let has_prefix = |prefix: &str| {
        local
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if CONTROL_PREFIXES.into_iter().any(has_prefix) {
        Protocol::Control
    } else if UNAPORT_BASE_PATHS.into_iter().any(has_prefix) {
        Protocol::Unaport
    } else if BASE_PATHS
        .iter()
        .any(|mount| has_prefix(&format!("{mount}/consent")))
    {
        Protocol::Seed
    } else {
        Protocol::Rebit
    }
}

/// Where we speak in our own words when nothing else is asked for.
const CONTROL_PREFIXES: [&str; 12] = [
    "/_mockaa",
    "/docs",
    "/ui",
    "/aa",
    "/livez",
    "/readyz",
    "/.well-known",
    "/openapi.json",
    "/iam",
    "/auth",
    "/entityInfo",
    "/v2/entityInfo",
];

/// A path without the world before it.
fn strip_world(path: &str) -> &str {
    path.strip_prefix("/w/")
        .and_then(|rest| rest.find('/').map(|end| &rest[end..]))
        .unwrap_or(path)
}

/// A path as ReBIT has it: without the world and the mount before it.
fn strip_base_path(path: &str) -> &str {
    let local = strip_world(path);
    let strip_one = |mount: &&str| {
        local
            .strip_prefix(*mount)
            .filter(|rest| rest.starts_with('/'))
    };
    BASE_PATHS.iter().rev().find_map(strip_one).unwrap_or(local)
}

/// The words of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Control,
    Seed,
    Rebit,
    Unaport,
}
