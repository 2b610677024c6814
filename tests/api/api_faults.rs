//! Faults in API responses: each fault by name, observed by a client on a plain socket, and the
//! faulty responses with which a certification suite's mock AA tests an FIU.

use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{NOW, TestApp, rebit_request, seed_request};
use crate::jws_verifier::{JwsVerifier, decode_base64};
use crate::participants::Journey;
use crate::raw_http;

/// Sends a request without checking the response against a specification, because it is wrong on
/// purpose.
async fn send_unchecked(
    app: &TestApp,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> (u16, Option<String>, String) {
    let mut request = app.request(method, path);
    if let Some(body) = body {
        request = request.json(body);
    }
    let response = request.send().await.expect("an answer");
    let signature = response
        .headers()
        .get("x-jws-signature")
        .map(|value| value.to_str().expect("text").to_owned());
    (
        response.status().as_u16(),
        signature,
        response.text().await.expect("a body"),
    )
}

#[tokio::test]
async fn connections_are_reset_closed_cut_and_garbled() {
    let app = TestApp::start().await;
    let address = app.sandbox.base_url();
    let call_with_fault = async |fault: &str| {
        app.put_faults(&format!("api_faults: [{{ fault: {{ {fault} }} }}]"))
            .await
            .expect_ok();
        raw_http::send_raw_request(&address, &raw_http::build_get_request("/Heartbeat")).await
    };
    let empty = call_with_fault("empty_response: {}").await;
    assert_eq!(
        (empty.bytes.len(), empty.error),
        (0, None),
        "closed without a response"
    );
    let reset = call_with_fault("reset: {}").await;
    assert_eq!(
        reset.error,
        Some(std::io::ErrorKind::ConnectionReset),
        "{}",
        reset.text()
    );
    assert!(
        reset.text().starts_with("HTTP/1.1 200"),
        "in the middle: {}",
        reset.text()
    );
    let truncated = call_with_fault("truncated_chunk: {}").await;
    assert!(
        truncated.text().contains("transfer-encoding: chunked"),
        "{}",
        truncated.text()
    );
    assert!(
        !truncated.bytes.ends_with(b"0\r\n\r\n") && !truncated.body().is_empty(),
        "{}",
        truncated.text()
    );
    let malformed = call_with_fault("malformed_chunk: {}").await;
    assert!(
        malformed.bytes.ends_with(b"this is no chunk\r\n"),
        "{}",
        malformed.text()
    );
    let slow = call_with_fault("slow_body: { over: 200ms }").await;
    assert!(
        slow.reads > 5 && slow.text().contains("\"Status\""),
        "{} {}",
        slow.reads,
        slow.text()
    );
    // No effect of a fault lasts longer than the fault.
    app.send(app.request(Method::DELETE, "/_mockaa/v1/faults"))
        .await
        .expect_ok();
    app.get("/Heartbeat").await.expect_ok();
}

#[tokio::test]
async fn a_status_fault_answers_before_execution_in_each_apis_error_format() {
    let app = TestApp::start().await;
    let faults = "api_faults: [{ where: { op: consent.create, calls: 1..2 }, fault: { status: 503, retry_after: 1500ms } }]";
    for (path, body) in [("/consent", seed_request()), ("/Consent", rebit_request())] {
        app.post("/_mockaa/v1/reset", &Value::Null)
            .await
            .expect_ok();
        app.put_faults(faults).await.expect_ok();
        for _ in 0..2 {
            let response = app
                .request(Method::POST, path)
                .json(&body)
                .send()
                .await
                .expect("an answer");
            assert_eq!(
                (
                    response.status().as_u16(),
                    &response.headers()["retry-after"]
                ),
                (503, &"2".parse().expect("a value"))
            );
            assert_eq!(
                response.json::<Value>().await.expect("JSON")["errorCode"],
                "ServiceUnavailable"
            );
        }
        assert_eq!(app.count_consents().await, 0, "the call has no effect");
        app.post(path, &body).await.expect_ok();
        assert_eq!(app.count_consents().await, 1);
    }
    let login = json!({ "emailId": "a@b.in", "password": "x" });
    app.put_faults("api_faults: [{ where: { op: login }, fault: { status: 429 } }]")
        .await
        .expect_ok();
    let (status, _, text) = send_unchecked(
        &app,
        Method::POST,
        "/api/v1/public/user/login",
        Some(&login),
    )
    .await;
    assert_eq!(
        (
            status,
            serde_json::from_str::<Value>(&text).expect("JSON")["status"].clone()
        ),
        (429, json!(429))
    );
    app.put_faults("api_faults: [{ fault: { status: 409, error_code: IdempotencyError } }]")
        .await
        .expect_ok();
    let (status, signature, text) = send_unchecked(&app, Method::GET, "/Heartbeat", None).await;
    assert!(
        status == 409 && text.contains("IdempotencyError") && signature.is_some(),
        "{text}"
    );
}

#[tokio::test]
async fn faults_are_chosen_by_call_count_chance_customer_and_time_to_live() {
    let app = TestApp::start().await;
    let statuses = async |count: usize| {
        let mut statuses = Vec::new();
        for _ in 0..count {
            statuses.push(
                send_unchecked(&app, Method::GET, "/Heartbeat", None)
                    .await
                    .0,
            );
        }
        statuses
    };
    // Random faults are drawn from the seed: about half of the responses, and the same ones each
    // time.
    let half =
        "api_faults: [{ where: { op: heartbeat, probability: 0.5 }, fault: { status: 500 } }]";
    app.put_faults(half).await.expect_ok();
    let sample = statuses(40).await;
    let failed = sample.iter().filter(|status| **status == 500).count();
    assert!((10..=30).contains(&failed), "{failed} of 40");
    app.post("/_mockaa/v1/reset", &Value::Null)
        .await
        .expect_ok();
    app.put_faults(half).await.expect_ok();
    assert_eq!(statuses(40).await, sample);

    app.put_faults("api_faults: [{ where: { calls: 2..3 }, fault: { status: 500 } }]")
        .await
        .expect_ok();
    assert_eq!(statuses(5).await, [200, 500, 500, 200, 200]);

    let customer_fault =
        "api_faults: [{ where: { customer: \"98765*@mockaa\" }, fault: { status: 500 } }]";
    app.put_faults(customer_fault).await.expect_ok();
    assert_eq!(statuses(1).await, [200]);
    assert_eq!(
        send_unchecked(&app, Method::POST, "/Consent", Some(&rebit_request()))
            .await
            .0,
        500
    );
    let mut other = rebit_request();
    other["ConsentDetail"]["Customer"]["id"] = "1234500001@mockaa".into();
    assert_eq!(
        send_unchecked(&app, Method::POST, "/Consent", Some(&other))
            .await
            .0,
        200
    );

    // A rule with a duration of 0 never applies, and a `ttl` of 0 is rejected.
    app.put_faults("api_faults: [{ where: { for: 0s }, fault: { status: 500 } }]")
        .await
        .expect_ok();
    assert_eq!(statuses(2).await, [200, 200]);
    let reply = app
        .put_faults("api_faults: [{ fault: { status: 500 } }]\nttl: 0s")
        .await;
    assert_eq!(reply.status, 400);
    assert_eq!(statuses(1).await, [200]);
}

#[tokio::test]
async fn answers_take_their_time() {
    let app = TestApp::start().await;
    app.put_faults("api_faults: [{ where: { op: heartbeat }, fault: { latency: 300ms } }]")
        .await
        .expect_ok();
    let heartbeat = send_unchecked(&app, Method::GET, "/Heartbeat", None);
    let livez = send_unchecked(&app, Method::GET, "/livez", None);
    let first = tokio::select! { _ = heartbeat => "heartbeat", _ = livez => "livez" };
    assert_eq!(first, "livez", "other calls are not delayed");
    send_unchecked(&app, Method::GET, "/Heartbeat", None).await;
    let entries = app
        .get("/_mockaa/v1/journal/wait?op=heartbeat&within=20s")
        .await
        .expect_ok();
    assert_eq!(entries["items"][0]["call"]["faults"], json!(["latency"]));
}

#[tokio::test]
async fn what_is_signed_is_wrong() {
    let app = TestApp::start().await;
    let verifier = JwsVerifier::from_published_keys(&app).await;
    let handle =
        crate::helpers::extract_handle(&app.post("/Consent", &rebit_request()).await.expect_ok());
    app.apply_verb(&handle, "approve").await.expect_ok();
    let body = json!({ "ver": "2.0.0", "timestamp": NOW, "txnid": "0b811819-9044-4856-b0ee-8c88035f8858", "ConsentHandle": handle });
    let fetch_status_with_fault = async |fault: &str| {
        app.put_faults(&format!(
            "api_faults: [{{ where: {{ op: consent.status }}, fault: {{ {fault} }} }}]"
        ))
        .await
        .expect_ok();
        let (status, signature, text) =
            send_unchecked(&app, Method::POST, "/Consent/handle", Some(&body)).await;
        assert_eq!(status, 200, "{text}");
        let is_valid =
            verifier.is_valid_detached(&signature.expect("a signature"), text.as_bytes());
        (
            is_valid,
            serde_json::from_str::<Value>(&text).expect("JSON"),
        )
    };
    assert!(!fetch_status_with_fault("wrong_signature: {}").await.0);
    let (is_valid, answer) = fetch_status_with_fault("missing_field: ConsentStatus.status").await;
    assert!(
        is_valid
            && answer["ConsentStatus"].get("status").is_none()
            && answer["ConsentStatus"]["id"].is_string()
    );
    let (is_valid, answer) =
        fetch_status_with_fault("set_field: { field: ConsentStatus.status, value: FAILED }").await;
    assert_eq!(
        (is_valid, &answer["ConsentStatus"]["status"]),
        (true, &json!("FAILED"))
    );
    let (is_valid, answer) = fetch_status_with_fault("wrong_version: 2.0.00").await;
    assert_eq!((is_valid, &answer["ver"]), (true, &json!("2.0.00")));
    let (is_valid, answer) = fetch_status_with_fault("stale_timestamp: { by: 16m }").await;
    assert_eq!(
        (is_valid, &answer["timestamp"]),
        (true, &json!("2020-07-04T05:44:00.000Z"))
    );
    let (is_valid, answer) = fetch_status_with_fault("future_timestamp: { by: 16m }").await;
    assert_eq!(
        (is_valid, &answer["timestamp"]),
        (true, &json!("2020-07-04T06:16:00.000Z"))
    );
    let (is_valid, answer) = fetch_status_with_fault("wrong_txnid: {}").await;
    assert!(
        is_valid
            && answer["txnid"] != body["txnid"]
            && answer["txnid"].as_str().is_some_and(|id| id.len() == 36)
    );
}

#[tokio::test]
async fn an_answer_is_stale() {
    let app = TestApp::start().await;
    app.put_faults(
        "api_faults: [{ where: { op: consent.status, calls: 2 }, fault: { stale_response: {} } }]",
    )
    .await
    .expect_ok();
    let handle =
        crate::helpers::extract_handle(&app.post("/Consent", &rebit_request()).await.expect_ok());
    let body = json!({ "ver": "2.0.0", "timestamp": NOW, "txnid": "0b811819-9044-4856-b0ee-8c88035f8858", "ConsentHandle": handle });
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let (_, _, text) = send_unchecked(&app, Method::POST, "/Consent/handle", Some(&body)).await;
        statuses.push(
            serde_json::from_str::<Value>(&text).expect("JSON")["ConsentStatus"]["status"].clone(),
        );
        if statuses.len() == 1 {
            app.apply_verb(&handle, "approve").await.expect_ok();
        }
    }
    assert_eq!(
        statuses,
        [json!("PENDING"), json!("PENDING"), json!("APPROVED")]
    );
}

