//! An FIU that follows the specification: a server that verifies webhooks, and a client that takes a
//! consent from the request to the data. A [`Flaw`] makes it break one rule of the contract report.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use mockaa::internals::crypto::base64::url_decode;
use mockaa::internals::crypto::jws::{verify_compact, verify_detached};
use mockaa::internals::crypto::key_exchange::KeyPair;
use mockaa::internals::domain::key_exchange::Curve;
use mockaa::internals::domain::participants::PublicKey;
use mockaa::internals::domain::time::{Millis, Timestamp};
use mockaa::internals::wire::fields::parse_timestamp;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::helpers::{TestApp, extract_handle, seed_request};
use crate::inbox::acknowledge;
use crate::inbox::start_receiver;
use crate::lender::{self, APP_PREFIX, COMMON_PREFIX, FIU_ID};
use crate::participants::{Participant, consent_request, key_material};
use crate::specification;

/// The APIs that the FIU can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FiuApi {
    Seed,
    RebitV1,
    RebitV2,
    Unaport,
}

impl FiuApi {
    pub const ALL: [Self; 4] = [Self::Seed, Self::RebitV1, Self::RebitV2, Self::Unaport];
}

/// One way to break a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    None,
    AcceptsForgedWebhooks,
    AcceptsStaleWebhooks,
    AcceptsWrongApiKeys,
    RequestsOncePerWebhook,
    FetchesOncePerWebhook,
    RefusesUnknownFields,
    FailsOnDataWebhooks,
    AcknowledgesSlowly,
    AcknowledgesBriefly,
    ActsOnRejectedWebhooks,
    ContinuesAfterEnd,
    ContinuesWhilePaused,
    IgnoresRetryAfter,
    RepeatsRejectedCalls,
    NeverPolls,
    CallsUnknownPaths,
    TrustsAnswerSignatures,
    TrustsArtefacts,
    TrustsAnswerDates,
    TrustsAnswerTxnids,
    TrustsAnswerSchemas,
    GivesUpOnBrokenResponses,
    NeverSigns,
    SignsOtherBytes,
    DatesWrongly,
    DatesUnreadably,
    RaisesTwice,
    ReusesTxnid,
    PollsInALoop,
    FetchesInALoop,
    ReusesKeys,
    ExceedsRange,
}

/// A notification that the FIU believes.
#[derive(Clone, Debug)]
struct Notice {
    timestamp: String,
    kind: NoticeKind,
}

#[derive(Clone, Debug)]
enum NoticeKind {
    Consent { id: Option<String>, status: String },
    Data { session: String },
    Other,
}

struct ServerState {
    api: FiuApi,
    flaw: Flaw,
    client: Client,
    /// Address of the sandbox's world.
    base_url: String,
    keys: Mutex<Vec<PublicKey>>,
    notices: Mutex<Vec<Notice>>,
    seen: Mutex<HashSet<String>>,
}

/// A response that has arrived; a broken one has no body.
struct Answer {
    status: u16,
    retry_after: Option<i64>,
    signature: Option<String>,
    body: Option<String>,
}

impl Answer {
    fn json(&self) -> Value {
        self.body
            .as_deref()
            .and_then(|body| serde_json::from_str(body).ok())
            .unwrap_or_default()
    }
}

/// The FIU in one world, with one consent.
pub struct ModelFiu {
    api: FiuApi,
    flaw: Flaw,
    scenario: Option<String>,
    participant: Participant,
    state: Arc<ServerState>,
    server: ServerHandle,
    last_number: u32,
    token: Option<String>,
    org_id: String,
    handle: Option<String>,
    consent_id: Option<String>,
    status: String,
    status_time: String,
    artefact_signature: Option<String>,
    sessions: Vec<String>,
    fetched: HashSet<String>,
    has_given_up: bool,
    /// `true` once the FIU has ignored a `Retry-After`.
    has_erred: bool,
    /// End of the time that the AA has asked the FIU to wait, in world time.
    waits_until: Option<Timestamp>,
    /// Number of the step that is played.
    step: usize,
}

