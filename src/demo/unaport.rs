//! The lender's calls of the Unaport FIU API, over HTTP as any FIU makes them.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::offer::Application;
use super::variation::Variation;
use crate::domain::naming::wire_enum;
use crate::domain::terms::TimeRange;
use crate::domain::time::{Millis, Timestamp};
use crate::engine::clock::system_now;

/// The id of the lender in the sandbox (`fixtures/demo.toml`).
pub(super) const FIU_ID: &str = "MARIGOLD-FIU";
/// The AA whose customers apply.
pub(super) const AA_ID: &str = "UNACORES-AA-UAT";

const APPLICATION_PATH: &str = "/backend-v2/api/v2/FIU";
const COMMON_PATH: &str = "/api/v1";

/// The months of bank data that the lender asks for: fewer than the limit of fair use for underwriting.
const DATA_MONTHS: i32 = 12;
/// The validity of the consent, below the month that fair use allows.
const CONSENT_VALIDITY: Millis = Millis::from_secs(7 * 86_400);

/// An entry of a call log: a call of the lender, or a webhook that it has received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CallLogEntry {
    /// Such as `POST /FIU/Consents/{org_id}`.
    pub what: String,
    /// Such as `200, 4 ms`.
    pub result: String,
}

/// The calls and webhooks of a visitor, the newest last.
#[derive(Debug, Default)]
pub(super) struct CallLog(Mutex<CallLogEntries>);

/// The newest entries of a call log.
#[derive(Clone, Debug, Default)]
pub(super) struct CallLogEntries {
    pub entries: VecDeque<CallLogEntry>,
    /// The number of earlier ones, which are not kept.
    pub forgotten: usize,
}

/// The largest number of entries that are kept.
const ENTRIES_MAX: usize = 100;

impl CallLog {
    pub(super) fn add(&self, what: String, result: String) {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if log.entries.len() == ENTRIES_MAX {
            log.entries.pop_front();
            log.forgotten += 1;
        }
        log.entries.push_back(CallLogEntry { what, result });
    }

    pub(super) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = CallLogEntries::default();
    }

    pub(super) fn entries(&self) -> CallLogEntries {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.clone()
    }
}

/// A consent that the lender has asked for.
#[derive(Clone, Debug)]
pub(super) struct RaisedConsent {
    pub handle: String,
    /// The page of the AA on which the customer answers.
    pub aa_page: String,
    /// The range of the bank data.
    pub range: TimeRange,
}

/// A notice of the sandbox about the data of a consent.
#[derive(Clone, Debug)]
pub(super) struct DataNotice {
    pub session: String,
    pub status: String,
    /// The number of accounts whose data can be fetched, and that of all.
    pub ready: usize,
    pub total: usize,
}

impl DataNotice {
    /// Returns whether no more data comes.
    pub(super) fn has_ended(&self) -> bool {
        !matches!(&*self.status, "PENDING" | "ACTIVE")
    }
}

wire_enum! {
    /// State of a consent (Unaport FIU API v2.0.0, `consentStatus`).
    ConsentState {
        /// The customer has not answered, or the answer does not hold yet.
        Created = "CREATED",
        Active = "ACTIVE",
        Paused = "PAUSED",
        Revoked = "REVOKED",
        Expired = "EXPIRED",
        Rejected = "REJECTED",
    }
}

/// The sandbox as the lender reaches it, in the world of one visitor.
#[derive(Debug)]
pub(super) struct UnaportClient<'a> {
    pub http: &'a Client,
    /// The URL of the world, without a slash at its end.
    pub world_url: &'a str,
    pub call_log: &'a CallLog,
    session: LoginSession,
}

/// A login of the lender.
#[derive(Debug, Default)]
pub(super) struct LoginSession {
    token: String,
    org_id: String,
}

