//! Customers and their accounts: discovery, linking, delinking, leaving.

use serde_json::{Value, json};

use crate::helpers::{TestApp, rebit_message};
use crate::participants::{Journey, Participant};

const CUSTOMER: &str = "9876500001@mockaa";

#[tokio::test]
async fn an_unregistered_customer_has_one_account_of_every_kind_linked() {
    let app = TestApp::start().await;
    let account_list = app
        .get(&format!("/_mockaa/v1/customers/{CUSTOMER}/accounts"))
        .await
        .expect_ok();
    assert_eq!(account_list["registered"], true);
    let items = account_list["items"].as_array().expect("a list");
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
        "further accounts can be discovered"
    );
}

#[tokio::test]
async fn a_customer_is_assigned_another_persona() {
    let app = TestApp::start().await;
    let assign_persona = async |persona: Value| {
        app.post(
            &format!("/_mockaa/v1/customers/{CUSTOMER}/persona"),
            &json!({ "persona": persona }),
        )
        .await
    };
    let is_listed = async || {
        let items = app.get("/_mockaa/v1/customers").await.expect_ok()["items"].clone();
        items.as_array().expect("a list").contains(&json!(CUSTOMER))
    };
    assert!(!is_listed().await, "the customer is not known yet");
    let assigned = assign_persona(json!("pensioner")).await.expect_ok();
    assert_eq!(assigned["persona"], "pensioner");
    assert!(is_listed().await);
    let account_list = app
        .get(&format!("/_mockaa/v1/customers/{CUSTOMER}/accounts"))
        .await
        .expect_ok();
    let kinds: Vec<_> = account_list["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|item| item["fiType"].clone())
        .collect();
    assert_eq!(
        kinds,
        [
            "DEPOSIT",
            "TERM_DEPOSIT",
            "INSURANCE_POLICIES",
            "GENERAL_INSURANCE"
        ]
    );
    for (persona, expected) in [
        (json!("pensionar"), "did you mean pensioner?"),
        (json!(null), "persona"),
    ] {
        let rejection = assign_persona(persona).await;
        assert!(
            rejection.status == 400 && rejection.text.contains(expected),
            "{}",
            rejection.text
        );
    }
    let account_list = app
        .get(&format!("/_mockaa/v1/customers/{CUSTOMER}/accounts"))
        .await
        .expect_ok();
    assert_eq!(
        account_list["persona"], "pensioner",
        "a rejected request changes nothing"
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
    let discovered = discover("fipId=FIP-2&fiType=DEPOSIT&fiType=NPS")
        .await
        .expect_ok();
    let accounts = discovered["items"].as_array().expect("a list");
    assert!(
        accounts.len() == 3 && accounts.iter().all(|item| item["fipId"] == "FIP-2"),
        "{accounts:?}"
    );
    for (query, status, expected) in [
        ("fipId=FIP-9", 400, "no FIP has the id FIP-9"),
        ("fiType=GOLD", 400, "UnsupportedFIType"),
        ("fipId=FIP-2&fiType=NPS", 404, "NoAccountsFound"),
    ] {
        let reply = discover(query).await;
        assert!(
            reply.status == status && reply.text.contains(expected),
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
        .apply_customer_verb(CUSTOMER, "register", &Value::Null)
        .await
        .expect_ok();
    assert_eq!(
        journey
            .apply_customer_verb(CUSTOMER, "register", &Value::Null)
            .await
            .status,
        409
    );
    let account = journey
        .list_accounts(CUSTOMER, "FIP-2", "DEPOSIT")
        .await
        .remove(0);
    let link_body = json!({ "fipId": "FIP-2", "accounts": [account.0] });
    let link = journey
        .apply_customer_verb(CUSTOMER, "link", &link_body)
        .await
        .expect_ok();
    assert_eq!(link["AuthenticatorType"], "TOKEN");
    let verify = async |token: &str| {
        journey
            .apply_customer_verb(
                CUSTOMER,
                "verify",
                &json!({ "refNumber": link["RefNumber"], "token": token }),
            )
            .await
    };
    let wrong = verify("000000").await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.text.contains("123456 and 1234"), "{}", wrong.text);
    app.advance_clock("10m").await;
    assert_eq!(
        verify("123456").await.status,
        401,
        "the one-time password has expired"
    );

    let link = journey
        .apply_customer_verb(CUSTOMER, "link", &link_body)
        .await
        .expect_ok();
    let correct_token = json!({ "refNumber": link["RefNumber"], "token": "1234" });
    let account_list = journey
        .apply_customer_verb(CUSTOMER, "verify", &correct_token)
        .await
        .expect_ok();
    let linked: Vec<_> = account_list["items"]
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
        journey
            .apply_customer_verb(CUSTOMER, "verify", &correct_token)
            .await
            .status,
        404,
        "a one-time password works once"
    );
    assert_eq!(
        journey
            .apply_customer_verb(CUSTOMER, "link", &link_body)
            .await
            .status,
        409,
        "the account is linked already"
    );

    let (_, id) = journey.raise_and_approve(|_| ()).await;
    let payload = journey.fetch_artefact(&id).await["signedConsent"]
        .as_str()
        .expect("a JWS")
        .split('.')
        .nth(1)
        .map(ToOwned::to_owned);
    let detail: Value = serde_json::from_slice(&crate::jws_verifier::decode_base64(
        &payload.expect("a payload"),
    ))
    .expect("JSON");
    assert_eq!(detail["Accounts"][0]["fipId"], "FIP-2");
}

#[tokio::test]
async fn what_cannot_be_linked_is_reported() {
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
        let reply = journey.apply_customer_verb(CUSTOMER, "link", &body).await;
        assert_eq!(reply.status, 400, "{body}");
        assert!(reply.text.contains(field), "{}", reply.text);
    }
    for address in ["nobody", "a@b@c", "@mockaa", "a%20b@mockaa"] {
        assert_eq!(
            journey
                .apply_customer_verb(address, "register", &Value::Null)
                .await
                .status,
            400,
            "{address}"
        );
    }
    assert_eq!(
        journey
            .apply_customer_verb(CUSTOMER, "marry", &Value::Null)
            .await
            .status,
        404
    );
    assert_eq!(
        app.read_journal_events().await,
        Vec::<Value>::new(),
        "nothing has happened"
    );
}

#[tokio::test]
async fn a_fip_that_authenticates_by_itself_notifies_when_it_is_done() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (account, _) = journey
        .list_accounts(CUSTOMER, "ACME-FIP", "DEPOSIT")
        .await
        .remove(0);
    let link_body = json!({ "fipId": "ACME-FIP", "accounts": [account] });
    assert_eq!(
        journey
            .apply_customer_verb(CUSTOMER, "link", &link_body)
            .await
            .expect_ok()["AuthenticatorType"],
        "DIRECT"
    );
    let mut notification = rebit_message("Notifier", "");
    notification["Notifier"] = json!({ "type": "FIP", "id": "ACME-FIP" });
    notification["AccountLinkStatusNotification"] = json!({
        "accRefNumber": account, "customerAddress": CUSTOMER, "linkRefNumber": "as-acme-likes", "linkStatus": "LINKED",
    });
    assert_eq!(
        Participant::acme_fip()
            .post(&app, "/Account/link/Notification", &notification)
            .await
            .expect_ok()["response"],
        "OK"
    );
    let linked = journey.list_accounts(CUSTOMER, "ACME-FIP", "DEPOSIT").await;
    assert_eq!(linked[0].1, "as-acme-likes");
}

