//! Pages of consents, with the actions by which the operator changes one.

use std::sync::Arc;

use super::exchange::{describe_entry, parse_place};
use super::{PageCall, list_problems, parse_filter_form, read_window, server_url};
use crate::domain::action::ConsentAction;
use crate::domain::command::Command;
use crate::domain::consent::{Consent, Input};
use crate::domain::listing::{Cursor, ListPart, SessionFilter};
use crate::domain::rejection::Rejection;
use crate::domain::text::quote_value;
use crate::http::call::{Call, parse_off_worker};
use crate::http::control::consents::parse_filter;
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::scenario::format::parse_steps;
use crate::ui::console::consent::{ConsentDetails, ConsentPage};
use crate::ui::console::consents::ConsentsPage;
use crate::ui::console::timeline::TimelineOrder;
use crate::ui::console::{PageView, Section};
use crate::wire::api_error::ApiError;

/// Shows a part of the consents, the newest first.
pub(crate) fn show_consents(call: &Call) -> Result<ApiResponse, ApiError> {
    let page = PageCall::open(call)?;
    let world = &page.world;
    let filter = parse_filter(&parse_filter_form(&page)?)?;
    let window = read_window(call, |part| world.catch_up().list_consents(&filter, part))?;
    Ok(page.show(&ConsentsPage::new(
        page.frame(Section::Consents),
        &server_url(call, world),
        &world.participants(),
        &filter,
        &window,
        |consent| world.scenario_of(consent.handle),
    )))
}

/// Shows one consent.
pub(crate) fn show_consent(call: &Call) -> Result<ApiResponse, ApiError> {
    let page = PageCall::open(call)?;
    let consent = find_consent(&page)?;
    render_consent(&page, &consent, Refusal::default())
}

/// A refusal, for the page that is shown again.
#[derive(Debug, Default)]
struct Refusal {
    /// The reason for which an action was refused.
    notice: Option<String>,
    /// The steps that were refused, with what is wrong about them.
    steps: Option<(String, Vec<String>)>,
}

fn find_consent(page: &PageCall<'_>) -> Result<Arc<Consent>, ApiError> {
    let handle = page.call.parse_handle()?;
    let consent = page.world.catch_up().consent(handle);
    Ok(consent.ok_or_else(|| Rejection::UnknownHandle(handle.to_string()))?)
}

/// Applies an input of the state machine to a consent, and shows the consent again. A browser whose page
/// was stale reads what the consent is now.
pub(crate) fn apply_action(call: &Call) -> Result<ApiResponse, ApiError> {
    let (page, _) = PageCall::open_form(call, &[])?;
    let consent = find_consent(&page)?;
    let input =
        Input::parse(call.path_segment("action")).ok_or_else(|| call.unknown_route_error())?;
    let handle = consent.handle;
    let action = ConsentAction::with_defaults(input);
    let command = Command::TransitionConsent { handle, action };
    match page.world.submit(command) {
        Ok(receipt) => {
            let answer = page.lead_back(&format!("/ui/consents/{handle}"));
            Ok(ApiResponse::from_receipt(receipt, |_| answer))
        }
        Err(rejection) => page.refuse(rejection.into(), |error| {
            let refusal = Refusal {
                notice: Some(error.message()),
                ..Refusal::default()
            };
            let consent = find_consent(&page)?;
            render_consent(&page, &consent, refusal)
        }),
    }
}

/// Plays steps in the format of scenario files on a consent, and shows it. Steps with errors are shown
/// again.
pub(crate) async fn play_steps(call: &Call) -> Result<ApiResponse, ApiError> {
    let (page, form) = PageCall::open_form(call, &["steps"])?;
    let consent = find_consent(&page)?;
    let text = form.first_value("steps").unwrap_or_default();
    // A browser sends line ends as CR LF.
    let text = text.replace("\r\n", "\n");
    let played = parse_off_worker(&text, parse_steps).await;
    let played = played.map_err(ApiError::InvalidDocument);
    let played = played.and_then(|plan| Ok(page.world.run_steps(consent.handle, &plan)?));
    match played {
        Ok(receipt) => {
            let answer = page.lead_back(&format!("/ui/consents/{}", consent.handle));
            Ok(ApiResponse::from_receipt(receipt, |_| answer))
        }
        Err(error) => page.refuse(error, |error| {
            let refusal = Refusal {
                notice: None,
                steps: Some((text, list_problems(error))),
            };
            let consent = find_consent(&page)?;
            render_consent(&page, &consent, refusal)
        }),
    }
}

