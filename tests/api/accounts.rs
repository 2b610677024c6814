//! Customers and their accounts: discovery, linking, delinking, leaving.

use serde_json::{Value, json};

use crate::actors::{Actor, Journey};
use crate::helpers::{TestApp, rebit_message};

const CUSTOMER: &str = "9876500001@mockaa";

#[tokio::test]
async fn a_customer_whom_nobody_registered_has_one_account_of_every_kind_linked() {
    let app = TestApp::start().await;
    let shown = app
        .get(&format!("/_mockaa/v1/customers/{CUSTOMER}/accounts"))
        .await
        .ok();
    assert_eq!(shown["registered"], true);
    let items = shown["items"].as_array().expect("a list");
    let linked: Vec<_> = items
        .iter()
        .filter(|item| item["linked"] == true)
        .map(|item| item["fiType"].clone())
        .collect();
    let mut kinds = linked.clone();
    kinds.dedup();
    assert_eq!((linked.len(), kinds.len()), (22, 22));
    assert!(
        items
            .iter()
            .filter(|item| item["fiType"] == "DEPOSIT")
            .count()
            > 4,
        "and more to discover"
    );
}

#[tokio::test]
async fn a_customer_is_pointed_at_another_life() {
    let app = TestApp::start().await;
    let point = async |persona: Value| {
        app.post(
            &format!("/_mockaa/v1/customers/{CUSTOMER}/persona"),
            &json!({ "persona": persona }),
        )
        .await
    };
    let listed = async || {
        let items = app.get("/_mockaa/v1/customers").await.ok()["items"].clone();
        items.as_array().expect("a list").contains(&json!(CUSTOMER))
    };
    assert!(!listed().await, "nobody has mentioned them");
    let told = point(json!("pensioner")).await.ok();
    assert_eq!(told["persona"], "pensioner");
    assert!(listed().await);
    let shown = app
        .get(&format!("/_mockaa/v1/customers/{CUSTOMER}/accounts"))
        .await
        .ok();
    let kinds: Vec<_> = shown["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|item| item["fiType"].clone())
        .collect();
    assert_eq!(kinds, ["DEPOSIT", "TERM_DEPOSIT", "INSURANCE_POLICIES"]);
    for (persona, word) in [
        (json!("pensionar"), "did you mean pensioner?"),
        (json!(null), "persona"),
    ] {
        let refused = point(persona).await;
        assert!(
            refused.status == 400 && refused.text.contains(word),
            "{}",
            refused.text
        );
    }
    let shown = app
        .get(&format!("/_mockaa/v1/customers/{CUSTOMER}/accounts"))
        .await
        .ok();
    assert_eq!(
        shown["persona"], "pensioner",
        "what was refused has changed nothing"
    );
}

#[tokio::test]
async fn a_fip_discovers_what_it_holds() {
    let app = TestApp::start().await;
    let discover = async |query: &str| {
        app.get(&format!(
            "/_mockaa/v1/customers/{CUSTOMER}/accounts?{query}"
        ))
        .await
    };
    let found = discover("fipId=FIP-2&fiType=DEPOSIT&fiType=NPS").await.ok();
    let found = found["items"].as_array().expect("a list");
    assert!(
        found.len() == 3 && found.iter().all(|item| item["fipId"] == "FIP-2"),
        "{found:?}"
    );
    for (query, status, word) in [
        ("fipId=FIP-9", 400, "no FIP has the id FIP-9"),
        ("fiType=GOLD", 400, "UnsupportedFIType"),
        ("fipId=FIP-2&fiType=NPS", 404, "NoAccountsFound"),
    ] {
        let reply = discover(query).await;
        assert!(
            reply.status == status && reply.text.contains(word),
            "{query}: {}",
            reply.text
        );
    }
}

#[tokio::test]
async fn an_account_is_linked_with_a_one_time_password() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    journey
        .customer(CUSTOMER, "register", &Value::Null)
        .await
        .ok();
    assert_eq!(
        journey
            .customer(CUSTOMER, "register", &Value::Null)
            .await
            .status,
        409
    );
    let account = journey
        .accounts(CUSTOMER, "FIP-2", "DEPOSIT")
        .await
        .remove(0);
    let wish = json!({ "fipId": "FIP-2", "accounts": [account.0] });
    let link = journey.customer(CUSTOMER, "link", &wish).await.ok();
    assert_eq!(link["AuthenticatorType"], "TOKEN");
    let verify = async |token: &str| {
        journey
            .customer(
                CUSTOMER,
                "verify",
                &json!({ "refNumber": link["RefNumber"], "token": token }),
            )
            .await
    };
    let wrong = verify("000000").await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.text.contains("123456 and 1234"), "{}", wrong.text);
    app.advance("10m").await;
    assert_eq!(
        verify("123456").await.status,
        401,
        "the password has expired"
    );

    let link = journey.customer(CUSTOMER, "link", &wish).await.ok();
    let right = json!({ "refNumber": link["RefNumber"], "token": "1234" });
    let shown = journey.customer(CUSTOMER, "verify", &right).await.ok();
    let linked: Vec<_> = shown["items"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|item| item["linked"] == true)
        .collect();
    assert_eq!(
        (linked.len(), linked[0]["linkRefNumber"].as_str()),
        (1, Some(account.1.as_str()))
    );
    assert_eq!(
        journey.customer(CUSTOMER, "verify", &right).await.status,
        404,
        "a password works once"
    );
    assert_eq!(
        journey.customer(CUSTOMER, "link", &wish).await.status,
        409,
        "it is linked already"
    );

    let (_, id) = journey.approved(|_| ()).await;
    let payload = journey.artefact(&id).await["signedConsent"]
        .as_str()
        .expect("a JWS")
        .split('.')
        .nth(1)
        .map(ToOwned::to_owned);
    let detail: Value =
        serde_json::from_slice(&crate::oracle::unbase64(&payload.expect("a payload")))
            .expect("JSON");
    assert_eq!(detail["Accounts"][0]["fipId"], "FIP-2");
}

