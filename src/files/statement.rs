//! Owns reading and checking statements that users supply, in CSV, JSON or XML. Leaves the schema
//! to `fi::validate`.
//!
//! A statement is used unchanged, after all of its rows, balances and dates were checked. The
//! columns are those of the FI schema's `Transaction` (DEPOSIT, in either generation), which
//! `mockaa data generate` also writes.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, NaiveTime};
use roxmltree::{Document, Node as Xml};

use crate::domain::account::FiType;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::money::Paise;
use crate::domain::participants::FiSchema;
use crate::domain::statement::{Ledger, NewRow, TransactionMode, Transactions};
use crate::domain::terms::{TimeRange, TransactionType};
use crate::domain::text::quote_value;
use crate::domain::time::Timestamp;
use crate::files::yaml::diagnostic_at;
use crate::files::yaml::node::{self, Node, SpannedNode};
use crate::wire::fi::csv::list_columns;
use crate::wire::fi::element_json::lowercase_first;
use crate::wire::fi::validate as schema;
use crate::wire::fi::xml::balance_attribute;

/// The name of the balance in the current generation of the schemas.
const BALANCE_COLUMN: &str = balance_attribute(FiSchema::Current);

/// The columns that every row needs.
const REQUIRED_COLUMNS: [&str; 5] = [
    "type",
    "amount",
    BALANCE_COLUMN,
    "transactionTimestamp",
    "narration",
];

/// The maximum number of rows of a supplied statement.
const ROWS_MAX: usize = 1_000_000;

/// The maximum number of diagnostics; later ones are dropped.
const DIAGNOSTICS_MAX: usize = 50;

/// Parses a statement: XML of a ReBIT schema if it begins with `<`, JSON if it begins with a brace or bracket, else CSV
/// with a header.
///
/// # Errors
/// The first 50 errors, each with its line.
pub(crate) fn parse(bytes: &[u8]) -> Result<Ledger, Vec<Diagnostic>> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| vec![line_diagnostic(0, "the file is not UTF-8".to_owned())])?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(vec![line_diagnostic(0, "the file is empty".to_owned())]);
    }
    let mut builder = StatementBuilder::default();
    if text.trim_start().starts_with('<') {
        let text = blank_late_declaration(text);
        let document = parse_xml(&text)?;
        check_is_deposit(&document)?;
        builder.needs_narration = false;
        builder.add_xml_rows(&document);
    } else if text.trim_start().starts_with(['{', '[']) {
        read_json(text, &mut builder)?;
    } else {
        read_csv(text, &mut builder)?;
    }
    builder.into_ledger()
}

/// A statement without errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CheckedStatement {
    /// The file format.
    pub format: &'static str,
    /// The FI type and the version of the schema that a document in XML was checked against.
    pub schema: Option<String>,
    /// The number of transactions; `None` for GST, which has returns instead.
    pub rows: Option<usize>,
}

/// Checks a statement: a document of a ReBIT schema in XML, or a file that [`parse`] accepts.
///
/// # Errors
/// The errors of the schema and the first 50 others, each with its line.
pub(crate) fn check_document(bytes: &[u8]) -> Result<CheckedStatement, Vec<Diagnostic>> {
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
        return parse(bytes).map(|ledger| CheckedStatement {
            format,
            schema: None,
            rows: Some(ledger.transactions.rows.len()),
        });
    }
    let text = blank_late_declaration(text);
    let document = parse_xml(&text)?;
    let mut diagnostics = schema::validate_document(&document);
    let rows: Vec<_> = transaction_elements(&document).collect();
    // The schema has reported invalid rows already.
    let row_errors = if diagnostics.is_empty() {
        RowErrors::Report
    } else {
        RowErrors::Skip
    };
    diagnostics.extend(check_balances(&document, &rows, row_errors));
    diagnostics.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
    if diagnostics.is_empty() {
        let schema = schema::find_schema(document.root_element());
        Ok(CheckedStatement {
            format: "XML",
            schema: schema.map(|schema| format!("{} {}", schema.fi_type, schema.version)),
            rows: schema
                .is_none_or(|schema| schema.fi_type != FiType::Gstr1_3b)
                .then_some(rows.len()),
        })
    } else {
        Err(diagnostics)
    }
}

