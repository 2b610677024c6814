//! Faults injected into one webhook attempt: the correct message goes in, the request to send comes
//! out (`docs/architecture.md#scenarios-and-faults`).
//!
//! Content faults edit the body before it is signed, so that the signature is valid. Tampering
//! edits it afterwards, so that the signature does not match. Faults that an FIU must reject affect
//! both signatures, JWS and HMAC, so that it does not matter which of them the FIU checks. Faults
//! that only a JWS can have omit the HMAC.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::crypto::jws::{JwsHeader, sign_detached_with};
use crate::crypto::keys::{SigningKey, next_kid};
use crate::crypto::webhook;
use crate::domain::delivery::Message;
use crate::domain::json_path::{alter_at_path, remove_at_path, set_at_path};
use crate::domain::json_text::{JsonNode, JsonStyle, KeyOrder, Layout, edit_json_text};
use crate::domain::participants::SignatureProfile;
use crate::domain::time::{Millis, Timestamp};
use crate::domain::webhook_fault::{
    BodyFault, CredentialFault, ForgedAlgorithm, KeyAlteration, SendingFault, SignatureCorruption,
    SigningFault, TamperingFault, TokenPart, TransportVariant, WebhookFault,
};
use crate::wire::fields::parse_timestamp;

/// Message, keys and context of an attempt.
pub(crate) struct AttemptInput<'a> {
    pub message: &'a Message,
    /// Key of the AA.
    pub key: &'a SigningKey,
    /// Key that no participant publishes.
    pub spare_key: &'a SigningKey,
    /// Returns the key of another AA.
    pub foreign_key: &'a dyn Fn() -> &'a SigningKey,
    pub profile: SignatureProfile,
    pub secret: &'a str,
    pub webhook_id: &'a str,
    pub aa_api_key: &'a str,
    /// Returns the API key of another AA.
    pub foreign_api_key: &'a dyn Fn() -> Arc<str>,
    /// Signing time of the attempt.
    pub at: Timestamp,
    /// Headers of the FIU's own.
    pub own_headers: &'a [(Box<str>, Box<str>)],
}

/// HTTP request of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutgoingRequest {
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub mode: SendMode,
    /// `false` if the attempt fails without being made.
    pub is_sent: bool,
}

/// A body that is not signed yet.
struct Draft {
    body: Vec<u8>,
    content_type: &'static str,
    /// Shift of the message's timestamp.
    shift_ms: i64,
}

/// Way in which a request is transmitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SendMode {
    Plain,
    Throttled(Millis),
    Reset,
    Transport(TransportVariant),
}

/// HMAC secret that is not the FIU's.
const WRONG_SECRET: &str = "whsec_bm9ib2R5J3Mgc2VjcmV0LCB0byBzaWduIHdyb25nbHkgd2l0aA==";

/// HMAC secret that replaces the FIU's, which the FIU does not know yet.
const NEXT_SECRET: &str = "whsec_dGhlIG5leHQgc2VjcmV0LCBub3QgeWV0IHNoYXJlZCB3aXRoIGFuIEZJVQ==";

/// Returns for each fault of an attempt whether it shows in its request: whether the request would be
/// another one without it. A fault that another one hides does not, and neither does one that finds
/// nothing to change. Equal faults show together.
pub(crate) fn find_effective_faults(
    input: &AttemptInput<'_>,
    faults: &[WebhookFault],
    outgoing: &OutgoingRequest,
) -> Vec<bool> {
    let shows = |fault: &WebhookFault| {
        let others: Vec<_> = faults
            .iter()
            .filter(|other| *other != fault)
            .cloned()
            .collect();
        let without = build_attempt(input, &others);
        without.is_sent != outgoing.is_sent || (outgoing.is_sent && without != *outgoing)
    };
    faults.iter().map(shows).collect()
}

