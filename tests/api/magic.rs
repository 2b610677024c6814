//! The magic customers on every API: one table, the same behavior.

use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{TestApp, extract_handle, rebit_request, seed_request};
use crate::lender::Lender;
use crate::participants::{Journey, Participant, key_material, key_pair};
use crate::raw_http::{RawFiu, RawRequest};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Api {
    Seed,
    Rebit,
    Unaport,
}

const APIS: [Api; 3] = [Api::Seed, Api::Rebit, Api::Unaport];

struct Harness {
    app: TestApp,
    fiu: RawFiu,
    lender: Lender,
}

impl Harness {
    async fn start() -> Self {
        let fiu = RawFiu::start().await;
        let url = fiu.url.clone();
        let app = TestApp::start_with(|builder| builder.fiu_url(url)).await;
        let lender = Lender::log_in(&app).await;
        Self { app, fiu, lender }
    }

    /// Tries once to raise a consent for this customer; returns status and body.
    async fn try_raise(&self, api: Api, number: &str) -> (u16, Value) {
        let app = &self.app;
        let request = match api {
            Api::Seed => {
                let mut body = seed_request();
                body["ConsentDetail"]["Customer"]["id"] = format!("{number}@onemoney").into();
                app.request(Method::POST, "/consent").json(&body)
            }
            Api::Rebit => {
                let mut body = rebit_request();
                body["ConsentDetail"]["Customer"]["id"] = format!("{number}@mockaa").into();
                app.request(Method::POST, "/Consent").json(&body)
            }
            Api::Unaport => {
                let mut body = crate::lender::consent_request();
                let customer = body.pointer_mut("/ConsentsRequest/ConsentDetail/Customer/id");
                let customer = customer.expect("the request has a customer");
                *customer = format!("{number}@ink").into();
                let path = format!(
                    "{}/FIU/Consents/{}",
                    crate::lender::APP_PREFIX,
                    self.lender.org_id
                );
                app.request(Method::POST, &path)
                    .bearer_auth(&self.lender.access_token)
                    .json(&body)
            }
        };
        let response = request.send().await.expect("an answer");
        (
            response.status().as_u16(),
            response.json().await.expect("JSON"),
        )
    }

    /// Resets the world, raises a consent for this customer and returns its handle.
    async fn reset_and_raise(&mut self, api: Api, number: &str) -> String {
        self.app
            .post("/_mockaa/v1/reset", &Value::Null)
            .await
            .expect_ok();
        self.lender = Lender::log_in(&self.app).await;
        self.fiu.drain_requests();
        let (status, answer) = self.try_raise(api, number).await;
        assert_eq!(status, 200, "{api:?} {answer}");
        if api == Api::Unaport {
            let consents = self.app.get("/_mockaa/v1/consents").await.expect_ok();
            return consents["items"][0]["consentHandle"]
                .as_str()
                .expect("a handle")
                .to_owned();
        }
        extract_handle(&answer)
    }

    /// Takes the webhooks that have arrived and returns their statuses.
    async fn drain_statuses(&mut self) -> Vec<String> {
        self.app.advance_clock("0s").await;
        self.fiu
            .drain_requests()
            .iter()
            .map(webhook_status)
            .collect()
    }
}

fn webhook_status(message: &RawRequest) -> String {
    let body: Value = serde_json::from_slice(&message.body).expect("JSON");
    let consent = body["ConsentStatusNotification"]["consentStatus"].as_str();
    let session = body["FIStatusNotification"]["sessionStatus"].as_str();
    match (consent, session) {
        (Some(status), _) => status.to_owned(),
        (None, Some(status)) if body.get("FIData").is_some() => format!("data {status}"),
        (None, status) => format!("fi {}", status.unwrap_or_default()),
    }
}

