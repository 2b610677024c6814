//! Unaport's web SDK: the config, the consent that it raises, the theme, the messages, and frames.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use mockaa::{Sandbox, SecurityMode};
use reqwest::{Method, Response, StatusCode, Url};
use serde_json::{Value, json};

use crate::contract_excuses::outcome_of;
use crate::customer_browser::CustomerBrowser;
use crate::helpers::TestApp;
use crate::inbox::Message;
use crate::lender::{
    APP_PREFIX, CONSENT_HOOK, FIU_ID, Lender, consent_template, expect_text, start_configured,
};

const PHONE: &str = "9876543210";
const LENDER_PAGE: &str = "https://lender.example";

/// Returns the theme of the SDK's own documentation.
fn sample_theme() -> Value {
    json!({
        "background": "#131313", "accent": "#1B1B1B", "primary": "#7762FF", "primaryText": "#FFFFFF",
        "primaryButtonText": "131313", "secondary": "#C589E4", "secondaryText": "#F2F2F2", "disabled": "#1F1F1F",
        "disabledText": "#FEFEFE", "border": "#767676", "hintText": "#9e9e9e", "errorText": "#d32f2f",
        "loaderColor": "#F2F2F2", "fontName": "Open Sans",
    })
}

/// A lender whose page opens the SDK.
struct SdkLender<'a> {
    app: &'a TestApp,
    lender: Lender,
    product: String,
}

impl<'a> SdkLender<'a> {
    async fn new(app: &'a TestApp) -> Self {
        let lender = Lender::log_in_with_webhooks(app).await;
        let path = format!("{APP_PREFIX}/FIU/InsertProduct/{}", lender.org_id);
        let saved = lender.post(app, &path, &consent_template()).await;
        Self {
            product: expect_text(&saved.expect_ok()["productId"]),
            app,
            lender,
        }
    }

    fn config(&self) -> Value {
        json!({
            "theme": sample_theme(), "productId": self.product, "phoneNumber": PHONE,
            "trackingId": "LOAN-4713", "fiuId": FIU_ID, "FIType": "Deposits",
            "accessToken": self.lender.access_token, "refreshToken": self.lender.refresh_token,
        })
    }

    /// Returns the config with a field that has another value, or none.
    fn config_with(&self, field: &str, value: Option<Value>) -> Value {
        let mut config = self.config();
        let fields = config.as_object_mut().expect("an object");
        match value {
            Some(value) => fields.insert(field.to_owned(), value),
            None => fields.remove(field),
        };
        config
    }

    async fn open(&self, config: &Value) -> CustomerBrowser<'a> {
        CustomerBrowser::open(self.app, &view_path(config)).await
    }

    /// Calls `/view` as a client of JSON does, and returns the page with the error.
    async fn refuse(&self, config: &Value) -> (StatusCode, String) {
        refuse(self.app, &view_path(config)).await
    }

    /// Returns the handle of the only consent.
    async fn only_handle(&self) -> String {
        let consents = self.app.get("/_mockaa/v1/consents").await.expect_ok();
        let items = consents["items"].as_array().expect("a list").clone();
        assert_eq!(items.len(), 1, "{consents}");
        expect_text(&items[0]["consentHandle"])
    }
}

fn encode(text: &str) -> String {
    let mut url = Url::parse("view:").expect("a URL");
    url.query_pairs_mut().append_pair("config", text);
    format!("/view?{}", url.query().expect("a query"))
}

/// Returns the address that opens the SDK with a config.
pub fn view_path(config: &Value) -> String {
    encode(&STANDARD.encode(config.to_string()))
}

async fn fetch(app: &TestApp, path: &str) -> Response {
    let request = app.request(Method::GET, path);
    request.send().await.expect("an answer")
}

fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    let value = response.headers().get(name);
    value.map_or("", |value| value.to_str().expect("text"))
}

/// Calls an address that is refused, and returns the page with the error.
async fn refuse(app: &TestApp, path: &str) -> (StatusCode, String) {
    let before = app.count_consents().await;
    let mut pages = Vec::new();
    for accept in ["application/json", "text/html", "*/*", ""] {
        let request = app.request(Method::GET, path).header("accept", accept);
        let response = request.send().await.expect("an answer");
        assert_eq!(
            header(&response, "content-type"),
            "text/html; charset=utf-8"
        );
        assert_eq!(header(&response, "referrer-policy"), "no-referrer");
        let status = response.status();
        assert!(status.is_client_error(), "{status}");
        pages.push((status, response.text().await.expect("text")));
    }
    assert!(pages.iter().all(|page| *page == pages[0]), "{pages:?}");
    assert_eq!(app.count_consents().await, before, "no consent was raised");
    pages.remove(0)
}

