//! The one way out, for success and refusal alike: status, body, signature; and when the response has been handed
//! over, the webhooks that the call caused.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderName, HeaderValue,
    LOCATION, ORIGIN, RETRY_AFTER,
};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde::Serialize;
use serde_json::Value;

use crate::crypto::jws::{Guise, sign_in_guise};
use crate::domain::api_fault::{ApiFault, LATENCY_MAX};
use crate::domain::journal_entry::CallRecord;
use crate::domain::operation::Operation;
use crate::domain::random_stream::StreamKind;
use crate::domain::time::Millis;
use crate::domain::version::RebitVersion;
use crate::engine::clock::system_now;
use crate::engine::faults::CallFault;
use crate::engine::world::{DeliveryHold, World};
use crate::http::call::{Call, Dialect};
use crate::http::mask::{masked, masked_headers};
use crate::http::spoil::{Manner, Parties, Seal, Spoilt, Wire, edit, names};
use crate::wire::api_error::ApiError;
use crate::wire::control::{ErrorView, http_status};
use crate::wire::rebit::error::{Envelope, ErrorResponse, classify_error};
use crate::wire::seed;
use crate::wire::unaport;
use crate::wire::unaport::error::ErrorBody;

const JSON: &str = "application/json";

/// What the service's answers carry, as recorded (`reference/unaport.md` §1.2).
const UNAPORT_HEADERS: [(&str, &str); 4] = [
    (
        "cache-control",
        "no-cache, no-store, max-age=0, must-revalidate",
    ),
    ("pragma", "no-cache"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
];

/// What a handler has to say.
#[derive(Debug)]
pub struct Answer {
    status: StatusCode,
    content_type: &'static str,
    location: Option<String>,
    /// What a file is to be called.
    file_name: Option<String>,
    /// In seconds.
    retry_after: Option<i64>,
    body: Vec<u8>,
    hold: Option<DeliveryHold>,
}

impl Answer {
    /// 200 with JSON.
    pub fn json(body: &impl Serialize) -> Self {
        Self::json_bytes(serde_json::to_vec(body).expect("our own types serialise"))
    }

    /// 200 with what is JSON already.
    pub fn json_bytes(body: Vec<u8>) -> Self {
        Self {
            body,
            ..Self::empty(StatusCode::OK)
        }
    }

    pub fn html(body: String) -> Self {
        let body = body.into_bytes();
        Self {
            content_type: "text/html; charset=utf-8",
            body,
            ..Self::empty(StatusCode::OK)
        }
    }

    /// Text for people, or for files.
    pub fn text(body: String) -> Self {
        Self {
            content_type: "text/plain; charset=utf-8",
            body: body.into_bytes(),
            ..Self::empty(StatusCode::OK)
        }
    }

    /// A file to be kept.
    pub fn file(body: Vec<u8>, content_type: &'static str, name: String) -> Self {
        Self {
            content_type,
            body,
            file_name: Some(name),
            ..Self::empty(StatusCode::OK)
        }
    }

    /// Sends a browser on, for now, as a short link does.
    pub fn found(location: String) -> Self {
        Self {
            location: Some(location),
            ..Self::empty(StatusCode::FOUND)
        }
    }

    /// Sends a browser on to another page.
    pub fn see_other(location: String) -> Self {
        Self {
            location: Some(location),
            ..Self::empty(StatusCode::SEE_OTHER)
        }
    }

    fn empty(status: StatusCode) -> Self {
        Self {
            status,
            content_type: JSON,
            location: None,
            file_name: None,
            retry_after: None,
            body: Vec::new(),
            hold: None,
        }
    }

    /// Webhooks wait until this answer has been handed over.
    #[must_use]
    pub fn holding(self, hold: DeliveryHold) -> Self {
        Self {
            hold: Some(hold).filter(|hold| !hold.is_empty()),
            ..self
        }
    }

    fn error(status: u16, body: &impl Serialize) -> Self {
        let status = StatusCode::from_u16(status).expect("our tables have HTTP statuses");
        Self {
            status,
            ..Self::json(body)
        }
    }

    fn send(mut self, signature: Option<String>) -> HttpResponse {
        let mut response = self.head(signature);
        match self.hold {
            None => response.body(self.body),
            Some(hold) => response.body(HeldBody {
                bytes: Bytes::from(self.body),
                hold: Some(hold),
            }),
        }
    }

    fn send_spoilt(
        mut self,
        signature: Option<String>,
        manner: Manner,
        wire: Option<Wire>,
    ) -> HttpResponse {
        let mut response = self.head(signature);
        response.body(Spoilt::new(self.body, manner, wire, self.hold))
    }

    fn head(&mut self, signature: Option<String>) -> HttpResponseBuilder {
        let mut response = HttpResponseBuilder::new(self.status);
        response.insert_header((CONTENT_TYPE, self.content_type));
        if let Some(location) = self.location.take() {
            response.insert_header((LOCATION, location));
        }
        if let Some(name) = &self.file_name {
            response.insert_header((
                CONTENT_DISPOSITION,
                format!("attachment; filename=\"{name}\""),
            ));
        }
        if let Some(seconds) = self.retry_after {
            response.insert_header((RETRY_AFTER, seconds));
        }
        if let Some(signature) = signature {
            response.insert_header(("x-jws-signature", signature));
        }
        response
    }
}

impl Call {
    /// Answers in the control API's words. Nothing goes wrong on purpose here.
    pub fn reply_control(&self, outcome: Result<Answer, ApiError>) -> HttpResponse {
        let answer = outcome.unwrap_or_else(|problem| {
            tracing::debug!(path = self.path(), %problem, "refused");
            Answer::error(http_status(&problem), &ErrorView::from(&problem))
        });
        answer.send(None)
    }

    /// Answers as the seed documents do, unsigned.
    ///
    /// `Assumption:` the documents print no error; ours is ReBIT's `ErrorResponse` with their `ver`.
    pub async fn reply_seed(&self, outcome: Result<Answer, ApiError>) -> HttpResponse {
        self.hand_over(outcome, false, |problem| {
            self.rebit_error(problem, Some(seed::RESPONSE_VER))
        })
        .await
    }

    /// Answers as ReBIT has it: every answer signed, errors too.
    pub async fn reply_rebit(&self, outcome: Result<Answer, ApiError>) -> HttpResponse {
        self.hand_over(outcome, true, |problem| self.rebit_error(problem, None))
            .await
    }

    /// Answers as the Unaport FIU API does, unsigned.
    pub async fn reply_unaport(&self, outcome: Result<Answer, ApiError>) -> HttpResponse {
        let mut response = self
            .hand_over(outcome, false, |problem| self.unaport_error(problem))
            .await;
        for (name, value) in UNAPORT_HEADERS {
            response.headers_mut().insert(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        if self.headers().contains_key(ORIGIN) {
            response
                .headers_mut()
                .insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        }
        response
    }

    /// Answers in the words of a service that has its own for refusals too.
    pub async fn reply_value(&self, outcome: Result<Value, (u16, Value)>) -> HttpResponse {
        let answer = match outcome {
            Ok(body) => Answer::json(&body),
            Err((status, body)) => Answer::error(status, &body),
        };
        let scripted =
            |problem: &ApiError| Answer::error(http_status(problem), &ErrorView::from(problem));
        self.hand_over(Ok(answer), false, scripted).await
    }

    /// Refuses a call that no handler took.
    pub async fn refuse(&self, problem: ApiError) -> HttpResponse {
        match self.dialect() {
            Dialect::Control => self.reply_control(Err(problem)),
            Dialect::Seed => self.reply_seed(Err(problem)).await,
            Dialect::Rebit => self.reply_rebit(Err(problem)).await,
            Dialect::Unaport => self.reply_unaport(Err(problem)).await,
        }
    }

    /// Makes an answer what it is to be, puts it on record, and lets it go: content, signature, record, and only then
    /// whatever is to happen to it on its way.
    async fn hand_over(
        &self,
        outcome: Result<Answer, ApiError>,
        signed: bool,
        words: impl Fn(&ApiError) -> Answer,
    ) -> HttpResponse {
        let world = self
            .world_name()
            .ok()
            .and_then(|name| self.worlds().find_world(name));
        let outcome = match &world {
            Some(world) => self.decided(world, outcome),
            None => outcome,
        };
        let mut answer = match outcome {
            Ok(answer) => answer,
            Err(problem) => {
                let retry_after = match &problem {
                    ApiError::InjectedStatus { retry_after_s, .. } => *retry_after_s,
                    _ => None,
                };
                Answer {
                    retry_after,
                    ..words(&problem)
                }
            }
        };
        let faults = self.dossier().faults();
        let signature = self
            .finish(world.as_deref(), &mut answer, &faults, signed)
            .await;
        if let Some(world) = &world {
            self.record(world, &answer, &faults);
        }
        self.delay(&faults, answer.hold.as_ref()).await;
        match manner_of(&faults) {
            Some(manner) => answer.send_spoilt(signature, manner, self.wire()),
            None => answer.send(signature),
        }
    }

    /// Decides what goes wrong with a call that was refused before anybody knew whom it was about. A call that was not
    /// refused has happened, and is not refused afterwards.
    fn decided(
        &self,
        world: &World,
        outcome: Result<Answer, ApiError>,
    ) -> Result<Answer, ApiError> {
        if self.op().is_none() {
            return outcome;
        }
        match (self.is_about_customer(world, None), outcome) {
            (Err(scripted), Err(_)) => Err(scripted),
            (_, outcome) => outcome,
        }
    }

    /// The content as faults want it, and its signature.
    async fn finish(
        &self,
        world: Option<&World>,
        answer: &mut Answer,
        faults: &[CallFault],
        signed: bool,
    ) -> Option<String> {
        let stale = faults
            .iter()
            .any(|fault| fault.fault == ApiFault::StaleResponse);
        if let Some(world) =
            world.filter(|_| answer.status.is_success() && self.dossier().may_be_repeated())
        {
            let kept = world.swap_response(&self.subject(), Bytes::copy_from_slice(&answer.body));
            if let Some(before) = kept.filter(|_| stale) {
                // What is told once more is what was true before, for as long as it is told.
                world.swap_response(&self.subject(), before.clone());
                answer.body = before.to_vec();
            }
        }
        if !signed && faults.is_empty() {
            return None;
        }
        let ring = &self.shared().keys;
        let (key, spare) = (
            Arc::clone(&ring.default_key().private),
            Arc::clone(ring.spare()),
        );
        let (profile, body, faults) = (
            self.profile(),
            std::mem::take(&mut answer.body),
            faults.to_vec(),
        );
        let stranger = match world {
            Some(world) if !faults.is_empty() => world.generate_id(StreamKind::Token),
            _ => String::new(),
        };
        let made = tokio::task::spawn_blocking(move || {
            let body = edit(
                body,
                &faults,
                Seal {
                    key: &key,
                    spare: &spare,
                    stranger: &stranger,
                },
            );
            let wrong = faults
                .iter()
                .any(|fault| fault.fault == ApiFault::WrongSignature);
            let pen = if wrong { &spare } else { &key };
            let guise = Guise {
                alg: "RS256",
                kid: key.kid(),
                crit: true,
            };
            let signature = if signed {
                sign_in_guise(pen, &body, profile, guise)
            } else {
                None
            };
            (signature, body)
        });
        let (signature, body) = made.await.expect("signing does not panic");
        answer.body = body;
        signature
    }

    /// What a call asks for: the same words, asked again, are about the same.
    fn subject(&self) -> String {
        let about = self
            .dossier()
            .parties()
            .handle
            .map(|handle| handle.to_string())
            .unwrap_or_default();
        format!("{} {about}", self.op().map_or("", Operation::as_str))
    }

    fn record(&self, world: &World, answer: &Answer, faults: &[CallFault]) {
        let Some(op) = self.op() else { return };
        let Parties {
            fiu,
            customer,
            handle,
        } = self.dossier().parties();
        let at = system_now();
        world.record_call(CallRecord {
            operation: op,
            method: self.method().to_owned(),
            path: self.address().to_owned(),
            fiu,
            handle,
            customer,
            headers: masked_headers(self.headers()),
            request_body: masked(op, self.body().cloned().unwrap_or_default()),
            status: answer.status.as_u16(),
            response_body: masked(op, Bytes::copy_from_slice(&answer.body)),
            system_time: at,
            duration: at.duration_since(self.arrived_at()),
            faults: names(faults),
            retry_after: answer.retry_after.map(Millis::from_secs),
        });
    }

    /// Whatever has to pass before the answer may leave.
    #[expect(
        clippy::disallowed_methods,
        reason = "a slow answer is what was asked for"
    )]
    async fn delay(&self, faults: &[CallFault], hold: Option<&DeliveryHold>) {
        let delay = faults
            .iter()
            .map(|fault| fault.delay.0)
            .sum::<i64>()
            .clamp(0, LATENCY_MAX.0);
        if delay > 0 {
            tokio::time::sleep(Duration::from_millis(delay.unsigned_abs())).await;
        }
        if let Some(hold) = hold {
            // A receiver that hangs must not hold up the answer for ever.
            let _ = tokio::time::timeout(OVERTAKEN_WITHIN, hold.wait_until_overtaken()).await;
        }
    }

    fn unaport_error(&self, problem: &ApiError) -> Answer {
        tracing::debug!(path = self.path(), %problem, "refused");
        // A refusal makes no world.
        let world = self
            .world_name()
            .ok()
            .and_then(|name| self.worlds().find_world(name));
        let now = world
            .as_ref()
            .map_or_else(system_now, |world| world.message_time());
        let txn_id = world
            .map(|world| world.generate_id(StreamKind::Token))
            .unwrap_or_default();
        let status = unaport::error::http_status(problem);
        let words = StatusCode::from_u16(status)
            .ok()
            .and_then(|status| status.canonical_reason());
        let body = ErrorBody::new(problem, words.unwrap_or_default(), self.path(), txn_id, now);
        Answer::error(status, &body)
    }

    fn rebit_error(&self, problem: &ApiError, ver: Option<&str>) -> Answer {
        tracing::debug!(path = self.path(), %problem, "refused");
        let envelope = self
            .body()
            .map(|body| Envelope::from_body(body))
            .unwrap_or_default();
        // A refusal names the time of the world that it concerns; where there is none, the wall's. It makes none.
        let world = self
            .world_name()
            .ok()
            .and_then(|name| self.worlds().find_world(name));
        let now = world.map_or_else(system_now, |world| world.message_time());
        let by_path = || {
            if self.is_of_first_generation() {
                RebitVersion::V1_1_2.as_str()
            } else {
                envelope.ver()
            }
        };
        let ver = ver.unwrap_or_else(by_path);
        let (status, _) = classify_error(problem);
        Answer::error(
            status,
            &ErrorResponse::new(ver, envelope.txnid(), now, problem),
        )
    }
}

/// How long an answer waits for a webhook that is to overtake it.
const OVERTAKEN_WITHIN: Duration = Duration::from_secs(20);

/// How the answer goes over the wire, where that goes wrong; the worst that is asked for.
fn manner_of(faults: &[CallFault]) -> Option<Manner> {
    faults
        .iter()
        .find_map(|CallFault { fault, .. }| match fault {
            ApiFault::Reset => Some(Manner::Reset),
            ApiFault::EmptyResponse => Some(Manner::Empty),
            ApiFault::TruncatedChunk => Some(Manner::Truncated),
            ApiFault::MalformedChunk => Some(Manner::Malformed),
            ApiFault::SlowBody { over } => {
                Some(Manner::Slow(Duration::from_millis(over.0.unsigned_abs())))
            }
            _ => None,
        })
}

/// A body that knows when it has been handed over: actix drops it after writing it out.
struct HeldBody {
    bytes: Bytes,
    hold: Option<DeliveryHold>,
}

impl MessageBody for HeldBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.bytes.len() as u64)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        let bytes = std::mem::take(&mut self.bytes);
        Poll::Ready((!bytes.is_empty()).then_some(Ok(bytes)))
    }
}

