//! Scheduled data fetches: their times, their content and their quirks.

use reqwest::Method;
use serde_json::{Value, json};

use super::drain_webhooks;
use crate::helpers::TestApp;
use crate::lender::{
    APP_PREFIX, CONSENT_HOOK, DATA_HOOK, Lender, consent_detail_mut, expect_text, start_configured,
};
use crate::participants::Participant;

#[tokio::test]
async fn the_recorded_timing_is_reproduced() {
    let mut app = TestApp::start().await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    let handle = lender
        .raise_with_scenario(&app, "recorded-timing", |_| ())
        .await;
    // In the recording: created 04:50:20.089, approved 39.331, requested 43.000, notified 44.748.
    for (by, expected) in [
        ("19241ms", &[][..]),
        ("1ms", &["READY", "ACTIVE"]),
        ("3668ms", &[]),
        ("1ms", &[]),
        ("1747ms", &[]),
        ("1ms", &["COMPLETED"]),
    ] {
        app.advance_clock(by).await;
        let statuses: Vec<_> = drain_webhooks(&mut app)
            .into_iter()
            .map(|(_, status)| status)
            .collect();
        assert_eq!(statuses, expected, "after {by}");
    }
    let record = lender.fetch_record(&app, &handle).await;
    assert_eq!(record["notificationDate"], "2020-07-04T06:00:19.242+00:00");
    assert_eq!(record["lastRuntime"], "2020-07-04T06:00:22.911+00:00");
    assert_eq!(record["nextRuntime"], Value::Null);
    assert_eq!(
        lender.fetch_notifications(&app, &handle).await[0]["timestamp"],
        "2020-07-04T06:00:24.659+00:00"
    );
}

#[tokio::test]
async fn a_timed_sandbox_has_an_empty_session_between_request_and_answer() {
    let app = TestApp::start_with(mockaa::SandboxBuilder::timed_data).await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    let handle = lender.raise_consent(&app, |_| ()).await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    assert_eq!(
        lender.fetch_record(&app, &handle).await["lastRuntime"],
        Value::Null
    );
    app.advance_clock("4s").await;
    let open = app.get("/_mockaa/v1/sessions").await.expect_ok()["items"][0].clone();
    assert_eq!(open["sessionStatus"], "ACTIVE");
    let early = lender
        .fetch_data(&app, open["sessionId"].as_str().expect("an id"))
        .await
        .expect_ok();
    assert_eq!((&early["tabs"], early.get("DEPOSIT")), (&json!([]), None));
    app.advance_clock("2s").await;
    let session = lender.fetch_newest_session(&app, &handle).await;
    assert_eq!(
        lender.fetch_data(&app, &session).await.expect_ok()["tabs"],
        json!([{ "name": "DEPOSIT" }])
    );
}

