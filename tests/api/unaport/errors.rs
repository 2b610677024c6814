//! Paths, error responses, and pages of other origins.

use reqwest::Method;
use serde_json::{Value, json};

use super::object_keys;
use crate::helpers::{NOW, TestApp};
use crate::lender::{
    APP_PREFIX, COMMON_PREFIX, Lender, consent_detail_mut, credentials, expect_text,
    template_consent_request,
};

#[tokio::test]
async fn an_undocumented_call_names_the_documented_one() {
    let app = TestApp::start().await;
    let lender = Lender::log_in(&app).await;
    let path = format!("{APP_PREFIX}/FIU/GetConsentStatus/0b811819-9044-4856-b0ee-8c88035f8858");
    let refused = lender.get(&app, &path).await;
    assert_eq!(refused.status, 404);
    assert!(refused.json()["version"].is_string(), "{}", refused.text);
    assert!(
        refused
            .text
            .contains("use GET …/FIU/GetConsent/{consentHandle}"),
        "{}",
        refused.text
    );
    let notes = app.get("/_mockaa/v1/journal?kind=note").await.expect_ok();
    assert!(notes.to_string().contains("GetConsentStatus"), "{notes}");
    let report = app.get("/_mockaa/v1/report").await.expect_ok();
    assert_eq!(report["passed"], true, "{report}");
    // Any other unknown path is still one.
    let path = format!("{APP_PREFIX}/FIU/GetConsentState/x");
    assert_eq!(lender.get(&app, &path).await.status, 404);
    let report = app.get("/_mockaa/v1/report").await.expect_ok();
    assert_eq!(report["passed"], false, "{report}");
}

#[tokio::test]
async fn both_hosts_have_all_paths_spelled_exactly() {
    let app = TestApp::start().await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    let handle = lender.raise_consent(&app, |_| ()).await;
    for host in [COMMON_PREFIX, APP_PREFIX, "/backend/api/v1"] {
        app.post(&format!("{host}/public/user/login/"), &credentials())
            .await
            .expect_ok();
        app.post(&format!("{host}//public/user/login"), &credentials())
            .await
            .expect_ok();
        for path in [
            "FIU/getClientOrganisation",
            "FIU/getOrganisation/",
            &format!("FIU/GetConsent/{handle}/"),
            &format!("FIU/ProductList/{}", lender.org_id),
        ] {
            lender
                .get(&app, &format!("{host}/{path}"))
                .await
                .expect_ok();
        }
        for path in [
            "fiu/getOrganisation",
            "FIU/getorganisation",
            "FIU/getOrganisation/x",
            "",
            "FIU",
        ] {
            let reply = lender.get(&app, &format!("{host}/{path}")).await;
            assert_eq!(
                (reply.status.as_u16(), &reply.json()["status"]),
                (404, &json!(404)),
                "{path}"
            );
        }
    }
    assert_eq!(
        lender.get(&app, "/API/v1/FIU/getOrganisation").await.status,
        404
    );
    let wrong_method = lender
        .get(&app, &format!("{COMMON_PREFIX}/public/user/login"))
        .await;
    assert_eq!(
        (wrong_method.status.as_u16(), &wrong_method.json()["error"]),
        (405, &json!("Method Not Allowed"))
    );
}

