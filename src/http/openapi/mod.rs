//! The OpenAPI 3.1 document of `/openapi.json`, made from the table of calls (`http::routes`).
//! Most enumerations, lengths and field rules come from the tables that validate requests; tests hold
//! answers, examples and requests against the rest.

mod components;
pub(crate) mod conformance;
pub(crate) mod fields;
mod rebit;
pub(crate) mod schema;
mod unaport;
mod webhooks;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use schemars::SchemaGenerator;
use schemars::generate::{Contract, SchemaSettings};
use schemars::transform::RecursiveTransform;
use serde_json::{Map, Value, json};

use crate::domain::error_code::ErrorCode;
use crate::files::yaml::remove_null_types;
use crate::http::access::AccessRule;
use crate::http::routes::{
    Authentication, BodySchema, Location, Parameter, Refusals, RequestBody, ResponseBody, Route,
    Section, all_routes,
};
use crate::wire::control::ErrorView;

/// Requests and answers of a sandbox with seed 42 and a frozen clock, by `operationId`. A test
/// makes the calls and compares them.
const EXAMPLES: &str = include_str!("examples.json");

/// Returns the document; `server` is the URL that the caller used.
pub fn build_document(server: &str) -> Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    let mut document = DOCUMENT.get_or_init(DocumentBuilder::build).clone();
    document["servers"] = json!([{ "url": server }]);
    document
}

struct DocumentBuilder {
    examples: Value,
    /// Schemas of types as they are read.
    request_schemas: SchemaGenerator,
    /// Schemas of scenario files and their parts, where `null` is no value.
    scenario_schemas: SchemaGenerator,
    /// Schemas of types as they are written.
    response_schemas: SchemaGenerator,
}

/// Returns the settings of a generator whose references point into an OpenAPI document.
fn generator_settings(contract: Contract) -> SchemaSettings {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    settings.contract = contract;
    settings
}

