//! Owns the format of the events that the control API streams.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::journal::{CauseView, EntrySummary, shorten_text};
use super::schema_types::TimestampText;
use super::world::WorldSummary;
use crate::domain::journal_entry::JournalEntry;
use crate::domain::text::quote_value;
use crate::wire::api_error::ApiError;

/// The largest number of characters of a text in an event. `GET journal/{seq}` has all of it.
const TEXT_CHARS_MAX: usize = 300;

/// A place in the journal of one life of a world: `9f3c51aa70b2d4e6.42`. After a reset or a restart,
/// numbers begin at 1 again, in another life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventPlace {
    pub life: u64,
    pub seq: u64,
}

impl EventPlace {
    /// Parses a place.
    ///
    /// # Errors
    /// The text is none; `field` is where it was sent.
    pub(crate) fn parse(field: &'static str, text: &str) -> Result<Self, ApiError> {
        let place = text.split_once('.').and_then(|(life, seq)| {
            let is_life = life.len() == 16 && life.bytes().all(|digit| digit.is_ascii_hexdigit());
            let is_number = seq.bytes().all(|digit| digit.is_ascii_digit());
            Some(Self {
                life: u64::from_str_radix(life, 16).ok().filter(|_| is_life)?,
                seq: seq.parse().ok().filter(|_| is_number)?,
            })
        });
        place.ok_or_else(|| {
            let message = format!(
                "{} is not the id of an event; send one that this stream has sent, or none to begin now",
                quote_value(text)
            );
            ApiError::invalid_field(field, message)
        })
    }
}

impl std::fmt::Display for EventPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}.{}", self.life, self.seq)
    }
}

/// The data of event `entry`: an entry of the journal without bodies and headers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventView {
    #[serde(flatten)]
    entry: EntrySummary,
    #[schemars(with = "TimestampText")]
    system_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<CauseView>,
}

impl From<&JournalEntry> for EventView {
    fn from(entry: &JournalEntry) -> Self {
        Self {
            entry: EntrySummary::from(entry).shorten_texts(TEXT_CHARS_MAX),
            system_time: entry.system_time.to_string(),
            customer: entry.customer.as_deref().map(|customer| {
                let mut text = customer.to_owned();
                shorten_text(&mut text, TEXT_CHARS_MAX);
                text
            }),
            cause: entry.cause.as_deref().map(CauseView::from),
        }
    }
}

/// The reason for which a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndReason {
    Shutdown,
    WorldDeleted,
    SessionEnded,
}

/// Writes an entry, whose id is its place.
pub(crate) fn write_entry(text: &mut String, life: u64, entry: &JournalEntry) {
    let seq = entry.seq;
    let place = EventPlace { life, seq };
    write_event(text, "entry", Some(place), &EventView::from(entry));
}

/// Writes that the journal has forgotten entries until a number.
pub(crate) fn write_gap(text: &mut String, life: u64, lost: u64, until: u64) {
    let place = EventPlace { life, seq: until };
    let data = json!({ "lost": lost, "resumeAt": until + 1 });
    write_event(text, "gap", Some(place), &data);
}

/// Writes that the numbers of another life follow.
pub(crate) fn write_reset(text: &mut String, life: u64) {
    let data = json!({ "life": format!("{life:016x}") });
    write_event(text, "reset", Some(EventPlace { life, seq: 0 }), &data);
}

/// Writes the summary of a world.
pub(crate) fn write_world(text: &mut String, life: u64, seq: u64, summary: &WorldSummary) {
    write_event(text, "world", Some(EventPlace { life, seq }), summary);
}

/// Writes that the stream ends, and for which reason.
pub(crate) fn write_end(text: &mut String, reason: EndReason) {
    let reason = match reason {
        EndReason::Shutdown => "the sandbox stops",
        EndReason::WorldDeleted => "the world was deleted",
        EndReason::SessionEnded => "the session has ended",
    };
    write_event(text, "bye", None, &json!({ "reason": reason }));
}

/// Writes an event. JSON has no line break, so its data is one line.
fn write_event(text: &mut String, name: &str, id: Option<EventPlace>, data: &impl Serialize) {
    let data = serde_json::to_string(data).expect("our own types serialise");
    if let Some(id) = id {
        writeln!(text, "id: {id}").expect("a text takes all");
    }
    writeln!(text, "event: {name}\ndata: {data}\n").expect("a text takes all");
}
