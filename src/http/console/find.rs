//! Finding what a log or a message names.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::PageCall;
use crate::domain::ids::{ConsentHandle, ConsentId, SessionId};
use crate::domain::listing::{ConsentFilter, Cursor, ListPart};
use crate::http::call::Call;
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::wire::api_error::ApiError;

/// Leads to the page of what a text names: a consent, a data session or a webhook by its id. Another text
/// leads to the consents that have it in their names, or else to a search in the journal.
pub(crate) fn find(call: &Call) -> Result<ApiResponse, ApiError> {
    let page = PageCall::open(call)?;
    let params = Params::parse(call.query())?.reject_unknown(&["q"])?;
    let text = params.first_value("q").unwrap_or_default().trim();
    let path = page.find_by_id(text).unwrap_or_else(|| page.search(text));
    Ok(ApiResponse::redirect_see_other(page.address(&path)))
}

impl PageCall<'_> {
    /// Returns the path of the page of what has this id.
    fn find_by_id(&self, text: &str) -> Option<String> {
        let queries = self.world.catch_up();
        let by_handle = ConsentHandle::parse(text).and_then(|handle| queries.consent(handle));
        let by_id = ConsentId::parse(text).and_then(|id| queries.consent_by_id(id));
        if let Some(consent) = by_handle.or(by_id) {
            return Some(format!("/ui/consents/{}", consent.handle));
        }
        let session = SessionId::parse(text).and_then(|id| queries.session(id));
        if let Some(session) = session {
            return Some(format!("/ui/consents/{}#h-sessions", session.handle));
        }
        let delivery = queries.delivery_by_webhook_id(text)?;
        Some(format!("/ui/webhooks/{}", delivery.id))
    }

    /// Returns the path of a list that has a text.
    fn search(&self, text: &str) -> String {
        let filter = ConsentFilter {
            text: Some(text.to_lowercase()),
            ..ConsentFilter::default()
        };
        let part = ListPart {
            cursor: Cursor::NEWEST,
            limit: 1,
        };
        let consents = self.world.catch_up().list_consents(&filter, part);
        let list = if text.is_empty() || !consents.items.is_empty() {
            "consents"
        } else {
            "journal"
        };
        format!(
            "/ui/{list}?q={}",
            utf8_percent_encode(text, NON_ALPHANUMERIC)
        )
    }
}
