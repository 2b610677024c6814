//! The token service (`reference/rebit.md` §4.4): entity tokens in the form of Sahamati's IAM and in the legacy one.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::domain::participants::Member;
use crate::domain::time::{Span, Timestamp};

/// Where the issuer stands below the sandbox's address.
const REALM: &str = "/auth/realms/sahamati";

/// A token lives a day.
pub const LIFE: Span = Span::seconds(86_400);

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
    pub fn new(member: &Member, base: &str, id: &str, now: Timestamp) -> Self {
        let entity = &member.entity().id;
        let iat = seconds(now);
        Self {
            exp: iat + LIFE.0 / 1000,
            iat,
            jti: id.to_owned(),
            iss: format!("{base}{REALM}"),
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
    pub fn holder(&self, world: &str, now: Timestamp) -> Option<&str> {
        let holds = is_of_world(&self.iss, REALM, world) && is_current(self.iat, self.exp, now);
        holds.then_some(&*self.azp)
    }
}

/// An instant as tokens have it.
pub fn seconds(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(1000)
}

/// Whether a token that was issued and expires so is good now; one of a later time is of a world that was reset.
pub fn is_current(iat: i64, exp: i64, now: Timestamp) -> bool {
    (iat..exp).contains(&seconds(now))
}

/// Whether a token's issuer is this realm in the world of this path (`/w/NAME`, nothing for the default one).
pub fn is_of_world(issuer: &str, realm: &str, world: &str) -> bool {
    let root = issuer.strip_suffix(realm);
    root.is_some_and(|root| match root.rfind("/w/") {
        Some(at) => &root[at..] == world,
        None => world.is_empty(),
    })
}

/// Answer of `/iam/v1/entity/token/generate`.
pub fn generated(token: &str, txnid: &str, at: Timestamp) -> Value {
    json!({
        "ver": "1.0.0",
        "timestamp": at.to_string(),
        "txnId": txnid,
        "accessToken": token,
        "expiresIn": LIFE.0 / 1000,
        "tokenType": "Bearer",
    })
}

/// Refusal of `/iam/v1/entity/token/generate`.
pub fn not_generated(code: &str, message: &str, txnid: &str, at: Timestamp) -> Value {
    json!({ "ver": "1.0.0", "timestamp": at.to_string(), "txnId": txnid, "errorCode": code, "errorMsg": message })
}

/// Answer of the legacy service (OpenID Connect, client credentials).
pub fn granted(token: &str) -> Value {
    json!({
        "access_token": token,
        "expires_in": LIFE.0 / 1000,
        "refresh_expires_in": "0",
        "token_type": "Bearer",
        "not-before-policy": "0",
        "scope": "openid",
    })
}

/// Refusal of the legacy service.
pub fn not_granted(error: &str, description: &str) -> Value {
    json!({ "error": error, "error_description": description })
}
