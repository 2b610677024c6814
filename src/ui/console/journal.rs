//! The list of the entries of the journal.

use askama::Template;

use super::timeline::{DescribedEntry, Row, build_row};
use super::{
    ConsoleFrame, ListAddress, SelectOption, describe_filter, format_precise_time, list_options,
};
use crate::domain::money::group_count;
use crate::domain::operation::Operation;
use crate::domain::participants::Participants;

/// A part of the journal, the newest entry first, and where it goes on.
#[derive(Debug, Default)]
pub(crate) struct JournalWindow {
    pub entries: Vec<DescribedEntry>,
    /// The number after which newer entries match.
    pub newer: Option<u64>,
    /// The number before which older entries match.
    pub older: Option<u64>,
    /// The number of entries that were evicted.
    pub evicted: u64,
}

/// The page with a part of the journal.
#[derive(Debug, Template)]
#[template(path = "console_journal.html")]
pub(crate) struct JournalPage {
    console: ConsoleFrame,
    fields: Vec<FilterField>,
    kinds: Vec<SelectOption>,
    operations: Vec<SelectOption>,
    is_filtered: bool,
    described_filter: String,
    rows: Vec<JournalRow>,
    newer: Option<String>,
    older: Option<String>,
    /// The number of evicted entries, in words; empty if there are none.
    evicted: String,
    /// The reason for which the filter was refused.
    problem: Option<String>,
}

/// A field of text of the form.
#[derive(Debug)]
struct FilterField {
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    value: String,
}

#[derive(Debug)]
struct JournalRow {
    seq: u64,
    row: Row,
    at: String,
    /// The address of the consent and the beginning of its handle.
    consent: Option<(String, String)>,
}

/// The fields of text: name, label, and an example.
const TEXT_FIELDS: [(&str, &str, &str); 6] = [
    ("q", "Text", "In paths, headers, bodies, faults"),
    ("status", "Answer", "503 or 5xx"),
    ("consentHandle", "Consent", "Its handle"),
    ("customer", "Customer", "9876543210@ink"),
    ("from", "From", "2026-01-15 11:30"),
    ("to", "To", "2026-01-16"),
];

impl JournalPage {
    /// Returns the page of a part. `given` has the parameters of the filter, `kinds` the kinds of entries.
    pub(crate) fn new(
        console: ConsoleFrame,
        participants: &Participants,
        given: &[(&'static str, Option<String>)],
        kinds: &[&'static str],
        window: &JournalWindow,
        problem: Option<String>,
    ) -> Self {
        let value_of = |name: &str| {
            let found = given.iter().find(|(it, _)| *it == name);
            found.and_then(|(_, value)| value.clone())
        };
        let names = kinds
            .iter()
            .map(|kind| ((*kind).to_owned(), (*kind).to_owned()));
        let operations = Operation::ALL.iter().map(|it| it.as_str().to_owned());
        let path = format!("{}/ui/journal", console.base_path);
        let list = ListAddress::new(path, given.iter().cloned(), None);
        let parts = given.iter().map(|(name, value)| {
            let value = value.as_ref()?;
            let field = TEXT_FIELDS.iter().find(|(it, ..)| it == name);
            let label = field.map_or(*name, |(_, label, _)| label);
            Some(format!("{} {value}", label.to_lowercase()))
        });
        Self {
            problem,
            fields: TEXT_FIELDS
                .iter()
                .map(|(name, label, hint)| FilterField {
                    name,
                    label,
                    hint,
                    value: value_of(name).unwrap_or_default(),
                })
                .collect(),
            kinds: list_options(names, value_of("kind").as_deref()),
            operations: list_options(
                operations.map(|name| (name.clone(), name)),
                value_of("op").as_deref(),
            ),
            is_filtered: given.iter().any(|(_, value)| value.is_some()),
            described_filter: describe_filter(parts),
            rows: window
                .entries
                .iter()
                .map(|it| JournalRow::new(it, participants, &console.base_path))
                .collect(),
            newer: window.newer.map(|number| list.at("after", number)),
            older: window.older.map(|number| list.at("before", number)),
            evicted: match usize::try_from(window.evicted) {
                Ok(0) => String::new(),
                Ok(count) => group_count(count),
                Err(_) => window.evicted.to_string(),
            },
            console,
        }
    }
}

impl JournalRow {
    fn new(described: &DescribedEntry, participants: &Participants, base_path: &str) -> Self {
        let handle = described.entry.handle.map(|handle| handle.to_string());
        Self {
            seq: described.entry.seq,
            row: build_row(described, participants),
            at: format_precise_time(described.entry.at),
            consent: handle.map(|handle| {
                let name = handle.split('-').next().unwrap_or_default();
                (
                    format!("{base_path}/ui/consents/{handle}"),
                    format!("{name}…"),
                )
            }),
        }
    }
}
