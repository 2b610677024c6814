//! Secrets in the journal and in the records of webhooks: masked in every view, exact on request.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::helpers::{FIU_1_KEY, TestApp, seed_request};
use crate::inbox::ReceiverBehavior;
use crate::raw_http::RawFiu;

impl TestApp {
    /// Returns the text of every view of the recorded calls and webhooks.
    async fn read_views(&self, query: &str) -> String {
        let mut views = String::new();
        for path in ["journal", "journal/wait", "webhooks", "report"] {
            let path = format!("/_mockaa/v1/{path}");
            let reply = match path.rsplit('/').next() {
                Some("report") => self.get(&path).await,
                _ => self.get(&format!("{path}?{query}")).await,
            };
            views += &reply.text;
        }
        for entry in self.read_full_journal().await {
            for part in ["", "/request", "/answer"] {
                let path = format!("/_mockaa/v1/journal/{}{part}?{query}", entry["seq"]);
                let (_, bytes) = self.get_file(&path).await;
                views += &String::from_utf8_lossy(&bytes);
            }
        }
        views
    }

    /// Returns the headers and the bytes of an answer.
    async fn get_file(&self, path: &str) -> (HeaderMap, Vec<u8>) {
        let reply = self.request(Method::GET, path).send().await;
        let reply = reply.expect("an answer");
        let headers = reply.headers().clone();
        (headers, reply.bytes().await.expect("a body").to_vec())
    }

    /// Returns the record of the last call in the journal.
    pub(crate) async fn read_last_call(&self, query: &str) -> Value {
        let path = format!("/_mockaa/v1/journal?kind=call&{query}");
        let page = self.get(&path).await.expect_ok();
        let calls = page["items"].as_array().expect("a list");
        calls.last().expect("a call")["call"].clone()
    }
}

