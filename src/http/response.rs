//! The only reply path, for success and error alike: status, body, injected faults, signature,
//! journal record. The webhooks that a call causes are released when its response has been written.

use std::cell::Cell;
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ALLOW, CACHE_CONTROL,
    CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName,
    LOCATION, REFERRER_POLICY, REFRESH, RETRY_AFTER, VARY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, HttpResponseBuilder};
use askama::Template;
use serde::Serialize;

use crate::crypto::jws::{JwsHeader, sign_detached_with};
use crate::domain::api_fault::{ApiFault, LATENCY_MAX, ReplyFault, TransportFault};
use crate::domain::call_facts::{ApiFamily, Sender};
use crate::domain::journal_entry::{CallRecord, DeferredFacts, RecordedHeaders};
use crate::domain::logo::Logo;
use crate::domain::operation::Operation;
use crate::domain::random_stream::StreamKind;
use crate::domain::time::Millis;
use crate::domain::version::RebitVersion;
use crate::domain::webhook_fault::FaultRuleId;
use crate::engine::clock::system_now;
use crate::engine::faults::CallFault;
use crate::engine::reactions::IdentifiedCall;
use crate::engine::world::{CommandOutcome, DeliveryHold, Receipt, World};
use crate::http::call::Call;
use crate::http::call_context::{CallContext, CallParties};
use crate::http::call_facts::{
    AnswerParts, find_defects, find_named_consent, read_facts, read_request_facts,
};
use crate::http::call_world::CallWorld;
use crate::http::connection::ClientSocket;
use crate::http::console::{self, sign_in_page};
use crate::http::event_stream::EventStream;
use crate::http::fault_injection::{
    FaultyBody, InjectionContext, fault_names, inject_content_faults,
};
use crate::http::journey::finish_headers;
use crate::http::large_task::{FileStream, LARGE_BYTES, LargeSlot, READER_TIMEOUT, WrittenFile};
use crate::http::request_log::record_subject;
use crate::http::route_info::Protocol;
use crate::ui::assets::Asset;
use crate::ui::content::{SharedContent, compress_gzip};
use crate::ui::front::{ErrorDetails, ErrorPage};
use crate::wire::api_error::ApiError;
use crate::wire::control::{ErrorView, http_status};
use crate::wire::mask::{RequestMask, mask_target};
use crate::wire::rebit::error::{Envelope, ErrorResponse, classify_error};
use crate::wire::seed;
use crate::wire::unaport;
use crate::wire::unaport::error::ErrorBody;

const JSON: &str = "application/json";

/// The time after which a caller may try again what the sandbox had no room for, in seconds.
const RETRY_AFTER_S: i64 = 5;

/// Headers of every Unaport response, as recorded (`docs/sources.md#unaport-hosts-and-calls`).
const UNAPORT_RESPONSE_HEADERS: [(&str, &str); 4] = [
    (
        "cache-control",
        "no-cache, no-store, max-age=0, must-revalidate",
    ),
    ("pragma", "no-cache"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
];

/// Policy of every answer that is no page, and a part of that of every page: no site shows it in a
/// frame.
pub(crate) const NO_FRAMES: &str = "frame-ancestors 'none'";

/// Policy of a logo. It holds where the logo is opened by itself, not in the `<img>` of a page, which
/// runs no script in any case.
const LOGO_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'";

/// The size from which a page, or a file that pages load, is compressed.
const COMPRESSED_BYTES_MIN: usize = 4_096;

/// Headers of every page. It loads files of this sandbox only, its forms lead to this sandbox, no
/// site shows it in a frame, and no cache keeps it.
const PAGE_HEADERS: [(HeaderName, &str); 7] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // With `no-referrer`, browsers send `Origin: null` with the forms of a page.
    (REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=()",
    ),
    (CACHE_CONTROL, "no-store"),
];

/// Presence of `x-jws-signature` in a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ResponseSigning {
    Signed,
    Unsigned,
}

/// A body that is sent piece by piece.
#[derive(Debug)]
enum BodyStream {
    Events(EventStream),
    File(FileStream),
}

/// Response of a handler, before faults and signature.
#[derive(Debug)]
pub(crate) struct ApiResponse {
    status: StatusCode,
    content_type: &'static str,
    location: Option<String>,
    /// Name under which a browser saves the body.
    file_name: Option<String>,
    /// Further headers.
    headers: Vec<(HeaderName, String)>,
    /// `Retry-After`, in seconds.
    retry_after: Option<i64>,
    body: Bytes,
    /// The body, if it is sent piece by piece.
    stream: Option<BodyStream>,
    /// The slot of a large answer, until it is sent.
    slot: Option<LargeSlot>,
    /// The content that the body is, if it is sent to many callers.
    shared: Option<SharedContent>,
    hold: Option<DeliveryHold>,
}

impl ApiResponse {
    /// Returns a 200 response with JSON.
    pub(crate) fn json(body: &impl Serialize) -> Self {
        Self::json_bytes(serde_json::to_vec(body).expect("our own types serialise"))
    }

    /// Returns a 200 response with a body that is JSON already.
    pub(crate) fn json_bytes(mut body: Vec<u8>) -> Self {
        if body.len() <= RECORDED_BODY_BYTES_MAX {
            // The journal keeps the body, so it should have no more memory than it needs.
            body.shrink_to_fit();
        }
        Self::shared_json(body.into())
    }

