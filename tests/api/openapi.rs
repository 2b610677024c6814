//! `/openapi.json` and `/docs` against the table of calls, and the examples in them against a
//! sandbox.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mockaa::internals::http::routes::{Section, all_routes};
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::customer_browser::CustomerBrowser;
use crate::helpers::TestApp;
use crate::inbox::Message;
use crate::lender::{
    APP_PREFIX, FIU_ID, Lender, consent_request as unaport_request, consent_template, credentials,
    expect_text, template_consent_request,
};
use crate::participants::{Participant, consent_request, key_material, key_pair};
use crate::redirection::redirection_query;
use crate::specification::own_violations;
use crate::web_sdk::view_path;

/// The file of the examples that are part of the program.
const EXAMPLES_FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/src/http/openapi/examples.json"
);

#[tokio::test]
async fn the_document_has_every_call_and_no_other() {
    let app = TestApp::start().await;
    let document = app.get("/openapi.json").await.expect_ok();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"][0]["url"], app.sandbox.base_url());
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            described.insert((method.to_uppercase(), path.clone()));
            let id = operation["operationId"].as_str().expect("an id");
            let is_described = ["summary", "tags"]
                .iter()
                .all(|name| !operation[*name].is_null());
            assert!(is_described, "{id}");
            assert!(operation["responses"]["default"].is_null(), "{id}");
        }
    }
    let served: BTreeSet<_> = all_routes()
        .map(|route| (route.method.to_string(), route.path.to_owned()))
        .collect();
    assert_eq!(described, served);
    let ids: BTreeSet<_> = all_routes().map(|route| route.id).collect();
    assert_eq!(ids.len(), served.len(), "each operationId is unique");
}

/// Each call is known to the router, in a named world too, and each path names its methods.
#[tokio::test]
async fn the_router_knows_every_call() {
    let app = TestApp::start().await;
    for route in all_routes() {
        for world in ["", "/w/other"] {
            let path = format!(
                "{world}{}",
                route
                    .path
                    .replace("{action}", "approve")
                    .replace("{change}", "freeze")
                    .replace(['{', '}'], "")
            );
            let method = Method::from_bytes(route.method.as_str().as_bytes()).expect("a method");
            let reply = app.request(method, &path).send().await.expect("an answer");
            let status = reply.status();
            // A stream that is open does not end.
            if !status.is_success() {
                let text = reply.text().await.expect("a text");
                assert!(
                    status != 405 && !text.contains("unknown call"),
                    "{route:?} {status} {text}"
                );
            }
            let purge = Method::from_bytes(b"PURGE").expect("a method");
            let reply = app.request(purge, &path).send().await.expect("an answer");
            let allowed = reply.headers()["allow"].to_str().expect("text").to_owned();
            assert_eq!(reply.status(), 405, "{path}");
            assert!(
                allowed.contains(route.method.as_str()),
                "{route:?} {allowed}"
            );
        }
    }
}

#[tokio::test]
async fn the_page_shows_every_call_and_runs_its_own_script_only() {
    let app = TestApp::start().await;
    let reply = app
        .request(Method::GET, "/docs")
        .send()
        .await
        .expect("a page");
    let policy = reply.headers()["content-security-policy"]
        .to_str()
        .expect("text")
        .to_owned();
    assert!(policy.contains("script-src 'self'"), "{policy}");
    let page = reply.text().await.expect("a page");
    assert!(!page.contains("<script>") && !page.contains("onclick"));
    for route in all_routes() {
        assert!(page.contains(&format!("id=\"{}\"", route.id)), "{route:?}");
    }
    for (file, media_type) in [("docs.js", "text/javascript"), ("docs.css", "text/css")] {
        let address = page.split('"').find(|text| text.ends_with(file));
        let address = address.expect("the page loads the file").to_owned();
        let file = app.request(Method::GET, &address).send().await;
        let headers = file.expect("a file").headers().clone();
        let header = |name: &str| headers[name].to_str().expect("text").to_owned();
        assert!(header("content-type").starts_with(media_type), "{address}");
        assert!(header("cache-control").contains("immutable"), "{address}");
        let old = address.replace("/ui/assets/", "/ui/assets/0");
        assert_eq!(app.get(&old).await.status, 404, "{old}");
    }
}

#[tokio::test]
async fn a_compressed_page_is_the_same_page() {
    let app = TestApp::start().await;
    let page = app.get("/docs").await.text;
    let style = page.split('"').find(|text| text.ends_with("docs.css"));
    let style = style.expect("the page loads a style").to_owned();
    for path in ["/docs", "/w/other/docs", &style] {
        let plain = app.get(path).await.text;
        for _ in 0..2 {
            let request = app
                .request(Method::GET, path)
                .header("accept-encoding", "gzip");
            let reply = request.send().await.expect("an answer");
            assert_eq!(reply.headers()["content-encoding"], "gzip", "{path}");
            assert_eq!(reply.headers()["vary"], "Accept-Encoding", "{path}");
            let bytes = reply.bytes().await.expect("bytes");
            assert!(bytes.len() * 2 < plain.len(), "{path}");
            let mut text = String::new();
            let mut decoder = flate2::read::GzDecoder::new(&bytes[..]);
            decoder.read_to_string(&mut text).expect("gzip");
            assert!(text == plain, "{path}");
        }
    }
    let of_other = app.get("/w/other/docs").await.text;
    let address = format!("data-server=\"{}/w/other\"", app.sandbox.base_url());
    assert!(of_other.contains(&address));
}

/// An unknown path is answered in the format of the calls that are nearest to it.
#[tokio::test]
async fn an_unknown_path_is_refused_in_the_format_of_its_neighbours() {
    let app = TestApp::start().await;
    for (path, member) in [
        ("/nothing", "errorCode"),
        ("/v1/Consent/a/b", "errorCode"),
        ("/consent/a/b", "errorCode"),
        ("/backend/api/v1/nothing", "errors"),
        ("/_mockaa/v1/nothing", "error"),
        ("/v2/entityInfo/AA/a/b", "error"),
        ("/ui/nothing", "error"),
        ("/w/other/api/v1/nothing", "errors"),
    ] {
        let reply = app.get(path).await;
        assert_eq!(reply.status, 404, "{path}");
        assert!(reply.json().get(member).is_some(), "{path} {}", reply.text);
    }
}

/// Returns the page that lists all calls, `docs/calls.md`.
fn render_calls_page() -> String {
    let mut page = "# All calls\n\nThis page is made from the table of calls in `src/http/routes`; a test keeps it. `GET /docs` of a running \
                    sandbox has\nparameters, bodies, examples and refusals, [api.md](api.md) the explanations.\n\n\
                    ReBIT's and the seed API's paths also exist below `/v1`, `/v2`, `/V2` and `/proxy/v2`, Unaport's below each of `/api/v1`,\n\
                    `/backend-v2/api/v2` and `/backend/api/v1`. Everything exists below `/w/{world}` too.\n"
        .to_owned();
    for section in Section::ALL {
        page += &format!(
            "\n## {section}\n\n{}.\n\n| call | name | |\n| --- | --- | --- |\n",
            section.description()
        );
        for route in all_routes().filter(|route| route.section == *section) {
            page += &format!(
                "| `{} {}` | {} | {} |\n",
                route.method, route.path, route.id, route.summary
            );
        }
    }
    page
}

