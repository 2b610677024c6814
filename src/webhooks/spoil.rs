//! From a message as it should be to what is sent instead: the faults of one attempt (DESIGN §5).
//!
//! A body is edited before it is signed where the FIU should find a right signature over something strange, and after it
//! where the signature should not match. Faults that an FIU has to refuse spoil both signatures, the JWS and the HMAC, so
//! that it does not matter which of them it checks; those that only a JWS can have leave the HMAC out.

use serde_json::{Value, json};

use crate::crypto::jws::{Guise, sign_in_guise};
use crate::crypto::keys::{SigningKey, next_kid};
use crate::crypto::webhook;
use crate::domain::delivery::Message;
use crate::domain::participants::SignatureProfile;
use crate::domain::time::{Millis, Timestamp};
use crate::domain::webhook_fault::{
    ForgedAlgorithm, SignatureCorruption, TransportVariant, WebhookFault,
};
use crate::wire::fields::parse_timestamp;

/// What an attempt is made from.
pub struct Material<'a> {
    pub message: &'a Message,
    /// The AA's key, and one that is nobody's.
    pub key: &'a SigningKey,
    pub spare: &'a SigningKey,
    pub profile: SignatureProfile,
    pub secret: &'a str,
    pub webhook_id: &'a str,
    pub aa_api_key: &'a str,
    /// When the attempt is made.
    pub at: Timestamp,
}

/// What goes over the wire.
#[derive(Debug)]
pub struct Sent {
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub manner: Manner,
}

/// How it goes over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    Plain,
    Drip(Millis),
    Reset,
    Form(TransportVariant),
}

/// Another secret than the FIU's.
const STRANGERS_SECRET: &str = "whsec_bm9ib2R5J3Mgc2VjcmV0LCB0byBzaWduIHdyb25nbHkgd2l0aA==";

/// Makes one attempt. Costs a signature where a fault asks for one: call it on a blocking thread.
pub fn make(material: &Material<'_>, faults: &[WebhookFault]) -> Sent {
    let Material {
        message,
        key,
        spare,
        profile,
        secret,
        webhook_id,
        aa_api_key,
        at,
    } = *material;
    let mut body = message.body.clone();
    let (mut content_type, mut shift) = ("application/json", 0);
    for fault in faults {
        edit(&mut body, fault);
        match fault {
            WebhookFault::WrongCharset => content_type = "application/json; charset=utf-16",
            WebhookFault::StaleTimestamp { by } => shift -= by.0,
            WebhookFault::FutureTimestamp { by } => shift += by.0,
            _ => {}
        }
    }
    let timestamp_s = at
        .saturating_add(Millis(shift))
        .as_millis()
        .div_euclid(1000);
    let next = next_kid(key.kid());
    let stranger = format!("{}-unpublished", key.kid());
    let (mut signer, mut guise) = (
        key,
        Guise {
            alg: "RS256",
            kid: key.kid(),
            crit: true,
        },
    );
    let mut hmac_secret = Some(secret);
    for fault in faults {
        match fault {
            WebhookFault::WrongKey => {
                signer = spare;
                hmac_secret = hmac_secret.map(|_| STRANGERS_SECRET);
            }
            WebhookFault::RotatedKey => {
                signer = spare;
                guise.kid = &next;
            }
            WebhookFault::UnknownKid => {
                guise.kid = &stranger;
                hmac_secret = None;
            }
            WebhookFault::SwapAlg(algorithm) => {
                guise.alg = match algorithm {
                    ForgedAlgorithm::None => "none",
                    ForgedAlgorithm::Hs256 => "HS256",
                };
                hmac_secret = None;
            }
            WebhookFault::MissingCrit => guise.crit = false,
            _ => {}
        }
    }
    let as_made =
        body == message.body && std::ptr::eq(signer, key) && guise.alg == "RS256" && guise.crit;
    let mut jws = if as_made && guise.kid == key.kid() {
        message.signature.clone()
    } else {
        sign_in_guise(signer, &body, profile, guise)
    };
    let mut hmac = hmac_secret.map(|secret| webhook::sign(secret, webhook_id, timestamp_s, &body));
    let mut manner = Manner::Plain;
    for fault in faults {
        match fault {
            WebhookFault::CorruptSignature(corruption) => {
                jws = jws.map(|signature| corrupted(&signature, *corruption));
                hmac = hmac.map(|signature| corrupted(&signature, *corruption));
            }
            WebhookFault::MissingSignature => (jws, hmac) = (None, None),
            WebhookFault::TamperedBody => tamper(&mut body),
            WebhookFault::Reserialised => reserialise(&mut body),
            WebhookFault::Truncated => body.truncate(body.len() / 2),
            WebhookFault::SlowBody { over } => manner = Manner::Drip(*over),
            WebhookFault::Reset => manner = Manner::Reset,
            WebhookFault::Transport(form) => manner = Manner::Form(*form),
            _ => {}
        }
    }
    let headers = [
        ("content-type", Some(content_type.to_owned())),
        ("aa_api_key", Some(aa_api_key.to_owned())),
        ("x-jws-signature", jws),
        ("webhook-id", Some(webhook_id.to_owned())),
        ("webhook-timestamp", Some(timestamp_s.to_string())),
        ("webhook-signature", hmac),
    ];
    let headers = headers
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect();
    Sent {
        headers,
        body,
        manner,
    }
}

