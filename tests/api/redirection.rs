//! Web redirection: an FIU sends the customer's browser to the AA and gets it back with the
//! outcome.

use mockaa::internals::crypto::redirection::{MessageKey, deobfuscate_id, obfuscate_id};
use reqwest::{Method, StatusCode, Url};

use crate::customer_browser::CustomerBrowser;
use crate::helpers::{Reply, TestApp};
use crate::lender::Lender;
use crate::participants::Journey;

pub const PASSPHRASE: &str = "mockaa-dev-fiu-1-passphrase";
/// 2020-07-04 06:00:00.0, the time of the frozen clock.
pub const NOW: &str = "040720200600000";

/// Builds the query of a redirection.
pub fn redirection_query(id: &str, date: &str, passphrase: &str, handles: &str) -> String {
    encrypt_query(id, date, passphrase, ("9876500001%40mockaa", handles))
}

fn encrypt_query(id: &str, date: &str, passphrase: &str, (user, handles): (&str, &str)) -> String {
    let text = format!(
        "txnid=T1&sessionid=S1&userid={user}&redirect=http%3A%2F%2F127.0.0.1%3A9%2Fback%3Fa%3D1&srcref={handles}"
    );
    let mut url = Url::parse("http://x/").expect("a URL");
    url.query_pairs_mut()
        .append_pair("fi", &obfuscate_id(id, date))
        .append_pair("reqdate", date)
        .append_pair(
            "ecreq",
            &MessageKey::derive(passphrase, date).encrypt(&text),
        );
    url.query().expect("a query").to_owned()
}

/// Returns the outcome that the browser brings back: `errorcode` of `ecres`.
fn parse_outcome(location: &str) -> String {
    parse_outcome_of("9876500001%40mockaa", location)
}

fn parse_outcome_of(user: &str, location: &str) -> String {
    let text = decrypt_outcome(location);
    assert!(
        text.starts_with(&format!("txnid=T1&sessionid=S1&userid={user}&status=")),
        "{text}"
    );
    text.split("errorcode=")
        .nth(1)
        .and_then(|rest| rest.split('&').next())
        .expect("a code")
        .to_owned()
}

/// Returns the plaintext of `ecres` that the browser brings back.
pub fn decrypt_outcome(location: &str) -> String {
    let back = Url::parse(location).expect("an address");
    let value = |name: &str| {
        back.query_pairs()
            .find(|(key, _)| key == name)
            .expect("the parameter is present")
            .1
            .into_owned()
    };
    assert_eq!((back.path(), value("a").as_str()), ("/back", "1"));
    let date = value("resdate");
    assert_eq!(
        deobfuscate_id(&value("fi"), &date).as_deref(),
        Some("mockaa")
    );
    MessageKey::derive(PASSPHRASE, &date)
        .decrypt(&value("ecres"))
        .expect("the text decrypts")
}

async fn post_decision(app: &TestApp, verb: &str, query: &str) -> (StatusCode, Option<String>) {
    let response = app
        .request(Method::POST, &format!("/aa/webview/{verb}?{query}"))
        .send()
        .await
        .expect("a response");
    let location = response
        .headers()
        .get("location")
        .map(|value| value.to_str().expect("text").to_owned());
    (response.status(), location)
}

/// Opens the pages to which an FIU sends a customer; returns the first one, or the refusal.
async fn open_webview(app: &TestApp, query: &str) -> Reply {
    let request = app.request(Method::GET, &format!("/aa/webview?{query}"));
    let response = request.send().await.expect("an answer");
    let location = response.headers().get("location");
    let location = location.map(|it| it.to_str().expect("text").to_owned());
    let base = app.sandbox.base_url();
    if let Some(path) = location.as_deref().and_then(|it| it.strip_prefix(&base)) {
        return CustomerBrowser::open(app, path).await.page;
    }
    Reply {
        status: response.status(),
        signature: None,
        text: response.text().await.expect("text"),
    }
}

