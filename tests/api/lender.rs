//! A lender's backend that uses the Unaport FIU API: logs in, keeps its tokens, posts and gets.

use mockaa::SandboxBuilder;
use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{NOW, Reply, TestApp};

pub const COMMON_PREFIX: &str = "/api/v1";
pub const APP_PREFIX: &str = "/backend-v2/api/v2";
pub const FIU_ID: &str = "UNACORES-FIU-UAT";
pub const AA_ID: &str = "UNACORES-AA-UAT";

/// Paths of the lender's server that receive its webhooks, one for each kind.
pub const CONSENT_HOOK: &str = "/hooks/aa/consent";
pub const DATA_HOOK: &str = "/hooks/aa/data";
pub const ANALYTICS_HOOK: &str = "/hooks/analytics";

pub struct Lender {
    pub access_token: String,
    pub refresh_token: String,
    pub org_id: String,
}

impl Lender {
    /// Logs in, reads its organisation, and registers its webhook URLs.
    pub async fn log_in_with_webhooks(app: &TestApp) -> Self {
        let url = |path: &str| format!("{}{path}", app.fiu.url);
        let urls = json!({ "consentUrl": url(CONSENT_HOOK), "dataUrl": url(DATA_HOOK), "analyticsUrl": url(ANALYTICS_HOOK) });
        let request = app
            .request(Method::PUT, &format!("/_mockaa/v1/config/fiu/{FIU_ID}"))
            .json(&urls);
        app.send(request).await.expect_ok();
        Self::log_in(app).await
    }

    pub async fn log_in(app: &TestApp) -> Self {
        let answer = app
            .post(
                &format!("{COMMON_PREFIX}/public/user/login"),
                &credentials(),
            )
            .await
            .expect_ok();
        let mut lender = Self {
            access_token: expect_text(&answer["access_token"]),
            refresh_token: expect_text(&answer["refresh_token"]),
            org_id: String::new(),
        };
        let organisation = lender
            .get(app, &format!("{COMMON_PREFIX}/FIU/getClientOrganisation"))
            .await
            .expect_ok();
        lender.org_id = expect_text(&organisation["orgId"]);
        lender
    }

    pub async fn get(&self, app: &TestApp, path: &str) -> Reply {
        app.send(
            app.request(Method::GET, path)
                .bearer_auth(&self.access_token),
        )
        .await
    }

    pub async fn post(&self, app: &TestApp, path: &str, body: &Value) -> Reply {
        app.send(
            app.request(Method::POST, path)
                .bearer_auth(&self.access_token)
                .json(body),
        )
        .await
    }

    /// Creates the recorded consent, with changes.
    pub async fn create_consent(&self, app: &TestApp, change: impl FnOnce(&mut Value)) -> Reply {
        let mut body = consent_request();
        body["ConsentsRequest"]["txnid"] = app.next_txnid().into();
        change(&mut body);
        self.post(
            app,
            &format!("{APP_PREFIX}/FIU/Consents/{}", self.org_id),
            &body,
        )
        .await
    }

    /// Creates the same consent and returns its handle.
    pub async fn raise_consent(&self, app: &TestApp, change: impl FnOnce(&mut Value)) -> String {
        expect_text(&self.create_consent(app, change).await.expect_ok()["ConsentHandle"])
    }

    /// Creates the recorded consent under this scenario.
    pub async fn raise_with_scenario(
        &self,
        app: &TestApp,
        scenario: &str,
        change: impl FnOnce(&mut Value),
    ) -> String {
        let mut body = consent_request();
        body["ConsentsRequest"]["txnid"] = app.next_txnid().into();
        change(&mut body);
        let path = format!("{APP_PREFIX}/FIU/Consents/{}", self.org_id);
        let request = app
            .request(Method::POST, &path)
            .bearer_auth(&self.access_token)
            .header("x-mockaa-scenario", scenario);
        expect_text(&app.send(request.json(&body)).await.expect_ok()["ConsentHandle"])
    }

    /// Returns the single record of a consent.
    pub async fn fetch_record(&self, app: &TestApp, handle: &str) -> Value {
        self.get(app, &format!("{APP_PREFIX}/FIU/GetConsent/{handle}"))
            .await
            .expect_ok()["Data"][0]
            .clone()
    }