#[tokio::test]
async fn the_first_seven_go_through_their_states_on_every_api() {
    let mut harness = Harness::start().await;
    let cases = [
        ("9999999001", ["ACTIVE", "ACTIVE", "ACTIVE"]),
        ("9999999002", ["REJECTED", "REJECTED", "REJECTED"]),
        ("9999999003", ["PENDING", "PENDING", "PENDING"]),
        ("9999999004", ["ACTIVE", "REVOKED", "REVOKED"]),
        ("9999999005", ["ACTIVE", "PAUSED", "ACTIVE"]),
        ("9999999006", ["PENDING", "PENDING", "EXPIRED"]),
        ("9999999007", ["ACTIVE", "ACTIVE", "ACTIVE"]),
    ];
    for api in APIS {
        for (number, states) in cases {
            let handle = harness.reset_and_raise(api, number).await;
            for (state, time) in states.into_iter().zip(["0s", "5s", "5s"]) {
                harness.app.advance_clock(time).await;
                assert_eq!(
                    harness.app.consent_state(&handle).await,
                    state,
                    "{api:?} {number} after {time}"
                );
            }
        }
    }
}

/// The spellings of one mobile number.
const SPELLINGS: [&str; 6] = [
    "9999999002",
    "09999999002",
    "919999999002",
    "+919999999002",
    "00919999999002",
    "+91-99999-99002",
];

#[tokio::test]
async fn every_spelling_of_a_number_is_one_customer() {
    let mut harness = Harness::start().await;
    for (api, handle) in [
        (Api::Seed, "onemoney"),
        (Api::Rebit, "mockaa"),
        (Api::Unaport, "ink"),
    ] {
        for number in SPELLINGS {
            let consent = harness.reset_and_raise(api, number).await;
            harness.app.advance_clock("0s").await;
            let state = harness.app.consent_state(&consent).await;
            assert_eq!(state, "REJECTED", "{api:?} {number}");
            let path = format!("/_mockaa/v1/consents/{consent}");
            let customer = harness.app.get(&path).await.expect_ok()["customer"].clone();
            assert_eq!(customer, format!("9999999002@{handle}"), "{api:?}");
            // The answer has the address as it was sent.
            let (_, answer) = harness.try_raise(api, number).await;
            let sent = format!("{number}@{handle}");
            assert_eq!(answer["Customer"]["id"], sent, "{api:?}");
        }
    }
}

/// Returns the newest session; requests data first on the ReBIT API, where sessions start only on
/// request.
async fn newest_session(harness: &Harness, api: Api, handle: &str) -> Value {
    if api == Api::Rebit {
        request_data(harness, handle).await;
    }
    harness.app.get("/_mockaa/v1/sessions").await.expect_ok()["items"][0].clone()
}

/// Requests data under a ReBIT consent and returns the session id.
async fn request_data(harness: &Harness, handle: &str) -> String {
    let journey = Journey::new(&harness.app);
    let id = harness.app.fetch_consent(handle).await["consentId"]
        .as_str()
        .expect("an id")
        .to_owned();
    let mut request = journey.build_fi_request(&id).await;
    request["KeyMaterial"] = key_material(&key_pair(
        mockaa::internals::domain::key_exchange::Curve::X25519,
    ));
    Participant::fiu_1()
        .post(&harness.app, "/FI/request", &request)
        .await
        .expect_ok()["sessionId"]
        .as_str()
        .expect("an id")
        .to_owned()
}

#[tokio::test]
async fn data_comes_in_part_or_is_denied() {
    let mut harness = Harness::start().await;
    for api in APIS {
        let handle = harness.reset_and_raise(api, "9999999008").await;
        let session_8 = newest_session(&harness, api, &handle).await;
        let accounts = session_8["accounts"].as_array().expect("a list");
        let statuses: Vec<_> = accounts
            .iter()
            .map(|account| account["FIStatus"].as_str().expect("a status"))
            .collect();
        assert_eq!(
            (statuses, &session_8["sessionStatus"]),
            (vec!["READY", "READY", "TIMEOUT"], &json!("FAILED")),
            "{api:?}"
        );
        let handle = harness.reset_and_raise(api, "9999999009").await;
        let session_9 = newest_session(&harness, api, &handle).await;
        assert_eq!(
            (
                &session_9["accounts"][0]["FIStatus"],
                &session_9["sessionStatus"]
            ),
            (&json!("DENIED"), &json!("COMPLETED"))
        );
    }
}

