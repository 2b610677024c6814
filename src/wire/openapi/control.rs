//! The control API: one table of its calls; what they take and answer is told by the very types.

use schemars::generate::{Contract, SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::{content, text};
use crate::wire::control::consents::{ApproveRequest, ConsentView};
use crate::wire::control::customers::{
    CustomerView, DelinkRequest, LinkRequest, LinkView, PersonaRequest, VerifyRequest,
};
use crate::wire::control::deliveries::DeliveryView;
use crate::wire::control::faults::FaultsView;
use crate::wire::control::journal::{AssertView, JournalPage, JournalQuery};
use crate::wire::control::report::ReportView;
use crate::wire::control::scenarios::{
    DefaultRequest, PinRequest, PinView, ScenarioView, StoryView,
};
use crate::wire::control::sessions::{
    AnalyticsRequest, AnalyticsView, DeliverRequest, SessionView,
};
use crate::wire::control::world::{
    AdvanceRequest, AdvanceView, ClockView, FreezeRequest, SetRequest, WorldView,
};
use crate::wire::control::{ErrorView, Page};
use crate::wire::participants::{FipEntry, FiuEntry};

/// What a call takes.
enum Takes {
    Nothing,
    /// JSON of this type; it may be left out.
    Json(fn(&mut SchemaGenerator) -> Schema),
    /// YAML, or JSON, of the scenario language.
    Script(&'static str),
    /// An object that is told in words.
    Told(&'static str),
}

/// What a call answers.
enum Answers {
    Json(fn(&mut SchemaGenerator) -> Schema),
    /// One of two.
    Either(
        fn(&mut SchemaGenerator) -> Schema,
        fn(&mut SchemaGenerator) -> Schema,
    ),
    /// An object whose only field this is.
    Field(&'static str),
    Yaml,
}

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

use Answers::{Either, Field, Json, Yaml};
use Takes::{Nothing, Script, Told};

type Call = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
    Takes,
    Answers,
);

const PART: &[&str] = &["after", "limit"];
const QUERY: &[&str] = &JournalQuery::NAMES;
const WAIT: &[&str] = &[
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
const CALLS: &[Call] = &[
    (
        "get",
        "/consents",
        "List the consents",
        PART,
        Nothing,
        Json(of::<Page<ConsentView>>),
    ),
    (
        "get",
        "/consents/{handle}",
        "Show a consent, its history, and what may happen to it",
        &[],
        Nothing,
        Json(of::<ConsentView>),
    ),
    (
        "post",
        "/consents/{handle}/play",
        "Do one step, or a list of them, to a consent: every verb of the scenario language",
        &[],
        Script("A step, such as {\"deliver\":{}}, or a list of steps"),
        Json(of::<ConsentView>),
    ),
    (
        "post",
        "/consents/{handle}/{verb}",
        "Do this to a consent: approve, activate, reject, fail, pause, resume, revoke, expire. The body is for approve alone",
        &[],
        Takes::Json(of::<ApproveRequest>),
        Json(of::<ConsentView>),
    ),
    (
        "get",
        "/sessions",
        "List the data sessions",
        PART,
        Nothing,
        Json(of::<Page<SessionView>>),
    ),
    (
        "get",
        "/sessions/{id}",
        "Show a data session",
        &[],
        Nothing,
        Json(of::<SessionView>),
    ),
    (
        "post",
        "/sessions/{id}/deliver",
        "Answer for the FIPs of a session",
        &[],
        Takes::Json(of::<DeliverRequest>),
        Json(of::<SessionView>),
    ),
    (
        "post",
        "/sessions/{id}/analytics",
        "Report Unaport's analytics of a session",
        &[],
        Takes::Json(of::<AnalyticsRequest>),
        Json(of::<AnalyticsView>),
    ),
    (
        "get",
        "/customers",
        "List the customers that somebody has mentioned",
        PART,
        Nothing,
        Json(of::<Page<String>>),
    ),
    (
        "get",
        "/customers/{customer}/accounts",
        "Discover the accounts of a customer, linked or not",
        &["fipId", "fiType"],
        Nothing,
        Json(of::<CustomerView>),
    ),
    (
        "post",
        "/customers/{customer}/register",
        "Register a customer, who has no account linked",
        &[],
        Nothing,
        Json(of::<CustomerView>),
    ),
    (
        "post",
        "/customers/{customer}/deregister",
        "A customer leaves; the consents end",
        &[],
        Nothing,
        Json(of::<CustomerView>),
    ),
    (
        "post",
        "/customers/{customer}/link",
        "Ask for accounts to be linked",
        &[],
        Takes::Json(of::<LinkRequest>),
        Either(of::<LinkView>, of::<CustomerView>),
    ),
    (
        "post",
        "/customers/{customer}/verify",
        "Prove a link with the token",
        &[],
        Takes::Json(of::<VerifyRequest>),
        Json(of::<CustomerView>),
    ),
    (
        "post",
        "/customers/{customer}/persona",
        "Let the customer live another persona from now on",
        &[],
        Takes::Json(of::<PersonaRequest>),
        Json(of::<CustomerView>),
    ),
    (
        "post",
        "/customers/{customer}/delink",
        "Unlink an account; the consents that name it are revoked",
        &[],
        Takes::Json(of::<DelinkRequest>),
        Json(of::<CustomerView>),
    ),
    (
        "get",
        "/config/fiu",
        "List the FIUs of this world",
        &[],
        Nothing,
        Json(of::<Page<FiuEntry>>),
    ),
    (
        "get",
        "/config/fiu/{id}",
        "Show an FIU",
        &[],
        Nothing,
        Json(of::<FiuEntry>),
    ),
    (
        "put",
        "/config/fiu/{id}",
        "Add or change an FIU of this world",
        &[],
        Told("An FIU as GET shows it; what is left out follows from the id"),
        Json(of::<FiuEntry>),
    ),
    (
        "get",
        "/config/fip",
        "List the FIPs of this world",
        &[],
        Nothing,
        Json(of::<Page<FipEntry>>),
    ),
    (
        "get",
        "/config/fip/{id}",
        "Show a FIP",
        &[],
        Nothing,
        Json(of::<FipEntry>),
    ),
    (
        "put",
        "/config/fip/{id}",
        "Add or change a FIP of this world",
        &[],
        Told("A FIP as GET shows it; what is left out follows from the id"),
        Json(of::<FipEntry>),
    ),
    (
        "get",
        "/webhooks",
        "List the webhooks with every attempt",
        PART,
        Nothing,
        Json(of::<Page<DeliveryView>>),
    ),
    (
        "get",
        "/webhooks/{id}",
        "Show a webhook and its body",
        &[],
        Nothing,
        Json(of::<DeliveryView>),
    ),
    (
        "post",
        "/webhooks/{id}/resend",
        "Send a webhook that has ended once more, the same bytes",
        &[],
        Nothing,
        Json(of::<DeliveryView>),
    ),
    (
        "get",
        "/journal",
        "Read the journal: calls, events, webhooks, remarks",
        QUERY,
        Nothing,
        Json(of::<JournalPage>),
    ),
    (
        "get",
        "/journal/wait",
        "Wait until there are count such entries, within a time of the wall",
        WAIT,
        Nothing,
        Json(of::<JournalPage>),
    ),
    (
        "post",
        "/assert",
        "Hold expectations against the journal",
        &[],
        Script("What a scenario's expect holds: {\"expect\":[…]}"),
        Json(of::<AssertView>),
    ),
    (
        "get",
        "/report",
        "The contract report of the FIU; as text for Accept: text/plain",
        &[],
        Nothing,
        Json(of::<ReportView>),
    ),
    (
        "get",
        "/faults",
        "List the faults in force",
        &[],
        Nothing,
        Json(of::<Page<FaultsView>>),
    ),
    (
        "delete",
        "/faults",
        "End all of them",
        &[],
        Nothing,
        Field("deleted"),
    ),
    (
        "get",
        "/faults/{name}",
        "Show a set of faults",
        &[],
        Nothing,
        Json(of::<FaultsView>),
    ),
    (
        "put",
        "/faults/{name}",
        "Put faults in force by a name",
        &[],
        Script("webhooks and api_faults of a scenario, and ttl"),
        Json(of::<FaultsView>),
    ),
    (
        "delete",
        "/faults/{name}",
        "End a set of faults",
        &[],
        Nothing,
        Field("deleted"),
    ),
    (
        "get",
        "/scenarios",
        "List the scenarios",
        &[],
        Nothing,
        Json(of::<Page<ScenarioView>>),
    ),
    (
        "post",
        "/scenarios/reload",
        "Read the folder again, all of it or nothing",
        &[],
        Nothing,
        Json(of::<Page<String>>),
    ),
    (
        "get",
        "/scenarios/default",
        "Which scenario consents get that nothing else gives one",
        &[],
        Nothing,
        Field("name"),
    ),
    (
        "put",
        "/scenarios/default",
        "Choose it for this world; null: none",
        &[],
        Takes::Json(of::<DefaultRequest>),
        Field("name"),
    ),
    (
        "get",
        "/scenarios/{name}",
        "The text of a scenario",
        &[],
        Nothing,
        Yaml,
    ),
    (
        "put",
        "/scenarios/{name}",
        "Add a scenario to this world",
        &[],
        Script("A scenario"),
        Json(of::<ScenarioView>),
    ),
    (
        "delete",
        "/scenarios/{name}",
        "Remove one of this world's own",
        &[],
        Nothing,
        Field("deleted"),
    ),
    (
        "post",
        "/scenarios/{name}/pin",
        "Let it drive a consent, or the later consents of a customer",
        &[],
        Takes::Json(of::<PinRequest>),
        Json(of::<PinView>),
    ),
    (
        "get",
        "/magic",
        "The magic customers",
        &[],
        Nothing,
        Json(of::<Page<StoryView>>),
    ),
    (
        "get",
        "/keys",
        "The AAs' public keys, a JWK set",
        &[],
        Nothing,
        Field("keys"),
    ),
    (
        "get",
        "/clock",
        "What time it is in this world",
        &[],
        Nothing,
        Json(of::<ClockView>),
    ),
    (
        "post",
        "/clock/freeze",
        "Let time stand; at an instant, in a world without consents",
        &[],
        Takes::Json(of::<FreezeRequest>),
        Json(of::<ClockView>),
    ),
    (
        "post",
        "/clock/run",
        "Let the clock run",
        &[],
        Nothing,
        Json(of::<ClockView>),
    ),
    (
        "post",
        "/clock/set",
        "Set a clock, in a world without consents",
        &[],
        Takes::Json(of::<SetRequest>),
        Json(of::<ClockView>),
    ),
    (
        "post",
        "/clock/advance",
        "Advance the clock; what is due happens at its time, and webhooks have arrived in the answer",
        &[],
        Takes::Json(of::<AdvanceRequest>),
        Json(of::<AdvanceView>),
    ),
    (
        "get",
        "/world",
        "A summary of this world",
        &[],
        Nothing,
        Json(of::<WorldView>),
    ),
    (
        "get",
        "/worlds",
        "List the worlds",
        &[],
        Nothing,
        Json(of::<Page<WorldView>>),
    ),
    (
        "delete",
        "/worlds/{name}",
        "Delete a world, its timers and its webhooks",
        &[],
        Nothing,
        Field("deleted"),
    ),
    (
        "post",
        "/reset",
        "Begin this world anew",
        &[],
        Nothing,
        Json(of::<WorldView>),
    ),
];

/// Paths and schemas.
pub fn described() -> (Value, Value) {
    let generator = |contract| {
        let mut settings = SchemaSettings::openapi3();
        settings.contract = contract;
        settings.into_generator()
    };
    let (mut taken, mut answered) = (
        generator(Contract::Deserialize),
        generator(Contract::Serialize),
    );
    let mut paths = Map::new();
    for call in CALLS {
        let (method, path, ..) = call;
        let operation = operation(call, &mut taken, &mut answered);
        let item = paths
            .entry(format!("/_mockaa/v1{path}"))
            .or_insert_with(|| json!({}));
        item[*method] = operation;
    }
    answered.subschema_for::<ErrorView>();
    let mut schemas = taken.take_definitions(true);
    schemas.append(&mut answered.take_definitions(true));
    (paths.into(), schemas.into())
}

fn operation(call: &Call, taken: &mut SchemaGenerator, answered: &mut SchemaGenerator) -> Value {
    let (_, path, summary, query, request, answers) = call;
    let parameter = |name: &str, place: &str| json!({ "name": name, "in": place, "required": place == "path", "schema": text() });
    let in_path = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path = in_path.map(|name| parameter(name, "path"));
    let parameters: Vec<_> = in_path
        .chain(query.iter().map(|name| parameter(name, "query")))
        .collect();
    let object =
        |field: &str| json!({ "type": "object", "required": [field], "properties": { field: {} } });
    let body = match answers {
        Json(schema) => json!({ "application/json": { "schema": schema(answered) } }),
        Either(one, other) => {
            json!({ "application/json": { "schema": { "oneOf": [one(answered), other(answered)] } } })
        }
        Field(name) => json!({ "application/json": { "schema": object(name) } }),
        Yaml => json!({ "text/plain": { "schema": text() } }),
    };
    let mut operation = json!({
        "tags": ["control"],
        "summary": summary,
        "security": [{}, { "operator": [] }],
        "parameters": parameters,
        "responses": {
            "200": { "description": "Done", "content": body },
            "default": { "description": "Refused: error says what is wrong and what to do", "content": content("ErrorView") },
        },
    });
    let request = match request {
        Nothing => return operation,
        Takes::Json(schema) => {
            json!({ "content": { "application/json": { "schema": schema(taken) } } })
        }
        Script(what) => {
            json!({ "description": what, "content": { "application/yaml": { "schema": {} }, "application/json": { "schema": {} } } })
        }
        Told(what) => {
            json!({ "description": what, "content": { "application/json": { "schema": { "type": "object" } } } })
        }
    };
    operation["requestBody"] = request;
    operation
}