/// Returns a text that XML accepts although white space comes before its declaration. All lines stay.
fn blank_late_declaration(text: &str) -> Cow<'_, str> {
    let trimmed = text.trim_start();
    let blank = &text[..text.len() - trimmed.len()];
    let end = trimmed.find("?>").map(|index| index + 2);
    match end.filter(|_| !blank.is_empty() && trimmed.starts_with("<?xml")) {
        None => Cow::Borrowed(text),
        Some(end) => {
            let (declaration, rest) = trimmed.split_at(end);
            let lines = "\n".repeat(declaration.matches('\n').count());
            Cow::Owned([blank, &lines, rest].concat())
        }
    }
}

fn parse_xml(text: &str) -> Result<Document<'_>, Vec<Diagnostic>> {
    Document::parse(text).map_err(|error| {
        let place = error.pos();
        vec![Diagnostic {
            line: place.row.into(),
            column: place.col.into(),
            message: format!("invalid XML: {error}"),
        }]
    })
}

/// Checks that a document is of a bank account.
fn check_is_deposit(document: &Document<'_>) -> Result<(), Vec<Diagnostic>> {
    let root = document.root_element();
    let namespace = root.tag_name().namespace().unwrap_or_default();
    if namespace.ends_with("/deposit") {
        return Ok(());
    }
    let message = format!(
        "the document is of the schema {}; a statement is of the schema of DEPOSIT",
        quote_value(namespace)
    );
    let line = document.text_pos_at(root.range().start).row;
    Err(vec![line_diagnostic(line.into(), message)])
}

fn transaction_elements<'d, 't>(
    document: &'d Document<'t>,
) -> impl Iterator<Item = Xml<'d, 't>> + use<'d, 't> {
    let nodes = document.descendants();
    nodes.filter(|node| node.tag_name().name().ends_with("Transaction"))
}

fn line_diagnostic(line: u64, message: String) -> Diagnostic {
    Diagnostic {
        line,
        column: 0,
        message,
    }
}

/// A line counter that moves forward through a text, so that the lines of all rows take one pass.
struct LineCounter<'t> {
    text: &'t str,
    offset: usize,
    line: u64,
}

impl<'t> LineCounter<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            offset: 0,
            line: 1,
        }
    }

    /// Moves to a byte, which must not be before the current one, and returns its line.
    fn advance_to(&mut self, byte: usize) -> u64 {
        let skipped = &self.text.as_bytes()[self.offset..byte];
        self.line += skipped
            .iter()
            .filter(|byte| **byte == b'\n')
            .map(|_| 1)
            .sum::<u64>();
        self.offset = byte;
        self.line
    }
}

/// The treatment of errors within a single row; those between rows are always reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RowErrors {
    Report,
    Skip,
}

