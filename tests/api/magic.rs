//! The magic customers on every face: one table, the same stories.

use reqwest::Method;
use serde_json::{Value, json};

use crate::actors::{Actor, Journey, key_material, key_pair};
use crate::helpers::{TestApp, handle_of, rebit_request, seed_request};
use crate::lender::Lender;
use crate::wire::{Arrived, RawFiu};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Face {
    Seed,
    Rebit,
    Unaport,
}

const FACES: [Face; 3] = [Face::Seed, Face::Rebit, Face::Unaport];

struct Visit {
    app: TestApp,
    fiu: RawFiu,
    lender: Lender,
}

impl Visit {
    async fn start() -> Self {
        let fiu = RawFiu::start().await;
        let url = fiu.url.clone();
        let app = TestApp::with(|builder| builder.fiu_url(url)).await;
        let lender = Lender::log_in(&app).await;
        Self { app, fiu, lender }
    }

    /// One attempt to raise a consent for this customer: status, and body.
    async fn raise(&self, face: Face, number: &str) -> (u16, Value) {
        let app = &self.app;
        let request = match face {
            Face::Seed => {
                let mut body = seed_request();
                body["ConsentDetail"]["Customer"]["id"] = format!("{number}@onemoney").into();
                app.request(Method::POST, "/consent").json(&body)
            }
            Face::Rebit => {
                let mut body = rebit_request();
                body["ConsentDetail"]["Customer"]["id"] = format!("{number}@mockaa").into();
                app.request(Method::POST, "/Consent").json(&body)
            }
            Face::Unaport => {
                let mut body = crate::lender::request();
                let customer = body.pointer_mut("/ConsentsRequest/ConsentDetail/Customer/id");
                let customer = customer.expect("the request has a customer");
                *customer = format!("{number}@ink").into();
                let path = format!("{}/FIU/Consents/{}", crate::lender::APP, self.lender.org);
                app.request(Method::POST, &path)
                    .bearer_auth(&self.lender.access)
                    .json(&body)
            }
        };
        let response = request.send().await.expect("an answer");
        (
            response.status().as_u16(),
            response.json().await.expect("JSON"),
        )
    }

    /// Raises it, until it is raised; its handle.
    async fn raised(&mut self, face: Face, number: &str) -> String {
        self.app.post("/_mockaa/v1/reset", &Value::Null).await.ok();
        self.lender = Lender::log_in(&self.app).await;
        self.fiu.so_far();
        let (status, answer) = self.raise(face, number).await;
        assert_eq!(status, 200, "{face:?} {answer}");
        if face == Face::Unaport {
            let consents = self.app.get("/_mockaa/v1/consents").await.ok();
            return consents["items"][0]["consentHandle"]
                .as_str()
                .expect("a handle")
                .to_owned();
        }
        handle_of(&answer)
    }

    /// What has arrived so far: the status of each webhook.
    async fn told(&mut self) -> Vec<String> {
        self.app.advance("0s").await;
        self.fiu.so_far().iter().map(status_of).collect()
    }
}

