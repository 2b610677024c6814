//! The entries of a response with data, and the form of each FIP's documents.

use std::collections::BTreeMap;

use mockaa::internals::domain::key_exchange::Curve;
use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::TestApp;
use crate::participants::{Journey, decrypt_documents, key_pair};

const CUSTOMER: &str = "9876500001@mockaa";

/// Starts a sandbox whose FIPs have these settings.
async fn start_with_fips(settings: &[(&str, Value)]) -> TestApp {
    let app = TestApp::start().await;
    for (fip, settings) in settings {
        let request = app.request(Method::PUT, &format!("/_mockaa/v1/config/fip/{fip}"));
        app.send(request.json(settings)).await.expect_ok();
    }
    app
}

/// Fetches the data of a consent for several accounts of each FIP.
async fn fetch_all(app: &TestApp) -> Value {
    let journey = Journey::new(app);
    let handle = journey
        .raise_consent(|body| {
            let detail = &mut body["ConsentDetail"];
            detail["Customer"]["id"] = CUSTOMER.into();
            detail["fiTypes"] = json!([
                "DEPOSIT",
                "TERM_DEPOSIT",
                "RECURRING_DEPOSIT",
                "MUTUAL_FUNDS",
                "EQUITIES"
            ]);
        })
        .await;
    let path = format!("/_mockaa/v1/consents/{handle}/play");
    app.post_text(&path, "approve: { accounts: all }")
        .await
        .expect_ok();
    let status = journey.fetch_handle_status(&handle).await;
    let id = status["ConsentStatus"]["id"].as_str().expect("an id");
    let session = journey.open_session(id).await;
    journey.fetch_data(&session).await.expect_ok()
}

/// Returns the number of accounts in each entry, by FIP.
fn count_accounts(fetched: &Value) -> BTreeMap<String, Vec<usize>> {
    let mut counts: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for entry in fetched["FI"].as_array().expect("a list") {
        let fip = entry["fipID"].as_str().expect("an id").to_owned();
        let accounts = entry["data"].as_array().expect("a list").len();
        counts.entry(fip).or_default().push(accounts);
    }
    counts
}

fn count_distinct_keys(fetched: &Value) -> usize {
    let entries = fetched["FI"].as_array().expect("a list").iter();
    let nonces = entries.map(|entry| entry["KeyMaterial"]["Nonce"].to_string());
    nonces.collect::<std::collections::BTreeSet<_>>().len()
}

#[tokio::test]
async fn a_fip_sends_one_entry_or_one_for_each_account() {
    let app = start_with_fips(&[("FIP-3", json!({ "fiEntries": "per-account" }))]).await;
    let fetched = fetch_all(&app).await;
    let counts = count_accounts(&fetched);
    let [together] = counts["FIP-1"][..] else {
        panic!("{counts:?}");
    };
    assert!(together > 1, "{counts:?}");
    let apart = &counts["FIP-3"];
    assert!(
        apart.len() > 1 && apart.iter().all(|count| *count == 1),
        "{counts:?}"
    );
    assert_eq!(count_distinct_keys(&fetched), 1 + apart.len());
    let documents = decrypt_documents(&key_pair(Curve::Weierstrass), &fetched);
    assert_eq!(documents.len(), together + apart.len());
    for (link_ref, document) in documents {
        assert!(document.contains(&link_ref), "{document}");
    }
}

#[tokio::test]
async fn the_shipped_fips_send_both_forms() {
    let app = TestApp::start().await;
    for (fip, entries) in [
        ("FIP-1", "per-fip"),
        ("FIP-2", "per-fip"),
        ("FIP-3", "per-fip"),
        ("ACME-FIP", "per-account"),
    ] {
        let path = format!("/_mockaa/v1/config/fip/{fip}");
        let settings = app.get(&path).await.expect_ok();
        assert_eq!(settings["fiEntries"], entries, "{fip}");
    }
    let path = "/_mockaa/v1/config/fip/FIP-1";
    let request = app.request(Method::PUT, path);
    let refused = app
        .send(request.json(&json!({ "fiEntries": "each" })))
        .await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("per-account"), "{}", refused.text);
}