/// Returns the balances that do not add up in the transactions of a bank account or a deposit.
fn check_balances(
    document: &Document<'_>,
    rows: &[Xml<'_, '_>],
    row_errors: RowErrors,
) -> Vec<Diagnostic> {
    let namespace = document
        .root_element()
        .tag_name()
        .namespace()
        .unwrap_or_default();
    match namespace.rsplit('/').next() {
        Some("deposit") if !rows.is_empty() => {
            let mut builder = StatementBuilder {
                row_errors,
                needs_narration: false,
                ..StatementBuilder::default()
            };
            builder.add_xml_rows(document);
            let summary = document
                .descendants()
                .find(|node| node.has_tag_name((namespace, "Summary")));
            let end = document
                .descendants()
                .find_map(|node| node.attribute("endDate"))
                .and_then(|day| day.parse().ok());
            builder.check_summary(summary, end);
            builder.into_ledger().err().unwrap_or_default()
        }
        Some("term_deposit" | "recurring_deposit") => {
            let mut lines = LineCounter::new(document.input_text());
            let diagnostics = rows.windows(2).filter_map(|pair| {
                let (previous, actual) = (deposit_balance(pair[0])?, deposit_balance(pair[1])?);
                let change = amount_attribute(pair[1], "amount")?;
                let is_outflow = matches!(pair[1].attribute("type"), Some("TDS" | "CLOSING"));
                let expected = if is_outflow {
                    previous - change
                } else {
                    previous + change
                };
                let id = pair[1].attribute("txnId").unwrap_or_default();
                let message = format!(
                    "{id}: balance is {actual}, but {previous} and {change} make {expected}"
                );
                let line = lines.advance_to(pair[1].range().start);
                (actual != expected).then_some(line_diagnostic(line, message))
            });
            diagnostics.take(DIAGNOSTICS_MAX).collect()
        }
        _ => Vec::new(),
    }
}

/// Returns the names that a column has in the two generations of the schemas.
fn column_names(name: &'static str) -> impl Iterator<Item = &'static str> {
    let retired = (name == BALANCE_COLUMN).then_some(balance_attribute(FiSchema::Retired));
    std::iter::once(name).chain(retired)
}

fn amount_attribute(row: Xml<'_, '_>, name: &str) -> Option<Paise> {
    row.attribute(name).and_then(Paise::parse)
}

/// Returns the balance after a transaction of a term or recurring deposit; its name depends on the
/// schema version.
fn deposit_balance(row: Xml<'_, '_>) -> Option<Paise> {
    amount_attribute(row, "balance").or_else(|| amount_attribute(row, "transactionalBalance"))
}

/// The rows that were read, with their errors.
struct StatementBuilder {
    /// `None` for an invalid row: the rows before and after it cannot be compared.
    rows: Vec<Option<ParsedRow>>,
    diagnostics: Vec<Diagnostic>,
    row_errors: RowErrors,
    /// `false` if the schema has said whether a narration may be missing.
    needs_narration: bool,
}

impl Default for StatementBuilder {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            diagnostics: Vec::new(),
            row_errors: RowErrors::Report,
            needs_narration: true,
        }
    }
}

struct ParsedRow {
    line: u64,
    /// The row's `txnId` and a space; empty if it has none.
    name: String,
    at: Timestamp,
    direction: TransactionType,
    mode: TransactionMode,
    amount: Paise,
    balance: Paise,
    /// The name that the file has for the balance.
    balance_column: &'static str,
    narration: String,
    reference: String,
}

impl StatementBuilder {
    fn is_full(&self) -> bool {
        self.diagnostics.len() >= DIAGNOSTICS_MAX || self.rows.len() >= ROWS_MAX
    }

    fn add_diagnostic(&mut self, line: u64, message: String) {
        if self.diagnostics.len() < DIAGNOSTICS_MAX {
            self.diagnostics.push(line_diagnostic(line, message));
        }
    }

    /// Compares the summary's balance with that of the last row before the summary's time. A
    /// summary later than `end`, the last day of the rows, cannot be checked.
    fn check_summary(&mut self, summary: Option<Xml<'_, '_>>, end: Option<NaiveDate>) {
        let Some((summary, end)) = summary.zip(end) else {
            return;
        };
        let stated_balance = summary.attribute("currentBalance").and_then(Paise::parse);
        let at = summary
            .attribute("balanceDateTime")
            .and_then(parse_ist_timestamp);
        let Some((stated_balance, at)) = stated_balance
            .zip(at)
            .filter(|(_, at)| at.ist_date() <= end)
        else {
            return;
        };
        let last = self.rows.iter().rev().flatten().find(|row| row.at <= at);
        let Some(row) = last.filter(|row| row.balance != stated_balance) else {
            return;
        };
        let message = format!(
            "Summary.currentBalance is {stated_balance}, but the last row {}has {}",
            row.name, row.balance
        );
        let place = summary.document().text_pos_at(summary.range().start);
        self.add_diagnostic(place.row.into(), message);
    }

