//! Bodies of Login and Refresh Token (Unaport FIU API v2.0.0), and the claims of the tokens, after
//! decoded tokens of the service (`docs/sources.md#unaport-bodies`).
//!
//! Signing and signature verification are in `crypto::jws`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use thiserror::Error;

use super::Envelope;
use super::field_rules::{self, FieldRule};
use crate::domain::ids::derive_id;
use crate::domain::time::{Millis, Timestamp};
use crate::domain::unaport::UnaportVersion;
use crate::wire::fields::IsoTimestamp;
use crate::wire::token::{is_issued_in_world, is_valid_at, to_unix_seconds};

pub(crate) const LOGIN_RULES: &[FieldRule] = &[
    FieldRule::mandatory("emailId", field_rules::FieldType::Email).with_max_length(254),
    FieldRule::mandatory("password", field_rules::FieldType::Text).with_length_between(8, 64),
];

/// Quirk: no maximum length; the table has 255 characters, a real refresh token about 700.
pub(crate) const REFRESH_RULES: &[FieldRule] = &[FieldRule::mandatory(
    "refresh_token",
    field_rules::FieldType::Text,
)];

/// The lifetime of an access token: `expires_in` of every documented sample.
const ACCESS_TOKEN_LIFETIME: Millis = Millis::from_secs(300);

/// The lifetime of a refresh token: `refresh_expires_in` of the documented samples.
const REFRESH_TOKEN_LIFETIME: Millis = Millis::from_secs(1800);

/// The path of the identity provider's realm below the sandbox's address.
const REALM_PATH: &str = "/auth/realms/FIU";

/// The client id (`azp`) in the service's tokens.
const CLIENT_ID: &str = "fiu-admin-client";

/// `not-before-policy` of the recorded answer, in Unix seconds.
const NOT_BEFORE_POLICY: i64 = 1_716_885_568;

/// The user of a valid token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuthenticatedUser {
    pub email: String,
    /// The id of the user's FIU.
    pub fiu: String,
    /// The id of the login session that the token belongs to.
    pub session: String,
}

/// The issuer and the issue time of new tokens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokenIssuer<'a> {
    /// The sandbox's address, with the world's prefix.
    pub base_url: &'a str,
    /// World time.
    pub now: Timestamp,
}

/// The claims of access and refresh tokens.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Claims {
    exp: i64,
    iat: i64,
    jti: String,
    iss: String,
    sub: String,
    typ: TokenType,
    azp: String,
    session_state: String,
    scope: String,
    sid: String,
    /// The group with the user's FIU. In refresh tokens it is an addition of mockaa: the service
    /// keeps it in its database.
    groups: Vec<String>,
    email: String,
    #[serde(flatten)]
    further: Value,
}

/// The type of a token: access tokens authorise calls, refresh tokens get new tokens.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) enum TokenType {
    #[serde(rename = "Bearer")]
    Access,
    Refresh,
}

/// The reason why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum TokenError {
    #[error("has the wrong token type")]
    WrongType,
    #[error("was issued for another world")]
    WrongWorld,
    #[error("was issued at a later time of this world, which has been reset since")]
    IssuedInFuture,
    #[error("has expired by this world's clock")]
    Expired,
}

/// The prefix of a user's group in the realm: the test entities of FIUs.
const GROUP_PREFIX: &str = "/UAT/";

impl Claims {
    pub(crate) fn new(
        token_type: TokenType,
        user: &AuthenticatedUser,
        jti: String,
        issuer: TokenIssuer<'_>,
    ) -> Self {
        let iat = to_unix_seconds(issuer.now);
        let iss = format!("{}{REALM_PATH}", issuer.base_url);
        let (lifetime, further) = match token_type {
            TokenType::Access => (
                ACCESS_TOKEN_LIFETIME,
                json!({
                    "allowed-origins": ["*"],
                    "realm_access": { "roles": ["end-user", "offline_access", "uma_authorization", "default-roles-aa"] },
                    "analyticEnabled": [true],
                    "email_verified": true,
                    "preferred_username": user.email,
                }),
            ),
            TokenType::Refresh => (REFRESH_TOKEN_LIFETIME, json!({ "aud": iss })),
        };
        Self {
            exp: iat + lifetime.0 / 1000,
            iat,
            jti,
            iss,
            sub: derive_id(&["person", &user.email]),
            typ: token_type,
            azp: CLIENT_ID.to_owned(),
            session_state: user.session.clone(),
            scope: "email profile".to_owned(),
            sid: user.session.clone(),
            groups: vec![format!("{GROUP_PREFIX}{}", user.fiu)],
            email: user.email.clone(),
            further,
        }
    }

