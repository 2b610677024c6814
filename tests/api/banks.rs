//! Banks that differ: the layouts of narrations, and the names that people read.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::TestApp;
use crate::lender::{APP_PREFIX, FIU_ID, Lender, consent_detail_mut, expect_text};
use crate::pdf_text::read_pdf_text;

const LAYOUTS: [&str; 5] = ["layout-a", "layout-b", "layout-c", "layout-d", "layout-e"];

async fn configure_fip(app: &TestApp, fip: &str, settings: &Value) {
    let request = app.request(Method::PUT, &format!("/_mockaa/v1/config/fip/{fip}"));
    app.send(request.json(settings)).await.expect_ok();
}

/// Returns a lender and a session for a customer with this persona.
async fn prepare_session(app: &TestApp, persona: &str) -> (Lender, String) {
    let lender = Lender::log_in_with_webhooks(app).await;
    let scenario = format!("version: 1\nname: lived\npersona: {persona}\nsteps: [approve: {{}}]\n");
    let request = app.request(Method::PUT, "/_mockaa/v1/scenarios/lived");
    app.send(request.body(scenario)).await.expect_ok();
    let handle = lender
        .raise_with_scenario(app, "lived", |body| {
            consent_detail_mut(body)["FIDataRange"] =
                json!({ "from": "2020-01-01T00:00:00.000Z", "to": "2020-07-01T00:00:00.000Z" });
        })
        .await;
    app.advance_clock("0s").await;
    let session = lender.fetch_newest_session(app, &handle).await;
    (lender, session)
}

async fn fetch_narrations(app: &TestApp, lender: &Lender, session: &str) -> Vec<String> {
    let tabs = lender.fetch_data(app, session).await.expect_ok();
    let rows = tabs["DEPOSIT"]["transactions"].as_array();
    let rows = rows.unwrap_or_else(|| panic!("transactions: {tabs}"));
    rows.iter()
        .map(|row| expect_text(&row["narration"]))
        .collect()
}

#[tokio::test]
async fn the_shipped_banks_have_names_and_all_layouts() {
    let app = TestApp::start().await;
    let list = app.get("/_mockaa/v1/config/fip").await.expect_ok();
    let fips = list["items"].as_array().expect("a list");
    let ids: Vec<_> = fips.iter().map(|fip| expect_text(&fip["id"])).collect();
    assert_eq!(ids.len(), 8);
    assert_eq!(ids[..4], ["FIP-1", "FIP-2", "FIP-3", "ACME-FIP"]);
    let names: BTreeSet<_> = fips.iter().map(|fip| expect_text(&fip["name"])).collect();
    assert!(
        names.len() == 8 && ids.iter().all(|id| !names.contains(id)),
        "{names:?}"
    );
    let layouts: BTreeSet<_> = fips
        .iter()
        .map(|fip| expect_text(&fip["narration"]))
        .collect();
    assert!(layouts.iter().eq(LAYOUTS), "{layouts:?}");
}

#[tokio::test]
async fn a_fip_without_a_layout_has_that_of_its_id() {
    let app = TestApp::start().await;
    configure_fip(&app, "FIP-9", &json!({ "name": "Ninth Bank" })).await;
    let path = "/_mockaa/v1/config/fip/FIP-9";
    assert_eq!(app.get(path).await.expect_ok()["narration"], "layout-b");
    configure_fip(&app, "FIP-9", &json!({ "narration": "layout-e" })).await;
    configure_fip(&app, "FIP-9", &json!({ "name": "Bank Nine" })).await;
    let fip = app.get(path).await.expect_ok();
    assert_eq!(
        (&fip["narration"], &fip["name"]),
        (&"layout-e".into(), &"Bank Nine".into())
    );
}

