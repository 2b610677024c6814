//! The Unaport FIU API v2.0.0, over the same consents as the other faces.

pub mod analytics;
pub mod auth;
pub mod consents;
pub mod data;
pub mod organisation;
pub mod templates;

use std::sync::Arc;

use crate::crypto::jws::{verify_compact, verify_hs256};
use crate::domain::consent::Consent;
use crate::domain::participants::{Fiu, Participants};
use crate::domain::random_stream;
use crate::domain::rejection::Rejection;
use crate::domain::unaport::{UnaportConfig, UnaportMetadata, UnaportVersion};
use crate::engine::world::World;
use crate::http::call::Call;
use crate::http::requested_fault::apply_requested_fault;
use crate::http::security::SecurityMode;
use crate::wire::api_error::ApiError;
use crate::wire::fields::quote_value;
use crate::wire::unaport::Envelope;
use crate::wire::unaport::auth::{Claims, TokenType};

/// The host of login and organisation, as a path.
pub const COMMON_PATH: &str = "/api/v1";

/// The host of everything else, as a path.
pub const APPLICATION_PATH: &str = "/backend-v2/api/v2";

/// Who has been let in, and the world that the call is for.
struct UnaportCaller {
    world: Arc<World>,
    participants: Arc<Participants>,
    security: SecurityMode,
    /// For whom they work.
    fiu: Arc<Fiu>,
    /// They have no token, and see the whole world (DESIGN §4.7); else only what is their organisation's.
    is_anonymous: bool,
}

/// Lets in who has an access token that holds now; `--security open` lets everybody in. A caller who is refused makes no
/// world.
fn authenticate_caller(call: &Call) -> Result<UnaportCaller, ApiError> {
    apply_requested_fault(call)?;
    let security = call.app_state().security;
    let token_fiu = match verify_access_token(call) {
        Ok(fiu) => Some(fiu),
        Err(_) if security == SecurityMode::Open => None,
        Err(problem) => return Err(problem),
    };
    let world = call.get_or_create_world()?;
    let participants = world.participants();
    let is_anonymous = token_fiu.is_none();
    if let Some(fiu) = &token_fiu {
        call.bind_fiu(&fiu.entity.id);
    }
    let fiu = token_fiu.unwrap_or_else(|| {
        let org_fiu = call
            .optional_path_segment("org")
            .and_then(|org| participants.fiu_by_org(org));
        Arc::clone(org_fiu.unwrap_or_else(|| default_fiu(&world.config().unaport, &participants)))
    });
    Ok(UnaportCaller {
        world,
        participants,
        security,
        fiu,
        is_anonymous,
    })
}

/// [`enter`], for a call whose path names an organisation: it has to be the visitor's own.
fn authenticate_for_organisation(call: &Call) -> Result<UnaportCaller, ApiError> {
    let caller = authenticate_caller(call)?;
    let (requested_org, own_org) = (call.path_segment("org"), &caller.fiu.org_id);
    if requested_org.is_empty() {
        let message =
            format!("is empty in the path; yours is {own_org}, from getClientOrganisation");
        return Err(ApiError::invalid_field("org_id", message));
    }
    if requested_org == &**own_org || caller.is_anonymous {
        return Ok(caller);
    }
    let message = format!(
        "org_id {} is not the organisation of this token, {own_org}; take it from getClientOrganisation, or give the FIU {} \
         this org_id in mockaa.toml",
        quote_value(requested_org),
        caller.fiu.entity.id
    );
    Err(ApiError::NotPermitted(message))
}

/// The FIU whose organisation the token opens.
fn verify_access_token(call: &Call) -> Result<Arc<Fiu>, ApiError> {
    let unauthorized = |message: &str| {
        ApiError::Unauthorized(format!(
            "{message}; log in with POST {COMMON_PATH}/public/user/login"
        ))
    };
    let token = call
        .bearer_token()
        .ok_or_else(|| unauthorized("Authorization: Bearer <access_token> is missing"))?;
    // Who logs in makes the world: a token of one that is not there is of another run.
    let world = call.worlds().find_world(call.world_name()?);
    let world = world.ok_or_else(|| unauthorized("nobody has logged in to this world"))?;
    let payload =
        verify_compact(token, &call.app_state().keys.default_key().public).ok_or_else(|| {
            let is_refresh_token = verify_hs256(&world.token_secret(), token).is_some();
            unauthorized(if is_refresh_token {
                "this is the refresh token"
            } else {
                "the access token was not issued here"
            })
        })?;
    let claims: Claims = serde_json::from_slice(&payload)
        .map_err(|_| unauthorized("this is not an access token of this face"))?;
    let person = claims.into_verified_user(TokenType::Access, &world.base_path(), world.now());
    let person = person.map_err(|error| unauthorized(&format!("the access token {error}")))?;
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
struct UnaportConsent {
    consent: Arc<Consent>,
    metadata: Arc<UnaportMetadata>,
    fiu: Arc<Fiu>,
}

impl UnaportCaller {
    fn api_version(&self) -> UnaportVersion {
        self.world.config().unaport.version
    }

    fn build_envelope(&self) -> Envelope {
        Envelope::new(
            self.world.generate_id(random_stream::StreamKind::Token),
            self.world.message_time(),
        )
    }

    /// What lists and data begin with in v2.0.0, and not in 1.7.
    fn build_envelope_if_v2(&self) -> Option<Envelope> {
        (self.api_version() == UnaportVersion::V2).then(|| self.build_envelope())
    }

    /// The consent, if it was raised on this face and the visitor may see it.
    fn bind_unaport_consent(
        &self,
        call: &Call,
        consent: Option<Arc<Consent>>,
        unknown: Rejection,
    ) -> Result<UnaportConsent, ApiError> {
        let record = consent
            .filter(|consent| !consent.hidden)
            .and_then(|consent| {
                let metadata = consent.metadata.clone()?;
                let fiu = Arc::clone(self.participants.find_fiu(&consent.fiu)?);
                Some(UnaportConsent {
                    consent,
                    metadata,
                    fiu,
                })
            });
        let record = record.ok_or(unknown)?;
        if record.fiu.entity.id == self.fiu.entity.id || self.is_anonymous {
            call.bind_consent(&self.world, &record.consent)?;
            Ok(record)
        } else {
            Err(ApiError::NotPermitted(
                "the consent belongs to another organisation".to_owned(),
            ))
        }
    }

    /// An FIU that a request names: another organisation's is refused; one that nobody knows is a matter of strictness.
    fn check_fiu(&self, field: &'static str, fiu_id: &str) -> Result<(), ApiError> {
        let own_fiu_id = &self.fiu.entity.id;
        if *fiu_id == **own_fiu_id {
            return Ok(());
        }
        if self.participants.find_fiu(fiu_id).is_some() && !self.is_anonymous {
            let message = format!(
                "{field} {} is the FIU of another organisation; this token is of {own_fiu_id}, and [[unaport.account]] in mockaa.toml \
                 gives the other one a login",
                quote_value(fiu_id)
            );
            return Err(ApiError::NotPermitted(message));
        }
        let unregistered_fiu = || {
            ApiError::invalid_field(
                field,
                format!("{} is not a registered FIU", quote_value(fiu_id)),
            )
        };
        self.security
            .reject_in_strict(&self.world, unregistered_fiu)
    }
}
