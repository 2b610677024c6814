//! The clock of each time in a message: the table of `docs/configuration.md#clocks`.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use mockaa::internals::crypto::base64::{decode, url_decode};
use mockaa::internals::domain::key_exchange::Curve;
use mockaa::internals::domain::time::{Millis, Timestamp};
use mockaa::internals::engine::clock::system_now;
use mockaa::internals::wire::fields::parse_timestamp;
use mockaa::{Sandbox, SecurityMode, TimeSource};
use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{NOW, TestApp, seed_request};
use crate::inbox::Message;
use crate::participants::{Journey, decrypt_documents, key_pair};

/// The tolerance of the reference libraries of Standard Webhooks, in seconds.
const TOLERANCE_S: i64 = 5 * 60;

/// Verifies a webhook as Standard Webhooks 1.0 describes it: the stamp is near the receiver's
/// clock, and one signature of the list is the HMAC-SHA256 of `id.timestamp.body`.
fn verify_webhook(message: &Message, secret: &str) -> Result<(), String> {
    let (id, stamp) = (
        message.header("webhook-id"),
        message.header("webhook-timestamp"),
    );
    let sent_at: i64 = stamp
        .parse()
        .map_err(|_| format!("'{stamp}' is no number"))?;
    let age = system_now().as_millis() / 1000 - sent_at;
    if age.abs() > TOLERANCE_S {
        return Err(format!("the message is {age} s old"));
    }
    let key = decode(secret.strip_prefix("whsec_").ok_or("no prefix")?).ok_or("no base64")?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let mut content = format!("{id}.{stamp}.").into_bytes();
    content.extend_from_slice(&message.body);
    let is_signed = message
        .header("webhook-signature")
        .split(' ')
        .filter_map(|signature| decode(signature.strip_prefix("v1,")?))
        .any(|signature| hmac::verify(&key, &content, &signature).is_ok());
    is_signed
        .then_some(())
        .ok_or("no signature matches".to_owned())
}

async fn fetch_secret(app: &TestApp, fiu: &str) -> String {
    let entry = app.get(&format!("/_mockaa/v1/config/fiu/{fiu}")).await;
    entry.expect_ok()["webhookSecret"]
        .as_str()
        .expect("a secret")
        .to_owned()
}

async fn world_time(app: &TestApp) -> Timestamp {
    read_time(&app.get("/_mockaa/v1/clock").await.expect_ok()["now"])
}

fn read_time(value: &Value) -> Timestamp {
    let text = value.as_str().unwrap_or_else(|| panic!("{value}"));
    parse_timestamp(text).expect("a date-time")
}

/// Returns `iat` and `exp` of a token, in seconds.
fn read_token_times(token: &str) -> (i64, i64) {
    let payload = token.split('.').nth(1).expect("three parts");
    let claims: Value =
        serde_json::from_slice(&url_decode(payload).expect("base64url")).expect("JSON");
    let read = |name: &str| claims[name].as_i64().expect("a number");
    (read("iat"), read("exp"))
}

fn is_near(a: Timestamp, b: Timestamp) -> bool {
    a.duration_since(b).0.abs() < 60_000
}

/// State of a world's clock.
#[derive(Clone, Copy, Debug, PartialEq)]
enum ClockState {
    Running,
    RunningAndAdvanced,
    Frozen,
    FrozenAndAdvanced,
}

impl ClockState {
    const ALL: [Self; 4] = [
        Self::Running,
        Self::RunningAndAdvanced,
        Self::Frozen,
        Self::FrozenAndAdvanced,
    ];

    fn is_frozen(self) -> bool {
        matches!(self, Self::Frozen | Self::FrozenAndAdvanced)
    }

    /// Starts a sandbox in July 2020 in this state.
    async fn start(self, security: SecurityMode) -> TestApp {
        let app = TestApp::start_with(|builder| {
            let start = if self.is_frozen() {
                format!("{NOW},frozen")
            } else {
                NOW.to_owned()
            };
            builder.security(security).clock(start)
        })
        .await;
        if matches!(self, Self::RunningAndAdvanced | Self::FrozenAndAdvanced) {
            app.advance_clock("P30D").await;
        }
        app
    }
}

