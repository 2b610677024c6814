//! The calls of the Unaport FIU API. What a request may have comes from the tables that requests are checked against.

use serde_json::{Map, Value, json};

use super::{content, count, instant, list, object, one_of, reference, text, uuid};
use crate::domain::consent::FetchType;
use crate::domain::session::{FiStatus, SessionStatus};
use crate::wire::export::{pdf, xlsx};
use crate::wire::unaport::auth::{LOGIN_RULES, REFRESH_RULES};
use crate::wire::unaport::consent::{RULES, RULES_WITH_TEMPLATE};
use crate::wire::unaport::field_rules::{FieldRule, FieldType, Presence};
use crate::wire::unaport::template;

/// The hosts, as paths.
const COMMON: &str = "/api/v1";
const APP: &str = "/backend-v2/api/v2";

pub fn paths() -> Value {
    let mut paths = consents_and_data();
    let more = analytics_and_files();
    paths
        .as_object_mut()
        .expect("an object")
        .extend(more.as_object().expect("an object").clone());
    paths
}

fn analytics_and_files() -> Value {
    json!({
        format!("{APP}/FIU/FI/Analytic/{{org_id}}/{{sessionId}}"): {
            "get": call("Generate analytics", true, &["org_id", "sessionId"], None, "UnaportGenerated"),
        },
        format!("{APP}/FIU/FI/AnalyticAggregate/{{org_id}}/{{sessionId}}"): {
            "get": call("Generate aggregate analytics", true, &["org_id", "sessionId"], None, "UnaportGenerated"),
        },
        format!("{APP}/FIU/Analitic/{{analyticId}}/{{sessionId}}"): {
            "get": call("Fetch an account's analytics", true, &["analyticId", "sessionId"], None, "UnaportAnalytics"),
        },
        format!("{APP}/FIU/AnaliticAggregate/{{sessionId}}"): {
            "get": call("Fetch aggregate analytics", true, &["sessionId"], None, "UnaportAnalytics"),
        },
        format!("{APP}/FIU/Analitic/Export/{{analyticId}}"): {
            "get": file("An account's analytics as a file", &["analyticId"]),
        },
        format!("{APP}/FIU/AnaliticAggregate/Export/{{sessionId}}"): {
            "get": file("Aggregate analytics as a file", &["sessionId"]),
        },
        format!("{APP}/FIU/Export/{{entity}}/{{sessionId}}"): {
            "get": file("A session's data as a workbook", &["entity", "sessionId"]),
        },
        format!("{APP}/FIU/ExportPdf/{{entity}}/{{sessionId}}"): {
            "get": file("A session's data as a printed statement", &["entity", "sessionId"]),
        },
    })
}

fn consents_and_data() -> Value {
    let revoke = || {
        call(
            "Revoke a consent",
            true,
            &["org_id", "consentId"],
            None,
            "UnaportRevoked",
        )
    };
    json!({
        format!("{COMMON}/public/user/login"): { "post": call("Log in", false, &[], Some("UnaportLogin"), "UnaportTokens") },
        format!("{COMMON}/public/user/refreshToken"): {
            "post": call("Get fresh tokens", false, &[], Some("UnaportRefresh"), "UnaportTokens"),
        },
        format!("{COMMON}/FIU/getClientOrganisation"): {
            "get": call("Your organisation", true, &[], None, "UnaportClientOrganisation"),
        },
        format!("{COMMON}/FIU/getOrganisation"): {
            "get": call("Your organisation, in the older form", true, &[], None, "UnaportOrganisation"),
        },
        format!("{APP}/FIU/InsertProduct/{{org_id}}"): {
            "post": call("Create a consent template", true, &["org_id"], Some("UnaportTemplate"), "UnaportTemplateSaved"),
        },
        format!("{APP}/FIU/ProductList/{{org_id}}"): {
            "get": call("List consent templates", true, &["org_id"], None, "UnaportTemplates"),
        },
        format!("{APP}/FIU/Consents/{{org_id}}"): {
            "post": call("Create a consent", true, &["org_id"], Some("UnaportConsent"), "UnaportConsentCreated"),
        },
        format!("{APP}/FIU/Consents/product/{{org_id}}"): {
            "post": call(
                "Create a consent with a template",
                true,
                &["org_id"],
                Some("UnaportConsentByTemplate"),
                "UnaportConsentCreated",
            ),
        },
        format!("{APP}/FIU/Consents/revoke/{{org_id}}/{{consentId}}"): { "post": revoke(), "put": revoke() },
        format!("{APP}/FIU/Consents/{{org_id}}/{{consentId}}"): { "delete": revoke() },
        format!("{APP}/FIU/GetConsent/{{consentHandle}}"): {
            "get": call("Check a consent's status", true, &["consentHandle"], None, "UnaportRecords"),
        },
        format!("{APP}/FIU/FINotification/{{consentHandle}}"): {
            "get": call("Check how a consent's data fares", true, &["consentHandle"], None, "UnaportFetchStatus"),
        },
        format!("{APP}/FIU/FifetchDataBySessionId/{{sessionId}}"): {
            "get": call("Fetch data", true, &["sessionId"], None, "UnaportData"),
        },
        format!("{APP}/FIU/FI/AccountDetail/{{sessionId}}"): {
            "get": call("A session's accounts (1.7)", true, &["sessionId"], None, "UnaportAccounts"),
        },
        format!("{APP}/public/shorten/{{code}}"): {
            "get": {
                "summary": "The customer's link: leads to the consent's page",
                "parameters": [in_path("code")],
                "responses": {
                    "302": { "description": "To the page" },
                    "default": { "description": "Refused", "content": content("UnaportError") },
                },
            },
        },
    })
}

