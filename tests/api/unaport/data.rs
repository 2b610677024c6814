//! Data that comes by itself: when, what of it, with what oddities.

use reqwest::Method;
use serde_json::{Value, json};

use super::told;
use crate::actors::Actor;
use crate::helpers::TestApp;
use crate::lender::{APP, CONSENTS, DATA, Lender, detail, text};

#[tokio::test]
async fn the_recorded_rhythm_is_kept() {
    let mut app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    let handle = lender.raise_with(&app, "recorded-rhythm", |_| ()).await;
    // Created 04:50:20.089; approved 39.331; asked 43.000; notified 44.748, in the recording.
    for (by, words) in [
        ("19241ms", &[][..]),
        ("1ms", &["READY", "ACTIVE"]),
        ("3668ms", &[]),
        ("1ms", &[]),
        ("1747ms", &[]),
        ("1ms", &["COMPLETED"]),
    ] {
        app.advance(by).await;
        let said: Vec<_> = told(&mut app).into_iter().map(|(_, word)| word).collect();
        assert_eq!(said, words, "after {by}");
    }
    let record = lender.record(&app, &handle).await;
    assert_eq!(record["notificationDate"], "2020-07-04T06:00:19.242+00:00");
    assert_eq!(record["lastRuntime"], "2020-07-04T06:00:22.911+00:00");
    assert_eq!(record["nextRuntime"], Value::Null);
    assert_eq!(
        lender.notified(&app, &handle).await[0]["timestamp"],
        "2020-07-04T06:00:24.659+00:00"
    );
}

#[tokio::test]
async fn a_timed_sandbox_has_an_empty_session_between_request_and_answer() {
    let app = TestApp::with(mockaa::SandboxBuilder::timed_data).await;
    let lender = Lender::arrive(&app).await;
    let handle = lender.raise(&app, |_| ()).await;
    app.act(&handle, "approve").await.ok();
    assert_eq!(
        lender.record(&app, &handle).await["lastRuntime"],
        Value::Null
    );
    app.advance("4s").await;
    let open = app.get("/_mockaa/v1/sessions").await.ok()["items"][0].clone();
    assert_eq!(open["sessionStatus"], "ACTIVE");
    let early = lender
        .fetch(&app, open["sessionId"].as_str().expect("an id"))
        .await
        .ok();
    assert_eq!((&early["tabs"], early.get("DEPOSIT")), (&json!([]), None));
    app.advance("2s").await;
    let session = lender.session(&app, &handle).await;
    assert_eq!(
        lender.fetch(&app, &session).await.ok()["tabs"],
        json!([{ "name": "DEPOSIT" }])
    );
}

#[tokio::test]
async fn a_periodic_consent_fetches_again_by_its_frequency() {
    let mut app = TestApp::start().await;
    let mut lender = Lender::arrive(&app).await;
    let handle = lender
        .raise(&app, |body| {
            detail(body)["fetchType"] = "PERIODIC".into();
            detail(body)["Frequency"] = json!({ "unit": "DAY", "value": 2 });
            detail(body)["consentExpiry"] = "2020-07-07T06:00:00.000Z".into();
        })
        .await;
    app.act(&handle, "approve").await.ok();
    let runtimes = |record: &Value| {
        (
            record["lastRuntime"].clone(),
            record["nextRuntime"].clone(),
            record["runCounter"].clone(),
        )
    };
    let record = lender.record(&app, &handle).await;
    let first = (
        json!("2020-07-04T06:00:00.000+00:00"),
        json!("2020-07-04T18:00:00.000+00:00"),
        json!(1),
    );
    assert_eq!(runtimes(&record), first);
    app.advance("12h").await;
    lender = Lender::log_in(&app).await;
    let second = (
        json!("2020-07-04T18:00:00.000+00:00"),
        json!("2020-07-05T06:00:00.000+00:00"),
        json!(2),
    );
    assert_eq!(runtimes(&lender.record(&app, &handle).await), second);
    let notified = lender.notified(&app, &handle).await;
    let sessions: Vec<_> = notified
        .iter()
        .map(|told| text(&told["FIStatusNotification"]["sessionId"]))
        .collect();
    assert!(sessions.len() == 2 && sessions[0] != sessions[1]);
    assert_eq!(
        notified[0]["timestamp"], "2020-07-04T18:00:00.000+00:00",
        "the newest first"
    );
    for session in &sessions {
        lender.fetch(&app, session).await.ok();
    }

    // A pause holds it back; what fell due meanwhile is made good once.
    app.act(&handle, "pause").await.ok();
    app.advance("P1D").await;
    lender = Lender::log_in(&app).await;
    assert_eq!(lender.notified(&app, &handle).await.len(), 2);
    app.act(&handle, "resume").await.ok();
    assert_eq!(lender.notified(&app, &handle).await.len(), 3);
    assert_eq!(lender.record(&app, &handle).await["runCounter"], 3);
    // The end of the consent is the end of the runs.
    app.advance("P10D").await;
    lender = Lender::log_in(&app).await;
    let record = lender.record(&app, &handle).await;
    assert_eq!(
        (&record["nextRuntime"], &record["consentStatus"]),
        (&Value::Null, &json!("EXPIRED"))
    );
    assert_eq!(
        record["runCounter"], 5,
        "18:00 on the 5th, then twelve hours apart until the 7th at 6:00, which is the end"
    );
    assert_eq!(
        told(&mut app)
            .iter()
            .filter(|(path, _)| path == DATA)
            .count(),
        5,
        "each session is told"
    );
}

