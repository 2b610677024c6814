//! The customer's page: a consent in plain words, to approve or to reject.

use actix_web::HttpResponse;

use crate::domain::command::{Command, ConsentAction};
use crate::domain::consent::Input;
use crate::domain::rejection::Rejection;
use crate::http::call::Call;
use crate::http::control::same_site;
use crate::http::reply::Answer;
use crate::ui::ConsentPage;
use crate::wire::api_error::ApiError;

pub async fn show_consent(call: Call) -> HttpResponse {
    call.reply_control(show(&call))
}

fn show(call: &Call) -> Result<Answer, ApiError> {
    let world = call.world()?;
    let handle = call.handle()?;
    let consent = world.consent(handle).filter(|consent| !consent.hidden);
    let consent = consent.ok_or_else(|| Rejection::UnknownHandle(handle.to_string()))?;
    let base = call.base_url(&world);
    Ok(Answer::html(
        ConsentPage::new(&consent, &base, world.now()).to_html(),
    ))
}

pub async fn answer_consent(call: Call) -> HttpResponse {
    call.reply_control(answer(&call))
}

/// Acts, and sends the customer back to where the FIU wants them; else shows the page again with what came of it.
fn answer(call: &Call) -> Result<Answer, ApiError> {
    same_site(call)?;
    let world = call.world()?;
    let handle = call.handle()?;
    let input = match call.segment("verb") {
        "approve" => Input::Approve,
        "reject" => Input::Reject,
        _ => return Err(call.no_such_call()),
    };
    let receipt = world.submit(Command::TransitionConsent {
        handle,
        action: ConsentAction::with_defaults(input),
    })?;
    let home = receipt
        .consent()
        .metadata
        .as_ref()
        .and_then(|filing| filing.redirect_url.as_deref());
    let page = || format!("{}/ui/consents/{handle}", call.base_url(&world));
    Ok(Answer::see_other(home.map_or_else(page, str::to_owned)).holding(receipt.hold))
}
