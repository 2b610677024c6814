//! The table of all calls: method, path, handler and description. The router, the answers to wrong
//! methods and unknown paths, `/openapi.json`, `/docs` and the lists of calls in the documentation
//! are made from it.

mod console;
mod control;
mod rebit;
mod registry;
mod seed;
mod service;
mod unaport;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use schemars::{Schema, SchemaGenerator};

use crate::domain::call_facts::ApiFamily;
use crate::domain::error_code::ErrorCode;
use crate::domain::operation::Operation;
use crate::http::access::AccessRule;
use crate::http::call::Call;
use crate::http::call_context::CallContext;
use crate::http::known_paths::KnownPaths;
use crate::http::openapi::schema;
use crate::http::response::ApiResponse;
pub(crate) use crate::http::route_info::{Location, Parameter};
use crate::http::route_info::{ProtocolPrefixes, ResourceInfo, RouteInfo};
pub(crate) use crate::http::route_info::{RouteMethod, Section};
use crate::http::{BODY_BYTES_MAX, UPLOAD_BYTES_MAX};
use crate::wire::api_error::ApiError;

/// Result of a handler, before it is written in the format of the route.
pub(crate) type Outcome = Result<ApiResponse, ApiError>;

/// Future of an async handler.
type OutcomeFuture<'a> = Pin<Box<dyn Future<Output = Outcome> + 'a>>;

/// Function that handles a call. Those with a context record the call in the journal and plan its
/// faults.
#[derive(Clone, Copy)]
pub(crate) enum Handler {
    /// Cannot fail.
    Infallible(fn(&Call) -> ApiResponse),
    /// Returns at once.
    Immediate(fn(&Call) -> Outcome),
    /// Waits for data or events.
    Waiting(for<'a> fn(&'a Call) -> OutcomeFuture<'a>),
    Recorded(fn(&Call, &mut CallContext) -> Outcome),
    RecordedWaiting(for<'a> fn(&'a Call, &'a mut CallContext) -> OutcomeFuture<'a>),
}

impl Handler {
    pub(crate) async fn handle(self, call: &Call, context: &mut CallContext) -> Outcome {
        match self {
            Self::Infallible(function) => Ok(function(call)),
            Self::Immediate(function) => function(call),
            Self::Waiting(function) => function(call).await,
            Self::Recorded(function) => function(call, context),
            Self::RecordedWaiting(function) => function(call, context).await,
        }
    }
}

/// Makes a [`Handler`] of an async function.
macro_rules! waiting {
    ($function:path) => {
        Handler::Waiting(|call| Box::pin($function(call)))
    };
    ($function:path, recorded) => {
        Handler::RecordedWaiting(|call, context| Box::pin($function(call, context)))
    };
}
use waiting;

/// Schema of a body.
#[derive(Clone, Copy)]
pub enum BodySchema {
    /// The component of this name, which `openapi` describes by hand.
    Component(&'static str),
    /// The schema of a Rust type.
    Derived(fn(&mut SchemaGenerator) -> Schema),
}

/// Body of a request.
#[derive(Clone, Copy)]
pub enum RequestBody {
    Empty,
    Json(BodySchema),
    /// JSON; an empty body counts as an empty object.
    OptionalJson(BodySchema),
    Form(BodySchema),
    /// YAML or JSON in the format of scenario files.
    Scenario(BodySchema),
    /// A file, as it is.
    File,
    /// A form with a file.
    Upload(BodySchema),
}

impl RequestBody {
    /// Returns the size of the largest body, in bytes.
    const fn bytes_max(&self) -> usize {
        match self {
            Self::File => UPLOAD_BYTES_MAX,
            // The other fields of the form, and what separates them.
            Self::Upload(_) => UPLOAD_BYTES_MAX + 64 * 1024,
            _ => BODY_BYTES_MAX,
        }
    }
}

/// Body of a successful response.
#[derive(Clone, Copy)]
pub enum ResponseBody {
    Json(BodySchema),
    /// JSON of one of two kinds.
    Either(BodySchema, BodySchema),
    /// Text of this media type.
    Text(&'static str),
    /// JSON, or text with `Accept: text/plain`.
    JsonOrText(BodySchema),
    /// A file of one of these media types.
    File(&'static [&'static str]),
    /// A redirect with this status.
    Redirect(u16),
    /// A page, or a redirect with this status.
    PageOrRedirect(u16),
}

/// Participants that authenticate for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// No authentication.
    Public,
    /// The API key of an FIU of the seed API.
    SeedClient,
    Fiu,
    Fip,
    FiuOrFip,
    /// The API key or token of any participant.
    Participant,
    /// The id and the secret of a participant, as Basic authorization.
    ClientCredentials,
    /// The token of a participant's user (Sahamati token service).
    UserToken,
    /// The access token of Unaport's login.
    AccessToken,
    /// The control token, if the sandbox has one.
    Operator,
}

