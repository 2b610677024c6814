//! Every shipped scenario is a test in virtual time, and so is every magic customer.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::helpers::{TestApp, seed_request};

/// A scenario, how long it is played, and the states it goes through.
type Story<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

/// A state, and the webhooks since the moment before.
type Moment<'a> = (&'a str, &'a [&'a str]);

/// States with their instants, as far as they have come.
async fn history(app: &TestApp, handle: &str) -> Vec<(String, String)> {
    let consent = app.consent(handle).await;
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let moment = |moment: &Value| {
        (
            text(&moment["state"]),
            text(&moment["at"])[11..19].to_owned(),
        )
    };
    consent["history"]
        .as_array()
        .expect("a history")
        .iter()
        .map(moment)
        .collect()
}

fn story(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected
        .iter()
        .map(|(state, at)| ((*state).to_owned(), (*at).to_owned()))
        .collect()
}

#[tokio::test]
async fn shipped_scenarios_play_their_story() {
    let app = TestApp::start().await;
    let stories: [Story<'_>; 6] = [
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
    for (scenario, time, expected) in stories {
        app.post("/_mockaa/v1/reset", &Value::Null).await.ok();
        let handle = app.raise_with(scenario).await;
        assert_eq!(app.consent(&handle).await["scenario"], scenario);
        app.advance(time).await;
        assert_eq!(history(&app, &handle).await, story(expected), "{scenario}");
    }
}

#[tokio::test]
async fn a_consent_that_is_never_answered_expires_by_itself() {
    let mut app = TestApp::start().await;
    let handle = app.raise_with("never-answered").await;
    let to = |at: &str| json!({ "to": at });
    app.post("/_mockaa/v1/clock/advance", &to("2020-12-30T11:39:57.152Z"))
        .await
        .ok();
    assert_eq!(app.state(&handle).await, "PENDING");
    app.post("/_mockaa/v1/clock/advance", &to("2020-12-30T11:39:57.153Z"))
        .await
        .ok();
    assert_eq!(app.state(&handle).await, "EXPIRED");
    let notification = app.fiu.next().await.json();
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
            .raise(|body| body["ConsentDetail"]["consentExpiry"] = "2021-07-04T06:00:00Z".into())
            .await;
        for verb in moves {
            app.act(&handle, verb).await.ok();
        }
        app.advance("P366D").await;
        assert_eq!(app.state(&handle).await, "EXPIRED");
        app.post("/_mockaa/v1/reset", &Value::Null).await.ok();
    }
}

