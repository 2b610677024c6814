//! The section `webhooks`: what the sandbox sends to an FIU, with headers.

use serde_json::{Map, Value, json};

use super::schema::{
    any_list_of, any_text, count, list_of, nullable, object, one_of, reference, timestamp, uuid,
};
use crate::domain::consent::Status;
use crate::domain::notification::NotificationKind;
use crate::domain::session::{FiStatus, SessionStatus};
use crate::domain::unaport::AnalyticsStatus;
use crate::domain::version::RebitVersion;

/// The tag of all webhooks.
pub(crate) const TAG: &str = "Webhooks";

/// A kind of webhook of one API.
struct Webhook {
    name: &'static str,
    kind: NotificationKind,
    summary: &'static str,
    component: &'static str,
}

const WEBHOOKS: [Webhook; 7] = [
    Webhook {
        name: "consentStatus",
        kind: NotificationKind::ConsentStatus,
        summary: "The status of a consent of the ReBIT or seed API has changed",
        component: "ConsentStatusWebhook",
    },
    Webhook {
        name: "dataStatus",
        kind: NotificationKind::FiStatus,
        summary: "FIPs have answered a data request over ReBIT",
        component: "DataStatusWebhook",
    },
    Webhook {
        name: "statement",
        kind: NotificationKind::FiData,
        summary: "The statements themselves, where they are pushed; an extension of mockaa",
        component: "StatementWebhook",
    },
    Webhook {
        name: "unaportConsentStatus",
        kind: NotificationKind::ConsentStatus,
        summary: "The status of an Unaport consent has changed",
        component: "UnaportConsentWebhook",
    },
    Webhook {
        name: "unaportDataStatus",
        kind: NotificationKind::FiStatus,
        summary: "The data of an Unaport consent has arrived",
        component: "UnaportDataWebhook",
    },
    Webhook {
        name: "unaportStatement",
        kind: NotificationKind::FiData,
        summary: "The statements of an Unaport consent, where they are pushed",
        component: "UnaportStatementWebhook",
    },
    Webhook {
        name: "unaportAnalytics",
        kind: NotificationKind::Analytics,
        summary: "The analytics of a session are complete",
        component: "UnaportAnalyticsWebhook",
    },
];

/// The headers of every webhook: name, description.
const HEADERS: [(&str, &str); 5] = [
    (
        "aa_api_key",
        "Token (JWT) of the AA, or its API key if one is configured",
    ),
    (
        "x-jws-signature",
        "Detached JWS over the body, RS256; absent if the FIU's signature profile is off",
    ),
    (
        "webhook-id",
        "Id of the message, the same in each retry (Standard Webhooks)",
    ),
    (
        "webhook-timestamp",
        "Time of the attempt in seconds since 1970 (Standard Webhooks)",
    ),
    (
        "webhook-signature",
        "HMAC-SHA256 with the FIU's webhook secret (Standard Webhooks)",
    ),
];

/// Returns the section; `examples` has a body under the name of each webhook.
pub(crate) fn build_webhooks(examples: &Value) -> Value {
    let webhooks = WEBHOOKS.iter().map(|webhook| {
        let headers: Vec<_> = HEADERS
            .iter()
            .map(|(name, description)| {
                json!({
                    "name": name,
                    "in": "header",
                    "required": *name != "x-jws-signature",
                    "description": description,
                    "schema": { "type": "string" },
                })
            })
            .collect();
        let mut media = json!({ "schema": reference(webhook.component) });
        let example = &examples[webhook.name];
        if !example.is_null() {
            media["example"] = example.clone();
        }
        let operation = json!({
            "operationId": webhook.name,
            "tags": [TAG],
            "summary": webhook.summary,
            "description": format!("POST {} below the FIU's base URL, unless the FIU has a URL of its own for it. The notify action of a scenario sends any body", webhook.kind.default_path()),
            "parameters": headers,
            "requestBody": { "required": true, "content": { "application/json": media } },
            "responses": {
                "2XX": {
                    "description": "Received. The body is not needed; ReBIT's acknowledgement is checked if it is there",
                    "content": { "application/json": { "schema": reference("NotificationResponse") } },
                },
                "410": { "description": "Not wanted any more: the delivery ends" },
            },
        });
        (webhook.name.to_owned(), json!({ "post": operation }))
    });
    webhooks.collect::<Map<_, _>>().into()
}

