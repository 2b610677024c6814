//! Isolation of worlds.

use std::net::Ipv4Addr;

use futures_util::stream::{self, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{FIU_1_KEY, TestApp, extract_handle, rebit_message, seed_request};

#[tokio::test]
async fn a_world_has_its_own_consents_clock_and_journal() {
    let mut app = TestApp::start().await;
    let default_handle = app.raise_consent(|_| {}).await;
    app.advance_clock("1h").await;
    app.switch_world("other");
    assert_eq!(app.count_consents().await, 0);
    assert_eq!(
        app.get("/_mockaa/v1/clock").await.expect_ok()["now"],
        "2020-07-04T06:00:00.000Z"
    );
    assert_eq!(
        app.get(&format!("/_mockaa/v1/consents/{default_handle}"))
            .await
            .status,
        404
    );
    assert!(app.read_journal_events().await.is_empty());
    let other_handle = app.raise_consent(|_| {}).await;
    assert_ne!(
        default_handle, other_handle,
        "each world has its own random streams"
    );
    app.apply_verb(&other_handle, "approve").await.expect_ok();
    app.switch_world("default");
    assert_eq!(app.consent_state(&default_handle).await, "PENDING");
    assert_eq!(
        app.get("/_mockaa/v1/clock").await.expect_ok()["now"],
        "2020-07-04T07:00:00.000Z"
    );
}

#[tokio::test]
async fn the_header_or_the_path_names_a_world() {
    let mut app = TestApp::start().await;
    let by_header = app
        .request(Method::POST, "/consent")
        .header("x-mockaa-world", "by-header");
    app.send(by_header.json(&seed_request())).await.expect_ok();
    let by_path = app.request(Method::POST, "/w/by-path/consent");
    app.send(by_path.json(&seed_request())).await.expect_ok();
    for (world, consents) in [("by-header", 1), ("by-path", 1), ("default", 0)] {
        app.switch_world(world);
        assert_eq!(app.count_consents().await, consents, "{world}");
    }
}

#[tokio::test]
async fn a_reset_world_is_new_and_repeats_its_answers() {
    let mut app = TestApp::start().await;
    app.switch_world("again");
    let raise = async |app: &TestApp| app.post("/consent", &seed_request()).await.text;
    let first = raise(&app).await;
    app.advance_clock("1h").await;
    let reset = app
        .post("/_mockaa/v1/reset", &Value::Null)
        .await
        .expect_ok();
    assert_eq!(
        (reset["consents"].as_u64(), reset["now"].as_str()),
        (Some(0), Some("2020-07-04T06:00:00.000Z"))
    );
    assert_eq!(raise(&app).await, first);
}

#[tokio::test]
async fn the_pending_webhooks_of_a_reset_world_are_never_sent() {
    let mut app = TestApp::start().await;
    app.fiu
        .set_behavior(crate::inbox::ReceiverBehavior::Respond(500, String::new()));
    app.raise_consent_for("9999999004@mockaa").await;
    app.fiu.next_message().await;
    app.post("/_mockaa/v1/reset", &Value::Null)
        .await
        .expect_ok();
    app.fiu.set_behavior(crate::inbox::ReceiverBehavior::Accept);
    app.advance_clock("P1D").await;
    assert!(app.fiu.drain_messages().is_empty());
    assert!(app.list_deliveries().await.is_empty());
}

#[tokio::test]
async fn an_invalid_world_name_is_rejected_in_the_apis_error_format() {
    let app = TestApp::start().await;
    for name in ["a%20b", "%2e%2e%2f", "...", &"x".repeat(65)] {
        let reply = app
            .post(&format!("/w/{name}/consent"), &seed_request())
            .await;
        assert_eq!(
            (reply.status.as_u16(), reply.json()["errorCode"].as_str()),
            (404, Some("InvalidURI")),
            "{name}"
        );
        let reply = app.get(&format!("/w/{name}/_mockaa/v1/world")).await;
        assert_eq!(reply.status, 404);
        assert!(
            reply.json()["error"]
                .as_str()
                .expect("a text")
                .contains("is not a valid world name")
        );
    }
}

/// Each world has its own consents, clock, faults and scenarios; fifty concurrent callers visit all
/// of them twice.
#[tokio::test]
async fn a_thousand_worlds_at_once_do_not_mix() {
    let app = TestApp::start().await;
    let populate_world = |number: usize| {
        let app = &app;
        async move {
            let world = format!("/w/many-{number}");
            let mut body = seed_request();
            body["ConsentDetail"]["Customer"]["id"] = format!("customer-{number}@mockaa").into();
            let handle = extract_handle(
                &app.post(&format!("{world}/consent"), &body)
                    .await
                    .expect_ok(),
            );
            app.post(
                &format!("{world}/_mockaa/v1/consents/{handle}/approve"),
                &json!(null),
            )
            .await
            .expect_ok();
            let by = json!({ "by": format!("{number}s") });
            app.post(&format!("{world}/_mockaa/v1/clock/advance"), &by)
                .await
                .expect_ok();
            let fault = format!(
                "api_faults: [{{ where: {{ op: heartbeat }}, fault: {{ status: {} }} }}]",
                500 + number % 100
            );
            let fault = app
                .request(Method::PUT, &format!("{world}/_mockaa/v1/faults/own"))
                .body(fault);
            app.send(fault).await.expect_ok();
            handle
        }
    };
    let handles: Vec<_> = stream::iter((0..1_000).map(populate_world))
        .buffered(50)
        .collect()
        .await;
    let check_world = |(number, handle): (usize, &String)| {
        let (app, handle) = (&app, handle.clone());
        async move {
            let world = format!("/w/many-{number}");
            let listed = app
                .get(&format!("{world}/_mockaa/v1/consents"))
                .await
                .expect_ok();
            let items = listed["items"].as_array().expect("a list");
            assert_eq!(
                (items.len(), &items[0]["consentHandle"]),
                (1, &json!(handle))
            );
            assert_eq!(items[0]["customer"], format!("customer-{number}@mockaa"));
            let clock = app
                .get(&format!("{world}/_mockaa/v1/clock"))
                .await
                .expect_ok();
            let at = format!("2020-07-04T06:{:02}:{:02}.000Z", number / 60, number % 60);
            assert_eq!(clock["now"], at);
            let heartbeat = app
                .request(Method::GET, &format!("{world}/Heartbeat"))
                .send()
                .await
                .expect("an answer");
            assert_eq!(usize::from(heartbeat.status().as_u16()), 500 + number % 100);
        }
    };
    stream::iter(handles.iter().enumerate().map(check_world))
        .buffered(50)
        .collect::<Vec<()>>()
        .await;
    let worlds = app.get("/_mockaa/v1/worlds").await.expect_ok();
    assert_eq!(
        worlds["items"].as_array().map(Vec::len),
        Some(1_001),
        "including the default world"
    );
}

#[tokio::test]
async fn a_world_is_deleted_with_its_pending_webhooks_and_recreated_on_use() {
    let mut app = TestApp::start().await;
    app.fiu
        .set_behavior(crate::inbox::ReceiverBehavior::Respond(500, String::new()));
    app.switch_world("gone");
    let handle = app.raise_consent_for("9999999002@mockaa").await;
    app.fiu.next_message().await;
    let deleted = app.request(Method::DELETE, "/_mockaa/v1/worlds/gone");
    assert_eq!(app.send(deleted).await.expect_ok()["deleted"], "gone");
    app.advance_clock("P1D").await;
    assert!(app.fiu.drain_messages().is_empty());
    assert_eq!(
        app.get(&format!("/_mockaa/v1/consents/{handle}"))
            .await
            .status,
        404
    );
    let deleted = app.request(Method::DELETE, "/_mockaa/v1/worlds/nobody");
    assert_eq!(app.send(deleted).await.status, 404);
}

#[tokio::test]
async fn unused_worlds_are_evicted_after_their_ttl() {
    let ttl = std::time::Duration::from_millis(40);
    let app = TestApp::start_with(|builder| builder.world_ttl(ttl)).await;
    app.get("/w/brief/_mockaa/v1/world").await.expect_ok();
    let names = async || {
        let worlds = app.get("/_mockaa/v1/worlds").await.expect_ok();
        let names = worlds["items"].as_array().expect("a list").iter();
        names
            .map(|world| world["name"].as_str().expect("a name").to_owned())
            .collect::<Vec<_>>()
    };
    let mut is_evicted = false;
    for _ in 0..5_000 {
        is_evicted = !names().await.contains(&"brief".to_owned());
        if is_evicted {
            break;
        }
    }
    assert!(is_evicted);
    assert_eq!(names().await, ["default"], "the default world stays");
}

#[tokio::test]
async fn a_world_has_the_keys_and_the_health_of_the_sandbox() {
    let mut app = TestApp::start().await;
    let keys = app.get("/.well-known/jwks.json").await.expect_ok();
    app.switch_world("other");
    assert_eq!(app.get("/.well-known/jwks.json").await.expect_ok(), keys);
    assert_eq!(app.get("/readyz").await.expect_ok()["ready"], true);
}

/// The FIU hangs for longer than the advance may take; the reset ends the advance.
#[tokio::test]
async fn an_advance_of_a_world_that_is_reset_ends() {
    let mut app =
        TestApp::start_with(|builder| builder.webhook_timeout(std::time::Duration::from_secs(600)))
            .await;
    app.fiu.set_behavior(crate::inbox::ReceiverBehavior::Hang);
    app.raise_consent_for("9999999002@mockaa").await;
    app.fiu.next_message().await;
    let body = json!({ "by": "1s" });
    let (advanced, _) = tokio::join!(
        app.post("/_mockaa/v1/clock/advance", &body),
        app.post("/_mockaa/v1/reset", &Value::Null),
    );
    // The order of the two calls is not determined; the new world has nothing to wait for either.
    let stopped = advanced.expect_ok()["stopped"]
        .as_str()
        .expect("a status")
        .to_owned();
    assert!(["world-reset", "target"].contains(&&*stopped), "{stopped}");
}

/// Beyond loopback a stranger cannot fill the table of worlds.
#[tokio::test]
async fn beyond_loopback_only_participants_and_operators_make_worlds() {
    let app = TestApp::start_with(|builder| builder.bind(Ipv4Addr::UNSPECIFIED.into())).await;
    let token = format!("Bearer {}", app.sandbox.control_token().expect("a token"));
    let body = rebit_message("ConsentHandle", "00000000-0000-4000-8000-000000000000");
    for (world, path, header, value, status) in [
        ("a", "/Consent/handle", "x-nothing", "", 404),
        ("b", "/Consent/handle", "client_api_key", "a-wrong-key", 404),
        ("c", "/Consent/handle", "client_api_key", FIU_1_KEY, 400),
        (
            "d",
            "/_mockaa/v1/clock/freeze",
            "authorization",
            &token,
            200,
        ),
        (
            "e",
            "/_mockaa/v1/clock/freeze",
            "authorization",
            "Bearer x",
            401,
        ),
    ] {
        let request = app.request(Method::POST, &format!("/w/{world}{path}"));
        let request = if path == "/Consent/handle" {
            request.json(&body)
        } else {
            request
        };
        let reply = request
            .header(header, value)
            .send()
            .await
            .expect("an answer");
        assert_eq!(reply.status(), status, "{world}");
        let text = reply.text().await.expect("a text");
        let is_named = text.contains(&format!("GET /w/{world}/_mockaa/v1/world"));
        assert_eq!(is_named, status == 404, "{text}");
    }
    let page = app.request(
        Method::GET,
        "/w/f/ui/consents/00000000-0000-4000-8000-000000000000",
    );
    assert_eq!(page.send().await.expect("an answer").status(), 401);
    let request = app.request(Method::GET, "/_mockaa/v1/worlds");
    let request = request.header("authorization", &token);
    let worlds: Value = request
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    let names = worlds["items"].as_array().expect("a list").iter();
    let names: Vec<_> = names.map(|world| world["name"].as_str()).collect();
    assert_eq!(names, [Some("c"), Some("d"), Some("default")]);
}

#[tokio::test]
async fn a_full_table_loses_the_empty_world_that_is_unused_for_longest() {
    let mut app = TestApp::start().await;
    app.switch_world("used");
    app.raise_consent(|_| {}).await;
    app.switch_world("default");
    let app = &app;
    let touch = async |name: String| {
        let request = app.request(Method::GET, &format!("/w/{name}/_mockaa/v1/clock"));
        let reply = request.send().await.expect("an answer");
        assert_eq!(reply.status(), 200);
    };
    touch("oldest".to_owned()).await;
    // With these, the table has its 10,000 worlds.
    stream::iter(0..9_997)
        .for_each_concurrent(16, |number| touch(format!("empty-{number}")))
        .await;
    let list = async || {
        let worlds = app.get("/_mockaa/v1/worlds").await.expect_ok();
        let items = worlds["items"].as_array().expect("a list").iter();
        let names = items.map(|world| world["name"].as_str().expect("a name").to_owned());
        names.collect::<Vec<_>>()
    };
    let before = list().await;
    assert_eq!(before.len(), 10_000);
    touch("one-more".to_owned()).await;
    let after = list().await;
    assert_eq!(after.len(), 10_000);
    let is_there = |name: &str| after.iter().any(|world| world == name);
    assert!(is_there("used") && is_there("one-more") && !is_there("oldest"));
}
