//! The operator's pages of webhooks, the journal, the clock, faults, scenarios, customers, worlds and the
//! report.

use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::TestApp;
use crate::inbox::ReceiverBehavior;
use crate::operator_browser::OperatorBrowser;

/// A fault of all webhooks.
const BADLY_SIGNED: &str = "webhooks: [{ fault: { corrupt_signature: flip_bit } }]";

/// Rejects a new consent under faults, and returns its handle.
async fn reject_consent(app: &TestApp, faults: &str) -> String {
    app.put_faults(faults).await.expect_ok();
    let handle = app.raise_consent(|_| {}).await;
    app.apply_verb(&handle, "reject").await.expect_ok();
    handle
}

#[tokio::test]
async fn a_webhook_shows_its_bytes_its_signature_and_its_difference() {
    let mut app = TestApp::start().await;
    app.put_faults("webhooks: [{ where: { attempts: 2 }, fault: { tampered_body: {} } }]")
        .await
        .expect_ok();
    app.fiu
        .set_behavior(ReceiverBehavior::Respond(503, "busy".to_owned()));
    let handle = app.raise_consent(|_| {}).await;
    app.apply_verb(&handle, "reject").await.expect_ok();
    app.advance_clock("2s").await;
    let sent = app.fiu.next_message().await;
    let mut browser = OperatorBrowser::open(&app, "/ui/webhooks/1?attempt=1").await;
    for text in [
        "The signatures verify",
        "Webhook 1: consent.status REJECTED",
        "✗ 503",
        "x-jws-signature",
        "(masked)",
        "Reveal secrets",
    ] {
        assert!(browser.text.contains(text), "{text}: {}", browser.text);
    }
    assert!(!browser.text.contains("Difference to"), "{}", browser.text);
    let bytes = browser.show("/ui/webhooks/1?attempt=1&part=bytes").await;
    let first: Vec<_> = sent.body[..16]
        .iter()
        .map(|it| format!("{it:02x}"))
        .collect();
    assert!(bytes.contains(&first.join(" ")), "{bytes}");
    let faulty = browser.show("/ui/webhooks/1?attempt=2").await;
    for text in ["A fault changes this message on purpose", "tampered_body"] {
        assert!(faulty.contains(text), "{text}: {faulty}");
    }
    let difference = browser
        .show("/ui/webhooks/1?attempt=2&part=difference")
        .await;
    for text in ["the message without faults", "They part at byte", "<ins>"] {
        assert!(difference.contains(text), "{text}: {difference}");
    }
    let key = sent.header("aa_api_key").to_owned();
    let revealed = browser.show("/ui/webhooks/1?attempt=1&reveal=true").await;
    assert!(revealed.contains(&key), "{revealed}");
    let curl = browser.show("/ui/webhooks/1?attempt=1&part=curl").await;
    for text in ["curl -X POST", "$MOCKAA_AA_API_KEY", "--data-raw"] {
        assert!(curl.contains(text), "{text}: {curl}");
    }
    assert!(!curl.contains(&key), "{curl}");
    for (query, status) in [("attempt=9", 404), ("part=all", 400), ("offset=x", 400)] {
        browser.show(&format!("/ui/webhooks/1?{query}")).await;
        assert_eq!(browser.status, status, "{query}");
    }
}

#[tokio::test]
async fn a_webhook_is_sent_again_by_its_button() {
    let mut app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    app.apply_verb(&handle, "reject").await.expect_ok();
    let first = app.fiu.next_message().await;
    app.advance_clock("0s").await;
    let mut browser = OperatorBrowser::open(&app, "/ui/webhooks/1").await;
    browser.submit("/ui/webhooks/1/resend", &[]).await;
    assert_eq!(browser.path, "/ui/webhooks/1");
    let foreign = browser
        .submit_exactly("/ui/webhooks/1/resend", &[("csrf", "0123")])
        .await;
    assert!(foreign.contains("nothing was done"), "{foreign}");
    assert_eq!(app.fiu.next_message().await.body, first.body);
}

