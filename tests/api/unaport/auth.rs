//! Authentication: tokens, accounts, organisations, security modes.

use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::TestApp;
use crate::jws_verifier::JwsVerifier;
use crate::lender::{
    APP_PREFIX, COMMON_PREFIX, FIU_ID, Lender, consent_detail_mut, credentials, expect_text,
    start_configured,
};

#[tokio::test]
async fn tokens_run_out_in_mid_journey_and_are_refreshed() {
    let app = TestApp::start().await;
    let mut lender = Lender::log_in_with_webhooks(&app).await;
    let handle = lender.raise_consent(&app, |_| ()).await;
    app.advance_clock("299s").await;
    lender.fetch_record(&app, &handle).await;
    app.advance_clock("1s").await;
    let expired = lender
        .get(&app, &format!("{APP_PREFIX}/FIU/GetConsent/{handle}"))
        .await;
    assert_eq!(expired.status, 401);
    assert!(
        expect_text(&expired.json()["message"]).contains("expired"),
        "{}",
        expired.text
    );
    let refresh = async |token: &str| {
        app.post(
            &format!("{COMMON_PREFIX}/public/user/refreshToken"),
            &json!({ "refresh_token": token }),
        )
        .await
    };
    let pair = refresh(&lender.refresh_token).await.expect_ok();
    assert_eq!(
        (&pair["expires_in"], &pair["refresh_expires_in"]),
        (&json!(300), &json!(1800))
    );
    lender.access_token = expect_text(&pair["access_token"]);
    lender.fetch_record(&app, &handle).await;
    // Quirk of the collection's own script: it keeps the access token as the refresh token.
    let access_as_refresh = refresh(&lender.access_token).await;
    assert_eq!(access_as_refresh.status, 401);
    assert!(
        access_as_refresh.text.contains("is an access token"),
        "{}",
        access_as_refresh.text
    );
    app.advance_clock("1500s").await;
    assert_eq!(
        refresh(&lender.refresh_token).await.status,
        401,
        "the refresh token expires after 1800 s"
    );
    refresh(&expect_text(&pair["refresh_token"]))
        .await
        .expect_ok();
}

#[tokio::test]
async fn tokens_are_those_of_the_service_in_shape() {
    let mut app = TestApp::start().await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    let part = |token: &str, index: usize| -> Value {
        let text = token.split('.').nth(index).expect("three parts");
        serde_json::from_slice(&crate::jws_verifier::decode_base64(text)).expect("JSON")
    };
    let claims = JwsVerifier::from_published_keys(&app)
        .await
        .decode_compact(&lender.access_token);
    assert_eq!(
        part(&lender.access_token, 0),
        json!({ "alg": "RS256", "typ": "JWT", "kid": "mockaa-dev-1" })
    );
    assert_eq!(part(&lender.refresh_token, 0)["alg"], "HS256");
    assert_eq!(
        (&claims["typ"], &claims["groups"]),
        (&json!("Bearer"), &json!(["/UAT/UNACORES-FIU-UAT"]))
    );
    assert_eq!(
        (&claims["azp"], &claims["email"]),
        (&json!("fiu-admin-client"), &json!("dev@lender.example"))
    );
    assert_eq!(
        claims["exp"].as_i64(),
        claims["iat"].as_i64().map(|iat| iat + 300)
    );
    let refresh = part(&lender.refresh_token, 1);
    assert_eq!(
        (&refresh["typ"], &refresh["session_state"]),
        (&json!("Refresh"), &claims["session_state"])
    );
    assert!(lender.access_token.len() > 1_000 && lender.refresh_token.len() > 500);

    // No other token is accepted: changed, of another world, or missing.
    let path = format!("{COMMON_PREFIX}/FIU/getClientOrganisation");
    let with = |token: &str| {
        app.request(Method::GET, &path)
            .header("authorization", token)
    };
    app.send(with(&format!("Bearer: {}", lender.access_token)))
        .await
        .expect_ok();
    for token in [
        "",
        "Bearer",
        "Bearer x.y.z",
        &format!("Bearer {}x", lender.access_token),
        &format!("Bearer {}", lender.refresh_token),
    ] {
        assert_eq!(app.send(with(token)).await.status, 401, "{token}");
    }
    app.switch_world("elsewhere");
    assert_eq!(
        app.send(
            app.request(Method::GET, &path)
                .bearer_auth(&lender.access_token)
        )
        .await
        .status,
        401
    );
}

