//! A small FIU server: receives webhooks over HTTP and checks the AA's API key and both signatures
//! of each, as every FIU should. Printing and grading belong to the commands that use it.

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
use crate::domain::call_facts::MESSAGE_TOLERANCE;
use crate::domain::participants::PublicKey;
use crate::domain::text::quote_value;
use crate::engine::clock::system_now;
use crate::wire::fields::parse_timestamp;
use crate::wire::token::Claims;

/// A webhook that the inbox has received and verified.
#[derive(Debug)]
pub(crate) struct ReceivedWebhook {
    pub path: String,
    pub webhook_id: String,
    /// The first check that failed; `None` if the webhook is valid.
    pub error: Option<String>,
    /// The body as it came.
    pub body: Bytes,
    /// The body as JSON; null if it is not JSON.
    pub message: Value,
    /// The status of the response.
    pub status: u16,
}

/// The running FIU server with its received webhooks.
#[derive(Debug)]
pub(crate) struct Inbox {
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

/// The behavior of the FIU.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReceiverBehavior {
    /// The status of all responses; `None`: 200 for valid webhooks, 401 for those with a wrong API
    /// key, 400 for other invalid ones.
    pub response_status: Option<u16>,
    /// Rejects messages whose timestamp is more than 15 minutes off. Off where messages carry world
    /// time.
    pub checks_timestamps: bool,
}

/// The keys and secrets that webhooks are verified with.
#[derive(Debug, Default)]
struct VerificationKeys {
    /// The published keys of the AAs.
    keys: Vec<PublicKey>,
    /// The webhook secrets of the FIUs whose webhooks arrive here.
    secrets: Vec<String>,
}

impl Inbox {
    /// Starts the server; port 0 selects a free port.
    pub(crate) fn start(
        bind: IpAddr,
        port: u16,
        behavior: ReceiverBehavior,
    ) -> anyhow::Result<Self> {
        let (sender, messages) = unbounded_channel();
        let state = Arc::new(InboxState {
            verification_keys: RwLock::default(),
            sender,
            behavior,
        });
        let data = Data::from(Arc::clone(&state));
        let limit = PayloadConfig::new(BODY_BYTES_MAX);
        let server = HttpServer::new(move || {
            App::new()
                .app_data(limit.clone())
                .app_data(data.clone())
                .default_service(to(receive_webhook))
        })
        .workers(1)
        .disable_signals()
        .bind((bind, port))
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

    /// Replaces the published keys and the webhook secrets that webhooks are verified with.
    pub(crate) fn set_verification_keys(
        &self,
        jwks: &Value,
        secrets: Vec<String>,
    ) -> anyhow::Result<()> {
        let keys: Option<Vec<_>> = jwks["keys"]
            .as_array()
            .and_then(|keys| keys.iter().map(parse_rsa_jwk).collect());
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

    pub(crate) fn aa_keys(&self) -> Vec<PublicKey> {
        self.state
            .verification_keys
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .keys
            .clone()
    }

    pub(crate) async fn stop(self) {
        self.server.stop(false).await;
    }
}

fn parse_rsa_jwk(jwk: &Value) -> Option<PublicKey> {
    Some(PublicKey {
        kid: jwk["kid"].as_str()?.to_owned(),
        modulus: jwk["n"].as_str().and_then(url_decode)?,
        exponent: jwk["e"].as_str().and_then(url_decode)?,
    })
}

/// The largest accepted body, in bytes. It exceeds the largest body of the `huge` fault.
const BODY_BYTES_MAX: usize = 128 * 1024 * 1024;

async fn receive_webhook(
    request: HttpRequest,
    body: Bytes,
    state: Data<InboxState>,
) -> HttpResponse {
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let verification_keys = state
        .verification_keys
        .read()
        .unwrap_or_else(PoisonError::into_inner);
    let api_key_error = check_api_key(&request, &message, &verification_keys.keys).err();
    let is_unauthorized = api_key_error.is_some();
    let error = api_key_error
        .or_else(|| verify_signatures(&request, &body, &verification_keys).err())
        .or_else(|| {
            state
                .behavior
                .checks_timestamps
                .then(|| check_timestamp(&message))
                .flatten()
        });
    drop(verification_keys);
    let answer = json!({
        "ver": message["ver"], "timestamp": message["timestamp"], "txnid": message["txnid"], "response": "OK",
    });
    let status = state.behavior.response_status.unwrap_or(match &error {
        None => 200,
        Some(_) if is_unauthorized => 401,
        Some(_) => 400,
    });
    let webhook_id = request
        .headers()
        .get("webhook-id")
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default();
    let received = ReceivedWebhook {
        path: request.path().to_owned(),
        webhook_id: webhook_id.to_owned(),
        error,
        body,
        message,
        status,
    };
    // The receiver is gone once the command stops; the response does not depend on it.
    let _ = state.sender.send(received);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    if status.is_success() {
        HttpResponse::build(status).json(answer)
    } else {
        HttpResponse::build(status).finish()
    }
}

/// Returns an error if the message timestamp is outside the window. A message without a timestamp
/// passes.
fn check_timestamp(message: &Value) -> Option<String> {
    let at = parse_timestamp(message["timestamp"].as_str()?)?;
    let offset_ms = at.duration_since(system_now()).0;
    (offset_ms.abs() > MESSAGE_TOLERANCE.0)
        .then(|| format!("timestamp {at} is {} s off", offset_ms / 1000))
}

/// Checks `aa_api_key`: a token must be signed with a published key, be valid now and belong to the
/// notifier. A key that is no token is accepted, since only the AA and the FIU know it.
fn check_api_key(request: &HttpRequest, message: &Value, keys: &[PublicKey]) -> Result<(), String> {
    let api_key = required_header(request, "aa_api_key")?;
    if !api_key.contains('.') {
        return Ok(());
    }
    let payload = keys
        .iter()
        .find_map(|key| jws::verify_compact(api_key, key))
        .ok_or("the signature of the token in aa_api_key does not match")?;
    let claims: Claims = serde_json::from_slice(&payload)
        .map_err(|error| format!("the token in aa_api_key has other claims: {error}"))?;
    if !claims.validity().contains(system_now()) {
        return Err("the token in aa_api_key is not valid now".to_owned());
    }
    match message["Notifier"]["id"].as_str() {
        Some(notifier) if notifier != claims.entity_id() => Err(format!(
            "the token in aa_api_key belongs to {}, and the notifier is {}",
            claims.entity_id(),
            quote_value(notifier)
        )),
        _ => Ok(()),
    }
}

/// Verifies `x-jws-signature` and `webhook-signature` over the received bytes.
fn verify_signatures(
    request: &HttpRequest,
    body: &[u8],
    verification_keys: &VerificationKeys,
) -> Result<(), String> {
    let keys: Vec<_> = verification_keys.keys.iter().collect();
    jws::verify_detached(required_header(request, "x-jws-signature")?, body, &keys)
        .map_err(|error| error.to_string())?;
    let timestamp = required_header(request, "webhook-timestamp")?
        .parse()
        .map_err(|_| "webhook-timestamp is not a number".to_owned())?;
    let signature = required_header(request, "webhook-signature")?;
    let id = required_header(request, "webhook-id")?;
    if verification_keys
        .secrets
        .iter()
        .any(|secret| webhook::is_valid_payload(secret, id, timestamp, body, signature))
    {
        Ok(())
    } else {
        Err("webhook-signature does not match".to_owned())
    }
}

fn required_header<'a>(request: &'a HttpRequest, name: &str) -> Result<&'a str, String> {
    request
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok())
        .ok_or_else(|| format!("missing header {name}"))
}
