//! Every `errorCode` that an AA can emit is emitted: by a rule, or, if no rule produces it, by a
//! fault that the caller requests.

use std::collections::BTreeSet;

use mockaa::internals::crypto::base64::url_encode;
use mockaa::internals::domain::error_code::ErrorCode;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestRunner};
use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{Reply, TestApp, rebit_message};
use crate::participants::{Journey, Participant, consent_request};

#[tokio::test]
async fn every_code_can_be_asked_for_with_its_status() {
    let app = TestApp::start().await;
    for code in ErrorCode::ALL {
        let request = app
            .request(Method::POST, "/FI/fetch")
            .header("x-mockaa-fault", code.as_str());
        let request = request.json(&rebit_message("sessionId", "x"));
        // Sent without `TestApp`, which checks responses against the specification: that allows few
        // of the codes at this call.
        let response = request.send().await.expect("a response");
        assert_eq!(response.status().as_u16(), code.status());
        assert!(response.headers().contains_key("x-jws-signature"));
        let answer: Value = response.json().await.expect("JSON");
        assert_eq!(answer["errorCode"], code.as_str());
        assert_eq!(answer["txnid"], "0b811819-9044-4856-b0ee-8c88035f8858");
    }
    let simulated = async |result: &str| {
        let request = app
            .request(Method::GET, "/Heartbeat")
            .header("x-simulate-res", result);
        request.send().await.expect("a response").status().as_u16()
    };
    let mut statuses = Vec::new();
    for result in [
        "Ok",
        "BadRequest",
        "Unauthorized",
        "NotFound",
        "Conflict",
        "PreconditionFail",
        "NotImplemented",
    ] {
        statuses.push(simulated(result).await);
    }
    assert_eq!(statuses, [200, 400, 401, 404, 409, 412, 501]);
    let request = app
        .request(Method::GET, "/Heartbeat")
        .header("x-mockaa-fault", "Boom");
    assert!(
        app.send(request)
            .await
            .text
            .contains("'Boom' is not one of InvalidRequest")
    );
    // The seed calls support requested faults as well.
    let request = app
        .request(Method::POST, "/consent")
        .header("x-mockaa-fault", "InternalError");
    assert_eq!(
        app.send(request.json(&crate::helpers::seed_request()))
            .await
            .status,
        500
    );
    assert_eq!(app.count_consents().await, 0);
}

/// Codes that no rule produces (`docs/architecture.md#errors`).
const BY_FAULT_ONLY: [&str; 6] = [
    "InvalidSecurity",
    "IdempotencyError",
    "PreconditionFailed",
    "InternalError",
    "NotImplemented",
    "ServiceUnavailable",
];

