//! Rules that only the certification has: strict mode refuses, the other modes note.

use mockaa::SecurityMode;
use serde_json::{Value, json};

use crate::helpers::TestApp;
use crate::lender::{Lender, consent_detail_mut, consent_template};
use crate::participants::{Participant, consent_request};

/// A change of `ConsentDetail`, and a part of the note.
type Deviation = (fn(&mut Value), &'static str);

const DEVIATIONS: [Deviation; 4] = [
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