const PAGE_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/calls.md");

#[test]
fn the_page_of_all_calls_is_made_from_the_table() {
    let page = render_calls_page();
    if std::env::var_os("MOCKAA_UPDATE_EXAMPLES").is_some() {
        std::fs::write(PAGE_FILE, page).expect("the file is written");
        return;
    }
    let kept = std::fs::read_to_string(PAGE_FILE).expect("the page exists");
    assert_eq!(kept, page, "MOCKAA_UPDATE_EXAMPLES=1 writes the page anew");
}

/// Every call that a page of the documentation names by method and path exists.
#[test]
fn the_calls_that_the_documentation_names_exist() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/docs");
    let pages = std::fs::read_dir(folder).expect("the documentation");
    let mut pages: Vec<_> = pages.map(|entry| entry.expect("an entry").path()).collect();
    pages.push(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md").into());
    pages.retain(|page| page.extension().is_some_and(|extension| extension == "md"));
    let mut named = 0;
    for page in pages {
        // The sources describe other parties' calls too.
        if ["sources.md", "assumptions.md"]
            .iter()
            .any(|name| page.ends_with(name))
        {
            continue;
        }
        let text = std::fs::read_to_string(&page).expect("a page");
        for quoted in text.split('`').skip(1).step_by(2) {
            let Some((method, path)) = quoted.split_once(' ') else {
                continue;
            };
            let is_call = ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method)
                && path.starts_with('/')
                && !path.contains([' ', '…', '[', '*']);
            if !is_call || ["/FI/Data", "/Analytics/Notification"].contains(&path) {
                continue;
            }
            let path = path.split('?').next().expect("a path");
            named += 1;
            assert!(
                all_routes()
                    .any(|route| route.method.as_str() == method && is_same_path(route.path, path)),
                "{}: there is no call {quoted}",
                page.display()
            );
        }
    }
    assert!(named > 20, "the pages name calls");
}

/// Returns whether two paths differ in their parameters only.
fn is_same_path(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<_>, Vec<_>) =
        (pattern.split('/').collect(), path.split('/').collect());
    pattern.len() == path.len()
        && pattern
            .iter()
            .zip(&path)
            .all(|(part, segment)| part == segment || part.starts_with('{'))
}

/// Returns a ReBIT message with this member.
fn build_message(name: &str, value: Value) -> Value {
    let mut message = crate::helpers::rebit_message(name, "");
    message[name] = value;
    message
}

/// Plays the calls with the examples and keeps requests and answers.
struct Recorder {
    app: TestApp,
    examples: Map<String, Value>,
    /// The headers of each webhook, as lines.
    webhook_headers: BTreeMap<&'static str, String>,
    document: Value,
}

/// Returns header and value of a participant's key.
fn key_of(participant: &Participant) -> (&'static str, String) {
    (participant.header, participant.api_key.clone())
}

/// The id of a visit in the examples.
const VISIT_ID: &str = "0123456789abcdef0123456789abcdef";

impl Recorder {
    /// Makes a call and records it; returns the answer.
    async fn call(
        &mut self,
        id: &str,
        parameters: &[(&str, &str)],
        body: Option<Value>,
        key: Option<(&str, String)>,
    ) -> Value {
        let route = all_routes()
            .find(|route| route.id == id)
            .unwrap_or_else(|| panic!("no call {id}"));
        let mut path = route.path.to_owned();
        let mut query = Vec::new();
        for (name, value) in parameters {
            let placeholder = format!("{{{name}}}");
            if path.contains(&placeholder) {
                path = path.replace(&placeholder, value);
            } else {
                query.push((*name, *value));
            }
        }
        let method = Method::from_bytes(route.method.as_str().as_bytes()).expect("a method");
        let mut url = reqwest::Url::parse("http://x/").expect("a URL");
        url.query_pairs_mut().extend_pairs(query);
        let query = url.query().filter(|query| !query.is_empty());
        let path = query.map_or(path.clone(), |query| format!("{path}?{query}"));
        let mut request = self.app.request(method, &path);
        if let Some((header, value)) = key {
            request = request.header(header, value);
        }
        request = match &body {
            Some(Value::String(text)) => {
                let media_type = match id {
                    "putStatement" => "application/octet-stream",
                    "submitStatement" => "multipart/form-data; boundary=LINE",
                    _ => "application/x-www-form-urlencoded",
                };
                request
                    .header("content-type", media_type)
                    .body(text.clone())
            }
            Some(json) => request.json(json),
            None => request,
        };
        let reply = self.app.send(request).await;
        assert!(
            reply.status.is_success()
                || reply.status == StatusCode::SEE_OTHER
                || reply.status == StatusCode::FOUND,
            "{id}: {} {}",
            reply.status,
            reply.text
        );
        let mut example = Map::new();
        if !parameters.is_empty() {
            let parameters: Map<_, _> = parameters
                .iter()
                .map(|(name, value)| ((*name).to_owned(), json!(value)))
                .collect();
            example.insert("parameters".to_owned(), parameters.into());
        }
        if let Some(body) = body {
            self.check_request(route.method.as_str(), route.path, &body);
            let mut shown = body;
            for path in ["/Consent/digitalSignature", "/refresh_token"] {
                if let Some(value) = shown.pointer_mut(path) {
                    shorten_value(value);
                }
            }
            example.insert("request".to_owned(), shown);
        }
        let answer: Value = serde_json::from_str(&reply.text).unwrap_or_default();
        if !answer.is_null() && !["getOpenApi", "getSchema"].contains(&id) {
            let mut shown = answer.clone();
            shorten_value(&mut shown);
            if ["fetchAnalytics", "fetchAggregateAnalytics"].contains(&id) {
                let sections = shown.as_object_mut().expect("sections").values_mut();
                sections.for_each(shorten_section);
            }
            example.insert("answer".to_owned(), shown);
        }
        self.examples.insert(id.to_owned(), example.into());
        if route.method.as_str() != "GET" && !id.ends_with("Clock") {
            // The webhooks have arrived when this returns, so that the journal is the same in
            // every run.
            self.app.advance_clock("0s").await;
        }
        answer
    }

    /// Checks that the schema of the request body allows the example.
    fn check_request(&self, method: &str, path: &str, body: &Value) {
        let content =
            &self.document["paths"][path][method.to_lowercase()]["requestBody"]["content"];
        let schema = &content["application/json"]["schema"];
        if !schema.is_null() {
            let violations = own_violations(schema, body);
            assert!(violations.is_empty(), "{method} {path}: {violations:?}");
        }
    }

    async fn control(
        &mut self,
        id: &str,
        parameters: &[(&str, &str)],
        body: Option<Value>,
    ) -> Value {
        self.call(id, parameters, body, None).await
    }

    /// Returns the examples without the addresses and times of this run.
    fn into_text(self) -> String {
        let text = serde_json::to_string_pretty(&Value::Object(self.examples)).expect("JSON");
        let addresses = [
            (
                self.app.sandbox.base_url(),
                "http://127.0.0.1:8080".to_owned(),
            ),
            (self.app.fiu.url.clone(), "http://127.0.0.1:9000".to_owned()),
        ];
        let mut text = text;
        for (actual, shown) in addresses {
            text = text.replace(&actual, &shown);
            let host = |url: &str| url.trim_start_matches("http://").to_owned();
            text = text.replace(&host(&actual), &host(&shown));
        }
        text + "\n"
    }
}

