//! Requests that hosted sandboxes accept although a rule is against them: strict mode refuses, the
//! other modes note.

use mockaa::SecurityMode;
use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{FIU_1_KEY, TestApp};
use crate::jws_verifier::decode_base64;
use crate::lender::{Lender, consent_detail_mut, consent_template};
use crate::participants::{Journey, Participant, consent_request};

/// A change of `ConsentDetail`, and a part of the note.
type Deviation = (fn(&mut Value), &'static str);

const DEVIATIONS: [Deviation; 5] = [
    (
        |detail| {
            detail["consentMode"] = "VIEW".into();
            detail["DataLife"] = json!({ "unit": "MONTH", "value": 3 });
        },
        "DataLife.value is 3; it must be 0 with consentMode VIEW",
    ),
    (
        |detail| {
            detail["consentMode"] = "STORE".into();
            detail["DataLife"] = json!({ "unit": "MONTH", "value": 0 });
        },
        "DataLife.value is 0; it must be at least 1 MONTH with consentMode STORE",
    ),
    (
        |detail| {
            detail["consentMode"] = "STORE".into();
            detail["DataLife"] = json!({ "unit": "INF", "value": 2 });
        },
        "DataLife.value is 2; it must be 0 with unit INF",
    ),
    (
        |detail| detail["Purpose"]["refUri"] = "https://example.in/purpose".into(),
        "refUri 'https://example.in/purpose' is not",
    ),
    (
        |detail| {
            let filter = json!({ "type": "TRANSACTIONTYPE", "operator": ">", "value": "CREDIT" });
            detail["DataFilter"] = json!([filter]);
        },
        "DataFilter.operator > has no meaning for TRANSACTIONTYPE; use = or !=",
    ),
];

/// Returns whether the journal has a note with this text.
async fn has_note(app: &TestApp, text: &str) -> bool {
    let entries = app.read_full_journal().await;
    entries.iter().any(|entry| {
        entry["kind"] == "note"
            && entry["text"].as_str().is_some_and(|note| {
                note.contains("strict mode would reject") && note.contains(text)
            })
    })
}

#[tokio::test]
async fn rebit_notes_what_only_strict_rejects() {
    for (change, note) in DEVIATIONS {
        let mut body = consent_request();
        change(&mut body["ConsentDetail"]);
        for mode in [SecurityMode::Lenient, SecurityMode::Open] {
            let app = TestApp::start_with(|builder| builder.security(mode)).await;
            Participant::fiu_1()
                .post(&app, "/Consent", &body)
                .await
                .expect_ok();
            assert!(has_note(&app, note).await, "{mode:?}: {note}");
        }
        let app = TestApp::start_with(|builder| builder.security(SecurityMode::Strict)).await;
        let refused = Participant::fiu_1().post(&app, "/Consent", &body).await;
        assert_eq!(refused.status, 400, "{note}");
        assert!(refused.text.contains(note), "{}", refused.text);
        assert_eq!(app.count_consents().await, 0);
    }
}

#[tokio::test]
async fn unaport_notes_what_only_strict_rejects() {
    for (change, note) in DEVIATIONS {
        let app = TestApp::start().await;
        let lender = Lender::log_in(&app).await;
        let created = lender
            .create_consent(&app, |body| change(consent_detail_mut(body)))
            .await;
        created.expect_ok();
        assert!(has_note(&app, note).await, "{note}");

        let strict = TestApp::start_with(|builder| builder.security(SecurityMode::Strict)).await;
        let lender = Lender::log_in(&strict).await;
        let refused = lender
            .create_consent(&strict, |body| change(consent_detail_mut(body)))
            .await;
        assert_eq!(refused.status, 400, "{note}");
        assert!(refused.text.contains(note), "{}", refused.text);
    }
}

#[tokio::test]
async fn templates_are_judged_like_consents() {
    let mut template = consent_template();
    DEVIATIONS[0].0(&mut template["ConsentDetail"]);
    let save = async |app: &TestApp| {
        let lender = Lender::log_in(app).await;
        let path = format!(
            "{}/FIU/InsertProduct/{}",
            crate::lender::APP_PREFIX,
            lender.org_id
        );
        lender.post(app, &path, &template).await
    };
    let app = TestApp::start().await;
    save(&app).await.expect_ok();
    assert!(has_note(&app, DEVIATIONS[0].1).await);
    let strict = TestApp::start_with(|builder| builder.security(SecurityMode::Strict)).await;
    assert_eq!(save(&strict).await.status, 400);
}

#[tokio::test]
async fn unknown_purposes_and_frequency_zero_stay_refused() {
    let app = TestApp::start().await;
    for (pointer, value) in [
        ("/ConsentDetail/Purpose/code", json!("199")),
        ("/ConsentDetail/Frequency/value", json!(0)),
    ] {
        let mut body = consent_request();
        *body.pointer_mut(pointer).expect("a field") = value;
        let refused = Participant::fiu_1().post(&app, "/Consent", &body).await;
        assert_eq!(refused.status, 400, "{pointer}");
    }
}

/// Returns the same instant with a space instead of `T`.
fn with_space(timestamp: &Value) -> Value {
    timestamp
        .as_str()
        .expect("text")
        .replacen('T', " ", 1)
        .into()
}

#[tokio::test]
async fn a_date_time_with_a_space_is_noted_on_every_api() {
    let change = |body: &mut Value| {
        for path in ["consentStart", "consentExpiry"] {
            body[path] = with_space(&body[path]);
        }
    };
    let note = "ConsentDetail.consentExpiry '20";
    let mut rebit = consent_request();
    change(&mut rebit["ConsentDetail"]);
    let mut seed = crate::helpers::seed_request();
    seed["ConsentDetail"]["DataConsumer"]["id"] = "FIU-1".into();
    change(&mut seed["ConsentDetail"]);
    let seed_call = |app: &TestApp| {
        app.request(Method::POST, "/consent")
            .header("Authorization", FIU_1_KEY)
            .json(&seed)
    };
    for mode in [
        SecurityMode::Open,
        SecurityMode::Lenient,
        SecurityMode::Strict,
    ] {
        let app = async || TestApp::start_with(|builder| builder.security(mode)).await;
        let (first, second, third) = (app().await, app().await, app().await);
        let lender = Lender::log_in(&third).await;
        let replies = [
            Participant::fiu_1().post(&first, "/Consent", &rebit).await,
            second.send(seed_call(&second)).await,
            lender
                .create_consent(&third, |body| change(consent_detail_mut(body)))
                .await,
        ];
        for (app, reply) in [first, second, third].iter().zip(replies) {
            if mode == SecurityMode::Strict {
                assert_eq!(reply.status, 400, "{}", reply.text);
                assert!(reply.text.contains("RFC 3339"), "{}", reply.text);
            } else {
                reply.expect_ok();
                assert!(has_note(app, note).await, "{mode:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_date_time_with_a_space_is_noted_in_every_message() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (_, id) = journey.raise_and_approve(|_| ()).await;
    let mut request = journey.build_fi_request(&id).await;
    request["timestamp"] = with_space(&request["timestamp"]);
    request["FIDataRange"]["from"] = with_space(&request["FIDataRange"]["from"]);
    let expiry = &mut request["KeyMaterial"]["DHPublicKey"]["expiry"];
    *expiry = with_space(expiry);
    journey
        .fiu
        .post(&app, "/FI/request", &request)
        .await
        .expect_ok();
    for field in [
        "timestamp",
        "FIDataRange.from",
        "KeyMaterial.DHPublicKey.expiry",
    ] {
        assert!(has_note(&app, &format!("{field} '20")).await, "{field}");
    }
}

#[tokio::test]
async fn a_vua_of_another_aa_is_noted() {
    let change = |body: &mut Value| body["vuaId"] = "9876500001@onemoney".into();
    let note = "vuaId '9876500001@onemoney' is not an address at UNACORES-AA-UAT";
    let app = TestApp::start().await;
    let lender = Lender::log_in(&app).await;
    lender.create_consent(&app, change).await.expect_ok();
    assert!(has_note(&app, note).await);
    let strict = TestApp::start_with(|builder| builder.security(SecurityMode::Strict)).await;
    let lender = Lender::log_in(&strict).await;
    let refused = lender.create_consent(&strict, change).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["errors"][0]["field"], "vuaId");
}

#[tokio::test]
async fn filters_are_echoed_as_they_were_sent() {
    let app = TestApp::start().await;
    let lender = Lender::log_in(&app).await;
    for sent in [None, Some(json!([]))] {
        let handle = lender
            .raise_consent(&app, |body| {
                if let Some(filters) = &sent {
                    consent_detail_mut(body)["DataFilter"] = filters.clone();
                }
            })
            .await;
        app.apply_verb(&handle, "approve").await.expect_ok();
        let record = lender.fetch_record(&app, &handle).await;
        let signed = record["signedConsent"].as_str().expect("a JWS");
        let payload = decode_base64(signed.split('.').nth(1).expect("a payload"));
        let artefact: Value = serde_json::from_slice(&payload).expect("JSON");
        assert_eq!(artefact.get("DataFilter"), sent.as_ref());
        let request = record["consentsDetail"].as_str().expect("JSON");
        let request: Value = serde_json::from_str(request).expect("JSON");
        assert_eq!(request["ConsentDetail"].get("DataFilter"), sent.as_ref());
    }
}
