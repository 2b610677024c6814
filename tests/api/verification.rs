//! Verification of a world after a test: waiting, expectations, the contract report.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::helpers::{Reply, TestApp, rebit_request};
use crate::inbox::ReceiverBehavior;
use crate::participants::Journey;

async fn post_assertions(app: &TestApp, yaml: &str) -> Reply {
    app.send(
        app.request(Method::POST, "/_mockaa/v1/assert")
            .body(yaml.to_owned()),
    )
    .await
}

/// Returns the outcome of each expectation.
async fn assertion_outcomes(app: &TestApp, yaml: &str) -> Vec<String> {
    let verdicts = post_assertions(app, yaml).await.expect_ok();
    verdicts["results"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|verdict| verdict["outcome"].as_str().expect("an outcome").to_owned())
        .collect()
}

/// Returns the result of this rule of the contract report.
async fn find_rule(app: &TestApp, name: &str) -> Value {
    let report = app.get("/_mockaa/v1/report").await.expect_ok();
    let rules = report["rules"].as_array().expect("a list");
    let rule = rules.iter().find(|rule| rule["rule"] == name);
    rule.unwrap_or_else(|| panic!("no rule {name}")).clone()
}

/// Returns the rules of the contract report that were tested, with their outcomes.
async fn report_marks(app: &TestApp) -> Vec<(String, String)> {
    let report = app.get("/_mockaa/v1/report").await.expect_ok();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let marks = report["rules"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|rule| (text(&rule["rule"]), text(&rule["outcome"])));
    marks.filter(|(_, mark)| mark != "not-tested").collect()
}

fn rule_mark(rule: &str, mark: &str) -> (String, String) {
    (rule.to_owned(), mark.to_owned())
}

#[tokio::test]
async fn expectations_are_counted_and_missing_ones_are_reported_with_near_misses() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (handle, id) = journey.raise_and_approve(|_| ()).await;
    journey.open_session(&id).await;
    app.advance_clock("0s").await;
    let satisfied = "expect:\n  - call: { op: fi.request, count: 1, status: 2xx, customer: \"98765*\", fiu: FIU-1 }\n  - event: { name: \
               consent.active, count: 1 }\n  - webhook: { event: consent.status, status: ACTIVE, answered: 200, count: 1 }\n  - \
               state: { is: ACTIVE, count: 1 }\n  - event: { name: fi.prepared, after_event: consent.active }\n";
    assert_eq!(assertion_outcomes(&app, satisfied).await, ["met"; 5]);
    let unmet = "expect:\n  - call: { op: fi.request, count: 2 }\n  - call: { op: fi.request, status: 503 }\n  - never: { event: \
                 consent.active }\n  - never: { op: fi.fetch, after_event: consent.revoked }\n  - state: { is: PAUSED }\n";
    assert_eq!(
        assertion_outcomes(&app, unmet).await,
        ["unmet", "unmet", "unmet", "untested", "unmet"]
    );
    let verdicts = post_assertions(&app, unmet).await.expect_ok();
    assert_eq!(verdicts["passed"], false);
    let difference = verdicts["results"][1]["nearMisses"][0]["difference"]
        .as_str()
        .expect("a difference")
        .to_owned();
    assert_eq!(difference, "answered with 200, not 503");
    assert_eq!(verdicts["results"][0]["count"], 1);
    let other = format!(
        "consent_handle: {}\nexpect: [event: {{ name: consent.active }}]\n",
        "0b811819-9044-4856-b0ee-8c88035f8858"
    );
    assert_eq!(assertion_outcomes(&app, &other).await, ["unmet"]);
    let own_consent =
        format!("consent_handle: {handle}\nexpect: [event: {{ name: consent.active }}]\n");
    assert_eq!(assertion_outcomes(&app, &own_consent).await, ["met"]);
    // A request to a wrong path is the nearest miss of a call that was never made.
    app.request(Method::POST, "/Consents")
        .send()
        .await
        .expect("an answer");
    let verdicts = post_assertions(&app, "expect: [call: { op: consent.revoke }]")
        .await
        .expect_ok();
    assert_eq!(
        verdicts["results"][0]["nearMisses"][0]["difference"],
        "POST /Consents matches no path of this sandbox"
    );
}

