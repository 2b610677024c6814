//! The check of a webhook: the AA's API key, and both signatures over the received bytes.

use actix_web::http::header::HeaderMap;
use serde_json::Value;
use thiserror::Error;

use crate::crypto::base64::url_decode;
use crate::crypto::{jws, webhook};
use crate::domain::participants::PublicKey;
use crate::domain::text::quote_value;
use crate::domain::time::Timestamp;
use crate::wire::token::Claims;

/// The keys and secrets that webhooks are verified with.
#[derive(Debug, Default)]
pub(crate) struct VerificationKeys {
    /// The published keys of the AAs.
    pub aa_keys: Vec<PublicKey>,
    /// The webhook secrets of the FIUs whose webhooks arrive.
    secrets: Vec<String>,
}

/// The first check that a webhook fails.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum WebhookError {
    #[error("{0}")]
    ApiKey(String),
    #[error("{0}")]
    Signature(String),
}

impl VerificationKeys {
    /// Reads the keys of a JWK set; `None` if one of them is no RSA key, or there is none.
    pub(crate) fn parse(jwks: &Value, secrets: Vec<String>) -> Option<Self> {
        let aa_keys = jwks["keys"].as_array()?.iter().map(parse_rsa_jwk);
        let aa_keys: Vec<_> = aa_keys.collect::<Option<_>>()?;
        (!aa_keys.is_empty()).then_some(Self { aa_keys, secrets })
    }

    /// Checks the API key and the signatures of a webhook. `message` is the body as JSON, null if it is none.
    ///
    /// # Errors
    /// The first check that fails, in words.
    pub(crate) fn check_webhook(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        message: &Value,
        now: Timestamp,
    ) -> Result<(), WebhookError> {
        self.check_api_key(headers, message, now)
            .map_err(WebhookError::ApiKey)?;
        self.verify_signatures(headers, body)
            .map_err(WebhookError::Signature)
    }

    /// Checks `aa_api_key`: a token must be signed with a published key, be valid now and belong to the
    /// notifier. A key that is no token is accepted, since only the AA and the FIU know it.
    fn check_api_key(
        &self,
        headers: &HeaderMap,
        message: &Value,
        now: Timestamp,
    ) -> Result<(), String> {
        let api_key = required_header(headers, "aa_api_key")?;
        if !api_key.contains('.') {
            return Ok(());
        }
        let payload = self
            .aa_keys
            .iter()
            .find_map(|key| jws::verify_compact(api_key, key))
            .ok_or("the signature of the token in aa_api_key does not match")?;
        let claims: Claims = serde_json::from_slice(&payload)
            .map_err(|error| format!("the token in aa_api_key has other claims: {error}"))?;
        if !claims.validity().contains(now) {
            return Err("the token in aa_api_key is not valid now".to_owned());
        }
        match message["Notifier"]["id"].as_str() {
            Some(notifier) if notifier != claims.entity_id() => Err(format!(
                "the token in aa_api_key belongs to {}, and the notifier is {}",
                claims.entity_id(),
                quote_value(notifier)
            )),
            _ => Ok(()),
        }
    }

    /// Verifies `x-jws-signature` and `webhook-signature`.
    fn verify_signatures(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), String> {
        let keys: Vec<_> = self.aa_keys.iter().collect();
        jws::verify_detached(required_header(headers, "x-jws-signature")?, body, &keys)
            .map_err(|error| error.to_string())?;
        let timestamp = required_header(headers, "webhook-timestamp")?
            .parse()
            .map_err(|_| "webhook-timestamp is not a number".to_owned())?;
        let signature = required_header(headers, "webhook-signature")?;
        let id = required_header(headers, "webhook-id")?;
        let is_valid =
            |secret: &String| webhook::is_valid_payload(secret, id, timestamp, body, signature);
        if self.secrets.iter().any(is_valid) {
            Ok(())
        } else {
            Err("webhook-signature does not match".to_owned())
        }
    }
}

fn parse_rsa_jwk(jwk: &Value) -> Option<PublicKey> {
    Some(PublicKey {
        kid: jwk["kid"].as_str()?.to_owned(),
        modulus: jwk["n"].as_str().and_then(url_decode)?,
        exponent: jwk["e"].as_str().and_then(url_decode)?,
    })
}

fn required_header<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, String> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .ok_or_else(|| format!("missing header {name}"))
}
