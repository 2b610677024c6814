//! The AA's own credential: the token that it sends as `aa_api_key`, the services that accept it,
//! and the webhook faults that break it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{NOW, Reply, TestApp, seed_request};
use crate::inbox::ReceiverBehavior;
use crate::jws_verifier::{JwsVerifier, decode_base64, hmac_sha256};
use crate::lender::{Lender, start_configured};

const ISSUER_PATH: &str = "/auth/realms/sahamati";
const DAY_S: i64 = 86_400;

/// Returns the claims of a token that the sandbox's token service has signed.
async fn decode_token(app: &TestApp, token: &str) -> Value {
    let header = token.split('.').next().expect("a header");
    let header: Value = serde_json::from_slice(&decode_base64(header)).expect("a JWS header");
    assert_eq!(
        (&header["alg"], &header["typ"]),
        (&json!("RS256"), &json!("JWT"))
    );
    let keys = format!("{ISSUER_PATH}/protocol/openid-connect/certs");
    let keys = app.get(&keys).await.expect_ok();
    let keys = keys["keys"].as_array().expect("a list").clone();
    let key = keys.iter().find(|key| key["kid"] == header["kid"]);
    JwsVerifier::from_jwk(key.expect("the key is published")).decode_compact(token)
}

/// Raises a consent that is approved at once and lasts until 2090; returns the `aa_api_key` of its
/// webhook.
async fn receive_api_key(app: &mut TestApp) -> String {
    let mut body = seed_request();
    body["ConsentDetail"]["consentExpiry"] = "2090-01-01T00:00:00.000Z".into();
    let raise = app.request(Method::POST, "/consent").json(&body);
    app.send(raise.header("x-mockaa-scenario", "approve"))
        .await
        .expect_ok();
    app.advance_clock("0s").await;
    let messages = app.fiu.drain_messages();
    messages[0].header("aa_api_key").to_owned()
}

async fn get_as(app: &TestApp, path: &str, token: &str) -> Reply {
    let request = app.request(Method::GET, path);
    app.send(request.header("Authorization", format!("Bearer {token}")))
        .await
}

#[tokio::test]
async fn the_aa_presents_a_token_of_the_token_service() {
    let mut app = TestApp::start().await;
    app.raise_with_scenario("approve").await;
    app.advance_clock("0s").await;
    let message = app.fiu.drain_messages().remove(0);
    let token = message.header("aa_api_key");
    let claims = decode_token(&app, token).await;
    let notifier = &message.json()["Notifier"]["id"];
    assert_eq!((&claims["azp"], &claims["clientId"]), (notifier, notifier));
    assert_eq!(
        (&claims["roles"], &claims["typ"]),
        (&json!("AA"), &json!("Bearer"))
    );
    let issuer = format!("http://mockaa{ISSUER_PATH}");
    assert_eq!(claims["iss"], issuer.as_str());
    assert!(claims["jti"].as_str().is_some_and(|id| !id.is_empty()));

    app.switch_world("other");
    app.raise_with_scenario("approve").await;
    app.advance_clock("0s").await;
    let message = app.fiu.drain_messages().remove(0);
    let claims = decode_token(&app, message.header("aa_api_key")).await;
    let issuer = format!("http://mockaa/w/other{ISSUER_PATH}");
    assert_eq!(
        claims["iss"],
        issuer.as_str(),
        "a token belongs to its world"
    );
}

