//! What a FIP sees of the AA, and what becomes of what it says.

use serde_json::{Value, json};

use crate::actors::{Actor, Journey};
use crate::helpers::{TestApp, rebit_message};
use crate::inbox::Message;
use crate::oracle::Oracle;

const CUSTOMER: &str = "9876500001@mockaa";

/// A consent over one account at each of two FIPs.
async fn shared_consent(journey: &Journey<'_>) -> (String, String) {
    journey
        .customer(CUSTOMER, "register", &Value::Null)
        .await
        .ok();
    for fip in ["FIP-1", "FIP-2"] {
        let account = journey.accounts(CUSTOMER, fip, "DEPOSIT").await.remove(0).0;
        journey.link(CUSTOMER, fip, &[account]).await;
    }
    journey.approved(|_| ()).await
}

#[tokio::test]
async fn each_fip_has_an_artefact_of_its_own() {
    let app = TestApp::with(|builder| builder.security(mockaa::SecurityMode::Strict)).await;
    let oracle = Oracle::of(&app).await;
    let journey = Journey::new(&app);
    let (handle, id) = shared_consent(&journey).await;
    let mut seen = vec![(
        id.clone(),
        journey.artefact(&id).await["signedConsent"].clone(),
    )];
    for fip in [Actor::fip_1(), Actor::fip_2()] {
        let own = journey.fip_consent_id(&handle, fip.id).await;
        let artefact = fip
            .post(&app, "/Consent/fetch", &rebit_message("consentId", &own))
            .await
            .ok();
        assert_eq!(
            (&artefact["consentId"], &artefact["status"]),
            (&json!(own), &json!("ACTIVE"))
        );
        let detail = oracle.open_compact(artefact["signedConsent"].as_str().expect("a JWS"));
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
        for stranger in [id.as_str(), "00000000-0000-4000-8000-000000000000"] {
            let reply = fip
                .post(
                    &app,
                    "/Consent/fetch",
                    &rebit_message("consentId", stranger),
                )
                .await;
            assert_eq!(reply.json()["errorCode"], "InvalidConsentId");
        }
        seen.push((own, artefact["signedConsent"].clone()));
    }
    let reply = Actor::fip_1()
        .post(
            &app,
            "/Consent/fetch",
            &rebit_message("consentId", &seen[2].0),
        )
        .await;
    assert_eq!(
        reply.json()["errorCode"],
        "InvalidConsentId",
        "another FIP's"
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
        "a FIP's is not the FIU's"
    );
    seen.sort_by(|one, other| one.0.cmp(&other.0));
    seen.dedup_by(|one, other| one.0 == other.0 || one.1 == other.1);
    assert_eq!(seen.len(), 3, "three ids, three signatures");
}

#[tokio::test]
async fn what_a_fip_says_of_a_consent_is_passed_on() {
    let mut app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (handle, id) = shared_consent(&journey).await;
    let own = journey.fip_consent_id(&handle, "FIP-2").await;
    let say = async |status: &str| {
        let mut body = rebit_message("Notifier", "");
        body["Notifier"] = json!({ "type": "FIP", "id": "FIP-2" });
        body["ConsentStatusNotification"] = json!({ "consentId": own, "consentStatus": status });
        Actor::fip_2()
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
        assert_eq!(say(status).await.ok()["response"], "OK");
        assert_eq!(app.state(&handle).await, state);
    }
    let late = say("ACTIVE").await;
    assert_eq!(
        (late.status.as_u16(), late.json()["errorCode"].clone()),
        (400, "InvalidRequest".into())
    );
    app.advance("0s").await;
    let told: Vec<_> = app
        .fiu
        .arrived()
        .iter()
        .map(Message::json)
        .map(|body| body["ConsentStatusNotification"].clone())
        .collect();
    let statuses: Vec<_> = told
        .iter()
        .map(|news| news["consentStatus"].as_str().expect("a status"))
        .collect();
    assert_eq!(
        statuses,
        ["ACTIVE", "PAUSED", "ACTIVE", "REVOKED"],
        "what says nothing new is not passed on"
    );
    assert!(
        told.iter().all(|news| news["consentId"] == id.as_str()),
        "under the id that the FIU knows"
    );
}

/// A FIP's word about the account of its session.
async fn fi_news(
    journey: &Journey<'_>,
    session: &str,
    fip: &str,
    session_status: &str,
    link: &str,
    status: &str,
) -> Value {
    let mut body = journey.message("Notifier", "").await;
    body["Notifier"] = json!({ "type": "FIP", "id": fip });
    let account =
        json!({ "linkRefNumber": link, "FIStatus": status, "description": "as the FIP says" });
    body["FIStatusNotification"] = json!({
        "sessionId": journey.fip_session(session, fip).await,
        "sessionStatus": session_status,
        "FIStatusResponse": [{ "fipID": fip, "Accounts": [account] }],
    });
    body
}

