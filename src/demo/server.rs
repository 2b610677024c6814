//! The lender's server: its pages, and the address of its webhooks.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, HOST, LOCATION,
    ORIGIN,
};
use actix_web::web::{self, Bytes, Data, Form, Path, PayloadConfig, Query};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use askama::Template;
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::{Value, json};

use super::offer::{AMOUNT_MAX, AMOUNT_MIN, Application, MONTHS};
use super::pages::{DemoContent, DemoDraft, DemoPage};
use super::unaport::{AA_ID, FIU_ID, UnaportClient};
use super::variation::Variation;
use super::visitor::{Stage, Visitor, VisitorState};
use crate::domain::customer_address::is_mobile_number;
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

/// The largest number of visitors whose applications are kept.
const VISITORS_MAX: usize = 100;

/// The time that the sandbox has for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The policy of the lender's pages.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                           connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

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
                .route("/", web::get().to(welcome))
                .route("/ui/assets/{digest}/{name}", web::get().to(send_asset))
                .route("/favicon.{extension}", web::get().to(send_icon))
                .route("/{world}/", web::get().to(show_page))
                .route("/{world}/apply", web::post().to(apply))
                .route("/{world}/ask", web::post().to(ask_now))
                .route("/{world}/reset", web::post().to(reset))
                .route("/{world}/back", web::get().to(come_back))
                .route("/{world}/balance.svg", web::get().to(send_chart))
                .route("/{world}/appraisal.{format}", web::get().to(send_appraisal))
                .route("/{world}/webhooks/{path:.*}", web::post().to(take_webhook))
                .default_service(web::to(async || redirect("/")))
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
    fn find(&self, world: &str) -> Option<Arc<Visitor>> {
        let visitors = self.visitors.lock();
        let visitors = visitors.unwrap_or_else(PoisonError::into_inner);
        visitors.get(world).cloned()
    }

    /// Makes a world for a visitor, and registers the address of the lender's webhooks there.
    async fn welcome(&self, language: Language) -> Result<Arc<Visitor>, String> {
        let code: String = random_key()[..5]
            .iter()
            .map(|byte| char::from(b"abcdefghjkmnpqrstuvwxyz23456789"[usize::from(byte % 31)]))
            .collect();
        let world = format!("demo-{code}");
        let world_url = format!("{}/w/{world}", self.sandbox_url);
        let visitor = Arc::new(Visitor::new(world.clone(), world_url, language));
        self.register(&visitor).await?;
        let visitors = self.visitors.lock();
        let mut visitors = visitors.unwrap_or_else(PoisonError::into_inner);
        if visitors.len() >= VISITORS_MAX {
            return Err("too many visitors are here; start the demo again".to_owned());
        }
        visitors.insert(world, Arc::clone(&visitor));
        Ok(visitor)
    }

    /// Tells the visitor's world where the lender takes webhooks.
    async fn register(&self, visitor: &Visitor) -> Result<(), String> {
        let base_url = format!("{}/{}/webhooks", self.url, visitor.world);
        let body = json!({ "baseUrl": base_url }).to_string();
        self.put(visitor, &format!("config/fiu/{FIU_ID}"), body)
            .await
    }

    /// Gives the visitor's world the scenario of a variation.
    async fn play(&self, visitor: &Visitor, variation: Variation) -> Result<(), String> {
        let Some(scenario) = variation.scenario() else {
            return Ok(());
        };
        let path = format!("scenarios/{}", variation.as_str());
        self.put(visitor, &path, scenario.to_owned()).await
    }

    /// Changes the visitor's world by the control API.
    async fn put(&self, visitor: &Visitor, path: &str, body: String) -> Result<(), String> {
        let url = format!("{}/_mockaa/v1/{path}", visitor.world_url);
        let request = self.http.put(url).header(CONTENT_TYPE, "application/json");
        let request = request.body(body);
        let answer = request.send().await.map_err(|error| error.to_string())?;
        if answer.status().is_success() {
            return Ok(());
        }
        Err(answer.text().await.unwrap_or_default())
    }

    /// Renders the page of a visitor, with this status.
    fn render(&self, visitor: &Visitor, state: &VisitorState, draft: DemoDraft) -> HttpResponse {
        let status = if draft.problem.is_some() {
            StatusCode::BAD_REQUEST
        } else {
            StatusCode::OK
        };
        let aa = Party::of_aa(&self.participants, "", AA_ID);
        let (content, handle) = match &state.stage {
            Stage::Form => (DemoContent::Form(draft, MONTHS), None),
            Stage::Asked(_, consent) => (
                DemoContent::Asked(consent.aa_page.clone()),
                Some(&consent.handle),
            ),
            Stage::Collecting(_, consent) => (DemoContent::Collecting, Some(&consent.handle)),
            Stage::Refused(consent) => (DemoContent::Refused, Some(&consent.handle)),
            Stage::TimedOut(consent) => (DemoContent::TimedOut, Some(&consent.handle)),
            Stage::Failed(consent, problem) => {
                (DemoContent::Failed(problem.clone()), Some(&consent.handle))
            }
            Stage::Decided(it) => (
                DemoContent::from_decision(
                    &it.application,
                    &it.decision,
                    &it.appraisal,
                    &it.statements,
                    (it.notice.ready, it.notice.total, it.was_polled),
                    state.language,
                ),
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
            underneath: visitor.underneath.list(),
            console,
        };
        HttpResponse::build(status)
            .insert_header((CONTENT_SECURITY_POLICY, PAGE_POLICY))
            .insert_header((CACHE_CONTROL, "no-store"))
            .content_type("text/html; charset=utf-8")
            .body(page.render().expect("a page can be written"))
    }
}