/// Returns the consent in a `signedConsent`, and whether its signature by the AA is valid.
fn decode_signed_consent(verifier: &JwsVerifier, signed: &str) -> (Value, bool) {
    let parts: Vec<_> = signed.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        panic!("a compact JWS has three parts: {signed}")
    };
    let genuine = verifier.is_valid(
        format!("{header}.{payload}").as_bytes(),
        &decode_base64(signature),
    );
    (
        serde_json::from_slice(&decode_base64(payload)).expect("JSON"),
        genuine,
    )
}

#[tokio::test]
async fn a_consent_is_tampered_with_in_every_way() {
    let app = TestApp::start().await;
    let verifier = JwsVerifier::from_published_keys(&app).await;
    let journey = Journey::new(&app);
    let (_, id) = journey.raise_and_approve(|_| ()).await;
    let body = json!({ "ver": "2.0.0", "timestamp": NOW, "txnid": "0b811819-9044-4856-b0ee-8c88035f8858", "consentId": id });
    let fetch_tampered = async |mode: &str| {
        let faults = format!(
            "api_faults: [{{ where: {{ op: consent.fetch }}, fault: {{ tampered_consent: {mode} }} }}]"
        );
        app.put_faults(&faults).await.expect_ok();
        let (_, signature, text) =
            send_unchecked(&app, Method::POST, "/Consent/fetch", Some(&body)).await;
        assert!(
            verifier.is_valid_detached(&signature.expect("a signature"), text.as_bytes()),
            "the response is signed correctly"
        );
        serde_json::from_str::<Value>(&text).expect("JSON")["signedConsent"]
            .as_str()
            .expect("a JWS")
            .to_owned()
    };
    let (original, genuine) = decode_signed_consent(&verifier, &{
        app.send(app.request(Method::DELETE, "/_mockaa/v1/faults"))
            .await
            .expect_ok();
        let (_, _, text) = send_unchecked(&app, Method::POST, "/Consent/fetch", Some(&body)).await;
        serde_json::from_str::<Value>(&text).expect("JSON")["signedConsent"]
            .as_str()
            .expect("a JWS")
            .to_owned()
    });
    assert!(genuine);
    let (payload, genuine) = decode_signed_consent(&verifier, &fetch_tampered("payload").await);
    assert!(
        payload != original && !genuine,
        "changed after it was signed"
    );
    let unsigned = fetch_tampered("unsigned").await;
    assert!(unsigned.ends_with('.'), "{unsigned}");
    assert_eq!(
        decode_signed_consent(&verifier, &fetch_tampered("wrong_key").await),
        (original.clone(), false)
    );
    let (payload, genuine) = decode_signed_consent(&verifier, &fetch_tampered("extra_field").await);
    assert!(genuine && payload["xFutureField"].is_string());
    let (payload, genuine) =
        decode_signed_consent(&verifier, &fetch_tampered("missing_field").await);
    assert!(
        genuine
            && payload.as_object().map(serde_json::Map::len)
                < original.as_object().map(serde_json::Map::len)
    );
}

