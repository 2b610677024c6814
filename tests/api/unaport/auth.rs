//! Who may call: tokens, accounts, organisations, strictness.

use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::TestApp;
use crate::lender::{APP, COMMON, FIU, Lender, configured, credentials, detail, text};
use crate::oracle::Oracle;

#[tokio::test]
async fn tokens_run_out_in_mid_journey_and_are_refreshed() {
    let app = TestApp::start().await;
    let mut lender = Lender::arrive(&app).await;
    let handle = lender.raise(&app, |_| ()).await;
    app.advance("299s").await;
    lender.record(&app, &handle).await;
    app.advance("1s").await;
    let expired = lender
        .get(&app, &format!("{APP}/FIU/GetConsent/{handle}"))
        .await;
    assert_eq!(expired.status, 401);
    assert!(
        text(&expired.json()["message"]).contains("expired"),
        "{}",
        expired.text
    );
    let refresh = async |token: &str| {
        app.post(
            &format!("{COMMON}/public/user/refreshToken"),
            &json!({ "refresh_token": token }),
        )
        .await
    };
    let pair = refresh(&lender.refresh).await.ok();
    assert_eq!(
        (&pair["expires_in"], &pair["refresh_expires_in"]),
        (&json!(300), &json!(1800))
    );
    lender.access = text(&pair["access_token"]);
    lender.record(&app, &handle).await;
    // Quirk of the collection's own script: it keeps the access token as the refresh token.
    let confused = refresh(&lender.access).await;
    assert_eq!(confused.status, 401);
    assert!(
        confused.text.contains("is an access token"),
        "{}",
        confused.text
    );
    app.advance("1500s").await;
    assert_eq!(
        refresh(&lender.refresh).await.status,
        401,
        "1800 s are over"
    );
    refresh(&text(&pair["refresh_token"])).await.ok();
}

