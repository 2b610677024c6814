//! The scenario file format as types. serde deserialises them, and the published JSON Schema is
//! generated from them, so the doc comments of fields appear in editors. Rules that involve several
//! values belong to `convert`.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

use crate::domain::account::FiType;
use crate::domain::api_fault::{ApiFault, Latency};
use crate::domain::command::Party;
use crate::domain::consent::Status;
use crate::domain::event::EventName;
use crate::domain::notification::NotificationKind;
use crate::domain::operation::Operation;
use crate::domain::session::{ApprovalMode, SessionStatus};
use crate::domain::terms::FetchType;
use crate::domain::time::Millis;
use crate::domain::unaport::{AnalyticsStatus, FetchQuirk};
use crate::domain::webhook_fault::{WebhookFault, WebhookFaultName};
use crate::files::yaml::scalars::{
    ConsentEventName, FipAnswer, NAME_FORMAT, OccurrenceRange, StatusPattern,
};

/// A scenario: the actions that drive a consent, the faults injected meanwhile, and the
/// expectations that the FIU has to meet.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "mockaa scenario, version 1")]
pub struct ScenarioFile {
    /// The version of this format: 1.
    #[schemars(schema_with = "version_schema")]
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
    pub data: Option<DataTimingSpec>,
    /// Post statements to the FIU.
    pub push_data: Option<bool>,
    /// Quirks of Unaport's Fetch Data responses.
    #[serde(default)]
    pub fetch_quirks: Vec<FetchQuirk>,
    /// Actions executed once, in order; `after` counts from the step before.
    #[serde(default)]
    #[schemars(with = "Vec<ActionEntry>")]
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
    #[schemars(with = "Vec<ExpectationEntry>")]
    pub expect: Vec<Spanned<ExpectationEntry>>,
}

/// A set of faults outside a scenario, for the control API.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "mockaa faults, version 1")]
pub struct FaultsFile {
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
pub struct ExpectationsFile {
    /// The expectations.
    #[schemars(with = "Vec<ExpectationEntry>")]
    pub expect: Vec<Spanned<ExpectationEntry>>,
    /// Count only what concerns this consent.
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
pub struct MatchSpec {
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
pub const API_NAMES: [&str; 4] = ["seed", "rebit-1", "rebit-2", "unaport"];

fn api_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": API_NAMES })
}

/// A text or a list of texts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum OneOrMany {
    One(String),
    Many(#[schemars(length(min = 1))] Vec<String>),
}

/// The data timing of FIPs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum DataTimingSpec {
    Keyword(DataTimingKeyword),
    Polls(Polls),
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum DataTimingKeyword {
    Immediate,
    Timed,
    Manual,
}

/// The number of polls that are answered PENDING before the data is READY.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Polls {
    #[schemars(range(min = 0, max = 1000))]
    pub polls: u32,
}

/// A step or a rule: a time and exactly one action.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = require_one_action)]
pub struct ActionEntry {
    /// A label for the journal.
    pub id: Option<String>,
    /// The event that the action follows; for rules only.
    pub when: Option<ConsentEventName>,
    /// The delay before the action, in world time.
    pub after: Option<Millis>,
    /// The customer approves.
    pub approve: Option<Approve>,
    /// Activates the artefact of a consent that was held at READY.
    pub activate: Option<EmptyMap>,
    /// The customer rejects.
    pub reject: Option<EmptyMap>,
    /// The AA fails to create the consent.
    pub fail: Option<EmptyMap>,
    pub pause: Option<EmptyMap>,
    pub resume: Option<EmptyMap>,
    pub revoke: Option<Revoke>,
    pub expire: Option<EmptyMap>,
    /// FIPs answer a data request. If none is pending, the AA makes one.
    pub deliver: Option<Deliver>,
    /// FIPs answer DENIED.
    pub deny: Option<FipsFilter>,
    /// FIPs answer TIMEOUT.
    pub time_out: Option<FipsFilter>,
    /// The customer links accounts.
    pub link: Option<FipFilter>,
    /// The customer delinks accounts, which revokes the consents with these accounts.
    pub delink: Option<Delink>,
    /// The customer deregisters from the AA.
    pub deregister: Option<EmptyMap>,
    /// Sends the FIU a notification, which may be false.
    pub notify: Option<Notify>,
    /// Changes data timing and latency of this consent from now on.
    pub set: Option<SetSpec>,
}

/// The action keys of [`ActionEntry`].
pub const ACTION_KEYS: [&str; 16] = [
    "approve",
    "activate",
    "reject",
    "fail",
    "pause",
    "resume",
    "revoke",
    "expire",
    "deliver",
    "deny",
    "time_out",
    "link",
    "delink",
    "deregister",
    "notify",
    "set",
];

/// Requires exactly one of the keys, in terms of JSON Schema.
fn require_one_of(schema: &mut Schema, keys: &[&str]) {
    let choices: Vec<Value> = keys
        .iter()
        .map(|key| serde_json::json!({ "required": [key] }))
        .collect();
    schema.insert("oneOf".to_owned(), choices.into());
}

fn require_one_action(schema: &mut Schema) {
    require_one_of(schema, &ACTION_KEYS);
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

/// An action without parameters: `{}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct EmptyMap {}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approve {
    /// Keep the consent READY until `activate`.
    #[serde(default)]
    pub hold: bool,
    /// The approved accounts; default: all of the requested FI types.
    pub accounts: Option<AccountsSpec>,
}

/// `all`, a list of `linkRefNumber`s, or a filter.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum AccountsSpec {
    All(AllKeyword),
    LinkRefs(Vec<String>),
    Filter(AccountFilter),
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum AllKeyword {
    All,
}

/// Conditions on accounts that all have to hold.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct AccountFilter {
    #[serde(default)]
    pub fips: Vec<String>,
    #[serde(default)]
    pub fi_types: Vec<FiType>,
    /// At most this many accounts.
    #[schemars(range(min = 1))]
    pub first: Option<u32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    /// The party that revokes; default: the customer.
    pub by: Option<Party>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deliver {
    /// The answer for accounts that no other key names; default: READY if no other key is given.
    pub default: Option<FipAnswerSpec>,
    /// Answers by FIP id.
    #[serde(default)]
    pub fips: BTreeMap<String, FipAnswerSpec>,
    /// Answers by `linkRefNumber`.
    #[serde(default)]
    pub accounts: BTreeMap<String, FipAnswerSpec>,
    /// The answer of the last FIP, in sessions with several FIPs.
    pub last_fip: Option<FipAnswerSpec>,
}

/// An answer, immediate or delayed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum FipAnswerSpec {
    Immediate(FipAnswer),
    Delayed(DelayedAnswer),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = require_one_answer)]
