//! A receiver of the Unaport FIU API: it raises consents, receives notifications, and fetches data.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};

use actix_web::dev::ServerHandle;
use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpResponse, HttpServer, web};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

/// One thing that the receiver does wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    NeedsTrackingId,
    RefusesRepetitions,
    RefusesFailedSessions,
    NeedsConsentId,
    KnowsOneTabOnly,
    FetchesOnce,
    KeepsExpiredTokens,
    KnowsNoAnalytics,
}

impl Defect {
    pub const ALL: &'static [Self] = &[
        Self::NeedsTrackingId,
        Self::RefusesRepetitions,
        Self::RefusesFailedSessions,
        Self::NeedsConsentId,
        Self::KnowsOneTabOnly,
        Self::FetchesOnce,
        Self::KeepsExpiredTokens,
        Self::KnowsNoAnalytics,
    ];

    pub const fn failing_cases(self) -> &'static [&'static str] {
        match self {
            Self::NeedsTrackingId => &["UNAPORT_2_2", "UNAPORT_2_4"],
            Self::RefusesRepetitions => &["UNAPORT_3_1"],
            Self::RefusesFailedSessions => &["UNAPORT_5_1"],
            Self::NeedsConsentId => &["UNAPORT_5_4"],
            Self::KnowsOneTabOnly => &["UNAPORT_6_1"],
            Self::FetchesOnce => &["UNAPORT_6_2"],
            Self::KeepsExpiredTokens => &["UNAPORT_7_1"],
            Self::KnowsNoAnalytics => &["UNAPORT_8_1"],
        }
    }
}

/// A running receiver.
pub struct UnaportReceiver {
    pub url: String,
    server: ServerHandle,
}

struct Receiver {
    sandbox_url: String,
    defect: Option<Defect>,
    client: Client,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<String>,
    organisation: String,
    raised: usize,
    seen: Vec<String>,
    /// The handles of consents whose data has been read.
    with_data: Vec<String>,
}

impl UnaportReceiver {
    pub fn start(port: u16, defect: Option<Defect>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let receiver = Arc::new(Receiver {
            sandbox_url: format!("http://127.0.0.1:{port}"),
            defect,
            client: Client::new(),
            state: Mutex::default(),
        });
        let server = HttpServer::new(move || {
            App::new()
                .app_data(Data::from(Arc::clone(&receiver)))
                .route("/raise", web::post().to(raise))
                .route("/go-on", web::post().to(go_on))
                .route("/shows", web::post().to(show))
                .default_service(web::post().to(receive))
        })
        .workers(1)
        .disable_signals()
        .listen(listener)
        .expect("the port is free")
        .run();
        let server_handle = server.handle();
        tokio::spawn(server);
        Self {
            url,
            server: server_handle,
        }
    }

    pub async fn stop(self) {
        self.server.stop(false).await;
    }
}

async fn raise(receiver: Data<Receiver>, body: Bytes) -> HttpResponse {
    let input: Value = serde_json::from_slice(&body).expect("JSON");
    let mobile = input["customer"]
        .as_str()
        .and_then(|it| it.split('@').next());
    receiver.raise(mobile.expect("an address")).await;
    HttpResponse::Ok().finish()
}

async fn go_on(receiver: Data<Receiver>, body: Bytes) -> HttpResponse {
    let input: Value = serde_json::from_slice(&body).expect("JSON");
    receiver
        .fetch(input["consentHandle"].as_str().expect("a handle"))
        .await;
    HttpResponse::Ok().finish()
}

async fn show(receiver: Data<Receiver>, body: Bytes) -> HttpResponse {
    let input: Value = serde_json::from_slice(&body).expect("JSON");
    let state = receiver.state.lock().expect("no panic");
    let has_data = state
        .with_data
        .iter()
        .any(|handle| input["consentHandle"] == **handle);
    HttpResponse::Ok().body(if has_data { "data" } else { "waiting" })
}

async fn receive(receiver: Data<Receiver>, body: Bytes) -> HttpResponse {
    let message: Value = serde_json::from_slice(&body).expect("JSON");
    let has = |defect| receiver.defect == Some(defect);
    let id = message["txnid"].as_str().or(message["txnId"].as_str());
    let repeats = {
        let mut state = receiver.state.lock().expect("no panic");
        let content = id.unwrap_or_default().to_owned();
        let repeats = state.seen.contains(&content);
        state.seen.push(content);
        repeats
    };
    let status = &message["FIStatusNotification"]["sessionStatus"];
    let is_analytics = message.get("analyticId").is_some();
    let consent = &message["ConsentStatusNotification"];
    let is_wrong =
        (has(Defect::NeedsTrackingId) && !is_analytics && message.get("trackingId").is_none())
            || (has(Defect::RefusesRepetitions) && repeats)
            || (has(Defect::RefusesFailedSessions) && status == "FAILED")
            || (has(Defect::NeedsConsentId)
                && consent.is_object()
                && !consent["consentId"].is_string())
            || (has(Defect::KnowsNoAnalytics) && is_analytics);
    if is_wrong {
        return HttpResponse::BadRequest().finish();
    }
    HttpResponse::Ok().finish()
}

