//! The operator's pages. Each is a call of the control API, shown to a browser.

mod clock;
mod consents;
mod customers;
mod exchange;
mod faults;
mod find;
mod journal;
mod overview;
mod raise;
mod report;
mod scenarios;
mod session;
mod typed;
mod webhooks;

use actix_web::http::Uri;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Bytes;
use askama::Template;

use crate::domain::listing::{Cursor, ListPart, Listing};
use crate::engine::journal::ReadScope;
use crate::engine::world::World;
use crate::http::call::{Call, POLL_HEADER, strip_world};
use crate::http::call_world::CallWorld;
use crate::http::control::{authenticate_operator, parse_list_part};
use crate::http::forms::{Reader, TOKEN_FIELD, check_token};
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::http::routes::is_console_page;
use crate::ui::console::error::ConsoleErrorPage;
use crate::ui::console::{ConsoleFrame, ListWindow, Section, describe_problem};
use crate::ui::front::ErrorDetails;
use crate::wire::api_error::ApiError;
use crate::wire::control::events::EventPlace;
use crate::wire::control::http_status;

pub(crate) use self::clock::{change_clock, show_clock};
pub(crate) use self::consents::{apply_action, play_steps, show_consent, show_consents};
pub(crate) use self::customers::{
    assign_persona, show_customer, show_customers, show_statement, submit_statement,
};
pub(crate) use self::faults::{add_faults, remove_faults, show_faults};
pub(crate) use self::find::find;
pub(crate) use self::journal::{show_entry, show_journal};
pub(crate) use self::overview::{open_world, reset_world, show_overview, show_worlds};
pub(crate) use self::raise::{raise_consent, show_raise_form};
pub(crate) use self::report::show_report;
pub(crate) use self::scenarios::{pin_scenario, set_default, show_scenario, show_scenarios};
pub(crate) use self::session::{end_session, show_sign_in, sign_in, sign_in_page};
use self::typed::{complete_known_customer, read_time};
pub(crate) use self::webhooks::{resend_webhook, show_webhook, show_webhooks};

/// The number of rows of a page.
const ROWS_MAX: usize = 50;

/// A call of one of the operator's pages.
struct PageCall<'c> {
    call: &'c Call,
    world: CallWorld,
    reader: Reader,
    /// The place in the stream of events before anything was read.
    place: EventPlace,
}

impl<'c> PageCall<'c> {
    /// Accepts a call of the operator.
    fn open(call: &'c Call) -> Result<Self, ApiError> {
        Ok(Self::of_world(call, authenticate_operator(call)?))
    }

    fn of_world(call: &'c Call, world: CallWorld) -> Self {
        let place = EventPlace {
            life: world.life(),
            seq: world.last_journal_seq(ReadScope::Written),
        };
        Self {
            world,
            reader: Reader::from_call(call),
            call,
            place,
        }
    }

    /// Accepts a form of one of these pages with these fields.
    fn open_form(call: &'c Call, fields: &[&str]) -> Result<(Self, Params), ApiError> {
        let form = Params::parse(call.body_text()?)?;
        let page = Self::open(call)?;
        let form = page.accept_form(form, fields)?;
        Ok((page, form))
    }

    /// Accepts the fields of a form, which has the token of the operator.
    fn accept_form(&self, form: Params, fields: &[&str]) -> Result<Params, ApiError> {
        check_token(self.call, &form, self.reader.id())?;
        let names: Vec<_> = fields.iter().copied().chain([TOKEN_FIELD]).collect();
        Ok(form.reject_unknown(&names)?.without_empty())
    }

