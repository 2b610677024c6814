//! Webhooks: their content, their signatures and their retries.

use std::time::Duration;

use mockaa::TimeSource;
use serde_json::Value;

use crate::helpers::{TestApp, extract_handle, rebit_request};
use crate::inbox::{Inbox, ReceiverBehavior};
use crate::jws_verifier::{JwsVerifier, decode_base64, hmac_sha256};

#[tokio::test]
async fn an_approved_seed_consent_sends_three_signed_webhooks_with_the_statement() {
    let mut app = TestApp::start().await;
    let verifier = JwsVerifier::from_published_keys(&app).await;
    app.raise_with_scenario("approve-deposit").await;
    app.advance_clock("2s").await;
    let messages = app.fiu.drain_messages();
    let paths: Vec<_> = messages
        .iter()
        .map(|message| message.path.as_str())
        .collect();
    assert_eq!(
        paths,
        ["/Consent/Notification", "/FI/Notification", "/FI/Data"]
    );
    for message in &messages {
        assert!(verifier.is_valid_detached(message.header("x-jws-signature"), &message.body));
        let claims = verifier.decode_compact(message.header("aa_api_key"));
        assert_eq!(claims["azp"], message.json()["Notifier"]["id"]);
        assert_eq!(message.header("content-type"), "application/json");
    }
    insta::assert_snapshot!(
        "consent_notification",
        String::from_utf8_lossy(&messages[0].body)
    );
    insta::assert_snapshot!(
        "fi_notification",
        String::from_utf8_lossy(&messages[1].body)
    );

    // The snapshot keeps the shape of the statement and its first rows; `tests/data` tests the
    // invariants of all rows.
    let mut data = messages[2].json();
    let statement = &mut data["FIData"]["statement"]["DEPOSIT"];
    statement["transactions"]
        .as_array_mut()
        .expect("rows")
        .truncate(2);
    let document = data["FIData"]["xml"][0]["FI"]
        .as_str()
        .expect("a document")
        .to_owned();
    data["FIData"]["xml"][0]["FI"] = "(the document)".into();
    insta::assert_json_snapshot!("fi_data", data);
    let first_rows: String = document
        .split_inclusive("/>")
        .take(5)
        .collect::<Vec<_>>()
        .join("\n");
    insta::assert_snapshot!("fi_document", first_rows);
}

#[tokio::test]
async fn standard_webhooks_headers_verify_with_the_shared_secret() {
    let mut app = TestApp::start().await;
    app.raise_consent_for("9999999001@mockaa").await;
    let message = app.fiu.next_message().await;
    let signed = [
        message.header("webhook-id"),
        message.header("webhook-timestamp"),
        "",
    ]
    .join(".");
    let secret = decode_base64("bW9ja2FhIGRldmVsb3BtZW50IHNlY3JldCBGSVUtMQ==");
    let expected = hmac_sha256(&secret, &[signed.as_bytes(), &message.body].concat());
    let signature = message
        .header("webhook-signature")
        .strip_prefix("v1,")
        .expect("version 1");
    assert_eq!(decode_base64(signature), expected);
    let txnid = message.json()["txnid"]
        .as_str()
        .expect("a txnid")
        .to_owned();
    assert_eq!(message.header("webhook-id"), format!("msg_{txnid}"));
}

#[tokio::test]
async fn each_transition_is_notified_as_the_table_says() {
    let mut app = TestApp::start().await;
    let cases: [(&[&str], &[&str]); 5] = [
        (
            &["approve", "pause", "resume", "revoke"],
            &["ACTIVE", "PAUSED", "ACTIVE", "REVOKED"],
        ),
        (&["reject"], &["REJECTED"]),
        (&["fail"], &["REJECTED"]),
        (&["expire"], &["EXPIRED"]),
        (&["approve", "expire"], &["ACTIVE", "EXPIRED"]),
    ];
    for (moves, statuses) in cases {
        let handle = extract_handle(&app.post("/Consent", &rebit_request()).await.expect_ok());
        for (verb, status) in moves.iter().zip(statuses) {
            app.apply_verb(&handle, verb).await.expect_ok();
            let notification = app.fiu.next_message().await.json();
            let content = &notification["ConsentStatusNotification"];
            assert_eq!(
                (
                    content["consentStatus"].as_str(),
                    content["consentHandle"].as_str()
                ),
                (Some(*status), Some(&*handle))
            );
            assert_eq!(
                content.get("consentId").is_some(),
                moves[0] == "approve",
                "{moves:?}"
            );
        }
    }
    assert!(
        app.fiu.drain_messages().is_empty(),
        "one webhook for each transition"
    );
}

