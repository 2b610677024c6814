//! The facts about a call that its request and its response show. The contract report grades them.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::domain::api_fault::{ApiFault, ContentFault, ReplyFault, Tampering};
use crate::domain::call_facts::{
    AnswerDefect, ApiFamily, MESSAGE_TOLERANCE, RequestDate, RequestFacts,
};
use crate::domain::ids::ConsentId;
use crate::domain::journal_entry::CallRecord;
use crate::domain::operation::Operation;
use crate::domain::text::quote_value;
use crate::domain::time::Timestamp;
use crate::engine::faults::CallFault;
use crate::http::openapi::conformance::matches_component;
use crate::http::route_info::{Protocol, Section};
use crate::wire::fields::parse_timestamp;

impl Section {
    /// Returns the API that the calls of the section belong to.
    pub(crate) fn api_family(self) -> Option<ApiFamily> {
        match self.protocol() {
            Protocol::Seed => Some(ApiFamily::Seed),
            Protocol::Rebit => Some(ApiFamily::Rebit),
            Protocol::Unaport => Some(ApiFamily::Unaport),
            Protocol::Control => None,
        }
    }
}

/// Reads the facts that the text of a request shows.
pub(crate) fn read_request_facts(call: &CallRecord) -> RequestFacts {
    read_facts(call, &call.request_body)
}

/// Reads the facts that a request with this body shows, of which the record may have a part only.
pub(crate) fn read_facts(call: &CallRecord, body: &[u8]) -> RequestFacts {
    let mut facts = RequestFacts::default();
    let Some(api) = call.facts.api else {
        return facts;
    };
    if call.method == "GET" {
        facts.content = reads_data(call.operation).then(|| hash_value(&call.path));
        return facts;
    }
    let Ok(Value::Object(mut body)) = serde_json::from_slice(body) else {
        return facts;
    };
    if api == ApiFamily::Rebit {
        facts.date = Some(read_date(body.get("timestamp"), &call.request_times));
    }
    let txnid = remove_head(&mut body);
    let nested_txnid = body
        .get_mut("ConsentsRequest")
        .and_then(Value::as_object_mut)
        .and_then(remove_head);
    facts.txnid = txnid.or(nested_txnid);
    if call.operation.has_side_effects() || reads_data(call.operation) {
        body.shift_remove("KeyMaterial");
        let mut content = Value::Object(body);
        take_instants(&mut content, &mut facts.instants);
        facts.content = Some(hash_value(&content.to_string()));
    }
    facts
}

/// Returns the consent that the body of a data request names.
pub(crate) fn find_named_consent(body: &[u8]) -> Option<ConsentId> {
    #[derive(Deserialize)]
    struct Request<'a> {
        #[serde(rename = "Consent", borrow)]
        consent: Named<'a>,
    }
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        id: Cow<'a, str>,
    }
    let request: Request<'_> = serde_json::from_slice(body).ok()?;
    ConsentId::parse(&request.consent.id)
}

