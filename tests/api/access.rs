//! The check of `Host` and `Origin`, frames, and URLs to which a customer is sent back.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use mockaa::internals::crypto::redirection::{MessageKey, obfuscate_id};
use reqwest::{Method, Url};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::helpers::{FIU_1_KEY, TestApp, seed_request};
use crate::lender::Lender;
use crate::redirection::{NOW as REQUEST_DATE, PASSPHRASE};

/// A response as it arrived on the socket.
struct RawReply {
    status: u16,
    head: String,
    body: String,
}

impl RawReply {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(header, _)| header.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    fn error(&self) -> String {
        let body: Value = serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.body));
        body["error"].as_str().expect("an error").to_owned()
    }
}

/// Sends a request line with exactly these header lines.
async fn send_raw(address: SocketAddr, line: &str, headers: &[&str]) -> RawReply {
    let mut socket = TcpStream::connect(address).await.expect("a connection");
    let mut request = format!("{line}\r\n");
    for header in headers {
        request += &format!("{header}\r\n");
    }
    request += "connection: close\r\n\r\n";
    socket
        .write_all(request.as_bytes())
        .await
        .expect("the request is sent");
    let mut bytes = Vec::new();
    socket.read_to_end(&mut bytes).await.expect("a response");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    RawReply {
        status: status.expect("a status"),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

async fn get_status(address: SocketAddr, path: &str, host: &str) -> u16 {
    let headers = [&*format!("host: {host}")];
    send_raw(address, &format!("GET {path} HTTP/1.1"), &headers)
        .await
        .status
}

/// Paths of every guarded section, and paths below them that no call has.
const GUARDED: [&str; 9] = [
    "/_mockaa/v1/world",
    "/_mockaa/v1/nothing",
    "/_mockaa",
    "/ui/nothing",
    "/aa/webview?fi=x",
    "/aa/nothing",
    "/docs",
    "/docs/script.js",
    "/openapi.json",
];

/// Paths of the protocols, and what tools call by any name.
const OPEN: [&str; 8] = [
    "/Heartbeat",
    "/Consent/handle/x",
    "/nothing",
    "/v2/Consent/nothing",
    "/api/v1/nothing",
    "/livez",
    "/readyz",
    "/.well-known/jwks.json",
];

#[tokio::test]
async fn a_page_with_a_rebound_name_reaches_the_protocols_only() {
    let app = TestApp::start().await;
    let address = app.sandbox.address();
    for prefix in ["", "/w/other"] {
        for path in GUARDED {
            let path = format!("{prefix}{path}");
            for method in ["GET", "POST", "DELETE", "OPTIONS"] {
                let line = format!("{method} {path} HTTP/1.1");
                let reply = send_raw(address, &line, &["Host: Evil.test:8080"]).await;
                assert_eq!(reply.status, 403, "{line}: {}", reply.body);
                assert_eq!(
                    reply.error(),
                    "the header Host 'Evil.test:8080' is not a name of this sandbox; use localhost \
                     or an IP address, or start mockaa with --allow-host evil.test"
                );
                assert_ne!(get_status(address, &path, "localhost").await, 403, "{path}");
            }
        }
        for path in OPEN {
            let path = format!("{prefix}{path}");
            assert_ne!(get_status(address, &path, "evil.test").await, 403, "{path}");
        }
    }
    let worlds = app.get("/_mockaa/v1/worlds").await.expect_ok();
    let rebit = send_raw(
        address,
        "POST /consent HTTP/1.1",
        &["host: evil.test", "content-length: 0"],
    );
    assert_eq!(rebit.await.status, 400, "judged as a call, not by its host");
    assert!(!worlds.to_string().contains("evil"));
}

#[tokio::test]
async fn addresses_and_local_names_are_accepted() {
    let app = TestApp::start().await;
    for host in [
        "127.0.0.1:1",
        "192.168.1.2",
        "[::1]:8080",
        "LOCALHOST",
        "localhost.",
        "a.b.localhost:8080",
        "mockaa:8080",
        "mockaa_1",
        "host.docker.internal:8080",
    ] {
        let status = get_status(app.sandbox.address(), "/_mockaa/v1/world", host).await;
        assert_eq!(status, 200, "{host}");
    }
}

#[tokio::test]
async fn a_host_that_is_missing_double_or_malformed_is_refused() {
    let app = TestApp::start().await;
    let address = app.sandbox.address();
    for (line, headers, expected) in [
        (
            "GET /_mockaa/v1/world HTTP/1.0",
            &[][..],
            "the header Host is missing",
        ),
        (
            "GET /_mockaa/v1/world HTTP/1.1",
            &["host: localhost@evil.test"],
            "the header Host 'localhost@evil.test' is not a host name",
        ),
        (
            "GET /_mockaa/v1/world HTTP/1.1",
            &["host: evil.test\u{9b}"],
            "the header Host 'evil.test",
        ),
        (
            "GET http://evil.test/_mockaa/v1/world HTTP/1.1",
            &["host: localhost"],
            "the host of the request target, 'evil.test'",
        ),
        (
            "GET http://localhost/_mockaa/v1/world HTTP/1.1",
            &["host: evil.test"],
            "the header Host 'evil.test'",
        ),
        (
            "GET /_mockaa/v1/world HTTP/1.1",
            &[
                "host: evil.test",
                "x-forwarded-host: localhost",
                "forwarded: host=localhost",
            ],
            "the header Host 'evil.test'",
        ),
    ] {
        let reply = send_raw(address, line, headers).await;
        assert_eq!(reply.status, 403, "{line} {headers:?}: {}", reply.body);
        let error = reply.error();
        assert!(error.starts_with(expected), "{error}");
        assert!(!error.contains('\u{9b}'), "{error:?}");
    }
    let headers = ["host: localhost", "host: evil.test"];
    let double = send_raw(address, "GET /_mockaa/v1/world HTTP/1.1", &headers).await;
    assert_eq!(double.status, 400, "HTTP/1.1 allows one Host");
    let target = send_raw(
        address,
        "GET http://localhost/_mockaa/v1/world HTTP/1.1",
        &["host: localhost", "x-forwarded-host: evil.test"],
    );
    assert_eq!(target.await.status, 200);
}

#[tokio::test]
async fn a_present_origin_is_that_of_the_call() {
    let app = TestApp::start().await;
    let address = app.sandbox.address();
    let handle = app.raise_consent(|_| {}).await;
    let approve = format!("/ui/consents/{handle}/approve");
    let host = format!("host: localhost:{}", address.port());
    let own = format!("http://localhost:{}", address.port());
    for foreign in [
        "http://evil.test".to_owned(),
        "null".to_owned(),
        "http://localhost".to_owned(),
        format!("https://localhost:{}", address.port()),
        format!("http://127.0.0.1:{}", address.port()),
        format!("{own}/"),
        format!("{own} http://evil.test"),
        String::new(),
    ] {
        let header = format!("origin: {foreign}");
        for line in [
            "GET /_mockaa/v1/world",
            "POST /_mockaa/v1/reset",
            "GET /docs",
            &format!("POST {approve}"),
        ] {
            let reply = send_raw(address, &format!("{line} HTTP/1.1"), &[&host, &header]).await;
            assert_eq!(reply.status, 403, "{line} {foreign}");
            let error = reply.error();
            assert!(
                error.starts_with(&format!(
                    "the header Origin '{foreign}' is not the origin of this call, {own};"
                )),
                "{error}"
            );
        }
    }
    let header = format!("origin: {own}");
    let headers = [&*host, &*header, "origin: http://evil.test"];
    let two = send_raw(address, "POST /_mockaa/v1/reset HTTP/1.1", &headers).await;
    assert_eq!(two.status, 403);
    let header = format!("Origin: HTTP://LocalHost:{}", address.port());
    let line = "POST /_mockaa/v1/reset HTTP/1.1";
    let reply = send_raw(address, line, &[&host, &header, "content-length: 0"]).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    // The protocols are called from the browser too.
    let line = "GET /Heartbeat HTTP/1.1";
    let reply = send_raw(
        address,
        line,
        &["host: evil.test", "origin: http://evil.test"],
    )
    .await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn allowed_hosts_and_the_public_url_are_accepted() {
    let app = TestApp::start_with(|builder| {
        builder
            .allow_host("sandbox.test")
            .allow_host("one.test:81")
            .public_url("https://AA.example/")
    })
    .await;
    let address = app.sandbox.address();
    for (host, status) in [
        ("SANDBOX.test:9", 200),
        ("one.test:81", 200),
        ("one.test", 403),
        ("aa.example", 200),
        ("x.aa.example", 403),
    ] {
        assert_eq!(
            get_status(address, "/_mockaa/v1/world", host).await,
            status,
            "{host}"
        );
    }
    let reply = send_raw(
        address,
        "POST /_mockaa/v1/reset HTTP/1.1",
        &[
            "host: aa.example",
            "origin: https://aa.example",
            "content-length: 0",
        ],
    );
    assert_eq!(reply.await.status, 200);
    let handle = app.raise_consent(|_| {}).await;
    assert_eq!(
        app.fetch_consent(&handle).await["pageUrl"],
        format!("https://aa.example/ui/consents/{handle}"),
        "links begin with the public URL"
    );
}

#[tokio::test]
async fn links_do_not_follow_a_forwarded_host() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    let request = app
        .request(Method::GET, &format!("/_mockaa/v1/consents/{handle}"))
        .header("x-forwarded-host", "evil.test")
        .header("forwarded", "host=evil.test");
    let link = app.send(request).await.expect_ok()["pageUrl"].clone();
    assert_eq!(
        link,
        format!("{}/ui/consents/{handle}", app.sandbox.base_url())
    );
}

#[tokio::test]
async fn beyond_loopback_the_token_counts_for_the_control_api_and_the_host_for_pages() {
    let app = TestApp::start_with(|builder| {
        builder
            .bind(IpAddr::from([0, 0, 0, 0]))
            .public_url("https://aa.example")
    })
    .await;
    let token = app.sandbox.control_token().expect("a token").to_owned();
    let address = SocketAddr::from(([127, 0, 0, 1], app.sandbox.address().port()));
    let authorization = format!("authorization: Bearer {token}");
    let line = "GET /_mockaa/v1/world HTTP/1.1";
    for (headers, status) in [
        (&["host: sandbox.corp.test", &*authorization][..], 200),
        (&["host: sandbox.corp.test"], 401),
        (&["host: localhost", "authorization: Bearer wrong"], 401),
        (
            &[
                "host: sandbox.corp.test",
                &authorization,
                "origin: http://evil.test",
            ],
            403,
        ),
    ] {
        let reply = send_raw(address, line, headers).await;
        assert_eq!(reply.status, status, "{headers:?}: {}", reply.body);
    }
    for (host, status) in [
        ("sandbox.corp.test", 403),
        ("aa.example", 200),
        ("localhost:8080", 200),
    ] {
        assert_eq!(get_status(address, "/docs", host).await, status, "{host}");
    }
    assert_eq!(
        get_status(address, "/Heartbeat", "sandbox.corp.test").await,
        200
    );
}

#[tokio::test]
async fn an_invalid_name_or_url_of_the_sandbox_is_refused_at_the_start() {
    let start = mockaa::Sandbox::builder()
        .allow_host("http://a.test")
        .start();
    let error = start.await.expect_err("it is no name").to_string();
    assert!(
        error.starts_with("--allow-host 'http://a.test' is not a host name"),
        "{error}"
    );
    let start = mockaa::Sandbox::builder().public_url("aa.example").start();
    let error = start.await.expect_err("it is no URL").to_string();
    assert!(
        error.starts_with("--public-url 'aa.example' is not scheme"),
        "{error}"
    );
}

#[tokio::test]
async fn no_page_may_be_framed() {
    let app = TestApp::start().await;
    let address = app.sandbox.address();
    let handle = app.raise_consent(|_| {}).await;
    let policy_of = async |path: &str| {
        let line = format!("GET {path} HTTP/1.1");
        let reply = send_raw(address, &line, &["host: localhost"]).await;
        let policy = reply.header("content-security-policy").unwrap_or_default();
        policy.to_owned()
    };
    let page = format!("/ui/consents/{handle}");
    for path in GUARDED.into_iter().chain([&*page]) {
        let policy = policy_of(path).await;
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
    }
    let policy = policy_of(&page).await;
    assert!(!policy.contains("unsafe"), "{policy}");
}

/// URLs that a browser would execute or open, and texts that are no URL.
const REFUSED_URLS: [&str; 14] = [
    "javascript:alert(1)",
    "JAVASCRIPT://l.example/%0aalert(1)",
    " javascript:alert(1)",
    "\u{1}javascript:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://l.example/x",
    "view-source:https://l.example",
    "filesystem:https://l.example/x",
    "about:blank",
    "1app://x",
    "//l.example/back",
];

const ACCEPTED_URLS: [&str; 4] = [
    "https://l.example/back?a=1",
    "http://127.0.0.1:9/back",
    "lender-app://back",
    "Com.Lender+v2:/back",
];

/// Builds the query of a redirection that ends at this URL.
fn redirection_query_to(redirect: &str) -> String {
    let mut form = Url::parse("form:").expect("a URL");
    form.query_pairs_mut()
        .append_pair("txnid", "T1")
        .append_pair("sessionid", "S1")
        .append_pair("userid", "9876500001@mockaa")
        .append_pair("redirect", redirect)
        .append_pair("srcref", "x");
    let text = form.query().expect("a query");
    let message = MessageKey::derive(PASSPHRASE, REQUEST_DATE).encrypt(text);
    let mut url = Url::parse("http://x/").expect("a URL");
    url.query_pairs_mut()
        .append_pair("fi", &obfuscate_id("FIU-1", REQUEST_DATE))
        .append_pair("reqdate", REQUEST_DATE)
        .append_pair("ecreq", &message);
    url.query().expect("a query").to_owned()
}

#[tokio::test]
async fn a_customer_is_sent_back_to_web_and_app_addresses_only() {
    let app = TestApp::start().await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    for url in REFUSED_URLS {
        let reply = lender
            .create_consent(&app, |body| body["redirectUrl"] = url.into())
            .await;
        let error = &reply.json()["errors"][0];
        assert_eq!(error["field"], "redirectUrl", "{url:?}: {}", reply.text);
        let query = redirection_query_to(url);
        let reply = app.get(&format!("/aa/webview?{query}")).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.json()["field"]),
            (400, &"ecreq".into())
        );
    }
    for url in ACCEPTED_URLS {
        lender
            .raise_consent(&app, |body| body["redirectUrl"] = url.into())
            .await;
        let query = redirection_query_to(url);
        let request = app.request(Method::GET, &format!("/aa/webview?{query}"));
        let (status, location) = app.send_raw(request).await;
        let location = location.unwrap_or_default();
        assert_eq!(status, 303, "{url}");
        let scheme = url.split(':').next().expect("a scheme").to_lowercase();
        assert!(location.starts_with(&format!("{scheme}:")), "{location}");
    }
}

