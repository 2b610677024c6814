//! Requests outside the fair-use templates: noted, or refused by an option.

use mockaa::FairUseMode;
use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{FIU_1_KEY, NOW, Reply, TestApp, seed_request};
use crate::lender::{Lender, consent_detail_mut};
use crate::participants::{Journey, Participant, consent_request};

async fn start(mode: FairUseMode) -> TestApp {
    TestApp::start_with(|builder| builder.fair_use(mode)).await
}

/// Makes the terms of a loan application that is within its template.
fn fit_underwriting(detail: &mut Value) {
    detail["consentStart"] = NOW.into();
    detail["consentExpiry"] = "2020-08-04T06:00:00.000Z".into();
    detail["fetchType"] = "ONETIME".into();
    detail["fiTypes"] = json!(["DEPOSIT", "MUTUAL_FUNDS"]);
    detail["consentTypes"] = json!(["PROFILE", "SUMMARY", "TRANSACTIONS"]);
    detail["consentMode"] = "STORE".into();
    detail["Purpose"] =
        json!({ "code": "103", "refUri": "https://api.rebit.org.in/aa/purpose/103.xml" });
    detail["FIDataRange"] =
        json!({ "from": "2019-05-04T00:00:00.000Z", "to": "2020-07-04T00:00:00.000Z" });
    detail["DataLife"] = json!({ "unit": "MONTH", "value": 1 });
    detail["Frequency"] = json!({ "unit": "DAY", "value": 1 });
}

/// Makes the terms of a loan's monitoring that is within its template.
fn fit_monitoring(detail: &mut Value) {
    fit_underwriting(detail);
    detail["fetchType"] = "PERIODIC".into();
    detail["consentExpiry"] = "2025-07-04T06:00:00.000Z".into();
    detail["Purpose"] =
        json!({ "code": "104", "refUri": "https://api.rebit.org.in/aa/purpose/104.xml" });
    detail["FIDataRange"] =
        json!({ "from": "2020-01-04T06:00:00.000Z", "to": "2025-07-04T06:00:00.000Z" });
    detail["Frequency"] = json!({ "unit": "MONTH", "value": 5 });
}

/// A change of terms that fit, and the field and the limit that it exceeds.
type Excess = (fn(&mut Value), fn(&mut Value), &'static str, &'static str);

const EXCESSES: [Excess; 11] = [
    (
        fit_underwriting,
        |detail| detail["DataLife"] = json!({ "unit": "MONTH", "value": 2 }),
        "DataLife.value",
        "is 2 MONTH; the limit is 31 DAY or 1 MONTH (fair use, purpose 103, ONETIME)",
    ),
    (
        fit_underwriting,
        |detail| detail["DataLife"] = json!({ "unit": "DAY", "value": 32 }),
        "DataLife.value",
        "is 32 DAY",
    ),
    (
        fit_underwriting,
        |detail| detail["consentExpiry"] = "2020-08-05T06:00:00.000Z".into(),
        "consentExpiry",
        "is 2020-08-05; the limit is 1 MONTH after consentStart, 2020-08-04",
    ),
    (
        fit_underwriting,
        |detail| detail["FIDataRange"]["from"] = "2019-05-03T06:00:00.000Z".into(),
        "FIDataRange.from",
        "is 2019-05-03; the limit is 14 MONTH before consentStart, 2019-05-04",
    ),
    (
        fit_underwriting,
        |detail| detail["FIDataRange"]["to"] = "2020-08-06T06:00:00.000Z".into(),
        "FIDataRange.to",
        "the limit is consentExpiry, 2020-08-04",
    ),
    (
        fit_underwriting,
        |detail| detail["fetchType"] = "PERIODIC".into(),
        "fetchType",
        "is PERIODIC; purpose 103 allows ONETIME only",
    ),
    (
        fit_underwriting,
        |detail| detail["fiTypes"] = json!(["DEPOSIT", "BONDS"]),
        "fiTypes",
        "has BONDS, which the template does not have",
    ),
    (
        fit_monitoring,
        |detail| detail["Frequency"] = json!({ "unit": "DAY", "value": 1 }),
        "Frequency.value",
        "is 1 per DAY; the limit is 5 per MONTH",
    ),
    (
        fit_monitoring,
        |detail| detail["Frequency"] = json!({ "unit": "MONTH", "value": 6 }),
        "Frequency.value",
        "is 6 per MONTH",
    ),
    (
        fit_monitoring,
        |detail| detail["DataLife"] = json!({ "unit": "INF", "value": 0 }),
        "DataLife.value",
        "is 0 INF",
    ),
    (
        |detail| {
            fit_underwriting(detail);
            detail["Purpose"] =
                json!({ "code": "105", "refUri": "https://api.rebit.org.in/aa/purpose/105.xml" });
            detail["fiTypes"] = json!(["DEPOSIT"]);
            detail["DataLife"] = json!({ "unit": "DAY", "value": 1 });
            detail["consentExpiry"] = "2020-07-05T06:00:00.000Z".into();
            detail["FIDataRange"]["from"] = "2020-07-03T06:00:00.000Z".into();
            detail["consentTypes"] = json!(["SUMMARY"]);
        },
        |detail| detail["consentTypes"] = json!(["SUMMARY", "TRANSACTIONS"]),
        "consentTypes",
        "has TRANSACTIONS",
    ),
];

