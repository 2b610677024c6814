//! Sends a delivery and records how it went.

use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use thiserror::Error;
use tokio::time::Instant;

use crate::crypto::keys::Keyring;
use crate::crypto::webhook;
use crate::domain::delivery::{Attempt, Delivery, Message, Outcome};
use crate::domain::notice::NoticeKind;
use crate::domain::participants::{Fiu, SignatureProfile};
use crate::engine::clock::wall;
use crate::engine::world::World;
use crate::webhooks::message::prepare;
use crate::wire::notification::objection;

/// How much of an answer is read and kept.
const ANSWER_BYTES_MAX: usize = 20_000;

/// Paths below an FIU's base URL.
#[derive(Clone, Debug)]
pub struct Routes {
    /// Where statements go; ours, so it can be set.
    pub fi_data: String,
}

impl Routes {
    fn path(&self, kind: NoticeKind) -> &str {
        if kind == NoticeKind::FiData { &self.fi_data } else { kind.path() }
    }
}

/// Sends deliveries.
#[derive(Debug)]
pub struct Courier {
    client: Client,
    answer_within: Duration,
    keys: Arc<Keyring>,
    routes: Routes,
}

/// The HTTP client could not be made.
#[derive(Debug, Error)]
#[error("the HTTP client for webhooks could not be made: {0}")]
pub struct CourierError(#[from] reqwest::Error);

impl Courier {
    /// `answer_within` is how long an FIU may take to answer, in wall time.
    ///
    /// # Errors
    /// [`CourierError`] when the HTTP client cannot be made.
    pub fn new(keys: Arc<Keyring>, routes: Routes, answer_within: Duration) -> Result<Self, CourierError> {
        let builder = || {
            Client::builder()
                .timeout(answer_within)
                .redirect(Policy::none())
                .no_proxy()
                .user_agent(concat!("mockaa/", env!("CARGO_PKG_VERSION")))
        };
        // A machine without CA certificates (a bare container) still reaches an FIU over plain HTTP.
        let client = builder().build().or_else(|error| {
            tracing::warn!(%error, "no CA certificates found; webhooks to https addresses will fail");
            builder().tls_certs_only(Vec::new()).build()
        })?;
        Ok(Self { client, answer_within, keys, routes })
    }

    /// Makes one attempt and records it; where the FIU has no address, records what would have been sent.
    pub async fn send(self: Arc<Self>, world: Arc<World>, delivery: Delivery) {
        let Some(message) = self.message(&world, &delivery).await else { return };
        if world.is_closed() {
            return;
        }
        let participants = world.participants();
        let fiu = participants.fiu(&delivery.notice.fiu).expect("only registered FIUs are given deliveries");
        let kind = delivery.notice.kind();
        let Some(url) = fiu.webhooks.of(kind, self.routes.path(kind)) else {
            world.shelve(delivery.id, message);
            return;
        };
        let attempt = self.attempt(&world, fiu, url, &delivery, &message).await;
        let outcome = &attempt.outcome;
        tracing::info!(
            world = world.name(),
            event = delivery.notice.kind().as_str(),
            handle = %delivery.notice.consent.handle,
            attempt = delivery.attempts.len() + 1,
            outcome = %summary(outcome),
            "webhook"
        );
        world.attempted(delivery.id, message, attempt);
    }

    /// The bytes of the first attempt, again; made and signed before it. `None` when the sandbox is stopping.
    async fn message(&self, world: &Arc<World>, delivery: &Delivery) -> Option<Arc<Message>> {
        if let Some(message) = &delivery.message {
            return Some(Arc::clone(message));
        }
        let (notice, world) = (Arc::clone(&delivery.notice), Arc::clone(world));
        let key = Arc::clone(&self.keys.of(&notice.consent.aa).private);
        let made = tokio::task::spawn_blocking(move || {
            let participants = world.participants();
            let profile = participants.fiu(&notice.fiu).map_or(SignatureProfile::Detached, |fiu| fiu.signature);
            prepare(&notice, participants.aa_of(&notice.consent), &key, profile, &world)
        });
        made.await.ok().map(Arc::new)
    }

    async fn attempt(&self, world: &World, fiu: &Fiu, url: String, delivery: &Delivery, message: &Message) -> Attempt {
        let headers = headers(world, fiu, delivery, message);
        let (at, wall_at) = (world.now(), wall());
        let started = Instant::now();
        let mut request = self.client.post(&url).body(message.body.clone());
        for (name, value) in &headers {
            request = request.header(name, value);
        }
        let outcome = match request.send().await {
            Ok(response) => self.outcome_of(response).await,
            Err(error) => Outcome::Failed { reason: self.reason_of(&error) },
        };
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Attempt { at, wall_at, duration_ms, url, headers, outcome }
    }

    /// 2xx is success; a redirect is a refusal like any other (Standard Webhooks 1.0).
    async fn outcome_of(&self, mut response: Response) -> Outcome {
        let status = response.status();
        let mut body = Vec::new();
        while body.len() < ANSWER_BYTES_MAX {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk[..chunk.len().min(ANSWER_BYTES_MAX - body.len())]),
                Ok(None) => break,
                Err(error) => {
                    return Outcome::Failed { reason: format!("answered {status}, then: {}", self.reason_of(&error)) };
                }
            }
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        let status_code = status.as_u16();
        if status.is_success() {
            let remark = objection(&body);
            Outcome::Accepted { status: status_code, body, remark }
        } else {
            Outcome::Refused { status: status_code, body }
        }
    }

    /// The whole chain of causes: "error sending request" alone says nothing.
    fn reason_of(&self, error: &reqwest::Error) -> String {
        if error.is_timeout() {
            return format!("no answer within {} s", self.answer_within.as_secs_f32());
        }
        let mut reason = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            reason = format!("{reason}: {inner}");
            cause = inner.source();
        }
        reason
    }
}

/// `webhook-timestamp` is the attempt's, as Standard Webhooks 1.0 has it; the body keeps its own.
fn headers(world: &World, fiu: &Fiu, delivery: &Delivery, message: &Message) -> Vec<(String, String)> {
    let id = format!("msg_{}", delivery.notice.message);
    let timestamp_s = world.message_time().as_millis().div_euclid(1000);
    let signature = webhook::sign(&fiu.webhook_secret, &id, timestamp_s, &message.body);
    let aa_api_key = world.participants().aa_of(&delivery.notice.consent).api_key.to_string();
    let headers = [
        ("content-type", Some("application/json".to_owned())),
        ("aa_api_key", Some(aa_api_key)),
        ("x-jws-signature", message.signature.clone()),
        ("webhook-id", Some(id)),
        ("webhook-timestamp", Some(timestamp_s.to_string())),
        ("webhook-signature", Some(signature)),
    ];
    headers.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn summary(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Accepted { status, remark: None, .. } => format!("accepted with {status}"),
        Outcome::Accepted { status, remark: Some(remark), .. } => format!("accepted with {status}, but {remark}"),
        Outcome::Refused { status, .. } => format!("refused with {status}"),
        Outcome::Failed { reason } => format!("failed: {reason}"),
    }
}