#[tokio::test]
async fn the_seed_api_is_tampered_with_too_and_signed_as_serialized() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| ()).await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    let verifier = JwsVerifier::from_published_keys(&app).await;
    let fetch_with_fault = async |fault: &str| {
        app.put_faults(&format!(
            "api_faults: [{{ where: {{ op: consent.fetch }}, fault: {{ {fault} }} }}]"
        ))
        .await
        .expect_ok();
        let (_, _, text) =
            send_unchecked(&app, Method::GET, &format!("/consent/{handle}"), None).await;
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        let start = text.find("\"ConsentDetail\":").expect("a detail") + "\"ConsentDetail\":".len();
        let mut details = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Value>();
        details.next();
        let detail = text[start..start + details.byte_offset()].to_owned();
        let signature = answer["consentDetailDigitalSignature"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        (
            verifier.is_valid(detail.as_bytes(), &decode_base64(&signature)),
            answer,
        )
    };
    assert!(
        fetch_with_fault("missing_field: txnid").await.0,
        "the signature covers only the detail"
    );
    assert!(!fetch_with_fault("tampered_consent: payload").await.0);
    assert!(!fetch_with_fault("tampered_consent: wrong_key").await.0);
    assert!(!fetch_with_fault("tampered_consent: unsigned").await.0);
    let (is_valid, answer) = fetch_with_fault("tampered_consent: extra_field").await;
    assert!(is_valid && answer["ConsentDetail"]["xFutureField"].is_string());
}

