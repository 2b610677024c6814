//! The token service and the Central Registry, as Sahamati runs them
//! (`docs/sources.md#central-registry`, `docs/sources.md#tokens`).

use serde::Serialize;
use serde_json::Value;

use crate::crypto::base64;
use crate::crypto::jws::{self, verify_compact};
use crate::domain::constant_time::equals_secret;
use crate::domain::participants::{Member, RegisteredEntity};
use crate::domain::random_stream::StreamKind;
use crate::domain::time::Timestamp;
use crate::engine::world::World;
use crate::http::SecurityMode;
use crate::http::call::Call;
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::http::security::find_key_owner;
use crate::http::signature_cache::sign_compact;
use crate::wire::api_error::ApiError;
use crate::wire::fields::list_date_time_deviations;
use crate::wire::registry::{EntityType, RegistryContext, build_entity_list, build_error};
use crate::wire::token::{
    Claims, SecretRequest, TokenValidity, build_iam_error, build_iam_response, build_oauth_error,
    build_oauth_response, build_secret_response, build_user_response,
};

/// Status and body of an error, in the format of the service.
type RegistryError = (u16, Value);

pub(crate) async fn generate_token(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = call.get_or_create_world()?;
    let (txnid, now) = (
        world.generate_id(StreamKind::Token),
        world.message_time(None),
    );
    let params = parse_form(call);
    let token = match (params.first_value("id"), params.first_value("secret")) {
        (Some(id), Some(secret)) => issue_token(call, &world, id, secret).await.ok_or((
            401,
            "Unauthorized",
            "Invalid entity id/secret or secret is expired",
        )),
        _ => Err((400, "InvalidRequest", "send the form fields id and secret")),
    };
    Ok(match token {
        Ok(token) => ApiResponse::json(&build_iam_response(&token, &txnid, now)),
        Err(error) => iam_error(error, &txnid, now),
    })
}

/// Issues a token to the user of an entity, by which the user reads the entity's secret.
///
/// `Assumption:` the user's name is the entity's id, and the password its API key; Sahamati
/// registers users by e-mail address.
pub(crate) async fn generate_user_token(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = call.get_or_create_world()?;
    let (txnid, at) = (
        world.generate_id(StreamKind::Token),
        world.message_time(None),
    );
    let params = parse_form(call);
    let (Some(user), Some(password)) = (
        params.first_value("username"),
        params.first_value("password"),
    ) else {
        let message = "send the form fields username and password";
        return Ok(iam_error((400, "InvalidRequest", message), &txnid, at));
    };
    let holder = world.participants().find_entity(user);
    let Some(holder) = holder.filter(|entity| equals_secret(password, entity.api_key())) else {
        let message = "Invalid username/password or password is expired";
        return Ok(iam_error((401, "Unauthorized", message), &txnid, at));
    };
    let id = world.generate_id(StreamKind::Token);
    let claims = Claims::for_user(&holder, &call.issuer_url(&world), &id, world.now());
    let token = sign_claims(call, &claims).await;
    Ok(ApiResponse::json(&build_user_response(&token, &txnid, at)))
}

/// Returns the secret of an entity to its user.
pub(crate) fn read_secret(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = call.get_or_create_world()?;
    let at = world.message_time(None);
    let request = call
        .parse_json::<SecretRequest>()
        .and_then(SecretRequest::into_content)
        .and_then(|content| {
            let deviations = list_date_time_deviations(call.body()?);
            let security = call.app_state().security();
            security.reject_deviations_in_strict(&world, deviations)?;
            Ok(content)
        });
    let (txnid, entity_id) = match request {
        Ok(content) => content,
        Err(error) => {
            let txnid = world.generate_id(StreamKind::Token);
            let message = error.to_string();
            return Ok(iam_error((400, "InvalidRequest", &message), &txnid, at));
        }
    };
    let entity = call
        .bearer_token()
        .and_then(|token| verify_compact(token, &call.app_state().keys.default_key().public))
        .and_then(|payload| serde_json::from_slice::<Claims>(&payload).ok())
        .and_then(|claims| {
            let id = claims.valid_user_entity(&world.base_path(), world.now())?;
            world.participants().find_entity(id)
        })
        .filter(|entity| **entity.id() == *entity_id);
    let Some(entity) = entity else {
        let message = "Invalid entity id; send the token of the entity's own user";
        return Ok(iam_error((401, "Unauthorized", message), &txnid, at));
    };
    let body = build_secret_response(&entity, &txnid, at, world.now());
    Ok(ApiResponse::json(&body))
}

/// Issues a token of the legacy service: OpenID Connect client credentials, with the client's id
/// and secret as Basic authorization.
pub(crate) async fn grant_token(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = call.get_or_create_world()?;
    let basic = call
        .header("authorization")
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
    let credentials = basic
        .and_then(|(_, pair)| base64::decode(pair.trim()))
        .and_then(|pair| String::from_utf8(pair).ok());
    let credentials = credentials.as_deref().and_then(|pair| pair.split_once(':'));
    if parse_form(call).first_value("grant_type") != Some("client_credentials") {
        return Ok(oauth_error(
            400,
            "unsupported_grant_type",
            "grant_type must be client_credentials",
        ));
    }
    let Some((id, secret)) = credentials else {
        return Ok(oauth_error(
            401,
            "invalid_client",
            "send Authorization: Basic with id and secret",
        ));
    };
    Ok(match issue_token(call, &world, id, secret).await {
        Some(token) => ApiResponse::json(&build_oauth_response(&token)),
        None => oauth_error(401, "invalid_client", "the client's id or secret is wrong"),
    })
}

