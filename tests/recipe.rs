//! The Rust recipe of `docs/testing.md`. The text below this line is the same there, word for word.

use reqwest::{Client, Method};
use serde_json::{Value, json};

/// The time of every world's frozen clock. With a fixed seed, the same calls return the same bytes.
const NOW: &str = "2026-01-31T06:00:00.000Z";

struct Test {
    sandbox: mockaa::Sandbox,
    client: Client,
}

impl Test {
    async fn start() -> Self {
        let builder = mockaa::Sandbox::builder()
            .seed(42)
            .clock(format!("{NOW},frozen"));
        // If your FIU receives webhooks, add its address: `.fiu_url("http://127.0.0.1:9000")`.
        let sandbox = builder.start().await.expect("the sandbox starts");
        let client = Client::builder().no_proxy().build().expect("a client");
        Self { sandbox, client }
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let request = self
            .client
            .request(method, format!("{}{path}", self.sandbox.base_url()));
        let request = request.header("client_api_key", "mockaa-dev-fiu-1-api-key");
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let response = request.send().await.expect("the sandbox answers");
        let response = response.error_for_status().expect("the call succeeds");
        response.json().await.expect("JSON")
    }

    /// Raises a consent over the seed API, whose calls are unsigned, and returns its handle.
    async fn raise(&self) -> String {
        let message = json!({
            "ver": "2.0.0", "timestamp": NOW, "txnid": "0b811819-9044-4856-b0ee-8c88035f8858",
            "ConsentDetail": {
                "consentStart": NOW, "consentExpiry": "2035-01-01T00:00:00.000Z",
                "consentMode": "STORE", "fetchType": "PERIODIC",
                "consentTypes": ["PROFILE", "SUMMARY", "TRANSACTIONS"], "fiTypes": ["DEPOSIT"],
                "DataConsumer": { "id": "FIU-1", "type": "FIU" },
                "Customer": { "id": "9876543210@mockaa" },
                "Purpose": { "code": "101" },
                "FIDataRange": { "from": "2024-01-01T00:00:00.000Z", "to": "2024-12-31T23:59:59.000Z" },
                "DataLife": { "unit": "MONTH", "value": 1 }, "Frequency": { "unit": "DAY", "value": 10 },
            },
        });
        let raised = self.send(Method::POST, "/consent", Some(message)).await;
        raised["ConsentHandle"]
            .as_str()
            .expect("a handle")
            .to_owned()
    }
}

#[tokio::test]
async fn a_consent_expires_when_its_time_has_come() {
    let test = Test::start().await;
    let handle = test.raise().await;
    let path = format!("/_mockaa/v1/consents/{handle}");

    let approved = test
        .send(Method::POST, &format!("{path}/approve"), None)
        .await;
    assert_eq!(approved["state"], "ACTIVE");

    // Advance the clock by nine years.
    let to = json!({ "to": "2035-01-01T00:00:00Z" });
    let advanced = test
        .send(Method::POST, "/_mockaa/v1/clock/advance", Some(to))
        .await;
    assert_eq!(advanced["stopped"], "target");
    assert_eq!(
        test.send(Method::GET, &path, None).await["state"],
        "EXPIRED"
    );

    let report = test.send(Method::GET, "/_mockaa/v1/report", None).await;
    assert_eq!(report["passed"], true, "{report:#}");
    test.sandbox.stop().await;
}
