//! The list of what becomes due in a world.

use serde_json::{Value, json};

use crate::helpers::TestApp;
use crate::inbox::ReceiverBehavior;

async fn list_timers(app: &TestApp, query: &str) -> Vec<Value> {
    let timers = app.get(&format!("/_mockaa/v1/timers{query}")).await;
    let timers = timers.expect_ok()["items"].clone();
    timers.as_array().expect("a list").clone()
}

fn kinds(timers: &[Value]) -> Vec<&str> {
    let kinds = timers.iter().map(|timer| timer["kind"].as_str());
    kinds.map(|kind| kind.expect("a kind")).collect()
}

#[tokio::test]
async fn what_becomes_due_is_listed_in_order_of_time() {
    let app = TestApp::start().await;
    let first = app.raise_with_scenario("pause-resume").await;
    let second = app.raise_consent(|_| {}).await;
    let timers = list_timers(&app, "").await;
    let due: Vec<&str> = timers.iter().filter_map(|it| it["due"].as_str()).collect();
    assert!(due.is_sorted(), "{due:?}");
    let of_first = list_timers(&app, &format!("?consentHandle={first}")).await;
    assert_eq!(of_first[0]["kind"], "step");
    let origin = of_first[0]["origin"].as_str().expect("an origin");
    assert!(origin.contains("pause-resume"), "{origin}");
    assert_eq!(kinds(&of_first).last(), Some(&"consent.expiry"));
    let of_second = list_timers(&app, &format!("?consentHandle={second}")).await;
    assert_eq!(
        of_second,
        [json!({
            "due": app.fetch_consent(&second).await["consentExpiry"],
            "kind": "consent.expiry",
            "consentHandle": second,
            "origin": "the consent expires",
        })]
    );
    assert_eq!(timers.len(), of_first.len() + of_second.len());
    // What has happened is not due, nor is what a revoked consent leaves behind.
    app.apply_verb(&second, "approve").await.expect_ok();
    app.apply_verb(&second, "revoke").await.expect_ok();
    let left = list_timers(&app, &format!("?consentHandle={second}")).await;
    assert!(kinds(&left).is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_page_of_timers_goes_on_where_the_one_before_ended() {
    let app = TestApp::start().await;
    for _ in 0..3 {
        app.raise_consent(|_| {}).await;
    }
    let all = list_timers(&app, "").await;
    let first = app.get("/_mockaa/v1/timers?limit=2").await.expect_ok();
    assert_eq!(first["items"].as_array(), Some(&all[..2].to_vec()));
    let rest = list_timers(&app, &format!("?after={}", first["next"])).await;
    assert_eq!(rest, all[2..]);
    let reply = app.get("/_mockaa/v1/timers?consentHandle=mine").await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json()["field"], "consentHandle");
}

#[tokio::test]
async fn a_retry_is_due_until_the_webhook_arrives() {
    let mut app = TestApp::start().await;
    app.fiu
        .set_behavior(ReceiverBehavior::Respond(500, String::new()));
    let handle = app.raise_consent(|_| {}).await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    app.fiu.next_message().await;
    app.fiu.set_behavior(ReceiverBehavior::Accept);
    app.advance_clock("0s").await;
    let query = format!("?consentHandle={handle}");
    let retry = &list_timers(&app, &query).await[0];
    assert_eq!(
        (&retry["kind"], &retry["webhook"]),
        (&json!("webhook.retry"), &json!(1))
    );
    app.post("/_mockaa/v1/clock/advance", &json!({ "to": retry["due"] }))
        .await
        .expect_ok();
    assert!(!kinds(&list_timers(&app, &query).await).contains(&"webhook.retry"));
}
