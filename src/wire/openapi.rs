//! The AA face described in OpenAPI 3.0.3, for `/openapi.json`. Enumerations come from the tables that the code itself
//! reads, so the description cannot drift from them.

use serde_json::{Map, Value, json};

use crate::domain::account::FiType;
use crate::domain::consent::{
    ConsentType, ConsumerType, DataLifeUnit, FetchType, FrequencyUnit, Mode, Operator, Status,
};
use crate::domain::session::{FiStatus, SessionStatus};
use crate::domain::version::Version;
use crate::wire::consent_detail::IdentifierType;
use crate::wire::purpose::StandardPurpose;
use crate::wire::rebit::error::ErrorCode;
use crate::wire::rebit::notification::NotifiedStatus;

/// The description; `server` is the address that the caller used.
pub fn document(server: &str) -> Value {
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "mockaa: ReBIT Account Aggregator",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A sandbox of the ReBIT AA API 1.1.0 to 1.1.3, 2.0.0 and 2.1.0. All paths also exist below \
                            /v1, /v2, /V2 and /proxy/v2, and in every world below /w/{world}. Every answer is signed \
                            (x-jws-signature, detached JWS over the body); the body's ver chooses the version.",
            "license": { "name": "Apache-2.0" },
        },
        "servers": [{ "url": server }],
        "paths": paths(),
        "components": {
            "schemas": schemas(),
            "securitySchemes": {
                "fiu": { "type": "apiKey", "in": "header", "name": "client_api_key" },
                "fip": { "type": "apiKey", "in": "header", "name": "fip_api_key" },
            },
        },
    })
}

/// Who may call.
const FIU: &[&str] = &["fiu"];
const FIP: &[&str] = &["fip"];
const BOTH: &[&str] = &["fiu", "fip"];

fn paths() -> Value {
    json!({
        "/Consent": { "post": posted("Raise a consent", FIU, "ConsentsRequest", "ConsentsResponse") },
        "/Consent/handle": {
            "post": posted("Look a consent handle up (2.x)", FIU, "ConsentHandleRequest", "ConsentHandleResponse"),
        },
        "/Consent/handle/{consentHandle}": {
            "get": got("Look a consent handle up (1.1.x)", FIU, &["consentHandle"], &[], "ConsentHandleResponse"),
        },
        "/Consent/fetch": {
            "post": posted("Fetch an artefact (2.x)", BOTH, "ConsentFetchRequest", "ConsentArtefact"),
        },
        "/Consent/{consentId}": {
            "get": got("Fetch an artefact (1.1.x)", BOTH, &["consentId"], &[], "ConsentArtefact"),
        },
        "/Consent/Notification": {
            "post": posted("A FIP tells a consent's status", BOTH, "ConsentStatusNotification", "NotificationResponse"),
        },
        "/FI/request": { "post": posted("Ask for data", FIU, "FIRequest", "FIResponse") },
        "/FI/fetch": { "post": posted("Fetch data (2.x)", FIU, "FIFetchRequest", "FIFetchResponse") },
        "/FI/fetch/{sessionId}": {
            "get": got("Fetch data (1.1.x)", FIU, &["sessionId"], &["fipId", "linkRefNumber"], "FIFetchResponse"),
        },
        "/FI/Notification": {
            "post": posted("A FIP tells how its accounts fare", BOTH, "FIStatusNotification", "NotificationResponse"),
        },
        "/Account/link/Notification": {
            "post": posted("A FIP has linked an account", FIP, "AccountLinkStatusNotification", "NotificationResponse"),
        },
        "/Heartbeat": { "get": got("Is the AA up?", BOTH, &[], &[], "HeartbeatResponse") },
    })
}

fn posted(summary: &str, callers: &[&str], request: &str, answer: &str) -> Value {
    let mut operation = operation(summary, callers, answer);
    operation["requestBody"] = json!({ "required": true, "content": content(request) });
    operation["parameters"] = json!([
        header("x-jws-signature", "Detached JWS over the body, RS256"),
        header("x-request-meta", "Of Sahamati's router; accepted and not needed",)
    ]);
    operation
}

fn got(summary: &str, callers: &[&str], path: &[&str], query: &[&str], answer: &str) -> Value {
    let mut operation = operation(summary, callers, answer);
    let text = json!({ "type": "string" });
    let in_path = path.iter().map(|name| json!({ "name": name, "in": "path", "required": true, "schema": text }));
    let in_query = query.iter().map(|name| json!({ "name": name, "in": "query", "schema": text }));
    let signature = header("x-jws-signature", "Detached JWS over the path, RS256");
    let parameters: Vec<_> = in_path.chain(in_query).chain([signature]).collect();
    operation["parameters"] = parameters.into();
    operation
}

