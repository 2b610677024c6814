//! The three security modes (`docs/architecture.md#security`).

use mockaa::internals::crypto::jws::sign_detached;
use mockaa::internals::crypto::keys::SigningKey;
use mockaa::internals::domain::participants::SignatureProfile;
use mockaa::{FairUseMode, SecurityMode};
use reqwest::Method;
use serde_json::Value;

use crate::helpers::{
    FIU_1_KEY, FIU_2_KEY, Reply, TestApp, extract_handle, rebit_message, rebit_request,
    seed_request, set_path,
};

fn fiu_1_signing_key() -> SigningKey {
    SigningKey::from_pem("fiu-1-dev-1", include_str!("../../fixtures/keys/fiu-1.pem"))
        .expect("a key")
}

/// Posts with an API key and a signature, if given.
async fn post_as(
    app: &TestApp,
    path: &str,
    body: &Value,
    api_key: Option<&str>,
    signer: Option<&SigningKey>,
) -> Reply {
    let body = body.to_string();
    let mut request = app
        .request(Method::POST, path)
        .header("content-type", "application/json");
    if let Some(api_key) = api_key {
        request = request.header("client_api_key", api_key);
    }
    if let Some(signer) = signer {
        let signature = sign_detached(signer, body.as_bytes(), SignatureProfile::Detached)
            .expect("a signature");
        request = request.header("x-jws-signature", signature);
    }
    app.send(request.body(body)).await
}

fn status_and_code(reply: &Reply) -> (u16, Option<String>) {
    let code = reply.json()["errorCode"].as_str().map(ToOwned::to_owned);
    (reply.status.as_u16(), code)
}

#[tokio::test]
async fn strict_asks_for_key_and_signature() {
    let app = TestApp::start_with(|builder| builder.security(SecurityMode::Strict)).await;
    let (body, signer) = (rebit_request(), fiu_1_signing_key());
    let wrong_key =
        SigningKey::from_pem("fiu-1-dev-1", include_str!("../../fixtures/keys/fiu-2.pem"))
            .expect("a key");
    let unknown_key = SigningKey::from_pem("other", include_str!("../../fixtures/keys/fiu-1.pem"))
        .expect("a key");
    let rejection = |status, code: &str| (status, Some(code.to_owned()));

    assert_eq!(
        status_and_code(&post_as(&app, "/Consent", &body, None, Some(&signer)).await),
        rejection(401, "Unauthorized")
    );
    assert_eq!(
        status_and_code(&post_as(&app, "/Consent", &body, Some("nope"), Some(&signer)).await),
        rejection(401, "Unauthorized")
    );
    for signer in [None, Some(&wrong_key), Some(&unknown_key)] {
        let reply = post_as(&app, "/Consent", &body, Some(FIU_1_KEY), signer).await;
        assert_eq!(
            status_and_code(&reply),
            rejection(400, "SignatureDoesNotMatch")
        );
    }
    assert_eq!(app.count_consents().await, 0);
    assert_eq!(
        post_as(&app, "/Consent", &body, Some(FIU_1_KEY), Some(&signer))
            .await
            .status,
        200
    );

    let mut foreign_body = body.clone();
    set_path(
        &mut foreign_body,
        "ConsentDetail.DataConsumer.id",
        Some("finprobank".into()),
    );
    let reply = post_as(
        &app,
        "/Consent",
        &foreign_body,
        Some(FIU_1_KEY),
        Some(&signer),
    )
    .await;
    assert_eq!(status_and_code(&reply), rejection(400, "InvalidRequest"));
}

#[tokio::test]
async fn lenient_accepts_and_notes_what_strict_would_reject() {
    let app = TestApp::start().await;
    for _ in 0..2 {
        assert_eq!(app.post("/consent", &seed_request()).await.status, 200);
    }
    assert_eq!(
        post_as(&app, "/Consent", &rebit_request(), None, None)
            .await
            .status,
        200
    );
    let notes: Vec<_> = app
        .read_journal_events()
        .await
        .into_iter()
        .filter(|entry| entry["kind"] == "note")
        .collect();
    let texts: Vec<_> = notes
        .iter()
        .map(|note| note["text"].as_str().expect("a text"))
        .collect();
    insta::assert_json_snapshot!(texts);
}