fn call(summary: &str, bearer: bool, path: &[&str], request: Option<&str>, answer: &str) -> Value {
    let mut operation = json!({
        "summary": summary,
        "security": if bearer { json!([{ "bearer": [] }]) } else { json!([]) },
        "responses": {
            "200": { "description": "Done", "content": content(answer) },
            "default": { "description": "Refused: errors has all that is wrong", "content": content("UnaportError") },
        },
    });
    if !path.is_empty() {
        operation["parameters"] = path.iter().map(|name| in_path(name)).collect();
    }
    if let Some(request) = request {
        operation["requestBody"] = json!({ "required": true, "content": content(request) });
    }
    operation
}

/// A call that answers with a file.
fn file(summary: &str, path: &[&str]) -> Value {
    let mut operation = call(summary, true, path, None, "UnaportError");
    let bytes = json!({ "schema": { "type": "string", "format": "binary" } });
    operation["responses"]["200"]["content"] =
        json!({ xlsx::MEDIA_TYPE: bytes, pdf::MEDIA_TYPE: bytes });
    operation
}

fn in_path(name: &str) -> Value {
    json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
}

/// A table as a schema.
fn form(rules: &[FieldRule]) -> Value {
    let mut schema = json!({ "type": "object", "required": [], "properties": {} });
    for rule in rules {
        let mut place = &mut schema;
        let mut names = rule.path.split('.').peekable();
        while let Some(name) = names.next() {
            if rule.presence == Presence::Required {
                let required = place["required"].as_array_mut().expect("a list");
                if !required.iter().any(|known| known == name) {
                    required.push(name.into());
                }
            }
            let properties = place["properties"].as_object_mut().expect("an object");
            let inner = || json!({ "type": "object", "required": [], "properties": {} });
            let leaf = || field(rule);
            let is_leaf = names.peek().is_none() && !matches!(rule.field_type, FieldType::Object);
            place = properties
                .entry(name)
                .or_insert_with(|| if is_leaf { leaf() } else { inner() });
        }
    }
    schema
}

