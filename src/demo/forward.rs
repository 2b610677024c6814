//! The pages of the sandbox that the lender's server passes on, so that a browser, and a phone, needs one address:
//! the customer's pages, and the timeline of a consent with the events that it follows. The sandbox itself stays on loopback, and no other of its
//! calls can be reached here.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, HOST,
    HeaderName, ORIGIN, REFERER, USER_AGENT, X_FRAME_OPTIONS,
};
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream::unfold;
use reqwest::{Response, Url};

use super::server::{Lender, LenderError, reply_problem};
use crate::ui::messages::Language;

/// The headers of a request that the sandbox gets. `Host` is that of the browser, so that links lead back here.
const PASSED_HEADERS: [HeaderName; 9] = [
    ACCEPT,
    ACCEPT_ENCODING,
    CONTENT_TYPE,
    COOKIE,
    HOST,
    ORIGIN,
    REFERER,
    USER_AGENT,
    HeaderName::from_static("x-mockaa-poll"),
];

/// The headers of one connection (RFC 9110, section 7.6.1), which the server writes itself.
const CONNECTION_HEADERS: [&str; 4] = [
    "connection",
    "content-length",
    "keep-alive",
    "transfer-encoding",
];

/// Passes on a call of a page of a visitor's world.
pub(super) async fn forward_world_page(
    lender: Data<Lender>,
    request: HttpRequest,
    body: Bytes,
) -> Result<HttpResponse, LenderError> {
    let visitor = lender.find(request.match_info().query("world"))?;
    let language = visitor.lock_state().await.language;
    let answer = send(&lender, &request, body, Some(language)).await;
    Ok(answer.map_or_else(|problem| problem, |answer| pass_back(answer, None)))
}

/// Passes on the stream of events of a visitor's world, which a timeline follows.
pub(super) async fn forward_events(
    lender: Data<Lender>,
    place: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, LenderError> {
    let visitor = lender.find(&place)?;
    let mut parameters = request.query_string().split('&');
    if !parameters.all(|it| it.starts_with("after=")) {
        return Ok(HttpResponse::NotFound().finish());
    }
    let slot = StreamSlot::take(&visitor.streams);
    let Some(slot) = slot else {
        return Ok(HttpResponse::ServiceUnavailable().finish());
    };
    let answer = send(&lender, &request, Bytes::new(), None).await;
    Ok(answer.map_or_else(|problem| problem, |answer| pass_back(answer, Some(slot))))
}

/// The largest number of streams of a visit.
const STREAMS_MAX: usize = 8;

/// One of the streams of a visit. It is given back when the stream ends.
struct StreamSlot(Arc<AtomicUsize>);

impl StreamSlot {
    fn take(streams: &Arc<AtomicUsize>) -> Option<Self> {
        let add = |count| (count < STREAMS_MAX).then_some(count + 1);
        let taken = streams.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        taken.ok().map(|_| Self(Arc::clone(streams)))
    }
}

impl Drop for StreamSlot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Passes on a call of a file of all worlds.
pub(super) async fn forward_file(lender: Data<Lender>, request: HttpRequest) -> HttpResponse {
    forward(&lender, &request).await
}

/// Passes on the timeline of a consent. The other parts of the page are the operator's.
pub(super) async fn forward_timeline(
    lender: Data<Lender>,
    place: Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, LenderError> {
    lender.find(&place.0)?;
    let parameters: Vec<_> = request.query_string().split('&').collect();
    let is_allowed = |parameter: &&str| {
        let (name, _) = parameter.split_once('=').unwrap_or((parameter, ""));
        TIMELINE_PARAMETERS.contains(&name) && (name != "only" || *parameter == TIMELINE_ONLY)
    };
    if parameters.contains(&TIMELINE_ONLY) && parameters.iter().all(is_allowed) {
        Ok(forward(&lender, &request).await)
    } else {
        Ok(HttpResponse::NotFound().finish())
    }
}

/// The parameters of a timeline. One that shows secrets is not among them.
const TIMELINE_PARAMETERS: [&str; 5] = ["only", "by", "open", "part", "offset"];

/// The parameter that leaves nothing but the timeline of the page of a consent.
pub(super) const TIMELINE_ONLY: &str = "only=timeline";

async fn forward(lender: &Lender, request: &HttpRequest) -> HttpResponse {
    let answer = send(lender, request, Bytes::new(), None).await;
    answer.map_or_else(|problem| problem, |answer| pass_back(answer, None))
}

/// Sends a call to the sandbox, and returns its answer, or that of the lender if there is none. A page of the AA
/// begins in the language that the customer has chosen at the lender.
async fn send(
    lender: &Lender,
    request: &HttpRequest,
    body: Bytes,
    language: Option<Language>,
) -> Result<Response, HttpResponse> {
    let target = request.uri().path_and_query();
    let target = target.map_or("/", |target| target.as_str());
    let url = Url::parse(&format!("{}{target}", lender.sandbox_url));
    // The client resolves `..`, which would lead to other calls than those that are passed on.
    let Some(url) = url.ok().filter(|url| url.path() == request.path()) else {
        return Err(HttpResponse::NotFound().finish());
    };
    let mut call = lender
        .pages
        .request(request.method().as_str().parse().expect("a method"), url);
    if let Some(language) = language {
        call = call.header(ACCEPT_LANGUAGE.as_str(), language.as_str());
    }
    for name in PASSED_HEADERS {
        for value in request.headers().get_all(&name) {
            call = call.header(name.as_str(), value.as_bytes());
        }
    }
    let answer = call.body(body).send().await;
    answer.map_err(|error| reply_problem(error.to_string()))
}

/// Passes an answer back, piece by piece. A page of the lender may show it in a frame. The slot, if there is one, is
/// taken until the end.
fn pass_back(answer: Response, slot: Option<StreamSlot>) -> HttpResponse {
    let status = answer.status().as_u16().try_into();
    let mut response = HttpResponse::build(status.expect("a status"));
    for (name, value) in answer.headers() {
        let name = name.as_str();
        if CONNECTION_HEADERS.contains(&name) || name == X_FRAME_OPTIONS.as_str() {
            continue;
        }
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let text = if name == CONTENT_SECURITY_POLICY.as_str() {
            text.replace("frame-ancestors 'none'", "frame-ancestors 'self'")
        } else {
            text
        };
        response.append_header((name, text));
    }
    response.streaming(unfold((answer, slot), async |(mut answer, slot)| {
        let piece = answer.chunk().await.transpose()?;
        Some((piece, (answer, slot)))
    }))
}