fn redirect(address: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((LOCATION, address))
        .finish()
}

fn fail(problem: String) -> HttpResponse {
    HttpResponse::BadGateway()
        .content_type("text/plain; charset=utf-8")
        .body(problem)
}

/// Returns whether another site's page sends the form.
fn is_foreign(request: &HttpRequest) -> bool {
    let header = |name| request.headers().get(name).and_then(|it| it.to_str().ok());
    let host = header(HOST).unwrap_or_default();
    header(ORIGIN).is_some_and(|origin| origin != format!("http://{host}"))
}

/// Gives a visitor a world, and leads there.
async fn welcome(lender: Data<Lender>, request: HttpRequest) -> HttpResponse {
    let accepted = request.headers().get(ACCEPT_LANGUAGE);
    let accepted = accepted.and_then(|it| it.to_str().ok()).unwrap_or_default();
    let language = Language::from_accepted(accepted).unwrap_or_default();
    match lender.welcome(language).await {
        Ok(visitor) => redirect(&format!("/{}/", visitor.world)),
        Err(problem) => fail(problem),
    }
}

#[derive(Deserialize)]
struct PageQuery {
    lang: Option<String>,
}

/// Shows how far the application has come.
async fn show_page(
    lender: Data<Lender>,
    world: Path<String>,
    query: Query<PageQuery>,
) -> HttpResponse {
    let Some(visitor) = lender.find(&world) else {
        return redirect("/");
    };
    let mut state = visitor.lock().await;
    if let Some(language) = query.lang.as_deref().and_then(Language::from_code) {
        state.language = language;
    }
    visitor
        .advance(&lender.http, &lender.participants, &mut state)
        .await;
    lender.render(&visitor, &state, DemoDraft::default())
}

#[derive(Clone, Deserialize)]
struct ApplicationForm {
    name: String,
    mobile: String,
    amount: String,
    months: String,
    #[serde(default)]
    variation: String,
}

impl ApplicationForm {
    /// Reads the application; else the key of the sentence that says what is wrong.
    fn read(&self) -> Result<Application, &'static str> {
        let amount = self.amount.replace([',', ' '], "");
        let amount = Paise::parse(&amount).filter(|it| (AMOUNT_MIN..=AMOUNT_MAX).contains(it));
        let months = self.months.parse().ok().filter(|it| MONTHS.contains(it));
        let name = self.name.trim();
        let mobile = self.mobile.trim();
        Ok(Application {
            name: Some(name)
                .filter(|name| (1..=60).contains(&name.chars().count()))
                .ok_or("lender.wrong.name")?
                .to_owned(),
            mobile: Some(mobile)
                .filter(|it| is_mobile_number(it))
                .ok_or("lender.wrong.mobile")?
                .to_owned(),
            amount: amount.ok_or("lender.wrong.amount")?,
            months: months.ok_or("lender.wrong.months")?,
        })
    }
}

/// Takes an application, and asks the AA for the customer's consent.
async fn apply(
    lender: Data<Lender>,
    world: Path<String>,
    request: HttpRequest,
    form: Form<ApplicationForm>,
) -> HttpResponse {
    let Some(visitor) = lender.find(&world).filter(|_| !is_foreign(&request)) else {
        return redirect("/");
    };
    let page = format!("/{}/", visitor.world);
    let mut state = visitor.lock().await;
    if !matches!(state.stage, Stage::Form) {
        return redirect(&page);
    }
    let application = match form.read() {
        Ok(application) => application,
        Err(problem) => {
            let ApplicationForm {
                name,
                mobile,
                amount,
                months,
                variation,
            } = form.into_inner();
            let draft = DemoDraft {
                name,
                mobile,
                amount,
                months,
                variation,
                problem: Some(problem),
            };
            return lender.render(&visitor, &state, draft);
        }
    };
    let variation = Variation::parse(&form.variation).unwrap_or_default();
    if let Err(problem) = lender.play(&visitor, variation).await {
        return fail(problem);
    }
    let host = request.connection_info().host().to_owned();
    let back = format!("http://{host}/{}/back", visitor.world);
    let client = UnaportClient::log_in(&lender.http, &visitor.world_url, &visitor.underneath).await;
    let raised = match client {
        Ok(client) => {
            let message_id = uuid::Builder::from_random_bytes(
                random_key()[..16].try_into().expect("16 of 32 bytes"),
            );
            let message_id = message_id.into_uuid().to_string();
            client
                .raise_consent(&application, system_now(), &back, &message_id, variation)
                .await
        }
        Err(problem) => Err(problem),
    };
    match raised {
        Ok(consent) => {
            state.stage = Stage::Asked(application, consent);
            redirect(&page)
        }
        Err(problem) => fail(problem),
    }
}