#[tokio::test]
async fn a_failed_webhook_is_tried_again_on_the_worlds_clock_with_the_same_bytes() {
    let mut app = TestApp::start_with(|builder| builder.signing_time(TimeSource::World)).await;
    app.fiu
        .set_behavior(ReceiverBehavior::Respond(500, "not now".to_owned()));
    app.raise_consent_for("9999999002@mockaa").await;
    let first = app.fiu.next_message().await;
    // Delays of 1 s, 5 s, 30 s, 2 min and 10 min: six attempts, then the delivery is exhausted.
    for (wait, arrives) in [
        ("999ms", 0),
        ("1ms", 1),
        ("4s", 0),
        ("1s", 1),
        ("30s", 1),
        ("2m", 1),
        ("599s", 0),
    ] {
        app.advance_clock(wait).await;
        let retries = app.fiu.drain_messages();
        assert_eq!(retries.len(), arrives, "after {wait}");
        for message in retries {
            assert_eq!(message.body, first.body);
            assert_eq!(message.header("webhook-id"), first.header("webhook-id"));
            assert_ne!(
                message.header("webhook-timestamp"),
                first.header("webhook-timestamp")
            );
            assert_eq!(
                message.header("x-jws-signature"),
                first.header("x-jws-signature")
            );
        }
    }
    assert_eq!(app.list_delivery_states().await, ["waiting"]);
    app.advance_clock("1s").await;
    assert_eq!(app.fiu.drain_messages().len(), 1);
    assert_eq!(app.list_delivery_states().await, ["exhausted"]);
    let attempts = app.list_deliveries().await[0]["attempts"]
        .as_array()
        .expect("attempts")
        .clone();
    assert_eq!(attempts.len(), 6);
    let first = &attempts[0];
    assert_eq!(
        (first["status"].as_u64(), first["answer"].as_str()),
        (Some(500), Some("not now"))
    );
    let at: Vec<_> = attempts
        .iter()
        .map(|attempt| attempt["at"].as_str().expect("an instant"))
        .collect();
    insta::assert_json_snapshot!(at);
    app.advance_clock("P1D").await;
    assert!(
        app.fiu.drain_messages().is_empty(),
        "an exhausted delivery is not retried"
    );
}

#[tokio::test]
async fn an_fiu_that_recovers_gets_everything_in_order() {
    let mut app = TestApp::start().await;
    app.fiu
        .set_behavior(ReceiverBehavior::Respond(503, String::new()));
    let handle = app.raise_consent(|_| {}).await;
    for verb in ["approve", "pause", "resume"] {
        app.apply_verb(&handle, verb).await.expect_ok();
    }
    // While the first webhook of the queue fails, only that one is attempted.
    assert_eq!(
        app.fiu.next_message().await.json()["ConsentStatusNotification"]["consentStatus"],
        "ACTIVE"
    );
    app.advance_clock("500ms").await;
    assert!(app.fiu.drain_messages().is_empty());
    assert_eq!(
        app.list_delivery_states().await,
        ["waiting", "queued", "queued"]
    );

    app.fiu.set_behavior(ReceiverBehavior::Accept);
    app.advance_clock("1s").await;
    let messages = app.fiu.drain_messages();
    let statuses: Vec<_> = messages
        .iter()
        .map(|message| message.json()["ConsentStatusNotification"]["consentStatus"].clone())
        .collect();
    assert_eq!(statuses, ["ACTIVE", "PAUSED", "ACTIVE"]);
    assert_eq!(
        app.list_delivery_states().await,
        ["delivered", "delivered", "delivered"]
    );
}

