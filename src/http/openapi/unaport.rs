//! Owns the paths and schemas of the Unaport FIU API. Request schemas come from the tables that
//! validate requests.

use serde_json::{Map, Value, json};

use super::{
    array_schema, enum_schema, integer_schema, json_content, object_schema, schema_ref,
    string_schema, timestamp_schema, uuid_schema,
};
use crate::domain::session::{FiStatus, SessionStatus};
use crate::domain::terms::FetchType;
use crate::export::{pdf, xlsx};
use crate::wire::unaport::auth::{LOGIN_RULES, REFRESH_RULES};
use crate::wire::unaport::consent::{RULES, RULES_WITH_TEMPLATE};
use crate::wire::unaport::field_rules::{FieldRule, FieldType, Presence};
use crate::wire::unaport::template;

/// The base paths of Unaport's hosts.
const COMMON_BASE: &str = "/api/v1";
const APP_BASE: &str = "/backend-v2/api/v2";

pub fn build_paths() -> Value {
    let mut paths = consent_paths();
    let analytics = analytics_paths();
    paths
        .as_object_mut()
        .expect("an object")
        .extend(analytics.as_object().expect("an object").clone());
    paths
}

fn analytics_paths() -> Value {
    json!({
        format!("{APP_BASE}/FIU/FI/Analytic/{{org_id}}/{{sessionId}}"): {
            "get": build_operation("Generate analytics", Auth::Bearer, &["org_id", "sessionId"], None, "UnaportGenerated"),
        },
        format!("{APP_BASE}/FIU/FI/AnalyticAggregate/{{org_id}}/{{sessionId}}"): {
            "get": build_operation("Generate aggregate analytics", Auth::Bearer, &["org_id", "sessionId"], None, "UnaportGenerated"),
        },
        format!("{APP_BASE}/FIU/Analitic/{{analyticId}}/{{sessionId}}"): {
            "get": build_operation("Fetch an account's analytics", Auth::Bearer, &["analyticId", "sessionId"], None, "UnaportAnalytics"),
        },
        format!("{APP_BASE}/FIU/AnaliticAggregate/{{sessionId}}"): {
            "get": build_operation("Fetch aggregate analytics", Auth::Bearer, &["sessionId"], None, "UnaportAnalytics"),
        },
        format!("{APP_BASE}/FIU/Analitic/Export/{{analyticId}}"): {
            "get": file_operation("Export an account's analytics as a file", &["analyticId"]),
        },
        format!("{APP_BASE}/FIU/AnaliticAggregate/Export/{{sessionId}}"): {
            "get": file_operation("Export aggregate analytics as a file", &["sessionId"]),
        },
        format!("{APP_BASE}/FIU/Export/{{entity}}/{{sessionId}}"): {
            "get": file_operation("Export a session's data as a workbook", &["entity", "sessionId"]),
        },
        format!("{APP_BASE}/FIU/ExportPdf/{{entity}}/{{sessionId}}"): {
            "get": file_operation("Export a session's data as a PDF statement", &["entity", "sessionId"]),
        },
    })
}

