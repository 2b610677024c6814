//! The world of a test in Rust: it raises consents as an FIU does, plays the customer, moves the clock, receives
//! webhooks, and reads the contract report.

mod inbox;
mod report;

pub use inbox::{Webhook, WorldInbox};
pub use report::WorldReport;

use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Certificate, Client, Method};
use serde_json::{Value, json};
use thiserror::Error;

use crate::app::Sandbox;
use crate::config::shipped_key;
use crate::crypto::jws::sign_detached;
use crate::domain::account::FiType;
use crate::domain::participants::SignatureProfile;
use crate::domain::text::escape_controls;
use crate::domain::version::RebitVersion;
use crate::fiu::consent_request::ConsentTerms;
use crate::wire::fields::parse_timestamp;

/// The longest wait for an answer. An advance of the clock goes on as long as its timers run.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(330);

/// The reason why a step of a test fails.
#[derive(Debug, Error)]
pub enum TestError {
    /// The sandbox refuses a call.
    #[error("{call} was answered with {status}: {message}")]
    Refused {
        call: String,
        status: u16,
        message: String,
    },
    /// There is no answer, or it is no JSON.
    #[error("{call} has no answer in JSON: {error}")]
    Unanswered { call: String, error: reqwest::Error },
    /// An answer lacks a field.
    #[error("the answer of {call} has no {field}: {answer}")]
    Incomplete {
        call: String,
        field: &'static str,
        answer: Value,
    },
    /// The server of an inbox cannot start.
    #[error("no inbox can be started: {0}")]
    Inbox(String),
    /// No such webhook has arrived in time.
    #[error("no webhook {wanted} within {timeout:?}; received: {received}")]
    NoWebhook {
        wanted: String,
        timeout: Duration,
        received: String,
    },
    /// The FIU has broken a rule of the contract report, or nothing has tested one.
    #[error("contract report of world {world}:\n{problems}")]
    Contract { world: String, problems: String },
}

/// A world of a sandbox, for one test: its consents, clock and journal are its own. It is created at first use.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let sandbox = mockaa::Sandbox::builder().seed(42).clock("2026-01-31T06:00:00Z,frozen").start().await?;
/// let world = sandbox.world("pays-out-once");
/// let mut inbox = world.inbox().await?;
/// let handle = world.raise("9876543210").await?;
/// assert_eq!(world.approve(&handle).await?, "ACTIVE");
/// world.advance("1s").await?;
/// assert_eq!(inbox.wait("ACTIVE").await?.consent_handle(), Some(&*handle));
/// world.report().await?.check(&["acknowledges-webhooks"])?;
/// # sandbox.stop().await;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct SandboxWorld<'s> {
    sandbox: &'s Sandbox,
    name: String,
    base_url: String,
    client: Client,
}

impl Sandbox {
    /// Returns the world with this name: 1 to 64 letters, digits, dots, dashes and underscores.
    ///
    /// # Panics
    /// The system has no resources for an HTTP client.
    pub fn world(&self, name: impl Into<String>) -> SandboxWorld<'_> {
        let name = name.into();
        let authority = self.authority();
        let authority = authority.map(|pem| Certificate::from_pem(pem.as_bytes()));
        let authority = authority.map(|certificate| certificate.expect("the sandbox has read it"));
        let client = Client::builder().no_proxy().timeout(ANSWER_TIMEOUT);
        let client = client.tls_certs_only(authority).build();
        SandboxWorld {
            base_url: format!(
                "{}/w/{}",
                self.base_url(),
                utf8_percent_encode(&name, NON_ALPHANUMERIC)
            ),
            client: client.expect("these settings go together"),
            sandbox: self,
            name,
        }
    }
}

