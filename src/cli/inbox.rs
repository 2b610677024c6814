//! A small FIU: receives webhooks over real HTTP and checks both signatures of each, as every FIU should.

use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, PayloadConfig, to};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use anyhow::Context;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::crypto::base64::url_decode;
use crate::crypto::{jws, webhook};
use crate::domain::participants::PublicKey;
use crate::domain::time::Millis;
use crate::engine::clock::system_now;
use crate::wire::fields::parse_timestamp;

/// What the FIU has received and checked.
#[derive(Debug)]
pub struct Received {
    pub path: String,
    pub webhook_id: String,
    /// What is wrong with it; `None`: both signatures are right.
    pub flaw: Option<String>,
    pub body: Value,
    /// What was answered.
    pub status: u16,
}

/// The FIU's inbox.
#[derive(Debug)]
pub struct Inbox {
    pub url: String,
    pub messages: UnboundedReceiver<Received>,
    desk: Arc<Desk>,
    server: ServerHandle,
}

#[derive(Debug)]
struct Desk {
    trust: RwLock<Trust>,
    arrived: UnboundedSender<Received>,
    manner: Manner,
}

/// How the FIU behaves.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// What is answered to everything; without it 200 to what is right and 400 to the rest.
    pub status: Option<u16>,
    /// Whether a message more than 15 minutes off is wrong: not where the sandbox's own time stands.
    pub keeps_time: bool,
}

/// Whom the FIU believes.
#[derive(Debug, Default)]
struct Trust {
    /// The AAs' keys, as far as they are known.
    keys: Vec<PublicKey>,
    /// The webhook secrets of the FIUs that it stands for.
    secrets: Vec<String>,
}

impl Inbox {
    /// Starts it; port 0 is a free one.
    pub fn start(bind: IpAddr, port: u16, manner: Manner) -> anyhow::Result<Self> {
        let (arrived, messages) = unbounded_channel();
        let desk = Arc::new(Desk {
            trust: RwLock::default(),
            arrived,
            manner,
        });
        let data = Data::from(Arc::clone(&desk));
        let limit = PayloadConfig::new(BODY_BYTES_MAX);
        let app = move || {
            App::new()
                .app_data(limit.clone())
                .app_data(data.clone())
                .default_service(to(receive))
        };
        let server = HttpServer::new(app)
            .workers(1)
            .disable_signals()
            .bind((bind, port));
        let server = server
            .with_context(|| format!("cannot listen on {bind}:{port}; choose another --port"))?;
        let url = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Ok(Self {
            url,
            messages,
            desk,
            server: handle,
        })
    }

    /// Believes these published keys, and these shared webhook secrets, from now on.
    pub fn trust(&self, jwks: &Value, secrets: Vec<String>) -> anyhow::Result<()> {
        let number = |key: &Value, name: &str| key[name].as_str().and_then(url_decode);
        let keys: Option<Vec<_>> = jwks["keys"].as_array().and_then(|keys| {
            let key = |key: &Value| {
                let kid = key["kid"].as_str()?.to_owned();
                Some(PublicKey {
                    kid,
                    modulus: number(key, "n")?,
                    exponent: number(key, "e")?,
                })
            };
            keys.iter().map(key).collect()
        });
        let keys = keys
            .filter(|keys| !keys.is_empty())
            .context("the JWK set has no RSA keys")?;
        *self
            .desk
            .trust
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Trust { keys, secrets };
        Ok(())
    }

    pub fn keys(&self) -> Vec<PublicKey> {
        self.desk
            .trust
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .keys
            .clone()
    }

    pub async fn stop(self) {
        self.server.stop(false).await;
    }
}

/// A webhook may have this many bytes: huge ones are among the faults.
const BODY_BYTES_MAX: usize = 128 * 1024 * 1024;

async fn receive(request: HttpRequest, body: Bytes, desk: Data<Desk>) -> HttpResponse {
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let flaw = check(
        &request,
        &body,
        &desk.trust.read().unwrap_or_else(PoisonError::into_inner),
    )
    .err();
    let flaw = flaw.or_else(|| desk.manner.keeps_time.then(|| time_off(&message)).flatten());
    let answer = json!({
        "ver": message["ver"], "timestamp": message["timestamp"], "txnid": message["txnid"], "response": "OK",
    });
    let status = desk
        .manner
        .status
        .unwrap_or(if flaw.is_none() { 200 } else { 400 });
    let webhook_id = request
        .headers()
        .get("webhook-id")
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default();
    let received = Received {
        path: request.path().to_owned(),
        webhook_id: webhook_id.to_owned(),
        flaw,
        body: message,
        status,
    };
    // It has ended when nobody listens; the answer is right all the same.
    let _ = desk.arrived.send(received);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    if status.is_success() {
        HttpResponse::build(status).json(answer)
    } else {
        HttpResponse::build(status).finish()
    }
}

/// How far a message may be off (certification framework, general guidelines, rule 4).
const TIMESTAMP_WINDOW: Millis = Millis::from_secs(15 * 60);

/// What is wrong with a message's own time; one that has none tells none.
fn time_off(message: &Value) -> Option<String> {
    let at = parse_timestamp(message["timestamp"].as_str()?)?;
    let off = at.duration_since(system_now()).0;
    (off.abs() > TIMESTAMP_WINDOW.0).then(|| format!("timestamp {at} is {} s off", off / 1000))
}

/// Both signatures, on the bytes that arrived.
fn check(request: &HttpRequest, body: &[u8], trust: &Trust) -> Result<(), String> {
    let header = |name: &str| {
        let value = request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok());
        value.ok_or_else(|| format!("the header {name} is missing"))
    };
    let keys: Vec<_> = trust.keys.iter().collect();
    jws::verify_detached(header("x-jws-signature")?, body, &keys)
        .map_err(|flaw| flaw.to_string())?;
    let timestamp = header("webhook-timestamp")?
        .parse()
        .map_err(|_| "webhook-timestamp is no number".to_owned())?;
    let (given, id) = (header("webhook-signature")?, header("webhook-id")?);
    if trust
        .secrets
        .iter()
        .any(|secret| given == webhook::sign_payload(secret, id, timestamp, body))
    {
        Ok(())
    } else {
        Err("webhook-signature does not match".to_owned())
    }
}
