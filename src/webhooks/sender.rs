//! The webhook sender: makes an attempt of a delivery over HTTP and records its outcome. Retries
//! and order are decided by the engine's outbox.

use std::cell::LazyCell;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::redirect::Policy;
use reqwest::{Body, Client, ClientBuilder, Response, Url, Version};
use socket2::SockRef;
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::crypto::keys::Keyring;
use crate::crypto::trust::TrustedCas;
use crate::domain::call_facts::SentFacts;
use crate::domain::cause::Cause;
use crate::domain::client_hint::ClientHint;
use crate::domain::delivery::{Attempt, AttemptOutcome, Delivery};
use crate::domain::notification::NotificationKind;
use crate::domain::participants::{Aa, AaCredential, Participants, WebhookHeaders};
use crate::domain::time::{Millis, Timestamp};
use crate::domain::webhook_fault::{SigningFault, TransportVariant};
use crate::engine::clock::system_now;
use crate::engine::world::World;
use crate::platform::connection_limits::ConnectionLimits;
use crate::platform::{count_cores, is_out_of_resources};
use crate::webhooks::aa_api_key::{AaTokens, TokenIssuer};
use crate::webhooks::connection::{
    Resolver, check_host, connect, post_after_continue, request_path,
};
use crate::webhooks::fault_injection::{
    AttemptInput, OutgoingRequest, SendMode, build_attempt, find_effective_faults,
};
use crate::webhooks::message::{prepare_message, read_sent_facts};
use crate::webhooks::throttle::ThrottledBody;
use crate::wire::fields::parse_http_date;
use crate::wire::mask::{MASKED_HEADER, RequestMask, mask_target};
use crate::wire::notification::{RESPONSE_BYTES_MAX, check_acknowledgement, find_ack_error};

/// Paths below an FIU's base URL.
#[derive(Clone, Debug)]
pub(crate) struct WebhookPaths {
    /// Path of pushed statements. No specification defines it, so it is configurable.
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

/// Time for which an idle connection to an FIU is kept open.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// First pause after this machine had no resources for an attempt; it doubles up to the second.
const SHORTAGE_PAUSE_MIN: Duration = Duration::from_millis(10);
const SHORTAGE_PAUSE_MAX: Duration = Duration::from_secs(1);

/// This machine had no file, port or memory for a connection. The text is the system's error.
struct ResourceShortage(String);

/// An attempt that is ready to be made.
struct PreparedAttempt {
    outgoing: OutgoingRequest,
    facts: SentFacts,
    /// For each fault of the attempt, whether it shows in the request.
    effective_faults: Vec<bool>,
    /// `true` if one of those that show makes the message one that an FIU must reject.
    must_be_rejected: bool,
    /// The headers that the request would have without faults, if a fault changed them.
    faultless_headers: Option<Vec<(String, String)>>,
    /// Headers of the FIU's own, which no record shows.
    own_headers: WebhookHeaders,
}

/// HTTP client that makes the attempts of deliveries and records their outcomes.
#[derive(Debug)]
pub(crate) struct WebhookSender {
    /// Made for the first webhook, since reading the CAs of the system takes milliseconds.
    client: OnceLock<Client>,
    trusted: TrustedCas,
    response_timeout: Duration,
    keys: Arc<Keyring>,
    paths: WebhookPaths,
    /// Issuer of the AAs' tokens in the default world.
    issuer_url: String,
    limits: ConnectionLimits,
    /// One for each attempt of all worlds that may be made at the same time.
    slots: Semaphore,
    /// One for each attempt of all worlds that is prepared at the same time: a signature keeps a core
    /// busy.
    signers: Semaphore,
}

impl WebhookSender {
    /// Creates a sender. `issuer_url` is the issuer of tokens; `response_timeout` limits the wait for an
    /// FIU's response, in system time; FIUs with https addresses have a certificate of a CA of `trusted`.
    pub(crate) fn new(
        keys: Arc<Keyring>,
        paths: WebhookPaths,
        issuer_url: String,
        response_timeout: Duration,
        limits: ConnectionLimits,
        trusted: TrustedCas,
    ) -> Self {
        Self {
            client: OnceLock::new(),
            trusted,
            response_timeout,
            keys,
            paths,
            issuer_url,
            limits,
            slots: Semaphore::new(limits.deliveries),
            signers: Semaphore::new(count_cores()),
        }
    }

