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
use crate::wire::yaml::words::{ConsentEvent, Count, FipAnswer, HttpStatus, Lasting, NAME, Word};

/// A scenario: what drives a consent when no person does, what goes wrong meanwhile, and what is expected of the FIU.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "mockaa scenario, version 1")]
pub struct File {
    /// The version of this format: 1.
    #[schemars(schema_with = "version")]
    pub version: u64,
    /// How it is asked for: lower-case letters, digits and dashes.
    #[schemars(schema_with = "name")]
    pub name: Spanned<String>,
    /// Free text for people.
    pub description: Option<String>,
    /// Which consents it is for, without being asked for by name.
    #[schemars(with = "Option<MatchSpec>")]
    pub r#match: Option<Spanned<MatchSpec>>,
    /// Whose life the accounts tell.
    #[serde(default)]
    #[schemars(schema_with = "name")]
    pub persona: Option<Spanned<String>>,
    /// Who approves; `steps` that approve do without.
    pub consent: Option<Word<ApprovalMode>>,
    /// When FIPs answer a request for data, where no rule says so.
    pub data: Option<DataWhen>,
    /// Whether statements are posted to the FIU.
    pub push_data: Option<bool>,
    /// Oddities of Unaport's Fetch Data.
    #[serde(default)]
    pub fetch_quirks: Vec<Word<FetchQuirk>>,
    /// Once, in order; `after` counts from the step before.
    #[serde(default)]
    #[schemars(with = "Vec<Entry>")]
    pub steps: Vec<Spanned<Entry>>,
    /// Whenever the event happens, as often as it happens.
    #[serde(default)]
    #[schemars(with = "Vec<Entry>")]
    pub rules: Vec<Spanned<Entry>>,
    /// What goes wrong with webhooks.
    #[serde(default)]
    #[schemars(with = "Vec<WebhookEntry>")]
    pub webhooks: Vec<Spanned<WebhookEntry>>,
    /// What goes wrong with answers.
    #[serde(default)]
    #[schemars(with = "Vec<ApiEntry>")]
    pub api_faults: Vec<Spanned<ApiEntry>>,
    /// What is expected of the run.
    #[serde(default)]
    #[schemars(with = "Vec<ExpectEntry>")]
    pub expect: Vec<Spanned<ExpectEntry>>,
}

/// Faults by themselves, as the control API takes them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "mockaa faults, version 1")]
pub struct FaultsFile {
    /// What goes wrong with webhooks.
    #[serde(default)]
    #[schemars(with = "Vec<WebhookEntry>")]
    pub webhooks: Vec<Spanned<WebhookEntry>>,
    /// What goes wrong with answers.
    #[serde(default)]
    #[schemars(with = "Vec<ApiEntry>")]
    pub api_faults: Vec<Spanned<ApiEntry>>,
    /// How long they are in force, in wall time; without it until they are taken away.
    pub ttl: Option<Lasting>,
}

/// Expectations by themselves, as the control API takes them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "mockaa expectations, version 1")]
pub struct ExpectFile {
    /// What is expected.
    #[schemars(with = "Vec<ExpectEntry>")]
    pub expect: Vec<Spanned<ExpectEntry>>,
    /// Only what is about this consent.
    pub consent_handle: Option<String>,
}

fn version(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "integer", "enum": [1], "description": "The version of this format." })
}

fn name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "format": NAME,
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
    pub customer: Option<OneOrMore>,
    pub fiu: Option<OneOrMore>,
    pub aa: Option<OneOrMore>,
    /// It asks for at least one of them.
    #[schemars(length(min = 1))]
    pub fi_types: Option<Vec<Word<FiType>>>,
    /// Codes such as "101".
    pub purpose: Option<OneOrMore>,
    pub fetch_type: Option<Word<FetchType>>,
    /// The API on which it was raised.
    #[serde(default)]
    #[schemars(schema_with = "faces")]
    pub face: Option<String>,
}

/// Faces by name.
pub const FACES: [&str; 4] = ["seed", "rebit-1", "rebit-2", "unaport"];

fn faces(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": FACES })
}

/// A text or a list of texts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum OneOrMore {
    One(String),
    More(#[schemars(length(min = 1))] Vec<String>),
}

