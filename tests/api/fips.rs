//! The FIP's view of the AA, and the effect of a FIP's notifications.

use serde_json::{Value, json};

use crate::helpers::{TestApp, rebit_message};
use crate::inbox::Message;
use crate::jws_verifier::JwsVerifier;
use crate::participants::{Journey, Participant};

const CUSTOMER: &str = "9876500001@mockaa";

/// Approves a consent with one account at each of two FIPs.
async fn approve_shared_consent(journey: &Journey<'_>) -> (String, String) {
    journey
        .apply_customer_verb(CUSTOMER, "register", &Value::Null)
        .await
        .expect_ok();
    for fip in ["FIP-1", "FIP-2"] {
        let account = journey
            .list_accounts(CUSTOMER, fip, "DEPOSIT")
            .await
            .remove(0)
            .0;
        journey.link_accounts(CUSTOMER, fip, &[account]).await;
    }
    journey.raise_and_approve(|_| ()).await
}

#[tokio::test]
async fn each_fip_has_an_artefact_of_its_own() {
    let app = TestApp::start_with(|builder| builder.security(mockaa::SecurityMode::Strict)).await;
    let verifier = JwsVerifier::from_published_keys(&app).await;
    let journey = Journey::new(&app);
    let (handle, id) = approve_shared_consent(&journey).await;
    let mut seen = vec![(
        id.clone(),
        journey.fetch_artefact(&id).await["signedConsent"].clone(),
    )];
    for fip in [Participant::fip_1(), Participant::fip_2()] {
        let fip_consent_id = journey.fip_consent_id(&handle, fip.id).await;
        let artefact = fip
            .post(
                &app,
                "/Consent/fetch",
                &rebit_message("consentId", &fip_consent_id),
            )
            .await
            .expect_ok();
        assert_eq!(
            (&artefact["consentId"], &artefact["status"]),
            (&json!(fip_consent_id), &json!("ACTIVE"))
        );
        let detail = verifier.decode_compact(artefact["signedConsent"].as_str().expect("a JWS"));
        assert_eq!(
            detail["DataConsumer"],
            json!({ "id": "mockaa", "type": "AA" })
        );
        assert_eq!(
            detail["DataProvider"],
            json!({ "id": fip.id, "type": "FIP" })
        );
        let accounts = detail["Accounts"].as_array().expect("accounts");
        assert!(
            accounts.len() == 1 && accounts[0]["fipId"] == fip.id,
            "{accounts:?}"
        );
        for foreign_id in [id.as_str(), "00000000-0000-4000-8000-000000000000"] {
            let reply = fip
                .post(
                    &app,
                    "/Consent/fetch",
                    &rebit_message("consentId", foreign_id),
                )
                .await;
            assert_eq!(reply.json()["errorCode"], "InvalidConsentId");
        }
        seen.push((fip_consent_id, artefact["signedConsent"].clone()));
    }
    let reply = Participant::fip_1()
        .post(
            &app,
            "/Consent/fetch",
            &rebit_message("consentId", &seen[2].0),
        )
        .await;
    assert_eq!(
        reply.json()["errorCode"],
        "InvalidConsentId",
        "the id belongs to another FIP"
    );
    let reply = journey
        .fiu
        .post(
            &app,
            "/Consent/fetch",
            &rebit_message("consentId", &seen[1].0),
        )
        .await;
    assert_eq!(
        reply.json()["errorCode"],
        "InvalidConsentId",
        "the FIU cannot use a FIP's id"
    );
    seen.sort_by(|left, right| left.0.cmp(&right.0));
    seen.dedup_by(|left, right| left.0 == right.0 || left.1 == right.1);
    assert_eq!(seen.len(), 3, "three different ids and signatures");
}

