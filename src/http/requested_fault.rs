//! Errors that a caller requests with a header.

use crate::domain::api_fault::{LATENCY_MAX, TransportFault};
use crate::domain::error_code::ErrorCode;
use crate::domain::operation::Operation;
use crate::domain::text::quote_value;
use crate::http::call::Call;
use crate::http::call_context::CallContext;
use crate::wire::api_error::ApiError;

/// Returns the error that the caller requests: `x-mockaa-fault` names an `errorCode`,
/// `x-simulate-res` an outcome of Sahamati's simulator (`docs/sources.md#sahamati-simulator`). Each
/// protocol reports it in its own format.
///
/// Active faults are applied here too, for calls without a subject; other calls apply them once
/// their subject is known.
pub(crate) fn apply_requested_fault(
    call: &Call,
    context: &mut CallContext,
) -> Result<(), ApiError> {
    const FAULT_HEADER: &str = "x-mockaa-fault";
    const SIMULATE_HEADER: &str = "x-simulate-res";
    if let Some(code) = call.control_header(FAULT_HEADER)? {
        return Err(match ErrorCode::parse(code) {
            Some(error_code) => ApiError::SimulatedError(error_code),
            None => ApiError::invalid_field(
                FAULT_HEADER,
                format!(
                    "{} is not one of {}",
                    quote_value(code),
                    ErrorCode::accepted_names()
                ),
            ),
        });
    }
    match call.control_header(SIMULATE_HEADER)? {
        None | Some("" | "Ok") => apply_active_faults(call, context),
        Some("TimeOut") => {
            context.request_fault(TransportFault::EmptyResponse {}.into(), LATENCY_MAX);
            apply_active_faults(call, context)
        }
        Some(outcome) => {
            if let Some((_, code)) = ErrorCode::SIMULATED_CODES
                .iter()
                .find(|(name, _)| *name == outcome)
            {
                return Err(ApiError::SimulatedError(*code));
            }
            let names = ErrorCode::SIMULATED_CODES.map(|(name, _)| name).join(", ");
            Err(ApiError::invalid_field(
                SIMULATE_HEADER,
                format!(
                    "{} is not one of Ok, TimeOut, {names}",
                    quote_value(outcome)
                ),
            ))
        }
    }
}

fn apply_active_faults(call: &Call, context: &mut CallContext) -> Result<(), ApiError> {
    if call.op().is_none_or(Operation::has_subject) {
        return Ok(());
    }
    match call.find_world()? {
        Some(world) => context.plan_faults(&world),
        None => Ok(()),
    }
}
