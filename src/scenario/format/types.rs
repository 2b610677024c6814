//! The file format as types: what serde reads, and what the published JSON Schema is made from.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

use crate::domain::account::FiType;
use crate::domain::api_fault::Tampering;
use crate::domain::command::Party;
use crate::domain::consent::{FetchType, Status};
use crate::domain::event::EventName;
use crate::domain::notification::NotificationKind;
use crate::domain::operation::Operation;
use crate::domain::session::{ApprovalMode, SessionStatus};
use crate::domain::unaport::{AnalyticsStatus, FetchQuirk};
use crate::domain::webhook_fault::{
    ForgedAlgorithm, SignatureCorruption, TransportVariant, WebhookFaultName,
};
use crate::wire::rebit::error::ErrorCode;
use crate::wire::yaml::scalars::{
    ConsentEventName, FipAnswer, HumanDuration, Keyword, NAME_FORMAT, OccurrenceRange,
    StatusPattern,
};

/// A scenario: what drives a consent when no person does, what goes wrong meanwhile, and what is expected of the FIU.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "mockaa scenario, version 1")]
pub struct ScenarioFile {
    /// The version of this format: 1.
    #[schemars(schema_with = "version_schema")]
    pub version: u64,
    /// How it is asked for: lower-case letters, digits and dashes.
    #[schemars(schema_with = "name_schema")]
    pub name: Spanned<String>,
    /// Free text for people.
    pub description: Option<String>,
    /// Which consents it is for, without being asked for by name.
    #[schemars(with = "Option<MatchSpec>")]
    pub r#match: Option<Spanned<MatchSpec>>,
    /// Whose life the accounts tell.
    #[serde(default)]
    #[schemars(schema_with = "name_schema")]
    pub persona: Option<Spanned<String>>,
    /// Who approves; `steps` that approve do without.
    pub consent: Option<Keyword<ApprovalMode>>,
    /// When FIPs answer a request for data, where no rule says so.
    pub data: Option<DataTimingSpec>,
    /// Whether statements are posted to the FIU.
    pub push_data: Option<bool>,
    /// Oddities of Unaport's Fetch Data.
    #[serde(default)]
    pub fetch_quirks: Vec<Keyword<FetchQuirk>>,
    /// Once, in order; `after` counts from the step before.
    #[serde(default)]
    #[schemars(with = "Vec<ActionEntry>")]
    pub steps: Vec<Spanned<ActionEntry>>,
    /// Whenever the event happens, as often as it happens.
    #[serde(default)]
    #[schemars(with = "Vec<ActionEntry>")]
    pub rules: Vec<Spanned<ActionEntry>>,
    /// What goes wrong with webhooks.
    #[serde(default)]
    #[schemars(with = "Vec<WebhookFaultEntry>")]
    pub webhooks: Vec<Spanned<WebhookFaultEntry>>,
    /// What goes wrong with answers.
    #[serde(default)]
    #[schemars(with = "Vec<ApiFaultEntry>")]
    pub api_faults: Vec<Spanned<ApiFaultEntry>>,
    /// What is expected of the run.
    #[serde(default)]
    #[schemars(with = "Vec<ExpectationEntry>")]
    pub expect: Vec<Spanned<ExpectationEntry>>,
}

/// Faults by themselves, as the control API takes them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "mockaa faults, version 1")]
pub struct FaultsFile {
    /// What goes wrong with webhooks.
    #[serde(default)]
    #[schemars(with = "Vec<WebhookFaultEntry>")]
    pub webhooks: Vec<Spanned<WebhookFaultEntry>>,
    /// What goes wrong with answers.
    #[serde(default)]
    #[schemars(with = "Vec<ApiFaultEntry>")]
    pub api_faults: Vec<Spanned<ApiFaultEntry>>,
    /// How long they are in force, in wall time; without it until they are taken away.
    pub ttl: Option<HumanDuration>,
}

/// Expectations by themselves, as the control API takes them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "mockaa expectations, version 1")]
pub struct ExpectationsFile {
    /// What is expected.
    #[schemars(with = "Vec<ExpectationEntry>")]
    pub expect: Vec<Spanned<ExpectationEntry>>,
    /// Only what is about this consent.
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
        "description": "How it is asked for: lower-case letters, digits and dashes.",
    })
}

