//! The contract report: what an FIU may do, though it looks like an offence, and what stays one.

use mockaa::internals::crypto::key_exchange::KeyPair;
use mockaa::internals::domain::key_exchange::Curve;
use reqwest::Method;
use serde_json::{Value, json};

use crate::contract::{find_outcome, grade_world, list_broken_rules};
use crate::helpers::{TestApp, extract_handle};
use crate::inbox::ReceiverBehavior;
use crate::lender::Lender;
use crate::participants::{Journey, Participant, consent_request, key_material};

/// Returns the rules that the world's report calls broken.
async fn broken_rules(app: &TestApp) -> Vec<String> {
    let report = grade_world(app).await;
    let broken = list_broken_rules(&report);
    broken.iter().map(|(rule, _)| (*rule).to_owned()).collect()
}

pub async fn outcome_of(app: &TestApp, rule: &str) -> String {
    find_outcome(&grade_world(app).await, rule).to_owned()
}

fn number_txnid(message: &mut Value, number: u32) {
    message["txnid"] = format!("0b811819-9044-4856-b0ee-{number:012x}").into();
}

/// Starts a sandbox with these faults.
async fn start_with_faults(yaml: &str) -> TestApp {
    let app = TestApp::start().await;
    app.put_faults(yaml).await.expect_ok();
    app
}

#[tokio::test]
async fn a_request_may_be_repeated_after_a_delayed_answer() {
    for (fault, expected) in [
        ("latency: 10ms", vec![]),
        ("slow_body: { over: 10ms }", vec![]),
        ("reset: {}", vec![]),
        (
            "set_field: { field: extra, value: 1 }",
            vec!["raises-requests-once"],
        ),
    ] {
        let app = start_with_faults(&format!(
            "api_faults: [{{ where: {{ op: consent.create, calls: 1 }}, fault: {{ {fault} }} }}]"
        ))
        .await;
        for number in [1, 2] {
            let mut body = consent_request();
            number_txnid(&mut body, number);
            let fiu = Participant::fiu_1();
            let request = fiu.build_signed_request(&app, "/Consent", &body.to_string());
            // A reset connection gives no answer.
            let _ = request.send().await;
        }
        assert_eq!(broken_rules(&app).await, expected, "{fault}");
    }
}

#[tokio::test]
async fn a_data_request_may_be_repeated_after_a_delayed_answer() {
    for (fault, expected) in [
        ("latency: 10ms", vec![]),
        (
            "set_field: { field: extra, value: 1 }",
            vec!["raises-requests-once", "renews-key-material"],
        ),
    ] {
        let app = start_with_faults(&format!(
            "api_faults: [{{ where: {{ op: fi.request, calls: 1 }}, fault: {{ {fault} }} }}]"
        ))
        .await;
        let journey = Journey::new(&app);
        let (_, id) = journey.raise_and_approve(|_| ()).await;
        for number in [1, 2] {
            let mut request = journey.build_fi_request(&id).await;
            number_txnid(&mut request, number);
            let reply = journey.fiu.post(&app, "/FI/request", &request).await;
            reply.expect_ok();
        }
        assert_eq!(broken_rules(&app).await, expected, "{fault}");
    }
}

#[tokio::test]
async fn a_consent_that_is_raised_again_a_second_later_is_the_same() {
    for (expiry, outcome) in [("09-04T00:00:01", "fail"), ("10-04T00:00:00", "pass")] {
        let app = TestApp::start().await;
        let journey = Journey::new(&app);
        journey.raise_consent(|body| number_txnid(body, 1)).await;
        journey
            .raise_consent(|body| {
                number_txnid(body, 2);
                let field = &mut body["ConsentDetail"]["consentExpiry"];
                let first = field.as_str().expect("an instant").to_owned();
                *field = if outcome == "fail" {
                    first.replace(":00.000Z", ":01.000Z").into()
                } else {
                    format!("2020-{expiry}.000Z").into()
                };
            })
            .await;
        assert_eq!(outcome_of(&app, "raises-requests-once").await, outcome);
    }
}

/// Puts a scenario of this text into the world and selects it for all consents.
async fn put_default_scenario(app: &TestApp, text: &str) {
    let put = app.request(Method::PUT, "/_mockaa/v1/scenarios/test");
    let text = format!("version: 1\nname: test\n{text}");
    app.send(put.body(text)).await.expect_ok();
    let default = app.request(Method::PUT, "/_mockaa/v1/scenarios/default");
    app.send(default.json(&json!({ "name": "test" })))
        .await
        .expect_ok();
}

/// Raises a consent that its scenario approves; returns the handle and the consent id.
async fn raise_approved(journey: &Journey<'_>) -> (String, String) {
    let handle = journey
        .raise_consent(|body| {
            body["ConsentDetail"]["fiTypes"] = json!(["DEPOSIT", "MUTUAL_FUNDS", "EQUITIES"]);
            body["ConsentDetail"]["Customer"]["id"] = "9876500001@mockaa".into();
        })
        .await;
    journey.app.advance_clock("0s").await;
    let status = journey.fetch_handle_status(&handle).await;
    let id = status["ConsentStatus"]["id"].as_str().expect("an id");
    (handle, id.to_owned())
}

