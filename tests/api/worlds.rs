//! Worlds never see one another.

use futures_util::stream::{self, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{TestApp, handle_of, seed_request};

#[tokio::test]
async fn a_world_has_its_own_consents_clock_and_journal() {
    let mut app = TestApp::start().await;
    let here = app.raise(|_| {}).await;
    app.advance("1h").await;
    app.enter("other");
    assert_eq!(app.consents().await, 0);
    assert_eq!(
        app.get("/_mockaa/v1/clock").await.ok()["now"],
        "2020-07-04T06:00:00.000Z"
    );
    assert_eq!(
        app.get(&format!("/_mockaa/v1/consents/{here}"))
            .await
            .status,
        404
    );
    assert!(app.journal().await.is_empty());
    let there = app.raise(|_| {}).await;
    assert_ne!(here, there, "worlds draw from streams of their own");
    app.act(&there, "approve").await.ok();
    app.enter("default");
    assert_eq!(app.state(&here).await, "PENDING");
    assert_eq!(
        app.get("/_mockaa/v1/clock").await.ok()["now"],
        "2020-07-04T07:00:00.000Z"
    );
}

#[tokio::test]
async fn the_header_names_a_world_and_the_path_comes_first() {
    let mut app = TestApp::start().await;
    let raise = |app: &TestApp, path: &str| {
        app.request(Method::POST, path)
            .header("x-mockaa-world", "by-header")
    };
    app.send(raise(&app, "/consent").json(&seed_request()))
        .await
        .ok();
    app.send(raise(&app, "/w/by-path/consent").json(&seed_request()))
        .await
        .ok();
    for (world, consents) in [("by-header", 1), ("by-path", 1), ("default", 0)] {
        app.enter(world);
        assert_eq!(app.consents().await, consents, "{world}");
    }
}

#[tokio::test]
async fn a_reset_world_is_new_and_says_the_same_again() {
    let mut app = TestApp::start().await;
    app.enter("again");
    let raise = async |app: &TestApp| app.post("/consent", &seed_request()).await.text;
    let first = raise(&app).await;
    app.advance("1h").await;
    let reset = app.post("/_mockaa/v1/reset", &Value::Null).await.ok();
    assert_eq!(
        (reset["consents"].as_u64(), reset["now"].as_str()),
        (Some(0), Some("2020-07-04T06:00:00.000Z"))
    );
    assert_eq!(raise(&app).await, first);
}

#[tokio::test]
async fn what_a_reset_world_owed_is_never_sent() {
    let mut app = TestApp::start().await;
    app.fiu
        .turn(crate::inbox::Mood::Answering(500, String::new()));
    app.raise_for("9999999004@mockaa").await;
    app.fiu.next().await;
    app.post("/_mockaa/v1/reset", &Value::Null).await.ok();
    app.fiu.turn(crate::inbox::Mood::Accepting);
    app.advance("P1D").await;
    assert!(app.fiu.arrived().is_empty());
    assert!(app.deliveries().await.is_empty());
}

#[tokio::test]
async fn a_name_that_is_none_is_refused_in_the_faces_words() {
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
                .contains("cannot name a world")
        );
    }
}