impl Drop for HeldBody {
    /// At this point the bytes are in the connection's write buffer. The connection flushes it before it yields, so a
    /// task of the same thread runs after the response is on its way, and not before.
    fn drop(&mut self) {
        if let Some(hold) = self.hold.take() {
            actix_web::rt::spawn(async move { drop(hold) });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use actix_web::body::to_bytes;
    use actix_web::rt::System;

    use super::Answer;
    use crate::bankgen;
    use crate::config::personas::{find_persona, load_personas};
    use crate::config::{ParticipantSetup, load_participants};
    use crate::domain::command::{Command, RaiseConsent};
    use crate::domain::consent::Api;
    use crate::domain::persona::DEFAULT_PERSONA;
    use crate::domain::session::{ApprovalMode, DataTiming};
    use crate::engine::clock::ClockStart;
    use crate::engine::ports::{Bank, SandboxConfig};
    use crate::engine::world::World;
    use crate::scenario::library::{Library, Required};
    use crate::wire::fields::parse_json;
    use crate::wire::seed::ConsentRequest;

    /// A world whose consent has just been rejected by a magic customer, and the answer that holds the webhook.
    fn rejected() -> (Arc<World>, Answer) {
        let ParticipantSetup {
            participants,
            unaport,
            ..
        } = load_participants(None, Some("http://127.0.0.1:1")).expect("they are whole");
        let personas = Arc::new(load_personas(None).expect("the shipped ones are right"));
        let persona = find_persona(&personas, DEFAULT_PERSONA).expect("it is shipped");
        let setting = SandboxConfig {
            seed: 1,
            clock: "2020-07-04T06:00:00Z,frozen"
                .parse::<ClockStart>()
                .expect("a clock"),
            participants: Arc::new(participants),
            fiu_url: None,
            data_timing: DataTiming::Immediate,
            approval_mode: ApprovalMode::Manual,
            unaport,
            push_data: None,
            scenario_provider: Arc::new(
                Library::load(None, Required::default(), Arc::clone(&personas))
                    .expect("the shipped ones are right"),
            ),
            personas,
            default_persona: persona,
            bank: Bank {
                list_accounts: bankgen::accounts,
                is_supported: bankgen::tells,
            },
        };
        let world = Arc::new(World::new("test", Arc::new(setting)));
        let request = include_str!("../../fixtures/seed/consent-request.json")
            .replace("1999999999@onemoney", "9999999002@onemoney");
        let request: ConsentRequest = parse_json(request.as_bytes()).expect("the fixture is read");
        let terms = request
            .into_terms("mockaa", world.now())
            .expect("the fixture is right");
        let raise = RaiseConsent {
            terms,
            api: Api::Seed,
            aa: "mockaa".into(),
            fiu: "FIU-1".into(),
            metadata: None,
            scenario: None,
            persona: None,
        };
        let receipt = world
            .submit(Command::RaiseConsent(raise))
            .expect("it is raised");
        (world, Answer::json(&"raised").holding(receipt.hold))
    }

    #[test]
    fn webhooks_of_a_call_wait_until_its_answer_is_handed_over() {
        System::new().block_on(async {
            let (world, answer) = rejected();
            let response = answer.send(None);
            assert!(
                world.take_ready().is_empty(),
                "the answer is not written yet"
            );
            let body = to_bytes(response.into_body()).await.expect("a body");
            assert_eq!(&body[..], b"\"raised\"");
            assert!(
                world.take_ready().is_empty(),
                "it is written, but the connection has not been flushed yet"
            );
            world.wait_for_wake().await;
            assert_eq!(world.take_ready().len(), 1, "now the webhook may go");
        });
    }

    #[test]
    fn a_caller_who_goes_away_does_not_hold_webhooks_for_ever() {
        let (world, answer) = rejected();
        drop(answer);
        assert_eq!(world.take_ready().len(), 1);
    }
}
