//! A message that is sent twice: strict mode refuses the second, the other modes note it.

use mockaa::SecurityMode;
use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{FIU_1_KEY, Reply, TestApp, seed_request};
use crate::lender::{APP_PREFIX, Lender};
use crate::participants::{Journey, Participant, consent_request};

const TXNID: &str = "5b811819-9044-4856-b0ee-8c88035f8858";

async fn start(mode: SecurityMode) -> TestApp {
    TestApp::start_with(|builder| builder.security(mode)).await
}

/// Returns a consent request under [`TXNID`], at the world's time.
async fn message(app: &TestApp) -> Value {
    let mut body = consent_request();
    body["txnid"] = TXNID.into();
    body["timestamp"] = app.get("/_mockaa/v1/clock").await.expect_ok()["now"].clone();
    body["ConsentDetail"]["consentExpiry"] = "2024-12-31T00:00:00.000Z".into();
    body
}

fn assert_refused(reply: &Reply, made: &str) {
    assert_eq!(reply.status, 409, "{}", reply.text);
    let problem = reply.json();
    assert_eq!(problem["errorCode"], "IdempotencyError");
    let text = problem["errorMsg"].as_str().unwrap_or_default();
    assert!(text.contains(TXNID) && text.contains(made), "{text}");
}

/// Returns the texts of the notes about repeated messages.
async fn list_notes(app: &TestApp) -> Vec<String> {
    let entries = app.read_full_journal().await;
    let notes = entries.iter().filter(|entry| entry["kind"] == "note");
    notes
        .filter_map(|note| note["text"].as_str())
        .filter(|text| text.contains("txnid"))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn strict_refuses_a_second_consent_under_one_txnid() {
    let app = start(SecurityMode::Strict).await;
    let fiu = Participant::fiu_1();
    // A refused message does not use up its txnid.
    let mut refused = message(&app).await;
    refused["ConsentDetail"]["Frequency"]["value"] = 0.into();
    assert_eq!(fiu.post(&app, "/Consent", &refused).await.status, 400);
    let body = message(&app).await;
    let made = fiu.post(&app, "/Consent", &body).await.expect_ok();
    let handle = made["ConsentHandle"].as_str().expect("a handle");
    assert_refused(&fiu.post(&app, "/Consent", &body).await, handle);
    // A UUID in upper case is the same UUID.
    let mut shouted = body.clone();
    shouted["txnid"] = TXNID.to_uppercase().into();
    let refused = fiu.post(&app, "/Consent", &shouted).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    assert_eq!(app.count_consents().await, 1);
    // Another FIU chooses its txnids by itself.
    let mut of_other = body.clone();
    of_other["ConsentDetail"]["DataConsumer"]["id"] = "FIU-2".into();
    Participant::fiu_2()
        .post(&app, "/Consent", &of_other)
        .await
        .expect_ok();
    // A world keeps a txnid for 24 hours.
    app.advance_clock("PT23H59M").await;
    let late = message(&app).await;
    assert_refused(&fiu.post(&app, "/Consent", &late).await, handle);
    app.advance_clock("1m").await;
    let next_day = message(&app).await;
    let made = fiu.post(&app, "/Consent", &next_day).await.expect_ok();
    let handle = made["ConsentHandle"].as_str().expect("a handle");
    assert_refused(&fiu.post(&app, "/Consent", &next_day).await, handle);
}

#[tokio::test]
async fn of_two_messages_at_once_strict_accepts_one() {
    let app = start(SecurityMode::Strict).await;
    let body = message(&app).await;
    let fiu = Participant::fiu_1();
    let (first, second) = tokio::join!(
        fiu.post(&app, "/Consent", &body),
        fiu.post(&app, "/Consent", &body)
    );
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
}

#[tokio::test]
async fn strict_refuses_a_second_data_request_and_leaves_the_quota() {
    let app = start(SecurityMode::Strict).await;
    let journey = Journey::new(&app);
    let two_a_day = |body: &mut Value| {
        body["ConsentDetail"]["Frequency"] = json!({ "unit": "DAY", "value": 2 });
        body["txnid"] = TXNID.into();
    };
    let (_, id) = journey.raise_and_approve(two_a_day).await;
    // The txnid of a consent request is not used up for data requests.
    let mut request = journey.build_fi_request(&id).await;
    request["txnid"] = TXNID.into();
    let fiu = Participant::fiu_1();
    let made = fiu.post(&app, "/FI/request", &request).await.expect_ok();
    let session = made["sessionId"].as_str().expect("a session");
    assert_refused(&fiu.post(&app, "/FI/request", &request).await, session);
    journey.open_session(&id).await;
    let exhausted = journey.request_data(&id).await;
    assert!(
        exhausted.text.contains("InvalidConsentUse"),
        "{}",
        exhausted.text
    );
}

#[tokio::test]
async fn strict_refuses_it_on_the_seed_and_unaport_calls_too() {
    let app = start(SecurityMode::Strict).await;
    let mut body = seed_request();
    body["txnid"] = TXNID.into();
    body["ConsentDetail"]["DataConsumer"]["id"] = "FIU-1".into();
    let post = async || {
        let call = app.request(Method::POST, "/consent");
        app.send(call.header("Authorization", FIU_1_KEY).json(&body))
            .await
    };
    post().await.expect_ok();
    assert_refused(&post().await, "consent");
    let lender = Lender::log_in(&app).await;
    let mut body = crate::lender::consent_request();
    body["ConsentsRequest"]["txnid"] = TXNID.into();
    let path = format!("{APP_PREFIX}/FIU/Consents/{}", lender.org_id);
    lender.post(&app, &path, &body).await.expect_ok();
    let refused = lender.post(&app, &path, &body).await;
    // The service answers every conflict with 400.
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert!(refused.text.contains(TXNID), "{}", refused.text);
    assert_eq!(app.count_consents().await, 2);
}

#[tokio::test]
async fn the_other_modes_accept_it_with_a_note() {
    for mode in [SecurityMode::Lenient, SecurityMode::Open] {
        let app = start(mode).await;
        let body = message(&app).await;
        let fiu = Participant::fiu_1();
        fiu.post(&app, "/Consent", &body).await.expect_ok();
        assert_eq!(list_notes(&app).await, [""; 0]);
        for _ in 0..2 {
            fiu.post(&app, "/Consent", &body).await.expect_ok();
        }
        assert_eq!(app.count_consents().await, 3);
        let notes = list_notes(&app).await;
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert!(
            notes[0].starts_with("strict mode would reject: "),
            "{notes:?}"
        );
    }
}