impl<'a> UnaportClient<'a> {
    /// Logs in as the lender, unless there is a login.
    ///
    /// # Errors
    /// The answer of the sandbox, in words.
    pub(super) async fn log_in(
        http: &'a Client,
        world_url: &'a str,
        call_log: &'a CallLog,
        session: Option<LoginSession>,
    ) -> Result<Self, String> {
        let mut client = Self {
            http,
            world_url,
            call_log,
            session: session.unwrap_or_default(),
        };
        if !client.session.token.is_empty() {
            return Ok(client);
        }
        let credentials =
            json!({ "emailId": "loans@marigold.example", "password": "any-password" });
        let path = format!("{COMMON_PATH}/public/user/login");
        let tokens = client.call(Method::POST, &path, Some(&credentials)).await?;
        client.session.token = read_text(&tokens, "access_token")?;
        let path = format!("{COMMON_PATH}/FIU/getClientOrganisation");
        let organisation = client.call(Method::GET, &path, None).await?;
        client.session.org_id = read_text(&organisation, "orgId")?;
        Ok(client)
    }

    /// Returns the login, for later calls.
    pub(super) fn into_session(self) -> LoginSession {
        self.session
    }

    /// Asks for a consent to read the bank data of an applicant for underwriting (purpose 103).
    pub(super) async fn raise_consent(
        &self,
        application: &Application,
        now: Timestamp,
        redirect_url: &str,
        message_id: &str,
        variation: Variation,
    ) -> Result<RaisedConsent, String> {
        let range = TimeRange {
            from: now.shift_months(-DATA_MONTHS),
            to: now,
        };
        let detail = json!({
            "consentStart": now.to_string(),
            "consentExpiry": now.saturating_add(CONSENT_VALIDITY).to_string(),
            "consentMode": "STORE", "fetchType": "ONETIME",
            "consentTypes": ["PROFILE", "SUMMARY", "TRANSACTIONS"], "fiTypes": ["DEPOSIT"],
            "DataConsumer": { "id": FIU_ID, "type": "FIU" },
            "Customer": { "id": "", "Identifiers": [{ "type": "MOBILE", "value": application.mobile }] },
            "Purpose": {
                "code": "103", "refUri": "https://api.rebit.org.in/aa/purpose/103.xml",
                "text": "Aggregated statement", "Category": { "type": "Financial Reporting" },
            },
            "FIDataRange": { "from": range.from.to_string(), "to": range.to.to_string() },
            "DataLife": { "unit": "DAY", "value": 1 }, "Frequency": { "unit": "MONTH", "value": 1 },
        });
        let request = json!({
            "ConsentsRequest": {
                "ver": "2.0.0", "timestamp": now.to_string(), "txnid": message_id, "ConsentDetail": detail,
            },
            "vuaId": "", "createdBy": "loans@marigold.example", "trackingId": format!("LOAN-{}", application.mobile),
            "aaId": AA_ID, "fiuId": FIU_ID, "fiuBaseUrl": "https://marigold.example", "redirectUrl": redirect_url,
        });
        let path = format!("{APPLICATION_PATH}/Consents/{}", self.session.org_id);
        let scenario = variation.scenario().map(|_| variation.as_str());
        let bytes = self
            .send(Method::POST, &path, Some(&request), scenario)
            .await?;
        let answer = read_json(&path, &bytes)?;
        Ok(RaisedConsent {
            handle: read_text(&answer, "ConsentHandle")?,
            aa_page: read_text(&answer, "redirectUrl")?,
            range,
        })
    }

    /// Returns the state of a consent.
    pub(super) async fn fetch_state(&self, handle: &str) -> Result<ConsentState, String> {
        let path = format!("{APPLICATION_PATH}/GetConsent/{handle}");
        let answer = self.call(Method::GET, &path, None).await?;
        let name = read_text(&answer["Data"][0], "consentStatus")?;
        ConsentState::parse(&name).ok_or_else(|| format!("{name} is no state of a consent"))
    }

