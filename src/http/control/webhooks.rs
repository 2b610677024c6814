//! Webhook deliveries.

use actix_web::HttpResponse;

use super::{operator, window};
use crate::http::call::Call;
use crate::http::reply::Answer;
use crate::wire::control::Page;
use crate::wire::control::deliveries::DeliveryView;

pub async fn list(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let (after, limit) = window(&call)?;
        let deliveries = world.deliveries(after, limit);
        let next = deliveries.last().map(|last| last.id).filter(|_| deliveries.len() == limit);
        let items: Vec<_> = deliveries.iter().map(|delivery| DeliveryView::new(delivery, false)).collect();
        Ok(Answer::json(&Page { items, next }))
    }))
}

/// Sends a webhook once more, the same bytes; one attempt, whatever comes of it.
pub async fn resend(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let id = call.segment("id").parse().ok().filter(|id| world.delivery(*id).is_some());
        let id = id.ok_or_else(|| call.no_such_call())?;
        world.resend(id)?;
        let delivery = world.delivery(id).ok_or_else(|| call.no_such_call())?;
        Ok(Answer::json(&DeliveryView::new(&delivery, false)))
    }))
}

pub async fn show(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let id = call.segment("id");
        let delivery = id.parse().ok().and_then(|id| world.delivery(id));
        let delivery = delivery.ok_or_else(|| call.no_such_call())?;
        Ok(Answer::json(&DeliveryView::new(&delivery, true)))
    }))
}
