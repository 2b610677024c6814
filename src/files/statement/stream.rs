//! Documents that are too long for memory: checked while they are read.
//!
//! The transactions are taken out and checked in batches, each within the tags around them. What is left is checked like
//! any other document.

use std::io::{self, BufRead, Read};

use quick_xml::events::Event;
use quick_xml::{Reader, Writer};
use roxmltree::Document;

use super::rows::{DIAGNOSTICS_MAX, RowErrors, StatementBuilder};
use super::{CheckedStatement, StatementCheck, line_diagnostic, xml};
use crate::domain::account::FiType;
use crate::domain::diagnostic::Diagnostic;
use crate::wire::fi::validate as schema;

/// The size from which on a batch of transactions is checked, in bytes.
const BATCH_BYTES: usize = 1 << 20;

/// The size of the longest tag or text, in bytes.
const MARKUP_BYTES_MAX: usize = 1 << 20;

/// The size of what a document may have beside its transactions, in bytes.
const REST_BYTES_MAX: usize = 64 << 20;

/// Checks a document in XML.
///
/// # Errors
/// As [`super::check_document`].
pub(super) fn check_stream(input: impl BufRead) -> Result<CheckedStatement, Vec<Diagnostic>> {
    let mut reader = Reader::from_reader(LimitedInput { input, left: 0 });
    let mut checker = StreamChecker::default();
    let mut buffer = Vec::new();
    while checker.diagnostics.len() < DIAGNOSTICS_MAX {
        reader.get_mut().left = MARKUP_BYTES_MAX;
        buffer.clear();
        let event = reader.read_event_into(&mut buffer);
        let event = event.map_err(|error| {
            vec![line_diagnostic(
                checker.line,
                format!("invalid XML: {error}"),
            )]
        })?;
        if matches!(event, Event::Eof) {
            break;
        }
        checker.add(&event)?;
    }
    checker.finish()
}

/// An input that ends with an error if too much of it is read at once.
struct LimitedInput<R> {
    input: R,
    left: usize,
}

impl<R: BufRead> LimitedInput<R> {
    fn check(&self) -> io::Result<()> {
        if self.left > 0 {
            return Ok(());
        }
        let message = format!(
            "a tag or a text has more than {} MiB",
            MARKUP_BYTES_MAX >> 20
        );
        Err(io::Error::new(io::ErrorKind::InvalidData, message))
    }
}

impl<R: BufRead> Read for LimitedInput<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.check()?;
        let count = self.input.read(bytes)?;
        self.left = self.left.saturating_sub(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for LimitedInput<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.check()?;
        self.input.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.left = self.left.saturating_sub(count);
        self.input.consume(count);
    }
}

/// An element that is open, outside of transactions.
struct OpenElement {
    local_name: String,
    /// The start tag, in one line.
    start: String,
    end: String,
}

struct StreamChecker {
    /// The line of the next event.
    line: u64,
    /// The document without its transactions; their lines stay.
    rest: Vec<u8>,
    open: Vec<OpenElement>,
    /// The transactions that are not checked yet, with what is between them.
    batch: Vec<u8>,
    batch_line: u64,
    /// The number of open elements within a transaction; 0 outside.
    row_depth: usize,
    rows: usize,
    /// The rows of a bank account.
    builder: StatementBuilder,
    deposit_balance: xml::DepositBalance,
    diagnostics: Vec<Diagnostic>,
}

impl Default for StreamChecker {
    fn default() -> Self {
        let mut builder = StatementBuilder::new(StatementCheck::Strict);
        builder.keeps_rows = false;
        Self {
            line: 1,
            rest: Vec::new(),
            open: Vec::new(),
            batch: Vec::new(),
            batch_line: 1,
            row_depth: 0,
            rows: 0,
            builder,
            deposit_balance: xml::DepositBalance::default(),
            diagnostics: Vec::new(),
        }
    }
}

impl StreamChecker {
    /// Adds the next event of a document.
    fn add(&mut self, event: &Event<'_>) -> Result<(), Vec<Diagnostic>> {
        let mut writer = Writer::new(Vec::new());
        writer
            .write_event(event.borrow())
            .expect("writing to memory");
        let text = writer.into_inner();
        let newlines = memchr::memchr_iter(b'\n', &text).count();
        let is_row = self.row_depth > 0 || self.begins_row(event);
        if is_row {
            if self.batch.is_empty() {
                self.batch_line = self.line;
            }
            self.batch.extend_from_slice(&text);
            self.rest.extend(std::iter::repeat_n(b'\n', newlines));
            match event {
                Event::Start(_) => self.row_depth += 1,
                Event::End(_) => self.row_depth -= 1,
                _ => {}
            }
        } else {
            if matches!(event, Event::Text(_)) && !self.batch.is_empty() {
                self.batch.extend_from_slice(&text);
            } else {
                // Anything else ends the rows.
                self.check_batch()?;
            }
            self.rest.extend_from_slice(&text);
            self.follow(event, &text);
        }
        self.line += newlines as u64;
        if self.rest.len() > REST_BYTES_MAX {
            let message = format!(
                "the document has more than {} MiB beside its transactions; split it",
                REST_BYTES_MAX >> 20
            );
            return Err(vec![line_diagnostic(self.line, message)]);
        }
        if self.row_depth == 0 && self.batch.len() >= BATCH_BYTES {
            self.check_batch()?;
        }
        Ok(())
    }