/// A statement that is supplied as a file.
const STATEMENT_FILE: &str = "transactionTimestamp,type,amount,currentBalance,narration\n2024-01-05,CREDIT,52000.00,61200.50,SALARY\n";

/// Returns the body of a form.
fn form(text: &str) -> Value {
    Value::String(text.to_owned())
}

/// Longest text, list and object of an example; the rest is cut.
const TEXT_CHARS_MAX: usize = 100;
const LIST_ITEMS_MAX: usize = 2;

/// Fields of an object in a section of analytics that an example shows.
const SECTION_FIELDS_MAX: usize = 2;

/// Cuts a section of analytics, whose objects have a field for each day or category.
fn shorten_section(section: &mut Value) {
    match section {
        Value::Array(items) => items.iter_mut().for_each(shorten_section),
        Value::Object(fields) => {
            let cut: Vec<_> = fields.keys().skip(SECTION_FIELDS_MAX).cloned().collect();
            for name in &cut {
                fields.remove(name);
            }
            fields.values_mut().for_each(shorten_section);
        }
        _ => {}
    }
}

/// Cuts what makes an example long, and replaces what differs from run to run.
fn shorten_value(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some((end, _)) = text.char_indices().nth(TEXT_CHARS_MAX) {
                // The end of a signature depends on the sandbox's address.
                *text = format!("{}…", &text[..end.min(40)]);
            }
        }
        Value::Array(items) => {
            // The order of headers differs from run to run.
            if items
                .iter()
                .all(|item| item["name"].is_string() && item["value"].is_string())
            {
                items.sort_by_key(|header| header["name"].to_string());
            }
            items.truncate(LIST_ITEMS_MAX);
            items.iter_mut().for_each(shorten_value);
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                match name.as_str() {
                    "systemTime" | "startedAt" | "until" if field.is_string() => {
                        *field = json!("2020-07-04T06:00:00.000Z");
                    }
                    "durationMs" => *field = json!(2),
                    // The resent webhook may be on its way already.
                    "state" if field == "sending" => *field = json!("queued"),
                    "version" if field == env!("CARGO_PKG_VERSION") => *field = json!("0.1.0"),
                    _ => shorten_value(field),
                }
            }
        }
        _ => {}
    }
}

impl Recorder {
    async fn start() -> Self {
        let app = TestApp::start_with(mockaa::SandboxBuilder::manual_data).await;
        let document = app.get("/openapi.json").await.expect_ok();
        Self {
            app,
            examples: Map::new(),
            webhook_headers: BTreeMap::new(),
            document,
        }
    }

    async fn play_services(&mut self) {
        for id in [
            "checkLiveness",
            "checkReadiness",
            "getJwks",
            "getTokenKeys",
            "getKeys",
            "getOpenApi",
            "showDocs",
            "redirectToDocs",
            "showStart",
            "showConsents",
            "showWebhooks",
            "getIcon",
            "getVectorIcon",
        ] {
            self.control(id, &[], None).await;
        }
        let page = self.app.get("/docs").await.text;
        let digest = page.split("/ui/assets/").nth(1).expect("an address");
        let digest = digest.split('/').next().expect("a digest").to_owned();
        let parameters = [("digest", &*digest), ("file", "mockaa.css")];
        self.control("getAsset", &parameters, None).await;
        self.set_parameter("getAsset", "digest", "0123456789");
        let theme = [("file", "3a3aa0-b9b9ff.css")];
        self.control("getTheme", &theme, None).await;
        self.play_logo().await;
        // Only a sandbox with https has it. It is a text, which has no example.
        let folder = concat!(env!("CARGO_TARGET_TMPDIR"), "/openapi-ca");
        let secure = TestApp::start_with(|builder| builder.tls_folder(folder)).await;
        let url = format!(
            "http://{}/.well-known/mockaa-ca.pem",
            secure.sandbox.address()
        );
        let reply = reqwest::get(url).await.expect("an answer");
        assert_eq!(reply.status(), 200);
        self.examples.insert("getAuthority".to_owned(), json!({}));
        let fiu = Some((
            "authorization",
            format!("Bearer {}", Participant::fiu_1().api_key),
        ));
        for (list, get) in [
            ("listEntities", "getEntity"),
            ("listEntitiesV2", "getEntityV2"),
        ] {
            self.call(list, &[("type", "AA")], None, fiu.clone()).await;
            let parameters = [("type", "FIP"), ("id", "FIP-1")];
            self.call(get, &parameters, None, fiu.clone()).await;
        }
        let secret = Participant::fiu_1().api_key;
        self.call(
            "generateToken",
            &[],
            Some(form(&format!("id=FIU-1&secret={secret}"))),
            None,
        )
        .await;
        let issued = self
            .call(
                "generateUserToken",
                &[],
                Some(form(&format!("username=FIU-1&password={secret}"))),
                None,
            )
            .await;
        let token = issued["accessToken"].as_str().expect("a token");
        self.call(
            "readSecret",
            &[],
            Some(json!({
                "ver": "1.0.0",
                "timestamp": crate::helpers::NOW,
                "txnId": "f35761ac-4a18-11e8-96ff-0277a9fbfedc",
                "entityId": "FIU-1",
            })),
            Some(("authorization", format!("Bearer {token}"))),
        )
        .await;
        let basic = mockaa::internals::crypto::base64::encode(format!("FIU-1:{secret}").as_bytes());
        self.call(
            "grantToken",
            &[],
            Some(form("grant_type=client_credentials")),
            Some(("authorization", format!("Basic {basic}"))),
        )
        .await;
        self.call(
            "getHeartbeat",
            &[],
            None,
            Some(key_of(&Participant::fiu_1())),
        )
        .await;
    }

