//! Quirks of FIPs, personas and scenarios: each changes the documents of all three APIs, and nothing
//! is irregular without one.

use std::path::PathBuf;

use mockaa::internals::domain::key_exchange::Curve;
use mockaa::internals::domain::quirk::Quirk;
use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{TestApp, extract_handle};
use crate::inbox::Message;
use crate::lender::Lender;
use crate::participants::{Journey, consent_request, decrypt_documents, key_pair};

/// Returns the values of an attribute in document order.
fn attribute_values<'d>(document: &'d str, name: &str) -> Vec<&'d str> {
    let pattern = format!(" {name}=\"");
    let mut parts = document.split(&pattern[..]);
    parts.next();
    parts
        .map(|part| part.split('"').next().expect("a value"))
        .collect()
}

/// Returns whether a document has the irregularity of a quirk, in either generation.
fn shows(quirk: Quirk, document: &str) -> bool {
    let (_, rows) = document.split_once("Transactions").expect("transactions");
    let times = attribute_values(rows, "transactionTimestamp");
    let days: Vec<_> = times.iter().map(|time| &time[..10]).collect();
    let has_balance = |name| rows.contains(&format!(" {name}=\""));
    let balances = attribute_values(
        rows,
        if has_balance("transactionalBalance") {
            "transactionalBalance"
        } else {
            "currentBalance"
        },
    );
    let narrations = attribute_values(rows, "narration");
    let longest = narrations.iter().map(|text| text.chars().count()).max();
    let all = |values: &[&str], holds: &dyn Fn(&str) -> bool| {
        !values.is_empty() && values.iter().all(|value| holds(value))
    };
    match quirk {
        Quirk::DayClosingBalance => (1..days.len())
            .all(|index| days[index] != days[index - 1] || balances[index] == balances[index - 1]),
        Quirk::MidnightUtc => all(&times, &|time| time.ends_with("T00:00:00.000Z")),
        Quirk::MidnightIst => all(&times, &|time| time.ends_with("T00:00:00+05:30")),
        Quirk::IstMarkedUtc => all(&times, &|time| time.ends_with("+00:00")),
        Quirk::NoOffset => all(&times, &|time| time.len() == "2024-03-31T10:15:00".len()),
        Quirk::NoSeconds => all(&times, &|time| &time[16..] == "+05:30"),
        Quirk::ValueDateWithTime => all(&attribute_values(rows, "valueDate"), &|day| {
            day.contains('T')
        }),
        Quirk::ModeOthers => all(&attribute_values(rows, "mode"), &|mode| mode == "OTHERS"),
        Quirk::EmptyReference => all(&attribute_values(rows, "reference"), &str::is_empty),
        Quirk::EmptyMicr => all(&attribute_values(document, "micrCode"), &str::is_empty),
        Quirk::ZeroTxnId => all(&attribute_values(rows, "txnId"), &|id| id == "0"),
        Quirk::NarrationCut30 => longest == Some(30),
        Quirk::NarrationCut50 => longest == Some(50),
        Quirk::NarrationSpaces => all(&narrations, &|text| {
            text.contains("  ") && text.ends_with(' ')
        }),
        Quirk::NewestFirst => days.is_sorted_by(|first, then| first >= then),
        Quirk::OutOfOrder => !times.is_sorted() && !times.is_sorted_by(|first, then| first >= then),
        Quirk::DuplicateRow => {
            let ids = attribute_values(rows, "txnId");
            let repeated = (1..ids.len()).filter(|index| ids[*index] == ids[index - 1]);
            repeated.count() == 1
        }
        Quirk::PendingTransaction => document.contains("transactionType=\"DEBIT\""),
        Quirk::JavaNumbers => {
            let amounts = attribute_values(rows, "amount");
            amounts.iter().any(|amount| amount.ends_with(".0"))
        }
        Quirk::MissingOptional => !document.contains(" address=\""),
        Quirk::PrefixedElements => document.contains("<aa:Transaction "),
    }
}

/// Asserts that a document has the irregularity of one quirk, and of no other unless it follows.
fn assert_shown(quirk: Quirk, document: &str, origin: &str) {
    assert!(
        shows(quirk, document),
        "{quirk} of {origin}: {}",
        &document[..document.len().min(4_000)]
    );
}

async fn set_fip(app: &TestApp, settings: Value) {
    let request = app.request(Method::PUT, "/_mockaa/v1/config/fip/FIP-1");
    app.send(request.json(&settings)).await.expect_ok();
}

#[tokio::test]
async fn each_quirk_of_a_fip_is_in_its_encrypted_documents() {
    let app = TestApp::start().await;
    let journey = Journey::new(&app);
    let (_, id) = journey
        .raise_and_approve(|body| body["ConsentDetail"]["fiTypes"] = json!(["DEPOSIT"]))
        .await;
    let session = journey.open_session(&id).await;
    let fetch = async || {
        let fetched = journey.fetch_data(&session).await.expect_ok();
        decrypt_documents(&key_pair(Curve::Weierstrass), &fetched)
            .remove(0)
            .1
    };
    for schema in ["current", "retired"] {
        set_fip(&app, json!({ "fiSchema": schema, "quirks": [] })).await;
        let regular = fetch().await;
        for quirk in Quirk::ALL {
            assert!(!shows(*quirk, &regular), "{quirk} without being asked for");
            set_fip(&app, json!({ "quirks": [quirk] })).await;
            assert_shown(*quirk, &fetch().await, schema);
        }
    }
    let request = app.request(Method::PUT, "/_mockaa/v1/config/fip/FIP-1");
    let refused = app
        .send(request.json(&json!({ "quirks": ["upside-down"] })))
        .await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.text.contains("fip.quirks") && refused.text.contains("newest-first"),
        "{}",
        refused.text
    );
}