/// The kinds of faulty response with which the certification suite's mock AA tests an FIU: case,
/// operation and fault. Source: certification suite FIU 2.0.0, FIU_1024 to FIU_1041
/// (`docs/sources.md#certification-cases`).
const CERTIFICATION_FAULTS: [(&str, &str, &str); 17] = [
    ("FIU_1024_1", "consent.status", "wrong_version: 9.9.9"),
    ("FIU_1024_2", "consent.status", "wrong_version: 2.0.00"),
    ("FIU_1024_3", "consent.status", "wrong_version: \"2.0.\""),
    (
        "FIU_1025_1",
        "consent.status",
        "future_timestamp: { by: 16m }",
    ),
    (
        "FIU_1025_2",
        "consent.status",
        "stale_timestamp: { by: 16m }",
    ),
    (
        "FIU_1028_1",
        "consent.status",
        "set_field: { field: ConsentStatus.status, value: FAILED }",
    ),
    ("FIU_1030_1", "consent.status", "wrong_signature: {}"),
    (
        "FIU_1033_1",
        "consent.fetch",
        "set_field: { field: consentId, value: 811819 }",
    ),
    (
        "FIU_1034_1",
        "consent.fetch",
        "set_field: { field: status, value: PAUSED }",
    ),
    (
        "FIU_1035_1",
        "consent.fetch",
        "set_field: { field: status, value: REVOKED }",
    ),
    (
        "FIU_1037_1",
        "consent.fetch",
        "set_field: { field: createTimestamp, value: 04-07-2020 }",
    ),
    ("FIU_1038_1", "consent.fetch", "tampered_consent: unsigned"),
    (
        "FIU_1038_2",
        "consent.fetch",
        "tampered_consent: extra_field",
    ),
    (
        "FIU_1038_3",
        "consent.fetch",
        "tampered_consent: missing_field",
    ),
    (
        "FIU_1039_1",
        "consent.fetch",
        "set_field: { field: ConsentUse.count, value: \"1\" }",
    ),
    ("FIU_1040_1", "consent.fetch", "tampered_consent: wrong_key"),
    ("FIU_1041_1", "consent.fetch", "wrong_signature: {}"),
];

