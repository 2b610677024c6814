//! Financial information: requested, prepared, fetched and decrypted.

use mockaa::internals::crypto::key_exchange::encode_public_key;
use mockaa::internals::domain::key_exchange::Curve;
use serde_json::{Value, json};

use crate::helpers::{Reply, TestApp, set_path};
use crate::jws_verifier::JwsVerifier;
use crate::participants::{Journey, decrypt_documents, key_material, key_pair};

const CUSTOMER: &str = "9876500001@mockaa";

fn status_and_code(reply: &Reply) -> (u16, String) {
    (
        reply.status.as_u16(),
        reply.json()["errorCode"]
            .as_str()
            .unwrap_or_else(|| panic!("{}", reply.text))
            .to_owned(),
    )
}

fn expected_error(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// Returns the values of an attribute, in document order.
fn attribute_values<'a>(document: &'a str, name: &str) -> Vec<&'a str> {
    let prefix = format!(" {name}=\"");
    document
        .split(prefix.as_str())
        .skip(1)
        .map(|rest| rest.split('"').next().expect("a value"))
        .collect()
}

#[tokio::test]
async fn an_fiu_goes_from_consent_to_decrypted_data_on_either_curve() {
    let mut app = TestApp::start().await;
    let verifier = JwsVerifier::from_published_keys(&app).await;
    for curve in [Curve::Weierstrass, Curve::X25519] {
        let journey = Journey::new(&app);
        let (_, id) = journey
            .raise_and_approve(|body| set_path(body, "ConsentDetail.DataFilter", None))
            .await;
        let mut request = journey.build_fi_request(&id).await;
        request["KeyMaterial"] = key_material(&key_pair(curve));
        let session_reply = journey.fiu.post(&app, "/FI/request", &request).await;
        assert_eq!(session_reply.expect_ok()["consentId"], id.as_str());
        let session = session_reply.json()["sessionId"]
            .as_str()
            .expect("a session")
            .to_owned();
        let fetched = journey.fetch_data(&session).await;
        let documents = decrypt_documents(&key_pair(curve), &fetched.expect_ok());
        assert_eq!(documents.len(), 1);
        let document = &documents[0].1;
        assert!(document.contains("FISchema/deposit"), "{document}");
        assert_eq!(
            attribute_values(document, "linkedAccRef"),
            [documents[0].0.as_str()]
        );
        let days = attribute_values(document, "valueDate");
        assert!(
            days.len() > 10
                && days
                    .iter()
                    .all(|day| ("2020-01-01".."2020-07-01").contains(day)),
            "{days:?}"
        );
        for reply in [session_reply, fetched] {
            let signature = reply.signature.as_deref().expect("a signature");
            assert!(verifier.is_valid_detached(signature, reply.text.as_bytes()));
        }
    }
    app.advance_clock("0s").await;
    let notifications: Vec<_> = app
        .fiu
        .drain_messages()
        .into_iter()
        .filter(|message| message.path == "/FI/Notification")
        .collect();
    assert_eq!(notifications.len(), 2);
    let notification = notifications[0].json()["FIStatusNotification"].clone();
    assert_eq!(
        (
            &notification["sessionStatus"],
            &notification["FIStatusResponse"][0]["Accounts"][0]["FIStatus"]
        ),
        (&json!("COMPLETED"), &json!("READY"))
    );
}

#[tokio::test]
async fn what_was_fetched_is_the_same_again_and_counts_one_use() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (_, id) = journey.raise_and_approve(|_| ()).await;
    let session = journey.open_session(&id).await;
    let (first, second) = (
        journey.fetch_data(&session).await.expect_ok(),
        journey.fetch_data(&session).await.expect_ok(),
    );
    assert_eq!(first["FI"], second["FI"]);
    assert_eq!(journey.fetch_artefact(&id).await["ConsentUse"]["count"], 1);
    let session_body = app
        .get(&format!("/_mockaa/v1/sessions/{session}"))
        .await
        .expect_ok();
    assert_eq!(session_body["accounts"][0]["FIStatus"], "DELIVERED");
    assert_ne!(
        journey.open_session(&id).await,
        session,
        "another request opens another session"
    );
    assert_eq!(
        app.get("/_mockaa/v1/sessions").await.expect_ok()["items"]
            .as_array()
            .expect("a list")
            .len(),
        2
    );
}