#[tokio::test]
async fn a_fips_consent_notification_is_forwarded() {
    let mut app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (handle, id) = approve_shared_consent(&journey).await;
    let fip_consent_id = journey.fip_consent_id(&handle, "FIP-2").await;
    let notify = async |status: &str| {
        let mut body = rebit_message("Notifier", "");
        body["Notifier"] = json!({ "type": "FIP", "id": "FIP-2" });
        body["ConsentStatusNotification"] =
            json!({ "consentId": fip_consent_id, "consentStatus": status });
        Participant::fip_2()
            .post(&app, "/Consent/Notification", &body)
            .await
    };
    for (status, state) in [
        ("ACTIVE", "ACTIVE"),
        ("PAUSED", "PAUSED"),
        ("PAUSED", "PAUSED"),
        ("ACTIVE", "ACTIVE"),
        ("REVOKED", "REVOKED"),
    ] {
        assert_eq!(notify(status).await.expect_ok()["response"], "OK");
        assert_eq!(app.consent_state(&handle).await, state);
    }
    let late_reply = notify("ACTIVE").await;
    assert_eq!(
        (
            late_reply.status.as_u16(),
            late_reply.json()["errorCode"].clone()
        ),
        (400, "InvalidRequest".into())
    );
    app.advance_clock("0s").await;
    let notifications: Vec<_> = app
        .fiu
        .drain_messages()
        .iter()
        .map(Message::json)
        .map(|body| body["ConsentStatusNotification"].clone())
        .collect();
    let statuses: Vec<_> = notifications
        .iter()
        .map(|notification| notification["consentStatus"].as_str().expect("a status"))
        .collect();
    assert_eq!(
        statuses,
        ["ACTIVE", "PAUSED", "ACTIVE", "REVOKED"],
        "a notification without a change is not forwarded"
    );
    assert!(
        notifications
            .iter()
            .all(|notification| notification["consentId"] == id.as_str()),
        "the notifications carry the id of the FIU"
    );
}

/// Builds a FIP's notification about the account of its session.
async fn build_fi_notification(
    journey: &Journey<'_>,
    session: &str,
    fip: &str,
    session_status: &str,
    link: &str,
    status: &str,
) -> Value {
    let mut body = journey.build_message("Notifier", "").await;
    body["Notifier"] = json!({ "type": "FIP", "id": fip });
    let account =
        json!({ "linkRefNumber": link, "FIStatus": status, "description": "as the FIP says" });
    body["FIStatusNotification"] = json!({
        "sessionId": journey.fip_session_id(session, fip).await,
        "sessionStatus": session_status,
        "FIStatusResponse": [{ "fipID": fip, "Accounts": [account] }],
    });
    body
}

#[tokio::test]
async fn a_fips_notification_about_an_ended_session_is_rejected() {
    let mut app = TestApp::start_with(|builder| builder.manual_data().push_data(true)).await;
    let journey = Journey::new(&app);
    let link = journey
        .list_accounts(CUSTOMER, "FIP-1", "DEPOSIT")
        .await
        .remove(0)
        .1;
    let (handle, id) = journey
        .raise_and_approve(|body| {
            body["ConsentDetail"]["DataLife"] = json!({ "unit": "DAY", "value": 1 });
        })
        .await;
    let expired = journey.open_session(&id).await;
    app.advance_clock("P1D").await;
    let late_notification =
        build_fi_notification(&journey, &expired, "FIP-1", "COMPLETED", &link, "READY").await;
    assert_eq!(
        Participant::fip_1()
            .post(&app, "/FI/Notification", &late_notification)
            .await
            .status,
        400
    );
    let session = journey.open_session(&id).await;
    app.apply_verb(&handle, "revoke").await.expect_ok();
    let late_notification =
        build_fi_notification(&journey, &session, "FIP-1", "COMPLETED", &link, "READY").await;
    assert_eq!(
        Participant::fip_1()
            .post(&app, "/FI/Notification", &late_notification)
            .await
            .json()["errorCode"],
        "InvalidRequest"
    );
    assert_eq!(
        app.get(&format!("/_mockaa/v1/sessions/{expired}"))
            .await
            .expect_ok()["sessionStatus"],
        "EXPIRED"
    );
    app.advance_clock("0s").await;
    assert_eq!(
        app.fiu.drain_paths().last().map(String::as_str),
        Some("/Consent/Notification"),
        "no webhook follows REVOKED"
    );
}

