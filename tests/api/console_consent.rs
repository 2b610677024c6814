//! The operator's view of a consent.

use reqwest::Method;

use crate::helpers::TestApp;

#[tokio::test]
async fn the_page_shows_the_consent_in_plain_language() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    let page = app.get(&format!("/ui/consents/{handle}")).await;
    assert_eq!(page.status, 200);
    for text in [
        "First Example FIU",
        "PENDING since 4 Jul 2020, 11:30 am IST",
        "no scenario: people answer",
        "class=\"qr\"",
        "Possible now: approve, reject, fail or expire",
        &handle,
        "DEPOSIT",
    ] {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
}

#[tokio::test]
async fn its_buttons_approve_and_reject() {
    let mut app = TestApp::start().await;
    for (verb, state, expected) in [
        ("approve", "ACTIVE", "ACTIVE since"),
        ("reject", "REJECTED", "REJECTED since"),
    ] {
        let handle = app.raise_consent(|_| {}).await;
        let reply = app
            .send(app.request(Method::POST, &format!("/ui/consents/{handle}/{verb}")))
            .await;
        assert_eq!(reply.status, 303);
        assert_eq!(app.consent_state(&handle).await, state);
        let page = app.get(&format!("/ui/consents/{handle}")).await.text;
        assert!(
            page.contains(expected) && !page.contains(&format!("/{verb}\"")),
            "{page}"
        );
        assert_eq!(app.fiu.next_message().await.path, "/Consent/Notification");
        let second_reply = app
            .send(app.request(Method::POST, &format!("/ui/consents/{handle}/{verb}")))
            .await;
        assert_eq!(second_reply.status, 409);
        assert!(
            second_reply.json()["error"].is_string(),
            "a script gets JSON"
        );
        let request = app.request(Method::POST, &format!("/ui/consents/{handle}/{verb}"));
        let stale = app.send(request.header("accept", "text/html")).await;
        assert_eq!(stale.status, 409);
        for text in [
            format!("{state} since 4 Jul 2020"),
            format!("is {state}; legal now"),
        ] {
            assert!(stale.text.contains(&text), "{text}: {}", stale.text);
        }
    }
}

#[tokio::test]
async fn an_account_has_a_picture_of_its_balance() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    let page = app.get(&format!("/ui/consents/{handle}")).await.text;
    let chart = page.split("loading=\"lazy\"").nth(1).expect("a picture");
    let chart = chart
        .split("src=\"")
        .nth(1)
        .and_then(|it| it.split('"').next());
    let chart = chart.expect("an address").replace("&#38;", "&");
    let picture = app.get(&chart).await;
    assert_eq!(picture.status, 200, "{chart}");
    assert!(picture.text.starts_with("<svg") && picture.text.contains("<path"));
}

#[tokio::test]
async fn a_long_path_says_what_it_leaves_out() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    for verb in [
        "approve", "pause", "resume", "pause", "resume", "pause", "resume",
    ] {
        app.apply_verb(&handle, verb).await.expect_ok();
    }
    let page = app.get(&format!("/ui/consents/{handle}")).await.text;
    assert!(
        page.contains("1 earlier change is in the timeline"),
        "{page}"
    );
    app.apply_verb(&handle, "pause").await.expect_ok();
    let page = app.get(&format!("/ui/consents/{handle}")).await.text;
    assert!(
        page.contains("2 earlier changes are in the timeline"),
        "{page}"
    );
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
        app.send(app.request(Method::POST, &format!("/ui/consents/{handle}/explode")))
            .await
            .status,
        404
    );
}

/// A browser's form needs the token of the page, which belongs to the cookie.
#[tokio::test]
async fn a_form_of_another_page_is_refused() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    let path = format!("/ui/consents/{handle}");
    let response = app
        .request(Method::GET, &path)
        .send()
        .await
        .expect("a page");
    let cookie = response.headers()["set-cookie"]
        .to_str()
        .expect("text")
        .to_owned();
    let port = app.sandbox.address().port();
    assert!(
        cookie.starts_with(&format!("mockaa_{port}="))
            && cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
    let page = response.text().await.expect("text");
    let token = page
        .split("name=\"csrf\" value=\"")
        .nth(1)
        .expect("a token");
    let token = token.split('"').next().expect("a token").to_owned();
    let post = async |cookie: &str, token: &str| {
        let request = app
            .request(Method::POST, &format!("{path}/approve"))
            .header("origin", app.sandbox.base_url())
            .header("cookie", cookie.split(';').next().expect("a pair"))
            .body(format!("csrf={token}"));
        app.send(request).await
    };
    let other = format!("mockaa_{port}={}", "0".repeat(32));
    for (cookie, token) in [
        (&*cookie, ""),
        (&cookie, "0123"),
        (&other, &token),
        ("", &token),
    ] {
        let refused = post(cookie, token).await;
        assert_eq!(refused.status, 403, "{cookie} {token}");
        assert!(
            refused.text.contains("nothing was done"),
            "{}",
            refused.text
        );
        assert_eq!(app.consent_state(&handle).await, "PENDING");
    }
    assert_eq!(post(&cookie, &token).await.status, 303);
    assert_eq!(app.consent_state(&handle).await, "ACTIVE");
}

/// A script that asks for the page again gets the entries that it has not shown yet.
#[tokio::test]
async fn a_poll_leaves_out_what_the_browser_shows() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    for _ in 0..10 {
        for verb in ["pause", "resume"] {
            app.apply_verb(&handle, verb).await.expect_ok();
        }
    }
    app.advance_clock("0s").await;
    let path = format!("/ui/consents/{handle}");
    let page = app.get(&path).await.text;
    let place = page
        .split("data-after=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    let place = place.expect("a place").to_owned();
    app.apply_verb(&handle, "pause").await.expect_ok();
    app.advance_clock("0s").await;
    let poll = async |place: &str| {
        let request = app.request(Method::GET, &path);
        let request = request.header("accept", "text/html");
        app.send(request.header("x-mockaa-poll", place)).await.text
    };
    let count = |page: &str, text: &str| page.matches(text).count();
    let changed = poll(&place).await;
    let all = count(&changed, "<li class=\"thread\"");
    let left_out = count(&changed, " data-shown>");
    // The first eight are always there, and the pause is new.
    assert_eq!(all - left_out, 9, "{changed}");
    assert!(changed.len() < page.len());
    assert_eq!(
        count(&changed, "<b>22</b>") + count(&changed, "<b>23</b>"),
        count(&poll("true").await, "<b>22</b>") + count(&poll("true").await, "<b>23</b>"),
        "the counts are those of all entries"
    );
    for whole in ["true", "0123456789abcdef.9", "x"] {
        assert_eq!(count(&poll(whole).await, " data-shown>"), 0, "{whole}");
    }
    let seq = page
        .split("id=\"e")
        .last()
        .and_then(|rest| rest.split('"').next());
    let seq = seq.expect("an entry");
    let request = app.request(Method::GET, &format!("{path}?open={seq}"));
    let opened = app.send(request.header("x-mockaa-poll", &place)).await.text;
    assert!(opened.contains("class=\"open\""), "{opened}");
}
