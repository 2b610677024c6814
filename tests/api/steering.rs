//! What steers a consent: scenarios of a world's own, pins, defaults, `match`, steps by hand, and the clock.

use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{Reply, TestApp, handle_of, rebit_request, seed_request};

async fn put(app: &TestApp, name: &str, rest: &str) -> Reply {
    let text = format!("version: 1\nname: {name}\n{rest}");
    app.send(
        app.request(Method::PUT, &format!("/_mockaa/v1/scenarios/{name}"))
            .body(text),
    )
    .await
}

async fn play(app: &TestApp, handle: &str, step: &str) -> Reply {
    app.send(
        app.request(Method::POST, &format!("/_mockaa/v1/consents/{handle}/play"))
            .body(step.to_owned()),
    )
    .await
}

#[tokio::test]
async fn the_order_of_what_drives_a_consent_is_that_of_the_design() {
    let app = TestApp::start().await;
    let drives = async |customer: &str, header: Option<&str>| {
        let mut body = rebit_request();
        body["ConsentDetail"]["Customer"]["id"] = customer.into();
        let mut request = app.request(Method::POST, "/Consent").json(&body);
        if let Some(name) = header {
            request = request.header("x-mockaa-scenario", name);
        }
        let handle = handle_of(&app.send(request).await.ok());
        app.consent(&handle).await["scenario"].clone()
    };
    assert_eq!(
        drives("1234567890@mockaa", None).await,
        Value::Null,
        "a person"
    );
    app.send(
        app.request(Method::PUT, "/_mockaa/v1/scenarios/default")
            .json(&json!({ "name": "reject" })),
    )
    .await
    .ok();
    assert_eq!(drives("1234567890@mockaa", None).await, "reject");
    assert_eq!(drives("9999999003@mockaa", None).await, "magic 9999999003");
    put(&app, "loose", "match: { customer: \"99*\" }\n")
        .await
        .ok();
    assert_eq!(
        drives("9999999003@mockaa", None).await,
        "loose",
        "match comes before the magic customers"
    );
    put(&app, "close", "match: { customer: \"9999999003@*\" }\n")
        .await
        .ok();
    assert_eq!(
        drives("9999999003@mockaa", None).await,
        "close",
        "who asks more closely wins"
    );
    put(
        &app,
        "more",
        "match: { customer: \"99*\", fi_types: [DEPOSIT] }\n",
    )
    .await
    .ok();
    assert_eq!(
        drives("9999999003@mockaa", None).await,
        "more",
        "who asks for more things wins"
    );
    let pin = json!({ "customer": "9999999003@mockaa" });
    app.post("/_mockaa/v1/scenarios/approve/pin", &pin)
        .await
        .ok();
    assert_eq!(drives("9999999003@mockaa", None).await, "approve");
    assert_eq!(drives("9999999003@mockaa", Some("revoke")).await, "revoke");
    // None of this is known elsewhere.
    let elsewhere = app
        .request(Method::POST, "/w/elsewhere/Consent")
        .json(&rebit_request());
    let handle = handle_of(&app.send(elsewhere).await.ok());
    assert_eq!(
        app.get(&format!("/w/elsewhere/_mockaa/v1/consents/{handle}"))
            .await
            .ok()["scenario"],
        Value::Null
    );
}