/// Headers by which a caller selects the scenario of the consent that it requests.
const SCENARIO_HEADERS: &[Parameter] = &[
    Parameter::in_header(
        "x-mockaa-scenario",
        schema::text,
        "Scenario that drives the consent",
    ),
    Parameter::in_header(
        "x-scenario-id",
        schema::text,
        "The same, as Sahamati's simulator calls it",
    ),
];

/// Reasons for which a consent request is refused.
const CONSENT_CODES: &[ErrorCode] = &[
    ErrorCode::InvalidConsentDetail,
    ErrorCode::InvalidConsentPurpose,
    ErrorCode::InvalidConsentUse,
    ErrorCode::InvalidCustomerAddress,
    ErrorCode::InvalidDateRange,
    ErrorCode::IdempotencyError,
    ErrorCode::PreconditionFailed,
];

/// Refusals of a call beside those of its whole section.
#[derive(Clone, Copy, Debug)]
pub enum Refusals {
    /// ReBIT's `errorCode`s; each has its status.
    Codes(&'static [ErrorCode]),
    Statuses(&'static [u16]),
}

/// One call.
pub struct Route {
    pub method: RouteMethod,
    /// The documented path, with parameters in braces.
    pub path: &'static str,
    pub section: Section,
    /// The `operationId`.
    pub id: &'static str,
    pub summary: &'static str,
    /// The name by which the journal and scenarios refer to the call. Calls without one (control
    /// API, pages) are not recorded.
    pub operation: Option<Operation>,
    pub(crate) handler: Handler,
    pub authentication: Authentication,
    /// Rule by which `Host` and `Origin` are judged.
    pub(crate) access_rule: AccessRule,
    /// `true` for a call of ReBIT 1.1.x that 2.x lacks.
    pub is_v1_only: bool,
    /// `true` for the call that opens the web SDK, whose errors are pages for each caller.
    pub opens_web_sdk: bool,
    /// Parameters beside those that all calls have, and beside common ones of the path.
    pub parameters: &'static [Parameter],
    pub request: RequestBody,
    /// Status of success.
    pub status: u16,
    pub response: ResponseBody,
    pub refusals: Refusals,
    /// Component that describes the body of a refusal.
    pub error_component: &'static str,
}

impl Route {
    /// Returns the component that describes the response, if one does.
    fn response_component(&self) -> Option<&'static str> {
        match self.response {
            ResponseBody::Json(BodySchema::Component(name)) => Some(name),
            _ => None,
        }
    }

    const fn new(
        section: Section,
        method: RouteMethod,
        path: &'static str,
        id: &'static str,
        handler: Handler,
    ) -> Self {
        Self {
            method,
            path,
            section,
            id,
            summary: "",
            operation: None,
            handler,
            authentication: match section {
                Section::Rebit => Authentication::Fiu,
                Section::Seed => Authentication::SeedClient,
                Section::Unaport => Authentication::AccessToken,
                Section::Control | Section::Console => Authentication::Operator,
                Section::Registry | Section::Redirection | Section::Page | Section::Service => {
                    Authentication::Public
                }
            },
            access_rule: section.access_rule(),
            is_v1_only: false,
            opens_web_sdk: false,
            parameters: &[],
            request: RequestBody::Empty,
            status: 200,
            response: ResponseBody::Redirect(302),
            refusals: Refusals::Statuses(&[]),
            error_component: section.error_component(),
        }
    }

    const fn with_summary(self, summary: &'static str) -> Self {
        Self { summary, ..self }
    }

    const fn with_operation(self, operation: Operation) -> Self {
        Self {
            operation: Some(operation),
            ..self
        }
    }

    const fn with_authentication(self, authentication: Authentication) -> Self {
        Self {
            authentication,
            ..self
        }
    }

    /// Accepts any `Host` and `Origin`.
    const fn open_to_any_host(self) -> Self {
        Self {
            access_rule: AccessRule::AnyHost,
            ..self
        }
    }

    const fn opening_web_sdk(self) -> Self {
        Self {
            opens_web_sdk: true,
            ..self
        }
    }

    const fn limited_to_v1(self) -> Self {
        Self {
            is_v1_only: true,
            ..self
        }
    }

    const fn with_parameters(self, parameters: &'static [Parameter]) -> Self {
        Self { parameters, ..self }
    }

    const fn with_request(self, request: RequestBody) -> Self {
        Self { request, ..self }
    }

    const fn with_response(self, response: ResponseBody) -> Self {
        Self { response, ..self }
    }

    const fn with_codes(self, codes: &'static [ErrorCode]) -> Self {
        Self {
            refusals: Refusals::Codes(codes),
            ..self
        }
    }

    const fn with_error_component(self, error_component: &'static str) -> Self {
        Self {
            error_component,
            ..self
        }
    }

    const fn with_refusals(self, statuses: &'static [u16]) -> Self {
        Self {
            refusals: Refusals::Statuses(statuses),
            ..self
        }
    }

    /// Returns the part of the path below the base path.
    fn local_path(&self) -> &'static str {
        let is_based = self.section == Section::Unaport;
        self.section
            .base_paths()
            .iter()
            .filter(|_| is_based)
            .find_map(|base| self.path.strip_prefix(base))
            .unwrap_or(self.path)
    }