#[tokio::test]
async fn data_may_be_requested_again_when_its_session_has_failed() {
    for (action, expected) in [
        ("time_out", vec![]),
        ("deliver", vec!["raises-requests-once"]),
    ] {
        let app = TestApp::start().await;
        let rules = format!("rules: [{{ when: fi.requested, after: 1s, {action}: {{}} }}]");
        put_default_scenario(&app, &format!("consent: immediate\n{rules}\n")).await;
        let journey = Journey::new(&app);
        let (_, id) = raise_approved(&journey).await;
        for number in [1, 2] {
            let mut request = journey.build_fi_request(&id).await;
            number_txnid(&mut request, u32::from(number));
            let key = KeyPair::from_random(Curve::X25519, [number; 32], [number; 32]);
            request["KeyMaterial"] = key_material(&key);
            let opened = journey.fiu.post(&app, "/FI/request", &request).await;
            opened.expect_ok();
            app.advance_clock("2s").await;
        }
        assert_eq!(broken_rules(&app).await, expected, "{action}");
    }
}

#[tokio::test]
async fn parallel_calls_are_no_retries() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    let mut handles = Vec::new();
    for number in [1, 2] {
        let customer = format!("987650000{number}@mockaa");
        let raise = journey.raise_consent(|body| {
            number_txnid(body, number);
            body["ConsentDetail"]["Customer"]["id"] = customer.as_str().into();
        });
        handles.push(raise.await);
    }
    app.put_faults(
        "api_faults: [{ where: { op: consent.status }, fault: { status: 503, retry_after: 2s } }]",
    )
    .await
    .expect_ok();
    let ask = async |handle: &str| {
        let message = journey.build_message("ConsentHandle", handle).await;
        journey
            .fiu
            .post(&app, "/Consent/handle", &message)
            .await
            .status
    };
    for handle in &handles {
        assert_eq!(ask(handle).await, 503);
    }
    assert_eq!(outcome_of(&app, "honours-retry-after").await, "pass");
    assert_eq!(ask(&handles[0]).await, 503);
    assert_eq!(outcome_of(&app, "honours-retry-after").await, "fail");
}

#[tokio::test]
async fn data_may_be_fetched_once_for_each_answer_of_a_fip() {
    let app = TestApp::start().await;
    put_default_scenario(
        &app,
        "steps: [approve: { accounts: all }]\ndata: manual\nwebhooks: [{ where: { event: fi.status }, fault: { duplicate: {} } }]\n",
    )
    .await;
    let journey = Journey::new(&app);
    let (_, id) = raise_approved(&journey).await;
    let session = journey.open_session(&id).await;
    let path = format!("/_mockaa/v1/sessions/{session}");
    let view = app.get(&path).await.expect_ok();
    let accounts = view["accounts"].as_array().expect("a list");
    assert!(accounts.len() > 2, "{view}");
    for account in accounts {
        let account = account["linkRefNumber"].as_str().expect("a number");
        let answer = json!({ "accounts": { account: "READY" } });
        let answered = app.post(&format!("{path}/deliver"), &answer).await;
        answered.expect_ok();
        app.advance_clock("1s").await;
        journey.fetch_data(&session).await.expect_ok();
    }
    assert_eq!(outcome_of(&app, "deduplicates-webhooks").await, "pass");
    journey.fetch_data(&session).await;
    assert_eq!(outcome_of(&app, "deduplicates-webhooks").await, "fail");
}

#[tokio::test]
async fn a_message_that_is_an_hour_old_may_be_rejected() {
    let app =
        start_with_faults("webhooks: [{ where: { status: PAUSED }, fault: { late: { by: 1h } } }]")
            .await;
    let journey = Journey::new(&app);
    let (handle, _) = journey.raise_and_approve(|_| ()).await;
    app.advance_clock("1s").await;
    app.fiu
        .set_behavior(ReceiverBehavior::Respond(401, String::new()));
    app.apply_verb(&handle, "pause").await.expect_ok();
    app.advance_clock("2h").await;
    assert_eq!(broken_rules(&app).await, Vec::<String>::new());
}

#[tokio::test]
async fn the_clock_of_one_fiu_says_nothing_about_that_of_another() {
    let app = TestApp::start().await;
    let raise = async |fiu: Participant, number| {
        let mut body = consent_request();
        number_txnid(&mut body, number);
        body["ConsentDetail"]["Customer"]["id"] = format!("987650000{number}@mockaa").into();
        body["ConsentDetail"]["DataConsumer"]["id"] = fiu.id.into();
        let raised = fiu.post(&app, "/Consent", &body).await.expect_ok();
        let handle = extract_handle(&raised);
        app.apply_verb(&handle, "approve").await.expect_ok();
        app.advance_clock("1s").await;
    };
    raise(Participant::fiu_1(), 1).await;
    app.fiu
        .set_behavior(ReceiverBehavior::Respond(401, String::new()));
    raise(Participant::fiu_2(), 2).await;
    assert_eq!(broken_rules(&app).await, Vec::<String>::new());
    raise(Participant::fiu_1(), 3).await;
    assert_eq!(broken_rules(&app).await, ["acknowledges-webhooks"]);
}