/// Each has its own consents, clock, faults and scenarios; fifty callers at a time visit them, twice.
#[tokio::test]
async fn a_thousand_worlds_at_once_do_not_mix() {
    let app = TestApp::start().await;
    let visit = |number: usize| {
        let app = &app;
        async move {
            let world = format!("/w/many-{number}");
            let mut body = seed_request();
            body["ConsentDetail"]["Customer"]["id"] = format!("customer-{number}@mockaa").into();
            let handle = handle_of(&app.post(&format!("{world}/consent"), &body).await.ok());
            app.post(
                &format!("{world}/_mockaa/v1/consents/{handle}/approve"),
                &json!(null),
            )
            .await
            .ok();
            let by = json!({ "by": format!("{number}s") });
            app.post(&format!("{world}/_mockaa/v1/clock/advance"), &by)
                .await
                .ok();
            let fault = format!(
                "api_faults: [{{ where: {{ op: heartbeat }}, fault: {{ status: {} }} }}]",
                500 + number % 100
            );
            let fault = app
                .request(Method::PUT, &format!("{world}/_mockaa/v1/faults/own"))
                .body(fault);
            app.send(fault).await.ok();
            handle
        }
    };
    let handles: Vec<_> = stream::iter((0..1_000).map(visit))
        .buffered(50)
        .collect()
        .await;
    let return_to = |(number, handle): (usize, &String)| {
        let (app, handle) = (&app, handle.clone());
        async move {
            let world = format!("/w/many-{number}");
            let listed = app.get(&format!("{world}/_mockaa/v1/consents")).await.ok();
            let items = listed["items"].as_array().expect("a list");
            assert_eq!(
                (items.len(), &items[0]["consentHandle"]),
                (1, &json!(handle))
            );
            assert_eq!(items[0]["customer"], format!("customer-{number}@mockaa"));
            let clock = app.get(&format!("{world}/_mockaa/v1/clock")).await.ok();
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
    stream::iter(handles.iter().enumerate().map(return_to))
        .buffered(50)
        .collect::<Vec<()>>()
        .await;
    let worlds = app.get("/_mockaa/v1/worlds").await.ok();
    assert_eq!(
        worlds["items"].as_array().map(Vec::len),
        Some(1_001),
        "and the default one"
    );
}

#[tokio::test]
async fn a_world_is_deleted_with_all_that_it_owed_and_springs_up_anew() {
    let mut app = TestApp::start().await;
    app.fiu
        .turn(crate::inbox::Mood::Answering(500, String::new()));
    app.enter("gone");
    let handle = app.raise_for("9999999002@mockaa").await;
    app.fiu.next().await;
    let deleted = app.request(Method::DELETE, "/_mockaa/v1/worlds/gone");
    assert_eq!(app.send(deleted).await.ok()["deleted"], "gone");
    app.advance("P1D").await;
    assert!(app.fiu.arrived().is_empty());
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
async fn worlds_that_nobody_uses_are_taken_away_where_that_is_wanted() {
    let ttl = std::time::Duration::from_millis(40);
    let app = TestApp::with(|builder| builder.world_ttl(ttl)).await;
    app.get("/w/brief/_mockaa/v1/world").await.ok();
    let names = async || {
        let worlds = app.get("/_mockaa/v1/worlds").await.ok();
        let names = worlds["items"].as_array().expect("a list").iter();
        names
            .map(|world| world["name"].as_str().expect("a name").to_owned())
            .collect::<Vec<_>>()
    };
    let mut gone = false;
    for _ in 0..5_000 {
        gone = !names().await.contains(&"brief".to_owned());
        if gone {
            break;
        }
    }
    assert!(gone);
    assert_eq!(names().await, ["default"], "the default one stays");
}

#[tokio::test]
async fn a_world_has_the_keys_and_the_health_of_the_sandbox() {
    let mut app = TestApp::start().await;
    let keys = app.get("/.well-known/jwks.json").await.ok();
    app.enter("other");
    assert_eq!(app.get("/.well-known/jwks.json").await.ok(), keys);
    assert_eq!(app.get("/readyz").await.ok()["ready"], true);
}

/// The FIU hangs for longer than the advance may take: the reset ends it.
#[tokio::test]
async fn an_advance_of_a_world_that_is_reset_ends() {
    let mut app =
        TestApp::with(|builder| builder.webhook_timeout(std::time::Duration::from_secs(600))).await;
    app.fiu.turn(crate::inbox::Mood::Hanging);
    app.raise_for("9999999002@mockaa").await;
    app.fiu.next().await;
    let body = json!({ "by": "1s" });
    let (advanced, _) = tokio::join!(
        app.post("/_mockaa/v1/clock/advance", &body),
        app.post("/_mockaa/v1/reset", &Value::Null),
    );
    // Which of the two arrives first is not ours to say; the new world has nothing to wait for either.
    let stopped = advanced.ok()["stopped"]
        .as_str()
        .expect("a word")
        .to_owned();
    assert!(["world-reset", "target"].contains(&&*stopped), "{stopped}");
}