/// Returns the notes of the journal about themes.
async fn theme_notes(app: &TestApp) -> Vec<String> {
    let entries = app.read_journal_events().await;
    let notes = entries.iter().filter_map(|entry| entry["text"].as_str());
    notes
        .filter(|text| text.starts_with("the theme of the web SDK"))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn a_customer_of_the_sdk_gives_consent_and_goes_back() {
    let mut app = TestApp::start_with(|builder| builder.customer_login(true)).await;
    let sdk = SdkLender::new(&app).await;
    let back = "https://lender.example/back?loan=4713";
    let config = sdk.config_with("redirectUrl", Some(back.into()));
    let mut browser = sdk.open(&config).await;
    let handle = sdk.only_handle().await;
    assert!(browser.page.text.contains("3210"), "{}", browser.page.text);
    browser.submit("/sign-in", &[]).await;
    browser.show("").await;
    browser.submit("/otp", &[("otp", "123456")]).await;
    let page = browser.show("").await.to_owned();
    assert!(page.contains("Give consent"), "{page}");
    let record = sdk.lender.fetch_record(&app, &handle).await;
    assert_eq!(record["trackingId"], "LOAN-4713");
    let link = page.split("<input type=\"checkbox\"").nth(1);
    let link = link.and_then(|input| input.split("value=\"").nth(1)?.split('"').next());
    let fields = [
        (&*format!("answer.{handle}"), "approve"),
        (&*format!("account.{handle}"), link.expect("an account")),
    ];
    let address = browser.finish("/answer", &fields).await;
    assert_eq!(address.as_deref(), Some(back), "nothing is appended");
    assert_eq!(app.consent_state(&handle).await, "ACTIVE");
    app.advance_clock("0s").await;
    let webhooks = app.fiu.drain_messages();
    let webhooks = webhooks
        .iter()
        .filter(|webhook| webhook.path == CONSENT_HOOK);
    let states: Vec<_> = webhooks.map(Message::json).collect();
    assert!(
        states.iter().any(|body| body["trackingId"] == "LOAN-4713"
            && body["ConsentStatusNotification"]["consentStatus"] == "ACTIVE"),
        "{states:?}"
    );
}

#[tokio::test]
async fn a_config_is_base64_of_any_kind() {
    let app = TestApp::start().await;
    let sdk = SdkLender::new(&app).await;
    // The text has all of `+`, `/` and padding in the standard alphabet.
    let config = sdk.config_with("trackingId", Some("?>?>?>???>>>".into()));
    let mut config = config.to_string();
    while config.len() % 3 != 1 {
        config.push(' ');
    }
    let standard = STANDARD.encode(&config);
    for part in ["+", "/", "=="] {
        assert!(standard.contains(part), "{part}: {standard}");
    }
    for path in [
        encode(&standard),
        encode(&STANDARD_NO_PAD.encode(&config)),
        encode(&URL_SAFE.encode(&config)),
        encode(&URL_SAFE_NO_PAD.encode(&config)),
        format!("/view?config={standard}"),
        encode(&format!("{}\r\n{}\n", &standard[..76], &standard[76..])),
    ] {
        let response = fetch(&app, &path).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER, "{path}");
        assert!(response.headers().get("set-cookie").is_none());
    }
    let head = app.request(Method::HEAD, &encode(&standard)).send().await;
    assert_eq!(head.expect("an answer").status(), StatusCode::OK);
    assert_eq!(app.count_consents().await, 6, "a HEAD raises none");
}