fn consent_paths() -> Value {
    let revoke_operation = build_operation(
        "Revoke a consent",
        Auth::Bearer,
        &["org_id", "consentId"],
        None,
        "UnaportRevoked",
    );
    json!({
        format!("{COMMON_BASE}/public/user/login"): { "post": build_operation("Log in", Auth::Public, &[], Some("UnaportLogin"), "UnaportTokens") },
        format!("{COMMON_BASE}/public/user/refreshToken"): {
            "post": build_operation("Refresh the tokens", Auth::Public, &[], Some("UnaportRefresh"), "UnaportTokens"),
        },
        format!("{COMMON_BASE}/FIU/getClientOrganisation"): {
            "get": build_operation("Get the caller's organisation", Auth::Bearer, &[], None, "UnaportClientOrganisation"),
        },
        format!("{COMMON_BASE}/FIU/getOrganisation"): {
            "get": build_operation("Get the caller's organisation, in the older format", Auth::Bearer, &[], None, "UnaportOrganisation"),
        },
        format!("{APP_BASE}/FIU/InsertProduct/{{org_id}}"): {
            "post": build_operation("Create a consent template", Auth::Bearer, &["org_id"], Some("UnaportTemplate"), "UnaportTemplateSaved"),
        },
        format!("{APP_BASE}/FIU/ProductList/{{org_id}}"): {
            "get": build_operation("List consent templates", Auth::Bearer, &["org_id"], None, "UnaportTemplates"),
        },
        format!("{APP_BASE}/FIU/Consents/{{org_id}}"): {
            "post": build_operation("Create a consent", Auth::Bearer, &["org_id"], Some("UnaportConsent"), "UnaportConsentCreated"),
        },
        format!("{APP_BASE}/FIU/Consents/product/{{org_id}}"): {
            "post": build_operation(
                "Create a consent with a template",
                Auth::Bearer,
                &["org_id"],
                Some("UnaportConsentByTemplate"),
                "UnaportConsentCreated",
            ),
        },
        format!("{APP_BASE}/FIU/Consents/revoke/{{org_id}}/{{consentId}}"): { "post": revoke_operation.clone(), "put": revoke_operation.clone() },
        format!("{APP_BASE}/FIU/Consents/{{org_id}}/{{consentId}}"): { "delete": revoke_operation },
        format!("{APP_BASE}/FIU/GetConsent/{{consentHandle}}"): {
            "get": build_operation("Get the status of a consent", Auth::Bearer, &["consentHandle"], None, "UnaportRecords"),
        },
        format!("{APP_BASE}/FIU/FINotification/{{consentHandle}}"): {
            "get": build_operation("Get the status of a consent's data", Auth::Bearer, &["consentHandle"], None, "UnaportFetchStatus"),
        },
        format!("{APP_BASE}/FIU/FifetchDataBySessionId/{{sessionId}}"): {
            "get": build_operation("Fetch the data of a session", Auth::Bearer, &["sessionId"], None, "UnaportData"),
        },
        format!("{APP_BASE}/FIU/FI/AccountDetail/{{sessionId}}"): {
            "get": build_operation("List a session's accounts (1.7)", Auth::Bearer, &["sessionId"], None, "UnaportAccounts"),
        },
        format!("{APP_BASE}/public/shorten/{{code}}"): {
            "get": {
                "summary": "Follow the customer's short link to the consent's page",
                "parameters": [path_parameter("code")],
                "responses": {
                    "302": { "description": "Redirect to the page" },
                    "default": { "description": "Error", "content": json_content("UnaportError") },
                },
            },
        },
    })
}

/// The authentication of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Auth {
    Bearer,
    Public,
}

fn build_operation(
    summary: &str,
    auth: Auth,
    path: &[&str],
    request: Option<&str>,
    response: &str,
) -> Value {
    let mut operation = json!({
        "summary": summary,
        "security": if auth == Auth::Bearer { json!([{ "bearer": [] }]) } else { json!([]) },
        "responses": {
            "200": { "description": "Success", "content": json_content(response) },
            "default": { "description": "Error: errors lists every invalid field", "content": json_content("UnaportError") },
        },
    });
    if !path.is_empty() {
        operation["parameters"] = path.iter().map(|name| path_parameter(name)).collect();
    }
    if let Some(request) = request {
        operation["requestBody"] = json!({ "required": true, "content": json_content(request) });
    }
    operation
}

/// Returns an operation whose response is a file.
fn file_operation(summary: &str, path: &[&str]) -> Value {
    let mut operation = build_operation(summary, Auth::Bearer, path, None, "UnaportError");
    let bytes = json!({ "schema": { "type": "string", "format": "binary" } });
    operation["responses"]["200"]["content"] =
        json!({ xlsx::MEDIA_TYPE: bytes, pdf::MEDIA_TYPE: bytes });
    operation
}

fn path_parameter(name: &str) -> Value {
    json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
}

/// Returns the schema of a request from its table of field rules.
fn form_schema(rules: &[FieldRule]) -> Value {
    let mut schema = json!({ "type": "object", "required": [], "properties": {} });
    for rule in rules {
        let mut node = &mut schema;
        let mut names = rule.path.split('.').peekable();
        while let Some(name) = names.next() {
            if rule.presence == Presence::Required {
                let required = node["required"].as_array_mut().expect("a list");
                if !required.iter().any(|known| known == name) {
                    required.push(name.into());
                }
            }
            let properties = node["properties"].as_object_mut().expect("an object");
            let is_leaf = names.peek().is_none() && !matches!(rule.field_type, FieldType::Object);
            node = properties.entry(name).or_insert_with(|| {
                if is_leaf {
                    field_schema(rule)
                } else {
                    json!({ "type": "object", "required": [], "properties": {} })
                }
            });
        }
    }
    schema
}