#[tokio::test]
async fn magic_customers_work_without_any_file() {
    let mut app = TestApp::start().await;
    let all = ["/Consent/Notification", "/FI/Notification", "/FI/Data"];
    let notice = ["/Consent/Notification"];
    let none: [&str; 0] = [];
    // Customer, then what is so at once and after 5, 10 seconds and past consentExpiry: state, and webhooks since.
    let stories: [(&str, [Moment<'_>; 4]); 7] = [
        (
            "9999999001",
            [
                ("ACTIVE", &all),
                ("ACTIVE", &none),
                ("ACTIVE", &none),
                ("EXPIRED", &notice),
            ],
        ),
        (
            "9999999002",
            [
                ("REJECTED", &notice),
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
                ("EXPIRED", &notice),
            ],
        ),
        (
            "9999999004",
            [
                ("ACTIVE", &all),
                ("REVOKED", &notice),
                ("REVOKED", &none),
                ("REVOKED", &none),
            ],
        ),
        (
            "9999999005",
            [
                ("ACTIVE", &all),
                ("PAUSED", &notice),
                ("ACTIVE", &notice),
                ("EXPIRED", &notice),
            ],
        ),
        (
            "9999999006",
            [
                ("PENDING", &none),
                ("PENDING", &none),
                ("EXPIRED", &notice),
                ("EXPIRED", &none),
            ],
        ),
        (
            "9999999007",
            [
                ("ACTIVE", &all),
                ("ACTIVE", &none),
                ("ACTIVE", &none),
                ("EXPIRED", &notice),
            ],
        ),
    ];
    for (number, moments) in stories {
        app.post("/_mockaa/v1/reset", &Value::Null).await.ok();
        let handle = app.raise_for(&format!("{number}@onemoney")).await;
        for ((state, webhooks), time) in moments.into_iter().zip(["0s", "5s", "5s", "P365D"]) {
            app.advance(time).await;
            assert_eq!(app.state(&handle).await, state, "{number} after {time}");
            assert_eq!(app.fiu.arrived_paths(), webhooks, "{number} after {time}");
        }
    }
}

#[tokio::test]
async fn a_scenario_is_chosen_by_header_then_magic_then_default() {
    let app = TestApp::with(|builder| builder.default_scenario("reject")).await;
    let scenario = async |handle: &str| app.consent(handle).await["scenario"].clone();
    assert_eq!(scenario(&app.raise(|_| {}).await).await, "reject");
    assert_eq!(
        scenario(&app.raise_for("9999999003@x").await).await,
        "magic 9999999003"
    );
    let mut body = seed_request();
    body["ConsentDetail"]["Customer"]["id"] = "9999999003@x".into();
    let request = app
        .request(reqwest::Method::POST, "/consent")
        .header("x-mockaa-scenario", "revoke")
        .json(&body);
    let handle = crate::helpers::handle_of(&app.send(request).await.ok());
    assert_eq!(scenario(&handle).await, "revoke");
}

#[tokio::test]
async fn an_unknown_scenario_is_refused_and_the_known_ones_are_told() {
    let app = TestApp::start().await;
    let request = app
        .request(reqwest::Method::POST, "/consent")
        .header("x-mockaa-scenario", "aprove-deposit");
    let reply = app.send(request.json(&seed_request())).await;
    assert_eq!(reply.status, 400);
    insta::assert_snapshot!(reply.json()["errorMsg"].as_str().expect("a message"));
    assert_eq!(app.consents().await, 0);
}

/// A folder of this test's own.
fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
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
    let text = "version: 1\nname: denied\nsteps:\n  - approve: {}\nrules:\n  - { on: consent.active, after: 3s, deliver: { default: \
                DENIED } }\n  - { on: fi.prepared, after: 1s, revoke: { by: fip } }\n";
    let files = folder(
        "adds",
        &[("denied.yaml", text), ("notes.txt", "not a scenario")],
    );
    let mut app = TestApp::with(|builder| builder.scenarios(&files)).await;
    let handle = app.raise_with("denied").await;
    app.advance("3s").await;
    let arrived = app.fiu.arrived();
    let fi = arrived[1].json()["FIStatusNotification"].clone();
    assert_eq!(
        (
            fi["sessionStatus"].as_str(),
            &fi["FIStatusResponse"][0]["Accounts"][0]["FIStatus"]
        ),
        (Some("COMPLETED"), &json!("DENIED"))
    );
    assert_eq!(
        arrived.len(),
        2,
        "no statement is sent where no account is READY"
    );
    app.advance("1s").await;
    assert_eq!(app.state(&handle).await, "REVOKED");
}

#[tokio::test]
async fn the_late_answer_of_a_fip_without_an_account_asks_for_nothing() {
    // New customers have an account at FIP-1 alone.
    let text = "version: 1\nname: spur\nsteps:\n  - approve: {}\nrules:\n  - on: consent.active\n    deliver: { default: READY, \
                fips: { FIP-2: { answer: READY, after: 30m } } }\n";
    let files = folder("spur", &[("spur.yaml", text)]);
    let app = TestApp::with(|builder| builder.scenarios(&files)).await;
    app.raise_with("spur").await;
    app.advance("1h").await;
    let journal = app.journal().await;
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
    let files = folder("refused", &[("wrong.yaml", text)]);
    let app = TestApp::with(|builder| builder.scenarios(&files)).await;
    let handle = app.raise_with("wrong").await;
    app.advance("1s").await;
    assert_eq!(app.state(&handle).await, "REJECTED");
    let journal = app.journal().await;
    let refused = journal
        .iter()
        .find(|entry| entry["kind"] == "scenario.refused")
        .expect("it is on record");
    insta::assert_snapshot!(refused["text"].as_str().expect("a text"));
}

#[tokio::test]
async fn rules_that_answer_each_other_without_delay_end() {
    let loops = "version: 1\nname: loop\nsteps:\n  - approve: {}\nrules:\n  - { on: consent.active, pause: {} }\n  - { on: \
                 consent.paused, resume: {} }\n  - { on: consent.resumed, pause: {} }\n";
    // Each delivery is answered by two: without a bound there would be no end to them.
    let multiplies = "version: 1\nname: twice\npush_data: false\nsteps:\n  - approve: {}\nrules:\n  - { on: consent.active, \
                      deliver: {} }\n  - { on: fi.prepared, deliver: {} }\n  - { on: fi.prepared, deliver: {} }\n";
    let files = folder("loop", &[("loop.yaml", loops), ("twice.yaml", multiplies)]);
    let app = TestApp::with(|builder| builder.scenarios(&files)).await;
    for scenario in ["loop", "twice"] {
        let handle = app.raise_with(scenario).await;
        let journal = app.journal().await;
        let refused = journal
            .iter()
            .find(|entry| {
                entry["kind"] == "scenario.refused" && entry["consentHandle"] == handle.as_str()
            })
            .expect("it ends, on record");
        assert!(
            refused["text"]
                .as_str()
                .expect("a text")
                .contains("give one an `after`")
        );
    }
}

#[tokio::test]
async fn a_bad_file_keeps_the_server_from_starting_and_a_reload_keeps_the_old_set() {
    let good = "version: 1\nname: mine\nsteps:\n  - approve: {}\n";
    let files = folder("reload", &[("mine.yaml", good)]);
    let app = TestApp::with(|builder| builder.scenarios(&files)).await;
    std::fs::write(files.join("mine.yaml"), good.replace("approve", "aprove")).expect("a file");
    let reply = app.post("/_mockaa/v1/scenarios/reload", &Value::Null).await;
    assert_eq!(reply.status, 400);
    let error = reply.json()["error"].as_str().expect("a text").to_owned();
    assert!(
        error.contains("mine.yaml:4:5: 'aprove' is no key of the step; did you mean approve?"),
        "{error}"
    );
    let handle = app.raise_with("mine").await;
    assert_eq!(
        app.state(&handle).await,
        "ACTIVE",
        "the old set is in force"
    );

    let started = mockaa::Sandbox::builder().scenarios(&files).start().await;
    let error = started.expect_err("it does not start").to_string();
    assert!(
        error.contains("mine.yaml:4:5: 'aprove' is no key of the step"),
        "{error}"
    );

    std::fs::write(files.join("mine.yaml"), good.replace("approve", "reject")).expect("a file");
    app.post("/_mockaa/v1/scenarios/reload", &Value::Null)
        .await
        .ok();
    let handle = app.raise_with("mine").await;
    assert_eq!(app.state(&handle).await, "REJECTED");

    // A shipped scenario that was copied and changed is the one that is meant.
    std::fs::write(
        files.join("approve.yaml"),
        good.replace("mine", "approve")
            .replace("approve: {}", "reject: {}"),
    )
    .expect("a file");
    app.post("/_mockaa/v1/scenarios/reload", &Value::Null)
        .await
        .ok();
    let handle = app.raise_with("approve").await;
    assert_eq!(app.state(&handle).await, "REJECTED");

    // A default that is no longer there is a fault of the set, like any other.
    let app_with_default =
        TestApp::with(|builder| builder.scenarios(&files).default_scenario("mine")).await;
    std::fs::write(
        files.join("mine.yaml"),
        good.replace("name: mine", "name: renamed"),
    )
    .expect("a file");
    let reply = app_with_default
        .post("/_mockaa/v1/scenarios/reload", &Value::Null)
        .await;
    assert_eq!(reply.status, 400);
    let handle = app_with_default.raise(|_| {}).await;
    assert_eq!(app_with_default.consent(&handle).await["scenario"], "mine");
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