    /// Opens the operator's pages and sends their forms. The last one begins the world anew.
    async fn play_console(&mut self) {
        self.control("submitDefaultScenario", &[], Some(form("name=")))
            .await;
        let raised = Some(form(
            "customer=9876500055&fiType=DEPOSIT&fetchType=ONETIME&months=6",
        ));
        self.control("submitConsent", &[], raised).await;
        let consents = self.app.get("/_mockaa/v1/consents").await.expect_ok();
        let handle = expect_text(&consents["items"][0]["consentHandle"]);
        let by_handle = [("consentHandle", &*handle)];
        self.control(
            "submitSteps",
            &by_handle,
            Some(form("steps=-+approve%3A+%7B%7D")),
        )
        .await;
        let webhooks = self.app.get("/_mockaa/v1/webhooks?state=delivered").await;
        let webhook = webhooks.expect_ok()["items"][0]["id"].to_string();
        self.control("submitResend", &[("id", &webhook)], None)
            .await;
        self.control("showWebhookPage", &[("id", &webhook)], None)
            .await;
        self.control("showEntry", &[("seq", "1")], None).await;
        for id in [
            "showSignIn",
            "showOverview",
            "showWorlds",
            "findPage",
            "showRaiseForm",
            "showJournal",
            "showClock",
            "showFaults",
            "showScenarios",
            "showCustomers",
            "showReport",
        ] {
            self.control(id, &[], None).await;
        }
        self.control("signIn", &[], Some(form("token=secret")))
            .await;
        self.control("endSession", &[], Some(form(""))).await;
        let name = [("name", "approve-deposit")];
        self.control("showScenario", &name, None).await;
        let customer = [("customer", "9876500055@mockaa")];
        self.control("submitPin", &name, Some(form("customer=9876500056@mockaa")))
            .await;
        self.control("showCustomer", &customer, None).await;
        self.control("submitPersona", &customer, Some(form("persona=pensioner")))
            .await;
        self.control("showStatement", &customer, None).await;
        let file = format!(
            "--LINE\r\nContent-Disposition: form-data; name=\"file\"; filename=\"mine.csv\"\r\n\r\n{STATEMENT_FILE}\r\n--LINE--\r\n"
        );
        let other = [("customer", "9000000076@mockaa")];
        self.control("submitStatement", &other, Some(file.into()))
            .await;
        let faults = Some(form(
            "name=mine&text=webhooks%3A+[{+fault%3A+{+drop%3A+{}+}+}]",
        ));
        self.control("submitFaults", &[], faults).await;
        self.control("submitFaultsRemoval", &[], Some(form("name=mine")))
            .await;
        self.control("submitClockChange", &[("change", "freeze")], None)
            .await;
        self.control("submitWorld", &[], Some(form("name=mine")))
            .await;
        self.control("submitReset", &[], Some(form("name=default")))
            .await;
    }

    /// Plays the call for a logo in a sandbox of its own, since a consent takes ids of those that
    /// the other examples show.
    async fn play_logo(&mut self) {
        let app = TestApp::start().await;
        let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>";
        let svg = mockaa::internals::crypto::base64::encode(svg);
        let logo = json!({ "logo": format!("data:image/svg+xml;base64,{svg}") });
        let request = app.request(Method::PUT, "/_mockaa/v1/config/fiu/FIU-1");
        app.send(request.json(&logo)).await.expect_ok();
        let handle = app.raise_consent(|_| {}).await;
        let page = app.get(&format!("/ui/consents/{handle}")).await.text;
        let path = page.split('"').find(|it| it.starts_with("/aa/logos/"));
        let path = path.expect("the page has the logo");
        assert_eq!(app.get(path).await.status, 200);
        let file = path.rsplit('/').next().expect("a name");
        let example = json!({ "parameters": { "file": file } });
        self.examples.insert("getLogo".to_owned(), example);
    }

    /// Opens the stream of events. It does not end, and the ids in it differ from run to run.
    async fn open_events(&mut self) {
        let path = "/_mockaa/v1/events?kind=consent.active";
        let stream = self.app.request(Method::GET, path).send().await;
        assert_eq!(stream.expect("an answer").status(), 200);
        let example = json!({ "parameters": { "kind": "consent.active" } });
        self.examples.insert("streamEvents".to_owned(), example);
    }

    async fn play_seed(&mut self) {
        let request = crate::helpers::seed_request();
        let raised = self.control("createSeedConsent", &[], Some(request)).await;
        let handle = expect_text(&raised["ConsentHandle"]);
        self.control("getSeedConsent", &[("id", &handle)], None)
            .await;
        self.app.apply_verb(&handle, "approve").await.expect_ok();
        let path = format!("/_mockaa/v1/consents/{handle}/play");
        self.app
            .post(&path, &json!({ "deliver": {} }))
            .await
            .expect_ok();
    }

    async fn play_customers(&mut self) {
        let customer = [("customer", "9876500002@mockaa")];
        self.control("registerCustomer", &customer, None).await;
        let discovered = self
            .control(
                "listAccounts",
                &[customer[0], ("fipId", "FIP-1"), ("fiType", "DEPOSIT")],
                None,
            )
            .await;
        let account = discovered["items"][0]["accRefNumber"].clone();
        let request = json!({ "fipId": "FIP-1", "accounts": [account] });
        let link = self.control("linkAccounts", &customer, Some(request)).await;
        let request = json!({ "refNumber": link["RefNumber"], "token": "123456" });
        let linked = self.control("verifyLink", &customer, Some(request)).await;
        self.play_direct_link(customer[0].1).await;
        let persona = json!({ "persona": "over-indebted" });
        self.control("assignPersona", &customer, Some(persona))
            .await;
        let request = json!({
            "amount": 250_000, "narration": "NEFT REFUND", "daysAgo": 3, "mode": "NEFT",
        });
        let added = self
            .control("addTransaction", &customer, Some(request))
            .await;
        let transaction = [
            customer[0],
            ("txnId", added["txnId"].as_str().expect("an id")),
        ];
        self.control("listTransactions", &customer, None).await;
        self.control("getStatement", &customer, None).await;
        let other = [("customer", "9000000077@mockaa")];
        self.control("putStatement", &other, Some(STATEMENT_FILE.into()))
            .await;
        let request = json!({ "amount": "1500.50" });
        self.control("changeTransaction", &transaction, Some(request))
            .await;
        self.control("removeTransaction", &transaction, None).await;
        let link_ref = linked["items"]
            .as_array()
            .expect("accounts")
            .iter()
            .find(|account| account["linked"] == true)
            .expect("a linked account")["linkRefNumber"]
            .clone();
        let request = json!({ "linkRefNumber": link_ref });
        self.control("delinkAccount", &customer, Some(request))
            .await;
        self.control("deregisterCustomer", &customer, None).await;
        self.control("listCustomers", &[("limit", "10")], None)
            .await;
    }

    /// Links an account at a FIP that authenticates its customers itself.
    async fn play_direct_link(&mut self, customer: &str) {
        let path = format!("/_mockaa/v1/customers/{customer}");
        let query = format!("{path}/accounts?fipId=ACME-FIP&fiType=DEPOSIT");
        let discovered = self.app.get(&query).await.expect_ok();
        let account = discovered["items"][0]["accRefNumber"].clone();
        let request = json!({ "fipId": "ACME-FIP", "accounts": [account] });
        self.app
            .post(&format!("{path}/link"), &request)
            .await
            .expect_ok();
        let mut message = build_message("Notifier", json!({ "type": "FIP", "id": "ACME-FIP" }));
        message["AccountLinkStatusNotification"] = json!({
            "accRefNumber": account, "customerAddress": customer, "linkRefNumber": "acme-1", "linkStatus": "LINKED",
        });
        let acme = Some(key_of(&Participant::acme_fip()));
        self.call("notifyAccountLink", &[], Some(message), acme)
            .await;
    }