/// Edits a body that is signed afterwards.
fn edit(body: &mut Vec<u8>, fault: &WebhookFault) {
    match fault {
        WebhookFault::StaleTimestamp { by } => change(body, |value| shift_timestamp(value, -by.0)),
        WebhookFault::FutureTimestamp { by } => change(body, |value| shift_timestamp(value, by.0)),
        WebhookFault::ExtraFields => change(body, |value| {
            value["xFutureField"] = json!({ "addedIn": "3.0.0", "list": [1, 2, 3] });
            for part in [
                "ConsentStatusNotification",
                "FIStatusNotification",
                "Notifier",
            ] {
                if let Some(part) = value.get_mut(part).and_then(Value::as_object_mut) {
                    part.insert("xFutureField".to_owned(), "added in a later version".into());
                }
            }
        }),
        WebhookFault::UnknownEnum => {
            change(body, |value| set_status(value, "SUSPENDED", "SUSPENDED"));
        }
        WebhookFault::MissingOptional => change(body, |value| {
            let fips = value
                .pointer_mut("/FIStatusNotification/FIStatusResponse")
                .and_then(Value::as_array_mut);
            let accounts = fips
                .into_iter()
                .flatten()
                .filter_map(|fip| fip["Accounts"].as_array_mut());
            for account in accounts.flatten().filter_map(Value::as_object_mut) {
                account.remove("description");
            }
            if let Some(fields) = value.as_object_mut() {
                fields.remove("trackingId");
                fields.remove("consentId");
            }
        }),
        WebhookFault::Huge { bytes } => {
            let missing = usize::try_from(*bytes)
                .unwrap_or(usize::MAX)
                .saturating_sub(body.len());
            change(body, |value| value["xPadding"] = "x".repeat(missing).into());
        }
        WebhookFault::WrongCharset => {
            let text = String::from_utf8_lossy(body).into_owned();
            *body = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        }
        _ => {}
    }
}

/// Another spelling of the body: what is not JSON stays as it is.
fn change(body: &mut Vec<u8>, edit: impl FnOnce(&mut Value)) {
    if let Ok(mut value) = serde_json::from_slice::<Value>(body)
        && value.is_object()
    {
        edit(&mut value);
        *body = value.to_string().into_bytes();
    }
}

fn shift_timestamp(value: &mut Value, by_ms: i64) {
    if let Some(at) = value["timestamp"].as_str().and_then(parse_timestamp) {
        value["timestamp"] = at.saturating_add(Millis(by_ms)).to_string().into();
    }
}

/// Sets the status that the message tells, whichever kind of message it is.
fn set_status(value: &mut Value, consent: &str, other: &str) {
    let places = [
        ("/ConsentStatusNotification/consentStatus", consent),
        ("/FIStatusNotification/sessionStatus", other),
        ("/status", other),
    ];
    for (place, status) in places {
        if let Some(told) = value.pointer_mut(place) {
            *told = status.into();
        }
    }
}

/// Says something else than what was signed: the change that an attacker would make.
fn tamper(body: &mut Vec<u8>) {
    let before = body.clone();
    change(body, |value| {
        let active = value
            .pointer("/ConsentStatusNotification/consentStatus")
            .is_some_and(|told| told == "ACTIVE");
        let failed = value
            .pointer("/FIStatusNotification/sessionStatus")
            .is_some_and(|told| told == "FAILED");
        let session = if failed { "COMPLETED" } else { "FAILED" };
        set_status(value, if active { "REVOKED" } else { "ACTIVE" }, session);
    });
    if *body == before
        && let Some(last) = body.last_mut()
    {
        *last ^= 1;
    }
}

/// The same JSON with spaces and line breaks.
fn reserialise(body: &mut Vec<u8>) {
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        *body = format!("{value:#}").into_bytes();
    }
}

/// A signature of the same form that is another one. The first digit after the last separator stands for six whole bits
/// of the signature.
fn corrupted(signature: &str, corruption: SignatureCorruption) -> String {
    let start = signature.rfind(['.', ',']).map_or(0, |place| place + 1);
    let (head, digits) = signature.split_at(start);
    match corruption {
        SignatureCorruption::Truncate => format!("{head}{}", &digits[..digits.len() / 2]),
        SignatureCorruption::FlipBit => {
            let flipped = if digits.starts_with('A') { 'B' } else { 'A' };
            format!("{head}{flipped}{}", digits.get(1..).unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{corrupted, reserialise, tamper};
    use crate::domain::webhook_fault::SignatureCorruption;

    #[test]
    fn a_tampered_body_says_something_else_whatever_it_is() {
        for body in [
            r#"{"ConsentStatusNotification":{"consentStatus":"ACTIVE"}}"#,
            r#"{"x":1}"#,
            "no json",
        ] {
            let mut changed = body.as_bytes().to_vec();
            tamper(&mut changed);
            assert_ne!(changed, body.as_bytes(), "{body}");
        }
    }

    #[test]
    fn a_reserialised_body_is_the_same_json() {
        let mut body = br#"{"a":{"b":[1,2]}}"#.to_vec();
        reserialise(&mut body);
        assert_ne!(body, br#"{"a":{"b":[1,2]}}"#);
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&body).expect("JSON")["a"]["b"][1],
            2
        );
    }

    #[test]
    fn a_corrupted_signature_keeps_its_form() {
        for signature in ["eyJ..Abc", "v1,Abc=", "eyJ..xyz"] {
            for corruption in SignatureCorruption::ALL {
                let other = corrupted(signature, *corruption);
                assert_ne!(other, signature);
                assert_eq!(
                    other.split(['.', ',']).next(),
                    signature.split(['.', ',']).next()
                );
            }
        }
    }
}