/// When FIPs answer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum DataWhen {
    Named(DataWord),
    Polls(Polls),
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum DataWord {
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
#[schemars(transform = one_verb)]
pub struct Entry {
    /// Names it, for people.
    pub id: Option<String>,
    /// Rules only: the event that it answers.
    pub on: Option<ConsentEvent>,
    /// How long it waits, in world time.
    pub after: Option<Lasting>,
    /// The customer approves.
    pub approve: Option<Approve>,
    /// The artefact of a consent that was held at READY comes into force.
    pub activate: Option<Nothing>,
    /// The customer rejects.
    pub reject: Option<Nothing>,
    /// The AA cannot make the consent.
    pub fail: Option<Nothing>,
    pub pause: Option<Nothing>,
    pub resume: Option<Nothing>,
    pub revoke: Option<Revoke>,
    pub expire: Option<Nothing>,
    /// FIPs answer a request for data; where none waits, the AA asks by itself.
    pub deliver: Option<Deliver>,
    /// FIPs refuse.
    pub deny: Option<AtFips>,
    /// FIPs do not answer in time.
    pub time_out: Option<AtFips>,
    /// The customer links accounts.
    pub link: Option<AtFip>,
    /// The customer delinks accounts, which revokes consents that name them.
    pub delink: Option<Delink>,
    /// The customer leaves the AA.
    pub deregister: Option<Nothing>,
    /// The FIU is told something, whether it is so or not.
    pub notify: Option<Notify>,
    /// From now on things take another time for this consent.
    pub set: Option<Set>,
}

/// The verbs of [`Entry`].
pub const VERBS: [&str; 16] = [
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
fn exactly_one(schema: &mut Schema, keys: &[&str]) {
    let choices: Vec<Value> = keys
        .iter()
        .map(|key| serde_json::json!({ "required": [key] }))
        .collect();
    schema.insert("oneOf".to_owned(), choices.into());
}

fn one_verb(schema: &mut Schema) {
    exactly_one(schema, &VERBS);
}

/// Every key of the object, exactly one of which is to be given.
fn one_key(schema: &mut Schema) {
    let keys: Vec<String> = schema
        .get("properties")
        .and_then(Value::as_object)
        .map(|properties| properties.keys().cloned().collect())
        .unwrap_or_default();
    exactly_one(schema, &keys.iter().map(String::as_str).collect::<Vec<_>>());
}

/// Nothing more to say: `{}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Nothing {}

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
    All(AllWord),
    Named(Vec<String>),
    Of(AccountsOf),
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum AllWord {
    All,
}

/// All that is said of them holds.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct AccountsOf {
    #[serde(default)]
    pub fips: Vec<String>,
    #[serde(default)]
    pub fi_types: Vec<Word<FiType>>,
    /// No more than that.
    #[schemars(range(min = 1))]
    pub first: Option<u32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    /// The customer, without it.
    pub by: Option<Word<Party>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deliver {
    /// How accounts answer that are not named below; READY where nobody is named.
    pub default: Option<Told>,
    /// By FIP.
    #[serde(default)]
    pub fips: BTreeMap<String, Told>,
    /// By `linkRefNumber`.
    #[serde(default)]
    pub accounts: BTreeMap<String, Told>,
    /// The FIP that a session of several FIPs names last.
    pub last_fip: Option<Told>,
}

/// An answer, or an answer that takes a while.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum Told {
    AtOnce(FipAnswer),
    Later(ToldLater),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = one_answer)]
pub struct ToldLater {
    pub answer: Option<FipAnswer>,
    /// Another word for `answer`, where it is no good one.
    pub fail: Option<FipAnswer>,
    /// In world time.
    pub after: Option<Lasting>,
}

fn one_answer(schema: &mut Schema) {
    exactly_one(schema, &["answer", "fail"]);
}

/// At these FIPs; at all without it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AtFips {
    #[serde(default)]
    pub fips: Vec<String>,
}

/// At this FIP; at all without it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AtFip {
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
    pub event: Option<Word<NotificationKind>>,
    /// The consent's status, whether it is so or not.
    pub status: Option<Word<Status>>,
    /// The whole body. `{{consentHandle}}`, `{{consentId}}`, `{{customer}}`, `{{fiuId}}`, `{{sessionId}}`,
    /// `{{timestamp}}` and `{{txnid}}` in it are filled in.
    pub body: Option<Value>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct Set {
    /// When FIPs answer.
    pub data: Option<DataWhen>,
    /// How long answers about this consent take, in wall time.
    pub latency: Option<LatencySpec>,
}

/// Where, and what.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookEntry {
    /// Every webhook, without it.
    pub r#where: Option<WebhookWhere>,
    pub fault: WebhookFaultSpec,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookWhere {
    pub event: Option<Word<NotificationKind>>,
    /// The status that it tells.
    #[serde(default)]
    #[schemars(schema_with = "statuses")]
    pub status: Option<String>,
    /// Which of those of a consent, counted from 1: `1`, `2..3`.
    pub nth: Option<Count>,
    /// Which attempts to send it, counted from 1.
    pub attempts: Option<Count>,
}

fn statuses(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": told_statuses(None) })
}