#[tokio::test]
async fn answers_and_webhooks_carry_the_clock_of_the_table() {
    for security in SecurityMode::ALL.iter().copied() {
        for state in ClockState::ALL {
            let mut app = state.start(security).await;
            let carries_world_time = security == SecurityMode::Strict || state.is_frozen();
            let world = world_time(&app).await;
            let expected = if carries_world_time {
                world
            } else {
                system_now()
            };
            let journey = Journey::new(&app);
            let mut body = crate::participants::consent_request();
            body["timestamp"] = world.to_string().into();
            let answer = journey.fiu.post(&app, "/Consent", &body).await.expect_ok();
            assert!(
                is_near(read_time(&answer["timestamp"]), expected),
                "{security} {state:?}: an answer carries {}",
                answer["timestamp"]
            );
            let broken = journey
                .fiu
                .post(&app, "/Consent", &json!({ "ver": "2.0.0" }))
                .await;
            assert_eq!(broken.status, 400);
            let error_time = broken.json()["timestamp"].clone();
            assert!(
                is_near(read_time(&error_time), expected),
                "{security} {state:?}: an error carries {error_time}"
            );
            let handle = answer["ConsentHandle"]
                .as_str()
                .expect("a handle")
                .to_owned();
            app.apply_verb(&handle, "approve").await.expect_ok();
            let secret = fetch_secret(&app, "FIU-1").await;
            let message = app.fiu.next_message().await;
            assert_eq!(
                verify_webhook(&message, &secret),
                Ok(()),
                "{security} {state:?}"
            );
            let (issued_at, expires_at) = read_token_times(message.header("aa_api_key"));
            let (world, system) = (world.as_millis() / 1000, system_now().as_millis() / 1000);
            assert!(
                (issued_at - world.min(system)).abs() < 60
                    && (expires_at - world.max(system) - 86_400).abs() < 60,
                "{security} {state:?}: the token is valid from {issued_at} to {expires_at}"
            );
            let body_time = message.json()["timestamp"].clone();
            assert!(
                is_near(read_time(&body_time), expected),
                "{security} {state:?}: a webhook carries {body_time}"
            );
        }
    }
}

#[tokio::test]
async fn an_error_before_the_world_exists_carries_the_clock_that_it_would_have() {
    for (security, clock, is_world) in [
        (SecurityMode::Strict, NOW.to_owned(), true),
        (SecurityMode::Lenient, format!("{NOW},frozen"), true),
        (SecurityMode::Lenient, NOW.to_owned(), false),
    ] {
        let mut app = TestApp::start_with(|builder| builder.security(security).clock(clock)).await;
        app.switch_world("none");
        let path = "/api/v1/FIU/getClientOrganisation";
        for reply in [
            app.post("/Consent/handle/", &json!({})).await,
            app.get(path).await,
        ] {
            assert!(reply.status.is_client_error(), "{}", reply.text);
            let timestamp = read_time(&reply.json()["timestamp"]);
            let start = parse_timestamp(NOW).expect("a date-time");
            let expected = if is_world { start } else { system_now() };
            assert!(is_near(timestamp, expected), "{security} {timestamp}");
        }
    }
}

#[tokio::test]
async fn requests_are_accepted_near_either_clock_and_in_strict_near_the_worlds_only() {
    for security in SecurityMode::ALL.iter().copied() {
        for state in ClockState::ALL {
            let app = state.start(security).await;
            let (world, system) = (world_time(&app).await, system_now());
            let fiu = crate::participants::Participant::fiu_1();
            let either = if security == SecurityMode::Strict {
                400
            } else {
                200
            };
            for (at, status) in [
                (world, 200),
                (system, either),
                (world.saturating_add(Millis::from_secs(-3600)), 400),
                (system.saturating_add(Millis::from_secs(3600)), 400),
            ] {
                let mut body = crate::participants::consent_request();
                body["timestamp"] = at.to_string().into();
                let reply = fiu.post(&app, "/Consent", &body).await;
                assert_eq!(
                    reply.status, status,
                    "{security} {state:?} {at}: {}",
                    reply.text
                );
            }
        }
    }
}

