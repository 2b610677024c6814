//! Webhook URLs and retries.

use reqwest::Method;
use serde_json::json;

use super::{drain_webhooks, owned_pairs};
use crate::helpers::TestApp;
use crate::inbox::ReceiverBehavior;
use crate::lender::{CONSENT_HOOK, DATA_HOOK, FIU_ID, Lender};

#[tokio::test]
async fn webhooks_go_where_the_lender_wants_them() {
    let mut app = TestApp::start().await;
    let url = app.fiu.url.clone();
    let lender = Lender::log_in(&app).await;
    // One base URL with ReBIT's paths; one URL for all; three URLs, one for each kind.
    let cases = [
        (
            json!({}),
            [
                "/Consent/Notification",
                "/FI/Notification",
                "/Analytics/Notification",
            ],
        ),
        (
            json!({ "webhookUrl": format!("{url}/all?key=1") }),
            ["/all", "/all", "/all"],
        ),
        (
            json!({ "dataUrl": format!("{url}/data") }),
            ["/all", "/data", "/all"],
        ),
        (
            json!({ "webhookUrl": "", "consentUrl": format!("{url}/c"), "analyticsUrl": format!("{url}/a") }),
            ["/c", "/data", "/a"],
        ),
    ];
    for (urls, paths) in cases {
        let request = app
            .request(Method::PUT, &format!("/_mockaa/v1/config/fiu/{FIU_ID}"))
            .json(&urls);
        app.send(request).await.expect_ok();
        let handle = lender.raise_consent(&app, |_| ()).await;
        app.apply_verb(&handle, "approve").await.expect_ok();
        app.advance_clock("0s").await;
        let session = lender.fetch_newest_session(&app, &handle).await;
        let report = format!("/_mockaa/v1/sessions/{session}/analytics");
        app.post(&report, &json!({ "status": "FAILED" }))
            .await
            .expect_ok();
        app.advance_clock("0s").await;
        let messages = app.fiu.drain_messages();
        let seen_paths: Vec<_> = messages
            .iter()
            .skip(1)
            .map(|message| message.path.as_str())
            .collect();
        assert_eq!(seen_paths, paths);
        let analytics = messages.last().expect("a webhook");
        assert_eq!(
            (&analytics.json()["status"], &analytics.json()["sessionId"]),
            (&json!("FAILED"), &json!(session))
        );
        assert_eq!(analytics.json()["trackingId"], "LOAN-4711");
        assert!(
            !analytics.header("x-jws-signature").is_empty()
                && !analytics.header("webhook-signature").is_empty()
        );
    }
    for (key, value) in [
        ("webhookUrl", "ftp://x"),
        ("consentUrl", "http://169.254.169.254/x"),
        ("baseUrl", "http://x/?y"),
    ] {
        let request = app
            .request(Method::PUT, &format!("/_mockaa/v1/config/fiu/{FIU_ID}"))
            .json(&json!({ (key): value }));
        let rejection = app.send(request).await;
        assert!(
            rejection.status == 400 && rejection.text.contains(key),
            "{}",
            rejection.text
        );
    }
}

#[tokio::test]
async fn webhooks_are_tried_again() {
    let mut app = TestApp::start().await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    app.fiu
        .set_behavior(ReceiverBehavior::Respond(500, String::new()));
    let handle = lender.raise_consent(&app, |_| ()).await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    app.advance_clock("0s").await;
    assert_eq!(
        drain_webhooks(&mut app),
        owned_pairs(&[(CONSENT_HOOK, "READY")]),
        "the first webhook delays the others"
    );
    app.fiu.set_behavior(ReceiverBehavior::Respond(
        200,
        json!({ "success": true, "message": "thanks" }).to_string(),
    ));
    app.advance_clock("1s").await;
    assert_eq!(
        drain_webhooks(&mut app),
        owned_pairs(&[
            (CONSENT_HOOK, "READY"),
            (CONSENT_HOOK, "ACTIVE"),
            (DATA_HOOK, "COMPLETED")
        ])
    );
}