#[tokio::test]
async fn every_other_code_follows_from_a_rule() {
    let app = TestApp::start_with(mockaa::SandboxBuilder::manual_data).await;
    let journey = Journey::new(&app);
    let fiu = &journey.fiu;
    let mut seen = BTreeSet::new();
    let mut record_code = |reply: Reply| {
        assert!(!reply.status.is_success(), "{}", reply.text);
        seen.insert(
            reply.json()["errorCode"]
                .as_str()
                .expect("a code")
                .to_owned(),
        );
    };
    let raise = async |path: &str, value: Value| {
        let mut body = consent_request();
        crate::helpers::set_path(&mut body, path, Some(value));
        fiu.post(&app, "/Consent", &body).await
    };
    record_code(raise("ver", "9".into()).await);
    record_code(raise("txnid", "x".into()).await);
    record_code(raise("ConsentDetail.Purpose.code", "199".into()).await);
    record_code(raise("ConsentDetail.Customer.id", "nobody".into()).await);
    record_code(app.post("/Nonsense", &json!({})).await);
    let unknown = "00000000-0000-4000-8000-000000000000";
    record_code(
        fiu.post(
            &app,
            "/Consent/handle",
            &rebit_message("ConsentHandle", unknown),
        )
        .await,
    );
    record_code(
        fiu.post(&app, "/Consent/fetch", &rebit_message("consentId", unknown))
            .await,
    );
    record_code(
        fiu.post(&app, "/FI/fetch", &rebit_message("sessionId", unknown))
            .await,
    );

    let accounts = journey
        .list_accounts("9876500001@mockaa", "FIP-1", "DEPOSIT")
        .await;
    let refs: Vec<_> = accounts
        .iter()
        .map(|(account, _)| account.clone())
        .collect();
    journey
        .register_and_link("9876500001@mockaa", "FIP-1", &refs)
        .await;
    let (handle, id) = journey
        .raise_and_approve(|body| {
            body["ConsentDetail"]["Frequency"] = json!({ "unit": "HOUR", "value": 1 });
        })
        .await;
    let ask = async |path: &str, value: Value| {
        let mut body = journey.build_fi_request(&id).await;
        crate::helpers::set_path(&mut body, path, Some(value));
        fiu.post(&app, "/FI/request", &body).await
    };
    record_code(ask("KeyMaterial.Nonce", "x".into()).await);
    record_code(ask("FIDataRange.from", "2010-01-01T00:00:00.000Z".into()).await);
    record_code(ask("Consent.digitalSignature", "x".into()).await);
    let session = journey.open_session(&id).await;
    record_code(journey.request_data(&id).await);
    record_code(journey.fetch_data(&session).await);
    let deliver = json!({ "accounts": { (accounts[0].1.as_str()): "READY" } });
    app.post(&format!("/_mockaa/v1/sessions/{session}/deliver"), &deliver)
        .await
        .expect_ok();
    let fetch = async |name: &str, value: Value| {
        let mut body = rebit_message("sessionId", &session);
        body[name] = value;
        fiu.post(&app, "/FI/fetch", &body).await
    };
    record_code(fetch("linkRefNumber", json!([{ "id": accounts[1].1 }])).await);
    record_code(fetch("fipId", "FIP-9".into()).await);
    for verb in ["pause", "resume", "revoke"] {
        app.apply_verb(&handle, verb).await.expect_ok();
        if verb != "resume" {
            record_code(journey.fetch_data(&session).await);
            record_code(journey.request_data(&id).await);
        }
    }
    let (handle, later) = journey
        .raise_and_approve(|body| {
            body["ConsentDetail"]["consentStart"] = "2020-07-04T07:00:00.000Z".into();
        })
        .await;
    record_code(journey.request_data(&later).await);
    app.apply_verb(&handle, "expire").await.expect_ok();
    let (handle, id) = journey
        .raise_and_approve(|body| {
            body["ConsentDetail"]["DataLife"] = json!({ "unit": "DAY", "value": 1 });
        })
        .await;
    let session = journey.open_session(&id).await;
    app.advance_clock("P1D").await;
    record_code(journey.fetch_data(&session).await);
    app.apply_verb(&handle, "expire").await.expect_ok();
    record_code(journey.fetch_data(&session).await);

    let mut notification = rebit_message("Notifier", "");
    notification["timestamp"] = "2020-07-05T06:00:00.000Z".into();
    notification["Notifier"] = json!({ "type": "AA", "id": "FIP-1" });
    notification["ConsentStatusNotification"] =
        json!({ "consentId": id, "consentStatus": "PAUSED" });
    record_code(
        Participant::fip_1()
            .post(&app, "/Consent/Notification", &notification)
            .await,
    );
    notification["Notifier"]["type"] = "FIP".into();
    let account = json!({ "linkRefNumber": "x", "FIStatus": "PENDING", "description": "x" });
    notification["FIStatusNotification"] = json!({
        "sessionId": session, "sessionStatus": "COMPLETED", "FIStatusResponse": [{ "fipID": "FIP-1", "Accounts": [account] }],
    });
    record_code(
        Participant::fip_1()
            .post(&app, "/FI/Notification", &notification)
            .await,
    );
    let strict =
        TestApp::start_with(|builder| builder.security(mockaa::SecurityMode::Strict)).await;
    record_code(strict.post("/Consent", &consent_request()).await);

    let unseen: Vec<_> = ErrorCode::ALL
        .iter()
        .map(|code| code.as_str())
        .filter(|code| !seen.contains(*code))
        .collect();
    assert_eq!(unseen, BY_FAULT_ONLY);
}

/// Mutates a JSON text at random positions.
pub fn mutate_json(valid: &Value) -> impl Strategy<Value = String> {
    use proptest::prelude::*;
    let text = valid.to_string();
    let values = prop_oneof![
        Just("null".to_owned()),
        Just("\"\"".to_owned()),
        Just("{}".to_owned()),
        Just("[]".to_owned()),
        Just("[[[{}]]]".to_owned()),
        Just("-1".to_owned()),
        Just("1e400".to_owned()),
        Just("1.5".to_owned()),
        Just("99999999999999999999999".to_owned()),
        Just("\"\\u0000\"".to_owned()),
        Just("true".to_owned()),
        "[ -~]{0,40}".prop_map(|text| Value::String(text).to_string()),
        "\\PC{0,8}",
    ];
    (proptest::collection::vec((any::<prop::sample::Index>(), values, 0usize..4), 1..4)).prop_map(
        move |changes| {
            let mut text = text.clone();
            for (index, value, operation) in changes {
                // A position between two tokens: the text up to the next comma, colon or bracket is
                // replaced.
                let stops: Vec<_> = text
                    .char_indices()
                    .filter(|(_, c)| ",:[]{}".contains(*c))
                    .map(|(at, _)| at)
                    .collect();
                if stops.len() < 2 {
                    break;
                }
                let at = index.index(stops.len() - 1);
                let (from, to) = (stops[at] + 1, stops[at + 1]);
                match operation {
                    0 => text.replace_range(from..to, ""),
                    1 => text.insert_str(from, &value),
                    _ => text.replace_range(from..to, &value),
                }
            }
            text
        },
    )
}

