//! The lender's server: its pages, the pages of the sandbox that it passes on, and the address of its webhooks.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServerHandle, ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, HOST, LOCATION,
    ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::http::uri::PathAndQuery;
use actix_web::http::{StatusCode, Uri};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Bytes, Data, Form, Path, PayloadConfig, Query};
use actix_web::{
    App, Error, FromRequest, Handler, HttpRequest, HttpResponse, HttpServer, Resource, Responder,
    ResponseError,
};
use askama::Template;
use reqwest::redirect::Policy;
use reqwest::{Client, Method};
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error as ThisError;
use tokio::sync::MutexGuard as StateGuard;
use tokio::task::spawn_blocking;

use super::FIU_ID;
use super::api::{Api, LenderCalls};
use super::calls::{CallLog, Calls, read_text};
use super::consent::CustomerPage;
use super::forward::{forward_events, forward_file, forward_timeline, forward_world_page};
use super::offer::{AMOUNT_MAX, AMOUNT_MIN, Application, MONTHS};
use super::pages::{DemoContent, DemoDraft, DemoPage};
use super::present::{PhoneAccess, PresentPage, Progress, Underneath, build_timeline_path};
use super::rebit::{LenderKeys, Redirection, read_outcome};
use super::visitor::{Stage, Visitor, VisitorState};
use crate::analytics::build_report;
use crate::crypto::keys::SigningKey;
use crate::domain::money::Paise;
use crate::domain::participants::Participants;
use crate::domain::text::quote_value;
use crate::domain::time::Millis;
use crate::engine::clock::system_now;
use crate::engine::entropy::random_key;
use crate::export::svg::balance_chart;
use crate::export::{FileFormat, build_analytics_workbook, build_appraisal_document};
use crate::fiu::webhook_check::{VerificationKeys, WebhookError};
use crate::ui::assets::{find_asset, is_current_digest};
use crate::ui::journey::Party;
use crate::ui::messages::Language;
use crate::wire::jwk::Jwk;
use crate::wire::web_authority::{Authority, Origin};

/// The largest number of visitors whose applications are kept. Another one takes the place of the one who was away
/// for longest.
const VISITORS_MAX: usize = 100;

/// The time for which a visitor who is away keeps the place.
const KEPT_TIME: Millis = Millis::from_secs(10 * 60);

/// The time after which an application is over. The world has the same one.
pub(crate) const VISIT_TTL: Millis = Millis::from_secs(12 * 3_600);

/// The time that the sandbox has for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The policy of the lender's pages. The presenter's view shows them, and those of the AA, in frames.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                           connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; \
                           frame-ancestors 'self'";

/// The path of a visit. Its world is the name of the visit.
const VISIT: &str = "/{world:demo-[a-z0-9]+}";

/// The path of the world of a visit in the sandbox.
const WORLD: &str = "/w/{world:demo-[a-z0-9]+}";

/// The running server of the lender.
#[derive(Debug)]
pub(crate) struct LenderServer {
    /// The address at which this machine reaches the lender.
    pub url: String,
    /// The address at which phones reach it; `None` if it listens on loopback.
    pub phone_url: Option<String>,
    handle: ServerHandle,
}

/// The listening socket of the lender.
#[derive(Debug)]
pub(crate) struct LenderListener {
    listener: std::net::TcpListener,
    url: String,
    phone_url: Option<String>,
}

/// The state that all calls of the server share.
#[derive(Debug)]
pub(super) struct Lender {
    http: Client,
    /// For the pages that are passed on, some of which are sent for as long as they are read.
    pub pages: Client,
    /// The base URL of the sandbox.
    pub sandbox_url: String,
    /// The base URL at which the sandbox reaches the lender.
    url: String,
    phone_url: Option<String>,
    participants: Arc<Participants>,
    signing_key: Arc<SigningKey>,
    visitors: Mutex<HashMap<String, Arc<Visitor>>>,
}

/// A call that is refused, with the reason.
#[derive(Debug, ThisError)]
#[error("{text}")]
pub(super) struct LenderError {
    status: StatusCode,
    text: String,
}

impl ResponseError for LenderError {
    fn status_code(&self) -> StatusCode {
        self.status
    }
}

