//! The scenario file format as types. serde deserialises them, and the published JSON Schema is
//! generated from them, so the doc comments of fields appear in editors. Actions and faults are the
//! enums of the domain. Rules that involve several values belong to `convert`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};
use serde_saphyr::Spanned;

use crate::domain::account::FiType;
use crate::domain::action::Action;
use crate::domain::api_fault::ApiFault;
use crate::domain::bank_answer::{DiscoveryAnswer, LinkingAnswer};
use crate::domain::consent::Status;
use crate::domain::event::EventName;
use crate::domain::naming::wire_name_schema;
use crate::domain::notification::NotificationKind;
use crate::domain::operation::Operation;
use crate::domain::participants::FiSchema;
use crate::domain::quirk::Quirk;
use crate::domain::session::{ApprovalMode, DataTiming, SessionStatus};
use crate::domain::terms::FetchType;
use crate::domain::time::Millis;
use crate::domain::unaport::{AnalyticsStatus, FetchQuirk};
use crate::domain::webhook_fault::{WebhookFault, WebhookFaultName};
use crate::files::yaml::scalars::{NAME_FORMAT, OccurrenceRange, StatusPattern};
use crate::scenario::format::conditions::{BodyConditions, HeaderConditions};
use crate::wire::control::schema_types::UuidText;

/// A scenario: the actions that drive a consent, the faults injected meanwhile, and the
/// expectations that the FIU has to meet.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "mockaa scenario, version 1")]
pub(crate) struct ScenarioFile {
    /// The version of this format: 1.
    #[schemars(schema_with = "version_schema")]
    #[expect(dead_code, reason = "the schema allows one value only")]
    pub version: u64,
    /// The name of the scenario: lower-case letters, digits and dashes.
    #[schemars(schema_with = "name_schema")]
    pub name: Spanned<String>,
    /// Free text for readers.
    pub description: Option<String>,
    /// The consents that the scenario applies to without being named.
    #[schemars(with = "Option<MatchSpec>")]
    pub r#match: Option<Spanned<MatchSpec>>,
    /// The persona that the customer's accounts and transactions are generated from.
    #[serde(default)]
    #[schemars(schema_with = "name_schema")]
    pub persona: Option<Spanned<String>>,
    /// The approval mode; not needed if a step approves.
    pub consent: Option<ApprovalMode>,
    /// The data timing of FIPs, where no rule delivers.
    pub data: Option<DataTiming>,
    /// Post statements to the FIU.
    pub push_data: Option<bool>,
    /// The generation of the FI schemas of the data; it precedes that of the participants.
    #[serde(default, deserialize_with = "FiSchema::deserialize_name_or_version")]
    #[schemars(schema_with = "FiSchema::name_or_version_schema")]
    pub fi_schema: Option<FiSchema>,
    /// Irregularities of the documents, beside those of the FIPs and the persona.
    #[serde(default)]
    #[schemars(with = "Vec<Quirk>")]
    pub quirks: Vec<Spanned<Quirk>>,
    /// Quirks of Unaport's Fetch Data responses.
    #[serde(default)]
    #[schemars(with = "Vec<FetchQuirk>")]
    pub fetch_quirks: Vec<Spanned<FetchQuirk>>,
    /// The answers of banks, by FIP id, when the customer looks for accounts on the AA's pages.
    #[schemars(with = "Option<BTreeMap<Box<str>, DiscoveryAnswer>>")]
    pub discovery: Option<Spanned<BTreeMap<Box<str>, DiscoveryAnswer>>>,
    /// The answers of banks, by FIP id, when the customer links accounts on the AA's pages.
    #[schemars(with = "Option<BTreeMap<Box<str>, LinkingAnswer>>")]
    pub linking: Option<Spanned<BTreeMap<Box<str>, LinkingAnswer>>>,
    /// Actions executed once, in order; `after` counts from the step before.
    #[serde(default)]
    #[schemars(with = "Vec<StepEntry>")]
    pub steps: Vec<Spanned<ActionEntry>>,
    /// Actions executed each time that their event happens.
    #[serde(default)]
    #[schemars(with = "Vec<ActionEntry>")]
    pub rules: Vec<Spanned<ActionEntry>>,
    /// Faults injected into webhooks.
    #[serde(default)]
    #[schemars(with = "Vec<WebhookFaultEntry>")]
    pub webhooks: Vec<Spanned<WebhookFaultEntry>>,
    /// Faults injected into API responses.
    #[serde(default)]
    #[schemars(with = "Vec<ApiFaultEntry>")]
    pub api_faults: Vec<Spanned<ApiFaultEntry>>,
    /// Counts of calls, events, webhooks and consents that the run must satisfy.
    #[serde(default)]
    #[schemars(with = "Vec<ExpectationEntry>", length(min = 1))]
    pub expect: Vec<Spanned<ExpectationEntry>>,
}