const CLOCK_STEPS: [&str; 12] = [
    "0s", "5s", "5s", "20s", "40s", "1m", "5m", "10m", "1h", "1d", "1d", "30d",
];

impl ModelFiu {
    /// Starts the FIU's server and registers its address in a world of the sandbox.
    pub async fn start(app: &TestApp, world: &str, api: FiuApi, flaw: Flaw) -> Self {
        let client = Client::builder().no_proxy().build().expect("a client");
        let state = Arc::new(ServerState {
            api,
            flaw,
            client,
            base_url: format!("{}/w/{world}", app.sandbox.base_url()),
            keys: Mutex::default(),
            notices: Mutex::default(),
            seen: Mutex::default(),
        });
        let data = Data::from(Arc::clone(&state));
        let (url, handle) = start_receiver(data, receive_webhook);
        let participant = Participant::fiu_1();
        let id = if api == FiuApi::Unaport {
            FIU_ID
        } else {
            participant.id
        };
        let fiu = Self {
            api,
            flaw,
            scenario: None,
            participant,
            state,
            server: handle,
            last_number: 0,
            token: None,
            org_id: String::new(),
            handle: None,
            consent_id: None,
            status: String::new(),
            status_time: String::new(),
            artefact_signature: None,
            sessions: Vec::new(),
            fetched: HashSet::new(),
            has_given_up: false,
            has_erred: false,
            waits_until: None,
            step: 0,
        };
        let path = format!("/_mockaa/v1/config/fiu/{id}");
        fiu.control(Method::PUT, &path, Some(json!({ "baseUrl": url })))
            .await;
        fiu
    }

    /// Selects the scenario of the consent.
    #[must_use]
    pub fn with_scenario(mut self, scenario: &str) -> Self {
        self.scenario = Some(scenario.to_owned());
        self
    }

    /// Plays the whole scenario: advances the clock, and reacts after each step.
    pub async fn play(&mut self) {
        self.react().await;
        for step in CLOCK_STEPS {
            self.advance_clock(step).await;
            self.step += 1;
            self.react().await;
        }
    }

    pub async fn advance_clock(&self, by: &str) {
        self.control(
            Method::POST,
            "/_mockaa/v1/clock/advance",
            Some(json!({ "by": by })),
        )
        .await;
    }

    /// Activates faults in the FIU's world.
    pub async fn put_faults(&self, yaml: &'static str) {
        let request = self
            .request(Method::PUT, "/_mockaa/v1/faults/test")
            .body(yaml);
        let response = request.send().await.expect("the sandbox answers");
        assert!(response.status().is_success(), "{yaml}");
    }

    /// Returns the outcomes of the contract report, by rule.
    pub async fn grade(&self) -> Vec<(String, String, Value)> {
        let report = self.control(Method::GET, "/_mockaa/v1/report", None).await;
        let rules = report["rules"].as_array().expect("a list");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        rules
            .iter()
            .map(|rule| {
                (
                    text(&rule["rule"]),
                    text(&rule["outcome"]),
                    rule["evidence"].clone(),
                )
            })
            .collect()
    }

    pub async fn control(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.expect("the sandbox answers");
        let status = response.status();
        let text = response.text().await.expect("a whole body");
        assert!(status.is_success(), "{path}: {text}");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Handle of the consent.
    pub fn handle(&self) -> &str {
        self.handle.as_deref().expect("the consent is raised")
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.state.base_url);
        self.state.client.request(method, url)
    }

    async fn read_clock(&self) -> String {
        self.control(Method::GET, "/_mockaa/v1/clock", None).await["now"]
            .as_str()
            .expect("an instant")
            .to_owned()
    }

    fn next_number(&mut self) -> u32 {
        self.last_number += 1;
        self.last_number
    }