#[tokio::test]
async fn a_session_mixes_the_forms_of_its_fips() {
    let app = start_with_fips(&[(
        "FIP-1",
        json!({ "plaintext": "base64", "fiSchema": "2.0.0" }),
    )])
    .await;
    let fetched = fetch_all(&app).await;
    let pair = key_pair(Curve::Weierstrass);
    let versions: BTreeMap<_, _> = decrypt_documents(&pair, &fetched)
        .into_iter()
        .map(|(link_ref, document)| (link_ref, document.contains("version=\"2.0.0\"")))
        .collect();
    for entry in fetched["FI"].as_array().expect("a list") {
        let link_ref = entry["data"][0]["linkRefNumber"]
            .as_str()
            .expect("a number");
        assert_eq!(
            versions[link_ref],
            entry["fipID"] == "FIP-1",
            "{versions:?}"
        );
    }
    // An empty value leaves the form to the FIU again.
    let request = app.request(Method::PUT, "/_mockaa/v1/config/fip/FIP-1");
    let settings = json!({ "plaintext": "", "fiSchema": "" });
    let changed = app.send(request.json(&settings)).await.expect_ok();
    assert!(
        changed.get("plaintext").is_none_or(Value::is_null),
        "{changed}"
    );
    let documents = decrypt_documents(&pair, &fetch_all(&app).await);
    assert!(
        !documents
            .iter()
            .any(|(_, document)| document.contains("version=\"2.0.0\""))
    );
}

/// The scenario precedes the FIP, the FIP the FIU, the FIU the day of the request.
#[tokio::test]
async fn the_generation_of_a_document_is_that_of_the_first_setting() {
    let scenario = "version: 1\nname: older\nfi_schema: retired\nsteps:\n  - { approve: {} }\n";
    let folder = std::env::temp_dir().join(format!("mockaa-older-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("older.yaml"), scenario).expect("a file");
    let app = TestApp::start_with(|builder| builder.scenarios(&folder)).await;
    std::fs::remove_dir_all(&folder).expect("the folder is removed");
    let journey = Journey::new(&app);
    let put = async |path: &str, schema: &str| {
        let request = app.request(Method::PUT, &format!("/_mockaa/v1/config/{path}"));
        let settings = json!({ "fiSchema": schema });
        app.send(request.json(&settings)).await.expect_ok()
    };
    let fetch_version = async |id: &str| {
        let session = journey.open_session(id).await;
        let fetched = journey.fetch_data(&session).await.expect_ok();
        let documents = decrypt_documents(&key_pair(Curve::Weierstrass), &fetched);
        let is_current = documents[0].1.contains(" version=\"2.0.0\"");
        if is_current { "current" } else { "retired" }
    };
    let raise = async || {
        let raised = journey.raise_and_approve(|body| {
            body["ConsentDetail"]["fiTypes"] = json!(["DEPOSIT"]);
            body["ConsentDetail"]["consentExpiry"] = "2029-01-01T00:00:00.000Z".into();
        });
        raised.await.1
    };
    let id = raise().await;
    assert_eq!(fetch_version(&id).await, "retired", "the clock is in 2020");
    put("fiu/FIU-1", "current").await;
    assert_eq!(fetch_version(&id).await, "current");
    put("fip/FIP-1", "1.1").await;
    assert_eq!(fetch_version(&id).await, "retired");
    put("fip/FIP-1", "2.0.0").await;
    let body = crate::participants::consent_request().to_string();
    let request = journey.fiu.build_signed_request(&app, "/Consent", &body);
    let request = request.header("x-mockaa-scenario", "older");
    let handle = crate::helpers::extract_handle(&app.send(request).await.expect_ok());
    let status = journey.fetch_handle_status(&handle).await;
    let driven = status["ConsentStatus"]["id"].as_str().expect("an id");
    assert_eq!(fetch_version(driven).await, "retired");
    assert_eq!(fetch_version(&id).await, "current");
    put("fip/FIP-1", "").await;
    let fiu = put("fiu/FIU-1", "").await;
    assert!(fiu.get("fiSchema").is_none_or(Value::is_null), "{fiu}");
    assert_eq!(fetch_version(&id).await, "retired");
    // The same consent, after the day on which FIPs switched.
    app.advance_clock("1900d").await;
    let later = raise().await;
    assert_eq!(fetch_version(&later).await, "current");
}
