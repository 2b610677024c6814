//! Faults in webhooks: each fault by name, from a scenario file and from the control API, observed
//! by a receiver on a plain socket.

use std::str::FromStr;

use mockaa::{RetryPolicy, TimeSource};
use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{NOW, TestApp};
use crate::jws_verifier::{JwsVerifier, decode_base64, hmac_sha256};
use crate::raw_http::{RawFiu, RawRequest};

/// Starts a sandbox whose FIU is a plain socket. All headers of its webhooks repeat.
async fn start_with_raw_fiu() -> (TestApp, RawFiu) {
    let fiu = RawFiu::start().await;
    let url = fiu.url.clone();
    let app =
        TestApp::start_with(|builder| builder.fiu_url(url).signing_time(TimeSource::World)).await;
    (app, fiu)
}

/// Raises a consent that is approved at once, with this fault on its webhooks; returns the received
/// requests.
async fn raise_with_fault(app: &TestApp, fiu: &mut RawFiu, fault: &str) -> Vec<RawRequest> {
    app.post("/_mockaa/v1/reset", &Value::Null)
        .await
        .expect_ok();
    fiu.drain_requests();
    app.put_faults(&format!("webhooks: [{{ fault: {{ {fault} }} }}]"))
        .await
        .expect_ok();
    app.raise_with_scenario("approve").await;
    app.advance_clock("0s").await;
    fiu.drain_requests()
}

/// Returns the first of these requests.
async fn raise_first_with_fault(app: &TestApp, fiu: &mut RawFiu, fault: &str) -> RawRequest {
    let mut arrived = raise_with_fault(app, fiu, fault).await;
    assert!(!arrived.is_empty(), "{fault}");
    arrived.remove(0)
}

/// Returns whether each of the two signatures is valid over the received bytes: JWS, then HMAC.
async fn verify_signatures(app: &TestApp, message: &RawRequest) -> (bool, bool) {
    let verifier = JwsVerifier::from_published_keys(app).await;
    let jws = message.header("x-jws-signature").is_some_and(|jws| {
        let (header, signature) = jws.split_once("..").expect("a detached JWS");
        verifier.is_valid(
            &[header.as_bytes(), b".", &message.body].concat(),
            &decode_base64(signature),
        )
    });
    let fiu = app.get("/_mockaa/v1/config/fiu/FIU-1").await.expect_ok();
    let secret = decode_base64(
        fiu["webhookSecret"]
            .as_str()
            .expect("a secret")
            .trim_start_matches("whsec_"),
    );
    let hmac = message
        .header("webhook-signature")
        .is_some_and(|header_value| {
            let (id, at) = (
                message.header("webhook-id").expect("an id"),
                message.header("webhook-timestamp"),
            );
            let signed = [
                format!("{id}.{}.", at.expect("a time")).as_bytes(),
                &message.body,
            ]
            .concat();
            decode_base64(header_value.trim_start_matches("v1,")) == hmac_sha256(&secret, &signed)
        });
    (jws, hmac)
}

fn decode_jws_header(message: &RawRequest) -> Value {
    let jws = message.header("x-jws-signature").expect("a signature");
    serde_json::from_slice(&decode_base64(jws.split('.').next().expect("a header"))).expect("JSON")
}

fn parse_body(message: &RawRequest) -> Value {
    serde_json::from_slice(&message.body).expect("JSON")
}

