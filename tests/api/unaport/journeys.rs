//! Complete journeys, and the bodies of their responses.

use serde_json::{Value, json};

use super::object_keys;
use crate::helpers::{NOW, TestApp};
use crate::inbox::Message;
use crate::lender::{
    AA_ID, APP_PREFIX, COMMON_PREFIX, CONSENT_HOOK, DATA_HOOK, Lender, consent_template,
    credentials, expect_text, start_configured, template_consent_request,
};
use crate::participants::{Journey, Participant};

#[tokio::test]
async fn a_lender_goes_from_login_to_the_data_by_template() {
    let mut app = TestApp::start().await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    let saved = lender
        .post(
            &app,
            &format!("{APP_PREFIX}/FIU/InsertProduct/{}", lender.org_id),
            &consent_template(),
        )
        .await
        .expect_ok();
    assert_eq!(
        object_keys(&saved),
        ["version", "txnId", "productId", "productName", "timestamp"]
    );
    let listed = lender
        .get(
            &app,
            &format!("{APP_PREFIX}/FIU/ProductList/{}", lender.org_id),
        )
        .await
        .expect_ok();
    assert_eq!(
        (&listed["version"], &listed["Data"][0]["productId"]),
        (&json!("2.0.0"), &saved["productId"])
    );
    // A template that was read can be sent again.
    let copy =
        json!({ "product_name": "Again", "ConsentDetail": listed["Data"][0]["ConsentDetail"] });
    lender
        .post(
            &app,
            &format!("{APP_PREFIX}/FIU/InsertProduct/{}", lender.org_id),
            &copy,
        )
        .await
        .expect_ok();

    let body = template_consent_request(saved["productId"].as_str().expect("an id"));
    let created = lender
        .post(
            &app,
            &format!("{APP_PREFIX}/FIU/Consents/product/{}", lender.org_id),
            &body,
        )
        .await
        .expect_ok();
    assert_eq!(created["Customer"]["id"], "9876500001@ink");
    assert_eq!(created["success"], "Consent created successfully");
    let handle = expect_text(&created["ConsentHandle"]);
    assert_eq!(
        lender.fetch_statuses(&app, &handle).await,
        ("PENDING".to_owned(), "CREATED".to_owned())
    );
    assert!(
        lender.fetch_notifications(&app, &handle).await.is_empty(),
        "no data yet, and no error"
    );

    // The months of the template have become dates relative to today.
    let record = lender.fetch_record(&app, &handle).await;
    let request: Value = serde_json::from_str(record["consentsDetail"].as_str().expect("a text"))
        .expect("JSON in a text");
    let terms = &request["ConsentDetail"];
    assert_eq!(
        [
            &terms["consentStart"],
            &terms["consentExpiry"],
            &terms["FIDataRange"]["from"],
            &terms["FIDataRange"]["to"]
        ],
        [
            NOW,
            "2021-07-04T06:00:00.000Z",
            "2019-07-04T06:00:00.000Z",
            "2021-07-04T06:00:00.000Z"
        ]
    );

    app.apply_verb(&handle, "approve").await.expect_ok();
    app.advance_clock("0s").await;
    let messages = app.fiu.drain_messages();
    let paths: Vec<_> = messages
        .iter()
        .map(|message| message.path.as_str())
        .collect();
    assert_eq!(paths, [CONSENT_HOOK, CONSENT_HOOK, DATA_HOOK]);
    let (ready, data) = (messages[0].json(), messages[2].json());
    assert_eq!(ready["ConsentStatusNotification"]["consentStatus"], "READY");
    assert_eq!(
        (&ready["trackingId"], &data["trackingId"]),
        (&json!("LOAN-4712"), &json!("LOAN-4712"))
    );
    assert_eq!(
        (&data["Notifier"]["id"], &data["consentId"]),
        (&json!(AA_ID), &ready["consentId"])
    );

    // Polling returns the same content as the webhook.
    let notified = lender.fetch_notifications(&app, &handle).await;
    assert_eq!((notified.len(), &notified[0]["txnid"]), (1, &data["txnid"]));
    assert_eq!(
        notified[0]["FIStatusNotification"],
        data["FIStatusNotification"]
    );
    let session = expect_text(&data["FIStatusNotification"]["sessionId"]);
    let fetched = lender.fetch_data(&app, &session).await.expect_ok();
    assert_eq!(fetched["tabs"], json!([{ "name": "DEPOSIT" }]));
    let deposit = &fetched["DEPOSIT"];
    let rows = deposit["transactions"].as_array().expect("rows");
    assert!(
        rows.len() > 50
            && rows
                .iter()
                .all(|row| row["orgId"] == lender.org_id.as_str()),
        "{}",
        rows.len()
    );
    for row in ["summary", "accountHolder", "transactions"] {
        assert_eq!(deposit[row][0]["sessionId"], session.as_str());
        assert_eq!(
            deposit[row][0]["accountNumber"],
            deposit["summary"][0]["accountNumber"]
        );
    }
    let record = lender.fetch_record(&app, &handle).await;
    assert_eq!(
        (&record["consentidCalled"], &record["runCounter"]),
        (&json!(1), &json!(0))
    );
}