/// Raises a ReBIT consent that a scenario approves, and returns the id of the artefact.
async fn raise_with_scenario(journey: &Journey<'_>, scenario: &str) -> String {
    let mut body = consent_request();
    body["txnid"] = journey.app.next_txnid().into();
    body["ConsentDetail"]["fiTypes"] = json!(["DEPOSIT"]);
    let request = journey
        .fiu
        .build_signed_request(journey.app, "/Consent", &body.to_string())
        .header("x-mockaa-scenario", scenario);
    let handle = extract_handle(&journey.app.send(request).await.expect_ok());
    let status = journey.fetch_handle_status(&handle).await;
    let id = status["ConsentStatus"]["id"].as_str();
    id.expect("the scenario has approved").to_owned()
}

const PERSONA: &str = "
description: One account with many rows.
holder: { born: 1985..1995 }
accounts:
  - type: DEPOSIT
    opened: 2016..2018
    target_balance: 15000..60000
    cash_flows:
      - { in: 40000, day: 1..9, by: neft, with: AURORA DESIGN GMBH, purpose: \"INVOICE {month} {year}\" }
      - { out: usual, times: 30..40, by: upi, any_of: shops, purpose: PAYMENT }
";

/// Writes a persona and three scenarios for each quirk: one that has the quirk itself, one whose
/// persona has it, and one without, for that of the FIP.
fn write_files() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("mockaa-quirks-{}", std::process::id()));
    for name in ["scenarios", "personas"] {
        std::fs::create_dir_all(folder.join(name)).expect("a folder");
    }
    let rest = "push_data: true\nsteps:\n  - { approve: {} }\nrules:\n  - when: consent.active\n    deliver: { default: READY }\n";
    for quirk in Quirk::ALL {
        let persona = format!("version: 1\nname: p-{quirk}\nquirks: [{quirk}]{PERSONA}");
        let path = folder.join(format!("personas/{quirk}.yaml"));
        std::fs::write(path, persona).expect("a file");
        for (name, key) in [
            (format!("s-{quirk}"), format!("quirks: [{quirk}]")),
            (format!("p-{quirk}"), format!("persona: p-{quirk}")),
            (format!("f-{quirk}"), "persona: salaried".to_owned()),
        ] {
            let scenario = format!("version: 1\nname: {name}\n{key}\n{rest}");
            let path = folder.join(format!("scenarios/{name}.yaml"));
            std::fs::write(path, scenario).expect("a file");
        }
    }
    folder
}

#[tokio::test]
async fn quirks_of_scenarios_personas_and_fips_reach_all_three_apis() {
    let folder = write_files();
    let mut app = TestApp::start_with(|builder| {
        builder
            .scenarios(folder.join("scenarios"))
            .personas(folder.join("personas"))
    })
    .await;
    std::fs::remove_dir_all(&folder).expect("the folder is removed");
    let lender = Lender::log_in(&app).await;
    // A customer keeps the persona of a scenario, so the scenarios without one come first.
    for origin in ["s", "p", "f"] {
        for quirk in Quirk::ALL {
            let scenario = format!("{origin}-{quirk}");
            if origin == "f" {
                set_fip(&app, json!({ "quirks": [quirk] })).await;
            }
            let journey = Journey::new(&app);
            let id = raise_with_scenario(&journey, &scenario).await;
            let session = journey.open_session(&id).await;
            let fetched = journey.fetch_data(&session).await.expect_ok();
            let documents = decrypt_documents(&key_pair(Curve::Weierstrass), &fetched);
            assert_shown(*quirk, &documents[0].1, &format!("{scenario}, ReBIT"));

            let handle = lender.raise_with_scenario(&app, &scenario, |_| ()).await;
            let session = lender.fetch_newest_session(&app, &handle).await;
            let tab = lender.fetch_data(&app, &session).await.expect_ok()["DEPOSIT"].take();
            // Prefixes are of XML, and the tab has no column of pending transactions.
            let is_in_tab = !matches!(*quirk, Quirk::PrefixedElements | Quirk::PendingTransaction);
            if origin != "p" {
                set_fip(&app, json!({ "quirks": [] })).await;
                let handle = lender.raise_with_scenario(&app, "approve", |_| ()).await;
                let session = lender.fetch_newest_session(&app, &handle).await;
                let plain = lender.fetch_data(&app, &session).await.expect_ok()["DEPOSIT"].take();
                let differs = without_ids(&tab) != without_ids(&plain);
                assert_eq!(differs, is_in_tab, "{scenario}, Unaport");
            }
            if origin == "f" {
                set_fip(&app, json!({ "quirks": [quirk] })).await;
            }

            let handle = app.raise_with_scenario(&scenario).await;
            app.advance_clock("2s").await;
            let messages = app.fiu.drain_messages();
            let pushed = messages.iter().filter(|message| message.path == "/FI/Data");
            let data = pushed
                .map(Message::json)
                .find(|body| body["FIData"]["consentHandle"] == *handle)
                .expect("the data is pushed");
            let document = data["FIData"]["xml"][0]["FI"].as_str();
            let document = document.expect("a document");
            assert_shown(*quirk, document, &format!("{scenario}, seed"));
        }
    }
}

/// Returns a tab without what differs between two sessions.
fn without_ids(tab: &Value) -> Value {
    let mut tab = tab.clone();
    for list in ["summary", "transactions", "accountHolder"] {
        for row in tab[list].as_array_mut().expect("rows") {
            for id in ["consentId", "sessionId", "createdAt"] {
                row[id].take();
            }
        }
    }
    tab
}