#[tokio::test]
async fn the_journal_is_searched_and_an_entry_shows_its_call() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    app.post("/consent", &json!({ "ver": "9" })).await;
    let mut browser = OperatorBrowser::open(&app, "/ui/journal").await;
    let all = app.get("/_mockaa/v1/journal").await.json();
    let all = all["items"].as_array().expect("entries").len();
    assert_eq!(browser.text.matches("<tr data-key=").count(), all);
    browser.show("/ui/journal?status=4xx&q=&kind=").await;
    assert_eq!(
        browser.text.matches("<tr data-key=").count(),
        1,
        "{}",
        browser.text
    );
    browser.show("/ui/journal?q=nothing-like-this").await;
    assert!(
        browser
            .text
            .contains("No entry matches text nothing-like-this")
    );
    browser.show("/ui/journal?kind=call&op=nonsense").await;
    assert_eq!(browser.status, 400);
    let calls = app.get("/_mockaa/v1/journal?kind=call").await.json();
    let seq = &calls["items"][0]["seq"];
    let entry = browser.show(&format!("/ui/journal/{seq}")).await;
    for text in ["POST /consent", "ConsentDetail", &*handle, "Download"] {
        assert!(entry.contains(text), "{text}: {entry}");
    }
    let answer = browser
        .show(&format!("/ui/journal/{seq}?part=answer"))
        .await;
    assert!(
        answer.contains("200 OK") && answer.contains("ConsentHandle"),
        "{answer}"
    );
    let curl = browser.show(&format!("/ui/journal/{seq}?part=curl")).await;
    let base = app.sandbox.base_url();
    assert!(
        curl.contains(&format!("curl -X POST &#39;{base}/consent&#39;")),
        "{curl}"
    );
    browser.show("/ui/journal/99").await;
    assert_eq!(browser.status, 404);
}

#[tokio::test]
async fn the_clock_is_frozen_advanced_and_run() {
    let app = TestApp::start().await;
    app.post("/_mockaa/v1/clock/run", &json!(null))
        .await
        .expect_ok();
    let handle = app.raise_with_scenario("revoke").await;
    let mut browser = OperatorBrowser::open(&app, "/ui/clock").await;
    assert!(browser.text.contains("running"), "{}", browser.text);
    browser.submit("/ui/clock/freeze", &[]).await;
    assert_eq!(browser.path, "/ui/clock");
    let before = app.get("/_mockaa/v1/clock").await.json();
    assert_eq!(before["mode"], "frozen");
    let page = browser.submit("/ui/clock/advance", &[]).await;
    assert!(
        page.contains("What the last advance brought about"),
        "{page}"
    );
    assert!(
        browser.path.starts_with("/ui/clock?since="),
        "{}",
        browser.path
    );
    let now = app.get("/_mockaa/v1/clock").await.json();
    assert_ne!(before["now"], now["now"]);
    let idle = browser.submit("/ui/clock/advance-until-idle", &[]).await;
    assert!(
        idle.contains("consent.revoked") || idle.contains("consent.expired"),
        "{idle}"
    );
    assert!(idle.contains("Nothing becomes due"), "{idle}");
    browser.submit("/ui/clock/run", &[]).await;
    assert_eq!(app.get("/_mockaa/v1/clock").await.json()["mode"], "running");
    assert_ne!(app.consent_state(&handle).await, "ACTIVE");
    let token = browser.form_token();
    for fields in [
        &[("csrf", &*token), ("by", "later")][..],
        &[("csrf", &*token)],
        &[
            ("csrf", &*token),
            ("by", "1d"),
            ("to", "2030-01-01T00:00:00Z"),
        ],
    ] {
        browser.submit_exactly("/ui/clock/advance", fields).await;
        assert_eq!(browser.status, 400, "{fields:?}");
    }
}

#[tokio::test]
async fn faults_are_added_with_their_errors_and_removed() {
    let app = TestApp::start().await;
    let mut browser = OperatorBrowser::open(&app, "/ui/faults").await;
    let text = "webhooks:\r\n  - fault: { drip: {} }";
    let refused = browser
        .submit("/ui/faults", &[("name", "mine"), ("text", text)])
        .await;
    assert!(
        refused.contains("line 2, column") && refused.contains("did you mean"),
        "{refused}"
    );
    assert!(
        refused.contains("drip: {}") && refused.contains("value=\"mine\""),
        "{refused}"
    );
    assert_eq!(browser.status, 400);
    let text = "webhooks:\r\n  - fault: { drop: {} }\r\n";
    browser
        .submit("/ui/faults", &[("name", "mine"), ("text", text)])
        .await;
    assert_eq!(
        (browser.status.as_u16(), &*browser.path),
        (200, "/ui/faults")
    );
    let handle = app.raise_consent(|_| {}).await;
    app.apply_verb(&handle, "reject").await.expect_ok();
    let page = browser.show("/ui/faults").await;
    assert!(
        page.contains("1 in force") && page.contains("<td>1</td><td>1</td>"),
        "{page}"
    );
    browser.submit("/ui/faults/remove", &[]).await;
    assert!(browser.text.contains("0 in force"), "{}", browser.text);
    assert_eq!(
        app.get("/_mockaa/v1/faults").await.json()["items"],
        json!([])
    );
}