#[tokio::test]
async fn tokens_are_those_of_the_service_in_shape() {
    let mut app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    let part = |token: &str, place: usize| -> Value {
        let text = token.split('.').nth(place).expect("three parts");
        serde_json::from_slice(&crate::oracle::unbase64(text)).expect("JSON")
    };
    let claims = Oracle::of(&app).await.open_compact(&lender.access);
    assert_eq!(
        part(&lender.access, 0),
        json!({ "alg": "RS256", "typ": "JWT", "kid": "mockaa-dev-1" })
    );
    assert_eq!(part(&lender.refresh, 0)["alg"], "HS256");
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
    let refresh = part(&lender.refresh, 1);
    assert_eq!(
        (&refresh["typ"], &refresh["session_state"]),
        (&json!("Refresh"), &claims["session_state"])
    );
    assert!(lender.access.len() > 1_000 && lender.refresh.len() > 500);

    // Nobody else's token opens anything: changed, of another world, or not there.
    let path = format!("{COMMON}/FIU/getClientOrganisation");
    let with = |token: &str| {
        app.request(Method::GET, &path)
            .header("authorization", token)
    };
    app.send(with(&format!("Bearer: {}", lender.access)))
        .await
        .ok();
    for token in [
        "",
        "Bearer",
        "Bearer x.y.z",
        &format!("Bearer {}x", lender.access),
        &format!("Bearer {}", lender.refresh),
    ] {
        assert_eq!(app.send(with(token)).await.status, 401, "{token}");
    }
    app.enter("elsewhere");
    assert_eq!(
        app.send(app.request(Method::GET, &path).bearer_auth(&lender.access))
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn accounts_that_are_configured_are_the_only_ones() {
    let toml = "[[unaport.account]]\nemail = \"One@lender.example\"\npassword = \"secret-one\"\n\
                [[unaport.account]]\nemail = \"two@other.example\"\npassword = \"secret-two\"\nfiu = \"FIU-2\"\n";
    let app = configured("accounts", toml).await;
    let login = async |email: &str, password: &str| {
        app.post(
            &format!("{COMMON}/public/user/login"),
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
        let access = text(&login(email, password).await.ok()["access_token"]);
        let lender = Lender {
            access,
            refresh: String::new(),
            org: String::new(),
        };
        let organisation = lender
            .get(&app, &format!("{COMMON}/FIU/getClientOrganisation"))
            .await
            .ok();
        organisations.push((
            lender,
            text(&organisation["orgId"]),
            text(&organisation["fiutest"]["entityId"]),
        ));
    }
    assert_eq!(
        (organisations[0].2.as_str(), organisations[1].2.as_str()),
        (FIU, "FIU-2")
    );

    // One organisation does not see the other.
    let [(mut one, org, _), (two, other, _)] = <[_; 2]>::try_from(organisations).ok().expect("two");
    let foreign = two.get(&app, &format!("{APP}/FIU/ProductList/{org}")).await;
    assert_eq!(foreign.status, 403);
    assert!(foreign.text.contains(&other), "{}", foreign.text);
    one.org = org;
    let handle = one.raise(&app, |_| ()).await;
    app.act(&handle, "approve").await.ok();
    let session = one.session(&app, &handle).await;
    for path in [
        format!("GetConsent/{handle}"),
        format!("FINotification/{handle}"),
        format!("FifetchDataBySessionId/{session}"),
    ] {
        assert_eq!(
            two.get(&app, &format!("{APP}/FIU/{path}")).await.status,
            403,
            "{path}"
        );
    }
    let stolen = one.ask(&app, |body| body["fiuId"] = "FIU-2".into()).await;
    assert_eq!(stolen.status, 403, "{}", stolen.text);
}

#[tokio::test]
async fn a_token_is_of_one_world_and_one_time() {
    let app = TestApp::start().await;
    // A host that is more than a name would make the token one of another world.
    let login = app
        .request(Method::POST, &format!("{COMMON}/public/user/login"))
        .header("x-forwarded-host", "h/w/other");
    let access = text(&app.send(login.json(&credentials())).await.ok()["access_token"]);
    let path = format!("{COMMON}/FIU/getOrganisation");
    let of_other = app.request(Method::POST, &format!("/w/other{COMMON}/public/user/login"));
    app.send(of_other.json(&credentials())).await.ok();
    let crossed = app
        .send(
            app.request(Method::GET, &format!("/w/other{path}"))
                .bearer_auth(&access),
        )
        .await;
    assert!(
        crossed.status == 401 && crossed.text.contains("is of another world"),
        "{}",
        crossed.text
    );
    // A world that begins anew does not know the tokens of its later days.
    app.advance("P2D").await;
    let late = Lender::log_in(&app).await;
    app.post("/_mockaa/v1/reset", &Value::Null).await.ok();
    let of_later = late.get(&app, &path).await;
    assert!(
        of_later.status == 401 && of_later.text.contains("of a later time"),
        "{}",
        of_later.text
    );
    let refresh = Lender {
        access: late.refresh,
        ..Lender::log_in(&app).await
    };
    let mixed = refresh.get(&app, &path).await;
    assert!(
        mixed.status == 401 && mixed.text.contains("this is the refresh token"),
        "{}",
        mixed.text
    );
    let worlds = app.get("/readyz").await.ok()["worlds"].clone();
    let nobody = app
        .send(
            app.request(Method::GET, &format!("/w/unborn{path}"))
                .bearer_auth(&access),
        )
        .await;
    assert!(
        nobody.status == 401 && nobody.text.contains("nobody has logged in to this world"),
        "{}",
        nobody.text
    );
    let call = app.request(
        Method::POST,
        &format!("/w/unborn{COMMON}/public/user/refreshToken"),
    );
    assert_eq!(
        app.send(call.json(&json!({ "refresh_token": refresh.access })))
            .await
            .status,
        401
    );
    assert_eq!(
        app.get("/readyz").await.ok()["worlds"],
        worlds,
        "who is refused makes no world"
    );
}

#[tokio::test]
async fn strictness_decides_about_strangers() {
    let strict = TestApp::with(|builder| builder.security(mockaa::SecurityMode::Strict)).await;
    let lender = Lender::arrive(&strict).await;
    let refused = lender
        .ask(&strict, |body| body["fiuId"] = "FINTREE".into())
        .await;
    assert!(
        refused.status == 400 && refused.text.contains("not a registered FIU"),
        "{}",
        refused.text
    );
    let foreign = lender
        .ask(&strict, |body| {
            detail(body)["Customer"]["id"] = "9876500001@finvu".into();
        })
        .await;
    assert!(
        foreign.status == 400 && foreign.text.contains("addresses end in @ink"),
        "{}",
        foreign.text
    );
    let lenient = TestApp::start().await;
    let lender = Lender::arrive(&lenient).await;
    lender
        .raise(&lenient, |body| body["fiuId"] = "FINTREE".into())
        .await;
    lender
        .raise(&lenient, |body| {
            detail(body)["Customer"]["id"] = "9876500001@finvu".into();
        })
        .await;
    let journal = lenient.journal().await;
    let notes: Vec<_> = journal
        .iter()
        .filter_map(|entry| {
            entry["text"]
                .as_str()?
                .strip_prefix("strict would refuse: ")
        })
        .collect();
    assert!(
        notes.len() == 2 && notes[0].contains("'FINTREE'") && notes[1].contains("@finvu"),
        "{notes:?}"
    );
    let open = TestApp::with(|builder| builder.security(mockaa::SecurityMode::Open)).await;
    open.get(&format!("{APP}/FIU/ProductList/whatever"))
        .await
        .ok();
    // Who has no token there sees the whole world: what they have raised for one organisation, they can read.
    let organisation = open
        .get(&format!("{COMMON}/FIU/getClientOrganisation"))
        .await
        .ok();
    assert_eq!(organisation["fiutest"]["entityId"], FIU);
    let other = open.get("/_mockaa/v1/config/fiu/FIU-1").await.ok()["orgId"].clone();
    let nobody = Lender {
        access: String::new(),
        refresh: String::new(),
        org: text(&other),
    };
    let handle = nobody.raise(&open, |_| ()).await;
    assert_ne!(
        nobody.record(&open, &handle).await["orgId"],
        other,
        "the body's fiuId counts"
    );
    let second = |body: &mut Value| {
        body["fiuId"] = "FIU-2".into();
        detail(body)["DataConsumer"]["id"] = "FIU-2".into();
    };
    let handle = nobody.raise(&open, second).await;
    assert_eq!(open.consent(&handle).await["fiuId"], "FIU-2");
}
