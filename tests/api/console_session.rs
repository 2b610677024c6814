//! The session of an operator beyond loopback.

use std::net::Ipv4Addr;

use reqwest::Method;

use crate::helpers::TestApp;
use crate::operator_browser::OperatorBrowser;

async fn start_beyond_loopback() -> (TestApp, String) {
    let app = TestApp::start_with(|builder| builder.bind(Ipv4Addr::UNSPECIFIED.into())).await;
    let token = app.sandbox.control_token().expect("a token").to_owned();
    (app, token)
}

#[tokio::test]
async fn the_token_is_asked_for_once() {
    let (app, token) = start_beyond_loopback().await;
    let mut browser = OperatorBrowser::open(&app, "/ui/consents?state=ACTIVE").await;
    assert_eq!(browser.status, 401);
    assert!(browser.text.contains("Control token"), "{}", browser.text);
    browser.submit("/ui/session", &[("token", "wrong")]).await;
    assert_eq!(browser.status, 401);
    assert!(browser.text.contains("is not the one"), "{}", browser.text);
    browser.submit("/ui/session", &[("token", &token)]).await;
    assert_eq!(browser.status, 200);
    assert_eq!(
        browser.path, "/ui/consents?state=ACTIVE",
        "it leads to the page that was wanted"
    );
    assert!(!browser.text.contains(&token), "the token is on no page");
    for page in ["/ui", "/ui/webhooks", "/ui/journal"] {
        browser.show(page).await;
        assert_eq!(browser.status, 200, "{page}");
    }
    browser.submit("/ui/session/end", &[]).await;
    assert_eq!(browser.status, 401);
    browser.show("/ui/webhooks").await;
    assert_eq!(browser.status, 401);
}

#[tokio::test]
async fn a_session_reads_the_control_api_but_does_not_change_it() {
    let (app, token) = start_beyond_loopback().await;
    let mut browser = OperatorBrowser::open(&app, "/ui").await;
    browser.submit("/ui/session", &[("token", &token)]).await;
    let cookie = browser.cookie().to_owned();
    let call = async |method: Method, path: &str| {
        let request = app.request(method, path).header("cookie", &cookie);
        app.send(request).await.status.as_u16()
    };
    assert_eq!(call(Method::GET, "/_mockaa/v1/world").await, 200);
    assert_eq!(call(Method::POST, "/_mockaa/v1/reset").await, 401);
    assert_eq!(call(Method::DELETE, "/_mockaa/v1/faults").await, 401);
    assert_eq!(
        call(Method::POST, "/ui/clock/freeze").await,
        403,
        "a form needs its token"
    );
}

#[tokio::test]
async fn tokens_are_not_tried_without_end() {
    let (app, token) = start_beyond_loopback().await;
    let mut browser = OperatorBrowser::open(&app, "/ui").await;
    for _ in 0..10 {
        browser.submit("/ui/session", &[("token", "wrong")]).await;
        assert_eq!(browser.status, 401);
    }
    let form = browser.form_token();
    let fields = [("csrf", &*form), ("next", "/ui"), ("token", &token)];
    browser.submit_exactly("/ui/session", &fields).await;
    assert_eq!(browser.status, 503);
    assert!(browser.text.contains("wait a minute"), "{}", browser.text);
}

#[tokio::test]
async fn a_sign_in_leads_nowhere_else() {
    let (app, token) = start_beyond_loopback().await;
    for next in ["https://evil.test/ui", "//evil.test/ui", "/aa", "/ui\\evil"] {
        let mut browser = OperatorBrowser::open(&app, "/ui").await;
        let form = browser.form_token();
        let fields = [("csrf", &*form), ("next", next), ("token", &token)];
        browser.submit_exactly("/ui/session", &fields).await;
        assert_eq!(
            (browser.status.as_u16(), &*browser.path),
            (200, "/ui"),
            "{next}"
        );
    }
}

/// A stream of events ends with the session that reads it.
#[tokio::test]
async fn the_stream_of_a_session_ends_with_it() {
    let (app, token) = start_beyond_loopback().await;
    let mut browser = OperatorBrowser::open(&app, "/ui").await;
    browser.submit("/ui/session", &[("token", &token)]).await;
    let request = app.request(Method::GET, "/_mockaa/v1/events");
    let stream = request.header("cookie", browser.cookie()).send().await;
    let stream = stream.expect("an answer");
    assert_eq!(stream.status(), 200);
    browser.submit("/ui/session/end", &[]).await;
    let text = stream.text().await.expect("it ends");
    assert!(
        text.contains("event: bye") && text.contains("the session has ended"),
        "{text}"
    );
}

/// On loopback nothing is asked for.
#[tokio::test]
async fn a_local_sandbox_needs_no_session() {
    let app = TestApp::start().await;
    let browser = OperatorBrowser::open(&app, "/ui/session").await;
    assert_eq!((browser.status.as_u16(), &*browser.path), (200, "/ui"));
}
