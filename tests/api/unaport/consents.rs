//! Consents: statuses, revocation, ownership, the customer's link.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{drain_webhooks, owned_pairs};
use crate::customer_browser::CustomerBrowser;
use crate::helpers::TestApp;
use crate::inbox::Message;
use crate::lender::{
    APP_PREFIX, COMMON_PREFIX, CONSENT_HOOK, Lender, consent_detail_mut, consent_template,
    expect_text, start_configured, template_consent_request,
};

/// Verbs, the statuses of the webhooks, and the two statuses of the record
/// (`docs/sources.md#unaport-statuses`).
type StatusCase<'a> = (&'a [&'a str], &'a [&'a str], (&'a str, &'a str));

#[tokio::test]
async fn every_transition_sets_both_statuses_and_sends_its_webhooks() {
    let mut app = TestApp::start().await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    let cases: [StatusCase<'_>; 8] = [
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
    for (moves, expected_statuses, (approve, consent)) in cases {
        let handle = lender.raise_consent(&app, |_| ()).await;
        for verb in moves {
            app.apply_verb(&handle, verb).await.expect_ok();
        }
        app.advance_clock("0s").await;
        assert_eq!(
            lender.fetch_statuses(&app, &handle).await,
            (approve.to_owned(), consent.to_owned()),
            "{moves:?}"
        );
        let changed = moves.len() > 1;
        assert_eq!(
            lender.fetch_record(&app, &handle).await["updatedOn"].is_string(),
            changed,
            "{moves:?}"
        );
        let messages = app.fiu.drain_messages();
        let consents: Vec<_> = messages
            .iter()
            .filter(|message| message.path == CONSENT_HOOK)
            .map(Message::json)
            .collect();
        let statuses: Vec<_> = consents
            .iter()
            .map(|body| expect_text(&body["ConsentStatusNotification"]["consentStatus"]))
            .collect();
        assert_eq!(statuses, expected_statuses, "{moves:?}");
        let id = &lender.fetch_record(&app, &handle).await["consentId"];
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
    // A held approval: the consent id exists, the artefact is not in force.
    let handle = lender.raise_consent(&app, |_| ()).await;
    app.post(
        &format!("/_mockaa/v1/consents/{handle}/approve"),
        &json!({ "hold": true }),
    )
    .await
    .expect_ok();
    assert_eq!(
        lender.fetch_statuses(&app, &handle).await,
        ("READY".to_owned(), "CREATED".to_owned())
    );
    app.advance_clock("0s").await;
    assert_eq!(
        drain_webhooks(&mut app),
        owned_pairs(&[(CONSENT_HOOK, "READY")]),
        "no data before the consent is in force"
    );
}

#[tokio::test]
async fn a_consent_and_its_data_run_out_on_the_worlds_clock() {
    let mut app = TestApp::start().await;
    let mut lender = Lender::log_in_with_webhooks(&app).await;
    let unanswered = lender
        .raise_consent(&app, |body| {
            consent_detail_mut(body)["consentExpiry"] = "2020-07-05T06:00:00.000Z".into();
        })
        .await;
    let approved = lender.raise_consent(&app, |_| ()).await;
    app.apply_verb(&approved, "approve").await.expect_ok();
    let session = lender.fetch_newest_session(&app, &approved).await;
    lender.fetch_data(&app, &session).await.expect_ok();
    app.advance_clock("P1D").await;
    lender = Lender::log_in(&app).await;
    assert_eq!(
        lender.fetch_statuses(&app, &unanswered).await,
        ("EXPIRED".to_owned(), "EXPIRED".to_owned())
    );
    lender.fetch_data(&app, &session).await.expect_ok();
    app.advance_clock("P31D").await;
    lender = Lender::log_in(&app).await;
    let gone = lender.fetch_data(&app, &session).await;
    assert_eq!(
        gone.status, 404,
        "DataLife of a month is over: {}",
        gone.text
    );
    app.advance_clock("P365D").await;
    lender = Lender::log_in(&app).await;
    assert_eq!(
        lender.fetch_statuses(&app, &approved).await,
        ("READY".to_owned(), "EXPIRED".to_owned())
    );
    let statuses: Vec<_> = drain_webhooks(&mut app)
        .into_iter()
        .map(|(_, status)| status)
        .collect();
    assert_eq!(
        statuses,
        ["READY", "ACTIVE", "COMPLETED", "EXPIRED", "EXPIRED"]
    );
}

#[tokio::test]
async fn an_fiu_revokes_in_each_of_the_three_spellings() {
    let mut app = TestApp::start().await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    for (method, path) in [
        (Method::POST, "/revoke"),
        (Method::PUT, "/revoke"),
        (Method::DELETE, ""),
    ] {
        let handle = lender.raise_consent(&app, |_| ()).await;
        app.apply_verb(&handle, "approve").await.expect_ok();
        let session = lender.fetch_newest_session(&app, &handle).await;
        let id = expect_text(&lender.fetch_record(&app, &handle).await["consentId"]);
        let path = format!("{APP_PREFIX}/FIU/Consents{path}/{}/{id}", lender.org_id);
        let revoke = async || {
            app.send(
                app.request(method.clone(), &path)
                    .bearer_auth(&lender.access_token),
            )
            .await
        };
        let answer = revoke().await.expect_ok();
        assert_eq!(
            (&answer["consentId"], &answer["consentStatus"]),
            (&json!(id), &json!("REVOKED"))
        );
        assert_eq!(
            lender.fetch_statuses(&app, &handle).await,
            ("READY".to_owned(), "REVOKED".to_owned())
        );
        let second_reply = revoke().await;
        assert_eq!(second_reply.status, 400);
        assert!(
            expect_text(&second_reply.json()["message"]).contains("the state is final"),
            "{}",
            second_reply.text
        );
        lender.fetch_data(&app, &session).await.expect_ok();
        app.advance_clock("0s").await;
        let last = app.fiu.drain_messages().pop().expect("a webhook").json();
        assert_eq!(
            last["ConsentStatusNotification"]["consentStatus"],
            "REVOKED"
        );
    }
    // The call takes the consent id, not the handle, and works only after approval.
    let handle = lender.raise_consent(&app, |_| ()).await;
    let path = format!(
        "{APP_PREFIX}/FIU/Consents/revoke/{}/{handle}",
        lender.org_id
    );
    assert_eq!(lender.post(&app, &path, &Value::Null).await.status, 404);
}

#[tokio::test]
async fn the_customer_is_found_by_whatever_names_them() {
    let app = TestApp::start().await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    let customer = async |change: &dyn Fn(&mut Value)| {
        expect_text(
            &lender
                .create_consent(&app, |body| change(body))
                .await
                .expect_ok()["Customer"]["id"],
        )
    };
    assert_eq!(customer(&|_| ()).await, "9876500001@ink");
    assert_eq!(
        customer(&|body| consent_detail_mut(body)["Customer"]["id"] = "asha@finvu".into()).await,
        "asha@finvu"
    );
    assert_eq!(
        customer(&|body| {
            body["vuaId"] = "9999999999@ink".into();
            consent_detail_mut(body)["Customer"] =
                json!({ "Identifiers": [{ "type": "EMAIL", "value": "a@b.example" }] });
        })
        .await,
        "9999999999@ink"
    );
    let rejection = lender
        .create_consent(&app, |body| {
            body["vuaId"] = "".into();
            consent_detail_mut(body)["Customer"] =
                json!({ "id": "", "Identifiers": [{ "type": "EMAIL", "value": "a@b.example" }] });
        })
        .await;
    assert_eq!(rejection.status, 400);
    assert_eq!(
        rejection.json()["errors"][0]["field"],
        "ConsentsRequest.ConsentDetail.Customer.id"
    );
    for (identifier, expected) in [
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
        let rejection = lender
            .create_consent(&app, |body| {
                consent_detail_mut(body)["Customer"]["Identifiers"] = json!([identifier]);
            })
            .await;
        let problem = &rejection.json()["errors"][0];
        assert_eq!(
            problem["field"],
            "ConsentsRequest.ConsentDetail.Customer.Identifiers"
        );
        assert!(
            expect_text(&problem["message"]).contains(expected),
            "{problem}"
        );
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
            customer(
                &|body| consent_detail_mut(body)["Customer"]["Identifiers"] = identifiers.clone()
            )
            .await,
            "9876500001@ink"
        );
    }
    // With a template: by address if there is one, else by mobile number.
    let saved = lender
        .post(
            &app,
            &format!("{APP_PREFIX}/FIU/InsertProduct/{}", lender.org_id),
            &consent_template(),
        )
        .await
        .expect_ok();
    let mut body = template_consent_request(saved["productId"].as_str().expect("an id"));
    body["vuaId"] = "asha@ink".into();
    let created = lender
        .post(
            &app,
            &format!("{APP_PREFIX}/FIU/Consents/product/{}", lender.org_id),
            &body,
        )
        .await
        .expect_ok();
    assert_eq!(created["Customer"]["id"], "asha@ink");
}

#[tokio::test]
async fn the_short_link_leads_to_the_page_and_back() {
    let mut app = TestApp::start().await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    let mut links = Vec::new();
    for _ in 0..2 {
        links.push(lender.create_consent(&app, |_| ()).await.expect_ok());
    }
    let base = app.sandbox.base_url();
    let follow = async |link: &Value| {
        let path = expect_text(link)
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
                "{base}/aa/consents/{}",
                expect_text(&links[0]["ConsentHandle"])
            ))
        )
    );
    let handle = expect_text(&links[0]["ConsentHandle"]);
    let mut browser = CustomerBrowser::open_consent(&app, &handle).await;
    assert!(browser.page.text.contains("Give consent"));
    // After the decision, the customer returns to the lender's redirect URL.
    browser.show("/refuse").await;
    let address = browser.finish("/refuse", &[("reason", "unclear")]).await;
    assert_eq!(
        address.as_deref(),
        Some("https://lender.example/back?loan=4711")
    );
    // The older path of a link, and an unknown link.
    let code = expect_text(&links[1]["redirectUrl"])
        [expect_text(&links[1]["redirectUrl"]).len() - 6..]
        .to_owned();
    let older = app
        .send_raw(app.request(Method::GET, &format!("/backend/api/v1/redirect/{code}")))
        .await;
    assert_eq!(older.1, second.1);
    assert_eq!(
        app.get(&format!("{APP_PREFIX}/public/shorten/000000"))
            .await
            .status,
        404
    );
    assert_eq!(
        app.get(&format!("{APP_PREFIX}/public/shorten/zzzzzz"))
            .await
            .status,
        404
    );
    app.switch_world("other");
    assert_eq!(
        app.get(&format!("{APP_PREFIX}/public/shorten/{code}"))
            .await
            .status,
        404,
        "a link belongs to its world"
    );
}

