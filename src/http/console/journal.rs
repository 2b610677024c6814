//! Pages of the journal.

use super::exchange::{describe_entry, parse_place};
use super::{PageCall, ROWS_MAX, parse_filter_form};
use crate::domain::listing::{Cursor, ListPart};
use crate::http::call::Call;
use crate::http::control::journal::{find_entry, parse_filter};
use crate::http::control::parse_list_part;
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::ui::console::Section;
use crate::ui::console::entry::EntryPage;
use crate::ui::console::journal::{JournalPage, JournalWindow};
use crate::wire::api_error::ApiError;
use crate::wire::control::journal::list_kinds;

/// The fields of the form that filters the journal.
const FILTER_FIELDS: [&str; 8] = [
    "q",
    "kind",
    "op",
    "status",
    "consentHandle",
    "customer",
    "from",
    "to",
];

/// Shows a part of the journal, the newest entries first.
pub(crate) fn show_journal(call: &Call) -> Result<ApiResponse, ApiError> {
    let page = PageCall::open(call)?;
    let world = &page.world;
    let params = parse_filter_form(&page)?;
    let given = FILTER_FIELDS.map(|name| (name, params.first_value(name).map(str::to_owned)));
    let filter = match parse_filter(&params) {
        Ok(filter) => filter,
        Err(error) => {
            return page.refuse(error, |error| {
                let (window, problem) = (JournalWindow::default(), Some(error.message()));
                Ok(render_journal(&page, &given, &window, problem))
            });
        }
    };
    let cursor = parse_list_part(call, Cursor::NEWEST)?.cursor;
    let read = |cursor, limit| {
        let part = ListPart { cursor, limit };
        let queries = world.catch_up();
        queries
            .journal_matching(part, |entry| filter.matches_entry(entry))
            .0
    };
    let mut entries = read(cursor, ROWS_MAX);
    if matches!(cursor, Cursor::After(_)) {
        entries.reverse();
    }
    let [newest, oldest] = [entries.first(), entries.last()].map(|entry| entry.map(|it| it.seq));
    let window = JournalWindow {
        newer: newest.filter(|seq| !read(Cursor::After(*seq), 1).is_empty()),
        older: oldest.filter(|seq| !read(Cursor::Before(*seq), 1).is_empty()),
        entries: entries.into_iter().map(describe_entry).collect(),
        evicted: world.count_evicted(|_| true),
    };
    Ok(render_journal(&page, &given, &window, None))
}

fn render_journal(
    page: &PageCall<'_>,
    given: &[(&'static str, Option<String>)],
    window: &JournalWindow,
    problem: Option<String>,
) -> ApiResponse {
    page.show(&JournalPage::new(
        page.frame(Section::Journal),
        &page.world.participants(),
        given,
        &list_kinds(),
        window,
        problem,
    ))
}

/// Shows one entry with its message.
pub(crate) fn show_entry(call: &Call) -> Result<ApiResponse, ApiError> {
    let page = PageCall::open(call)?;
    let entry = find_entry(call, &page.world)?;
    let path = format!("{}/ui/journal/{}", call.page_frame().base_path, entry.seq);
    let place = parse_place(&Params::parse(call.query())?, path, Vec::new())?;
    let exchange = page.exchange_of(&entry, &place);
    Ok(page.show(&EntryPage::new(
        page.frame(Section::Journal),
        &page.world.participants(),
        &describe_entry(entry),
        exchange.as_ref(),
        &place,
    )))
}
