//! The stream of events: `GET /_mockaa/v1/events`.

use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use mockaa::SecurityMode;

use crate::helpers::{FIU_1_KEY, TestApp, rebit_request};
use crate::inbox::ReceiverBehavior;
use crate::lender::expect_text;

/// An event as it was read.
#[derive(Debug)]
struct Event {
    id: Option<String>,
    name: String,
    data: Value,
}

/// A reader of one stream.
struct Reader {
    response: Response,
    text: String,
}

impl Reader {
    async fn open(app: &TestApp, path: &str, last_event_id: Option<&str>) -> Self {
        let mut request = app.request(Method::GET, path);
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let response = request.send().await.expect("the sandbox answers");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self {
            response,
            text: String::new(),
        }
    }

    /// Returns the next event; `None` when the stream has ended.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let event = parse_event(block);
                let rest = rest.to_owned();
                self.text = rest;
                if event.is_some() {
                    return event;
                }
                continue;
            }
            let piece = self.response.chunk();
            let piece = tokio::time::timeout(Duration::from_secs(30), piece).await;
            let piece = piece
                .expect("a piece in time")
                .expect("the stream is whole")?;
            self.text += std::str::from_utf8(&piece).expect("UTF-8");
        }
    }

    /// Returns the next event of a name.
    async fn next_named(&mut self, name: &str) -> Event {
        while let Some(event) = self.next().await {
            if event.name == name {
                return event;
            }
        }
        panic!("the stream ended without {name}");
    }

    /// Returns the next entry of a kind.
    async fn next_entry(&mut self, kind: &str) -> Event {
        loop {
            let entry = self.next_named("entry").await;
            if entry.data["kind"] == kind {
                return entry;
            }
        }
    }
}

/// Reads an event; `None` for a block without one, such as a comment.
fn parse_event(block: &str) -> Option<Event> {
    Some(Event {
        id: find_field(block, "id").map(str::to_owned),
        name: find_field(block, "event")?.to_owned(),
        data: serde_json::from_str(find_field(block, "data")?).expect("JSON"),
    })
}

fn find_field<'b>(block: &'b str, name: &str) -> Option<&'b str> {
    let mut lines = block.lines();
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

const PATH: &str = "/_mockaa/v1/events";

#[tokio::test]
async fn what_happens_is_streamed_while_it_happens() {
    let app = TestApp::start().await;
    let mut reader = Reader::open(&app, PATH, None).await;
    let summary = reader.next_named("world").await;
    assert_eq!(summary.data["consents"], 0);
    assert_eq!(summary.data["mode"], "frozen");
    let handle = app.raise_consent(|_| {}).await;
    let entry = reader.next_entry("consent.raised").await;
    assert_eq!(entry.data["consentHandle"], handle.as_str());
    assert_eq!(entry.data["cause"]["kind"], "fiu");
    let id = entry.id.expect("an id");
    assert!(id.ends_with(&format!(".{}", entry.data["seq"])), "{id}");
    let call = reader.next_entry("call").await;
    assert_eq!(call.data["answered"], 200);
    assert!(call.data.get("call").is_none(), "{}", call.data);
    let summary = reader.next_named("world").await;
    assert_eq!(
        summary.data["states"],
        json!([{ "state": "PENDING", "count": 1 }])
    );
}

#[tokio::test]
async fn a_reader_goes_on_after_the_last_event_that_it_had() {
    let app = TestApp::start().await;
    let mut reader = Reader::open(&app, PATH, None).await;
    let begin = reader.next_named("world").await.id.expect("an id");
    drop(reader);
    let handle = app.raise_consent(|_| {}).await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    let journal = app.read_full_journal().await;
    let mut resumed = Reader::open(&app, PATH, Some(&begin)).await;
    for expected in &journal {
        let entry = resumed.next_named("entry").await;
        assert_eq!(entry.data["seq"], expected["seq"]);
    }
    // The header comes first; `after` is for the first connection of a page.
    let by_query = format!("{PATH}?after={begin}&kind=consent.active");
    let mut filtered = Reader::open(&app, &by_query, None).await;
    let entry = filtered.next_named("entry").await;
    assert_eq!(entry.data["kind"], "consent.active");
    let last = entry.id.expect("an id");
    let mut none = Reader::open(&app, &by_query, Some(&last)).await;
    assert_eq!(none.next().await.expect("an event").name, "world");
}

