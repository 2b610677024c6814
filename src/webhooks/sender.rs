//! Sends a delivery and records how it went.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Body, Client, Response, Url, Version};
use socket2::SockRef;
use thiserror::Error;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::crypto::keys::Keyring;
use crate::domain::delivery::{Attempt, AttemptOutcome, Delivery};
use crate::domain::notification::NotificationKind;
use crate::domain::time::Millis;
use crate::domain::webhook_fault::{TransportVariant, WebhookFault};
use crate::engine::clock::system_now;
use crate::engine::world::World;
use crate::webhooks::fault_injection::{AttemptInput, OutgoingRequest, SendMode, build_attempt};
use crate::webhooks::message::prepare_message;
use crate::webhooks::throttle::ThrottledBody;
use crate::wire::notification::find_ack_error;

/// How much of an answer is read and kept.
const RESPONSE_BYTES_MAX: usize = 20_000;

/// Paths below an FIU's base URL.
#[derive(Clone, Debug)]
pub struct WebhookPaths {
    /// Where statements go; ours, so it can be set.
    pub fi_data: String,
}

impl WebhookPaths {
    fn path_for(&self, kind: NotificationKind) -> &str {
        if kind == NotificationKind::FiData {
            &self.fi_data
        } else {
            kind.default_path()
        }
    }
}

/// Sends deliveries.
#[derive(Debug)]
pub struct WebhookSender {
    client: Client,
    response_timeout: Duration,
    keys: Arc<Keyring>,
    paths: WebhookPaths,
}

