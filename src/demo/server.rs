//! The lender's server: its pages, and the address of its webhooks.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, HOST, LOCATION,
    ORIGIN,
};
use actix_web::web::{self, Bytes, Data, Form, Path, PayloadConfig, Query};
use actix_web::{
    App, FromRequest, Handler, HttpRequest, HttpResponse, HttpServer, Resource, Responder,
    ResponseError,
};
use askama::Template;
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;

use super::offer::{AMOUNT_MAX, AMOUNT_MIN, Application, MONTHS};
use super::pages::{DemoContent, DemoDraft, DemoPage};
use super::unaport::{AA_ID, FIU_ID, RaisedConsent, UnaportClient};
use super::variation::Variation;
use super::visitor::{Stage, Visitor, VisitorState};
use crate::domain::money::Paise;
use crate::domain::participants::Participants;
use crate::domain::text::quote_value;
use crate::engine::clock::system_now;
use crate::engine::entropy::random_key;
use crate::export::svg::balance_chart;
use crate::export::{pdf, xlsx};
use crate::ui::assets::{find_asset, is_current_digest};
use crate::ui::journey::Party;
use crate::ui::messages::Language;

/// The largest number of visitors whose applications are kept. Another one takes the place of the one who was away
/// for longest.
const VISITORS_MAX: usize = 100;

/// The time that the sandbox has for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The policy of the lender's pages.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                           connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The path of a visit. Its world is the name of the visit.
const VISIT: &str = "/{world:demo-[a-z0-9]+}";

/// The running server of the lender.
#[derive(Debug)]
pub(crate) struct LenderServer {
    pub url: String,
    handle: ServerHandle,
}

/// The state that all calls of the server share.
#[derive(Debug)]
struct Lender {
    http: Client,
    /// The base URL of the sandbox.
    sandbox_url: String,
    /// The base URL at which the sandbox reaches the lender.
    url: String,
    participants: Arc<Participants>,
    visitors: Mutex<HashMap<String, Arc<Visitor>>>,
}

/// A call that is refused, with the reason.
#[derive(Debug, Error)]
#[error("{text}")]
struct Refusal {
    status: StatusCode,
    text: String,
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        self.status
    }
}

