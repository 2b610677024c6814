//! Paths, refusals, and pages of other sites.

use reqwest::Method;
use serde_json::{Value, json};

use super::names;
use crate::helpers::{NOW, TestApp};
use crate::lender::{APP, COMMON, Lender, by_template, credentials, detail, text};

#[tokio::test]
async fn both_hosts_have_all_paths_spelled_exactly() {
    let app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    let handle = lender.raise(&app, |_| ()).await;
    for host in [COMMON, APP, "/backend/api/v1"] {
        app.post(&format!("{host}/public/user/login/"), &credentials())
            .await
            .ok();
        app.post(&format!("{host}//public/user/login"), &credentials())
            .await
            .ok();
        for path in [
            "FIU/getClientOrganisation",
            "FIU/getOrganisation/",
            &format!("FIU/GetConsent/{handle}/"),
            &format!("FIU/ProductList/{}", lender.org),
        ] {
            lender.get(&app, &format!("{host}/{path}")).await.ok();
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
    let wrong = lender
        .get(&app, &format!("{COMMON}/public/user/login"))
        .await;
    assert_eq!(
        (wrong.status.as_u16(), &wrong.json()["error"]),
        (405, &json!("Method Not Allowed"))
    );
}

#[tokio::test]
async fn refusals_have_one_shape_and_say_what_to_do() {
    let app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    let consents = format!("{APP}/FIU/Consents/{}", lender.org);
    let nobody = "0b811819-9044-4856-b0ee-8c88035f8858";
    let get = async |path: &str| lender.get(&app, &format!("{APP}/FIU/{path}")).await;
    let raw = async |body: &str| {
        let call = app
            .request(Method::POST, &consents)
            .bearer_auth(&lender.access)
            .header("content-type", "application/json");
        app.send(call.body(body.to_owned())).await
    };
    for (reply, status, word) in [
        (
            app.get(&format!("{APP}/FIU/GetConsent/{nobody}")).await,
            401,
            "log in with POST /api/v1/public/user/login",
        ),
        (
            lender
                .get(&app, &format!("{APP}/FIU/ProductList/{nobody}"))
                .await,
            403,
            "take it from getClientOrganisation",
        ),
        (
            get(&format!("GetConsent/{nobody}")).await,
            404,
            "no consent has the handle",
        ),
        (
            lender
                .post(
                    &app,
                    &format!("{APP}/FIU/Consents/product/"),
                    &by_template(nobody),
                )
                .await,
            400,
            "org_id is empty in the path; yours is",
        ),
        (
            lender
                .post(
                    &app,
                    &format!("{APP}/FIU/Consents/revoke//{nobody}"),
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
            get(&format!("FINotification/{nobody}")).await,
            404,
            "no consent has the handle",
        ),
        (
            get(&format!("FifetchDataBySessionId/{nobody}")).await,
            404,
            "no data session",
        ),
        (
            get(&format!("FI/AccountDetail/{nobody}")).await,
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
                .ask(&app, |body| detail(body)["consentExpiry"] = NOW.into())
                .await,
            400,
            "is not after consentStart",
        ),
        (
            lender
                .ask(&app, |body| detail(body)["DataLife"]["value"] = 0.into())
                .await,
            400,
            "needs at least 1 MONTH",
        ),
        (
            lender
                .post(
                    &app,
                    &format!("{APP}/FIU/Consents/product/{}", lender.org),
                    &by_template(nobody),
                )
                .await,
            400,
            "no consent template",
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
            names(&body),
            [
                "error",
                "errors",
                "message",
                "path",
                "status",
                "timestamp",
                "txnId",
                "version"
            ]
        );
        assert!(
            text(&body["message"]).contains(word),
            "{word}: {}",
            reply.text
        );
        assert!(body["errors"].is_array() && body["version"] == "2.0.0");
    }
    assert_eq!(app.consents().await, 0, "nothing was raised");
    // A consent of another face is none of this one's.
    let seed = app.raise(|_| ()).await;
    assert_eq!(get(&format!("GetConsent/{seed}")).await.status, 404);
    let analytics = format!("/_mockaa/v1/sessions/{nobody}/analytics");
    assert_eq!(app.post(&analytics, &Value::Null).await.status, 404);
}

#[tokio::test]
async fn errors_come_on_request_in_the_faces_own_form() {
    let app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    let path = format!("{APP}/FIU/ProductList/{}", lender.org);
    for (fault, status) in [
        ("InternalError", 500),
        ("ServiceUnavailable", 503),
        ("Unauthorized", 401),
        ("DataGone", 404),
        ("PreconditionFailed", 400),
    ] {
        let call = app
            .request(Method::GET, &path)
            .bearer_auth(&lender.access)
            .header("x-mockaa-fault", fault);
        let reply = app.send(call).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.json()["status"]),
            (status, &json!(status)),
            "{}",
            reply.text
        );
        assert!(text(&reply.json()["message"]).starts_with(fault));
    }
}

#[tokio::test]
async fn a_page_of_another_site_may_call() {
    let app = TestApp::start().await;
    let ask = |path: &str| {
        app.request(Method::OPTIONS, path)
            .header("origin", "https://lender.example")
    };
    let asked =
        ask(&format!("{APP}/FIU/ProductList/x")).header("access-control-request-method", "GET");
    let asked = asked.header(
        "access-control-request-headers",
        "authorization,x-mockaa-fault",
    );
    let answer = asked.send().await.expect("it answers");
    assert_eq!(answer.status(), 204);
    let header = |name: &str| answer.headers()[name].to_str().expect("text").to_owned();
    assert_eq!(header("access-control-allow-origin"), "*");
    assert!(header("access-control-allow-methods").contains("GET"));
    assert!(header("access-control-allow-headers").contains("x-mockaa-fault"));
    // Nobody else's pages may steer the sandbox, nor call as an FIU does.
    let asked = ask("/_mockaa/v1/reset").header("access-control-request-method", "POST");
    assert_eq!(asked.send().await.expect("it answers").status(), 405);
}
