//! Pages of webhooks.

use super::exchange::{can_resend, parse_place};
use super::{PageCall, parse_filter_form, read_window};
use crate::http::call::Call;
use crate::http::control::parse_number;
use crate::http::control::webhooks::{find_delivery, parse_filter, unknown_attempt_error};
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::ui::console::Section;
use crate::ui::console::webhook::WebhookPage;
use crate::ui::console::webhooks::WebhooksPage;
use crate::wire::api_error::ApiError;
use crate::wire::mask::mask_message;

/// Shows a part of the webhooks, the newest first.
pub(crate) fn show_webhooks(call: &Call) -> Result<ApiResponse, ApiError> {
    let page = PageCall::open(call)?;
    let world = &page.world;
    let filter = parse_filter(&parse_filter_form(&page)?)?;
    let window = read_window(call, |part| world.catch_up().list_deliveries(&filter, part))?;
    Ok(page.show(&WebhooksPage::new(
        page.frame(Section::Webhooks),
        &world.participants(),
        &filter,
        &window,
    )))
}

/// Shows a webhook with the message of an attempt, the last one unless the call names another.
pub(crate) fn show_webhook(call: &Call) -> Result<ApiResponse, ApiError> {
    let page = PageCall::open(call)?;
    let delivery = find_delivery(call, &page.world)?;
    let count = delivery.attempts.len();
    let number = parse_number(call, "attempt", count as u64)?;
    let number = usize::try_from(number).unwrap_or(usize::MAX);
    if number > count {
        return Err(unknown_attempt_error(&delivery, number));
    }
    let current = number.checked_sub(1);
    let path = format!(
        "{}/ui/webhooks/{}",
        call.page_frame().base_path,
        delivery.id
    );
    let own = (number != count).then(|| ("attempt", number.to_string()));
    let place = parse_place(
        &Params::parse(call.query())?,
        path,
        own.into_iter().collect(),
    )?;
    let exchange = current.and_then(|index| page.show_attempt(&delivery, index, &place));
    let outcomes = delivery.attempts.iter();
    let outcomes: Vec<_> = outcomes
        .map(|attempt| mask_message(&attempt.outcome.to_string()))
        .collect();
    Ok(page.show(&WebhookPage::new(
        page.frame(Section::Webhooks),
        &page.world.participants(),
        &delivery,
        &outcomes,
        (current, exchange.as_ref()),
        &place,
        can_resend(&delivery),
    )))
}

/// Sends the same bytes of a webhook once more, and shows the webhook.
pub(crate) fn resend_webhook(call: &Call) -> Result<ApiResponse, ApiError> {
    let (page, _) = PageCall::open_form(call, &[])?;
    let delivery = find_delivery(call, &page.world)?;
    page.world.resend_delivery(delivery.id)?;
    Ok(page.lead_back(&format!("/ui/webhooks/{}", delivery.id)))
}
