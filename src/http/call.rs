//! A request as it arrived, with the rules for world, base path, API key and body.
//!
//! Reading never fails. Problems with the world or the body are returned when a handler asks for
//! them, so that each protocol reports them in its own format.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, CONTENT_LENGTH,
    CONTENT_TYPE, HeaderMap, HeaderValue, ORIGIN, TRANSFER_ENCODING, UPGRADE, VARY,
};
use actix_web::web::{Bytes, BytesMut, Data};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;

use crate::crypto::jws::RequestTarget;
use crate::domain::cause::CauseKind;
use crate::domain::ids::ConsentHandle;
use crate::domain::journal_entry::RecordedHeaders;
use crate::domain::naming::NAME_BYTES_MAX;
use crate::domain::operation::Operation;
use crate::domain::rejection::Rejection;
use crate::domain::text::quote_value;
use crate::domain::time::Timestamp;
use crate::engine::clock::system_now;
use crate::engine::world::{CallInProgress, DEFAULT_WORLD, World};
use crate::engine::worlds::Worlds;
use crate::http::access::find_host;
use crate::http::call_context::CallContext;
use crate::http::call_world::{CallCause, CallWorld};
use crate::http::connection::{ClientSocket, IsTls};
use crate::http::route_info::{Protocol, ResourceInfo, RouteInfo, Section, strip_rebit_base_path};
use crate::http::router::{PathParameters, decode_parameter, split_world};
use crate::http::security::is_registered_key;
use crate::http::{AppState, BODY_BYTES_MAX};
use crate::ui::front::Frame;
use crate::wire::api_error::ApiError;
use crate::wire::fields::parse_json;

/// An HTTP request whose body has been read.
#[derive(Debug)]
pub(crate) struct Call {
    /// Calls with the request's path; `None` if there are none.
    resource: Option<ResourceInfo>,
    /// System time when the body was complete.
    arrived_at: Timestamp,
    request: HttpRequest,
    /// The world in the path.
    world: Option<Box<str>>,
    parameters: PathParameters,
    app_state: Data<AppState>,
    body: Result<Bytes, ApiError>,
    /// Keeps an advance of the call's world from moving the clock until the call has been answered.
    /// `None` for calls that are not recorded, and where the world did not exist at the arrival.
    in_progress: Option<CallInProgress>,
    /// The call as a cause.
    cause: OnceLock<Arc<CallCause>>,
}

impl Call {
    /// Reads the body of a request. `resource` has the calls of its path, and `parameters` those of
    /// the path.
    pub(crate) async fn read(
        request: HttpRequest,
        mut payload: Payload,
        app_state: Data<AppState>,
        resource: Option<ResourceInfo>,
        parameters: PathParameters,
    ) -> Self {
        let world = split_world(request.match_info().as_str()).0;
        let mut call = Self {
            resource,
            arrived_at: system_now(),
            world: world.map(decode_parameter),
            parameters,
            request,
            app_state,
            body: Ok(Bytes::new()),
            in_progress: None,
            cause: OnceLock::new(),
        };
        call.in_progress = call.begin_in_world();
        if switches_protocol(&call.request) {
            return call;
        }
        let route = call.route();
        let bytes_max = route.map_or(BODY_BYTES_MAX, |route| route.body_bytes_max);
        let length = call.header(CONTENT_LENGTH.as_str());
        let length = length.and_then(|length| length.parse().ok());
        let body = read_body(&mut payload, length, bytes_max);
        let body = tokio::time::timeout(BODY_TIMEOUT, body).await;
        let body = body.unwrap_or_else(|_| {
            Err(ApiError::BodyReadFailed(format!(
                "it was not complete within {} s",
                BODY_TIMEOUT.as_secs()
            )))
        });
        if matches!(body, Err(ApiError::BodyTooLarge(_))) {
            drain(&mut payload).await;
        }
        call.body = body;
        call.arrived_at = system_now();
        call
    }
}

/// Time within which a body must arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The length from which a text takes longer to parse than to hand over to another thread.
const LONG_TEXT_BYTES: usize = 16 * 1024;

/// Parses a text. A long one is parsed on a blocking thread, since other calls would wait for it.
pub(crate) async fn parse_off_worker<T: Send + 'static>(
    text: &str,
    parse: impl FnOnce(&str) -> T + Send + 'static,
) -> T {
    if text.len() < LONG_TEXT_BYTES {
        return parse(text);
    }
    let text = text.to_owned();
    let task = tokio::task::spawn_blocking(move || parse(&text));
    task.await.expect("parsing does not panic")
}