#[tokio::test]
async fn each_missing_or_unreadable_field_is_a_page_that_names_it() {
    let app = TestApp::start().await;
    let sdk = SdkLender::new(&app).await;
    for field in [
        "phoneNumber",
        "trackingId",
        "fiuId",
        "accessToken",
        "refreshToken",
        "theme",
        "productId",
    ] {
        for value in [None, Some(Value::Null), Some("".into()), Some(json!(7))] {
            let (status, page) = sdk.refuse(&sdk.config_with(field, value.clone())).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{field} {value:?}");
            assert!(
                page.contains(&format!("<p class=\"lead\">{field} ")),
                "{page}"
            );
            assert!(
                page.contains(&format!("<dd><code>{field}</code>")),
                "{page}"
            );
        }
    }
    let theme = |key: &str, value: Value| {
        let mut theme = sample_theme();
        theme[key] = value;
        ("theme", theme)
    };
    let long = "x".repeat(51);
    for ((field, value), problem) in [
        (
            ("phoneNumber", json!("+919876543210")),
            "is not a mobile number of 10 digits",
        ),
        (
            ("phoneNumber", json!("98765 4321")),
            "leave out the country code",
        ),
        (
            ("trackingId", json!(long)),
            "has 51 characters; send at most 50",
        ),
        (
            ("productId", json!("none")),
            "is not a consent template of this organisation",
        ),
        (("templateId", json!("other")), "differs from productId"),
        (
            ("FIType", json!("Shares")),
            "is not one of Deposits, Insurance, GST, Investment",
        ),
        (
            ("redirectUrl", json!("javascript:alert(1)")),
            "is not an http or https URL",
        ),
        (
            ("callbackUrl", json!("/back")),
            "is not an http or https URL",
        ),
        (("origin", json!("*")), "is not the origin of a page"),
        (
            ("origin", json!("https://lender.example/back")),
            "is not the origin of a page",
        ),
        (("language", json!("xx")), "is not one of en, hi"),
        (("fiuId", json!("NO-FIU")), "is not a registered FIU"),
        (
            theme("primary", json!("purple")),
            "theme.primary &#39;purple&#39; is not a color; send six",
        ),
        (
            theme("border", json!(7)),
            "theme.border &#39;7&#39; is not a color",
        ),
        (theme("fontName", json!([])), "is not the name of a font"),
        (
            theme("primry", json!("#000000")),
            "has the unknown key &#39;primry&#39;; did you mean primary?",
        ),
        (
            ("trackingID", json!("1")),
            "has the unknown field &#39;trackingID&#39;; did you mean trackingId?",
        ),
    ] {
        let (status, page) = sdk.refuse(&sdk.config_with(field, Some(value))).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{problem}");
        let named = field.split('.').next().expect("a name");
        assert!(
            page.contains(problem) && page.contains(named),
            "{problem}: {page}"
        );
    }
    let (_, page) = sdk.refuse(&json!({ "theme": {}, "fiuId": FIU_ID })).await;
    for field in [
        "phoneNumber",
        "trackingId",
        "accessToken",
        "refreshToken",
        "productId",
    ] {
        assert!(
            page.contains(&format!("<dd><code>{field} is missing or empty; send")),
            "{page}"
        );
    }
    let text = STANDARD.encode("[1]");
    for (path, problem) in [
        ("/view".to_owned(), "config is missing or empty"),
        ("/view?config=".to_owned(), "config is missing or empty"),
        ("/view?config=***".to_owned(), "config is not Base64"),
        (
            encode(&STANDARD.encode("{")),
            "config is Base64 of a text that is not a JSON object",
        ),
        (
            encode(&text),
            "config is Base64 of a text that is not a JSON object",
        ),
        (
            format!("{}&config=x", view_path(&sdk.config())),
            "config is there twice",
        ),
        (
            format!("{}&x=1", view_path(&sdk.config())),
            "unknown query parameter",
        ),
    ] {
        let (status, page) = refuse(&app, &path).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}");
        assert!(page.contains(problem), "{problem}: {page}");
    }
}