/// Every fault with parameters, one line each: enough to see its effect on one message.
const ALL_FAULTS: [&str; 39] = [
    "duplicate: { copies: 3 }",
    "near_duplicate: {}",
    "reorder: { within: 1s }",
    "drop: {}",
    "late: { by: 1s }",
    "burst: { copies: 5 }",
    "before_response: {}",
    "stale_timestamp: {}",
    "future_timestamp: {}",
    "wrong_key: {}",
    "tampered_body: {}",
    "corrupt_signature: flip_bit",
    "corrupt_signature: truncate",
    "missing_signature: {}",
    "unknown_kid: {}",
    "swap_alg: none",
    "swap_alg: HS256",
    "missing_crit: {}",
    "rotated_key: {}",
    "rotated_secret: {}",
    "missing_api_key: {}",
    "altered_api_key: { part: payload, change: longer }",
    "foreign_api_key: {}",
    "foreign_aa: {}",
    "missing_field: ConsentStatusNotification.consentStatus",
    "set_field: { field: Notifier.type, value: FIP }",
    "alter_field: { field: txnid, change: other }",
    "reserialised: {}",
    "truncated: {}",
    "extra_fields: {}",
    "unknown_enum: {}",
    "missing_optional: {}",
    "wrong_charset: {}",
    "huge: { bytes: 100000 }",
    "slow_body: { over: 40ms }",
    "reset: {}",
    "transport: chunked",
    "transport: http_1_0",
    "fail: {}",
];

#[tokio::test]
async fn a_scenario_and_the_control_api_inject_the_same_faults() {
    let (app, mut fiu) = start_with_raw_fiu().await;
    let names = serde_json::to_string(&ALL_FAULTS[..]).expect("texts");
    for name in mockaa::internals::domain::webhook_fault::WebhookFaultName::ALL {
        assert!(names.contains(&format!("\"{name}: ")), "no case for {name}");
    }
    let bytes = |requests: Vec<RawRequest>| {
        let comparable = |message: RawRequest| {
            let headers = [
                "content-type",
                "webhook-id",
                "webhook-timestamp",
                "webhook-signature",
                "x-jws-signature",
            ];
            let headers = headers.map(|name| message.header(name).map(str::to_owned));
            (headers, message.body, message.body_error)
        };
        requests.into_iter().map(comparable).collect::<Vec<_>>()
    };
    for fault in ALL_FAULTS {
        let by_control = raise_with_fault(&app, &mut fiu, fault).await;
        app.post("/_mockaa/v1/reset", &Value::Null)
            .await
            .expect_ok();
        let file = format!(
            "version: 1\nname: mine\nsteps: [approve: {{}}]\nwebhooks: [{{ fault: {{ {fault} }} }}]\n"
        );
        app.send(
            app.request(Method::PUT, "/_mockaa/v1/scenarios/mine")
                .body(file),
        )
        .await
        .expect_ok();
        app.raise_with_scenario("mine").await;
        app.advance_clock("0s").await;
        assert_eq!(bytes(by_control), bytes(fiu.drain_requests()), "{fault}");
    }
}

#[tokio::test]
async fn copies_are_the_same_message_and_near_duplicates_are_another() {
    let (app, mut fiu) = start_with_raw_fiu().await;
    let copies = raise_with_fault(&app, &mut fiu, "duplicate: { copies: 3, spacing: 30ms }").await;
    assert_eq!(copies.len(), 3);
    for copy in &copies {
        assert_eq!(
            (&copy.body, copy.header("webhook-id")),
            (&copies[0].body, copies[0].header("webhook-id"))
        );
        assert_eq!(verify_signatures(&app, copy).await, (true, true));
    }
    let attempts = app.list_deliveries().await;
    assert_eq!(
        (attempts[1]["copyOf"].clone(), attempts[2]["copyOf"].clone()),
        (json!(1), json!(1))
    );

    let near_duplicates = raise_with_fault(&app, &mut fiu, "near_duplicate: {}").await;
    assert_eq!(near_duplicates.len(), 2);
    assert_ne!(
        near_duplicates[0].header("webhook-id"),
        near_duplicates[1].header("webhook-id")
    );
    let status = |message: &RawRequest| parse_body(message)["ConsentStatusNotification"].clone();
    assert_eq!(status(&near_duplicates[0]), status(&near_duplicates[1]));
    assert_eq!(
        verify_signatures(&app, &near_duplicates[1]).await,
        (true, true)
    );

    let burst = raise_with_fault(&app, &mut fiu, "burst: { copies: 40 }").await;
    assert_eq!(burst.len(), 40);
    assert!(burst.iter().all(|copy| copy.body == burst[0].body));
}