#[tokio::test]
async fn a_status_that_is_known_without_its_webhook_needs_no_poll() {
    let app = start_with_faults(
        "webhooks:\n  - { where: { status: PAUSED }, fault: { drop: {} } }\n  - { where: { status: EXPIRED }, fault: { drop: {} } }\n",
    )
    .await;
    let journey = Journey::new(&app);
    let (handle, _) = journey.raise_and_approve(|_| ()).await;
    app.apply_verb(&handle, "pause").await.expect_ok();
    app.advance_clock("1m").await;
    assert_eq!(outcome_of(&app, "polls-after-missed-webhook").await, "fail");
    app.apply_verb(&handle, "resume").await.expect_ok();
    app.advance_clock("1000d").await;
    assert_eq!(app.consent_state(&handle).await, "EXPIRED");
    assert_eq!(
        outcome_of(&app, "polls-after-missed-webhook").await,
        "not-tested"
    );
}

#[tokio::test]
async fn a_data_request_that_is_refused_reads_no_status() {
    let app =
        start_with_faults("webhooks: [{ where: { status: REVOKED }, fault: { drop: {} } }]").await;
    let journey = Journey::new(&app);
    let (handle, id) = journey.raise_and_approve(|_| ()).await;
    let request = journey.build_fi_request(&id).await;
    app.apply_verb(&handle, "revoke").await.expect_ok();
    app.advance_clock("1s").await;
    let refused = journey.fiu.post(&app, "/FI/request", &request).await;
    assert_eq!(refused.status, 400);
    assert_eq!(outcome_of(&app, "polls-after-missed-webhook").await, "fail");
    journey.fetch_handle_status(&handle).await;
    assert_eq!(outcome_of(&app, "polls-after-missed-webhook").await, "pass");
}

#[tokio::test]
async fn what_the_fiu_has_read_replaces_what_it_was_told() {
    let app = start_with_faults(
        "webhooks:\n  - { where: { status: ACTIVE, nth: 2 }, fault: { drop: {} } }\n  - { where: { status: PAUSED, nth: 2 }, fault: { drop: {} } }\n",
    )
    .await;
    let journey = Journey::new(&app);
    let (handle, id) = journey.raise_and_approve(|_| ()).await;
    let request = journey.build_fi_request(&id).await;
    for verb in ["pause", "resume"] {
        app.apply_verb(&handle, verb).await.expect_ok();
        app.advance_clock("1m").await;
    }
    journey.fetch_handle_status(&handle).await;
    app.apply_verb(&handle, "pause").await.expect_ok();
    app.advance_clock("1s").await;
    let refused = journey.fiu.post(&app, "/FI/request", &request).await;
    assert_eq!(refused.status, 400);
    assert_eq!(outcome_of(&app, "no-requests-while-paused").await, "pass");
}

#[tokio::test]
async fn a_lost_revocation_does_not_excuse_a_request_in_a_pause() {
    let app =
        start_with_faults("webhooks: [{ where: { status: REVOKED }, fault: { drop: {} } }]").await;
    let journey = Journey::new(&app);
    let (handle, id) = journey.raise_and_approve(|_| ()).await;
    let request = journey.build_fi_request(&id).await;
    for verb in ["pause", "revoke"] {
        app.apply_verb(&handle, verb).await.expect_ok();
        app.advance_clock("1s").await;
    }
    let refused = journey.fiu.post(&app, "/FI/request", &request).await;
    assert_eq!(refused.status, 400);
    assert_eq!(outcome_of(&app, "no-requests-while-paused").await, "fail");
}

#[tokio::test]
async fn what_cannot_be_broken_is_not_tested() {
    // The webhook has told the FIU what the defective answer says.
    let app = start_with_faults(
        "api_faults: [{ where: { op: consent.status }, fault: { wrong_txnid: {} } }]",
    )
    .await;
    let journey = Journey::new(&app);
    let (handle, id) = journey.raise_and_approve(|_| ()).await;
    app.advance_clock("1s").await;
    journey.fetch_handle_status(&handle).await;
    journey.open_session(&id).await;
    assert_eq!(
        outcome_of(&app, "rejects-foreign-answers").await,
        "not-tested"
    );
    // Unaport has no call by which an FIU acts on a forged consent webhook.
    let app = start_with_faults(
        "webhooks: [{ where: { event: consent.status }, fault: { wrong_key: {} } }]",
    )
    .await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    lender.raise_with_scenario(&app, "approve", |_| ()).await;
    app.advance_clock("1s").await;
    assert_eq!(
        outcome_of(&app, "ignores-invalid-webhooks").await,
        "not-tested"
    );
}