/// Moves the instants of a request's content to a list.
fn take_instants(value: &mut Value, instants: &mut Vec<Timestamp>) {
    match value {
        Value::String(text) => {
            if let Some(instant) = parse_timestamp(text) {
                instants.push(instant);
                text.clear();
            }
        }
        Value::Array(items) => {
            for item in items {
                take_instants(item, instants);
            }
        }
        Value::Object(members) => {
            for member in members.values_mut() {
                take_instants(member, instants);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn reads_data(operation: Operation) -> bool {
    matches!(operation, Operation::FiFetch)
}

/// Removes the fields that differ between two messages of the same content; returns `txnid`.
fn remove_head(message: &mut Map<String, Value>) -> Option<Box<str>> {
    message.shift_remove("ver");
    message.shift_remove("timestamp");
    let txnid = message.shift_remove("txnid")?;
    Some(txnid.as_str()?.into())
}

fn read_date(field: Option<&Value>, clocks: &[Timestamp]) -> RequestDate {
    let text = match field {
        None | Some(Value::Null) => return RequestDate::Missing,
        Some(Value::String(text)) => text,
        Some(other) => return RequestDate::Unreadable(quote_value(&other.to_string()).into()),
    };
    let Some(at) = parse_timestamp(text) else {
        return RequestDate::Unreadable(quote_value(text).into());
    };
    let offsets = clocks.iter().map(|clock| at.duration_since(*clock));
    let nearest = offsets.min_by_key(|offset| offset.0.abs());
    RequestDate::Offset(nearest.unwrap_or_default())
}

/// Returns a hash of a value, to compare it with others of the same run.
pub(crate) fn hash_value(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// An answer before and after its faults.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnswerParts<'a> {
    /// Component of `/openapi.json` that describes the body.
    pub component: Option<&'static str>,
    pub is_signed: bool,
    pub request: &'a [u8],
    pub original: &'a [u8],
    pub sent: &'a [u8],
}

/// Returns the reasons for which an FIU must not rely on an answer. A fault that an FIU cannot
/// notice, such as a changed value that the schema allows, is none. `clocks` are those that a
/// receiver may compare the answer's `timestamp` with.
pub(crate) fn find_defects(
    answer: AnswerParts<'_>,
    faults: &[CallFault],
    clocks: &[Timestamp],
) -> Vec<AnswerDefect> {
    let parse = |bytes| serde_json::from_slice::<Value>(bytes).unwrap_or_default();
    let (original, sent) = (parse(answer.original), parse(answer.sent));
    let request = parse(answer.request);
    let is_other_transaction = request["txnid"]
        .as_str()
        .is_some_and(|txnid| sent.get("txnid").is_some_and(|echo| echo != txnid));
    let is_misdated = sent["timestamp"]
        .as_str()
        .and_then(parse_timestamp)
        .is_some_and(|at| {
            clocks
                .iter()
                .all(|clock| !at.is_within(MESSAGE_TOLERANCE, *clock))
        });
    let breaks_schema = answer.component.is_some_and(|component| {
        matches_component(component, &original) && !matches_component(component, &sent)
    });
    let has_other_artefact = original.get("signedConsent") != sent.get("signedConsent");
    let mut defects: Vec<_> = faults
        .iter()
        .filter_map(|CallFault { fault, .. }| {
            let (defect, is_noticeable) = match fault {
                ApiFault::Reply(ReplyFault::WrongSignature {}) => {
                    (AnswerDefect::InvalidSignature, answer.is_signed)
                }
                ApiFault::Reply(ReplyFault::StaleResponse {})
                | ApiFault::Content(ContentFault::WrongTxnid {}) => {
                    (AnswerDefect::ForeignTxnid, is_other_transaction)
                }
                ApiFault::Content(
                    ContentFault::StaleTimestamp { .. } | ContentFault::FutureTimestamp { .. },
                ) => (AnswerDefect::Misdated, is_misdated),
                ApiFault::Content(
                    ContentFault::MissingField(_)
                    | ContentFault::SetField { .. }
                    | ContentFault::AlterField { .. }
                    | ContentFault::WrongVersion(_),
                ) => (AnswerDefect::Malformed, breaks_schema),
                ApiFault::Content(ContentFault::TamperedConsent(Tampering::ExtraField)) => {
                    return None;
                }
                ApiFault::Content(ContentFault::TamperedConsent(
                    Tampering::Payload
                    | Tampering::Unsigned
                    | Tampering::WrongKey
                    | Tampering::MissingField,
                )) => (AnswerDefect::TamperedArtefact, has_other_artefact),
                ApiFault::Status(_)
                | ApiFault::Redirect(_)
                | ApiFault::Discovery(_)
                | ApiFault::Linking(_)
                | ApiFault::Reply(ReplyFault::Latency(_))
                | ApiFault::Transport(_) => return None,
            };
            is_noticeable.then_some(defect)
        })
        .collect();
    defects.dedup();
    defects
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::read_request_facts;
    use crate::domain::call_facts::{ApiFamily, CallFacts, RequestDate, RequestFacts};
    use crate::domain::journal_entry::{CallRecord, DeferredFacts, RecordedHeaders};
    use crate::domain::operation::Operation;
    use crate::domain::time::{Millis, Timestamp};

    fn read_facts(body: &serde_json::Value, clocks: &[Timestamp]) -> RequestFacts {
        let body = body.to_string();
        let record = CallRecord {
            operation: Operation::FiRequest,
            method: "POST".to_owned(),
            path: "/FI/request".to_owned(),
            fiu: None,
            handle: None,
            customer: None,
            headers: RecordedHeaders::default(),
            request_body_length: body.len(),
            request_body: body.into(),
            status: 200,
            response_headers: RecordedHeaders::default(),
            response_body: bytes::Bytes::new(),
            response_body_length: 0,
            system_time: Timestamp::from_millis(0),
            duration: Millis::ZERO,
            faults: Vec::new(),
            retry_after: None,
            facts: CallFacts {
                api: Some(ApiFamily::Rebit),
                ..CallFacts::default()
            },
            request_times: clocks.into(),
            request_facts: DeferredFacts::new(read_request_facts),
        };
        record.request_facts().clone()
    }

    #[test]
    fn a_request_is_dated_by_the_nearest_clock() {
        let clocks = [0, 1_000_000].map(Timestamp::from_millis);
        for (timestamp, date) in [
            (
                json!("1970-01-01T00:00:07.000Z"),
                RequestDate::Offset(Millis(7_000)),
            ),
            (
                json!("1970-01-01T00:16:39.000Z"),
                RequestDate::Offset(Millis(-1_000)),
            ),
            (json!("today"), RequestDate::Unreadable("'today'".into())),
            (json!(5), RequestDate::Unreadable("'5'".into())),
            (json!(null), RequestDate::Missing),
        ] {
            let facts = read_facts(&json!({ "timestamp": timestamp }), &clocks);
            assert_eq!(facts.date, Some(date), "{timestamp}");
        }
    }

    #[test]
    fn the_content_leaves_out_what_differs_between_two_messages() {
        let message = |txnid: &str, nonce: &str, id: &str, second: u32| {
            let to = format!("2024-07-04T06:00:{second:02}Z");
            let body = json!({
                "ver": "2.0.0", "timestamp": txnid, "txnid": txnid, "Consent": { "id": id },
                "FIDataRange": { "to": to }, "KeyMaterial": { "Nonce": nonce },
            });
            read_facts(&body, &[])
        };
        let first = message("a", "1", "x", 0);
        assert_eq!(first.txnid.as_deref(), Some("a"));
        let is_same = |other, shift| first.has_same_content(&other, Millis::from_secs(shift));
        assert!(is_same(message("b", "2", "x", 0), 0));
        assert!(!is_same(message("a", "1", "y", 0), 0));
        assert!(is_same(message("b", "2", "x", 10), 9));
        assert!(!is_same(message("b", "2", "x", 10), 8));
    }
}