    /// Accepts a form with a file (RFC 7578). Returns its other fields and the file.
    async fn open_upload(
        call: &'c Call,
        fields: &[&str],
        file: &str,
    ) -> Result<(Self, Params, Bytes), ApiError> {
        let page = Self::open(call)?;
        let parts = read_parts(call).await?;
        let (mut form, mut bytes) = (Params::default(), None);
        for (name, part) in parts {
            if name == file {
                if bytes.replace(part).is_some() {
                    return Err(ApiError::invalid_field("file", "is given twice; send one"));
                }
            } else {
                let text = std::str::from_utf8(&part)
                    .map_err(|_| ApiError::invalid_field("body", "is not UTF-8"))?;
                form.push(name, text.to_owned());
            }
        }
        let form = page.accept_form(form, fields)?;
        let bytes = bytes.filter(|bytes| !bytes.is_empty());
        let bytes = bytes
            .ok_or_else(|| ApiError::invalid_field("file", "is missing or empty; choose a file"))?;
        Ok((page, form, bytes))
    }

    /// Returns what the page has in common with the others.
    fn frame(&self, section: Section) -> ConsoleFrame {
        self.frame_of(Some(section))
    }

    fn frame_of(&self, section: Option<Section>) -> ConsoleFrame {
        let overview = self.world.catch_up().overview();
        let token = self.call.app_state().form_key.token(self.reader.id());
        let address = self.call.path_and_query();
        let page = if self.call.is_get() {
            address.to_owned()
        } else {
            nearest_page(address)
        };
        ConsoleFrame::new(
            &self.call.page_frame().base_path,
            self.world.name(),
            &overview,
            section,
            token,
            self.place.to_string(),
        )
        .with_session(self.call.operator_session().is_some())
        .with_address(page)
    }

    /// Returns the number of the last entry of the journal that the page of a script shows which asks for it
    /// again; `None` for other callers, and if the world has begun anew.
    fn last_shown_seq(&self) -> Option<u64> {
        let place = EventPlace::parse(POLL_HEADER, self.call.polled_place()?).ok()?;
        (place.life == self.place.life).then_some(place.seq)
    }

    /// Answers with the page.
    fn show(&self, page: &impl Template) -> ApiResponse {
        self.reader.add_cookie(self.call, ApiResponse::page(page))
    }

    /// Returns the address of a page of the world by its path.
    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.call.base_url(&self.world))
    }

    /// Answers a refused form with the page that `render` makes, or a caller without pages with the error.
    fn refuse(
        &self,
        error: ApiError,
        render: impl FnOnce(&ApiError) -> Result<ApiResponse, ApiError>,
    ) -> Result<ApiResponse, ApiError> {
        if !self.call.accepts_page() {
            return Err(error);
        }
        Ok(render(&error)?.with_status_code(http_status(&error)))
    }

    /// Leads back to the page that sent a form, or to one of these pages if that is not known.
    fn lead_back(&self, path: &str) -> ApiResponse {
        ApiResponse::redirect_see_other(match self.sender() {
            Some(page) => page,
            None => self.address(path),
        })
    }

    /// Returns the address of the page of the world that sent a form, if that is known.
    fn sender(&self) -> Option<String> {
        let own = format!("{}/ui", self.call.page_frame().base_path);
        let sender: Option<Uri> = self.call.header("referer").and_then(|it| it.parse().ok());
        let sender = sender.and_then(|uri| Some(uri.path_and_query()?.as_str().to_owned()));
        let page = sender.filter(|path| is_below(path, &own))?;
        Some(nearest_page(&page))
    }
}

/// Returns the page of an error of one of these pages to an operator, unless the world cannot be shown.
pub(crate) fn error_page(call: &Call, error: ErrorDetails) -> Option<ApiResponse> {
    let page = PageCall::of_world(call, call.get_or_create_world().ok()?);
    let above = || nearest_page(parent_of(call.path_and_query()));
    let sender = if call.is_get() { None } else { page.sender() };
    Some(page.show(&ConsoleErrorPage {
        console: page.frame_of(None),
        error,
        way_back: sender.unwrap_or_else(above),
    }))
}