    /// Returns a 200 response with a body that is JSON already, and that is sent more than once.
    pub(crate) fn shared_json(body: Bytes) -> Self {
        Self {
            body,
            ..Self::with_status(StatusCode::OK)
        }
    }

    /// Returns a 200 response with a page, which loads files of this sandbox only and is shown in no
    /// frame.
    pub(crate) fn page(page: &impl Template) -> Self {
        let html = page.render().expect("a template writes to memory");
        Self {
            body: html.into(),
            ..Self::with_status(StatusCode::OK)
        }
        .into_page()
    }

    /// Returns a 200 response with a page that is the same for many callers.
    pub(crate) fn shared_page(html: &SharedContent) -> Self {
        Self::from_content(html).into_page()
    }

    fn from_content(content: &SharedContent) -> Self {
        Self {
            body: Bytes::copy_from_slice(content.plain()),
            shared: Some(content.clone()),
            ..Self::with_status(StatusCode::OK)
        }
    }

    fn into_page(self) -> Self {
        let response = Self {
            content_type: "text/html; charset=utf-8",
            ..self
        };
        PAGE_HEADERS
            .into_iter()
            .fold(response, |response, (name, value)| {
                response.with_header(name, value)
            })
    }

    /// Returns a 200 response with a file that is part of the program and never changes at its
    /// address.
    pub(crate) fn asset(asset: &Asset) -> Self {
        Self {
            content_type: asset.media_type,
            ..Self::from_content(&asset.content)
        }
        .with_header(X_CONTENT_TYPE_OPTIONS, "nosniff")
    }

    /// Returns a 200 response with a stylesheet.
    pub(crate) fn stylesheet(css: String) -> Self {
        Self {
            content_type: "text/css; charset=utf-8",
            body: css.into(),
            ..Self::with_status(StatusCode::OK)
        }
        .with_header(X_CONTENT_TYPE_OPTIONS, "nosniff")
    }

    /// Returns a 200 response with the logo of a company.
    pub(crate) fn logo(logo: &Logo) -> Self {
        Self {
            content_type: logo.format().media_type(),
            body: Bytes::copy_from_slice(logo.bytes()),
            ..Self::with_status(StatusCode::OK)
        }
        .with_header(X_CONTENT_TYPE_OPTIONS, "nosniff")
        .with_header(CONTENT_SECURITY_POLICY, LOGO_POLICY)
    }

    /// Returns a 200 response with plain text.
    pub(crate) fn text(body: String) -> Self {
        Self {
            content_type: "text/plain; charset=utf-8",
            body: body.into(),
            ..Self::with_status(StatusCode::OK)
        }
    }

    /// Returns a 200 response with a file to download.
    pub(crate) fn file(body: Vec<u8>, content_type: &'static str, name: String) -> Self {
        Self {
            content_type,
            body: body.into(),
            file_name: Some(name),
            ..Self::with_status(StatusCode::OK)
        }
    }

    /// Returns a 200 response with a file to download, which may be long.
    pub(crate) fn written_file(
        file: WrittenFile,
        content_type: &'static str,
        name: String,
    ) -> Self {
        let (body, stream) = match file {
            WrittenFile::Whole(bytes) => (bytes, None),
            WrittenFile::Pieces(pieces) => (Vec::new(), Some(BodyStream::File(pieces))),
        };
        Self {
            stream,
            ..Self::file(body, content_type, name)
        }
    }

    /// Returns a 200 response with events that are sent as they happen, or its head alone without a
    /// stream. No proxy keeps them back.
    pub(crate) fn events(stream: Option<EventStream>) -> Self {
        Self {
            content_type: "text/event-stream",
            stream: stream.map(BodyStream::Events),
            ..Self::with_status(StatusCode::OK)
        }
        .with_header(CACHE_CONTROL, "no-store")
        .with_header(HeaderName::from_static("x-accel-buffering"), "no")
    }

    /// Returns a 204 response, which keeps a browser from asking for a stream again.
    pub(crate) fn no_content() -> Self {
        Self::with_status(StatusCode::NO_CONTENT)
    }

    /// Returns a 302 redirect, as a short link does.
    pub(crate) fn redirect_found(location: String) -> Self {
        Self {
            location: Some(location),
            ..Self::with_status(StatusCode::FOUND)
        }
    }

    /// Returns a 303 redirect to another page.
    pub(crate) fn redirect_see_other(location: String) -> Self {
        Self {
            location: Some(location),
            ..Self::with_status(StatusCode::SEE_OTHER)
        }
    }

    fn with_status(status: StatusCode) -> Self {
        Self {
            status,
            content_type: JSON,
            location: None,
            file_name: None,
            headers: Vec::new(),
            retry_after: None,
            body: Bytes::new(),
            stream: None,
            slot: None,
            shared: None,
            hold: None,
        }
    }

    /// Builds the response to an accepted command. The webhooks that the command caused wait until
    /// the response has been written.
    pub(crate) fn from_receipt(
        receipt: Receipt,
        build: impl FnOnce(&CommandOutcome) -> Self,
    ) -> Self {
        let (outcome, hold) = receipt.into_parts();
        build(&outcome).with_hold(hold)
    }