    fn client(&self) -> &Client {
        self.client.get_or_init(|| {
            let idle_per_host = self.limits.idle_per_host;
            let client = self
                .trusted
                .build_client(|| configure_client(self.response_timeout, idle_per_host));
            client.expect("the certificates have been read")
        })
    }

    /// Returns the number of webhooks of one world that are sent at the same time.
    pub(super) fn deliveries_per_world(&self) -> usize {
        self.limits.deliveries_per_world
    }

    /// Makes one attempt and records it. For an FIU without a URL it records the webhook that would
    /// have been sent.
    #[expect(
        clippy::disallowed_methods,
        reason = "a fault may ask for a pause between copies"
    )]
    pub(super) async fn send_delivery(
        self: Arc<Self>,
        world: Arc<World>,
        tokens: Arc<AaTokens>,
        delivery: Delivery,
    ) {
        if delivery.attempts.is_empty() && delivery.initial_delay > Millis::ZERO {
            tokio::select! {
                () = tokio::time::sleep(to_duration(delivery.initial_delay)) => {}
                () = world.wait_until_closed() => return,
            }
        }
        // `None` when the sandbox is stopping.
        let Some(prepared) = self.prepare_attempt(&world, tokens, &delivery).await else {
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
            world.driver().mark_unaddressed(delivery.id);
            return;
        };
        if !delivery.is_manual_resend && world.driver().is_disabled(&url) {
            world.driver().mark_disabled(delivery.id);
            return;
        }
        // Nothing of a world may arrive after it has been reset.
        let attempt = tokio::select! {
            attempt = self.perform_attempt(&world, url, &delivery, prepared) => attempt,
            () = world.wait_until_closed() => return,
        };
        log_attempt(&world, &delivery, &attempt);
        note_objection(&world, delivery.cause().cloned(), &attempt);
        world.driver().record_attempt(delivery.id, attempt);
    }

    /// Returns the request of this attempt: the signed message, made before the first attempt, with
    /// the faults of this attempt. `None` when the runtime is shutting down.
    async fn prepare_attempt(
        &self,
        world: &Arc<World>,
        tokens: Arc<AaTokens>,
        delivery: &Delivery,
    ) -> Option<PreparedAttempt> {
        let _signer = self.signers.acquire().await;
        let world = Arc::clone(world);
        let key = Arc::clone(
            &self
                .keys
                .key_for_aa(&delivery.notification.consent.aa)
                .private,
        );
        let spare_key = Arc::clone(self.keys.spare_key());
        let keys = Arc::clone(&self.keys);
        let token_key = Arc::clone(&self.keys.default_key().private);
        let issuer_url = format!("{}{}", self.issuer_url, world.base_path());
        let faults: Vec<_> = delivery
            .faults_on_attempt(attempt_number(delivery))
            .cloned()
            .collect();
        if faults.contains(&SigningFault::RotatedKey {}.into()) {
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
            let clocks = world.read_clocks();
            let issuer = TokenIssuer {
                base_url: &issuer_url,
                key: &token_key,
                clocks: [clocks.world, clocks.system],
            };
            let other_aa = LazyCell::new(|| other_aa(&participants, aa));
            let input = AttemptInput {
                message,
                key: &key,
                spare_key: &spare_key,
                // An AA that was made up has no key.
                foreign_key: &|| {
                    let own = keys.find_for_aa(&other_aa.id);
                    own.map_or(&spare_key, |keys| &keys.private)
                },
                profile: fiu.signature,
                secret: &fiu.webhook_secret,
                webhook_id: &notification.webhook_id(),
                aa_api_key: &tokens.api_key_of(aa, issuer),
                foreign_api_key: &|| tokens.api_key_of(&other_aa, issuer),
                at: world.time_rules(Some(&fiu.entity.id)).signing_time(clocks),
                own_headers: &fiu.webhook_headers,
            };
            let outgoing = build_attempt(&input, &faults);
            let facts = read_sent_facts(&outgoing, fiu.signature);
            let effective_faults = find_effective_faults(&input, &faults, &outgoing);
            let mut shown = faults.iter().zip(&effective_faults);
            let must_be_rejected =
                shown.any(|(fault, shows)| *shows && fault.name().must_be_rejected());
            let faultless_headers = effective_faults
                .contains(&true)
                .then(|| build_attempt(&input, &[]).headers)
                .filter(|headers| *headers != outgoing.headers);
            let own_headers = Arc::clone(&fiu.webhook_headers);
            PreparedAttempt {
                outgoing,
                facts,
                effective_faults,
                must_be_rejected,
                faultless_headers,
                own_headers,
            }
        });
        task.await.ok()
    }

    async fn perform_attempt(
        &self,
        world: &World,
        url: String,
        delivery: &Delivery,
        prepared: PreparedAttempt,
    ) -> Attempt {
        let PreparedAttempt {
            outgoing,
            facts,
            effective_faults,
            must_be_rejected,
            faultless_headers,
            own_headers,
        } = prepared;
        let number = attempt_number(delivery);
        let is_unaltered = delivery
            .message
            .get()
            .is_some_and(|message| message.body == outgoing.body);
        let faulty_body = (!is_unaltered).then(|| Arc::from(outgoing.body.as_slice()));
        let (at, system_time) = (world.now(), system_now());
        let started = Instant::now();
        let headers = mask_own_headers(&outgoing.headers, &own_headers);
        let faultless_headers =
            faultless_headers.map(|headers| mask_own_headers(&headers, &own_headers).into());
        let own_secrets = RequestMask::for_headers(own_headers.iter().map(|(_, value)| &**value));
        let (outcome, retry_after) = if outgoing.is_sent {
            match Url::parse(&url) {
                Ok(url) => self.post_with_resources(&url, outgoing).await,
                Err(error) => {
                    let reason = format!("the address cannot be read: {error}");
                    (AttemptOutcome::Failed { reason }, None)
                }
            }
        } else {
            let reason = "not sent: an injected fault makes the attempt fail".to_owned();
            (AttemptOutcome::Failed { reason }, None)
        };
        let outcome = mask_outcome(outcome, &own_secrets);
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let faults = delivery.fault_names(number);
        let acknowledgement = check_acknowledgement(&outcome, facts.txnid.as_deref());
        Attempt {
            at,
            system_time,
            duration_ms,
            url,
            headers,
            outcome,
            faults,
            effective_faults,
            must_be_rejected,
            faultless_headers,
            faulty_body,
            retry_after,
            facts,
            acknowledgement,
        }
    }

    /// Posts a request as soon as this machine has the resources for a connection: a lack of them
    /// is no answer of the FIU, so it uses up no attempt.
    #[expect(
        clippy::disallowed_methods,
        reason = "nothing tells when a file descriptor becomes free"
    )]
    async fn post_with_resources(
        &self,
        url: &Url,
        outgoing: OutgoingRequest,
    ) -> (AttemptOutcome, Option<Millis>) {
        let mut pause = SHORTAGE_PAUSE_MIN;
        loop {
            let slot = self.slots.acquire().await;
            match self.post_request(url, outgoing.clone()).await {
                Ok(posted) => return posted,
                Err(shortage) => tracing::warn!(
                    error = shortage.0,
                    "this machine has no resources for a webhook; it is sent later"
                ),
            }
            drop(slot);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(SHORTAGE_PAUSE_MAX);
        }
    }

    async fn post_request(
        &self,
        url: &Url,
        outgoing: OutgoingRequest,
    ) -> Result<(AttemptOutcome, Option<Millis>), ResourceShortage> {
        let OutgoingRequest {
            headers,
            body,
            mode,
            is_sent: _,
        } = outgoing;
        if let Err(reason) = check_host(url) {
            let reason = reason.to_owned();
            return Ok((AttemptOutcome::Failed { reason }, None));
        }
        // Without TLS, the connection itself can do what the client does not.
        let is_plain = url.scheme() == "http";
        match mode {
            SendMode::Reset if is_plain => {
                let reset = self.within_timeout(reset_mid_body(url, &headers, &body));
                let outcome = reset.await?.map(|()| {
                    "an injected fault reset the connection in the middle of the body".to_owned()
                });
                let (Ok(reason) | Err(reason)) = outcome;
                return Ok((AttemptOutcome::Failed { reason }, None));
            }
            SendMode::Transport(TransportVariant::ExpectContinue) if is_plain => {
                let post = self.within_timeout(post_after_continue(url, &headers, body));
                return Ok(match post.await? {
                    Ok(response) => self.read_response(response).await,
                    Err(reason) => (AttemptOutcome::Failed { reason }, None),
                });
            }
            _ => {}
        }
        let mut request = self.client().post(url.clone());
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
            Ok(response) => Ok(self.read_response(response).await),
            Err(error) if find_io_error(&error).is_some_and(is_out_of_resources) => {
                Err(ResourceShortage(self.describe_error(&error)))
            }
            Err(error) => {
                let reason = self.describe_error(&error);
                Ok((AttemptOutcome::Failed { reason }, None))
            }
        }
    }

    /// Performs an exchange within the time of a response. The inner error is the reason of its
    /// failure.
    async fn within_timeout<T>(
        &self,
        exchange: impl Future<Output = io::Result<T>>,
    ) -> Result<Result<T, String>, ResourceShortage> {
        match tokio::time::timeout(self.response_timeout, exchange).await {
            Ok(Ok(value)) => Ok(Ok(value)),
            Ok(Err(error)) if is_out_of_resources(&error) => {
                Err(ResourceShortage(error.to_string()))
            }
            Ok(Err(error)) => Ok(Err(describe_causes(&error))),
            Err(_) => Ok(Err(self.describe_timeout())),
        }
    }

    async fn read_response(&self, response: Response) -> (AttemptOutcome, Option<Millis>) {
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| parse_retry_after(value.to_str().ok()?, system_now()));
        (self.read_outcome(response).await, retry_after)
    }

    /// Reads a response. 2xx is success; every other status, redirects included, is a rejection
    /// (Standard Webhooks 1.0).
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

    fn describe_error(&self, error: &reqwest::Error) -> String {
        if error.is_timeout() {
            self.describe_timeout()
        } else {
            let causes = describe_causes(error);
            let is_unknown = causes.contains("UnknownIssuer");
            let remedy = if is_unknown {
                "; trust its CA with --ca FILE"
            } else {
                ""
            };
            causes + remedy
        }
    }

    fn describe_timeout(&self) -> String {
        let seconds = self.response_timeout.as_secs_f32();
        format!("no response within {seconds} s")
    }
}

