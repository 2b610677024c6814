//! Consents: statuses, revocation, whose they are, the customer's link.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{pairs, told};
use crate::helpers::TestApp;
use crate::inbox::Message;
use crate::lender::{
    APP, COMMON, CONSENTS, FIU, Lender, by_template, configured, detail, template, text,
};

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
        (
            &["approve", "pause"],
            &["READY", "ACTIVE", "PAUSED"],
            ("READY", "PAUSED"),
        ),
        (
            &["approve", "pause", "resume"],
            &["READY", "ACTIVE", "PAUSED", "ACTIVE"],
            ("READY", "ACTIVE"),
        ),
        (
            &["approve", "revoke"],
            &["READY", "ACTIVE", "REVOKED"],
            ("READY", "REVOKED"),
        ),
        (
            &["approve", "expire"],
            &["READY", "ACTIVE", "EXPIRED"],
            ("READY", "EXPIRED"),
        ),
    ];
    for (moves, words, (approve, consent)) in stories {
        let handle = lender.raise(&app, |_| ()).await;
        for verb in moves {
            app.act(&handle, verb).await.ok();
        }
        app.advance("0s").await;
        assert_eq!(
            lender.statuses(&app, &handle).await,
            (approve.to_owned(), consent.to_owned()),
            "{moves:?}"
        );
        let changed = moves.len() > 1;
        assert_eq!(
            lender.record(&app, &handle).await["updatedOn"].is_string(),
            changed,
            "{moves:?}"
        );
        let arrived = app.fiu.arrived();
        let consents: Vec<_> = arrived
            .iter()
            .filter(|message| message.path == CONSENTS)
            .map(Message::json)
            .collect();
        let said: Vec<_> = consents
            .iter()
            .map(|body| text(&body["ConsentStatusNotification"]["consentStatus"]))
            .collect();
        assert_eq!(said, words, "{moves:?}");
        let id = &lender.record(&app, &handle).await["consentId"];
        if let Some(last) = consents.last() {
            assert_eq!(
                (
                    &last["ConsentStatusNotification"]["consentId"],
                    &last["consentId"]
                ),
                (id, id)
            );
            assert_eq!(
                last["ConsentStatusNotification"]["consentHandle"],
                handle.as_str()
            );
        }
    }
    // A held approval: the id is there, the artefact is not in force.
    let handle = lender.raise(&app, |_| ()).await;
    app.post(
        &format!("/_mockaa/v1/consents/{handle}/approve"),
        &json!({ "hold": true }),
    )
    .await
    .ok();
    assert_eq!(
        lender.statuses(&app, &handle).await,
        ("READY".to_owned(), "CREATED".to_owned())
    );
    app.advance("0s").await;
    assert_eq!(
        told(&mut app),
        pairs(&[(CONSENTS, "READY")]),
        "no data before it is in force"
    );
}

#[tokio::test]
async fn a_consent_and_its_data_run_out_on_the_worlds_clock() {
    let mut app = TestApp::start().await;
    let mut lender = Lender::arrive(&app).await;
    let unanswered = lender
        .raise(&app, |body| {
            detail(body)["consentExpiry"] = "2020-07-05T06:00:00.000Z".into();
        })
        .await;
    let taken = lender.raise(&app, |_| ()).await;
    app.act(&taken, "approve").await.ok();
    let session = lender.session(&app, &taken).await;
    lender.fetch(&app, &session).await.ok();
    app.advance("P1D").await;
    lender = Lender::log_in(&app).await;
    assert_eq!(
        lender.statuses(&app, &unanswered).await,
        ("EXPIRED".to_owned(), "EXPIRED".to_owned())
    );
    lender.fetch(&app, &session).await.ok();
    app.advance("P31D").await;
    lender = Lender::log_in(&app).await;
    let gone = lender.fetch(&app, &session).await;
    assert_eq!(
        gone.status, 404,
        "DataLife of a month is over: {}",
        gone.text
    );
    app.advance("P365D").await;
    lender = Lender::log_in(&app).await;
    assert_eq!(
        lender.statuses(&app, &taken).await,
        ("READY".to_owned(), "EXPIRED".to_owned())
    );
    let words: Vec<_> = told(&mut app).into_iter().map(|(_, word)| word).collect();
    assert_eq!(
        words,
        ["READY", "ACTIVE", "COMPLETED", "EXPIRED", "EXPIRED"]
    );
}

