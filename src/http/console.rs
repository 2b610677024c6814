//! The operator's pages. Each is a call of the control API, shown to a browser.

use crate::domain::listing::{Cursor, ListPart, Listing};
use crate::engine::world::World;
use crate::http::call::Call;
use crate::http::control::{authenticate_operator, consents, parse_list_part, webhooks};
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::ui::console::consents::ConsentsPage;
use crate::ui::console::webhooks::WebhooksPage;
use crate::ui::console::{ConsoleFrame, ListWindow};
use crate::wire::api_error::ApiError;

/// The number of rows of a page.
const ROWS_MAX: usize = 50;

/// Shows a part of the consents, the newest first.
pub(crate) fn show_consents(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let filter = consents::parse_filter(&parse_form(call)?)?;
    let window = read_window(call, |part| world.catch_up().list_consents(&filter, part))?;
    let (frame, base_url) = (call.page_frame(), call.base_url(&world));
    let page = ConsentsPage::new(
        build_frame(call, &world),
        base_url
            .strip_suffix(&*frame.base_path)
            .unwrap_or(&base_url),
        &world.participants(),
        &filter,
        &window,
        |consent| world.scenario_of(consent.handle),
    );
    Ok(ApiResponse::page(&page))
}

/// Shows a part of the webhooks, the newest first.
pub(crate) fn show_webhooks(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let filter = webhooks::parse_filter(&parse_form(call)?)?;
    let window = read_window(call, |part| world.catch_up().list_deliveries(&filter, part))?;
    let page = WebhooksPage::new(
        build_frame(call, &world),
        &world.participants(),
        &filter,
        &window,
    );
    Ok(ApiResponse::page(&page))
}

fn build_frame(call: &Call, world: &World) -> ConsoleFrame {
    let overview = world.catch_up().overview();
    ConsoleFrame::new(&call.page_frame().base_path, world.name(), &overview)
}

/// Parses the fields of a form that filters a list. It sends its empty fields, too.
fn parse_form(call: &Call) -> Result<Params, ApiError> {
    Ok(Params::parse(call.query())?.without_empty())
}

/// Reads the part of a list that the call asks for, the newest items first.
fn read_window<T, S>(
    call: &Call,
    list: impl Fn(ListPart) -> Listing<T, S>,
) -> Result<ListWindow<T, S>, ApiError> {
    let cursor = parse_list_part(call, Cursor::NEWEST)?.cursor;
    let mut listing = list(ListPart {
        cursor,
        limit: ROWS_MAX,
    });
    if matches!(cursor, Cursor::After(_)) {
        listing.items.reverse();
    }
    let [newest, oldest] = [listing.items.first(), listing.items.last()].map(|item| {
        let (number, _) = item?;
        Some(*number)
    });
    let has_more = |cursor| !list(ListPart { cursor, limit: 1 }).items.is_empty();
    Ok(ListWindow {
        newer: newest.filter(|number| has_more(Cursor::After(*number))),
        older: oldest.filter(|number| has_more(Cursor::Before(*number))),
        listing,
    })
}
