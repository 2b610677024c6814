//! Where webhooks go, and that they are tried again.

use reqwest::Method;
use serde_json::json;

use super::{pairs, told};
use crate::helpers::TestApp;
use crate::inbox::Mood;
use crate::lender::{CONSENTS, DATA, FIU, Lender};

#[tokio::test]
async fn webhooks_go_where_the_lender_wants_them() {
    let mut app = TestApp::start().await;
    let url = app.fiu.url.clone();
    let lender = Lender::log_in(&app).await;
    // One base with ReBIT's paths; one address for all; three addresses, each on its own.
    let wants = [
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
    for (urls, paths) in wants {
        let put = app
            .request(Method::PUT, &format!("/_mockaa/v1/config/fiu/{FIU}"))
            .json(&urls);
        app.send(put).await.ok();
        let handle = lender.raise(&app, |_| ()).await;
        app.act(&handle, "approve").await.ok();
        app.advance("0s").await;
        let session = lender.session(&app, &handle).await;
        let report = format!("/_mockaa/v1/sessions/{session}/analytics");
        app.post(&report, &json!({ "status": "FAILED" })).await.ok();
        app.advance("0s").await;
        let arrived = app.fiu.arrived();
        let seen: Vec<_> = arrived
            .iter()
            .skip(1)
            .map(|message| message.path.as_str())
            .collect();
        assert_eq!(seen, paths);
        let analytics = arrived.last().expect("a webhook");
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
        let put = app
            .request(Method::PUT, &format!("/_mockaa/v1/config/fiu/{FIU}"))
            .json(&json!({ (key): value }));
        let refused = app.send(put).await;
        assert!(
            refused.status == 400 && refused.text.contains(key),
            "{}",
            refused.text
        );
    }
}

#[tokio::test]
async fn webhooks_are_tried_again() {
    let mut app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    app.fiu.turn(Mood::Answering(500, String::new()));
    let handle = lender.raise(&app, |_| ()).await;
    app.act(&handle, "approve").await.ok();
    app.advance("0s").await;
    assert_eq!(
        told(&mut app),
        pairs(&[(CONSENTS, "READY")]),
        "the first holds up the others"
    );
    app.fiu.turn(Mood::Answering(
        200,
        json!({ "success": true, "message": "thanks" }).to_string(),
    ));
    app.advance("1s").await;
    assert_eq!(
        told(&mut app),
        pairs(&[
            (CONSENTS, "READY"),
            (CONSENTS, "ACTIVE"),
            (DATA, "COMPLETED")
        ])
    );
}