    /// Builds the response as [`ApiResponse::from_receipt`] does, where building it takes time.
    ///
    /// # Errors
    /// The error of `build`; the webhooks do not wait for its response.
    pub(crate) async fn try_from_receipt(
        receipt: Receipt,
        build: impl AsyncFnOnce(&CommandOutcome) -> Result<Self, ApiError>,
    ) -> Result<Self, ApiError> {
        let (outcome, hold) = receipt.into_parts();
        Ok(build(&outcome).await?.with_hold(hold))
    }

    /// Keeps a slot until the answer is sent, if it is large.
    #[must_use]
    pub(crate) fn with_slot(self, slot: LargeSlot) -> Self {
        let is_large = self.body.len() >= LARGE_BYTES;
        Self {
            slot: is_large.then_some(slot),
            ..self
        }
    }

    fn with_hold(self, hold: DeliveryHold) -> Self {
        Self {
            hold: Some(hold).filter(|hold| !hold.has_no_deliveries()),
            ..self
        }
    }

    /// Adds a header.
    #[must_use]
    pub(crate) fn with_header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds the headers of an error: the methods that a path has, if the error is that it has not this
    /// one, and the time after which to try again. An injected status has the time that its fault
    /// names.
    fn with_error_headers(self, error: &ApiError) -> Self {
        match error {
            ApiError::MethodNotAllowed { allowed, .. } => self.with_header(ALLOW, allowed),
            ApiError::InjectedStatus { retry_after_s, .. } => Self {
                retry_after: *retry_after_s,
                ..self
            },
            _ if self.status == StatusCode::SERVICE_UNAVAILABLE => Self {
                retry_after: Some(RETRY_AFTER_S),
                ..self
            },
            _ => self,
        }
    }

    /// Compresses a page, or a file that pages load, for a caller that accepts it.
    fn compress_text(mut self, accepts_gzip: bool) -> Self {
        if !self.content_type.starts_with("text/") || self.body.len() < COMPRESSED_BYTES_MIN {
            return self;
        }
        if accepts_gzip {
            self.body = match &self.shared {
                Some(content) => Bytes::copy_from_slice(content.gzip()),
                None => compress_gzip(&self.body).into(),
            };
            self.headers.push((CONTENT_ENCODING, "gzip".to_owned()));
        }
        self.with_header(VARY, "Accept-Encoding")
    }

    /// Leads a browser to another address after a time, without a script.
    #[must_use]
    pub(crate) fn with_refresh(self, seconds: u32, address: &str) -> Self {
        self.with_header(REFRESH, format!("{seconds}; url={address}"))
    }

    /// Changes the status.
    #[must_use]
    pub(crate) fn with_status_code(self, status: u16) -> Self {
        let status = StatusCode::from_u16(status).expect("our tables have HTTP statuses");
        Self { status, ..self }
    }

    /// Returns a response with JSON and this status.
    pub(crate) fn json_with_status(status: u16, body: &impl Serialize) -> Self {
        Self::json(body).with_status_code(status)
    }

    fn into_http_response(self, headers: HeaderList, socket: Option<ClientSocket>) -> HttpResponse {
        let mut response = build_head(self.status, headers);
        if let Some(stream) = self.stream {
            return match stream {
                BodyStream::Events(events) => response.streaming(events.into_pieces()),
                BodyStream::File(file) => response.streaming(file.into_pieces()),
            };
        }
        let slot = self.slot.map(|slot| {
            let progress = Rc::new(Cell::new(self.body.len()));
            if let Some(socket) = socket {
                actix_web::rt::spawn(end_stalled(Rc::downgrade(&progress), socket));
            }
            (slot, progress)
        });
        response.body(ResponseBody {
            bytes: self.body,
            hold: self.hold,
            slot,
        })
    }

    fn into_faulty_response(
        self,
        headers: HeaderList,
        fault: TransportFault,
        socket: Option<ClientSocket>,
    ) -> HttpResponse {
        let mut response = build_head(self.status, headers);
        response.body(FaultyBody::new(self.body, fault, socket, self.hold))
    }

    /// Returns the headers that the handler has chosen, and the signature.
    fn list_headers(&self, signature: Option<&str>) -> HeaderList {
        let file = self.file_name.as_ref();
        let signature = signature.map(str::to_owned);
        let own = [
            (CONTENT_TYPE, Some(self.content_type.to_owned())),
            (LOCATION, self.location.clone()),
            (
                CONTENT_DISPOSITION,
                file.map(|name| format!("attachment; filename=\"{name}\"")),
            ),
        ];
        let last = [
            (
                RETRY_AFTER,
                self.retry_after.map(|seconds| seconds.to_string()),
            ),
            (HeaderName::from_static("x-jws-signature"), signature),
        ];
        let own = own
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        let last = last
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        HeaderList(
            own.chain(self.headers.iter().cloned())
                .chain(last)
                .collect(),
        )
    }
}

/// The headers of a response in order, without those that the server adds: the date, and the length of
/// the body.
#[derive(Debug)]
pub(crate) struct HeaderList(Vec<(HeaderName, String)>);

impl HeaderList {
    pub(crate) fn get(&self, name: &HeaderName) -> Option<&str> {
        let mut headers = self.0.iter();
        headers
            .find(|(it, _)| it == name)
            .map(|(_, value)| value.as_str())
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.0.iter().map(|(name, value)| (name.as_str(), &**value))
    }