    /// Returns `approveStatus` and `consentStatus`.
    pub async fn fetch_statuses(&self, app: &TestApp, handle: &str) -> (String, String) {
        let record = self.fetch_record(app, handle).await;
        (
            expect_text(&record["approveStatus"]),
            expect_text(&record["consentStatus"]),
        )
    }

    /// Returns the data notifications of a consent.
    pub async fn fetch_notifications(&self, app: &TestApp, handle: &str) -> Vec<Value> {
        let answer = self
            .get(app, &format!("{APP_PREFIX}/FIU/FINotification/{handle}"))
            .await
            .expect_ok();
        assert_eq!(answer["status"], "success");
        answer["data"].as_array().expect("a list").clone()
    }

    /// Returns the newest session of a consent.
    pub async fn fetch_newest_session(&self, app: &TestApp, handle: &str) -> String {
        expect_text(
            &self.fetch_notifications(app, handle).await[0]["FIStatusNotification"]["sessionId"],
        )
    }

    pub async fn fetch_data(&self, app: &TestApp, session: &str) -> Reply {
        self.get(
            app,
            &format!("{APP_PREFIX}/FIU/FifetchDataBySessionId/{session}"),
        )
        .await
    }
}

pub fn credentials() -> Value {
    json!({ "emailId": "dev@lender.example", "password": "any-password" })
}

/// Starts a sandbox with this `mockaa.toml`.
pub async fn start_configured(name: &str, toml: &str) -> TestApp {
    start_configured_with(name, toml, |builder| builder).await
}

pub async fn start_configured_with(
    name: &str,
    toml: &str,
    change: impl FnOnce(SandboxBuilder) -> SandboxBuilder,
) -> TestApp {
    let file = write_temp_file(name, "toml", toml);
    let app = TestApp::start_with(|builder| change(builder.config(&file))).await;
    std::fs::remove_file(&file).expect("the file is removed");
    app
}

/// Writes a temporary file with a unique name.
pub fn write_temp_file(name: &str, extension: &str, text: &str) -> std::path::PathBuf {
    let file = std::env::temp_dir().join(format!(
        "mockaa-unaport-{name}-{}.{extension}",
        std::process::id()
    ));
    std::fs::write(&file, text).expect("the file is written");
    file
}

pub fn expect_text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not a text: {value}"))
        .to_owned()
}

/// Returns the recorded Create Consent request without template, at the tests' time.
pub fn consent_request() -> Value {
    json!({
        "vuaId": "9", "createdBy": "developer@lender.example", "trackingId": "LOAN-4711", "aaId": AA_ID, "fiuId": FIU_ID,
        "redirectUrl": "https://lender.example/back?loan=4711", "fiuBaseUrl": "https://lender.example",
        "ConsentsRequest": {
            "ver": "2.0.0", "timestamp": NOW, "txnid": "97a219c8-42fa-49db-ba0e-b40868c32e6f",
            "ConsentDetail": {
                "consentStart": NOW, "consentExpiry": "2020-12-31T18:29:59.999Z",
                "consentMode": "STORE", "fetchType": "ONETIME",
                "consentTypes": ["PROFILE", "SUMMARY", "TRANSACTIONS"], "fiTypes": ["DEPOSIT"],
                "DataConsumer": { "id": FIU_ID, "type": "FIU" },
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

/// Returns the terms of a [`consent_request`].
pub fn consent_detail_mut(body: &mut Value) -> &mut Value {
    &mut body["ConsentsRequest"]["ConsentDetail"]
}

/// Returns the recorded consent template.
pub fn consent_template() -> Value {
    json!({
        "product_name": "Deposits",
        "ConsentDetail": {
            "consentStart": "2019-10-25T00:00:00.000Z", "consentExpiry": "12", "consentMode": "STORE", "fetchType": "ONETIME",
            "consentTypes": ["PROFILE", "SUMMARY", "TRANSACTIONS"], "fiTypes": ["DEPOSIT"],
            "DataConsumer": { "id": FIU_ID },
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

/// Returns a Create Consent request with a template.
pub fn template_consent_request(product: &str) -> Value {
    json!({
        "vuaId": "", "mobileNumber": "9876500001", "createdBy": "developer@lender.example", "trackingId": "LOAN-4712",
        "aaId": AA_ID, "fiuId": FIU_ID, "redirectUrl": "https://lender.example/back", "fiuBaseUrl": "https://lender.example",
        "productId": product,
    })
}
