//! The hand-written schemas of bodies, by component name: those of ReBIT, Unaport and the seed API,
//! of Sahamati's services, and of answers that have no Rust type.

use serde_json::{Map, Value, json};

use super::schema::{
    any_list_of, any_text, count, integer_from, list_of, nullable, object, one_of, text, timestamp,
    uuid,
};
use super::{rebit, unaport, webhooks};
use crate::domain::consent::Status;
use crate::domain::error_code::ErrorCode;
use crate::domain::version::RebitVersion;

/// Returns all hand-written schemas.
pub(crate) fn build_schemas() -> Map<String, Value> {
    let mut schemas = Map::new();
    for part in [
        rebit::build_schemas(),
        unaport::build_schemas(),
        webhooks::build_schemas(),
        build_seed_schemas(),
        build_registry_schemas(),
        build_service_schemas(),
        build_control_schemas(),
    ] {
        let Value::Object(part) = part else {
            unreachable!("each part is an object")
        };
        schemas.extend(part);
    }
    schemas
}

fn build_seed_schemas() -> Value {
    let versions = RebitVersion::ALL.iter().map(|version| version.as_str());
    let statuses = Status::ALL.iter().map(|status| status.as_str());
    json!({
        "SeedConsentRequest": object(&[
            ("ver", one_of(versions)),
            ("timestamp", seed_timestamp()),
            ("txnid", uuid()),
            ("ConsentDetail", seed_detail_schema()),
        ]),
        "SeedConsentResponse": object(&[
            ("ver", one_of(["1.0"])),
            ("timestamp", timestamp()),
            ("txnid", uuid()),
            ("Customer", object(&[("id", any_text())])),
            ("ConsentHandle", uuid()),
        ]),
        "SeedConsent": object(&[
            ("ver", one_of(["1.0"])),
            ("txnid", uuid()),
            ("consentId?", uuid()),
            ("status", one_of(statuses)),
            ("createTimestamp", timestamp()),
            ("ConsentDetail", json!({ "type": "object" })),
            ("consentDetailDigitalSignature?", any_text()),
            ("ConsentUse", object(&[
                ("logUri", any_text()),
                ("count", count()),
                ("lastUseDateTime", timestamp()),
            ])),
        ]),
        "SeedError": object(&[
            ("ver", one_of(["1.0"])),
            ("txnid", any_text()),
            ("timestamp", timestamp()),
            ("errorCode", one_of(ErrorCode::ALL.iter().map(|code| code.as_str()))),
            ("errorMsg", any_text()),
        ]),
    })
}

/// Returns the schema of a date-time of a seed request, where the variable of the sample stands for
/// the current time.
fn seed_timestamp() -> Value {
    json!({ "anyOf": [timestamp(), one_of(["{{current_timestamp}}"])] })
}

/// Returns the schema of the seed API's `ConsentDetail`, which has fewer rules than ReBIT's and
/// `VDRProvider`.
fn seed_detail_schema() -> Value {
    let mut detail = rebit::consent_detail_schema();
    let fields = &mut detail["properties"];
    fields["Customer"]["properties"]["Identifiers"]["items"] = json!({ "type": "object" });
    for name in ["consentStart", "consentExpiry"] {
        fields[name] = seed_timestamp();
    }
    fields["FIDataRange"] = object(&[("from", seed_timestamp()), ("to", seed_timestamp())]);
    fields["Purpose"]["properties"]["refUri"] = text();
    let filter = &mut fields["DataFilter"]["items"];
    filter["properties"]["value"] = json!({ "type": ["string", "number"] });
    fields["VDRProvider"] = object(&[("vdrpid?", text()), ("fiuid?", text())]);
    // An empty object counts as none.
    fields["VDRProvider"]["dependentRequired"] =
        json!({ "vdrpid": ["fiuid"], "fiuid": ["vdrpid"] });
    detail
}

fn build_registry_schemas() -> Value {
    let entity = object(&[
        ("name", any_text()),
        ("id", any_text()),
        ("code", any_text()),
        ("entityhandle", any_text()),
        (
            "Identifiers",
            any_list_of(&object(&[("category", any_text()), ("type", any_text())])),
        ),
        ("baseurl", any_text()),
        ("webviewurl", nullable(any_text())),
        ("fitypes", any_list_of(&any_text())),
        (
            "certificate",
            json!({ "anyOf": [super::schema::reference("Jwk"), { "type": "null" }] }),
        ),
        (
            "tokeninfo",
            object(&[("url", any_text()), ("desc", any_text())]),
        ),
        ("inboundports", any_list_of(&any_text())),
        ("outboundports", any_list_of(&any_text())),
        ("ips", any_list_of(&any_text())),
    ]);
    let entry = object(&[
        ("ver", any_text()),
        ("timestamp", timestamp()),
        ("txnid", uuid()),
        (
            "requester",
            object(&[("name", any_text()), ("id", any_text())]),
        ),
        ("entityinfo", entity),
    ]);
    json!({
        "RegistryEntry": entry,
        "RegistryEntries": any_list_of(&super::schema::reference("RegistryEntry")),
        "RegistryError": object(&[("responseCode", integer_from(400)), ("responseText", any_text())]),
        "TokenRequest": object(&[("id", text()), ("secret", text())]),
        "UserTokenRequest": object(&[("username", text()), ("password", text())]),
        "EntitySecretRequest": object(&[
            ("ver", text()),
            ("timestamp", timestamp()),
            ("txnId", uuid()),
            ("entityId", text()),
        ]),
        "EntitySecret": object(&[
            ("ver", any_text()),
            ("timestamp", timestamp()),
            ("txnId", uuid()),
            ("entityId", any_text()),
            ("secret", any_text()),
            ("expiresOn", integer_from(1)),
            ("expirationDate", any_text()),
        ]),
        "EntityToken": object(&[
            ("ver", any_text()),
            ("timestamp", timestamp()),
            ("txnId", uuid()),
            ("accessToken", any_text()),
            ("expiresIn", integer_from(1)),
            ("tokenType", one_of(["Bearer"])),
        ]),
        "EntityTokenError": object(&[
            ("ver", any_text()),
            ("timestamp", timestamp()),
            ("txnId", uuid()),
            ("errorCode", any_text()),
            ("errorMsg", any_text()),
        ]),
        "GrantRequest": object(&[("grant_type", one_of(["client_credentials"]))]),
        "GrantedToken": object(&[
            ("access_token", any_text()),
            ("expires_in", integer_from(1)),
            ("refresh_expires_in", any_text()),
            ("token_type", one_of(["Bearer"])),
            ("not-before-policy", any_text()),
            ("scope", any_text()),
        ]),
        "GrantedTokenError": object(&[("error", any_text()), ("error_description", any_text())]),
    })
}

