//! The token service (`reference/rebit.md` §4.4): entity tokens in the form of Sahamati's IAM and in the legacy one.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::domain::participants::Member;
use crate::domain::time::{Millis, Timestamp};

/// Where the issuer stands below the sandbox's address.
const REALM_PATH: &str = "/auth/realms/sahamati";

/// A token lives a day.
pub const TOKEN_LIFETIME: Millis = Millis::from_secs(86_400);

/// Claims of an entity's token. What we check of one that is presented is the signature, `exp` and `azp`.
#[derive(Debug, Deserialize, Serialize)]
pub struct Claims {
    exp: i64,
    iat: i64,
    jti: String,
    iss: String,
    sub: String,
    typ: String,
    /// The entity's id.
    azp: String,
    acr: String,
    scope: String,
    roles: String,
    #[serde(rename = "clientId")]
    client_id: String,
}

impl Claims {
    /// `base` is the sandbox's address, `id` a fresh one; times are the world's.
    pub fn new(member: &Member, base_url: &str, id: &str, now: Timestamp) -> Self {
        let entity = &member.entity().id;
        let iat = to_unix_seconds(now);
        Self {
            exp: iat + TOKEN_LIFETIME.0 / 1000,
            iat,
            jti: id.to_owned(),
            iss: format!("{base_url}{REALM_PATH}"),
            sub: entity.to_string(),
            typ: "Bearer".to_owned(),
            azp: entity.to_string(),
            acr: "1".to_owned(),
            scope: "openid".to_owned(),
            roles: member.kind().to_owned(),
            client_id: entity.to_string(),
        }
    }

    /// Whose token it is, if it holds now in the world of this path (`/w/NAME`, nothing for the default one): worlds
    /// have participants of their own.
    pub fn valid_entity_id(&self, world: &str, now: Timestamp) -> Option<&str> {
        let is_valid = is_issued_in_world(&self.iss, REALM_PATH, world)
            && is_valid_at(self.iat, self.exp, now);
        is_valid.then_some(&*self.azp)
    }
}

/// An instant as tokens have it.
pub fn to_unix_seconds(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(1000)
}

/// Whether a token that was issued and expires so is good now; one of a later time is of a world that was reset.
pub fn is_valid_at(iat: i64, exp: i64, now: Timestamp) -> bool {
    (iat..exp).contains(&to_unix_seconds(now))
}

/// Whether a token's issuer is this realm in the world of this path (`/w/NAME`, nothing for the default one).
pub fn is_issued_in_world(issuer: &str, realm: &str, world: &str) -> bool {
    let root = issuer.strip_suffix(realm);
    root.is_some_and(|root| match root.rfind("/w/") {
        Some(at) => &root[at..] == world,
        None => world.is_empty(),
    })
}

/// Answer of `/iam/v1/entity/token/generate`.
pub fn build_iam_response(token: &str, txnid: &str, at: Timestamp) -> Value {
    json!({
        "ver": "1.0.0",
        "timestamp": at.to_string(),
        "txnId": txnid,
        "accessToken": token,
        "expiresIn": TOKEN_LIFETIME.0 / 1000,
        "tokenType": "Bearer",
    })
}

/// Refusal of `/iam/v1/entity/token/generate`.
pub fn build_iam_error(code: &str, message: &str, txnid: &str, at: Timestamp) -> Value {
    json!({ "ver": "1.0.0", "timestamp": at.to_string(), "txnId": txnid, "errorCode": code, "errorMsg": message })
}

/// Answer of the legacy service (OpenID Connect, client credentials).
pub fn build_oauth_response(token: &str) -> Value {
    json!({
        "access_token": token,
        "expires_in": TOKEN_LIFETIME.0 / 1000,
        "refresh_expires_in": "0",
        "token_type": "Bearer",
        "not-before-policy": "0",
        "scope": "openid",
    })
}

/// Refusal of the legacy service.
pub fn build_oauth_error(error: &str, description: &str) -> Value {
    json!({ "error": error, "error_description": description })
}