impl LenderServer {
    /// Starts the server at an address; port 0 selects a free port. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// The address cannot be listened at.
    pub(crate) fn start(
        address: SocketAddr,
        sandbox_url: String,
        participants: Arc<Participants>,
    ) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}", listener.local_addr()?);
        let http = Client::builder().timeout(ANSWER_TIMEOUT).no_proxy().build();
        let lender = Data::new(Lender {
            http: http.map_err(io::Error::other)?,
            sandbox_url,
            url: url.clone(),
            participants,
            visitors: Mutex::default(),
        });
        let server = HttpServer::new(move || {
            App::new()
                .app_data(lender.clone())
                .app_data(PayloadConfig::new(1024 * 1024))
                .route("/", web::get().to(open_visit))
                .service(page("/ui/assets/{digest}/{name}", send_asset))
                .service(page("/favicon.{extension}", send_icon))
                .service(page(VISIT, add_slash))
                .service(page(&format!("{VISIT}/"), show_page))
                .service(form(&format!("{VISIT}/apply"), submit_application))
                .service(form(&format!("{VISIT}/ask"), ask_now))
                .service(form(&format!("{VISIT}/reset"), reset_visit))
                .service(page(&format!("{VISIT}/back"), return_customer))
                .service(page(&format!("{VISIT}/balance.svg"), send_chart))
                .service(page(
                    &format!("{VISIT}/appraisal.{{format}}"),
                    send_appraisal,
                ))
                .route(
                    &format!("{VISIT}/webhooks/{{path:.*}}"),
                    web::post().to(receive_webhook),
                )
                .default_service(web::to(async || HttpResponse::NotFound().finish()))
        })
        .workers(1)
        .disable_signals()
        .listen(listener)?
        .run();
        let handle = server.handle();
        tokio::spawn(server);
        Ok(Self { url, handle })
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
    fn find(&self, world: &str) -> Result<Arc<Visitor>, Refusal> {
        let visitor = self.lock_visitors().get(world).cloned();
        visitor.ok_or_else(|| Refusal {
            status: StatusCode::NOT_FOUND,
            text: format!(
                "This application is over. Open {}/ for another one.",
                self.url
            ),
        })
    }

    /// Returns the visitor whose page sends a form, and rejects the form of another site's page.
    fn find_sender(&self, world: &str, request: &HttpRequest) -> Result<Arc<Visitor>, Refusal> {
        let header = |name| request.headers().get(name).and_then(|it| it.to_str().ok());
        let host = header(HOST).unwrap_or_default();
        let origin = header(ORIGIN).and_then(|origin| origin.split_once("://"));
        if origin.is_some_and(|(_, origin)| origin != host) {
            return Err(Refusal {
                status: StatusCode::FORBIDDEN,
                text: "The form is one of another site's page; nothing was done.".to_owned(),
            });
        }
        self.find(world)
    }

    /// Creates a world for a visitor, and registers the address of the lender's webhooks there.
    async fn add_visitor(&self, language: Language) -> Result<Arc<Visitor>, String> {
        const LETTERS: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";
        let code: String = random_key()[..5]
            .iter()
            .map(|byte| char::from(LETTERS[usize::from(byte % 31)]))
            .collect();
        let world = format!("demo-{code}");
        let world_url = format!("{}/w/{world}", self.sandbox_url);
        let visitor = Arc::new(Visitor::new(world.clone(), world_url, language));
        self.register(&visitor).await?;
        let mut visitors = self.lock_visitors();
        if visitors.len() >= VISITORS_MAX {
            let oldest = visitors.iter().min_by_key(|(_, it)| it.last_used_at());
            let oldest = oldest.map(|(world, _)| world.clone());
            visitors.remove(&oldest.expect("there are visitors"));
        }
        visitors.insert(world, Arc::clone(&visitor));
        Ok(visitor)
    }

    /// Asks the AA for the customer's consent.
    async fn raise_consent(
        &self,
        visitor: &Visitor,
        state: &mut VisitorState,
        application: &Application,
        variation: Variation,
    ) -> Result<RaisedConsent, String> {
        self.put_scenario(visitor, variation).await?;
        let client = UnaportClient::log_in(
            &self.http,
            &visitor.world_url,
            &visitor.call_log,
            state.login.take(),
        )
        .await?;
        let message_id = random_key()[..16].try_into().expect("16 of 32 bytes");
        let message_id = uuid::Builder::from_random_bytes(message_id).into_uuid();
        let back = format!("{}/{}/back", self.url, visitor.world);
        let consent = client
            .raise_consent(
                application,
                system_now(),
                &back,
                &message_id.to_string(),
                variation,
            )
            .await?;
        state.login = Some(client.into_session());
        Ok(consent)
    }

    /// Registers the address of the lender's webhooks in the visitor's world.
    async fn register(&self, visitor: &Visitor) -> Result<(), String> {
        let base_url = format!("{}/{}/webhooks", self.url, visitor.world);
        let body = json!({ "baseUrl": base_url }).to_string();
        self.put_setting(visitor, &format!("config/fiu/{FIU_ID}"), body)
            .await
    }

    /// Puts the scenario of a variation into the visitor's world.
    async fn put_scenario(&self, visitor: &Visitor, variation: Variation) -> Result<(), String> {
        let Some(scenario) = variation.scenario() else {
            return Ok(());
        };
        let path = format!("scenarios/{}", variation.as_str());
        self.put_setting(visitor, &path, scenario.to_owned()).await
    }

    /// Changes the visitor's world by the control API.
    async fn put_setting(&self, visitor: &Visitor, path: &str, body: String) -> Result<(), String> {
        let url = format!("{}/_mockaa/v1/{path}", visitor.world_url);
        let request = self.http.put(url).header(CONTENT_TYPE, "application/json");
        let request = request.body(body);
        let answer = request.send().await.map_err(|error| error.to_string())?;
        if answer.status().is_success() {
            return Ok(());
        }
        Err(answer.text().await.unwrap_or_default())
    }

    /// Renders the page of a visitor. A refused form is shown with its problem.
    fn render(&self, visitor: &Visitor, state: &VisitorState) -> HttpResponse {
        let is_refused = matches!(state.stage, Stage::Form) && state.draft.problem.is_some();
        let status = if is_refused {
            StatusCode::BAD_REQUEST
        } else {
            StatusCode::OK
        };
        let aa = Party::of_aa(&self.participants, "", AA_ID);
        let (content, handle) = match &state.stage {
            Stage::Form => (DemoContent::Form(state.draft.clone(), MONTHS), None),
            Stage::Asked(_, consent) => (
                DemoContent::Asked(consent.aa_page.clone()),
                Some(&consent.handle),
            ),
            Stage::Collecting(_, consent) => (DemoContent::Collecting, Some(&consent.handle)),
            Stage::Ended(consent, end) => (DemoContent::Ended(*end), Some(&consent.handle)),
            Stage::TimedOut(consent) => (DemoContent::TimedOut, Some(&consent.handle)),
            Stage::Empty(consent) => (DemoContent::Empty, Some(&consent.handle)),
            Stage::Decided(it) => (
                DemoContent::from_assessment(it, state.language),
                Some(&it.consent.handle),
            ),
        };
        let console = format!("{}/ui", visitor.world_url);
        let console = match handle {
            Some(handle) => format!("{console}/consents/{handle}"),
            None => console,
        };
        let page = DemoPage {
            language: state.language,
            path: format!("/{}/", visitor.world),
            fiu: Party::of_fiu(&self.participants, "", FIU_ID),
            aa,
            content,
            problem: state.problem.clone(),
            call_log: visitor.call_log.entries(),
            console,
        };
        HttpResponse::build(status)
            .insert_header((CONTENT_SECURITY_POLICY, PAGE_POLICY))
            .insert_header((CACHE_CONTROL, "no-store"))
            .content_type("text/html; charset=utf-8")
            .body(page.render().expect("a page can be written"))
    }
}