#[tokio::test]
async fn data_is_pending_for_three_polls() {
    let mut harness = Harness::start().await;
    let handle = harness.reset_and_raise(Api::Rebit, "9999999010").await;
    let session = request_data(&harness, &handle).await;
    let journey = Journey::new(&harness.app);
    for _ in 0..3 {
        assert_eq!(journey.fetch_data(&session).await.status, 404);
    }
    journey.fetch_data(&session).await.expect_ok();

    harness.reset_and_raise(Api::Unaport, "9999999010").await;
    let sessions = harness.app.get("/_mockaa/v1/sessions").await.expect_ok();
    let session = sessions["items"][0]["sessionId"]
        .as_str()
        .expect("an id")
        .to_owned();
    let tabs = async || {
        harness
            .lender
            .fetch_data(&harness.app, &session)
            .await
            .expect_ok()["tabs"]
            .clone()
    };
    for _ in 0..3 {
        assert_eq!(tabs().await, json!([]));
    }
    assert_ne!(tabs().await, json!([]));

    harness.reset_and_raise(Api::Seed, "9999999010").await;
    assert_eq!(
        harness.drain_statuses().await,
        ["ACTIVE", "fi COMPLETED", "data COMPLETED"],
        "an API without polling does not wait for it"
    );
}

#[tokio::test]
async fn webhooks_come_twice_in_another_order_or_never() {
    let mut harness = Harness::start().await;
    harness.reset_and_raise(Api::Seed, "9999999011").await;
    assert_eq!(
        harness.drain_statuses().await,
        [
            "ACTIVE",
            "ACTIVE",
            "fi COMPLETED",
            "fi COMPLETED",
            "data COMPLETED",
            "data COMPLETED"
        ]
    );
    harness.reset_and_raise(Api::Unaport, "9999999011").await;
    assert_eq!(
        harness.drain_statuses().await,
        [
            "READY",
            "READY",
            "ACTIVE",
            "ACTIVE",
            "fi COMPLETED",
            "fi COMPLETED"
        ]
    );
    harness.reset_and_raise(Api::Rebit, "9999999011").await;
    assert_eq!(harness.drain_statuses().await, ["ACTIVE", "ACTIVE"]);

    harness.reset_and_raise(Api::Seed, "9999999012").await;
    assert_eq!(
        harness.drain_statuses().await,
        ["fi COMPLETED", "ACTIVE", "data COMPLETED"]
    );
    harness.reset_and_raise(Api::Unaport, "9999999012").await;
    assert_eq!(
        harness.drain_statuses().await,
        ["READY", "fi COMPLETED", "ACTIVE"]
    );
    let handle = harness.reset_and_raise(Api::Rebit, "9999999012").await;
    request_data(&harness, &handle).await;
    assert_eq!(
        harness.drain_statuses().await,
        ["fi COMPLETED", "ACTIVE"],
        "the FIU has polled before its notification"
    );

    for api in APIS {
        let handle = harness.reset_and_raise(api, "9999999014").await;
        assert!(harness.drain_statuses().await.is_empty());
        assert_eq!(
            harness.app.consent_state(&handle).await,
            "ACTIVE",
            "only polling shows the approval"
        );
        harness.reset_and_raise(api, "9999999015").await;
        let first = harness.drain_statuses().await.first().cloned();
        harness.app.advance_clock("10m").await;
        let late_webhooks = harness.fiu.drain_requests();
        let body: Value = serde_json::from_slice(&late_webhooks[0].body).expect("JSON");
        assert_eq!(
            body["timestamp"], "2020-07-04T05:44:00.000Z",
            "{api:?}: sent at 06:10, the time of the event less 16 minutes"
        );
        assert_ne!(first, Some(webhook_status(&late_webhooks[0])));
    }
}

