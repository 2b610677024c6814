//! Owns reading and checking statements that users supply, in CSV, JSON or XML. Leaves the schema
//! to `fi::validate`.
//!
//! A statement is used unchanged, after all of its rows, balances and dates were checked. The
//! columns are those of the FI schema's `Transaction` (DEPOSIT, in either generation), which
//! `mockaa data generate` also writes.

mod csv;
mod json;
pub(super) mod lines;
mod parts;
mod relations;
mod rows;
mod stream;
mod xml;

pub(super) use self::csv::check_quotes;
use std::io::{self, BufRead, Read};

use self::rows::RowErrors;
pub(super) use self::rows::StatementBuilder;
use crate::domain::account::FiType;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::naming::wire_enum;
use crate::domain::statement::Ledger;
use crate::wire::fi::validate as schema;

wire_enum! {
    /// The treatment of what looks wrong in a statement although each of its rows can be read: balances that do not
    /// add up, rows out of order, ids that occur twice, dates that are not plausible.
    #[derive(Default)]
    StatementCheck {
        /// It is an error.
        #[default]
        Strict = "strict",
        /// It is a note, and the statement is used.
        Warn = "warn",
        /// The statement is used.
        Off = "off",
    }
}

/// Parses a statement: XML of a ReBIT schema if it begins with `<`, JSON if it begins with a brace or bracket, else CSV
/// with a header.
///
/// # Errors
/// The first 50 errors, each with its line.
pub(crate) fn parse(bytes: &[u8], check: StatementCheck) -> Result<Ledger, Vec<Diagnostic>> {
    if bytes.starts_with(WORKBOOK_START) {
        let message = "the file is a workbook, such as the export of a bank; name its layout with `like`, or make a statement of it with `mockaa data import`";
        return Err(vec![line_diagnostic(0, message.to_owned())]);
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = memchr::memchr_iter(b'\n', before).count() as u64 + 1;
        vec![line_diagnostic(line, "the file is not UTF-8".to_owned())]
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = StatementBuilder::new(check);
    match text.trim_start().bytes().next() {
        None => return Err(vec![line_diagnostic(0, "the file is empty".to_owned())]),
        Some(b'<') => {
            let text = xml::blank_late_declaration(text);
            let document = xml::parse_xml(&text)?;
            xml::check_is_deposit(&document)?;
            xml::read_xml(&document, &mut builder);
        }
        Some(b'{' | b'[') => json::read_json(text, &mut builder)?,
        Some(_) => csv::read_csv(text, &mut builder)?,
    }
    builder.into_ledger()
}

/// The first bytes of an XLSX, which is an archive (APPNOTE.TXT of ZIP, 4.3.7).
pub(super) const WORKBOOK_START: &[u8] = b"PK\x03\x04";

/// A statement without errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CheckedStatement {
    /// The file format.
    pub format: &'static str,
    /// The FI type and the version of the schema that a document in XML was checked against.
    pub schema: Option<String>,
    /// The number of transactions; `None` for GST, which has returns instead.
    pub rows: Option<usize>,
    /// Notes: a field that a persona would not keep, or a value that is worth a look.
    pub notes: Vec<Diagnostic>,
}

impl CheckedStatement {
    /// Returns what is known of a document in XML with this root and number of transactions.
    fn of_xml(root: roxmltree::Node<'_, '_>, rows: usize, notes: Vec<Diagnostic>) -> Self {
        let schema = schema::find_schema(root);
        let has_rows = schema.is_none_or(|schema| schema.fi_type != FiType::Gstr1_3b);
        Self {
            format: "XML",
            schema: schema.map(|schema| format!("{} {}", schema.fi_type, schema.version)),
            rows: has_rows.then_some(rows),
            notes,
        }
    }
}

/// The size up to which a file is checked in memory.
const MEMORY_BYTES_MAX: u64 = 16 << 20;

/// Checks a file as [`check_document`] does. A long document in XML is checked while it is read.
///
/// # Errors
/// Those of the file, each with its line; and that it cannot be read.
pub(crate) fn check_file(
    mut input: impl BufRead,
) -> io::Result<Result<CheckedStatement, Vec<Diagnostic>>> {
    let mut beginning = Vec::new();
    (&mut input)
        .take(MEMORY_BYTES_MAX)
        .read_to_end(&mut beginning)?;
    if input.fill_buf()?.is_empty() {
        return Ok(check_document(&beginning));
    }
    let text = beginning
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(&beginning);
    if text.trim_ascii_start().starts_with(b"<") {
        return Ok(stream::check_stream(text.chain(input)));
    }
    input.read_to_end(&mut beginning)?;
    Ok(check_document(&beginning))
}

/// Checks a statement: a document of a ReBIT schema in XML, or a file that [`parse`] accepts.
///
/// # Errors
/// The errors of the schema and the first 50 others, each with its line.
fn check_document(bytes: &[u8]) -> Result<CheckedStatement, Vec<Diagnostic>> {
    let text = std::str::from_utf8(bytes)
        .unwrap_or_default()
        .trim_start_matches('\u{feff}');
    let first = text.trim_start();
    if !first.starts_with('<') {
        let format = if first.starts_with(['{', '[']) {
            "JSON"
        } else {
            "CSV"
        };
        return parse(bytes, StatementCheck::Strict).map(|ledger| CheckedStatement {
            format,
            schema: None,
            rows: Some(ledger.transactions.rows.len()),
            notes: ledger.notes,
        });
    }
    let text = xml::blank_late_declaration(text);
    let document = xml::parse_xml(&text)?;
    let mut diagnostics = schema::validate_document(&document);
    let rows: Vec<_> = xml::transaction_elements(&document).collect();
    // The schema has reported invalid rows already.
    let row_errors = if diagnostics.is_empty() {
        RowErrors::Report
    } else {
        RowErrors::Skip
    };
    let notes = xml::check_relations(&document, &rows, row_errors);
    let notes = notes.unwrap_or_else(|errors| {
        diagnostics.extend(errors);
        Vec::new()
    });
    diagnostics.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    Ok(CheckedStatement::of_xml(
        document.root_element(),
        rows.len(),
        notes,
    ))
}

pub(super) fn line_diagnostic(line: u64, message: String) -> Diagnostic {
    Diagnostic {
        line,
        column: 0,
        message,
    }
}
