//! An FIU of ReBIT 2.0.0 or 1.1.2 that does all that the certification asks for, and on request some things
//! wrongly.

use std::collections::HashSet;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use chrono::{DateTime, FixedOffset, TimeDelta};
use mockaa::internals::crypto::base64::{decode, encode, url_decode};
use mockaa::internals::crypto::jws::{sign_detached, verify_compact, verify_detached};
use mockaa::internals::crypto::key_exchange::{
    KeyPair, encode_public_key, parse_nonce, parse_public_key,
};
use mockaa::internals::crypto::keys::SigningKey;
use mockaa::internals::domain::key_exchange::{Curve, PeerKey};
use mockaa::internals::domain::participants::{PublicKey, SignatureProfile};
use mockaa::internals::engine::clock::system_now;
use reqwest::{Client, Method};
use rsa::sha2::{Digest, Sha256};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::defects::Defect;

/// The generation of ReBIT's APIs that the FIU knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    V1,
    V2,
}

impl Generation {
    const fn version(self) -> &'static str {
        match self {
            Self::V1 => "1.1.2",
            Self::V2 => "2.0.0",
        }
    }

    /// Returns the path of a call that only reads, and that has its parameter in the path in 1.1.x.
    fn read_path(self, path: &str, content: &Value) -> Option<String> {
        let parameter = match path {
            "/Consent/handle" => "ConsentHandle",
            "/Consent/fetch" => "consentId",
            "/FI/fetch" => "sessionId",
            _ => return None,
        };
        let value = content[parameter].as_str().expect("a text");
        let path = path
            .strip_suffix("/fetch")
            .filter(|it| *it == "/Consent")
            .unwrap_or(path);
        (self == Self::V1).then(|| format!("{path}/{value}"))
    }
}

const AA: &str = "mockaa";
const FIU: &str = "FIU-1";

/// A running FIU.
pub struct ReferenceFiu {
    pub url: String,
    server: ServerHandle,
}

impl ReferenceFiu {
    /// Starts an FIU of the AA at this port, with these defects. It begins what it is told after a
    /// `delay`, and says so at once.
    pub fn start(
        aa_port: u16,
        generation: Generation,
        defects: Vec<Defect>,
        delay: Duration,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let pem = include_str!("../../fixtures/keys/fiu-1.pem");
        let fiu = Arc::new(Fiu {
            aa_url: format!("http://127.0.0.1:{aa_port}"),
            defects,
            generation,
            delay,
            client: Client::new(),
            key: SigningKey::from_pem("fiu-1-dev-1", pem).expect("a key"),
            aa_keys: OnceCell::new(),
            applications: Mutex::default(),
            work: tokio::sync::Mutex::default(),
            ids: AtomicU64::new(u64::from(aa_port) << 32),
        });
        let server = HttpServer::new(move || {
            App::new()
                .app_data(Data::from(Arc::clone(&fiu)))
                .route("/raise", web::post().to(raise))
                .route("/go-on", web::post().to(go_on))
                .route("/shows", web::post().to(show))
                .route("/Consent/Notification", web::post().to(receive_consent))
                .route("/FI/Notification", web::post().to(receive_session))
        })
        .workers(1)
        .disable_signals()
        .listen(listener)
        .expect("the port is free")
        .run();
        let handle = server.handle();
        tokio::spawn(server);
        Self {
            url,
            server: handle,
        }
    }

    pub async fn stop(self) {
        self.server.stop(false).await;
    }
}

async fn raise(fiu: Data<Fiu>, body: Bytes) -> HttpResponse {
    let input: Value = serde_json::from_slice(&body).expect("JSON");
    let customer = input["customer"].as_str().expect("a customer");
    match Arc::clone(&fiu).raise(customer).await {
        Ok(handle) => HttpResponse::Ok().json(json!({ "consentHandle": handle })),
        Err(problem) => HttpResponse::BadGateway().body(problem),
    }
}

