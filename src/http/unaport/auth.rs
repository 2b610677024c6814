//! Unaport Login and Refresh Token.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::default_fiu;
use crate::crypto::jws;
use crate::domain::constant_time::equals_secret;
use crate::domain::participants::Participants;
use crate::domain::random_stream;
use crate::domain::unaport::UnaportConfig;
use crate::engine::world::World;
use crate::http::call::Call;
use crate::http::call_context::CallContext;
use crate::http::call_world::CallWorld;
use crate::http::requested_fault::apply_requested_fault;
use crate::http::response::ApiResponse;
use crate::http::signature_cache::sign_compact;
use crate::wire::api_error::ApiError;
use crate::wire::unaport::Envelope;
use crate::wire::unaport::auth::{
    AuthenticatedUser, Claims, LOGIN_RULES, REFRESH_RULES, TokenIssuer, TokenType,
    build_token_response,
};
use crate::wire::unaport::field_rules::ValidatedBody;

pub(crate) async fn log_in(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let (world, user) = authenticate_login(call, context)?;
    Ok(issue_tokens(call, &world, &user).await)
}

fn authenticate_login(
    call: &Call,
    context: &mut CallContext,
) -> Result<(CallWorld, AuthenticatedUser), ApiError> {
    apply_requested_fault(call, context)?;
    let body: Map<String, Value> = call.parse_json()?;
    let form = ValidatedBody::validate_fields(&body, LOGIN_RULES)?;
    let (email, password) = (
        form.required_text("emailId"),
        form.required_text("password"),
    );
    // A rejected login does not create a world.
    let config = call.worlds().config();
    let existing_world = call.find_world()?;
    let participants = existing_world.map_or_else(
        || Arc::clone(&config.initial_participants),
        |world| world.participants(),
    );
    let fiu = find_account_fiu(&config.unaport, &participants, email, password)?;
    let world = call.get_or_create_world()?;
    let user = AuthenticatedUser {
        email: email.to_owned(),
        fiu,
        session: world.generate_id(random_stream::StreamKind::Token),
    };
    Ok((world, user))
}

/// Returns the FIU of the login with these credentials. If no login is configured, every credential
/// is accepted for the default FIU.
fn find_account_fiu(
    unaport: &UnaportConfig,
    participants: &Participants,
    email: &str,
    password: &str,
) -> Result<String, ApiError> {
    if unaport.logins.is_empty() {
        return Ok(default_fiu(unaport, participants).entity.id.to_string());
    }
    let login = unaport.logins.iter().find(|login| {
        login.email.eq_ignore_ascii_case(email) && equals_secret(password, &*login.password)
    });
    let message = "emailId or password is wrong; the logins of this sandbox are those of \
                   [[unaport.account]] in its mockaa.toml";
    login
        .map(|login| login.fiu.to_string())
        .ok_or_else(|| ApiError::Unauthorized(message.to_owned()))
}

pub(crate) async fn refresh_tokens(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let (world, user) = authenticate_refresh_token(call, context)?;
    Ok(issue_tokens(call, &world, &user).await)
}

fn authenticate_refresh_token(
    call: &Call,
    context: &mut CallContext,
) -> Result<(CallWorld, AuthenticatedUser), ApiError> {
    apply_requested_fault(call, context)?;
    let body: Map<String, Value> = call.parse_json()?;
    let token =
        ValidatedBody::validate_fields(&body, REFRESH_RULES)?.required_text("refresh_token");
    let world = call.find_world()?.ok_or_else(|| {
        ApiError::Unauthorized("this world has no logins yet; log in first".to_owned())
    })?;
    let world = call.act_in(world);
    let user = verify_refresh_token(call, &world, token);
    let user =
        user.map_err(|problem| ApiError::Unauthorized(format!("refresh_token {problem}")))?;
    Ok((world, user))
}

/// Returns the user of a valid refresh token.
///
/// # Errors
/// The problem and its remedy, which continue a sentence that begins with the name of the field.
pub(super) fn verify_refresh_token(
    call: &Call,
    world: &World,
    token: &str,
) -> Result<AuthenticatedUser, String> {
    let payload = jws::verify_hs256(&world.token_secret(), token).ok_or_else(|| {
        let is_access_token =
            jws::verify_compact(token, &call.app_state().keys.default_key().public).is_some();
        let reason = if is_access_token {
            "is an access token"
        } else {
            "was not issued by this world"
        };
        format!("{reason}; send the refresh_token of the last login or refresh")
    })?;
    let claims: Claims = serde_json::from_slice(&payload).expect("only we have the secret");
    let user = claims.into_verified_user(TokenType::Refresh, &world.base_path(), world.now());
    user.map_err(|error| format!("{error}; log in again"))
}

/// Issues an access token and a refresh token to an authenticated user.
async fn issue_tokens(call: &Call, world: &World, user: &AuthenticatedUser) -> ApiResponse {
    let base = call.issuer_url(world);
    let issuer = TokenIssuer {
        base_url: &base,
        now: world.now(),
    };
    let access = Claims::new(
        TokenType::Access,
        user,
        world.generate_id(random_stream::StreamKind::Token),
        issuer,
    );
    let access = serde_json::to_vec(&access).expect("texts and numbers serialise");
    let key = &call.app_state().keys.default_key().private;
    let access = sign_compact(key, jws::jwt_signing_input(key.kid(), &access)).await;
    let refresh = Claims::new(
        TokenType::Refresh,
        user,
        world.generate_id(random_stream::StreamKind::Token),
        issuer,
    );
    let refresh = serde_json::to_vec(&refresh).expect("texts and numbers serialise");
    let refresh = jws::encode_hs256(&world.token_secret(), "refresh", &refresh);
    let envelope = Envelope::new(
        world.generate_id(random_stream::StreamKind::Token),
        world.message_time(Some(&user.fiu)),
    );
    let token_response = build_token_response(
        user,
        &access,
        &refresh,
        world.config().unaport.version,
        envelope,
    );
    ApiResponse::json(&token_response)
}
