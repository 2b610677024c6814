//! The token service and the Central Registry, as Sahamati runs them (`reference/rebit.md` §4.3, §4.4).

use actix_web::HttpResponse;
use serde_json::Value;

use crate::crypto::base64;
use crate::crypto::jws;
use crate::domain::participants::Member;
use crate::domain::random_stream::StreamKind;
use crate::engine::world::World;
use crate::http::Security;
use crate::http::call::Call;
use crate::http::pairs::Pairs;
use crate::http::seals::signed;
use crate::http::security::holder;
use crate::wire::registry::{EntityType, RegistryContext, build_entity_list, build_error};
use crate::wire::token::{
    Claims, build_iam_error, build_iam_response, build_oauth_error, build_oauth_response,
};

/// A refusal in the service's own words.
type Refused = (u16, Value);

pub async fn generate_token(call: Call) -> HttpResponse {
    let answer = match call.world() {
        Err(problem) => return call.reply_control(Err(problem)),
        Ok(world) => {
            let (txnid, now) = (world.generate_id(StreamKind::Token), world.message_time());
            let refused =
                |status, code, message| (status, build_iam_error(code, message, &txnid, now));
            let form = form(&call);
            let issued = match (form.first("id"), form.first("secret")) {
                (Some(id), Some(secret)) => {
                    issue(&call, &world, id, secret).await.ok_or_else(|| {
                        refused(
                            401,
                            "Unauthorized",
                            "Invalid entity id/secret or secret is expired",
                        )
                    })
                }
                _ => Err(refused(
                    400,
                    "InvalidRequest",
                    "send the form fields id and secret",
                )),
            };
            issued.map(|token| build_iam_response(&token, &txnid, now))
        }
    };
    call.reply_value(answer).await
}

/// The legacy service: OpenID Connect, client credentials, the client's id and secret as Basic authorization.
pub async fn grant_token(call: Call) -> HttpResponse {
    let answer = match call.world() {
        Err(problem) => return call.reply_control(Err(problem)),
        Ok(world) => {
            let refused =
                |status, error, description| (status, build_oauth_error(error, description));
            let basic = call
                .header("authorization")
                .and_then(|value| value.split_once(' '))
                .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
            let pair = basic
                .and_then(|(_, pair)| base64::decode(pair.trim()))
                .and_then(|pair| String::from_utf8(pair).ok());
            match (
                form(&call).first("grant_type"),
                pair.as_deref().and_then(|pair| pair.split_once(':')),
            ) {
                (Some("client_credentials"), Some((id, secret))) => {
                    issue(&call, &world, id, secret)
                        .await
                        .map(|token| build_oauth_response(&token))
                        .ok_or_else(|| {
                            refused(401, "invalid_client", "the client's id or secret is wrong")
                        })
                }
                (Some("client_credentials"), None) => Err(refused(
                    401,
                    "invalid_client",
                    "send Authorization: Basic with id and secret",
                )),
                _ => Err(refused(
                    400,
                    "unsupported_grant_type",
                    "grant_type has to be client_credentials",
                )),
            }
        }
    };
    call.reply_value(answer).await
}

/// A token for the entity of this id, whose secret is its API key.
///
/// `Assumption:` the ecosystem's secrets are made by Sahamati; here the API key is the secret, and either opens every
/// call.
async fn issue(call: &Call, world: &World, id: &str, secret: &str) -> Option<String> {
    let member = world
        .participants()
        .find_member(id)
        .filter(|member| *member.entity().api_key == *secret)?;
    let claims = Claims::new(
        &member,
        &call.base_url(world),
        &world.generate_id(StreamKind::Token),
        world.now(),
    );
    let claims = serde_json::to_vec(&claims).expect("texts and numbers serialise");
    let key = &call.shared().keys.default_key().private;
    Some(signed(key, jws::compact_input(key.kid(), &claims)).await)
}

fn form(call: &Call) -> Pairs {
    let body = call
        .body()
        .ok()
        .and_then(|body| std::str::from_utf8(body).ok())
        .unwrap_or_default();
    Pairs::parse(body).unwrap_or_default()
}

pub async fn list_entities(call: Call) -> HttpResponse {
    call.reply_value(listed(&call, None)).await
}

pub async fn get_entity(call: Call) -> HttpResponse {
    call.reply_value(listed(&call, Some(call.segment("id"))))
        .await
}

fn listed(call: &Call, wanted: Option<&str>) -> Result<Value, Refused> {
    let refused = |status: u16, text: &str| (status, build_error(status, text));
    let kind = EntityType::parse(call.segment("type")).ok_or_else(|| {
        refused(
            400,
            &format!("the type is one of {}", EntityType::accepted_names()),
        )
    })?;
    let reader = call.bearer().and_then(|key| holder(call, key));
    let visible = match (&reader, kind) {
        (Some(Member::Fiu(_)), EntityType::Fiu)
        | (Some(Member::Fip(_)), EntityType::Fip | EntityType::Fiu) => false,
        (Some(_), _) => true,
        (None, _) => call.shared().security != Security::Strict,
    };
    if !visible {
        return Err(refused(401, "Access not allowed"));
    }
    let world = call
        .world()
        .map_err(|problem| refused(404, &problem.to_string()))?;
    let (base, txnid) = (call.base_url(&world), world.generate_id(StreamKind::Token));
    let aa_key = |aa: &str| &call.shared().keys.of(aa).public;
    let place = RegistryContext {
        base_url: &base,
        aa_key: &aa_key,
        txnid: &txnid,
        now: world.message_time(),
    };
    let entities = build_entity_list(kind, &world.participants(), place);
    let value = |info| serde_json::to_value(info).expect("texts serialise");
    match wanted {
        None => Ok(Value::Array(
            entities.into_iter().map(|(_, info)| value(info)).collect(),
        )),
        Some(id) => {
            let found = entities.into_iter().find(|(known, _)| known == id);
            found
                .map(|(_, info)| value(info))
                .ok_or_else(|| refused(404, "Entity not found"))
        }
    }
}
