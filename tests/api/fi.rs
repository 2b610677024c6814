//! Financial information: asked for, prepared, fetched, decrypted.

use mockaa::crypto::key_exchange::encode_public_key;
use mockaa::domain::key_exchange::Curve;
use serde_json::{Value, json};

use crate::actors::{Journey, key_material, key_pair, open_fetched};
use crate::helpers::{Reply, TestApp, set};
use crate::oracle::Oracle;

const CUSTOMER: &str = "9876500001@mockaa";

fn refused(reply: &Reply) -> (u16, String) {
    (
        reply.status.as_u16(),
        reply.json()["errorCode"]
            .as_str()
            .unwrap_or_else(|| panic!("{}", reply.text))
            .to_owned(),
    )
}

fn code(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// The values of an attribute, in order.
fn attributes<'a>(document: &'a str, name: &str) -> Vec<&'a str> {
    let begin = format!(" {name}=\"");
    document
        .split(begin.as_str())
        .skip(1)
        .map(|rest| rest.split('"').next().expect("a value"))
        .collect()
}

#[tokio::test]
async fn an_fiu_goes_from_consent_to_decrypted_data_on_either_curve() {
    let mut app = TestApp::start().await;
    let oracle = Oracle::of(&app).await;
    for curve in [Curve::Weierstrass, Curve::X25519] {
        let journey = Journey::new(&app);
        let (_, id) = journey
            .approved(|body| set(body, "ConsentDetail.DataFilter", None))
            .await;
        let mut request = journey.fi_request(&id).await;
        request["KeyMaterial"] = key_material(&key_pair(curve));
        let asked = journey.fiu.post(&app, "/FI/request", &request).await;
        assert_eq!(asked.ok()["consentId"], id.as_str());
        let session = asked.json()["sessionId"]
            .as_str()
            .expect("a session")
            .to_owned();
        let fetched = journey.fetch(&session).await;
        let documents = open_fetched(&key_pair(curve), &fetched.ok());
        assert_eq!(documents.len(), 1);
        let document = &documents[0].1;
        assert!(document.contains("FISchema/deposit"), "{document}");
        assert_eq!(
            attributes(document, "linkedAccRef"),
            [documents[0].0.as_str()]
        );
        let days = attributes(document, "valueDate");
        assert!(
            days.len() > 10
                && days
                    .iter()
                    .all(|day| ("2020-01-01".."2020-07-01").contains(day)),
            "{days:?}"
        );
        for reply in [asked, fetched] {
            let signature = reply.signature.as_deref().expect("a signature");
            assert!(oracle.verifies_detached(signature, reply.text.as_bytes()));
        }
    }
    app.advance("0s").await;
    let told: Vec<_> = app
        .fiu
        .arrived()
        .into_iter()
        .filter(|message| message.path == "/FI/Notification")
        .collect();
    assert_eq!(told.len(), 2);
    let news = told[0].json()["FIStatusNotification"].clone();
    assert_eq!(
        (
            &news["sessionStatus"],
            &news["FIStatusResponse"][0]["Accounts"][0]["FIStatus"]
        ),
        (&json!("COMPLETED"), &json!("READY"))
    );
}

#[tokio::test]
async fn what_was_fetched_is_the_same_again_and_counts_one_use() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (_, id) = journey.approved(|_| ()).await;
    let session = journey.session(&id).await;
    let (once, again) = (
        journey.fetch(&session).await.ok(),
        journey.fetch(&session).await.ok(),
    );
    assert_eq!(once["FI"], again["FI"]);
    assert_eq!(journey.artefact(&id).await["ConsentUse"]["count"], 1);
    let shown = app
        .get(&format!("/_mockaa/v1/sessions/{session}"))
        .await
        .ok();
    assert_eq!(shown["accounts"][0]["FIStatus"], "DELIVERED");
    assert_ne!(
        journey.session(&id).await,
        session,
        "another request is another session"
    );
    assert_eq!(
        app.get("/_mockaa/v1/sessions").await.ok()["items"]
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
            .approved(|body| body["ConsentDetail"]["consentTypes"] = parts.clone())
            .await;
        let fetched = journey.fetch(&journey.session(&id).await).await.ok();
        let document = open_fetched(&key_pair(Curve::Weierstrass), &fetched)
            .remove(0)
            .1;
        let found =
            ["<Profile>", "<Summary ", "<Transactions "].map(|part| document.contains(part));
        assert_eq!(found, expected, "{parts}");
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
        .approved(|body| body["ConsentDetail"]["DataFilter"] = filters)
        .await;
    let fetched = journey.fetch(&journey.session(&id).await).await.ok();
    let document = open_fetched(&key_pair(Curve::Weierstrass), &fetched)
        .remove(0)
        .1;
    let (_, rows) = document.split_once("<Transactions ").expect("transactions");
    assert!(attributes(rows, "type").iter().all(|kind| *kind == "DEBIT"));
    let amounts: Vec<f64> = attributes(rows, "amount")
        .iter()
        .map(|amount| amount.parse().expect("a number"))
        .collect();
    assert!(
        !amounts.is_empty() && amounts.iter().all(|amount| *amount > 500.5),
        "{amounts:?}"
    );
}

