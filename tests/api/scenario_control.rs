//! Control of consents: scenarios of one world, pins, defaults, `match`, single steps, and the
//! clock.

use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{Reply, TestApp, extract_handle, rebit_request, seed_request};

async fn put_scenario(app: &TestApp, name: &str, rest: &str) -> Reply {
    let text = format!("version: 1\nname: {name}\n{rest}");
    app.send(
        app.request(Method::PUT, &format!("/_mockaa/v1/scenarios/{name}"))
            .body(text),
    )
    .await
}

async fn play_step(app: &TestApp, handle: &str, step: &str) -> Reply {
    app.send(
        app.request(Method::POST, &format!("/_mockaa/v1/consents/{handle}/play"))
            .body(step.to_owned()),
    )
    .await
}

#[tokio::test]
async fn scenario_selection_follows_the_documented_precedence() {
    let app = TestApp::start().await;
    let selected_scenario = async |customer: &str, header: Option<&str>| {
        let mut body = rebit_request();
        body["ConsentDetail"]["Customer"]["id"] = customer.into();
        let mut request = app.request(Method::POST, "/Consent").json(&body);
        if let Some(name) = header {
            request = request.header("x-mockaa-scenario", name);
        }
        let handle = extract_handle(&app.send(request).await.expect_ok());
        app.fetch_consent(&handle).await["scenario"].clone()
    };
    assert_eq!(
        selected_scenario("1234567890@mockaa", None).await,
        Value::Null,
        "a person"
    );
    app.send(
        app.request(Method::PUT, "/_mockaa/v1/scenarios/default")
            .json(&json!({ "name": "reject" })),
    )
    .await
    .expect_ok();
    assert_eq!(selected_scenario("1234567890@mockaa", None).await, "reject");
    assert_eq!(
        selected_scenario("9999999003@mockaa", None).await,
        "magic 9999999003"
    );
    put_scenario(&app, "loose", "match: { customer: \"99*\" }\n")
        .await
        .expect_ok();
    assert_eq!(
        selected_scenario("9999999003@mockaa", None).await,
        "loose",
        "`match` takes precedence over magic customers"
    );
    put_scenario(&app, "close", "match: { customer: \"9999999003@*\" }\n")
        .await
        .expect_ok();
    assert_eq!(
        selected_scenario("9999999003@mockaa", None).await,
        "close",
        "the more specific pattern wins"
    );
    put_scenario(
        &app,
        "more",
        "match: { customer: \"99*\", fi_types: [DEPOSIT] }\n",
    )
    .await
    .expect_ok();
    assert_eq!(
        selected_scenario("9999999003@mockaa", None).await,
        "more",
        "more conditions win"
    );
    let pin = json!({ "customer": "9999999003@mockaa" });
    app.post("/_mockaa/v1/scenarios/approve/pin", &pin)
        .await
        .expect_ok();
    assert_eq!(
        selected_scenario("9999999003@mockaa", None).await,
        "approve"
    );
    assert_eq!(
        selected_scenario("9999999003@mockaa", Some("revoke")).await,
        "revoke"
    );
    // Nothing of this applies to another world.
    let elsewhere = app
        .request(Method::POST, "/w/elsewhere/Consent")
        .json(&rebit_request());
    let handle = extract_handle(&app.send(elsewhere).await.expect_ok());
    assert_eq!(
        app.get(&format!("/w/elsewhere/_mockaa/v1/consents/{handle}"))
            .await
            .expect_ok()["scenario"],
        Value::Null
    );
}

#[tokio::test]
async fn scenarios_of_a_worlds_own_are_checked_and_ties_are_rejected_with_both_names() {
    let app = TestApp::start().await;
    put_scenario(&app, "one", "match: { customer: \"98*\", api: seed }\n")
        .await
        .expect_ok();
    let tie = put_scenario(&app, "two", "match: { customer: \"*98\", api: seed }\n").await;
    assert_eq!(tie.status, 409, "equal specificity is a conflict");
    assert!(
        tie.text.contains("as specific as that of `one`"),
        "{}",
        tie.text
    );
    put_scenario(&app, "two", "match: { customer: \"97*\", api: seed }\n")
        .await
        .expect_ok();
    put_scenario(
        &app,
        "one",
        "match: { customer: \"98*\", api: seed }\nsteps: [reject: {}]\n",
    )
    .await
    .expect_ok();
    let text = app.get("/_mockaa/v1/scenarios/one").await;
    assert!(
        text.text.ends_with("steps: [reject: {}]\n"),
        "{}",
        text.text
    );
    let rejection = put_scenario(&app, "three", "nme: x\n").await;
    assert_eq!(
        (
            rejection.status.as_u16(),
            &rejection.json()["diagnostics"][0]["line"]
        ),
        (400, &json!(3))
    );
    let other = app
        .send(
            app.request(Method::PUT, "/_mockaa/v1/scenarios/three")
                .body("version: 1\nname: four\n"),
        )
        .await;
    assert_eq!(other.status, 400, "{}", other.text);
    let running = app
        .raise_consent(|body| body["ConsentDetail"]["Customer"]["id"] = "981@x".into())
        .await;
    app.send(app.request(Method::DELETE, "/_mockaa/v1/scenarios/one"))
        .await
        .expect_ok();
    assert_eq!(
        app.send(app.request(Method::DELETE, "/_mockaa/v1/scenarios/approve"))
            .await
            .status,
        404,
        "shipped scenarios cannot be deleted"
    );
    assert_eq!(
        app.fetch_consent(&running).await["scenario"],
        "one",
        "a deleted scenario keeps driving its consents"
    );
    assert_eq!(
        app.post(
            "/_mockaa/v1/scenarios/nope/pin",
            &json!({ "customer": "a@b" })
        )
        .await
        .status,
        400
    );
    let default = app
        .send(
            app.request(Method::PUT, "/_mockaa/v1/scenarios/default")
                .json(&json!({ "name": "nope" })),
        )
        .await;
    assert_eq!(default.status, 400);
}