#[tokio::test]
async fn the_consent_decides_what_the_document_holds() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    for (parts, expected) in [
        (json!(["PROFILE"]), [true, false, false]),
        (json!(["SUMMARY"]), [false, true, false]),
        (json!(["TRANSACTIONS"]), [false, false, true]),
        (
            json!(["PROFILE", "SUMMARY", "TRANSACTIONS"]),
            [true, true, true],
        ),
    ] {
        let (_, id) = journey
            .raise_and_approve(|body| body["ConsentDetail"]["consentTypes"] = parts.clone())
            .await;
        let fetched = journey
            .fetch_data(&journey.open_session(&id).await)
            .await
            .expect_ok();
        let document = decrypt_documents(&key_pair(Curve::Weierstrass), &fetched)
            .remove(0)
            .1;
        let presence =
            ["<Profile>", "<Summary ", "<Transactions "].map(|part| document.contains(part));
        assert_eq!(presence, expected, "{parts}");
    }
}

#[tokio::test]
async fn a_data_filter_leaves_rows_out() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    let filters = json!([
        { "type": "TRANSACTIONTYPE", "operator": "=", "value": "DEBIT" },
        { "type": "TRANSACTIONAMOUNT", "operator": ">", "value": "500.50" },
    ]);
    let (_, id) = journey
        .raise_and_approve(|body| body["ConsentDetail"]["DataFilter"] = filters)
        .await;
    let fetched = journey
        .fetch_data(&journey.open_session(&id).await)
        .await
        .expect_ok();
    let document = decrypt_documents(&key_pair(Curve::Weierstrass), &fetched)
        .remove(0)
        .1;
    let (_, rows) = document.split_once("<Transactions ").expect("transactions");
    assert!(
        attribute_values(rows, "type")
            .iter()
            .all(|kind| *kind == "DEBIT")
    );
    let amounts: Vec<f64> = attribute_values(rows, "amount")
        .iter()
        .map(|amount| amount.parse().expect("a number"))
        .collect();
    assert!(
        !amounts.is_empty() && amounts.iter().all(|amount| *amount > 500.5),
        "{amounts:?}"
    );
}

/// Two FIPs with three accounts answer one after the other.
#[tokio::test]
async fn ready_accounts_are_fetched_while_others_wait_or_fail() {
    let mut app = TestApp::start_with(mockaa::SandboxBuilder::manual_data).await;
    let journey = Journey::new(&app);
    let first = journey
        .list_accounts(CUSTOMER, "FIP-1", "DEPOSIT")
        .await
        .remove(0);
    let second = journey.list_accounts(CUSTOMER, "FIP-2", "DEPOSIT").await;
    journey
        .register_and_link(CUSTOMER, "FIP-1", std::slice::from_ref(&first.0))
        .await;
    let others: Vec<_> = second
        .iter()
        .take(2)
        .map(|(account, _)| account.clone())
        .collect();
    journey.link_accounts(CUSTOMER, "FIP-2", &others).await;
    let (_, id) = journey.raise_and_approve(|_| ()).await;
    let session = journey.open_session(&id).await;
    let fetch = async |change: &dyn Fn(&mut Value)| {
        let mut body = journey.build_message("sessionId", &session).await;
        change(&mut body);
        journey.fiu.post(&app, "/FI/fetch", &body).await
    };
    let deliver = async |body: Value| {
        app.post(&format!("/_mockaa/v1/sessions/{session}/deliver"), &body)
            .await
    };

    assert_eq!(
        status_and_code(&journey.fetch_data(&session).await),
        expected_error(404, "NoDataFound")
    );
    assert_eq!(
        deliver(json!({ "fips": { "FIP-1": "READY" } }))
            .await
            .expect_ok()["sessionStatus"],
        "ACTIVE"
    );
    let links = |answer: &Value| -> Vec<String> {
        decrypt_documents(&key_pair(Curve::Weierstrass), answer)
            .into_iter()
            .map(|(link, _)| link)
            .collect()
    };
    assert_eq!(
        links(&journey.fetch_data(&session).await.expect_ok()),
        std::slice::from_ref(&first.1)
    );
    assert_eq!(
        links(
            &fetch(&|body| body["fipId"] = "FIP-1".into())
                .await
                .expect_ok()
        ),
        std::slice::from_ref(&first.1)
    );
    assert_eq!(
        status_and_code(&fetch(&|body| body["fipId"] = "FIP-2".into()).await),
        expected_error(404, "NoDataFound")
    );
    let link_ref_list = |link: &str| json!([{ "id": link }]);
    let pending_reply = fetch(&|body| body["linkRefNumber"] = link_ref_list(&second[0].1)).await;
    assert_eq!(
        status_and_code(&pending_reply),
        expected_error(403, "DataFetchRequestInProgress")
    );

    assert_eq!(
        deliver(json!({ "accounts": { (second[0].1.as_str()): "TIMEOUT" }, "default": "READY" }))
            .await
            .expect_ok()["sessionStatus"],
        "FAILED"
    );
    assert_eq!(
        links(&journey.fetch_data(&session).await.expect_ok()),
        [first.1.clone(), second[1].1.clone()]
    );
    assert_eq!(
        links(
            &fetch(&|body| body["linkRefNumber"] = link_ref_list(&second[1].1))
                .await
                .expect_ok()
        ),
        [second[1].1.clone()]
    );
    assert_eq!(
        deliver(json!({})).await.status,
        409,
        "all FIPs have answered"
    );

    assert_eq!(
        status_and_code(&fetch(&|body| body["fipId"] = "FIP-3".into()).await),
        expected_error(400, "InvalidFIPId")
    );
    assert_eq!(
        status_and_code(&fetch(&|body| body["linkRefNumber"] = link_ref_list("nobody's")).await),
        expected_error(400, "InvalidRequest")
    );
    assert_eq!(
        status_and_code(&fetch(&|body| body["linkRefNumber"] = json!([])).await),
        expected_error(400, "InvalidRequest")
    );
    let twice =
        fetch(&|body| body["linkRefNumber"] = json!([{ "id": first.1 }, { "id": first.1 }])).await;
    assert_eq!(
        status_and_code(&twice),
        expected_error(400, "InvalidRequest")
    );

    app.advance_clock("0s").await;
    let statuses: Vec<_> = app
        .fiu
        .drain_messages()
        .iter()
        .filter(|message| message.path == "/FI/Notification")
        .map(|message| {
            message.json()["FIStatusNotification"]["sessionStatus"]
                .as_str()
                .expect("a status")
                .to_owned()
        })
        .collect();
    assert_eq!(statuses, ["ACTIVE", "FAILED"]);
}