/// A page, which may be asked for without its body.
fn page<F, A>(path: &str, handler: F) -> Resource
where
    F: Handler<A> + Copy,
    A: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::resource(path)
        .route(web::get().to(handler))
        .route(web::head().to(handler))
}

/// A form. A GET of its address leads to the page.
fn form<F, A>(path: &str, handler: F) -> Resource
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

fn reply_problem(problem: String) -> HttpResponse {
    HttpResponse::BadGateway()
        .content_type("text/plain; charset=utf-8")
        .body(problem)
}

/// Opens the visit of a new visitor.
async fn open_visit(lender: Data<Lender>, request: HttpRequest) -> HttpResponse {
    let accepted = request.headers().get(ACCEPT_LANGUAGE);
    let accepted = accepted.and_then(|it| it.to_str().ok()).unwrap_or_default();
    let language = Language::from_accepted(accepted).unwrap_or_default();
    match lender.add_visitor(language).await {
        Ok(visitor) => redirect_to_page(&visitor),
        Err(problem) => reply_problem(problem),
    }
}

#[derive(Deserialize)]
struct PageQuery {
    lang: Option<String>,
}

/// Shows the progress of the application.
async fn show_page(
    lender: Data<Lender>,
    world: Path<String>,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Refusal> {
    let visitor = lender.find(&world)?;
    let mut state = visitor.lock_state().await;
    if let Some(language) = query.lang.as_deref().and_then(Language::from_code) {
        state.language = language;
    }
    visitor
        .update(&lender.http, &lender.participants, &mut state)
        .await;
    Ok(lender.render(&visitor, &state))
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
) -> Result<HttpResponse, Refusal> {
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
            return Ok(lender.render(&visitor, &state));
        }
    };
    let variation = Variation::parse(&state.draft.variation).unwrap_or_default();
    let raised = lender
        .raise_consent(&visitor, &mut state, &application, variation)
        .await;
    match raised {
        Ok(consent) => {
            visitor.await_consent(&mut state, application, consent);
            Ok(redirect_to_page(&visitor))
        }
        Err(problem) => {
            let values = [("problem", &*problem)];
            state.draft.problem = Some(state.language.fill("lender.wrong.call", &values));
            Ok(lender.render(&visitor, &state))
        }
    }
}

/// Takes the customer back from the AA. The address is a hint only: the lender asks for the state.
async fn return_customer(
    lender: Data<Lender>,
    world: Path<String>,
) -> Result<HttpResponse, Refusal> {
    let visitor = lender.find(&world)?;
    let result = "the customer is back".to_owned();
    visitor.call_log.add("GET redirectUrl".to_owned(), result);
    visitor.lock_state().await.asks_now = true;
    Ok(redirect_to_page(&visitor))
}

