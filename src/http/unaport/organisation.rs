//! Unaport organisation calls: the organisation of a token.

use super::authenticate_caller;
use crate::http::call::Call;
use crate::http::call_context::CallContext;
use crate::http::response::ApiResponse;
use crate::http::route_info::UNAPORT_APPLICATION_PATH;
use crate::wire::api_error::ApiError;
use crate::wire::unaport::organisation::{ClientOrganisation, build_organisation};

/// Returns the organisation in the format of v2.0.0 (`getClientOrganisation`).
pub(crate) fn get_client_organisation(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let caller = authenticate_caller(call, context)?;
    let envelope = caller.build_envelope();
    Ok(ApiResponse::json(&ClientOrganisation::new(
        &caller.fiu,
        envelope,
    )))
}

/// Returns the organisation in the format of earlier versions (`getOrganisation`).
pub(crate) fn get_organisation(
    call: &Call,
    context: &mut CallContext,
) -> Result<ApiResponse, ApiError> {
    let caller = authenticate_caller(call, context)?;
    let base_url = format!("{}{UNAPORT_APPLICATION_PATH}", call.base_url(&caller.world));
    Ok(ApiResponse::json(&build_organisation(
        &caller.fiu,
        &base_url,
    )))
}
