//! Tests of every shipped scenario and every magic customer in virtual time.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::helpers::{TestApp, seed_request};

/// A scenario, the duration of its run, and the states that it passes through.
type HistoryCase<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

/// A state, and the webhooks since the previous checkpoint.
type Checkpoint<'a> = (&'a str, &'a [&'a str]);

/// Returns the states reached so far with their instants.
async fn fetch_history(app: &TestApp, handle: &str) -> Vec<(String, String)> {
    let consent = app.fetch_consent(handle).await;
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let history_entry = |moment: &Value| {
        (
            text(&moment["state"]),
            text(&moment["at"])[11..19].to_owned(),
        )
    };
    consent["history"]
        .as_array()
        .expect("a history")
        .iter()
        .map(history_entry)
        .collect()
}

fn expected_history(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected
        .iter()
        .map(|(state, at)| ((*state).to_owned(), (*at).to_owned()))
        .collect()
}

#[tokio::test]
async fn shipped_scenarios_produce_their_history() {
    let app = TestApp::start().await;
    let cases: [HistoryCase<'_>; 6] = [
        (
            "approve-deposit",
            "10s",
            &[
                ("PENDING", "06:00:00"),
                ("READY", "06:00:02"),
                ("ACTIVE", "06:00:02"),
            ],
        ),
        (
            "reject",
            "10s",
            &[("PENDING", "06:00:00"), ("REJECTED", "06:00:02")],
        ),
        (
            "pause-resume",
            "5m",
            &[
                ("PENDING", "06:00:00"),
                ("READY", "06:00:02"),
                ("ACTIVE", "06:00:02"),
                ("PAUSED", "06:00:32"),
                ("ACTIVE", "06:01:32"),
            ],
        ),
        (
            "revoke",
            "P2D",
            &[
                ("PENDING", "06:00:00"),
                ("READY", "06:00:02"),
                ("ACTIVE", "06:00:02"),
                ("REVOKED", "06:00:02"),
            ],
        ),
        (
            "expire",
            "1h",
            &[
                ("PENDING", "06:00:00"),
                ("READY", "06:00:02"),
                ("ACTIVE", "06:00:02"),
                ("EXPIRED", "06:10:02"),
            ],
        ),
        (
            "hold-at-ready",
            "1m",
            &[
                ("PENDING", "06:00:00"),
                ("READY", "06:00:02"),
                ("ACTIVE", "06:00:07"),
            ],
        ),
    ];
    for (scenario, duration, expected) in cases {
        app.post("/_mockaa/v1/reset", &Value::Null)
            .await
            .expect_ok();
        let handle = app.raise_with_scenario(scenario).await;
        assert_eq!(app.fetch_consent(&handle).await["scenario"], scenario);
        app.advance_clock(duration).await;
        assert_eq!(
            fetch_history(&app, &handle).await,
            expected_history(expected),
            "{scenario}"
        );
    }
}

#[tokio::test]
async fn a_consent_that_is_never_answered_expires_by_itself() {
    let mut app = TestApp::start().await;
    let handle = app.raise_with_scenario("never-answered").await;
    let to = |at: &str| json!({ "to": at });
    app.post("/_mockaa/v1/clock/advance", &to("2020-12-30T11:39:57.152Z"))
        .await
        .expect_ok();
    assert_eq!(app.consent_state(&handle).await, "PENDING");
    app.post("/_mockaa/v1/clock/advance", &to("2020-12-30T11:39:57.153Z"))
        .await
        .expect_ok();
    assert_eq!(app.consent_state(&handle).await, "EXPIRED");
    let notification = app.fiu.next_message().await.json();
    assert_eq!(
        notification["ConsentStatusNotification"]["consentStatus"],
        "EXPIRED"
    );
    assert!(
        notification["ConsentStatusNotification"]
            .get("consentId")
            .is_none()
    );
}

#[tokio::test]
async fn consent_expiry_ends_an_active_and_a_paused_consent_too() {
    let app = TestApp::start().await;
    for moves in [&["approve"][..], &["approve", "pause"]] {
        let handle = app
            .raise_consent(|body| {
                body["ConsentDetail"]["consentExpiry"] = "2021-07-04T06:00:00Z".into();
            })
            .await;
        for verb in moves {
            app.apply_verb(&handle, verb).await.expect_ok();
        }
        app.advance_clock("P366D").await;
        assert_eq!(app.consent_state(&handle).await, "EXPIRED");
        app.post("/_mockaa/v1/reset", &Value::Null)
            .await
            .expect_ok();
    }
}