/// A set of faults outside a scenario, for the control API.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "if" = { "not": { "required": ["webhooks"], "properties": { "webhooks": { "minItems": 1 } } } },
    "then" = { "required": ["api_faults"], "properties": { "api_faults": { "minItems": 1 } } },
))]
#[schemars(title = "mockaa faults, version 1")]
pub(crate) struct FaultsFile {
    /// Faults injected into webhooks.
    #[serde(default)]
    #[schemars(with = "Vec<WebhookFaultEntry>")]
    pub webhooks: Vec<Spanned<WebhookFaultEntry>>,
    /// Faults injected into API responses.
    #[serde(default)]
    #[schemars(with = "Vec<ApiFaultEntry>")]
    pub api_faults: Vec<Spanned<ApiFaultEntry>>,
    /// The time that the faults stay active, in system time; default: until they are deleted.
    pub ttl: Option<Millis>,
}

/// Expectations outside a scenario, for the control API.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "mockaa expectations, version 1")]
pub(crate) struct ExpectationsFile {
    /// The expectations.
    #[schemars(with = "Vec<ExpectationEntry>", length(min = 1))]
    pub expect: Vec<Spanned<ExpectationEntry>>,
    /// Count only what concerns this consent.
    #[schemars(with = "Option<UuidText>")]
    pub consent_handle: Option<String>,
}

fn version_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "integer", "enum": [1], "description": "The version of this format." })
}

fn name_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "format": NAME_FORMAT,
        "pattern": "^[a-z0-9-]{1,100}$",
        "description": "A name: lower-case letters, digits and dashes.",
    })
}

/// Conditions that all have to hold; `*` in a text matches any characters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub(crate) struct MatchSpec {
    /// Customer addresses, such as `9812345678@*`.
    pub customer: Option<OneOrMany>,
    pub fiu: Option<OneOrMany>,
    pub aa: Option<OneOrMany>,
    /// The consent requests at least one of these FI types.
    #[schemars(length(min = 1))]
    pub fi_types: Option<Vec<FiType>>,
    /// Purpose codes, such as "101".
    pub purpose: Option<OneOrMany>,
    pub fetch_type: Option<FetchType>,
    /// The API on which the consent was raised.
    #[serde(default)]
    #[schemars(schema_with = "api_schema")]
    pub api: Option<String>,
}

/// The names of the APIs.
pub(crate) const API_NAMES: [&str; 4] = ["seed", "rebit-1", "rebit-2", "unaport"];

fn api_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": API_NAMES })
}

/// A text or a list of texts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(crate) enum OneOrMany {
    One(#[schemars(length(max = 200))] String),
    Many(#[schemars(length(min = 1, max = 20), inner(length(max = 200)))] Vec<String>),
}

/// A step or a rule: a time and exactly one action.
#[derive(Debug, JsonSchema)]
#[schemars(extend("additionalProperties" = false))]
pub(crate) struct ActionEntry {
    /// A label for the journal.
    pub id: Option<String>,
    /// The event that the action follows; for rules only.
    #[schemars(default, schema_with = "consent_event_schema")]
    pub when: Option<EventName>,
    /// The delay before the action, in world time.
    #[schemars(default)]
    pub after: Millis,
    #[schemars(flatten)]
    pub action: Action,
}

// Not derived: `serde(flatten)` would read a key such as `123` as a number.
impl<'de> Deserialize<'de> for ActionEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        Ok(Self {
            id: take_field(&mut fields, "id")?,
            when: take_field(&mut fields, "when")?,
            after: take_field(&mut fields, "after")?,
            action: Action::deserialize(Value::Object(fields)).map_err(D::Error::custom)?,
        })
    }
}

