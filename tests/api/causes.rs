//! What each entry of the journal names as its cause: a call, a person, a step of a scenario, a timer.

use mockaa::SecurityMode;
use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{FIU_1_KEY, TestApp};

/// Returns the first entry of a kind, and of a consent if one is given.
fn find_entry<'a>(journal: &'a [Value], kind: &str, handle: &str) -> &'a Value {
    let found = journal
        .iter()
        .find(|entry| entry["kind"] == kind && entry["consentHandle"] == handle);
    found.unwrap_or_else(|| panic!("{kind} of {handle} in {journal:#?}"))
}

#[tokio::test]
async fn a_call_its_event_and_its_webhook_have_one_cause() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    app.advance_clock("0s").await;
    let journal = app.read_full_journal().await;
    let raised = &find_entry(&journal, "consent.raised", &handle)["cause"];
    assert_eq!(raised["kind"], "fiu", "{raised}");
    assert_eq!(raised["parent"], Value::Null);
    let call = find_entry(&journal, "call", &handle);
    assert_eq!(&call["cause"], raised);
    assert_eq!(call["call"]["op"], raised["origin"]);
    let activated = &find_entry(&journal, "consent.active", &handle)["cause"];
    assert_eq!(activated["kind"], "operator", "{activated}");
    let origin = activated["origin"].as_str().expect("an origin");
    assert!(
        origin.starts_with("POST ") && origin.contains("/consents/"),
        "{origin}"
    );
    assert_ne!(activated["number"], raised["number"]);
    // Calls that only read take no number.
    let webhook = find_entry(&journal, "webhook", &handle);
    assert!(
        [raised, activated].contains(&&webhook["cause"]),
        "{webhook}"
    );
}

#[tokio::test]
async fn a_step_names_its_place_and_the_call_that_began_the_scenario() {
    let app = TestApp::start().await;
    let handle = app.raise_with_scenario("pause-resume").await;
    app.advance_clock("5m").await;
    let journal = app.read_full_journal().await;
    let raised = &find_entry(&journal, "consent.raised", &handle)["cause"];
    let activated = &find_entry(&journal, "consent.active", &handle)["cause"];
    let paused = &find_entry(&journal, "consent.paused", &handle)["cause"];
    for cause in [activated, paused] {
        assert_eq!(cause["kind"], "scenario", "{cause}");
        assert_eq!(cause["parent"], raised["number"], "{cause}");
        let origin = cause["origin"].as_str().expect("an origin");
        assert!(origin.contains("pause-resume"), "{origin}");
    }
    assert_ne!(activated["number"], paused["number"]);
}

#[tokio::test]
async fn an_expiry_is_caused_by_time() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    app.advance_clock("P3650D").await;
    let journal = app.read_full_journal().await;
    let cause = &find_entry(&journal, "consent.expired", &handle)["cause"];
    assert_eq!(cause["kind"], "timer", "{cause}");
    assert_eq!(cause["origin"], "the consent expires");
}

#[tokio::test]
async fn a_note_and_an_invalid_signature_have_the_cause_of_their_call() {
    let app = TestApp::start_with(|builder| builder.security(SecurityMode::Lenient)).await;
    let request = app
        .request(Method::POST, "/Consent")
        .header("client_api_key", FIU_1_KEY)
        .header("x-jws-signature", "e30..AAAA")
        .json(&crate::helpers::rebit_request());
    app.send(request).await;
    let journal = app.read_full_journal().await;
    let call = journal
        .iter()
        .find(|entry| entry["kind"] == "call")
        .expect("the call");
    let remarks: Vec<&Value> = journal
        .iter()
        .filter(|entry| entry["kind"] == "note" || entry["kind"] == "signature.invalid")
        .collect();
    assert!(!remarks.is_empty(), "{journal:#?}");
    for remark in remarks {
        assert_eq!(remark["cause"], call["cause"], "{remark}");
        assert_eq!(remark["consentHandle"], call["consentHandle"], "{remark}");
    }
}

#[tokio::test]
async fn what_the_operator_changes_is_noted_with_its_cause() {
    let app = TestApp::start().await;
    app.put_faults("webhooks: [{ fault: { drop: {} } }]")
        .await
        .expect_ok();
    app.post("/_mockaa/v1/clock/freeze", &json!({}))
        .await
        .expect_ok();
    let journal = app.read_full_journal().await;
    for word in ["fault set", "the clock"] {
        let note = journal.iter().find(|entry| {
            entry["kind"] == "note"
                && entry["text"]
                    .as_str()
                    .is_some_and(|text| text.contains(word))
        });
        let note = note.unwrap_or_else(|| panic!("a note on {word} in {journal:#?}"));
        assert_eq!(note["cause"]["kind"], "operator", "{note}");
    }
}