/// Builds the request of an attempt. Some faults need a new RSA signature: call it on a blocking
/// thread.
pub(crate) fn build_attempt(input: &AttemptInput<'_>, faults: &[WebhookFault]) -> OutgoingRequest {
    let AttemptInput {
        message,
        key,
        spare_key,
        foreign_key,
        profile,
        secret,
        webhook_id,
        aa_api_key,
        foreign_api_key,
        at,
        own_headers,
    } = *input;
    let mut draft = Draft {
        body: message.body.clone(),
        content_type: "application/json",
        shift_ms: 0,
    };
    for fault in faults {
        if let WebhookFault::Body(fault) = fault {
            apply_body_fault(&mut draft, fault);
        }
    }
    let Draft {
        mut body,
        content_type,
        shift_ms,
    } = draft;
    let timestamp_s = at
        .saturating_add(Millis(shift_ms))
        .as_millis()
        .div_euclid(1000);
    let rotated_kid = next_kid(key.kid());
    let unpublished_kid = format!("{}-unpublished", key.kid());
    let (mut signing_key, mut header) = (
        key,
        JwsHeader {
            alg: "RS256",
            kid: key.kid(),
            crit: true,
        },
    );
    let (mut hmac_secret, mut is_secret_rotated) = (Some(secret), false);
    for fault in faults {
        if let WebhookFault::Credential(CredentialFault::ForeignAa {}) = fault {
            signing_key = foreign_key();
            header.kid = signing_key.kid();
            hmac_secret = None;
        }
        let WebhookFault::Signing(fault) = fault else {
            continue;
        };
        match fault {
            SigningFault::WrongKey {} => {
                signing_key = spare_key;
                hmac_secret = hmac_secret.map(|_| WRONG_SECRET);
            }
            SigningFault::RotatedKey {} => {
                signing_key = spare_key;
                header.kid = &rotated_kid;
            }
            SigningFault::UnknownKid {} => {
                header.kid = &unpublished_kid;
                hmac_secret = None;
            }
            SigningFault::SwapAlg(algorithm) => {
                header.alg = match algorithm {
                    ForgedAlgorithm::None => "none",
                    ForgedAlgorithm::Hs256 => "HS256",
                };
                hmac_secret = None;
            }
            SigningFault::MissingCrit {} => header.crit = false,
            SigningFault::RotatedSecret {} => is_secret_rotated = true,
        }
    }
    let is_unmodified = body == message.body
        && std::ptr::eq(signing_key, key)
        && header.alg == "RS256"
        && header.crit;
    let mut jws = if is_unmodified && header.kid == key.kid() {
        message.signature.clone()
    } else {
        sign_detached_with(signing_key, &body, profile, header)
    };
    let mut hmac = hmac_secret.map(|secret| {
        let sign = |secret| webhook::sign_payload(secret, webhook_id, timestamp_s, &body);
        if is_secret_rotated {
            format!("{} {}", sign(NEXT_SECRET), sign(secret))
        } else {
            sign(secret)
        }
    });
    for fault in faults {
        let WebhookFault::Tampering(fault) = fault else {
            continue;
        };
        match fault {
            TamperingFault::CorruptSignature(corruption) => {
                jws = jws.map(|signature| corrupt_signature(&signature, *corruption));
                hmac = hmac.map(|signature| corrupt_signature(&signature, *corruption));
            }
            TamperingFault::MissingSignature {} => (jws, hmac) = (None, None),
            TamperingFault::TamperedBody {} => tamper_body(&mut body),
            TamperingFault::Reserialised {} => reformat_json(&mut body),
            TamperingFault::Truncated {} => body.truncate(body.len() / 2),
        }
    }
    let mut api_key = Some(aa_api_key.to_owned());
    for fault in faults {
        let WebhookFault::Credential(fault) = fault else {
            continue;
        };
        match fault {
            CredentialFault::MissingApiKey {} => api_key = None,
            CredentialFault::ForeignApiKey {} | CredentialFault::ForeignAa {} => {
                api_key = Some(foreign_api_key().to_string());
            }
            CredentialFault::AlteredApiKey { part, change } => {
                api_key = api_key.map(|key| alter_api_key(&key, *part, *change));
            }
        }
    }
    let (mut mode, mut is_sent) = (SendMode::Plain, true);
    for fault in faults {
        let WebhookFault::Sending(fault) = fault else {
            continue;
        };
        match fault {
            SendingFault::SlowBody { over } => mode = SendMode::Throttled(*over),
            SendingFault::Reset {} => mode = SendMode::Reset,
            SendingFault::Transport(variant) => mode = SendMode::Transport(*variant),
            SendingFault::Fail {} => is_sent = false,
        }
    }
    let headers = [
        ("content-type", Some(content_type.to_owned())),
        ("aa_api_key", api_key),
        ("x-jws-signature", jws),
        ("webhook-id", Some(webhook_id.to_owned())),
        ("webhook-timestamp", Some(timestamp_s.to_string())),
        ("webhook-signature", hmac),
    ];
    let headers = headers
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .chain(
            own_headers
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_string())),
        )
        .collect();
    OutgoingRequest {
        headers,
        body,
        mode,
        is_sent,
    }
}