#[tokio::test]
async fn a_key_expires_by_both_clocks_and_in_strict_by_the_worlds() {
    let day = Millis::from_secs(86_400);
    for security in SecurityMode::ALL.iter().copied() {
        for (clock, is_in_past) in [
            ("2020-07-04T06:00:00Z", true),
            ("2035-07-04T06:00:00Z,frozen", false),
        ] {
            let app = TestApp::start_with(|builder| builder.security(security).clock(clock)).await;
            let journey = Journey::new(&app);
            let (_, id) = journey
                .raise_and_approve(|body| {
                    let detail = &mut body["ConsentDetail"];
                    detail["consentExpiry"] = "2036-01-01T00:00:00.000Z".into();
                    if !is_in_past {
                        detail["consentStart"] = "2035-07-04T06:00:00.000Z".into();
                    }
                })
                .await;
            let (world, system) = (world_time(&app).await, system_now());
            let is_strict = security == SecurityMode::Strict;
            for (expiry, is_valid) in [
                (world.saturating_add(day), true),
                (system.saturating_add(day), !is_strict || is_in_past),
                (world.min(system).saturating_add(Millis(-day.0)), false),
            ] {
                let mut request = journey.build_fi_request(&id).await;
                request["KeyMaterial"]["DHPublicKey"]["expiry"] = expiry.to_string().into();
                let reply = journey.fiu.post(&app, "/FI/request", &request).await;
                let is_expired = reply.text.contains("is in the past");
                assert_eq!(
                    !is_expired, is_valid,
                    "{security} {clock} {expiry}: {}",
                    reply.text
                );
            }
        }
    }
}

#[tokio::test]
async fn our_own_tokens_are_judged_by_world_time() {
    for security in SecurityMode::ALL.iter().copied() {
        for clock in ["2020-07-04T06:00:00Z", "2035-07-04T06:00:00Z"] {
            let app = TestApp::start_with(|builder| builder.security(security).clock(clock)).await;
            let request = app.request(Method::POST, "/iam/v1/entity/token/generate");
            let form = format!("id=FIU-1&secret={}", crate::helpers::FIU_1_KEY);
            let issued = app.send(request.body(form)).await.expect_ok();
            let token = issued["accessToken"].as_str().expect("a token").to_owned();
            // A registry call names its caller by the token; an FIU may not list FIUs.
            let list_fius = async || {
                let request = app.request(Method::GET, "/entityInfo/FIU");
                app.send(request.bearer_auth(&token)).await.status.as_u16()
            };
            let fips = app
                .request(Method::GET, "/entityInfo/FIP")
                .bearer_auth(&token);
            assert_eq!(app.send(fips).await.status, 200, "{security} {clock}");
            assert_eq!(
                list_fius().await,
                401,
                "{security} {clock}: the token is valid"
            );
            app.advance_clock("25h").await;
            let anonymous = if security == SecurityMode::Strict {
                401
            } else {
                200
            };
            assert_eq!(
                list_fius().await,
                anonymous,
                "{security} {clock}: it has expired"
            );
        }
    }
}

#[tokio::test]
async fn a_standard_webhooks_receiver_accepts_every_webhook_of_a_frozen_world() {
    let mut app = TestApp::start().await;
    let secret = fetch_secret(&app, "FIU-1").await;
    for scenario in ["revoke", "approve-deposit"] {
        app.raise_with_scenario(scenario).await;
        app.advance_clock("P30D").await;
    }
    let messages = app.fiu.drain_messages();
    assert!(messages.len() > 4, "{}", messages.len());
    for message in &messages {
        assert_eq!(verify_webhook(message, &secret), Ok(()), "{message:?}");
        assert!(
            read_time(&message.json()["timestamp"])
                < system_now().saturating_add(Millis::from_secs(-86_400)),
            "the body carries world time"
        );
    }
}