#[tokio::test]
async fn a_customer_is_shown_the_consents_and_sent_back() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    for (verb, state, code) in [("approve", "ACTIVE", "0"), ("reject", "REJECTED", "1")] {
        let (first, second) = (
            journey.raise_consent(|_| ()).await,
            journey.raise_consent(|_| ()).await,
        );
        let query = redirection_query("FIU-1", NOW, PASSPHRASE, &format!("{first},{second}"));
        let page = open_webview(&app, &query).await;
        assert_eq!(page.status, 200);
        for handle in [&first, &second] {
            let field = format!("name=\"answer.{handle}\"");
            assert!(page.text.contains(&field), "{}", page.text);
        }
        let (status, location) = post_decision(&app, verb, &query).await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        assert_eq!(parse_outcome(&location.expect("an address")), code);
        assert_eq!(
            (
                app.consent_state(&first).await.as_str(),
                app.consent_state(&second).await.as_str()
            ),
            (state, state)
        );
        let (_, location) = post_decision(&app, verb, &query).await;
        assert_eq!(
            parse_outcome(&location.expect("an address")),
            "2",
            "an answered consent is no longer available"
        );
    }
}

#[tokio::test]
async fn the_customer_is_found_by_every_spelling_of_the_number() {
    let app = TestApp::start().await;
    let handle = Journey::new(&app).raise_consent(|_| ()).await;
    let user = "%2B919876500001%40mockaa";
    let query = encrypt_query("FIU-1", NOW, PASSPHRASE, (user, &handle));
    let (_, location) = post_decision(&app, "approve", &query).await;
    let location = location.expect("an address");
    assert_eq!(parse_outcome_of(user, &location), "0");
    assert_eq!(app.consent_state(&handle).await, "ACTIVE");
}

#[tokio::test]
async fn all_consents_are_answered_or_none_and_the_browser_goes_back_first() {
    let mut app = TestApp::start().await;
    let journey = Journey::new(&app);
    let foreign = journey
        .raise_consent(|body| body["ConsentDetail"]["Customer"]["id"] = "9876543210@mockaa".into())
        .await;
    let query_for = |handles: &str| redirection_query("FIU-1", NOW, PASSPHRASE, handles);
    // A repeated handle counts once; another customer's consent is not available.
    let (_, location) = post_decision(&app, "approve", &query_for(&foreign)).await;
    assert_eq!(
        parse_outcome(&location.expect("an address")),
        "3",
        "the redirected customer is 9876500001"
    );
    assert_eq!(app.consent_state(&foreign).await, "PENDING");
    let own_consent = journey.raise_consent(|_| ()).await;
    let (_, location) = post_decision(
        &app,
        "approve",
        &query_for(&format!("{own_consent},{own_consent}")),
    )
    .await;
    assert_eq!(parse_outcome(&location.expect("an address")), "0");
    app.fiu.next_message().await;

    let journey = Journey::new(&app);
    let (first, second) = (
        journey.raise_consent(|_| ()).await,
        journey
            .raise_consent(|body| body["ConsentDetail"]["fiTypes"] = serde_json::json!(["NPS"]))
            .await,
    );
    let (_, nps) = journey
        .list_accounts("9876500001@mockaa", "FIP-3", "NPS")
        .await
        .remove(0);
    journey
        .apply_customer_verb(
            "9876500001@mockaa",
            "delink",
            &serde_json::json!({ "linkRefNumber": nps }),
        )
        .await
        .expect_ok();
    let (_, location) =
        post_decision(&app, "approve", &query_for(&format!("{first},{second}"))).await;
    assert_eq!(
        parse_outcome(&location.expect("an address")),
        "10",
        "the second consent has no account"
    );
    assert_eq!(
        app.consent_state(&first).await,
        "PENDING",
        "the first is not approved either"
    );
}

#[tokio::test]
async fn another_fius_consent_is_not_available() {
    let app = TestApp::start().await;
    let handle = Journey::new(&app).raise_consent(|_| ()).await;
    let query = redirection_query("FIU-2", NOW, "mockaa-dev-fiu-2-passphrase", &handle);
    let response = app
        .request(Method::GET, &format!("/aa/webview?{query}"))
        .send()
        .await
        .expect("a response");
    assert_eq!(
        response.status(),
        StatusCode::SEE_OTHER,
        "the browser is redirected back at once"
    );
    assert_eq!(app.consent_state(&handle).await, "PENDING");
}

#[tokio::test]
async fn a_redirection_that_is_stale_or_cannot_be_read_is_rejected() {
    let app = TestApp::start().await;
    let handle = Journey::new(&app).raise_consent(|_| ()).await;
    for (query, field) in [
        (
            redirection_query("FIU-1", "040720200556590", PASSPHRASE, &handle),
            "reqdate",
        ),
        (
            redirection_query("FIU-1", "040720200603010", PASSPHRASE, &handle),
            "reqdate",
        ),
        (redirection_query("FIU-1", NOW, "another", &handle), "ecreq"),
        (redirection_query("FIU-9", NOW, PASSPHRASE, &handle), "fi"),
        ("fi=x&reqdate=040720200600000".to_owned(), "ecreq"),
        ("fi=x&reqdate=yesterday&ecreq=x".to_owned(), "reqdate"),
        (String::new(), "fi"),
    ] {
        let reply = open_webview(&app, &query).await;
        assert_eq!(
            (reply.status.as_u16(), reply.json()["field"].as_str()),
            (400, Some(field)),
            "{}",
            reply.text
        );
    }
}