/// Returns an error of the token service with its status, code and message.
fn iam_error(
    (status, code, message): (u16, &str, &str),
    txnid: &str,
    at: Timestamp,
) -> ApiResponse {
    ApiResponse::json_with_status(status, &build_iam_error(code, message, txnid, at))
}

fn oauth_error(status: u16, error: &str, description: &str) -> ApiResponse {
    ApiResponse::json_with_status(status, &build_oauth_error(error, description))
}

/// Issues a token to the entity with this id and secret; `None` if they do not match.
///
/// `Assumption:` in the ecosystem Sahamati issues the secrets; here the API key is the secret, and
/// both the key and the token are accepted by every call.
async fn issue_token(call: &Call, world: &World, id: &str, secret: &str) -> Option<String> {
    let holder = world
        .participants()
        .find_entity(id)
        .filter(|entity| equals_secret(secret, entity.api_key()))?;
    let claims = Claims::new(
        &holder,
        &call.issuer_url(world),
        &world.generate_id(StreamKind::Token),
        TokenValidity::issued_at(world.now()),
    );
    Some(sign_claims(call, &claims).await)
}

/// Returns the token with these claims, signed with the key of the token service.
async fn sign_claims(call: &Call, claims: &Claims) -> String {
    let claims = serde_json::to_vec(claims).expect("texts and numbers serialise");
    let key = &call.app_state().keys.default_key().private;
    sign_compact(key, jws::jwt_signing_input(key.kid(), &claims)).await
}

fn parse_form(call: &Call) -> Params {
    let body = call
        .body()
        .ok()
        .and_then(|body| std::str::from_utf8(body).ok())
        .unwrap_or_default();
    Params::parse(body).unwrap_or_default()
}

pub(crate) fn list_entities(call: &Call) -> ApiResponse {
    render_entities(find_entities(call, None))
}

pub(crate) fn get_entity(call: &Call) -> ApiResponse {
    render_entities(find_entities(call, Some(call.path_segment("id"))))
}

/// Returns the response for entities, or for an error in the format of the registry.
fn render_entities(entities: Result<Value, RegistryError>) -> ApiResponse {
    match entities {
        Ok(body) => ApiResponse::json(&body),
        Err((status, body)) => ApiResponse::json_with_status(status, &body),
    }
}

fn find_entities(call: &Call, entity_id: Option<&str>) -> Result<Value, RegistryError> {
    let kind = EntityType::parse(call.path_segment("type")).ok_or_else(|| {
        registry_error(
            400,
            &format!("the type must be one of {}", EntityType::accepted_names()),
        )
    })?;
    let caller = call
        .bearer_token()
        .and_then(|key| find_key_owner(call, key));
    let is_visible = match &caller {
        Some(caller) => is_visible_to(caller, kind, entity_id),
        None => call.app_state().security() != SecurityMode::Strict,
    };
    if !is_visible {
        return Err(registry_error(401, "Access not allowed"));
    }
    let world = call
        .get_or_create_world()
        .map_err(|error| registry_error(404, &error.to_string()))?;
    let (base, txnid) = (call.base_url(&world), world.generate_id(StreamKind::Token));
    let context = RegistryContext {
        base_url: &base,
        aa_key: &|aa| &call.app_state().keys.key_for_aa(aa).public,
        txnid: &txnid,
        now: world.message_time(caller.as_ref().map(|caller| &**caller.id())),
    };
    let entities = build_entity_list(kind, &world.participants(), context);
    match entity_id {
        None => Ok(Value::Array(
            entities
                .into_iter()
                .map(|(_, info)| to_json(info))
                .collect(),
        )),
        Some(id) => {
            let entity = entities.into_iter().find(|(known, _)| known == id);
            entity
                .map(|(_, info)| to_json(info))
                .ok_or_else(|| registry_error(404, "Entity not found"))
        }
    }
}

/// Returns whether an entity sees the entities of a kind, or the one with this id
/// (`docs/sources.md#central-registry`).
///
/// `Assumption:` an AA also sees its own entry, so that an FIU can check the token that it received
/// by presenting it.
fn is_visible_to(caller: &RegisteredEntity, kind: EntityType, entity_id: Option<&str>) -> bool {
    match (caller, kind) {
        (RegisteredEntity::Aa(aa), EntityType::Aa) => entity_id == Some(&*aa.id),
        (RegisteredEntity::Member(Member::Fiu(_)), EntityType::Fiu)
        | (RegisteredEntity::Member(Member::Fip(_)), EntityType::Fip | EntityType::Fiu) => false,
        (RegisteredEntity::Aa(_) | RegisteredEntity::Member(_), _) => true,
    }
}

fn registry_error(status: u16, text: &str) -> RegistryError {
    (status, build_error(status, text))
}

fn to_json(info: impl Serialize) -> Value {
    serde_json::to_value(info).expect("texts serialise")
}
