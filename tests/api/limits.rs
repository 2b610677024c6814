//! Limits: what a caller cannot make the sandbox do, however much it sends or how long it waits.

use std::net::TcpListener;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use crate::helpers::{Reply, TestApp, seed_request};

/// Waits for an answer, which must come long before the five minutes of the call have passed.
async fn expect_soon<T>(answer: impl Future<Output = T>) -> T {
    let answer = tokio::time::timeout(Duration::from_secs(30), answer).await;
    answer.expect("the wait ends early")
}

const WAIT: &str = "/_mockaa/v1/journal/wait?kind=consent.revoked&within=5m";

#[tokio::test]
async fn a_wait_ends_when_its_world_is_reset() {
    let app = TestApp::start().await;
    app.raise_consent(|_| {}).await;
    let waiting = app.get(WAIT);
    tokio::pin!(waiting);
    let resets = async {
        loop {
            // The first ones may come before the wait has begun.
            let reset = app.post("/_mockaa/v1/reset", &Value::Null);
            tokio::select! {
                answer = &mut waiting => return answer,
                reply = reset => assert!(reply.status.is_success(), "{}", reply.text),
            }
        }
    };
    let answer = expect_soon(resets).await;
    assert_eq!(answer.status, 409);
    let message = answer.json()["error"].to_string();
    assert!(
        message.contains("the world was reset or deleted"),
        "{message}"
    );
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_wait() {
    let app = TestApp::start_with(|builder| builder.drain_timeout(Duration::from_secs(300))).await;
    app.raise_consent(|_| {}).await;
    let waiting = app.request(Method::GET, WAIT).send();
    tokio::pin!(waiting);
    for _ in 0..20 {
        tokio::select! {
            answer = &mut waiting => panic!("it ends before the stop: {answer:?}"),
            reply = app.get("/livez") => assert!(reply.status.is_success()),
        }
    }
    let stop = app.sandbox.stop();
    let (answer, ()) = expect_soon(async { tokio::join!(waiting, stop) }).await;
    let answer = answer.expect("the wait is answered");
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "5");
}

#[tokio::test]
async fn the_name_of_a_scenario_in_a_header_is_short() {
    let app = TestApp::start().await;
    for header in ["x-mockaa-scenario", "x-scenario-id"] {
        for (length, message) in [
            (100, "unknown scenario"),
            (101, "is longer than 100 bytes"),
            (50_000, "is longer than 100 bytes"),
        ] {
            let request = app.request(Method::POST, "/consent");
            let request = request.header(header, "x".repeat(length));
            let reply = app.send(request.json(&seed_request())).await;
            assert_eq!(reply.status, 400, "{header} of {length}");
            let text = reply.json().to_string();
            assert!(text.contains(message), "{header} of {length}: {text}");
            assert!(text.len() < 10_000, "{header} of {length}: {}", text.len());
        }
    }
}

#[tokio::test]
async fn a_long_text_does_not_hold_up_other_calls() {
    let app = TestApp::start_with(|builder| builder.workers(1)).await;
    let keys = (0..90_000).map(|number| format!("k{number}: 1\n"));
    let long = put_scenario(&app, keys.collect());
    tokio::pin!(long);
    for _ in 0..50 {
        tokio::select! {
            reply = &mut long => panic!("it is answered before short calls: {}", reply.status),
            reply = app.get("/livez") => assert!(reply.status.is_success()),
        }
    }
    assert_eq!(long.await.status, 400);
}

async fn put_scenario(app: &TestApp, text: String) -> Reply {
    let request = app.request(Method::PUT, "/_mockaa/v1/scenarios/a");
    app.send(request.body(text)).await
}

#[tokio::test]
async fn the_first_errors_of_a_text_are_listed_and_the_rest_is_said() {
    let app = TestApp::start().await;
    let keys = |count: usize| -> String { (0..count).map(|key| format!("k{key}: 1\n")).collect() };
    for (count, listed) in [(20, 20), (21, 21), (40_000, 21)] {
        let text = format!(
            "version: 1\nname: a\nsteps: [approve: {{}}]\n{}",
            keys(count)
        );
        let reply = put_scenario(&app, text).await;
        assert_eq!(reply.status, 400);
        let diagnostics = reply.json()["diagnostics"].clone();
        let diagnostics = diagnostics.as_array().expect("a list");
        assert_eq!(diagnostics.len(), listed, "{count}");
        let last = diagnostics[listed - 1].to_string();
        assert_eq!(last.contains("more than 20 errors"), count > 20, "{last}");
    }
    // The last of many keys is a duplicate of the first.
    let text = format!("version: 1\nname: a\nmeta: {{}}\n{}k0: 2\n", keys(3));
    let reply = put_scenario(&app, text).await;
    let text = reply.json().to_string();
    assert!(
        text.contains("duplicate key 'k0'; first on line 4"),
        "{text}"
    );
}