#[tokio::test]
async fn every_faulty_answer_of_the_certification_suite_can_be_given() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (handle, id) = journey.raise_and_approve(|_| ()).await;
    let txnid = "0b811819-9044-4856-b0ee-8c88035f8858";
    let status =
        json!({ "ver": "2.0.0", "timestamp": NOW, "txnid": txnid, "ConsentHandle": handle });
    let fetch = json!({ "ver": "2.0.0", "timestamp": NOW, "txnid": txnid, "consentId": id });
    for (case, op, fault) in CERTIFICATION_FAULTS {
        let (path, body) = if op == "consent.status" {
            ("/Consent/handle", &status)
        } else {
            ("/Consent/fetch", &fetch)
        };
        app.send(app.request(Method::DELETE, "/_mockaa/v1/faults"))
            .await
            .expect_ok();
        let correct = send_unchecked(&app, Method::POST, path, Some(body)).await;
        app.put_faults(&format!(
            "api_faults: [{{ where: {{ op: {op} }}, fault: {{ {fault} }} }}]"
        ))
        .await
        .expect_ok();
        let faulty = send_unchecked(&app, Method::POST, path, Some(body)).await;
        assert_eq!(faulty.0, 200, "{case}");
        assert_ne!(
            (&faulty.1, &faulty.2),
            (&correct.1, &correct.2),
            "{case}: {fault}"
        );
    }
}

#[tokio::test]
async fn the_journal_has_every_call_without_its_secrets() {
    let app = TestApp::start().await;
    let request = app
        .request(Method::POST, "/Consent")
        .header("client_api_key", crate::helpers::FIU_1_KEY);
    let handle =
        crate::helpers::extract_handle(&app.send(request.json(&rebit_request())).await.expect_ok());
    let login = json!({ "emailId": "a@b.in", "password": "open sesame" });
    app.post("/api/v1/public/user/login", &login)
        .await
        .expect_ok();
    send_unchecked(&app, Method::GET, "/consents", None).await;
    let journal = app.get("/_mockaa/v1/journal?kind=call").await.expect_ok();
    let text = journal.to_string();
    for secret in [crate::helpers::FIU_1_KEY, "open sesame"] {
        assert!(!text.contains(secret), "{secret} is on record: {text}");
    }
    let calls = journal["items"].as_array().expect("a list");
    // A token; the detached signature of the first answer begins so too, and is no secret.
    assert!(!calls[1].to_string().contains("eyJ"), "{}", calls[1]);
    let ops: Vec<_> = calls
        .iter()
        .map(|entry| entry["call"]["op"].as_str().expect("an op"))
        .collect();
    assert_eq!(ops, ["consent.create", "login", "unknown"]);
    let create = &calls[0];
    assert_eq!(
        (&create["consentHandle"], &create["customer"]),
        (&json!(handle), &json!("9876500001@mockaa"))
    );
    assert_eq!(
        (&create["call"]["fiuId"], &create["call"]["status"]),
        (&json!("FIU-1"), &json!(200))
    );
    assert_eq!(
        serde_json::from_str::<Value>(create["call"]["body"].as_str().expect("a body"))
            .expect("JSON"),
        rebit_request()
    );
}