    async fn play_rebit(&mut self) {
        let fiu = || Some(key_of(&Participant::fiu_1()));
        let raised = self
            .call("createConsent", &[], Some(consent_request()), fiu())
            .await;
        let handle = expect_text(&raised["ConsentHandle"]);
        let message = build_message("ConsentHandle", json!(handle));
        self.call("getConsentStatus", &[], Some(message), fiu())
            .await;
        let by_handle = [("consentHandle", handle.as_str())];
        self.call("getConsentStatusByPath", &by_handle, None, fiu())
            .await;
        let approve = [by_handle[0], ("action", "approve")];
        let approved = self
            .control(
                "applyConsentAction",
                &approve,
                Some(json!({ "hold": false })),
            )
            .await;
        let id = expect_text(&approved["consentId"]);
        let message = build_message("consentId", json!(id));
        let artefact = self
            .call("fetchConsentArtefact", &[], Some(message), fiu())
            .await;
        self.call(
            "fetchConsentArtefactByPath",
            &[("consentId", &id)],
            None,
            fiu(),
        )
        .await;
        let session = self.play_data(&id, &artefact).await;
        self.control("listConsents", &[("limit", "1")], None).await;
        self.control("getConsent", &by_handle, None).await;
        self.control("listSessions", &[("limit", "1")], None).await;
        self.control("getSession", &[("sessionId", &session)], None)
            .await;
        let fip_artefact = &approved["fipArtefacts"][0];
        let fip = expect_text(&fip_artefact["fipId"]);
        let mut message = build_message("Notifier", json!({ "type": "FIP", "id": fip }));
        message["ConsentStatusNotification"] =
            json!({ "consentId": fip_artefact["consentId"], "consentStatus": "PAUSED" });
        let key = Some((
            "fip_api_key",
            format!("mockaa-dev-{}-api-key", fip.to_lowercase()),
        ));
        self.call("notifyConsentStatus", &[], Some(message), key)
            .await;
        self.control("playSteps", &by_handle, Some(json!({ "resume": {} })))
            .await;
    }

    /// Requests data, delivers it as a FIP, and fetches it.
    async fn play_data(&mut self, id: &str, artefact: &Value) -> String {
        let fiu = || Some(key_of(&Participant::fiu_1()));
        let signed = expect_text(&artefact["signedConsent"]);
        let (_, signature) = signed.rsplit_once('.').expect("three parts");
        let mut request = build_message(
            "FIDataRange",
            json!({ "from": "2020-06-01T00:00:00.000Z", "to": "2020-06-30T00:00:00.000Z" }),
        );
        request["Consent"] = json!({ "id": id, "digitalSignature": signature });
        request["KeyMaterial"] = key_material(&key_pair(
            mockaa::internals::domain::key_exchange::Curve::Weierstrass,
        ));
        let opened = self.call("requestData", &[], Some(request), fiu()).await;
        let session = expect_text(&opened["sessionId"]);
        let by_session = [("sessionId", session.as_str())];
        let view = self
            .app
            .get(&format!("/_mockaa/v1/sessions/{session}"))
            .await
            .expect_ok();
        let (account, fip_session) = (&view["accounts"][0], &view["fipSessions"][0]);
        let fip = expect_text(&account["fipId"]);
        let mut message = build_message("Notifier", json!({ "type": "FIP", "id": fip }));
        message["FIStatusNotification"] = json!({
            "sessionId": fip_session["sessionId"], "sessionStatus": "COMPLETED",
            "FIStatusResponse": [{ "fipID": fip, "Accounts": [{
                "linkRefNumber": account["linkRefNumber"], "FIStatus": "READY", "description": "the data is ready" }] }],
        });
        let key = Some((
            "fip_api_key",
            format!("mockaa-dev-{}-api-key", fip.to_lowercase()),
        ));
        self.call("notifyDataStatus", &[], Some(message), key).await;
        let message = build_message("sessionId", json!(session));
        self.call("fetchData", &[], Some(message), fiu()).await;
        self.call("fetchDataByPath", &by_session, None, fiu()).await;
        session
    }

    /// Returns the number of the first call that raised a consent.
    async fn find_call_entry(&self) -> String {
        let path = "/_mockaa/v1/journal?op=consent.create&limit=1";
        let page = self.app.get(path).await.expect_ok();
        page["items"][0]["seq"].to_string()
    }

    async fn play_operator(&mut self) {
        self.control(
            "advanceClock",
            &[],
            Some(json!({ "by": "0s", "settle": "20ms" })),
        )
        .await;
        self.control("listWebhooks", &[("limit", "1")], None).await;
        self.control("getWebhook", &[("id", "1")], None).await;
        self.control("getWebhookBody", &[("id", "1")], None).await;
        self.control("resendWebhook", &[("id", "1")], None).await;
        self.control("listJournal", &[("limit", "2")], None).await;
        let entry = self.find_call_entry().await;
        let entry = [("seq", &*entry)];
        for id in ["getJournalEntry", "getJournalRequest", "getJournalAnswer"] {
            self.control(id, &entry, None).await;
        }
        let wait = [("kind", "consent.raised"), ("count", "1"), ("within", "1s")];
        self.control("waitForJournal", &wait, None).await;
        self.open_events().await;
        let expectations = json!({ "expect": [{ "event": { "name": "consent.raised" } }] });
        self.control("checkExpectations", &[], Some(expectations))
            .await;
        self.control("getReport", &[], None).await;
        let faults =
            json!({ "webhooks": [{ "fault": { "duplicate": { "copies": 2 } } }], "ttl": "5m" });
        let name = [("name", "twice")];
        self.control("putFaults", &name, Some(faults)).await;
        self.control("getFaults", &name, None).await;
        self.control("listFaults", &[], None).await;
        self.control("deleteFaults", &name, None).await;
        self.control("deleteAllFaults", &[], None).await;
        let scenario = json!({ "version": 1, "name": "quick", "steps": [{ "approve": {} }] });
        let name = [("name", "quick")];
        self.control("lintScenario", &[], Some(scenario.clone()))
            .await;
        self.control("putScenario", &name, Some(scenario)).await;
        self.control("getScenario", &name, None).await;
        self.control("listScenarios", &[], None).await;
        let customer = json!({ "customer": "9876500003@mockaa" });
        self.control("pinScenario", &name, Some(customer)).await;
        let default = json!({ "name": "quick" });
        self.control("setDefaultScenario", &[], Some(default)).await;
        self.control("getDefaultScenario", &[], None).await;
        let flow =
            json!({ "in": 52_000, "by": "neft", "with": ["AURORA DESIGN"], "purpose": "SALARY" });
        let persona = json!({
            "version": 1, "name": "one-salary", "description": "One salary and nothing else.",
            "accounts": [{ "type": "DEPOSIT", "cash_flows": [flow] }],
        });
        self.control("putPersona", &[("name", "one-salary")], Some(persona))
            .await;
        self.app
            .send(
                self.app
                    .request(Method::PUT, "/_mockaa/v1/scenarios/default")
                    .json(&json!({ "name": null })),
            )
            .await
            .expect_ok();
        self.control("deleteScenario", &name, None).await;
        self.control("reloadScenarios", &[], None).await;
        self.control("listMagicCustomers", &[], None).await;
        self.control("getSchema", &[("kind", "faults")], None).await;
        for id in [
            "listFius",
            "listFips",
            "getClock",
            "listTimers",
            "listPersonas",
            "getInfo",
            "getWorld",
        ] {
            self.control(id, &[], None).await;
        }
        self.control("getFiu", &[("id", "FIU-1")], None).await;
        self.control("getFip", &[("id", "FIP-1")], None).await;
        let lender = json!({ "name": "A lender", "baseUrl": "http://127.0.0.1:9100" });
        self.control("putFiu", &[("id", "LENDER")], Some(lender))
            .await;
        let bank = json!({ "name": "A bank", "linking": "DIRECT" });
        self.control("putFip", &[("id", "BANK")], Some(bank)).await;
    }

