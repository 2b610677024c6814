//! Errors that a caller asks for.

use crate::domain::api_fault::{ApiFault, LATENCY_MAX};
use crate::domain::operation::Operation;
use crate::http::call::Call;
use crate::wire::api_error::ApiError;
use crate::wire::fields::quote_value;
use crate::wire::rebit::error::ErrorCode;

/// Answers with the error that the caller asks for: `x-mockaa-fault` names an `errorCode`, `x-simulate-res` an outcome
/// in the words of Sahamati's simulator. Each face tells it in its own form.
///
/// Calls that are about nobody are refused here too where faults in force want that; the others when it is known whom
/// they are about.
pub fn apply_requested_fault(call: &Call) -> Result<(), ApiError> {
    const FAULT_HEADER: &str = "x-mockaa-fault";
    const SIMULATE_HEADER: &str = "x-simulate-res";
    if let Some(code) = call.control_header(FAULT_HEADER)? {
        let error_code = ErrorCode::parse(code);
        let unknown_code = || {
            ApiError::invalid_field(
                FAULT_HEADER,
                format!(
                    "{} is not one of {}",
                    quote_value(code),
                    ErrorCode::accepted_names()
                ),
            )
        };
        return Err(ApiError::SimulatedError(
            error_code.ok_or_else(unknown_code)?,
        ));
    }
    match call.control_header(SIMULATE_HEADER)? {
        None | Some("" | "Ok") => apply_active_faults(call),
        Some("TimeOut") => {
            call.request_fault(ApiFault::EmptyResponse, LATENCY_MAX);
            apply_active_faults(call)
        }
        Some(outcome) => {
            let simulated = ErrorCode::SIMULATED_CODES
                .iter()
                .find(|(name, _)| *name == outcome);
            let names = || ErrorCode::SIMULATED_CODES.map(|(name, _)| name).join(", ");
            let unknown_outcome = || {
                ApiError::invalid_field(
                    SIMULATE_HEADER,
                    format!(
                        "{} is not one of Ok, TimeOut, {}",
                        quote_value(outcome),
                        names()
                    ),
                )
            };
            Err(simulated.map_or_else(unknown_outcome, |(_, code)| ApiError::SimulatedError(*code)))
        }
    }
}

fn apply_active_faults(call: &Call) -> Result<(), ApiError> {
    if call.op().is_none_or(Operation::has_subject) {
        return Ok(());
    }
    match call.worlds().find_world(call.world_name()?) {
        Some(world) => call.bind_customer(&world, None),
        None => Ok(()),
    }
}
