//! Consents: listing them, reading one, changing its state, and running scenario steps on it.

use super::{authenticate_operator, parse_list_part, parse_name, reject_body};
use crate::domain::action::ConsentAction;
use crate::domain::command::Command;
use crate::domain::consent::{Consent, Input, Status};
use crate::domain::listing::{ConsentFilter, Cursor};
use crate::domain::rejection::Rejection;
use crate::domain::text::quote_value;
use crate::engine::world::World;
use crate::http::call::Call;
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::scenario::format::parse_steps;
use crate::wire::api_error::ApiError;
use crate::wire::control::ListPage;
use crate::wire::control::consents::{ApproveRequest, ConsentContext, ConsentView};
use crate::wire::fields::parse_customer_address;

pub(crate) fn list_consents(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let part = parse_list_part(call, Cursor::NEWEST)?;
    let filter = parse_filter(&Params::parse(call.query())?)?;
    let listing = world.catch_up().list_consents(&filter, part);
    let page = ListPage::new(listing, part.limit, filter.status, |consent| {
        render_consent(call, &world, consent)
    });
    Ok(ApiResponse::json(&page))
}

/// Parses the filter of a list of consents.
pub(crate) fn parse_filter(params: &Params) -> Result<ConsentFilter, ApiError> {
    let text = |name| params.first_value(name).map(str::to_owned);
    let customer = params.first_value("customer");
    Ok(ConsentFilter {
        status: parse_name(params, "state", Status::parse, Status::accepted_names)?,
        fiu: text("fiuId"),
        customer: customer
            .map(|customer| parse_customer_address("customer", customer))
            .transpose()?,
        scenario: text("scenario"),
        text: text("q").map(|text| text.to_lowercase()),
    })
}

pub(crate) fn get_consent(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let handle = call.parse_handle()?;
    let consent = world
        .catch_up()
        .consent(handle)
        .ok_or_else(|| Rejection::UnknownHandle(handle.to_string()))?;
    Ok(ApiResponse::json(&render_consent(call, &world, &consent)))
}

pub(crate) fn apply_consent_action(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let name = call.path_segment("action");
    let input = Input::parse(name).ok_or_else(|| {
        ApiError::invalid_field(
            "action",
            format!(
                "{} is unknown; known: {}",
                quote_value(name),
                Input::accepted_names()
            ),
        )
    })?;
    let action = match input {
        Input::Approve => call.parse_json_or_default::<ApproveRequest>()?.into(),
        other => {
            reject_body(call)?;
            ConsentAction::with_defaults(other)
        }
    };
    let receipt = world.submit(Command::TransitionConsent {
        handle: call.parse_handle()?,
        action,
    })?;
    Ok(ApiResponse::from_receipt(receipt, |outcome| {
        ApiResponse::json(&render_consent(call, &world, outcome.consent()))
    }))
}

/// Runs one or more steps, in the format of scenario files, on a consent.
pub(crate) async fn play_steps(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let plan = call.parse_text(parse_steps).await?;
    let plan = plan.map_err(ApiError::InvalidDocument)?;
    let receipt = world.run_steps(call.parse_handle()?, &plan)?;
    Ok(ApiResponse::from_receipt(receipt, |outcome| {
        ApiResponse::json(&render_consent(call, &world, outcome.consent()))
    }))
}

fn render_consent(call: &Call, world: &World, consent: &Consent) -> ConsentView {
    let (base_url, handle) = (call.base_url(world), consent.handle);
    let context = ConsentContext {
        scenario: world.scenario_of(handle),
        selection_reason: world.selection_reason_of(handle),
        page_url: format!("{base_url}/ui/consents/{handle}"),
        customer_url: format!("{base_url}/aa/consents/{handle}"),
    };
    ConsentView::new(consent, context)
}