/// Asks for the state with the next page.
async fn ask_now(
    lender: Data<Lender>,
    world: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Refusal> {
    let visitor = lender.find_sender(&world, &request)?;
    visitor.lock_state().await.asks_now = true;
    Ok(redirect_to_page(&visitor))
}

/// Resets the visitor's world, and takes another application.
async fn reset_visit(
    lender: Data<Lender>,
    world: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Refusal> {
    let visitor = lender.find_sender(&world, &request)?;
    let mut state = visitor.lock_state().await;
    let url = format!("{}/_mockaa/v1/reset", visitor.world_url);
    let answer = lender.http.post(url).send().await;
    if let Err(error) = answer.and_then(reqwest::Response::error_for_status) {
        return Ok(reply_problem(error.to_string()));
    }
    if let Err(problem) = lender.register(&visitor).await {
        return Ok(reply_problem(problem));
    }
    state.stage = Stage::Form;
    state.login = None;
    state.problem = None;
    state.draft.problem = None;
    visitor.call_log.clear();
    Ok(redirect_to_page(&visitor))
}

/// Receives a webhook. It is a hint, since any caller could send it: the lender asks for the state.
async fn receive_webhook(
    lender: Data<Lender>,
    place: Path<(String, String)>,
    body: Bytes,
) -> Result<HttpResponse, Refusal> {
    let (world, path) = place.into_inner();
    let visitor = lender.find(&world)?;
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let data_status = message["FIStatusNotification"]["sessionStatus"].as_str();
    let consent_status = message["ConsentStatusNotification"]["consentStatus"].as_str();
    let status = consent_status
        .or(data_status)
        .or_else(|| message["status"].as_str());
    // Both texts may be of any length.
    let [path, status] = [&*path, status.unwrap_or("without a status")]
        .map(|text| quote_value(text).trim_matches('\'').to_owned());
    visitor.call_log.add(format!("webhook /{path}"), status);
    visitor.note_webhook(data_status.is_some());
    Ok(HttpResponse::Ok().json(json!({
        "ver": "2.0.0", "timestamp": system_now().to_string(), "txnid": message["txnid"], "response": "OK",
    })))
}

/// Sends the chart of the balance of the first account.
async fn send_chart(lender: Data<Lender>, world: Path<String>) -> Result<HttpResponse, Refusal> {
    let visitor = lender.find(&world)?;
    let state = visitor.lock_state().await;
    let Stage::Decided(assessment) = &state.stage else {
        return Ok(HttpResponse::NotFound().finish());
    };
    let first = assessment.statements.first();
    let rows = first.and_then(|it| Some((it, it.transactions()?)));
    Ok(match rows {
        Some((statement, rows)) => HttpResponse::Ok()
            .content_type("image/svg+xml")
            .body(balance_chart(&statement.account.masked_number, rows)),
        None => HttpResponse::NotFound().finish(),
    })
}

/// Fetches the credit appraisal sheet from the sandbox, and sends it on.
async fn send_appraisal(
    lender: Data<Lender>,
    place: Path<(String, String)>,
) -> Result<HttpResponse, Refusal> {
    let (world, format) = place.into_inner();
    let media_type = match &*format {
        "xlsx" => xlsx::MEDIA_TYPE,
        "pdf" => pdf::MEDIA_TYPE,
        _ => return Ok(HttpResponse::NotFound().finish()),
    };
    let visitor = lender.find(&world)?;
    let mut state = visitor.lock_state().await;
    let Stage::Decided(assessment) = &state.stage else {
        return Ok(HttpResponse::NotFound().finish());
    };
    let session = assessment.session.clone();
    let login = state.login.take();
    let client =
        UnaportClient::log_in(&lender.http, &visitor.world_url, &visitor.call_log, login).await;
    let file = match client {
        Ok(client) => {
            let file = client.export_appraisal(&session, &format).await;
            state.login = file.is_ok().then(|| client.into_session());
            file
        }
        Err(problem) => Err(problem),
    };
    Ok(match file {
        Ok(bytes) => HttpResponse::Ok()
            .content_type(media_type)
            .insert_header((
                CONTENT_DISPOSITION,
                format!("attachment; filename=\"appraisal.{format}\""),
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