/// Returns the error with its chain of causes; "error sending request" alone does not help.
fn describe_causes(error: &dyn std::error::Error) -> String {
    let mut reason = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        reason = format!("{reason}: {inner}");
        cause = inner.source();
    }
    reason
}

/// Returns the error of the operating system that caused this one.
fn find_io_error<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e io::Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>()
            && error.raw_os_error().is_some()
        {
            return Some(error);
        }
        cause = error.source();
    }
    None
}

/// Returns an AA other than `aa`: a participant, or where there is no other, an AA that is not
/// registered.
fn other_aa(participants: &Participants, aa: &Aa) -> Arc<Aa> {
    let other = participants.aas.iter().find(|other| other.id != aa.id);
    other.cloned().unwrap_or_else(|| {
        Arc::new(Aa {
            id: format!("{}-other", aa.id).into(),
            credential: AaCredential::Token,
            ..aa.clone()
        })
    })
}

fn configure_client(response_timeout: Duration, idle_per_host: usize) -> ClientBuilder {
    Client::builder()
        .timeout(response_timeout)
        .redirect(Policy::none())
        .no_proxy()
        .dns_resolver(Resolver)
        .pool_max_idle_per_host(idle_per_host)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .user_agent(concat!("mockaa/", env!("CARGO_PKG_VERSION")))
}