    async fn play_unaport(&mut self) {
        let tokens = self.control("logIn", &[], Some(credentials())).await;
        let refresh = json!({ "refresh_token": tokens["refresh_token"] });
        let tokens = self.control("refreshTokens", &[], Some(refresh)).await;
        let access = format!("Bearer {}", expect_text(&tokens["access_token"]));
        let key = || Some(("authorization", access.clone()));
        let organisation = self.call("getClientOrganisation", &[], None, key()).await;
        self.call("getOrganisation", &[], None, key()).await;
        let org = expect_text(&organisation["orgId"]);
        let by_org = [("org_id", org.as_str())];
        let saved = self
            .call("saveTemplate", &by_org, Some(consent_template()), key())
            .await;
        self.call("listTemplates", &by_org, None, key()).await;
        let product = template_consent_request(&expect_text(&saved["productId"]));
        let templated = self
            .call(
                "createUnaportConsentFromTemplate",
                &by_org,
                Some(product),
                key(),
            )
            .await;
        let created = self
            .call(
                "createUnaportConsent",
                &by_org,
                Some(unaport_request()),
                key(),
            )
            .await;
        let link = expect_text(&created["redirectUrl"]);
        let code = link.rsplit('/').next().expect("a code").to_owned();
        for id in ["followShortLink", "followRedirect"] {
            self.control(id, &[("code", &code)], None).await;
        }
        let handle = expect_text(&created["ConsentHandle"]);
        let by_handle = [("consentHandle", handle.as_str())];
        self.control("showConsentPage", &by_handle, None).await;
        let decision = [by_handle[0], ("action", "approve")];
        self.control("submitAction", &decision, None).await;
        self.call("getUnaportConsent", &by_handle, None, key())
            .await;
        let statuses = self.call("getFetchStatus", &by_handle, None, key()).await;
        let session = match statuses["data"][0]["FIStatusNotification"]["sessionId"].as_str() {
            Some(session) => session.to_owned(),
            None => expect_text(
                &self.app.get("/_mockaa/v1/sessions").await.expect_ok()["items"][0]["sessionId"],
            ),
        };
        let answers = json!({ "default": "READY" });
        self.control("deliverData", &[("sessionId", &session)], Some(answers))
            .await;
        self.call("getFetchStatus", &by_handle, None, key()).await;
        self.play_reports(&org, &session, &access).await;
        let other = expect_text(&templated["ConsentHandle"]);
        for (id, handle) in [
            ("revokeConsent", handle.as_str()),
            ("revokeConsentByPut", other.as_str()),
        ] {
            let approved = self.app.fetch_consent(handle).await;
            let approved = if approved["state"] == "PENDING" {
                self.app.apply_verb(handle, "approve").await.expect_ok()
            } else {
                approved
            };
            let consent = expect_text(&approved["consentId"]);
            let parameters = [by_org[0], ("consentId", consent.as_str())];
            self.call(id, &parameters, None, key()).await;
        }
        // The third consent's statements are pushed.
        let scenario = json!({ "version": 1, "name": "push", "push_data": true, "steps": [{ "approve": {} }, { "deliver": {} }] });
        let put = self
            .app
            .request(Method::PUT, "/_mockaa/v1/scenarios/push")
            .json(&scenario);
        self.app.send(put).await.expect_ok();
        let path = format!("{APP_PREFIX}/FIU/Consents/{org}");
        let request = self
            .app
            .request(Method::POST, &path)
            .header("authorization", &access)
            .json(&unaport_request());
        let request = request.header("x-mockaa-scenario", "push");
        let third = expect_text(&self.app.send(request).await.expect_ok()["ConsentHandle"]);
        let approved = self.app.fetch_consent(&third).await;
        let consent = expect_text(&approved["consentId"]);
        let parameters = [by_org[0], ("consentId", consent.as_str())];
        self.call("revokeConsentByDelete", &parameters, None, key())
            .await;
    }

    /// Fetches the data of an Unaport session, its analytics and files.
    async fn play_reports(&mut self, org: &str, session: &str, access: &str) {
        let key = || Some(("authorization", access.to_owned()));
        let by_session = [("sessionId", session)];
        self.call("fetchUnaportData", &by_session, None, key())
            .await;
        let accounts = self
            .call("listSessionAccounts", &by_session, None, key())
            .await;
        let analytic = accounts[0]["analytic_id"].to_string();
        let generate = [("org_id", org), by_session[0]];
        self.call("generateAnalytics", &generate, None, key()).await;
        self.call("generateAggregateAnalytics", &generate, None, key())
            .await;
        let by_analytic = [("analyticId", analytic.as_str()), by_session[0]];
        self.call("fetchAnalytics", &by_analytic, None, key()).await;
        self.call("exportAnalytics", &by_analytic[..1], None, key())
            .await;
        self.call("fetchAggregateAnalytics", &by_session, None, key())
            .await;
        self.call("exportAggregateAnalytics", &by_session, None, key())
            .await;
        let by_fiu = [("fiuId", FIU_ID), by_session[0]];
        self.call("exportDataAsWorkbook", &by_fiu, None, key())
            .await;
        self.call("exportDataAsPdf", &by_fiu, None, key()).await;
        let status = json!({ "status": "SUCCESS" });
        self.control("notifyAnalytics", &by_session, Some(status))
            .await;
    }

    async fn play_redirection(&mut self) {
        let request = self
            .app
            .request(Method::POST, "/Consent")
            .header("client_api_key", Participant::fiu_1().api_key)
            .json(&consent_request());
        let raised = self.app.send(request).await.expect_ok();
        let handle = expect_text(&raised["ConsentHandle"]);
        let query = redirection_query(
            "FIU-1",
            crate::redirection::NOW,
            crate::redirection::PASSPHRASE,
            &handle,
        );
        let url = reqwest::Url::parse(&format!("http://x/?{query}")).expect("a URL");
        let pairs: Vec<(String, String)> = url
            .query_pairs()
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        let mut parameters: Vec<(&str, &str)> = pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        self.control("showWebview", &parameters, None).await;
        parameters.push(("action", "approve"));
        self.control("submitWebviewDecision", &parameters, None)
            .await;
        self.play_visits().await;
        self.play_web_sdk().await;
        self.play_sign_in().await;
        self.play_linking().await;
    }

