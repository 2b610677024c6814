//! The contract report: one bad FIU for each rule, a good FIU over all scenarios, and what is no
//! failure.

use std::collections::BTreeSet;

use futures_util::StreamExt;
use mockaa::internals::crypto::jws::sign_detached;
use mockaa::internals::domain::api_fault::ApiFaultName;
use mockaa::internals::domain::contract_report::{ContractRule, FaultGrading, grading_of};
use mockaa::internals::domain::participants::SignatureProfile;
use reqwest::Method;
use serde_json::{Value, json};

use crate::fiu::{FiuApi, Flaw, ModelFiu};
use crate::helpers::TestApp;
use crate::inbox::ReceiverBehavior;
use crate::lender::Lender;
use crate::participants::{Journey, Participant};

/// Number of worlds that are played at the same time.
const CONCURRENT_WORLDS: usize = 12;

/// A bad FIU: the rule that it breaks, and the run that shows it.
struct BadFiu {
    rule: &'static str,
    api: FiuApi,
    flaw: Flaw,
    scenario: &'static str,
    /// Faults of the world beside those of the scenario, in YAML.
    faults: &'static str,
}

const fn bad_fiu(rule: &'static str, flaw: Flaw, scenario: &'static str) -> BadFiu {
    BadFiu {
        rule,
        api: FiuApi::RebitV2,
        flaw,
        scenario,
        faults: "",
    }
}

impl BadFiu {
    const fn with_faults(self, faults: &'static str) -> Self {
        Self { faults, ..self }
    }

    const fn over(self, api: FiuApi) -> Self {
        Self { api, ..self }
    }
}

const DUPLICATED_DATA: &str =
    "webhooks: [{ where: { event: fi.status }, fault: { duplicate: {} } }]";

/// Returns faults after which the FIU has to take the status from a defective answer.
macro_rules! unannounced {
    ($op:literal, $fault:literal) => {
        concat!(
            "webhooks: [{ where: { event: consent.status }, fault: { drop: {} } }]\n",
            "api_faults: [{ where: { op: ",
            $op,
            " }, fault: { ",
            $fault,
            " } }]"
        )
    };
}

