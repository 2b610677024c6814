//! A receiver of the webhooks of a world.

use std::net::Ipv4Addr;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{SandboxWorld, TestError};
use crate::fiu::inbox::{Inbox, ReceivedWebhook, ReceiverBehavior};

/// The longest wait for a webhook.
const WAIT_TIMEOUT: Duration = Duration::from_secs(10);

/// A webhook as it was received.
#[derive(Clone, Debug, PartialEq)]
pub struct Webhook {
    /// The path, such as `/Consent/Notification`.
    pub path: String,
    /// The headers as they came.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub body: Vec<u8>,
    /// The body as JSON; null if it is not JSON.
    pub message: Value,
    /// The first check that it fails: API key, signature or HMAC; `None` if it is valid.
    pub error: Option<String>,
    /// The status with which it was answered: 200 for a valid one.
    pub answered: u16,
}

impl Webhook {
    /// Returns the status of the consent or the session that it reports, such as `ACTIVE`.
    pub fn status(&self) -> Option<&str> {
        let of_consent = self.message["ConsentStatusNotification"]["consentStatus"].as_str();
        of_consent.or_else(|| self.message["FIStatusNotification"]["sessionStatus"].as_str())
    }

    /// Returns the handle of its consent, where it names one.
    pub fn consent_handle(&self) -> Option<&str> {
        self.message["ConsentStatusNotification"]["consentHandle"].as_str()
    }
}

impl From<ReceivedWebhook> for Webhook {
    fn from(received: ReceivedWebhook) -> Self {
        let ReceivedWebhook {
            path,
            webhook_id: _,
            error,
            body,
            message,
            status,
            headers,
            forwarded: _,
        } = received;
        Self {
            path,
            headers,
            body: body.to_vec(),
            message,
            error,
            answered: status,
        }
    }
}

/// A server that receives the webhooks of a world, verifies each one, and accepts those that are valid.
#[derive(Debug)]
pub struct WorldInbox {
    inbox: Inbox,
    received: Vec<Webhook>,
}

impl WorldInbox {
    /// Starts the server, and gives its address to all FIUs of the world.
    pub(super) async fn start(world: &SandboxWorld<'_>) -> Result<Self, TestError> {
        let behavior = ReceiverBehavior {
            response_status: None,
            // Messages of a frozen world carry its time.
            checks_timestamps: false,
        };
        let refuse = |error: anyhow::Error| TestError::Inbox(format!("{error:#}"));
        let inbox =
            Inbox::start((Ipv4Addr::LOCALHOST.into(), 0), behavior, None).map_err(refuse)?;
        let participants = &world.sandbox.config().initial_participants;
        let secrets = participants.fius.iter();
        let secrets = secrets.map(|fiu| fiu.webhook_secret.to_string()).collect();
        inbox
            .set_verification_keys(&world.sandbox.jwks(), secrets)
            .map_err(refuse)?;
        for fiu in &participants.fius {
            let id = utf8_percent_encode(&fiu.entity.id, NON_ALPHANUMERIC);
            let path = format!("config/fiu/{id}");
            let address = json!({ "baseUrl": inbox.url });
            world.control("PUT", &path, address).await?;
        }
        Ok(Self {
            inbox,
            received: Vec::new(),
        })
    }

    /// Returns the address of the server.
    pub fn url(&self) -> &str {
        &self.inbox.url
    }

    /// Returns all webhooks that have arrived, in their order.
    pub fn list_received(&mut self) -> &[Webhook] {
        while let Ok(webhook) = self.inbox.messages.try_recv() {
            self.received.push(webhook.into());
        }
        &self.received
    }

    /// Waits for a valid webhook with this status, such as `ACTIVE`, for 10 s at most. It may have arrived before.
    ///
    /// # Errors
    /// [`TestError::NoWebhook`] with what has arrived.
    pub async fn wait(&mut self, status: &str) -> Result<Webhook, TestError> {
        self.wait_for(status, |webhook| {
            webhook.error.is_none() && webhook.status() == Some(status)
        })
        .await
    }

    /// Waits for a webhook that fits, for 10 s at most. `wanted` describes it in an error.
    ///
    /// # Errors
    /// [`TestError::NoWebhook`] with what has arrived.
    pub async fn wait_for(
        &mut self,
        wanted: &str,
        fits: impl Fn(&Webhook) -> bool,
    ) -> Result<Webhook, TestError> {
        let find = async {
            let mut at = 0;
            loop {
                if let Some(found) = self.received[at..].iter().find(|webhook| fits(webhook)) {
                    return found.clone();
                }
                at = self.received.len();
                match self.inbox.messages.recv().await {
                    Some(next) => self.received.push(next.into()),
                    // The server has stopped; no webhook will come.
                    None => std::future::pending().await,
                }
            }
        };
        let found = tokio::time::timeout(WAIT_TIMEOUT, find).await;
        found.map_err(|_| TestError::NoWebhook {
            wanted: wanted.to_owned(),
            timeout: WAIT_TIMEOUT,
            received: self.describe(),
        })
    }

    fn describe(&self) -> String {
        let lines = self.received.iter().map(|webhook| {
            let error = webhook.error.as_ref();
            let error = error.map_or_else(String::new, |error| format!(" (invalid: {error})"));
            format!(
                "\n  {} {}{error}",
                webhook.path,
                webhook.status().unwrap_or_default()
            )
        });
        let lines: String = lines.collect();
        if lines.is_empty() {
            "nothing".to_owned()
        } else {
            lines
        }
    }
}
