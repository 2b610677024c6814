//! The Unaport FIU API v2.0.0, over the same consents as the other APIs: authentication by access
//! token, and access to the consents of an organisation.

pub(crate) mod analytics;
pub(crate) mod auth;
pub(crate) mod consents;
pub(crate) mod data;
pub(crate) mod organisation;
pub(crate) mod templates;
pub(crate) mod web_sdk;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::crypto::jws::{verify_compact, verify_hs256};
use crate::domain::consent::Consent;
use crate::domain::participants::{Fiu, Participants};
use crate::domain::random_stream;
use crate::domain::rejection::Rejection;
use crate::domain::text::quote_value;
use crate::domain::time::Timestamp;
use crate::domain::unaport::{UnaportConfig, UnaportMetadata, UnaportVersion};
use crate::engine::clock::ClockReading;
use crate::http::call::Call;
use crate::http::call_context::CallContext;
use crate::http::call_world::CallWorld;
use crate::http::requested_fault::apply_requested_fault;
use crate::http::route_info::UNAPORT_COMMON_PATH;
use crate::http::security::SecurityMode;
use crate::wire::api_error::ApiError;
use crate::wire::fields::list_date_time_deviations;
use crate::wire::unaport::Envelope;
use crate::wire::unaport::auth::{AuthenticatedUser, Claims, TokenType};

/// An accepted caller, and the world of the call.
struct UnaportCaller {
    world: CallWorld,
    participants: Arc<Participants>,
    security: SecurityMode,
    /// FIU for which the caller acts.
    fiu: Arc<Fiu>,
    /// `true` if the caller has no valid token, which only `--security open` accepts. It sees the
    /// whole world; other callers see their organisation's consents
    /// (`docs/architecture.md#security`).
    is_anonymous: bool,
}

