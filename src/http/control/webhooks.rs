//! Webhook deliveries.

use actix_web::HttpResponse;

use super::{operator, window};
use crate::domain::delivery::Delivery;
use crate::engine::world::World;
use crate::http::call::Call;
use crate::http::reply::Answer;
use crate::wire::api_error::ApiError;
use crate::wire::control::Page;
use crate::wire::control::deliveries::DeliveryView;
use crate::wire::fields::quote_value;

pub async fn list(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let (after, limit) = window(&call)?;
        let deliveries = world.deliveries(after, limit);
        let next = deliveries
            .last()
            .map(|last| last.id)
            .filter(|_| deliveries.len() == limit);
        let items: Vec<_> = deliveries
            .iter()
            .map(|delivery| DeliveryView::new(delivery, false))
            .collect();
        Ok(Answer::json(&Page { items, next }))
    }))
}

/// Sends a webhook once more, the same bytes; one attempt, whatever comes of it.
pub async fn resend(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let id = asked_for(&call, &world)?.id;
        world.resend_delivery(id)?;
        Ok(Answer::json(&DeliveryView::new(
            &asked_for(&call, &world)?,
            false,
        )))
    }))
}

pub async fn show(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let delivery = asked_for(&call, &world)?;
        Ok(Answer::json(&DeliveryView::new(&delivery, true)))
    }))
}

fn asked_for(call: &Call, world: &World) -> Result<Delivery, ApiError> {
    let text = call.segment("id");
    let unknown = || {
        format!(
            "no webhook has the id {}; list them with GET /_mockaa/v1/webhooks",
            quote_value(text)
        )
    };
    text.parse()
        .ok()
        .and_then(|id| world.delivery(id))
        .ok_or_else(|| ApiError::NotFound(unknown()))
}