/// Two FIPs, three accounts, answered one after the other.
#[tokio::test]
async fn ready_accounts_are_fetched_while_others_wait_or_fail() {
    let mut app = TestApp::with(mockaa::SandboxBuilder::manual_data).await;
    let journey = Journey::new(&app);
    let first = journey
        .accounts(CUSTOMER, "FIP-1", "DEPOSIT")
        .await
        .remove(0);
    let second = journey.accounts(CUSTOMER, "FIP-2", "DEPOSIT").await;
    journey
        .register_and_link(CUSTOMER, "FIP-1", std::slice::from_ref(&first.0))
        .await;
    let others: Vec<_> = second
        .iter()
        .take(2)
        .map(|(account, _)| account.clone())
        .collect();
    journey.link(CUSTOMER, "FIP-2", &others).await;
    let (_, id) = journey.approved(|_| ()).await;
    let session = journey.session(&id).await;
    let fetch = async |change: &dyn Fn(&mut Value)| {
        let mut body = journey.message("sessionId", &session).await;
        change(&mut body);
        journey.fiu.post(&app, "/FI/fetch", &body).await
    };
    let deliver = async |body: Value| {
        app.post(&format!("/_mockaa/v1/sessions/{session}/deliver"), &body)
            .await
    };

    assert_eq!(
        refused(&journey.fetch(&session).await),
        code(404, "NoDataFound")
    );
    assert_eq!(
        deliver(json!({ "fips": { "FIP-1": "READY" } })).await.ok()["sessionStatus"],
        "ACTIVE"
    );
    let links = |answer: &Value| -> Vec<String> {
        open_fetched(&key_pair(Curve::Weierstrass), answer)
            .into_iter()
            .map(|(link, _)| link)
            .collect()
    };
    assert_eq!(
        links(&journey.fetch(&session).await.ok()),
        std::slice::from_ref(&first.1)
    );
    assert_eq!(
        links(&fetch(&|body| body["fipId"] = "FIP-1".into()).await.ok()),
        std::slice::from_ref(&first.1)
    );
    assert_eq!(
        refused(&fetch(&|body| body["fipId"] = "FIP-2".into()).await),
        code(404, "NoDataFound")
    );
    let named = |link: &str| json!([{ "id": link }]);
    let awaited = fetch(&|body| body["linkRefNumber"] = named(&second[0].1)).await;
    assert_eq!(refused(&awaited), code(403, "DataFetchRequestInProgress"));

    assert_eq!(
        deliver(json!({ "accounts": { (second[0].1.as_str()): "TIMEOUT" }, "default": "READY" }))
            .await
            .ok()["sessionStatus"],
        "FAILED"
    );
    assert_eq!(
        links(&journey.fetch(&session).await.ok()),
        [first.1.clone(), second[1].1.clone()]
    );
    assert_eq!(
        links(
            &fetch(&|body| body["linkRefNumber"] = named(&second[1].1))
                .await
                .ok()
        ),
        [second[1].1.clone()]
    );
    assert_eq!(
        deliver(json!({})).await.status,
        409,
        "everybody has answered"
    );

    assert_eq!(
        refused(&fetch(&|body| body["fipId"] = "FIP-3".into()).await),
        code(400, "InvalidFIPId")
    );
    assert_eq!(
        refused(&fetch(&|body| body["linkRefNumber"] = named("nobody's")).await),
        code(400, "InvalidRequest")
    );
    assert_eq!(
        refused(&fetch(&|body| body["linkRefNumber"] = json!([])).await),
        code(400, "InvalidRequest")
    );
    let twice =
        fetch(&|body| body["linkRefNumber"] = json!([{ "id": first.1 }, { "id": first.1 }])).await;
    assert_eq!(refused(&twice), code(400, "InvalidRequest"));

    app.advance("0s").await;
    let statuses: Vec<_> = app
        .fiu
        .arrived()
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
        .approved(|body| {
            body["ver"] = json!("2.1.0");
            body["ConsentDetail"]["fiTypes"] = json!(["LIFE_INSURANCE", "GENERAL_INSURANCE"]);
        })
        .await;
    let session = journey.session(&id).await;
    assert_eq!(
        refused(&journey.fetch(&session).await),
        code(404, "NoDataFound")
    );
    app.advance("0s").await;
    let told = app.fiu.arrived().pop().expect("a webhook").json()["FIStatusNotification"].clone();
    assert_eq!(told["sessionStatus"], "COMPLETED");
    let account = &told["FIStatusResponse"][0]["Accounts"][0];
    assert_eq!(
        (&account["FIStatus"], &account["description"]),
        (
            &json!("DENIED"),
            &json!("Accounts of this kind are not simulated")
        )
    );
}

