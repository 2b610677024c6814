//! The Unaport FIU API v2.0.0, over the same consents as the other faces.

pub mod analytics;
pub mod auth;
pub mod consents;
pub mod data;
pub mod organisation;
pub mod templates;

use std::sync::Arc;

use crate::crypto::jws::{open_compact, open_token};
use crate::domain::consent::Consent;
use crate::domain::participants::{Fiu, Participants};
use crate::domain::random_stream;
use crate::domain::rejection::Rejection;
use crate::domain::unaport::{UnaportConfig, UnaportMetadata, UnaportVersion};
use crate::engine::world::World;
use crate::http::call::Call;
use crate::http::fault::fault;
use crate::http::security::Security;
use crate::wire::api_error::ApiError;
use crate::wire::fields::quote_value;
use crate::wire::unaport::Envelope;
use crate::wire::unaport::auth::{Claims, TokenType};

/// The host of login and organisation, as a path.
pub const COMMON: &str = "/api/v1";

/// The host of everything else, as a path.
pub const APPLICATION: &str = "/backend-v2/api/v2";

/// Who has been let in, and the world that the call is for.
struct Visitor {
    world: Arc<World>,
    participants: Arc<Participants>,
    security: Security,
    /// For whom they work.
    fiu: Arc<Fiu>,
    /// They have no token, and see the whole world (DESIGN §4.7); else only what is their organisation's.
    anonymous: bool,
}

/// Lets in who has an access token that holds now; `--security open` lets everybody in. A caller who is refused makes no
/// world.
fn enter(call: &Call) -> Result<Visitor, ApiError> {
    fault(call)?;
    let security = call.shared().security;
    let known = match fiu_of_token(call) {
        Ok(fiu) => Some(fiu),
        Err(_) if security == Security::Open => None,
        Err(problem) => return Err(problem),
    };
    let world = call.world()?;
    let participants = world.participants();
    let anonymous = known.is_none();
    if let Some(fiu) = &known {
        call.is_from_fiu(&fiu.entity.id);
    }
    let fiu = known.unwrap_or_else(|| {
        let named = call
            .segment_if_any("org")
            .and_then(|org| participants.fiu_by_org(org));
        Arc::clone(named.unwrap_or_else(|| default_fiu(&world.config().unaport, &participants)))
    });
    Ok(Visitor {
        world,
        participants,
        security,
        fiu,
        anonymous,
    })
}

/// [`enter`], for a call whose path names an organisation: it has to be the visitor's own.
fn enter_organisation(call: &Call) -> Result<Visitor, ApiError> {
    let visitor = enter(call)?;
    let (named, own) = (call.segment("org"), &visitor.fiu.org_id);
    if named.is_empty() {
        let problem = format!("is empty in the path; yours is {own}, from getClientOrganisation");
        return Err(ApiError::invalid_field("org_id", problem));
    }
    if named == &**own || visitor.anonymous {
        return Ok(visitor);
    }
    let problem = format!(
        "org_id {} is not the organisation of this token, {own}; take it from getClientOrganisation, or give the FIU {} \
         this org_id in mockaa.toml",
        quote_value(named),
        visitor.fiu.entity.id
    );
    Err(ApiError::NotPermitted(problem))
}

/// The FIU whose organisation the token opens.
fn fiu_of_token(call: &Call) -> Result<Arc<Fiu>, ApiError> {
    let unauthorized = |problem: &str| {
        ApiError::Unauthorized(format!(
            "{problem}; log in with POST {COMMON}/public/user/login"
        ))
    };
    let token = call
        .bearer()
        .ok_or_else(|| unauthorized("Authorization: Bearer <access_token> is missing"))?;
    // Who logs in makes the world: a token of one that is not there is of another run.
    let world = call.worlds().find_world(call.world_name()?);
    let world = world.ok_or_else(|| unauthorized("nobody has logged in to this world"))?;
    let payload =
        open_compact(token, &call.shared().keys.default_key().public).ok_or_else(|| {
            let refresh = open_token(&world.token_secret(), token).is_some();
            unauthorized(if refresh {
                "this is the refresh token"
            } else {
                "the access token was not issued here"
            })
        })?;
    let claims: Claims = serde_json::from_slice(&payload)
        .map_err(|_| unauthorized("this is not an access token of this face"))?;
    let person = claims.into_verified_user(TokenType::Access, &world.base_path(), world.now());
    let person = person.map_err(|flaw| unauthorized(&format!("the access token {flaw}")))?;
    let fiu = world.participants().find_fiu(&person.fiu).cloned();
    fiu.ok_or_else(|| unauthorized("the token's FIU is not registered any more"))
}

/// The FIU of those whom no account claims.
fn default_fiu<'a>(unaport: &UnaportConfig, participants: &'a Participants) -> &'a Arc<Fiu> {
    participants
        .find_fiu(&unaport.default_fiu)
        .unwrap_or_else(|| participants.default_fiu())
}

/// A consent of this face, under what it is filed, and whose it is.
struct Filed {
    consent: Arc<Consent>,
    filing: Arc<UnaportMetadata>,
    fiu: Arc<Fiu>,
}

impl Visitor {
    fn dialect(&self) -> UnaportVersion {
        self.world.config().unaport.version
    }

    fn envelope(&self) -> Envelope {
        Envelope::new(
            self.world.generate_id(random_stream::StreamKind::Token),
            self.world.message_time(),
        )
    }

    /// What lists and data begin with in v2.0.0, and not in 1.7.
    fn envelope_if_spoken(&self) -> Option<Envelope> {
        (self.dialect() == UnaportVersion::V2).then(|| self.envelope())
    }

    /// The consent, if it was raised on this face and the visitor may see it.
    fn filed(
        &self,
        call: &Call,
        consent: Option<Arc<Consent>>,
        unknown: Rejection,
    ) -> Result<Filed, ApiError> {
        let filed = consent
            .filter(|consent| !consent.hidden)
            .and_then(|consent| {
                let filing = consent.metadata.clone()?;
                let fiu = Arc::clone(self.participants.find_fiu(&consent.fiu)?);
                Some(Filed {
                    consent,
                    filing,
                    fiu,
                })
            });
        let filed = filed.ok_or(unknown)?;
        if filed.fiu.entity.id == self.fiu.entity.id || self.anonymous {
            call.is_about(&self.world, &filed.consent)?;
            Ok(filed)
        } else {
            Err(ApiError::NotPermitted(
                "the consent belongs to another organisation".to_owned(),
            ))
        }
    }

    /// An FIU that a request names: another organisation's is refused; one that nobody knows is a matter of strictness.
    fn check_fiu(&self, field: &'static str, named: &str) -> Result<(), ApiError> {
        let own = &self.fiu.entity.id;
        if *named == **own {
            return Ok(());
        }
        if self.participants.find_fiu(named).is_some() && !self.anonymous {
            let problem = format!(
                "{field} {} is the FIU of another organisation; this token is of {own}, and [[unaport.account]] in mockaa.toml \
                 gives the other one a login",
                quote_value(named)
            );
            return Err(ApiError::NotPermitted(problem));
        }
        let stranger = || {
            ApiError::invalid_field(
                field,
                format!("{} is not a registered FIU", quote_value(named)),
            )
        };
        self.security.object(&self.world, stranger)
    }
}