#[tokio::test]
async fn what_cannot_be_linked_is_told() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    for (body, field) in [
        (json!({}), "fipId"),
        (json!({ "fipId": "FIP-1" }), "accounts"),
        (json!({ "fipId": "FIP-1", "accounts": [] }), "accounts"),
        (json!({ "fipId": "FIP-9", "accounts": ["x"] }), "FIP-9"),
        (json!({ "fipId": "FIP-1", "accounts": ["x"] }), "'x'"),
        (json!({ "fipId": "FIP-1", "acounts": ["x"] }), "acounts"),
    ] {
        let reply = journey.customer(CUSTOMER, "link", &body).await;
        assert_eq!(reply.status, 400, "{body}");
        assert!(reply.text.contains(field), "{}", reply.text);
    }
    for address in ["nobody", "a@b@c", "@mockaa", "a%20b@mockaa"] {
        assert_eq!(
            journey
                .customer(address, "register", &Value::Null)
                .await
                .status,
            400,
            "{address}"
        );
    }
    assert_eq!(
        journey
            .customer(CUSTOMER, "marry", &Value::Null)
            .await
            .status,
        400
    );
    assert_eq!(
        app.journal().await,
        Vec::<Value>::new(),
        "nothing has happened"
    );
}

#[tokio::test]
async fn a_fip_that_authenticates_by_itself_tells_when_it_is_done() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (account, _) = journey
        .accounts(CUSTOMER, "ACME-FIP", "DEPOSIT")
        .await
        .remove(0);
    let wish = json!({ "fipId": "ACME-FIP", "accounts": [account] });
    assert_eq!(
        journey.customer(CUSTOMER, "link", &wish).await.ok()["AuthenticatorType"],
        "DIRECT"
    );
    let mut news = rebit_message("Notifier", "");
    news["Notifier"] = json!({ "type": "FIP", "id": "ACME-FIP" });
    news["AccountLinkStatusNotification"] = json!({
        "accRefNumber": account, "customerAddress": CUSTOMER, "linkRefNumber": "as-acme-likes", "linkStatus": "LINKED",
    });
    assert_eq!(
        Actor::acme()
            .post(&app, "/Account/link/Notification", &news)
            .await
            .ok()["response"],
        "OK"
    );
    let linked = journey.accounts(CUSTOMER, "ACME-FIP", "DEPOSIT").await;
    assert_eq!(linked[0].1, "as-acme-likes");
}