#[tokio::test]
async fn a_periodic_consent_fetches_again_by_its_frequency() {
    let mut app = TestApp::start().await;
    let mut lender = Lender::log_in_with_webhooks(&app).await;
    let handle = lender
        .raise_consent(&app, |body| {
            consent_detail_mut(body)["fetchType"] = "PERIODIC".into();
            consent_detail_mut(body)["Frequency"] = json!({ "unit": "DAY", "value": 2 });
            consent_detail_mut(body)["consentExpiry"] = "2020-07-07T06:00:00.000Z".into();
        })
        .await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    let runtimes = |record: &Value| {
        (
            record["lastRuntime"].clone(),
            record["nextRuntime"].clone(),
            record["runCounter"].clone(),
        )
    };
    let record = lender.fetch_record(&app, &handle).await;
    let first = (
        json!("2020-07-04T06:00:00.000+00:00"),
        json!("2020-07-04T18:00:00.000+00:00"),
        json!(1),
    );
    assert_eq!(runtimes(&record), first);
    app.advance_clock("12h").await;
    lender = Lender::log_in(&app).await;
    let second = (
        json!("2020-07-04T18:00:00.000+00:00"),
        json!("2020-07-05T06:00:00.000+00:00"),
        json!(2),
    );
    assert_eq!(runtimes(&lender.fetch_record(&app, &handle).await), second);
    let notified = lender.fetch_notifications(&app, &handle).await;
    let sessions: Vec<_> = notified
        .iter()
        .map(|notification| expect_text(&notification["FIStatusNotification"]["sessionId"]))
        .collect();
    assert!(sessions.len() == 2 && sessions[0] != sessions[1]);
    assert_eq!(
        notified[0]["timestamp"], "2020-07-04T18:00:00.000+00:00",
        "newest notification first"
    );
    for session in &sessions {
        lender.fetch_data(&app, session).await.expect_ok();
    }

    // A pause defers scheduled fetches; on resume, the missed ones run once.
    app.apply_verb(&handle, "pause").await.expect_ok();
    app.advance_clock("P1D").await;
    lender = Lender::log_in(&app).await;
    assert_eq!(lender.fetch_notifications(&app, &handle).await.len(), 2);
    app.apply_verb(&handle, "resume").await.expect_ok();
    assert_eq!(lender.fetch_notifications(&app, &handle).await.len(), 3);
    assert_eq!(lender.fetch_record(&app, &handle).await["runCounter"], 3);
    // The scheduled fetches end with the consent.
    app.advance_clock("P10D").await;
    lender = Lender::log_in(&app).await;
    let record = lender.fetch_record(&app, &handle).await;
    assert_eq!(
        (&record["nextRuntime"], &record["consentStatus"]),
        (&Value::Null, &json!("EXPIRED"))
    );
    assert_eq!(
        record["runCounter"], 5,
        "18:00 on the 5th, then twelve hours apart until the 7th at 6:00, which is the end"
    );
    assert_eq!(
        drain_webhooks(&mut app)
            .iter()
            .filter(|(path, _)| path == DATA_HOOK)
            .count(),
        5,
        "each session is notified"
    );
}

#[tokio::test]
async fn data_is_not_asked_for_before_the_consent_starts() {
    let app = TestApp::start().await;
    let mut lender = Lender::log_in_with_webhooks(&app).await;
    let handle = lender
        .raise_consent(&app, |body| {
            consent_detail_mut(body)["consentStart"] = "2020-07-06T06:00:00.000Z".into();
        })
        .await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    assert!(lender.fetch_notifications(&app, &handle).await.is_empty());
    let record = lender.fetch_record(&app, &handle).await;
    assert_eq!(
        (&record["lastRuntime"], &record["nextRuntime"]),
        (&Value::Null, &json!("2020-07-06T06:00:00.000+00:00"))
    );
    app.advance_clock("P2D").await;
    lender = Lender::log_in(&app).await;
    assert_eq!(lender.fetch_notifications(&app, &handle).await.len(), 1);
}