/// Raises a consent with these terms.
async fn raise(app: &TestApp, change: impl Fn(&mut Value)) -> Reply {
    let mut body = consent_request();
    body["txnid"] = app.next_txnid().into();
    change(&mut body["ConsentDetail"]);
    Participant::fiu_1().post(app, "/Consent", &body).await
}

/// Returns the notes about fair use.
async fn list_notes(app: &TestApp) -> Vec<String> {
    let entries = app.read_full_journal().await;
    let notes = entries.iter().filter(|entry| entry["kind"] == "note");
    notes
        .filter_map(|note| note["text"].as_str()?.strip_prefix("outside fair use: "))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn each_limit_is_noted_and_refused_at_the_first_value_beyond_it() {
    for (fit, exceed, field, message) in EXCESSES {
        let expected = format!("ConsentDetail.{field} {message}");
        let app = start(FairUseMode::Note).await;
        raise(&app, fit).await.expect_ok();
        assert_eq!(list_notes(&app).await, [""; 0], "{expected}");
        let beyond = |detail: &mut Value| {
            fit(detail);
            exceed(detail);
        };
        for _ in 0..2 {
            raise(&app, beyond).await.expect_ok();
        }
        let notes = list_notes(&app).await;
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert!(
            notes[0].contains(&expected) || notes[0].contains(message),
            "{notes:?}"
        );
        assert!(
            notes[0].starts_with(&format!("ConsentDetail.{field} ")),
            "{notes:?}"
        );

        let app = start(FairUseMode::Refuse).await;
        raise(&app, fit).await.expect_ok();
        let refused = raise(&app, beyond).await;
        assert_eq!(refused.status, 412, "{}", refused.text);
        let problem = refused.json();
        assert_eq!(problem["errorCode"], "PreconditionFailed");
        assert_eq!(problem["errorMsg"], *notes[0]);
        assert_eq!(app.count_consents().await, 1);

        let app = start(FairUseMode::Off).await;
        raise(&app, beyond).await.expect_ok();
        assert_eq!(list_notes(&app).await, [""; 0]);
    }
}

#[tokio::test]
async fn several_fi_types_have_the_widest_range() {
    let app = start(FairUseMode::Refuse).await;
    let wealth = |fi_types: Value, from: &'static str| {
        move |detail: &mut Value| {
            fit_monitoring(detail);
            detail["Purpose"] =
                json!({ "code": "101", "refUri": "https://api.rebit.org.in/aa/purpose/101.xml" });
            detail["fiTypes"] = fi_types.clone();
            detail["consentExpiry"] = "2021-07-04T06:00:00.000Z".into();
            detail["FIDataRange"] = json!({ "from": from, "to": "2021-07-04T06:00:00.000Z" });
            detail["Frequency"] = json!({ "unit": "DAY", "value": 1 });
        }
    };
    let far = "2001-07-04T06:00:00.000Z";
    raise(&app, wealth(json!(["DEPOSIT", "EQUITIES"]), far))
        .await
        .expect_ok();
    let refused = raise(&app, wealth(json!(["DEPOSIT"]), far)).await;
    assert_eq!(refused.status, 412, "{}", refused.text);
    assert!(refused.text.contains("13 MONTH before consentStart"));
}

#[tokio::test]
async fn a_template_of_the_fiu_takes_precedence() {
    let app = start(FairUseMode::Refuse).await;
    let collection = |detail: &mut Value| {
        fit_monitoring(detail);
        detail["fiTypes"] = json!(["DEPOSIT"]);
        detail["consentTypes"] = json!(["SUMMARY"]);
        detail["Frequency"] = json!({ "unit": "DAY", "value": 1 });
        detail["FIDataRange"]["from"] = "2020-07-03T06:00:00.000Z".into();
    };
    assert_eq!(raise(&app, collection).await.status, 412);
    let configure = async |templates: Value| {
        let request = app.request(Method::PUT, "/_mockaa/v1/config/fiu/FIU-1");
        let body = json!({ "fairUseTemplates": templates });
        app.send(request.json(&body)).await
    };
    configure(json!(["CT035"])).await.expect_ok();
    raise(&app, collection).await.expect_ok();
    let refused = raise(&app, fit_monitoring).await;
    assert_eq!(refused.status, 412);
    assert!(
        refused.text.contains("purpose 104, PERIODIC, CT035"),
        "{}",
        refused.text
    );
    let unknown = configure(json!(["CT999"])).await;
    assert_eq!(unknown.status, 400);
    assert!(unknown.text.contains("CT006, CT010"), "{}", unknown.text);
}