const BAD_FIUS: &[BadFiu] = &[
    bad_fiu("rejects-wrong-api-keys", Flaw::AcceptsWrongApiKeys, "webhook-foreign-api-key"),
    bad_fiu("rejects-invalid-signatures", Flaw::AcceptsForgedWebhooks, "webhook-forged"),
    bad_fiu("rejects-stale-messages", Flaw::AcceptsStaleWebhooks, "webhook-stale"),
    bad_fiu("deduplicates-webhooks", Flaw::RequestsOncePerWebhook, "webhook-duplicate"),
    bad_fiu("deduplicates-webhooks", Flaw::FetchesOncePerWebhook, "approve")
        .with_faults(DUPLICATED_DATA),
    bad_fiu("deduplicates-webhooks", Flaw::FetchesOncePerWebhook, "approve")
        .with_faults(DUPLICATED_DATA)
        .over(FiuApi::Unaport),
    bad_fiu("accepts-unusual-messages", Flaw::RefusesUnknownFields, "webhook-new-fields"),
    bad_fiu("acknowledges-webhooks", Flaw::FailsOnDataWebhooks, "approve"),
    bad_fiu("acknowledges-in-time", Flaw::AcknowledgesSlowly, "approve").over(FiuApi::Seed),
    bad_fiu("acknowledges-in-format", Flaw::AcknowledgesBriefly, "approve"),
    bad_fiu("no-requests-after-end", Flaw::ContinuesAfterEnd, "revoke"),
    bad_fiu("no-requests-while-paused", Flaw::ContinuesWhilePaused, "pause-resume"),
    bad_fiu("honours-retry-after", Flaw::IgnoresRetryAfter, "api-down"),
    bad_fiu("no-retry-after-4xx", Flaw::RepeatsRejectedCalls, "approve").with_faults(
        "api_faults: [{ where: { op: consent.create, calls: 1 }, fault: { status: 400 } }]",
    ),
    bad_fiu("polls-after-missed-webhook", Flaw::NeverPolls, "webhook-lost"),
    bad_fiu("calls-known-paths", Flaw::CallsUnknownPaths, "approve"),
    bad_fiu("ignores-invalid-webhooks", Flaw::ActsOnRejectedWebhooks, "webhook-forged"),
    bad_fiu("ignores-invalid-webhooks", Flaw::ActsOnRejectedWebhooks, "approve")
        .with_faults("webhooks: [{ where: { event: fi.status, attempts: 1 }, fault: { wrong_key: {} } }]")
        .over(FiuApi::Unaport),
    bad_fiu("rejects-badly-signed-answers", Flaw::TrustsAnswerSignatures, "api-badly-signed"),
    bad_fiu("rejects-tampered-artefacts", Flaw::TrustsArtefacts, "api-tampered-consent"),
    bad_fiu("rejects-tampered-artefacts", Flaw::TrustsArtefacts, "approve")
        .with_faults("api_faults: [{ where: { op: consent.fetch }, fault: { tampered_consent: unsigned } }]"),
    bad_fiu("rejects-stale-answers", Flaw::TrustsAnswerDates, "api-stale"),
    bad_fiu("rejects-stale-answers", Flaw::TrustsAnswerDates, "approve")
        .with_faults(unannounced!("consent.status", "stale_timestamp: {}")),
    bad_fiu("rejects-stale-answers", Flaw::TrustsAnswerDates, "approve")
        .with_faults(unannounced!("consent.status", "future_timestamp: {}")),
    bad_fiu("rejects-stale-answers", Flaw::TrustsAnswerDates, "approve")
        .with_faults(unannounced!("consent.create", "stale_timestamp: {}")),
    bad_fiu("rejects-foreign-answers", Flaw::TrustsAnswerTxnids, "approve")
        .with_faults(unannounced!("consent.status", "wrong_txnid: {}")),
    bad_fiu("rejects-foreign-answers", Flaw::TrustsAnswerTxnids, "approve").with_faults(
        "webhooks: [{ fault: { drop: {} } }]\napi_faults: [{ where: { op: fi.request }, fault: { wrong_txnid: {} } }]",
    ),
    bad_fiu("rejects-foreign-answers", Flaw::TrustsAnswerTxnids, "api-other-txnid"),
    bad_fiu("rejects-foreign-answers", Flaw::TrustsAnswerTxnids, "approve").with_faults(
        "api_faults: [{ where: { op: fi.request, calls: 2 }, fault: { stale_response: {} } }]",
    ),
    bad_fiu("rejects-malformed-answers", Flaw::TrustsAnswerSchemas, "approve")
        .with_faults(unannounced!("consent.status", "wrong_version: \"2.0.00\"")),
    bad_fiu("rejects-malformed-answers", Flaw::TrustsAnswerSchemas, "approve")
        .with_faults(unannounced!("consent.fetch", "missing_field: ConsentUse.count")),
    bad_fiu("rejects-malformed-answers", Flaw::TrustsAnswerSchemas, "api-other-value"),
    bad_fiu("repeats-broken-reads", Flaw::GivesUpOnBrokenResponses, "api-reset"),
    bad_fiu("repeats-broken-reads", Flaw::GivesUpOnBrokenResponses, "api-cut-short"),
    bad_fiu("signs-requests", Flaw::NeverSigns, "approve"),
    bad_fiu("signs-requests", Flaw::SignsOtherBytes, "approve"),
    bad_fiu("dates-requests", Flaw::DatesWrongly, "approve"),
    bad_fiu("dates-requests", Flaw::DatesUnreadably, "approve"),
    bad_fiu("raises-requests-once", Flaw::RaisesTwice, "approve"),
    bad_fiu("raises-requests-once", Flaw::ReusesTxnid, "approve"),
    bad_fiu("limits-polling", Flaw::PollsInALoop, "manual-approval"),
    bad_fiu("limits-fetches", Flaw::FetchesInALoop, "approve"),
    bad_fiu("renews-key-material", Flaw::ReusesKeys, "approve"),
    bad_fiu("requests-within-range", Flaw::ExceedsRange, "approve"),
];