impl DocumentBuilder {
    fn build() -> Value {
        let mut builder = Self {
            examples: serde_json::from_str(EXAMPLES).expect("the examples are JSON"),
            request_schemas: generator_settings(Contract::Deserialize).into_generator(),
            scenario_schemas: generator_settings(Contract::Deserialize)
                .with_transform(RecursiveTransform(remove_null_types))
                .into_generator(),
            response_schemas: generator_settings(Contract::Serialize).into_generator(),
        };
        let mut paths = Map::new();
        for route in all_routes() {
            let operation = builder.build_operation(route);
            let item = paths.entry(route.path).or_insert_with(|| json!({}));
            item[route.method.as_str().to_lowercase()] = operation;
        }
        builder.response_schemas.subschema_for::<ErrorView>();
        let mut schemas = components::build_schemas();
        let Self {
            mut request_schemas,
            mut scenario_schemas,
            mut response_schemas,
            examples,
        } = builder;
        let mut paths = Value::Object(paths);
        let mut read_schemas = request_schemas.take_definitions(true);
        let written_schemas = response_schemas.take_definitions(true);
        rename_read_schemas(&mut paths, &mut read_schemas, &written_schemas);
        schemas.extend(scenario_schemas.take_definitions(true));
        schemas.extend(read_schemas);
        schemas.extend(written_schemas);
        let mut schemas = Value::Object(schemas);
        simplify_schemas(&mut schemas);
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": "mockaa",
                "version": env!("CARGO_PKG_VERSION"),
                "summary": "A local stand-in for an Indian Account Aggregator",
                "description": DESCRIPTION,
                "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
            },
            "servers": [],
            "tags": build_tags(),
            "paths": paths,
            "webhooks": webhooks::build_webhooks(&examples),
            "components": {
                "schemas": schemas,
                "parameters": build_parameters(),
                "securitySchemes": build_security_schemes(),
            },
        })
    }

    fn build_operation(&mut self, route: &Route) -> Value {
        let example = self.examples[route.id].clone();
        let mut responses = Map::new();
        for (status, response) in self.build_successes(route, &example) {
            responses.insert(status.to_string(), response);
        }
        for (status, reasons) in list_refusals(route) {
            responses.insert(status.to_string(), build_refusal(route, status, &reasons));
        }
        let mut operation = json!({
            "operationId": route.id,
            "tags": [route.section.as_str()],
            "summary": route.summary,
            "security": build_security(route.authentication),
            "parameters": build_operation_parameters(route, &example),
            "responses": responses,
        });
        if let Some(body) = self.build_request_body(route, &example) {
            operation["requestBody"] = body;
        }
        operation
    }

    fn build_request_body(&mut self, route: &Route, example: &Value) -> Option<Value> {
        let (media_types, body, is_required): (&[&str], _, _) = match route.request {
            RequestBody::Empty => return None,
            RequestBody::Json(body) => (&["application/json"], body, true),
            RequestBody::OptionalJson(body) => (&["application/json"], body, false),
            RequestBody::Form(body) => (&["application/x-www-form-urlencoded"], body, true),
            RequestBody::Scenario(body) => (&["application/json", "application/yaml"], body, true),
            RequestBody::Upload(body) => (&["multipart/form-data"], body, true),
            RequestBody::File => {
                let schema = json!({ "type": "string", "format": "binary" });
                let content = json!({ "application/octet-stream": { "schema": schema } });
                return Some(json!({ "required": true, "content": content }));
            }
        };
        let generator = match route.request {
            RequestBody::Scenario(_) => &mut self.scenario_schemas,
            _ => &mut self.request_schemas,
        };
        let schema = resolve_schema(body, generator);
        let mut content = Map::new();
        for media_type in media_types {
            let mut media = json!({ "schema": schema });
            if *media_type != "application/yaml" && !example["request"].is_null() {
                media["example"] = example["request"].clone();
            }
            content.insert((*media_type).to_owned(), media);
        }
        Some(json!({ "required": is_required, "content": content }))
    }

    /// Returns the successful responses with their statuses.
    fn build_successes(&mut self, route: &Route, example: &Value) -> Vec<(u16, Value)> {
        let answer = &example["answer"];
        let generator = &mut self.response_schemas;
        let json_content = |schema: Value| {
            let mut media = json!({ "schema": schema });
            if !answer.is_null() {
                media["example"] = answer.clone();
            }
            json!({ "application/json": media })
        };
        let text_content =
            |media_type: &str| json!({ media_type: { "schema": { "type": "string" } } });
        let success = |content: Value| {
            let mut response = json!({ "description": "Success", "content": content });
            if route.section == Section::Rebit {
                response["headers"] = json!({ "x-jws-signature": {
                    "description": "Detached JWS over the body, RS256",
                    "schema": { "type": "string" },
                } });
            }
            vec![(200, response)]
        };
        let redirect = |status: u16| {
            let response = json!({
                "description": "Redirect",
                "headers": { "location": {
                    "description": "The next page",
                    "schema": { "type": "string", "format": "uri" },
                } },
            });
            (status, response)
        };
        match route.response {
            ResponseBody::Json(body) => {
                let schema = resolve_schema(body, generator);
                success(json_content(schema))
            }
            ResponseBody::Either(first, second) => {
                let schemas = [first, second].map(|body| resolve_schema(body, generator));
                success(json_content(json!({ "anyOf": schemas })))
            }
            ResponseBody::Text(media_type) => success(text_content(media_type)),
            ResponseBody::JsonOrText(body) => {
                let mut content = json_content(resolve_schema(body, generator));
                content["text/plain"] = json!({ "schema": { "type": "string" } });
                success(content)
            }
            ResponseBody::File(media_types) => {
                let content: Map<_, _> = media_types
                    .iter()
                    .map(|media_type| {
                        let schema = match *media_type {
                            "application/json" => json!({ "type": "object" }),
                            _ => json!({ "type": "string", "format": "binary" }),
                        };
                        ((*media_type).to_owned(), json!({ "schema": schema }))
                    })
                    .collect();
                success(content.into())
            }
            ResponseBody::Redirect(status) => vec![redirect(status)],
            ResponseBody::PageOrRedirect(status) => {
                let mut responses = success(text_content("text/html"));
                responses.push(redirect(status));
                responses
            }
        }
    }
}

