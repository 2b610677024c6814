//! The Unaport FIU API, lived through by a lender's backend with a server of its own.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::actors::{Actor, Journey};
use crate::helpers::{NOW, TestApp};
use crate::inbox::{Message, Mood};
use crate::lender::{
    AA, APP, COMMON, CONSENTS, DATA, FIU, Lender, by_template, configured, configured_with, credentials, detail,
    template, text, written,
};
use crate::oracle::Oracle;

/// Names of an object, in their order.
fn names(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// What an inbox has got, as path and the one word that tells messages apart.
fn told(app: &mut TestApp) -> Vec<(String, String)> {
    let word = |body: &Value| match &body["ConsentStatusNotification"]["consentStatus"] {
        Value::Null => {
            body["FIStatusNotification"]["sessionStatus"].as_str().or(body["status"].as_str()).map(str::to_owned)
        }
        status => status.as_str().map(str::to_owned),
    };
    let messages = app.fiu.arrived();
    messages.into_iter().map(|message| (message.path.clone(), word(&message.json()).expect("a word"))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(path, word)| ((*path).to_owned(), (*word).to_owned())).collect()
}

#[tokio::test]
async fn a_lender_goes_from_login_to_the_data_by_template() {
    let mut app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    let saved = lender.post(&app, &format!("{APP}/FIU/InsertProduct/{}", lender.org), &template()).await.ok();
    assert_eq!(names(&saved), ["productId", "productName", "timestamp", "txnId", "version"]);
    let listed = lender.get(&app, &format!("{APP}/FIU/ProductList/{}", lender.org)).await.ok();
    assert_eq!((&listed["version"], &listed["Data"][0]["productId"]), (&json!("2.0.0"), &saved["productId"]));
    // What comes back can be sent again.
    let again = json!({ "product_name": "Again", "ConsentDetail": listed["Data"][0]["ConsentDetail"] });
    lender.post(&app, &format!("{APP}/FIU/InsertProduct/{}", lender.org), &again).await.ok();

    let body = by_template(saved["productId"].as_str().expect("an id"));
    let created = lender.post(&app, &format!("{APP}/FIU/Consents/product/{}", lender.org), &body).await.ok();
    assert_eq!(created["Customer"]["id"], "9876500001@ink");
    assert_eq!(created["success"], "Consent created successfully");
    let handle = text(&created["ConsentHandle"]);
    assert_eq!(lender.statuses(&app, &handle).await, ("PENDING".to_owned(), "CREATED".to_owned()));
    assert!(lender.notified(&app, &handle).await.is_empty(), "no data yet, and no error");

    // Months of the template have become dates of today.
    let record = lender.record(&app, &handle).await;
    let request: Value =
        serde_json::from_str(record["consentsDetail"].as_str().expect("a text")).expect("JSON in a text");
    let terms = &request["ConsentDetail"];
    assert_eq!(
        [&terms["consentStart"], &terms["consentExpiry"], &terms["FIDataRange"]["from"], &terms["FIDataRange"]["to"]],
        [NOW, "2021-07-04T06:00:00.000Z", "2019-07-04T06:00:00.000Z", "2021-07-04T06:00:00.000Z"]
    );

    app.act(&handle, "approve").await.ok();
    app.advance("0s").await;
    let messages = app.fiu.arrived();
    let seen: Vec<_> = messages.iter().map(|message| message.path.as_str()).collect();
    assert_eq!(seen, [CONSENTS, CONSENTS, DATA]);
    let (ready, data) = (messages[0].json(), messages[2].json());
    assert_eq!(ready["ConsentStatusNotification"]["consentStatus"], "READY");
    assert_eq!((&ready["trackingId"], &data["trackingId"]), (&json!("LOAN-4712"), &json!("LOAN-4712")));
    assert_eq!((&data["Notifier"]["id"], &data["consentId"]), (&json!(AA), &ready["consentId"]));

    // Polling tells the same as the webhook.
    let notified = lender.notified(&app, &handle).await;
    assert_eq!((notified.len(), &notified[0]["txnid"]), (1, &data["txnid"]));
    assert_eq!(notified[0]["FIStatusNotification"], data["FIStatusNotification"]);
    let session = text(&data["FIStatusNotification"]["sessionId"]);
    let fetched = lender.fetch(&app, &session).await.ok();
    assert_eq!(fetched["tabs"], json!([{ "name": "DEPOSIT" }]));
    let deposit = &fetched["DEPOSIT"];
    let rows = deposit["transactions"].as_array().expect("rows");
    assert!(rows.len() > 50 && rows.iter().all(|row| row["orgId"] == lender.org.as_str()), "{}", rows.len());
    for row in ["summary", "accountHolder", "transactions"] {
        assert_eq!(deposit[row][0]["sessionId"], session.as_str());
        assert_eq!(deposit[row][0]["accountNumber"], deposit["summary"][0]["accountNumber"]);
    }
    let record = lender.record(&app, &handle).await;
    assert_eq!((&record["consentidCalled"], &record["runCounter"]), (&json!(1), &json!(0)));
}

#[tokio::test]
async fn every_body_has_the_fields_of_its_table() {
    let mut app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    let login = app.post(&format!("{COMMON}/public/user/login"), &credentials()).await.ok();
    let mut created = lender.ask(&app, |_| ()).await.ok();
    let handle = text(&created["ConsentHandle"]);
    created["redirectUrl"] = "(a short link)".into();
    app.act(&handle, "approve").await.ok();
    app.advance("0s").await;
    let session = lender.session(&app, &handle).await;
    app.post(&format!("/_mockaa/v1/sessions/{session}/analytics"), &Value::Null).await.ok();
    app.advance("0s").await;
    let organisation = lender.get(&app, &format!("{COMMON}/FIU/getClientOrganisation")).await.ok();
    let mut record = lender.get(&app, &format!("{APP}/FIU/GetConsent/{handle}")).await.ok();
    record["Data"][0]["signedConsent"] = "(a compact JWS)".into();
    let mut fetched = lender.fetch(&app, &session).await.ok();
    fetched["DEPOSIT"]["transactions"].as_array_mut().expect("rows").truncate(1);
    let accounts = lender.get(&app, &format!("{APP}/FIU/FI/AccountDetail/{session}")).await.ok();
    let webhooks: Vec<_> = app.fiu.arrived().iter().map(|message| (message.path.clone(), message.json())).collect();
    let answers = json!({
        "login": names(&login), "organisation": organisation, "created": created, "record": record,
        "status": lender.notified(&app, &handle).await, "fetched": fetched, "accounts": accounts, "webhooks": webhooks,
    });
    insta::assert_json_snapshot!("unaport_answers", answers);
}

/// Moves, what the webhooks say, and the two words of the record (DESIGN §2).
type Story<'a> = (&'a [&'a str], &'a [&'a str], (&'a str, &'a str));

#[tokio::test]
async fn statuses_have_both_words_and_webhooks_of_their_own() {
    let mut app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    let stories: [Story<'_>; 8] = [
        (&[], &[], ("PENDING", "CREATED")),
        (&["reject"], &["FAILED"], ("FAILED", "REJECTED")),
        (&["fail"], &["FAILED"], ("FAILED", "REJECTED")),
        (&["expire"], &["EXPIRED"], ("EXPIRED", "EXPIRED")),
        (&["approve", "pause"], &["READY", "ACTIVE", "PAUSED"], ("READY", "PAUSED")),
        (&["approve", "pause", "resume"], &["READY", "ACTIVE", "PAUSED", "ACTIVE"], ("READY", "ACTIVE")),
        (&["approve", "revoke"], &["READY", "ACTIVE", "REVOKED"], ("READY", "REVOKED")),
        (&["approve", "expire"], &["READY", "ACTIVE", "EXPIRED"], ("READY", "EXPIRED")),
    ];
    for (moves, words, (approve, consent)) in stories {
        let handle = lender.raise(&app, |_| ()).await;
        for verb in moves {
            app.act(&handle, verb).await.ok();
        }
        app.advance("0s").await;
        assert_eq!(lender.statuses(&app, &handle).await, (approve.to_owned(), consent.to_owned()), "{moves:?}");
        let changed = moves.len() > 1;
        assert_eq!(lender.record(&app, &handle).await["updatedOn"].is_string(), changed, "{moves:?}");
        let arrived = app.fiu.arrived();
        let consents: Vec<_> = arrived.iter().filter(|message| message.path == CONSENTS).map(Message::json).collect();
        let said: Vec<_> =
            consents.iter().map(|body| text(&body["ConsentStatusNotification"]["consentStatus"])).collect();
        assert_eq!(said, words, "{moves:?}");
        let id = &lender.record(&app, &handle).await["consentId"];
        if let Some(last) = consents.last() {
            assert_eq!((&last["ConsentStatusNotification"]["consentId"], &last["consentId"]), (id, id));
            assert_eq!(last["ConsentStatusNotification"]["consentHandle"], handle.as_str());
        }
    }
    // A held approval: the id is there, the artefact is not in force.
    let handle = lender.raise(&app, |_| ()).await;
    app.post(&format!("/_mockaa/v1/consents/{handle}/approve"), &json!({ "hold": true })).await.ok();
    assert_eq!(lender.statuses(&app, &handle).await, ("READY".to_owned(), "CREATED".to_owned()));
    app.advance("0s").await;
    assert_eq!(told(&mut app), pairs(&[(CONSENTS, "READY")]), "no data before it is in force");
}

#[tokio::test]
async fn a_consent_and_its_data_run_out_on_the_worlds_clock() {
    let mut app = TestApp::start().await;
    let mut lender = Lender::arrive(&app).await;
    let unanswered = lender.raise(&app, |body| detail(body)["consentExpiry"] = "2020-07-05T06:00:00.000Z".into()).await;
    let taken = lender.raise(&app, |_| ()).await;
    app.act(&taken, "approve").await.ok();
    let session = lender.session(&app, &taken).await;
    lender.fetch(&app, &session).await.ok();
    app.advance("P1D").await;
    lender = Lender::log_in(&app).await;
    assert_eq!(lender.statuses(&app, &unanswered).await, ("EXPIRED".to_owned(), "EXPIRED".to_owned()));
    lender.fetch(&app, &session).await.ok();
    app.advance("P31D").await;
    lender = Lender::log_in(&app).await;
    let gone = lender.fetch(&app, &session).await;
    assert_eq!(gone.status, 404, "DataLife of a month is over: {}", gone.text);
    app.advance("P365D").await;
    lender = Lender::log_in(&app).await;
    assert_eq!(lender.statuses(&app, &taken).await, ("READY".to_owned(), "EXPIRED".to_owned()));
    let words: Vec<_> = told(&mut app).into_iter().map(|(_, word)| word).collect();
    assert_eq!(words, ["READY", "ACTIVE", "COMPLETED", "EXPIRED", "EXPIRED"]);
}

#[tokio::test]
async fn an_fiu_revokes_in_each_of_the_three_spellings() {
    let mut app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    for (method, path) in [(Method::POST, "/revoke"), (Method::PUT, "/revoke"), (Method::DELETE, "")] {
        let handle = lender.raise(&app, |_| ()).await;
        app.act(&handle, "approve").await.ok();
        let session = lender.session(&app, &handle).await;
        let id = text(&lender.record(&app, &handle).await["consentId"]);
        let path = format!("{APP}/FIU/Consents{path}/{}/{id}", lender.org);
        let revoke = async || app.send(app.request(method.clone(), &path).bearer_auth(&lender.access)).await;
        let answer = revoke().await.ok();
        assert_eq!((&answer["consentId"], &answer["consentStatus"]), (&json!(id), &json!("REVOKED")));
        assert_eq!(lender.statuses(&app, &handle).await, ("READY".to_owned(), "REVOKED".to_owned()));
        let again = revoke().await;
        assert_eq!(again.status, 400);
        assert!(text(&again.json()["message"]).contains("the state is final"), "{}", again.text);
        lender.fetch(&app, &session).await.ok();
        app.advance("0s").await;
        let last = app.fiu.arrived().pop().expect("a webhook").json();
        assert_eq!(last["ConsentStatusNotification"]["consentStatus"], "REVOKED");
    }
    // The consent's id, not its handle; and only after approval.
    let handle = lender.raise(&app, |_| ()).await;
    let path = format!("{APP}/FIU/Consents/revoke/{}/{handle}", lender.org);
    assert_eq!(lender.post(&app, &path, &Value::Null).await.status, 404);
}

#[tokio::test]
async fn tokens_run_out_in_mid_journey_and_are_refreshed() {
    let app = TestApp::start().await;
    let mut lender = Lender::arrive(&app).await;
    let handle = lender.raise(&app, |_| ()).await;
    app.advance("299s").await;
    lender.record(&app, &handle).await;
    app.advance("1s").await;
    let expired = lender.get(&app, &format!("{APP}/FIU/GetConsent/{handle}")).await;
    assert_eq!(expired.status, 401);
    assert!(text(&expired.json()["message"]).contains("expired"), "{}", expired.text);
    let refresh = async |token: &str| {
        app.post(&format!("{COMMON}/public/user/refreshToken"), &json!({ "refresh_token": token })).await
    };
    let pair = refresh(&lender.refresh).await.ok();
    assert_eq!((&pair["expires_in"], &pair["refresh_expires_in"]), (&json!(300), &json!(1800)));
    lender.access = text(&pair["access_token"]);
    lender.record(&app, &handle).await;
    // Quirk of the collection's own script: it keeps the access token as the refresh token.
    let confused = refresh(&lender.access).await;
    assert_eq!(confused.status, 401);
    assert!(confused.text.contains("is an access token"), "{}", confused.text);
    app.advance("1500s").await;
    assert_eq!(refresh(&lender.refresh).await.status, 401, "1800 s are over");
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
    assert_eq!(part(&lender.access, 0), json!({ "alg": "RS256", "typ": "JWT", "kid": "mockaa-dev-1" }));
    assert_eq!(part(&lender.refresh, 0)["alg"], "HS256");
    assert_eq!((&claims["typ"], &claims["groups"]), (&json!("Bearer"), &json!(["/UAT/UNACORES-FIU-UAT"])));
    assert_eq!((&claims["azp"], &claims["email"]), (&json!("fiu-admin-client"), &json!("dev@lender.example")));
    assert_eq!(claims["exp"].as_i64(), claims["iat"].as_i64().map(|iat| iat + 300));
    let refresh = part(&lender.refresh, 1);
    assert_eq!((&refresh["typ"], &refresh["session_state"]), (&json!("Refresh"), &claims["session_state"]));
    assert!(lender.access.len() > 1_000 && lender.refresh.len() > 500);

    // Nobody else's token opens anything: changed, of another world, or not there.
    let path = format!("{COMMON}/FIU/getClientOrganisation");
    let with = |token: &str| app.request(Method::GET, &path).header("authorization", token);
    app.send(with(&format!("Bearer: {}", lender.access))).await.ok();
    for token in
        ["", "Bearer", "Bearer x.y.z", &format!("Bearer {}x", lender.access), &format!("Bearer {}", lender.refresh)]
    {
        assert_eq!(app.send(with(token)).await.status, 401, "{token}");
    }
    app.enter("elsewhere");
    assert_eq!(app.send(app.request(Method::GET, &path).bearer_auth(&lender.access)).await.status, 401);
}

#[tokio::test]
async fn accounts_that_are_configured_are_the_only_ones() {
    let toml = "[[unaport.account]]\nemail = \"One@lender.example\"\npassword = \"secret-one\"\n\
                [[unaport.account]]\nemail = \"two@other.example\"\npassword = \"secret-two\"\nfiu = \"FIU-2\"\n";
    let app = configured("accounts", toml).await;
    let login = async |email: &str, password: &str| {
        app.post(&format!("{COMMON}/public/user/login"), &json!({ "emailId": email, "password": password })).await
    };
    assert_eq!(login("one@lender.example", "secret-two").await.status, 401);
    assert_eq!(login("nobody@lender.example", "secret-one").await.status, 401);
    let mut organisations = Vec::new();
    for (email, password) in [("one@lender.example", "secret-one"), ("two@other.example", "secret-two")] {
        let access = text(&login(email, password).await.ok()["access_token"]);
        let lender = Lender { access, refresh: String::new(), org: String::new() };
        let organisation = lender.get(&app, &format!("{COMMON}/FIU/getClientOrganisation")).await.ok();
        organisations.push((lender, text(&organisation["orgId"]), text(&organisation["fiutest"]["entityId"])));
    }
    assert_eq!((organisations[0].2.as_str(), organisations[1].2.as_str()), (FIU, "FIU-2"));

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
        assert_eq!(two.get(&app, &format!("{APP}/FIU/{path}")).await.status, 403, "{path}");
    }
    let stolen = one.ask(&app, |body| body["fiuId"] = "FIU-2".into()).await;
    assert_eq!(stolen.status, 403, "{}", stolen.text);
}

#[tokio::test]
async fn each_aa_is_itself() {
    let toml = "[[aa]]\nid = \"first-aa\"\n[[aa]]\nid = \"quick-aa\"\nhandle = \"quick\"\nscenario = \"reject\"\n\
                [[aa]]\nid = \"onemoney-aa\"\nhandle = \"onemoney\"\n";
    let mut app = configured("aas", toml).await;
    let lender = Lender::arrive(&app).await;
    let jwks = app.get("/.well-known/jwks.json").await.ok();
    for (aa, handle, place) in [("first-aa", "first-aa", 0), ("onemoney-aa", "onemoney", 2)] {
        let created = lender.ask(&app, |body| body["aaId"] = aa.into()).await.ok();
        assert_eq!(created["Customer"]["id"], format!("9876500001@{handle}"));
        let consent = text(&created["ConsentHandle"]);
        app.act(&consent, "approve").await.ok();
        app.advance("0s").await;
        let oracle = Oracle::of_key(&jwks["keys"][place]);
        for message in app.fiu.arrived() {
            assert_eq!(message.json()["Notifier"], json!({ "type": "AA", "id": aa }));
            assert_eq!(message.header("aa_api_key"), format!("{aa}-dev-aa-api-key"));
            assert!(oracle.verifies_detached(message.header("x-jws-signature"), &message.body));
        }
        let record = lender.record(&app, &consent).await;
        let artefact = oracle.open_compact(record["signedConsent"].as_str().expect("a JWS"));
        assert_eq!((&record["aaId"], &artefact["DataProvider"]["id"]), (&json!(aa), &json!(aa)));
        assert_eq!(artefact["DataFilter"], json!([]));
        assert_eq!(lender.notified(&app, &consent).await[0]["Notifier"]["id"], aa);
    }
    // How an AA's customers behave is the AA's.
    let handle = lender.raise(&app, |body| body["aaId"] = "quick-aa".into()).await;
    app.advance("2s").await;
    assert_eq!(lender.statuses(&app, &handle).await.0, "FAILED");
    let unknown = lender.ask(&app, |body| body["aaId"] = "UNACORES-AA-UAT".into()).await;
    assert_eq!(unknown.status, 400);
    let problem = &unknown.json()["errors"][0];
    assert_eq!(problem["field"], "aaId");
    assert!(text(&problem["problem"]).contains("one of first-aa, quick-aa, onemoney-aa"), "{problem}");
    // ReBIT's registry knows them all.
    assert_eq!(app.get("/entityInfo/AA").await.ok().as_array().expect("a list").len(), 3);
}

#[tokio::test]
async fn the_customer_is_found_by_whatever_names_them() {
    let app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    let customer =
        async |change: &dyn Fn(&mut Value)| text(&lender.ask(&app, |body| change(body)).await.ok()["Customer"]["id"]);
    assert_eq!(customer(&|_| ()).await, "9876500001@ink");
    assert_eq!(customer(&|body| detail(body)["Customer"]["id"] = "asha@finvu".into()).await, "asha@finvu");
    assert_eq!(
        customer(&|body| {
            body["vuaId"] = "9999999999@ink".into();
            detail(body)["Customer"] = json!({ "Identifiers": [{ "type": "EMAIL", "value": "a@b.example" }] });
        })
        .await,
        "9999999999@ink"
    );
    let nobody = lender
        .ask(&app, |body| {
            body["vuaId"] = "".into();
            detail(body)["Customer"] =
                json!({ "id": "", "Identifiers": [{ "type": "EMAIL", "value": "a@b.example" }] });
        })
        .await;
    assert_eq!(nobody.status, 400);
    assert_eq!(nobody.json()["errors"][0]["field"], "ConsentsRequest.ConsentDetail.Customer.id");
    for (identifier, word) in [
        (json!({ "type": "MOBILE", "value": "" }), "has no value"),
        (json!({ "type": "MOBILE", "value": "98765 43210" }), "is not a mobile number"),
        (json!({ "type": "MOBILE", "value": "9".repeat(16) }), "is not a mobile number"),
        (json!({ "type": "PHONE", "value": "9876543210" }), "not one of MOBILE, EMAIL, OTHERS"),
        (json!("9876543210"), "not one of MOBILE, EMAIL, OTHERS"),
    ] {
        let refused = lender.ask(&app, |body| detail(body)["Customer"]["Identifiers"] = json!([identifier])).await;
        let problem = &refused.json()["errors"][0];
        assert_eq!(problem["field"], "ConsentsRequest.ConsentDetail.Customer.Identifiers");
        assert!(text(&problem["problem"]).contains(word), "{problem}");
    }
    for mobile in ["9876500001", "919876500001", "+919876500001"] {
        let identifiers = json!([{ "type": "MOBILE", "value": mobile }]);
        assert_eq!(
            customer(&|body| detail(body)["Customer"]["Identifiers"] = identifiers.clone()).await,
            "9876500001@ink"
        );
    }
    // By template: an address where there is one, else the mobile number.
    let saved = lender.post(&app, &format!("{APP}/FIU/InsertProduct/{}", lender.org), &template()).await.ok();
    let mut body = by_template(saved["productId"].as_str().expect("an id"));
    body["vuaId"] = "asha@ink".into();
    let created = lender.post(&app, &format!("{APP}/FIU/Consents/product/{}", lender.org), &body).await.ok();
    assert_eq!(created["Customer"]["id"], "asha@ink");
}

#[tokio::test]
async fn the_recorded_rhythm_is_kept() {
    let mut app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    let handle = lender.raise_with(&app, "recorded-rhythm", |_| ()).await;
    // Created 04:50:20.089; approved 39.331; asked 43.000; notified 44.748, in the recording.
    for (by, words) in [
        ("19241ms", &[][..]),
        ("1ms", &["READY", "ACTIVE"]),
        ("3668ms", &[]),
        ("1ms", &[]),
        ("1747ms", &[]),
        ("1ms", &["COMPLETED"]),
    ] {
        app.advance(by).await;
        let said: Vec<_> = told(&mut app).into_iter().map(|(_, word)| word).collect();
        assert_eq!(said, words, "after {by}");
    }
    let record = lender.record(&app, &handle).await;
    assert_eq!(record["notificationDate"], "2020-07-04T06:00:19.242+00:00");
    assert_eq!(record["lastRuntime"], "2020-07-04T06:00:22.911+00:00");
    assert_eq!(record["nextRuntime"], Value::Null);
    assert_eq!(lender.notified(&app, &handle).await[0]["timestamp"], "2020-07-04T06:00:24.659+00:00");
}

#[tokio::test]
async fn a_timed_sandbox_has_an_empty_session_between_request_and_answer() {
    let app = TestApp::with(mockaa::SandboxBuilder::timed_data).await;
    let lender = Lender::arrive(&app).await;
    let handle = lender.raise(&app, |_| ()).await;
    app.act(&handle, "approve").await.ok();
    assert_eq!(lender.record(&app, &handle).await["lastRuntime"], Value::Null);
    app.advance("4s").await;
    let open = app.get("/_mockaa/v1/sessions").await.ok()["items"][0].clone();
    assert_eq!(open["sessionStatus"], "ACTIVE");
    let early = lender.fetch(&app, open["sessionId"].as_str().expect("an id")).await.ok();
    assert_eq!((&early["tabs"], early.get("DEPOSIT")), (&json!([]), None));
    app.advance("2s").await;
    let session = lender.session(&app, &handle).await;
    assert_eq!(lender.fetch(&app, &session).await.ok()["tabs"], json!([{ "name": "DEPOSIT" }]));
}

#[tokio::test]
async fn a_periodic_consent_fetches_again_by_its_frequency() {
    let mut app = TestApp::start().await;
    let mut lender = Lender::arrive(&app).await;
    let handle = lender
        .raise(&app, |body| {
            detail(body)["fetchType"] = "PERIODIC".into();
            detail(body)["Frequency"] = json!({ "unit": "DAY", "value": 2 });
            detail(body)["consentExpiry"] = "2020-07-07T06:00:00.000Z".into();
        })
        .await;
    app.act(&handle, "approve").await.ok();
    let runtimes =
        |record: &Value| (record["lastRuntime"].clone(), record["nextRuntime"].clone(), record["runCounter"].clone());
    let record = lender.record(&app, &handle).await;
    let first = (json!("2020-07-04T06:00:00.000+00:00"), json!("2020-07-04T18:00:00.000+00:00"), json!(1));
    assert_eq!(runtimes(&record), first);
    app.advance("12h").await;
    lender = Lender::log_in(&app).await;
    let second = (json!("2020-07-04T18:00:00.000+00:00"), json!("2020-07-05T06:00:00.000+00:00"), json!(2));
    assert_eq!(runtimes(&lender.record(&app, &handle).await), second);
    let notified = lender.notified(&app, &handle).await;
    let sessions: Vec<_> = notified.iter().map(|told| text(&told["FIStatusNotification"]["sessionId"])).collect();
    assert!(sessions.len() == 2 && sessions[0] != sessions[1]);
    assert_eq!(notified[0]["timestamp"], "2020-07-04T18:00:00.000+00:00", "the newest first");
    for session in &sessions {
        lender.fetch(&app, session).await.ok();
    }

    // A pause holds it back; what fell due meanwhile is made good once.
    app.act(&handle, "pause").await.ok();
    app.advance("P1D").await;
    lender = Lender::log_in(&app).await;
    assert_eq!(lender.notified(&app, &handle).await.len(), 2);
    app.act(&handle, "resume").await.ok();
    assert_eq!(lender.notified(&app, &handle).await.len(), 3);
    assert_eq!(lender.record(&app, &handle).await["runCounter"], 3);
    // The end of the consent is the end of the runs.
    app.advance("P10D").await;
    lender = Lender::log_in(&app).await;
    let record = lender.record(&app, &handle).await;
    assert_eq!((&record["nextRuntime"], &record["consentStatus"]), (&Value::Null, &json!("EXPIRED")));
    assert_eq!(
        record["runCounter"], 5,
        "18:00 on the 5th, then twelve hours apart until the 7th at 6:00, which is the end"
    );
    assert_eq!(told(&mut app).iter().filter(|(path, _)| path == DATA).count(), 5, "each session is told");
}

#[tokio::test]
async fn data_is_not_asked_for_before_the_consent_starts() {
    let app = TestApp::start().await;
    let mut lender = Lender::arrive(&app).await;
    let handle = lender.raise(&app, |body| detail(body)["consentStart"] = "2020-07-06T06:00:00.000Z".into()).await;
    app.act(&handle, "approve").await.ok();
    assert!(lender.notified(&app, &handle).await.is_empty());
    let record = lender.record(&app, &handle).await;
    assert_eq!(
        (&record["lastRuntime"], &record["nextRuntime"]),
        (&Value::Null, &json!("2020-07-06T06:00:00.000+00:00"))
    );
    app.advance("P2D").await;
    lender = Lender::log_in(&app).await;
    assert_eq!(lender.notified(&app, &handle).await.len(), 1);
}

#[tokio::test]
async fn accounts_that_fail_come_in_a_notification_that_succeeds() {
    let folder = std::env::temp_dir().join(format!("mockaa-unaport-partial-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let scenario = "version: 1\nname: partial\nsteps:\n  - { approve: {} }\nrules:\n  - { on: fi.requested, after: 1s, deliver: { fips: { FIP-1: READY, FIP-2: \
                    TIMEOUT, ACME-FIP: DENIED } } }\n";
    std::fs::write(folder.join("partial.yaml"), scenario).expect("it is written");
    let mut app = TestApp::with(|builder| builder.scenarios(&folder)).await;
    let lender = Lender::arrive(&app).await;
    for (fip, account) in two_more_accounts(&app).await {
        link(&app, &fip, &account).await;
    }
    let handle = lender.raise_with(&app, "partial", |_| ()).await;
    app.advance("1s").await;
    std::fs::remove_dir_all(&folder).expect("it is ours");
    let news = app.fiu.arrived().pop().expect("a webhook").json()["FIStatusNotification"].clone();
    assert_eq!(news["sessionStatus"], "FAILED");
    let statuses: Vec<_> = news["FIStatusResponse"]
        .as_array()
        .expect("FIPs")
        .iter()
        .map(|fip| {
            (text(&fip["fipID"]), text(&fip["Accounts"][0]["FIStatus"]), text(&fip["Accounts"][0]["description"]))
        })
        .collect();
    let expected = [
        ("FIP-1", "READY", "Data is ready"),
        ("FIP-2", "TIMEOUT", "The FIP did not answer in time"),
        ("ACME-FIP", "DENIED", "The FIP denied access"),
    ];
    assert_eq!(statuses, expected.map(|(fip, status, words)| (fip.to_owned(), status.to_owned(), words.to_owned())));
    // What is there can be had.
    let session = lender.session(&app, &handle).await;
    let fetched = lender.fetch(&app, &session).await.ok();
    assert_eq!(fetched["DEPOSIT"]["summary"].as_array().map(Vec::len), Some(1));
    let details = lender.get(&app, &format!("{APP}/FIU/FI/AccountDetail/{session}")).await.ok();
    let shown: Vec<_> = details.as_array().expect("accounts").iter().map(|row| row["fi_status"].clone()).collect();
    assert_eq!(shown, ["READY", "TIMEOUT", "DENIED"]);
}

/// FIP and name of two deposit accounts that are not linked.
async fn two_more_accounts(app: &TestApp) -> Vec<(String, String)> {
    let items = app.get("/_mockaa/v1/customers/9876500001@ink/accounts?fiType=DEPOSIT").await.ok()["items"].clone();
    let mut found = Vec::new();
    for fip in ["FIP-2", "ACME-FIP"] {
        let account = items.as_array().expect("a list").iter().find(|item| item["fipId"] == fip).expect("an account");
        found.push((fip.to_owned(), text(&account["accRefNumber"])));
    }
    found
}

async fn link(app: &TestApp, fip: &str, account: &str) {
    let customer = "/_mockaa/v1/customers/9876500001@ink";
    let wish = app.post(&format!("{customer}/link"), &json!({ "fipId": fip, "accounts": [account] })).await.ok();
    if wish["AuthenticatorType"] == "TOKEN" {
        let token = json!({ "refNumber": wish["RefNumber"], "token": "1234" });
        app.post(&format!("{customer}/verify"), &token).await.ok();
    } else {
        let acme = Actor::acme();
        let word = crate::helpers::rebit_message("Notifier", "");
        let mut body = word;
        body["Notifier"] = json!({ "type": "FIP", "id": "ACME-FIP" });
        body["AccountLinkStatusNotification"] = json!({
            "accRefNumber": account, "customerAddress": "9876500001@ink",
            "linkRefNumber": "6d2d8f36-1d8b-4a7c-9f0e-0a4f6a3f7f11", "linkStatus": "LINKED",
        });
        acme.post(app, "/Account/link/Notification", &body).await.ok();
    }
}

#[tokio::test]
async fn several_accounts_are_mixed_in_the_same_rows() {
    let app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    for (fip, account) in two_more_accounts(&app).await {
        link(&app, &fip, &account).await;
    }
    let handle = lender.raise(&app, |_| ()).await;
    app.act(&handle, "approve").await.ok();
    let session = lender.session(&app, &handle).await;
    let fetched = lender.fetch(&app, &session).await.ok();
    let numbers = |rows: &str| -> std::collections::BTreeSet<String> {
        fetched["DEPOSIT"][rows].as_array().expect("rows").iter().map(|row| text(&row["accountNumber"])).collect()
    };
    assert_eq!(numbers("summary").len(), 3);
    assert_eq!((numbers("summary"), numbers("accountHolder")), (numbers("transactions"), numbers("summary")));
}

#[tokio::test]
async fn a_scenario_that_delivers_answers_the_request_that_unaport_makes() {
    let mut app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    let handle = lender.raise_with(&app, "approve-deposit", |_| ()).await;
    app.advance("2s").await;
    assert_eq!(app.get("/_mockaa/v1/sessions").await.ok()["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(lender.notified(&app, &handle).await.len(), 1);
    let arrived = app.fiu.arrived();
    let paths: Vec<_> = arrived.iter().map(|message| message.path.as_str()).collect();
    assert_eq!(paths, [CONSENTS, CONSENTS, DATA, "/FI/Data"], "the statement itself goes below the base URL");
    let pushed = arrived[3].json();
    assert_eq!(
        (&pushed["trackingId"], pushed["FIData"]["xml"].as_array().map(Vec::len)),
        (&json!("LOAN-4711"), Some(1))
    );
    // A face that is manual waits.
    let app = TestApp::with(mockaa::SandboxBuilder::manual_data).await;
    let lender = Lender::arrive(&app).await;
    let handle = lender.raise(&app, |_| ()).await;
    app.act(&handle, "approve").await.ok();
    let session = text(&app.get("/_mockaa/v1/sessions").await.ok()["items"][0]["sessionId"]);
    assert!(lender.notified(&app, &handle).await.is_empty());
    app.post(&format!("/_mockaa/v1/sessions/{session}/deliver"), &Value::Null).await.ok();
    assert_eq!(lender.session(&app, &handle).await, session);
}

#[tokio::test]
async fn the_oddities_of_fetch_data_come_when_a_scenario_asks() {
    let folder = std::env::temp_dir().join(format!("mockaa-unaport-odd-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let scenario = "version: 1\nname: odd\nfetch_quirks: [deposit-v2, first-empty, no-seconds, java-numbers]\nsteps:\n  - { approve: {} }\n";
    std::fs::write(folder.join("odd.yaml"), scenario).expect("it is written");
    let app = TestApp::with(|builder| builder.scenarios(&folder)).await;
    std::fs::write(folder.join("wrong.yaml"), "version: 1\nname: wrong\nfetch_quirks: [depositv2]\ndata: later\n")
        .expect("it is written");
    let refused = app.post("/_mockaa/v1/scenarios/reload", &Value::Null).await;
    std::fs::remove_dir_all(&folder).expect("it is ours");
    assert!(refused.text.contains("one of deposit-v2, first-empty, no-seconds, java-numbers"), "{}", refused.text);
    assert!(refused.text.contains("'later' is not one of immediate, timed, manual"), "{}", refused.text);

    let lender = Lender::arrive(&app).await;
    let plain = lender.raise(&app, |_| ()).await;
    app.act(&plain, "approve").await.ok();
    let odd = lender.raise_with(&app, "odd", |_| ()).await;
    let session = lender.session(&app, &odd).await;
    let first = lender.fetch(&app, &session).await.ok();
    assert_eq!((&first["tabs"], first.get("DEPOSIT_V2")), (&json!([]), None));
    let second = lender.fetch(&app, &session).await.ok();
    assert_eq!(second["tabs"], json!([{ "name": "DEPOSIT_V2" }]));
    let ordinary = lender.session(&app, &plain).await;
    let ordinary = lender.fetch(&app, &ordinary).await.ok();
    let (odd, plain) = (&second["DEPOSIT_V2"]["transactions"], &ordinary["DEPOSIT"]["transactions"]);
    for (odd, plain) in odd.as_array().expect("rows").iter().zip(plain.as_array().expect("rows")) {
        let at = text(&plain["tranTimestamp"]);
        assert_eq!(text(&odd["tranTimestamp"]), format!("{}{}", &at[..16], &at[19..]));
        let (odd, plain) = (text(&odd["amount"]), text(&plain["amount"]));
        // Below ten millions, Java leaves out one zero at the end.
        assert_eq!(odd, plain.strip_suffix('0').unwrap_or(&plain));
    }
}

#[tokio::test]
async fn the_older_dialect_has_the_older_bodies() {
    let mut app =
        configured("dialect", "[unaport]\ndialect = \"1.7\"\nrejection = \"REJECTED\"\ntop_level_ids = false\n").await;
    let lender = Lender::arrive(&app).await;
    let login = app.post(&format!("{COMMON}/public/user/login"), &credentials()).await.ok();
    assert_eq!(login["emailId"], "dev@lender.example");
    assert!(login.get("version").is_none() && login["not-before-policy"].is_number());
    let saved = lender.post(&app, &format!("{APP}/FIU/InsertProduct/{}", lender.org), &template()).await.ok();
    assert_eq!((names(&saved), &saved["status"]), (vec!["productId", "status"], &json!("200 OK")));
    let listed = lender.get(&app, &format!("{APP}/FIU/ProductList/{}", lender.org)).await.ok();
    assert_eq!(names(&listed), ["Data"]);
    let organisation = lender.get(&app, &format!("{COMMON}/FIU/getOrganisation")).await.ok();
    assert_eq!((names(&organisation["data"]).len(), &organisation["data"]["id"]), (38, &json!(lender.org)));
    let handle = lender.raise(&app, |_| ()).await;
    app.act(&handle, "approve").await.ok();
    let session = lender.session(&app, &handle).await;
    assert_eq!(names(&lender.fetch(&app, &session).await.ok()), ["DEPOSIT", "tabs"]);
    let rejected = lender.raise(&app, |_| ()).await;
    app.act(&rejected, "reject").await.ok();
    app.advance("0s").await;
    let arrived = app.fiu.arrived();
    assert!(arrived.iter().all(|message| message.json().get("trackingId").is_none()));
    let of_rejected = |body: &Value| body["ConsentStatusNotification"]["consentHandle"] == rejected.as_str();
    let word = arrived.iter().map(Message::json).find(of_rejected).expect("a webhook");
    assert_eq!(word["ConsentStatusNotification"]["consentStatus"], "REJECTED");
    assert_eq!(word["ConsentStatusNotification"]["consentId"], Value::Null);
}

#[tokio::test]
async fn webhooks_go_where_the_lender_wants_them() {
    let mut app = TestApp::start().await;
    let url = app.fiu.url.clone();
    let lender = Lender::log_in(&app).await;
    // One base with ReBIT's paths; one address for all; three addresses, each on its own.
    let wants = [
        (json!({}), ["/Consent/Notification", "/FI/Notification", "/Analytics/Notification"]),
        (json!({ "webhookUrl": format!("{url}/all?key=1") }), ["/all", "/all", "/all"]),
        (json!({ "dataUrl": format!("{url}/data") }), ["/all", "/data", "/all"]),
        (
            json!({ "webhookUrl": "", "consentUrl": format!("{url}/c"), "analyticsUrl": format!("{url}/a") }),
            ["/c", "/data", "/a"],
        ),
    ];
    for (urls, paths) in wants {
        let put = app.request(Method::PUT, &format!("/_mockaa/v1/config/fiu/{FIU}")).json(&urls);
        app.send(put).await.ok();
        let handle = lender.raise(&app, |_| ()).await;
        app.act(&handle, "approve").await.ok();
        app.advance("0s").await;
        let session = lender.session(&app, &handle).await;
        let report = format!("/_mockaa/v1/sessions/{session}/analytics");
        app.post(&report, &json!({ "status": "FAILED" })).await.ok();
        app.advance("0s").await;
        let arrived = app.fiu.arrived();
        let seen: Vec<_> = arrived.iter().skip(1).map(|message| message.path.as_str()).collect();
        assert_eq!(seen, paths);
        let analytics = arrived.last().expect("a webhook");
        assert_eq!((&analytics.json()["status"], &analytics.json()["sessionId"]), (&json!("FAILED"), &json!(session)));
        assert_eq!(analytics.json()["trackingId"], "LOAN-4711");
        assert!(!analytics.header("x-jws-signature").is_empty() && !analytics.header("webhook-signature").is_empty());
    }
    for (key, value) in
        [("webhookUrl", "ftp://x"), ("consentUrl", "http://169.254.169.254/x"), ("baseUrl", "http://x/?y")]
    {
        let put = app.request(Method::PUT, &format!("/_mockaa/v1/config/fiu/{FIU}")).json(&json!({ (key): value }));
        let refused = app.send(put).await;
        assert!(refused.status == 400 && refused.text.contains(key), "{}", refused.text);
    }
}

#[tokio::test]
async fn webhooks_are_tried_again() {
    let mut app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    app.fiu.turn(Mood::Answering(500, String::new()));
    let handle = lender.raise(&app, |_| ()).await;
    app.act(&handle, "approve").await.ok();
    app.advance("0s").await;
    assert_eq!(told(&mut app), pairs(&[(CONSENTS, "READY")]), "the first holds up the others");
    app.fiu.turn(Mood::Answering(200, json!({ "success": true, "message": "thanks" }).to_string()));
    app.advance("1s").await;
    assert_eq!(told(&mut app), pairs(&[(CONSENTS, "READY"), (CONSENTS, "ACTIVE"), (DATA, "COMPLETED")]));
}

#[tokio::test]
async fn the_short_link_leads_to_the_page_and_back() {
    let mut app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    let mut links = Vec::new();
    for _ in 0..2 {
        links.push(lender.ask(&app, |_| ()).await.ok());
    }
    let base = app.sandbox.base_url();
    let follow = async |link: &Value| {
        let path = text(link).strip_prefix(&base).expect("a link to the sandbox").to_owned();
        app.send_raw(app.request(Method::GET, &path)).await
    };
    let (first, second) = (follow(&links[0]["redirectUrl"]).await, follow(&links[1]["redirectUrl"]).await);
    assert_ne!(first.1, second.1);
    assert_eq!(
        (first.0, first.1.as_deref()),
        (StatusCode::FOUND, Some(&*format!("{base}/ui/consents/{}", text(&links[0]["ConsentHandle"]))))
    );
    let page = app.get(&format!("/ui/consents/{}", text(&links[0]["ConsentHandle"]))).await;
    assert!(page.text.contains("Approve") && page.text.contains(FIU));
    // Answered, the customer goes back to where the lender wants them.
    let answer = app
        .send_raw(app.request(Method::POST, &format!("/ui/consents/{}/reject", text(&links[0]["ConsentHandle"]))))
        .await;
    assert_eq!((answer.0, answer.1.as_deref()), (StatusCode::SEE_OTHER, Some("https://lender.example/back?loan=4711")));
    let page = app.get(&format!("/ui/consents/{}", text(&links[0]["ConsentHandle"]))).await;
    assert!(page.text.contains("https://lender.example/back?loan=4711"), "{}", page.text);
    // The older spelling of a link, and one that leads nowhere.
    let code = text(&links[1]["redirectUrl"])[text(&links[1]["redirectUrl"]).len() - 6..].to_owned();
    let older = app.send_raw(app.request(Method::GET, &format!("/backend/api/v1/redirect/{code}"))).await;
    assert_eq!(older.1, second.1);
    assert_eq!(app.get(&format!("{APP}/public/shorten/000000")).await.status, 404);
    assert_eq!(app.get(&format!("{APP}/public/shorten/zzzzzz")).await.status, 404);
    app.enter("other");
    assert_eq!(app.get(&format!("{APP}/public/shorten/{code}")).await.status, 404, "a link belongs to its world");
}

#[tokio::test]
async fn both_hosts_have_all_paths_spelled_exactly() {
    let app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    let handle = lender.raise(&app, |_| ()).await;
    for host in [COMMON, APP, "/backend/api/v1"] {
        app.post(&format!("{host}/public/user/login/"), &credentials()).await.ok();
        app.post(&format!("{host}//public/user/login"), &credentials()).await.ok();
        for path in [
            "FIU/getClientOrganisation",
            "FIU/getOrganisation/",
            &format!("FIU/GetConsent/{handle}/"),
            &format!("FIU/ProductList/{}", lender.org),
        ] {
            lender.get(&app, &format!("{host}/{path}")).await.ok();
        }
        for path in ["fiu/getOrganisation", "FIU/getorganisation", "FIU/getOrganisation/x", "", "FIU"] {
            let reply = lender.get(&app, &format!("{host}/{path}")).await;
            assert_eq!((reply.status.as_u16(), &reply.json()["status"]), (404, &json!(404)), "{path}");
        }
    }
    assert_eq!(lender.get(&app, "/API/v1/FIU/getOrganisation").await.status, 404);
    let wrong = lender.get(&app, &format!("{COMMON}/public/user/login")).await;
    assert_eq!((wrong.status.as_u16(), &wrong.json()["error"]), (405, &json!("Method Not Allowed")));
}

#[tokio::test]
async fn refusals_have_one_shape_and_say_what_to_do() {
    let app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    let consents = format!("{APP}/FIU/Consents/{}", lender.org);
    let nobody = "0b811819-9044-4856-b0ee-8c88035f8858";
    let get = async |path: &str| lender.get(&app, &format!("{APP}/FIU/{path}")).await;
    let raw = async |body: &str| {
        let call =
            app.request(Method::POST, &consents).bearer_auth(&lender.access).header("content-type", "application/json");
        app.send(call.body(body.to_owned())).await
    };
    for (reply, status, word) in [
        (app.get(&format!("{APP}/FIU/GetConsent/{nobody}")).await, 401, "log in with POST /api/v1/public/user/login"),
        (lender.get(&app, &format!("{APP}/FIU/ProductList/{nobody}")).await, 403, "take it from getClientOrganisation"),
        (get(&format!("GetConsent/{nobody}")).await, 404, "no consent has the handle"),
        (get("GetConsent/x").await, 404, "no consent has the handle"),
        (get(&format!("FINotification/{nobody}")).await, 404, "no consent has the handle"),
        (get(&format!("FifetchDataBySessionId/{nobody}")).await, 404, "no data session"),
        (get(&format!("FI/AccountDetail/{nobody}")).await, 404, "no data session"),
        (raw("{").await, 400, "not JSON"),
        (raw("[]").await, 400, "expected"),
        (raw(&format!("{{\"vuaId\":\"{}\"}}", "x".repeat(1_100_000))).await, 400, "larger than"),
        (lender.ask(&app, |body| detail(body)["consentExpiry"] = NOW.into()).await, 400, "is not after consentStart"),
        (lender.ask(&app, |body| detail(body)["DataLife"]["value"] = 0.into()).await, 400, "needs at least 1 MONTH"),
        (
            lender.post(&app, &format!("{APP}/FIU/Consents/product/{}", lender.org), &by_template(nobody)).await,
            400,
            "no consent template",
        ),
    ] {
        let body = reply.json();
        assert_eq!(
            (reply.status.as_u16(), body["status"].as_u64()),
            (status, Some(u64::from(status))),
            "{}",
            reply.text
        );
        assert_eq!(names(&body), ["error", "errors", "message", "path", "status", "timestamp", "txnId", "version"]);
        assert!(text(&body["message"]).contains(word), "{word}: {}", reply.text);
        assert!(body["errors"].is_array() && body["version"] == "2.0.0");
    }
    for path in
        ["FI/Analytic/o/s", "Analitic/475/s", "Analitic/Export/482", "Export/UNACORES-FIU-UAT/s", "ExportPdf/x/s"]
    {
        let absent = get(path).await;
        assert_eq!(absent.status, 404);
        assert!(absent.text.contains("are not simulated yet"), "{}", absent.text);
    }
    assert_eq!(app.consents().await, 0, "nothing was raised");
    // A consent of another face is none of this one's.
    let seed = app.raise(|_| ()).await;
    assert_eq!(get(&format!("GetConsent/{seed}")).await.status, 404);
    let analytics = format!("/_mockaa/v1/sessions/{nobody}/analytics");
    assert_eq!(app.post(&analytics, &Value::Null).await.status, 404);
}

#[tokio::test]
async fn errors_come_on_request_in_the_faces_own_form() {
    let app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    let path = format!("{APP}/FIU/ProductList/{}", lender.org);
    for (fault, status) in [("InternalError", 500), ("ServiceUnavailable", 503), ("Unauthorized", 401)] {
        let call = app.request(Method::GET, &path).bearer_auth(&lender.access).header("x-mockaa-fault", fault);
        let reply = app.send(call).await;
        assert_eq!((reply.status.as_u16(), &reply.json()["status"]), (status, &json!(status)), "{}", reply.text);
    }
}

#[tokio::test]
async fn a_page_of_another_site_may_call() {
    let app = TestApp::start().await;
    let ask = |path: &str| app.request(Method::OPTIONS, path).header("origin", "https://lender.example");
    let asked = ask(&format!("{APP}/FIU/ProductList/x")).header("access-control-request-method", "GET");
    let answer = asked.send().await.expect("it answers");
    assert_eq!(answer.status(), 204);
    let header = |name: &str| answer.headers()[name].to_str().expect("text").to_owned();
    assert_eq!(header("access-control-allow-origin"), "*");
    assert!(header("access-control-allow-methods").contains("GET"));
    assert!(header("access-control-allow-headers").contains("authorization"));
    // Nobody else's pages may steer the sandbox, nor call as an FIU does.
    let asked = ask("/_mockaa/v1/reset").header("access-control-request-method", "POST");
    assert_eq!(asked.send().await.expect("it answers").status(), 405);
}

#[tokio::test]
async fn a_token_is_of_one_world_and_one_time() {
    let app = TestApp::start().await;
    // A host that is more than a name would make the token one of another world.
    let login =
        app.request(Method::POST, &format!("{COMMON}/public/user/login")).header("x-forwarded-host", "h/w/other");
    let access = text(&app.send(login.json(&credentials())).await.ok()["access_token"]);
    let path = format!("{COMMON}/FIU/getOrganisation");
    let of_other = app.request(Method::POST, &format!("/w/other{COMMON}/public/user/login"));
    app.send(of_other.json(&credentials())).await.ok();
    let crossed = app.send(app.request(Method::GET, &format!("/w/other{path}")).bearer_auth(&access)).await;
    assert!(crossed.status == 401 && crossed.text.contains("is of another world"), "{}", crossed.text);
    // A world that begins anew does not know the tokens of its later days.
    app.advance("P2D").await;
    let late = Lender::log_in(&app).await;
    app.post("/_mockaa/v1/reset", &Value::Null).await.ok();
    assert_eq!(late.get(&app, &path).await.status, 401);
    let refresh = Lender { access: late.refresh, ..Lender::log_in(&app).await };
    let mixed = refresh.get(&app, &path).await;
    assert!(mixed.status == 401 && mixed.text.contains("this is the refresh token"), "{}", mixed.text);
    let worlds = app.get("/readyz").await.ok()["worlds"].clone();
    let nobody = app.send(app.request(Method::GET, &format!("/w/unborn{path}")).bearer_auth(&access)).await;
    assert!(nobody.status == 401 && nobody.text.contains("nobody has logged in to this world"), "{}", nobody.text);
    let call = app.request(Method::POST, &format!("/w/unborn{COMMON}/public/user/refreshToken"));
    assert_eq!(app.send(call.json(&json!({ "refresh_token": refresh.access }))).await.status, 401);
    assert_eq!(app.get("/readyz").await.ok()["worlds"], worlds, "who is refused makes no world");
}

#[tokio::test]
async fn an_answer_that_falls_into_a_pause_or_before_the_start_comes_later() {
    let app = TestApp::with(mockaa::SandboxBuilder::timed_data).await;
    let lender = Lender::arrive(&app).await;
    let handle = lender.raise(&app, |_| ()).await;
    app.act(&handle, "approve").await.ok();
    app.advance("4s").await;
    app.act(&handle, "pause").await.ok();
    app.advance("5s").await;
    assert!(lender.notified(&app, &handle).await.is_empty());
    app.act(&handle, "resume").await.ok();
    assert_eq!(lender.notified(&app, &handle).await[0]["FIStatusNotification"]["sessionStatus"], "COMPLETED");

    let app = TestApp::start().await;
    let mut lender = Lender::arrive(&app).await;
    let handle = lender
        .raise_with(&app, "approve-deposit", |body| detail(body)["consentStart"] = "2020-07-05T06:00:00.000Z".into())
        .await;
    app.advance("2s").await;
    assert!(lender.notified(&app, &handle).await.is_empty());
    app.advance("P1D").await;
    lender = Lender::log_in(&app).await;
    assert_eq!(lender.notified(&app, &handle).await.len(), 1);
}

#[tokio::test]
async fn what_is_not_there_is_not_taken() {
    let app = TestApp::with(mockaa::SandboxBuilder::manual_data).await;
    let lender = Lender::arrive(&app).await;
    let handle = lender.raise(&app, |_| ()).await;
    app.act(&handle, "approve").await.ok();
    let session = text(&app.get("/_mockaa/v1/sessions").await.ok()["items"][0]["sessionId"]);
    let written = app.journal().await.len();
    for _ in 0..3 {
        assert_eq!(lender.fetch(&app, &session).await.ok()["tabs"], json!([]));
    }
    assert_eq!(lender.record(&app, &handle).await["consentidCalled"], 0);
    assert_eq!(app.journal().await.len(), written, "looking changes nothing");
    app.post(&format!("/_mockaa/v1/sessions/{session}/deliver"), &Value::Null).await.ok();
    lender.fetch(&app, &session).await.ok();
    assert_eq!(lender.record(&app, &handle).await["consentidCalled"], 1);
}

#[tokio::test]
async fn an_fius_own_request_is_no_run_of_unaports() {
    let app = TestApp::with(mockaa::SandboxBuilder::timed_data).await;
    let lender = Lender::arrive(&app).await;
    let handle = lender.raise(&app, |_| ()).await;
    app.act(&handle, "approve").await.ok();
    let id = text(&lender.record(&app, &handle).await["consentId"]);
    let journey = Journey { app: &app, fiu: Actor::unacores() };
    let asked = journey.fiu.post(&app, "/FI/request", &journey.fi_request(&id).await).await.ok();
    app.advance("10s").await;
    let notified = lender.notified(&app, &handle).await;
    assert_eq!(notified.len(), 1, "Unaport has asked all the same");
    let own = text(&asked["sessionId"]);
    assert_ne!(notified[0]["FIStatusNotification"]["sessionId"], own.as_str());
    assert_eq!(lender.fetch(&app, &own).await.status, 404, "that one is encrypted to a key");
    assert_eq!(lender.record(&app, &handle).await["lastRuntime"], "2020-07-04T06:00:03.669+00:00");
}

#[tokio::test]
async fn looking_does_not_change_what_comes_later() {
    let mut raised = Vec::new();
    for looks in [0, 5] {
        let app = TestApp::start().await;
        let lender = Lender::arrive(&app).await;
        let saved = lender.post(&app, &format!("{APP}/FIU/InsertProduct/{}", lender.org), &template()).await.ok();
        for _ in 0..looks {
            lender.get(&app, &format!("{APP}/FIU/ProductList/{}", lender.org)).await.ok();
            lender.get(&app, &format!("{APP}/FIU/GetConsent/x")).await;
        }
        let body = by_template(saved["productId"].as_str().expect("an id"));
        let mut created = lender.post(&app, &format!("{APP}/FIU/Consents/product/{}", lender.org), &body).await.ok();
        created["redirectUrl"] = Value::Null;
        let handle = text(&created["ConsentHandle"]);
        app.act(&handle, "approve").await.ok();
        raised.push((saved["productId"].clone(), created, lender.record(&app, &handle).await));
    }
    assert_eq!(raised[0], raised[1]);
}

#[tokio::test]
async fn a_template_is_of_its_own_organisation() {
    let toml = "[[unaport.account]]\nemail = \"a@one.example\"\npassword = \"password\"\nfiu = \"FIU-1\"\n";
    let app = configured("foreign-template", toml).await;
    let login = json!({ "emailId": "a@one.example", "password": "password" });
    let access = text(&app.post(&format!("{COMMON}/public/user/login"), &login).await.ok()["access_token"]);
    let mut lender = Lender { access, refresh: String::new(), org: String::new() };
    lender.org = text(&lender.get(&app, &format!("{COMMON}/FIU/getClientOrganisation")).await.ok()["orgId"]);
    let refused = lender.post(&app, &format!("{APP}/FIU/InsertProduct/{}", lender.org), &template()).await;
    assert!(refused.status == 403 && refused.text.contains("ConsentDetail.DataConsumer.id"), "{}", refused.text);
}

#[tokio::test]
async fn a_link_that_could_not_stand_in_a_header_is_refused() {
    let app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    for link in
        ["https://l.example/\nx", "https://l.example/\u{1}", "https://l.example/ x", "javascript:alert(1)", "back"]
    {
        let refused = lender.ask(&app, |body| body["redirectUrl"] = link.into()).await;
        assert_eq!(refused.json()["errors"][0]["field"], "redirectUrl", "{link:?}");
    }
    lender.raise(&app, |body| body["redirectUrl"] = "lender-app://back?x=%0A".into()).await;
}

#[tokio::test]
async fn an_aas_scenario_comes_before_the_default_one_and_stays() {
    let folder = std::env::temp_dir().join(format!("mockaa-unaport-usual-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let own = folder.join("own.yaml");
    std::fs::write(&own, "version: 1\nname: own\nsteps: [{ reject: {} }]\n").expect("it is written");
    let toml = format!("[[aa]]\nid = \"{AA}\"\nhandle = \"ink\"\nscenario = \"own\"\n");
    let app = configured_with("usual", &toml, |builder| builder.scenarios(&folder).default_scenario("approve")).await;
    let lender = Lender::arrive(&app).await;
    let handle = lender.raise(&app, |_| ()).await;
    assert_eq!(lender.statuses(&app, &handle).await.0, "FAILED");
    std::fs::remove_file(&own).expect("it is ours");
    let refused = app.post("/_mockaa/v1/scenarios/reload", &Value::Null).await;
    assert!(refused.status != 200 && refused.text.contains(&format!("aa.scenario of {AA}, own")), "{}", refused.text);
    lender.raise(&app, |_| ()).await;
    std::fs::remove_dir_all(&folder).expect("it is ours");
}

#[tokio::test]
async fn strictness_decides_about_strangers() {
    let strict = TestApp::with(|builder| builder.security(mockaa::Security::Strict)).await;
    let lender = Lender::arrive(&strict).await;
    let refused = lender.ask(&strict, |body| body["fiuId"] = "FINTREE".into()).await;
    assert!(refused.status == 400 && refused.text.contains("not a registered FIU"), "{}", refused.text);
    let foreign = lender.ask(&strict, |body| detail(body)["Customer"]["id"] = "9876500001@finvu".into()).await;
    assert!(foreign.status == 400 && foreign.text.contains("addresses end in @ink"), "{}", foreign.text);
    let lenient = TestApp::start().await;
    let lender = Lender::arrive(&lenient).await;
    lender.raise(&lenient, |body| body["fiuId"] = "FINTREE".into()).await;
    lender.raise(&lenient, |body| detail(body)["Customer"]["id"] = "9876500001@finvu".into()).await;
    let journal = lenient.journal().await;
    let notes: Vec<_> =
        journal.iter().filter_map(|entry| entry["text"].as_str()?.strip_prefix("strict would refuse: ")).collect();
    assert!(notes.len() == 2 && notes[0].contains("'FINTREE'") && notes[1].contains("@finvu"), "{notes:?}");
    let open = TestApp::with(|builder| builder.security(mockaa::Security::Open)).await;
    open.get(&format!("{APP}/FIU/ProductList/whatever")).await.ok();
    // Who has no token there sees the whole world: what they have raised for one organisation, they can read.
    let organisation = open.get(&format!("{COMMON}/FIU/getClientOrganisation")).await.ok();
    assert_eq!(organisation["fiutest"]["entityId"], FIU);
    let other = open.get("/_mockaa/v1/config/fiu/FIU-1").await.ok()["orgId"].clone();
    let nobody = Lender { access: String::new(), refresh: String::new(), org: text(&other) };
    let handle = nobody.raise(&open, |_| ()).await;
    assert_eq!(nobody.record(&open, &handle).await["orgId"], other);
}

#[tokio::test]
async fn settings_that_are_wrong_are_told() {
    for (name, toml, expected) in [
        ("dialect-no", "[unaport]\ndialect = \"1.8\"\n", "unaport.dialect '1.8' is not one of 2.0.0, 1.7"),
        ("fiu-no", "[unaport]\nfiu = \"X\"\n", "unaport.fiu 'X' is not the id of an [[fiu]]"),
        ("word-no", "[unaport]\nrejection = \"NO\"\n", "not one of FAILED, REJECTED"),
        ("key-no", "[unaport]\ncolour = 1\n", "unknown field `colour`"),
        ("account-no", "[[unaport.account]]\nemail = \"a@b\"\n", "unaport.account.password is missing"),
        (
            "account-short",
            "[[unaport.account]]\nemail = \"a@b.example\"\npassword = \"short\"\n",
            "at least 8 are needed",
        ),
        ("template-no", "[[unaport.template]]\nproduct_name = \"x\"\n", "unaport.template.productId is missing"),
        (
            "scenario-no",
            "[[aa]]\nid = \"a\"\nscenario = \"nope\"\n",
            "aa.scenario of a, nope: there is no such scenario",
        ),
        (
            "org-no",
            "[[fiu]]\nid = \"A\"\norg_id = \"o\"\n[[fiu]]\nid = \"B\"\norg_id = \"o\"\n",
            "orgId of 'B' is also that of 'A'",
        ),
    ] {
        let file = written(name, "toml", toml);
        let error = mockaa::Sandbox::builder().config(&file).start().await.expect_err("it is wrong").to_string();
        std::fs::remove_file(&file).expect("it is ours");
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_template_and_an_organisation_of_the_configuration_are_there_from_the_start() {
    let id = "299641fb-db12-4f0b-9548-dd739bffc616";
    let toml = format!(
        "[[fiu]]\nid = \"LENDER\"\norg_id = \"4509dd7b-9ebc-4d93-b1bd-0c2ca7025149\"\n[[unaport.template]]\nproductId = \"{id}\"\n\
         product_name = \"Ready made\"\n[unaport.template.ConsentDetail]\nconsentStart = \"2019-01-01T00:00:00.000Z\"\nconsentExpiry = \"1\"\n\
         consentMode = \"STORE\"\nfetchType = \"PERIODIC\"\nconsentTypes = [\"SUMMARY\"]\nfiTypes = [\"DEPOSIT\"]\nDataConsumer.id = \"LENDER\"\n\
         Purpose.code = \"102\"\nFIDataRange = {{ from = -1, to = 0 }}\nDataLife = {{ unit = \"DAY\", value = 1 }}\nFrequency = {{ unit = \
         \"HOUR\", value = 4 }}\n"
    );
    let app = configured_with("template", &toml, |builder| builder).await;
    let lender = Lender::log_in(&app).await;
    assert_eq!(lender.org, "4509dd7b-9ebc-4d93-b1bd-0c2ca7025149");
    let mut body = by_template(id);
    body["fiuId"] = "LENDER".into();
    let created = lender.post(&app, &format!("{APP}/FIU/Consents/product/{}", lender.org), &body).await.ok();
    let handle = text(&created["ConsentHandle"]);
    app.act(&handle, "approve").await.ok();
    let record = lender.record(&app, &handle).await;
    assert_eq!(record["nextRuntime"], "2020-07-04T06:15:00.000+00:00", "four times an hour");
    let session = lender.session(&app, &handle).await;
    let fetched = lender.fetch(&app, &session).await.ok();
    assert_eq!(fetched["DEPOSIT"]["transactions"], json!([]), "only the summary was asked for");
    assert_eq!(fetched["DEPOSIT"]["summary"].as_array().map(Vec::len), Some(1));
}