#[tokio::test]
async fn data_is_not_asked_for_before_the_consent_starts() {
    let app = TestApp::start().await;
    let mut lender = Lender::arrive(&app).await;
    let handle = lender
        .raise(&app, |body| {
            detail(body)["consentStart"] = "2020-07-06T06:00:00.000Z".into();
        })
        .await;
    app.act(&handle, "approve").await.ok();
    assert!(lender.notified(&app, &handle).await.is_empty());
    let record = lender.record(&app, &handle).await;
    assert_eq!(
        (&record["lastRuntime"], &record["nextRuntime"]),
        (&Value::Null, &json!("2020-07-06T06:00:00.000+00:00"))
    );
    app.advance("P2D").await;
    lender = Lender::log_in(&app).await;
    assert_eq!(lender.notified(&app, &handle).await.len(), 1);
}

#[tokio::test]
async fn accounts_that_fail_come_in_a_notification_that_succeeds() {
    let folder =
        std::env::temp_dir().join(format!("mockaa-unaport-partial-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let scenario = "version: 1\nname: partial\nsteps:\n  - { approve: {} }\nrules:\n  - { on: fi.requested, after: 1s, deliver: { fips: { FIP-1: READY, FIP-2: \
                    TIMEOUT, ACME-FIP: DENIED } } }\n";
    std::fs::write(folder.join("partial.yaml"), scenario).expect("it is written");
    let mut app = TestApp::with(|builder| builder.scenarios(&folder)).await;
    let lender = Lender::arrive(&app).await;
    for (fip, account) in two_more_accounts(&app).await {
        link(&app, &fip, &account).await;
    }
    let handle = lender.raise_with(&app, "partial", |_| ()).await;
    app.advance("1s").await;
    std::fs::remove_dir_all(&folder).expect("it is ours");
    let news = app.fiu.arrived().pop().expect("a webhook").json()["FIStatusNotification"].clone();
    assert_eq!(news["sessionStatus"], "FAILED");
    let statuses: Vec<_> = news["FIStatusResponse"]
        .as_array()
        .expect("FIPs")
        .iter()
        .map(|fip| {
            (
                text(&fip["fipID"]),
                text(&fip["Accounts"][0]["FIStatus"]),
                text(&fip["Accounts"][0]["description"]),
            )
        })
        .collect();
    let expected = [
        ("FIP-1", "READY", "Data is ready"),
        ("FIP-2", "TIMEOUT", "The FIP did not answer in time"),
        ("ACME-FIP", "DENIED", "The FIP denied access"),
    ];
    assert_eq!(
        statuses,
        expected.map(|(fip, status, words)| (fip.to_owned(), status.to_owned(), words.to_owned()))
    );
    // What is there can be had.
    let session = lender.session(&app, &handle).await;
    let fetched = lender.fetch(&app, &session).await.ok();
    assert_eq!(
        fetched["DEPOSIT"]["summary"].as_array().map(Vec::len),
        Some(1)
    );
    let details = lender
        .get(&app, &format!("{APP}/FIU/FI/AccountDetail/{session}"))
        .await
        .ok();
    let shown: Vec<_> = details
        .as_array()
        .expect("accounts")
        .iter()
        .map(|row| row["fi_status"].clone())
        .collect();
    assert_eq!(shown, ["READY", "TIMEOUT", "DENIED"]);
}

/// FIP and name of two deposit accounts that are not linked.
async fn two_more_accounts(app: &TestApp) -> Vec<(String, String)> {
    let items = app
        .get("/_mockaa/v1/customers/9876500001@ink/accounts?fiType=DEPOSIT")
        .await
        .ok()["items"]
        .clone();
    let mut found = Vec::new();
    for fip in ["FIP-2", "ACME-FIP"] {
        let account = items
            .as_array()
            .expect("a list")
            .iter()
            .find(|item| item["fipId"] == fip)
            .expect("an account");
        found.push((fip.to_owned(), text(&account["accRefNumber"])));
    }
    found
}

async fn link(app: &TestApp, fip: &str, account: &str) {
    let customer = "/_mockaa/v1/customers/9876500001@ink";
    let wish = app
        .post(
            &format!("{customer}/link"),
            &json!({ "fipId": fip, "accounts": [account] }),
        )
        .await
        .ok();
    if wish["AuthenticatorType"] == "TOKEN" {
        let token = json!({ "refNumber": wish["RefNumber"], "token": "1234" });
        app.post(&format!("{customer}/verify"), &token).await.ok();
    } else {
        let acme = Actor::acme();
        let word = crate::helpers::rebit_message("Notifier", "");
        let mut body = word;
        body["Notifier"] = json!({ "type": "FIP", "id": "ACME-FIP" });
        body["AccountLinkStatusNotification"] = json!({
            "accRefNumber": account, "customerAddress": "9876500001@ink",
            "linkRefNumber": "6d2d8f36-1d8b-4a7c-9f0e-0a4f6a3f7f11", "linkStatus": "LINKED",
        });
        acme.post(app, "/Account/link/Notification", &body)
            .await
            .ok();
    }
}

#[tokio::test]
async fn several_accounts_are_mixed_in_the_same_rows() {
    let app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    for (fip, account) in two_more_accounts(&app).await {
        link(&app, &fip, &account).await;
    }
    let handle = lender.raise(&app, |_| ()).await;
    app.act(&handle, "approve").await.ok();
    let session = lender.session(&app, &handle).await;
    let fetched = lender.fetch(&app, &session).await.ok();
    let numbers = |rows: &str| -> std::collections::BTreeSet<String> {
        fetched["DEPOSIT"][rows]
            .as_array()
            .expect("rows")
            .iter()
            .map(|row| text(&row["accountNumber"]))
            .collect()
    };
    assert_eq!(numbers("summary").len(), 3);
    assert_eq!(
        (numbers("summary"), numbers("accountHolder")),
        (numbers("transactions"), numbers("summary"))
    );
}

#[tokio::test]
async fn a_scenario_that_delivers_answers_the_request_that_unaport_makes() {
    let mut app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    let handle = lender.raise_with(&app, "approve-deposit", |_| ()).await;
    app.advance("2s").await;
    assert_eq!(
        app.get("/_mockaa/v1/sessions").await.ok()["items"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    assert_eq!(lender.notified(&app, &handle).await.len(), 1);
    let arrived = app.fiu.arrived();
    let paths: Vec<_> = arrived
        .iter()
        .map(|message| message.path.as_str())
        .collect();
    assert_eq!(
        paths,
        [CONSENTS, CONSENTS, DATA, "/FI/Data"],
        "the statement itself goes below the base URL"
    );
    let pushed = arrived[3].json();
    assert_eq!(
        (
            &pushed["trackingId"],
            pushed["FIData"]["xml"].as_array().map(Vec::len)
        ),
        (&json!("LOAN-4711"), Some(1))
    );
    let fetched = lender
        .fetch(&app, &lender.session(&app, &handle).await)
        .await
        .ok();
    assert_eq!(
        pushed["FIData"]["statement"]["DEPOSIT"], fetched["DEPOSIT"],
        "the same rows as are fetched"
    );
    // A face that is manual waits.
    let app = TestApp::with(mockaa::SandboxBuilder::manual_data).await;
    let lender = Lender::arrive(&app).await;
    let handle = lender.raise(&app, |_| ()).await;
    app.act(&handle, "approve").await.ok();
    let session = text(&app.get("/_mockaa/v1/sessions").await.ok()["items"][0]["sessionId"]);
    assert!(lender.notified(&app, &handle).await.is_empty());
    app.post(
        &format!("/_mockaa/v1/sessions/{session}/deliver"),
        &Value::Null,
    )
    .await
    .ok();
    assert_eq!(lender.session(&app, &handle).await, session);
}

#[tokio::test]
async fn the_oddities_of_fetch_data_come_when_a_scenario_asks() {
    let folder = std::env::temp_dir().join(format!("mockaa-unaport-odd-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let scenario = "version: 1\nname: odd\nfetch_quirks: [deposit-v2, first-empty, no-seconds, java-numbers]\nsteps:\n  - { approve: {} }\n";
    std::fs::write(folder.join("odd.yaml"), scenario).expect("it is written");
    let app = TestApp::with(|builder| builder.scenarios(&folder)).await;
    std::fs::write(
        folder.join("wrong.yaml"),
        "version: 1\nname: wrong\nfetch_quirks: [depositv2]\ndata: later\n",
    )
    .expect("it is written");
    let refused = app.post("/_mockaa/v1/scenarios/reload", &Value::Null).await;
    std::fs::remove_dir_all(&folder).expect("it is ours");
    assert!(
        refused
            .text
            .contains("one of deposit-v2, first-empty, no-seconds, java-numbers"),
        "{}",
        refused.text
    );
    assert!(
        refused
            .text
            .contains("'later' is not one of immediate, timed, manual"),
        "{}",
        refused.text
    );

    let lender = Lender::arrive(&app).await;
    let plain = lender.raise(&app, |_| ()).await;
    app.act(&plain, "approve").await.ok();
    let odd = lender.raise_with(&app, "odd", |_| ()).await;
    let session = lender.session(&app, &odd).await;
    let first = lender.fetch(&app, &session).await.ok();
    assert_eq!(
        (&first["tabs"], first.get("DEPOSIT_V2")),
        (&json!([]), None)
    );
    let second = lender.fetch(&app, &session).await.ok();
    assert_eq!(second["tabs"], json!([{ "name": "DEPOSIT_V2" }]));
    let ordinary = lender.session(&app, &plain).await;
    let ordinary = lender.fetch(&app, &ordinary).await.ok();
    let (odd, plain) = (
        &second["DEPOSIT_V2"]["transactions"],
        &ordinary["DEPOSIT"]["transactions"],
    );
    for (odd, plain) in odd
        .as_array()
        .expect("rows")
        .iter()
        .zip(plain.as_array().expect("rows"))
    {
        let at = text(&plain["tranTimestamp"]);
        assert_eq!(
            text(&odd["tranTimestamp"]),
            format!("{}{}", &at[..16], &at[19..])
        );
        let (odd, plain) = (text(&odd["amount"]), text(&plain["amount"]));
        // Below ten millions, Java leaves out one zero at the end.
        assert_eq!(odd, plain.strip_suffix('0').unwrap_or(&plain));
    }
}

#[tokio::test]
async fn an_answer_that_falls_into_a_pause_or_before_the_start_comes_later() {
    let app = TestApp::with(mockaa::SandboxBuilder::timed_data).await;
    let lender = Lender::arrive(&app).await;
    let handle = lender.raise(&app, |_| ()).await;
    app.act(&handle, "approve").await.ok();
    app.advance("4s").await;
    app.act(&handle, "pause").await.ok();
    app.advance("5s").await;
    assert!(lender.notified(&app, &handle).await.is_empty());
    app.act(&handle, "resume").await.ok();
    assert_eq!(
        lender.notified(&app, &handle).await[0]["FIStatusNotification"]["sessionStatus"],
        "COMPLETED"
    );

    let app = TestApp::start().await;
    let mut lender = Lender::arrive(&app).await;
    let handle = lender
        .raise_with(&app, "approve-deposit", |body| {
            detail(body)["consentStart"] = "2020-07-05T06:00:00.000Z".into();
        })
        .await;
    app.advance("2s").await;
    assert!(lender.notified(&app, &handle).await.is_empty());
    app.advance("P1D").await;
    lender = Lender::log_in(&app).await;
    assert_eq!(lender.notified(&app, &handle).await.len(), 1);
}

#[tokio::test]
async fn what_is_not_there_is_not_taken() {
    let app = TestApp::with(mockaa::SandboxBuilder::manual_data).await;
    let lender = Lender::arrive(&app).await;
    let handle = lender.raise(&app, |_| ()).await;
    app.act(&handle, "approve").await.ok();
    let session = text(&app.get("/_mockaa/v1/sessions").await.ok()["items"][0]["sessionId"]);
    let written = app.journal().await.len();
    for _ in 0..3 {
        assert_eq!(lender.fetch(&app, &session).await.ok()["tabs"], json!([]));
    }
    assert_eq!(lender.record(&app, &handle).await["consentidCalled"], 0);
    assert_eq!(
        app.journal().await.len(),
        written,
        "looking changes nothing"
    );
    app.post(
        &format!("/_mockaa/v1/sessions/{session}/deliver"),
        &Value::Null,
    )
    .await
    .ok();
    lender.fetch(&app, &session).await.ok();
    assert_eq!(lender.record(&app, &handle).await["consentidCalled"], 1);
}

#[tokio::test]
async fn a_pause_that_ends_before_the_next_run_does_not_lose_it() {
    let app = TestApp::start().await;
    let mut lender = Lender::arrive(&app).await;
    let periodic = lender
        .raise(&app, |body| {
            detail(body)["fetchType"] = "PERIODIC".into();
            detail(body)["Frequency"] = json!({ "unit": "DAY", "value": 1 });
        })
        .await;
    let later = lender
        .raise(&app, |body| {
            detail(body)["consentStart"] = "2020-07-07T06:00:00.000Z".into();
        })
        .await;
    for handle in [&periodic, &later] {
        app.act(handle, "approve").await.ok();
        app.act(handle, "pause").await.ok();
    }
    app.advance("1h").await;
    for handle in [&periodic, &later] {
        app.act(handle, "resume").await.ok();
    }
    app.advance("P5D").await;
    lender = Lender::log_in(&app).await;
    assert_eq!(lender.record(&app, &periodic).await["runCounter"], 6);
    assert_eq!(lender.notified(&app, &later).await.len(), 1);
}

#[tokio::test]
async fn asking_for_the_head_of_the_data_takes_nothing() {
    let app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    let handle = lender.raise(&app, |_| ()).await;
    app.act(&handle, "approve").await.ok();
    let session = lender.session(&app, &handle).await;
    let path = format!("{APP}/FIU/FifetchDataBySessionId/{session}");
    let head = app
        .request(Method::HEAD, &path)
        .bearer_auth(&lender.access)
        .send()
        .await
        .expect("it answers");
    assert_eq!(head.status(), 200);
    assert_eq!(lender.record(&app, &handle).await["consentidCalled"], 0);
    app.advance("P31D").await;
    let lender = Lender::log_in(&app).await;
    let head = app
        .request(Method::HEAD, &path)
        .bearer_auth(&lender.access)
        .send()
        .await
        .expect("it answers");
    assert_eq!(head.status(), 404, "it is gone, as a GET says");
}

#[tokio::test]
async fn data_that_never_came_is_told_to_be_over() {
    let mut app = TestApp::with(mockaa::SandboxBuilder::manual_data).await;
    let lender = Lender::arrive(&app).await;
    let handle = lender
        .raise(&app, |body| {
            detail(body)["DataLife"] = json!({ "unit": "DAY", "value": 1 });
        })
        .await;
    app.act(&handle, "approve").await.ok();
    app.advance("P1D").await;
    let last = app.fiu.arrived().pop().expect("a webhook").json();
    assert_eq!(last["FIStatusNotification"]["sessionStatus"], "EXPIRED");
}