    /// Returns the newest notice about the data of a consent; `None` while there is none.
    pub(super) async fn find_session(&self, handle: &str) -> Result<Option<DataNotice>, String> {
        let path = format!("{APPLICATION_PATH}/FINotification/{handle}");
        let answer = self.call(Method::GET, &path, None).await?;
        let Some(newest) = answer["data"].get(0) else {
            return Ok(None);
        };
        let status = &newest["FIStatusNotification"];
        let banks = status["FIStatusResponse"].as_array();
        let accounts = banks
            .into_iter()
            .flatten()
            .filter_map(|bank| bank["Accounts"].as_array());
        let states = accounts.flatten().map(|account| &account["FIStatus"]);
        Ok(Some(DataNotice {
            session: read_text(status, "sessionId")?,
            status: read_text(status, "sessionStatus")?,
            ready: states.clone().filter(|state| **state == "READY").count(),
            total: states.count(),
        }))
    }

    /// Fetches the bank data of a session.
    pub(super) async fn fetch_data(&self, session: &str) -> Result<Value, String> {
        let path = format!("{APPLICATION_PATH}/FifetchDataBySessionId/{session}");
        self.call(Method::GET, &path, None).await
    }

    /// Generates the analytics of all accounts of a session.
    pub(super) async fn generate_analytics(&self, session: &str) -> Result<(), String> {
        let org_id = &self.session.org_id;
        let path = format!("{APPLICATION_PATH}/FI/AnalyticAggregate/{org_id}/{session}");
        self.call(Method::GET, &path, None).await.map(drop)
    }

    /// Returns the credit appraisal sheet of a session as a file of a format.
    pub(super) async fn export_appraisal(
        &self,
        session: &str,
        format: &str,
    ) -> Result<Vec<u8>, String> {
        let path = format!("{APPLICATION_PATH}/AnaliticAggregate/Export/{session}?format={format}");
        self.send(Method::GET, &path, None, None).await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, String> {
        let bytes = self.send(method, path, body, None).await?;
        read_json(path, &bytes)
    }

    /// Makes a call, under a scenario if one is named, notes it, and returns the body of a success.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        scenario: Option<&str>,
    ) -> Result<Vec<u8>, String> {
        let mut request = self
            .http
            .request(method.clone(), format!("{}{path}", self.world_url));
        if !self.session.token.is_empty() {
            request = request.bearer_auth(&self.session.token);
        }
        if let Some(name) = scenario {
            request = request.header("x-mockaa-scenario", name);
        }
        if let Some(body) = body {
            let body = body.to_string();
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        let begin = system_now();
        let what = format!("{method} {}", self.shorten_path(path));
        let answer = request.send().await.map_err(|error| {
            self.call_log.add(what.clone(), "no answer".to_owned());
            format!("{what} has no answer: {error}")
        })?;
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(|error| error.to_string())?;
        let Millis(duration) = system_now().duration_since(begin);
        self.call_log
            .add(what.clone(), format!("{}, {duration} ms", status.as_u16()));
        if status.is_success() {
            return Ok(bytes.to_vec());
        }
        Err(format!(
            "{what} was answered with {}: {}",
            status.as_u16(),
            String::from_utf8_lossy(&bytes)
        ))
    }

    /// Returns a path as the API's page prints it.
    fn shorten_path(&self, path: &str) -> String {
        let short = path
            .replace(APPLICATION_PATH, "/FIU")
            .replace(COMMON_PATH, "");
        if self.session.org_id.is_empty() {
            short
        } else {
            short.replace(&self.session.org_id, "{org_id}")
        }
    }
}

fn read_json(path: &str, bytes: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(bytes).map_err(|error| format!("{path} is no JSON: {error}"))
}

fn read_text(answer: &Value, field: &str) -> Result<String, String> {
    let text = answer[field].as_str();
    text.map(str::to_owned)
        .ok_or_else(|| format!("the answer has no {field}: {answer}"))
}