#[tokio::test]
async fn every_body_has_the_fields_of_its_table() {
    let mut app = TestApp::start().await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    let login = app
        .post(
            &format!("{COMMON_PREFIX}/public/user/login"),
            &credentials(),
        )
        .await
        .expect_ok();
    let mut created = lender.create_consent(&app, |_| ()).await.expect_ok();
    let handle = expect_text(&created["ConsentHandle"]);
    created["redirectUrl"] = "(a short link)".into();
    app.apply_verb(&handle, "approve").await.expect_ok();
    app.advance_clock("0s").await;
    let session = lender.fetch_newest_session(&app, &handle).await;
    app.post(
        &format!("/_mockaa/v1/sessions/{session}/analytics"),
        &Value::Null,
    )
    .await
    .expect_ok();
    app.advance_clock("0s").await;
    let organisation = lender
        .get(&app, &format!("{COMMON_PREFIX}/FIU/getClientOrganisation"))
        .await
        .expect_ok();
    let mut record = lender
        .get(&app, &format!("{APP_PREFIX}/FIU/GetConsent/{handle}"))
        .await
        .expect_ok();
    record["Data"][0]["signedConsent"] = "(a compact JWS)".into();
    let mut fetched = lender.fetch_data(&app, &session).await.expect_ok();
    fetched["DEPOSIT"]["transactions"]
        .as_array_mut()
        .expect("rows")
        .truncate(1);
    let accounts = lender
        .get(
            &app,
            &format!("{APP_PREFIX}/FIU/FI/AccountDetail/{session}"),
        )
        .await
        .expect_ok();
    let webhooks: Vec<_> = app
        .fiu
        .drain_messages()
        .iter()
        .map(|message| (message.path.clone(), message.json()))
        .collect();
    let answers = json!({
        "login": object_keys(&login), "organisation": organisation, "created": created, "record": record,
        "status": lender.fetch_notifications(&app, &handle).await, "fetched": fetched, "accounts": accounts, "webhooks": webhooks,
    });
    insta::assert_json_snapshot!("unaport_answers", answers);
}