/// The largest number of entries on the page of a consent.
const ENTRIES_MAX: usize = 500;

/// The largest number of data sessions, and that of timers, on the page of a consent.
const SESSIONS_MAX: usize = 20;
const TIMERS_MAX: usize = 20;

fn render_consent(
    page: &PageCall<'_>,
    consent: &Consent,
    refusal: Refusal,
) -> Result<ApiResponse, ApiError> {
    let (call, world) = (page.call, &page.world);
    let handle = consent.handle;
    let params = Params::parse(call.query())?;
    let order = match params.first_value("by") {
        None | Some("cause") => TimelineOrder::ByCause,
        Some("time") => TimelineOrder::ByTime,
        Some(other) => {
            let message = format!("{} is not one of cause, time", quote_value(other));
            return Err(ApiError::invalid_field("by", message));
        }
    };
    let view = match params.first_value("only") {
        None => PageView::Whole,
        Some("timeline") => PageView::Embedded,
        Some(other) => {
            let message = format!("{} is not timeline", quote_value(other));
            return Err(ApiError::invalid_field("only", message));
        }
    };
    let open = match params.first_value("open") {
        None => None,
        Some(text) => Some(text.parse::<u64>().map_err(|_| {
            let message = format!("{} is not the number of an entry", quote_value(text));
            ApiError::invalid_field("open", message)
        })?),
    };
    let path = format!("{}/ui/consents/{handle}", call.page_frame().base_path);
    let own = [
        (view == PageView::Embedded).then(|| ("only", "timeline".to_owned())),
        (order == TimelineOrder::ByTime).then(|| ("by", "time".to_owned())),
        open.map(|seq| ("open", seq.to_string())),
    ];
    let place = parse_place(&params, path, own.into_iter().flatten().collect())?;
    let part = ListPart {
        cursor: Cursor::NEWEST,
        limit: ENTRIES_MAX + 1,
    };
    let queries = world.catch_up();
    let (mut entries, _) = queries.journal_matching(part, |entry| entry.handle == Some(handle));
    let has_earlier = entries.len() > ENTRIES_MAX;
    entries.truncate(ENTRIES_MAX);
    entries.reverse();
    let entries: Vec<_> = entries.into_iter().map(describe_entry).collect();
    let filter = SessionFilter {
        status: None,
        handle: Some(handle),
    };
    let sessions = queries.list_sessions(
        &filter,
        ListPart {
            cursor: Cursor::NEWEST,
            limit: SESSIONS_MAX,
        },
    );
    let session_count: usize = sessions.counts.iter().map(|(_, count)| count).sum();
    let sessions: Vec<_> = sessions
        .items
        .into_iter()
        .map(|(_, session)| session)
        .collect();
    let mut timers = queries.timers(Some(handle), 0, TIMERS_MAX + 1);
    let has_later_timers = timers.len() > TIMERS_MAX;
    timers.truncate(TIMERS_MAX);
    let opened = open.map(|seq| {
        let entry = entries.iter().find(|it| it.entry.seq == seq);
        (
            seq,
            entry.and_then(|it| page.exchange_of(&it.entry, &place)),
        )
    });
    let details = ConsentDetails {
        consent,
        participants: &world.participants(),
        scenario: world.scenario_of(handle),
        selection_reason: world.selection_reason_of(handle),
        accounts: &queries.consent_accounts(consent),
        earlier_sessions: session_count - sessions.len(),
        sessions: &sessions,
        timers: &timers,
        has_later_timers,
        entries: &entries,
        has_earlier,
        last_shown_seq: page.last_shown_seq(),
        evicted: world.count_evicted(|_| true),
        order,
        open: opened,
        place,
        customer_url: page.address(&format!("/aa/consents/{handle}")),
        is_local: call.app_state().access.listens_on_loopback()
            && call.app_state().access.public_url().is_none(),
        notice: refusal.notice,
        refused_steps: refusal.steps,
    };
    let frame = page.frame(Section::Consents).with_view(view);
    Ok(page.show(&ConsentPage::new(frame, details)))
}
