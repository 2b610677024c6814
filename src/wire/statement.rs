//! Bank statements that somebody else has made, CSV or JSON: taken as they are after everything about them has been checked.
//!
//! The columns are those of the FI schema's `Transaction` (DEPOSIT v1), which `mockaa data generate` writes too.

use chrono::{DateTime, NaiveDate, NaiveTime};
use roxmltree::{Document, Node as Xml};

use crate::domain::consent::{TimeRange, TransactionType};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::money::Paise;
use crate::domain::statement::{Ledger, NewRow, TransactionMode, Transactions};
use crate::domain::time::Timestamp;
use crate::wire::fi::csv::COLUMNS;
use crate::wire::fi::validate as schema;
use crate::wire::fields::quote_value;
use crate::wire::yaml::diagnostic_at;
use crate::wire::yaml::node::{self, Node, SpannedNode};

/// Those that a row cannot do without.
const REQUIRED_COLUMNS: [&str; 5] = [
    "type",
    "amount",
    "currentBalance",
    "transactionTimestamp",
    "narration",
];

/// A statement of one's own has no more rows.
const ROWS_MAX: usize = 1_000_000;

/// After so many faults nobody reads on.
const DIAGNOSTICS_MAX: usize = 50;

/// Reads a statement: JSON if it begins so, else CSV with a header.
///
/// # Errors
/// Everything that is wrong, up to a bound, each with its line.
pub fn parse(bytes: &[u8]) -> Result<Ledger, Vec<Diagnostic>> {
    let file_diagnostic = |message: String| {
        vec![Diagnostic {
            line: 0,
            column: 0,
            message,
        }]
    };
    let text =
        std::str::from_utf8(bytes).map_err(|_| file_diagnostic("it is not UTF-8".to_owned()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = StatementBuilder::default();
    if text.trim_start().starts_with(['{', '[']) {
        read_json(text, &mut builder)?;
    } else {
        read_csv(text, &mut builder)?;
    }
    builder.into_ledger()
}

/// What was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedStatement {
    /// What kind of file it is.
    pub format: &'static str,
    pub rows: usize,
}

/// Checks a statement: a document of a ReBIT schema in XML, or what [`read`] reads.
///
/// Of schema version 2.0.0 the sums are checked alone.
///
/// # Errors
/// Everything that is wrong, up to a bound, each with its line.
pub fn check_document(bytes: &[u8]) -> Result<CheckedStatement, Vec<Diagnostic>> {
    let text = std::str::from_utf8(bytes)
        .unwrap_or_default()
        .trim_start_matches('\u{feff}')
        .trim_start();
    if !text.starts_with('<') {
        let format = if text.starts_with(['{', '[']) {
            "JSON"
        } else {
            "CSV"
        };
        return parse(bytes).map(|ledger| CheckedStatement {
            format,
            rows: ledger.transactions.rows.len(),
        });
    }
    let document = Document::parse(text).map_err(|error| {
        let place = error.pos();
        vec![Diagnostic {
            line: place.row.into(),
            column: place.col.into(),
            message: format!("it is no XML: {error}"),
        }]
    })?;
    let is_schema_v2 = document.root_element().attribute("version") == Some("2.0.0");
    let mut diagnostics = if is_schema_v2 {
        Vec::new()
    } else {
        schema::validate_document(&document)
    };
    let rows: Vec<_> = document
        .descendants()
        .filter(|node| node.tag_name().name().ends_with("Transaction"))
        .collect();
    diagnostics.extend(check_balances(&document, &rows, diagnostics.is_empty()));
    diagnostics.sort_by_key(|fault| (fault.line, fault.column));
    let format = if is_schema_v2 {
        "XML (its sums, not the schema, which is checked of version 1)"
    } else {
        "XML"
    };
    if diagnostics.is_empty() {
        Ok(CheckedStatement {
            format,
            rows: rows.len(),
        })
    } else {
        Err(diagnostics)
    }
}

/// Counts lines on the way through a text, so that the places of many rows cost one walk.
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

    /// The line of a byte that does not lie before the last one asked for.
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

/// What does not add up in a bank account's transactions, or in a deposit's. What is wrong with a single row is told where
/// the schema has not told it.
fn check_balances(
    document: &Document<'_>,
    rows: &[Xml<'_, '_>],
    reports_rows: bool,
) -> Vec<Diagnostic> {
    let namespace = document
        .root_element()
        .tag_name()
        .namespace()
        .unwrap_or_default();
    let mut lines = LineCounter::new(document.input_text());
    match namespace.rsplit('/').next() {
        Some("deposit") if !rows.is_empty() => {
            let mut builder = StatementBuilder {
                reports_rows,
                ..StatementBuilder::default()
            };
            for row in rows {
                let attribute = |name: &str| row.attribute(name);
                // Version 2.0.0 calls it otherwise.
                let field = |name: &str| match name {
                    "currentBalance" => {
                        attribute(name).or_else(|| attribute("transactionalBalance"))
                    }
                    name => attribute(name),
                };
                builder.add_row(lines.advance_to(row.range().start), &|name| {
                    field(name).map(str::to_owned)
                });
            }
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
            let parse_amount = |row: &Xml<'_, '_>, name| row.attribute(name).and_then(Paise::parse);
            let parse_balance = |row: &Xml<'_, '_>| {
                parse_amount(row, "balance").or_else(|| parse_amount(row, "transactionalBalance"))
            };
            let wrong = rows.windows(2).filter_map(|pair| {
                let (previous, actual) = (parse_balance(&pair[0])?, parse_balance(&pair[1])?);
                let change = parse_amount(&pair[1], "amount")?;
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
                (actual != expected).then_some(Diagnostic {
                    line,
                    column: 0,
                    message,
                })
            });
            wrong.take(DIAGNOSTICS_MAX).collect()
        }
        _ => Vec::new(),
    }
}

/// The rows read so far, and what is wrong with them.
struct StatementBuilder {
    /// None where a row could not be read: what comes after it cannot be held against what came before.
    rows: Vec<Option<ParsedRow>>,
    diagnostics: Vec<Diagnostic>,
    /// Whether what is wrong with a single row is told.
    reports_rows: bool,
}

impl Default for StatementBuilder {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            diagnostics: Vec::new(),
            reports_rows: true,
        }
    }
}