impl LenderListener {
    /// Listens at an address; port 0 selects a free port. `local_address` is an address of this machine by which
    /// others reach it.
    ///
    /// # Errors
    /// The address cannot be listened at.
    pub(crate) fn bind(address: SocketAddr, local_address: Option<IpAddr>) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let bound = listener.local_addr()?;
        let at = |ip: IpAddr| format!("http://{}", SocketAddr::new(ip, bound.port()));
        let ip = bound.ip();
        let own = if ip.is_unspecified() {
            IpAddr::from([127, 0, 0, 1])
        } else {
            ip
        };
        let reached = if ip.is_unspecified() {
            local_address
        } else {
            Some(ip).filter(|ip| !ip.is_loopback())
        };
        Ok(Self {
            listener,
            url: at(own),
            phone_url: reached.map(at),
        })
    }
}

impl LenderServer {
    /// Starts the server of a lender that uses a sandbox. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// The listener cannot be used.
    pub(crate) fn start(
        at: LenderListener,
        sandbox_url: String,
        participants: Arc<Participants>,
    ) -> io::Result<Self> {
        let LenderListener {
            listener,
            url,
            phone_url,
        } = at;
        // The sandbox is called over http.
        let builder = || Client::builder().no_proxy().tls_certs_only(Vec::new());
        let http = builder().timeout(ANSWER_TIMEOUT).build();
        let pages = builder().redirect(Policy::none());
        let lender = Data::new(Lender {
            http: http.map_err(io::Error::other)?,
            pages: pages.build().map_err(io::Error::other)?,
            sandbox_url,
            url: url.clone(),
            phone_url: phone_url.clone(),
            participants,
            signing_key: Arc::new(SigningKey::generate("marigold-1")),
            visitors: Mutex::default(),
        });
        let server = HttpServer::new(move || {
            App::new()
                .app_data(lender.clone())
                .app_data(PayloadConfig::new(1024 * 1024))
                .wrap(from_fn(check_host))
                .route("/", web::get().to(open_visit))
                .route("/present", web::get().to(open_presentation))
                .service(route_page("/ui/assets/{digest}/{name}", send_asset))
                .service(route_page("/favicon.{extension}", send_icon))
                .service(route_page("/aa/themes/{file}", forward_file))
                .service(route_page(VISIT, add_slash))
                .service(route_page(&format!("{VISIT}/"), show_page))
                .service(route_page(&format!("{VISIT}/present"), show_presentation))
                .service(route_page(&format!("{VISIT}/progress"), send_progress))
                .service(route_page(&format!("{VISIT}/aa"), send_to_aa))
                .service(route_form(&format!("{VISIT}/apply"), submit_application))
                .service(route_form(&format!("{VISIT}/ask"), ask_now))
                .service(route_form(&format!("{VISIT}/monitor"), ask_to_monitor))
                .service(route_form(&format!("{VISIT}/month"), pass_month))
                .service(route_form(&format!("{VISIT}/again"), request_again))
                .service(route_form(&format!("{VISIT}/reset"), reset_visit))
                .service(route_page(&format!("{VISIT}/back"), return_customer))
                .service(route_page(
                    &format!("{VISIT}/balance-{{number:[0-9]+}}.svg"),
                    send_chart,
                ))
                .service(route_page(
                    &format!("{VISIT}/appraisal.{{format}}"),
                    send_appraisal,
                ))
                .route(
                    &format!("{VISIT}/webhooks/{{path:.*}}"),
                    web::post().to(receive_webhook),
                )
                .service(route_customer_page(&format!("{WORLD}/aa")))
                .service(route_customer_page(&format!("{WORLD}/aa/{{path:.*}}")))
                .service(route_page(
                    &format!("{WORLD}/backend-v2/api/v2/{{call:redirect|public/shorten}}/{{code}}"),
                    forward_world_page,
                ))
                .service(route_page(
                    &format!("{WORLD}/_mockaa/v1/events"),
                    forward_events,
                ))
                .service(route_page(
                    &format!("{WORLD}/ui/consents/{{handle}}"),
                    forward_timeline,
                ))
                .default_service(web::to(async || HttpResponse::NotFound().finish()))
        })
        .workers(1)
        .disable_signals()
        .listen(listener)?
        .run();
        let handle = server.handle();
        tokio::spawn(server);
        Ok(Self {
            url,
            phone_url,
            handle,
        })
    }

    /// Stops the server.
    pub(crate) async fn stop(self) {
        self.handle.stop(false).await;
    }
}