/// Returns the number of the next attempt, from 1.
fn attempt_number(delivery: &Delivery) -> u32 {
    u32::try_from(delivery.attempts.len() + 1).unwrap_or(u32::MAX)
}

/// Converts to a duration of system time; a negative one becomes zero.
fn to_duration(millis: Millis) -> Duration {
    Duration::from_millis(u64::try_from(millis.0).unwrap_or_default())
}

/// Parses `Retry-After`: seconds, or a date, which is compared with the system time `now`
/// (RFC 9110 §10.2.3). A date in the past asks for no delay.
fn parse_retry_after(value: &str, now: Timestamp) -> Option<Millis> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u32>() {
        return Some(Millis::from_secs(i64::from(seconds)));
    }
    let at = parse_http_date(value)?;
    Some(Millis((at.as_millis() - now.as_millis()).max(0)))
}

/// Sends the first half of a request's body and resets the connection.
async fn reset_mid_body(url: &Url, headers: &[(String, String)], body: &[u8]) -> io::Result<()> {
    let mut stream = connect(url).await?;
    let headers = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect::<String>();
    let (path, host, length) = (request_path(url), url.authority(), body.len());
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\n{headers}content-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body[..length / 2]).await?;
    stream.flush().await?;
    SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    Ok(())
}

