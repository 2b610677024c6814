//! The page of the clock, and the forms that change it.

use super::PageCall;
use super::typed::parse_time;
use crate::domain::advance::{AdvancePlan, AdvanceTarget};
use crate::domain::duration::{DURATION_FORMS, parse_duration};
use crate::domain::listing::{Cursor, ListPart};
use crate::domain::text::quote_value;
use crate::domain::time::Millis;
use crate::engine::advance::{Limits, advance_clock};
use crate::engine::world::ClockChange;
use crate::http::call::Call;
use crate::http::console::exchange::describe_entry;
use crate::http::control::clock::{describe_stop, reject_advance};
use crate::http::control::parse_number;
use crate::http::response::ApiResponse;
use crate::ui::console::Section;
use crate::ui::console::clock::{ClockPage, TypedTime};
use crate::wire::api_error::ApiError;

/// The largest number of timers on the page.
const TIMERS_MAX: usize = 100;

/// The largest time by which a form advances the clock. A year that was mistyped would end all consents.
const ADVANCE_MAX: Millis = Millis::from_secs(10 * 366 * 86_400);

/// The largest number of entries of the last advance on the page.
const ENTRIES_MAX: usize = 200;

/// Shows the clock, what becomes due, and what the last advance has brought about.
pub(crate) fn show_clock(call: &Call) -> Result<ApiResponse, ApiError> {
    let page = PageCall::open(call)?;
    render_clock(&page, None, TypedTime::default())
}

fn render_clock(
    page: &PageCall<'_>,
    notice: Option<String>,
    typed: TypedTime,
) -> Result<ApiResponse, ApiError> {
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
        (notice, typed),
    )))
}

/// Freezes, runs or sets the clock, or advances it. A form that is refused is shown again.
pub(crate) async fn change_clock(call: &Call) -> Result<ApiResponse, ApiError> {
    let (page, form) = PageCall::open_form(call, &["by", "to"])?;
    let (by, to) = (form.first_value("by"), form.first_value("to"));
    let done = match call.path_segment("change") {
        "freeze" => set_clock(&page, ClockChange::Freeze { at: None }),
        "run" => set_clock(&page, ClockChange::Run),
        "set" => parse_time("to", to.unwrap_or_default())
            .and_then(|to| set_clock(&page, ClockChange::Set { to })),
        "advance" => match read_target(&page, by, to) {
            Ok(target) => advance(&page, target).await,
            Err(error) => Err(error),
        },
        "advance-until-idle" => advance(&page, AdvanceTarget::UntilIdle).await,
        _ => return Err(call.unknown_route_error()),
    };
    done.or_else(|error| {
        page.refuse(error, |error| {
            let typed = TypedTime {
                change: call.path_segment("change").to_owned(),
                text: to.unwrap_or_default().to_owned(),
            };
            render_clock(&page, Some(error.message()), typed)
        })
    })
}

fn set_clock(page: &PageCall<'_>, change: ClockChange) -> Result<ApiResponse, ApiError> {
    let world = &page.world;
    world
        .set_clock(Some(world.cause()), change)
        .map_err(|error| ApiError::Conflict(error.to_string()))?;
    Ok(page.lead_back("/ui/clock"))
}

/// Reads to where a form advances the clock.
fn read_target(
    page: &PageCall<'_>,
    by: Option<&str>,
    to: Option<&str>,
) -> Result<AdvanceTarget, ApiError> {
    let (target, field, span) = match (by, to) {
        (Some(by), None) => {
            let span = parse_duration(by).ok_or_else(|| {
                let message = format!("{} is not {DURATION_FORMS}", quote_value(by));
                ApiError::invalid_field("by", message)
            })?;
            (AdvanceTarget::By(span), "by", span)
        }
        (None, Some(to)) => {
            let to = parse_time("to", to)?;
            (
                AdvanceTarget::To(to),
                "to",
                to.duration_since(page.world.now()),
            )
        }
        _ => {
            let message = "is missing; give by or to, not both";
            return Err(ApiError::invalid_field("by", message));
        }
    };
    // A button may lead to a timer that is due later.
    let is_due = |to| {
        let timers = page.world.catch_up().timers(None, 0, usize::MAX);
        timers.iter().any(|timer| timer.due == to)
    };
    if span > ADVANCE_MAX && !matches!(target, AdvanceTarget::To(to) if is_due(to)) {
        let message = "is more than ten years ahead; use mockaa clock advance for that";
        return Err(ApiError::invalid_field(field, message));
    }
    Ok(target)
}

/// Advances the clock, and shows what happened on the way.
async fn advance(page: &PageCall<'_>, target: AdvanceTarget) -> Result<ApiResponse, ApiError> {
    let plan = AdvancePlan::to_target(target);
    let outcome = advance_clock(&page.world, &plan, Limits::default()).await;
    let outcome = outcome.map_err(|error| reject_advance(&error))?;
    let (_, remedy) = describe_stop(outcome.stop_reason);
    if let Some(remedy) = remedy {
        return render_clock(page, Some(remedy.to_owned()), TypedTime::default());
    }
    let address = page.address(&format!("/ui/clock?since={}", outcome.journal_after));
    Ok(ApiResponse::redirect_see_other(address))
}
