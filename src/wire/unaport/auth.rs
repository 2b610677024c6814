//! Login and Refresh Token (Unaport FIU API v2.0.0), and the tokens themselves, as decoded ones of the service look
//! (`reference/unaport.md` §1.3.1).

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Envelope;
use super::form::{Kind, Rule};
use crate::domain::time::{Span, Timestamp};
use crate::domain::unaport::Dialect;
use crate::wire::fields::Instant;
use crate::wire::participants::derived_id;
use crate::wire::token::{is_current, is_of_world, seconds};

pub const LOGIN_RULES: &[Rule] =
    &[Rule::must("emailId", Kind::Email).up_to(254), Rule::must("password", Kind::Text).between(8, 64)];

/// Quirk: the table says 255 characters, a real refresh token has about 700.
pub const REFRESH_RULES: &[Rule] = &[Rule::must("refresh_token", Kind::Text)];

/// How long an access token is good for: `expires_in` of every documented sample.
pub const ACCESS_LIFE: Span = Span::seconds(300);

/// How long a refresh token is good for.
pub const REFRESH_LIFE: Span = Span::seconds(1800);

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

#[derive(Debug, Deserialize, Serialize)]
struct Realm {
    roles: Vec<String>,
}

/// Claims of an access token.
#[derive(Debug, Deserialize, Serialize)]
pub struct AccessClaims {
    exp: i64,
    iat: i64,
    jti: String,
    iss: String,
    sub: String,
    typ: String,
    azp: String,
    session_state: String,
    #[serde(rename = "allowed-origins")]
    allowed_origins: Vec<String>,
    realm_access: Realm,
    scope: String,
    sid: String,
    #[serde(rename = "analyticEnabled")]
    analytic_enabled: Vec<bool>,
    email_verified: bool,
    groups: Vec<String>,
    preferred_username: String,
    email: String,
}

/// Claims of a refresh token.
#[derive(Debug, Deserialize, Serialize)]
pub struct RefreshClaims {
    exp: i64,
    iat: i64,
    jti: String,
    iss: String,
    aud: String,
    sub: String,
    typ: String,
    azp: String,
    session_state: String,
    scope: String,
    sid: String,
    /// Ours: the service keeps them in its database.
    email: String,
    groups: Vec<String>,
}

/// Where a person stands in the realm: the FIU's test entity.
fn group(fiu: &str) -> String {
    format!("/UAT/{fiu}")
}

fn fiu_of(groups: &[String]) -> Option<String> {
    groups.first()?.strip_prefix("/UAT/").map(str::to_owned)
}

/// What is wrong with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Flaw {
    #[error("is of another kind")]
    Kind,
    #[error("is of another world")]
    World,
    #[error("has expired by this world's clock")]
    Expired,
}

/// What every token has to be.
struct Token<'a> {
    typ: &'a str,
    iat: i64,
    exp: i64,
    iss: &'a str,
}

impl Token<'_> {
    fn check(&self, typ: &str, world: &str, now: Timestamp) -> Result<(), Flaw> {
        if self.typ != typ {
            Err(Flaw::Kind)
        } else if !is_of_world(self.iss, REALM, world) {
            Err(Flaw::World)
        } else if !is_current(self.iat, self.exp, now) {
            Err(Flaw::Expired)
        } else {
            Ok(())
        }
    }
}

impl AccessClaims {
    pub fn new(person: &Person, jti: String, mint: Mint<'_>) -> Self {
        let iat = seconds(mint.now);
        Self {
            exp: iat + ACCESS_LIFE.0 / 1000,
            iat,
            jti,
            iss: format!("{}{REALM}", mint.base),
            sub: derived_id(&["person", &person.email]),
            typ: "Bearer".to_owned(),
            azp: CLIENT.to_owned(),
            session_state: person.session.clone(),
            allowed_origins: vec!["*".to_owned()],
            realm_access: Realm {
                roles: ["end-user", "offline_access", "uma_authorization", "default-roles-aa"]
                    .map(str::to_owned)
                    .into(),
            },
            scope: "email profile".to_owned(),
            sid: person.session.clone(),
            analytic_enabled: vec![true],
            email_verified: true,
            groups: vec![group(&person.fiu)],
            preferred_username: person.email.clone(),
            email: person.email.clone(),
        }
    }

    /// Whose token it is, if it holds now in the world of this path (`/w/NAME`, nothing for the default one).
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn holder(self, world: &str, now: Timestamp) -> Result<Person, Flaw> {
        let Self { exp, iat, iss, typ, groups, email, session_state: session, .. } = self;
        Token { typ: &typ, iat, exp, iss: &iss }.check("Bearer", world, now)?;
        fiu_of(&groups).map(|fiu| Person { email, fiu, session }).ok_or(Flaw::Kind)
    }
}

impl RefreshClaims {
    pub fn new(person: &Person, jti: String, mint: Mint<'_>) -> Self {
        let iat = seconds(mint.now);
        let iss = format!("{}{REALM}", mint.base);
        Self {
            exp: iat + REFRESH_LIFE.0 / 1000,
            iat,
            jti,
            aud: iss.clone(),
            iss,
            sub: derived_id(&["person", &person.email]),
            typ: "Refresh".to_owned(),
            azp: CLIENT.to_owned(),
            session_state: person.session.clone(),
            scope: "email profile".to_owned(),
            sid: person.session.clone(),
            email: person.email.clone(),
            groups: vec![group(&person.fiu)],
        }
    }

    /// Whose token it is, if it holds now in the world of this path.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn holder(self, world: &str, now: Timestamp) -> Result<Person, Flaw> {
        let Self { exp, iat, iss, typ, groups, email, session_state: session, .. } = self;
        Token { typ: &typ, iat, exp, iss: &iss }.check("Refresh", world, now)?;
        fiu_of(&groups).map(|fiu| Person { email, fiu, session }).ok_or(Flaw::Kind)
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
    let pair = Pair { access_token, expires_in, refresh_expires_in, refresh_token, token_type: "Bearer" };
    match dialect {
        Dialect::V2 => {
            let Envelope { version, txn_id, timestamp } = envelope;
            Granted::V2 { timestamp, txn_id, version, pair }
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
