//! Headers of an FIU's own on its webhooks, such as those of basic authentication.

use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{Reply, TestApp};
use crate::inbox::ReceiverBehavior;

const PASSWORD: &str = "bGVuZGVyOmh1bnRlci0y";

async fn configure(app: &TestApp, headers: Value) -> Reply {
    let request = app.request(Method::PUT, "/_mockaa/v1/config/fiu/FIU-1");
    let body = json!({ "webhookHeaders": headers });
    app.send(request.json(&body)).await
}

#[tokio::test]
async fn every_webhook_has_them_and_no_record_shows_them() {
    let mut app = TestApp::start().await;
    // The receiver quotes what it got.
    let echo = format!(r#"{{"errorCode":"no access for '{PASSWORD}' and 'tenant-4711'"}}"#);
    app.fiu.set_behavior(ReceiverBehavior::Respond(401, echo));
    let credentials = format!("Basic {PASSWORD}");
    let headers = json!({ "Authorization": credentials, "X-Tenant": "tenant-4711" });
    configure(&app, headers).await.expect_ok();
    app.raise_with_scenario("approve").await;
    app.advance_clock("1m").await;
    let messages = app.fiu.drain_messages();
    assert!(messages.len() > 1, "attempts");
    for message in messages {
        assert_eq!(message.header("authorization"), credentials);
        assert_eq!(message.header("x-tenant"), "tenant-4711");
        assert!(message.header("x-jws-signature").contains(".."));
    }
    for query in ["", "?reveal=true"] {
        let view = app.get(&format!("/_mockaa/v1/webhooks/1{query}")).await;
        let attempt = view.expect_ok()["attempts"][0].clone();
        let text = attempt.to_string();
        assert!(
            text.contains("x-tenant") && text.contains("(masked)"),
            "{text}"
        );
        assert!(
            !text.contains(PASSWORD) && !text.contains("tenant-4711"),
            "{text}"
        );
    }
    // An empty object removes them.
    configure(&app, json!({})).await.expect_ok();
    app.fiu.set_behavior(ReceiverBehavior::Accept);
    app.raise_with_scenario("approve").await;
    app.advance_clock("0s").await;
    let messages = app.fiu.drain_messages();
    let last = messages.last().expect("a webhook");
    assert!(last.headers.iter().all(|(name, _)| name != "x-tenant"));
}

#[tokio::test]
async fn wrong_ones_are_refused_without_their_values() {
    let app = TestApp::start().await;
    for (headers, problem) in [
        (json!("secret-1"), "cannot be read: expected a map"),
        (
            json!({ "x-a": ["secret-1"] }),
            "cannot be read: expected a string",
        ),
        (
            json!({ "bad name": "secret-1" }),
            "'bad name' is not the name of a header",
        ),
        (
            json!({ "X-JWS-Signature": "secret-1" }),
            "is set by the sandbox",
        ),
        (json!({ "x-a": "secret-1\nx-b: 2" }), "not printable ASCII"),
        (
            json!({ "x-a": "secret-1", "X-A": "secret-1" }),
            "occurs twice",
        ),
    ] {
        let refused = configure(&app, headers).await;
        assert_eq!(refused.status, 400, "{problem}");
        assert!(refused.text.contains(problem), "{}", refused.text);
        assert!(refused.text.contains("webhookHeaders"));
        assert!(!refused.text.contains("secret-1"), "{}", refused.text);
    }
}