#[tokio::test]
async fn the_older_protocol_has_the_older_bodies() {
    let mut app = start_configured(
        "dialect",
        "[unaport]\nversion = \"1.7\"\nrejected_status = \"REJECTED\"\ntop_level_ids = false\n",
    )
    .await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    let login = app
        .post(
            &format!("{COMMON_PREFIX}/public/user/login"),
            &credentials(),
        )
        .await
        .expect_ok();
    assert_eq!(login["emailId"], "dev@lender.example");
    assert!(login.get("version").is_none() && login["not-before-policy"].is_number());
    let saved = lender
        .post(
            &app,
            &format!("{APP_PREFIX}/FIU/InsertProduct/{}", lender.org_id),
            &consent_template(),
        )
        .await
        .expect_ok();
    assert_eq!(
        (object_keys(&saved), &saved["status"]),
        (vec!["productId", "status"], &json!("200 OK"))
    );
    let listed = lender
        .get(
            &app,
            &format!("{APP_PREFIX}/FIU/ProductList/{}", lender.org_id),
        )
        .await
        .expect_ok();
    assert_eq!(object_keys(&listed), ["Data"]);
    let organisation = lender
        .get(&app, &format!("{COMMON_PREFIX}/FIU/getOrganisation"))
        .await
        .expect_ok();
    assert_eq!(
        (
            object_keys(&organisation["data"]).len(),
            &organisation["data"]["id"]
        ),
        (38, &json!(lender.org_id))
    );
    let handle = lender.raise_consent(&app, |_| ()).await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    let session = lender.fetch_newest_session(&app, &handle).await;
    assert_eq!(
        object_keys(&lender.fetch_data(&app, &session).await.expect_ok()),
        ["tabs", "DEPOSIT"]
    );
    let rejected = lender.raise_consent(&app, |_| ()).await;
    app.apply_verb(&rejected, "reject").await.expect_ok();
    app.advance_clock("0s").await;
    let messages = app.fiu.drain_messages();
    assert!(
        messages
            .iter()
            .all(|message| message.json().get("trackingId").is_none())
    );
    let webhook = messages
        .iter()
        .map(Message::json)
        .find(|body| body["ConsentStatusNotification"]["consentHandle"] == rejected.as_str())
        .expect("a webhook");
    assert_eq!(
        webhook["ConsentStatusNotification"]["consentStatus"],
        "REJECTED"
    );
    assert_eq!(
        webhook["ConsentStatusNotification"]["consentId"],
        Value::Null
    );
}

#[tokio::test]
async fn reads_do_not_change_later_answers() {
    let mut results = Vec::new();
    for read_count in [0, 5] {
        let app = TestApp::start().await;
        let lender = Lender::log_in_with_webhooks(&app).await;
        let saved = lender
            .post(
                &app,
                &format!("{APP_PREFIX}/FIU/InsertProduct/{}", lender.org_id),
                &consent_template(),
            )
            .await
            .expect_ok();
        for _ in 0..read_count {
            lender
                .get(
                    &app,
                    &format!("{APP_PREFIX}/FIU/ProductList/{}", lender.org_id),
                )
                .await
                .expect_ok();
            lender
                .get(&app, &format!("{APP_PREFIX}/FIU/GetConsent/x"))
                .await;
        }
        let body = template_consent_request(saved["productId"].as_str().expect("an id"));
        let mut created = lender
            .post(
                &app,
                &format!("{APP_PREFIX}/FIU/Consents/product/{}", lender.org_id),
                &body,
            )
            .await
            .expect_ok();
        created["redirectUrl"] = Value::Null;
        let handle = expect_text(&created["ConsentHandle"]);
        app.apply_verb(&handle, "approve").await.expect_ok();
        results.push((
            saved["productId"].clone(),
            created,
            lender.fetch_record(&app, &handle).await,
        ));
    }
    assert_eq!(results[0], results[1]);
}

#[tokio::test]
async fn an_fius_own_data_request_does_not_count_as_a_scheduled_run() {
    let app = TestApp::start_with(mockaa::SandboxBuilder::timed_data).await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    let handle = lender.raise_consent(&app, |_| ()).await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    let id = expect_text(&lender.fetch_record(&app, &handle).await["consentId"]);
    let journey = Journey {
        app: &app,
        fiu: Participant::unacores_fiu(),
    };
    let session_reply = journey
        .fiu
        .post(&app, "/FI/request", &journey.build_fi_request(&id).await)
        .await
        .expect_ok();
    app.advance_clock("10s").await;
    let notified = lender.fetch_notifications(&app, &handle).await;
    assert_eq!(notified.len(), 1, "the scheduled fetch takes place as well");
    let own_session = expect_text(&session_reply["sessionId"]);
    assert_ne!(
        notified[0]["FIStatusNotification"]["sessionId"],
        own_session.as_str()
    );
    assert_eq!(
        lender.fetch_data(&app, &own_session).await.status,
        404,
        "the FIU's own session is encrypted"
    );
    assert_eq!(
        lender.fetch_record(&app, &handle).await["lastRuntime"],
        "2020-07-04T06:00:03.669+00:00"
    );
}