#[tokio::test]
async fn tokens_of_others_and_old_ones_are_refused_in_words() {
    const TWO_LENDERS: &str = "[[fiu]]\nid = \"UNACORES-FIU-UAT\"\n\n[[fiu]]\nid = \"OTHER-FIU\"\n";
    let app = start_configured("sdk-tokens", TWO_LENDERS).await;
    let sdk = SdkLender::new(&app).await;
    let (access, refresh) = (&sdk.lender.access_token, &sdk.lender.refresh_token);
    for (field, value, problem) in [
        (
            "fiuId",
            "OTHER-FIU",
            "accessToken belongs to the organisation of UNACORES-FIU-UAT",
        ),
        (
            "accessToken",
            refresh,
            "accessToken is not accepted: this is the refresh token",
        ),
        ("accessToken", "x.y.z", "was not issued by this sandbox"),
        ("refreshToken", access, "refreshToken is an access token"),
        (
            "refreshToken",
            "x",
            "refreshToken was not issued by this world",
        ),
    ] {
        let (status, page) = sdk
            .refuse(&sdk.config_with(field, Some(value.into())))
            .await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{field}");
        assert!(page.contains(problem), "{problem}: {page}");
    }
    let elsewhere = format!("/w/elsewhere{}", view_path(&sdk.config()));
    let (status, page) = refuse(&app, &elsewhere).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(page.contains("this world has no logins yet"), "{page}");
    app.advance_clock("6m").await;
    let (status, page) = sdk.refuse(&sdk.config()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(
        page.contains("accessToken is not accepted: the access token has expired"),
        "{page}"
    );
    assert!(page.contains("log in with POST"), "{page}");
}

/// As for the calls of the API, `--security open` asks for no valid token.
#[tokio::test]
async fn an_open_sandbox_accepts_other_tokens() {
    let app = TestApp::start_with(|builder| builder.security(SecurityMode::Open)).await;
    let sdk = SdkLender::new(&app).await;
    let mut config = sdk.config_with("accessToken", Some("FAKE.ACCESS.TOKEN".into()));
    config["refreshToken"] = "FAKE.REFRESH.TOKEN".into();
    sdk.open(&config).await;
    config["fiuId"] = "NO-FIU".into();
    let (status, page) = sdk.refuse(&config).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        page.contains("fiuId &#39;NO-FIU&#39; is not a registered FIU"),
        "{page}"
    );
}

#[tokio::test]
async fn words_of_the_caller_are_escaped_and_tokens_are_masked() {
    let app = TestApp::start().await;
    let sdk = SdkLender::new(&app).await;
    let script = "\"><script>alert(1)</script>";
    let mut config = sdk.config_with("trackingId", Some(script.into()));
    config["origin"] = LENDER_PAGE.into();
    let browser = sdk.open(&config).await;
    let page = &browser.page.text;
    assert!(!page.contains("<script>"), "{page}");
    assert!(
        page.contains("&#60;script&#62;"),
        "the message has it: {page}"
    );
    for field in [
        "productId",
        "FIType",
        "language",
        "fiuId",
        "phoneNumber",
        "origin",
        script,
    ] {
        let (_, page) = sdk
            .refuse(&sdk.config_with(field, Some(script.into())))
            .await;
        assert!(
            !page.contains("<script>") && page.contains("&#60;script&#62;"),
            "{field}: {page}"
        );
    }
    let journal = app.get("/_mockaa/v1/journal").await.text;
    assert!(journal.contains("/view?config=***"), "{journal}");
    let encoded = &view_path(&config)["/view?config=".len()..];
    assert!(!journal.contains(&encoded[..40]), "{journal}");
}

/// Returns the ids of the banks that a page offers.
fn list_banks(page: &str) -> Vec<String> {
    let inputs = page.split("name=\"bank\" value=\"").skip(1);
    let ids = inputs.filter_map(|input| input.split('"').next());
    ids.map(str::to_owned).collect()
}

#[tokio::test]
async fn banks_are_those_of_the_kind_of_accounts() {
    let app = TestApp::start().await;
    let sdk = SdkLender::new(&app).await;
    let mut offered = Vec::new();
    for kind in [
        None,
        Some("Deposits"),
        Some("Insurance"),
        Some("GST"),
        Some("Investment"),
    ] {
        let config = sdk.config_with("FIType", kind.map(Value::from));
        let mut browser = sdk.open(&config).await;
        offered.push(list_banks(browser.show("/accounts").await));
    }
    let all = &offered[0];
    for (kind, banks) in offered.iter().enumerate().skip(1) {
        assert!(
            !banks.is_empty() && banks.len() < all.len(),
            "{kind}: {banks:?}"
        );
        assert!(banks.iter().all(|bank| all.contains(bank)));
    }
    assert!(offered[1].contains(&"FIP-1".to_owned()), "{offered:?}");
    assert_ne!(offered[1], offered[2]);
}