#[tokio::test]
async fn scenarios_of_a_worlds_own_are_checked_and_ties_are_refused_with_both_names() {
    let app = TestApp::start().await;
    put(&app, "one", "match: { customer: \"98*\", face: seed }\n")
        .await
        .ok();
    let tie = put(&app, "two", "match: { customer: \"*98\", face: seed }\n").await;
    assert_eq!(tie.status, 409, "as much of the same");
    assert!(
        tie.text.contains("just as much as that of one"),
        "{}",
        tie.text
    );
    put(&app, "two", "match: { customer: \"97*\", face: seed }\n")
        .await
        .ok();
    put(
        &app,
        "one",
        "match: { customer: \"98*\", face: seed }\nsteps: [reject: {}]\n",
    )
    .await
    .ok();
    let text = app.get("/_mockaa/v1/scenarios/one").await;
    assert!(
        text.text.ends_with("steps: [reject: {}]\n"),
        "{}",
        text.text
    );
    let named = put(&app, "three", "nme: x\n").await;
    assert_eq!(
        (named.status.as_u16(), &named.json()["faults"][0]["line"]),
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
        .raise(|body| body["ConsentDetail"]["Customer"]["id"] = "981@x".into())
        .await;
    app.send(app.request(Method::DELETE, "/_mockaa/v1/scenarios/one"))
        .await
        .ok();
    assert_eq!(
        app.send(app.request(Method::DELETE, "/_mockaa/v1/scenarios/approve"))
            .await
            .status,
        404,
        "shipped ones stay"
    );
    assert_eq!(
        app.consent(&running).await["scenario"],
        "one",
        "what it drives it goes on driving"
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
    let handle = app.raise(|_| ()).await;
    let pinned = app
        .post(
            "/_mockaa/v1/scenarios/pause-resume/pin",
            &json!({ "consentHandle": handle }),
        )
        .await
        .ok();
    assert_eq!(
        (&pinned["scenario"], &pinned["state"]),
        (&json!("pause-resume"), &json!("PENDING"))
    );
    app.advance("40s").await;
    assert_eq!(app.state(&handle).await, "PAUSED");
    assert_eq!(app.fiu.arrived().len(), 2);
}

#[tokio::test]
async fn whatever_a_scenario_can_do_somebody_can_do_by_hand() {
    let mut app = TestApp::start().await;
    let customer = "9876500001@mockaa";
    let handle = handle_of(&app.post("/Consent", &rebit_request()).await.ok());
    let illegal = play(&app, &handle, "pause: {}").await;
    assert_eq!(
        (illegal.status.as_u16(), &illegal.json()["legal"]),
        (409, &json!(["approve", "reject", "fail", "expire"]))
    );
    play(&app, &handle, "link: { fip: FIP-2 }").await.ok();
    let approved = play(
        &app,
        &handle,
        "approve:\n  accounts:\n    fips: [FIP-1, FIP-2]\n    first: 2\n",
    )
    .await
    .ok();
    let accounts = approved["accounts"].as_array().expect("a list").clone();
    assert_eq!((accounts.len(), &approved["state"]), (2, &json!("ACTIVE")));
    assert_eq!(
        accounts
            .iter()
            .map(|account| account["fipId"].clone())
            .collect::<Vec<_>>(),
        [json!("FIP-1"), json!("FIP-2")]
    );
    play(
        &app,
        &handle,
        "[{ notify: { status: PAUSED } }, { after: 5s, delink: { fip: FIP-2 } }]",
    )
    .await
    .ok();
    app.advance("0s").await;
    let told: Vec<_> = app
        .fiu
        .arrived()
        .iter()
        .map(|message| message.json()["ConsentStatusNotification"]["consentStatus"].clone())
        .collect();
    assert_eq!(told, [json!("ACTIVE"), json!("PAUSED")]);
    assert_eq!(
        app.state(&handle).await,
        "ACTIVE",
        "what was told is not so"
    );
    app.advance("5s").await;
    assert_eq!(
        app.state(&handle).await,
        "REVOKED",
        "delinking an account revokes"
    );
    play(&app, &handle, r#"{ "deregister": {} }"#).await.ok();
    let gone = app.request(Method::POST, "/Consent").json(&rebit_request());
    assert_eq!(app.send(gone).await.status, 400, "{customer} has left");
    let wrong = play(&app, &handle, "pasue: {}").await;
    assert!(wrong.text.contains("did you mean pause?"), "{}", wrong.text);
    assert_eq!(
        play(&app, &handle, "on: consent.active\npause: {}")
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn fips_answer_one_after_the_other_where_a_scenario_says_so() {
    let mut app = TestApp::start().await;
    let rest = "steps: [link: {}, approve: { accounts: { fi_types: [DEPOSIT], first: 3 } }]\nrules:\n  - on: consent.active\n    \
                deliver: { fips: { FIP-1: READY, FIP-2: { fail: TIMEOUT, after: 30s } } }\n";
    put(&app, "partial", rest).await.ok();
    let request = app
        .request(Method::POST, "/Consent")
        .header("x-mockaa-scenario", "partial")
        .json(&rebit_request());
    app.send(request).await.ok();
    app.advance("0s").await;
    let session = async || app.get("/_mockaa/v1/sessions").await.ok()["items"][0].clone();
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
    app.advance("30s").await;
    let then = session().await;
    assert_eq!(
        (&statuses(&then)[2], &then["sessionStatus"]),
        (&json!("TIMEOUT"), &json!("FAILED"))
    );
    assert_eq!(
        app.fiu.arrived_paths(),
        [
            "/Consent/Notification",
            "/FI/Notification",
            "/FI/Notification"
        ]
    );
}

#[tokio::test]
async fn a_clock_is_frozen_let_run_and_set_while_nothing_lives_by_it() {
    let app = TestApp::start().await;
    let post =
        async |verb: &str, body: Value| app.post(&format!("/_mockaa/v1/clock/{verb}"), &body).await;
    assert_eq!(
        post("set", json!({ "to": "2021-01-01T00:00:00Z" }))
            .await
            .ok(),
        json!({ "now": "2021-01-01T00:00:00.000Z", "mode": "frozen" })
    );
    assert_eq!(post("run", Value::Null).await.ok()["mode"], "running");
    assert_eq!(
        post("freeze", json!({ "at": "2020-07-04T06:00:00Z" }))
            .await
            .ok()["now"],
        "2020-07-04T06:00:00.000Z"
    );
    app.raise(|_| ()).await;
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
        post("freeze", Value::Null).await.ok()["now"],
        "2020-07-04T06:00:00.000Z",
        "to stand where it is jumps nowhere"
    );
    assert_eq!(post("set", json!({ "to": "soon" })).await.status, 400);
    assert_eq!(post("set", json!({})).await.status, 400);
}

/// Ten years of fetches that come every hour are more than one advance does: it says so, and does not hang.
#[tokio::test]
async fn ten_years_of_hourly_fetches_end_in_a_clear_step_limit() {
    let app = TestApp::with(|builder| builder.default_scenario("approve")).await;
    let lender = crate::lender::Lender::arrive(&app).await;
    let handle = lender
        .raise(&app, |body| {
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
    // What is dropped has not to be waited for: the steps themselves are what is many.
    let drop = app
        .request(Method::PUT, "/_mockaa/v1/faults/quiet")
        .body("webhooks: [{ fault: { drop: {} } }]");
    app.send(drop).await.ok();
    let advanced = app
        .post(
            "/_mockaa/v1/clock/advance",
            &json!({ "to": "2030-07-01T00:00:00Z" }),
        )
        .await
        .ok();
    assert_eq!(advanced["stopped"], "step-limit");
    assert!(
        advanced["error"]
            .as_str()
            .is_some_and(|error| error.contains("advance again")),
        "{}",
        advanced["error"]
    );
    assert_eq!(app.consent(&handle).await["state"], "ACTIVE");
}

#[tokio::test]
async fn the_folder_is_read_again_when_it_changes_and_a_bad_file_is_told() {
    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("watched");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    let write = |text: &str| std::fs::write(folder.join("mine.yaml"), text).expect("a file");
    write("version: 1\nname: mine\ndescription: first\n");
    let app = TestApp::with(|builder| builder.scenarios(&folder)).await;
    let shown = async || {
        let scenarios = app.get("/_mockaa/v1/scenarios").await.ok();
        let mine = scenarios["items"]
            .as_array()
            .expect("a list")
            .iter()
            .find(|item| item["name"] == "mine");
        mine.expect("it is there")["description"]
            .as_str()
            .expect("a text")
            .to_owned()
    };
    assert_eq!(shown().await, "first");
    // The file system tells in its own time.
    let until = async |holds: &dyn Fn(&str, &Value) -> bool| {
        for _ in 0..2_000 {
            if holds(&shown().await, &app.get("/readyz").await.ok()) {
                return true;
            }
        }
        false
    };
    write("version: 1\nname: mine\ndescription: second\n");
    assert!(
        until(&|shown, _| shown == "second").await,
        "it is read by itself"
    );
    write("version: 1\nname: mine\ndescripton: third\n");
    assert!(
        until(&|_, ready| ready["scenariosError"]
            .as_str()
            .is_some_and(|error| error.contains("mine.yaml:3:1")))
        .await
    );
    assert_eq!(
        (
            shown().await.as_str(),
            &app.get("/readyz").await.ok()["ready"]
        ),
        ("second", &json!(true)),
        "the old set stays"
    );
    write("version: 1\nname: mine\ndescription: fourth\n");
    assert!(
        until(&|shown, ready| shown == "fourth" && ready.get("scenariosError").is_none()).await
    );
}

#[tokio::test]
async fn consents_are_approved_by_themselves_where_the_sandbox_is_set_so() {
    let app = TestApp::start().await;
    put(&app, "timed", "consent: timed\n").await.ok();
    let handle = app.raise_with("timed").await;
    app.advance("19241ms").await;
    assert_eq!(app.state(&handle).await, "PENDING");
    app.advance("1ms").await;
    assert_eq!(app.state(&handle).await, "ACTIVE");
    let mut body = seed_request();
    body["ConsentDetail"]["Customer"]["id"] = "1@x".into();
    put(&app, "now", "consent: immediate\n").await.ok();
    assert_eq!(app.state(&app.raise_with("now").await).await, "ACTIVE");
}