impl Lender {
    fn lock_visitors(&self) -> MutexGuard<'_, HashMap<String, Arc<Visitor>>> {
        self.visitors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a visitor by the name of the world.
    pub(super) fn find(&self, world: &str) -> Result<Arc<Visitor>, LenderError> {
        let visitor = self.lock_visitors().get(world).cloned();
        let visitor = visitor.filter(|it| it.idle_time() < VISIT_TTL);
        visitor.ok_or_else(|| LenderError {
            status: StatusCode::NOT_FOUND,
            text: "This application is over. Open the address of the lender for another one."
                .to_owned(),
        })
    }

    /// Returns the visitor whose page sends a form, and rejects the form of another site's page.
    fn find_sender(&self, world: &str, request: &HttpRequest) -> Result<Arc<Visitor>, LenderError> {
        let own = read_host(request).and_then(|host| Origin::parse(&format!("http://{host}")));
        let mut origins = request.headers().get_all(ORIGIN);
        if !origins.all(|origin| origin.to_str().is_ok_and(|it| Origin::parse(it) == own)) {
            return Err(LenderError {
                status: StatusCode::FORBIDDEN,
                text: "The form is one of another site's page; nothing was done.".to_owned(),
            });
        }
        self.find(world)
    }

    /// Creates a world for a visitor, and registers the lender's keys and the address of its webhooks there.
    async fn add_visitor(&self, language: Language) -> Result<Arc<Visitor>, String> {
        const LETTERS: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";
        let code: String = random_key()[..5]
            .iter()
            .map(|byte| char::from(LETTERS[usize::from(byte % 31)]))
            .collect();
        let world = format!("demo-{code}");
        let world_url = format!("{}/w/{world}", self.sandbox_url);
        let call_log = CallLog::default();
        let calls = Calls {
            http: &self.http,
            world_url: &world_url,
            call_log: &call_log,
        };
        let keys = self.register(calls, &world).await?;
        let visitor = Arc::new(Visitor::new(world.clone(), world_url, keys, language));
        self.lock_visitors().insert(world, Arc::clone(&visitor));
        Ok(visitor)
    }

    /// Makes room for another visitor, and removes the world of the one who leaves.
    ///
    /// # Errors
    /// All visitors are busy.
    async fn make_room(&self) -> Result<(), LenderError> {
        let oldest = {
            let mut visitors = self.lock_visitors();
            if visitors.len() < VISITORS_MAX {
                return Ok(());
            }
            let oldest = visitors.values().max_by_key(|it| it.idle_time());
            let oldest = oldest.filter(|it| it.idle_time() >= KEPT_TIME).cloned();
            let oldest = oldest.ok_or_else(|| LenderError {
                status: StatusCode::SERVICE_UNAVAILABLE,
                text: format!(
                    "{VISITORS_MAX} applications are under way; try again in ten minutes."
                ),
            })?;
            visitors.remove(&oldest.world);
            oldest
        };
        let path = format!("worlds/{}", oldest.world);
        let calls = oldest.calls(&self.http);
        // A world that stays is removed when it has been idle for long.
        let _ = calls.call_control_api(Method::DELETE, &path, None).await;
        Ok(())
    }

    fn calls_for<'a>(&'a self, visitor: &'a Visitor) -> LenderCalls<'a> {
        visitor.lender_calls(&self.http, &self.participants)
    }

    /// Registers the lender's key and the address of its webhooks in a visitor's world, and learns the keys and
    /// secrets of that world.
    async fn register(&self, calls: Calls<'_>, world: &str) -> Result<LenderKeys, String> {
        let base_url = format!("{}/{world}/webhooks", self.url);
        let key = Jwk::from(&self.signing_key.public_key());
        let body = json!({ "baseUrl": base_url, "publicKeys": [key] }).to_string();
        let path = format!("config/fiu/{FIU_ID}");
        let fiu = calls
            .call_control_api(Method::PUT, &path, Some(body))
            .await?;
        let jwks = calls.call_control_api(Method::GET, "keys", None).await?;
        let secrets = vec![read_text(&fiu, "webhookSecret")?];
        Ok(LenderKeys {
            signing_key: Arc::clone(&self.signing_key),
            verification_keys: VerificationKeys::parse(&jwks, secrets)
                .ok_or("the sandbox has no RSA keys")?,
            api_key: read_text(&fiu, "apiKey")?,
            passphrase: read_text(&fiu, "redirectPassphrase")?,
        })
    }