    /// Sets a header that a response has once.
    pub(crate) fn set(&mut self, name: HeaderName, value: impl Into<String>) {
        self.0.retain(|(it, _)| *it != name);
        self.0.push((name, value.into()));
    }
}

fn build_head(status: StatusCode, headers: HeaderList) -> HttpResponseBuilder {
    let mut response = HttpResponseBuilder::new(status);
    for header in headers.0 {
        response.append_header(header);
    }
    response
}

impl Call {
    /// Returns the headers of a response: its own, and those of all responses to such calls.
    fn list_response_headers(&self, response: &ApiResponse, signature: Option<&str>) -> HeaderList {
        let mut headers = response.list_headers(signature);
        match self.protocol() {
            Protocol::Control if headers.get(&CONTENT_SECURITY_POLICY).is_none() => {
                headers.set(CONTENT_SECURITY_POLICY, NO_FRAMES);
            }
            Protocol::Unaport => {
                for (name, value) in UNAPORT_RESPONSE_HEADERS {
                    headers.set(HeaderName::from_static(name), value);
                }
            }
            Protocol::Control | Protocol::Seed | Protocol::Rebit => {}
        }
        finish_headers(self, &mut headers);
        if let Some(origin) = self.allowed_origin() {
            headers.set(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.set(
                ACCESS_CONTROL_EXPOSE_HEADERS,
                "x-jws-signature, retry-after",
            );
        }
        if self.depends_on_origin() {
            headers.0.push((VARY, "Origin".to_owned()));
        }
        headers
    }

    /// Logs the reason of a rejection without the secrets of the request, which it may quote.
    fn log_rejection(&self, error: &ApiError) {
        if !tracing::enabled!(tracing::Level::DEBUG) {
            return;
        }
        let body = self.body().cloned().unwrap_or_default();
        let mask = RequestMask::new(
            &self.record_headers().to_list(),
            self.path_and_query(),
            &body,
        );
        let (path, error) = (mask_target(self.path()), error.to_string());
        tracing::debug!(path, error = mask.mask_message(&error), "rejected");
    }

    /// Answers in the format of the control API, without faults, signature or journal record.
    fn reply_control(&self, outcome: Result<ApiResponse, ApiError>) -> HttpResponse {
        let response = outcome.unwrap_or_else(|error| {
            self.log_rejection(&error);
            let response = self.error_page(&error).unwrap_or_else(|| {
                ApiResponse::json_with_status(http_status(&error), &ErrorView::from(&error))
            });
            response.with_error_headers(&error)
        });
        let accepted = self.header("accept-encoding").unwrap_or_default();
        let mut codings = accepted.split(',').map(str::trim);
        let accepts_gzip = codings.any(|coding| coding == "gzip" || coding.starts_with("gzip;q=1"));
        let response = response.compress_text(accepts_gzip);
        let headers = self.list_response_headers(&response, None);
        response.into_http_response(headers, None)
    }

    /// Returns the page of an error, if the caller is a browser that shows pages.
    fn error_page(&self, error: &ApiError) -> Option<ApiResponse> {
        if !self.accepts_page() && !self.opens_web_sdk() {
            return None;
        }
        let status = http_status(error);
        let is_console = self.opens_console();
        if is_console && let ApiError::Unauthorized(_) = error {
            let problem = (!self.is_get()).then(|| error.message());
            return Some(sign_in_page(self, problem).with_status_code(status));
        }
        let view = ErrorView::from(error);
        let mut facts = vec![
            ("Method", self.method().to_owned()),
            ("Path", self.path().to_owned()),
        ];
        facts.extend(view.describe());
        if let ApiError::InvalidFields(errors) = error {
            facts.extend(errors.iter().map(|error| ("Field", error.to_string())));
        }
        if let Ok(world) = self.world_name() {
            facts.push(("World", world.to_owned()));
        }
        let reason = StatusCode::from_u16(status).ok()?.canonical_reason();
        let details = ErrorDetails {
            status,
            title: reason.unwrap_or("Error").to_owned(),
            message: error.message(),
            facts,
        };
        let page = if is_console && self.is_operator() {
            console::error_page(self, details)?
        } else {
            let frame = self.page_frame();
            ApiResponse::page(&ErrorPage {
                frame,
                error: details,
            })
        };
        Some(page.with_status_code(status))
    }

    /// Answers in the format of the seed API, unsigned.
    ///
    /// `Assumption:` the seed documents show no error; ours is ReBIT's `ErrorResponse` with their
    /// `ver`.
    async fn reply_seed(
        &self,
        outcome: Result<ApiResponse, ApiError>,
        context: CallContext,
    ) -> HttpResponse {
        let fiu = context.parties().fiu.clone();
        self.send_response(outcome, context, ResponseSigning::Unsigned, |error| {
            let page = self.error_page(error);
            page.unwrap_or_else(|| {
                self.rebit_error_response(error, Some(seed::RESPONSE_VER), fiu.as_deref())
            })
        })
        .await
    }

    /// Answers in the format of ReBIT. Every response is signed, including errors.
    async fn reply_rebit(
        &self,
        outcome: Result<ApiResponse, ApiError>,
        context: CallContext,
    ) -> HttpResponse {
        let fiu = context.parties().fiu.clone();
        self.send_response(outcome, context, ResponseSigning::Signed, |error| {
            let page = self.error_page(error);
            page.unwrap_or_else(|| self.rebit_error_response(error, None, fiu.as_deref()))
        })
        .await
    }

    /// Answers in the format of the Unaport FIU API, unsigned.
    async fn reply_unaport(
        &self,
        outcome: Result<ApiResponse, ApiError>,
        context: CallContext,
    ) -> HttpResponse {
        let fiu = context.parties().fiu.clone();
        self.send_response(outcome, context, ResponseSigning::Unsigned, |error| {
            let page = self.error_page(error);
            page.unwrap_or_else(|| self.unaport_error_response(error, fiu.as_deref()))
        })
        .await
    }

    /// Answers a call of the token service, of the registry or of web redirection. They are recorded
    /// as those of the APIs are.
    async fn reply_recorded(
        &self,
        outcome: Result<ApiResponse, ApiError>,
        context: CallContext,
    ) -> HttpResponse {
        self.send_response(outcome, context, ResponseSigning::Unsigned, |error| {
            self.log_rejection(error);
            self.error_page(error).unwrap_or_else(|| {
                ApiResponse::json_with_status(http_status(error), &ErrorView::from(error))
            })
        })
        .await
    }

    /// Answers the call in the format of its route, or of its path if it has no route.
    pub(crate) async fn reply(
        &self,
        outcome: Result<ApiResponse, ApiError>,
        context: CallContext,
    ) -> HttpResponse {
        let is_recorded = self.route().is_some_and(|route| route.operation.is_some());
        match self.protocol() {
            Protocol::Control if is_recorded => self.reply_recorded(outcome, context).await,
            Protocol::Control => self.reply_control(outcome),
            Protocol::Seed => self.reply_seed(outcome, context).await,
            Protocol::Rebit => self.reply_rebit(outcome, context).await,
            Protocol::Unaport => self.reply_unaport(outcome, context).await,
        }
    }

    /// Applies content faults, signs, records the call in the journal, and then applies delays and
    /// transport faults.
    async fn send_response(
        &self,
        outcome: Result<ApiResponse, ApiError>,
        mut context: CallContext,
        signing: ResponseSigning,
        render_error: impl Fn(&ApiError) -> ApiResponse,
    ) -> HttpResponse {
        let world = self.find_world().ok().flatten();
        let world = world.map(|world| self.act_in(world));
        debug_assert!(
            outcome.is_err() || context.has_planned_faults(),
            "{} succeeded before its faults were planned",
            self.path()
        );
        let outcome = match &world {
            Some(world) => plan_faults_if_rejected(&mut context, world, outcome),
            None => outcome,
        };
        let mut response = match outcome {
            Ok(response) => response,
            Err(error) => render_error(&error).with_error_headers(&error),
        };
        let original = (!context.faults().is_empty()).then(|| response.body.clone());
        let signature = self
            .apply_faults_and_sign(
                world.as_deref().map(Arc::as_ref),
                &mut response,
                &context,
                signing,
            )
            .await;
        let headers = self.list_response_headers(&response, signature.as_deref());
        if let Some(world) = &world {
            context.facts_mut().api = self.route().and_then(|it| it.section.api_family());
            self.identify_consent(world, &mut context);
            if let Some(original) = original {
                let is_signed = signature.is_some();
                self.record_defects(world, &mut context, &response, &original, is_signed);
            }
            self.record_call(world, &response, &headers, &context);
        }
        let faults = context.faults();
        self.delay_response(faults, response.hold.as_ref()).await;
        match find_transport_fault(faults) {
            Some(fault) => response.into_faulty_response(headers, fault, self.client_socket()),
            None => response.into_http_response(headers, self.client_socket()),
        }
    }

    /// Applies content faults to the body and returns the signature of the result.
    async fn apply_faults_and_sign(
        &self,
        world: Option<&World>,
        response: &mut ApiResponse,
        context: &CallContext,
        signing: ResponseSigning,
    ) -> Option<String> {
        let faults = context.faults();
        let plan = ReplyPlan::from_faults(faults);
        if let Some(world) =
            world.filter(|_| response.status.is_success() && context.is_replayable())
        {
            let key = replay_key(context);
            // A large answer is not kept for the fault that repeats it.
            let kept = if response.body.len() < LARGE_BYTES {
                response.body.clone()
            } else {
                Bytes::new()
            };
            let previous = world.faults().swap_response(&key, kept);
            let previous = previous.filter(|body| plan.repeats_previous && !body.is_empty());
            if let Some(stale_body) = previous {
                world.faults().mark_applied(&list_rules(faults, |fault| {
                    *fault == ReplyFault::StaleResponse {}.into()
                }));
                // The stale body stays stored, so that it is repeated as long as the fault is
                // active.
                world.faults().swap_response(&key, stale_body.clone());
                response.body = stale_body;
            }
        }
        if signing == ResponseSigning::Unsigned && faults.is_empty() {
            return None;
        }
        let keyring = &self.app_state().keys;
        let (key, spare_key) = (
            Arc::clone(&keyring.default_key().private),
            Arc::clone(keyring.spare_key()),
        );
        let (profile, body, faults) = (
            context.signature_profile(),
            Vec::from(std::mem::take(&mut response.body)),
            faults.to_vec(),
        );
        let wrong_txnid = match world {
            Some(world) if !faults.is_empty() => world.generate_id(StreamKind::Token),
            _ => String::new(),
        };
        let task = tokio::task::spawn_blocking(move || {
            let (body, changed_by) = inject_content_faults(
                body,
                &faults,
                InjectionContext {
                    aa_key: &key,
                    spare_key: &spare_key,
                    wrong_txnid: &wrong_txnid,
                },
            );
            let signing_key = if plan.has_wrong_signature {
                &spare_key
            } else {
                &key
            };
            let header = JwsHeader {
                alg: "RS256",
                kid: key.kid(),
                crit: true,
            };
            let signature = match signing {
                ResponseSigning::Signed => sign_detached_with(signing_key, &body, profile, header),
                ResponseSigning::Unsigned => None,
            };
            (signature, body, changed_by)
        });
        let (signature, body, changed_by) = task.await.expect("signing does not panic");
        response.body = body.into();
        if let Some(world) = world {
            // A call is rejected once: the first status is the one that it has.
            let status = context
                .faults()
                .iter()
                .position(|planned| matches!(planned.fault, ApiFault::Status(_)));
            let first = status.map_or(&[][..], |at| &context.faults()[at..=at]);
            let mut rules = list_rules(first, |_| true);
            rules.extend(list_rules(context.faults(), |fault| match fault {
                ApiFault::Transport(_) | ApiFault::Reply(ReplyFault::Latency(_)) => true,
                ApiFault::Reply(ReplyFault::WrongSignature {}) => signature.is_some(),
                ApiFault::Status(_)
                | ApiFault::Redirect(_)
                | ApiFault::Discovery(_)
                | ApiFault::Linking(_)
                | ApiFault::Reply(ReplyFault::StaleResponse {})
                | ApiFault::Content(_) => false,
            }));
            rules.extend(changed_by);
            world.faults().mark_applied(&rules);
        }
        signature
    }

    /// Looks for the consent of a data request that was rejected before its consent was looked up.
    fn identify_consent(&self, world: &World, context: &mut CallContext) {
        let is_data_request = context.operation() == Some(Operation::FiRequest);
        if !is_data_request || context.parties().handle.is_some() {
            return;
        }
        let body = self.body().map(|body| &body[..]).unwrap_or_default();
        let id = find_named_consent(body);
        if let Some(consent) = id.and_then(|id| world.catch_up().consent_by_id(id)) {
            context.set_named_consent(&consent);
        }
    }

    /// Records the reasons for which the FIU must not rely on an answer of ReBIT. The other APIs
    /// define no check of their answers.
    fn record_defects(
        &self,
        world: &World,
        context: &mut CallContext,
        response: &ApiResponse,
        original: &[u8],
        is_signed: bool,
    ) {
        let is_rebit = context.facts().api == Some(ApiFamily::Rebit);
        if !is_rebit || !response.status.is_success() {
            return;
        }
        let answer = AnswerParts {
            component: self.route().and_then(|route| route.response_component),
            is_signed,
            request: self.body().map(|body| &body[..]).unwrap_or_default(),
            original,
            sent: &response.body,
        };
        let clocks = [world.now(), system_now()];
        context.facts_mut().defects = find_defects(answer, context.faults(), &clocks);
    }

    fn record_call(
        &self,
        world: &CallWorld,
        response: &ApiResponse,
        headers: &HeaderList,
        context: &CallContext,
    ) {
        let Some(op) = context.operation() else {
            return;
        };
        let CallParties {
            fiu,
            customer,
            handle,
        } = context.parties().clone();
        record_subject(fiu.as_ref(), handle);
        let call = self.in_progress(world);
        if let Some(call) = call.filter(|_| context.facts().sender != Sender::Browser) {
            call.record_caller(IdentifiedCall {
                operation: op,
                fiu: fiu.as_deref(),
                handle,
            });
        }
        let finished_at = system_now();
        let request_body = self.body().cloned().unwrap_or_default();
        let is_rebit = context.facts().api == Some(ApiFamily::Rebit);
        let record = CallRecord {
            operation: op,
            method: self.method().to_owned(),
            path: self.path_and_query().to_owned(),
            fiu,
            handle,
            customer,
            headers: self.record_headers(),
            request_body_length: request_body.len(),
            request_body: cut_body(&request_body),
            status: response.status.as_u16(),
            response_headers: RecordedHeaders::from_pairs(headers.iter()),
            response_body_length: response.body.len(),
            response_body: cut_body(&response.body),
            system_time: finished_at,
            duration: finished_at.duration_since(self.arrived_at()),
            faults: fault_names(context.faults()),
            retry_after: response.retry_after.map(Millis::from_secs),
            facts: context.facts().clone(),
            request_times: if is_rebit {
                world.request_times().collect()
            } else {
                Box::default()
            },
            request_facts: DeferredFacts::new(read_request_facts),
        };
        if record.request_body.len() < request_body.len() {
            // The rest of the body is not recorded.
            record.request_facts.set(read_facts(&record, &request_body));
        }
        world.record_call(record);
    }

    /// Waits for the injected delays, and for webhooks that must be sent before the response.
    #[expect(
        clippy::disallowed_methods,
        reason = "a fault asks for a slow response"
    )]
    async fn delay_response(&self, faults: &[CallFault], hold: Option<&DeliveryHold>) {
        let delay = faults
            .iter()
            .map(|fault| fault.delay.0)
            .sum::<i64>()
            .clamp(0, LATENCY_MAX.0);
        if delay > 0 {
            tokio::time::sleep(Duration::from_millis(delay.unsigned_abs())).await;
        }
        if let Some(hold) = hold {
            // A receiver that hangs must not block the response for ever.
            let _ =
                tokio::time::timeout(BEFORE_RESPONSE_TIMEOUT, hold.wait_for_first_attempts()).await;
        }
    }

    fn unaport_error_response(&self, error: &ApiError, fiu: Option<&str>) -> ApiResponse {
        self.log_rejection(error);
        // A rejected call does not create a world.
        let world = self.find_world().ok().flatten();
        let now = world.as_ref().map_or_else(
            || self.worlds().initial_message_time(),
            |world| world.message_time(fiu),
        );
        let txn_id = world
            .map(|world| world.generate_id(StreamKind::Token))
            .unwrap_or_default();
        let status = unaport::error::http_status(error);
        let reason_phrase = StatusCode::from_u16(status)
            .ok()
            .and_then(|status| status.canonical_reason());
        let body = ErrorBody::new(
            error,
            reason_phrase.unwrap_or_default(),
            self.path(),
            txn_id,
            now,
        );
        ApiResponse::json_with_status(status, &body)
    }

    fn rebit_error_response(
        &self,
        error: &ApiError,
        ver: Option<&str>,
        fiu: Option<&str>,
    ) -> ApiResponse {
        self.log_rejection(error);
        let envelope = self
            .body()
            .map(|body| Envelope::from_body(body))
            .unwrap_or_default();
        // A rejected call does not create a world.
        let world = self.find_world().ok().flatten();
        let now = world.map_or_else(
            || self.worlds().initial_message_time(),
            |world| world.message_time(fiu),
        );
        let ver = match ver {
            Some(ver) => ver,
            None if self.is_v1_only() => RebitVersion::V1_1_2.as_str(),
            None => envelope.ver(),
        };
        let (status, _) = classify_error(error);
        ApiResponse::json_with_status(
            status,
            &ErrorResponse::new(ver, envelope.txnid(), now, error),
        )
    }
}