/// Returns the schemas of the bodies.
pub(crate) fn build_schemas() -> Value {
    let versions = RebitVersion::ALL.iter().map(|version| version.as_str());
    let head = [
        ("ver", one_of(versions)),
        ("timestamp", timestamp()),
        ("txnid", uuid()),
        (
            "Notifier",
            object(&[("type", one_of(["AA"])), ("id", any_text())]),
        ),
    ];
    let unaport_ids = [
        ("trackingId?", any_text()),
        ("consentId?", nullable(uuid())),
    ];
    // `docs/architecture.md#one-lifecycle`
    let rebit_statuses = [
        Status::Active,
        Status::Paused,
        Status::Revoked,
        Status::Expired,
        Status::Rejected,
    ];
    let unaport_statuses = Status::ALL
        .iter()
        .filter(|status| **status != Status::Pending)
        .map(|status| status.as_str());
    let consent_status = object(&[
        ("consentId?", uuid()),
        ("consentHandle", uuid()),
        ("consentStatus", one_of(rebit_statuses.map(Status::as_str))),
    ]);
    let unaport_consent_status = object(&[
        ("consentId", nullable(uuid())),
        ("consentHandle", uuid()),
        ("consentStatus", one_of(unaport_statuses)),
    ]);
    let data_status = [("FIStatusNotification", data_status_schema())];
    let statement = [("FIData", statement_schema())];
    json!({
        "ConsentStatusWebhook": object(&[&head[..], &[("ConsentStatusNotification", consent_status)]].concat()),
        "DataStatusWebhook": object(&[&head[..], &data_status].concat()),
        "StatementWebhook": object(&[&head[..], &data_status, &statement].concat()),
        "UnaportConsentWebhook": object(&[&head[..], &[("ConsentStatusNotification", unaport_consent_status)], &unaport_ids].concat()),
        "UnaportDataWebhook": object(&[&head[..], &data_status, &unaport_ids].concat()),
        "UnaportStatementWebhook": object(&[&head[..], &data_status, &statement, &unaport_ids].concat()),
        "UnaportAnalyticsWebhook": object(&[
            &[
                ("version", one_of(["2.0.0"])),
                ("txnId", uuid()),
                ("timestamp", timestamp()),
                ("sessionId", uuid()),
                ("analyticId", any_list_of(&count())),
                ("status", one_of(AnalyticsStatus::ALL.iter().map(|status| status.as_str()))),
            ][..],
            &unaport_ids,
        ].concat()),
    })
}

/// Returns the schema of the status of a session and of its accounts.
pub(crate) fn data_status_schema() -> Value {
    let account = object(&[
        ("linkRefNumber", any_text()),
        (
            "FIStatus",
            one_of(FiStatus::ALL.iter().map(|status| status.as_str())),
        ),
        ("description", any_text()),
    ]);
    object(&[
        ("sessionId", uuid()),
        (
            "sessionStatus",
            one_of(SessionStatus::ALL.iter().map(|status| status.as_str())),
        ),
        (
            "FIStatusResponse",
            list_of(&object(&[
                ("fipID", any_text()),
                ("Accounts", list_of(&account)),
            ])),
        ),
    ])
}

fn statement_schema() -> Value {
    let document = object(&[
        ("fipID", any_text()),
        ("linkRefNumber", any_text()),
        ("maskedAccNumber", any_text()),
        ("FI", any_text()),
    ]);
    object(&[
        ("consentId", uuid()),
        ("consentHandle", uuid()),
        ("statement", json!({ "type": "object" })),
        ("xml", any_list_of(&document)),
    ])
}