#[tokio::test]
async fn magic_customers_work_without_any_file() {
    let mut app = TestApp::start().await;
    let all = ["/Consent/Notification", "/FI/Notification", "/FI/Data"];
    let notification = ["/Consent/Notification"];
    let none: [&str; 0] = [];
    // Customer, then state and new webhooks: at once, after 5 seconds, after 10 seconds, and after
    // consentExpiry.
    let cases: [(&str, [Checkpoint<'_>; 4]); 7] = [
        (
            "9999999001",
            [
                ("ACTIVE", &all),
                ("ACTIVE", &none),
                ("ACTIVE", &none),
                ("EXPIRED", &notification),
            ],
        ),
        (
            "9999999002",
            [
                ("REJECTED", &notification),
                ("REJECTED", &none),
                ("REJECTED", &none),
                ("REJECTED", &none),
            ],
        ),
        (
            "9999999003",
            [
                ("PENDING", &none),
                ("PENDING", &none),
                ("PENDING", &none),
                ("EXPIRED", &notification),
            ],
        ),
        (
            "9999999004",
            [
                ("ACTIVE", &all),
                ("REVOKED", &notification),
                ("REVOKED", &none),
                ("REVOKED", &none),
            ],
        ),
        (
            "9999999005",
            [
                ("ACTIVE", &all),
                ("PAUSED", &notification),
                ("ACTIVE", &notification),
                ("EXPIRED", &notification),
            ],
        ),
        (
            "9999999006",
            [
                ("PENDING", &none),
                ("PENDING", &none),
                ("EXPIRED", &notification),
                ("EXPIRED", &none),
            ],
        ),
        (
            "9999999007",
            [
                ("ACTIVE", &all),
                ("ACTIVE", &none),
                ("ACTIVE", &none),
                ("EXPIRED", &notification),
            ],
        ),
    ];
    for (number, checkpoints) in cases {
        app.post("/_mockaa/v1/reset", &Value::Null)
            .await
            .expect_ok();
        let handle = app.raise_consent_for(&format!("{number}@onemoney")).await;
        for ((state, webhooks), time) in checkpoints.into_iter().zip(["0s", "5s", "5s", "P365D"]) {
            app.advance_clock(time).await;
            assert_eq!(
                app.consent_state(&handle).await,
                state,
                "{number} after {time}"
            );
            assert_eq!(app.fiu.drain_paths(), webhooks, "{number} after {time}");
        }
    }
}

#[tokio::test]
async fn a_scenario_is_chosen_by_header_then_magic_then_default() {
    let app = TestApp::start_with(|builder| builder.default_scenario("reject")).await;
    let scenario = async |handle: &str| app.fetch_consent(handle).await["scenario"].clone();
    assert_eq!(scenario(&app.raise_consent(|_| {}).await).await, "reject");
    assert_eq!(
        scenario(&app.raise_consent_for("9999999003@x").await).await,
        "magic 9999999003"
    );
    let mut body = seed_request();
    body["ConsentDetail"]["Customer"]["id"] = "9999999003@x".into();
    let request = app
        .request(reqwest::Method::POST, "/consent")
        .header("x-mockaa-scenario", "revoke")
        .json(&body);
    let handle = crate::helpers::extract_handle(&app.send(request).await.expect_ok());
    assert_eq!(scenario(&handle).await, "revoke");
}

#[tokio::test]
async fn an_unknown_scenario_is_rejected_and_the_known_ones_are_listed() {
    let app = TestApp::start().await;
    let request = app
        .request(reqwest::Method::POST, "/consent")
        .header("x-mockaa-scenario", "aprove-deposit");
    let reply = app.send(request.json(&seed_request())).await;
    assert_eq!(reply.status, 400);
    insta::assert_snapshot!(reply.json()["errorMsg"].as_str().expect("a message"));
    assert_eq!(app.count_consents().await, 0);
}

/// Creates a folder for this test.
fn create_folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    for (file, text) in files {
        std::fs::write(folder.join(file), text).expect("a file");
    }
    folder
}

#[tokio::test]
async fn a_folder_adds_scenarios_with_rules_that_answer_events() {
    let text = "version: 1\nname: denied\nsteps:\n  - approve: {}\nrules:\n  - { when: consent.active, after: 3s, deliver: { default: \
                DENIED } }\n  - { when: fi.prepared, after: 1s, revoke: { by: fip } }\n";
    let files = create_folder(
        "adds",
        &[("denied.yaml", text), ("notes.txt", "not a scenario")],
    );
    let mut app = TestApp::start_with(|builder| builder.scenarios(&files)).await;
    let handle = app.raise_with_scenario("denied").await;
    app.advance_clock("3s").await;
    let messages = app.fiu.drain_messages();
    let fi = messages[1].json()["FIStatusNotification"].clone();
    assert_eq!(
        (
            fi["sessionStatus"].as_str(),
            &fi["FIStatusResponse"][0]["Accounts"][0]["FIStatus"]
        ),
        (Some("COMPLETED"), &json!("DENIED"))
    );
    assert_eq!(
        messages.len(),
        2,
        "no statement is sent where no account is READY"
    );
    app.advance_clock("1s").await;
    assert_eq!(app.consent_state(&handle).await, "REVOKED");
}

#[tokio::test]
async fn the_late_answer_of_a_fip_without_an_account_asks_for_nothing() {
    // New customers have an account at FIP-1 only.
    let text = "version: 1\nname: spur\nsteps:\n  - approve: {}\nrules:\n  - when: consent.active\n    deliver: { default: READY, \
                fips: { FIP-2: { answer: READY, after: 30m } } }\n";
    let files = create_folder("spur", &[("spur.yaml", text)]);
    let app = TestApp::start_with(|builder| builder.scenarios(&files)).await;
    app.raise_with_scenario("spur").await;
    app.advance_clock("1h").await;
    let journal = app.read_journal_events().await;
    let requests = journal
        .iter()
        .filter(|entry| entry["kind"] == "fi.requested")
        .count();
    assert_eq!(
        requests, 1,
        "the first answer opened a session; the second has none to open"
    );
}

#[tokio::test]
async fn a_step_that_cannot_happen_is_on_record_and_the_world_goes_on() {
    let text = "version: 1\nname: wrong\nsteps:\n  - reject: {}\n  - { id: too-late, after: 1s, approve: {} }\n";
    let files = create_folder("rejected", &[("wrong.yaml", text)]);
    let app = TestApp::start_with(|builder| builder.scenarios(&files)).await;
    let handle = app.raise_with_scenario("wrong").await;
    app.advance_clock("1s").await;
    assert_eq!(app.consent_state(&handle).await, "REJECTED");
    let journal = app.read_journal_events().await;
    let entry = journal
        .iter()
        .find(|entry| entry["kind"] == "scenario.step_rejected")
        .expect("the rejection is in the journal");
    insta::assert_snapshot!(entry["text"].as_str().expect("a text"));
}

#[tokio::test]
async fn rules_that_multiply_with_a_delay_end() {
    let text = "version: 1\nname: double\nconsent: immediate\nrules:\n  - { when: consent.active, after: 1s, notify: { status: PAUSED } }\n  \
                - { when: notification.scripted, after: 1s, notify: { status: PAUSED } }\n  - { when: notification.scripted, after: 2s, \
                notify: { status: PAUSED } }\n";
    let files = create_folder("doubling", &[("double.yaml", text)]);
    let app = TestApp::start_with(|builder| builder.scenarios(&files)).await;
    let handle = app.raise_with_scenario("double").await;
    app.advance_clock("1h").await;
    let rejected = app
        .get("/_mockaa/v1/journal?kind=scenario.step_rejected")
        .await
        .expect_ok();
    let [entry] = &rejected["items"].as_array().expect("a list")[..] else {
        panic!("one entry: {rejected}");
    };
    assert_eq!(entry["consentHandle"], handle.as_str());
    let text = entry["text"].as_str().expect("a text");
    assert!(text.contains("the rules of double"), "{text}");
    assert!(text.contains("more than 1000 reactions wait"), "{text}");
}

#[tokio::test]
async fn rules_that_answer_each_other_without_delay_end() {
    let looping = "version: 1\nname: loop\nsteps:\n  - approve: {}\nrules:\n  - { when: consent.active, pause: {} }\n  - { when: \
                 consent.paused, resume: {} }\n  - { when: consent.resumed, pause: {} }\n";
    // Each delivery triggers two more; without a limit they would never end.
    let multiplying = "version: 1\nname: twice\npush_data: false\nsteps:\n  - approve: {}\nrules:\n  - { when: consent.active, \
                      deliver: {} }\n  - { when: fi.prepared, deliver: {} }\n  - { when: fi.prepared, deliver: {} }\n";
    let files = create_folder(
        "loop",
        &[("loop.yaml", looping), ("twice.yaml", multiplying)],
    );
    let app = TestApp::start_with(|builder| builder.scenarios(&files)).await;
    for scenario in ["loop", "twice"] {
        let handle = app.raise_with_scenario(scenario).await;
        let journal = app.read_journal_events().await;
        let entry = journal
            .iter()
            .find(|entry| {
                entry["kind"] == "scenario.step_rejected"
                    && entry["consentHandle"] == handle.as_str()
            })
            .expect("the limit is in the journal");
        assert!(
            entry["text"]
                .as_str()
                .expect("a text")
                .contains("add `after` to one")
        );
    }
}

#[tokio::test]
async fn a_bad_file_keeps_the_server_from_starting_and_a_reload_keeps_the_old_set() {
    let good = "version: 1\nname: mine\nsteps:\n  - approve: {}\n";
    let files = create_folder("reload", &[("mine.yaml", good)]);
    let app = TestApp::start_with(|builder| builder.scenarios(&files)).await;
    std::fs::write(files.join("mine.yaml"), good.replace("approve", "aprove")).expect("a file");
    let reply = app.post("/_mockaa/v1/scenarios/reload", &Value::Null).await;
    assert_eq!(reply.status, 400);
    let error = reply.json()["error"].as_str().expect("a text").to_owned();
    assert!(
        error.contains("mine.yaml:4:5: unknown key 'aprove' in the step; did you mean approve?"),
        "{error}"
    );
    let handle = app.raise_with_scenario("mine").await;
    assert_eq!(
        app.consent_state(&handle).await,
        "ACTIVE",
        "the previous set is in force"
    );

    let started = mockaa::Sandbox::builder().scenarios(&files).start().await;
    let error = started.expect_err("the start fails").to_string();
    assert!(
        error.contains("mine.yaml:4:5: unknown key 'aprove' in the step"),
        "{error}"
    );

    std::fs::write(files.join("mine.yaml"), good.replace("approve", "reject")).expect("a file");
    app.post("/_mockaa/v1/scenarios/reload", &Value::Null)
        .await
        .expect_ok();
    let handle = app.raise_with_scenario("mine").await;
    assert_eq!(app.consent_state(&handle).await, "REJECTED");

    // A scenario file with the name of a shipped scenario replaces it.
    std::fs::write(
        files.join("approve.yaml"),
        good.replace("mine", "approve")
            .replace("approve: {}", "reject: {}"),
    )
    .expect("a file");
    app.post("/_mockaa/v1/scenarios/reload", &Value::Null)
        .await
        .expect_ok();
    let handle = app.raise_with_scenario("approve").await;
    assert_eq!(app.consent_state(&handle).await, "REJECTED");

    // A missing default scenario is an error of the set, like any other.
    let app_with_default =
        TestApp::start_with(|builder| builder.scenarios(&files).default_scenario("mine")).await;
    std::fs::write(
        files.join("mine.yaml"),
        good.replace("name: mine", "name: renamed"),
    )
    .expect("a file");
    let reply = app_with_default
        .post("/_mockaa/v1/scenarios/reload", &Value::Null)
        .await;
    assert_eq!(reply.status, 400);
    let handle = app_with_default.raise_consent(|_| {}).await;
    assert_eq!(
        app_with_default.fetch_consent(&handle).await["scenario"],
        "mine"
    );
    std::fs::write(files.join("mine.yaml"), good).expect("a file");

    std::fs::write(files.join("other.yaml"), good).expect("a file");
    let reply = app.post("/_mockaa/v1/scenarios/reload", &Value::Null).await;
    let error = reply.json()["error"].as_str().expect("a text").to_owned();
    assert!(
        error.contains("other.yaml:2:7: the name 'mine' is taken by")
            && error.contains("mine.yaml"),
        "{error}"
    );
}

/// The data notification comes again under another `txnid`; without a session the step is rejected.
#[tokio::test]
async fn a_data_notification_is_repeated_under_another_id() {
    let text = "version: 1\nname: repeated\nsteps:\n  - notify: { event: fi.status }\n  - approve: {}\n  - deliver: {}\n  - { after: 1s, notify: { event: fi.status } }\n";
    let files = create_folder("repeated", &[("repeated.yaml", text)]);
    let mut app = TestApp::start_with(|builder| builder.scenarios(&files)).await;
    app.raise_with_scenario("repeated").await;
    app.advance_clock("2s").await;
    let messages: Vec<_> = app
        .fiu
        .drain_messages()
        .into_iter()
        .map(|message| message.json())
        .filter(|message| message.get("FIStatusNotification").is_some())
        // The statement is pushed as well.
        .filter(|message| message.get("FIData").is_none())
        .collect();
    assert_eq!(messages.len(), 2);
    assert_eq!(
        messages[0]["FIStatusNotification"],
        messages[1]["FIStatusNotification"]
    );
    assert_ne!(messages[0]["txnid"], messages[1]["txnid"]);
    let journal = app
        .get("/_mockaa/v1/journal?kind=scenario.step_rejected")
        .await
        .expect_ok();
    let rejected = journal["items"].to_string();
    assert!(rejected.contains("no data session"), "{rejected}");
}
