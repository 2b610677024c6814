//! The page of the clock, and the forms that change it.

use serde_json::json;

use super::PageCall;
use crate::domain::advance::AdvancePlan;
use crate::domain::listing::{Cursor, ListPart};
use crate::engine::advance::{Limits, advance_clock};
use crate::engine::world::ClockChange;
use crate::http::call::Call;
use crate::http::console::exchange::describe_entry;
use crate::http::control::clock::{describe_stop, reject_advance};
use crate::http::control::parse_number;
use crate::http::response::ApiResponse;
use crate::ui::console::Section;
use crate::ui::console::clock::ClockPage;
use crate::wire::api_error::ApiError;
use crate::wire::control::world::AdvanceRequest;
use crate::wire::fields::{parse_json, parse_timestamp_field};

/// The largest number of timers on the page.
const TIMERS_MAX: usize = 100;

/// The largest number of entries of the last advance on the page.
const ENTRIES_MAX: usize = 200;

/// Shows the clock, what becomes due, and what the last advance has brought about.
pub(crate) fn show_clock(call: &Call) -> Result<ApiResponse, ApiError> {
    let page = PageCall::open(call)?;
    render_clock(&page, None)
}

fn render_clock(page: &PageCall<'_>, notice: Option<String>) -> Result<ApiResponse, ApiError> {
    let (call, world) = (page.call, &page.world);
    let since = parse_number(call, "since", u64::MAX)?;
    let queries = world.catch_up();
    let timers = queries.timers(None, 0, TIMERS_MAX);
    let entries = if since == u64::MAX {
        None
    } else {
        let part = ListPart {
            cursor: Cursor::After(since),
            limit: ENTRIES_MAX + 1,
        };
        let (entries, _) = queries.journal_matching(part, |_| true);
        Some(entries.into_iter().map(describe_entry).collect::<Vec<_>>())
    };
    let has_more = entries.as_ref().is_some_and(|it| it.len() > ENTRIES_MAX);
    let entries = entries.as_deref();
    let entries = entries.map(|it| (&it[..it.len().min(ENTRIES_MAX)], has_more));
    let overview = queries.overview();
    Ok(page.show(&ClockPage::new(
        page.frame(Section::Clock),
        &world.participants(),
        &overview,
        &timers,
        entries,
        notice,
    )))
}

/// Freezes, runs or sets the clock, or advances it.
pub(crate) async fn change_clock(call: &Call) -> Result<ApiResponse, ApiError> {
    let (page, form) = PageCall::open_form(call, &["by", "to"])?;
    let (by, to) = (form.first_value("by"), form.first_value("to"));
    let change = match call.path_segment("change") {
        "freeze" => ClockChange::Freeze { at: None },
        "run" => ClockChange::Run,
        "set" => ClockChange::Set {
            to: parse_timestamp_field("to", to.unwrap_or_default())?,
        },
        "advance" => {
            let request = match (by, to) {
                (Some(by), None) => json!({ "by": by }),
                (None, Some(to)) => json!({ "to": to }),
                _ => {
                    return Err(ApiError::invalid_field(
                        "by",
                        "is missing; give by or to, not both",
                    ));
                }
            };
            return advance(&page, &request).await;
        }
        "advance-until-idle" => return advance(&page, &json!({ "until": "idle" })).await,
        _ => return Err(call.unknown_route_error()),
    };
    let world = &page.world;
    world
        .set_clock(Some(world.cause()), change)
        .map_err(|error| ApiError::Conflict(error.to_string()))?;
    Ok(page.lead_back("/ui/clock"))
}

/// Advances the clock, and shows what happened on the way.
async fn advance(
    page: &PageCall<'_>,
    request: &serde_json::Value,
) -> Result<ApiResponse, ApiError> {
    let request: AdvanceRequest = parse_json(request.to_string().as_bytes())?;
    let plan = AdvancePlan::try_from(request)?;
    let outcome = advance_clock(&page.world, &plan, Limits::default()).await;
    let outcome = outcome.map_err(|error| reject_advance(&error))?;
    let (_, remedy) = describe_stop(outcome.stop_reason);
    if let Some(remedy) = remedy {
        return render_clock(page, Some(remedy.to_owned()));
    }
    let address = page.address(&format!("/ui/clock?since={}", outcome.journal_after));
    Ok(ApiResponse::redirect_see_other(address))
}