pub struct DelayedAnswer {
    pub answer: Option<FipAnswer>,
    /// A synonym of `answer`, for DENIED and TIMEOUT.
    pub fail: Option<FipAnswer>,
    /// The delay of the answer, in world time.
    pub after: Option<Millis>,
}

fn require_one_answer(schema: &mut Schema) {
    require_one_of(schema, &["answer", "fail"]);
}

/// The FIPs concerned; default: all.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FipsFilter {
    #[serde(default)]
    pub fips: Vec<String>,
}

/// The FIP concerned; default: all.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FipFilter {
    pub fip: Option<String>,
}

/// One account, or all at a FIP; default: all accounts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("maxProperties" = 1))]
pub struct Delink {
    pub fip: Option<String>,
    /// The `linkRefNumber` of the account.
    pub account: Option<String>,
}

/// A notification with a consent status or a whole body.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// The kind of the notification; default: `consent.status`.
    pub event: Option<NotificationKind>,
    /// The consent status in the notification, which need not be the real one.
    pub status: Option<Status>,
    /// The whole body. The placeholders `{{consentHandle}}`, `{{consentId}}`, `{{customer}}`,
    /// `{{fiuId}}`, `{{sessionId}}`, `{{timestamp}}` and `{{txnid}}` are replaced.
    pub body: Option<Value>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct SetSpec {
    /// The data timing of FIPs.
    pub data: Option<DataTimingSpec>,
    /// The latency of responses about this consent, in system time.
    pub latency: Option<Latency>,
}

/// A webhook fault and the webhooks that it applies to.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookFaultEntry {
    /// The webhooks that the fault applies to; default: all.
    pub r#where: Option<WebhookSelectorSpec>,
    pub fault: WebhookFault,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookSelectorSpec {
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
pub fn notification_statuses(kind: Option<NotificationKind>) -> Vec<&'static str> {
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
pub struct ApiFaultEntry {
    /// The calls that the fault applies to; default: all.
    pub r#where: Option<ApiCallSelectorSpec>,
    pub fault: ApiFault,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiCallSelectorSpec {
    pub op: Option<Operation>,
    /// Occurrences among the matching calls of a customer, counted from 1: `1..2`.
    pub calls: Option<OccurrenceRange>,
    /// The share of the matching calls, from 0 to 1; sampled from the world's seed.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: Option<f64>,
    /// The time that the fault stays active after the first matching call, in system time.
    pub r#for: Option<Millis>,
    /// The customer's address, such as `98*@mockaa`.
    pub customer: Option<String>,
    pub fiu: Option<String>,
}

/// Exactly one expectation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = require_one_key)]
pub struct ExpectationEntry {
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
pub struct ExpectCall {
    pub op: Operation,
    /// The status of the response, such as 503 or 5xx.
    pub status: Option<StatusPattern>,
    pub customer: Option<String>,
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
pub struct ExpectEvent {
    pub name: EventName,
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
pub struct ExpectWebhook {
    pub event: Option<NotificationKind>,
    /// The status in the webhook.
    #[serde(default)]
    #[schemars(schema_with = "status_schema")]
    pub status: Option<String>,
    /// The status of the FIU's response, such as 200 or 4xx.
    pub answered: Option<StatusPattern>,
    /// The fault injected into the webhook.
    pub fault: Option<WebhookFaultName>,
    pub customer: Option<String>,
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
pub struct ExpectState {
    pub is: Status,
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
pub struct ExpectNever {
    pub op: Option<Operation>,
    pub event: Option<EventName>,
    /// The status of the response to the call, such as 503 or 5xx.
    pub status: Option<StatusPattern>,
    pub customer: Option<String>,
    pub fiu: Option<String>,
    pub after_event: Option<EventName>,
}

fn require_call_or_event(schema: &mut Schema) {
    require_one_of(schema, &["op", "event"]);
}