#[tokio::test]
async fn a_mutated_message_is_accepted_or_rejected_in_form_and_never_breaks_the_server() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (handle, id) = journey.raise_and_approve(|_| ()).await;
    let session = journey.open_session(&id).await;
    let mut notification = rebit_message("Notifier", "");
    notification["Notifier"] = json!({ "type": "FIP", "id": "FIP-1" });
    notification["ConsentStatusNotification"] = json!({ "consentId": journey.fip_consent_id(&handle, "FIP-1").await, "consentStatus": "ACTIVE" });
    let account = json!({ "linkRefNumber": "x", "FIStatus": "READY", "description": "x" });
    notification["FIStatusNotification"] = json!({
        "sessionId": journey.fip_session_id(&session, "FIP-1").await, "sessionStatus": "COMPLETED",
        "FIStatusResponse": [{ "fipID": "FIP-1", "Accounts": [account] }],
    });
    notification["AccountLinkStatusNotification"] = json!({
        "accRefNumber": "x", "customerAddress": "9876500001@mockaa", "linkRefNumber": "x", "linkStatus": "LINKED",
    });
    let messages = [
        ("/Consent", consent_request()),
        ("/Consent/handle", rebit_message("ConsentHandle", &handle)),
        ("/Consent/fetch", rebit_message("consentId", &id)),
        ("/FI/request", journey.build_fi_request(&id).await),
        ("/FI/fetch", rebit_message("sessionId", &session)),
        ("/Consent/Notification", notification.clone()),
        ("/FI/Notification", notification.clone()),
        ("/Account/link/Notification", notification),
    ];
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::default()
    });
    for (path, valid) in messages {
        let strategy = mutate_json(&valid);
        for _ in 0..60 {
            let text = strategy
                .new_tree(&mut runner)
                .expect("a mutation")
                .current();
            let reply = app.post_text(path, text.clone()).await;
            let status = reply.status.as_u16();
            assert!(status < 500, "{path} {status} for {text}");
            let answer = reply.json();
            if status != 200 {
                let code = answer["errorCode"].as_str().and_then(ErrorCode::parse);
                assert!(
                    code.is_some_and(|code| code.status() == status),
                    "{path} {} for {text}",
                    reply.text
                );
                assert!(
                    answer["errorMsg"]
                        .as_str()
                        .is_some_and(|message| !message.is_empty())
                );
                for field in ["ver", "txnid", "timestamp"] {
                    assert!(answer[field].is_string(), "{field} in {}", reply.text);
                }
            }
            assert!(reply.signature.is_some());
        }
    }
}

#[tokio::test]
async fn hostile_bodies_are_rejected_cheaply_and_change_nothing() {
    let app = TestApp::start().await;
    let valid = consent_request().to_string();
    let open = valid.strip_suffix('}').expect("an object");
    for (case, body, status) in [
        (
            "ten megabytes",
            format!("{open},\"x\":\"{}\"}}", "x".repeat(10_000_000)),
            413,
        ),
        (
            "deep nesting",
            format!(
                "{open},\"x\":{}1{}}}",
                "[".repeat(100_000),
                "]".repeat(100_000)
            ),
            0,
        ),
        (
            "deep nesting in a field",
            format!(
                "{{\"ConsentDetail\":{}{}",
                "{\"ConsentDetail\":".repeat(50_000),
                "}".repeat(50_001)
            ),
            400,
        ),
        ("a key twice", format!("{open},\"ver\":\"2.0.0\"}}"), 400),
        (
            "an enormous number",
            valid.replace(
                "\"value\":24",
                &format!("\"value\":{}", "9".repeat(100_000)),
            ),
            400,
        ),
        (
            "many keys",
            format!("{open},{}\"y\":1}}", "\"x\":1,".repeat(100_000)),
            0,
        ),
    ] {
        let reply = app.post_text("/Consent", body).await;
        // Unknown fields may be ignored, so a case with status 0 only excludes server errors.
        assert!(
            reply.status.as_u16() == status || (status == 0 && reply.status.as_u16() < 500),
            "{case}: {}",
            reply.status
        );
        assert!(reply.text.len() < 1_000, "{case}: the answer is short");
    }
    let request = app
        .request(Method::POST, "/Consent")
        .header("content-type", "application/json");
    let reply = app
        .send(request.body(b"{\"ver\":\"\xff\xfe\"}".to_vec()))
        .await;
    assert_eq!(reply.json()["errorCode"], "InvalidRequest");
    // A separate client, because this one's connection becomes unusable.
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let mut request = client.get(format!("{}/Heartbeat", app.sandbox.base_url()));
    for number in 0..500 {
        request = request.header(format!("x-flood-{number}"), "x".repeat(500));
    }
    // The server may close the connection before all headers have been sent.
    if let Ok(response) = request.send().await {
        assert!(response.status().is_client_error(), "{}", response.status());
    }
    assert_eq!(app.get("/livez").await.status, 200);
}