    fn begins_row(&self, event: &Event<'_>) -> bool {
        let (Event::Start(tag) | Event::Empty(tag)) = event else {
            return false;
        };
        let is_list = self
            .open
            .last()
            .is_some_and(|element| element.local_name == "Transactions");
        let name = tag.local_name();
        is_list && name.as_ref().ends_with("Transaction")
    }

    /// Follows the elements that are open.
    fn follow(&mut self, event: &Event<'_>, text: &[u8]) {
        match event {
            Event::Start(tag) => {
                let start = String::from_utf8_lossy(text).replace(['\n', '\r'], " ");
                self.open.push(OpenElement {
                    local_name: tag.local_name().as_ref().to_owned(),
                    start,
                    end: format!("</{}>", tag.name().as_ref()),
                });
            }
            Event::End(_) => {
                self.open.pop();
            }
            _ => {}
        }
    }

    /// Checks the transactions since the last batch.
    fn check_batch(&mut self) -> Result<(), Vec<Diagnostic>> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.batch);
        let rows = String::from_utf8(rows).map_err(|_| {
            vec![line_diagnostic(
                self.batch_line,
                "the file is not UTF-8".to_owned(),
            )]
        })?;
        let starts: String = self
            .open
            .iter()
            .map(|element| element.start.as_str())
            .collect();
        let ends: String = self
            .open
            .iter()
            .rev()
            .map(|element| element.end.as_str())
            .collect();
        let columns = u64::try_from(starts.chars().count()).unwrap_or(u64::MAX);
        let text = [starts.as_str(), &rows, &ends].concat();
        let to_line = |line: u64| self.batch_line + line - 1;
        let document = xml::parse_xml(&text).map_err(|mut errors| {
            for error in &mut errors {
                (error.line, error.column) = (to_line(error.line), 0);
            }
            errors
        })?;
        // The tags around the rows are checked with the rest.
        let found = schema::validate_document(&document);
        let of_rows = found
            .into_iter()
            .filter(|it| it.line > 1 || it.column > columns);
        let of_rows: Vec<_> = of_rows
            .map(|it| line_diagnostic(to_line(it.line), it.message))
            .collect();
        self.add_rows(&document, self.batch_line, of_rows.is_empty());
        self.diagnostics.extend(of_rows);
        Ok(())
    }

    /// Adds the transactions of a document that begins in this line.
    fn add_rows(&mut self, document: &Document<'_>, line: u64, is_valid: bool) {
        let root = document.root_element();
        let fi_type = schema::find_schema(root).map(|schema| schema.fi_type);
        // The schema has reported invalid rows already.
        self.builder.row_errors = if is_valid {
            RowErrors::Report
        } else {
            RowErrors::Skip
        };
        let mut lines = super::lines::LineCounter::new(document.input_text());
        for row in xml::transaction_elements(document) {
            let line = line + lines.advance_to(row.range().start) - 1;
            self.rows += 1;
            match fi_type {
                Some(FiType::Deposit) => xml::add_row(row, line, &mut self.builder),
                Some(FiType::TermDeposit | FiType::RecurringDeposit) => {
                    let message = self.deposit_balance.check(row);
                    let diagnostic = message.map(|message| line_diagnostic(line, message));
                    self.diagnostics.extend(diagnostic);
                }
                _ => {}
            }
        }
    }

    fn finish(mut self) -> Result<CheckedStatement, Vec<Diagnostic>> {
        self.check_batch()?;
        let rest = String::from_utf8(std::mem::take(&mut self.rest));
        let rest =
            rest.map_err(|_| vec![line_diagnostic(0, "the file is not UTF-8".to_owned())])?;
        let rest = xml::blank_late_declaration(&rest);
        let document = xml::parse_xml(&rest)?;
        let mut diagnostics = schema::validate_document(&document);
        diagnostics.append(&mut self.diagnostics);
        let root = document.root_element();
        let is_deposit =
            schema::find_schema(root).is_some_and(|schema| schema.fi_type == FiType::Deposit);
        let mut notes = Vec::new();
        if is_deposit && self.rows > 0 {
            let mut builder = self.builder;
            xml::read_xml(&document, &mut builder);
            match builder.into_notes() {
                Ok(found) => notes = found,
                Err(errors) => diagnostics.extend(errors),
            }
        }
        diagnostics.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
        if !diagnostics.is_empty() {
            return Err(diagnostics);
        }
        Ok(CheckedStatement::of_xml(root, self.rows, notes))
    }
}
