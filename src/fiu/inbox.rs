//! A small FIU server: receives webhooks over HTTP and checks the AA's API key and both signatures
//! of each, as every FIU should. Printing and grading belong to the commands that use it.

use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::http::uri::PathAndQuery;
use actix_web::web::{Bytes, Data, PayloadConfig, get, to};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use anyhow::Context;
use reqwest::Client;
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::crypto::trust::TrustedCas;
use crate::domain::call_facts::MESSAGE_TOLERANCE;
use crate::domain::participants::PublicKey;
use crate::domain::time::Timestamp;
use crate::engine::clock::system_now;
use crate::fiu::webhook_check::{VerificationKeys, WebhookError};
use crate::wire::fields::parse_timestamp;

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
    /// The headers as they came.
    pub headers: Vec<(String, String)>,
    /// The answer of the application, or the reason why there is none; `None` if nothing is forwarded.
    pub forwarded: Option<Result<ForwardedAnswer, String>>,
}

/// The answer of the application to which an inbox forwards.
#[derive(Debug)]
pub(crate) struct ForwardedAnswer {
    pub status: u16,
    pub content_type: Option<String>,
    pub body: Bytes,
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
    application: Option<Application>,
}

/// The application to which an inbox forwards each webhook.
#[derive(Clone, Debug)]
pub(crate) struct Application {
    client: Client,
    /// Without a slash at its end.
    base_url: String,
}

/// Time that an application has to answer.
const APPLICATION_TIMEOUT: Duration = Duration::from_secs(15);

/// Headers of one connection (RFC 9110, section 7.6.1), and those that the client writes itself.
const CONNECTION_HEADERS: [&str; 9] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

impl Application {
    /// Returns the application at this base URL.
    ///
    /// # Errors
    /// The text is not an http or https URL.
    pub(crate) fn new(base_url: &str, trusted: &TrustedCas) -> anyhow::Result<Self> {
        let url = reqwest::Url::parse(base_url).context("it is not a URL")?;
        anyhow::ensure!(
            ["http", "https"].contains(&url.scheme()) && url.query().is_none(),
            "give an http or https URL without a query"
        );
        let client = trusted.build_client(|| {
            let builder = Client::builder().timeout(APPLICATION_TIMEOUT);
            builder.redirect(Policy::none()).no_proxy()
        })?;
        Ok(Self {
            client,
            base_url: base_url.trim_end_matches('/').to_owned(),
        })
    }

    /// Sends the same path, headers and bytes to the application.
    async fn forward(
        &self,
        path: &str,
        headers: &[(String, String)],
        body: Bytes,
    ) -> Result<ForwardedAnswer, String> {
        let mut request = self.client.post(format!("{}{path}", self.base_url));
        let passed = headers
            .iter()
            .filter(|(name, _)| !CONNECTION_HEADERS.contains(&name.as_str()));
        for (name, value) in passed {
            request = request.header(name, value);
        }
        let answer = request.body(body).send().await.map_err(|error| {
            let cause = std::error::Error::source(&error);
            cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
        })?;
        let content_type = answer.headers().get("content-type");
        let content_type = content_type.and_then(|value| value.to_str().ok());
        Ok(ForwardedAnswer {
            status: answer.status().as_u16(),
            content_type: content_type.map(str::to_owned),
            body: answer.bytes().await.map_err(|error| error.to_string())?,
        })
    }
}

impl InboxState {
    /// Returns the first check that a webhook fails, and whether its API key is wrong.
    fn find_error(
        &self,
        request: &HttpRequest,
        body: &[u8],
        message: &Value,
    ) -> (Option<String>, bool) {
        let verification_keys = self
            .verification_keys
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let now = system_now();
        match verification_keys.check_webhook(request.headers(), body, message, now) {
            Err(WebhookError::ApiKey(error)) => (Some(error), true),
            Err(WebhookError::Signature(error)) => (Some(error), false),
            Ok(()) if self.behavior.checks_timestamps => (check_timestamp(message, now), false),
            Ok(()) => (None, false),
        }
    }
}

/// Path of a GET by which an inbox is recognised.
const INBOX_PATH: &str = "/.well-known/mockaa-inbox";