    /// Sends the page of a visitor. The problem of a form, or of what a person has wanted, is shown once.
    async fn show(
        &self,
        status: StatusCode,
        visitor: &Visitor,
        mut state: StateGuard<'_, VisitorState>,
    ) -> HttpResponse {
        let mut page = self.build_page(visitor, &state);
        state.draft.problem = None;
        state.failure = None;
        let handle = state.stage.consent().map(|it| it.handle.clone());
        drop(state);
        page.underneath = self.find_underneath(visitor, handle.as_deref()).await;
        send_page(status, &page)
    }

    fn build_page(&self, visitor: &Visitor, state: &VisitorState) -> DemoPage {
        let consent = state.stage.consent();
        let api = consent.map_or_else(|| state.draft.api(), |consent| consent.api);
        let aa_id = api.aa_id(&self.participants);
        let aa = Party::of_aa(&self.participants, "", aa_id);
        let content = match &state.stage {
            Stage::Form => DemoContent::Form(state.draft.clone(), MONTHS),
            Stage::Asked(..) => DemoContent::Asked,
            Stage::Fetching(..) => DemoContent::Fetching,
            Stage::Paused(..) => DemoContent::Paused,
            Stage::Ended(_, end) => DemoContent::Ended(*end),
            Stage::TimedOut(_) => DemoContent::TimedOut,
            Stage::Empty(_) => DemoContent::Empty,
            Stage::Decided(it) => {
                DemoContent::from_assessment(it, state.draft.variation(), &aa.name, state.language)
            }
        };
        DemoPage {
            language: state.language,
            path: format!("/{}/", visitor.world),
            stage: state.stage.name(),
            fiu: Party::of_fiu(&self.participants, "", FIU_ID),
            aa,
            aa_id: aa_id.to_owned(),
            content,
            problem: state.problem.clone(),
            failure: state.failure.clone(),
            has_refused_webhook: visitor.has_refused_webhook(),
            call_log: visitor.call_log.entries(),
            underneath: None,
            timeline: consent.map(|consent| build_timeline_path(&visitor.world, &consent.handle)),
        }
    }

    /// Returns a sentence about the newest call, webhook or event of a consent.
    async fn find_underneath(&self, visitor: &Visitor, handle: Option<&str>) -> Option<Underneath> {
        let handle = handle?;
        let path = format!("journal?consentHandle={handle}&before=0&limit=1");
        let calls = visitor.calls(&self.http);
        // The page is readable without the sentence.
        let page = calls
            .call_control_api(Method::GET, &path, None)
            .await
            .ok()?;
        Underneath::from_entry(page["items"].get(0)?, &visitor.world, handle)
    }
}

fn send_page(status: StatusCode, page: &impl Template) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((CONTENT_SECURITY_POLICY, PAGE_POLICY))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((REFERRER_POLICY, "same-origin"))
        .content_type("text/html; charset=utf-8")
        .body(page.render().expect("a page can be written"))
}

fn read_host(request: &HttpRequest) -> Option<&str> {
    request.headers().get(HOST)?.to_str().ok()
}

/// Refuses calls under a name that is not this machine's: a page of another site could have made its own name lead
/// here (DNS rebinding).
async fn check_host(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, Error> {
    let host = read_host(request.request()).and_then(Authority::parse);
    if host.is_some_and(|host| host.is_local()) {
        let answer = next.call(request).await?;
        return Ok(answer.map_into_left_body());
    }
    let text = "The header Host is not a name of this lender; use its IP address or localhost.";
    let answer = HttpResponse::Forbidden().body(text);
    Ok(request.into_response(answer).map_into_right_body())
}

/// A page, which may be asked for without its body.
fn route_page<F, A>(path: &str, handler: F) -> Resource
where
    F: Handler<A> + Copy,
    A: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::resource(path)
        .route(web::get().to(handler))
        .route(web::head().to(handler))
}

/// A page of the customer in the sandbox, with its forms.
fn route_customer_page(path: &str) -> Resource {
    route_page(path, forward_world_page).route(web::post().to(forward_world_page))
}

/// A form. A GET of its address leads to the page.
fn route_form<F, A>(path: &str, handler: F) -> Resource
where
    F: Handler<A>,
    A: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::resource(path)
        .route(web::post().to(handler))
        .route(web::get().to(add_slash))
}

fn redirect(address: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((LOCATION, address))
        .finish()
}

fn redirect_to_page(visitor: &Visitor) -> HttpResponse {
    redirect(&format!("/{}/", visitor.world))
}