    fn next_txnid(&mut self) -> String {
        format!("0b811819-9044-4856-b0ee-{:012x}", self.next_number())
    }

    /// Makes the calls that are due.
    pub async fn react(&mut self) {
        let now = parse_timestamp(&self.read_clock().await);
        if self.waits_until > now {
            return;
        }
        let notices = std::mem::take(&mut *self.state.notices.lock().expect("not poisoned"));
        for notice in notices {
            self.process_notice(notice).await;
        }
        if self.flaw == Flaw::CallsUnknownPaths && self.handle.is_none() {
            self.send(self.request(Method::POST, "/Consents").body("{}"))
                .await;
        }
        if self.handle.is_none() {
            self.raise().await;
        }
        if self.handle.is_none() || self.has_ended() {
            if self.flaw == Flaw::ContinuesAfterEnd
                && self.has_ended()
                && let Some(session) = self.sessions.first().cloned()
            {
                self.fetch_data(&session).await;
            }
            return;
        }
        if self.api == FiuApi::Seed {
            if self.status.is_empty() {
                self.poll_seed().await;
            }
            return;
        }
        if self.status.is_empty() || (self.api == FiuApi::Unaport && self.sessions.is_empty()) {
            self.poll().await;
        }
        if self.status == "PAUSED" && self.flaw == Flaw::ContinuesWhilePaused {
            let session = self.sessions[0].clone();
            self.fetch_data(&session).await;
        }
        if self.status != "ACTIVE" {
            return;
        }
        if self.api != FiuApi::Unaport {
            self.obtain_session().await;
        }
        for session in self.sessions.clone() {
            if !self.fetched.contains(&session) {
                self.fetch_data(&session).await;
            }
        }
    }

    fn has_ended(&self) -> bool {
        ["REVOKED", "EXPIRED", "REJECTED", "FAILED"].contains(&self.status.as_str())
    }

    async fn process_notice(&mut self, notice: Notice) {
        match notice.kind {
            NoticeKind::Consent { id, status } => {
                if notice.timestamp < self.status_time {
                    return;
                }
                self.status_time = notice.timestamp;
                self.consent_id = id.or(self.consent_id.take());
                // READY is no ReBIT status; on Unaport the data comes later.
                if status != "READY" {
                    self.status = status;
                }
                if self.status == "ACTIVE" && self.flaw == Flaw::RequestsOncePerWebhook {
                    if self.artefact_signature.is_none() {
                        self.fetch_artefact().await;
                    }
                    self.request_data().await;
                }
            }
            NoticeKind::Data { session } => {
                let is_own = self.api == FiuApi::Unaport && !self.sessions.contains(&session);
                if is_own {
                    self.sessions.push(session.clone());
                }
                if self.flaw == Flaw::FetchesOncePerWebhook && self.sessions.contains(&session) {
                    self.fetch_data(&session).await;
                }
            }
            NoticeKind::Other => {}
        }
    }

    async fn obtain_session(&mut self) {
        if self.has_given_up {
            return;
        }
        if self.artefact_signature.is_none() {
            self.fetch_artefact().await;
        }
        let is_renewal = [Flaw::ReusesKeys, Flaw::TrustsAnswerTxnids].contains(&self.flaw)
            && self.sessions.len() == 1
            && self.step > 6;
        let is_second = self.flaw == Flaw::ReusesTxnid && self.sessions.len() == 1;
        if self.artefact_signature.is_some()
            && (self.sessions.is_empty() || is_renewal || is_second)
        {
            self.request_data().await;
        }
    }

    // ReBIT