impl Receiver {
    fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    async fn log_in(&self) {
        let login = json!({ "emailId": "dev@lender.example", "password": "any-password" });
        let url = format!("{}/api/v1/public/user/login", self.sandbox_url);
        let answer = self
            .client
            .post(url)
            .json(&login)
            .send()
            .await
            .expect("an answer");
        let answer: Value = answer.json().await.expect("JSON");
        let token = answer["access_token"].as_str().expect("a token").to_owned();
        self.state.lock().expect("no panic").token = Some(token);
        let (_, organisation) = self
            .call(Method::GET, "/api/v1/FIU/getClientOrganisation", None)
            .await;
        let organisation = organisation["orgId"].as_str().expect("an id").to_owned();
        self.state.lock().expect("no panic").organisation = organisation;
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
        let token = self.state.lock().expect("no panic").token.clone();
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.sandbox_url))
            .bearer_auth(token.expect("a token"));
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        (status, answer.json().await.unwrap_or_default())
    }

    async fn raise(&self, mobile: &str) {
        if self.state.lock().expect("no panic").token.is_none() {
            self.log_in().await;
        }
        let (organisation, tracking_id) = {
            let mut state = self.state.lock().expect("no panic");
            state.raised += 1;
            (state.organisation.clone(), format!("LOAN-{}", state.raised))
        };
        let request = json!({
            "vuaId": "", "mobileNumber": mobile, "createdBy": "dev@lender.example", "trackingId": tracking_id,
            "aaId": "mockaa", "fiuId": "UNACORES-FIU-UAT", "fiuBaseUrl": "https://lender.example",
            "redirectUrl": "https://lender.example/back",
            "productId": self.template(&organisation).await,
        });
        let path = format!("/backend-v2/api/v2/FIU/Consents/product/{organisation}");
        let (status, answer) = self.call(Method::POST, &path, Some(&request)).await;
        assert!(status.is_success(), "{answer}");
    }

    async fn template(&self, organisation: &str) -> Value {
        let template = json!({
            "product_name": "Twelve months of deposits",
            "ConsentDetail": {
                "consentStart": "2026-01-01T00:00:00.000Z", "consentExpiry": "12", "consentMode": "STORE",
                "fetchType": "ONETIME", "consentTypes": ["PROFILE", "SUMMARY", "TRANSACTIONS"], "fiTypes": ["DEPOSIT"],
                "DataConsumer": { "id": "UNACORES-FIU-UAT" }, "Purpose": { "code": "101" },
                "FIDataRange": { "from": "-12", "to": "0" }, "DataLife": { "unit": "YEAR", "value": 1 },
                "Frequency": { "unit": "MONTH", "value": 1 },
            },
        });
        let path = format!("/backend-v2/api/v2/FIU/InsertProduct/{organisation}");
        let (status, answer) = self.call(Method::POST, &path, Some(&template)).await;
        assert!(status.is_success(), "{answer}");
        answer["productId"].clone()
    }

    /// Fetches the data of a consent, once Unaport has it.
    async fn fetch(&self, handle: &str) {
        let path = format!("/backend-v2/api/v2/FIU/FINotification/{handle}");
        let (_, sessions) = self.call(Method::GET, &path, None).await;
        let session = sessions["data"][0]["FIStatusNotification"]["sessionId"].clone();
        let Some(session) = session.as_str() else {
            return;
        };
        let path = format!("/backend-v2/api/v2/FIU/FifetchDataBySessionId/{session}");
        for _ in 0..3 {
            let (status, answer) = self.call(Method::GET, &path, None).await;
            if status == StatusCode::UNAUTHORIZED {
                if self.has(Defect::KeepsExpiredTokens) {
                    return;
                }
                self.log_in().await;
                continue;
            }
            if self.has_rows(&answer) {
                let mut state = self.state.lock().expect("no panic");
                state.with_data.push(handle.to_owned());
                return;
            }
            if self.has(Defect::FetchesOnce) {
                return;
            }
        }
    }

    fn has_rows(&self, answer: &Value) -> bool {
        let text = answer.to_string();
        let is_known = !self.has(Defect::KnowsOneTabOnly) || !text.contains("DEPOSIT_V2");
        is_known && text.contains("transactions")
    }
}
