//! An advance waits for the calls that an FIU makes after its webhooks. The FIUs here are real
//! receivers that react after a while.

use std::time::Duration;

use mockaa::internals::domain::time::{Millis, Timestamp};
use mockaa::internals::wire::fields::parse_timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{NOW, TestApp, extract_handle};
use crate::inbox::{Inbox, Message};
use crate::participants::{Journey, consent_request};

/// The time that the FIU needs before it reacts to a webhook.
const REACTION: Duration = Duration::from_millis(200);

/// The world time between the request and the approval of a consent.
const APPROVAL_DELAY: Millis = Millis::from_secs(2);

fn start_time() -> Timestamp {
    parse_timestamp(NOW).expect("a date-time")
}

/// Starts a sandbox with this FIU. Consents are approved after two seconds of world time.
async fn start_for(fiu: &Inbox) -> TestApp {
    let app = TestApp::start_with(|builder| builder.fiu_url(&fiu.url)).await;
    let scenario = "version: 1\nname: later\nsteps: [{ after: 2s, approve: {} }]\n";
    let put = app.request(Method::PUT, "/_mockaa/v1/scenarios/later");
    app.send(put.body(scenario)).await.expect_ok();
    app
}

async fn raise_consent(app: &TestApp) -> String {
    let journey = Journey::new(app);
    let body = consent_request().to_string();
    let request = journey.fiu.build_signed_request(app, "/Consent", &body);
    let request = request.header("x-mockaa-scenario", "later");
    extract_handle(&app.send(request).await.expect_ok())
}

/// Waits as long as the FIU under test needs to react.
#[expect(
    clippy::disallowed_methods,
    reason = "the delay belongs to the FIU under test"
)]
async fn react_after(delay: Duration) {
    tokio::time::sleep(delay).await;
}

/// Receives webhooks as an FIU with a queue does: after an approval it asks for the data, after the
/// notification of data it fetches them. It acknowledges at once and reacts later.
async fn run_fiu(app: &TestApp, inbox: &mut Inbox, delay: Duration) {
    let journey = Journey::new(app);
    loop {
        let message: Message = inbox.next_message().await;
        react_after(delay).await;
        let body = message.json();
        if body["ConsentStatusNotification"]["consentStatus"] == "ACTIVE" {
            let id = body["ConsentStatusNotification"]["consentId"].clone();
            journey.open_session(id.as_str().expect("an id")).await;
        } else if let Some(session) = body["FIStatusNotification"]["sessionId"].as_str() {
            journey.fetch_data(session).await.expect_ok();
        }
    }
}

/// Advances the clock while the FIU reacts to its webhooks.
async fn advance_with_fiu(
    app: &TestApp,
    inbox: &mut Inbox,
    reaction: Duration,
    plan: &Value,
) -> Value {
    tokio::select! {
        reply = app.post("/_mockaa/v1/clock/advance", plan) => reply.expect_ok(),
        () = run_fiu(app, inbox, reaction) => unreachable!("the FIU never stops"),
    }
}

/// Returns the world times of the calls of this operation.
async fn list_call_times(app: &TestApp, op: &str) -> Vec<Timestamp> {
    let path = format!("/_mockaa/v1/journal?kind=call&op={op}");
    let page = app.get(&path).await.expect_ok();
    let entries = page["items"].as_array().expect("a list").iter();
    entries.map(|entry| read_time(&entry["at"])).collect()
}

fn read_time(value: &Value) -> Timestamp {
    parse_timestamp(value.as_str().expect("a text")).expect("a date-time")
}

async fn list_late_notes(app: &TestApp) -> Vec<String> {
    let notes = app.get("/_mockaa/v1/journal?kind=note").await.expect_ok();
    let notes = notes["items"].as_array().expect("a list").iter();
    notes
        .map(ToString::to_string)
        .filter(|note| note.contains("had acknowledged a webhook"))
        .collect()
}