#[tokio::test]
async fn scenarios_are_read_chosen_and_pinned() {
    let app = TestApp::start().await;
    let text = "version: 1\nname: mine\ndescription: A test.\nsteps: [reject: {}]\n";
    let request = app.request(Method::PUT, "/_mockaa/v1/scenarios/mine");
    app.send(request.body(text)).await.expect_ok();
    let mut browser = OperatorBrowser::open(&app, "/ui/scenarios?q=a%20test").await;
    let all = app.get("/_mockaa/v1/scenarios").await.expect_ok();
    let total = all["items"].as_array().expect("a list").len();
    let count = format!("1 of {total}");
    assert!(browser.text.contains(&count) && browser.text.contains("this world"));
    browser.show("/ui/scenarios/mine").await;
    for text in ["steps: [reject: {}]", "A test.", "None yet"] {
        assert!(browser.text.contains(text), "{text}: {}", browser.text);
    }
    let customer = [("customer", "9876500077@mockaa")];
    browser.submit("/ui/scenarios/mine/pin", &customer).await;
    let handle = app.raise_consent_for("9876500077@mockaa").await;
    assert_eq!(app.consent_state(&handle).await, "REJECTED");
    browser.show("/ui/scenarios/mine").await;
    assert!(browser.text.contains(&handle), "{}", browser.text);
    browser.show("/ui/scenarios").await;
    browser
        .submit("/ui/scenarios/default", &[("name", "mine")])
        .await;
    assert_eq!(
        app.get("/_mockaa/v1/scenarios/default").await.json()["name"],
        "mine"
    );
    browser
        .submit("/ui/scenarios/default", &[("name", "")])
        .await;
    let default = app.get("/_mockaa/v1/scenarios/default").await.json();
    assert_eq!(default["name"], json!(null));
    browser.show("/ui/scenarios/nothing").await;
    assert_eq!(browser.status, 404);
}

#[tokio::test]
async fn a_customer_shows_accounts_and_statements() {
    let app = TestApp::start().await;
    let mut browser = OperatorBrowser::open(&app, "/ui/customers?customer=9876500078@mockaa").await;
    assert_eq!(browser.path, "/ui/customers/9876500078%40mockaa");
    let customer = "/ui/customers/9876500078%40mockaa";
    let persona = format!("{customer}/persona");
    browser.submit(&persona, &[("persona", "investor")]).await;
    assert!(
        browser.text.contains("persona investor"),
        "{}",
        browser.text
    );
    for text in ["MUTUAL_FUNDS", "DEPOSIT"] {
        assert!(browser.text.contains(text), "{text}: {}", browser.text);
    }
    let data = browser.show(&format!("{customer}/data")).await;
    for text in [
        "Transactions, the oldest first: 1–",
        "class=\"lineup\"",
        "Later",
    ] {
        assert!(data.contains(text), "{text}: {data}");
    }
    // Each file is there.
    let files: Vec<String> = data
        .split("class=\"chip\" href=\"")
        .skip(1)
        .filter_map(|rest| Some(rest.split('"').next()?.replace("&#38;", "&")))
        .collect();
    assert_eq!(files.len(), 9);
    for file in &files {
        assert_eq!(app.get(file).await.status, 200, "{file}");
    }
    let accounts = app
        .get("/_mockaa/v1/customers/9876500078@mockaa/accounts")
        .await;
    let accounts = accounts.json();
    let fund = accounts["items"].as_array().expect("accounts");
    let fund = fund
        .iter()
        .find(|it| it["fiType"] == "MUTUAL_FUNDS")
        .expect("a fund");
    let reference = fund["accRefNumber"].as_str().expect("text");
    let page = browser
        .show(&format!("{customer}/data?account={reference}"))
        .await;
    assert!(
        page.contains("no transactions to list") && !page.contains("format=svg"),
        "{page}"
    );
    browser
        .show(&format!("{customer}/data?account=nothing"))
        .await;
    assert_eq!(browser.status, 400);
    let refused = browser.show("/ui/customers?customer=nobody").await;
    assert!(refused.contains("class=\"problem\""), "{refused}");
}

