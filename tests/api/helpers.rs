//! A sandbox with its FIU, and the verbs of the control API as methods.

use std::sync::atomic::{AtomicU64, Ordering};

use mockaa::{Sandbox, SandboxBuilder};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::inbox::Inbox;
use crate::specification;

/// An instant at which the seed documents' own request is valid. The clock is frozen, so that every
/// byte repeats.
pub const NOW: &str = "2020-07-04T06:00:00.000Z";

pub const FIU_1_KEY: &str = "mockaa-dev-fiu-1-api-key";
pub const FIU_2_KEY: &str = "mockaa-dev-fiu-2-api-key";

pub struct TestApp {
    pub sandbox: Sandbox,
    pub fiu: Inbox,
    pub client: Client,
    txnid_count: AtomicU64,
    /// Path prefix of the world: `""`, or `/w/NAME`.
    world: String,
}

/// A response with its body read.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub signature: Option<String>,
    pub text: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.text))
    }

    pub fn expect_ok(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        self.json()
    }
}

impl TestApp {
    pub async fn start() -> Self {
        Self::start_with(|builder| builder).await
    }

    pub async fn start_with(change: impl FnOnce(SandboxBuilder) -> SandboxBuilder) -> Self {
        let fiu = Inbox::start();
        let builder = Sandbox::builder()
            .seed(42)
            .clock(format!("{NOW},frozen"))
            .fiu_url(&fiu.url);
        let sandbox = change(builder).start().await.expect("the sandbox starts");
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        Self {
            sandbox,
            fiu,
            client,
            txnid_count: AtomicU64::new(0),
            world: String::new(),
        }
    }

    /// Returns a `txnid` that no other message of this app has.
    pub fn next_txnid(&self) -> String {
        let number = self.txnid_count.fetch_add(1, Ordering::Relaxed);
        format!("0b811819-9044-4856-b0ee-{number:012}")
    }

    /// Selects another world of the same sandbox.
    pub fn switch_world(&mut self, world: &str) {
        self.world = if world == "default" {
            String::new()
        } else {
            format!("/w/{world}")
        };
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(
            method,
            format!("{}{}{path}", self.sandbox.base_url(), self.world),
        )
    }

    pub async fn send(&self, request: RequestBuilder) -> Reply {
        let request = request.build().expect("a request");
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = self
            .client
            .execute(request)
            .await
            .expect("the sandbox answers");
        let signature = response
            .headers()
            .get("x-jws-signature")
            .map(|value| value.to_str().expect("text").to_owned());
        let reply = Reply {
            status: response.status(),
            signature,
            text: response.text().await.expect("a whole body"),
        };
        specification::check_response(&method, &path, reply.status, &reply.text);
        reply
    }