fn field_schema(rule: &FieldRule) -> Value {
    let mut schema: Map<String, Value> = match rule.field_type {
        FieldType::OneOf(names) => return enum_schema(names()),
        FieldType::ListOf(names) => return array_schema(&enum_schema(names())),
        FieldType::Count(digits) => {
            return json!({ "type": "integer", "minimum": 0, "maximum": 10_u64.pow(digits) - 1 });
        }
        FieldType::List | FieldType::Identifiers => return json!({ "type": "array", "items": {} }),
        FieldType::Months(..) => {
            let number = json!({ "type": "integer" });
            let text =
                json!({ "type": "string", "maxLength": rule.length.map(|length| length.max) });
            return json!({ "oneOf": [text, number] });
        }
        FieldType::Email => [("type", "string"), ("format", "email")],
        FieldType::Url => [("type", "string"), ("format", "uri")],
        FieldType::DateTime => [("type", "string"), ("format", "date-time")],
        FieldType::Text | FieldType::Phone | FieldType::Object => {
            [("type", "string"), ("type", "string")]
        }
    }
    .map(|(name, value)| (name.to_owned(), value.into()))
    .into_iter()
    .collect();
    if let Some(length) = rule.length {
        schema.insert("maxLength".to_owned(), length.max.into());
        if length.min > 0 {
            schema.insert("minLength".to_owned(), length.min.into());
        }
    }
    schema.into()
}

/// The sections of analytics, as recorded.
const ANALYTICS_SECTIONS: [&str; 22] = [
    "emi",
    "summary",
    "cashflowAnalysis",
    "overview",
    "irregularities",
    "bouncedCheque",
    "recurringDeposits",
    "recurringPayments",
    "loans",
    "salary",
    "utilization",
    "returnsAndCharges",
    "loanAnalysis",
    "monthlyCounterparty",
    "circularTransactions",
    "customAnalysis",
    "cashflow",
    "bizCashFlow",
    "dailyBalance",
    "UPIAnalysis",
    "categories",
    "counterparties",
];

/// Returns the schema of an array that may be empty, unlike [`array_schema`].
fn possibly_empty_array(items: &Value) -> Value {
    json!({ "type": "array", "items": items })
}

fn nullable_schema(mut schema: Value) -> Value {
    schema["nullable"] = true.into();
    schema
}

/// Returns the schema of a response with the envelope of v2.0.0, which is optional because 1.7 has
/// none.
fn envelope_schema(fields: &[(&str, Value)]) -> Value {
    let head = [
        ("version?", enum_schema(["2.0.0"])),
        ("txnId?", uuid_schema()),
        ("timestamp?", timestamp_schema()),
    ];
    object_schema(&[&head, fields].concat())
}

pub fn build_schemas() -> Value {
    let entity = object_schema(&[("entityId", string_schema()), ("id", uuid_schema())]);
    let head = [
        ("ver", enum_schema(["2.0.0"])),
        ("timestamp", timestamp_schema()),
        ("txnid", string_schema()),
    ];
    let notification = notification_schema(&head);
    let rows = json!({ "type": "array", "items": { "type": "object" } });
    let tab = object_schema(&[
        ("summary", rows.clone()),
        ("accountHolder", rows.clone()),
        ("transactions", rows),
    ]);
    let template = object_schema(&[
        ("productId", uuid_schema()),
        ("productName", string_schema()),
        ("orgId", string_schema()),
        ("createdAt", timestamp_schema()),
        ("ConsentDetail", json!({ "type": "object" })),
    ]);
    json!({
        "UnaportLogin": form_schema(LOGIN_RULES),
        "UnaportRefresh": form_schema(REFRESH_RULES),
        "UnaportTemplate": form_schema(template::RULES),
        "UnaportConsent": form_schema(RULES),
        "UnaportConsentByTemplate": form_schema(RULES_WITH_TEMPLATE),
        "UnaportTokens": envelope_schema(&[
            ("access_token", string_schema()),
            ("expires_in", integer_schema(1)),
            ("refresh_expires_in", integer_schema(1)),
            ("refresh_token", string_schema()),
            ("token_type", enum_schema(["Bearer"])),
        ]),
        "UnaportClientOrganisation": object_schema(&[
            ("ver", enum_schema(["2.0.0"])),
            ("fiulive", entity.clone()),
            ("fiutest", entity),
            ("orgId", string_schema()),
            ("timestamp", timestamp_schema()),
            ("txnId", uuid_schema()),
        ]),
        "UnaportOrganisation": object_schema(&[
            ("data", object_schema(&[("id", string_schema())])),
            ("fiulive", nullable_schema(json!({}))),
            ("fiutest", object_schema(&[("id", uuid_schema()), ("fiuId", string_schema())])),
            ("status", enum_schema(["success"])),
        ]),
        "UnaportTemplateSaved": envelope_schema(&[("productId", uuid_schema()), ("productName?", string_schema()), ("status?", string_schema())]),
        "UnaportTemplates": envelope_schema(&[("Data", possibly_empty_array(&template))]),
        "UnaportConsentCreated": object_schema(&[
            &head[..],
            &[
                ("Customer", object_schema(&[("id", string_schema())])),
                ("ConsentHandle", uuid_schema()),
                ("success", string_schema()),
                ("redirectUrl", string_schema()),
            ],
        ].concat()),
        "UnaportRevoked": object_schema(&[
            &head[..],
            &[
                ("consentId", uuid_schema()),
                ("consentHandle", uuid_schema()),
                ("consentStatus", enum_schema(["REVOKED"])),
                ("success", string_schema()),
            ],
        ].concat()),
        "UnaportRecords": object_schema(&[("Data", array_schema(&consent_record_schema()))]),
        "UnaportFetchStatus": object_schema(&[("data", possibly_empty_array(&notification)), ("status", enum_schema(["success"]))]),
        "UnaportData": envelope_schema(&[
            ("tabs", possibly_empty_array(&object_schema(&[("name", string_schema())]))),
            ("DEPOSIT?", tab.clone()),
            ("DEPOSIT_V2?", tab),
        ]),
        "UnaportGenerated": object_schema(&[("reportId", string_schema()), ("status", enum_schema(["200", "202"]))]),
        "UnaportAnalytics": object_schema(&ANALYTICS_SECTIONS.map(|name| (name, json!({})))),
        "UnaportAccounts": possibly_empty_array(&object_schema(&[
            ("session_id", uuid_schema()),
            ("analytic_id", integer_schema(1)),
            ("fip", string_schema()),
            ("account_no", string_schema()),
            ("fi_status", enum_schema(FiStatus::ALL.iter().map(|status| status.as_str()))),
            ("refereuce_number", string_schema()),
            ("fi_discription", string_schema()),
        ])),
        "UnaportError": object_schema(&[
            ("timestamp", timestamp_schema()),
            ("status", integer_schema(400)),
            ("error", string_schema()),
            ("message", string_schema()),
            ("path", string_schema()),
            ("txnId", string_schema()),
            ("version", enum_schema(["2.0.0"])),
            ("errors", possibly_empty_array(&schema_ref("UnaportFieldError"))),
        ]),
        "UnaportFieldError": object_schema(&[("field", string_schema()), ("message", string_schema())]),
    })
}

