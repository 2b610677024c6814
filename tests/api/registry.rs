//! Identity: tokens, the Central Registry, configured participants.

use std::fs;

use mockaa::SecurityMode;
use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{TestApp, extract_handle, rebit_message};
use crate::jws_verifier::JwsVerifier;
use crate::participants::{Participant, consent_request};

async fn request_token(app: &TestApp, id: &str, secret: &str) -> crate::helpers::Reply {
    let request = app.request(Method::POST, "/iam/v1/entity/token/generate");
    app.send(request.body(format!("id={id}&secret={secret}")))
        .await
}

#[tokio::test]
async fn a_token_opens_the_calls_for_a_day() {
    let app = TestApp::start_with(|builder| builder.security(SecurityMode::Strict)).await;
    let verifier = JwsVerifier::from_published_keys(&app).await;
    let issued = request_token(&app, "FIU-1", "mockaa-dev-fiu-1-api-key")
        .await
        .expect_ok();
    assert_eq!(
        (&issued["expiresIn"], &issued["tokenType"]),
        (&json!(86_400), &json!("Bearer"))
    );
    let jwt = issued["accessToken"].as_str().expect("a token").to_owned();
    let claims = verifier.decode_compact(&jwt);
    assert_eq!(
        (&claims["azp"], &claims["roles"], &claims["typ"]),
        (&json!("FIU-1"), &json!("FIU"), &json!("Bearer"))
    );
    for api_key in [jwt.clone(), format!("Bearer {jwt}")] {
        let fiu = Participant {
            api_key,
            ..Participant::fiu_1()
        };
        let mut body = consent_request();
        body["txnid"] = app.next_txnid().into();
        fiu.post(&app, "/Consent", &body).await.expect_ok();
    }
    app.advance_clock("P1D").await;
    let request = app
        .request(Method::GET, "/Heartbeat")
        .header("client_api_key", &jwt);
    assert_eq!(app.send(request).await.status, 401);
    let mut app = app;
    app.switch_world("another");
    let foreign_token = request_token(&app, "FIU-1", "mockaa-dev-fiu-1-api-key")
        .await
        .expect_ok()["accessToken"]
        .clone();
    app.switch_world("third");
    let request = app
        .request(Method::GET, "/Heartbeat")
        .header("client_api_key", foreign_token.as_str().expect("a token"));
    assert_eq!(
        app.send(request).await.status,
        401,
        "a token is valid in its own world only"
    );
    for (id, secret, status) in [("FIU-1", "wrong", 401), ("FIU-9", "x", 401), ("", "", 401)] {
        assert_eq!(request_token(&app, id, secret).await.status, status);
    }
    assert_eq!(
        app.post("/iam/v1/entity/token/generate", &Value::Null)
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn the_legacy_service_grants_tokens_too() {
    let app = TestApp::start_with(|builder| builder.security(SecurityMode::Strict)).await;
    let path = "/auth/realms/sahamati/protocol/openid-connect/token";
    let request_grant = async |id: &str, secret: &str, form: &'static str| {
        app.send(
            app.request(Method::POST, path)
                .basic_auth(id, Some(secret))
                .body(form),
        )
        .await
    };
    let granted = request_grant(
        "FIP-1",
        "mockaa-dev-fip-1-api-key",
        "grant_type=client_credentials&scope=openid",
    )
    .await
    .expect_ok();
    let jwt = granted["access_token"].as_str().expect("a token");
    let request = app
        .request(Method::GET, "/Heartbeat")
        .header("fip_api_key", jwt);
    assert_eq!(app.send(request).await.expect_ok()["Status"], "UP");
    let wrong = request_grant("FIP-1", "wrong", "grant_type=client_credentials").await;
    assert_eq!(
        (wrong.status.as_u16(), wrong.json()["error"].clone()),
        (401, "invalid_client".into())
    );
    assert_eq!(
        request_grant("FIP-1", "x", "grant_type=password")
            .await
            .json()["error"],
        "unsupported_grant_type"
    );
    let keys = app
        .get("/auth/realms/sahamati/protocol/openid-connect/certs")
        .await
        .expect_ok();
    assert_eq!(keys, app.get("/.well-known/jwks.json").await.expect_ok());
}

#[tokio::test]
async fn the_registry_publishes_the_entities_a_caller_may_see() {
    let app = TestApp::start_with(|builder| builder.security(SecurityMode::Strict)).await;
    let get = async |path: &str, api_key: &str| {
        app.send(
            app.request(Method::GET, path)
                .header("Authorization", format!("Bearer {api_key}")),
        )
        .await
    };
    let fiu = "mockaa-dev-fiu-1-api-key";
    let aas = get("/v2/entityInfo/AA", fiu).await.expect_ok();
    let jwk = app.get("/.well-known/jwks.json").await.expect_ok()["keys"][0].clone();
    let info = &aas[0]["entityinfo"];
    assert_eq!(
        (&info["id"], &info["certificate"]),
        (&json!("mockaa"), &jwk),
        "the AA's published key is in its registry entry"
    );
    assert!(
        info["baseurl"]
            .as_str()
            .is_some_and(|url| url.contains("v2:http://127.0.0.1:")),
        "{info}"
    );
    let fips = get("/entityInfo/FIP", fiu).await.expect_ok();
    let ids: Vec<_> = fips
        .as_array()
        .expect("a list")
        .iter()
        .map(|entity| entity["entityinfo"]["id"].clone())
        .collect();
    let expected = [
        "FIP-1", "FIP-2", "FIP-3", "ACME-FIP", "FIP-4", "FIP-5", "FIP-6", "FIP-7",
    ];
    assert_eq!(ids, expected);
    assert_eq!(
        get("/v2/entityInfo/FIP/FIP-2", fiu).await.expect_ok()["entityinfo"]["certificate"]["kid"],
        "fip-2-dev-1"
    );
    for (path, api_key, status) in [
        ("/v2/entityInfo/FIU", fiu, 401),
        ("/v2/entityInfo/FIU", "mockaa-dev-fip-1-api-key", 401),
        ("/v2/entityInfo/AA", "nobody's", 401),
        ("/v2/entityInfo/FIP/FIP-9", fiu, 404),
        ("/v2/entityInfo/BANK", fiu, 400),
    ] {
        let reply = get(path, api_key).await;
        assert_eq!(
            (reply.status.as_u16(), reply.json()["responseCode"].as_u64()),
            (status, Some(status.into())),
            "{path}"
        );
    }
}

#[tokio::test]
async fn configured_participants_replace_the_shipped_ones() {
    let folder = std::env::temp_dir().join(format!("mockaa-config-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("mockaa.toml");
    let jwk = {
        let app = TestApp::start().await;
        app.get("/v2/entityInfo/FIU/FIU-2").await.expect_ok()["entityinfo"]["certificate"].clone()
    };
    let text = format!(
        "[[aa]]\nid = \"own-aa\"\nhandle = \"own\"\nkid = \"own-1\"\nkey = \"aa.pem\"\n\n[[fiu]]\nid = \"LENDER\"\napi_key = \
         \"a-key\"\npublic_keys = [{{ kty = \"RSA\", kid = {}, n = {}, e = \"AQAB\" }}]\n",
        jwk["kid"], jwk["n"]
    );
    fs::write(&file, text).expect("the file is written");
    fs::write(
        folder.join("aa.pem"),
        include_str!("../../fixtures/keys/fip-3.pem"),
    )
    .expect("the file is written");
    let app = TestApp::start_with(|builder| builder.config(&file)).await;
    assert_eq!(
        app.get("/.well-known/jwks.json").await.expect_ok()["keys"][0]["kid"],
        "own-1"
    );
    let mut body = consent_request();
    body["ConsentDetail"]["DataConsumer"]["id"] = "LENDER".into();
    body["ConsentDetail"]["Customer"]["id"] = "9876500001@own".into();
    let lender = Participant {
        api_key: "a-key".to_owned(),
        ..Participant::fiu_2()
    };
    lender.post(&app, "/Consent", &body).await.expect_ok();
    // Lenient mode also rejects a signature that does not match a configured key.
    let forged = lender
        .build_signed_request(&app, "/Consent", &body.to_string())
        .body(body.to_string() + " ");
    assert_eq!(
        app.send(forged).await.json()["errorCode"],
        "SignatureDoesNotMatch"
    );

    for (text, expected) in [
        (
            "[[aa]]\nid = \"x\"\nhandel = \"y\"\n",
            "unknown field `handel`",
        ),
        ("fiu = []\n", "one [[fiu]]"),
        (
            "[[aa]]\nid = \"x\"\n[[aa]]\nid = \"x\"\n",
            "used by two AAs",
        ),
        (
            "[[aa]]\nid = \"x\"\n[[aa]]\nid = \"y\"\nhandle = \"x\"\n",
            "@x of 'y' is already used by 'x'",
        ),
        ("[[aa]]\nid = \"FIP-1\"\n", "is already the id of an AA"),
        (
            "[[fiu]]\nid = \"A\"\n[[fiu]]\nid = \"A\"\n",
            "used by two participants",
        ),
        (
            "[[fiu]]\nid = \"A\"\nbase_url = \"ftp://x\"\n",
            "not http or https",
        ),
        (
            "[[fip]]\nid = \"A\"\nlinking = \"SMOKE\"\n",
            "not one of TOKEN, DIRECT",
        ),
        ("[[aa]]\nid = \"x\"\nkey = \"missing.pem\"\n", "missing.pem"),
    ] {
        fs::write(&file, text).expect("the file is written");
        let error = mockaa::Sandbox::builder()
            .config(&file)
            .start()
            .await
            .expect_err("the file is invalid")
            .to_string();
        assert!(
            error.contains(expected) && error.contains("mockaa.toml"),
            "{error}"
        );
    }
    fs::remove_dir_all(&folder).expect("the folder is removed");
}

#[tokio::test]
async fn an_fiu_is_registered_by_the_control_api_in_one_world_only() {
    let mut app = TestApp::start_with(|builder| builder.security(SecurityMode::Strict)).await;
    app.switch_world("one");
    let put_fiu = async |app: &TestApp, id: &str, body: Value| {
        app.send(
            app.request(Method::PUT, &format!("/_mockaa/v1/config/fiu/{id}"))
                .json(&body),
        )
        .await
    };
    let key = app.get("/v2/entityInfo/AA").await;
    assert_eq!(key.status, 401);
    let jwk = app.get("/_mockaa/v1/config/fiu/FIU-1").await.expect_ok()["publicKeys"][0].clone();
    put_fiu(
        &app,
        "LENDER",
        json!({ "apiKey": "lender-key", "publicKeys": [jwk] }),
    )
    .await
    .expect_ok();
    let lender = Participant {
        api_key: "lender-key".to_owned(),
        ..Participant::fiu_1()
    };
    let mut body = consent_request();
    body["ConsentDetail"]["DataConsumer"]["id"] = "LENDER".into();
    let handle = extract_handle(&lender.post(&app, "/Consent", &body).await.expect_ok());
    let other = Participant::fiu_2()
        .post(
            &app,
            "/Consent/handle",
            &rebit_message("ConsentHandle", &handle),
        )
        .await;
    assert_eq!(other.json()["errorCode"], "InvalidConsentHandle");

    for (id, body, expected) in [
        ("A B", json!({}), "letters, digits"),
        (
            "FIU-1",
            json!({ "id": "FIU-2" }),
            "differs from the id in the path",
        ),
        (
            "FIU-1",
            json!({ "baseUrl": "http://169.254.169.254" }),
            "cloud-metadata",
        ),
        (
            "FIU-1",
            json!({ "signatureProfile": "loud" }),
            "detached, encoded, off",
        ),
        (
            "FIU-1",
            json!({ "apiKey": "lender-key" }),
            "is already used by",
        ),
        (
            "FIU-1",
            json!({ "webhookSecret": "whsec_AAAA" }),
            "24 to 64 bytes",
        ),
        (
            "FIU-1",
            json!({ "publicKeys": [{ "kty": "EC", "kid": "k", "n": "", "e": "" }] }),
            "not RSA",
        ),
        ("FIU-1", json!({ "apiKey": "a b" }), "without spaces"),
        ("mockaa", json!({}), "id of an AA"),
        (
            "FIU-1",
            json!({ "colour": "red" }),
            "unknown field `colour`",
        ),
    ] {
        let reply = put_fiu(&app, &id.replace(' ', "%20"), body).await;
        assert!(
            reply.status == 400 && reply.text.contains(expected),
            "{}",
            reply.text
        );
    }
    assert_eq!(
        app.get("/_mockaa/v1/config/fip").await.expect_ok()["items"][3]["linking"],
        "DIRECT"
    );
    let customer = "/_mockaa/v1/customers/9876500001@mockaa/accounts";
    let before = app.get(customer).await.expect_ok();
    app.send(
        app.request(Method::PUT, "/_mockaa/v1/config/fip/NEW")
            .json(&json!({})),
    )
    .await
    .expect_ok();
    assert_eq!(
        app.get(customer).await.expect_ok(),
        before,
        "a new FIP does not move existing accounts"
    );
    let fip = json!({ "linking": "DIRECT", "apiKey": "bank-key" });
    let path = "/_mockaa/v1/config/fip/FIP-1";
    assert_eq!(
        app.send(app.request(Method::PUT, path).json(&fip))
            .await
            .expect_ok()["linking"],
        "DIRECT"
    );
    assert_eq!(
        app.get(path).await.expect_ok()["publicKeys"][0]["kid"],
        "fip-1-dev-1",
        "omitted fields keep their value"
    );
    let heartbeat = app
        .request(Method::GET, "/Heartbeat")
        .header("fip_api_key", "bank-key");
    app.send(heartbeat).await.expect_ok();
    // A configuration that was read can be sent back unchanged; a shipped key remains public.
    let fiu_config = app.get("/_mockaa/v1/config/fiu/FIU-2").await.expect_ok();
    assert_eq!(
        put_fiu(&app, "FIU-2", fiu_config.clone()).await.expect_ok(),
        fiu_config
    );
    assert_eq!(
        put_fiu(&app, "LENDER-2", json!({})).await.expect_ok()["baseUrl"],
        fiu_config["baseUrl"],
        "--fiu-url applies to it as well"
    );
    app.switch_world("another");
    assert_eq!(app.get("/_mockaa/v1/config/fiu/LENDER").await.status, 404);
}

/// Calls `/iam/v1/entity/secret/read` for this entity with this token.
async fn read_secret(app: &TestApp, entity: &str, token: &str) -> crate::helpers::Reply {
    let body = json!({
        "ver": "1.0.0",
        "timestamp": crate::helpers::NOW,
        "txnId": "f35761ac-4a18-11e8-96ff-0277a9fbfedc",
        "entityId": entity,
    });
    let request = app.request(Method::POST, "/iam/v1/entity/secret/read");
    app.send(request.bearer_auth(token).json(&body)).await
}

#[tokio::test]
async fn a_user_reads_the_secret_of_its_participant() {
    let mut app = TestApp::start_with(|builder| builder.security(SecurityMode::Strict)).await;
    let request_user_token = async |app: &TestApp, form: &'static str| {
        let request = app.request(Method::POST, "/iam/v1/user/token/generate");
        app.send(request.body(form)).await
    };
    let form = "username=FIU-1&password=mockaa-dev-fiu-1-api-key";
    let issued = request_user_token(&app, form).await.expect_ok();
    assert_eq!(issued["expiresIn"], 180 * 86_400);
    let token = issued["accessToken"].as_str().expect("a token").to_owned();
    let read = read_secret(&app, "FIU-1", &token).await.expect_ok();
    assert_eq!(
        read,
        json!({
            "ver": "1.0.0",
            "timestamp": crate::helpers::NOW,
            "txnId": "f35761ac-4a18-11e8-96ff-0277a9fbfedc",
            "entityId": "FIU-1",
            "secret": "mockaa-dev-fiu-1-api-key",
            "expiresOn": 1_609_394_400,
            "expirationDate": "2020-12-31T06:00:00.000",
        })
    );
    // The secret gets a token of the participant.
    let entity_token = request_token(&app, "FIU-1", read["secret"].as_str().expect("a secret"))
        .await
        .expect_ok()["accessToken"]
        .clone();
    let entity_token = entity_token.as_str().expect("a token");

    for (entity, token) in [
        ("FIU-2", &*token),
        ("FIU-1", entity_token),
        ("FIU-1", "x.y.z"),
        ("FIU-9", &token),
    ] {
        let refused = read_secret(&app, entity, token).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["errorCode"]),
            (401, &json!("Unauthorized"))
        );
    }
    for (form, status) in [
        ("username=FIU-1&password=wrong", 401),
        ("username=FIU-9&password=x", 401),
        ("username=FIU-1", 400),
    ] {
        assert_eq!(
            request_user_token(&app, form).await.status,
            status,
            "{form}"
        );
    }
    let incomplete = app.request(Method::POST, "/iam/v1/entity/secret/read");
    let incomplete = app
        .send(
            incomplete
                .bearer_auth(&token)
                .json(&json!({ "ver": "1.0.0" })),
        )
        .await;
    assert_eq!(incomplete.status, 400);
    assert!(incomplete.text.contains("timestamp"), "{}", incomplete.text);

    // A user's token is no API key, and ends after 180 days and in another world.
    let call = app
        .request(Method::GET, "/Heartbeat")
        .header("client_api_key", &token);
    assert_eq!(app.send(call).await.status, 401);
    app.advance_clock("179d").await;
    read_secret(&app, "FIU-1", &token).await.expect_ok();
    app.advance_clock("1d").await;
    assert_eq!(read_secret(&app, "FIU-1", &token).await.status, 401);
    app.switch_world("another");
    assert_eq!(read_secret(&app, "FIU-1", &token).await.status, 401);
}

#[tokio::test]
async fn the_router_path_reaches_the_calls_of_rebit() {
    let app = TestApp::start().await;
    let fiu = Participant::fiu_1();
    for path in ["/router/v2/Consent", "/proxy/v2/Consent"] {
        fiu.post(&app, path, &consent_request()).await.expect_ok();
    }
}
