//! Forms of the pages: a hidden token proves that a page of this sandbox sent a form.
//!
//! The token of a form belongs to what only the reader of the page knows: the random id in the
//! reader's cookie, or that of the customer's visit. A page of another site knows neither.

use actix_web::http::header::{COOKIE, ORIGIN, SET_COOKIE};
use aws_lc_rs::hmac;

use crate::domain::constant_time::equals_secret;
use crate::engine::entropy::random_key;
use crate::http::call::Call;
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::wire::api_error::ApiError;

/// The name of the hidden field.
pub(crate) const TOKEN_FIELD: &str = "csrf";

/// The key of the tokens of one process. A form of an earlier start is refused.
#[derive(Debug)]
pub(crate) struct FormKey(hmac::Key);

impl FormKey {
    pub(crate) fn random() -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &random_key()))
    }

    /// Returns the token of the forms for the holder of a secret.
    pub(crate) fn token(&self, secret: &str) -> String {
        format_hex(hmac::sign(&self.0, secret.as_bytes()).as_ref())
    }
}

/// Returns a random id that cannot be guessed.
pub(crate) fn random_id() -> String {
    format_hex(&random_key()[..16])
}

fn format_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Checks the token of a form. A caller that is no browser needs none: it sends neither a cookie nor
/// the headers by which browsers name the page that sends a form.
///
/// # Errors
/// [`ApiError::Forbidden`] when the token is missing or wrong.
pub(crate) fn check_token(call: &Call, form: &Params, secret: &str) -> Result<(), ApiError> {
    let is_browser = [COOKIE.as_str(), ORIGIN.as_str(), "sec-fetch-site"]
        .iter()
        .any(|name| call.header(name).is_some());
    let expected = call.app_state().form_key.token(secret);
    let sent = form.first_value(TOKEN_FIELD).unwrap_or_default();
    if is_browser && !equals_secret(sent, &expected) {
        return Err(ApiError::Forbidden(
            "the form is of another page, or of an earlier start of this sandbox; nothing was done; \
             open the page again and send the form from there"
                .into(),
        ));
    }
    Ok(())
}

/// The cookie that identifies the reader of the operator's pages.
#[derive(Debug)]
pub(crate) struct Reader {
    id: String,
    /// `true` if the browser does not have the cookie yet.
    is_new: bool,
}

impl Reader {
    /// Reads the cookie; without one, the reader gets a new id.
    pub(crate) fn from_call(call: &Call) -> Self {
        let name = cookie_name(call);
        let cookies = call.header(COOKIE.as_str()).unwrap_or_default();
        let sent = cookies.split(';').find_map(|cookie| {
            let (key, id) = cookie.trim().split_once('=')?;
            let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
            (key == name && is_id).then(|| id.to_owned())
        });
        Self {
            is_new: sent.is_none(),
            id: sent.unwrap_or_else(random_id),
        }
    }

    /// Returns the id that the browser has sent.
    pub(crate) fn into_known_id(self) -> Option<String> {
        (!self.is_new).then_some(self.id)
    }

    /// Returns a reader with an id that the browser does not have yet.
    pub(crate) fn with_new_id(id: String) -> Self {
        Self { id, is_new: true }
    }

    /// Returns what the reader's form tokens belong to.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Sets the cookie, if the browser does not have it. `Lax` sends it after a redirect from the
    /// FIU.
    pub(crate) fn add_cookie(&self, call: &Call, response: ApiResponse) -> ApiResponse {
        if !self.is_new {
            return response;
        }
        let secure = if call.is_tls() { "; Secure" } else { "" };
        let cookie = format!(
            "{}={}; Path=/; HttpOnly; SameSite=Lax{secure}",
            cookie_name(call),
            self.id
        );
        response.with_header(SET_COOKIE, cookie)
    }
}

/// Returns the name of the cookie. It contains the port, since cookies are shared by all ports of a
/// host.
fn cookie_name(call: &Call) -> String {
    format!("mockaa_{}", call.port())
}