#[tokio::test]
async fn a_reader_learns_what_the_journal_has_forgotten() {
    let app = TestApp::start().await;
    let mut reader = Reader::open(&app, PATH, None).await;
    let id = reader.next_named("world").await.id.expect("an id");
    let (life, _) = id.split_once('.').expect("life and number");
    // The journal keeps 16 MiB of bodies, and 64 KiB of each.
    for _ in 0..300 {
        app.post_text("/Consent", "x".repeat(100_000)).await;
    }
    let first = app.get("/_mockaa/v1/journal?limit=1").await.expect_ok();
    let first = first["items"][0]["seq"].as_u64().expect("a number");
    assert!(first > 2, "{first}");
    let mut late = Reader::open(&app, PATH, Some(&format!("{life}.1"))).await;
    let gap = late.next_named("gap").await;
    assert_eq!(gap.data, json!({ "lost": first - 2, "resumeAt": first }));
}

/// Returns the entries that a query of the journal finds.
async fn search(app: &TestApp, query: &str) -> Vec<Value> {
    let page = app.get(&format!("/_mockaa/v1/journal?{query}")).await;
    let page = page.expect_ok();
    page["items"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn the_journal_is_searched_and_read_backwards() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    app.get("/Consent/handle/unknown").await;
    let all = search(&app, "").await;
    let newest = search(&app, "before=0&limit=2").await;
    let last = all.len() - 1;
    assert_eq!(newest, [all[last].clone(), all[last - 1].clone()]);
    let before = all[last]["seq"].as_u64().expect("a number");
    let older = search(&app, &format!("before={before}&limit=1")).await;
    assert_eq!(older, [all[last - 1].clone()]);
    let refused = search(&app, "status=4xx").await;
    assert!(!refused.is_empty() && refused.len() < all.len());
    for entry in &refused {
        let status = entry["call"]["status"].as_u64().expect("a status");
        assert!((400..500).contains(&status), "{entry}");
    }
    let by_body = search(&app, &format!("q={}", handle.to_uppercase())).await;
    assert!(
        by_body.iter().any(|entry| entry["kind"] == "call"),
        "{by_body:?}"
    );
    let by_header = search(&app, "q=X-JWS-SIGNATURE").await;
    assert!(!by_header.is_empty());
    assert_eq!(search(&app, "q=no+such+text").await, [] as [Value; 0]);
    let at = all[0]["at"].as_str().expect("a time");
    assert_eq!(search(&app, &format!("from={at}&to={at}")).await, all);
    assert!(search(&app, "from=2099-01-01T00:00:00Z").await.is_empty());
    for (query, field) in [
        ("status=5x", "status"),
        ("status=655xx", "status"),
        ("status=%2B5xx", "status"),
        ("status=999", "status"),
        ("from=today", "from"),
        ("before=1&after=1", "before"),
    ] {
        let reply = app.get(&format!("/_mockaa/v1/journal?{query}")).await;
        assert_eq!(reply.status, 400, "{query}");
        assert_eq!(reply.json()["field"], field, "{query}");
    }
}

#[tokio::test]
async fn a_call_has_the_headers_of_its_answer() {
    let app = TestApp::start().await;
    let signed = app
        .request(Method::POST, "/Consent")
        .header("client_api_key", FIU_1_KEY)
        .json(&rebit_request());
    let unknown = app
        .request(Method::POST, "/api/v1/public/user/login")
        .header("origin", "https://lender.example")
        .json(&json!({ "userId": "nobody", "password": "none" }));
    let page = app
        .request(Method::GET, "/aa/webview?fi=unknown")
        .header("accept", "text/html");
    for (request, expected) in [
        (signed, "x-jws-signature"),
        (unknown, "access-control-allow-origin"),
        (page, "content-security-policy"),
    ] {
        let answer = request.send().await.expect("an answer");
        let text = |(name, value): (&HeaderName, &HeaderValue)| {
            let value = value.to_str().expect("text").to_owned();
            (name.as_str().to_owned(), value)
        };
        let mut sent: Vec<_> = answer.headers().iter().map(text).collect();
        sent.retain(|(name, _)| !["content-length", "date"].contains(&&**name));
        sent.sort();
        assert!(sent.iter().any(|(name, _)| name == expected), "{sent:?}");
        let call = app.read_last_call("").await;
        let list = call["answerHeaders"].as_array().expect("a list").iter();
        let mut recorded: Vec<_> = list
            .map(|it| (expect_text(&it["name"]), expect_text(&it["value"])))
            .collect();
        recorded.sort();
        assert_eq!(recorded, sent);
    }
}

/// The entries are written before the call is understood.
#[tokio::test]
async fn a_reader_of_a_customer_gets_what_a_call_only_later_ties_to_the_customer() {
    let app = TestApp::start_with(|builder| builder.security(SecurityMode::Lenient)).await;
    expect_flaw_of_customer(&app).await;
}

/// Meanwhile the reader waits, so that the call can go on.
#[tokio::test]
async fn a_reader_of_a_customer_leaves_the_only_worker_to_the_call() {
    let app =
        TestApp::start_with(|builder| builder.security(SecurityMode::Lenient).workers(1)).await;
    expect_flaw_of_customer(&app).await;
}

async fn expect_flaw_of_customer(app: &TestApp) {
    let body = rebit_request();
    let customer = body["ConsentDetail"]["Customer"]["id"].as_str();
    let path = format!("{PATH}?customer={}", customer.expect("an address"));
    let mut reader = Reader::open(app, &path, None).await;
    let request = app
        .request(Method::POST, "/Consent")
        .header("client_api_key", FIU_1_KEY)
        .header("x-jws-signature", "e30..AAAA")
        .json(&body);
    app.send(request).await;
    let flaw = reader.next_entry("signature.invalid").await;
    let call = reader.next_entry("call").await;
    assert_eq!(flaw.data["consentHandle"], call.data["consentHandle"]);
}

/// What changes without an entry of the journal is told, too.
#[tokio::test]
async fn a_webhook_that_is_sent_again_is_told_while_its_receiver_hangs() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    app.apply_verb(&handle, "reject").await.expect_ok();
    app.advance_clock("0s").await;
    let mut reader = Reader::open(&app, PATH, None).await;
    let settled = reader.next_named("world").await;
    assert_eq!(settled.data["webhooksOpen"], 0);
    app.fiu.set_behavior(ReceiverBehavior::Hang);
    let resend = app.request(Method::POST, "/_mockaa/v1/webhooks/1/resend");
    let resend = tokio::spawn(resend.send());
    let open = reader.next_named("world").await;
    assert_eq!(open.data["webhooksOpen"], 1);
    resend.abort();
}