#[tokio::test]
async fn a_redirection_from_the_future_is_not_answered() {
    let app = TestApp::start().await;
    let handle = Journey::new(&app).raise_consent(|_| ()).await;
    let (_, location) = post_decision(
        &app,
        "approve",
        &redirection_query("FIU-1", "040720200604000", PASSPHRASE, &handle),
    )
    .await;
    assert_eq!(parse_outcome(&location.expect("an address")), "6");
    assert_eq!(app.consent_state(&handle).await, "PENDING");
}

#[tokio::test]
async fn a_customer_who_takes_too_long_is_sent_back_without_an_answer() {
    let app = TestApp::start().await;
    let handle = Journey::new(&app).raise_consent(|_| ()).await;
    let query = redirection_query("FIU-1", NOW, PASSPHRASE, &handle);
    app.advance_clock("16m").await;
    let (_, location) = post_decision(&app, "approve", &query).await;
    assert_eq!(parse_outcome(&location.expect("an address")), "6");
    assert_eq!(app.consent_state(&handle).await, "PENDING");
}

#[tokio::test]
async fn who_leaves_without_an_answer_can_come_back() {
    let app = TestApp::start().await;
    let handle = Journey::new(&app).raise_consent(|_| ()).await;
    let query = redirection_query("FIU-1", NOW, PASSPHRASE, &handle);
    let leave = async || {
        let (status, location) = post_decision(&app, "leave", &query).await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        parse_outcome(&location.expect("an address"))
    };
    assert_eq!(leave().await, "20");
    let configure = async |code: u64| {
        let path = "/_mockaa/v1/config/fiu/FIU-1";
        let request = app.request(Method::PUT, path);
        let body = serde_json::json!({ "unansweredErrorcode": code });
        app.send(request.json(&body)).await
    };
    configure(5).await.expect_ok();
    assert_eq!(leave().await, "5");
    for code in [0, 21] {
        let refused = configure(code).await;
        assert_eq!(refused.status, 400, "{code}");
        assert!(
            refused.text.contains("unansweredErrorcode"),
            "{}",
            refused.text
        );
    }
    assert_eq!(app.consent_state(&handle).await, "PENDING");
    assert_eq!(open_webview(&app, &query).await.status, 200);
    let (_, location) = post_decision(&app, "approve", &query).await;
    assert_eq!(parse_outcome(&location.expect("an address")), "0");
    assert_eq!(app.consent_state(&handle).await, "ACTIVE");
}