    /// Returns the names in braces of the path.
    pub fn path_parameter_names(&self) -> impl Iterator<Item = &'static str> {
        self.path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }

    /// Returns whether a parameter of the path may be empty. A client that has not set the variable
    /// gets an error that names the problem.
    fn may_be_empty(&self, parameter: &str) -> bool {
        match self.section {
            Section::Unaport => parameter == "org_id",
            Section::Rebit => parameter == "consentHandle",
            _ => false,
        }
    }

    /// Returns the prefixes of paths whose errors have the format of this section, although no call
    /// has the path.
    fn error_prefixes(&self) -> impl Iterator<Item = String> {
        let (path, section) = (self.local_path(), self.section);
        // The second version of the registry begins with a base path of ReBIT.
        let start = Section::Rebit.base_paths().iter().find(|base| {
            let rest = path.strip_prefix(**base);
            !base.is_empty() && rest.is_some_and(|rest| rest.starts_with('/'))
        });
        let start = start.map_or(1, |base| base.len() + 1);
        let first = path[start..]
            .find('/')
            .map_or(path, |end| &path[..start + end]);
        section.base_paths().iter().map(move |base| match section {
            Section::Unaport => (*base).to_owned(),
            _ => format!("{base}{first}"),
        })
    }
}

/// Returns all calls. Of two paths that the router cannot tell apart, the first one counts.
pub fn all_routes() -> impl Iterator<Item = &'static Route> {
    // The registry comes first: its second version shares its first segment with a base path of
    // ReBIT.
    let tables: [&'static [Route]; 7] = [
        registry::ROUTES,
        rebit::ROUTES,
        seed::ROUTES,
        unaport::ROUTES,
        service::ROUTES,
        console::ROUTES,
        control::ROUTES,
    ];
    tables.into_iter().flatten()
}

/// Returns whether a browser can get one of the operator's pages by a path. As in the router, a path
/// that is written in the table comes before the patterns that it fits.
pub(crate) fn is_console_page(path: &str) -> bool {
    let is_page = |route: &Route| route.method == RouteMethod::Get;
    let mut exact = console::ROUTES
        .iter()
        .filter(|it| it.path == path)
        .peekable();
    if exact.peek().is_some() {
        return exact.any(is_page);
    }
    let mut routes = console::ROUTES.iter();
    routes.any(|route| is_page(route) && fits_pattern(path, route.path))
}