/// Each account is linked once, under a name of its own, whoever names it.
#[tokio::test]
async fn an_account_is_not_linked_twice_nor_under_anothers_name() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    journey
        .customer(CUSTOMER, "register", &Value::Null)
        .await
        .ok();
    let (account, link) = journey
        .accounts(CUSTOMER, "FIP-2", "DEPOSIT")
        .await
        .remove(0);
    let wish = |accounts: Value| json!({ "fipId": "FIP-2", "accounts": accounts });
    assert_eq!(
        journey
            .customer(CUSTOMER, "link", &wish(json!([account, account])))
            .await
            .status,
        409
    );
    journey
        .customer(CUSTOMER, "link", &wish(json!([account])))
        .await
        .ok();
    assert_eq!(
        journey
            .customer(CUSTOMER, "link", &wish(json!([account])))
            .await
            .status,
        409,
        "it is about to be"
    );
    app.advance("10m").await;
    journey.link(CUSTOMER, "FIP-2", &[account]).await;

    let (acme, _) = journey
        .accounts(CUSTOMER, "ACME-FIP", "DEPOSIT")
        .await
        .remove(0);
    journey
        .customer(
            CUSTOMER,
            "link",
            &json!({ "fipId": "ACME-FIP", "accounts": [acme] }),
        )
        .await
        .ok();
    let mut news = rebit_message("Notifier", "");
    news["timestamp"] = "2020-07-04T06:10:00.000Z".into();
    news["Notifier"] = json!({ "type": "FIP", "id": "ACME-FIP" });
    news["AccountLinkStatusNotification"] = json!({
        "accRefNumber": acme, "customerAddress": CUSTOMER, "linkRefNumber": link, "linkStatus": "LINKED",
    });
    let taken = Actor::acme()
        .post(&app, "/Account/link/Notification", &news)
        .await;
    assert!(
        taken.status == 400
            && taken
                .text
                .contains("AccountLinkStatusNotification.linkRefNumber is refused"),
        "{}",
        taken.text
    );
    news["AccountLinkStatusNotification"]["linkRefNumber"] = "its-own".into();
    Actor::acme()
        .post(&app, "/Account/link/Notification", &news)
        .await
        .ok();
    assert_eq!(
        Actor::acme()
            .post(&app, "/Account/link/Notification", &news)
            .await
            .status,
        400,
        "nothing waits any more"
    );
}

#[tokio::test]
async fn a_customer_with_consents_is_registered_already() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    journey.approved(|_| ()).await;
    assert_eq!(
        journey
            .customer(CUSTOMER, "register", &Value::Null)
            .await
            .status,
        409
    );
}

#[tokio::test]
async fn delinking_revokes_the_consents_that_name_the_account() {
    let mut app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (handle, _) = journey.approved(|_| ()).await;
    let (other, _) = journey
        .approved(|body| body["ConsentDetail"]["fiTypes"] = json!(["NPS"]))
        .await;
    let (_, link) = journey
        .accounts(CUSTOMER, "FIP-1", "DEPOSIT")
        .await
        .remove(0);
    journey
        .customer(CUSTOMER, "delink", &json!({ "linkRefNumber": link }))
        .await
        .ok();
    assert_eq!(
        (
            app.state(&handle).await.as_str(),
            app.state(&other).await.as_str()
        ),
        ("REVOKED", "ACTIVE")
    );
    assert_eq!(
        journey
            .customer(CUSTOMER, "delink", &json!({ "linkRefNumber": link }))
            .await
            .status,
        400
    );
    app.advance("0s").await;
    let told = app.fiu.arrived().pop().expect("a webhook").json();
    assert_eq!(
        told["ConsentStatusNotification"]["consentStatus"],
        "REVOKED"
    );
}

#[tokio::test]
async fn a_customer_who_leaves_takes_the_consents_along() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (handle, id) = journey.approved(|_| ()).await;
    let session = journey.session(&id).await;
    journey
        .customer(CUSTOMER, "deregister", &Value::Null)
        .await
        .ok();
    let gone = async |path: &str, name: &str, value: &str| {
        journey
            .fiu
            .post(&app, path, &rebit_message(name, value))
            .await
            .json()["errorCode"]
            .clone()
    };
    assert_eq!(
        gone("/Consent/handle", "ConsentHandle", &handle).await,
        "InvalidConsentHandle"
    );
    assert_eq!(
        gone("/Consent/fetch", "consentId", &id).await,
        "InvalidConsentId"
    );
    assert_eq!(
        gone("/FI/fetch", "sessionId", &session).await,
        "InvalidSessionId"
    );
    assert_eq!(
        app.get(&format!("/consent/{handle}")).await.status,
        400,
        "on the seed face too"
    );
    assert_eq!(
        app.consent(&handle).await["hidden"],
        true,
        "the operator still sees it"
    );
    let deliveries = app.deliveries().await.len();
    app.advance("P365D").await;
    assert_eq!(
        app.deliveries().await.len(),
        deliveries,
        "nobody is told anything any more"
    );
    let mut body = crate::actors::consent_request();
    body["timestamp"] = "2021-07-04T06:00:00.000Z".into();
    body["ConsentDetail"]["consentExpiry"] = "2022-07-04T06:00:00.000Z".into();
    let raised = journey.fiu.post(&app, "/Consent", &body).await;
    assert_eq!(raised.json()["errorCode"], "InvalidCustomerAddress");
    journey
        .customer(CUSTOMER, "register", &Value::Null)
        .await
        .ok();
    journey.fiu.post(&app, "/Consent", &body).await.ok();
}