impl SandboxWorld<'_> {
    /// Returns the address of the Account Aggregator for the FIU under test.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Calls the control API of the world, whose paths begin with `/_mockaa/v1/`; the body is in JSON, null for none.
    ///
    /// # Errors
    /// [`TestError::Refused`] with the status and the text of the answer.
    pub async fn control(&self, method: &str, path: &str, body: Value) -> Result<Value, TestError> {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let token = self.sandbox.control_token();
        let authorization = token.map(|token| ("authorization", format!("Bearer {token}")));
        let path = format!("/_mockaa/v1/{path}");
        self.call(method, &path, authorization.as_slice(), body)
            .await
    }

    /// Raises a consent for a mobile number or an address of an AA, as the first FIU of the sandbox: for the deposits
    /// of twelve months, signed with its development key. Returns the handle.
    ///
    /// # Errors
    /// The AA refuses the request, for example in a scenario that lets it fail.
    pub async fn raise(&self, customer: &str) -> Result<String, TestError> {
        let clock = self.control("GET", "clock", Value::Null).await?;
        let now = clock["now"].as_str().and_then(parse_timestamp);
        let now = now.ok_or_else(|| incomplete("GET clock", "now", &clock))?;
        let config = self.sandbox.config();
        let participants = &config.initial_participants;
        let fiu = participants.default_fiu();
        let customer = if customer.contains('@') {
            customer.to_owned()
        } else {
            format!("{customer}@{}", participants.default_aa().handle)
        };
        let terms = ConsentTerms {
            now,
            customer,
            fi_types: vec![FiType::Deposit],
        };
        let message = terms.build_message(RebitVersion::V2_0_0, &fiu.entity.id);
        let body = message.to_string();
        let mut headers = vec![("client_api_key", fiu.entity.api_key.to_string())];
        // Without the key of an FIU the call is not signed, which only a strict sandbox refuses.
        let signature = shipped_key(&fiu.entity.id)
            .and_then(|key| sign_detached(&key, body.as_bytes(), SignatureProfile::Detached));
        headers.extend(signature.map(|signature| ("x-jws-signature", signature)));
        let answer = self.call("POST", "/Consent", &headers, body).await?;
        take_text("POST /Consent", "ConsentHandle", &answer)
    }

    /// Returns the state of a consent, such as `ACTIVE`.
    ///
    /// # Errors
    /// The handle is unknown.
    pub async fn state(&self, handle: &str) -> Result<String, TestError> {
        let path = format!("consents/{handle}");
        let consent = self.control("GET", &path, Value::Null).await?;
        take_text(&path, "state", &consent)
    }

    /// Does `approve`, `reject`, `pause`, `resume`, `revoke`, `fail`, `expire` or `activate` with a consent. Returns
    /// its state.
    ///
    /// # Errors
    /// The action is not possible in the state of the consent; the text lists those that are.
    pub async fn act(&self, handle: &str, action: &str) -> Result<String, TestError> {
        let path = format!("consents/{handle}/{action}");
        let consent = self.control("POST", &path, Value::Null).await?;
        take_text(&path, "state", &consent)
    }

    /// Approves a consent for the customer, with all accounts. Returns its state.
    ///
    /// # Errors
    /// The consent is not pending.
    pub async fn approve(&self, handle: &str) -> Result<String, TestError> {
        self.act(handle, "approve").await
    }

    /// Advances the clock by a duration, such as `2s` or `P30D`. All that is due happens in order, and the webhooks are
    /// answered when this returns.
    ///
    /// # Errors
    /// The duration cannot be read, or the clock does not arrive within a minute.
    pub async fn advance(&self, by: &str) -> Result<(), TestError> {
        self.advance_clock(json!({ "by": by })).await
    }

    /// Advances the clock to an instant, such as `2035-01-01T00:00:00Z`.
    ///
    /// # Errors
    /// As [`SandboxWorld::advance`]; time does not go back.
    pub async fn advance_to(&self, instant: &str) -> Result<(), TestError> {
        self.advance_clock(json!({ "to": instant })).await
    }

    async fn advance_clock(&self, target: Value) -> Result<(), TestError> {
        let advanced = self.control("POST", "clock/advance", target).await?;
        if advanced["stopped"] == "target" {
            return Ok(());
        }
        Err(TestError::Refused {
            call: "POST clock/advance".to_owned(),
            status: 200,
            message: format!("the clock stopped before its target: {advanced}"),
        })
    }

    /// Starts a receiver of the webhooks of all FIUs of this world, which verifies each one.
    ///
    /// # Errors
    /// No port is free.
    pub async fn inbox(&self) -> Result<WorldInbox, TestError> {
        WorldInbox::start(self).await
    }

    /// Returns the contract report, which grades how the FIU has behaved in this world.
    ///
    /// # Errors
    /// The sandbox has stopped.
    pub async fn report(&self) -> Result<WorldReport, TestError> {
        let content = self.control("GET", "report", Value::Null).await?;
        Ok(WorldReport::new(content))
    }

    /// Deletes the world. A sandbox that is dropped deletes all of its worlds.
    ///
    /// # Errors
    /// It does not exist.
    pub async fn delete(self) -> Result<(), TestError> {
        let path = format!(
            "worlds/{}",
            utf8_percent_encode(&self.name, NON_ALPHANUMERIC)
        );
        let default = self.sandbox.world("default");
        default
            .control("DELETE", &path, Value::Null)
            .await
            .map(drop)
    }

    async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: String,
    ) -> Result<Value, TestError> {
        let call = format!("{method} {path}");
        let known = method.parse::<Method>();
        let method = known.map_err(|_| TestError::Refused {
            call: call.clone(),
            status: 405,
            message: "it is no method of HTTP".to_owned(),
        })?;
        let url = format!("{}{path}", self.base_url);
        let mut request = self.client.request(method, url);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if !body.is_empty() {
            request = request
                .header("content-type", "application/json")
                .body(body);
        }
        let unanswered = |error| TestError::Unanswered {
            call: call.clone(),
            error,
        };
        let response = request.send().await.map_err(unanswered)?;
        let status = response.status();
        let text = response.text().await.map_err(unanswered)?;
        if !status.is_success() {
            return Err(TestError::Refused {
                call,
                status: status.as_u16(),
                message: escape_controls(&text).into_owned(),
            });
        }
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }
}

fn take_text(call: &str, field: &'static str, answer: &Value) -> Result<String, TestError> {
    let text = answer[field].as_str().map(str::to_owned);
    text.ok_or_else(|| incomplete(call, field, answer))
}

fn incomplete(call: &str, field: &'static str, answer: &Value) -> TestError {
    TestError::Incomplete {
        call: call.to_owned(),
        field,
        answer: answer.clone(),
    }
}