#[tokio::test]
async fn a_fip_has_nothing_to_say_about_what_is_over() {
    let mut app = TestApp::with(|builder| builder.manual_data().push_data(true)).await;
    let journey = Journey::new(&app);
    let link = journey
        .accounts(CUSTOMER, "FIP-1", "DEPOSIT")
        .await
        .remove(0)
        .1;
    let (handle, id) = journey
        .approved(|body| body["ConsentDetail"]["DataLife"] = json!({ "unit": "DAY", "value": 1 }))
        .await;
    let expired = journey.session(&id).await;
    app.advance("P1D").await;
    let late = fi_news(&journey, &expired, "FIP-1", "COMPLETED", &link, "READY").await;
    assert_eq!(
        Actor::fip_1()
            .post(&app, "/FI/Notification", &late)
            .await
            .status,
        400
    );
    let session = journey.session(&id).await;
    app.act(&handle, "revoke").await.ok();
    let late = fi_news(&journey, &session, "FIP-1", "COMPLETED", &link, "READY").await;
    assert_eq!(
        Actor::fip_1()
            .post(&app, "/FI/Notification", &late)
            .await
            .json()["errorCode"],
        "InvalidRequest"
    );
    assert_eq!(
        app.get(&format!("/_mockaa/v1/sessions/{expired}"))
            .await
            .ok()["sessionStatus"],
        "EXPIRED"
    );
    app.advance("0s").await;
    assert_eq!(
        app.fiu.arrived_paths().last().map(String::as_str),
        Some("/Consent/Notification"),
        "nothing after REVOKED"
    );
}

#[tokio::test]
async fn what_a_fip_says_of_its_session_and_of_kinds_that_are_not_simulated() {
    let app = TestApp::with(mockaa::SandboxBuilder::manual_data).await;
    let journey = Journey::new(&app);
    let kinds = json!(["LIFE_INSURANCE", "DEPOSIT"]);
    let (_, id) = journey
        .approved(|body| {
            body["ver"] = json!("2.1.0");
            body["ConsentDetail"]["fiTypes"] = kinds;
        })
        .await;
    let session = journey.session(&id).await;
    let say = async |fip: Actor, status: &str, kind: &str, account: &str| {
        let link = journey.accounts(CUSTOMER, fip.id, kind).await.remove(0).1;
        let news = fi_news(&journey, &session, fip.id, status, &link, account).await;
        fip.post(&app, "/FI/Notification", &news).await.ok();
        app.get(&format!("/_mockaa/v1/sessions/{session}"))
            .await
            .ok()
    };
    let shown = say(Actor::fip_3(), "COMPLETED", "LIFE_INSURANCE", "READY").await;
    assert_eq!(
        shown["accounts"][1]["FIStatus"], "DENIED",
        "there is nothing to be READY with"
    );
    let shown = say(Actor::fip_1(), "FAILED", "DEPOSIT", "TIMEOUT").await;
    assert_eq!(
        shown["sessionStatus"], "FAILED",
        "one FIP's failure is the session's"
    );
    let shown = say(Actor::fip_1(), "COMPLETED", "DEPOSIT", "READY").await;
    assert_eq!(shown["sessionStatus"], "COMPLETED", "a FIP may try again");
    let shown = say(Actor::fip_1(), "FAILED", "DEPOSIT", "READY").await;
    assert_eq!(shown["sessionStatus"], "FAILED");
    let fetched = journey.fetch(&session).await.ok();
    assert_eq!(
        fetched["FI"].as_array().expect("a list").len(),
        1,
        "what is READY stays fetchable"
    );
    let shown = say(Actor::fip_1(), "ACTIVE", "DEPOSIT", "PENDING").await;
    assert_eq!(
        shown["accounts"][0]["FIStatus"], "DELIVERED",
        "what is taken stays taken"
    );
}

