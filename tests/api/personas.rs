//! Personas that a test adds to its world.

use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{Reply, TestApp};

const CUSTOMER: &str = "9876500011@mockaa";

/// Returns the text of a persona whose accounts have these FI types.
fn persona(name: &str, fi_types: &[&str]) -> String {
    let accounts: Vec<_> = fi_types
        .iter()
        .map(|it| format!("{{ type: {it} }}"))
        .collect();
    format!(
        "version: 1\nname: {name}\ndescription: A test.\naccounts: [{}]\n",
        accounts.join(", ")
    )
}

async fn put(app: &TestApp, world: &str, name: &str, text: String) -> Reply {
    let path = format!("{world}/_mockaa/v1/personas/{name}");
    app.send(app.request(Method::PUT, &path).body(text)).await
}

async fn assign(app: &TestApp, world: &str, customer: &str, name: &str) -> Reply {
    let path = format!("{world}/_mockaa/v1/customers/{customer}/persona");
    app.post(&path, &json!({ "persona": name })).await
}

async fn fi_types(app: &TestApp, customer: &str) -> Vec<Value> {
    let path = format!("/_mockaa/v1/customers/{customer}/accounts");
    let accounts = app.get(&path).await.expect_ok()["items"].clone();
    let accounts = accounts.as_array().expect("a list").iter();
    accounts.map(|account| account["fiType"].clone()).collect()
}

#[tokio::test]
async fn a_persona_of_a_world_is_assigned_there_and_in_no_other_world() {
    let app = TestApp::start().await;
    let text = persona("mine", &["NPS", "TERM_DEPOSIT"]);
    let view = put(&app, "", "mine", text).await.expect_ok();
    let expected = json!({
        "name": "mine", "description": "A test.", "fiTypes": ["NPS", "TERM_DEPOSIT"],
        "isDefault": false,
    });
    assert_eq!(view, expected);
    let customer = assign(&app, "", CUSTOMER, "mine").await.expect_ok();
    assert_eq!(customer["persona"], "mine");
    assert_eq!(fi_types(&app, CUSTOMER).await, ["NPS", "TERM_DEPOSIT"]);
    let reply = assign(&app, "/w/other", CUSTOMER, "mine").await;
    assert_eq!(
        (reply.status.as_u16(), &reply.json()["field"]),
        (400, &json!("persona"))
    );
}

#[tokio::test]
async fn the_personas_of_a_world_are_listed_by_name() {
    let app = TestApp::start().await;
    put(&app, "", "mine", persona("mine", &["NPS"]))
        .await
        .expect_ok();
    let list = app.get("/_mockaa/v1/personas").await.expect_ok();
    let list = list["items"].as_array().expect("a list");
    let names: Vec<&str> = list.iter().filter_map(|it| it["name"].as_str()).collect();
    assert!(names.is_sorted() && names.contains(&"mine"), "{names:?}");
    let defaults = list.iter().filter(|it| it["isDefault"] == true);
    let defaults: Vec<&Value> = defaults.map(|it| &it["name"]).collect();
    assert_eq!(defaults, ["salaried"]);
    let other = app.get("/w/other/_mockaa/v1/personas").await.expect_ok();
    let other = other["items"].as_array().expect("a list");
    assert_eq!(other.len(), list.len() - 1);
}

#[tokio::test]
async fn a_customer_keeps_the_assigned_persona_until_it_is_assigned_again() {
    let app = TestApp::start().await;
    put(&app, "", "mine", persona("mine", &["NPS"]))
        .await
        .expect_ok();
    assign(&app, "", CUSTOMER, "mine").await.expect_ok();
    put(&app, "", "mine", persona("mine", &["INVIT"]))
        .await
        .expect_ok();
    assert_eq!(fi_types(&app, CUSTOMER).await, ["NPS"]);
    assign(&app, "", "9876500012@mockaa", "mine")
        .await
        .expect_ok();
    assert_eq!(fi_types(&app, "9876500012@mockaa").await, ["INVIT"]);
    assign(&app, "", CUSTOMER, "mine").await.expect_ok();
    assert_eq!(fi_types(&app, CUSTOMER).await, ["INVIT"]);
}

#[tokio::test]
async fn a_scenario_of_the_world_names_a_persona_of_the_world() {
    let app = TestApp::start().await;
    let scenario = "version: 1\nname: own\npersona: mine\nsteps: [approve: {}]\n";
    let put_scenario = || {
        app.request(Method::PUT, "/_mockaa/v1/scenarios/own")
            .body(scenario)
    };
    let reply = app.send(put_scenario()).await;
    assert_eq!(reply.status, 400);
    assert!(
        reply.text.contains("unknown persona mine"),
        "{}",
        reply.text
    );
    put(
        &app,
        "",
        "mine",
        persona(
            "mine",
            &[
                "DEPOSIT, cash_flows: [{ in: 5, by: upi, any_of: people }]",
                "NPS",
            ],
        ),
    )
    .await
    .expect_ok();
    app.send(put_scenario()).await.expect_ok();
    let handle = app.raise_with_scenario("own").await;
    let consent = app.fetch_consent(&handle).await;
    let customer = consent["customer"].as_str().expect("a customer");
    assert_eq!(fi_types(&app, customer).await, ["DEPOSIT", "NPS"]);
    let reset = json!({ "keep": ["scenarios"] });
    app.post("/_mockaa/v1/reset", &reset).await.expect_ok();
    assign(&app, "", CUSTOMER, "mine").await.expect_ok();
    app.post("/_mockaa/v1/reset", &Value::Null)
        .await
        .expect_ok();
    assert_eq!(assign(&app, "", CUSTOMER, "mine").await.status, 400);
}

#[tokio::test]
async fn the_default_persona_of_a_world_can_be_replaced() {
    let app = TestApp::start().await;
    assert!(fi_types(&app, CUSTOMER).await.contains(&json!("DEPOSIT")));
    put(&app, "", "salaried", persona("salaried", &["NPS"]))
        .await
        .expect_ok();
    assert_eq!(fi_types(&app, CUSTOMER).await, ["NPS"]);
}

#[tokio::test]
async fn a_persona_is_checked_as_a_file_is() {
    let app = TestApp::start().await;
    let text = "version: 1\nname: wrong\ndescription: X\naccounts:\n  - { type: DEPOSITS }\n  - { typ: NPS }\n";
    let reply = put(&app, "", "wrong", text.to_owned()).await;
    assert_eq!(reply.status, 400);
    let diagnostics = reply.json()["diagnostics"].clone();
    let lines: Vec<_> = diagnostics
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| &it["line"])
        .collect();
    assert_eq!(lines, [&json!(5), &json!(6)], "{}", reply.text);
    assert!(
        reply.text.contains("did you mean DEPOSIT?"),
        "{}",
        reply.text
    );
    let file = persona("wrong", &["DEPOSIT, statement: mine.csv"]);
    let reply = put(&app, "", "wrong", file).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text.contains("serve --personas"), "{}", reply.text);
    let reply = put(&app, "", "other", persona("mine", &["NPS"])).await;
    assert_eq!(
        (reply.status.as_u16(), &reply.json()["field"]),
        (400, &json!("name"))
    );
    assert_eq!(assign(&app, "", CUSTOMER, "wrong").await.status, 400);
}