#[tokio::test]
async fn data_is_gone_after_its_life_and_the_fiu_is_told_of_what_it_left() {
    let mut app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (_, id) = journey
        .approved(|body| body["ConsentDetail"]["DataLife"] = json!({ "unit": "DAY", "value": 2 }))
        .await;
    let (taken, left) = (journey.session(&id).await, journey.session(&id).await);
    journey.fetch(&taken).await.ok();
    app.advance("P1D").await;
    journey.fetch(&taken).await.ok();
    app.advance("P1D").await;
    for session in [&taken, &left] {
        assert_eq!(
            refused(&journey.fetch(session).await),
            code(410, "DataGone")
        );
    }
    let expired: Vec<_> = app
        .fiu
        .arrived()
        .iter()
        .map(crate::inbox::Message::json)
        .filter(|message| message["FIStatusNotification"]["sessionStatus"] == "EXPIRED")
        .collect();
    assert_eq!(expired.len(), 1);
    assert_eq!(
        expired[0]["FIStatusNotification"]["sessionId"],
        left.as_str()
    );
}

/// What was taken, and what was denied, leaves nothing to expire.
#[tokio::test]
async fn a_session_of_which_nothing_is_left_does_not_expire() {
    let mut app = TestApp::start().await;
    let journey = Journey::new(&app);
    let kinds = json!(["DEPOSIT", "SIP"]);
    let (_, id) = journey
        .approved(|body| body["ConsentDetail"]["fiTypes"] = kinds)
        .await;
    journey.fetch(&journey.session(&id).await).await.ok();
    app.advance("P40D").await;
    let statuses = app
        .fiu
        .arrived()
        .into_iter()
        .map(|message| message.json()["FIStatusNotification"]["sessionStatus"].clone());
    assert!(!statuses.collect::<Vec<_>>().contains(&json!("EXPIRED")));
}

#[tokio::test]
async fn what_the_aa_asks_for_by_itself_is_no_use_of_the_consent() {
    let app = TestApp::with(|builder| builder.default_scenario("approve-deposit")).await;
    let journey = Journey::new(&app);
    let handle = journey
        .raise(|body| body["ConsentDetail"]["fetchType"] = "ONETIME".into())
        .await;
    app.advance("2s").await;
    let id = journey.handle(&handle).await["ConsentStatus"]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    assert_eq!(
        app.get("/_mockaa/v1/sessions").await.ok()["items"]
            .as_array()
            .expect("a list")
            .len(),
        1
    );
    journey.fetch(&journey.session(&id).await).await.ok();
}

#[tokio::test]
async fn a_frequency_counts_in_windows_and_a_onetime_consent_once() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    for (unit, just_before, then) in [
        ("HOUR", "59m", "1m"),
        ("DAY", "23h", "1h"),
        ("MONTH", "P30D", "P1D"),
    ] {
        let (_, id) = journey
            .approved(|body| {
                body["ConsentDetail"]["Frequency"] = json!({ "unit": unit, "value": 2 });
            })
            .await;
        journey.ask(&id).await.ok();
        app.advance(just_before).await;
        journey.ask(&id).await.ok();
        assert_eq!(
            refused(&journey.ask(&id).await),
            code(400, "InvalidConsentUse"),
            "{unit}"
        );
        app.advance(then).await;
        journey.ask(&id).await.ok();
        assert_eq!(journey.artefact(&id).await["ConsentUse"]["count"], 3);
    }
    let (_, id) = journey
        .approved(|body| body["ConsentDetail"]["fetchType"] = "ONETIME".into())
        .await;
    journey.ask(&id).await.ok();
    app.advance("P31D").await;
    assert_eq!(
        refused(&journey.ask(&id).await),
        code(400, "InvalidConsentUse")
    );
}