    /// Returns status and `location` of a response that a browser would follow.
    pub async fn send_raw(&self, request: RequestBuilder) -> (StatusCode, Option<String>) {
        let response = request.send().await.expect("the sandbox answers");
        let location = response
            .headers()
            .get("location")
            .map(|value| value.to_str().expect("text").to_owned());
        (response.status(), location)
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path)).await
    }

    /// Posts a value; null stands for no body.
    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        let request = self.request(Method::POST, path);
        let request = if body.is_null() {
            request
        } else {
            request.json(body)
        };
        self.send(request).await
    }

    /// Posts exactly this text as JSON.
    pub async fn post_text(&self, path: &str, body: impl Into<String>) -> Reply {
        let request = self
            .request(Method::POST, path)
            .header("content-type", "application/json");
        self.send(request.body(body.into())).await
    }

    /// Raises the seed documents' consent, with changes, and returns its handle.
    pub async fn raise_consent(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut body = seed_request();
        change(&mut body);
        extract_handle(&self.post("/consent", &body).await.expect_ok())
    }

    /// Raises a seed consent for this customer.
    pub async fn raise_consent_for(&self, customer: &str) -> String {
        self.raise_consent(|body| body["ConsentDetail"]["Customer"]["id"] = customer.into())
            .await
    }

    /// Raises a seed consent that this scenario drives.
    pub async fn raise_with_scenario(&self, scenario: &str) -> String {
        let request = self
            .request(Method::POST, "/consent")
            .header("x-mockaa-scenario", scenario);
        extract_handle(&self.send(request.json(&seed_request())).await.expect_ok())
    }

    /// Applies a verb to the consent through the control API.
    pub async fn apply_verb(&self, handle: &str, verb: &str) -> Reply {
        self.post(
            &format!("/_mockaa/v1/consents/{handle}/{verb}"),
            &Value::Null,
        )
        .await
    }

    pub async fn fetch_consent(&self, handle: &str) -> Value {
        self.get(&format!("/_mockaa/v1/consents/{handle}"))
            .await
            .expect_ok()
    }

    pub async fn consent_state(&self, handle: &str) -> String {
        self.fetch_consent(handle).await["state"]
            .as_str()
            .expect("a state")
            .to_owned()
    }

    pub async fn count_consents(&self) -> u64 {
        self.get("/_mockaa/v1/world").await.expect_ok()["consents"]
            .as_u64()
            .expect("a count")
    }

    /// Advances the world's clock; the webhooks have arrived when it returns.
    pub async fn advance_clock(&self, by: &str) -> Value {
        self.post("/_mockaa/v1/clock/advance", &json!({ "by": by }))
            .await
            .expect_ok()
    }

    /// Puts faults in force for the whole world.
    pub async fn put_faults(&self, yaml: impl Into<String>) -> Reply {
        let request = self.request(Method::PUT, "/_mockaa/v1/faults/test");
        self.send(request.body(yaml.into())).await
    }

    pub async fn list_deliveries(&self) -> Vec<Value> {
        self.get("/_mockaa/v1/webhooks?after=0").await.expect_ok()["items"]
            .as_array()
            .expect("a list")
            .clone()
    }

    /// Returns the `state` of every delivery, in order.
    pub async fn list_delivery_states(&self) -> Vec<String> {
        self.list_deliveries()
            .await
            .iter()
            .map(|delivery| delivery["state"].as_str().expect("a state").to_owned())
            .collect()
    }

    /// Returns events and remarks, without the HTTP traffic, whose order and times are not
    /// deterministic.
    pub async fn read_journal_events(&self) -> Vec<Value> {
        let is_traffic = |entry: &Value| {
            ["call", "webhook"]
                .iter()
                .any(|kind| entry["kind"] == *kind)
        };
        self.read_full_journal()
            .await
            .into_iter()
            .filter(|entry| !is_traffic(entry))
            .collect()
    }

    /// Returns every entry of the journal.
    pub async fn read_full_journal(&self) -> Vec<Value> {
        self.get("/_mockaa/v1/journal").await.expect_ok()["items"]
            .as_array()
            .expect("a list")
            .clone()
    }
}

/// Returns the seed documents' request with its timestamps filled in.
pub fn seed_request() -> Value {
    let text = include_str!("../../fixtures/seed/consent-request.json")
        .replace("{{current_timestamp}}", NOW);
    serde_json::from_str(&text).expect("the fixture is JSON")
}

/// Returns the same consent request in ReBIT 2.0.0.
pub fn rebit_request() -> Value {
    let mut body = seed_request();
    body["ver"] = "2.0.0".into();
    let detail = &mut body["ConsentDetail"];
    detail["DataConsumer"] = json!({ "id": "FIU-1", "type": "FIU" });
    detail["Purpose"]["refUri"] = "https://api.rebit.org.in/aa/purpose/101.xml".into();
    detail["DataFilter"][0]["value"] = "20000".into();
    detail["Customer"] = json!({ "id": "9876500001@mockaa" });
    detail["consentMode"] = "STORE".into();
    detail["DataLife"] = json!({ "unit": "MONTH", "value": 1 });
    detail
        .as_object_mut()
        .expect("an object")
        .remove("VDRProvider");
    body
}

/// Returns a ReBIT 2.0.0 message with one field of this name and value.
pub fn rebit_message(name: &str, value: &str) -> Value {
    json!({ "ver": "2.0.0", "timestamp": NOW, "txnid": "0b811819-9044-4856-b0ee-8c88035f8858", name: value })
}

pub fn extract_handle(answer: &Value) -> String {
    answer["ConsentHandle"]
        .as_str()
        .expect("a consent handle")
        .to_owned()
}

/// Sets or removes the value at a dotted path; numbers are list indexes.
pub fn set_path(body: &mut Value, path: &str, value: Option<Value>) {
    let (parents, last) = path
        .rsplit_once('.')
        .map_or(("", path), |(parents, last)| (parents, last));
    let mut node = body;
    for part in parents.split('.').filter(|part| !part.is_empty()) {
        node = match part.parse::<usize>() {
            Ok(index) => &mut node[index],
            Err(_) => &mut node[part],
        };
    }
    match value {
        Some(value) => match last.parse::<usize>() {
            Ok(index) => node[index] = value,
            Err(_) => node[last] = value,
        },
        None => {
            node.as_object_mut().expect("an object").remove(last);
        }
    }
}