#[tokio::test]
async fn a_consent_is_raised_by_a_form() {
    let app = TestApp::start().await;
    let mut browser = OperatorBrowser::open(&app, "/ui/consents/new").await;
    let fields = [
        ("customer", "9876500079"),
        ("fiuId", "FIU-1"),
        ("fiType", "DEPOSIT"),
        ("fiType", "MUTUAL_FUNDS"),
        ("fetchType", "ONETIME"),
        ("months", "6"),
        ("scenario", "approve"),
        ("persona", "investor"),
    ];
    browser.submit("/ui/consents", &fields).await;
    let handle = browser
        .path
        .rsplit('/')
        .next()
        .expect("a handle")
        .to_owned();
    let consent = app.get(&format!("/_mockaa/v1/consents/{handle}")).await;
    let consent = consent.expect_ok();
    assert_eq!(consent["state"], "ACTIVE");
    assert_eq!(consent["customer"], "9876500079@mockaa");
    assert_eq!(
        consent["terms"]["fiTypes"],
        json!(["DEPOSIT", "MUTUAL_FUNDS"])
    );
    assert_eq!(consent["persona"], "investor");
    for (name, value, expected) in [
        ("months", "0", "months"),
        ("customer", "nobody", "customer"),
        (
            "customer",
            "9876500079@nosuch",
            "the handle of no AA; use one of mockaa",
        ),
        ("fiType", "GOLD", "fiType"),
        ("scenario", "nothing", "nothing"),
    ] {
        browser.show("/ui/consents/new").await;
        let fields = fields.map(|(it, old)| (it, if it == name { value } else { old }));
        browser.submit("/ui/consents", &fields).await;
        assert!(browser.status.is_client_error(), "{name}");
        let alert = browser
            .text
            .split("role=\"alert\"")
            .nth(1)
            .expect("a problem");
        assert!(alert.contains(expected), "{name}: {alert}");
        assert!(browser.text.contains("value=\"9876500079\"") || name == "customer");
    }
    assert_eq!(app.count_consents().await, 1);
    let at_another = fields.map(|(it, old)| match it {
        "customer" => (it, "9876500079@ink"),
        _ => (it, old),
    });
    browser.show("/ui/consents/new").await;
    browser.submit("/ui/consents", &at_another).await;
    let consents = app.get("/_mockaa/v1/consents").await.expect_ok();
    assert_eq!(consents["items"][0]["aaId"], "UNACORES-AA-UAT");
    // A number is that of the customer whom the world knows.
    let page = browser.show("/ui/journal?customer=9876500079").await;
    assert!(page.contains("value=\"9876500079@"), "{page}");
}

#[tokio::test]
async fn worlds_are_opened_created_and_reset() {
    let mut app = TestApp::start().await;
    app.raise_consent(|_| {}).await;
    let mut browser = OperatorBrowser::open(&app, "/ui").await;
    assert!(
        browser.text.contains("PENDING <b>1</b>"),
        "{}",
        browser.text
    );
    assert!(!browser.text.contains("mockaa-dev-fiu-1-api-key"));
    browser.show("/ui?reveal=true").await;
    assert!(browser.text.contains("mockaa-dev-fiu-1-api-key"));
    browser.show("/ui/worlds").await;
    browser.submit("/ui/worlds", &[("name", "mine")]).await;
    assert_eq!(browser.path, "/w/mine/ui");
    browser.show("/ui/worlds").await;
    let refused = browser.submit("/ui/worlds", &[("name", "a b")]).await;
    assert!(refused.contains("not a valid world name"), "{refused}");
    let refused = browser
        .submit("/ui/worlds/reset", &[("name", "mine")])
        .await;
    assert!(refused.contains("nothing was reset"), "{refused}");
    assert_eq!(app.count_consents().await, 1);
    browser
        .submit("/ui/worlds/reset", &[("name", "default")])
        .await;
    assert_eq!(browser.path, "/ui");
    assert_eq!(app.count_consents().await, 0);
    app.switch_world("mine");
    assert_eq!(app.count_consents().await, 0);
}

#[tokio::test]
async fn a_broken_rule_leads_to_its_evidence() {
    let app = TestApp::start().await;
    app.fiu
        .set_behavior(ReceiverBehavior::Respond(503, "busy".to_owned()));
    let handle = app.raise_consent(|_| {}).await;
    app.apply_verb(&handle, "reject").await.expect_ok();
    app.advance_clock("0s").await;
    let mut browser = OperatorBrowser::open(&app, "/ui/report").await;
    let broken = browser
        .text
        .split("✗ broken")
        .nth(1)
        .expect("a broken rule");
    assert!(broken.contains("acknowledges-webhooks"), "{broken}");
    let link = broken
        .split("href=\"")
        .nth(1)
        .and_then(|it| it.split('"').next());
    let link = link.expect("evidence").to_owned();
    let entry = browser.show(&link).await;
    assert!(
        entry.contains("Webhook 1") && entry.contains("503"),
        "{entry}"
    );
}