fn take_field<T: DeserializeOwned + Default, E: Error>(
    fields: &mut Map<String, Value>,
    key: &str,
) -> Result<T, E> {
    let value = fields.remove(key);
    value.map_or_else(
        || Ok(T::default()),
        |value| serde_json::from_value(value).map_err(E::custom),
    )
}

fn consent_event_schema(_: &mut SchemaGenerator) -> Schema {
    let events = EventName::ALL.iter().copied();
    wire_name_schema(events.filter(|event| event.is_about_consent()))
}

/// Requires exactly one of the keys, in terms of JSON Schema.
fn require_one_of(schema: &mut Schema, keys: &[&str]) {
    let choices: Vec<Value> = keys
        .iter()
        .map(|key| serde_json::json!({ "required": [key] }))
        .collect();
    schema.insert("oneOf".to_owned(), choices.into());
}

/// Requires exactly one of the properties of the object.
fn require_one_key(schema: &mut Schema) {
    let keys: Vec<String> = schema
        .get("properties")
        .and_then(Value::as_object)
        .map(|properties| properties.keys().cloned().collect())
        .unwrap_or_default();
    require_one_of(schema, &keys.iter().map(String::as_str).collect::<Vec<_>>());
}

/// A webhook fault and the webhooks that it applies to.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookFaultEntry {
    /// The webhooks that the fault applies to; default: all.
    pub r#where: Option<WebhookSelectorSpec>,
    pub fault: WebhookFault,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookSelectorSpec {
    pub event: Option<NotificationKind>,
    /// The status in the webhook.
    #[serde(default)]
    #[schemars(schema_with = "status_schema")]
    pub status: Option<String>,
    /// Occurrences among the matching webhooks of a consent, counted from 1: `1`, `2..3`.
    pub nth: Option<OccurrenceRange>,
    /// Delivery attempts, counted from 1: `1`, `2..3`.
    pub attempts: Option<OccurrenceRange>,
}

fn status_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": notification_statuses(None) })
}

/// Returns the statuses that webhooks of a kind can have; without a kind, those of all kinds.
pub(crate) fn notification_statuses(kind: Option<NotificationKind>) -> Vec<&'static str> {
    let consent = Status::ALL.iter().map(|status| status.as_str());
    let session = SessionStatus::ALL.iter().map(|status| status.as_str());
    let analytics = AnalyticsStatus::ALL.iter().map(|status| status.as_str());
    let mut all: Vec<_> = match kind {
        Some(NotificationKind::ConsentStatus) => consent.collect(),
        Some(NotificationKind::FiStatus | NotificationKind::FiData) => session.collect(),
        Some(NotificationKind::Analytics) => analytics.collect(),
        None => consent.chain(session).chain(analytics).collect(),
    };
    all.sort_unstable();
    all.dedup();
    all
}

/// An API fault and the calls that it applies to.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiFaultEntry {
    /// The calls that the fault applies to; default: all.
    pub r#where: Option<ApiCallSelectorSpec>,
    pub fault: ApiFault,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiCallSelectorSpec {
    pub op: Option<Operation>,
    /// Occurrences among the matching calls of a customer, counted from 1: `1..2`.
    pub calls: Option<OccurrenceRange>,
    /// The share of the matching calls, from 0 to 1; sampled from the world's seed.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: Option<f64>,
    /// The time that the fault stays active after the first matching call, in system time.
    pub r#for: Option<Millis>,
    /// The customer's address, such as `98*@mockaa`.
    #[schemars(length(max = 200))]
    pub customer: Option<String>,
    #[schemars(length(max = 200))]
    pub fiu: Option<String>,
}

