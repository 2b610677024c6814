//! Expectations: conditions on bodies and headers, and what an unmet one shows.

use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{Reply, TestApp, rebit_request};
use crate::participants::Journey;

async fn post_assertions(app: &TestApp, yaml: &str) -> Reply {
    app.post_text("/_mockaa/v1/assert", yaml).await
}

/// Returns the results of these expectations.
async fn assertion_results(app: &TestApp, yaml: &str) -> Vec<Value> {
    let verdicts = post_assertions(app, yaml).await.expect_ok();
    verdicts["results"].as_array().expect("a list").clone()
}

fn outcomes(results: &[Value]) -> Vec<&str> {
    results
        .iter()
        .map(|result| result["outcome"].as_str().expect("an outcome"))
        .collect()
}

#[tokio::test]
async fn conditions_on_bodies_and_headers_select_calls_and_webhooks() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (handle, _) = journey.raise_and_approve(|_| ()).await;
    app.advance_clock("0s").await;
    let met = format!(
        r#"
expect:
  - call:
      op: consent.create
      count: 1
      body: {{ /ConsentDetail/DataConsumer/id: FIU-1, /ConsentDetail/fiTypes/0: DEPOSIT, /txnid: {{ matches: "^[0-9a-f-]{{36}}$" }} }}
      header: {{ Content-Type: {{ matches: json }} }}
      answer_body: {{ /ConsentHandle: {handle} }}
  - call: {{ op: consent.create, body: {{ /ConsentDetail/DataLife: {{ equals: {{ unit: MONTH, value: 1 }} }} }} }}
  - call: {{ op: consent.create, body: {{ /nothing: {{ exists: false }} }} }}
  - webhook:
      event: consent.status
      count: 1
      body: {{ /ConsentStatusNotification/consentStatus: ACTIVE, /ConsentStatusNotification/consentHandle: {handle} }}
      header: {{ x-jws-signature: {{ matches: "^[^.]+\\.\\.[^.]+$" }}, webhook-id: {{ exists: true }} }}
  - never: {{ op: consent.create, body: {{ /ConsentDetail/DataConsumer/id: FIU-2 }} }}
"#
    );
    let results = assertion_results(&app, &met).await;
    assert_eq!(outcomes(&results), ["met"; 5], "{results:#?}");
    let unmet = r#"
expect:
  - call: { op: consent.create, body: { /ConsentDetail/DataConsumer/id: FIU-2 }, header: { x-absent: { exists: true } } }
  - webhook: { event: consent.status, body: { /ConsentStatusNotification/consentStatus: { matches: "^PAUSED$" } } }
  - call: { op: consent.create, answer_body: { /ConsentHandle: none } }
"#;
    let results = assertion_results(&app, unmet).await;
    assert_eq!(outcomes(&results), ["unmet"; 3]);
    let difference = |index: usize| results[index]["nearMisses"][0]["difference"].clone();
    assert_eq!(
        difference(0),
        "body /ConsentDetail/DataConsumer/id is 'FIU-1', not 'FIU-2', header x-absent is missing"
    );
    assert_eq!(
        difference(1),
        "body /ConsentStatusNotification/consentStatus is 'ACTIVE', which does not match '^PAUSED$'"
    );
    assert_eq!(
        difference(2),
        format!("answer: body /ConsentHandle is '{handle}', not 'none'")
    );
}

#[tokio::test]
async fn a_faulty_webhook_is_matched_on_the_bytes_that_were_sent() {
    let app = TestApp::start().await;
    app.send(
        app.request(Method::PUT, "/_mockaa/v1/faults/test")
            .body("webhooks: [{ where: { status: ACTIVE }, fault: { unknown_enum: {} } }]"),
    )
    .await
    .expect_ok();
    let handle = app.raise_consent(|_| ()).await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    app.advance_clock("0s").await;
    let results = assertion_results(
        &app,
        "expect:\n  - webhook: { status: ACTIVE, body: { /ConsentStatusNotification/consentStatus: ACTIVE } }\n  - webhook: { \
         status: ACTIVE, body: { /ConsentStatusNotification/consentStatus: { exists: true } } }\n",
    )
    .await;
    assert_eq!(outcomes(&results), ["unmet", "met"], "{results:#?}");
}

#[tokio::test]
async fn conditions_on_the_answer_of_the_fiu_select_webhooks() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| ()).await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    app.advance_clock("0s").await;
    let text = "
expect:
  - webhook: { status: ACTIVE, answered: 2xx, answer_body: { /response: OK, /errorCode: { exists: false } } }
  - webhook: { status: ACTIVE, answer_body: { /errorCode: InvalidRequest } }
";
    let results = assertion_results(&app, text).await;
    assert_eq!(outcomes(&results), ["met", "unmet"], "{results:#?}");
    assert_eq!(
        results[1]["nearMisses"][0]["difference"],
        "answer: body /errorCode is missing"
    );
}