#[tokio::test]
async fn the_time_of_a_frozen_clock_is_told_when_it_moves() {
    let app = TestApp::start().await;
    let mut reader = Reader::open(&app, PATH, None).await;
    let before = reader.next_named("world").await;
    let advance = app.advance_clock("PT1S").await;
    let after = reader.next_named("world").await;
    assert_ne!(after.data["now"], before.data["now"]);
    assert_eq!(after.data["now"], advance["to"]);
}

#[tokio::test]
async fn work_of_an_ended_consent_is_not_counted() {
    let app = TestApp::start().await;
    let handle = app.raise_consent(|_| {}).await;
    let world = app.get("/_mockaa/v1/world").await.expect_ok();
    assert_eq!(world["timers"], 1, "{world}");
    app.apply_verb(&handle, "reject").await.expect_ok();
    let world = app.get("/_mockaa/v1/world").await.expect_ok();
    assert_eq!(world["timers"], 0, "{world}");
}

#[tokio::test]
async fn a_reset_and_a_foreign_life_begin_anew() {
    let app = TestApp::start().await;
    let mut reader = Reader::open(&app, PATH, None).await;
    let before = reader.next_named("world").await.id.expect("an id");
    app.raise_consent(|_| {}).await;
    reader.next_named("entry").await;
    app.post("/_mockaa/v1/reset", &Value::Null)
        .await
        .expect_ok();
    let reset = reader.next_named("reset").await;
    let life = reset.data["life"].as_str().expect("a life").to_owned();
    assert!(!before.starts_with(&life));
    assert_eq!(reset.id, Some(format!("{life}.0")));
    app.raise_consent(|_| {}).await;
    reader.next_entry("consent.raised").await;
    let mut stranger = Reader::open(&app, PATH, Some(&before)).await;
    assert_eq!(
        stranger.next_named("reset").await.data["life"],
        life.as_str()
    );
    assert_eq!(
        stranger.next_named("entry").await.id,
        Some(format!("{life}.1"))
    );
}