#[tokio::test]
async fn a_fips_session_status_is_applied_except_for_kinds_that_are_not_simulated() {
    let app = TestApp::start_with(mockaa::SandboxBuilder::manual_data).await;
    let journey = Journey::new(&app);
    let kinds = json!(["OTHER", "DEPOSIT"]);
    let (_, id) = journey
        .raise_and_approve(|body| {
            body["ver"] = json!("2.1.0");
            body["ConsentDetail"]["fiTypes"] = kinds;
        })
        .await;
    let session = journey.open_session(&id).await;
    let notify = async |fip: Participant, status: &str, kind: &str, account: &str| {
        let link = journey
            .list_accounts(CUSTOMER, fip.id, kind)
            .await
            .remove(0)
            .1;
        let notification =
            build_fi_notification(&journey, &session, fip.id, status, &link, account).await;
        fip.post(&app, "/FI/Notification", &notification)
            .await
            .expect_ok();
        app.get(&format!("/_mockaa/v1/sessions/{session}"))
            .await
            .expect_ok()
    };
    let session_body = notify(Participant::fip_3(), "COMPLETED", "OTHER", "READY").await;
    assert_eq!(
        session_body["accounts"][1]["FIStatus"], "DENIED",
        "a type that is not simulated has no data"
    );
    let session_body = notify(Participant::fip_1(), "FAILED", "DEPOSIT", "TIMEOUT").await;
    assert_eq!(
        session_body["sessionStatus"], "FAILED",
        "the failure of one FIP fails the session"
    );
    let session_body = notify(Participant::fip_1(), "COMPLETED", "DEPOSIT", "READY").await;
    assert_eq!(
        session_body["sessionStatus"], "COMPLETED",
        "a FIP may retry"
    );
    let session_body = notify(Participant::fip_1(), "FAILED", "DEPOSIT", "READY").await;
    assert_eq!(session_body["sessionStatus"], "FAILED");
    let fetched = journey.fetch_data(&session).await.expect_ok();
    assert_eq!(
        fetched["FI"].as_array().expect("a list").len(),
        1,
        "READY data stays available"
    );
    let session_body = notify(Participant::fip_1(), "ACTIVE", "DEPOSIT", "PENDING").await;
    assert_eq!(
        session_body["accounts"][0]["FIStatus"], "DELIVERED",
        "delivered data stays DELIVERED"
    );
}

/// AES-GCM is broken if two plaintexts are encrypted under the same key and IV.
#[tokio::test]
async fn another_text_is_encrypted_under_another_key() {
    let app = TestApp::start_with(mockaa::SandboxBuilder::manual_data).await;
    let journey = Journey::new(&app);
    let link = journey
        .list_accounts(CUSTOMER, "FIP-1", "DEPOSIT")
        .await
        .remove(0)
        .1;
    let (_, id) = journey.raise_and_approve(|_| ()).await;
    let session = journey.open_session(&id).await;
    let notification =
        build_fi_notification(&journey, &session, "FIP-1", "COMPLETED", &link, "READY").await;
    Participant::fip_1()
        .post(&app, "/FI/Notification", &notification)
        .await
        .expect_ok();
    let plain = journey.fetch_data(&session).await.expect_ok();
    let request = app
        .request(reqwest::Method::PUT, "/_mockaa/v1/config/fiu/FIU-1")
        .json(&json!({ "plaintext": "base64" }));
    app.send(request).await.expect_ok();
    let encoded = journey.fetch_data(&session).await.expect_ok();
    let nonce = |answer: &Value| answer["FI"][0]["KeyMaterial"]["Nonce"].clone();
    assert_ne!(nonce(&plain), nonce(&encoded));
}

#[tokio::test]
async fn a_deliver_answers_the_session_that_it_names() {
    let app = TestApp::start_with(mockaa::SandboxBuilder::manual_data).await;
    let journey = Journey::new(&app);
    let (_, id) = journey.raise_and_approve(|_| ()).await;
    let (first, second) = (
        journey.open_session(&id).await,
        journey.open_session(&id).await,
    );
    for body in [
        json!({ "fips": { "FIP-9": "READY" } }),
        json!({ "accounts": { "nobody's": "READY" } }),
    ] {
        let reply = app
            .post(&format!("/_mockaa/v1/sessions/{first}/deliver"), &body)
            .await;
        assert_eq!(reply.status, 400, "{}", reply.text);
    }
    let deliver = async || {
        app.post(&format!("/_mockaa/v1/sessions/{first}/deliver"), &json!({}))
            .await
    };
    assert_eq!(deliver().await.expect_ok()["sessionId"], first.as_str());
    assert_eq!(deliver().await.status, 409);
    journey.fetch_data(&first).await.expect_ok();
    assert_eq!(
        journey.fetch_data(&second).await.json()["errorCode"],
        "NoDataFound"
    );
    assert_eq!(
        app.get("/_mockaa/v1/sessions").await.expect_ok()["items"]
            .as_array()
            .expect("a list")
            .len(),
        2
    );
}