#[tokio::test]
async fn a_strict_client_that_follows_a_running_clock_in_the_past_gets_its_data() {
    let app = TestApp::start_with(|builder| {
        builder
            .clock("2020-07-04T06:00:00Z")
            .security(SecurityMode::Strict)
    })
    .await;
    let journey = Journey::new(&app);
    let (_, id) = journey.raise_and_approve(|_| {}).await;
    let world = world_time(&app).await;
    let mut request = journey.build_fi_request(&id).await;
    let tomorrow = world.saturating_add(Millis::from_secs(86_400));
    request["KeyMaterial"]["DHPublicKey"]["expiry"] = tomorrow.to_string().into();
    let opened = journey
        .fiu
        .post(&app, "/FI/request", &request)
        .await
        .expect_ok();
    assert!(is_near(read_time(&opened["timestamp"]), world), "{opened}");
    let session = opened["sessionId"].as_str().expect("a session");
    let fetched = journey.fetch_data(session).await.expect_ok();
    assert!(is_near(read_time(&fetched["timestamp"]), world));
    let expiry = read_time(&fetched["FI"][0]["KeyMaterial"]["DHPublicKey"]["expiry"]);
    assert!(
        expiry > world && expiry < system_now(),
        "{expiry} follows world time"
    );
    let documents = decrypt_documents(&key_pair(Curve::Weierstrass), &fetched);
    assert_eq!(documents.len(), 1);
}

/// Headers of a webhook that sign it or name it, and its body.
type SignedWebhook = (BTreeMap<String, String>, Vec<u8>);

/// Returns the webhooks of a run in a frozen world.
async fn record_webhooks(signing_time: Option<TimeSource>) -> Vec<SignedWebhook> {
    let mut app = TestApp::start_with(|builder| match signing_time {
        Some(source) => builder.signing_time(source),
        None => builder,
    })
    .await;
    app.raise_with_scenario("revoke").await;
    app.advance_clock("P30D").await;
    let is_signature = |name: &str| name.starts_with("webhook-") || name == "x-jws-signature";
    let mut webhooks: Vec<_> = app
        .fiu
        .drain_messages()
        .into_iter()
        .map(|message| {
            let headers = message.headers.into_iter();
            let headers = headers.filter(|(name, _)| is_signature(name)).collect();
            (headers, message.body)
        })
        .collect();
    webhooks.sort_by_key(|(headers, _): &SignedWebhook| headers["webhook-id"].clone());
    webhooks
}

#[tokio::test]
async fn with_world_signing_time_even_the_hmac_headers_repeat() {
    let first = record_webhooks(Some(TimeSource::World)).await;
    assert!(first.len() > 2 && first.iter().all(|(headers, _)| headers.len() == 4));
    let second = record_webhooks(Some(TimeSource::World)).await;
    assert!(first == second, "every byte repeats");
    let by_default = record_webhooks(None).await;
    assert_eq!(first.len(), by_default.len());
    for ((world, world_body), (wall, wall_body)) in first.iter().zip(&by_default) {
        assert!(world_body == wall_body, "bodies repeat by default");
        assert_eq!(world["x-jws-signature"], wall["x-jws-signature"]);
        assert_ne!(world["webhook-timestamp"], wall["webhook-timestamp"]);
        assert_ne!(world["webhook-signature"], wall["webhook-signature"]);
    }
}