/// Recorded length of a body, in bytes; the rest is cut off.
const RECORDED_BODY_BYTES_MAX: usize = 64 * 1024;

/// Returns the part of a body that is recorded. A long body is not kept for it.
fn cut_body(body: &Bytes) -> Bytes {
    if body.len() <= RECORDED_BODY_BYTES_MAX {
        return body.clone();
    }
    Bytes::copy_from_slice(&body[..RECORDED_BODY_BYTES_MAX])
}

/// Plans the faults of a call that was rejected before its subject was known. An injected error
/// replaces only another error: a call that succeeded has taken effect.
fn plan_faults_if_rejected(
    context: &mut CallContext,
    world: &World,
    outcome: Result<ApiResponse, ApiError>,
) -> Result<ApiResponse, ApiError> {
    match (context.plan_faults(world), outcome) {
        (Err(injected), Err(_)) => Err(injected),
        (_, outcome) => outcome,
    }
}

/// Returns the rules of scenarios behind the selected faults.
fn list_rules(faults: &[CallFault], is_selected: impl Fn(&ApiFault) -> bool) -> Vec<FaultRuleId> {
    faults
        .iter()
        .filter(|CallFault { fault, .. }| is_selected(fault))
        .filter_map(|CallFault { rule, .. }| rule.clone())
        .collect()
}