fn field(rule: &FieldRule) -> Value {
    let mut schema: Map<String, Value> = match rule.field_type {
        FieldType::OneOf(names) => return one_of(names()),
        FieldType::ListOf(names) => return list(&one_of(names())),
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

/// Of analytics, as recorded.
const SECTIONS: [&str; 22] = [
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

fn maybe(mut schema: Value) -> Value {
    schema["nullable"] = true.into();
    schema
}

/// What answers of v2.0.0 begin with; those of 1.7 do not have it.
fn enveloped(fields: &[(&str, Value)]) -> Value {
    let head = [
        ("version?", one_of(["2.0.0"])),
        ("txnId?", uuid()),
        ("timestamp?", instant()),
    ];
    object(&[&head, fields].concat())
}

pub fn schemas() -> Value {
    let entity = object(&[("entityId", text()), ("id", uuid())]);
    let head = [
        ("ver", one_of(["2.0.0"])),
        ("timestamp", instant()),
        ("txnid", text()),
    ];
    let notification = notification(&head);
    let rows = json!({ "type": "array", "items": { "type": "object" } });
    let tab = object(&[
        ("summary", rows.clone()),
        ("accountHolder", rows.clone()),
        ("transactions", rows),
    ]);
    let any_list = |items: Value| json!({ "type": "array", "items": items });
    let template = object(&[
        ("productId", uuid()),
        ("productName", text()),
        ("orgId", text()),
        ("createdAt", instant()),
        ("ConsentDetail", json!({ "type": "object" })),
    ]);
    json!({
        "UnaportLogin": form(LOGIN_RULES),
        "UnaportRefresh": form(REFRESH_RULES),
        "UnaportTemplate": form(template::RULES),
        "UnaportConsent": form(RULES),
        "UnaportConsentByTemplate": form(RULES_WITH_TEMPLATE),
        "UnaportTokens": enveloped(&[
            ("access_token", text()),
            ("expires_in", count(1)),
            ("refresh_expires_in", count(1)),
            ("refresh_token", text()),
            ("token_type", one_of(["Bearer"])),
        ]),
        "UnaportClientOrganisation": object(&[
            ("ver", one_of(["2.0.0"])),
            ("fiulive", entity.clone()),
            ("fiutest", entity),
            ("orgId", text()),
            ("timestamp", instant()),
            ("txnId", uuid()),
        ]),
        "UnaportOrganisation": object(&[
            ("data", object(&[("id", text())])),
            ("fiulive", maybe(json!({}))),
            ("fiutest", object(&[("id", uuid()), ("fiuId", text())])),
            ("status", one_of(["success"])),
        ]),
        "UnaportTemplateSaved": enveloped(&[("productId", uuid()), ("productName?", text()), ("status?", text())]),
        "UnaportTemplates": enveloped(&[("Data", any_list(template))]),
        "UnaportConsentCreated": object(&[
            &head[..],
            &[
                ("Customer", object(&[("id", text())])),
                ("ConsentHandle", uuid()),
                ("success", text()),
                ("redirectUrl", text()),
            ],
        ].concat()),
        "UnaportRevoked": object(&[
            &head[..],
            &[
                ("consentId", uuid()),
                ("consentHandle", uuid()),
                ("consentStatus", one_of(["REVOKED"])),
                ("success", text()),
            ],
        ].concat()),
        "UnaportRecords": object(&[("Data", list(&record()))]),
        "UnaportFetchStatus": object(&[("data", any_list(notification)), ("status", one_of(["success"]))]),
        "UnaportData": enveloped(&[
            ("tabs", any_list(object(&[("name", text())]))),
            ("DEPOSIT?", tab.clone()),
            ("DEPOSIT_V2?", tab),
        ]),
        "UnaportGenerated": object(&[("reportId", text()), ("status", one_of(["200", "202"]))]),
        "UnaportAnalytics": object(&SECTIONS.map(|name| (name, json!({})))),
        "UnaportAccounts": any_list(object(&[
            ("session_id", uuid()),
            ("analytic_id", count(1)),
            ("fip", text()),
            ("account_no", text()),
            ("fi_status", one_of(FiStatus::ALL.iter().map(|status| status.as_str()))),
            ("refereuce_number", text()),
            ("fi_discription", text()),
        ])),
        "UnaportError": object(&[
            ("timestamp", instant()),
            ("status", count(400)),
            ("error", text()),
            ("message", text()),
            ("path", text()),
            ("txnId", text()),
            ("version", one_of(["2.0.0"])),
            ("errors", any_list(reference("UnaportFieldProblem"))),
        ]),
        "UnaportFieldProblem": object(&[("field", text()), ("problem", text())]),
    })
}

/// A data notification, whose head is that of the other messages.
fn notification(head: &[(&str, Value)]) -> Value {
    let account = object(&[
        ("linkRefNumber", text()),
        (
            "FIStatus",
            one_of(FiStatus::ALL.iter().map(|status| status.as_str())),
        ),
        ("description", text()),
    ]);
    let news = object(&[
        ("sessionId", uuid()),
        (
            "sessionStatus",
            one_of(SessionStatus::ALL.iter().map(|status| status.as_str())),
        ),
        (
            "FIStatusResponse",
            list(&object(&[("fipID", text()), ("Accounts", list(&account))])),
        ),
    ]);
    object(
        &[
            head,
            &[
                ("Notifier", object(&[("type", text()), ("id", text())])),
                ("FIStatusNotification", news),
            ],
        ]
        .concat(),
    )
}

/// A consent as Check Consent Status shows it.
fn record() -> Value {
    object(&[
        ("id", count(1)),
        ("trackingId", text()),
        ("vuaId", text()),
        ("orgId", text()),
        ("consentHandle", uuid()),
        (
            "approveStatus",
            one_of(["PENDING", "READY", "FAILED", "EXPIRED"]),
        ),
        (
            "consentStatus",
            one_of([
                "CREATED", "ACTIVE", "PAUSED", "REVOKED", "EXPIRED", "REJECTED",
            ]),
        ),
        (
            "fetchType",
            one_of(FetchType::ALL.iter().map(|kind| kind.as_str())),
        ),
        ("consentId", maybe(uuid())),
        ("createdAt", instant()),
        ("notificationDate", maybe(instant())),
        ("consentStart", instant()),
        ("consentExpried", instant()),
        ("lastRuntime", maybe(instant())),
        ("nextRuntime", maybe(instant())),
        ("updatedOn", maybe(instant())),
        ("createdBy", text()),
        ("aaId", text()),
        ("consentsDetail", text()),
        ("signedConsent", maybe(text())),
        ("consentidCalled", count(0)),
        ("runCounter", count(0)),
        ("consentidError", maybe(text())),
    ])
}