/// Returns the schema of a data notification with this head.
fn notification_schema(head: &[(&str, Value)]) -> Value {
    let account = object_schema(&[
        ("linkRefNumber", string_schema()),
        (
            "FIStatus",
            enum_schema(FiStatus::ALL.iter().map(|status| status.as_str())),
        ),
        ("description", string_schema()),
    ]);
    let fi_status = object_schema(&[
        ("sessionId", uuid_schema()),
        (
            "sessionStatus",
            enum_schema(SessionStatus::ALL.iter().map(|status| status.as_str())),
        ),
        (
            "FIStatusResponse",
            array_schema(&object_schema(&[
                ("fipID", string_schema()),
                ("Accounts", array_schema(&account)),
            ])),
        ),
    ]);
    object_schema(
        &[
            head,
            &[
                (
                    "Notifier",
                    object_schema(&[("type", string_schema()), ("id", string_schema())]),
                ),
                ("FIStatusNotification", fi_status),
            ],
        ]
        .concat(),
    )
}

/// Returns the schema of a consent record of Check Consent Status.
fn consent_record_schema() -> Value {
    object_schema(&[
        ("id", integer_schema(1)),
        ("trackingId", string_schema()),
        ("vuaId", string_schema()),
        ("orgId", string_schema()),
        ("consentHandle", uuid_schema()),
        (
            "approveStatus",
            enum_schema(["PENDING", "READY", "FAILED", "EXPIRED"]),
        ),
        (
            "consentStatus",
            enum_schema([
                "CREATED", "ACTIVE", "PAUSED", "REVOKED", "EXPIRED", "REJECTED",
            ]),
        ),
        (
            "fetchType",
            enum_schema(FetchType::ALL.iter().map(|kind| kind.as_str())),
        ),
        ("consentId", nullable_schema(uuid_schema())),
        ("createdAt", timestamp_schema()),
        ("notificationDate", nullable_schema(timestamp_schema())),
        ("consentStart", timestamp_schema()),
        ("consentExpried", timestamp_schema()),
        ("lastRuntime", nullable_schema(timestamp_schema())),
        ("nextRuntime", nullable_schema(timestamp_schema())),
        ("updatedOn", nullable_schema(timestamp_schema())),
        ("createdBy", string_schema()),
        ("aaId", string_schema()),
        ("consentsDetail", string_schema()),
        ("signedConsent", nullable_schema(string_schema())),
        ("consentidCalled", integer_schema(0)),
        ("runCounter", integer_schema(0)),
        ("consentidError", nullable_schema(string_schema())),
    ])
}