/// Returns the key of the stored response: calls with the same operation and consent are repeats of
/// each other.
fn replay_key(context: &CallContext) -> String {
    let handle = context.parties().handle;
    let handle = handle.map(|handle| handle.to_string()).unwrap_or_default();
    let operation = context.operation().map_or("", Operation::as_str);
    format!("{operation} {handle}")
}

/// Longest time that a response waits for a webhook that must be sent before it.
const BEFORE_RESPONSE_TIMEOUT: Duration = Duration::from_secs(20);

/// Returns the first transport fault, if there is one.
fn find_transport_fault(faults: &[CallFault]) -> Option<TransportFault> {
    faults
        .iter()
        .find_map(|CallFault { fault, .. }| match fault {
            ApiFault::Transport(fault) => Some(*fault),
            _ => None,
        })
}

/// The reply faults of a call.
#[derive(Clone, Copy, Debug, Default)]
struct ReplyPlan {
    has_wrong_signature: bool,
    repeats_previous: bool,
}

impl ReplyPlan {
    fn from_faults(faults: &[CallFault]) -> Self {
        let mut plan = Self::default();
        for CallFault { fault, .. } in faults {
            let ApiFault::Reply(fault) = fault else {
                continue;
            };
            match fault {
                // It was sampled when the faults were planned: `CallFault::delay`.
                ReplyFault::Latency(_) => {}
                ReplyFault::WrongSignature {} => plan.has_wrong_signature = true,
                ReplyFault::StaleResponse {} => plan.repeats_previous = true,
            }
        }
        plan
    }
}

