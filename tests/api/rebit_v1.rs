//! ReBIT 1.1.x: the same consents, looked up by GET requests whose signature covers the path.

use mockaa::SecurityMode;
use mockaa::internals::domain::key_exchange::Curve;
use serde_json::{Value, json};

use crate::helpers::{NOW, TestApp, extract_handle, set_path};
use crate::jws_verifier::JwsVerifier;
use crate::participants::{
    Journey, Participant, consent_request, decrypt_documents, key_material, key_pair,
};

/// Returns a 1.1.x request: no consumer type, and the customer by address.
fn v1_consent_request() -> Value {
    let mut body = consent_request();
    body["ver"] = "1.1.2".into();
    set_path(&mut body, "ConsentDetail.DataConsumer.type", None);
    body
}

#[tokio::test]
async fn the_whole_journey_in_strict() {
    let mut app = TestApp::start_with(|builder| builder.security(SecurityMode::Strict)).await;
    let (fiu, verifier) = (
        Participant::fiu_1(),
        JwsVerifier::from_published_keys(&app).await,
    );
    let created = fiu.post(&app, "/Consent", &v1_consent_request()).await;
    assert_eq!(created.expect_ok()["ver"], "1.1.2");
    let handle = extract_handle(&created.json());
    let status = async || {
        fiu.get(&app, &format!("/Consent/handle/{handle}"))
            .await
            .expect_ok()
    };
    insta::assert_json_snapshot!("pending_by_path", status().await);
    app.apply_verb(&handle, "approve").await.expect_ok();
    let ready = status().await;
    assert_eq!(
        ready["ConsentStatus"]["status"], "READY",
        "1.1.x has no status APPROVED"
    );
    let id = ready["ConsentStatus"]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let artefact = fiu.get(&app, &format!("/Consent/{id}")).await;
    let signed = artefact.expect_ok()["signedConsent"]
        .as_str()
        .expect("a JWS")
        .to_owned();
    assert_eq!(
        verifier.decode_compact(&signed)["DataConsumer"],
        json!({ "id": "FIU-1", "type": "FIU" })
    );

    // Mixed-up labels, as seen in the field; the key itself determines the curve.
    let mut material = key_material(&key_pair(Curve::Weierstrass));
    material["cryptoAlg"] = Value::Null;
    material["curve"] = "ECDH".into();
    material["params"] = "Curve25519".into();
    let fi_request = json!({
        "ver": "1.1.3", "timestamp": NOW, "txnid": "0b811819-9044-4856-b0ee-8c88035f8858",
        "FIDataRange": { "from": "2020-01-01T00:00:00.000Z", "to": "2020-06-30T00:00:00.000Z" },
        "Consent": { "id": id, "digitalSignature": signed.rsplit_once('.').expect("three parts").1 },
        "KeyMaterial": material,
    });
    let session = fiu.post(&app, "/FI/request", &fi_request).await.expect_ok()["sessionId"]
        .as_str()
        .expect("a session")
        .to_owned();
    let fetched = fiu.get(&app, &format!("/FI/fetch/{session}")).await;
    let documents = decrypt_documents(&key_pair(Curve::Weierstrass), &fetched.expect_ok());
    let by_name = format!(
        "/FI/fetch/{session}?fipId=FIP-1&linkRefNumber={}",
        documents[0].0
    );
    assert_eq!(
        fiu.get(&app, &by_name).await.expect_ok()["FI"],
        fetched.json()["FI"]
    );
    assert_eq!(
        fetched.json()["txnid"],
        fi_request["txnid"],
        "a GET has none of its own"
    );

    app.advance_clock("0s").await;
    let notifications: Vec<_> = app
        .fiu
        .drain_messages()
        .iter()
        .map(crate::inbox::Message::json)
        .collect();
    assert!(
        notifications.len() == 2
            && notifications
                .iter()
                .all(|message| message["ver"] == "1.1.2"),
        "{notifications:?}"
    );
}