/// All of this, each of one of the listed kinds; `*` in a name stands for any text.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct MatchSpec {
    /// Addresses such as `9812345678@*`.
    pub customer: Option<OneOrMany>,
    pub fiu: Option<OneOrMany>,
    pub aa: Option<OneOrMany>,
    /// It asks for at least one of them.
    #[schemars(length(min = 1))]
    pub fi_types: Option<Vec<Keyword<FiType>>>,
    /// Codes such as "101".
    pub purpose: Option<OneOrMany>,
    pub fetch_type: Option<Keyword<FetchType>>,
    /// The API on which it was raised.
    #[serde(default)]
    #[schemars(schema_with = "api_schema")]
    pub api: Option<String>,
}

/// Faces by name.
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

/// When FIPs answer.
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

/// When the FIU has come so many times in vain.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Polls {
    #[schemars(range(min = 0, max = 1000))]
    pub polls: u32,
}

/// A step or a rule: when, and exactly one verb.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = require_one_verb)]
pub struct ActionEntry {
    /// Names it, for people.
    pub id: Option<String>,
    /// Rules only: the event that it answers.
    pub when: Option<ConsentEventName>,
    /// How long it waits, in world time.
    pub after: Option<HumanDuration>,
    /// The customer approves.
    pub approve: Option<Approve>,
    /// The artefact of a consent that was held at READY comes into force.
    pub activate: Option<EmptyMap>,
    /// The customer rejects.
    pub reject: Option<EmptyMap>,
    /// The AA cannot make the consent.
    pub fail: Option<EmptyMap>,
    pub pause: Option<EmptyMap>,
    pub resume: Option<EmptyMap>,
    pub revoke: Option<Revoke>,
    pub expire: Option<EmptyMap>,
    /// FIPs answer a request for data; where none waits, the AA asks by itself.
    pub deliver: Option<Deliver>,
    /// FIPs refuse.
    pub deny: Option<FipsFilter>,
    /// FIPs do not answer in time.
    pub time_out: Option<FipsFilter>,
    /// The customer links accounts.
    pub link: Option<FipFilter>,
    /// The customer delinks accounts, which revokes consents that name them.
    pub delink: Option<Delink>,
    /// The customer leaves the AA.
    pub deregister: Option<EmptyMap>,
    /// The FIU is told something, whether it is so or not.
    pub notify: Option<Notify>,
    /// From now on things take another time for this consent.
    pub set: Option<SetSpec>,
}

/// The verbs of [`Entry`].
pub const VERB_KEYS: [&str; 16] = [
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

/// Exactly one of these keys: said as JSON Schema says it.
fn require_one_of(schema: &mut Schema, keys: &[&str]) {
    let choices: Vec<Value> = keys
        .iter()
        .map(|key| serde_json::json!({ "required": [key] }))
        .collect();
    schema.insert("oneOf".to_owned(), choices.into());
}

fn require_one_verb(schema: &mut Schema) {
    require_one_of(schema, &VERB_KEYS);
}

/// Every key of the object, exactly one of which is to be given.
fn require_one_key(schema: &mut Schema) {
    let keys: Vec<String> = schema
        .get("properties")
        .and_then(Value::as_object)
        .map(|properties| properties.keys().cloned().collect())
        .unwrap_or_default();
    require_one_of(schema, &keys.iter().map(String::as_str).collect::<Vec<_>>());
}

/// Nothing more to say: `{}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct EmptyMap {}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approve {
    /// Stay READY until `activate`.
    #[serde(default)]
    pub hold: bool,
    /// Which accounts; all of the kinds that were asked for without it.
    pub accounts: Option<AccountsSpec>,
}

/// `all`, a list of `linkRefNumber`s, or what they have in common.
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

/// All that is said of them holds.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct AccountFilter {
    #[serde(default)]
    pub fips: Vec<String>,
    #[serde(default)]
    pub fi_types: Vec<Keyword<FiType>>,
    /// No more than that.
    #[schemars(range(min = 1))]
    pub first: Option<u32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    /// The customer, without it.
    pub by: Option<Keyword<Party>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deliver {
    /// How accounts answer that are not named below; READY where nobody is named.
    pub default: Option<FipAnswerSpec>,
    /// By FIP.
    #[serde(default)]
    pub fips: BTreeMap<String, FipAnswerSpec>,
    /// By `linkRefNumber`.
    #[serde(default)]
    pub accounts: BTreeMap<String, FipAnswerSpec>,
    /// The FIP that a session of several FIPs names last.
    pub last_fip: Option<FipAnswerSpec>,
}

