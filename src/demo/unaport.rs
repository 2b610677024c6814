//! The lender's calls of the Unaport FIU API, over HTTP as any FIU makes them.

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};

use super::FIU_ID;
use super::api::{Api, BankData, ConsentOrder, FetchOutcome};
use super::bank_data::read_tabs;
use super::calls::{Answer, Calls, read_text};
use super::consent::{ConsentState, CustomerPage, RaisedConsent};
use crate::domain::participants::Participants;
use crate::domain::time::{Millis, Timestamp};
use crate::engine::clock::system_now;
use crate::fiu::consent_request::random_message_id;
use crate::fiu::notification::DataNotification;

const APPLICATION_PATH: &str = "/backend-v2/api/v2/FIU";
const COMMON_PATH: &str = "/api/v1";

/// The lender as a user of the Unaport API.
#[derive(Debug)]
pub(super) struct UnaportClient<'a> {
    calls: Calls<'a>,
    session: LoginSession,
}

/// A login of the lender.
#[derive(Debug)]
pub(super) struct LoginSession {
    token: String,
    org_id: String,
    /// The system time from which on another login is needed.
    ends_at: Timestamp,
}

/// The time before the end of a login at which the lender logs in again.
const LOGIN_MARGIN_S: i64 = 30;

impl<'a> UnaportClient<'a> {
    /// Logs in as the lender, unless there is a login.
    ///
    /// # Errors
    /// The answer of the sandbox, in words.
    pub(super) async fn log_in(
        calls: Calls<'a>,
        session: Option<LoginSession>,
    ) -> Result<Self, String> {
        let now = system_now();
        if let Some(session) = session.filter(|session| now < session.ends_at) {
            return Ok(Self { calls, session });
        }
        let mut client = Self {
            calls,
            session: LoginSession {
                token: String::new(),
                org_id: String::new(),
                ends_at: now,
            },
        };
        let credentials =
            json!({ "emailId": "loans@marigold.example", "password": "any-password" });
        let path = format!("{COMMON_PATH}/public/user/login");
        let tokens = client.send(Method::POST, &path, Some(&credentials), None);
        let tokens = tokens.await?.json()?;
        client.session.token = read_text(&tokens, "access_token")?;
        let life = tokens["expires_in"].as_i64().unwrap_or_default();
        client.session.ends_at = now.saturating_add(Millis::from_secs(life - LOGIN_MARGIN_S));
        let path = format!("{COMMON_PATH}/FIU/getClientOrganisation");
        let organisation = client.get(&path).await?;
        client.session.org_id = read_text(&organisation, "orgId")?;
        Ok(client)
    }

    /// Returns the login, for later calls.
    pub(super) fn into_session(self) -> LoginSession {
        self.session
    }

    /// Asks for a consent of the applicant.
    pub(super) async fn raise_consent(
        &self,
        order: &ConsentOrder<'_>,
        aa: &str,
        now: Timestamp,
    ) -> Result<RaisedConsent, String> {
        let customer = json!({
            "id": "", "Identifiers": [{ "type": "MOBILE", "value": order.mobile }],
        });
        let request = json!({
            "ConsentsRequest": {
                "ver": "2.0.0", "timestamp": now.to_string(), "txnid": random_message_id().to_string(),
                "ConsentDetail": order.purpose.build_detail(&customer, now),
            },
            "vuaId": "", "createdBy": "loans@marigold.example", "trackingId": format!("LOAN-{}", order.mobile),
            "aaId": aa, "fiuId": FIU_ID, "fiuBaseUrl": "https://marigold.example",
            "redirectUrl": order.return_url,
        });
        let path = format!("{APPLICATION_PATH}/Consents/{}", self.session.org_id);
        let answer = self.send(Method::POST, &path, Some(&request), order.scenario);
        let answer = answer.await?.json()?;
        Ok(RaisedConsent {
            api: Api::Unaport,
            handle: read_text(&answer, "ConsentHandle")?,
            page: CustomerPage::Address(read_text(&answer, "redirectUrl")?),
            range: order.purpose.data_range(now),
        })
    }

    /// Returns the state of a consent.
    pub(super) async fn fetch_state(&self, handle: &str) -> Result<ConsentState, String> {
        let path = format!("{APPLICATION_PATH}/GetConsent/{handle}");
        let answer = self.get(&path).await?;
        let name = read_text(&answer["Data"][0], "consentStatus")?;
        ConsentState::parse(&name).ok_or_else(|| format!("{name} is no state of a consent"))
    }

    /// Fetches the newest bank data of a consent, unless it is that of the session that the lender has.
    pub(super) async fn fetch_data(
        &self,
        consent: &RaisedConsent,
        known_session: Option<&str>,
        participants: &Participants,
    ) -> Result<FetchOutcome, String> {
        let newest = self.find_session(&consent.handle).await?;
        let newest = newest.filter(|it| it.has_ended && Some(&*it.session) != known_session);
        let Some(newest) = newest else {
            return Ok(FetchOutcome::Pending);
        };
        if newest.ready == 0 {
            return Ok(FetchOutcome::TimedOut);
        }
        let path = format!(
            "{APPLICATION_PATH}/FifetchDataBySessionId/{}",
            newest.session
        );
        let data = self.get(&path).await?;
        let statements = read_tabs(&data, consent.range, |id| {
            participants.fip_name(&Arc::from(id))
        })?;
        Ok(FetchOutcome::Ready(BankData {
            session: newest.session,
            ready: newest.ready,
            total: newest.total,
            statements,
        }))
    }

    /// Returns the newest notification about the data of a consent; `None` while there is none.
    async fn find_session(&self, handle: &str) -> Result<Option<DataNotification>, String> {
        let path = format!("{APPLICATION_PATH}/FINotification/{handle}");
        let answer = self.get(&path).await?;
        let newest = answer["data"].get(0);
        Ok(newest.and_then(DataNotification::from_message))
    }

    /// Generates the analytics of all accounts of a session.
    pub(super) async fn generate_analytics(&self, session: &str) -> Result<(), String> {
        let org_id = &self.session.org_id;
        let path = format!("{APPLICATION_PATH}/FI/AnalyticAggregate/{org_id}/{session}");
        self.get(&path).await.map(drop)
    }

    /// Returns the credit appraisal sheet of a session as a file of a format.
    pub(super) async fn export_appraisal(
        &self,
        session: &str,
        format: &str,
    ) -> Result<Vec<u8>, String> {
        let path = format!("{APPLICATION_PATH}/AnaliticAggregate/Export/{session}?format={format}");
        Ok(self.send(Method::GET, &path, None, None).await?.body)
    }

    async fn get(&self, path: &str) -> Result<Value, String> {
        self.send(Method::GET, path, None, None).await?.json()
    }

    /// Makes a call, under a scenario if one is named, and returns a success.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        scenario: Option<&str>,
    ) -> Result<Answer, String> {
        let call = format!("{method} {}", self.shorten_path(path));
        let body = body.map(Value::to_string);
        let mut request = self.calls.request(method, path, body);
        if !self.session.token.is_empty() {
            request = request.bearer_auth(&self.session.token);
        }
        if let Some(name) = scenario {
            request = request.header("x-mockaa-scenario", name);
        }
        self.calls.send(request, call).await?.require_success()
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
