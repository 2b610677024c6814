//! `mockaa demo --web` as its network sees it: what the lender's server passes on, and what it refuses. Its pages are
//! tested in a browser (`tests/browser`).

mod binary;

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::process::Stdio;

use reqwest::header::{HOST, LOCATION, ORIGIN};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode, Url};

use crate::binary::{Server, mockaa_command, run_in};

/// A running demo with one visit.
struct Demo {
    _process: Server,
    client: Client,
    url: String,
    phone_url: Option<String>,
    sandbox_url: String,
    /// The path of the visit, such as `/demo-k7m2a`.
    visit: String,
}

impl Demo {
    async fn start(arguments: &[&str]) -> Self {
        let arguments = [&["demo", "--web", "--no-open"], arguments].concat();
        let mut command = mockaa_command(&arguments);
        let process = Server::spawn(command.stderr(Stdio::null()));
        let text = |name: &str| process.ready[name].as_str().map(str::to_owned);
        let client = Client::builder().redirect(Policy::none()).no_proxy();
        let demo = Self {
            client: client.build().expect("a client"),
            url: text("lender_url").expect("a URL"),
            phone_url: text("phone_url"),
            sandbox_url: text("base_url").expect("a URL"),
            visit: String::new(),
            _process: process,
        };
        let (status, location) = demo.call(Method::GET, "/").await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        let visit = location.trim_end_matches('/').to_owned();
        Self { visit, ..demo }
    }

    /// Returns the status and the `Location` of an answer.
    async fn call(&self, method: Method, path: &str) -> (StatusCode, String) {
        let request = self.client.request(method, format!("{}{path}", self.url));
        let answer = request.send().await.expect("an answer");
        let location = answer.headers().get(LOCATION);
        let location = location.map(|it| it.to_str().expect("text").to_owned());
        (answer.status(), location.unwrap_or_default())
    }

    async fn apply(&self, api: &str) {
        let form = format!(
            "name=Asha&mobile=9876543210&amount=200000&months=36&variation=usual&api={api}"
        );
        let request = self
            .client
            .post(format!("{}{}/apply", self.url, self.visit))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    }

    async fn fetch(&self, path: &str) -> String {
        let answer = self.client.get(format!("{}{path}", self.url)).send().await;
        answer.expect("an answer").text().await.expect("a text")
    }

    /// Sends a request as it is, and returns the answer.
    fn send_raw(&self, method: &str, path: &str) -> String {
        let address = self.url.strip_prefix("http://").expect("a URL");
        let mut stream = TcpStream::connect(address).expect("the lender listens");
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).expect("it is written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it is read");
        answer
    }

    /// Returns the handle of the visitor's consent.
    async fn find_handle(&self) -> String {
        let progress = self.fetch(&format!("{}/progress", self.visit)).await;
        let (_, rest) = progress.split_once("/ui/consents/").expect("a timeline");
        rest[..36].to_owned()
    }
}

#[tokio::test]
async fn the_lender_passes_on_the_customers_pages_and_a_timeline_only() {
    let demo = Demo::start(&[]).await;
    demo.apply("unaport").await;
    let handle = demo.find_handle().await;
    let world = format!("/w{}", demo.visit);
    let timeline = format!("{world}/ui/consents/{handle}?only=timeline");
    for path in [
        &format!("{world}/aa?aa=UNACORES-AA-UAT"),
        &timeline,
        &format!("{timeline}&by=time&open=1"),
    ] {
        let (status, _) = demo.call(Method::GET, path).await;
        assert!(
            status.is_success() || status.is_redirection(),
            "{path}: {status}"
        );
    }
    for (method, path) in [
        (Method::GET, format!("{world}/ui")),
        (Method::GET, format!("{world}/ui/consents/{handle}")),
        (Method::GET, format!("{timeline}&reveal=true")),
        (Method::GET, format!("{timeline}&%72eveal=true")),
        (Method::POST, format!("{world}/ui/consents/{handle}/revoke")),
        (Method::POST, format!("{world}/_mockaa/v1/reset")),
        (Method::GET, format!("{world}/_mockaa/v1/config/fiu")),
        (Method::GET, format!("{world}/aa/../_mockaa/v1/info")),
        (Method::GET, "/_mockaa/v1/worlds".to_owned()),
        (Method::GET, "/w/default/aa".to_owned()),
        (Method::GET, "/w/demo-aaaaa/aa".to_owned()),
        (Method::POST, format!("{world}/Consent")),
        (Method::GET, format!("{world}/_mockaa/v1/events?q=secret")),
    ] {
        let (status, _) = demo.call(method.clone(), &path).await;
        let is_refused = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED].contains(&status);
        assert!(is_refused, "{method} {path}: {status}");
    }
    // A client that does not resolve such paths itself.
    for way in ["..", "%2e%2e", ".%2E", "x/../.."] {
        let path = format!("{world}/aa/{way}/_mockaa/v1/reset");
        assert!(
            demo.send_raw("POST", &path).starts_with("HTTP/1.1 404"),
            "{path}"
        );
    }
    let progress = demo.fetch(&format!("{}/progress", demo.visit)).await;
    assert!(progress.contains(&handle), "nothing was reset: {progress}");
}