#[tokio::test]
async fn accounts_that_are_configured_are_the_only_ones() {
    let toml = "[[unaport.account]]\nemail = \"One@lender.example\"\npassword = \"secret-one\"\n\
                [[unaport.account]]\nemail = \"two@other.example\"\npassword = \"secret-two\"\nfiu = \"FIU-2\"\n";
    let app = start_configured("accounts", toml).await;
    let login = async |email: &str, password: &str| {
        app.post(
            &format!("{COMMON_PREFIX}/public/user/login"),
            &json!({ "emailId": email, "password": password }),
        )
        .await
    };
    assert_eq!(login("one@lender.example", "secret-two").await.status, 401);
    assert_eq!(
        login("nobody@lender.example", "secret-one").await.status,
        401
    );
    let mut organisations = Vec::new();
    for (email, password) in [
        ("one@lender.example", "secret-one"),
        ("two@other.example", "secret-two"),
    ] {
        let access = expect_text(&login(email, password).await.expect_ok()["access_token"]);
        let lender = Lender {
            access_token: access,
            refresh_token: String::new(),
            org_id: String::new(),
        };
        let organisation = lender
            .get(&app, &format!("{COMMON_PREFIX}/FIU/getClientOrganisation"))
            .await
            .expect_ok();
        organisations.push((
            lender,
            expect_text(&organisation["orgId"]),
            expect_text(&organisation["fiutest"]["entityId"]),
        ));
    }
    assert_eq!(
        (organisations[0].2.as_str(), organisations[1].2.as_str()),
        (FIU_ID, "FIU-2")
    );

    // An organisation cannot see the data of another.
    let [(mut first, org, _), (second, other, _)] = <[_; 2]>::try_from(organisations)
        .ok()
        .expect("two organisations");
    let foreign = second
        .get(&app, &format!("{APP_PREFIX}/FIU/ProductList/{org}"))
        .await;
    assert_eq!(foreign.status, 403);
    assert!(foreign.text.contains(&other), "{}", foreign.text);
    first.org_id = org;
    let handle = first.raise_consent(&app, |_| ()).await;
    app.apply_verb(&handle, "approve").await.expect_ok();
    let session = first.fetch_newest_session(&app, &handle).await;
    for path in [
        format!("GetConsent/{handle}"),
        format!("FINotification/{handle}"),
        format!("FifetchDataBySessionId/{session}"),
    ] {
        assert_eq!(
            second
                .get(&app, &format!("{APP_PREFIX}/FIU/{path}"))
                .await
                .status,
            403,
            "{path}"
        );
    }
    let for_other_fiu = first
        .create_consent(&app, |body| body["fiuId"] = "FIU-2".into())
        .await;
    assert_eq!(for_other_fiu.status, 403, "{}", for_other_fiu.text);
}

#[tokio::test]
async fn a_token_is_of_one_world_and_one_time() {
    let app = TestApp::start().await;
    // A forwarded host with a path must not turn the token into one of another world.
    let login = app
        .request(Method::POST, &format!("{COMMON_PREFIX}/public/user/login"))
        .header("x-forwarded-host", "h/w/other");
    let access =
        expect_text(&app.send(login.json(&credentials())).await.expect_ok()["access_token"]);
    let path = format!("{COMMON_PREFIX}/FIU/getOrganisation");
    let other_login = app.request(
        Method::POST,
        &format!("/w/other{COMMON_PREFIX}/public/user/login"),
    );
    app.send(other_login.json(&credentials())).await.expect_ok();
    let cross_world = app
        .send(
            app.request(Method::GET, &format!("/w/other{path}"))
                .bearer_auth(&access),
        )
        .await;
    assert!(
        cross_world.status == 401 && cross_world.text.contains("was issued for another world"),
        "{}",
        cross_world.text
    );
    // After a reset, a world rejects tokens that it issued at a later time.
    app.advance_clock("P2D").await;
    let late = Lender::log_in(&app).await;
    app.post("/_mockaa/v1/reset", &Value::Null)
        .await
        .expect_ok();
    let later_token = late.get(&app, &path).await;
    assert!(
        later_token.status == 401 && later_token.text.contains("issued at a later time"),
        "{}",
        later_token.text
    );
    let refresh = Lender {
        access_token: late.refresh_token,
        ..Lender::log_in(&app).await
    };
    let mixed = refresh.get(&app, &path).await;
    assert!(
        mixed.status == 401 && mixed.text.contains("this is the refresh token"),
        "{}",
        mixed.text
    );
    let worlds = app.get("/readyz").await.expect_ok()["worlds"].clone();
    let anonymous_reply = app
        .send(
            app.request(Method::GET, &format!("/w/unborn{path}"))
                .bearer_auth(&access),
        )
        .await;
    assert!(
        anonymous_reply.status == 401
            && anonymous_reply
                .text
                .contains("this world has no logins yet"),
        "{}",
        anonymous_reply.text
    );
    let call = app.request(
        Method::POST,
        &format!("/w/unborn{COMMON_PREFIX}/public/user/refreshToken"),
    );
    assert_eq!(
        app.send(call.json(&json!({ "refresh_token": refresh.access_token })))
            .await
            .status,
        401
    );
    assert_eq!(
        app.get("/readyz").await.expect_ok()["worlds"],
        worlds,
        "a rejected call creates no world"
    );
}