/// Returns the rules that a report calls broken, with their evidence.
pub(crate) fn list_broken_rules(report: &[(String, String, Value)]) -> Vec<(&str, &Value)> {
    report
        .iter()
        .filter(|(_, outcome, _)| outcome == "fail")
        .map(|(rule, _, evidence)| (&**rule, evidence))
        .collect()
}

pub(crate) fn find_outcome<'a>(report: &'a [(String, String, Value)], rule: &str) -> &'a str {
    let found = report.iter().find(|(name, _, _)| name == rule);
    &found.unwrap_or_else(|| panic!("no rule {rule}")).1
}

#[tokio::test]
async fn each_bad_fiu_breaks_exactly_its_rule() {
    let app = TestApp::start().await;
    let play = async |(number, bad): (usize, &BadFiu)| {
        let world = format!("bad-{number}");
        let fiu = ModelFiu::start(&app, &world, bad.api, bad.flaw).await;
        let mut fiu = fiu.with_scenario(bad.scenario);
        if !bad.faults.is_empty() {
            fiu.put_faults(bad.faults).await;
        }
        fiu.play().await;
        let report = fiu.grade().await;
        let broken = list_broken_rules(&report);
        let is_exact = broken.len() == 1 && broken[0].0 == bad.rule;
        (!is_exact).then(|| format!("{:?} over {:?}: {broken:#?}", bad.flaw, bad.api))
    };
    let wrong: Vec<_> = futures_util::stream::iter(BAD_FIUS.iter().enumerate())
        .map(play)
        .buffer_unordered(CONCURRENT_WORLDS)
        .filter_map(async |wrong| wrong)
        .collect()
        .await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_rule_has_a_bad_fiu() {
    let covered: BTreeSet<_> = BAD_FIUS.iter().map(|bad| bad.rule).collect();
    let all: BTreeSet<_> = ContractRule::ALL.iter().map(|rule| rule.as_str()).collect();
    assert_eq!(covered, all);
}

#[tokio::test]
async fn a_good_fiu_breaks_no_rule_in_any_scenario() {
    let app = TestApp::start().await;
    let scenarios = app.get("/_mockaa/v1/scenarios").await.expect_ok();
    let names: Vec<String> = scenarios["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|item| item["name"].as_str().expect("a name").to_owned())
        .filter(|name| !name.starts_with("magic"))
        .collect();
    assert!(names.len() >= 75, "{names:?}");
    let runs = names
        .iter()
        .flat_map(|name| FiuApi::ALL.map(|api| (name.as_str(), api)));
    let play = async |(name, api): (&str, FiuApi)| {
        let world = format!("{name}-{api:?}");
        let fiu = ModelFiu::start(&app, &world, api, Flaw::None).await;
        let mut fiu = fiu.with_scenario(name);
        fiu.play().await;
        let report = fiu.grade().await;
        let broken = list_broken_rules(&report);
        let passed: Vec<_> = report
            .iter()
            .filter(|(_, outcome, _)| outcome == "pass")
            .map(|(rule, _, _)| rule.clone())
            .collect();
        let wrong = (!broken.is_empty()).then(|| format!("{name} over {api:?}: {broken:#?}"));
        let calls = fiu
            .control(Method::GET, "/_mockaa/v1/journal?kind=call", None)
            .await;
        let has_fault = |call: &Value| {
            call["call"]["faults"]
                .as_array()
                .is_some_and(|all| !all.is_empty())
        };
        let is_affected = calls["items"]
            .as_array()
            .expect("a list")
            .iter()
            .any(has_fault);
        (passed, wrong, is_affected.then(|| name.to_owned()))
    };
    let results: Vec<_> = futures_util::stream::iter(runs)
        .map(play)
        .buffer_unordered(CONCURRENT_WORLDS)
        .collect()
        .await;
    let wrong: Vec<_> = results
        .iter()
        .filter_map(|(_, wrong, _)| wrong.clone())
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Each scenario with API faults changes a response of some API.
    let affected: BTreeSet<_> = results
        .iter()
        .filter_map(|(_, _, affected)| affected.as_deref())
        .collect();
    let unaffected: Vec<_> = names
        .iter()
        .filter(|name| name.starts_with("api-") && !affected.contains(name.as_str()))
        .collect();
    assert!(unaffected.is_empty(), "{unaffected:?}");
    // The runs test every rule that some scenario can test.
    let passed: BTreeSet<_> = results
        .iter()
        .flat_map(|(passed, _, _)| passed.clone())
        .collect();
    let untested: Vec<_> = ContractRule::ALL
        .iter()
        .map(|rule| rule.as_str())
        .filter(|rule| !passed.contains(*rule))
        .collect();
    assert_eq!(untested, ["no-retry-after-4xx"]);
}

/// Returns the report of the test's world.
pub(crate) async fn grade_world(app: &TestApp) -> Vec<(String, String, Value)> {
    let report = app.get("/_mockaa/v1/report").await.expect_ok();
    let rules = report["rules"].as_array().expect("a list").iter();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    rules
        .map(|rule| {
            (
                text(&rule["rule"]),
                text(&rule["outcome"]),
                rule["evidence"].clone(),
            )
        })
        .collect()
}

#[tokio::test]
async fn a_message_that_is_overtaken_does_not_count_as_the_newest() {
    for fault in ["late: { by: 10m }", "reorder: { within: 10m }"] {
        let mut app = TestApp::start().await;
        let journey = Journey::new(&app);
        let (handle, id) = journey.raise_and_approve(|_| ()).await;
        journey.open_session(&id).await;
        app.advance_clock("1m").await;
        let faults = format!(
            "webhooks:\n  - {{ where: {{ status: PAUSED, nth: 1 }}, fault: {{ {fault} }} }}\n  - {{ where: {{ status: PAUSED, nth: 2 }}, fault: {{ drop: {{}} }} }}"
        );
        app.put_faults(&faults).await.expect_ok();
        let paused = app.apply_verb(&handle, "pause").await.expect_ok();
        assert_eq!(paused["state"], "PAUSED");
        app.advance_clock("1m").await;
        app.apply_verb(&handle, "resume").await.expect_ok();
        app.advance_clock("10m").await;
        let arrivals: Vec<_> = app
            .fiu
            .drain_messages()
            .iter()
            .map(crate::inbox::Message::json)
            .filter_map(|body| {
                let status = body["ConsentStatusNotification"]["consentStatus"].as_str()?;
                Some(format!("{status} {}", body["timestamp"].as_str()?))
            })
            .collect();
        assert_eq!(
            arrivals,
            [
                "ACTIVE 2020-07-04T06:00:00.000Z",
                "ACTIVE 2020-07-04T06:02:00.000Z",
                "PAUSED 2020-07-04T06:01:00.000Z"
            ],
            "{fault}"
        );
        // The FIU does not know that the consent is paused again.
        app.apply_verb(&handle, "pause").await.expect_ok();
        assert_eq!(Journey::new(&app).request_data(&id).await.status, 400);
        let report = grade_world(&app).await;
        assert_eq!(find_outcome(&report, "no-requests-while-paused"), "pass");
    }
}

#[tokio::test]
async fn stored_data_may_be_fetched_after_the_end_where_the_aa_allows_it() {
    let app = TestApp::start().await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    let handle = lender.raise_with_scenario(&app, "approve", |_| ()).await;
    app.advance_clock("1m").await;
    let session = lender.fetch_newest_session(&app, &handle).await;
    app.apply_verb(&handle, "revoke").await.expect_ok();
    app.advance_clock("1s").await;
    lender.fetch_data(&app, &session).await.expect_ok();
    let report = grade_world(&app).await;
    assert_eq!(list_broken_rules(&report), []);
    assert_eq!(find_outcome(&report, "no-requests-after-end"), "not-tested");
}

#[tokio::test]
async fn what_a_browser_asks_for_is_no_call_of_the_fiu() {
    let mut app = TestApp::start().await;
    for world in ["default", "browser"] {
        app.switch_world(world);
        app.get("/Heartbeat").await.expect_ok();
        for path in [
            "/",
            "/favicon.ico",
            "/robots.txt",
            "/.well-known/appspecific/com.chrome.devtools.json",
        ] {
            let request = app.request(Method::GET, path);
            app.send_raw(request).await;
        }
        let request = app.request(Method::GET, "/consents");
        app.send_raw(request.header("sec-fetch-mode", "navigate"))
            .await;
        let report = grade_world(&app).await;
        assert_eq!(
            find_outcome(&report, "calls-known-paths"),
            "pass",
            "{world}"
        );
        // A call of a program is judged.
        let request = app.request(Method::POST, "/nothing");
        app.send_raw(request).await;
        let report = grade_world(&app).await;
        assert_eq!(
            find_outcome(&report, "calls-known-paths"),
            "fail",
            "{world}"
        );
    }
}

#[tokio::test]
async fn a_rejection_because_of_a_frozen_clock_is_no_failure() {
    for (status, body, outcome) in [
        (401, "message timestamp is too old", "not-tested"),
        (400, "", "not-tested"),
        (400, r#"{"response":"REJECTED"}"#, "not-tested"),
        (404, "", "fail"),
        (500, "", "fail"),
    ] {
        let app = TestApp::start().await;
        app.fiu
            .set_behavior(ReceiverBehavior::Respond(status, body.to_owned()));
        app.raise_with_scenario("approve").await;
        app.advance_clock("0s").await;
        let report = grade_world(&app).await;
        assert_eq!(
            find_outcome(&report, "acknowledges-webhooks"),
            outcome,
            "{status}"
        );
        assert_ne!(find_outcome(&report, "acknowledges-in-format"), "fail");
        // An FIU that accepts such a message does not compare it with its own clock.
        app.fiu.set_behavior(ReceiverBehavior::Accept);
        app.advance_clock("1s").await;
        let report = grade_world(&app).await;
        assert_eq!(
            find_outcome(&report, "acknowledges-webhooks"),
            "fail",
            "{status}"
        );
    }
}

#[tokio::test]
async fn an_fiu_that_signs_in_another_profile_is_told_the_setting() {
    let app = TestApp::start().await;
    let sign = async |profile: &str| {
        let fiu = Participant::fiu_1();
        let text = crate::helpers::rebit_request().to_string();
        let profile = SignatureProfile::parse(profile).expect("a profile");
        let signature = sign_detached(&fiu.key, text.as_bytes(), profile).expect("a signature");
        let call = app.request(Method::POST, "/Consent");
        let call = call
            .header("client_api_key", &fiu.api_key)
            .header("content-type", "application/json")
            .header("x-jws-signature", signature);
        app.send(call.body(text)).await.expect_ok();
        list_hints(&app).await
    };
    assert_eq!(sign("detached").await, [""; 0]);
    let hints = sign("encoded").await;
    let setting = "set `signature_profile` of the FIU to encoded (docs/clients.md)";
    assert!(hints.len() == 1 && hints[0].ends_with(setting), "{hints:?}");
    let settings = json!({ "signatureProfile": "off" });
    let request = app.request(Method::PUT, "/_mockaa/v1/config/fiu/FIU-1");
    app.send(request.json(&settings)).await.expect_ok();
    assert_eq!(sign("encoded").await.len(), 1, "no further hint");
}

/// Returns the notes that name the page of settings.
async fn list_hints(app: &TestApp) -> Vec<String> {
    let entries = app.read_full_journal().await;
    let notes = entries.iter().filter(|entry| entry["kind"] == "note");
    notes
        .filter_map(|note| note["text"].as_str())
        .filter(|text| text.contains("docs/clients.md"))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn an_objection_to_the_signature_names_the_other_profile() {
    let refusal = json!({ "errorCode": "SignatureDoesNotMatch", "errorMsg": "no" }).to_string();
    for (profile, other) in [("detached", "encoded"), ("encoded", "detached")] {
        for (status, rule) in [
            (400, "acknowledges-webhooks"),
            (200, "acknowledges-in-format"),
        ] {
            let app = TestApp::start().await;
            let settings = json!({ "signatureProfile": profile });
            let request = app.request(Method::PUT, "/_mockaa/v1/config/fiu/FIU-1");
            app.send(request.json(&settings)).await.expect_ok();
            app.fiu
                .set_behavior(ReceiverBehavior::Respond(status, refusal.clone()));
            app.raise_with_scenario("approve").await;
            app.advance_clock("0s").await;
            let report = grade_world(&app).await;
            let [(broken, evidence)] = list_broken_rules(&report)[..] else {
                panic!("{report:#?}")
            };
            assert_eq!(broken, rule);
            let text = evidence[0]["text"].as_str().expect("a text");
            assert!(
                text.contains(&format!("try the signature profile {other}")),
                "{text}"
            );
            // The journal has the same hint.
            let notes = list_hints(&app).await;
            assert_eq!(notes.len(), 1, "{notes:?}");
            assert!(text.ends_with(&notes[0]), "{text}: {notes:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_accepts_the_signature_is_no_objection() {
    let verified = json!({ "status": "ok", "signature": "verified" }).to_string();
    let echo = json!({ "headers": { "x-jws-signature": "eyJ" } }).to_string();
    for body in [verified, echo, "the signature is valid".to_owned()] {
        let app = TestApp::start().await;
        app.fiu.set_behavior(ReceiverBehavior::Respond(200, body));
        app.raise_with_scenario("approve").await;
        app.advance_clock("0s").await;
        assert!(list_hints(&app).await.is_empty());
    }
}

#[tokio::test]
async fn an_acknowledgement_is_graded_by_its_body() {
    let whole = json!({ "ver": "2.0.0", "timestamp": "2020-07-04T06:00:00.000Z", "txnid": "another", "response": "OK" });
    let respond = |body: &str| ReceiverBehavior::Respond(200, body.to_owned());
    for (behavior, problem) in [
        (ReceiverBehavior::Accept, None),
        (ReceiverBehavior::AcceptAsText(202), None),
        (respond(""), Some("the body is empty")),
        (respond("OK"), Some("the body is not a JSON object")),
        (
            respond(&whole.to_string()),
            Some("txnid 'another' is not that of the webhook"),
        ),
        (
            respond(r#"{"response":"FAILED"}"#),
            Some("response is 'FAILED' instead of OK"),
        ),
        (
            respond(r#"{"response":"OK"}"#),
            Some("ver is missing, timestamp is missing, txnid is missing"),
        ),
    ] {
        let app = TestApp::start().await;
        app.fiu.set_behavior(behavior.clone());
        app.raise_with_scenario("approve").await;
        app.advance_clock("0s").await;
        let report = grade_world(&app).await;
        let broken = list_broken_rules(&report);
        match problem {
            None => {
                assert_eq!(broken, [], "{behavior:?}");
                assert_eq!(find_outcome(&report, "acknowledges-in-format"), "pass");
            }
            Some(problem) => {
                let [("acknowledges-in-format", evidence)] = broken[..] else {
                    panic!("{behavior:?}: {broken:?}")
                };
                let text = evidence[0]["text"].as_str().expect("a text");
                assert!(text.contains(problem), "{text}");
            }
        }
    }
}

#[tokio::test]
async fn what_unaport_does_not_define_is_not_graded_there() {
    let app = TestApp::start().await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    app.fiu
        .set_behavior(ReceiverBehavior::Respond(200, String::new()));
    app.put_faults("webhooks: [{ where: { status: ACTIVE }, fault: { duplicate: {} } }]")
        .await
        .expect_ok();
    lender.raise_with_scenario(&app, "approve", |_| ()).await;
    app.advance_clock("1m").await;
    let report = grade_world(&app).await;
    assert_eq!(list_broken_rules(&report), []);
    for rule in [
        "acknowledges-in-format",
        "deduplicates-webhooks",
        "no-requests-while-paused",
        "signs-requests",
        "dates-requests",
        "renews-key-material",
        "requests-within-range",
        "rejects-badly-signed-answers",
    ] {
        assert_eq!(find_outcome(&report, rule), "not-tested", "{rule}");
    }
}

#[tokio::test]
async fn requests_are_graded_in_every_security_mode() {
    use mockaa::SecurityMode::{Lenient, Open, Strict};
    for mode in [Open, Lenient, Strict] {
        let app = TestApp::start_with(|builder| builder.security(mode)).await;
        let journey = Journey::new(&app);
        journey.raise_consent(|_| ()).await;
        let report = grade_world(&app).await;
        for rule in ["signs-requests", "dates-requests"] {
            assert_eq!(find_outcome(&report, rule), "pass", "{rule} in {mode:?}");
        }
        let mut message = journey.build_message("ConsentHandle", "x").await;
        let request = app
            .request(Method::POST, "/Consent/handle")
            .header("client_api_key", crate::helpers::FIU_1_KEY);
        app.send(request.json(&message)).await;
        message["timestamp"] = "2019-01-01T00:00:00.000Z".into();
        journey.fiu.post(&app, "/Consent/handle", &message).await;
        let report = grade_world(&app).await;
        let broken: Vec<_> = list_broken_rules(&report)
            .iter()
            .map(|(rule, _)| *rule)
            .collect();
        assert_eq!(broken, ["signs-requests", "dates-requests"], "{mode:?}");
    }
}

/// Returns the rows of the table whose head begins with this cell, as cells.
fn read_table(page: &str, head: &str) -> Vec<Vec<String>> {
    let start = page.find(&format!("| {head} |")).expect("the table");
    page[start..]
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let line = line.trim_matches('|');
            line.split(" | ")
                .map(|cell| cell.trim().to_owned())
                .collect()
        })
        .collect()
}

#[test]
fn the_page_lists_every_rule_and_every_api_fault() {
    let page = include_str!("../../docs/testing.md");
    let rules: Vec<_> = read_table(page, "rule")
        .into_iter()
        .map(|cells| (cells[0].clone(), cells[1].clone()))
        .collect();
    let expected: Vec<_> = ContractRule::ALL
        .iter()
        .map(|rule| (format!("`{rule}`"), rule.requirement().to_owned()))
        .collect();
    assert_eq!(rules, expected);
    let faults: Vec<_> = read_table(page, "API fault")
        .into_iter()
        .map(|cells| (cells[0].clone(), cells[1].clone()))
        .collect();
    let expected: Vec<_> = ApiFaultName::ALL
        .iter()
        .map(|fault| {
            let graded_by = match grading_of(*fault) {
                FaultGrading::Rules(rules) => {
                    let names: Vec<_> = rules.iter().map(|rule| format!("`{rule}`")).collect();
                    names.join(", ")
                }
                FaultGrading::Ungraded(reason) => format!("no rule: {reason}"),
            };
            (format!("`{fault}`"), graded_by)
        })
        .collect();
    assert_eq!(faults, expected);
}
