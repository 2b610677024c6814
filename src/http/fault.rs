//! Errors that a caller asks for.

use crate::http::call::Call;
use crate::wire::fields::quoted;
use crate::wire::problem::Problem;
use crate::wire::rebit::error::ErrorCode;

/// Answers with the error that the caller asks for: `x-mockaa-fault` names an `errorCode`, `x-simulate-res` an outcome
/// in the words of Sahamati's simulator. Each face tells it in its own form.
pub fn fault(call: &Call) -> Result<(), Problem> {
    const FAULT: &str = "x-mockaa-fault";
    const SIMULATE: &str = "x-simulate-res";
    if let Some(code) = call.steering(FAULT)? {
        let known = ErrorCode::parse(code);
        let unknown = || Problem::field(FAULT, format!("{} is not one of {}", quoted(code), ErrorCode::names()));
        return Err(Problem::Fault(known.ok_or_else(unknown)?));
    }
    match call.steering(SIMULATE)? {
        None | Some("" | "Ok") => Ok(()),
        Some(result) => {
            let known = ErrorCode::SIMULATED.iter().find(|(name, _)| *name == result);
            let names = || ErrorCode::SIMULATED.map(|(name, _)| name).join(", ");
            let unknown = || Problem::field(SIMULATE, format!("{} is not one of Ok, {}", quoted(result), names()));
            Err(known.map_or_else(unknown, |(_, code)| Problem::Fault(*code)))
        }
    }
}