/// Returns the groups of calls, and the one of webhooks.
fn build_tags() -> Vec<Value> {
    let sections = Section::ALL
        .iter()
        .map(|section| json!({ "name": section.as_str(), "description": section.description() }));
    let webhooks =
        json!({ "name": webhooks::TAG, "description": "What the sandbox sends to an FIU" });
    sections.chain([webhooks]).collect()
}

const DESCRIPTION: &str = "\
ReBIT AA API 1.1.0 to 1.1.3, 2.0.0 and 2.1.0, the two calls of the seed API, the Unaport FIU API v2.0.0, Sahamati's token \
services, Central Registry and web redirection, and the sandbox's own control API.

ReBIT's and the seed API's paths also exist below /v1, /v2, /V2, /proxy/v2 and /router/v2, Unaport's on each of its hosts' paths and below \
/backend/api/v1. All paths exist in every world, below /w/{world}; the header x-mockaa-world names a world too.

Every ReBIT response is signed. The body's ver selects the version. The header x-mockaa-fault makes a ReBIT, seed or Unaport \
call answer with that errorCode and its status, also where the status is not listed. A path that is called with another method \
is 405.";

/// Gives another name to the schemas of types that are read and written differently: a field with a
/// default need not be sent, but is always in an answer.
fn rename_read_schemas(
    paths: &mut Value,
    read_schemas: &mut Map<String, Value>,
    written_schemas: &Map<String, Value>,
) {
    let names: Vec<String> = read_schemas
        .iter()
        .filter(|(name, schema)| {
            let written = written_schemas.get(*name);
            written.is_some_and(|written| written != *schema)
        })
        .map(|(name, _)| name.clone())
        .collect();
    for name in names {
        let new_name = format!("{name}Request");
        let (from, to) = (schema::reference(&name), schema::reference(&new_name));
        let schema = read_schemas
            .shift_remove(&name)
            .expect("the name is listed");
        read_schemas.insert(new_name, schema);
        for schema in read_schemas.values_mut() {
            replace_value(schema, &from, &to);
        }
        for item in paths.as_object_mut().into_iter().flatten() {
            for operation in item.1.as_object_mut().into_iter().flatten() {
                if let Some(body) = operation.1.get_mut("requestBody") {
                    replace_value(body, &from, &to);
                }
            }
        }
    }
}

/// Replaces every part of a document that equals `from`.
fn replace_value(document: &mut Value, from: &Value, to: &Value) {
    if document == from {
        *document = to.clone();
        return;
    }
    match document {
        Value::Object(fields) => fields
            .iter_mut()
            .for_each(|(_, value)| replace_value(value, from, to)),
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| replace_value(item, from, to)),
        _ => {}
    }
}