#[tokio::test]
async fn the_security_mode_decides_about_unregistered_fius_and_foreign_customers() {
    let strict =
        TestApp::start_with(|builder| builder.security(mockaa::SecurityMode::Strict)).await;
    let lender = Lender::log_in_with_webhooks(&strict).await;
    let rejection = lender
        .create_consent(&strict, |body| body["fiuId"] = "FINTREE".into())
        .await;
    assert!(
        rejection.status == 400 && rejection.text.contains("not a registered FIU"),
        "{}",
        rejection.text
    );
    let foreign = lender
        .create_consent(&strict, |body| {
            consent_detail_mut(body)["Customer"]["id"] = "9876500001@finvu".into();
        })
        .await;
    assert!(
        foreign.status == 400 && foreign.text.contains("addresses end in @ink"),
        "{}",
        foreign.text
    );
    let lenient = TestApp::start().await;
    let lender = Lender::log_in_with_webhooks(&lenient).await;
    lender
        .raise_consent(&lenient, |body| body["fiuId"] = "FINTREE".into())
        .await;
    lender
        .raise_consent(&lenient, |body| {
            consent_detail_mut(body)["Customer"]["id"] = "9876500001@finvu".into();
        })
        .await;
    let journal = lenient.read_journal_events().await;
    let notes: Vec<_> = journal
        .iter()
        .filter_map(|entry| {
            entry["text"]
                .as_str()?
                .strip_prefix("strict mode would reject: ")
        })
        .collect();
    assert!(
        notes.len() == 2 && notes[0].contains("'FINTREE'") && notes[1].contains("@finvu"),
        "{notes:?}"
    );
    let open = TestApp::start_with(|builder| builder.security(mockaa::SecurityMode::Open)).await;
    open.get(&format!("{APP_PREFIX}/FIU/ProductList/whatever"))
        .await
        .expect_ok();
    // With security `open`, a caller without a token sees the whole world, and can read the
    // consents that it raised for an organisation.
    let organisation = open
        .get(&format!("{COMMON_PREFIX}/FIU/getClientOrganisation"))
        .await
        .expect_ok();
    assert_eq!(organisation["fiutest"]["entityId"], FIU_ID);
    let other = open.get("/_mockaa/v1/config/fiu/FIU-1").await.expect_ok()["orgId"].clone();
    let anonymous = Lender {
        access_token: String::new(),
        refresh_token: String::new(),
        org_id: expect_text(&other),
    };
    let handle = anonymous.raise_consent(&open, |_| ()).await;
    assert_ne!(
        anonymous.fetch_record(&open, &handle).await["orgId"],
        other,
        "the body's fiuId decides"
    );
    let handle = anonymous
        .raise_consent(&open, |body| {
            body["fiuId"] = "FIU-2".into();
            consent_detail_mut(body)["DataConsumer"]["id"] = "FIU-2".into();
        })
        .await;
    assert_eq!(open.fetch_consent(&handle).await["fiuId"], "FIU-2");
}