struct ParsedRow {
    line: u64,
    /// The row's `txnId` and a space; nothing where it has none.
    name: String,
    at: Timestamp,
    direction: TransactionType,
    mode: TransactionMode,
    amount: Paise,
    balance: Paise,
    narration: String,
    reference: String,
}

impl StatementBuilder {
    fn is_full(&self) -> bool {
        self.diagnostics.len() >= DIAGNOSTICS_MAX || self.rows.len() >= ROWS_MAX
    }

    fn add_diagnostic(&mut self, line: u64, message: String) {
        if self.diagnostics.len() < DIAGNOSTICS_MAX {
            self.diagnostics.push(Diagnostic {
                line,
                column: 0,
                message,
            });
        }
    }

    /// Holds a summary against the rows, where they reach up to the instant that it is of.
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
            "Summary.currentBalance is {stated_balance}, but {}leaves {}",
            row.name, row.balance
        );
        let place = summary.document().text_pos_at(summary.range().start);
        self.add_diagnostic(place.row.into(), message);
    }

    /// Takes a row; `field` gives the text of a column.
    fn add_row(&mut self, line: u64, field: &dyn Fn(&str) -> Option<String>) {
        let mut messages = Vec::new();
        let mut require_column = |name: &str| {
            let value = field(name).filter(|value| !value.trim().is_empty());
            if value.is_none() {
                messages.push(format!("{name} is missing"));
            }
            value.unwrap_or_default()
        };
        let [direction, amount, balance, at, narration] = REQUIRED_COLUMNS.map(&mut require_column);
        let mut check_format = |name: &str, text: &str, expected: &str, is_valid: bool| {
            if !text.is_empty() && !is_valid {
                messages.push(format!("{name} {} is not {expected}", quote_value(text)));
            }
        };
        let parsed_direction = TransactionType::parse(direction.trim());
        check_format(
            "type",
            &direction,
            "CREDIT or DEBIT",
            parsed_direction.is_some(),
        );
        let parsed_amount = Paise::parse(amount.trim()).filter(|amount| amount.0 > 0);
        check_format(
            "amount",
            &amount,
            "an amount above nothing, such as 1250.50: no commas, at most two decimals",
            parsed_amount.is_some(),
        );
        let parsed_balance = Paise::parse(balance.trim());
        check_format(
            "currentBalance",
            &balance,
            "an amount, such as 1250.50: no commas, at most two decimals",
            parsed_balance.is_some(),
        );
        let parsed_at = parse_ist_timestamp(at.trim());
        let expected =
            "a date such as 2024-03-31, or with a time such as 2024-03-31T10:15:00+05:30";
        check_format("transactionTimestamp", &at, expected, parsed_at.is_some());
        let mode = field("mode").unwrap_or_default();
        let parsed_mode = if mode.is_empty() {
            Some(TransactionMode::Others)
        } else {
            TransactionMode::parse_any_version(mode.trim())
        };
        check_format(
            "mode",
            &mode,
            &format!("one of FT, {}", TransactionMode::accepted_names()),
            parsed_mode.is_some(),
        );
        let is_valid = messages.is_empty();
        if self.reports_rows {
            for message in messages {
                self.add_diagnostic(line, message);
            }
        }
        let (Some(direction), Some(amount), Some(balance), Some(at), Some(mode), true) = (
            parsed_direction,
            parsed_amount,
            parsed_balance,
            parsed_at,
            parsed_mode,
            is_valid,
        ) else {
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
            narration,
            reference,
        }));
    }

    /// Balances and dates, which only rows together can get wrong.
    fn into_ledger(mut self) -> Result<Ledger, Vec<Diagnostic>> {
        let signed_amount = |row: &ParsedRow| {
            if row.direction == TransactionType::Credit {
                row.amount
            } else {
                -row.amount
            }
        };
        let mut messages = Vec::new();
        for pair in self.rows.windows(2) {
            let [Some(previous), Some(next)] = pair else {
                continue;
            };
            if next.at < previous.at {
                let (before, after) = (previous.at.ist_date(), next.at.ist_date());
                messages.push((
                    next.line,
                    format!("{}{after} comes after {before}; rows are in the order of time, oldest first", next.name),
                ));
            }
            let expected = previous.balance + signed_amount(next);
            if expected != next.balance {
                let (balance_before, change) = (previous.balance, signed_amount(next));
                let ParsedRow {
                    name,
                    balance: actual,
                    ..
                } = next;
                messages.push((
                    next.line,
                    format!(
                        "{name}currentBalance is {actual}, but {balance_before} and {change} make {expected}"
                    ),
                ));
            }
        }
        for (line, message) in messages {
            self.add_diagnostic(line, message);
        }
        if self.rows.is_empty() && self.diagnostics.is_empty() {
            self.add_diagnostic(0, "it has no rows".to_owned());
        }
        let parsed_rows: Vec<ParsedRow> = self.rows.into_iter().flatten().collect();
        let Some(first) = parsed_rows.first().filter(|_| self.diagnostics.is_empty()) else {
            return Err(self.diagnostics);
        };
        let opening = first.balance - signed_amount(first);
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

/// A day, or an instant; without an offset it is Indian time.
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
    let csv_diagnostic = |error: &csv::Error| {
        let line = error.position().map_or(0, csv::Position::line);
        vec![Diagnostic {
            line,
            column: 0,
            message: format!("it is no CSV: {error}"),
        }]
    };
    let header = reader
        .headers()
        .map_err(|error| csv_diagnostic(&error))?
        .clone();
    if header.get(0) == Some("element") {
        let message = "it is of another kind than DEPOSIT; in CSV and JSON bank statements are checked, in XML all kinds";
        return Err(vec![Diagnostic {
            line: 1,
            column: 0,
            message: message.to_owned(),
        }]);
    }
    let find_column = |name: &str| header.iter().position(|known| known == name);
    let missing: Vec<&str> = REQUIRED_COLUMNS
        .into_iter()
        .filter(|name| find_column(name).is_none())
        .collect();
    if !missing.is_empty() {
        let (missing, all) = (missing.join(", "), COLUMNS.join(","));
        let message = format!("the header lacks {missing}; columns are {all}");
        return Err(vec![Diagnostic {
            line: 1,
            column: 0,
            message,
        }]);
    }
    let columns = COLUMNS.map(find_column);
    let mut lines = LineCounter::new(text);
    for record in reader.records() {
        let record = record.map_err(|error| csv_diagnostic(&error))?;
        // The reader's own lines are one too low where they end as Windows ends them.
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
                "it has {actual} fields, and the header {expected}; a text with a comma in it stands in quotes, an amount has none"
            );
            builder.add_diagnostic(line, message);
            builder.rows.push(None);
            continue;
        }
        let field = |name: &str| {
            let column = COLUMNS.iter().position(|known| *known == name)?;
            record.get(columns[column]?).map(str::to_owned)
        };
        builder.add_row(line, &field);
        if builder.is_full() {
            break;
        }
    }
    Ok(())
}

/// A list of transactions, or an account that has one (`Transactions.Transaction`).
fn read_json(text: &str, builder: &mut StatementBuilder) -> Result<(), Vec<Diagnostic>> {
    let tree = node::parse_tree(text).map_err(|diagnostic| vec![diagnostic])?;
    let transactions = find_transactions(&tree).ok_or_else(|| {
        let message = "it is neither a list of transactions nor an account with Transactions.Transaction; in JSON and CSV \
                       bank statements are checked, in XML all kinds";
        vec![diagnostic_at(tree.referenced, message.to_owned())]
    })?;
    if let Some(kind) = find_value(find_value(&tree, "Account").unwrap_or(&tree), "type")
        .and_then(scalar_text)
        .filter(|kind| kind != "deposit")
    {
        let message = format!(
            "it is a statement of {kind}; in JSON and CSV those of deposit are checked, in XML all kinds"
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
                    "a transaction is keys with values, not {}",
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

fn find_value<'t>(tree: &'t SpannedNode, name: &str) -> Option<&'t SpannedNode> {
    let Node::Map(entries) = &tree.value else {
        return None;
    };
    entries
        .iter()
        .find(|(key, _)| key.value == name)
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
