//! What a call knows of its route: section, method and operation, without the handler.

use std::sync::Arc;

use actix_web::http::Method;

use serde_json::Value;

use crate::domain::naming::wire_enum;
use crate::domain::operation::Operation;
use crate::http::access::AccessRule;

/// Base paths of the ReBIT and seed calls. Clients append the specified path to a base URL, and
/// base URLs differ (`docs/architecture.md#apis`).
const REBIT_BASE_PATHS: &[&str] = &["", "/v1", "/v2", "/V2", "/proxy/v2", "/router/v2"];

/// Base path in place of the Unaport host of Login and organisation calls.
pub(crate) const UNAPORT_COMMON_PATH: &str = "/api/v1";

/// Base path in place of the Unaport host of all other calls.
pub(crate) const UNAPORT_APPLICATION_PATH: &str = "/backend-v2/api/v2";

/// Base paths of the Unaport calls: one for each of the service's two hosts, and the earlier root
/// of the application host. Clients mix them up, so every call is served below each of them
/// (`docs/sources.md#unaport-pitfalls`).
const UNAPORT_BASE_PATHS: &[&str] = &[
    UNAPORT_COMMON_PATH,
    UNAPORT_APPLICATION_PATH,
    "/backend/api/v1",
];

wire_enum! {
    /// Method of a call.
    RouteMethod { Get = "GET", Post = "POST", Put = "PUT", Patch = "PATCH", Delete = "DELETE" }
}

wire_enum! {
    /// A group of calls with the same base paths, authentication and error format. The name is the
    /// tag in the OpenAPI document.
    Section {
        Rebit = "ReBIT AA API",
        Seed = "Seed API",
        Unaport = "Unaport FIU API",
        Registry = "Token service and Central Registry",
        Redirection = "Web redirection",
        Page = "Pages",
        Console = "Console",
        Service = "Service",
        Control = "Control API",
    }
}

/// Wire format of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Control,
    Seed,
    Rebit,
    Unaport,
}

impl Section {
    /// Returns the format of errors that no handler has written.
    pub const fn protocol(self) -> Protocol {
        match self {
            Self::Rebit => Protocol::Rebit,
            Self::Seed => Protocol::Seed,
            Self::Unaport => Protocol::Unaport,
            Self::Registry
            | Self::Redirection
            | Self::Page
            | Self::Console
            | Self::Service
            | Self::Control => Protocol::Control,
        }
    }

    /// Returns the rule by which `Host` and `Origin` of its calls are judged, where a route has no
    /// other.
    pub(crate) const fn access_rule(self) -> AccessRule {
        match self {
            Self::Rebit | Self::Seed | Self::Unaport | Self::Registry => AccessRule::AnyHost,
            Self::Redirection | Self::Page | Self::Console | Self::Service => AccessRule::Page,
            Self::Control => AccessRule::Operator,
        }
    }

    /// Returns the prefixes below which each call of the section is served.
    pub const fn base_paths(self) -> &'static [&'static str] {
        match self {
            Self::Rebit | Self::Seed => REBIT_BASE_PATHS,
            Self::Unaport => UNAPORT_BASE_PATHS,
            Self::Registry
            | Self::Redirection
            | Self::Page
            | Self::Console
            | Self::Service
            | Self::Control => &[""],
        }
    }

    pub const fn description(self) -> &'static str {
        match self {
            Self::Rebit => "Consents and data over the AA API of ReBIT",
            Self::Seed => "The two unsigned calls of the first API documents",
            Self::Unaport => "Login, templates, consents, data and analytics",
            Self::Registry => "Sahamati's tokens and the participants with their keys",
            Self::Redirection => "The customer's browser on its way from the FIU and back",
            Self::Page => "The start page, and the customer's app of the AA",
            Self::Console => "The operator's pages; beyond loopback they ask for the control token",
            Self::Service => "Health, keys and documentation",
            Self::Control => "Control of the sandbox: consents, clock, faults, scenarios, journal",
        }
    }

    /// Returns the component of the error bodies.
    pub(crate) const fn error_component(self) -> &'static str {
        match self {
            Self::Rebit => "ErrorResponse",
            Self::Seed => "SeedError",
            Self::Unaport => "UnaportError",
            Self::Registry => "RegistryError",
            Self::Redirection | Self::Page | Self::Console | Self::Service | Self::Control => {
                "ErrorView"
            }
        }
    }
}

/// Place of a parameter in the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    Path,
    Query,
    Header,
}

/// Parameter of a call.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    pub name: &'static str,
    pub location: Location,
    pub is_required: bool,
    pub schema: fn() -> Value,
    pub description: &'static str,
}

impl Parameter {
    pub const fn in_path(
        name: &'static str,
        schema: fn() -> Value,
        description: &'static str,
    ) -> Self {
        Self {
            name,
            location: Location::Path,
            is_required: true,
            schema,
            description,
        }
    }

