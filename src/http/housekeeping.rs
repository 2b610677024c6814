//! Health, keys, and everything that is not a call.

use actix_web::HttpResponse;
use serde_json::json;

use crate::crypto::base64::url_encode;
use crate::http::call::Call;
use crate::http::reply::Answer;

/// The process answers.
pub async fn livez(call: Call) -> HttpResponse {
    call.reply_control(Ok(Answer::json(&json!({ "alive": true }))))
}

/// Scenarios are loaded and keys are there: a sandbox that serves is ready.
pub async fn readyz(call: Call) -> HttpResponse {
    let scenarios = call.worlds().setting().director.names().len();
    let version = env!("CARGO_PKG_VERSION");
    call.reply_control(Ok(Answer::json(&json!({ "ready": true, "version": version, "scenarios": scenarios }))))
}

/// The AA's public key as a JWK set (RFC 7517).
pub async fn jwks(call: Call) -> HttpResponse {
    let key = &call.shared().public_key;
    let (n, e) = (url_encode(&key.modulus), url_encode(&key.exponent));
    let key = json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": key.kid, "n": n, "e": e });
    call.reply_control(Ok(Answer::json(&json!({ "keys": [key] }))))
}

pub async fn no_such_call(call: Call) -> HttpResponse {
    let problem = call.no_such_call();
    call.refuse(problem).await
}