    /// Plays a customer's visits: one is answered, one refused, one left.
    async fn play_visits(&mut self) {
        for (form, page) in [
            ("submitAnswers", "showVisit"),
            ("submitRefusal", "showRefusal"),
            ("submitLeave", "showLeave"),
        ] {
            let handle = self.app.raise_consent(|_| {}).await;
            let by_handle = [("consentHandle", handle.as_str())];
            self.control("openConsent", &by_handle, None).await;
            let (visit, page_text) = {
                let browser = CustomerBrowser::open_consent(&self.app, &handle).await;
                (browser.visit, browser.page.text)
            };
            let visit = visit.rsplit('/').next().expect("an id").to_owned();
            let by_visit = [("visit", visit.as_str())];
            self.control(page, &by_visit, None).await;
            let input = page_text.split("<input type=\"checkbox\"").nth(1);
            let account = input.and_then(|input| input.split("value=\"").nth(1)?.split('"').next());
            let body = match form {
                "submitAnswers" => format!(
                    "answer.{handle}=approve&account.{handle}={}",
                    account.expect("an account")
                ),
                "submitRefusal" => "reason=later".to_owned(),
                _ => String::new(),
            };
            self.control(form, &by_visit, Some(body.into())).await;
            self.control("showVisitResult", &by_visit, None).await;
            for id in [page, form, "showVisitResult"] {
                self.set_parameter(id, "visit", VISIT_ID);
            }
            if form != "submitAnswers" {
                continue;
            }
            self.control("listOwnConsents", &by_visit, None).await;
            let parameters = [by_visit[0], by_handle[0]];
            self.control("showOwnConsent", &parameters, None).await;
            let parameters = [by_visit[0], by_handle[0], ("action", "pause")];
            self.control("confirmOwnAction", &parameters, None).await;
            let body = Some(String::new().into());
            self.control("submitOwnAction", &parameters, body).await;
            for id in [
                "listOwnConsents",
                "showOwnConsent",
                "confirmOwnAction",
                "submitOwnAction",
            ] {
                self.set_parameter(id, "visit", VISIT_ID);
            }
        }
    }

    /// Plays the visit of a customer for whom a lender opens the web SDK.
    async fn play_web_sdk(&mut self) {
        let lender = Lender::log_in(&self.app).await;
        let path = format!("{APP_PREFIX}/FIU/InsertProduct/{}", lender.org_id);
        let saved = lender.post(&self.app, &path, &consent_template()).await;
        let mut config = json!({
            "theme": { "background": "#131313", "primaryButtonText": "131313" },
            "productId": saved.expect_ok()["productId"], "phoneNumber": "9876543210",
            "trackingId": "LOAN-4713", "fiuId": FIU_ID, "FIType": "Deposits",
            "accessToken": lender.access_token, "refreshToken": lender.refresh_token,
        });
        let value = STANDARD.encode(config.to_string());
        self.control("openWebSdk", &[("config", &value)], None)
            .await;
        for token in ["accessToken", "refreshToken"] {
            config[token] = "FAKE.TOKEN".into();
        }
        let value = STANDARD.encode(config.to_string());
        self.set_parameter("openWebSdk", "config", &value);
        let path = view_path(&json!({
            "theme": {}, "productId": config["productId"], "phoneNumber": "9876543210",
            "trackingId": "LOAN-4714", "fiuId": FIU_ID,
            "accessToken": lender.access_token, "refreshToken": lender.refresh_token,
        }));
        let visit = CustomerBrowser::open(&self.app, &path).await.visit;
        let visit = visit.rsplit('/').next().expect("an id").to_owned();
        self.control("getVisitTheme", &[("visit", &visit)], None)
            .await;
        self.set_parameter("getVisitTheme", "visit", VISIT_ID);
    }

    /// Plays the visit of a customer who comes for the own consents.
    async fn play_sign_in(&mut self) {
        self.control("openApp", &[], None).await;
        let browser = CustomerBrowser::open(&self.app, "/aa").await;
        let visit = browser.visit.rsplit('/').next().expect("an id").to_owned();
        let by_visit = [("visit", visit.as_str())];
        for (id, body) in [
            ("sendPassword", "mobile=9876543210"),
            ("verifyPassword", "otp=123456"),
        ] {
            self.control(id, &by_visit, Some(body.into())).await;
            self.set_parameter(id, "visit", VISIT_ID);
        }
    }

    /// Plays the search for accounts at two banks, of which one is skipped.
    async fn play_linking(&mut self) {
        let customer = "9876543211@mockaa";
        let path = format!("/_mockaa/v1/customers/{customer}/register");
        self.app.post(&path, &Value::Null).await.expect_ok();
        let handle = self
            .app
            .raise_consent(|body| body["ConsentDetail"]["Customer"]["id"] = customer.into())
            .await;
        let visit = CustomerBrowser::open_consent(&self.app, &handle)
            .await
            .visit;
        let visit = visit.rsplit('/').next().expect("an id").to_owned();
        let by_visit = [("visit", visit.as_str())];
        self.control("showBanks", &by_visit, None).await;
        let banks = Some("bank=FIP-1&bank=FIP-2".into());
        self.control("chooseBanks", &by_visit, banks).await;
        self.control("showFoundAccounts", &by_visit, None).await;
        let again = Some("retry=FIP-2".into());
        self.control("changeSearch", &by_visit, again).await;
        let page = self
            .app
            .get(&format!("/aa/visits/{visit}/accounts/found"))
            .await;
        let found = page.text.split("name=\"account\" value=\"").skip(1);
        let found = found.filter_map(|rest| rest.split('"').next());
        let accounts: Vec<_> = found
            .map(|it| format!("account={}", it.replace('/', "%2F")))
            .collect();
        let accounts = Some(accounts.join("&").into());
        self.control("linkFoundAccounts", &by_visit, accounts).await;
        self.control("showBankPassword", &by_visit, None).await;
        for (id, fields) in [("verifyBankPassword", "&otp=123456"), ("skipBank", "")] {
            let path = format!("/aa/visits/{visit}/accounts/otp");
            let page = self.app.get(&path).await.text;
            let link = page.split("name=\"link\" value=\"").nth(1);
            let link = link.and_then(|rest| rest.split('"').next());
            let form = format!("link={}{fields}", link.expect("a link"));
            self.control(id, &by_visit, Some(form.into())).await;
        }
        for id in [
            "showBanks",
            "chooseBanks",
            "showFoundAccounts",
            "changeSearch",
            "linkFoundAccounts",
            "showBankPassword",
            "verifyBankPassword",
            "skipBank",
        ] {
            self.set_parameter(id, "visit", VISIT_ID);
        }
    }

    /// Replaces a parameter that is another one in each run.
    fn set_parameter(&mut self, id: &str, name: &str, value: &str) {
        self.examples[id]["parameters"][name] = value.into();
    }

    async fn play_worlds(&mut self) {
        self.app.get("/w/other/_mockaa/v1/world").await.expect_ok();
        self.control("listWorlds", &[], None).await;
        self.control("deleteWorld", &[("name", "other")], None)
            .await;
        let kept = json!({ "keep": ["scenarios", "clock"] });
        self.control("resetWorld", &[], Some(kept)).await;
        let at = json!({ "to": "2020-08-01T00:00:00.000Z" });
        self.control("setClock", &[], Some(at)).await;
        let at = json!({ "at": "2020-07-04T06:00:00.000Z" });
        self.control("freezeClock", &[], Some(at)).await;
        self.control("runClock", &[], None).await;
        // A clock that runs may have gone on before the answer.
        self.examples["runClock"]["answer"]["now"] = "2020-07-04T06:00:00.000Z".into();
    }