/// The header by which a script asks for its page again.
pub(crate) const POLL_HEADER: &str = "x-mockaa-poll";

/// Returns whether what follows the headers is another protocol instead of a body: it would never
/// end. The sandbox is no proxy and ignores `Upgrade` (RFC 9110 §7.8), so it answers at once.
fn switches_protocol(request: &HttpRequest) -> bool {
    let headers = request.headers();
    let has_length =
        headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING);
    request.method() == Method::CONNECT || (headers.contains_key(UPGRADE) && !has_length)
}

/// The bytes of a body that are read although it is too large, and the time for them. A client that still writes when
/// the connection ends may lose the answer.
const DRAINED_BYTES_MAX: usize = 64 << 20;
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Reads the rest of a body that is too large.
async fn drain(payload: &mut Payload) {
    let read = async {
        let mut left = DRAINED_BYTES_MAX;
        while let Some(Ok(chunk)) = payload.next().await {
            match left.checked_sub(chunk.len()) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    // A slow client has had its time.
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, read).await;
}

/// The memory that a body gets for its declared length before it arrives.
const RESERVED_BYTES_MAX: usize = 16 * 1024;

/// Reads a body of at most this many bytes. `length` is that which the caller has declared.
async fn read_body(
    payload: &mut Payload,
    length: Option<usize>,
    bytes_max: usize,
) -> Result<Bytes, ApiError> {
    // The journal keeps the body, so it should have no more memory than it needs.
    let mut body = BytesMut::with_capacity(length.unwrap_or_default().min(RESERVED_BYTES_MAX));
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| ApiError::BodyReadFailed(error.to_string()))?;
        if body.len() + chunk.len() > bytes_max {
            return Err(ApiError::BodyTooLarge(bytes_max));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

impl Call {
    /// Returns the state of the sandbox, for what outlives the call.
    pub(crate) fn shared_state(&self) -> Data<AppState> {
        self.app_state.clone()
    }

    pub(crate) fn app_state(&self) -> &AppState {
        &self.app_state
    }

    /// Counts the call in its world, if it is a call of a participant and the world exists.
    fn begin_in_world(&self) -> Option<CallInProgress> {
        self.op()?;
        let world = self.worlds().find_world(self.world_name().ok()?)?;
        Some(world.begin_call())
    }

    /// Returns the world of the call, if it exists.
    ///
    /// # Errors
    /// The name is not that of a world.
    pub(crate) fn find_world(&self) -> Result<Option<Arc<World>>, ApiError> {
        let counted_in = self.in_progress.as_ref().map(CallInProgress::world);
        // A world that was reset has a successor.
        match counted_in.filter(|world| !world.is_closed()) {
            Some(world) => Ok(Some(Arc::clone(world))),
            None => Ok(self.worlds().find_world(self.world_name()?)),
        }
    }

    /// Returns the guard of the call, if it was counted in this world.
    pub(crate) fn in_progress(&self, world: &World) -> Option<&CallInProgress> {
        self.in_progress
            .as_ref()
            .filter(|call| call.belongs_to(world))
    }

    /// Returns the scenario that the caller selects for its consent, by `x-mockaa-scenario` or by
    /// `x-scenario-id`, the header of Sahamati's simulator.
    pub(crate) fn requested_scenario(&self) -> Result<Option<Box<str>>, ApiError> {
        for header in ["x-mockaa-scenario", "x-scenario-id"] {
            let Some(name) = self.control_header(header)? else {
                continue;
            };
            if name.len() > NAME_BYTES_MAX {
                let message =
                    format!("is longer than {NAME_BYTES_MAX} bytes, as no scenario's name is");
                return Err(ApiError::invalid_field(header, message));
            }
            return Ok(Some(name.into()));
        }
        Ok(None)
    }

    /// Returns the byte strings that a signature of this request may cover: the body, or for a GET
    /// its path or URL, as sent and without the world and base path
    /// (`docs/sources.md#rebit-headers`).
    pub(crate) fn signing_candidates(&self) -> Result<Vec<Bytes>, ApiError> {
        if !self.is_get() {
            return Ok(vec![self.body()?.clone()]);
        }
        let forms = self.request_target().accepted_forms();
        Ok(forms.into_iter().map(Bytes::from).collect())
    }

    /// Returns whether the method is GET, whose signature covers the path.
    pub(crate) fn is_get(&self) -> bool {
        self.request.method() == Method::GET
    }

    /// Returns path and URL of the request.
    pub(crate) fn request_target(&self) -> RequestTarget {
        let connection = self.request.connection_info();
        let origin = format!("{}://{}", self.scheme(), connection.host());
        describe_target(self.method(), Some(origin), self.path_and_query())
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    /// Returns all headers as text, in the order of their names.
    pub(crate) fn record_headers(&self) -> RecordedHeaders {
        let headers = self.headers().iter();
        let mut headers: Vec<(&str, Cow<'_, str>)> = headers
            .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
            .collect();
        // The map has an order of its own in each process.
        headers.sort_by_key(|(name, _)| *name);
        RecordedHeaders::from_pairs(headers.iter().map(|(name, value)| (*name, &**value)))
    }

    /// Returns whether the caller prefers a page: `Accept` is `text/html`, or begins with it and has
    /// `application/xhtml+xml`, which browsers send. Java's HTTP client begins with it too, and reads
    /// JSON.
    pub(crate) fn accepts_page(&self) -> bool {
        let accept = self
            .header("accept")
            .unwrap_or_default()
            .to_ascii_lowercase();
        let mut ranges = accept.split(',').map(str::trim);
        let first = ranges.next().unwrap_or_default();
        let rest: Vec<_> = ranges.collect();
        let has_xhtml = rest
            .iter()
            .any(|it| it.starts_with("application/xhtml+xml"));
        first == "text/html" && (rest.is_empty() || has_xhtml)
    }

    /// Returns what the pages for developers have in common. A world that does not exist yet counts.
    pub(crate) fn page_frame(&self) -> Frame {
        let base_path = match self.world_name() {
            Ok(name) if name != DEFAULT_WORLD => format!("/w/{name}"),
            _ => String::new(),
        };
        Frame { base_path }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.find_header(name)?.to_str().ok()
    }

    /// Returns the first value of a header, whose name is in lower case. There are few headers, so a
    /// walk costs less than a look-up.
    fn find_header(&self, name: &str) -> Option<&HeaderValue> {
        let mut headers = self.headers().iter();
        headers
            .find(|(it, _)| it.as_str() == name)
            .map(|(_, value)| value)
    }

    /// Returns whether a script asks for the page again, to see whether it has changed.
    pub(crate) fn is_poll(&self) -> bool {
        self.headers().contains_key(POLL_HEADER)
    }

    /// Returns what the script says about the page that it has.
    pub(crate) fn polled_place(&self) -> Option<&str> {
        self.header(POLL_HEADER)
    }

    /// Returns whether the browser shows the page with which the call is answered.
    pub(crate) fn shows_page(&self) -> bool {
        !self.is_poll() && !self.is_head()
    }

    /// Returns a header that controls how the call is handled.
    ///
    /// # Errors
    /// [`ApiError::InvalidField`] when it is not plain ASCII; a missing header is no error.
    pub(crate) fn control_header(&self, name: &'static str) -> Result<Option<&str>, ApiError> {
        let value = self.find_header(name).map(HeaderValue::to_str);
        value
            .transpose()
            .map_err(|_| ApiError::invalid_field(name, "is not plain ASCII text"))
    }

    /// Keeps a value until the call is answered, in place of an earlier one of its type.
    pub(crate) fn store_extension<T: 'static>(&self, value: T) {
        self.request.extensions_mut().insert(value);
    }

    /// Takes the value of a type that was kept.
    pub(crate) fn take_extension<T: 'static>(&self) -> Option<T> {
        self.request.extensions_mut().remove()
    }

    pub(crate) fn query(&self) -> &str {
        self.request.query_string()
    }

    pub(crate) fn path(&self) -> &str {
        self.request.path()
    }

    /// Returns a path parameter that the route always has.
    pub(crate) fn path_segment(&self, name: &str) -> &str {
        self.optional_path_segment(name)
            .expect("the route has this segment")
    }

    /// Returns a path parameter that only some routes have.
    pub(crate) fn optional_path_segment(&self, name: &str) -> Option<&str> {
        self.parameters.get(name)
    }

    /// Parses the consent handle in the path.
    pub(crate) fn parse_handle(&self) -> Result<ConsentHandle, ApiError> {
        let text = self.path_segment("consentHandle");
        Ok(
            ConsentHandle::parse(text)
                .ok_or_else(|| Rejection::UnknownHandle(quote_value(text)))?,
        )
    }

    /// Returns the world of the call, from the path, else from `x-mockaa-world`, else the default
    /// one. Creates it if it does not exist and the caller may do so.
    pub(crate) fn get_or_create_world(&self) -> Result<CallWorld, ApiError> {
        if let Some(world) = self.find_world()? {
            world.mark_used();
            return Ok(self.act_in(world));
        }
        let name = self.world_name()?;
        if name != DEFAULT_WORLD && !self.may_create_world() {
            return Err(ApiError::NotFound(format!(
                "there is no world {name}; beyond loopback it is made by GET \
                 /w/{name}/_mockaa/v1/world with the control token, or by the first call with the \
                 API key of a participant"
            )));
        }
        let world = self.app_state.worlds.get_or_create(name);
        let world = world.map_err(|full| ApiError::LimitReached(full.to_string()))?;
        Ok(self.act_in(world))
    }

    /// Returns a world in which the call is the cause of what is done.
    pub(crate) fn act_in(&self, world: Arc<World>) -> CallWorld {
        let cause = self.cause.get_or_init(|| {
            let origin = match self.op() {
                Some(operation) => operation.as_str().into(),
                None => self.describe_route().into(),
            };
            Arc::new(CallCause::new(self.cause_kind(), origin))
        });
        CallWorld::new(world, Arc::clone(cause))
    }

    /// Returns the method and, for a known path, its pattern, with the words that choose what is done.
    fn describe_route(&self) -> String {
        let method = self.method();
        let Some(resource) = &self.resource else {
            return method.to_owned();
        };
        let mut pattern = resource.path().to_owned();
        for name in ["action", "change"] {
            let place = format!("{{{name}}}");
            if pattern.contains(&place) {
                pattern = pattern.replace(&place, self.path_segment(name));
            }
        }
        format!("{method} {pattern}")
    }

    /// Returns who calls, by the section of the route and the key in the headers.
    fn cause_kind(&self) -> CauseKind {
        let section = self.route().map(|route| route.section);
        match section {
            Some(Section::Control | Section::Console) => CauseKind::Operator,
            Some(Section::Page | Section::Redirection) => CauseKind::Customer,
            _ if self.headers().contains_key("fip_api_key") => CauseKind::Fip,
            _ => CauseKind::Fiu,
        }
    }

    /// Returns whether the caller may create a world: each one on loopback, else the operator and
    /// participants.
    fn may_create_world(&self) -> bool {
        if self.app_state.access.listens_on_loopback() {
            return true;
        }
        let keys = ["client_api_key", "fip_api_key", AUTHORIZATION.as_str()];
        self.is_operator()
            || keys.iter().any(|header| {
                let key = self.api_key(&[header]);
                key.is_some_and(|key| is_registered_key(self.app_state(), key))
            })
    }

    pub(crate) fn world_name(&self) -> Result<&str, ApiError> {
        let named = self.control_header("x-mockaa-world")?;
        let name = match (self.world.as_deref(), named) {
            (Some(name), Some(other)) if name != other => {
                let message = format!(
                    "is {}, but the path has the world {}; name one of them",
                    quote_value(other),
                    quote_value(name)
                );
                return Err(ApiError::invalid_field("x-mockaa-world", message));
            }
            (Some(name), _) => name,
            (None, named) => named.unwrap_or(DEFAULT_WORLD),
        };
        check_world_name(name)
    }

    /// Returns the world of this name; creates it if it does not exist.
    pub(crate) fn open_world(&self, name: &str) -> Result<Arc<World>, ApiError> {
        let world = self.app_state.worlds.get_or_create(check_world_name(name)?);
        world.map_err(|full| ApiError::LimitReached(full.to_string()))
    }

    pub(crate) fn worlds(&self) -> &Worlds {
        &self.app_state.worlds
    }

    /// Returns the base URL under which a browser reaches the world: `--public-url`, or else the
    /// host that the caller used, and the world's prefix.
    pub(crate) fn base_url(&self, world: &World) -> String {
        if let Some(public_url) = self.app_state.access.public_url() {
            return format!("{public_url}{}", world.base_path());
        }
        // Any other character in the Host header could change the path of the URLs built from it,
        // which also go into tokens.
        let host = find_host(self.request.uri(), self.headers())
            .filter(|host| host.bytes().all(is_host_byte))
            .unwrap_or_else(|| "localhost".to_owned());
        format!("{}://{host}{}", self.scheme(), world.base_path())
    }

    /// Returns the scheme that the client used, as far as a proxy tells.
    fn scheme(&self) -> &'static str {
        if self.is_tls() || self.request.connection_info().scheme() == "https" {
            "https"
        } else {
            "http"
        }
    }

    /// Returns the port that the client used, as far as `Host` tells.
    pub(crate) fn port(&self) -> u16 {
        let host = find_host(self.request.uri(), self.headers()).unwrap_or_default();
        let port = host
            .rsplit_once(':')
            .and_then(|(_, port)| port.parse().ok());
        port.unwrap_or(if self.scheme() == "https" { 443 } else { 80 })
    }

    pub(crate) fn is_tls(&self) -> bool {
        let connection = self.request.conn_data::<IsTls>();
        connection.is_some_and(|IsTls(is_tls)| *is_tls)
    }

    /// Returns the URL of a world as the issuer of tokens.
    pub(crate) fn issuer_url(&self, world: &World) -> String {
        let issuer = self.app_state.access.issuer_url();
        format!("{issuer}{}", world.base_path())
    }

    /// Checks `Host` and `Origin` by the rule of the route, or of the prefix of a path without one.
    pub(crate) fn check_access(&self) -> Result<(), ApiError> {
        let rule = match (self.route(), &self.resource) {
            (Some(route), _) => route.access_rule,
            (None, Some(resource)) => resource.first_route().access_rule,
            (None, None) => {
                let prefixes = &self.app_state.protocol_prefixes;
                prefixes.access_rule_for_path(strip_world(self.path()))
            }
        };
        let access = &self.app_state.access;
        access.check_request(rule, self.request.uri(), self.headers(), self.is_tls())
    }

    /// Returns the body's bytes as they arrived.
    pub(crate) fn body(&self) -> Result<&Bytes, ApiError> {
        self.body.as_ref().map_err(Clone::clone)
    }

    /// Parses the body as JSON. The content type must be `application/json` if it is given.
    pub(crate) fn parse_json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
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

    /// Returns the body, which outlives the call.
    pub(crate) fn body_bytes(&self) -> Result<Bytes, ApiError> {
        self.body.clone()
    }

    /// Returns the body as text. The content type is not checked, since YAML has several.
    pub(crate) fn body_text(&self) -> Result<&str, ApiError> {
        std::str::from_utf8(self.body()?)
            .map_err(|_| ApiError::invalid_field("body", "is not UTF-8"))
    }

    /// Parses the body as a text ([`parse_off_worker`]).
    pub(crate) async fn parse_text<T: Send + 'static>(
        &self,
        parse: impl FnOnce(&str) -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        Ok(parse_off_worker(self.body_text()?, parse).await)
    }

    /// Parses the body as JSON; an empty body gives the default value.
    pub(crate) fn parse_json_or_default<T: DeserializeOwned + Default>(
        &self,
    ) -> Result<T, ApiError> {
        let body = self.body()?.trim_ascii();
        if body.is_empty() {
            Ok(T::default())
        } else {
            self.parse_json()
        }
    }

    /// Returns the API key in the first of these headers that has one, bare or as `Bearer`.
    pub(crate) fn api_key(&self, headers: &[&str]) -> Option<&str> {
        headers.iter().find_map(|name| {
            let value = self.header(name)?.trim();
            let key = match value.split_once(' ') {
                // Quirk: documents of Unaport print a colon after `Bearer`
                // (`docs/sources.md#unaport-pitfalls`).
                Some((scheme, key))
                    if scheme.trim_end_matches(':').eq_ignore_ascii_case("bearer") =>
                {
                    key.trim()
                }
                _ => value,
            };
            // A blank header counts as missing.
            (!key.is_empty()).then_some(key)
        })
    }

    /// Returns the bearer token of the `Authorization` header.
    pub(crate) fn bearer_token(&self) -> Option<&str> {
        self.api_key(&[AUTHORIZATION.as_str()])
    }

    pub(crate) fn unknown_route_error(&self) -> ApiError {
        let (method, path) = (self.method().to_owned(), self.path().to_owned());
        if self.request.method() == Method::CONNECT {
            return ApiError::NoProxy;
        }
        let instead = UNDOCUMENTED_CALLS
            .iter()
            .find(|call| call.method == method && path.contains(call.path))
            .filter(|_| self.protocol() == Protocol::Unaport)
            .map(|call| call.instead);
        if let Some(instead) = instead {
            return ApiError::UndocumentedRoute {
                method,
                path,
                instead,
            };
        }
        let rest = strip_world(&path);
        let mount = &path[..path.len() - rest.len()];
        let known_paths = &self.app_state.known_paths;
        ApiError::UnknownRoute {
            explanation: known_paths.explain(&method, mount, rest),
            method,
            path,
        }
    }

    /// Returns the route of the call; `None` for an unknown path and for a method that the path
    /// does not have.
    pub(crate) fn route(&self) -> Option<RouteInfo> {
        self.resource.as_ref()?.find_route(self.request.method())
    }

    /// Returns whether the call exists in ReBIT 1.1.x only.
    pub(crate) fn is_v1_only(&self) -> bool {
        self.route().is_some_and(|route| route.is_v1_only)
    }

    /// Returns the protocol in which an error of this call is reported.
    pub(crate) fn protocol(&self) -> Protocol {
        if let Some(resource) = &self.resource {
            return resource.first_route().section.protocol();
        }
        let prefixes = &self.app_state.protocol_prefixes;
        prefixes.protocol_for_path(strip_world(self.path()))
    }

    /// Returns whether the call opens the web SDK.
    pub(crate) fn opens_web_sdk(&self) -> bool {
        let resource = self.resource.as_ref();
        resource.is_some_and(|resource| resource.first_route().opens_web_sdk)
    }

    /// Returns the operation; `None` for the control API, pages and health checks. A call with a
    /// wrong method has the operation of its path, an unknown path is `Unknown`.
    pub(crate) fn op(&self) -> Option<Operation> {
        match (self.route(), &self.resource) {
            (Some(route), _) => route.operation,
            (None, Some(resource)) => resource.first_route().operation,
            (None, None) => (self.protocol() != Protocol::Control).then_some(Operation::Unknown),
        }
    }

    /// Returns the system time when the body was complete.
    pub(crate) fn arrived_at(&self) -> Timestamp {
        self.arrived_at
    }

    pub(crate) fn method(&self) -> &str {
        self.request.method().as_str()
    }

    /// Returns the address of the client.
    pub(crate) fn client_address(&self) -> Option<IpAddr> {
        self.request.peer_addr().map(|peer| peer.ip())
    }

    /// Returns path and query as sent.
    pub(crate) fn path_and_query(&self) -> &str {
        let uri = self.request.uri();
        uri.path_and_query()
            .map_or(uri.path(), |path| path.as_str())
    }

    /// Returns the socket of the connection.
    pub(crate) fn client_socket(&self) -> Option<ClientSocket> {
        self.request.conn_data::<ClientSocket>().cloned()
    }

    /// Waits for a long task of the call, as long as the caller keeps the connection.
    ///
    /// # Errors
    /// The caller has left; the task has ended where it was.
    pub(crate) async fn while_connected<T>(
        &self,
        task: impl Future<Output = T>,
    ) -> Result<T, ApiError> {
        let left = async {
            match self.client_socket() {
                Some(socket) => socket.wait_until_closed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            outcome = task => Ok(outcome),
            () = left => Err(ApiError::Timeout("the connection was closed".to_owned())),
        }
    }

    /// Returns the value of `Access-Control-Allow-Origin` if the call comes from a script of an
    /// allowed web page. The Unaport service allows all pages.
    pub(crate) fn allowed_origin(&self) -> Option<&str> {
        let origin = self.headers().get(ORIGIN)?;
        match self.protocol() {
            Protocol::Unaport => Some("*"),
            Protocol::Rebit | Protocol::Seed => {
                let access = &self.app_state.access;
                access.find_allowed_origin(origin.to_str().ok()?)
            }
            Protocol::Control => None,
        }
    }

    /// Returns whether pages of different origins get different answers (Fetch, "CORS protocol and
    /// HTTP caches").
    pub(crate) fn depends_on_origin(&self) -> bool {
        match self.protocol() {
            Protocol::Unaport => self.headers().contains_key(ORIGIN),
            Protocol::Rebit | Protocol::Seed => self.app_state.access.allows_origins(),
            Protocol::Control => false,
        }
    }

    /// Returns whether this is a CORS preflight.
    fn is_cors_preflight(&self) -> bool {
        self.request.method() == Method::OPTIONS
            && self.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
    }

    /// Allows a CORS preflight for these methods and for the headers that it names.
    fn allow_preflight(&self, origin: &str, methods: &str) -> HttpResponse {
        let mut response = HttpResponse::NoContent();
        response
            .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, origin))
            .insert_header((VARY, "Origin"))
            .insert_header((ACCESS_CONTROL_ALLOW_METHODS, methods));
        if let Some(headers) = self.headers().get(ACCESS_CONTROL_REQUEST_HEADERS) {
            response.insert_header((ACCESS_CONTROL_ALLOW_HEADERS, headers));
        }
        response.finish()
    }

    /// Returns whether the method is HEAD.
    pub(crate) fn is_head(&self) -> bool {
        self.request.method() == Method::HEAD
    }

    /// Answers 405 for a known path that is called with another method.
    pub(crate) async fn reply_method_not_allowed(&self) -> HttpResponse {
        let allowed = self
            .resource
            .as_ref()
            .map(ResourceInfo::allowed_methods)
            .unwrap_or_default();
        if self.is_cors_preflight()
            && let Some(origin) = self.allowed_origin()
        {
            return self.allow_preflight(origin, &allowed);
        }
        let error = ApiError::MethodNotAllowed {
            method: self.request.method().to_string(),
            path: self.path().to_owned(),
            allowed,
        };
        let context = CallContext::for_operation(self.op());
        self.reply(Err(error), context).await
    }
}

