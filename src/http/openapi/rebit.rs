//! Owns the paths and schemas of the ReBIT API.

use serde_json::{Value, json};

use super::{
    array_schema, enum_schema, header_parameter, integer_schema, json_content, object_schema,
    schema_ref, string_schema, timestamp_schema, uuid_schema,
};
use crate::domain::account::FiType;
use crate::domain::consent::Status;
use crate::domain::error_code::ErrorCode;
use crate::domain::session::{FiStatus, SessionStatus};
use crate::domain::terms::{
    ConsentMode, ConsentType, ConsumerType, DataLifeUnit, FetchType, FilterOperator, FrequencyUnit,
};
use crate::domain::version::RebitVersion;
use crate::wire::consent_detail::IdentifierType;
use crate::wire::purpose::StandardPurpose;
use crate::wire::rebit::notification::NotifiedStatus;

/// The participants that may make a call.
const FIU_ONLY: &[&str] = &["fiu"];
const FIP_ONLY: &[&str] = &["fip"];
const FIU_OR_FIP: &[&str] = &["fiu", "fip"];

pub fn build_paths() -> Value {
    json!({
        "/Consent": { "post": post_operation("Request a consent", FIU_ONLY, "ConsentsRequest", "ConsentsResponse") },
        "/Consent/handle": {
            "post": post_operation("Get the status of a consent handle (2.x)", FIU_ONLY, "ConsentHandleRequest", "ConsentHandleResponse"),
        },
        "/Consent/handle/{consentHandle}": {
            "get": get_operation("Get the status of a consent handle (1.1.x)", FIU_ONLY, &["consentHandle"], &[], "ConsentHandleResponse"),
        },
        "/Consent/fetch": {
            "post": post_operation("Fetch an artefact (2.x)", FIU_OR_FIP, "ConsentFetchRequest", "ConsentArtefact"),
        },
        "/Consent/{consentId}": {
            "get": get_operation("Fetch an artefact (1.1.x)", FIU_OR_FIP, &["consentId"], &[], "ConsentArtefact"),
        },
        "/Consent/Notification": {
            "post": post_operation("Notify the AA of a consent's status", FIU_OR_FIP, "ConsentStatusNotification", "NotificationResponse"),
        },
        "/FI/request": { "post": post_operation("Request data", FIU_ONLY, "FIRequest", "FIResponse") },
        "/FI/fetch": { "post": post_operation("Fetch data (2.x)", FIU_ONLY, "FIFetchRequest", "FIFetchResponse") },
        "/FI/fetch/{sessionId}": {
            "get": get_operation("Fetch data (1.1.x)", FIU_ONLY, &["sessionId"], &["fipId", "linkRefNumber"], "FIFetchResponse"),
        },
        "/FI/Notification": {
            "post": post_operation("Notify the AA of the status of a FIP's accounts", FIU_OR_FIP, "FIStatusNotification", "NotificationResponse"),
        },
        "/Account/link/Notification": {
            "post": post_operation("Notify the AA of a linked account", FIP_ONLY, "AccountLinkStatusNotification", "NotificationResponse"),
        },
        "/Heartbeat": { "get": get_operation("Get the status of the AA", FIU_OR_FIP, &[], &[], "HeartbeatResponse") },
    })
}

fn post_operation(summary: &str, callers: &[&str], request: &str, response: &str) -> Value {
    let mut operation = base_operation(summary, callers, response);
    operation["requestBody"] = json!({ "required": true, "content": json_content(request) });
    operation["parameters"] = json!([
        header_parameter("x-jws-signature", "Detached JWS over the body, RS256"),
        header_parameter(
            "x-request-meta",
            "Metadata of Sahamati's router; optional and ignored",
        )
    ]);
    operation
}

fn get_operation(
    summary: &str,
    callers: &[&str],
    path: &[&str],
    query: &[&str],
    response: &str,
) -> Value {
    let mut operation = base_operation(summary, callers, response);
    let text = json!({ "type": "string" });
    let in_path = path
        .iter()
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": text }));
    let in_query = query
        .iter()
        .map(|name| json!({ "name": name, "in": "query", "schema": text }));
    let signature = header_parameter("x-jws-signature", "Detached JWS over the path, RS256");
    let parameters: Vec<_> = in_path.chain(in_query).chain([signature]).collect();
    operation["parameters"] = parameters.into();
    operation
}

