//! The ReBIT API, 1.1.x and 2.x: authentication and parsing that its calls share.

pub(crate) mod consent;
pub(crate) mod fi;
mod fi_encryption;
pub(crate) mod notification;

use serde::de::DeserializeOwned;

use crate::http::call::Call;
use crate::http::call_context::CallContext;
use crate::http::requested_fault::apply_requested_fault;
use crate::http::response::ApiResponse;
use crate::http::security::{AllowedCallers, Caller, authenticate_api_key};
use crate::wire::api_error::ApiError;
use crate::wire::fields::list_date_time_deviations;
use crate::wire::rebit::error::Envelope;
use crate::wire::rebit::{Head, Heartbeat, Request};

/// Handles `GET /Heartbeat`, the only call whose request has no signature.
pub(crate) fn get_heartbeat(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    apply_requested_fault(call, context)?;
    let caller = authenticate_api_key(call, context, AllowedCallers::FiusAndFips)?;
    Ok(ApiResponse::json(&Heartbeat::with_status_up(
        caller.message_time(),
    )))
}

/// Parses a message. Checks API key, signature over the bytes that arrived, head with timestamp,
/// and schema, in that order.
fn parse_message<R>(
    call: &Call,
    context: &mut CallContext,
    allowed: AllowedCallers,
) -> Result<(Head, R::Content, Caller), ApiError>
where
    R: Request + DeserializeOwned,
{
    let caller = authenticate_signed(call, context, allowed)?;
    let mut request: R = call.parse_json().map_err(|error| match call.body() {
        Ok(body) => Envelope::from_body(body).prefer_version_error(error),
        Err(_) => error,
    })?;
    let head = request.take_head()?;
    caller.check_timestamp(head.timestamp)?;
    caller.reject_deviations_in_strict(list_date_time_deviations(call.body()?))?;
    let content = request.into_content(&head, &caller.participants.default_aa().handle)?;
    Ok((head, content, caller))
}

/// Checks API key and signature.
fn authenticate_signed(
    call: &Call,
    context: &mut CallContext,
    allowed: AllowedCallers,
) -> Result<Caller, ApiError> {
    apply_requested_fault(call, context)?;
    let caller = authenticate_api_key(call, context, allowed)?;
    caller.check_signature(call, context)?;
    Ok(caller)
}