fn status_of(message: &Arrived) -> String {
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
async fn the_first_seven_go_through_their_states_on_every_face() {
    let mut visit = Visit::start().await;
    let stories = [
        ("9999999001", ["ACTIVE", "ACTIVE", "ACTIVE"]),
        ("9999999002", ["REJECTED", "REJECTED", "REJECTED"]),
        ("9999999003", ["PENDING", "PENDING", "PENDING"]),
        ("9999999004", ["ACTIVE", "REVOKED", "REVOKED"]),
        ("9999999005", ["ACTIVE", "PAUSED", "ACTIVE"]),
        ("9999999006", ["PENDING", "PENDING", "EXPIRED"]),
        ("9999999007", ["ACTIVE", "ACTIVE", "ACTIVE"]),
    ];
    for face in FACES {
        for (number, states) in stories {
            let handle = visit.raised(face, number).await;
            for (state, time) in states.into_iter().zip(["0s", "5s", "5s"]) {
                visit.app.advance(time).await;
                assert_eq!(
                    visit.app.state(&handle).await,
                    state,
                    "{face:?} {number} after {time}"
                );
            }
        }
    }
}

/// The sessions of the last consent, after an FIU has asked where it has to.
async fn session(visit: &Visit, face: Face, handle: &str) -> Value {
    if face == Face::Rebit {
        ask(visit, handle).await;
    }
    visit.app.get("/_mockaa/v1/sessions").await.ok()["items"][0].clone()
}

/// Asks for data under a ReBIT consent; the session's id.
async fn ask(visit: &Visit, handle: &str) -> String {
    let journey = Journey::new(&visit.app);
    let id = visit.app.consent(handle).await["consentId"]
        .as_str()
        .expect("an id")
        .to_owned();
    let mut request = journey.fi_request(&id).await;
    request["KeyMaterial"] = key_material(&key_pair(mockaa::domain::key_exchange::Curve::X25519));
    Actor::fiu_1()
        .post(&visit.app, "/FI/request", &request)
        .await
        .ok()["sessionId"]
        .as_str()
        .expect("an id")
        .to_owned()
}

#[tokio::test]
async fn data_comes_in_part_or_is_denied() {
    let mut visit = Visit::start().await;
    for face in FACES {
        let handle = visit.raised(face, "9999999008").await;
        let session_8 = session(&visit, face, &handle).await;
        let accounts = session_8["accounts"].as_array().expect("a list");
        let statuses: Vec<_> = accounts
            .iter()
            .map(|account| account["FIStatus"].as_str().expect("a word"))
            .collect();
        assert_eq!(
            (statuses, &session_8["sessionStatus"]),
            (vec!["READY", "READY", "TIMEOUT"], &json!("FAILED")),
            "{face:?}"
        );
        let handle = visit.raised(face, "9999999009").await;
        let session_9 = session(&visit, face, &handle).await;
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
    let mut visit = Visit::start().await;
    let handle = visit.raised(Face::Rebit, "9999999010").await;
    let session = ask(&visit, &handle).await;
    let journey = Journey::new(&visit.app);
    for _ in 0..3 {
        assert_eq!(journey.fetch(&session).await.status, 404);
    }
    journey.fetch(&session).await.ok();

    visit.raised(Face::Unaport, "9999999010").await;
    let sessions = visit.app.get("/_mockaa/v1/sessions").await.ok();
    let session = sessions["items"][0]["sessionId"]
        .as_str()
        .expect("an id")
        .to_owned();
    let tabs = async || visit.lender.fetch(&visit.app, &session).await.ok()["tabs"].clone();
    for _ in 0..3 {
        assert_eq!(tabs().await, json!([]));
    }
    assert_ne!(tabs().await, json!([]));

    visit.raised(Face::Seed, "9999999010").await;
    assert_eq!(
        visit.told().await,
        ["ACTIVE", "fi COMPLETED", "data COMPLETED"],
        "a face without polls does not wait for them"
    );
}

#[tokio::test]
async fn webhooks_come_twice_in_another_order_or_never() {
    let mut visit = Visit::start().await;
    visit.raised(Face::Seed, "9999999011").await;
    assert_eq!(
        visit.told().await,
        [
            "ACTIVE",
            "ACTIVE",
            "fi COMPLETED",
            "fi COMPLETED",
            "data COMPLETED",
            "data COMPLETED"
        ]
    );
    visit.raised(Face::Unaport, "9999999011").await;
    assert_eq!(
        visit.told().await,
        [
            "READY",
            "READY",
            "ACTIVE",
            "ACTIVE",
            "fi COMPLETED",
            "fi COMPLETED"
        ]
    );
    visit.raised(Face::Rebit, "9999999011").await;
    assert_eq!(visit.told().await, ["ACTIVE", "ACTIVE"]);

    visit.raised(Face::Seed, "9999999012").await;
    assert_eq!(
        visit.told().await,
        ["fi COMPLETED", "ACTIVE", "data COMPLETED"]
    );
    visit.raised(Face::Unaport, "9999999012").await;
    assert_eq!(visit.told().await, ["READY", "fi COMPLETED", "ACTIVE"]);
    let handle = visit.raised(Face::Rebit, "9999999012").await;
    ask(&visit, &handle).await;
    assert_eq!(
        visit.told().await,
        ["fi COMPLETED", "ACTIVE"],
        "an FIU that polls has asked before it was told"
    );

    for face in FACES {
        let handle = visit.raised(face, "9999999014").await;
        assert!(visit.told().await.is_empty());
        assert_eq!(
            visit.app.state(&handle).await,
            "ACTIVE",
            "only polling finds out"
        );
        visit.raised(face, "9999999015").await;
        let first = visit.told().await.first().cloned();
        visit.app.advance("10m").await;
        let late = visit.fiu.so_far();
        let body: Value = serde_json::from_slice(&late[0].body).expect("JSON");
        assert_eq!(
            body["timestamp"], "2020-07-04T05:54:00.000Z",
            "{face:?}: sent at 06:10, as if at 05:54"
        );
        assert_ne!(first, Some(status_of(&late[0])));
    }
}

#[tokio::test]
async fn the_first_signature_is_bad_and_its_retry_good_on_every_face() {
    let mut visit = Visit::start().await;
    for face in FACES {
        visit
            .fiu
            .will_answer(&["HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n"]);
        visit.raised(face, "9999999013").await;
        let first = visit.fiu.next().await;
        visit.app.advance("1s").await;
        let again = visit.fiu.next().await;
        assert_eq!(
            (&first.body, first.header("webhook-id")),
            (&again.body, again.header("webhook-id")),
            "{face:?}"
        );
        assert_ne!(
            first.header("x-jws-signature"),
            again.header("x-jws-signature")
        );
    }
}

#[tokio::test]
async fn answers_fail_are_slow_and_break_on_every_face() {
    let mut visit = Visit::start().await;
    for face in FACES {
        visit.app.post("/_mockaa/v1/reset", &Value::Null).await.ok();
        visit.lender = Lender::log_in(&visit.app).await;
        let mut statuses = Vec::new();
        for _ in 0..3 {
            statuses.push(visit.raise(face, "9999999016").await.0);
        }
        assert_eq!(statuses, [503, 503, 200], "{face:?}");
    }
    let handle = visit.raised(Face::Rebit, "9999999018").await;
    let session = ask(&visit, &handle).await;
    let journey = Journey::new(&visit.app);
    let message = journey.message("sessionId", &session).await;
    let broken = visit
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
    journey.fetch(&session).await.ok();
    // The story of slow answers is told by the journal: waiting for it would be a test of patience.
    let told = visit.app.get("/_mockaa/v1/magic").await.ok();
    assert_eq!(told["items"].as_array().map(Vec::len), Some(20));
}

#[tokio::test]
async fn contents_are_of_a_later_version() {
    let mut visit = Visit::start().await;
    for face in [Face::Seed, Face::Unaport] {
        visit.raised(face, "9999999020").await;
        visit.app.advance("0s").await;
        let arrived = visit.fiu.so_far();
        let bodies: Vec<Value> = arrived
            .iter()
            .map(|message| serde_json::from_slice(&message.body).expect("JSON"))
            .collect();
        assert!(
            bodies.iter().all(|body| body.get("xFutureField").is_some()),
            "{face:?}"
        );
        assert!(
            bodies
                .iter()
                .any(|body| body["FIStatusNotification"]["sessionStatus"] == "SUSPENDED"),
            "{face:?}"
        );
    }
}

#[tokio::test]
async fn a_statement_is_huge() {
    let mut visit = Visit::start().await;
    visit.raised(Face::Unaport, "9999999019").await;
    let sessions = visit.app.get("/_mockaa/v1/sessions").await.ok();
    let session = sessions["items"][0]["sessionId"]
        .as_str()
        .expect("an id")
        .to_owned();
    let path = format!(
        "{}/FIU/FifetchDataBySessionId/{session}",
        crate::lender::APP
    );
    let answer = visit
        .app
        .request(Method::GET, &path)
        .bearer_auth(&visit.lender.access)
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