#[tokio::test]
async fn data_is_not_given_before_the_consent_starts() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (_, id) = journey
        .approved(|body| body["ConsentDetail"]["consentStart"] = "2020-07-04T07:00:00.000Z".into())
        .await;
    assert_eq!(
        refused(&journey.ask(&id).await),
        code(400, "InvalidConsentDetail")
    );
    app.advance("1h").await;
    journey.ask(&id).await.ok();
}

#[tokio::test]
async fn keys_that_are_none_are_invalid() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (_, id) = journey.approved(|_| ()).await;
    let good = journey.fi_request(&id).await;
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
        let mut body = good.clone();
        set(
            &mut body,
            &format!("KeyMaterial.{field}"),
            Some(value.into()),
        );
        let reply = journey.fiu.post(&app, "/FI/request", &body).await;
        assert_eq!(refused(&reply), code(400, "InvalidKey"), "{field}");
    }
    assert_eq!(
        journey.artefact(&id).await["ConsentUse"]["count"],
        0,
        "what is refused is no use"
    );
}

#[tokio::test]
async fn an_fiu_may_have_base64_inside_and_signatures_of_its_own_kind() {
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
        .ok()["plaintext"],
        "base64"
    );
    let journey = Journey::new(&app);
    let (_, id) = journey.approved(|_| ()).await;
    let fetched = journey.fetch(&journey.session(&id).await).await;
    assert!(
        open_fetched(&key_pair(Curve::Weierstrass), &fetched.ok())[0]
            .1
            .starts_with("<?xml")
    );
    assert_eq!(fetched.signature, None);
    app.advance("0s").await;
    assert!(app.fiu.arrived().iter().all(|message| {
        message
            .headers
            .iter()
            .all(|(name, _)| name != "x-jws-signature")
    }));

    configure(&app, json!({ "signatureProfile": "encoded" }))
        .await
        .ok();
    let reply = Journey::new(&app)
        .fetch("00000000-0000-4000-8000-000000000000")
        .await;
    let oracle = Oracle::of(&app).await;
    assert!(oracle.verifies_encoded(
        &reply.signature.expect("refusals are signed too"),
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
            .accounts(CUSTOMER, "FIP-1", "DEPOSIT")
            .await
            .remove(0)
            .1
    };
    let text = format!(
        "version: 1\nname: partly\nrules:\n  - {{ on: fi.requested, deliver: {{ fips: {{ FIP-3: TIMEOUT }} }} }}\n  - {{ on: \
         fi.requested, after: 5s, deliver: {{ accounts: {{ {link}: DENIED }}, default: READY }} }}\n"
    );
    std::fs::write(folder.join("partly.yaml"), text).expect("it is written");
    let app = TestApp::with(|builder| builder.scenarios(&folder).default_scenario("partly")).await;
    std::fs::remove_dir_all(&folder).expect("it is ours");
    let journey = Journey::new(&app);
    let (_, id) = journey
        .approved(|body| body["ConsentDetail"]["fiTypes"] = json!(["DEPOSIT", "NPS"]))
        .await;
    let session = journey.session(&id).await;
    let statuses = async || -> Vec<String> {
        let shown = app
            .get(&format!("/_mockaa/v1/sessions/{session}"))
            .await
            .ok();
        let accounts = shown["accounts"].as_array().expect("a list").iter();
        accounts
            .map(|account| account["FIStatus"].as_str().expect("a status").to_owned())
            .collect()
    };
    assert_eq!(statuses().await, ["PENDING", "TIMEOUT"]);
    app.advance("5s").await;
    assert_eq!(statuses().await, ["DENIED", "TIMEOUT"]);
}

#[tokio::test]
async fn a_scenario_says_when_and_how_fips_answer() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    let request = journey.fiu.signed(
        &app,
        "/Consent",
        &crate::actors::consent_request().to_string(),
    );
    let raised = app
        .send(request.header("x-mockaa-scenario", "data-later"))
        .await
        .ok();
    let handle = crate::helpers::handle_of(&raised);
    app.act(&handle, "approve").await.ok();
    let id = journey.handle(&handle).await["ConsentStatus"]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let session = journey.session(&id).await;
    assert_eq!(
        refused(&journey.fetch(&session).await),
        code(404, "NoDataFound")
    );
    app.advance("1h").await;
    journey.fetch(&session).await.ok();
}
