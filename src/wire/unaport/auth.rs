//! Login and Refresh Token (Unaport FIU API v2.0.0), and the tokens themselves, as decoded ones of the service look
//! (`reference/unaport.md` §1.3.1).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use thiserror::Error;

use super::Envelope;
use super::form::{self, Rule};
use crate::domain::time::{Span, Timestamp};
use crate::domain::unaport::Dialect;
use crate::wire::fields::Instant;
use crate::wire::participants::derived_id;
use crate::wire::token::{is_current, is_of_world, seconds};

pub const LOGIN_RULES: &[Rule] = &[
    Rule::must("emailId", form::Kind::Email).up_to(254),
    Rule::must("password", form::Kind::Text).between(8, 64),
];

/// Quirk: the table says 255 characters, a real refresh token has about 700.
pub const REFRESH_RULES: &[Rule] = &[Rule::must("refresh_token", form::Kind::Text)];

/// How long an access token is good for: `expires_in` of every documented sample.
const ACCESS_LIFE: Span = Span::seconds(300);

/// How long a refresh token is good for.
const REFRESH_LIFE: Span = Span::seconds(1800);

/// The identity provider's realm below the sandbox's address.
const REALM: &str = "/auth/realms/FIU";

/// What the service's own tokens name as their client.
const CLIENT: &str = "fiu-admin-client";

/// Since when tokens are good, in the recorded answer.
const NOT_BEFORE: i64 = 1_716_885_568;

/// Who has logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub email: String,
    /// The id of the FIU for which they work.
    pub fiu: String,
    /// The login that the token goes back to.
    pub session: String,
}

/// What makes tokens of one instant.
#[derive(Clone, Copy, Debug)]
pub struct Mint<'a> {
    /// The sandbox's address, with the world's prefix.
    pub base: &'a str,
    /// World time.
    pub now: Timestamp,
}

/// What both kinds of token say.
#[derive(Debug, Deserialize, Serialize)]
pub struct Claims {
    exp: i64,
    iat: i64,
    jti: String,
    iss: String,
    sub: String,
    typ: Kind,
    azp: String,
    session_state: String,
    scope: String,
    sid: String,
    /// In refresh tokens it is ours: the service keeps it in its database.
    groups: Vec<String>,
    email: String,
    #[serde(flatten)]
    more: Value,
}

/// Whether it opens calls, or gets fresh tokens.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub enum Kind {
    #[serde(rename = "Bearer")]
    Access,
    Refresh,
}

/// What is wrong with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Flaw {
    #[error("is of another kind")]
    Kind,
    #[error("is of another world")]
    World,
    #[error("is of a later time of this world, which has been reset")]
    Future,
    #[error("has expired by this world's clock")]
    Expired,
}

/// Where a person stands in the realm: the FIU's test entity.
const GROUP: &str = "/UAT/";

impl Claims {
    pub fn new(kind: Kind, person: &Person, jti: String, mint: Mint<'_>) -> Self {
        let iat = seconds(mint.now);
        let iss = format!("{}{REALM}", mint.base);
        let (life, more) = match kind {
            Kind::Access => (
                ACCESS_LIFE,
                json!({
                    "allowed-origins": ["*"],
                    "realm_access": { "roles": ["end-user", "offline_access", "uma_authorization", "default-roles-aa"] },
                    "analyticEnabled": [true],
                    "email_verified": true,
                    "preferred_username": person.email,
                }),
            ),
            Kind::Refresh => (REFRESH_LIFE, json!({ "aud": iss })),
        };
        Self {
            exp: iat + life.0 / 1000,
            iat,
            jti,
            iss,
            sub: derived_id(&["person", &person.email]),
            typ: kind,
            azp: CLIENT.to_owned(),
            session_state: person.session.clone(),
            scope: "email profile".to_owned(),
            sid: person.session.clone(),
            groups: vec![format!("{GROUP}{}", person.fiu)],
            email: person.email.clone(),
            more,
        }
    }

    /// Whose token it is, if it is of this kind and holds now in the world of this path (`/w/NAME`, nothing for the default
    /// one).
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn holder(self, kind: Kind, world: &str, now: Timestamp) -> Result<Person, Flaw> {
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
            .and_then(|group| group.strip_prefix(GROUP))
            .filter(|_| typ == kind);
        let fiu = fiu.ok_or(Flaw::Kind)?.to_owned();
        if !is_of_world(&iss, REALM, world) {
            Err(Flaw::World)
        } else if iat > seconds(now) {
            Err(Flaw::Future)
        } else if !is_current(iat, exp, now) {
            Err(Flaw::Expired)
        } else {
            Ok(Person {
                email,
                fiu,
                session,
            })
        }
    }
}

/// Answer of both calls.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Granted<'a> {
    V2 {
        timestamp: Instant,
        #[serde(rename = "txnId")]
        txn_id: String,
        version: &'static str,
        #[serde(flatten)]
        pair: Pair<'a>,
    },
    V1_7 {
        #[serde(flatten)]
        pair: Pair<'a>,
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

/// Two tokens and how long they are good for, in seconds.
#[derive(Debug, Serialize)]
pub struct Pair<'a> {
    access_token: &'a str,
    expires_in: i64,
    refresh_expires_in: i64,
    refresh_token: &'a str,
    token_type: &'static str,
}

pub fn granted<'a>(
    person: &'a Person,
    access_token: &'a str,
    refresh_token: &'a str,
    dialect: Dialect,
    envelope: Envelope,
) -> Granted<'a> {
    let (expires_in, refresh_expires_in) = (ACCESS_LIFE.0 / 1000, REFRESH_LIFE.0 / 1000);
    let pair = Pair {
        access_token,
        expires_in,
        refresh_expires_in,
        refresh_token,
        token_type: "Bearer",
    };
    match dialect {
        Dialect::V2 => {
            let Envelope {
                version,
                txn_id,
                timestamp,
            } = envelope;
            Granted::V2 {
                timestamp,
                txn_id,
                version,
                pair,
            }
        }
        Dialect::V1_7 => Granted::V1_7 {
            pair,
            not_before_policy: NOT_BEFORE,
            session_state: &person.session,
            scope: "email profile",
            first_name: None,
            last_name: None,
            email: &person.email,
        },
    }
}
