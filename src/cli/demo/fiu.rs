//! A small FIU: receives webhooks over real HTTP and checks both signatures of each, as every FIU should.

use std::sync::{Arc, OnceLock};

use actix_web::dev::ServerHandle;
use actix_web::web::{Bytes, Data, to};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::crypto::base64::url_decode;
use crate::crypto::{jws, webhook};
use crate::domain::participants::PublicKey;

/// What the FIU has received and checked.
#[derive(Debug)]
pub struct Received {
    pub path: String,
    /// What is wrong with it; `None`: both signatures are right.
    pub flaw: Option<String>,
    pub body: Value,
}

/// The FIU's inbox.
#[derive(Debug)]
pub struct Fiu {
    pub url: String,
    pub inbox: UnboundedReceiver<Received>,
    trust: Arc<Trust>,
    server: ServerHandle,
}

/// Whom the FIU believes.
#[derive(Debug)]
struct Trust {
    /// The AA's keys, once they are known.
    keys: OnceLock<Vec<PublicKey>>,
    webhook_secret: OnceLock<String>,
    inbox: UnboundedSender<Received>,
}

impl Fiu {
    /// Starts it on a free port of 127.0.0.1.
    pub fn start() -> anyhow::Result<Self> {
        let (sender, inbox) = unbounded_channel();
        let trust = Arc::new(Trust { keys: OnceLock::new(), webhook_secret: OnceLock::new(), inbox: sender });
        let data = Data::from(Arc::clone(&trust));
        let server = HttpServer::new(move || App::new().app_data(data.clone()).default_service(to(receive)))
            .workers(1)
            .disable_signals()
            .bind(("127.0.0.1", 0))
            .context("the demo's FIU cannot listen on loopback")?;
        let url = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Ok(Self { url, inbox, trust, server: handle })
    }

    /// Pins the AA's published keys and the shared webhook secret.
    pub fn trust(&self, jwks: &Value, webhook_secret: &str) -> anyhow::Result<()> {
        let number = |key: &Value, name: &str| key[name].as_str().and_then(url_decode);
        let keys: Option<Vec<_>> = jwks["keys"].as_array().and_then(|keys| {
            let key = |key: &Value| {
                let kid = key["kid"].as_str()?.to_owned();
                Some(PublicKey { kid, modulus: number(key, "n")?, exponent: number(key, "e")? })
            };
            keys.iter().map(key).collect()
        });
        let keys = keys.filter(|keys| !keys.is_empty()).context("the JWK set has no RSA keys")?;
        let fresh =
            self.trust.keys.set(keys).is_ok() && self.trust.webhook_secret.set(webhook_secret.to_owned()).is_ok();
        ensure!(fresh, "keys are pinned once");
        Ok(())
    }

    pub fn keys(&self) -> &[PublicKey] {
        self.trust.keys.get().map_or(&[], Vec::as_slice)
    }

    pub async fn stop(self) {
        self.server.stop(false).await;
    }
}

async fn receive(request: HttpRequest, body: Bytes, trust: Data<Trust>) -> HttpResponse {
    let flaw = check(&request, &body, &trust).err();
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let answer = json!({
        "ver": message["ver"], "timestamp": message["timestamp"], "txnid": message["txnid"], "response": "OK",
    });
    let accepted = flaw.is_none();
    let received = Received { path: request.path().to_owned(), flaw, body: message };
    // The demo has ended when nobody listens; the answer is right all the same.
    let _ = trust.inbox.send(received);
    if accepted { HttpResponse::Ok().json(answer) } else { HttpResponse::BadRequest().finish() }
}

/// Both signatures, on the bytes that arrived.
fn check(request: &HttpRequest, body: &[u8], trust: &Trust) -> Result<(), String> {
    let header = |name: &str| {
        let value = request.headers().get(name).and_then(|value| value.to_str().ok());
        value.ok_or_else(|| format!("the header {name} is missing"))
    };
    let keys: Vec<_> = trust.keys.get().map_or(&[][..], Vec::as_slice).iter().collect();
    jws::verify_detached(header("x-jws-signature")?, body, &keys).map_err(|flaw| flaw.to_string())?;
    let timestamp = header("webhook-timestamp")?.parse().map_err(|_| "webhook-timestamp is no number".to_owned())?;
    let secret = trust.webhook_secret.get().ok_or("no webhook secret is pinned")?;
    if header("webhook-signature")? != webhook::sign(secret, header("webhook-id")?, timestamp, body) {
        return Err("webhook-signature does not match".to_owned());
    }
    Ok(())
}