#[tokio::test]
async fn the_first_signature_is_bad_and_its_retry_good_on_every_api() {
    let mut harness = Harness::start().await;
    for api in APIS {
        harness
            .fiu
            .enqueue_answers(&["HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n"]);
        harness.reset_and_raise(api, "9999999013").await;
        let first = harness.fiu.next_request().await;
        harness.app.advance_clock("1s").await;
        let retry = harness.fiu.next_request().await;
        assert_eq!(
            (&first.body, first.header("webhook-id")),
            (&retry.body, retry.header("webhook-id")),
            "{api:?}"
        );
        assert_ne!(
            first.header("x-jws-signature"),
            retry.header("x-jws-signature")
        );
    }
}

#[tokio::test]
async fn answers_fail_or_break_on_every_api() {
    let mut harness = Harness::start().await;
    for api in APIS {
        harness
            .app
            .post("/_mockaa/v1/reset", &Value::Null)
            .await
            .expect_ok();
        harness.lender = Lender::log_in(&harness.app).await;
        let mut statuses = Vec::new();
        for _ in 0..3 {
            statuses.push(harness.try_raise(api, "9999999016").await.0);
        }
        assert_eq!(statuses, [503, 503, 200], "{api:?}");
    }
    let handle = harness.reset_and_raise(Api::Rebit, "9999999018").await;
    let session = request_data(&harness, &handle).await;
    let journey = Journey::new(&harness.app);
    let message = journey.build_message("sessionId", &session).await;
    let broken = harness
        .app
        .request(Method::POST, "/FI/fetch")
        .json(&message)
        .send()
        .await;
    let broken = match broken {
        Ok(response) => response.bytes().await.is_err(),
        Err(_) => true,
    };
    assert!(broken, "the connection is reset during the fetch");
    journey.fetch_data(&session).await.expect_ok();
    // Slow responses are not tested here, because that would take real time.
    let magic_table = harness.app.get("/_mockaa/v1/magic").await.expect_ok();
    assert_eq!(magic_table["items"].as_array().map(Vec::len), Some(20));
}

#[tokio::test]
async fn contents_are_of_a_later_version() {
    let mut harness = Harness::start().await;
    for api in [Api::Seed, Api::Unaport] {
        harness.reset_and_raise(api, "9999999020").await;
        harness.app.advance_clock("0s").await;
        let webhooks = harness.fiu.drain_requests();
        let bodies: Vec<Value> = webhooks
            .iter()
            .map(|message| serde_json::from_slice(&message.body).expect("JSON"))
            .collect();
        assert!(
            bodies.iter().all(|body| body.get("xFutureField").is_some()),
            "{api:?}"
        );
        assert!(
            bodies
                .iter()
                .any(|body| body["FIStatusNotification"]["sessionStatus"] == "SUSPENDED"),
            "{api:?}"
        );
    }
}

#[tokio::test]
async fn a_statement_is_huge() {
    let mut harness = Harness::start().await;
    harness.reset_and_raise(Api::Unaport, "9999999019").await;
    let sessions = harness.app.get("/_mockaa/v1/sessions").await.expect_ok();
    let session = sessions["items"][0]["sessionId"]
        .as_str()
        .expect("an id")
        .to_owned();
    let path = format!(
        "{}/FIU/FifetchDataBySessionId/{session}",
        crate::lender::APP_PREFIX
    );
    let answer = harness
        .app
        .request(Method::GET, &path)
        .bearer_auth(&harness.lender.access_token)
        .send()
        .await
        .expect("an answer");
    let text = answer.text().await.expect("a body");
    assert!(
        text.matches("\"tranTimestamp\"").count() > 20_000,
        "{} bytes",
        text.len()
    );
}
