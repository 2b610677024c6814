//! The Unaport FIU API, used by a lender's backend with its own server.

mod analytics;
mod auth;
mod consents;
mod data;
mod errors;
mod journeys;
mod settings;
mod tables;
mod webhooks;

use serde_json::Value;

use crate::helpers::TestApp;

/// Returns the keys of an object, in their order.
fn object_keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect()
}

/// Takes the webhooks that have arrived; returns path and status of each.
fn drain_webhooks(app: &mut TestApp) -> Vec<(String, String)> {
    let status_of = |body: &Value| match &body["ConsentStatusNotification"]["consentStatus"] {
        Value::Null => body["FIStatusNotification"]["sessionStatus"]
            .as_str()
            .or(body["status"].as_str())
            .map(str::to_owned),
        status => status.as_str().map(str::to_owned),
    };
    let messages = app.fiu.drain_messages();
    messages
        .into_iter()
        .map(|message| {
            (
                message.path.clone(),
                status_of(&message.json()).expect("a status"),
            )
        })
        .collect()
}

fn owned_pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected
        .iter()
        .map(|(path, status)| ((*path).to_owned(), (*status).to_owned()))
        .collect()
}