#[tokio::test]
async fn errors_have_one_shape_and_name_the_remedy() {
    let app = TestApp::start().await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    let consents = format!("{APP_PREFIX}/FIU/Consents/{}", lender.org_id);
    let unknown_id = "0b811819-9044-4856-b0ee-8c88035f8858";
    let get = async |path: &str| lender.get(&app, &format!("{APP_PREFIX}/FIU/{path}")).await;
    let raw = async |body: &str| {
        let call = app
            .request(Method::POST, &consents)
            .bearer_auth(&lender.access_token)
            .header("content-type", "application/json");
        app.send(call.body(body.to_owned())).await
    };
    for (reply, status, expected) in [
        (
            app.get(&format!("{APP_PREFIX}/FIU/GetConsent/{unknown_id}"))
                .await,
            401,
            "log in with POST /api/v1/public/user/login",
        ),
        (
            lender
                .get(&app, &format!("{APP_PREFIX}/FIU/ProductList/{unknown_id}"))
                .await,
            403,
            "take it from getClientOrganisation",
        ),
        (
            get(&format!("GetConsent/{unknown_id}")).await,
            404,
            "no consent has the handle",
        ),
        (
            lender
                .post(
                    &app,
                    &format!("{APP_PREFIX}/FIU/Consents/product/"),
                    &template_consent_request(unknown_id),
                )
                .await,
            400,
            "org_id is empty in the path; yours is",
        ),
        (
            lender
                .post(
                    &app,
                    &format!("{APP_PREFIX}/FIU/Consents/revoke//{unknown_id}"),
                    &Value::Null,
                )
                .await,
            400,
            "org_id is empty in the path",
        ),
        (
            get("ProductList/").await,
            400,
            "org_id is empty in the path",
        ),
        (get("GetConsent/x").await, 404, "no consent has the handle"),
        (
            get(&format!("FINotification/{unknown_id}")).await,
            404,
            "no consent has the handle",
        ),
        (
            get(&format!("FifetchDataBySessionId/{unknown_id}")).await,
            404,
            "no data session",
        ),
        (
            get(&format!("FI/AccountDetail/{unknown_id}")).await,
            404,
            "no data session",
        ),
        (raw("{").await, 400, "not JSON"),
        (raw("[]").await, 400, "expected"),
        (
            raw(&format!("{{\"vuaId\":\"{}\"}}", "x".repeat(1_100_000))).await,
            400,
            "larger than",
        ),
        (
            lender
                .create_consent(&app, |body| {
                    consent_detail_mut(body)["consentExpiry"] = NOW.into();
                })
                .await,
            400,
            "is not after consentStart",
        ),
        (
            lender
                .create_consent(&app, |body| {
                    consent_detail_mut(body)["Frequency"]["value"] = 0.into();
                })
                .await,
            400,
            "must be at least 1",
        ),
        (
            lender
                .post(
                    &app,
                    &format!("{APP_PREFIX}/FIU/Consents/product/{}", lender.org_id),
                    &template_consent_request(unknown_id),
                )
                .await,
            400,
            "not a consent template",
        ),
    ] {
        let body = reply.json();
        assert_eq!(
            (reply.status.as_u16(), body["status"].as_u64()),
            (status, Some(u64::from(status))),
            "{}",
            reply.text
        );
        assert_eq!(
            object_keys(&body),
            [
                "timestamp",
                "status",
                "error",
                "message",
                "path",
                "txnId",
                "version",
                "errors"
            ]
        );
        assert!(
            expect_text(&body["message"]).contains(expected),
            "{expected}: {}",
            reply.text
        );
        assert!(body["errors"].is_array() && body["version"] == "2.0.0");
    }
    assert_eq!(app.count_consents().await, 0, "nothing was raised");
    // A consent of another API is not visible here.
    let seed = app.raise_consent(|_| ()).await;
    assert_eq!(get(&format!("GetConsent/{seed}")).await.status, 404);
    let analytics = format!("/_mockaa/v1/sessions/{unknown_id}/analytics");
    assert_eq!(app.post(&analytics, &Value::Null).await.status, 404);
}

#[tokio::test]
async fn requested_errors_have_the_unaport_format() {
    let app = TestApp::start().await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    let path = format!("{APP_PREFIX}/FIU/ProductList/{}", lender.org_id);
    for (fault, status) in [
        ("InternalError", 500),
        ("ServiceUnavailable", 503),
        ("Unauthorized", 401),
        ("DataGone", 404),
        ("PreconditionFailed", 400),
    ] {
        let call = app
            .request(Method::GET, &path)
            .bearer_auth(&lender.access_token)
            .header("x-mockaa-fault", fault);
        let reply = app.send(call).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.json()["status"]),
            (status, &json!(status)),
            "{}",
            reply.text
        );
        assert!(expect_text(&reply.json()["message"]).starts_with(fault));
    }
}

#[tokio::test]
async fn a_page_of_another_site_may_call() {
    let app = TestApp::start().await;
    let preflight_request = |path: &str| {
        app.request(Method::OPTIONS, path)
            .header("origin", "https://lender.example")
    };
    let preflight = preflight_request(&format!("{APP_PREFIX}/FIU/ProductList/x"))
        .header("access-control-request-method", "GET");
    let preflight = preflight.header(
        "access-control-request-headers",
        "authorization,x-mockaa-fault",
    );
    let answer = preflight.send().await.expect("a response");
    assert_eq!(answer.status(), 204);
    let header = |name: &str| answer.headers()[name].to_str().expect("text").to_owned();
    assert_eq!(header("access-control-allow-origin"), "*");
    assert!(header("access-control-allow-methods").contains("GET"));
    assert!(header("access-control-allow-headers").contains("x-mockaa-fault"));
    // Pages of other origins may not use the control API.
    let preflight =
        preflight_request("/_mockaa/v1/reset").header("access-control-request-method", "POST");
    assert_eq!(preflight.send().await.expect("a response").status(), 403);
}