#[tokio::test]
async fn what_a_caller_sends_cannot_leave_its_line() {
    let app = TestApp::start().await;
    let forged = "a%0A2026%20ERROR%20forged%1B%5B2K%C2%85%E2%80%A8%E2%80%AE";
    let line = format!("GET /Consent/handle/{forged} HTTP/1.1");
    let key = format!("client_api_key: {FIU_1_KEY}");
    app.post("/consent", &seed_request()).await.expect_ok();
    let reply = send_raw(app.sandbox.address(), &line, &["host: localhost", &key]).await;
    let body: Value = serde_json::from_str(&reply.body).expect("JSON");
    let message = body["errorMsg"].as_str().expect("a message");
    assert!(
        message.contains(r"'a\n2026 ERROR forged\u{1b}[2K\u{85}\u{2028}\u{202e}'"),
        "{message:?}"
    );
    let mut body = seed_request();
    body["ConsentDetail"]["DataConsumer"]["id"] = "x\nnote forged\u{9b}\u{2066}".into();
    app.post("/consent", &body).await;
    let notes = app.read_journal_events().await;
    let texts: Vec<_> = notes
        .iter()
        .filter_map(|entry| entry["text"].as_str())
        .collect();
    assert!(
        texts.iter().any(|text| text.contains(r"note forged")),
        "{texts:?}"
    );
    for text in texts {
        assert!(!text.contains(['\n', '\u{9b}', '\u{2066}']), "{text:?}");
    }
}