/// Exactly one expectation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = require_one_key)]
pub(crate) struct ExpectationEntry {
    /// The FIU makes a call.
    pub call: Option<ExpectCall>,
    /// An event happens.
    pub event: Option<ExpectEvent>,
    /// A webhook is sent; each attempt counts.
    pub webhook: Option<ExpectWebhook>,
    /// Consents are in a status.
    pub state: Option<ExpectState>,
    /// A call or an event does not happen.
    pub never: Option<ExpectNever>,
}

/// An expected call. Give `count`, or `at_least` and `at_most`; default: at least one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectCall {
    pub op: Operation,
    /// The status of the response, such as 503 or 5xx.
    pub status: Option<StatusPattern>,
    pub body: Option<BodyConditions>,
    pub header: Option<HeaderConditions>,
    /// Conditions on values of the response.
    pub answer_body: Option<BodyConditions>,
    #[schemars(length(max = 200))]
    pub customer: Option<String>,
    #[schemars(length(max = 200))]
    pub fiu: Option<String>,
    pub count: Option<u64>,
    pub at_least: Option<u64>,
    pub at_most: Option<u64>,
    /// The longest wait, in system time.
    pub within: Option<Millis>,
    pub after_event: Option<EventName>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectEvent {
    pub name: EventName,
    #[schemars(length(max = 200))]
    pub customer: Option<String>,
    pub count: Option<u64>,
    pub at_least: Option<u64>,
    pub at_most: Option<u64>,
    /// The longest wait, in system time.
    pub within: Option<Millis>,
    pub after_event: Option<EventName>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectWebhook {
    pub event: Option<NotificationKind>,
    /// The status in the webhook.
    #[serde(default)]
    #[schemars(schema_with = "status_schema")]
    pub status: Option<String>,
    /// The status of the FIU's response, such as 200 or 4xx.
    pub answered: Option<StatusPattern>,
    /// The fault injected into the webhook.
    pub fault: Option<WebhookFaultName>,
    pub body: Option<BodyConditions>,
    pub header: Option<HeaderConditions>,
    /// Conditions on values of the FIU's response.
    pub answer_body: Option<BodyConditions>,
    #[schemars(length(max = 200))]
    pub customer: Option<String>,
    #[schemars(length(max = 200))]
    pub fiu: Option<String>,
    pub count: Option<u64>,
    pub at_least: Option<u64>,
    pub at_most: Option<u64>,
    /// The longest wait, in system time.
    pub within: Option<Millis>,
    pub after_event: Option<EventName>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectState {
    pub is: Status,
    #[schemars(length(max = 200))]
    pub customer: Option<String>,
    pub count: Option<u64>,
    pub at_least: Option<u64>,
    pub at_most: Option<u64>,
    /// The longest wait, in system time.
    pub within: Option<Millis>,
}

/// A call or an event that must not happen, with `after_event` from that event on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = require_call_or_event)]
pub(crate) struct ExpectNever {
    pub op: Option<Operation>,
    pub event: Option<EventName>,
    /// The status of the response to the call, such as 503 or 5xx.
    pub status: Option<StatusPattern>,
    /// Conditions on the call.
    pub body: Option<BodyConditions>,
    pub header: Option<HeaderConditions>,
    #[schemars(length(max = 200))]
    pub customer: Option<String>,
    #[schemars(length(max = 200))]
    pub fiu: Option<String>,
    pub after_event: Option<EventName>,
}

fn require_call_or_event(schema: &mut Schema) {
    require_one_of(schema, &["op", "event"]);
}

/// The schema of a step: an action that follows no event.
enum StepEntry {}

impl JsonSchema for StepEntry {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "StepEntry".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut step = generator.subschema_for::<ActionEntry>();
        step.insert("not".to_owned(), json!({ "required": ["when"] }));
        step
    }
}

/// The schema of the body of `play`: a step or a list of steps.
pub(crate) enum ScenarioSteps {}

impl JsonSchema for ScenarioSteps {
    fn schema_name() -> Cow<'static, str> {
        "ScenarioSteps".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let step = StepEntry::json_schema(generator);
        json_schema!({ "anyOf": [step, { "type": "array", "items": step }] })
    }
}