    /// Adds the transactions of a document.
    fn add_xml_rows(&mut self, document: &Document<'_>) {
        let mut lines = LineCounter::new(document.input_text());
        for row in transaction_elements(document) {
            if self.is_full() {
                break;
            }
            self.add_row(lines.advance_to(row.range().start), &|name| {
                row.attribute(name).map(str::to_owned)
            });
        }
    }

    /// Adds a row, or its errors; `field` returns the text of a column.
    fn add_row(&mut self, line: u64, field: &dyn Fn(&str) -> Option<String>) {
        let mut messages = Vec::new();
        let balance_column = column_names(BALANCE_COLUMN)
            .find(|name| field(name).is_some())
            .unwrap_or(BALANCE_COLUMN);
        let [direction, amount, balance, at, narration] = REQUIRED_COLUMNS.map(|name| {
            let name = if name == BALANCE_COLUMN {
                balance_column
            } else {
                name
            };
            let value = field(name).filter(|value| !value.trim().is_empty());
            if value.is_none() && (self.needs_narration || name != "narration") {
                messages.push(format!("{name} is missing"));
            }
            value.unwrap_or_default()
        });
        let direction = check_parsed(
            TransactionType::parse(direction.trim()),
            ("type", &direction),
            "CREDIT or DEBIT",
            &mut messages,
        );
        let amount = check_parsed(
            Paise::parse(amount.trim()).filter(|amount| amount.0 > 0),
            ("amount", &amount),
            "an amount above 0, such as 1250.50, without commas and with at most two decimals",
            &mut messages,
        );
        let balance = check_parsed(
            Paise::parse(balance.trim()),
            (balance_column, &balance),
            "an amount, such as 1250.50, without commas and with at most two decimals",
            &mut messages,
        );
        let at = check_parsed(
            parse_ist_timestamp(at.trim()),
            ("transactionTimestamp", &at),
            "a date such as 2024-03-31, or with a time such as 2024-03-31T10:15:00+05:30",
            &mut messages,
        );
        let mode = field("mode").unwrap_or_default();
        let parsed_mode = if mode.is_empty() {
            Some(TransactionMode::Others)
        } else {
            TransactionMode::parse_any_name(mode.trim())
        };
        let mode = check_parsed(
            parsed_mode,
            ("mode", &mode),
            &format!("one of FT, {}", TransactionMode::accepted_names()),
            &mut messages,
        );
        let is_valid = messages.is_empty();
        if self.row_errors == RowErrors::Report {
            for message in messages {
                self.add_diagnostic(line, message);
            }
        }
        let (Some(direction), Some(amount), Some(balance), Some(at), Some(mode), true) =
            (direction, amount, balance, at, mode, is_valid)
        else {
            self.rows.push(None);
            return;
        };
        let reference = field("reference").unwrap_or_default();
        let name = field("txnId")
            .filter(|id| !id.is_empty())
            .map(|id| id + " ")
            .unwrap_or_default();
        self.rows.push(Some(ParsedRow {
            line,
            name,
            at,
            direction,
            mode,
            amount,
            balance,
            balance_column,
            narration,
            reference,
        }));
    }