/// The banks of a persona that the world has added are offered, too.
#[tokio::test]
async fn a_persona_of_the_world_brings_its_bank() {
    let app = TestApp::start().await;
    let sdk = SdkLender::new(&app).await;
    let all = list_banks(sdk.open(&sdk.config()).await.show("/accounts").await);
    let config = sdk.config_with("FIType", Some("GST".into()));
    let offered = list_banks(sdk.open(&config).await.show("/accounts").await);
    let other = all.iter().position(|bank| !offered.contains(bank));
    let other = other.expect("a bank without GST returns");
    let text = format!(
        "version: 1\nname: firm\ndescription: A test.\naccounts: [{{ type: GSTR1_3B, fip: {} }}]\n",
        other + 1
    );
    let put = app.request(Method::PUT, "/_mockaa/v1/personas/firm");
    app.send(put.body(text)).await.expect_ok();
    let offered = list_banks(sdk.open(&config).await.show("/accounts").await);
    assert!(offered.contains(&all[other]), "{offered:?}");
}

/// A visit about deposits needs no PAN, whatever else the consent asks for.
#[tokio::test]
async fn a_pan_is_asked_for_where_the_visit_is_about_investments() {
    let app = TestApp::start().await;
    let mut sdk = SdkLender::new(&app).await;
    let mut template = consent_template();
    template["product_name"] = "Deposits and funds".into();
    template["ConsentDetail"]["fiTypes"] = json!(["DEPOSIT", "MUTUAL_FUNDS"]);
    let path = format!("{APP_PREFIX}/FIU/InsertProduct/{}", sdk.lender.org_id);
    let saved = sdk.lender.post(&app, &path, &template).await;
    sdk.product = expect_text(&saved.expect_ok()["productId"]);
    for (kind, has_pan) in [("Deposits", false), ("Investment", true)] {
        let config = sdk.config_with("FIType", Some(kind.into()));
        let mut browser = sdk.open(&config).await;
        let page = browser.show("/accounts").await;
        assert_eq!(page.contains("name=\"pan\""), has_pan, "{kind}: {page}");
    }
}

#[tokio::test]
async fn the_sample_theme_is_corrected_where_it_is_hard_to_read() {
    let app = TestApp::start().await;
    let sdk = SdkLender::new(&app).await;
    let browser = sdk.open(&sdk.config()).await;
    let handle = sdk.only_handle().await;
    let path = format!("{}/theme.css", browser.visit);
    assert!(browser.page.text.contains(&format!("href=\"{path}\"")));
    assert!(!browser.page.text.contains("/aa/themes/"));
    let response = fetch(&app, &path).await;
    assert_eq!(header(&response, "content-type"), "text/css; charset=utf-8");
    assert_eq!(header(&response, "cache-control"), "no-store");
    let css = response.text().await.expect("text");
    for rule in [
        ":root { color-scheme: dark; }",
        "--bg: #131313;",
        "--surface: #1b1b1b;",
        "--text: #ffffff;",
        "--brand-fill: #7762ff;",
        "--brand: #c589e4;",
        "--line-strong: #767676;",
    ] {
        assert!(css.contains(rule), "{rule}: {css}");
    }
    for wrong in ["--on-brand: #131313;", "--danger: #d32f2f;", "Open Sans"] {
        assert!(!css.contains(wrong), "{wrong}: {css}");
    }
    let notes = theme_notes(&app).await;
    assert_eq!(notes.len(), 1, "{notes:?}");
    for text in [
        &*handle,
        "primaryButtonText #131313 is #",
        "corrected: errorText #d32f2f is #",
        "absent, those of mockaa: failureColor",
        "fontName is ignored",
        "loaderColor is ignored",
    ] {
        assert!(notes[0].contains(text), "{text}: {notes:?}");
    }
    let plain = sdk.config_with("theme", Some(json!({})));
    let browser = sdk.open(&plain).await;
    let css = app.get(&format!("{}/theme.css", browser.visit)).await.text;
    assert!(css.contains("--brand-fill: light-dark(#3a3aa0, "), "{css}");
    assert!(!css.contains("color-scheme"), "{css}");
    let notes = theme_notes(&app).await;
    assert!(
        notes[1].contains("absent, those of mockaa: background, accent,"),
        "{notes:?}"
    );
    let other = CustomerBrowser::open_consent(&app, &handle).await.visit;
    let reply = app.get(&format!("{other}/theme.css")).await;
    assert_eq!(
        reply.status,
        StatusCode::NOT_FOUND,
        "it has the theme of the AA"
    );
}

/// Returns the messages of a page, and their target.
fn read_messages(page: &str) -> Option<(Vec<Value>, String)> {
    let read = |name: &str| {
        let start = format!(" data-{name}=\"");
        let value = page.split(&*start).nth(1)?.split('"').next()?;
        Some(value.replace("&#34;", "\"").replace("&#39;", "'"))
    };
    let messages = serde_json::from_str(&read("messages")?).expect("JSON");
    Some((messages, read("target")?))
}

