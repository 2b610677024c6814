//! The customer's page, on which a consent is approved or rejected.

use std::sync::Arc;

use crate::domain::action::ConsentAction;
use crate::domain::command::Command;
use crate::domain::consent::{Consent, Input};
use crate::domain::rejection::Rejection;
use crate::domain::visit_action::VisitAction;
use crate::engine::world::World;
use crate::http::call::Call;
use crate::http::control::reject_cross_site;
use crate::http::response::ApiResponse;
use crate::ui::{ConsentPage, ShownConsent};
use crate::wire::api_error::ApiError;

/// Policy of the pages on a customer's way from the FIU and back. They load nothing. An FIU may show
/// them in a frame, as FIUs show an AA's page, and the form may end at the FIU.
pub(crate) const JOURNEY_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'";

pub(crate) fn show_consent(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = call.get_or_create_world()?;
    let handle = call.parse_handle()?;
    let consent = world
        .catch_up()
        .consent(handle)
        .filter(|consent| !consent.hidden);
    let consent = consent.ok_or_else(|| Rejection::UnknownHandle(handle.to_string()))?;
    let base = call.base_url(&world);
    let shown = prepare_consent(&world, consent);
    let page = ApiResponse::html(ConsentPage::new(&shown, &base, world.now()).to_html());
    Ok(page.with_content_security_policy(JOURNEY_POLICY))
}

/// Returns a consent with the accounts that it shares.
pub(crate) fn prepare_consent(world: &World, consent: Arc<Consent>) -> ShownConsent {
    let accounts = world.catch_up().consent_accounts(&consent);
    ShownConsent::new(consent, &accounts, &world.participants())
}

/// Answers the consent, or leaves it unanswered, and redirects to the FIU's redirect URL, or else to
/// the page.
pub(crate) fn submit_decision(call: &Call) -> Result<ApiResponse, ApiError> {
    reject_cross_site(call)?;
    let world = call.get_or_create_world()?;
    let handle = call.parse_handle()?;
    let action = VisitAction::parse(call.path_segment("action"));
    let input = match action.ok_or_else(|| call.unknown_route_error())? {
        VisitAction::Approve => Input::Approve,
        VisitAction::Reject => Input::Reject,
        VisitAction::Leave => {
            let consent = world.catch_up().consent(handle);
            let consent = consent.filter(|consent| !consent.hidden);
            let consent = consent.ok_or_else(|| Rejection::UnknownHandle(handle.to_string()))?;
            return Ok(redirect_back(call, &world, &consent));
        }
        // The page shows one consent.
        VisitAction::Answer => return Err(call.unknown_route_error()),
    };
    let receipt = world.submit(Command::TransitionConsent {
        handle,
        action: ConsentAction::with_defaults(input),
    })?;
    Ok(ApiResponse::from_receipt(receipt, |outcome| {
        redirect_back(call, &world, outcome.consent())
    }))
}

/// Redirects to the FIU's redirect URL, or else to the page.
fn redirect_back(call: &Call, world: &World, consent: &Consent) -> ApiResponse {
    let metadata = consent.metadata.as_ref();
    let redirect_url = metadata.and_then(|metadata| metadata.redirect_url.as_deref());
    ApiResponse::redirect_see_other(redirect_url.map_or_else(
        || format!("{}/ui/consents/{}", call.base_url(world), consent.handle),
        str::to_owned,
    ))
}