/// A page that the lender passes on may be shown in a frame of the lender's, and of nobody else's.
#[tokio::test]
async fn only_the_lender_may_frame_the_pages() {
    let demo = Demo::start(&[]).await;
    for path in [
        format!("{}/", demo.visit),
        format!("{}/present", demo.visit),
        format!("/w{}/aa/visits/unknown", demo.visit),
    ] {
        let answer = demo.client.get(format!("{}{path}", demo.url)).send().await;
        let answer = answer.expect("an answer");
        let policy = answer.headers()["content-security-policy"].to_str();
        let policy = policy.expect("text");
        assert!(
            policy.contains("frame-ancestors 'self'"),
            "{path}: {policy}"
        );
    }
    let direct = format!("{}/w{}/aa/visits/unknown", demo.sandbox_url, demo.visit);
    let answer = demo.client.get(direct).send().await.expect("an answer");
    let policy = answer.headers()["content-security-policy"].to_str();
    assert!(policy.expect("text").contains("frame-ancestors 'none'"));
}

#[tokio::test]
async fn pages_of_other_sites_are_refused() {
    let demo = Demo::start(&[]).await;
    for (host, status) in [
        ("evil.example", StatusCode::FORBIDDEN),
        ("evil.example:80", StatusCode::FORBIDDEN),
        ("user@localhost", StatusCode::FORBIDDEN),
        ("", StatusCode::FORBIDDEN),
        ("localhost", StatusCode::OK),
        ("laptop:9400", StatusCode::OK),
        ("192.0.2.7:9400", StatusCode::OK),
        ("[2001:db8::7]:9400", StatusCode::OK),
    ] {
        let request = demo.client.get(format!("{}{}/", demo.url, demo.visit));
        let answer = request.header(HOST, host).send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{host}");
    }
    for (path, origin) in ["apply", "ask", "monitor", "month", "again", "reset"]
        .into_iter()
        .flat_map(|path| ["http://evil.example", "null", "https://localhost"].map(|it| (path, it)))
    {
        let request = demo
            .client
            .post(format!("{}{}/{path}", demo.url, demo.visit));
        let request = request
            .header(ORIGIN, origin)
            .header("content-type", "application/x-www-form-urlencoded")
            .body("name=A&mobile=9876543210&amount=200000&months=36");
        let answer = request.send().await.expect("an answer");
        assert_eq!(
            answer.status(),
            StatusCode::FORBIDDEN,
            "{path} from {origin}"
        );
    }
    // A picture in a page of another site makes no visitor.
    let request = demo.client.get(format!("{}/", demo.url));
    let answer = request.header("sec-fetch-dest", "image").send().await;
    assert_eq!(answer.expect("an answer").status(), StatusCode::FORBIDDEN);
}

/// The visitor who comes last does not take the place of one who is busy.
#[tokio::test]
async fn a_visitor_who_is_busy_keeps_the_place() {
    let demo = Demo::start(&[]).await;
    for _ in 1..100 {
        let (status, _) = demo.call(Method::GET, "/").await;
        assert_eq!(status, StatusCode::SEE_OTHER);
    }
    for path in ["/", "/present"] {
        let (status, _) = demo.call(Method::GET, path).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    }
    let (status, _) = demo.call(Method::GET, &format!("{}/", demo.visit)).await;
    assert_eq!(status, StatusCode::OK);
}