fn header(name: &str, description: &str) -> Value {
    json!({ "name": name, "in": "header", "description": description, "schema": { "type": "string" } })
}

fn operation(summary: &str, callers: &[&str], answer: &str) -> Value {
    let refused = json!({ "description": "Refused: errorCode says why, errorMsg where and what to do", "content": content("ErrorResponse") });
    let security: Vec<_> = callers.iter().map(|caller| json!({ (*caller): [] })).collect();
    json!({
        "summary": summary,
        "security": security,
        "responses": { "200": { "description": "Done", "content": content(answer) }, "default": refused },
    })
}

fn content(schema: &str) -> Value {
    json!({ "application/json": { "schema": reference(schema) } })
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn uuid() -> Value {
    json!({ "type": "string", "minLength": 36, "maxLength": 36 })
}

fn instant() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> Value {
    let names: Vec<_> = names.into_iter().collect();
    json!({ "type": "string", "enum": names })
}

fn count(minimum: u32) -> Value {
    json!({ "type": "integer", "minimum": minimum })
}

fn list(items: &Value) -> Value {
    json!({ "type": "array", "minItems": 1, "items": items })
}

/// An object; a name with a question mark after it may be missing.
fn object(fields: &[(&str, Value)]) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, schema) in fields {
        let bare = name.trim_end_matches('?');
        if bare == *name {
            required.push(bare);
        }
        properties.insert(bare.to_owned(), schema.clone());
    }
    json!({ "type": "object", "required": required, "properties": properties })
}

/// A message: what every one begins with, and more.
fn message(fields: &[(&str, Value)]) -> Value {
    let head = [("ver", versions()), ("timestamp", instant()), ("txnid", uuid())];
    object(&[&head, fields].concat())
}

fn versions() -> Value {
    one_of(Version::ALL.iter().map(|version| version.as_str()))
}

fn quantity(units: Value, minimum: u32) -> Value {
    object(&[("unit", units), ("value", count(minimum))])
}

fn range() -> Value {
    object(&[("from", instant()), ("to", instant())])
}

fn notifier() -> Value {
    object(&[("type", text()), ("id", text())])
}

fn consent_detail() -> Value {
    let codes = one_of(StandardPurpose::ALL.iter().map(|purpose| purpose.code));
    let uris = one_of(StandardPurpose::ALL.iter().map(|purpose| purpose.ref_uri));
    let identifier =
        object(&[("type", one_of(IdentifierType::ALL.iter().map(|kind| kind.as_str()))), ("value", text())]);
    let filter = object(&[
        ("type", one_of(["TRANSACTIONTYPE", "TRANSACTIONAMOUNT"])),
        ("operator", one_of(Operator::ALL.iter().map(|operator| operator.as_str()))),
        ("value", text()),
    ]);
    object(&[
        ("consentStart", instant()),
        ("consentExpiry", instant()),
        ("consentMode", one_of(Mode::ALL.iter().map(|mode| mode.as_str()))),
        ("fetchType", one_of(FetchType::ALL.iter().map(|kind| kind.as_str()))),
        ("consentTypes", list(&one_of(ConsentType::ALL.iter().map(|kind| kind.as_str())))),
        ("fiTypes", list(&one_of(FiType::ALL.iter().map(|kind| kind.as_str())))),
        (
            "DataConsumer",
            object(&[("id", text()), ("type?", one_of(ConsumerType::ALL.iter().map(|kind| kind.as_str())))]),
        ),
        ("Customer", object(&[("id?", text()), ("Identifiers?", json!({ "type": "array", "items": identifier }))])),
        (
            "Purpose",
            object(&[
                ("code", codes),
                ("refUri?", uris),
                ("text?", text()),
                ("Category?", object(&[("type?", text())])),
            ]),
        ),
        ("FIDataRange", range()),
        ("DataLife", quantity(one_of(DataLifeUnit::ALL.iter().map(|unit| unit.as_str())), 0)),
        ("Frequency", quantity(one_of(FrequencyUnit::ALL.iter().map(|unit| unit.as_str())), 1)),
        ("DataFilter?", json!({ "type": "array", "items": filter })),
    ])
}