#[tokio::test]
async fn a_consent_whose_fiu_fails_does_not_hold_up_another() {
    let mut app = TestApp::start().await;
    app.fiu
        .set_behavior(ReceiverBehavior::Respond(500, String::new()));
    app.raise_consent_for("9999999002@mockaa").await;
    app.fiu.next_message().await;
    app.fiu.set_behavior(ReceiverBehavior::Accept);
    let other = app.raise_consent_for("9999999002@other").await;
    assert_eq!(
        app.fiu.next_message().await.json()["ConsentStatusNotification"]["consentHandle"],
        other.as_str()
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let mut elsewhere = Inbox::start();
    let mut app = TestApp::start().await;
    app.fiu
        .set_behavior(ReceiverBehavior::Redirect(elsewhere.url.clone()));
    app.raise_consent_for("9999999002@mockaa").await;
    app.fiu.next_message().await;
    app.advance_clock("0s").await;
    let delivery = app.list_deliveries().await[0].clone();
    assert_eq!(
        (
            delivery["state"].as_str(),
            delivery["attempts"][0]["status"].as_u64()
        ),
        (Some("waiting"), Some(307))
    );
    assert!(elsewhere.drain_messages().is_empty());
}

#[tokio::test]
async fn an_fiu_that_hangs_is_a_failed_attempt() {
    let app =
        TestApp::start_with(|builder| builder.webhook_timeout(Duration::from_millis(300))).await;
    app.fiu.set_behavior(ReceiverBehavior::Hang);
    app.raise_consent_for("9999999002@mockaa").await;
    app.advance_clock("0s").await;
    let attempt = app.list_deliveries().await[0]["attempts"][0].clone();
    assert_eq!(attempt["error"], "no response within 0.3 s");
    assert_eq!(app.list_delivery_states().await, ["waiting"]);
}

/// With the default timeout of 15 s, the FIU hangs during the whole test.
#[tokio::test]
async fn while_an_fiu_hangs_the_api_answers_and_other_worlds_are_notified() {
    let mut app = TestApp::start().await;
    app.fiu.set_behavior(ReceiverBehavior::Hang);
    for number in 0..80 {
        app.raise_consent_for(&format!("9999999002@hanging-{number}"))
            .await;
    }
    for _ in 0..80 {
        app.fiu.next_message().await;
    }
    for _ in 0..20 {
        app.raise_consent(|_| {}).await;
    }
    let states = app.list_delivery_states().await;
    assert!(
        states.len() == 80 && states.iter().all(|state| state == "sending"),
        "{states:?}"
    );
    app.fiu.set_behavior(ReceiverBehavior::Accept);
    app.switch_world("other");
    app.raise_consent_for("9999999002@mockaa").await;
    app.fiu.next_message().await;
    app.advance_clock("0s").await;
    assert_eq!(app.list_delivery_states().await, ["delivered"]);
}

/// The client has its response and advances the clock at once, over another connection; the
/// webhooks that its call caused are still awaited.
#[tokio::test]
async fn an_advance_awaits_the_webhooks_of_calls_that_were_just_answered() {
    let mut app = TestApp::start().await;
    for number in 0..50 {
        app.raise_consent_for(&format!("9999999002@mockaa-{number}"))
            .await;
        app.advance_clock("0s").await;
        assert_eq!(app.fiu.drain_messages().len(), 1, "round {number}");
    }
}

#[tokio::test]
async fn a_consent_that_failed_after_approval_reveals_no_id() {
    let mut app = TestApp::start().await;
    let request = app
        .request(reqwest::Method::POST, "/Consent")
        .header("x-mockaa-scenario", "hold-at-ready");
    let handle = extract_handle(&app.send(request.json(&rebit_request())).await.expect_ok());
    app.advance_clock("2s").await;
    app.apply_verb(&handle, "fail").await.expect_ok();
    let notification = app.fiu.next_message().await.json()["ConsentStatusNotification"].clone();
    assert_eq!(
        notification,
        serde_json::json!({ "consentHandle": handle, "consentStatus": "REJECTED" })
    );
    let looked_up = app
        .post(
            "/Consent/handle",
            &crate::helpers::rebit_message("ConsentHandle", &handle),
        )
        .await
        .expect_ok();
    assert_eq!(
        looked_up["ConsentStatus"],
        serde_json::json!({ "status": "FAILED" })
    );
}

#[tokio::test]
async fn an_fiu_that_is_not_there_is_a_failed_attempt() {
    // It has the port, so that no other test gets it, and does not listen.
    let unused = tokio::net::TcpSocket::new_v4().expect("a socket");
    unused
        .bind("127.0.0.1:0".parse().expect("an address"))
        .expect("a free port");
    let address = unused.local_addr().expect("an address");
    let app = TestApp::start_with(|builder| builder.fiu_url(format!("http://{address}"))).await;
    app.raise_consent_for("9999999002@mockaa").await;
    app.advance_clock("0s").await;
    let delivery = app.list_deliveries().await[0].clone();
    assert_eq!(delivery["state"], "waiting");
    let error = delivery["attempts"][0]["error"]
        .as_str()
        .expect("an error")
        .to_lowercase();
    assert!(error.contains("connection refused"), "{error}");
}

#[tokio::test]
async fn without_an_fiu_url_what_would_have_been_sent_is_on_record() {
    let sandbox = mockaa::Sandbox::builder()
        .seed(42)
        .clock("2020-07-04T06:00:00Z,frozen")
        .start()
        .await
        .expect("the sandbox starts");
    let client = reqwest::Client::new();
    let post = async |path: &str, body: Value| -> Value {
        let answer = client
            .post(format!("{}{path}", sandbox.base_url()))
            .json(&body)
            .send()
            .await
            .expect("an answer");
        answer.json().await.expect("JSON")
    };
    let get = async |path: &str| -> Value {
        let answer = client
            .get(format!("{}{path}", sandbox.base_url()))
            .send()
            .await
            .expect("an answer");
        answer.json().await.expect("JSON")
    };
    let mut body = crate::helpers::seed_request();
    body["ConsentDetail"]["Customer"]["id"] = "9999999001@x".into();
    post("/consent", body).await;
    post(
        "/_mockaa/v1/clock/advance",
        serde_json::json!({ "by": "0s" }),
    )
    .await;
    let webhooks = get("/_mockaa/v1/webhooks?after=0").await;
    let states: Vec<_> = webhooks["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|webhook| &webhook["state"])
        .collect();
    assert_eq!(states, ["unaddressed", "unaddressed", "unaddressed"]);
    let statement = get("/_mockaa/v1/webhooks/3").await["body"]["FIData"]["statement"].take();
    assert!(
        !statement["DEPOSIT"]["transactions"]
            .as_array()
            .expect("rows")
            .is_empty()
    );
}

#[tokio::test]
async fn a_200_with_a_contradicting_body_is_flagged() {
    let mut app = TestApp::start().await;
    app.fiu.set_behavior(ReceiverBehavior::Respond(
        200,
        r#"{"response":"NOT OK"}"#.to_owned(),
    ));
    app.raise_consent_for("9999999002@mockaa").await;
    app.fiu.next_message().await;
    app.advance_clock("0s").await;
    let delivery = app.list_deliveries().await[0].clone();
    assert_eq!(delivery["state"], "delivered");
    assert!(
        delivery["attempts"][0]["remark"]
            .as_str()
            .expect("a remark")
            .contains("NOT OK")
    );
}

#[tokio::test]
async fn one_delivery_shows_the_very_body_that_was_sent() {
    let mut app = TestApp::start().await;
    app.raise_consent_for("9999999002@mockaa").await;
    let message = app.fiu.next_message().await;
    app.advance_clock("0s").await;
    let delivery = app.get("/_mockaa/v1/webhooks/1").await;
    assert!(
        delivery
            .text
            .contains(std::str::from_utf8(&message.body).expect("UTF-8")),
        "{}",
        delivery.text
    );
    assert_eq!(app.get("/_mockaa/v1/webhooks/99").await.status, 404);
}

#[tokio::test]
async fn push_data_is_decided_by_scenario_then_flag_then_api() {
    let raise_rebit = async |app: &TestApp, scenario: &str| {
        let request = app
            .request(reqwest::Method::POST, "/Consent")
            .header("x-mockaa-scenario", scenario);
        app.send(request.json(&rebit_request())).await.expect_ok();
        app.advance_clock("2s").await;
    };
    // By default the API decides: the scenario `revoke` does not set `push_data`.
    let mut app = TestApp::start().await;
    app.raise_with_scenario("revoke").await;
    app.advance_clock("2s").await;
    assert_eq!(
        app.fiu.drain_paths(),
        ["/Consent/Notification", "/FI/Notification", "/FI/Data"]
    );
    raise_rebit(&app, "revoke").await;
    assert_eq!(
        app.fiu.drain_paths(),
        ["/Consent/Notification", "/FI/Notification"]
    );
    // A scenario that sets `push_data` decides.
    raise_rebit(&app, "approve-deposit").await;
    assert_eq!(
        app.fiu.drain_paths(),
        ["/Consent/Notification", "/FI/Notification", "/FI/Data"]
    );
    // The flag decides if the scenario does not set it.
    let mut app = TestApp::start_with(|builder| builder.push_data(false)).await;
    app.raise_with_scenario("revoke").await;
    app.advance_clock("2s").await;
    assert_eq!(
        app.fiu.drain_paths(),
        ["/Consent/Notification", "/FI/Notification"]
    );
    app.raise_with_scenario("approve-deposit").await;
    app.advance_clock("2s").await;
    assert_eq!(
        app.fiu.drain_paths(),
        ["/Consent/Notification", "/FI/Notification", "/FI/Data"]
    );
}

/// Receivers compare a message's age with their own clock: after an advance by a month, a message
/// must not be a month old.
#[tokio::test]
async fn messages_of_a_running_world_carry_system_time_even_while_its_clock_is_advanced() {
    let system_seconds = || mockaa::internals::engine::clock::system_now().as_millis() / 1000;
    let mut app = TestApp::start_with(|builder| builder.clock("2020-07-04T06:00:00Z")).await;
    app.raise_with_scenario("revoke").await;
    app.fiu.drain_messages();
    app.advance_clock("P2D").await;
    let messages = app.fiu.drain_messages();
    assert_eq!(messages.len(), 4, "approval, data twice, revocation");
    for message in messages {
        let stamp: i64 = message
            .header("webhook-timestamp")
            .parse()
            .expect("a number");
        let body = message.json();
        let sent_at =
            chrono::DateTime::parse_from_rfc3339(body["timestamp"].as_str().expect("a date"))
                .expect("a date");
        assert!(
            (system_seconds() - stamp).abs() < 60
                && (system_seconds() - sent_at.timestamp()).abs() < 60,
            "{stamp} {sent_at}"
        );
    }
}
