//! The operator's pages. Each is a call of the control API, shown to a browser.

use crate::domain::listing::{Cursor, ListPart};
use crate::http::call::Call;
use crate::http::control::consents::parse_filter;
use crate::http::control::{authenticate_operator, parse_list_part};
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::ui::console::{ConsentsPage, ConsentsPart, ConsoleFrame};
use crate::wire::api_error::ApiError;

/// The number of rows of a page.
const ROWS_MAX: usize = 50;

/// Shows a part of the consents, the newest first.
pub(crate) fn show_consents(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    // A form sends its empty fields, too.
    let params = Params::parse(call.query())?.without_empty();
    let filter = parse_filter(&params)?;
    let cursor = parse_list_part(call, Cursor::NEWEST)?.cursor;
    let list = |cursor, limit| {
        world
            .catch_up()
            .list_consents(&filter, ListPart { cursor, limit })
    };
    let mut listing = list(cursor, ROWS_MAX);
    if matches!(cursor, Cursor::After(_)) {
        listing.items.reverse();
    }
    let [newest, oldest] = [listing.items.first(), listing.items.last()].map(|item| {
        let (number, _) = item?;
        Some(*number)
    });
    let has_more = |cursor| !list(cursor, 1).items.is_empty();
    let newer = newest.filter(|number| has_more(Cursor::After(*number)));
    let older = oldest.filter(|number| has_more(Cursor::Before(*number)));
    let (frame, base_url) = (call.page_frame(), call.base_url(&world));
    let console = ConsoleFrame::new(&frame.base_path, world.name(), &world.catch_up().overview());
    let part = ConsentsPart {
        listing,
        filter: &filter,
        newer,
        older,
    };
    let page = ConsentsPage::new(
        console,
        base_url
            .strip_suffix(&*frame.base_path)
            .unwrap_or(&base_url),
        &world.participants(),
        &part,
        |consent| world.scenario_of(consent.handle),
    );
    Ok(ApiResponse::page(&page))
}
