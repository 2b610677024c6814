//! The control API: one table of its calls; what they take and answer is told by the very types.

use schemars::generate::{Contract, SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::{json_content, string_schema};
use crate::wire::control::consents::{ApproveRequest, ConsentView};
use crate::wire::control::customers::{
    CustomerView, DelinkRequest, LinkRequest, LinkRequestView, PersonaRequest, VerifyRequest,
};
use crate::wire::control::deliveries::DeliveryView;
use crate::wire::control::faults::FaultsView;
use crate::wire::control::journal::{AssertView, JournalPage, JournalQuery};
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
use crate::wire::participants::{FipEntry, FiuEntry};

/// What a call takes.
enum RequestBody {
    Empty,
    /// JSON of this type; it may be left out.
    Json(fn(&mut SchemaGenerator) -> Schema),
    /// YAML, or JSON, of the scenario language.
    ScenarioYaml(&'static str),
    /// An object that is told in words.
    Described(&'static str),
}

/// What a call answers.
enum ResponseBody {
    Json(fn(&mut SchemaGenerator) -> Schema),
    /// One of two.
    Either(
        fn(&mut SchemaGenerator) -> Schema,
        fn(&mut SchemaGenerator) -> Schema,
    ),
    /// An object whose only field this is.
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
const JOURNAL_QUERY: &[&str] = &JournalQuery::PARAMETERS;
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

/// Method, path, what it does, its query, what it takes, what it answers.
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
        "Show a consent, its history, and what may happen to it",
        &[],
        Empty,
        Json(schema_of::<ConsentView>),
    ),
    (
        "post",
        "/consents/{handle}/play",
        "Do one step, or a list of them, to a consent: every verb of the scenario language",
        &[],
        ScenarioYaml("A step, such as {\"deliver\":{}}, or a list of steps"),
        Json(schema_of::<ConsentView>),
    ),
    (
        "post",
        "/consents/{handle}/{verb}",
        "Do this to a consent: approve, activate, reject, fail, pause, resume, revoke, expire. The body is for approve alone",
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
        "Answer for the FIPs of a session",
        &[],
        RequestBody::Json(schema_of::<DeliverRequest>),
        Json(schema_of::<SessionView>),
    ),
    (
        "post",
        "/sessions/{id}/analytics",
        "Report Unaport's analytics of a session",
        &[],
        RequestBody::Json(schema_of::<AnalyticsRequest>),
        Json(schema_of::<AnalyticsView>),
    ),
    (
        "get",
        "/customers",
        "List the customers that somebody has mentioned",
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
        "Register a customer, who has no account linked",
        &[],
        Empty,
        Json(schema_of::<CustomerView>),
    ),
    (
        "post",
        "/customers/{customer}/deregister",
        "A customer leaves; the consents end",
        &[],
        Empty,
        Json(schema_of::<CustomerView>),
    ),
    (
        "post",
        "/customers/{customer}/link",
        "Ask for accounts to be linked",
        &[],
        RequestBody::Json(schema_of::<LinkRequest>),
        Either(schema_of::<LinkRequestView>, schema_of::<CustomerView>),
    ),
    (
        "post",
        "/customers/{customer}/verify",
        "Prove a link with the token",
        &[],
        RequestBody::Json(schema_of::<VerifyRequest>),
        Json(schema_of::<CustomerView>),
    ),
    (
        "post",
        "/customers/{customer}/persona",
        "Let the customer live another persona from now on",
        &[],
        RequestBody::Json(schema_of::<PersonaRequest>),
        Json(schema_of::<CustomerView>),
    ),
    (
        "post",
        "/customers/{customer}/delink",
        "Unlink an account; the consents that name it are revoked",
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
        Described("An FIU as GET shows it; what is left out follows from the id"),
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
        Described("A FIP as GET shows it; what is left out follows from the id"),
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
        "Send a webhook that has ended once more, the same bytes",
        &[],
        Empty,
        Json(schema_of::<DeliveryView>),
    ),
    (
        "get",
        "/journal",
        "Read the journal: calls, events, webhooks, remarks",
        JOURNAL_QUERY,
        Empty,
        Json(schema_of::<JournalPage>),
    ),
    (
        "get",
        "/journal/wait",
        "Wait until there are count such entries, within a time of the wall",
        WAIT_QUERY,
        Empty,
        Json(schema_of::<JournalPage>),
    ),
    (
        "post",
        "/assert",
        "Hold expectations against the journal",
        &[],
        ScenarioYaml("What a scenario's expect holds: {\"expect\":[…]}"),
        Json(schema_of::<AssertView>),
    ),
    (
        "get",
        "/report",
        "The contract report of the FIU; as text for Accept: text/plain",
        &[],
        Empty,
        Json(schema_of::<ReportView>),
    ),
    (
        "get",
        "/faults",
        "List the faults in force",
        &[],
        Empty,
        Json(schema_of::<Page<FaultsView>>),
    ),
    (
        "delete",
        "/faults",
        "End all of them",
        &[],
        Empty,
        SingleField("deleted"),
    ),
    (
        "get",
        "/faults/{name}",
        "Show a set of faults",
        &[],
        Empty,
        Json(schema_of::<FaultsView>),
    ),
    (
        "put",
        "/faults/{name}",
        "Put faults in force by a name",
        &[],
        ScenarioYaml("webhooks and api_faults of a scenario, and ttl"),
        Json(schema_of::<FaultsView>),
    ),
    (
        "delete",
        "/faults/{name}",
        "End a set of faults",
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
        "Read the folder again, all of it or nothing",
        &[],
        Empty,
        Json(schema_of::<Page<String>>),
    ),
    (
        "get",
        "/scenarios/default",
        "Which scenario consents get that nothing else gives one",
        &[],
        Empty,
        SingleField("name"),
    ),
    (
        "put",
        "/scenarios/default",
        "Choose it for this world; null: none",
        &[],
        RequestBody::Json(schema_of::<DefaultRequest>),
        SingleField("name"),
    ),
    (
        "get",
        "/scenarios/{name}",
        "The text of a scenario",
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
        "Remove one of this world's own",
        &[],
        Empty,
        SingleField("deleted"),
    ),
    (
        "post",
        "/scenarios/{name}/pin",
        "Let it drive a consent, or the later consents of a customer",
        &[],
        RequestBody::Json(schema_of::<PinRequest>),
        Json(schema_of::<PinView>),
    ),
    (
        "get",
        "/magic",
        "The magic customers",
        &[],
        Empty,
        Json(schema_of::<Page<MagicCustomerView>>),
    ),
    (
        "get",
        "/keys",
        "The AAs' public keys, a JWK set",
        &[],
        Empty,
        SingleField("keys"),
    ),
    (
        "get",
        "/clock",
        "What time it is in this world",
        &[],
        Empty,
        Json(schema_of::<ClockView>),
    ),
    (
        "post",
        "/clock/freeze",
        "Let time stand; at an instant, in a world without consents",
        &[],
        RequestBody::Json(schema_of::<FreezeRequest>),
        Json(schema_of::<ClockView>),
    ),
    (
        "post",
        "/clock/run",
        "Let the clock run",
        &[],
        Empty,
        Json(schema_of::<ClockView>),
    ),
    (
        "post",
        "/clock/set",
        "Set a clock, in a world without consents",
        &[],
        RequestBody::Json(schema_of::<SetClockRequest>),
        Json(schema_of::<ClockView>),
    ),
    (
        "post",
        "/clock/advance",
        "Advance the clock; what is due happens at its time, and webhooks have arrived in the answer",
        &[],
        RequestBody::Json(schema_of::<AdvanceRequest>),
        Json(schema_of::<AdvanceView>),
    ),
    (
        "get",
        "/world",
        "A summary of this world",
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
        "Delete a world, its timers and its webhooks",
        &[],
        Empty,
        SingleField("deleted"),
    ),
    (
        "post",
        "/reset",
        "Begin this world anew",
        &[],
        Empty,
        Json(schema_of::<WorldView>),
    ),
];

/// Paths and schemas.
pub fn build_paths_and_schemas() -> (Value, Value) {
    let new_generator = |contract| {
        let mut settings = SchemaSettings::openapi3();
        settings.contract = contract;
        settings.into_generator()
    };
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

fn build_operation(
    call: &CallSpec,
    request_schemas: &mut SchemaGenerator,
    response_schemas: &mut SchemaGenerator,
) -> Value {
    let (_, path, summary, query, request, response) = call;
    let parameter = |name: &str, place: &str| json!({ "name": name, "in": place, "required": place == "path", "schema": string_schema() });
    let in_path = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path = in_path.map(|name| parameter(name, "path"));
    let parameters: Vec<_> = in_path
        .chain(query.iter().map(|name| parameter(name, "query")))
        .collect();
    let single_field_object =
        |field: &str| json!({ "type": "object", "required": [field], "properties": { field: {} } });
    let body = match response {
        Json(schema) => json!({ "application/json": { "schema": schema(response_schemas) } }),
        Either(first, second) => {
            json!({ "application/json": { "schema": { "oneOf": [first(response_schemas), second(response_schemas)] } } })
        }
        SingleField(name) => json!({ "application/json": { "schema": single_field_object(name) } }),
        Yaml => json!({ "text/plain": { "schema": string_schema() } }),
    };
    let mut operation = json!({
        "tags": ["control"],
        "summary": summary,
        "security": [{}, { "operator": [] }],
        "parameters": parameters,
        "responses": {
            "200": { "description": "Done", "content": body },
            "default": { "description": "Refused: error says what is wrong and what to do", "content": json_content("ErrorView") },
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