/// Replaces `true` in place of a schema by the empty schema, which means the same: generators of
/// clients do not read boolean schemas. Removes defaults of `null`, which only say that a field may
/// be left out.
fn simplify_schemas(schemas: &mut Value) {
    match schemas {
        Value::Object(fields) => {
            if fields.get("default").is_some_and(Value::is_null) {
                fields.shift_remove("default");
            }
            for (name, value) in fields {
                let holds_schemas = matches!(name.as_str(), "properties" | "$defs");
                if let Some(children) = value.as_object_mut().filter(|_| holds_schemas) {
                    for child in children.values_mut().filter(|child| **child == true) {
                        *child = json!({});
                    }
                }
                if name == "items" && *value == true {
                    *value = json!({});
                }
                simplify_schemas(value);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(simplify_schemas),
        _ => {}
    }
}

fn resolve_schema(body: BodySchema, generator: &mut SchemaGenerator) -> Value {
    match body {
        BodySchema::Component(name) => schema::reference(name),
        BodySchema::Derived(schema_of) => schema_of(generator).to_value(),
    }
}

/// Returns the statuses with which a call can be refused, each with its reasons.
fn list_refusals(route: &Route) -> BTreeMap<u16, Vec<&'static str>> {
    let mut refusals: BTreeMap<u16, Vec<&'static str>> = BTreeMap::new();
    let has_body = !matches!(route.request, RequestBody::Empty);
    match route.refusals {
        Refusals::Codes(codes) => {
            let mut all = vec![
                ErrorCode::InvalidRequest,
                ErrorCode::Unauthorized,
                ErrorCode::InvalidUri,
                ErrorCode::ServiceUnavailable,
            ];
            if route.section == Section::Rebit {
                all.push(ErrorCode::SignatureDoesNotMatch);
            }
            if has_body {
                all.push(ErrorCode::NoSuchVersion);
            }
            all.extend(codes);
            for code in all {
                // The name of a world in the path or header is part of the address.
                let status = if code == ErrorCode::InvalidUri {
                    404
                } else {
                    code.status()
                };
                refusals.entry(status).or_default().push(code.as_str());
            }
            if has_body {
                refusals.insert(413, vec![ErrorCode::InvalidRequest.as_str()]);
            }
        }
        Refusals::Statuses(statuses) => {
            let common: &[u16] = match route.section {
                Section::Unaport if route.authentication == Authentication::Public => {
                    &[400, 404, 503]
                }
                Section::Unaport => &[400, 401, 404, 503],
                Section::Control => &[400, 401, 403, 404, 503],
                Section::Service => &[],
                _ => &[400, 404, 503],
            };
            for status in statuses.iter().chain(common) {
                refusals.insert(*status, Vec::new());
            }
            // Unaport and the forms of the token services answer 400 to a body that is too large.
            if has_body && route.section == Section::Control {
                refusals.insert(413, Vec::new());
            }
        }
    }
    if route.access_rule != AccessRule::AnyHost {
        refusals.insert(403, Vec::new());
    }
    refusals
}

fn build_refusal(route: &Route, status: u16, reasons: &[&str]) -> Value {
    let reason = match status {
        400 => "A field is missing or wrong",
        401 => "The caller is not authenticated, or a token has expired",
        403 => "The caller may not do this, or the host or origin is foreign",
        404 => "What the address names does not exist",
        408 => "The wait ended too early",
        409 => "The state does not allow it",
        410 => "The data has expired",
        413 => "The body is too large",
        _ => "The sandbox is full; try again",
    };
    let description = if reasons.is_empty() {
        reason.to_owned()
    } else {
        format!("{reason}: {}", reasons.join(", "))
    };
    // The token services have bodies of their own, but not for an error about the world.
    let is_about_world =
        matches!(status, 404 | 503) && route.authentication != Authentication::Participant;
    let component = if route.section == Section::Registry && is_about_world {
        Section::Control.error_component()
    } else {
        route.error_component
    };
    let content = if route.opens_web_sdk {
        json!({ "text/html": { "schema": { "type": "string" } } })
    } else {
        json!({ "application/json": { "schema": schema::reference(component) } })
    };
    json!({ "description": description, "content": content })
}

/// Headers that many calls have, by section; they are components of the document.
const COMMON_HEADERS: [Parameter; 5] = [
    Parameter::in_header(
        "x-mockaa-world",
        schema::world_name,
        "World of the call; the path may name it instead",
    ),
    Parameter::in_header(
        "x-jws-signature",
        schema::text,
        "Detached JWS, RS256, over the body, or over the path of a GET; required in strict mode",
    ),
    Parameter::in_header(
        "x-request-meta",
        schema::any_text,
        "Metadata of Sahamati's router; ignored",
    ),
    Parameter::in_header(
        "x-mockaa-fault",
        schema::error_code,
        "errorCode with which the call is answered",
    ),
    Parameter::in_header(
        "x-simulate-res",
        schema::simulated_outcome,
        "Outcome of the call, as Sahamati's simulator names it",
    ),
];

fn is_common_header_of(route: &Route, header: &str) -> bool {
    match header {
        "x-mockaa-world" => true,
        "x-mockaa-fault" | "x-simulate-res" => matches!(
            route.section,
            Section::Rebit | Section::Seed | Section::Unaport
        ),
        _ => route.section == Section::Rebit,
    }
}

fn build_parameters() -> Value {
    COMMON_HEADERS
        .iter()
        .map(|header| {
            (
                header.name.to_owned(),
                build_parameter(header, &Value::Null),
            )
        })
        .collect::<Map<_, _>>()
        .into()
}

fn build_parameter(parameter: &Parameter, example: &Value) -> Value {
    let location = match parameter.location {
        Location::Path => "path",
        Location::Query => "query",
        Location::Header => "header",
    };
    let mut description = json!({
        "name": parameter.name,
        "in": location,
        "required": parameter.is_required,
        "description": parameter.description,
        "schema": (parameter.schema)(),
    });
    if !example.is_null() {
        description["example"] = example.clone();
    }
    description
}

fn build_operation_parameters(route: &Route, example: &Value) -> Vec<Value> {
    let own = |name: &str| {
        let mut own = route.parameters.iter();
        own.find(|parameter| parameter.name == name && parameter.location == Location::Path)
    };
    let in_path = route.path_parameter_names().map(|name| {
        own(name)
            .copied()
            .unwrap_or_else(|| common_path_parameter(name))
    });
    let others = route
        .parameters
        .iter()
        .copied()
        .filter(|parameter| parameter.location != Location::Path);
    let described = in_path
        .chain(others)
        .map(|parameter| build_parameter(&parameter, &example["parameters"][parameter.name]));
    let headers = COMMON_HEADERS
        .iter()
        .filter(|header| is_common_header_of(route, header.name))
        .map(|header| json!({ "$ref": format!("#/components/parameters/{}", header.name) }));
    described.chain(headers).collect()
}

/// Returns a parameter of the path that means the same in every call.
///
/// # Panics
/// When the table of calls has a name that is not here.
fn common_path_parameter(name: &'static str) -> Parameter {
    let (schema, description): (fn() -> Value, _) = match name {
        "consentHandle" => (schema::uuid, "Handle of the consent"),
        "consentId" => (schema::uuid, "Id of the consent"),
        "sessionId" => (schema::uuid, "Id of the data session"),
        "analyticId" => (
            schema::analytic_id,
            "Id of an account's analytics, from Generate Analytics or its webhook",
        ),
        "org_id" => (schema::text, "Id of the caller's organisation"),
        "fiuId" => (schema::text, "Id of the caller's FIU"),
        "code" => (schema::text, "Code of the short link"),
        "customer" => (
            schema::customer_address,
            "Address of the customer, name@handle",
        ),
        "txnId" => (
            schema::text,
            "txnId of the transaction, as statements have it",
        ),
        "type" => (schema::entity_type, "Kind of participant"),
        "id" => (schema::text, "Id of the participant or consent"),
        "name" => (
            schema::text,
            "Name of the world, scenario, persona or fault set",
        ),
        other => panic!("the path parameter {other} is not described"),
    };
    Parameter::in_path(name, schema, description)
}

fn build_security(authentication: Authentication) -> Value {
    // Outside strict mode a caller without a key is accepted; the empty object says so.
    let schemes: &[&str] = match authentication {
        Authentication::Public => return json!([]),
        Authentication::SeedClient => &["seedClient"],
        Authentication::Fiu => &["fiu"],
        Authentication::Fip => &["fip"],
        Authentication::FiuOrFip => &["fiu", "fip"],
        Authentication::Participant => &["participant"],
        Authentication::ClientCredentials => return json!([{ "client": [] }]),
        Authentication::UserToken => return json!([{ "userToken": [] }]),
        Authentication::AccessToken => return json!([{ "accessToken": [] }]),
        Authentication::Operator => &["operator"],
    };
    let mut alternatives = vec![json!({})];
    alternatives.extend(schemes.iter().map(|scheme| json!({ *scheme: [] })));
    alternatives.into()
}

fn build_security_schemes() -> Value {
    json!({
        "seedClient": { "type": "apiKey", "in": "header", "name": "authorization", "description": "API key of an FIU, bare or as Bearer" },
        "fiu": { "type": "apiKey", "in": "header", "name": "client_api_key", "description": "API key or entity token of an FIU" },
        "fip": { "type": "apiKey", "in": "header", "name": "fip_api_key", "description": "API key or entity token of a FIP" },
        "participant": { "type": "http", "scheme": "bearer", "description": "API key or entity token of any participant" },
        "client": { "type": "http", "scheme": "basic", "description": "Id and API key of a participant" },
        "userToken": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "accessToken of /iam/v1/user/token/generate" },
        "accessToken": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "access_token of Unaport's login" },
        "operator": { "type": "http", "scheme": "bearer", "description": "The control token, required if the sandbox does not listen on loopback only" },
    })
}