/// Returns type and status of the messages of a page.
fn list_statuses(page: &str) -> Vec<String> {
    let (messages, target) = read_messages(page).expect("messages");
    assert_eq!(target, LENDER_PAGE);
    assert!(page.contains("/sdk.js\"></script>"), "{page}");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    messages
        .iter()
        .map(|message| format!("{} {}", text(&message["type"]), text(&message["status"])))
        .collect()
}

#[tokio::test]
async fn the_page_that_opened_the_sdk_gets_each_step_once() {
    let app = TestApp::start_with(|builder| builder.customer_login(true)).await;
    let customer = format!("{PHONE}@mockaa");
    let path = format!("/_mockaa/v1/customers/{customer}/register");
    app.post(&path, &Value::Null).await.expect_ok();
    let sdk = SdkLender::new(&app).await;
    let config = sdk.config_with("redirectUrl", Some(format!("{LENDER_PAGE}/back").into()));
    let mut browser = sdk.open(&config).await;
    let handle = sdk.only_handle().await;
    let (messages, _) = read_messages(&browser.page.text).expect("messages");
    let ready = json!({
        "source": "mockaa", "type": "ready", "trackingId": "LOAN-4713", "consentHandle": handle,
        "status": "PENDING", "errorCode": null,
    });
    assert_eq!(messages, [ready]);
    let response = fetch(&app, &browser.visit).await;
    assert_eq!(
        header(&response, "cross-origin-opener-policy"),
        "unsafe-none"
    );
    assert_eq!(
        list_statuses(browser.show("").await),
        Vec::<String>::new(),
        "once only"
    );
    browser.submit("/sign-in", &[]).await;
    assert_eq!(
        list_statuses(browser.show("").await),
        ["step LOGIN_OTP_GENERATED"]
    );
    browser.submit("/otp", &[("otp", "999999")]).await;
    assert_eq!(
        list_statuses(&browser.page.text),
        ["step LOGIN_OTP_NOT_VERIFIED"]
    );
    browser.submit("/otp", &[("otp", "123456")]).await;
    let expected = ["step LOGIN_OTP_VERIFIED", "step LINKED_ACCOUNTS_SUMMARY"];
    assert_eq!(list_statuses(browser.show("").await), expected);
    browser.show("/accounts").await;
    browser.submit("/accounts", &[("bank", "FIP-1")]).await;
    let page = browser.show("/accounts/found").await.to_owned();
    assert_eq!(
        list_statuses(&page),
        ["step DISCOVERY_INITIATED", "step ACCOUNTS_DISCOVERED"]
    );
    let account = page
        .split("name=\"account\" value=\"")
        .nth(1)
        .expect("an account");
    let account = account.split('"').next().expect("an account");
    browser
        .submit("/accounts/link", &[("account", account)])
        .await;
    let page = browser.show("/accounts/otp").await;
    assert_eq!(list_statuses(page), ["step LINKING_OTP_GENERATED"]);
    browser.submit("/accounts/otp", &[("otp", "999999")]).await;
    assert_eq!(list_statuses(&browser.page.text), ["step LINKING_FAILURE"]);
    browser.submit("/accounts/otp", &[("otp", "123456")]).await;
    let page = browser.show("").await.to_owned();
    let expected = ["step LINKING_SUCCESS", "step LINKED_ACCOUNTS_SUMMARY"];
    assert_eq!(list_statuses(&page), expected);
    // Without an account the page is shown again, and nothing new has happened.
    browser
        .submit("/answer", &[(&format!("answer.{handle}"), "approve")])
        .await;
    assert_eq!(list_statuses(&browser.page.text), Vec::<String>::new());
    let link = page.split("<input type=\"checkbox\"").nth(1);
    let link = link.and_then(|input| input.split("value=\"").nth(1)?.split('"').next());
    let fields = [
        (&*format!("answer.{handle}"), "approve"),
        (&*format!("account.{handle}"), link.expect("an account")),
    ];
    browser.finish("/answer", &fields).await;
    let page = &browser.page.text;
    assert_eq!(
        list_statuses(page),
        ["step CONSENT_APPROVED", "complete ACTIVE"]
    );
    let (messages, _) = read_messages(page).expect("messages");
    assert_eq!(messages[1]["errorCode"], 0);
    for secret in [&sdk.lender.access_token, &sdk.lender.refresh_token] {
        assert!(!page.contains(secret.as_str()));
    }
    assert!(!page.contains(PHONE), "{page}");
}