#[tokio::test]
async fn wrong_expectations_and_queries_are_rejected_with_places_and_words() {
    let app = TestApp::start().await;
    let rejection = post_assertions(
        &app,
        "expect:\n  - call: { op: fi.reqest }\n  - call: { op: fi.request, cuont: 1 }\n",
    )
    .await;
    assert_eq!(rejection.status, 400);
    let faults = rejection.json()["diagnostics"].clone();
    assert!(
        faults[0]["message"]
            .as_str()
            .is_some_and(|message| message.contains("did you mean fi.request?")),
        "{faults}"
    );
    assert!(
        faults[1]["message"]
            .as_str()
            .is_some_and(|message| message.contains("did you mean count?")),
        "{faults}"
    );
    for query in [
        "kind=calls",
        "op=fi",
        "consentHandle=x",
        "after=-1",
        "limit=many",
    ] {
        assert_eq!(
            app.get(&format!("/_mockaa/v1/journal?{query}"))
                .await
                .status,
            400,
            "{query}"
        );
    }
    let rejection = app.get("/_mockaa/v1/journal?knd=call").await;
    assert_eq!(rejection.status, 400);
    assert!(
        rejection
            .text
            .contains("unknown query parameter 'knd'; did you mean kind?"),
        "{}",
        rejection.text
    );
    let unnamed = app.get("/_mockaa/v1/journal?=call").await;
    assert_eq!(
        (unnamed.status.as_u16(), &unnamed.json()["field"]),
        (400, &json!("query")),
        "{}",
        unnamed.text
    );
    for query in ["within=soon", "within=1h", "count=0", "count=many"] {
        assert_eq!(
            app.get(&format!("/_mockaa/v1/journal/wait?{query}"))
                .await
                .status,
            400,
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_caller_can_wait_for_a_future_event() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| ()).await;
    let path =
        format!("/_mockaa/v1/journal/wait?kind=consent.active&consentHandle={handle}&within=20s");
    let waiting = app.get(&path);
    let asserts = post_assertions(&app, "expect: [state: { is: ACTIVE, within: 20s }]");
    let (wait_reply, asserted, _) = tokio::join!(waiting, asserts, async {
        app.apply_verb(&handle, "approve").await.expect_ok()
    });
    assert_eq!(
        wait_reply.expect_ok()["items"][0]["consentHandle"],
        handle.as_str()
    );
    assert_eq!(asserted.expect_ok()["passed"], true);
    let late = app
        .get("/_mockaa/v1/journal/wait?kind=consent.revoked&within=10ms")
        .await;
    assert_eq!(late.status, 408);
    assert!(
        late.text.contains("0 of 1 entries arrived within 10 ms"),
        "{}",
        late.text
    );
}

#[tokio::test]
async fn expectations_on_evicted_entries_never_pass() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| ()).await;
    app.get("/Heartbeat").await.expect_ok();
    // Request bodies fill the journal: 16 MB of them evict everything else.
    let body = "x".repeat(900_000);
    for _ in 0..300 {
        app.request(Method::POST, "/Consent")
            .body(body.clone())
            .send()
            .await
            .expect("an answer");
    }
    let journal = app.get("/_mockaa/v1/journal?limit=1").await.expect_ok();
    assert!(
        journal["evicted"]
            .as_u64()
            .is_some_and(|evicted| evicted > 0),
        "{journal}"
    );
    let expectations = "expect:\n  - call: { op: heartbeat, count: 1 }\n  - never: { op: heartbeat }\n  - call: { op: heartbeat, count: 3 }\n  \
                - call: { op: consent.create, at_least: 1 }\n";
    assert_eq!(
        assertion_outcomes(&app, expectations).await,
        ["evicted", "evicted", "unmet", "met"]
    );
    let report = app.get("/_mockaa/v1/report").await.expect_ok();
    assert!(
        !report["rules"]
            .as_array()
            .expect("a list")
            .iter()
            .any(|rule| rule["outcome"] == "pass"),
        "{report}"
    );
    assert_eq!(
        app.consent_state(&handle).await,
        "PENDING",
        "the state is never evicted"
    );
}