#[tokio::test]
async fn accounts_that_fail_come_in_a_notification_that_succeeds() {
    let folder =
        std::env::temp_dir().join(format!("mockaa-unaport-partial-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let scenario = "version: 1\nname: partial\nsteps:\n  - { approve: {} }\nrules:\n  - { when: fi.requested, after: 1s, deliver: { fips: { FIP-1: READY, FIP-2: \
                    TIMEOUT, ACME-FIP: DENIED } } }\n";
    std::fs::write(folder.join("partial.yaml"), scenario).expect("the file is written");
    let mut app = TestApp::start_with(|builder| builder.scenarios(&folder)).await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    for (fip, account) in find_unlinked_accounts(&app).await {
        link_account(&app, &fip, &account).await;
    }
    let handle = lender.raise_with_scenario(&app, "partial", |_| ()).await;
    app.advance_clock("1s").await;
    std::fs::remove_dir_all(&folder).expect("the folder is removed");
    let notification =
        app.fiu.drain_messages().pop().expect("a webhook").json()["FIStatusNotification"].clone();
    assert_eq!(notification["sessionStatus"], "FAILED");
    let statuses: Vec<_> = notification["FIStatusResponse"]
        .as_array()
        .expect("FIPs")
        .iter()
        .map(|fip| {
            (
                expect_text(&fip["fipID"]),
                expect_text(&fip["Accounts"][0]["FIStatus"]),
                expect_text(&fip["Accounts"][0]["description"]),
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
        expected.map(|(fip, status, description)| (
            fip.to_owned(),
            status.to_owned(),
            description.to_owned()
        ))
    );
    // The data that is available can be fetched.
    let session = lender.fetch_newest_session(&app, &handle).await;
    let fetched = lender.fetch_data(&app, &session).await.expect_ok();
    assert_eq!(
        fetched["DEPOSIT"]["summary"].as_array().map(Vec::len),
        Some(1)
    );
    let details = lender
        .get(
            &app,
            &format!("{APP_PREFIX}/FIU/FI/AccountDetail/{session}"),
        )
        .await
        .expect_ok();
    let fi_statuses: Vec<_> = details
        .as_array()
        .expect("accounts")
        .iter()
        .map(|row| row["fi_status"].clone())
        .collect();
    assert_eq!(fi_statuses, ["READY", "TIMEOUT", "DENIED"]);
}

/// Returns FIP and account reference number of two deposit accounts that are not linked.
async fn find_unlinked_accounts(app: &TestApp) -> Vec<(String, String)> {
    let items = app
        .get("/_mockaa/v1/customers/9876500001@ink/accounts?fiType=DEPOSIT")
        .await
        .expect_ok()["items"]
        .clone();
    let mut accounts = Vec::new();
    for fip in ["FIP-2", "ACME-FIP"] {
        let account = items
            .as_array()
            .expect("a list")
            .iter()
            .find(|item| item["fipId"] == fip)
            .expect("an account");
        accounts.push((fip.to_owned(), expect_text(&account["accRefNumber"])));
    }
    accounts
}

async fn link_account(app: &TestApp, fip: &str, account: &str) {
    let customer = "/_mockaa/v1/customers/9876500001@ink";
    let link_reply = app
        .post(
            &format!("{customer}/link"),
            &json!({ "fipId": fip, "accounts": [account] }),
        )
        .await
        .expect_ok();
    if link_reply["AuthenticatorType"] == "TOKEN" {
        let token = json!({ "refNumber": link_reply["RefNumber"], "token": "1234" });
        app.post(&format!("{customer}/verify"), &token)
            .await
            .expect_ok();
    } else {
        let acme = Participant::acme_fip();
        let message = crate::helpers::rebit_message("Notifier", "");
        let mut body = message;
        body["Notifier"] = json!({ "type": "FIP", "id": "ACME-FIP" });
        body["AccountLinkStatusNotification"] = json!({
            "accRefNumber": account, "customerAddress": "9876500001@ink",
            "linkRefNumber": "6d2d8f36-1d8b-4a7c-9f0e-0a4f6a3f7f11", "linkStatus": "LINKED",
        });
        acme.post(app, "/Account/link/Notification", &body)
            .await
            .expect_ok();
    }
}

#[tokio::test]
async fn several_accounts_are_mixed_in_the_same_rows() {
    let app = TestApp::start().await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    for (fip, account) in find_unlinked_accounts(&app).await {
        link_account(&app, &fip, &account).await;
    }
    let handle = lender.raise_consent(&app, |_| ()).await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    let session = lender.fetch_newest_session(&app, &handle).await;
    let fetched = lender.fetch_data(&app, &session).await.expect_ok();
    let numbers = |rows: &str| -> std::collections::BTreeSet<String> {
        fetched["DEPOSIT"][rows]
            .as_array()
            .expect("rows")
            .iter()
            .map(|row| expect_text(&row["accountNumber"]))
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
    let lender = Lender::log_in_with_webhooks(&app).await;
    let handle = lender
        .raise_with_scenario(&app, "approve-deposit", |_| ())
        .await;
    app.advance_clock("2s").await;
    assert_eq!(
        app.get("/_mockaa/v1/sessions").await.expect_ok()["items"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    assert_eq!(lender.fetch_notifications(&app, &handle).await.len(), 1);
    let messages = app.fiu.drain_messages();
    let paths: Vec<_> = messages
        .iter()
        .map(|message| message.path.as_str())
        .collect();
    assert_eq!(
        paths,
        [CONSENT_HOOK, CONSENT_HOOK, DATA_HOOK, "/FI/Data"],
        "statements are pushed below the base URL"
    );
    let pushed = messages[3].json();
    assert_eq!(
        (
            &pushed["trackingId"],
            pushed["FIData"]["xml"].as_array().map(Vec::len)
        ),
        (&json!("LOAN-4711"), Some(1))
    );
    let fetched = lender
        .fetch_data(&app, &lender.fetch_newest_session(&app, &handle).await)
        .await
        .expect_ok();
    assert_eq!(
        pushed["FIData"]["statement"]["DEPOSIT"], fetched["DEPOSIT"],
        "the pushed rows equal the fetched ones"
    );
    // With manual data timing, the session waits.
    let app = TestApp::start_with(mockaa::SandboxBuilder::manual_data).await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    let handle = lender.raise_consent(&app, |_| ()).await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    let session =
        expect_text(&app.get("/_mockaa/v1/sessions").await.expect_ok()["items"][0]["sessionId"]);
    assert!(lender.fetch_notifications(&app, &handle).await.is_empty());
    app.post(
        &format!("/_mockaa/v1/sessions/{session}/deliver"),
        &Value::Null,
    )
    .await
    .expect_ok();
    assert_eq!(lender.fetch_newest_session(&app, &handle).await, session);
}

#[tokio::test]
async fn fetch_quirks_apply_when_a_scenario_enables_them() {
    let folder = std::env::temp_dir().join(format!("mockaa-unaport-odd-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let scenario = "version: 1\nname: odd\nfetch_quirks: [deposit-v2, first-empty, no-seconds, java-numbers]\nsteps:\n  - { approve: {} }\n";
    std::fs::write(folder.join("odd.yaml"), scenario).expect("the file is written");
    let app = TestApp::start_with(|builder| builder.scenarios(&folder)).await;
    std::fs::write(
        folder.join("wrong.yaml"),
        "version: 1\nname: wrong\nfetch_quirks: [depositv2]\ndata: later\n",
    )
    .expect("the file is written");
    let rejection = app.post("/_mockaa/v1/scenarios/reload", &Value::Null).await;
    std::fs::remove_dir_all(&folder).expect("the folder is removed");
    assert!(
        rejection
            .text
            .contains("one of deposit-v2, first-empty, no-seconds, java-numbers"),
        "{}",
        rejection.text
    );
    assert!(
        rejection
            .text
            .contains("'later' is not one of immediate, timed, manual"),
        "{}",
        rejection.text
    );

    let lender = Lender::log_in_with_webhooks(&app).await;
    let plain = lender.raise_consent(&app, |_| ()).await;
    app.apply_verb(&plain, "approve").await.expect_ok();
    let quirky = lender.raise_with_scenario(&app, "odd", |_| ()).await;
    let session = lender.fetch_newest_session(&app, &quirky).await;
    let first = lender.fetch_data(&app, &session).await.expect_ok();
    assert_eq!(
        (&first["tabs"], first.get("DEPOSIT_V2")),
        (&json!([]), None)
    );
    let second = lender.fetch_data(&app, &session).await.expect_ok();
    assert_eq!(second["tabs"], json!([{ "name": "DEPOSIT_V2" }]));
    let ordinary = lender.fetch_newest_session(&app, &plain).await;
    let ordinary = lender.fetch_data(&app, &ordinary).await.expect_ok();
    let (quirky, plain) = (
        &second["DEPOSIT_V2"]["transactions"],
        &ordinary["DEPOSIT"]["transactions"],
    );
    for (quirky, plain) in quirky
        .as_array()
        .expect("rows")
        .iter()
        .zip(plain.as_array().expect("rows"))
    {
        let at = expect_text(&plain["tranTimestamp"]);
        assert_eq!(
            expect_text(&quirky["tranTimestamp"]),
            format!("{}{}", &at[..16], &at[19..])
        );
        let (quirky, plain) = (
            expect_text(&quirky["amount"]),
            expect_text(&plain["amount"]),
        );
        // Below ten million, Java prints one trailing zero less.
        assert_eq!(quirky, plain.strip_suffix('0').unwrap_or(&plain));
    }
}

#[tokio::test]
async fn an_answer_that_falls_into_a_pause_or_before_the_start_comes_later() {
    let app = TestApp::start_with(mockaa::SandboxBuilder::timed_data).await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    let handle = lender.raise_consent(&app, |_| ()).await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    app.advance_clock("4s").await;
    app.apply_verb(&handle, "pause").await.expect_ok();
    app.advance_clock("5s").await;
    assert!(lender.fetch_notifications(&app, &handle).await.is_empty());
    app.apply_verb(&handle, "resume").await.expect_ok();
    assert_eq!(
        lender.fetch_notifications(&app, &handle).await[0]["FIStatusNotification"]["sessionStatus"],
        "COMPLETED"
    );

    let app = TestApp::start().await;
    let mut lender = Lender::log_in_with_webhooks(&app).await;
    let handle = lender
        .raise_with_scenario(&app, "approve-deposit", |body| {
            consent_detail_mut(body)["consentStart"] = "2020-07-05T06:00:00.000Z".into();
        })
        .await;
    app.advance_clock("2s").await;
    assert!(lender.fetch_notifications(&app, &handle).await.is_empty());
    app.advance_clock("P1D").await;
    lender = Lender::log_in(&app).await;
    assert_eq!(lender.fetch_notifications(&app, &handle).await.len(), 1);
}

#[tokio::test]
async fn fetching_before_delivery_changes_nothing() {
    let app = TestApp::start_with(mockaa::SandboxBuilder::manual_data).await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    let handle = lender.raise_consent(&app, |_| ()).await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    let session =
        expect_text(&app.get("/_mockaa/v1/sessions").await.expect_ok()["items"][0]["sessionId"]);
    let written = app.read_journal_events().await.len();
    for _ in 0..3 {
        assert_eq!(
            lender.fetch_data(&app, &session).await.expect_ok()["tabs"],
            json!([])
        );
    }
    assert_eq!(
        lender.fetch_record(&app, &handle).await["consentidCalled"],
        0
    );
    assert_eq!(
        app.read_journal_events().await.len(),
        written,
        "an empty fetch changes nothing"
    );
    app.post(
        &format!("/_mockaa/v1/sessions/{session}/deliver"),
        &Value::Null,
    )
    .await
    .expect_ok();
    lender.fetch_data(&app, &session).await.expect_ok();
    assert_eq!(
        lender.fetch_record(&app, &handle).await["consentidCalled"],
        1
    );
}

#[tokio::test]
async fn a_pause_that_ends_before_the_next_run_does_not_lose_it() {
    let app = TestApp::start().await;
    let mut lender = Lender::log_in_with_webhooks(&app).await;
    let periodic = lender
        .raise_consent(&app, |body| {
            consent_detail_mut(body)["fetchType"] = "PERIODIC".into();
            consent_detail_mut(body)["Frequency"] = json!({ "unit": "DAY", "value": 1 });
        })
        .await;
    let later = lender
        .raise_consent(&app, |body| {
            consent_detail_mut(body)["consentStart"] = "2020-07-07T06:00:00.000Z".into();
        })
        .await;
    for handle in [&periodic, &later] {
        app.apply_verb(handle, "approve").await.expect_ok();
        app.apply_verb(handle, "pause").await.expect_ok();
    }
    app.advance_clock("1h").await;
    for handle in [&periodic, &later] {
        app.apply_verb(handle, "resume").await.expect_ok();
    }
    app.advance_clock("P5D").await;
    lender = Lender::log_in(&app).await;
    assert_eq!(lender.fetch_record(&app, &periodic).await["runCounter"], 6);
    assert_eq!(lender.fetch_notifications(&app, &later).await.len(), 1);
}

#[tokio::test]
async fn a_head_request_for_the_data_counts_as_no_fetch() {
    let app = TestApp::start().await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    let handle = lender.raise_consent(&app, |_| ()).await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    let session = lender.fetch_newest_session(&app, &handle).await;
    let path = format!("{APP_PREFIX}/FIU/FifetchDataBySessionId/{session}");
    let head = app
        .request(Method::HEAD, &path)
        .bearer_auth(&lender.access_token)
        .send()
        .await
        .expect("a response");
    assert_eq!(head.status(), 200);
    assert_eq!(
        lender.fetch_record(&app, &handle).await["consentidCalled"],
        0
    );
    app.advance_clock("P31D").await;
    let lender = Lender::log_in(&app).await;
    let head = app
        .request(Method::HEAD, &path)
        .bearer_auth(&lender.access_token)
        .send()
        .await
        .expect("a response");
    assert_eq!(head.status(), 404, "404, as for GET");
}

#[tokio::test]
async fn undelivered_data_is_notified_as_expired() {
    let mut app = TestApp::start_with(mockaa::SandboxBuilder::manual_data).await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    let handle = lender
        .raise_consent(&app, |body| {
            consent_detail_mut(body)["DataLife"] = json!({ "unit": "DAY", "value": 1 });
        })
        .await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    app.advance_clock("P1D").await;
    let last = app.fiu.drain_messages().pop().expect("a webhook").json();
    assert_eq!(last["FIStatusNotification"]["sessionStatus"], "EXPIRED");
}

/// The name of the tab is the service's, so data that a scenario drives has it without asking for
/// it.
#[tokio::test]
async fn the_tab_of_bank_accounts_has_the_configured_name() {
    let file = "[unaport]\ndeposit_tab = \"DEPOSIT_V2\"\n";
    let app = start_configured("deposit-tab", file).await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    let handle = lender.raise_with_scenario(&app, "approve", |_| ()).await;
    let session = lender.fetch_newest_session(&app, &handle).await;
    let data = lender.fetch_data(&app, &session).await.expect_ok();
    assert_eq!(data["tabs"], json!([{ "name": "DEPOSIT_V2" }]));
    let tab = &data["DEPOSIT_V2"];
    let branch = expect_text(&tab["summary"][0]["branch"]);
    assert!(
        branch.len() == 4 && branch.bytes().all(|byte| byte.is_ascii_digit()),
        "{branch}"
    );
    assert!(tab["summary"][0]["facility"].is_string());
    let keys: Vec<_> = tab.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["summary", "accountHolder", "transactions"]);
}

/// The page lists nine FI types. The two types of insurance are not among them.
#[tokio::test]
async fn types_that_the_page_does_not_list_are_refused_by_name() {
    let app = TestApp::start().await;
    let lender = Lender::log_in(&app).await;
    for fi_type in ["LIFE_INSURANCE", "GENERAL_INSURANCE"] {
        let reply = lender
            .create_consent(&app, |body| {
                body["ConsentsRequest"]["ConsentDetail"]["fiTypes"] = json!([fi_type]);
            })
            .await;
        assert_eq!(reply.status, 400, "{}", reply.text);
        assert!(
            reply.text.contains("fiTypes") && reply.text.contains("INSURANCE_POLICIES"),
            "{}",
            reply.text
        );
    }
}