#[tokio::test]
async fn a_link_that_could_not_stand_in_a_header_is_rejected() {
    let app = TestApp::start().await;
    let lender = Lender::log_in_with_webhooks(&app).await;
    for link in [
        "https://l.example/\nx",
        "https://l.example/\u{1}",
        "https://l.example/ x",
        "javascript:alert(1)",
        "back",
    ] {
        let rejection = lender
            .create_consent(&app, |body| body["redirectUrl"] = link.into())
            .await;
        assert_eq!(
            rejection.json()["errors"][0]["field"],
            "redirectUrl",
            "{link:?}"
        );
    }
    lender
        .raise_consent(&app, |body| {
            body["redirectUrl"] = "lender-app://back?x=%0A".into();
        })
        .await;
}

#[tokio::test]
async fn a_template_is_of_its_own_organisation() {
    let toml = "[[unaport.account]]\nemail = \"a@one.example\"\npassword = \"password\"\nfiu = \"FIU-1\"\n";
    let app = start_configured("foreign-template", toml).await;
    let login = json!({ "emailId": "a@one.example", "password": "password" });
    let access = expect_text(
        &app.post(&format!("{COMMON_PREFIX}/public/user/login"), &login)
            .await
            .expect_ok()["access_token"],
    );
    let mut lender = Lender {
        access_token: access,
        refresh_token: String::new(),
        org_id: String::new(),
    };
    lender.org_id = expect_text(
        &lender
            .get(&app, &format!("{COMMON_PREFIX}/FIU/getClientOrganisation"))
            .await
            .expect_ok()["orgId"],
    );
    let rejection = lender
        .post(
            &app,
            &format!("{APP_PREFIX}/FIU/InsertProduct/{}", lender.org_id),
            &consent_template(),
        )
        .await;
    assert!(
        rejection.status == 403 && rejection.text.contains("ConsentDetail.DataConsumer.id"),
        "{}",
        rejection.text
    );
}
