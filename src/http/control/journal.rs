//! What has happened: reading it, waiting for it, holding expectations against it, and how the FIU has behaved.

use actix_web::HttpResponse;

use super::{operator, window};
use crate::domain::expectation::Expectation;
use crate::domain::journal_entry::JournalEntry;
use crate::domain::time::Millis;
use crate::engine::world::World;
use crate::http::call::Call;
use crate::http::pairs::Pairs;
use crate::http::reply::Answer;
use crate::wire::api_error::ApiError;
use crate::wire::control::journal::{
    AssertView, EntryView, JournalPage, JournalQuery, VerdictView,
};
use crate::wire::control::report::{ReportView, render_text};
use crate::wire::duration::{DURATION_FORMS, parse_duration};

/// How long somebody may wait, in wall time.
const WAIT_MAX: Millis = Millis::from_secs(5 * 60);

pub async fn list(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).and_then(|world| {
        let (after, limit) = window(&call)?;
        let pairs = Pairs::parse(call.query())?.only(&JournalQuery::PARAMETERS)?;
        let query = JournalQuery::parse(&|name| Ok(pairs.first(name).map(str::to_owned)))?;
        Ok(Answer::json(&page(&world, after, limit, |entry| {
            query.matches_entry(entry)
        })))
    }))
}

fn page(
    world: &World,
    after: u64,
    limit: usize,
    wanted: impl Fn(&JournalEntry) -> bool,
) -> JournalPage {
    let (entries, looked_at) = world.journal_matching(after, limit, wanted);
    let next = (entries.len() == limit).then_some(looked_at);
    JournalPage {
        items: entries.iter().map(EntryView::from).collect(),
        next,
        evicted: world.count_evicted(|_| true),
    }
}

/// Waits until there are so many entries.
pub async fn wait(call: Call) -> HttpResponse {
    let outcome = waited(&call).await;
    call.reply_control(outcome)
}

async fn waited(call: &Call) -> Result<Answer, ApiError> {
    let world = operator(call)?;
    let (after, limit) = window(call)?;
    let pairs = Pairs::parse(call.query())?
        .only(&[&JournalQuery::PARAMETERS[..], &["count", "within"]].concat())?;
    let query = JournalQuery::parse(&|name| Ok(pairs.first(name).map(str::to_owned)))?;
    let count = match pairs.first("count") {
        None => 1,
        Some(text) => {
            let count = text
                .parse::<usize>()
                .ok()
                .filter(|count| (1..=limit).contains(count));
            count.ok_or_else(|| {
                ApiError::invalid_field(
                    "count",
                    format!("'{text}' is not a number from 1 to {limit}"),
                )
            })?
        }
    };
    let within = match pairs.first("within") {
        None => Millis::from_secs(10),
        Some(text) => parse_duration(text)
            .filter(|span| *span <= WAIT_MAX)
            .ok_or_else(|| {
                ApiError::invalid_field(
                    "within",
                    format!("'{text}' is not {DURATION_FORMS}, of 5m at most"),
                )
            })?,
    };
    let found = world.wait_to_find(within, |world| {
        let found = page(world, after, limit, |entry| query.matches_entry(entry));
        (found.items.len() >= count).then_some(found)
    });
    if let Some(found) = found.await {
        return Ok(Answer::json(&found));
    }
    let found = page(&world, after, limit, |entry| query.matches_entry(entry))
        .items
        .len();
    let problem = format!(
        "{found} of {count} entries came within {} ms; give a longer within",
        within.0
    );
    Err(ApiError::Timeout(problem))
}

/// Holds expectations against what has happened; each waits as long as it says.
pub async fn assert(call: Call) -> HttpResponse {
    let outcome = asserted(&call).await;
    call.reply_control(outcome)
}

async fn asserted(call: &Call) -> Result<Answer, ApiError> {
    let world = operator(call)?;
    let expectations = world
        .config()
        .scenario_provider
        .parse_expectations(call.text()?)
        .map_err(ApiError::InvalidDocument)?;
    let late =
        |expectation: &&Expectation| expectation.within.is_some_and(|within| within > WAIT_MAX);
    if let Some(expectation) = expectations.iter().find(late) {
        return Err(ApiError::invalid_field(
            "within",
            format!("of {} is longer than 5m", expectation.origin),
        ));
    }
    let mut results = Vec::new();
    for expectation in &expectations {
        results.push(VerdictView::new(
            expectation,
            &world.await_expectation(expectation).await,
        ));
    }
    Ok(Answer::json(&AssertView::new(results)))
}

/// The contract report, as JSON, or as text for who asks for that.
pub async fn report(call: Call) -> HttpResponse {
    call.reply_control(operator(&call).map(|world| {
        let report = ReportView::new(world.name(), &world.grade_contract());
        let wants_text = call
            .header("accept")
            .is_some_and(|accept| accept.starts_with("text/plain"));
        if wants_text {
            Answer::text(render_text(&report))
        } else {
            Answer::json(&report)
        }
    }))
}
