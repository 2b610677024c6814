//! The session of an operator beyond loopback: a browser sends the control token once.

use super::is_below;
use crate::http::call::{Call, strip_world};
use crate::http::control::reject_cross_site;
use crate::http::forms::{Reader, TOKEN_FIELD, check_token};
use crate::http::operator::SignInOutcome;
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::ui::console::sign_in::OperatorSignInPage;
use crate::wire::api_error::ApiError;

/// The page to which a sign-in leads.
const NEXT_FIELD: &str = "next";

/// Asks for the control token, or leads to the console if none is needed.
pub(crate) fn show_sign_in(call: &Call) -> Result<ApiResponse, ApiError> {
    Params::parse(call.query())?.reject_unknown(&[])?;
    Ok(if call.is_operator() {
        ApiResponse::redirect_see_other(default_page(call))
    } else {
        sign_in_page(call, None)
    })
}

/// Begins a session, and leads to the page that the browser wanted.
pub(crate) fn sign_in(call: &Call) -> Result<ApiResponse, ApiError> {
    reject_cross_site(call)?;
    let form = Params::parse(call.body_text()?)?;
    check_token(call, &form, Reader::from_call(call).id())?;
    let form = form.reject_unknown(&["token", NEXT_FIELD, TOKEN_FIELD])?;
    let next = form.first_value(NEXT_FIELD).filter(|path| is_page(path));
    let next = next.map_or_else(|| default_page(call), str::to_owned);
    if call.app_state().control_token.is_none() {
        return Ok(ApiResponse::redirect_see_other(next));
    }
    match call.sign_in_operator(form.first_value("token").unwrap_or_default().trim()) {
        SignInOutcome::Begun(id) => {
            let answer = ApiResponse::redirect_see_other(next);
            Ok(Reader::with_new_id(id).add_cookie(call, answer))
        }
        SignInOutcome::WrongToken => Err(ApiError::Unauthorized(
            "the token is not the one that this sandbox printed at its start".to_owned(),
        )),
        SignInOutcome::TooMany => Err(ApiError::LimitReached(
            "too many tokens were tried; wait a minute and try again".to_owned(),
        )),
    }
}

/// Ends the session of the browser.
pub(crate) fn end_session(call: &Call) -> Result<ApiResponse, ApiError> {
    reject_cross_site(call)?;
    let form = Params::parse(call.body_text()?)?;
    let reader = Reader::from_call(call);
    check_token(call, &form, reader.id())?;
    form.reject_unknown(&[TOKEN_FIELD])?;
    call.app_state().operator_sessions.end(reader.id());
    Ok(ApiResponse::redirect_see_other(default_page(call)))
}

/// Returns the page that asks for the control token, with the reason for which the last one was refused.
pub(crate) fn sign_in_page(call: &Call, problem: Option<String>) -> ApiResponse {
    let reader = Reader::from_call(call);
    let wanted = call.path_and_query();
    let next = if call.is_get() && is_page(wanted) && !is_session(wanted) {
        wanted.to_owned()
    } else {
        let form = call
            .body_text()
            .ok()
            .and_then(|text| Params::parse(text).ok());
        let next = form.and_then(|form| form.first_value(NEXT_FIELD).map(str::to_owned));
        next.filter(|path| is_page(path))
            .unwrap_or_else(|| default_page(call))
    };
    let page = OperatorSignInPage {
        frame: call.page_frame(),
        problem,
        next,
        token: call.app_state().form_key.token(reader.id()),
    };
    reader.add_cookie(call, ApiResponse::page(&page))
}

fn default_page(call: &Call) -> String {
    format!("{}/ui", call.page_frame().base_path)
}

/// Returns whether a path is that of an operator's page, of any world.
fn is_page(path: &str) -> bool {
    let is_plain = path
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    is_plain && path.starts_with('/') && is_below(strip_world(path), "/ui")
}

fn is_session(path: &str) -> bool {
    is_below(strip_world(path), "/ui/session")
}

#[cfg(test)]
mod tests {
    use super::is_page;

    #[test]
    fn a_sign_in_leads_to_an_operators_page_only() {
        for path in ["/ui", "/ui?a=b", "/ui/consents?q=1", "/w/mine/ui/webhooks"] {
            assert!(is_page(path), "{path}");
        }
        for path in [
            "",
            "ui",
            "//evil.test/ui",
            "https://evil.test/ui",
            "/uix",
            "/aa",
            "/w/mine",
            "/ui\\evil",
            "/ui/\r\nx",
            "/w//evil.test/ui",
        ] {
            assert!(!is_page(path), "{path}");
        }
    }
}