/// The bytes of a body that are handed to the connection at once. It copies them, so that a large body
/// in one piece would be in memory twice.
const BODY_CHUNK_BYTES: usize = 64 * 1024;

/// The body of a response, sent in chunks. Releases the delivery hold when it has been sent: actix drops
/// the body after writing it out.
struct ResponseBody {
    bytes: Bytes,
    hold: Option<DeliveryHold>,
    /// The slot of a large answer, with the number of bytes that are not taken yet.
    slot: Option<(LargeSlot, Rc<Cell<usize>>)>,
}

/// Ends a connection whose client takes nothing of a large answer for a while. `progress` is the number of bytes that are
/// left, as long as the answer is being sent.
async fn end_stalled(progress: Weak<Cell<usize>>, socket: ClientSocket) {
    let mut last = usize::MAX;
    let mut looks = tokio::time::interval(READER_TIMEOUT);
    // The first tick is at once.
    looks.tick().await;
    while let Some(left) = progress.upgrade().map(|left| left.get()) {
        if left == last {
            socket.shut_down();
            return;
        }
        last = left;
        looks.tick().await;
    }
}

impl MessageBody for ResponseBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.bytes.len() as u64)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        let chunk_size = self.bytes.len().min(BODY_CHUNK_BYTES);
        let chunk = self.bytes.split_to(chunk_size);
        if let Some((_, progress)) = &self.slot {
            progress.set(self.bytes.len());
        }
        Poll::Ready((!chunk.is_empty()).then_some(Ok(chunk)))
    }
}