/// An answer, or an answer that takes a while.
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
    /// Another word for `answer`, where it is no good one.
    pub fail: Option<FipAnswer>,
    /// In world time.
    pub after: Option<HumanDuration>,
}

fn require_one_answer(schema: &mut Schema) {
    require_one_of(schema, &["answer", "fail"]);
}

/// At these FIPs; at all without it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FipsFilter {
    #[serde(default)]
    pub fips: Vec<String>,
}

/// At this FIP; at all without it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FipFilter {
    pub fip: Option<String>,
}

/// One account, or all at a FIP; all without either.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("maxProperties" = 1))]
pub struct Delink {
    pub fip: Option<String>,
    /// Its `linkRefNumber`.
    pub account: Option<String>,
}

/// A status, or a body of one's own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// What it is sent as; `consent.status` without it.
    pub event: Option<Keyword<NotificationKind>>,
    /// The consent's status, whether it is so or not.
    pub status: Option<Keyword<Status>>,
    /// The whole body. `{{consentHandle}}`, `{{consentId}}`, `{{customer}}`, `{{fiuId}}`, `{{sessionId}}`,
    /// `{{timestamp}}` and `{{txnid}}` in it are filled in.
    pub body: Option<Value>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct SetSpec {
    /// When FIPs answer.
    pub data: Option<DataTimingSpec>,
    /// How long answers about this consent take, in wall time.
    pub latency: Option<LatencySpec>,
}

/// Where, and what.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookFaultEntry {
    /// Every webhook, without it.
    pub r#where: Option<WebhookSelectorSpec>,
    pub fault: WebhookFaultSpec,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookSelectorSpec {
    pub event: Option<Keyword<NotificationKind>>,
    /// The status that it tells.
    #[serde(default)]
    #[schemars(schema_with = "status_schema")]
    pub status: Option<String>,
    /// Which of those of a consent, counted from 1: `1`, `2..3`.
    pub nth: Option<OccurrenceRange>,
    /// Which attempts to send it, counted from 1.
    pub attempts: Option<OccurrenceRange>,
}

fn status_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": notification_statuses(None) })
}

/// The statuses that webhooks of a kind can tell; of any kind, without one.
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