#[tokio::test]
async fn kinds_that_are_not_simulated_are_denied() {
    let mut app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (_, id) = journey
        .raise_and_approve(|body| {
            body["ConsentDetail"]["fiTypes"] = json!(["OTHER"]);
        })
        .await;
    let session = journey.open_session(&id).await;
    assert_eq!(
        status_and_code(&journey.fetch_data(&session).await),
        expected_error(404, "NoDataFound")
    );
    app.advance_clock("0s").await;
    let notification =
        app.fiu.drain_messages().pop().expect("a webhook").json()["FIStatusNotification"].clone();
    assert_eq!(notification["sessionStatus"], "COMPLETED");
    let account = &notification["FIStatusResponse"][0]["Accounts"][0];
    assert_eq!(
        (&account["FIStatus"], &account["description"]),
        (
            &json!("DENIED"),
            &json!("Accounts of this FI type are not simulated")
        )
    );
}

#[tokio::test]
async fn data_is_gone_after_its_life_and_the_fiu_is_notified_of_unfetched_data() {
    let mut app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (_, id) = journey
        .raise_and_approve(|body| {
            body["ConsentDetail"]["DataLife"] = json!({ "unit": "DAY", "value": 2 });
        })
        .await;
    let (fetched_session, unfetched_session) = (
        journey.open_session(&id).await,
        journey.open_session(&id).await,
    );
    journey.fetch_data(&fetched_session).await.expect_ok();
    app.advance_clock("P1D").await;
    journey.fetch_data(&fetched_session).await.expect_ok();
    app.advance_clock("P1D").await;
    for session in [&fetched_session, &unfetched_session] {
        assert_eq!(
            status_and_code(&journey.fetch_data(session).await),
            expected_error(410, "DataGone")
        );
    }
    let expired: Vec<_> = app
        .fiu
        .drain_messages()
        .iter()
        .map(crate::inbox::Message::json)
        .filter(|message| message["FIStatusNotification"]["sessionStatus"] == "EXPIRED")
        .collect();
    assert_eq!(expired.len(), 1);
    assert_eq!(
        expired[0]["FIStatusNotification"]["sessionId"],
        unfetched_session.as_str()
    );
}