#[tokio::test]
async fn pages_that_are_allowed_call_the_apis_from_a_browser() {
    const PAGE: &str = "http://localhost:3000";
    let start = async |origins: &[&str]| {
        TestApp::start_with(|builder| {
            let add =
                |builder: mockaa::SandboxBuilder, origin: &&str| builder.allow_origin(*origin);
            origins.iter().fold(builder, add)
        })
        .await
    };
    let call = async |app: &TestApp, method: Method, origin: &str| {
        let request = app.request(method, "/Consent").header("origin", origin);
        let request = request
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "x-jws-signature");
        request.send().await.expect("a response")
    };
    let allowed = |response: &reqwest::Response| {
        let value = response.headers().get("access-control-allow-origin");
        value.map(|value| value.to_str().expect("text").to_owned())
    };
    for (origins, origin, expected) in [
        (&[][..], PAGE, None),
        (&[PAGE], PAGE, Some(PAGE)),
        (&[PAGE], "http://localhost:3001", None),
        (&[PAGE], "null", None),
        (&["https://a.test", "*"], "https://b.test", Some("*")),
    ] {
        let app = start(origins).await;
        let preflight = call(&app, Method::OPTIONS, origin).await;
        assert_eq!(allowed(&preflight).as_deref(), expected, "{origin}");
        let status = if expected.is_some() { 204 } else { 405 };
        assert_eq!(preflight.status(), status, "{origin}");
        let answer = call(&app, Method::POST, origin).await;
        assert_eq!(allowed(&answer).as_deref(), expected, "{origin}");
        let exposed = answer.headers().get("access-control-expose-headers");
        let expected_names = expected.map(|_| "x-jws-signature, retry-after");
        assert_eq!(
            exposed.map(|names| names.to_str().expect("text")),
            expected_names
        );
        // A cache must not give the answer for one page to another.
        let vary = answer.headers().get("vary");
        assert_eq!(vary.is_some(), !origins.is_empty(), "{origin}");
        // A page that may call the APIs may not control the sandbox.
        let control = app
            .request(Method::POST, "/_mockaa/v1/reset")
            .header("origin", origin);
        let refused = control.send().await.expect("a response");
        assert_eq!((refused.status().as_u16(), allowed(&refused)), (403, None));
    }
    let start = mockaa::Sandbox::builder().allow_origin("a.test").start();
    let error = start.await.expect_err("it is no origin").to_string();
    assert!(
        error.starts_with("--allow-origin 'a.test' is not"),
        "{error}"
    );
}

/// What follows the headers of these is no body; a server that waited for it would never answer.
#[tokio::test]
async fn a_request_to_switch_the_protocol_is_answered_at_once() {
    let app = TestApp::start().await;
    let websocket = [
        "host: localhost",
        "upgrade: websocket",
        "sec-websocket-version: 13",
    ];
    for (line, headers, status) in [
        (
            "CONNECT example.com:443 HTTP/1.1",
            &["host: example.com:443"][..],
            404,
        ),
        ("CONNECT /Consent HTTP/1.1", &["host: localhost"], 405),
        ("GET /livez HTTP/1.1", &websocket, 200),
        ("POST /Consent HTTP/1.1", &websocket, 400),
        ("GET /nothing HTTP/1.1", &websocket, 404),
    ] {
        let reply = send_raw(app.sandbox.address(), line, headers);
        let reply = tokio::time::timeout(Duration::from_secs(5), reply).await;
        assert_eq!(reply.expect("an answer at once").status, status, "{line}");
    }
    let reply = send_raw(
        app.sandbox.address(),
        "CONNECT example.com:443 HTTP/1.1",
        &["host: x"],
    )
    .await;
    assert!(reply.body.contains("is no proxy"), "{}", reply.body);
}