/// A field that is omitted keeps its value. One that is null, and a name that is empty, have their
/// defaults again, so that an answer of GET can be sent back.
#[tokio::test]
async fn a_field_that_is_null_has_its_default_again() {
    let app = TestApp::start().await;
    let path = "/_mockaa/v1/config/fip/FIP-9";
    configure_fip(
        &app,
        "FIP-9",
        &json!({
            "name": "Ninth Bank", "narration": "layout-e", "fiSchema": "2.0.0",
            "plaintext": "base64", "quirks": ["newest-first"], "linking": "DIRECT",
        }),
    )
    .await;
    let configured = app.get(path).await.expect_ok();
    assert_eq!(configured["fiSchema"], "current");
    configure_fip(&app, "FIP-9", &configured).await;
    assert_eq!(app.get(path).await.expect_ok(), configured);
    let reset = json!({
        "narration": null, "fi_schema": null, "plaintext": null, "quirks": null, "linking": null,
        "name": "",
    });
    configure_fip(&app, "FIP-9", &reset).await;
    configure_fip(&app, "FIP-10", &json!({})).await;
    let mut reset = app.get(path).await.expect_ok();
    let mut fresh = app.get("/_mockaa/v1/config/fip/FIP-10").await.expect_ok();
    for (fip, id) in [(&mut reset, "FIP-9"), (&mut fresh, "FIP-10")] {
        assert_eq!((&fip["id"], &fip["name"]), (&id.into(), &id.into()));
        let fields = fip.as_object_mut().expect("an object");
        // The defaults of these fields follow from the id.
        for name in ["id", "name", "apiKey", "narration"] {
            fields.remove(name);
        }
    }
    assert_eq!(reset, fresh);

    let request = app.request(Method::PUT, "/_mockaa/v1/config/fiu/FIU-1");
    let change = json!({ "unansweredErrorcode": 5, "signingTime": "world" });
    app.send(request.json(&change)).await.expect_ok();
    let request = app.request(Method::PUT, "/_mockaa/v1/config/fiu/FIU-1");
    let change = json!({ "unansweredErrorcode": null, "signingTime": null });
    let fiu = app.send(request.json(&change)).await.expect_ok();
    assert_eq!(
        (&fiu["unansweredErrorcode"], &fiu["signingTime"]),
        (&json!(20), &Value::Null)
    );
}

#[tokio::test]
async fn an_unknown_layout_is_refused_with_the_known_ones() {
    let app = TestApp::start().await;
    let request = app.request(Method::PUT, "/_mockaa/v1/config/fip/FIP-1");
    let refused = app
        .send(request.json(&json!({ "narration": "layout-f" })))
        .await;
    assert_eq!(refused.status, 400);
    let error = refused.json();
    assert_eq!(error["field"], "fip.narration");
    assert!(
        refused.text.contains("'layout-f'") && refused.text.contains(&LAYOUTS.join(", ")),
        "{}",
        refused.text
    );
}

#[tokio::test]
async fn a_layout_that_is_set_at_run_time_is_that_of_the_next_fetch() {
    let app = TestApp::start().await;
    let (lender, session) = prepare_session(&app, "salaried").await;
    for (layout, start) in [
        ("layout-a", "UPI/DR/"),
        ("layout-b", "UPI-"),
        ("layout-c", "TO TRANSFER-UPI/DR/"),
        ("layout-d", "UPI/"),
        ("layout-e", "UPI/P2M/"),
    ] {
        configure_fip(&app, "FIP-1", &json!({ "narration": layout })).await;
        let narrations = fetch_narrations(&app, &lender, &session).await;
        let payments = narrations
            .iter()
            .filter(|narration| narration.contains("UPI"));
        let payments: Vec<_> = payments
            .filter(|narration| narration.contains("/PAYMENT") || narration.contains("-PAYMENT"))
            .collect();
        assert!(
            payments.len() > 20 && payments.iter().all(|payment| payment.starts_with(start)),
            "{layout}: {payments:?}"
        );
    }
}

/// Returns the text of the PDF of an export.
async fn fetch_pdf(app: &TestApp, lender: &Lender, path: &str) -> String {
    let url = format!("{}{APP_PREFIX}/{path}", app.sandbox.base_url());
    let client = reqwest::Client::builder().no_proxy().build();
    let request = client.expect("a client").get(&url);
    let response = request.bearer_auth(&lender.access_token).send().await;
    let bytes = response.expect("an answer").bytes().await.expect("a file");
    read_pdf_text(&bytes)
}