/// The HTTP client could not be made.
#[derive(Debug, Error)]
#[error("the HTTP client for webhooks could not be made: {0}")]
pub struct SenderError(#[from] reqwest::Error);

impl WebhookSender {
    /// `answer_within` is how long an FIU may take to answer, in wall time.
    ///
    /// # Errors
    /// [`CourierError`] when the HTTP client cannot be made.
    pub fn new(
        keys: Arc<Keyring>,
        paths: WebhookPaths,
        response_timeout: Duration,
    ) -> Result<Self, SenderError> {
        let builder = || {
            Client::builder()
                .timeout(response_timeout)
                .redirect(Policy::none())
                .no_proxy()
                .user_agent(concat!("mockaa/", env!("CARGO_PKG_VERSION")))
        };
        // A machine without CA certificates (a bare container) still reaches an FIU over plain HTTP.
        let client = builder().build().or_else(|error| {
            tracing::warn!(%error, "no CA certificates found; webhooks to https addresses will fail");
            builder().tls_certs_only(Vec::new()).build()
        })?;
        Ok(Self {
            client,
            response_timeout,
            keys,
            paths,
        })
    }

    /// Makes one attempt and records it; where the FIU has no address, records what would have been sent.
    #[expect(
        clippy::disallowed_methods,
        reason = "a fault may ask for a pause between copies"
    )]
    pub async fn send_delivery(self: Arc<Self>, world: Arc<World>, delivery: Delivery) {
        if delivery.attempts.is_empty() && delivery.initial_delay > Millis::ZERO {
            tokio::time::sleep(to_duration(delivery.initial_delay)).await;
        }
        // The sandbox is stopping.
        let Some(outgoing) = self.prepare_attempt(&world, &delivery).await else {
            return;
        };
        if world.is_closed() {
            return;
        }
        let participants = world.participants();
        let fiu = participants
            .find_fiu(&delivery.notification.fiu)
            .expect("only registered FIUs are given deliveries");
        let kind = delivery.notification.kind();
        let Some(url) = fiu.webhooks.url_for(kind, self.paths.path_for(kind)) else {
            world.mark_unaddressed(delivery.id);
            return;
        };
        // Who resets a world wants nothing of it to arrive any more.
        let attempt = tokio::select! {
            attempt = self.perform_attempt(&world, url, &delivery, outgoing) => attempt,
            () = world.wait_until_closed() => return,
        };
        tracing::info!(
            world = world.name(),
            event = delivery.notification.kind().as_str(),
            handle = %delivery.notification.consent.handle,
            attempt = delivery.attempts.len() + 1,
            outcome = %attempt.outcome,
            "webhook"
        );
        world.record_attempt(delivery.id, attempt);
    }

    /// What this attempt sends: the bytes of the first one, made and signed before it, with what is to go wrong now.
    async fn prepare_attempt(
        &self,
        world: &Arc<World>,
        delivery: &Delivery,
    ) -> Option<OutgoingRequest> {
        let world = Arc::clone(world);
        let key = Arc::clone(
            &self
                .keys
                .key_for_aa(&delivery.notification.consent.aa)
                .private,
        );
        let spare = Arc::clone(self.keys.spare_key());
        let faults: Vec<_> = delivery
            .faults_on_attempt(attempt_number(delivery))
            .cloned()
            .collect();
        if faults.contains(&WebhookFault::RotatedKey) {
            world.rotate_keys();
        }
        let (notification, message) = (
            Arc::clone(&delivery.notification),
            Arc::clone(&delivery.message),
        );
        let task = tokio::task::spawn_blocking(move || {
            let participants = world.participants();
            let fiu = participants
                .find_fiu(&notification.fiu)
                .expect("only registered FIUs are given deliveries");
            let aa = participants.aa_for_consent(&notification.consent);
            let message = message
                .get_or_init(|| prepare_message(&notification, aa, &key, fiu.signature, &world));
            let material = AttemptInput {
                message,
                key: &key,
                spare_key: &spare,
                profile: fiu.signature,
                secret: &fiu.webhook_secret,
                webhook_id: &notification.webhook_id(),
                aa_api_key: &aa.api_key,
                at: world.message_time(),
            };
            build_attempt(&material, &faults)
        });
        task.await.ok()
    }

    async fn perform_attempt(
        &self,
        world: &World,
        url: String,
        delivery: &Delivery,
        outgoing: OutgoingRequest,
    ) -> Attempt {
        let number = attempt_number(delivery);
        let is_unaltered = delivery
            .message
            .get()
            .is_some_and(|message| message.body == outgoing.body);
        let altered_body = (!is_unaltered).then(|| Arc::from(outgoing.body.as_slice()));
        let (at, wall_at) = (world.now(), system_now());
        let started = Instant::now();
        let headers = outgoing.headers.clone();
        let (outcome, retry_after) = if delivery
            .faults_on_attempt(number)
            .any(|fault| *fault == WebhookFault::Fail)
        {
            let reason = "not sent: the attempt was made to fail on purpose".to_owned();
            (AttemptOutcome::Failed { reason }, None)
        } else {
            self.post_request(&url, outgoing).await
        };
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let faults = delivery.fault_names(number);
        Attempt {
            at,
            system_time: wall_at,
            duration_ms,
            url,
            headers,
            outcome,
            faults,
            faulty_body: altered_body,
            retry_after,
        }
    }

    async fn post_request(
        &self,
        url: &str,
        outgoing: OutgoingRequest,
    ) -> (AttemptOutcome, Option<Millis>) {
        let OutgoingRequest {
            headers,
            body,
            mode,
        } = outgoing;
        if mode == SendMode::Reset && url.starts_with("http://") {
            let head = headers
                .iter()
                .map(|(name, value)| format!("{name}: {value}\r\n"))
                .collect::<String>();
            let reason = match tokio::time::timeout(
                self.response_timeout,
                reset_mid_body(url, &head, &body),
            )
            .await
            {
                Ok(Ok(())) => {
                    "the connection was reset in the middle of the body, on purpose".to_owned()
                }
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!(
                    "no connection within {} s",
                    self.response_timeout.as_secs_f32()
                ),
            };
            return (AttemptOutcome::Failed { reason }, None);
        }
        let mut request = self.client.post(url);
        for (name, value) in &headers {
            request = request.header(name, value);
        }
        let request = match mode {
            SendMode::Plain => request.body(body),
            SendMode::Throttled(millis) => {
                let duration = to_duration(millis);
                request
                    .timeout(self.response_timeout + duration)
                    .body(Body::wrap(ThrottledBody::with_duration(body, duration)))
            }
            SendMode::Reset => request.body(Body::wrap(ThrottledBody::with_broken_end(body))),
            SendMode::Transport(TransportVariant::Chunked) => {
                request.body(Body::wrap(ThrottledBody::with_chunked_encoding(body)))
            }
            SendMode::Transport(TransportVariant::Http10) => {
                request.version(Version::HTTP_10).body(body)
            }
            SendMode::Transport(TransportVariant::ExpectContinue) => {
                request.header("expect", "100-continue").body(body)
            }
            SendMode::Transport(TransportVariant::FreshConnection) => {
                request.header("connection", "close").body(body)
            }
        };
        match request.send().await {
            Ok(response) => {
                let retry_after = parse_retry_after(&response);
                (self.read_outcome(response).await, retry_after)
            }
            Err(error) => (
                AttemptOutcome::Failed {
                    reason: self.describe_error(&error),
                },
                None,
            ),
        }
    }

    /// 2xx is success; a redirect is a refusal like any other (Standard Webhooks 1.0).
    async fn read_outcome(&self, mut response: Response) -> AttemptOutcome {
        let status = response.status();
        let mut body = Vec::new();
        while body.len() < RESPONSE_BYTES_MAX {
            match response.chunk().await {
                Ok(Some(chunk)) => {
                    body.extend_from_slice(
                        &chunk[..chunk.len().min(RESPONSE_BYTES_MAX - body.len())],
                    );
                }
                Ok(None) => break,
                Err(error) => {
                    return AttemptOutcome::Failed {
                        reason: format!("answered {status}, then: {}", self.describe_error(&error)),
                    };
                }
            }
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        let status_code = status.as_u16();
        if status.is_success() {
            let remark = find_ack_error(&body);
            AttemptOutcome::Accepted {
                status: status_code,
                body,
                remark,
            }
        } else {
            AttemptOutcome::Rejected {
                status: status_code,
                body,
            }
        }
    }

    /// The whole chain of causes: "error sending request" alone says nothing.
    fn describe_error(&self, error: &reqwest::Error) -> String {
        if error.is_timeout() {
            return format!("no answer within {} s", self.response_timeout.as_secs_f32());
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

/// The number of the attempt that is made next.
fn attempt_number(delivery: &Delivery) -> u32 {
    u32::try_from(delivery.attempts.len() + 1).unwrap_or(u32::MAX)
}

/// A length of wall time.
fn to_duration(span: Millis) -> Duration {
    Duration::from_millis(u64::try_from(span.0).unwrap_or_default())
}

/// How long the FIU asks to be left alone (RFC 9110 §10.2.3, in seconds; a date is not looked at).
fn parse_retry_after(response: &Response) -> Option<Millis> {
    let seconds = response
        .headers()
        .get("retry-after")?
        .to_str()
        .ok()?
        .trim()
        .parse::<u32>()
        .ok()?;
    Some(Millis::from_secs(i64::from(seconds)))
}

/// Sends the first half of a request's body, and resets the connection.
async fn reset_mid_body(url: &str, head: &str, body: &[u8]) -> io::Result<()> {
    let url = Url::parse(url).map_err(io::Error::other)?;
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(80);
    let address = format!("{host}:{port}");
    let mut stream = TcpStream::connect(&address).await?;
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\n{head}content-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body[..length / 2]).await?;
    stream.flush().await?;
    SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    Ok(())
}