#[tokio::test]
async fn messages_come_in_another_order_late_or_never() {
    let (app, mut fiu) = start_with_raw_fiu().await;
    let statuses = |requests: &[RawRequest]| {
        let status = |message: &RawRequest| {
            let value = parse_body(message)["ConsentStatusNotification"]["consentStatus"].clone();
            value
                .as_str()
                .map_or_else(|| "FI".to_owned(), str::to_owned)
        };
        requests.iter().map(status).collect::<Vec<_>>()
    };
    let active = |fault: &str| {
        format!(
            "webhooks: [{{ where: {{ event: consent.status, status: ACTIVE, nth: 1 }}, fault: {{ {fault} }} }}]"
        )
    };
    // A reordered webhook is sent after the next one of the same consent.
    app.put_faults(&active("reorder: { within: 1h }"))
        .await
        .expect_ok();
    let handle = app.raise_with_scenario("approve").await;
    app.advance_clock("0s").await;
    assert!(fiu.drain_requests().is_empty());
    app.apply_verb(&handle, "pause").await.expect_ok();
    app.advance_clock("0s").await;
    assert_eq!(statuses(&fiu.drain_requests()), ["PAUSED", "ACTIVE"]);
    // Without a next one, it is sent when the time is over.
    app.put_faults(&active("reorder: { within: 10s }"))
        .await
        .expect_ok();
    app.raise_with_scenario("approve").await;
    app.advance_clock("9s").await;
    assert!(fiu.drain_requests().is_empty());
    app.advance_clock("1s").await;
    assert_eq!(statuses(&fiu.drain_requests()), ["ACTIVE"]);

    app.put_faults(&active("late: { by: 10m }"))
        .await
        .expect_ok();
    let handle = app.raise_with_scenario("approve").await;
    app.apply_verb(&handle, "pause").await.expect_ok();
    app.advance_clock("9m").await;
    assert_eq!(
        statuses(&fiu.drain_requests()),
        ["PAUSED"],
        "later webhooks overtake the delayed one"
    );
    app.advance_clock("1m").await;
    assert_eq!(statuses(&fiu.drain_requests()), ["ACTIVE"]);

    app.put_faults(&active("drop: {}")).await.expect_ok();
    let handle = app.raise_with_scenario("approve").await;
    app.apply_verb(&handle, "pause").await.expect_ok();
    app.advance_clock("P1D").await;
    assert_eq!(statuses(&fiu.drain_requests()), ["PAUSED"]);
    let dropped: Vec<_> = app
        .list_deliveries()
        .await
        .into_iter()
        .filter(|delivery| delivery["state"] == "dropped")
        .collect();
    assert_eq!(
        (
            dropped.len(),
            &dropped[0]["faults"],
            &dropped[0]["attempts"]
        ),
        (1, &json!(["drop"]), &json!([]))
    );
}

#[tokio::test]
async fn a_webhook_overtakes_the_response_of_the_call_that_caused_it() {
    let (app, mut fiu) = start_with_raw_fiu().await;
    app.put_faults("webhooks: [{ fault: { before_response: {} } }]")
        .await
        .expect_ok();
    // The receiver checks whether the caller already has its response before it answers.
    let answered = std::sync::atomic::AtomicBool::new(false);
    let raise = async {
        let handle = app.raise_with_scenario("approve").await;
        answered.store(true, std::sync::atomic::Ordering::SeqCst);
        handle
    };
    let arrival = async {
        let message = fiu.next_request().await;
        (answered.load(std::sync::atomic::Ordering::SeqCst), message)
    };
    let (handle, (was_answered, message)) = tokio::join!(raise, arrival);
    assert!(!was_answered, "the webhook comes first");
    assert_eq!(
        parse_body(&message)["ConsentStatusNotification"]["consentHandle"],
        handle.as_str()
    );
}