#[tokio::test]
async fn open_asks_for_nothing_and_notes_nothing() {
    let app = TestApp::start_with(|builder| {
        builder
            .security(SecurityMode::Open)
            .fair_use(FairUseMode::Off)
    })
    .await;
    assert_eq!(
        post_as(&app, "/Consent", &rebit_request(), Some("nope"), None)
            .await
            .status,
        200
    );
    assert!(
        app.read_journal_events()
            .await
            .iter()
            .all(|entry| entry["kind"] != "note")
    );
}

#[tokio::test]
async fn a_registered_key_opens_its_owners_consents_only_in_every_mode() {
    for security in [SecurityMode::Open, SecurityMode::Lenient] {
        let app = TestApp::start_with(|builder| builder.security(security)).await;
        let handle = extract_handle(
            &post_as(&app, "/Consent", &rebit_request(), Some(FIU_1_KEY), None)
                .await
                .expect_ok(),
        );
        let message = rebit_message("ConsentHandle", &handle);
        assert_eq!(
            post_as(&app, "/Consent/handle", &message, Some(FIU_1_KEY), None)
                .await
                .status,
            200
        );
        assert_eq!(
            post_as(&app, "/Consent/handle", &message, None, None)
                .await
                .status,
            200
        );
        let reply = post_as(&app, "/Consent/handle", &message, Some(FIU_2_KEY), None).await;
        assert_eq!(
            status_and_code(&reply),
            (400, Some("InvalidConsentHandle".to_owned()))
        );
        let reply = post_as(&app, "/Consent", &rebit_request(), Some(FIU_2_KEY), None).await;
        assert_eq!(
            status_and_code(&reply),
            (400, Some("InvalidRequest".to_owned()))
        );
        let request = app
            .request(Method::GET, &format!("/consent/{handle}"))
            .header("Authorization", FIU_2_KEY);
        assert_eq!(app.send(request).await.status, 400);
    }
}

#[tokio::test]
async fn a_registered_key_of_the_wrong_kind_opens_nothing_in_any_mode() {
    for security in [
        SecurityMode::Open,
        SecurityMode::Lenient,
        SecurityMode::Strict,
    ] {
        let app = TestApp::start_with(|builder| builder.security(security)).await;
        let reply = post_as(
            &app,
            "/Consent",
            &rebit_request(),
            Some("mockaa-dev-fip-1-api-key"),
            Some(&fiu_1_signing_key()),
        )
        .await;
        assert_eq!(
            status_and_code(&reply),
            (400, Some("InvalidRequest".to_owned()))
        );
        assert_eq!(app.count_consents().await, 0);
    }
}

#[tokio::test]
async fn a_blank_key_header_is_none_and_the_next_one_counts() {
    let app = TestApp::start_with(|builder| builder.security(SecurityMode::Strict)).await;
    let request = app
        .request(Method::GET, "/Heartbeat")
        .header("client_api_key", "")
        .header("fip_api_key", "Bearer mockaa-dev-fip-1-api-key");
    app.send(request).await.expect_ok();
}

/// The head of a message is checked before its content.
#[tokio::test]
async fn a_stale_message_is_stale_whatever_else_is_wrong_with_it() {
    let app = TestApp::start().await;
    let mut body = rebit_request();
    set_path(&mut body, "ConsentDetail.Purpose.code", Some("199".into()));
    set_path(
        &mut body,
        "timestamp",
        Some("2020-07-04T05:44:00.000Z".into()),
    );
    let reply = app.post("/Consent", &body).await;
    assert!(
        reply.json()["errorMsg"]
            .as_str()
            .is_some_and(|message| message.starts_with("timestamp ")),
        "{}",
        reply.text
    );
    set_path(&mut body, "ver", Some("9.9.9".into()));
    set_path(&mut body, "ConsentDetail", Some(5.into()));
    let reply = app.post("/Consent", &body).await;
    assert_eq!(
        status_and_code(&reply),
        (404, Some("NoSuchVersion".to_owned())),
        "even where the content cannot be read"
    );
}

#[tokio::test]
async fn the_last_note_says_that_further_ones_are_dropped() {
    let app = TestApp::start().await;
    let mut body = rebit_request();
    for number in 0..1_010 {
        body["ConsentDetail"]["Customer"]["id"] = format!("{number}@elsewhere").into();
        app.post("/Consent", &body).await.expect_ok();
    }
    let entries = app.get("/_mockaa/v1/journal?after=2100").await.expect_ok();
    let texts = entries["items"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|entry| entry["text"].as_str());
    let last: Vec<_> = texts
        .filter(|text| text.contains("further ones are not kept"))
        .collect();
    assert_eq!(last.len(), 1);
}