/// Returns whether an inbox of this program answers at the URL.
pub(crate) async fn is_inbox(url: &str) -> bool {
    // An inbox has no certificate.
    let client = Client::builder().no_proxy().timeout(INBOX_TIMEOUT);
    let Ok(client) = client.tls_certs_only(Vec::new()).build() else {
        return false;
    };
    let answer = client.get(format!("{url}{INBOX_PATH}")).send().await;
    answer.is_ok_and(|answer| answer.status().as_u16() == 204)
}

/// Time in which an inbox says that it is one.
const INBOX_TIMEOUT: Duration = Duration::from_secs(1);

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

impl Inbox {
    /// Starts the server; port 0 selects a free port. With an application, each webhook is forwarded
    /// to it, and its answer is the inbox's.
    pub(crate) fn start(
        (bind, port): (IpAddr, u16),
        behavior: ReceiverBehavior,
        application: Option<Application>,
    ) -> anyhow::Result<Self> {
        let (sender, messages) = unbounded_channel();
        let state = Arc::new(InboxState {
            verification_keys: RwLock::default(),
            sender,
            behavior,
            application,
        });
        let data = Data::from(Arc::clone(&state));
        let limit = PayloadConfig::new(BODY_BYTES_MAX);
        let server = HttpServer::new(move || {
            App::new()
                .app_data(limit.clone())
                .app_data(data.clone())
                .route(INBOX_PATH, get().to(async || HttpResponse::NoContent()))
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
        let keys = VerificationKeys::parse(jwks, secrets).context("the JWK set has no RSA keys")?;
        *self
            .state
            .verification_keys
            .write()
            .unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    pub(crate) fn aa_keys(&self) -> Vec<PublicKey> {
        self.state
            .verification_keys
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .aa_keys
            .clone()
    }

    pub(crate) async fn stop(self) {
        self.server.stop(false).await;
    }
}

/// The largest accepted body, in bytes. It exceeds the largest body of the `huge` fault.
const BODY_BYTES_MAX: usize = 128 * 1024 * 1024;

async fn receive_webhook(
    request: HttpRequest,
    body: Bytes,
    state: Data<InboxState>,
) -> HttpResponse {
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (error, is_unauthorized) = state.find_error(&request, &body, &message);
    let headers: Vec<_> = request
        .headers()
        .iter()
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect();
    let forwarded = match &state.application {
        Some(application) => {
            let path = request.uri().path_and_query();
            let path = path.map_or("/", PathAndQuery::as_str);
            Some(application.forward(path, &headers, body.clone()).await)
        }
        None => None,
    };
    let own_status = match (&forwarded, &error) {
        (Some(Ok(answer)), _) => answer.status,
        (Some(Err(_)), _) => 502,
        (None, None) => 200,
        (None, Some(_)) if is_unauthorized => 401,
        (None, Some(_)) => 400,
    };
    let status = state.behavior.response_status.unwrap_or(own_status);
    let response = build_response(status, &message, forwarded.as_ref());
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
        headers,
        forwarded,
    };
    // The receiver is gone once the command stops; the response does not depend on it.
    let _ = state.sender.send(received);
    response
}

/// Builds the answer: the application's body, else an acknowledgement of a webhook that is accepted.
fn build_response(
    status: u16,
    message: &Value,
    forwarded: Option<&Result<ForwardedAnswer, String>>,
) -> HttpResponse {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let mut response = HttpResponse::build(status);
    if let Some(Ok(answer)) = forwarded {
        if let Some(content_type) = &answer.content_type {
            response.insert_header(("content-type", content_type.as_str()));
        }
        return response.body(answer.body.clone());
    }
    if status.is_success() {
        response.json(json!({
            "ver": message["ver"], "timestamp": message["timestamp"], "txnid": message["txnid"], "response": "OK",
        }))
    } else {
        response.finish()
    }
}

/// Returns an error if the message timestamp is outside the window. A message without a timestamp
/// passes.
fn check_timestamp(message: &Value, now: Timestamp) -> Option<String> {
    let at = parse_timestamp(message["timestamp"].as_str()?)?;
    let offset_ms = at.duration_since(now).0;
    (offset_ms.abs() > MESSAGE_TOLERANCE.0)
        .then(|| format!("timestamp {at} is {} s off", offset_ms / 1000))
}