    /// Builds a message of the API's version.
    async fn build_message(&mut self, fields: Value) -> Value {
        let timestamp = match self.flaw {
            Flaw::DatesWrongly => "2020-07-03T06:00:00.000Z".to_owned(),
            Flaw::DatesUnreadably => "today".to_owned(),
            _ => self.read_clock().await,
        };
        let ver = if self.api == FiuApi::RebitV1 {
            "1.1.2"
        } else {
            "2.0.0"
        };
        let mut message = json!({ "ver": ver, "timestamp": timestamp, "txnid": self.next_txnid() });
        let head = message.as_object_mut().expect("an object");
        head.extend(fields.as_object().expect("an object").clone());
        message
    }

    /// Posts a signed message; returns the response if the FIU may rely on it.
    async fn post_message(
        &mut self,
        path: &str,
        message: &Value,
        component: &str,
    ) -> Result<Value, Answer> {
        let body = message.to_string();
        let signed = match self.flaw {
            Flaw::SignsOtherBytes => format!("{body} "),
            _ => body.clone(),
        };
        let mut request = self
            .request(Method::POST, path)
            .header(self.participant.header, &self.participant.api_key)
            .header("content-type", "application/json");
        if self.flaw != Flaw::NeverSigns {
            request = request.header("x-jws-signature", self.participant.sign(signed.as_bytes()));
        }
        if let Some(scenario) = &self.scenario {
            request = request.header("x-mockaa-scenario", scenario);
        }
        let build = || {
            request
                .try_clone()
                .expect("a plain body")
                .body(body.clone())
        };
        let mut answer = self.send(build()).await;
        if answer.status == 400 && self.flaw == Flaw::RepeatsRejectedCalls {
            answer = self.send(build()).await;
        }
        if let Some(seconds) = answer.retry_after {
            if self.flaw == Flaw::IgnoresRetryAfter && !self.has_erred {
                self.has_erred = true;
                answer = self.send(build()).await;
            }
            let now = parse_timestamp(&self.read_clock().await).expect("an instant");
            self.waits_until = Some(now.saturating_add(Millis::from_secs(seconds)));
        }
        self.read_answer(answer, message["txnid"].as_str(), component)
            .await
    }

    /// Makes a signed GET of 1.1.x, whose signature covers the path.
    async fn get_signed(&mut self, path: &str, component: &str) -> Result<Value, Answer> {
        let request = self
            .request(Method::GET, path)
            .header(self.participant.header, &self.participant.api_key)
            .header("x-jws-signature", self.participant.sign(path.as_bytes()));
        let answer = self.send(request).await;
        self.read_answer(answer, None, component).await
    }

    async fn send(&self, request: RequestBuilder) -> Answer {
        let Ok(response) = request.send().await else {
            return Answer {
                status: 200,
                retry_after: None,
                signature: None,
                body: None,
            };
        };
        let header = |name: &str| {
            let value = response.headers().get(name)?;
            Some(value.to_str().ok()?.to_owned())
        };
        Answer {
            status: response.status().as_u16(),
            retry_after: header("retry-after").and_then(|seconds| seconds.parse().ok()),
            signature: header("x-jws-signature"),
            body: response.text().await.ok(),
        }
    }

    /// Checks signature, transaction, date and schema of a response.
    async fn read_answer(
        &mut self,
        answer: Answer,
        txnid: Option<&str>,
        component: &str,
    ) -> Result<Value, Answer> {
        let Some(body) = answer.body.as_deref().filter(|_| answer.status == 200) else {
            return Err(answer);
        };
        let value = answer.json();
        let signature = answer.signature.as_deref().unwrap_or_default();
        let is_signed = self.flaw == Flaw::TrustsAnswerSignatures
            || self.state.is_signed(signature, body.as_bytes()).await;
        let is_own = self.flaw == Flaw::TrustsAnswerTxnids
            || txnid.is_none_or(|txnid| value["txnid"] == txnid);
        let now = self.read_clock().await;
        let is_timely = self.flaw == Flaw::TrustsAnswerDates
            || value["timestamp"]
                .as_str()
                .is_none_or(|at| are_near(at, &now));
        let schema = json!({ "$ref": format!("#/components/schemas/{component}") });
        let is_whole = self.flaw == Flaw::TrustsAnswerSchemas
            || specification::own_violations(&schema, &value).is_empty();
        if is_signed && is_own && is_timely && is_whole {
            Ok(value)
        } else {
            Err(answer)
        }
    }