#[tokio::test]
async fn an_unmet_expectation_shows_what_there_was() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (handle, id) = journey.raise_and_approve(|_| ()).await;
    journey.open_session(&id).await;
    app.apply_verb(&handle, "pause").await.expect_ok();
    app.advance_clock("0s").await;
    let results = assertion_results(
        &app,
        "expect:\n  - state: { is: REVOKED }\n  - call: { op: fi.request, count: 2 }\n  - call: { op: fi.fetch }\n  - webhook: { \
         event: consent.status, status: REVOKED }\n  - event: { name: fi.requested, after_event: consent.paused }\n",
    )
    .await;
    assert_eq!(outcomes(&results), ["unmet"; 5]);
    // A state: the consent with all statuses that it has had.
    let states: Vec<_> = results[0]["consents"][0]["history"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|change| change["state"].clone())
        .collect();
    assert_eq!(states, ["PENDING", "READY", "ACTIVE", "PAUSED"]);
    assert_eq!(results[0]["consents"][0]["consentHandle"], handle);
    // A call that was made too rarely: the calls that counted.
    let counted = &results[1]["matches"][0];
    assert_eq!(
        ["method", "path", "op", "answered"].map(|field| counted[field].clone()),
        [
            json!("POST"),
            json!("/FI/request"),
            json!("fi.request"),
            json!(200)
        ]
    );
    assert!(counted["at"].is_string(), "{counted}");
    // A call that was not made: the newest calls of other kinds.
    let other = &results[2]["nearMisses"][0];
    assert_eq!(other["difference"], "is fi.request, not fi.fetch");
    assert_eq!(other["path"], "/FI/request");
    // A webhook: event, status and answer of those that were sent.
    let webhook = &results[3]["nearMisses"];
    let seen: Vec<_> = webhook
        .as_array()
        .expect("a list")
        .iter()
        .map(|miss| ["event", "status", "answered"].map(|field| miss[field].to_string()))
        .collect();
    assert!(
        seen.contains(&[
            r#""consent.status""#.to_owned(),
            r#""PAUSED""#.to_owned(),
            "200".to_owned()
        ]),
        "{seen:?}"
    );
    // An entry before the event of `after_event` does not count, and the verdict says so.
    assert_eq!(
        results[4]["nearMisses"][0]["difference"],
        "came before consent.paused"
    );
    for result in &results {
        let lines = result["explanation"].as_array().expect("a list");
        assert!(lines.len() >= 2, "{result:#}");
    }
}

#[tokio::test]
async fn invalid_conditions_and_empty_lists_are_rejected_with_their_place() {
    let app = TestApp::start().await;
    for (yaml, place, text) in [
        ("expect: []", (1, 9), "expect is an empty list"),
        (
            "expect:\n  - call: { op: fi.request, body: { status: READY } }",
            (2, 37),
            "'status' is not a JSON Pointer: it does not begin with /",
        ),
        (
            "expect:\n  - webhook: { header: { x-a: { matches: \"(\" } } }",
            (2, 42),
            "'(' is not a regular expression: unclosed group",
        ),
        (
            "expect:\n  - webhook: { header: { \"x a\": y } }",
            (2, 26),
            "'x a' is not the name of a header",
        ),
        (
            "expect:\n  - webhook: { body: { /a: { match: x } } }",
            (2, 30),
            "unknown key 'match' in /a; did you mean matches?",
        ),
        (
            "expect:\n  - webhook: { body: {} }",
            (2, 22),
            "body is empty; give at least one entry",
        ),
        (
            "expect:\n  - never: { event: consent.paused, header: { a: b } }",
            (2, 5),
            "an event has no status, body or header",
        ),
        (
            "expect:\n  - webhook: { event: fi.status, status: PAUSED }",
            (2, 5),
            "fi.status webhooks have no status PAUSED",
        ),
    ] {
        let rejection = post_assertions(&app, yaml).await;
        assert_eq!(rejection.status, 400, "{yaml}");
        let diagnostic = rejection.json()["diagnostics"][0].clone();
        assert!(
            diagnostic["message"]
                .as_str()
                .is_some_and(|message| message.contains(text)),
            "{yaml}: {diagnostic}"
        );
        assert_eq!(
            (&diagnostic["line"], &diagnostic["column"]),
            (&json!(place.0), &json!(place.1)),
            "{yaml}: {diagnostic}"
        );
    }
}

#[tokio::test]
async fn the_value_of_a_secret_is_never_printed() {
    let app = TestApp::start().await;
    app.request(Method::POST, "/Consent")
        .header("x-api-key", "hunter2")
        .json(&rebit_request())
        .send()
        .await
        .expect("an answer");
    let verdicts = post_assertions(
        &app,
        "expect: [call: { op: consent.create, header: { x-api-key: swordfish } }]",
    )
    .await;
    assert!(!verdicts.text.contains("hunter2"), "{}", verdicts.text);
    assert!(!verdicts.text.contains("swordfish"), "{}", verdicts.text);
    assert_eq!(
        verdicts.json()["results"][0]["nearMisses"][0]["difference"],
        "header x-api-key is a secret with another value"
    );
}