/// Returns the name if a world may have it.
fn check_world_name(name: &str) -> Result<&str, ApiError> {
    if (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        && !name.bytes().all(|byte| byte == b'.')
    {
        Ok(name)
    } else {
        Err(ApiError::InvalidWorldName(quote_value(name)))
    }
}

/// Returns whether a host name, port separator and IPv6 brackets may contain this byte.
fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']')
}

/// Splits a target below `/w/NAME`, as it was sent, into the world's name and the rest.
fn split_target(path: &str) -> Option<(&str, &str)> {
    let rest = path.strip_prefix("/w/").filter(|rest| !rest.is_empty())?;
    Some(rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len())))
}

/// Returns the world that a path names, valid or not.
pub(crate) fn world_in_path(path: &str) -> Option<&str> {
    split_target(path).map(|(world, _)| world)
}

/// A call that integrators make although no document of the API has it.
struct UndocumentedCall {
    method: &'static str,
    /// Part of its path.
    path: &'static str,
    /// The documented call that answers the same question.
    instead: &'static str,
}

/// The undocumented calls of the Unaport API. Their bodies are unknown, so none is invented.
const UNDOCUMENTED_CALLS: [UndocumentedCall; 1] = [UndocumentedCall {
    method: "GET",
    path: "/FIU/GetConsentStatus/",
    instead: "GET …/FIU/GetConsent/{consentHandle}",
}];

/// Removes the world prefix of a path.
pub(crate) fn strip_world(path: &str) -> &str {
    split_target(path).map_or(path, |(_, rest)| rest)
}

/// Returns the target of a request; `origin` is its scheme and host. World and base path are the
/// mount, which leaves the path that ReBIT specifies.
pub(crate) fn describe_target(
    method: &str,
    origin: Option<String>,
    path_and_query: &str,
) -> RequestTarget {
    let without_world = strip_world(path_and_query);
    let world = &path_and_query[..path_and_query.len() - without_world.len()];
    let bare_path = strip_rebit_base_path(without_world);
    let mount = &path_and_query[..path_and_query.len() - bare_path.len()];
    let base_paths = Section::Rebit.base_paths().iter();
    let mut other_mounts: Vec<String> = base_paths.map(|base| (*base).to_owned()).collect();
    if !world.is_empty() {
        let base_paths = Section::Rebit.base_paths().iter();
        other_mounts.extend(base_paths.map(|base| format!("{world}{base}")));
    }
    RequestTarget {
        method: method.to_owned(),
        origin,
        path_and_query: path_and_query.to_owned(),
        mount: mount.to_owned(),
        other_mounts,
    }
}