fn build_service_schemas() -> Value {
    json!({
        "Start": object(&[
            ("name", any_text()),
            ("version", any_text()),
            ("world", any_text()),
            ("links", json!({ "type": "object", "additionalProperties": { "type": "string" } })),
        ]),
        "VisitSignIn": object(&[("csrf?", any_text()), ("mobile?", any_text())]),
        "VisitOtp": object(&[("csrf?", any_text()), ("otp", any_text())]),
        "VisitBankOtp": object(&[("csrf?", any_text()), ("link", any_text()), ("otp", any_text())]),
        "VisitBank": object(&[("csrf?", any_text()), ("link", any_text())]),
        "VisitSearch": object(&[
            ("csrf?", any_text()),
            ("retry?", any_text()),
            ("without?", any_text()),
            ("account?", any_text()),
        ]),
        "VisitBanks": object(&[
            ("csrf?", any_text()),
            ("bank?", any_text()),
            ("pan?", any_text()),
            ("dob?", any_text()),
            ("search?", any_text()),
            ("find?", any_text()),
        ]),
        "VisitAccounts": object(&[("csrf?", any_text()), ("account", any_text())]),
        "PageForm": object(&[("csrf?", any_text())]),
        "StatementForm": object(&[
            ("file", json!({ "type": "string", "format": "binary" })),
            ("account?", any_text()),
            ("check?", any_text()),
            ("like?", any_text()),
            ("csrf?", any_text()),
        ]),
        "StepsForm": object(&[("steps", any_text()), ("csrf?", any_text())]),
        "FaultsForm": object(&[
            ("name", any_text()),
            ("text", any_text()),
            ("csrf?", any_text()),
        ]),
        "NameForm": object(&[("name?", any_text()), ("csrf?", any_text())]),
        "PinForm": object(&[("customer", any_text()), ("csrf?", any_text())]),
        "PersonaForm": object(&[("persona", any_text()), ("csrf?", any_text())]),
        "RaiseForm": object(&[
            ("customer", any_text()),
            ("fiType", any_text()),
            ("fetchType", any_text()),
            ("months", any_text()),
            ("fiuId?", any_text()),
            ("scenario?", any_text()),
            ("persona?", any_text()),
            ("csrf?", any_text()),
        ]),
        "ClockForm": object(&[
            ("by?", any_text()),
            ("to?", any_text()),
            ("csrf?", any_text()),
        ]),
        "SignInForm": object(&[
            ("token", any_text()),
            ("next?", any_text()),
            ("csrf?", any_text()),
        ]),
        "VisitRefusal": object(&[("csrf?", any_text()), ("reason?", any_text())]),
        "VisitAnswers": json!({
            "type": "object",
            "properties": { "csrf": any_text() },
            "patternProperties": {
                "^answer\\.": { "enum": ["approve", "reject"] },
                "^account\\.": any_text(),
            },
        }),
        "Liveness": object(&[("alive", json!({ "type": "boolean" }))]),
        "Readiness": object(&[
            ("ready", json!({ "type": "boolean" })),
            ("version", any_text()),
            ("scenarios", count()),
            ("worlds", count()),
            ("scenariosError?", any_text()),
        ]),
        "JwkSet": object(&[("keys", list_of(&super::schema::reference("Jwk")))]),
        "OpenApiDocument": object(&[
            ("openapi", any_text()),
            ("info", json!({ "type": "object" })),
            ("paths", json!({ "type": "object" })),
            ("webhooks", json!({ "type": "object" })),
            ("components", json!({ "type": "object" })),
        ]),
    })
}

fn build_control_schemas() -> Value {
    json!({
        "Deleted": object(&[("deleted", any_text())]),
        "DeletedNames": object(&[("deleted", any_list_of(&any_text()))]),
        "JsonSchema": { "type": "object" },
        "DefaultScenario": object(&[("name", nullable(any_text()))]),
    })
}