fn base_operation(summary: &str, callers: &[&str], response: &str) -> Value {
    let error_response = json!({ "description": "Error: errorCode is the reason, errorMsg the field and the remedy", "content": json_content("ErrorResponse") });
    let security: Vec<_> = callers
        .iter()
        .map(|caller| json!({ (*caller): [] }))
        .collect();
    json!({
        "summary": summary,
        "security": security,
        "responses": { "200": { "description": "Success", "content": json_content(response) }, "default": error_response },
    })
}

/// Returns the schema of a message: the common head and these fields.
fn message_schema(fields: &[(&str, Value)]) -> Value {
    let head = [
        ("ver", version_schema()),
        ("timestamp", timestamp_schema()),
        ("txnid", uuid_schema()),
    ];
    object_schema(&[&head, fields].concat())
}

fn version_schema() -> Value {
    enum_schema(RebitVersion::ALL.iter().map(|version| version.as_str()))
}

fn quantity_schema(units: Value, minimum: u32) -> Value {
    object_schema(&[("unit", units), ("value", integer_schema(minimum))])
}

fn date_range_schema() -> Value {
    object_schema(&[("from", timestamp_schema()), ("to", timestamp_schema())])
}

fn notifier_schema() -> Value {
    object_schema(&[("type", string_schema()), ("id", string_schema())])
}

fn consent_detail_schema() -> Value {
    let codes = enum_schema(StandardPurpose::ALL.iter().map(|purpose| purpose.code));
    let uris = enum_schema(StandardPurpose::ALL.iter().map(|purpose| purpose.ref_uri));
    let identifier = object_schema(&[
        (
            "type",
            enum_schema(IdentifierType::ALL.iter().map(|kind| kind.as_str())),
        ),
        ("value", string_schema()),
    ]);
    let filter = object_schema(&[
        (
            "type",
            enum_schema(["TRANSACTIONTYPE", "TRANSACTIONAMOUNT"]),
        ),
        (
            "operator",
            enum_schema(FilterOperator::ALL.iter().map(|operator| operator.as_str())),
        ),
        ("value", string_schema()),
    ]);
    object_schema(&[
        ("consentStart", timestamp_schema()),
        ("consentExpiry", timestamp_schema()),
        (
            "consentMode",
            enum_schema(ConsentMode::ALL.iter().map(|mode| mode.as_str())),
        ),
        (
            "fetchType",
            enum_schema(FetchType::ALL.iter().map(|kind| kind.as_str())),
        ),
        (
            "consentTypes",
            array_schema(&enum_schema(
                ConsentType::ALL.iter().map(|kind| kind.as_str()),
            )),
        ),
        (
            "fiTypes",
            array_schema(&enum_schema(
                FiType::ALL.iter().map(|fi_type| fi_type.as_str()),
            )),
        ),
        (
            "DataConsumer",
            object_schema(&[
                ("id", string_schema()),
                (
                    "type?",
                    enum_schema(ConsumerType::ALL.iter().map(|kind| kind.as_str())),
                ),
            ]),
        ),
        (
            "Customer",
            object_schema(&[
                ("id?", string_schema()),
                (
                    "Identifiers?",
                    json!({ "type": "array", "items": identifier }),
                ),
            ]),
        ),
        (
            "Purpose",
            object_schema(&[
                ("code", codes),
                ("refUri?", uris),
                ("text?", string_schema()),
                ("Category?", object_schema(&[("type?", string_schema())])),
            ]),
        ),
        ("FIDataRange", date_range_schema()),
        (
            "DataLife",
            quantity_schema(
                enum_schema(DataLifeUnit::ALL.iter().map(|unit| unit.as_str())),
                0,
            ),
        ),
        (
            "Frequency",
            quantity_schema(
                enum_schema(FrequencyUnit::ALL.iter().map(|unit| unit.as_str())),
                1,
            ),
        ),
        ("DataFilter?", json!({ "type": "array", "items": filter })),
    ])
}

