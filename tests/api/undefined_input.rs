//! Input that a call of the control API does not have is refused: it would change nothing.

use mockaa::internals::http::routes::all_routes;
use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{TestApp, extract_handle, rebit_request};
use crate::lender::Lender;

/// Sends a call of the control API, and returns the status and the text of the answer.
async fn call(app: &TestApp, method: Method, path: &str, body: Option<&str>) -> (u16, String) {
    let request = app.request(method, &format!("/_mockaa/v1/{path}"));
    let request = match body {
        Some(body) => request.body(body.to_owned()),
        None => request,
    };
    let reply = app.send(request).await;
    (reply.status.as_u16(), reply.text)
}

#[tokio::test]
async fn an_unknown_parameter_is_refused_by_every_control_call() {
    let app = TestApp::start().await;
    let mut refused = 0;
    for route in all_routes() {
        let Some(path) = route.path.strip_prefix("/_mockaa/v1/") else {
            continue;
        };
        // The key set is public material for any client.
        if path == "keys" {
            continue;
        }
        let path = path.replace(['{', '}'], "");
        let method = Method::from_bytes(route.method.as_str().as_bytes()).expect("a method");
        let (status, text) = call(&app, method, &format!("{path}?kepe=setup"), None).await;
        assert!(
            status == 400 && text.contains("kepe"),
            "{route:?}: {status} {text}"
        );
        refused += 1;
    }
    assert!(refused > 40, "{refused} control calls");
}

