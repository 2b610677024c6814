//! The journal: reading it, waiting for entries, checking expectations, and the contract report.

use std::sync::Arc;

use actix_web::http::header::HeaderName;

use super::webhooks::OCTET_STREAM;
use super::{
    authenticate_operator, check_operator, parse_detail, parse_list_part, parse_pagination,
    parse_reveal,
};
use crate::domain::duration::{DURATION_FORMS, parse_duration};
use crate::domain::journal_entry::JournalEntry;
use crate::domain::listing::{Cursor, ListPart};
use crate::domain::text::quote_value;
use crate::domain::time::Millis;
use crate::engine::world::{JournalSearch, WaitEnd, World};
use crate::http::call::Call;
use crate::http::event_stream::{EventStream, STREAMS_MAX};
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::http::routes::has_operation;
use crate::scenario::format::parse_expectations;
use crate::wire::api_error::ApiError;
use crate::wire::control::Detail;
use crate::wire::control::events::EventPlace;
use crate::wire::control::journal::{
    AssertView, BodySide, EntryView, JournalFilter, JournalPage, RecordedBody, VerdictView,
    WHOLE_LENGTH_HEADER,
};
use crate::wire::control::report::{ReportView, render_text};
use crate::wire::mask::SecretDetail;

/// Longest wait of one call, in system time.
const WAIT_MAX: Millis = Millis::from_secs(5 * 60);

pub(crate) fn list_entries(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    // The journal is read forwards.
    let part = parse_list_part(call, Cursor::OLDEST)?;
    let params = Params::parse(call.query())?;
    let query = parse_filter(&params)?;
    Ok(ApiResponse::json(&read_page(
        &world,
        part,
        (parse_detail(&params, Detail::Row)?, parse_reveal(call)?),
        |entry| query.matches_entry(entry),
    )))
}

/// Parses the filter of a query of the journal.
pub(crate) fn parse_filter(params: &Params) -> Result<JournalFilter, ApiError> {
    JournalFilter::parse(|name| params.first_value(name))
}

fn read_page(
    world: &World,
    part: ListPart,
    shown: (Detail, SecretDetail),
    is_wanted: impl Fn(&JournalEntry) -> bool,
) -> JournalPage {
    let (entries, last_examined) = world.catch_up().journal_matching(part, is_wanted);
    let next = (entries.len() == part.limit).then_some(last_examined);
    JournalPage {
        items: show_entries(&entries, shown),
        next,
        evicted: world.count_evicted(|_| true),
    }
}

fn show_entries(
    entries: &[JournalEntry],
    (detail, secrets): (Detail, SecretDetail),
) -> Vec<EntryView> {
    let entries = entries.iter();
    entries
        .map(|entry| EntryView::new(entry, detail, secrets))
        .collect()
}

/// Returns one entry.
pub(crate) fn get_entry(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let entry = find_entry(call, &world)?;
    Ok(ApiResponse::json(&EntryView::new(
        &entry,
        Detail::Whole,
        parse_reveal(call)?,
    )))
}

/// Returns the recorded bytes of the request of a call, or of a webhook as it was sent.
pub(crate) fn get_entry_request(call: &Call) -> Result<ApiResponse, ApiError> {
    send_body(call, BodySide::Request)
}

/// Returns the recorded bytes of the answer to a call.
pub(crate) fn get_entry_answer(call: &Call) -> Result<ApiResponse, ApiError> {
    send_body(call, BodySide::Answer)
}

/// Sends a recorded body as a file. Where only its beginning is recorded, the header says so.
fn send_body(call: &Call, side: BodySide) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let entry = find_entry(call, &world)?;
    let body = RecordedBody::of_entry(&entry, side, parse_reveal(call)?).ok_or_else(|| {
        ApiError::NotFound(format!(
            "journal entry {} has no {}; a call has a request and an answer, and a webhook that was sent a request",
            entry.seq,
            side.as_str()
        ))
    })?;
    let name = format!("journal-{}-{}", entry.seq, side.as_str());
    let cut_length = body.cut_length();
    let response = ApiResponse::file(body.bytes, OCTET_STREAM, name);
    Ok(match cut_length {
        Some(length) => {
            let header = HeaderName::from_static(WHOLE_LENGTH_HEADER);
            response.with_header(header, length.to_string())
        }
        None => response,
    })
}

/// Finds the entry in the path.
pub(crate) fn find_entry(call: &Call, world: &World) -> Result<JournalEntry, ApiError> {
    let text = call.path_segment("seq");
    let seq: u64 = text.parse().map_err(|_| {
        let message = format!("{} is not the number of an entry", quote_value(text));
        ApiError::invalid_field("seq", message)
    })?;
    world.catch_up().journal_entry(seq).map_err(|last| {
        ApiError::NotFound(if (1..=last).contains(&seq) {
            format!("journal entry {seq} was evicted, because the journal was full")
        } else {
            format!("there is no journal entry {seq}; the newest one is {last}")
        })
    })
}

