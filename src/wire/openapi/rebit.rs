//! The ReBIT calls.

use serde_json::{Value, json};

use super::{content, count, header, instant, list, object, one_of, reference, text, uuid};

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

/// Who may call.
const FIU: &[&str] = &["fiu"];
const FIP: &[&str] = &["fip"];
const BOTH: &[&str] = &["fiu", "fip"];

pub fn paths() -> Value {
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
        header(
            "x-request-meta",
            "Of Sahamati's router; accepted and not needed",
        )
    ]);
    operation
}

fn got(summary: &str, callers: &[&str], path: &[&str], query: &[&str], answer: &str) -> Value {
    let mut operation = operation(summary, callers, answer);
    let text = json!({ "type": "string" });
    let in_path = path
        .iter()
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": text }));
    let in_query = query
        .iter()
        .map(|name| json!({ "name": name, "in": "query", "schema": text }));
    let signature = header("x-jws-signature", "Detached JWS over the path, RS256");
    let parameters: Vec<_> = in_path.chain(in_query).chain([signature]).collect();
    operation["parameters"] = parameters.into();
    operation
}

fn operation(summary: &str, callers: &[&str], answer: &str) -> Value {
    let refused = json!({ "description": "Refused: errorCode says why, errorMsg where and what to do", "content": content("ErrorResponse") });
    let security: Vec<_> = callers
        .iter()
        .map(|caller| json!({ (*caller): [] }))
        .collect();
    json!({
        "summary": summary,
        "security": security,
        "responses": { "200": { "description": "Done", "content": content(answer) }, "default": refused },
    })
}

/// A message: what every one begins with, and more.
fn message(fields: &[(&str, Value)]) -> Value {
    let head = [
        ("ver", versions()),
        ("timestamp", instant()),
        ("txnid", uuid()),
    ];
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
    let identifier = object(&[
        (
            "type",
            one_of(IdentifierType::ALL.iter().map(|kind| kind.as_str())),
        ),
        ("value", text()),
    ]);
    let filter = object(&[
        ("type", one_of(["TRANSACTIONTYPE", "TRANSACTIONAMOUNT"])),
        (
            "operator",
            one_of(Operator::ALL.iter().map(|operator| operator.as_str())),
        ),
        ("value", text()),
    ]);
    object(&[
        ("consentStart", instant()),
        ("consentExpiry", instant()),
        (
            "consentMode",
            one_of(Mode::ALL.iter().map(|mode| mode.as_str())),
        ),
        (
            "fetchType",
            one_of(FetchType::ALL.iter().map(|kind| kind.as_str())),
        ),
        (
            "consentTypes",
            list(&one_of(ConsentType::ALL.iter().map(|kind| kind.as_str()))),
        ),
        (
            "fiTypes",
            list(&one_of(FiType::ALL.iter().map(|kind| kind.as_str()))),
        ),
        (
            "DataConsumer",
            object(&[
                ("id", text()),
                (
                    "type?",
                    one_of(ConsumerType::ALL.iter().map(|kind| kind.as_str())),
                ),
            ]),
        ),
        (
            "Customer",
            object(&[
                ("id?", text()),
                (
                    "Identifiers?",
                    json!({ "type": "array", "items": identifier }),
                ),
            ]),
        ),
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
        (
            "DataLife",
            quantity(
                one_of(DataLifeUnit::ALL.iter().map(|unit| unit.as_str())),
                0,
            ),
        ),
        (
            "Frequency",
            quantity(
                one_of(FrequencyUnit::ALL.iter().map(|unit| unit.as_str())),
                1,
            ),
        ),
        ("DataFilter?", json!({ "type": "array", "items": filter })),
    ])
}

pub fn schemas() -> Value {
    let artefact_states = [
        Status::Active,
        Status::Paused,
        Status::Revoked,
        Status::Expired,
    ]
    .map(Status::as_str);
    let public_key = object(&[
        ("expiry", instant()),
        ("Parameters?", text()),
        ("KeyValue", text()),
    ]);
    let account_status = object(&[
        ("linkRefNumber", text()),
        (
            "FIStatus",
            one_of(FiStatus::ALL.iter().map(|status| status.as_str())),
        ),
        ("description", text()),
    ]);
    let fi_item = object(&[
        ("linkRefNumber", text()),
        ("maskedAccNumber", text()),
        ("encryptedFI", text()),
    ]);
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
