//! The approval page for the customer.

use reqwest::Method;

use crate::helpers::TestApp;

#[tokio::test]
async fn the_page_shows_the_consent_in_plain_language() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    let page = app.get(&format!("/ui/consents/{handle}")).await;
    assert_eq!(page.status, 200);
    let text = page.text.replace(&app.sandbox.base_url(), "(base)");
    let (_, main) = text.split_once("<main>").expect("a main part");
    insta::assert_snapshot!(main);
}

#[tokio::test]
async fn its_buttons_approve_and_reject() {
    let mut app = TestApp::start().await;
    for (verb, state, expected) in [
        ("approve", "ACTIVE", "You approved"),
        ("reject", "REJECTED", "You rejected the request"),
    ] {
        let handle = app.raise_consent(|_| {}).await;
        let reply = app
            .send(app.request(Method::POST, &format!("/ui/consents/{handle}/{verb}")))
            .await;
        assert_eq!(reply.status, 303);
        assert_eq!(app.consent_state(&handle).await, state);
        let page = app.get(&format!("/ui/consents/{handle}")).await.text;
        assert!(
            page.contains(expected) && !page.contains("<button"),
            "{page}"
        );
        assert_eq!(app.fiu.next_message().await.path, "/Consent/Notification");
        let second_reply = app
            .send(app.request(Method::POST, &format!("/ui/consents/{handle}/{verb}")))
            .await;
        assert_eq!(second_reply.status, 409);
    }
}

#[tokio::test]
async fn what_an_fiu_writes_cannot_break_the_page() {
    let app = TestApp::start().await;
    let handle = app
        .raise_consent(|body| {
            body["ConsentDetail"]["Purpose"]["text"] = "<script>alert(1)</script>".into();
        })
        .await;
    let page = app.get(&format!("/ui/consents/{handle}")).await.text;
    assert!(
        !page.contains("<script>") && page.contains("alert(1)"),
        "{page}"
    );
}

#[tokio::test]
async fn an_unknown_consent_has_no_page() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/ui/consents/nonsense").await.status, 404);
    assert_eq!(
        app.get("/ui/consents/00000000-0000-4000-8000-000000000000")
            .await
            .status,
        404
    );
    let handle = app.raise_consent(|_| {}).await;
    assert_eq!(
        app.send(app.request(Method::POST, &format!("/ui/consents/{handle}/revoke")))
            .await
            .status,
        404
    );
}
