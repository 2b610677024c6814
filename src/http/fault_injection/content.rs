//! Faults in the content of a response. The body is edited before it is signed, so that the
//! signature is valid and only an FIU that checks the content notices.

use serde_json::{Value, json};

use crate::crypto::keys::SigningKey;
use crate::crypto::{base64, jws};
use crate::domain::api_fault::{ApiFault, ContentFault, Tampering};
use crate::domain::json_path::{alter_at_path, remove_at_path, set_at_path, value_at_mut};
use crate::domain::json_text::{JsonNode, edit_json_text};
use crate::domain::time::Millis;
use crate::domain::webhook_fault::FaultRuleId;
use crate::engine::faults::CallFault;
use crate::wire::fields::parse_timestamp;

/// Keys and ids that content faults are made with.
#[derive(Clone, Copy)]
pub(crate) struct InjectionContext<'a> {
    /// Key of the AA.
    pub aa_key: &'a SigningKey,
    /// Key that no participant publishes.
    pub spare_key: &'a SigningKey,
    /// Transaction id that belongs to no call.
    pub wrong_txnid: &'a str,
}

/// Applies the content faults to a body. A body that is not a JSON object is returned unchanged.
/// Returns the rules of scenarios whose faults have changed the body, too.
pub(crate) fn inject_content_faults(
    body: Vec<u8>,
    faults: &[CallFault],
    context: InjectionContext<'_>,
) -> (Vec<u8>, Vec<FaultRuleId>) {
    let faults: Vec<_> = faults
        .iter()
        .filter_map(|CallFault { fault, rule, .. }| match fault {
            ApiFault::Content(fault) => Some((fault, rule.as_ref())),
            _ => None,
        })
        .collect();
    let mut applied_rules = Vec::new();
    if faults.is_empty() {
        return (body, applied_rules);
    }
    let mut text = match String::from_utf8(body) {
        Ok(text) => text,
        Err(error) => return (error.into_bytes(), applied_rules),
    };
    if !text.trim_start().starts_with('{') {
        return (text.into_bytes(), applied_rules);
    }
    for (fault, rule) in faults {
        let Some(edited) = inject_content_fault(&text, fault, context) else {
            continue;
        };
        if let Some(rule) = rule.filter(|_| edited != text) {
            applied_rules.push(rule.clone());
        }
        text = edited;
    }
    (text.into_bytes(), applied_rules)
}

/// Applies one fault to a JSON object; `None` if that is not possible. All bytes that the fault does
/// not concern stay as they are, so that the signature of a part stays valid.
fn inject_content_fault(
    text: &str,
    fault: &ContentFault,
    context: InjectionContext<'_>,
) -> Option<String> {
    edit_json_text(text, |value| match fault {
        ContentFault::MissingField(path) => remove_at_path(value, path),
        ContentFault::SetField { field, value: new } => {
            set_at_path(value, field, new.clone());
        }
        ContentFault::AlterField { field, change } => alter_at_path(value, field, *change),
        ContentFault::WrongVersion(version) => {
            let field = if value.get("version").is_some() {
                "version"
            } else {
                "ver"
            };
            value[field] = (**version).into();
        }
        ContentFault::StaleTimestamp { by } => shift_timestamp(value, Millis(-by.0)),
        ContentFault::FutureTimestamp { by } => shift_timestamp(value, *by),
        ContentFault::WrongTxnid {} => {
            let field = if value.get("txnId").is_some() {
                "txnId"
            } else {
                "txnid"
            };
            value[field] = context.wrong_txnid.into();
        }
        ContentFault::TamperedConsent(tampering) if value.get("ConsentDetail").is_some() => {
            tamper_detail(text, value, *tampering, context);
        }
        ContentFault::TamperedConsent(tampering) => {
            tamper_signed_consent(value, *tampering, context);
        }
    })
}

/// Shifts the date of an answer: `timestamp`, or `createTimestamp` of an artefact.
fn shift_timestamp(value: &mut Value, by: Millis) {
    for name in ["timestamp", "createTimestamp"] {
        if let Some(at) = value[name].as_str().and_then(parse_timestamp) {
            value[name] = at.saturating_add(by).to_string().into();
            return;
        }
    }
}

/// Extends the validity of a consent, as an attacker would.
fn extend_expiry(detail: &mut Value) {
    for place in ["consentExpiry", "ConsentDetail.consentExpiry"] {
        if let Some(expiry) = value_at_mut(detail, place) {
            *expiry = "2099-12-31T23:59:59.999Z".into();
            return;
        }
    }
    detail["consentMode"] = "STORE".into();
}

fn edit_consent_fields(detail: &mut Value, tampering: Tampering) {
    match tampering {
        Tampering::Payload => extend_expiry(detail),
        Tampering::ExtraField => detail["xFutureField"] = json!("added in a later version"),
        Tampering::MissingField => {
            if let Some(fields) = detail.as_object_mut() {
                let field = ["consentStart", "consentMode", "ConsentDetail"]
                    .into_iter()
                    .find(|name| fields.contains_key(*name));
                field.map(|name| fields.shift_remove(name));
            }
        }
        Tampering::Unsigned | Tampering::WrongKey => {}
    }
}