/// Names that would be markup stay text on each page.
#[tokio::test]
async fn no_name_becomes_markup() {
    let app = TestApp::start().await;
    let name = "<script>alert(1)</script>\"><img src=x onerror=alert(1)>";
    let request = app.request(Method::PUT, "/_mockaa/v1/config/fiu/FIU-1");
    app.send(request.json(&json!({ "name": name })))
        .await
        .expect_ok();
    let long = format!("{name}{}", "x".repeat(4000));
    let handle = app
        .raise_consent(|body| {
            body["ConsentDetail"]["Purpose"]["text"] = long.as_str().into();
        })
        .await;
    app.apply_verb(&handle, "reject").await.expect_ok();
    app.advance_clock("0s").await;
    app.post("/consent/%3Cscript%3E?q=<script>", &json!({ "a": name }))
        .await;
    app.put_faults(&format!(
        "webhooks: [{{ fault: {{ drop: {{}} }} }}] # {name}"
    ))
    .await
    .expect_ok();
    let mut pages = vec![
        "/ui".to_owned(),
        "/ui/consents".to_owned(),
        "/ui/consents/new".to_owned(),
        format!("/ui/consents/{handle}"),
        "/ui/webhooks".to_owned(),
        "/ui/webhooks/1".to_owned(),
        "/ui/webhooks/1?part=curl".to_owned(),
        "/ui/journal".to_owned(),
        "/ui/clock".to_owned(),
        "/ui/faults".to_owned(),
        "/ui/report".to_owned(),
        "/ui/customers".to_owned(),
        "/ui/worlds".to_owned(),
        "/ui/journal?q=%3Cscript%3E".to_owned(),
        "/ui/scenarios?q=%3Cscript%3E".to_owned(),
        "/ui/customers?customer=%3Cscript%3E".to_owned(),
    ];
    let journal = app.get("/_mockaa/v1/journal").await.json();
    for entry in journal["items"].as_array().expect("entries") {
        for part in ["sent", "formatted", "answer", "bytes", "curl"] {
            pages.push(format!("/ui/journal/{}?part={part}", entry["seq"]));
        }
    }
    for page in pages {
        let reply = app.get(&page).await;
        assert_eq!(reply.status, 200, "{page}");
        assert!(
            !reply.text.contains("<script>") && !reply.text.contains("<img"),
            "{page}"
        );
        assert!(!reply.text.contains(" style="), "{page}");
    }
}

/// The page of a refused form has an address that a browser cannot get.
#[tokio::test]
async fn a_refused_form_leads_back_to_a_page() {
    let app = TestApp::start().await;
    let mut browser = OperatorBrowser::open(&app, "/ui/scenarios").await;
    let token = browser.form_token();
    let form = [("csrf", &*token), ("name", "nothing")];
    browser.submit_exactly("/ui/scenarios/default", &form).await;
    assert_eq!(browser.status, 400);
    for text in [
        "nothing",
        "href=\"/ui/scenarios\">Go back",
        "aria-label=\"Console\"",
    ] {
        assert!(browser.text.contains(text), "{text}: {}", browser.text);
    }
    // The browser says that it sends this one from the address of the refused form.
    browser.submit("/ui/clock/run", &[]).await;
    assert_eq!(
        (browser.status.as_u16(), &*browser.path),
        (200, "/ui/scenarios")
    );
    browser.show("/ui/worlds").await;
    browser
        .submit("/ui/worlds/reset", &[("name", "other")])
        .await;
    assert_eq!(browser.status, 400);
    assert!(
        browser.text.contains("data-page=\"/ui/worlds\""),
        "{}",
        browser.text
    );
    browser.show("/ui/consents/nonsense").await;
    assert!(
        browser.text.contains("href=\"/ui/consents\">Go back"),
        "{}",
        browser.text
    );
    browser.show("/ui/consents?state=LOST").await;
    assert_eq!(browser.status, 400);
    assert!(
        browser.text.contains("href=\"/ui/consents\">Go back"),
        "{}",
        browser.text
    );
}

#[tokio::test]
async fn a_scenario_leads_to_the_form_that_raises_with_it() {
    let app = TestApp::start().await;
    let mut browser = OperatorBrowser::open(&app, "/ui/scenarios/reject").await;
    let form = "/ui/consents/new?scenario=reject";
    assert!(browser.text.contains(form), "{}", browser.text);
    browser.show(form).await;
    assert!(
        browser.text.contains("value=\"reject\" selected"),
        "{}",
        browser.text
    );
    browser.show("/ui/consents/new?scenario=nothing").await;
    assert_eq!(browser.status, 404);
}

/// The fault that dropped a webhook has no part in the message that was sent later.
#[tokio::test]
async fn a_dropped_webhook_that_is_sent_again_is_right() {
    let app = TestApp::start().await;
    reject_consent(&app, "webhooks: [{ fault: { drop: {} } }]").await;
    let mut browser = OperatorBrowser::open(&app, "/ui/webhooks/1").await;
    assert!(
        browser.text.contains("builds and sends it"),
        "{}",
        browser.text
    );
    browser.submit("/ui/webhooks/1/resend", &[]).await;
    app.advance_clock("0s").await;
    let page = browser.show("/ui/webhooks/1").await;
    assert!(page.contains("The signatures verify"), "{page}");
    assert!(!page.contains("A fault changes this message"), "{page}");
    let entries = app.get("/_mockaa/v1/journal?kind=webhook").await.json();
    let entries = entries["items"].as_array().expect("entries");
    let facts = |entry: &Value| {
        (
            entry["webhook"]["faults"].clone(),
            entry["cause"]["kind"].clone(),
        )
    };
    assert_eq!(facts(&entries[0]), (json!(["drop"]), json!("operator")));
    assert_eq!(facts(&entries[1]), (Value::Null, json!("operator")));
    assert_eq!(
        entries[1]["cause"]["origin"],
        "POST /ui/webhooks/{id}/resend"
    );
}

