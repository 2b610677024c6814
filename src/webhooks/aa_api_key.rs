//! The values of `aa_api_key`: each AA's token, which is reused until a clock leaves its validity
//! (`docs/sources.md#tokens`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::crypto::jws;
use crate::crypto::keys::SigningKey;
use crate::domain::ids::derive_id;
use crate::domain::participants::{Aa, AaCredential, RegisteredEntity};
use crate::domain::time::{Millis, Timestamp};
use crate::wire::token::{Claims, TokenValidity};

/// Time before the end of a token at which a new one is made, so that a receiver whose clock is
/// ahead accepts it.
const RENEWAL_MARGIN: Millis = Millis::from_secs(3_600);

/// The facts that all tokens of a world share.
#[derive(Clone, Copy)]
pub(super) struct TokenIssuer<'a> {
    /// URL of the world.
    pub base_url: &'a str,
    /// Key of the token service.
    pub key: &'a SigningKey,
    /// World time and system time: a token is valid by both.
    pub clocks: [Timestamp; 2],
}

/// The tokens of a world's AAs that are in use.
#[derive(Debug, Default)]
pub(super) struct AaTokens {
    by_aa: Mutex<HashMap<Arc<str>, IssuedToken>>,
}

#[derive(Debug)]
struct IssuedToken {
    validity: TokenValidity,
    text: Arc<str>,
}

impl AaTokens {
    /// Returns what an AA sends as `aa_api_key`. May make an RSA signature: call it on a blocking
    /// thread.
    pub(super) fn api_key_of(&self, aa: &Arc<Aa>, issuer: TokenIssuer<'_>) -> Arc<str> {
        match aa.credential {
            AaCredential::ApiKey => Arc::clone(&aa.api_key),
            AaCredential::Token => self.token_of(aa, issuer),
        }
    }

    fn token_of(&self, aa: &Arc<Aa>, issuer: TokenIssuer<'_>) -> Arc<str> {
        let mut tokens = self.by_aa.lock().unwrap_or_else(PoisonError::into_inner);
        let is_usable = |validity: TokenValidity| {
            issuer.clocks.iter().all(|now| {
                validity.contains(*now) && validity.contains(now.saturating_add(RENEWAL_MARGIN))
            })
        };
        if let Some(token) = tokens.get(&aa.id)
            && is_usable(token.validity)
        {
            return Arc::clone(&token.text);
        }
        let [world_time, system_time] = issuer.clocks;
        let validity = TokenValidity::by_two_clocks(world_time, system_time);
        let text: Arc<str> = issue_token(aa, issuer, validity).into();
        let token = IssuedToken {
            validity,
            text: Arc::clone(&text),
        };
        tokens.insert(Arc::clone(&aa.id), token);
        text
    }
}

fn issue_token(aa: &Arc<Aa>, issuer: TokenIssuer<'_>, validity: TokenValidity) -> String {
    let id = derive_id(&[
        "token",
        issuer.base_url,
        &aa.id,
        &validity.iat.to_string(),
        &validity.exp.to_string(),
    ]);
    let holder = RegisteredEntity::Aa(Arc::clone(aa));
    let claims = Claims::new(&holder, issuer.base_url, &id, validity);
    let claims = serde_json::to_vec(&claims).expect("texts and numbers serialise");
    let input = jws::jwt_signing_input(issuer.key.kid(), &claims);
    jws::encode_compact(&input, &issuer.key.sign(input.as_bytes()))
}