#[tokio::test]
async fn a_scenario_slows_its_consents_answers_down() {
    let app = TestApp::start().await;
    let file =
        "version: 1\nname: slow\nsteps: [approve: {}, set: { latency: 20ms, data: manual }]\n";
    app.send(
        app.request(Method::PUT, "/_mockaa/v1/scenarios/slow")
            .body(file),
    )
    .await
    .expect_ok();
    let handle = app.raise_with_scenario("slow").await;
    app.get(&format!("/consent/{handle}")).await.expect_ok();
    let calls = app
        .get("/_mockaa/v1/journal?op=consent.fetch")
        .await
        .expect_ok();
    assert_eq!(calls["items"][0]["call"]["faults"], json!(["latency"]));
}

#[tokio::test]
async fn sahamatis_headers_are_honoured() {
    let app = TestApp::start().await;
    let request = app
        .request(Method::POST, "/Consent")
        .header("x-scenario-id", "reject")
        .json(&rebit_request());
    let handle = crate::helpers::extract_handle(&app.send(request).await.expect_ok());
    assert_eq!(app.fetch_consent(&handle).await["scenario"], "reject");
    for (path, body) in [("/Consent", rebit_request()), ("/consent", seed_request())] {
        let request = app
            .request(Method::POST, path)
            .header("x-simulate-res", "ServiceUnavailable")
            .json(&body);
        assert_eq!(app.send(request).await.status, 503, "{path}");
    }
    assert_eq!(app.count_consents().await, 1);
    // `TimeOut` gives no response at all, however long the client waits.
    let timeout = app
        .request(Method::GET, "/Heartbeat")
        .header("x-simulate-res", "TimeOut");
    let result = timeout
        .timeout(std::time::Duration::from_millis(300))
        .send()
        .await;
    assert!(result.expect_err("there is no answer").is_timeout());
}

#[tokio::test]
async fn an_altered_answer_keeps_all_other_bytes() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (handle, id) = journey.raise_and_approve(|_| {}).await;
    for (path, message, pointer, field) in [
        ("/Consent/handle", "ConsentHandle", &handle, "status"),
        ("/Consent/fetch", "consentId", &id, "createTimestamp"),
    ] {
        let body = journey.build_message(message, pointer).await;
        let fetch = async || {
            send_unchecked(&app, Method::POST, path, Some(&body))
                .await
                .2
        };
        let original = fetch().await;
        let answer: Value = serde_json::from_str(&original).expect("JSON");
        let dotted = if path == "/Consent/handle" {
            format!("ConsentStatus.{field}")
        } else {
            field.to_owned()
        };
        let value = answer
            .pointer(&format!("/{}", dotted.replace('.', "/")))
            .expect("the field");
        app.put_faults(&format!(
            "api_faults: [{{ fault: {{ set_field: {{ field: {dotted}, value: x }} }} }}]"
        ))
        .await
        .expect_ok();
        let expected = original.replace(
            &format!("\"{field}\":{value}"),
            &format!("\"{field}\":\"x\""),
        );
        assert_ne!(expected, original, "{path}");
        assert_eq!(fetch().await, expected, "{path}");
        let delete = app.request(Method::DELETE, "/_mockaa/v1/faults/test");
        app.send(delete).await;
    }
}

/// A rule counts what it selects by what it is, and what it has spoilt.
#[tokio::test]
async fn a_fault_set_tells_its_hits() {
    let app = TestApp::start().await;
    let faults = "api_faults: [{ where: { op: login, calls: 2..3 }, fault: { status: 429 } }, \
                  { where: { op: fi.fetch }, fault: { status: 503 } }]";
    app.put_faults(faults).await.expect_ok();
    let login = json!({ "emailId": "dev@lender.example", "password": "any" });
    for _ in 0..4 {
        app.post("/api/v1/public/user/login", &login).await;
    }
    let set = app.get("/_mockaa/v1/faults/test").await.expect_ok();
    let hits = set["hits"].as_array().expect("a list");
    let counts: Vec<_> = hits
        .iter()
        .map(|rule| (rule["matched"].as_u64(), rule["planned"].as_u64()))
        .collect();
    assert_eq!(counts, [(Some(4), Some(2)), (Some(0), Some(0))]);
    assert!(hits[0]["lastPlannedAt"].is_string(), "{set}");
    assert!(hits[1]["lastPlannedAt"].is_null(), "{set}");
    // A set that is replaced begins again.
    app.put_faults(faults).await.expect_ok();
    let set = app.get("/_mockaa/v1/faults/test").await.expect_ok();
    assert_eq!(set["hits"][0]["matched"], 0);
}
