//! The seed calls.

use std::path::Path;

use reqwest::Method;
use serde_json::Value;

use crate::helpers::{FIU_1_KEY, TestApp, seed_request};
use crate::jws_verifier::{JwsVerifier, decode_base64};
use crate::skip::report_skip;

#[tokio::test]
async fn post_consent_answers_the_shape_of_the_seed() {
    let app = TestApp::start().await;
    let reply = app.post("/consent", &seed_request()).await;
    assert_eq!(
        reply.signature, None,
        "the seed documents have unsigned responses"
    );
    reply.expect_ok();
    insta::assert_snapshot!(reply.text);
}

#[tokio::test]
async fn get_consent_answers_every_field_of_the_seed() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    let id = app.fetch_consent(&handle).await["consentId"]
        .as_str()
        .expect("an id")
        .to_owned();
    let reply = app.get(&format!("/consent/{id}")).await;
    reply.expect_ok();
    insta::assert_snapshot!(reply.text);
}

/// Every key path of the samples in the documents is in the responses, with a value of the same
/// type.
#[tokio::test]
async fn answers_have_the_key_paths_and_types_of_the_seed_documents() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/seeds");
    if !seeds.exists() {
        report_skip("the seed documents in ../shared/seeds");
        return;
    }
    let sample = |file: &str| -> Value {
        let text = std::fs::read_to_string(seeds.join(file)).expect("a seed document");
        let (_, output) = text.split_once("Output").expect("an output section");
        let start = output.find('{').expect("a JSON object");
        serde_json::from_str(&output[start..]).expect("the sample is JSON")
    };
    let app = TestApp::start().await;
    let created = app.post("/consent", &seed_request()).await.expect_ok();
    assert_same_shape("", &sample("post-consent.txt"), &created);

    let handle = crate::helpers::extract_handle(&created);
    app.apply_verb(&handle, "approve").await.expect_ok();
    let id = app.fetch_consent(&handle).await["consentId"]
        .as_str()
        .expect("an id")
        .to_owned();
    assert_same_shape(
        "",
        &sample("get-consent-id.txt"),
        &app.get(&format!("/consent/{id}")).await.expect_ok(),
    );
}

fn assert_same_shape(path: &str, sample: &Value, ours: &Value) {
    match (sample, ours) {
        (Value::Object(sample), Value::Object(ours)) => {
            let keys =
                |map: &serde_json::Map<String, Value>| map.keys().cloned().collect::<Vec<_>>();
            assert_eq!(keys(sample), keys(ours), "keys at {path}");
            for (key, value) in sample {
                assert_same_shape(&format!("{path}/{key}"), value, &ours[key]);
            }
        }
        (Value::Array(sample), Value::Array(ours)) => {
            assert_same_shape(&format!("{path}/0"), &sample[0], &ours[0]);
        }
        _ => assert_eq!(
            std::mem::discriminant(sample),
            std::mem::discriminant(ours),
            "type at {path}"
        ),
    }
}

#[tokio::test]
async fn the_digital_signature_is_the_aas_over_the_bytes_of_consent_detail() {
    let app = TestApp::start().await;
    let handle = app.raise_consent_for("9999999001@onemoney").await;
    let id = app.fetch_consent(&handle).await["consentId"]
        .as_str()
        .expect("an id")
        .to_owned();
    let verifier = JwsVerifier::from_published_keys(&app).await;
    // The first call creates the signature, the second reads it from the cache.
    for _ in 0..2 {
        let text = app.get(&format!("/consent/{id}")).await.text;
        let (_, rest) = text.split_once("\"ConsentDetail\":").expect("a detail");
        let (detail, rest) = rest
            .split_once(",\"consentDetailDigitalSignature\":\"")
            .expect("a signature");
        let (signature, _) = rest.split_once('"').expect("a closing quote");
        assert!(verifier.is_valid(detail.as_bytes(), &decode_base64(signature)));
        assert!(!verifier.is_valid(
            detail.replace("VIEW", "STORE").as_bytes(),
            &decode_base64(signature)
        ));
    }
}

#[tokio::test]
async fn a_vdr_provider_is_kept_and_an_absent_one_stays_absent() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    let answer = app.get(&format!("/consent/{handle}")).await.expect_ok();
    assert_eq!(
        answer["ConsentDetail"]["VDRProvider"],
        serde_json::json!({ "vdrpid": "VDR-1", "fiuid": "FIU-1" })
    );

    let handle = app
        .raise_consent(|body| crate::helpers::set_path(body, "ConsentDetail.VDRProvider", None))
        .await;
    let absent = app.get(&format!("/consent/{handle}")).await.expect_ok();
    assert!(absent["ConsentDetail"].get("VDRProvider").is_none());
}