/// Checks the access token; with `--security open` a caller without a valid one is accepted too. A
/// rejected caller does not create a world.
fn authenticate_caller(call: &Call, context: &mut CallContext) -> Result<UnaportCaller, ApiError> {
    apply_requested_fault(call, context)?;
    let security = call.app_state().security();
    let token = call
        .bearer_token()
        .ok_or_else(|| unauthorized_error("Authorization: Bearer <access_token> is missing"));
    let token_fiu = match token.and_then(|token| verify_access_token(call, token)) {
        Ok((_, fiu)) => Some(fiu),
        Err(_) if security == SecurityMode::Open => None,
        Err(error) => return Err(error),
    };
    let world = call.get_or_create_world()?;
    let participants = world.participants();
    let is_anonymous = token_fiu.is_none();
    if let Some(fiu) = &token_fiu {
        context.set_caller(&fiu.entity.id);
    }
    let fiu = token_fiu.unwrap_or_else(|| {
        let org_fiu = call
            .optional_path_segment("org_id")
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

/// Checks the access token, and that the organisation in the path is the caller's.
fn authenticate_for_organisation(
    call: &Call,
    context: &mut CallContext,
) -> Result<UnaportCaller, ApiError> {
    let caller = authenticate_caller(call, context)?;
    let (requested_org, own_org) = (call.path_segment("org_id"), &caller.fiu.org_id);
    if requested_org.is_empty() {
        let message =
            format!("is empty in the path; yours is {own_org}, from getClientOrganisation");
        return Err(ApiError::invalid_field("org_id", message));
    }
    if requested_org == &**own_org || caller.is_anonymous {
        return Ok(caller);
    }
    let message = format!(
        "org_id {} is not the organisation of this token, {own_org}; take it from \
         getClientOrganisation, or give the FIU {} this org_id in mockaa.toml",
        quote_value(requested_org),
        caller.fiu.entity.id
    );
    Err(ApiError::NotPermitted(message))
}

/// Returns the user of a valid access token, and the user's FIU.
fn verify_access_token(
    call: &Call,
    token: &str,
) -> Result<(AuthenticatedUser, Arc<Fiu>), ApiError> {
    // A login creates its world, so a token for a missing world comes from another run.
    let world = call.find_world()?;
    let world = world.ok_or_else(|| unauthorized_error("this world has no logins yet"))?;
    let payload =
        verify_compact(token, &call.app_state().keys.default_key().public).ok_or_else(|| {
            let is_refresh_token = verify_hs256(&world.token_secret(), token).is_some();
            unauthorized_error(if is_refresh_token {
                "this is the refresh token"
            } else {
                "the access token was not issued by this sandbox"
            })
        })?;
    let claims: Claims = serde_json::from_slice(&payload)
        .map_err(|_| unauthorized_error("this is not an access token of the Unaport API"))?;
    let user = claims.into_verified_user(TokenType::Access, &world.base_path(), world.now());
    let user = user.map_err(|error| unauthorized_error(&format!("the access token {error}")))?;
    let fiu = world.participants().find_fiu(&user.fiu).cloned();
    let fiu = fiu.ok_or_else(|| unauthorized_error("the token's FIU is no longer registered"))?;
    Ok((user, fiu))
}

fn unauthorized_error(message: &str) -> ApiError {
    ApiError::Unauthorized(format!(
        "{message}; log in with POST {UNAPORT_COMMON_PATH}/public/user/login"
    ))
}

/// Returns the FIU of callers without a configured login.
fn default_fiu<'a>(unaport: &UnaportConfig, participants: &'a Participants) -> &'a Arc<Fiu> {
    participants
        .find_fiu(&unaport.default_fiu)
        .unwrap_or_else(|| participants.default_fiu())
}

/// A consent raised through the Unaport API, with its metadata and its FIU.
struct UnaportConsent {
    consent: Arc<Consent>,
    metadata: Arc<UnaportMetadata>,
    fiu: Arc<Fiu>,
}

impl UnaportCaller {
    /// Parses the body, a JSON object.
    fn parse_body(&self, call: &Call) -> Result<Map<String, Value>, ApiError> {
        let body = call.parse_json()?;
        let deviations = list_date_time_deviations(call.body()?);
        self.security
            .reject_deviations_in_strict(&self.world, deviations)?;
        Ok(body)
    }

    fn api_version(&self) -> UnaportVersion {
        self.world.config().unaport.version
    }

    /// Returns the instant that an answer to this caller carries, from these clocks.
    fn message_time_at(&self, clocks: ClockReading) -> Timestamp {
        let rules = self.world.time_rules(Some(&self.fiu.entity.id));
        rules.message_time(clocks)
    }

    fn build_envelope(&self) -> Envelope {
        Envelope::new(
            self.world.generate_id(random_stream::StreamKind::Token),
            self.message_time_at(self.world.read_clocks()),
        )
    }

    /// Returns the envelope of lists and data in v2.0.0; `None` in 1.7.
    fn build_envelope_if_v2(&self) -> Option<Envelope> {
        (self.api_version() == UnaportVersion::V2).then(|| self.build_envelope())
    }

    /// Returns the consent if it was raised through the Unaport API and the caller may see it, and
    /// plans the call's faults for it.
    fn bind_unaport_consent(
        &self,
        context: &mut CallContext,
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
            context.plan_consent_faults(&self.world, &record.consent)?;
            Ok(record)
        } else {
            Err(ApiError::NotPermitted(
                "the consent belongs to another organisation".to_owned(),
            ))
        }
    }

    /// Checks an FIU id in a request. The FIU of another organisation is rejected; an unregistered
    /// one only in strict mode.
    fn check_fiu(&self, field: &'static str, fiu_id: &str) -> Result<(), ApiError> {
        let own_fiu_id = &self.fiu.entity.id;
        if *fiu_id == **own_fiu_id {
            return Ok(());
        }
        if self.participants.find_fiu(fiu_id).is_some() && !self.is_anonymous {
            let message = format!(
                "{field} {} is the FIU of another organisation, this token belongs to {own_fiu_id}; \
                 add a login for the other FIU under [[unaport.account]] in mockaa.toml",
                quote_value(fiu_id)
            );
            return Err(ApiError::NotPermitted(message));
        }
        self.security.reject_in_strict(&self.world, || {
            ApiError::invalid_field(
                field,
                format!("{} is not a registered FIU", quote_value(fiu_id)),
            )
        })
    }
}