#[tokio::test]
async fn a_gets_signature_is_over_its_path_as_called_or_without_world_and_base_path() {
    let mut app = TestApp::start_with(|builder| builder.security(SecurityMode::Strict)).await;
    app.switch_world("one");
    let fiu = Participant::fiu_1();
    let handle = extract_handle(
        &fiu.post(&app, "/Consent", &v1_consent_request())
            .await
            .expect_ok(),
    );
    let bare_path = format!("/Consent/handle/{handle}");
    let called = format!("/proxy/v2{bare_path}");
    let get = async |signed: &str| {
        let request = app
            .request(reqwest::Method::GET, &called)
            .header(fiu.header, &fiu.api_key);
        app.send(request.header("x-jws-signature", fiu.sign(signed.as_bytes())))
            .await
    };
    let full = format!("{}/w/one{called}", app.sandbox.base_url());
    for signed in [&bare_path, &format!("/w/one{called}"), &full] {
        assert_eq!(get(signed).await.status, 200, "{signed}");
    }
    for signed in ["", "/Consent/handle", &called.to_uppercase()] {
        let reply = get(signed).await;
        assert_eq!(
            (reply.status.as_u16(), reply.json()["errorCode"].clone()),
            (400, "SignatureDoesNotMatch".into())
        );
    }
}

#[tokio::test]
async fn handles_know_three_states() {
    let app = TestApp::start().await;
    let fiu = Participant::fiu_1();
    for (moves, expected) in [
        (&["reject"][..], "FAILED"),
        (&["expire"], "FAILED"),
        (&["fail"], "FAILED"),
        (&["approve", "pause"], "READY"),
        (&["approve", "expire"], "READY"),
    ] {
        let handle = extract_handle(
            &fiu.post(&app, "/Consent", &v1_consent_request())
                .await
                .expect_ok(),
        );
        for verb in moves {
            app.apply_verb(&handle, verb).await.expect_ok();
        }
        let answer = fiu
            .get(&app, &format!("/Consent/handle/{handle}"))
            .await
            .expect_ok();
        assert_eq!(answer["ConsentStatus"]["status"], expected, "{moves:?}");
    }
}

#[tokio::test]
async fn paths_that_name_nothing() {
    let app = TestApp::start().await;
    let fiu = Participant::fiu_1();
    let unknown = "00000000-0000-4000-8000-000000000000";
    for (path, status, code) in [
        ("/Consent/handle/".to_owned(), 404, "InvalidConsentHandle"),
        (
            format!("/Consent/handle/{unknown}"),
            400,
            "InvalidConsentHandle",
        ),
        ("/Consent/handle/x".to_owned(), 400, "InvalidConsentHandle"),
        (format!("/Consent/{unknown}"), 400, "InvalidConsentId"),
        (format!("/FI/fetch/{unknown}"), 400, "InvalidSessionId"),
        ("/FI/fetch/x?fipId=%FF".to_owned(), 400, "InvalidSessionId"),
    ] {
        let reply = fiu.get(&app, &path).await;
        assert_eq!(
            (reply.status.as_u16(), reply.json()["errorCode"].as_str()),
            (status, Some(code)),
            "{path}: {}",
            reply.text
        );
    }
}

#[tokio::test]
async fn each_version_accepts_its_own_fi_types() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    for (ver, fi_type, accepted) in [
        ("1.1.3", "DEPOSIT", true),
        ("1.1.3", "GSTR1_3B", false),
        ("2.0.0", "GSTR1_3B", true),
        ("1.1.3", "LIFE_INSURANCE", false),
        ("2.0.0", "LIFE_INSURANCE", true),
        ("2.0.0", "TERM-DEPOSIT", true),
        ("2.1.0", "TERM-DEPOSITS", false),
        ("2.1.0", "LIFE_INSURANCE", true),
        ("2.1.0", "GENERAL_INSURANCE", true),
    ] {
        let mut body = consent_request();
        body["ver"] = ver.into();
        body["ConsentDetail"]["fiTypes"] = json!([fi_type]);
        let reply = journey.fiu.post(&app, "/Consent", &body).await;
        assert_eq!(
            reply.status == 200,
            accepted,
            "{ver} {fi_type}: {}",
            reply.text
        );
    }
}