/// An account can be linked once only, and only under the link reference number chosen for it.
#[tokio::test]
async fn an_account_is_not_linked_twice_nor_under_the_name_of_another() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    journey
        .apply_customer_verb(CUSTOMER, "register", &Value::Null)
        .await
        .expect_ok();
    let (account, link) = journey
        .list_accounts(CUSTOMER, "FIP-2", "DEPOSIT")
        .await
        .remove(0);
    let link_body = |accounts: Value| json!({ "fipId": "FIP-2", "accounts": accounts });
    assert_eq!(
        journey
            .apply_customer_verb(CUSTOMER, "link", &link_body(json!([account, account])))
            .await
            .status,
        409
    );
    journey
        .apply_customer_verb(CUSTOMER, "link", &link_body(json!([account])))
        .await
        .expect_ok();
    assert_eq!(
        journey
            .apply_customer_verb(CUSTOMER, "link", &link_body(json!([account])))
            .await
            .status,
        409,
        "a link request for it is pending"
    );
    app.advance_clock("10m").await;
    journey.link_accounts(CUSTOMER, "FIP-2", &[account]).await;

    let (acme, _) = journey
        .list_accounts(CUSTOMER, "ACME-FIP", "DEPOSIT")
        .await
        .remove(0);
    journey
        .apply_customer_verb(
            CUSTOMER,
            "link",
            &json!({ "fipId": "ACME-FIP", "accounts": [acme] }),
        )
        .await
        .expect_ok();
    let mut notification = rebit_message("Notifier", "");
    notification["timestamp"] = "2020-07-04T06:10:00.000Z".into();
    notification["Notifier"] = json!({ "type": "FIP", "id": "ACME-FIP" });
    notification["AccountLinkStatusNotification"] = json!({
        "accRefNumber": acme, "customerAddress": CUSTOMER, "linkRefNumber": link, "linkStatus": "LINKED",
    });
    let rejection = Participant::acme_fip()
        .post(&app, "/Account/link/Notification", &notification)
        .await;
    assert!(
        rejection.status == 400
            && rejection
                .text
                .contains("AccountLinkStatusNotification.linkRefNumber is rejected"),
        "{}",
        rejection.text
    );
    notification["AccountLinkStatusNotification"]["linkRefNumber"] = "its-own".into();
    Participant::acme_fip()
        .post(&app, "/Account/link/Notification", &notification)
        .await
        .expect_ok();
    assert_eq!(
        Participant::acme_fip()
            .post(&app, "/Account/link/Notification", &notification)
            .await
            .status,
        400,
        "no link request is pending"
    );
}

