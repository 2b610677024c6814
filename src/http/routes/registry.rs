//! The calls of Sahamati's token services and of the Central Registry
//! (`docs/sources.md#central-registry`, `docs/sources.md#tokens`).

use super::BodySchema::Component;
use super::{
    Authentication, Handler, RequestBody, ResponseBody, Route, RouteMethod, Section, waiting,
};
use crate::domain::operation::Operation;
use crate::http::registry::{
    generate_token, generate_user_token, get_entity, grant_token, list_entities, read_secret,
};
use crate::http::service_info::get_jwks;

const fn get(path: &'static str, id: &'static str, handler: Handler) -> Route {
    Route::new(Section::Registry, RouteMethod::Get, path, id, handler)
}

const fn post(path: &'static str, id: &'static str, handler: Handler) -> Route {
    Route::new(Section::Registry, RouteMethod::Post, path, id, handler)
}

const fn answer(component: &'static str) -> ResponseBody {
    ResponseBody::Json(Component(component))
}

pub(crate) static ROUTES: &[Route] = &[
    get(
        "/entityInfo/{type}",
        "listEntities",
        Handler::Infallible(list_entities),
    )
    .with_summary("List the participants of a kind, with their keys")
    .with_operation(Operation::Registry)
    .with_authentication(Authentication::Participant)
    .with_response(answer("RegistryEntries"))
    .with_refusals(&[400, 401]),
    get(
        "/entityInfo/{type}/{id}",
        "getEntity",
        Handler::Infallible(get_entity),
    )
    .with_summary("Get a participant with its keys")
    .with_operation(Operation::Registry)
    .with_authentication(Authentication::Participant)
    .with_response(answer("RegistryEntry"))
    .with_refusals(&[400, 401, 404]),
    get(
        "/v2/entityInfo/{type}",
        "listEntitiesV2",
        Handler::Infallible(list_entities),
    )
    .with_summary("List the participants of a kind, second version of the path")
    .with_operation(Operation::Registry)
    .with_authentication(Authentication::Participant)
    .with_response(answer("RegistryEntries"))
    .with_refusals(&[400, 401]),
    get(
        "/v2/entityInfo/{type}/{id}",
        "getEntityV2",
        Handler::Infallible(get_entity),
    )
    .with_summary("Get a participant, second version of the path")
    .with_operation(Operation::Registry)
    .with_authentication(Authentication::Participant)
    .with_response(answer("RegistryEntry"))
    .with_refusals(&[400, 401, 404]),
    post(
        "/iam/v1/entity/token/generate",
        "generateToken",
        waiting!(generate_token),
    )
    .with_summary("Issue an entity token; the secret is the API key")
    .with_operation(Operation::Token)
    .with_request(RequestBody::Form(Component("TokenRequest")))
    .with_response(answer("EntityToken"))
    .with_error_component("EntityTokenError")
    .with_refusals(&[400, 401]),
    post(
        "/iam/v1/user/token/generate",
        "generateUserToken",
        waiting!(generate_user_token),
    )
    .with_summary("Issue a token to the user of a participant: its id and API key")
    .with_operation(Operation::Token)
    .with_request(RequestBody::Form(Component("UserTokenRequest")))
    .with_response(answer("EntityToken"))
    .with_error_component("EntityTokenError")
    .with_refusals(&[400, 401]),
    post(
        "/iam/v1/entity/secret/read",
        "readSecret",
        Handler::Immediate(read_secret),
    )
    .with_summary("Read the secret of a participant with the token of its user")
    .with_operation(Operation::Token)
    .with_authentication(Authentication::UserToken)
    .with_request(RequestBody::Json(Component("EntitySecretRequest")))
    .with_response(answer("EntitySecret"))
    .with_error_component("EntityTokenError")
    .with_refusals(&[400, 401]),
    post(
        "/auth/realms/sahamati/protocol/openid-connect/token",
        "grantToken",
        waiting!(grant_token),
    )
    .with_summary("Issue a token by client credentials (OpenID Connect)")
    .with_operation(Operation::Token)
    .with_authentication(Authentication::ClientCredentials)
    .with_request(RequestBody::Form(Component("GrantRequest")))
    .with_response(answer("GrantedToken"))
    .with_error_component("GrantedTokenError")
    .with_refusals(&[400, 401]),
    get(
        "/auth/realms/sahamati/protocol/openid-connect/certs",
        "getTokenKeys",
        Handler::Infallible(get_jwks),
    )
    .with_summary("Get the keys that sign tokens, as a JWK set")
    .with_response(answer("JwkSet")),
];