#[tokio::test]
async fn an_fiu_revokes_in_each_of_the_three_spellings() {
    let mut app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    for (method, path) in [
        (Method::POST, "/revoke"),
        (Method::PUT, "/revoke"),
        (Method::DELETE, ""),
    ] {
        let handle = lender.raise(&app, |_| ()).await;
        app.act(&handle, "approve").await.ok();
        let session = lender.session(&app, &handle).await;
        let id = text(&lender.record(&app, &handle).await["consentId"]);
        let path = format!("{APP}/FIU/Consents{path}/{}/{id}", lender.org);
        let revoke = async || {
            app.send(
                app.request(method.clone(), &path)
                    .bearer_auth(&lender.access),
            )
            .await
        };
        let answer = revoke().await.ok();
        assert_eq!(
            (&answer["consentId"], &answer["consentStatus"]),
            (&json!(id), &json!("REVOKED"))
        );
        assert_eq!(
            lender.statuses(&app, &handle).await,
            ("READY".to_owned(), "REVOKED".to_owned())
        );
        let again = revoke().await;
        assert_eq!(again.status, 400);
        assert!(
            text(&again.json()["message"]).contains("the state is final"),
            "{}",
            again.text
        );
        lender.fetch(&app, &session).await.ok();
        app.advance("0s").await;
        let last = app.fiu.arrived().pop().expect("a webhook").json();
        assert_eq!(
            last["ConsentStatusNotification"]["consentStatus"],
            "REVOKED"
        );
    }
    // The consent's id, not its handle; and only after approval.
    let handle = lender.raise(&app, |_| ()).await;
    let path = format!("{APP}/FIU/Consents/revoke/{}/{handle}", lender.org);
    assert_eq!(lender.post(&app, &path, &Value::Null).await.status, 404);
}