    pub const fn in_query(
        name: &'static str,
        schema: fn() -> Value,
        description: &'static str,
    ) -> Self {
        Self {
            name,
            location: Location::Query,
            is_required: false,
            schema,
            description,
        }
    }

    pub const fn in_header(
        name: &'static str,
        schema: fn() -> Value,
        description: &'static str,
    ) -> Self {
        Self {
            name,
            location: Location::Header,
            is_required: false,
            schema,
            description,
        }
    }

    #[must_use]
    pub const fn into_required(self) -> Self {
        Self {
            is_required: true,
            ..self
        }
    }
}

/// The facts about a route that its calls need.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RouteInfo {
    pub method: RouteMethod,
    pub section: Section,
    pub access_rule: AccessRule,
    /// `None` for calls that are not recorded.
    pub operation: Option<Operation>,
    /// `true` for a call of ReBIT 1.1.x that 2.x lacks.
    pub is_v1_only: bool,
    /// Component that describes the response; `None` if there is no such component.
    pub response_component: Option<&'static str>,
    /// Parameters beside those that all calls have, and beside common ones of the path.
    pub parameters: &'static [Parameter],
    pub takes_body: bool,
    /// The size of the largest body, in bytes.
    pub body_bytes_max: usize,
    /// `true` for the call that opens the web SDK: its errors are pages for each caller, and named
    /// origins may frame them.
    pub opens_web_sdk: bool,
}

impl RouteInfo {
    /// Returns the names of the parameters in the query.
    pub(crate) fn query_names(self) -> Vec<&'static str> {
        let parameters = self.parameters.iter();
        parameters
            .filter(|parameter| parameter.location == Location::Query)
            .map(|parameter| parameter.name)
            .collect()
    }
}

/// The routes with one path. A clone shares them, since each call takes one.
#[derive(Clone, Debug)]
pub(crate) struct ResourceInfo {
    path: &'static str,
    routes: Arc<[RouteInfo]>,
}

impl ResourceInfo {
    /// Wraps the routes of a path, which has at least one. The path is that below each base path.
    pub(crate) fn new(path: &'static str, routes: Vec<RouteInfo>) -> Self {
        Self {
            path,
            routes: routes.into(),
        }
    }

    /// Returns the path below each base path, with parameters in braces.
    pub(crate) fn path(&self) -> &'static str {
        self.path
    }

    /// Returns the route with this method; GET also answers HEAD.
    pub(crate) fn find_route(&self, method: &Method) -> Option<RouteInfo> {
        let method = if *method == Method::HEAD {
            RouteMethod::Get
        } else {
            RouteMethod::parse(method.as_str())?
        };
        self.routes
            .iter()
            .find(|route| route.method == method)
            .copied()
    }

    pub(crate) fn first_route(&self) -> RouteInfo {
        self.routes[0]
    }

    /// Returns the methods that the resource answers, as the header `Allow` lists them.
    pub(crate) fn allowed_methods(&self) -> String {
        let mut methods = Vec::new();
        for route in self.routes.iter() {
            methods.push(route.method.as_str());
            if route.method == RouteMethod::Get {
                methods.push("HEAD");
            }
        }
        methods.join(", ")
    }
}

/// Prefixes of paths, each with the format of errors and the access rule below it.
#[derive(Debug)]
pub(crate) struct ProtocolPrefixes(Vec<(String, Protocol, AccessRule)>);

impl ProtocolPrefixes {
    pub(crate) fn new(mut prefixes: Vec<(String, Protocol, AccessRule)>) -> Self {
        // The longest comes first.
        prefixes.sort_by_key(|(prefix, _, _)| std::cmp::Reverse(prefix.len()));
        prefixes.dedup();
        Self(prefixes)
    }

    /// Returns the format of errors for a path that no call has: that of the calls whose prefix it
    /// shares, else ReBIT's. `path` has no world.
    pub(crate) fn protocol_for_path(&self, path: &str) -> Protocol {
        self.find_prefix(path)
            .map_or(Protocol::Rebit, |(_, protocol, _)| *protocol)
    }

    /// Returns the access rule of a path that no call has: that of the calls whose prefix it
    /// shares. `path` has no world.
    pub(crate) fn access_rule_for_path(&self, path: &str) -> AccessRule {
        self.find_prefix(path)
            .map_or(AccessRule::AnyHost, |(_, _, rule)| *rule)
    }

    fn find_prefix(&self, path: &str) -> Option<&(String, Protocol, AccessRule)> {
        self.0
            .iter()
            .find(|(prefix, _, _)| is_at_or_below(path, prefix))
    }
}

fn is_at_or_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Removes the base path of a ReBIT or seed call; `path` has no world.
pub(crate) fn strip_rebit_base_path(path: &str) -> &str {
    REBIT_BASE_PATHS
        .iter()
        .rev()
        .find_map(|base| {
            path.strip_prefix(*base)
                .filter(|rest| rest.starts_with('/'))
        })
        .unwrap_or(path)
}