/// Posts the answers to the consents of a visit and returns the status and what the browser brings
/// back: `errorcode`, and the handles in `srcref`.
async fn post_answers(
    app: &TestApp,
    query: &str,
    answers: &[(&str, &str)],
) -> Result<(String, String), Reply> {
    let pairs: Vec<_> = answers
        .iter()
        .map(|(handle, answer)| format!("{handle}={answer}"))
        .collect();
    let form = pairs.join("&");
    let request = app
        .request(Method::POST, &format!("/aa/webview/answer?{query}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    let response = request.send().await.expect("a response");
    let Some(location) = response.headers().get("location") else {
        return Err(Reply {
            status: response.status(),
            signature: None,
            text: response.text().await.expect("text"),
        });
    };
    let text = decrypt_outcome(location.to_str().expect("text"));
    let value = |name: &str| {
        let form = Url::parse(&format!("form:?{text}")).expect("a form");
        let pair = form.query_pairs().find(|(key, _)| key == name);
        pair.expect("the field is present").1.into_owned()
    };
    Ok((value("errorcode"), value("srcref")))
}

#[tokio::test]
async fn each_consent_of_a_visit_has_its_own_answer() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (first, second) = (
        journey.raise_consent(|_| ()).await,
        journey.raise_consent(|_| ()).await,
    );
    let query = redirection_query("FIU-1", NOW, PASSPHRASE, &format!("{first},{second}"));
    for (answers, field) in [
        (vec![(first.as_str(), "approve")], &second),
        (
            vec![(first.as_str(), "perhaps"), (&second, "reject")],
            &first,
        ),
    ] {
        let refused = post_answers(&app, &query, &answers)
            .await
            .expect_err("an incomplete form");
        assert_eq!(refused.status, 400);
        assert_eq!(refused.json()["field"], **field, "{}", refused.text);
    }
    assert_eq!(app.consent_state(&first).await, "PENDING");
    let answers = [(first.as_str(), "approve"), (second.as_str(), "reject")];
    let outcome = post_answers(&app, &query, &answers).await;
    assert_eq!(
        outcome.expect("a redirect"),
        ("0".to_owned(), first.clone())
    );
    assert_eq!(app.consent_state(&first).await, "ACTIVE");
    assert_eq!(app.consent_state(&second).await, "REJECTED");

    let third = journey.raise_consent(|_| ()).await;
    let query = redirection_query("FIU-1", NOW, PASSPHRASE, &third);
    let outcome = post_answers(&app, &query, &[(&third, "reject")]).await;
    assert_eq!(outcome.expect("a redirect"), ("1".to_owned(), third));
}

#[tokio::test]
async fn a_step_ends_visits_with_its_code() {
    let app = TestApp::start().await;
    let text = "version: 1\nname: lost\nconsent: manual\nsteps:\n  - redirect: { errorcode: 4 }\n  - { after: 1m, redirect: {} }\n";
    let put = app.request(Method::PUT, "/_mockaa/v1/scenarios/lost");
    app.send(put.body(text)).await.expect_ok();
    let journey = Journey::new(&app);
    let pin = serde_json::json!({ "customer": "9876500001@mockaa" });
    app.post("/_mockaa/v1/scenarios/lost/pin", &pin)
        .await
        .expect_ok();
    let handle = journey.raise_consent(|_| ()).await;
    let query = redirection_query("FIU-1", NOW, PASSPHRASE, &handle);
    let request = app.request(Method::GET, &format!("/aa/webview?{query}"));
    let (status, location) = app.send_raw(request).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(parse_outcome(&location.expect("an address")), "4");
    let (_, location) = post_decision(&app, "approve", &query).await;
    assert_eq!(parse_outcome(&location.expect("an address")), "4");
    assert_eq!(app.consent_state(&handle).await, "PENDING");
    app.advance_clock("1m").await;
    assert_eq!(open_webview(&app, &query).await.status, 200);
    let events = app.read_journal_events().await;
    let scripted = events
        .iter()
        .filter(|entry| entry["kind"] == "redirection.scripted");
    assert_eq!(scripted.count(), 2);
}

#[tokio::test]
async fn a_fault_changes_the_code_and_not_the_visit() {
    let app = TestApp::start().await;
    let faults = "api_faults:\n  - where: { op: redirection, customer: \"9876500001@*\" }\n    fault: { redirect: { errorcode: 20 } }\n";
    app.put_faults(faults).await.expect_ok();
    let handle = Journey::new(&app).raise_consent(|_| ()).await;
    let query = redirection_query("FIU-1", NOW, PASSPHRASE, &handle);
    assert_eq!(open_webview(&app, &query).await.status, 200);
    let (_, location) = post_decision(&app, "approve", &query).await;
    assert_eq!(parse_outcome(&location.expect("an address")), "20");
    assert_eq!(app.consent_state(&handle).await, "ACTIVE");
    let elsewhere = "api_faults:\n  - fault: { redirect: { errorcode: 20 } }\n";
    let refused = app.put_faults(elsewhere).await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.text.contains("where: { op: redirection }"),
        "{}",
        refused.text
    );
}

/// A redirect has no body: a fault of its transport ends it at once, and keeps no thread busy.
#[tokio::test]
async fn a_fault_of_the_transport_ends_a_response_without_a_body() {
    let app = TestApp::start().await;
    for fault in [
        "reset",
        "truncated_chunk",
        "malformed_chunk",
        "empty_response",
    ] {
        let faults = format!(
            "api_faults:\n  - where: {{ op: redirection }}\n    fault: {{ {fault}: {{}} }}\n"
        );
        app.put_faults(&faults).await.expect_ok();
        let handle = Journey::new(&app).raise_consent(|_| ()).await;
        let query = redirection_query("FIU-1", NOW, PASSPHRASE, &handle);
        let request = app.request(Method::POST, &format!("/aa/webview/leave?{query}"));
        let answer = async {
            let response = request.send().await?;
            response.bytes().await
        };
        let limit = std::time::Duration::from_secs(10);
        let ended = tokio::time::timeout(limit, answer).await;
        let outcome = ended.unwrap_or_else(|_| panic!("{fault}: the response ends"));
        assert!(outcome.is_err(), "{fault}: {outcome:?}");
    }
}