    /// Checks balances and dates across rows and returns the ledger.
    fn into_ledger(mut self) -> Result<Ledger, Vec<Diagnostic>> {
        let mut messages = Vec::new();
        for pair in self.rows.windows(2) {
            let [Some(previous), Some(next)] = pair else {
                continue;
            };
            if next.at < previous.at {
                let (before, after) = (previous.at.ist_date(), next.at.ist_date());
                messages.push((
                    next.line,
                    format!(
                        "{}{after} follows {before}; sort the rows by time, oldest first",
                        next.name
                    ),
                ));
            }
            let expected = previous.balance + next.signed_amount();
            if expected != next.balance {
                let (balance_before, change) = (previous.balance, next.signed_amount());
                let ParsedRow {
                    name,
                    balance: actual,
                    balance_column,
                    ..
                } = next;
                messages.push((
                    next.line,
                    format!(
                        "{name}{balance_column} is {actual}, but {balance_before} and {change} make {expected}"
                    ),
                ));
            }
        }
        for (line, message) in messages {
            self.add_diagnostic(line, message);
        }
        if self.rows.is_empty() && self.diagnostics.is_empty() {
            self.add_diagnostic(0, "the file has no rows".to_owned());
        }
        let parsed_rows: Vec<ParsedRow> = self.rows.into_iter().flatten().collect();
        let Some(first) = parsed_rows.first().filter(|_| self.diagnostics.is_empty()) else {
            return Err(self.diagnostics);
        };
        let opening = first.balance - first.signed_amount();
        let last = parsed_rows.last().map_or(first.at, |row| row.at);
        let mut rows = Transactions::new(TimeRange {
            from: first.at,
            to: last,
        });
        let mut day = (0, 0);
        for row in &parsed_rows {
            let date = row
                .at
                .ist_date()
                .format("%Y%m%d")
                .to_string()
                .parse::<u64>()
                .unwrap_or(0);
            day = if day.0 == date {
                (date, day.1 + 1)
            } else {
                (date, 1)
            };
            rows.push(NewRow {
                at: row.at,
                transaction_type: row.direction,
                mode: row.mode,
                amount: row.amount,
                balance: row.balance,
                id: date * 100_000 + day.1,
                narration: &row.narration,
                reference: &row.reference,
            });
        }
        Ok(Ledger {
            opening_balance: opening,
            transactions: rows,
        })
    }
}

impl ParsedRow {
    /// Returns the change of the balance: positive for a credit.
    fn signed_amount(&self) -> Paise {
        self.direction.sign(self.amount)
    }
}

/// Returns a parsed value. If it is `None` and the column is not empty, adds a message with the
/// expected format.
fn check_parsed<T>(
    parsed: Option<T>,
    (name, text): (&str, &str),
    expected: &str,
    messages: &mut Vec<String>,
) -> Option<T> {
    if parsed.is_none() && !text.is_empty() {
        messages.push(format!("{name} {} is not {expected}", quote_value(text)));
    }
    parsed
}

/// Parses a date, or a date and time. Without an offset it is Indian Standard Time.
fn parse_ist_timestamp(text: &str) -> Option<Timestamp> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(Timestamp::from_millis(at.timestamp_millis()));
    }
    if let Ok(local) = text.replace(' ', "T").parse::<chrono::NaiveDateTime>() {
        return Some(Timestamp::from_ist(local));
    }
    text.parse::<NaiveDate>()
        .ok()
        .map(|day| Timestamp::from_ist(day.and_time(NaiveTime::MIN)))
}