#[expect(
    clippy::disallowed_methods,
    reason = "the token is compared with system time"
)]
#[tokio::test]
async fn the_token_is_valid_by_both_clocks() {
    let claims_in = async |clock: &str| {
        let clock = clock.to_owned();
        let mut app = TestApp::start_with(|builder| builder.clock(clock)).await;
        let token = receive_api_key(&mut app).await;
        let system_s = chrono::Utc::now().timestamp();
        let world = app.get("/_mockaa/v1/world").await.expect_ok();
        let world_s = chrono::DateTime::parse_from_rfc3339(world["now"].as_str().expect("a time"))
            .expect("a time")
            .timestamp();
        (decode_token(&app, &token).await, system_s, world_s)
    };
    for clock in [
        NOW,
        "2020-07-04T06:00:00Z,frozen",
        "2060-01-01T00:00:00Z,frozen",
        "2060-01-01T00:00:00Z",
    ] {
        let (claims, system_s, world_s) = claims_in(clock).await;
        let (iat, exp) = (
            claims["iat"].as_i64().expect("a time"),
            claims["exp"].as_i64().expect("a time"),
        );
        let (earlier, later) = (system_s.min(world_s), system_s.max(world_s));
        assert!((earlier - 60..=earlier).contains(&iat), "{clock}: {claims}");
        assert!(
            (later + DAY_S - 60..=later + DAY_S).contains(&exp),
            "{clock}: {claims}"
        );
    }
}

#[tokio::test]
async fn a_token_is_reused_until_it_ends() {
    let mut app = TestApp::start().await;
    let first = receive_api_key(&mut app).await;
    assert_eq!(receive_api_key(&mut app).await, first);
    // The world's clock is years behind system time, so that the token still has these years.
    app.advance_clock("P2D").await;
    assert_eq!(receive_api_key(&mut app).await, first);
    app.advance_clock("20000d").await;
    let renewed = receive_api_key(&mut app).await;
    assert_ne!(renewed, first);
    let (first, renewed) = (
        decode_token(&app, &first).await,
        decode_token(&app, &renewed).await,
    );
    assert_ne!(first["jti"], renewed["jti"]);
}

#[tokio::test]
async fn the_registry_and_the_token_service_accept_aas() {
    let app = TestApp::start_with(|builder| builder.security(mockaa::SecurityMode::Strict)).await;
    let requested = app.request(Method::POST, "/iam/v1/entity/token/generate");
    let secret = "mockaa-dev-mockaa-api-key";
    let issued = app
        .send(requested.body(format!("id=mockaa&secret={secret}")))
        .await
        .expect_ok();
    let issued = issued["accessToken"].as_str().expect("a token").to_owned();
    assert_eq!(decode_token(&app, &issued).await["roles"], "AA");
    for token in [issued.as_str(), secret] {
        let own = get_as(&app, "/v2/entityInfo/AA/mockaa", token)
            .await
            .expect_ok();
        assert_eq!(own["entityinfo"]["id"], "mockaa");
        for (path, status) in [
            ("/v2/entityInfo/FIU/FIU-1", 200),
            ("/v2/entityInfo/FIP", 200),
            ("/v2/entityInfo/AA/onemoney-aa", 401),
            ("/v2/entityInfo/AA", 401),
        ] {
            assert_eq!(get_as(&app, path, token).await.status, status, "{path}");
        }
        let call = app
            .request(Method::GET, "/Heartbeat")
            .header("client_api_key", token);
        let refused = app.send(call).await;
        assert_eq!(refused.status, 400);
        assert!(refused.text.contains("mockaa (AA)"), "{}", refused.text);
    }
    let wrong = app.request(Method::POST, "/iam/v1/entity/token/generate");
    assert_eq!(
        app.send(wrong.body("id=mockaa&secret=wrong")).await.status,
        401
    );
}