#[tokio::test]
async fn the_browser_comes_back_from_the_consents_aa() {
    let app = TestApp::start().await;
    let lender = Lender::log_in(&app).await;
    let handle = lender.raise_consent(&app, |_| ()).await;
    let fiu = "UNACORES-FIU-UAT";
    let passphrase = "mockaa-dev-unacores-fiu-uat-passphrase";
    for (user, handles, aa) in [
        ("9876500001%40ink", handle.as_str(), "UNACORES-AA-UAT"),
        ("9876500001%40onemoney", "x", "onemoney-aa"),
        ("9876500001%40elsewhere", "x", "mockaa"),
    ] {
        let query = encrypt_query(fiu, NOW, passphrase, (user, handles));
        let (_, location) = post_decision(&app, "leave", &query).await;
        let back = Url::parse(&location.expect("an address")).expect("a URL");
        let value = |name: &str| {
            let pair = back.query_pairs().find(|(key, _)| key == name);
            pair.expect("a parameter").1.into_owned()
        };
        let sender = deobfuscate_id(&value("fi"), &value("resdate"));
        assert_eq!(sender.as_deref(), Some(aa));
    }
}

#[tokio::test]
async fn a_fault_of_the_return_counts_returns_only() {
    let app = TestApp::start().await;
    let faults = "api_faults:\n  - where: { op: redirection, calls: 1 }\n    fault: { redirect: { errorcode: 7 } }\n";
    let put = app.request(Method::PUT, "/_mockaa/v1/faults/first-return");
    app.send(put.body(faults)).await.expect_ok();
    let handle = Journey::new(&app).raise_consent(|_| ()).await;
    let query = redirection_query("FIU-1", NOW, PASSPHRASE, &handle);
    assert_eq!(open_webview(&app, &query).await.status, 200);
    for code in ["7", "20"] {
        let (_, location) = post_decision(&app, "leave", &query).await;
        assert_eq!(parse_outcome(&location.expect("an address")), code);
    }
}

#[tokio::test]
async fn visits_stand_in_the_journal_and_can_be_expected() {
    let app = TestApp::start().await;
    let handle = Journey::new(&app).raise_consent(|_| ()).await;
    let query = redirection_query("FIU-1", NOW, PASSPHRASE, &handle);
    open_webview(&app, &query).await;
    post_decision(&app, "leave", &query).await;
    let journal = app.read_full_journal().await;
    let visits: Vec<_> = journal
        .iter()
        .filter(|entry| entry["call"]["op"] == "redirection")
        .map(|entry| {
            (
                entry["call"]["status"].as_u64(),
                entry["consentHandle"].as_str(),
            )
        })
        .collect();
    let expected = [(Some(303), Some(&*handle)), (Some(303), Some(&*handle))];
    assert_eq!(visits, expected);
    let expectations = "expect:\n  - call: { op: redirection, count: 2 }\n";
    let request = app.request(Method::POST, "/_mockaa/v1/assert");
    let report = app.send(request.body(expectations)).await.expect_ok();
    assert_eq!(report["passed"], true, "{report}");
    let contract = app.get("/_mockaa/v1/report").await.expect_ok();
    assert!(!contract.to_string().contains("redirection"), "{contract}");
}

#[tokio::test]
async fn a_request_of_the_future_and_an_unreadable_form_are_explained() {
    let app = TestApp::start().await;
    let handle = Journey::new(&app).raise_consent(|_| ()).await;
    let query = redirection_query("FIU-1", "040720990700000", PASSPHRASE, &handle);
    let path = format!("/aa/webview/approve?{query}");
    let refused = app.send(app.request(Method::POST, &path)).await;
    assert_eq!(refused.status, 400);
    let message = "is more than 180 s ahead of the clock, 2020-07-04T06:00:00.000Z";
    assert!(refused.text.contains(message), "{}", refused.text);
    let query = redirection_query("FIU-1", NOW, PASSPHRASE, &handle);
    let path = format!("/aa/webview/answer?{query}");
    let request = app.request(Method::POST, &path).body(vec![0xff_u8]);
    let refused = app.send(request).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["error"], "body is not UTF-8");
}
