//! The accounts for which a customer approves, and the reasons for which FIPs deny data.

use serde_json::{Value, json};

use crate::helpers::{Reply, TestApp};
use crate::participants::Journey;

const CUSTOMER: &str = "9876500001@mockaa";

/// Links all accounts of the customer and approves a consent for this choice of accounts.
async fn approve(app: &TestApp, choice: Value) -> (String, Reply) {
    let journey = Journey::new(app);
    let steps = "version: 1\nname: linked\nconsent: manual\nsteps: [link: {}]\n";
    let put = app.request(reqwest::Method::PUT, "/_mockaa/v1/scenarios/linked");
    app.send(put.body(steps)).await.expect_ok();
    let pin = json!({ "customer": CUSTOMER });
    app.post("/_mockaa/v1/scenarios/linked/pin", &pin)
        .await
        .expect_ok();
    let handle = journey.raise_consent(|_| ()).await;
    app.advance_clock("0s").await;
    let path = format!("/_mockaa/v1/consents/{handle}/approve");
    let reply = app.post(&path, &json!({ "accounts": choice })).await;
    (handle, reply)
}

/// Returns FIP and account type of each granted account.
async fn granted(app: &TestApp, choice: Value) -> Vec<(String, String)> {
    let (handle, reply) = approve(app, choice).await;
    reply.expect_ok();
    let consent = app.get(&format!("/_mockaa/v1/consents/{handle}")).await;
    let consent = consent.expect_ok();
    let accounts = consent["accounts"].as_array().expect("a list");
    let text = |account: &Value, name: &str| account[name].as_str().expect("text").to_owned();
    accounts
        .iter()
        .map(|account| (text(account, "fipId"), text(account, "accType")))
        .collect()
}

#[tokio::test]
async fn accounts_are_chosen_by_type_and_left_out() {
    let app = TestApp::start().await;
    let all = granted(&app, json!("all")).await;
    let keep = |condition: &dyn Fn(&str, &str) -> bool| -> Vec<(String, String)> {
        let kept = all.iter().filter(|(fip, kind)| condition(fip, kind));
        kept.cloned().collect()
    };
    let currents = keep(&|_, kind| kind == "CURRENT");
    assert!(currents.len() > 1 && currents.len() < all.len(), "{all:?}");
    let choice = json!({ "account_types": ["CURRENT"] });
    assert_eq!(granted(&app, choice).await, currents);
    let choice = json!({ "except": { "account_types": ["CURRENT"] } });
    assert_eq!(
        granted(&app, choice).await,
        keep(&|_, kind| kind != "CURRENT")
    );
    let choice = json!({ "fips": ["FIP-1", "FIP-2"], "except": { "fips": ["FIP-2"] } });
    assert_eq!(granted(&app, choice).await, keep(&|fip, _| fip == "FIP-1"));
    let accounts = app
        .get(&format!(
            "/_mockaa/v1/customers/{CUSTOMER}/accounts?fiType=DEPOSIT"
        ))
        .await
        .expect_ok();
    let link = &accounts["items"][0]["linkRefNumber"];
    let choice = json!({ "except": { "accounts": [link] } });
    assert_eq!(granted(&app, choice).await, all[1..]);
}

#[tokio::test]
async fn a_choice_that_cannot_be_read_is_refused() {
    let app = TestApp::start().await;
    for (choice, problem) in [
        (
            json!("some"),
            "write all, a list of linkRefNumbers, or a filter",
        ),
        (json!({ "account_types": ["GOLD"] }), "GOLD"),
        (json!({ "exclude": {} }), "exclude"),
        (json!({ "except": { "first": 1 } }), "first"),
        (json!({ "fips": [] }), "empty"),
        (json!({ "account_types": [] }), "empty"),
        (json!({ "except": { "fips": [] } }), "empty"),
        (json!({ "except": {} }), "empty"),
        (json!({}), "empty"),
    ] {
        let (handle, refused) = approve(&app, choice.clone()).await;
        assert_eq!(refused.status, 400, "{choice}");
        assert!(refused.text.contains(problem), "{}", refused.text);
        assert_eq!(app.consent_state(&handle).await, "PENDING");
    }
    let everything = json!({ "except": { "fi_types": ["DEPOSIT"] } });
    let (_, refused) = approve(&app, everything).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
}

/// Returns status and description of each account in the last data notification.
fn notified(app: &mut TestApp) -> Vec<(String, String)> {
    let messages = app.fiu.drain_messages();
    let last = messages.last().expect("a webhook").json();
    let fips = last["FIStatusNotification"]["FIStatusResponse"].clone();
    let accounts = fips.as_array().expect("a list").iter();
    let accounts = accounts.flat_map(|fip| fip["Accounts"].as_array().expect("a list"));
    let text = |account: &Value, name: &str| account[name].as_str().expect("text").to_owned();
    accounts
        .map(|account| (text(account, "FIStatus"), text(account, "description")))
        .collect()
}

#[tokio::test]
async fn a_fip_gives_its_reason() {
    const FROZEN: &str = "The account is frozen by a court order";
    let mut app = TestApp::start_with(mockaa::SandboxBuilder::manual_data).await;
    let expected = [("DENIED".to_owned(), FROZEN.to_owned())];
    let (_, id) = Journey::new(&app).raise_and_approve(|_| ()).await;
    let session = Journey::new(&app).open_session(&id).await;
    let path = format!("/_mockaa/v1/sessions/{session}/deliver");
    for (body, problem) in [
        (json!({ "default": { "answer": "DENIED" } }), "reason"),
        (
            json!({ "default": { "answer": "NO", "reason": "x" } }),
            "'NO' is not one of",
        ),
        (
            json!({ "default": { "answer": "DENIED", "reason": " " } }),
            "default is blank",
        ),
    ] {
        let refused = app.post(&path, &body).await;
        assert_eq!(refused.status, 400, "{body}");
        assert!(refused.text.contains(problem), "{}", refused.text);
    }
    let body = json!({ "fips": { "FIP-1": { "answer": "DENIED", "reason": FROZEN } } });
    app.post(&path, &body).await.expect_ok();
    app.advance_clock("0s").await;
    assert_eq!(notified(&mut app), expected);
    // The same in a scenario, in both forms.
    for action in [
        format!("deliver: {{ default: {{ answer: DENIED, reason: {FROZEN} }} }}"),
        format!("deny: {{ reason: {FROZEN} }}"),
    ] {
        let text = format!(
            "version: 1\nname: frozen\nsteps: [approve: {{}}]\nrules: [{{ when: fi.requested, {action} }}]\n"
        );
        let put = app.request(reqwest::Method::PUT, "/_mockaa/v1/scenarios/frozen");
        app.send(put.body(text)).await.expect_ok();
        let pin = json!({ "customer": CUSTOMER });
        app.post("/_mockaa/v1/scenarios/frozen/pin", &pin)
            .await
            .expect_ok();
        let journey = Journey::new(&app);
        let handle = journey.raise_consent(|_| ()).await;
        app.advance_clock("0s").await;
        let status = journey.fetch_handle_status(&handle).await;
        let id = status["ConsentStatus"]["id"].as_str().expect("an id");
        journey.open_session(id).await;
        app.advance_clock("0s").await;
        assert_eq!(notified(&mut app), expected, "{action}");
    }
}
