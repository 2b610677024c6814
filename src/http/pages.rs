//! The operator's view of a consent, on which it is approved or rejected for the customer.

use std::sync::Arc;

use crate::domain::action::ConsentAction;
use crate::domain::command::Command;
use crate::domain::consent::{Consent, Input};
use crate::domain::rejection::Rejection;
use crate::engine::world::World;
use crate::http::call::Call;
use crate::http::call_world::CallWorld;
use crate::http::forms::{Reader, TOKEN_FIELD, check_token};
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::ui::consent::ConsentPage;
use crate::wire::api_error::ApiError;

pub(crate) fn show_consent(call: &Call) -> Result<ApiResponse, ApiError> {
    let (world, consent) = find_consent(call)?;
    Ok(render_consent(call, &world, &consent, None))
}

/// Finds the consent in the path, if its customer has not deregistered.
pub(crate) fn find_consent(call: &Call) -> Result<(CallWorld, Arc<Consent>), ApiError> {
    let world = call.get_or_create_world()?;
    let handle = call.parse_handle()?;
    let consent = world
        .catch_up()
        .consent(handle)
        .filter(|consent| !consent.hidden);
    let consent = consent.ok_or_else(|| Rejection::UnknownHandle(handle.to_string()))?;
    Ok((world, consent))
}

fn render_consent(
    call: &Call,
    world: &World,
    consent: &Consent,
    notice: Option<String>,
) -> ApiResponse {
    let reader = Reader::from_call(call);
    let accounts = world.catch_up().consent_accounts(consent);
    let token = call.app_state().form_key.token(reader.id());
    let participants = world.participants();
    let page = ConsentPage::new(
        consent,
        &accounts,
        &participants,
        call.page_frame(),
        token,
        notice,
    );
    reader.add_cookie(call, ApiResponse::page(&page))
}

/// Approves or rejects a consent for its customer, and shows it again. A browser whose page was stale
/// reads what the consent is now.
pub(crate) fn submit_decision(call: &Call) -> Result<ApiResponse, ApiError> {
    let form = Params::parse(call.body_text()?)?;
    check_token(call, &form, Reader::from_call(call).id())?;
    form.reject_unknown(&[TOKEN_FIELD])?;
    let (world, consent) = find_consent(call)?;
    let input = match call.path_segment("action") {
        "approve" => Input::Approve,
        "reject" => Input::Reject,
        _ => return Err(call.unknown_route_error()),
    };
    let handle = consent.handle;
    let action = ConsentAction::with_defaults(input);
    let receipt = match world.submit(Command::TransitionConsent { handle, action }) {
        Ok(receipt) => receipt,
        Err(rejection) if call.accepts_page() => {
            let error = ApiError::from(rejection);
            let (_, consent) = find_consent(call)?;
            let page = render_consent(call, &world, &consent, Some(error.message()));
            return Ok(page.with_status_code(crate::wire::control::http_status(&error)));
        }
        Err(rejection) => return Err(rejection.into()),
    };
    let address = format!("{}/ui/consents/{handle}", call.base_url(&world));
    Ok(ApiResponse::from_receipt(receipt, |_| {
        ApiResponse::redirect_see_other(address)
    }))
}