impl Drop for ResponseBody {
    /// Releases the hold in a task of the same thread. At this point the bytes are in the
    /// connection's write buffer, and the connection flushes it before it yields: the task runs
    /// after that.
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

    use super::{ApiResponse, HeaderList};
    use crate::bankgen;
    use crate::config::personas::{find_persona, load_personas};
    use crate::config::{ParticipantSetup, load_participants};
    use crate::domain::command::{Command, OnRepeatedTxnid, RaiseConsent};
    use crate::domain::consent::Api;
    use crate::domain::fair_use::FairUseMode;
    use crate::domain::persona::DEFAULT_PERSONA;
    use crate::domain::retry_policy::RetryPolicy;
    use crate::domain::security_mode::SecurityMode;
    use crate::domain::session::{ApprovalMode, DataTiming};
    use crate::domain::time_source::TimeSettings;
    use crate::engine::clock::ClockStart;
    use crate::engine::sandbox_config::{ENDED_CONSENTS_MAX, SandboxConfig, SimulatedFips};
    use crate::engine::world::World;
    use crate::scenario::library::{Library, RequiredScenarios};
    use crate::wire::fields::parse_json;
    use crate::wire::seed::ConsentRequest;

    /// Returns a world whose consent a magic customer has just rejected, and the response that
    /// holds the webhook back.
    fn create_rejected_consent() -> (Arc<World>, ApiResponse) {
        let ParticipantSetup {
            participants,
            unaport,
            ..
        } = load_participants(None, Some("http://127.0.0.1:1")).expect("they are whole");
        let personas = Arc::new(load_personas(None).expect("the shipped ones are right"));
        let persona = find_persona(&personas, DEFAULT_PERSONA).expect("it is shipped");
        let config = SandboxConfig {
            seed: 1,
            clock: "2020-07-04T06:00:00Z,frozen"
                .parse::<ClockStart>()
                .expect("a clock"),
            security: SecurityMode::Lenient,
            fair_use: FairUseMode::Note,
            time_settings: TimeSettings::default(),
            initial_participants: Arc::new(participants),
            default_webhook_url: None,
            data_timing: DataTiming::Immediate,
            approval_mode: ApprovalMode::Manual,
            unaport,
            retries: RetryPolicy::default(),
            push_data: None,
            scenarios: Arc::clone(
                Library::load(None, RequiredScenarios::default(), Arc::clone(&personas))
                    .expect("the shipped ones are right")
                    .scenarios(),
            ),
            personas,
            default_persona: persona,
            ended_consents_max: ENDED_CONSENTS_MAX,
            fips: SimulatedFips {
                list_accounts: bankgen::generate_accounts,
                can_generate_data: bankgen::is_supported,
                opening_date: bankgen::opening_date,
                find_transaction: bankgen::find_transaction,
                find_supplied_id: bankgen::find_supplied_id,
            },
        };
        let world = Arc::new(World::new("test", Arc::new(config)));
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
            on_repeated_txnid: OnRepeatedTxnid::Note,
        };
        let receipt = world
            .submit(None, Command::RaiseConsent(raise))
            .expect("it is raised");
        let response = ApiResponse::from_receipt(receipt, |_| ApiResponse::json(&"raised"));
        (world, response)
    }

    #[test]
    fn webhooks_of_a_call_wait_until_its_response_is_sent() {
        System::new().block_on(async {
            let (world, response) = create_rejected_consent();
            let response = response.into_http_response(HeaderList(Vec::new()), None);
            assert!(
                world.driver().run_due_and_take_ready(usize::MAX).is_empty(),
                "the answer is not written yet"
            );
            let body = to_bytes(response.into_body()).await.expect("a body");
            assert_eq!(&body[..], b"\"raised\"");
            assert!(
                world.driver().run_due_and_take_ready(usize::MAX).is_empty(),
                "it is written, but the connection has not been flushed yet"
            );
            world.driver().wait_for_wake().await;
            assert_eq!(
                world.driver().run_due_and_take_ready(usize::MAX).len(),
                1,
                "now the webhook may go"
            );
        });
    }

    #[test]
    fn a_caller_who_goes_away_does_not_hold_webhooks_for_ever() {
        let (world, response) = create_rejected_consent();
        drop(response);
        assert_eq!(world.driver().run_due_and_take_ready(usize::MAX).len(), 1);
    }
}
