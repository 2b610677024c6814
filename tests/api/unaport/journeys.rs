//! Whole journeys, and the bodies that they see.

use serde_json::{Value, json};

use super::names;
use crate::actors::{Actor, Journey};
use crate::helpers::{NOW, TestApp};
use crate::inbox::Message;
use crate::lender::{
    AA, APP, COMMON, CONSENTS, DATA, Lender, by_template, configured, credentials, template, text,
};

#[tokio::test]
async fn a_lender_goes_from_login_to_the_data_by_template() {
    let mut app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    let saved = lender
        .post(
            &app,
            &format!("{APP}/FIU/InsertProduct/{}", lender.org),
            &template(),
        )
        .await
        .ok();
    assert_eq!(
        names(&saved),
        ["productId", "productName", "timestamp", "txnId", "version"]
    );
    let listed = lender
        .get(&app, &format!("{APP}/FIU/ProductList/{}", lender.org))
        .await
        .ok();
    assert_eq!(
        (&listed["version"], &listed["Data"][0]["productId"]),
        (&json!("2.0.0"), &saved["productId"])
    );
    // What comes back can be sent again.
    let again =
        json!({ "product_name": "Again", "ConsentDetail": listed["Data"][0]["ConsentDetail"] });
    lender
        .post(
            &app,
            &format!("{APP}/FIU/InsertProduct/{}", lender.org),
            &again,
        )
        .await
        .ok();

    let body = by_template(saved["productId"].as_str().expect("an id"));
    let created = lender
        .post(
            &app,
            &format!("{APP}/FIU/Consents/product/{}", lender.org),
            &body,
        )
        .await
        .ok();
    assert_eq!(created["Customer"]["id"], "9876500001@ink");
    assert_eq!(created["success"], "Consent created successfully");
    let handle = text(&created["ConsentHandle"]);
    assert_eq!(
        lender.statuses(&app, &handle).await,
        ("PENDING".to_owned(), "CREATED".to_owned())
    );
    assert!(
        lender.notified(&app, &handle).await.is_empty(),
        "no data yet, and no error"
    );

    // Months of the template have become dates of today.
    let record = lender.record(&app, &handle).await;
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

    app.act(&handle, "approve").await.ok();
    app.advance("0s").await;
    let messages = app.fiu.arrived();
    let seen: Vec<_> = messages
        .iter()
        .map(|message| message.path.as_str())
        .collect();
    assert_eq!(seen, [CONSENTS, CONSENTS, DATA]);
    let (ready, data) = (messages[0].json(), messages[2].json());
    assert_eq!(ready["ConsentStatusNotification"]["consentStatus"], "READY");
    assert_eq!(
        (&ready["trackingId"], &data["trackingId"]),
        (&json!("LOAN-4712"), &json!("LOAN-4712"))
    );
    assert_eq!(
        (&data["Notifier"]["id"], &data["consentId"]),
        (&json!(AA), &ready["consentId"])
    );

    // Polling tells the same as the webhook.
    let notified = lender.notified(&app, &handle).await;
    assert_eq!((notified.len(), &notified[0]["txnid"]), (1, &data["txnid"]));
    assert_eq!(
        notified[0]["FIStatusNotification"],
        data["FIStatusNotification"]
    );
    let session = text(&data["FIStatusNotification"]["sessionId"]);
    let fetched = lender.fetch(&app, &session).await.ok();
    assert_eq!(fetched["tabs"], json!([{ "name": "DEPOSIT" }]));
    let deposit = &fetched["DEPOSIT"];
    let rows = deposit["transactions"].as_array().expect("rows");
    assert!(
        rows.len() > 50 && rows.iter().all(|row| row["orgId"] == lender.org.as_str()),
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
    let record = lender.record(&app, &handle).await;
    assert_eq!(
        (&record["consentidCalled"], &record["runCounter"]),
        (&json!(1), &json!(0))
    );
}

#[tokio::test]
async fn every_body_has_the_fields_of_its_table() {
    let mut app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    let login = app
        .post(&format!("{COMMON}/public/user/login"), &credentials())
        .await
        .ok();
    let mut created = lender.ask(&app, |_| ()).await.ok();
    let handle = text(&created["ConsentHandle"]);
    created["redirectUrl"] = "(a short link)".into();
    app.act(&handle, "approve").await.ok();
    app.advance("0s").await;
    let session = lender.session(&app, &handle).await;
    app.post(
        &format!("/_mockaa/v1/sessions/{session}/analytics"),
        &Value::Null,
    )
    .await
    .ok();
    app.advance("0s").await;
    let organisation = lender
        .get(&app, &format!("{COMMON}/FIU/getClientOrganisation"))
        .await
        .ok();
    let mut record = lender
        .get(&app, &format!("{APP}/FIU/GetConsent/{handle}"))
        .await
        .ok();
    record["Data"][0]["signedConsent"] = "(a compact JWS)".into();
    let mut fetched = lender.fetch(&app, &session).await.ok();
    fetched["DEPOSIT"]["transactions"]
        .as_array_mut()
        .expect("rows")
        .truncate(1);
    let accounts = lender
        .get(&app, &format!("{APP}/FIU/FI/AccountDetail/{session}"))
        .await
        .ok();
    let webhooks: Vec<_> = app
        .fiu
        .arrived()
        .iter()
        .map(|message| (message.path.clone(), message.json()))
        .collect();
    let answers = json!({
        "login": names(&login), "organisation": organisation, "created": created, "record": record,
        "status": lender.notified(&app, &handle).await, "fetched": fetched, "accounts": accounts, "webhooks": webhooks,
    });
    insta::assert_json_snapshot!("unaport_answers", answers);
}

#[tokio::test]
async fn the_older_dialect_has_the_older_bodies() {
    let mut app = configured(
        "dialect",
        "[unaport]\ndialect = \"1.7\"\nrejection = \"REJECTED\"\ntop_level_ids = false\n",
    )
    .await;
    let lender = Lender::arrive(&app).await;
    let login = app
        .post(&format!("{COMMON}/public/user/login"), &credentials())
        .await
        .ok();
    assert_eq!(login["emailId"], "dev@lender.example");
    assert!(login.get("version").is_none() && login["not-before-policy"].is_number());
    let saved = lender
        .post(
            &app,
            &format!("{APP}/FIU/InsertProduct/{}", lender.org),
            &template(),
        )
        .await
        .ok();
    assert_eq!(
        (names(&saved), &saved["status"]),
        (vec!["productId", "status"], &json!("200 OK"))
    );
    let listed = lender
        .get(&app, &format!("{APP}/FIU/ProductList/{}", lender.org))
        .await
        .ok();
    assert_eq!(names(&listed), ["Data"]);
    let organisation = lender
        .get(&app, &format!("{COMMON}/FIU/getOrganisation"))
        .await
        .ok();
    assert_eq!(
        (
            names(&organisation["data"]).len(),
            &organisation["data"]["id"]
        ),
        (38, &json!(lender.org))
    );
    let handle = lender.raise(&app, |_| ()).await;
    app.act(&handle, "approve").await.ok();
    let session = lender.session(&app, &handle).await;
    assert_eq!(
        names(&lender.fetch(&app, &session).await.ok()),
        ["DEPOSIT", "tabs"]
    );
    let rejected = lender.raise(&app, |_| ()).await;
    app.act(&rejected, "reject").await.ok();
    app.advance("0s").await;
    let arrived = app.fiu.arrived();
    assert!(
        arrived
            .iter()
            .all(|message| message.json().get("trackingId").is_none())
    );
    let of_rejected =
        |body: &Value| body["ConsentStatusNotification"]["consentHandle"] == rejected.as_str();
    let word = arrived
        .iter()
        .map(Message::json)
        .find(of_rejected)
        .expect("a webhook");
    assert_eq!(
        word["ConsentStatusNotification"]["consentStatus"],
        "REJECTED"
    );
    assert_eq!(word["ConsentStatusNotification"]["consentId"], Value::Null);
}

#[tokio::test]
async fn looking_does_not_change_what_comes_later() {
    let mut raised = Vec::new();
    for looks in [0, 5] {
        let app = TestApp::start().await;
        let lender = Lender::arrive(&app).await;
        let saved = lender
            .post(
                &app,
                &format!("{APP}/FIU/InsertProduct/{}", lender.org),
                &template(),
            )
            .await
            .ok();
        for _ in 0..looks {
            lender
                .get(&app, &format!("{APP}/FIU/ProductList/{}", lender.org))
                .await
                .ok();
            lender.get(&app, &format!("{APP}/FIU/GetConsent/x")).await;
        }
        let body = by_template(saved["productId"].as_str().expect("an id"));
        let mut created = lender
            .post(
                &app,
                &format!("{APP}/FIU/Consents/product/{}", lender.org),
                &body,
            )
            .await
            .ok();
        created["redirectUrl"] = Value::Null;
        let handle = text(&created["ConsentHandle"]);
        app.act(&handle, "approve").await.ok();
        raised.push((
            saved["productId"].clone(),
            created,
            lender.record(&app, &handle).await,
        ));
    }
    assert_eq!(raised[0], raised[1]);
}

#[tokio::test]
async fn an_fius_own_request_is_no_run_of_unaports() {
    let app = TestApp::with(mockaa::SandboxBuilder::timed_data).await;
    let lender = Lender::arrive(&app).await;
    let handle = lender.raise(&app, |_| ()).await;
    app.act(&handle, "approve").await.ok();
    let id = text(&lender.record(&app, &handle).await["consentId"]);
    let journey = Journey {
        app: &app,
        fiu: Actor::unacores(),
    };
    let asked = journey
        .fiu
        .post(&app, "/FI/request", &journey.fi_request(&id).await)
        .await
        .ok();
    app.advance("10s").await;
    let notified = lender.notified(&app, &handle).await;
    assert_eq!(notified.len(), 1, "Unaport has asked all the same");
    let own = text(&asked["sessionId"]);
    assert_ne!(
        notified[0]["FIStatusNotification"]["sessionId"],
        own.as_str()
    );
    assert_eq!(
        lender.fetch(&app, &own).await.status,
        404,
        "that one is encrypted to a key"
    );
    assert_eq!(
        lender.record(&app, &handle).await["lastRuntime"],
        "2020-07-04T06:00:03.669+00:00"
    );
}
