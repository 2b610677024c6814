//! One customer has one address in a world, however a caller writes the mobile number.

use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{TestApp, extract_handle, rebit_request, seed_request};
use crate::jws_verifier::JwsVerifier;
use crate::participants::Journey;

const NORMAL: &str = "9876500001@mockaa";
const ABROAD: &str = "+919876500001@mockaa";

#[tokio::test]
async fn an_identifier_of_type_mobile_is_read_like_the_address() {
    let app = TestApp::start().await;
    for (path, mut body) in [("/Consent", rebit_request()), ("/consent", seed_request())] {
        body["ConsentDetail"]["Customer"] =
            json!({ "Identifiers": [{ "type": "MOBILE", "value": "+91 98765 00001" }] });
        let answer = app.post(path, &body).await.expect_ok();
        let customer = &answer["Customer"]["id"];
        assert!(
            customer
                .as_str()
                .is_some_and(|id| id.starts_with("9876500001@")),
            "{path} {customer}"
        );
    }
}

#[tokio::test]
async fn the_artefact_has_the_address_as_it_was_sent() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (_, id) = journey
        .raise_and_approve(|body| body["ConsentDetail"]["Customer"]["id"] = ABROAD.into())
        .await;
    let artefact = journey.fetch_artefact(&id).await;
    let signed = artefact["signedConsent"].as_str().expect("a JWS");
    let verifier = JwsVerifier::from_published_keys(&app).await;
    assert_eq!(verifier.decode_compact(signed)["Customer"]["id"], ABROAD);
}

#[tokio::test]
async fn the_control_api_knows_the_customer_by_every_spelling() {
    let app = TestApp::start().await;
    let mut body = rebit_request();
    body["ConsentDetail"]["Customer"]["id"] = NORMAL.into();
    extract_handle(&app.post("/Consent", &body).await.expect_ok());
    let spelling = "%2B919876500001@mockaa";
    let accounts = async |address: &str| {
        app.get(&format!("/_mockaa/v1/customers/{address}/accounts"))
            .await
            .expect_ok()
    };
    assert_eq!(accounts(spelling).await, accounts(NORMAL).await);
    let persona = json!({ "persona": "pensioner" });
    app.post(
        &format!("/_mockaa/v1/customers/{spelling}/persona"),
        &persona,
    )
    .await
    .expect_ok();
    assert_eq!(accounts(NORMAL).await["persona"], "pensioner");
    let pin = json!({ "customer": ABROAD });
    let pinned = app
        .post("/_mockaa/v1/scenarios/reject/pin", &pin)
        .await
        .expect_ok();
    assert_eq!(pinned["customer"], NORMAL);
    let entries = async |address: &str| {
        let path = format!("/_mockaa/v1/journal?customer={address}&op=consent.create");
        app.get(&path).await.expect_ok()["items"].clone()
    };
    assert_eq!(entries(spelling).await, entries(NORMAL).await);
    assert_eq!(entries(NORMAL).await.as_array().map(Vec::len), Some(1));
    let listed = app.get("/_mockaa/v1/customers").await.expect_ok();
    assert_eq!(listed["items"], json!([NORMAL]));
}

#[tokio::test]
async fn scenarios_match_the_customer_by_every_spelling() {
    let app = TestApp::start().await;
    for pattern in [
        "+91-98765-00001@*",
        "+9198765*",
        "+91 98765-0*@mockaa",
        "098765*",
    ] {
        let text = format!(
            "version: 1\nname: spelled\nmatch: {{ customer: \"{pattern}\" }}\nsteps: [reject: {{}}]\n"
        );
        let put = app.request(Method::PUT, "/_mockaa/v1/scenarios/spelled");
        app.send(put.body(text)).await.expect_ok();
        let handle = extract_handle(&app.post("/Consent", &rebit_request()).await.expect_ok());
        app.advance_clock("0s").await;
        assert_eq!(app.consent_state(&handle).await, "REJECTED", "{pattern}");
    }
}

#[tokio::test]
async fn a_number_has_the_same_accounts_at_every_aa() {
    let app = TestApp::start().await;
    let accounts = async |aa: &str| {
        app.get(&format!("/_mockaa/v1/customers/9876500001@{aa}/accounts"))
            .await
            .expect_ok()["items"]
            .clone()
    };
    let fields = |accounts: &Value, names: &[&str]| -> Vec<Vec<Value>> {
        let items = accounts.as_array().expect("a list").iter();
        items
            .map(|item| names.iter().map(|name| item[*name].clone()).collect())
            .collect()
    };
    let (first, second) = (accounts("mockaa").await, accounts("ink").await);
    let at_fip = ["fiType", "fipId", "accRefNumber", "maskedAccNumber"];
    assert_eq!(fields(&first, &at_fip), fields(&second, &at_fip));
    let links = ["linkRefNumber"];
    let (first, second) = (fields(&first, &links), fields(&second, &links));
    assert!(
        first.iter().all(|link| !second.contains(link)),
        "each AA links by itself"
    );
    // The bank's customer is one person: an assigned persona holds at every AA.
    let persona = json!({ "persona": "pensioner" });
    app.post("/_mockaa/v1/customers/9876500001@ink/persona", &persona)
        .await
        .expect_ok();
    let elsewhere = app
        .get("/_mockaa/v1/customers/9876500001@mockaa/accounts")
        .await
        .expect_ok();
    assert_eq!(elsewhere["persona"], "pensioner");
}