#[tokio::test]
async fn an_fiu_that_accepts_everything_fails_the_report() {
    let app = TestApp::start().await;
    let faults = "webhooks:\n  - { where: { status: ACTIVE }, fault: { wrong_key: {} } }\n  - { where: { status: PAUSED }, fault: { \
                  stale_timestamp: {} } }\n";
    app.put_faults(faults).await.expect_ok();
    let handle = app.raise_with_scenario("approve").await;
    app.apply_verb(&handle, "pause").await.expect_ok();
    app.advance_clock("0s").await;
    assert_eq!(
        report_marks(&app).await,
        [
            rule_mark("rejects-invalid-signatures", "fail"),
            rule_mark("rejects-stale-messages", "fail"),
            rule_mark("acknowledges-in-time", "pass"),
            rule_mark("calls-known-paths", "pass"),
            rule_mark("raises-requests-once", "pass")
        ],
        "the seed API has no data requests"
    );
    let report = app.get("/_mockaa/v1/report").await.expect_ok();
    let evidence = &report["rules"][0]["evidence"][0];
    assert!(
        evidence["text"]
            .as_str()
            .is_some_and(|text| text.contains("wrong_key was answered with 200")),
        "{evidence}"
    );
    let seq = evidence["seq"].as_u64().expect("a number");
    let entry = app
        .get(&format!("/_mockaa/v1/journal?after={}&limit=1", seq - 1))
        .await
        .expect_ok();
    assert_eq!(
        entry["items"][0]["webhook"]["faults"],
        json!(["wrong_key"]),
        "the evidence is in the journal"
    );
    let text = app
        .request(Method::GET, "/_mockaa/v1/report")
        .header("accept", "text/plain")
        .send()
        .await
        .expect("an answer");
    let text = text.text().await.expect("text");
    assert!(
        text.contains("FAIL        rejects-invalid-signatures") && text.contains("2 rules failed"),
        "{text}"
    );
}

#[tokio::test]
async fn an_fiu_that_rejects_faulty_webhooks_passes_the_report() {
    let app = TestApp::start().await;
    app.put_faults(
        "webhooks: [{ where: { attempts: 1 }, fault: { corrupt_signature: flip_bit } }]",
    )
    .await
    .expect_ok();
    app.fiu
        .set_behavior(ReceiverBehavior::Respond(400, String::new()));
    app.raise_with_scenario("approve").await;
    app.advance_clock("0s").await;
    app.fiu.set_behavior(ReceiverBehavior::Accept);
    app.advance_clock("1s").await;
    let marks = report_marks(&app).await;
    assert!(
        marks.contains(&rule_mark("rejects-invalid-signatures", "pass")),
        "{marks:?}"
    );
    assert!(
        marks.contains(&rule_mark("acknowledges-webhooks", "pass")),
        "{marks:?}"
    );
    // Rejecting a correct message breaks a rule.
    app.fiu
        .set_behavior(ReceiverBehavior::Respond(500, String::new()));
    app.put_faults("webhooks: [{ fault: { extra_fields: {} } }]")
        .await
        .expect_ok();
    app.raise_with_scenario("approve").await;
    app.advance_clock("0s").await;
    assert_eq!(
        find_rule(&app, "accepts-unusual-messages").await["outcome"],
        "fail",
        "an unusual but correct message was rejected"
    );
}

#[tokio::test]
async fn an_fiu_that_acts_twice_keeps_asking_or_does_not_wait_fails_the_report() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    app.put_faults("webhooks: [{ where: { status: ACTIVE, nth: 1 }, fault: { duplicate: {} } }]")
        .await
        .expect_ok();
    let (handle, id) = journey.raise_and_approve(|_| ()).await;
    app.advance_clock("0s").await;
    // One data request for each of the two messages.
    let session = journey.open_session(&id).await;
    journey.open_session(&id).await;
    app.apply_verb(&handle, "pause").await.expect_ok();
    app.advance_clock("0s").await;
    assert_eq!(journey.fetch_data(&session).await.status, 403);
    app.apply_verb(&handle, "revoke").await.expect_ok();
    app.advance_clock("0s").await;
    journey.fetch_data(&session).await;
    // The FIU ignores `Retry-After`, and repeats a request that was rejected with 4xx.
    app.put_faults("api_faults: [{ where: { op: consent.create, calls: 1 }, fault: { status: 503, retry_after: 1h } }]",
    )
    .await.expect_ok();
    let mut other = rebit_request();
    other["ConsentDetail"]["Customer"]["id"] = "nobody".into();
    for body in [rebit_request(), rebit_request(), other.clone(), other] {
        app.request(Method::POST, "/Consent")
            .json(&body)
            .send()
            .await
            .expect("an answer");
    }
    let marks = report_marks(&app).await;
    for rule in [
        "deduplicates-webhooks",
        "no-requests-after-end",
        "no-requests-while-paused",
        "honours-retry-after",
        "no-retry-after-4xx",
    ] {
        assert!(
            marks.contains(&rule_mark(rule, "fail")),
            "{rule}: {marks:?}"
        );
    }
}