/// The difference of a message with a spoilt signature is in its headers.
#[tokio::test]
async fn the_difference_shows_the_character_that_a_fault_has_changed() {
    let app = TestApp::start().await;
    reject_consent(&app, BADLY_SIGNED).await;
    app.advance_clock("0s").await;
    let page = app
        .get("/ui/webhooks/1?part=difference")
        .await
        .text
        .replace("<mark></mark>", "");
    for text in [
        "Difference to the message without faults",
        "Both bodies have the same bytes",
        "<code>x-jws-signature</code><small>the first",
        "<mark>",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let shown = page
        .split("<mark>")
        .nth(1)
        .and_then(|it| it.split('<').next());
    assert_eq!(shown.map(str::len), Some(1), "{page}");
}

/// What a person sends again has that person as its cause, and a retry by itself has the event.
#[tokio::test]
async fn a_webhook_that_is_sent_again_names_who_asked_for_it() {
    let mut app = TestApp::start().await;
    app.fiu
        .set_behavior(ReceiverBehavior::Respond(503, String::new()));
    let handle = app.raise_with_scenario("approve").await;
    app.fiu.next_message().await;
    app.advance_clock("0s").await;
    app.post("/_mockaa/v1/webhooks/1/resend", &Value::Null)
        .await
        .expect_ok();
    app.fiu.next_message().await;
    app.advance_clock("1h").await;
    let path = format!("/_mockaa/v1/journal?kind=webhook&consentHandle={handle}");
    let entries = app.get(&path).await.json();
    let entries = entries["items"].as_array().expect("entries");
    let kinds: Vec<_> = entries.iter().map(|it| &it["cause"]["kind"]).collect();
    assert_eq!(kinds[0], "scenario", "{entries:?}");
    assert_eq!(kinds[1], "operator", "{entries:?}");
    assert!(kinds.len() > 2, "{entries:?}");
    assert!(kinds[2..].iter().all(|it| *it == "scenario"), "{entries:?}");
    assert_eq!(
        entries[1]["cause"]["origin"],
        "POST /_mockaa/v1/webhooks/{id}/resend"
    );
}

/// What a log names is found by its id; another text is searched for.
#[tokio::test]
async fn find_leads_to_what_a_text_names() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    app.advance_clock("0s").await;
    let consent = app
        .get(&format!("/_mockaa/v1/consents/{handle}"))
        .await
        .expect_ok();
    let webhooks = app.get("/_mockaa/v1/webhooks").await.expect_ok();
    let webhook_id = webhooks["items"][0]["webhookId"].as_str();
    let webhook_id = webhook_id.expect("an id").to_owned();
    let consent_id = consent["consentId"].as_str().expect("an id").to_owned();
    let page_of_consent = format!("/ui/consents/{handle}");
    for (text, expected) in [
        (&*handle, &*page_of_consent),
        (&handle.to_uppercase(), &page_of_consent),
        (&format!("%20{handle}%20"), &page_of_consent),
        (&consent_id, &page_of_consent),
        (&webhook_id, "/ui/webhooks/1"),
        (&handle[..8], &format!("/ui/consents?q={}", &handle[..8])),
        ("", "/ui/consents?q="),
        ("nothing+%26+nobody", "/ui/journal?q=nothing%20%26%20nobody"),
        ("msg_0", "/ui/journal?q=msg%5F0"),
    ] {
        let address = format!("/ui/find?q={text}");
        let (status, location) = app.send_raw(app.request(Method::GET, &address)).await;
        assert_eq!(status, 303, "{text}");
        let location = location.expect("an address");
        assert!(location.ends_with(expected), "{text}: {location}");
    }
    assert_eq!(app.get("/ui/find?handle=1").await.status, 400);
    for (address, expected) in [
        ("/ui/", "/ui"),
        ("/ui/consents/?state=ACTIVE", "/ui/consents?state=ACTIVE"),
    ] {
        let (status, location) = app.send_raw(app.request(Method::GET, address)).await;
        assert_eq!(
            (status.as_u16(), location.as_deref()),
            (303, Some(expected))
        );
    }
    assert_eq!(app.get("/ui/nothing/").await.status, 404);
}

