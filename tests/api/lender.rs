//! A lender's backend that speaks the Unaport FIU API: logs in, keeps its tokens fresh, posts and gets.

use mockaa::SandboxBuilder;
use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{NOW, Reply, TestApp};

pub const COMMON: &str = "/api/v1";
pub const APP: &str = "/backend-v2/api/v2";
pub const FIU: &str = "UNACORES-FIU-UAT";
pub const AA: &str = "UNACORES-AA-UAT";

/// The lender's webhooks arrive below these paths, which are its own: one for each kind.
pub const CONSENTS: &str = "/hooks/aa/consent";
pub const DATA: &str = "/hooks/aa/data";
pub const ANALYTICS: &str = "/hooks/analytics";

pub struct Lender {
    pub access: String,
    pub refresh: String,
    pub org: String,
}

impl Lender {
    /// Logs in, asks for its organisation, and says where its webhooks go.
    pub async fn arrive(app: &TestApp) -> Self {
        let url = |path: &str| format!("{}{path}", app.fiu.url);
        let urls = json!({ "consentUrl": url(CONSENTS), "dataUrl": url(DATA), "analyticsUrl": url(ANALYTICS) });
        let put = app
            .request(Method::PUT, &format!("/_mockaa/v1/config/fiu/{FIU}"))
            .json(&urls);
        app.send(put).await.ok();
        Self::log_in(app).await
    }

    pub async fn log_in(app: &TestApp) -> Self {
        let answer = app
            .post(&format!("{COMMON}/public/user/login"), &credentials())
            .await
            .ok();
        let mut lender = Self {
            access: text(&answer["access_token"]),
            refresh: text(&answer["refresh_token"]),
            org: String::new(),
        };
        let organisation = lender
            .get(app, &format!("{COMMON}/FIU/getClientOrganisation"))
            .await
            .ok();
        lender.org = text(&organisation["orgId"]);
        lender
    }

    pub async fn get(&self, app: &TestApp, path: &str) -> Reply {
        app.send(app.request(Method::GET, path).bearer_auth(&self.access))
            .await
    }

    pub async fn post(&self, app: &TestApp, path: &str, body: &Value) -> Reply {
        app.send(
            app.request(Method::POST, path)
                .bearer_auth(&self.access)
                .json(body),
        )
        .await
    }

    /// Raises the recorded consent, with changes.
    pub async fn ask(&self, app: &TestApp, change: impl FnOnce(&mut Value)) -> Reply {
        let mut body = request();
        change(&mut body);
        self.post(app, &format!("{APP}/FIU/Consents/{}", self.org), &body)
            .await
    }

    /// The same, and its handle.
    pub async fn raise(&self, app: &TestApp, change: impl FnOnce(&mut Value)) -> String {
        text(&self.ask(app, change).await.ok()["ConsentHandle"])
    }

    /// Raises the recorded consent in a scenario's hands.
    pub async fn raise_with(
        &self,
        app: &TestApp,
        scenario: &str,
        change: impl FnOnce(&mut Value),
    ) -> String {
        let mut body = request();
        change(&mut body);
        let path = format!("{APP}/FIU/Consents/{}", self.org);
        let call = app
            .request(Method::POST, &path)
            .bearer_auth(&self.access)
            .header("x-mockaa-scenario", scenario);
        text(&app.send(call.json(&body)).await.ok()["ConsentHandle"])
    }

    /// The one record of a consent.
    pub async fn record(&self, app: &TestApp, handle: &str) -> Value {
        self.get(app, &format!("{APP}/FIU/GetConsent/{handle}"))
            .await
            .ok()["Data"][0]
            .clone()
    }

    /// `approveStatus` and `consentStatus`.
    pub async fn statuses(&self, app: &TestApp, handle: &str) -> (String, String) {
        let record = self.record(app, handle).await;
        (
            text(&record["approveStatus"]),
            text(&record["consentStatus"]),
        )
    }

    /// The data notifications of a consent.
    pub async fn notified(&self, app: &TestApp, handle: &str) -> Vec<Value> {
        let answer = self
            .get(app, &format!("{APP}/FIU/FINotification/{handle}"))
            .await
            .ok();
        assert_eq!(answer["status"], "success");
        answer["data"].as_array().expect("a list").clone()
    }