/// A script does not show the page that it asks for, so that the lender still gets its messages.
#[tokio::test]
async fn a_page_that_is_not_shown_announces_nothing() {
    let app = TestApp::start().await;
    let sdk = SdkLender::new(&app).await;
    let config = sdk.config_with("origin", Some(LENDER_PAGE.into()));
    let mut browser = sdk.open(&config).await;
    let handle = sdk.only_handle().await;
    let path = format!("/_mockaa/v1/consents/{handle}/reject");
    app.post(&path, &Value::Null).await.expect_ok();
    let polled = browser.poll("/result").await;
    let head = app.request(Method::HEAD, &format!("{}/result", browser.visit));
    for answer in [polled, app.send(head).await] {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    }
    let page = browser.show("/result").await;
    assert_eq!(
        list_statuses(page),
        ["step CONSENT_DENIED", "complete REJECTED"]
    );
}

/// A form that is refused is no search.
#[tokio::test]
async fn a_search_is_announced_when_it_begins() {
    let app = TestApp::start().await;
    let sdk = SdkLender::new(&app).await;
    let customer = format!("/_mockaa/v1/customers/{PHONE}@mockaa/register");
    app.post(&customer, &Value::Null).await.expect_ok();
    let config = sdk.config_with("origin", Some(LENDER_PAGE.into()));
    let mut browser = sdk.open(&config).await;
    browser.show("/accounts").await;
    browser.submit("/accounts", &[("bank", "FIP-1")]).await;
    let begun = ["step DISCOVERY_INITIATED", "step ACCOUNTS_DISCOVERED"];
    assert_eq!(list_statuses(browser.show("/accounts/found").await), begun);
    browser.show("/accounts").await;
    browser.submit("/accounts", &[]).await;
    assert_eq!(list_statuses(&browser.page.text), Vec::<String>::new());
    let banks = [("bank", "FIP-1"), ("bank", "FIP-2")];
    browser.submit("/accounts", &banks).await;
    assert_eq!(list_statuses(browser.show("/accounts/found").await), begun);
}

#[tokio::test]
async fn leaving_and_refusing_are_told_apart() {
    let app = TestApp::start().await;
    let sdk = SdkLender::new(&app).await;
    let mut config = sdk.config_with("origin", Some(LENDER_PAGE.into()));
    config["redirectUrl"] = "https://other.example/back".into();
    for (page, status, code) in [
        ("/leave", "exit PENDING", 20),
        ("/refuse", "complete REJECTED", 1),
    ] {
        let mut browser = sdk.open(&config).await;
        browser.show(page).await;
        browser.finish(page, &[]).await;
        let statuses = list_statuses(&browser.page.text);
        assert_eq!(
            statuses.last().map(String::as_str),
            Some(status),
            "{statuses:?}"
        );
        let (messages, _) = read_messages(&browser.page.text).expect("messages");
        assert_eq!(messages.last().expect("a message")["errorCode"], code);
    }
}

#[tokio::test]
async fn no_page_without_an_origin_gets_messages() {
    let app = TestApp::start().await;
    let sdk = SdkLender::new(&app).await;
    for back in [None, Some("lender-app://done")] {
        let browser = sdk
            .open(&sdk.config_with("redirectUrl", back.map(Value::from)))
            .await;
        let page = &browser.page.text;
        assert!(
            !page.contains("sdk.js") && !page.contains("data-target"),
            "{page}"
        );
        let response = fetch(&app, &browser.visit).await;
        assert_eq!(
            header(&response, "cross-origin-opener-policy"),
            "same-origin"
        );
    }
    let script = include_str!("../../src/ui/assets/sdk.js");
    assert!(
        !script.contains('*') && !script.contains("Storage"),
        "{script}"
    );
}

fn frame_policy(response: &Response) -> String {
    let policy = header(response, "content-security-policy");
    let start = policy.find("frame-ancestors").expect("a policy");
    assert!(response.headers().get("x-frame-options").is_none());
    policy[start..].to_owned()
}