/// Near misses of a login, each with the secret `hunter-2-MARK`.
fn build_near_misses(app: &TestApp) -> Vec<RequestBuilder> {
    let secret = "hunter-2-MARK";
    let post = |path: &str| app.request(Method::POST, path);
    let body = |text: String| post("/Consent").body(text);
    let header = |name: &str| {
        app.request(Method::GET, "/Heartbeat")
            .header(name, format!("Bearer {secret}"))
    };
    vec![
        post("/api/v1/public/usr/login").json(&json!({ "emailId": "a@b.c", "password": secret })),
        post("/api/v1/public/user/login").json(&json!({ "emailId": "a@b.c", "Password": secret })),
        post("/api/v1/public/user/login").body(format!("{secret} is no form")),
        post("/iam/v1/entity/token/generate").json(&json!({ "client_secret": secret })),
        post("/iam/v1/entity/token/generate").body(format!("id=FIU-1&secret={secret}")),
        app.request(Method::GET, &format!("/Heartbeat?access_token={secret}")),
        app.request(
            Method::GET,
            &format!("/Heartbeat?access%5Ftoken={secret}&x=1"),
        ),
        app.request(Method::GET, &format!("/nothing;token={secret}/x")),
        header("x-api-key"),
        header("proxy-authorization"),
        header("Authorization"),
        header("client_api_key"),
        header("AccessToken"),
        header("UserOTP"),
        body(format!("otp[]={secret}&password[0]={secret}")),
        body(format!(
            r#"{{"error":"GET http://h/?token={secret} failed"}}"#
        )),
        body(format!(r#"{{"error":"Authorization: Bearer {secret}"}}"#)),
        body(format!(r#"{{"e":"<otp>{secret}</otp>"}}"#)),
        body(format!(r#"{{"JWTtoken":"{secret}"}}"#)),
        header("cookie"),
        app.request(Method::GET, "/Heartbeat")
            .header("referer", format!("http://lender.test/?otp={secret}")),
        body(format!(
            r#"{{"a":[{{"userCredentials":{{"name":"{secret}"}}}}]}}"#
        )),
        body(format!(r#"{{"pass\u0077ord":"{secret}"}}"#)),
        body(format!(r#"{{"text":"{{\"password\":\"{secret}\"}}"}}"#)),
        body(format!(r#"{{"password":"{secret}","cut":"#)),
        body(format!("<login><Otp>{secret}</Otp></login>")),
        body(format!("password: {secret}, and more")),
        body(format!(
            "--b\r\ncontent-disposition: form-data; name=\"passwd\"\r\n\r\n{secret}\r\n--b--"
        )),
        body(
            secret
                .chars()
                .fold("o\0t\0p\0=\0".to_owned(), |text, letter| {
                    format!("{text}{letter}\0")
                }),
        ),
    ]
}

#[tokio::test]
async fn near_misses_keep_no_secret_in_clear() {
    let app = TestApp::start().await;
    app.post("/consent", &seed_request()).await.expect_ok();
    for (number, request) in build_near_misses(&app).into_iter().enumerate() {
        request.send().await.expect("an answer");
        let call = app.read_last_call("").await;
        assert_eq!(call["masked"], true, "request {number}: {call}");
        let views = app.read_views("").await.replace("\\u0000", "");
        assert!(!views.contains("hunter-2-MARK"), "request {number}: {call}");
        let exact = app.read_last_call("reveal=true").await;
        assert!(exact["masked"].is_null());
        let text = exact.to_string().replace("\\u0000", "");
        assert!(text.contains("hunter-2-MARK"), "request {number}: {exact}");
        for field in ["path", "body", "answer"] {
            let length = |call: &Value| call[field].as_str().expect("a text").len();
            assert_eq!(length(&call), length(&exact), "{field} of request {number}");
        }
    }
}

/// Spellings of a name.
fn join_words(words: &[&str], style: u8) -> String {
    let capitalize = |word: &str| word[..1].to_uppercase() + &word[1..];
    match style {
        0 => words.join("_"),
        1 => words.join("-"),
        2 => words.join("_").to_uppercase(),
        3 => words.iter().map(|word| capitalize(word)).collect(),
        4 => {
            let rest: String = words[1..].iter().map(|word| capitalize(word)).collect();
            words[0].to_owned() + &rest
        }
        _ => words.join("."),
    }
}

/// Generates names that have a secret word among harmless ones, each also as the name of a header,
/// which has no capitals.
fn secret_names() -> impl Strategy<Value = (String, String)> {
    let harmless = || {
        let word = prop::sample::select(vec!["user", "new", "x", "client", "value", "old", "http"]);
        prop::collection::vec(word, 0..3)
    };
    let secret = prop::sample::select(vec![
        &["pass"][..],
        &["password"],
        &["passwords"],
        &["secret"],
        &["token"],
        &["tokens"],
        &["apikey"],
        &["api", "key"],
        &["authorization"],
        &["cookie"],
        &["otp"],
        &["credential"],
        &["credentials"],
    ]);
    (harmless(), secret, harmless(), 0..6_u8).prop_map(|(before, secret, after, style)| {
        let words = [&before[..], secret, &after].concat();
        (join_words(&words, style), join_words(&words, style % 2))
    })
}

/// Builds a request of each kind with the secret under the name.
fn build_request(
    app: &TestApp,
    (name, header): (&str, &str),
    secret: &str,
    kind: usize,
) -> RequestBuilder {
    let post = |text: String| app.request(Method::POST, "/Consent").body(text);
    let (json_name, json_secret) = (json!(name), json!(secret));
    match kind {
        0 => post(format!(r#"{{"x":[{{"a":1,{json_name}:{json_secret}}}]}}"#)),
        1 => post(format!(r#"{{{json_name}:{{"k":[{json_secret}]}}}}"#)),
        2 => post(format!("a=1&{name}={secret}&b=2")),
        3 => post(format!("<a><{name}>{secret}</{name}></a>")),
        4 => post(format!(r"{{{json_name}:{json_secret},")),
        5 => post(format!("x\n{name}: {secret}\ny")),
        6 => app.request(Method::GET, &format!("/Consent/none?a=1&{name}={secret}")),
        7 => app
            .request(Method::POST, "/api/v1/public/user/login")
            .json(&json!({ "emailId": "a@b.c", name: secret })),
        _ => app
            .request(Method::GET, "/Heartbeat")
            .header(header, secret),
    }
}

#[tokio::test]
async fn no_generated_name_shows_its_secret() {
    let app = TestApp::start().await;
    app.post("/consent", &seed_request()).await.expect_ok();
    let mut runner = TestRunner::deterministic();
    let mut secrets = Vec::new();
    for number in 0..270 {
        let (name, header) = secret_names()
            .new_tree(&mut runner)
            .expect("a name")
            .current();
        let secret = format!("S3cret-{number}-{number}");
        let request = build_request(&app, (&name, &header), &secret, number % 9);
        request.send().await.expect("an answer");
        secrets.push((name, secret));
    }
    let (views, exact) = (
        app.read_views("").await,
        app.read_views("reveal=true").await,
    );
    for (name, secret) in secrets {
        assert!(!views.contains(&secret), "{name}: {secret}");
        assert!(exact.contains(&secret), "{name}: {secret} was recorded");
    }
}

#[tokio::test]
async fn public_material_and_ordinary_fields_are_never_masked() {
    let app = TestApp::start().await;
    app.post("/consent", &seed_request()).await.expect_ok();
    let body = json!({
        "KeyMaterial": { "Nonce": "n", "DHPublicKey": { "KeyValue": "public-1", "token": "public-2" } },
        "publicKeys": [{ "kid": "public-3", "secret": "public-4" }],
        "jwks": { "keys": [{ "n": "public-5", "password": "public-6" }] },
        "kid": "public-7",
        "x-jws-signature": "public-8",
        "token_type": "public-9",
        "tokenType": "public-10",
        "expires_in": 300,
        "passport": "public-11",
        "signature": "bm9Otp==",
    });
    let request = app
        .request(Method::POST, "/Consent?kid=public-12")
        .header("x-jws-signature", "eyJhbGciOiJub25lIn0..public-13")
        .body(body.to_string());
    app.send(request).await;
    let call = app.read_last_call("").await;
    assert!(call["masked"].is_null(), "{call}");
    assert_eq!(call["body"], body.to_string());
    assert!(call.to_string().contains("..public-13"), "{call}");
}

#[tokio::test]
async fn a_masked_body_keeps_its_order_its_length_and_its_format() {
    let app = TestApp::start().await;
    app.post("/consent", &seed_request()).await.expect_ok();
    let body = "{\"z\" : 1,\n\t\"Password\":\"a\\\"b\",\"otp\":123456, \"a\":null, \"token\":true}";
    let request = app.request(Method::POST, "/Consent").body(body);
    app.send(request).await;
    assert_eq!(
        app.read_last_call("").await["body"],
        "{\"z\" : 1,\n\t\"Password\":\"****\",\"otp\":\"****\", \"a\":null, \"token\":true}"
    );
    assert_eq!(app.read_last_call("reveal=true").await["body"], body);
}

#[tokio::test]
async fn bytes_that_are_no_text_and_the_length_of_a_cut_body_are_shown() {
    let app = TestApp::start().await;
    app.post("/consent", &seed_request()).await.expect_ok();
    let request = app
        .request(Method::POST, "/Consent")
        .body(b"otp=1\xff2&x=\xfe".to_vec());
    app.send(request).await;
    let (masked, exact) = (
        app.read_last_call("").await,
        app.read_last_call("reveal=true").await,
    );
    // `otp=***&x=\xfe` and the bytes themselves.
    assert_eq!(masked["bodyBase64"], "b3RwPSoqKiZ4Pf4=");
    assert_eq!(exact["bodyBase64"], "b3RwPTH/MiZ4Pf4=");
    assert_eq!(exact.get("truncated"), None);
    let request = app
        .request(Method::POST, "/Consent")
        .body(format!(r#"{{"x":"{}","otp":"99"}}"#, "x".repeat(70_000)));
    app.send(request).await;
    let call = app.read_last_call("").await;
    assert_eq!(call["bodyLength"], 70_000 + 19);
    assert_eq!(call["truncated"], true);
    assert_eq!(call["body"].as_str().map(str::len), Some(64 * 1024));
}

#[tokio::test]
async fn an_entry_and_its_bytes_have_addresses() {
    let app = TestApp::start().await;
    app.post("/consent", &seed_request()).await.expect_ok();
    let body = b"otp=1\xff2&x=\xfe".to_vec();
    let request = app.request(Method::POST, "/Consent").body(body.clone());
    app.send(request).await;
    let long = format!(r#"{{"x":"{}","otp":"99"}}"#, "x".repeat(70_000));
    app.send(app.request(Method::POST, "/Consent").body(long))
        .await;
    let entries = app.read_full_journal().await;
    let calls: Vec<&Value> = entries
        .iter()
        .filter(|entry| entry["kind"] == "call")
        .collect();
    let [_, binary, long] = calls[..] else {
        panic!("three calls, {} found", calls.len());
    };
    let path = |entry: &Value, rest: &str| format!("/_mockaa/v1/journal/{}{rest}", entry["seq"]);
    let mut single = app.get(&path(binary, "")).await.expect_ok();
    let fields = single.as_object_mut().expect("an entry");
    assert!(
        fields
            .remove("systemTime")
            .is_some_and(|time| time.is_string())
    );
    assert_eq!(single, *binary);
    let (_, exact) = app.get_file(&path(binary, "/request?reveal=true")).await;
    assert_eq!(exact, body);
    let (headers, masked) = app.get_file(&path(binary, "/request")).await;
    assert_eq!(masked, b"otp=***&x=\xfe");
    assert_eq!(headers.get("x-mockaa-whole-length"), None);
    let (_, answer) = app.get_file(&path(binary, "/answer")).await;
    assert_eq!(binary["call"]["answer"], *String::from_utf8_lossy(&answer));
    let (headers, cut) = app.get_file(&path(long, "/request")).await;
    assert_eq!(cut.len(), 64 * 1024);
    assert_eq!(headers["x-mockaa-whole-length"], "70019");

    let raised = entries
        .iter()
        .find(|entry| entry["kind"] == "consent.raised")
        .expect("a consent was raised");
    for (path, status, message) in [
        (
            "/_mockaa/v1/journal/0".to_owned(),
            404,
            "there is no journal entry 0; the newest one is ",
        ),
        (
            "/_mockaa/v1/journal/99999".to_owned(),
            404,
            "there is no journal entry 99999; the newest one is ",
        ),
        (
            "/_mockaa/v1/journal/x1".to_owned(),
            400,
            "seq 'x1' is not the number of an entry",
        ),
        (
            path(raised, "/answer"),
            404,
            "has no answer; a call has a request and an answer",
        ),
    ] {
        let reply = app.get(&path).await;
        assert_eq!(reply.status, status, "{path}");
        let error = reply.json()["error"].to_string();
        assert!(error.contains(message), "{path}: {error}");
    }
}

#[tokio::test]
async fn only_an_operator_reveals_secrets() {
    let app = TestApp::start_with(|builder| builder.bind([0, 0, 0, 0].into())).await;
    let token = app.sandbox.control_token().expect("a token").to_owned();
    app.post("/consent", &seed_request()).await.expect_ok();
    let path = "/_mockaa/v1/journal?reveal=true";
    assert_eq!(app.get(path).await.status, 401);
    let request = app.request(Method::GET, path).bearer_auth(&token);
    assert_eq!(app.send(request).await.status, 200);
    let request = app
        .request(Method::GET, "/_mockaa/v1/webhooks?reveal=yes")
        .bearer_auth(&token);
    let reply = app.send(request).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json()["error"], "reveal 'yes' is not true or false");
}

#[tokio::test]
async fn a_webhook_shows_its_body_and_hides_its_credentials() {
    let mut fiu = RawFiu::start().await;
    fiu.enqueue_answers(&[
        "HTTP/1.1 200 OK\r\ncontent-length: 27\r\n\r\n{\"response\":\"OK\",\"token\":\"T0\"}"
            .replace("27", "30")
            .as_str(),
    ]);
    let app = TestApp::start().await;
    let url = format!("{}/hook?token=webhook-secret-1", fiu.url);
    let request = app.request(Method::PUT, "/_mockaa/v1/config/fiu/FIU-1");
    let change = request.json(&json!({ "consentUrl": url }));
    app.send(change).await.expect_ok();
    let body = seed_request();
    let request = app
        .request(Method::POST, "/consent")
        .header("Authorization", FIU_1_KEY);
    let handle = crate::helpers::extract_handle(&app.send(request.json(&body)).await.expect_ok());
    app.apply_verb(&handle, "approve").await.expect_ok();
    let received = fiu.next_request().await;
    assert!(received.head.contains("token=webhook-secret-1"));
    let key = received.header("aa_api_key").expect("a key").to_owned();
    app.get("/_mockaa/v1/journal/wait?kind=webhook")
        .await
        .expect_ok();
    let delivery = app.get("/_mockaa/v1/webhooks/1").await.expect_ok();
    let attempt = &delivery["attempts"][0];
    assert_eq!(attempt["masked"], true, "{attempt}");
    assert_eq!(
        attempt["url"],
        url.replace("webhook-secret-1", "****************")
    );
    assert_eq!(attempt["answer"], "{\"response\":\"OK\",\"token\":\"**\"}");
    let text = delivery.to_string();
    assert!(
        !text.contains(&key) && !text.contains("webhook-secret-1"),
        "{text}"
    );
    assert!(text.contains(received.header("webhook-signature").expect("a signature")));
    let sent: Value = serde_json::from_slice(&received.body).expect("JSON");
    assert_eq!(
        delivery["body"], sent,
        "a body that we send is never masked"
    );
    let exact = app
        .get("/_mockaa/v1/webhooks/1?reveal=true")
        .await
        .expect_ok();
    let text = exact.to_string();
    assert!(text.contains(&key) && text.contains("webhook-secret-1") && text.contains("T0"));
}

#[tokio::test]
async fn a_body_of_any_depth_is_shown() {
    let app = TestApp::start().await;
    app.post("/consent", &seed_request()).await.expect_ok();
    let nested = format!("{}{}", "[".repeat(32_000), "]".repeat(32_000));
    let request = app.request(Method::POST, "/nowhere").body(nested.clone());
    app.send(request).await;
    assert_eq!(app.read_last_call("").await["body"], nested);
    // Texts in parameters of texts, each a value of the one around it.
    let nested = format!("{{\"x\":\"{}\"}}", "a=".repeat(30_000));
    let request = app.request(Method::POST, "/nowhere").body(nested);
    app.send(request).await;
    let body = app.read_last_call("").await["body"].to_string();
    assert!(body.contains("****"), "{}", &body[..40]);
    let query = "a=".repeat(10_000);
    app.get(&format!("/nowhere?{query}")).await;
    let path = app.read_last_call("").await["path"].to_string();
    assert!(path.contains("?a=****"), "{}", &path[..40]);
}

#[tokio::test]
async fn an_attempt_shows_its_error_and_its_remark_exactly_when_it_is_asked() {
    let mut app = TestApp::start().await;
    let acknowledgement = r#"{"errorCode":"http://h/?token=hunter-2"}"#;
    app.fiu
        .set_behavior(ReceiverBehavior::Respond(200, acknowledgement.to_owned()));
    app.raise_with_scenario("approve").await;
    app.advance_clock("0s").await;
    app.fiu.drain_messages();
    let read_remark = async |query: &str| {
        let view = app.get(&format!("/_mockaa/v1/webhooks/1{query}")).await;
        let attempt = view.expect_ok()["attempts"][0].clone();
        (
            attempt["remark"].as_str().expect("a remark").to_owned(),
            attempt["masked"].clone(),
        )
    };
    let (remark, masked) = read_remark("").await;
    assert!(remark.contains("token=********"), "{remark}");
    assert_eq!(masked, true);
    let (remark, masked) = read_remark("?reveal=true").await;
    assert!(remark.contains("token=hunter-2"), "{remark}");
    assert_eq!(masked, Value::Null);
}