#[tokio::test]
async fn in_a_manual_world_a_fip_brings_the_data() {
    let mut app = TestApp::start_with(mockaa::SandboxBuilder::manual_data).await;
    let journey = Journey::new(&app);
    let (_, id) = journey.raise_and_approve(|_| ()).await;
    let session = journey.open_session(&id).await;
    let mut body = rebit_message("Notifier", "");
    body["Notifier"] = json!({ "type": "FIP", "id": "FIP-1" });
    let link = journey
        .list_accounts(CUSTOMER, "FIP-1", "DEPOSIT")
        .await
        .remove(0)
        .1;
    let account =
        json!({ "linkRefNumber": link, "FIStatus": "READY", "description": "here it is" });
    body["FIStatusNotification"] = json!({
        "sessionId": journey.fip_session_id(&session, "FIP-1").await,
        "sessionStatus": "COMPLETED",
        "FIStatusResponse": [{ "fipID": "FIP-1", "Accounts": [account] }],
    });
    Participant::fip_1()
        .post(&app, "/FI/Notification", &body)
        .await
        .expect_ok();
    app.advance_clock("0s").await;
    let notification =
        app.fiu.drain_messages().pop().expect("a webhook").json()["FIStatusNotification"].clone();
    assert_eq!(
        (&notification["sessionId"], &notification["sessionStatus"]),
        (&json!(session), &json!("COMPLETED")),
        "the session of the FIU"
    );
    assert_eq!(
        Journey::new(&app).fetch_data(&session).await.expect_ok()["FI"]
            .as_array()
            .expect("a list")
            .len(),
        1
    );
}

#[tokio::test]
async fn every_call_is_served_below_every_base_path_and_behind_a_router() {
    let app = TestApp::start_with(|builder| builder.security(mockaa::SecurityMode::Strict)).await;
    let journey = Journey::new(&app);
    let (handle, id) = journey.raise_and_approve(|_| ()).await;
    let session = journey.open_session(&id).await;
    for base_path in ["", "/v1", "/v2", "/V2", "/proxy/v2"] {
        let mut consent_request = crate::participants::consent_request();
        consent_request["txnid"] = app.next_txnid().into();
        for (path, body) in [
            ("/Consent", consent_request.clone()),
            ("/Consent/handle", rebit_message("ConsentHandle", &handle)),
            ("/Consent/fetch", rebit_message("consentId", &id)),
            ("/FI/request", journey.build_fi_request(&id).await),
            ("/FI/fetch", rebit_message("sessionId", &session)),
        ] {
            let request = journey.fiu.build_signed_request(
                &app,
                &format!("{base_path}{path}"),
                &body.to_string(),
            );
            let meta = mockaa::internals::crypto::base64::encode(br#"{"recipient-id":"mockaa"}"#);
            app.send(request.header("x-request-meta", meta))
                .await
                .expect_ok();
        }
        for path in [
            "/Consent/Notification",
            "/FI/Notification",
            "/Account/link/Notification",
        ] {
            let reply = Participant::fip_1()
                .post(
                    &app,
                    &format!("{base_path}{path}"),
                    &rebit_message("x", "x"),
                )
                .await;
            assert_eq!(
                reply.json()["errorMsg"],
                "Notifier is missing",
                "{base_path}{path}"
            );
        }
        let request = app
            .request(reqwest::Method::GET, &format!("{base_path}/Heartbeat"))
            .header("fip_api_key", "mockaa-dev-fip-1-api-key");
        assert_eq!(app.send(request).await.expect_ok()["Status"], "UP");
    }
}