#[tokio::test]
async fn a_received_token_can_be_presented_to_the_registry() {
    let mut app = TestApp::start().await;
    let token = receive_api_key(&mut app).await;
    let own = get_as(&app, "/v2/entityInfo/AA/mockaa", &token)
        .await
        .expect_ok();
    assert_eq!(own["entityinfo"]["id"], "mockaa");
    assert_eq!(
        get_as(&app, "/v2/entityInfo/AA/onemoney-aa", &token)
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn an_aa_with_an_api_key_sends_that_key() {
    let toml = "[[aa]]\nid = \"own-aa\"\napi_key = \"a-fixed-key\"\n";
    let mut app = start_configured("aa-fixed-key", toml).await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    let handle = lender
        .raise_consent(&app, |body| body["aaId"] = "own-aa".into())
        .await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    app.advance_clock("0s").await;
    let messages = app.fiu.drain_messages();
    assert_eq!(messages[0].header("aa_api_key"), "a-fixed-key");
    let own = get_as(&app, "/v2/entityInfo/AA/own-aa", "a-fixed-key").await;
    assert_eq!(own.expect_ok()["entityinfo"]["id"], "own-aa");

    for (toml, expected) in [
        (
            "[[aa]]\nid = \"x\"\napi_key = \"two words\"\n",
            "aa.api_key",
        ),
        (
            "[[aa]]\nid = \"x\"\napi_key = \"k\"\n[[aa]]\nid = \"y\"\napi_key = \"k\"\n",
            "already used by 'x'",
        ),
        (
            "[[aa]]\nid = \"x\"\napi_key = \"mockaa-dev-fiu-1-api-key\"\n",
            "already used by 'x'",
        ),
    ] {
        let file = crate::lender::write_temp_file("aa-bad-key", "toml", toml);
        let error = mockaa::Sandbox::builder().config(&file).start().await;
        let error = error.expect_err("the file is invalid").to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// Raises a consent with this fault on its webhook; returns the `aa_api_key` that arrived.
async fn receive_faulty_api_key(app: &mut TestApp, fault: &str) -> Option<String> {
    let faults = format!("webhooks: [{{ fault: {{ {fault} }} }}]");
    app.put_faults(faults).await.expect_ok();
    app.raise_with_scenario("approve").await;
    app.advance_clock("0s").await;
    let message = app.fiu.drain_messages().remove(0);
    let verifier = JwsVerifier::from_published_keys(app).await;
    assert!(
        verifier.is_valid_detached(message.header("x-jws-signature"), &message.body),
        "{fault}: only the API key is wrong"
    );
    let mut headers = message.headers.into_iter();
    headers.find_map(|(name, value)| (name == "aa_api_key").then_some(value))
}

#[tokio::test]
async fn faults_break_the_credential_and_nothing_else() {
    let mut app = TestApp::start().await;
    let correct = receive_api_key(&mut app).await;
    assert_eq!(
        receive_faulty_api_key(&mut app, "missing_api_key: {}").await,
        None
    );
    let correct: Vec<_> = correct.split('.').collect();
    for (index, part) in ["header", "payload", "signature"].into_iter().enumerate() {
        for (change, difference) in [("longer", 1), ("shorter", -1)] {
            let fault = format!("altered_api_key: {{ part: {part}, change: {change} }}");
            let altered = receive_faulty_api_key(&mut app, &fault)
                .await
                .expect("a key");
            let altered: Vec<_> = altered.split('.').collect();
            assert_eq!(altered.len(), 3, "{fault}");
            for (other, (altered, correct)) in altered.iter().zip(&correct).enumerate() {
                if other == index {
                    let expected = isize::try_from(correct.len()).expect("short") + difference;
                    assert_eq!(isize::try_from(altered.len()), Ok(expected), "{fault}");
                } else {
                    assert_eq!(altered, correct, "{fault}");
                }
            }
        }
    }
    for (fault, key) in [
        ("altered_api_key: { part: whole, change: empty }", ""),
        ("altered_api_key: { part: whole, change: zero }", "0"),
    ] {
        let altered = receive_faulty_api_key(&mut app, fault).await;
        assert_eq!(altered.as_deref(), Some(key), "{fault}");
    }
    let foreign = receive_faulty_api_key(&mut app, "foreign_api_key: {}")
        .await
        .expect("a key");
    let claims = decode_token(&app, &foreign).await;
    assert_eq!(
        claims["azp"], "UNACORES-AA-UAT",
        "a valid token of another AA"
    );
}

/// A valid message, by a key that the receiver knows, of an AA that does not have the consent.
#[tokio::test]
async fn another_aa_signs_in_the_name_of_the_first() {
    let mut app = TestApp::start().await;
    let faults = "webhooks: [{ fault: { foreign_aa: {} } }]";
    app.put_faults(faults).await.expect_ok();
    app.raise_with_scenario("approve").await;
    app.advance_clock("0s").await;
    let message = app.fiu.drain_messages().remove(0);
    assert_eq!(message.json()["Notifier"]["id"], "mockaa");
    let claims = decode_token(&app, message.header("aa_api_key")).await;
    assert_eq!(claims["azp"], "UNACORES-AA-UAT");
    let (header, signature) = message
        .header("x-jws-signature")
        .split_once("..")
        .expect("a detached JWS");
    let fields: Value = serde_json::from_slice(&decode_base64(header)).expect("JSON");
    assert_eq!(fields["kid"], "unacores-aa-uat-dev-1");
    let verifier = JwsVerifier::from_published_keys(&app).await;
    let signed = [header.as_bytes(), b".", &message.body].concat();
    assert!(
        !verifier.is_valid(&signed, &decode_base64(signature)),
        "no key of the AA whose consent it is"
    );
}

#[tokio::test]
async fn a_single_aa_has_a_foreign_key_too() {
    let mut app = start_configured("single-aa", "[[aa]]\nid = \"only-aa\"\n").await;
    let faults = "webhooks: [{ fault: { foreign_api_key: {} } }]";
    app.put_faults(faults).await.expect_ok();
    let lender = Lender::log_in_with_webhooks(&app).await;
    let handle = lender
        .raise_consent(&app, |body| body["aaId"] = "only-aa".into())
        .await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    app.advance_clock("0s").await;
    let message = app.fiu.drain_messages().remove(0);
    assert_eq!(message.json()["Notifier"]["id"], "only-aa");
    let claims = decode_token(&app, message.header("aa_api_key")).await;
    assert_eq!(claims["azp"], "only-aa-other");
}

#[tokio::test]
async fn a_rotated_secret_signs_beside_the_old_one() {
    let mut app = TestApp::start().await;
    let faults = "webhooks: [{ fault: { rotated_secret: {} } }]";
    app.put_faults(faults).await.expect_ok();
    app.raise_with_scenario("approve").await;
    app.advance_clock("0s").await;
    let message = app.fiu.drain_messages().remove(0);
    let fiu = app.get("/_mockaa/v1/config/fiu/FIU-1").await.expect_ok();
    let secret = fiu["webhookSecret"]
        .as_str()
        .expect("a secret")
        .trim_start_matches("whsec_");
    let (id, at) = (
        message.header("webhook-id"),
        message.header("webhook-timestamp"),
    );
    let signed = [format!("{id}.{at}.").as_bytes(), &message.body].concat();
    let expected = hmac_sha256(&decode_base64(secret), &signed);
    let matches: Vec<_> = message
        .header("webhook-signature")
        .split(' ')
        .map(|signature| decode_base64(signature.trim_start_matches("v1,")) == expected)
        .collect();
    assert_eq!(
        matches,
        [false, true],
        "the next secret, which the FIU does not know, comes first"
    );
}

#[tokio::test]
async fn the_contract_report_grades_the_check_of_the_credential() {
    for fault in [
        "missing_api_key: {}",
        "altered_api_key: {}",
        "foreign_api_key: {}",
        "foreign_aa: {}",
    ] {
        for (status, outcome) in [(200, "fail"), (401, "pass")] {
            let app = TestApp::start().await;
            app.fiu
                .set_behavior(ReceiverBehavior::Respond(status, String::new()));
            app.put_faults(format!("webhooks: [{{ fault: {{ {fault} }} }}]"))
                .await
                .expect_ok();
            app.raise_with_scenario("approve").await;
            app.advance_clock("0s").await;
            let report = app.get("/_mockaa/v1/report").await.expect_ok();
            let rules = report["rules"].as_array().expect("a list");
            let outcome_of = |name: &str| {
                let rule = rules.iter().find(|rule| rule["rule"] == name);
                rule.expect("the rule")["outcome"].clone()
            };
            assert_eq!(
                outcome_of("rejects-wrong-api-keys"),
                outcome,
                "{fault} {status}"
            );
            assert_eq!(
                outcome_of("rejects-invalid-signatures"),
                "not-tested",
                "{fault}"
            );
        }
    }
}
