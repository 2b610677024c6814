//! The ReBIT calls, 1.1.x and 2.x.

pub mod consent;
pub mod fi;
mod fi_data;
pub mod notification;

use actix_web::HttpResponse;
use serde::de::DeserializeOwned;

use crate::http::call::Call;
use crate::http::reply::Answer;
use crate::http::security::{Audience, Caller, admit};
use crate::wire::fields::quoted;
use crate::wire::problem::Problem;
use crate::wire::rebit::error::ErrorCode;
use crate::wire::rebit::{Head, Heartbeat, Request};

/// `GET /Heartbeat`: the one call that needs no signature.
pub async fn heartbeat(call: Call) -> HttpResponse {
    let outcome = fault(&call).and_then(|()| admit(&call, Audience::Both));
    let outcome = outcome.map(|caller| Answer::json(&Heartbeat::up(caller.world.message_time())));
    call.reply_rebit(outcome).await
}

/// Reads a message: key, signature, schema, timestamp, in that order, on the bytes that arrived.
fn read<R>(call: &Call, audience: Audience) -> Result<(Head, R::Content, Caller), Problem>
where
    R: Request + DeserializeOwned,
{
    let caller = enter(call, audience)?;
    let request: R = call.json()?;
    let (head, content) = request.check(&caller.participants.aa.handle)?;
    caller.check_timestamp(head.timestamp)?;
    Ok((head, content, caller))
}

/// Lets a caller in whose key and signature are right.
fn enter(call: &Call, audience: Audience) -> Result<Caller, Problem> {
    fault(call)?;
    let caller = admit(call, audience)?;
    caller.check_signature(call)?;
    Ok(caller)
}

/// Answers with the error that the caller asks for: `x-mockaa-fault` names an `errorCode`, `x-simulate-res` an outcome
/// in the words of Sahamati's simulator.
fn fault(call: &Call) -> Result<(), Problem> {
    const FAULT: &str = "x-mockaa-fault";
    if let Some(code) = call.steering(FAULT)? {
        let known = ErrorCode::parse(code);
        let unknown = || Problem::field(FAULT, format!("{} is not one of {}", quoted(code), ErrorCode::names()));
        return Err(Problem::Fault(known.ok_or_else(unknown)?));
    }
    match call.steering("x-simulate-res")?.and_then(ErrorCode::simulated) {
        Some(code) => Err(Problem::Fault(code)),
        None => Ok(()),
    }
}
