//! With a frozen clock, the same seed and the same commands produce the same bytes.

use std::process::Command;

use mockaa::internals::crypto::base64::url_decode;
use mockaa::internals::domain::key_exchange::Curve;
use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{TestApp, rebit_request, seed_request};
use crate::inbox::Message;
use crate::lender::{Lender, expect_text};
use crate::participants::{Journey, decrypt_documents, key_pair};

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
        entry["customerUrl"] = Value::Null;
        // `seq` also counts the HTTP traffic, whose order is not deterministic.
        entry["seq"] = Value::Null;
        entry.to_string()
    };
    let consents = app.get("/_mockaa/v1/consents?after=0").await.expect_ok();
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

/// A file of the command line holds what a sandbox with this seed serves.
#[tokio::test]
async fn the_command_line_generates_what_a_sandbox_serves() {
    let mut app = TestApp::start().await;
    let summary = regex::Regex::new("<Summary [^>]*>").expect("a pattern");
    for world in ["default", "ci-7"] {
        app.switch_world(world);
        let journey = Journey::new(&app);
        let customer = "9999999999@mockaa";
        let (_, id) = journey
            .raise_and_approve(|body| {
                body["ConsentDetail"]["Customer"]["id"] = customer.into();
                body["ConsentDetail"]["DataFilter"] = json!([]);
            })
            .await;
        let mut request = journey.build_fi_request(&id).await;
        // Whole days in Indian Standard Time, of which the last is the day of the clock.
        request["FIDataRange"] =
            json!({ "from": "2019-12-31T18:30:00.000Z", "to": "2020-06-30T18:29:59.999Z" });
        let opened = journey
            .fiu
            .post(&app, "/FI/request", &request)
            .await
            .expect_ok();
        let session = opened["sessionId"].as_str().expect("a session");
        let fetched = journey.fetch_data(session).await.expect_ok();
        let documents = decrypt_documents(&key_pair(Curve::Weierstrass), &fetched);
        let mut served: Vec<_> = documents
            .into_iter()
            .map(|(_, document)| document)
            .collect();
        let mut generated: Vec<_> = (1..=served.len())
            .map(|account| {
                let output = Command::new(env!("CARGO_BIN_EXE_mockaa"))
                    .args(["data", "generate", "--seed", "42", "--customer", customer])
                    .args(["--world", world, "--account", &account.to_string()])
                    .args([
                        "--as-of",
                        "2020-07-04",
                        "--from",
                        "2020-01-01",
                        "--to",
                        "2020-06-30",
                    ])
                    .output()
                    .expect("the command runs");
                assert!(output.status.success(), "{output:?}");
                String::from_utf8(output.stdout)
                    .expect("UTF-8")
                    .trim_end()
                    .to_owned()
            })
            .collect();
        // A sandbox gives the balance of its present time.
        for document in served.iter_mut().chain(&mut generated) {
            assert!(summary.is_match(document));
            *document = summary.replace(document, "").into_owned();
        }
        served.sort();
        generated.sort();
        assert_eq!(served, generated, "{world}");
    }
}

/// Two sandboxes listen on different ports, and the second one has consents of other customers.
#[tokio::test]
async fn tokens_links_and_headers_depend_on_no_port_and_no_other_customer() {
    let mut runs = Vec::new();
    for others in [0, 3] {
        let mut app = TestApp::start().await;
        let lender = Lender::log_in_with_webhooks(&app).await;
        for number in 0..others {
            app.raise_consent_for(&format!("other-{number}@mockaa"))
                .await;
        }
        // Each consent has the same transaction, whatever was raised before.
        let created = lender
            .create_consent(&app, |body| {
                body["ConsentsRequest"]["txnid"] = "0b811819-9044-4856-b0ee-888888888888".into();
            })
            .await
            .expect_ok();
        let link = expect_text(&created["redirectUrl"]);
        let (_, code) = link.rsplit_once('/').expect("a path");
        let handle = expect_text(&created["ConsentHandle"]);
        app.apply_verb(&handle, "approve").await.expect_ok();
        let webhook = app.fiu.next_message().await;
        let token = webhook.header("aa_api_key").split('.').nth(1);
        let claims = url_decode(token.expect("three parts")).expect("base64");
        let claims: Value = serde_json::from_slice(&claims).expect("JSON");
        let mut header_count = 0;
        for entry in app.read_full_journal().await {
            let headers = entry["call"]["headers"].as_array().into_iter().flatten();
            let names: Vec<_> = headers.map(|header| header["name"].as_str()).collect();
            assert!(names.is_sorted(), "{names:?}");
            header_count += names.len();
        }
        assert!(header_count > 0, "calls are recorded with their headers");
        runs.push((code.to_owned(), handle, claims["iss"].clone()));
    }
    assert_eq!(runs[0], runs[1]);
}