    /// The newest session of a consent.
    pub async fn session(&self, app: &TestApp, handle: &str) -> String {
        text(&self.notified(app, handle).await[0]["FIStatusNotification"]["sessionId"])
    }

    pub async fn fetch(&self, app: &TestApp, session: &str) -> Reply {
        self.get(app, &format!("{APP}/FIU/FifetchDataBySessionId/{session}"))
            .await
    }
}

pub fn credentials() -> Value {
    json!({ "emailId": "dev@lender.example", "password": "any-password" })
}

/// A sandbox with the `mockaa.toml` that the test needs.
pub async fn configured(name: &str, toml: &str) -> TestApp {
    configured_with(name, toml, |builder| builder).await
}

pub async fn configured_with(
    name: &str,
    toml: &str,
    change: impl FnOnce(SandboxBuilder) -> SandboxBuilder,
) -> TestApp {
    let file = written(name, "toml", toml);
    let app = TestApp::with(|builder| change(builder.config(&file))).await;
    std::fs::remove_file(&file).expect("it is ours");
    app
}

/// A file of this test's.
pub fn written(name: &str, ending: &str, text: &str) -> std::path::PathBuf {
    let file = std::env::temp_dir().join(format!(
        "mockaa-unaport-{name}-{}.{ending}",
        std::process::id()
    ));
    std::fs::write(&file, text).expect("it is written");
    file
}

pub fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no text: {value}"))
        .to_owned()
}

/// The recorded Create Consent without template, at the tests' time.
pub fn request() -> Value {
    json!({
        "vuaId": "9", "createdBy": "developer@lender.example", "trackingId": "LOAN-4711", "aaId": AA, "fiuId": FIU,
        "redirectUrl": "https://lender.example/back?loan=4711", "fiuBaseUrl": "https://lender.example",
        "ConsentsRequest": {
            "ver": "2.0.0", "timestamp": NOW, "txnid": "97a219c8-42fa-49db-ba0e-b40868c32e6f",
            "ConsentDetail": {
                "consentStart": NOW, "consentExpiry": "2020-12-31T18:29:59.999Z",
                "consentMode": "STORE", "fetchType": "ONETIME",
                "consentTypes": ["PROFILE", "SUMMARY", "TRANSACTIONS"], "fiTypes": ["DEPOSIT"],
                "DataConsumer": { "id": FIU, "type": "FIU" },
                "Customer": { "id": "", "Identifiers": [{ "type": "MOBILE", "value": "9876500001" }] },
                "Purpose": {
                    "code": "103", "refUri": "https://api.rebit.org.in/aa/purpose/103.xml",
                    "text": "Aggregated statement", "Category": { "type": "Financial Reporting" },
                },
                "FIDataRange": { "from": "2020-01-01T00:00:00.000Z", "to": "2020-07-01T00:00:00.000Z" },
                "DataLife": { "unit": "MONTH", "value": 1 }, "Frequency": { "unit": "DAY", "value": 1 },
            },
        },
    })
}

/// Where the terms stand in [`request`].
pub fn detail(body: &mut Value) -> &mut Value {
    &mut body["ConsentsRequest"]["ConsentDetail"]
}

/// The recorded consent template.
pub fn template() -> Value {
    json!({
        "product_name": "Deposits",
        "ConsentDetail": {
            "consentStart": "2019-10-25T00:00:00.000Z", "consentExpiry": "12", "consentMode": "STORE", "fetchType": "ONETIME",
            "consentTypes": ["PROFILE", "SUMMARY", "TRANSACTIONS"], "fiTypes": ["DEPOSIT"],
            "DataConsumer": { "id": FIU },
            "Purpose": {
                "code": "101", "refUri": "https://api.rebit.org.in/aa/purpose/101.xml",
                "text": "Wealth management service", "Category": { "type": "Personal Finance" },
            },
            "FIDataRange": { "from": "-12", "to": "12" },
            "DataLife": { "unit": "YEAR", "value": 1 }, "Frequency": { "unit": "MONTH", "value": 1 },
            "DataFilter": [{}],
        },
    })
}

/// Create Consent with template.
pub fn by_template(product: &str) -> Value {
    json!({
        "vuaId": "", "mobileNumber": "9876500001", "createdBy": "developer@lender.example", "trackingId": "LOAN-4712",
        "aaId": AA, "fiuId": FIU, "redirectUrl": "https://lender.example/back", "fiuBaseUrl": "https://lender.example",
        "productId": product,
    })
}