    async fn raise(&mut self) {
        match self.api {
            FiuApi::Seed => return self.raise_seed().await,
            FiuApi::Unaport => return self.raise_unaport().await,
            FiuApi::RebitV1 | FiuApi::RebitV2 => {}
        }
        let mut detail = consent_request()["ConsentDetail"].clone();
        if self.api == FiuApi::RebitV1 {
            let consumer = detail["DataConsumer"].as_object_mut().expect("an object");
            consumer.remove("type");
        }
        let message = self.build_message(json!({ "ConsentDetail": detail })).await;
        let raised = self
            .post_message("/Consent", &message, "ConsentsResponse")
            .await;
        if let Ok(raised) = raised {
            self.handle = Some(extract_handle(&raised));
        }
        if self.flaw == Flaw::RaisesTwice {
            let mut again = message;
            again["txnid"] = self.next_txnid().into();
            let _ = self
                .post_message("/Consent", &again, "ConsentsResponse")
                .await;
        }
    }

    /// Asks for the status of the consent.
    async fn poll(&mut self) {
        if [Flaw::NeverPolls, Flaw::ActsOnRejectedWebhooks].contains(&self.flaw) {
            return;
        }
        if self.api == FiuApi::Unaport {
            return self.poll_unaport().await;
        }
        let handle = self.handle().to_owned();
        let rounds = if self.flaw == Flaw::PollsInALoop {
            300
        } else {
            1
        };
        for _ in 0..rounds {
            let answer = if self.api == FiuApi::RebitV1 {
                let path = format!("/Consent/handle/{handle}");
                self.get_signed(&path, "ConsentHandleResponse").await
            } else {
                let message = self.build_message(json!({ "ConsentHandle": handle })).await;
                self.post_message("/Consent/handle", &message, "ConsentHandleResponse")
                    .await
            };
            let Ok(answer) = answer else { continue };
            let status = &answer["ConsentStatus"];
            match status["status"].as_str() {
                Some("READY" | "APPROVED") => {
                    self.consent_id = status["id"].as_str().map(str::to_owned);
                    "ACTIVE".clone_into(&mut self.status);
                }
                Some("PENDING") | None => {}
                Some(other) => other.clone_into(&mut self.status),
            }
        }
    }

    async fn fetch_artefact(&mut self) {
        let Some(id) = self.consent_id.clone() else {
            return;
        };
        let answer = if self.api == FiuApi::RebitV1 {
            self.get_signed(&format!("/Consent/{id}"), "ConsentArtefact")
                .await
        } else {
            let message = self.build_message(json!({ "consentId": id })).await;
            self.post_message("/Consent/fetch", &message, "ConsentArtefact")
                .await
        };
        let Ok(answer) = answer else { return };
        let artefact = answer["signedConsent"].as_str().unwrap_or_default();
        let is_signed = self.flaw == Flaw::TrustsArtefacts
            || self
                .state
                .keys()
                .await
                .iter()
                .any(|key| verify_compact(artefact, key).is_some());
        match artefact.rsplit_once('.') {
            Some((_, signature)) if is_signed => {
                self.artefact_signature = Some(signature.to_owned());
            }
            _ => {}
        }
    }