fn schemas() -> Value {
    let artefact_states = [Status::Active, Status::Paused, Status::Revoked, Status::Expired].map(Status::as_str);
    let public_key = object(&[("expiry", instant()), ("Parameters?", text()), ("KeyValue", text())]);
    let account_status = object(&[
        ("linkRefNumber", text()),
        ("FIStatus", one_of(FiStatus::ALL.iter().map(|status| status.as_str()))),
        ("description", text()),
    ]);
    let fi_item = object(&[("linkRefNumber", text()), ("maskedAccNumber", text()), ("encryptedFI", text())]);
    json!({
        "ConsentsRequest": message(&[("ConsentDetail", consent_detail())]),
        "ConsentsResponse": message(&[("Customer", object(&[("id", text())])), ("ConsentHandle", uuid())]),
        "ConsentHandleRequest": message(&[("ConsentHandle", uuid())]),
        "ConsentHandleResponse": message(&[
            ("ConsentHandle", uuid()),
            (
                "ConsentStatus",
                object(&[("id?", uuid()), ("status", one_of(["PENDING", "READY", "APPROVED", "REJECTED", "EXPIRED", "FAILED"]))]),
            ),
        ]),
        "ConsentFetchRequest": message(&[("consentId", uuid())]),
        "ConsentArtefact": object(&[
            ("ver", versions()),
            ("txnid", uuid()),
            ("consentId", uuid()),
            ("status", one_of(artefact_states)),
            ("createTimestamp", instant()),
            ("signedConsent", text()),
            ("ConsentUse", object(&[("logUri", text()), ("count", count(0)), ("lastUseDateTime", instant())])),
        ]),
        "FIRequest": message(&[
            ("FIDataRange", range()),
            ("Consent", object(&[("id", uuid()), ("digitalSignature", text())])),
            ("KeyMaterial", reference("KeyMaterial")),
        ]),
        "FIResponse": message(&[("consentId", uuid()), ("sessionId", uuid())]),
        "FIFetchRequest": message(&[
            ("sessionId", uuid()),
            ("fipId?", text()),
            ("linkRefNumber?", list(&object(&[("id", text())]))),
        ]),
        "FIFetchResponse": message(&[(
            "FI",
            list(&object(&[("fipID", text()), ("data", list(&fi_item)), ("KeyMaterial", reference("KeyMaterial"))])),
        )]),
        "KeyMaterial": object(&[
            ("cryptoAlg", one_of(["ECDH", "X25519"])),
            ("curve", one_of(["Curve25519", "X25519"])),
            ("params?", text()),
            ("DHPublicKey", public_key),
            ("Nonce", text()),
        ]),
        "ConsentStatusNotification": message(&[
            ("Notifier", notifier()),
            (
                "ConsentStatusNotification",
                object(&[
                    ("consentId", uuid()),
                    ("consentStatus", one_of(NotifiedStatus::ALL.iter().map(|status| status.as_str()))),
                ]),
            ),
        ]),
        "FIStatusNotification": message(&[
            ("Notifier", notifier()),
            (
                "FIStatusNotification",
                object(&[
                    ("sessionId", uuid()),
                    ("sessionStatus", one_of(SessionStatus::ALL.iter().map(|status| status.as_str()))),
                    ("FIStatusResponse", list(&object(&[("fipID", text()), ("Accounts", list(&account_status))]))),
                ]),
            ),
        ]),
        "AccountLinkStatusNotification": message(&[
            ("Notifier", notifier()),
            (
                "AccountLinkStatusNotification",
                object(&[
                    ("accRefNumber", text()),
                    ("customerAddress", text()),
                    ("linkRefNumber", text()),
                    ("linkStatus", one_of(["LINKED"])),
                ]),
            ),
        ]),
        "NotificationResponse": message(&[("response", one_of(["OK"]))]),
        "HeartbeatResponse": object(&[("ver", versions()), ("timestamp", instant()), ("Status", one_of(["UP", "DOWN"]))]),
        "ErrorResponse": object(&[
            ("ver", versions()),
            ("txnid", text()),
            ("timestamp", instant()),
            ("errorCode", one_of(ErrorCode::ALL.iter().map(|code| code.as_str()))),
            ("errorMsg", text()),
        ]),
    })
}

#[cfg(test)]
mod tests {
    use super::document;

    #[test]
    fn every_reference_leads_somewhere() {
        fn walk(value: &serde_json::Value, root: &serde_json::Value) {
            if let Some(reference) = value["$ref"].as_str() {
                assert!(root.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
            }
            match value {
                serde_json::Value::Object(fields) => fields.values().for_each(|value| walk(value, root)),
                serde_json::Value::Array(items) => items.iter().for_each(|value| walk(value, root)),
                _ => {}
            }
        }
        let document = document("http://x");
        walk(&document, &document);
    }
}