/// Waits until `count` entries match, or `within` has passed.
pub(crate) async fn wait_for_entries(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let (after, limit) = parse_pagination(call)?;
    let params = Params::parse(call.query())?;
    let query = parse_filter(&params)?;
    let shown = (parse_detail(&params, Detail::Row)?, parse_reveal(call)?);
    let count = match params.first_value("count") {
        None => 1,
        Some(text) => {
            let count = text
                .parse::<usize>()
                .ok()
                .filter(|count| (1..=limit).contains(count));
            count.ok_or_else(|| {
                ApiError::invalid_field(
                    "count",
                    format!("{} is not a number from 1 to {limit}", quote_value(text)),
                )
            })?
        }
    };
    let within = match params.first_value("within") {
        None => Millis::from_secs(10),
        Some(text) => parse_duration(text)
            .filter(|duration| *duration <= WAIT_MAX)
            .ok_or_else(|| {
                ApiError::invalid_field(
                    "within",
                    format!("{} is not {DURATION_FORMS}, at most 5m", quote_value(text)),
                )
            })?,
    };
    let search = JournalSearch::new(after, limit, |entry| query.matches_entry(entry));
    let waiting = world.wait_for_entries(within, count, search);
    let end = call.while_connected(waiting).await?;
    match end {
        WaitEnd::Found(entries) => Ok(ApiResponse::json(&JournalPage {
            next: entries
                .last()
                .filter(|_| entries.len() == limit)
                .map(|entry| entry.seq),
            items: show_entries(&entries, shown),
            evicted: world.count_evicted(|_| true),
        })),
        WaitEnd::TimedOut(found) => Err(ApiError::Timeout(format!(
            "{found} of {count} entries arrived within {} ms; increase within",
            within.0
        ))),
        WaitEnd::Closed => Err(ApiError::Conflict(
            "the world was reset or deleted while the call waited; wait again, from the first entry".to_owned(),
        )),
        WaitEnd::Stopping => Err(ApiError::LimitReached(
            "the sandbox stops; wait again when it has started".to_owned(),
        )),
    }
}

/// Streams what happens in the world, after the event of `Last-Event-ID` or `after` if one is given. A
/// world that was deleted has nothing after it: 204, which keeps a browser from connecting again.
pub(crate) fn stream_events(call: &Call) -> Result<ApiResponse, ApiError> {
    check_operator(call)?;
    let params = Params::parse(call.query())?;
    let filter = parse_filter(&params)?;
    let place = match call.headers().get("last-event-id") {
        Some(value) => {
            let text = String::from_utf8_lossy(value.as_bytes());
            Some(EventPlace::parse("Last-Event-ID", &text)?)
        }
        None => params
            .first_value("after")
            .map(|text| EventPlace::parse("after", text))
            .transpose()?,
    };
    let is_gone = call.find_world()?.is_none();
    if is_gone && place.is_some_and(|place| call.worlds().was_deleted(place.life)) {
        return Ok(ApiResponse::no_content());
    }
    let world = call.get_or_create_world()?;
    if call.method() == "HEAD" {
        return Ok(ApiResponse::events(None));
    }
    let app_state = call.shared_state();
    let Some(slot) = app_state.event_streams.take_slot() else {
        return Err(ApiError::LimitReached(format!(
            "{STREAMS_MAX} streams of events are open, the maximum; close some, or poll GET /_mockaa/v1/journal"
        )));
    };
    let world = Arc::clone(&world);
    let session = call.operator_session();
    let stream = EventStream::new(app_state, world, filter, place, slot, session);
    Ok(ApiResponse::events(Some(stream)))
}

/// Checks expectations against the journal. Each may wait, up to its own `within`.
pub(crate) async fn check_expectations(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let expectations = call.parse_text(parse_expectations).await?;
    let expectations = expectations.map_err(ApiError::InvalidDocument)?;
    if let Some(expectation) = expectations
        .iter()
        .find(|expectation| expectation.within.is_some_and(|within| within > WAIT_MAX))
    {
        return Err(ApiError::invalid_field(
            "within",
            format!("of {} is longer than 5m", expectation.origin),
        ));
    }
    let mut results = Vec::new();
    for expectation in &expectations {
        let verdict = world.await_expectation(expectation);
        let verdict = call.while_connected(verdict).await?;
        results.push(VerdictView::new(expectation, &verdict));
    }
    Ok(ApiResponse::json(&AssertView::new(results)))
}

/// Returns the contract report as JSON, or as text if `Accept` begins with `text/plain`.
pub(crate) fn get_report(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let report = ReportView::new(
        world.name(),
        &world.catch_up().grade_contract(has_operation),
    );
    let wants_text = call
        .header("accept")
        .is_some_and(|accept| accept.starts_with("text/plain"));
    Ok(if wants_text {
        ApiResponse::text(render_text(&report))
    } else {
        ApiResponse::json(&report)
    })
}
