//! The operator's pages.

use regex::Regex;
use serde_json::json;

use crate::helpers::TestApp;
use crate::inbox::ReceiverBehavior;

const LIST: &str = "/ui/consents";

/// Returns the consents of a page by the addresses of their rows, in order.
fn list_rows(page: &str) -> Vec<String> {
    let row = Regex::new(r#"<th scope="row"><a href="(?:/w/[^/]+)?/ui/consents/([^"]+)""#);
    let rows = row.expect("a pattern");
    rows.captures_iter(page)
        .map(|row| row[1].to_owned())
        .collect()
}

/// Returns the address of the link with this text.
fn find_link(page: &str, text: &str) -> Option<String> {
    let link = format!(r#"href="([^"]+)"[^>]*>{text}</a>"#);
    let link = Regex::new(&link).expect("a pattern").captures(page)?;
    Some(link[1].replace("&#38;", "&"))
}

#[tokio::test]
async fn consents_are_listed_filtered_and_counted() {
    let app = TestApp::start().await;
    let approved = app.raise_consent(|_| {}).await;
    app.apply_verb(&approved, "approve").await.expect_ok();
    let pending = app.raise_consent_for("9876500009@mockaa").await;
    let driven = app.raise_with_scenario("approve-deposit").await;
    let page = app.get(LIST).await.text;
    assert_eq!(list_rows(&page), [&*driven, &pending, &approved]);
    for text in [
        "3 of 3",
        "9876500009@mockaa",
        "approve-deposit",
        "First Example FIU",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    for (query, expected) in [
        ("state=ACTIVE", vec![&*approved]),
        ("q=76500009", vec![&*pending]),
        (
            "q=&state=&fiuId=&scenario=",
            vec![&*driven, &*pending, &*approved],
        ),
        ("scenario=approve-deposit&fiuId=FIU-1", vec![&*driven]),
        ("customer=9876500009@mockaa", vec![&*pending]),
    ] {
        let page = app.get(&format!("{LIST}?{query}")).await;
        assert_eq!(page.status, 200, "{query}");
        assert_eq!(list_rows(&page.text), expected, "{query}");
    }
    // A chip keeps the rest of the filter.
    let page = app.get(&format!("{LIST}?q=mockaa&state=ACTIVE")).await.text;
    let chip = Regex::new(r#"href="([^"]+)"[^>]*><svg[^P]*PENDING <b>1</b>"#).expect("a pattern");
    let chip = chip.captures(&page).expect("a chip")[1].replace("&#38;", "&");
    assert_eq!(chip, "/ui/consents?q=mockaa&state=PENDING");
    assert!(!list_rows(&app.get(&chip).await.text).contains(&approved));
}

#[tokio::test]
async fn a_long_list_is_read_in_both_directions() {
    let app = TestApp::start().await;
    let mut raised = Vec::new();
    for _ in 0..101 {
        raised.push(app.raise_consent(|_| {}).await);
    }
    raised.reverse();
    let first = app.get(LIST).await.text;
    assert_eq!(list_rows(&first), raised[..50]);
    assert!(first.contains("50 of 101") && find_link(&first, "Newer").is_none());
    let second = app
        .get(&find_link(&first, "Older").expect("a link"))
        .await
        .text;
    assert_eq!(list_rows(&second), raised[50..100]);
    let third = app
        .get(&find_link(&second, "Older").expect("a link"))
        .await
        .text;
    assert_eq!(list_rows(&third), raised[100..]);
    assert!(find_link(&third, "Older").is_none());
    let back = app
        .get(&find_link(&third, "Newer").expect("a link"))
        .await
        .text;
    assert_eq!(list_rows(&back), raised[50..100]);
    let back = app
        .get(&find_link(&back, "Newer").expect("a link"))
        .await
        .text;
    assert_eq!(list_rows(&back), raised[..50]);
    assert!(find_link(&back, "Newer").is_none());
}

#[tokio::test]
async fn an_empty_list_says_how_to_begin_or_what_was_asked_for() {
    let mut app = TestApp::start().await;
    app.switch_world("mine");
    let page = app.get(LIST).await.text;
    let base = app.sandbox.base_url();
    assert!(page.contains("No consent yet"), "{page}");
    // Its commands do what they say.
    let commands = Regex::new("<code>mockaa ([^<]+)</code>").expect("a pattern");
    let commands = commands.captures_iter(&page).map(|it| it[1].to_owned());
    for (command, count) in commands.zip([1, 2]) {
        assert!(command.contains(&format!("--server {base} --world mine")));
        let mut process = tokio::process::Command::new(env!("CARGO_BIN_EXE_mockaa"));
        let output = process.args(command.split(' ')).output().await;
        let output = output.expect("the command runs");
        assert!(output.status.success(), "{output:?}");
        assert_eq!(app.count_consents().await, count, "{command}");
    }
    let page = app.get(&format!("{LIST}?q=loan&state=PAUSED")).await.text;
    let text = "No consent matches the text “loan” and the state PAUSED";
    assert!(page.contains(text), "{page}");
    let all = find_link(&page, "Show all").expect("a link");
    assert_eq!(all, "/w/mine/ui/consents");
}

#[tokio::test]
async fn what_others_write_cannot_break_the_list() {
    let app = TestApp::start().await;
    let text = r#""><script>alert(1)</script>"#;
    let fiu = json!({ "name": text });
    let request = app.request(reqwest::Method::PUT, "/_mockaa/v1/config/fiu/FIU-1");
    app.send(request.json(&fiu)).await.expect_ok();
    app.raise_consent(|_| {}).await;
    let query = "q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&scenario=%22%3E%3Cscript%3Ealert(1)";
    for path in [LIST.to_owned(), format!("{LIST}?{query}")] {
        let page = app.get(&path).await.text;
        assert!(
            !page.contains("<script>") && page.contains("alert(1)"),
            "{page}"
        );
    }
}

#[tokio::test]
async fn a_filter_that_does_not_exist_is_refused() {
    let app = TestApp::start().await;
    for (query, field) in [
        ("state=OPEN", "state"),
        ("limit=5", "limit"),
        ("before=x", "before"),
    ] {
        let reply = app.get(&format!("{LIST}?{query}")).await;
        assert_eq!(reply.status, 400, "{query}");
        assert!(reply.text.contains(field), "{query}: {}", reply.text);
    }
}

#[tokio::test]
async fn webhooks_are_listed_with_their_attempts() {
    let app = TestApp::start().await;
    let empty = app.get("/ui/webhooks").await.text;
    assert!(empty.contains("No webhook yet"), "{empty}");
    app.put_faults("webhooks: [{ where: { nth: 1 }, fault: { wrong_key: {} } }]")
        .await
        .expect_ok();
    let first = app.raise_consent(|_| {}).await;
    app.apply_verb(&first, "reject").await.expect_ok();
    app.advance_clock("0s").await;
    app.fiu
        .set_behavior(ReceiverBehavior::Respond(503, "busy".to_owned()));
    let second = app.raise_consent(|_| {}).await;
    app.apply_verb(&second, "reject").await.expect_ok();
    app.advance_clock("0s").await;
    let page = app.get("/ui/webhooks").await.text;
    for text in [
        "2 of 2",
        "wrong_key",
        "✗ 200, must reject",
        "✗ 503",
        "consent.status <b>REJECTED</b>",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    for (query, count) in [
        ("state=delivered", 1),
        ("state=waiting", 1),
        ("event=fi.status", 0),
        ("state=&event=&fiuId=FIU-1", 2),
    ] {
        let page = app.get(&format!("/ui/webhooks?{query}")).await.text;
        assert_eq!(page.matches("<tr data-key=").count(), count, "{query}");
    }
    let page = app
        .get(&format!("/ui/webhooks?consentHandle={first}"))
        .await
        .text;
    assert!(page.contains(&first) && !page.contains(&second), "{page}");
    let refused = app.get("/ui/webhooks?state=lost").await;
    assert_eq!(refused.status, 400);
}