/// Version 2.0.0 does not have the two types of insurance. Strict mode refuses them and lenient mode
/// notes them; a withdrawn type is noted in both.
#[tokio::test]
async fn insurance_under_2_0_0_is_noted_or_refused() {
    for mode in [SecurityMode::Lenient, SecurityMode::Strict] {
        let app = TestApp::start_with(|builder| builder.security(mode)).await;
        let fiu = Participant::fiu_1();
        let mut replies = Vec::new();
        for fi_type in ["GENERAL_INSURANCE", "INSURANCE_POLICIES"] {
            let mut body = consent_request();
            body["ConsentDetail"]["fiTypes"] = json!([fi_type]);
            replies.push(fiu.post(&app, "/Consent", &body).await);
        }
        let refused = mode == SecurityMode::Strict;
        assert_eq!(replies[0].status == 400, refused, "{}", replies[0].text);
        assert_eq!(
            replies[0]
                .text
                .contains("GENERAL_INSURANCE is not defined in version 2.0.0"),
            refused
        );
        replies[1].expect_ok();
        let journal = app.get("/_mockaa/v1/journal?kind=note").await.text;
        assert_eq!(
            journal.contains("strict mode would reject: ConsentDetail.fiTypes GENERAL_INSURANCE"),
            !refused,
            "{journal}"
        );
        assert!(
            journal.contains("INSURANCE_POLICIES was withdrawn in 2019"),
            "{journal}"
        );
    }
}

/// A consent that names the older word has the newer one in its artefact, and its data.
#[tokio::test]
async fn term_deposit_with_a_dash_is_read_and_never_sent() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (_, id) = journey
        .raise_and_approve(|body| body["ConsentDetail"]["fiTypes"] = json!(["TERM-DEPOSIT"]))
        .await;
    let session = journey.open_session(&id).await;
    let fetched = journey.fetch_data(&session).await.expect_ok();
    assert!(!fetched["FI"].as_array().expect("a list").is_empty());
    let consents = app.get("/_mockaa/v1/consents").await.text;
    assert!(
        consents.contains("TERM_DEPOSIT") && !consents.contains("TERM-DEPOSIT"),
        "{consents}"
    );
}

/// The examples of ReBIT AA API 1.1.2 have `ver` "1.0" in every message.
#[tokio::test]
async fn ver_1_0_names_the_first_generation_and_is_repeated() {
    let mut app = TestApp::start_with(|builder| builder.security(SecurityMode::Strict)).await;
    let fiu = Participant::fiu_1();
    let mut request = v1_consent_request();
    request["ver"] = "1.0".into();
    let created = fiu.post(&app, "/Consent", &request).await.expect_ok();
    assert_eq!(created["ver"], "1.0");
    let handle = extract_handle(&created);
    app.apply_verb(&handle, "approve").await.expect_ok();
    app.advance_clock("0s").await;
    assert_eq!(app.fiu.drain_messages()[0].json()["ver"], "1.0");
    let ready = fiu
        .get(&app, &format!("/Consent/handle/{handle}"))
        .await
        .expect_ok();
    assert_eq!(
        (&ready["ver"], &ready["ConsentStatus"]["status"]),
        (&json!("1.0"), &json!("READY"))
    );
    let id = ready["ConsentStatus"]["id"].as_str().expect("an id");
    let artefact = fiu.get(&app, &format!("/Consent/{id}")).await.expect_ok();
    assert_eq!(artefact["ver"], "1.0");

    let (journey, pair) = (Journey::new(&app), key_pair(Curve::Weierstrass));
    let mut data_request = journey.build_fi_request(id).await;
    data_request["ver"] = "1.0".into();
    data_request["KeyMaterial"] = key_material(&pair);
    let opened = fiu
        .post(&app, "/FI/request", &data_request)
        .await
        .expect_ok();
    assert_eq!(opened["ver"], "1.0");
    let session = opened["sessionId"].as_str().expect("a session");
    let fetched = fiu
        .get(&app, &format!("/FI/fetch/{session}"))
        .await
        .expect_ok();
    assert_eq!(fetched["ver"], "1.0");
    assert!(!decrypt_documents(&pair, &fetched).is_empty());

    // The calls of 2.x do not take it, and a wrong version is answered in a known one.
    let mut message = crate::helpers::rebit_message("ConsentHandle", &handle);
    message["ver"] = "1.0".into();
    let refused = fiu.post(&app, "/Consent/handle", &message).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.json()["errorCode"]),
        (404, &json!("NoSuchVersion"))
    );
}

