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
pub fn fault(call: &Call) -> Result<(), ApiError> {
    const FAULT: &str = "x-mockaa-fault";
    const SIMULATE: &str = "x-simulate-res";
    if let Some(code) = call.steering(FAULT)? {
        let known = ErrorCode::parse(code);
        let unknown = || {
            ApiError::invalid_field(
                FAULT,
                format!(
                    "{} is not one of {}",
                    quote_value(code),
                    ErrorCode::accepted_names()
                ),
            )
        };
        return Err(ApiError::SimulatedError(known.ok_or_else(unknown)?));
    }
    match call.steering(SIMULATE)? {
        None | Some("" | "Ok") => in_force(call),
        Some("TimeOut") => {
            call.asks_for(ApiFault::EmptyResponse, LATENCY_MAX);
            in_force(call)
        }
        Some(result) => {
            let known = ErrorCode::SIMULATED_CODES
                .iter()
                .find(|(name, _)| *name == result);
            let names = || ErrorCode::SIMULATED_CODES.map(|(name, _)| name).join(", ");
            let unknown = || {
                ApiError::invalid_field(
                    SIMULATE,
                    format!(
                        "{} is not one of Ok, TimeOut, {}",
                        quote_value(result),
                        names()
                    ),
                )
            };
            Err(known.map_or_else(unknown, |(_, code)| ApiError::SimulatedError(*code)))
        }
    }
}

fn in_force(call: &Call) -> Result<(), ApiError> {
    if call.op().is_none_or(Operation::has_subject) {
        return Ok(());
    }
    match call.worlds().find_world(call.world_name()?) {
        Some(world) => call.is_about_customer(&world, None),
        None => Ok(()),
    }
}