#[tokio::test]
async fn a_stream_ends_with_its_world_and_with_the_sandbox() {
    let app = TestApp::start().await;
    app.get("/w/short/_mockaa/v1/world").await.expect_ok();
    let mut of_world = Reader::open(&app, "/w/short/_mockaa/v1/events", None).await;
    let mut of_sandbox = Reader::open(&app, PATH, None).await;
    let last = of_world.next_named("world").await.id.expect("an id");
    of_sandbox.next_named("world").await;
    let path = "/_mockaa/v1/worlds/short";
    app.send(app.request(Method::DELETE, path))
        .await
        .expect_ok();
    let bye = of_world.next_named("bye").await;
    assert_eq!(bye.data["reason"], "the world was deleted");
    assert!(of_world.next().await.is_none());
    // A browser connects again, which must not create the world again.
    let again = app
        .request(Method::GET, "/w/short/_mockaa/v1/events")
        .header("last-event-id", &last);
    assert_eq!(app.send(again).await.status, 204);
    let worlds = app.get("/_mockaa/v1/worlds").await.expect_ok();
    assert_eq!(worlds["items"].as_array().map(Vec::len), Some(1));
    // One that has seen an earlier run of the sandbox reads the world from its start.
    let earlier = Some("0123456789abcdef.1");
    let mut stranger = Reader::open(&app, "/w/short/_mockaa/v1/events", earlier).await;
    stranger.next_named("reset").await;
    let stop = tokio::time::timeout(Duration::from_secs(3), app.sandbox.stop());
    let (stopped, bye) = tokio::join!(stop, of_sandbox.next_named("bye"));
    stopped.expect("an open stream does not hold up the end");
    assert_eq!(bye.data["reason"], "the sandbox stops");
}

#[tokio::test]
async fn streams_are_limited_and_given_back() {
    let app = TestApp::start().await;
    let mut readers = Vec::new();
    for _ in 0..64 {
        readers.push(Reader::open(&app, PATH, None).await);
    }
    let refusal = app.request(Method::GET, PATH).send().await;
    let refusal = refusal.expect("an answer");
    assert_eq!(refusal.status(), 503);
    assert_eq!(refusal.headers()["retry-after"], "5");
    let text = refusal.text().await.expect("a text");
    assert!(text.contains("64 streams"), "{text}");
    // A reader that left is seen to have left when something is written to it.
    drop(readers);
    let opened = async {
        loop {
            app.raise_consent(|_| {}).await;
            let request = app.request(Method::GET, PATH);
            if request.send().await.expect("an answer").status() == 200 {
                return;
            }
        }
    };
    let opened = tokio::time::timeout(Duration::from_secs(30), opened).await;
    opened.expect("a slot is free again");
}

#[tokio::test]
async fn the_head_alone_takes_no_stream() {
    let app = TestApp::start().await;
    for _ in 0..65 {
        let head = app.request(Method::HEAD, PATH).send().await;
        assert_eq!(head.expect("an answer").status(), 200);
    }
    Reader::open(&app, PATH, None).await;
}

#[tokio::test]
async fn a_long_address_is_cut() {
    let app = TestApp::start().await;
    let mut reader = Reader::open(&app, PATH, None).await;
    let customer = format!("{}@mockaa", "a".repeat(2_000));
    let path = format!("/_mockaa/v1/customers/{customer}/register");
    app.post(&path, &Value::Null).await.expect_ok();
    let entry = reader.next_entry("customer.registered").await;
    let shown = entry.data["customer"].as_str().expect("an address");
    assert_eq!(shown.chars().count(), 301, "{shown}");
    assert!(shown.ends_with('…'));
}

#[tokio::test]
async fn a_place_that_is_none_is_refused() {
    let app = TestApp::start().await;
    for after in [
        "42",
        "abc.1",
        "0123456789abcdef.",
        "0123456789abcdef.x",
        "0123456789abcdef.%2B1",
        "%2B123456789abcdef.1",
    ] {
        let reply = app.get(&format!("{PATH}?after={after}")).await;
        assert_eq!(reply.status, 400, "{after}");
        assert_eq!(reply.json()["field"], "after");
    }
    for id in [b"42".as_slice(), "0123456789abcdef.é".as_bytes()] {
        let request = app.request(Method::GET, PATH).header("last-event-id", id);
        let reply = app.send(request).await;
        assert_eq!(reply.json()["field"], "Last-Event-ID");
    }
}