/// Notes an FIU that objects to the signature of an unaltered message.
fn note_objection(world: &World, cause: Option<Arc<Cause>>, attempt: &Attempt) {
    let is_altered = attempt.effective_faults.iter().any(|shows| *shows);
    if attempt.acknowledgement.objects_to_signature
        && !is_altered
        && let Some(gets) = attempt.facts.profile
    {
        let hint = ClientHint::ObjectsToSignature { gets };
        world.write_note_once(cause, &hint.to_string());
    }
}

/// Returns the headers for the record. The values of the FIU's own are masked there, for good.
fn mask_own_headers(
    headers: &[(String, String)],
    own: &[(Box<str>, Box<str>)],
) -> Vec<(String, String)> {
    let recorded = headers.iter().map(|(name, value)| {
        let is_own = own.iter().any(|(own_name, _)| **own_name == **name);
        let value = if is_own { MASKED_HEADER } else { value };
        (name.clone(), value.to_owned())
    });
    recorded.collect()
}

/// Masks what an answer repeats of the FIU's own headers.
fn mask_outcome(outcome: AttemptOutcome, secrets: &RequestMask) -> AttemptOutcome {
    match outcome {
        AttemptOutcome::Accepted {
            status,
            body,
            remark,
        } => AttemptOutcome::Accepted {
            status,
            body: secrets.mask_repeated(&body),
            remark: remark.map(|remark| secrets.mask_repeated(&remark)),
        },
        AttemptOutcome::Rejected { status, body } => AttemptOutcome::Rejected {
            status,
            body: secrets.mask_repeated(&body),
        },
        failed @ AttemptOutcome::Failed { .. } => failed,
    }
}

/// Length of the part of an FIU's answer that the log shows, in characters.
const LOGGED_ANSWER_MAX: usize = 200;

/// Logs one attempt at `info`: the identifiers of the webhook, the status and the answer.
fn log_attempt(world: &World, delivery: &Delivery, attempt: &Attempt) {
    if !tracing::enabled!(tracing::Level::INFO) {
        return;
    }
    let notification = &delivery.notification;
    let (status, answer) = match &attempt.outcome {
        AttemptOutcome::Accepted { status, body, .. }
        | AttemptOutcome::Rejected { status, body } => (Some(*status), body),
        AttemptOutcome::Failed { reason } => (None, reason),
    };
    let mask = RequestMask::new(&attempt.headers, &attempt.url, &[]);
    let answer = String::from_utf8_lossy(&mask.mask_answer(answer.as_bytes())).into_owned();
    let end = answer
        .char_indices()
        .nth(LOGGED_ANSWER_MAX)
        .map_or(answer.len(), |(end, _)| end);
    tracing::info!(
        world = world.name(),
        fiu = &*notification.fiu,
        consent = %notification.consent.handle,
        webhook_id = notification.webhook_id(),
        event = notification.kind().as_str(),
        attempt = delivery.attempts.len() + 1,
        url = mask_target(&attempt.url),
        status,
        answer = &answer[..end],
        answer_truncated = (end < answer.len()).then_some(true),
        duration_ms = attempt.duration_ms,
        "webhook attempted"
    );
}

#[cfg(test)]
mod tests {
    use super::parse_retry_after;
    use crate::domain::time::{Millis, Timestamp};

    #[test]
    fn retry_after_is_read_as_seconds_and_as_each_form_of_date() {
        // 1994-11-06T08:49:37Z, the date of the examples in RFC 9110 §5.6.7.
        let date = Timestamp::from_millis(784_111_777_000);
        let now = date.saturating_add(Millis(-90_500));
        for (value, delay) in [
            ("120", Some(Millis(120_000))),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(Millis(90_500))),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(Millis(90_500))),
            ("Sun Nov  6 08:49:37 1994", Some(Millis(90_500))),
            ("Sat, 05 Nov 1994 08:49:37 GMT", Some(Millis(0))),
            ("-1", None),
            ("soon", None),
        ] {
            assert_eq!(parse_retry_after(value, now), delay, "{value}");
        }
    }
}