#[tokio::test]
async fn only_the_pages_of_the_sdk_are_framed_and_by_named_origins_only() {
    for (origins, expected) in [
        (&[][..], "frame-ancestors 'none'"),
        (
            &[LENDER_PAGE, "http://localhost:3000"],
            "frame-ancestors https://lender.example http://localhost:3000",
        ),
    ] {
        let app = TestApp::start_with(|builder| {
            origins
                .iter()
                .fold(builder, |builder, origin| builder.frame_origin(*origin))
        })
        .await;
        let sdk = SdkLender::new(&app).await;
        let path = view_path(&sdk.config());
        assert_eq!(frame_policy(&fetch(&app, &path).await), expected);
        assert_eq!(
            frame_policy(&fetch(&app, "/view").await),
            expected,
            "its errors too"
        );
        let visit = sdk.open(&sdk.config()).await.visit;
        for page in [
            "",
            "/accounts",
            "/leave",
            "/refuse",
            "/result",
            "/consents",
            "/theme.css",
        ] {
            let response = fetch(&app, &format!("{visit}{page}")).await;
            assert_eq!(frame_policy(&response), expected, "{page}");
            let policy = header(&response, "content-security-policy");
            let is_page = page != "/theme.css";
            assert_eq!(policy.contains("script-src 'self'"), is_page, "{page}");
        }
        let handle = app.raise_consent(|_| {}).await;
        let other = CustomerBrowser::open_consent(&app, &handle).await.visit;
        let ended = format!("/aa/visits/{}", "0".repeat(32));
        for page in [
            &*other,
            &*ended,
            "/",
            "/docs",
            "/aa",
            &format!("/ui/consents/{handle}"),
        ] {
            let response = fetch(&app, page).await;
            assert_eq!(frame_policy(&response), "frame-ancestors 'none'", "{page}");
        }
    }
    for origin in [
        "*",
        "https://lender.example/",
        "lender.example",
        "http://[::1]:3000",
    ] {
        let start = Sandbox::builder().frame_origin(origin).start().await;
        let error = start.expect_err("it is no origin").to_string();
        let expected = format!("--frame-origin '{origin}' is not scheme, host and port");
        assert!(error.starts_with(&expected), "{error}");
    }
}

#[tokio::test]
async fn the_old_names_of_fields_are_accepted() {
    let app = TestApp::start().await;
    let sdk = SdkLender::new(&app).await;
    let mut config = sdk.config_with("productId", None);
    config["templateId"] = sdk.product.clone().into();
    config["callbackUrl"] = "https://lender.example/back".into();
    config["language"] = "hi".into();
    let mut browser = sdk.open(&config).await;
    assert!(
        browser.page.text.contains("<html lang=\"hi\">"),
        "{}",
        browser.page.text
    );
    browser.show("/refuse").await;
    let back = browser.finish("/refuse", &[]).await;
    assert_eq!(back.as_deref(), Some("https://lender.example/back"));
    config["productId"] = sdk.product.clone().into();
    sdk.open(&config).await;
}

/// Scenarios, faults and the journal see the call as one that creates a consent.
#[tokio::test]
async fn the_call_creates_a_consent_as_the_api_does() {
    let app = TestApp::start().await;
    let sdk = SdkLender::new(&app).await;
    sdk.open(&sdk.config_with("phoneNumber", Some("9999999002".into())))
        .await;
    let handle = sdk.only_handle().await;
    assert_eq!(
        app.consent_state(&handle).await,
        "REJECTED",
        "a magic customer"
    );
    let fault = "api_faults: [{ where: { op: consent.create }, fault: { status: 503 } }]";
    app.put_faults(fault).await.expect_ok();
    let response = fetch(&app, &view_path(&sdk.config())).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        header(&response, "content-type"),
        "text/html; charset=utf-8"
    );
    let calls = app.get("/_mockaa/v1/journal?op=consent.create").await;
    let calls = calls.expect_ok()["items"].clone();
    assert_eq!(calls.as_array().map(Vec::len), Some(2), "{calls}");
}

/// The call is one of a customer's browser, so no duty of the FIU follows from it.
#[tokio::test]
async fn a_customer_who_opens_the_page_again_breaks_no_contract() {
    let app = TestApp::start().await;
    let sdk = SdkLender::new(&app).await;
    let fault =
        "api_faults: [{ where: { op: consent.create }, fault: { status: 503, retry_after: 9s } }]";
    app.put_faults(fault).await.expect_ok();
    for _ in 0..2 {
        let response = fetch(&app, &view_path(&sdk.config())).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(header(&response, "retry-after"), "9");
    }
    assert_ne!(outcome_of(&app, "honours-retry-after").await, "fail");
}