#[tokio::test]
async fn a_pinned_scenario_takes_a_consent_over() {
    let mut app = TestApp::start().await;
    let handle = app.raise_consent(|_| ()).await;
    let pinned = app
        .post(
            "/_mockaa/v1/scenarios/pause-resume/pin",
            &json!({ "consentHandle": handle }),
        )
        .await
        .expect_ok();
    assert_eq!(
        (&pinned["scenario"], &pinned["state"]),
        (&json!("pause-resume"), &json!("PENDING"))
    );
    app.advance_clock("40s").await;
    assert_eq!(app.consent_state(&handle).await, "PAUSED");
    assert_eq!(app.fiu.drain_messages().len(), 2);
}

/// Webhooks before the takeover do not count: its steps start, and so do its counts.
#[tokio::test]
async fn a_scenario_that_takes_a_consent_over_counts_anew() {
    let app = TestApp::start().await;
    let handle = app.raise_with_scenario("approve").await;
    app.advance_clock("0s").await;
    for name in ["first", "second"] {
        let rest = "steps: [notify: { status: ACTIVE }, notify: { status: ACTIVE }]\n\
                    webhooks: [{ where: { nth: 2 }, fault: { drop: {} } }]\n";
        put_scenario(&app, name, rest).await.expect_ok();
        let pin = json!({ "consentHandle": handle });
        app.post(&format!("/_mockaa/v1/scenarios/{name}/pin"), &pin)
            .await
            .expect_ok();
    }
    app.advance_clock("0s").await;
    assert_eq!(
        app.list_delivery_states().await,
        ["delivered", "delivered", "dropped", "delivered", "dropped"]
    );
}