async fn add_slash(world: Path<String>) -> HttpResponse {
    redirect(&format!("/{world}/"))
}

pub(super) fn reply_problem(problem: String) -> HttpResponse {
    HttpResponse::BadGateway()
        .content_type("text/plain; charset=utf-8")
        .body(problem)
}

/// Returns the address at which the customer comes back, below the one that the browser uses.
fn build_return_url(request: &HttpRequest, visitor: &Visitor) -> String {
    let host = read_host(request).unwrap_or_default();
    format!("http://{host}/{}/back", visitor.world)
}

/// Adds a visitor for a page that a browser opens. Whatever else a page of another site loads makes no visitor.
async fn add_new_visitor(
    lender: &Lender,
    request: &HttpRequest,
) -> Result<Arc<Visitor>, LenderError> {
    let header = |name: &str| request.headers().get(name).and_then(|it| it.to_str().ok());
    if header("sec-fetch-dest").is_some_and(|it| !matches!(it, "document" | "iframe")) {
        return Err(LenderError {
            status: StatusCode::FORBIDDEN,
            text: "This is a page, and no part of one.".to_owned(),
        });
    }
    lender.make_room().await?;
    let accepted = header(ACCEPT_LANGUAGE.as_str()).unwrap_or_default();
    let language = Language::from_accepted(accepted).unwrap_or_default();
    let visitor = lender.add_visitor(language).await;
    visitor.map_err(|text| LenderError {
        status: StatusCode::BAD_GATEWAY,
        text,
    })
}

/// Opens the visit of a new visitor.
async fn open_visit(
    lender: Data<Lender>,
    request: HttpRequest,
) -> Result<HttpResponse, LenderError> {
    let visitor = add_new_visitor(&lender, &request).await?;
    Ok(redirect_to_page(&visitor))
}

/// Opens the presenter's view of a new visit. The query is kept.
async fn open_presentation(
    lender: Data<Lender>,
    request: HttpRequest,
) -> Result<HttpResponse, LenderError> {
    let visitor = add_new_visitor(&lender, &request).await?;
    let query = request.uri().query().map(|query| format!("?{query}"));
    let query = query.unwrap_or_default();
    Ok(redirect(&format!("/{}/present{query}", visitor.world)))
}

#[derive(Deserialize)]
struct PageQuery {
    lang: Option<String>,
    /// Present if the customer is played.
    auto: Option<String>,
}

impl PageQuery {
    /// Changes the language of a visit, if the address names one.
    fn apply_language(&self, state: &mut VisitorState) {
        if let Some(language) = self.lang.as_deref().and_then(Language::from_code) {
            state.language = language;
        }
    }
}

/// Shows the progress of the application.
async fn show_page(
    lender: Data<Lender>,
    world: Path<String>,
    query: Query<PageQuery>,
) -> Result<HttpResponse, LenderError> {
    let visitor = lender.find(&world)?;
    let mut state = visitor.lock_state().await;
    query.apply_language(&mut state);
    visitor.update(lender.calls_for(&visitor), &mut state).await;
    Ok(lender.show(StatusCode::OK, &visitor, state).await)
}