#[tokio::test]
async fn the_customer_is_found_by_whatever_names_them() {
    let app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    let customer = async |change: &dyn Fn(&mut Value)| {
        text(&lender.ask(&app, |body| change(body)).await.ok()["Customer"]["id"])
    };
    assert_eq!(customer(&|_| ()).await, "9876500001@ink");
    assert_eq!(
        customer(&|body| detail(body)["Customer"]["id"] = "asha@finvu".into()).await,
        "asha@finvu"
    );
    assert_eq!(
        customer(&|body| {
            body["vuaId"] = "9999999999@ink".into();
            detail(body)["Customer"] =
                json!({ "Identifiers": [{ "type": "EMAIL", "value": "a@b.example" }] });
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
    assert_eq!(
        nobody.json()["errors"][0]["field"],
        "ConsentsRequest.ConsentDetail.Customer.id"
    );
    for (identifier, word) in [
        (json!({ "type": "MOBILE", "value": "" }), "has no value"),
        (
            json!({ "type": "MOBILE", "value": "98765 43210" }),
            "is not a mobile number",
        ),
        (
            json!({ "type": "MOBILE", "value": "9".repeat(16) }),
            "is not a mobile number",
        ),
        (
            json!({ "type": "PHONE", "value": "9876543210" }),
            "not one of MOBILE, EMAIL, OTHERS",
        ),
        (json!("9876543210"), "not one of MOBILE, EMAIL, OTHERS"),
    ] {
        let refused = lender
            .ask(&app, |body| {
                detail(body)["Customer"]["Identifiers"] = json!([identifier]);
            })
            .await;
        let problem = &refused.json()["errors"][0];
        assert_eq!(
            problem["field"],
            "ConsentsRequest.ConsentDetail.Customer.Identifiers"
        );
        assert!(text(&problem["problem"]).contains(word), "{problem}");
    }
    for mobile in [
        "9876500001",
        "919876500001",
        "+919876500001",
        "09876500001",
        "0919876500001",
        "+9876500001",
    ] {
        let identifiers = json!([{ "type": "MOBILE", "value": mobile }]);
        assert_eq!(
            customer(&|body| detail(body)["Customer"]["Identifiers"] = identifiers.clone()).await,
            "9876500001@ink"
        );
    }
    // By template: an address where there is one, else the mobile number.
    let saved = lender
        .post(
            &app,
            &format!("{APP}/FIU/InsertProduct/{}", lender.org),
            &template(),
        )
        .await
        .ok();
    let mut body = by_template(saved["productId"].as_str().expect("an id"));
    body["vuaId"] = "asha@ink".into();
    let created = lender
        .post(
            &app,
            &format!("{APP}/FIU/Consents/product/{}", lender.org),
            &body,
        )
        .await
        .ok();
    assert_eq!(created["Customer"]["id"], "asha@ink");
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
        let path = text(link)
            .strip_prefix(&base)
            .expect("a link to the sandbox")
            .to_owned();
        app.send_raw(app.request(Method::GET, &path)).await
    };
    let (first, second) = (
        follow(&links[0]["redirectUrl"]).await,
        follow(&links[1]["redirectUrl"]).await,
    );
    assert_ne!(first.1, second.1);
    assert_eq!(
        (first.0, first.1.as_deref()),
        (
            StatusCode::FOUND,
            Some(&*format!(
                "{base}/ui/consents/{}",
                text(&links[0]["ConsentHandle"])
            ))
        )
    );
    let page = app
        .get(&format!(
            "/ui/consents/{}",
            text(&links[0]["ConsentHandle"])
        ))
        .await;
    assert!(page.text.contains("Approve") && page.text.contains(FIU));
    // Answered, the customer goes back to where the lender wants them.
    let answer = app
        .send_raw(app.request(
            Method::POST,
            &format!("/ui/consents/{}/reject", text(&links[0]["ConsentHandle"])),
        ))
        .await;
    assert_eq!(
        (answer.0, answer.1.as_deref()),
        (
            StatusCode::SEE_OTHER,
            Some("https://lender.example/back?loan=4711")
        )
    );
    let page = app
        .get(&format!(
            "/ui/consents/{}",
            text(&links[0]["ConsentHandle"])
        ))
        .await;
    assert!(
        page.text.contains("https://lender.example/back?loan=4711"),
        "{}",
        page.text
    );
    // The older spelling of a link, and one that leads nowhere.
    let code =
        text(&links[1]["redirectUrl"])[text(&links[1]["redirectUrl"]).len() - 6..].to_owned();
    let older = app
        .send_raw(app.request(Method::GET, &format!("/backend/api/v1/redirect/{code}")))
        .await;
    assert_eq!(older.1, second.1);
    assert_eq!(
        app.get(&format!("{APP}/public/shorten/000000"))
            .await
            .status,
        404
    );
    assert_eq!(
        app.get(&format!("{APP}/public/shorten/zzzzzz"))
            .await
            .status,
        404
    );
    app.enter("other");
    assert_eq!(
        app.get(&format!("{APP}/public/shorten/{code}"))
            .await
            .status,
        404,
        "a link belongs to its world"
    );
}

#[tokio::test]
async fn a_link_that_could_not_stand_in_a_header_is_refused() {
    let app = TestApp::start().await;
    let lender = Lender::arrive(&app).await;
    for link in [
        "https://l.example/\nx",
        "https://l.example/\u{1}",
        "https://l.example/ x",
        "javascript:alert(1)",
        "back",
    ] {
        let refused = lender
            .ask(&app, |body| body["redirectUrl"] = link.into())
            .await;
        assert_eq!(
            refused.json()["errors"][0]["field"],
            "redirectUrl",
            "{link:?}"
        );
    }
    lender
        .raise(&app, |body| {
            body["redirectUrl"] = "lender-app://back?x=%0A".into();
        })
        .await;
}

#[tokio::test]
async fn a_template_is_of_its_own_organisation() {
    let toml = "[[unaport.account]]\nemail = \"a@one.example\"\npassword = \"password\"\nfiu = \"FIU-1\"\n";
    let app = configured("foreign-template", toml).await;
    let login = json!({ "emailId": "a@one.example", "password": "password" });
    let access = text(
        &app.post(&format!("{COMMON}/public/user/login"), &login)
            .await
            .ok()["access_token"],
    );
    let mut lender = Lender {
        access,
        refresh: String::new(),
        org: String::new(),
    };
    lender.org = text(
        &lender
            .get(&app, &format!("{COMMON}/FIU/getClientOrganisation"))
            .await
            .ok()["orgId"],
    );
    let refused = lender
        .post(
            &app,
            &format!("{APP}/FIU/InsertProduct/{}", lender.org),
            &template(),
        )
        .await;
    assert!(
        refused.status == 403 && refused.text.contains("ConsentDetail.DataConsumer.id"),
        "{}",
        refused.text
    );
}