    /// Keeps one body of each kind of webhook.
    async fn keep_webhooks(&mut self) {
        self.app.advance_clock("0s").await;
        for message in self.app.fiu.drain_messages() {
            let mut body = message.json();
            let is_unaport = body.get("trackingId").is_some() || body["version"].is_string();
            let name = match (message.path.as_str(), is_unaport) {
                ("/Consent/Notification", false) => "consentStatus",
                ("/FI/Notification", false) => "dataStatus",
                ("/FI/Data", false) => "statement",
                ("/Consent/Notification", true) => "unaportConsentStatus",
                ("/FI/Notification", true) => "unaportDataStatus",
                ("/FI/Data", true) => "unaportStatement",
                ("/Analytics/Notification", _) => "unaportAnalytics",
                (path, _) => panic!("a webhook to {path}"),
            };
            let content = &self.document["webhooks"][name]["post"]["requestBody"]["content"];
            let violations = own_violations(&content["application/json"]["schema"], &body);
            assert!(violations.is_empty(), "{name}: {violations:?}\n{body}");
            shorten_value(&mut body);
            self.examples.entry(name).or_insert(body);
            self.webhook_headers
                .entry(name)
                .or_insert_with(|| render_headers(&message));
        }
    }

    /// Returns the page of all webhooks, with the bodies and headers that were received.
    fn render_webhooks_page(&self) -> String {
        let mut page = "# All webhooks\n\nThis page is made from webhooks that a sandbox has sent; a test keeps it. Long values are cut \
                        off at `…`. [api.md](api.md#webhooks) has the rules\nof delivery, [crypto.md](crypto.md) how a signature is \
                        verified, `/openapi.json` of a running sandbox the schemas. The `notify` action of a scenario sends\nany other \
                        body.\n\n| header | |\n| --- | --- |\n"
            .to_owned();
        let webhooks = self.document["webhooks"].as_object().expect("webhooks");
        let first = webhooks.values().next().expect("a webhook");
        for header in first["post"]["parameters"].as_array().expect("headers") {
            let text = |name: &str| header[name].as_str().expect("a text");
            page += &format!("| `{}` | {} |\n", text("name"), text("description"));
        }
        for (name, webhook) in webhooks {
            let summary = webhook["post"]["summary"].as_str().expect("a summary");
            let body = serde_json::to_string_pretty(&self.examples[name]).expect("JSON");
            let headers = &self.webhook_headers[name.as_str()];
            page += &format!("\n## {name}\n\n{summary}.\n\n```http\n{headers}\n{body}\n```\n");
        }
        page
    }
}

/// Returns the request line and the headers of a webhook, those that the sender of any request sets left out.
fn render_headers(message: &Message) -> String {
    let mut headers: Vec<_> = message
        .headers
        .iter()
        .filter(|(name, _)| !["accept", "content-length", "host", "user-agent"].contains(&&**name))
        .map(|(name, value)| {
            let value = match name.as_str() {
                // The time at which it was sent, and what is made of it.
                "webhook-timestamp" => "1593842400",
                "webhook-signature" => "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
                _ => value,
            };
            let end = value
                .char_indices()
                .nth(60)
                .map_or(value.len(), |(end, _)| end);
            let rest = if end < value.len() { "…" } else { "" };
            format!("{name}: {}{rest}\n", &value[..end])
        })
        .collect();
    headers.sort();
    format!("POST {} HTTP/1.1\n{}", message.path, headers.concat())
}

const WEBHOOKS_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/webhooks.md");

/// The examples of the document are what a sandbox with seed 42 and a frozen clock answers. With
/// `MOCKAA_UPDATE_EXAMPLES=1` the test writes the file instead.
#[tokio::test]
async fn the_examples_are_what_the_sandbox_answers() {
    let mut recorder = Recorder::start().await;
    recorder.play_services().await;
    recorder.play_seed().await;
    recorder.play_customers().await;
    recorder.play_rebit().await;
    recorder.play_operator().await;
    recorder.play_unaport().await;
    recorder.play_redirection().await;
    recorder.play_console().await;
    recorder.keep_webhooks().await;
    recorder.play_worlds().await;
    let missing: Vec<_> = all_routes()
        .map(|route| route.id)
        .filter(|id| !recorder.examples.contains_key(*id))
        .collect();
    assert!(missing.is_empty(), "no example of {missing:?}");
    let webhooks = recorder.document["webhooks"].as_object().expect("webhooks");
    for name in webhooks.keys() {
        assert!(recorder.examples.contains_key(name), "no example of {name}");
    }
    let page = recorder.render_webhooks_page();
    let text = recorder.into_text();
    if std::env::var_os("MOCKAA_UPDATE_EXAMPLES").is_some() {
        std::fs::write(WEBHOOKS_FILE, page).expect("the file is written");
        std::fs::write(EXAMPLES_FILE, text).expect("the file is written");
        return;
    }
    let kept = std::fs::read_to_string(EXAMPLES_FILE).expect("the file is part of the source");
    let kept_page = std::fs::read_to_string(WEBHOOKS_FILE).expect("the page exists");
    assert_eq!(
        kept_page, page,
        "MOCKAA_UPDATE_EXAMPLES=1 writes the page anew"
    );
    let (kept, played): (Value, Value) = (
        serde_json::from_str(&kept).expect("JSON"),
        serde_json::from_str(&text).expect("JSON"),
    );
    for (id, example) in played.as_object().expect("examples") {
        assert_eq!(
            &kept[id], example,
            "{id}; MOCKAA_UPDATE_EXAMPLES=1 writes the file anew"
        );
    }
    assert_eq!(
        kept.as_object().map(Map::len),
        played.as_object().map(Map::len)
    );
}

/// Who may make a call is documented in the table and checked by the handlers; both agree.
#[tokio::test]
async fn the_documented_callers_are_those_that_are_accepted() {
    use mockaa::internals::http::routes::Authentication;
    let app = TestApp::start_with(|builder| builder.security(mockaa::SecurityMode::Strict)).await;
    let (fiu, fip) = (Participant::fiu_1(), Participant::fip_1());
    for route in all_routes() {
        let callers: &[Authentication] = match route.section {
            Section::Rebit => &[
                Authentication::Public,
                Authentication::Fiu,
                Authentication::Fip,
            ],
            Section::Seed => &[Authentication::Public, Authentication::SeedClient],
            Section::Unaport => &[Authentication::Public],
            _ => &[],
        };
        for caller in callers {
            let path = route.path.replace("{analyticId}", "1");
            let path = path.replace(['{', '}'], "");
            let method = Method::from_bytes(route.method.as_str().as_bytes()).expect("a method");
            let request = app.request(method, &path).json(&json!({}));
            let request = match caller {
                Authentication::Fiu => request.header("client_api_key", &fiu.api_key),
                Authentication::Fip => request.header("fip_api_key", &fip.api_key),
                Authentication::SeedClient => request.header("authorization", &fiu.api_key),
                _ => request,
            };
            let answer = request.send().await.expect("an answer");
            let is_refused = answer.status() == StatusCode::UNAUTHORIZED;
            let is_allowed = route.authentication == *caller
                || route.authentication == Authentication::Public
                || (route.authentication == Authentication::FiuOrFip
                    && *caller != Authentication::Public);
            assert_eq!(is_refused, !is_allowed, "{route:?} by {caller:?}");
        }
    }
}