/// Shows the presenter's view.
async fn show_presentation(
    lender: Data<Lender>,
    world: Path<String>,
    query: Query<PageQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, LenderError> {
    let visitor = lender.find(&world)?;
    let mut state = visitor.lock_state().await;
    query.apply_language(&mut state);
    let consent = state.stage.consent();
    let own_url = format!("http://{}", read_host(&request).unwrap_or_default());
    let phones = match &lender.phone_url {
        None => PhoneAccess::None,
        Some(url) if *url == own_url => PhoneAccess::Open {
            url: format!("{url}/{world}/"),
            new_url: format!("{url}/"),
        },
        Some(url) => PhoneAccess::Elsewhere(format!("{url}/{world}/present")),
    };
    let page = PresentPage {
        language: state.language,
        path: format!("/{world}/"),
        fiu: Party::of_fiu(&lender.participants, "", FIU_ID),
        phones,
        console: format!("{}/ui", visitor.world_url),
        timeline: consent.map(|consent| build_timeline_path(&world, &consent.handle)),
        is_automatic: query.auto.is_some(),
    };
    Ok(send_page(StatusCode::OK, &page))
}

/// Sends the progress of a visit to the scripts of the presenter's view.
async fn send_progress(
    lender: Data<Lender>,
    world: Path<String>,
) -> Result<HttpResponse, LenderError> {
    let visitor = lender.find(&world)?;
    let state = visitor.lock_state().await;
    let stage = state.stage.name();
    let handle = state.stage.consent().map(|it| it.handle.clone());
    drop(state);
    let underneath = lender.find_underneath(&visitor, handle.as_deref()).await;
    Ok(HttpResponse::Ok().json(Progress {
        stage,
        timeline: handle.map(|handle| build_timeline_path(&world, &handle)),
        underneath,
    }))
}

/// Reads the application in a form; else returns the key of the sentence that says what is wrong.
fn read_application(draft: &DemoDraft) -> Result<Application, &'static str> {
    let amount = Paise::parse(&draft.amount.replace([',', ' '], ""));
    let amount = amount.filter(|it| (AMOUNT_MIN..=AMOUNT_MAX).contains(it));
    let months = draft.months.parse().ok();
    let months = months.filter(|it| MONTHS.contains(it));
    let name = Some(draft.name.trim()).filter(|name| (1..=60).contains(&name.chars().count()));
    let mobile = draft.mobile.replace([' ', '-'], "");
    let mobile = mobile.strip_prefix("+91").unwrap_or(&mobile);
    let is_mobile = mobile.len() == 10
        && mobile.starts_with(['6', '7', '8', '9'])
        && mobile.bytes().all(|byte| byte.is_ascii_digit());
    Ok(Application {
        name: name.ok_or("lender.wrong.name")?.to_owned(),
        mobile: Some(mobile)
            .filter(|_| is_mobile)
            .ok_or("lender.wrong.mobile")?
            .to_owned(),
        amount: amount.ok_or("lender.wrong.amount")?,
        months: months.ok_or("lender.wrong.months")?,
    })
}

/// Reads an application, and asks the AA for the customer's consent. A refused form is shown again.
async fn submit_application(
    lender: Data<Lender>,
    world: Path<String>,
    request: HttpRequest,
    form: Form<DemoDraft>,
) -> Result<HttpResponse, LenderError> {
    let visitor = lender.find_sender(&world, &request)?;
    let mut state = visitor.lock_state().await;
    if !matches!(state.stage, Stage::Form) {
        return Ok(redirect_to_page(&visitor));
    }
    state.draft = form.into_inner();
    let application = match read_application(&state.draft) {
        Ok(application) => application,
        Err(key) => {
            state.draft.problem = Some(state.language.text(key).to_owned());
            return Ok(lender.show(StatusCode::BAD_REQUEST, &visitor, state).await);
        }
    };
    // The world may have been removed while the form was open.
    let calls = visitor.calls(&lender.http);
    if let Err(problem) = lender.register(calls, &visitor.world).await {
        return Ok(reply_problem(problem));
    }
    let return_url = build_return_url(&request, &visitor);
    let calls = lender.calls_for(&visitor);
    let applied = visitor.apply(calls, &mut state, application, &return_url);
    if let Err(problem) = applied.await {
        let values = [("problem", &*problem)];
        state.draft.problem = Some(state.language.fill("lender.wrong.call", &values));
        return Ok(lender.show(StatusCode::BAD_GATEWAY, &visitor, state).await);
    }
    Ok(redirect_to_page(&visitor))
}