/// Takes the customer back from the AA. What the address says is a hint only: the lender asks the AA.
async fn come_back(lender: Data<Lender>, world: Path<String>) -> HttpResponse {
    let Some(visitor) = lender.find(&world) else {
        return redirect("/");
    };
    visitor.underneath.add(
        "GET redirectUrl".to_owned(),
        "the customer is back".to_owned(),
    );
    visitor.bring_news();
    redirect(&format!("/{}/", visitor.world))
}

/// Asks the sandbox at once.
async fn ask_now(lender: Data<Lender>, world: Path<String>, request: HttpRequest) -> HttpResponse {
    let Some(visitor) = lender.find(&world).filter(|_| !is_foreign(&request)) else {
        return redirect("/");
    };
    visitor.bring_news();
    redirect(&format!("/{}/", visitor.world))
}

/// Resets the visitor's world, and takes another application.
async fn reset(lender: Data<Lender>, world: Path<String>, request: HttpRequest) -> HttpResponse {
    let Some(visitor) = lender.find(&world).filter(|_| !is_foreign(&request)) else {
        return redirect("/");
    };
    let mut state = visitor.lock().await;
    let url = format!("{}/_mockaa/v1/reset", visitor.world_url);
    let answer = lender.http.post(url).send().await;
    if let Err(error) = answer.and_then(reqwest::Response::error_for_status) {
        return fail(error.to_string());
    }
    if let Err(problem) = lender.register(&visitor).await {
        return fail(problem);
    }
    state.stage = Stage::Form;
    visitor.underneath.clear();
    redirect(&format!("/{}/", visitor.world))
}

/// Takes a webhook. It is a hint only, which anyone could send: the lender asks the AA.
async fn take_webhook(
    lender: Data<Lender>,
    place: Path<(String, String)>,
    body: Bytes,
) -> HttpResponse {
    let (world, path) = place.into_inner();
    let Some(visitor) = lender.find(&world) else {
        return HttpResponse::NotFound().finish();
    };
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let status = &message["ConsentStatusNotification"]["consentStatus"];
    let status = status
        .as_str()
        .or_else(|| message["FIStatusNotification"]["sessionStatus"].as_str())
        .or_else(|| message["status"].as_str());
    let status = status.unwrap_or("without a status");
    visitor.underneath.add(
        format!("webhook /{path}"),
        // Anybody can send it, and any text.
        quote_value(status).trim_matches('\'').to_owned(),
    );
    visitor.bring_news();
    HttpResponse::Ok().json(json!({
        "ver": "2.0.0", "timestamp": system_now().to_string(), "txnid": message["txnid"], "response": "OK",
    }))
}

/// Sends the chart of the balance of the first account.
async fn send_chart(lender: Data<Lender>, world: Path<String>) -> HttpResponse {
    let Some(visitor) = lender.find(&world) else {
        return redirect("/");
    };
    let state = visitor.lock().await;
    let Stage::Decided(assessment) = &state.stage else {
        return HttpResponse::NotFound().finish();
    };
    let first = assessment.statements.first();
    let rows = first.and_then(|it| Some((it, it.transactions()?)));
    match rows {
        Some((statement, rows)) => HttpResponse::Ok()
            .content_type("image/svg+xml")
            .body(balance_chart(&statement.account.masked_number, rows)),
        None => HttpResponse::NotFound().finish(),
    }
}

/// Fetches the credit appraisal sheet from the sandbox, and sends it on.
async fn send_appraisal(lender: Data<Lender>, place: Path<(String, String)>) -> HttpResponse {
    let (world, format) = place.into_inner();
    let media_type = match &*format {
        "xlsx" => xlsx::MEDIA_TYPE,
        "pdf" => pdf::MEDIA_TYPE,
        _ => return HttpResponse::NotFound().finish(),
    };
    let Some(visitor) = lender.find(&world) else {
        return redirect("/");
    };
    let state = visitor.lock().await;
    let Stage::Decided(assessment) = &state.stage else {
        return HttpResponse::NotFound().finish();
    };
    let client = UnaportClient::log_in(&lender.http, &visitor.world_url, &visitor.underneath).await;
    let file = match client {
        Ok(client) => {
            client
                .export_appraisal(&assessment.notice.session, &format)
                .await
        }
        Err(problem) => Err(problem),
    };
    match file {
        Ok(bytes) => HttpResponse::Ok()
            .content_type(media_type)
            .insert_header((
                CONTENT_DISPOSITION,
                format!("attachment; filename=\"appraisal.{format}\""),
            ))
            .body(bytes),
        Err(problem) => fail(problem),
    }
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
