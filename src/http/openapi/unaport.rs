//! Schemas of the Unaport FIU API. Request schemas come from the tables that
//! validate requests.

use serde_json::{Value, json};

use super::schema::{
    any_list_of, any_text, integer_from, list_of, nullable, object, one_of, reference, timestamp,
    uuid,
};
use super::webhooks::data_status_schema;
use crate::domain::session::FiStatus;
use crate::domain::terms::FetchType;
use crate::wire::consent_detail::IdentifierType;
use crate::wire::redirect_url::REDIRECT_URL_PATTERN;
use crate::wire::unaport::auth::{LOGIN_RULES, REFRESH_RULES};
use crate::wire::unaport::consent::{RULES, RULES_WITH_TEMPLATE};
use crate::wire::unaport::field_rules::{FieldRule, FieldType, PHONE_LENGTH_MAX, Presence};
use crate::wire::unaport::template;

/// Returns the schema of a request from its table of field rules. A field that is required must not
/// be empty; a field that the table does not have is accepted.
pub(crate) fn form_schema(rules: &[FieldRule]) -> Value {
    let mut schema = json!({ "type": "object", "properties": {} });
    for rule in rules {
        let mut node = &mut schema;
        let mut names = rule.path.split('.').peekable();
        while let Some(name) = names.next() {
            if rule.presence != Presence::Optional {
                require_property(node, name);
            }
            let properties = node["properties"].as_object_mut().expect("an object");
            let is_leaf = names.peek().is_none() && !matches!(rule.field_type, FieldType::Object);
            node = properties.entry(name).or_insert_with(|| {
                if is_leaf {
                    field_schema(rule)
                } else {
                    json!({ "type": "object", "properties": {} })
                }
            });
        }
    }
    schema
}

fn require_property(schema: &mut Value, name: &str) {
    match schema["required"].as_array_mut() {
        None => schema["required"] = json!([name]),
        Some(names) if names.iter().any(|known| known == name) => {}
        Some(names) => names.push(name.into()),
    }
}

fn field_schema(rule: &FieldRule) -> Value {
    let is_required = rule.presence == Presence::Required;
    let mut schema = match rule.field_type {
        FieldType::OneOf(names) => return one_of(names()),
        FieldType::ListOf(names) if is_required => return list_of(&one_of(names())),
        FieldType::ListOf(names) => return any_list_of(&one_of(names())),
        FieldType::Count(digits) => {
            return json!({ "type": "integer", "minimum": 0, "maximum": 10_u64.pow(digits) - 1 });
        }
        FieldType::Identifiers => return any_list_of(&identifier_schema()),
        FieldType::List => return any_list_of(&json!({})),
        FieldType::Months(min, max) => {
            let number = json!({ "type": "integer", "minimum": min, "maximum": max });
            let text = json!({ "type": "string", "pattern": "^-?[0-9]{1,4}$" });
            return json!({ "anyOf": [text, number] });
        }
        FieldType::Email => json!({ "type": "string", "format": "email" }),
        FieldType::Url => {
            json!({ "type": "string", "format": "uri", "pattern": REDIRECT_URL_PATTERN })
        }
        FieldType::Phone => json!({ "type": "string", "pattern": "^\\+?[0-9]+$" }),
        FieldType::DateTime => return timestamp(),
        FieldType::Text if is_required => json!({ "type": "string", "pattern": "\\S" }),
        FieldType::Text | FieldType::Object => any_text(),
    };
    if let Some(length) = rule.length {
        schema["maxLength"] = length.max.into();
        if length.min > 0 {
            schema["minLength"] = length.min.into();
        }
    }
    schema
}

