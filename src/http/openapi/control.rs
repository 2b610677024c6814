//! Owns the paths and schemas of the control API: one table of its calls. The schemas of bodies are
//! derived from the types in `wire::control`.

use schemars::generate::{Contract, SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::{json_content, string_schema};
use crate::files::participants::{FipEntry, FiuEntry};
use crate::wire::control::consents::{ApproveRequest, ConsentView};
use crate::wire::control::customers::{
    CustomerView, DelinkRequest, LinkRequest, LinkRequestView, PersonaRequest, VerifyRequest,
};
use crate::wire::control::deliveries::DeliveryView;
use crate::wire::control::faults::FaultsView;
use crate::wire::control::journal::{AssertView, JournalFilter, JournalPage};
use crate::wire::control::report::ReportView;
use crate::wire::control::scenarios::{
    DefaultRequest, MagicCustomerView, PinRequest, PinView, ScenarioView,
};
use crate::wire::control::sessions::{
    AnalyticsRequest, AnalyticsView, DeliverRequest, SessionView,
};
use crate::wire::control::world::{
    AdvanceRequest, AdvanceView, ClockView, FreezeRequest, SetClockRequest, WorldView,
};
use crate::wire::control::{ErrorView, Page};

/// The request body of a call.
enum RequestBody {
    Empty,
    /// JSON of this type; the body is optional.
    Json(fn(&mut SchemaGenerator) -> Schema),
    /// YAML or JSON in the scenario format, with a description.
    ScenarioYaml(&'static str),
    /// An object that is only described in text.
    Described(&'static str),
}

/// The response body of a call.
enum ResponseBody {
    Json(fn(&mut SchemaGenerator) -> Schema),
    /// JSON of one of two types.
    Either(
        fn(&mut SchemaGenerator) -> Schema,
        fn(&mut SchemaGenerator) -> Schema,
    ),
    /// An object with only this field.
    SingleField(&'static str),
    Yaml,
}

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

use RequestBody::{Described, Empty, ScenarioYaml};
use ResponseBody::{Either, Json, SingleField, Yaml};

type CallSpec = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
    RequestBody,
    ResponseBody,
);

const PAGE_QUERY: &[&str] = &["after", "limit"];
const JOURNAL_QUERY: &[&str] = &JournalFilter::PARAMETERS;
const WAIT_QUERY: &[&str] = &[
    "after",
    "limit",
    "kind",
    "op",
    "consentHandle",
    "customer",
    "count",
    "within",
];

/// The calls: method, path, summary, query parameters, request body, response body.
const CALLS: &[CallSpec] = &[
    (
        "get",
        "/consents",
        "List the consents",
        PAGE_QUERY,
        Empty,
        Json(schema_of::<Page<ConsentView>>),
    ),
    (
        "get",
        "/consents/{handle}",
        "Show a consent with its history and the actions that its state allows",
        &[],
        Empty,
        Json(schema_of::<ConsentView>),
    ),
    (
        "post",
        "/consents/{handle}/play",
        "Perform a scenario action, or a list of actions, on a consent",
        &[],
        ScenarioYaml("An action, such as {\"deliver\":{}}, or a list of actions"),
        Json(schema_of::<ConsentView>),
    ),
    (
        "post",
        "/consents/{handle}/{action}",
        "Approve, activate, reject, fail, pause, resume, revoke or expire a consent; only approve has a body",
        &[],
        RequestBody::Json(schema_of::<ApproveRequest>),
        Json(schema_of::<ConsentView>),
    ),
    (
        "get",
        "/sessions",
        "List the data sessions",
        PAGE_QUERY,
        Empty,
        Json(schema_of::<Page<SessionView>>),
    ),
    (
        "get",
        "/sessions/{id}",
        "Show a data session",
        &[],
        Empty,
        Json(schema_of::<SessionView>),
    ),
    (
        "post",
        "/sessions/{id}/deliver",
        "Deliver the data of a session in place of its FIPs",
        &[],
        RequestBody::Json(schema_of::<DeliverRequest>),
        Json(schema_of::<SessionView>),
    ),
    (
        "post",
        "/sessions/{id}/analytics",
        "Complete Unaport's analytics of a session",
        &[],
        RequestBody::Json(schema_of::<AnalyticsRequest>),
        Json(schema_of::<AnalyticsView>),
    ),
    (
        "get",
        "/customers",
        "List the customers that calls have named",
        PAGE_QUERY,
        Empty,
        Json(schema_of::<Page<String>>),
    ),
    (
        "get",
        "/customers/{customer}/accounts",
        "Discover the accounts of a customer, linked or not",
        &["fipId", "fiType"],
        Empty,
        Json(schema_of::<CustomerView>),
    ),
    (
        "post",
        "/customers/{customer}/register",
        "Register a customer without linked accounts",
        &[],
        Empty,
        Json(schema_of::<CustomerView>),
    ),
    (
        "post",
        "/customers/{customer}/deregister",
        "Deregister a customer and hide the consents",
        &[],
        Empty,
        Json(schema_of::<CustomerView>),
    ),
    (
        "post",
        "/customers/{customer}/link",
        "Request the linking of accounts",
        &[],
        RequestBody::Json(schema_of::<LinkRequest>),
        Either(schema_of::<LinkRequestView>, schema_of::<CustomerView>),
    ),
    (
        "post",
        "/customers/{customer}/verify",
        "Confirm a link request with its token",
        &[],
        RequestBody::Json(schema_of::<VerifyRequest>),
        Json(schema_of::<CustomerView>),
    ),
    (
        "post",
        "/customers/{customer}/persona",
        "Assign another persona to a customer",
        &[],
        RequestBody::Json(schema_of::<PersonaRequest>),
        Json(schema_of::<CustomerView>),
    ),
    (
        "post",
        "/customers/{customer}/delink",
        "Delink an account and revoke the consents that contain it",
        &[],
        RequestBody::Json(schema_of::<DelinkRequest>),
        Json(schema_of::<CustomerView>),
    ),
    (
        "get",
        "/config/fiu",
        "List the FIUs of this world",
        &[],
        Empty,
        Json(schema_of::<Page<FiuEntry>>),
    ),
    (
        "get",
        "/config/fiu/{id}",
        "Show an FIU",
        &[],
        Empty,
        Json(schema_of::<FiuEntry>),
    ),
    (
        "put",
        "/config/fiu/{id}",
        "Add or change an FIU of this world",
        &[],
        Described(
            "An FIU in the format of GET; omitted fields keep their value or are derived from the id",
        ),
        Json(schema_of::<FiuEntry>),
    ),
    (
        "get",
        "/config/fip",
        "List the FIPs of this world",
        &[],
        Empty,
        Json(schema_of::<Page<FipEntry>>),
    ),
    (
        "get",
        "/config/fip/{id}",
        "Show a FIP",
        &[],
        Empty,
        Json(schema_of::<FipEntry>),
    ),
    (
        "put",
        "/config/fip/{id}",
        "Add or change a FIP of this world",
        &[],
        Described(
            "A FIP in the format of GET; omitted fields keep their value or are derived from the id",
        ),
        Json(schema_of::<FipEntry>),
    ),
    (
        "get",
        "/webhooks",
        "List the webhooks with every attempt",
        PAGE_QUERY,
        Empty,
        Json(schema_of::<Page<DeliveryView>>),
    ),
    (
        "get",
        "/webhooks/{id}",
        "Show a webhook and its body",
        &[],
        Empty,
        Json(schema_of::<DeliveryView>),
    ),
    (
        "post",
        "/webhooks/{id}/resend",
        "Send a completed webhook again, with the same bytes",
        &[],
        Empty,
        Json(schema_of::<DeliveryView>),
    ),
    (
        "get",
        "/journal",
        "List the entries of the journal: calls, events, webhooks, notes",
        JOURNAL_QUERY,
        Empty,
        Json(schema_of::<JournalPage>),
    ),
    (
        "get",
        "/journal/wait",
        "Wait until the journal has count matching entries; within is a duration in system time",
        WAIT_QUERY,
        Empty,
        Json(schema_of::<JournalPage>),
    ),
    (
        "post",
        "/assert",
        "Check expectations against the journal",
        &[],
        ScenarioYaml("The expect list of a scenario: {\"expect\":[…]}"),
        Json(schema_of::<AssertView>),
    ),
    (
        "get",
        "/report",
        "Get the contract report of the FIU; as text with Accept: text/plain",
        &[],
        Empty,
        Json(schema_of::<ReportView>),
    ),
    (
        "get",
        "/faults",
        "List the active fault sets",
        &[],
        Empty,
        Json(schema_of::<Page<FaultsView>>),
    ),
    (
        "delete",
        "/faults",
        "Remove all fault sets",
        &[],
        Empty,
        SingleField("deleted"),
    ),
    (
        "get",
        "/faults/{name}",
        "Show a fault set",
        &[],
        Empty,
        Json(schema_of::<FaultsView>),
    ),
    (
        "put",
        "/faults/{name}",
        "Activate faults under a name",
        &[],
        ScenarioYaml("The webhooks and api_faults of a scenario, and ttl"),
        Json(schema_of::<FaultsView>),
    ),
    (
        "delete",
        "/faults/{name}",
        "Remove a fault set",
        &[],
        Empty,
        SingleField("deleted"),
    ),
    (
        "get",
        "/scenarios",
        "List the scenarios",
        &[],
        Empty,
        Json(schema_of::<Page<ScenarioView>>),
    ),
    (
        "post",
        "/scenarios/reload",
        "Reload the scenario folder; an error leaves all scenarios unchanged",
        &[],
        Empty,
        Json(schema_of::<Page<String>>),
    ),
    (
        "get",
        "/scenarios/default",
        "Get the default scenario of this world",
        &[],
        Empty,
        SingleField("name"),
    ),
    (
        "put",
        "/scenarios/default",
        "Set the default scenario of this world; null removes it",
        &[],
        RequestBody::Json(schema_of::<DefaultRequest>),
        SingleField("name"),
    ),
    (
        "get",
        "/scenarios/{name}",
        "Get the text of a scenario",
        &[],
        Empty,
        Yaml,
    ),
    (
        "put",
        "/scenarios/{name}",
        "Add a scenario to this world",
        &[],
        ScenarioYaml("A scenario"),
        Json(schema_of::<ScenarioView>),
    ),
    (
        "delete",
        "/scenarios/{name}",
        "Remove a scenario that was added to this world",
        &[],
        Empty,
        SingleField("deleted"),
    ),
    (
        "post",
        "/scenarios/{name}/pin",
        "Assign a scenario to a consent, or to the later consents of a customer",
        &[],
        RequestBody::Json(schema_of::<PinRequest>),
        Json(schema_of::<PinView>),
    ),
    (
        "get",
        "/magic",
        "List the magic customers",
        &[],
        Empty,
        Json(schema_of::<Page<MagicCustomerView>>),
    ),
    (
        "get",
        "/keys",
        "Get the public keys of the AAs as a JWK set",
        &[],
        Empty,
        SingleField("keys"),
    ),
    (
        "get",
        "/clock",
        "Get the time of this world",
        &[],
        Empty,
        Json(schema_of::<ClockView>),
    ),
    (
        "post",
        "/clock/freeze",
        "Freeze the clock; at a given time only in a world without consents",
        &[],
        RequestBody::Json(schema_of::<FreezeRequest>),
        Json(schema_of::<ClockView>),
    ),
    (
        "post",
        "/clock/run",
        "Run the clock",
        &[],
        Empty,
        Json(schema_of::<ClockView>),
    ),
    (
        "post",
        "/clock/set",
        "Set the clock of a world without consents",
        &[],
        RequestBody::Json(schema_of::<SetClockRequest>),
        Json(schema_of::<ClockView>),
    ),
    (
        "post",
        "/clock/advance",
        "Advance the clock; due work runs at its time, and due webhooks are sent before the response",
        &[],
        RequestBody::Json(schema_of::<AdvanceRequest>),
        Json(schema_of::<AdvanceView>),
    ),
    (
        "get",
        "/world",
        "Get a summary of this world",
        &[],
        Empty,
        Json(schema_of::<WorldView>),
    ),
    (
        "get",
        "/worlds",
        "List the worlds",
        &[],
        Empty,
        Json(schema_of::<Page<WorldView>>),
    ),
    (
        "delete",
        "/worlds/{name}",
        "Delete a world with its timers and webhooks",
        &[],
        Empty,
        SingleField("deleted"),
    ),
    (
        "post",
        "/reset",
        "Reset this world",
        &[],
        Empty,
        Json(schema_of::<WorldView>),
    ),
];

fn new_generator(contract: Contract) -> SchemaGenerator {
    let mut settings = SchemaSettings::openapi3();
    settings.contract = contract;
    settings.into_generator()
}

/// Returns the paths and the schemas.
pub fn build_paths_and_schemas() -> (Value, Value) {
    let (mut request_schemas, mut response_schemas) = (
        new_generator(Contract::Deserialize),
        new_generator(Contract::Serialize),
    );
    let mut paths = Map::new();
    for call in CALLS {
        let (method, path, ..) = call;
        let operation = build_operation(call, &mut request_schemas, &mut response_schemas);
        let item = paths
            .entry(format!("/_mockaa/v1{path}"))
            .or_insert_with(|| json!({}));
        item[*method] = operation;
    }
    response_schemas.subschema_for::<ErrorView>();
    let mut schemas = request_schemas.take_definitions(true);
    schemas.append(&mut response_schemas.take_definitions(true));
    (paths.into(), schemas.into())
}

fn parameter(name: &str, location: &str) -> Value {
    let required = location == "path";
    json!({ "name": name, "in": location, "required": required, "schema": string_schema() })
}

fn build_operation(
    call: &CallSpec,
    request_schemas: &mut SchemaGenerator,
    response_schemas: &mut SchemaGenerator,
) -> Value {
    let (_, path, summary, query, request, response) = call;
    let in_path = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| parameter(name, "path"));
    let in_query = query.iter().map(|name| parameter(name, "query"));
    let parameters: Vec<_> = in_path.chain(in_query).collect();
    let body = match response {
        Json(schema) => json!({ "application/json": { "schema": schema(response_schemas) } }),
        Either(first, second) => {
            json!({ "application/json": { "schema": { "oneOf": [first(response_schemas), second(response_schemas)] } } })
        }
        SingleField(name) => {
            let schema =
                json!({ "type": "object", "required": [name], "properties": { *name: {} } });
            json!({ "application/json": { "schema": schema } })
        }
        Yaml => json!({ "text/plain": { "schema": string_schema() } }),
    };
    let mut operation = json!({
        "tags": ["control"],
        "summary": summary,
        "security": [{}, { "operator": [] }],
        "parameters": parameters,
        "responses": {
            "200": { "description": "Success", "content": body },
            "default": { "description": "Error; `error` has the reason and the remedy", "content": json_content("ErrorView") },
        },
    });
    let request = match request {
        Empty => return operation,
        RequestBody::Json(schema) => {
            json!({ "content": { "application/json": { "schema": schema(request_schemas) } } })
        }
        ScenarioYaml(description) => {
            json!({ "description": description, "content": { "application/yaml": { "schema": {} }, "application/json": { "schema": {} } } })
        }
        Described(description) => {
            json!({ "description": description, "content": { "application/json": { "schema": { "type": "object" } } } })
        }
    };
    operation["requestBody"] = request;
    operation
}
