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
pub struct ReceivedWebhook {
    pub path: String,
    pub webhook_id: String,
    /// What is wrong with it; `None`: both signatures are right.
    pub error: Option<String>,
    pub body: Value,
    /// What was answered.
    pub status: u16,
}

/// The FIU's inbox.
#[derive(Debug)]
pub struct Inbox {
    pub url: String,
    pub messages: UnboundedReceiver<ReceivedWebhook>,
    state: Arc<InboxState>,
    server: ServerHandle,
}

#[derive(Debug)]
struct InboxState {
    verification_keys: RwLock<VerificationKeys>,
    sender: UnboundedSender<ReceivedWebhook>,
    behavior: ReceiverBehavior,
}

/// How the FIU behaves.
#[derive(Clone, Copy, Debug)]
pub struct ReceiverBehavior {
    /// What is answered to everything; without it 200 to what is right and 400 to the rest.
    pub response_status: Option<u16>,
    /// Whether a message more than 15 minutes off is wrong: not where the sandbox's own time stands.
    pub checks_timestamps: bool,
}

/// Whom the FIU believes.
#[derive(Debug, Default)]
struct VerificationKeys {
    /// The AAs' keys, as far as they are known.
    keys: Vec<PublicKey>,
    /// The webhook secrets of the FIUs that it stands for.
    secrets: Vec<String>,
}

impl Inbox {
    /// Starts it; port 0 is a free one.
    pub fn start(bind: IpAddr, port: u16, behavior: ReceiverBehavior) -> anyhow::Result<Self> {
        let (sender, messages) = unbounded_channel();
        let state = Arc::new(InboxState {
            verification_keys: RwLock::default(),
            sender,
            behavior,
        });
        let data = Data::from(Arc::clone(&state));
        let limit = PayloadConfig::new(BODY_BYTES_MAX);
        let app = move || {
            App::new()
                .app_data(limit.clone())
                .app_data(data.clone())
                .default_service(to(receive_webhook))
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
            state,
            server: handle,
        })
    }

    /// Believes these published keys, and these shared webhook secrets, from now on.
    pub fn set_verification_keys(&self, jwks: &Value, secrets: Vec<String>) -> anyhow::Result<()> {
        let decode_number = |key: &Value, name: &str| key[name].as_str().and_then(url_decode);
        let keys: Option<Vec<_>> = jwks["keys"].as_array().and_then(|keys| {
            let key = |key: &Value| {
                let kid = key["kid"].as_str()?.to_owned();
                Some(PublicKey {
                    kid,
                    modulus: decode_number(key, "n")?,
                    exponent: decode_number(key, "e")?,
                })
            };
            keys.iter().map(key).collect()
        });
        let keys = keys
            .filter(|keys| !keys.is_empty())
            .context("the JWK set has no RSA keys")?;
        *self
            .state
            .verification_keys
            .write()
            .unwrap_or_else(PoisonError::into_inner) = VerificationKeys { keys, secrets };
        Ok(())
    }

    pub fn aa_keys(&self) -> Vec<PublicKey> {
        self.state
            .verification_keys
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

async fn receive_webhook(
    request: HttpRequest,
    body: Bytes,
    state: Data<InboxState>,
) -> HttpResponse {
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let error = verify_signatures(
        &request,
        &body,
        &state
            .verification_keys
            .read()
            .unwrap_or_else(PoisonError::into_inner),
    )
    .err();
    let error = error.or_else(|| {
        state
            .behavior
            .checks_timestamps
            .then(|| check_timestamp(&message))
            .flatten()
    });
    let answer = json!({
        "ver": message["ver"], "timestamp": message["timestamp"], "txnid": message["txnid"], "response": "OK",
    });
    let status = state
        .behavior
        .response_status
        .unwrap_or(if error.is_none() { 200 } else { 400 });
    let webhook_id = request
        .headers()
        .get("webhook-id")
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default();
    let received = ReceivedWebhook {
        path: request.path().to_owned(),
        webhook_id: webhook_id.to_owned(),
        error,
        body: message,
        status,
    };
    // It has ended when nobody listens; the answer is right all the same.
    let _ = state.sender.send(received);
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
fn check_timestamp(message: &Value) -> Option<String> {
    let at = parse_timestamp(message["timestamp"].as_str()?)?;
    let offset_ms = at.duration_since(system_now()).0;
    (offset_ms.abs() > TIMESTAMP_WINDOW.0)
        .then(|| format!("timestamp {at} is {} s off", offset_ms / 1000))
}

/// Both signatures, on the bytes that arrived.
fn verify_signatures(
    request: &HttpRequest,
    body: &[u8],
    verification_keys: &VerificationKeys,
) -> Result<(), String> {
    let header = |name: &str| {
        let value = request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok());
        value.ok_or_else(|| format!("the header {name} is missing"))
    };
    let keys: Vec<_> = verification_keys.keys.iter().collect();
    jws::verify_detached(header("x-jws-signature")?, body, &keys)
        .map_err(|error| error.to_string())?;
    let timestamp = header("webhook-timestamp")?
        .parse()
        .map_err(|_| "webhook-timestamp is no number".to_owned())?;
    let (signature, id) = (header("webhook-signature")?, header("webhook-id")?);
    if verification_keys
        .secrets
        .iter()
        .any(|secret| signature == webhook::sign_payload(secret, id, timestamp, body))
    {
        Ok(())
    } else {
        Err("webhook-signature does not match".to_owned())
    }
}