/// Sends the customer to the AA.
async fn send_to_aa(
    lender: Data<Lender>,
    world: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, LenderError> {
    let visitor = lender.find(&world)?;
    let state = visitor.lock_state().await;
    let Some(consent) = state.stage.consent().cloned() else {
        return Ok(redirect_to_page(&visitor));
    };
    let language = state.language.as_str();
    drop(state);
    let path = match consent.page {
        // The browser reaches the page through this server.
        CustomerPage::Address(address) => {
            let uri: Uri = address.parse().unwrap_or_default();
            uri.path_and_query()
                .map_or(address, PathAndQuery::to_string)
        }
        CustomerPage::Redirection(customer) => {
            let return_url = build_return_url(&request, &visitor);
            let sender = Arc::clone(&visitor);
            let path = spawn_blocking(move || {
                let redirection = Redirection {
                    keys: &sender.keys,
                    handle: &consent.handle,
                    customer: &customer,
                    language,
                    return_url: &return_url,
                    now: sender.now(),
                };
                redirection.build_path()
            });
            let path = path.await.expect("encrypting does not panic");
            format!("/w/{}{path}", visitor.world)
        }
    };
    Ok(redirect(&path))
}

#[derive(Deserialize)]
struct ReturnQuery {
    resdate: Option<String>,
    ecres: Option<String>,
}

/// Takes the customer back from the AA. The address is a hint only: the lender asks for the state.
async fn return_customer(
    lender: Data<Lender>,
    world: Path<String>,
    query: Query<ReturnQuery>,
) -> Result<HttpResponse, LenderError> {
    let visitor = lender.find(&world)?;
    let ReturnQuery { resdate, ecres } = query.into_inner();
    let result = match resdate.zip(ecres) {
        None => "the customer is back".to_owned(),
        Some((date, message)) => {
            let reader = Arc::clone(&visitor);
            let outcome = spawn_blocking(move || read_outcome(&reader.keys, &date, &message));
            match outcome.await.expect("decrypting does not panic") {
                Some(outcome) => format!("the customer is back, ecres: {outcome}"),
                None => "the customer is back, ecres does not decrypt and is ignored".to_owned(),
            }
        }
    };
    visitor.call_log.add("GET redirectUrl".to_owned(), result);
    let mut state = visitor.lock_state().await;
    state.asks_now = true;
    Ok(match state.stage {
        Stage::Decided(_) => redirect_to_monitoring(&visitor),
        _ => redirect_to_page(&visitor),
    })
}

/// Asks for the state with the next page.
async fn ask_now(
    lender: Data<Lender>,
    world: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, LenderError> {
    let visitor = lender.find_sender(&world, &request)?;
    visitor.lock_state().await.asks_now = true;
    Ok(redirect_to_page(&visitor))
}

/// Leads to the part of the page about the second consent, after an act of the lender whose problem the page shows.
fn finish(visitor: &Visitor, state: &mut VisitorState, done: Result<(), String>) -> HttpResponse {
    state.failure = done.err();
    redirect_to_monitoring(visitor)
}

fn redirect_to_monitoring(visitor: &Visitor) -> HttpResponse {
    redirect(&format!("/{}/#h-monitoring", visitor.world))
}

/// Asks for the consent to see the accounts while the loan is repaid.
async fn ask_to_monitor(
    lender: Data<Lender>,
    world: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, LenderError> {
    let visitor = lender.find_sender(&world, &request)?;
    let mut state = visitor.lock_state().await;
    let return_url = build_return_url(&request, &visitor);
    let calls = lender.calls_for(&visitor);
    let done = visitor.monitor(calls, &mut state, &return_url).await;
    Ok(finish(&visitor, &mut state, done))
}

/// Lets a month pass by the clock of the visitor's world.
async fn pass_month(
    lender: Data<Lender>,
    world: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, LenderError> {
    let visitor = lender.find_sender(&world, &request)?;
    let mut state = visitor.lock_state().await;
    let calls = lender.calls_for(&visitor);
    let done = visitor.pass_month(calls, &mut state).await;
    Ok(finish(&visitor, &mut state, done))
}

/// Asks for data without a consent, to show the refusal.
async fn request_again(
    lender: Data<Lender>,
    world: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, LenderError> {
    let visitor = lender.find_sender(&world, &request)?;
    let mut state = visitor.lock_state().await;
    let calls = lender.calls_for(&visitor);
    let done = visitor.request_again(calls, &mut state).await;
    Ok(finish(&visitor, &mut state, done))
}

/// Resets the visitor's world, and takes another application.
async fn reset_visit(
    lender: Data<Lender>,
    world: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, LenderError> {
    let visitor = lender.find_sender(&world, &request)?;
    let mut state = visitor.lock_state().await;
    let calls = visitor.calls(&lender.http);
    if let Err(problem) = calls.call_control_api(Method::POST, "reset", None).await {
        return Ok(reply_problem(problem));
    }
    if let Err(problem) = lender.register(calls, &visitor.world).await {
        return Ok(reply_problem(problem));
    }
    visitor.start_over(&mut state);
    Ok(redirect_to_page(&visitor))
}

/// Receives a webhook. One whose signatures do not hold is refused. A good one is a hint: the lender asks for the
/// state.
async fn receive_webhook(
    lender: Data<Lender>,
    place: Path<(String, String)>,
    request: HttpRequest,
    body: Bytes,
) -> Result<HttpResponse, LenderError> {
    let (world, path) = place.into_inner();
    let visitor = lender.find(&world)?;
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    // The path may be of any length.
    let call = format!("webhook /{}", quote_value(&path).trim_matches('\''));
    let keys = &visitor.keys.verification_keys;
    if let Err(error) = keys.check_webhook(request.headers(), &body, &message, system_now()) {
        visitor.call_log.add(call, format!("refused: {error}"));
        visitor.note_refused_webhook();
        let status = match error {
            WebhookError::ApiKey(_) => StatusCode::UNAUTHORIZED,
            WebhookError::Signature(_) => StatusCode::BAD_REQUEST,
        };
        return Ok(HttpResponse::build(status).body(error.to_string()));
    }
    let status = message["ConsentStatusNotification"]["consentStatus"]
        .as_str()
        .or_else(|| message["FIStatusNotification"]["sessionStatus"].as_str())
        .or_else(|| message["status"].as_str());
    let status = status.unwrap_or("without a status").to_owned();
    visitor.call_log.add(call, status);
    visitor.note_webhook(&message);
    Ok(HttpResponse::Ok().json(json!({
        "ver": "2.0.0", "timestamp": system_now().to_string(), "txnid": message["txnid"], "response": "OK",
    })))
}

/// Sends the chart of the balance of an account.
async fn send_chart(
    lender: Data<Lender>,
    place: Path<(String, usize)>,
) -> Result<HttpResponse, LenderError> {
    let (world, number) = place.into_inner();
    let visitor = lender.find(&world)?;
    let state = visitor.lock_state().await;
    let Stage::Decided(assessment) = &state.stage else {
        return Ok(HttpResponse::NotFound().finish());
    };
    let statement = assessment.statements.get(number);
    let rows = statement.and_then(|it| Some((it, it.transactions()?)));
    Ok(match rows {
        Some((statement, rows)) => HttpResponse::Ok()
            .content_type("image/svg+xml")
            .body(balance_chart(&statement.account.masked_number, rows)),
        None => HttpResponse::NotFound().finish(),
    })
}

/// Sends the credit appraisal sheet: that of Unaport, or the lender's own where it decrypts the data itself.
async fn send_appraisal(
    lender: Data<Lender>,
    place: Path<(String, String)>,
) -> Result<HttpResponse, LenderError> {
    let (world, format) = place.into_inner();
    let Some(format) = FileFormat::parse(&format) else {
        return Ok(HttpResponse::NotFound().finish());
    };
    let visitor = lender.find(&world)?;
    let mut state = visitor.lock_state().await;
    let VisitorState {
        stage: Stage::Decided(assessment),
        api_state,
        ..
    } = &mut *state
    else {
        return Ok(HttpResponse::NotFound().finish());
    };
    let file = match assessment.consent.api {
        Api::Unaport => {
            let calls = lender.calls_for(&visitor);
            let session = &assessment.session;
            let format = format.as_str();
            calls.export_appraisal(api_state, session, format).await
        }
        Api::Rebit => {
            let numbered: Vec<_> = (1..).zip(&assessment.statements).collect();
            let report = build_report(&numbered).expect("the assessment is of one");
            let workbook = match format {
                FileFormat::Pdf => build_appraisal_document(report.appraisal()),
                FileFormat::Xlsx => {
                    let (sections, rows) = (report.sections(), report.transactions());
                    build_analytics_workbook(report.appraisal(), sections, rows)
                }
            };
            Ok(format.write_workbook(&workbook))
        }
    };
    Ok(match file {
        Ok(bytes) => HttpResponse::Ok()
            .content_type(format.media_type())
            .insert_header((
                CONTENT_DISPOSITION,
                format!("attachment; filename=\"appraisal.{}\"", format.as_str()),
            ))
            .body(bytes),
        Err(problem) => reply_problem(problem),
    })
}

async fn send_asset(place: Path<(String, String)>) -> HttpResponse {
    let (digest, name) = place.into_inner();
    let asset = find_asset(&name).filter(|_| is_current_digest(&digest));
    match asset {
        Some(asset) => HttpResponse::Ok()
            .content_type(asset.media_type)
            .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
            .body(asset.content.plain()),
        None => HttpResponse::NotFound().finish(),
    }
}

async fn send_icon(extension: Path<String>) -> HttpResponse {
    match find_asset(&format!("favicon.{extension}")) {
        Some(icon) => HttpResponse::Ok()
            .content_type(icon.media_type)
            .body(icon.content.plain()),
        None => HttpResponse::NotFound().finish(),
    }
}