#[tokio::test]
async fn a_customer_with_consents_is_registered_already() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    journey.raise_and_approve(|_| ()).await;
    assert_eq!(
        journey
            .apply_customer_verb(CUSTOMER, "register", &Value::Null)
            .await
            .status,
        409
    );
}

#[tokio::test]
async fn delinking_revokes_the_consents_that_name_the_account() {
    let mut app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (handle, _) = journey.raise_and_approve(|_| ()).await;
    let (other, _) = journey
        .raise_and_approve(|body| body["ConsentDetail"]["fiTypes"] = json!(["NPS"]))
        .await;
    let (_, link) = journey
        .list_accounts(CUSTOMER, "FIP-1", "DEPOSIT")
        .await
        .remove(0);
    journey
        .apply_customer_verb(CUSTOMER, "delink", &json!({ "linkRefNumber": link }))
        .await
        .expect_ok();
    assert_eq!(
        (
            app.consent_state(&handle).await.as_str(),
            app.consent_state(&other).await.as_str()
        ),
        ("REVOKED", "ACTIVE")
    );
    assert_eq!(
        journey
            .apply_customer_verb(CUSTOMER, "delink", &json!({ "linkRefNumber": link }))
            .await
            .status,
        400
    );
    app.advance_clock("0s").await;
    let notification = app.fiu.drain_messages().pop().expect("a webhook").json();
    assert_eq!(
        notification["ConsentStatusNotification"]["consentStatus"],
        "REVOKED"
    );
}

#[tokio::test]
async fn deregistering_a_customer_hides_their_consents() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (handle, id) = journey.raise_and_approve(|_| ()).await;
    let session = journey.open_session(&id).await;
    journey
        .apply_customer_verb(CUSTOMER, "deregister", &Value::Null)
        .await
        .expect_ok();
    let fetch_error_code = async |path: &str, name: &str, value: &str| {
        journey
            .fiu
            .post(&app, path, &rebit_message(name, value))
            .await
            .json()["errorCode"]
            .clone()
    };
    assert_eq!(
        fetch_error_code("/Consent/handle", "ConsentHandle", &handle).await,
        "InvalidConsentHandle"
    );
    assert_eq!(
        fetch_error_code("/Consent/fetch", "consentId", &id).await,
        "InvalidConsentId"
    );
    assert_eq!(
        fetch_error_code("/FI/fetch", "sessionId", &session).await,
        "InvalidSessionId"
    );
    assert_eq!(
        app.get(&format!("/consent/{handle}")).await.status,
        400,
        "on the seed API as well"
    );
    assert_eq!(
        app.fetch_consent(&handle).await["hidden"],
        true,
        "the control API still shows it"
    );
    let deliveries = app.list_deliveries().await.len();
    app.advance_clock("P365D").await;
    assert_eq!(
        app.list_deliveries().await.len(),
        deliveries,
        "no further notification is sent"
    );
    let mut body = crate::participants::consent_request();
    body["timestamp"] = "2021-07-04T06:00:00.000Z".into();
    body["ConsentDetail"]["consentExpiry"] = "2022-07-04T06:00:00.000Z".into();
    let reply = journey.fiu.post(&app, "/Consent", &body).await;
    assert_eq!(reply.json()["errorCode"], "InvalidCustomerAddress");
    journey
        .apply_customer_verb(CUSTOMER, "register", &Value::Null)
        .await
        .expect_ok();
    journey.fiu.post(&app, "/Consent", &body).await.expect_ok();
}