pub fn build_schemas() -> Value {
    let artefact_states = [
        Status::Active,
        Status::Paused,
        Status::Revoked,
        Status::Expired,
    ]
    .map(Status::as_str);
    let public_key = object_schema(&[
        ("expiry", timestamp_schema()),
        ("Parameters?", string_schema()),
        ("KeyValue", string_schema()),
    ]);
    let account_status = object_schema(&[
        ("linkRefNumber", string_schema()),
        (
            "FIStatus",
            enum_schema(FiStatus::ALL.iter().map(|status| status.as_str())),
        ),
        ("description", string_schema()),
    ]);
    let fi_item = object_schema(&[
        ("linkRefNumber", string_schema()),
        ("maskedAccNumber", string_schema()),
        ("encryptedFI", string_schema()),
    ]);
    json!({
        "ConsentsRequest": message_schema(&[("ConsentDetail", consent_detail_schema())]),
        "ConsentsResponse": message_schema(&[("Customer", object_schema(&[("id", string_schema())])), ("ConsentHandle", uuid_schema())]),
        "ConsentHandleRequest": message_schema(&[("ConsentHandle", uuid_schema())]),
        "ConsentHandleResponse": message_schema(&[
            ("ConsentHandle", uuid_schema()),
            (
                "ConsentStatus",
                object_schema(&[("id?", uuid_schema()), ("status", enum_schema(["PENDING", "READY", "APPROVED", "REJECTED", "EXPIRED", "FAILED"]))]),
            ),
        ]),
        "ConsentFetchRequest": message_schema(&[("consentId", uuid_schema())]),
        "ConsentArtefact": object_schema(&[
            ("ver", version_schema()),
            ("txnid", uuid_schema()),
            ("consentId", uuid_schema()),
            ("status", enum_schema(artefact_states)),
            ("createTimestamp", timestamp_schema()),
            ("signedConsent", string_schema()),
            ("ConsentUse", object_schema(&[("logUri", string_schema()), ("count", integer_schema(0)), ("lastUseDateTime", timestamp_schema())])),
        ]),
        "FIRequest": message_schema(&[
            ("FIDataRange", date_range_schema()),
            ("Consent", object_schema(&[("id", uuid_schema()), ("digitalSignature", string_schema())])),
            ("KeyMaterial", schema_ref("KeyMaterial")),
        ]),
        "FIResponse": message_schema(&[("consentId", uuid_schema()), ("sessionId", uuid_schema())]),
        "FIFetchRequest": message_schema(&[
            ("sessionId", uuid_schema()),
            ("fipId?", string_schema()),
            ("linkRefNumber?", array_schema(&object_schema(&[("id", string_schema())]))),
        ]),
        "FIFetchResponse": message_schema(&[(
            "FI",
            array_schema(&object_schema(&[("fipID", string_schema()), ("data", array_schema(&fi_item)), ("KeyMaterial", schema_ref("KeyMaterial"))])),
        )]),
        "KeyMaterial": object_schema(&[
            ("cryptoAlg", enum_schema(["ECDH", "X25519"])),
            ("curve", enum_schema(["Curve25519", "X25519"])),
            ("params?", string_schema()),
            ("DHPublicKey", public_key),
            ("Nonce", string_schema()),
        ]),
        "ConsentStatusNotification": message_schema(&[
            ("Notifier", notifier_schema()),
            (
                "ConsentStatusNotification",
                object_schema(&[
                    ("consentId", uuid_schema()),
                    ("consentStatus", enum_schema(NotifiedStatus::ALL.iter().map(|status| status.as_str()))),
                ]),
            ),
        ]),
        "FIStatusNotification": message_schema(&[
            ("Notifier", notifier_schema()),
            (
                "FIStatusNotification",
                object_schema(&[
                    ("sessionId", uuid_schema()),
                    ("sessionStatus", enum_schema(SessionStatus::ALL.iter().map(|status| status.as_str()))),
                    ("FIStatusResponse", array_schema(&object_schema(&[("fipID", string_schema()), ("Accounts", array_schema(&account_status))]))),
                ]),
            ),
        ]),
        "AccountLinkStatusNotification": message_schema(&[
            ("Notifier", notifier_schema()),
            (
                "AccountLinkStatusNotification",
                object_schema(&[
                    ("accRefNumber", string_schema()),
                    ("customerAddress", string_schema()),
                    ("linkRefNumber", string_schema()),
                    ("linkStatus", enum_schema(["LINKED"])),
                ]),
            ),
        ]),
        "NotificationResponse": message_schema(&[("response", enum_schema(["OK"]))]),
        "HeartbeatResponse": object_schema(&[("ver", version_schema()), ("timestamp", timestamp_schema()), ("Status", enum_schema(["UP", "DOWN"]))]),
        "ErrorResponse": object_schema(&[
            ("ver", version_schema()),
            ("txnid", string_schema()),
            ("timestamp", timestamp_schema()),
            ("errorCode", enum_schema(ErrorCode::ALL.iter().map(|code| code.as_str()))),
            ("errorMsg", string_schema()),
        ]),
    })
}
