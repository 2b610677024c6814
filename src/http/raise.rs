//! Raising a consent, as the seed, ReBIT and Unaport APIs do.

use crate::domain::command::RaiseConsent;
use crate::engine::world::CommandOutcome;
use crate::http::call_context::CallContext;
use crate::http::call_world::CallWorld;
use crate::http::response::ApiResponse;
use crate::wire::api_error::ApiError;

/// Raises a consent, notes withdrawn FI types in the journal, records it as the consent of the call and builds the response.
///
/// # Errors
/// [`ApiError::InjectedStatus`] when a fault rejects the call; [`ApiError::Rejected`] when the
/// engine does. No consent was raised then.
pub(crate) fn raise_consent(
    context: &mut CallContext,
    world: &CallWorld,
    raise: RaiseConsent,
    build: impl FnOnce(&CommandOutcome) -> ApiResponse,
) -> Result<ApiResponse, ApiError> {
    for fi_type in raise.terms.fi_types.iter().filter(|it| it.is_withdrawn()) {
        world.write_note_once(&format!(
            "{fi_type} was withdrawn in 2019; LIFE_INSURANCE and GENERAL_INSURANCE replace it"
        ));
    }
    let receipt = context.raise_with_faults(world, raise)?;
    Ok(ApiResponse::from_receipt(receipt, |outcome| {
        context.set_raised_consent(outcome.consent());
        build(outcome)
    }))
}