#[tokio::test]
async fn signatures_are_wrong_in_every_way_that_a_verifier_has_to_see() {
    let (app, mut fiu) = start_with_raw_fiu().await;
    let unmodified = raise_first_with_fault(&app, &mut fiu, "transport: fresh_connection").await;
    assert_eq!(verify_signatures(&app, &unmodified).await, (true, true));
    let faults = [
        "wrong_key: {}",
        "tampered_body: {}",
        "corrupt_signature: flip_bit",
        "reserialised: {}",
        "truncated: {}",
    ];
    for fault in faults {
        let message = raise_first_with_fault(&app, &mut fiu, fault).await;
        assert_eq!(
            verify_signatures(&app, &message).await,
            (false, false),
            "{fault}"
        );
        assert_eq!(
            decode_jws_header(&message),
            decode_jws_header(&unmodified),
            "{fault}: only the signature differs"
        );
    }
    let tampered = raise_first_with_fault(&app, &mut fiu, "tampered_body: {}").await;
    assert_eq!(
        parse_body(&tampered)["ConsentStatusNotification"]["consentStatus"],
        "REVOKED",
        "the changed content was never signed"
    );
    let reserialised = raise_first_with_fault(&app, &mut fiu, "reserialised: {}").await;
    assert_eq!(
        parse_body(&reserialised),
        parse_body(&unmodified),
        "the same JSON"
    );
    assert_ne!(reserialised.body, unmodified.body);
    let truncated = raise_first_with_fault(&app, &mut fiu, "truncated: {}").await;
    assert_eq!(truncated.body, unmodified.body[..unmodified.body.len() / 2]);

    let missing = raise_first_with_fault(&app, &mut fiu, "missing_signature: {}").await;
    assert_eq!(
        (
            missing.header("x-jws-signature"),
            missing.header("webhook-signature")
        ),
        (None, None)
    );
    let cut = raise_first_with_fault(&app, &mut fiu, "corrupt_signature: truncate").await;
    assert!(
        cut.header("x-jws-signature")
            .expect("a truncated signature")
            .len()
            < unmodified
                .header("x-jws-signature")
                .expect("a whole signature")
                .len()
    );
}

#[tokio::test]
async fn jws_headers_lie_or_are_merely_unusual() {
    let (app, mut fiu) = start_with_raw_fiu().await;
    let unknown = raise_first_with_fault(&app, &mut fiu, "unknown_kid: {}").await;
    assert_eq!(
        decode_jws_header(&unknown)["kid"],
        "mockaa-dev-1-unpublished"
    );
    assert_eq!(
        (
            verify_signatures(&app, &unknown).await.0,
            unknown.header("webhook-signature")
        ),
        (true, None)
    );

    let none = raise_first_with_fault(&app, &mut fiu, "swap_alg: none").await;
    assert_eq!(decode_jws_header(&none)["alg"], "none");
    assert!(
        none.header("x-jws-signature")
            .expect("a header")
            .ends_with(".."),
        "no signature at all"
    );

    let confused = raise_first_with_fault(&app, &mut fiu, "swap_alg: HS256").await;
    assert_eq!(decode_jws_header(&confused)["alg"], "HS256");
    let signature = confused
        .header("x-jws-signature")
        .expect("a header")
        .rsplit('.')
        .next()
        .expect("a signature");
    assert_eq!(
        decode_base64(signature).len(),
        32,
        "an HMAC instead of an RSA signature"
    );

    let lenient = raise_first_with_fault(&app, &mut fiu, "missing_crit: {}").await;
    assert_eq!(
        decode_jws_header(&lenient),
        json!({ "alg": "RS256", "kid": "mockaa-dev-1", "b64": false })
    );
    assert_eq!(verify_signatures(&app, &lenient).await, (true, true));
}

#[tokio::test]
async fn a_rotated_key_is_published_when_it_is_first_used() {
    let (app, mut fiu) = start_with_raw_fiu().await;
    let keys = async || {
        app.get("/.well-known/jwks.json").await.expect_ok()["keys"]
            .as_array()
            .expect("a list")
            .clone()
    };
    let before = keys().await.len();
    let message = raise_first_with_fault(&app, &mut fiu, "rotated_key: {}").await;
    assert_eq!(decode_jws_header(&message)["kid"], "mockaa-dev-1-next");
    let published = keys().await;
    assert_eq!(published.len(), 2 * before, "previous and next keys");
    let next = published
        .iter()
        .find(|key| key["kid"] == "mockaa-dev-1-next")
        .expect("the next key is published");
    assert!(JwsVerifier::from_jwk(next).is_valid_detached(
        message.header("x-jws-signature").expect("a signature"),
        &message.body
    ));
    let elsewhere = app
        .request(Method::GET, "/.well-known/jwks.json")
        .header("x-mockaa-world", "elsewhere");
    let elsewhere = app.send(elsewhere).await.expect_ok();
    assert_eq!(
        elsewhere["keys"].as_array().map(Vec::len),
        Some(before),
        "keys of other worlds are not rotated"
    );
}