#[tokio::test]
async fn a_body_that_is_not_read_is_refused() {
    let app = TestApp::start().await;
    let handle = extract_handle(&app.post("/Consent", &rebit_request()).await.expect_ok());
    for (path, body, problem) in [
        ("clock/run".to_owned(), r#"{"at":1}"#, "body is not read"),
        ("clock/freeze".to_owned(), "null", "body"),
        (
            "clock/freeze".to_owned(),
            r#"{"to":"now"}"#,
            "unknown field",
        ),
        (
            format!("consents/{handle}/reject"),
            r#"{"reason":"x"}"#,
            "body is not read",
        ),
        ("webhooks/1/resend".to_owned(), "[]", "body is not read"),
        ("reset".to_owned(), r#"{"kepe":["clock"]}"#, "unknown field"),
        (
            "reset".to_owned(),
            r#"{"keep":["clocks"]}"#,
            "keep has 'clocks', which is not one of scenarios, faults, participants, clock",
        ),
    ] {
        let (status, text) = call(&app, Method::POST, &path, Some(body)).await;
        assert_eq!(status, 400, "{path} {body}: {text}");
        assert!(text.contains(problem), "{path} {body}: {text}");
    }
    assert_eq!(app.consent_state(&handle).await, "PENDING");
}

#[tokio::test]
async fn two_worlds_for_one_call_are_refused() {
    let app = TestApp::start().await;
    for path in ["/w/one/_mockaa/v1/reset", "/w/one/Consent"] {
        let request = app.request(Method::POST, path).json(&rebit_request());
        let refused = app.send(request.header("x-mockaa-world", "two")).await;
        assert_eq!(refused.status, 400, "{path}: {}", refused.text);
        assert!(
            refused.text.contains("x-mockaa-world") && refused.text.contains("'two'"),
            "{}",
            refused.text
        );
        assert!(refused.text.contains("'one'"), "{}", refused.text);
    }
    let same = app.request(Method::GET, "/w/one/_mockaa/v1/world");
    app.send(same.header("x-mockaa-world", "one"))
        .await
        .expect_ok();
}

#[tokio::test]
async fn what_cannot_be_a_customer_is_refused() {
    let app = TestApp::start().await;
    let pin = json!({ "customer": "98" }).to_string();
    let advance =
        json!({ "by": "1s", "until": { "call": { "op": "fi.request", "customer": "98" } } });
    for (method, path, body) in [
        (Method::POST, "scenarios/reject/pin", Some(pin)),
        (Method::POST, "clock/advance", Some(advance.to_string())),
        (Method::GET, "journal?customer=98", None),
        (Method::GET, "customers/98/accounts", None),
        (Method::POST, "customers/98/register", None),
    ] {
        let (status, text) = call(&app, method, path, body.as_deref()).await;
        assert_eq!(status, 400, "{path}: {text}");
        let message = "'98' is not an address of the form name@handle";
        assert!(text.contains(message), "{path}: {text}");
    }
}

#[tokio::test]
async fn a_number_that_is_too_short_raises_no_consent() {
    let app = TestApp::start().await;
    let lender = Lender::log_in(&app).await;
    for number in ["98765", "987654321", "+91987654321"] {
        let identifiers = json!([{ "type": "MOBILE", "value": number }]);
        let mut body = rebit_request();
        body["ConsentDetail"]["Customer"] = json!({ "Identifiers": identifiers.clone() });
        let refused = app.post("/Consent", &body).await;
        assert_eq!(refused.status, 400, "{}", refused.text);
        assert!(
            refused.text.contains("is not a mobile number"),
            "{}",
            refused.text
        );
        let refused = lender
            .create_consent(&app, |body| {
                crate::lender::consent_detail_mut(body)["Customer"] =
                    json!({ "id": "", "Identifiers": identifiers });
            })
            .await;
        assert_eq!(refused.status, 400, "{}", refused.text);
    }
    assert_eq!(app.count_consents().await, 0);
}

#[tokio::test]
async fn an_advance_beyond_all_clocks_moves_nothing() {
    let app = TestApp::start().await;
    let clock = async || app.get("/_mockaa/v1/clock").await.expect_ok()["now"].clone();
    let before = clock().await;
    for by in ["P9999999999D", "P3000000D"] {
        let body = json!({ "by": by }).to_string();
        let (status, text) = call(&app, Method::POST, "clock/advance", Some(&body)).await;
        assert_eq!(status, 400, "{by}: {text}");
        assert!(text.contains("\"by\"") && text.contains("9999"), "{text}");
    }
    assert_eq!(clock().await, before);
}

/// Returns the parts that are still there: default scenario, fault sets, name of the FIU, date.
async fn read_parts(app: &TestApp) -> [String; 4] {
    let get = async |path: &str| app.get(&format!("/_mockaa/v1/{path}")).await.expect_ok();
    let faults = get("faults").await["items"].as_array().map_or(0, Vec::len);
    let now = get("clock").await["now"].as_str().expect("text")[..10].to_owned();
    [
        get("scenarios/default").await["name"].to_string(),
        faults.to_string(),
        get("config/fiu/FIU-1").await["name"].to_string(),
        now,
    ]
}

#[tokio::test]
async fn a_reset_keeps_what_it_is_told() {
    let app = TestApp::start().await;
    let control = async |method: Method, path: &str, body: Value| {
        let request = app.request(method, &format!("/_mockaa/v1/{path}"));
        app.send(request.json(&body)).await.expect_ok()
    };
    let set_up = async || {
        let text = "version: 1\nname: mine\nsteps: [reject: {}]\n";
        let put = app.request(Method::PUT, "/_mockaa/v1/scenarios/mine");
        app.send(put.body(text)).await.expect_ok();
        control(Method::PUT, "scenarios/default", json!({ "name": "mine" })).await;
        app.put_faults("webhooks: [{ fault: { drop: {} } }]")
            .await
            .expect_ok();
        let name = json!({ "name": "Renamed" });
        control(Method::PUT, "config/fiu/FIU-1", name).await;
        app.post("/Consent", &rebit_request()).await.expect_ok();
        app.advance_clock("P2D").await;
    };
    let new = read_parts(&app).await;
    set_up().await;
    let changed = read_parts(&app).await;
    assert!(
        new.iter()
            .zip(&changed)
            .all(|(new, changed)| new != changed)
    );
    for (at, part) in ["scenarios", "faults", "participants", "clock"]
        .into_iter()
        .enumerate()
    {
        app.post("/_mockaa/v1/reset", &json!({})).await.expect_ok();
        set_up().await;
        let before = read_parts(&app).await;
        control(Method::POST, "reset", json!({ "keep": [part] })).await;
        let mut expected = new.clone();
        expected[at].clone_from(&before[at]);
        assert_eq!(read_parts(&app).await, expected, "{part}");
        assert_eq!(app.count_consents().await, 0);
    }
    app.post("/_mockaa/v1/reset", &json!({})).await.expect_ok();
    set_up().await;
    let before = read_parts(&app).await;
    let all = json!({ "keep": ["scenarios", "faults", "participants", "clock"] });
    control(Method::POST, "reset", all).await;
    assert_eq!(read_parts(&app).await, before);
}
