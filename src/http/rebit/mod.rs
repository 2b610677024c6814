//! The ReBIT calls, 1.1.x and 2.x.

pub mod consent;
pub mod fi;
mod fi_data;
pub mod notification;

use actix_web::HttpResponse;
use serde::de::DeserializeOwned;

use crate::http::call::Call;
use crate::http::fault::fault;
use crate::http::reply::Answer;
use crate::http::security::{Audience, Caller, admit};
use crate::wire::api_error::ApiError;
use crate::wire::rebit::error::Envelope;
use crate::wire::rebit::{Head, Heartbeat, Request};

/// `GET /Heartbeat`: the one call that needs no signature.
pub async fn heartbeat(call: Call) -> HttpResponse {
    let outcome = fault(&call).and_then(|()| admit(&call, Audience::Both));
    let outcome =
        outcome.map(|caller| Answer::json(&Heartbeat::with_status_up(caller.world.message_time())));
    call.reply_rebit(outcome).await
}

/// Reads a message: key, signature, head with its timestamp, schema, in that order, on the bytes that arrived.
fn read<R>(call: &Call, audience: Audience) -> Result<(Head, R::Content, Caller), ApiError>
where
    R: Request + DeserializeOwned,
{
    let caller = enter(call, audience)?;
    let mut request: R = call.json().map_err(|problem| match call.body() {
        Ok(body) => Envelope::from_body(body).prefer_version_error(problem),
        Err(_) => problem,
    })?;
    let head = request.take_head()?;
    caller.check_timestamp(head.timestamp)?;
    let content = request.into_content(&head, &caller.participants.default_aa().handle)?;
    Ok((head, content, caller))
}

/// Lets a caller in whose key and signature are right.
fn enter(call: &Call, audience: Audience) -> Result<Caller, ApiError> {
    fault(call)?;
    let caller = admit(call, audience)?;
    caller.check_signature(call)?;
    Ok(caller)
}