/// What a page does not list is said there.
#[tokio::test]
async fn a_page_says_what_it_does_not_list() {
    let app = TestApp::start().await;
    for _ in 0..21 {
        app.raise_with_scenario("approve").await;
    }
    let page = app.get("/ui/scenarios/approve").await.text;
    assert!(
        page.contains("scenario=approve\">All 21 consents"),
        "{page}"
    );
    let handle = app.raise_consent(|_| {}).await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    for _ in 0..110 {
        for verb in ["pause", "resume"] {
            app.apply_verb(&handle, verb).await.expect_ok();
        }
    }
    let page = app.get("/ui/clock?since=0").await.text;
    assert!(page.contains("These are the first 200 entries."), "{page}");
}

/// A form of the clock takes times as a person writes them, and is shown again with what is wrong.
#[tokio::test]
async fn the_forms_of_the_clock_read_times_of_india() {
    let app = TestApp::start().await;
    let mut browser = OperatorBrowser::open(&app, "/ui/clock").await;
    let token = browser.form_token();
    for (typed, problem) in [
        ("tomorrow", "is no time such as 2026-01-31"),
        ("9999-12-31", "is more than ten years ahead"),
        ("2020-07-03", "before"),
    ] {
        let fields = [("csrf", &*token), ("to", typed)];
        let page = browser.submit_exactly("/ui/clock/advance", &fields).await;
        for text in [problem, &format!("name=\"to\" value=\"{typed}\"")] {
            assert!(page.contains(text), "{text}: {page}");
        }
        assert!(
            browser.status.is_client_error(),
            "{typed}: {}",
            browser.status
        );
    }
    for (change, typed, now) in [
        ("advance", "2020-07-05 10:30", "2020-07-05T05:00:00.000Z"),
        ("set", "2020-07-06", "2020-07-05T18:30:00.000Z"),
    ] {
        let fields = [("csrf", &*token), ("to", typed)];
        let action = format!("/ui/clock/{change}");
        browser.submit_exactly(&action, &fields).await;
        let clock = app.get("/_mockaa/v1/clock").await.expect_ok();
        assert_eq!(clock["now"], now, "{change}: {}", browser.text);
    }
}

/// A mobile number is a customer of the default AA wherever a person types one.
#[tokio::test]
async fn a_mobile_number_names_a_customer() {
    let app = TestApp::start().await;
    app.raise_consent(|_| {}).await;
    let opened = app.request(Method::GET, "/ui/customers?customer=9876543210");
    let (status, location) = app.send_raw(opened).await;
    assert_eq!(status, 303);
    let location = location.expect("an address");
    assert!(
        location.ends_with("/ui/customers/9876543210%40mockaa"),
        "{location}"
    );
    let mut browser = OperatorBrowser::open(&app, "/ui/scenarios/approve").await;
    browser
        .submit("/ui/scenarios/approve/pin", &[("customer", "9876543210")])
        .await;
    assert!(
        browser.text.contains("<li>9876543210@mockaa</li>"),
        "{}",
        browser.text
    );
    let page = browser
        .submit("/ui/scenarios/approve/pin", &[("customer", "12")])
        .await;
    assert!(
        page.contains("value=\"12\"") && page.contains("role=\"alert\""),
        "{page}"
    );
    assert_eq!(browser.status, 400);
}

#[tokio::test]
async fn the_journal_is_searched_for_urls_and_faults_and_a_bad_filter_is_shown_again() {
    let app = TestApp::start().await;
    reject_consent(&app, BADLY_SIGNED).await;
    app.advance_clock("0s").await;
    let url = app.fiu.url.trim_start_matches("http://");
    let mut browser = OperatorBrowser::open(&app, "/ui/journal").await;
    for text in [url, "%2FConsent%2FNotification", "corrupt_signature"] {
        let page = browser
            .show(&format!("/ui/journal?q={text}&kind=webhook"))
            .await;
        assert_eq!(page.matches("<tr data-key=").count(), 1, "{text}: {page}");
    }
    let page = browser.show("/ui/journal?q=absent-text").await;
    assert!(page.contains("No entry matches text absent-text"), "{page}");
    let page = browser
        .show("/ui/journal?customer=9876543210&from=2020-07-04&to=2020-07-05")
        .await;
    assert!(!page.contains("role=\"alert\""), "{page}");
    let page = browser
        .show("/ui/journal?from=yesterday&q=kept")
        .await
        .to_owned();
    assert_eq!(browser.status, 400);
    for text in ["role=\"alert\"", "value=\"yesterday\"", "value=\"kept\""] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let page = browser.show("/ui/journal?nosuch=1").await;
    assert!(
        page.contains("<h1>Bad Request</h1>"),
        "a browser gets a page: {page}"
    );
}