#[tokio::test]
async fn an_fiu_and_a_world_choose_the_clocks_of_their_messages() {
    let mut app = TestApp::start().await;
    let (world, set) = (world_time(&app).await, "/_mockaa/v1/clock/set");
    let clock = app.get("/_mockaa/v1/clock").await.expect_ok();
    assert_eq!(
        (&clock["signingTime"], &clock["messageTime"]),
        (&json!("wall"), &json!("world"))
    );
    let change = json!({ "signingTime": "world", "messageTime": "wall" });
    let clock = app.post(set, &change).await.expect_ok();
    assert_eq!(
        (&clock["signingTime"], &clock["messageTime"]),
        (&json!("world"), &json!("wall"))
    );
    let read_stamp = |message: &Message| {
        let stamp: i64 = message
            .header("webhook-timestamp")
            .parse()
            .expect("a number");
        Timestamp::from_millis(stamp * 1000)
    };
    let handle = app.raise_consent(|_| {}).await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    let message = app.fiu.next_message().await;
    assert!(is_near(read_stamp(&message), world));
    assert!(is_near(
        read_time(&message.json()["timestamp"]),
        system_now()
    ));
    // The FIU's choice comes before the world's.
    let entry = json!({ "signingTime": "wall", "messageTime": "world" });
    let put = app.request(Method::PUT, "/_mockaa/v1/config/fiu/FIU-1");
    let stored = app.send(put.json(&entry)).await.expect_ok();
    assert_eq!(stored["messageTime"], "world");
    app.apply_verb(&handle, "revoke").await.expect_ok();
    let message = app.fiu.next_message().await;
    assert!(is_near(read_stamp(&message), system_now()));
    assert!(is_near(read_time(&message.json()["timestamp"]), world));
    let answer = app
        .request(Method::POST, "/consent")
        .header("Authorization", crate::helpers::FIU_1_KEY)
        .json(&seed_request());
    let answer = app.send(answer).await.expect_ok();
    assert!(is_near(read_time(&answer["timestamp"]), world), "{answer}");
    let answer = app.post("/consent", &seed_request()).await.expect_ok();
    assert!(
        is_near(read_time(&answer["timestamp"]), system_now()),
        "a caller without a key has the world's setting: {answer}"
    );
}

#[tokio::test]
async fn the_file_and_the_options_choose_the_clocks_of_messages() {
    let file = std::env::temp_dir().join(format!("mockaa-clocks-{}.toml", std::process::id()));
    let text = "[time]\nsigning_time = \"world\"\nmessage_time = \"wall\"\n\n[[fiu]]\nid = \"FIU-1\"\nmessage_time = \"world\"\n";
    std::fs::write(&file, text).expect("a file");
    let app =
        TestApp::start_with(|builder| builder.config(&file).signing_time(TimeSource::Wall)).await;
    let clock = app.get("/_mockaa/v1/clock").await.expect_ok();
    assert_eq!(clock["signingTime"], "wall", "the option comes first");
    assert_eq!(clock["messageTime"], "wall", "then the file");
    let fiu = app.get("/_mockaa/v1/config/fiu/FIU-1").await.expect_ok();
    assert_eq!(fiu["messageTime"], "world");
    let text = text.replace("message_time = \"world\"", "message_time = \"sundial\"");
    std::fs::write(&file, text).expect("a file");
    let error = Sandbox::builder()
        .config(&file)
        .start()
        .await
        .expect_err("a bad name");
    std::fs::remove_file(&file).expect("it exists");
    let error = error.to_string();
    assert!(
        error.contains("fiu.messageTime") && error.contains("wall, world"),
        "{error}"
    );
}

#[tokio::test]
async fn wall_time_in_messages_is_refused_in_strict() {
    let strict = || Sandbox::builder().security(SecurityMode::Strict);
    let error = strict().message_time(TimeSource::Wall).start().await;
    let error = error.expect_err("it is refused").to_string();
    assert!(
        error.contains("message_time") && error.contains("strict"),
        "{error}"
    );
    let app = TestApp::start_with(|builder| builder.security(SecurityMode::Strict)).await;
    let put = app.request(Method::PUT, "/_mockaa/v1/config/fiu/FIU-1");
    let reply = app.send(put.json(&json!({ "messageTime": "wall" }))).await;
    assert_eq!(
        (reply.status.as_u16(), &reply.json()["field"]),
        (400, &json!("fiu.messageTime"))
    );
    for (body, field) in [
        (json!({ "messageTime": "wall" }), "messageTime"),
        (json!({ "messageTime": "noon" }), "messageTime"),
        (json!({ "signingTime": "noon" }), "signingTime"),
        (json!({}), "body"),
    ] {
        let reply = app.post("/_mockaa/v1/clock/set", &body).await;
        assert_eq!(reply.status, 400, "{body}");
        assert_eq!(reply.json()["field"], field, "{}", reply.text);
    }
}
