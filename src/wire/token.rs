//! Owns the claims and bodies of the token service: entity tokens of Sahamati's IAM and of its
//! legacy OpenID Connect service (Sahamati token service; `docs/sources.md#tokens`). Leaves signing
//! to `crypto`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::domain::participants::RegisteredEntity;
use crate::domain::time::{Millis, Timestamp};
use crate::wire::api_error::ApiError;
use crate::wire::fields::{require_text, require_timestamp, require_uuid};

/// The path of the issuer below the sandbox's URL.
const REALM_PATH: &str = "/auth/realms/sahamati";

/// The lifetime of an entity token: one day.
pub(crate) const TOKEN_LIFETIME: Millis = Millis::from_secs(86_400);

/// The lifetime of a user's token, and of a secret by default: 180 days (token service 2.1.0).
const USER_TOKEN_LIFETIME: Millis = Millis::from_secs(180 * 86_400);

/// `azp` of users' tokens, which authenticate no entity.
const USER_CLIENT: &str = "sahamati-iam";

/// The claims of an entity's token. Of a presented token the signature, `iat`, `exp`, `iss` and
/// `azp` are checked.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Claims {
    exp: i64,
    iat: i64,
    jti: String,
    iss: String,
    sub: String,
    typ: String,
    /// The id of the entity.
    azp: String,
    acr: String,
    scope: String,
    roles: String,
    #[serde(rename = "clientId")]
    client_id: String,
}

impl Claims {
    /// Returns the claims of a new token. `base_url` is the sandbox's URL, `id` the new token's id.
    pub(crate) fn new(
        holder: &RegisteredEntity,
        base_url: &str,
        id: &str,
        validity: TokenValidity,
    ) -> Self {
        let entity = holder.id();
        Self {
            exp: validity.exp,
            iat: validity.iat,
            jti: id.to_owned(),
            iss: format!("{base_url}{REALM_PATH}"),
            sub: entity.to_string(),
            typ: "Bearer".to_owned(),
            azp: entity.to_string(),
            acr: "1".to_owned(),
            scope: "openid".to_owned(),
            roles: holder.kind().to_owned(),
            client_id: entity.to_string(),
        }
    }

    /// Returns the claims of a new token for the user of an entity.
    pub(crate) fn for_user(
        holder: &RegisteredEntity,
        base_url: &str,
        id: &str,
        now: Timestamp,
    ) -> Self {
        let validity = TokenValidity::starting_at(now, USER_TOKEN_LIFETIME);
        Self {
            azp: USER_CLIENT.to_owned(),
            client_id: USER_CLIENT.to_owned(),
            ..Self::new(holder, base_url, id, validity)
        }
    }

    /// Returns the id of the entity whose user has this token, if it is valid at `now` in the world
    /// with this path.
    pub(crate) fn valid_user_entity(&self, world: &str, now: Timestamp) -> Option<&str> {
        let is_valid = self.azp == USER_CLIENT && self.is_valid_in(world, now);
        is_valid.then_some(&*self.sub)
    }

    fn is_valid_in(&self, world: &str, now: Timestamp) -> bool {
        is_issued_in_world(&self.iss, REALM_PATH, world) && self.validity().contains(now)
    }

    /// Returns the entity's id if the token is valid at `now` in the world with this path
    /// (`/w/NAME`, empty for the default world). Each world has its own participants, so a token is
    /// valid in one world only.
    pub(crate) fn valid_entity_id(&self, world: &str, now: Timestamp) -> Option<&str> {
        let is_valid = self.sub == self.azp && self.is_valid_in(world, now);
        is_valid.then_some(&*self.azp)
    }

    /// Returns the id of the entity that holds the token.
    pub(crate) fn entity_id(&self) -> &str {
        &self.azp
    }

    pub(crate) fn validity(&self) -> TokenValidity {
        TokenValidity {
            iat: self.iat,
            exp: self.exp,
        }
    }
}

/// Time during which a token is valid, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TokenValidity {
    pub iat: i64,
    pub exp: i64,
}

impl TokenValidity {
    /// Returns the validity of a token that is issued at `now`.
    pub(crate) fn issued_at(now: Timestamp) -> Self {
        Self::by_two_clocks(now, now)
    }

    fn starting_at(now: Timestamp, lifetime: Millis) -> Self {
        Self {
            iat: to_unix_seconds(now),
            exp: to_unix_seconds(now.saturating_add(lifetime)),
        }
    }