/// The statuses that webhooks of a kind can tell; of any kind, without one.
pub fn told_statuses(kind: Option<NotificationKind>) -> Vec<&'static str> {
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
#[schemars(transform = one_key)]
pub struct WebhookFaultSpec {
    /// The same message several times, one after the other.
    pub duplicate: Option<Duplicate>,
    /// The same news a second time, under another `webhook-id`.
    pub near_duplicate: Option<Spacing>,
    /// After the next webhook of the same consent.
    pub reorder: Option<Within>,
    /// Never sent: only polling finds out.
    pub drop: Option<Nothing>,
    /// So much later, in world time.
    pub late: Option<By>,
    /// The same message many times at once.
    pub burst: Option<Burst>,
    /// Before the response of the call that caused it.
    pub overtake: Option<Nothing>,
    /// As if it had been sent so long ago; signed rightly.
    pub stale_timestamp: Option<By>,
    /// As if it were sent that much later; signed rightly.
    pub future_timestamp: Option<By>,
    /// Signed with somebody else's key.
    pub wrong_key: Option<Nothing>,
    /// Changed after it was signed.
    pub tampered_body: Option<Nothing>,
    pub corrupt_signature: Option<Word<SignatureCorruption>>,
    pub missing_signature: Option<Nothing>,
    /// Signed under a `kid` that nobody has published.
    pub unknown_kid: Option<Nothing>,
    /// The header names this algorithm instead of RS256.
    pub swap_alg: Option<Word<ForgedAlgorithm>>,
    /// `b64: false` without `crit`; signed rightly.
    pub missing_crit: Option<Nothing>,
    /// Signed rightly with the AA's next key, which its JWKS has from then on.
    pub rotated_key: Option<Nothing>,
    /// The same JSON, written otherwise than what was signed.
    pub reserialised: Option<Nothing>,
    /// The second half of the body is missing.
    pub truncated: Option<Nothing>,
    /// With fields that no specification has; signed rightly.
    pub extra_fields: Option<Nothing>,
    /// With a status that no specification has; signed rightly.
    pub unknown_enum: Option<Nothing>,
    /// Without what may be left out; signed rightly.
    pub missing_optional: Option<Nothing>,
    /// In UTF-16, as its `content-type` says; signed rightly.
    pub wrong_charset: Option<Nothing>,
    /// Padded; signed rightly.
    pub huge: Option<Huge>,
    /// The body comes in drops.
    pub slow_drip: Option<Over>,
    /// The connection is reset in the middle of the body.
    pub reset: Option<Nothing>,
    /// Another way of HTTP that every server has to take.
    pub transport: Option<Word<TransportVariant>>,
    /// Counts as a failed attempt, and is not made.
    pub fail: Option<Nothing>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Duplicate {
    /// In all; 2 without it.
    #[schemars(range(min = 2, max = 1000))]
    pub copies: Option<u32>,
    /// Between one and the next; none without it.
    pub spacing: Option<Lasting>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spacing {
    pub spacing: Option<Lasting>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Within {
    /// Where no other comes, it is sent after so long; 10s without it.
    pub within: Option<Lasting>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct By {
    /// 10m for `late`, 16m for timestamps without it.
    pub by: Option<Lasting>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Burst {
    /// In all; 20 without it.
    #[schemars(range(min = 2, max = 1000))]
    pub copies: Option<u32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Huge {
    /// Of the whole body; 5,000,000 without it.
    #[schemars(range(min = 1, max = 100_000_000))]
    pub bytes: Option<u32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Over {
    /// 5s without it.
    pub over: Option<Lasting>,
}

/// Where, and what.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiEntry {
    /// Every call, without it.
    pub r#where: Option<ApiWhere>,
    pub fault: ApiFaultSpec,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiWhere {
    pub op: Option<Word<Operation>>,
    /// Which of those of a customer, counted from 1: `1..2`.
    pub calls: Option<Count>,
    /// Of how many of them it is true; drawn from the world's seed.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: Option<f64>,
    /// For how long from the first of them on, in wall time.
    pub r#for: Option<Lasting>,
    /// Addresses such as `98*@mockaa`.
    pub customer: Option<String>,
    pub fiu: Option<String>,
}

/// Exactly one; `retry_after` and `error_code` go with `status`. Lengths of time are wall time.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = one_api_fault)]
pub struct ApiFaultSpec {
    /// Refused with this status; nothing has happened.
    #[schemars(range(min = 400, max = 599))]
    pub status: Option<u16>,
    /// Told as `Retry-After`.
    pub retry_after: Option<Lasting>,
    /// ReBIT's code for it.
    pub error_code: Option<Word<ErrorCode>>,
    pub latency: Option<LatencySpec>,
    /// The connection is reset in the middle of the answer.
    pub reset: Option<Nothing>,
    /// The connection is closed without an answer.
    pub empty_reply: Option<Nothing>,
    /// The answer ends before its last chunk.
    pub truncated_chunk: Option<Nothing>,
    /// What follows the first chunk is no chunk.
    pub malformed_chunk: Option<Nothing>,
    /// The body comes in drops.
    pub slow_body: Option<Over>,
    pub wrong_signature: Option<Nothing>,
    /// A field is not there, such as `ConsentStatus.status`.
    #[schemars(length(min = 1))]
    pub missing_field: Option<String>,
    /// A field has another value.
    pub set_field: Option<SetField>,
    /// `ver` is another one, such as "2.0.00".
    pub wrong_version: Option<String>,
    pub stale_timestamp: Option<By>,
    pub future_timestamp: Option<By>,
    pub other_txnid: Option<Nothing>,
    /// What is wrong with `signedConsent`.
    pub tampered_consent: Option<Word<Tampering>>,
    /// What was answered to the same call the time before.
    pub stale_answer: Option<Nothing>,
}

/// The faults of [`ApiFaultSpec`].
pub const API_FAULTS: [&str; 16] = [
    "status",
    "latency",
    "reset",
    "empty_reply",
    "truncated_chunk",
    "malformed_chunk",
    "slow_body",
    "wrong_signature",
    "missing_field",
    "set_field",
    "wrong_version",
    "stale_timestamp",
    "future_timestamp",
    "other_txnid",
    "tampered_consent",
    "stale_answer",
];

fn one_api_fault(schema: &mut Schema) {
    exactly_one(schema, &API_FAULTS);
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
    Fixed(Lasting),
    Spread(Spread),
}

/// `min` and `max` (uniform), `mean` and `deviation` (normal), or `p50` and `p99` (lognormal).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    pub min: Option<Lasting>,
    pub max: Option<Lasting>,
    pub mean: Option<Lasting>,
    pub deviation: Option<Lasting>,
    pub p50: Option<Lasting>,
    pub p99: Option<Lasting>,
}

/// Exactly one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = one_key)]
pub struct ExpectEntry {
    /// The FIU calls.
    pub call: Option<ExpectCall>,
    /// Something happens.
    pub event: Option<ExpectEvent>,
    /// A webhook is sent; every attempt counts.
    pub webhook: Option<ExpectWebhook>,
    /// Consents stand so.
    pub state: Option<ExpectState>,
    /// Something does not happen.
    pub never: Option<Never>,
}

/// `count`, or `at_least` and `at_most`; at least one without any of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectCall {
    pub op: Word<Operation>,
    /// What was answered, such as 503 or 5xx.
    pub status: Option<HttpStatus>,
    pub customer: Option<String>,
    pub fiu: Option<String>,
    pub count: Option<u64>,
    pub at_least: Option<u64>,
    pub at_most: Option<u64>,
    /// How long it may take, in wall time.
    pub within: Option<Lasting>,
    pub after_event: Option<Word<EventName>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectEvent {
    pub name: Word<EventName>,
    pub customer: Option<String>,
    pub count: Option<u64>,
    pub at_least: Option<u64>,
    pub at_most: Option<u64>,
    /// How long it may take, in wall time.
    pub within: Option<Lasting>,
    pub after_event: Option<Word<EventName>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectWebhook {
    pub event: Option<Word<NotificationKind>>,
    /// The status that it tells.
    #[serde(default)]
    #[schemars(schema_with = "statuses")]
    pub status: Option<String>,
    /// What the FIU answered, such as 200 or 4xx.
    pub answered: Option<HttpStatus>,
    /// What went wrong with it on purpose.
    pub fault: Option<Word<WebhookFaultName>>,
    pub customer: Option<String>,
    pub fiu: Option<String>,
    pub count: Option<u64>,
    pub at_least: Option<u64>,
    pub at_most: Option<u64>,
    /// How long it may take, in wall time.
    pub within: Option<Lasting>,
    pub after_event: Option<Word<EventName>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectState {
    pub is: Word<Status>,
    pub customer: Option<String>,
    pub count: Option<u64>,
    pub at_least: Option<u64>,
    pub at_most: Option<u64>,
    /// How long it may take, in wall time.
    pub within: Option<Lasting>,
}

/// No such call, or no such event; from an event on, where one is named.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = one_never)]
pub struct Never {
    pub op: Option<Word<Operation>>,
    pub event: Option<Word<EventName>>,
    /// What was answered to the call.
    pub status: Option<HttpStatus>,
    pub customer: Option<String>,
    pub fiu: Option<String>,
    pub after_event: Option<Word<EventName>>,
}

fn one_never(schema: &mut Schema) {
    exactly_one(schema, &["op", "event"]);
}
