//! Schemas of the ReBIT AA API.

use serde_json::{Value, json};

use super::schema::{
    any_text, customer_address, integer_from, list_of, object, one_of, reference, text, timestamp,
    uuid,
};
use crate::domain::account::FiType;
use crate::domain::consent::Status;
use crate::domain::error_code::ErrorCode;
use crate::domain::session::{FiStatus, SessionStatus};
use crate::domain::terms::{
    ConsentMode, ConsentType, ConsumerType, DataLifeUnit, FetchType, FilterOperator, FrequencyUnit,
    TransactionType,
};
use crate::domain::version::{MajorVersion, RebitVersion};
use crate::wire::consent_detail::IdentifierType;
use crate::wire::purpose::StandardPurpose;
use crate::wire::rebit::notification::NotifiedStatus;

/// Returns the schema of a message: the common head and these fields.
fn message_schema(fields: &[(&str, Value)]) -> Value {
    let head = [
        ("ver", version_schema()),
        ("timestamp", timestamp()),
        ("txnid", uuid()),
    ];
    object(&[&head, fields].concat())
}

/// Returns the schema of a message that only 2.x has.
fn message_of_v2(fields: &[(&str, Value)]) -> Value {
    let versions = RebitVersion::ALL
        .iter()
        .filter(|version| version.major_version() == MajorVersion::V2)
        .map(|version| version.as_str());
    let head = [
        ("ver", one_of(versions)),
        ("timestamp", timestamp()),
        ("txnid", uuid()),
    ];
    object(&[&head, fields].concat())
}

fn version_schema() -> Value {
    one_of(RebitVersion::ALL.iter().map(|version| version.as_str()))
}

fn quantity_schema(units: Value, minimum: u32) -> Value {
    object(&[("unit", units), ("value", integer_from(minimum))])
}

fn date_range_schema() -> Value {
    object(&[("from", timestamp()), ("to", timestamp())])
}

fn notifier_schema() -> Value {
    object(&[("type", one_of(["FIP", "FIU"])), ("id", text())])
}

/// Returns the schema of `ConsentDetail` with the rules that hold in the seed API too.
pub(crate) fn consent_detail_schema() -> Value {
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
            one_of(FilterOperator::ALL.iter().map(|operator| operator.as_str())),
        ),
        ("value", text()),
    ]);
    let mut detail = object(&[
        ("consentStart", timestamp()),
        ("consentExpiry", timestamp()),
        (
            "consentMode",
            one_of(ConsentMode::ALL.iter().map(|mode| mode.as_str())),
        ),
        (
            "fetchType",
            one_of(FetchType::ALL.iter().map(|kind| kind.as_str())),
        ),
        (
            "consentTypes",
            list_of(&one_of(ConsentType::ALL.iter().map(|kind| kind.as_str()))),
        ),
        (
            "fiTypes",
            list_of(&one_of(FiType::ALL.iter().map(|fi_type| fi_type.as_str()))),
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
                ("id?", customer_address()),
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
        ("FIDataRange", date_range_schema()),
        (
            "DataLife",
            quantity_schema(
                one_of(DataLifeUnit::ALL.iter().map(|unit| unit.as_str())),
                0,
            ),
        ),
        (
            "Frequency",
            quantity_schema(
                one_of(FrequencyUnit::ALL.iter().map(|unit| unit.as_str())),
                1,
            ),
        ),
        ("DataFilter?", json!({ "type": "array", "items": filter })),
    ]);
    let fields = &mut detail["properties"];
    let has_no_id = json!({ "not": { "required": ["id"] } });
    let has_mobile = json!({
        "required": ["Identifiers"],
        "properties": { "Identifiers": { "contains": { "properties": { "type": { "enum": [IdentifierType::Mobile.as_str()] } } } } },
    });
    add_condition(&mut fields["Customer"], has_no_id, has_mobile, &json!({}));
    let is_type = json!({ "properties": { "type": { "enum": ["TRANSACTIONTYPE"] } } });
    let names = TransactionType::ALL.iter().map(|kind| kind.as_str());
    let is_name = json!({ "properties": { "value": one_of(names) } });
    let is_amount = json!({ "properties": { "value": { "pattern": "^[0-9]+(\\.[0-9]{1,2})?$" } } });
    add_condition(
        &mut fields["DataFilter"]["items"],
        is_type,
        is_name,
        &is_amount,
    );
    detail
}