/// Reads the parts of a form with a file.
async fn read_parts(call: &Call) -> Result<Vec<(String, Bytes)>, ApiError> {
    let refuse = |message: String| ApiError::invalid_field("body", message);
    let content_type = call.header(CONTENT_TYPE.as_str()).unwrap_or_default();
    let boundary = multer::parse_boundary(content_type)
        .map_err(|_| refuse("is no multipart/form-data with a boundary".to_owned()))?;
    let body = call.body_bytes()?;
    let body = futures_util::stream::iter([Ok::<_, std::convert::Infallible>(body)]);
    let mut form = multer::Multipart::new(body, boundary);
    let mut parts = Vec::new();
    loop {
        let part = form
            .next_field()
            .await
            .map_err(|error| refuse(format!("is not readable: {error}")))?;
        let Some(part) = part else {
            return Ok(parts);
        };
        let name = part.name().unwrap_or_default().to_owned();
        let bytes = part
            .bytes()
            .await
            .map_err(|error| refuse(format!("is not readable: {error}")))?;
        parts.push((name, bytes));
    }
}

/// Returns what is wrong with a document, each problem with its place; else the one message of the error.
fn list_problems(error: &ApiError) -> Vec<String> {
    match error {
        ApiError::InvalidDocument(all) => all.iter().map(describe_problem).collect(),
        other => vec![other.message()],
    }
}

/// Returns the address itself if it is that of a page, else that of the nearest page above it. An address
/// to which only forms are sent is not that of a page.
fn nearest_page(address: &str) -> String {
    let path =
        |address: &str| strip_world(address.split('?').next().unwrap_or_default()).to_owned();
    let mut page = address;
    while !is_console_page(&path(page)) {
        if page.is_empty() {
            return "/ui".to_owned();
        }
        page = parent_of(page);
    }
    page.to_owned()
}

/// Returns an address without its query, or if it has none, without its last segment.
fn parent_of(address: &str) -> &str {
    let end = address.find('?').or_else(|| address.rfind('/'));
    &address[..end.unwrap_or(0)]
}

/// Returns whether a path is another one, or below it.
fn is_below(path: &str, other: &str) -> bool {
    path.strip_prefix(other)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

/// Parses the fields of a form that filters a list. It sends its empty fields, too.
fn parse_filter_form(page: &PageCall<'_>) -> Result<Params, ApiError> {
    let params = Params::parse(page.call.query())?.without_empty();
    Ok(params.replace_values(|name, text| match name {
        "customer" => Some(complete_known_customer(&page.world, text)),
        "from" | "to" => read_time(text).map(|at| at.to_string()),
        _ => None,
    }))
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

/// Returns the base URL of the sandbox, without the prefix of the world.
fn server_url(call: &Call, world: &World) -> String {
    let base_url = call.base_url(world);
    let prefix = call.page_frame().base_path;
    base_url
        .strip_suffix(&*prefix)
        .unwrap_or(&base_url)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::nearest_page;

    #[test]
    fn the_nearest_page_is_one_that_a_browser_can_get() {
        for (address, page) in [
            ("/ui", "/ui"),
            ("/ui/consents?state=ACTIVE", "/ui/consents?state=ACTIVE"),
            ("/ui/consents/new", "/ui/consents/new"),
            ("/ui/consents/H?open=3", "/ui/consents/H?open=3"),
            ("/ui/consents/H/play", "/ui/consents/H"),
            ("/w/mine/ui/consents/H/approve?x=1", "/w/mine/ui/consents/H"),
            ("/ui/clock/advance", "/ui/clock"),
            ("/ui/scenarios/default", "/ui/scenarios"),
            (
                "/ui/scenarios/approve-deposit/pin",
                "/ui/scenarios/approve-deposit",
            ),
            ("/w/mine/ui/worlds/reset", "/w/mine/ui/worlds"),
            ("/ui/nothing/at/all", "/ui"),
            ("elsewhere", "/ui"),
        ] {
            assert_eq!(nearest_page(address), page, "{address}");
        }
    }
}
