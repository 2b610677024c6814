//! The finished report. Its sections list transactions by their places in the book, since most
//! transactions are in many lists; the text of each is written wherever it is listed.

use std::io::{self, Write};

use serde_json::{Map, Value};

use super::book::Entry;
use super::listing::{ListKind, count_items, list_places};
use crate::domain::appraisal::Appraisal;

/// The largest number of counterparties that one list has, the largest sums first.
///
/// `Assumption:` an underwriter reads no more of them.
const PARTIES_MAX: usize = 2_000;

/// The analytics of one account, or of several accounts taken together.
#[derive(Debug)]
pub struct Report {
    sections: Map<String, Value>,
    /// All transactions of the book.
    entries: Vec<Entry>,
    appraisal: Appraisal,
}

/// The sections of a report that is built. Each is cut as soon as it is added, so that one long section
/// at a time is in memory.
#[derive(Debug, Default)]
pub(crate) struct Sections {
    values: Map<String, Value>,
    /// The sections that were cut.
    shortened: Vec<Value>,
}

/// Counts the counterparties of a section, and limits those of each list.
#[derive(Debug, Default)]
pub(crate) struct PartyLimit {
    listed: usize,
    found: usize,
}

impl PartyLimit {
    /// Returns the first [`PARTIES_MAX`] counterparties of a list.
    pub(crate) fn limit<T>(&mut self, parties: Vec<T>) -> impl Iterator<Item = T> {
        self.found += parties.len();
        self.listed += parties.len().min(PARTIES_MAX);
        parties.into_iter().take(PARTIES_MAX)
    }
}

impl Sections {
    /// Adds a section. Where its lists are cut ([`ListKind::cut_lists`]), the key `shortened` of the
    /// report says so; counts and sums are those of all transactions.
    pub(crate) fn add(&mut self, name: &'static str, section: Value) {
        self.add_limited(name, |_| section);
    }

    /// Adds a section whose lists of counterparties are limited, too.
    pub(crate) fn add_limited(
        &mut self,
        name: &'static str,
        build: impl FnOnce(&mut PartyLimit) -> Value,
    ) {
        let mut parties = PartyLimit::default();
        let mut section = build(&mut parties);
        let mut cut = Map::from_iter([("section".to_owned(), name.into())]);
        if parties.found > parties.listed {
            cut.insert("counterpartiesListed".to_owned(), parties.listed.into());
            cut.insert("counterpartiesFound".to_owned(), parties.found.into());
        }
        for kind in ListKind::ALL {
            let figures = kind.cut_lists(&mut section).into_iter().flatten();
            for (key, figure) in kind.cut_keys().into_iter().zip(figures) {
                cut.insert(key.to_owned(), figure.into());
            }
        }
        if cut.len() > 1 {
            self.shortened.push(cut.into());
        }
        self.values.insert(name.to_owned(), section);
    }

    /// Returns the number of rows of a list of a section, those that were cut off included.
    pub(crate) fn count_rows(&self, section: &str, list: &str) -> usize {
        count_items(&self.values[section][list])
    }
}

impl Report {
    /// Creates the report of these sections.
    pub(super) fn new(entries: Vec<Entry>, sections: Sections, appraisal: Appraisal) -> Self {
        let Sections {
            values: mut sections,
            shortened,
        } = sections;
        if !shortened.is_empty() {
            sections.insert("shortened".to_owned(), shortened.into());
        }
        Self {
            sections,
            entries,
            appraisal,
        }
    }

    /// Returns the sections with their names, one after the other.
    pub(crate) fn sections(&self) -> impl Iterator<Item = (&str, Value)> {
        self.sections.iter().map(|(name, section)| {
            let mut text = Vec::new();
            self.write(section, &mut text);
            (&**name, parse(&text))
        })
    }

    /// Returns the credit appraisal.
    pub(crate) fn appraisal(&self) -> &Appraisal {
        &self.appraisal
    }

    /// Returns all transactions, in the order of the book.
    pub(crate) fn transactions(&self) -> impl Iterator<Item = Value> {
        let rows = self.entries.iter().map(Entry::to_row);
        rows.map(|row| serde_json::to_value(row).expect("texts and numbers serialise"))
    }

    /// Returns the whole report as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        // A text that grows is copied into twice the space again and again; that of a long history is large.
        let mut length = ByteCount(0);
        self.write_object(&self.sections, &mut length);
        let mut text = Vec::with_capacity(length.0);
        self.write_object(&self.sections, &mut text);
        text
    }

    /// Writes a value.
    fn write(&self, value: &Value, out: &mut impl Write) {
        match value {
            Value::Object(fields) => self.write_object(fields, out),
            Value::Array(items) => match ListKind::of(items) {
                Some(ListKind::Transactions) => {
                    let entries = list_places(items).map(|place| &self.entries[place]);
                    write_array(entries, out, |entry, out| write_json(&entry.to_row(), out));
                }
                Some(ListKind::Ids) => {
                    let entries = list_places(items).map(|place| &self.entries[place]);
                    write_array(entries, out, |entry, out| write_json(&entry.id, out));
                }
                None => write_array(items, out, |item, out| self.write(item, out)),
            },
            scalar => write_json(scalar, out),
        }
    }

    fn write_object(&self, fields: &Map<String, Value>, out: &mut impl Write) {
        write_text("{", out);
        for (index, (key, value)) in fields.iter().enumerate() {
            if index > 0 {
                write_text(",", out);
            }
            write_json(key, out);
            write_text(":", out);
            self.write(value, out);
        }
        write_text("}", out);
    }
}

/// Counts the bytes of a text instead of keeping them.
struct ByteCount(usize);

impl Write for ByteCount {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_array<T, W: Write>(
    items: impl IntoIterator<Item = T>,
    out: &mut W,
    write: impl Fn(T, &mut W),
) {
    write_text("[", out);
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            write_text(",", out);
        }
        write(item, out);
    }
    write_text("]", out);
}

fn write_text(text: &str, out: &mut impl Write) {
    out.write_all(text.as_bytes())
        .expect("memory can be written to");
}

fn write_json(value: &(impl serde::Serialize + ?Sized), out: &mut impl Write) {
    serde_json::to_writer(out, value).expect("texts and numbers serialise");
}

fn parse(text: &[u8]) -> Value {
    serde_json::from_slice(text).expect("the report is JSON")
}