/// Returns the schema of ReBIT's `ConsentDetail`, which has more rules between its fields.
///
/// DataLife and the address of the purpose have conditions that only strict mode enforces.
fn strict_detail_schema() -> Value {
    let mut detail = consent_detail_schema();
    let is_store =
        json!({ "properties": { "consentMode": { "enum": [ConsentMode::Store.as_str()] } } });
    let data_life = |limits: Value| json!({ "properties": { "DataLife": { "properties": { "value": limits } } } });
    add_condition(
        &mut detail,
        is_store,
        json!({ "properties": { "DataLife": {
            "if": { "not": { "properties": { "unit": { "enum": [DataLifeUnit::Inf.as_str()] } } } },
            "then": { "properties": { "value": { "minimum": 1 } } },
        } } }),
        &data_life(json!({ "maximum": 0 })),
    );
    let fields = &mut detail["properties"];
    let is_unlimited =
        json!({ "properties": { "unit": { "enum": [DataLifeUnit::Inf.as_str()] } } });
    let is_zero = json!({ "properties": { "value": { "maximum": 0 } } });
    add_condition(&mut fields["DataLife"], is_unlimited, is_zero, &json!({}));
    // Each code has one address.
    let purposes = StandardPurpose::ALL
        .iter()
        .rev()
        .fold(json!({}), |others, purpose| {
            json!({
                "if": { "properties": { "code": { "enum": [purpose.code] } } },
                "then": { "properties": { "refUri": { "enum": [purpose.ref_uri] } } },
                "else": others,
            })
        });
    merge_fields(&mut fields["Purpose"], &purposes);
    for field in ["DataLife", "Purpose"] {
        fields[field]["description"] = json!(
            "Values that break a condition are refused by strict mode only; the other modes note them"
        );
    }
    detail
}

/// Returns the schema of a consent request. In 2.x `DataConsumer.type` is required, and each
/// version has its own FI types.
fn consents_request_schema() -> Value {
    let mut request = message_schema(&[("ConsentDetail", strict_detail_schema())]);
    let versions = RebitVersion::ALL.iter().rev();
    let rules = versions.fold(json!({}), |others, version| {
        let fi_types = FiType::ALL
            .iter()
            .filter(|fi_type| version.supports_fi_type(**fi_type))
            .map(|fi_type| fi_type.as_str());
        let mut detail = json!({ "properties": { "fiTypes": { "items": one_of(fi_types) } } });
        if version.major_version() == MajorVersion::V2 {
            detail["properties"]["DataConsumer"] = json!({ "required": ["type"] });
        }
        json!({
            "if": { "properties": { "ver": { "enum": [version.as_str()] } } },
            "then": { "properties": { "ConsentDetail": detail } },
            "else": others,
        })
    });
    merge_fields(&mut request, &rules);
    request
}

/// Adds a rule between the fields of an object. Generators of clients ignore it, validators do not.
fn add_condition(schema: &mut Value, condition: Value, then: Value, otherwise: &Value) {
    schema["if"] = condition;
    schema["then"] = then;
    schema["else"] = otherwise.clone();
}

fn merge_fields(schema: &mut Value, fields: &Value) {
    for (name, value) in fields.as_object().into_iter().flatten() {
        schema[name] = value.clone();
    }
}