/// AES-GCM breaks when one key and IV meet two texts.
#[tokio::test]
async fn another_text_is_encrypted_under_another_key() {
    let app = TestApp::with(mockaa::SandboxBuilder::manual_data).await;
    let journey = Journey::new(&app);
    let link = journey
        .accounts(CUSTOMER, "FIP-1", "DEPOSIT")
        .await
        .remove(0)
        .1;
    let (_, id) = journey.approved(|_| ()).await;
    let session = journey.session(&id).await;
    let news = fi_news(&journey, &session, "FIP-1", "COMPLETED", &link, "READY").await;
    Actor::fip_1()
        .post(&app, "/FI/Notification", &news)
        .await
        .ok();
    let plain = journey.fetch(&session).await.ok();
    let change = app
        .request(reqwest::Method::PUT, "/_mockaa/v1/config/fiu/FIU-1")
        .json(&json!({ "plaintext": "base64" }));
    app.send(change).await.ok();
    let encoded = journey.fetch(&session).await.ok();
    let nonce = |answer: &Value| answer["FI"][0]["KeyMaterial"]["Nonce"].clone();
    assert_ne!(nonce(&plain), nonce(&encoded));
}

#[tokio::test]
async fn a_deliver_answers_the_session_that_it_names() {
    let app = TestApp::with(mockaa::SandboxBuilder::manual_data).await;
    let journey = Journey::new(&app);
    let (_, id) = journey.approved(|_| ()).await;
    let (first, second) = (journey.session(&id).await, journey.session(&id).await);
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
    assert_eq!(deliver().await.ok()["sessionId"], first.as_str());
    assert_eq!(deliver().await.status, 409);
    journey.fetch(&first).await.ok();
    assert_eq!(
        journey.fetch(&second).await.json()["errorCode"],
        "NoDataFound"
    );
    assert_eq!(
        app.get("/_mockaa/v1/sessions").await.ok()["items"]
            .as_array()
            .expect("a list")
            .len(),
        2
    );
}

#[tokio::test]
async fn in_a_manual_world_a_fip_brings_the_data() {
    let mut app = TestApp::with(mockaa::SandboxBuilder::manual_data).await;
    let journey = Journey::new(&app);
    let (_, id) = journey.approved(|_| ()).await;
    let session = journey.session(&id).await;
    let mut body = rebit_message("Notifier", "");
    body["Notifier"] = json!({ "type": "FIP", "id": "FIP-1" });
    let link = journey
        .accounts(CUSTOMER, "FIP-1", "DEPOSIT")
        .await
        .remove(0)
        .1;
    let account =
        json!({ "linkRefNumber": link, "FIStatus": "READY", "description": "here it is" });
    body["FIStatusNotification"] = json!({
        "sessionId": journey.fip_session(&session, "FIP-1").await,
        "sessionStatus": "COMPLETED",
        "FIStatusResponse": [{ "fipID": "FIP-1", "Accounts": [account] }],
    });
    Actor::fip_1()
        .post(&app, "/FI/Notification", &body)
        .await
        .ok();
    app.advance("0s").await;
    let told = app.fiu.arrived().pop().expect("a webhook").json()["FIStatusNotification"].clone();
    assert_eq!(
        (&told["sessionId"], &told["sessionStatus"]),
        (&json!(session), &json!("COMPLETED")),
        "the FIU's own session"
    );
    assert_eq!(
        Journey::new(&app).fetch(&session).await.ok()["FI"]
            .as_array()
            .expect("a list")
            .len(),
        1
    );
}

#[tokio::test]
async fn every_call_is_served_below_every_mount_and_behind_a_router() {
    let app = TestApp::with(|builder| builder.security(mockaa::SecurityMode::Strict)).await;
    let journey = Journey::new(&app);
    let (handle, id) = journey.approved(|_| ()).await;
    let session = journey.session(&id).await;
    for mount in ["", "/v1", "/v2", "/V2", "/proxy/v2"] {
        for (path, body) in [
            ("/Consent", crate::actors::consent_request()),
            ("/Consent/handle", rebit_message("ConsentHandle", &handle)),
            ("/Consent/fetch", rebit_message("consentId", &id)),
            ("/FI/request", journey.fi_request(&id).await),
            ("/FI/fetch", rebit_message("sessionId", &session)),
        ] {
            let request = journey
                .fiu
                .signed(&app, &format!("{mount}{path}"), &body.to_string());
            let meta = mockaa::crypto::base64::encode(br#"{"recipient-id":"mockaa"}"#);
            app.send(request.header("x-request-meta", meta)).await.ok();
        }
        for path in [
            "/Consent/Notification",
            "/FI/Notification",
            "/Account/link/Notification",
        ] {
            let reply = Actor::fip_1()
                .post(&app, &format!("{mount}{path}"), &rebit_message("x", "x"))
                .await;
            assert_eq!(
                reply.json()["errorMsg"],
                "Notifier is missing",
                "{mount}{path}"
            );
        }
        let request = app
            .request(reqwest::Method::GET, &format!("{mount}/Heartbeat"))
            .header("fip_api_key", "mockaa-dev-fip-1-api-key");
        assert_eq!(app.send(request).await.ok()["Status"], "UP");
    }
}