/// A session whose accounts are all delivered or denied has nothing left to expire.
#[tokio::test]
async fn a_session_of_which_nothing_is_left_does_not_expire() {
    let mut app = TestApp::start().await;
    let journey = Journey::new(&app);
    let kinds = json!(["DEPOSIT", "SIP"]);
    let (_, id) = journey
        .raise_and_approve(|body| body["ConsentDetail"]["fiTypes"] = kinds)
        .await;
    journey
        .fetch_data(&journey.open_session(&id).await)
        .await
        .expect_ok();
    app.advance_clock("P40D").await;
    let statuses = app
        .fiu
        .drain_messages()
        .into_iter()
        .map(|message| message.json()["FIStatusNotification"]["sessionStatus"].clone());
    assert!(!statuses.collect::<Vec<_>>().contains(&json!("EXPIRED")));
}

#[tokio::test]
async fn what_the_aa_asks_for_by_itself_is_no_use_of_the_consent() {
    let app = TestApp::start_with(|builder| builder.default_scenario("approve-deposit")).await;
    let journey = Journey::new(&app);
    let handle = journey
        .raise_consent(|body| body["ConsentDetail"]["fetchType"] = "ONETIME".into())
        .await;
    app.advance_clock("2s").await;
    let id = journey.fetch_handle_status(&handle).await["ConsentStatus"]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    assert_eq!(
        app.get("/_mockaa/v1/sessions").await.expect_ok()["items"]
            .as_array()
            .expect("a list")
            .len(),
        1
    );
    journey
        .fetch_data(&journey.open_session(&id).await)
        .await
        .expect_ok();
}

#[tokio::test]
async fn a_frequency_counts_in_windows_and_a_onetime_consent_once() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    for (unit, just_before, remaining) in [
        ("HOUR", "59m", "1m"),
        ("DAY", "23h", "1h"),
        ("MONTH", "P30D", "P1D"),
    ] {
        let (_, id) = journey
            .raise_and_approve(|body| {
                body["ConsentDetail"]["Frequency"] = json!({ "unit": unit, "value": 2 });
            })
            .await;
        journey.request_data(&id).await.expect_ok();
        app.advance_clock(just_before).await;
        journey.request_data(&id).await.expect_ok();
        assert_eq!(
            status_and_code(&journey.request_data(&id).await),
            expected_error(400, "InvalidConsentUse"),
            "{unit}"
        );
        app.advance_clock(remaining).await;
        journey.request_data(&id).await.expect_ok();
        assert_eq!(journey.fetch_artefact(&id).await["ConsentUse"]["count"], 3);
    }
    let (_, id) = journey
        .raise_and_approve(|body| body["ConsentDetail"]["fetchType"] = "ONETIME".into())
        .await;
    journey.request_data(&id).await.expect_ok();
    app.advance_clock("P31D").await;
    assert_eq!(
        status_and_code(&journey.request_data(&id).await),
        expected_error(400, "InvalidConsentUse")
    );
}

#[tokio::test]
async fn data_is_not_given_before_the_consent_starts() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (_, id) = journey
        .raise_and_approve(|body| {
            body["ConsentDetail"]["consentStart"] = "2020-07-04T07:00:00.000Z".into();
        })
        .await;
    assert_eq!(
        status_and_code(&journey.request_data(&id).await),
        expected_error(400, "InvalidConsentDetail")
    );
    app.advance_clock("1h").await;
    journey.request_data(&id).await.expect_ok();
}

#[tokio::test]
async fn malformed_keys_are_invalid() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (_, id) = journey.raise_and_approve(|_| ()).await;
    let valid = journey.build_fi_request(&id).await;
    let mut point = key_pair(Curve::Weierstrass).public;
    point[63] ^= 1;
    let off_the_curve = encode_public_key(Curve::Weierstrass, &point);
    for (field, value) in [
        ("DHPublicKey.KeyValue", "not a key".to_owned()),
        ("DHPublicKey.KeyValue", "AAAA".to_owned()),
        ("DHPublicKey.KeyValue", off_the_curve),
        ("DHPublicKey.expiry", "2020-07-04T05:59:59.000Z".to_owned()),
        ("Nonce", "29512b70-ca84-46b5-9471-63765599cf15".to_owned()),
        (
            "DHPublicKey.KeyValue",
            encode_public_key(Curve::X25519, &[0; 32]),
        ),
        ("cryptoAlg", "RSA".to_owned()),
    ] {
        let mut body = valid.clone();
        set_path(
            &mut body,
            &format!("KeyMaterial.{field}"),
            Some(value.into()),
        );
        let reply = journey.fiu.post(&app, "/FI/request", &body).await;
        assert_eq!(
            status_and_code(&reply),
            expected_error(400, "InvalidKey"),
            "{field}"
        );
    }
    assert_eq!(
        journey.fetch_artefact(&id).await["ConsentUse"]["count"],
        0,
        "a rejected request does not count as a use"
    );
}