    async fn request_data(&mut self) {
        let (Some(id), Some(signature)) = (&self.consent_id, &self.artefact_signature) else {
            return;
        };
        let from = if self.flaw == Flaw::ExceedsRange {
            "2010-01-01T00:00:00.000Z"
        } else {
            "2020-01-01T00:00:00.000Z"
        };
        let mut fields = json!({
            "FIDataRange": { "from": from, "to": "2020-06-30T00:00:00.000Z" },
            "Consent": { "id": id, "digitalSignature": signature },
        });
        let number = match self.flaw {
            Flaw::ReusesKeys => 1,
            _ => self.next_number(),
        };
        let mut seed = [7; 32];
        seed[..4].copy_from_slice(&number.to_be_bytes());
        let pair = KeyPair::from_random(Curve::X25519, seed, seed);
        fields["KeyMaterial"] = key_material(&pair);
        let mut message = self.build_message(fields).await;
        if self.flaw == Flaw::ReusesTxnid {
            message["txnid"] = "0b811819-9044-4856-b0ee-8c88035f8858".into();
            // Another range, so that only the transaction is the same.
            let month = 2 + self.sessions.len();
            message["FIDataRange"]["from"] = format!("2020-{month:02}-01T00:00:00.000Z").into();
            message["FIDataRange"]["to"] = format!("2020-{month:02}-20T00:00:00.000Z").into();
        }
        match self
            .post_message("/FI/request", &message, "FIResponse")
            .await
        {
            Ok(answer) => {
                let session = answer["sessionId"].as_str().expect("a session");
                self.fetched.remove(session);
                self.sessions.push(session.to_owned());
            }
            Err(answer) => self.has_given_up = (400..500).contains(&answer.status),
        }
    }

    async fn fetch_data(&mut self, session: &str) {
        if self.api == FiuApi::Unaport {
            return self.fetch_unaport_data(session).await;
        }
        let rounds = if self.flaw == Flaw::FetchesInALoop {
            20
        } else {
            1
        };
        for _ in 0..rounds {
            let answer = if self.api == FiuApi::RebitV1 {
                self.get_signed(&format!("/FI/fetch/{session}"), "FIFetchResponse")
                    .await
            } else {
                let message = self.build_message(json!({ "sessionId": session })).await;
                self.post_message("/FI/fetch", &message, "FIFetchResponse")
                    .await
            };
            let gives_up = matches!(&answer, Err(broken) if broken.body.is_none())
                && self.flaw == Flaw::GivesUpOnBrokenResponses;
            if answer.is_ok() || gives_up {
                self.fetched.insert(session.to_owned());
            }
        }
    }

    // Seed API

    async fn raise_seed(&mut self) {
        let mut body = seed_request();
        body["txnid"] = self.next_txnid().into();
        let mut request = self.request(Method::POST, "/consent").json(&body);
        if let Some(scenario) = &self.scenario {
            request = request.header("x-mockaa-scenario", scenario);
        }
        let answer = self.send(request).await;
        self.handle = answer.json()["ConsentHandle"].as_str().map(str::to_owned);
    }

    async fn poll_seed(&mut self) {
        let path = format!("/consent/{}", self.handle());
        let answer = self.send(self.request(Method::GET, &path)).await.json();
        if let Some(status) = answer["status"]
            .as_str()
            .filter(|status| *status != "PENDING")
        {
            status.clone_into(&mut self.status);
        }
    }

    // Unaport

    async fn log_in(&mut self) {
        let path = format!("{COMMON_PREFIX}/public/user/login");
        let request = self.request(Method::POST, &path);
        let tokens = self.send(request.json(&lender::credentials())).await.json();
        self.token = tokens["access_token"].as_str().map(str::to_owned);
        let path = format!("{COMMON_PREFIX}/FIU/getClientOrganisation");
        let organisation = self.send_with_token(Method::GET, &path, None).await.json();
        if let Some(org_id) = organisation["orgId"].as_str() {
            org_id.clone_into(&mut self.org_id);
        }
    }