#[tokio::test]
async fn the_seeds_dates_need_a_worlds_clock_of_their_time() {
    let app = TestApp::start_with(|builder| builder.clock("2026-11-21T00:00:00Z,frozen")).await;
    let mut body = seed_request();
    let reply = app.post("/consent", &body).await;
    assert_eq!(reply.status, 400);
    insta::assert_json_snapshot!(reply.json());
    assert_eq!(app.count_consents().await, 0);

    body["ConsentDetail"]["consentExpiry"] = "2027-12-30T11:39:57.153Z".into();
    app.post("/consent", &body).await.expect_ok();
}

#[tokio::test]
async fn before_approval_the_handle_returns_the_request_status() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    let answer = app.get(&format!("/consent/{handle}")).await.expect_ok();
    assert_eq!(answer["status"], "PENDING");
    assert!(
        answer.get("consentId").is_none() && answer.get("consentDetailDigitalSignature").is_none()
    );
    app.apply_verb(&handle, "reject").await.expect_ok();
    assert_eq!(
        app.get(&format!("/consent/{handle}")).await.expect_ok()["status"],
        "REJECTED"
    );
}

#[tokio::test]
async fn every_base_path_reaches_the_same_call() {
    let app = TestApp::start().await;
    for base_path in ["", "/v1", "/v2", "/V2", "/proxy/v2"] {
        let reply = app
            .post(&format!("{base_path}/consent"), &seed_request())
            .await
            .expect_ok();
        let handle = crate::helpers::extract_handle(&reply);
        assert_eq!(
            app.get(&format!("{base_path}/consent/{handle}"))
                .await
                .expect_ok()["status"],
            "PENDING"
        );
    }
}

#[tokio::test]
async fn a_number_in_a_filter_stays_a_number_that_javascript_prints_alike() {
    let app = TestApp::start().await;
    for (sent, returned) in [
        ("20000", "20000"),
        ("20000.0", "20000"),
        ("1500.5", "1500.5"),
        ("\"20000\"", "\"20000\""),
    ] {
        let text = serde_json::to_string(&seed_request()).expect("JSON");
        let reply = app
            .post_text(
                "/consent",
                text.replace("\"value\":20000", &format!("\"value\":{sent}")),
            )
            .await;
        let handle = crate::helpers::extract_handle(&reply.expect_ok());
        let text = app.get(&format!("/consent/{handle}")).await.text;
        assert!(
            text.contains(&format!("\"value\":{returned}}}]")),
            "{sent}: {text}"
        );
    }
}

#[tokio::test]
async fn the_api_key_comes_bare_or_as_bearer() {
    let app = TestApp::start_with(|builder| builder.security(mockaa::SecurityMode::Strict)).await;
    for (value, status) in [
        (FIU_1_KEY.to_owned(), 200),
        (format!("Bearer {FIU_1_KEY}"), 200),
        ("wrong".to_owned(), 401),
    ] {
        let mut body = seed_request();
        body["ConsentDetail"]["DataConsumer"]["id"] = "FIU-1".into();
        body["txnid"] = app.next_txnid().into();
        let request = app
            .request(Method::POST, "/consent")
            .header("Authorization", &value)
            .json(&body);
        assert_eq!(app.send(request).await.status, status, "{value}");
    }
    assert_eq!(app.post("/consent", &seed_request()).await.status, 401);
}

#[tokio::test]
async fn the_sample_pasted_as_printed_gets_the_worlds_now() {
    let app = TestApp::start().await;
    let reply = app
        .post_text(
            "/consent",
            include_str!("../../fixtures/seed/consent-request.json"),
        )
        .await
        .expect_ok();
    let consent = app
        .fetch_consent(&crate::helpers::extract_handle(&reply))
        .await;
    assert_eq!(consent["consentStart"], crate::helpers::NOW);
    // ReBIT does not define this variable.
    let mut body = crate::helpers::rebit_request();
    body["ConsentDetail"]["consentStart"] = "{{current_timestamp}}".into();
    assert_eq!(app.post("/Consent", &body).await.status, 400);
}