/// What the examples of ReBIT AA API 1.1.2 have: a number in a filter, and one pair of labels for
/// every key.
#[tokio::test]
async fn the_first_generation_takes_what_its_examples_have() {
    let app = TestApp::start_with(|builder| builder.security(SecurityMode::Strict)).await;
    let fiu = Participant::fiu_1();
    let filter = json!({ "type": "TRANSACTIONAMOUNT", "operator": ">=", "value": 20000 });
    let mut request = v1_consent_request();
    request["ConsentDetail"]["DataFilter"] = json!([filter]);
    let handle = extract_handle(&fiu.post(&app, "/Consent", &request).await.expect_ok());
    app.apply_verb(&handle, "approve").await.expect_ok();
    let path = format!("/Consent/handle/{handle}");
    let id = fiu.get(&app, &path).await.expect_ok()["ConsentStatus"]["id"].clone();
    let id = id.as_str().expect("an id");
    let artefact = fiu.get(&app, &format!("/Consent/{id}")).await.expect_ok();
    let verifier = JwsVerifier::from_published_keys(&app).await;
    let detail = verifier.decode_compact(artefact["signedConsent"].as_str().expect("a JWS"));
    assert_eq!(detail["DataFilter"], json!([filter]), "as it was sent");
    let mut second_generation = consent_request();
    second_generation["txnid"] = app.next_txnid().into();
    second_generation["ConsentDetail"]["DataFilter"] = json!([filter]);
    let refused = fiu.post(&app, "/Consent", &second_generation).await;
    assert_eq!(refused.status, 400);

    let pair = key_pair(Curve::X25519);
    for (labels, expected) in [
        (("ECDH", "Curve25519"), ("ECDH", "Curve25519")),
        (("X25519", "X25519"), ("X25519", "X25519")),
        (("RSA", "P-256"), ("X25519", "X25519")),
    ] {
        let mut data_request = Journey::new(&app).build_fi_request(id).await;
        data_request["ver"] = "1.0".into();
        data_request["KeyMaterial"] = key_material(&pair);
        data_request["KeyMaterial"]["cryptoAlg"] = labels.0.into();
        data_request["KeyMaterial"]["curve"] = labels.1.into();
        let opened = fiu.post(&app, "/FI/request", &data_request).await;
        let opened = opened.expect_ok();
        let session = opened["sessionId"].as_str().expect("a session");
        let path = format!("/FI/fetch/{session}");
        let fetched = fiu.get(&app, &path).await.expect_ok();
        let material = &fetched["FI"][0]["KeyMaterial"];
        assert_eq!(
            (&material["cryptoAlg"], &material["curve"]),
            (&json!(expected.0), &json!(expected.1))
        );
        assert!(!decrypt_documents(&pair, &fetched).is_empty());
        for (query, problem) in [
            (
                "fipid=FIP-1",
                "unknown query parameter 'fipid'; did you mean fipId?",
            ),
            ("fipId=FIP-1&fipId=FIP-2", "fipId is given twice"),
        ] {
            let refused = fiu.get(&app, &format!("{path}?{query}")).await;
            assert_eq!(refused.status, 400);
            assert!(refused.text.contains(problem), "{}", refused.text);
        }
    }
}