    async fn send_with_token(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let mut request = self
            .request(method, path)
            .bearer_auth(self.token.as_deref().unwrap_or_default());
        if let Some(scenario) = &self.scenario {
            request = request.header("x-mockaa-scenario", scenario);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        self.send(request).await
    }

    /// Makes a call of the application; logs in first where the token has expired.
    async fn call_unaport(&mut self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        if self.token.is_none() || self.org_id.is_empty() {
            self.log_in().await;
        }
        let path = format!("{APP_PREFIX}/FIU/{path}").replace("{org}", &self.org_id);
        let answer = self.send_with_token(method.clone(), &path, body).await;
        if answer.status != 401 {
            return answer;
        }
        self.log_in().await;
        self.send_with_token(method, &path, body).await
    }

    async fn raise_unaport(&mut self) {
        let mut body = lender::consent_request();
        body["ConsentsRequest"]["txnid"] = self.next_txnid().into();
        let answer = self
            .call_unaport(Method::POST, "Consents/{org}", Some(&body))
            .await;
        self.handle = answer.json()["ConsentHandle"].as_str().map(str::to_owned);
    }

    async fn poll_unaport(&mut self) {
        let handle = self.handle().to_owned();
        let path = format!("GetConsent/{handle}");
        let record = self.call_unaport(Method::GET, &path, None).await.json();
        if let Some(status) = record["Data"][0]["consentStatus"].as_str()
            && !["CREATED", "READY"].contains(&status)
        {
            status.clone_into(&mut self.status);
        }
        let path = format!("FINotification/{handle}");
        let list = self.call_unaport(Method::GET, &path, None).await.json();
        for notification in list["data"].as_array().into_iter().flatten() {
            let session = notification["FIStatusNotification"]["sessionId"].as_str();
            let session = session.expect("a session").to_owned();
            if !self.sessions.contains(&session) {
                self.sessions.push(session);
            }
        }
    }

    async fn fetch_unaport_data(&mut self, session: &str) {
        let path = format!("FifetchDataBySessionId/{session}");
        let answer = self.call_unaport(Method::GET, &path, None).await;
        if answer.status == 200 && answer.body.is_some() {
            self.fetched.insert(session.to_owned());
        }
    }
}

impl Drop for ModelFiu {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

impl ServerState {
    /// Returns the published keys of the AAs, read once.
    async fn keys(&self) -> Vec<PublicKey> {
        let keys = self.keys.lock().expect("not poisoned").clone();
        if keys.is_empty() {
            self.read_keys().await
        } else {
            keys
        }
    }

    async fn read_keys(&self) -> Vec<PublicKey> {
        let url = format!("{}/.well-known/jwks.json", self.base_url);
        let response = self.client.get(url).send().await.expect("an answer");
        let jwks: Value = response.json().await.expect("JSON");
        let number = |jwk: &Value, name: &str| {
            url_decode(jwk[name].as_str().expect("a number")).expect("base64url")
        };
        let keys: Vec<_> = jwks["keys"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|jwk| PublicKey {
                kid: jwk["kid"].as_str().expect("a kid").to_owned(),
                modulus: number(jwk, "n"),
                exponent: number(jwk, "e"),
            })
            .collect();
        self.keys.lock().expect("not poisoned").clone_from(&keys);
        keys
    }

    /// Verifies a signature of an AA; reads the keys again for one that does not verify.
    async fn is_signed(&self, signature: &str, body: &[u8]) -> bool {
        let verifies = |keys: &[PublicKey]| {
            let keys: Vec<_> = keys.iter().collect();
            verify_detached(signature, body, &keys).is_ok()
        };
        verifies(&self.keys().await) || verifies(&self.read_keys().await)
    }

    /// Returns whether the API key is a token of the AA that the message names.
    async fn is_key_of_notifier(&self, token: &str, message: &Value) -> bool {
        let keys = self.keys().await;
        let claims = keys.iter().find_map(|key| verify_compact(token, key));
        let claims: Value = claims
            .and_then(|claims| serde_json::from_slice(&claims).ok())
            .unwrap_or_default();
        !claims["clientId"].is_null() && claims["clientId"] == message["Notifier"]["id"]
    }