/// Exactly one. Lengths of time are wall time, but those of `late` and `reorder`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = require_one_key)]
pub struct WebhookFaultSpec {
    /// The same message several times, one after the other.
    pub duplicate: Option<DuplicateSpec>,
    /// The same news a second time, under another `webhook-id`.
    pub near_duplicate: Option<NearDuplicateSpec>,
    /// After the next webhook of the same consent.
    pub reorder: Option<ReorderSpec>,
    /// Never sent: only polling finds out.
    pub drop: Option<EmptyMap>,
    /// So much later, in world time.
    pub late: Option<OffsetSpec>,
    /// The same message many times at once.
    pub burst: Option<BurstSpec>,
    /// Before the response of the call that caused it.
    pub before_response: Option<EmptyMap>,
    /// As if it had been sent so long ago; signed rightly.
    pub stale_timestamp: Option<OffsetSpec>,
    /// As if it were sent that much later; signed rightly.
    pub future_timestamp: Option<OffsetSpec>,
    /// Signed with somebody else's key.
    pub wrong_key: Option<EmptyMap>,
    /// Changed after it was signed.
    pub tampered_body: Option<EmptyMap>,
    pub corrupt_signature: Option<Keyword<SignatureCorruption>>,
    pub missing_signature: Option<EmptyMap>,
    /// Signed under a `kid` that nobody has published.
    pub unknown_kid: Option<EmptyMap>,
    /// The header names this algorithm instead of RS256.
    pub swap_alg: Option<Keyword<ForgedAlgorithm>>,
    /// `b64: false` without `crit`; signed rightly.
    pub missing_crit: Option<EmptyMap>,
    /// Signed rightly with the AA's next key, which its JWKS has from then on.
    pub rotated_key: Option<EmptyMap>,
    /// The same JSON, written otherwise than what was signed.
    pub reserialised: Option<EmptyMap>,
    /// The second half of the body is missing.
    pub truncated: Option<EmptyMap>,
    /// With fields that no specification has; signed rightly.
    pub extra_fields: Option<EmptyMap>,
    /// With a status that no specification has; signed rightly.
    pub unknown_enum: Option<EmptyMap>,
    /// Without what may be left out; signed rightly.
    pub missing_optional: Option<EmptyMap>,
    /// In UTF-16, as its `content-type` says; signed rightly.
    pub wrong_charset: Option<EmptyMap>,
    /// Padded; signed rightly.
    pub huge: Option<HugeSpec>,
    /// The body comes in drops.
    pub slow_body: Option<ThrottleSpec>,
    /// The connection is reset in the middle of the body.
    pub reset: Option<EmptyMap>,
    /// Another way of HTTP that every server has to take.
    pub transport: Option<Keyword<TransportVariant>>,
    /// Counts as a failed attempt, and is not made.
    pub fail: Option<EmptyMap>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DuplicateSpec {
    /// In all; 2 without it.
    #[schemars(range(min = 2, max = 1000))]
    pub copies: Option<u32>,
    /// Between one and the next; none without it.
    pub spacing: Option<HumanDuration>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NearDuplicateSpec {
    pub spacing: Option<HumanDuration>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReorderSpec {
    /// Where no other comes, it is sent after so long; 10s without it.
    pub within: Option<HumanDuration>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OffsetSpec {
    /// 10m for `late`, 16m for timestamps without it.
    pub by: Option<HumanDuration>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BurstSpec {
    /// In all; 20 without it.
    #[schemars(range(min = 2, max = 1000))]
    pub copies: Option<u32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HugeSpec {
    /// Of the whole body; 5,000,000 without it.
    #[schemars(range(min = 1, max = 100_000_000))]
    pub bytes: Option<u32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThrottleSpec {
    /// 5s without it.
    pub over: Option<HumanDuration>,
}

/// Where, and what.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiFaultEntry {
    /// Every call, without it.
    pub r#where: Option<ApiCallSelectorSpec>,
    pub fault: ApiFaultSpec,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiCallSelectorSpec {
    pub op: Option<Keyword<Operation>>,
    /// Which of those of a customer, counted from 1: `1..2`.
    pub calls: Option<OccurrenceRange>,
    /// Of how many of them it is true; drawn from the world's seed.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: Option<f64>,
    /// For how long from the first of them on, in wall time.
    pub r#for: Option<HumanDuration>,
    /// Addresses such as `98*@mockaa`.
    pub customer: Option<String>,
    pub fiu: Option<String>,
}

/// Exactly one; `retry_after` and `error_code` go with `status`. Lengths of time are wall time.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = require_one_fault)]
pub struct ApiFaultSpec {
    /// Refused with this status; nothing has happened.
    #[schemars(range(min = 400, max = 599))]
    pub status: Option<u16>,
    /// Told as `Retry-After`.
    pub retry_after: Option<HumanDuration>,
    /// ReBIT's code for it.
    pub error_code: Option<Keyword<ErrorCode>>,
    pub latency: Option<LatencySpec>,
    /// The connection is reset in the middle of the answer.
    pub reset: Option<EmptyMap>,
    /// The connection is closed without an answer.
    pub empty_response: Option<EmptyMap>,
    /// The answer ends before its last chunk.
    pub truncated_chunk: Option<EmptyMap>,
    /// What follows the first chunk is no chunk.
    pub malformed_chunk: Option<EmptyMap>,
    /// The body comes in drops.
    pub slow_body: Option<ThrottleSpec>,
    pub wrong_signature: Option<EmptyMap>,
    /// A field is not there, such as `ConsentStatus.status`.
    #[schemars(length(min = 1))]
    pub missing_field: Option<String>,
    /// A field has another value.
    pub set_field: Option<SetField>,
    /// `ver` is another one, such as "2.0.00".
    pub wrong_version: Option<String>,
    pub stale_timestamp: Option<OffsetSpec>,
    pub future_timestamp: Option<OffsetSpec>,
    pub wrong_txnid: Option<EmptyMap>,
    /// What is wrong with `signedConsent`.
    pub tampered_consent: Option<Keyword<Tampering>>,
    /// What was answered to the same call the time before.
    pub stale_response: Option<EmptyMap>,
}

/// The faults of [`ApiFaultSpec`].
pub const API_FAULT_KEYS: [&str; 16] = [
    "status",
    "latency",
    "reset",
    "empty_response",
    "truncated_chunk",
    "malformed_chunk",
    "slow_body",
    "wrong_signature",
    "missing_field",
    "set_field",
    "wrong_version",
    "stale_timestamp",
    "future_timestamp",
    "wrong_txnid",
    "tampered_consent",
    "stale_response",
];

fn require_one_fault(schema: &mut Schema) {
    require_one_of(schema, &API_FAULT_KEYS);
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetField {
    /// A dotted path, such as `ConsentUse.count`.
    #[schemars(length(min = 1))]
    pub field: String,
    pub value: Value,
}

/// A length of time, or how it is spread.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum LatencySpec {
    Fixed(HumanDuration),
    Distribution(LatencyDistribution),
}

/// `min` and `max` (uniform), `mean` and `deviation` (normal), or `p50` and `p99` (lognormal).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LatencyDistribution {
    pub min: Option<HumanDuration>,
    pub max: Option<HumanDuration>,
    pub mean: Option<HumanDuration>,
    pub deviation: Option<HumanDuration>,
    pub p50: Option<HumanDuration>,
    pub p99: Option<HumanDuration>,
}

/// Exactly one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = require_one_key)]
pub struct ExpectationEntry {
    /// The FIU calls.
    pub call: Option<ExpectCall>,
    /// Something happens.
    pub event: Option<ExpectEvent>,
    /// A webhook is sent; every attempt counts.
    pub webhook: Option<ExpectWebhook>,
    /// Consents stand so.
    pub state: Option<ExpectState>,
    /// Something does not happen.
    pub never: Option<ExpectNever>,
}

/// `count`, or `at_least` and `at_most`; at least one without any of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectCall {
    pub op: Keyword<Operation>,
    /// What was answered, such as 503 or 5xx.
    pub status: Option<StatusPattern>,
    pub customer: Option<String>,
    pub fiu: Option<String>,
    pub count: Option<u64>,
    pub at_least: Option<u64>,
    pub at_most: Option<u64>,
    /// How long it may take, in wall time.
    pub within: Option<HumanDuration>,
    pub after_event: Option<Keyword<EventName>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectEvent {
    pub name: Keyword<EventName>,
    pub customer: Option<String>,
    pub count: Option<u64>,
    pub at_least: Option<u64>,
    pub at_most: Option<u64>,
    /// How long it may take, in wall time.
    pub within: Option<HumanDuration>,
    pub after_event: Option<Keyword<EventName>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectWebhook {
    pub event: Option<Keyword<NotificationKind>>,
    /// The status that it tells.
    #[serde(default)]
    #[schemars(schema_with = "status_schema")]
    pub status: Option<String>,
    /// What the FIU answered, such as 200 or 4xx.
    pub answered: Option<StatusPattern>,
    /// What went wrong with it on purpose.
    pub fault: Option<Keyword<WebhookFaultName>>,
    pub customer: Option<String>,
    pub fiu: Option<String>,
    pub count: Option<u64>,
    pub at_least: Option<u64>,
    pub at_most: Option<u64>,
    /// How long it may take, in wall time.
    pub within: Option<HumanDuration>,
    pub after_event: Option<Keyword<EventName>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectState {
    pub is: Keyword<Status>,
    pub customer: Option<String>,
    pub count: Option<u64>,
    pub at_least: Option<u64>,
    pub at_most: Option<u64>,
    /// How long it may take, in wall time.
    pub within: Option<HumanDuration>,
}

/// No such call, or no such event; from an event on, where one is named.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = require_call_or_event)]
pub struct ExpectNever {
    pub op: Option<Keyword<Operation>>,
    pub event: Option<Keyword<EventName>>,
    /// What was answered to the call.
    pub status: Option<StatusPattern>,
    pub customer: Option<String>,
    pub fiu: Option<String>,
    pub after_event: Option<Keyword<EventName>>,
}

fn require_call_or_event(schema: &mut Schema) {
    require_one_of(schema, &["op", "event"]);
}