#[tokio::test]
async fn plaintext_encoding_and_signature_profile_are_configurable_per_fiu() {
    let mut app = TestApp::start().await;
    let configure = async |app: &TestApp, body: Value| {
        app.send(
            app.request(reqwest::Method::PUT, "/_mockaa/v1/config/fiu/FIU-1")
                .json(&body),
        )
        .await
    };
    assert_eq!(
        configure(
            &app,
            json!({ "plaintext": "base64", "signatureProfile": "off" })
        )
        .await
        .expect_ok()["plaintext"],
        "base64"
    );
    let journey = Journey::new(&app);
    let (_, id) = journey.raise_and_approve(|_| ()).await;
    let fetched = journey.fetch_data(&journey.open_session(&id).await).await;
    assert!(
        decrypt_documents(&key_pair(Curve::Weierstrass), &fetched.expect_ok())[0]
            .1
            .starts_with("<?xml")
    );
    assert_eq!(fetched.signature, None);
    app.advance_clock("0s").await;
    assert!(app.fiu.drain_messages().iter().all(|message| {
        message
            .headers
            .iter()
            .all(|(name, _)| name != "x-jws-signature")
    }));

    configure(&app, json!({ "signatureProfile": "encoded" }))
        .await
        .expect_ok();
    let reply = Journey::new(&app)
        .fetch_data("00000000-0000-4000-8000-000000000000")
        .await;
    let verifier = JwsVerifier::from_published_keys(&app).await;
    assert!(verifier.is_valid_encoded(
        &reply.signature.expect("errors are signed as well"),
        reply.text.as_bytes()
    ));
}

#[tokio::test]
async fn a_scenario_answers_for_each_fip_and_account() {
    let folder = std::env::temp_dir().join(format!("mockaa-fi-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let link = {
        let app = TestApp::start().await;
        Journey::new(&app)
            .list_accounts(CUSTOMER, "FIP-1", "DEPOSIT")
            .await
            .remove(0)
            .1
    };
    let text = format!(
        "version: 1\nname: partly\nrules:\n  - {{ when: fi.requested, deliver: {{ fips: {{ FIP-3: TIMEOUT }} }} }}\n  - {{ when: \
         fi.requested, after: 5s, deliver: {{ accounts: {{ {link}: DENIED }}, default: READY }} }}\n"
    );
    std::fs::write(folder.join("partly.yaml"), text).expect("the file is written");
    let app =
        TestApp::start_with(|builder| builder.scenarios(&folder).default_scenario("partly")).await;
    std::fs::remove_dir_all(&folder).expect("the folder is removed");
    let journey = Journey::new(&app);
    let (_, id) = journey
        .raise_and_approve(|body| body["ConsentDetail"]["fiTypes"] = json!(["DEPOSIT", "NPS"]))
        .await;
    let session = journey.open_session(&id).await;
    let statuses = async || -> Vec<String> {
        let session_body = app
            .get(&format!("/_mockaa/v1/sessions/{session}"))
            .await
            .expect_ok();
        let accounts = session_body["accounts"].as_array().expect("a list").iter();
        accounts
            .map(|account| account["FIStatus"].as_str().expect("a status").to_owned())
            .collect()
    };
    assert_eq!(statuses().await, ["PENDING", "TIMEOUT"]);
    app.advance_clock("5s").await;
    assert_eq!(statuses().await, ["DENIED", "TIMEOUT"]);
}

#[tokio::test]
async fn a_scenario_decides_when_and_how_fips_answer() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    let request = journey.fiu.build_signed_request(
        &app,
        "/Consent",
        &crate::participants::consent_request().to_string(),
    );
    let created = app
        .send(request.header("x-mockaa-scenario", "data-later"))
        .await
        .expect_ok();
    let handle = crate::helpers::extract_handle(&created);
    app.apply_verb(&handle, "approve").await.expect_ok();
    let id = journey.fetch_handle_status(&handle).await["ConsentStatus"]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let session = journey.open_session(&id).await;
    assert_eq!(
        status_and_code(&journey.fetch_data(&session).await),
        expected_error(404, "NoDataFound")
    );
    app.advance_clock("1h").await;
    journey.fetch_data(&session).await.expect_ok();
}