/// Edits a body that is signed afterwards.
fn apply_body_fault(draft: &mut Draft, fault: &BodyFault) {
    let body = &mut draft.body;
    match fault {
        BodyFault::StaleTimestamp { by } => {
            edit_json(body, |value| shift_timestamp(value, -by.0));
            draft.shift_ms -= by.0;
        }
        BodyFault::FutureTimestamp { by } => {
            edit_json(body, |value| shift_timestamp(value, by.0));
            draft.shift_ms += by.0;
        }
        BodyFault::ExtraFields {} => edit_json(body, |value| {
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
        BodyFault::UnknownEnum {} => {
            edit_json(body, |value| {
                overwrite_status(value, "SUSPENDED", "SUSPENDED");
            });
        }
        BodyFault::MissingField(path) => edit_json(body, |value| remove_at_path(value, path)),
        BodyFault::SetField { field, value: new } => {
            edit_json(body, |value| set_at_path(value, field, new.clone()));
        }
        BodyFault::AlterField { field, change } => {
            edit_json(body, |value| alter_at_path(value, field, *change));
        }
        BodyFault::MissingOptional {} => edit_json(body, |value| {
            let fips = value
                .pointer_mut("/FIStatusNotification/FIStatusResponse")
                .and_then(Value::as_array_mut);
            let accounts = fips
                .into_iter()
                .flatten()
                .filter_map(|fip| fip["Accounts"].as_array_mut());
            for account in accounts.flatten().filter_map(Value::as_object_mut) {
                account.shift_remove("description");
            }
            if let Some(fields) = value.as_object_mut() {
                fields.shift_remove("trackingId");
                fields.shift_remove("consentId");
            }
        }),
        BodyFault::Huge { bytes } => {
            let padding_bytes = usize::try_from(*bytes)
                .unwrap_or(usize::MAX)
                .saturating_sub(body.len());
            edit_json(body, |value| {
                value["xPadding"] = "x".repeat(padding_bytes).into();
            });
        }
        BodyFault::WrongCharset {} => {
            let text = String::from_utf8_lossy(body).into_owned();
            *body = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            draft.content_type = "application/json; charset=utf-16";
        }
    }
}

/// Edits a body that is a JSON object; other bodies stay unchanged, and so do all bytes that the edit
/// does not concern.
fn edit_json(body: &mut Vec<u8>, edit: impl FnOnce(&mut Value)) {
    let text = std::str::from_utf8(body).ok();
    if let Some(text) = text.filter(|text| text.trim_start().starts_with('{'))
        && let Some(edited) = edit_json_text(text, edit)
    {
        *body = edited.into_bytes();
    }
}

fn shift_timestamp(value: &mut Value, by_ms: i64) {
    if let Some(at) = value["timestamp"].as_str().and_then(parse_timestamp) {
        value["timestamp"] = at.saturating_add(Millis(by_ms)).to_string().into();
    }
}

/// Sets the status field of a notification of any kind.
fn overwrite_status(value: &mut Value, consent: &str, session: &str) {
    let status_pointers = [
        ("/ConsentStatusNotification/consentStatus", consent),
        ("/FIStatusNotification/sessionStatus", session),
        ("/status", session),
    ];
    for (pointer, status) in status_pointers {
        if let Some(field) = value.pointer_mut(pointer) {
            *field = status.into();
        }
    }
}

/// Changes the status in a signed body, as an attacker would; if there is none, changes one bit.
fn tamper_body(body: &mut Vec<u8>) {
    let before = body.clone();
    edit_json(body, |value| {
        let is_active = value
            .pointer("/ConsentStatusNotification/consentStatus")
            .is_some_and(|status| status == "ACTIVE");
        let is_failed = value
            .pointer("/FIStatusNotification/sessionStatus")
            .is_some_and(|status| status == "FAILED");
        let session_status = if is_failed { "COMPLETED" } else { "FAILED" };
        overwrite_status(
            value,
            if is_active { "REVOKED" } else { "ACTIVE" },
            session_status,
        );
    });
    if *body == before
        && let Some(last) = body.last_mut()
    {
        *last ^= 1;
    }
}

/// Reformats JSON with spaces and line breaks.
fn reformat_json(body: &mut Vec<u8>) {
    let text = String::from_utf8_lossy(body).into_owned();
    if let Some(node) = JsonNode::parse(&text) {
        let style = JsonStyle::new(Layout::Indented("  "), KeyOrder::Received);
        *body = node.print(&style).into_bytes();
    }
}

/// Returns an API key of which one part is altered, at its end or as a whole. A key that is no token
/// is one part.
fn alter_api_key(api_key: &str, part: TokenPart, change: KeyAlteration) -> String {
    let index = match part {
        TokenPart::Whole => return alter_key_part(api_key, change),
        TokenPart::Header => 0,
        TokenPart::Payload => 1,
        TokenPart::Signature => 2,
    };
    let mut parts: Vec<_> = api_key.split('.').map(str::to_owned).collect();
    let last = parts.len() - 1;
    let part = &mut parts[index.min(last)];
    *part = alter_key_part(part, change);
    parts.join(".")
}

fn alter_key_part(part: &str, change: KeyAlteration) -> String {
    match change {
        KeyAlteration::Longer => format!("{part}A"),
        KeyAlteration::Shorter => {
            let mut chars = part.chars();
            chars.next_back();
            chars.collect()
        }
        KeyAlteration::Empty => String::new(),
        KeyAlteration::Zero => "0".to_owned(),
    }
}

/// Returns an invalid signature of the same form. The first digit after the last separator encodes
/// six full bits of the signature, so that changing it always changes the signature.
fn corrupt_signature(signature: &str, corruption: SignatureCorruption) -> String {
    let start = signature.rfind(['.', ',']).map_or(0, |index| index + 1);
    let (head, digits) = signature.split_at(start);
    match corruption {
        SignatureCorruption::Truncate => format!("{head}{}", &digits[..digits.len() / 2]),
        SignatureCorruption::FlipBit => {
            let replacement = if digits.starts_with('A') { 'B' } else { 'A' };
            format!("{head}{replacement}{}", digits.get(1..).unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Draft, apply_body_fault, corrupt_signature, reformat_json, tamper_body};
    use crate::domain::webhook_fault::{BodyFault, SignatureCorruption};

    #[test]
    fn a_tampered_body_never_equals_the_original() {
        for body in [
            r#"{"ConsentStatusNotification":{"consentStatus":"ACTIVE"}}"#,
            r#"{"x":1}"#,
            "no json",
        ] {
            let mut changed = body.as_bytes().to_vec();
            tamper_body(&mut changed);
            assert_ne!(changed, body.as_bytes(), "{body}");
        }
    }

    #[test]
    fn a_reserialised_body_is_the_same_json() {
        let mut body = br#"{"a":{"b":[1,2]}}"#.to_vec();
        reformat_json(&mut body);
        assert_ne!(body, br#"{"a":{"b":[1,2]}}"#);
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&body).expect("JSON")["a"]["b"][1],
            2
        );
    }

    #[test]
    fn an_edited_body_keeps_the_order_of_its_fields() {
        let body =
            r#"{"ver":"2.0.0","trackingId":"t","timestamp":"x","Notifier":{"type":"AA","id":"a"}}"#;
        let mut draft = Draft {
            body: body.as_bytes().to_vec(),
            content_type: "application/json",
            shift_ms: 0,
        };
        apply_body_fault(&mut draft, &BodyFault::MissingOptional {});
        let without_tracking = body.replace(r#""trackingId":"t","#, "");
        let edited = String::from_utf8(draft.body).expect("UTF-8");
        assert_eq!(edited, without_tracking);
        let mut edited = body.as_bytes().to_vec();
        reformat_json(&mut edited);
        let compact: String = String::from_utf8(edited)
            .expect("UTF-8")
            .split_whitespace()
            .collect();
        assert_eq!(compact, body);
    }

    #[test]
    fn a_corrupted_signature_keeps_its_form() {
        for signature in ["eyJ..Abc", "v1,Abc=", "eyJ..xyz"] {
            for corruption in SignatureCorruption::ALL {
                let corrupted = corrupt_signature(signature, *corruption);
                assert_ne!(corrupted, signature);
                assert_eq!(
                    corrupted.split(['.', ',']).next(),
                    signature.split(['.', ',']).next()
                );
            }
        }
    }
}