#[tokio::test]
async fn an_fiu_that_reacts_after_a_while_is_waited_for_once_it_has_done_so() {
    let mut inbox = Inbox::start();
    let app = start_for(&inbox).await;
    raise_consent(&app).await;
    let fixed = json!({ "by": "2s", "settle": "800ms" });
    let taught = advance_with_fiu(&app, &mut inbox, REACTION, &fixed).await;
    assert_eq!(
        (&taught["settle"], &taught["lateCalls"]),
        (&json!("800ms"), &json!(0))
    );
    assert_eq!(list_call_times(&app, "fi.fetch").await.len(), 1);
    let approved_at = read_time(&taught["to"]).saturating_add(APPROVAL_DELAY);
    raise_consent(&app).await;
    let advanced = advance_with_fiu(&app, &mut inbox, REACTION, &json!({ "by": "P40D" })).await;
    assert_eq!(advanced["stopped"], "target");
    assert_eq!(advanced["lateCalls"], 0, "{advanced}");
    let settle = advanced["settle"].as_str().expect("a wait");
    let settle: u64 = settle.trim_end_matches("ms").parse().unwrap_or_else(|_| {
        let seconds: u64 = settle.trim_end_matches('s').parse().expect("a duration");
        seconds * 1000
    });
    assert!(
        (400..=2_000).contains(&settle),
        "twice the delay, at most 2 s: {settle}"
    );
    // Both the request and the fetch that followed it came at the instant of the notification.
    for op in ["fi.request", "fi.fetch"] {
        let times = list_call_times(&app, op).await;
        assert_eq!(times.last(), Some(&approved_at), "{op} is not 40 days on");
    }
    assert_eq!(list_late_notes(&app).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_fixed_wait_and_the_call_itself_reach_the_first_reaction() {
    let notified_at = start_time().saturating_add(APPROVAL_DELAY);
    for (plan, stopped) in [
        (json!({ "by": "P40D", "settle": "800ms" }), "target"),
        (
            json!({ "until": { "call": { "op": "fi.request" } } }),
            "call",
        ),
        (
            json!({ "by": "P40D", "until": { "call": { "op": "fi.request" } } }),
            "call",
        ),
    ] {
        let mut inbox = Inbox::start();
        let app = start_for(&inbox).await;
        raise_consent(&app).await;
        let advanced = advance_with_fiu(&app, &mut inbox, REACTION, &plan).await;
        assert_eq!(advanced["stopped"], stopped, "{plan}");
        assert_eq!(
            list_call_times(&app, "fi.request").await,
            [notified_at],
            "{plan}"
        );
        if stopped == "call" {
            assert_eq!(advanced["calls"], 1);
            assert_eq!(
                read_time(&advanced["to"]),
                notified_at,
                "the clock stopped at the call"
            );
        } else {
            assert_eq!(advanced["calls"], Value::Null);
            assert_eq!(list_call_times(&app, "fi.fetch").await, [notified_at]);
        }
    }
}

#[tokio::test]
async fn an_advance_that_outran_its_fiu_says_so() {
    let mut inbox = Inbox::start();
    let app = start_for(&inbox).await;
    // Thirty expiries at instants of their own take longer than the reaction to the first webhook.
    for second in 0..30 {
        app.raise_consent(|body| {
            body["ConsentDetail"]["consentExpiry"] =
                format!("2020-12-01T00:00:{second:02}.000Z").into();
        })
        .await;
    }
    raise_consent(&app).await;
    let plan = json!({ "by": "P300D" });
    let reaction = Duration::from_millis(60);
    let advanced = advance_with_fiu(&app, &mut inbox, reaction, &plan).await;
    assert_eq!(advanced["stopped"], "target");
    assert!(
        advanced["lateCalls"].as_u64() >= Some(1),
        "{}",
        advanced["settle"]
    );
    let notes = list_late_notes(&app).await;
    assert_eq!(notes.len(), 1, "the first is noted: {notes:?}");
    assert!(
        notes[0].contains("consent.fetch of FIU-1 came"),
        "{notes:?}"
    );
}

#[tokio::test]
async fn a_call_after_an_advance_that_ended_too_early_is_noted() {
    let mut inbox = Inbox::start();
    let app = start_for(&inbox).await;
    let handle = raise_consent(&app).await;
    let advanced = app.advance_clock("P40D").await;
    assert_eq!(
        (&advanced["settle"], &advanced["lateCalls"]),
        (&json!("3ms"), &json!(0))
    );
    inbox.next_message().await;
    Journey::new(&app).fetch_handle_status(&handle).await;
    let notes = list_late_notes(&app).await;
    assert!(
        notes[0].contains("consent.status of FIU-1 came"),
        "{notes:?}"
    );
    assert!(notes[0].contains("2020-07-04T06:00:02.000Z"), "{notes:?}");
}

#[tokio::test]
async fn a_call_in_progress_holds_the_clock_and_restarts_the_wait() {
    let mut inbox = Inbox::start();
    let app = start_for(&inbox).await;
    let slow = app
        .request(Method::PUT, "/_mockaa/v1/faults/slow")
        .body("api_faults: [{ where: { op: fi.request }, fault: { latency: 500ms } }]");
    app.send(slow).await.expect_ok();
    let notified_at = start_time().saturating_add(APPROVAL_DELAY);
    raise_consent(&app).await;
    // The request alone takes longer than the wait of 300 ms.
    let plan = json!({ "by": "P40D", "settle": "300ms" });
    let advanced = advance_with_fiu(&app, &mut inbox, Duration::ZERO, &plan).await;
    assert_eq!(advanced["lateCalls"], 0);
    for op in ["fi.request", "fi.fetch"] {
        assert_eq!(list_call_times(&app, op).await, [notified_at], "{op}");
    }
}

#[tokio::test]
async fn a_call_that_does_not_come_is_reported() {
    let inbox = Inbox::start();
    let app = start_for(&inbox).await;
    raise_consent(&app).await;
    let call = json!({ "op": "fi.request", "count": 2, "within": "100ms" });
    let plan = json!({ "by": "1s", "until": { "call": call } });
    let advanced = app
        .post("/_mockaa/v1/clock/advance", &plan)
        .await
        .expect_ok();
    assert_eq!(
        (&advanced["stopped"], &advanced["calls"]),
        (&json!("no-call"), &json!(0))
    );
    assert_eq!(advanced["to"], "2020-07-04T06:00:01.000Z");
    assert!(
        advanced["error"]
            .as_str()
            .is_some_and(|error| error.contains("did not come"))
    );
    // A customer of another consent does not count.
    let call = json!({ "op": "consent.status", "customer": "someone@else", "within": "100ms" });
    let plan = json!({ "by": "0s", "until": { "call": call } });
    let handle = raise_consent(&app).await;
    let journey = Journey::new(&app);
    let (advanced, _) = tokio::join!(
        app.post("/_mockaa/v1/clock/advance", &plan),
        journey.fetch_handle_status(&handle)
    );
    assert_eq!(advanced.expect_ok()["stopped"], "no-call");
}

#[tokio::test]
async fn a_test_that_raises_consents_in_a_loop_teaches_nothing() {
    let app = TestApp::start().await;
    app.post("/_mockaa/v1/clock/run", &json!({}))
        .await
        .expect_ok();
    for number in 1..20 {
        app.raise_with_scenario("approve").await;
        let path = format!("/_mockaa/v1/journal/wait?kind=webhook&count={number}&within=10s");
        app.get(&path).await.expect_ok();
    }
    let advanced = app.advance_clock("1d").await;
    assert_eq!(advanced["settle"], "3ms", "{advanced}");
}

#[tokio::test]
async fn a_wait_that_ends_before_the_clock_moves_misses_the_call() {
    let app = TestApp::start().await;
    app.raise_with_scenario("approve").await;
    app.advance_clock("0s").await;
    app.raise_with_scenario("approve").await;
    let until = json!({
        "by": "1h", "settle": "10s", "until": { "call": { "op": "fi.request", "within": "50ms" } },
    });
    let advanced = app
        .post("/_mockaa/v1/clock/advance", &until)
        .await
        .expect_ok();
    assert_eq!(advanced["stopped"], "no-call", "{advanced}");
}

#[tokio::test]
async fn conditions_and_waits_that_mean_nothing_are_refused() {
    let app = TestApp::start().await;
    let call = |call: Value| json!({ "until": { "call": call } });
    for (plan, field) in [
        (json!({ "settle": "auto" }), "body"),
        (json!({ "by": "1s", "settle": "soon" }), "settle"),
        (json!({ "by": "1s", "settle": "61s" }), "settle"),
        (json!({ "by": "1s", "until": "idle" }), "body"),
        (
            json!({ "by": "1s", "to": NOW, "until": { "call": { "op": "fi.request" } } }),
            "body",
        ),
        (json!({ "until": 1 }), "body"),
        (json!({ "until": {} }), "until"),
        (
            json!({ "until": { "call": { "op": "fi.request" }, "webhook": {} } }),
            "until",
        ),
        (call(json!({})), "until"),
        (call(json!({ "op": "fi.requests" })), "until.call.op"),
        (
            call(json!({ "op": "fi.request", "count": 0 })),
            "until.call.count",
        ),
        (
            call(json!({ "op": "fi.request", "within": "soon" })),
            "until.call.within",
        ),
        (call(json!({ "op": "fi.request", "handle": "x" })), "until"),
    ] {
        let reply = app.post("/_mockaa/v1/clock/advance", &plan).await;
        assert_eq!(reply.status, 400, "{plan}");
        assert_eq!(reply.json()["field"], field, "{plan}: {}", reply.text);
    }
}
