//! With a frozen clock, the same seed and the same commands produce the same bytes.

use reqwest::Method;
use serde_json::Value;

use crate::helpers::{TestApp, rebit_request, seed_request};
use crate::inbox::Message;

/// Returns everything that a run answers and sends.
async fn record_run(seed: u64) -> Vec<String> {
    record_run_with_workers(seed, None).await
}

/// Returns the same output, from a sandbox with this number of HTTP workers.
async fn record_run_with_workers(seed: u64, workers: Option<usize>) -> Vec<String> {
    let mut app = TestApp::start_with(|builder| match workers {
        Some(count) => builder.seed(seed).workers(count),
        None => builder.seed(seed),
    })
    .await;
    let faults = "webhooks:\n  - { where: { nth: 1 }, fault: { near_duplicate: {} } }\n  - { where: { nth: 2 }, fault: { wrong_key: \
                  {} } }\napi_faults: [{ where: { probability: 0.3, op: consent.fetch }, fault: { wrong_txnid: {} } }]\n";
    app.send(
        app.request(Method::PUT, "/_mockaa/v1/faults/some")
            .body(faults),
    )
    .await
    .expect_ok();
    let mut output = Vec::new();
    output.push(app.post("/consent", &seed_request()).await.text);
    let reply = app.post("/Consent", &rebit_request()).await;
    output.push(reply.text);
    output.extend(reply.signature);
    for customer in ["9999999001@a", "9999999004@b"] {
        app.raise_consent_for(customer).await;
    }
    let handle = app.raise_with_scenario("approve-deposit").await;
    app.advance_clock("P1D").await;
    for _ in 0..10 {
        let answer = app
            .request(Method::GET, &format!("/consent/{handle}"))
            .send()
            .await
            .expect("an answer");
        output.push(answer.text().await.expect("text"));
    }
    let strip_volatile = |mut entry: Value| {
        entry["pageUrl"] = Value::Null;
        // `seq` also counts the HTTP traffic, whose order is not deterministic.
        entry["seq"] = Value::Null;
        entry.to_string()
    };
    let consents = app.get("/_mockaa/v1/consents").await.expect_ok();
    output.extend(
        consents["items"]
            .as_array()
            .expect("a list")
            .iter()
            .cloned()
            .map(strip_volatile),
    );
    output.extend(
        app.read_journal_events()
            .await
            .into_iter()
            .map(strip_volatile),
    );
    // Queues of different consents are independent: their order relative to each other is not
    // guaranteed.
    let mut messages = app.fiu.drain_messages();
    let key = |message: &Message| {
        (
            message.header("webhook-id").to_owned(),
            message.body.clone(),
        )
    };
    messages.sort_by_key(key);
    for message in messages {
        output.push(message.header("x-jws-signature").to_owned());
        output.push(String::from_utf8(message.body).expect("UTF-8"));
    }
    output
}

#[tokio::test]
async fn the_same_seed_gives_the_same_bytes() {
    assert_eq!(record_run(7).await, record_run(7).await);
    assert_eq!(
        record_run_with_workers(7, Some(1)).await,
        record_run_with_workers(7, Some(8)).await,
        "with one and with eight workers"
    );
}

#[tokio::test]
async fn another_seed_gives_other_ids_and_data() {
    assert_ne!(record_run(7).await, record_run(8).await);
}

#[tokio::test]
async fn one_consent_more_does_not_change_the_ids_and_data_of_another() {
    let alone = TestApp::start().await;
    let mut both = TestApp::start().await;
    both.raise_consent_for("9999999001@before").await;
    for _ in 0..3 {
        both.fiu.next_message().await;
    }
    let mut alone = alone;
    let first = alone.raise_consent_for("9999999001@mockaa").await;
    let second = both.raise_consent_for("9999999001@mockaa").await;
    assert_eq!(first, second);
    for _ in 0..3 {
        assert_eq!(
            alone.fiu.next_message().await.body,
            both.fiu.next_message().await.body
        );
    }
}