#[tokio::test]
async fn every_scenario_step_can_be_played_by_hand() {
    let mut app = TestApp::start().await;
    let customer = "9876500001@mockaa";
    let handle = extract_handle(&app.post("/Consent", &rebit_request()).await.expect_ok());
    let illegal = play_step(&app, &handle, "pause: {}").await;
    assert_eq!(
        (illegal.status.as_u16(), &illegal.json()["legal"]),
        (409, &json!(["approve", "reject", "fail", "expire"]))
    );
    play_step(&app, &handle, "link: { fip: FIP-2 }")
        .await
        .expect_ok();
    let approved = play_step(
        &app,
        &handle,
        "approve:\n  accounts:\n    fips: [FIP-1, FIP-2]\n    first: 2\n",
    )
    .await
    .expect_ok();
    let accounts = approved["accounts"].as_array().expect("a list").clone();
    assert_eq!((accounts.len(), &approved["state"]), (2, &json!("ACTIVE")));
    assert_eq!(
        accounts
            .iter()
            .map(|account| account["fipId"].clone())
            .collect::<Vec<_>>(),
        [json!("FIP-1"), json!("FIP-2")]
    );
    play_step(
        &app,
        &handle,
        "[{ notify: { status: PAUSED } }, { after: 5s, delink: { fip: FIP-2 } }]",
    )
    .await
    .expect_ok();
    app.advance_clock("0s").await;
    let statuses: Vec<_> = app
        .fiu
        .drain_messages()
        .iter()
        .map(|message| message.json()["ConsentStatusNotification"]["consentStatus"].clone())
        .collect();
    assert_eq!(statuses, [json!("ACTIVE"), json!("PAUSED")]);
    assert_eq!(
        app.consent_state(&handle).await,
        "ACTIVE",
        "the scripted notification changes no state"
    );
    app.advance_clock("5s").await;
    assert_eq!(
        app.consent_state(&handle).await,
        "REVOKED",
        "delinking an account revokes"
    );
    play_step(&app, &handle, r#"{ "deregister": {} }"#)
        .await
        .expect_ok();
    let request = app.request(Method::POST, "/Consent").json(&rebit_request());
    assert_eq!(app.send(request).await.status, 400, "{customer} has left");
    let rejection = play_step(&app, &handle, "pasue: {}").await;
    assert!(
        rejection.text.contains("did you mean pause?"),
        "{}",
        rejection.text
    );
    assert_eq!(
        play_step(&app, &handle, "when: consent.active\npause: {}")
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn fips_answer_one_after_the_other_where_a_scenario_says_so() {
    let mut app = TestApp::start().await;
    let rest = "steps: [link: {}, approve: { accounts: { fi_types: [DEPOSIT], first: 3 } }]\nrules:\n  - when: consent.active\n    \
                deliver: { fips: { FIP-1: READY, FIP-2: { fail: TIMEOUT, after: 30s } } }\n";
    put_scenario(&app, "partial", rest).await.expect_ok();
    let request = app
        .request(Method::POST, "/Consent")
        .header("x-mockaa-scenario", "partial")
        .json(&rebit_request());
    app.send(request).await.expect_ok();
    app.advance_clock("0s").await;
    let session = async || app.get("/_mockaa/v1/sessions").await.expect_ok()["items"][0].clone();
    let statuses = |session: &Value| -> Vec<Value> {
        session["accounts"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|account| account["FIStatus"].clone())
            .collect()
    };
    let now = session().await;
    assert_eq!(
        (statuses(&now), &now["sessionStatus"]),
        (
            vec![json!("READY"), json!("READY"), json!("PENDING")],
            &json!("ACTIVE")
        )
    );
    app.advance_clock("30s").await;
    let later = session().await;
    assert_eq!(
        (&statuses(&later)[2], &later["sessionStatus"]),
        (&json!("TIMEOUT"), &json!("FAILED"))
    );
    assert_eq!(
        app.fiu.drain_paths(),
        [
            "/Consent/Notification",
            "/FI/Notification",
            "/FI/Notification"
        ]
    );
}

#[tokio::test]
async fn a_clock_is_frozen_run_and_set_while_the_world_is_empty() {
    let app = TestApp::start().await;
    let post =
        async |verb: &str, body: Value| app.post(&format!("/_mockaa/v1/clock/{verb}"), &body).await;
    assert_eq!(
        post("set", json!({ "to": "2021-01-01T00:00:00Z" }))
            .await
            .expect_ok(),
        json!({
            "now": "2021-01-01T00:00:00.000Z", "mode": "frozen",
            "signingTime": "wall", "messageTime": "world",
        })
    );
    let running = post("run", Value::Null).await.expect_ok();
    assert_eq!(
        (&running["mode"], &running["messageTime"]),
        (&json!("running"), &json!("wall"))
    );
    assert_eq!(
        post("freeze", json!({ "at": "2020-07-04T06:00:00Z" }))
            .await
            .expect_ok()["now"],
        "2020-07-04T06:00:00.000Z"
    );
    app.raise_consent(|_| ()).await;
    let jump = post("set", json!({ "to": "2020-07-05T06:00:00Z" })).await;
    assert_eq!(jump.status, 409);
    assert!(
        jump.text.contains("move it with clock/advance"),
        "{}",
        jump.text
    );
    assert_eq!(
        post("freeze", json!({ "at": "2020-07-05T06:00:00Z" }))
            .await
            .status,
        409
    );
    assert_eq!(
        post("freeze", Value::Null).await.expect_ok()["now"],
        "2020-07-04T06:00:00.000Z",
        "freezing at the current time is allowed"
    );
    assert_eq!(post("set", json!({ "to": "soon" })).await.status, 400);
    assert_eq!(post("set", json!({})).await.status, 400);
}

/// One advance plays every fetch, however many there are.
#[tokio::test]
async fn a_year_of_hourly_fetches_is_one_advance() {
    let app = TestApp::start_with(|builder| builder.default_scenario("approve")).await;
    let lender = crate::lender::Lender::log_in_with_webhooks(&app).await;
    let handle = lender
        .raise_consent(&app, |body| {
            let detail = &mut body["ConsentsRequest"]["ConsentDetail"];
            let detail = if detail.is_object() {
                detail
            } else {
                &mut body["ConsentDetail"]
            };
            detail["fetchType"] = "PERIODIC".into();
            detail["Frequency"] = json!({ "unit": "HOUR", "value": 1 });
            detail["consentExpiry"] = "2030-07-04T06:00:00.000Z".into();
        })
        .await;
    // Dropped webhooks need no waiting.
    let drop = app
        .request(Method::PUT, "/_mockaa/v1/faults/quiet")
        .body("webhooks: [{ fault: { drop: {} } }]");
    app.send(drop).await.expect_ok();
    let advanced = app
        .post("/_mockaa/v1/clock/advance", &json!({ "by": "P365D" }))
        .await
        .expect_ok();
    assert_eq!(advanced["stopped"], "target", "{}", advanced["error"]);
    let fetches = advanced["fired"].as_u64().expect("a number");
    assert!(fetches >= 365 * 24, "{fetches}");
    assert_eq!(app.fetch_consent(&handle).await["state"], "ACTIVE");
}

#[tokio::test]
async fn the_folder_is_reloaded_when_it_changes_and_a_bad_file_is_reported() {
    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("watched");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    let write_scenario =
        |text: &str| std::fs::write(folder.join("mine.yaml"), text).expect("a file");
    write_scenario("version: 1\nname: mine\ndescription: first\n");
    let app = TestApp::start_with(|builder| builder.scenarios(&folder)).await;
    let fetch_description = async || {
        let scenarios = app.get("/_mockaa/v1/scenarios").await.expect_ok();
        let item = scenarios["items"]
            .as_array()
            .expect("a list")
            .iter()
            .find(|item| item["name"] == "mine");
        item.expect("the scenario is listed")["description"]
            .as_str()
            .expect("a text")
            .to_owned()
    };
    assert_eq!(fetch_description().await, "first");
    // The file watcher reports changes after an unknown delay.
    let poll_until = async |predicate: &dyn Fn(&str, &Value) -> bool| {
        for _ in 0..2_000 {
            if predicate(
                &fetch_description().await,
                &app.get("/readyz").await.expect_ok(),
            ) {
                return true;
            }
        }
        false
    };
    write_scenario("version: 1\nname: mine\ndescription: second\n");
    assert!(
        poll_until(&|description, _| description == "second").await,
        "a changed file is reloaded automatically"
    );
    write_scenario("version: 1\nname: mine\ndescripton: third\n");
    assert!(
        poll_until(&|_, ready| ready["scenariosError"]
            .as_str()
            .is_some_and(|error| error.contains("mine.yaml:3:1")))
        .await
    );
    assert_eq!(
        (
            fetch_description().await.as_str(),
            &app.get("/readyz").await.expect_ok()["ready"]
        ),
        ("second", &json!(true)),
        "the previous set stays in force"
    );
    write_scenario("version: 1\nname: mine\ndescription: fourth\n");
    assert!(
        poll_until(
            &|description, ready| description == "fourth" && ready.get("scenariosError").is_none()
        )
        .await
    );
}

#[tokio::test]
async fn consents_are_approved_by_themselves_where_the_sandbox_is_set_so() {
    let app = TestApp::start().await;
    put_scenario(&app, "timed", "consent: timed\n")
        .await
        .expect_ok();
    let handle = app.raise_with_scenario("timed").await;
    app.advance_clock("19241ms").await;
    assert_eq!(app.consent_state(&handle).await, "PENDING");
    app.advance_clock("1ms").await;
    assert_eq!(app.consent_state(&handle).await, "ACTIVE");
    let mut body = seed_request();
    body["ConsentDetail"]["Customer"]["id"] = "1@x".into();
    put_scenario(&app, "now", "consent: immediate\n")
        .await
        .expect_ok();
    assert_eq!(
        app.consent_state(&app.raise_with_scenario("now").await)
            .await,
        "ACTIVE"
    );
}

#[tokio::test]
async fn a_scenario_is_checked_without_being_added() {
    let app = TestApp::start().await;
    let text = |steps: &str| format!("version: 1\nname: checked\nsteps: [{steps}]\n");
    for (text, errors, part) in [
        (text("approve: {}"), 0, None),
        (text("approve: {}, reject: {}"), 1, Some("can never fire")),
        (text("approv: {}"), 1, Some("approve")),
        (text("revoke: {}}, {approve: {}"), 1, None),
        (
            format!("persona: nobody\n{}", text("approve: {}")),
            1,
            Some("unknown persona nobody"),
        ),
    ] {
        let request = app.request(Method::POST, "/_mockaa/v1/scenarios/lint");
        let lint = app.send(request.body(text.clone())).await.expect_ok();
        assert_eq!(lint["errors"] == 0, errors == 0, "{text}: {lint}");
        let diagnostics = lint["diagnostics"].to_string();
        if let Some(part) = part {
            assert!(diagnostics.contains(part), "{text}: {diagnostics}");
        }
        for diagnostic in lint["diagnostics"].as_array().expect("a list") {
            assert!(
                diagnostic["line"].as_u64() > Some(0),
                "{text}: {diagnostic}"
            );
        }
    }
    let scenarios = app.get("/_mockaa/v1/scenarios").await.expect_ok();
    assert!(!scenarios.to_string().contains("\"checked\""));
}