    /// Returns the user of the token, if the token has the expected type and is valid at `now`.
    ///
    /// `world` is the path prefix of the world: `/w/NAME`, empty for the default world.
    ///
    /// # Errors
    /// The first reason why the token is not accepted.
    pub(crate) fn into_verified_user(
        self,
        expected_type: TokenType,
        world: &str,
        now: Timestamp,
    ) -> Result<AuthenticatedUser, TokenError> {
        let Self {
            exp,
            iat,
            iss,
            typ,
            groups,
            email,
            session_state: session,
            ..
        } = self;
        let fiu = groups
            .first()
            .and_then(|group| group.strip_prefix(GROUP_PREFIX))
            .filter(|_| typ == expected_type);
        let fiu = fiu.ok_or(TokenError::WrongType)?.to_owned();
        if !is_issued_in_world(&iss, REALM_PATH, world) {
            Err(TokenError::WrongWorld)
        } else if iat > to_unix_seconds(now) {
            Err(TokenError::IssuedInFuture)
        } else if !is_valid_at(iat, exp, now) {
            Err(TokenError::Expired)
        } else {
            Ok(AuthenticatedUser {
                email,
                fiu,
                session,
            })
        }
    }
}

/// The answer of Login and of Refresh Token.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum TokenResponse<'a> {
    V2 {
        timestamp: IsoTimestamp,
        #[serde(rename = "txnId")]
        txn_id: String,
        version: &'static str,
        #[serde(flatten)]
        tokens: TokenPair<'a>,
    },
    V1_7 {
        #[serde(flatten)]
        tokens: TokenPair<'a>,
        #[serde(rename = "not-before-policy")]
        not_before_policy: i64,
        session_state: &'a str,
        scope: &'static str,
        #[serde(rename = "firstName")]
        first_name: Option<&'static str>,
        #[serde(rename = "lastName")]
        last_name: Option<&'static str>,
        #[serde(rename = "emailId")]
        email: &'a str,
    },
}

/// An access and a refresh token, and their lifetimes in seconds.
#[derive(Debug, Serialize)]
pub(crate) struct TokenPair<'a> {
    access_token: &'a str,
    expires_in: i64,
    refresh_expires_in: i64,
    refresh_token: &'a str,
    token_type: &'static str,
}

pub(crate) fn build_token_response<'a>(
    user: &'a AuthenticatedUser,
    access_token: &'a str,
    refresh_token: &'a str,
    api_version: UnaportVersion,
    envelope: Envelope,
) -> TokenResponse<'a> {
    let (expires_in, refresh_expires_in) = (
        ACCESS_TOKEN_LIFETIME.0 / 1000,
        REFRESH_TOKEN_LIFETIME.0 / 1000,
    );
    let tokens = TokenPair {
        access_token,
        expires_in,
        refresh_expires_in,
        refresh_token,
        token_type: "Bearer",
    };
    match api_version {
        UnaportVersion::V2 => {
            let Envelope {
                version,
                txn_id,
                timestamp,
            } = envelope;
            TokenResponse::V2 {
                timestamp,
                txn_id,
                version,
                tokens,
            }
        }
        UnaportVersion::V1_7 => TokenResponse::V1_7 {
            tokens,
            not_before_policy: NOT_BEFORE_POLICY,
            session_state: &user.session,
            scope: "email profile",
            first_name: None,
            last_name: None,
            email: &user.email,
        },
    }
}