#[tokio::test]
async fn an_fiu_that_acts_twice_before_it_answers_fails_the_report() {
    let fiu = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", fiu.local_addr().expect("an address"));
    let app = TestApp::start_with(|builder| builder.fiu_url(url)).await;
    let journey = Journey::new(&app);
    app.put_faults("webhooks: [{ where: { status: ACTIVE, nth: 1 }, fault: { duplicate: {} } }]")
        .await
        .expect_ok();
    let (_, id) = journey.raise_and_approve(|_| ()).await;
    for _ in 0..2 {
        let (mut stream, _) = fiu.accept().await.expect("a webhook arrives");
        assert!(
            stream
                .read(&mut [0; 4096])
                .await
                .expect("the head of a request")
                > 0
        );
        journey.open_session(&id).await;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .await
            .expect("the response is sent");
    }
    drop(fiu);
    app.advance_clock("0s").await;
    assert!(
        report_marks(&app)
            .await
            .contains(&rule_mark("deduplicates-webhooks", "fail"))
    );
}

#[tokio::test]
async fn an_fiu_that_polls_learns_of_a_lost_webhook() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    app.put_faults("webhooks: [{ fault: { drop: {} } }]")
        .await
        .expect_ok();
    let handle = journey.raise_consent(|_| ()).await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    let rule = async || find_rule(&app, "polls-after-missed-webhook").await;
    assert_eq!(rule().await["outcome"], "fail");
    journey.fetch_handle_status(&handle).await;
    assert_eq!(rule().await["outcome"], "pass");
}

#[tokio::test]
async fn a_mutated_query_of_the_journal_is_answered_or_rejected_by_name() {
    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{Config, TestRunner};

    let app = TestApp::start().await;
    let handle = app.raise_with_scenario("approve").await;
    app.advance_clock("0s").await;
    let all = app.read_full_journal().await;
    let names = [
        "kind",
        "op",
        "consentHandle",
        "customer",
        "after",
        "limit",
        "count",
        "within",
        "nobody",
    ];
    let values = [
        "call",
        "webhook",
        "consent.active",
        "consent.create",
        "1999999999@onemoney",
        "0",
        "1",
        "0s",
        "PT0S",
    ];
    let value = prop_oneof![
        3 => prop::sample::select(values.to_vec()).prop_map(str::to_owned),
        1 => Just(handle.clone()),
        1 => "-?[0-9]{1,25}",
        2 => "\\PC{0,12}",
        1 => "(%[0-9a-fA-Fx]{0,2}|&|=|;|\\+){1,6}",
    ];
    let queries = prop::collection::vec((prop::sample::select(names.to_vec()), value), 0..5);
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::default()
    });
    for _ in 0..400 {
        let pairs = queries.new_tree(&mut runner).expect("a query").current();
        let raw: Vec<_> = pairs
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        for path in ["journal", "journal/wait"] {
            // `within=0s`, so that no request waits: an entry that is missing now is reported as
            // late.
            let within = if path == "journal" { "" } else { "within=0s&" };
            let path = format!("/_mockaa/v1/{path}?{within}{}", raw.join("&"));
            let reply = app.get(&path).await;
            match reply.status.as_u16() {
                200 => {
                    let items = reply.json()["items"].as_array().expect("a list").clone();
                    assert!(
                        items
                            .iter()
                            .all(|item| all.contains(item) || item["kind"] == "call"),
                        "{path}"
                    );
                }
                400 => {
                    let field = reply.json()["field"]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned();
                    assert!(!field.is_empty(), "{path}: {}", reply.text);
                }
                408 | 504 => assert!(path.contains("wait"), "{path}"),
                status => panic!("{status} for {path}: {}", reply.text),
            }
        }
    }
}