#[tokio::test]
async fn people_read_the_present_name_of_the_bank_and_never_its_id() {
    let app = TestApp::start().await;
    let (lender, session) = prepare_session(&app, "salaried").await;
    let org = &lender.org_id;
    let path = format!("{APP_PREFIX}/FIU/FI/Analytic/{org}/{session}");
    let id = expect_text(&lender.get(&app, &path).await.expect_ok()["reportId"]);
    let report_path = format!("{APP_PREFIX}/FIU/Analitic/{id}/{session}");
    let file_paths = [
        format!("FIU/ExportPdf/{FIU_ID}/{session}"),
        format!("FIU/Analitic/Export/{id}?format=pdf"),
    ];
    for name in ["First Example Bank", "Bank of Renamed Tests"] {
        configure_fip(&app, "FIP-1", &json!({ "name": name })).await;
        for path in &file_paths {
            let text = fetch_pdf(&app, &lender, path).await;
            assert!(
                text.contains(name) && !text.contains("FIP-1"),
                "{path}: {name}"
            );
        }
        let report = lender.get(&app, &report_path).await.expect_ok();
        assert_eq!(report["overview"]["account"]["bankName"], name);
        assert!(
            !report.to_string().contains("FIP-1"),
            "the report has an id"
        );
    }
    let tabs = lender.fetch_data(&app, &session).await.expect_ok();
    assert_eq!(
        tabs["DEPOSIT"]["summary"][0]["fip"], "FIP-1",
        "an id by contract"
    );
}

#[tokio::test]
async fn the_customers_page_names_the_accounts_and_their_banks() {
    let app = TestApp::start().await;
    configure_fip(&app, "FIP-1", &json!({ "name": "Bank of <Renamed> Tests" })).await;
    let handle = app.raise_consent(|_| {}).await;
    let path = format!("/ui/consents/{handle}");
    let pending = app.get(&path).await.text;
    let lines: Vec<_> = pending
        .lines()
        .filter(|line| line.contains("<li>DEPOSIT "))
        .collect();
    assert!(
        lines.len() == 1 && lines[0].contains(" at Bank of &#60;Renamed&#62; Tests"),
        "{lines:?}"
    );
    assert!(!pending.contains("FIP-1"), "{pending}");
    let approval = app.request(Method::POST, &format!("{path}/approve"));
    assert_eq!(app.send(approval).await.status, 303);
    assert!(
        app.get(&path).await.text.contains(lines[0]),
        "the granted account"
    );
    let rejected = app.raise_consent(|_| {}).await;
    let rejection = app.request(Method::POST, &format!("/ui/consents/{rejected}/reject"));
    assert_eq!(app.send(rejection).await.status, 303);
    let page = app.get(&format!("/ui/consents/{rejected}")).await.text;
    assert!(!page.contains("<li>DEPOSIT "), "{page}");
}

/// Returns the number of transactions of each counterparty of a report.
fn count_by_counterparty(report: &Value) -> BTreeMap<String, usize> {
    let months = report["cashflow"]["monthly"].as_array().expect("a list");
    let mut counts = BTreeMap::new();
    for month in months {
        for row in month["transactions"].as_array().expect("a list") {
            let name = format!("{}: {}", row["counterparty"], row["categories"]);
            *counts.entry(name).or_default() += 1;
        }
    }
    counts
}

#[tokio::test]
async fn analytics_read_the_same_from_each_layout() {
    let mut all_differences = Vec::new();
    for (persona, fip) in [
        ("salaried", "FIP-1"),
        ("circular-transactions", "FIP-4"),
        ("over-indebted", "FIP-5"),
        ("nri", "FIP-4"),
        ("small-business", "FIP-2"),
    ] {
        let app = TestApp::start().await;
        let (lender, session) = prepare_session(&app, persona).await;
        let path = format!("{APP_PREFIX}/FIU/FI/Analytic/{}/{session}", lender.org_id);
        let id = expect_text(&lender.get(&app, &path).await.expect_ok()["reportId"]);
        let path = format!("{APP_PREFIX}/FIU/Analitic/{id}/{session}");
        let mut first = None;
        for layout in LAYOUTS {
            configure_fip(&app, fip, &json!({ "narration": layout })).await;
            let report = lender.get(&app, &path).await.expect_ok();
            let counts = count_by_counterparty(&report);
            let first = first.get_or_insert_with(|| counts.clone());
            let differences: Vec<_> = counts
                .iter()
                .filter(|(name, count)| first.get(*name) != Some(count))
                .chain(first.iter().filter(|(name, _)| !counts.contains_key(*name)))
                .collect();
            if !differences.is_empty() {
                all_differences.push(format!("{persona} in {layout}: {differences:?}"));
            }
        }
    }
    assert!(all_differences.is_empty(), "{all_differences:#?}");
}