    async fn read_clock(&self) -> String {
        let url = format!("{}/_mockaa/v1/clock", self.base_url);
        let response = self.client.get(url).send().await.expect("an answer");
        let clock: Value = response.json().await.expect("JSON");
        clock["now"].as_str().expect("an instant").to_owned()
    }

    /// Keeps a notification, unless it repeats an earlier one.
    fn keep_notice(&self, message: &Value, key: String) {
        let consent = &message["ConsentStatusNotification"];
        let data = &message["FIStatusNotification"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let kind = match (text(&consent["consentStatus"]), text(&data["sessionId"])) {
            (Some(status), _) => NoticeKind::Consent {
                id: text(&consent["consentId"]),
                status,
            },
            (None, Some(session)) => NoticeKind::Data { session },
            (None, None) => NoticeKind::Other,
        };
        let ignores_copies =
            ![Flaw::RequestsOncePerWebhook, Flaw::FetchesOncePerWebhook].contains(&self.flaw);
        let is_new = self.seen.lock().expect("not poisoned").insert(key);
        if is_new || !ignores_copies {
            let timestamp = text(&message["timestamp"]).unwrap_or_default();
            self.notices
                .lock()
                .expect("not poisoned")
                .push(Notice { timestamp, kind });
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a slow FIU is what the test is about"
)]
async fn receive_webhook(
    request: HttpRequest,
    body: Bytes,
    state: Data<ServerState>,
) -> HttpResponse {
    let flaw = state.flaw;
    let header = |name: &str| {
        let value = request.headers().get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let Some(timestamp) = message["timestamp"].as_str() else {
        return HttpResponse::BadRequest().finish();
    };
    let is_forged = !state.is_signed(header("x-jws-signature"), &body).await;
    let is_stale = !are_near(timestamp, &state.read_clock().await);
    // Near duplicates differ in their ids only.
    let mut content = message.clone();
    content["txnid"] = Value::Null;
    let key = format!("{} {content}", request.path());
    let has_wrong_key = state.api != FiuApi::Unaport
        && !state
            .is_key_of_notifier(header("aa_api_key"), &message)
            .await;
    if is_forged || is_stale || has_wrong_key {
        if flaw == Flaw::ActsOnRejectedWebhooks {
            state.keep_notice(&message, key);
        }
        let is_accepted = (is_forged && flaw == Flaw::AcceptsForgedWebhooks)
            || (is_stale && flaw == Flaw::AcceptsStaleWebhooks)
            || (has_wrong_key && flaw == Flaw::AcceptsWrongApiKeys);
        return if is_accepted {
            HttpResponse::Ok().json(acknowledge(&body))
        } else {
            HttpResponse::Unauthorized().finish()
        };
    }
    if flaw == Flaw::AcknowledgesSlowly {
        tokio::time::sleep(Duration::from_millis(5_100)).await;
    }
    if flaw == Flaw::RefusesUnknownFields && message.get("xFutureField").is_some() {
        return HttpResponse::BadRequest().finish();
    }
    state.keep_notice(&message, key);
    let is_data = message.get("FIStatusNotification").is_some();
    let status = if flaw == Flaw::FailsOnDataWebhooks && is_data {
        StatusCode::INTERNAL_SERVER_ERROR
    } else {
        StatusCode::OK
    };
    let mut response = HttpResponse::build(status);
    if flaw == Flaw::AcknowledgesBriefly {
        response.json(json!({ "response": "OK" }))
    } else {
        response.json(acknowledge(&body))
    }
}

/// Returns whether two instants are at most 15 minutes apart.
fn are_near(first: &str, second: &str) -> bool {
    match (parse_timestamp(first), parse_timestamp(second)) {
        (Some(first), Some(second)) => first.duration_since(second).0.abs() <= 15 * 60_000,
        _ => false,
    }
}