/// Returns the schema of an identifier of a customer.
fn identifier_schema() -> Value {
    let mobile = object(&[
        ("type", one_of([IdentifierType::Mobile.as_str()])),
        (
            "value",
            json!({ "type": "string", "pattern": "^\\+?[0-9]+$", "maxLength": PHONE_LENGTH_MAX }),
        ),
    ]);
    let other = object(&[
        (
            "type",
            one_of([
                IdentifierType::Email.as_str(),
                IdentifierType::Others.as_str(),
            ]),
        ),
        ("value", json!({ "type": "string", "pattern": "\\S" })),
    ]);
    json!({ "anyOf": [mobile, other] })
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

/// Returns the schema of a response with the envelope of v2.0.0, which is optional because 1.7 has
/// none.
fn envelope_schema(fields: &[(&str, Value)]) -> Value {
    let head = [
        ("version?", one_of(["2.0.0"])),
        ("txnId?", uuid()),
        ("timestamp?", timestamp()),
    ];
    object(&[&head, fields].concat())
}

pub(crate) fn build_schemas() -> Value {
    let entity = object(&[("entityId", any_text()), ("id", uuid())]);
    let head = [
        ("ver", one_of(["2.0.0"])),
        ("timestamp", timestamp()),
        ("txnid", any_text()),
    ];
    let notification = notification_schema(&head);
    let rows = json!({ "type": "array", "items": { "type": "object" } });
    let tab = object(&[
        ("summary", rows.clone()),
        ("accountHolder", rows.clone()),
        ("transactions", rows),
    ]);
    let template = object(&[
        ("productId", uuid()),
        ("productName", any_text()),
        ("orgId", any_text()),
        ("createdAt", timestamp()),
        ("ConsentDetail", json!({ "type": "object" })),
    ]);
    json!({
        "UnaportLogin": form_schema(LOGIN_RULES),
        "UnaportRefresh": form_schema(REFRESH_RULES),
        "UnaportTemplate": form_schema(template::RULES),
        "UnaportConsent": form_schema(RULES),
        "UnaportConsentByTemplate": form_schema(RULES_WITH_TEMPLATE),
        "UnaportTokens": envelope_schema(&[
            ("access_token", any_text()),
            ("expires_in", integer_from(1)),
            ("refresh_expires_in", integer_from(1)),
            ("refresh_token", any_text()),
            ("token_type", one_of(["Bearer"])),
        ]),
        "UnaportClientOrganisation": object(&[
            ("ver", one_of(["2.0.0"])),
            ("fiulive", entity.clone()),
            ("fiutest", entity),
            ("orgId", any_text()),
            ("timestamp", timestamp()),
            ("txnId", uuid()),
        ]),
        "UnaportOrganisation": object(&[
            ("data", object(&[("id", any_text())])),
            ("fiulive", json!({})),
            ("fiutest", object(&[("id", uuid()), ("fiuId", any_text())])),
            ("status", one_of(["success"])),
        ]),
        "UnaportTemplateSaved": envelope_schema(&[("productId", uuid()), ("productName?", any_text()), ("status?", any_text())]),
        "UnaportTemplates": envelope_schema(&[("Data", any_list_of(&template))]),
        "UnaportConsentCreated": object(&[
            &head[..],
            &[
                ("Customer", object(&[("id", any_text())])),
                ("ConsentHandle", uuid()),
                ("success", any_text()),
                ("redirectUrl", any_text()),
            ],
        ].concat()),
        "UnaportRevoked": object(&[
            &head[..],
            &[
                ("consentId", uuid()),
                ("consentHandle", uuid()),
                ("consentStatus", one_of(["REVOKED"])),
                ("success", any_text()),
            ],
        ].concat()),
        "UnaportRecords": object(&[("Data", list_of(&consent_record_schema()))]),
        "UnaportFetchStatus": object(&[("data", any_list_of(&notification)), ("status", one_of(["success"]))]),
        "UnaportData": envelope_schema(&[
            ("tabs", any_list_of(&object(&[("name", any_text())]))),
            ("DEPOSIT?", tab.clone()),
            ("DEPOSIT_V2?", tab),
        ]),
        "UnaportGenerated": object(&[("reportId", any_text()), ("status", one_of(["200", "202"]))]),
        "UnaportAnalytics": object(&ANALYTICS_SECTIONS.map(|name| (name, json!({})))),
        "UnaportAccounts": any_list_of(&object(&[
            ("session_id", uuid()),
            ("analytic_id", integer_from(1)),
            ("fip", any_text()),
            ("account_no", any_text()),
            ("fi_status", one_of(FiStatus::ALL.iter().map(|status| status.as_str()))),
            ("refereuce_number", any_text()),
            ("fi_discription", any_text()),
        ])),
        "UnaportError": object(&[
            ("timestamp", timestamp()),
            ("status", integer_from(400)),
            ("error", any_text()),
            ("message", any_text()),
            ("path", any_text()),
            ("txnId", any_text()),
            ("version", one_of(["2.0.0"])),
            ("errors", any_list_of(&reference("UnaportFieldError"))),
        ]),
        "UnaportFieldError": object(&[("field", any_text()), ("message", any_text())]),
    })
}

/// Returns the schema of a data notification with this head.
fn notification_schema(head: &[(&str, Value)]) -> Value {
    object(
        &[
            head,
            &[
                (
                    "Notifier",
                    object(&[("type", any_text()), ("id", any_text())]),
                ),
                ("FIStatusNotification", data_status_schema()),
            ],
        ]
        .concat(),
    )
}

/// Returns the schema of a consent record of Check Consent Status.
fn consent_record_schema() -> Value {
    object(&[
        ("id", integer_from(1)),
        ("trackingId", any_text()),
        ("vuaId", any_text()),
        ("orgId", any_text()),
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
        ("consentId", nullable(uuid())),
        ("createdAt", timestamp()),
        ("notificationDate", nullable(timestamp())),
        ("consentStart", timestamp()),
        ("consentExpried", timestamp()),
        ("lastRuntime", nullable(timestamp())),
        ("nextRuntime", nullable(timestamp())),
        ("updatedOn", nullable(timestamp())),
        ("createdBy", any_text()),
        ("aaId", any_text()),
        ("consentsDetail", any_text()),
        ("signedConsent", nullable(any_text())),
        ("consentidCalled", integer_from(0)),
        ("runCounter", integer_from(0)),
        ("consentidError", nullable(any_text())),
    ])
}