#[tokio::test]
async fn timestamps_are_off_and_signed_like_that() {
    let (app, mut fiu) = start_with_raw_fiu().await;
    for (fault, body, header) in [
        (
            "stale_timestamp: { by: 16m }",
            "2020-07-04T05:44:00.000Z",
            "1593841440",
        ),
        (
            "future_timestamp: { by: P1D }",
            "2020-07-05T06:00:00.000Z",
            "1593928800",
        ),
    ] {
        let message = raise_first_with_fault(&app, &mut fiu, fault).await;
        assert_eq!(
            (
                parse_body(&message)["timestamp"].as_str(),
                message.header("webhook-timestamp")
            ),
            (Some(body), Some(header))
        );
        assert_eq!(
            verify_signatures(&app, &message).await,
            (true, true),
            "only the timestamp is wrong"
        );
    }
    assert_eq!(
        parse_body(&raise_first_with_fault(&app, &mut fiu, "missing_optional: {}").await)["timestamp"],
        NOW
    );
}

#[tokio::test]
async fn contents_are_strange_and_signed_like_that() {
    let (app, mut fiu) = start_with_raw_fiu().await;
    let extra = raise_first_with_fault(&app, &mut fiu, "extra_fields: {}").await;
    assert!(parse_body(&extra)["xFutureField"].is_object());
    assert!(parse_body(&extra)["ConsentStatusNotification"]["xFutureField"].is_string());
    let unknown_status = raise_first_with_fault(&app, &mut fiu, "unknown_enum: {}").await;
    assert_eq!(
        parse_body(&unknown_status)["ConsentStatusNotification"]["consentStatus"],
        "SUSPENDED"
    );
    let huge = raise_first_with_fault(&app, &mut fiu, "huge: { bytes: 3000000 }").await;
    assert!(
        (3_000_000..3_001_000).contains(&huge.body.len()),
        "{}",
        huge.body.len()
    );
    for message in [&extra, &unknown_status, &huge] {
        assert_eq!(verify_signatures(&app, message).await, (true, true));
    }
    let utf16 = raise_first_with_fault(&app, &mut fiu, "wrong_charset: {}").await;
    assert_eq!(
        utf16.header("content-type"),
        Some("application/json; charset=utf-16")
    );
    assert_eq!(verify_signatures(&app, &utf16).await, (true, true));
    let units: Vec<u16> = utf16
        .body
        .chunks(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    assert!(
        String::from_utf16(&units)
            .expect("UTF-16")
            .starts_with("{\"ver\"")
    );
}

#[tokio::test]
async fn a_field_is_missing_set_or_altered_and_signed_like_that() {
    let (app, mut fiu) = start_with_raw_fiu().await;
    let correct = parse_body(&raise_first_with_fault(&app, &mut fiu, "rotated_secret: {}").await);
    let notification = &correct["ConsentStatusNotification"];
    let id_length = notification["consentId"].as_str().expect("an id").len();
    let missing = "missing_field: ConsentStatusNotification.consentStatus";
    let missing = raise_first_with_fault(&app, &mut fiu, missing).await;
    let status = parse_body(&missing)["ConsentStatusNotification"]
        .get("consentStatus")
        .cloned();
    assert_eq!(status, None);
    let null = "set_field: { field: Notifier.type, value: null }";
    let null = raise_first_with_fault(&app, &mut fiu, null).await;
    assert_eq!(parse_body(&null)["Notifier"]["type"], Value::Null);
    let empty = "set_field: { field: Notifier, value: {} }";
    let empty = raise_first_with_fault(&app, &mut fiu, empty).await;
    assert_eq!(parse_body(&empty)["Notifier"], json!({}));
    for (change, length) in [
        ("shorter", id_length - 1),
        ("without_first", id_length - 1),
        ("longer", id_length + 1),
        ("other", id_length),
    ] {
        let fault = format!(
            "alter_field: {{ field: ConsentStatusNotification.consentId, change: {change} }}"
        );
        let altered = raise_first_with_fault(&app, &mut fiu, &fault).await;
        let body = parse_body(&altered);
        let id = body["ConsentStatusNotification"]["consentId"].as_str();
        assert_eq!(id.map(str::len), Some(length), "{fault}");
        let handle = body["ConsentStatusNotification"]["consentHandle"].as_str();
        let path = format!("/_mockaa/v1/consents/{}", handle.expect("a handle"));
        let consent = app.get(&path).await.expect_ok();
        assert_ne!(consent["consentId"].as_str(), id, "{fault}");
        assert_eq!(
            verify_signatures(&app, &altered).await,
            (true, true),
            "{fault}"
        );
    }
    for message in [&missing, &null, &empty] {
        assert_eq!(verify_signatures(&app, message).await, (true, true));
    }
}

#[tokio::test]
async fn fi_notifications_omit_optional_fields_and_carry_unknown_statuses() {
    let (app, mut fiu) = start_with_raw_fiu().await;
    for (fault, check) in [
        (
            "missing_optional: {}",
            (|notification: &Value| {
                notification["FIStatusResponse"][0]["Accounts"][0]
                    .get("description")
                    .is_none()
            }) as fn(&Value) -> bool,
        ),
        ("unknown_enum: {}", |notification| {
            notification["sessionStatus"] == "SUSPENDED"
        }),
        ("tampered_body: {}", |notification| {
            notification["sessionStatus"] == "FAILED"
        }),
    ] {
        app.post("/_mockaa/v1/reset", &Value::Null)
            .await
            .expect_ok();
        app.put_faults(&format!(
            "webhooks: [{{ where: {{ event: fi.status }}, fault: {{ {fault} }} }}]"
        ))
        .await
        .expect_ok();
        app.raise_consent_for("9999999001@mockaa").await;
        app.advance_clock("0s").await;
        let requests = fiu.drain_requests();
        let notification = requests.iter().map(parse_body).find(|body| {
            body.get("FIStatusNotification").is_some() && body.get("FIData").is_none()
        });
        assert!(
            check(&notification.expect("an FI notification")["FIStatusNotification"]),
            "{fault}"
        );
    }
}

#[tokio::test]
async fn the_transport_is_unusual_or_breaks() {
    let (app, mut fiu) = start_with_raw_fiu().await;
    let plain = raise_first_with_fault(&app, &mut fiu, "transport: fresh_connection").await;
    assert_eq!(plain.header("connection"), Some("close"));
    let chunked = raise_first_with_fault(&app, &mut fiu, "transport: chunked").await;
    assert_eq!(
        (
            chunked.header("transfer-encoding"),
            chunked.header("content-length")
        ),
        (Some("chunked"), None)
    );
    let old = raise_first_with_fault(&app, &mut fiu, "transport: http_1_0").await;
    assert!(
        old.head
            .lines()
            .next()
            .expect("a request line")
            .ends_with("HTTP/1.0"),
        "{}",
        old.head
    );
    let expecting = raise_first_with_fault(&app, &mut fiu, "transport: expect_continue").await;
    assert_eq!(expecting.header("expect"), Some("100-continue"));
    assert!(!expecting.is_hasty, "the body waits for the 100");
    assert_eq!(verify_signatures(&app, &expecting).await, (true, true));
    let slow = raise_first_with_fault(&app, &mut fiu, "slow_body: { over: 200ms }").await;
    assert!(slow.reads > 5, "the body arrives in chunks: {}", slow.reads);
    assert_eq!(verify_signatures(&app, &slow).await, (true, true));
    let broken = raise_first_with_fault(&app, &mut fiu, "reset: {}").await;
    assert_eq!(broken.body_error.as_deref(), Some("connection reset"));
    assert!(
        !broken.body.is_empty() && broken.body.len() < plain.body.len(),
        "half of the body has arrived"
    );
    assert_eq!(
        app.list_delivery_states().await,
        ["waiting"],
        "a reset is a failed attempt, which is retried"
    );
}

#[tokio::test]
async fn attempts_are_chosen_one_by_one() {
    let (app, mut fiu) = start_with_raw_fiu().await;
    let faults = "webhooks: [{ where: { attempts: 1..2 }, fault: { fail: {} } }, { where: { attempts: 3 }, fault: { wrong_key: \
                  {} } }]";
    app.put_faults(faults).await.expect_ok();
    fiu.enqueue_answers(&["HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n"]);
    app.raise_with_scenario("approve").await;
    app.advance_clock("1s").await;
    assert!(
        fiu.drain_requests().is_empty(),
        "two attempts fail before they are sent"
    );
    app.advance_clock("5s").await;
    let third = fiu.next_request().await;
    assert_eq!(verify_signatures(&app, &third).await, (false, false));
    app.advance_clock("30s").await;
    let fourth = fiu.next_request().await;
    assert_eq!(
        verify_signatures(&app, &fourth).await,
        (true, true),
        "the fourth attempt has no fault"
    );
    let delivery = app.get("/_mockaa/v1/webhooks/1").await.expect_ok();
    let faults: Vec<_> = delivery["attempts"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|attempt| attempt["faults"].clone())
        .collect();
    assert_eq!(
        faults,
        [
            json!(["fail"]),
            json!(["fail"]),
            json!(["wrong_key"]),
            Value::Null
        ]
    );
}

#[tokio::test]
async fn retry_after_delays_retries_and_410_stops_them() {
    let (app, mut fiu) = start_with_raw_fiu().await;
    fiu.enqueue_answers(&["HTTP/1.1 503 Busy\r\nretry-after: 60\r\ncontent-length: 0\r\n\r\n"]);
    app.raise_with_scenario("approve").await;
    app.advance_clock("59s").await;
    assert_eq!(fiu.drain_requests().len(), 1);
    app.advance_clock("1s").await;
    assert_eq!(
        fiu.drain_requests().len(),
        1,
        "retried after the `retry-after` delay"
    );
    fiu.enqueue_answers(&["HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n"]);
    app.raise_with_scenario("approve").await;
    app.advance_clock("P1D").await;
    assert_eq!(fiu.drain_requests().len(), 1, "410 ends the retries");
    assert_eq!(app.list_delivery_states().await, ["delivered", "exhausted"]);

    assert_eq!(
        app.post("/_mockaa/v1/webhooks/2/resend", &Value::Null)
            .await
            .expect_ok()["id"],
        2
    );
    fiu.next_request().await;
    app.advance_clock("0s").await;
    assert_eq!(app.list_delivery_states().await, ["delivered", "delivered"]);
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_not_called_until_it_is_enabled() {
    let (app, mut fiu) = start_with_raw_fiu().await;
    let url = fiu.url.clone();
    for enable in ["resend", "configure"] {
        app.post("/_mockaa/v1/reset", &Value::Null)
            .await
            .expect_ok();
        fiu.enqueue_answers(&["HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n"]);
        for _ in 0..2 {
            app.raise_with_scenario("approve").await;
            app.advance_clock("P1D").await;
        }
        assert_eq!(fiu.drain_requests().len(), 1, "the second is not sent");
        assert_eq!(app.list_delivery_states().await, ["exhausted", "disabled"]);
        let notes = app.get("/_mockaa/v1/journal?kind=note").await.expect_ok();
        let notes = notes.to_string();
        assert!(
            notes.contains("410 (Gone)") && notes.contains(&url),
            "{notes}"
        );
        if enable == "resend" {
            app.post("/_mockaa/v1/webhooks/2/resend", &Value::Null)
                .await
                .expect_ok();
            app.advance_clock("0s").await;
            assert_eq!(fiu.drain_requests().len(), 1, "a resend is sent");
        } else {
            let request = app.request(Method::PUT, "/_mockaa/v1/config/fiu/FIU-1");
            let configured = app.send(request.json(&json!({ "baseUrl": url }))).await;
            configured.expect_ok();
        }
        app.raise_with_scenario("approve").await;
        app.advance_clock("0s").await;
        assert_eq!(fiu.drain_requests().len(), 1, "{enable} enables the URL");
    }
}

#[tokio::test]
async fn retries_follow_the_settings() {
    let mut fiu = RawFiu::start().await;
    let url = fiu.url.clone();
    let retries = RetryPolicy::from_str("2s,3s").expect("two delays");
    let retries = retries.without_retry_after();
    let app = TestApp::start_with(|builder| builder.fiu_url(url).webhook_retries(retries)).await;
    fiu.enqueue_answers(&["HTTP/1.1 503 Busy\r\nretry-after: 60\r\ncontent-length: 0\r\n\r\n"; 4]);
    app.raise_with_scenario("approve").await;
    for (advance, arrived) in [
        ("1999ms", 1),
        ("1ms", 1),
        ("2999ms", 0),
        ("1ms", 1),
        ("P1D", 0),
    ] {
        app.advance_clock(advance).await;
        assert_eq!(fiu.drain_requests().len(), arrived, "after {advance}");
    }
    assert_eq!(app.list_delivery_states().await, ["exhausted"]);
}

#[tokio::test]
async fn a_bad_receiver_blocks_only_its_own_queue() {
    let (app, mut fiu) = start_with_raw_fiu().await;
    // A huge response, a malformed one, and one shorter than its announced length; each for its own
    // consent.
    let gigantic = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: 3000000\r\n\r\n{}",
        "x".repeat(3_000_000)
    );
    fiu.enqueue_answers(&[
        &gigantic,
        "no HTTP at all\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\nshort",
    ]);
    for _ in 0..4 {
        app.raise_with_scenario("approve").await;
        fiu.next_request().await;
    }
    let states = app
        .get("/_mockaa/v1/journal/wait?kind=webhook&count=3&within=20s")
        .await
        .expect_ok();
    assert!(states["items"].as_array().expect("a list").len() >= 3);
    let delivered = app
        .list_delivery_states()
        .await
        .iter()
        .filter(|state| *state == "delivered")
        .count();
    assert!(delivered >= 2, "the huge response and the regular one");
}

#[tokio::test]
async fn faults_are_put_listed_and_deleted_and_invalid_ones_are_rejected_whole() {
    let (app, mut fiu) = start_with_raw_fiu().await;
    let created = app
        .put_faults("webhooks: [{ fault: { drop: {} } }]\nttl: 1h\n")
        .await
        .expect_ok();
    assert_eq!(
        (created["name"].as_str(), &created["webhooks"]),
        (Some("test"), &json!(["drop"]))
    );
    let rejection = app
        .put_faults(
            "webhooks:\n  - fault: { dorp: {} }\n  - where: { nht: 1 }\n    fault: { drop: {} }\n",
        )
        .await;
    assert_eq!(rejection.status, 400);
    let faults = rejection.json()["diagnostics"].clone();
    assert_eq!(
        (&faults[0]["line"], &faults[1]["line"]),
        (&json!(2), &json!(3)),
        "{faults}"
    );
    let listed = app.get("/_mockaa/v1/faults").await.expect_ok();
    assert_eq!(
        listed["items"].as_array().map(Vec::len),
        Some(1),
        "the previous faults stay in force"
    );
    app.raise_with_scenario("approve").await;
    app.advance_clock("0s").await;
    assert!(fiu.drain_requests().is_empty());
    app.send(app.request(Method::DELETE, "/_mockaa/v1/faults/test"))
        .await
        .expect_ok();
    assert_eq!(app.get("/_mockaa/v1/faults/test").await.status, 404);
    app.raise_with_scenario("approve").await;
    app.advance_clock("0s").await;
    assert_eq!(fiu.drain_requests().len(), 1);
}