/// An FIU that accepts a message that it must reject is no success, on any page.
#[tokio::test]
async fn an_accepted_forgery_is_told_everywhere() {
    let app = TestApp::start().await;
    let handle = reject_consent(&app, BADLY_SIGNED).await;
    app.advance_clock("0s").await;
    for path in [
        "/ui/webhooks".to_owned(),
        "/ui/webhooks/1".to_owned(),
        "/ui/journal".to_owned(),
        format!("/ui/consents/{handle}"),
    ] {
        let page = app.get(&path).await.text;
        assert!(page.contains("200, must reject"), "{path}: {page}");
    }
    let page = app.get("/ui/webhooks/1").await.text;
    assert!(page.contains("but must reject such a message"), "{page}");
}

#[tokio::test]
async fn a_second_fault_set_has_a_name_of_its_own() {
    let app = TestApp::start().await;
    let mut browser = OperatorBrowser::open(&app, "/ui/faults").await;
    for expected in ["mine", "mine-2", "mine-3"] {
        let page = browser.show("/ui/faults").await.to_owned();
        assert!(
            page.contains(&format!("name=\"name\" value=\"{expected}\"")),
            "{page}"
        );
        let text = "webhooks: [{ fault: { drop: {} } }]";
        browser
            .submit("/ui/faults", &[("name", expected), ("text", text)])
            .await;
    }
}

#[tokio::test]
async fn such_a_consent_is_raised_again_with_its_terms() {
    let app = TestApp::start().await;
    let handle = app.raise_with_scenario("approve").await;
    let consent = app.get(&format!("/_mockaa/v1/consents/{handle}")).await;
    let customer = consent.expect_ok()["customer"].to_string();
    let page = app.get(&format!("/ui/consents/{handle}")).await.text;
    let link = page
        .split("href=\"")
        .find(|part| part.contains("Raise such a consent again"))
        .and_then(|part| part.split('"').next())
        .expect("a link")
        .replace("&#38;", "&");
    let form = app.get(&link).await.text;
    let customer = format!("name=\"customer\" value={customer}");
    for text in [
        &*customer,
        "value=\"approve\" selected",
        "value=\"DEPOSIT\" checked",
    ] {
        assert!(form.contains(text), "{text}: {form}");
    }
}

/// A form with a file, as a browser sends it.
fn form_with_file(fields: &[(&str, &str)], file: &str) -> String {
    let mut form = String::new();
    for (name, value) in fields {
        form += &format!(
            "--LINE\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        );
    }
    form += "--LINE\r\nContent-Disposition: form-data; name=\"file\"; filename=\"mine.csv\"\r\nContent-Type: text/csv\r\n\r\n";
    form + file + "\r\n--LINE--\r\n"
}

#[tokio::test]
async fn a_statement_is_supplied_as_a_file() {
    let app = TestApp::start().await;
    let mut browser = OperatorBrowser::open(&app, "/ui/customers/9876500079%40mockaa").await;
    assert!(
        browser.text.contains("A statement of your own"),
        "{}",
        browser.text
    );
    let token = browser.form_token();
    let cookie = browser.cookie().to_owned();
    let send = |fields: Vec<(&'static str, String)>, file: &'static str| {
        let fields: Vec<(&str, &str)> = fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let request = app
            .request(Method::POST, "/ui/customers/9876500079%40mockaa/statement")
            .header("content-type", "multipart/form-data; boundary=LINE")
            .header("cookie", &cookie)
            .body(form_with_file(&fields, file));
        app.send(request)
    };
    let rows = "transactionTimestamp,type,amount,currentBalance,narration\n2024-01-05,CREDIT,10.00,20.00,PAY\n";
    let fields = |check: &str| {
        vec![
            ("csrf", token.clone()),
            ("account", String::new()),
            ("like", String::new()),
            ("check", check.to_owned()),
        ]
    };
    let reply = send(fields("strict"), rows).await;
    assert_eq!(reply.status, 303, "{}", reply.text);
    let page = browser.show("/ui/customers/9876500079%40mockaa").await;
    assert!(
        page.contains("persona statement-of-9876500079@mockaa"),
        "{page}"
    );
    let gap = "transactionTimestamp,type,amount,currentBalance,narration\n2024-01-05,CREDIT,10.00,20.00,PAY\n2024-01-06,CREDIT,10.00,90.00,PAY\n";
    let reply = send(fields("warn"), gap).await;
    assert!(
        reply.status == 200 && reply.text.contains("currentBalance is 90.00, but 20.00"),
        "{}",
        reply.text
    );
    let reply = send(fields("strict"), "nothing\n").await;
    assert_eq!(reply.status, 400);
    assert!(
        reply.text.contains("the header lacks type"),
        "{}",
        reply.text
    );
    let reply = send(fields("strict"), "").await;
    assert!(reply.text.contains("choose a file"), "{}", reply.text);
    let reply = send(vec![("csrf", "wrong".to_owned())], rows).await;
    assert_eq!(reply.status, 403, "{}", reply.text);
}