/// Returns whether a path has the segments of a pattern, each parameter with any text.
fn fits_pattern(path: &str, pattern: &str) -> bool {
    let (segments, parts) = (path.split('/'), pattern.split('/'));
    segments.clone().count() == parts.clone().count()
        && segments
            .zip(parts)
            .all(|(segment, part)| segment == part || part.starts_with('{'))
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// All calls with one path, of which there is at least one.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub info: ResourceInfo,
    routes: Arc<[&'static Route]>,
}

impl Resource {
    fn new(routes: Vec<&'static Route>) -> Self {
        let info = routes.iter().map(|route| RouteInfo {
            method: route.method,
            section: route.section,
            access_rule: route.access_rule,
            operation: route.operation,
            is_v1_only: route.is_v1_only,
            response_component: route.response_component(),
            parameters: route.parameters,
            takes_body: !matches!(route.request, RequestBody::Empty),
            body_bytes_max: route.request.bytes_max(),
            opens_web_sdk: route.opens_web_sdk,
        });
        Self {
            info: ResourceInfo::new(routes[0].local_path(), info.collect()),
            routes: routes.into(),
        }
    }

    /// Returns the handler of one of its calls.
    pub(crate) fn find_handler(&self, info: RouteInfo) -> Option<Handler> {
        let mut routes = self.routes.iter();
        let route = routes.find(|route| route.method == info.method)?;
        Some(route.handler)
    }

    /// Returns the path below each of the base paths, with parameters in braces.
    pub(crate) fn path(&self) -> &'static str {
        self.info.path()
    }

    pub(crate) fn base_paths(&self) -> &'static [&'static str] {
        self.routes[0].section.base_paths()
    }

    pub(crate) fn parameter_names(&self) -> impl Iterator<Item = &'static str> {
        self.routes[0].path_parameter_names()
    }

    /// Returns whether the parameters of its path may have these values.
    pub(crate) fn accepts(&self, values: &[&str]) -> bool {
        let mut parameters = self.parameter_names().zip(values);
        parameters.all(|(name, value)| !value.is_empty() || self.routes[0].may_be_empty(name))
    }
}

/// Returns whether an API has a call of this operation.
pub(crate) fn has_operation(api: ApiFamily, operation: Operation) -> bool {
    all_routes()
        .any(|route| route.operation == Some(operation) && route.section.api_family() == Some(api))
}

/// Returns all calls by their paths.
pub(crate) fn list_resources() -> Vec<Resource> {
    let mut resources: Vec<Vec<&'static Route>> = Vec::new();
    for route in all_routes() {
        let known = resources.iter_mut().find(|routes| {
            routes[0].section == route.section && routes[0].local_path() == route.local_path()
        });
        match known {
            Some(routes) => routes.push(route),
            None => resources.push(vec![route]),
        }
    }
    resources.into_iter().map(Resource::new).collect()
}

/// Returns the format of errors and the access rule for paths that no call has.
pub(crate) fn protocol_prefixes() -> ProtocolPrefixes {
    let prefixes = all_routes().flat_map(|route| {
        let (protocol, rule) = (route.section.protocol(), route.access_rule);
        let prefixes = route.error_prefixes();
        prefixes.map(move |prefix| (prefix, protocol, rule))
    });
    ProtocolPrefixes::new(prefixes.collect())
}

/// Returns the paths of all calls. The documented base path of a call comes first.
pub(crate) fn known_paths() -> KnownPaths {
    // The console is for browsers, and who types a wrong path means a call.
    let calls = all_routes().filter(|route| route.section != Section::Console);
    let paths = calls.flat_map(|route| {
        let (method, path) = (route.method, route.local_path());
        let documented = route.path.strip_suffix(path).unwrap_or_default();
        let bases = route.section.base_paths().iter().copied();
        let others = bases.filter(move |base| *base != documented);
        std::iter::once(documented)
            .chain(others)
            .map(move |base| (method, base, path, base == documented))
    });
    KnownPaths::new(paths)
}
