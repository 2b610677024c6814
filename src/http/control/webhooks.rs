//! Webhook deliveries: listing them, reading one, and resending one.

use super::{
    authenticate_operator, parse_detail, parse_handle_filter, parse_list_part, parse_name,
    parse_number, parse_reveal,
};
use crate::domain::delivery::{Delivery, DeliveryState};
use crate::domain::listing::{Cursor, DeliveryFilter};
use crate::domain::notification::NotificationKind;
use crate::domain::text::quote_value;
use crate::engine::world::World;
use crate::http::call::Call;
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::wire::api_error::ApiError;
use crate::wire::control::deliveries::DeliveryView;
use crate::wire::control::{Detail, ListPage};
use crate::wire::mask::SecretDetail;

pub(crate) fn list_webhooks(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let part = parse_list_part(call, Cursor::NEWEST)?;
    let secrets = parse_reveal(call)?;
    let params = Params::parse(call.query())?;
    let filter = parse_filter(&params)?;
    let detail = parse_detail(&params, Detail::Row)?;
    let listing = world.catch_up().list_deliveries(&filter, part);
    let page = ListPage::new(listing, part.limit, filter.state, |delivery| {
        DeliveryView::new(delivery, detail, secrets)
    });
    Ok(ApiResponse::json(&page))
}

/// Parses the filter of a list of webhooks.
pub(crate) fn parse_filter(params: &Params) -> Result<DeliveryFilter, ApiError> {
    let (parse, names) = (DeliveryState::parse, DeliveryState::accepted_names);
    let (parse_kind, kind_names) = (NotificationKind::parse, NotificationKind::accepted_names);
    Ok(DeliveryFilter {
        state: parse_name(params, "state", parse, names)?,
        event: parse_name(params, "event", parse_kind, kind_names)?,
        fiu: params.first_value("fiuId").map(str::to_owned),
        handle: parse_handle_filter(params)?,
    })
}

/// Sends the same bytes of a webhook once more: one attempt, without retries.
pub(crate) fn resend_webhook(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let delivery = find_delivery(call, &world)?;
    let delivery = world.resend_delivery(delivery.id)?.unwrap_or(delivery);
    Ok(ApiResponse::json(&DeliveryView::new(
        &delivery,
        Detail::Row,
        SecretDetail::Mask,
    )))
}

pub(crate) fn get_webhook(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let delivery = find_delivery(call, &world)?;
    Ok(ApiResponse::json(&DeliveryView::new(
        &delivery,
        Detail::Whole,
        parse_reveal(call)?,
    )))
}

/// Returns the exact bytes of a webhook, as the attempt of this number has sent them; without a
/// number, the last attempt.
pub(crate) fn get_webhook_body(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let number = parse_number(call, "attempt", 0)?;
    let delivery = find_delivery(call, &world)?;
    let id = delivery.id;
    let attempt = match usize::try_from(number) {
        Ok(0) => delivery.attempts.last(),
        Ok(number) => {
            let attempt = delivery.attempts.get(number - 1);
            Some(attempt.ok_or_else(|| unknown_attempt_error(&delivery, number))?)
        }
        Err(_) => None,
    };
    let body = delivery.body_of(attempt).ok_or_else(|| {
        ApiError::NotFound(format!(
            "webhook {id} has no body yet; it is built before the first attempt"
        ))
    })?;
    let name = format!("webhook-{id}");
    Ok(ApiResponse::file(body.to_vec(), OCTET_STREAM, name))
}

/// Returns the error for the number of no attempt.
pub(crate) fn unknown_attempt_error(delivery: &Delivery, number: usize) -> ApiError {
    let (id, count) = (delivery.id, delivery.attempts.len());
    ApiError::NotFound(format!("webhook {id} has no attempt {number}, but {count}"))
}

/// Media type of bytes that may be no JSON.
pub(crate) const OCTET_STREAM: &str = "application/octet-stream";

/// Finds the delivery in the path.
pub(crate) fn find_delivery(call: &Call, world: &World) -> Result<Delivery, ApiError> {
    let text = call.path_segment("id");
    text.parse()
        .ok()
        .and_then(|id| world.catch_up().delivery(id))
        .ok_or_else(|| {
            ApiError::NotFound(format!(
                "no webhook has the id {}; list them with GET /_mockaa/v1/webhooks",
                quote_value(text)
            ))
        })
}