#[tokio::test]
async fn every_api_refuses_with_412() {
    let app = start(FairUseMode::Refuse).await;
    let mut body = seed_request();
    body["ConsentDetail"]["DataConsumer"]["id"] = "FIU-1".into();
    body["ConsentDetail"]["Purpose"]["code"] = "103".into();
    body["ConsentDetail"]["fetchType"] = "PERIODIC".into();
    let call = app.request(Method::POST, "/consent");
    let call = call.header("Authorization", FIU_1_KEY).json(&body);
    let refused = app.send(call).await;
    assert_eq!(refused.status, 412, "{}", refused.text);
    let lender = Lender::log_in(&app).await;
    lender
        .create_consent(&app, |body| fit_underwriting(consent_detail_mut(body)))
        .await
        .expect_ok();
    let refused = lender
        .create_consent(&app, |body| {
            let detail = consent_detail_mut(body);
            fit_underwriting(detail);
            detail["fetchType"] = "PERIODIC".into();
        })
        .await;
    assert_eq!(refused.status, 412, "{}", refused.text);
    assert_eq!(
        refused.json()["errors"][0]["field"],
        "ConsentDetail.fetchType"
    );
}

#[tokio::test]
async fn a_data_request_has_a_longest_range() {
    for mode in [FairUseMode::Note, FairUseMode::Refuse] {
        let app = start(mode).await;
        let journey = Journey::new(&app);
        let (_, id) = journey
            .raise_and_approve(|body| fit_monitoring(&mut body["ConsentDetail"]))
            .await;
        app.advance_clock("P60D").await;
        let mut request = journey.build_fi_request(&id).await;
        request["FIDataRange"] =
            json!({ "from": "2020-02-01T06:00:00.000Z", "to": "2020-08-01T06:00:00.000Z" });
        let post = async |request: &Value| journey.fiu.post(&app, "/FI/request", request).await;
        post(&request).await.expect_ok();
        request["FIDataRange"]["from"] = "2020-01-31T06:00:00.000Z".into();
        request["txnid"] = app.next_txnid().into();
        let reply = post(&request).await;
        let message = "is longer than 6 MONTH, the most for one request of purpose 104";
        if mode == FairUseMode::Refuse {
            assert_eq!(reply.status, 412, "{}", reply.text);
            assert!(reply.text.contains(message), "{}", reply.text);
        } else {
            reply.expect_ok();
            assert!(list_notes(&app).await[0].contains(message));
        }
    }
}

#[tokio::test]
async fn what_a_template_allows_can_be_fetched() {
    let app = start(FairUseMode::Refuse).await;
    let journey = Journey::new(&app);
    let account_check = |detail: &mut Value| {
        fit_underwriting(detail);
        detail["Purpose"] =
            json!({ "code": "105", "refUri": "https://api.rebit.org.in/aa/purpose/105.xml" });
        detail["fiTypes"] = json!(["DEPOSIT"]);
        detail["consentExpiry"] = "2020-07-05T06:00:00.000Z".into();
        detail["DataLife"] = json!({ "unit": "DAY", "value": 1 });
    };
    let half_a_year =
        json!({ "from": "2020-01-04T06:00:00.000Z", "to": "2020-07-04T00:00:00.000Z" });
    let a_year = json!({ "from": "2019-07-04T06:00:00.000Z", "to": "2020-07-04T00:00:00.000Z" });
    let bonds = |detail: &mut Value| {
        fit_monitoring(detail);
        detail["Purpose"] =
            json!({ "code": "102", "refUri": "https://api.rebit.org.in/aa/purpose/102.xml" });
        detail["fiTypes"] = json!(["BONDS"]);
        detail["consentExpiry"] = "2021-07-04T06:00:00.000Z".into();
        detail["FIDataRange"]["to"] = "2021-07-04T06:00:00.000Z".into();
        detail["DataLife"] = json!({ "unit": "DAY", "value": 7 });
    };
    let two_years = json!({ "from": "2018-07-04T06:00:00.000Z", "to": NOW });
    let cases = [
        ("CT010", account_check as fn(&mut Value), half_a_year),
        ("CT045", account_check, a_year),
        ("CT019", bonds, two_years),
    ];
    for (template, fit, range) in cases {
        let request = app.request(Method::PUT, "/_mockaa/v1/config/fiu/FIU-1");
        let request = request.json(&json!({ "fairUseTemplates": [template] }));
        app.send(request).await.expect_ok();
        let (_, id) = journey
            .raise_and_approve(|body| {
                fit(&mut body["ConsentDetail"]);
                body["ConsentDetail"]["FIDataRange"]["from"] = range["from"].clone();
            })
            .await;
        let mut request = journey.build_fi_request(&id).await;
        request["FIDataRange"] = range;
        let reply = journey.fiu.post(&app, "/FI/request", &request).await;
        assert_eq!(reply.status, 200, "{template}: {}", reply.text);
    }
}