async fn go_on(fiu: Data<Fiu>, body: Bytes) -> HttpResponse {
    let input: Value = serde_json::from_slice(&body).expect("JSON");
    let handle = input["consentHandle"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let fiu = fiu.into_inner();
    if fiu.delay.is_zero() {
        fiu.go_on(&handle, Cause::Person).await;
    } else {
        fiu.go_on_later(handle, Cause::Person);
    }
    HttpResponse::Ok().finish()
}

async fn show(fiu: Data<Fiu>, body: Bytes) -> HttpResponse {
    let input: Value = serde_json::from_slice(&body).expect("JSON");
    let applications = fiu.applications.lock().expect("no panic");
    let found = applications
        .iter()
        .find(|it| input["consentHandle"] == *it.handle);
    let shows = found.map_or("failure", |it| match (it.has_failed, it.has_data) {
        (true, _) => "failure",
        (false, true) => "data",
        (false, false) => "waiting",
    });
    HttpResponse::Ok().json(json!({ "shows": shows }))
}

async fn receive_consent(fiu: Data<Fiu>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let checked = fiu.check_consent_notification(&request, &body).await;
    fiu.into_inner().answer(checked)
}

async fn receive_session(fiu: Data<Fiu>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let checked = fiu.check_session_notification(&request, &body).await;
    fiu.into_inner().answer(checked)
}

/// The refusal of a notification.
struct Refusal(u16, &'static str);

/// A notification that was accepted.
struct Accepted {
    message: Value,
    /// The consent that it is about, if the FIU has one.
    handle: Option<String>,
}

/// The reason for which an FIU goes on with a consent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    Notification,
    Person,
}

/// What the FIU knows of a consent.
#[derive(Clone, Debug)]
struct Application {
    handle: String,
    requested_at: DateTime<FixedOffset>,
    status: String,
    consent_id: Option<String>,
    /// The banks and the accounts of the artefact.
    fips: HashSet<String>,
    link_refs: HashSet<String>,
    session: Option<Session>,
    has_failed: bool,
    has_data: bool,
}

#[derive(Clone, Debug)]
struct Session {
    id: String,
    key: Arc<KeyPair>,
    status: String,
    has_ready_account: bool,
}

struct Fiu {
    aa_url: String,
    defects: Vec<Defect>,
    generation: Generation,
    delay: Duration,
    client: Client,
    key: SigningKey,
    aa_keys: OnceCell<Vec<PublicKey>>,
    applications: Mutex<Vec<Application>>,
    /// One consent at a time.
    work: tokio::sync::Mutex<()>,
    ids: AtomicU64,
}

type Checked<T> = Result<T, String>;

impl Fiu {
    const fn version(&self) -> &'static str {
        self.generation.version()
    }

    fn has(&self, defect: Defect) -> bool {
        self.defects.contains(&defect)
    }

    fn next_id(&self) -> Uuid {
        let number = self.ids.fetch_add(1, Ordering::Relaxed);
        Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_be_bytes())
    }

    fn next_bytes(&self) -> [u8; 32] {
        Sha256::digest(self.next_id().as_bytes()).into()
    }

    async fn keys(&self) -> &[PublicKey] {
        let read = async || {
            let url = format!("{}/.well-known/jwks.json", self.aa_url);
            let answer = self.client.get(url).send().await.expect("an answer");
            let set: Value = answer.json().await.expect("JSON");
            let number = |jwk: &Value, name: &str| {
                url_decode(jwk[name].as_str().expect("a number")).expect("base64url")
            };
            let keys = set["keys"]
                .as_array()
                .expect("keys")
                .iter()
                .map(|jwk| PublicKey {
                    kid: jwk["kid"].as_str().expect("a kid").into(),
                    modulus: number(jwk, "n"),
                    exponent: number(jwk, "e"),
                });
            keys.collect()
        };
        self.aa_keys.get_or_init(read).await
    }

    async fn is_signed(&self, signature: &str, body: &[u8]) -> bool {
        let keys: Vec<_> = self.keys().await.iter().collect();
        verify_detached(signature, body, &keys).is_ok()
    }

    /// Returns the content of a compact JWS of an AA.
    async fn open(&self, jws: &str) -> Option<Value> {
        let header = url_decode(jws.split('.').next()?)?;
        let header: Value = serde_json::from_slice(&header).ok()?;
        let keys = self.keys().await;
        let key = keys.iter().find(|key| header["kid"] == *key.kid)?;
        let content = verify_compact(jws, key)?;
        serde_json::from_slice(&content).ok()
    }

    fn edit(&self, handle: &str, edit: impl FnOnce(&mut Application)) {
        let mut applications = self.applications.lock().expect("no panic");
        if let Some(application) = applications.iter_mut().find(|it| it.handle == handle) {
            edit(application);
        }
    }

    fn find(&self, is_wanted: impl Fn(&Application) -> bool) -> Option<Application> {
        let applications = self.applications.lock().expect("no panic");
        applications.iter().find(|it| is_wanted(it)).cloned()
    }

    // Calls of the AA.

    /// Makes a call and returns an answer on which the FIU relies.
    async fn call(&self, path: &str, content: Value) -> Checked<Value> {
        let txnid = self.next_id().to_string();
        let read_path = self.generation.read_path(path, &content);
        // A request without a body is signed by its path.
        let body = if let Some(path) = &read_path {
            path.clone().into_bytes()
        } else {
            let mut message =
                json!({ "ver": self.version(), "timestamp": now_text(), "txnid": txnid });
            let fields = message.as_object_mut().expect("an object");
            fields.extend(content.as_object().expect("an object").clone());
            message.to_string().into_bytes()
        };
        let signature = sign_detached(&self.key, &body, SignatureProfile::Detached);
        let method = if read_path.is_some() {
            Method::GET
        } else {
            Method::POST
        };
        let url = format!("{}{}", self.aa_url, read_path.as_deref().unwrap_or(path));
        let request = self
            .client
            .request(method, url)
            .header("content-type", "application/json")
            .header("client_api_key", "mockaa-dev-fiu-1-api-key")
            .header("x-jws-signature", signature.expect("a signature"))
            .body(if read_path.is_some() {
                Vec::new()
            } else {
                body
            });
        let answer = request.send().await.map_err(|error| error.to_string())?;
        let status = answer.status();
        let signature = answer.headers().get("x-jws-signature").cloned();
        let bytes = answer.bytes().await.map_err(|error| error.to_string())?;
        if !status.is_success() {
            return Err(format!("{path} answers {status}"));
        }
        let signature = signature.ok_or("it is not signed")?;
        let signature = signature.to_str().map_err(|error| error.to_string())?;
        let answer: Value = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
        ensure(
            self.has(Defect::BelievesBadlySignedAnswers) || self.is_signed(signature, &bytes).await,
            "signature",
        )?;
        ensure(
            self.has(Defect::BelievesAnswersOfAnyVersion) || answer["ver"] == self.version(),
            "ver",
        )?;
        ensure(
            self.has(Defect::BelievesAnswersToOthers)
                || read_path.is_some()
                || answer["txnid"] == *txnid,
            "txnid",
        )?;
        let is_timely = answer.get("timestamp").is_none_or(is_timely);
        ensure(
            self.has(Defect::BelievesMisdatedAnswers) || is_timely,
            "timestamp",
        )?;
        Ok(answer)
    }

    async fn raise(&self, customer: &str) -> Checked<String> {
        let now = now();
        let time = |days| format_time(now + TimeDelta::days(days));
        let detail = json!({
            "consentStart": time(0), "consentExpiry": time(364), "consentMode": "STORE", "fetchType": "PERIODIC",
            "consentTypes": ["PROFILE", "SUMMARY", "TRANSACTIONS"], "fiTypes": ["DEPOSIT"],
            "DataConsumer": { "id": FIU, "type": "FIU" }, "Customer": { "id": customer },
            "Purpose": { "code": "101", "refUri": "https://api.rebit.org.in/aa/purpose/101.xml",
                         "text": "Wealth management service", "Category": { "type": "Personal Finance" } },
            "FIDataRange": { "from": time(-30), "to": time(0) },
            "DataLife": { "unit": "MONTH", "value": 1 }, "Frequency": { "unit": "HOUR", "value": 10 },
        });
        let answer = self
            .call("/Consent", json!({ "ConsentDetail": detail }))
            .await?;
        let handle = answer["ConsentHandle"].as_str().unwrap_or_default();
        ensure(Uuid::parse_str(handle).is_ok(), "ConsentHandle")?;
        ensure(
            self.has(Defect::BelievesAnotherCustomer) || answer["Customer"]["id"] == customer,
            "Customer",
        )?;
        self.applications
            .lock()
            .expect("no panic")
            .push(Application {
                handle: handle.to_owned(),
                requested_at: now,
                status: "PENDING".to_owned(),
                consent_id: None,
                fips: HashSet::new(),
                link_refs: HashSet::new(),
                session: None,
                has_failed: false,
                has_data: false,
            });
        Ok(handle.to_owned())
    }

    /// Goes on with a consent after the FIU's delay.
    fn go_on_later(self: &Arc<Self>, handle: String, cause: Cause) {
        let fiu = Arc::clone(self);
        tokio::spawn(async move {
            let _ = tokio::time::timeout(fiu.delay, std::future::pending::<()>()).await;
            fiu.go_on(&handle, cause).await;
        });
    }

    /// Takes the steps that the state of a consent allows.
    async fn go_on(&self, handle: &str, cause: Cause) {
        let _one_at_a_time = self.work.lock().await;
        let Some(application) = self.find(|it| it.handle == handle) else {
            return;
        };
        if ["PAUSED", "EXPIRED", "REVOKED"].contains(&&*application.status) {
            if cause == Cause::Person && self.has(Defect::RequestsDataAfterStop) {
                let _ = self.request_data(&application).await;
            }
            return;
        }
        if application.status == "FAILED" || application.has_data {
            return;
        }
        let is_over = |session: &Session| ["FAILED", "EXPIRED"].contains(&&*session.status);
        let result = match &application.session {
            // A person gets another chance.
            Some(session) if is_over(session) && cause == Cause::Person => {
                self.request_data(&application).await
            }
            Some(session) => self.fetch(&application, session).await,
            None => self.prepare_session(&application).await,
        };
        if result.is_err() {
            self.edit(handle, |it| it.has_failed = it.consent_id.is_some());
        }
    }

    async fn prepare_session(&self, application: &Application) -> Checked<()> {
        let handle = &application.handle;
        let Some(consent_id) = self.read_status(handle).await? else {
            return Ok(());
        };
        self.edit(handle, |it| it.consent_id = Some(consent_id.clone()));
        let status = self.read_artefact(application, &consent_id).await?;
        self.edit(handle, |it| it.status.clone_from(&status));
        if status != "ACTIVE" && !self.has(Defect::RequestsDataForInactiveArtefacts) {
            return Ok(());
        }
        let application = self.find(|it| it.handle == *handle).expect("it is there");
        self.request_data(&application).await
    }

    /// Returns the consent id, once the consent was approved.
    async fn read_status(&self, handle: &str) -> Checked<Option<String>> {
        let answer = self
            .call("/Consent/handle", json!({ "ConsentHandle": handle }))
            .await?;
        ensure(
            self.has(Defect::BelievesStatusOfAnotherHandle) || answer["ConsentHandle"] == handle,
            "ConsentHandle",
        )?;
        let status = answer["ConsentStatus"]["status"]
            .as_str()
            .unwrap_or_default();
        let is_status = [
            "PENDING", "APPROVED", "REJECTED", "READY", "FAILED", "EXPIRED",
        ]
        .contains(&status);
        ensure(self.has(Defect::BelievesAnyStatus) || is_status, "status")?;
        if ["REJECTED", "FAILED"].contains(&status) {
            self.edit(handle, |it| "FAILED".clone_into(&mut it.status));
            return Ok(None);
        }
        Ok(answer["ConsentStatus"]["id"].as_str().map(str::to_owned))
    }

    /// Returns the status of an artefact on which the FIU relies.
    async fn read_artefact(&self, application: &Application, id: &str) -> Checked<String> {
        let artefact = self
            .call("/Consent/fetch", json!({ "consentId": id }))
            .await?;
        ensure(
            self.has(Defect::BelievesAnotherArtefact) || artefact["consentId"] == id,
            "consentId",
        )?;
        let made_at = parse_time(&artefact["createTimestamp"]);
        let is_dated = made_at.is_some_and(|at| {
            at >= application.requested_at - TimeDelta::minutes(1) && at <= latest_time()
        });
        ensure(
            self.has(Defect::BelievesMisdatedArtefacts) || is_dated,
            "createTimestamp",
        )?;
        let used = &artefact["ConsentUse"];
        let is_used = used["count"].is_u64()
            && parse_time(&used["lastUseDateTime"]).is_some_and(|at| at <= latest_time());
        ensure(self.has(Defect::BelievesAnyUse) || is_used, "ConsentUse")?;
        let jws = artefact["signedConsent"].as_str().ok_or("signedConsent")?;
        let consent = if self.has(Defect::BelievesUnsignedConsents) {
            let payload = jws.split('.').nth(1).and_then(url_decode);
            let payload = payload.and_then(|it| serde_json::from_slice(&it).ok());
            payload.or_else(|| serde_json::from_str(jws).ok())
        } else {
            self.open(jws).await
        };
        let consent = consent.ok_or("signedConsent")?;
        let fields: HashSet<_> = consent.as_object().ok_or("signedConsent")?.keys().collect();
        let has_fields = REQUIRED_FIELDS
            .iter()
            .all(|name| fields.contains(&(*name).to_owned()))
            && fields.iter().all(|name| {
                REQUIRED_FIELDS.contains(&name.as_str()) || OPTIONAL_FIELDS.contains(&name.as_str())
            });
        ensure(
            self.has(Defect::BelievesAnyConsentField) || has_fields,
            "fields",
        )?;
        let accounts = consent["Accounts"].as_array().ok_or("Accounts")?;
        let names = |field: &str| {
            let names = accounts.iter().filter_map(|it| it[field].as_str());
            names.map(str::to_owned).collect()
        };
        self.edit(&application.handle, |it| {
            it.fips = names("fipId");
            it.link_refs = names("linkRefNumber");
        });
        Ok(artefact["status"].as_str().unwrap_or_default().to_owned())
    }

    async fn request_data(&self, application: &Application) -> Checked<()> {
        let consent_id = application.consent_id.clone().ok_or("no consent")?;
        let artefact = self
            .call("/Consent/fetch", json!({ "consentId": consent_id }))
            .await?;
        let jws = artefact["signedConsent"].as_str().ok_or("signedConsent")?;
        let signature = jws.split('.').nth(2).unwrap_or_default();
        let range = self.open(jws).await.map(|it| it["FIDataRange"].clone());
        let key = KeyPair::from_random(Curve::X25519, self.next_bytes(), self.next_bytes());
        let material = json!({
            "cryptoAlg": "ECDH", "curve": "Curve25519", "params": "",
            "DHPublicKey": { "expiry": format_time(now() + TimeDelta::days(1)), "Parameters": "",
                             "KeyValue": encode_public_key(key.curve, &key.public) },
            "Nonce": encode(&key.nonce),
        });
        let content = json!({
            "FIDataRange": range, "KeyMaterial": material,
            "Consent": { "id": consent_id, "digitalSignature": signature },
        });
        let answer = self.call("/FI/request", content).await?;
        ensure(
            self.has(Defect::BelievesSessionsOfOtherConsents) || answer["consentId"] == *consent_id,
            "consentId",
        )?;
        let id = answer["sessionId"].as_str().unwrap_or_default().to_owned();
        ensure(Uuid::parse_str(&id).is_ok(), "sessionId")?;
        self.edit(&application.handle, |it| {
            it.session = Some(Session {
                id,
                key: Arc::new(key),
                status: "ACTIVE".to_owned(),
                has_ready_account: false,
            });
        });
        Ok(())
    }

    async fn fetch(&self, application: &Application, session: &Session) -> Checked<()> {
        let is_over = ["FAILED", "EXPIRED"].contains(&&*session.status);
        if is_over && !self.has(Defect::FetchesFromFailedSessions) {
            return Ok(());
        }
        if !session.has_ready_account && !is_over {
            return Ok(());
        }
        let answer = self
            .call("/FI/fetch", json!({ "sessionId": session.id }))
            .await?;
        let banks = answer["FI"].as_array().ok_or("FI")?;
        let accepts_empty = self.has(Defect::ShowsEmptyData);
        ensure(accepts_empty || !banks.is_empty(), "FI")?;
        for bank in banks {
            let fip = bank["fipID"].as_str().unwrap_or_default();
            ensure(
                self.has(Defect::ShowsDataOfAnyBank) || application.fips.contains(fip),
                "fipID",
            )?;
            let accounts = bank["data"].as_array().ok_or("data")?;
            ensure(accepts_empty || !accounts.is_empty(), "data")?;
            self.decrypt(application, session, &bank["KeyMaterial"], accounts)?;
        }
        self.edit(&application.handle, |it| it.has_data = true);
        Ok(())
    }

    fn decrypt(
        &self,
        application: &Application,
        session: &Session,
        material: &Value,
        accounts: &[Value],
    ) -> Checked<()> {
        let is_empty = material.as_object().is_none_or(serde_json::Map::is_empty);
        ensure(!is_empty, "KeyMaterial")?;
        let labels = (&material["cryptoAlg"], &material["curve"]);
        let expected = match self.generation {
            // The FIP repeats the labels of the request.
            Generation::V1 => (&json!("ECDH"), &json!("Curve25519")),
            Generation::V2 => (&json!("X25519"), &json!("X25519")),
        };
        let is_labelled = labels == expected;
        ensure(
            self.has(Defect::IgnoresKeyLabels) || is_labelled,
            "KeyMaterial",
        )?;
        let public_key = &material["DHPublicKey"];
        let is_valid = parse_time(&public_key["expiry"]).is_some_and(|at| at > now());
        ensure(self.has(Defect::IgnoresKeyExpiry) || is_valid, "expiry")?;
        let decrypts = || {
            let (curve, public) = parse_public_key(public_key["KeyValue"].as_str()?).ok()?;
            let nonce = parse_nonce(material["Nonce"].as_str()?).ok()?;
            let peer = PeerKey {
                curve,
                public,
                nonce,
                labels: None,
            };
            let mut documents = accounts.iter().map(|account| {
                let text = account["encryptedFI"].as_str()?;
                decode(text)?;
                session.key.decrypt(&peer, text).ok()
            });
            documents.all(|document| document.is_some()).then_some(())
        };
        ensure(
            self.has(Defect::ShowsDataThatDoesNotDecrypt) || decrypts().is_some(),
            "encryptedFI",
        )?;
        let is_known = accounts.iter().all(|account| {
            let link_ref = account["linkRefNumber"].as_str().unwrap_or_default();
            application.link_refs.contains(link_ref)
        });
        ensure(
            self.has(Defect::ShowsDataOfAnyAccount) || is_known,
            "linkRefNumber",
        )
    }

    // Notifications of the AA.

    fn answer(self: Arc<Self>, checked: Result<Accepted, Refusal>) -> HttpResponse {
        let Accepted { message, handle } = match checked {
            Ok(accepted) => accepted,
            Err(Refusal(status, code)) => {
                let code = if self.has(Defect::RefusesWithoutCode) {
                    "Error"
                } else {
                    code
                };
                let status = StatusCode::from_u16(status).expect("a status");
                return HttpResponse::build(status).json(json!({
                    "ver": self.version(), "timestamp": now_text(), "txnid": self.next_id().to_string(),
                    "errorCode": code, "errorMsg": "refused",
                }));
            }
        };
        if let Some(handle) = handle {
            self.go_on_later(handle, Cause::Notification);
        }
        let response = if self.has(Defect::AcknowledgesWithoutOk) {
            "Fine"
        } else {
            "OK"
        };
        HttpResponse::Ok().json(json!({
            "ver": self.version(), "timestamp": now_text(), "txnid": message["txnid"], "response": response,
        }))
    }

    /// Checks what all notifications have in common. Returns the message and the AA that sends it.
    async fn check_message(
        &self,
        request: &HttpRequest,
        body: &[u8],
        wrong_notifier: &'static str,
    ) -> Result<(Value, String), Refusal> {
        let header = |name: &str| {
            let value = request.headers().get(name);
            value
                .and_then(|it| it.to_str().ok())
                .unwrap_or_default()
                .to_owned()
        };
        let sender = match self.open(&header("aa_api_key")).await {
            Some(claims) => claims["azp"].as_str().unwrap_or_default().to_owned(),
            None if self.has(Defect::IgnoresApiKeys) => AA.to_owned(),
            None => return Err(Refusal(401, "Unauthorized")),
        };
        let message: Value =
            serde_json::from_slice(body).map_err(|_| Refusal(400, "InvalidRequest"))?;
        if message["ver"] != self.version() && !self.has(Defect::AcceptsAnyVersion) {
            return Err(Refusal(404, "NoSuchVersion"));
        }
        let is_signed = self.is_signed(&header("x-jws-signature"), body).await;
        if !is_signed && !self.has(Defect::AcceptsWrongSignatures) {
            return Err(Refusal(400, "SignatureDoesNotMatch"));
        }
        let has_ids = ["type", "id"]
            .iter()
            .all(|name| message["Notifier"][name].is_string());
        let is_complete = has_ids || self.has(Defect::AcceptsAnyNotifierShape);
        let has_timestamp = parse_time(&message["timestamp"]).is_some()
            || self.has(Defect::AcceptsAnyTimestampFormat);
        let is_timely = is_timely(&message["timestamp"])
            || self.has(Defect::AcceptsMisdatedNotifications)
            || parse_time(&message["timestamp"]).is_none();
        let txnid = message["txnid"].as_str().unwrap_or_default();
        let has_txnid = Uuid::parse_str(txnid).is_ok() || self.has(Defect::AcceptsAnyTxnid);
        if !(is_complete && has_timestamp && is_timely && has_txnid) {
            return Err(Refusal(400, "InvalidRequest"));
        }
        if !has_ids {
            return Ok((message, sender));
        }
        if message["Notifier"]["type"] != "AA" && !self.has(Defect::AcceptsAnyNotifierType) {
            return Err(Refusal(400, wrong_notifier));
        }
        let accepts_any = self.has(Defect::AcceptsAnyNotifierId) && sender == AA;
        if message["Notifier"]["id"] != *sender && !accepts_any {
            if self.has(Defect::AcceptsKeysOfOtherAas) && sender != AA {
                return Ok((message, AA.to_owned()));
            }
            let code = if sender == AA {
                wrong_notifier
            } else {
                "InvalidRequest"
            };
            return Err(Refusal(400, code));
        }
        Ok((message, sender))
    }

    async fn check_consent_notification(
        &self,
        request: &HttpRequest,
        body: &[u8],
    ) -> Result<Accepted, Refusal> {
        let (message, sender) = self.check_message(request, body, "InvalidNotifier").await?;
        let news = &message["ConsentStatusNotification"];
        let status = news["consentStatus"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let is_status = [
            "ACTIVE", "PAUSED", "REVOKED", "EXPIRED", "REJECTED", "FAILED",
        ]
        .contains(&&*status);
        let is_object = news["consentHandle"].is_string();
        if (!is_status && is_object && !self.has(Defect::AcceptsAnyConsentStatus))
            || (!is_object && !self.has(Defect::AcceptsEmptyNotifications))
        {
            return Err(Refusal(400, "InvalidRequest"));
        }
        let handle = news["consentHandle"].as_str().unwrap_or_default();
        let application = self.find(|it| sender == AA && it.handle == handle);
        let Some(application) = application else {
            if self.has(Defect::AcceptsUnknownHandles) || !is_object {
                return Ok(Accepted {
                    message,
                    handle: None,
                });
            }
            return Err(Refusal(400, "InvalidRequest"));
        };
        if application.status == "FAILED" && !self.has(Defect::ForgetsFailures) {
            return Err(Refusal(400, "InvalidRequest"));
        }
        let is_same = application
            .consent_id
            .as_ref()
            .is_none_or(|id| news["consentId"] == **id);
        if !is_same && !self.has(Defect::AcceptsAnyConsentId) {
            return Err(Refusal(400, "InvalidConsentId"));
        }
        if ["PAUSED", "REVOKED", "EXPIRED"].contains(&&*status) {
            self.edit(handle, |it| it.status = status);
        }
        let handle = Some(handle.to_owned());
        Ok(Accepted { message, handle })
    }

    async fn check_session_notification(
        &self,
        request: &HttpRequest,
        body: &[u8],
    ) -> Result<Accepted, Refusal> {
        let (message, sender) = self.check_message(request, body, "InvalidRequest").await?;
        let news = &message["FIStatusNotification"];
        let status = news["sessionStatus"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let is_status = ["ACTIVE", "COMPLETED", "EXPIRED", "FAILED"].contains(&&*status);
        if !is_status && !self.has(Defect::AcceptsAnySessionStatus) {
            return Err(Refusal(400, "InvalidRequest"));
        }
        let session_id = news["sessionId"].as_str().unwrap_or_default();
        let application = self.find(|it| {
            let session = it.session.as_ref();
            sender == AA && session.is_some_and(|session| session.id == session_id)
        });
        let Some(application) = application else {
            if self.has(Defect::AcceptsUnknownSessions) {
                return Ok(Accepted {
                    message,
                    handle: None,
                });
            }
            return Err(Refusal(400, "InvalidSessionId"));
        };
        let banks = news["FIStatusResponse"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        let accounts: Vec<_> = banks
            .iter()
            .flat_map(|bank| bank["Accounts"].as_array().into_iter().flatten())
            .collect();
        let is_empty = accounts.is_empty() && !self.has(Defect::AcceptsEmptyAccountLists);
        let is_known = accounts.iter().all(|account| {
            let link_ref = account["linkRefNumber"].as_str().unwrap_or_default();
            application.link_refs.contains(link_ref)
        });
        if is_empty {
            return Err(Refusal(400, "InvalidRequest"));
        }
        if !is_known && !self.has(Defect::AcceptsUnknownAccounts) {
            let is_of_other = self.find(|it| {
                let mut numbers = accounts
                    .iter()
                    .filter_map(|it| it["linkRefNumber"].as_str());
                numbers.any(|number| it.link_refs.contains(number))
            });
            // The accounts are those of another session.
            let is_of_other = is_of_other.is_some();
            let code = if is_of_other {
                "InvalidSessionId"
            } else {
                "InvalidRequest"
            };
            return Err(Refusal(400, code));
        }
        let has_ready_account = accounts
            .iter()
            .any(|account| account["FIStatus"] == "READY");
        self.edit(&application.handle, |it| {
            if let Some(session) = &mut it.session {
                session.status = status;
                session.has_ready_account = has_ready_account;
            }
        });
        Ok(Accepted {
            message,
            handle: Some(application.handle),
        })
    }
}

/// The fields of a signed consent.
const REQUIRED_FIELDS: [&str; 13] = [
    "consentStart",
    "consentExpiry",
    "consentMode",
    "fetchType",
    "consentTypes",
    "fiTypes",
    "DataConsumer",
    "Customer",
    "Accounts",
    "Purpose",
    "FIDataRange",
    "DataLife",
    "Frequency",
];
const OPTIONAL_FIELDS: [&str; 2] = ["DataProvider", "DataFilter"];

fn ensure(holds: bool, problem: &str) -> Checked<()> {
    if holds {
        Ok(())
    } else {
        Err(format!("{problem} is wrong"))
    }
}

fn now() -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339(&system_now().to_string()).expect("a time")
}

/// The latest time of what has happened.
fn latest_time() -> DateTime<FixedOffset> {
    now() + TimeDelta::minutes(15)
}

fn now_text() -> String {
    format_time(now())
}

fn format_time(at: DateTime<FixedOffset>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

fn parse_time(value: &Value) -> Option<DateTime<FixedOffset>> {
    DateTime::parse_from_rfc3339(value.as_str()?).ok()
}

fn is_timely(value: &Value) -> bool {
    parse_time(value).is_some_and(|at| (now() - at).abs() <= TimeDelta::minutes(15))
}