pub(crate) fn build_schemas() -> Value {
    let artefact_states = [
        Status::Active,
        Status::Paused,
        Status::Revoked,
        Status::Expired,
    ]
    .map(Status::as_str);
    let public_key = object(&[
        ("expiry", timestamp()),
        ("Parameters?", any_text()),
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
        ("linkRefNumber", any_text()),
        ("maskedAccNumber", any_text()),
        ("encryptedFI", any_text()),
    ]);
    json!({
        "ConsentsRequest": consents_request_schema(),
        "ConsentsResponse": message_schema(&[("Customer", object(&[("id", any_text())])), ("ConsentHandle", uuid())]),
        "ConsentHandleRequest": message_of_v2(&[("ConsentHandle", uuid())]),
        "ConsentHandleResponse": message_schema(&[
            ("ConsentHandle", uuid()),
            (
                "ConsentStatus",
                object(&[("id?", uuid()), ("status", one_of(["PENDING", "READY", "APPROVED", "REJECTED", "EXPIRED", "FAILED"]))]),
            ),
        ]),
        "ConsentFetchRequest": message_of_v2(&[("consentId", uuid())]),
        "ConsentArtefact": object(&[
            ("ver", version_schema()),
            ("txnid", uuid()),
            ("consentId", uuid()),
            ("status", one_of(artefact_states)),
            ("createTimestamp", timestamp()),
            ("signedConsent", any_text()),
            ("ConsentUse", object(&[("logUri", any_text()), ("count", integer_from(0)), ("lastUseDateTime", timestamp())])),
        ]),
        "FIRequest": message_schema(&[
            ("FIDataRange", date_range_schema()),
            ("Consent", object(&[("id", uuid()), ("digitalSignature", text())])),
            ("KeyMaterial", reference("KeyMaterial")),
        ]),
        "FIResponse": message_schema(&[("consentId", uuid()), ("sessionId", uuid())]),
        "FIFetchRequest": message_of_v2(&[
            ("sessionId", uuid()),
            ("fipId?", text()),
            ("linkRefNumber?", list_of(&object(&[("id", text())]))),
        ]),
        "FIFetchResponse": message_schema(&[(
            "FI",
            list_of(&object(&[("fipID", any_text()), ("data", list_of(&fi_item)), ("KeyMaterial", reference("KeyMaterial"))])),
        )]),
        "KeyMaterial": object(&[
            ("cryptoAlg", one_of(["ECDH", "X25519"])),
            ("curve", one_of(["Curve25519", "X25519"])),
            ("params?", any_text()),
            ("DHPublicKey", public_key),
            ("Nonce", text()),
        ]),
        "ConsentStatusNotification": message_schema(&[
            ("Notifier", notifier_schema()),
            (
                "ConsentStatusNotification",
                object(&[
                    ("consentId", uuid()),
                    ("consentStatus", one_of(NotifiedStatus::ALL.iter().map(|status| status.as_str()))),
                ]),
            ),
        ]),
        "FIStatusNotification": message_schema(&[
            ("Notifier", notifier_schema()),
            (
                "FIStatusNotification",
                object(&[
                    ("sessionId", uuid()),
                    ("sessionStatus", one_of(SessionStatus::ALL.iter().map(|status| status.as_str()))),
                    ("FIStatusResponse", list_of(&object(&[("fipID", text()), ("Accounts", list_of(&account_status))]))),
                ]),
            ),
        ]),
        "AccountLinkStatusNotification": message_schema(&[
            ("Notifier", notifier_schema()),
            (
                "AccountLinkStatusNotification",
                object(&[
                    ("accRefNumber", text()),
                    ("customerAddress", customer_address()),
                    ("linkRefNumber", text()),
                    ("linkStatus", one_of(["LINKED"])),
                ]),
            ),
        ]),
        "NotificationResponse": message_schema(&[("response", one_of(["OK"]))]),
        "HeartbeatResponse": object(&[("ver", version_schema()), ("timestamp", timestamp()), ("Status", one_of(["UP", "DOWN"]))]),
        "ErrorResponse": object(&[
            ("ver", version_schema()),
            ("txnid", any_text()),
            ("timestamp", timestamp()),
            ("errorCode", one_of(ErrorCode::ALL.iter().map(|code| code.as_str()))),
            ("errorMsg", any_text()),
        ]),
    })
}