/// A form that is wrong is answered as such once; the page itself is not wrong.
#[tokio::test]
async fn the_page_after_a_wrong_form_is_a_good_one() {
    let demo = Demo::start(&[]).await;
    let request = demo
        .client
        .post(format!("{}{}/apply", demo.url, demo.visit));
    let request = request
        .header("content-type", "application/x-www-form-urlencoded")
        .body("name=A&mobile=1&amount=200000&months=36");
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert!(
        answer
            .text()
            .await
            .expect("a text")
            .contains("role=\"alert\"")
    );
    let page = demo.fetch(&format!("{}/", demo.visit)).await;
    assert!(!page.contains("role=\"alert\""));
    let (status, _) = demo.call(Method::GET, &format!("{}/", demo.visit)).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_webhook_that_nobody_has_signed_is_refused() {
    let demo = Demo::start(&[]).await;
    demo.apply("rebit").await;
    let handle = demo.find_handle().await;
    let body = format!(
        "{{\"ConsentStatusNotification\":{{\"consentHandle\":\"{handle}\",\"consentStatus\":\"ACTIVE\"}}}}"
    );
    for (header, status) in [
        (None, StatusCode::UNAUTHORIZED),
        (Some("guessed"), StatusCode::BAD_REQUEST),
        (Some("a.b.c"), StatusCode::UNAUTHORIZED),
    ] {
        let path = format!("{}/webhooks/Consent/Notification", demo.visit);
        let mut request = demo.client.post(format!("{}{path}", demo.url));
        if let Some(key) = header {
            request = request.header("aa_api_key", key);
        }
        let answer = request.body(body.clone()).send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{header:?}");
    }
    let page = demo.fetch(&format!("{}/", demo.visit)).await;
    assert!(page.contains("A message with a wrong signature came. It was refused."));
    assert!(page.contains("Your consent is needed"));
}

#[tokio::test]
async fn phones_reach_a_lender_that_listens_beyond_loopback() {
    let demo = Demo::start(&["--bind", "0.0.0.0"]).await;
    assert!(demo.url.starts_with("http://127.0.0.1:"), "{}", demo.url);
    let sandbox = Url::parse(&demo.sandbox_url).expect("a URL");
    assert_eq!(
        sandbox.host_str(),
        Some("127.0.0.1"),
        "the sandbox stays on loopback"
    );
    let page = demo.fetch(&format!("{}/present", demo.visit)).await;
    // A machine without a network has no address for phones.
    let Some(phone_url) = &demo.phone_url else {
        assert!(page.contains("--bind 0.0.0.0"));
        return;
    };
    let (_, address) = phone_url.split_once("://").expect("a URL");
    let address: SocketAddr = address.parse().expect("an address");
    assert!(!address.ip().is_loopback() && !address.ip().is_unspecified());
    // A consent leads back to the address at which it was asked for, so the view belongs to that of the phones.
    let view = format!("{phone_url}{}/present", demo.visit);
    assert!(page.contains(&format!("href=\"{view}\"")), "{page}");
    let answer = demo.client.get(&view).send().await.expect("an answer");
    let page = answer.text().await.expect("a text");
    assert!(page.contains(&format!("<code>{phone_url}{}/</code>", demo.visit)));
    let answer = demo
        .client
        .get(format!("{phone_url}{}/", demo.visit))
        .send()
        .await;
    assert_eq!(answer.expect("an answer").status(), StatusCode::OK);
}

#[test]
fn an_address_of_another_machine_is_refused() {
    let folder = std::env::temp_dir();
    let address = IpAddr::from([192, 0, 2, 7]).to_string();
    let (code, _, errors) = run_in(&folder, &["demo", "--web", "--no-open", "--bind", &address]);
    assert_ne!(code, 0);
    assert!(errors.contains("cannot listen on 192.0.2.7:0"), "{errors}");
    for option in [&["--bind", "0.0.0.0"][..], &["--auto"], &["--port", "1"]] {
        let (code, _, errors) = run_in(&folder, &[&["demo"], option].concat());
        assert_eq!(code, 2, "{errors}");
        assert!(errors.contains("--web"), "{errors}");
    }
}
