//! `ErrorResponse` and the one place that says which HTTP status and `errorCode` a problem has
//! (ReBIT AA API 2.0.0; `reference/rebit.md` §2).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::wire::problem::Problem;

/// What a message that could not be read has as `txnid`.
const NIL_TXNID: &str = "00000000-0000-0000-0000-000000000000";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorResponse<'a> {
    ver: &'a str,
    txnid: &'a str,
    timestamp: String,
    error_code: &'static str,
    error_msg: String,
}

impl<'a> ErrorResponse<'a> {
    pub fn new(ver: &'a str, txnid: &'a str, timestamp: Timestamp, problem: &Problem) -> Self {
        let (_, error_code) = code_of(problem);
        Self { ver, txnid, timestamp: timestamp.to_string(), error_code, error_msg: problem.to_string() }
    }
}

/// HTTP status and `errorCode`.
///
/// `Assumption:` ReBIT has no code for a body that is too large, a wrong method or too many worlds: they are
/// InvalidRequest, InvalidURI and ServiceUnavailable here, with the HTTP status that says it best.
pub fn code_of(problem: &Problem) -> (u16, &'static str) {
    match problem {
        Problem::Syntax(_)
        | Problem::Field { .. }
        | Problem::ContentType(_)
        | Problem::BodyLost(_)
        | Problem::NotYours(_) => (400, "InvalidRequest"),
        Problem::TooLarge(_) => (413, "InvalidRequest"),
        Problem::CustomerAddress(_) => (400, "InvalidCustomerAddress"),
        Problem::Version { .. } => (404, "NoSuchVersion"),
        Problem::Unauthorized(_) => (401, "Unauthorized"),
        Problem::Signature(_) => (400, "SignatureDoesNotMatch"),
        Problem::Forbidden(_) => (403, "InvalidRequest"),
        Problem::NoSuchCall { .. } | Problem::WorldName(_) => (404, "InvalidURI"),
        Problem::Method { .. } => (405, "InvalidURI"),
        Problem::TooManyWorlds(_) => (503, "ServiceUnavailable"),
        Problem::Conflict(_) => (409, "InvalidRequest"),
        Problem::Refused(refusal) => match refusal {
            Refusal::UnknownHandle(_) => (400, "InvalidConsentHandle"),
            Refusal::UnknownConsentId(_) => (400, "InvalidConsentId"),
            Refusal::IllegalMove { .. } | Refusal::NotActive { .. } => (400, "InvalidConsentStatus"),
            Refusal::NotStarted { .. } | Refusal::AlreadyExpired { .. } | Refusal::UnknownScenario { .. } => {
                (400, "InvalidRequest")
            }
            Refusal::OutboxFull(_) => (503, "ServiceUnavailable"),
        },
    }
}

/// What can be learnt of a message whose schema was broken: enough to answer it in its own version.
#[derive(Debug, Default)]
pub struct Envelope {
    ver: Option<String>,
    txnid: Option<String>,
}

impl Envelope {
    /// Reads what is there; a body that is no JSON object has nothing.
    pub fn read(body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Loose {
            ver: Option<Value>,
            txnid: Option<Value>,
        }
        let text = |value: Option<Value>| match value {
            Some(Value::String(text)) if text.len() <= 64 => Some(text),
            _ => None,
        };
        match serde_json::from_slice(body) {
            Ok(Loose { ver, txnid }) => Self { ver: text(ver), txnid: text(txnid) },
            Err(_) => Self::default(),
        }
    }

    /// The version to answer in: the request's where it is spoken, else 2.0.0.
    pub fn ver(&self) -> &str {
        self.ver.as_deref().filter(|ver| super::v2::is_spoken(ver)).unwrap_or("2.0.0")
    }

    /// The request's transaction id; `Assumption:` all zeros where it had none, since the field is required.
    pub fn txnid(&self) -> &str {
        self.txnid.as_deref().unwrap_or(NIL_TXNID)
    }
}

#[cfg(test)]
mod tests {
    use super::Envelope;

    #[test]
    fn a_broken_message_still_tells_its_transaction() {
        let envelope = Envelope::read(br#"{"ver":"2.1.0","txnid":"t-1","ConsentDetail":5}"#);
        assert_eq!((envelope.ver(), envelope.txnid()), ("2.1.0", "t-1"));
        for body in ["", "[]", "{", r#"{"ver":7}"#, r#"{"ver":"9.9.9"}"#] {
            let envelope = Envelope::read(body.as_bytes());
            assert_eq!((envelope.ver(), envelope.txnid()), ("2.0.0", "00000000-0000-0000-0000-000000000000"), "{body}");
        }
    }
}