#[tokio::test]
async fn a_bad_signature_cannot_forge_a_line_of_its_explanation() {
    let app = TestApp::start().await;
    let header =
        json!({ "alg": "RS256", "b64": false, "crit": ["b64"], "kid": "x\ncause: FORGED\u{9b}" });
    let signature = format!("{}..AAAA", url_encode(header.to_string().as_bytes()));
    let request = app
        .request(Method::POST, "/Consent/handle")
        .header("client_api_key", crate::helpers::FIU_1_KEY)
        .header("x-jws-signature", signature);
    app.send_raw(request.body("{}\nhint: FORGED\u{202e}")).await;
    let entries = app.read_journal_events().await;
    let entry = entries
        .iter()
        .find(|entry| entry["kind"] == "signature.invalid")
        .expect("an explanation");
    let text = entry["text"].as_str().expect("a text");
    assert!(text.contains("FORGED"), "{text}");
    for line in text.lines() {
        let begin = line.split(" FORGED").next().unwrap_or_default();
        assert!(!["cause:", "hint:"].contains(&begin), "{text}");
        assert!(!line.contains(['\u{9b}', '\u{202e}']), "{text}");
    }
}

#[tokio::test]
async fn a_bad_signature_is_explained_in_the_journal_and_not_to_the_caller() {
    let app = TestApp::start_with(|builder| builder.security(mockaa::SecurityMode::Strict)).await;
    let fiu = Participant::fiu_1();
    let (signed, sent) = (
        consent_request().to_string(),
        format!("{:#}", consent_request()),
    );
    let request = fiu
        .build_signed_request(&app, "/Consent", &signed)
        .body(sent);
    let reply = app.send(request).await;
    assert_eq!(
        reply.json()["errorMsg"],
        "x-jws-signature does not match the message"
    );
    let entry = app
        .read_journal_events()
        .await
        .into_iter()
        .find(|entry| entry["kind"] == "signature.invalid")
        .expect("an explanation");
    let explanation = entry["text"].as_str().expect("a text");
    for expected in [
        "x-jws-signature of FIU-1",
        "verdict:",
        "expected bytes:",
        "signed by FIU-1's key fiu-1-dev-1 (RS256, PKCS#1 v1.5, SHA-256) over the body printed again compact",
    ] {
        assert!(
            explanation.contains(expected),
            "{expected} is not in {explanation}"
        );
    }
}

/// Each API reports an unknown path in its own format, and says what was probably meant.
#[tokio::test]
async fn an_unknown_path_is_explained() {
    let app = TestApp::start().await;
    for (path, field, explanation) in [
        (
            "/v2/v2/Consent",
            "errorMsg",
            "the base path /v2 stands in it twice, did you mean /v2/Consent?",
        ),
        (
            "/w/ci-7/v2/Consnt",
            "errorMsg",
            "did you mean /w/ci-7/v2/Consent?",
        ),
        (
            "/api/v1/public/user/logn",
            "message",
            "did you mean /api/v1/public/user/login?",
        ),
        (
            "/_mockaa/v1/clock/freze",
            "error",
            "did you mean /_mockaa/v1/clock/freeze?",
        ),
        (
            "/_mockaa/v1/nothing/like/this",
            "error",
            "/docs of this sandbox lists the calls",
        ),
    ] {
        let reply = app.request(Method::POST, path).send().await;
        let reply = reply.expect("an answer");
        assert_eq!(reply.status(), 404, "{path}");
        let body: Value = reply.json().await.expect("JSON");
        let message = body[field].as_str();
        assert!(
            message.is_some_and(|message| message.contains(explanation)),
            "{path} {body}"
        );
    }
}