    /// Returns the validity of a token that both clocks find valid, for 24 hours from the later.
    pub(crate) fn by_two_clocks(now: Timestamp, other_now: Timestamp) -> Self {
        Self {
            iat: to_unix_seconds(now.min(other_now)),
            exp: to_unix_seconds(now.max(other_now)) + TOKEN_LIFETIME.0 / 1000,
        }
    }

    pub(crate) fn contains(self, now: Timestamp) -> bool {
        is_valid_at(self.iat, self.exp, now)
    }
}

/// Returns a timestamp in seconds, as tokens contain it.
pub(crate) fn to_unix_seconds(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(1000)
}

/// Returns whether a token is valid at `now`. One that was issued later than `now` comes from
/// before a reset of the world.
pub(crate) fn is_valid_at(iat: i64, exp: i64, now: Timestamp) -> bool {
    (iat..exp).contains(&to_unix_seconds(now))
}

/// Returns whether a token's issuer is this realm in the world with this path (`/w/NAME`, empty for
/// the default world).
pub(crate) fn is_issued_in_world(issuer: &str, realm: &str, world: &str) -> bool {
    let root = issuer.strip_suffix(realm);
    root.is_some_and(|root| match root.rfind("/w/") {
        Some(at) => &root[at..] == world,
        None => world.is_empty(),
    })
}

/// Returns the success body of `/iam/v1/entity/token/generate`.
pub(crate) fn build_iam_response(token: &str, txnid: &str, at: Timestamp) -> Value {
    build_token_response(token, TOKEN_LIFETIME, txnid, at)
}

/// Returns the success body of `/iam/v1/user/token/generate`.
pub(crate) fn build_user_response(token: &str, txnid: &str, at: Timestamp) -> Value {
    build_token_response(token, USER_TOKEN_LIFETIME, txnid, at)
}

/// The body of `/iam/v1/entity/secret/read`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SecretRequest {
    ver: Option<String>,
    timestamp: Option<String>,
    txn_id: Option<String>,
    entity_id: Option<String>,
}

impl SecretRequest {
    /// Validates the request and returns its `txnId` and the entity's id.
    ///
    /// # Errors
    /// The first error, which names its field.
    pub(crate) fn into_content(self) -> Result<(String, String), ApiError> {
        require_text("ver", self.ver)?;
        require_timestamp("timestamp", self.timestamp)?;
        let txnid = require_uuid("txnId", self.txn_id)?;
        Ok((txnid, require_text("entityId", self.entity_id)?))
    }
}

/// Returns the success body of `/iam/v1/entity/secret/read`.
pub(crate) fn build_secret_response(
    entity: &RegisteredEntity,
    txnid: &str,
    at: Timestamp,
    now: Timestamp,
) -> Value {
    let end = now.saturating_add(USER_TOKEN_LIFETIME);
    json!({
        "ver": "1.0.0",
        "timestamp": at.to_string(),
        "txnId": txnid,
        "entityId": &**entity.id(),
        "secret": entity.api_key(),
        "expiresOn": to_unix_seconds(end),
        "expirationDate": end.to_string().trim_end_matches('Z'),
    })
}

fn build_token_response(token: &str, lifetime: Millis, txnid: &str, at: Timestamp) -> Value {
    json!({
        "ver": "1.0.0",
        "timestamp": at.to_string(),
        "txnId": txnid,
        "accessToken": token,
        "expiresIn": lifetime.0 / 1000,
        "tokenType": "Bearer",
    })
}

/// Returns the error body of `/iam/v1/entity/token/generate`.
pub(crate) fn build_iam_error(code: &str, message: &str, txnid: &str, at: Timestamp) -> Value {
    json!({ "ver": "1.0.0", "timestamp": at.to_string(), "txnId": txnid, "errorCode": code, "errorMsg": message })
}

/// Returns the success body of the legacy service (OpenID Connect, client credentials).
pub(crate) fn build_oauth_response(token: &str) -> Value {
    json!({
        "access_token": token,
        "expires_in": TOKEN_LIFETIME.0 / 1000,
        "refresh_expires_in": "0",
        "token_type": "Bearer",
        "not-before-policy": "0",
        "scope": "openid",
    })
}

/// Returns the error body of the legacy service.
pub(crate) fn build_oauth_error(error: &str, description: &str) -> Value {
    json!({ "error": error, "error_description": description })
}