#[tokio::test]
async fn patterns_are_short_and_few() {
    let app = TestApp::start().await;
    let scenario = |pattern: &str| {
        format!("version: 1\nname: a\nmatch: {{ customer: {pattern} }}\nsteps: [approve: {{}}]\n")
    };
    let list = |count: usize| format!("[{}]", vec!["a*"; count].join(", "));
    for (pattern, error) in [
        ("a".repeat(200), None),
        ("a".repeat(201), Some("is longer than 200 bytes")),
        (list(20), None),
        (list(21), Some("has 21 items; the limit is 20")),
    ] {
        let reply = put_scenario(&app, scenario(&pattern)).await;
        let text = reply.json().to_string();
        match error {
            None => assert!(reply.status.is_success(), "{text}"),
            Some(error) => assert!(reply.status == 400 && text.contains(error), "{text}"),
        }
    }
}

/// Returns the use and the bound of a store.
fn find_store(world: &Value, name: &str) -> (u64, u64) {
    let stores = world["stores"].as_array().expect("a list");
    let store = stores.iter().find(|store| store["store"] == name);
    let store = store.expect("the store is listed");
    let number = |key: &str| store[key].as_u64().expect("a number");
    (number("used"), number("bound"))
}

#[tokio::test]
async fn the_consents_that_ended_first_are_removed() {
    let app = TestApp::start_with(|builder| builder.ended_consents(10)).await;
    let kept = app.raise_consent(|_| {}).await;
    let mut ended = Vec::new();
    for _ in 0..30 {
        let handle = app.raise_with_scenario("approve").await;
        app.apply_verb(&handle, "revoke").await.expect_ok();
        ended.push(handle);
    }
    let world = app.get("/_mockaa/v1/world").await.expect_ok();
    let (used, bound) = find_store(&world, "ended-consents");
    assert!(
        bound == 10 && (10..=11).contains(&used),
        "{used} of {bound}"
    );
    assert_eq!(world["consents"], used + 1, "the open one is kept");
    assert_eq!(world["removedConsents"], 30 - used);
    assert_eq!(app.consent_state(&kept).await, "PENDING");
    assert_eq!(app.consent_state(&ended[29]).await, "REVOKED");
    for path in ["/consent/", "/_mockaa/v1/consents/"] {
        let reply = app.get(&format!("{path}{}", ended[0])).await;
        assert!(reply.status.is_client_error(), "{path}: {}", reply.text);
    }
    // Numbers of a list go on behind those that were removed.
    let page = app
        .get("/_mockaa/v1/consents?after=0&limit=2")
        .await
        .expect_ok();
    let first = page["items"][0]["consentHandle"].as_str();
    assert_eq!(first, Some(&*kept));
    let rest = format!("/_mockaa/v1/consents?after={}", page["next"]);
    let rest = app.get(&rest).await.expect_ok();
    let count = rest["items"].as_array().expect("a list").len();
    assert_eq!(count as u64, used - 1);
    let journal = app.get("/_mockaa/v1/journal?limit=1000").await.expect_ok();
    let text = journal.to_string();
    assert!(
        text.contains("those that ended first are removed"),
        "the journal says so"
    );
}

#[tokio::test]
async fn a_world_shows_its_stores_against_their_bounds() {
    let app = TestApp::start().await;
    let uses = async || app.get("/_mockaa/v1/world").await.expect_ok();
    let before = uses().await;
    assert_eq!(find_store(&before, "journal-entries"), (0, 10_000));
    app.raise_with_scenario("approve").await;
    put_scenario(
        &app,
        "version: 1\nname: a\nsteps: [approve: {}]\n".to_owned(),
    )
    .await;
    app.put_faults("webhooks: [{ fault: { drop: {} } }]")
        .await
        .expect_ok();
    let after = uses().await;
    for store in [
        "journal-entries",
        "journal-bytes",
        "scenarios",
        "fault-sets",
        "notes",
    ] {
        let ((old, _), (new, bound)) = (find_store(&before, store), find_store(&after, store));
        assert!(
            old < new && new < bound,
            "{store}: {old}, then {new} of {bound}"
        );
    }
}

/// A receiver that accepts connections and never answers.
fn start_silent_receiver() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    (listener, url)
}

#[tokio::test]
async fn a_full_outbox_refuses_calls_and_names_the_time_to_wait() {
    let (_listener, url) = start_silent_receiver();
    let app = TestApp::start_with(|builder| builder.fiu_url(url)).await;
    app.put_faults("webhooks: [{ fault: { burst: { copies: 1000 } } }]")
        .await
        .expect_ok();
    let approve = async || {
        let request = app.request(Method::POST, "/consent");
        let request = request.header("x-mockaa-scenario", "approve");
        let answer = request.json(&seed_request()).send().await;
        answer.expect("an answer")
    };
    let mut raised = 0;
    let refusal = loop {
        let answer = approve().await;
        if !answer.status().is_success() {
            break answer;
        }
        raised += 1;
        assert!(
            raised <= 10,
            "each consent has a thousand webhooks at least"
        );
    };
    assert_eq!(refusal.status(), 503);
    assert_eq!(refusal.headers()["retry-after"], "5");
    let text = refusal.text().await.expect("a text");
    assert!(
        text.contains("the outbox holds 10000 undelivered webhooks"),
        "{text}"
    );
    let world = app.get("/_mockaa/v1/world").await.expect_ok();
    let (used, bound) = find_store(&world, "open-webhooks");
    assert!(used >= bound && used <= bound + 2_000, "{used} of {bound}");
}
