//! ReBIT 2.x: the consent calls and their error responses.

use serde_json::{Value, json};

use crate::helpers::{TestApp, extract_handle, rebit_message, rebit_request, set_path};
use crate::jws_verifier::JwsVerifier;

#[tokio::test]
async fn a_consent_is_raised_looked_up_and_fetched() {
    let app = TestApp::start().await;
    let verifier = JwsVerifier::from_published_keys(&app).await;
    let created = app.post("/Consent", &rebit_request()).await;
    insta::assert_json_snapshot!("raised", created.expect_ok());
    let handle = extract_handle(&created.json());

    let pending = app
        .post("/Consent/handle", &rebit_message("ConsentHandle", &handle))
        .await;
    insta::assert_json_snapshot!("pending", pending.expect_ok());

    app.apply_verb(&handle, "approve").await.expect_ok();
    let approved = app
        .post("/Consent/handle", &rebit_message("ConsentHandle", &handle))
        .await;
    insta::assert_json_snapshot!("approved", approved.expect_ok());

    let id = approved.json()["ConsentStatus"]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let fetched = app
        .post("/Consent/fetch", &rebit_message("consentId", &id))
        .await;
    insta::assert_json_snapshot!("fetched", fetched.expect_ok());
    let signed = fetched.json()["signedConsent"]
        .as_str()
        .expect("a JWS")
        .to_owned();
    insta::assert_json_snapshot!("artefact", verifier.decode_compact(&signed));

    for reply in [created, pending, approved, fetched] {
        let signature = reply.signature.expect("every answer is signed");
        assert!(verifier.is_valid_detached(&signature, reply.text.as_bytes()));
    }
}

#[tokio::test]
async fn a_customer_known_by_mobile_number_gets_an_address() {
    let app = TestApp::start().await;
    let mut body = rebit_request();
    body["ConsentDetail"]["Customer"] =
        json!({ "Identifiers": [{ "type": "MOBILE", "value": "9876543210" }] });
    assert_eq!(
        app.post("/Consent", &body).await.expect_ok()["Customer"]["id"],
        "9876543210@mockaa"
    );
}

/// Handle status and artefact status after each transition
/// (`docs/sources.md#consent-handle-states`, `docs/sources.md#consent-artefact-states`).
#[tokio::test]
async fn handle_and_artefact_states_follow_the_table() {
    let app = TestApp::start().await;
    let cases: [(&[&str], &str, &str); 9] = [
        (&[], "PENDING", "-"),
        (&["approve"], "APPROVED", "ACTIVE"),
        (&["approve", "pause"], "APPROVED", "PAUSED"),
        (&["approve", "pause", "resume"], "APPROVED", "ACTIVE"),
        (&["approve", "revoke"], "APPROVED", "REVOKED"),
        (&["approve", "expire"], "APPROVED", "EXPIRED"),
        (&["expire"], "EXPIRED", "-"),
        (&["reject"], "REJECTED", "-"),
        (&["fail"], "FAILED", "-"),
    ];
    for (moves, handle_status, artefact_status) in cases {
        let handle = extract_handle(&app.post("/Consent", &rebit_request()).await.expect_ok());
        for verb in moves {
            app.apply_verb(&handle, verb).await.expect_ok();
        }
        let looked_up = app
            .post("/Consent/handle", &rebit_message("ConsentHandle", &handle))
            .await
            .expect_ok();
        assert_eq!(
            looked_up["ConsentStatus"]["status"], handle_status,
            "{moves:?}"
        );
        let artefact = match looked_up["ConsentStatus"]["id"].as_str() {
            None => "-".to_owned(),
            Some(id) => app
                .post("/Consent/fetch", &rebit_message("consentId", id))
                .await
                .expect_ok()["status"]
                .as_str()
                .expect("a status")
                .to_owned(),
        };
        assert_eq!(artefact, artefact_status, "{moves:?}");
    }
}

#[tokio::test]
async fn a_consent_held_at_ready_has_an_id_and_no_artefact_yet() {
    let app = TestApp::start().await;
    let request = app
        .request(reqwest::Method::POST, "/Consent")
        .header("x-mockaa-scenario", "hold-at-ready");
    let handle = extract_handle(&app.send(request.json(&rebit_request())).await.expect_ok());
    app.advance_clock("2s").await;
    let ready = app
        .post("/Consent/handle", &rebit_message("ConsentHandle", &handle))
        .await
        .expect_ok();
    assert_eq!(ready["ConsentStatus"]["status"], "READY");
    let id = ready["ConsentStatus"]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let early = app
        .post("/Consent/fetch", &rebit_message("consentId", &id))
        .await;
    assert_eq!(
        (early.status.as_u16(), early.json()["errorCode"].as_str()),
        (400, Some("InvalidConsentId"))
    );
    app.advance_clock("5s").await;
    assert_eq!(
        app.post("/Consent/fetch", &rebit_message("consentId", &id))
            .await
            .expect_ok()["status"],
        "ACTIVE"
    );
}

#[tokio::test]
async fn rejections_are_signed_error_responses_with_the_requests_txnid() {
    let app = TestApp::start().await;
    let verifier = JwsVerifier::from_published_keys(&app).await;
    let unknown = "00000000-0000-4000-8000-000000000000";
    let with = |change: fn(&mut Value)| {
        let mut body = rebit_request();
        change(&mut body);
        body.to_string()
    };
    let cases: [(&str, &str, String); 12] = [
        (
            "unknown handle",
            "/Consent/handle",
            rebit_message("ConsentHandle", unknown).to_string(),
        ),
        (
            "handle that is none",
            "/Consent/handle",
            rebit_message("ConsentHandle", "39e108fe").to_string(),
        ),
        (
            "unknown id",
            "/Consent/fetch",
            rebit_message("consentId", unknown).to_string(),
        ),
        (
            "blank id",
            "/Consent/fetch",
            rebit_message("consentId", " ").to_string(),
        ),
        ("bad JSON", "/Consent", "{\"ver\":".to_owned()),
        (
            "missing field",
            "/Consent",
            with(|body| set_path(body, "ConsentDetail.Purpose.code", None)),
        ),
        (
            "missing type",
            "/Consent",
            with(|body| set_path(body, "ConsentDetail.DataConsumer.type", None)),
        ),
        (
            "wrong ver",
            "/Consent",
            with(|body| set_path(body, "ver", Some("2.0.1".into()))),
        ),
        (
            "old ver",
            "/Consent/handle",
            rebit_message("ConsentHandle", unknown)
                .to_string()
                .replace("2.0.0", "1.1.3"),
        ),
        (
            "number in filter",
            "/Consent",
            with(|body| set_path(body, "ConsentDetail.DataFilter.0.value", Some(5.into()))),
        ),
        (
            "no address",
            "/Consent",
            with(|body| set_path(body, "ConsentDetail.Customer.id", Some("9999999999".into()))),
        ),
        (
            "stale",
            "/Consent",
            with(|body| set_path(body, "timestamp", Some("2020-07-04T05:44:59.999Z".into()))),
        ),
    ];
    let mut transcript = String::new();
    for (name, path, body) in cases {
        let reply = app.post_text(path, body).await;
        let signature = reply
            .signature
            .as_deref()
            .expect("errors are signed as well");
        assert!(verifier.is_valid_detached(signature, reply.text.as_bytes()));
        transcript += &format!("{name}: {} {}\n", reply.status.as_u16(), reply.text);
    }
    insta::assert_snapshot!(transcript);
    assert_eq!(app.count_consents().await, 0);
}