fn read_csv(text: &str, builder: &mut StatementBuilder) -> Result<(), Vec<Diagnostic>> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::Headers)
        .flexible(true)
        .from_reader(text.as_bytes());
    let header = reader
        .headers()
        .map_err(|error| vec![csv_diagnostic(&error)])?
        .clone();
    if header.get(0) == Some("element") {
        let message = "the statement is not of type DEPOSIT; CSV and JSON are checked for DEPOSIT only, use XML for other types";
        return Err(vec![line_diagnostic(1, message.to_owned())]);
    }
    let missing: Vec<&str> = REQUIRED_COLUMNS
        .into_iter()
        .filter(|name| !column_names(name).any(|name| header.iter().any(|known| known == name)))
        .collect();
    if !missing.is_empty() {
        let (missing, all) = (
            missing.join(", "),
            list_columns(FiSchema::Current).join(","),
        );
        let message = format!("the header lacks {missing}; the columns are {all}");
        return Err(vec![line_diagnostic(1, message)]);
    }
    let mut lines = LineCounter::new(text);
    for record in reader.records() {
        let record = record.map_err(|error| vec![csv_diagnostic(&error)])?;
        // The line numbers of the reader are one too low if lines end with CRLF.
        let start = record.position().map_or(0, csv::Position::byte);
        let start = usize::try_from(start).unwrap_or(text.len()).min(text.len());
        let newline_bytes = text[start..]
            .bytes()
            .take_while(|byte| matches!(byte, b'\r' | b'\n'))
            .count();
        let line = lines.advance_to(start + newline_bytes);
        let (actual, expected) = (record.len(), header.len());
        if actual != expected {
            let message = format!(
                "the row has {actual} fields, but the header has {expected}; quote a text that contains a comma, write amounts without commas"
            );
            builder.add_diagnostic(line, message);
            builder.rows.push(None);
            continue;
        }
        builder.add_row(line, &|name| {
            let column = header.iter().position(|known| known == name)?;
            record.get(column).map(str::to_owned)
        });
        if builder.is_full() {
            break;
        }
    }
    Ok(())
}

fn csv_diagnostic(error: &csv::Error) -> Diagnostic {
    let line = error.position().map_or(0, csv::Position::line);
    line_diagnostic(line, format!("invalid CSV: {error}"))
}

/// Reads a list of transactions, or an account that has one (`Transactions.Transaction`).
fn read_json(text: &str, builder: &mut StatementBuilder) -> Result<(), Vec<Diagnostic>> {
    let tree = node::parse_tree(text).map_err(|diagnostic| vec![diagnostic])?;
    let transactions = find_transactions(&tree).ok_or_else(|| {
        let message = "the file is neither a list of transactions nor an account with Transactions.Transaction; CSV and \
                       JSON are checked for DEPOSIT only, use XML for other types";
        vec![diagnostic_at(tree.referenced, message.to_owned())]
    })?;
    if let Some(fi_type) = find_value(find_value(&tree, "Account").unwrap_or(&tree), "type")
        .and_then(scalar_text)
        .filter(|fi_type| fi_type != "deposit")
    {
        let message = format!(
            "the statement is of type {fi_type}; CSV and JSON are checked for DEPOSIT only, use XML for other types"
        );
        return Err(vec![diagnostic_at(tree.referenced, message)]);
    }
    for row in transactions {
        let line = row.referenced.line();
        if matches!(row.value, Node::Map(_)) {
            builder.add_row(line, &|name| scalar_text(find_value(row, name)?));
        } else {
            builder.add_diagnostic(
                line,
                format!(
                    "a transaction must be keys with values, not {}",
                    row.value.describe_kind()
                ),
            );
        }
        if builder.is_full() {
            break;
        }
    }
    Ok(())
}

fn find_transactions(tree: &SpannedNode) -> Option<&[SpannedNode]> {
    match &tree.value {
        Node::List(rows) => Some(rows),
        Node::Map(_) => {
            let account = find_value(tree, "Account").unwrap_or(tree);
            find_transactions(find_value(
                find_value(account, "Transactions")?,
                "Transaction",
            )?)
        }
        _ => None,
    }
}

/// Returns the value of a key. Gateways write some names with a small first letter
/// (`docs/sources.md#fi-schemas`).
fn find_value<'t>(tree: &'t SpannedNode, name: &str) -> Option<&'t SpannedNode> {
    let Node::Map(entries) = &tree.value else {
        return None;
    };
    entries
        .iter()
        .find(|(key, _)| key.value == name || key.value == lowercase_first(name))
        .map(|(_, value)| value)
}

fn scalar_text(value: &SpannedNode) -> Option<String> {
    match &value.value {
        Node::Text(text) => Some(text.clone()),
        Node::Integer(number) => Some(number.to_string()),
        Node::Float(number) => Some(number.to_string()),
        _ => None,
    }
}