/// Applies a tampering to every `signedConsent`, a compact JWS, in the response.
fn tamper_signed_consent(value: &mut Value, tampering: Tampering, context: InjectionContext<'_>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                match value {
                    Value::String(token) if name == "signedConsent" => {
                        if let Some(forged) = tamper_token(token, tampering, context) {
                            *token = forged;
                        }
                    }
                    value => tamper_signed_consent(value, tampering, context),
                }
            }
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| tamper_signed_consent(item, tampering, context)),
        _ => {}
    }
}

fn tamper_token(
    token: &str,
    tampering: Tampering,
    context: InjectionContext<'_>,
) -> Option<String> {
    let mut parts = token.splitn(3, '.');
    let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
    let detail = String::from_utf8(base64::url_decode(payload)?).ok()?;
    let detail = edit_json_text(&detail, |detail| edit_consent_fields(detail, tampering))?;
    let kid = context.aa_key.kid();
    let edited = base64::url_encode(detail.as_bytes());
    Some(match tampering {
        Tampering::Payload => format!("{header}.{edited}.{signature}"),
        Tampering::Unsigned => format!("{}.{payload}.", base64::url_encode(br#"{"alg":"none"}"#)),
        Tampering::WrongKey => {
            let input = jws::compact_signing_input(kid, &base64::url_decode(payload)?);
            jws::encode_compact(&input, &context.spare_key.sign(input.as_bytes()))
        }
        Tampering::ExtraField | Tampering::MissingField => {
            let input = jws::compact_signing_input(kid, detail.as_bytes());
            jws::encode_compact(&input, &context.aa_key.sign(input.as_bytes()))
        }
    })
}

/// Field of the seed API with the signature of `ConsentDetail`.
const DETAIL_SIGNATURE_FIELD: &str = "consentDetailDigitalSignature";

/// Applies a tampering to `ConsentDetail`, whose bytes the seed API signs; `text` is the response.
fn tamper_detail(
    text: &str,
    value: &mut Value,
    tampering: Tampering,
    context: InjectionContext<'_>,
) {
    let edit = |value: &mut Value| edit_consent_fields(&mut value["ConsentDetail"], tampering);
    edit(value);
    let key = match tampering {
        Tampering::Payload => return,
        Tampering::Unsigned => {
            value[DETAIL_SIGNATURE_FIELD] = "".into();
            return;
        }
        Tampering::WrongKey => context.spare_key,
        Tampering::ExtraField | Tampering::MissingField => context.aa_key,
    };
    let has_signature = value
        .get(DETAIL_SIGNATURE_FIELD)
        .is_some_and(Value::is_string);
    let edited = edit_json_text(text, edit).unwrap_or_default();
    let node = JsonNode::parse(&edited);
    let mut members = node.iter().flat_map(JsonNode::members);
    // The signature covers the bytes that the response will have.
    let detail = members.find(|member| member.key.content() == "ConsentDetail");
    if let Some(detail) = detail.filter(|_| has_signature) {
        let signature = key.sign(detail.value.text().as_bytes());
        value[DETAIL_SIGNATURE_FIELD] = base64::encode(&signature).into();
    }
}

#[cfg(test)]
mod tests {
    use super::{InjectionContext, inject_content_faults};
    use crate::crypto::keys::SigningKey;
    use crate::domain::api_fault::{ApiFault, ContentFault};
    use crate::domain::time::Millis;
    use crate::engine::faults::CallFault;

    /// Returns the body after one content fault, as text.
    fn inject_fault(body: &str, fault: ContentFault) -> String {
        let pem = include_str!("../../../fixtures/keys/fiu-1.pem");
        let key = SigningKey::from_pem("FIU-1", pem);
        let key = key.expect("a shipped key");
        let fault = CallFault {
            fault: ApiFault::Content(fault),
            delay: Millis::default(),
            rule: None,
        };
        let context = InjectionContext {
            aa_key: &key,
            spare_key: &key,
            wrong_txnid: "other",
        };
        let (edited, _) = inject_content_faults(body.as_bytes().to_vec(), &[fault], context);
        String::from_utf8(edited).expect("UTF-8")
    }

    #[test]
    fn a_content_fault_keeps_the_order_of_the_other_fields() {
        let body = r#"{"ver":"2.0.0","a":1,"txnid":"t","Customer":{"id":"c","aa":"x","z":0}}"#;
        assert_eq!(
            inject_fault(body, ContentFault::WrongTxnid {}),
            body.replace(r#""t""#, r#""other""#)
        );
        assert_eq!(
            inject_fault(body, ContentFault::MissingField("a".into())),
            body.replace(r#""a":1,"#, "")
        );
        assert_eq!(
            inject_fault(body, ContentFault::MissingField("Customer.id".into())),
            body.replace(r#""id":"c","#, "")
        );
    }

    #[test]
    fn a_content_fault_keeps_numbers_escapes_and_white_space() {
        let body = r#"{ "ver":"2.0.0", "a":1.0, "a":1e2, "n":"\u0905\/", "big":12345678901234567890123, "txnid":"t" }"#;
        assert_eq!(
            inject_fault(body, ContentFault::WrongTxnid {}),
            body.replace(r#""t""#, r#""other""#)
        );
        assert_eq!(
            inject_fault(body, ContentFault::MissingField("n".into())),
            body.replace(r#" "n":"\u0905\/","#, "")
        );
    }
}
