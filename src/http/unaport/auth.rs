//! Login and refresh.

use std::sync::Arc;

use actix_web::HttpResponse;
use serde_json::{Map, Value};

use super::default_fiu;
use crate::crypto::jws;
use crate::domain::participants::Participants;
use crate::domain::random_stream;
use crate::domain::unaport::{Login, UnaportConfig};
use crate::engine::world::World;
use crate::http::call::Call;
use crate::http::fault::fault;
use crate::http::reply::Answer;
use crate::http::seals::signed;
use crate::wire::api_error::ApiError;
use crate::wire::unaport::Envelope;
use crate::wire::unaport::auth::{
    AuthenticatedUser, Claims, LOGIN_RULES, REFRESH_RULES, TokenIssuer, TokenType,
    build_token_response,
};
use crate::wire::unaport::field_rules::ValidatedBody;

pub async fn login(call: Call) -> HttpResponse {
    issue(&call, logged_in(&call)).await
}

fn logged_in(call: &Call) -> Result<(Arc<World>, AuthenticatedUser), ApiError> {
    fault(call)?;
    let body: Map<String, Value> = call.json()?;
    let form = ValidatedBody::validate_fields(&body, LOGIN_RULES)?;
    let (email, password) = (
        form.required_text("emailId"),
        form.required_text("password"),
    );
    // A stranger who is refused makes no world.
    let setting = call.worlds().config();
    let known = call.worlds().find_world(call.world_name()?);
    let participants = known.map_or_else(
        || Arc::clone(&setting.participants),
        |world| world.participants(),
    );
    let fiu = claimed(&setting.unaport, &participants, email, password)?;
    let world = call.world()?;
    let person = AuthenticatedUser {
        email: email.to_owned(),
        fiu,
        session: world.generate_id(random_stream::StreamKind::Token),
    };
    Ok((world, person))
}

/// The FIU for which somebody with these credentials works. Where no account is configured, everybody may come in.
fn claimed(
    unaport: &UnaportConfig,
    participants: &Participants,
    email: &str,
    password: &str,
) -> Result<String, ApiError> {
    if unaport.logins.is_empty() {
        return Ok(default_fiu(unaport, participants).entity.id.to_string());
    }
    let theirs = |account: &&Login| {
        account.email.eq_ignore_ascii_case(email) && *account.password == *password
    };
    let account = unaport.logins.iter().find(theirs);
    let wrong = "emailId or password is wrong; the accounts of this sandbox are those of [[unaport.account]] in its \
                 mockaa.toml";
    account
        .map(|account| account.fiu.to_string())
        .ok_or_else(|| ApiError::Unauthorized(wrong.to_owned()))
}

pub async fn refresh(call: Call) -> HttpResponse {
    issue(&call, refreshed(&call)).await
}

fn refreshed(call: &Call) -> Result<(Arc<World>, AuthenticatedUser), ApiError> {
    fault(call)?;
    let body: Map<String, Value> = call.json()?;
    let token =
        ValidatedBody::validate_fields(&body, REFRESH_RULES)?.required_text("refresh_token");
    let other =
        || ApiError::Unauthorized("nobody has logged in to this world; log in first".to_owned());
    let world = call
        .worlds()
        .find_world(call.world_name()?)
        .ok_or_else(other)?;
    let payload = jws::open_token(&world.token_secret(), token).ok_or_else(|| {
        let access = jws::open_compact(token, &call.shared().keys.default_key().public).is_some();
        let what = if access {
            "is an access token"
        } else {
            "was not issued by this world"
        };
        ApiError::Unauthorized(format!(
            "refresh_token {what}; send the refresh_token of the last login or refresh"
        ))
    })?;
    let claims: Claims = serde_json::from_slice(&payload).expect("only we have the secret");
    let person = claims.into_verified_user(TokenType::Refresh, &world.base_path(), world.now());
    let person = person
        .map_err(|flaw| ApiError::Unauthorized(format!("refresh_token {flaw}; log in again")))?;
    Ok((world, person))
}

/// Answers with a fresh pair of tokens for whom may have one.
async fn issue(
    call: &Call,
    holder: Result<(Arc<World>, AuthenticatedUser), ApiError>,
) -> HttpResponse {
    let (world, person) = match holder {
        Ok(holder) => holder,
        Err(problem) => return call.reply_unaport(Err(problem)).await,
    };
    let base = call.base_url(&world);
    let mint = TokenIssuer {
        base_url: &base,
        now: world.now(),
    };
    let access = Claims::new(
        TokenType::Access,
        &person,
        world.generate_id(random_stream::StreamKind::Token),
        mint,
    );
    let access = serde_json::to_vec(&access).expect("texts and numbers serialise");
    let key = &call.shared().keys.default_key().private;
    let access = signed(key, jws::token_input(key.kid(), &access)).await;
    let refresh = Claims::new(
        TokenType::Refresh,
        &person,
        world.generate_id(random_stream::StreamKind::Token),
        mint,
    );
    let refresh = serde_json::to_vec(&refresh).expect("texts and numbers serialise");
    let refresh = jws::seal_token(&world.token_secret(), "refresh", &refresh);
    let envelope = Envelope::new(
        world.generate_id(random_stream::StreamKind::Token),
        world.message_time(),
    );
    let granted = build_token_response(
        &person,
        &access,
        &refresh,
        world.config().unaport.version,
        envelope,
    );
    call.reply_unaport(Ok(Answer::json(&granted))).await
}
